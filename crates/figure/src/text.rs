//! The bundled font and the measuring of texts in it.
//!
//! The width of a text is the sum of the advances of its glyphs. The renderer also applies kerning, which moves letters by
//! fractions of a px; a test compares the two.

use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider, charmap::Charmap};

use crate::error::{FigureError, Result};
use crate::markup::{self, SHIFTED_SIZE, Shift};

/// A subset of Roboto Regular; see `assets/README.md`.
pub const REGULAR: &[u8] = include_bytes!("../assets/Roboto-Regular.ttf");
/// A subset of Roboto Medium; see `assets/README.md`.
pub const MEDIUM: &[u8] = include_bytes!("../assets/Roboto-Medium.ttf");
/// Family name of the font.
pub const FAMILY: &str = "Roboto";

/// Size and weight of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextStyle {
    /// Height of the em square, px.
    pub size: f64,
    /// Medium weight instead of regular.
    pub strong: bool,
}

impl TextStyle {
    /// Regular weight at `size` px.
    pub const fn regular(size: f64) -> Self {
        Self {
            size,
            strong: false,
        }
    }

    /// Medium weight at `size` px.
    pub const fn strong(size: f64) -> Self {
        Self { size, strong: true }
    }

    /// Distance of baselines, px.
    pub fn line_height(self) -> f64 {
        1.25 * self.size
    }

    /// Distance from the middle of a digit down to its baseline, px: half of the height of capitals.
    pub fn middle_drop(self) -> f64 {
        0.355 * self.size
    }

    /// Height of digits and capitals above the baseline, px.
    pub fn ascent(self) -> f64 {
        0.75 * self.size
    }
}

/// The bundled font.
pub struct Font<'a> {
    regular: Face<'a>,
    medium: Face<'a>,
}

struct Face<'a> {
    characters: Charmap<'a>,
    /// Measured in thousandths of the em square.
    glyphs: GlyphMetrics<'a>,
}

const UNITS: f32 = 1000.0;

impl Face<'static> {
    fn new(bytes: &'static [u8]) -> Result<Self> {
        let font = FontRef::new(bytes)?;
        Ok(Self {
            characters: font.charmap(),
            glyphs: font.glyph_metrics(Size::new(UNITS), LocationRef::default()),
        })
    }
}

impl Font<'static> {
    /// Opens the bundled files, which takes microseconds.
    ///
    /// # Errors
    /// Returns [`FigureError::Font`] if the bundled files are broken.
    pub fn bundled() -> Result<Self> {
        Ok(Self {
            regular: Face::new(REGULAR)?,
            medium: Face::new(MEDIUM)?,
        })
    }
}

