//! The learning rate by epoch.

use std::f64::consts::PI;

use serde::Deserialize;

/// Change of the learning rate from epoch to epoch: a [`Shape`] after a warm-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pub shape: Shape,
    /// So many epochs first rise in equal steps from `1 / (warm_up + 1)` of the learning rate
    /// (`torch.optim.lr_scheduler.LinearLR` with this start factor).
    pub warm_up: u32,
}

/// The learning rate after the warm-up.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// The same in every epoch.
    Constant,
    /// Annealed to zero over the epochs after the warm-up by [`cosine`].
    Cosine,
    /// Multiplied by `factor` at some epochs, which are counted from 0 and include the warm-up.
    Step { epochs: StepEpochs, factor: f64 },
}

/// The epochs at which a [`Shape::Step`] changes the learning rate.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum StepEpochs {
    /// Every so many epochs (`StepLR`).
    Every(u32),
    /// After so many epochs, each (`MultiStepLR`).
    After(Vec<u32>),
}

impl StepEpochs {
    /// The number of changes up to `epoch`, counted from 0.
    fn until(&self, epoch: u32) -> u32 {
        match self {
            StepEpochs::Every(every) => epoch.checked_div(*every).unwrap_or(0),
            StepEpochs::After(epochs) => {
                epochs.iter().filter(|&&after| after <= epoch).count() as u32
            }
        }
    }
}

impl Schedule {
    /// A shape without warm-up.
    pub fn new(shape: Shape) -> Self {
        Self { shape, warm_up: 0 }
    }

    /// The learning rate of `epoch`, counted from 0, of `epochs`.
    pub fn rate(&self, start: f64, epoch: u32, epochs: u32) -> f64 {
        let warm_up = self.warm_up;
        match &self.shape {
            Shape::Cosine if epoch >= warm_up => cosine(start, epoch - warm_up, epochs - warm_up),
            Shape::Cosine | Shape::Constant => start * self.warmth(epoch),
            Shape::Step { epochs, factor } => {
                start * self.warmth(epoch) * factor.powf(f64::from(epochs.until(epoch)))
            }
        }
    }

    /// The part of the learning rate that the warm-up has reached.
    fn warmth(&self, epoch: u32) -> f64 {
        if epoch >= self.warm_up {
            return 1.0;
        }
        (f64::from(epoch) + 1.0) / (f64::from(self.warm_up) + 1.0)
    }
}

/// Cosine annealing to 0 stepped once an epoch (PyTorch's `CosineAnnealingLR` with `T_max = epochs`):
/// the rate of `epoch` (counted from 0) is `start * (1 + cos(pi * epoch / epochs)) / 2`.
pub fn cosine(start: f64, epoch: u32, epochs: u32) -> f64 {
    0.5 * start * (1.0 + (PI * f64::from(epoch) / f64::from(epochs)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_at_the_top_and_would_end_at_zero() {
        assert_eq!(cosine(1e-3, 0, 100), 1e-3);
        assert!((cosine(1e-3, 50, 100) - 5e-4).abs() < 1e-18);
        assert!(cosine(1e-3, 100, 100).abs() < 1e-18);
    }

    #[test]
    fn a_warm_up_ends_at_the_learning_rate() {
        let schedule = Schedule {
            shape: Shape::Constant,
            warm_up: 3,
        };
        let rates = [0, 1, 2, 3, 4].map(|epoch| schedule.rate(0.4, epoch, 5));
        for (rate, expected) in rates.into_iter().zip([0.1, 0.2, 0.3, 0.4, 0.4]) {
            assert!((rate - expected).abs() < 1e-15, "{rates:?}");
        }
    }
}
