//! Second moments between the inputs of a layer in two networks, and the orthogonal map that follows from them.

use eigenscope_artifact::{ImageReader, InputShape, SplitName};
use eigenscope_models::{Activations, Layer};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rayon::prelude::*;
use serde::Deserialize;

use super::channels::by_channel;
use crate::error::DecomposeError;
use crate::image_batches::{Batch, for_each_batch};
use crate::linear_algebra::singular_system_of_layer;

/// Samples widened to f64 at a time; part of what fixes the bits of a sum.
const BLOCK_SAMPLES: usize = 2048;

/// One sample of a layer without windows.
///
/// A convolution treats all places alike, so that one sample of what it reads is one place of one image: a vector of
/// one value a channel. A layer without windows has a weight of its own for every value that it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinearSamples {
    /// One image: all values that the layer reads are aligned together. As published.
    Images,
    /// One place, as for convolutions: the channels are aligned, alike at every place.
    Places,
}

impl LinearSamples {
    /// The shape of what `layer` reads, one sample per place.
    pub fn input(self, layer: &Layer) -> InputShape {
        match (self, layer.window) {
            (LinearSamples::Images, None) => InputShape {
                channels: layer.input.len(),
                height: 1,
                width: 1,
            },
            _ => layer.input,
        }
    }
}

/// Sums over samples of what one layer reads in two networks, phi in the reference and psi in the other.
///
/// Sums are not centred and not divided by the number of samples, which no ratio here depends on. f64, from f32
/// activations.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossMoments {
    pub layer: String,
    pub samples: u64,
    /// Sum of phi psi^T, `[channels of the reference, channels of the other]`.
    pub cross: Mat<f64>,
    /// Sum of |phi|^2.
    pub reference_square: f64,
    /// Sum of |psi|^2.
    pub other_square: f64,
    places: usize,
}

impl CrossMoments {
    /// No samples yet for `reference` and `other`, the same layer in two networks.
    ///
    /// # Errors
    /// Returns an error if the layers have different names or read images of different sizes.
    pub fn new(
        reference: &Layer,
        other: &Layer,
        samples: LinearSamples,
    ) -> Result<Self, DecomposeError> {
        if reference.name != other.name {
            return Err(DecomposeError::Mismatch(format!(
                "`{}` of the reference stands where the other network has `{}`",
                reference.name, other.name
            )));
        }
        let (first, second) = (samples.input(reference), samples.input(other));
        if (first.height, first.width) != (second.height, second.width) {
            return Err(DecomposeError::Mismatch(format!(
                "layer `{}` reads {:?} (height, width) in the reference and {:?} in the other network; an alignment \
                 pairs place with place",
                reference.name,
                [first.height, first.width],
                [second.height, second.width]
            )));
        }
        Ok(Self {
            layer: reference.name.clone(),
            samples: 0,
            cross: Mat::zeros(first.channels, second.channels),
            reference_square: 0.0,
            other_square: 0.0,
            places: first.height * first.width,
        })
    }

    /// Adds the samples of some images: `[images, channels, height, width]` of each network, row-major.
    pub fn add(&mut self, reference: &[f32], other: &[f32]) {
        let (first, second) = self.cross.shape();
        let images = (BLOCK_SAMPLES / self.places).max(1);
        let blocks = reference.chunks(images * first * self.places);
        for (phi, psi) in blocks.zip(other.chunks(images * second * self.places)) {
            let samples = phi.len() / first;
            let phi = by_channel(phi, first, self.places);
            let psi = by_channel(psi, second, self.places);
            let phi = MatRef::from_column_major_slice(&phi, samples, first);
            let psi = MatRef::from_column_major_slice(&psi, samples, second);
            self.samples += samples as u64;
            self.reference_square += phi.squared_norm_l2();
            self.other_square += psi.squared_norm_l2();
            matmul(
                &mut self.cross,
                Accum::Add,
                phi.transpose(),
                psi,
                1.0,
                Par::Seq,
            );
        }
    }

