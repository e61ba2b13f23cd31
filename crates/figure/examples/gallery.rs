//! Draws one figure of each kind, from made-up data, as SVG and PNG into the folder given as argument (by default
//! `gallery`). To look at after a change to the figure engine.

use std::path::{Path, PathBuf};

use eigenscope_figure::{
    Axes, Axis, Band, Bitmap, ColourBar, ColourMap, ColourScale, Figure, GridCell, GridRow, Image,
    ImageGrid, Layer, Legend, Line, Marker, MarkerShape, Matrix, Panel, Points, Result, Rgb, Texts,
    Tick, png, svg, ticks,
};

const SIZES: [u32; 7] = [30, 50, 100, 300, 500, 1000, 3000];

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .map_or("gallery".into(), PathBuf::from);
    std::fs::create_dir_all(&folder)?;
    write(&folder, "1-similarity-curves", &similarity_curves())?;
    write(&folder, "2-similarity-map", &similarity_map()?)?;
    write(&folder, "3-truncation", &truncation())?;
    write(&folder, "4-training", &training())?;
    write(&folder, "5-eigenvectors", &eigenvectors()?)?;
    write(&folder, "6-spectrum", &spectrum()?)?;
    write(&folder, "7-pictures", &pictures()?)?;
    write(&folder, "8-words", &words())?;
    Ok(())
}

fn write(
    folder: &Path,
    name: &str,
    figure: &Figure,
) -> std::result::Result<(), Box<dyn std::error::Error>> {
    let drawing = svg(figure)?;
    std::fs::write(folder.join(format!("{name}.png")), png(&drawing, 2.0)?)?;
    std::fs::write(folder.join(format!("{name}.svg")), drawing)?;
    Ok(())
}

/// Lines with bands, a sequential colour a hidden size, a legend beside.
fn similarity_curves() -> Figure {
    let ranks: Vec<f64> = (1..=40).map(f64::from).collect();
    let mut layers = Vec::new();
    for (size, colour) in SIZES.iter().zip(ColourMap::Viridis.series(SIZES.len())) {
        let decay = 3.0 + f64::from(*size).ln() * 2.2;
        let mean: Vec<f64> = ranks
            .iter()
            .map(|rank| 0.06 + 0.92 * (-((rank - 1.0) / decay).powf(1.4)).exp())
            .collect();
        let spread = |sign: f64| -> Vec<f64> {
            let widths = mean
                .iter()
                .map(|value| 0.35 * value * (1.02 - value) + 0.01);
            mean.iter()
                .zip(widths)
                .map(|(value, width)| value + sign * width)
                .collect()
        };
        let band = Band::new(ranks.clone(), spread(-1.0), spread(1.0), colour);
        layers.push(Layer::Band(band));
        layers.push(Layer::Line(
            Line::new(ranks.clone(), mean, colour).named(size.to_string()),
        ));
    }
    let at = [1.0, 10.0, 20.0, 30.0, 40.0];
    let x = Axis::linear("eigenvector rank", (0.0, 40.0)).with_major(ticks::at(&at, ticks::plain));
    let y = Axis::linear("cosine similarity", (0.0, 1.0));
    let panel = Panel::axes("", Axes::new(x, y, layers));
    Figure {
        legend: Some(Legend::right("hidden size")),
        metadata: "made-up data; <no> provenance & no run".into(),
        ..Figure::new(
            "Similarity of top eigenvectors between initialisations",
            "Mean cosine similarity falls with eigenvector rank, later for larger models; bands hold 90 % of pairs.",
            720.0,
            1,
            vec![panel],
        )
    }
}

/// A heat map with numbers in its cells.
fn similarity_map() -> Result<Figure> {
    let names: Vec<String> = SIZES.iter().map(u32::to_string).collect();
    let logs: Vec<f64> = SIZES.iter().map(|size| f64::from(*size).ln()).collect();
    let values: Vec<f64> = logs
        .iter()
        .flat_map(|row| {
            let near = |column: &f64| {
                (0.55 + 0.05 * row.min(*column) - 0.11 * (row - column).abs()).min(1.0)
            };
            logs.iter().map(near).collect::<Vec<_>>()
        })
        .collect();
    let texts = values
        .iter()
        .map(|value| ticks::decimal(*value, 2))
        .collect();
    let colours = ColourScale::new(ColourMap::Viridis, (0.0, 1.0));
    let mut image = Image::new(Matrix::new(7, 7, values)?, colours.clone());
    image.cell_texts = Some(texts);
    let x = Axis::categories("hidden size", names.clone());
    let y = Axis::categories("hidden size", names).reversed();
    let axes = Axes::new(x, y, vec![Layer::Image(image)]).with_aspect(1.0);
    let panel = Panel::axes("", axes).with_colour_bar(ColourBar::new("cosine similarity", colours));
    Ok(Figure::new(
        "Similarity of the top eigenvector between model sizes",
        "A symmetric table of mean cosine similarities between models of seven hidden sizes.",
        640.0,
        1,
        vec![panel],
    ))
}

