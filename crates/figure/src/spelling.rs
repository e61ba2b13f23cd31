//! Words with letters that the bundled font lacks, such as names of classes in Chinese, and what still pictures draw instead.
//!
//! A word is written in Latin letters: "猫" is drawn as "Mao". Where two words of a figure would read the same, or nothing would be
//! left, the numbers of the letters in Unicode are drawn: "\u{732b}". The interactive form keeps all words, as browsers have more
//! fonts.

use std::collections::{BTreeMap, BTreeSet};

use any_ascii::any_ascii;

use crate::description::Figure;
use crate::error::Result;
use crate::markup;
use crate::text::Font;

/// A word that still pictures cannot show, and what they show instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The word as the figure has it.
    pub word: String,
    /// Its letters as the bundled font can draw them.
    pub drawn: String,
}

/// The words of a figure that [`svg()`](crate::svg()) writes with other letters, sorted.
///
/// # Errors
/// The bundled font cannot be read.
pub fn spellings(figure: &Figure) -> Result<Vec<Spelling>> {
    let words = words(&mut figure.clone(), &Font::bundled()?);
    let words = words.into_iter();
    Ok(words
        .map(|(word, drawn)| Spelling { word, drawn })
        .collect())
}

/// The same figure with names that look like unfinished [markup] as ordinary texts.
pub(crate) fn literal(figure: &Figure) -> Figure {
    let mut figure = figure.clone();
    figure.for_each_text(&mut |text| *text = markup::of_name(text));
    figure
}

/// The figure of [`literal`] with texts that the bundled font can draw.
pub(crate) fn drawable(figure: &Figure, font: &Font<'_>) -> Figure {
    let mut figure = literal(figure);
    let words = words(&mut figure, font);
    if !words.is_empty() {
        figure.for_each_text(&mut |text| {
            let pieces = pieces(text, font).into_iter();
            let drawn = pieces.map(|(piece, _)| words.get(piece).map_or(piece, String::as_str));
            let drawn: String = drawn.collect();
            *text = drawn;
        });
    }
    figure
}

/// The words that the font cannot draw, each with what is drawn instead.
fn words(figure: &mut Figure, font: &Font<'_>) -> BTreeMap<String, String> {
    let (mut missing, mut drawn) = (BTreeSet::new(), BTreeSet::new());
    figure.for_each_text(&mut |text| {
        for (piece, is_missing) in pieces(text, font) {
            if is_missing {
                missing.insert(piece.to_owned());
            } else {
                let words = piece.split(|letter: char| !letter.is_alphanumeric());
                drawn.extend(words.map(str::to_owned));
            }
        }
    });
    let mut readings: BTreeMap<String, usize> = BTreeMap::new();
    for word in &missing {
        *readings.entry(latin(word)).or_default() += 1;
    }
    let spelled = |word: String| {
        let latin = latin(&word);
        let is_clear =
            !latin.is_empty() && readings[&latin] == 1 && !drawn.contains(latin.as_str());
        let drawn = match is_clear {
            true => latin,
            false => word.escape_default().to_string(),
        };
        (word, drawn)
    };
    missing.into_iter().map(spelled).collect()
}

/// A word in Latin letters; empty if it has none.
fn latin(word: &str) -> String {
    let latin = any_ascii(word);
    match latin.chars().any(|letter| letter.is_ascii_control()) {
        true => String::new(),
        // Nothing that would be markup.
        false => latin.trim().replace(['{', '}'], "|"),
    }
}

/// A text in pieces that the font can draw, and in words (`true`) that it cannot.
fn pieces<'t>(text: &'t str, font: &Font<'_>) -> Vec<(&'t str, bool)> {
    let mut pieces = Vec::new();
    let (mut start, mut missing) = (0, false);
    for (at, letter) in text.char_indices() {
        let lacks = letter != markup::JOINER && !font.has(letter);
        if lacks != missing {
            if start < at {
                pieces.push((&text[start..at], missing));
            }
            (start, missing) = (at, lacks);
        }
    }
    if start < text.len() {
        pieces.push((&text[start..], missing));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ColourMap, ColourScale, GridCell, ImageGrid, Matrix, Panel, interactive, png, svg,
    };

    /// A grid of images with these captions.
    fn captioned(captions: &[&str]) -> Figure {
        let image = || Matrix::new(1, 1, vec![1.0]).unwrap();
        let cells = captions.iter().map(|text| GridCell::new(*text, image()));
        let grey = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
        let grid = ImageGrid::wrapped(cells.collect(), 20, grey);
        Figure::new("Names", "Names.", 900.0, 1, vec![Panel::images("", grid)])
    }

    fn drawn(captions: &[&str]) -> Vec<String> {
        let font = Font::bundled().unwrap();
        let mut drawn = Vec::new();
        drawable(&captioned(captions), &font).for_each_text(&mut |text| drawn.push(text.clone()));
        drawn.retain(|text| !text.is_empty() && text != "Names");
        drawn
    }

    #[test]
    fn words_of_other_scripts_are_written_in_latin_letters() {
        let names = [
            "Łódź кот γάτα ộ",
            "猫",
            "ねこ",
            "고양이",
            "קאט",
            "قطة",
            "🐱 2",
        ];
        assert_eq!(
            drawn(&names),
            [
                "Łódź кот γάτα ộ",
                "Mao",
                "neko",
                "GoYangI",
                "k\'t",
                "qth",
                ":cat: 2"
            ]
        );
    }

    #[test]
    fn different_words_stay_different() {
        // Two that are read alike, one that is read like a word of the figure, and one without any letter.
        assert_eq!(
            drawn(&["predicted 他, is 她", "猫", "Mao", "\u{200b}", "犬"]),
            [
                "predicted \\u{4ed6}, is \\u{5979}",
                "\\u{732b}",
                "Mao",
                "\\u{200b}",
                "Quan"
            ]
        );
        assert_eq!(drawn(&["a\nb", "a\u{1}"]), ["a\\nb", "a\\u{1}"]);
    }

    #[test]
    fn words_and_what_is_drawn_are_listed() {
        let listed = spellings(&captioned(&["狗", "猫", "cat", "猫"])).unwrap();
        let listed: Vec<(&str, &str)> = listed
            .iter()
            .map(|spelling| (spelling.word.as_str(), spelling.drawn.as_str()))
            .collect();
        assert_eq!(listed, [("狗", "Gou"), ("猫", "Mao")]);
        assert!(spellings(&captioned(&["кот"])).unwrap().is_empty());
    }

    #[test]
    fn the_interactive_form_keeps_the_words() {
        let figure = captioned(&["猫", "x^{2", "y_{3"]);
        let drawing = svg(&figure).unwrap();
        assert!(drawing.contains(">Mao<") && !drawing.contains('猫'));
        assert!(drawing.contains(">x^{2<") && drawing.contains(">y_{3<"));
        assert!(png(&drawing, 1.0).is_ok());
        let form = serde_json::to_string(&interactive(&figure).unwrap().data).unwrap();
        assert!(form.contains('猫') && form.contains("x^{2"));
    }
}
