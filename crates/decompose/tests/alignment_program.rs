//! The task kinds `alignment`, `overlap` and `rainbow` as a program: task file in, artifacts or a clear error out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::tables::layers::{OverlapRow, RSquaredRow};
use eigenscope_artifact::tables::rainbow::{RainbowRow, RainbowSummaryRow};
use eigenscope_artifact::{
    ALIGNMENTS, ArtifactKind, BASES, BasesHeader, BasisHeader, CovarianceOf, Digest, ImageHeader,
    ImageWriter, InputDigest, InputShape, KindName, NamedTensor, PixelTransform, Provenance,
    SourceCheck, Split, SplitName, TENSORS, TensorReader, read_records, write_tensors,
};
use eigenscope_models::{Architecture, Network, StoredModel, networks};
use eigenscope_stage::{Description, Event, Input, TASK_VERSION, TaskFile};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_eigenscope-decompose");
const SIDE: usize = 13;

fn networks() -> [Network; 3] {
    [
        networks::bilinear(5, true),
        networks::mlp(vec![7, 6]),
        networks::cnn(vec![4, 3]),
    ]
}

fn provenance(parameters: Value, inputs: Vec<InputDigest>) -> Provenance {
    Provenance {
        task: "decompose.test".to_owned(),
        kind: "decompose/test".to_owned(),
        fingerprint: "test".to_owned(),
        parameters,
        seed: 3,
        inputs,
    }
}

fn classes() -> Vec<String> {
    ["a", "b", "c"].map(str::to_owned).to_vec()
}

fn architecture(network: &Network) -> Architecture {
    let input = InputShape::from([1, SIDE, SIDE]);
    let architecture = network.architecture(input, classes());
    architecture.expect("it fits its input")
}

/// A network with weights that depend on `phase`.
fn model(folder: &Path, network: &Network, phase: f32) -> PathBuf {
    let architecture = architecture(network);
    let tensors = architecture
        .parameters()
        .into_iter()
        .enumerate()
        .map(|(number, parameter)| {
            let values = parameter.shape.iter().product::<usize>();
            let factor = 1.3 + 0.7 * number as f32;
            NamedTensor {
                name: parameter.name,
                shape: parameter.shape,
                data: (0..values)
                    .map(|at| (at as f32 * factor + phase).sin())
                    .collect(),
            }
        });
    let tensors: Vec<NamedTensor> = tensors.collect();
    let path = folder.join(format!(
        "{}-{}-{phase}.parquet",
        network.name(),
        tensors.len()
    ));
    let model = StoredModel::new(architecture, tensors).expect("the tensors fit");
    model
        .write(&path, &provenance(json!({}), Vec::new()))
        .expect("written");
    path
}

/// 700 training images, more than one piece, and `test` test images.
fn images(folder: &Path, side: usize, test: usize, classes: Vec<String>) -> PathBuf {
    let path = folder.join(format!("images-{side}-{test}-{}.parquet", classes.len()));
    let header = ImageHeader {
        height: side,
        width: side,
        channels: 1,
        maximum: 255,
        classes,
        transforms: vec![PixelTransform::Scale],
        source: SourceCheck::Unpublished,
    };
    let mut writer =
        ImageWriter::create(&path, header, &provenance(json!({}), Vec::new())).expect("created");
    for (name, start, count) in [(SplitName::Train, 0, 700), (SplitName::Test, 700, test)] {
        let pixels = (start..start + count).flat_map(|image| {
            (0..side * side).map(move |pixel| (image * image * 31 + pixel * (image + 7) * 17) as u8)
        });
        let split = Split {
            indices: (0..count as u32).collect(),
            labels: (0..count).map(|image| (image % 3) as u16).collect(),
            pixels: pixels.collect(),
        };
        writer.write(name, &split).expect("written");
    }
    writer.finish().expect("finished");
    path
}

