//! The bundled font and the measuring of texts in it.
//!
//! The width of a text is the sum of the advances of its glyphs. The renderer also applies kerning, which moves letters by
//! fractions of a px; a test compares the two.

use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::{FontRef, MetadataProvider, charmap::Charmap};

use crate::error::Result;
use crate::markup::{self, Shift};

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
    /// Returns [`FigureError::Font`](crate::FigureError::Font) if the bundled files are broken.
    pub fn bundled() -> Result<Self> {
        Ok(Self {
            regular: Face::new(REGULAR)?,
            medium: Face::new(MEDIUM)?,
        })
    }
}

impl Font<'_> {
    /// Returns whether both weights of the font have a glyph for a character.
    pub(crate) fn has(&self, character: char) -> bool {
        let faces = [&self.regular, &self.medium];
        faces
            .iter()
            .all(|face| face.characters.map(character).is_some())
    }

    /// Width of a text, px. Characters that the font lacks have about the width that they have in other fonts.
    ///
    /// # Errors
    /// Returns [`FigureError::Text`](crate::FigureError::Text) for malformed markup.
    pub fn width(&self, text: &str, style: TextStyle) -> Result<f64> {
        let mut width = 0.0;
        for run in markup::parse(text)? {
            for character in run.text.chars() {
                width += self.advance((character, run.shift), style);
            }
        }
        Ok(width)
    }

    /// Width of a character, px.
    pub(crate) fn advance(&self, (character, shift): (char, Shift), style: TextStyle) -> f64 {
        let face = if style.strong {
            &self.medium
        } else {
            &self.regular
        };
        let size = match shift {
            Shift::Base => style.size,
            Shift::Raised | Shift::Lowered => markup::shifted(style.size),
        };
        let glyph = face.characters.map(character);
        let advance = glyph.and_then(|glyph| face.glyphs.advance_width(glyph));
        match advance {
            Some(advance) => f64::from(advance) / f64::from(UNITS) * size,
            None => usual_width(character) * size,
        }
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
            let advance = self.advance(letter, style);
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

/// About the width of a character in fonts that have it, in units of the em square.
fn usual_width(character: char) -> f64 {
    match character {
        // Marks without width of their own.
        '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{fe00}'..='\u{fe0f}' => 0.0,
        // From Hangul on: scripts of East Asia and pictures.
        '\u{1100}'.. => 1.0,
        _ => 0.6,
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
        assert!((raised - digit * (1.0 + 0.792)).abs() < 1e-3);
        let strong = font.width("0", TextStyle::strong(10.0)).unwrap();
        assert!(strong > digit);
    }

    #[test]
    fn the_font_has_what_labels_need() {
        let font = Font::bundled().unwrap();
        for style in [TextStyle::regular(10.0), TextStyle::strong(10.0)] {
            let text = "−×±²√λσΣαωΔ≤≥≈∞–—…′°%‰½é";
            assert!(font.width(text, style).unwrap() > 100.0);
            let names = "ŁódźŽůŞğıøþßəƏộ ΆΐϋΏ ЖйёЂґўӘҚӨ e\u{301}";
            let lacking: String = names.chars().filter(|letter| !font.has(*letter)).collect();
            assert_eq!(text.chars().find(|letter| !font.has(*letter)), None);
            assert_eq!(lacking, "");
        }
    }

    #[test]
    fn other_characters_have_about_their_usual_width() {
        let font = Font::bundled().unwrap();
        assert!(!font.has('漢') && !font.has('ק'));
        let width = |text: &str| font.width(text, TextStyle::regular(10.0)).unwrap();
        assert_eq!(width("漢字"), 20.0);
        assert_eq!(width("ק\u{200f}"), 6.0);
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
