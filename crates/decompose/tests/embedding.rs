//! The task kind `embedding` as a program: on every sort of network and layer.

mod embedded;

use std::path::Path;

use eigenscope_artifact::{EMBEDDINGS, Embeddings, ImageReader, SplitName};
use eigenscope_decompose::layers::Activations;
use eigenscope_models::{Layer, Network, Runner, StoredModel, networks};
use embedded::{CLASSES, Task, images, model};
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

fn embed(
    folder: &Path,
    name: &str,
    (model, data): (&Path, &Path),
    parameters: (&str, &str),
    threads: usize,
) -> Result<std::path::PathBuf, String> {
    let task = Task {
        folder,
        name,
        kind: "embedding",
        parameters: json!({"layer": parameters.0, "split": parameters.1}),
        seed: 0,
        threads,
        inputs: &[("model", model), ("data", data)],
        outputs: &[EMBEDDINGS],
    };
    task.run().map(|outputs| outputs[EMBEDDINGS.name()].clone())
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
    let folder = tempfile::tempdir().expect("a folder");
    let data = images(folder.path(), SIDE, IMAGES, 0);
    let reader = ImageReader::open(&data).expect("a data set");
    let pixels = reader.pixels().clone();
    let test = reader.read().expect("readable").test;
    let inputs = pixels.apply_all(&test.pixels);
    for (name, network) in networks() {
        let path = model(folder.path(), name, network, SIDE);
        let stored = StoredModel::read(&path).expect("a model");
        let activations = Activations::new(&stored, &[]).expect("layers");
        let read = activations.of(inputs.clone(), IMAGES).expect("runs");
        let evaluation = Runner::new(&stored)
            .and_then(|runner| runner.evaluate(&inputs, &test.labels))
            .expect("evaluates");
        for (layer, read) in activations.layers().zip(read) {
            let files = (path.as_path(), data.as_path());
            let task = format!("{name}-{}", layer.name);
            let found = embed(folder.path(), &task, files, (&layer.name, "test"), 1);
            let found = Embeddings::read(&found.expect("embeds")).expect("embeddings");
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
            assert_eq!(found.vectors.len(), expected.len());
            let scale = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
            for (found, expected) in found.vectors.iter().zip(&expected) {
                let difference = (f64::from(*found) - expected).abs();
                assert!(difference < 1e-5 * scale, "{task}: {found} {expected}");
            }
        }
    }
}

#[test]
fn the_bytes_do_not_depend_on_threads_and_the_split_is_a_choice() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let data = images(at, SIDE, IMAGES, 0);
    let path = model(at, "convnet", networks::convnet(), SIDE);
    let files = (path.as_path(), data.as_path());
    let bytes = |name, threads| {
        let file = embed(at, name, files, ("conv2", "test"), threads).expect("embeds");
        std::fs::read(file).expect("readable")
    };
    assert!(bytes("one", 1) == bytes("four", 4));

    let train = embed(at, "train", files, ("embedding", "train"), 1).expect("embeds");
    let train = Embeddings::read(&train).expect("embeddings");
    assert_eq!((train.len(), train.header.split), (2, SplitName::Train));
}

#[test]
fn what_cannot_be_embedded_says_why_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let (data, larger) = (images(at, SIDE, 4, 0), images(at, SIDE + 1, 4, 0));
    let path = model(at, "mlp", networks::mlp(vec![6]), SIDE);
    let refused = |files, layer, words: &str| {
        let message = embed(at, "refused", files, (layer, "test"), 1).expect_err("refused");
        assert!(message.contains(words), "{message}");
    };
    refused(
        (&path, &data),
        "embedding",
        "there is no layer `embedding`, the model has layer1, layer2",
    );
    refused(
        (&path, &larger),
        "layer1",
        "`images-17-0` does not fit `mlp`: its images are 1 x 17 x 17 after their transforms, the model takes 1 x 16 x 16",
    );
    refused((&data, &data), "layer1", "holds `images`");
    refused((&path, &path), "layer1", "holds `tensors`");
}
