//! Training on an emulated card against training on the processor.
#![allow(clippy::expect_used, reason = "a test")]

use std::sync::{Mutex, PoisonError};

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{InputShape, PixelTransform, Pixels};
use eigenscope_gpu::bilinear::{Settings, Sizes, Training, Weights};
use eigenscope_gpu::{Card, EpochPlan, Images, Math, Optimiser, Search};
use eigenscope_models::{StoredModel, networks};
use eigenscope_stage::{Seed, ThreadBudget};
use eigenscope_testing::{Digits, Tolerance, assert_close, class_names, emulated_cuda};
use eigenscope_train::{
    Augmentation, Augmenter, DataSet, LastBatch, NormalStream, OptimiserKind, Recipe, Schedule,
    Shape, initialise, train, train_on_card,
};

const SEED: Seed = Seed(7);

/// The emulated driver is for one thread.
static ONE: Mutex<()> = Mutex::new(());

fn with_card(test: impl FnOnce(&Card)) {
    let _guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(folder) = emulated_cuda() else {
        return;
    };
    let search = Search {
        only: Some(folder),
        ..Search::default()
    };
    let libraries = search.libraries().expect("they are there");
    test(&Card::open(&libraries, 0).expect("it opens"));
}

fn digits() -> [DataSet; 2] {
    let digits = Digits::read();
    let pixels = Pixels::new([1, 8, 8], 16, &[PixelTransform::Scale]).expect("it fits");
    [0..Digits::TRAIN, Digits::TRAIN..1797].map(|rows| {
        let split = digits.split(rows);
        DataSet::new(&pixels, split.pixels, split.labels)
    })
}

fn recipe(epochs: u32) -> Recipe {
    Recipe {
        epochs,
        epoch_fraction: 1.0,
        batch: 128,
        last_batch: LastBatch::Dropped,
        learning_rate: 5e-3,
        schedule: Schedule::new(Shape::Cosine),
        optimiser: OptimiserKind::adamw(0.5),
        augment: vec![Augmentation::Noise { std: 0.3 }],
        evaluate_before: false,
    }
}

fn model(hidden: usize, bias: bool) -> StoredModel {
    let network = networks::bilinear(hidden, bias);
    let architecture = network.architecture(InputShape::from([1, 8, 8]), class_names(10));
    let architecture = architecture.expect("any input fits");
    let tensors = initialise(&architecture, SEED);
    StoredModel::new(architecture, tensors).expect("its own tensors fit")
}

/// The history and the model, trained on the processor and on the card.
fn both(
    card: &Card,
    hidden: usize,
    bias: bool,
    epochs: u32,
) -> [(Vec<HistoryRow>, StoredModel); 2] {
    let [train_set, test_set] = digits();
    let recipe = recipe(epochs);
    let mut plain = model(hidden, bias);
    let threads = ThreadBudget::new(1);
    let history = train(
        &mut plain,
        &train_set,
        &test_set,
        &recipe,
        SEED,
        &threads,
        |_| {},
    );
    let mut carded = model(hidden, bias);
    let mut observed = 0;
    let sets = (&train_set, &test_set);
    let on_card = train_on_card(card, Math::F32, &mut carded, sets, &recipe, SEED, |_| {
        observed += 1
    });
    assert_eq!(observed, epochs);
    [
        (history.expect("it trains"), plain),
        (on_card.expect("it trains"), carded),
    ]
}

#[test]
fn a_short_training_has_the_values_of_the_processor() {
    with_card(|card| {
        for bias in [false, true] {
            let [(plain, model), (history, on_card)] = both(card, 13, bias, 2);
            assert_eq!(history.len(), plain.len());
            for (row, plain) in history.iter().zip(&plain) {
                assert_eq!(
                    (row.epoch, row.learning_rate),
                    (plain.epoch, plain.learning_rate)
                );
                let losses = |row: &HistoryRow| [row.train_loss_nats, row.test_loss_nats];
                assert_close(
                    "losses",
                    &losses(row),
                    &losses(plain),
                    Tolerance::Relative(1e-4),
                );
                let fractions =
                    |row: &HistoryRow| [row.train_accuracy_fraction, row.test_accuracy_fraction];
                // Two images of 360 whose classes are as good as tied.
                assert_close(
                    "accuracies",
                    &fractions(row),
                    &fractions(plain),
                    Tolerance::Absolute(0.006),
                );
            }
            for (tensor, plain) in on_card.tensors.iter().zip(&model.tensors) {
                assert_eq!((&tensor.name, &tensor.shape), (&plain.name, &plain.shape));
                // AdamW divides by the size of a gradient: where that is about 0, its rounding decides.
                assert_close(
                    &tensor.name,
                    &tensor.data,
                    &plain.data,
                    Tolerance::OfLargest(2e-2),
                );
            }
        }
    });
}

