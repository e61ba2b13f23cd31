//! Errors in files that users write: collected while a file is read, reported together, with the lines they point to.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::suggest::shorten;

/// A range of bytes of [`Sources`].
pub type Span = Range<usize>;

/// Errors that are kept; further ones are only counted.
const MAXIMUM_ERRORS: usize = 100;

/// Longest line, in bytes, that is shown around an error.
const LONGEST_LINE: usize = 4096;

/// The texts that spans point into: a file, and after it the files that it extends.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    text: String,
    files: Vec<(PathBuf, Span)>,
}

impl Sources {
    /// One file.
    pub fn of(path: &Path, text: &str) -> Self {
        let mut sources = Self::default();
        sources.add(path, text);
        sources
    }

    /// Appends a file and returns the position of its first byte.
    pub fn add(&mut self, path: &Path, text: &str) -> usize {
        // The end of one file is not the start of the next.
        if !self.files.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.files.push((path.to_owned(), start..self.text.len()));
        start
    }

    /// All texts, one after the other. Spans are ranges of it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the path of the file that a position lies in.
    pub fn path_at(&self, position: usize) -> &Path {
        let file = self.files.get(self.file_at(position));
        file.map_or(Path::new(""), |(path, _)| path)
    }

    /// Returns the file and the line of a position, such as `eigenscope.toml:12`.
    pub fn place_at(&self, position: usize) -> String {
        let Some((path, range)) = self.files.get(self.file_at(position)) else {
            return String::new();
        };
        let text = self.text.get(range.clone()).unwrap_or_default();
        let (line, _) = line_and_column(text, position.saturating_sub(range.start));
        format!("{}:{line}", path.display())
    }

    /// Returns the number of the file that a position lies in: 0 is the file itself, 1 the file that it extends.
    pub fn file_at(&self, position: usize) -> usize {
        let files = self.files.get(1..).unwrap_or_default();
        files.partition_point(|(_, range)| range.start <= position)
    }
}

/// All errors of a file.
#[derive(Debug)]
pub struct FileErrors {
    path: PathBuf,
    errors: Vec<FileError>,
    omitted: usize,
}

impl FileErrors {
    /// The single error of a file that cannot be read.
    pub fn unreadable(path: &Path, error: FileError) -> Self {
        Self {
            path: path.to_owned(),
            errors: vec![error],
            omitted: 0,
        }
    }

    /// The single error of a file with this text.
    pub fn one(path: &Path, text: &str, error: FileError) -> Self {
        let mut problems = Problems::default();
        problems.add(|| error);
        problems.into_errors(&Sources::of(path, text))
    }

    /// The errors in the order of the file.
    pub fn errors(&self) -> &[FileError] {
        &self.errors
    }

    /// Number of further errors that were found and not kept.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.errors.len() + self.omitted {
            1 => write!(f, "{path} has a problem"),
            count => write!(f, "{path} has {count} problems"),
        }
    }
}

impl std::error::Error for FileErrors {}

impl Diagnostic for FileErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        let errors = self.errors.iter().map(|error| error as &dyn Diagnostic);
        Some(Box::new(errors))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (self.omitted > 0).then(|| {
            let text = format!("{} more problems are not shown", self.omitted);
            Box::new(text) as Box<dyn fmt::Display>
        })
    }
}

/// One error of a file.
#[derive(Debug)]
pub struct FileError {
    /// Its code without the prefix `eigenscope::file::`.
    code: &'static str,
    message: Box<str>,
    cause: Option<io::Error>,
    labels: Vec<(Span, Cow<'static, str>)>,
    help: Option<String>,
    position: Option<(usize, usize)>,
    source: Option<Arc<NamedSource<String>>>,
}

impl FileError {
    /// An error of the file as a whole. `code` names the kind of error and never changes with the wording.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into().into_boxed_str(),
            cause: None,
            labels: Vec::new(),
            help: None,
            position: None,
            source: None,
        }
    }

    /// Points to a place; `label` is written under it. The first place is where the error is.
    pub fn at(mut self, span: &Span, label: impl Into<Cow<'static, str>>) -> Self {
        self.labels.push((span.clone(), label.into()));
        self
    }

    /// Says what to do about it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the error of the operating system behind it.
    pub fn caused_by(mut self, cause: io::Error) -> Self {
        self.cause = Some(cause);
        self
    }

    /// The same error in other words.
    pub(crate) fn with_message(mut self, message: String) -> Self {
        self.message = message.into_boxed_str();
        self
    }

    /// Line and column in characters, both from 1; `None` for an error of the whole file.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.position
    }

    fn start(&self) -> usize {
        self.labels.first().map_or(0, |(span, _)| span.start)
    }

    fn add_help(&mut self, text: String) {
        self.help = Some(match self.help.take() {
            Some(help) => format!("{text}; {help}"),
            None => text,
        });
    }

    /// Makes the spans those of the one file that the error is shown in. Places in other files go into the help.
    fn localise(&mut self, sources: &Sources, named: &[Arc<NamedSource<String>>], shown: &[bool]) {
        let file = sources.file_at(self.start());
        let Some((_, range)) = sources.files.get(file) else {
            return;
        };
        let text = sources.text.get(range.clone()).unwrap_or_default();
        let (here, elsewhere): (Vec<_>, Vec<_>) = std::mem::take(&mut self.labels)
            .into_iter()
            .partition(|(span, _)| sources.file_at(span.start) == file);
        for (span, label) in elsewhere {
            let other = sources.file_at(span.start);
            if let Some((path, range)) = sources.files.get(other) {
                let text = sources.text.get(range.clone()).unwrap_or_default();
                let (line, _) = line_and_column(text, span.start - range.start);
                self.add_help(format!("{}, line {line}: {label}", path.display()));
            }
        }
        self.labels = here
            .into_iter()
            .map(|(span, label)| {
                let local = |at: usize| at.saturating_sub(range.start);
                (within(text, &(local(span.start)..local(span.end))), label)
            })
            .collect();
        if !self.labels.is_empty() {
            self.position = Some(line_and_column(text, self.start()));
        }
        if shown.get(file) == Some(&true) {
            self.source = named.get(file).cloned();
        } else if let Some((line, column)) = self.position {
            self.add_help(format!(
                "line {line}, column {column} (the lines are too long to show)"
            ));
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as _)
    }
}

