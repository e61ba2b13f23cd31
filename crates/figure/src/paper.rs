//! Figures for paper: laid out for a stated width and size of text, not scaled to them.
//!
//! The layout is computed in the px of the theme, of which so many make a mm that tick labels have the stated size. The drawing is
//! exactly as wide as stated, without the margin that figures on a screen have. Panels move below each other, and legends below the
//! panels, where plots would become too narrow.

use crate::description::{Content, Figure};
use crate::error::Result;
use crate::layout::{Layout, layout};
use crate::legend::{Legend, LegendPlace};
use crate::theme;

const POINTS_PER_MM: f64 = 72.0 / 25.4;
/// Part of the margin that is cut off on all sides, px.
pub(crate) const CUT: f64 = theme::EDGE - 2.0;
/// Smallest width of a plot that is wide enough, px.
const WIDE_ENOUGH: f64 = 110.0;
/// Greatest height of a drawing, mm, and how well plots have room in a higher one.
const TALLEST_MM: f64 = 240.0;
const ROOM_IN_TALL: f64 = 0.7;
/// Smallest share of the width that the plots of a row should have.
const PLOTS_SHARE: f64 = 0.5;

/// Width of a drawing on paper, and size of its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paper {
    /// Width of the drawing, mm.
    pub width_mm: f64,
    /// Size of tick labels and legends, points. Titles are larger, and captions of small images a little smaller.
    pub font_pt: f64,
}

impl Paper {
    /// Width of the drawing in px of the layout.
    pub(crate) fn width(self) -> f64 {
        self.width_mm * POINTS_PER_MM * theme::TICK_LABEL.size / self.font_pt
    }
}

/// The same figure on paper. Its arrangement is that of the figure if all plots stay wide enough, otherwise the one of fewer columns
/// and a legend below in which they do, or come closest.
///
/// # Errors
/// A description that cannot be drawn.
pub fn on_paper(figure: &Figure, paper: Paper) -> Result<Figure> {
    let figure = resized(figure, paper);
    let mut best: Option<(f64, Figure)> = None;
    for columns in (1..=figure.columns.len()).rev() {
        for place in [LegendPlace::Right, LegendPlace::Below] {
            let Some(candidate) = arranged(&figure, columns, place) else {
                continue;
            };
            let room = room(&candidate, &layout(&candidate)?);
            if room >= 1.0 {
                return Ok(candidate);
            }
            if best.as_ref().is_none_or(|(most, _)| room > *most) {
                best = Some((room, candidate));
            }
        }
    }
    Ok(best.map_or(figure, |(_, figure)| figure))
}

/// Size of tick labels in the drawing of a figure, points; smaller than stated if the figure needs more than the stated width, and
/// `None` for a figure that is not on paper.
///
/// # Errors
/// A description that cannot be drawn.
pub fn drawn_font_pt(figure: &Figure) -> Result<Option<f64>> {
    let Some(paper) = figure.paper else {
        return Ok(None);
    };
    let drawn = layout(figure)?.width - 2.0 * CUT;
    Ok(Some(paper.font_pt * (paper.width() / drawn).min(1.0)))
}

/// The figure with the width of the paper: small images may grow with it, and flat plots keep a height.
fn resized(figure: &Figure, paper: Paper) -> Figure {
    let width = paper.width() + 2.0 * CUT;
    let factor = width / figure.width;
    let mut figure = Figure {
        width,
        paper: Some(paper),
        ..figure.clone()
    };
    for panel in &mut figure.panels {
        match &mut panel.content {
            Content::Axes(axes) => {
                let aspect = axes.aspect.as_mut();
                if let Some(aspect) = aspect.filter(|aspect| **aspect < theme::ASPECT) {
                    *aspect = (*aspect / factor).clamp(*aspect, theme::ASPECT);
                }
            }
            Content::Images(grid) => grid.largest_cell *= factor.max(1.0),
        }
    }
    figure
}

/// The figure in so many columns with its legend at this place; `None` if that is another arrangement's.
fn arranged(figure: &Figure, columns: usize, place: LegendPlace) -> Option<Figure> {
    let mut arranged = figure.clone();
    if columns < figure.columns.len() {
        arranged.columns = vec![1.0; columns];
    }
    let moved = |legend: Legend| Legend { place, ..legend };
    let is_below = |legend: &Legend| legend.place == LegendPlace::Below;
    let stays_below = figure.legend.as_ref().is_some_and(is_below);
    match place {
        LegendPlace::Right => (!stays_below).then_some(arranged),
        LegendPlace::Below => {
            if let (None, [panel]) = (&arranged.legend, arranged.panels.as_mut_slice()) {
                arranged.legend = panel.legend.take();
            }
            arranged.legend = Some(moved(arranged.legend?));
            Some(arranged)
        }
    }
}

