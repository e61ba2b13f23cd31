//! The end of training by the number of training images, and the power law of the test loss.

use eigenscope_artifact::tables::scaling::{PowerLawRow, ScalingRow};
use eigenscope_artifact::tables::training::FinalRow;

use crate::error::MetricError;
use crate::statistics::{Observations, PowerLaw, aggregate};

/// Mean loss and accuracy over the models with each number of training images, from the (images, end of training)
/// of all models: one row a number of images, ascending.
///
/// # Errors
/// Returns an error if the aggregation fails.
pub fn scaling(ends: &[(u32, FinalRow)]) -> Result<Vec<ScalingRow>, MetricError> {
    let mut observations = Observations::<1, 4>::default();
    for (images, last) in ends {
        observations.push(
            [*images],
            [
                last.train_loss_nats,
                last.train_accuracy_fraction,
                last.test_loss_nats,
                last.test_accuracy_fraction,
            ],
        );
    }
    let groups = aggregate(observations)?.into_iter().map(|group| {
        let [images] = group.keys;
        let [
            train_loss_nats,
            train_accuracy_fraction,
            test_loss_nats,
            test_accuracy_fraction,
        ] = group.means;
        ScalingRow {
            images,
            models: group.count,
            train_loss_nats,
            train_accuracy_fraction,
            test_loss_nats,
            test_accuracy_fraction,
        }
    });
    Ok(groups.collect())
}

/// The [`PowerLaw`] of the mean test loss, in nats, over the number of training images; every row counts once.
///
/// # Errors
/// Returns the errors of [`PowerLaw::fit`].
pub fn power_law(rows: &[ScalingRow]) -> Result<PowerLawRow, MetricError> {
    let points: Vec<(f64, f64)> = rows
        .iter()
        .map(|row| (f64::from(row.images), row.test_loss_nats))
        .collect();
    let law = PowerLaw::fit(&points)?;
    Ok(PowerLawRow {
        quantity: "test_loss_nats".to_owned(),
        points: points.len() as u32,
        coefficient: law.coefficient,
        exponent: law.exponent,
        exponent_half_width: law.exponent_half_width,
        r_squared: law.r_squared,
    })
}
