//! The task kind `clipping`: accuracy of a model by the rank that the weight of one of its layers is clipped to.
//!
//! For every layer that the basis has, and every rank k of it, W is replaced by W P_k: the layer reads the first k
//! eigenvectors of the covariance of its inputs (of the windows or of the channels that a convolution reads), or of its own weight, and
//! nothing else ([`ClippedLayer`]). The learned
//! dimensions of a layer are the smallest rank from which on no rank costs more than a little accuracy. Beside them stands
//! what clipping to the spikes costs: the eigenvalues that leave the Marchenko-Pastur law, as the task kind
//! `weight-covariance` counts them. Guth, Ménard, Rochette and Mallat, *A Rainbow in Deep Network Black Boxes* (2024).

use eigenscope_artifact::tables::layers::{ClippingRow, LearnedDimensionsRow};
use eigenscope_artifact::{BASES, IMAGES, ImageReader, SplitName, TENSORS};
use eigenscope_models::{Runner, StoredModel, check_images};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::about::about_test;
use crate::layers::{ClippedLayer, ClippingCurve, LayerBases, correct_unclipped};
use crate::split_images::SplitImages;

pub(super) fn kind() -> TaskKind {
    let summary = "accuracy with the weight of one layer clipped to the first eigenvectors of a covariance, for every \
                   number of them";
    TaskKind::new("clipping", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "layers",
                ParameterType::set(ParameterType::Text),
                Vec::<String>::new(),
                "names of the layers to clip, one at a time; none: every layer of the bases",
            )
            .naming("model", "layers"),
            Parameter::optional(
                "split",
                ParameterType::choice(&[SplitName::Train.name(), SplitName::Test.name()]),
                SplitName::Test.name(),
                "images to measure the accuracy on",
            ),
            Parameter::optional(
                "within_fraction",
                ParameterType::between(0.0, 1.0),
                0.01,
                "accuracy that the learned dimensions may lose, as a fraction of the images",
            ),
        ])
        .reads(Role::one("model", TENSORS, "a trained model"))
        .reads(
            Role::one(
                "bases",
                BASES,
                "eigenvectors in the space of the inputs of its layers",
            )
            .agrees(Agreement::artifact("bases/model", "model")),
        )
        .reads(Role::one("data", IMAGES, "images to measure the accuracy on").shown_to("model"))
        .writes(ClippingRow::KIND)
        .writes(LearnedDimensionsRow::KIND)
        .threads(4)
        .memory_mib(384)
        .seconds(10.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
    split: SplitName,
    within_fraction: f64,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        layers,
        split,
        within_fraction,
    } = context.parameters()?;
    let (model_input, data_input) = (context.input("model")?, context.input("data")?);
    let (task, data) = (&model_input.task, &data_input.task);
    let model = StoredModel::read(&model_input.path)?;
    let reader = ImageReader::open(&data_input.path)?;
    check_images(&model.architecture, task, &reader, data)?;
    let bases = LayerBases::read(context.input("bases")?)?;
    let layers = bases.select(&layers, task, &model)?;
    let images = SplitImages::read(&reader, split, data)?;

    let runner = Runner::new(&model)?;
    let unclipped = correct_unclipped(&model.architecture, &runner, &images)?;
    let (mut rows, mut dimensions) = (Vec::new(), Vec::new());
    let total = layers.len() as u64;
    for (done, chosen) in (0..).zip(layers) {
        context.progress(done, total, "layers", chosen.layer.name.as_str());
        let step = (chosen.position, chosen.layer.clone());
        let clipped = ClippedLayer::new(&model, &runner, step, chosen.basis)?;
        let curve = ClippingCurve {
            of: bases.of,
            spikes: chosen.spikes,
            width: chosen.basis.shape[1],
            layer: chosen.layer,
            correct: clipped.correct(&images.labels, |range| images.inputs(range))?,
            images: images.len(),
        };
        rows.extend(curve.rows());
        dimensions.push(curve.learned_dimensions(unclipped, within_fraction));
    }
    context.progress(total, total, "layers", "");
    let classes = &model.architecture.classes;
    let about = about_test(context, classes)?;
    context.write_about(&rows, &about)?;
    context.write(&dimensions)
}
