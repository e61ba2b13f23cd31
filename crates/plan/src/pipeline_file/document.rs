//! The plan of a pipeline file: its tables checked, resolved, expanded and compared with each other.

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_stage::{ParameterType, Stage};

use super::agreement::check_agreements;
use super::compatibility::{Compatibility, check_compatibility};
use super::content::{self, DESCRIPTION, EditedFiles};
use super::device;
use super::examine::examine;
use super::expand::expand;
use super::former_ids;
use super::resolve::resolve;
use super::table::{Known, SEED, SEEDS, Table, table};
use super::{labels, sections, sizes, style};
use crate::file::{self, FileError, Problems, Sources};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::progress::{Activity, Progress};

/// A pipeline file as it is given.
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) path: &'a Path,
    pub(crate) text: &'a str,
    /// Files that it may extend, with the texts that they will have.
    pub(crate) edited: &'a EditedFiles,
}

/// The plan of a pipeline file; without meaning if a problem was reported. Adds the file and those that it extends to
/// `sources`.
pub(crate) fn plan(
    File {
        name,
        path,
        text,
        edited,
    }: File<'_>,
    programs: &Programs,
    progress: &Progress,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Plan {
    let mut content = content::read(path, text, edited, sources, problems);
    style::apply(
        content.style.take(),
        programs.kinds(Stage::Figure),
        &mut content.tables,
        problems,
    );
    let description = content.description.and_then(|entry| {
        let text = file::value(&entry.node, &ParameterType::Text, DESCRIPTION, problems)?;
        Some(text.as_str()?.to_owned())
    });
    let seed = content
        .seed
        .and_then(|entry| file::value(&entry.node, &SEEDS, SEED, problems)?.as_u64());
    let device = content.device.as_ref();
    let device = device.and_then(|entry| device::choice(entry, problems));
    let tables: Vec<Table<'_>> = content
        .tables
        .iter()
        .map(|found| {
            let kinds = programs.kinds(found.stage);
            let missing = programs.missing(found.stage);
            let missing = missing.as_deref();
            let others = |name: &str| programs.stage_of(name);
            let known = Known {
                kinds,
                missing,
                stage_of: &others,
            };
            table(found.stage, &found.entry, &known, sources.text(), problems)
        })
        .collect();
    if tables.is_empty() && problems.is_empty() {
        problems.add(|| {
            FileError::new("empty", "the file holds no task table")
                .help("a pipeline starts with data: a table [data.NAME]")
        });
    }
    former_ids::check(&tables, problems);
    let sections = sections::sections(content.sections.as_ref(), &tables, text.len(), problems);
    let references = resolve(&tables, problems);
    let seed = seed.unwrap_or_default();
    let (mut tasks, expanded) = expand(&tables, &references, programs, seed, progress, problems);
    progress.begin(Activity::Checking, tasks.len());
    device::settle(&expanded, &mut tasks, device, programs, problems);
    let examinations = examine(&expanded, &tasks, programs, problems);
    let compatibility = Compatibility::new(&expanded, &tasks, &examinations);
    check_compatibility(&compatibility, problems);
    labels::check(&expanded, &tasks, problems);
    for (task, warning) in check_agreements(&compatibility, problems) {
        tasks[task].warnings.push(warning);
    }
    let factors = {
        let known = sizes::check(&expanded, &tasks, &examinations, problems);
        sizes::duration_factors(&expanded, &tasks, &known)
    };
    for (task, factor) in tasks.iter_mut().zip(factors) {
        task.resources.seconds *= factor;
    }
    examinations.add_to(&mut tasks);
    let code = programs.all_code();
    let code = code.map(|code| (code.fingerprint.clone(), code.parts.clone()));
    Plan {
        name: name.to_owned(),
        file: path.to_owned(),
        extended: content.extended,
        description: description.unwrap_or_default(),
        sections,
        code: code.collect::<BTreeMap<_, _>>(),
        tasks,
    }
}
