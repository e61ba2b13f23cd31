//! Digests: of a file's bytes (is it intact?) and of a table's content (did the result change?).
//!
//! The content digest does not depend on how rows were batched or compressed: for each column the
//! validity, the lengths (of values whose type does not fix them) and the values are hashed separately in
//! row order.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, UInt16Type, UInt32Type, UInt64Type};
use serde::{Deserialize, Serialize};

use crate::{ArtifactError, regular};

/// A BLAKE3 digest, written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Digest of a byte string.
    pub fn of(bytes: &[u8]) -> Self {
        blake3::hash(bytes).into()
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 12 hexadecimal digits: enough to tell digests apart in messages.
    pub fn short(&self) -> String {
        self.to_string()[..12].to_owned()
    }
}

impl From<blake3::Hash> for Digest {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.short())
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        blake3::Hash::from_hex(text)
            .map(Into::into)
            .map_err(|error| format!("`{text}` is not a digest: {error}"))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Size and digest of a file as it stands on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileDigest {
    /// Length in bytes.
    pub bytes: u64,
    /// Digest of all of them.
    pub blake3: Digest,
}

/// Digest of the bytes of the file at `path`, read in pieces of 1 MiB.
pub fn digest_file(path: &Path) -> Result<FileDigest, ArtifactError> {
    let mut file = regular::open(path).map_err(|source| ArtifactError::io("open", path, source))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        let read = file
            .read(&mut buffer)
            .map_err(|source| ArtifactError::io("read", path, source))?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
    Ok(FileDigest {
        bytes,
        blake3: hasher.finalize().into(),
    })
}

/// Hashes one column over any number of batches.
#[derive(Default)]
pub(crate) struct ColumnHasher {
    validity: blake3::Hasher,
    lengths: blake3::Hasher,
    values: blake3::Hasher,
}

impl ColumnHasher {
    /// Adds the rows of `array`; the error names a type that artifacts do not use.
    pub(crate) fn update(&mut self, array: &ArrayRef) -> Result<(), String> {
        for row in 0..array.len() {
            self.validity.update(&[u8::from(array.is_valid(row))]);
        }
        match array.data_type() {
            DataType::Boolean => {
                for value in array.as_boolean() {
                    self.values.update(&[u8::from(value.unwrap_or(false))]);
                }
            }
            DataType::UInt16 => {
                for value in array.as_primitive::<UInt16Type>() {
                    self.values.update(&value.unwrap_or(0).to_le_bytes());
                }
            }
            DataType::UInt32 => {
                for value in array.as_primitive::<UInt32Type>() {
                    self.values.update(&value.unwrap_or(0).to_le_bytes());
                }
            }
            DataType::UInt64 => {
                for value in array.as_primitive::<UInt64Type>() {
                    self.values.update(&value.unwrap_or(0).to_le_bytes());
                }
            }
            DataType::Float64 => {
                for value in array.as_primitive::<Float64Type>() {
                    self.values.update(&value.unwrap_or(0.0).to_le_bytes());
                }
            }
            DataType::Float32 => {
                for value in array.as_primitive::<Float32Type>() {
                    self.values.update(&value.unwrap_or(0.0).to_le_bytes());
                }
            }
            DataType::Utf8 => {
                for value in array.as_string::<i32>() {
                    let value = value.unwrap_or("");
                    self.length(value.len());
                    self.values.update(value.as_bytes());
                }
            }
            DataType::FixedSizeBinary(_) => {
                for value in array.as_fixed_size_binary().iter() {
                    self.values.update(value.unwrap_or(&[]));
                }
            }
            DataType::List(_) => {
                for value in array.as_list::<i32>().iter().flatten() {
                    self.length(value.len());
                    self.update_items(&value)?;
                }
            }
            DataType::FixedSizeList(..) => {
                for value in array.as_fixed_size_list().iter().flatten() {
                    self.update_items(&value)?;
                }
            }
            other => {
                return Err(format!(
                    "columns of type {other} are not part of any artifact"
                ));
            }
        }
        Ok(())
    }

    /// Adds one row, a list of f32.
    pub(crate) fn update_with_list(&mut self, values: &[f32]) {
        self.validity.update(&[1]);
        self.length(values.len());
        self.floats(values);
    }

    fn update_items(&mut self, items: &ArrayRef) -> Result<(), String> {
        if items.null_count() > 0 {
            return Err("lists with missing items are not part of any artifact".to_owned());
        }
        match items.data_type() {
            DataType::Float32 => self.floats(items.as_primitive::<Float32Type>().values()),
            DataType::UInt32 => {
                for value in items.as_primitive::<UInt32Type>().values() {
                    self.values.update(&value.to_le_bytes());
                }
            }
            other => return Err(format!("lists of {other} are not part of any artifact")),
        }
        Ok(())
    }

