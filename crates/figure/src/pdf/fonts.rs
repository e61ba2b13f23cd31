//! The glyphs of the bundled font that a page shows, and their embedding.

use std::collections::BTreeMap;
use std::sync::Arc;

use pdf_writer::types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str};
use resvg::tiny_skia::Transform;
use resvg::usvg::fontdb::{Database, ID, Weight};
use resvg::usvg::layout::PositionedGlyph;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::Metrics;
use skrifa::{FontRef, GlyphId, MetadataProvider};
use subsetter::GlyphRemapper;

use super::compressed;
use crate::error::{FigureError, Result};
use crate::text::{MEDIUM, REGULAR};

/// Units of the em square in which PDF measures glyphs.
const UNITS: f32 = 1000.0;
/// Smallest distance from a line of text, px, at which a glyph is no part of it.
const OFF_THE_LINE: f32 = 0.01;

const SYSTEM: SystemInfo<'_> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// The weights of the font that a page uses.
pub(super) struct Fonts {
    /// Both weights, as the renderer knows them.
    database: Arc<Database>,
    faces: Vec<Face>,
}

/// A weight, and the glyphs of it that are used.
pub(super) struct Face {
    /// Name among the resources of the page.
    name: &'static str,
    family: &'static str,
    /// Thickness of the stems of letters, thousandths of the em square.
    stems: f32,
    bytes: &'static [u8],
    font: FontRef<'static>,
    glyphs: GlyphRemapper,
    /// The text that each glyph of the subset stands for.
    texts: BTreeMap<u16, String>,
}

/// A glyph as it is shown.
struct Shown {
    face: usize,
    /// Its number in the subset.
    id: u16,
    /// Advance, px.
    advance: f32,
    size: f32,
    /// From text space, in px, to the drawing.
    place: Transform,
}

impl Fonts {
    /// No glyphs yet, of the fonts of a tree.
    pub(super) fn new(database: &Arc<Database>) -> Self {
        Self {
            database: Arc::clone(database),
            faces: Vec::new(),
        }
    }

    /// The weights that are used.
    pub(super) fn faces(&self) -> impl Iterator<Item = &Face> {
        self.faces.iter()
    }

    /// Shows glyphs inside a text object. Neighbours on a line become one string.
    pub(super) fn show(&mut self, content: &mut Content, glyphs: &[PositionedGlyph]) -> Result<()> {
        let glyphs: Vec<Shown> = glyphs
            .iter()
            .map(|glyph| self.shown(glyph))
            .collect::<Result<_>>()?;
        let runs = glyphs.chunk_by(|one, next| one.distance(next).is_some());
        for run in runs {
            let Some(first) = run.first() else { continue };
            let Transform {
                sx,
                kx,
                ky,
                sy,
                tx,
                ty,
            } = first.place;
            content
                .set_font(Name(self.faces[first.face].name.as_bytes()), first.size)
                .set_text_matrix([sx, ky, kx, sy, tx, ty]);
            let mut shown = content.show_positioned();
            let mut items = shown.items();
            let mut text = Vec::new();
            for (index, glyph) in run.iter().enumerate() {
                text.extend(glyph.id.to_be_bytes());
                let next = run.get(index + 1);
                let moved = next.and_then(|next| glyph.distance(next)).unwrap_or(0.0);
                let moved = (UNITS * moved / glyph.size).round();
                if moved != 0.0 || next.is_none() {
                    items.show(Str(&text));
                    text.clear();
                }
                if moved != 0.0 {
                    items.adjust(-moved);
                }
            }
        }
        Ok(())
    }

    fn shown(&mut self, glyph: &PositionedGlyph) -> Result<Shown> {
        let place = glyph.outline_transform();
        let face = self.face(glyph.font)?;
        let held = &mut self.faces[face];
        let old = u16::try_from(glyph.id.0)
            .map_err(|_| FigureError::pdf("the font has too many glyphs"))?;
        let id = held.glyphs.remap(old);
        held.texts.entry(id).or_insert_with(|| glyph.text.clone());
        let size = glyph.font_size();
        let units = f32::from(held.metrics().units_per_em);
        Ok(Shown {
            face,
            id,
            advance: held.advance(old) * size / UNITS,
            size,
            place: place.pre_scale(units / size, units / size),
        })
    }

