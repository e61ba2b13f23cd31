//! What a pipeline file says, together with the files that it extends and with repeated blocks written out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use eigenscope_stage::{ParameterType, Stage};

use super::device::DEVICE;
use super::repeat;
use super::table::SEED;
use crate::file::{
    self, Entry, FileError, Node, Problems, Raw, Sources, Span, did_you_mean, document, named,
    read_source, unknown_key, wrong_type,
};
use crate::reference::name_problem;

/// Key of the free text about the pipeline.
pub(crate) const DESCRIPTION: &str = "description";
/// Key of the file that a file extends.
pub(super) const EXTENDS: &str = "extends";
/// Key of the values that all figures take.
pub(crate) const STYLE: &str = "style";
/// Key of the sentences that a report shows under its headings.
pub(crate) const SECTIONS: &str = "sections";
/// Key of blocks that are written once for several tables.
pub(crate) const REPEAT: &str = "repeat";

/// The description, the seed, the device, the style, the sentences of sections and the task tables of a pipeline.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) description: Option<Entry>,
    pub(crate) seed: Option<Entry>,
    pub(crate) device: Option<Entry>,
    pub(crate) style: Option<Entry>,
    pub(crate) sections: Option<Entry>,
    /// In the order of the file: first those of the file that is extended.
    pub(crate) tables: Vec<TaskTable>,
    /// The files that are extended, the nearest first.
    pub(crate) extended: Vec<PathBuf>,
}

/// A task table before it is checked.
#[derive(Debug)]
pub(crate) struct TaskTable {
    pub(crate) stage: Stage,
    pub(crate) entry: Entry,
}

impl TaskTable {
    pub(crate) fn id(&self) -> String {
        format!("{}.{}", self.stage.name(), self.entry.key)
    }
}

/// Texts that files will have, by their canonical paths.
pub type EditedFiles = BTreeMap<PathBuf, String>;

/// Reads the text of the file at `path` and the files that it extends, those in `edited` as they will be.
pub(crate) fn read(
    path: &Path,
    text: &str,
    edited: &EditedFiles,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Content {
    let mut layers = Vec::new();
    let mut extended = Vec::new();
    let mut chain = vec![canonical(path)];
    let (mut path, mut text) = (path.to_owned(), text.to_owned());
    loop {
        let offset = sources.add(&path, &text);
        let Some(entries) = document(&text, offset, problems) else {
            break;
        };
        let base = base(&entries, &path, problems);
        layers.push(layer(entries, text.len(), problems));
        let Some((base, span)) = base else {
            break;
        };
        match next(&base, &chain, edited) {
            Ok(found) => text = found,
            Err(error) => {
                problems.add(|| error.at(&span, "extended here"));
                break;
            }
        }
        chain.push(canonical(&base));
        extended.push(base.clone());
        path = base;
    }
    let mut layers = layers.into_iter().rev();
    let mut content = layers.next().unwrap_or_default();
    for layer in layers {
        content.override_with(layer, problems);
    }
    Content {
        extended,
        ..content
    }
}

/// The path that identifies a file.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The file that a file extends, and where it says so.
fn base(entries: &[Entry], path: &Path, problems: &mut Problems) -> Option<(PathBuf, Span)> {
    let entry = entries.iter().find(|entry| entry.key == EXTENDS)?;
    let name = file::value(&entry.node, &ParameterType::Text, EXTENDS, problems)?;
    let name = Path::new(name.as_str()?);
    let is_file = name
        .extension()
        .is_some_and(|extension| extension == "toml");
    let file = match is_file {
        true => name.to_owned(),
        false => {
            let mut file = name.as_os_str().to_owned();
            file.push(".toml");
            file.into()
        }
    };
    let beside = path.parent().unwrap_or(Path::new("")).join(&file);
    let installed = installed_pipelines()
        .map(|folder| folder.join(&file))
        .filter(|installed| !is_file && !beside.exists() && installed.is_file());
    Some((installed.unwrap_or(beside), entry.node.span.clone()))
}

/// Folder of the pipelines that an installed program comes with: `share/eigenscope/pipelines` beside the folder of the program.
pub fn installed_pipelines() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let prefix = program.parent()?.parent()?;
    Some(prefix.join("share/eigenscope/pipelines"))
}

/// The text of the file `base`, unless it is one of `chain`, which extend each other.
fn next(base: &Path, chain: &[PathBuf], edited: &EditedFiles) -> Result<String, FileError> {
    let found = canonical(base);
    if let Some(start) = chain.iter().position(|file| *file == found) {
        let circle = chain[start..].iter().chain([&found]);
        let names: Vec<String> = circle
            .map(|file| file.file_name().unwrap_or_default())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let message = format!(
            "files extend each other in a circle: {}",
            names.join(" -> ")
        );
        return Err(FileError::new("extends_circle", message));
    }
    if let Some(text) = edited.get(&found) {
        return Ok(text.clone());
    }
    read_source(base).map_err(|error| {
        let message = format!("{} cannot be extended: {error}", base.display());
        error.with_message(message)
    })
}

