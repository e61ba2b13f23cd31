//! The task kind `truncation`: test accuracy of a bilinear layer with only its strongest eigenpairs.
//!
//! ```text
//! logits_k[c] = sum over the k eigenpairs of largest |lambda| of class c of lambda (v^T E x)^2
//! ```
//!
//! for k = 0..=min(kept, d), in one pass: every image is projected once on all kept eigenvectors, and the
//! eigenpairs are added one by one. Pearce et al., *Bilinear MLPs enable weight-based
//! mechanistic interpretability* (2025).

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::tables::bilinear::TruncationRow;
use eigenscope_artifact::{
    EIGENPAIRS, Eigenpairs, IMAGES, ImageReader, Selection, SplitName, TENSORS, write_records,
};
use eigenscope_models::{
    Architecture, StoredModel, check_images, evaluate, predicted_class, values,
};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Resources, Role, TaskError, TaskKind,
    TaskKindDescription, task_function,
};
use rayon::prelude::*;
use serde::Deserialize;

use crate::compatibility::{check_classes, check_shapes, check_sizes};
use crate::error::MetricError;
use crate::split_images::SplitImages;

/// Images handled at a time: 4 MB of inputs for MNIST, and part of what fixes the result's bits.
const BLOCK_ROWS: usize = 1000;

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: "truncation".to_owned(),
            summary: "test accuracy with only the strongest eigenpairs of every class".to_owned(),
            parameters: vec![Parameter::optional(
                "kept",
                ParameterType::at_least(1),
                30,
                "largest number of eigenpairs kept per class; smaller ones down to 0 are evaluated too",
            )],
            roles: vec![
                Role::one(
                    "model",
                    TENSORS,
                    "the full model, a bilinear layer without bias",
                )
                .needs(
                    "bilinear",
                    "only the logits of a bilinear layer are sums over eigenpairs",
                )
                .needs(
                    "bias-free",
                    "what a bias adds to the logits is not in the eigenpairs",
                ),
                Role::one("eigenpairs", EIGENPAIRS, "its eigenpairs")
                    .agrees(Agreement::artifact("eigenpairs/model", "model")),
                Role::one("data", IMAGES, "images to test on").shown_to("model"),
            ],
            outputs: vec![TruncationRow::KIND.into()],
            provides: Vec::new(),
            random: false,
            resources: Resources {
                threads: 1,
                memory_mib: 384,
                seconds: 1.0,
                ..Resources::default()
            },
        },
        run: task_function!(run),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    kept: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let (model_input, pairs_input) = (context.input("model")?, context.input("eigenpairs")?);
    let data_input = context.input("data")?;
    let model = StoredModel::read(&model_input.path)?;
    let pairs = Eigenpairs::read(&pairs_input.path)?;
    let images = ImageReader::open(&data_input.path)?;
    let bilinear = model.architecture.bilinear("truncation")?;
    if bilinear.gate.bias {
        return Err(Box::new(MetricError::Undefined(format!(
            "{}: a bilinear layer with a bias is not the sum of its eigenpairs, so truncating it is not defined",
            model_input.task
        ))));
    }
    let (model_task, pairs_task) = (&model_input.task, &pairs_input.task);
    check_images(&model.architecture, model_task, &images, &data_input.task)?;
    let Architecture { input, classes, .. } = &model.architecture;
    check_shapes(model_task, *input, pairs_task, pairs.header.shape)?;
    check_classes(model_task, classes, pairs_task, &pairs.header.classes)?;
    let size = pairs.header.size;
    check_sizes(model_task, bilinear.hidden(), pairs_task, size)?;
    let top = TopEigenpairs::new(&pairs, parameters.kept)?;

    let images = SplitImages::read(&images, SplitName::Test, &data_input.task)?;
    let blocks: Vec<Result<Block, MetricError>> = images
        .labels
        .par_chunks(BLOCK_ROWS)
        .enumerate()
        .map(|(index, labels)| {
            let device = Device::flex();
            let first = index * BLOCK_ROWS;
            let inputs = images.inputs(first..first + labels.len());
            let full = evaluate(&model.load(&device)?, &inputs, labels, &device)?.correct;
            let truncated = top.correct(&inputs, labels, &device)?;
            Ok(Block { full, truncated })
        })
        .collect();
    let (mut full, mut truncated) = (0, vec![0; top.kept + 1]);
    for block in blocks {
        let block = block?;
        full += block.full;
        for (sum, correct) in truncated.iter_mut().zip(block.truncated) {
            *sum += correct;
        }
    }
    write_records(
        context.output(TruncationRow::KIND)?,
        &rows(size, &truncated, full, images.len()),
        context.provenance(),
    )?;
    Ok(())
}

