//! The order of rows.

use std::cmp::Ordering;

use crate::plan::SortKey;
use crate::value::Value;

/// Compares two rows by the values of their sort keys.
pub(super) fn compare(keys: &[SortKey], one: &[Value], other: &[Value]) -> Ordering {
    let orders = keys.iter().zip(one.iter().zip(other));
    let mut unequal = orders
        .map(
            |(key, (one, other))| match (one.is_null(), other.is_null()) {
                (true, true) => Ordering::Equal,
                (true, false) if key.nulls_first => Ordering::Less,
                (true, false) => Ordering::Greater,
                (false, true) if key.nulls_first => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) if key.descending => other.cmp(one),
                (false, false) => one.cmp(other),
            },
        )
        .filter(|order| order.is_ne());
    unequal.next().unwrap_or(Ordering::Equal)
}
