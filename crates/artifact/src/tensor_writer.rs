//! Writing tensors, one row group a tensor, with one copy of the values at a time.
//!
//! The general writer of Parquet keeps ten copies of a row of many values, so that most of the time goes into fresh memory. Here a
//! long tensor becomes one data page, of the same bytes.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::Field;
use bytes::Bytes;
use parquet::arrow::arrow_writer::{ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, EncodingMask, PageType, ZstdLevel};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescPtr, ColumnPath};
use zstd::bulk::Compressor;

use crate::write::{Table, default_properties};
use crate::{ArtifactError, Digest};

/// Fewest values that are written as a page of our own.
const LONG: usize = 1 << 16;

/// Room for the header of a page, more than it takes.
const HEADER: usize = 64;

/// Writes a table whose columns are a name, a shape and a list of f32. Dropped before [`TensorWriter::finish`], it leaves nothing.
pub(crate) struct TensorWriter {
    table: Table,
    writer: SerializedFileWriter<File>,
    columns: ArrowRowGroupWriterFactory,
    page: Page,
    groups: usize,
    long: usize,
}

impl TensorWriter {
    pub(crate) fn new(table: Table) -> std::result::Result<Self, ArtifactError> {
        Self::with_long(table, LONG)
    }

    fn with_long(table: Table, long: usize) -> std::result::Result<Self, ArtifactError> {
        let encoder_error = |error| table.encoder_error(error);
        let writer = table.writer(properties())?;
        let (writer, columns) = writer.into_serialized_writer().map_err(encoder_error)?;
        let page = Page::new().map_err(encoder_error)?;
        Ok(Self {
            table,
            writer,
            columns,
            page,
            groups: 0,
            long,
        })
    }

    /// Appends a tensor: `names` and `shapes` are columns of one row.
    pub(crate) fn write(
        &mut self,
        names: ArrayRef,
        shapes: ArrayRef,
        values: &[f32],
    ) -> std::result::Result<(), ArtifactError> {
        let columns = vec![names, shapes];
        self.table.add(1, &columns)?;
        self.table.add_list(values);
        let written = self.write_group(columns, values);
        written.map_err(|error| self.table.encoder_error(error))
    }

    fn write_group(&mut self, mut arrays: Vec<ArrayRef>, values: &[f32]) -> Result<()> {
        let schema = Arc::clone(&self.table.schema);
        if values.len() < self.long {
            arrays.push(list(schema.field(arrays.len()), values)?);
        }
        let data = self.writer.schema_descr().num_columns() - 1;
        let column = self.writer.schema_descr().column(data);
        let mut writers = self.columns.create_column_writers(self.groups)?;
        self.groups += 1;
        let mut group = self.writer.next_row_group()?;
        let of_arrays = writers.drain(..arrays.len());
        for ((mut writer, array), field) in of_arrays.zip(&arrays).zip(schema.fields()) {
            for leaf in compute_leaves(field, array)? {
                writer.write(&leaf)?;
            }
            writer.close()?.append_to_row_group(&mut group)?;
        }
        if arrays.len() < schema.fields().len() {
            let (bytes, close) = self.page.encode(values, column)?;
            group.append_column(&bytes, close)?;
            self.page.reuse(bytes);
        }
        group.close()?;
        Ok(())
    }

    /// Completes the file, places it and returns the digest of its content.
    pub(crate) fn finish(self) -> std::result::Result<Digest, ArtifactError> {
        let Self {
            mut table,
            mut writer,
            ..
        } = self;
        let (content, entries) = table.entries()?;
        for entry in entries {
            writer.append_key_value_metadata(entry);
        }
        let parquet = writer.finish();
        let parquet = parquet.map_err(|error| table.encoder_error(error))?;
        table.place(writer.inner_mut(), &parquet)?;
        Ok(content)
    }
}

/// A column of one row, the list of `values`.
fn list(field: &Field, values: &[f32]) -> Result<ArrayRef> {
    let arrow::datatypes::DataType::List(item) = field.data_type() else {
        return Err(ParquetError::General(format!("{field} is no list")));
    };
    let values = Arc::new(Float32Array::from(values.to_vec()));
    let offsets = OffsetBuffer::from_lengths([values.len()]);
    let list = ListArray::try_new(Arc::clone(item), offsets, values, None)?;
    Ok(Arc::new(list))
}

