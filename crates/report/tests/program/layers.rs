//! Figures with one column a layer: clipping, the overlap of two networks, and measures of weights.

use eigenscope_artifact::INTERACTIVE;
use eigenscope_artifact::tables::layers::{
    ClippingRow, LayerSpectrumRow, LearnedDimensionsRow, OverlapRow, RSquaredRow, WeightQualityRow,
};
use eigenscope_stage::Input;
use eigenscope_testing::TestFolder;
use serde_json::{Value, json};

use crate::drawn::{self, Drawing};

pub(crate) fn spectrum(series: &str, layer: &str, eigenvalues: &[f64]) -> Vec<LayerSpectrumRow> {
    let row = |(rank, &eigenvalue): (u32, &f64)| LayerSpectrumRow {
        series: series.to_owned(),
        layer: layer.to_owned(),
        rank,
        eigenvalue,
    };
    (1..).zip(eigenvalues).map(row).collect()
}

/// Weights of two layers beside an initialisation; two eigenvalues have no logarithm.
fn weights() -> Vec<LayerSpectrumRow> {
    [
        spectrum("weights", "layer1", &[4.0, 1.0, 0.25, 0.0]),
        spectrum("weights", "layer2", &[2.0, 0.5]),
        spectrum("initial weights", "layer1", &[0.5, 0.25, 0.125, -1e-9]),
        spectrum("initial weights", "layer2", &[0.5, 0.25]),
    ]
    .concat()
}

pub(crate) fn clipping(layer: &str, correct: &[u32]) -> Vec<ClippingRow> {
    let row = |(kept, &correct): (u32, &u32)| ClippingRow {
        of: "weights".to_owned(),
        layer: layer.to_owned(),
        kept,
        correct,
        images: 100,
        accuracy_fraction: f64::from(correct) / 100.0,
    };
    (1..).zip(correct).map(row).collect()
}

pub(crate) fn needed(layer: &str, inputs: u32, dimensions: Option<u32>) -> LearnedDimensionsRow {
    LearnedDimensionsRow {
        of: "weights".to_owned(),
        layer: layer.to_owned(),
        inputs,
        accuracy_fraction: 0.625,
        within_fraction: 0.01,
        dimensions,
        first_dimensions: dimensions,
        spikes: None,
        spikes_accuracy_fraction: None,
    }
}

fn both() -> Vec<ClippingRow> {
    [
        clipping("layer2", &[30, 62]),
        clipping("layer1", &[20, 45, 62, 62]),
    ]
    .concat()
}

struct Clipping {
    spectrum: Vec<LayerSpectrumRow>,
    clipping: Vec<ClippingRow>,
    dimensions: Vec<LearnedDimensionsRow>,
}

impl Clipping {
    fn of_weights() -> Self {
        Self {
            spectrum: weights(),
            clipping: both(),
            dimensions: vec![needed("layer1", 4, Some(3)), needed("layer2", 2, None)],
        }
    }

    fn draw_in(&self, folder: &TestFolder, layers: Value) -> Drawing {
        self.draw_on(folder, layers, "log")
    }

    fn draw_on(&self, folder: &TestFolder, layers: Value, rank_axis: &str) -> Drawing {
        let parameters = json!({ "layers": layers, "rank_axis": rank_axis });
        let inputs = [
            ("spectrum", folder.table("spectrum", &self.spectrum)),
            ("clipping", folder.table("clipping", &self.clipping)),
            ("dimensions", folder.table("dimensions", &self.dimensions)),
        ];
        drawn::draw(folder, "layer-clipping", parameters, inputs)
    }
}

#[test]
fn clipping_has_a_column_a_layer_in_the_order_of_the_table() {
    let folder = TestFolder::new();
    let drawn = Clipping::of_weights().draw_in(&folder, json!([]));
    let panels = drawn.texts_of("panel");
    let titles: Vec<&str> = panels.iter().map(|texts| texts[0].as_str()).collect();
    assert_eq!(
        titles,
        [
            "layer2",
            "layer1",
            "layer2: none of 2 suffices",
            "layer1: 3 of 4 eigenvectors suffice"
        ]
    );
    assert_eq!(panels[1][1..5], ["1", "2", "Rank", "10"]);
    assert!(panels[2].contains(&"Accuracy (%)".to_owned()));
    assert!(panels[3].contains(&"Eigenvectors kept".to_owned()));
    assert_eq!(
        drawn.texts_of("legend"),
        [[
            "weights",
            "initial weights",
            "whole model",
            "layer clipped",
            "within 1 point of the whole model"
        ]]
    );
    assert_eq!(
        drawn.warnings(),
        [
            "2 of 12 eigenvalues are not on the logarithmic axes: they are zero, negative or below 1e-12 of the largest \
          of their curve"
        ]
    );
}

