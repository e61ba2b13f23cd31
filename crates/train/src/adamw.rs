//! AdamW as PyTorch defines it, one fused loop over each parameter.

use pulp::{Arch, Simd, WithSimd};

/// Decoupled weight decay and Adam's moments (Loshchilov and Hutter 2019; `torch.optim.AdamW`):
///
/// ```text
/// p <- p (1 - lr wd)
/// m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
/// p <- p - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
/// ```
#[derive(Debug, Clone)]
pub struct AdamW {
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    step: i32,
    moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl AdamW {
    /// A new optimiser with PyTorch's constants (0.9, 0.999, 1e-8) for parameters of the given lengths.
    pub fn new(weight_decay: f64, lengths: impl Iterator<Item = usize>) -> Self {
        Self {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay,
            step: 0,
            moments: lengths
                .map(|length| (vec![0.0; length], vec![0.0; length]))
                .collect(),
        }
    }

    /// Updates all parameters. `parameters` and `gradients` come in the order of the lengths given to [`AdamW::new`].
    pub fn step<'a>(
        &mut self,
        learning_rate: f64,
        parameters: impl Iterator<Item = &'a mut Vec<f32>>,
        gradients: &[Vec<f32>],
    ) {
        self.step += 1;
        let correction1 = 1.0 - self.beta1.powi(self.step);
        let correction2 = 1.0 - self.beta2.powi(self.step);
        for ((values, gradient), (first, second)) in
            parameters.zip(gradients).zip(&mut self.moments)
        {
            Arch::new().dispatch(Update {
                values,
                gradient,
                first,
                second,
                fresh1: (1.0 - self.beta1) as f32,
                beta2: self.beta2 as f32,
                fresh2: (1.0 - self.beta2) as f32,
                epsilon: self.epsilon as f32,
                keep: (1.0 - learning_rate * self.weight_decay) as f32,
                rate: (learning_rate / correction1) as f32,
                root: correction2.sqrt().recip() as f32,
            });
        }
    }
}

/// The loop over one parameter, compiled for the widest vectors of the machine.
struct Update<'a> {
    values: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
    /// 1 - b1, rounded once
    fresh1: f32,
    beta2: f32,
    /// 1 - b2, rounded once
    fresh2: f32,
    epsilon: f32,
    /// 1 - lr wd
    keep: f32,
    /// lr / (1 - b1^t)
    rate: f32,
    /// 1 / sqrt(1 - b2^t)
    root: f32,
}

impl WithSimd for Update<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            values,
            gradient,
            first,
            second,
            fresh1,
            beta2,
            fresh2,
            epsilon,
            keep,
            rate,
            root,
        } = self;
        for (((value, &g), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
            *m += fresh1 * (g - *m);
            *v = beta2 * *v + fresh2 * g * g;
            *value = *value * keep - rate * *m / (v.sqrt() * root + epsilon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_moves_by_the_learning_rate() {
        // After one step m / (1 - b1) = g and v / (1 - b2) = g^2, so the move is lr * sign(g).
        let mut parameters = [vec![1.0f32, -2.0, 0.5]];
        let mut optimiser = AdamW::new(0.0, [3].into_iter());
        optimiser.step(0.1, parameters.iter_mut(), &[vec![3.0, -4.0, 1e-3]]);
        for (found, expected) in parameters[0].iter().zip([0.9, -1.9, 0.4]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn weight_decay_shrinks_without_a_gradient() {
        let mut parameters = [vec![2.0f32; 40]];
        let mut optimiser = AdamW::new(1.0, [40].into_iter());
        optimiser.step(0.25, parameters.iter_mut(), &[vec![0.0; 40]]);
        assert_eq!(parameters[0], vec![1.5; 40]);
    }
}
