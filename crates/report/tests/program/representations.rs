//! How alike networks represent images: a heat map and a map.

use eigenscope_artifact::tables::representations::{
    RepresentationMapRow, RepresentationSimilarityRow,
};
use eigenscope_stage::Input;
use eigenscope_testing::TestFolder;
use serde_json::json;

use crate::drawn::{self, Drawing};

const MODELS: [&str; 3] = [
    "train.mlp[seed=0,widths=32]",
    "train.mlp[seed=0,widths=64]",
    "train.mlp[seed=0,widths=128]",
];

/// Three networks, the last of which represents all images alike.
fn tables(folder: &TestFolder) -> [(&'static str, Input); 2] {
    let pairs = (0..3).flat_map(|row| (0..3).map(move |column| (row, column)));
    let rows = pairs.map(
        |(row, column): (usize, usize)| RepresentationSimilarityRow {
            measure: "procrustes".to_owned(),
            row_model: MODELS[row].to_owned(),
            row_layer: "layer2".to_owned(),
            column_model: MODELS[column].to_owned(),
            column_layer: "layer2".to_owned(),
            value: (row.max(column) < 2).then(|| 0.25 * row.abs_diff(column) as f64),
        },
    );
    let places = [-0.125, 0.125].into_iter().zip(MODELS);
    let places = places.map(|(x, model)| RepresentationMapRow {
        measure: "procrustes".to_owned(),
        model: model.to_owned(),
        layer: "layer2".to_owned(),
        x,
        y: 0.0,
        share_fraction: Some(1.0),
    });
    [
        (
            "similarity",
            folder.table("similarity", &rows.collect::<Vec<_>>()),
        ),
        ("map", folder.table("map", &places.collect::<Vec<_>>())),
    ]
}

fn draw(folder: &TestFolder, measure: &str, inputs: [(&'static str, Input); 2]) -> Drawing {
    let parameters = json!({ "measure": measure });
    drawn::draw(folder, "representation-similarity", parameters, inputs)
}

#[test]
fn networks_are_called_by_what_differs() {
    let folder = TestFolder::new();
    let drawn = draw(&folder, "procrustes", tables(&folder));
    let panels = drawn.texts_of("panel");
    for name in ["widths 32", "widths 64", "widths 128"] {
        let times = panels[0].iter().filter(|text| *text == name).count();
        assert_eq!(times, 2, "{name} in {:?}", panels[0]);
    }
    let cells = |text: &str| panels[0].iter().filter(|cell| *cell == text).count();
    // One of them stands at the colour bar.
    assert_eq!((cells("0.25"), cells("–")), (3, 5), "{:?}", panels[0]);
    assert_eq!(drawn.texts_of("legend"), [["Widths", "32", "64"]]);
    drawn.shows(&["it shows 100 % of their variance"]);
}

#[test]
fn a_measure_that_is_not_there_is_refused() {
    let folder = TestFolder::new();
    draw(&folder, "cka", tables(&folder))
        .fails_with("`measure` is `cka`, which the table does not have");
}
