//! The task kind `clipping`: accuracy of a model by the rank that the weight of one of its layers is clipped to.
//!
//! For every layer that the basis has, and every rank k of it, W is replaced by W P_k: the layer reads the first k
//! eigenvectors of the covariance of its inputs, or of its own weight, and nothing else ([`ClippedLayer`]). The learned
//! dimensions of a layer are the smallest rank from which on no rank costs more than a little accuracy. Beside them stands
//! what clipping to the spikes costs: the eigenvalues that leave the Marchenko-Pastur law, as the task kind
//! `weight-covariance` counts them. Guth, Ménard, Rochette and Mallat, *A Rainbow in Deep Network Black Boxes* (2024).

use eigenscope_artifact::tables::layers::{ClippingRow, LearnedDimensionsRow};
use eigenscope_artifact::{
    BASES, CovarianceOf, IMAGES, ImageReader, SplitName, TENSORS, write_records,
};
use eigenscope_models::{Architecture, Layer, Runner, StoredModel, check_images};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Resources, Role, TaskError, TaskKind,
    TaskKindDescription, task_function,
};
use rayon::prelude::*;
use serde::Deserialize;

use crate::error::MetricError;
use crate::layers::LayerBases;
use crate::layers::{ClippedLayer, images_at_once};
use crate::split_images::SplitImages;

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: describe(),
        run: task_function!(run),
    }
}

