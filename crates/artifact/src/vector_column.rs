//! Columns of vectors of one length: fixed-size lists of f32.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array};
use arrow::datatypes::{DataType, Field, Float32Type};

fn item() -> Arc<Field> {
    Arc::new(Field::new("item", DataType::Float32, false))
}

/// Type of a column of vectors of `width` values.
pub(crate) fn data_type(width: i32) -> DataType {
    DataType::FixedSizeList(item(), width)
}

/// The column of these vectors, one after the other.
pub(crate) fn to_array(width: i32, values: impl Iterator<Item = f32>) -> Result<ArrayRef, String> {
    let values = Arc::new(Float32Array::from_iter_values(values));
    match FixedSizeListArray::try_new(item(), width, values, None) {
        Ok(array) => Ok(Arc::new(array)),
        Err(error) => Err(error.to_string()),
    }
}

/// The vectors of a column of [`data_type`].
pub(crate) fn from_array(column: &ArrayRef) -> impl Iterator<Item = Vec<f32>> {
    let vectors = column.as_fixed_size_list();
    (0..vectors.len()).map(|row| {
        let vector = vectors.value(row);
        vector.as_primitive::<Float32Type>().values().to_vec()
    })
}