/// Unit vectors along the first `rank` inputs of every layer of `network`.
fn bases(
    folder: &Path,
    name: &str,
    network: &Network,
    of: CovarianceOf,
    made_from: &str,
) -> PathBuf {
    let architecture = architecture(network);
    let layers = || architecture.layers().map(|(_, layer)| layer);
    // The third vector of every layer is in its null space.
    let header = BasisHeader {
        rank: 2,
        spikes: None,
    };
    let headers = layers().map(|layer| (layer.name.clone(), header));
    let headers = headers.collect();
    let tensors: Vec<NamedTensor> = layers()
        .map(|layer| {
            let (rank, inputs) = (3, layer.inputs());
            let entry = |at| f32::from(u8::from(at / inputs == at % inputs));
            NamedTensor {
                name: layer.name.clone(),
                shape: vec![rank, inputs],
                data: (0..rank * inputs).map(entry).collect(),
            }
        })
        .collect();
    let model = InputDigest {
        role: "model".to_owned(),
        task: made_from.to_owned(),
        content: Digest::of(made_from.as_bytes()),
    };
    let path = folder.join(format!("{name}.parquet"));
    let provenance = provenance(json!({}), vec![model]);
    write_tensors(
        &path,
        BASES,
        &BasesHeader {
            of,
            layers: headers,
        },
        &tensors,
        &provenance,
    )
    .expect("written");
    path
}

/// A task to be run in a folder of its own.
struct Task<'a> {
    folder: &'a Path,
    name: &'a str,
    kind: &'a str,
    outputs: &'a [ArtifactKind],
    threads: usize,
}

impl Task<'_> {
    /// The outputs, or what the program said.
    fn run(
        &self,
        inputs: &[(&str, &Path)],
        parameters: Value,
    ) -> Result<BTreeMap<KindName, PathBuf>, String> {
        let folder = self.folder.join(self.name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let outputs: BTreeMap<KindName, PathBuf> = self
            .outputs
            .iter()
            .map(|kind| ((*kind).into(), folder.join(kind.file_name())))
            .collect();
        let made_from = inputs.iter().map(|(role, path)| InputDigest {
            role: (*role).to_owned(),
            task: path.display().to_string(),
            content: Digest::of(path.display().to_string().as_bytes()),
        });
        let input = |(role, path): &(&str, &Path)| {
            let input = Input {
                task: path.display().to_string(),
                labels: BTreeMap::new(),
                path: path.to_path_buf(),
                content: Digest::of(b"content"),
            };
            ((*role).to_owned(), vec![input])
        };
        let task = TaskFile {
            version: TASK_VERSION,
            kind: self.kind.to_owned(),
            threads: self.threads,
            data_dir: folder.clone(),
            download: false,
            inputs: inputs.iter().map(input).collect(),
            outputs: outputs.clone(),
            provenance: provenance(parameters, made_from.collect()),
        };
        let file = folder.join("task.json");
        std::fs::write(&file, serde_json::to_string(&task).expect("serialises")).expect("written");
        let answer = Command::new(PROGRAM)
            .arg("run")
            .arg(&file)
            .output()
            .expect("it starts");
        if answer.status.success() {
            return Ok(outputs);
        }
        assert_eq!(answer.status.code(), Some(1));
        assert!(outputs.values().all(|path| !path.exists()));
        let events = String::from_utf8(answer.stdout).expect("UTF-8");
        let failed = events
            .lines()
            .find_map(|line| match serde_json::from_str(line) {
                Ok(Event::Failed { messages }) => Some(messages.join(": ")),
                _ => None,
            });
        Err(failed.expect("a failure that says why"))
    }
}

const ALIGNMENT: &[ArtifactKind] = &[ALIGNMENTS, RSquaredRow::KIND];
const RAINBOW: &[ArtifactKind] = &[RainbowRow::KIND, RainbowSummaryRow::KIND, TENSORS];

fn align(
    folder: &Path,
    name: &str,
    networks: [&Path; 2],
    data: &Path,
    threads: usize,
    layers: &[&str],
) -> Result<BTreeMap<KindName, PathBuf>, String> {
    let task = Task {
        folder,
        name,
        kind: "alignment",
        outputs: ALIGNMENT,
        threads,
    };
    let [reference, other] = networks;
    task.run(
        &[("reference", reference), ("other", other), ("data", data)],
        json!({"layers": layers, "linear_samples": "images"}),
    )
}

