//! A box around points, with grid lines on its three far walls and ticks on its edges.

use super::camera::{Camera, Seen};
use super::{GRID_LINE, HAIRLINE, LINE, SOFT_INK, Scene};
use eigenscope_figure::{INK, Layer, Line, Point, Rgb, Texts, Tick, ticks};

/// Number of ticks on an edge.
const TICKS: usize = 4;
/// Distances from an edge to its tick labels and to its name, relative to the diagonal of the box.
const LABELS: [f64; 2] = [0.045, 0.1];
/// Margin around labels, relative to the diagonal.
const ROOM: f64 = 0.06;
/// Shortest projection of an edge with labels, relative to the diagonal.
const SHORTEST: f64 = 0.12;

/// A box with faces normal to the axes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cuboid {
    low: Point,
    high: Point,
}

/// A box around these points.
pub(super) fn scene(camera: &Camera, points: &[Point]) -> Scene {
    let cuboid = Cuboid::around(points);
    let far = camera.towards.map(|towards| towards <= 0.0);
    let mut behind = cuboid.walls(camera, far);
    let mut near_edges = Vec::new();
    for axis in 0..3 {
        for edge in Edge::along(axis) {
            if edge.touches(far.map(|side| !side)) {
                near_edges.push(cuboid.line(camera, edge, HAIRLINE));
            } else {
                behind.push(cuboid.line(camera, edge, LINE));
            }
        }
    }
    let labels: Vec<Texts> = (0..3)
        .flat_map(|axis| cuboid.labels(camera, axis))
        .collect();
    let (x, y) = cuboid.view(camera, &labels);
    behind.extend(labels.into_iter().map(Layer::Texts));
    Scene {
        behind,
        between: Vec::new(),
        before: near_edges,
        x,
        y,
    }
}

/// An edge of a box along an axis, at these sides of the other axes (`true` for the high side).
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    axis: usize,
    sides: [bool; 3],
}

impl Edge {
    /// The four edges along an axis.
    fn along(axis: usize) -> impl Iterator<Item = Self> {
        [(false, false), (false, true), (true, false), (true, true)]
            .into_iter()
            .map(move |(one, other)| {
                let mut sides = [false; 3];
                sides[(axis + 1) % 3] = one;
                sides[(axis + 2) % 3] = other;
                Self { axis, sides }
            })
    }

    /// Returns true if the edge ends in a corner.
    fn touches(self, corner: [bool; 3]) -> bool {
        [1, 2].into_iter().all(|step| {
            let axis = (self.axis + step) % 3;
            self.sides[axis] == corner[axis]
        })
    }
}

impl Cuboid {
    /// A box around points with a margin of a twentieth of its longest edge, or of half a unit around a single point.
    fn around(points: &[Point]) -> Self {
        let fold = |pick: fn(f64, f64) -> f64, start: f64| {
            let least = |axis: usize| points.iter().map(|point| point[axis]).fold(start, pick);
            [0, 1, 2].map(least)
        };
        let (low, high) = (
            fold(f64::min, f64::INFINITY),
            fold(f64::max, f64::NEG_INFINITY),
        );
        let longest = (0..3)
            .map(|axis| high[axis] - low[axis])
            .fold(0.0, f64::max);
        let margin = if longest > 0.0 { longest / 20.0 } else { 0.5 };
        Self {
            low: low.map(|value| value - margin),
            high: high.map(|value| value + margin),
        }
    }

    fn side(&self, axis: usize, high: bool) -> f64 {
        if high {
            self.high[axis]
        } else {
            self.low[axis]
        }
    }

    fn diagonal(&self) -> f64 {
        let lengths = (0..3).map(|axis| self.high[axis] - self.low[axis]);
        lengths.fold(0.0, f64::hypot)
    }

    fn middle(&self) -> Point {
        [0, 1, 2].map(|axis| (self.low[axis] + self.high[axis]) / 2.0)
    }

    /// The point on an edge at a value of its axis.
    fn at(&self, edge: Edge, value: f64) -> Point {
        let mut point = [0, 1, 2].map(|axis| self.side(axis, edge.sides[axis]));
        point[edge.axis] = value;
        point
    }

    fn ends(&self, camera: &Camera, edge: Edge) -> [Seen; 2] {
        let ends = [self.low[edge.axis], self.high[edge.axis]];
        ends.map(|value| camera.see(self.at(edge, value)))
    }

    fn line(&self, camera: &Camera, edge: Edge, colour: Rgb) -> Layer {
        straight(self.ends(camera, edge), colour)
    }

    fn ticks(&self, axis: usize) -> Vec<Tick> {
        ticks::linear((self.low[axis], self.high[axis]), TICKS)
    }

