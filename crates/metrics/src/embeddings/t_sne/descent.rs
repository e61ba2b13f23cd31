//! Gradient descent with momentum and a gain for every coordinate, as in scikit-learn.
//!
//! 250 steps with P exaggerated 12 times and momentum 0.5, so that clusters form, then 750 with P as it is and momentum
//! 0.8. Each phase starts at rest. A gain grows by 0.2 where the gradient keeps pointing against the last
//! step's direction, and is multiplied by 0.8 (but stays at least 0.01) where it does not.

use super::affinities::Affinities;
use super::gradient::{THETA, gradient};

/// Factor of P in the first phase.
const EXAGGERATION: f64 = 12.0;
/// Steps of the whole descent.
pub const STEPS: u32 = 1000;

struct Phase {
    exaggeration: f64,
    momentum: f64,
    steps: u32,
}

const PHASES: [Phase; 2] = [
    Phase {
        exaggeration: EXAGGERATION,
        momentum: 0.5,
        steps: 250,
    },
    Phase {
        exaggeration: 1.0,
        momentum: 0.8,
        steps: 750,
    },
];

/// max(n / 12 / 4, 50): Belkina et al., *Automated optimized parameters for t-distributed stochastic neighbor
/// embedding* (2019), with the 4 of the gradient taken into account.
fn learning_rate(points: usize) -> f64 {
    (points as f64 / EXAGGERATION / 4.0).max(50.0)
}

/// Moves the points of `map` to lower the divergence from `affinities`; `progress` is told the number of steps done.
pub fn descend(affinities: &Affinities, map: &mut [[f64; 2]], mut progress: impl FnMut(u32)) {
    let rate = learning_rate(map.len());
    let mut done = 0;
    for phase in PHASES {
        let mut motion = vec![Motion::default(); map.len()];
        for _ in 0..phase.steps {
            let gradient = gradient(affinities, map, phase.exaggeration, THETA);
            for ((point, motion), gradient) in map.iter_mut().zip(&mut motion).zip(gradient) {
                motion.step(point, gradient, rate, phase.momentum);
            }
            done += 1;
            progress(done);
        }
    }
}

/// Last step and gains of one point.
#[derive(Debug, Clone)]
struct Motion {
    step: [f64; 2],
    gain: [f64; 2],
}

impl Default for Motion {
    fn default() -> Self {
        Self {
            step: [0.0; 2],
            gain: [1.0; 2],
        }
    }
}

impl Motion {
    fn step(&mut self, point: &mut [f64; 2], gradient: [f64; 2], rate: f64, momentum: f64) {
        for axis in 0..2 {
            let onwards = self.step[axis] * gradient[axis] < 0.0;
            let gain = if onwards {
                self.gain[axis] + 0.2
            } else {
                self.gain[axis] * 0.8
            };
            self.gain[axis] = gain.max(0.01);
            self.step[axis] = momentum * self.step[axis] - rate * self.gain[axis] * gradient[axis];
            point[axis] += self.step[axis];
        }
    }
}
