//! Eigenvectors of many models, and the pairs of models whose eigenvectors are compared.

use eigenscope_artifact::{Eigenpairs, Labelled, Labels, Selection};
use eigenscope_stage::{Input, ParameterType};
use serde::Deserialize;

use crate::compatibility::{check_classes, check_shapes};
use crate::error::MetricError;
use crate::statistics::{Group, label_ranks};

/// Which eigenvectors are ranked how, and which models form a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// Largest |lambda| first. Within one size the distinct pairs i < j, between sizes all (i, j).
    Corrected,
    /// As in the published notebook: most negative eigenvalue first; pairs i <= j of any two sizes, a model
    /// with itself included (which inflates a size against itself).
    Published,
}

impl Variant {
    pub(crate) fn parameter_type() -> ParameterType {
        ParameterType::choice(&[Self::Corrected.name(), Self::Published.name()])
    }

    /// Name in parameters and tables.
    pub const fn name(self) -> &'static str {
        match self {
            Variant::Corrected => "corrected",
            Variant::Published => "published",
        }
    }

    /// Order of the eigenvectors.
    pub fn selection(self) -> Selection {
        match self {
            Variant::Corrected => Selection::Magnitude,
            Variant::Published => Selection::Lowest,
        }
    }

    /// Whether seed i of one model and seed j of the other form a pair.
    pub fn pairs(self, i: u64, j: u64, same_size: bool) -> bool {
        match self {
            Variant::Corrected => i < j || !same_size,
            Variant::Published => i <= j,
        }
    }
}

/// The first eigenvectors of every class of one model, in input space, normalised to length 1.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelVectors {
    pub hidden: u32,
    /// Seed, or whatever else puts the models of a group in an order.
    pub seed: u64,
    /// `[class][rank]`, f64 unit vectors of D values.
    units: Vec<Vec<Vec<f64>>>,
}

impl ModelVectors {
    /// Takes the first `min(count, d)` eigenvectors of `variant`'s order from every class. `task` is
    /// the eigenpairs' name for messages.
    ///
    /// # Errors
    /// Returns an error if they are not certain to be stored, or if one of them is zero and has no direction.
    pub fn new(
        pairs: &Eigenpairs,
        task: &str,
        seed: u64,
        variant: Variant,
        count: usize,
    ) -> Result<Self, MetricError> {
        let classes = pairs.header.classes.len();
        let mut units = Vec::with_capacity(classes);
        for class in 0..classes {
            let first = pairs.select(class, variant.selection(), count);
            let first = first.map_err(MetricError::of_selection)?;
            let mut ranks = Vec::with_capacity(first.len());
            for (rank, pair) in first.into_iter().enumerate() {
                let unit = unit(&pair.input_vector).ok_or_else(|| {
                    MetricError::Numerics(format!(
                        "{task}, class {class}, rank {rank}: the eigenvector in input space is zero, it has no cosine"
                    ))
                })?;
                ranks.push(unit);
            }
            units.push(ranks);
        }
        Ok(Self {
            hidden: pairs.header.size,
            seed,
            units,
        })
    }

    pub fn classes(&self) -> usize {
        self.units.len()
    }

    /// |cos| of the eigenvectors of equal `class` and `rank`, in f64: between 0 and 1 up to rounding.
    /// `None` where one of the models has no such eigenvector.
    pub fn absolute_cosine(&self, other: &Self, class: usize, rank: usize) -> Option<f64> {
        let a = self.units.get(class)?.get(rank)?;
        let b = other.units.get(class)?.get(rank)?;
        Some(a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().abs())
    }
}

/// `vector` divided by its length, in f64; `None` for a vector of length 0.
fn unit(vector: &[f32]) -> Option<Vec<f64>> {
    let square: f64 = vector.iter().map(|&value| f64::from(value).powi(2)).sum();
    let length = square.sqrt();
    (length > 0.0).then(|| vector.iter().map(|&v| f64::from(v) / length).collect())
}

