//! The places at which a file is looked for: which was read, and which would be if that one were not there.
//!
//! All of them are reported, so that a file that appears at a better place later on is noticed, and so is one that stands in for a file
//! that is gone.

use std::path::{Path, PathBuf};

use eigenscope_artifact::digest_file;
use eigenscope_stage::{Context, ExternalFile};

use super::reading::{ReadFile, exists, read_file};
use crate::content::{Content, relative};
use crate::error::{IngestError, shown, with_causes};

/// The places of a file, the best first.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Each place, and whether something is there.
    places: Vec<(PathBuf, bool)>,
    /// What is read if nothing is at any of them.
    otherwise: Vec<PathBuf>,
}

impl Places {
    /// Looks at some places. If there is nothing at any of them, the first file of `otherwise` would be read.
    pub(super) fn look(
        places: impl IntoIterator<Item = PathBuf>,
        otherwise: &[PathBuf],
    ) -> Result<Self, IngestError> {
        let look = |path: PathBuf| {
            let is_there = exists(&path)?;
            Ok((path, is_there))
        };
        let places: Result<_, IngestError> = places.into_iter().map(look).collect();
        Ok(Self {
            places: places?,
            otherwise: otherwise.to_vec(),
        })
    }

    /// The only place of a file, which is there.
    pub(super) fn one(path: PathBuf) -> Self {
        Self {
            places: vec![(path, true)],
            otherwise: Vec::new(),
        }
    }

    /// Returns true if there is nothing at any of the places.
    pub(super) fn is_empty(&self) -> bool {
        !self.places.iter().any(|(_, is_there)| *is_there)
    }

    /// The best place where something is.
    pub(super) fn best(&self) -> Option<&Path> {
        let mut places = self.places.iter();
        let (path, _) = places.find(|(_, is_there)| *is_there)?;
        Some(path)
    }

    /// A file has been put at a place.
    pub(super) fn found(&mut self, path: &Path) {
        for (place, is_there) in &mut self.places {
            *is_there |= place == path;
        }
    }

    /// Reports the places before the best at which nothing is; all of them if it is nowhere.
    pub(super) fn report_absent(&self, context: &Context) {
        for (path, _) in self.places.iter().take_while(|(_, is_there)| !is_there) {
            context.depends_on_absence(relative(path, &context.task().data_dir));
        }
    }

    /// Reports the best place, whose file is about to be read by other means than [`read`](Self::read), and those before it.
    pub(super) fn report(&self, context: &Context) -> Result<(), IngestError> {
        self.report_absent(context);
        if let Some(best) = self.places.iter().position(|(_, is_there)| *is_there) {
            let (path, _) = &self.places[best];
            let name = relative(path, &context.task().data_dir);
            let mut external = ExternalFile::new(name, digest_file(path)?);
            external.instead = self.instead(context, best);
            context.depends_on(external);
        }
        Ok(())
    }

    /// Reads the first file that is intact with `read`, which must end where the content ends, and reports it; warns about those before
    /// it.
    ///
    /// # Errors
    /// Returns what is wrong with the first file if none is intact.
    pub(super) fn read<T>(
        &self,
        context: &Context,
        read: impl Fn(&mut Content<'_>) -> Result<T, IngestError>,
    ) -> Result<ReadFile<T>, IngestError> {
        let data_dir = &context.task().data_dir;
        let mut failures: Vec<IngestError> = Vec::new();
        for (position, (path, is_there)) in self.places.iter().enumerate() {
            if !is_there {
                context.depends_on_absence(relative(path, data_dir));
                continue;
            }
            match read_file(context, path, &read) {
                Ok((file, mut external)) => {
                    external.instead = self.instead(context, position);
                    context.depends_on(external);
                    for failure in &failures {
                        let failure = with_causes(failure);
                        context.warn(format!("{failure}; {} is used instead", shown(path)));
                    }
                    return Ok(file);
                }
                Err(error) => {
                    report_unusable(context, path);
                    failures.push(error);
                }
            }
        }
        Err(failures
            .into_iter()
            .next()
            .unwrap_or_else(|| self.nothing()))
    }

    /// What is read if the file at the place of this position is gone, the first of them first.
    fn instead(&self, context: &Context, position: usize) -> Vec<String> {
        let rest = self.places[position + 1..].iter().map(|(path, _)| path);
        let rest = rest.chain(&self.otherwise);
        rest.map(|path| relative(path, &context.task().data_dir))
            .collect()
    }

    fn nothing(&self) -> IngestError {
        let path = self.places.first().map(|(path, _)| path.as_path());
        let source = std::io::ErrorKind::NotFound.into();
        IngestError::io("find", path.unwrap_or(Path::new("")), source)
    }
}

/// Reports a file that could not be used: another one at its place might be. One that cannot even be read counts as none.
pub(super) fn report_unusable(context: &Context, path: &Path) {
    let name = relative(path, &context.task().data_dir);
    match digest_file(path) {
        Ok(digest) => context.depends_on(ExternalFile::new(name, digest)),
        Err(_) => context.depends_on_absence(name),
    }
}
