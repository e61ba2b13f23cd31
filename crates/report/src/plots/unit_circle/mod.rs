//! Directions of embeddings on a circle.

mod ring;
mod strip;

use std::f64::consts::TAU;

use eigenscope_artifact::tables::embeddings::{UnitCirclePlaneRow, UnitCircleRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::embedding_sample::{EmbeddingSample, without_images};
use crate::inputs::labels;
use eigenscope_figure::markup;
use eigenscope_figure::text::Font;
use eigenscope_figure::{
    Axes, Axis, DATA_TEXT, EDGE, Figure, INK, Layer, Legend, Line, Panel, Point, Points, Rgb,
    Space, SpaceCurve, SpaceFrame, Texts, View, space, ticks,
};

/// Radius of a dot, px.
const DOT: f64 = 4.0;
/// Radius of the circle, px.
const RADIUS: f64 = 190.0;
/// Inner radius of the names of the classes, px.
const RING: f64 = RADIUS + 30.0;
/// Distances of the start and the end of the line to a name from the middle, px.
const POINTER: [f64; 2] = [RADIUS + 9.0, RADIUS + 24.0];
/// Half of the height of a name with a margin, px.
const HALF_NAME: f64 = 10.0;
/// Longest name, px.
const LONGEST_NAME: f64 = 160.0;
/// Width of a legend, which replaces names if there are too many, px.
const LEGEND: f64 = 200.0;
const CIRCLE: Rgb = Rgb::from_hex(0xc8c8c8);

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "unit-circle",
        "directions of embeddings in the plane that holds most of them",
        task_function!(run),
    )
    .reads(Role::one(
        "circle",
        UnitCircleRow::KIND,
        "directions to draw",
    ))
    .reads(
        Role::one("plane", UnitCirclePlaneRow::KIND, "plane of the circle")
            .agrees(Agreement::task("plane", "circle")),
    )
    .reads(
        Role::one(
            "embeddings",
            EMBEDDINGS,
            "embeddings of these directions, for the names of the classes",
        )
        .agrees(Agreement::artifact("circle/embeddings", "embeddings")),
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let embeddings = Embeddings::read(context.path("embeddings")?)?;
    let circle = circle(&embeddings, &context.read("circle")?)?;
    let plane = Plane::new(&context.read("plane")?, circle.header.width)?;
    let space = in_space(&circle, &plane);
    let title = format!(
        "Directions of the embeddings of layer {}",
        circle.header.layer
    );
    let mut figure = draw(
        &circle,
        plane.share,
        labels::titled(&title, context.input("embeddings")?),
    )?;
    if let Some(panel) = figure.panels.first_mut() {
        panel.space = space;
    }
    write(context, figure)
}

/// The directions, with the header of the embeddings.
///
/// # Errors
/// An empty table, an unknown class, and a value that is not finite.
fn circle(embeddings: &Embeddings, rows: &[UnitCircleRow]) -> Result<EmbeddingSample, TaskError> {
    if rows.is_empty() {
        return Err("the table has no rows".into());
    }
    let classes = embeddings.header.classes.len();
    let wrong = |row: &&UnitCircleRow| {
        row.label as usize >= classes || !(row.x.is_finite() && row.y.is_finite())
    };
    if let Some(row) = rows.iter().find(wrong) {
        return Err(format!(
            "image {} of class {} is at {}, {}; expected are finite numbers and one of {classes} classes",
            row.index, row.label, row.x, row.y
        )
        .into());
    }
    Ok(EmbeddingSample {
        header: embeddings.header.clone(),
        labels: rows.iter().map(|row| row.label as usize).collect(),
        vectors: rows.iter().map(|row| vec![row.x, row.y]).collect(),
        without_images: without_images(embeddings),
        of: embeddings.len(),
    })
}

/// The plane of the circle in the space of the embeddings.
struct Plane {
    directions: [Vec<f64>; 2],
    /// Fraction of the squared length of all embeddings that is in the plane.
    share: f64,
}

