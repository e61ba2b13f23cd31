//! Renaming a table: the places of pipeline files that say its id, and the line that keeps its results.
//!
//! Only these places are changed. What cannot be changed so, such as a name that a block of `repeat` makes, is refused with what to
//! do instead.

use std::error::Error as _;
use std::path::{Path, PathBuf};

use eigenscope_stage::Stage;

use super::content::{self, Content, EditedFiles};
use super::table::{FORMERLY, KIND, Known, Table, table};
use crate::file::{
    Edits, Entry, FileError, FileErrors, Node, Problems, Raw, Sources, Span, did_you_mean,
    document, named, read_text,
};
use crate::programs::Programs;
use crate::reference::Reference;

/// The old and the new id of a table.
#[derive(Debug, Clone, Copy)]
pub struct Rename<'a> {
    old: &'a str,
    new: &'a str,
}

impl<'a> Rename<'a> {
    /// Checks the ids.
    ///
    /// # Errors
    /// One of them is no id of a table, or they are of different stages.
    pub fn new(old: &'a str, new: &'a str) -> Result<Self, String> {
        for id in [old, new] {
            let reference = Reference::parse(id).map_err(|error| {
                format!("`{}` is no id of a table: {}", named(id), error.reason)
            })?;
            if !reference.filters.is_empty() {
                return Err(format!(
                    "`{}` has labels, which are names and values of parameters: they change with these and have no name of their \
                     own. Give the table, `{}`",
                    named(id),
                    reference.table
                ));
            }
        }
        let rename = Self { old, new };
        let [(old_stage, _), (new_stage, name)] = [parts(old), parts(new)];
        if old == new {
            return Err(format!("`{old}` is called so already"));
        }
        if old_stage != new_stage {
            return Err(format!(
                "`{old}` cannot become `{new}`: a table stays in its stage. Call it `{old_stage}.{name}`"
            ));
        }
        Ok(rename)
    }

    /// The id before.
    pub fn old_id(&self) -> &'a str {
        self.old
    }

    /// The id afterwards.
    pub fn new_id(&self) -> &'a str {
        self.new
    }

    /// What an id, a reference or a pattern that begins with the id of the table becomes; `None` if it does not mean the table.
    pub fn renamed(&self, text: &str) -> Option<String> {
        let rest = text.strip_prefix(self.old)?;
        (rest.is_empty() || rest.starts_with('[')).then(|| format!("{}{rest}", self.new))
    }

    /// Replaces the id at the beginning of the text that is written at `span`; `false` if it is not written there as it is.
    pub fn edit(&self, span: &Span, source: &str, edits: &mut Edits) -> bool {
        let written = source.get(span.clone()).unwrap_or_default();
        let inside = written.trim_start_matches(QUOTES);
        let rest = inside.strip_prefix(self.old);
        let is_plain = rest.is_some_and(|rest| rest.starts_with('[') || rest.starts_with(QUOTES));
        if is_plain {
            let start = span.end - inside.len();
            edits.replace(start..start + self.old.len(), self.new);
        }
        is_plain
    }
}

/// Lines that a message lists.
const LINES: usize = 8;

/// What texts and keys may stand in.
const QUOTES: [char; 2] = ['"', '\''];

/// Stage and name of an id.
fn parts(id: &str) -> (&str, &str) {
    id.split_once('.').unwrap_or((id, ""))
}

/// What changes in the pipeline file at `path` if the table is its own.
///
/// # Errors
/// The file has no such table, or another one of the new name; or it is written so that it cannot be edited.
pub fn rename_table(
    path: &Path,
    text: &str,
    rename: Rename<'_>,
    programs: &Programs,
) -> Result<Edits, FileErrors> {
    edited(path, text, rename, programs, |renaming, problems| {
        let own = match renaming.own_table() {
            Ok(own) => own,
            Err(error) => {
                problems.add(|| error);
                return Edits::default();
            }
        };
        let mut edits = renaming.edits(problems);
        renaming.remember(own, &mut edits, problems);
        edits
    })
}

/// What changes in a pipeline file that extends the one with the table.
///
/// # Errors
/// It is written so that it cannot be edited.
pub fn rename_in_extending(
    path: &Path,
    text: &str,
    rename: Rename<'_>,
    programs: &Programs,
) -> Result<Edits, FileErrors> {
    edited(path, text, rename, programs, |renaming, problems| {
        renaming.edits(problems)
    })
}

