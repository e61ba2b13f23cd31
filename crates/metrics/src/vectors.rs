//! Products, lengths and signs of vectors of f64.

/// a . b, summed from the first component to the last.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A vector scaled to length 1; `None` if its length is at most `shortest`.
pub(crate) fn unit(vector: Vec<f64>, shortest: f64) -> Option<Vec<f64>> {
    let length = dot(&vector, &vector).sqrt();
    let unit = vector.into_iter().map(|value| value / length).collect();
    (length > shortest).then_some(unit)
}

/// The sign, 1 or -1, that makes the component of largest absolute value positive. Eigenvectors are found with either.
pub(crate) fn sign<'a>(vector: impl Iterator<Item = &'a f64>) -> f64 {
    let largest = vector.fold(0.0_f64, |largest, &value| {
        match value.abs() > largest.abs() {
            true => value,
            false => largest,
        }
    });
    largest.signum()
}
