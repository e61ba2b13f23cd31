//! Stochastic gradient descent with momentum as PyTorch defines it.

/// `torch.optim.SGD` with dampening 0, without Nesterov's variant and weight decay:
///
/// ```text
/// v <- g in the first step, then mu v + g
/// p <- p - lr v
/// ```
#[derive(Debug, Clone)]
pub struct Sgd {
    momentum: f32,
    velocities: Vec<Vec<f32>>,
}

impl Sgd {
    /// A new optimiser for parameters of the given lengths. A velocity of zero makes the first step the one above.
    pub fn new(momentum: f64, lengths: impl Iterator<Item = usize>) -> Self {
        Self {
            momentum: momentum as f32,
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
        let rate = learning_rate as f32;
        for ((values, gradient), velocity) in parameters.zip(gradients).zip(&mut self.velocities) {
            for ((value, &g), v) in values.iter_mut().zip(gradient).zip(velocity) {
                *v = self.momentum * *v + g;
                *value -= rate * *v;
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
        let mut optimiser = Sgd::new(0.5, [1].into_iter());
        optimiser.step(0.25, parameters.iter_mut(), &[vec![2.0]]);
        assert_eq!(parameters[0], [0.5]);
        // v = 0.5 * 2 + 4 = 5
        optimiser.step(0.25, parameters.iter_mut(), &[vec![4.0]]);
        assert_eq!(parameters[0], [-0.75]);
    }
}
