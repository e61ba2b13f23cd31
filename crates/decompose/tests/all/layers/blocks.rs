//! Analyses of layers inside residual blocks, of padded and dilated windows, and of convolutions in groups.

use eigenscope_artifact::tables::layers::{LayerSpectrumRow, RSquaredRow, SpikesRow};
use eigenscope_artifact::tables::rainbow::{RainbowRow, RainbowSummaryRow};
use eigenscope_artifact::tables::surgery::{CentroidRow, SingularValueRow, SurgeryRow};
use eigenscope_artifact::{
    ALIGNMENTS, BASES, EMBEDDINGS, Embeddings, ImageReader, InputShape, SplitName, TENSORS,
    TensorReader,
};
use eigenscope_models::steps::StepList;
use eigenscope_models::{Runner, StoredModel, predicted_class};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{TestFolder, TestTask, class_names, image_header, noise, untrained};
use serde_json::{Value, json};

const SHAPE: InputShape = InputShape {
    channels: 1,
    height: 9,
    width: 8,
};

/// A block with a shortcut, a block in a block, a convolution in groups and a dilated one.
fn convolutions() -> Value {
    let conv = |channels: usize, more: Value| {
        let mut fields = json!({ "channels": channels, "kernel": 3, "padding": 1 });
        let more = more.as_object().expect("fields").clone();
        fields.as_object_mut().expect("fields").extend(more);
        json!({ "conv": fields })
    };
    json!([
        conv(4, json!({})),
        "batch-norm",
        "relu",
        { "residual": {
            "steps": [conv(6, json!({ "stride": 2 })), "gelu", { "residual": [conv(6, json!({ "groups": 3 }))] }],
            "shortcut": [{ "conv": { "channels": 6, "kernel": 1, "stride": 2 } }],
        }},
        conv(5, json!({ "dilation": 2, "padding": 2 })),
        "global-average-pool",
        { "linear": 4 },
        { "residual": [{ "linear": 4 }, "tanh"] },
        { "linear": { "outputs": "classes", "name": "head" } },
    ])
}

const LAYERS: [&str; 8] = [
    "conv1",
    "residual1.conv1",
    "residual1.residual1.conv1",
    "residual1.shortcut.conv1",
    "conv2",
    "linear1",
    "residual2.linear",
    "head",
];
/// Values of a sample of each.
const INPUTS: [usize; 8] = [9, 36, 18, 4, 54, 5, 4, 4];

fn model(folder: &TestFolder, name: &str, seed: u64) -> Input {
    let list = StepList::parse(&convolutions()).expect("a list");
    let architecture = list.architecture("network", SHAPE, class_names(3));
    let architecture = architecture.expect("it fits");
    folder.model(name, &untrained(&architecture, seed))
}

fn images(folder: &TestFolder) -> Input {
    let header = image_header(SHAPE, 16, class_names(3));
    let splits = [&noise(&header, 120, 6), &noise(&header, 90, 7)];
    folder.images("images", &header, splits)
}

fn task(kind: &str, parameters: Value) -> TestTask {
    TestTask::new(Stage::Decompose, kind, parameters)
}

#[test]
fn spectra_of_every_layer() {
    let folder = TestFolder::new();
    let (model, images) = (model(&folder, "model", 1), images(&folder));
    let outcomes = [
        task(
            "activation-covariance",
            json!({"layers": [], "split": "train", "samples": "windows"}),
        )
        .reads("model", &model)
        .reads("data", &images)
        .writes(&[LayerSpectrumRow::KIND, BASES])
        .run(&folder),
        task("weight-covariance", json!({"layers": []}))
            .reads("model", &model)
            .writes(&[LayerSpectrumRow::KIND, SpikesRow::KIND, BASES])
            .run(&folder),
    ];
    for outcome in outcomes {
        let reader = TensorReader::open(&outcome.path(BASES), BASES).expect("bases");
        let bases = reader.read().expect("tensors");
        let names: Vec<&str> = bases.iter().map(|basis| basis.name.as_str()).collect();
        assert_eq!(names, LAYERS);
        let widths = bases.iter().map(|basis| basis.shape[1]);
        assert_eq!(widths.collect::<Vec<_>>(), INPUTS);
        let rows: Vec<LayerSpectrumRow> = outcome.rows();
        assert!(rows.iter().all(|row| row.eigenvalue.is_finite()));
    }
}

