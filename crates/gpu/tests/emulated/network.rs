//! Networks of any operations against plain loops.

use eigenscope_gpu::network::{
    Function, Image, Map, Normalisation, Pool, Taken, Training, memory_mib,
};
use eigenscope_gpu::{
    Card, DataSets, EpochPlan, EpochTraining, Images, Math, Optimiser, Settings, StepInputs,
};
use eigenscope_testing::{Tolerance, assert_close};

use crate::case::{BATCH, CLASSES, Case, IMAGES, SGD, with_card};
use crate::plain::{self, Step};
use crate::{emulator, preparation};

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
            // The rounding of up to seven normalisations and convolutions adds up.
            Case::new(20, steps).check_within(card, Tolerance::OfLargest(2e-6));
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
    let images = Images {
        labels: &case.labels,
        pixels: &case.pixels,
    };
    let new = |tensors: &[&[f32]], epoch_images: usize| {
        let settings = Settings {
            batch: BATCH,
            epoch_images,
            math: Math::F32,
            inputs: StepInputs::Stored { noise_std: 0.0 },
            optimiser: SGD,
        };
        let sets = DataSets {
            preparation: &preparation(9),
            train: images,
            test: images,
        };
        let training = Training::new(&card, network.clone(), settings, tensors, sets);
        training.map(drop).expect_err("it does not fit").to_string()
    };
    let tensors: Vec<&[f32]> = case.tensors.iter().map(Vec::as_slice).collect();
    let needed = memory_mib(&network, 9, BATCH, IMAGES, IMAGES);
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
