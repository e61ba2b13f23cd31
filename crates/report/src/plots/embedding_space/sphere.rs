//! The unit sphere with meridians and parallels, which veils the points on its far side. Arrows in a corner, clear of all points, show where
//! the axes point.

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
const REACH: f64 = 1.08;
/// Where the arrows of the axes start, to the right and upwards, their length, and the distance of their names.
const CORNER: f64 = -0.86;
const ARROW: f64 = 0.14;
const NAME: f64 = 0.2;
/// Shortest distance of a name from the start of an arrow that points at the viewer or away.
const NEAREST_NAME: f64 = 0.06;

/// The layers around points on the unit sphere.
pub(super) fn scene(camera: &Camera) -> Scene {
    let axes = (0..3).map(|axis| Layer::Line(axis_line(camera, axis)));
    Scene {
        behind: vec![Layer::Line(circles(camera, |seen| seen.nearness < 0.0))],
        between: vec![
            Layer::Band(veil()),
            Layer::Line(circles(camera, |seen| seen.nearness >= 0.0)),
            Layer::Line(outline()),
        ],
        before: axes.chain([Layer::Texts(axis_names(camera))]).collect(),
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

/// The direction of an axis from the corner.
fn axis_line(camera: &Camera, axis: usize) -> Line {
    let (right, up) = seen_axis(camera, axis);
    let [x, y] = [right, up].map(|part| vec![CORNER, CORNER + ARROW * part]);
    Line {
        width: 1.4,
        ..Line::new(x, y, LINE)
    }
}

/// The names of the axes beyond the ends of their lines.
fn axis_names(camera: &Camera) -> Texts {
    let at = |axis: usize| {
        let (right, up) = seen_axis(camera, axis);
        let length = right.hypot(up);
        let distance = (NAME * length).max(NEAREST_NAME) / length.max(f64::MIN_POSITIVE);
        (CORNER + distance * right, CORNER + distance * up)
    };
    let (x, y) = (0..3).map(at).unzip();
    Texts {
        x,
        y,
        texts: (1..=3).map(|number| format!("e_{{{number}}}")).collect(),
        colour: SOFT_INK,
        beside: true,
    }
}

/// Where the end of an axis of length 1 is seen.
fn seen_axis(camera: &Camera, axis: usize) -> (f64, f64) {
    let mut point = [0.0; 3];
    point[axis] = 1.0;
    let seen = camera.see(point);
    (seen.x, seen.y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eigenscope_figure::View;

    #[test]
    fn names_of_axes_stand_in_a_corner_outside_of_the_sphere() {
        for (azimuth_degrees, elevation_degrees) in
            [(0.0, 0.0), (35.0, 25.0), (-45.0, 0.0), (200.0, -80.0)]
        {
            let camera = Camera::new(View {
                azimuth_degrees,
                elevation_degrees,
            });
            let names = axis_names(&camera);
            assert_eq!(names.texts, ["e_{1}", "e_{2}", "e_{3}"]);
            for (x, y) in names.x.iter().zip(&names.y) {
                assert!(x.hypot(*y) > 1.0, "{x}, {y}");
                assert!(x.abs() < REACH && y.abs() < REACH, "{x}, {y}");
            }
        }
    }
}
