//! Tick labels without overlaps: shortened, rotated or left out.

use crate::axis::{Axis, AxisKind, Tick};
use crate::error::Result;
use crate::scale::AxisScale;
use crate::text::{Font, TextStyle};
use crate::theme;

/// Longest tick label, px.
const LONGEST: f64 = 150.0;
/// Fewest labelled powers of ten of an axis on which the ticks between them have no labels.
const FEWEST_DECADES: usize = 3;

/// Extent of a label along its axis, px, and its tick.
struct Extent<'a> {
    from: f64,
    to: f64,
    tick: &'a Tick,
}

impl Extent<'_> {
    fn clear_of(&self, other: &Self) -> bool {
        self.to + theme::TICK_LABEL_GAP <= other.from
            || other.to + theme::TICK_LABEL_GAP <= self.from
    }
}

/// The same ticks with labels of limited length.
///
/// # Errors
/// As [`Font::width`].
pub(super) fn shortened(font: &Font<'_>, ticks: &[Tick]) -> Result<Vec<Tick>> {
    let texts: Vec<&str> = ticks.iter().map(|tick| tick.text.as_str()).collect();
    let texts = font.shortened(&texts, theme::TICK_LABEL, LONGEST)?;
    let ticks = ticks.iter().zip(texts);
    Ok(ticks.map(|(tick, text)| Tick::new(tick.at, text)).collect())
}

/// Returns the ticks of an x axis of `width` px whose labels have room, and `true` if the labels are rotated. Labels that would
/// otherwise overlap or reach beyond the room `beside` the axis (left and right, px) are rotated, but those between powers of ten are
/// left out if at least three powers remain.
///
/// # Errors
/// As [`Font::width`].
pub(super) fn along(
    font: &Font<'_>,
    axis: &Axis,
    ticks: &[Tick],
    width: f64,
    beside: (f64, f64),
) -> Result<(Vec<Tick>, bool)> {
    let inside = |label: &Extent<'_>| -beside.0 <= label.from && label.to <= width + beside.1;
    let fit = |ticks: &[Tick]| -> Result<bool> {
        let level = across(font, axis, ticks, width, theme::TICK_LABEL)?;
        Ok(are_clear(&level) && level.iter().all(inside))
    };
    if fit(ticks)? {
        return Ok((ticks.to_vec(), false));
    }
    let decades = decades(axis, ticks);
    if decades.len() >= FEWEST_DECADES && fit(&decades)? {
        return Ok((decades, false));
    }
    Ok((thinned(axis, ticks, width), true))
}

/// The ticks at powers of ten, if the axis is logarithmic and all others are at their doubles and fivefolds.
fn decades(axis: &Axis, ticks: &[Tick]) -> Vec<Tick> {
    let lead = |tick: &Tick| tick.at / 10f64.powf((tick.at.log10() + 1e-9).floor());
    let is_near = |tick: &Tick, value: f64| (lead(tick) - value).abs() < 1e-6;
    let is_usual = |tick: &Tick| [1.0, 2.0, 5.0].iter().any(|value| is_near(tick, *value));
    match axis.kind == AxisKind::Log && ticks.iter().all(is_usual) {
        true => ticks
            .iter()
            .filter(|tick| is_near(tick, 1.0))
            .cloned()
            .collect(),
        false => Vec::new(),
    }
}

/// The ticks whose labels do not overlap along an axis of `length` px, their height counting: all, or every second, third
/// and so on.
pub(super) fn thinned(axis: &Axis, ticks: &[Tick], length: f64) -> Vec<Tick> {
    let every = |step: usize| ticks.iter().step_by(step).cloned().collect::<Vec<_>>();
    let clear = |ticks: &[Tick]| are_clear(&upright(axis, ticks, length, theme::TICK_LABEL));
    let mut step = 1;
    let mut kept = every(step);
    while kept.len() > 1 && !clear(&kept) {
        step += 1;
        kept = every(step);
    }
    kept
}

/// The minor ticks whose labels have room beside the labels of major ticks and of the minor ticks before them.
///
/// `length` is that of the axis, px. `level` states that labels run along the axis, as those of an x axis that are not
/// rotated.
///
/// # Errors
/// As [`Font::width`].
pub(crate) fn labelled_minor<'a>(
    font: &Font<'_>,
    axis: &'a Axis,
    major: &'a [Tick],
    length: f64,
    level: bool,
) -> Result<Vec<&'a Tick>> {
    let extents = |ticks: &'a [Tick], style| {
        if level {
            across(font, axis, ticks, length, style)
        } else {
            Ok(upright(axis, ticks, length, style))
        }
    };
    let mut taken = extents(major, theme::TICK_LABEL)?;
    let mut kept = Vec::new();
    for extent in extents(&axis.minor, theme::MINOR_TICK_LABEL)? {
        if taken.iter().all(|other| extent.clear_of(other)) {
            kept.push(extent.tick);
            taken.push(extent);
        }
    }
    Ok(kept)
}

