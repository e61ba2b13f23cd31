//! Every text of a description is drawn, inside the drawing, clear of all other texts and of the plots.

use resvg::usvg::Node;
use roxmltree::Document;

use super::samples;
use crate::layout::layout;
use crate::raster::parse;
use crate::text::{Font, TextStyle};
use crate::*;

pub(super) fn texts_of(figure: &Figure) -> Vec<DrawnText> {
    drawn_texts(&svg(figure).unwrap()).unwrap()
}

pub(super) fn overlap(one: &[f64; 4], other: &[f64; 4]) -> bool {
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}

/// All texts below an element, one string a `text` element.
fn texts(node: roxmltree::Node<'_, '_>) -> Vec<String> {
    node.descendants()
        .filter(|node| node.has_tag_name("text"))
        .map(|text| {
            let parts = text.descendants().filter(|node| node.is_text());
            parts.filter_map(|node| node.text()).collect()
        })
        .collect()
}

fn without_markup(text: &str) -> String {
    let runs = markup::parse(text).unwrap();
    runs.into_iter().map(|run| run.text).collect()
}

fn group<'a, 'i>(node: roxmltree::Node<'a, 'i>, class: &str) -> roxmltree::Node<'a, 'i> {
    node.descendants()
        .find(|node| node.attribute("class") == Some(class))
        .unwrap()
}

#[test]
fn every_panel_has_all_labels_of_its_axes() {
    for figure in samples::all() {
        let drawing = svg(&figure).unwrap();
        let document = Document::parse(&drawing).unwrap();
        let panels: Vec<_> = document
            .descendants()
            .filter(|node| node.attribute("class") == Some("panel"))
            .collect();
        assert_eq!(panels.len(), figure.panels.len());
        for (panel, node) in figure.panels.iter().zip(panels) {
            assert!(texts(node).contains(&panel.title));
            let Content::Axes(axes) = &panel.content else {
                continue;
            };
            for (axis, class) in [(&axes.x, "x-axis"), (&axes.y, "y-axis")] {
                let mut expected: Vec<_> = axis
                    .major
                    .iter()
                    .map(|tick| without_markup(&tick.text))
                    .collect();
                let label = without_markup(&axis.label);
                expected.extend(Some(label).filter(|label| !label.is_empty()));
                assert_eq!(texts(group(node, class)), expected);
            }
        }
    }
}

#[test]
fn image_grids_legends_and_colour_bars_have_their_texts() {
    let drawing = svg(&samples::images()).unwrap();
    let document = Document::parse(&drawing).unwrap();
    let panel = group(document.root(), "panel");
    let drawn = texts(panel);
    for expected in [
        "digit 0",
        "digit 1",
        "λ = 1.25",
        "λ = −0.5",
        "#2",
        "rank",
        "class",
    ] {
        assert!(
            drawn.iter().any(|text| text == expected),
            "{expected} in {drawn:?}"
        );
    }
    let bar = texts(group(panel, "colour-bar"));
    assert_eq!(bar, ["−1.0", "−0.5", "0.0", "0.5", "1.0", "component"]);
    let pictures = panel
        .descendants()
        .filter(|node| node.has_tag_name("image"));
    assert_eq!(pictures.count(), 4 + 1);

    let drawing = svg(&samples::two_log_panels(LegendPlace::Right)).unwrap();
    let document = Document::parse(&drawing).unwrap();
    let legend = texts(group(document.root(), "legend"));
    assert_eq!(legend, ["hidden size", "30", "300", "3000"]);
}

#[test]
fn no_two_texts_overlap_and_all_lie_inside() {
    for figure in samples::all() {
        let place = layout(&figure).unwrap();
        let drawn = texts_of(&figure);
        assert!(drawn.len() > 10);
        for (index, (text, area)) in drawn.iter().enumerate() {
            assert!(area[0] >= 4.0 && area[1] >= 4.0, "{text} {area:?}");
            assert!(
                area[2] <= place.width - 4.0 && area[3] <= place.height - 4.0,
                "{text}"
            );
            for (other, other_area) in &drawn[index + 1..] {
                assert!(
                    !overlap(area, other_area),
                    "{text} on {other} in {}",
                    figure.title
                );
            }
        }
    }
}

#[test]
fn nothing_but_texts_of_cells_and_points_stands_on_a_plot() {
    for figure in samples::all() {
        let place = layout(&figure).unwrap();
        let drawing = svg(&figure).unwrap();
        let document = Document::parse(&drawing).unwrap();
        let of_data = |node: &roxmltree::Node<'_, '_>| {
            let class = node.attribute("class");
            class.is_some_and(|class| ["cells", "texts"].contains(&class))
        };
        let data = document.descendants().filter(of_data);
        let data: Vec<String> = data.flat_map(texts).collect();
        let plots = figure.panels.iter().zip(&place.panels);
        let plots = plots.filter(|(panel, _)| matches!(panel.content, Content::Axes(_)));
        for (_, panel) in plots {
            let plot = panel.plot;
            let area = [plot.x, plot.y, plot.right(), plot.bottom()];
            for (text, letters) in texts_of(&figure) {
                assert!(data.contains(&text) || !overlap(&letters, &area), "{text}");
            }
        }
    }
}

#[test]
fn texts_stand_in_the_middle_of_their_points() {
    let figure = samples::words_around_a_circle();
    let plot = layout(&figure).unwrap().panels[0].plot;
    let drawn = texts_of(&figure);
    let (_, area) = drawn.iter().find(|(text, _)| text == "middle").unwrap();
    let across = (area[0] + area[2]) / 2.0 - (plot.x + plot.width / 2.0);
    let upright = (area[1] + area[3]) / 2.0 - (plot.y + plot.height / 2.0);
    assert!(across.abs() < 1.0 && upright.abs() < 2.0, "{area:?}");
}

