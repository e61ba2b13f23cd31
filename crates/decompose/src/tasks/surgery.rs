//! The task kind `surgery`: pairs of classes merged by editing the weight of one layer.

use std::path::Path;

use eigenscope_artifact::tables::surgery::{CentroidRow, SingularValueRow, SurgeryRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings, EmbeddingsHeader, InputShape, TENSORS};
use eigenscope_models::{Architecture, Layer, ModelError, StoredModel};
use eigenscope_stage::{
    Agreement, CONVOLUTIONS, Context, Examination, Examined, Fault, Feature, LAYERS, Parameter,
    ParameterType, Role, Stream, TaskError, TaskKind, task_function,
};
use faer::MatRef;
use serde::Deserialize;

use super::embedding::EMBEDDED_LAYER;
use crate::embeddings::{ClassCentroid, EmbeddingLayer, MergedClasses, OutlierRule, weight};
use crate::error::DecomposeError;
use crate::linear_algebra::singular_system_of_layer;

pub(super) fn kind() -> TaskKind {
    let summary =
        "merge pairs of classes by editing the weight of the layer that made the embeddings";
    TaskKind::new("surgery", summary, task_function!(run))
        .parameters::<Parameters>(parameters())
        .reads(Role::one("model", TENSORS, "model to edit").has_classes("pairs"))
        .reads(
            Role::one(
                "embeddings",
                EMBEDDINGS,
                "what a linear layer of this model makes of images",
            )
            .agrees(Agreement::artifact("embeddings/model", "model")),
        )
        .writes(TENSORS)
        .writes(SurgeryRow::KIND)
        .writes(CentroidRow::KIND)
        .writes(SingularValueRow::KIND)
        .provides([Feature::inherited("model")])
        .examined_by(examine)
        .random()
        .memory_mib(128)
        .seconds(1.0)
}

fn parameters() -> Vec<Parameter> {
    let class = ParameterType::Integer {
        minimum: 0,
        maximum: i64::from(u16::MAX),
    };
    let pairs = Parameter::optional(
        "pairs",
        ParameterType::list(ParameterType::distinct(2, class)).filled(),
        vec![vec![3, 6]],
        "pairs of classes (output indices), merged one after the other",
    );
    [pairs].into_iter().chain(merging_parameters()).collect()
}

/// The parameters of merging any pair.
pub(super) fn merging_parameters() -> [Parameter; 4] {
    let count = ParameterType::Integer {
        minimum: 1,
        maximum: 1 << 20,
    };
    let fraction = || ParameterType::between(0.0, 1.0);
    [
        Parameter::optional("trees", count.clone(), 100, "trees of an isolation forest"),
        Parameter::optional(
            "samples",
            count,
            256,
            "embeddings that each tree is grown on, at most",
        ),
        Parameter::optional(
            "threshold",
            fraction(),
            0.5,
            "largest score of an embedding that is no outlier",
        ),
        Parameter::optional(
            "shrink",
            fraction(),
            1e-5,
            "factor on the direction in which the centroids of a pair differ",
        ),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    pairs: Vec<Vec<usize>>,
    trees: usize,
    samples: usize,
    threshold: f64,
    shrink: f64,
}

/// Refuses the embeddings of a convolution, if the layer is known.
pub(super) fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let embeddings = examination.known("embeddings");
    let layer = embeddings.text(EMBEDDED_LAYER).unwrap_or_default();
    let model = examination.known("model");
    let convolutions = model.names.get(CONVOLUTIONS);
    if !convolutions.is_some_and(|names| names.contains(layer)) {
        return Ok(Examined::default());
    }
    let others = model.names.get(LAYERS).into_iter().flatten();
    let others = others.filter(|name| !convolutions.is_some_and(|names| names.contains(*name)));
    let others: Vec<String> = others.map(|name| format!("`{name}`")).collect();
    let fault = Fault::at("/embeddings", of_convolution(layer, None));
    Ok(Examined::default().fault(match others.as_slice() {
        [] => fault,
        others => fault.help(format!("embed images with {}", others.join(" or "))),
    }))
}

