//! The singular value decomposition of an interaction tensor: singular values, what each class takes from the components, and their
//! eigenvectors.

use eigenscope_artifact::tables::interactions::HosvdRow;
use eigenscope_artifact::{EIGENPAIRS, EigenpairRow, Eigenpairs, Selection};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::eigenpairs::select;
use crate::inputs::labels;
use crate::parts::channels;
use crate::parts::heat_map::{self, Side};
use crate::parts::relative::{self, Eigenvalues};
use crate::parts::series::whole_ticks;
use eigenscope_figure::{
    Axes, Axis, ColourBar, ColourScale, Figure, GridRow, ImageGrid, Layer, Line, Marker,
    MarkerShape, Panel, Rgb, ticks,
};

/// Colour of the singular values.
const VALUES: Rgb = Rgb::categorical(0);
/// Largest width of a picture, px.
const PICTURE: f64 = 96.0;

pub(super) fn kind() -> TaskKind {
    let number = |minimum, maximum| ParameterType::Integer { minimum, maximum };
    figure_kind(
        "hosvd",
        "singular values of an interaction tensor, what each class takes from its components, and their eigenvectors",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional("components", number(1, 20), 4, "components drawn"),
        Parameter::optional(
            "shown",
            number(1, 6),
            2,
            "eigenvectors of each sign drawn of a component",
        ),
    ])
    .reads(Role::one("hosvd", HosvdRow::KIND, "components to draw"))
    .reads(
        Role::one(
            "eigenpairs",
            EIGENPAIRS,
            "eigenvectors of the same components",
        )
        .has_eigenpairs("shown")
        .agrees(Agreement::task("eigenpairs", "hosvd")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    components: usize,
    shown: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("hosvd")?;
    let rows: Vec<HosvdRow> = context.read("hosvd")?;
    let eigenpairs = Eigenpairs::read(context.path("eigenpairs")?)?;
    let title = labels::titled("Components that the classes share", input);
    write(context, draw(&rows, &eigenpairs, &parameters, title)?)
}

/// A component with the contributions of all classes.
struct Component<'a> {
    singular_value: f64,
    rows: Vec<&'a HosvdRow>,
}

fn draw(
    rows: &[HosvdRow],
    eigenpairs: &Eigenpairs,
    parameters: &Parameters,
    title: String,
) -> Result<Figure, TaskError> {
    let mut components: Vec<Component<'_>> = Vec::new();
    for row in rows {
        match components.last_mut() {
            Some(last)
                if last
                    .rows
                    .first()
                    .is_some_and(|one| one.component == row.component) =>
            {
                last.rows.push(row);
            }
            _ => components.push(Component {
                singular_value: row.singular_value,
                rows: vec![row],
            }),
        }
    }
    let shown = parameters.components.min(components.len());
    if shown == 0 {
        return Err("the table has no rows".into());
    }
    let all = components.len();
    let panels = vec![
        singular_values(&components, shown),
        contributions(&components[..shown])?,
        eigenvectors(&components[..shown], eigenpairs, parameters.shown)?,
    ];
    let squares = |components: &[Component<'_>]| -> f64 {
        let squares = components
            .iter()
            .map(|component| component.singular_value.powi(2));
        squares.sum()
    };
    let share = 100.0 * squares(&components[..shown]) / squares(&components).max(f64::MIN_POSITIVE);
    let share = ticks::decimal(share, 0);
    let across = channels::across(eigenpairs.header.shape) as f64;
    let wider = 2.0 * parameters.shown as f64 * PICTURE * across;
    Ok(Figure {
        columns: vec![0.7, 0.8, 0.004 * wider],
        ..Figure::new(
            title,
            format!(
                "The {all} singular values of the interaction tensor flattened to classes by interactions, what each class takes \
                 from the first {shown} components, and the strongest positive and negative eigenvectors of these, each scaled to its \
                 own largest value, with their eigenvalues. The first {shown} hold {share} % of the squared norm of the tensor."
            ),
            680.0 + wider,
            3,
            panels,
        )
    })
}

