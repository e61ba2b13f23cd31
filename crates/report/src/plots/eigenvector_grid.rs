//! The first eigenvector of a class in many models, as a grid over what differs between them.

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{EIGENPAIRS, EigenpairRow, Eigenpairs, Labels, Selection, read_records};
use eigenscope_stage::{
    Agreement, Context, Input, LabelOf, Parameter, ParameterType, Role, TaskError, TaskKind,
    task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::eigenpairs::select;
use crate::inputs::label_axis::LabelAxis;
use crate::inputs::labels;
use crate::parts::series::{percent, span};
use crate::parts::{channels, relative};
use eigenscope_figure::{Figure, GridCell, GridRow, ImageGrid, ticks};

/// Word for the classes in place of a label.
const CLASS: &str = "class";
/// Word for the models themselves in place of a label.
const MODEL: &str = "model";
/// Columns that determine the width of the figure at most.
const WIDE: usize = 30;
/// Largest width of a picture, px.
const PICTURE: f64 = 96.0;
/// Room beside the pictures, px.
const MARGINS: f64 = 260.0;

pub(super) fn kind() -> TaskKind {
    let class = ParameterType::Integer {
        minimum: 0,
        maximum: i64::from(u16::MAX),
    };
    figure_kind(
        "eigenvector-grid",
        "the first eigenvector of a class in many models, by what differs between them, with test accuracies",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "classes",
            ParameterType::set(class).filled(),
            vec![0],
            "classes (output indices); several only where one side of the grid is `class`",
        ),
        Parameter::optional(
            "rows",
            ParameterType::Text,
            MODEL,
            "label whose values are the rows, `class`, or `model` for all that differs",
        )
        .label(side()),
        Parameter::optional(
            "columns",
            ParameterType::Text,
            CLASS,
            "the same for the columns",
        )
        .label(side()),
        Parameter::optional(
            "selection",
            ParameterType::choice(&["highest", "magnitude", "lowest"]),
            "highest",
            "eigenvalue whose eigenvector is drawn",
        ),
    ])
    .reads(
        Role::many("eigenpairs", EIGENPAIRS, "eigenpairs of all models").has_classes("classes"),
    )
    .reads(
        Role::many(
            "histories",
            HistoryRow::KIND,
            "training histories of the same models, for their accuracies",
        )
        .agrees(Agreement::task("histories", "eigenpairs/model")),
    )
}

/// What a side of the grid can be.
fn side() -> LabelOf {
    LabelOf::all("eigenpairs").or(&[CLASS, MODEL])
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    classes: Vec<usize>,
    rows: String,
    columns: String,
    selection: Selection,
}

/// One model.
struct Member<'a> {
    input: &'a Input,
    eigenpairs: Eigenpairs,
    /// Test accuracy after the last epoch.
    accuracy: Option<f64>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let histories = context.inputs("histories")?;
    let mut members = Vec::new();
    for input in context.inputs("eigenpairs")? {
        members.push(Member {
            input,
            eigenpairs: Eigenpairs::read(&input.path)?,
            accuracy: accuracy(input, histories)?,
        });
    }
    let inputs = context.inputs("eigenpairs")?;
    write(
        context,
        draw(&members, &parameters, |title| {
            labels::titled_by_all(title, inputs)
        })?,
    )
}

/// Test accuracy after the last epoch of the model that eigenpairs were made from.
fn accuracy(input: &Input, histories: &[Input]) -> Result<Option<f64>, TaskError> {
    let origins = input.origins("model")?;
    let is_own = |history: &&Input| {
        origins
            .iter()
            .any(|origin| origin.task == history.first_id())
    };
    let Some(history) = histories.iter().find(is_own) else {
        return Ok(None);
    };
    let rows: Vec<HistoryRow> = read_records(&history.path)?;
    Ok(rows.last().map(|row| row.test_accuracy_fraction))
}

/// One side of the grid.
enum Side {
    Classes,
    Models(Vec<String>),
    Label(LabelAxis),
}

