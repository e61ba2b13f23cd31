//! The Marchenko-Pastur law: the eigenvalues that a covariance of pure noise has.
//!
//! For W `[n, p]` of independent entries of mean 0 and variance sigma^2, the eigenvalues of W^T W / n `[p, p]` fill,
//! as n and p grow at a fixed ratio gamma = p / n, the density
//!
//! ```text
//! f(x) = sqrt((b - x)(x - a)) / (2 pi sigma^2 gamma x)   on   a, b = sigma^2 (1 -+ sqrt(gamma))^2
//! ```
//!
//! which has the mass min(1, 1/gamma). For gamma > 1 the rest, 1 - 1/gamma, are the zeros that the rank leaves over.
//! Eigenvalues have the unit of sigma^2.
//!
//! With x = sigma^2 (1 + gamma + 2 sqrt(gamma) cos t), t from 0 at b to pi at a, the part of the non-zero eigenvalues
//! above x is elementary:
//!
//! ```text
//! T(t) = [(1 + gamma) t - 2 sqrt(gamma) sin t - 2 |1 - gamma| atan(|1 - sqrt(gamma)| / (1 + sqrt(gamma)) tan(t / 2))]
//!        / (2 pi min(1, gamma))
//! ```
//!
//! Source: Marchenko and Pastur, *Distribution of eigenvalues for some sets of random matrices* (1967). The angle is
//! used because the antiderivative in x loses half its digits at the edges.

use std::f64::consts::PI;

use crate::error::DecomposeError;

/// The law for one variance and one shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MarchenkoPastur {
    variance: f64,
    ratio: f64,
}

impl MarchenkoPastur {
    /// The law for entries of `variance` sigma^2 and the `ratio` gamma = p / n.
    ///
    /// # Errors
    /// Returns an error unless both are positive and finite.
    pub fn new(variance: f64, ratio: f64) -> Result<Self, DecomposeError> {
        let positive = |value: f64| value > 0.0 && value.is_finite();
        if positive(variance) && positive(ratio) {
            Ok(Self { variance, ratio })
        } else {
            Err(DecomposeError::Undefined(format!(
                "the Marchenko-Pastur law needs a positive variance and a positive ratio, found {variance} and {ratio}"
            )))
        }
    }

    /// a and b: the smallest and the largest non-zero eigenvalue of the limit.
    pub fn edges(self) -> (f64, f64) {
        let edge = |root: f64| self.variance * (1.0 + root).powi(2);
        (edge(-self.ratio.sqrt()), edge(self.ratio.sqrt()))
    }

    /// Part of the p eigenvalues that is 0: 1 - 1/gamma, or none for gamma <= 1.
    pub fn zeros(self) -> f64 {
        (1.0 - 1.0 / self.ratio).max(0.0)
    }

    /// f(x), which integrates to `1 - zeros()`; 0 on the edges and outside.
    pub fn density(self, x: f64) -> f64 {
        let (a, b) = self.edges();
        if x <= a || x >= b {
            return 0.0;
        }
        ((b - x) * (x - a)).sqrt() / (2.0 * PI * self.variance * self.ratio * x)
    }

    /// Part of all eigenvalues that are at most x, zeros included.
    pub fn cumulative(self, x: f64) -> f64 {
        let (a, b) = self.edges();
        if x < a {
            return if x < 0.0 { 0.0 } else { self.zeros() };
        }
        let angle = 2.0 * (b - x).max(0.0).sqrt().atan2((x - a).sqrt());
        1.0 - (1.0 - self.zeros()) * self.above(angle)
    }

    /// The x that a part `above` of the non-zero eigenvalues exceeds: b for 0, a for 1.
    ///
    /// Bisection of T to the last bit of the angle. T itself has 16 digits, 13 for a gamma of 1e-3, so that the part
    /// above the result is right to 1e-12.
    pub fn quantile(self, above: f64) -> f64 {
        let (mut low, mut high) = (0.0, PI);
        loop {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.above(middle) < above {
                low = middle;
            } else {
                high = middle;
            }
        }
        // a + (b - a) cos^2(t / 2), which keeps the digits of an x near a = 0.
        let (a, b) = self.edges();
        a + (b - a) * (0.5 * high).cos().powi(2)
    }

    /// T(t).
    fn above(self, angle: f64) -> f64 {
        let (ratio, root) = (self.ratio, self.ratio.sqrt());
        let slope = (1.0 - root).abs() / (1.0 + root);
        let sum = (1.0 + ratio) * angle
            - 2.0 * root * angle.sin()
            - 2.0 * (1.0 - ratio).abs() * (slope * (0.5 * angle).tan()).atan();
        sum / (2.0 * PI * ratio.min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_matrix_follows_the_quarter_circle() {
        // gamma = 1: singular values s = sqrt(x) have the density sqrt(4 - s^2) / pi on 0..2.
        let law = MarchenkoPastur::new(1.0, 1.0).expect("positive");
        assert_eq!((law.edges(), law.zeros()), ((0.0, 4.0), 0.0));
        for s in [0.01_f64, 0.5, 1.0, 1.9] {
            let circle = (4.0 - s * s).sqrt() / PI;
            assert!((law.density(s * s) * 2.0 * s - circle).abs() < 1e-14);
            let below = (s * (4.0 - s * s).sqrt() / 2.0 + 2.0 * (s / 2.0).asin()) / PI;
            assert!((law.cumulative(s * s) - below).abs() < 1e-14);
        }
    }

    #[test]
    fn zeros_are_counted_once() {
        let law = MarchenkoPastur::new(0.5, 4.0).expect("positive");
        assert_eq!((law.edges(), law.zeros()), ((0.5, 4.5), 0.75));
        let found = [-0.1, 0.0, 0.4, 0.5, 4.5, 9.0].map(|x| law.cumulative(x));
        assert_eq!(found, [0.0, 0.75, 0.75, 0.75, 1.0, 1.0]);
        assert_eq!([0.4, 0.5, 4.5].map(|x| law.density(x)), [0.0; 3]);
    }

    #[test]
    fn outside_the_domain() {
        for (variance, ratio) in [
            (0.0, 1.0),
            (1.0, -1.0),
            (f64::NAN, 1.0),
            (1.0, f64::INFINITY),
        ] {
            let refused = MarchenkoPastur::new(variance, ratio);
            assert!(matches!(refused, Err(DecomposeError::Undefined(_))));
        }
    }
}