/// What `edit` changes in a file, unless it has problems.
fn edited(
    path: &Path,
    text: &str,
    rename: Rename<'_>,
    programs: &Programs,
    edit: impl FnOnce(&Renaming<'_>, &mut Problems) -> Edits,
) -> Result<Edits, FileErrors> {
    let renaming = Renaming::new(path, text, rename, programs);
    let mut problems = Problems::default();
    let edits = edit(&renaming, &mut problems);
    problems.finish(&renaming.sources, edits)
}

/// What else of the folder of a pipeline file may say the name of a table.
#[derive(Debug, Default)]
pub struct Beside {
    /// The files that extend the pipeline file, each with its text; and those that are no TOML and extend something.
    pub extending: Vec<(PathBuf, String)>,
    /// Files that cannot be read, with the reasons. They may extend this one.
    pub unread: Vec<(PathBuf, String)>,
}

/// Looks at the other files beside the pipeline file at `path`.
pub fn beside(path: &Path) -> Beside {
    let folder = path.parent().unwrap_or(Path::new(""));
    let listed = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let names = std::fs::read_dir(listed).into_iter().flatten();
    let mut files: Vec<PathBuf> = names
        .filter_map(|entry| Some(folder.join(entry.ok()?.file_name())))
        .filter(|file| file.extension().is_some_and(|ending| ending == "toml"))
        .collect();
    files.sort();
    let base = content::canonical(path);
    let mut beside = Beside::default();
    for file in files {
        let text = match read_text(&file) {
            Ok(text) => text,
            Err(errors) => {
                let reasons = errors.errors().iter().map(|error| match error.source() {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                });
                let reasons = reasons.collect::<Vec<_>>().join("; ");
                beside.unread.push((file, reasons));
                continue;
            }
        };
        let found = read(&file, &text, &mut Sources::default());
        let mut extended = found.extended.iter();
        let extends = extended.any(|extended| content::canonical(extended) == base);
        if extends || is_broken(&text) {
            beside.extending.push((file, text));
        }
    }
    beside
}

/// Whether a text is no TOML, so that what it extends cannot be told, and has a line that says so.
fn is_broken(text: &str) -> bool {
    let mut lines = text.lines();
    let extends =
        |line: &str| key(line, content::EXTENDS).is_some_and(|(_, rest)| rest.starts_with('='));
    lines.any(extends) && document(text, 0, &mut Problems::default()).is_none()
}

/// The file, whatever is wrong with it.
fn read(path: &Path, text: &str, sources: &mut Sources) -> Content {
    content::read(
        path,
        text,
        &EditedFiles::new(),
        sources,
        &mut Problems::default(),
    )
}

/// A rename in one file.
struct Renaming<'a> {
    rename: Rename<'a>,
    path: &'a Path,
    text: &'a str,
    programs: &'a Programs,
    sources: Sources,
    /// With the files that it extends.
    content: Content,
    /// The file alone.
    entries: Vec<Entry>,
}

impl<'a> Renaming<'a> {
    fn new(path: &'a Path, text: &'a str, rename: Rename<'a>, programs: &'a Programs) -> Self {
        let mut sources = Sources::default();
        let content = read(path, text, &mut sources);
        Self {
            rename,
            path,
            text,
            programs,
            sources,
            content,
            entries: document(text, 0, &mut Problems::default()).unwrap_or_default(),
        }
    }

    /// The table as this file writes it, outside of blocks that are repeated.
    fn written(&self) -> Option<&Entry> {
        tables_of(&self.entries, self.rename.old).next()
    }

    /// The table that is to be renamed.
    fn own_table(&self) -> Result<&Entry, FileError> {
        let Rename { old, new } = self.rename;
        let find = |id: &str| self.content.tables.iter().find(|table| table.id() == id);
        let Some(found) = find(old) else {
            let ids: Vec<String> = self
                .content
                .tables
                .iter()
                .map(content::TaskTable::id)
                .collect();
            let message = format!("{} has no table `{old}`", self.path.display());
            let help = did_you_mean("tables", old, ids.iter().map(String::as_str));
            return Err(FileError::new("unknown_table", message).help(help));
        };
        if let Some(other) = find(new) {
            let message = format!("[{old}] cannot become `{new}`: there is such a table");
            return Err(FileError::new("taken_name", message)
                .at(&other.entry.key_span, "this one")
                .help("choose a name that no table has"));
        }
        let span = &found.entry.key_span;
        let base = self.content.extended.iter().find(|base| {
            read_text(base).is_ok_and(|text| {
                let content = read(base, &text, &mut Sources::default());
                content.tables.iter().any(|table| table.id() == old)
            })
        });
        if let Some(base) = base {
            let base = base.display();
            let message = format!("[{old}] comes from {base}, which this file extends");
            return Err(FileError::new("extended_table", message)
                .at(span, "this table")
                .help(format!(
                    "rename it there: `eigenscope rename {base} {old} {new}` changes this file, too"
                )));
        }
        self.written().ok_or_else(|| {
            FileError::new("repeated_table", format!("[{old}] is written by a block of [[repeat]]"))
                .at(span, "here, with others")
                .help(format!(
                    "change the name in the block by hand, the references to its tables with it, and add {FORMERLY} = \"{}.OLD\" to it \
                     with the old name, placeholders included, in place of OLD",
                    parts(old).0
                ))
        })
    }

