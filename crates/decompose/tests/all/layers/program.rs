//! The task kinds `activation-covariance` and `weight-covariance` as a program: any model in, `layer-spectrum` and
//! `bases` or a clear error out.

use std::collections::BTreeSet;

use eigenscope_artifact::tables::layers::{LayerSpectrumRow, SpikesRow};
use eigenscope_artifact::{
    ArtifactKind, BASES, BasesHeader, CovarianceOf, InputShape, NamedTensor, TensorReader,
};
use eigenscope_models::{Network, networks};
use eigenscope_stage::{Input, Seed, Stage};
use eigenscope_testing::{TaskOutcome, TestFolder, TestTask, image_header, model_with, noise};
use serde_json::json;

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 16,
    width: 17,
};
const OUTPUTS: [ArtifactKind; 2] = [LayerSpectrumRow::KIND, BASES];
const WEIGHT_OUTPUTS: [ArtifactKind; 3] = [LayerSpectrumRow::KIND, SpikesRow::KIND, BASES];

fn networks() -> [Network; 4] {
    [
        networks::bilinear(6, true),
        networks::mlp(vec![9, 7]),
        networks::cnn(vec![3, 4]),
        networks::convnet(),
    ]
}

/// A model of two classes whose weights are uniform in ±`scale`/sqrt(fan_in), without a pattern.
fn stored(folder: &TestFolder, network: &Network, scale: f32) -> Input {
    let architecture = network.architecture(SHAPE, ["no", "yes"].map(str::to_owned).to_vec());
    let architecture = architecture.expect("the input is large enough");
    let mut stream = Seed(5).stream("test", 0);
    let model = model_with(&architecture, |_, parameter| {
        let tensor = parameter.clone().initial(|| stream.uniform());
        tensor.data.iter().map(|value| value * scale).collect()
    });
    let values: usize = model.tensors.iter().map(|tensor| tensor.data.len()).sum();
    folder.model(&format!("{}-{values}-{scale}", network.name()), &model)
}

/// Training images and no test image.
fn images(folder: &TestFolder, height: usize, count: usize) -> Input {
    let header = image_header(InputShape { height, ..SHAPE }, 16, ["no", "yes"]);
    let train = noise(&header, count, 6);
    let splits = [&train, &noise(&header, 0, 6)];
    folder.images(&format!("images-{height}-{count}"), &header, splits)
}

/// More images than are handled at a time.
const IMAGES: usize = 700;

fn activations(model: &Input, images: &Input) -> TestTask {
    let parameters = json!({"layers": [], "split": "train", "samples": "windows"});
    TestTask::new(Stage::Decompose, "activation-covariance", parameters)
        .reads("model", model)
        .reads("data", images)
        .writes(&OUTPUTS)
}

fn weights(model: &Input) -> TestTask {
    TestTask::new(Stage::Decompose, "weight-covariance", json!({"layers": []}))
        .reads("model", model)
        .writes(&WEIGHT_OUTPUTS)
}

fn spectrum(outcome: &TaskOutcome) -> Vec<LayerSpectrumRow> {
    outcome.rows()
}

fn bases(outcome: &TaskOutcome) -> (BasesHeader, Vec<NamedTensor>) {
    let reader = TensorReader::open(&outcome.path(BASES), BASES).expect("bases");
    let header = reader.header().expect("a header");
    (header, reader.read().expect("tensors"))
}

/// Name, outputs and inputs of every layer of a network.
fn sizes(network: &Network) -> Vec<(&'static str, usize, usize)> {
    match network.name() {
        "bilinear" => vec![("embed", 6, 272), ("gate", 12, 6), ("unembed", 2, 6)],
        "mlp" => vec![("layer1", 9, 272), ("layer2", 7, 9), ("layer3", 2, 7)],
        "cnn" => vec![("conv1", 3, 25), ("conv2", 4, 75), ("linear", 2, 8)],
        _ => vec![
            ("conv1", 32, 25),
            ("conv2", 64, 800),
            ("embedding", 128, 64),
            ("classifier", 2, 128),
        ],
    }
}

