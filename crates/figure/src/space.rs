//! Points in three-dimensional space, for the interactive form. A still picture shows a projection instead.

use crate::colour::Rgb;
use crate::layer::Marker;

/// A point in space.
pub type Point = [f64; 3];

/// Points in space with lines and a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// Points, in groups of the same look.
    pub groups: Vec<SpacePoints>,
    /// Lines through space.
    pub curves: Vec<SpaceCurve>,
    /// Frame around the points.
    pub frame: SpaceFrame,
    /// Names of the three axes.
    pub axes: [String; 3],
    /// Initial direction of view.
    pub view: View,
}

/// Points of the same look.
#[derive(Clone, Debug, PartialEq)]
pub struct SpacePoints {
    /// Name of the legend entry.
    pub name: String,
    /// Colour of the points.
    pub colour: Rgb,
    /// Marker at each point.
    pub marker: Marker,
    /// Positions.
    pub points: Vec<Point>,
}

/// A line through space.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceCurve {
    /// Colour of the line.
    pub colour: Rgb,
    /// Points that the line connects, in order.
    pub points: Vec<Point>,
}

/// Frame around points in space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceFrame {
    /// The unit sphere with meridians and parallels.
    Sphere,
    /// A box with ticks on its edges.
    Box,
}

/// A direction of view, towards the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Angle from the first axis towards the second.
    pub azimuth_degrees: f64,
    /// Angle from there towards the third axis, which points up.
    pub elevation_degrees: f64,
}

impl View {
    /// Unit vector from the middle to the viewer.
    pub fn towards(self) -> Point {
        let (sin_azimuth, cos_azimuth) = self.azimuth_degrees.to_radians().sin_cos();
        let (sin_elevation, cos_elevation) = self.elevation_degrees.to_radians().sin_cos();
        [
            cos_elevation * cos_azimuth,
            cos_elevation * sin_azimuth,
            sin_elevation,
        ]
    }

    /// Unit vector that appears to point up.
    pub fn up(self) -> Point {
        let (sin_azimuth, cos_azimuth) = self.azimuth_degrees.to_radians().sin_cos();
        let (sin_elevation, cos_elevation) = self.elevation_degrees.to_radians().sin_cos();
        [
            -sin_elevation * cos_azimuth,
            -sin_elevation * sin_azimuth,
            cos_elevation,
        ]
    }
}

/// Meridians and parallels of the unit sphere, `step` degrees apart (a divisor of 180), each of `points` segments.
pub fn graticule(step: usize, points: usize) -> impl Iterator<Item = Vec<Point>> {
    let angle = |degrees: usize| (degrees as f64).to_radians();
    let meridians = (0..180).step_by(step).map(move |degrees| {
        let (sine, cosine) = angle(degrees).sin_cos();
        circle(points, move |along, up| [along * cosine, along * sine, up])
    });
    let parallels = (step..180).step_by(step).map(move |degrees| {
        let (radius, height) = angle(degrees).sin_cos();
        circle(points, move |x, y| [radius * x, radius * y, height])
    });
    meridians.chain(parallels)
}

/// A circle of `points` segments, whose points are `place(cos, sin)` of their angles.
pub fn circle(points: usize, place: impl Fn(f64, f64) -> Point) -> Vec<Point> {
    let around = (0..=points).map(|index| {
        let (sine, cosine) = (std::f64::consts::TAU * index as f64 / points as f64).sin_cos();
        place(cosine, sine)
    });
    around.collect()
}
