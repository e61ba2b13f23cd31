//! Our side.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use eigenscope_models::{Evaluation, StoredModel, evaluate};
use eigenscope_stage::Seed;
use eigenscope_testing::cpu_seconds;
use eigenscope_train::{
    Augmentation, Augmenter, DataSet, DropoutStream, Optimiser, OptimiserKind, SgdConstants,
    initialise, train_step,
};

use crate::Outcome;
use crate::lists::{BATCH, Listed};

const SEED: Seed = Seed(1);

/// Images with their classes.
pub(crate) struct Batch {
    /// `None` for an evaluation.
    pub(crate) learning_rate: Option<f64>,
    pub(crate) inputs: Vec<f32>,
    pub(crate) labels: Vec<u16>,
}

impl Batch {
    pub(crate) fn at(self, learning_rate: f64) -> Self {
        Self {
            learning_rate: Some(learning_rate),
            ..self
        }
    }
}

pub(crate) struct Training {
    model: StoredModel,
    optimiser: Optimiser,
    augmenter: Augmenter,
    learning_rate: f64,
    train: DataSet,
    test: DataSet,
}

impl Training {
    /// From the weights that the seed draws, on images to train and to test on.
    pub(crate) fn new(listed: &Listed, [train, test]: [DataSet; 2]) -> Self {
        let architecture = listed.architecture();
        let tensors = initialise(&architecture, SEED);
        let model = StoredModel::new(architecture, tensors).expect("tensors that fit");
        let constants = SgdConstants {
            momentum: listed.momentum,
            nesterov: false,
            weight_decay: listed.weight_decay,
        };
        let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
        let flips: &[Augmentation] = if listed.flips {
            &[Augmentation::Flip]
        } else {
            &[]
        };
        Self {
            optimiser: OptimiserKind::Sgd(constants).start(lengths),
            augmenter: Augmenter::new(flips, &train).expect("room"),
            learning_rate: listed.learning_rate,
            model,
            train,
            test,
        }
    }

    /// The weights, in stored order.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &[f32]> {
        self.model
            .tensors
            .iter()
            .map(|tensor| tensor.data.as_slice())
    }

    /// Steps of an epoch.
    pub(crate) fn batches(&self) -> usize {
        self.train.labels().len().div_ceil(BATCH)
    }

    /// A batch of an epoch, as the stage program takes it; after the last the first comes again.
    pub(crate) fn batch(&self, epoch: u32, number: usize) -> Batch {
        let images = self.train.labels().len();
        let mut order: Vec<u32> = (0..images as u32).collect();
        SEED.stream("shuffle", u64::from(epoch)).shuffle(&mut order);
        let batches = self.batches();
        let rows = order.chunks(BATCH).nth(number % batches);
        let rows = rows.expect("one of the epoch");
        let index = u64::from(epoch) * batches as u64 + number as u64;
        let labels = rows.iter().map(|&row| self.train.labels()[row as usize]);
        Batch {
            learning_rate: Some(self.learning_rate),
            inputs: self.augmenter.batch(&self.train, rows, SEED, index),
            labels: labels.collect(),
        }
    }

    pub(crate) fn step(&mut self, batch: &Batch) -> Outcome {
        let inputs = batch.inputs.clone();
        let rate = batch.learning_rate.unwrap_or(self.learning_rate);
        let mut dropout = DropoutStream::new(SEED, 0);
        let start = cpu_seconds();
        let result = train_step(
            &mut self.model,
            &mut self.optimiser,
            rate,
            inputs,
            &batch.labels,
            &mut |values, rate| dropout.mask(values, rate),
        );
        let cpu_seconds = cpu_seconds() - start;
        let result = result.expect("finite");
        Outcome {
            images: batch.labels.len(),
            loss: f64::from(result.loss_nats),
            correct: result.correct,
            cpu_seconds,
        }
    }

    /// The test images in batches.
    pub(crate) fn tests(&self) -> impl Iterator<Item = Batch> + use<> {
        let batches = self.test.batches().map(|(inputs, labels)| Batch {
            learning_rate: None,
            inputs: inputs.into_owned(),
            labels: labels.to_vec(),
        });
        batches.collect::<Vec<_>>().into_iter()
    }

    pub(crate) fn evaluate(&self, batch: &Batch) -> Outcome {
        let device = Device::flex();
        let start = cpu_seconds();
        let model = self.model.load(&device).expect("it loads");
        let found: Evaluation = evaluate(
            &model,
            &batch.inputs,
            &batch.labels,
            batch.labels.len(),
            &device,
        )
        .expect("finite");
        Outcome {
            images: found.images,
            loss: found.loss_nats,
            correct: found.correct,
            cpu_seconds: cpu_seconds() - start,
        }
    }
}

/// The training images of CIFAR-10, at most so many, and its test images, from the files of its binary version.
pub(crate) fn cifar(listed: &Listed, folder: &Path, images: usize) -> [DataSet; 2] {
    const IMAGE: usize = 3 * 32 * 32;
    let read = |names: &[&str], images: usize| {
        let (mut stored, mut labels) = (Vec::new(), Vec::new());
        for name in names {
            let bytes = fs::read(folder.join(name)).expect("a file of CIFAR-10");
            for record in bytes.chunks_exact(IMAGE + 1) {
                if labels.len() < images {
                    labels.push(u16::from(record[0]));
                    stored.extend_from_slice(&record[1..]);
                }
            }
        }
        DataSet::new(&listed.pixels(), stored, labels)
    };
    let names = [1, 2, 3, 4, 5].map(|number| format!("data_batch_{number}.bin"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    [read(&names, images), read(&["test_batch.bin"], images)]
}
