//! Figures of embeddings: in space, on a circle, on a map, and of the images that they are those of.

use std::collections::BTreeMap;

use eigenscope_artifact::tables::embeddings::{
    MapQualityRow, MapRow, NeighbourRow, UnitCirclePlaneRow, UnitCircleRow,
};
use eigenscope_artifact::{Embeddings, EmbeddingsHeader, ImageHeader, Split, SplitName};
use eigenscope_stage::Input;
use eigenscope_testing::{TestFolder, provenance};
use serde_json::json;

use crate::drawn::{self, Drawing};
use crate::samples;

/// Embeddings of three classes in turn, whose directions are those of the axes; none is mistaken.
fn embeddings(count: usize, width: usize) -> Embeddings {
    let labels: Vec<u16> = (0..count).map(|index| (index % 3) as u16).collect();
    let value = |label: u16, axis: usize, index: usize| {
        let wobble = 0.1 * ((index * 7 + axis * 3) as f32).sin();
        if usize::from(label) == axis {
            2.0 + wobble
        } else {
            wobble
        }
    };
    let vectors = labels
        .iter()
        .enumerate()
        .flat_map(|(index, &label)| (0..width).map(move |axis| value(label, axis, index)));
    Embeddings {
        header: EmbeddingsHeader {
            layer: "linear3".to_owned(),
            width,
            split: SplitName::Test,
            classes: ["cat", "dog", "a bird of many names"]
                .map(str::to_owned)
                .to_vec(),
        },
        indices: (100..).take(count).collect(),
        predicted: labels.clone(),
        vectors: vectors.collect(),
        labels,
    }
}

pub(crate) fn input(folder: &TestFolder, embeddings: &Embeddings) -> Input {
    let path = folder.path("embeddings");
    let content = embeddings.write(&path, &provenance());
    Input {
        task: "decompose.embeddings".to_owned(),
        labels: BTreeMap::new(),
        path,
        content: content.expect("written"),
        renamed: BTreeMap::new(),
    }
}

fn in_space(folder: &TestFolder, embeddings: &Embeddings, normalise: bool) -> Drawing {
    let parameters = json!({
        "count": 12, "normalise": normalise, "azimuth_degrees": 35.0, "elevation_degrees": 25.0,
    });
    let inputs = [("embeddings", input(folder, embeddings))];
    drawn::draw(folder, "embedding-space", parameters, inputs)
}

/// Number of dots of a colour, without the one in the legend.
fn dots(outcome: &Drawing, colour: &str) -> usize {
    let svg = outcome.svg();
    let stroke = format!("stroke=\"{colour}\"");
    let dots = svg
        .lines()
        .filter(|line| line.contains(&stroke) && line.contains("h0\""));
    dots.count() - 1
}

#[test]
fn directions_are_drawn_on_the_sphere_as_many_of_each_class() {
    let folder = TestFolder::new();
    let drawn = in_space(&folder, &embeddings(60, 3), true);
    drawn.shows(&[
        "Embeddings of layer linear3",
        "Embeddings of 12 test images of 3 classes",
        "on the unit sphere",
        "azimuth 35° and elevation 25°",
    ]);
    let legend = ["Class", "cat", "dog", "a bird of many names"];
    assert_eq!(drawn.texts_of("legend"), [legend]);
    let names = drawn.texts_of("texts").concat();
    let axes = ["e", "1", "e", "2", "e", "3"];
    assert_eq!(names, [&axes[..], &legend[1..]].concat());
    for colour in ["#3f90da", "#ffa90e", "#bd1f01"] {
        assert_eq!(dots(&drawn, colour), 4, "{colour}");
    }
    assert!(drawn.warnings().is_empty());
}

#[test]
fn values_are_drawn_in_a_box_with_ticks() {
    let folder = TestFolder::new();
    let drawn = in_space(&folder, &embeddings(60, 3), false);
    drawn.shows(&["in a box around them"]);
    let texts = drawn.texts_of("texts").concat();
    let axis = |name: &'static str| ["0", "1", "2", "x", name];
    let axes = [axis("1"), axis("2"), axis("3")].concat();
    let names = ["cat", "dog", "a bird of many names"];
    assert_eq!(texts, [&axes[..], &names].concat());
    let single = in_space(&folder, &embeddings(1, 3), false);
    assert_eq!(single.warnings(), ["there are 1 embeddings, not 12"]);
    assert_eq!(single.texts_of("legend"), [["Class", "cat"]]);
}

