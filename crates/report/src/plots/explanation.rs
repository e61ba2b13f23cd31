//! Why one image is classified as it is: its logits, what the eigenpairs add to the largest of them, and the strongest eigenvectors.

use eigenscope_artifact::tables::interactions::{ContributionRow, ExplanationRow, LogitRow};
use eigenscope_artifact::{ImageTable, InputShape};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::series::{padded_range, whole_ticks};
use crate::parts::{channels, relative};
use eigenscope_figure::{
    Axes, Axis, Band, Bitmap, ColourMap, ColourScale, Figure, GridCell, GridRow, ImageGrid, Layer,
    Legend, Line, Marker, Panel, Points, Rgb, Tick, ticks,
};

/// Contributions drawn at each end.
const ENDS: usize = 12;
/// Most classes with a bar each.
const MOST_BARS: usize = 40;
/// Width of a bar, relative to the room of a class.
const BAR: f64 = 0.7;
/// Radius of the dots at the ends of bars and at contributions, px.
const DOT: f64 = 2.6;
/// Colour of the bars of classes whose eigenpairs are not drawn.
const OTHER: Rgb = Rgb::NEUTRAL;
/// Largest width of a picture, px.
const PICTURE: f64 = 90.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "explanation",
        "one image, its logits, and what the eigenpairs add to the largest of them",
        task_function!(run),
    )
    .reads(Role::one(
        "explanation",
        ExplanationRow::KIND,
        "image and eigenvectors to draw",
    ))
    .reads(
        Role::one(
            "contributions",
            ContributionRow::KIND,
            "what the eigenpairs add",
        )
        .agrees(Agreement::task("contributions", "explanation")),
    )
    .reads(
        Role::one("logits", LogitRow::KIND, "logits of the image")
            .agrees(Agreement::task("logits", "explanation")),
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("explanation")?;
    let pictures = ImageTable::<ExplanationRow>::read(&input.path)?;
    let contributions: Vec<ContributionRow> = context.read("contributions")?;
    let logits: Vec<LogitRow> = context.read("logits")?;
    let title = |title: &str| labels::titled(title, input);
    write(context, draw(&pictures, &contributions, &logits, title)?)
}

fn draw(
    pictures: &ImageTable<ExplanationRow>,
    contributions: &[ContributionRow],
    logits: &[LogitRow],
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let image = pictures.rows.iter().find(|row| row.row.what == "image");
    let image = image.ok_or("the table has no image")?;
    let label = class_name(pictures, image.row.class);
    let predicted = logits
        .iter()
        .reduce(|best, row| if row.logit > best.logit { row } else { best });
    let predicted = predicted.ok_or("the table of logits has no rows")?;
    let mut classes: Vec<&str> = Vec::new();
    for row in contributions {
        if classes.last() != Some(&row.class.as_str()) {
            classes.push(&row.class);
        }
    }
    let (of, verdict) = match predicted.is_label {
        true => (String::new(), format!("“{label}”, rightly")),
        false => (
            format!(" (“{label}”)"),
            format!("“{}”, though it is “{label}”", predicted.class),
        ),
    };
    let panels = vec![
        image_panel(pictures.header.shape, &image.images[0])?,
        eigenvectors(pictures, &classes)?,
        logit_panel(logits, &classes),
        contribution_panel(contributions, &classes),
    ];
    let across = channels::across(pictures.header.shape) as f64;
    let left_out = match logits.len() > MOST_BARS {
        true => format!(
            " Of the {} logits, the {MOST_BARS} largest are drawn, that of its class among them.",
            logits.len()
        ),
        false => String::new(),
    };
    Ok(Figure {
        columns: vec![0.4 * across, 0.9 * across, 1.0, 1.0],
        legend: Some(Legend::below("Class")),
        ..Figure::new(
            titled(&format!(
                "Why test image {}{of} is classified as “{}”",
                image.row.index, predicted.class
            )),
            format!(
                "Test image {} is classified as {verdict}. The image and, for each of the {} largest logits, the eigenvectors that add and \
                 subtract most, each scaled to its own largest value; the logits; and what the eigenpairs of these classes add, in \
                 order.{left_out}",
                image.row.index,
                classes.len(),
            ),
            1090.0 + 300.0 * (across - 1.0),
            4,
            panels,
        )
    })
}

fn class_name(pictures: &ImageTable<ExplanationRow>, class: u32) -> String {
    let name = pictures.header.classes.get(class as usize);
    name.cloned().unwrap_or_default()
}

