//! Both ends of the spectrum of a class, with their eigenvectors as images.

use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_artifact::{EIGENPAIRS, EigenpairRow, Eigenpairs, InputShape, Selection};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::eigenpairs::select;
use crate::inputs::labels;
use crate::parts::channels;
use crate::parts::relative::{NEGATIVE, POSITIVE, sign_colour};
use crate::parts::series::{enumerate, padded_range, whole_ticks};
use eigenscope_figure::{
    Axes, Axis, ColourBar, ColourScale, Figure, GridCell, GridRow, ImageGrid, Layer, Legend, Line,
    Marker, MarkerShape, Panel, Points, Rgb, ticks,
};

pub(super) fn kind() -> TaskKind {
    let count = |minimum, maximum| ParameterType::Integer { minimum, maximum };
    figure_kind(
        "eigenspectrum",
        "the most positive and most negative eigenvalues of one class, the \
         first with their eigenvectors",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "class",
            count(0, i64::from(u16::MAX)),
            1,
            "class (output index)",
        ),
        Parameter::optional("shown", count(1, 6), 3, "eigenvectors shown of each sign"),
        Parameter::optional(
            "count",
            count(2, 1000),
            20,
            "eigenvalues drawn of each sign",
        ),
    ])
    .reads(Role::one("spectrum", SpectrumRow::KIND, "eigenvalues to draw").has_classes("class"))
    .reads(
        Role::one(
            "eigenpairs",
            EIGENPAIRS,
            "eigenvectors of the same decomposition",
        )
        .has_eigenpairs("shown")
        .agrees(Agreement::task("eigenpairs", "spectrum")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    class: usize,
    shown: usize,
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let rows: Vec<SpectrumRow> = context.read("spectrum")?;
    let eigenpairs = Eigenpairs::read(context.path("eigenpairs")?)?;
    let mut figure = draw(&rows, &eigenpairs, &parameters)?;
    figure.title = labels::titled(&figure.title, context.input("eigenpairs")?);
    write(context, figure)
}

/// Eigenvalues of one sign by descending magnitude, and the eigenvectors of the first ones.
struct End<'a> {
    name: &'static str,
    colour: Rgb,
    shape: MarkerShape,
    eigenvalues: Vec<f64>,
    shown: Vec<&'a EigenpairRow>,
}

impl<'a> End<'a> {
    fn new(
        selection: Selection,
        spectrum: &[f64],
        eigenpairs: &'a Eigenpairs,
        parameters: &Parameters,
    ) -> Result<Self, TaskError> {
        let (name, colour, shape, sign) = match selection {
            Selection::Lowest => ("negative", NEGATIVE, MarkerShape::Diamond, -1.0),
            _ => ("positive", POSITIVE, MarkerShape::Circle, 1.0),
        };
        let positions = selection.positions(spectrum, parameters.count);
        let eigenvalues: Vec<f64> = positions
            .into_iter()
            .map(|position| spectrum[position])
            .filter(|value| sign * value > 0.0)
            .collect();
        let mut shown = select(eigenpairs, parameters.class, selection, parameters.shown)?;
        shown.retain(|row| sign * row.eigenvalue > 0.0);
        for (row, eigenvalue) in shown.iter().zip(&eigenvalues) {
            if row.eigenvalue != *eigenvalue {
                return Err(format!(
                    "spectrum and eigenpairs are not of one decomposition: eigenvalue {eigenvalue} and {} of class {}",
                    row.eigenvalue, parameters.class
                )
                .into());
            }
        }
        shown.truncate(eigenvalues.len());
        Ok(Self {
            name,
            colour,
            shape,
            eigenvalues,
            shown,
        })
    }

    /// A line through all eigenvalues and markers at those with images, under one name.
    fn layers(&self) -> Vec<Layer> {
        let ranks = |count: usize| -> Vec<f64> { (1..=count).map(|rank| rank as f64).collect() };
        let (all, shown) = (self.eigenvalues.len(), self.shown.len());
        let line = Line::new(ranks(all), self.eigenvalues.clone(), self.colour).named(self.name);
        let points = Points::new(
            ranks(shown),
            self.eigenvalues[..shown].to_vec(),
            self.colour,
            Marker::new(self.shape),
        );
        vec![Layer::Line(line), Layer::Points(points.named(self.name))]
    }

