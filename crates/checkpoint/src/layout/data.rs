//! Runs of bytes in a file: as they are, compressed, or read already.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::DeflateDecoder;

use super::CHUNK;
use crate::CheckpointError;
use crate::source::Source;

/// A run of bytes.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Bytes of a file as they are; `source` counts the files of a checkpoint, 0 is the file itself.
    Range { source: usize, start: u64, len: u64 },
    /// Bytes of the file itself that inflate to `skip` bytes and then `len` bytes.
    Deflated {
        start: u64,
        compressed: u64,
        skip: u64,
        len: u64,
    },
    /// Bytes that were in between other things.
    Inline(Arc<[u8]>),
}

impl Data {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Range { len, .. } | Self::Deflated { len, .. } => *len,
            Self::Inline(bytes) => bytes.len() as u64,
        }
    }

    /// The data without its first `count` bytes, of which it has at least so many.
    pub(crate) fn after(self, count: u64) -> Self {
        match self {
            Self::Range { source, start, len } => Self::Range {
                source,
                start: start + count,
                len: len - count,
            },
            Self::Deflated {
                start,
                compressed,
                skip,
                len,
            } => Self::Deflated {
                start,
                compressed,
                skip: skip + count,
                len: len - count,
            },
            Self::Inline(bytes) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                Self::Inline(bytes.get(count..).unwrap_or(&[]).into())
            }
        }
    }

    /// The first bytes of data in the file itself, `count` or all.
    pub(crate) fn head(
        &self,
        source: &Source,
        count: u64,
        place: &str,
    ) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::new();
        let read = self
            .reader(std::slice::from_ref(source), 0)
            .and_then(|reader| reader.take(count.min(self.len())).read_to_end(&mut bytes));
        read.map_err(|error| source.damaged(place, format!("cannot be read: {error}")))?;
        Ok(bytes)
    }

    /// All bytes of data in the file itself.
    pub(crate) fn bytes(&self, source: &Source, place: &str) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::new();
        self.for_each_chunk(source, place, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(bytes)
    }

    /// Gives the bytes of data in the file itself to `each`, chunk by chunk.
    pub(crate) fn for_each_chunk(
        &self,
        source: &Source,
        place: &str,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), CheckpointError> {
        let failed = |error: io::Error| source.damaged(place, format!("cannot be read: {error}"));
        let sources = std::slice::from_ref(source);
        let mut reader = self.reader(sources, 0).map_err(failed)?;
        let mut buffer = vec![0; CHUNK];
        let mut left = self.len();
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            reader.read_exact(&mut buffer[..count]).map_err(failed)?;
            each(&buffer[..count]);
            left -= count as u64;
        }
        Ok(())
    }

    /// A reader of the bytes from `offset` on.
    pub(super) fn reader<'a>(
        &'a self,
        sources: &'a [Source],
        offset: u64,
    ) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Range { source, start, len } => {
                Box::new(sources[*source].reader(start + offset..start + len))
            }
            Self::Deflated {
                start,
                compressed,
                skip,
                ..
            } => {
                let stored = sources[0].reader(*start..start + compressed);
                let mut inflated = DeflateDecoder::new(BufReader::new(stored));
                io::copy(&mut (&mut inflated).take(skip + offset), &mut io::sink())?;
                Box::new(inflated)
            }
            Self::Inline(bytes) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                Box::new(bytes.get(offset..).unwrap_or(&[]))
            }
        })
    }
}
