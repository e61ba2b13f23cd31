//! Gradient descent with momentum and a gain for every coordinate.
//!
//! First 250 steps with P exaggerated 12 times and momentum 0.5, so that clusters form; then steps with P as it is and momentum
//! 0.8. Each phase starts at rest. A gain grows by 0.2 where the gradient keeps pointing against the last
//! step's direction, and is multiplied by 0.8 (but stays at least 0.01) where it does not, as in scikit-learn.
//!
//! Few points take 750 more steps at the same rate, as in scikit-learn. Many points take 500 at a 12 times higher rate, none of
//! them longer than 5, as in openTSNE: the rate that n / 12 is for P exaggerated 12 times is n for P as it is (Belkina et al.,
//! *Automated optimized parameters for t-distributed stochastic neighbor embedding*, 2019).

use rayon::prelude::*;

use super::affinities::Affinities;
use super::gradient::{THETA, gradient, interpolated_gradient};
use super::interpolation::Interpolation;

/// Factor of P in the first phase.
const EXAGGERATION: f64 = 12.0;
/// Steps of the whole descent of few points.
pub const STEPS: u32 = 1000;
/// Steps of the whole descent of many points.
pub const STEPS_OF_MANY: u32 = 750;

#[derive(Clone, Copy)]
struct Phase {
    exaggeration: f64,
    momentum: f64,
    rate: f64,
    longest_step: f64,
    steps: u32,
}

/// The phases of few points: rate max(n / 12 / 4, 50), with the 4 of the gradient taken into account.
fn phases(points: usize) -> [Phase; 2] {
    let clusters = Phase {
        exaggeration: EXAGGERATION,
        momentum: 0.5,
        rate: (points as f64 / EXAGGERATION / 4.0).max(50.0),
        longest_step: f64::INFINITY,
        steps: 250,
    };
    let details = Phase {
        exaggeration: 1.0,
        momentum: 0.8,
        steps: 750,
        ..clusters
    };
    [clusters, details]
}

/// The phases of many points.
fn phases_of_many(points: usize) -> [Phase; 2] {
    let [clusters, details] = phases(points).map(|phase| Phase {
        rate: points as f64 / phase.exaggeration / 4.0,
        longest_step: 5.0,
        ..phase
    });
    let details = Phase {
        steps: 500,
        ..details
    };
    [clusters, details]
}

/// Moves the points of `map` to lower the divergence from `affinities`; `progress` is told the number of steps done.
pub fn descend(affinities: &Affinities, map: &mut [[f64; 2]], progress: impl FnMut(u32)) {
    let gradient = |map: &[[f64; 2]], e| gradient(affinities, map, e, THETA);
    descend_by(gradient, &phases(map.len()), map, progress);
}

/// The same for many points, by interpolation.
pub fn descend_many(affinities: &Affinities<f32>, map: &mut [[f64; 2]], progress: impl FnMut(u32)) {
    let mut interpolation = Interpolation::default();
    let gradient =
        |map: &[[f64; 2]], e| interpolated_gradient(affinities, map, e, &mut interpolation);
    descend_by(gradient, &phases_of_many(map.len()), map, progress);
}

/// The `gradient` is that of a map for an exaggeration.
fn descend_by(
    mut gradient: impl FnMut(&[[f64; 2]], f64) -> Vec<[f64; 2]>,
    phases: &[Phase],
    map: &mut [[f64; 2]],
    mut progress: impl FnMut(u32),
) {
    let mut done = 0;
    for phase in phases {
        let mut motion = vec![Motion::default(); map.len()];
        for _ in 0..phase.steps {
            let gradient = gradient(map, phase.exaggeration);
            map.par_iter_mut()
                .zip(&mut motion)
                .zip(gradient)
                .with_min_len(1024)
                .for_each(|((point, motion), gradient)| motion.step(point, gradient, phase));
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
    fn step(&mut self, point: &mut [f64; 2], gradient: [f64; 2], phase: &Phase) {
        let axes = self.step.iter_mut().zip(&mut self.gain).zip(gradient);
        for ((step, gain), gradient) in axes {
            let onwards = *step * gradient < 0.0;
            let next = if onwards { *gain + 0.2 } else { *gain * 0.8 };
            *gain = next.max(0.01);
            *step = phase.momentum * *step - phase.rate * *gain * gradient;
        }
        let length = self.step[0].hypot(self.step[1]);
        if length > phase.longest_step {
            self.step = self.step.map(|step| step * phase.longest_step / length);
        }
        for (coordinate, step) in point.iter_mut().zip(self.step) {
            *coordinate += step;
        }
    }
}
