//! The PyTorch script beside this file.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::json;

use crate::Outcome;
use crate::lists::Listed;
use crate::training::Batch;

pub(crate) struct Peer {
    process: Child,
    /// `None` once it is told to end.
    asks: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts with these weights.
    pub(crate) fn start<'a>(
        python: &Path,
        listed: &Listed,
        tensors: impl Iterator<Item = &'a [f32]>,
    ) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/steps/pytorch.py");
        let mut process = Command::new(python)
            .arg(script)
            .env("OMP_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python");
        let mut asks = process.stdin.take().expect("a pipe");
        let answers = process.stdout.take().expect("a pipe");
        let told = json!({
            "steps": listed.steps, "shape": listed.shape(), "classes": listed.classes,
            "momentum": listed.momentum, "weight_decay": listed.weight_decay,
        });
        writeln!(asks, "{told}").expect("it listens");
        for tensor in tensors {
            asks.write_all(&bytes(tensor)).expect("it listens");
        }
        Self {
            process,
            asks: Some(asks),
            answers: BufReader::new(answers).lines(),
        }
    }

    /// A training step, or an evaluation of a batch without a learning rate.
    pub(crate) fn step(&mut self, batch: &Batch) -> Outcome {
        let images = batch.labels.len();
        let asks = self.asks.as_mut().expect("it runs");
        let told = json!({ "images": images, "learning_rate": batch.learning_rate });
        writeln!(asks, "{told}").expect("it listens");
        asks.write_all(&bytes(&batch.inputs)).expect("it listens");
        let labels: Vec<u8> = batch.labels.iter().map(|&label| label as u8).collect();
        asks.write_all(&labels).expect("it listens");
        asks.flush().expect("it listens");
        let answer = self.answers.next().expect("an answer").expect("text");
        let numbers: Vec<f64> = answer
            .split(' ')
            .map(|number| number.parse().expect("a number"))
            .collect();
        Outcome {
            images,
            loss: numbers[0],
            correct: numbers[1] as usize,
            cpu_seconds: numbers[2],
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.process.wait();
    }
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
