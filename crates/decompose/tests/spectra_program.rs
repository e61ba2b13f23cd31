//! The task kinds `activation-covariance` and `weight-covariance` as a program: any model in, `layer-spectrum` and
//! `bases` or a clear error out.

mod task;

use std::path::{Path, PathBuf};

use eigenscope_artifact::tables::layers::{LayerSpectrumRow, SpikesRow};
use eigenscope_artifact::{
    ArtifactKind, BASES, BasesHeader, CovarianceOf, InputShape, NamedTensor, TensorReader,
    read_records,
};
use eigenscope_models::{Network, networks};
use serde_json::json;
use task::{Outcome, Task, model, provenance, write_images};

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

fn stored(folder: &Path, network: Network, scale: f32) -> PathBuf {
    let path = folder.join(format!("{}-{scale}.parquet", network.name()));
    model(SHAPE, network, scale)
        .write(&path, &provenance(json!({}), 0))
        .expect("written");
    path
}

/// 700 training images, more than are handled at a time, and no test image.
fn images(folder: &Path, height: usize) -> PathBuf {
    let path = folder.join(format!("images-{height}.parquet"));
    write_images(&path, InputShape { height, ..SHAPE }, 700, 0);
    path
}

fn activations<'a>(model: &'a Path, images: &'a Path) -> Task<'a> {
    Task {
        kind: "activation-covariance",
        parameters: json!({"layers": [], "split": "train"}),
        seed: 0,
        threads: 1,
        inputs: vec![("model", model), ("data", images)],
        outputs: &OUTPUTS,
    }
}

fn weights(model: &Path) -> Task<'_> {
    Task {
        kind: "weight-covariance",
        parameters: json!({"layers": []}),
        inputs: vec![("model", model)],
        outputs: &WEIGHT_OUTPUTS,
        ..activations(model, model)
    }
}

fn spectrum(outcome: &Outcome) -> Vec<LayerSpectrumRow> {
    read_records(&outcome.outputs[LayerSpectrumRow::KIND.name()]).expect("a spectrum")
}

fn bases(outcome: &Outcome) -> (CovarianceOf, Vec<NamedTensor>) {
    let reader = TensorReader::open(&outcome.outputs[BASES.name()], BASES).expect("bases");
    let BasesHeader { of, .. } = reader.header().expect("a header");
    (of, reader.read().expect("tensors"))
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
    let folder = tempfile::tempdir().expect("a folder");
    let images = images(folder.path(), 16);
    for network in networks() {
        let (name, sizes) = (network.name(), sizes(&network));
        let model = stored(folder.path(), network, 1.0);
        let outcome = activations(&model, &images)
            .run(folder.path(), name)
            .succeeded();
        let expected: Vec<_> = sizes
            .iter()
            .map(|(layer, _, inputs)| ("activations", *layer, *inputs))
            .collect();
        check_spectrum(&spectrum(&outcome), &expected);
        let (of, tensors) = bases(&outcome);
        assert_eq!(of, CovarianceOf::Activations);
        assert_eq!(tensors.len(), sizes.len());
        for (tensor, (layer, _, inputs)) in tensors.iter().zip(sizes) {
            assert_eq!((&*tensor.name, &*tensor.shape), (layer, &[inputs; 2][..]));
        }
    }
}

#[test]
fn weights_of_every_network() {
    let folder = tempfile::tempdir().expect("a folder");
    for network in networks() {
        let (name, sizes) = (network.name(), sizes(&network));
        let model = stored(folder.path(), network, 1.0);
        let outcome = weights(&model).run(folder.path(), name).succeeded();
        let series = ["weights", "initial weights", "Marchenko-Pastur"];
        let expected: Vec<_> = sizes
            .iter()
            .flat_map(|(layer, outputs, inputs)| {
                series.map(|series| (series, *layer, *outputs.min(inputs)))
            })
            .collect();
        check_spectrum(&spectrum(&outcome), &expected);
        let (of, tensors) = bases(&outcome);
        assert_eq!(of, CovarianceOf::Weights);
        assert_eq!(tensors.len(), sizes.len());
        for (tensor, (layer, outputs, inputs)) in tensors.iter().zip(sizes) {
            let shape = [outputs.min(inputs), inputs];
            assert_eq!((&*tensor.name, &*tensor.shape), (layer, &shape[..]));
        }
    }
}

