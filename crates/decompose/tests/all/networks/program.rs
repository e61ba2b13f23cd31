//! The task kinds `alignment`, `overlap` and `rainbow` as a program: task file in, artifacts or a clear error out.

use eigenscope_artifact::tables::layers::{OverlapRow, RSquaredRow};
use eigenscope_artifact::tables::rainbow::{RainbowRow, RainbowSummaryRow};
use eigenscope_artifact::{
    ALIGNMENTS, BASES, BasesHeader, BasisHeader, CovarianceOf, InputShape, NamedTensor, Split,
    TENSORS, TensorReader, write_tensors,
};
use eigenscope_models::{Architecture, Network, StoredModel, networks};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{
    TaskOutcome, TestFolder, TestTask, Tolerance, assert_close, describe, image_header, made_by,
    model_with, provenance_of,
};
use serde_json::json;

const SIDE: usize = 13;

fn networks() -> [Network; 3] {
    [
        networks::bilinear(5, true),
        networks::mlp(vec![7, 6]),
        networks::cnn(vec![4, 3]),
    ]
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
fn model(folder: &TestFolder, network: &Network, phase: f32) -> Input {
    let architecture = architecture(network);
    let model = model_with(&architecture, |number, parameter| {
        let values = parameter.shape.iter().product::<usize>();
        let factor = 1.3 + 0.7 * number as f32;
        let value = |at| (at as f32 * factor + phase).sin();
        (0..values).map(value).collect()
    });
    let tensors = model.tensors.len();
    folder.model(&format!("{}-{tensors}-{phase}", network.name()), &model)
}

/// 700 training images, more than one piece, and `test` test images.
fn images(folder: &TestFolder, side: usize, test: usize, classes: Vec<String>) -> Input {
    let name = format!("images-{side}-{test}-{}", classes.len());
    let header = image_header([1, side, side], 255, classes);
    let split = |start, count| {
        let pixels = (start..start + count).flat_map(|image| {
            (0..side * side).map(move |pixel| (image * image * 31 + pixel * (image + 7) * 17) as u8)
        });
        Split {
            indices: (0..count as u32).collect(),
            labels: (0..count).map(|image| (image % 3) as u16).collect(),
            pixels: pixels.collect(),
        }
    };
    folder.images(&name, &header, [&split(0, 700), &split(700, test)])
}

/// Unit vectors along the first `rank` inputs of every layer of `network`.
fn bases(
    folder: &TestFolder,
    name: &str,
    network: &Network,
    of: CovarianceOf,
    made_from: &Input,
) -> Input {
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
    let path = folder.path(&format!("{name}.parquet"));
    let header = BasesHeader {
        of,
        layers: headers,
    };
    let provenance = provenance_of(&[("model", made_from)]);
    write_tensors(&path, BASES, &header, &tensors, &provenance).expect("written");
    made_by(&format!("decompose.{name}"), &path)
}

fn align([reference, other]: [&Input; 2], data: &Input, layers: &[&str]) -> TestTask {
    let parameters = json!({"layers": layers, "linear_samples": "images"});
    TestTask::new(Stage::Decompose, "alignment", parameters)
        .reads("reference", reference)
        .reads("other", other)
        .reads("data", data)
        .writes(&[ALIGNMENTS, RSquaredRow::KIND])
}

fn overlap([reference, other]: [&Input; 2], alignment: &Input) -> TestTask {
    let parameters = json!({"layers": [], "count": 3});
    TestTask::new(Stage::Decompose, "overlap", parameters)
        .reads("reference", reference)
        .reads("other", other)
        .reads("alignment", alignment)
        .writes(&[OverlapRow::KIND])
}

fn rainbow(model: &Input, data: &Input, draws: u32) -> TestTask {
    let parameters = json!({"draws": draws, "linear_samples": "images"});
    TestTask::new(Stage::Decompose, "rainbow", parameters)
        .seed(3)
        .reads("model", model)
        .reads("data", data)
        .writes(&[RainbowRow::KIND, RainbowSummaryRow::KIND, TENSORS])
}

fn maps(outcome: &TaskOutcome) -> TensorReader {
    TensorReader::open(&outcome.path(ALIGNMENTS), ALIGNMENTS).expect("maps")
}

#[test]
fn the_kinds_come_in_order_and_only_rainbow_is_random() {
    let description = describe(Stage::Decompose);
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
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, 40, classes());
    let expected = [
        ["embed", "gate", "unembed"],
        ["layer1", "layer2", "layer3"],
        ["conv1", "conv2", "linear"],
    ];
    for (network, layers) in networks().iter().zip(expected) {
        let (reference, other) = (model(&folder, network, 0.0), model(&folder, network, 0.4));
        let task = align([&reference, &other], &data, &[]);
        let one = task.run(&folder);
        one.assert_same_bytes(&task.threads(4).run(&folder));

        let rows: Vec<RSquaredRow> = one.rows();
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
        let reader = maps(&one);
        assert_eq!(reader.names().expect("names"), layers);
        let first = reader.read_one(layers[0]).expect("the identity");
        assert_eq!((first.shape, first.data), (vec![1, 1], vec![1.0]));

        let of = CovarianceOf::Weights;
        let first = bases(&folder, "first", network, of, &reference);
        let second = bases(&folder, "second", network, of, &other);
        let overlaps = overlap([&first, &second], &one.input(ALIGNMENTS)).run(&folder);
        let rows: Vec<OverlapRow> = overlaps.rows();
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
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, 40, classes());
    let network = model(&folder, &networks()[2], 0.0);
    let outcome = align([&network, &network], &data, &["conv2"]).run(&folder);
    let rows: Vec<RSquaredRow> = outcome.rows();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| (row.r_squared - 1.0).abs() < 1e-9));
    assert_eq!(rows[0].samples, 700 * 25);
    let map = maps(&outcome).read_one("conv2").expect("aligned");
    assert_eq!(map.shape, [4, 4]);
    let identity = std::array::from_fn::<f32, 16, _>(|at| f32::from(u8::from(at % 5 == 0)));
    assert_close("map", &map.data, &identity, Tolerance::Absolute(1e-5));
}

