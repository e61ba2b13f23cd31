//! The same description gives the same bytes, and a different one different bytes.

use super::samples;
use crate::layout::layout;
use crate::*;

#[test]
fn drawings_and_pictures_repeat_byte_by_byte() {
    for figure in samples::all() {
        let (first, second) = (svg(&figure).unwrap(), svg(&figure.clone()).unwrap());
        assert_eq!(first, second);
        assert_eq!(png(&first, 2.0).unwrap(), png(&second, 2.0).unwrap());
    }
}

#[test]
fn every_part_of_the_description_reaches_the_drawing() {
    let figure = samples::two_log_panels(LegendPlace::Right);
    let drawn = svg(&figure).unwrap();
    let mut moved = figure.clone();
    if let Content::Axes(axes) = &mut moved.panels[1].content
        && let Layer::Line(line) = &mut axes.layers[1]
    {
        line.y[3] *= 1.1;
    }
    let mut noted = figure.clone();
    noted.metadata.push('!');
    let mut narrow = figure;
    narrow.width -= 10.0;
    for other in [moved, noted, narrow] {
        assert_ne!(svg(&other).unwrap(), drawn);
    }
}

#[test]
fn a_picture_is_as_large_as_its_drawing_says() {
    let figure = samples::images();
    let place = layout(&figure).unwrap();
    let bytes = png(&svg(&figure).unwrap(), 2.0).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(bytes));
    let info = reader.read_info().unwrap();
    assert_eq!(f64::from(info.info().width), 2.0 * place.width);
    assert_eq!(f64::from(info.info().height), 2.0 * place.height);
}
