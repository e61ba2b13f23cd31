//! Cross-entropy of rows of logits, and its gradient.

/// Loss and correct answers of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BatchLoss {
    /// Mean cross-entropy before the step, in nats.
    pub loss_nats: f32,
    /// Rows whose largest logit, the first of equal ones, is that of their label.
    pub correct: usize,
}

/// Replaces `logits` `[labels.len(), classes]` by the gradient of the loss `scale * sum of cross-entropies`, and writes
/// `-cross-entropy` of every row to `likelihoods`. Returns how many rows are classified correctly.
///
/// With e = exp(z - max z), S = sum of e and the label y: `log softmax(z)_y = z_y - max z - ln S`, and the gradient is
/// `scale * (e / S - [y])`.
pub(super) fn cross_entropy(
    logits: &mut [f32],
    classes: usize,
    labels: &[u16],
    scale: f32,
    likelihoods: &mut [f32],
) -> usize {
    let mut correct = 0;
    let rows = logits.chunks_exact_mut(classes).zip(labels);
    for ((row, &label), likelihood) in rows.zip(likelihoods) {
        let label = usize::from(label);
        let mut largest = 0;
        for (class, value) in row.iter().enumerate() {
            if *value > row[largest] {
                largest = class;
            }
        }
        correct += usize::from(largest == label);
        let maximum = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let own = row[label] - maximum;
        let mut sum = 0.0;
        for value in &mut *row {
            *value = (*value - maximum).exp();
            sum += *value;
        }
        *likelihood = own - sum.ln();
        let factor = scale * (1.0 / sum);
        for value in &mut *row {
            *value *= factor;
        }
        row[label] -= scale;
    }
    correct
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_gradient_by_hand() {
        let quarter = 0.25f32;
        let mut logits = [0.0, 3f32.ln(), 1.0, 1.0];
        let mut likelihoods = [0.0; 2];
        // Probabilities 1/4 and 3/4; 1/2 and 1/2, of which the first is taken.
        let correct = cross_entropy(&mut logits, 2, &[0, 0], 0.5, &mut likelihoods);
        assert_eq!(correct, 1);
        for (found, expected) in likelihoods.iter().zip([quarter.ln(), 0.5f32.ln()]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        for (found, expected) in logits.iter().zip([-0.375, 0.375, -0.25, 0.25]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
