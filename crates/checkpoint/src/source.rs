//! The bytes of a file, read by ranges.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::CheckpointError;

/// A file, or bytes that stand for one.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    len: u64,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    File(File),
    Memory(Vec<u8>),
}

impl Source {
    /// Opens the regular file at `path`. Links are followed.
    ///
    /// # Errors
    /// As [`File::open`]; something else than a regular file, which may block or never end.
    pub(crate) fn open(path: &Path) -> Result<Self, CheckpointError> {
        let failed = |source| CheckpointError::io("open", path, source);
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            let what = match metadata.is_dir() {
                true => "a folder",
                false => "no regular file",
            };
            return Err(CheckpointError::foreign(path, what, "name the file itself"));
        }
        let file = File::open(path).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        Ok(Self {
            path: path.to_owned(),
            len,
            bytes: Bytes::File(file),
        })
    }

    /// Bytes in memory; `path` is what messages call them.
    pub(crate) fn of_bytes(path: &Path, bytes: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            len: bytes.len() as u64,
            bytes: Bytes::Memory(bytes),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// The file ends before that.
    pub(crate) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), CheckpointError> {
        self.read_exact_at(offset, buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::UnexpectedEof {
                let end = offset.saturating_add(buffer.len() as u64);
                self.damaged(
                    format!("bytes {offset} to {end}"),
                    format!("the file ends at byte {}", self.len),
                )
            } else {
                CheckpointError::io("read", &self.path, error)
            }
        })
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.len) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &self.bytes {
            Bytes::Memory(bytes) => {
                let start = usize::try_from(offset).map_err(io::Error::other)?;
                buffer.copy_from_slice(&bytes[start..start + buffer.len()]);
                Ok(())
            }
            Bytes::File(file) => file_read_exact_at(file, offset, buffer),
        }
    }

    /// The bytes of `range`, at most `limit` of them.
    ///
    /// # Errors
    /// The file ends before that; more than `limit` bytes at `place`.
    pub(crate) fn read_range(
        &self,
        range: Range<u64>,
        limit: u64,
        place: &str,
    ) -> Result<Vec<u8>, CheckpointError> {
        let len = range.end.saturating_sub(range.start);
        if range.end > self.len {
            return Err(self.damaged(
                place,
                format!(
                    "it would end at byte {}, the file ends at byte {}",
                    range.end, self.len
                ),
            ));
        }
        if len > limit {
            return Err(self.too_large(place, format!("{len} bytes"), format!("{limit} bytes")));
        }
        let len = usize::try_from(len)
            .map_err(|_| self.too_large(place, format!("{len} bytes"), "this machine"))?;
        let mut bytes = vec![0; len];
        self.read_at(range.start, &mut bytes)?;
        Ok(bytes)
    }

    /// The first bytes, at most `count`.
    pub(crate) fn head(&self, count: u64) -> Result<Vec<u8>, CheckpointError> {
        self.read_range(0..count.min(self.len), count, "the first bytes")
    }

    /// A reader of `range`, which must lie in the file.
    pub(crate) fn reader(&self, range: Range<u64>) -> SourceReader<'_> {
        SourceReader {
            source: self,
            range,
        }
    }

    pub(crate) fn damaged(
        &self,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> CheckpointError {
        CheckpointError::damaged(&self.path, place, reason)
    }

    pub(crate) fn too_large(
        &self,
        place: impl Into<String>,
        found: impl Into<String>,
        limit: impl Into<String>,
    ) -> CheckpointError {
        CheckpointError::too_large(&self.path, place, found, limit)
    }

    pub(crate) fn unsupported(
        &self,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> CheckpointError {
        CheckpointError::unsupported(&self.path, place, reason)
    }
}

#[cfg(unix)]
fn file_read_exact_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(windows)]
fn file_read_exact_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
    while !buffer.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, buffer, offset)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
        }
    }
    Ok(())
}

/// Reads a range of a [`Source`] from its start to its end.
#[derive(Debug)]
pub(crate) struct SourceReader<'a> {
    source: &'a Source,
    range: Range<u64>,
}

impl Read for SourceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.range.end.saturating_sub(self.range.start);
        let count = usize::try_from(left)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        self.source
            .read_exact_at(self.range.start, &mut buffer[..count])?;
        self.range.start += count as u64;
        Ok(count)
    }
}
