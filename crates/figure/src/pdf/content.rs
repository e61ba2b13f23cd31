//! The operators that draw the nodes of a tree.

use pdf_writer::types::{LineCapStyle, LineJoinStyle};
use pdf_writer::{Content, Name};
use resvg::tiny_skia::{PathSegment, Transform};
use resvg::usvg::{
    self, Color, Fill, FillRule, Group, Image, ImageKind, LineCap, LineJoin, Node, Paint,
    PaintOrder, Stroke, Text, Tree,
};

use super::fonts::Fonts;
use super::pictures::{self, Picture};
use crate::error::{FigureError, Result};

/// The content of a page, and what it mentions.
pub(super) struct Drawing {
    pub(super) content: Content,
    pub(super) fonts: Fonts,
    pub(super) pictures: Vec<Picture>,
    /// Bits of the opacities below 1.
    pub(super) opacities: Vec<u32>,
}

/// Name of an opacity among the resources of the page.
pub(super) fn opacity_name(index: usize) -> String {
    format!("o{index}")
}

impl Drawing {
    /// An empty page in the fonts of a tree.
    pub(super) fn new(tree: &Tree) -> Self {
        Self {
            content: Content::new(),
            fonts: Fonts::new(tree.fontdb()),
            pictures: Vec::new(),
            opacities: Vec::new(),
        }
    }

    /// Draws the nodes of a group. The coordinates of the current user space are those of the whole drawing.
    pub(super) fn group(&mut self, group: &Group) -> Result<()> {
        let plain = group.opacity().get() == 1.0
            && group.blend_mode() == usvg::BlendMode::Normal
            && group.mask().is_none()
            && group.filters().is_empty();
        if !plain {
            return Err(lacking("a group with an opacity, a mask or a filter"));
        }
        let clip = group.clip_path();
        if let Some(clip) = clip {
            self.content.save_state();
            if clip.clip_path().is_some() {
                return Err(lacking("a clip that is clipped itself"));
            }
            for node in clip.root().children() {
                let Node::Path(path) = node else {
                    return Err(lacking("a clip that is no path"));
                };
                let place = group.abs_transform().pre_concat(clip.transform());
                self.outline(path.data(), place)?;
            }
            self.content.clip_nonzero().end_path();
        }
        for node in group.children() {
            match node {
                Node::Group(group) => self.group(group)?,
                Node::Path(path) => self.path(path)?,
                Node::Image(image) => self.image(image)?,
                Node::Text(text) => self.text(text)?,
            }
        }
        if clip.is_some() {
            self.content.restore_state();
        }
        Ok(())
    }

    fn path(&mut self, path: &usvg::Path) -> Result<()> {
        if !path.is_visible() {
            return Ok(());
        }
        let place = path.abs_transform();
        self.content.save_state().transform(matrix(place));
        let first = path.paint_order() == PaintOrder::StrokeAndFill;
        if let (true, Some(stroke)) = (first, path.stroke()) {
            self.stroke(path.data(), stroke)?;
        }
        if let Some(fill) = path.fill() {
            self.fill(path.data(), fill)?;
        }
        if let (false, Some(stroke)) = (first, path.stroke()) {
            self.stroke(path.data(), stroke)?;
        }
        self.content.restore_state();
        Ok(())
    }

    fn fill(&mut self, path: &resvg::tiny_skia::Path, fill: &Fill) -> Result<()> {
        self.fill_paint(fill)?;
        self.outline(path, Transform::identity())?;
        match fill.rule() {
            FillRule::NonZero => self.content.fill_nonzero(),
            FillRule::EvenOdd => self.content.fill_even_odd(),
        };
        Ok(())
    }

    fn fill_paint(&mut self, fill: &Fill) -> Result<()> {
        let [red, green, blue] = colour(fill.paint())?;
        self.content.set_fill_rgb(red, green, blue);
        self.opacity(fill.opacity().get());
        Ok(())
    }

    fn stroke(&mut self, path: &resvg::tiny_skia::Path, stroke: &Stroke) -> Result<()> {
        let [red, green, blue] = colour(stroke.paint())?;
        self.content
            .set_stroke_rgb(red, green, blue)
            .set_line_width(stroke.width().get())
            .set_miter_limit(stroke.miterlimit().get())
            .set_line_cap(match stroke.linecap() {
                LineCap::Butt => LineCapStyle::ButtCap,
                LineCap::Round => LineCapStyle::RoundCap,
                LineCap::Square => LineCapStyle::ProjectingSquareCap,
            })
            .set_line_join(match stroke.linejoin() {
                LineJoin::Round => LineJoinStyle::RoundJoin,
                LineJoin::Bevel => LineJoinStyle::BevelJoin,
                LineJoin::Miter | LineJoin::MiterClip => LineJoinStyle::MiterJoin,
            })
            .set_dash_pattern(
                stroke.dasharray().unwrap_or_default().iter().copied(),
                stroke.dashoffset(),
            );
        self.opacity(stroke.opacity().get());
        self.outline(path, Transform::identity())?;
        self.content.stroke();
        Ok(())
    }