/// Values are stored by the significance of their bytes, which compresses better.
fn properties() -> WriterPropertiesBuilder {
    let data = ColumnPath::new(["data", "list", "item"].map(str::to_owned).to_vec());
    default_properties()
        .set_column_dictionary_enabled(data.clone(), false)
        .set_column_encoding(data, Encoding::BYTE_STREAM_SPLIT)
}

/// Encodes a list of f32 as a column chunk of one data page, with memory that is used again.
struct Page {
    compressor: Compressor<'static>,
    plain: Vec<u8>,
    /// The page as it is in the file, after room for its header.
    compressed: Vec<u8>,
}

impl Page {
    fn new() -> Result<Self> {
        let level = ZstdLevel::default().compression_level();
        Ok(Self {
            compressor: Compressor::new(level)?,
            plain: Vec::new(),
            compressed: Vec::new(),
        })
    }

    /// The column chunk of one row, and what the file says about it. `values` are at least 16.
    fn encode(
        &mut self,
        values: &[f32],
        column: ColumnDescPtr,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        self.fill(values);
        self.compressed.clear();
        self.compressed
            .reserve(HEADER + zstd::zstd_safe::compress_bound(self.plain.len()));
        self.compressed.resize(HEADER, 0);
        let mut destination = std::io::Cursor::new(&mut self.compressed);
        destination.set_position(HEADER as u64);
        self.compressor
            .compress_to_buffer(&self.plain, &mut destination)?;
        let header = header(
            self.plain.len(),
            self.compressed.len() - HEADER,
            values.len(),
        );
        let start = HEADER - header.len();
        self.compressed[start..HEADER].copy_from_slice(&header);
        let bytes = self.compressed.len() - start;
        let uncompressed = header.len() + self.plain.len();
        let metadata = ColumnChunkMetaData::builder(column)
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_encodings_mask(EncodingMask::new_from_encodings(
                [Encoding::RLE, Encoding::BYTE_STREAM_SPLIT].iter(),
            ))
            .set_page_encoding_stats(vec![PageEncodingStats {
                page_type: PageType::DATA_PAGE,
                encoding: Encoding::BYTE_STREAM_SPLIT,
                count: 1,
            }])
            .set_total_compressed_size(signed(bytes)?)
            .set_total_uncompressed_size(signed(uncompressed)?)
            .set_num_values(signed(values.len())?)
            .set_data_page_offset(signed(start)?)
            .build()?;
        let mut offsets = OffsetIndexBuilder::new();
        offsets.append_row_count(1);
        offsets.append_offset_and_size(signed(start)?, signed(bytes)?);
        let close = ColumnCloseResult {
            bytes_written: bytes as u64,
            rows_written: 1,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(offsets.build()),
        };
        Ok((Bytes::from(std::mem::take(&mut self.compressed)), close))
    }

    /// Takes back the memory of a chunk that has been written.
    fn reuse(&mut self, chunk: Bytes) {
        self.compressed = Vec::from(chunk);
    }

    /// Sets `plain` to the levels of a list that is all of a column, and its values: the lowest bytes of all, then the next ones.
    fn fill(&mut self, values: &[f32]) {
        let count = values.len();
        // Repetition: the first value, which begins the list, with seven more as bits, then a run. Definition: a run.
        let repetition = [&[3, 0b1111_1110][..], &run(count - 8)].concat();
        self.plain.clear();
        for levels in [repetition, run(count)] {
            let length = u32::try_from(levels.len()).unwrap_or(u32::MAX);
            self.plain.extend(length.to_le_bytes());
            self.plain.extend(levels);
        }
        let start = self.plain.len();
        self.plain.resize(start + 4 * count, 0);
        let (first, rest) = self.plain[start..].split_at_mut(count);
        let (second, rest) = rest.split_at_mut(count);
        let (third, fourth) = rest.split_at_mut(count);
        let low = first.iter_mut().zip(second);
        let high = third.iter_mut().zip(fourth);
        for ((value, (first, second)), (third, fourth)) in values.iter().zip(low).zip(high) {
            [*first, *second, *third, *fourth] = value.to_le_bytes();
        }
    }
}