fn describe() -> TaskKindDescription {
    TaskKindDescription {
        name: "clipping".to_owned(),
        summary: "accuracy with the weight of one layer clipped to the first eigenvectors of a \
                  covariance, for every number of them"
            .to_owned(),
        parameters: vec![
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
        ],
        roles: vec![
            Role::one("model", TENSORS, "a trained model"),
            Role::one(
                "bases",
                BASES,
                "eigenvectors in the space of the inputs of its layers",
            )
            .agrees(Agreement::artifact("bases/model", "model")),
            Role::one("data", IMAGES, "images to measure the accuracy on").shown_to("model"),
        ],
        outputs: vec![ClippingRow::KIND.into(), LearnedDimensionsRow::KIND.into()],
        provides: Vec::new(),
        random: false,
        resources: Resources {
            threads: 4,
            memory_mib: 384,
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
    within_fraction: f64,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let (model_input, data_input) = (context.input("model")?, context.input("data")?);
    let (task, data) = (&model_input.task, &data_input.task);
    let model = StoredModel::read(&model_input.path)?;
    let reader = ImageReader::open(&data_input.path)?;
    check_images(&model.architecture, task, &reader, data)?;
    let bases = LayerBases::read(context.input("bases")?)?;
    let layers = bases.select(&parameters.layers, task, &model)?;
    let images = SplitImages::read(&reader, parameters.split, data)?;

    let runner = Runner::new(&model)?;
    let unclipped = correct_unclipped(&model.architecture, &runner, &images)?;
    let (mut rows, mut dimensions) = (Vec::new(), Vec::new());
    let total = layers.len() as u64;
    for (done, chosen) in (0..).zip(layers) {
        context.progress(done, total, "layers", chosen.layer.name.as_str());
        let step = (chosen.position, chosen.layer.clone());
        let clipped = ClippedLayer::new(&model, &runner, step, chosen.basis)?;
        let curve = Curve {
            of: bases.of,
            spikes: chosen.spikes,
            layer: chosen.layer,
            correct: clipped.correct(&images.labels, |range| images.inputs(range))?,
            images: images.len(),
        };
        rows.extend(curve.rows());
        dimensions.push(curve.learned_dimensions(unclipped, parameters.within_fraction));
    }
    context.progress(total, total, "layers", "");
    let provenance = context.provenance();
    write_records(context.output(ClippingRow::KIND)?, &rows, provenance)?;
    let path = context.output(LearnedDimensionsRow::KIND)?;
    write_records(path, &dimensions, provenance)?;
    Ok(())
}

/// Correct predictions of the model as it is.
fn correct_unclipped(
    architecture: &Architecture,
    runner: &Runner,
    images: &SplitImages,
) -> Result<usize, MetricError> {
    let tile = images_at_once(architecture.steps());
    let tiles = images.labels.par_chunks(tile).enumerate();
    tiles
        .map(|(index, labels)| {
            let first = index * tile;
            let inputs = images.inputs(first..first + labels.len());
            Ok(runner.evaluate(&inputs, labels)?.correct)
        })
        .try_reduce(|| 0, |first, second| Ok(first + second))
}

/// Correct predictions by the rank that one layer is clipped to.
struct Curve {
    of: CovarianceOf,
    layer: Layer,
    spikes: Option<u32>,
    /// For rank 1, 2, ...
    correct: Vec<usize>,
    images: usize,
}

impl Curve {
    fn accuracy_fraction(&self, correct: usize) -> f64 {
        correct as f64 / self.images as f64
    }

    fn rows(&self) -> impl Iterator<Item = ClippingRow> {
        (1..)
            .zip(&self.correct)
            .map(|(kept, &correct)| ClippingRow {
                of: self.of.name().to_owned(),
                layer: self.layer.name.clone(),
                kept,
                correct: correct as u32,
                images: self.images as u32,
                accuracy_fraction: self.accuracy_fraction(correct),
            })
    }

    /// The ranks whose accuracy is at least that of the `unclipped` model minus `within_fraction`, and that of the spikes.
    fn learned_dimensions(&self, unclipped: usize, within_fraction: f64) -> LearnedDimensionsRow {
        let allowed = within_fraction * self.images as f64;
        let enough = |correct: &usize| unclipped as f64 - *correct as f64 <= allowed;
        let rank = |position: usize| position as u32 + 1;
        let last_loss = self.correct.iter().rposition(|correct| !enough(correct));
        let dimensions = last_loss.map_or(0, |position| position + 1);
        let at_spikes = self.spikes.and_then(|spikes| {
            let position = (spikes as usize).checked_sub(1)?;
            self.correct.get(position)
        });
        LearnedDimensionsRow {
            of: self.of.name().to_owned(),
            layer: self.layer.name.clone(),
            inputs: self.layer.inputs() as u32,
            accuracy_fraction: self.accuracy_fraction(unclipped),
            within_fraction,
            dimensions: (dimensions < self.correct.len()).then(|| rank(dimensions)),
            first_dimensions: self.correct.iter().position(enough).map(rank),
            spikes: self.spikes,
            spikes_accuracy_fraction: at_spikes.map(|correct| self.accuracy_fraction(*correct)),
        }
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::InputShape;
    use eigenscope_models::networks;

    use super::*;

    fn learned(correct: &[usize], spikes: Option<u32>) -> LearnedDimensionsRow {
        let network = networks::mlp(vec![]);
        let architecture = network
            .architecture(InputShape::from([1, 2, 3]), vec!["a".to_owned()])
            .expect("any input fits");
        let (_, layer) = architecture.layers().next().expect("one layer");
        let curve = Curve {
            of: CovarianceOf::Weights,
            layer: layer.clone(),
            spikes,
            correct: correct.to_vec(),
            images: 1000,
        };
        curve.learned_dimensions(900, 0.01)
    }

    #[test]
    fn a_lone_peak_is_not_the_learned_dimensions() {
        let row = learned(&[500, 895, 880, 889, 890, 905], Some(3));
        assert_eq!((row.first_dimensions, row.dimensions), (Some(2), Some(5)));
        assert_eq!(row.spikes_accuracy_fraction, Some(0.88));

        let never = learned(&[500, 895, 880], Some(0));
        assert_eq!((never.first_dimensions, never.dimensions), (Some(2), None));
        assert_eq!(
            (never.spikes, never.spikes_accuracy_fraction),
            (Some(0), None)
        );
        let always = learned(&[900, 901], None);
        assert_eq!(
            (always.first_dimensions, always.dimensions),
            (Some(1), Some(1))
        );
        assert_eq!(learned(&[1], Some(1)).first_dimensions, None);
    }
}
