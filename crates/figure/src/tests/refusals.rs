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

fn refused(layer: Layer) -> FigureError {
    svg(&figure(linear(), linear(), vec![layer])).unwrap_err()
}

#[test]
fn empty_ranges_are_refused() {
    for range in [(1.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        let error = svg(&figure(Axis::linear("", range), linear(), vec![])).unwrap_err();
        assert!(matches!(error, FigureError::Range { .. }), "{error}");
    }
}

#[test]
fn log_axes_want_positive_ranges_and_data() {
    for range in [(0.0, 1.0), (-1.0, 1.0)] {
        let error = svg(&figure(Axis::log("", range), linear(), vec![])).unwrap_err();
        assert!(matches!(error, FigureError::NotPositive { .. }), "{error}");
    }
    let layer = line(vec![0.1, 0.2], vec![0.5, 0.0]);
    let error = svg(&figure(linear(), Axis::log("", (0.1, 1.0)), vec![layer])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "panel 1 \"plot\", layer 1 (line): y holds 0 at position 1, but the axis is logarithmic"
    );
    let image = Image::new(
        Matrix::new(1, 1, vec![0.0]).unwrap(),
        ColourScale::diverging(1.0),
    );
    let layers = vec![Layer::Image(image)];
    let error = svg(&figure(linear(), Axis::log("", (0.1, 1.0)), layers)).unwrap_err();
    assert!(matches!(error, FigureError::ImageOnLogAxis { .. }));
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
    assert!(matches!(
        refused(infinite),
        FigureError::NotFinite { position: 1, .. }
    ));
    let nowhere = line(vec![0.1, f64::NAN], vec![0.5, 0.5]);
    assert!(matches!(
        refused(nowhere),
        FigureError::NotFinite { what: "x", .. }
    ));
    let points = Points::new(vec![0.1], vec![f64::NAN], Rgb::BLACK, Marker::dot(1.0));
    assert!(matches!(
        refused(Layer::Points(points)),
        FigureError::NotFinite { .. }
    ));
}

#[test]
fn lists_have_to_match_and_to_hold_something() {
    let error = refused(line(vec![0.1, 0.2], vec![0.5]));
    assert!(matches!(
        error,
        FigureError::Length {
            found: 1,
            expected: 2,
            ..
        }
    ));
    assert!(matches!(
        refused(line(vec![], vec![])),
        FigureError::Empty { .. }
    ));
    let nothing = Figure::new("title", "", 500.0, 1, vec![]);
    assert!(matches!(svg(&nothing), Err(FigureError::Empty { .. })));
    let no_columns = Figure {
        columns: vec![],
        ..samples::images()
    };
    assert!(matches!(svg(&no_columns), Err(FigureError::Empty { .. })));
}

#[test]
fn ticks_and_cells_have_to_lie_inside() {
    let axis = linear().with_major(vec![Tick::new(1.5, "1.5")]);
    let error = svg(&figure(axis, linear(), vec![])).unwrap_err();
    assert!(matches!(error, FigureError::Outside { .. }));
    let cells = |colours: ColourScale| {
        Layer::Image(Image::new(
            Matrix::new(1, 2, vec![0.0, 3.0]).unwrap(),
            colours,
        ))
    };
    let scale = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
    let error = refused(cells(scale.clone()));
    assert!(matches!(error, FigureError::Outside { .. }));
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
    let error = svg(&Figure::new("title", "", 500.0, 1, panels)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "panel 1 \"grid\": an image of 2 x 1 pixels is not of the 1 x 2 of the first"
    );
}

#[test]
fn legends_want_names_that_agree() {
    let mut nameless = figure(linear(), linear(), vec![line(vec![0.1], vec![0.1])]);
    nameless.legend = Some(Legend::right("key"));
    assert!(matches!(
        svg(&nameless),
        Err(FigureError::LegendEmpty { .. })
    ));
    let mut layers = samples::curve("one", Rgb::BLACK);
    layers.extend(samples::curve("one", Rgb::WHITE));
    let mut torn = figure(Axis::linear("", (0.0, 20.0)), linear(), layers);
    torn.legend = Some(Legend::right("key"));
    assert!(matches!(
        svg(&torn),
        Err(FigureError::LegendConflict { .. })
    ));
}

#[test]
fn texts_without_glyphs_are_refused() {
    let strange = Axis::linear("漢", (0.0, 1.0));
    let error = svg(&figure(strange, linear(), vec![])).unwrap_err();
    assert!(matches!(error, FigureError::MissingGlyph { .. }));
}

#[test]
fn texts_at_points_have_to_match_their_points() {
    let text = |at: (f64, f64), text: &str| Layer::Texts(Texts::one(at, text, Rgb::BLACK));
    assert!(matches!(
        refused(text((f64::NAN, 0.5), "word")),
        FigureError::NotFinite { .. }
    ));
    let mut two = Texts::one((0.5, 0.5), "word", Rgb::BLACK);
    two.texts.push("another".into());
    assert!(matches!(
        refused(Layer::Texts(two)),
        FigureError::Length { .. }
    ));
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
    assert!(matches!(
        refused(Layer::Points(none())),
        FigureError::Empty { .. }
    ));
}

#[test]
fn sizes_have_to_be_sizes() {
    let thin = Line {
        width: 0.0,
        ..Line::new(vec![0.1], vec![0.1], Rgb::BLACK)
    };
    assert!(matches!(
        refused(Layer::Line(thin)),
        FigureError::Size { .. }
    ));
    let band = Band {
        opacity: 1.5,
        ..Band::new(vec![0.1], vec![0.1], vec![0.2], Rgb::BLACK)
    };
    assert!(matches!(
        refused(Layer::Band(band)),
        FigureError::Size { .. }
    ));
    let wide = Figure {
        width: f64::INFINITY,
        ..samples::images()
    };
    assert!(matches!(svg(&wide), Err(FigureError::Size { .. })));
}
