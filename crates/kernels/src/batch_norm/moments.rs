//! Mean and variance of every channel.

/// Mean and biased variance (the denominator is the number of values) of every channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moments {
    pub(crate) mean: Vec<f32>,
    pub(crate) variance: Vec<f32>,
}

impl Moments {
    /// Of no channel yet.
    pub(crate) fn with_capacity(channels: usize) -> Self {
        Self {
            mean: Vec::with_capacity(channels),
            variance: Vec::with_capacity(channels),
        }
    }

    /// Appends those of the next channel, which are returned.
    #[inline(always)]
    pub(crate) fn add(&mut self, channel: &[f32]) -> (f32, f32) {
        let length = channel.len() as f64;
        let mean = (sum(channel, channel, |x, _| x) / length) as f32;
        let squares = sum(channel, channel, |x, _| (x - mean) * (x - mean));
        let variance = (squares / length) as f32;
        self.mean.push(mean);
        self.variance.push(variance);
        (mean, variance)
    }
}

/// Sum of a function of pairs in f64, in an order that does not depend on the machine.
#[inline(always)]
pub(crate) fn sum(left: &[f32], right: &[f32], term: impl Fn(f32, f32) -> f32) -> f64 {
    const LANES: usize = 16;
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        for lane in 0..LANES {
            sums[lane] += f64::from(term(left[lane], right[lane]));
        }
    }
    let rest = left_rest.iter().zip(right_rest);
    sums.iter().sum::<f64>() + rest.map(|(&x, &y)| f64::from(term(x, y))).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_by_hand() {
        let mut moments = Moments::with_capacity(2);
        assert_eq!(moments.add(&[1.0, 2.0, 3.0, 6.0]), (3.0, 3.5));
        moments.add(&[5.0; 4]);
        assert_eq!(moments.mean, [3.0, 5.0]);
        assert_eq!(moments.variance, [3.5, 0.0]);
    }

    #[test]
    fn a_large_mean_costs_no_digits() {
        let values: Vec<f32> = (0..1000).map(|i| 1e4 + (i % 2) as f32).collect();
        let moments = Moments::with_capacity(1).add(&values);
        assert_eq!(moments, (10_000.5, 0.25));
    }
}
