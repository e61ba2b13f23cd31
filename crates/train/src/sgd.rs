//! Stochastic gradient descent as PyTorch defines it.

/// Constants of [`Sgd`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdConstants {
    /// mu
    pub momentum: f64,
    /// Whether the step looks ahead along the velocity.
    pub nesterov: bool,
    /// wd: the gradient is that of the loss plus `wd / 2 |p|^2`.
    pub weight_decay: f64,
}

impl SgdConstants {
    /// Momentum alone.
    pub fn new(momentum: f64) -> Self {
        Self {
            momentum,
            nesterov: false,
            weight_decay: 0.0,
        }
    }
}

/// `torch.optim.SGD` with dampening 0:
///
/// ```text
/// g <- g + wd p
/// v <- g in the first step, then mu v + g
/// p <- p - lr v,   with Nesterov's momentum p - lr (g + mu v)
/// ```
#[derive(Debug, Clone)]
pub struct Sgd {
    constants: SgdConstants,
    velocities: Vec<Vec<f32>>,
}

impl Sgd {
    /// A new optimiser for parameters of the given lengths. A velocity of zero makes the first step the one above.
    pub fn new(constants: SgdConstants, lengths: impl Iterator<Item = usize>) -> Self {
        Self {
            constants,
            velocities: lengths.map(|length| vec![0.0; length]).collect(),
        }
    }

    /// Updates all parameters, which come in the order of the lengths given to [`Sgd::new`].
    pub fn step<'a>(
        &mut self,
        learning_rate: f64,
        parameters: impl Iterator<Item = &'a mut Vec<f32>>,
        gradients: &[Vec<f32>],
    ) {
        let SgdConstants {
            momentum,
            nesterov,
            weight_decay,
        } = self.constants;
        let (rate, momentum, decay) = (learning_rate as f32, momentum as f32, weight_decay as f32);
        for ((values, gradient), velocity) in parameters.zip(gradients).zip(&mut self.velocities) {
            let each = values.iter_mut().zip(gradient).zip(velocity);
            match (decay == 0.0, nesterov) {
                (true, false) => each.for_each(|((value, &g), v)| {
                    *v = momentum * *v + g;
                    *value -= rate * *v;
                }),
                (_, false) => each.for_each(|((value, &g), v)| {
                    *v = momentum * *v + (g + decay * *value);
                    *value -= rate * *v;
                }),
                (_, true) => each.for_each(|((value, &g), v)| {
                    let g = g + decay * *value;
                    *v = momentum * *v + g;
                    *value -= rate * (g + momentum * *v);
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_steps_by_hand() {
        let mut parameters = [vec![1.0f32]];
        let mut optimiser = Sgd::new(SgdConstants::new(0.5), [1].into_iter());
        optimiser.step(0.25, parameters.iter_mut(), &[vec![2.0]]);
        assert_eq!(parameters[0], [0.5]);
        // v = 0.5 * 2 + 4 = 5
        optimiser.step(0.25, parameters.iter_mut(), &[vec![4.0]]);
        assert_eq!(parameters[0], [-0.75]);
    }
}
