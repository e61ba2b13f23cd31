//! Renaming a table: all files that say its name are changed together, and nothing that takes long is computed again.
//!
//! The changed texts are planned before anything is written. If a task would then be computed from anything else than before, other than
//! metrics and figures that show the name or read what does, nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use eigenscope_artifact::{ArtifactError, output};
use eigenscope_plan::file::{
    ChangedLine, Edits, Entry, FileError, FileErrors, Node, Problems, Raw, Sources, document,
    read_text,
};
use eigenscope_plan::pipeline_file::rename::{
    Beside, Rename, add_edited, beside as files_beside, rename_in_extending, rename_table,
};
use eigenscope_plan::pipeline_file::{EditedFiles, parse_edited};
use eigenscope_plan::programs::Programs;
use eigenscope_plan::task_patterns::select;
use eigenscope_plan::{Plan, PlannedTask, parse};

use crate::compare;
use crate::survey::first_few;
use crate::verify::{LockFile, Tolerances};

/// What a rename changes.
#[derive(Debug)]
pub struct Renaming {
    /// The pipeline file, those that extend it, and what stands beside them.
    pub files: Vec<ChangedFile>,
    /// The plan of the pipeline afterwards.
    pub plan: Plan,
    /// Tasks of that plan that show the name, or read what does, and so are computed again.
    pub outdated: Vec<usize>,
    /// Files beside the pipeline file that cannot be read and may say the name, with the reasons.
    pub unread: Vec<(PathBuf, String)>,
}

/// A file that says the name.
#[derive(Debug)]
pub struct ChangedFile {
    pub path: PathBuf,
    /// The lines that are changed; of a lock file, which is sorted anew, those with the name, and the headers of what is removed.
    pub lines: Vec<ChangedLine>,
    before: String,
    after: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// A file has mistakes, or is written so that it cannot be edited.
    #[error(transparent)]
    File(#[from] FileErrors),
    /// A file that extends the pipeline file, or may, has mistakes already.
    #[error("nothing is changed: {} extends the pipeline, or may, and cannot be planned", .path.display())]
    Extending { path: PathBuf, source: FileErrors },
    /// The changed text is not what it should be.
    #[error(
        "nothing is changed: {} would not be right afterwards; rename the table by hand, with a line `formerly = \"{formerly}\"` \
         in it", .path.display()
    )]
    Afterwards {
        path: PathBuf,
        formerly: String,
        source: FileErrors,
    },
    /// Something would be computed again.
    #[error(
        "nothing is changed: in {}, {reason}; rename the table by hand, with a line `formerly = \"{formerly}\"` in it",
        .path.display()
    )]
    NotTheSame {
        path: PathBuf,
        reason: String,
        formerly: String,
    },
    #[error(transparent)]
    Write(#[from] ArtifactError),
    /// A file cannot be written, and others that were cannot be put back.
    #[error("the rename has failed half done: {} cannot be put back as it was", first_few(.changed, SHOWN))]
    HalfDone {
        changed: Vec<String>,
        source: ArtifactError,
    },
}

/// Files that a message names.
const SHOWN: usize = 10;

/// Finds what changes in the pipeline file at `path` and in other files.
///
/// # Errors
/// As in [`RenameError`]. Nothing has been written.
pub fn rename(
    path: &Path,
    rename: Rename<'_>,
    programs: &Programs,
) -> Result<Renaming, RenameError> {
    let text = read_text(path)?;
    let before = parse(&name(path), path, &text, programs)?;
    let edits = rename_table(path, &text, rename, programs)?;
    let own = Pipeline {
        before,
        text,
        edits,
    };
    let mut others = Vec::new();
    let Beside { extending, unread } = files_beside(path);
    for (path, text) in extending {
        let before = parse(&name(&path), &path, &text, programs).map_err(|source| {
            RenameError::Extending {
                path: path.clone(),
                source,
            }
        })?;
        let edits = rename_in_extending(&path, &text, rename, programs)?;
        others.push(Pipeline {
            before,
            text,
            edits,
        });
    }
    let mut edited = EditedFiles::new();
    for Pipeline {
        before,
        text,
        edits,
    } in others.iter().chain([&own])
    {
        add_edited(&mut edited, &before.file, edits.apply(text));
    }
    let mut files = BTreeMap::new();
    let (plan, outdated) = own.finish(rename, programs, &edited, &mut files)?;
    for other in others {
        other.finish(rename, programs, &edited, &mut files)?;
    }
    let mut files: Vec<ChangedFile> = files.into_values().collect();
    files.retain(|file| !file.lines.is_empty());
    // The pipeline file itself comes first.
    files.sort_by_key(|file| file.path != path);
    Ok(Renaming {
        files,
        plan,
        outdated,
        unread,
    })
}

