//! The step of a bilinear layer by its formulas against burn's recorded gradients.
#![cfg(feature = "autodiff")]

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use eigenscope_kernels::{BatchLoss, BilinearLayer, BilinearStep, gate};

/// A layer with a batch.
struct Case {
    rows: usize,
    inputs: usize,
    hidden: usize,
    classes: usize,
    bias: bool,
    residual: bool,
    weights_first: bool,
}

struct Values {
    embed: Vec<f32>,
    gate: Vec<f32>,
    bias: Vec<f32>,
    unembed: Vec<f32>,
    rows: Vec<f32>,
    labels: Vec<u16>,
}

/// Numbers between -0.5 and 0.5.
fn numbers(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0 - 0.5
    };
    (0..length).map(|_| next()).collect()
}

impl Case {
    fn values(&self) -> Values {
        let Self {
            rows,
            inputs,
            hidden,
            classes,
            ..
        } = *self;
        Values {
            embed: numbers(1, hidden * inputs),
            gate: numbers(2, 2 * hidden * hidden),
            bias: numbers(3, 2 * hidden),
            unembed: numbers(4, classes * hidden),
            rows: numbers(5, rows * inputs),
            labels: (0..rows).map(|row| (row * row % classes) as u16).collect(),
        }
    }

    fn step(&self, values: &Values, threads: usize) -> (BatchLoss, Vec<Vec<f32>>) {
        let layer = BilinearLayer {
            inputs: self.inputs,
            hidden: self.hidden,
            classes: self.classes,
            embed: &values.embed,
            gate: &values.gate,
            bias: self.bias.then_some(&values.bias),
            unembed: &values.unembed,
            residual: self.residual,
            weights_first: self.weights_first,
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let mut step = BilinearStep::default();
        // What the buffers hold from another batch does not matter.
        let other = vec![0; self.rows / 3 + 1];
        let loss = pool.expect("threads").install(|| {
            step.batch(&layer, &other, |_, out| out.fill(f32::NAN));
            step.batch(&layer, &values.labels, |range, out| {
                let range = range.start * self.inputs..range.end * self.inputs;
                out.copy_from_slice(&values.rows[range]);
            })
        });
        (loss, step.gradients().to_vec())
    }

    /// Loss and gradients by burn, in the same order of multiplication.
    fn burn(&self, values: &Values) -> (f32, Vec<Vec<f32>>) {
        let device = Device::flex().autodiff();
        let leaf = |values: &[f32], rows: usize| -> Tensor<2> {
            let shape = [rows, values.len() / rows];
            let data = TensorData::new(values.to_vec(), shape);
            Tensor::from_data(data, &device).require_grad()
        };
        let (hidden, outputs) = (self.hidden, 2 * self.hidden);
        let embed = leaf(&values.embed, hidden);
        let weight = leaf(&values.gate, outputs);
        let bias = leaf(&values.bias, 1);
        let unembed = leaf(&values.unembed, self.classes);
        let rows = leaf(&values.rows, self.rows).detach();
        let embedded = rows.clone().matmul(embed.clone().transpose());
        let mut halves = match self.weights_first {
            true => rows.matmul(weight.clone().matmul(embed.clone()).transpose()),
            false => embedded.clone().matmul(weight.clone().transpose()),
        };
        if self.bias {
            halves = halves + bias.clone();
        }
        let mut gated = gate(halves);
        if self.residual {
            gated = gated + embedded;
        }
        let logits = gated.matmul(unembed.clone().transpose());
        let labels: Vec<i32> = values.labels.iter().map(|&label| label.into()).collect();
        let labels = TensorData::new(labels, [self.rows, 1]);
        let labels: Tensor<2, Int> = Tensor::from_data(labels, &device);
        let loss = log_softmax(logits, 1).gather(1, labels).mean().neg();
        let mut gradients = loss.backward();
        let leaves = [
            Some(&embed),
            Some(&weight),
            self.bias.then_some(&bias),
            Some(&unembed),
        ];
        let gradients = leaves.into_iter().flatten().map(|leaf| {
            let gradient = leaf.grad_remove(&mut gradients).expect("a gradient");
            gradient.into_data().try_into_vec().expect("f32")
        });
        let gradients = gradients.collect();
        (loss.into_scalar::<f32>(), gradients)
    }
}

#[test]
fn loss_and_gradients_are_those_of_burn() {
    let case = |rows, inputs, hidden, classes| Case {
        rows,
        inputs,
        hidden,
        classes,
        bias: false,
        residual: false,
        weights_first: false,
    };
    let cases = [
        case(64, 20, 7, 3),
        case(1, 5, 2, 2),
        case(2048, 90, 30, 10),
        Case {
            bias: true,
            ..case(700, 600, 40, 10)
        },
        Case {
            bias: true,
            residual: true,
            ..case(515, 64, 300, 4)
        },
        Case {
            weights_first: true,
            ..case(1200, 60, 80, 10)
        },
        Case {
            bias: true,
            weights_first: true,
            ..case(130, 33, 70, 5)
        },
    ];
    for case in cases {
        let values = case.values();
        let (loss, gradients) = case.step(&values, 1);
        let (expected_loss, expected) = case.burn(&values);
        let difference = (loss.loss_nats - expected_loss).abs();
        assert!(
            difference <= 1e-6 * expected_loss,
            "{loss:?} {expected_loss}"
        );
        assert_eq!(gradients.len(), expected.len());
        for (weight, (found, expected)) in gradients.iter().zip(&expected).enumerate() {
            let largest = expected
                .iter()
                .fold(0.0f32, |all, value| all.max(value.abs()));
            assert!(largest > 0.0 || case.rows == 1, "{weight}");
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                let difference = (found - expected).abs();
                assert!(difference <= 1e-6 * largest, "{weight}: {found} {expected}");
            }
        }
        for threads in [2, 3] {
            assert!(
                case.step(&values, threads) == (loss, gradients.clone()),
                "{threads}"
            );
        }
    }
}

#[test]
fn the_first_of_equal_logits_is_the_answer() {
    let case = Case {
        rows: 40,
        inputs: 3,
        hidden: 2,
        classes: 4,
        bias: false,
        residual: false,
        weights_first: false,
    };
    let mut values = case.values();
    values.unembed.fill(0.0);
    let zeros = values.labels.iter().filter(|&&label| label == 0).count();
    let (loss, _) = case.step(&values, 1);
    assert_eq!(loss.correct, zeros);
    assert!((loss.loss_nats - 4f32.ln()).abs() < 1e-6);
}