impl Plane {
    /// # Errors
    /// A table that does not have `width` components of both directions.
    fn new(rows: &[UnitCirclePlaneRow], width: usize) -> Result<Self, TaskError> {
        let of = |rank: u32| rows.iter().filter(move |row| row.rank == rank);
        if rows.len() != 2 * width || of(1).count() != width || of(2).count() != width {
            return Err(format!(
                "the plane has {} components, expected {width} of each of two directions",
                rows.len()
            )
            .into());
        }
        let share = |rank: u32| of(rank).next().map_or(0.0, |row| row.energy_fraction);
        Ok(Self {
            directions: [1, 2].map(|rank| of(rank).map(|row| row.value).collect()),
            share: share(1) + share(2),
        })
    }
}

/// Embeddings of three values on a great circle of the unit sphere.
fn in_space(circle: &EmbeddingSample, plane: &Plane) -> Option<Space> {
    let basis = |direction: &Vec<f64>| Point::try_from(direction.as_slice()).ok();
    let [first, second] = plane.directions.each_ref().map(basis);
    let (first, second) = (first?, second?);
    let at = |x: f64, y: f64| [0, 1, 2].map(|axis| x * first[axis] + y * second[axis]);
    let points: Vec<Point> = circle
        .vectors
        .iter()
        .map(|vector| at(vector[0], vector[1]))
        .collect();
    Some(Space {
        groups: circle.in_space(&points, DOT),
        curves: vec![SpaceCurve {
            colour: CIRCLE.mix(Rgb::BLACK, 0.3),
            points: space::circle(180, at),
        }],
        frame: SpaceFrame::Sphere,
        axes: [1, 2, 3].map(|number| format!("e_{{{number}}}")),
        view: View {
            azimuth_degrees: 35.0,
            elevation_degrees: 25.0,
        },
    })
}

fn draw(circle: &EmbeddingSample, share: f64, title: String) -> Result<Figure, TaskError> {
    let names = Names::new(circle)?;
    let named = !names.overlap();
    let mut layers = vec![Layer::Line(outline())];
    if named {
        layers.extend(names.pointers(circle).map(Layer::Line));
    }
    layers.extend(dots(circle));
    if named {
        layers.push(Layer::Texts(names.texts()));
    }
    let (right, top) = if named { names.reach() } else { (RING, RING) };
    let axes = Axes::new(Axis::bare((-right, right)), Axis::bare((-top, top)), layers);
    let strip = strip::panel(circle)?;
    let of_two = match &strip {
        Some(_) => "Directions in the plane",
        None => "",
    };
    let panel = Panel::axes(of_two, axes.with_aspect(top / right));
    let (panel, beside, explained) = if named {
        (panel, 0.0, "Each class is named at its mean direction.")
    } else {
        let legend = Some(Legend::right("Class"));
        (
            Panel { legend, ..panel },
            LEGEND,
            "Colours and shapes tell the classes.",
        )
    };
    let circle_width = 2.0 * (right + EDGE) + beside;
    // The strip has half of the width of the circle.
    let (strip, columns, width, explained_strip) = match strip {
        Some((strip, margin)) => (
            Some(strip),
            vec![2.0, 1.0],
            circle_width + right + margin,
            " A strip shows the angle of each embedding, in a row for each class, over the angles that occur.",
        ),
        None => (None, vec![1.0], circle_width, ""),
    };
    let figure = Figure::new(
        title,
        format!(
            "Embeddings of {}, normalised, projected on the plane of their first two right singular vectors, which \
             holds {} % of their squared length, and normalised again: all lie on a circle. {explained}{explained_strip}{}",
            circle.in_words(),
            ticks::decimal(100.0 * share, 1),
            circle.without_images
        ),
        width,
        columns.len(),
        std::iter::once(panel).chain(strip).collect(),
    );
    Ok(Figure { columns, ..figure })
}

/// A layer for each embedding, so that the colours of overlapping dots add up.
fn dots(circle: &EmbeddingSample) -> impl Iterator<Item = Layer> {
    let pairs = circle.labels.iter().zip(&circle.vectors);
    pairs.map(|(class, vector)| {
        let (x, y) = (RADIUS * vector[0], RADIUS * vector[1]);
        let look = circle.look(*class);
        let dot = Points {
            opacity: 0.4,
            ..Points::new(vec![x], vec![y], look.colour, look.marker(DOT))
        };
        Layer::Points(dot.named(circle.header.classes[*class].as_str()))
    })
}

