//! The measures, and their values for every two representations.

use rayon::prelude::*;
use serde::Deserialize;

use super::representation::Representation;

/// How two representations X `[n, p]` and Y `[n, q]` of the same n images are compared. Columns are centred; K = X X^T and L = Y Y^T.
///
/// None depends on rotations or the scale of either representation, nor on the order of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Centred kernel alignment with linear kernels, `<K, L> / (|K| |L|)`, 0 to 1. For few images it is too large: 1 for unrelated
    /// representations of many values.
    ///
    /// Source: Kornblith, Norouzi, Lee and Hinton, *Similarity of neural network representations revisited* (2019).
    Cka,
    /// The same of kernels without their diagonals, centred so that unrelated representations have 0 on average; at most 1.
    ///
    /// Source: Nguyen, Raghu and Kornblith, *Do wide and deep networks learn the same things?* (2021), after Song et al. (2012).
    DebiasedCka,
    /// Representational similarity: Spearman's correlation of the Euclidean distances of every two images, -1 to 1.
    ///
    /// Source: Kriegeskorte, Mur and Bandettini, *Representational similarity analysis* (2008).
    Rsa,
    /// The angle, 0 to pi/2, that is left between the representations, seen as points, when one is rotated onto the other:
    /// `arccos(|X^T Y|_* / (|X| |Y|))` with the nuclear norm. A metric.
    Procrustes,
    /// The same after both are whitened in part, X to U (alpha S + (1 - alpha) I) of X = U S V^T, with S in units of its root mean square. A
    /// metric for every alpha.
    ///
    /// Source: Williams, Kunz, Kornblith and Linderman, *Generalized shape metrics on neural representations* (2021), where S is in the
    /// unit of the values.
    Shape,
    /// The same with alpha = 0: canonical correlations, which no invertible linear map changes.
    Cca,
}

impl Measure {
    /// Every measure.
    pub const ALL: [Self; 6] = [
        Self::Cka,
        Self::DebiasedCka,
        Self::Rsa,
        Self::Procrustes,
        Self::Shape,
        Self::Cca,
    ];

    /// Name in tables and parameters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cka => "cka",
            Self::DebiasedCka => "debiased-cka",
            Self::Rsa => "rsa",
            Self::Procrustes => "procrustes",
            Self::Shape => "shape",
            Self::Cca => "cca",
        }
    }

    /// The part of the shape that is not whitened; `None` for similarities, which are cosines of vectors.
    pub(crate) fn shape(self, alpha: f64) -> Option<f64> {
        match self {
            Self::Cka | Self::DebiasedCka | Self::Rsa => None,
            Self::Procrustes => Some(1.0),
            Self::Shape => Some(alpha),
            Self::Cca => Some(0.0),
        }
    }

    /// The distance that a value stands for. The cosine c of two vectors is that of their ends on the unit sphere, sqrt(2 - 2 c); a
    /// debiased one above 1 is 0.
    pub fn distance(self, value: f64) -> f64 {
        match self {
            Self::Cka | Self::DebiasedCka | Self::Rsa => (2.0 - 2.0 * value).max(0.0).sqrt(),
            Self::Procrustes | Self::Shape | Self::Cca => value,
        }
    }

    /// The value of a representation with itself.
    fn of_itself(self) -> f64 {
        match self {
            Self::Cka | Self::DebiasedCka | Self::Rsa => 1.0,
            Self::Procrustes | Self::Shape | Self::Cca => 0.0,
        }
    }
}

/// Values of one measure for every two of K representations.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    pub measure: Measure,
    /// `[K, K]`, symmetric; missing where a representation is the same for all images.
    pub values: Vec<Option<f64>>,
}

/// Compares every two of K representations of the same images, which were made for these measures.
///
/// Each pair is compared once, in one thread, and pairs are spread over the current rayon pool: the same bits for any number of threads.
/// For n images and ranks up to r a pair takes n^2 multiplications for each cosine, n r^2 for all shapes together and about 10 r^3 for each.
/// Memory, besides the representations: r^2 values for each thread.
pub fn compare(representations: &[Representation], measures: &[Measure]) -> Vec<Measured> {
    let size = representations.len();
    let pairs: Vec<[usize; 2]> = (0..size)
        .flat_map(|row| (row..size).map(move |column| [row, column]))
        .collect();
    let compared: Vec<Vec<Option<f64>>> = pairs
        .par_iter()
        .map(|&[row, column]| {
            let (one, other) = (&representations[row], &representations[column]);
            match row == column {
                true => measures
                    .iter()
                    .map(|measure| one.varies(*measure).then(|| measure.of_itself()))
                    .collect(),
                false => one.compare(other, measures),
            }
        })
        .collect();
    let measured = measures.iter().enumerate().map(|(at, measure)| {
        let mut values = vec![None; size * size];
        for ([row, column], of_pair) in pairs.iter().zip(&compared) {
            values[row * size + column] = of_pair[at];
            values[column * size + row] = of_pair[at];
        }
        Measured {
            measure: *measure,
            values,
        }
    });
    measured.collect()
}
