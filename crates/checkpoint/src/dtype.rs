//! Types of stored values, and how they become numbers of Rust.

use std::fmt;

/// The type of the values of a tensor as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the documentation")]
pub enum DType {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    BF16,
    F32,
    F64,
    /// Eight bits, four of exponent, without infinities (OCP E4M3, PyTorch's `float8_e4m3fn`).
    F8E4M3,
    /// Eight bits, five of exponent (OCP E5M2, PyTorch's `float8_e5m2`).
    F8E5M2,
    /// A type whose values cannot be read: complex, quantised, of less than a byte.
    Other {
        /// Its name in the file's format.
        name: &'static str,
        /// Bits of a value.
        bits: u8,
    },
}

impl DType {
    /// Its name in messages, as in PyTorch.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::U8 => "uint8",
            Self::I8 => "int8",
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::U32 => "uint32",
            Self::I32 => "int32",
            Self::U64 => "uint64",
            Self::I64 => "int64",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::F32 => "float32",
            Self::F64 => "float64",
            Self::F8E4M3 => "float8_e4m3fn",
            Self::F8E5M2 => "float8_e5m2",
            Self::Other { name, .. } => name,
        }
    }

    /// Bits of a value.
    pub fn bits(self) -> u64 {
        match self {
            Self::Bool | Self::U8 | Self::I8 | Self::F8E4M3 | Self::F8E5M2 => 8,
            Self::U16 | Self::I16 | Self::F16 | Self::BF16 => 16,
            Self::U32 | Self::I32 | Self::F32 => 32,
            Self::U64 | Self::I64 | Self::F64 => 64,
            Self::Other { bits, .. } => u64::from(bits),
        }
    }

    /// Whether values are floating-point numbers, as weights are.
    pub fn is_float(self) -> bool {
        matches!(
            self,
            Self::F16 | Self::BF16 | Self::F32 | Self::F64 | Self::F8E4M3 | Self::F8E5M2
        )
    }

    /// Whether values can be read.
    pub fn is_readable(self) -> bool {
        !matches!(self, Self::Other { .. })
    }
}

impl fmt::Display for DType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A type into which stored values are converted. Each conversion returns whether the value is preserved up to rounding.
pub(crate) trait Number: Copy {
    /// Its name in messages.
    const NAME: &'static str;
    fn of_float(value: f32) -> (Self, bool);
    fn of_double(value: f64) -> (Self, bool);
    fn of_signed(value: i64) -> (Self, bool);
    fn of_unsigned(value: u64) -> (Self, bool);
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "rounding is allowed, overflow is reported"
)]
impl Number for f32 {
    const NAME: &'static str = "float32";
    fn of_float(value: f32) -> (Self, bool) {
        (value, true)
    }
    fn of_double(value: f64) -> (Self, bool) {
        let rounded = value as Self;
        (rounded, rounded.is_finite() || !value.is_finite())
    }
    fn of_signed(value: i64) -> (Self, bool) {
        (value as Self, true)
    }
    fn of_unsigned(value: u64) -> (Self, bool) {
        (value as Self, true)
    }
}

#[allow(clippy::cast_precision_loss, reason = "rounding is allowed")]
impl Number for f64 {
    const NAME: &'static str = "float64";
    fn of_float(value: f32) -> (Self, bool) {
        (Self::from(value), true)
    }
    fn of_double(value: f64) -> (Self, bool) {
        (value, true)
    }
    fn of_signed(value: i64) -> (Self, bool) {
        (value as Self, true)
    }
    fn of_unsigned(value: u64) -> (Self, bool) {
        (value as Self, true)
    }
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a value that changes is reported"
)]
impl Number for i64 {
    const NAME: &'static str = "int64";
    fn of_float(value: f32) -> (Self, bool) {
        Self::of_double(f64::from(value))
    }
    fn of_double(value: f64) -> (Self, bool) {
        let whole = value as Self;
        (whole, whole != Self::MAX && whole as f64 == value)
    }
    fn of_signed(value: i64) -> (Self, bool) {
        (value, true)
    }
    fn of_unsigned(value: u64) -> (Self, bool) {
        let signed = Self::try_from(value);
        (signed.unwrap_or(Self::MAX), signed.is_ok())
    }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a value that changes is reported"
)]
impl Number for u8 {
    const NAME: &'static str = "uint8";
    fn of_float(value: f32) -> (Self, bool) {
        Self::of_double(f64::from(value))
    }
    fn of_double(value: f64) -> (Self, bool) {
        let whole = value as Self;
        (whole, f64::from(whole) == value)
    }
    fn of_signed(value: i64) -> (Self, bool) {
        let whole = value as Self;
        (whole, i64::from(whole) == value)
    }
    fn of_unsigned(value: u64) -> (Self, bool) {
        let whole = value as Self;
        (whole, u64::from(whole) == value)
    }
}

