//! A small training of a network on a card, and its values by plain loops.

use eigenscope_gpu::network::Training;
use eigenscope_gpu::{
    Card, DataSets, EpochPlan, EpochTraining, GENERATORS, Images, Math, Optimiser, Settings,
    States, StepInputs,
};
use eigenscope_testing::{Tolerance, assert_close};

use crate::plain::{self, Step};
use crate::{emulator, inputs, pattern, preparation, stored};

pub(crate) const IMAGES: usize = 29;
pub(crate) const BATCH: usize = 12;
pub(crate) const CLASSES: usize = 5;

/// A small training: steps, tensors and images made of whole numbers.
pub(crate) struct Case {
    pub(crate) inputs: usize,
    pub(crate) steps: Vec<Step>,
    pub(crate) tensors: Vec<Vec<f32>>,
    /// Images as they are stored.
    pub(crate) pixels: Vec<u8>,
    pub(crate) labels: Vec<u16>,
}

pub(crate) const SGD: Optimiser = Optimiser::Sgd {
    momentum: 0.9,
    weight_decay: 0.0,
    nesterov: false,
};

impl Case {
    pub(crate) fn new(inputs: usize, steps: Vec<Step>) -> Self {
        let lengths = plain::lengths(&steps).into_iter().enumerate();
        let tensors = lengths.map(|(number, length)| {
            let mut values = pattern(length, number + 1, 0.4);
            // Variances are positive.
            values.iter_mut().for_each(|value| {
                *value = if is_norm(&steps, number) {
                    value.abs() + 0.3
                } else {
                    *value
                }
            });
            values
        });
        Self {
            inputs,
            tensors: tensors.collect(),
            pixels: stored(IMAGES * inputs, 50),
            labels: (0..IMAGES)
                .map(|image| (image * image % CLASSES) as u16)
                .collect(),
            steps,
        }
    }

    pub(crate) fn training(&self, card: &Card, optimiser: Optimiser) -> Training {
        self.training_of(card, optimiser, StepInputs::Stored { noise_std: 0.0 })
    }

    pub(crate) fn training_of(
        &self,
        card: &Card,
        optimiser: Optimiser,
        step_inputs: StepInputs,
    ) -> Training {
        let settings = Settings {
            batch: BATCH,
            epoch_images: IMAGES,
            math: Math::F32,
            inputs: step_inputs,
            optimiser,
        };
        let network = plain::on_card(self.inputs, &self.steps);
        let tensors: Vec<&[f32]> = self.tensors.iter().map(Vec::as_slice).collect();
        let tested = 7;
        let sets = DataSets {
            preparation: &preparation(self.inputs),
            train: Images {
                labels: &self.labels,
                pixels: &self.pixels,
            },
            test: Images {
                labels: &self.labels[..tested],
                pixels: &self.pixels[..tested * self.inputs],
            },
        };
        Training::new(card, network, settings, &tensors, sets).expect("it fits")
    }

    pub(crate) fn order(&self) -> Vec<u32> {
        (0..IMAGES).map(|k| (k * 17 % IMAGES) as u32).collect()
    }

    pub(crate) fn plan(&self, rate: f32) -> EpochPlan {
        let masks = self
            .steps
            .iter()
            .any(|step| matches!(step, Step::Dropout(_)));
        EpochPlan {
            order: self.order(),
            schedule: vec![[rate, 0.0, 0.0]; 3],
            noise: Vec::new(),
            dropout: if masks {
                (0..3).map(states).collect()
            } else {
                Vec::new()
            },
        }
    }

    /// Some images of the order by plain loops.
    pub(crate) fn plain(&self, rows: &[u32], masks: Option<&[Vec<f64>]>) -> plain::Outcome {
        let wide = |values: &[f32]| {
            values
                .iter()
                .map(|&value| f64::from(value))
                .collect::<Vec<f64>>()
        };
        let tensors: Vec<Vec<f64>> = self.tensors.iter().map(|tensor| wide(tensor)).collect();
        let images: Vec<f64> = rows
            .iter()
            .flat_map(|&row| {
                wide(&inputs(
                    &self.pixels[row as usize * self.inputs..][..self.inputs],
                ))
            })
            .collect();
        let labels: Vec<usize> = rows
            .iter()
            .map(|&row| usize::from(self.labels[row as usize]))
            .collect();
        plain::run(&self.steps, &tensors, &images, &labels, masks)
    }

    /// An epoch without changes of the weights, against plain loops: losses of training and test images, gradients of the last step,
    /// and running averages.
    pub(crate) fn check(&self, card: &Card) {
        self.check_within(card, Tolerance::OfLargest(1e-6));
    }