    /// Such as "8 most negative".
    fn in_words(&self) -> String {
        format!("{} most {}", self.eigenvalues.len(), self.name)
    }

    fn images(&self, shape: InputShape) -> Result<GridRow, TaskError> {
        let cell = |row: &&EigenpairRow| -> Result<Option<GridCell>, TaskError> {
            let image = channels::side_by_side(shape, &row.input_vector)?;
            let caption = format!("λ = {}", ticks::decimal(row.eigenvalue, 3));
            let colour = sign_colour(row.eigenvalue);
            Ok(Some(GridCell::new(caption, image).coloured(colour)))
        };
        Ok(GridRow {
            label: self.name.to_owned(),
            cells: self.shown.iter().map(cell).collect::<Result<_, _>>()?,
        })
    }
}

fn draw(
    rows: &[SpectrumRow],
    eigenpairs: &Eigenpairs,
    parameters: &Parameters,
) -> Result<Figure, TaskError> {
    let class = parameters.class;
    let Some(name) = eigenpairs.header.classes.get(class) else {
        let classes = eigenpairs.header.classes.len();
        return Err(format!("there is no class {class}, the decomposition has {classes}").into());
    };
    let mut spectrum: Vec<f64> = rows
        .iter()
        .filter(|row| row.class as usize == class)
        .map(|row| row.eigenvalue)
        .collect();
    spectrum.sort_by(f64::total_cmp);
    let ends = [Selection::Highest, Selection::Lowest]
        .into_iter()
        .map(|selection| End::new(selection, &spectrum, eigenpairs, parameters))
        .filter(|end| !end.as_ref().is_ok_and(|end| end.shown.is_empty()))
        .collect::<Result<Vec<_>, _>>()?;
    if ends.is_empty() {
        return Err(format!("class {class} has no eigenvalue but zero").into());
    }
    let panels = vec![
        spectrum_panel(&ends, parameters.count),
        images_panel(&ends, eigenpairs.header.shape)?,
    ];
    // Wider for more than three images in a row, and for channels side by side.
    let more = parameters.shown.saturating_sub(3) as f64;
    let wider = (channels::across(eigenpairs.header.shape) - 1) as f64;
    Ok(Figure {
        columns: vec![1.15, (1.0 + more / 3.0) * (1.0 + 0.7 * wider)],
        legend: Some(Legend::below("Eigenvalues")),
        ..Figure::new(
            format!("Eigenspectrum of class {class}, “{name}”"),
            format!(
                "The {} eigenvalues of the class against their rank, and the input-space eigenvectors of the marked ones, \
                 with their eigenvalues. All eigenvalues lie between {} and {}.",
                enumerate(ends.iter().map(End::in_words)),
                ticks::decimal(spectrum.first().copied().unwrap_or(0.0), 2),
                ticks::decimal(spectrum.last().copied().unwrap_or(0.0), 2)
            ),
            (820.0 + 100.0 * more) + (220.0 + 70.0 * more) * wider,
            2,
            panels,
        )
    })
}

