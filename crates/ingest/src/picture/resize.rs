//! Bilinear resizing with antialiasing, equal to `resize(size, Image.BILINEAR)` of Pillow 13.
//!
//! An output value is the mean of the input values below a triangle whose half-width is one input pixel or, where the picture
//! shrinks, one output pixel. Rows and columns are resized one after the other, each rounded to whole values, with weights in units
//! of 2^-22 (Pillow, `src/libImaging/Resample.c`). Columns come first where the height shrinks by more than twice as many pixels as
//! the width.

use std::borrow::Cow;

/// Binary digits of the weights behind the point.
const PRECISION: u32 = 32 - 8 - 2;

/// Weights of the input values that make one output value.
struct Window {
    start: usize,
    weights: Vec<i64>,
}

/// Windows for resizing `from` values to `to`.
fn windows(from: usize, to: usize) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let support = scale.max(1.0);
    let window = |position: usize| {
        let centre = (position as f64 + 0.5) * scale;
        let start = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from);
        let weight = |at: usize| {
            let distance = ((at as f64 - centre + 0.5) * (1.0 / support)).abs();
            (1.0 - distance).max(0.0)
        };
        let weights: Vec<f64> = (start..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (weight / sum * f64::from(1 << PRECISION) + 0.5) as i64;
        let weights = weights.iter().map(fixed).collect();
        Window { start, weights }
    };
    (0..to).map(window).collect()
}

/// Resizes planes of values, `[channels, height, width]`, from one size (height, width) to another.
pub(super) fn planes(planes: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let needed = |axis: usize| (from[axis] != to[axis]).then(|| windows(from[axis], to[axis]));
    let (columns, rows) = (needed(0), needed(1));
    let columns_first = columns_first(from, to);
    let channels = planes.chunks_exact(from[0] * from[1]);
    let resized = channels.flat_map(|plane| {
        let resized = match columns_first {
            true => {
                let lower = along_columns(plane.into(), from[1], columns.as_deref());
                along_rows(lower, from[1], rows.as_deref())
            }
            false => {
                let narrower = along_rows(plane.into(), from[1], rows.as_deref());
                along_columns(narrower, to[1], columns.as_deref())
            }
        };
        resized.into_owned()
    });
    resized.collect()
}

/// Returns whether Pillow resizes the columns before the rows.
fn columns_first(from: [usize; 2], to: [usize; 2]) -> bool {
    let [height, width] = [0, 1].map(|axis| from[axis].saturating_sub(to[axis]));
    height > 2 * width
}

/// Resizes the rows of a plane of this width, if there are windows.
fn along_rows<'a>(plane: Cow<'a, [u8]>, width: usize, windows: Option<&[Window]>) -> Cow<'a, [u8]> {
    let Some(windows) = windows else {
        return plane;
    };
    let mut out = Vec::with_capacity(plane.len() / width * windows.len());
    for row in plane.chunks_exact(width) {
        for window in windows {
            let values = &row[window.start..];
            let products = window.weights.iter().zip(values);
            out.push(rounded(
                products
                    .map(|(weight, &value)| weight * i64::from(value))
                    .sum(),
            ));
        }
    }
    out.into()
}

/// Resizes the columns of a plane of this width, if there are windows.
fn along_columns<'a>(
    plane: Cow<'a, [u8]>,
    width: usize,
    windows: Option<&[Window]>,
) -> Cow<'a, [u8]> {
    let Some(windows) = windows else {
        return plane;
    };
    let mut out = Vec::with_capacity(width * windows.len());
    let mut sums = vec![0i64; width];
    for window in windows {
        sums.fill(0);
        let rows = plane[window.start * width..].chunks_exact(width);
        for (weight, row) in window.weights.iter().zip(rows) {
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += weight * i64::from(value);
            }
        }
        out.extend(sums.iter().map(|&sum| rounded(sum)));
    }
    out.into()
}

fn rounded(sum: i64) -> u8 {
    let half = 1 << (PRECISION - 1);
    ((sum + half) >> PRECISION).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn equal_values_stay_and_none_leaves_the_range(
            value: u8, from in (1usize..20, 1usize..20), to in (1usize..20, 1usize..20), other: u8,
        ) {
            let (from, to) = ([from.0, from.1], [to.0, to.1]);
            let mut picture = vec![value; from[0] * from[1]];
            let resized = planes(&picture, from, to);
            prop_assert_eq!(resized, vec![value; to[0] * to[1]]);
            picture[0] = other;
            let range = value.min(other)..=value.max(other);
            prop_assert!(planes(&picture, from, to).iter().all(|found| range.contains(found)));
        }
    }
}
