//! Loss and error by number of training images, with fitted power laws.

use eigenscope_artifact::tables::scaling::{PowerLawRow, ScalingRow};
use eigenscope_artifact::{Labelled, Labels, read_labelled};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::groups::{groups, legend};
use crate::inputs::labels;
use crate::parts::chance::{Chance, near_error_line};
use crate::parts::floor::{Floored, ratio_range};
use crate::parts::series::enumerate;
use eigenscope_figure::{
    Axes, Axis, ColourMap, Dash, Figure, Layer, Legend, Line, Marker, MarkerShape, Panel, Rgb,
    Tick, ticks,
};

/// Smallest distance of ticks on the axis of images, relative to its length.
const TICK_GAP: f64 = 0.15;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "scaling",
        "loss and error by number of training images, with fitted power laws",
        task_function!(run),
    )
    .reads(Role::one(
        "scaling",
        ScalingRow::KIND,
        "losses and accuracies to draw",
    ))
    .reads(
        Role::one("power_law", PowerLawRow::KIND, "power laws of the losses")
            .agrees(Agreement::task("power_law", "scaling")),
    )
}

/// A column of the table that is drawn as a curve.
#[derive(Clone, Copy)]
struct Quantity {
    /// Name of the column.
    column: &'static str,
    /// Name in the legend.
    name: &'static str,
    colour: Rgb,
    marker: MarkerShape,
    value: fn(&ScalingRow) -> f64,
}

const LOSSES: [Quantity; 2] = [
    Quantity {
        column: "train_loss_nats",
        name: "training",
        colour: Rgb::categorical(0),
        marker: MarkerShape::Circle,
        value: |row| row.train_loss_nats,
    },
    Quantity {
        column: "test_loss_nats",
        name: "test",
        colour: Rgb::categorical(1),
        marker: MarkerShape::Diamond,
        value: |row| row.test_loss_nats,
    },
];

/// Errors of both splits in %, with the names and colours of their losses.
const ERRORS: [Quantity; 2] = {
    let [train, test] = LOSSES;
    [
        Quantity {
            column: "train_accuracy_fraction",
            value: |row| 100.0 * (1.0 - row.train_accuracy_fraction),
            ..train
        },
        Quantity {
            column: "test_accuracy_fraction",
            value: |row| 100.0 * (1.0 - row.test_accuracy_fraction),
            ..test
        },
    ]
};

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("scaling")?;
    let mut rows: Vec<Labelled<ScalingRow>> = read_labelled(&input.path)?;
    let laws: Vec<Labelled<PowerLawRow>> = read_labelled(context.path("power_law")?)?;
    rows.sort_by_key(|row| row.row.images);
    let groups = groups(&rows);
    let group_labels: Vec<&Labels> = groups.iter().map(|(labels, _)| *labels).collect();
    let (heading, names) = legend(&group_labels);
    let colours = ColourMap::Viridis.series(groups.len());
    let mut all = Vec::new();
    for (((labels, rows), name), colour) in groups.into_iter().zip(names).zip(colours) {
        let own = laws.iter().filter(|law| law.labels == *labels);
        let group = Group {
            // A single group has a colour for each split.
            look: (!name.is_empty()).then_some((name, colour)),
            rows,
            laws: own.map(|law| &law.row).collect(),
        };
        group.check()?;
        all.push(group);
    }
    if all.is_empty() {
        return Err("the table has no rows".into());
    }
    let title = labels::titled("Scaling with the number of training images", input);
    let chance = Chance::of(&context.about("scaling")?);
    write(context, draw(&all, title, heading, chance))
}

/// Rows with the same labels.
struct Group<'a> {
    /// Name and colour; `None` if there is only one group.
    look: Option<(String, Rgb)>,
    /// Rows by ascending number of images.
    rows: Vec<&'a ScalingRow>,
    laws: Vec<&'a PowerLawRow>,
}