    fn floats(&mut self, values: &[f32]) {
        // So many that the hash function works on several parts at once.
        const CHUNK: usize = 16 << 10;
        let mut bytes = vec![[0; 4]; CHUNK.min(values.len())];
        for chunk in values.chunks(CHUNK) {
            let bytes = &mut bytes[..chunk.len()];
            for (slot, value) in bytes.iter_mut().zip(chunk) {
                *slot = value.to_le_bytes();
            }
            self.values.update(bytes.as_flattened());
        }
    }

    fn length(&mut self, length: usize) {
        self.lengths.update(&(length as u64).to_le_bytes());
    }

    pub(crate) fn finish(self) -> [blake3::Hash; 3] {
        [
            self.validity.finalize(),
            self.lengths.finalize(),
            self.values.finalize(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        BooleanArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array,
        ListArray, StringArray, UInt16Array, UInt32Array, UInt64Array,
    };

    use super::*;

    fn hash(batches: &[ArrayRef]) -> [blake3::Hash; 3] {
        let mut hasher = ColumnHasher::default();
        for batch in batches {
            hasher.update(batch).expect("a supported type");
        }
        hasher.finish()
    }

    /// Four rows of every column type that artifacts may have, the third one missing.
    fn columns() -> Vec<ArrayRef> {
        let numbers = [Some(7), Some(0), None, Some(9)];
        let floats = |row: Option<i32>| row.map(|row| vec![Some(row as f32), Some(0.5)]);
        let binary = numbers.map(|row| row.map(|row| [row as u8; 3]));
        vec![
            Arc::new(BooleanArray::from_iter(
                numbers.map(|row| row.map(|row| row > 7)),
            )),
            Arc::new(UInt16Array::from_iter(
                numbers.map(|row| row.map(|row| row as u16)),
            )),
            Arc::new(UInt32Array::from_iter(
                numbers.map(|row| row.map(|row| row as u32)),
            )),
            Arc::new(UInt64Array::from_iter(
                numbers.map(|row| row.map(|row| row as u64)),
            )),
            Arc::new(Float32Array::from_iter(
                numbers.map(|row| row.map(|row| row as f32)),
            )),
            Arc::new(Float64Array::from_iter(
                numbers.map(|row| row.map(f64::from)),
            )),
            Arc::new(StringArray::from_iter(
                numbers.map(|row| row.map(|row| "x".repeat(row as usize))),
            )),
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(binary.into_iter(), 3)
                    .expect("equal widths"),
            ),
            Arc::new(ListArray::from_iter_primitive::<Float32Type, _, _>(
                numbers.map(floats),
            )),
            Arc::new(ListArray::from_iter_primitive::<UInt32Type, _, _>(
                numbers.map(|row| row.map(|row| vec![Some(row as u32); row as usize])),
            )),
            Arc::new(
                FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(
                    numbers.map(floats),
                    2,
                ),
            ),
        ]
    }

    #[test]
    fn the_batching_does_not_matter() {
        for all in columns() {
            let whole = hash(std::slice::from_ref(&all));
            let single: Vec<ArrayRef> = (0..all.len()).map(|row| all.slice(row, 1)).collect();
            let uneven = [all.slice(0, 0), all.slice(0, 1), all.slice(1, 3)];
            assert_eq!(whole, hash(&single), "{}", all.data_type());
            assert_eq!(whole, hash(&uneven), "{}", all.data_type());
            let fewer = hash(&[all.slice(0, 3)]);
            assert_ne!(whole, fewer, "{}", all.data_type());
        }
    }

    #[test]
    fn what_lies_beneath_a_missing_value_does_not_matter() {
        use arrow::buffer::NullBuffer;
        let hidden = |value| -> ArrayRef {
            let missing = Some(NullBuffer::from(vec![true, false]));
            Arc::new(Float32Array::new(vec![1.0, value].into(), missing))
        };
        assert_eq!(hash(&[hidden(2.0)]), hash(&[hidden(3.0)]));
    }

    #[test]
    fn moving_a_character_between_rows_changes_the_digest() {
        let one: ArrayRef = Arc::new(StringArray::from(vec!["ab", "c"]));
        let two: ArrayRef = Arc::new(StringArray::from(vec!["a", "bc"]));
        assert_ne!(hash(&[one]), hash(&[two]));
    }

    #[test]
    fn a_missing_value_differs_from_zero() {
        let one: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.0)]));
        let two: ArrayRef = Arc::new(Float64Array::from(vec![None::<f64>]));
        assert_ne!(hash(&[one]), hash(&[two]));
    }

    #[test]
    fn digests_are_written_and_read_as_hexadecimal() {
        let digest = Digest::of(b"eigenscope");
        assert_eq!(digest.to_string().len(), 64);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert!("nonsense".parse::<Digest>().is_err());
    }
}
