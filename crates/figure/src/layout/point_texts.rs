//! Fitting of texts inside a plot: at data points, and in the cells of a heat map.

use super::Rect;
use super::beside::{Named, places};
use crate::description::Axes;
use crate::error::Result;
use crate::fit::ELLIPSIS;
use crate::layer::{Image, Layer, Texts};
use crate::scale::AxisScale;
use crate::text::{Font, TextStyle};
use crate::theme;

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
            for layer in &axes.layers {
                if let Layer::Texts(other) = layer
                    && !other.beside
                {
                    others.extend(self::named(font, other, scales)?.iter().map(Named::area));
                }
            }
            let places = places(&named, &markers(axes, scales), others, plot).into_iter();
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

/// Style with the largest size at which all cells of a heat map have room for their texts; `None` if there are no texts or
/// not enough room.
///
/// # Errors
/// As [`Font::width`].
pub(crate) fn cell_style(
    font: &Font<'_>,
    image: &Image,
    axes: &Axes,
    plot: Rect,
) -> Result<Option<TextStyle>> {
    let Some(texts) = &image.cell_texts else {
        return Ok(None);
    };
    let side = |scale: AxisScale, (start, end): (f64, f64), cells: usize| {
        0.92 * (scale.px(end) - scale.px(start)).abs() / cells as f64
    };
    let x_scale = AxisScale::new(&axes.x, plot.x, plot.right());
    let y_scale = AxisScale::new(&axes.y, plot.bottom(), plot.y);
    let width = side(x_scale, image.x, image.values.columns());
    let height = side(y_scale, image.y, image.values.rows());
    let texts = texts.iter().map(String::as_str);
    let needed = font.widest(texts, TextStyle::regular(1.0))?;
    let size = theme::CELL_TEXT_LARGEST.min(height).min(width / needed);
    Ok((needed > 0.0 && size >= theme::CELL_TEXT_SMALLEST).then_some(TextStyle::regular(size)))
}