/// Two models that are compared.
#[derive(Debug, Clone, Copy)]
pub struct SeedPair<'a> {
    /// The model whose seed is called i.
    pub first: &'a ModelVectors,
    /// The model whose seed is called j.
    pub second: &'a ModelVectors,
}

/// The pairs of a model of size `first` with one of size `second`, in the order of the models.
pub(crate) fn pairs(
    models: &[ModelVectors],
    variant: Variant,
    first: u32,
    second: u32,
) -> Vec<SeedPair<'_>> {
    let of_size = |size| models.iter().filter(move |model| model.hidden == size);
    of_size(first)
        .flat_map(|i| of_size(second).map(move |j| (i, j)))
        .filter(|(i, j)| variant.pairs(i.seed, j.seed, first == second))
        .map(|(first, second)| SeedPair { first, second })
        .collect()
}

/// The hidden sizes of `models`, ascending, each once.
pub(crate) fn sizes(models: &[ModelVectors]) -> Vec<u32> {
    let mut sizes: Vec<u32> = models.iter().map(|model| model.hidden).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The models of one group, sorted by hidden size and seed.
#[derive(Debug)]
pub(crate) struct ModelGroup {
    pub(crate) labels: Labels,
    pub(crate) models: Vec<ModelVectors>,
}

impl ModelGroup {
    /// Rows of this group's averages.
    pub(crate) fn label<R>(&self, rows: Vec<R>) -> impl Iterator<Item = Labelled<R>> {
        let labels = self.labels.clone();
        rows.into_iter().map(move |row| Labelled {
            labels: labels.clone(),
            row,
        })
    }
}

/// Reads the models' first `count` eigenvectors. Models are paired within a group: they differ in the label `over`,
/// whose values stand for the seeds in ascending order, and in hidden size.
///
/// Only these vectors stay in memory: `8 C count D` bytes a model (1.3 MB for MNIST and 20 ranks).
///
/// # Errors
/// Returns an error if an artifact cannot be read or has other classes or input shapes than the first, if `over` does not tell
/// two models of one size apart, and the errors of [`ModelVectors::new`].
pub(crate) fn read_models(
    inputs: &[Input],
    over: &str,
    variant: Variant,
    count: usize,
) -> Result<Vec<ModelGroup>, MetricError> {
    let values: Vec<_> = inputs.iter().map(|input| input.labels.get(over)).collect();
    let mut models: Vec<(&Input, ModelVectors)> = Vec::with_capacity(inputs.len());
    let mut first = None;
    for (input, seed) in inputs.iter().zip(label_ranks(&values)) {
        let pairs = Eigenpairs::read(&input.path)?;
        let header = &pairs.header;
        let (task, shape, classes) =
            first.get_or_insert_with(|| (input.task.clone(), header.shape, header.classes.clone()));
        check_shapes(task, *shape, &input.task, header.shape)?;
        check_classes(task, classes, &input.task, &header.classes)?;
        let vectors = ModelVectors::new(&pairs, &input.task, seed, variant, count)?;
        models.push((input, vectors));
    }
    let groups = Group::all(models, over, &["hidden"])?.into_iter();
    let groups = groups.map(|group| {
        group.check(over, |model| model.hidden)?;
        let models = group.members.into_iter().map(|(_, model)| model);
        let mut models: Vec<ModelVectors> = models.collect();
        models.sort_by_key(|model| (model.hidden, model.seed));
        let labels = group.labels;
        Ok(ModelGroup { labels, models })
    });
    groups.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_compared_with_whom() {
        let pairs = |variant: Variant, same| -> Vec<(u64, u64)> {
            (0..3)
                .flat_map(|i| (0..3).map(move |j| (i, j)))
                .filter(|&(i, j)| variant.pairs(i, j, same))
                .collect()
        };
        assert_eq!(pairs(Variant::Corrected, true), [(0, 1), (0, 2), (1, 2)]);
        assert_eq!(pairs(Variant::Corrected, false).len(), 9);
        let published = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
        assert_eq!(pairs(Variant::Published, true), published);
        assert_eq!(pairs(Variant::Published, false), published);
    }
}
