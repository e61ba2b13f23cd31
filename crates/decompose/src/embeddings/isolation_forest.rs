//! Isolation forests: the fewer random splits set a point apart from the others, the more it is an outlier.
//!
//! Source: Liu, Ting and Zhou, *Isolation Forest* (2008). Where that leaves a choice, scikit-learn's `IsolationForest` is
//! followed: a split is along a feature that varies among the points to split.

use std::f64::consts::EULER_GAMMA;

use eigenscope_stage::Stream;

/// Random trees grown on random parts of a set of points.
#[derive(Debug, Clone, PartialEq)]
pub struct IsolationForest {
    /// Number of values of a point.
    pub width: usize,
    /// Number of points that each tree was grown on.
    pub samples: usize,
    pub trees: Vec<IsolationTree>,
}

/// A node of a tree with all nodes below it.
#[derive(Debug, Clone, PartialEq)]
pub enum IsolationTree {
    Leaf {
        /// Number of the points that the tree was grown on that end here.
        points: usize,
    },
    Split {
        /// Position of the value that decides.
        feature: usize,
        /// Points whose value is at most this go `low`, others `high`.
        threshold: f64,
        low: Box<IsolationTree>,
        high: Box<IsolationTree>,
    },
}

impl IsolationForest {
    /// Grows `trees` trees on `points` `[points, width]`, row-major: each on `samples` of them drawn without
    /// replacement (on all if they are fewer), split until every point is alone or at depth ceil(log2 samples).
    ///
    /// A split is along a feature drawn from those that vary among the points to split, at a place uniform between
    /// its smallest and its largest value.
    ///
    /// # Panics
    /// Panics if `width` is 0.
    pub fn fit(
        points: &[f64],
        width: usize,
        trees: usize,
        samples: usize,
        stream: &mut Stream,
    ) -> Self {
        let points = Points {
            values: points,
            width,
        };
        let mut order: Vec<usize> = (0..points.values.len() / width).collect();
        let samples = samples.min(order.len());
        let levels = samples.max(2).next_power_of_two().ilog2();
        let trees = (0..trees).map(|_| {
            stream.shuffle(&mut order);
            points.grow(&mut order[..samples], levels, stream)
        });
        Self {
            width,
            samples,
            trees: trees.collect(),
        }
    }

    /// The score of each of `points` `[points, width]`, row-major, between 0 and 1, high for outliers:
    ///
    /// ```text
    /// score = 2^(-E[h] / c(samples)),   c(n) = 2 (ln(n - 1) + gamma) - 2 (n - 1) / n,   c(2) = 1,   c(1) = c(0) = 0
    /// ```
    ///
    /// with `E[h]` the mean over the trees of the splits that a point passes plus c(n) for the n points of the leaf where
    /// it ends; c(n) is the mean of that for n points that are not told apart. The score is exactly 1/2 where nothing was
    /// split: `E[h]` is summed as its difference from c(samples), which is then 0.
    ///
    /// # Panics
    /// Panics if `width` is 0 or a tree splits along a feature that is out of bounds.
    pub fn scores(&self, points: &[f64]) -> Vec<f64> {
        let mean = mean_path_length(self.samples);
        let all = self.trees.len() as f64 * mean;
        let points = points.chunks_exact(self.width);
        points
            .map(|point| {
                let lengths = self.trees.iter().map(|tree| tree.path_length(point));
                let excess: f64 = lengths.map(|length| length - mean).sum();
                let relative = if all > 0.0 { excess / all } else { 0.0 };
                (-1.0 - relative).exp2()
            })
            .collect()
    }
}

impl IsolationTree {
    fn path_length(&self, point: &[f64]) -> f64 {
        let (mut node, mut depth) = (self, 0.0);
        loop {
            match node {
                IsolationTree::Leaf { points } => return depth + mean_path_length(*points),
                IsolationTree::Split {
                    feature,
                    threshold,
                    low,
                    high,
                } => {
                    node = if point[*feature] <= *threshold {
                        low
                    } else {
                        high
                    };
                    depth += 1.0;
                }
            }
        }
    }
}

/// c(n) of [`IsolationForest::scores`]: mean depth of an unsuccessful search in a binary search tree of n points.
fn mean_path_length(points: usize) -> f64 {
    match points {
        0 | 1 => 0.0,
        2 => 1.0,
        _ => {
            let others = (points - 1) as f64;
            2.0 * (others.ln() + EULER_GAMMA) - 2.0 * others / points as f64
        }
    }
}

/// Points `[points, width]`, row-major.
struct Points<'a> {
    values: &'a [f64],
    width: usize,
}

