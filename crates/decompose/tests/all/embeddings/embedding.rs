//! The task kind `embedding` as a program: on every sort of network and layer.

use super::embedded::{CLASSES, images, model};
use eigenscope_artifact::{EMBEDDINGS, Embeddings, ImageReader, SplitName};
use eigenscope_models::{Activations, Layer, Network, Runner, StoredModel, networks};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{TaskOutcome, TestFolder, TestTask, Tolerance, assert_close};
use serde_json::json;

const SIDE: usize = 16;
/// More than one piece.
const IMAGES: usize = 520;

fn networks() -> [(&'static str, Network); 5] {
    [
        ("bilinear", bilinear(false)),
        ("biased", bilinear(true)),
        ("mlp", networks::mlp(vec![6, 5])),
        ("cnn", networks::cnn(vec![3])),
        ("convnet", networks::convnet()),
    ]
}

fn bilinear(bias: bool) -> Network {
    networks::bilinear(5, bias)
}

fn embed([model, data]: [&Input; 2], (layer, split): (&str, &str)) -> TestTask {
    let parameters = json!({"layer": layer, "split": split});
    TestTask::new(Stage::Decompose, "embedding", parameters)
        .reads("model", model)
        .reads("data", data)
        .writes(&[EMBEDDINGS])
}

fn read_back(outcome: &TaskOutcome) -> Embeddings {
    Embeddings::read(&outcome.path(EMBEDDINGS)).expect("embeddings")
}

/// W x + b of every sample that the layer reads, in f64: `[images, channels, places]`.
fn by_hand(layer: &Layer, model: &StoredModel, read: &[f32], images: usize) -> Vec<f64> {
    let tensor = |name: &str| {
        let mut tensors = model.tensors.iter();
        tensors.find(|tensor| tensor.name == format!("{}.{name}", layer.name))
    };
    let weight = &tensor("weight").expect("a weight").data;
    let bias = tensor("bias").map(|tensor| &tensor.data);
    let places = layer.samples();
    let samples = layer.unfold(read, images);
    let mut all = Vec::with_capacity(images * layer.outputs * places);
    for image in samples.chunks_exact(places * layer.inputs()) {
        for (channel, row) in weight.chunks_exact(layer.inputs()).enumerate() {
            for sample in image.chunks_exact(layer.inputs()) {
                let products = row.iter().zip(sample);
                let sum: f64 = products.map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                all.push(sum + bias.map_or(0.0, |bias| f64::from(bias[channel])));
            }
        }
    }
    all
}

#[test]
fn every_layer_of_every_network() {
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, IMAGES, 0);
    let reader = ImageReader::open(&data.path).expect("a data set");
    let pixels = reader.pixels().clone();
    let test = reader.read().expect("readable").test;
    let inputs = pixels.apply_all(&test.pixels);
    for (name, network) in networks() {
        let model = model(&folder, name, &network, SIDE);
        let stored = StoredModel::read(&model.path).expect("a model");
        let activations = Activations::new(&stored, &[]).expect("layers");
        let read = activations.of(inputs.clone(), IMAGES).expect("runs");
        let evaluation = Runner::new(&stored)
            .and_then(|runner| runner.evaluate(&inputs, &test.labels))
            .expect("evaluates");
        for (layer, read) in activations.layers().zip(read) {
            let task = format!("{name}-{}", layer.name);
            let found = read_back(&embed([&model, &data], (&layer.name, "test")).run(&folder));
            assert_eq!(found.header.layer, layer.name);
            assert_eq!(found.header.width, layer.output().len());
            assert_eq!(found.header.split, SplitName::Test);
            assert_eq!(found.header.classes, CLASSES);
            assert_eq!(found.indices, test.indices);
            assert_eq!(found.labels, test.labels);
            let both = found.labels.iter().zip(&found.predicted);
            let correct = both.filter(|(label, predicted)| label == predicted).count();
            assert_eq!(correct, evaluation.correct, "{task}");

            let expected = by_hand(layer, &stored, &read, IMAGES);
            let tolerance = Tolerance::OfLargest(1e-5);
            assert_close(task, &found.vectors, &expected, tolerance);
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_threads_and_the_split_is_a_choice() {
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, IMAGES, 0);
    let model = model(&folder, "convnet", &networks::convnet(), SIDE);
    let task = embed([&model, &data], ("conv2", "test"));
    let one = task.run(&folder);
    one.assert_same_bytes(&task.threads(4).run(&folder));

    let train = embed([&model, &data], ("embedding", "train"));
    let train = read_back(&train.run(&folder));
    assert_eq!((train.len(), train.header.split), (2, SplitName::Train));
}

#[test]
fn what_cannot_be_embedded_says_why_and_leaves_nothing() {
    let folder = TestFolder::new();
    let (data, larger) = (images(&folder, SIDE, 4, 0), images(&folder, SIDE + 1, 4, 0));
    let model = model(&folder, "mlp", &networks::mlp(vec![6]), SIDE);
    for (files, layer, reason) in [
        (
            [&model, &data],
            "embedding",
            "there is no layer `embedding`, the model has layer1, layer2",
        ),
        (
            [&model, &larger],
            "layer1",
            "`data.images-17-0` does not fit `train.mlp`: its images are 1 x 17 x 17 after their transforms, the model takes \
             1 x 16 x 16",
        ),
        ([&data, &data], "layer1", "holds `images`"),
        ([&model, &model], "layer1", "holds `tensors`"),
    ] {
        embed(files, (layer, "test"))
            .run(&folder)
            .fails_with(reason);
    }
    // Products of weights near 1e30 are beyond the largest f32.
    let mut large = StoredModel::read(&model.path).expect("a model");
    for tensor in &mut large.tensors {
        tensor.data.iter_mut().for_each(|value| *value *= 1e30);
    }
    let large = folder.model("large", &large);
    for layer in ["layer1", "layer2"] {
        embed([&large, &data], (layer, "test"))
            .run(&folder)
            .fails_with(
                "layer `layer2`: what the network makes of image 0 is not finite from here on",
            );
    }
}