    /// The places that say the id: headers and references.
    fn edits(&self, problems: &mut Problems) -> Edits {
        let mut edits = Edits::default();
        let (_, new) = parts(self.rename.new);
        let repeated = self
            .entries
            .iter()
            .filter(|entry| entry.key == content::REPEAT);
        let repeated = repeated.flat_map(|entry| blocks(&entry.node));
        let written = tables_of(&self.entries, self.rename.old);
        for table in written.chain(repeated.flat_map(|block| tables_of(block, self.rename.old))) {
            edits.replace(unquoted(self.text, &table.key_span), new);
            let mut path = vec![table.key.as_str()];
            dotted(self.text, &table.node, &mut path, &mut |name| {
                edits.replace(name, new)
            });
        }
        for header in self.headers() {
            edits.replace(header.name, new);
        }
        let mut indirect: Vec<Span> = Vec::new();
        for table in &self.tables() {
            let references = table.inputs.iter().flat_map(|key| &key.references);
            let own = references.filter(|located| {
                located.reference.table == self.rename.old
                    && self.sources.file_at(located.quoted.span.start) == 0
            });
            for located in own {
                let span = &located.quoted.span;
                // The tables of a block have the same references.
                if !self.rename.edit(span, self.text, &mut edits) && !indirect.contains(span) {
                    indirect.push(span.clone());
                }
            }
        }
        if let Some(first) = indirect.first() {
            problems.add(|| self.indirect(first, &indirect[1..]));
        }
        edits
    }

    /// That references to the table are put together from parts, with how to rename it all the same.
    fn indirect(&self, first: &Span, others: &[Span]) -> FileError {
        let Rename { old, new } = self.rename;
        let line = |span: &Span| self.text[..span.start].matches('\n').count() + 1;
        let mut lines: Vec<usize> = others.iter().map(line).collect();
        lines.sort_unstable();
        lines.dedup();
        let listed: Vec<String> = lines.iter().take(LINES).map(ToString::to_string).collect();
        let listed = listed.join(", ");
        let label = match lines.len() {
            0 => "put together here".to_owned(),
            1 => format!("put together here, and in line {listed}"),
            count if count <= LINES => format!("put together here, and in lines {listed}"),
            count => format!(
                "put together here, and in lines {listed} and {} more",
                count - LINES
            ),
        };
        let message = format!("references to [{old}] are put together from parts");
        let written = &self.text[first.clone()];
        let first_id = self.written().and_then(|own| match &own.node.raw {
            Raw::Table(keys) => keys.iter().find(|entry| entry.key == FORMERLY)?.node.text(),
            _ => None,
        });
        let first_id = first_id.unwrap_or(old);
        let help = match written.contains('{') {
            true => format!(
                "rename it by hand: give its row of `each` the new id as a value, such as table = \"{new}\" (the other rows theirs), \
                 refer to it by \"{{table}}\", and change the header to [{new}] with {FORMERLY} = \"{first_id}\" below it, which keeps the \
                 results; nothing has been changed"
            ),
            false => "write the id out, without escapes; nothing has been changed".to_owned(),
        };
        FileError::new("indirect_reference", message)
            .at(first, label)
            .help(help)
    }

