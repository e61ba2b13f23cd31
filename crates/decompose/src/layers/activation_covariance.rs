//! The covariance of what a layer reads:
//!
//! ```text
//! C = E[phi phi^T]
//! ```
//!
//! with phi one sample of the layer, `[p]`: its whole input, or, for a convolution, what [`ConvolutionSamples`] says: one of its
//! windows, or the channels at one place; every window or place of every image is a sample. The mean is not subtracted. Eigenvalues
//! have the squared unit of the activations.
//!
//! One pass over the images. Memory, besides one batch of images with its activations ([`Activations`]): per layer C,
//! `8 p p` bytes, and while it is added to, `12 p max(512, windows of one image)` bytes of samples. After the pass, four
//! more matrices of the size of C for one layer after the other, and `4 p p` bytes of eigenvectors for each done. For
//! p = 1600 a matrix is 20 MB and the eigenvectors 10 MB; the CNN of 32 and 64 channels on CIFAR-10 peaks at 130 MB.
//!
//! Products are taken and summed in f64. In f32 they take half the time, but where an input is the same in every image
//! (the background of normalised images), a sum over 500 images is off by up to 5e-6 of itself.
//!
//! Source: the published notebook.

use eigenscope_artifact::{ImageReader, SplitName};
use eigenscope_models::{Activations, Layer, Window};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Par};
use serde::Deserialize;

use crate::error::DecomposeError;
use crate::image_batches::{Batch, for_each_batch};

/// Samples multiplied at a time, unless an image has more: few enough for the cache, and part of what fixes the bits.
const CHUNK_SAMPLES: usize = 512;

/// What a sample of a convolution is. Other layers read their whole input at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConvolutionSamples {
    /// What its weight multiplies: a window, `[channels * kernel * kernel]`.
    Windows,
    /// What it reads at one place, `[channels]`, whatever its kernel, stride and padding are.
    Channels,
}

impl ConvolutionSamples {
    /// A layer whose samples, as [`Layer::unfold`] makes them, are these samples of `layer`. Those of a grouped convolution are of one
    /// group either way.
    pub fn of(self, layer: Layer) -> Layer {
        match (self, layer.window) {
            (Self::Channels, Some(_)) => Layer {
                window: Some(Window::new(1, 1)),
                ..layer
            },
            _ => layer,
        }
    }
}

/// E[phi phi^T] of the samples of one layer, summed up piece by piece.
#[derive(Debug, Clone)]
pub struct ActivationCovariance {
    pub(crate) layer: Layer,
    /// Lower triangle of the sum of phi phi^T.
    sum: Mat<f64>,
    samples: u64,
}

impl ActivationCovariance {
    /// No samples yet.
    pub fn new(layer: Layer) -> Self {
        let size = layer.inputs();
        Self {
            layer,
            sum: Mat::zeros(size, size),
            samples: 0,
        }
    }

    /// Adds the samples of some images: the flattened inputs of the layer, `[images, channels, height, width]`.
    ///
    /// Runs in the calling thread only. How images are divided among calls changes no more than rounding.
    pub fn add(&mut self, inputs: &[f32]) {
        let image = self.layer.input.len();
        let images = (CHUNK_SAMPLES / self.layer.samples()).max(1);
        let mut wide = Vec::new();
        for chunk in inputs.chunks(images * image) {
            let samples = self.layer.unfold(chunk, chunk.len() / image);
            wide.clear();
            wide.extend(samples.into_iter().map(f64::from));
            self.add_samples(&wide);
        }
    }

    /// Adds samples `[m, p]`, row-major, which is column-major `[p, m]`.
    fn add_samples(&mut self, samples: &[f64]) {
        let size = self.layer.inputs();
        let columns = samples.len() / size;
        let matrix = MatRef::from_column_major_slice(samples, size, columns);
        matmul(
            &mut self.sum,
            BlockStructure::TriangularLower,
            Accum::Add,
            matrix,
            BlockStructure::Rectangular,
            matrix.transpose(),
            BlockStructure::Rectangular,
            1.0,
            Par::Seq,
        );
        self.samples += columns as u64;
    }

    /// The lower triangle of C `[p, p]`, zero above the diagonal; not a number without samples.
    pub fn mean(self) -> Mat<f64> {
        self.sum / faer::Scale(self.samples as f64)
    }
}

/// The covariances of the inputs of all watched layers over a split, in one pass over its images.
///
/// # Errors
/// Returns an error if the file is damaged or the split is empty.
pub(crate) fn activation_covariances(
    activations: &Activations,
    images: &ImageReader,
    split: SplitName,
    samples: ConvolutionSamples,
) -> Result<Vec<ActivationCovariance>, DecomposeError> {
    let mut all: Vec<ActivationCovariance> = activations
        .layers()
        .map(|layer| ActivationCovariance::new(samples.of(layer.clone())))
        .collect();
    for_each_batch(
        images,
        split,
        |Batch { inputs, labels }| Ok(activations.of(inputs, labels.len())?),
        |pieces| {
            for inputs in pieces {
                for (covariance, inputs) in all.iter_mut().zip(inputs) {
                    covariance.add(&inputs);
                }
            }
            Ok(())
        },
    )?;
    Ok(all)
}
