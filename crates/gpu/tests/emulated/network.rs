//! Networks of any operations.

use eigenscope_gpu::network::{
    Function, Image, Map, Normalisation, Pool, Settings, Taken, Training, memory_mib,
};
use eigenscope_gpu::{Card, EpochPlan, GENERATORS, Images, Math, Optimiser, States};
use eigenscope_testing::{Tolerance, assert_close};

use crate::plain::{self, Step};
use crate::{emulator, pattern};

const IMAGES: usize = 29;
const BATCH: usize = 12;
const CLASSES: usize = 5;

/// A small training: steps, tensors and images made of whole numbers.
struct Case {
    inputs: usize,
    steps: Vec<Step>,
    tensors: Vec<Vec<f32>>,
    images: Vec<f32>,
    labels: Vec<u16>,
}

const SGD: Optimiser = Optimiser::Sgd {
    momentum: 0.9,
    weight_decay: 0.0,
    nesterov: false,
};

impl Case {
    fn new(inputs: usize, steps: Vec<Step>) -> Self {
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
            images: pattern(IMAGES * inputs, 50, 1.0),
            labels: (0..IMAGES)
                .map(|image| (image * image % CLASSES) as u16)
                .collect(),
            steps,
        }
    }

    fn training(&self, card: &Card, optimiser: Optimiser) -> Training {
        let settings = Settings {
            batch: BATCH,
            epoch_images: IMAGES,
            math: Math::F32,
            noise_std: 0.0,
            optimiser,
        };
        let network = plain::on_card(self.inputs, &self.steps);
        let tensors: Vec<&[f32]> = self.tensors.iter().map(Vec::as_slice).collect();
        let mut pieces = self.images.chunks(100).map(<[f32]>::to_vec);
        let tested = 7;
        Training::new(
            card,
            network,
            settings,
            &tensors,
            Images {
                labels: &self.labels,
                inputs: &mut pieces,
            },
            Images {
                labels: &self.labels[..tested],
                inputs: &mut std::iter::once(self.images[..tested * self.inputs].to_vec()),
            },
        )
        .expect("it fits")
    }

    fn order(&self) -> Vec<u32> {
        (0..IMAGES).map(|k| (k * 17 % IMAGES) as u32).collect()
    }

    fn plan(&self, rate: f32) -> EpochPlan {
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
    fn plain(&self, rows: &[u32], masks: Option<&[Vec<f64>]>) -> plain::Outcome {
        let wide = |values: &[f32]| {
            values
                .iter()
                .map(|&value| f64::from(value))
                .collect::<Vec<f64>>()
        };
        let tensors: Vec<Vec<f64>> = self.tensors.iter().map(|tensor| wide(tensor)).collect();
        let images: Vec<f64> = rows
            .iter()
            .flat_map(|&row| wide(&self.images[row as usize * self.inputs..][..self.inputs]))
            .collect();
        let labels: Vec<usize> = rows
            .iter()
            .map(|&row| usize::from(self.labels[row as usize]))
            .collect();
        plain::run(&self.steps, &tensors, &images, &labels, masks)
    }

    /// An epoch without changes of the weights, against plain loops: losses of training and test images, gradients of the last step,
    /// and running averages.
    fn check(&self, card: &Card) {
        self.check_within(card, Tolerance::OfLargest(1e-6));
    }

    fn check_within(&self, card: &Card, tolerance: Tolerance) {
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
            images: self.images.clone(),
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

fn with_card(test: impl FnOnce(&Card)) {
    if let Some((libraries, _guard)) = emulator("") {
        test(&Card::open(&libraries, 0).expect("it opens"));
    }
}

fn image(channels: usize, height: usize, width: usize) -> Image {
    Image {
        channels,
        height,
        width,
    }
}

fn linear(inputs: usize, outputs: usize, bias: bool) -> Step {
    Step::Map(Map::linear(inputs, outputs, bias))
}

const RELU: Step = Step::Function(Function::Relu);

#[test]
fn linear_layers_have_the_gradients_of_plain_loops() {
    with_card(|card| {
        let steps = vec![
            linear(37, 11, true),
            RELU,
            linear(11, 9, false),
            RELU,
            linear(9, CLASSES, true),
        ];
        Case::new(37, steps).check(card);
    });
}

#[test]
fn functions_of_single_values_have_the_gradients_of_plain_loops() {
    with_card(|card| {
        for function in [
            Function::Gelu,
            Function::GeluTanh,
            Function::Silu,
            Function::Tanh,
            Function::Sigmoid,
            Function::LeakyRelu(0.2),
        ] {
            let function = Step::Function(function);
            let steps = vec![
                linear(13, 8, true),
                function,
                linear(8, 6, true),
                function,
                RELU,
                linear(6, CLASSES, false),
            ];
            Case::new(13, steps).check(card);
        }
    });
}

#[test]
fn convolutions_have_the_gradients_of_plain_loops() {
    with_card(|card| {
        let plain = Map {
            input: image(2, 7, 6),
            outputs: 6,
            kernel: 3,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
            bias: true,
        };
        for (map, second) in [
            (plain, image(6, 5, 4)),
            (Map { stride: 2, ..plain }, image(6, 3, 2)),
            (
                Map {
                    padding: 2,
                    dilation: 2,
                    bias: false,
                    ..plain
                },
                image(6, 7, 6),
            ),
            (
                Map {
                    groups: 2,
                    padding: 1,
                    stride: 3,
                    ..plain
                },
                image(6, 3, 2),
            ),
            (Map { kernel: 1, ..plain }, image(6, 7, 6)),
            (
                Map {
                    kernel: 1,
                    groups: 2,
                    ..plain
                },
                image(6, 7, 6),
            ),
            (
                Map {
                    kernel: 1,
                    stride: 2,
                    ..plain
                },
                image(6, 4, 3),
            ),
        ] {
            // A second one, so that the gradient of an input is asked for.
            let last = Map {
                input: second,
                outputs: 4,
                kernel: 2,
                groups: 2,
                padding: 1,
                ..plain
            };
            let places = (second.height + 1) * (second.width + 1);
            let steps = vec![
                Step::Map(map),
                RELU,
                Step::Map(last),
                RELU,
                linear(4 * places, CLASSES, false),
            ];
            Case::new(84, steps).check(card);
        }
    });
}

#[test]
fn windows_that_are_gathered_in_pieces_have_the_gradients_of_plain_loops() {
    with_card(|card| {
        // 1800 values of a window at each of 784 places and 12 images: more than are gathered at a time.
        let first = Map {
            input: image(1, 32, 32),
            outputs: 72,
            kernel: 1,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
            bias: false,
        };
        let second = Map {
            input: image(72, 32, 32),
            outputs: 2,
            kernel: 5,
            ..first
        };
        let last = linear(2 * 28 * 28, CLASSES, false);
        let case = Case::new(1024, vec![Step::Map(first), Step::Map(second), last]);
        // A gradient is a sum of 50,000 products, which rounds more than those of the other tests.
        case.check_within(card, Tolerance::OfLargest(5e-6));
    });
}

#[test]
fn pooling_has_the_gradients_of_plain_loops() {
    with_card(|card| {
        let input = image(3, 7, 6);
        let pool = |kernel, stride, padding, taken| Pool {
            input,
            kernel,
            stride,
            padding,
            taken,
        };
        let mean = |counts_padding| Taken::Mean { counts_padding };
        for (pool, output) in [
            (pool([2, 2], 2, 0, Taken::Largest), image(3, 3, 3)),
            (pool([3, 3], 2, 1, Taken::Largest), image(3, 4, 3)),
            (pool([3, 3], 1, 1, Taken::Largest), image(3, 7, 6)),
            (pool([3, 3], 2, 1, mean(true)), image(3, 4, 3)),
            (pool([3, 3], 2, 1, mean(false)), image(3, 4, 3)),
            (pool([2, 2], 3, 0, mean(false)), image(3, 2, 2)),
            (pool([7, 6], 1, 0, mean(true)), image(3, 1, 1)),
        ] {
            let map = Map {
                input: image(1, 9, 8),
                outputs: 3,
                kernel: 3,
                stride: 1,
                padding: 0,
                dilation: 1,
                groups: 1,
                bias: true,
            };
            let steps = vec![
                Step::Map(map),
                RELU,
                Step::Pool(pool),
                linear(output.len(), CLASSES, true),
            ];
            Case::new(72, steps).check(card);
        }
    });
}

#[test]
fn batch_normalisation_residual_blocks_gates_and_dropout_have_the_gradients_of_plain_loops() {
    with_card(|card| {
        let shape = image(4, 5, 4);
        let convolution = Map {
            input: image(1, 5, 4),
            outputs: 4,
            kernel: 3,
            stride: 1,
            padding: 1,
            dilation: 1,
            groups: 1,
            bias: false,
        };
        let inner = Map {
            input: shape,
            ..convolution
        };
        let norm = |image| {
            Step::Normalise(Normalisation {
                image,
                epsilon: 1e-3,
                momentum: 0.2,
            })
        };
        let block = [
            Step::Fork,
            Step::Map(inner),
            norm(shape),
            RELU,
            Step::Map(inner),
            norm(shape),
            Step::Add,
            RELU,
        ];
        let shortcut = Map {
            kernel: 1,
            padding: 0,
            ..inner
        };
        let with_shortcut = [
            Step::Fork,
            Step::Map(inner),
            norm(shape),
            Step::Exchange,
            Step::Map(shortcut),
            norm(shape),
            Step::Add,
            RELU,
        ];
        let start = [Step::Map(convolution), norm(shape), RELU];
        let end = [linear(80, CLASSES, true)];
        let chain = |parts: &[&[Step]]| parts.concat();
        for steps in [
            chain(&[&start, &end]),
            chain(&[&start, &block, &end]),
            chain(&[&start, &block, &with_shortcut, &end]),
            // A block around another one.
            chain(&[
                &start,
                &[Step::Fork],
                &block,
                &[Step::Map(inner), Step::Add],
                &end,
            ]),
            // A value that is added to itself, and features without a place.
            vec![
                linear(20, 8, false),
                norm(Image::features(8)),
                Step::Fork,
                Step::Add,
                Step::Gate,
                linear(4, CLASSES, false),
            ],
            vec![
                linear(20, 30, true),
                Step::Dropout(0.3),
                RELU,
                linear(30, 7, true),
                RELU,
                Step::Dropout(0.5),
                linear(7, CLASSES, true),
            ],
            vec![Step::Dropout(0.4), linear(20, CLASSES, true)],
        ] {
            Case::new(20, steps).check(card);
        }
    });
}

#[test]
fn optimisers_step_as_by_hand_and_a_recorded_epoch_has_the_bits_of_one_that_is_not() {
    with_card(|card| {
        let steps = vec![linear(9, 6, true), RELU, linear(6, CLASSES, true)];
        let case = Case::new(9, steps);
        let nesterov = Optimiser::Sgd {
            momentum: 0.5,
            weight_decay: 0.1,
            nesterov: true,
        };
        let adam = Optimiser::Adam {
            constants: [0.1, 0.999, 0.001, 1e-8],
            penalty: 0.01,
        };
        for (optimiser, schedule) in [
            (SGD, [0.05, 0.0, 0.0]),
            (nesterov, [0.05, 0.0, 0.0]),
            (adam, [1.0, 0.01, 1.0]),
        ] {
            let plan = EpochPlan {
                schedule: vec![schedule; 3],
                ..case.plan(0.0)
            };
            let run = |_| {
                let mut training = case.training(card, optimiser);
                // Epochs from the second on are recorded ones.
                let losses = [(); 3].map(|()| {
                    training.start(&plan).expect("it starts");
                    training.finish().expect("it ends").train_loss
                });
                (losses, training.tensors().expect("it reads"))
            };
            let [one, two] = [0, 1].map(run);
            assert_eq!(one, two);
            assert!(one.0[2] < one.0[0], "{optimiser:?} {:?}", one.0);
        }
        // One step of each by hand.
        let first = case.plain(&case.order()[..BATCH], Some(&[])).gradients;
        for (optimiser, schedule, moves) in [
            (
                SGD,
                [0.05, 0.0, 0.0],
                (|_, g| 0.05 * g) as fn(f64, f64) -> f64,
            ),
            // g + wd p, and half of it again.
            (nesterov, [0.05, 0.0, 0.0], |p, g| {
                0.05 * 1.5 * (g + 0.1 * p)
            }),
        ] {
            let mut training = case.training(card, optimiser);
            let still = [0.0; 3];
            let plan = EpochPlan {
                schedule: vec![schedule, still, still],
                ..case.plan(0.0)
            };
            training.start(&plan).expect("it starts");
            training.finish().expect("it ends");
            let tensors = training.tensors().expect("it reads");
            for ((after, before), gradient) in tensors.iter().zip(&case.tensors).zip(&first) {
                let pairs = before.iter().zip(gradient);
                let expected: Vec<f32> = pairs
                    .map(|(&p, &g)| (f64::from(p) - moves(f64::from(p), g)) as f32)
                    .collect();
                assert_close("a step", after, &expected, Tolerance::Absolute(1e-6));
            }
        }
    });
}

#[test]
fn a_card_without_room_and_wrong_tensors_are_refused() {
    let Some((libraries, _guard)) = emulator("memory=300") else {
        return;
    };
    let card = Card::open(&libraries, 0).expect("it opens");
    let case = Case::new(9, vec![linear(9, CLASSES, true)]);
    let network = plain::on_card(9, &case.steps);
    let new = |tensors: &[&[f32]], epoch_images: usize| {
        let settings = Settings {
            batch: BATCH,
            epoch_images,
            math: Math::F32,
            noise_std: 0.0,
            optimiser: SGD,
        };
        let images = |inputs| Images {
            labels: &case.labels,
            inputs,
        };
        let [mut train, mut test] = [0, 1].map(|_| std::iter::once(case.images.clone()));
        let (train, test) = (images(&mut train), images(&mut test));
        let training = Training::new(&card, network.clone(), settings, tensors, train, test);
        training.map(drop).expect_err("it does not fit").to_string()
    };
    let tensors: Vec<&[f32]> = case.tensors.iter().map(Vec::as_slice).collect();
    let needed = memory_mib(&network, BATCH, IMAGES, IMAGES);
    assert_eq!(
        new(&tensors, IMAGES),
        format!("emulated card has 300 MiB of memory free, the training needs {needed} MiB")
    );
    assert_eq!(
        new(&tensors, IMAGES + 1),
        "30 of 29 training images in batches of 12, 29 test images"
    );
    drop(card);
}