fn across<'a>(
    font: &Font<'_>,
    axis: &Axis,
    ticks: &'a [Tick],
    length: f64,
    style: TextStyle,
) -> Result<Vec<Extent<'a>>> {
    let scale = AxisScale::new(axis, 0.0, length);
    labelled(ticks)
        .map(|tick| {
            let half = font.width(&tick.text, style)? / 2.0;
            let middle = scale.px(tick.at);
            Ok(Extent {
                from: middle - half,
                to: middle + half,
                tick,
            })
        })
        .collect()
}

fn upright<'a>(axis: &Axis, ticks: &'a [Tick], length: f64, style: TextStyle) -> Vec<Extent<'a>> {
    let scale = AxisScale::new(axis, 0.0, length);
    let half = style.ascent() / 2.0;
    labelled(ticks)
        .map(|tick| Extent {
            from: scale.px(tick.at) - half,
            to: scale.px(tick.at) + half,
            tick,
        })
        .collect()
}

fn labelled(ticks: &[Tick]) -> impl Iterator<Item = &Tick> {
    ticks.iter().filter(|tick| !tick.text.is_empty())
}

fn are_clear(extents: &[Extent<'_>]) -> bool {
    let mut sorted: Vec<&Extent<'_>> = extents.iter().collect();
    sorted.sort_by(|one, other| one.from.total_cmp(&other.from));
    sorted.windows(2).all(|pair| pair[0].clear_of(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(names: &[&str]) -> Axis {
        Axis::categories("", names.iter().copied())
    }

    #[test]
    fn labels_turn_only_when_they_must() {
        let font = Font::bundled().unwrap();
        let axis = axis(&["a long name", "another name", "the third"]);
        let labels = |width: f64, beside: f64| {
            along(&font, &axis, &axis.major, width, (beside, beside)).unwrap()
        };
        let turned = |width: f64| labels(width, 0.0).1;
        assert!(!turned(300.0) && turned(120.0));
        assert_eq!(labels(120.0, 0.0).0, axis.major);
        // No room for the second.
        let texts: Vec<_> = labels(20.0, 0.0)
            .0
            .into_iter()
            .map(|tick| tick.text)
            .collect();
        assert_eq!(texts, ["a long name", "the third"]);
        // The middle one reaches beyond the axis.
        let one = Axis::categories("", ["one long name in the middle"]);
        let turned = |beside: f64| {
            let beside = (beside, beside);
            along(&font, &one, &one.major, 60.0, beside).unwrap().1
        };
        assert!(turned(10.0) && !turned(100.0));
    }

    #[test]
    fn labels_between_powers_of_ten_are_left_out_before_labels_turn() {
        let font = Font::bundled().unwrap();
        let along_log = |places: &[f64], width: f64| {
            let ticks = places.iter().map(|at| Tick::new(*at, at.to_string()));
            let axis = Axis::log("", (1.0, 200.0)).with_major(ticks.collect());
            let (kept, turned) = along(&font, &axis, &axis.major, width, (12.0, 12.0)).unwrap();
            (kept.iter().map(|tick| tick.at).collect::<Vec<_>>(), turned)
        };
        let usual = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0];
        assert_eq!(along_log(&usual, 300.0), (usual.to_vec(), false));
        assert_eq!(along_log(&usual, 110.0), (vec![1.0, 10.0, 100.0], false));
        // Too few of them, and places of one's own.
        assert!(along_log(&usual[..4], 50.0).1);
        let sizes = [30.0, 60.0, 120.0];
        assert_eq!(along_log(&sizes, 110.0), (sizes.to_vec(), true));
    }

    #[test]
    fn minor_labels_give_way() {
        let font = Font::bundled().unwrap();
        let axis = Axis::log("", (1.0, 10.0))
            .with_major(vec![Tick::new(1.0, "1"), Tick::new(10.0, "10")])
            .with_minor(vec![Tick::new(3.0, "3"), Tick::new(9.0, "9")]);
        let kept = labelled_minor(&font, &axis, &axis.major, 120.0, true).unwrap();
        let texts: Vec<_> = kept.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(texts, ["3"]);
    }

    #[test]
    fn crowded_upright_labels_are_thinned_evenly() {
        let names: Vec<String> = (0..1000).map(|name| name.to_string()).collect();
        let axis = Axis::categories("", names);
        let kept = |height: f64| thinned(&axis, &axis.major, height);
        assert_eq!(kept(20_000.0), axis.major);
        let some = kept(600.0);
        assert!((30..60).contains(&some.len()), "{}", some.len());
        let steps: Vec<f64> = some
            .windows(2)
            .map(|pair| pair[1].at - pair[0].at)
            .collect();
        assert!(steps.iter().all(|step| *step == steps[0]));
        assert_eq!(kept(1.0).len(), 1);
    }

    #[test]
    fn long_labels_are_cut() {
        let font = Font::bundled().unwrap();
        let axis = axis(&["short", &"long".repeat(25)]);
        let ticks = shortened(&font, &axis.major).unwrap();
        assert_eq!(ticks[0], axis.major[0]);
        assert!(ticks[1].text.contains('…'));
    }
}
