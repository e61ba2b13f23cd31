//! Small figures that together use every part of the engine.

use crate::*;

/// A line with a band and a marker at each point, named.
pub(crate) fn curve(name: &str, colour: Rgb) -> Vec<Layer> {
    let x: Vec<f64> = (1..=10).map(f64::from).collect();
    let y: Vec<f64> = x.iter().map(|x| 50.0 / x).collect();
    let lower = y.iter().map(|y| 0.8 * y).collect();
    let upper = y.iter().map(|y| 1.2 * y).collect();
    let line = Line {
        marker: Some(Marker::new(MarkerShape::Square)),
        ..Line::new(x.clone(), y, colour).named(name)
    };
    let band = Band {
        name: Some(name.to_owned()),
        ..Band::new(x, lower, upper, colour)
    };
    vec![Layer::Band(band), Layer::Line(line)]
}

/// Two panels side by side with logarithmic axes and exact ticks, one shared legend.
pub(crate) fn two_log_panels(place: LegendPlace) -> Figure {
    let per_cent = |at: f64| format!("{} %", ticks::plain(at));
    let x = Axis::log("eigenvectors kept", (1.0, 10.0))
        .with_major(ticks::at(&[1.0, 2.0, 5.0, 10.0], ticks::plain));
    let fine = Axis::log("test error", (1.0, 100.0)).with_major(ticks::at(
        &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0],
        per_cent,
    ));
    let coarse = Axis::log("accuracy drop", (0.1, 100.0))
        .with_major(ticks::at(&[0.1, 1.0, 10.0, 100.0], per_cent));
    let layers: Vec<Layer> = ["30", "300", "3000"]
        .iter()
        .zip(ColourMap::Viridis.series(3))
        .flat_map(|(name, colour)| curve(name, colour))
        .collect();
    let panels = vec![
        Panel::axes("Error", Axes::new(x.clone(), fine, layers.clone())),
        Panel::axes("Drop", Axes::new(x, coarse, layers)),
    ];
    Figure {
        legend: Some(Legend {
            title: "hidden size".into(),
            place,
            ordered: false,
        }),
        metadata: "seed <1> & \"digest\"".into(),
        ..Figure::new("Truncation", "Two panels of curves.", 700.0, 2, panels)
    }
}

/// A heat map with numbers, a missing cell and long names that have to be turned, and a cloud of points with its own
/// legend beside it.
pub(crate) fn map_and_cloud() -> Figure {
    let names = ["a long category", "another category", "the third of them"];
    let values = vec![1.0, 0.5, 0.25, 0.5, f64::NAN, 0.125, 0.25, 0.125, 0.0];
    let texts = values.iter().map(|value| {
        if value.is_nan() {
            String::new()
        } else {
            ticks::decimal(*value, 2)
        }
    });
    let colours = ColourScale::new(ColourMap::Cividis, (0.0, 1.0));
    let image = Image {
        cell_texts: Some(texts.collect()),
        ..Image::new(Matrix::new(3, 3, values).unwrap(), colours.clone())
    };
    let map = Axes::new(
        Axis::categories("predicted", names),
        Axis::categories("true", names).reversed(),
        vec![Layer::Image(image)],
    )
    .with_aspect(1.0);
    let cloud = |index: usize| {
        let angle = |step: usize| (step * (index + 2)) as f64;
        let x = (0..50).map(|step| angle(step).sin()).collect();
        let y = (0..50).map(|step| angle(step).cos() * 0.8).collect();
        let colour = Rgb::categorical(index);
        Layer::Points(Points::new(x, y, colour, Marker::dot(1.5)).named(format!("class {index}")))
    };
    let axes = Axes::new(
        Axis::linear("first component", (-1.0, 1.0)),
        Axis::linear("σ_{2} × 10^{−3}", (-1.0, 1.0)),
        (0..4).map(cloud).collect(),
    );
    let panels = vec![
        Panel::axes("Map", map).with_colour_bar(ColourBar::new("share", colours)),
        Panel {
            legend: Some(Legend::right("digit")),
            ..Panel::axes("Cloud", axes)
        },
    ];
    Figure::new(
        "A map and a cloud",
        "A map beside a cloud.",
        760.0,
        2,
        panels,
    )
}