/// The image as the model reads it: grey or, of three channels, in colour; in the colours of eigenvectors if some of its values are negative.
fn image_panel(shape: InputShape, values: &[f32]) -> Result<Panel, TaskError> {
    let is_signed = values.iter().any(|value| *value < 0.0);
    let colours = match is_signed {
        true => relative::colours(),
        false => ColourScale::new(ColourMap::Grey, (0.0, 1.0)),
    };
    let (small, reduced) = channels::reduced(shape, values);
    let is_in_colour = !is_signed && small.channels == 3 && reduced.len() == small.len();
    let cell = match is_in_colour {
        true => Some(GridCell::new("", in_colour(small, &reduced)?)),
        false => relative::cell(shape, values, "")?,
    };
    let rows = vec![GridRow {
        label: String::new(),
        cells: vec![cell],
    }];
    let mut grid = ImageGrid::new(rows, colours);
    grid.largest_cell = PICTURE;
    if !is_in_colour {
        channels::explain(&mut grid, shape);
    }
    Ok(Panel::images("Image", grid))
}

/// A picture whose largest value is the brightest.
fn in_colour(shape: InputShape, values: &[f32]) -> Result<Bitmap, TaskError> {
    let largest = values.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let bright = |value: f32| (255.0 * value / largest).round() as u8;
    let pixels = shape.height * shape.width;
    let colours = (0..pixels).map(|pixel| Rgb {
        red: bright(values[pixel]),
        green: bright(values[pixels + pixel]),
        blue: bright(values[2 * pixels + pixel]),
    });
    Ok(Bitmap::new(shape.height, shape.width, colours.collect())?)
}

/// The two eigenvectors of each class.
fn eigenvectors(
    pictures: &ImageTable<ExplanationRow>,
    classes: &[&str],
) -> Result<Panel, TaskError> {
    let shape = pictures.header.shape;
    let cell = |what: &str, class: &str| {
        let row = pictures
            .rows
            .iter()
            .find(|row| row.row.what == what && class_name(pictures, row.row.class) == class);
        let Some(row) = row else { return Ok(None) };
        let caption = row.row.contribution.map_or_else(String::new, signed);
        relative::cell(shape, &row.images[0], caption)
    };
    let rows = classes.iter().map(|class| {
        Ok(GridRow {
            label: (*class).to_owned(),
            cells: vec![cell("positive", class)?, cell("negative", class)?],
        })
    });
    let rows = rows.collect::<Result<Vec<_>, TaskError>>()?;
    let mut grid = ImageGrid::new(rows, relative::colours());
    grid.column_labels = vec!["adds most".to_owned(), "subtracts most".to_owned()];
    grid.row_title = "Class".to_owned();
    grid.largest_cell = PICTURE;
    Ok(relative::panel("Eigenvectors", grid, shape))
}

