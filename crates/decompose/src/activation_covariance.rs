//! The task kind `activation-covariance`: in how many dimensions of what a layer reads do the data lie?
//!
//! ```text
//! C = E[phi phi^T]
//! ```
//!
//! with phi one sample of the layer, `[p]`: its whole input, or, for a convolution, one of its windows; every window of
//! every image is a sample. The mean is not subtracted. Eigenvalues have the squared unit of the activations.
//!
//! One pass over the images. Memory, besides one piece of images with its activations ([`Activations`]): per layer C,
//! `8 p p` bytes, and while it is added to, `12 p max(512, windows of one image)` bytes of samples. After the pass, four
//! more matrices of the size of C for one layer after the other, and `4 p p` bytes of eigenvectors for each done. For
//! p = 1600 a matrix is 20 MB and the eigenvectors 10 MB; the CNN of 32 and 64 channels on CIFAR-10 peaks at 130 MB.
//!
//! Products are taken and summed in f64. In f32 they take half the time, but where an input is the same in every image
//! (the background of normalised images), a sum over 500 images is off by up to 5e-6 of itself.
//!
//! Source: the published notebook.

use std::collections::BTreeMap;

use eigenscope_artifact::tables::layers::LayerSpectrumRow;
use eigenscope_artifact::{BASES, CovarianceOf, IMAGES, ImageReader, SplitName, TENSORS};
use eigenscope_models::{Layer, StoredModel};
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Resources, Role, TaskError, TaskKind,
    TaskKindDescription, task_function,
};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::{Accum, Mat, MatRef, Par};
use serde::Deserialize;

use crate::eigenbasis::{
    COVARIANCE, Eigenbasis, check_layers, layers_parameter, spectrum_rows, write,
};
use crate::error::DecomposeError;
use crate::image_batches::open_images;
use crate::image_batches::{Batch, for_each_batch};
use crate::layers::Activations;

/// Samples multiplied at a time, but for an image that has more: few enough for the cache, and part of what fixes
/// the bits.
const CHUNK_SAMPLES: usize = 512;

/// The task kind.
pub(crate) fn kind() -> TaskKind {
    TaskKind {
        description: describe(),
        run: task_function!(run),
    }
}

fn describe() -> TaskKindDescription {
    TaskKindDescription {
        name: "activation-covariance".to_owned(),
        summary:
            "eigenvalues and eigenvectors of the covariance of what the layers of a model read"
                .to_owned(),
        parameters: vec![
            layers_parameter(),
            Parameter::optional(
                "split",
                ParameterType::choice(&["train", "test"]),
                "train",
                "images to average over",
            ),
        ],
        roles: vec![
            Role::one("model", TENSORS, "weights of any model"),
            Role::one("data", IMAGES, "images that it takes").shown_to("model"),
        ],
        outputs: vec![LayerSpectrumRow::KIND.into(), BASES.into()],
        provides: vec![
            Feature::inherited("model"),
            Feature::fixed(COVARIANCE, CovarianceOf::Activations.name()),
        ],
        random: false,
        resources: Resources {
            threads: 1,
            memory_mib: 192,
            seconds: 10.0,
            ..Resources::default()
        },
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { layers, split } = context.parameters()?;
    let model = StoredModel::read(&context.input("model")?.path)?;
    check_layers(&model.architecture)?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let activations = Activations::new(&model, &layers)?;
    let (mut spectrum, mut headers, mut bases) = (Vec::new(), BTreeMap::new(), Vec::new());
    for covariance in covariances(&activations, &images, split)? {
        let layer = covariance.layer.name.clone();
        let matrix = covariance.mean();
        if !matrix.is_all_finite() {
            return Err(Box::new(DecomposeError::of_layer(
                &layer,
                "the covariance of what it reads is not finite; the weights before it are too large",
            )));
        }
        let basis = Eigenbasis::of_covariance(&layer, matrix.as_ref())?;
        bases.push(basis.tensor(&layer));
        headers.insert(layer.clone(), basis.header(None));
        let series = CovarianceOf::Activations.name();
        spectrum.extend(spectrum_rows(series, &layer, basis.eigenvalues));
    }
    write(
        context,
        CovarianceOf::Activations,
        &spectrum,
        headers,
        &bases,
    )
}

/// One pass over the images of a split.
fn covariances(
    activations: &Activations,
    images: &ImageReader,
    split: SplitName,
) -> Result<Vec<ActivationCovariance>, DecomposeError> {
    let mut all: Vec<ActivationCovariance> = activations
        .layers()
        .map(|layer| ActivationCovariance::new(layer.clone()))
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

/// E[phi phi^T] of the samples of one layer, summed up piece by piece.
#[derive(Debug, Clone)]
pub struct ActivationCovariance {
    layer: Layer,
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