/// Two panels with exact logarithmic ticks, sharing a legend.
fn truncation() -> Figure {
    let kept: Vec<f64> = (0..=30)
        .map(|step| 10f64.powf(f64::from(step) / 15.0))
        .collect();
    let per_cent = |positions: &[f64]| ticks::at(positions, |at| format!("{} %", ticks::plain(at)));
    let kept_axis = || {
        let at = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
        Axis::log("eigenvectors kept per digit", (1.0, 100.0))
            .with_major(ticks::at(&at, ticks::plain))
    };
    let panel = |title: &str, y: Axis, curve: &dyn Fn(f64, f64) -> f64| {
        let mut layers = Vec::new();
        for (size, colour) in SIZES.iter().zip(ColourMap::Viridis.series(SIZES.len())) {
            let strength = f64::from(*size).ln();
            let mean: Vec<f64> = kept.iter().map(|kept| curve(*kept, strength)).collect();
            let scaled = |factor: f64| mean.iter().map(|value| factor * value).collect();
            layers.push(Layer::Band(Band::new(
                kept.clone(),
                scaled(0.8),
                scaled(1.25),
                colour,
            )));
            let line = Line::new(kept.clone(), mean, colour).named(size.to_string());
            layers.push(Layer::Line(line));
        }
        Panel::axes(title, Axes::new(kept_axis(), y, layers).with_aspect(0.9))
    };
    let error_axis = Axis::log("test error", (1.0, 100.0))
        .with_major(per_cent(&[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]));
    let drop_axis =
        Axis::log("accuracy drop", (0.02, 100.0)).with_major(per_cent(&[0.1, 1.0, 10.0, 100.0]));
    let error = |kept: f64, strength: f64| {
        (8.0 - 0.7 * strength) * 0.5 + 60.0 * (-(kept - 1.0) / 3.0).exp() / strength.sqrt()
    };
    let drop = |kept: f64, strength: f64| 45.0 * kept.powf(-1.1 - 0.08 * strength);
    Figure {
        legend: Some(Legend::right("hidden size")),
        ..Figure::new(
            "Accuracy after keeping few eigenvectors",
            "Test error and accuracy drop against the number of eigenvectors kept, both axes logarithmic.",
            860.0,
            2,
            vec![
                panel("(a) Test error", error_axis, &error),
                panel("(b) Drop against the full model", drop_axis, &drop),
            ],
        )
    }
}

/// Four panels of curves with a legend below.
fn training() -> Figure {
    let epochs: Vec<f64> = (0..=100).map(f64::from).collect();
    let mut noise = Noise(7);
    let mut panel =
        |title: &str, label: &str, range: (f64, f64), curve: &dyn Fn(f64, f64) -> f64| {
            let mut layers = Vec::new();
            for (size, colour) in SIZES.iter().zip(ColourMap::Viridis.series(SIZES.len())) {
                let strength = f64::from(*size).ln();
                let values = epochs.iter().map(|epoch| {
                    let wobble = 0.012 * (range.1 - range.0) * noise.normal();
                    (curve(*epoch, strength) + wobble).clamp(range.0, range.1)
                });
                let line =
                    Line::new(epochs.clone(), values.collect(), colour).named(size.to_string());
                layers.push(Layer::Line(Line { width: 1.4, ..line }));
            }
            let y = Axis::linear(label, range);
            let y = if range.1 == 100.0 {
                y.with_major(ticks::at(
                    &[90.0, 92.0, 94.0, 96.0, 98.0, 100.0],
                    ticks::plain,
                ))
            } else {
                y
            };
            let x = Axis::linear("epoch", (0.0, 100.0));
            Panel::axes(title, Axes::new(x, y, layers))
        };
    let loss = |floor: f64| {
        move |epoch: f64, strength: f64| {
            floor + (0.9 - 0.07 * strength) * (-epoch / (5.0 + strength)).exp()
        }
    };
    let accuracy = |roof: f64| {
        move |epoch: f64, strength: f64| {
            roof - (9.0 - 0.6 * strength) / (1.0 + strength / 8.0)
                * (-epoch / (8.0 + strength)).exp()
        }
    };
    let panels = vec![
        panel(
            "(a) Training loss",
            "cross-entropy (nats)",
            (0.0, 0.8),
            &loss(0.02),
        ),
        panel(
            "(b) Test loss",
            "cross-entropy (nats)",
            (0.0, 0.8),
            &loss(0.12),
        ),
        panel(
            "(c) Training accuracy",
            "accuracy (%)",
            (90.0, 100.0),
            &accuracy(99.5),
        ),
        panel(
            "(d) Test accuracy",
            "accuracy (%)",
            (90.0, 100.0),
            &accuracy(98.0),
        ),
    ];
    Figure {
        legend: Some(Legend::below("hidden size")),
        ..Figure::new(
            "Training of bilinear classifiers",
            "Loss falls and accuracy rises over 100 epochs for seven hidden sizes.",
            860.0,
            2,
            panels,
        )
    }
}