impl Renaming {
    /// Writes all files, each in one step; if one cannot be written, those before it are put back as they were.
    ///
    /// # Errors
    /// A file cannot be written; [`RenameError::HalfDone`] if others cannot be put back.
    pub fn write(&self) -> Result<(), RenameError> {
        self.write_with(|path, text| output::write(path, text.as_bytes()))
    }

    fn write_with(
        &self,
        mut write: impl FnMut(&Path, &str) -> Result<(), ArtifactError>,
    ) -> Result<(), RenameError> {
        for (number, file) in self.files.iter().enumerate() {
            let Err(source) = write(&file.path, &file.after) else {
                continue;
            };
            let mut changed = Vec::new();
            for file in &self.files[..number] {
                if write(&file.path, &file.before).is_err() {
                    changed.push(file.path.display().to_string());
                }
            }
            return Err(match changed.is_empty() {
                true => source.into(),
                false => RenameError::HalfDone { changed, source },
            });
        }
        Ok(())
    }
}

impl ChangedFile {
    fn new(path: &Path, before: String, edits: &Edits) -> Self {
        Self {
            path: path.to_owned(),
            lines: edits.lines(&before),
            after: edits.apply(&before),
            before,
        }
    }
}

/// A pipeline file that says the name.
struct Pipeline {
    before: Plan,
    text: String,
    edits: Edits,
}

impl Pipeline {
    /// Adds its changed files, and returns its plan afterwards with the tasks that are computed again.
    fn finish(
        self,
        rename: Rename<'_>,
        programs: &Programs,
        edited: &EditedFiles,
        files: &mut BTreeMap<PathBuf, ChangedFile>,
    ) -> Result<(Plan, Vec<usize>), RenameError> {
        let Self {
            before,
            text,
            edits,
        } = self;
        let path = &before.file;
        let formerly = || {
            let mut tasks = before.tasks.iter();
            let task = tasks.find(|task| task.table() == rename.old_id());
            let formerly = task.and_then(|task| task.formerly.as_deref());
            formerly.unwrap_or(rename.old_id()).to_owned()
        };
        let after = parse_edited(&before.name, path, &edits.apply(&text), edited, programs);
        let after = after.map_err(|source| RenameError::Afterwards {
            path: path.clone(),
            formerly: formerly(),
            source,
        })?;
        let outdated =
            outdated(&before, &after, rename).map_err(|reason| RenameError::NotTheSame {
                path: path.clone(),
                reason,
                formerly: formerly(),
            })?;
        for file in beside(&before, &after, &outdated, rename)? {
            files.insert(file.path.clone(), file);
        }
        files.insert(path.clone(), ChangedFile::new(path, text, &edits));
        Ok((after, outdated))
    }
}

fn name(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// The tasks of `after` that show the name, or read what does; or what else would be different.
fn outdated(before: &Plan, after: &Plan, rename: Rename<'_>) -> Result<Vec<usize>, String> {
    if before.tasks.len() != after.tasks.len() {
        return Err("there would be other tasks".to_owned());
    }
    let mut outdated = BTreeSet::new();
    for (index, (old, new)) in before.tasks.iter().zip(&after.tasks).enumerate() {
        let id = rename.renamed(&old.id);
        if new.id != *id.as_ref().unwrap_or(&old.id) || new.first_id() != old.first_id() {
            return Err(format!("`{}` would become `{}`", old.id, new.id));
        }
        if ingredients(old) != ingredients(new) {
            return Err(format!(
                "`{}` would be computed from something else",
                old.id
            ));
        }
        let names = |plan: &Plan, task: &PlannedTask| -> Vec<_> {
            let sources = task.inputs.iter().map(|input| &plan.tasks[input.task]);
            sources
                .map(|source| {
                    let id = source.id_for(task.stage).into_owned();
                    (id, plan.renamed(task.stage, source))
                })
                .collect()
        };
        // Inputs stand before what reads them.
        let mut inputs = new.inputs.iter();
        let reads_outdated = inputs.any(|input| outdated.contains(&input.task));
        if reads_outdated || names(before, old) != names(after, new) {
            if !PlannedTask::shows_names(new.stage) {
                return Err(format!("`{}` would be computed again", old.id));
            }
            outdated.insert(index);
        }
    }
    Ok(outdated.into_iter().collect())
}

/// What the key of a task depends on, apart from names and from the content of what it reads.
fn ingredients(task: &PlannedTask) -> impl PartialEq + '_ {
    let PlannedTask {
        stage,
        kind,
        labels,
        parameters,
        seed,
        random,
        device,
        fingerprint,
        inputs,
        ..
    } = task;
    (
        (stage, kind, labels, parameters),
        (random, random.then_some(seed), device, fingerprint),
        inputs,
    )
}

