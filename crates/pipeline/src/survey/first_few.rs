//! The first few of many things in a line.

use std::fmt::Display;

/// The first `most` of the items, and how many more there are: `a, b and 3 more`.
pub fn first_few<T: Display>(items: &[T], most: usize) -> String {
    let shown: Vec<String> = items.iter().take(most).map(T::to_string).collect();
    let shown = shown.join(", ");
    match items.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
