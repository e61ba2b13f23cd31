//! The values of any table, one by one, whatever the types of its columns.

use eigenscope_artifact::arrow::array::{Array, AsArray};
use eigenscope_artifact::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

/// Rows of a table that are decoded at once.
pub(crate) const BATCH_ROWS: usize = 8192;

/// One value of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    Null,
    Boolean(bool),
    Integer(i128),
    Number(f64),
    /// Single precision, compared as such: 0.1 is the nearest single-precision number to 0.1.
    Single(f32),
    Text(&'a str),
    Bytes(&'a [u8]),
}

impl Cell<'_> {
    /// The value of a number.
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Cell::Integer(value) => Some(value as f64),
            Cell::Number(value) => Some(value),
            Cell::Single(value) => Some(f64::from(value)),
            Cell::Null | Cell::Boolean(_) | Cell::Text(_) | Cell::Bytes(_) => None,
        }
    }
}

/// A value apart from its table. Whole numbers are numbers, too.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Number(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Value {
    /// As people read it.
    pub(crate) fn text(&self) -> String {
        match self {
            Value::Null | Value::Bytes(_) => String::new(),
            Value::Boolean(value) => value.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text.clone(),
        }
    }
}

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null => Value::Null,
            Cell::Boolean(value) => Value::Boolean(value),
            Cell::Integer(value) => Value::Number(value as f64),
            Cell::Number(value) => Value::Number(value),
            Cell::Single(value) => Value::Number(f64::from(value)),
            Cell::Text(text) => Value::Text(text.to_owned()),
            Cell::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        }
    }
}

/// The value in a row; [`Cell::Null`] for a list, which holds several.
pub(crate) fn cell(array: &dyn Array, row: usize) -> Cell<'_> {
    if row >= array.len() || array.is_null(row) {
        return Cell::Null;
    }
    macro_rules! integer {
        ($kind:ty) => {
            Cell::Integer(i128::from(array.as_primitive::<$kind>().value(row)))
        };
    }
    match array.data_type() {
        DataType::Boolean => Cell::Boolean(array.as_boolean().value(row)),
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::UInt64 => integer!(UInt64Type),
        DataType::Float32 => Cell::Single(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Cell::Number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => Cell::Text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Cell::Text(array.as_string::<i64>().value(row)),
        DataType::FixedSizeBinary(_) => Cell::Bytes(array.as_fixed_size_binary().value(row)),
        _ => Cell::Null,
    }
}

/// Calls `each` with every value in a row: the items of a list, else the one value.
pub(crate) fn cell_values(array: &dyn Array, row: usize, mut each: impl FnMut(Cell<'_>)) {
    let items = match array.data_type() {
        _ if array.is_null(row) => None,
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::FixedSizeList(..) => Some(array.as_fixed_size_list().value(row)),
        _ => None,
    };
    match items {
        Some(items) => (0..items.len()).for_each(|item| each(cell(&items, item))),
        None => each(cell(array, row)),
    }
}

/// The type of a column's values: of the items, for a list.
pub(crate) fn value_type(column: &DataType) -> &DataType {
    match column {
        DataType::List(item) | DataType::FixedSizeList(item, _) => item.data_type(),
        single => single,
    }
}

/// Returns whether values of a column are compared as fractions, with a tolerance.
pub(crate) fn is_fraction(column: &DataType) -> bool {
    matches!(
        value_type(column),
        DataType::Float16 | DataType::Float32 | DataType::Float64
    )
}