/// What changes in the files beside a pipeline file itself; those that it inherits change with the one that it extends.
fn beside(
    before: &Plan,
    after: &Plan,
    outdated: &[usize],
    rename: Rename<'_>,
) -> Result<Vec<ChangedFile>, FileErrors> {
    let mut files = Vec::new();
    let there = |path: PathBuf| path.exists().then_some(path);
    if let Some(path) = there(LockFile::beside(&before.file)) {
        let outdated = outdated.iter().map(|&task| before.tasks[task].id.as_str());
        files.push(lock_file(&path, &before.name, &outdated.collect(), rename)?);
    }
    if let Some(path) = there(compare::own(before)) {
        let text = read_text(&path)?;
        compare::parse(&path, &text, before)?;
        let edits = published(&path, &text, rename)?;
        compare::parse(&path, &edits.apply(&text), after)?;
        files.push(ChangedFile::new(&path, text, &edits));
    }
    if let Some(path) = there(before.own_beside(Tolerances::ENDING)) {
        let text = read_text(&path)?;
        Tolerances::parse(&path, &text, before)?;
        let edits = tolerances(&path, &text, [before, after], rename)?;
        Tolerances::parse(&path, &edits.apply(&text), after)?;
        files.push(ChangedFile::new(&path, text, &edits));
    }
    Ok(files)
}

/// What changes in a lock file: ids, and the `outdated` tasks, which are computed again, are no longer in it.
fn lock_file(
    path: &Path,
    pipeline: &str,
    outdated: &BTreeSet<&str>,
    rename: Rename<'_>,
) -> Result<ChangedFile, FileErrors> {
    let before = LockFile::read_text(path)?;
    let lock = LockFile::parse(path, &before)?;
    let kept = lock.task.into_iter();
    let kept = kept.filter(|(id, _)| !outdated.contains(id.as_str()));
    let renamed = |(id, outputs): (String, _)| (rename.renamed(&id).unwrap_or(id), outputs);
    let lock = LockFile {
        task: kept.map(renamed).collect(),
        ..lock
    };
    let lines = (1..).zip(before.lines()).filter_map(|(number, line)| {
        let (quote, rest) = ("[task.\"", line.strip_prefix("[task.\"")?);
        let id = &rest[..rest.rfind('"')?];
        if outdated.contains(id) {
            let text = String::new();
            return Some(ChangedLine { number, text });
        }
        let text = format!("{quote}{}{}", rename.renamed(id)?, &rest[id.len()..]);
        Some(ChangedLine { number, text })
    });
    let lines: Vec<ChangedLine> = lines.collect();
    Ok(ChangedFile {
        path: path.to_owned(),
        lines,
        after: lock.text(pipeline),
        before,
    })
}

/// The places of a file of published numbers that mean the table: where a number is found, and the values of rows that count.
fn published(path: &Path, text: &str, rename: Rename<'_>) -> Result<Edits, FileErrors> {
    let mut problems = Problems::default();
    let mut edits = Edits::default();
    for number in rows(text, "published") {
        for entry in number {
            let values: Vec<&Node> = match (&entry.node.raw, entry.key.as_str()) {
                (Raw::Table(conditions), "where") => {
                    conditions.iter().map(|entry| &entry.node).collect()
                }
                (Raw::Text(_), "table") => vec![&entry.node],
                _ => Vec::new(),
            };
            for node in values {
                if node.text().and_then(|text| rename.renamed(text)).is_some()
                    && !rename.edit(&node.span, text, &mut edits)
                {
                    problems.add(|| indirect(node));
                }
            }
        }
    }
    problems.finish(&Sources::of(path, text), edits)
}

