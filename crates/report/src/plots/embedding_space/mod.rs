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
use crate::parts::classes::Look;
use camera::Camera;
use eigenscope_figure::{
    Axes, Axis, Figure, Layer, Legend, Marker, Panel, Point, Points, Rgb, Space, SpaceFrame, View,
};

/// Radius of a dot, px.
const RADIUS: f64 = 3.6;
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
            ParameterType::between(-360.0, 360.0),
            35.0,
            "where they are seen from: angle from the first axis towards the \
             second",
        ),
        Parameter::optional(
            "elevation_degrees",
            ParameterType::between(-90.0, 90.0),
            25.0,
            "where they are seen from: angle from the first two axes towards \
             the third, which points up",
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
    azimuth_degrees: f64,
    elevation_degrees: f64,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("embeddings")?;
    let mut sample = EmbeddingSample::read(context, input, parameters.count)?;
    if parameters.normalise {
        sample = sample.normalised(context, 0.0, "are zero and have no direction")?;
    }
    let points = points(&sample)?;
    let view = View {
        azimuth_degrees: parameters.azimuth_degrees,
        elevation_degrees: parameters.elevation_degrees,
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
        parameters.azimuth_degrees,
        parameters.elevation_degrees,
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
        Figure::new(title, description, 560.0, 1, vec![panel]),
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
    let aspect = (scene.y.1 - scene.y.0) / (scene.x.1 - scene.x.0);
    let axes = Axes::new(Axis::bare(scene.x), Axis::bare(scene.y), layers);
    Panel {
        legend: Some(Legend::right("Class")),
        ..Panel::axes("", axes.with_aspect(aspect))
    }
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
