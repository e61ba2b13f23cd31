//! The task kind `participation`: how spread out the eigenvalues and eigenvectors of every model are.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::tables::interactions::ParticipationRow;
use eigenscope_artifact::{EIGENPAIRS, Eigenpairs, Selection, read_records, write_labelled};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::bilinear::{Participation, mean_participation};
use crate::error::MetricError;
use crate::statistics::{Group, over_parameter};

pub(super) fn kind() -> TaskKind {
    let summary = "participation ratios of the eigenvalues and of the largest eigenvectors' pixels of every model";
    TaskKind::new("participation", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "count",
                ParameterType::at_least(1),
                5,
                "eigenvectors of each class",
            ),
            Parameter::optional(
                "selection",
                ParameterType::choice(&["highest", "lowest", "magnitude"]),
                "highest",
                "eigenvectors that are measured",
            ),
            over_parameter("eigenpairs", &[]),
        ])
        .reads(Role::many(
            "spectra",
            SpectrumRow::KIND,
            "eigenvalues of any number of models",
        ))
        .reads(
            Role::many(
                "eigenpairs",
                EIGENPAIRS,
                "eigenvectors of the same decompositions",
            )
            .agrees(Agreement::task("eigenpairs", "spectra"))
            .has_eigenpairs("count"),
        )
        .writes(ParticipationRow::KIND)
        .memory_mib(128)
        .seconds(1.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
    selection: Selection,
    over: String,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        count,
        selection,
        over,
    } = context.parameters()?;
    let spectra = context.inputs("spectra")?;
    let mut models = Vec::new();
    for input in context.inputs("eigenpairs")? {
        let spectrum = spectra.iter().find(|other| other.task == input.task);
        let spectrum = spectrum.ok_or_else(|| {
            MetricError::Mismatch(format!("there are no eigenvalues of {}", input.task))
        })?;
        let spectrum: Vec<SpectrumRow> = read_records(&spectrum.path)?;
        let pairs = Eigenpairs::read(&input.path)?;
        let found = Participation::new(&spectrum, &pairs, &input.task, selection, count)?;
        models.push((input, found));
    }
    let mut rows = Vec::new();
    for group in Group::all(models, &over, &[])? {
        group.check(&over, |_| ())?;
        let members = group.members.iter().map(|(_, model)| model.clone());
        let row = mean_participation(&members.collect::<Vec<_>>())?;
        rows.extend(group.label(vec![row]));
    }
    let path = context.output(ParticipationRow::KIND)?;
    let about = context.about("eigenpairs")?;
    write_labelled(path, &rows, Some(&about), context.provenance())?;
    Ok(())
}