/// Correct predictions among the images of one block.
struct Block {
    full: usize,
    truncated: Vec<usize>,
}

fn rows(hidden: u32, truncated: &[usize], full: usize, images: usize) -> Vec<TruncationRow> {
    let full_accuracy = full as f64 / images as f64;
    let rows = truncated.iter().enumerate().map(|(kept, &correct)| {
        let accuracy = correct as f64 / images as f64;
        TruncationRow {
            hidden,
            kept: kept as u32,
            correct: correct as u32,
            images: images as u32,
            accuracy_fraction: accuracy,
            error_fraction: 1.0 - accuracy,
            accuracy_drop_fraction: full_accuracy - accuracy,
        }
    });
    rows.collect()
}

/// The strongest eigenpairs of every class, ready to be added up.
#[derive(Debug, Clone)]
pub struct TopEigenpairs {
    /// Eigenpairs per class, `min(kept, d)`.
    pub kept: usize,
    /// C.
    pub classes: usize,
    /// Eigenvalues `[kept, C]`, of falling absolute value in every class.
    eigenvalues: Vec<f64>,
    /// Eigenvectors in input space `[kept, C, D]`.
    vectors: Vec<f32>,
    /// D.
    inputs: usize,
}

impl TopEigenpairs {
    /// Selects the `min(kept, d)` eigenpairs of largest absolute eigenvalue of every class.
    ///
    /// # Errors
    /// Returns an error if the artifact is not certain to hold them.
    pub fn new(pairs: &Eigenpairs, kept: usize) -> Result<Self, MetricError> {
        let (classes, inputs) = (pairs.header.classes.len(), pairs.header.shape.len());
        let kept = kept.min(pairs.header.size as usize);
        let selected = (0..classes)
            .map(|class| pairs.select(class, Selection::Magnitude, kept))
            .collect::<Result<Vec<_>, _>>()?;
        let mut eigenvalues = Vec::new();
        let mut vectors = Vec::new();
        for rank in 0..kept {
            for pair in selected.iter().filter_map(|class| class.get(rank)) {
                eigenvalues.push(pair.eigenvalue);
                vectors.extend_from_slice(&pair.input_vector);
            }
        }
        Ok(Self {
            kept,
            classes,
            eigenvalues,
            vectors,
            inputs,
        })
    }

    /// Correct predictions among `inputs` `[labels.len(), D]` for k = 0..=kept, as `kept + 1` counts. The
    /// prediction is the class of largest logit, the first of equal ones: class 0 for k = 0.
    ///
    /// Projections are one f32 matrix product (the precision of the model itself); their squares are
    /// weighted and summed in f64, where large terms of both signs cancel, at no measurable cost.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the projections.
    pub fn correct(
        &self,
        inputs: &[f32],
        labels: &[u16],
        device: &Device,
    ) -> Result<Vec<usize>, MetricError> {
        let pairs = self.kept * self.classes;
        let mut correct = vec![0; self.kept + 1];
        correct[0] = labels.iter().filter(|&&label| label == 0).count();
        if pairs == 0 || labels.is_empty() {
            return Ok(correct);
        }
        let tensor = |values: &[f32], rows: usize| {
            Tensor::<2>::from_data(
                TensorData::new(values.to_vec(), [rows, self.inputs]),
                device,
            )
        };
        let projections =
            tensor(inputs, labels.len()).matmul(tensor(&self.vectors, pairs).transpose());
        let projections = values(projections)?;
        let mut logits = vec![0.0_f64; self.classes];
        for (image, &label) in projections.chunks_exact(pairs).zip(labels) {
            logits.fill(0.0);
            let ranks = image
                .chunks_exact(self.classes)
                .zip(self.eigenvalues.chunks_exact(self.classes));
            for (rank, (projections, eigenvalues)) in ranks.enumerate() {
                for (class, logit) in logits.iter_mut().enumerate() {
                    let projection = f64::from(projections[class]);
                    *logit += eigenvalues[class] * projection * projection;
                }
                correct[rank + 1] += usize::from(predicted_class(&logits) == usize::from(label));
            }
        }
        Ok(correct)
    }
}