#[test]
fn embeddings_without_direction_are_left_out_and_counted() {
    let folder = TestFolder::new();
    let mut some = embeddings(12, 3);
    some.vectors[..6].fill(0.0);
    let drawn = in_space(&folder, &some, true);
    let warning = "2 of 12 embeddings are zero and have no direction: left out";
    assert_eq!(drawn.warnings(), [warning]);
    assert_eq!(in_space(&folder, &some, false).warnings(), [""; 0]);
    some.vectors.fill(0.0);
    in_space(&folder, &some, true)
        .fails_with("all of 12 embeddings are zero and have no direction");
    in_space(&folder, &some, false).shows(&["Embeddings of layer linear3"]);
}

#[test]
fn embeddings_that_are_no_points_in_space_are_refused() {
    let folder = TestFolder::new();
    in_space(&folder, &embeddings(12, 4), true)
        .fails_with("embeddings of width 4 are no points in space, which need a width of 3");
    in_space(&folder, &embeddings(12, 2), false).fails_with("embeddings of width 2");
    in_space(&folder, &embeddings(0, 3), true).fails_with("decompose.embeddings has no embeddings");
}

/// The directions of embeddings, those of the three classes at different angles, and a plane of the first two axes.
pub(crate) struct Circle {
    rows: Vec<UnitCircleRow>,
    plane: Vec<UnitCirclePlaneRow>,
    embeddings: Embeddings,
}

impl Circle {
    pub(crate) fn of(embeddings: Embeddings) -> Self {
        let rows = embeddings.indices.iter().zip(&embeddings.labels);
        let rows = rows.map(|(&index, &label)| {
            let (y, x) = f64::from(2 * label + 1).sin_cos();
            let label = u32::from(label);
            UnitCircleRow { index, label, x, y }
        });
        let component = |rank: u32, component: u32| UnitCirclePlaneRow {
            rank,
            energy_fraction: 0.5 / f64::from(rank),
            component,
            value: if rank == component { 1.0 } else { 0.0 },
        };
        let width = embeddings.header.width as u32;
        let plane = [1, 2].into_iter();
        let plane = plane.flat_map(|rank| (1..=width).map(move |at| component(rank, at)));
        Self {
            rows: rows.collect(),
            plane: plane.collect(),
            embeddings,
        }
    }

    pub(crate) fn inputs(&self, folder: &TestFolder) -> Vec<(&'static str, Input)> {
        vec![
            ("circle", folder.table("circle", &self.rows)),
            ("plane", folder.table("plane", &self.plane)),
            ("embeddings", input(folder, &self.embeddings)),
        ]
    }

    fn draw_in(&self, folder: &TestFolder) -> Drawing {
        drawn::draw(folder, "unit-circle", json!({}), self.inputs(folder))
    }
}

#[test]
fn every_class_is_named_outside_of_the_circle() {
    let folder = TestFolder::new();
    for width in [2, 3, 20] {
        let drawn = Circle::of(embeddings(60, width)).draw_in(&folder);
        drawn.shows(&[
            "Directions of the embeddings of layer linear3",
            "Embeddings of 60 test images of 3 classes",
            "which holds 75.0 % of their squared length",
        ]);
        let names = ["cat", "dog", "a bird of many names"];
        assert_eq!(drawn.texts_of("texts"), [names]);
        assert!(drawn.warnings().is_empty());
    }
}

#[test]
fn directions_that_are_no_circle_are_refused() {
    let folder = TestFolder::new();
    let refused = |change: fn(&mut Circle), part: &str| {
        let mut circle = Circle::of(embeddings(12, 3));
        change(&mut circle);
        circle.draw_in(&folder).fails_with(part);
    };
    refused(|circle| circle.rows.clear(), "the table has no rows");
    refused(
        |circle| circle.rows[2].label = 3,
        "image 102 of class 3 is at",
    );
    refused(
        |circle| circle.rows[0].x = f64::NAN,
        "image 100 of class 0 is at NaN, ",
    );
    refused(
        |circle| circle.plane.truncate(5),
        "the plane has 5 components, expected 3 of each of two directions",
    );
    refused(
        |circle| circle.plane[0].rank = 2,
        "the plane has 6 components, expected 3 of each of two directions",
    );
}

struct Map {
    rows: Vec<MapRow>,
    quality: Vec<MapQualityRow>,
    embeddings: Embeddings,
}

impl Map {
    fn of_two_classes() -> Self {
        let row = |index: u32| MapRow {
            index,
            label: 2 * (index % 2),
            x: f64::from(index),
            y: -3.0,
        };
        Self {
            rows: (0..50).map(row).collect(),
            quality: vec![MapQualityRow {
                images: 50,
                perplexity: 30.0,
                neighbours_found_fraction: 1.0,
                kl_divergence_nats: 0.71234,
                neighbours: 10,
                neighbour_accuracy_fraction: 0.97,
                embedding_neighbour_accuracy_fraction: 0.984,
            }],
            embeddings: embeddings(3, 3),
        }
    }