/// A grid of small images: a row a class, a column an eigenvector.
fn eigenvectors() -> Result<Figure> {
    let mut rows = Vec::new();
    for class in 0..10 {
        let mut cells = Vec::new();
        for rank in 0..8 {
            let magnitude = 8.0 * 0.72f64.powi(rank) + 0.05 * f64::from(class);
            let value = if rank % 3 == 1 { -magnitude } else { magnitude };
            let picture = wave(f64::from(class), f64::from(rank))?;
            cells.push(Some(GridCell::new(ticks::decimal(value, 2), picture)));
        }
        rows.push(GridRow {
            label: format!("digit {class}"),
            cells,
        });
    }
    let colours = ColourScale::diverging(1.0);
    let mut grid = ImageGrid::new(rows, colours.clone());
    grid.column_labels = (1..=8).map(|rank| format!("#{rank}")).collect();
    grid.column_title = "rank by |λ|".into();
    grid.row_title = "class".into();
    let bar = ColourBar {
        ticks: ticks::at(&[-1.0, -0.5, 0.0, 0.5, 1.0], |at| ticks::decimal(at, 1)),
        ..ColourBar::new("component / largest component", colours)
    };
    Ok(Figure::new(
        "Top eigenvectors of every class, with their eigenvalues λ",
        "Ten rows of eight small images of eigenvectors; the eigenvalue stands above each.",
        760.0,
        1,
        vec![Panel::images("", grid).with_colour_bar(bar)],
    ))
}

/// A spectrum with chosen points marked, and images of them beside it.
fn spectrum() -> Result<Figure> {
    let count = 60;
    let values: Vec<f64> = (0..count)
        .map(|index| {
            let place = f64::from(index) / f64::from(count - 1) * 2.0 - 1.0;
            -8.0 * place.powi(7) - 0.8 * place
        })
        .collect();
    let ranks: Vec<f64> = (0..count).map(|index| f64::from(index + 1)).collect();
    let line = Line::new(ranks.clone(), values.clone(), Rgb::from_hex(0x444444));
    let chosen = |indices: &[usize], colour: u32, shape: MarkerShape, name: &str| {
        let pick = |from: &[f64]| indices.iter().map(|index| from[*index]).collect();
        let marker = Marker::new(shape);
        let points = Points::new(pick(&ranks), pick(&values), Rgb::from_hex(colour), marker);
        Layer::Points(points.named(name))
    };
    let layers = vec![
        Layer::Line(line.named("all eigenvalues")),
        chosen(&[0, 1, 2], 0x2166ac, MarkerShape::Circle, "largest"),
        chosen(
            &[57, 58, 59],
            0xb2182b,
            MarkerShape::Diamond,
            "most negative",
        ),
    ];
    let x = Axis::linear("eigenvalue rank", (0.0, 61.0))
        .with_major(ticks::at(&[1.0, 20.0, 40.0, 60.0], ticks::plain));
    let y = Axis::linear("eigenvalue λ_{i}  (10^{−2})", (-10.0, 10.0));
    let row = |label: &str, indices: [usize; 3]| -> Result<GridRow> {
        let cell = |index: usize| -> Result<Option<GridCell>> {
            let caption = format!("λ_{{{}}} = {}", index + 1, ticks::decimal(values[index], 1));
            Ok(Some(GridCell::new(
                caption,
                wave(3.0, index as f64 / 11.0)?,
            )))
        };
        let cells = indices.into_iter().map(cell).collect::<Result<_>>()?;
        Ok(GridRow {
            label: label.into(),
            cells,
        })
    };
    let colours = ColourScale::diverging(1.0);
    let rows = vec![row("positive", [0, 1, 2])?, row("negative", [59, 58, 57])?];
    let grid = ImageGrid::new(rows, colours.clone());
    let bar = ColourBar {
        ticks: vec![
            Tick::new(-1.0, "−"),
            Tick::new(0.0, "0"),
            Tick::new(1.0, "+"),
        ],
        ..ColourBar::new("", colours)
    };
    Ok(Figure {
        columns: vec![1.1, 1.0],
        legend: Some(Legend::below("")),
        ..Figure::new(
            "Spectrum of digit 3",
            "Sorted eigenvalues, three largest and three most negative marked, with their eigenvectors.",
            820.0,
            2,
            vec![
                Panel::axes("(a) Eigenvalues", Axes::new(x, y, layers)),
                Panel::images("(b) Eigenvectors", grid).with_colour_bar(bar),
            ],
        )
    })
}

