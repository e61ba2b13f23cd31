//! The kernels of the training loop against their plain forms, and whole steps and evaluations, on one thread.
//!
//! `cargo bench --workspace --bench kernels`. Plain noise is Box-Muller with the standard library's functions; plain
//! AdamW is burn's tensor operations.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use eigenscope_artifact::{InputShape, PixelTransform, Pixels};
use eigenscope_models::{BilinearStep, Evaluation, StoredModel, evaluate_batches, networks};
use eigenscope_stage::Seed;
use eigenscope_train::{
    Augmentation, Augmenter, DataSet, DropoutStream, NormalStream, Optimiser, OptimiserKind,
    bilinear_step, initialise, train_step,
};

/// One batch of MNIST.
const BATCH: usize = 2048;
const WIDTH: usize = 784;
/// Weights of the model with d = 300.
const WEIGHTS: usize = 300 * 784 + 600 * 300 + 10 * 300;

/// Test images of MNIST.
const TESTED: usize = 10_000;

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build_global().expect("no pool exists yet");
    divan::main();
}

#[divan::bench]
fn noise_fused(bencher: Bencher<'_, '_>) {
    let source = vec![0.5; BATCH * WIDTH];
    let rows: Vec<u32> = (0..BATCH as u32).rev().collect();
    let mut stream = NormalStream::new(Seed(1), "bench", 0);
    let mut out = vec![0.0; BATCH * WIDTH];
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

/// Each augmentation alone of a batch that is copied.
#[divan::bench(args = ["none", "noise", "rotation", "translation", "blur", "salt-and-pepper", "flip"])]
fn augmentation(bencher: Bencher<'_, '_>, name: &str) {
    let steps = match name {
        "none" => vec![],
        "noise" => vec![Augmentation::Noise { std: 0.4 }],
        "rotation" => vec![Augmentation::Rotation { degrees: 20.0 }],
        "translation" => vec![Augmentation::Translation { fraction: 0.1 }],
        "blur" => vec![Augmentation::Blur { sigma: 0.5 }],
        "salt-and-pepper" => vec![Augmentation::SaltAndPepper { amount: 0.1 }],
        _ => vec![Augmentation::Flip],
    };
    let pixels = Pixels::new([1, 28, 28], 255, &[PixelTransform::Scale]).expect("they fit");
    let stored = (0..BATCH * WIDTH).map(|value| value as u8).collect();
    let data = DataSet::new(&pixels, stored, vec![0; BATCH]);
    let rows: Vec<u32> = (0..BATCH as u32).rev().collect();
    let augmenter = Augmenter::new(&steps, &data).expect("they are large enough");
    let bencher = bencher.counter(ItemsCount::new(BATCH));
    bencher.bench_local(|| augmenter.batch(&data, black_box(&rows), Seed(1), 0));
}

#[divan::bench]
fn adamw_fused(bencher: Bencher<'_, '_>) {
    let mut parameters = [vec![0.1f32; WEIGHTS]];
    let gradients = [vec![0.01f32; WEIGHTS]];
    let mut optimiser = OptimiserKind::adamw(1.0).start([WEIGHTS].into_iter());
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

/// Gradients of two linear maps, one after the other and with their weights multiplied first.
#[divan::bench(args = [300, 500, 1000])]
fn maps_in_turn(bencher: Bencher<'_, '_>, hidden: usize) {
    two_maps(bencher, hidden, |x, first, second| {
        x.matmul(first.transpose()).matmul(second.transpose())
    });
}

#[divan::bench(args = [300, 500, 1000])]
fn weights_first(bencher: Bencher<'_, '_>, hidden: usize) {
    two_maps(bencher, hidden, |x, first, second| {
        x.matmul(second.matmul(first).transpose())
    });
}

fn two_maps(
    bencher: Bencher<'_, '_>,
    hidden: usize,
    map: fn(Tensor<2>, Tensor<2>, Tensor<2>) -> Tensor<2>,
) {
    let device = Device::flex().autodiff();
    let x = ones([BATCH, WIDTH], &device);
    let first = ones([hidden, WIDTH], &device).require_grad();
    let second = ones([2 * hidden, hidden], &device).require_grad();
    bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
        let outputs = map(x.clone(), first.clone(), second.clone());
        let mut gradients = outputs.sum().backward();
        [&first, &second].map(|map| map.grad_remove(&mut gradients))
    });
}

