//! Drawing of markers.

use crate::colour::Rgb;
use crate::layer::{Marker, MarkerShape};
use crate::svg::{Path, SvgWriter};

/// Width of the white rim, px.
const RIM: f64 = 1.0;

/// Draws a marker at each centre (px). Markers without a rim share one path element, which keeps files small.
pub(super) fn draw(
    writer: &mut SvgWriter,
    centres: &[(f64, f64)],
    marker: Marker,
    colour: Rgb,
    opacity: f64,
) {
    if marker.rim {
        for centre in centres {
            draw_bare(writer, &[*centre], marker, colour, opacity);
        }
    } else if !centres.is_empty() {
        draw_bare(writer, centres, marker, colour, opacity);
    }
}

fn draw_bare(
    writer: &mut SvgWriter,
    centres: &[(f64, f64)],
    marker: Marker,
    colour: Rgb,
    opacity: f64,
) {
    let mut path = Path::default();
    if marker.shape == MarkerShape::Circle {
        centres.iter().for_each(|centre| path.dot(*centre));
        if marker.rim {
            dots(writer, &path, Rgb::WHITE, 2.0 * (marker.radius + RIM), 1.0);
        }
        dots(writer, &path, colour, 2.0 * marker.radius, opacity);
        return;
    }
    for (x, y) in centres {
        for (right, down) in corners(marker.shape) {
            path.add((x + right * marker.radius, y + down * marker.radius));
        }
        path.close();
    }
    let mut tag = writer
        .tag("path")
        .attribute("d", path.data())
        .colour("fill", colour);
    if marker.rim {
        tag = tag
            .colour("stroke", Rgb::WHITE)
            .number("stroke-width", 2.0 * RIM)
            .attribute("paint-order", "stroke");
    }
    if opacity < 1.0 {
        tag = tag.number("fill-opacity", opacity);
    }
    tag.close();
}

fn dots(writer: &mut SvgWriter, path: &Path, colour: Rgb, width: f64, opacity: f64) {
    let mut tag = writer
        .tag("path")
        .attribute("d", path.data())
        .colour("stroke", colour)
        .number("stroke-width", width)
        .attribute("stroke-linecap", "round");
    if opacity < 1.0 {
        tag = tag.number("stroke-opacity", opacity);
    }
    tag.close();
}

/// Corners of a shape of radius 1 around the origin: right and down.
fn corners(shape: MarkerShape) -> &'static [(f64, f64)] {
    match shape {
        MarkerShape::Circle => &[],
        MarkerShape::Square => &[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)],
        MarkerShape::Diamond => &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)],
        MarkerShape::Triangle => &[(0.0, -1.2), (1.15, 0.85), (-1.15, 0.85)],
    }
}