    pub(crate) fn check_within(&self, card: &Card, tolerance: Tolerance) {
        let mut training = self.training(card, SGD);
        let plan = self.plan(0.0);
        training.start(&plan).expect("it starts");
        let result = training.finish().expect("it ends");
        let mut averages = self.tensors.clone();
        let mut losses = Vec::new();
        let mut expected = Vec::new();
        for (step, rows) in plan.order.chunks(BATCH).enumerate() {
            let masks = self.masks(step, rows.len());
            let outcome = self.plain(rows, Some(&masks));
            losses.push(outcome.loss);
            for (number, average) in averages.iter_mut().enumerate() {
                if let Some(momentum) = momentum_of(&self.steps, number) {
                    for (average, of_batch) in average.iter_mut().zip(&outcome.gradients[number]) {
                        *average += momentum * (*of_batch as f32 - *average);
                    }
                }
            }
            expected = outcome.gradients;
        }
        let mean = losses.iter().sum::<f64>() / losses.len() as f64;
        assert_loss(result.train_loss, mean);
        let found = training.gradients().expect("it reads");
        let tensors = training.tensors().expect("it reads");
        for (number, found) in found.iter().enumerate() {
            let name = format!("tensor {number} of {:?}", self.steps);
            if momentum_of(&self.steps, number).is_some() {
                assert!(found.is_empty());
                assert_close(&name, &tensors[number], &averages[number], tolerance);
                continue;
            }
            let found: Vec<f64> = found.iter().map(|&value| f64::from(value)).collect();
            assert_close(&name, &found, &expected[number], tolerance);
            assert_eq!(
                tensors[number], self.tensors[number],
                "a rate of 0 changes nothing"
            );
        }
        // Evaluated with the averages that training has left.
        let after = Case {
            tensors: averages,
            steps: self.steps.clone(),
            pixels: self.pixels.clone(),
            labels: self.labels.clone(),
            inputs: self.inputs,
        };
        let rows = |images: usize| (0..images as u32).collect::<Vec<u32>>();
        let tested = after.plain(&rows(7), None).loss;
        assert_loss(result.test.loss, tested);
        let [train, test] = training.evaluate().expect("it works");
        assert_eq!(test, result.test);
        let trained = after.plain(&rows(IMAGES), None).loss;
        assert_loss(train.loss, trained);
    }

    /// The masks of a step, made of the words of the generators one after another.
    fn masks(&self, step: usize, images: usize) -> Vec<Vec<f64>> {
        let mut generators = Generators(states(step));
        let mut masks = Vec::new();
        let mut features = self.inputs;
        for step in &self.steps {
            features = match step {
                Step::Map(map) => {
                    let extent = (map.kernel - 1) * map.dilation + 1;
                    let side = |side: usize| (side + 2 * map.padding - extent) / map.stride + 1;
                    map.outputs * side(map.input.height) * side(map.input.width)
                }
                Step::Dropout(rate) => {
                    let threshold = (rate * f64::from(1u32 << 31)).round() as u32;
                    let kept = f64::from((1.0 / (1.0 - rate)) as f32);
                    let mut mask = Vec::new();
                    while mask.len() < images * features {
                        let words = generators.next();
                        mask.extend(
                            words.map(|word| if word >> 1 < threshold { 0.0 } else { kept }),
                        );
                    }
                    mask.truncate(images * features);
                    masks.push(mask);
                    features
                }
                _ => features,
            };
        }
        masks
    }
}

fn assert_loss(found: f64, expected: f64) {
    let tolerance = 3e-6 * expected.max(1.0);
    assert!((found - expected).abs() < tolerance, "{found} {expected}");
}

/// Whether a tensor is one of a normalisation.
fn is_norm(steps: &[Step], number: usize) -> bool {
    let mut first = 0;
    for step in steps {
        let count = plain::lengths(std::slice::from_ref(step)).len();
        if (first..first + count).contains(&number) {
            return matches!(step, Step::Normalise(_));
        }
        first += count;
    }
    false
}

/// The momentum of a tensor that is a running average.
fn momentum_of(steps: &[Step], number: usize) -> Option<f32> {
    let mut first = 0;
    for step in steps {
        let count = plain::lengths(std::slice::from_ref(step)).len();
        if let Step::Normalise(norm) = step
            && (first + 2..first + 4).contains(&number)
        {
            return Some(norm.momentum);
        }
        first += count;
    }
    None
}

fn states(step: usize) -> States {
    std::array::from_fn(|k| (k as u32 + 1).wrapping_mul(0x9e37_79b9) ^ (step as u32 + 7))
}

/// Sixteen generators xoshiro128++ by hand.
struct Generators(States);

impl Generators {
    fn next(&mut self) -> [u32; GENERATORS] {
        std::array::from_fn(|lane| {
            let s = |word: usize| 16 * word + lane;
            let state = &mut self.0;
            let result = state[s(0)]
                .wrapping_add(state[s(3)])
                .rotate_left(7)
                .wrapping_add(state[s(0)]);
            let shifted = state[s(1)] << 9;
            state[s(2)] ^= state[s(0)];
            state[s(3)] ^= state[s(1)];
            state[s(1)] ^= state[s(2)];
            state[s(0)] ^= state[s(3)];
            state[s(2)] ^= shifted;
            state[s(3)] = state[s(3)].rotate_left(11);
            result
        })
    }
}

pub(crate) fn with_card(test: impl FnOnce(&Card)) {
    if let Some((libraries, _guard)) = emulator("") {
        test(&Card::open(&libraries, 0).expect("it opens"));
    }
}
