//! Pages read back: their size, their texts, what they embed.

use super::*;
use crate::svg;
use crate::tests::samples;

/// The streams of a document, decompressed, as text.
fn streams(pdf: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = pdf;
    while let Some(start) = position(rest, b"stream\n") {
        let end = position(rest, b"\nendstream").unwrap();
        let mut bytes = Vec::new();
        let mut decoder = flate2::read::ZlibDecoder::new(&rest[start + 7..end]);
        match std::io::Read::read_to_end(&mut decoder, &mut bytes) {
            Ok(_) => found.push(String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => found.push(String::from_utf8_lossy(&rest[start + 7..end]).into_owned()),
        }
        rest = &rest[end + 10..];
    }
    found
}

fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}

/// Whether a document holds these bytes.
fn holds(pdf: &[u8], bytes: &str) -> bool {
    position(pdf, bytes.as_bytes()).is_some()
}

#[test]
fn every_figure_can_be_written_again_to_the_same_bytes() {
    for figure in samples::all() {
        let drawing = svg(&figure).unwrap();
        let written = pdf(&drawing, &figure.title).unwrap();
        assert!(written.starts_with(b"%PDF-1."));
        assert_eq!(pdf(&drawing, &figure.title).unwrap(), written);
        assert!(!holds(&written, "CreationDate") && !holds(&written, "/ID"));
    }
}

#[test]
fn a_page_has_the_size_of_the_drawing_in_points() {
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" width="88mm" height="44mm" viewBox="0 0 200 100"/>"#;
    let written = pdf(drawing, "a").unwrap();
    let page = String::from_utf8_lossy(&written);
    let (_, sides) = page.split_once("/MediaBox [").unwrap();
    let sides: Vec<f64> = sides
        .split(']')
        .next()
        .unwrap()
        .split(' ')
        .map(|side| side.parse().unwrap())
        .collect();
    let points = |mm: f64| mm / 25.4 * 72.0;
    assert!((sides[2] - points(88.0)).abs() < 1e-3, "{sides:?}");
    assert!((sides[3] - points(44.0)).abs() < 1e-3, "{sides:?}");
}

#[test]
fn fonts_are_embedded_and_their_glyphs_stand_for_letters() {
    let drawing = r#"<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40" font-family="Roboto">
        <text x="4" y="12" font-size="10">Aλ</text><text x="4" y="30" font-size="10" font-weight="500">Zb</text></svg>"#;
    let written = pdf(drawing, "a").unwrap();
    for name in [
        "+Roboto-Regular",
        "+Roboto-Medium",
        "/FontFile2",
        "/ToUnicode",
    ] {
        assert!(holds(&written, name), "{name}");
    }
    let maps: Vec<String> = streams(&written)
        .into_iter()
        .filter(|stream| stream.contains("beginbfchar"))
        .collect();
    assert_eq!(maps.len(), 2);
    assert!(maps[0].contains("<0041>") && maps[0].contains("<03BB>"));
    assert!(maps[1].contains("<005A>") && maps[1].contains("<0062>"));
    // A few of some thousand glyphs.
    assert!(written.len() < 16_000, "{}", written.len());
}

#[test]
fn letters_with_a_rim_are_shown_once() {
    let drawing = r##"<svg xmlns="http://www.w3.org/2000/svg" width="90" height="40" font-family="Roboto">
        <text x="4" y="12" font-size="10" fill="#222222" stroke="#ffffff" stroke-width="3" paint-order="stroke">ab</text></svg>"##;
    let written = pdf(drawing, "a").unwrap();
    let content = streams(&written)
        .into_iter()
        .find(|stream| stream.contains("BT"))
        .unwrap();
    assert_eq!(content.matches("TJ").count(), 1);
    // Outlines of the letters, below them.
    assert!(content.find(" c\n").unwrap() < content.find("BT").unwrap());
}

#[test]
fn what_is_not_written_is_an_error() {
    let drawing = |inside: &str| {
        format!(r#"<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">{inside}</svg>"#)
    };
    let gradient = drawing(
        r##"<linearGradient id="g"><stop offset="0" stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>
        <rect width="9" height="9" fill="url(#g)"/>"##,
    );
    let faint =
        drawing(r#"<g opacity="0.5"><rect width="9" height="9"/><rect width="5" height="5"/></g>"#);
    for (drawing, found) in [(gradient, "a gradient"), (faint, "an opacity")] {
        let error = pdf(&drawing, "a").unwrap_err().to_string();
        assert!(error.contains(found), "{error}");
    }
}
