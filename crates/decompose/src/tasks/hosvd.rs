//! The task kind `hosvd`: the singular value decomposition of a bilinear layer's interaction tensor, and the eigenpairs of its
//! components.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::tables::interactions::HosvdRow;
use eigenscope_artifact::{EIGENPAIRS, EigenpairRow, EigenpairsHeader, TENSORS, write_eigenpairs};
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::interaction::stored_eigenpairs;
use crate::bilinear::{BilinearMatrices, hosvd, input_eigenpairs};

pub(super) fn kind() -> TaskKind {
    let summary = "singular values of a bilinear layer's interaction tensor, what each class takes from its components, and their \
                   eigenvectors in input space";
    TaskKind::new("hosvd", summary, task_function!(run))
        .parameters::<Parameters>([Parameter::optional(
            "count",
            ParameterType::at_least(1),
            30,
            "eigenpairs kept at each end of the spectrum of a component",
        )])
        .reads(
            Role::one("model", TENSORS, "weights of a bilinear layer").needs(
                "bilinear",
                "an interaction tensor is made of pairs of gate rows",
            ),
        )
        .writes(HosvdRow::KIND)
        .writes(SpectrumRow::KIND)
        .writes(EIGENPAIRS)
        .provides([Feature::quantities("model"), stored_eigenpairs()])
        .memory_mib(512)
        .seconds(4.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { count } = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    let weights = BilinearWeights::new(&model, "an interaction tensor")?;
    let matrices = BilinearMatrices::of_some(&weights)?;
    let components = hosvd(&matrices)?;
    let header = EigenpairsHeader {
        shape: model.architecture.input,
        classes: (1..=components.len())
            .map(|number| format!("component {number}"))
            .collect(),
        size: u32::try_from(weights.hidden)?,
    };
    let (mut spectrum, mut pairs, mut rows) = (Vec::new(), Vec::<EigenpairRow>::new(), Vec::new());
    for (number, component) in components.into_iter().enumerate() {
        let classes = model.architecture.classes.iter();
        rows.extend(
            classes
                .zip(component.contributions)
                .map(|(class, contribution)| HosvdRow {
                    component: number as u32 + 1,
                    singular_value: component.singular_value,
                    class: class.clone(),
                    contribution,
                }),
        );
        let found = input_eigenpairs(&matrices, &component.system, number, count)?;
        spectrum.extend(found.spectrum);
        pairs.extend(found.pairs);
    }
    context.write(&rows)?;
    context.write(&spectrum)?;
    let path = context.output(EIGENPAIRS)?;
    write_eigenpairs(path, &header, &pairs, None, context.provenance())?;
    Ok(())
}
