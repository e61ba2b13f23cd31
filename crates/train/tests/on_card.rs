//! Training on an emulated card against training on the processor.
#![allow(clippy::expect_used, reason = "a test")]

use std::sync::{Mutex, PoisonError};

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{InputShape, PixelTransform, Pixels};
use eigenscope_gpu::bilinear::{Sizes, Training, Weights};
use eigenscope_gpu::{
    Card, DataSets, EpochPlan, EpochTraining, Images, Math, Optimiser, Search, Settings,
    StepInputs, network as gpu,
};
use eigenscope_models::steps::StepList;
use eigenscope_models::{Architecture, Network, Step, StoredModel, networks};
use eigenscope_stage::{Seed, ThreadBudget};
use eigenscope_testing::{Digits, Tolerance, assert_close, class_names, emulated_cuda};
use eigenscope_train::{
    AdamConstants, Augmentation, Augmenter, DataSet, LastBatch, NormalStream, OptimiserKind,
    Recipe, Schedule, SgdConstants, Shape, StepEpochs, initialise, preparation, train,
    train_on_card,
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
    let transforms = [PixelTransform::Scale, resize(side, side)];
    let pixels = Pixels::new([1, 8, 8], 16, &transforms).expect("it fits");
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

/// Compares inputs of a step on the card with those of the processor, bit by bit: stored images of this shape with these transforms, and
/// noise, in a batch of so many.
fn compare_inputs(card: &Card, shape: [usize; 3], transforms: &[PixelTransform], batch: usize) {
    let pixels = Pixels::new(shape, 16, transforms).expect("it fits");
    let images = batch + 3;
    let values = images * shape.iter().product::<usize>();
    let stored: Vec<u8> = (0..values).map(|k| (k * k % 17) as u8).collect();
    let labels = vec![0; images];
    let data = DataSet::new(&pixels, stored.clone(), labels.clone());
    let of_all = Images {
        labels: &labels,
        pixels: &stored,
    };
    let preparation = preparation(&pixels).expect("it fits");
    let sets = DataSets {
        preparation: &preparation,
        train: of_all,
        test: of_all,
    };
    let width = pixels.output_len();
    let sizes = Sizes {
        inputs: width,
        hidden: 2,
        classes: 2,
        bias: false,
    };
    let zeros = |count| vec![0.0; count];
    let weights = Weights {
        embed: zeros(2 * width),
        gate: zeros(8),
        bias: Vec::new(),
        unembed: zeros(4),
    };
    let (mut linear, inputs) = gpu::Network::new(width);
    let map = gpu::Map::linear(width, 2, false);
    linear.map(inputs, map).expect("it fits");
    let order = (0..batch as u32).map(|k| (k * 13) % images as u32);
    let order: Vec<u32> = order.collect();
    for std in [0.0, 0.4] {
        let settings = Settings {
            batch,
            epoch_images: batch,
            math: Math::F32,
            inputs: StepInputs::Stored {
                noise_std: std as f32,
            },
            optimiser: Optimiser::Sgd {
                momentum: 0.0,
                weight_decay: 0.0,
                nesterov: false,
            },
        };
        let noise = match std {
            0.0 => Vec::new(),
            _ => vec![NormalStream::new(SEED, "noise", 5).state_words()],
        };
        let plan = EpochPlan {
            order: order.clone(),
            schedule: vec![[0.0; 3]],
            noise,
            ..EpochPlan::default()
        };
        let augment = [Augmentation::Noise { std }];
        let augmenter =
            Augmenter::new(&augment[usize::from(std == 0.0)..], &data).expect("it fits");
        let expected = augmenter.batch(&data, &order, SEED, 5);
        let compare = |training: &mut dyn EpochTraining, place: &dyn Fn(usize) -> usize| {
            training.start(&plan).expect("it starts");
            training.finish().expect("it ends");
            let found = training.step_inputs(0).expect("it reads");
            let differs = |&k: &usize| found[place(k)].to_bits() != expected[k].to_bits();
            let differing = (0..expected.len()).find(differs);
            let differing = differing.map(|k| (k, found[place(k)], expected[k]));
            assert_eq!(differing, None, "{transforms:?}");
        };
        let mut layer = Training::new(card, sizes, settings, &weights, sets).expect("it fits");
        compare(&mut layer, &|k| k);
        let tensors: [&[f32]; 1] = [&zeros(2 * width)];
        let network = gpu::Training::new(card, linear.clone(), settings, &tensors, sets);
        // Networks of steps have the first values of all images first.
        compare(&mut network.expect("it fits"), &|k| {
            k % width * batch + k / width
        });
    }
}

fn normalise(channels: usize) -> PixelTransform {
    PixelTransform::Normalise {
        mean: (0..channels).map(|c| 0.3 + 0.1 * c as f32).collect(),
        std: (0..channels).map(|c| 0.2 + 0.1 * c as f32).collect(),
    }
}

fn resize(height: usize, width: usize) -> PixelTransform {
    PixelTransform::Resize { height, width }
}

#[test]
fn inputs_on_a_card_are_those_of_the_processor_bit_by_bit() {
    with_card(|card| {
        let (scale, grey) = (PixelTransform::Scale, PixelTransform::Grey);
        // Widths with and without a rest of a block of noise, and more rows than one table of jumps is for.
        compare_inputs(card, [1, 8, 8], std::slice::from_ref(&scale), 100);
        compare_inputs(card, [1, 7, 5], &[], 70);
        compare_inputs(card, [1, 5, 4], &[scale.clone(), resize(11, 7)], 4500);
        let colours = [resize(4, 5), scale.clone(), normalise(2)];
        compare_inputs(card, [2, 9, 6], &colours, 70);
        let all = [
            scale,
            normalise(3),
            grey,
            normalise(1),
            resize(6, 4),
            resize(5, 7),
        ];
        compare_inputs(card, [3, 4, 3], &all, 70);
    });
}

/// Images of 12 x 10 pixels in three channels, with these transforms.
fn coloured(transforms: &[PixelTransform]) -> [DataSet; 2] {
    let pixels = Pixels::new([3, 12, 10], 200, transforms).expect("it fits");
    [90, 30].map(|images| {
        let stored = (0..images * 360usize).map(|k| (k * k / 7 % 201) as u8);
        let labels = (0..images).map(|image| (image * image % 5) as u16);
        DataSet::new(&pixels, stored.collect(), labels.collect())
    })
}

#[test]
fn transforms_on_a_card_have_the_values_of_the_processor() {
    with_card(|card| {
        let (scale, grey) = (PixelTransform::Scale, PixelTransform::Grey);
        let noisy = Recipe {
            batch: 32,
            ..recipe(1)
        };
        let plain = Recipe {
            augment: Vec::new(),
            last_batch: LastBatch::Kept,
            evaluate_before: true,
            ..noisy.clone()
        };
        for (transforms, shape) in [
            (
                vec![
                    scale.clone(),
                    normalise(3),
                    grey.clone(),
                    normalise(1),
                    resize(17, 23),
                ],
                [1, 17, 23],
            ),
            (vec![resize(7, 5), scale.clone(), normalise(3)], [3, 7, 5]),
            (vec![resize(19, 6), grey, scale, resize(9, 9)], [1, 9, 9]),
        ] {
            let data = coloured(&transforms);
            let input = InputShape::from(shape);
            for network in [networks::bilinear(6, true), networks::mlp(vec![9])] {
                let architecture = network
                    .architecture(input, class_names(5))
                    .expect("it fits");
                let model = initial(architecture);
                for recipe in [&noisy, &plain] {
                    let both = trained(card, &data, &model, recipe);
                    assert_same(&both, OF_ADAM, 0.034);
                }
            }
        }
    });
}

#[test]
fn augmented_images_on_a_card_have_the_values_of_the_processor() {
    with_card(|card| {
        let all = vec![
            Augmentation::Rotation { degrees: 20.0 },
            Augmentation::Translation { fraction: 0.1 },
            Augmentation::Flip,
            Augmentation::Blur { sigma: 0.6 },
            Augmentation::Noise { std: 0.2 },
            Augmentation::SaltAndPepper { amount: 0.05 },
        ];
        let augmented = Recipe {
            batch: 32,
            last_batch: LastBatch::Kept,
            augment: all,
            ..recipe(2)
        };
        let dropped = Recipe {
            last_batch: LastBatch::Dropped,
            epoch_fraction: 0.7,
            ..augmented.clone()
        };
        let dense = json!(["flatten", { "linear": 20 }, "relu", { "dropout": { "rate": 0.3 } }, { "linear": "classes" }]);
        for recipe in [&augmented, &dropped] {
            for model in [model(7, false), listed(&dense, 8)] {
                let both = trained(card, &enlarged(8), &model, recipe);
                assert_same(&both, OF_ADAM, 0.017);
            }
        }
    });
}

#[test]
fn many_augmented_images_are_handed_over_in_parts() {
    with_card(|card| {
        // Inputs of seven batches are handed over at a time, and an epoch has eight.
        let side = 221;
        let digits = Digits::read();
        let transforms = [PixelTransform::Scale, resize(side, side)];
        let pixels = Pixels::new([1, 8, 8], 16, &transforms).expect("it fits");
        let data = [0..380, 1500..1520].map(|rows| {
            let split = digits.split(rows);
            DataSet::new(&pixels, split.pixels, split.labels)
        });
        let recipe = Recipe {
            batch: 47,
            augment: vec![Augmentation::Flip],
            ..recipe(2)
        };
        let both = trained(
            card,
            &data,
            &built_in(&networks::bilinear(3, false), side),
            &recipe,
        );
        assert_same(&both, OF_ADAM, 0.051);
    });
}

#[test]
fn recipes_that_no_card_trains_are_refused() {
    with_card(|card| {
        let refused_of = |[train_set, test_set]: &[DataSet; 2], recipe: &Recipe| {
            let mut model = model(4, false);
            let sets = (train_set, test_set);
            let result = train_on_card(card, Math::F32, &mut model, sets, recipe, SEED, |_| {});
            result.expect_err("no card does").to_string()
        };
        let pixels =
            Pixels::new([1, 4, 4], 16, &[5, 6, 8].map(|side| resize(side, side))).expect("it fits");
        let resized = [(); 2].map(|()| DataSet::new(&pixels, vec![3; 4096], vec![0; 256]));
        assert_eq!(
            refused_of(&resized, &recipe(1)),
            "no graphics card trains with more than 2 transforms `resize`; use `device = \"cpu\"`"
        );
        let digits = digits();
        let refused = |recipe: &Recipe| refused_of(&digits, recipe);
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