#[test]
fn a_whole_training_reaches_the_same_accuracy() {
    with_card(|card| {
        let [(plain, _), (history, _)] = both(card, 30, false, 30);
        let last = |history: &[HistoryRow]| history.last().expect("epochs").test_accuracy_fraction;
        assert!(last(&plain) > 0.85, "{}", last(&plain));
        // Four images of 360.
        assert!(
            (last(&plain) - last(&history)).abs() < 0.012,
            "{} {}",
            last(&plain),
            last(&history)
        );
    });
}

#[test]
fn two_trainings_have_the_same_bits() {
    with_card(|card| {
        let run = |_| both(card, 13, true, 2).map(|(history, model)| (history, model.tensors));
        let [one, two] = [0, 1].map(run);
        assert!(one == two);
    });
}

#[test]
fn the_noise_on_a_card_is_that_of_the_processor_bit_by_bit() {
    with_card(|card| {
        // Widths with and without a rest of a block, more rows than one table of jumps is for.
        for (side, batch) in [([8, 8], 100), ([7, 5], 70), ([6, 6], 4500)] {
            let width = side[0] * side[1];
            let images = batch + 3;
            let pixels =
                Pixels::new([1, side[0], side[1]], 16, &[PixelTransform::Scale]).expect("it fits");
            let stored = (0..images * width).map(|k| (k * k % 17) as u8).collect();
            let data = DataSet::new(&pixels, stored, vec![0; images]);
            let order: Vec<u32> = (0..batch as u32)
                .map(|k| (k * 13) % images as u32)
                .collect();
            let std = 0.4;
            let settings = Settings {
                batch,
                math: Math::F32,
                noise_std: std as f32,
                optimiser: Optimiser::Adam {
                    constants: [0.1, 0.999, 0.001, 1e-8],
                    penalty: 0.0,
                },
            };
            let zeros = |count| vec![0.0; count];
            let weights = Weights {
                embed: zeros(2 * width),
                gate: zeros(8),
                bias: Vec::new(),
                unembed: zeros(4),
            };
            let sizes = Sizes {
                inputs: width,
                hidden: 2,
                classes: 2,
                bias: false,
            };
            let [mut trained, mut tested] =
                [(), ()].map(|()| data.batches().map(|(inputs, _)| inputs.into_owned()));
            let images = |inputs| Images {
                labels: data.labels(),
                inputs,
            };
            let training = Training::new(
                card,
                sizes,
                settings,
                &weights,
                images(&mut trained),
                images(&mut tested),
            );
            let mut training = training.expect("it fits");
            let plan = EpochPlan {
                order: order.clone(),
                schedule: vec![[1.0, 0.0, 1.0]],
                noise: vec![NormalStream::new(SEED, "noise", 5).state_words()],
                ..EpochPlan::default()
            };
            training.start(&plan).expect("it starts");
            training.finish().expect("it ends");
            let found = training.last_inputs().expect("it reads");
            let augmenter = Augmenter::new(&[Augmentation::Noise { std }], &data).expect("it fits");
            let expected = augmenter.batch(&data, &order, SEED, 5);
            let differing = found
                .iter()
                .zip(&expected)
                .position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(
                differing,
                None,
                "{side:?}: {:?}",
                differing.map(|k| (found[k], expected[k]))
            );
        }
    });
}

#[test]
fn recipes_that_no_card_trains_are_refused() {
    with_card(|card| {
        let [train_set, test_set] = digits();
        let sets = (&train_set, &test_set);
        let refused = |recipe: &Recipe| {
            let mut model = model(4, false);
            let result = train_on_card(card, Math::F32, &mut model, sets, recipe, SEED, |_| {});
            result.expect_err("no card does").to_string()
        };
        let flips = Recipe {
            augment: vec![Augmentation::Flip],
            ..recipe(1)
        };
        assert_eq!(
            refused(&flips),
            "no graphics card trains with `augment`; use `device = \"cpu\"`"
        );
        let large = Recipe {
            batch: 5000,
            ..recipe(1)
        };
        assert!(refused(&large).contains("do not fill one batch of 5000"));
        // A rate so high that the loss is no number: the error names the batch.
        let wild = Recipe {
            learning_rate: 1e30,
            ..recipe(3)
        };
        assert!(
            refused(&wild).contains("training diverged in epoch 1, batch"),
            "{}",
            refused(&wild)
        );
    });
}