/// How well the plots have room: 1 or more if all are wide enough, and negative if the drawing is too wide.
fn room(figure: &Figure, place: &Layout) -> f64 {
    if place.width > figure.width + 1.0 {
        return figure.width / place.width - 1.0;
    }
    let columns = figure.columns.len();
    let panels = figure.panels.chunks(columns);
    let rows = panels.zip(place.panels.chunks(columns));
    let rows = rows.filter(|(panels, _)| {
        let is_plot = |content: &Content| matches!(content, Content::Axes(_));
        panels.iter().all(|panel| is_plot(&panel.content))
    });
    let wide = rows.map(|(_, places)| {
        let narrowest = places.iter().map(|place| place.plot.width);
        let narrowest = narrowest.fold(f64::INFINITY, f64::min);
        let all: f64 = places.iter().map(|place| place.plot.width).sum();
        // A last row that is not full leaves room on purpose.
        let share = all / figure.width * columns as f64 / places.len() as f64;
        (narrowest / WIDE_ENOUGH).min(share / PLOTS_SHARE)
    });
    let tallest = figure.paper.map_or(f64::INFINITY, |paper| {
        TALLEST_MM * paper.width() / paper.width_mm
    });
    let most = match place.height - 2.0 * CUT > tallest {
        true => ROOM_IN_TALL,
        false => 1.0,
    };
    wide.fold(most, f64::min)
}

/// Letters such as "(a)" before the titles of the panels of a figure that has several.
#[must_use]
pub fn with_letters(mut figure: Figure) -> Figure {
    if figure.panels.len() > 1 {
        for (index, panel) in figure.panels.iter_mut().enumerate() {
            let title = without_letter(&panel.title);
            panel.title = format!("({}) {title}", letter(index)).trim_end().to_owned();
        }
    }
    figure
}

/// A title without the letter that it may begin with.
fn without_letter(title: &str) -> &str {
    let rest = title
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "));
    match rest {
        Some((letters, rest))
            if letters.len() == 1 && letters.bytes().all(|letter| letter.is_ascii_lowercase()) =>
        {
            rest
        }
        _ => title,
    }
}

/// a to z, then aa, ab and so on.
fn letter(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'a' + (index % 26) as u8));
        match index / 26 {
            0 => break,
            more => index = more - 1,
        }
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::samples;
    use crate::{drawn_texts, svg};

    fn paper(width_mm: f64) -> Paper {
        Paper {
            width_mm,
            font_pt: 8.0,
        }
    }

    /// Width and height of a drawing, mm, and the width of its coordinates.
    fn sides(drawing: &str) -> (f64, f64, f64) {
        let document = roxmltree::Document::parse(drawing).unwrap();
        let root = document.root_element();
        let side = |name: &str| -> f64 {
            let side = root.attribute(name).unwrap();
            side.strip_suffix("mm").unwrap().parse().unwrap()
        };
        let view = root.attribute("viewBox").unwrap();
        let width = view.split(' ').nth(2).unwrap().parse().unwrap();
        (side("width"), side("height"), width)
    }

    #[test]
    fn a_drawing_is_as_wide_as_stated_with_text_of_the_stated_size() {
        for figure in samples::all() {
            for width in [88.0, 120.0, 180.0] {
                let sized = on_paper(&figure, paper(width)).unwrap();
                let drawing = svg(&sized).unwrap();
                let (drawn, height, px) = sides(&drawing);
                assert_eq!(drawn, width, "{}", figure.title);
                assert!(height > 10.0, "{}: {height} mm", figure.title);
                let px_of_a_tick_label = theme::TICK_LABEL.size * width / px * POINTS_PER_MM;
                let font = drawn_font_pt(&sized).unwrap().unwrap();
                assert!((px_of_a_tick_label - font).abs() < 0.05, "{font}");
                assert!(font > 7.0, "{} at {width} mm: {font} pt", figure.title);
            }
        }
    }

    #[test]
    fn nothing_of_a_drawing_is_cut_off() {
        for figure in samples::all() {
            for width in [88.0, 120.0, 180.0] {
                let drawing = svg(&on_paper(&figure, paper(width)).unwrap()).unwrap();
                let (mm, height, _) = sides(&drawing);
                // Renderers count 96 px an inch.
                let px = |mm: f64| mm / 25.4 * 96.0;
                for (text, [left, top, right, bottom]) in drawn_texts(&drawing).unwrap() {
                    let inside =
                        left >= 0.0 && top >= 0.0 && right <= px(mm) && bottom <= px(height);
                    assert!(inside, "{}: {text}", figure.title);
                }
            }
        }
    }

    #[test]
    fn panels_move_below_each_other_where_they_have_no_room() {
        let figure = samples::two_log_panels(LegendPlace::Right);
        let arrangement = |width: f64| {
            let figure = on_paper(&figure, paper(width)).unwrap();
            (figure.columns.len(), figure.legend.unwrap().place)
        };
        assert_eq!(arrangement(180.0), (2, LegendPlace::Right));
        assert_eq!(arrangement(88.0).0, 1);
    }

    #[test]
    fn letters_stand_before_titles() {
        let figure = samples::two_log_panels(LegendPlace::Right);
        let first = figure.panels[0].title.clone();
        let lettered = with_letters(figure);
        assert_eq!(lettered.panels[0].title, format!("(a) {first}"));
        assert!(lettered.panels[1].title.starts_with("(b)"));
        assert_eq!(with_letters(lettered.clone()), lettered);
        let alone = samples::images();
        assert_eq!(alone.panels.len(), 1);
        assert_eq!(with_letters(alone.clone()), alone);
        assert_eq!(
            [0, 25, 26, 51, 52].map(letter),
            ["a", "z", "aa", "az", "ba"]
        );
    }
}