/// The patterns of a file of tolerances that mean the table. One that means it and others by `*` cannot be kept.
fn tolerances(
    path: &Path,
    text: &str,
    plans: [&Plan; 2],
    rename: Rename<'_>,
) -> Result<Edits, FileErrors> {
    let mut problems = Problems::default();
    let mut edits = Edits::default();
    for rule in rows(text, "tolerance") {
        let tasks = rule.iter().find(|entry| entry.key == "tasks");
        let Some((node, pattern)) = tasks.and_then(|entry| Some((&entry.node, entry.node.text()?)))
        else {
            continue;
        };
        let renamed = rename.renamed(pattern);
        let meant =
            |plan: &Plan, pattern: &str| select(plan, &[pattern.to_owned()]).unwrap_or_default();
        let [plan_before, plan_after] = plans;
        let before = meant(plan_before, pattern);
        let after = meant(plan_after, renamed.as_deref().unwrap_or(pattern));
        let is_own = |task: &usize| plan_before.tasks[*task].table() == rename.old_id();
        let own = (0..plan_before.tasks.len()).filter(is_own);
        if renamed.is_some() && before == after {
            if !rename.edit(&node.span, text, &mut edits) {
                problems.add(|| indirect(node));
            }
        } else if before != after && after.is_empty() && own.eq(before.iter().copied()) {
            edits.replace(node.span.clone(), format!("\"{}\"", rename.new_id()));
        } else if before != after {
            problems.add(|| {
                let (old, new) = (rename.old_id(), rename.new_id());
                let message =
                    format!("this pattern would not mean the same tasks once {old} is {new}");
                FileError::new("wide_pattern", message)
                    .at(&node.span, "means others as well")
                    .help("write a rule for each table; nothing has been changed")
            });
        }
    }
    problems.finish(&Sources::of(path, text), edits)
}

fn indirect(node: &Node) -> FileError {
    FileError::new("indirect_reference", "this id is written with escapes")
        .at(&node.span, "here")
        .help("write it out; nothing has been changed")
}

/// The tables of a list of a file.
fn rows(text: &str, key: &str) -> Vec<Vec<Entry>> {
    let entries = document(text, 0, &mut Problems::default()).unwrap_or_default();
    let lists = entries.into_iter().filter(|entry| entry.key == key);
    let rows = lists.flat_map(|entry| match entry.node.raw {
        Raw::List(items) => items,
        _ => Vec::new(),
    });
    rows.filter_map(|node| match node.raw {
        Raw::Table(entries) => Some(entries),
        _ => None,
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn all_files_that_can_be_put_back_are() {
        let file = |name: &str| ChangedFile {
            path: PathBuf::from(name),
            lines: Vec::new(),
            before: "before".to_owned(),
            after: "after".to_owned(),
        };
        let plan = Plan {
            name: String::new(),
            file: PathBuf::new(),
            extended: Vec::new(),
            description: String::new(),
            sections: BTreeMap::new(),
            code: BTreeMap::new(),
            tasks: Vec::new(),
        };
        let renaming = Renaming {
            files: ["a", "b", "c", "d"].map(file).into(),
            plan,
            outdated: Vec::new(),
            unread: Vec::new(),
        };
        let mut written = BTreeMap::new();
        // The first cannot be put back, the third cannot be written.
        let mut write = |path: &Path, text: &str| {
            if path == Path::new("c") || (path == Path::new("a") && text == "before") {
                let error = Error::from(ErrorKind::StorageFull);
                return Err(ArtifactError::io("write", path, error));
            }
            written.insert(path.display().to_string(), text.to_owned());
            Ok(())
        };
        let error = renaming.write_with(&mut write).expect_err("it fails");
        let RenameError::HalfDone { changed, source } = &error else {
            panic!("{error}")
        };
        assert_eq!(changed, &["a"]);
        assert!(source.to_string().contains('c'), "{source}");
        let expected = [("a", "after"), ("b", "before")];
        let expected = expected.map(|(path, text)| (path.to_owned(), text.to_owned()));
        assert_eq!(written, BTreeMap::from(expected));
    }
}
