//! Forward and backward pass of the convolutional parts of three networks, and of the gate, against burn's own operations.
//!
//! `cargo bench --workspace --bench networks`; the counter is images. Whole training steps are compared with PyTorch by
//! the bench `epochs` of the crate `train`.

use burn::tensor::activation::relu;
use burn::tensor::module::{batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use divan::Bencher;
use divan::counter::ItemsCount;
use eigenscope_kernels::{Epilogue, Geometry, ImageShape, batch_norm, convolution, gate};

fn main() {
    divan::main();
}

/// One convolution with what follows it.
struct Stage {
    geometry: Geometry,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    /// Weight and bias of the normalisation.
    norm: Option<(Tensor<1>, Tensor<1>)>,
    epilogue: Epilogue,
}

#[derive(Debug, Clone, Copy)]
enum Network {
    /// 1 x 32 x 32; twice 5 x 5 with stride 2, ReLU.
    Cnn,
    /// 1 x 28 x 28; 5 x 5, ReLU, pooling; 5 x 5, batch norm, ReLU, pooling.
    ConvNet,
    /// 1 x 221 x 221; four times 2 x 2, ReLU, pooling.
    EmbeddingNet,
}

const NETWORKS: [Network; 3] = [Network::Cnn, Network::ConvNet, Network::EmbeddingNet];

fn tensor<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    let length = shape.iter().product();
    let values = (0..length).map(|i| ((i * 7919) % 1009) as f32 / 1009.0 - 0.5);
    let data = TensorData::new(values.collect::<Vec<f32>>(), shape);
    Tensor::from_data(data, &Device::flex().autodiff())
}

fn leaf<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    tensor(shape).require_grad()
}

/// A stage with `[outputs, kernel, stride]` for square images.
fn stage(channels: usize, side: usize, window: [usize; 3], epilogue: Epilogue) -> Stage {
    let [outputs, kernel, stride] = window;
    Stage {
        geometry: Geometry::new(
            ImageShape {
                channels,
                height: side,
                width: side,
            },
            stride,
        ),
        weight: leaf([outputs, channels, kernel, kernel]),
        bias: (epilogue == Epilogue::ReluMaxPool).then(|| leaf([outputs])),
        norm: None,
        epilogue,
    }
}

/// Rows of one batch, and the stages.
fn network(network: Network) -> (Tensor<2>, Vec<Stage>) {
    let pooled = Epilogue::ReluMaxPool;
    let (batch, stages) = match network {
        Network::Cnn => (
            128,
            vec![
                stage(1, 32, [32, 5, 2], Epilogue::Relu),
                stage(32, 14, [64, 5, 2], Epilogue::Relu),
            ],
        ),
        Network::ConvNet => {
            let mut second = stage(32, 12, [64, 5, 1], pooled);
            second.norm = Some((leaf([64]), leaf([64])));
            (64, vec![stage(1, 28, [32, 5, 1], pooled), second])
        }
        Network::EmbeddingNet => (
            64,
            vec![
                stage(1, 221, [8, 2, 1], pooled),
                stage(8, 110, [16, 2, 1], pooled),
                stage(16, 54, [32, 2, 1], pooled),
                stage(32, 26, [64, 2, 1], pooled),
            ],
        ),
    };
    (tensor([batch, stages[0].geometry.input.len()]), stages)
}

fn kernels(rows: Tensor<2>, stage: &Stage) -> Tensor<2> {
    let (weight, bias) = (stage.weight.clone(), stage.bias.clone());
    let Some((scale, shift)) = stage.norm.clone() else {
        return convolution(rows, weight, bias, stage.geometry, stage.epilogue);
    };
    let rows = convolution(rows, weight.clone(), bias, stage.geometry, Epilogue::Linear);
    let [outputs, _, kernel, _] = weight.dims();
    let maps = ImageShape {
        channels: outputs,
        height: stage.geometry.input.height - kernel + 1,
        width: stage.geometry.input.width - kernel + 1,
    };
    batch_norm(rows, scale, shift, maps, 1e-5, stage.epilogue).rows
}

fn burn(rows: Tensor<2>, stage: &Stage) -> Tensor<2> {
    let Geometry { input, stride, .. } = stage.geometry;
    let [batch, _] = rows.dims();
    let options = ConvOptions::new([stride; 2], [0, 0], [1, 1], 1);
    let (weight, bias) = (stage.weight.clone(), stage.bias.clone());
    let images = rows.reshape([batch, input.channels, input.height, input.width]);
    let maps = conv2d(images, weight, bias, options);
    let maps = match stage.norm.clone() {
        Some((scale, shift)) => batch_norm_train(maps, scale, shift, 1e-5).output,
        None => maps,
    };
    let maps = match stage.epilogue {
        Epilogue::Linear => maps,
        Epilogue::Relu => relu(maps),
        Epilogue::ReluMaxPool => max_pool2d(relu(maps), MaxPoolOptions::new([2, 2])),
    };
    maps.flatten(1, 3)
}

fn step(bencher: Bencher<'_, '_>, which: Network, apply: impl Fn(Tensor<2>, &Stage) -> Tensor<2>) {
    let (rows, stages) = network(which);
    let images = rows.dims()[0];
    bencher.counter(ItemsCount::new(images)).bench_local(|| {
        let result = stages.iter().fold(rows.clone(), &apply);
        let mut gradients = result.sum().backward();
        stages[0].weight.grad_remove(&mut gradients)
    });
}

#[divan::bench(args = NETWORKS, sample_count = 20)]
fn network_kernels(bencher: Bencher<'_, '_>, which: Network) {
    step(bencher, which, kernels);
}

#[divan::bench(args = NETWORKS, sample_count = 20)]
fn network_burn(bencher: Bencher<'_, '_>, which: Network) {
    step(bencher, which, burn);
}

fn gated(bencher: Bencher<'_, '_>, apply: impl Fn(Tensor<2>) -> Tensor<2>) {
    let rows = leaf([2048, 600]);
    bencher
        .counter(ItemsCount::new(2048_usize))
        .bench_local(|| {
            let mut gradients = apply(rows.clone()).sum().backward();
            rows.grad_remove(&mut gradients)
        });
}

#[divan::bench]
fn gate_kernels(bencher: Bencher<'_, '_>) {
    gated(bencher, gate);
}

#[divan::bench]
fn gate_burn(bencher: Bencher<'_, '_>) {
    gated(bencher, |rows| {
        let [samples, width] = rows.dims();
        let left = rows.clone().slice([0..samples, 0..width / 2]);
        left * rows.slice([0..samples, width / 2..width])
    });
}