/// Why the embeddings of a convolution cannot be used; `sides` are its places.
fn of_convolution(layer: &str, sides: Option<[usize; 2]>) -> String {
    let sides = sides.map(|[height, width]| format!(" ({height} x {width})"));
    format!(
        "`{layer}` is a convolution: its embeddings have places{}, and its weight cannot turn the values of one place into \
         those of another; surgery needs the embeddings of a layer without places",
        sides.unwrap_or_default()
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let embeddings_path = context.path("embeddings")?;
    let mut model = StoredModel::read(context.path("model")?)?;
    let embeddings = Embeddings::read(embeddings_path)?;
    let layer = layer_of(&embeddings, embeddings_path, &model.architecture)?;
    let pairs = class_pairs(&parameters.pairs, model.architecture.classes.len())?;

    let mut singular_values = singular_value_rows("before", &layer, &model)?;
    let mut edited = EmbeddingLayer::new(&layer, &model, embeddings)?;
    let merged = merge_pairs(context, &mut edited, &pairs, &parameters)?;
    warn_equal(context, &pairs, &merged, &model.architecture.classes);
    model = with_weight(model, &layer, edited.weight.as_ref())?;
    singular_values.extend(singular_value_rows("after", &layer, &model)?);

    let classes = &model.architecture.classes;
    model.write(context.output(TENSORS)?, context.provenance())?;
    context.write(&surgery_rows(&pairs, &merged, classes))?;
    context.write(&centroid_rows(&pairs, &merged, classes))?;
    context.write(&singular_values)
}

/// The layer of a model that made `embeddings`, which must be one that makes a single vector of an image.
pub(super) fn layer_of(
    embeddings: &Embeddings,
    path: &Path,
    model: &Architecture,
) -> Result<Layer, DecomposeError> {
    let EmbeddingsHeader {
        layer,
        width,
        classes,
        ..
    } = &embeddings.header;
    let layer = model.layer(layer)?.1.clone();
    if layer.window.is_some() {
        let InputShape { height, width, .. } = layer.output();
        let reason = of_convolution(&layer.name, Some([height, width]));
        return Err(DecomposeError::Undefined(reason));
    }
    let found = [*width, classes.len()];
    let expected = [layer.outputs, model.classes.len()];
    if found != expected {
        return Err(DecomposeError::Mismatch(format!(
            "{} holds embeddings of {found:?} (values, classes), layer `{}` of the model makes {expected:?}",
            path.display(),
            layer.name
        )));
    }
    Ok(layer)
}

/// The lists as pairs of different classes of the model.
fn class_pairs(lists: &[Vec<usize>], classes: usize) -> Result<Vec<[usize; 2]>, DecomposeError> {
    let pairs = lists.iter().map(|list| {
        let &[first, second] = list.as_slice() else {
            return Err(DecomposeError::Undefined(format!(
                "{list:?} cannot be merged; a pair is two classes"
            )));
        };
        if let Some(class) = [first, second].into_iter().find(|class| *class >= classes) {
            return Err(DecomposeError::no_class(class, classes));
        }
        if first == second {
            return Err(DecomposeError::Undefined(format!(
                "class {first} cannot be merged with itself; a pair is two classes"
            )));
        }
        Ok([first, second])
    });
    pairs.collect()
}

/// Merges the pairs one after the other, each with random numbers of its own.
fn merge_pairs(
    context: &Context,
    layer: &mut EmbeddingLayer,
    pairs: &[[usize; 2]],
    parameters: &Parameters,
) -> Result<Vec<MergedClasses>, DecomposeError> {
    let rule = OutlierRule {
        trees: parameters.trees,
        samples: parameters.samples,
        threshold: parameters.threshold,
    };
    let total = pairs.len() as u64;
    (1..)
        .zip(pairs)
        .map(|(operation, &pair)| {
            let streams = pair.map(|class| forest_stream(context, class, operation));
            let merged_pair = layer.merge(pair, rule, parameters.shrink, streams)?;
            context.progress(operation, total, "pairs", "");
            Ok(merged_pair)
        })
        .collect()
}

/// The random numbers of the isolation forest of a class in an operation, counted from 1.
pub(super) fn forest_stream(context: &Context, class: usize, operation: u64) -> Stream {
    let purpose = format!("isolation forest of class {class}");
    context.seed().stream(&purpose, operation)
}

/// Names classes without any spread.
fn warn_equal(context: &Context, pairs: &[[usize; 2]], merged: &[MergedClasses], names: &[String]) {
    for (pair, merged_pair) in pairs.iter().zip(merged) {
        for (&class, found) in pair.iter().zip(&merged_pair.classes) {
            warn_if_equal(context, &names[class], found);
        }
    }
}

/// Names a class without any spread.
pub(super) fn warn_if_equal(context: &Context, name: &str, class: &ClassCentroid) {
    if class.equal {
        context.warn(format!(
            "all {} embeddings of class {name} are equal: none of them is an outlier",
            class.images
        ));
    }
}

/// The model with another weight of a layer, rounded to f32.
fn with_weight(
    model: StoredModel,
    layer: &Layer,
    weight: MatRef<'_, f64>,
) -> Result<StoredModel, ModelError> {
    let StoredModel {
        architecture,
        mut tensors,
    } = model;
    for tensor in &mut tensors {
        if tensor.name == layer.weight() {
            let rows = weight.row_iter();
            tensor.data = rows
                .flat_map(|row| row.iter().map(|value| *value as f32))
                .collect();
        }
    }
    StoredModel::new(architecture, tensors)
}

fn singular_value_rows(
    state: &str,
    layer: &Layer,
    model: &StoredModel,
) -> Result<Vec<SingularValueRow>, DecomposeError> {
    let values = singular_system_of_layer(&layer.name, weight(layer, model)?.as_ref())?.values;
    let rows = (1..)
        .zip(values)
        .map(|(rank, singular_value)| SingularValueRow {
            state: state.to_owned(),
            rank,
            singular_value,
        });
    Ok(rows.collect())
}

fn surgery_rows(
    pairs: &[[usize; 2]],
    merged: &[MergedClasses],
    names: &[String],
) -> Vec<SurgeryRow> {
    let numbered = (1..).zip(pairs.iter().zip(merged));
    numbered
        .map(|(operation, (&[first_class, second_class], merged_pair))| {
            let [first, second] = &merged_pair.classes;
            SurgeryRow {
                operation,
                first_class: names[first_class].clone(),
                second_class: names[second_class].clone(),
                first_images: first.images as u32,
                first_inliers: first.inliers as u32,
                second_images: second.images as u32,
                second_inliers: second.inliers as u32,
                cosine_inliers: merged_pair.cosine_inliers,
                cosine_before: merged_pair.cosine_before,
                cosine_after: merged_pair.cosine_after,
            }
        })
        .collect()
}

fn centroid_rows(
    pairs: &[[usize; 2]],
    merged: &[MergedClasses],
    names: &[String],
) -> Vec<CentroidRow> {
    let mut rows = Vec::new();
    for (operation, (pair, merged_pair)) in (1..).zip(pairs.iter().zip(merged)) {
        for (&class, found) in pair.iter().zip(&merged_pair.classes) {
            let components = (1..).zip(&found.centroid);
            rows.extend(components.map(|(component, &value)| CentroidRow {
                operation,
                class: names[class].clone(),
                component,
                value,
            }));
        }
    }
    rows
}