#[test]
fn alignments_refuse_what_does_not_pair() {
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, 40, classes());
    let [bilinear, mlp, cnn] = networks().map(|network| model(&folder, &network, 0.0));
    let deeper = model(&folder, &networks::mlp(vec![7, 6, 5]), 0.0);
    let one_layer = model(&folder, &networks::mlp(vec![]), 0.0);
    let refused = |networks: [&Input; 2], data: &Input, layers: &[&str], reason: &str| {
        align(networks, data, layers)
            .run(&folder)
            .fails_with(reason);
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
        images(&folder, 14, 40, classes()),
        images(&folder, SIDE, 0, classes()),
    );
    refused([&mlp, &mlp], &taller, &[], "its images are 1 x 14 x 14");
    refused([&mlp, &mlp], &untested, &[], "there are no test images in");
    refused([&mlp, &data], &data, &[], "holds `images`");
    align([&mlp, &deeper], &data, &["layer2"])
        .run(&folder)
        .succeeded();
}

#[test]
fn overlaps_refuse_what_does_not_belong_together() {
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, 40, classes());
    let [_, mlp, cnn] = networks();
    let (reference, other) = (model(&folder, &mlp, 0.0), model(&folder, &mlp, 0.4));
    let weights = CovarianceOf::Weights;
    let first = bases(&folder, "first", &mlp, weights, &reference);
    let second = bases(&folder, "second", &mlp, weights, &other);
    let partial = align([&reference, &other], &data, &["layer2"]).run(&folder);
    let partial = partial.input(ALIGNMENTS);
    let refused = |bases: [&Input; 2], reason: &str| {
        overlap(bases, &partial).run(&folder).fails_with(reason);
    };
    refused([&first, &second], "no tensor `layer3`, only layer1, layer2");
    refused([&second, &first], "`model` of `reference` is");
    refused([&first, &first], "`model` of `other` is");
    let activations = bases(
        &folder,
        "activations",
        &mlp,
        CovarianceOf::Activations,
        &other,
    );
    refused(
        [&first, &activations],
        "the reference has eigenvectors of the covariance of weights, the other of activations",
    );
    let foreign = bases(&folder, "foreign", &cnn, weights, &other);
    refused([&first, &foreign], "no layer is in both bases");
    let wider = bases(
        &folder,
        "wider",
        &networks::mlp(vec![9, 6]),
        weights,
        &other,
    );
    refused(
        [&first, &wider],
        "layer `layer2`: the eigenvectors have [7, 9] values (reference, other), which the alignment [7, 7]",
    );
}

#[test]
fn rainbow_networks_do_not_depend_on_threads_or_on_how_many_there_are() {
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, 40, classes());
    for network in &networks()[1..] {
        let model = model(&folder, network, 0.0);
        let few = rainbow(&model, &data, 3);
        let first = few.run(&folder);
        first.assert_same_bytes(&few.threads(4).run(&folder));
        let many = rainbow(&model, &data, 12).threads(2).run(&folder);
        let (rows, first): (Vec<RainbowRow>, Vec<RainbowRow>) = (many.rows(), first.rows());
        assert_eq!(rows[..3], first);
        let numbers: Vec<u32> = rows.iter().map(|row| row.draw).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
        assert!(rows.iter().all(|row| row.images == 40));

        let summary: Vec<RainbowSummaryRow> = many.rows();
        assert_eq!((summary.len(), summary[0].draws), (1, 12));
        let mean = rows.iter().map(|row| row.accuracy_fraction).sum::<f64>() / 12.0;
        assert!((summary[0].generated_accuracy_mean_fraction - mean).abs() < 1e-12);
        assert!(summary[0].generated_accuracy_std_fraction.is_some());
        assert!(summary[0].generated_accuracy_min_fraction <= mean);

        let (trained, drawn) = (
            StoredModel::read(&model.path),
            StoredModel::read(&many.path(TENSORS)),
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
    let folder = TestFolder::new();
    let data = images(&folder, SIDE, 40, classes());
    let [bilinear, mlp, _] = networks().map(|network| model(&folder, &network, 0.0));
    let one_layer = model(&folder, &networks::mlp(vec![]), 0.0);
    let other_classes = images(
        &folder,
        SIDE,
        40,
        [classes(), vec!["d".to_owned()]].concat(),
    );
    let refused = |model: &Input, data: &Input, reason: &str| {
        rainbow(model, data, 1).run(&folder).fails_with(reason);
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
        &images(&folder, 14, 40, classes()),
        "its images are 1 x 14 x 14",
    );
    refused(&mlp, &images(&folder, SIDE, 0, classes()), "no test images");
}