impl Diagnostic for FileError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("eigenscope::file::{}", self.code)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.help.as_ref();
        help.map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        let source = self.source.as_deref();
        source.map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() {
            return None;
        }
        let labels = self.labels.iter().enumerate().map(|(index, (span, text))| {
            let text = Some(text.to_string());
            match index {
                0 => LabeledSpan::new_primary_with_span(text, span.clone()),
                _ => LabeledSpan::new_with_span(text, span.clone()),
            }
        });
        Some(Box::new(labels))
    }
}

/// The errors found so far.
#[derive(Debug, Default)]
pub struct Problems {
    errors: Vec<FileError>,
    omitted: usize,
}

impl Problems {
    /// Adds an error; it is not even put into words when there are too many already.
    pub fn add(&mut self, make: impl FnOnce() -> FileError) {
        if self.errors.len() < MAXIMUM_ERRORS {
            self.errors.push(make());
        } else {
            self.omitted += 1;
        }
    }

    /// Returns whether no error was found.
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Returns whether further errors are only counted.
    pub fn is_full(&self) -> bool {
        self.errors.len() >= MAXIMUM_ERRORS
    }

    /// Adds the errors of another collection.
    pub fn append(&mut self, other: Problems) {
        self.omitted += other.omitted;
        for error in other.errors {
            self.add(|| error);
        }
    }

    /// Returns `value` if there was no error.
    ///
    /// # Errors
    /// All errors, in the order of the files.
    pub fn finish<T>(self, sources: &Sources, value: T) -> Result<T, FileErrors> {
        match self.is_empty() {
            true => Ok(value),
            false => Err(self.into_errors(sources)),
        }
    }

    fn into_errors(self, sources: &Sources) -> FileErrors {
        let Self {
            mut errors,
            omitted,
        } = self;
        errors.sort_by_key(FileError::start);
        // What is written once and read several times is wrong once.
        errors.dedup_by(|a, b| a.labels == b.labels && a.message == b.message);
        let text = |range: &Span| sources.text.get(range.clone()).unwrap_or_default();
        let named: Vec<Arc<NamedSource<String>>> = sources
            .files
            .iter()
            .map(|(path, range)| {
                let name = path.display().to_string();
                Arc::new(NamedSource::new(name, text(range).to_owned()))
            })
            .collect();
        let shown: Vec<bool> = sources
            .files
            .iter()
            .map(|(_, range)| text(range).lines().all(|line| line.len() <= LONGEST_LINE))
            .collect();
        for error in &mut errors {
            error.localise(sources, &named, &shown);
        }
        let path = sources.files.first().map(|(path, _)| path.clone());
        FileErrors {
            path: path.unwrap_or_default(),
            errors,
            omitted,
        }
    }
}

/// The part of `span` that lies in `text`, from one character boundary to another.
fn within(text: &str, span: &Span) -> Span {
    let end = text.floor_char_boundary(span.end);
    text.floor_char_boundary(span.start.min(end))..end
}

/// Line and column, in characters, of a position in a text, both from 1.
fn line_and_column(text: &str, position: usize) -> (usize, usize) {
    let before = text
        .get(..text.floor_char_boundary(position))
        .unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let column = before[line_start..].chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}

/// A key or name in a message, never long.
pub fn named(text: &str) -> String {
    shorten(text, 60)
}