impl Points<'_> {
    fn value(&self, point: usize, feature: usize) -> f64 {
        self.values[point * self.width + feature]
    }

    /// A tree of at most `levels` levels of splits for `members`, which it reorders.
    fn grow(&self, members: &mut [usize], levels: u32, stream: &mut Stream) -> IsolationTree {
        let leaf = IsolationTree::Leaf {
            points: members.len(),
        };
        if levels == 0 || members.len() < 2 {
            return leaf;
        }
        let ranges = self.ranges(members);
        let Some(&(feature, smallest, largest)) =
            ranges.get(stream.below(ranges.len() as u64) as usize)
        else {
            return leaf;
        };
        let threshold = place_between(smallest, largest, stream.uniform());
        let (low, high) = self.partition(members, feature, threshold);
        IsolationTree::Split {
            feature,
            threshold,
            low: Box::new(self.grow(low, levels - 1, stream)),
            high: Box::new(self.grow(high, levels - 1, stream)),
        }
    }

    /// The features that vary among `members`, with their smallest and largest values.
    fn ranges(&self, members: &[usize]) -> Vec<(usize, f64, f64)> {
        let features = (0..self.width).map(|feature| {
            let values = members.iter().map(|&point| self.value(point, feature));
            let range = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
            (feature, range.0, range.1)
        });
        features.filter(|(_, low, high)| low < high).collect()
    }

    /// `members` with those of a value of at most `threshold` first, and the two parts.
    fn partition<'m>(
        &self,
        members: &'m mut [usize],
        feature: usize,
        threshold: f64,
    ) -> (&'m mut [usize], &'m mut [usize]) {
        let mut low = 0;
        for at in 0..members.len() {
            if self.value(members[at], feature) <= threshold {
                members.swap(low, at);
                low += 1;
            }
        }
        members.split_at_mut(low)
    }
}

/// The value at `fraction` (below 1) of the way from `smallest` to `largest`, less than `largest` even where rounding would
/// reach it, so that both sides of a split have a point.
fn place_between(smallest: f64, largest: f64, fraction: f64) -> f64 {
    let place = smallest + (largest - smallest) * fraction;
    if place < largest { place } else { smallest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eigenscope_stage::Seed;

    fn stream() -> Stream {
        Seed(1).stream("test", 0)
    }

    #[test]
    fn mean_path_lengths_by_hand() {
        assert_eq!([0, 1, 2].map(mean_path_length), [0.0, 0.0, 1.0]);
        // 2 (ln 2 + 0.5772156649) - 4 / 3
        assert!((mean_path_length(3) - 1.207_392_357_589_622_4).abs() < 1e-12);
        assert!((mean_path_length(256) - 10.244_770_920_119_917).abs() < 1e-12);
    }

    #[test]
    fn scores_by_hand() {
        let leaf = |points| Box::new(IsolationTree::Leaf { points });
        let tree = IsolationTree::Split {
            feature: 1,
            threshold: 0.5,
            low: leaf(1),
            high: leaf(2),
        };
        let forest = IsolationForest {
            width: 2,
            samples: 3,
            trees: vec![tree],
        };
        let expected = [1.0, 2.0].map(|length: f64| (-length / mean_path_length(3)).exp2());
        let found = forest.scores(&[9.0, 0.5, 9.0, 0.6]);
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
    }

    #[test]
    fn points_that_cannot_be_told_apart_score_a_half() {
        // Summed path lengths of 36 and of 37 points differ from their mean by rounding, in either direction.
        for points in [1, 2, 36, 37, 100] {
            let values = vec![3.0; 2 * points];
            let forest = IsolationForest::fit(&values, 2, 100, 256, &mut stream());
            assert_eq!(forest.samples, points);
            let leaf = IsolationTree::Leaf { points };
            assert!(forest.trees.iter().all(|tree| *tree == leaf));
            assert_eq!(forest.scores(&values), vec![0.5; points]);
        }
    }

    #[test]
    fn a_point_far_away_scores_highest_and_a_constant_feature_is_never_split() {
        let mut values: Vec<f64> = (0..300)
            .flat_map(|at| [f64::from(at % 17), 7.0, f64::from(at % 23)])
            .collect();
        values.extend([90.0, 7.0, -90.0]);
        let forest = IsolationForest::fit(&values, 3, 100, 256, &mut stream());
        let scores = forest.scores(&values);
        let (last, others) = scores.split_last().expect("points");
        assert!(*last > 0.7, "{last}");
        assert!(others.iter().all(|score| score < last));
        for tree in &forest.trees {
            assert!(features(tree).iter().all(|feature| *feature != 1));
            assert!(depth(tree) <= 8);
        }
    }

    fn features(tree: &IsolationTree) -> Vec<usize> {
        match tree {
            IsolationTree::Leaf { .. } => Vec::new(),
            IsolationTree::Split {
                feature, low, high, ..
            } => [vec![*feature], features(low), features(high)].concat(),
        }
    }

    fn depth(tree: &IsolationTree) -> usize {
        match tree {
            IsolationTree::Leaf { .. } => 0,
            IsolationTree::Split { low, high, .. } => 1 + depth(low).max(depth(high)),
        }
    }

    #[test]
    fn a_split_leaves_a_point_on_both_sides() {
        let next = 1.0_f64.next_up();
        assert_eq!(place_between(1.0, next, 0.999), 1.0);
        assert_eq!(place_between(-2.0, 2.0, 0.25), -1.0);
    }
}
