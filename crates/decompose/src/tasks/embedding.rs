//! The task kind `embedding`: what one layer makes of every image of a split.

use eigenscope_artifact::{EMBEDDINGS, IMAGES, SplitName, TENSORS};
use eigenscope_models::StoredModel;
use eigenscope_stage::{
    Amount, AttributeValue, Context, Feature, LAYERS, Parameter, ParameterType, Role, TaskError,
    TaskKind, quantities, task_function,
};
use serde::Deserialize;

use crate::embeddings::embed;
use crate::image_batches::open_images;

/// Attribute of embeddings: the layer that made them.
pub(super) const EMBEDDED_LAYER: &str = "embedded layer";

pub(super) fn kind() -> TaskKind {
    let summary = "output of one layer before any activation, and the predicted class, for every image of a split";
    TaskKind::new("embedding", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "layer",
                ParameterType::Text,
                "embedding",
                "name of the layer; the values of a convolution are flattened, channel by channel",
            )
            .naming("model", LAYERS),
            Parameter::optional(
                "split",
                ParameterType::choice(&["train", "test"]),
                "test",
                "images to embed",
            ),
        ])
        .reads(Role::one("model", TENSORS, "weights of a model"))
        .reads(Role::one("data", IMAGES, "data set with the images").shown_to("model"))
        .writes(EMBEDDINGS)
        .provides([
            Feature::attribute(
                EMBEDDED_LAYER,
                AttributeValue::Parameter {
                    name: "layer".to_owned(),
                },
            ),
            Feature::quantities("data"),
            Feature::amount(quantities::EMBEDDED_IMAGES, embedded_images()),
            Feature::amount(
                quantities::EMBEDDING_VALUES,
                Amount::OfRead {
                    role: "model".to_owned(),
                    prefix: quantities::LAYER_OUTPUTS.to_owned(),
                    parameter: "layer".to_owned(),
                },
            ),
        ])
        .memory_mib(512)
        .seconds(5.0)
}

/// The number of images of the split.
fn embedded_images() -> Amount {
    let of_split = [
        (SplitName::Train, quantities::TRAINING_IMAGES),
        (SplitName::Test, quantities::TEST_IMAGES),
    ];
    let of_split = of_split.map(|(split, images)| (split.name().to_owned(), images.to_owned()));
    Amount::Chosen {
        parameter: "split".to_owned(),
        quantities: of_split.into(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layer: String,
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { layer, split } = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let embeddings = embed(&model, &layer, &images, split)?;
    embeddings.write(context.output(EMBEDDINGS)?, context.provenance())?;
    Ok(())
}
