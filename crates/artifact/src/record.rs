//! Tidy tables as Rust structs: one row an observation, one field a column.
//!
//! [`records!`] declares a struct together with its kind; the column types follow from the field types.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray, UInt32Array,
    UInt64Array,
};
use arrow::datatypes::{DataType, Float64Type, SchemaRef, UInt32Type, UInt64Type};

use crate::ArtifactKind;

/// A Rust type that is stored as one Parquet column.
pub trait Column: Sized {
    /// Arrow type of the column.
    const TYPE: DataType;
    /// Whether values may be missing.
    const NULLABLE: bool = false;
    /// The column of these values.
    fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef
    where
        Self: 'a;
    /// The values of a column of this type (checked by the caller).
    fn from_array(array: &ArrayRef) -> Vec<Self>;
}

macro_rules! column {
    ($rust:ty, $data_type:expr, $array:ty, $convert:expr) => {
        impl Column for $rust {
            const TYPE: DataType = $data_type;
            fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(<$array>::from_iter(values.cloned().map(Some)))
            }
            fn from_array(array: &ArrayRef) -> Vec<Self> {
                $convert(array).flatten().collect()
            }
        }

        impl Column for Option<$rust> {
            const TYPE: DataType = $data_type;
            const NULLABLE: bool = true;
            fn to_array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
                Arc::new(<$array>::from_iter(values.cloned()))
            }
            fn from_array(array: &ArrayRef) -> Vec<Self> {
                $convert(array).collect()
            }
        }
    };
}

column!(u32, DataType::UInt32, UInt32Array, |array: &ArrayRef| array
    .as_primitive::<UInt32Type>()
    .iter()
    .collect::<Vec<_>>()
    .into_iter());
column!(u64, DataType::UInt64, UInt64Array, |array: &ArrayRef| array
    .as_primitive::<UInt64Type>()
    .iter()
    .collect::<Vec<_>>()
    .into_iter());
column!(f64, DataType::Float64, Float64Array, |array: &ArrayRef| {
    array
        .as_primitive::<Float64Type>()
        .iter()
        .collect::<Vec<_>>()
        .into_iter()
});
column!(bool, DataType::Boolean, BooleanArray, |array: &ArrayRef| {
    array.as_boolean().iter().collect::<Vec<_>>().into_iter()
});
column!(String, DataType::Utf8, StringArray, |array: &ArrayRef| {
    array
        .as_string::<i32>()
        .iter()
        .map(|value| value.map(str::to_owned))
        .collect::<Vec<_>>()
        .into_iter()
});

/// A row of a tidy table. Implemented by the macro `records!` only.
pub trait Record: Sized {
    /// Kind of the table.
    const KIND: ArtifactKind;
    /// Its columns.
    fn schema() -> SchemaRef;
    /// The rows as columns, in schema order.
    fn to_columns(rows: &[Self]) -> Vec<ArrayRef>;
    /// The rows of a batch whose schema is [`Record::schema`] and whose required columns have no nulls.
    fn from_batch(batch: &RecordBatch) -> Vec<Self>;
}

/// Declares the rows of a table, one field a column, with the name of its kind and the version of its schema.
macro_rules! records {
    ($(#[$doc:meta])* pub struct $name:ident: $kind:literal, $version:literal => { $($(#[$field_doc:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $name {
            /// Kind of the table.
            pub const KIND: $crate::ArtifactKind = $crate::ArtifactKind::new($kind, $version);
        }

        impl $crate::Record for $name {
            const KIND: $crate::ArtifactKind = $name::KIND;

            fn schema() -> arrow::datatypes::SchemaRef {
                std::sync::Arc::new(arrow::datatypes::Schema::new(vec![$(
                    arrow::datatypes::Field::new(
                        stringify!($field),
                        <$type as $crate::Column>::TYPE,
                        <$type as $crate::Column>::NULLABLE,
                    ),
                )+]))
            }

            fn to_columns(rows: &[Self]) -> Vec<arrow::array::ArrayRef> {
                vec![$(<$type as $crate::Column>::to_array(rows.iter().map(|row| &row.$field)),)+]
            }

            fn from_batch(batch: &arrow::array::RecordBatch) -> Vec<Self> {
                let mut columns = batch.columns().iter();
                $(let mut $field = columns
                    .next()
                    .map(<$type as $crate::Column>::from_array)
                    .unwrap_or_default()
                    .into_iter();)+
                let mut rows = Vec::with_capacity(batch.num_rows());
                while let ($(Some($field),)+) = ($($field.next(),)+) {
                    rows.push(Self { $($field,)+ });
                }
                rows
            }
        }
    };
}
pub(crate) use records;
