//! Training on an emulated card against training on the processor.
#![allow(clippy::expect_used, reason = "a test")]

use std::sync::{Mutex, PoisonError};

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{InputShape, PixelTransform, Pixels};
use eigenscope_gpu::bilinear::{Settings, Sizes, Training, Weights};
use eigenscope_gpu::{Card, EpochPlan, Images, Math, Optimiser, Search};
use eigenscope_models::steps::StepList;
use eigenscope_models::{Architecture, Network, Step, StoredModel, networks};
use eigenscope_stage::{Seed, ThreadBudget};
use eigenscope_testing::{Digits, Tolerance, assert_close, class_names, emulated_cuda};
use eigenscope_train::{
    AdamConstants, Augmentation, Augmenter, DataSet, LastBatch, NormalStream, OptimiserKind,
    Recipe, Schedule, SgdConstants, Shape, StepEpochs, initialise, train, train_on_card,
};
use serde_json::{Value, json};

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

/// A history and a model, trained on the processor and on the card.
type Both = [(Vec<HistoryRow>, StoredModel); 2];

fn both(card: &Card, hidden: usize, bias: bool, epochs: u32) -> Both {
    trained(card, &digits(), &model(hidden, bias), &recipe(epochs))
}

fn trained(
    card: &Card,
    [train_set, test_set]: &[DataSet; 2],
    model: &StoredModel,
    recipe: &Recipe,
) -> Both {
    let mut plain = model.clone();
    let threads = ThreadBudget::new(1);
    let history = train(
        &mut plain,
        train_set,
        test_set,
        recipe,
        SEED,
        &threads,
        |_| {},
    );
    let mut carded = model.clone();
    let mut observed = 0;
    let sets = (train_set, test_set);
    let on_card = train_on_card(card, Math::F32, &mut carded, sets, recipe, SEED, |_| {
        observed += 1
    });
    assert_eq!(observed, recipe.epochs);
    [
        (history.expect("it trains"), plain),
        (on_card.expect("it trains"), carded),
    ]
}

/// Compares the values of the card with those of the processor, of accuracies within so many.
fn assert_same([(plain, model), (history, on_card)]: &Both, weights: Tolerance, accuracy: f64) {
    assert_eq!(history.len(), plain.len());
    for (row, plain) in history.iter().zip(plain) {
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
        assert_close(
            "accuracies",
            &fractions(row),
            &fractions(plain),
            Tolerance::Absolute(accuracy),
        );
    }
    // A normalisation takes the bias before it away again: its gradient is rounding alone, of which Adam makes whole steps.
    let steps = model.architecture.steps().windows(2);
    let without_gradient: Vec<String> = steps
        .filter_map(|pair| match pair {
            [Step::Map(layer), Step::Normalise(_)] => Some(layer.bias_name()),
            _ => None,
        })
        .collect();
    for (tensor, plain) in on_card.tensors.iter().zip(&model.tensors) {
        assert_eq!((&tensor.name, &tensor.shape), (&plain.name, &plain.shape));
        if without_gradient.contains(&tensor.name) {
            continue;
        }
        assert_close(&tensor.name, &tensor.data, &plain.data, weights);
    }
}

/// AdamW divides by the size of a gradient: where that is about 0, its rounding decides.
const OF_ADAM: Tolerance = Tolerance::OfLargest(2e-2);

/// Parts of the digits, enlarged to this side.
fn enlarged(side: usize) -> [DataSet; 2] {
    let digits = Digits::read();
    let resize = PixelTransform::Resize {
        height: side,
        width: side,
    };
    let pixels = Pixels::new([1, 8, 8], 16, &[PixelTransform::Scale, resize]).expect("it fits");
    [0..150, 1500..1560].map(|rows| {
        let split = digits.split(rows);
        DataSet::new(&pixels, split.pixels, split.labels)
    })
}

fn initial(architecture: Architecture) -> StoredModel {
    let tensors = initialise(&architecture, SEED);
    StoredModel::new(architecture, tensors).expect("its own tensors fit")
}

fn built_in(network: &Network, side: usize) -> StoredModel {
    let input = InputShape::from([1, side, side]);
    initial(
        network
            .architecture(input, class_names(10))
            .expect("it fits"),
    )
}

fn listed(steps: &Value, side: usize) -> StoredModel {
    let steps = StepList::parse(steps).expect("steps");
    let input = InputShape::from([1, side, side]);
    initial(
        steps
            .architecture("network", input, class_names(10))
            .expect("they fit"),
    )
}

