//! A bilinear layer.

use eigenscope_gpu::bilinear::{self, Sizes, Training, Weights};
use eigenscope_gpu::{
    Card, DataSets, EpochPlan, EpochTraining, GENERATORS, Images, Math, Optimiser, Settings,
    StepInputs,
};
use eigenscope_testing::{Tolerance, assert_close};

use crate::{emulator, inputs, pattern, preparation, stored};

/// A small training: weights, images and plans made of whole numbers.
struct Case {
    sizes: Sizes,
    batch: usize,
    weights: Weights,
    /// Images as they are stored, and the inputs that they become.
    pixels: Vec<u8>,
    inputs: Vec<f32>,
    labels: Vec<u16>,
}

impl Case {
    fn new(hidden: usize, bias: bool) -> Self {
        let (width, classes, images) = (37, 5, 45);
        let pixels = stored(images * width, 5);
        Self {
            sizes: Sizes {
                inputs: width,
                hidden,
                classes,
                bias,
            },
            batch: 20,
            weights: Weights {
                embed: pattern(hidden * width, 1, 0.3),
                gate: pattern(2 * hidden * hidden, 2, 0.4),
                bias: pattern(if bias { 2 * hidden } else { 0 }, 3, 0.5),
                unembed: pattern(classes * hidden, 4, 0.6),
            },
            inputs: inputs(&pixels),
            pixels,
            labels: (0..images)
                .map(|image| (image * image % classes) as u16)
                .collect(),
        }
    }

    fn training(&self, card: &Card, math: Math) -> Training {
        let settings = Settings {
            batch: self.batch,
            epoch_images: 40,
            math,
            inputs: StepInputs::Stored { noise_std: 0.0 },
            optimiser: Optimiser::Adam {
                constants: [0.1, 0.999, 0.001, 1e-8],
                penalty: 0.0,
            },
        };
        let sets = DataSets {
            preparation: &preparation(self.sizes.inputs),
            train: Images {
                labels: &self.labels,
                pixels: &self.pixels,
            },
            test: Images {
                labels: &self.labels[..7],
                pixels: &self.pixels[..7 * self.sizes.inputs],
            },
        };
        Training::new(card, self.sizes, settings, &self.weights, sets).expect("it fits")
    }

    fn plan(&self, rate: f32) -> EpochPlan {
        let order = (0..40).map(|k| (k * 17 % 45) as u32).collect();
        EpochPlan {
            order,
            schedule: vec![[1.0 - 0.1 * rate, rate, 1.0]; 2],
            ..EpochPlan::default()
        }
    }