/// Loss and accuracy on the test images, by the formulas of the layer.
#[divan::bench(args = [30, 300, 1000], sample_count = 20)]
fn evaluation(bencher: Bencher<'_, '_>, hidden: usize) {
    let (model, data) = (model(hidden), tested());
    let mut bilinear = BilinearStep::default();
    bencher.counter(ItemsCount::new(TESTED)).bench_local(|| {
        let layer = model.bilinear_layer(2000, false).expect("a bilinear layer");
        let mut layer = bilinear.evaluation(layer);
        let batches = data.batches();
        Evaluation::of_logits(batches.map(|(inputs, labels)| (layer.logits(&inputs), labels)))
    });
}

/// The same with burn's tensors.
#[divan::bench(args = [30, 300, 1000], sample_count = 20)]
fn evaluation_of_tensors(bencher: Bencher<'_, '_>, hidden: usize) {
    let device = Device::flex();
    let model = model(hidden).load(&device).expect("it loads");
    let data = tested();
    bencher
        .counter(ItemsCount::new(TESTED))
        .bench_local(|| evaluate_batches(&model, data.batches(), &device).expect("it runs"));
}

fn tested() -> DataSet {
    let pixels = Pixels::new([1, 28, 28], 255, &[PixelTransform::Scale]).expect("they fit");
    let labels = (0..TESTED).map(|image| (image % 10) as u16).collect();
    DataSet::new(&pixels, vec![100; TESTED * WIDTH], labels)
}

/// The matrix products of that.
#[divan::bench(args = [30, 300, 1000], sample_count = 20)]
fn evaluation_products(bencher: Bencher<'_, '_>, hidden: usize) {
    let device = Device::flex();
    let rows = 2000;
    let shapes = [[WIDTH, hidden], [hidden, 2 * hidden], [hidden, 10]];
    let products = shapes.map(|[inputs, outputs]| {
        (
            ones([rows, inputs], &device),
            ones([outputs, inputs], &device),
        )
    });
    bencher.counter(ItemsCount::new(TESTED)).bench_local(|| {
        for _ in 0..TESTED / rows {
            for (x, weight) in &products {
                black_box(x.clone().matmul(weight.clone().transpose()));
            }
        }
    });
}

fn ones(shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::ones(shape, device)
}

fn model(hidden: usize) -> StoredModel {
    let classes = (0..10).map(|class| class.to_string()).collect();
    let architecture =
        networks::bilinear(hidden, false).architecture(InputShape::from([1, 28, 28]), classes);
    let architecture = architecture.expect("any input fits");
    let tensors = initialise(&architecture, Seed(1));
    StoredModel::new(architecture, tensors).expect("its own tensors fit")
}

/// A training step by the formulas of the layer.
#[divan::bench(args = [30, 100, 300, 500, 1000])]
fn step(bencher: Bencher<'_, '_>, hidden: usize) {
    let mut bilinear = BilinearStep::default();
    steps(bencher, hidden, |model, optimiser, inputs, labels| {
        let fill = |rows: Range<usize>, out: &mut [f32]| {
            out.copy_from_slice(&inputs[rows.start * WIDTH..rows.end * WIDTH]);
        };
        bilinear_step(model, &mut bilinear, optimiser, 1e-3, labels, fill).is_some()
    });
}

/// The same with gradients that burn records.
#[divan::bench(args = [30, 100, 300, 500, 1000])]
fn step_recorded(bencher: Bencher<'_, '_>, hidden: usize) {
    let mut dropout = DropoutStream::new(Seed(1), 0);
    steps(bencher, hidden, |model, optimiser, inputs, labels| {
        let inputs = inputs.to_vec();
        let masks = &mut |values, rate| dropout.mask(values, rate);
        train_step(model, optimiser, 1e-3, inputs, labels, masks).is_ok()
    });
}

fn steps(
    bencher: Bencher<'_, '_>,
    hidden: usize,
    mut step: impl FnMut(&mut StoredModel, &mut Optimiser, &[f32], &[u16]) -> bool,
) {
    let mut model = model(hidden);
    let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
    let mut optimiser = OptimiserKind::adamw(1.0).start(lengths);
    let mut inputs = vec![0.0; BATCH * WIDTH];
    let rows: Vec<u32> = vec![0; BATCH];
    NormalStream::new(Seed(1), "bench", 0).gather(&[0.5; WIDTH], WIDTH, &rows, 0.4, &mut inputs);
    let labels: Vec<u16> = (0..BATCH).map(|image| (image % 10) as u16).collect();
    bencher
        .counter(ItemsCount::new(BATCH))
        .bench_local(|| step(&mut model, &mut optimiser, &inputs, &labels));
}