/// Every spectrum descends from rank 1, and is of the expected series, layers and lengths.
fn check_spectrum(rows: &[LayerSpectrumRow], expected: &[(&str, &str, usize)]) {
    let groups: Vec<&[LayerSpectrumRow]> = rows
        .chunk_by(|a, b| (&a.series, &a.layer) == (&b.series, &b.layer))
        .collect();
    let found: Vec<(&str, &str, usize)> = groups
        .iter()
        .map(|group| (&*group[0].series, &*group[0].layer, group.len()))
        .collect();
    assert_eq!(found, expected);
    for group in groups {
        assert!(group.iter().zip(1..).all(|(row, rank)| row.rank == rank));
        assert!(group.is_sorted_by(|a, b| a.eigenvalue >= b.eigenvalue));
    }
}

#[test]
fn activations_of_every_network() {
    let folder = TestFolder::new();
    let images = images(&folder, 16, IMAGES);
    for network in networks() {
        let sizes = sizes(&network);
        let model = stored(&folder, &network, 1.0);
        let outcome = activations(&model, &images).run(&folder);
        let expected: Vec<_> = sizes
            .iter()
            .map(|(layer, _, inputs)| ("activations", *layer, *inputs))
            .collect();
        check_spectrum(&spectrum(&outcome), &expected);
        let (header, tensors) = bases(&outcome);
        assert_eq!(header.of, CovarianceOf::Activations);
        assert_eq!(tensors.len(), sizes.len());
        for (tensor, (layer, _, inputs)) in tensors.iter().zip(sizes) {
            assert_eq!((&*tensor.name, &*tensor.shape), (layer, &[inputs; 2][..]));
        }
    }
}

#[test]
fn weights_of_every_network() {
    let folder = TestFolder::new();
    for network in networks() {
        let sizes = sizes(&network);
        let model = stored(&folder, &network, 1.0);
        let outcome = weights(&model).run(&folder);
        let series = ["weights", "initial weights", "Marchenko-Pastur"];
        let expected: Vec<_> = sizes
            .iter()
            .flat_map(|(layer, outputs, inputs)| {
                series.map(|series| (series, *layer, *outputs.min(inputs)))
            })
            .collect();
        check_spectrum(&spectrum(&outcome), &expected);
        let (header, tensors) = bases(&outcome);
        assert_eq!(header.of, CovarianceOf::Weights);
        assert_eq!(tensors.len(), sizes.len());
        for (tensor, (layer, outputs, inputs)) in tensors.iter().zip(sizes) {
            let shape = [outputs.min(inputs), inputs];
            assert_eq!((&*tensor.name, &*tensor.shape), (layer, &shape[..]));
        }
    }
}

#[test]
fn an_imported_model_has_no_initial_weights() {
    let folder = TestFolder::new();
    let network = networks::mlp(vec![3]);
    let mut model = stored(&folder, &network, 1.0);
    model.task = "model.theirs".to_owned();
    let rows = spectrum(&weights(&model).run(&folder));
    let series: BTreeSet<&str> = rows.iter().map(|row| row.series.as_str()).collect();
    let fresh = "fresh draw of PyTorch's default initialisation";
    assert_eq!(
        series,
        BTreeSet::from(["weights", fresh, "Marchenko-Pastur"])
    );
}

