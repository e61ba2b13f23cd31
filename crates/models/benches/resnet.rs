//! Forward pass of ResNet-18 (the architecture of torchvision) on images of 32 x 32 pixels, on one thread, beside PyTorch.
//!
//! `cargo bench --workspace --bench resnet -- --python PYTHON`; without `--python` it is measured alone. The two take turns, batch
//! by batch; the medians of CPU time are compared, because other programs may run on the machine.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::InputShape;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Model, values};
use eigenscope_testing::{class_names, cpu_seconds, median, untrained};
use serde_json::{Value, json};

const BATCH: usize = 128;
const ROUNDS: usize = 15;

fn convolution(channels: usize, kernel: usize, stride: usize) -> Value {
    json!({ "conv": {
        "channels": channels, "kernel": kernel, "stride": stride, "padding": kernel / 2, "bias": false
    }})
}

fn resnet18() -> Value {
    let mut steps = vec![
        convolution(64, 7, 2),
        json!("batch-norm"),
        json!("relu"),
        json!({ "max-pool": { "kernel": 3, "stride": 2, "padding": 1 } }),
    ];
    for (channels, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
        for stride in [stride, 1] {
            let branch = json!([
                convolution(channels, 3, stride),
                "batch-norm",
                "relu",
                convolution(channels, 3, 1),
                "batch-norm"
            ]);
            let mut block = json!({ "steps": branch });
            if stride != 1 {
                block["shortcut"] = json!([convolution(channels, 1, stride), "batch-norm"]);
            }
            steps.extend([json!({ "residual": block }), json!("relu")]);
        }
    }
    steps.extend([json!("global-average-pool"), json!({ "linear": "classes" })]);
    Value::Array(steps)
}

fn forward(model: &Model, device: &Device) -> f64 {
    let shape = [BATCH, 3 * 32 * 32];
    let pixels = (0..BATCH * 3 * 32 * 32).map(|i| ((i * 7919) % 1009) as f32 / 1009.0);
    let images = TensorData::new(pixels.collect::<Vec<_>>(), shape);
    let images: Tensor<2> = Tensor::from_data(images, device);
    let start = cpu_seconds();
    let logits = values(model.forward(images)).expect("f32");
    assert!(logits.iter().all(|logit| logit.is_finite()));
    cpu_seconds() - start
}

fn main() {
    let list = StepList::parse(&resnet18()).expect("a list");
    let architecture =
        list.architecture("resnet-18", InputShape::from([3, 32, 32]), class_names(10));
    let device = Device::flex();
    let model = untrained(&architecture.expect("it fits"), 1);
    let model = model.load(&device).expect("it loads");
    let mut ours = Vec::new();
    let mut arguments = std::env::args().skip_while(|argument| argument != "--python");
    let Some(python) = arguments.nth(1) else {
        ours.extend((0..ROUNDS).map(|_| forward(&model, &device)));
        return println!("{:.1} ms a batch of {BATCH}", 1e3 * median(ours));
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/resnet.py");
    let mut peer = Command::new(python)
        .args([script, &BATCH.to_string()])
        .env("OMP_NUM_THREADS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let mut asks = peer.stdin.take().expect("a pipe");
    let mut answers = BufReader::new(peer.stdout.take().expect("a pipe")).lines();
    let mut theirs = Vec::new();
    for round in 0..=ROUNDS {
        writeln!(asks, "batch").expect("it listens");
        let answer = answers.next().expect("an answer").expect("text");
        let (mine, other) = (forward(&model, &device), answer.parse().expect("seconds"));
        if round > 0 {
            ours.push(mine);
            theirs.push(other);
        }
    }
    drop(asks);
    peer.wait().expect("it ends");
    let (ours, theirs) = (median(ours), median(theirs));
    println!(
        "{:.1} ms a batch of {BATCH}, PyTorch {:.1} ms: {:.2} times faster",
        1e3 * ours,
        1e3 * theirs,
        theirs / ours
    );
}
