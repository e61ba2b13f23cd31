//! Writing `.npz` archives, with the same bytes for the same arrays.

use std::collections::BTreeSet;
use std::io::Write;

use crate::CheckpointError;
use crate::layout::count;
use crate::zip::ZipWriter;

/// Values of an array to be written, the last index running fastest.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum ArrayValues<'a> {
    U8(&'a [u8]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
}

impl ArrayValues<'_> {
    fn len(self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    fn descr(self) -> &'static str {
        match self {
            Self::U8(_) => "|u1",
            Self::I32(_) => "<i4",
            Self::I64(_) => "<i8",
            Self::F32(_) => "<f4",
            Self::F64(_) => "<f8",
        }
    }

    fn bytes(self) -> Vec<u8> {
        match self {
            Self::U8(values) => values.to_vec(),
            Self::I32(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Self::I64(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Self::F32(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
            Self::F64(values) => values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect(),
        }
    }
}

/// Writes arrays into an archive as `numpy.savez` does. Equal arrays give equal bytes.
#[derive(Debug)]
pub struct NpzWriter<W> {
    zip: ZipWriter<W>,
    names: BTreeSet<String>,
}

impl<W: Write> NpzWriter<W> {
    /// Begins an archive.
    pub fn new(output: W) -> Self {
        Self {
            zip: ZipWriter::new(output),
            names: BTreeSet::new(),
        }
    }

    /// Adds an array.
    ///
    /// # Errors
    /// A second array of the name, values that do not have the shape, what `output` refuses.
    pub fn add(
        &mut self,
        name: &str,
        shape: &[usize],
        values: ArrayValues<'_>,
    ) -> Result<(), CheckpointError> {
        let refuse =
            |reason: String| CheckpointError::unwritable(format!("array `{name}`"), reason);
        if !self.names.insert(name.to_owned()) {
            return Err(refuse("two arrays have this name".to_owned()));
        }
        if count(shape) != Some(values.len() as u64) {
            return Err(refuse(format!(
                "{} values for shape {shape:?}",
                values.len()
            )));
        }
        let header = header(values.descr(), shape);
        let added = self
            .zip
            .add(&format!("{name}.npy"), &[&header, &values.bytes()]);
        added.map_err(|error| refuse(error.to_string()))
    }

    /// Ends the archive and returns what it was written to.
    ///
    /// # Errors
    /// What `output` refuses.
    pub fn finish(self) -> Result<W, CheckpointError> {
        let finished = self.zip.finish();
        finished.map_err(|error| CheckpointError::unwritable("arrays", error.to_string()))
    }
}

/// The header of version 1.0, padded so that values begin at a multiple of 64 bytes.
fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let sides: Vec<String> = shape.iter().map(usize::to_string).collect();
    let shape = match sides.as_slice() {
        [one] => format!("({one},)"),
        all => format!("({})", all.join(", ")),
    };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let len = (10 + text.len() + 1).next_multiple_of(64);
    while 10 + text.len() + 1 < len {
        text.push(' ');
    }
    text.push('\n');
    let mut header = super::header::MAGIC.to_vec();
    header.extend([1, 0]);
    header.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    header.extend(text.as_bytes());
    header
}
