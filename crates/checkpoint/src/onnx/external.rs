//! Values of tensors in files beside a graph.

use std::collections::HashMap;
use std::path::{Component, Path};

use crate::CheckpointError;
use crate::error::shown;
use crate::layout::Data;
use crate::source::Source;

/// Most files beside a graph; each stays open.
const FILES: usize = 500;

/// The files that tensors of a graph refer to, opened once each.
pub(super) struct External<'a> {
    graph: &'a Source,
    pub(super) sources: Vec<Source>,
    by_name: HashMap<String, usize>,
}

impl<'a> External<'a> {
    pub(super) fn new(graph: &'a Source) -> Self {
        Self {
            graph,
            sources: Vec::new(),
            by_name: HashMap::new(),
        }
    }

    /// Where the values are that `entries` (location, offset, length) name.
    ///
    /// # Errors
    /// A file outside of the folder of the graph, one that is not there, a range outside of it.
    pub(super) fn data(&mut self, entries: &[(String, String)]) -> Result<Data, CheckpointError> {
        let entry = |name: &str| {
            let found = entries.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str())
        };
        let location = entry("location").unwrap_or("");
        let place = || format!("file `{}` beside it", shown(location));
        let number = |name: &str| {
            let parsed = entry(name).map(str::parse::<u64>).transpose();
            parsed.map_err(|_| self.graph.damaged(place(), format!("{name} is no number")))
        };
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        let index = match self.by_name.get(location) {
            Some(index) => *index,
            None => self.open(location)?,
        };
        let len = self.sources[index].len();
        let length = length.unwrap_or(len.saturating_sub(offset));
        if offset.checked_add(length).is_none_or(|end| end > len) {
            let reason = format!("{length} bytes from byte {offset} on are wanted, it has {len}");
            return Err(self.graph.damaged(place(), reason));
        }
        Ok(Data::Range {
            // The graph itself is the first.
            source: index + 1,
            start: offset,
            len: length,
        })
    }

    fn open(&mut self, location: &str) -> Result<usize, CheckpointError> {
        let place = || format!("file `{}` beside it", shown(location));
        let relative = Path::new(location);
        let is_below = relative
            .components()
            .all(|component| matches!(component, Component::Normal(_)));
        if location.is_empty() || location.contains(['\\', '\0']) || !is_below {
            let reason = "values are read from files in the same folder or below only";
            return Err(self.graph.unsupported(place(), reason));
        }
        if self.sources.len() == FILES {
            let limit = format!("{FILES} files");
            return Err(self.graph.too_large(place(), "more files", limit));
        }
        let folder = self.graph.path().parent().unwrap_or(Path::new(""));
        self.sources.push(Source::open(&folder.join(relative))?);
        let index = self.sources.len() - 1;
        self.by_name.insert(location.to_owned(), index);
        Ok(index)
    }
}
