//! Adam and AdamW as PyTorch defines them, one fused loop over each parameter.

use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use rayon::slice::{ParallelSlice, ParallelSliceMut};

/// Values that one thread updates at a time.
const PIECE: usize = 1 << 15;

/// Values of a parameter, their gradient and both moments.
type Piece<'a> = (&'a mut [f32], &'a [f32], &'a mut [f32], &'a mut [f32]);

/// Constants of [`Adam`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamConstants {
    /// Weights of the past in the two moments, both below 1.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub epsilon: f64,
    pub weight_decay: f64,
}

impl AdamConstants {
    /// PyTorch's constants (0.9, 0.999, 1e-8) with this weight decay.
    pub fn new(weight_decay: f64) -> Self {
        Self {
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay,
        }
    }
}

impl AdamConstants {
    /// What changes from step to step with decoupled weight decay: 1 - lr wd, lr / (1 - b1^t) and 1 / sqrt(1 - b2^t) of step `t`,
    /// counted from 1.
    pub(crate) fn step(&self, learning_rate: f64, t: i32) -> [f32; 3] {
        let [first, second] = self.betas.map(|beta| 1.0 - beta.powi(t));
        [
            (1.0 - learning_rate * self.weight_decay) as f32,
            (learning_rate / first) as f32,
            second.sqrt().recip() as f32,
        ]
    }
}

/// How weight decay acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decay {
    /// The gradient is that of the loss plus `wd / 2 |p|^2` (`torch.optim.Adam`).
    Penalty,
    /// The parameters shrink by themselves (`torch.optim.AdamW`).
    Decoupled,
}

/// Adam's moments (Kingma and Ba 2015) with either weight decay (decoupled: Loshchilov and Hutter 2019):
///
/// ```text
/// p <- p (1 - lr wd)              decoupled
/// g <- g + wd p                   penalty
/// m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
/// p <- p - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
/// ```
#[derive(Debug, Clone)]
pub struct Adam {
    constants: AdamConstants,
    decay: Decay,
    step: i32,
    moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Adam {
    /// A new optimiser for parameters of the given lengths.
    pub fn new(
        constants: AdamConstants,
        decay: Decay,
        lengths: impl Iterator<Item = usize>,
    ) -> Self {
        Self {
            constants,
            decay,
            step: 0,
            moments: lengths
                .map(|length| (vec![0.0; length], vec![0.0; length]))
                .collect(),
        }
    }

    /// Updates all parameters. `parameters` and `gradients` come in the order of the lengths given to [`Adam::new`].
    pub fn step<'a>(
        &mut self,
        learning_rate: f64,
        parameters: impl Iterator<Item = &'a mut Vec<f32>>,
        gradients: &[Vec<f32>],
    ) {
        let AdamConstants {
            betas: [beta1, beta2],
            epsilon,
            weight_decay,
        } = self.constants;
        self.step = self.step.saturating_add(1);
        let [keep, rate, root] = self.constants.step(learning_rate, self.step);
        let (keep, penalty) = match self.decay {
            Decay::Decoupled => (keep, 0.0),
            Decay::Penalty => (1.0, weight_decay),
        };
        for ((values, gradient), (first, second)) in
            parameters.zip(gradients).zip(&mut self.moments)
        {
            let update = |(values, gradient, first, second): Piece<'_>| {
                Arch::new().dispatch(Update {
                    values,
                    gradient,
                    first,
                    second,
                    fresh1: (1.0 - beta1) as f32,
                    beta2: beta2 as f32,
                    fresh2: (1.0 - beta2) as f32,
                    epsilon: epsilon as f32,
                    penalty: penalty as f32,
                    keep,
                    rate,
                    root,
                });
            };
            let pieces = (
                values.par_chunks_mut(PIECE),
                gradient.par_chunks(PIECE),
                first.par_chunks_mut(PIECE),
                second.par_chunks_mut(PIECE),
            );
            pieces.into_par_iter().for_each(update);
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
    /// wd in the gradient
    penalty: f32,
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
            penalty,
            keep,
            rate,
            root,
        } = self;
        let moments = first.iter_mut().zip(second);
        // Without a penalty there is nothing to add, not even a zero: the loop is the faster one.
        if penalty == 0.0 {
            for ((value, &g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
                *m += fresh1 * (g - *m);
                *v = beta2 * *v + fresh2 * g * g;
                *value = *value * keep - rate * *m / (v.sqrt() * root + epsilon);
            }
            return;
        }
        for ((value, &g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
            let g = g + penalty * *value;
            *m += fresh1 * (g - *m);
            *v = beta2 * *v + fresh2 * g * g;
            *value -= rate * *m / (v.sqrt() * root + epsilon);
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
        let mut optimiser = Adam::new(AdamConstants::new(0.0), Decay::Decoupled, [3].into_iter());
        optimiser.step(0.1, parameters.iter_mut(), &[vec![3.0, -4.0, 1e-3]]);
        for (found, expected) in parameters[0].iter().zip([0.9, -1.9, 0.4]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    #[test]
    fn weight_decay_shrinks_without_a_gradient() {
        let mut parameters = [vec![2.0f32; 40]];
        let mut optimiser = Adam::new(AdamConstants::new(1.0), Decay::Decoupled, [40].into_iter());
        optimiser.step(0.25, parameters.iter_mut(), &[vec![0.0; 40]]);
        assert_eq!(parameters[0], vec![1.5; 40]);
    }
}
