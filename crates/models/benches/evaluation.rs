//! Evaluation of networks with convolutions by the number of images of a forward pass, on one thread.
//!
//! `cargo bench --workspace --bench evaluation`. Medians of CPU time for each image. All sizes must make the same bits.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::InputShape;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Model, values};
use eigenscope_testing::{class_names, cpu_seconds, median, untrained};
use serde_json::{Value, json};

const IMAGES: usize = 2000;
const SIZES: [usize; 8] = [2000, 1000, 500, 250, 128, 64, 32, 16];
const ROUNDS: usize = 3;
const WIDTH: usize = 3 * 32 * 32;

fn convolution(channels: usize, stride: usize) -> Value {
    json!({ "conv": { "channels": channels, "kernel": 3, "stride": stride, "padding": 1, "bias": false } })
}

/// Three groups of three blocks of 16, 32 and 64 channels.
fn resnet20() -> Value {
    let mut steps = vec![convolution(16, 1), json!("batch-norm"), json!("relu")];
    for (channels, first) in [(16, 1), (32, 2), (64, 2)] {
        for stride in [first, 1, 1] {
            let branch = json!([
                convolution(channels, stride),
                "batch-norm",
                "relu",
                convolution(channels, 1),
                "batch-norm"
            ]);
            let mut block = json!({ "steps": branch });
            if stride != 1 {
                block["shortcut"] = json!([
                    { "conv": { "channels": channels, "kernel": 1, "stride": 2, "bias": false } },
                    "batch-norm"
                ]);
            }
            steps.extend([json!({ "residual": block }), json!("relu")]);
        }
    }
    steps.extend([json!("global-average-pool"), json!({ "linear": "classes" })]);
    Value::Array(steps)
}

/// Two convolutions of each size before each pooling, as VGG has them.
fn vgg() -> Value {
    let mut steps = Vec::new();
    for channels in [64, 128, 256] {
        for _ in 0..2 {
            steps.extend([convolution(channels, 1), json!("batch-norm"), json!("relu")]);
        }
        steps.push(json!({ "max-pool": 2 }));
    }
    steps.extend([
        json!({ "linear": 512 }),
        json!("relu"),
        json!({ "linear": "classes" }),
    ]);
    Value::Array(steps)
}

/// CPU seconds for all images, and their logits.
fn evaluated(model: &Model, images: &[f32], rows: usize, device: &Device) -> (f64, Vec<f32>) {
    let (mut seconds, mut logits) = (0.0, Vec::new());
    for batch in images.chunks(rows * WIDTH) {
        let data = TensorData::new(batch.to_vec(), [batch.len() / WIDTH, WIDTH]);
        let batch: Tensor<2> = Tensor::from_data(data, device);
        let start = cpu_seconds();
        logits.extend(values(model.forward(batch)).expect("f32"));
        seconds += cpu_seconds() - start;
    }
    (seconds, logits)
}

fn main() {
    let device = Device::flex();
    for (name, steps, images) in [
        ("resnet-20", resnet20(), IMAGES),
        ("vgg", vgg(), IMAGES / 4),
    ] {
        let list = StepList::parse(&steps).expect("a list");
        let architecture = list.architecture(name, InputShape::from([3, 32, 32]), class_names(10));
        let model = untrained(&architecture.expect("it fits"), 1);
        let model = model.load(&device).expect("it loads");
        let pixels = (0..images * WIDTH).map(|i| ((i * 7919) % 1009) as f32 / 1009.0);
        let pixels: Vec<f32> = pixels.collect();
        let mut expected: Option<Vec<u32>> = None;
        for rows in SIZES.into_iter().filter(|&rows| rows <= images) {
            let mut seconds = Vec::new();
            for _ in 0..ROUNDS {
                let (took, logits) = evaluated(&model, &pixels, rows, &device);
                seconds.push(took);
                let bits: Vec<u32> = logits.iter().map(|logit| logit.to_bits()).collect();
                let expected = expected.get_or_insert_with(|| bits.clone());
                if *expected != bits {
                    let other = expected.iter().zip(&bits).filter(|(a, b)| a != b).count();
                    println!("{name}, {rows} images: {other} logits of other bits");
                }
            }
            let each = 1e3 * median(seconds) / images as f64;
            println!("{name}, {rows} images at a time: {each:.3} ms an image");
        }
    }
}
