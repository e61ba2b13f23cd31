//! Misclassified images with their predicted and true classes: the first, or some of each class.

use std::collections::BTreeSet;

use eigenscope_artifact::{EMBEDDINGS, Embeddings, Examples, IMAGES};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::image_lookup::{ImageLookup, note, split_name};
use crate::inputs::labels;
use eigenscope_figure::{Axes, Axis, Figure, GridCell, INK, ImageGrid, Layer, Panel, Texts, ticks};

/// Largest width of an image, px.
const LARGEST: f64 = 128.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "mistakes",
        "the first misclassified images, with predicted and true class; of images ordered by class, some of each class",
        task_function!(run),
    )
    .parameters::<Parameters>([Parameter::optional(
        "count",
        ParameterType::Integer {
            minimum: 1,
            maximum: 36,
        },
        9,
        "images drawn",
    )])
    .reads(Role::one(
        "embeddings",
        EMBEDDINGS,
        "embeddings with predicted classes",
    ))
    .reads(
        Role::one("data", IMAGES, "images of the embeddings")
            .agrees(Agreement::artifact("embeddings/data", "data")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { count } = context.parameters()?;
    let input = context.input("embeddings")?;
    let embeddings = Embeddings::read(&input.path)?;
    if embeddings.is_empty() {
        return Err(format!("{} has no embeddings", input.task).into());
    }
    let mistakes = mistakes(&embeddings);
    let examples = Examples::of(&embeddings.labels, &mistakes, count);
    let title = labels::titled(&title(&embeddings, &examples, mistakes.len()), input);
    if mistakes.is_empty() {
        return write(context, none(&embeddings, title));
    }
    let shown = examples.positions.into_iter();
    let shown: Vec<Mistake> = shown.map(|at| Mistake::at(&embeddings, at)).collect();
    let wanted: BTreeSet<u32> = shown.iter().map(|mistake| mistake.index).collect();
    let images = ImageLookup::read(context.input("data")?, embeddings.header.split, &wanted)?;
    context.warn_all(images.drawn_channels());
    let classes = &embeddings.header.classes;
    let cells = shown.iter().map(|mistake| mistake.cell(&images, classes));
    let cells = cells.collect::<Result<Vec<_>, _>>()?;
    write(context, draw(&images, cells, title))
}

struct Mistake {
    index: u32,
    label: u16,
    predicted: u16,
}

/// Positions of the misclassified images.
fn mistakes(embeddings: &Embeddings) -> Vec<usize> {
    let classes = embeddings.labels.iter().zip(&embeddings.predicted);
    let mistaken = classes
        .enumerate()
        .filter(|(_, (label, predicted))| label != predicted);
    mistaken.map(|(position, _)| position).collect()
}

impl Mistake {
    fn at(embeddings: &Embeddings, position: usize) -> Self {
        Self {
            index: embeddings.indices[position],
            label: embeddings.labels[position],
            predicted: embeddings.predicted[position],
        }
    }

    fn cell(&self, images: &ImageLookup, classes: &[String]) -> Result<GridCell, TaskError> {
        let picture = images.picture(self.index, u32::from(self.label))?;
        let class = |label: u16| &classes[usize::from(label)];
        let caption = format!(
            "predicted {}, is {}",
            class(self.predicted),
            class(self.label)
        );
        Ok(GridCell::new(caption, picture.clone()))
    }
}

fn title(embeddings: &Embeddings, examples: &Examples, all: usize) -> String {
    let split = split_name(embeddings.header.split);
    let grouped = |count: usize| ticks::grouped(count as u64);
    let mistaken = match all {
        0 => "none".to_owned(),
        all => grouped(all),
    };
    let first = match (examples.positions.len(), examples.is_spread) {
        (shown, _) if shown == all => String::new(),
        (1, _) => ": the first".to_owned(),
        (shown, false) => format!(": the first {shown}"),
        (shown, true) => format!(": {shown}, spread over the classes"),
    };
    let images = grouped(embeddings.len());
    format!("Misclassified {split} images ({mistaken} of {images}){first}")
}

fn draw(images: &ImageLookup, cells: Vec<GridCell>, title: String) -> Figure {
    let columns = (cells.len() as f64).sqrt().ceil() as usize;
    let mut grid = ImageGrid::wrapped(cells, columns, images.colours());
    grid.largest_cell = LARGEST;
    let width = 40.0 + (LARGEST + 8.0) * columns as f64;
    let description = format!(
        "Misclassified images in the order of the data set, as they are stored, before any transform; above each the class \
         that the model predicts and the class that it is of.{}",
        note(images.drawn_channels())
    );
    Figure::new(title, description, width, 1, vec![Panel::images("", grid)])
}

/// A figure that states that there are no mistakes.
fn none(embeddings: &Embeddings, title: String) -> Figure {
    let sentence = format!(
        "The model predicts the class of all {} {} images.",
        ticks::grouped(embeddings.len() as u64),
        split_name(embeddings.header.split)
    );
    let text = Texts::one((0.5, 0.5), sentence.clone(), INK);
    let axes = Axes::new(
        Axis::bare((0.0, 1.0)),
        Axis::bare((0.0, 1.0)),
        vec![Layer::Texts(text)],
    );
    let panel = Panel::axes("", axes.with_aspect(0.2));
    Figure::new(title, sentence, 480.0, 1, vec![panel])
}