impl Group<'_> {
    /// Checks rows and power laws.
    ///
    /// # Errors
    /// A value that is not finite, a number of images that is zero or occurs twice, and a power law of another quantity.
    fn check(&self) -> Result<(), TaskError> {
        let twice = self
            .rows
            .windows(2)
            .any(|two| two[0].images == two[1].images);
        if twice || self.rows.iter().any(|row| row.images == 0) {
            return Err("expected each number of training images once, and none of 0".into());
        }
        for quantity in LOSSES.iter().chain(&ERRORS) {
            let broken = |row: &&&ScalingRow| !(quantity.value)(row).is_finite();
            if let Some(row) = self.rows.iter().find(broken) {
                return Err(
                    format!("{} at {} images is no number", quantity.column, row.images).into(),
                );
            }
        }
        for law in &self.laws {
            let columns = LOSSES.map(|quantity| quantity.column);
            if !columns.contains(&law.quantity.as_str()) {
                return Err(format!(
                    "a power law of `{}`; those of {} can be drawn",
                    law.quantity,
                    enumerate(columns.iter())
                )
                .into());
            }
            if !(law.coefficient > 0.0 && law.coefficient.is_finite() && law.exponent.is_finite()) {
                return Err(format!(
                    "the power law {} * images^{} is no curve on logarithmic axes",
                    law.coefficient, law.exponent
                )
                .into());
            }
        }
        Ok(())
    }

    /// A quantity in the colour of this group.
    fn own(&self, quantity: &Quantity) -> Quantity {
        let colour = self
            .look
            .as_ref()
            .map_or(quantity.colour, |(_, colour)| *colour);
        Quantity {
            colour,
            ..*quantity
        }
    }

    /// A name followed by that of the group.
    fn named(&self, name: &str) -> String {
        match &self.look {
            Some((group, _)) => format!("{name}, {group}"),
            None => name.to_owned(),
        }
    }

    fn curves(&self, quantities: &[Quantity]) -> Vec<Line> {
        let curves = quantities.iter().map(|quantity| {
            let quantity = self.own(quantity);
            let x = self.rows.iter().map(|row| f64::from(row.images)).collect();
            let y = self.rows.iter().map(|row| (quantity.value)(row)).collect();
            Line {
                marker: Some(Marker::new(quantity.marker)),
                ..Line::new(x, y, quantity.colour).named(self.named(quantity.name))
            }
        });
        curves.collect()
    }

    fn fits(&self) -> Vec<Line> {
        let laws = LOSSES.iter().flat_map(|quantity| {
            let own = self
                .laws
                .iter()
                .filter(|law| law.quantity == quantity.column);
            own.map(|law| {
                let line = fit(&self.own(quantity), law, &self.rows);
                let name = line.name.as_deref().map(|name| self.named(name));
                Line { name, ..line }
            })
        });
        laws.collect()
    }
}

