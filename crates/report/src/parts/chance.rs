//! What guessing gets right, and how alike random directions are: lines to compare results with.

use std::f64::consts::PI;

use super::series::percentage_range;
use eigenscope_artifact::About;
use eigenscope_figure::{Dash, Line, Rgb, ticks};

/// Greatest distance of a line from the values of an axis that is extended to it, as a fraction of their range.
const REACH: f64 = 0.5;

/// Guessing one of several classes, all of them equally often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Chance {
    classes: f64,
}

impl Chance {
    /// `None` if the number of classes is not known or if there is nothing to guess.
    pub(crate) fn of(about: &About) -> Option<Self> {
        let classes = about.classes.filter(|classes| *classes > 1)? as f64;
        Some(Self { classes })
    }

    /// Guessing one of so many classes; `None` if there is nothing to guess.
    pub(crate) fn among(classes: usize) -> Option<Self> {
        (classes > 1).then_some(Self {
            classes: classes as f64,
        })
    }

    /// Images classified correctly, in %.
    pub(crate) fn accuracy(self) -> f64 {
        100.0 / self.classes
    }

    /// Images classified wrongly, in %.
    pub(crate) fn error(self) -> f64 {
        100.0 - self.accuracy()
    }

    /// A sentence about it, after a space; empty if it is not known.
    pub(crate) fn in_words(chance: Option<Self>) -> String {
        chance.map_or_else(String::new, |chance| {
            let classes = ticks::plain(chance.classes);
            let accuracy = rounded(chance.accuracy());
            format!(" Guessing one of {classes} classes is right for {accuracy} % of the images.")
        })
    }
}

/// Range of accuracies in %, which holds that of guessing if it is near.
pub(crate) fn accuracy_range(
    values: impl Iterator<Item = f64> + Clone,
    chance: Option<Chance>,
) -> (f64, f64) {
    let range = percentage_range(values.clone());
    let chance = chance.map(Chance::accuracy);
    percentage_range(values.chain(chance.filter(|chance| is_near(range, *chance))))
}

fn is_near((low, high): (f64, f64), value: f64) -> bool {
    value >= low - REACH * (high - low)
}

/// A line at the accuracy of guessing from the first to the last `x`; `None` outside of the range of the axis.
pub(crate) fn accuracy_line(
    x: (f64, f64),
    (low, high): (f64, f64),
    chance: Option<Chance>,
) -> Option<Line> {
    let at = chance?.accuracy();
    (low <= at && at <= high).then(|| line(x, at, format!("chance ({} %)", rounded(at))))
}

/// A line at the error of guessing from the first to the last `x`.
pub(crate) fn error_line(x: (f64, f64), chance: Option<Chance>) -> Option<Line> {
    let at = chance?.error();
    Some(line(x, at, format!("chance ({} %)", rounded(at))))
}

/// As [`error_line`], on a logarithmic axis of other values; `None` if they are far.
pub(crate) fn near_error_line(
    x: (f64, f64),
    values: impl Iterator<Item = f64>,
    chance: Option<Chance>,
) -> Option<Line> {
    let (low, high) = values
        .filter(|value| *value > 0.0)
        .fold((f64::INFINITY, 0.0f64), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    let is_near = |chance: &Chance| chance.error() <= high * (high / low).powf(REACH);
    error_line(x, chance.filter(is_near))
}

/// A thin dashed line at a value to compare others with.
pub(crate) fn line((first, last): (f64, f64), at: f64, name: String) -> Line {
    Line {
        width: 1.0,
        dash: Dash::Dotted,
        ..Line::new(vec![first, last], vec![at; 2], Rgb::NEUTRAL).named(name)
    }
}

fn rounded(percentage: f64) -> String {
    ticks::plain((10.0 * percentage).round() / 10.0)
}

/// Mean absolute cosine of two random directions of n dimensions, Γ(n/2) / (√π Γ((n+1)/2)), near √(2 / (π n)) for large n.
///
/// The density of their angle θ is proportional to sin^(n-2) θ (Cai, Fan and Jiang, Distributions of angles in random packing on
/// spheres, JMLR 14, 2013, equation 2); the formula is its mean of |cos θ|. 1 for one dimension.
pub(crate) fn random_cosine(dimensions: u64) -> f64 {
    // The value for n is (n - 2) / (n - 1) of that for n - 2.
    let (start, first) = match dimensions.is_multiple_of(2) {
        true => (2, 2.0 / PI),
        false => (1, 1.0),
    };
    let larger = (start + 2..=dimensions).step_by(2);
    larger.fold(first, |cosine, n| cosine * (n - 2) as f64 / (n - 1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(classes: u64) -> Option<Chance> {
        Chance::of(&About {
            classes: Some(classes),
            ..About::default()
        })
    }

    #[test]
    fn guessing_is_right_once_a_class() {
        let chance = of(10).expect("ten classes");
        assert_eq!((chance.accuracy(), chance.error()), (10.0, 90.0));
        assert!(Chance::in_words(of(3)).contains("3 classes is right for 33.3 %"));
        assert_eq!((of(1), Chance::of(&About::default())), (None, None));
    }

    #[test]
    fn an_axis_reaches_chance_if_it_is_near() {
        let range = |low: f64| accuracy_range([low, 100.0].into_iter(), of(10));
        assert!(range(30.0).0 < 10.0);
        assert!(range(80.0).0 > 70.0);
        assert!(accuracy_line((0.0, 1.0), range(30.0), of(10)).is_some());
        assert_eq!(accuracy_line((0.0, 1.0), range(80.0), of(10)), None);
        assert_eq!(accuracy_line((0.0, 1.0), (0.0, 100.0), None), None);
    }

    /// From SciPy 1.17: `exp(gammaln(n / 2) - gammaln((n + 1) / 2)) / sqrt(pi)`, and by hand up to 3.
    #[test]
    fn random_directions_are_as_alike_as_the_formula_says() {
        for (dimensions, expected) in [
            (1, 1.0),
            (2, 0.636_619_772_367_581_3),
            (3, 0.5),
            (64, 0.100_125_908_174_901_24),
            (784, 0.028_504_965_313_518_413),
        ] {
            let cosine = random_cosine(dimensions);
            assert!((cosine - expected).abs() < 1e-12, "{dimensions}: {cosine}");
        }
    }
}
