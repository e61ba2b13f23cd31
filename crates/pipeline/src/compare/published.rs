//! Published numbers: where ours is found, and what counts as reproduced.

use std::fmt;

use eigenscope_artifact::KindName;
use serde::{Serialize, Serializer};
use serde_json::Value;

use eigenscope_plan::reference::Reference;

/// Published numbers, in file order.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// What the numbers are, where the file says so; otherwise they were published.
    pub title: Option<String>,
    pub numbers: Vec<PublishedNumber>,
    /// Numbers of an extended pipeline whose tables or labels this one does not have.
    pub left_out: usize,
}

/// A published number and where ours is found.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedNumber {
    pub name: String,
    pub source: String,
    /// What is known of a difference.
    pub note: Option<String>,
    /// Kind of table that holds ours.
    pub kind: KindName,
    /// Rows that count: all conditions must hold.
    pub conditions: Vec<Condition>,
    pub column: String,
    /// How the rows become one number.
    pub aggregate: Aggregate,
    pub expected: Expected,
    /// The tasks whose tables are read.
    pub(super) reference: Reference,
}

/// A column must equal a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub column: String,
    /// An integer, a number, a text or a boolean.
    pub value: Value,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.column, self.value)
    }
}

/// How several rows become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Aggregate {
    Mean,
    Min,
    Max,
    /// The number of the one row; more than one row is a miss.
    Only,
}

impl Aggregate {
    /// Names in files.
    pub(super) const NAMES: [(&'static str, Aggregate); 4] = [
        ("mean", Aggregate::Mean),
        ("min", Aggregate::Min),
        ("max", Aggregate::Max),
        ("only", Aggregate::Only),
    ];

    /// One number from at least one.
    pub(super) fn of(self, values: &[f64]) -> Result<f64, String> {
        if values.iter().any(|value| !value.is_finite()) {
            return Err("a value is not finite".to_owned());
        }
        let values_in_order = values.iter().copied();
        match (self, values) {
            (_, []) => Err("no rows".to_owned()),
            (Aggregate::Mean, _) => Ok(values_in_order.sum::<f64>() / values.len() as f64),
            (Aggregate::Min, _) => Ok(values_in_order.fold(f64::INFINITY, f64::min)),
            (Aggregate::Max, _) => Ok(values_in_order.fold(f64::NEG_INFINITY, f64::max)),
            (Aggregate::Only, [value]) => Ok(*value),
            (Aggregate::Only, _) => Err(format!("expected one row, found {}", values.len())),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Expected {
    /// A value, reproduced within a tolerance.
    Value { value: f64, tolerance: f64 },
    /// Bounds, both included, at least one of them given.
    Bounds {
        /// Smallest number that holds.
        minimum: Option<f64>,
        /// Largest number that holds.
        maximum: Option<f64>,
    },
}

impl Expected {
    /// Returns whether `ours` reproduces it. Rounding of the difference itself (four units in the last place of the
    /// larger number) does not count.
    pub fn accepts(self, ours: f64) -> bool {
        match self {
            Expected::Value { value, tolerance } => {
                let rounding = 4.0 * f64::EPSILON * ours.abs().max(value.abs());
                (ours - value).abs() <= tolerance + rounding
            }
            Expected::Bounds { minimum, maximum } => {
                minimum.is_none_or(|minimum| ours >= minimum)
                    && maximum.is_none_or(|maximum| ours <= maximum)
            }
        }
    }

    /// `ours` minus the value or the nearer bound.
    pub fn difference(self, ours: f64) -> f64 {
        match self {
            Expected::Value { value, .. } => ours - value,
            Expected::Bounds { minimum, maximum } => [minimum, maximum]
                .into_iter()
                .flatten()
                .map(|bound| ours - bound)
                .min_by(|a, b| a.abs().total_cmp(&b.abs()))
                .unwrap_or(0.0),
        }
    }

    /// The tolerance of a value.
    pub fn tolerance(self) -> Option<f64> {
        match self {
            Expected::Value { tolerance, .. } => Some(tolerance),
            Expected::Bounds { .. } => None,
        }
    }
}

impl Serialize for Expected {
    /// An object with `value`, or with those of `minimum` and `maximum` that are given.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (value, minimum, maximum) = match *self {
            Expected::Value { value, .. } => (Some(value), None, None),
            Expected::Bounds { minimum, maximum } => (None, minimum, maximum),
        };
        let entries = [("value", value), ("minimum", minimum), ("maximum", maximum)];
        serializer.collect_map(
            entries
                .iter()
                .filter_map(|(key, value)| Some((key, (*value)?))),
        )
    }
}
