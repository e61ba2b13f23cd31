//! What a drawing has to keep to: texts inside, legends beside the plots, a bounded size.

use eigenscope_artifact::{INTERACTIVE, PNG};
use eigenscope_figure::{DrawnText, Interactive, drawn_texts};
use roxmltree::Document;

use crate::drawn::Drawing;

/// Largest sides of a drawing, px, and pixels of a picture.
const WIDEST: f64 = 5000.0;
const HIGHEST: f64 = 7500.0;
const PIXELS: u64 = 32_100_000;
/// Bytes of the interactive form.
const FORM: usize = 40_000_000;

/// Names a folder that keeps the pictures, to be looked at.
const KEEP: &str = "EIGENSCOPE_TEST_FIGURES";

/// Left, top, right and bottom, px.
type Area = [f64; 4];

pub(super) fn check(drawn: &Drawing, what: &str) {
    let svg = drawn.svg();
    let document = Document::parse(&svg).expect("XML");
    let side = |name| -> f64 {
        let side = document.root_element().attribute(name).expect("a side");
        side.parse().expect("a number")
    };
    let (width, height) = (side("width"), side("height"));
    assert!(
        width <= WIDEST && height <= HIGHEST,
        "{what}: {width} x {height}"
    );
    let texts = drawn_texts(&svg).expect("a drawing");
    assert!(!texts.is_empty(), "{what}");
    for (text, area) in &texts {
        let inside =
            area[0] >= 1.0 && area[1] >= 1.0 && area[2] <= width - 1.0 && area[3] <= height - 1.0;
        assert!(
            inside,
            "{what}: \"{text}\" at {area:?} of {width} x {height}"
        );
    }
    legends_are_clear(&document, &texts, what);
    let picture = drawn.bytes(PNG);
    if let Some(folder) = std::env::var_os(KEEP) {
        let name = what.replace(|character: char| !character.is_alphanumeric(), "-");
        let path = std::path::Path::new(&folder).join(format!("{name}.png"));
        std::fs::write(path, &picture).expect("a kept picture");
    }
    let side = |at: usize| {
        let bytes: [u8; 4] = picture[at..at + 4].try_into().expect("four bytes");
        u64::from(u32::from_be_bytes(bytes))
    };
    assert!(
        side(16) * side(20) <= PIXELS,
        "{what}: {} x {}",
        side(16),
        side(20)
    );
    let form = drawn.bytes(INTERACTIVE);
    assert!(form.len() <= FORM, "{what}: {} bytes", form.len());
    let form: Interactive = serde_json::from_slice(&form).expect("the form");
    // A letter such as (a) alone says nothing.
    let are_titled = form.panels.iter().all(|panel| !panel.title.is_empty());
    assert!(
        form.panels.len() < 2 || are_titled,
        "{what}: a panel of several has no title"
    );
}

/// The areas of lines, bands and images: each is cut off at its plot.
fn plots(document: &Document<'_>) -> Vec<Area> {
    let cut = |node: &roxmltree::Node<'_, '_>| {
        node.has_tag_name("svg")
            && node.attribute("viewBox").is_some()
            && node.attribute("overflow").is_some()
    };
    let areas = document.descendants().filter(cut).map(|node| {
        let [x, y, width, height] = ["x", "y", "width", "height"].map(|side| {
            node.attribute(side)
                .and_then(|side| side.parse().ok())
                .unwrap_or(0.0)
        });
        [x + 1.0, y + 1.0, x + width - 1.0, y + height - 1.0]
    });
    areas.collect()
}

fn legends_are_clear(document: &Document<'_>, texts: &[DrawnText], what: &str) {
    let mut entries = Vec::new();
    let legends = document
        .descendants()
        .filter(|node| node.attribute("class") == Some("legend"));
    for legend in legends {
        let labels = legend
            .descendants()
            .filter(|node| node.has_tag_name("text"));
        entries.extend(labels.map(|label| {
            let parts = label.descendants().filter(|node| node.is_text());
            parts.filter_map(|node| node.text()).collect::<String>()
        }));
    }
    // The last texts of a drawing may be those of its legend: the same words elsewhere stand on a plot.
    let plots = plots(document);
    for entry in entries {
        let places = texts.iter().filter(|(text, _)| *text == entry);
        let clear = |area: &Area| {
            let on = |plot: &Area| {
                area[0] < plot[2] && plot[0] < area[2] && area[1] < plot[3] && plot[1] < area[3]
            };
            !plots.iter().any(on)
        };
        let mut places = places.map(|(_, area)| area).peekable();
        assert!(
            places.peek().is_some() && places.any(clear),
            "{what}: {entry} on a plot"
        );
    }
}
