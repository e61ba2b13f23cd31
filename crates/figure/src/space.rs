//! Points in space, for media that can be turned. A still picture shows the panel's plot in their place: a projection.

use crate::colour::Rgb;
use crate::layer::Marker;

/// A point of space.
pub type Point = [f64; 3];

/// Points in space and what surrounds them.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// The points, in groups of one look.
    pub groups: Vec<SpacePoints>,
    /// Lines.
    pub curves: Vec<SpaceCurve>,
    /// What gives the eye a hold.
    pub frame: SpaceFrame,
    /// Names of the three axes, in [markup](super::markup).
    pub axes: [String; 3],
    /// Where it is looked at from first.
    pub view: View,
}

/// Points of one look.
#[derive(Clone, Debug, PartialEq)]
pub struct SpacePoints {
    /// Of the legend entry, in [markup](super::markup).
    pub name: String,
    /// Of the points.
    pub colour: Rgb,
    /// What stands at each point.
    pub marker: Marker,
    /// Where.
    pub points: Vec<Point>,
}

/// A line through space.
#[derive(Clone, Debug, PartialEq)]
pub struct SpaceCurve {
    /// Of the line.
    pub colour: Rgb,
    /// Through these points, in their order.
    pub points: Vec<Point>,
}

/// What is drawn around points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceFrame {
    /// The unit sphere.
    Sphere,
    /// A box with ticks on its edges.
    Box,
}

/// A direction to look from, towards the middle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// From the first axis to the second.
    pub azimuth_degrees: f64,
    /// From there to the third, which points up.
    pub elevation_degrees: f64,
}

impl View {
    /// The unit vector from the middle to the eye.
    pub fn towards(self) -> Point {
        let (sin_azimuth, cos_azimuth) = self.azimuth_degrees.to_radians().sin_cos();
        let (sin_elevation, cos_elevation) = self.elevation_degrees.to_radians().sin_cos();
        [
            cos_elevation * cos_azimuth,
            cos_elevation * sin_azimuth,
            sin_elevation,
        ]
    }

    /// The unit vector that is seen pointing up.
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

/// Meridians and parallels of the unit sphere, `step` degrees apart (a divisor of 180), each of `points` straight pieces.
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

/// A circle of `points` straight pieces: where `place` puts cosine and sine of its angles.
pub fn circle(points: usize, place: impl Fn(f64, f64) -> Point) -> Vec<Point> {
    let around = (0..=points).map(|index| {
        let (sine, cosine) = (std::f64::consts::TAU * index as f64 / points as f64).sin_cos();
        place(cosine, sine)
    });
    around.collect()
}
