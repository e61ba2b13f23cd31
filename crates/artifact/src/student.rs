//! Student's t: quantiles, and the confidence interval of a mean, for the intervals of all tables and comparisons.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Confidence of every interval that is reported.
pub const CONFIDENCE: f64 = 0.9;

/// The t with P(T <= t) = `probability`, for T of Student's distribution with `degrees_of_freedom` > 0;
/// `probability` in (0, 1).
///
/// Bisection of the cumulative distribution to the last bit: the closed inversion of statrs is off by a
/// per cent at some points (2 degrees of freedom, probability 0.8). Agrees with SciPy's to 1e-9 relative.
///
/// `None` if an argument is outside the ranges above.
pub fn t_quantile(probability: f64, degrees_of_freedom: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    let distribution = StudentsT::new(0.0, 1.0, degrees_of_freedom).ok()?;
    Some(match probability < 0.5 {
        true => -upper(&distribution, probability),
        false => upper(&distribution, 1.0 - probability),
    })
}

/// The t >= 0 that is exceeded with probability `tail` <= 1/2.
fn upper(distribution: &StudentsT, tail: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while distribution.sf(high) > tail && high < f64::MAX / 2.0 {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            return high;
        }
        if distribution.sf(middle) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
}

/// Half the width of the 90% confidence interval of the mean of `count` observations:
///
/// ```text
/// t_{0.95, n - 1} s / sqrt(n)
/// ```
///
/// with s the sample standard deviation (denominator n - 1), in its unit. `None` for fewer than two
/// observations or without s.
pub fn half_width(count: u32, standard_deviation: Option<f64>) -> Option<f64> {
    let degrees_of_freedom = count.checked_sub(1)?;
    let quantile = t_quantile(0.5 + CONFIDENCE / 2.0, f64::from(degrees_of_freedom))?;
    Some(quantile * standard_deviation? / f64::from(count).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_forms() {
        // One degree of freedom is Cauchy: tan(pi (p - 1/2)). Two: (2p - 1) sqrt(2 / (4 p (1 - p))).
        for p in [0.001, 0.2, 0.5, 0.6, 0.8, 0.95, 0.9995] {
            let cauchy = (std::f64::consts::PI * (p - 0.5)).tan();
            let two = (2.0 * p - 1.0) * (2.0 / (4.0 * p * (1.0 - p))).sqrt();
            for (degrees, expected) in [(1.0, cauchy), (2.0, two)] {
                let found = t_quantile(p, degrees).expect("defined");
                assert!(
                    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3),
                    "{p} {degrees}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn outside_the_domain() {
        for (p, degrees) in [
            (0.0, 1.0),
            (1.0, 1.0),
            (f64::NAN, 1.0),
            (0.5, 0.0),
            (0.5, f64::NAN),
        ] {
            assert!(t_quantile(p, degrees).is_none(), "{p} {degrees}");
        }
    }

    #[test]
    fn one_observation_has_no_interval() {
        assert_eq!(half_width(1, Some(0.5)), None);
        assert_eq!(half_width(0, None), None);
    }
}
