//! No figure is too large: whatever the number of its parts, the shape of its images and the length of its texts, all that
//! is written lies inside the drawing, and legends stand clear of plots.

use super::structure::{overlap, texts_of};
use crate::layout::{Layout, layout};
use crate::*;

const COUNTS: [usize; 5] = [1, 2, 25, 200, 1000];
/// No drawing is larger, px.
const WIDEST: f64 = 5000.0;
const HIGHEST: f64 = 7000.0;

/// Names of 100 letters that differ at their end, in the middle, and nowhere else.
fn long(index: usize) -> String {
    match index % 2 {
        0 => format!(
            "{}{index:04}",
            "a long name of a model ".repeat(5)[..96].trim()
        ),
        _ => format!("{0}{index:04}{0}", "x".repeat(48)),
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(long).collect()
}

fn inside(figure: &Figure, place: &Layout, drawn: &[DrawnText]) {
    assert!(
        place.width <= WIDEST.max(figure.width) && place.height <= HIGHEST,
        "{}: {} x {}",
        figure.title,
        place.width,
        place.height
    );
    for (text, area) in drawn {
        let right = place.width - 2.0;
        let bottom = place.height - 2.0;
        assert!(
            area[0] >= 2.0 && area[1] >= 2.0 && area[2] <= right && area[3] <= bottom,
            "{}: \"{text}\" at {area:?} of {} x {}",
            figure.title,
            place.width,
            place.height
        );
    }
}

fn legends_are_clear(figure: &Figure, place: &Layout) {
    let own = place
        .panels
        .iter()
        .filter_map(|panel| panel.legend.as_ref());
    for (legend, x, y) in own.chain(&place.legend) {
        let area = [*x, *y, x + legend.width, y + legend.height];
        for panel in &place.panels {
            let plot = panel.plot;
            let plot = [plot.x, plot.y, plot.right(), plot.bottom()];
            assert!(
                !overlap(&area, &plot),
                "{}: {area:?} {plot:?}",
                figure.title
            );
        }
    }
}

/// Draws a figure in both forms and gives what is written.
fn check(figure: &Figure) -> Vec<DrawnText> {
    let place = layout(figure).unwrap();
    let drawn = texts_of(figure);
    inside(figure, &place, &drawn);
    legends_are_clear(figure, &place);
    interactive(figure).unwrap();
    drawn
}

fn no_two_overlap(figure: &Figure, drawn: &[DrawnText]) {
    for (index, (text, area)) in drawn.iter().enumerate() {
        let other = drawn[index + 1..]
            .iter()
            .find(|(_, other)| overlap(area, other));
        assert!(other.is_none(), "{}: {text} on {other:?}", figure.title);
    }
}

fn curves(count: usize, legend: Option<Legend>) -> Panel {
    let colours = ColourMap::Viridis.series(count);
    let line = |(index, colour): (usize, &Rgb)| {
        let y = vec![0.0, index as f64 / count as f64];
        Layer::Line(Line::new(vec![0.0, 1.0], y, *colour).named(long(index)))
    };
    let layers = colours.iter().enumerate().map(line).collect();
    let axis = || Axis::linear(long(0), (0.0, 1.0));
    Panel {
        legend,
        ..Panel::axes(long(1), Axes::new(axis(), axis(), layers))
    }
}

#[test]
fn legends_of_any_number_of_entries() {
    for count in COUNTS {
        for legend in [
            Legend::right(long(1)),
            Legend::below(long(1)),
            Legend::right("size").ordered(),
            Legend::below("").ordered(),
        ] {
            let panels = vec![curves(count, None), curves(count, None)];
            let title = format!("{count} {legend:?} {}", long(0).repeat(20));
            let mut figure = Figure::new(title, "", 720.0, 2, panels);
            figure.legend = Some(legend.clone());
            let drawn = check(&figure);
            no_two_overlap(&figure, &drawn);
            let left_out = drawn.iter().any(|(text, _)| text.starts_with("… and "));
            match count {
                1 | 2 => assert!(!left_out, "{count} {legend:?}"),
                200.. => assert!(left_out, "{count} {legend:?}"),
                _ => {}
            }
            let own = vec![curves(count, Some(legend))];
            check(&Figure::new(format!("own {count}"), "", 420.0, 1, own));
        }
    }
}

#[test]
fn a_short_legend_says_how_many_it_leaves_out_and_an_ordered_one_keeps_both_ends() {
    let entries = |legend: Legend| -> Vec<String> {
        let layers = (0..100).map(|size| {
            let line = Line::new(vec![0.0, 1.0], vec![0.0, 1.0], Rgb::BLACK);
            Layer::Line(line.named(format!("size {size}")))
        });
        let axis = || Axis::linear("", (0.0, 1.0));
        let axes = Axes::new(axis(), axis(), layers.collect());
        let mut figure = Figure::new("title", "", 500.0, 1, vec![Panel::axes("", axes)]);
        figure.legend = Some(legend);
        let form = interactive(&figure).unwrap();
        let shown = form.data.iter().filter(|trace| trace["showlegend"] == true);
        let shown: Vec<String> = shown
            .map(|trace| trace["name"].as_str().unwrap().to_owned())
            .collect();
        let (legend, ..) = layout(&figure).unwrap().legend.unwrap();
        let texts = legend
            .entries
            .into_iter()
            .map(|entry| entry.lines.join(" "));
        let texts: Vec<String> = texts.chain(legend.more.map(|(.., text)| text)).collect();
        assert_eq!(shown, texts, "both forms show the same");
        texts
    };
    let first = entries(Legend::right(""));
    assert_eq!(first[..2], ["size 0", "size 1"]);
    let left_out = 100 - (first.len() - 1);
    assert_eq!(first.last().unwrap(), &format!("… and {left_out} more"));
    let spread = entries(Legend::right("").ordered());
    assert_eq!(spread[0], "size 0");
    assert_eq!(spread[spread.len() - 2], "size 99");
}

#[test]
fn a_shortened_name_is_whole_where_it_is_pointed_at() {
    let mut figure = Figure::new("title", "", 500.0, 1, vec![curves(1, None)]);
    figure.legend = Some(Legend::right(""));
    let form = interactive(&figure).unwrap();
    let trace = &form.data[0];
    assert!(trace["name"].as_str().unwrap().contains('…'));
    assert_eq!(trace["meta"]["name"], long(0));
    assert!(trace["hovertemplate"].as_str().unwrap().contains(&long(0)));
}

#[test]
fn heat_maps_of_any_number_of_names() {
    for (rows, columns) in [(1, 1), (2, 62), (25, 25), (200, 200), (1000, 3)] {
        let values = vec![0.5; rows * columns];
        let colours = ColourScale::new(ColourMap::Viridis, (0.0, 1.0));
        let mut image = Image::new(Matrix::new(rows, columns, values).unwrap(), colours.clone());
        image.cell_texts = Some(vec!["0.50".to_owned(); rows * columns]);
        let x = Axis::categories(long(0), names(columns));
        let y = Axis::categories(long(1), names(rows)).reversed();
        let axes = Axes::new(x, y, vec![Layer::Image(image)]).with_aspect(1.0);
        let panel = Panel::axes("", axes).with_colour_bar(ColourBar::new(long(0), colours));
        let figure = Figure::new(format!("{rows} x {columns}"), "", 640.0, 1, vec![panel]);
        let drawn = check(&figure);
        no_two_overlap(&figure, &drawn);
        let numbers = drawn.iter().filter(|(text, _)| text == "0.50").count();
        assert_eq!(
            numbers,
            if rows.max(columns) < 3 {
                rows * columns
            } else {
                0
            }
        );
    }
}

#[test]
fn images_of_any_number_and_shape() {
    let sizes = [
        ((1, 1), (1, 1)),
        ((1, 1), (128, 3)),
        ((1, 20), (3, 128)),
        ((62, 8), (128, 3)),
        ((62, 8), (28, 28)),
        ((1000, 20), (3, 128)),
        ((2, 200), (1, 1)),
    ];
    for ((rows, columns), (height, width)) in sizes {
        let matrix = Matrix::new(height, width, vec![0.5; height * width]).unwrap();
        let cell = || Some(GridCell::new("−12.345", matrix.clone()));
        let row = |index: usize| GridRow {
            label: long(index),
            cells: (0..columns).map(|_| cell()).collect(),
        };
        let colours = ColourScale::diverging(1.0);
        let mut grid = ImageGrid::new((0..rows).map(row).collect(), colours.clone());
        grid.column_title = "eigenvectors, largest |λ| first; above each image its λ".into();
        grid.column_labels = (0..columns).map(|at| format!("nearest {at}")).collect();
        grid.row_title = "class".into();
        let bar = ColourBar::new("component of E^{T}v", colours);
        let panel = Panel::images("", grid).with_colour_bar(bar);
        let title = format!("{rows} x {columns} of {height} x {width}");
        let figure = Figure::new(title, "", 820.0, 1, vec![panel]);
        let drawn = check(&figure);
        no_two_overlap(&figure, &drawn);
        let left_out = drawn.iter().any(|(text, _)| text.starts_with("… and "));
        assert_eq!(
            left_out,
            rows * columns > 640 || columns > 32,
            "{}",
            figure.title
        );
    }
}

#[test]
fn words_on_a_plot_are_shortened_to_the_room_that_they_have() {
    let figure = |at: (f64, f64)| {
        let text = Layer::Texts(Texts::one(at, "some words at a point", Rgb::BLACK));
        let axis = || Axis::linear("", (0.0, 1.0));
        let panel = Panel::axes("", Axes::new(axis(), axis(), vec![text]));
        Figure::new("title", "", 500.0, 1, vec![panel])
    };
    let words = |at: (f64, f64)| -> Vec<String> {
        let drawn = check(&figure(at)).into_iter().map(|(text, _)| text);
        drawn
            .filter(|text| text.contains("so") || text.contains('…'))
            .collect()
    };
    assert_eq!(words((0.5, 0.5)), ["some words at a point"]);
    let [short] = words((0.06, 0.5)).try_into().unwrap();
    assert!(short.starts_with("so") && short.contains('…'), "{short}");
    for at in [(0.001, 0.5), (0.5, 0.01), (1.5, 0.5)] {
        assert!(words(at).is_empty(), "{at:?}");
    }
}

#[test]
fn a_narrow_figure_grows() {
    let mut figure = super::samples::two_log_panels(LegendPlace::Right);
    figure.width = 200.0;
    let place = layout(&figure).unwrap();
    assert!(place.width > 300.0);
    assert!(place.panels.iter().all(|panel| panel.plot.width >= 100.0));
    check(&figure);
}
