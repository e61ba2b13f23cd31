//! One pass over all ranks against one evaluation a rank, for the first and the second layer of the published MLP, on
//! one thread.
//!
//! `cargo bench --workspace --bench clipping`. `clipping_pytorch.py` beside this file compares the whole curve with
//! PyTorch.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_metrics::layers::ClippedLayer;
use eigenscope_models::{Layer, Runner, StoredModel, networks};

const IMAGES: usize = 1000;
const INPUTS: usize = 1024;
const RANKS: usize = 16;

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build_global().expect("no pool exists yet");
    divan::main();
}

#[divan::bench(args = ["layer1", "layer2"], sample_count = 10)]
fn one_pass(bencher: Bencher<'_, '_>, layer: &str) {
    let Mlp {
        model,
        inputs,
        labels,
        layer,
        basis,
    } = Mlp::new(layer);
    let runner = Runner::new(&model).expect("it loads");
    let inputs = |images: Range<usize>| inputs[images.start * INPUTS..images.end * INPUTS].to_vec();
    bencher.counter(ItemsCount::new(RANKS)).bench_local(|| {
        let clipped = ClippedLayer::new(&model, &runner, layer.clone(), black_box(&basis));
        clipped.and_then(|clipped| clipped.correct(&labels, inputs))
    });
}

#[divan::bench(args = ["layer1", "layer2"], sample_count = 10)]
fn one_evaluation_a_rank(bencher: Bencher<'_, '_>, layer: &str) {
    let Mlp {
        mut model,
        inputs,
        labels,
        layer: (_, layer),
        basis,
    } = Mlp::new(layer);
    let name = layer.weight();
    let position = model.tensors.iter().position(|tensor| tensor.name == name);
    let position = position.expect("it has a weight");
    let whole = model.tensors[position].data.clone();
    bencher.counter(ItemsCount::new(RANKS)).bench_local(|| {
        for rank in 1..=RANKS {
            let vectors = &black_box(&basis).data[..rank * layer.inputs()];
            model.tensors[position].data = project(&whole, vectors, layer.inputs());
            let evaluation =
                Runner::new(&model).and_then(|runner| runner.evaluate(&inputs, &labels));
            black_box(evaluation.expect("it runs"));
        }
    });
}

/// W V^T V.
fn project(weight: &[f32], vectors: &[f32], width: usize) -> Vec<f32> {
    let rows = |values: &[f32]| -> Tensor<2> {
        let shape = [values.len() / width, width];
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
    };
    let vectors = rows(vectors);
    let projected = rows(weight)
        .matmul(vectors.clone().transpose())
        .matmul(vectors);
    projected.into_data().try_into_vec().expect("f32")
}

/// 1024-512-256-10 with numbers for weights, and one layer of it with a basis (of vectors that need not be
/// orthonormal here).
struct Mlp {
    model: StoredModel,
    inputs: Vec<f32>,
    labels: Vec<u16>,
    layer: (usize, Layer),
    basis: NamedTensor,
}

impl Mlp {
    fn new(layer: &str) -> Self {
        let classes = (0..10).map(|class| class.to_string()).collect();
        let input = InputShape::from([1, 1, INPUTS]);
        let architecture = networks::mlp(vec![512, 256])
            .architecture(input, classes)
            .expect("any input fits");
        let tensors = architecture
            .parameters()
            .into_iter()
            .map(|parameter| NamedTensor {
                data: numbers(parameter.shape.iter().product()),
                name: parameter.name,
                shape: parameter.shape,
            });
        let tensors = tensors.collect();
        let (position, layer) = architecture.layer(layer).expect("it is there");
        let layer = layer.clone();
        Self {
            model: StoredModel::new(architecture, tensors).expect("the tensors fit"),
            inputs: numbers(IMAGES * INPUTS),
            labels: (0..IMAGES).map(|image| (image % 10) as u16).collect(),
            basis: NamedTensor {
                name: layer.name.clone(),
                shape: vec![RANKS, layer.inputs()],
                data: numbers(RANKS * layer.inputs()),
            },
            layer: (position, layer),
        }
    }
}

/// Numbers between -0.5 and 0.5 without a pattern.
fn numbers(count: usize) -> Vec<f32> {
    let number = |index: usize| (7919 * index % 1009) as f32 / 1009.0 - 0.5;
    (0..count).map(number).collect()
}