fn singular_values(components: &[Component<'_>], shown: usize) -> Panel {
    let values: Vec<f64> = components
        .iter()
        .map(|component| component.singular_value)
        .collect();
    let numbers: Vec<f64> = (1..=values.len()).map(|number| number as f64).collect();
    let range = (0.5, values.len() as f64 + 0.5);
    let largest = values.iter().copied().fold(0.0, f64::max);
    let largest = if largest > 0.0 { largest } else { 1.0 };
    let line =
        |count: usize| Line::new(numbers[..count].to_vec(), values[..count].to_vec(), VALUES);
    let marked = Line {
        marker: Some(Marker::new(MarkerShape::Circle)),
        ..line(shown)
    };
    let x = Axis::linear("Component", range).with_major(whole_ticks(range));
    let y = Axis::linear("Singular value σ", (0.0, 1.05 * largest));
    let layers = vec![Layer::Line(line(values.len())), Layer::Line(marked)];
    Panel::axes("Singular values", Axes::new(x, y, layers))
}

fn contributions(components: &[Component<'_>]) -> Result<Panel, TaskError> {
    let classes: Vec<String> = components[0]
        .rows
        .iter()
        .map(|row| row.class.clone())
        .collect();
    let mut values = Vec::with_capacity(classes.len() * components.len());
    for class in 0..classes.len() {
        for component in components {
            let row = component.rows.get(class);
            values.push(row.map_or(f64::NAN, |row| row.contribution.clamp(-1.0, 1.0)));
        }
    }
    let numbers = (1..=components.len()).map(|number| number.to_string());
    let colours = ColourScale::diverging(1.0);
    let sides = (
        Side::new("Class", classes),
        Side::new("Component", numbers.collect()),
    );
    let panel = heat_map::panel("Contributions", sides, values, 2, colours.clone())?;
    Ok(panel.with_colour_bar(ColourBar::new("Entry of the left singular vector", colours)))
}

fn eigenvectors(
    components: &[Component<'_>],
    eigenpairs: &Eigenpairs,
    shown: usize,
) -> Result<Panel, TaskError> {
    let shape = eigenpairs.header.shape;
    let drawn = |number: usize| {
        let ends = [Selection::Highest, Selection::Lowest];
        let pairs = ends.map(|selection| select(eigenpairs, number, selection, shown));
        pairs.into_iter().flatten().flatten()
    };
    let drawn = (0..components.len()).flat_map(drawn);
    let written = Eigenvalues::of(drawn.map(|pair| pair.eigenvalue));
    let rows = components.iter().enumerate().map(|(number, component)| {
        let mut cells = Vec::with_capacity(2 * shown);
        for (selection, sign) in [(Selection::Highest, 1.0), (Selection::Lowest, -1.0)] {
            let pairs = select(eigenpairs, number, selection, shown)?;
            let of_sign = |pair: &&EigenpairRow| sign * pair.eigenvalue > 0.0;
            let mut own = Vec::with_capacity(shown);
            for pair in pairs.into_iter().filter(of_sign) {
                let caption = written.text(pair.eigenvalue);
                let cell = relative::cell(shape, &pair.input_vector, caption)?;
                let colour = relative::sign_colour(pair.eigenvalue);
                own.push(cell.map(|cell| cell.coloured(colour)));
            }
            own.resize(shown, None);
            cells.extend(own);
        }
        Ok(GridRow {
            label: format!(
                "{}: σ = {}",
                number + 1,
                ticks::decimal(component.singular_value, 2)
            ),
            cells,
        })
    });
    let rows = rows.collect::<Result<Vec<_>, TaskError>>()?;
    let mut grid = ImageGrid::new(rows, relative::colours());
    let numbered = |sign: &'static str| (1..=shown).map(move |number| format!("{sign}{number}"));
    grid.column_labels = numbered("+").chain(numbered("−")).collect();
    grid.row_title = "Component".to_owned();
    grid.largest_cell = PICTURE;
    let title = format!("Eigenvectors, with their {}", written.symbol());
    Ok(relative::panel(&title, grid, shape))
}