#[test]
fn spikes_are_the_eigenvalues_above_the_edge_of_the_law() {
    let folder = TestFolder::new();
    let network = networks::mlp(vec![40, 20]);
    let mut found = Vec::new();
    for scale in [0.5, 1.2, 20.0] {
        let model = stored(&folder, &network, scale);
        let outcome = weights(&model).run(&folder);
        let rows: Vec<SpikesRow> = outcome.rows();
        let spectrum = spectrum(&outcome);
        let (header, _) = bases(&outcome);
        for (row, (layer, outputs, inputs)) in
            rows.iter()
                .zip([("layer1", 40, 272), ("layer2", 20, 40), ("layer3", 2, 20)])
        {
            assert_eq!(
                (row.layer.as_str(), row.outputs, row.inputs),
                (layer, outputs, inputs)
            );
            // sigma^2 (1 + sqrt(p / n))^2 with sigma^2 = 1 / (3 p)
            let (n, p) = (f64::from(outputs), f64::from(inputs));
            let edge = (1.0 + (p / n).sqrt()).powi(2) / (3.0 * p);
            assert!((row.upper_edge / edge - 1.0).abs() < 1e-12);
            let above = |series: &str| {
                let own = spectrum
                    .iter()
                    .filter(|row| row.layer == layer && row.series == series);
                own.filter(|row| row.eigenvalue > edge).count() as u32
            };
            assert_eq!(row.spikes, above("weights"));
            assert_eq!(row.initial_spikes, above("initial weights"));
            assert_eq!(header.layers[layer].spikes, Some(row.spikes));
            assert_eq!(header.layers[layer].rank, outputs);
        }
        found.push(rows[0].spikes);
    }
    assert!(
        found[0] == 0 && found[1] > 0 && found[1] < 40 && found[2] == 40,
        "{found:?}"
    );
}

#[test]
fn the_null_space_of_activations_is_known() {
    let folder = TestFolder::new();
    // Eight images span eight dimensions of the 272 of the first layer.
    let few = images(&folder, 16, 8);
    let model = stored(&folder, &networks()[1], 1.0);
    let (header, _) = bases(&activations(&model, &few).run(&folder));
    assert_eq!(header.layers["layer1"].rank, 8);
    assert_eq!(header.layers["layer1"].spikes, None);
}

#[test]
fn chosen_layers_are_those_of_all_layers() {
    let folder = TestFolder::new();
    let images = images(&folder, 16, IMAGES);
    let model = stored(&folder, &networks()[2], 1.0);
    for task in [activations(&model, &images), weights(&model)] {
        let all = spectrum(&task.run(&folder));
        let some = task.set("layers", json!(["linear", "conv2"]));
        let some = spectrum(&some.run(&folder));
        let expected: Vec<_> = all.into_iter().filter(|row| row.layer != "conv1").collect();
        assert_eq!(some, expected);
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let folder = TestFolder::new();
    let images = images(&folder, 16, IMAGES);
    let model = stored(&folder, &networks()[2], 1.0);
    for task in [activations(&model, &images), weights(&model)] {
        let one = task.run(&folder);
        one.assert_same_bytes(&task.threads(4).run(&folder));
    }
}

#[test]
fn the_seed_draws_the_initial_weights_and_nothing_else() {
    let folder = TestFolder::new();
    let model = stored(&folder, &networks()[1], 1.0);
    let [first, second] = [1, 2].map(|seed| spectrum(&weights(&model).seed(seed).run(&folder)));
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(a.eigenvalue == b.eigenvalue, a.series != "initial weights");
    }
}

#[test]
fn bad_inputs_say_why_and_leave_nothing() {
    let folder = TestFolder::new();
    let (fitting, taller) = (images(&folder, 16, IMAGES), images(&folder, 17, IMAGES));
    let mlp = stored(&folder, &networks()[1], 1.0);
    let empty = stored(&folder, &networks::mlp(vec![0]), 1.0);
    let large = stored(&folder, &networks()[1], 1e38);
    let unknown = "there is no layer `conv1`, the model has layer1, layer2, layer3";
    let holds_nothing = "architecture: shape [0, 1, 1] holds no value";
    for (task, reason) in [
        (
            activations(&mlp, &fitting).set("layers", json!(["layer1", "conv1"])),
            unknown,
        ),
        (weights(&mlp).set("layers", json!(["conv1"])), unknown),
        (
            activations(&mlp, &taller),
            "its images are 1 x 17 x 17 after their transforms, the model takes 1 x 16 x 17",
        ),
        (
            activations(&mlp, &fitting).set("split", "test"),
            "there are no test images in",
        ),
        (activations(&empty, &fitting), holds_nothing),
        (weights(&empty), holds_nothing),
        (
            activations(&large, &fitting),
            "layer `layer3`: the covariance of what it reads is not finite",
        ),
    ] {
        task.run(&folder).fails_with(reason);
    }
    weights(&large).run(&folder).succeeded();
}