    /// Mean loss of images and its gradients, by plain loops in double precision.
    fn plain(&self, weights: &Weights, rows: &[u32]) -> (f64, [Vec<f64>; 4]) {
        let Sizes {
            inputs,
            hidden: d,
            classes,
            bias,
        } = self.sizes;
        let wide = |values: &[f32]| {
            values
                .iter()
                .map(|&value| f64::from(value))
                .collect::<Vec<f64>>()
        };
        let [embed, gate, unembed] =
            [&weights.embed, &weights.gate, &weights.unembed].map(|values| wide(values));
        let biases = if bias {
            wide(&weights.bias)
        } else {
            vec![0.0; 2 * d]
        };
        let mut gradients = [
            vec![0.0; d * inputs],
            vec![0.0; 2 * d * d],
            vec![0.0; 2 * d],
            vec![0.0; classes * d],
        ];
        let mut loss = 0.0;
        for &row in rows {
            let x = wide(&self.inputs[row as usize * inputs..][..inputs]);
            let label = usize::from(self.labels[row as usize]);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let h: Vec<f64> = embed.chunks(inputs).map(|row| dot(row, &x)).collect();
            let ab: Vec<f64> = gate
                .chunks(d)
                .zip(&biases)
                .map(|(row, bias)| dot(row, &h) + bias)
                .collect();
            let z: Vec<f64> = (0..d).map(|k| ab[k] * ab[d + k]).collect();
            let logits: Vec<f64> = unembed.chunks(d).map(|row| dot(row, &z)).collect();
            let sum: f64 = logits.iter().map(|logit| logit.exp()).sum();
            loss += sum.ln() - logits[label];
            let on_logits: Vec<f64> = (0..classes)
                .map(|c| {
                    (logits[c].exp() / sum - f64::from(u8::from(c == label))) / rows.len() as f64
                })
                .collect();
            let on_z: Vec<f64> = (0..d)
                .map(|k| {
                    (0..classes)
                        .map(|c| on_logits[c] * unembed[c * d + k])
                        .sum()
                })
                .collect();
            let on_ab: Vec<f64> = (0..2 * d)
                .map(|k| on_z[k % d] * ab[(k + d) % (2 * d)])
                .collect();
            let on_h: Vec<f64> = (0..d)
                .map(|j| (0..2 * d).map(|k| on_ab[k] * gate[k * d + j]).sum())
                .collect();
            for (k, value) in gradients[0].iter_mut().enumerate() {
                *value += on_h[k / inputs] * x[k % inputs];
            }
            for (k, value) in gradients[1].iter_mut().enumerate() {
                *value += on_ab[k / d] * h[k % d];
            }
            for (value, gradient) in gradients[2].iter_mut().zip(&on_ab) {
                *value += gradient;
            }
            for (k, value) in gradients[3].iter_mut().enumerate() {
                *value += on_logits[k / d] * z[k % d];
            }
        }
        (loss / rows.len() as f64, gradients)
    }
}

#[test]
fn gradients_and_losses_are_those_of_plain_loops() {
    let Some((libraries, _guard)) = emulator("") else {
        return;
    };
    let card = Card::open(&libraries, 0).expect("it opens");
    // With few hidden units E x is made first, with many (L E, R E).
    for (hidden, bias) in [(3, false), (3, true), (61, false), (61, true)] {
        let case = Case::new(hidden, bias);
        let mut training = case.training(&card, Math::F32);
        let plan = case.plan(0.0);
        training.start(&plan).expect("it starts");
        let result = training.finish().expect("it ends");
        let (_, expected) = case.plain(&case.weights, &plan.order[20..]);
        let found = training.gradients().expect("it reads");
        let parts = [&found.embed, &found.gate, &found.bias, &found.unembed];
        for (found, expected) in parts
            .into_iter()
            .zip(&expected)
            .filter(|(found, _)| !found.is_empty())
        {
            let found: Vec<f64> = found.iter().map(|&value| f64::from(value)).collect();
            assert_close("a gradient", &found, expected, Tolerance::OfLargest(1e-6));
        }
        let mean = [0, 20].map(|start| case.plain(&case.weights, &plan.order[start..start + 20]).0);
        assert!((result.train_loss - (mean[0] + mean[1]) / 2.0).abs() < 1e-6);
        // A rate of 0 without decay changes nothing.
        let tested = case.plain(&case.weights, &(0..7).collect::<Vec<u32>>()).0;
        assert!((result.test.loss - tested).abs() < 1e-6);
        assert_eq!(training.weights().expect("it reads"), case.weights);
    }
}

