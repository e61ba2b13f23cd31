//! Training steps of networks whose steps are listed, beside PyTorch from the same weights, batch by batch, on one thread.
//!
//! `cargo bench --workspace --bench steps -- --python PYTHON` takes a few steps on made-up images and compares the medians of CPU
//! time, because other programs may run on the machine; without `--python` ours is measured alone.
//!
//! With `--cifar FOLDER --epochs E [--images N]` it trains the network of `pipelines/resnet20.toml` on CIFAR-10, or on its first N
//! images, and prints losses and accuracies of both after each epoch. Both see the same images in the same order.

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod lists;
mod peer;
mod training;

use std::path::PathBuf;
use std::process::Command;

use eigenscope_testing::{KEEP_MEMORY, median};
use lists::Listed;
use peer::Peer;
use training::{Training, cifar};

/// Epochs of the run on CIFAR-10, unless told.
const EPOCHS: u32 = 1;
/// Steps that are measured on made-up images, after two that warm up.
const STEPS: usize = 12;

fn main() {
    if std::env::var_os(KEEP_MEMORY[0].0).is_none() {
        let mut again = Command::new(std::env::current_exe().expect("this program"));
        again.args(std::env::args_os().skip(1)).envs(KEEP_MEMORY);
        let status = again.status().expect("this program again");
        std::process::exit(status.code().unwrap_or(1));
    }
    let options = Options::read();
    // Products of large matrices are divided among the threads of the pool that they are called in.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.expect("a thread");
    pool.install(|| match &options.cifar {
        Some(folder) => learn(&options, folder),
        None => {
            time(&options, "resnet-20", &lists::resnet20());
            time(&options, "vgg", &lists::vgg());
        }
    });
}

struct Options {
    python: Option<PathBuf>,
    cifar: Option<PathBuf>,
    epochs: u32,
    images: usize,
}

impl Options {
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let value = |name: &str| {
            let at = arguments.iter().position(|argument| argument == name)?;
            arguments.get(at + 1).cloned()
        };
        let number = |text: String| text.parse().expect("a number");
        Self {
            python: value("--python").map(PathBuf::from),
            cifar: value("--cifar").map(PathBuf::from),
            epochs: value("--epochs").map_or(EPOCHS, |text| number(text) as u32),
            images: value("--images").map_or(usize::MAX, number),
        }
    }

    fn peer(&self, listed: &Listed, training: &Training) -> Option<Peer> {
        let python = self.python.as_ref()?;
        Some(Peer::start(python, listed, training.tensors()))
    }
}

/// Medians of the CPU time of a step.
fn time(options: &Options, name: &str, listed: &Listed) {
    let images = lists::made_up();
    let mut training = Training::new(listed, images.clone());
    let mut peer = options.peer(listed, &training);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for step in 0..STEPS + 2 {
        let batch = training.batch(0, step);
        let answer = peer.as_mut().map(|peer| peer.step(&batch));
        let mine = training.step(&batch);
        if step >= 2 {
            ours.push(mine.cpu_seconds);
            theirs.extend(answer.map(|answer| answer.cpu_seconds));
        }
    }
    let ours = 1e3 * median(ours);
    match theirs.is_empty() {
        true => println!("{name}: {ours:.0} ms a step of {} images", lists::BATCH),
        false => {
            let theirs = 1e3 * median(theirs);
            println!(
                "{name}: {ours:.0} ms a step of {} images, PyTorch {theirs:.0} ms: {:.2} times faster",
                lists::BATCH,
                theirs / ours
            );
        }
    }
}

/// Trains on CIFAR-10, ours beside PyTorch's where there is one.
fn learn(options: &Options, folder: &std::path::Path) {
    let listed = lists::resnet20();
    let mut training = Training::new(&listed, cifar(&listed, folder, options.images));
    let mut peer = options.peer(&listed, &training);
    println!(
        "epoch, rate, train loss, train accuracy, test loss, test accuracy, CPU ms a step; ours / PyTorch's"
    );
    for epoch in 0..options.epochs {
        let rate = listed.rate(epoch, options.epochs);
        let (mut ours, mut theirs) = (Sums::default(), Sums::default());
        for number in 0..training.batches() {
            let batch = training.batch(epoch, number).at(rate);
            let answer = peer.as_mut().map(|peer| peer.step(&batch));
            let mine = training.step(&batch);
            if epoch == 0 && number < 64 && (number + 1).is_power_of_two() {
                let other = answer.map_or(f64::NAN, |answer| answer.loss);
                println!("  step {}: {:.7} / {other:.7}", number + 1, mine.loss);
            }
            theirs.add(answer);
            ours.add(Some(mine));
            if (number + 1) % 50 == 0 {
                let (ours, theirs) = (ours.loss(), theirs.loss());
                println!("  mean of {} steps: {ours:.4} / {theirs:.4}", number + 1);
            }
        }
        let (mut our_test, mut their_test) = (Sums::default(), Sums::default());
        for batch in training.tests() {
            their_test.add(peer.as_mut().map(|peer| peer.step(&batch)));
            our_test.add(Some(training.evaluate(&batch)));
        }
        println!(
            "{}, {rate:.4}, {:.4} / {:.4}, {:.2} % / {:.2} %, {:.4} / {:.4}, {:.2} % / {:.2} %, {:.0} / {:.0}",
            epoch + 1,
            ours.loss(),
            theirs.loss(),
            ours.percent(),
            theirs.percent(),
            our_test.loss(),
            their_test.loss(),
            our_test.percent(),
            their_test.percent(),
            1e3 * median(ours.seconds),
            1e3 * median(theirs.seconds),
        );
    }
}

/// What one batch gave.
#[derive(Debug, Clone, Copy)]
struct Outcome {
    images: usize,
    /// Mean cross-entropy.
    loss: f64,
    correct: usize,
    cpu_seconds: f64,
}

/// What batches gave in all.
#[derive(Default)]
struct Sums {
    images: usize,
    losses: f64,
    correct: usize,
    seconds: Vec<f64>,
}

impl Sums {
    fn add(&mut self, outcome: Option<Outcome>) {
        let Some(outcome) = outcome else { return };
        self.images += outcome.images;
        self.losses += outcome.loss * outcome.images as f64;
        self.correct += outcome.correct;
        self.seconds.push(outcome.cpu_seconds);
    }

    /// Mean over the images.
    fn loss(&self) -> f64 {
        self.losses / self.images as f64
    }

    fn percent(&self) -> f64 {
        100.0 * self.correct as f64 / self.images as f64
    }
}