    fn draw_in(&self, folder: &TestFolder) -> Drawing {
        let inputs = [
            ("map", folder.table("map", &self.rows)),
            ("quality", folder.table("quality", &self.quality)),
            ("embeddings", input(folder, &self.embeddings)),
        ];
        drawn::draw(folder, "t-sne", json!({}), inputs)
    }
}

#[test]
fn a_map_has_its_quality_above_and_its_classes_beside_it() {
    let folder = TestFolder::new();
    let drawn = Map::of_two_classes().draw_in(&folder);
    drawn.shows(&[
        "Map of the embeddings of layer linear3",
        "KL divergence 0.712 nats; the 10 nearest neighbours vote for the right class of 97.0 %",
        "50 images as dots",
        "(perplexity 30)",
    ]);
    // The class between them has no image.
    let legend = ["Class", "cat", "a bird of many names"];
    assert_eq!(drawn.texts_of("legend"), [legend]);
    let one_path_a_class = 2;
    assert_eq!(
        drawn.svg().matches("stroke-opacity").count(),
        one_path_a_class
    );
    drawn.shows(&["none have a black rim"]);
}

#[test]
fn a_map_of_many_images_says_how_many_neighbours_were_found() {
    let folder = TestFolder::new();
    let mut map = Map::of_two_classes();
    let sentence = "98.7 % were found";
    assert!(!map.draw_in(&folder).svg().contains(sentence));
    map.quality[0].neighbours_found_fraction = 0.987;
    map.draw_in(&folder).shows(&[sentence]);
}

#[test]
fn mistakes_on_a_map_have_a_black_rim() {
    let folder = TestFolder::new();
    let mut map = Map::of_two_classes();
    map.embeddings.indices = vec![0, 1, 2];
    map.embeddings.labels = vec![0, 2, 0];
    map.embeddings.predicted = vec![1, 2, 1];
    let drawn = map.draw_in(&folder);
    drawn.shows(&["black rim: wrong (n = 2)", "2 have a black rim"]);
}

#[test]
fn maps_that_do_not_fit_are_refused() {
    let folder = TestFolder::new();
    let refused = |change: fn(&mut Map), reason: &str| {
        let mut map = Map::of_two_classes();
        change(&mut map);
        map.draw_in(&folder).fails_with(reason);
    };
    refused(|map| map.rows.clear(), "the table has no rows");
    refused(
        |map| map.quality.clear(),
        "the quality of the map has 0 rows, expected one",
    );
    refused(
        |map| map.quality[0].images = 49,
        "the map has 50 images, its quality is that of 49",
    );
    refused(
        |map| map.rows[7].label = 3,
        "image 7 is of class 3, but the embeddings have 3 classes",
    );
    refused(|map| map.rows[7].x = f64::NAN, "image 7 lies at NaN, -3");
    let mut single = Map::of_two_classes();
    single.rows.truncate(1);
    single.quality[0].images = 1;
    single.draw_in(&folder).shows(&["1 images as dots"]);
}

/// The images that [`embeddings`] are those of.
fn images(folder: &TestFolder, count: usize) -> Input {
    let mut header = samples::header(1, 255);
    header.classes = embeddings(0, 3).header.classes;
    let images = samples::images(&header, count);
    let labels = (0..count).map(|index| (index % 3) as u16);
    let images = Split {
        indices: (100..).take(count).collect(),
        labels: labels.collect(),
        ..images
    };
    samples::data(folder, &header, SplitName::Test, &images)
}

fn draw_mistakes(
    folder: &TestFolder,
    embeddings: &Embeddings,
    images: &Input,
    count: usize,
) -> Drawing {
    let inputs = [
        ("embeddings", input(folder, embeddings)),
        ("data", images.clone()),
    ];
    drawn::draw(folder, "mistakes", json!({"count": count}), inputs)
}

#[test]
fn the_first_mistakes_are_drawn_with_both_classes() {
    let folder = TestFolder::new();
    let images = images(&folder, 1000);
    let mut some = embeddings(1000, 3);
    for index in [1, 500, 999] {
        some.predicted[index] = 0;
    }
    let drawn = draw_mistakes(&folder, &some, &images, 2);
    drawn.shows(&[
        "Misclassified test images (2 of 1,000)",
        "predicted cat, is dog",
        "predicted cat, is a",
    ]);
    assert_eq!(drawn.svg().matches("<image").count(), 2);
    let first = draw_mistakes(&folder, &some, &images, 1);
    first.shows(&["(2 of 1,000): the first"]);
}