/// A number with its sign.
fn signed(value: f64) -> String {
    let text = ticks::decimal(value, 2);
    if value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// The logits that are drawn, in the order of the classes: all, or the largest and that of the class of the image.
fn drawn_logits(logits: &[LogitRow]) -> Vec<&LogitRow> {
    let mut places: Vec<usize> = (0..logits.len()).collect();
    if logits.len() > MOST_BARS {
        places.sort_by(|a, b| {
            let (one, other) = (&logits[*a], &logits[*b]);
            let by_label = other.is_label.cmp(&one.is_label);
            by_label.then(other.logit.total_cmp(&one.logit))
        });
        places.truncate(MOST_BARS);
        places.sort_unstable();
    }
    places.iter().map(|place| &logits[*place]).collect()
}

/// A bar for each class, those with eigenpairs in the colours of these.
fn logit_panel(logits: &[LogitRow], classes: &[&str]) -> Panel {
    let shown = drawn_logits(logits);
    let mut bars: Vec<(Option<usize>, [Layer; 2])> = Vec::new();
    for (place, row) in shown.iter().enumerate() {
        let number = classes.iter().position(|class| *class == row.class);
        let middle = place as f64 + 0.5;
        let sides = vec![middle - BAR / 2.0, middle + BAR / 2.0];
        let (colour, name) = match number {
            Some(number) => (Rgb::categorical(number), in_quotes(&row.class)),
            None => (OTHER, "another class".to_owned()),
        };
        let band = Band {
            opacity: 1.0,
            name: Some(name.clone()),
            ..Band::new(
                sides,
                vec![row.logit.min(0.0); 2],
                vec![row.logit.max(0.0); 2],
                colour,
            )
        };
        // Not seen, but pointed at on pages.
        let end = Points {
            opacity: 0.0,
            ..Points::new(vec![middle], vec![row.logit], colour, Marker::dot(DOT))
        };
        let bar = [Layer::Band(band), Layer::Points(end.named(name))];
        bars.push((number, bar));
    }
    // The legend has the order of the eigenvectors.
    bars.sort_by_key(|(number, _)| number.unwrap_or(usize::MAX));
    let layers = bars.into_iter().flat_map(|(_, bar)| bar);
    let names = shown.iter().map(|row| row.class.clone());
    let values = shown.iter().map(|row| row.logit).chain([0.0]);
    let y = Axis::linear("Logit", padded_range(values));
    let title = match shown.len() == logits.len() {
        true => "Logits".to_owned(),
        false => format!("Logits: {} of {} classes", shown.len(), logits.len()),
    };
    let axes = Axes::new(Axis::categories("Class", names), y, layers.collect());
    Panel::axes(title, axes)
}

/// The name of a class in the legend.
fn in_quotes(class: &str) -> String {
    format!("“{class}”")
}

/// The contributions of each class in order: of many, both ends.
fn contribution_panel(contributions: &[ContributionRow], classes: &[&str]) -> Panel {
    let mut layers = Vec::new();
    let mut last = 1;
    let mut is_cut = false;
    for (number, class) in classes.iter().enumerate() {
        let own: Vec<&ContributionRow> = contributions
            .iter()
            .filter(|row| row.class == *class)
            .collect();
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (place, row) in own.iter().enumerate() {
            let from_end = own.len() - place;
            if place < ENDS || from_end <= ENDS {
                let shown = if place < ENDS {
                    place + 1
                } else {
                    2 * ENDS + 2 - from_end
                };
                if own.len() > 2 * ENDS && from_end == ENDS {
                    is_cut = true;
                    x.push(ENDS as f64 + 1.0);
                    y.push(f64::NAN);
                }
                x.push(shown.min(place + 1) as f64);
                y.push(row.contribution);
                last = last.max(shown.min(place + 1));
            }
        }
        let line = Line::new(x, y, Rgb::categorical(number)).named(in_quotes(class));
        layers.push(Layer::Line(Line {
            marker: Some(Marker::dot(DOT)),
            ..line
        }));
    }
    let range = (0.5, last.max(2) as f64 + 0.5);
    let values = contributions.iter().map(|row| row.contribution);
    let y = Axis::linear("λ (v·x)²", padded_range(values.chain([0.0])));
    let x = Axis::linear("Eigenpairs, largest contribution first", range);
    let x = match is_cut {
        false => x.with_major(whole_ticks(range)),
        true => x.with_major(vec![
            Tick::new(1.0, "first"),
            Tick::new(ENDS as f64 + 1.0, "…"),
            Tick::new(2.0 * ENDS as f64 + 1.0, "last"),
        ]),
    };
    Panel::axes("What eigenpairs add", Axes::new(x, y, layers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eigenscope_figure::{Content, Matrix, Picture};

    fn logits(count: usize, label: usize) -> Vec<LogitRow> {
        let row = |class: usize| LogitRow {
            class: class.to_string(),
            logit: (class * 7 % count) as f64,
            is_label: class == label,
            quadratic: 0.0,
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn the_image_has_a_panel_of_its_own_in_its_own_colours() {
        let picture = |channels: usize, values: &[f32]| {
            let shape = InputShape::from([channels, 1, 2]);
            let panel = image_panel(shape, values).expect("drawn");
            assert_eq!(panel.title, "Image");
            let Content::Images(grid) = panel.content else {
                panic!("images");
            };
            let cell = grid.cells().next().expect("an image").clone();
            assert_eq!(grid.cells().count(), 1);
            (cell.picture, grid.colours, grid.tiling.is_some())
        };
        let grey = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
        let (one, colours, _) = picture(1, &[0.5, 0.25]);
        let values = Matrix::new(1, 2, vec![1.0, 0.5]).expect("values");
        assert_eq!((one, colours), (Picture::Numbers(values), grey));
        let (three, _, is_tiled) = picture(3, &[0.5, 0.0, 0.0, 0.5, 0.25, 0.0]);
        let [pink, green] =
            [(255, 0, 128), (0, 255, 0)].map(|(red, green, blue)| Rgb { red, green, blue });
        let colours = Bitmap::new(1, 2, vec![pink, green]).expect("colours");
        assert_eq!((three, is_tiled), (Picture::Colours(colours), false));
        let (_, colours, is_tiled) = picture(3, &[-0.5, 0.0, 0.0, 0.5, 0.25, 0.0]);
        assert_eq!((colours, is_tiled), (relative::colours(), true));
    }

    #[test]
    fn of_many_logits_the_largest_are_drawn_with_that_of_the_label() {
        let few = logits(40, 3);
        assert_eq!(drawn_logits(&few).len(), 40);
        // The smallest of a hundred is that of class 0.
        let many = logits(100, 0);
        let drawn = drawn_logits(&many);
        assert_eq!(drawn.len(), MOST_BARS);
        assert_eq!((drawn[0].class.as_str(), drawn[0].logit), ("0", 0.0));
        assert!(drawn[1..].iter().all(|row| row.logit >= 61.0));
        let panel = logit_panel(&many, &["14", "0"]);
        assert_eq!(panel.title, "Logits: 40 of 100 classes");
        let bars = panel.layers().iter().step_by(2);
        let names: Vec<_> = bars.map(|bar| bar.name().unwrap_or_default()).collect();
        assert_eq!(names.len(), MOST_BARS);
        assert_eq!(names[..3], ["“14”", "“0”", "another class"]);
    }
}