    /// Position of a font among the weights that are used.
    fn face(&mut self, id: ID) -> Result<usize> {
        let weight = self.database.face(id).map(|face| face.weight);
        let (name, family, stems, bytes) = match weight {
            Some(Weight::NORMAL) => ("regular", "Roboto-Regular", 80.0, REGULAR),
            Some(Weight::MEDIUM) => ("medium", "Roboto-Medium", 100.0, MEDIUM),
            _ => return Err(FigureError::pdf("a text is in another font")),
        };
        if let Some(known) = self.faces.iter().position(|face| face.name == name) {
            return Ok(known);
        }
        self.faces.push(Face {
            name,
            family,
            stems,
            bytes,
            font: FontRef::new(bytes)?,
            glyphs: GlyphRemapper::new(),
            texts: BTreeMap::new(),
        });
        Ok(self.faces.len() - 1)
    }
}

impl Shown {
    /// Distance by which the next glyph is beyond the end of this one, px; `None` if it is not on the same line in the same
    /// size and weight.
    fn distance(&self, next: &Self) -> Option<f32> {
        let (one, other) = (self.place, next.place);
        let same = self.face == next.face
            && self.size == next.size
            && (one.sx, one.kx, one.ky, one.sy) == (other.sx, other.kx, other.ky, other.sy);
        let (right, down) = (other.tx - one.tx, other.ty - one.ty);
        let stretch = one.sx * one.sx + one.ky * one.ky;
        let along = (right * one.sx + down * one.ky) / stretch;
        let beside = (down * one.sx - right * one.ky) / stretch;
        (same && beside.abs() < OFF_THE_LINE).then_some(along - self.advance)
    }
}

impl Face {
    /// Name among the resources of the page.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    fn metrics(&self) -> Metrics {
        self.font.metrics(Size::new(UNITS), LocationRef::default())
    }

    /// Advance of a glyph, thousandths of the em square.
    fn advance(&self, glyph: u16) -> f32 {
        let metrics = self
            .font
            .glyph_metrics(Size::new(UNITS), LocationRef::default());
        metrics
            .advance_width(GlyphId::from(glyph))
            .unwrap_or_default()
    }

    /// Writes the font as object `id`, and its parts as objects that `next` numbers.
    pub(super) fn write(
        &self,
        pdf: &mut Pdf,
        id: Ref,
        mut next: impl FnMut() -> Ref,
    ) -> Result<()> {
        let (described, letters, unicode, file) = (next(), next(), next(), next());
        let name = format!("{}+{}", self.tag(), self.family);
        let name = Name(name.as_bytes());
        pdf.type0_font(id)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(letters)
            .to_unicode(unicode);

        let mut font = pdf.cid_font(letters);
        font.subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(SYSTEM)
            .font_descriptor(described)
            .default_width(0.0)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let widths = self.glyphs.remapped_gids().map(|glyph| self.advance(glyph));
        font.widths().consecutive(0, widths);
        font.finish();

        let metrics = self.metrics();
        let bounds = metrics.bounds.unwrap_or_default();
        pdf.font_descriptor(described)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(
                bounds.x_min,
                bounds.y_min,
                bounds.x_max,
                bounds.y_max,
            ))
            .italic_angle(0.0)
            .ascent(metrics.ascent)
            .descent(metrics.descent)
            .cap_height(metrics.cap_height.unwrap_or(metrics.ascent))
            .stem_v(self.stems)
            .font_file2(file);

        let mut map = UnicodeCmap::new(Name(b"Custom"), SYSTEM);
        for (glyph, text) in &self.texts {
            if !text.is_empty() {
                map.pair_with_multiple(*glyph, text.chars());
            }
        }
        pdf.cmap(unicode, &map.finish());

        let subset = subsetter::subset(self.bytes, 0, &self.glyphs);
        let subset = subset.map_err(|error| FigureError::pdf(format!("the font: {error}")))?;
        let length =
            i32::try_from(subset.len()).map_err(|_| FigureError::pdf("the font is too large"))?;
        let subset = compressed(&subset)?;
        pdf.stream(file, &subset)
            .filter(Filter::FlateDecode)
            .pair(Name(b"Length1"), length);
        Ok(())
    }

    /// Six capitals that tell subsets apart, as PDF asks for: a digest (FNV-1a) of the glyphs.
    fn tag(&self) -> String {
        let glyphs = self.glyphs.remapped_gids().flat_map(u16::to_be_bytes);
        let mut digest = glyphs.fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let letters = std::iter::repeat_with(|| {
            let letter = b'A' + (digest % 26) as u8;
            digest /= 26;
            char::from(letter)
        });
        letters.take(6).collect()
    }
}
