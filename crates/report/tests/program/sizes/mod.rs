//! No figure fails for its size: every kind is drawn of few and of many members and classes, of images of any shape and
//! of names of 100 letters, and what is written stays inside the drawing and clear of the legends. Equal inputs give equal
//! bytes.

mod drawing;
mod made;

use eigenscope_stage::{Stage, TaskKindDescription};
use eigenscope_testing::{TestFolder, describe};
use serde_json::{Map, Value, json};

use crate::drawn;
use drawing::check;

/// How large what a figure is drawn from is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// Models, sizes, layers, tasks, queries: what a figure has one of for each.
    members: usize,
    classes: usize,
    /// Height and width of the images.
    shape: (usize, usize),
    /// Whether names have 100 letters.
    long: bool,
}

impl Size {
    fn is_small(&self) -> bool {
        self.members < 10
    }
}

const fn size(members: usize, classes: usize, shape: (usize, usize), long: bool) -> Size {
    Size {
        members,
        classes,
        shape,
        long,
    }
}

const SIZES: [Size; 5] = [
    size(1, 1, (1, 1), true),
    size(2, 2, (128, 3), false),
    size(25, 62, (3, 128), true),
    size(200, 256, (8, 8), true),
    size(1000, 10, (8, 8), true),
];

/// Every kind of figure that the program describes.
fn kinds() -> Vec<TaskKindDescription> {
    describe(Stage::Figure).kinds
}

/// The defaults of a kind's parameters with these in place of some.
fn parameters(kind: &TaskKindDescription, changed: &Value) -> Value {
    let defaults = kind
        .parameters
        .iter()
        .filter_map(|parameter| Some((parameter.name.clone(), parameter.default.clone()?)));
    let mut all: Map<String, Value> = defaults.collect();
    all.extend(changed.as_object().expect("an object").clone());
    Value::Object(all)
}

/// Draws a kind, and again in another folder: the bytes are the same.
fn draw(kind: &TaskKindDescription, size: Size) {
    let drawn = || {
        let folder = TestFolder::new();
        let (changed, inputs) = made::inputs(&folder, &kind.name, size);
        let drawn = drawn::draw(&folder, &kind.name, parameters(kind, &changed), inputs);
        (drawn, folder)
    };
    let (one, _folder) = drawn();
    check(&one, &format!("{} of {size:?}", kind.name));
    if size.is_small() {
        let (other, _folder) = drawn();
        one.assert_same_bytes(&other);
    }
}

/// Draws every other kind, from the first or the second on, and then tells which could not be drawn.
fn draw_half(first: usize) {
    let mut failed = Vec::new();
    for kind in kinds().iter().skip(first).step_by(2) {
        for size in SIZES {
            if std::panic::catch_unwind(|| draw(kind, size)).is_err() {
                failed.push(format!("{} of {size:?}", kind.name));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_kind_is_drawn_of_any_size_one_half() {
    draw_half(0);
}

#[test]
fn every_kind_is_drawn_of_any_size_other_half() {
    draw_half(1);
}

#[test]
fn embeddings_in_a_box_are_drawn_of_any_size() {
    let kind = kinds()
        .into_iter()
        .find(|kind| kind.name == "embedding-space");
    let kind = kind.expect("a kind");
    for size in [SIZES[0], SIZES[2]] {
        let folder = TestFolder::new();
        let (_, inputs) = made::inputs(&folder, &kind.name, size);
        let changed = json!({"normalise": false, "count": 1000});
        let drawn = drawn::draw(&folder, &kind.name, parameters(&kind, &changed), inputs);
        check(&drawn, &format!("box of {size:?}"));
    }
}
