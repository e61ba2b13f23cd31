//! The task kind `merges`: what merging each two classes does to their images and to the images of the other classes.
//!
//! Each pair is merged as by the task kind `surgery` of the same seed, and alone. Predictions follow from the edited embeddings,
//! e' = P (e - b) + b, so that no image runs through the model again.

use eigenscope_artifact::tables::surgery::MergeRow;
use eigenscope_artifact::{EMBEDDINGS, Embeddings, TENSORS};
use eigenscope_models::StoredModel;
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};
use rayon::prelude::*;
use serde::Deserialize;

use super::surgery::{examine, forest_stream, layer_of, merging_parameters, warn_if_equal};
use crate::embeddings::{ClassCentroid, Correct, EmbeddingLayer, OutlierRule, Tail};
use crate::error::DecomposeError;

pub(super) fn kind() -> TaskKind {
    let summary = "what merging each two classes by weight surgery does to the accuracy on them and on the others";
    TaskKind::new("merges", summary, task_function!(run))
        .parameters::<Parameters>(merging_parameters())
        .reads(Role::one("model", TENSORS, "model to edit"))
        .reads(
            Role::one(
                "embeddings",
                EMBEDDINGS,
                "what a linear layer of this model makes of images",
            )
            .agrees(Agreement::artifact("embeddings/model", "model")),
        )
        .writes(MergeRow::KIND)
        .examined_by(examine)
        .random()
        .threads(4)
        .memory_mib(128)
        .seconds(1.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    trees: usize,
    samples: usize,
    threshold: f64,
    shrink: f64,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        trees,
        samples,
        threshold,
        shrink,
    } = context.parameters()?;
    let rule = OutlierRule {
        trees,
        samples,
        threshold,
    };
    let embeddings_path = context.path("embeddings")?;
    let model = StoredModel::read(context.path("model")?)?;
    let embeddings = Embeddings::read(embeddings_path)?;
    let layer = layer_of(&embeddings, embeddings_path, &model.architecture)?;
    let predicted = embeddings.predicted.clone();
    let tail = Tail::new(&model, &layer)?;
    let layer = EmbeddingLayer::new(&layer, &model, embeddings)?;

    let names = &model.architecture.classes;
    let centroids = centroids(context, &layer, rule, names)?;
    let survey = Survey {
        layer,
        tail,
        predicted,
        shrink,
        names,
    };
    let pairs: Vec<[&Found; 2]> = (1..)
        .zip(&centroids)
        .flat_map(|(next, first)| centroids[next..].iter().map(move |second| [first, second]))
        .collect();
    let merged: Result<Vec<Merged>, _> =
        pairs.into_par_iter().map(|pair| survey.row(pair)).collect();
    let mut rows = Vec::new();
    let mut left_out = Vec::new();
    for merged in merged? {
        match merged {
            Ok(row) => rows.push(row),
            Err(reason) => left_out.push(reason),
        }
    }
    context.warn_all(left_out.first().map(|first| match left_out.len() {
        1 => format!("one pair is left out: {first}"),
        count => format!("{count} pairs are left out; the first: {first}"),
    }));
    context.write(&rows)
}

/// A merged pair, or why it cannot be merged.
type Merged = Result<MergeRow, DecomposeError>;

/// A class with its centroid.
type Found = (usize, ClassCentroid);

/// The centroids of all classes that have one; a warning names the others.
///
/// # Errors
/// Returns the first reason if there are images, but no class has a centroid.
fn centroids(
    context: &Context,
    layer: &EmbeddingLayer,
    rule: OutlierRule,
    names: &[String],
) -> Result<Vec<Found>, DecomposeError> {
    let mut images = vec![0_usize; names.len()];
    for &label in &layer.labels {
        images[usize::from(label)] += 1;
    }
    let mut centroids = Vec::new();
    let mut refused = None;
    for (class, images) in images.into_iter().enumerate() {
        if images == 0 {
            let name = &names[class];
            context.warn(format!(
                "class {name} has no images: it is merged with no other"
            ));
            continue;
        }
        // As the first operation of a surgery.
        match layer.class_centroid(class, rule, forest_stream(context, class, 1)) {
            Ok(centroid) => {
                warn_if_equal(context, &names[class], &centroid);
                centroids.push((class, centroid));
            }
            Err(reason) => {
                context.warn(format!(
                    "class {} is merged with no other: {reason}",
                    names[class]
                ));
                refused.get_or_insert(reason);
            }
        }
    }
    match refused {
        Some(reason) if centroids.is_empty() => Err(reason),
        _ => Ok(centroids),
    }
}

/// What all pairs have in common.
struct Survey<'a> {
    layer: EmbeddingLayer,
    tail: Tail,
    /// Predictions before any merging.
    predicted: Vec<u16>,
    shrink: f64,
    names: &'a [String],
}

impl Survey<'_> {
    fn row(
        &self,
        [(first, first_centroid), (second, second_centroid)]: [&Found; 2],
    ) -> Result<Merged, DecomposeError> {
        let pair = [*first, *second];
        let mut edited = self.layer.clone();
        let centroids = [first_centroid.clone(), second_centroid.clone()];
        let merged = match edited.merge_centroids(pair, centroids, self.shrink) {
            Ok(merged) => merged,
            Err(reason) => return Ok(Err(reason)),
        };
        let predicted = self.tail.predict(&edited.embeddings)?;
        let labels = &self.layer.labels;
        let before = Correct::count(labels, &self.predicted, pair);
        let after = Correct::count(labels, &predicted, pair);
        let pair_images = (first_centroid.images + second_centroid.images) as u32;
        let rest_images = labels.len() as u32 - pair_images;
        let of_pair = |correct: u32| f64::from(correct) / f64::from(pair_images);
        let of_rest =
            |correct: u32| (rest_images > 0).then(|| f64::from(correct) / f64::from(rest_images));
        Ok(Ok(MergeRow {
            first_class: self.names[*first].clone(),
            second_class: self.names[*second].clone(),
            cosine_before: merged.cosine_before,
            cosine_after: merged.cosine_after,
            pair_images,
            pair_correct_before: before.pair,
            pair_correct_after: after.pair,
            pair_accuracy_before_fraction: of_pair(before.pair),
            pair_accuracy_after_fraction: of_pair(after.pair),
            rest_images,
            rest_correct_before: before.rest,
            rest_correct_after: after.rest,
            rest_accuracy_before_fraction: of_rest(before.rest),
            rest_accuracy_after_fraction: of_rest(after.rest),
        }))
    }
}
