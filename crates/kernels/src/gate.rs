//! The gate of a bilinear layer: the first half of a row times its second half.

/// `[N, width / 2]` from `rows` `[N, width]`: `out[i] = row[i] * row[width / 2 + i]`.
pub(crate) fn forward(rows: &[f32], width: usize) -> Vec<f32> {
    let mut outputs = vec![0.0; rows.len() / 2];
    let targets = outputs.chunks_exact_mut(width / 2);
    for (outputs, row) in targets.zip(rows.chunks_exact(width)) {
        let (left, right) = row.split_at(width / 2);
        for ((output, left), right) in outputs.iter_mut().zip(left).zip(right) {
            *output = left * right;
        }
    }
    outputs
}

/// The gradient of `rows` `[N, width]` from that of the outputs `[N, width / 2]`: each half times the other.
pub(crate) fn backward(rows: &[f32], width: usize, gradient: &[f32]) -> Vec<f32> {
    let half = width / 2;
    let mut gradients = vec![0.0; rows.len()];
    let rows = rows.chunks_exact(width).zip(gradient.chunks_exact(half));
    for (gradients, (row, gradient)) in gradients.chunks_exact_mut(width).zip(rows) {
        let (left, right) = row.split_at(half);
        let (to_left, to_right) = gradients.split_at_mut(half);
        for (i, &gradient) in gradient.iter().enumerate() {
            to_left[i] = gradient * right[i];
            to_right[i] = gradient * left[i];
        }
    }
    gradients
}
