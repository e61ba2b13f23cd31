//! Names and colours of models in figures with a curve for each, which several models can share.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_figure::{ColourMap, Legend, Rgb};
use eigenscope_stage::Input;

use super::labels::{self, Differences};
use crate::parts::series::enumerate;

/// Most models with categorical colours. Colours of more models run from dark to light.
const CATEGORIES: usize = 10;

/// How the curves of one model look.
pub(crate) struct Look {
    /// Entry in the legend.
    pub(crate) name: String,
    /// Position of the name among all.
    pub(crate) place: usize,
    pub(crate) colour: Rgb,
}

/// How the curves of several models look.
pub(crate) struct Looks {
    pub(crate) legend: Legend,
    /// The look of each.
    pub(crate) members: Vec<Look>,
}

impl Looks {
    /// Models of one name look the same: their hidden size if all have one, otherwise what tells them apart.
    pub(crate) fn of(inputs: &[Input]) -> Self {
        let sizes = inputs.iter().map(|input| input.label_u64("hidden"));
        let sizes: Option<Vec<u64>> = sizes.collect();
        let by_size = sizes.is_some();
        let (title, names): (String, Vec<String>) = match sizes {
            Some(sizes) => (
                "Hidden size".to_owned(),
                sizes.iter().map(u64::to_string).collect(),
            ),
            None => {
                let (title, names) = labels::legend(inputs);
                (labels::capitalised(&title), names)
            }
        };
        let mut runs: BTreeMap<&String, usize> = BTreeMap::new();
        let mut distinct: Vec<&String> = Vec::new();
        for name in &names {
            let runs = runs.entry(name).or_default();
            if *runs == 0 {
                distinct.push(name);
            }
            *runs += 1;
        }
        let numbers = distinct.iter().map(|name| name.parse::<f64>().ok());
        let numbers: Option<Vec<f64>> = numbers.collect();
        let is_numeric = numbers.is_some();
        if let Some(numbers) = numbers {
            let mut order: Vec<usize> = (0..numbers.len()).collect();
            order.sort_by(|one, other| numbers[*one].total_cmp(&numbers[*other]));
            distinct = order.into_iter().map(|index| distinct[index]).collect();
        }
        let is_quantity = is_numeric && distinct.len() > 1 && title != "Seed";
        let ordered = by_size || is_quantity || distinct.len() > CATEGORIES;
        let colours: Vec<Rgb> = match ordered {
            true => ColourMap::Viridis.series(distinct.len()),
            false => (0..distinct.len()).map(Rgb::categorical).collect(),
        };
        let looks = colours.into_iter().enumerate();
        let looks: BTreeMap<&String, (usize, Rgb)> = distinct.into_iter().zip(looks).collect();
        let members = names.iter().map(|name| {
            let (place, colour) = looks.get(name).copied().unwrap_or((0, Rgb::BLACK));
            let name = match runs.get(name) {
                Some(runs @ 2..) => format!("{name} (n = {runs})"),
                _ => name.clone(),
            };
            Look {
                name,
                place,
                colour,
            }
        });
        let legend = Legend::right(title);
        Self {
            members: members.collect(),
            legend: if ordered { legend.ordered() } else { legend },
        }
    }

    /// A sentence about the labels in which models of one look differ, after a space; empty if they differ in none.
    pub(crate) fn shared(&self, inputs: &[Input]) -> String {
        let mut groups: BTreeMap<usize, Vec<&Input>> = BTreeMap::new();
        for (look, input) in self.members.iter().zip(inputs) {
            groups.entry(look.place).or_default().push(input);
        }
        let differing: BTreeSet<String> = groups
            .values()
            .flat_map(|group| Differences::of(group.iter().map(|input| &input.labels)).names())
            .collect();
        if differing.is_empty() {
            return String::new();
        }
        format!(
            " Curves of one colour differ in {}.",
            enumerate(differing.iter())
        )
    }
}
