//! Problems with their places, collected while a file is read and reported together.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::problem::Problem;
use super::suggest::shorten;
use super::syntax::Span;

/// Problems kept; more are only counted.
const MAXIMUM_PROBLEMS: usize = 100;

/// Longest line, in bytes, that is shown around a problem.
const LONGEST_LINE: usize = 4096;

/// All problems of a file.
#[derive(Debug)]
pub struct FileErrors {
    source: NamedSource<String>,
    shown: bool,
    errors: Vec<FileError>,
    omitted: usize,
}

impl FileErrors {
    /// A file that could not even be read.
    pub(crate) fn whole_file(path: &Path, problem: Problem) -> Self {
        let name = path.display().to_string();
        Self {
            source: NamedSource::new(&name, String::new()),
            shown: false,
            errors: vec![FileError::nowhere(problem)],
            omitted: 0,
        }
    }

    /// The problems, in file order.
    pub fn errors(&self) -> &[FileError] {
        &self.errors
    }

    /// How many further problems were found and not kept.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for FileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.len() + self.omitted {
            1 => write!(f, "{} has a problem", self.source.name()),
            count => write!(f, "{} has {count} problems", self.source.name()),
        }
    }
}

impl std::error::Error for FileErrors {}

impl Diagnostic for FileErrors {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.shown.then_some(&self.source as &dyn SourceCode)
    }

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

/// One problem of a file.
#[derive(Debug)]
pub struct FileError {
    problem: Problem,
    labels: Vec<(Span, Cow<'static, str>)>,
    help: Option<String>,
    position: Option<(usize, usize)>,
}

impl FileError {
    /// A problem of the place `span`; `label` is written under it.
    pub(crate) fn at(span: &Span, label: impl Into<Cow<'static, str>>, problem: Problem) -> Self {
        Self::nowhere(problem).and(span, label)
    }

    /// A problem of the whole file.
    pub(crate) fn nowhere(problem: Problem) -> Self {
        Self {
            problem,
            labels: Vec::new(),
            help: None,
            position: None,
        }
    }

    /// Points to one more place.
    pub(crate) fn and(mut self, span: &Span, label: impl Into<Cow<'static, str>>) -> Self {
        self.labels.push((span.clone(), label.into()));
        self
    }

    /// Says what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Line and column in characters, both from 1; `None` for a problem of the whole file.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.position
    }

    /// Says in words where the problem is, for a file that cannot be shown.
    fn tell_position(&mut self) {
        if let Some((line, column)) = self.position {
            let position = format!("line {line}, column {column} (the lines are too long to show)");
            self.help = Some(match self.help.take() {
                Some(help) => format!("{position}; {help}"),
                None => position,
            });
        }
    }

    fn start(&self) -> usize {
        self.labels.first().map_or(0, |(span, _)| span.start)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.problem)
    }
}

impl Diagnostic for FileError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if self.labels.is_empty() {
            return None;
        }
        let labels = self.labels.iter().enumerate().map(|(index, (span, text))| {
            let text = Some(text.to_string());
            if index == 0 {
                LabeledSpan::new_primary_with_span(text, span.clone())
            } else {
                LabeledSpan::new_with_span(text, span.clone())
            }
        });
        Some(Box::new(labels))
    }
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    errors: Vec<FileError>,
    omitted: usize,
}

impl Problems {
    /// Adds a problem; it is not even put into words when there are too many already.
    pub(crate) fn add(&mut self, make: impl FnOnce() -> FileError) {
        if self.errors.len() < MAXIMUM_PROBLEMS {
            self.errors.push(make());
        } else {
            self.omitted += 1;
        }
    }

    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// Whether further problems are only counted.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= MAXIMUM_PROBLEMS
    }

    /// Adds what another collection holds.
    pub(crate) fn append(&mut self, other: Problems) {
        self.omitted += other.omitted;
        for error in other.errors {
            self.add(|| error);
        }
    }

    /// The value, if there was no problem.
    pub(crate) fn finish<T>(self, path: &Path, text: &str, value: T) -> Result<T, FileErrors> {
        if self.is_empty() {
            return Ok(value);
        }
        let Self {
            mut errors,
            omitted,
        } = self;
        for error in &mut errors {
            for (span, _) in &mut error.labels {
                *span = within(text, span);
            }
        }
        errors.sort_by_key(FileError::start);
        set_positions(&mut errors, text);
        let shown = text.lines().all(|line| line.len() <= LONGEST_LINE);
        if !shown {
            errors.iter_mut().for_each(FileError::tell_position);
        }
        let name = path.display().to_string();
        Err(FileErrors {
            source: NamedSource::new(&name, text.to_owned()),
            shown,
            errors,
            omitted,
        })
    }
}

/// The part of `span` that lies in `text`, from one character boundary to another.
fn within(text: &str, span: &Span) -> Span {
    let end = text.floor_char_boundary(span.end);
    text.floor_char_boundary(span.start.min(end))..end
}

/// Sets line and column of errors sorted by place, in one pass over the text.
fn set_positions(errors: &mut [FileError], text: &str) {
    let (mut line, mut line_start, mut seen) = (1, 0, 0);
    for error in errors {
        let Some((span, _)) = error.labels.first() else {
            continue;
        };
        let passed = text.get(seen..span.start).unwrap_or_default();
        line += passed.matches('\n').count();
        if let Some(last) = passed.rfind('\n') {
            line_start = seen + last + 1;
        }
        seen = span.start;
        let before = text.get(line_start..span.start).unwrap_or_default();
        error.position = Some((line, before.chars().count() + 1));
    }
}

/// A key or name in a message, never long.
pub(crate) fn named(text: &str) -> String {
    shorten(text, 60)
}