#[test]
fn embeddings_inside_a_block_are_what_its_layer_makes() {
    let folder = TestFolder::new();
    let (model, images) = (model(&folder, "model", 1), images(&folder));
    let stored = StoredModel::read(&model.path).expect("a model");
    let runner = Runner::new(&stored).expect("it loads");
    let reader = ImageReader::open(&images.path).expect("images");
    let pieces = reader.pieces(SplitName::Test, 90).expect("a split");
    let pixels = pieces.flat_map(|piece| piece.expect("readable").pixels);
    let inputs = reader.pixels().apply_all(&pixels.collect::<Vec<_>>());
    let run = |steps| {
        let state = runner.run(0..steps, inputs.clone().into(), 90);
        state.expect("it runs").rows
    };
    let logits = run(stored.architecture.steps().len());
    let predicted = logits.chunks_exact(3);
    let predicted: Vec<u16> = predicted.map(|row| predicted_class(row) as u16).collect();
    for layer in LAYERS {
        let (position, _) = stored.architecture.layer(layer).expect("it is there");
        let outcome = task("embedding", json!({"layer": layer, "split": "test"}))
            .reads("model", &model)
            .reads("data", &images)
            .writes(&[EMBEDDINGS])
            .run(&folder);
        let embeddings = Embeddings::read(&outcome.path(EMBEDDINGS)).expect("embeddings");
        assert_eq!(embeddings.vectors, run(position + 1), "{layer}");
        // A cut may change the order of a sum, and no margin here is that small.
        assert_eq!(embeddings.predicted, predicted, "{layer}");
    }
}

#[test]
fn a_linear_layer_inside_a_block_is_edited() {
    let folder = TestFolder::new();
    let (model, images) = (model(&folder, "model", 1), images(&folder));
    let layer = json!({"layer": "residual2.linear", "split": "test"});
    let embeddings = task("embedding", layer)
        .reads("model", &model)
        .reads("data", &images)
        .writes(&[EMBEDDINGS])
        .run(&folder)
        .input(EMBEDDINGS);
    let parameters = json!({
        "pairs": [[0, 2]], "trees": 50, "samples": 64, "threshold": 0.9, "shrink": 1e-5
    });
    let outcome = task("surgery", parameters)
        .reads("model", &model)
        .reads("embeddings", &embeddings)
        .writes(&[
            TENSORS,
            SurgeryRow::KIND,
            CentroidRow::KIND,
            SingularValueRow::KIND,
        ])
        .run(&folder);
    let [before, after] =
        [&model.path, &outcome.path(TENSORS)].map(|path| StoredModel::read(path).expect("a model"));
    assert_eq!(before.architecture, after.architecture);
    for (before, after) in before.tensors.iter().zip(&after.tensors) {
        let edited = before.name == "residual2.linear.weight";
        assert_eq!(before.data != after.data, edited, "{}", before.name);
    }
    let values: Vec<SingularValueRow> = outcome.rows();
    let smallest = values.last().expect("values").singular_value;
    assert!(smallest < 1e-5, "{smallest}");
}

#[test]
fn alignments_leave_out_convolutions_in_groups_and_rainbow_refuses_blocks() {
    let folder = TestFolder::new();
    let (first, second) = (model(&folder, "first", 1), model(&folder, "second", 2));
    let images = images(&folder);
    let align = |layers: Value| {
        let parameters = json!({"layers": layers, "linear_samples": "images"});
        task("alignment", parameters)
            .reads("reference", &first)
            .reads("other", &second)
            .reads("data", &images)
            .writes(&[ALIGNMENTS, RSquaredRow::KIND])
            .run(&folder)
    };
    let maps = align(json!([])).path(ALIGNMENTS);
    let maps = TensorReader::open(&maps, ALIGNMENTS).expect("maps");
    // That of the first layer, which reads the data, is the identity.
    let grouped = "residual1.residual1.conv1";
    let expected: Vec<&str> = LAYERS
        .into_iter()
        .filter(|layer| *layer != grouped)
        .collect();
    assert_eq!(maps.names().expect("names"), expected);
    align(json!([grouped])).fails_with(
        "layer `residual1.residual1.conv1` is a convolution in groups: an alignment mixes all channels",
    );
    let block = json!([
        { "linear": { "outputs": 4, "bias": false } },
        { "residual": [{ "linear": { "outputs": 4, "bias": false } }] },
        { "linear": { "outputs": 3, "bias": false } },
    ]);
    let list = StepList::parse(&block).expect("a list");
    let architecture = list.architecture("network", SHAPE, class_names(3));
    let block = untrained(&architecture.expect("it fits"), 1);
    task("rainbow", json!({"draws": 1, "linear_samples": "images"}))
        .reads("model", &folder.model("block", &block))
        .reads("data", &images)
        .writes(&[RainbowRow::KIND, RainbowSummaryRow::KIND, TENSORS])
        .run(&folder)
        .fails_with("a residual block adds what it reads to what its layers make");
}
