//! Embeddings of three values as points in space, seen from one side.

mod camera;
mod cuboid;
mod sphere;

use eigenscope_artifact::EMBEDDINGS;
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::embedding_sample::{EmbeddingSample, count_parameter};
use crate::inputs::labels;
use crate::parts::classes::{self, Look};
use camera::Camera;
use eigenscope_figure::{
    Axes, Axis, Figure, Layer, Legend, Marker, Panel, Point, Points, Rgb, Space, SpaceFrame, View,
};

/// Width of the figure, px.
const WIDTH: f64 = 560.0;
/// Radius of a dot, px.
const RADIUS: f64 = 3.6;
/// Fewest points in one place, which must be a quarter of those of the class, that are counted.
const MANY: usize = 5;
const SOFT_INK: Rgb = Rgb::from_hex(0x666666);
const LINE: Rgb = Rgb::from_hex(0x9a9a9a);
const HAIRLINE: Rgb = Rgb::from_hex(0xbdbdbd);
const GRID_LINE: Rgb = Rgb::from_hex(0xe6e6e6);

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "embedding-space",
        "embeddings of three values as points in space",
        task_function!(run),
    )
    .parameters::<Parameters>([
        count_parameter(),
        Parameter::optional(
            "normalise",
            ParameterType::Boolean,
            true,
            "whether embeddings are drawn on the unit sphere, by their \
             direction alone",
        ),
        Parameter::optional(
            "azimuth_degrees",
            or_auto(-360.0, 360.0),
            "auto",
            "where they are seen from: angle from the first axis towards the \
             second, or \"auto\": from where their mean direction points",
        ),
        Parameter::optional(
            "elevation_degrees",
            or_auto(-90.0, 90.0),
            "auto",
            "where they are seen from: angle from the first two axes towards \
             the third, which points up, or \"auto\"",
        ),
    ])
    .reads(Role::one(
        "embeddings",
        EMBEDDINGS,
        "embeddings of three values",
    ))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
    normalise: bool,
    azimuth_degrees: Angle,
    elevation_degrees: Angle,
}

/// An angle, or where it is chosen from the data.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Angle {
    Degrees(f64),
    Word(Word),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Auto,
}

impl Angle {
    fn or(self, usual: f64) -> f64 {
        match self {
            Self::Degrees(degrees) => degrees,
            Self::Word(Word::Auto) => usual,
        }
    }
}

/// The type of an angle between these.
fn or_auto(low: f64, high: f64) -> ParameterType {
    ParameterType::Either(vec![
        ParameterType::Choice(vec!["auto".to_owned()]),
        ParameterType::between(low, high),
    ])
}

/// Where points without a mean direction are seen from.
const USUAL: View = View {
    azimuth_degrees: 35.0,
    elevation_degrees: 25.0,
};
/// Shortest mean of unit vectors that is a direction.
const SHORTEST: f64 = 0.05;