#[test]
fn an_entry_of_no_point_stands_in_the_legend_alone() {
    let drawing = svg(&samples::words_around_a_circle()).unwrap();
    let document = Document::parse(&drawing).unwrap();
    let legend = texts(group(document.root(), "legend"));
    assert_eq!(legend, ["points", "none of them"]);
    let markers = |class: &str| {
        let layers = group(document.root(), class);
        let fill = Some("#ffa90e");
        layers
            .descendants()
            .filter(|node| node.attribute("fill") == fill)
            .count()
    };
    assert_eq!([markers("layers"), markers("legend")], [0, 1]);
}

#[test]
fn long_captions_are_broken_and_end_above_their_image() {
    let figure = samples::pictures();
    let place = layout(&figure).unwrap();
    let cells = place.panels[0].images.as_ref().unwrap();
    let drawn = texts_of(&figure);
    let bottoms: Vec<f64> = ["frog", "line", "truck"]
        .iter()
        .map(|end| {
            let ends = |(text, _): &&DrawnText| text.ends_with(end);
            drawn.iter().find(ends).unwrap().1[3]
        })
        .collect();
    let first = cells.rect(place.panels[0].plot, 0, 0);
    for bottom in bottoms {
        assert!(first.y - 8.0 < bottom && bottom < first.y, "{bottom}");
    }
    for (text, area) in drawn {
        let wide = area[2] - area[0];
        assert!(wide < cells.column_step || text == "Pictures", "{text}");
    }
}

#[test]
fn measured_widths_are_those_of_the_renderer() {
    let font = Font::bundled().unwrap();
    for text in ["hidden size", "10^{−3}", "−0.125", "Test AV λ σ_{2}"] {
        let style = TextStyle::regular(40.0);
        let mut writer = crate::svg::SvgWriter::default();
        writer
            .tag("svg")
            .attribute("xmlns", "http://www.w3.org/2000/svg")
            .attribute("font-family", "Roboto")
            .open();
        let ink = svg::Lettering::new(style, svg::Anchor::Start, Rgb::BLACK);
        writer.label(0.0, 50.0, text, ink).unwrap();
        let tree = parse(&writer.finish()).unwrap();
        let Some(Node::Text(drawn)) = tree.root().children().first() else {
            panic!("no text in the parsed drawing");
        };
        let width = f64::from(drawn.bounding_box().width());
        let measured = font.width(text, style).unwrap();
        assert!(
            (width / measured - 1.0).abs() < 0.03,
            "{text}: {width} for {measured}"
        );
    }
}

#[test]
fn the_drawing_names_describes_and_traces_itself() {
    let drawing = svg(&samples::two_log_panels(LegendPlace::Right)).unwrap();
    let document = Document::parse(&drawing).unwrap();
    let root = document.root_element();
    let content = |name: &str| {
        let node = root
            .children()
            .find(|node| node.has_tag_name(name))
            .unwrap();
        node.text().unwrap().to_owned()
    };
    assert_eq!(root.attribute("role"), Some("img"));
    assert_eq!(content("title"), "Truncation");
    assert_eq!(content("desc"), "Two panels of curves.");
    assert_eq!(content("metadata"), "seed <1> & \"digest\"");
}

#[test]
fn plots_align_in_rows_and_columns() {
    let place = layout(&samples::two_log_panels(LegendPlace::Below)).unwrap();
    let (left, right) = (place.panels[0].plot, place.panels[1].plot);
    assert_eq!((left.y, left.height), (right.y, right.height));
    assert!((left.width - right.width).abs() < 1e-9);
    assert!(left.right() < right.x);
}

#[test]
fn crowded_names_are_turned() {
    let place = layout(&samples::map_and_cloud()).unwrap();
    assert!(place.panels[0].x_labels_turned);
    assert!(!place.panels[1].x_labels_turned);
}

#[test]
fn a_gap_interrupts_the_line() {
    let starts = |gap: bool| {
        let mut figure = samples::two_log_panels(LegendPlace::Right);
        if let Content::Axes(axes) = &mut figure.panels[0].content
            && let Layer::Line(line) = &mut axes.layers[1]
        {
            line.marker = None;
            line.y[4] = if gap { f64::NAN } else { line.y[4] };
        }
        svg(&figure).unwrap().matches('M').count()
    };
    assert_eq!(starts(true), starts(false) + 1);
}

#[test]
fn rims_do_not_cover_the_markers_of_a_long_line() {
    let rims = |count: usize| {
        let values: Vec<f64> = (1..=count).map(|value| value as f64).collect();
        let mut line = Line::new(values.clone(), values, Rgb::BLACK);
        line.marker = Some(Marker::new(MarkerShape::Square));
        let end = count as f64 + 1.0;
        let (x, y) = (Axis::linear("x", (0.0, end)), Axis::linear("y", (0.0, end)));
        let panel = Panel::axes("Panel", Axes::new(x, y, vec![Layer::Line(line)]));
        let figure = Figure::new("Title", "Caption.".to_owned(), 400.0, 1, vec![panel]);
        let still = svg(&figure).unwrap().matches("paint-order").count();
        let page = serde_json::to_string(&interactive(&figure).unwrap()).unwrap();
        let page = page.matches("\"width\":0.8").count();
        (still, page)
    };
    assert_eq!(rims(100), (100, 1));
    assert_eq!(rims(101), (0, 0));
}