    /// The tables, as far as their references can be read.
    fn tables(&self) -> Vec<Table<'_>> {
        let mut problems = Problems::default();
        let tables = self.content.tables.iter().map(|found| {
            let others = |name: &str| self.programs.stage_of(name);
            let known = Known {
                kinds: self.programs.kinds(found.stage),
                missing: None,
                stage_of: &others,
            };
            table(
                found.stage,
                &found.entry,
                &known,
                self.sources.text(),
                &mut problems,
            )
        });
        tables.collect()
    }

    /// Adds the line that keeps the results of the table, and the kind where the name has said it; or removes them once the table
    /// is called as at first.
    fn remember(&self, own: &Entry, edits: &mut Edits, problems: &mut Problems) {
        let Raw::Table(keys) = &own.node.raw else {
            return;
        };
        let Rename { old, new } = self.rename;
        let (stage, name) = parts(new);
        let find = |key: &str| keys.iter().find(|entry| entry.key == key);
        let (kind, formerly) = (find(KIND), find(FORMERLY));
        let kind_now = |name: &str| {
            let stage = Stage::ALL.into_iter().find(|known| known.name() == stage);
            let kinds = self.programs.kinds(stage?);
            let named = kinds.iter().find(|kind| kind.name == name);
            let found = named.or_else(|| kinds.iter().find(|kind| kind.fallback));
            found.map(|kind| kind.name.as_str())
        };
        let (mut lines, eol) = (Vec::new(), self.line_end());
        match formerly {
            Some(formerly) if formerly.node.text() == Some(new) => {
                // A kind just before it was written along with it.
                let is_beside = |kind: &&Entry| {
                    let between = kind.node.span.end..formerly.key_span.start;
                    let between = self.text.get(between);
                    between.is_some_and(|text| text.chars().all(|c| c.is_whitespace() || c == ','))
                };
                let kind = kind.filter(|kind| kind.node.text() == kind_now(name));
                let first = kind.filter(is_beside).unwrap_or(formerly);
                self.remove(first.key_span.start..formerly.node.span.end, edits);
                return;
            }
            Some(_) => {}
            None => lines.push(format!("{FORMERLY} = \"{old}\"")),
        }
        let (_, old_name) = parts(old);
        if let (None, Some(was)) = (kind, kind_now(old_name))
            && kind_now(name) != Some(was)
        {
            lines.insert(0, format!("{KIND} = \"{was}\""));
        }
        if lines.is_empty() {
            return;
        }
        let span = &own.node.span;
        let header = self.headers().into_iter().find(|header| header.is_whole);
        if let Some(Header { end, .. }) = header {
            let added = lines.iter().map(|line| format!("{eol}{line}"));
            edits.replace(end..end, added.collect::<String>());
        } else if self.text[span.clone()].starts_with('{') {
            let start = span.start + 1;
            edits.replace(start..start, format!(" {},", lines.join(", ")));
        } else {
            problems.add(|| {
                let message = format!("[{old}] has no line to which `{FORMERLY}` could be added");
                FileError::new("no_header", message)
                    .at(&own.key_span, "this table")
                    .help(format!(
                        "start it with a line [{old}]; nothing has been changed"
                    ))
            });
        }
    }

    /// Removes keys with their values, and their lines if nothing else stands there.
    fn remove(&self, Span { start, end }: Span, edits: &mut Edits) {
        let text = self.text;
        let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let rest = text[end..].find('\n').map(|newline| end + newline + 1);
        let is_first = text[line..start].trim().is_empty();
        let is_last = text[end..rest.unwrap_or(text.len())].trim().is_empty();
        match (is_first && is_last, rest) {
            (true, Some(next)) => edits.replace(line..next, ""),
            // The last line: the end of the line before is not needed either.
            (true, None) => {
                let before = text[..line].trim_end_matches(['\r', '\n']).len();
                edits.replace(before..text.len(), "");
            }
            (false, _) => {
                let after = &text[end..];
                let comma = after.trim_start().strip_prefix(',');
                let end = comma.map_or(end, |rest| text.len() - rest.len());
                let start = line + text[line..start].trim_end().len();
                edits.replace(start..end, "");
            }
        }
    }

    fn line_end(&self) -> &'static str {
        match self.text.contains("\r\n") {
            true => "\r\n",
            false => "\n",
        }
    }

    /// The headers of the table and of tables within it.
    fn headers(&self) -> Vec<Header> {
        let (stage, name) = parts(self.rename.old);
        let mut values = Vec::new();
        for entry in &self.entries {
            values_in(&entry.node, &mut values);
        }
        let mut headers = Vec::new();
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let header = header(line, stage, name).map(|(part, is_whole)| Header {
                name: start + part.start..start + part.end,
                end: start + line.trim_end_matches(['\r', '\n']).len(),
                is_whole,
            });
            let is_value = |header: &Header| {
                let mut values = values.iter();
                values.any(|value| value.contains(&header.name.start))
            };
            headers.extend(header.filter(|header| !is_value(header)));
            start += line.len();
        }
        headers
    }
}

