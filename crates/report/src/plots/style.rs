//! What every kind of figure can be told about its look: a width on paper, the size of its text, its title, letters of panels.

use eigenscope_figure::{Drawn, Figure, Paper, drawn, on_paper, with_letters};
use eigenscope_stage::{Parameter, ParameterType, TaskError};
use serde::Deserialize;

/// Widths of drawings on paper, mm: from half a column to a poster.
const NARROWEST_MM: f64 = 60.0;
const WIDEST_MM: f64 = 400.0;
/// Sizes of text, points. Captions of small images and superscripts, which are smaller, stay above 5 points.
const SMALLEST_PT: f64 = 7.0;
const LARGEST_PT: f64 = 16.0;
const DEFAULT_PT: f64 = 8.0;
/// Difference of sizes of text that is not worth a warning, points.
const UNSEEN_PT: f64 = 0.1;

/// The look of a figure, as a pipeline file states it.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Style {
    width_mm: Width,
    font_pt: f64,
    title: bool,
    panel_letters: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Width {
    Paper(f64),
    Word(Word),
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Screen,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width_mm: Width::Word(Word::Screen),
            font_pt: DEFAULT_PT,
            title: true,
            panel_letters: false,
        }
    }
}

/// A figure as it is drawn.
pub(super) struct Styled {
    pub(super) figure: Figure,
    /// A lack of room for the stated size of text or on a page.
    pub(super) warnings: Vec<String>,
}

impl Style {
    pub(super) fn parameters() -> [Parameter; 4] {
        let width = ParameterType::Either(vec![
            ParameterType::Choice(vec!["screen".to_owned()]),
            ParameterType::between(NARROWEST_MM, WIDEST_MM),
        ]);
        [
            Parameter::optional(
                "width_mm",
                width,
                "screen",
                "width of the SVG, PNG and PDF on paper in mm, such as 88 for a column or 180 for a page, or \"screen\"",
            ),
            Parameter::optional(
                "font_pt",
                ParameterType::between(SMALLEST_PT, LARGEST_PT),
                DEFAULT_PT,
                "size of tick labels and legends in points, if `width_mm` is a number",
            ),
            Parameter::optional("title", ParameterType::Boolean, true, "draws the title"),
            Parameter::optional(
                "panel_letters",
                ParameterType::Boolean,
                false,
                "puts letters such as (a) before the titles of panels, if there are several",
            ),
        ]
    }

    /// Returns `true` for a drawing of a stated width.
    pub(super) fn is_for_paper(&self) -> bool {
        matches!(self.width_mm, Width::Paper(_))
    }

    /// Lays a figure out in this style.
    pub(super) fn apply(&self, mut figure: Figure) -> Result<Styled, TaskError> {
        figure.show_title &= self.title;
        if self.panel_letters {
            figure = with_letters(figure);
        }
        let width_mm = match self.width_mm {
            Width::Word(Word::Screen) => {
                return Ok(Styled {
                    figure,
                    warnings: Vec::new(),
                });
            }
            Width::Paper(width_mm) => width_mm,
        };
        let paper = Paper {
            width_mm,
            font_pt: self.font_pt,
        };
        let figure = on_paper(&figure, paper)?;
        let drawn = drawn(&figure)?;
        let warnings = drawn.map_or_else(Vec::new, |drawn| lacks(&drawn, paper));
        Ok(Styled { figure, warnings })
    }
}

/// What a figure lacks room for on paper.
fn lacks(drawn: &Drawn, paper: Paper) -> Vec<String> {
    let Paper { width_mm, font_pt } = paper;
    let mut lacks = Vec::new();
    if drawn.font_pt < font_pt - UNSEEN_PT {
        lacks.push(format!(
            "{width_mm} mm are too narrow for text of {font_pt} pt: it has {:.1} pt; choose a larger `width_mm` or a smaller \
             `font_pt`",
            drawn.font_pt
        ));
    }
    if drawn.height_mm > drawn.tallest_mm {
        lacks.push(format!(
            "the drawing is {:.0} mm high, more than the {:.0} mm of a page; choose a larger `width_mm` or draw less",
            drawn.height_mm, drawn.tallest_mm
        ));
    }
    lacks
}
