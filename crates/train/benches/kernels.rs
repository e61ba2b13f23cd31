//! The kernels of the training loop against their plain forms, and one whole step.
//!
//! `cargo bench -p eigenscope-train`. Plain noise is Box-Muller with the standard library's functions; plain
//! AdamW is burn's tensor operations.

use burn::tensor::{Device, Tensor, TensorData};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use eigenscope_artifact::InputShape;
use eigenscope_models::{StoredModel, networks};
use eigenscope_stage::Seed;
use eigenscope_train::{AdamW, NormalStream, OptimiserKind, initialise, train_step};

/// One batch of MNIST.
const BATCH: usize = 2048;
const WIDTH: usize = 784;
/// Weights of the model with d = 300.
const WEIGHTS: usize = 300 * 784 + 600 * 300 + 10 * 300;

fn main() {
    divan::main();
}

#[divan::bench]
fn noise_fused(bencher: Bencher<'_, '_>) {
    let source = vec![0.5; BATCH * WIDTH];
    let rows: Vec<u32> = (0..BATCH as u32).rev().collect();
    let mut stream = NormalStream::new(Seed(1), "bench", 0);
    let mut out = Vec::new();
    bencher
        .counter(ItemsCount::new(BATCH * WIDTH))
        .bench_local(|| {
            stream.gather(black_box(&source), WIDTH, &rows, 0.4, &mut out);
            out[0]
        });
}

#[divan::bench]
fn noise_plain(bencher: Bencher<'_, '_>) {
    let source = vec![0.5f32; BATCH * WIDTH];
    let rows: Vec<usize> = (0..BATCH).rev().collect();
    let mut stream = Seed(1).stream("bench", 0);
    bencher
        .counter(ItemsCount::new(BATCH * WIDTH))
        .bench_local(|| {
            let mut out = Vec::with_capacity(BATCH * WIDTH);
            for &row in &rows {
                for pair in black_box(&source)[row * WIDTH..][..WIDTH].chunks_exact(2) {
                    let radius = (-2.0 * (1.0 - stream.uniform()).ln()).sqrt() * 0.4;
                    let (sine, cosine) = (std::f64::consts::TAU * stream.uniform()).sin_cos();
                    out.push(pair[0] + (radius * cosine) as f32);
                    out.push(pair[1] + (radius * sine) as f32);
                }
            }
            out
        });
}

#[divan::bench]
fn adamw_fused(bencher: Bencher<'_, '_>) {
    let mut parameters = [vec![0.1f32; WEIGHTS]];
    let gradients = [vec![0.01f32; WEIGHTS]];
    let mut optimiser = AdamW::new(1.0, [WEIGHTS].into_iter());
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| {
        optimiser.step(1e-3, parameters.iter_mut(), black_box(&gradients));
    });
}

#[divan::bench]
fn adamw_tensor_operations(bencher: Bencher<'_, '_>) {
    let device = Device::flex();
    let full = |value: f32| -> Tensor<1> {
        Tensor::from_data(TensorData::new(vec![value; WEIGHTS], [WEIGHTS]), &device)
    };
    let (mut parameter, gradient) = (full(0.1), full(0.01));
    let (mut first, mut second) = (full(0.0), full(0.0));
    bencher.counter(ItemsCount::new(WEIGHTS)).bench_local(|| {
        first = first.clone() * 0.9 + gradient.clone() * 0.1;
        second = second.clone() * 0.999 + gradient.clone() * gradient.clone() * 0.001;
        let step = first.clone() / (second.clone().sqrt() + 1e-8);
        parameter = parameter.clone() * 0.999 - step * 1e-3;
    });
}

#[divan::bench(args = [30, 100, 300, 500, 1000])]
fn step(bencher: Bencher<'_, '_>, hidden: usize) {
    let classes = (0..10).map(|class| class.to_string()).collect();
    let architecture = networks::bilinear(InputShape::from([1, 28, 28]), classes, hidden, false);
    let architecture = architecture.expect("any input fits");
    let tensors = initialise(&architecture, Seed(1));
    let mut model = StoredModel::new(architecture, tensors).expect("its own tensors fit");
    let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
    let mut optimiser = OptimiserKind::AdamW { weight_decay: 1.0 }.start(lengths);
    let mut inputs = Vec::new();
    let rows: Vec<u32> = vec![0; BATCH];
    NormalStream::new(Seed(1), "bench", 0).gather(&[0.5; WIDTH], WIDTH, &rows, 0.4, &mut inputs);
    let labels: Vec<u16> = (0..BATCH).map(|image| (image % 10) as u16).collect();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        train_step(&mut model, &mut optimiser, 1e-3, inputs.clone(), &labels).is_ok()
    });
}