/// A line `[stage.name]`, or `[stage.name.key]`.
struct Header {
    name: Span,
    /// End of the line.
    end: usize,
    /// Whether it is the header of the table itself.
    is_whole: bool,
}

/// Where a line that is a header of the table says its name, and whether it says nothing more.
fn header(line: &str, stage: &str, name: &str) -> Option<(Span, bool)> {
    let line_of_table = line.trim_start().strip_prefix('[')?;
    let is_list = line_of_table.starts_with('[');
    let (_, rest) = key(line_of_table.trim_start_matches('['), stage)?;
    let (before, rest) = key(rest.strip_prefix('.')?, name)?;
    let end = line.len() - before.len();
    let is_whole = rest.starts_with(']') && !is_list;
    (rest.starts_with('.') || rest.starts_with(']')).then_some((end - name.len()..end, is_whole))
}

/// What follows the key `name` at the beginning of a text: at once, and after quotes and space.
fn key<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let text = text.trim_start();
    let text = text.strip_prefix(QUOTES).unwrap_or(text);
    let rest = text.strip_prefix(name)?;
    Some((rest, rest.strip_prefix(QUOTES).unwrap_or(rest).trim_start()))
}

/// The tables with this id that are written in a file or block.
fn tables_of<'a>(entries: &'a [Entry], id: &'a str) -> impl Iterator<Item = &'a Entry> {
    let (stage, name) = parts(id);
    let stages = entries.iter().filter(move |entry| entry.key == stage);
    let tables = stages.flat_map(|stage| match &stage.node.raw {
        Raw::Table(tables) => tables.as_slice(),
        _ => &[],
    });
    tables.filter(move |table| table.key == name)
}

/// The blocks under the key `repeat`.
fn blocks(node: &Node) -> Vec<&[Entry]> {
    match &node.raw {
        Raw::Table(entries) => vec![entries.as_slice()],
        Raw::List(items) => items.iter().flat_map(blocks).collect(),
        _ => Vec::new(),
    }
}

/// Where texts and lists stand, which may have lines that look like headers.
fn values_in(node: &Node, found: &mut Vec<Span>) {
    match &node.raw {
        Raw::Table(entries) => entries
            .iter()
            .for_each(|entry| values_in(&entry.node, found)),
        Raw::List(items) if items.iter().any(|item| matches!(item.raw, Raw::Table(_))) => {
            items.iter().for_each(|item| values_in(item, found));
        }
        Raw::List(_) | Raw::Text(_) => found.push(node.span.clone()),
        _ => {}
    }
}

/// Finds where the first key of `path` is written in dotted keys of the table at its end, such as `name.key = 1`.
fn dotted<'a>(text: &str, node: &'a Node, path: &mut Vec<&'a str>, found: &mut impl FnMut(Span)) {
    let Raw::Table(entries) = &node.raw else {
        return;
    };
    for entry in entries {
        let mut span = Some(entry.key_span.clone());
        for key in path.iter().rev() {
            span = span.and_then(|span| key_before(text, span.start, key));
        }
        if let Some(span) = span {
            found(unquoted(text, &span));
        }
        path.push(&entry.key);
        dotted(text, &entry.node, path, found);
        path.pop();
    }
}

/// Where the key `name`, in quotes or not, stands before a dot that ends just before `end`.
fn key_before(text: &str, end: usize, name: &str) -> Option<Span> {
    let space = [' ', '\t'];
    let before = text.get(..end)?.trim_end_matches(space);
    let before = before.strip_suffix('.')?.trim_end_matches(space);
    let inside = before.strip_suffix(QUOTES).unwrap_or(before);
    let start = inside.strip_suffix(name)?.len();
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    match inside.len() == before.len() {
        true => (!text[..start].ends_with(is_bare)).then_some(start..before.len()),
        false => text[..start]
            .ends_with(QUOTES)
            .then_some(start - 1..before.len()),
    }
}

/// A key without its quotes.
fn unquoted(text: &str, span: &Span) -> Span {
    match text[span.clone()].starts_with(QUOTES) {
        true => span.start + 1..span.end - 1,
        false => span.clone(),
    }
}

/// Adds the text that the file at `path` will have.
pub fn add_edited(files: &mut EditedFiles, path: &Path, text: String) {
    files.insert(content::canonical(path), text);
}