fn outline() -> Line {
    let angles = (0..=180).map(|step| TAU * f64::from(step) / 180.0);
    let (x, y) = angles.map(|angle| at(RADIUS, angle)).unzip();
    Line {
        width: 1.2,
        ..Line::new(x, y, CIRCLE)
    }
}

fn at(radius: f64, angle: f64) -> (f64, f64) {
    (radius * angle.cos(), radius * angle.sin())
}

/// Names of the classes around the circle. Lengths are in px from its middle.
struct Names {
    classes: Vec<usize>,
    /// Names, shortened if they are long.
    names: Vec<String>,
    widths: Vec<f64>,
    /// Mean directions of the classes.
    directions: Vec<f64>,
    /// Positions of the names.
    angles: Vec<f64>,
}

impl Names {
    fn new(circle: &EmbeddingSample) -> Result<Self, TaskError> {
        let font = Font::bundled()?;
        let classes = circle.classes();
        let names = classes
            .iter()
            .map(|class| markup::of_name(&circle.header.classes[*class]));
        let names = font.shortened(&names.collect::<Vec<_>>(), DATA_TEXT, LONGEST_NAME)?;
        let widths = names.iter().map(|name| font.width(name, DATA_TEXT));
        let widths = widths.collect::<Result<Vec<f64>, _>>()?;
        let directions = classes.iter().map(|class| mean_direction(circle, *class));
        let directions: Vec<f64> = directions.collect();
        let angles = ring::spread(&directions, &widths, RING);
        Ok(Self {
            classes,
            names,
            widths,
            directions,
            angles,
        })
    }

    /// Returns true if some names overlap.
    fn overlap(&self) -> bool {
        let middles: Vec<_> = self.middles().zip(&self.widths).collect();
        let mut pairs = middles.iter().enumerate().flat_map(|(index, one)| {
            let others = middles[index + 1..].iter();
            others.map(move |other| (one, other))
        });
        pairs.any(|(((x, y), width), ((other_x, other_y), other_width))| {
            (x - other_x).abs() < (*width + *other_width) / 2.0
                && (y - other_y).abs() < DATA_TEXT.size
        })
    }

    /// A line from the mean direction of each class to its name.
    fn pointers(&self, circle: &EmbeddingSample) -> impl Iterator<Item = Line> {
        let ends = self.directions.iter().zip(&self.angles).zip(&self.classes);
        ends.map(|((direction, angle), class)| {
            let [start, end] = POINTER;
            let (from, to) = (at(start, *direction), at(end, *angle));
            Line {
                width: 1.0,
                ..Line::new(
                    vec![from.0, to.0],
                    vec![from.1, to.1],
                    circle.look(*class).colour,
                )
            }
        })
    }

    /// The names in their places, or beside these where the drawing is too small for them.
    fn texts(&self) -> Texts {
        let (x, y) = self.middles().unzip();
        Texts {
            x,
            y,
            texts: self.names.clone(),
            colour: INK,
            beside: true,
        }
    }

    fn middles(&self) -> impl Iterator<Item = (f64, f64)> {
        let places = self.angles.iter().zip(&self.widths);
        places.map(|(angle, width)| ring::middle(*angle, *width, RING))
    }

    /// Half of the width and of the height of the drawing with all names.
    fn reach(&self) -> (f64, f64) {
        let places = self.middles().zip(&self.widths);
        places.fold((RING, RING), |(right, top), ((x, y), width)| {
            let across = x.abs() + width / 2.0 + 1.0;
            (right.max(across), top.max(y.abs() + HALF_NAME))
        })
    }
}

fn mean_direction(circle: &EmbeddingSample, class: usize) -> f64 {
    let (x, y) = circle
        .of_class(class)
        .fold((0.0, 0.0), |(x, y), vector| (x + vector[0], y + vector[1]));
    f64::atan2(y, x)
}
