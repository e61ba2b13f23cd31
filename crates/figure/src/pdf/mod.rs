//! Writing of SVG text as a PDF of one page, with the glyphs of the bundled font embedded and texts that can be selected.
//!
//! A px of the drawing is 1/96 of an inch, as in CSS. Of SVG, this writes what figures consist of: paths, texts, embedded PNG
//! pictures, groups and clips, in plain colours. Anything else is an error rather than a page that lacks something.

mod content;
mod fonts;
mod pictures;

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::{Filter, Finish, Pdf, Rect, Ref, TextStr};

use crate::error::{FigureError, Result};
use crate::raster;
use content::Drawing;

/// Points of a px.
const POINTS: f32 = 0.75;

/// Writes SVG text as a PDF, whose document title is `title`.
///
/// The bytes depend on the arguments only: a PDF holds no date and no random identifier, and no system fonts are used.
///
/// # Errors
/// SVG text that cannot be parsed, and a part of it that this module does not write.
pub fn pdf(svg: &str, title: &str) -> Result<Vec<u8>> {
    let tree = raster::parse(svg)?;
    let size = tree.size();
    let mut drawing = Drawing::new(&tree);
    drawing
        .content
        .transform([POINTS, 0.0, 0.0, -POINTS, 0.0, POINTS * size.height()]);
    drawing.group(tree.root())?;

    let mut ids = Ids(1);
    let mut pdf = Pdf::new();
    // Nothing of a later version is used, and older versions of LaTeX warn about those.
    pdf.set_version(1, 4);
    let (catalog, pages, page, content, info) =
        (ids.next(), ids.next(), ids.next(), ids.next(), ids.next());
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    pdf.document_info(info)
        .title(TextStr(title))
        .producer(TextStr("eigenscope"));

    let mut written = pdf.page(page);
    written
        .parent(pages)
        .media_box(Rect::new(
            0.0,
            0.0,
            POINTS * size.width(),
            POINTS * size.height(),
        ))
        .contents(content);
    let mut resources = written.resources();
    let fonts: Vec<Ref> = drawing.fonts.faces().map(|_| ids.next()).collect();
    let mut named = resources.fonts();
    for (face, id) in drawing.fonts.faces().zip(&fonts) {
        named.pair(pdf_writer::Name(face.name().as_bytes()), *id);
    }
    named.finish();
    let pictures: Vec<Ref> = drawing.pictures.iter().map(|_| ids.next()).collect();
    let mut named = resources.x_objects();
    for (index, id) in pictures.iter().enumerate() {
        named.pair(pdf_writer::Name(pictures::name(index).as_bytes()), *id);
    }
    named.finish();
    let opacities: Vec<Ref> = drawing.opacities.iter().map(|_| ids.next()).collect();
    let mut named = resources.ext_g_states();
    for (index, id) in opacities.iter().enumerate() {
        named.pair(
            pdf_writer::Name(content::opacity_name(index).as_bytes()),
            *id,
        );
    }
    named.finish();
    resources.finish();
    written.finish();

    for (opacity, id) in drawing.opacities.iter().zip(opacities) {
        let alpha = f32::from_bits(*opacity);
        pdf.ext_graphics(id)
            .non_stroking_alpha(alpha)
            .stroking_alpha(alpha);
    }
    for (picture, id) in drawing.pictures.iter().zip(pictures) {
        picture.write(&mut pdf, id)?;
    }
    for (face, id) in drawing.fonts.faces().zip(fonts) {
        face.write(&mut pdf, id, || ids.next())?;
    }
    let drawn = compressed(&drawing.content.finish())?;
    pdf.stream(content, &drawn).filter(Filter::FlateDecode);
    Ok(pdf.finish())
}

/// Numbers of the objects of a document.
struct Ids(i32);

impl Ids {
    fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0 - 1)
    }
}

fn compressed(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.map_err(|error| FigureError::pdf(format!("it cannot be compressed: {error}")))
}

#[cfg(test)]
mod tests;