impl Side {
    fn new(name: &str, parameter: &str, members: &[Member<'_>]) -> Result<Self, TaskError> {
        match name {
            CLASS => Ok(Side::Classes),
            MODEL => {
                let inputs: Vec<Input> =
                    members.iter().map(|member| member.input.clone()).collect();
                Ok(Side::Models(labels::names(&inputs)))
            }
            _ => {
                let all: Vec<&Labels> = members.iter().map(|member| &member.input.labels).collect();
                Ok(Side::Label(LabelAxis::new(name, parameter, &all)?))
            }
        }
    }

    /// The place of a class of a model.
    fn position(&self, member: usize, class: usize, labels: &Labels) -> Option<usize> {
        match self {
            Side::Classes => Some(class),
            Side::Models(_) => Some(member),
            Side::Label(axis) => axis.position(labels),
        }
    }

    /// The names of the places.
    fn names(&self, members: &[Member<'_>], parameters: &Parameters) -> Vec<String> {
        match self {
            Side::Classes => {
                let all = members
                    .iter()
                    .map(|member| &member.eigenpairs.header.classes);
                let name = |class: &usize| {
                    let mut names: Vec<&String> =
                        all.clone().filter_map(|names| names.get(*class)).collect();
                    names.dedup();
                    match names.as_slice() {
                        [one] => (*one).clone(),
                        // Classes of different data sets are called by their numbers.
                        _ => class.to_string(),
                    }
                };
                parameters.classes.iter().map(name).collect()
            }
            Side::Models(names) => names.clone(),
            Side::Label(axis) => axis.names(),
        }
    }

    fn title(&self) -> String {
        match self {
            Side::Classes => "class".to_owned(),
            Side::Models(_) => "model".to_owned(),
            Side::Label(axis) => axis.title(),
        }
    }
}

fn draw(
    members: &[Member<'_>],
    parameters: &Parameters,
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let down = Side::new(&parameters.rows, "rows", members)?;
    let across = Side::new(&parameters.columns, "columns", members)?;
    let by_class = matches!(down, Side::Classes) || matches!(across, Side::Classes);
    if parameters.classes.is_empty() || (parameters.classes.len() > 1 && !by_class) {
        return Err("`classes` must be one class, unless `rows` or `columns` is \"class\"".into());
    }
    let (row_names, column_names) = (
        down.names(members, parameters),
        across.names(members, parameters),
    );
    let shape = members[0].eigenpairs.header.shape;
    let mut grid = vec![vec![None; column_names.len()]; row_names.len()];
    for (number, member) in members.iter().enumerate() {
        if member.eigenpairs.header.shape != shape {
            return Err(format!(
                "the images of {} have another shape than those of {}",
                member.input.task, members[0].input.task
            )
            .into());
        }
        for (place, &class) in parameters.classes.iter().enumerate() {
            let labels = &member.input.labels;
            let (Some(row), Some(column)) = (
                down.position(number, place, labels),
                across.position(number, place, labels),
            ) else {
                continue;
            };
            let first = select(&member.eigenpairs, class, parameters.selection, 1)?;
            let cell = &mut grid[row][column];
            if cell.is_some() {
                return Err(format!(
                    "several models are at row “{}” and column “{}”; draw some of them only",
                    row_names[row], column_names[column]
                )
                .into());
            }
            *cell = first.first().map(|pair| (*pair, member.accuracy));
        }
    }
    let rows = pictures(&grid, &row_names, shape, by_class)?;
    let mut images = ImageGrid::new(rows, relative::colours());
    images.column_labels.clone_from(&column_names);
    images.column_title = match by_class {
        false if members.iter().any(|member| member.accuracy.is_some()) => {
            format!(
                "{}; above each image the test accuracy of its model",
                labels::capitalised(&across.title())
            )
        }
        _ => labels::capitalised(&across.title()),
    };
    images.row_title = labels::capitalised(&down.title());
    images.largest_cell = PICTURE;
    let columns = column_names.len().min(WIDE) as f64;
    let order = match parameters.selection {
        Selection::Highest => "largest",
        Selection::Magnitude => "strongest",
        Selection::Lowest => "most negative",
    };
    let (of, above) = match (
        by_class,
        members[0]
            .eigenpairs
            .header
            .classes
            .get(parameters.classes[0]),
    ) {
        (false, Some(name)) => (format!(" of class “{name}”"), "test accuracy of the model"),
        _ => (String::new(), "eigenvalue"),
    };
    let accuracies = members.iter().filter_map(|member| member.accuracy);
    let accuracies = span(accuracies, |accuracy| ticks::decimal(100.0 * accuracy, 1));
    let accuracies = accuracies.map_or_else(String::new, |accuracies| {
        format!(" The models are right for {accuracies} % of the test images.")
    });
    let caption = match by_class {
        true => String::new(),
        false => " Signs are those most like the picture before.".to_owned(),
    };
    Ok(Figure::new(
        titled(&format!(
            "The {order} eigenvector{of} by {} and {}",
            down.title(),
            across.title()
        )),
        format!(
            "Input-space eigenvectors of the {order} eigenvalue{of}, each scaled to its own largest value; above each, the {above}.{accuracies}{caption}"
        ),
        MARGINS + columns * PICTURE * channels::across(shape) as f64,
        1,
        vec![relative::panel("", images, shape)],
    ))
}

type Cell<'a> = Option<(&'a EigenpairRow, Option<f64>)>;

/// The rows of pictures. An eigenvector has no sign of its own: in a grid of one class, each has that of the larger product with the
/// picture before it in the row, the first of a row with the first of the row above.
fn pictures(
    grid: &[Vec<Cell<'_>>],
    names: &[String],
    shape: eigenscope_artifact::InputShape,
    by_class: bool,
) -> Result<Vec<GridRow>, TaskError> {
    let mut above: Option<Vec<f32>> = None;
    let mut rows = Vec::new();
    for (cells, name) in grid.iter().zip(names) {
        let mut before = above.clone();
        let mut row: Vec<Option<GridCell>> = Vec::new();
        for (place, cell) in cells.iter().enumerate() {
            let Some((pair, accuracy)) = cell else {
                row.push(None);
                continue;
            };
            let mut vector = pair.input_vector.clone();
            if let (false, Some(before)) = (by_class, &before) {
                let product: f32 = vector.iter().zip(before).map(|(a, b)| a * b).sum();
                if product < 0.0 {
                    vector.iter_mut().for_each(|value| *value = -*value);
                }
            }
            let caption = match (by_class, accuracy) {
                (true, _) => format!("λ = {}", ticks::decimal(pair.eigenvalue, 2)),
                (false, Some(accuracy)) => percent(*accuracy, 1),
                (false, None) => String::new(),
            };
            let cell = relative::cell(shape, &vector, caption)?;
            row.push(match by_class {
                true => cell.map(|cell| cell.coloured(relative::sign_colour(pair.eigenvalue))),
                false => cell,
            });
            if place == 0 {
                above = Some(vector.clone());
            }
            before = Some(vector);
        }
        rows.push(GridRow {
            label: name.clone(),
            cells: row,
        });
    }
    Ok(rows)
}