    /// Sets the opacity of fills and strokes until the state is restored.
    fn opacity(&mut self, opacity: f32) {
        if opacity == 1.0 && self.opacities.is_empty() {
            return;
        }
        let bits = opacity.to_bits();
        let known = self.opacities.iter().position(|known| *known == bits);
        let index = known.unwrap_or_else(|| {
            self.opacities.push(bits);
            self.opacities.len() - 1
        });
        let name = opacity_name(index);
        self.content.set_parameters(Name(name.as_bytes()));
    }

    /// Adds a path to the current one.
    fn outline(&mut self, path: &resvg::tiny_skia::Path, place: Transform) -> Result<()> {
        let path = path.clone().transform(place);
        let path = path.ok_or_else(|| FigureError::pdf("a path has no finite place"))?;
        let mut last = (0.0, 0.0);
        for segment in path.segments() {
            match segment {
                PathSegment::MoveTo(to) => {
                    self.content.move_to(to.x, to.y);
                    last = (to.x, to.y);
                }
                PathSegment::LineTo(to) => {
                    self.content.line_to(to.x, to.y);
                    last = (to.x, to.y);
                }
                PathSegment::QuadTo(by, to) => {
                    // The cubic curve with the same points.
                    let two_thirds = |from: f32, by: f32| from + (by - from) * 2.0 / 3.0;
                    self.content.cubic_to(
                        two_thirds(last.0, by.x),
                        two_thirds(last.1, by.y),
                        two_thirds(to.x, by.x),
                        two_thirds(to.y, by.y),
                        to.x,
                        to.y,
                    );
                    last = (to.x, to.y);
                }
                PathSegment::CubicTo(first, second, to) => {
                    self.content
                        .cubic_to(first.x, first.y, second.x, second.y, to.x, to.y);
                    last = (to.x, to.y);
                }
                PathSegment::Close => {
                    self.content.close_path();
                }
            }
        }
        Ok(())
    }

    fn image(&mut self, image: &Image) -> Result<()> {
        let ImageKind::PNG(bytes) = image.kind() else {
            return Err(lacking("a picture that is no PNG"));
        };
        let size = image.size();
        let known = self.pictures.iter().position(|known| known.is(bytes));
        let index = match known {
            Some(index) => index,
            None => {
                self.pictures.push(Picture::new(bytes)?);
                self.pictures.len() - 1
            }
        };
        // A picture fills the unit square, which stands upright.
        let place = image
            .abs_transform()
            .pre_concat(Transform::from_translate(0.0, size.height()))
            .pre_concat(Transform::from_scale(size.width(), -size.height()));
        let name = pictures::name(index);
        self.content
            .save_state()
            .transform(matrix(place))
            .x_object(Name(name.as_bytes()))
            .restore_state();
        Ok(())
    }

    /// Draws a text as glyphs. A rim around letters is drawn as outlines first, such that a text is there once.
    fn text(&mut self, text: &Text) -> Result<()> {
        if text.layouted().iter().any(|span| span.stroke.is_some()) {
            self.rim(text.flattened())?;
        }
        let place = text.abs_transform();
        for span in text.layouted() {
            let Some(fill) = span.fill.as_ref().filter(|_| span.visible) else {
                continue;
            };
            self.content.save_state();
            self.fill_paint(fill)?;
            self.content.transform(matrix(place)).begin_text();
            self.fonts
                .show(&mut self.content, &span.positioned_glyphs)?;
            self.content.end_text().restore_state();
        }
        Ok(())
    }

    fn rim(&mut self, group: &Group) -> Result<()> {
        for node in group.children() {
            match node {
                Node::Group(group) => self.rim(group)?,
                Node::Path(path) => {
                    if let Some(stroke) = path.stroke() {
                        let place = path.abs_transform();
                        self.content.save_state().transform(matrix(place));
                        self.stroke(path.data(), stroke)?;
                        self.content.restore_state();
                    }
                }
                Node::Image(_) | Node::Text(_) => {}
            }
        }
        Ok(())
    }
}

fn matrix(place: Transform) -> [f32; 6] {
    [place.sx, place.ky, place.kx, place.sy, place.tx, place.ty]
}

fn colour(paint: &Paint) -> Result<[f32; 3]> {
    match paint {
        Paint::Color(Color { red, green, blue }) => {
            Ok([*red, *green, *blue].map(|part| f32::from(part) / 255.0))
        }
        _ => Err(lacking("a gradient or a pattern")),
    }
}

fn lacking(what: &str) -> FigureError {
    FigureError::pdf(format!("{what} is not written"))
}