/// The view from where the mean direction points, in whole degrees.
fn from_mean_direction(points: &[Point]) -> View {
    let count = points.len().max(1) as f64;
    let [x, y, z] =
        [0, 1, 2].map(|axis| points.iter().map(|point| point[axis]).sum::<f64>() / count);
    let level = x.hypot(y);
    match level.hypot(z) > SHORTEST {
        true => View {
            azimuth_degrees: y.atan2(x).to_degrees().round() + 0.0,
            elevation_degrees: z.atan2(level).to_degrees().round() + 0.0,
        },
        false => USUAL,
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("embeddings")?;
    let mut sample = EmbeddingSample::read(context, input, parameters.count)?;
    if parameters.normalise {
        sample = sample.normalised(context, 0.0, "are zero and have no direction")?;
    }
    let points = points(&sample)?;
    let usual = match parameters.normalise {
        true => from_mean_direction(&points),
        false => USUAL,
    };
    let view = View {
        azimuth_degrees: parameters.azimuth_degrees.or(usual.azimuth_degrees),
        elevation_degrees: parameters.elevation_degrees.or(usual.elevation_degrees),
    };
    let camera = Camera::new(view);
    let (scene, frame, where_drawn) = if parameters.normalise {
        (
            sphere::scene(&camera),
            SpaceFrame::Sphere,
            "on the unit sphere, in a still picture pale on its far side",
        )
    } else {
        (
            cuboid::scene(&camera, &points),
            SpaceFrame::Box,
            "in a box around them",
        )
    };
    let title = format!("Embeddings of layer {}", sample.header.layer);
    let description = format!(
        "Embeddings of {}, coloured by class, as points {where_drawn}, seen from azimuth {}° and elevation {}°.{}",
        sample.in_words(),
        view.azimuth_degrees,
        view.elevation_degrees,
        sample.without_images,
    );
    let axis = |number: usize| match frame {
        SpaceFrame::Sphere => format!("e_{{{number}}}"),
        SpaceFrame::Box => format!("x_{{{number}}}"),
    };
    let space = Space {
        groups: sample.in_space(&points, RADIUS),
        curves: Vec::new(),
        frame,
        axes: [1, 2, 3].map(axis),
        view,
    };
    let panel = panel(&sample, &points, scene, &camera).with_space(space);
    let title = labels::titled(&title, input);
    write(
        context,
        Figure::new(title, description, WIDTH, 1, vec![panel]),
    )
}

/// The embeddings as points.
///
/// # Errors
/// Embeddings that do not have three values.
fn points(sample: &EmbeddingSample) -> Result<Vec<Point>, TaskError> {
    let width = sample.header.width;
    let point = |vector: &Vec<f64>| Point::try_from(vector.as_slice());
    let points = sample.vectors.iter().map(point).collect::<Result<_, _>>();
    points.map_err(|_| {
        format!(
            "embeddings of width {width} are no points in space, which need a width of 3; `unit-circle` draws the \
             directions of any width"
        )
        .into()
    })
}

/// Layers around the points, and the ranges of the axes.
struct Scene {
    /// Layers behind all points.
    behind: Vec<Layer>,
    /// Layers between points that are farther than the origin and those that are nearer.
    between: Vec<Layer>,
    /// Layers in front of all points.
    before: Vec<Layer>,
    x: (f64, f64),
    y: (f64, f64),
}

fn panel(sample: &EmbeddingSample, points: &[Point], scene: Scene, camera: &Camera) -> Panel {
    let seen = points.iter().map(|point| camera.see(*point));
    let mut seen: Vec<_> = sample.labels.iter().zip(seen).collect();
    seen.sort_by(|(_, one), (_, other)| one.nearness.total_cmp(&other.nearness));
    let middle = seen.partition_point(|(_, seen)| seen.nearness < 0.0);
    let places = seen.iter().map(|(class, seen)| (**class, (seen.x, seen.y)));
    let width = scene.x.1 - scene.x.0;
    let names = classes::names(
        &sample.header.classes,
        places,
        |name, points| match coincident(points, width) {
            count if count >= MANY && 4 * count >= points.len() => {
                format!("{name} ({count} in one place)")
            }
            _ => name,
        },
    );
    let mut dots = seen.into_iter().map(|(class, seen)| {
        let look = sample.look(*class);
        Layer::Points(Points::new(
            vec![seen.x],
            vec![seen.y],
            look.colour,
            marker(look),
        ))
    });
    let mut layers = legend_entries(sample);
    layers.extend(scene.behind);
    layers.extend(dots.by_ref().take(middle));
    layers.extend(scene.between);
    layers.extend(dots);
    layers.extend(scene.before);
    layers.extend(names.map(Layer::Texts));
    let aspect = (scene.y.1 - scene.y.0) / (scene.x.1 - scene.x.0);
    let axes = Axes::new(Axis::bare(scene.x), Axis::bare(scene.y), layers);
    Panel {
        legend: Some(Legend::right("Class")),
        ..Panel::axes("", axes.with_aspect(aspect))
    }
}

/// Largest number of points that are drawn in one place: a tenth of the width of a dot apart from one of them.
fn coincident(points: &[(f64, f64)], width: f64) -> usize {
    let near = 0.2 * RADIUS / WIDTH * width;
    let around = |(x, y): &(f64, f64)| {
        let others = points.iter();
        others
            .filter(|(other_x, other_y)| (x - other_x).hypot(y - other_y) <= near)
            .count()
    };
    points.iter().map(around).max().unwrap_or(0)
}

fn marker(look: Look) -> Marker {
    Marker {
        rim: true,
        ..look.marker(RADIUS)
    }
}

/// Layers without points, which put an entry for each class into the legend. The points are drawn from back to front.
fn legend_entries(sample: &EmbeddingSample) -> Vec<Layer> {
    let classes = sample.classes().into_iter();
    let entries = classes.map(|class| {
        let name = sample.header.classes[class].as_str();
        let look = sample.look(class);
        let none = Points::new(vec![], vec![], look.colour, marker(look));
        Layer::Points(none.named(name))
    });
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_seen_from_their_mean_direction() {
        let angles = |points: &[Point]| {
            let view = from_mean_direction(points);
            (view.azimuth_degrees, view.elevation_degrees)
        };
        assert_eq!(angles(&[[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), (90.0, 45.0));
        assert_eq!(angles(&[[-1.0, 0.0, 0.0]]), (180.0, 0.0));
        assert_eq!(angles(&[[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]]), (35.0, 25.0));
    }
}