impl Font<'_> {
    /// Width of a text, px.
    ///
    /// # Errors
    /// Returns [`FigureError::Text`] for malformed markup and for a character that the font lacks.
    pub fn width(&self, text: &str, style: TextStyle) -> Result<f64> {
        let mut width = 0.0;
        for run in markup::parse(text)? {
            for character in run.text.chars() {
                let advance = self.advance((character, run.shift), style);
                width += advance.ok_or_else(|| {
                    let reason = format!("holds '{character}', which the bundled font cannot draw");
                    FigureError::text(text, reason)
                })?;
            }
        }
        Ok(width)
    }

    /// Width of a character, px; `None` if the font lacks it.
    pub(crate) fn advance(
        &self,
        (character, shift): (char, Shift),
        style: TextStyle,
    ) -> Option<f64> {
        let face = if style.strong {
            &self.medium
        } else {
            &self.regular
        };
        let size = match shift {
            Shift::Base => style.size,
            Shift::Raised | Shift::Lowered => style.size * SHIFTED_SIZE,
        };
        let glyph = face.characters.map(character)?;
        let advance = face.glyphs.advance_width(glyph)?;
        Some(f64::from(advance) / f64::from(UNITS) * size)
    }

    /// Width of the widest of several texts, px; 0 for none.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn widest<'t>(
        &self,
        texts: impl IntoIterator<Item = &'t str>,
        style: TextStyle,
    ) -> Result<f64> {
        texts.into_iter().try_fold(0.0, |widest: f64, text| {
            Ok(widest.max(self.width(text, style)?))
        })
    }

    /// Breaks a text into lines of at most `room` px, at blanks and within words that are longer than a line.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn wrap(&self, text: &str, style: TextStyle, room: f64) -> Result<Vec<String>> {
        let mut lines: Vec<String> = Vec::new();
        for word in markup::words(text) {
            let longer = match lines.last() {
                Some(line) => format!("{line} {word}"),
                None => word.to_owned(),
            };
            match lines.last_mut() {
                Some(line) if self.width(&longer, style)? <= room => *line = longer,
                _ => lines.extend(self.pieces(word, style, room)?),
            }
        }
        Ok(lines)
    }

    /// Breaks a word into pieces of at least one character and otherwise at most `room` px.
    fn pieces(&self, word: &str, style: TextStyle, room: f64) -> Result<Vec<String>> {
        if self.width(word, style)? <= room {
            return Ok(vec![word.to_owned()]);
        }
        let mut pieces: Vec<Vec<(char, Shift)>> = Vec::new();
        let mut left = 0.0;
        for letter in markup::letters(word)? {
            let advance = self.advance(letter, style).unwrap_or(0.0);
            left -= advance;
            match pieces.last_mut() {
                Some(piece) if left >= 0.0 => piece.push(letter),
                _ => {
                    pieces.push(vec![letter]);
                    left = room - advance;
                }
            }
        }
        Ok(pieces.iter().map(|piece| markup::written(piece)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_follow_the_font() {
        let font = Font::bundled().unwrap();
        let style = TextStyle::regular(10.0);
        // Roboto's digits are 1151 of 2048 units wide.
        let digit = 10.0 * 1151.0 / 2048.0;
        assert!((font.width("0123", style).unwrap() - 4.0 * digit).abs() < 1e-3);
        let raised = font.width("1^{0}", style).unwrap();
        assert!((raised - digit * (1.0 + SHIFTED_SIZE)).abs() < 1e-3);
        let strong = font.width("0", TextStyle::strong(10.0)).unwrap();
        assert!(strong > digit);
    }

    #[test]
    fn the_font_has_what_labels_need() {
        let font = Font::bundled().unwrap();
        for style in [TextStyle::regular(10.0), TextStyle::strong(10.0)] {
            let text = "−×±²√λσΣαωΔ≤≥≈∞–—…′°%‰½é";
            assert!(font.width(text, style).unwrap() > 100.0);
        }
    }

    #[test]
    fn an_unknown_character_is_named() {
        let font = Font::bundled().unwrap();
        let error = font.width("a漢", TextStyle::regular(10.0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the text \"a漢\" holds '漢', which the bundled font cannot draw"
        );
    }

    #[test]
    fn wrapped_lines_fit() {
        let font = Font::bundled().unwrap();
        let style = TextStyle::regular(10.0);
        let text = "mean squared cosine similarity of eigenvectors";
        let lines = font.wrap(text, style, 90.0).unwrap();
        assert!(lines.len() > 2);
        assert_eq!(lines.join(" "), text);
        for line in &lines {
            assert!(font.width(line, style).unwrap() <= 90.0);
        }
        assert!(font.wrap("", style, 90.0).unwrap().is_empty());
    }

    #[test]
    fn a_word_without_room_is_broken() {
        let font = Font::bundled().unwrap();
        let style = TextStyle::regular(10.0);
        let word = "blocks_of_names_without_blanks";
        let lines = font.wrap(&format!("a {word} b"), style, 60.0).unwrap();
        assert!(lines.len() > 2);
        assert_eq!(lines.concat().replace(' ', ""), format!("a{word}b"));
        for line in &lines {
            assert!(font.width(line, style).unwrap() <= 60.0);
        }
        let raised = "10^{2}_without_any_blank^{here}";
        let lines = font.wrap(raised, style, 60.0).unwrap();
        assert!(lines.len() > 1 && lines[0].starts_with("10^{2}"));
        for line in &lines {
            assert!(font.width(line, style).unwrap() <= 60.0);
        }
        assert_eq!(font.wrap("ab", style, 1.0).unwrap(), ["a", "b"]);
    }
}
