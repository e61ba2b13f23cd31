//! Parallel projection of three dimensions onto a plane.

use eigenscope_figure::{Point, View};

/// Where space is looked at from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Camera {
    right: Point,
    up: Point,
    /// From what is looked at to the eye.
    pub(super) towards: Point,
}

/// A point as the camera sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// To the right.
    pub(super) x: f64,
    /// Upwards.
    pub(super) y: f64,
    /// Towards the eye.
    pub(super) nearness: f64,
}

impl Camera {
    /// A camera that looks at the origin.
    pub(super) fn new(view: View) -> Self {
        let (sine, cosine) = view.azimuth_degrees.to_radians().sin_cos();
        Self {
            right: [-sine, cosine, 0.0],
            up: view.up(),
            towards: view.towards(),
        }
    }

    pub(super) fn see(&self, point: Point) -> Seen {
        Seen {
            x: dot(self.right, point),
            y: dot(self.up, point),
            nearness: dot(self.towards, point),
        }
    }
}

fn dot(one: Point, other: Point) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(seen: Seen, (x, y, nearness): (f64, f64, f64)) -> bool {
        let pairs = [(seen.x, x), (seen.y, y), (seen.nearness, nearness)];
        pairs.iter().all(|(one, other)| (one - other).abs() < 1e-12)
    }

    fn camera(azimuth_degrees: f64, elevation_degrees: f64) -> Camera {
        Camera::new(View {
            azimuth_degrees,
            elevation_degrees,
        })
    }

    #[test]
    fn axes_are_where_the_camera_has_them() {
        let front = camera(0.0, 0.0);
        assert!(close(front.see([1.0, 0.0, 0.0]), (0.0, 0.0, 1.0)));
        assert!(close(front.see([0.0, 1.0, 0.0]), (1.0, 0.0, 0.0)));
        assert!(close(front.see([0.0, 0.0, 1.0]), (0.0, 1.0, 0.0)));
        let above = camera(-90.0, 90.0);
        assert!(close(above.see([1.0, 0.0, 0.0]), (1.0, 0.0, 0.0)));
        assert!(close(above.see([0.0, 1.0, 0.0]), (0.0, 1.0, 0.0)));
        assert!(close(above.see([0.0, 0.0, 1.0]), (0.0, 0.0, 1.0)));
    }

    #[test]
    fn lengths_are_kept() {
        let seen = camera(33.0, -21.0).see([1.0, 2.0, -2.0]);
        let length = seen.x.hypot(seen.y).hypot(seen.nearness);
        assert!((length - 3.0).abs() < 1e-12);
    }
}
