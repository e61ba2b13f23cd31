//! The learning rate by epoch.

use std::f64::consts::PI;

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
}
