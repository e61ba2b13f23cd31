//! How spread out eigenvalues and eigenvectors are.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::tables::interactions::ParticipationRow;
use eigenscope_artifact::{Eigenpairs, Selection};

use crate::error::MetricError;
use crate::statistics::{Observations, aggregate};

/// The participation ratio `(sum |x_i|)^2 / sum x_i^2`: n for n values of equal size, 1 for a single one; `None` if all are zero.
///
/// Source: Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability* (2025), appendix E.
pub fn participation_ratio(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut squares) = (0.0_f64, 0.0_f64);
    for value in values {
        sum += value.abs();
        squares += value * value;
    }
    (squares > 0.0).then(|| sum * sum / squares)
}

/// The participation ratios of one model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Participation {
    /// Of the eigenvalues of every class.
    pub eigenvalues: Vec<f64>,
    /// Of the components in input space of the measured eigenvectors, class by class.
    pub eigenvectors: Vec<f64>,
    /// Eigenvectors measured of each class.
    pub count: usize,
}

impl Participation {
    /// Measures all eigenvalues of every class, and the first `min(count, d)` eigenvectors of `selection`. `task` is the decomposition's
    /// name for messages.
    ///
    /// # Errors
    /// Returns an error if the eigenvectors are not certain to be stored, or if all eigenvalues of a class or all components of a
    /// vector are zero.
    pub fn new(
        spectrum: &[SpectrumRow],
        pairs: &Eigenpairs,
        task: &str,
        selection: Selection,
        count: usize,
    ) -> Result<Self, MetricError> {
        let zero = |class: usize, what: &str| {
            let problem =
                format!("{task}, class {class}: {what}, so they have no participation ratio");
            MetricError::Numerics(problem)
        };
        let mut found = Self {
            count: count.min(pairs.header.size as usize),
            ..Self::default()
        };
        for class in 0..pairs.header.classes.len() {
            let values = spectrum.iter().filter(|row| row.class as usize == class);
            let ratio = participation_ratio(values.map(|row| row.eigenvalue));
            let ratio = ratio.ok_or_else(|| zero(class, "all eigenvalues are zero"))?;
            found.eigenvalues.push(ratio);
            let first = pairs.select(class, selection, count);
            for pair in first.map_err(MetricError::of_selection)? {
                let components = pair.input_vector.iter().map(|&value| f64::from(value));
                let ratio = participation_ratio(components);
                let ratio = ratio
                    .ok_or_else(|| zero(class, "the components of an eigenvector are zero"))?;
                found.eigenvectors.push(ratio);
            }
        }
        Ok(found)
    }
}

/// The means over some models.
///
/// # Errors
/// Returns an error if there is none, or if the aggregation fails.
pub fn mean_participation(models: &[Participation]) -> Result<ParticipationRow, MetricError> {
    let [eigenvalues, eigenvectors] = [
        |model: &Participation| model.eigenvalues.clone(),
        |model: &Participation| model.eigenvectors.clone(),
    ]
    .map(|pick| {
        let mut observations = Observations::<1, 1>::default();
        for value in models.iter().flat_map(pick) {
            observations.push([0], [value]);
        }
        let group = aggregate(observations)?.into_iter().next();
        group.ok_or_else(|| MetricError::TooFew("there is no model to average".to_owned()))
    });
    let (eigenvalues, eigenvectors) = (eigenvalues?, eigenvectors?);
    Ok(ParticipationRow {
        models: models.len() as u32,
        eigenvalue_ratio_mean: eigenvalues.means[0],
        eigenvalue_ratio_std: eigenvalues.deviations[0],
        eigenvectors: models.iter().map(|model| model.count).max().unwrap_or(0) as u32,
        eigenvector_ratio_mean: eigenvectors.means[0],
        eigenvector_ratio_std: eigenvectors.deviations[0],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_count_what_takes_part() {
        let ratio = |values: &[f64]| participation_ratio(values.iter().copied());
        assert_eq!(ratio(&[2.0, -2.0, 2.0]), Some(3.0));
        assert_eq!(ratio(&[0.0, -5.0, 0.0]), Some(1.0));
        assert_eq!(ratio(&[3.0, 1.0]), Some(1.6));
        assert_eq!(ratio(&[0.0]), None);
        assert_eq!(ratio(&[]), None);
    }
}
