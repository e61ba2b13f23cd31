//! Every figure of the pipeline `digits` at the widths of journals and in usual and large text: of the stated width, no higher than a page
//! unless large text stands in one column, no text below 5 points, none cut off, and none over another.

use std::fs;

use eigenscope_figure::drawn_texts;
use eigenscope_testing::{TestProject, workspace};
use roxmltree::Document;

/// Widths of a column, a column and a half, and a page, mm.
const WIDTHS: [f64; 3] = [88.0, 120.0, 180.0];
/// Sizes of text, points: that of captions, and that of a poster.
const FONTS: [f64; 2] = [8.0, 12.0];
/// Smallest text, points.
const SMALLEST: f64 = 5.0;
/// Least width and height of a drawing's part that holds data, mm.
const LEAST_PLOT: f64 = 15.0;
/// Greatest height of a page, mm.
const TALLEST: f64 = 240.0;
/// The same of large text in one column, of which the program warns.
const TALLEST_OF_LARGE_TEXT: f64 = 300.0;
/// Distance by which the areas of letters may reach into each other, px: they hold the room for accents.
const TOUCH: f64 = 1.5;
/// Renderers count 96 px an inch.
const PX_PER_MM: f64 = 96.0 / 25.4;

/// Names a folder that keeps the figures, to be looked at.
const KEEP: &str = "EIGENSCOPE_TEST_FIGURES";

/// What is wrong with a drawing that should be so many mm wide.
fn faults(svg: &str, width_mm: f64, tallest: f64) -> Vec<String> {
    let mut faults = Vec::new();
    let document = Document::parse(svg).expect("XML");
    let root = document.root_element();
    let side = |name: &str| -> f64 {
        let side = root
            .attribute(name)
            .and_then(|side| side.strip_suffix("mm"));
        side.and_then(|side| side.parse().ok()).expect("mm")
    };
    let (width, height) = (side("width"), side("height"));
    if (width - width_mm).abs() > 0.01 {
        faults.push(format!("{width} mm wide"));
    }
    if height > tallest {
        faults.push(format!("{height} mm high"));
    }
    let view: Vec<f64> = root
        .attribute("viewBox")
        .expect("a view")
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect();
    let mm_per_px = width / view[2];
    let smallest = document
        .descendants()
        .filter_map(|node| node.attribute("font-size")?.parse::<f64>().ok())
        .fold(f64::INFINITY, f64::min);
    let points = smallest * mm_per_px / 25.4 * 72.0;
    if points < SMALLEST {
        faults.push(format!("text of {points:.2} points"));
    }
    // Lines and bands are clipped to their plots.
    let plots = document
        .descendants()
        .filter(|node| node.has_tag_name("svg") && node.attribute("overflow").is_some());
    for plot in plots {
        let [across, upright] = ["width", "height"].map(|name| {
            let side: f64 = plot.attribute(name).expect("a side").parse().expect("px");
            side * mm_per_px
        });
        if across < LEAST_PLOT || upright < LEAST_PLOT {
            faults.push(format!("a plot of {across:.1} x {upright:.1} mm"));
        }
    }
    let texts = drawn_texts(svg).expect("a drawing");
    let (right, bottom) = (width * PX_PER_MM, height * PX_PER_MM);
    for (text, area) in &texts {
        if area[0] < 0.0 || area[1] < 0.0 || area[2] > right || area[3] > bottom {
            faults.push(format!("\"{text}\" reaches beyond the drawing"));
        }
        // The note of a legend or a grid about what it leaves out says so, and a tick may stand for the middle.
        if text.contains('…') && text != "…" && !text.starts_with("… and ") {
            faults.push(format!("\"{text}\" is cut"));
        }
    }
    for (index, (text, one)) in texts.iter().enumerate() {
        for (other_text, other) in &texts[index + 1..] {
            let across = one[2].min(other[2]) - one[0].max(other[0]);
            let upright = one[3].min(other[3]) - one[1].max(other[1]);
            if across > TOUCH && upright > TOUCH {
                faults.push(format!("\"{text}\" lies over \"{other_text}\""));
            }
        }
    }
    faults
}

#[test]
fn every_figure_of_digits_fits_columns_and_pages() {
    let digits = fs::read_to_string(workspace("pipelines/digits.toml")).expect("readable");
    let project = TestProject::new("");
    let mut failed = Vec::new();
    let styles = FONTS.map(|font| WIDTHS.map(|width| (width, font)));
    for (width, font) in styles.into_iter().flatten() {
        project.write(
            "p.toml",
            format!(
                "{digits}\n[style]\nwidth_mm = {width}\nfont_pt = {font}\npanel_letters = true\n"
            ),
        );
        project
            .call(&["run", "p.toml", "--offline", "figure.*"])
            .expect(0);
        let mut figures: Vec<_> = fs::read_dir(project.path("artifacts/p/figures"))
            .expect("figures")
            .map(|entry| entry.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|end| end == "svg"))
            .collect();
        figures.sort();
        assert!(figures.len() >= 30, "{} figures", figures.len());
        for path in figures {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let svg = fs::read_to_string(&path).expect("a figure");
            let tallest = match (width, font) {
                (88.0, 12.0) => TALLEST_OF_LARGE_TEXT,
                _ => TALLEST,
            };
            let faults = faults(&svg, width, tallest).into_iter();
            failed.extend(faults.map(|fault| format!("{width} mm, {font} pt, {name}: {fault}")));
            if let Some(folder) = std::env::var_os(KEEP) {
                let folder = std::path::Path::new(&folder).join(format!("{width}-{font}"));
                fs::create_dir_all(&folder).expect("a folder");
                for ending in ["svg", "png", "pdf"] {
                    let path = path.with_extension(ending);
                    fs::copy(&path, folder.join(path.file_name().expect("a name"))).expect("kept");
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn faults_are_found() {
    let drawing = |inside: &str| {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="88mm" height="44mm" viewBox="0 0 200 100" font-family="Roboto">{inside}</svg>"#
        )
    };
    let found = |inside: &str| faults(&drawing(inside), 88.0, TALLEST);
    assert!(found(r#"<text x="5" y="20" font-size="9">A</text>"#).is_empty());
    for (inside, fault) in [
        (
            r#"<text x="5" y="20" font-size="3.9">A</text>"#,
            "text of 4.86 points",
        ),
        (
            r#"<text x="190" y="20" font-size="9">wide</text>"#,
            "\"wide\" reaches beyond the drawing",
        ),
        (
            r#"<text x="5" y="20" font-size="9">a…b</text>"#,
            "\"a…b\" is cut",
        ),
        (
            r#"<text x="5" y="20" font-size="9">one</text><text x="8" y="22" font-size="9">two</text>"#,
            "\"one\" lies over \"two\"",
        ),
        (
            r#"<text x="5" y="20" font-size="9">A</text><svg width="20" height="90" overflow="hidden" viewBox="0 0 20 90"/>"#,
            "a plot of 8.8 x 39.6 mm",
        ),
    ] {
        assert_eq!(found(inside), [fault]);
    }
    assert_eq!(faults(&drawing(""), 90.0, TALLEST)[0], "88 mm wide");
}
