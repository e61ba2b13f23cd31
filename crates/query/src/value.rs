//! Values and their types.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// Type of a column or expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// The type of the literal `null`, which every other type includes.
    Null,
    Boolean,
    /// Signed, 64 bits.
    Integer,
    /// Double precision.
    Number,
    Text,
    Bytes,
    Integers,
    /// List of single-precision numbers.
    Numbers,
}

impl Type {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Integers => "list of integer",
            Self::Numbers => "list of number",
        }
    }

    pub(crate) fn is_numeric(self) -> bool {
        matches!(self, Self::Null | Self::Integer | Self::Number)
    }

    /// The type that holds the values of both, if one does.
    pub(crate) fn with(self, other: Self) -> Option<Self> {
        match (self, other) {
            (one, other) if one == other => Some(one),
            (Self::Null, other) | (other, Self::Null) => Some(other),
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Some(Self::Number),
            _ => None,
        }
    }
}

/// One value. Within a column all values have one type or are null.
///
/// Equality, order and hash are those of `distinct`, `group by` and `order by`: null equals null, NaN equals NaN and is
/// greater than every other number, and -0 equals 0.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
    Integers(Rc<[i64]>),
    Numbers(Rc<[f32]>),
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(Rc::from(text))
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether a condition with this value holds; null does not.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self, Self::Boolean(true))
    }

    /// The value of a number.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            _ => None,
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Boolean(_) => 1,
            Self::Integer(_) => 2,
            Self::Number(_) => 3,
            Self::Text(_) => 4,
            Self::Bytes(_) => 5,
            Self::Integers(_) => 6,
            Self::Numbers(_) => 7,
        }
    }
}

/// Orders numbers with NaN last and equal to itself, and -0 equal to 0.
fn compare_numbers(one: f64, other: f64) -> Ordering {
    one.partial_cmp(&other)
        .unwrap_or_else(|| one.is_nan().cmp(&other.is_nan()))
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Boolean(one), Self::Boolean(other)) => one.cmp(other),
            (Self::Integer(one), Self::Integer(other)) => one.cmp(other),
            (Self::Number(one), Self::Number(other)) => compare_numbers(*one, *other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Bytes(one), Self::Bytes(other)) => one.cmp(other),
            (Self::Integers(one), Self::Integers(other)) => one.cmp(other),
            (Self::Numbers(one), Self::Numbers(other)) => {
                let pairs = one.iter().zip(other.iter());
                let mut unequal = pairs
                    .map(|(&one, &other)| compare_numbers(one.into(), other.into()))
                    .filter(|order| order.is_ne());
                unequal
                    .next()
                    .unwrap_or_else(|| one.len().cmp(&other.len()))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let bits = |value: f64| match value {
            value if value.is_nan() => f64::NAN.to_bits(),
            value => (value + 0.0).to_bits(),
        };
        self.rank().hash(state);
        match self {
            Self::Null => {}
            Self::Boolean(value) => value.hash(state),
            Self::Integer(value) => value.hash(state),
            Self::Number(value) => bits(*value).hash(state),
            Self::Text(value) => value.hash(state),
            Self::Bytes(value) => value.hash(state),
            Self::Integers(value) => value.hash(state),
            Self::Numbers(value) => {
                for &value in value.iter() {
                    bits(value.into()).hash(state);
                }
            }
        }
    }
}

/// The text of a number, as `cast(x as text)` gives it: the shortest decimal that reads back as the number.
pub(crate) fn number_text(value: f64) -> String {
    if !value.is_finite() {
        return value.to_string().to_lowercase();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..16).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.abs())
        }
        _ => format!("{value:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered_with_nan_last() {
        let order = [f64::NEG_INFINITY, -1.0, 0.0, 1.0, f64::INFINITY, f64::NAN];
        for pair in order.windows(2) {
            assert!(Value::Number(pair[0]) < Value::Number(pair[1]), "{pair:?}");
        }
        assert_eq!(Value::Number(f64::NAN), Value::Number(-f64::NAN));
        assert_eq!(Value::Number(0.0), Value::Number(-0.0));
        let hashed: std::collections::HashSet<Value> =
            [0.0, -0.0, f64::NAN, -f64::NAN].map(Value::Number).into();
        assert_eq!(hashed.len(), 2);
    }

    #[test]
    fn numbers_have_the_text_that_duckdb_gives_them() {
        for (value, text) in [
            (1e20, "1e+20"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (123_456_789_012_345_678.0, "1.2345678901234568e+17"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.0, "1.0"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(number_text(value), text);
        }
    }
}