#[test]
fn a_short_training_has_the_values_of_the_processor() {
    with_card(|card| {
        for bias in [false, true] {
            // Two images of 360 whose classes are as good as tied.
            assert_same(&both(card, 13, bias, 2), OF_ADAM, 0.006);
        }
    });
}

#[test]
fn built_in_networks_have_the_values_of_the_processor() {
    with_card(|card| {
        // The last batch has 22 images.
        let momentum = Recipe {
            batch: 64,
            last_batch: LastBatch::Kept,
            learning_rate: 0.02,
            schedule: Schedule::new(Shape::Constant),
            optimiser: OptimiserKind::sgd(0.9),
            augment: Vec::new(),
            evaluate_before: true,
            ..recipe(2)
        };
        let adam = Recipe {
            learning_rate: 1e-3,
            schedule: Schedule::new(Shape::Cosine),
            optimiser: OptimiserKind::adamw(0.0),
            evaluate_before: false,
            ..momentum.clone()
        };
        let blocks = Recipe {
            batch: 64,
            ..recipe(2)
        };
        let of_sgd = Tolerance::OfLargest(1e-5);
        for (network, side, recipe, tolerance) in [
            (networks::mlp(vec![30, 20]), 8, &momentum, of_sgd),
            (networks::cnn(vec![6, 9]), 16, &momentum, of_sgd),
            (networks::convnet(), 20, &adam, OF_ADAM),
            (networks::embedding_net(3), 32, &adam, OF_ADAM),
            // A bilinear network that is more than one layer, with noise.
            (
                networks::bilinear_blocks(10, true, 2, false),
                8,
                &blocks,
                OF_ADAM,
            ),
            (
                networks::bilinear_blocks(10, false, 1, true),
                8,
                &blocks,
                OF_ADAM,
            ),
        ] {
            let both = trained(card, &enlarged(side), &built_in(&network, side), recipe);
            // One image of 60.
            assert_same(&both, tolerance, 0.017);
        }
    });
}

#[test]
fn listed_networks_and_all_recipes_have_the_values_of_the_processor() {
    with_card(|card| {
        let block = json!({ "residual": [{ "conv": { "channels": 6, "kernel": 3, "padding": 1, "bias": false } }, "batch-norm", "relu",
            { "conv": { "channels": 6, "kernel": 3, "padding": 1, "groups": 3 } }] });
        let residual = json!([
            { "conv": { "channels": 6, "kernel": 3, "stride": 2, "padding": 1, "bias": false } }, "batch-norm", "relu", block,
            { "max-pool": { "kernel": 3, "stride": 2, "padding": 1 } }, "gelu",
            { "conv": { "channels": 8, "kernel": 2, "dilation": 2 } }, { "average-pool": { "kernel": 2, "stride": 1 } }, "silu",
            { "dropout": { "rate": 0.2 } }, "global-average-pool", { "linear": "classes" }
        ]);
        let dense = json!([
            "flatten", { "linear": 40 }, "batch-norm", "tanh", { "dropout": { "rate": 0.3 } },
            { "bilinear": 12 }, { "leaky-relu": { "slope": 0.1 } }, { "linear": 16 }, "sigmoid", { "linear": "classes" }
        ]);
        let recipe = Recipe {
            epochs: 3,
            epoch_fraction: 0.6,
            batch: 32,
            last_batch: LastBatch::Kept,
            learning_rate: 0.01,
            schedule: Schedule {
                shape: Shape::Step {
                    epochs: StepEpochs::Every(1),
                    factor: 0.5,
                },
                warm_up: 1,
            },
            optimiser: OptimiserKind::Sgd(SgdConstants {
                momentum: 0.8,
                nesterov: true,
                weight_decay: 0.01,
            }),
            augment: Vec::new(),
            evaluate_before: false,
        };
        let penalty = Recipe {
            optimiser: OptimiserKind::Adam(AdamConstants {
                epsilon: 1e-3,
                ..AdamConstants::new(0.02)
            }),
            augment: vec![Augmentation::Noise { std: 0.1 }],
            last_batch: LastBatch::Dropped,
            ..recipe.clone()
        };
        for (steps, side) in [(&residual, 16), (&dense, 8)] {
            let data = enlarged(side);
            for (recipe, tolerance) in [
                (&recipe, Tolerance::OfLargest(1e-4)),
                (&penalty, Tolerance::OfLargest(1e-3)),
            ] {
                let both = trained(card, &data, &listed(steps, side), recipe);
                assert_same(&both, tolerance, 0.017);
                // The same bits again.
                let again = trained(card, &data, &listed(steps, side), recipe);
                assert!(both[1] == again[1]);
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
        let [train_set, test_set] = &digits();
        let sets = (train_set, test_set);
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
