//! Checks of a figure before it is laid out.

use crate::axis::{Axis, AxisKind, Tick};
use crate::colour::{ColourScale, OutOfRange};
use crate::description::{Axes, ColourBar, Content, Figure, Panel};
use crate::error::{FigureError, Result};
use crate::image_grid::{ImageGrid, Picture};
use crate::layer::{Band, Image, Layer, Line, Marker, Points, Texts};
use crate::matrix::Matrix;

/// Refuses a figure that cannot be drawn.
pub(super) fn figure(figure: &Figure) -> Result<()> {
    let place = "figure";
    if figure.title.trim().is_empty() {
        return Err(FigureError::empty(place, "the title"));
    }
    positive(place, "the width", figure.width)?;
    if figure.columns.is_empty() {
        return Err(FigureError::empty(place, "the list of columns"));
    }
    for weight in &figure.columns {
        positive(place, "the weight of a column", *weight)?;
    }
    if figure.panels.is_empty() {
        return Err(FigureError::empty(place, "the list of panels"));
    }
    for (index, panel) in figure.panels.iter().enumerate() {
        self::panel(panel, &panel_place(index, panel))?;
    }
    Ok(())
}

/// Name of a panel in errors.
pub(super) fn panel_place(index: usize, panel: &Panel) -> String {
    match panel.title.as_str() {
        "" => format!("panel {}", index + 1),
        title => format!("panel {} \"{title}\"", index + 1),
    }
}

fn panel(panel: &Panel, place: &str) -> Result<()> {
    match &panel.content {
        Content::Axes(axes) => self::axes(axes, place)?,
        Content::Images(grid) => image_grid(grid, place)?,
    }
    panel
        .colour_bar
        .as_ref()
        .map_or(Ok(()), |bar| colour_bar(bar, place))
}

fn axes(axes: &Axes, place: &str) -> Result<()> {
    axis(&axes.x, &format!("{place}, x axis"))?;
    axis(&axes.y, &format!("{place}, y axis"))?;
    if let Some(aspect) = axes.aspect {
        positive(place, "the aspect", aspect)?;
    }
    for (index, layer) in axes.layers.iter().enumerate() {
        let place = |kind: &str| format!("{place}, layer {} ({kind})", index + 1);
        match layer {
            Layer::Line(layer) => line(layer, axes, &place("line"))?,
            Layer::Band(layer) => band(layer, axes, &place("band"))?,
            Layer::Points(layer) => points(layer, axes, &place("points"))?,
            Layer::Image(layer) => image(layer, axes, &place("image"))?,
            Layer::Texts(layer) => texts(layer, axes, &place("texts"))?,
        }
    }
    Ok(())
}

fn axis(axis: &Axis, place: &str) -> Result<()> {
    range(place, "the axis", axis.range)?;
    if axis.kind == AxisKind::Log {
        for (position, value) in [axis.range.0, axis.range.1].into_iter().enumerate() {
            require_positive(place, "the range", position, value)?;
        }
    }
    ticks(&axis.major, axis.range, place)?;
    ticks(&axis.minor, axis.range, place)
}

fn ticks(ticks: &[Tick], range: (f64, f64), place: &str) -> Result<()> {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    // Differences by rounding are not visible.
    let slack = 1e-9 * (high - low);
    let outside = |tick: &&Tick| !(low - slack <= tick.at && tick.at <= high + slack);
    let tick = ticks.iter().find(outside);
    refuse(place, tick, |tick| {
        format!("the tick {} lies outside {low} to {high}", tick.at)
    })
}

fn line(line: &Line, axes: &Axes, place: &str) -> Result<()> {
    same_length(place, "y", line.y.len(), line.x.len())?;
    data(place, "x", &line.x, &axes.x, Gaps::Refused)?;
    data(place, "y", &line.y, &axes.y, Gaps::Allowed)?;
    positive(place, "the line's width", line.width)?;
    line.marker
        .map_or(Ok(()), |marker| self::marker(marker, place))
}

fn band(band: &Band, axes: &Axes, place: &str) -> Result<()> {
    same_length(place, "the lower edge", band.lower.len(), band.x.len())?;
    same_length(place, "the upper edge", band.upper.len(), band.x.len())?;
    if band.name.is_none() || !band.x.is_empty() {
        data(place, "x", &band.x, &axes.x, Gaps::Refused)?;
        for (what, values) in [
            ("the lower edge", &band.lower),
            ("the upper edge", &band.upper),
        ] {
            finite(place, what, values, Gaps::Allowed)?;
        }
    }
    opacity(place, band.opacity)
}

fn points(points: &Points, axes: &Axes, place: &str) -> Result<()> {
    same_length(place, "y", points.y.len(), points.x.len())?;
    if points.name.is_none() || !points.x.is_empty() {
        data(place, "x", &points.x, &axes.x, Gaps::Refused)?;
        data(place, "y", &points.y, &axes.y, Gaps::Refused)?;
    }
    marker(points.marker, place)?;
    opacity(place, points.opacity)
}

fn texts(texts: &Texts, axes: &Axes, place: &str) -> Result<()> {
    same_length(place, "y", texts.y.len(), texts.x.len())?;
    let count = texts.texts.len();
    same_length(place, "the list of texts", count, texts.x.len())?;
    data(place, "x", &texts.x, &axes.x, Gaps::Refused)?;
    data(place, "y", &texts.y, &axes.y, Gaps::Refused)
}