fn overlap(
    folder: &Path,
    name: &str,
    bases: [&Path; 2],
    alignment: &Path,
) -> Result<Vec<OverlapRow>, String> {
    let task = Task {
        folder,
        name,
        kind: "overlap",
        outputs: &[OverlapRow::KIND],
        threads: 1,
    };
    let [reference, other] = bases;
    let inputs = [
        ("reference", reference),
        ("other", other),
        ("alignment", alignment),
    ];
    let outputs = task.run(&inputs, json!({"layers": [], "count": 3}))?;
    Ok(read_records(&outputs[OverlapRow::KIND.name()]).expect("overlaps"))
}

fn rainbow(
    folder: &Path,
    name: &str,
    model: &Path,
    data: &Path,
    draws: u32,
    threads: usize,
) -> Result<BTreeMap<KindName, PathBuf>, String> {
    let task = Task {
        folder,
        name,
        kind: "rainbow",
        outputs: RAINBOW,
        threads,
    };
    let parameters = json!({"draws": draws, "linear_samples": "images"});
    task.run(&[("model", model), ("data", data)], parameters)
}

fn assert_same_bytes(first: &BTreeMap<KindName, PathBuf>, second: &BTreeMap<KindName, PathBuf>) {
    for (kind, path) in first {
        let read = |path: &Path| std::fs::read(path).expect("an output");
        assert!(read(path) == read(&second[kind]), "{kind} differs");
    }
}

#[test]
fn the_kinds_come_in_order_and_only_rainbow_is_random() {
    let output = Command::new(PROGRAM)
        .arg("describe")
        .output()
        .expect("it starts");
    let description: Description = serde_json::from_slice(&output.stdout).expect("a description");
    let found = description
        .kinds
        .iter()
        .map(|kind| (kind.name.as_str(), kind.random));
    let ours = found.filter(|(name, _)| ["alignment", "overlap", "rainbow"].contains(name));
    let expected = [("alignment", false), ("overlap", false), ("rainbow", true)];
    assert_eq!(ours.collect::<Vec<_>>(), expected);
}

#[test]
fn alignments_and_overlaps_of_every_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let data = images(at, SIDE, 40, classes());
    let expected = [
        ["embed", "gate", "unembed"],
        ["layer1", "layer2", "layer3"],
        ["conv1", "conv2", "linear"],
    ];
    for (network, layers) in networks().iter().zip(expected) {
        let (reference, other) = (model(at, network, 0.0), model(at, network, 0.4));
        let name = network.name();
        let one = align(at, name, [&reference, &other], &data, 1, &[]).expect("runs");
        let four = format!("{name}-4");
        let four = align(at, &four, [&reference, &other], &data, 4, &[]).expect("runs");
        assert_same_bytes(&one, &four);

        let rows: Vec<RSquaredRow> = read_records(&one[RSquaredRow::KIND.name()]).expect("rows");
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.layer.as_str(), row.split.as_str()))
            .collect();
        let [_, second, third] = layers;
        assert_eq!(
            found,
            [
                (second, "train"),
                (second, "test"),
                (third, "train"),
                (third, "test")
            ]
        );
        assert!(
            rows.iter()
                .all(|row| row.r_squared > 0.0 && row.r_squared < 1.0)
        );
        assert_eq!(rows[2].samples, 700);
        let reader = TensorReader::open(&one[ALIGNMENTS.name()], ALIGNMENTS).expect("maps");
        assert_eq!(reader.names().expect("names"), layers);
        let first = reader.read_one(layers[0]).expect("the identity");
        assert_eq!((first.shape, first.data), (vec![1, 1], vec![1.0]));

        let made_from = |path: &Path| path.display().to_string();
        let of = CovarianceOf::Weights;
        let first = bases(at, "first", network, of, &made_from(&reference));
        let second = bases(at, "second", network, of, &made_from(&other));
        let rows = overlap(
            at,
            &format!("{name}-overlap"),
            [&first, &second],
            &one[ALIGNMENTS.name()],
        );
        let rows = rows.expect("runs");
        assert_eq!(rows.len(), 3 * 9);
        assert!(
            rows.iter()
                .all(|row| row.of == "weights" && row.overlap <= 1.0 + 1e-6)
        );
        let data_layer: Vec<f64> = rows[..9].iter().map(|row| row.overlap).collect();
        assert_eq!(data_layer, [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let ranks = rows[9..18]
            .iter()
            .map(|row| (row.reference_rank, row.other_rank));
        let pairs = (1..=3).flat_map(|one| (1..=3).map(move |other| (one, other)));
        assert!(ranks.eq(pairs));
        assert!(
            rows.iter()
                .all(|row| row.null_space == (row.reference_rank == 3 || row.other_rank == 3))
        );
    }
}