#[test]
fn spikes_are_the_eigenvalues_above_the_edge_of_the_law() {
    let folder = tempfile::tempdir().expect("a folder");
    let network = networks::mlp(vec![40, 20]);
    let mut found = Vec::new();
    for scale in [0.5, 1.2, 20.0] {
        let model = stored(folder.path(), network.clone(), scale);
        let name = scale.to_string();
        let outcome = weights(&model).run(folder.path(), &name).succeeded();
        let rows: Vec<SpikesRow> =
            read_records(&outcome.outputs[SpikesRow::KIND.name()]).expect("a table");
        let spectrum = spectrum(&outcome);
        let reader = TensorReader::open(&outcome.outputs[BASES.name()], BASES).expect("bases");
        let header: BasesHeader = reader.header().expect("a header");
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
    let folder = tempfile::tempdir().expect("a folder");
    // Eight images span eight dimensions of the 272 of the first layer.
    let path = folder.path().join("few.parquet");
    write_images(&path, SHAPE, 8, 0);
    let model = stored(folder.path(), networks()[1].clone(), 1.0);
    let outcome = activations(&model, &path)
        .run(folder.path(), "few")
        .succeeded();
    let reader = TensorReader::open(&outcome.outputs[BASES.name()], BASES).expect("bases");
    let header: BasesHeader = reader.header().expect("a header");
    assert_eq!(header.layers["layer1"].rank, 8);
    assert_eq!(header.layers["layer1"].spikes, None);
}

#[test]
fn chosen_layers_are_those_of_all_layers() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = images(folder.path(), 16);
    let model = stored(folder.path(), networks()[2].clone(), 1.0);
    let chosen = |mut task: Task<'_>, name| {
        let all = spectrum(&task.run(folder.path(), "all").succeeded());
        task.parameters["layers"] = json!(["linear", "conv2"]);
        let some = spectrum(&task.run(folder.path(), name).succeeded());
        let expected: Vec<_> = all.into_iter().filter(|row| row.layer != "conv1").collect();
        assert_eq!(some, expected);
    };
    chosen(activations(&model, &images), "activations");
    chosen(weights(&model), "weights");
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let images = images(folder.path(), 16);
    let model = stored(folder.path(), networks()[2].clone(), 1.0);
    let same = |task: Task<'_>, name: &str| {
        let one = task.run(folder.path(), name).succeeded();
        let four = Task { threads: 4, ..task };
        let four = four.run(folder.path(), &format!("{name}-4")).succeeded();
        for &kind in task.outputs {
            assert!(
                one.bytes(kind) == four.bytes(kind),
                "{name}: {kind} differs"
            );
        }
    };
    same(activations(&model, &images), "activations");
    same(weights(&model), "weights");
}

#[test]
fn the_seed_draws_the_initial_weights_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = stored(folder.path(), networks()[1].clone(), 1.0);
    let [first, second] = [1, 2].map(|seed| {
        let task = Task {
            seed,
            ..weights(&model)
        };
        spectrum(&task.run(folder.path(), &seed.to_string()).succeeded())
    });
    for (a, b) in first.iter().zip(&second) {
        assert_eq!(a.eigenvalue == b.eigenvalue, a.series != "initial weights");
    }
}

#[test]
fn bad_inputs_say_why_and_leave_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let (fitting, taller) = (images(at, 16), images(at, 17));
    let mlp = stored(at, networks()[1].clone(), 1.0);

    let unknown = "there is no layer `conv1`, the model has layer1, layer2, layer3";
    let mut task = activations(&mlp, &fitting);
    task.parameters["layers"] = json!(["layer1", "conv1"]);
    task.run(at, "unknown").fails_with(unknown);
    let mut task = weights(&mlp);
    task.parameters["layers"] = json!(["conv1"]);
    task.run(at, "unknown").fails_with(unknown);

    let shapes = "its images are 1 x 17 x 17 after their transforms, the model takes 1 x 16 x 17";
    activations(&mlp, &taller)
        .run(at, "shape")
        .fails_with(shapes);

    let mut task = activations(&mlp, &fitting);
    task.parameters["split"] = json!("test");
    task.run(at, "nothing")
        .fails_with("there are no test images in");

    let empty = stored(at, networks::mlp(vec![0]), 1.0);
    let without = "architecture: shape [0, 1, 1] holds no value";
    activations(&empty, &fitting)
        .run(at, "empty")
        .fails_with(without);
    weights(&empty).run(at, "empty").fails_with(without);

    let large = stored(at, networks()[1].clone(), 1e38);
    let infinite = "layer `layer3`: the covariance of what it reads is not finite";
    activations(&large, &fitting)
        .run(at, "large")
        .fails_with(infinite);
    weights(&large).run(at, "large").succeeded();
}
