//! Bilinear resizing with antialiasing, as Pillow's `resize(size, Image.BILINEAR)`: equal but for one grey level where Pillow
//! resizes the columns first.
//!
//! An output value is the mean of the input values below a triangle whose half-width is one input pixel or, where the picture
//! shrinks, one output pixel. First the rows are resized, then the columns, each rounded to whole values, with weights in units
//! of 2^-22 (Pillow, `src/libImaging/Resample.c`).

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
    let rows = (from[1] != to[1]).then(|| windows(from[1], to[1]));
    let columns = (from[0] != to[0]).then(|| windows(from[0], to[0]));
    let channels = planes.chunks_exact(from[0] * from[1]);
    let resized = channels.flat_map(|plane| {
        let narrow = rows
            .as_ref()
            .map(|windows| resize_rows(plane, from[1], windows));
        let plane = narrow.as_deref().unwrap_or(plane);
        match &columns {
            Some(windows) => resize_columns(plane, to[1], windows),
            None => plane.to_vec(),
        }
    });
    resized.collect()
}

fn resize_rows(plane: &[u8], width: usize, windows: &[Window]) -> Vec<u8> {
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
    out
}

fn resize_columns(plane: &[u8], width: usize, windows: &[Window]) -> Vec<u8> {
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
    out
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
