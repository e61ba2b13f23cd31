//! The power law that the largest of some values follow.

/// The density `p(x) = (alpha - 1) / minimum * (x / minimum)^-alpha` on `x >= minimum`, fitted to the largest values of a sample.
///
/// For every value m of the sample but the largest, the n values `x >= m` have the likelihood's maximum at
///
/// ```text
/// alpha = 1 + n / sum ln(x / m)
/// ```
///
/// and the largest difference between its distribution and theirs, with the values in ascending order,
///
/// ```text
/// distance = max_j |1 - (x_j / m)^(1 - alpha) - j / n|,   j = 0 .. n - 1
/// ```
///
/// `minimum` is the m of smallest distance (the smallest of equal ones). Fewer than 50 values leave much to chance.
///
/// Source: Clauset, Shalizi and Newman, *Power-law distributions in empirical data* (2009); as in the packages powerlaw and
/// weightwatcher, of which the latter corrects alpha for fewer than 20 values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLawTail {
    pub alpha: f64,
    /// The smallest value that the law is fitted to.
    pub minimum: f64,
    /// How many values it is fitted to.
    pub count: usize,
    /// The Kolmogorov-Smirnov distance.
    pub distance: f64,
}

impl PowerLawTail {
    /// The best fit to positive `values` in ascending order; `None` if fewer than two differ. Time grows with the square of their
    /// number: 0.3 s for 4,000.
    pub fn fit(values: &[f64]) -> Option<Self> {
        let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        let mut best: Option<Self> = None;
        for (start, minimum) in values.iter().enumerate() {
            if start > 0 && values[start - 1] == *minimum {
                continue;
            }
            let tail = Self::above(*minimum, &logarithms[start..]);
            if let Some(tail) = tail
                && best.is_none_or(|best| tail.distance < best.distance)
            {
                best = Some(tail);
            }
        }
        best
    }

    /// The law above `minimum`, from the logarithms of all values from there on; `None` if they are all the same.
    fn above(minimum: f64, logarithms: &[f64]) -> Option<Self> {
        let (count, first) = (logarithms.len(), *logarithms.first()?);
        let sum: f64 = logarithms.iter().map(|value| value - first).sum();
        if sum <= 0.0 {
            return None;
        }
        let alpha = 1.0 + count as f64 / sum;
        let differences = logarithms.iter().enumerate().map(|(at, value)| {
            let expected = -((1.0 - alpha) * (value - first)).exp_m1();
            (expected - at as f64 / count as f64).abs()
        });
        Some(Self {
            alpha,
            minimum,
            count,
            distance: differences.fold(0.0, f64::max),
        })
    }

    /// The standard error of alpha, (alpha - 1) / sqrt(n).
    pub fn error(&self) -> f64 {
        (self.alpha - 1.0) / (self.count as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_power_law_have_its_exponent() {
        for alpha in [1.5, 2.5, 6.0] {
            let quantile =
                |at: usize| 3.0 * (1.0 - (at as f64 + 0.5) / 2000.0).powf(1.0 / (1.0 - alpha));
            let values: Vec<f64> = (0..2000).map(quantile).collect();
            let found = PowerLawTail::fit(&values).expect("they differ");
            assert!((found.alpha / alpha - 1.0).abs() < 0.01, "{found:?}");
            assert!(found.distance < 1e-3, "{found:?}");
        }
    }

    #[test]
    fn what_is_below_the_tail_is_left_out() {
        // Nothing of a uniform bulk below 1 follows the law above.
        let bulk = (0..300).map(|at| 0.5 + at as f64 / 600.0);
        let tail = (0..200).map(|at| (1.0 - (at as f64 + 0.5) / 200.0_f64).powf(-0.5));
        let values: Vec<f64> = bulk.chain(tail).collect();
        let found = PowerLawTail::fit(&values).expect("they differ");
        assert!((found.alpha - 3.0).abs() < 0.1, "{found:?}");
        assert!((190..=215).contains(&found.count), "{found:?}");
    }

    #[test]
    fn two_values_by_hand_and_none_without_two() {
        // n = 2, sum ln(x / m) = ln 4: alpha = 1 + 2 / ln 4, and at x = 4 m the law has 1 - e^-2.
        let found = PowerLawTail::fit(&[0.5, 2.0]).expect("they differ");
        assert!((found.alpha - 1.0 - 2.0 / 4.0_f64.ln()).abs() < 1e-15);
        assert!((found.distance - (0.5 - (-2.0_f64).exp())).abs() < 1e-15);
        assert!((found.error() - 2.0_f64.sqrt() / 4.0_f64.ln()).abs() < 1e-15);
        assert_eq!((found.minimum, found.count), (0.5, 2));
        for values in [&[][..], &[1.0], &[2.0, 2.0, 2.0]] {
            assert_eq!(PowerLawTail::fit(values), None);
        }
    }
}