#[test]
fn spikes_are_marked_with_what_clipping_to_them_costs() {
    let folder = TestFolder::new();
    let mut tables = Clipping::of_weights();
    tables.dimensions[0].first_dimensions = Some(2);
    tables.dimensions[0].spikes = Some(2);
    tables.dimensions[0].spikes_accuracy_fraction = Some(0.45);
    let drawn = tables.draw_in(&folder, json!([]));
    drawn.shows(&[
        "smaller ones that reach it once: layer1 2.",
        "as many eigenvectors costs: layer1 2 (accuracy \u{2212}17.5 points).",
        "last eigenvalue above the Marchenko-Pastur law",
    ]);
}

#[test]
fn layers_can_be_chosen_and_one_without_a_spectrum_is_named() {
    let folder = TestFolder::new();
    let mut tables = Clipping::of_weights();
    let one = tables.draw_in(&folder, json!(["layer1"]));
    assert_eq!(one.texts_of("panel").len(), 2);
    tables
        .draw_in(&folder, json!(["layer3"]))
        .fails_with("`layers` names `layer3`; layers with a spectrum are layer2 and layer1");
    tables.clipping.extend(clipping("layer3", &[62]));
    let without = tables.draw_in(&folder, json!([]));
    assert_eq!(without.texts_of("panel").len(), 4);
    assert_eq!(
        without.warnings()[0],
        "left out for want of a spectrum: layer3"
    );
    tables
        .draw_in(&folder, json!(["layer3"]))
        .fails_with("layers with a spectrum are layer2 and layer1");
}

#[test]
fn of_many_layers_the_first_are_drawn() {
    let names: Vec<String> = (0..13).map(|index| format!("layer{index}")).collect();
    let tables = Clipping {
        spectrum: names
            .iter()
            .flat_map(|name| spectrum("weights", name, &[1.0]))
            .collect(),
        clipping: names.iter().flat_map(|name| clipping(name, &[1])).collect(),
        dimensions: Vec::new(),
    };
    let folder = TestFolder::new();
    let drawn = tables.draw_in(&folder, json!([]));
    assert_eq!(drawn.texts_of("panel").len(), 24);
    drawn.shows(&["first 12 of 13 layers"]);
    let warning = "the first 12 of 13 layers are drawn; choose others with `layers`";
    assert_eq!(drawn.warnings(), [warning]);
    let chosen = tables.draw_in(&folder, json!(["layer12"]));
    assert!(chosen.warnings().is_empty());
}

#[test]
fn ranks_of_weights_are_linear_unless_chosen() {
    let folder = TestFolder::new();
    let tables = Clipping::of_weights();
    let draw = |rank_axis: &str| tables.draw_on(&folder, json!(["layer1"]), rank_axis);
    let ranks = |rank_axis: &str| draw(rank_axis).texts_of("x-axis");
    let linear = [
        vec!["1", "2", "3", "4", "Rank"],
        vec!["1", "2", "3", "4", "Eigenvectors kept"],
    ];
    assert_eq!(ranks("auto"), linear);
    assert_eq!(ranks("linear"), linear);
    draw("auto").shows(&["against their rank on a linear one"]);
    assert_eq!(ranks("log")[0], ["1", "2", "Rank"]);
    draw("log").shows(&["against their rank on a logarithmic one"]);
}

#[test]
fn clipping_without_learned_dimensions_and_of_a_single_one() {
    let folder = TestFolder::new();
    let mut tables = Clipping {
        dimensions: Vec::new(),
        ..Clipping::of_weights()
    };
    let bare = tables.draw_in(&folder, json!([]));
    let legend = ["weights", "initial weights", "layer clipped"];
    assert_eq!(bare.texts_of("legend"), [legend]);
    tables.spectrum = spectrum("weights", "layer1", &[1.0]);
    tables.clipping = clipping("layer1", &[100]);
    tables
        .draw_in(&folder, json!([]))
        .shows(&["layer1", "100.0"]);
}

