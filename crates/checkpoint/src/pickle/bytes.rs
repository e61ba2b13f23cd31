//! The bytes of a pickle, in order, with the position for messages.

use std::io::{BufRead, BufReader, Read};

use crate::source::Source;
use crate::{CheckpointError, limits};

/// Longest line of the opcodes of protocol 0.
const LINE: u64 = 1 << 16;

/// Reads a pickle, or several in a row.
pub(crate) struct PickleBytes<'a> {
    source: &'a Source,
    /// What the pickle is called in messages: "entry `archive/data.pkl`".
    place: String,
    input: BufReader<Box<dyn Read + 'a>>,
    position: u64,
    len: u64,
    /// Where the present pickle has to have ended.
    end: u64,
}

impl<'a> PickleBytes<'a> {
    /// Reads from `input`, which has `len` bytes.
    pub(crate) fn new(
        source: &'a Source,
        place: impl Into<String>,
        input: Box<dyn Read + 'a>,
        len: u64,
    ) -> Self {
        Self {
            source,
            place: place.into(),
            input: BufReader::new(input),
            position: 0,
            len,
            end: limits::PICKLE_BYTES,
        }
    }

    /// Bytes read so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Begins the next pickle.
    pub(crate) fn begin(&mut self) {
        self.end = self.position.saturating_add(limits::PICKLE_BYTES);
    }

    pub(crate) fn damaged(&self, reason: impl Into<String>) -> CheckpointError {
        let place = format!("{}, byte {}", self.place, self.position);
        self.source.damaged(place, reason)
    }

    pub(crate) fn too_large(
        &self,
        found: impl Into<String>,
        limit: impl Into<String>,
    ) -> CheckpointError {
        let place = format!("{}, byte {}", self.place, self.position);
        self.source.too_large(place, found, limit)
    }

    pub(crate) fn unsupported(&self, reason: impl Into<String>) -> CheckpointError {
        let place = format!("{}, byte {}", self.place, self.position);
        self.source.unsupported(place, reason)
    }

    fn advance(&mut self, count: u64) -> Result<(), CheckpointError> {
        let left = self.len - self.position;
        if count > left {
            return Err(self.damaged(format!(
                "{count} bytes are wanted, {left} are left: the file is cut or no pickle"
            )));
        }
        if self.position + count > self.end {
            let limit = format!("{} bytes", limits::PICKLE_BYTES);
            return Err(self.too_large("a longer pickle", limit));
        }
        Ok(())
    }

    fn failed(&self, error: &std::io::Error) -> CheckpointError {
        self.damaged(format!("cannot be read: {error}"))
    }

    pub(crate) fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], CheckpointError> {
        self.advance(SIZE as u64)?;
        let mut array = [0; SIZE];
        let read = self.input.read_exact(&mut array);
        read.map_err(|error| self.failed(&error))?;
        self.position += SIZE as u64;
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, CheckpointError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, CheckpointError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CheckpointError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CheckpointError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The next `count` bytes; room is made only for bytes that are there.
    pub(crate) fn take(&mut self, count: u64) -> Result<Vec<u8>, CheckpointError> {
        self.advance(count)?;
        let mut bytes = vec![0; usize::try_from(count).unwrap_or(0)];
        let read = self.input.read_exact(&mut bytes);
        read.map_err(|error| self.failed(&error))?;
        self.position += count;
        Ok(bytes)
    }

    /// The next line, without its end.
    pub(crate) fn line(&mut self) -> Result<String, CheckpointError> {
        let mut bytes = Vec::new();
        let read = (&mut self.input).take(LINE).read_until(b'\n', &mut bytes);
        read.map_err(|error| self.failed(&error))?;
        if bytes.pop() != Some(b'\n') {
            return Err(self.damaged("a line without end"));
        }
        self.advance(bytes.len() as u64 + 1)?;
        self.position += bytes.len() as u64 + 1;
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        String::from_utf8(bytes).map_err(|_| self.damaged("a line that is not UTF-8"))
    }
}
