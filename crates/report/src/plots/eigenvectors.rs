//! Input-space eigenvectors as images: a row for each class, the first of a selection from left to right.

use eigenscope_artifact::{EIGENPAIRS, EigenpairRow, Eigenpairs, Selection};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::eigenpairs::select;
use crate::inputs::labels;
use crate::parts::channels;
use crate::parts::extent::Extent;
use crate::parts::relative::{self, Eigenvalues};
use eigenscope_figure::{
    ColourBar, ColourScale, Figure, GridCell, GridRow, ImageGrid, Panel, ticks,
};

/// Width of the figure for images of one channel, px, and how much wider it is for each further one side by side.
const WIDTH: f64 = 820.0;
const WIDER: f64 = 280.0;

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
    .reads(Role::one("eigenpairs", EIGENPAIRS, "eigenpairs to draw").has_eigenpairs("columns"))
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
    let shape = eigenpairs.header.shape;
    let values = selected.iter().flatten().flat_map(|row| {
        let (_, values) = channels::reduced(shape, &row.input_vector);
        values.into_owned()
    });
    let extent = Extent::of(values);
    let colours = ColourScale::diverging(extent.limit).clipped();
    let eigenvalues = selected.iter().flatten().map(|row| row.eigenvalue);
    let written = Eigenvalues::of(eigenvalues);
    let rows = classes
        .iter()
        .zip(&selected)
        .map(|(class, rows)| {
            let cells = rows.iter();
            let cells = cells.map(|row| cell(eigenpairs, row, written).map(Some));
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
    grid.row_title = "Class".to_owned();
    let eigenvalue = match written.symbol().as_str() {
        "λ" => "its eigenvalue λ".to_owned(),
        multiple => format!("its eigenvalue as {multiple}"),
    };
    grid.column_title = format!("Rank, {order} first; above each image {eigenvalue}");
    grid.column_labels = (1..=grid.columns()).map(|rank| rank.to_string()).collect();
    channels::explain(&mut grid, shape);
    let across = channels::across(shape) as f64;
    let (label, cut) = match extent.is_cut {
        true => (
            "Component of E^{T}v, the largest 1 % cut off",
            " The colours end at the 99th percentile of the magnitudes.",
        ),
        false => ("Component of E^{T}v", ""),
    };
    let largest = selected
        .iter()
        .flatten()
        .max_by(|one, other| one.eigenvalue.abs().total_cmp(&other.eigenvalue.abs()));
    let largest = largest.map_or_else(String::new, |row| {
        format!(
            " The largest |λ| is {}, of class {}.",
            ticks::decimal(row.eigenvalue.abs(), 2),
            classes[row.class as usize]
        )
    });
    let bar = ColourBar::new(label, colours);
    Ok(Figure::new(
        title,
        format!(
            "For every class, the {} input-space eigenvectors of its interaction matrix with {order}, as images.{largest}{cut}",
            parameters.columns.min(eigenpairs.header.size as usize)
        ),
        WIDTH + WIDER * (across - 1.0),
        1,
        vec![Panel::images("", grid).with_colour_bar(bar)],
    ))
}

fn cell(
    eigenpairs: &Eigenpairs,
    row: &EigenpairRow,
    written: Eigenvalues,
) -> Result<GridCell, TaskError> {
    let shape = eigenpairs.header.shape;
    let image = channels::side_by_side(shape, &row.input_vector)?;
    let caption = written.text(row.eigenvalue);
    Ok(GridCell::new(caption, image).coloured(relative::sign_colour(row.eigenvalue)))
}
