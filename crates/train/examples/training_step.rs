//! Times whole training steps (forward, backward, update) of one convolutional network on random images, in one thread.
//!
//! `training_step cnn|convnet|embedding-net STEPS` prints the fastest step as milliseconds per 1000 images. Benches use it to compare
//! with PyTorch.

#![allow(clippy::print_stdout, reason = "its output is what it is for")]

use std::process::ExitCode;
use std::time::Instant;

use eigenscope_artifact::InputShape;
use eigenscope_models::{Network, StoredModel, networks};
use eigenscope_stage::Seed;
use eigenscope_train::{OptimiserKind, initialise, train_step};

/// Network, side of its images, images a step, optimiser: those of the task kinds.
fn recipe(name: &str) -> Option<(Network, usize, usize, OptimiserKind)> {
    let adam = OptimiserKind::AdamW { weight_decay: 0.0 };
    let channels = vec![32, 64];
    match name {
        "cnn" => Some((
            Network::Cnn { channels },
            32,
            128,
            OptimiserKind::Sgd { momentum: 0.9 },
        )),
        "convnet" => Some((Network::Convnet, 28, 128, adam)),
        "embedding-net" => Some((Network::EmbeddingNet { embedding: 3 }, 221, 64, adam)),
        _ => None,
    }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_default();
    let steps = arguments.next().and_then(|steps| steps.parse().ok());
    let (Some((network, side, batch, optimiser)), Some(steps)) = (recipe(&name), steps) else {
        println!("usage: training_step cnn|convnet|embedding-net STEPS");
        return ExitCode::from(2);
    };
    match fastest(network, side, batch, optimiser, steps) {
        Ok(seconds) => {
            println!("{}", 1e6 * seconds / batch as f64);
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Seconds of the fastest step.
fn fastest(
    network: Network,
    side: usize,
    batch: usize,
    optimiser: OptimiserKind,
    steps: usize,
) -> Result<f64, Box<dyn std::error::Error>> {
    let classes = (0..10).map(|class| class.to_string()).collect();
    let architecture = networks::architecture(InputShape::from([1, side, side]), classes, network)?;
    let tensors = initialise(&architecture, Seed(1));
    let mut model = StoredModel::new(architecture, tensors)?;
    let mut optimiser = optimiser.start(model.tensors.iter().map(|tensor| tensor.data.len()));
    let mut stream = Seed(2).stream("images", 0);
    let inputs: Vec<f32> = (0..batch * side * side)
        .map(|_| stream.uniform() as f32 - 0.5)
        .collect();
    let labels: Vec<u16> = (0..batch).map(|image| (image % 10) as u16).collect();
    let mut fastest = f64::INFINITY;
    for _ in 0..steps {
        let inputs = inputs.clone();
        let start = Instant::now();
        train_step(&mut model, &mut optimiser, 1e-4, inputs, &labels)?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok(fastest)
}