fn image(image: &Image, axes: &Axes, place: &str) -> Result<()> {
    if axes.x.kind == AxisKind::Log || axes.y.kind == AxisKind::Log {
        return Err(FigureError::invalid(place, "an image needs linear axes"));
    }
    range(place, "the columns", image.x)?;
    range(place, "the rows", image.y)?;
    colour_scale(&image.colours, place)?;
    cells_in_range(&image.values, &image.colours, place)?;
    match &image.cell_texts {
        None => Ok(()),
        Some(texts) => {
            let cells = image.values.values().len();
            same_length(place, "the list of cell texts", texts.len(), cells)
        }
    }
}

fn image_grid(grid: &ImageGrid, place: &str) -> Result<()> {
    let Some(first) = grid.cells().next() else {
        return Err(FigureError::empty(place, "the grid of images"));
    };
    let shape = |picture: &Picture| (picture.rows(), picture.columns());
    let expected = shape(&first.picture);
    for cell in grid.cells() {
        let found = shape(&cell.picture);
        if found != expected {
            let reason = format!(
                "an image has {} x {} pixels, the first one {} x {}",
                found.0, found.1, expected.0, expected.1
            );
            return Err(FigureError::invalid(place, reason));
        }
        if let Picture::Numbers(values) = &cell.picture {
            cells_in_range(values, &grid.colours, place)?;
        }
    }
    if !grid.column_labels.is_empty() {
        let labels = grid.column_labels.len();
        same_length(place, "the list of column labels", labels, grid.columns())?;
    }
    positive(place, "the largest cell", grid.largest_cell)?;
    colour_scale(&grid.colours, place)
}

fn colour_bar(bar: &ColourBar, place: &str) -> Result<()> {
    let place = format!("{place}, colour bar");
    colour_scale(&bar.colours, &place)?;
    ticks(&bar.ticks, bar.colours.range, &place)
}

fn colour_scale(scale: &ColourScale, place: &str) -> Result<()> {
    let (low, high) = scale.range;
    range(place, "the colour scale", scale.range)?;
    let rising = low < high;
    let centred = scale
        .centre
        .is_none_or(|centre| low < centre && centre < high);
    refuse(place, (!(rising && centred)).then_some(()), |()| {
        format!("the colour scale {low} to {high} does not rise, or its centre lies outside")
    })
}

fn cells_in_range(values: &Matrix, scale: &ColourScale, place: &str) -> Result<()> {
    let (low, high) = scale.range;
    let outside = |value: &&f64| **value < low || **value > high;
    if scale.out_of_range == OutOfRange::EndColour {
        return Ok(());
    }
    let value = values.values().iter().find(outside);
    refuse(place, value, |value| {
        format!("the cell value {value} lies outside {low} to {high}")
    })
}

/// Returns an error if something was `found`.
fn refuse<T>(place: &str, found: Option<T>, reason: impl Fn(T) -> String) -> Result<()> {
    match found {
        None => Ok(()),
        Some(found) => Err(FigureError::invalid(place, reason(found))),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// NaN is allowed.
    Allowed,
    Refused,
}

fn data(place: &str, what: &str, values: &[f64], axis: &Axis, gaps: Gaps) -> Result<()> {
    finite(place, what, values, gaps)?;
    if axis.kind == AxisKind::Log {
        for (position, value) in values.iter().enumerate() {
            if !value.is_nan() {
                require_positive(place, what, position, *value)?;
            }
        }
    }
    Ok(())
}

fn finite(place: &str, what: &str, values: &[f64], gaps: Gaps) -> Result<()> {
    if values.is_empty() {
        return Err(FigureError::empty(place, what));
    }
    let refused = |value: &f64| value.is_infinite() || (value.is_nan() && gaps == Gaps::Refused);
    match values.iter().position(refused) {
        None => Ok(()),
        Some(position) => Err(FigureError::not_finite(
            place,
            what,
            position,
            values[position],
        )),
    }
}

fn require_positive(place: &str, what: &str, position: usize, value: f64) -> Result<()> {
    let refused = (value.is_nan() || value <= 0.0).then_some(value);
    refuse(place, refused, |value| {
        format!("{what} holds {value} at position {position}, but the axis is logarithmic")
    })
}

fn range(place: &str, what: &str, (start, end): (f64, f64)) -> Result<()> {
    let extent = end - start;
    let empty = !extent.is_finite() || extent == 0.0;
    refuse(place, empty.then_some(()), |()| {
        format!(
            "the range {start} to {end} of {what} is not a range (finite, distinct ends expected)"
        )
    })
}

fn marker(marker: Marker, place: &str) -> Result<()> {
    positive(place, "the marker's radius", marker.radius)
}

fn positive(place: &str, what: &str, value: f64) -> Result<()> {
    let good = value > 0.0 && value.is_finite();
    refuse(place, (!good).then_some(value), |value| {
        format!("{what} is {value}, expected a positive number")
    })
}

fn opacity(place: &str, value: f64) -> Result<()> {
    let good = (0.0..=1.0).contains(&value);
    refuse(place, (!good).then_some(value), |value| {
        format!("the opacity is {value}, expected a number from 0 to 1")
    })
}

fn same_length(place: &str, what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(FigureError::length(place, what, found, expected))
}