#[test]
fn a_network_is_aligned_with_itself_by_the_identity() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let data = images(at, SIDE, 40, classes());
    let network = model(at, &networks()[2], 0.0);
    let outputs = align(at, "itself", [&network, &network], &data, 1, &["conv2"]).expect("runs");
    let rows: Vec<RSquaredRow> = read_records(&outputs[RSquaredRow::KIND.name()]).expect("rows");
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| (row.r_squared - 1.0).abs() < 1e-9));
    assert_eq!(rows[0].samples, 700 * 25);
    let reader = TensorReader::open(&outputs[ALIGNMENTS.name()], ALIGNMENTS).expect("maps");
    let map = reader.read_one("conv2").expect("aligned");
    assert_eq!(map.shape, [4, 4]);
    for (at, value) in map.data.iter().enumerate() {
        assert!(
            (value - f32::from(u8::from(at % 5 == 0))).abs() < 1e-5,
            "{value}"
        );
    }
}

#[test]
fn alignments_refuse_what_does_not_pair() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let data = images(at, SIDE, 40, classes());
    let [bilinear, mlp, cnn] = networks().map(|network| model(at, &network, 0.0));
    let deeper = model(at, &networks::mlp(vec![7, 6, 5]), 0.0);
    let one_layer = model(at, &networks::mlp(vec![]), 0.0);
    let refused = |networks: [&Path; 2], data: &Path, layers: &[&str], words: &str| {
        let message = align(at, "refused", networks, data, 1, layers).expect_err("refused");
        assert!(message.contains(words), "{message}");
    };
    refused(
        [&mlp, &cnn],
        &data,
        &[],
        "layer `layer2` is not in both networks: the reference has layer1, layer2, layer3, the other has conv1, conv2, \
         linear",
    );
    refused(
        [&mlp, &deeper],
        &data,
        &[],
        "layer `layer4` is not in both networks",
    );
    refused(
        [&mlp, &mlp],
        &data,
        &["layer9"],
        "layer `layer9` is not in both networks",
    );
    refused(
        [&bilinear, &bilinear],
        &data,
        &["embed"],
        "layer `embed` reads the data itself",
    );
    refused(
        [&one_layer, &one_layer],
        &data,
        &[],
        "no layer reads activations",
    );
    let (taller, untested) = (
        images(at, 14, 40, classes()),
        images(at, SIDE, 0, classes()),
    );
    refused([&mlp, &mlp], &taller, &[], "its images are 1 x 14 x 14");
    refused([&mlp, &mlp], &untested, &[], "there are no test images in");
    refused([&mlp, &data], &data, &[], "holds `images`");
    align(at, "shared", [&mlp, &deeper], &data, 1, &["layer2"]).expect("both have it");
}

