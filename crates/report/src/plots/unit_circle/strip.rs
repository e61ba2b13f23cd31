//! Angles of embeddings on a circle, a row for each class.

use std::f64::consts::TAU;

use super::{DOT, EmbeddingSample};
use eigenscope_figure::text::Font;
use eigenscope_figure::{Axes, Axis, Layer, Panel, Points, TICK_LABEL, Tick, markup, ticks};
use eigenscope_stage::TaskError;

/// Most classes with a row of their own.
const MOST: usize = 40;
/// Room for the label of the axis and the gaps beside the plots and the names of the classes, px.
const BESIDE: f64 = 70.0;
/// Degrees between ticks, of which the first is chosen that makes at most so many.
const STEPS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 45.0, 90.0];
const MOST_TICKS: usize = 8;
/// Room beside the angles as a fraction of their range, at least so many degrees.
const BESIDE_ANGLES: f64 = 0.05;
const LEAST_BESIDE: f64 = 2.0;

/// A plot, and the width of what stands left of it, px; `None` if there are too many classes.
pub(super) fn panel(circle: &EmbeddingSample) -> Result<Option<(Panel, f64)>, TaskError> {
    let classes = circle.classes();
    if classes.len() > MOST {
        return Ok(None);
    }
    let angle = |vector: &Vec<f64>| f64::atan2(vector[1], vector[0]);
    let start = start(circle.vectors.iter().map(angle));
    let layers = classes.iter().enumerate().map(|(row, class)| {
        let angles = circle
            .of_class(*class)
            .map(|vector| unwound(angle(vector), start));
        let x: Vec<f64> = angles.map(f64::to_degrees).collect();
        let y = vec![row as f64 + 0.5; x.len()];
        let look = circle.look(*class);
        let points = Points::new(x, y, look.colour, look.marker(DOT));
        Layer::Points(Points {
            opacity: 0.4,
            ..points
        })
    });
    let names = classes
        .iter()
        .map(|class| markup::of_name(&circle.header.classes[*class]));
    let names: Vec<String> = names.collect();
    let widest = Font::bundled()?.widest(names.iter().map(String::as_str), TICK_LABEL)?;
    let turned = circle
        .vectors
        .iter()
        .map(|vector| unwound(angle(vector), start));
    let range = shown(turned.map(f64::to_degrees));
    let x = Axis::linear("Angle (degrees)", range).with_major(angle_ticks(range));
    let y = Axis::categories("Class", names).reversed();
    let axes = Axes::new(x, y, layers.collect());
    Ok(Some((
        Panel::axes("Angles by class", axes),
        widest.min(150.0) + BESIDE,
    )))
}

/// Where the strip is cut open: the middle of the widest gap between angles, or a whole turn before it.
fn start(angles: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = angles.collect();
    sorted.sort_by(f64::total_cmp);
    let Some(first) = sorted.first() else {
        return -0.5 * TAU;
    };
    let next = sorted.iter().skip(1).copied().chain([first + TAU]);
    let gaps = sorted.iter().zip(next);
    let widest = gaps.max_by(|(one, after), (other, after_other)| {
        (after - *one).total_cmp(&(after_other - *other))
    });
    widest.map_or(-0.5 * TAU, |(angle, next)| 0.5 * (angle + next) - TAU)
}

/// The angle between `start` and a turn later that is this one but for whole turns.
fn unwound(angle: f64, start: f64) -> f64 {
    (angle - start).rem_euclid(TAU) + start
}

/// The range of these angles with room beside them, at most a whole turn, degrees.
fn shown(angles: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = angles.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), angle| {
        (low.min(angle), high.max(angle))
    });
    let most = 0.5 * (360.0 - (high - low));
    let beside = (BESIDE_ANGLES * (high - low)).max(LEAST_BESIDE).min(most);
    (low - beside, high + beside)
}

/// Ticks at round angles, written from -180 to 180 degrees.
fn angle_ticks((first, last): (f64, f64)) -> Vec<Tick> {
    let within = |step: f64| (first / step).ceil() as i32..=(last / step).floor() as i32;
    let few = |step: &f64| within(*step).count() <= MOST_TICKS;
    let step = STEPS.into_iter().find(few).unwrap_or(90.0);
    let ticks = within(step).map(|number| {
        let at = f64::from(number) * step;
        let mut shown = at.rem_euclid(360.0);
        if shown > 180.0 {
            shown -= 360.0;
        }
        Tick::new(at, ticks::plain(shown))
    });
    ticks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strip_is_cut_where_no_angle_is() {
        let cut = start([-3.0, 3.0, 0.0, 0.1].into_iter());
        assert!((cut + TAU + 1.5).abs() < 1e-12, "{cut}");
        assert_eq!(start(std::iter::empty()), -0.5 * TAU);
        let one = start([1.0].into_iter());
        assert!((one - (1.0 - 0.5 * TAU)).abs() < 1e-12, "{one}");
    }

    #[test]
    fn ticks_have_angles_of_a_half_turn_to_both_sides() {
        let ticks = angle_ticks((-271.0, 89.0));
        let texts: Vec<&str> = ticks.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(texts, ["90", "135", "180", "−135", "−90", "−45", "0", "45"]);
        let ticks = angle_ticks((171.0, 192.0));
        let texts: Vec<&str> = ticks.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(texts, ["175", "180", "−175", "−170"]);
    }

    #[test]
    fn a_strip_is_as_wide_as_its_angles() {
        assert_eq!(shown([10.0, 110.0].into_iter()), (5.0, 115.0));
        assert_eq!(shown([10.0].into_iter()), (8.0, 12.0));
        assert_eq!(shown([-180.0, 179.0].into_iter()), (-180.5, 179.5));
    }
}
