//! Places of texts beside the points that they name: near them, clear of markers and of each other where there is room.

use std::f64::consts::TAU;

use super::Rect;

/// Directions and distances (px) that are tried.
const DIRECTIONS: usize = 16;
const STEP: f64 = 4.0;
const STEPS: usize = 30;
/// Distance from the named point for which a text rather covers a marker, px.
const WORTH_A_MARKER: f64 = 12.0;
/// Markers that a text rather covers than another text, and than it leaves the plot.
const TEXT: f64 = 1e3;
const OUTSIDE: f64 = 1e6;
/// Distance between texts, and from the edge of the plot, px.
const GAP: f64 = 2.0;
const EDGE: f64 = 0.5;

/// A text that is to be placed, px.
pub(super) struct Named {
    /// What it names.
    pub at: (f64, f64),
    pub width: f64,
    pub height: f64,
}

impl Named {
    /// The area of the text in the middle of what it names.
    pub(super) fn area(&self) -> Rect {
        Rect {
            x: self.at.0 - 0.5 * self.width,
            y: self.at.1 - 0.5 * self.height,
            width: self.width,
            height: self.height,
        }
    }
}

/// The middles of texts, placed one after another clear of the areas of other texts. `markers` are the middles and radii of what they
/// should not cover.
pub(super) fn places(
    texts: &[Named],
    markers: &[(f64, f64, f64)],
    others: Vec<Rect>,
    plot: Rect,
) -> Vec<(f64, f64)> {
    let first = others.len();
    let mut placed = others;
    for text in texts {
        let area = |(right, down): (f64, f64)| {
            let area = text.area();
            Rect {
                x: area.x + right,
                y: area.y + down,
                ..area
            }
        };
        let best = offsets()
            .map(|offset| {
                let area = area(offset);
                let distance = offset.0.hypot(offset.1) / WORTH_A_MARKER;
                (cost(area, markers, &placed, plot) + distance, area)
            })
            .reduce(|best, other| if other.0 < best.0 { other } else { best });
        placed.push(best.map_or(area((0.0, 0.0)), |(_, area)| area));
    }
    let middle = |area: &Rect| (area.x + 0.5 * area.width, area.y + 0.5 * area.height);
    placed[first..].iter().map(middle).collect()
}

/// Offsets from what is named, nearest first.
fn offsets() -> impl Iterator<Item = (f64, f64)> {
    let around = |step: usize| {
        (0..DIRECTIONS).map(move |direction| {
            let (sine, cosine) = (TAU * direction as f64 / DIRECTIONS as f64).sin_cos();
            let distance = STEP * step as f64;
            (distance * cosine, distance * sine)
        })
    };
    std::iter::once((0.0, 0.0)).chain((1..=STEPS).flat_map(around))
}

/// What an area covers, in markers.
fn cost(area: Rect, markers: &[(f64, f64, f64)], texts: &[Rect], plot: Rect) -> f64 {
    let covered = markers.iter().filter(|(x, y, radius)| {
        *x > area.x - radius
            && *x < area.right() + radius
            && *y > area.y - radius
            && *y < area.bottom() + radius
    });
    let overlapped = texts.iter().filter(|other| {
        area.x < other.right() + GAP
            && other.x < area.right() + GAP
            && area.y < other.bottom() + GAP
            && other.y < area.bottom() + GAP
    });
    let is_inside = area.x >= plot.x + EDGE
        && area.right() <= plot.right() - EDGE
        && area.y >= plot.y + EDGE
        && area.bottom() <= plot.bottom() - EDGE;
    let outside = if is_inside { 0.0 } else { OUTSIDE };
    covered.count() as f64 + TEXT * overlapped.count() as f64 + outside
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLOT: Rect = Rect {
        x: 0.0,
        y: 0.0,
        width: 300.0,
        height: 200.0,
    };

    fn named(x: f64, y: f64) -> Named {
        Named {
            at: (x, y),
            width: 40.0,
            height: 14.0,
        }
    }

    #[test]
    fn a_text_alone_stands_where_it_belongs() {
        assert_eq!(
            places(&[named(100.0, 100.0)], &[], vec![], PLOT),
            [(100.0, 100.0)]
        );
    }

    #[test]
    fn texts_keep_clear_of_clusters_and_of_each_other() {
        let cluster: Vec<(f64, f64, f64)> = (0..400)
            .map(|index| {
                let (row, column) = (index / 20, index % 20);
                (
                    80.0 + 2.0 * f64::from(column),
                    80.0 + 2.0 * f64::from(row),
                    2.0,
                )
            })
            .collect();
        let places = places(
            &[named(100.0, 100.0), named(102.0, 100.0)],
            &cluster,
            vec![],
            PLOT,
        );
        for (x, y) in &places {
            let beside = |at: &(f64, f64, f64)| (at.0 - x).abs() >= 22.0 || (at.1 - y).abs() >= 9.0;
            assert!(cluster.iter().all(beside), "{x}, {y}");
            assert!((x - 100.0).hypot(y - 100.0) < 60.0, "{x}, {y}");
        }
        let [(x, y), (other_x, other_y)] = places[..] else {
            panic!("two texts");
        };
        assert!((x - other_x).abs() >= 40.0 || (y - other_y).abs() >= 14.0);
    }

    #[test]
    fn texts_at_the_edge_move_inside() {
        let [(x, y)] = places(&[named(1.0, 199.0)], &[], vec![], PLOT)[..] else {
            panic!("one text");
        };
        assert!(x >= 20.0 && y <= 193.0, "{x}, {y}");
    }
}