#[test]
fn overlaps_refuse_what_does_not_belong_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let data = images(at, SIDE, 40, classes());
    let [_, mlp, cnn] = networks();
    let (reference, other) = (model(at, &mlp, 0.0), model(at, &mlp, 0.4));
    let (from, to) = (reference.display().to_string(), other.display().to_string());
    let weights = CovarianceOf::Weights;
    let first = bases(at, "first", &mlp, weights, &from);
    let second = bases(at, "second", &mlp, weights, &to);
    let partial = align(at, "partial", [&reference, &other], &data, 1, &["layer2"]).expect("runs");
    let partial = &partial[ALIGNMENTS.name()];
    let refused = |bases: [&Path; 2], words: &str| {
        let message = overlap(at, "refused", bases, partial).expect_err("refused");
        assert!(message.contains(words), "{message}");
    };
    refused([&first, &second], "no tensor `layer3`, only layer1, layer2");
    refused([&second, &first], "`model` of `reference` is");
    refused([&first, &first], "`model` of `other` is");
    let activations = bases(at, "activations", &mlp, CovarianceOf::Activations, &to);
    refused(
        [&first, &activations],
        "the reference has eigenvectors of the covariance of weights, the other of activations",
    );
    let foreign = bases(at, "foreign", &cnn, weights, &to);
    refused([&first, &foreign], "no layer is in both bases");
    let wider = bases(at, "wider", &networks::mlp(vec![9, 6]), weights, &to);
    refused(
        [&first, &wider],
        "layer `layer2`: the eigenvectors have [7, 9] values (reference, other), which the alignment [7, 7]",
    );
}

#[test]
fn rainbow_networks_do_not_depend_on_threads_or_on_how_many_there_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let data = images(at, SIDE, 40, classes());
    for network in &networks()[1..] {
        let path = model(at, network, 0.0);
        let few = rainbow(at, "few", &path, &data, 3, 1).expect("runs");
        assert_same_bytes(
            &few,
            &rainbow(at, "few-4", &path, &data, 3, 4).expect("runs"),
        );
        let many = rainbow(at, "many", &path, &data, 12, 2).expect("runs");
        let rows: Vec<RainbowRow> = read_records(&many[RainbowRow::KIND.name()]).expect("rows");
        let first: Vec<RainbowRow> = read_records(&few[RainbowRow::KIND.name()]).expect("rows");
        assert_eq!(rows[..3], first);
        let numbers: Vec<u32> = rows.iter().map(|row| row.draw).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
        assert!(rows.iter().all(|row| row.images == 40));

        let summary: Vec<RainbowSummaryRow> =
            read_records(&many[RainbowSummaryRow::KIND.name()]).expect("a row");
        assert_eq!((summary.len(), summary[0].draws), (1, 12));
        let mean = rows.iter().map(|row| row.accuracy_fraction).sum::<f64>() / 12.0;
        assert!((summary[0].generated_accuracy_mean_fraction - mean).abs() < 1e-12);
        assert!(summary[0].generated_accuracy_std_fraction.is_some());
        assert!(summary[0].generated_accuracy_min_fraction <= mean);

        let (trained, drawn) = (
            StoredModel::read(&path),
            StoredModel::read(&many[TENSORS.name()]),
        );
        let (trained, drawn) = (trained.expect("a model"), drawn.expect("a model"));
        assert_eq!(drawn.architecture, trained.architecture);
        for (drawn, trained) in drawn.tensors.iter().zip(&trained.tensors) {
            assert_ne!(drawn.data, trained.data);
        }
    }
}

#[test]
fn rainbow_refuses_what_it_cannot_draw() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let data = images(at, SIDE, 40, classes());
    let [bilinear, mlp, _] = networks().map(|network| model(at, &network, 0.0));
    let one_layer = model(at, &networks::mlp(vec![]), 0.0);
    let other_classes = images(at, SIDE, 40, [classes(), vec!["d".to_owned()]].concat());
    let refused = |model: &Path, data: &Path, words: &str| {
        let message = rainbow(at, "refused", model, data, 1, 1).expect_err("refused");
        assert!(message.contains(words), "{message}");
    };
    refused(&bilinear, &data, "rows drawn one by one are no pairs");
    refused(&one_layer, &data, "no layer reads activations");
    refused(
        &mlp,
        &other_classes,
        "its classes are [a, b, c, d], those of the model are [a, b, c]",
    );
    refused(
        &mlp,
        &images(at, 14, 40, classes()),
        "its images are 1 x 14 x 14",
    );
    refused(&mlp, &images(at, SIDE, 0, classes()), "no test images");
}