    /// The partial isometry A `[channels of the reference, channels of the other]` that makes A psi as close to phi
    /// as one can in mean square: A = U V^T of the thin decomposition cross = U diag(s) V^T.
    ///
    /// For equal widths A is orthogonal. It is unique where `cross` has full rank; a direction in which the
    /// activations do not vary together is mapped to any other such.
    ///
    /// Source: Guth, Menard, Rochette and Mallat, *A rainbow in deep network black boxes* (2023), the orthogonal
    /// Procrustes problem (Schoenemann 1966).
    ///
    /// # Errors
    /// Returns an error if a sum overflows or the singular values do not converge.
    pub fn alignment(&self) -> Result<Mat<f64>, DecomposeError> {
        self.check_finite()?;
        let system = singular_system_of_layer(&self.layer, self.cross.as_ref())?;
        Ok(system.left * system.right.transpose())
    }

    /// r^2 = tr(A^T C12) / sqrt(tr C11 tr C22) for A of the shape of `cross`, at most 1.
    ///
    /// For the [`CrossMoments::alignment`] of the same samples it is tr(diag(s)) / sqrt(tr C11 tr C22), its largest
    /// value over all partial isometries.
    ///
    /// # Errors
    /// Returns an error if a sum overflows or a network's layer reads nothing but zeros.
    pub fn r_squared(&self, alignment: MatRef<'_, f64>) -> Result<f64, DecomposeError> {
        self.check_finite()?;
        for (network, square) in [
            ("reference", self.reference_square),
            ("other", self.other_square),
        ] {
            if square == 0.0 {
                return Err(DecomposeError::Undefined(format!(
                    "layer `{}` reads nothing but zeros in the {network} network; r^2 is not defined",
                    self.layer
                )));
            }
        }
        let mut explained = 0.0;
        for (a, c) in alignment.col_iter().zip(self.cross.col_iter()) {
            explained += a.transpose() * c;
        }
        Ok(explained / (self.reference_square.sqrt() * self.other_square.sqrt()))
    }

    fn check_finite(&self) -> Result<(), DecomposeError> {
        let finite = self.cross.is_all_finite()
            && self.reference_square.is_finite()
            && self.other_square.is_finite();
        if finite {
            return Ok(());
        }
        Err(overflow(&self.layer))
    }
}

/// The error of a product of a layer's activations or weights that is not finite.
pub(crate) fn overflow(layer: &str) -> DecomposeError {
    DecomposeError::of_layer(layer, "a product is not finite; the weights are too large")
}

/// The moments over a split between one network and each of `others`, layer by layer: `[network][layer]`.
///
/// All must be made for the same names. One pass over the images; what the reference network reads is computed once
/// for all others, which are spread over the current rayon pool. The result is the same for any number of threads.
/// Memory: `8 * c1 * c2` bytes for every layer of every other network, and for each thread the activations of a
/// batch in two networks.
///
/// # Errors
/// Returns an error if the file is damaged, the split is empty, or the layers do not pair.
pub fn cross_moments(
    images: &ImageReader,
    split: SplitName,
    samples: LinearSamples,
    reference: &Activations,
    others: &[Activations],
) -> Result<Vec<Vec<CrossMoments>>, DecomposeError> {
    let none = |other: &Activations| {
        let pairs = reference.layers().zip(other.layers());
        let moments = pairs.map(|(first, second)| CrossMoments::new(first, second, samples));
        moments.collect()
    };
    let mut sums: Vec<Vec<CrossMoments>> = others.iter().map(none).collect::<Result<_, _>>()?;
    for_each_batch(
        images,
        split,
        |piece| {
            let images = piece.labels.len();
            let phi = reference.of(piece.inputs.clone(), images)?;
            Ok((piece, phi))
        },
        |pieces| {
            let networks = sums.par_iter_mut().zip(others);
            let added: Vec<Result<(), _>> = networks
                .map(|(sums, other)| add_pieces(sums, other, &pieces))
                .collect();
            added.into_iter().collect()
        },
    )?;
    Ok(sums)
}

/// Adds batches, each with what every layer reads in the reference network.
fn add_pieces(
    sums: &mut [CrossMoments],
    other: &Activations,
    pieces: &[(Batch, Vec<Vec<f32>>)],
) -> Result<(), DecomposeError> {
    for (piece, phi) in pieces {
        let psi = other.of(piece.inputs.clone(), piece.labels.len())?;
        for ((sums, phi), psi) in sums.iter_mut().zip(phi).zip(&psi) {
            sums.add(phi, psi);
        }
    }
    Ok(())
}