    /// Grid lines on the walls that meet at the far corner.
    fn walls(&self, camera: &Camera, far: [bool; 3]) -> Vec<Layer> {
        let mut lines = Vec::new();
        for wall in 0..3 {
            for (across, along) in [(1, 2), (2, 1)] {
                let (across, along) = ((wall + across) % 3, (wall + along) % 3);
                for tick in self.ticks(across) {
                    let mut point = [0.0; 3];
                    point[wall] = self.side(wall, far[wall]);
                    point[across] = tick.at;
                    let ends = [self.low[along], self.high[along]].map(|value| {
                        point[along] = value;
                        camera.see(point)
                    });
                    lines.push(straight(ends, GRID_LINE));
                }
            }
        }
        lines
    }

    /// Tick labels and name of an axis, outside of one of its edges; none if the axis points at the viewer.
    fn labels(&self, camera: &Camera, axis: usize) -> Vec<Texts> {
        let Some(edge) = self.labelled_edge(camera, axis) else {
            return Vec::new();
        };
        let (x, y) = self.seen_middle(camera, edge);
        let centre = camera.see(self.middle());
        let (right, up) = (x - centre.x, y - centre.y);
        let length = right.hypot(up).max(f64::MIN_POSITIVE);
        let outside = |(x, y): (f64, f64), share: f64| {
            let distance = share * self.diagonal() / length;
            (x + distance * right, y + distance * up)
        };
        let [numbers, name] = LABELS;
        let name = Texts::one(outside((x, y), name), format!("x_{{{}}}", axis + 1), INK);
        let numbers = self.ticks(axis).into_iter().map(|tick| {
            let at = camera.see(self.at(edge, tick.at));
            Texts::one(outside((at.x, at.y), numbers), tick.text, SOFT_INK)
        });
        numbers.chain([name]).collect()
    }

    /// The edge with the labels of an axis: the lowest for the first two axes, the leftmost for the third.
    fn labelled_edge(&self, camera: &Camera, axis: usize) -> Option<Edge> {
        let key = |edge: &Edge| {
            let (x, y) = self.seen_middle(camera, *edge);
            if axis == 2 { x } else { y }
        };
        let edge = Edge::along(axis).min_by(|one, other| key(one).total_cmp(&key(other)))?;
        let [from, to] = self.ends(camera, edge);
        let length = (to.x - from.x).hypot(to.y - from.y);
        (length >= SHORTEST * self.diagonal()).then_some(edge)
    }

    fn seen_middle(&self, camera: &Camera, edge: Edge) -> (f64, f64) {
        let [from, to] = self.ends(camera, edge);
        ((from.x + to.x) / 2.0, (from.y + to.y) / 2.0)
    }

    /// Ranges of x and y around the box and its labels.
    fn view(&self, camera: &Camera, labels: &[Texts]) -> ((f64, f64), (f64, f64)) {
        let corners = || Edge::along(0).flat_map(|edge| self.ends(camera, edge));
        let texts = |pick: fn(&Texts) -> &Vec<f64>| labels.iter().flat_map(pick).copied();
        let room = ROOM * self.diagonal();
        let range = |values: Vec<f64>| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low - room, high + room)
        };
        (
            range(
                corners()
                    .map(|seen| seen.x)
                    .chain(texts(|texts| &texts.x))
                    .collect(),
            ),
            range(
                corners()
                    .map(|seen| seen.y)
                    .chain(texts(|texts| &texts.y))
                    .collect(),
            ),
        )
    }
}

fn straight([from, to]: [Seen; 2], colour: Rgb) -> Layer {
    let line = Line::new(vec![from.x, to.x], vec![from.y, to.y], colour);
    Layer::Line(Line { width: 0.8, ..line })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eigenscope_figure::View;

    #[test]
    fn boxes_hold_their_points_with_a_margin() {
        let cuboid = Cuboid::around(&[[0.0, 1.0, 5.0], [20.0, 1.0, -5.0]]);
        assert_eq!(cuboid.low, [-1.0, 0.0, -6.0]);
        assert_eq!(cuboid.high, [21.0, 2.0, 6.0]);
        let single = Cuboid::around(&[[3.0; 3]]);
        assert_eq!((single.low, single.high), ([2.5; 3], [3.5; 3]));
    }

    #[test]
    fn three_edges_meet_in_a_corner() {
        let edges: Vec<Edge> = (0..3).flat_map(Edge::along).collect();
        assert_eq!(edges.len(), 12);
        let corner = [true, false, true];
        let meeting = edges.iter().filter(|edge| edge.touches(corner));
        assert_eq!(meeting.count(), 3);
    }

    #[test]
    fn an_axis_seen_from_its_end_has_no_labels() {
        let points = [[0.0; 3], [1.0; 3]];
        let cuboid = Cuboid::around(&points);
        let above = Camera::new(View {
            azimuth_degrees: 0.0,
            elevation_degrees: 90.0,
        });
        assert!(cuboid.labels(&above, 2).is_empty());
        assert!(cuboid.labels(&above, 0).len() > 2);
    }
}
