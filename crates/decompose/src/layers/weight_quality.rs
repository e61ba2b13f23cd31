//! What the spectrum of one weight says about it, without any image.
//!
//! The eigenvalues of W^T W are the squares of the min(n, p) singular values of W `[n, p]`, in the squared unit of the weights; a
//! convolution is flattened to `[out, in * kh * kw]`, biases play no part.
//!
//! - Those up to 1e-7 of the largest are rounding, and count as 0.
//! - The **tail** is a power law ([`PowerLawTail`]) of the others.
//! - The **bulk** is that of random weights: with M and N the smaller and the larger of n and p, and sigma^2 the variance whose
//!   Marchenko-Pastur law has the median that the M eigenvalues have, it ends at `sigma^2 (sqrt(M) + sqrt(N))^2`. A few eigenvalues that
//!   grow leave the median where it is. In the limit of large layers no eigenvalue of random weights is above the edge; the largest of
//!   a small layer exceeds it now and then.
//!
//! All in f64. Memory: as for [`weight_covariance`](super::weight_covariance()).
//!
//! Source: Martin and Mahoney, *Implicit self-regularization in deep neural networks* (2021), and Martin, Peng and Mahoney, *Predicting
//! trends in the quality of state-of-the-art neural networks* (2021); the variance from the median: Gavish and Donoho, *The optimal
//! hard threshold for singular values is 4/sqrt(3)* (2014).

use eigenscope_artifact::tables::layers::WeightQualityRow;
use eigenscope_artifact::{BasisHeader, NamedTensor};
use eigenscope_models::Layer;

use super::marchenko_pastur::MarchenkoPastur;
use super::power_law_tail::PowerLawTail;
use crate::error::DecomposeError;
use crate::linear_algebra::{row_major, singular_system_of_layer};

/// Norms, ranks, tail and bulk of the weight of a layer, and its distance from the weight `initial` that training started from.
///
/// # Errors
/// Returns an error if the iteration for the singular values does not converge.
///
/// # Panics
/// Panics if a weight has other sizes than the layer.
pub fn weight_quality(
    layer: &Layer,
    weight: &NamedTensor,
    initial: Option<&NamedTensor>,
) -> Result<WeightQualityRow, DecomposeError> {
    let sides = [layer.outputs, layer.inputs()];
    let matrix = row_major(&weight.data, sides[0], sides[1]);
    let system = singular_system_of_layer(&layer.name, matrix.as_ref())?;
    let ascending = system.values.iter().rev();
    let mut eigenvalues: Vec<f64> = ascending.map(|value| value * value).collect();
    let largest = eigenvalues.last().copied().unwrap_or(0.0);
    let square: f64 = eigenvalues.iter().sum();
    let of_weights = |value: f64| (largest > 0.0).then_some(value);
    let rounding = eigenvalues.partition_point(|value| *value <= BasisHeader::CUT * largest);
    eigenvalues[..rounding].fill(0.0);
    let tail = PowerLawTail::fit(&eigenvalues[rounding..]);
    let edge = bulk_edge(median(&eigenvalues), sides)?;
    let above = |edge: f64| eigenvalues.iter().filter(|value| **value > edge).count();
    let distances = initial.map(|initial| {
        let start = row_major(&initial.data, sides[0], sides[1]);
        let distance = (&matrix - &start).norm_l2();
        (distance, distance / start.norm_l2())
    });
    Ok(WeightQualityRow {
        layer: layer.name.clone(),
        inputs: layer.inputs() as u32,
        outputs: layer.outputs as u32,
        spectral_norm: largest.sqrt(),
        frobenius_norm: square.sqrt(),
        log_frobenius_norm: of_weights(0.5 * square.log10()),
        stable_rank: of_weights(square / largest),
        alpha: tail.map(|tail| tail.alpha),
        alpha_error: tail.map(|tail| tail.error()),
        tail_minimum: tail.map(|tail| tail.minimum),
        tail_eigenvalues: tail.map(|tail| tail.count as u32),
        tail_distance: tail.map(|tail| tail.distance),
        weighted_alpha: tail.map(|tail| tail.alpha * largest.log10()),
        bulk_edge: edge,
        soft_rank: edge.map(|edge| edge / largest),
        spikes: edge.map(|edge| above(edge) as u32),
        initial_distance: distances.map(|(distance, _)| distance),
        initial_relative_distance: distances.map(|(_, relative)| relative),
    })
}

/// The largest eigenvalue of random weights of these sides whose eigenvalues have this median; `None` if it is 0.
fn bulk_edge(median: f64, sides: [usize; 2]) -> Result<Option<f64>, DecomposeError> {
    if median <= 0.0 {
        return Ok(None);
    }
    let smaller = sides[0].min(sides[1]) as f64;
    let larger = sides[0].max(sides[1]) as f64;
    let unit = MarchenkoPastur::new(1.0, smaller / larger)?;
    let variance = median / (larger * unit.quantile(0.5));
    Ok(Some(variance * (smaller.sqrt() + larger.sqrt()).powi(2)))
}

/// The median of values in order, 0 without any.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted {
        [] => 0.0,
        _ if sorted.len() % 2 == 1 => sorted[middle],
        _ => 0.5 * (sorted[middle - 1] + sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_even_and_odd_numbers() {
        let found = [&[][..], &[3.0], &[1.0, 2.0], &[1.0, 2.0, 9.0]].map(median);
        assert_eq!(found, [0.0, 3.0, 1.5, 2.0]);
    }

    #[test]
    fn the_edge_of_a_square_matrix_is_that_of_the_quarter_circle() {
        // The median of the singular values is 0.8079 sqrt(N) sigma, the largest 2 sqrt(N) sigma.
        let unit = 0.807_945_506_599_034_4_f64.powi(2);
        let edge = bulk_edge(0.3, [7, 7])
            .expect("positive")
            .expect("it has one");
        assert!((edge / (4.0 * 0.3 / unit) - 1.0).abs() < 1e-12, "{edge}");
        assert_eq!(bulk_edge(0.0, [7, 7]).expect("no law is needed"), None);
    }
}
