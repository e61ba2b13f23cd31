//! Power laws fitted to measurements.

use eigenscope_artifact::student::{CONFIDENCE, t_quantile};

use crate::error::MetricError;

/// y = coefficient * x^exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PowerLaw {
    /// y at x = 1.
    pub coefficient: f64,
    /// Slope of ln y over ln x.
    pub exponent: f64,
    /// Half the width of the exponent's 90% confidence interval; `None` for two points.
    pub exponent_half_width: Option<f64>,
    /// Fraction of the variance of ln y that the law explains; 0 if there is none to explain.
    pub r_squared: f64,
}

impl PowerLaw {
    /// Least squares of ln y = ln(coefficient) + exponent * ln x over n points (x, y):
    ///
    /// ```text
    /// exponent = S_xy / S_xx
    /// half-width = t_{0.95, n - 2} sqrt(residual / (n - 2) / S_xx)
    /// r^2 = 1 - residual / S_yy
    /// ```
    ///
    /// with S_ab the sum of products of the centred logarithms of a and b, and residual the sum of the squared differences
    /// of ln y from the law.
    ///
    /// # Errors
    /// Returns an error if a number has no logarithm, or if there are fewer than two different x.
    pub fn fit(points: &[(f64, f64)]) -> Result<Self, MetricError> {
        for &(x, y) in points {
            if ![x, y].iter().all(|value| *value > 0.0 && value.is_finite()) {
                return Err(MetricError::Undefined(format!(
                    "{y} at {x} has no logarithm, so no power law can be fitted"
                )));
            }
        }
        if points.iter().all(|(x, _)| *x == points[0].0) {
            return Err(MetricError::Undefined(format!(
                "a power law needs measurements at two sizes or more, {} at one size are given",
                points.len()
            )));
        }
        let logarithms = points.iter().map(|(x, y)| (x.ln(), y.ln()));
        let mean = |sum: f64| sum / points.len() as f64;
        let mean_x = mean(logarithms.clone().map(|(x, _)| x).sum());
        let mean_y = mean(logarithms.clone().map(|(_, y)| y).sum());
        let centred: Vec<(f64, f64)> = logarithms.map(|(x, y)| (x - mean_x, y - mean_y)).collect();
        let squares_x: f64 = centred.iter().map(|(x, _)| x * x).sum();
        let squares_y: f64 = centred.iter().map(|(_, y)| y * y).sum();
        let exponent = centred.iter().map(|(x, y)| x * y).sum::<f64>() / squares_x;
        let residuals = centred.iter().map(|(x, y)| y - exponent * x);
        let residual: f64 = residuals.map(|residual| residual * residual).sum();
        Ok(Self {
            coefficient: (mean_y - exponent * mean_x).exp(),
            exponent,
            exponent_half_width: half_width(points.len(), residual, squares_x),
            r_squared: if squares_y > 0.0 {
                1.0 - residual / squares_y
            } else {
                0.0
            },
        })
    }
}

fn half_width(points: usize, residual: f64, squares_x: f64) -> Option<f64> {
    let freedom = points.checked_sub(2)? as f64;
    let quantile = t_quantile(0.5 + CONFIDENCE / 2.0, freedom)?;
    Some(quantile * (residual / freedom / squares_x).sqrt())
}
