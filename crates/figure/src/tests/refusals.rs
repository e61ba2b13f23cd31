//! What cannot be drawn is refused with an error that says where and why.

use super::samples;
use crate::*;

/// A figure of one plot.
fn figure(x: Axis, y: Axis, layers: Vec<Layer>) -> Figure {
    let panel = Panel::axes("plot", Axes::new(x, y, layers));
    Figure::new("title", "description", 500.0, 1, vec![panel])
}

fn linear() -> Axis {
    Axis::linear("value", (0.0, 1.0))
}

fn line(x: Vec<f64>, y: Vec<f64>) -> Layer {
    Layer::Line(Line::new(x, y, Rgb::BLACK))
}

/// The error of a figure that cannot be drawn.
fn error(figure: &Figure) -> String {
    svg(figure).unwrap_err().to_string()
}

/// The error of a layer on linear axes, without its place.
fn refused(layer: Layer) -> String {
    let error = error(&figure(linear(), linear(), vec![layer]));
    let (place, reason) = error.split_once(": ").unwrap();
    assert!(place.starts_with("panel 1 \"plot\", layer 1 ("), "{place}");
    reason.to_owned()
}

#[test]
fn empty_ranges_are_refused() {
    for range in [(1.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        let error = error(&figure(Axis::linear("", range), linear(), vec![]));
        assert!(error.contains("is not a range"), "{error}");
    }
}

#[test]
fn log_axes_want_positive_ranges_and_data() {
    for range in [(0.0, 1.0), (-1.0, 1.0)] {
        let error = error(&figure(Axis::log("", range), linear(), vec![]));
        assert!(error.contains("but the axis is logarithmic"), "{error}");
    }
    let layer = line(vec![0.1, 0.2], vec![0.5, 0.0]);
    let log = Axis::log("", (0.1, 1.0));
    assert_eq!(
        error(&figure(linear(), log.clone(), vec![layer])),
        "panel 1 \"plot\", layer 1 (line): y holds 0 at position 1, but the axis is logarithmic"
    );
    let image = Image::new(
        Matrix::new(1, 1, vec![0.0]).unwrap(),
        ColourScale::diverging(1.0),
    );
    let layers = vec![Layer::Image(image)];
    let error = error(&figure(linear(), log, layers));
    assert!(error.ends_with(": an image needs linear axes"), "{error}");
}

#[test]
fn a_band_may_reach_zero_on_a_log_axis() {
    let band = Band::new(vec![0.1, 0.9], vec![0.0, -0.1], vec![0.5, 0.6], Rgb::BLACK);
    let figure = figure(linear(), Axis::log("", (0.1, 1.0)), vec![Layer::Band(band)]);
    assert!(svg(&figure).is_ok());
}

#[test]
fn data_that_are_no_numbers_are_refused_but_declared_gaps_are_not() {
    let gap = line(vec![0.1, 0.2, 0.3], vec![0.5, f64::NAN, 0.6]);
    assert!(svg(&figure(linear(), linear(), vec![gap])).is_ok());
    let infinite = line(vec![0.1, 0.2], vec![0.5, f64::INFINITY]);
    assert_eq!(
        refused(infinite),
        "y holds inf at position 1, expected a finite number"
    );
    let nowhere = line(vec![0.1, f64::NAN], vec![0.5, 0.5]);
    assert_eq!(
        refused(nowhere),
        "x holds NaN at position 1, expected a finite number"
    );
    let points = Points::new(vec![0.1], vec![f64::NAN], Rgb::BLACK, Marker::dot(1.0));
    assert_eq!(
        refused(Layer::Points(points)),
        "y holds NaN at position 0, expected a finite number"
    );
}

#[test]
fn lists_have_to_match_and_to_hold_something() {
    assert_eq!(
        refused(line(vec![0.1, 0.2], vec![0.5])),
        "y has 1 entries, expected 2"
    );
    assert_eq!(refused(line(vec![], vec![])), "x is empty");
    let nothing = Figure::new("title", "", 500.0, 1, vec![]);
    assert_eq!(error(&nothing), "figure: the list of panels is empty");
    let no_columns = Figure {
        columns: vec![],
        ..samples::images()
    };
    assert_eq!(error(&no_columns), "figure: the list of columns is empty");
}

#[test]
fn ticks_and_cells_have_to_lie_inside() {
    let axis = linear().with_major(vec![Tick::new(1.5, "1.5")]);
    assert_eq!(
        error(&figure(axis, linear(), vec![])),
        "panel 1 \"plot\", x axis: the tick 1.5 lies outside 0 to 1"
    );
    let cells = |colours: ColourScale| {
        Layer::Image(Image::new(
            Matrix::new(1, 2, vec![0.0, 3.0]).unwrap(),
            colours,
        ))
    };
    let scale = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
    assert_eq!(
        refused(cells(scale.clone())),
        "the cell value 3 lies outside 0 to 1"
    );
    assert!(svg(&figure(linear(), linear(), vec![cells(scale.clipped())])).is_ok());
}

#[test]
fn images_of_one_grid_have_one_shape() {
    let numbers = Matrix::new(1, 2, vec![0.0, 1.0]).unwrap();
    let colours = Bitmap::new(2, 1, vec![Rgb::BLACK; 2]).unwrap();
    let cells = vec![
        Some(GridCell::new("", numbers)),
        Some(GridCell::new("", colours)),
    ];
    let label = String::new();
    let scale = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
    let grid = ImageGrid::new(vec![GridRow { label, cells }], scale);
    let panels = vec![Panel::images("grid", grid)];
    assert_eq!(
        error(&Figure::new("title", "", 500.0, 1, panels)),
        "panel 1 \"grid\": an image has 2 x 1 pixels, the first one 1 x 2"
    );
}

#[test]
fn legends_want_names_that_agree() {
    let mut nameless = figure(linear(), linear(), vec![line(vec![0.1], vec![0.1])]);
    nameless.legend = Some(Legend::right("key"));
    assert_eq!(
        error(&nameless),
        "figure: a legend needs at least one layer with a name"
    );
    let mut layers = samples::curve("one", Rgb::BLACK);
    layers.extend(samples::curve("one", Rgb::WHITE));
    let mut torn = figure(Axis::linear("", (0.0, 20.0)), linear(), layers);
    torn.legend = Some(Legend::right("key"));
    assert_eq!(
        error(&torn),
        "legend: the entry \"one\" stands for two different bands"
    );
}

#[test]
fn texts_at_points_have_to_match_their_points() {
    let text = |at: (f64, f64), text: &str| Layer::Texts(Texts::one(at, text, Rgb::BLACK));
    assert_eq!(
        refused(text((f64::NAN, 0.5), "word")),
        "x holds NaN at position 0, expected a finite number"
    );
    let mut two = Texts::one((0.5, 0.5), "word", Rgb::BLACK);
    two.texts.push("another".into());
    assert_eq!(
        refused(Layer::Texts(two)),
        "the list of texts has 2 entries, expected 1"
    );
}

#[test]
fn only_points_with_a_name_may_be_none() {
    let none = || Points::new(vec![], vec![], Rgb::BLACK, Marker::dot(1.0));
    let named = figure(
        linear(),
        linear(),
        vec![Layer::Points(none().named("none"))],
    );
    assert!(svg(&named).is_ok());
    assert_eq!(refused(Layer::Points(none())), "x is empty");
}

#[test]
fn sizes_have_to_be_sizes() {
    let thin = Line {
        width: 0.0,
        ..Line::new(vec![0.1], vec![0.1], Rgb::BLACK)
    };
    assert_eq!(
        refused(Layer::Line(thin)),
        "the line's width is 0, expected a positive number"
    );
    let band = Band {
        opacity: 1.5,
        ..Band::new(vec![0.1], vec![0.1], vec![0.2], Rgb::BLACK)
    };
    assert_eq!(
        refused(Layer::Band(band)),
        "the opacity is 1.5, expected a number from 0 to 1"
    );
    let wide = Figure {
        width: f64::INFINITY,
        ..samples::images()
    };
    assert_eq!(
        error(&wide),
        "figure: the width is inf, expected a positive number"
    );
}
