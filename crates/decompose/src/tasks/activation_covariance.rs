//! The task kind `activation-covariance`: in how many dimensions of what a layer reads do the data lie?

use eigenscope_artifact::tables::layers::LayerSpectrumRow;
use eigenscope_artifact::{BASES, CovarianceOf, IMAGES, SplitName, TENSORS};
use eigenscope_models::{Activations, StoredModel};
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::covariances::{COVARIANCE, Covariances, layers_parameter};
use crate::error::DecomposeError;
use crate::image_batches::open_images;
use crate::layers::{ConvolutionSamples, Eigenbasis, activation_covariances, check_layers};

pub(super) fn kind() -> TaskKind {
    let summary =
        "eigenvalues and eigenvectors of the covariance of what the layers of a model read";
    TaskKind::new("activation-covariance", summary, task_function!(run))
        .parameters::<Parameters>([
            layers_parameter(),
            Parameter::optional(
                "split",
                ParameterType::choice(&["train", "test"]),
                "train",
                "images to average over",
            ),
            Parameter::optional(
                "samples",
                ParameterType::choice(&["windows", "channels"]),
                "windows",
                "what a sample of a convolution is: a window, which its weight multiplies, or the channels at one place",
            ),
        ])
        .reads(Role::one("model", TENSORS, "weights of any model"))
        .reads(Role::one("data", IMAGES, "images that it takes").shown_to("model"))
        .writes(LayerSpectrumRow::KIND)
        .writes(BASES)
        .provides([
            Feature::inherited("model"),
            Feature::fixed(COVARIANCE, CovarianceOf::Activations.name()),
        ])
        .memory_mib(192)
        .seconds(10.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
    split: SplitName,
    samples: ConvolutionSamples,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        layers,
        split,
        samples,
    } = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    check_layers(&model.architecture)?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let activations = Activations::new(&model, &layers)?;
    let mut all = Covariances::new(CovarianceOf::Activations);
    for covariance in activation_covariances(&activations, &images, split, samples)? {
        let layer = covariance.layer.name.clone();
        let matrix = covariance.mean();
        if !matrix.is_all_finite() {
            return Err(Box::new(DecomposeError::of_layer(
                &layer,
                "the covariance of what it reads is not finite; the weights before it are too large",
            )));
        }
        let basis = Eigenbasis::of_covariance(&layer, matrix.as_ref())?;
        all.add_basis(&layer, &basis, None);
        all.add_spectrum(CovarianceOf::Activations.name(), &layer, basis.eigenvalues);
    }
    all.write(context)
}