/// A row of pictures in colours of their own, under names of any length.
fn pictures() -> Result<Figure> {
    let names = [
        "frog",
        "a name of several words",
        "truck",
        "automobile",
        "deer",
    ];
    let mut cells = Vec::new();
    for (name, tint) in names.iter().zip((0..).map(Rgb::categorical)) {
        let light = wave(f64::from(tint.red), 1.0)?;
        let shade = |value: &f64| tint.mix(Rgb::WHITE, 0.5 + 0.5 * value);
        let colours = light.values().iter().map(shade).collect();
        let bitmap = Bitmap::new(light.rows(), light.columns(), colours)?;
        cells.push(Some(GridCell::new(*name, bitmap)));
    }
    let label = String::new();
    let colours = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
    let grid = ImageGrid::new(vec![GridRow { label, cells }], colours);
    Ok(Figure::new(
        "Pictures with their classes",
        "Five small pictures in colour, each below the name of its class.",
        640.0,
        1,
        vec![Panel::images("", grid)],
    ))
}

/// Words at points of a cloud, on axes that are not drawn.
fn words() -> Figure {
    let mut noise = Noise(3);
    let mut layers = Vec::new();
    for (class, colour) in (0..10).zip((0..).map(Rgb::categorical)) {
        let (y, x) = (0.628 * f64::from(class)).sin_cos();
        let mut near = |middle: f64| (0..60).map(|_| middle + 0.07 * noise.normal()).collect();
        let points = Points::new(near(x), near(y), colour, Marker::dot(2.0));
        let opacity = 0.7;
        layers.push(Layer::Points(Points { opacity, ..points }));
        let word = format!("class {class}");
        layers.push(Layer::Texts(Texts::one((x, y), word, Rgb::BLACK)));
    }
    let range = (-1.4, 1.4);
    let axes = Axes::new(Axis::bare(range), Axis::bare(range), layers);
    let panels = vec![Panel::axes("", axes.with_aspect(1.0))];
    let description = "Ten clouds of points, each with its name at its middle.";
    Figure::new("Classes by name", description, 480.0, 1, panels)
}

/// A smooth 28 x 28 picture within −1 to 1, its corners missing.
fn wave(class: f64, rank: f64) -> Result<Matrix> {
    let side = 28;
    let mut values = Vec::new();
    for row in 0..side {
        for column in 0..side {
            let (y, x) = (f64::from(row) / 13.5 - 1.0, f64::from(column) / 13.5 - 1.0);
            let angle = y.atan2(x);
            let radius = x.hypot(y);
            let ring = ((3.0 + rank) * radius + class).sin();
            let spokes = ((1.0 + rank.floor() % 4.0) * angle + class).cos();
            values.push(ring * spokes * (-2.0 * (radius - 0.45).powi(2)).exp());
        }
    }
    Matrix::new(28, 28, values)
}

/// A small generator of repeatable noise (Knuth's MMIX constants).
struct Noise(u64);

impl Noise {
    /// About normal: the sum of twelve uniform numbers, less six.
    fn normal(&mut self) -> f64 {
        let uniform = |state: &mut u64| {
            *state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (*state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..12).map(|_| uniform(&mut self.0)).sum::<f64>() - 6.0
    }
}
