//! The task kind `interaction`: eigenpairs of the interaction matrix of every class of a bilinear layer.
//!
//! A bias of the layer is not part of the interaction matrix; what it adds to the logits is of lower order
//! in the input.

use std::sync::atomic::{AtomicU64, Ordering};

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::{
    EIGENPAIRS, EigenpairRow, EigenpairsHeader, TENSORS, write_eigenpairs, write_records,
};
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Resources, Role, TaskError, TaskKind,
    TaskKindDescription, task_function,
};
use faer::Mat;
use rayon::prelude::*;
use serde::Deserialize;

use crate::bilinear::{BilinearMatrices, input_vectors, interaction_matrix};
use crate::error::DecomposeError;
use crate::linear_algebra::eigensystem;

/// The task kind.
pub(crate) fn kind() -> TaskKind {
    TaskKind {
        description: describe(),
        run: task_function!(run),
    }
}

fn describe() -> TaskKindDescription {
    TaskKindDescription {
        name: "interaction".to_owned(),
        summary:
            "eigenvalues and input-space eigenvectors of every class's interaction matrix of a \
                  bilinear layer"
                .to_owned(),
        parameters: vec![Parameter::optional(
            "count",
            ParameterType::at_least(1),
            30,
            "eigenpairs kept at each end of the spectrum",
        )],
        roles: vec![
            Role::one("model", TENSORS, "weights of a bilinear layer").needs(
                "bilinear",
                "an interaction matrix is made of pairs of gate rows",
            ),
        ],
        outputs: vec![SpectrumRow::KIND.into(), EIGENPAIRS.into()],
        provides: Feature::of_images("model").into(),
        random: false,
        resources: Resources {
            threads: 1,
            memory_mib: 256,
            seconds: 2.0,
            ..Resources::default()
        },
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let model = StoredModel::read(&context.input("model")?.path)?;
    let weights = BilinearWeights::new(&model, "an interaction matrix")?;
    let StoredModel { architecture, .. } = model;
    let header = EigenpairsHeader {
        shape: architecture.input,
        classes: architecture.classes,
        size: u32::try_from(weights.hidden)?,
    };
    let (total, done) = (weights.classes as u64, AtomicU64::new(0));
    let classes = decompose(&weights, parameters.count, || {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        context.progress(done, total, "classes", "");
    })?;
    let (mut spectrum, mut pairs) = (Vec::new(), Vec::new());
    for class in classes {
        spectrum.extend(class.spectrum);
        pairs.extend(class.pairs);
    }
    write_records(
        context.output(SpectrumRow::KIND)?,
        &spectrum,
        context.provenance(),
    )?;
    write_eigenpairs(
        context.output(EIGENPAIRS)?,
        &header,
        &pairs,
        context.provenance(),
    )?;
    Ok(())
}

/// What is kept of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDecomposition {
    /// All d eigenvalues, ascending.
    pub spectrum: Vec<SpectrumRow>,
    /// The eigenpairs at [`kept_positions`], ascending, with their vectors in input space
    /// ([`input_vectors`]) rounded to f32.
    pub pairs: Vec<EigenpairRow>,
}

/// Positions kept of `size` ascending eigenvalues: the `count` lowest, then the `count` highest, none twice.
pub fn kept_positions(size: usize, count: usize) -> Vec<usize> {
    let lowest = count.min(size);
    let highest = size.saturating_sub(count).max(lowest);
    (0..lowest).chain(highest..size).collect()
}

/// Decomposes the interaction matrix of every class, in class order, in f64.
///
/// Classes are spread over the current rayon pool; `finished` is called once a class, in any order.
/// Besides the weights, each thread holds five d x d matrices at its peak: 40 MB for d = 1000, Q and V
/// being 8 MB each and the rest the solver's.
///
/// # Errors
/// Returns an error if the model has no inputs, hidden units or classes, if an eigenvalue iteration does not converge, or if a
/// matrix, eigenvalue or vector overflows. It is that of the first failing class.
pub fn decompose(
    weights: &BilinearWeights,
    count: usize,
    finished: impl Fn() + Sync,
) -> Result<Vec<ClassDecomposition>, DecomposeError> {
    if weights.inputs == 0 || weights.hidden == 0 || weights.classes == 0 {
        let (inputs, hidden) = (weights.inputs, weights.hidden);
        return Err(DecomposeError::empty_model(inputs, hidden, weights.classes));
    }
    let matrices = BilinearMatrices::new(weights);
    let results: Vec<Result<ClassDecomposition, DecomposeError>> = (0..weights.classes)
        .into_par_iter()
        .map(|class| {
            let result = decompose_class(&matrices, class, count);
            finished();
            result
        })
        .collect();
    results.into_iter().collect()
}

fn decompose_class(
    matrices: &BilinearMatrices,
    class: usize,
    count: usize,
) -> Result<ClassDecomposition, DecomposeError> {
    let not_finite = |quantity| DecomposeError::overflow(class, quantity);
    let matrix = interaction_matrix(matrices, class);
    let size = matrix.nrows();
    if !matrix.is_all_finite() {
        return Err(not_finite("the interaction matrix"));
    }
    let system =
        eigensystem(matrix.as_ref()).map_err(|_| DecomposeError::no_eigenvalues(class, size))?;
    if !system.values.iter().all(|value| value.is_finite()) {
        return Err(not_finite("an eigenvalue"));
    }
    let kept = kept_positions(size, count);
    let vectors = Mat::from_fn(size, kept.len(), |row, column| {
        system.vectors[(row, kept[column])]
    });
    let images = input_vectors(matrices.embed.as_ref(), vectors.as_ref());
    let mut pairs = Vec::with_capacity(kept.len());
    for (column, &position) in kept.iter().enumerate() {
        let input_vector: Vec<f32> = images
            .col(column)
            .iter()
            .map(|&value| value as f32)
            .collect();
        if !input_vector.iter().all(|value| value.is_finite()) {
            return Err(not_finite("an eigenvector in input space"));
        }
        pairs.push(EigenpairRow {
            class: class as u32,
            index: position as u32,
            eigenvalue: system.values[position],
            input_vector,
        });
    }
    let spectrum = system.values.iter().enumerate();
    Ok(ClassDecomposition {
        spectrum: spectrum
            .map(|(index, &eigenvalue)| SpectrumRow {
                class: class as u32,
                index: index as u32,
                eigenvalue,
            })
            .collect(),
        pairs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_kept_once() {
        assert_eq!(kept_positions(6, 2), [0, 1, 4, 5]);
        assert_eq!(kept_positions(4, 2), [0, 1, 2, 3]);
        assert_eq!(kept_positions(3, 2), [0, 1, 2]);
        assert_eq!(kept_positions(2, 30), [0, 1]);
        assert_eq!(kept_positions(0, 1), [0; 0]);
    }
}
