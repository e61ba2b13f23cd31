//! Tables as arrays of NumPy: one for each column, or, of a table of named tensors, one for each tensor.

use std::path::Path;

use eigenscope_artifact::arrow::array::Array;
use eigenscope_artifact::arrow::datatypes::DataType;
use eigenscope_artifact::{ALIGNMENTS, ArtifactKind, BASES, TENSORS, TableReader, TensorReader};
use eigenscope_checkpoint::npz::{ArrayValues, NpzWriter};

use super::{ExportError, batches};
use crate::cell_values::{Cell, cell_values, value_type};

/// Kinds of tables whose rows are tensors.
const OF_TENSORS: [ArtifactKind; 3] = [TENSORS, BASES, ALIGNMENTS];

/// The table at `path`, and notes on the columns that are left out: texts, and lists of several lengths.
pub(super) fn write(path: &Path) -> Result<(Vec<u8>, Vec<String>), ExportError> {
    let reader = TableReader::open_any(path)?;
    let name = reader.summary().kind.to_string();
    let kind = OF_TENSORS.into_iter().find(|kind| kind.name() == name);
    match kind {
        Some(kind) => Ok((tensors(path, kind)?, Vec::new())),
        None => columns(&reader),
    }
}

fn tensors(path: &Path, kind: ArtifactKind) -> Result<Vec<u8>, ExportError> {
    let mut writer = NpzWriter::new(Vec::new());
    for tensor in TensorReader::open(path, kind)?.read()? {
        writer.add(&tensor.name, &tensor.shape, ArrayValues::F32(&tensor.data))?;
    }
    Ok(writer.finish()?)
}

fn columns(reader: &TableReader) -> Result<(Vec<u8>, Vec<String>), ExportError> {
    let fields = reader.summary().schema.fields().clone();
    let mut columns: Vec<Column> = fields.iter().map(|field| Column::new(field)).collect();
    for batch in batches(reader)? {
        let batch = batch?;
        for (column, values) in columns.iter_mut().zip(batch.columns()) {
            column.append(values);
        }
    }
    let mut notes = Vec::new();
    let mut writer = NpzWriter::new(Vec::new());
    for column in &columns {
        match column.array() {
            Ok((shape, values)) => writer.add(&column.name, &shape, values)?,
            Err(reason) => notes.push(format!(
                "the column `{}` is left out, for {reason}; .csv and .arrow have it",
                column.name
            )),
        }
    }
    Ok((writer.finish()?, notes))
}

/// A column while it is collected.
struct Column {
    name: String,
    rows: usize,
    values: Values,
    /// Values of a row; `None` until there is one. Rows with other numbers of values are no array.
    width: Option<usize>,
    is_list: bool,
    is_ragged: bool,
}

enum Values {
    Bytes(Vec<u8>),
    Integers(Vec<i64>),
    Singles(Vec<f32>),
    Doubles(Vec<f64>),
    /// Values that no array of numbers holds, in words.
    Other(&'static str),
}

impl Column {
    fn new(field: &eigenscope_artifact::arrow::datatypes::Field) -> Self {
        let data_type = field.data_type();
        let is_bytes = matches!(data_type, DataType::FixedSizeBinary(_));
        let is_list = matches!(data_type, DataType::List(_) | DataType::FixedSizeList(..));
        let value = value_type(data_type);
        let values = match value {
            DataType::Boolean | DataType::UInt8 => Values::Bytes(Vec::new()),
            _ if is_bytes => Values::Bytes(Vec::new()),
            // Integers with missing values become numbers, which can be NaN.
            _ if value.is_integer() && field.is_nullable() => Values::Doubles(Vec::new()),
            _ if value.is_integer() => Values::Integers(Vec::new()),
            DataType::Float32 => Values::Singles(Vec::new()),
            DataType::Float64 => Values::Doubles(Vec::new()),
            DataType::Utf8 | DataType::LargeUtf8 => Values::Other("it holds texts"),
            _ => Values::Other("its values are no numbers"),
        };
        Self {
            name: field.name().clone(),
            rows: 0,
            values,
            width: None,
            is_list: is_list || is_bytes,
            is_ragged: false,
        }
    }

    fn append(&mut self, column: &dyn Array) {
        for row in 0..column.len() {
            let mut width = 0;
            cell_values(column, row, |cell| width += self.values.push(cell));
            self.is_ragged |= *self.width.get_or_insert(width) != width;
        }
        self.rows += column.len();
    }

    /// The shape and the values, or why they are no array.
    fn array(&self) -> Result<(Vec<usize>, ArrayValues<'_>), &'static str> {
        if self.is_ragged {
            return Err("its lists have several lengths");
        }
        let values = match &self.values {
            Values::Bytes(values) => ArrayValues::U8(values),
            Values::Integers(values) => ArrayValues::I64(values),
            Values::Singles(values) => ArrayValues::F32(values),
            Values::Doubles(values) => ArrayValues::F64(values),
            Values::Other(reason) => return Err(reason),
        };
        let shape = match self.is_list {
            true => vec![self.rows, self.width.unwrap_or(0)],
            false => vec![self.rows],
        };
        Ok((shape, values))
    }
}

impl Values {
    /// Adds a cell and returns the number of its values.
    fn push(&mut self, cell: Cell<'_>) -> usize {
        match (self, cell) {
            (Values::Bytes(values), Cell::Bytes(bytes)) => {
                values.extend_from_slice(bytes);
                return bytes.len();
            }
            (Values::Bytes(values), Cell::Boolean(value)) => values.push(value.into()),
            (Values::Bytes(values), Cell::Integer(value)) => {
                values.push(u8::try_from(value).unwrap_or(u8::MAX));
            }
            (Values::Integers(values), Cell::Integer(value)) => {
                values.push(i64::try_from(value).unwrap_or(i64::MAX));
            }
            (Values::Singles(values), Cell::Single(value)) => values.push(value),
            (Values::Doubles(values), cell) => values.push(cell.number().unwrap_or(f64::NAN)),
            (Values::Bytes(values), _) => values.push(0),
            (Values::Integers(values), _) => values.push(0),
            (Values::Singles(values), _) => values.push(f32::NAN),
            (Values::Other(_), _) => {}
        }
        1
    }
}
