//! Fitting of texts inside a plot: at data points, and in the cells of a heat map.

use std::borrow::Cow;

use super::Rect;
use super::beside::{Named, places};
use crate::description::Axes;
use crate::error::Result;
use crate::fit::ELLIPSIS;
use crate::layer::{Image, Layer, Texts};
use crate::scale::AxisScale;
use crate::text::{Font, TextStyle};
use crate::theme;

/// Room for a text in a cell, relative to its size: the gap to the next, and the height of a line.
const CELL_GAP: f64 = 0.4;
const CELL_LINE: f64 = 1.1;

/// A text centred at a data point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PointText {
    pub x: f64,
    pub y: f64,
    /// The text, shortened if it would reach beyond the plot.
    pub text: String,
}

/// The texts of a layer that have room in the plot.
///
/// # Errors
/// As [`Font::width`].
pub(crate) fn point_texts(
    font: &Font<'_>,
    texts: &Texts,
    axes: &Axes,
    plot: Rect,
) -> Result<Vec<PointText>> {
    let x_scale = AxisScale::new(&axes.x, plot.x, plot.right());
    let y_scale = AxisScale::new(&axes.y, plot.bottom(), plot.y);
    let room = |middle: f64, start: f64, end: f64| 2.0 * (middle - start).min(end - middle);
    let places: Vec<(f64, f64)> = match texts.beside {
        false => points(texts).collect(),
        true => {
            let scales = (x_scale, y_scale);
            let named = named(font, texts, scales)?;
            let mut others = Vec::new();
            let layers = axes.layers.iter().filter_map(|layer| match layer {
                Layer::Texts(other) => Some(other),
                _ => None,
            });
            for other in layers.clone().filter(|other| !other.beside) {
                others.extend(self::named(font, other, scales)?.iter().map(Named::area));
            }
            let markers = markers(axes, scales);
            // Texts of layers before this one have their places.
            let before = layers.filter(|other| other.beside);
            for other in before.take_while(|other| !std::ptr::eq(*other, texts)) {
                let named = self::named(font, other, scales)?;
                let placed = places(&named, &markers, others.clone(), plot);
                others.extend(
                    named
                        .iter()
                        .zip(placed)
                        .map(|(named, at)| Named { at, ..*named }.area()),
                );
            }
            let places = places(&named, &markers, others, plot).into_iter();
            places
                .map(|(x, y)| (x_scale.value(x), y_scale.value(y)))
                .collect()
        }
    };
    let mut fitting = Vec::new();
    for ((x, y), text) in places.iter().zip(&texts.texts) {
        let across = room(x_scale.px(*x), plot.x, plot.right());
        let upright = room(y_scale.px(*y), plot.y, plot.bottom());
        if upright < theme::DATA_TEXT.line_height() {
            continue;
        }
        let short = font.elide(text, theme::DATA_TEXT, across)?;
        let nothing_left = short != *text && short.chars().eq([ELLIPSIS]);
        if !nothing_left {
            fitting.push(PointText {
                x: *x,
                y: *y,
                text: short,
            });
        }
    }
    Ok(fitting)
}

fn points(texts: &Texts) -> impl Iterator<Item = (f64, f64)> {
    texts.x.iter().copied().zip(texts.y.iter().copied())
}

/// Texts with their points and sizes, px.
fn named(
    font: &Font<'_>,
    texts: &Texts,
    (x_scale, y_scale): (AxisScale, AxisScale),
) -> Result<Vec<Named>> {
    let named = points(texts).zip(&texts.texts).map(|((x, y), text)| {
        Ok(Named {
            at: (x_scale.px(x), y_scale.px(y)),
            width: font.width(text, theme::DATA_TEXT)?,
            height: theme::DATA_TEXT.line_height(),
        })
    });
    named.collect()
}

/// Middles and radii of the markers of all points, px.
fn markers(axes: &Axes, (x_scale, y_scale): (AxisScale, AxisScale)) -> Vec<(f64, f64, f64)> {
    let points = axes.layers.iter().filter_map(|layer| match layer {
        Layer::Points(points) => Some(points),
        _ => None,
    });
    let markers = points.flat_map(|points| {
        let middles = points.x.iter().zip(&points.y);
        middles.map(move |(x, y)| (x_scale.px(*x), y_scale.px(*y), points.marker.radius))
    });
    markers.collect()
}

/// Texts of the cells of a heat map and the style with the largest size at which all have room with a gap to the next. Numbers
/// without enough room lose the zero before their point. `None` if there are no texts or not enough room for these either.
///
/// # Errors
/// As [`Font::width`].
pub(crate) fn cell_texts<'i>(
    font: &Font<'_>,
    image: &'i Image,
    axes: &Axes,
    plot: Rect,
) -> Result<Option<(Cow<'i, [String]>, TextStyle)>> {
    let Some(texts) = &image.cell_texts else {
        return Ok(None);
    };
    let side = |scale: AxisScale, (start, end): (f64, f64), cells: usize| {
        (scale.px(end) - scale.px(start)).abs() / cells as f64
    };
    let x_scale = AxisScale::new(&axes.x, plot.x, plot.right());
    let y_scale = AxisScale::new(&axes.y, plot.bottom(), plot.y);
    let width = side(x_scale, image.x, image.values.columns());
    let height = side(y_scale, image.y, image.values.rows());
    let style = |texts: &[String]| -> Result<Option<TextStyle>> {
        let needed = font.widest(texts.iter().map(String::as_str), TextStyle::regular(1.0))?;
        let size = (height / CELL_LINE).min(width / (needed + CELL_GAP));
        let size = size.min(theme::CELL_TEXT_LARGEST);
        let fits = needed > 0.0 && size >= theme::CELL_TEXT_SMALLEST;
        Ok(fits.then_some(TextStyle::regular(size)))
    };
    if let Some(style) = style(texts)? {
        return Ok(Some((texts.into(), style)));
    }
    let short: Vec<String> = texts.iter().map(|text| without_zeros(text)).collect();
    Ok(style(&short)?.map(|style| (short.into(), style)))
}

/// A number without the zero before its point, and a whole one without the zeros after it: ".84" for 0.84, "1" for 1.00.
fn without_zeros(text: &str) -> String {
    let Some((whole, fraction)) = text.split_once('.') else {
        return text.to_owned();
    };
    if fraction.bytes().all(|digit| digit == b'0') {
        return whole.to_owned();
    }
    match whole.strip_suffix('0') {
        Some(sign) if !sign.ends_with(|before: char| before.is_ascii_digit()) => {
            format!("{sign}.{fraction}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_keep_their_value() {
        for (text, short) in [
            ("0.84", ".84"),
            ("\u{2212}0.30", "\u{2212}.30"),
            ("1.00", "1"),
            ("10.25", "10.25"),
            ("0.00", "0"),
            ("17", "17"),
            ("–", "–"),
        ] {
            assert_eq!(without_zeros(text), short);
        }
    }
}