/// Appends the values stored in `bytes`, a whole number of them, to `values`.
///
/// # Errors
/// Returns the index in `bytes` of the first value that `T` cannot hold, with the value as text.
pub(crate) fn decode<T: Number>(
    dtype: DType,
    big_endian: bool,
    bytes: &[u8],
    values: &mut Vec<T>,
) -> Result<(), (usize, String)> {
    macro_rules! each {
        ($stored:ty, $number:expr) => {
            extend(values, bytes, |array| {
                let stored = match big_endian {
                    true => <$stored>::from_be_bytes(array),
                    false => <$stored>::from_le_bytes(array),
                };
                $number(stored)
            })
        };
    }
    let bad = match dtype {
        DType::Bool => each!(u8, |value| T::of_unsigned(u64::from(value != 0))),
        DType::U8 => each!(u8, |value| T::of_unsigned(u64::from(value))),
        DType::I8 => each!(i8, |value| T::of_signed(i64::from(value))),
        DType::U16 => each!(u16, |value| T::of_unsigned(u64::from(value))),
        DType::I16 => each!(i16, |value| T::of_signed(i64::from(value))),
        DType::U32 => each!(u32, |value| T::of_unsigned(u64::from(value))),
        DType::I32 => each!(i32, |value| T::of_signed(i64::from(value))),
        DType::U64 => each!(u64, T::of_unsigned),
        DType::I64 => each!(i64, T::of_signed),
        DType::F16 => each!(u16, |bits| T::of_float(half(bits))),
        DType::BF16 => each!(u16, |bits| T::of_float(f32::from_bits(
            u32::from(bits) << 16
        ))),
        DType::F32 => each!(f32, T::of_float),
        DType::F64 => each!(f64, T::of_double),
        DType::F8E4M3 => each!(u8, |bits| T::of_float(e4m3(bits))),
        DType::F8E5M2 => each!(u8, |bits: u8| T::of_float(half(u16::from(bits) << 8))),
        DType::Other { name, .. } => return Err((0, format!("of type {name}"))),
    };
    match bad {
        None => Ok(()),
        Some(index) => {
            let size = usize::try_from(dtype.bits() / 8).unwrap_or(1);
            let one = bytes.get(index * size..(index + 1) * size).unwrap_or(&[]);
            Err((index, as_text(dtype, big_endian, one)))
        }
    }
}

/// Appends `of` each array of bytes; returns the index of the first that is not the same value.
fn extend<const SIZE: usize, T: Number>(
    values: &mut Vec<T>,
    bytes: &[u8],
    of: impl Fn([u8; SIZE]) -> (T, bool),
) -> Option<usize> {
    let (arrays, _) = bytes.as_chunks::<SIZE>();
    let mut all = true;
    values.extend(arrays.iter().map(|array| {
        let (value, same) = of(*array);
        all &= same;
        value
    }));
    match all {
        true => None,
        false => arrays.iter().position(|array| !of(*array).1),
    }
}

fn as_text(dtype: DType, big_endian: bool, bytes: &[u8]) -> String {
    let mut value = Vec::new();
    if dtype.is_float() {
        let _ = decode::<f64>(dtype, big_endian, bytes, &mut value);
        return value.first().map_or_else(String::new, f64::to_string);
    }
    if let (DType::U64, Ok(array)) = (dtype, <[u8; 8]>::try_from(bytes)) {
        return match big_endian {
            true => u64::from_be_bytes(array).to_string(),
            false => u64::from_le_bytes(array).to_string(),
        };
    }
    let mut value = Vec::new();
    let _ = decode::<i64>(dtype, big_endian, bytes, &mut value);
    value.first().map_or_else(String::new, i64::to_string)
}

/// The value of IEEE binary16 `bits`. Moving the fraction up by 13 bits scales by 2^-112, for subnormal numbers, too.
fn half(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff) << 13;
    let magnitude = match bits & 0x7c00 {
        0x7c00 => magnitude | 0x7f80_0000,
        // 2^112.
        _ => (f32::from_bits(magnitude) * f32::from_bits(0x7780_0000)).to_bits(),
    };
    f32::from_bits(sign | magnitude)
}

