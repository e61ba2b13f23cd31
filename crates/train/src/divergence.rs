//! The likely cause of a training that diverges, judged by its recipe and its images.

use crate::adam::AdamConstants;
use crate::augment::Augmentation;
use crate::data_set::DataSet;
use crate::optimiser::OptimiserKind;
use crate::sgd::SgdConstants;
use crate::training::Recipe;

/// Inputs beyond this size are not scaled: scaled ones reach 1, normalised ones about 3.
const LARGE_INPUT: f32 = 10.0;

/// The most likely cause and its remedy, as the second half of a sentence.
pub(crate) fn likely_cause(recipe: &Recipe, train: &DataSet) -> String {
    let learning_rate = recipe.learning_rate;
    match recipe.optimiser {
        // |1 - lr wd| > 1
        OptimiserKind::AdamW(AdamConstants { weight_decay, .. })
            if learning_rate * weight_decay > 2.0 =>
        {
            return format!(
                "every step multiplies the weights by 1 - learning_rate * weight_decay = {}, so they grow; lower `learning_rate` \
                 ({learning_rate}) or `weight_decay` ({weight_decay}) until their product is below 2",
                1.0 - learning_rate * weight_decay
            );
        }
        OptimiserKind::Sgd(SgdConstants { momentum, .. }) if momentum >= 1.0 => {
            return format!(
                "with a momentum of {momentum} no step is ever forgotten; lower `momentum` below 1"
            );
        }
        OptimiserKind::Adam(_) | OptimiserKind::AdamW(_) | OptimiserKind::Sgd(_) => {}
    }
    let largest = largest_input(train);
    let noise = recipe.augment.iter().find_map(|step| match *step {
        Augmentation::Noise { std } if std > f64::from(largest) => Some(std),
        _ => None,
    });
    if let Some(std) = noise {
        return format!(
            "the noise (standard deviation {std}) is larger than any input ({largest}); lower it"
        );
    }
    if largest > LARGE_INPUT {
        return format!(
            "inputs reach {largest}; scale the images (`transforms = [\"scale\"]`), or lower `learning_rate` ({learning_rate})"
        );
    }
    format!("lower `learning_rate` ({learning_rate})")
}

fn largest_input(train: &DataSet) -> f32 {
    let batches = train.batches();
    batches.fold(0.0, |largest, (inputs, _)| {
        inputs
            .iter()
            .fold(largest, |largest: f32, input| largest.max(input.abs()))
    })
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::{PixelTransform, Pixels};

    use super::*;
    use crate::schedule::{Schedule, Shape};
    use crate::training::LastBatch;

    fn images(transforms: &[PixelTransform]) -> DataSet {
        let pixels = Pixels::new([1, 2, 2], 255, transforms).expect("it fits");
        DataSet::new(&pixels, vec![0, 255, 7, 9], vec![0])
    }

    fn cause(
        learning_rate: f64,
        noise_std: f64,
        optimiser: OptimiserKind,
        train: &DataSet,
    ) -> String {
        let recipe = Recipe {
            epochs: 1,
            epoch_fraction: 1.0,
            batch: 1,
            last_batch: LastBatch::Kept,
            learning_rate,
            schedule: Schedule::new(Shape::Constant),
            optimiser,
            augment: vec![Augmentation::Noise { std: noise_std }],
            evaluate_before: false,
        };
        likely_cause(&recipe, train)
    }

    #[test]
    fn the_cause_is_what_is_out_of_proportion() {
        let (scaled, plain) = (images(&[PixelTransform::Scale]), images(&[]));
        let decay = OptimiserKind::adamw;
        let momentum = OptimiserKind::sgd;
        for (found, expected) in [
            (
                cause(1e-3, 0.4, decay(1e6), &plain),
                "= -999, so they grow; lower `learning_rate` (0.001) or `weight_decay` (1000000) until their product is below 2",
            ),
            (
                cause(1e-2, 0.0, momentum(1.0), &scaled),
                "lower `momentum` below 1",
            ),
            (
                cause(1e-3, 1e6, decay(1.0), &scaled),
                "larger than any input (1); lower it",
            ),
            (
                cause(1e-2, 0.0, momentum(0.9), &plain),
                "inputs reach 255; scale the images",
            ),
            (
                cause(1e3, 0.4, decay(0.0), &scaled),
                "lower `learning_rate` (1000)",
            ),
        ] {
            assert!(found.contains(expected), "{found}");
        }
    }
}