#[test]
fn mistakes_of_images_ordered_by_class_are_spread_over_the_classes() {
    let folder = TestFolder::new();
    let mut some = embeddings(30, 3);
    for (image, label) in some.labels.iter_mut().enumerate() {
        *label = image as u16 / 10;
    }
    some.predicted = some.labels.iter().map(|label| (label + 1) % 3).collect();
    let header = samples::header(1, 16);
    let mut stored = samples::images(&header, 30);
    stored.indices = some.indices.clone();
    stored.labels = some.labels.clone();
    let header = ImageHeader {
        classes: some.header.classes.clone(),
        ..header
    };
    let images = samples::data(&folder, &header, SplitName::Test, &stored);
    let drawn = draw_mistakes(&folder, &some, &images, 3);
    drawn.shows(&[
        "(30 of 30): 3, spread over the classes",
        "is cat",
        "is dog",
        "is a",
    ]);
}

#[test]
fn no_mistake_is_a_figure_that_says_so() {
    let folder = TestFolder::new();
    let images = images(&folder, 30);
    let drawn = draw_mistakes(&folder, &embeddings(30, 3), &images, 9);
    drawn.shows(&["Misclassified test images (none of 30)"]);
    let sentence = "The model predicts the class of all 30 test images.";
    assert_eq!(drawn.texts_of("texts"), [[sentence]]);
    draw_mistakes(&folder, &embeddings(0, 3), &images, 9)
        .fails_with("decompose.embeddings has no embeddings");
}

#[test]
fn images_of_another_data_set_are_refused() {
    let folder = TestFolder::new();
    let images = images(&folder, 30);
    let mut some = embeddings(31, 3);
    some.predicted[30] = 1;
    draw_mistakes(&folder, &some, &images, 9)
        .fails_with("data.images has no test image at position 130");
    some.labels[0] = 2;
    draw_mistakes(&folder, &some, &images, 9).fails_with(
        "test image at position 100 of data.images is of class 0, in the table of class 2",
    );
    some.header.split = SplitName::Train;
    draw_mistakes(&folder, &some, &images, 9).fails_with("no training image at position 100");
}

/// Neighbours of two images, the second's first.
fn neighbours() -> Vec<NeighbourRow> {
    let row = |query: u32, rank: u32| NeighbourRow {
        query_index: 100 + query,
        query_label: query % 3,
        rank,
        index: 100 + query + 3 * rank,
        label: query % 3,
        distance: 0.0625 * f64::from(rank),
    };
    [1, 0]
        .into_iter()
        .flat_map(|query| [2, 1, 3].map(|rank| row(query, rank)))
        .collect()
}

fn draw_neighbours(folder: &TestFolder, rows: &[NeighbourRow], split: &str) -> Drawing {
    let inputs = [
        ("neighbours", folder.table("neighbours", rows)),
        ("data", images(folder, 300)),
    ];
    drawn::draw(folder, "neighbours", json!({"split": split}), inputs)
}

#[test]
fn neighbours_stand_in_a_row_nearest_first() {
    let folder = TestFolder::new();
    let drawn = draw_neighbours(&folder, &neighbours(), "test");
    let panel = drawn.texts_of("panel").concat();
    assert_eq!(
        panel[..5],
        [
            "Image and its neighbours by rank, each with class (distance)",
            "image",
            "1",
            "2",
            "3"
        ]
    );
    assert_eq!(
        panel[5..],
        [
            "dog",
            "dog (0.0625)",
            "dog (0.125)",
            "dog (0.188)",
            "cat",
            "cat (0.0625)",
            "cat (0.125)",
            "cat (0.188)"
        ]
    );
    drawn.shows(&["Nearest test images in embedding space"]);
    assert_eq!(drawn.svg().matches("<image").count(), 8);
}

#[test]
fn neighbours_that_are_none_are_refused() {
    let folder = TestFolder::new();
    let refused = |change: fn(&mut Vec<NeighbourRow>), reason: &str| {
        let mut rows = neighbours();
        change(&mut rows);
        draw_neighbours(&folder, &rows, "test").fails_with(reason);
    };
    refused(Vec::clear, "the table has no rows");
    refused(
        |rows| rows[0].rank = 4,
        "image 101 has a neighbour of rank 3 at distance 0.1875; expected are ranks from 1 on",
    );
    refused(
        |rows| rows[1].distance = f64::NAN,
        "image 101 has a neighbour of rank 1 at distance NaN",
    );
    refused(
        |rows| rows[3].label = 1,
        "test image at position 106 of data.images is of class 0, in the table of class 1",
    );
    draw_neighbours(&folder, &neighbours(), "train")
        .fails_with("data.images has no training image at position 101");
}