#[test]
fn a_step_is_adamw_and_a_recorded_epoch_has_the_bits_of_one_that_is_not() {
    let Some((libraries, _guard)) = emulator("") else {
        return;
    };
    let card = Card::open(&libraries, 0).expect("it opens");
    let case = Case::new(12, true);
    // Epochs from the second on are recorded ones; a new training starts with one that is not.
    let mut recorded = case.training(&card, Math::F32);
    let mut run = |rate: f32| {
        recorded.start(&case.plan(rate)).expect("it starts");
        recorded.finish().expect("it ends")
    };
    run(0.0);
    let zero = case.plan(0.0);
    assert_eq!(zero.schedule[0][1], 0.0);
    let (first, second) = (run(0.01), run(0.02));
    assert!(second.train_loss < first.train_loss, "{first:?} {second:?}");
    let again = |_| {
        let mut training = case.training(&card, Math::F32);
        let sums = [0.0, 0.01, 0.02].map(|rate| {
            training.start(&case.plan(rate)).expect("it starts");
            training.finish().expect("it ends")
        });
        (sums[1], sums[2], training.weights().expect("it reads"))
    };
    let [one, two] = [0, 1].map(again);
    assert_eq!(one, two);
    assert_eq!((one.0, one.1), (first, second));
    // One step by hand: m = 0.1 g, v = 0.001 g^2, so a rate of 0.01 moves by 0.01 m / (sqrt(v) + eps).
    let mut training = case.training(&card, Math::F32);
    let single = EpochPlan {
        schedule: vec![[0.9, 0.01, 1.0], [1.0, 0.0, 1.0]],
        ..case.plan(0.0)
    };
    training.start(&single).expect("it starts");
    training.finish().expect("it ends");
    let (_, gradients) = case.plain(&case.weights, &single.order[..20]);
    let moved = training.weights().expect("it reads");
    for ((after, before), gradient) in moved
        .embed
        .iter()
        .zip(&case.weights.embed)
        .zip(&gradients[0])
    {
        let expected = f64::from(*before) * 0.9
            - 0.01 * 0.1 * gradient / ((0.001f64).sqrt() * gradient.abs() + 1e-8);
        // The first moment is 0.1 g, the root of the second 0.0316 |g|: the sign decides, unless g is about 0.
        assert!(
            gradient.abs() < 1e-6 || (f64::from(*after) - expected).abs() < 1e-5,
            "{after} {expected}"
        );
    }
}

#[test]
fn tf32_differs_by_its_rounding() {
    let Some((libraries, _guard)) = emulator("") else {
        return;
    };
    let card = Card::open(&libraries, 0).expect("it opens");
    let case = Case::new(61, false);
    let gradient = |math| {
        let mut training = case.training(&card, math);
        training.start(&case.plan(0.0)).expect("it starts");
        training.finish().expect("it ends");
        training.gradients().expect("it reads").embed
    };
    let (exact, rounded) = (gradient(Math::F32), gradient(Math::Tf32));
    let sum = |values: Vec<f64>| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let norm = sum(exact.iter().map(|&value| f64::from(value)).collect());
    let difference = sum(exact
        .iter()
        .zip(&rounded)
        .map(|(a, b)| f64::from(a - b))
        .collect())
        / norm;
    assert!((1e-5..5e-3).contains(&difference), "{difference}");
}

#[test]
fn a_card_without_room_and_wrong_sizes_are_refused() {
    let Some((libraries, _guard)) = emulator("memory=300") else {
        return;
    };
    let card = Card::open(&libraries, 0).expect("it opens");
    let case = Case::new(12, false);
    let new = |labels: &[u16]| {
        let settings = Settings {
            batch: 20,
            epoch_images: 40,
            math: Math::F32,
            inputs: StepInputs::Stored { noise_std: 0.1 },
            optimiser: Optimiser::Sgd {
                momentum: 0.9,
                weight_decay: 0.0,
                nesterov: false,
            },
        };
        let images = Images {
            labels,
            pixels: &case.pixels,
        };
        let sets = DataSets {
            preparation: &preparation(37),
            train: images,
            test: images,
        };
        let training = Training::new(&card, case.sizes, settings, &case.weights, sets);
        training.map(drop).expect_err("it does not fit").to_string()
    };
    let needed = bilinear::memory_mib(case.sizes, 37, 20, 45, 45);
    assert_eq!(
        new(&case.labels),
        format!("emulated card has 300 MiB of memory free, the training needs {needed} MiB")
    );
    assert_eq!(
        new(&case.labels[..10]),
        "40 of 10 training images in batches of 20, 10 test images"
    );
    assert_eq!(GENERATORS, 16);
}