/// What one file says.
fn layer(entries: Vec<Entry>, bytes: usize, problems: &mut Problems) -> Content {
    let mut content = Content::default();
    // Tables by where they stand: the start of a table; or of a repeated block, the number of the row, and the table.
    let mut tables: Vec<([usize; 3], TaskTable)> = Vec::new();
    for entry in entries {
        match entry.key.as_str() {
            DESCRIPTION => content.description = Some(entry),
            SEED => content.seed = Some(entry),
            DEVICE => content.device = Some(entry),
            STYLE => content.style = Some(entry),
            SECTIONS => content.sections = Some(entry),
            EXTENDS => {}
            REPEAT => {
                for block in repeat::blocks(entry, bytes, problems) {
                    for (row, entries) in block.rows.into_iter().enumerate() {
                        for entry in entries {
                            match stage(&entry.key) {
                                Some(stage) => tables.extend(
                                    task_tables(stage, entry, problems)
                                        .map(|table| ([block.start, row, start(&table)], table)),
                                ),
                                None => unknown(&entry, "a repeated block", &[], problems),
                            }
                        }
                    }
                }
            }
            key => match stage(key) {
                Some(stage) => tables.extend(
                    task_tables(stage, entry, problems).map(|table| ([start(&table), 0, 0], table)),
                ),
                None => {
                    let keys = [DESCRIPTION, SEED, DEVICE, EXTENDS, REPEAT, STYLE, SECTIONS];
                    unknown(&entry, "the pipeline file", &keys, problems);
                }
            },
        }
    }
    tables.sort_by_key(|(position, _)| *position);
    let mut first: HashMap<String, Span> = HashMap::new();
    for (_, table) in tables {
        let here = &table.entry.key_span;
        let Some(there) = first.get(&table.id()) else {
            first.insert(table.id(), here.clone());
            content.tables.push(table);
            continue;
        };
        problems.add(|| {
            let message = format!("`{}` is given twice", named(&table.id()));
            let error = FileError::new("duplicate_key", message);
            match here == there {
                true => error.at(here, "two rows of the block give this name"),
                false => error
                    .at(here, "given again here")
                    .at(there, "given first here"),
            }
        });
    }
    content
}

fn start(table: &TaskTable) -> usize {
    table.entry.key_span.start
}

/// The stage with this name.
fn stage(name: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| stage.name() == name)
}

/// The tables of a stage.
fn task_tables(
    stage: Stage,
    entry: Entry,
    problems: &mut Problems,
) -> impl Iterator<Item = TaskTable> + use<> {
    let tables = match entry.node.raw {
        Raw::Table(tables) => tables,
        _ => {
            problems.add(|| {
                wrong_type(&entry.key, "a stage with task tables", &entry.node.found())
                    .at(&entry.node.span, "should be a table")
                    .help(format!(
                        "start a task table with a line [{}.NAME]",
                        entry.key
                    ))
            });
            Vec::new()
        }
    };
    for table in &tables {
        if let Some(reason) = name_problem(&table.key) {
            problems.add(|| {
                let name = named(&table.key);
                let message = format!("`{name}` cannot be the name of a table: {reason}");
                FileError::new("bad_name", message).at(&table.key_span, "this name")
            });
        }
    }
    let tables = tables.into_iter();
    tables.map(move |entry| TaskTable { stage, entry })
}

fn unknown(entry: &Entry, container: &str, keys: &[&str], problems: &mut Problems) {
    let stages: Vec<&str> = Stage::ALL.iter().map(|stage| stage.name()).collect();
    problems.add(|| match entry.node.raw {
        Raw::Table(_) => {
            let message = format!("unknown stage `{}`", named(&entry.key));
            FileError::new("unknown_stage", message)
                .at(&entry.key_span, "no such stage")
                .help(did_you_mean("known stages", &entry.key, stages))
        }
        _ => unknown_key(entry, container, [keys, stages.as_slice()].concat()),
    });
}

impl Content {
    /// Overrides this content with that of a file that extends it: keys of tables one by one, `false` removes a table.
    fn override_with(&mut self, layer: Self, problems: &mut Problems) {
        self.description = layer.description.or(self.description.take());
        self.seed = layer.seed.or(self.seed.take());
        self.device = layer.device.or(self.device.take());
        override_optional(&mut self.style, layer.style);
        override_optional(&mut self.sections, layer.sections);
        let ids = self.tables.iter().map(TaskTable::id);
        let positions: BTreeMap<String, usize> = ids.zip(0..).collect();
        let mut removed = HashSet::new();
        for table in layer.tables {
            let id = table.id();
            let is_removal = table.entry.node.raw == Raw::Boolean(false);
            match positions.get(&id) {
                Some(&position) if is_removal => {
                    removed.insert(position);
                }
                Some(&position) => override_table(&mut self.tables[position].entry, table.entry),
                None if is_removal => problems.add(|| {
                    let known = positions.keys().map(String::as_str);
                    let message = format!("there is no table `{}`", named(&id));
                    FileError::new("unknown_table", message)
                        .at(&table.entry.key_span, "nothing to leave out")
                        .help(did_you_mean("tables", &id, known))
                }),
                None => self.tables.push(table),
            }
        }
        let mut position = 0..;
        self.tables.retain(|_| {
            !position
                .next()
                .is_some_and(|position| removed.contains(&position))
        });
    }
}

fn override_optional(old: &mut Option<Entry>, new: Option<Entry>) {
    match (old, new) {
        (Some(old), Some(new)) => override_table(old, new),
        (old, new) => *old = old.take().or(new),
    }
}

fn override_table(old: &mut Entry, new: Entry) {
    match (&mut old.node.raw, new.node.raw) {
        (Raw::Table(keys), Raw::Table(new_keys)) => {
            old.key_span = new.key_span;
            let names: HashSet<&str> = new_keys.iter().map(|new| new.key.as_str()).collect();
            keys.retain(|old| !names.contains(old.key.as_str()));
            keys.extend(new_keys);
        }
        (_, raw) => {
            old.key_span = new.key_span;
            old.node = Node::new(new.node.span, raw);
        }
    }
}