/// The value of OCP E4M3 `bits`: bias 7, no infinities, 0x7f and 0xff are not numbers.
fn e4m3(bits: u8) -> f32 {
    let sign = u32::from(bits & 0x80) << 24;
    let magnitude = u32::from(bits & 0x7f) << 20;
    let magnitude = match bits & 0x7f {
        0x7f => f32::NAN.to_bits(),
        // 2^120.
        _ => (f32::from_bits(magnitude) * f32::from_bits(0x7b80_0000)).to_bits(),
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(dtype: DType, bytes: &[u8]) -> Vec<f32> {
        let mut values = Vec::new();
        decode(dtype, false, bytes, &mut values).expect("every value has a float32");
        values
    }

    /// The value of a small float by its definition: sign, `exponent` bits, the rest fraction.
    fn by_definition(bits: u32, width: u32, exponent: u32) -> f64 {
        let fraction = width - 1 - exponent;
        let bias = (1i32 << (exponent - 1)) - 1;
        let sign = if bits >> (width - 1) == 1 { -1.0 } else { 1.0 };
        let power = ((bits >> fraction) & ((1 << exponent) - 1)).cast_signed();
        let part = f64::from(bits & ((1 << fraction) - 1)) / f64::from(1u32 << fraction);
        match power {
            0 => sign * part * 2f64.powi(1 - bias),
            _ => sign * (1.0 + part) * 2f64.powi(power - bias),
        }
    }

    #[test]
    fn every_half_is_its_definition() {
        for bits in 0..=u16::MAX {
            let value = floats(DType::F16, &bits.to_le_bytes())[0];
            match bits & 0x7fff {
                0x7c00 => assert!(value.is_infinite(), "{bits:#x}"),
                0x7c01.. => assert!(value.is_nan(), "{bits:#x}"),
                _ => assert_eq!(
                    f64::from(value),
                    by_definition(bits.into(), 16, 5),
                    "{bits:#x}"
                ),
            }
        }
        assert_eq!(half(0x3c00), 1.0);
        assert_eq!(half(0x7bff), 65504.0);
    }

    #[test]
    fn every_eight_bit_float_is_its_definition() {
        for bits in 0..=u8::MAX {
            let value = floats(DType::F8E4M3, &[bits])[0];
            match bits & 0x7f {
                0x7f => assert!(value.is_nan()),
                _ => assert_eq!(f64::from(value), by_definition(bits.into(), 8, 4), "{bits}"),
            }
            let value = floats(DType::F8E5M2, &[bits])[0];
            match bits & 0x7f {
                0x7c => assert!(value.is_infinite()),
                0x7d.. => assert!(value.is_nan()),
                _ => assert_eq!(f64::from(value), by_definition(bits.into(), 8, 5), "{bits}"),
            }
        }
        assert_eq!(e4m3(0x7e), 448.0);
    }

    #[test]
    fn both_byte_orders_are_read() {
        let mut values: Vec<f32> = Vec::new();
        decode(DType::F32, true, &1.5f32.to_be_bytes(), &mut values).expect("a value");
        decode(DType::I16, true, &(-3i16).to_be_bytes(), &mut values).expect("a value");
        decode(DType::BF16, false, &[0x80, 0xbf], &mut values).expect("a value");
        assert_eq!(values, [1.5, -3.0, -1.0]);
    }

    #[test]
    fn a_value_that_does_not_fit_is_named() {
        let mut bytes = 1.0f64.to_le_bytes().to_vec();
        bytes.extend(1e300f64.to_le_bytes());
        let found = decode::<f32>(DType::F64, false, &bytes, &mut Vec::new());
        assert_eq!(found.expect_err("too large").0, 1);
        let found = decode::<i64>(DType::F32, false, &2.5f32.to_le_bytes(), &mut Vec::new());
        assert_eq!(found, Err((0, "2.5".to_owned())));
        let found = decode::<i64>(DType::U64, false, &[255; 8], &mut Vec::new());
        assert_eq!(found, Err((0, "18446744073709551615".to_owned())));
        let found = decode::<u8>(DType::I64, false, &256i64.to_le_bytes(), &mut Vec::new());
        assert_eq!(found, Err((0, "256".to_owned())));
        let infinity = f64::INFINITY.to_le_bytes();
        assert!(decode::<f32>(DType::F64, false, &infinity, &mut Vec::new()).is_ok());
    }
}
