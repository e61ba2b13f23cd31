//! Input-space eigenvectors as images: a row for each class, the first of a selection from left to right.

use eigenscope_artifact::{EIGENPAIRS, EigenpairRow, Eigenpairs, InputShape, Selection};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::eigenpairs::select;
use crate::inputs::labels;
use eigenscope_figure::{
    ColourBar, ColourScale, Figure, GridCell, GridRow, ImageGrid, Matrix, Panel, ticks,
};

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "eigenvectors",
        "input-space eigenvectors of every class as images",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "columns",
            ParameterType::Integer {
                minimum: 1,
                maximum: 20,
            },
            8,
            "eigenvectors of each class",
        ),
        Parameter::optional(
            "selection",
            ParameterType::choice(&["magnitude", "highest", "lowest"]),
            "magnitude",
            "eigenvalues that come first",
        ),
    ])
    .reads(Role::one("eigenpairs", EIGENPAIRS, "eigenpairs to draw"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    columns: usize,
    selection: Selection,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("eigenpairs")?;
    let eigenpairs = Eigenpairs::read(&input.path)?;
    require_one_channel("eigenvectors", eigenpairs.header.shape)?;
    let title = labels::titled("Eigenvectors in input space", input);
    write(context, draw(&eigenpairs, &parameters, title)?)
}

fn draw(
    eigenpairs: &Eigenpairs,
    parameters: &Parameters,
    title: String,
) -> Result<Figure, TaskError> {
    let classes = &eigenpairs.header.classes;
    let selected: Vec<Vec<&EigenpairRow>> = (0..classes.len())
        .map(|class| select(eigenpairs, class, parameters.selection, parameters.columns))
        .collect::<Result<_, _>>()?;
    let limit = selected
        .iter()
        .flatten()
        .flat_map(|row| row.input_vector.iter())
        .fold(0.0f32, |limit, value| limit.max(value.abs()));
    let colours = ColourScale::diverging(f64::from(limit));
    let rows = classes
        .iter()
        .zip(&selected)
        .map(|(class, rows)| {
            let cells = rows.iter().map(|row| cell(eigenpairs, row).map(Some));
            Ok(GridRow {
                label: class.clone(),
                cells: cells.collect::<Result<_, TaskError>>()?,
            })
        })
        .collect::<Result<Vec<_>, TaskError>>()?;
    let order = match parameters.selection {
        Selection::Magnitude => "largest |λ|",
        Selection::Highest => "most positive λ",
        Selection::Lowest => "most negative λ",
    };
    let mut grid = ImageGrid::new(rows, colours.clone());
    grid.row_title = "class".to_owned();
    grid.column_title = format!("eigenvectors, {order} first; above each image its eigenvalue λ");
    let bar = ColourBar::new("component of E^{T}v", colours);
    Ok(Figure::new(
        title,
        format!(
            "For every class, the {} input-space eigenvectors of its interaction matrix with {order}, as images.",
            parameters.columns.min(eigenpairs.header.size as usize)
        ),
        820.0,
        1,
        vec![Panel::images("", grid).with_colour_bar(bar)],
    ))
}

/// Refuses vectors that are not images of one channel.
pub(super) fn require_one_channel(what: &str, shape: InputShape) -> Result<(), TaskError> {
    match shape.channels {
        1 => Ok(()),
        channels => Err(format!(
            "{what} of {channels} channels cannot be drawn with one colour map; make the images grey"
        )
        .into()),
    }
}

fn cell(eigenpairs: &Eigenpairs, row: &EigenpairRow) -> Result<GridCell, TaskError> {
    let shape = eigenpairs.header.shape;
    let image = Matrix::from_f32(shape.height, shape.width, &row.input_vector)?;
    Ok(GridCell::new(ticks::decimal(row.eigenvalue, 2), image))
}