/// Two rows of small images with all labels; one place is free.
pub(crate) fn images() -> Figure {
    let picture = |seed: usize| {
        let values = (0..64).map(|cell| ((cell * seed) as f64).sin()).collect();
        Matrix::new(8, 8, values).unwrap()
    };
    let row = |label: &str, seed: usize| GridRow {
        label: label.into(),
        cells: vec![
            Some(GridCell::new("λ = 1.25", picture(seed))),
            None,
            Some(GridCell::new("λ = −0.5", picture(seed + 1))),
        ],
    };
    let colours = ColourScale::diverging(1.0);
    let grid = ImageGrid {
        column_labels: vec!["#1".into(), "#2".into(), "#3".into()],
        column_title: "rank".into(),
        row_title: "class".into(),
        ..ImageGrid::new(vec![row("digit 0", 1), row("digit 1", 5)], colours.clone())
    };
    let bar = ColourBar::new("component", colours);
    let panel = Panel::images("Eigenvectors", grid).with_colour_bar(bar);
    Figure::new(
        "Small images",
        "Eigenvectors as images.",
        640.0,
        1,
        vec![panel],
    )
}

/// Pictures in colours of their own, under captions of one and of several lines.
pub(crate) fn pictures() -> Figure {
    let captions = [
        "frog",
        "a caption that is much too long for one line",
        "one_word_that_is_much_too_long_for_one_line",
        "truck",
    ];
    let cell = |(index, caption): (usize, &&str)| {
        let colours = (0..64).map(|pixel| Rgb::categorical(pixel * (index + 1)));
        let bitmap = Bitmap::new(8, 8, colours.collect()).unwrap();
        Some(GridCell::new(*caption, bitmap))
    };
    let row = |label: &str| GridRow {
        label: label.into(),
        cells: captions.iter().enumerate().map(cell).collect(),
    };
    let colours = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
    let grid = ImageGrid::new(vec![row("first"), row("second")], colours);
    let panel = Panel::images("Pictures", grid);
    Figure::new("Pictures", "Small pictures.", 640.0, 1, vec![panel])
}

/// Words around a circle on axes that are not drawn, and a legend whose second entry has no point.
pub(crate) fn words_around_a_circle() -> Figure {
    let at = |index: u32| {
        let angle = f64::from(index);
        (angle.cos(), angle.sin())
    };
    let (x, y): (Vec<f64>, Vec<f64>) = (0..6).map(at).unzip();
    let outside = |values: &[f64]| values.iter().map(|value| 1.3 * value).collect();
    let texts = Texts {
        x: outside(&x),
        y: outside(&y),
        texts: (1..=6)
            .map(|index| format!("point e_{{{index}}}"))
            .collect(),
        colour: Rgb::BLACK,
        beside: false,
    };
    let marker = Marker::new(MarkerShape::Triangle);
    let none = Points::new(vec![], vec![], Rgb::categorical(1), marker);
    let points = Points::new(x, y, Rgb::categorical(0), marker);
    let layers = vec![
        Layer::Points(points.named("points")),
        Layer::Points(none.named("none of them")),
        Layer::Texts(texts),
        Layer::Texts(Texts::one((0.0, 0.0), "middle", Rgb::categorical(2))),
    ];
    let range = (-1.7, 1.7);
    let axes = Axes::new(Axis::bare(range), Axis::bare(range), layers).with_aspect(1.0);
    let panel = Panel {
        legend: Some(Legend::right("")),
        ..Panel::axes("Circle", axes)
    };
    Figure::new(
        "Words around a circle",
        "Six words and one in the middle.",
        400.0,
        1,
        vec![panel],
    )
}

/// All of them.
pub(crate) fn all() -> Vec<Figure> {
    vec![
        two_log_panels(LegendPlace::Right),
        two_log_panels(LegendPlace::Below),
        map_and_cloud(),
        images(),
        pictures(),
        words_around_a_circle(),
    ]
}