fn draw(groups: &[Group<'_>], title: String, heading: String, chance: Option<Chance>) -> Figure {
    let curves = |quantities: &[Quantity]| -> Vec<Line> {
        groups
            .iter()
            .flat_map(|group| group.curves(quantities))
            .collect()
    };
    let fits: Vec<Line> = groups.iter().flat_map(Group::fits).collect();
    let fitted = fitted(groups);
    let mut sizes: Vec<u32> = groups
        .iter()
        .flat_map(|group| group.rows.iter().map(|row| row.images))
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    let (losses, no_loss) = panel(
        "Loss",
        "Cross-entropy (nats)",
        &sizes,
        curves(&LOSSES),
        fits,
        None,
    );
    let ends = sizes.first().zip(sizes.last());
    let ends = ends.map_or((1.0, 1.0), |(first, last)| {
        (f64::from(*first), f64::from(*last))
    });
    let error_curves = curves(&ERRORS);
    let values = error_curves.iter().flat_map(|line| &line.y).copied();
    let guessed = near_error_line(ends, values, chance);
    let (errors, no_error) = panel(
        "Error",
        "Error (%)",
        &sizes,
        error_curves,
        Vec::new(),
        guessed,
    );
    let models = groups
        .iter()
        .flat_map(|group| &group.rows)
        .map(|row| row.models);
    let averaged = match models.max().unwrap_or(1) {
        1 => String::new(),
        models => format!(", averaged over up to {models} models"),
    };
    let ends = match groups {
        [group] => group.rows.first().zip(group.rows.last()),
        _ => None,
    };
    let change = ends.map_or_else(String::new, |(first, last)| {
        format!(
            " From {} to {} images, the test loss goes from {} to {} nats and the test error from {} to {} %.",
            ticks::grouped(u64::from(first.images)),
            ticks::grouped(u64::from(last.images)),
            ticks::significant(first.test_loss_nats, 2),
            ticks::significant(last.test_loss_nats, 2),
            ticks::decimal(100.0 * (1.0 - first.test_accuracy_fraction), 1),
            ticks::decimal(100.0 * (1.0 - last.test_accuracy_fraction), 1),
        )
    });
    let zero = match no_loss || no_error {
        true => " Values of 0 stand on the lowest line, below the break of the axis.",
        false => "",
    };
    Figure::new(
        title,
        format!(
            "Training and test loss and share of wrongly classified images at the end of training with {} \
             images{averaged}; all axes logarithmic.{change}{fitted}{zero}",
            enumerate(
                sizes
                    .iter()
                    .map(|images| ticks::grouped(u64::from(*images)))
            )
        ),
        860.0,
        2,
        vec![losses, errors],
    )
    .with_legend(Legend::below(labels::capitalised(&heading)))
}

/// A sentence about the dashed lines; empty if there are none.
fn fitted(groups: &[Group<'_>]) -> String {
    let is_fitted = |quantity: &&Quantity| {
        let mut laws = groups.iter().flat_map(|group| &group.laws);
        laws.any(|law| law.quantity == quantity.column)
    };
    let losses: Vec<&str> = LOSSES
        .iter()
        .filter(is_fitted)
        .map(|quantity| quantity.name)
        .collect();
    let count: usize = groups.iter().map(|group| group.laws.len()).sum();
    let intervals = groups
        .iter()
        .flat_map(|group| &group.laws)
        .any(|law| law.exponent_half_width.is_some());
    let interval = if intervals {
        " with its 90% interval"
    } else {
        ""
    };
    match (losses.as_slice(), count) {
        ([], _) => String::new(),
        (losses, 1) => format!(
            " The dashed line is a power law fitted to the {} loss, its exponent{interval} in the legend.",
            enumerate(losses.iter())
        ),
        (losses, _) => format!(
            " Dashed lines are power laws fitted to the {} loss, each exponent{interval} in the legend.",
            enumerate(losses.iter())
        ),
    }
}

/// A panel, and whether some of its values are at the floor.
fn panel(
    title: &str,
    label: &str,
    sizes: &[u32],
    curves: Vec<Line>,
    fits: Vec<Line>,
    guessed: Option<Line>,
) -> (Panel, bool) {
    let mut lines = curves;
    lines.extend(fits);
    lines.extend(guessed);
    let values = || lines.iter().flat_map(|line| &line.y).copied();
    let floored = Floored::around(values);
    let layers = lines.into_iter().map(|line| {
        let y = line
            .y
            .into_iter()
            .map(|value| floored.place(value))
            .collect();
        Layer::Line(Line { y, ..line })
    });
    let layers = layers.collect();
    let y = floored.ticked_axis(label);
    let axes = Axes::new(images_axis(sizes), y, layers);
    (
        Panel::axes(title, axes.with_aspect(0.8)),
        floored.word().is_some(),
    )
}

/// A power law from the smallest to the largest number of images, with its exponent in the legend.
fn fit(quantity: &Quantity, law: &PowerLawRow, rows: &[&ScalingRow]) -> Line {
    let ends = [rows.first(), rows.last()].into_iter().flatten();
    let x: Vec<f64> = ends.map(|row| f64::from(row.images)).collect();
    let value = |images: &f64| law.coefficient * images.powf(law.exponent);
    let half = law.exponent_half_width;
    let half = half.map(|half| format!(" ± {}", ticks::decimal(half, 2)));
    let exponent = format!(
        "{}{}",
        ticks::decimal(law.exponent, 2),
        half.unwrap_or_default()
    );
    let y = x.iter().map(value).collect();
    let line = Line::new(x, y, quantity.colour);
    Line {
        dash: Dash::Dashed,
        width: 1.2,
        ..line.named(format!(
            "{} loss, fitted: images^{{{exponent}}}",
            quantity.name
        ))
    }
}

/// A logarithmic axis with ticks at the numbers of images that have room.
fn images_axis(sizes: &[u32]) -> Axis {
    let images = || sizes.iter().copied();
    let range = ratio_range(images().map(f64::from)).unwrap_or((1.0, 2.0));
    let length = (range.1 / range.0).ln();
    let mut major: Vec<Tick> = Vec::new();
    for images in images() {
        let at = f64::from(images);
        let clear = |tick: &Tick| (at / tick.at).ln() >= TICK_GAP * length;
        if major.last().is_none_or(clear) {
            major.push(Tick::new(at, ticks::grouped(u64::from(images))));
        }
    }
    Axis::log("Training images", range)
        .with_major(major)
        .with_minor(vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_images_that_crowd_have_one_tick() {
        let texts = |images: &[u32]| -> Vec<String> {
            let major = images_axis(images).major;
            major.into_iter().map(|tick| tick.text).collect()
        };
        assert_eq!(texts(&[3750, 7500, 15_000]), ["3,750", "7,500", "15,000"]);
        assert_eq!(texts(&[100, 101, 102, 60_000]), ["100", "60,000"]);
        assert_eq!(texts(&[500]), ["500"]);
    }
}
