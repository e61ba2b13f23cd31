//! Accuracy of a model by the rank that the weight of one of its layers is clipped to.

use eigenscope_artifact::CovarianceOf;
use eigenscope_artifact::tables::layers::{ClippingRow, LearnedDimensionsRow};
use eigenscope_models::{Architecture, Layer, Runner};
use rayon::prelude::*;

use super::clipped_layer::images_at_once;
use crate::error::MetricError;
use crate::split_images::SplitImages;

/// Correct predictions of the unclipped model.
///
/// # Errors
/// Returns an error if burn does not hand back values.
pub(crate) fn correct_unclipped(
    architecture: &Architecture,
    runner: &Runner,
    images: &SplitImages,
) -> Result<usize, MetricError> {
    let tile = images_at_once(architecture.steps());
    let tiles = images.labels.par_chunks(tile).enumerate();
    tiles
        .map(|(index, labels)| {
            let first = index * tile;
            let inputs = images.inputs(first..first + labels.len());
            Ok(runner.evaluate(&inputs, labels)?.correct)
        })
        .try_reduce(|| 0, |first, second| Ok(first + second))
}

/// Correct predictions by the rank that one layer is clipped to.
pub(crate) struct ClippingCurve {
    /// The covariance whose eigenvectors are kept.
    pub(crate) of: CovarianceOf,
    pub(crate) layer: Layer,
    /// Values of an eigenvector.
    pub(crate) width: usize,
    /// Eigenvalues that leave the Marchenko-Pastur law, where that is known.
    pub(crate) spikes: Option<u32>,
    /// Correct predictions for rank 1, 2, ...
    pub(crate) correct: Vec<usize>,
    pub(crate) images: usize,
}

impl ClippingCurve {
    fn accuracy_fraction(&self, correct: usize) -> f64 {
        correct as f64 / self.images as f64
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = ClippingRow> {
        (1..)
            .zip(&self.correct)
            .map(|(kept, &correct)| ClippingRow {
                of: self.of.name().to_owned(),
                layer: self.layer.name.clone(),
                kept,
                correct: correct as u32,
                images: self.images as u32,
                accuracy_fraction: self.accuracy_fraction(correct),
            })
    }

    /// The ranks whose accuracy is at least that of the `unclipped` model minus `within_fraction`, and that of the spikes.
    pub(crate) fn learned_dimensions(
        &self,
        unclipped: usize,
        within_fraction: f64,
    ) -> LearnedDimensionsRow {
        let allowed = within_fraction * self.images as f64;
        let enough = |correct: &usize| unclipped as f64 - *correct as f64 <= allowed;
        let rank = |position: usize| position as u32 + 1;
        let last_loss = self.correct.iter().rposition(|correct| !enough(correct));
        let dimensions = last_loss.map_or(0, |position| position + 1);
        let at_spikes = self.spikes.and_then(|spikes| {
            let position = (spikes as usize).checked_sub(1)?;
            self.correct.get(position)
        });
        LearnedDimensionsRow {
            of: self.of.name().to_owned(),
            layer: self.layer.name.clone(),
            inputs: self.width as u32,
            accuracy_fraction: self.accuracy_fraction(unclipped),
            within_fraction,
            dimensions: (dimensions < self.correct.len()).then(|| rank(dimensions)),
            first_dimensions: self.correct.iter().position(enough).map(rank),
            spikes: self.spikes,
            spikes_accuracy_fraction: at_spikes.map(|correct| self.accuracy_fraction(*correct)),
        }
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::InputShape;
    use eigenscope_models::networks;

    use super::*;

    fn learned(correct: &[usize], spikes: Option<u32>) -> LearnedDimensionsRow {
        let network = networks::mlp(vec![]);
        let architecture = network
            .architecture(InputShape::from([1, 2, 3]), vec!["a".to_owned()])
            .expect("any input fits");
        let (_, layer) = architecture.layers().next().expect("one layer");
        let curve = ClippingCurve {
            of: CovarianceOf::Weights,
            layer: layer.clone(),
            width: layer.inputs(),
            spikes,
            correct: correct.to_vec(),
            images: 1000,
        };
        curve.learned_dimensions(900, 0.01)
    }

    #[test]
    fn a_lone_peak_is_not_the_learned_dimensions() {
        let row = learned(&[500, 895, 880, 889, 890, 905], Some(3));
        assert_eq!((row.first_dimensions, row.dimensions), (Some(2), Some(5)));
        assert_eq!(row.spikes_accuracy_fraction, Some(0.88));

        let never = learned(&[500, 895, 880], Some(0));
        assert_eq!((never.first_dimensions, never.dimensions), (Some(2), None));
        assert_eq!(
            (never.spikes, never.spikes_accuracy_fraction),
            (Some(0), None)
        );
        let always = learned(&[900, 901], None);
        assert_eq!(
            (always.first_dimensions, always.dimensions),
            (Some(1), Some(1))
        );
        assert_eq!(learned(&[1], Some(1)).first_dimensions, None);
    }
}