fn spectrum_panel(ends: &[End<'_>], count: usize) -> Panel {
    let drawn = ends.iter().map(|end| end.eigenvalues.len()).max();
    let last = drawn.unwrap_or(count).max(2);
    let values = ends.iter().flat_map(|end| &end.eigenvalues).copied();
    let range = padded_range(values.chain([0.0]));
    let range_x = (0.5, last as f64 + 0.5);
    let x = Axis::linear("Rank, strongest first", range_x).with_major(whole_ticks(range_x));
    let y = Axis::linear("Eigenvalue λ", range);
    let layers = ends.iter().flat_map(End::layers).collect();
    Panel::axes("Eigenvalues", Axes::new(x, y, layers))
}

fn images_panel(ends: &[End<'_>], shape: InputShape) -> Result<Panel, TaskError> {
    let limit = ends
        .iter()
        .flat_map(|end| &end.shown)
        .map(|row| channels::largest(shape, &row.input_vector))
        .fold(0.0, f32::max);
    let colours = ColourScale::diverging(f64::from(limit));
    let rows = ends.iter().map(|end| end.images(shape));
    let mut grid = ImageGrid::new(rows.collect::<Result<_, _>>()?, colours.clone());
    channels::explain(&mut grid, shape);
    let bar = ColourBar::new("Component of E^{T}v", colours);
    Ok(Panel::images("Eigenvectors", grid).with_colour_bar(bar))
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::{EigenpairsHeader, write_eigenpairs};
    use eigenscope_testing::provenance;

    use super::*;
    use eigenscope_figure::svg;

    const ASCENDING: [f64; 4] = [-2.0, -0.5, 0.25, 1.5];

    fn spectrum() -> Vec<SpectrumRow> {
        let row = |(index, &eigenvalue): (usize, &f64)| SpectrumRow {
            class: 0,
            index: index as u32,
            eigenvalue,
        };
        ASCENDING.iter().enumerate().map(row).collect()
    }

    fn eigenpairs(channels: usize, first: f64) -> Eigenpairs {
        let shape = InputShape {
            channels,
            height: 2,
            width: 2,
        };
        let row = |(index, &eigenvalue): (usize, &f64)| EigenpairRow {
            class: 0,
            index: index as u32,
            eigenvalue: if index == 0 { first } else { eigenvalue },
            input_vector: vec![0.5; shape.len()],
        };
        let rows: Vec<EigenpairRow> = ASCENDING.iter().enumerate().map(row).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("eigenpairs.parquet");
        let header = EigenpairsHeader {
            shape,
            classes: vec!["one".to_owned()],
            size: ASCENDING.len() as u32,
        };
        write_eigenpairs(&path, &header, &rows, None, &provenance()).expect("written");
        Eigenpairs::read(&path).expect("readable")
    }

    const ALL: Parameters = Parameters {
        class: 0,
        shown: 3,
        count: 20,
    };

    #[test]
    fn both_ends_are_drawn_with_as_many_eigenvectors_as_there_are() {
        let figure = draw(&spectrum(), &eigenpairs(1, -2.0), &ALL).expect("drawn");
        let drawing = svg(&figure).expect("a drawing");
        for caption in ["λ = 1.500", "λ = 0.250", "λ = −2.000", "λ = −0.500"] {
            assert_eq!(drawing.matches(caption).count(), 1, "{caption}");
        }
        let one = Parameters { shown: 1, ..ALL };
        let figure = draw(&spectrum(), &eigenpairs(1, -2.0), &one).expect("drawn");
        assert!(!svg(&figure).expect("a drawing").contains("λ = 0.250"));
    }

    #[test]
    fn channels_are_drawn_side_by_side() {
        let figure = draw(&spectrum(), &eigenpairs(3, -2.0), &ALL).expect("drawn");
        let drawing = svg(&figure).expect("a drawing");
        assert!(drawing.contains("red, green, blue"));
    }

    #[test]
    fn one_sign_alone_is_drawn() {
        let mut positive = spectrum();
        positive.drain(..2);
        let figure = draw(&positive, &eigenpairs(1, -2.0), &ALL).expect("drawn");
        assert!(!svg(&figure).expect("a drawing").contains("negative</text>"));
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        let refusal = |rows: &[SpectrumRow], pairs: &Eigenpairs, parameters: &Parameters| {
            draw(rows, pairs, parameters)
                .expect_err("refused")
                .to_string()
        };
        let absent = Parameters { class: 1, ..ALL };
        assert_eq!(
            refusal(&spectrum(), &eigenpairs(1, -2.0), &absent),
            "there is no class 1, the decomposition has 1"
        );
        assert!(
            refusal(&spectrum(), &eigenpairs(1, -3.0), &ALL).contains("not of one decomposition")
        );
        assert_eq!(
            refusal(&[], &eigenpairs(1, -2.0), &ALL),
            "class 0 has no eigenvalue but zero"
        );
    }
}
