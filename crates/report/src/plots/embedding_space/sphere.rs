//! The unit sphere with meridians and parallels, which veils the points on its far side.

use std::f64::consts::TAU;

use super::camera::{Camera, Seen};
use super::{HAIRLINE, LINE, SOFT_INK, Scene};
use eigenscope_figure::space::{circle, graticule};
use eigenscope_figure::{Band, Layer, Line, Rgb, Texts};

/// Degrees between meridians and between parallels.
const STEP: usize = 30;
/// Segments of a circle.
const POINTS: usize = 120;
/// Half of the range of the axes.
const REACH: f64 = 1.24;
/// End of an axis outside of the sphere.
const AXIS_END: f64 = 1.09;
/// Position of its name.
const AXIS_NAME: f64 = 1.17;

/// The layers around points on the unit sphere.
pub(super) fn scene(camera: &Camera) -> Scene {
    let mut behind = vec![Layer::Line(circles(camera, |seen| seen.nearness < 0.0))];
    let mut before = Vec::new();
    for axis in 0..3 {
        let side = if camera.towards[axis] < 0.0 {
            &mut behind
        } else {
            &mut before
        };
        side.push(Layer::Line(axis_line(camera, axis)));
    }
    before.extend((0..3).map(|axis| Layer::Texts(axis_name(camera, axis))));
    Scene {
        behind,
        between: vec![
            Layer::Band(veil()),
            Layer::Line(circles(camera, |seen| seen.nearness >= 0.0)),
            Layer::Line(outline()),
        ],
        before,
        x: (-REACH, REACH),
        y: (-REACH, REACH),
    }
}

/// Parts of the meridians and parallels that are `shown`.
fn circles(camera: &Camera, shown: impl Fn(&Seen) -> bool) -> Line {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for circle in graticule(STEP, POINTS) {
        for point in circle {
            let seen = camera.see(point);
            x.push(seen.x);
            y.push(if shown(&seen) { seen.y } else { f64::NAN });
        }
        x.push(0.0);
        y.push(f64::NAN);
    }
    Line {
        width: 0.7,
        ..Line::new(x, y, HAIRLINE)
    }
}

/// A translucent white disc.
fn veil() -> Band {
    let x: Vec<f64> = (0..=POINTS)
        .map(|index| -(TAU * index as f64 / (2 * POINTS) as f64).cos())
        .collect();
    let half = |x: &f64| (1.0 - x * x).max(0.0).sqrt();
    let upper: Vec<f64> = x.iter().map(half).collect();
    let lower = upper.iter().map(|half| -half).collect();
    Band {
        opacity: 0.6,
        ..Band::new(x, lower, upper, Rgb::WHITE)
    }
}

fn outline() -> Line {
    let points = circle(POINTS, |x, y| [x, y, 0.0]);
    let x = points.iter().map(|point| point[0]).collect();
    let y = points.iter().map(|point| point[1]).collect();
    Line {
        width: 1.0,
        ..Line::new(x, y, LINE)
    }
}

/// The part of a positive half-axis outside of the sphere.
fn axis_line(camera: &Camera, axis: usize) -> Line {
    let [start, end] = [1.0, AXIS_END].map(|length| along(camera, axis, length));
    let line = Line::new(vec![start.x, end.x], vec![start.y, end.y], LINE);
    Line { width: 1.0, ..line }
}

fn axis_name(camera: &Camera, axis: usize) -> Texts {
    let at = along(camera, axis, AXIS_NAME);
    Texts::one((at.x, at.y), format!("e_{{{}}}", axis + 1), SOFT_INK)
}

/// A point of an axis at a distance from the origin, as seen.
fn along(camera: &Camera, axis: usize, length: f64) -> Seen {
    let mut point = [0.0; 3];
    point[axis] = length;
    camera.see(point)
}