#[test]
fn clipping_that_does_not_fit_is_refused() {
    let folder = TestFolder::new();
    let refused = |change: fn(&mut Clipping), reason: &str| {
        let mut tables = Clipping::of_weights();
        change(&mut tables);
        tables.draw_in(&folder, json!([])).fails_with(reason);
    };
    refused(|tables| tables.clipping.clear(), "the table has no rows");
    refused(
        |tables| tables.clipping[0].of = "activations".to_owned(),
        "the table is of activations and weights",
    );
    refused(
        |tables| tables.dimensions[1].of = "activations".to_owned(),
        "the clipping is of the weights, the learned dimensions of the activations",
    );
    refused(
        |tables| tables.spectrum.retain(|row| row.series != "weights"),
        "eigenvalues of the weights are needed, the spectrum has those of: initial weights",
    );
    refused(
        |tables| {
            for row in &mut tables.clipping {
                row.layer.push('b');
            }
        },
        "no layer has a spectrum: the spectra are of layer1 and layer2, the other table of layer2b and layer1b",
    );
    refused(
        |tables| tables.spectrum = spectrum("weights", "layer1", &[0.0, -1.0]),
        "layer1 has no eigenvalue above zero",
    );
    refused(
        |tables| tables.spectrum[2].eigenvalue = f64::NAN,
        "layer1, weights: the eigenvalue of rank 3 is NaN",
    );
}

/// All pairs of `count` ranks; equal ranks overlap by 0.875.
pub(crate) fn overlap(layer: &str, count: u32) -> Vec<OverlapRow> {
    let row = |reference_rank, other_rank| OverlapRow {
        of: "activations".to_owned(),
        layer: layer.to_owned(),
        reference_rank,
        other_rank,
        null_space: false,
        overlap: if reference_rank == other_rank {
            0.875
        } else {
            0.0
        },
    };
    (1..=count)
        .flat_map(|reference| (1..=count).map(move |other| row(reference, other)))
        .collect()
}

pub(crate) fn fit(layer: &str, split: &str, r_squared: f64) -> RSquaredRow {
    RSquaredRow {
        layer: layer.to_owned(),
        split: split.to_owned(),
        samples: 1000,
        r_squared,
    }
}

/// Draws the overlap of two networks whose alignment is undefined on test images.
fn draw_overlap(folder: &TestFolder, overlap: &[OverlapRow]) -> Drawing {
    let rows = [
        spectrum("activations", "layer1", &[4.0, 1.0, 0.25]),
        spectrum("activations", "layer2", &[2.0, 0.5]),
        spectrum("weights", "layer2", &[3.0, 1.5]),
    ]
    .concat();
    let network = |seed: u32| -> Input {
        let mut input = folder.table(&format!("spectrum-{seed}"), &rows);
        input.task = format!("decompose.activations[seed={seed}]");
        input.labels.insert("seed".to_owned(), json!(seed));
        input
    };
    let fits = [
        fit("layer2", "train", 0.9219),
        fit("layer2", "test", f64::NAN),
    ];
    let inputs = [
        ("reference", network(0)),
        ("other", network(1)),
        ("overlap", folder.table("overlap", overlap)),
        ("fit", folder.table("fit", &fits)),
    ];
    let parameters = json!({"layers": [], "rank_axis": "auto"});
    drawn::draw(folder, "layer-overlap", parameters, inputs)
}

#[test]
fn overlap_has_maps_with_one_colour_bar() {
    let folder = TestFolder::new();
    let rows = [overlap("layer1", 3), overlap("layer2", 2)].concat();
    let drawn = draw_overlap(&folder, &rows);
    let panels = drawn.texts_of("panel");
    assert_eq!(panels.len(), 4);
    assert_eq!([&panels[0][0], &panels[1][0]], ["layer1", "layer2"]);
    assert_eq!(
        panels[2],
        [
            "layer1: overlap",
            "1",
            "2",
            "3",
            "Rank in first network",
            "1",
            "2",
            "3",
            "Rank in second network"
        ]
    );
    assert_eq!(panels[3][0], "layer2: r² = 0.922 (train), undefined (test)");
    // The first layer reads the images themselves.
    drawn.shows(&["second network (seed 1) (for layer2 after alignment): 0 for none"]);
    let bar = ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0", "Overlap"];
    assert_eq!(drawn.texts_of("colour-bar"), [bar]);
    assert_eq!(
        drawn.texts_of("legend"),
        [["first network (seed 0)", "second network (seed 1)"]]
    );
    assert!(drawn.warnings().is_empty());
}

#[test]
fn overlaps_in_a_null_space_are_grey() {
    let folder = TestFolder::new();
    let mut rows = overlap("layer2", 2);
    assert!(!draw_overlap(&folder, &rows).svg().contains("arbitrary"));
    for row in &mut rows {
        row.null_space = row.reference_rank == 2 || row.other_rank == 2;
    }
    draw_overlap(&folder, &rows)
        .shows(&["Grey where an eigenvalue is below 1e-7 of the largest of its layer"]);
}