/// A run of `count` levels 1, encoded as `RLE`.
fn run(count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    varint(2 * count as u64, &mut bytes);
    bytes.push(1);
    bytes
}

/// The header of a data page, in the compact protocol of Thrift (parquet.thrift, `PageHeader`): sizes of the page, then those fields of
/// `DataPageHeader` that are required.
fn header(plain: usize, compressed: usize, values: usize) -> Vec<u8> {
    /// The field after the last one, an `i32`.
    const NEXT: u8 = 0x15;
    /// The second field after the last one, a structure.
    const DATA_PAGE_HEADER: u8 = 0x2c;
    const STOP: u8 = 0;
    const DATA_PAGE: u64 = 0;
    const RLE: u64 = 3;
    const BYTE_STREAM_SPLIT: u64 = 9;
    let mut bytes = Vec::with_capacity(HEADER);
    let field = |bytes: &mut Vec<u8>, value: u64| {
        bytes.push(NEXT);
        // Numbers may be negative, and the lowest bit is the sign.
        varint(2 * value, bytes);
    };
    for value in [DATA_PAGE, plain as u64, compressed as u64] {
        field(&mut bytes, value);
    }
    bytes.push(DATA_PAGE_HEADER);
    for value in [values as u64, BYTE_STREAM_SPLIT, RLE, RLE] {
        field(&mut bytes, value);
    }
    bytes.extend([STOP, STOP]);
    bytes
}

/// Appends `value`, seven bits a byte, the lowest first; all bytes but the last have the highest bit set.
fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// A size as the signed number that Parquet stores.
fn signed<T: TryFrom<usize>>(size: usize) -> Result<T> {
    T::try_from(size).map_err(|_| ParquetError::General(format!("a page of {size} bytes")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::tensors::{self, NamedTensor, TENSORS};
    use crate::{Provenance, TensorReader};

    /// The file that holds `tensors`; those of `long` values are written as pages of our own.
    fn written(tensors: &[NamedTensor], long: usize) -> (Vec<u8>, Vec<NamedTensor>) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("tensors.parquet");
        let metadata = BTreeMap::from([("architecture".to_owned(), "{}".to_owned())]);
        let provenance = Provenance {
            task: "train.mlp".to_owned(),
            kind: "train/mlp".to_owned(),
            fingerprint: "f".to_owned(),
            parameters: serde_json::Value::Null,
            seed: 7,
            device: None,
            inputs: Vec::new(),
        };
        let table = Table::create(&path, TENSORS, tensors::schema(), metadata, &provenance);
        let table = table.expect("created");
        let mut writer = TensorWriter::with_long(table, long).expect("created");
        for tensor in tensors {
            tensors::append(&mut writer, &path, tensor).expect("written");
        }
        writer.finish().expect("written");
        let reader = TensorReader::open(&path, TENSORS).expect("readable");
        let read = reader.read().expect("readable");
        (std::fs::read(&path).expect("readable"), read)
    }

    #[test]
    fn pages_of_our_own_are_those_of_the_general_writer() {
        let mut bits = 1u32;
        let mut tensor = |name: &str, count: usize, mask: u32| NamedTensor {
            name: name.to_owned(),
            shape: vec![count],
            data: (0..count)
                .map(|_| {
                    bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    f32::from_bits((bits & mask) | 0x3f00_0000)
                })
                .collect(),
        };
        let tensors = [
            tensor("shortest", 16, u32::MAX >> 8),
            tensor("one after the other", 17, u32::MAX >> 8),
            tensor("of one value", 5000, 0),
            tensor("random", 300_000, u32::MAX >> 9),
            tensor("of few values", 70_001, 0x70),
        ];
        let (bytes, read) = written(&tensors, 16);
        assert_eq!(read, tensors);
        let (general, _) = written(&tensors, usize::MAX);
        assert!(bytes == general, "{} {}", bytes.len(), general.len());
    }
}
