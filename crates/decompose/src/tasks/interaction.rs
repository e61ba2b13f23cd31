//! The task kind `interaction`: eigenpairs of the interaction matrix of every class of a bilinear layer.
//!
//! A bias of the layer is not part of the interaction matrix; what it adds to the logits is of lower order
//! in the input.

use std::sync::atomic::{AtomicU64, Ordering};

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::{About, EIGENPAIRS, EigenpairsHeader, TENSORS, write_eigenpairs};
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::{
    Amount, Context, Feature, Parameter, ParameterType, Role, TaskError, TaskKind, quantities,
    task_function,
};
use serde::Deserialize;

use crate::bilinear::decompose;

pub(super) fn kind() -> TaskKind {
    let summary = "eigenvalues and input-space eigenvectors of every class's interaction matrix of a bilinear layer";
    TaskKind::new("interaction", summary, task_function!(run))
        .parameters::<Parameters>([Parameter::optional(
            "count",
            ParameterType::at_least(1),
            30,
            "eigenpairs kept at each end of the spectrum",
        )])
        .reads(
            Role::one("model", TENSORS, "weights of a bilinear layer").needs(
                "bilinear",
                "an interaction matrix is made of pairs of gate rows",
            ),
        )
        .writes(SpectrumRow::KIND)
        .writes(EIGENPAIRS)
        .provides(Feature::of_images("model"))
        .provides([stored_eigenpairs()])
        .memory_mib(256)
        .seconds(2.0)
}

/// How many eigenpairs are certain to be stored if `count` are kept at each end.
pub(super) fn stored_eigenpairs() -> Feature {
    let amount = Amount::Ends {
        parameter: "count".to_owned(),
        of: quantities::HIDDEN_UNITS.to_owned(),
    };
    Feature::amount(quantities::EIGENPAIRS, amount)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { count } = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    let weights = BilinearWeights::new(&model, "an interaction matrix")?;
    let StoredModel { architecture, .. } = model;
    let header = EigenpairsHeader {
        shape: architecture.input,
        classes: architecture.classes,
        size: u32::try_from(weights.hidden)?,
    };
    let (total, done) = (weights.classes as u64, AtomicU64::new(0));
    let classes = decompose(&weights, count, || {
        let done = done.fetch_add(1, Ordering::Relaxed) + 1;
        context.progress(done, total, "classes", "");
    })?;
    let (mut spectrum, mut pairs) = (Vec::new(), Vec::new());
    for class in classes {
        spectrum.extend(class.spectrum);
        pairs.extend(class.pairs);
    }
    context.write(&spectrum)?;
    let path = context.output(EIGENPAIRS)?;
    let shape = header.shape;
    let about = About {
        classes: Some(header.classes.len() as u64),
        values: Some((shape.channels * shape.height * shape.width) as u64),
        ..context.about("model")?
    };
    write_eigenpairs(path, &header, &pairs, Some(&about), context.provenance())?;
    Ok(())
}