#[test]
fn the_first_network_lies_along_x() {
    let folder = TestFolder::new();
    let row = |reference_rank, other_rank, value| OverlapRow {
        reference_rank,
        other_rank,
        overlap: value,
        ..overlap("layer2", 1).remove(0)
    };
    // Three vectors of the first network, two of the second.
    let rows = [
        row(1, 1, 0.1),
        row(2, 1, 0.2),
        row(3, 1, 0.3),
        row(1, 2, 0.4),
        row(2, 2, 0.5),
        row(3, 2, 0.6),
    ];
    let drawn = draw_overlap(&folder, &rows);
    let form: Value =
        serde_json::from_slice(&drawn.bytes(INTERACTIVE)).expect("the interactive form");
    let traces = form["data"].as_array().expect("traces");
    let map = traces.iter().find(|trace| trace["type"] == "heatmap");
    let cells = &map.expect("a map")["z"];
    assert_eq!(*cells, json!([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]));
    drawn.shows(&["second network (seed 1) after alignment: 0 for none"]);
}

#[test]
fn overlap_that_is_none_is_refused() {
    let folder = TestFolder::new();
    let refused = |change: fn(&mut Vec<OverlapRow>), reason: &str| {
        let mut rows = overlap("layer2", 2);
        change(&mut rows);
        draw_overlap(&folder, &rows).fails_with(reason);
    };
    refused(Vec::clear, "the table has no rows");
    refused(
        |rows| rows.truncate(3),
        "the overlap of layer2 has 3 entries for 2 x 2 ranks",
    );
    refused(
        |rows| rows[3].other_rank = u32::MAX,
        "the overlap of layer2 has 4 entries for 2 x 4294967295 ranks",
    );
    refused(
        |rows| rows[1].other_rank = 1,
        "expected each pair of ranks from 1 on once",
    );
    refused(|rows| rows[0].other_rank = 0, "has 0.875 at ranks 1 and 0");
    refused(|rows| rows[0].overlap = 1.5, "has 1.5 at ranks 1 and 1");
    refused(
        |rows| rows[0].overlap = f64::NAN,
        "has NaN at ranks 1 and 1",
    );
}

/// Measures of a layer's weight, larger for larger numbers.
pub(crate) fn quality(layer: &str, number: usize) -> WeightQualityRow {
    let value = 1.0 + number as f64;
    WeightQualityRow {
        layer: layer.to_owned(),
        inputs: 64,
        outputs: 10,
        spectral_norm: value,
        frobenius_norm: 2.0 * value,
        log_frobenius_norm: Some((2.0 * value).log10()),
        stable_rank: Some(4.0),
        alpha: Some(2.0 + value),
        alpha_error: Some(0.5),
        tail_minimum: Some(0.1),
        tail_eigenvalues: Some(5),
        tail_distance: Some(0.2),
        weighted_alpha: Some((2.0 + value) * 2.0 * value.log10()),
        bulk_edge: Some(0.5),
        soft_rank: Some(0.5 / value),
        spikes: Some(number as u32),
        initial_distance: Some(0.25),
        initial_relative_distance: Some(0.125),
    }
}

/// A trained model of two layers, and an imported one of one, whose initial weights are unknown.
fn qualities(folder: &TestFolder) -> [(&'static str, Input); 2] {
    let trained = folder.table("trained", &[quality("layer1", 0), quality("layer2", 1)]);
    let theirs = WeightQualityRow {
        initial_distance: None,
        initial_relative_distance: None,
        alpha: None,
        ..quality("layer2", 2)
    };
    let theirs = folder.table("theirs", &[theirs]);
    [trained, theirs].map(|input| ("quality", input))
}

#[test]
fn weights_have_a_panel_a_measure_and_a_line_a_model() {
    let folder = TestFolder::new();
    let measures = json!({"measures": ["spikes", "alpha", "initial-distance"]});
    let drawn = drawn::draw(&folder, "weight-quality", measures, qualities(&folder));
    let panels = drawn.texts_of("panel");
    let titles: Vec<&str> = panels.iter().map(|texts| texts[0].as_str()).collect();
    assert_eq!(
        titles,
        [
            "Eigenvalues above the bulk",
            "Exponent of the tail of the spectrum",
            "Distance from the initial weights"
        ]
    );
    assert!(drawn.warnings().is_empty());
}

#[test]
fn measures_that_no_model_has_are_left_out() {
    let folder = TestFolder::new();
    let [_, theirs] = qualities(&folder);
    let measures = json!({"measures": ["initial-distance", "stable-rank", "alpha"]});
    let drawn = drawn::draw(&folder, "weight-quality", measures, [theirs.clone()]);
    assert_eq!(drawn.texts_of("panel").len(), 1);
    assert_eq!(
        drawn.warnings(),
        ["left out, as no model has it: initial-distance, alpha"]
    );
    let measures = json!({"measures": ["initial-distance"]});
    drawn::draw(&folder, "weight-quality", measures, [theirs])
        .fails_with("none of the models has initial-distance; draw other `measures`");
}
