//! A quadtree over the points of a map, for sums over far points at the cost of a few cells (Barnes and Hut, *A
//! hierarchical O(N log N) force-calculation algorithm*, 1986).
//!
//! Points are sorted along the Z-order curve, so that a cell is a range of points, and cells stand in depth-first order,
//! each with the position of the first cell that is not inside it: walking needs no stack. Cells whose points all
//! lie in one quarter are left out.

/// Bits of a coordinate on the curve; 2^16 cells across the map tell points apart, further ones share a leaf.
const BITS: u32 = 16;
/// Most points of a cell that is not divided.
const LEAF: usize = 8;

/// A point, or the points of a cell drawn together to their mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Body {
    /// Place on the map.
    pub position: [f64; 2],
    pub mass: f64,
}

/// An axis-parallel rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rectangle {
    low: [f64; 2],
    high: [f64; 2],
}

impl Rectangle {
    /// The smallest one around `points`; empty without a point.
    pub fn around(points: &[[f64; 2]]) -> Self {
        let nothing = Self {
            low: [f64::INFINITY; 2],
            high: [f64::NEG_INFINITY; 2],
        };
        points.iter().fold(nothing, |around, &[x, y]| Self {
            low: [around.low[0].min(x), around.low[1].min(y)],
            high: [around.high[0].max(x), around.high[1].max(y)],
        })
    }

    /// Squared distance of a point, 0 inside.
    fn squared_distance(&self, point: [f64; 2]) -> f64 {
        let outside = |axis: usize| {
            (self.low[axis] - point[axis])
                .max(point[axis] - self.high[axis])
                .max(0.0)
        };
        outside(0).powi(2) + outside(1).powi(2)
    }

    /// Length of the longer side.
    fn side(&self) -> f64 {
        (self.high[0] - self.low[0])
            .max(self.high[1] - self.low[1])
            .max(0.0)
    }
}

#[derive(Debug, Clone, Copy)]
struct Cell {
    body: Body,
    /// Squared side of the cell.
    squared_side: f64,
    /// Its points in the order of the curve.
    first: u32,
    last: u32,
    /// First cell that is not inside it.
    next: u32,
    leaf: bool,
}

/// A map's points in the order of the curve, and the cells.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Which point of the map stands at each place of the curve.
    pub order: Vec<u32>,
    /// The points in that order.
    pub points: Vec<[f64; 2]>,
    cells: Vec<Cell>,
}

impl Tree {
    /// Divides the square around `map`, whose coordinates are finite, into cells: O(n log n) time, about 60 bytes a
    /// point.
    pub fn new(map: &[[f64; 2]]) -> Self {
        let square = Rectangle::around(map);
        let mut keys = keys(map, &square);
        keys.sort_unstable();
        let order: Vec<u32> = keys.iter().map(|key| *key as u32).collect();
        let mut tree = Self {
            points: order.iter().map(|&point| map[point as usize]).collect(),
            order,
            cells: Vec::new(),
        };
        let codes: Vec<u32> = keys.iter().map(|key| (key >> 32) as u32).collect();
        if !codes.is_empty() {
            tree.divide(&codes, square.side(), 0, codes.len());
        }
        tree
    }

    /// Adds the smallest cell around the points `first..last` and everything inside it.
    fn divide(&mut self, codes: &[u32], side: f64, first: usize, last: usize) {
        let level = (codes[first] ^ codes[last - 1]).leading_zeros() / 2;
        let leaf = last - first <= LEAF || level == BITS;
        let place = self.cells.len();
        self.cells.push(Cell {
            body: self.body(first, last),
            squared_side: (side / f64::from(1 << level)).powi(2),
            first: first as u32,
            last: last as u32,
            next: 0,
            leaf,
        });
        if !leaf {
            let shift = 2 * (BITS - 1 - level);
            let mut start = first;
            while start < last {
                let quarter = codes[start] >> shift;
                let length = codes[start..last].partition_point(|code| code >> shift == quarter);
                self.divide(codes, side, start, start + length);
                start += length;
            }
        }
        self.cells[place].next = self.cells.len() as u32;
    }

    fn body(&self, first: usize, last: usize) -> Body {
        let mass = (last - first) as f64;
        let mut sum = [0.0; 2];
        for point in &self.points[first..last] {
            sum[0] += point[0];
            sum[1] += point[1];
        }
        Body {
            position: sum.map(|sum| sum / mass),
            mass,
        }
    }

    /// Bodies that stand for all points as seen from anywhere in `place`: a cell where its side is less than `theta`
    /// times the distance of its mean, single points otherwise. For `theta` below 1/sqrt(2) no cell with
    /// a point of `place` is drawn together, and for 0 none at all.
    pub fn bodies(&self, place: &Rectangle, theta: f64, bodies: &mut Vec<Body>) {
        bodies.clear();
        let squared_theta = theta * theta;
        let mut at = 0;
        while let Some(cell) = self.cells.get(at) {
            let distance = place.squared_distance(cell.body.position);
            at = if cell.squared_side < squared_theta * distance {
                bodies.push(cell.body);
                cell.next as usize
            } else if cell.leaf {
                let points = &self.points[cell.first as usize..cell.last as usize];
                bodies.extend(points.iter().map(|&position| Body {
                    position,
                    mass: 1.0,
                }));
                cell.next as usize
            } else {
                at + 1
            };
        }
    }
}

/// Position on the curve in the upper half and the index in the lower half, so that equal places have one order.
fn keys(map: &[[f64; 2]], square: &Rectangle) -> Vec<u64> {
    let side = square.side();
    let cells = f64::from(1u32 << BITS);
    let scale = if side > 0.0 { cells / side } else { 0.0 };
    let on_grid = |value: f64, low: f64| ((value - low) * scale).min(cells - 1.0) as u32;
    map.iter()
        .enumerate()
        .map(|(index, point)| {
            let x = spread(on_grid(point[0], square.low[0]));
            let y = spread(on_grid(point[1], square.low[1]));
            u64::from(x << 1 | y) << 32 | index as u64
        })
        .collect()
}

/// Moves bit k of the lower 16 bits to bit 2k.
fn spread(value: u32) -> u32 {
    let value = (value | value << 8) & 0x00ff_00ff;
    let value = (value | value << 4) & 0x0f0f_0f0f;
    let value = (value | value << 2) & 0x3333_3333;
    (value | value << 1) & 0x5555_5555
}
