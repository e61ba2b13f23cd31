//! Figures for paper: laid out for a stated width and size of text, not scaled to them.
//!
//! The layout is computed in the px of the theme, of which so many make a mm that tick labels have the stated size. The drawing is
//! exactly as wide as stated, without the margin that figures on a screen have. Panels move below each other, and legends below the
//! panels, where plots would become too narrow; plots and small images become lower where the drawing would be higher than a page.

use crate::description::{Axes, Content, Figure, Panel};
use crate::error::Result;
use crate::layout::{Layout, PanelLayout, layout};
use crate::legend::{Legend, LegendPlace};
use crate::theme;

const POINTS_PER_MM: f64 = 72.0 / 25.4;
/// Part of the margin that is cut off on all sides, px.
pub(crate) const CUT: f64 = theme::EDGE - 2.0;
/// Smallest width of a plot that is wide enough, px.
const WIDE_ENOUGH: f64 = 110.0;
/// Width and height of the printed part of a page, mm. Wider drawings may be as much higher.
const PAGE_MM: (f64, f64) = (180.0, 240.0);
/// Smallest height of a plot that is lowered, mm and px, and smallest width of a small image, mm.
const LOWEST_PLOT_MM: f64 = 16.0;
const LOWEST_PLOT: f64 = 45.0;
const SMALLEST_IMAGE_MM: f64 = 6.0;
/// Width of a pixel of an image that is seen well, px, and factor by which pixels must grow for the parts of images to stand below each
/// other.
const LARGE_ENOUGH: f64 = 3.0;
const WORTH_RETILING: f64 = 1.25;
/// Share of their room that this leaves plots at least.
const ROOM_LEFT: f64 = 0.7;
/// Smallest factor by which heights are multiplied, and number of times that the range of the factor is halved.
const LOWEST: f64 = 0.02;
const HALVINGS: usize = 8;
/// Smallest share of the width that the plots of a row should have.
const PLOTS_SHARE: f64 = 0.5;

/// Width of a drawing on paper, and size of its text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paper {
    /// Width of the drawing, mm.
    pub width_mm: f64,
    /// Size of tick labels and legends, points. Titles are larger, and captions of small images a little smaller.
    pub font_pt: f64,
}

impl Paper {
    /// Width of the drawing in px of the layout.
    pub(crate) fn width(self) -> f64 {
        self.width_mm * POINTS_PER_MM * theme::TICK_LABEL.size / self.font_pt
    }

    /// Greatest height of a drawing, mm.
    fn tallest_mm(self) -> f64 {
        let (width, height) = PAGE_MM;
        height * (self.width_mm / width).max(1.0)
    }
}

/// How a figure came out on paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    /// Size of tick labels, points; smaller than stated if the figure needs more than the stated width.
    pub font_pt: f64,
    /// Height of the drawing, mm.
    pub height_mm: f64,
    /// Greatest height that fits a page, mm.
    pub tallest_mm: f64,
}

/// The same figure on paper. Its arrangement is that of the figure if all plots stay wide enough and fit a page, otherwise the one of
/// fewer columns and a legend below in which they do, or come closest. What is still higher than a page has lower plots.
///
/// # Errors
/// A description that cannot be drawn.
pub fn on_paper(figure: &Figure, paper: Paper) -> Result<Figure> {
    let figure = resized(figure, paper);
    let (usual, mut best) = best_arrangement(&figure, paper)?;
    let mut largest = pixel(&best)?;
    let has_plots = figure
        .panels
        .iter()
        .any(|panel| matches!(panel.content, Content::Axes(_)));
    for across in fewer_across(&figure) {
        if largest >= LARGE_ENOUGH {
            break;
        }
        let (room, candidate) = best_arrangement(&retiled(&figure, across)?, paper)?;
        let pixel = pixel(&candidate)?;
        let plots_keep_room = !has_plots || room >= ROOM_LEFT * usual;
        if plots_keep_room && pixel >= WORTH_RETILING * largest {
            (best, largest) = (candidate, pixel);
        }
    }
    Ok(best)
}

/// Smaller numbers of parts in a row that leave no row of an image short, largest first.
fn fewer_across(figure: &Figure) -> Vec<usize> {
    let tilings = figure
        .panels
        .iter()
        .filter_map(|panel| match &panel.content {
            Content::Images(grid) => grid.tiling.as_ref(),
            Content::Axes(_) => None,
        });
    let most = tilings.clone().map(|tiling| tiling.across).max();
    let fewer = (1..most.unwrap_or(1)).rev();
    let is_full = |across: &usize| tilings.clone().all(|tiling| tiling.count % across == 0);
    fewer.filter(is_full).collect()
}

/// The figure with at most so many parts of its images side by side.
fn retiled(figure: &Figure, across: usize) -> Result<Figure> {
    let mut figure = figure.clone();
    for panel in &mut figure.panels {
        if let Content::Images(grid) = &mut panel.content
            && grid
                .tiling
                .as_ref()
                .is_some_and(|tiling| tiling.across > across)
        {
            *grid = grid.retiled(across)?;
        }
    }
    Ok(figure)
}

/// Width of a pixel of the images that consist of several parts, the smallest of all such grids; infinite without any, px.
fn pixel(figure: &Figure) -> Result<f64> {
    let places = layout(figure)?.panels;
    let mut smallest = f64::INFINITY;
    for (panel, place) in figure.panels.iter().zip(&places) {
        let (Content::Images(grid), Some(cells)) = (&panel.content, &place.images) else {
            continue;
        };
        let columns = grid.cells().map(|cell| cell.picture.columns()).next();
        if let (Some(_), Some(columns)) = (&grid.tiling, columns) {
            smallest = smallest.min(cells.cell_width / columns as f64);
        }
    }
    Ok(smallest)
}

/// The figure in the first arrangement in which plots have room, or the one that comes closest, and how much room they have there.
fn best_arrangement(figure: &Figure, paper: Paper) -> Result<(f64, Figure)> {
    let mut best: Option<(f64, Figure)> = None;
    for columns in numbers_of_columns(figure) {
        for place in [LegendPlace::Right, LegendPlace::Below] {
            let Some(candidate) = arranged(figure, columns, place) else {
                continue;
            };
            let (candidate, height) = within_page(candidate, paper)?;
            let room = room(&candidate, &layout(&candidate)?).min(height);
            if room >= 1.0 {
                return Ok((room, candidate));
            }
            if best.as_ref().is_none_or(|(most, _)| room > *most) {
                best = Some((room, candidate));
            }
        }
    }
    Ok(best.unwrap_or_else(|| (0.0, figure.clone())))
}

/// How a figure comes out on paper; `None` for a figure that is not on paper.
///
/// # Errors
/// A description that cannot be drawn.
pub fn drawn(figure: &Figure) -> Result<Option<Drawn>> {
    let Some(paper) = figure.paper else {
        return Ok(None);
    };
    let place = layout(figure)?;
    Ok(Some(Drawn {
        font_pt: paper.font_pt * paper.width() / width(&place, paper),
        height_mm: height_mm(&place, paper),
        tallest_mm: paper.tallest_mm(),
    }))
}

/// Width of a drawing in px of the layout. A layout that is narrower than the paper stands in its middle.
fn width(place: &Layout, paper: Paper) -> f64 {
    (place.width - 2.0 * CUT).max(paper.width())
}

/// Height of a drawing, mm.
fn height_mm(place: &Layout, paper: Paper) -> f64 {
    (place.height - 2.0 * CUT) * paper.width_mm / width(place, paper)
}

/// The figure with plots and small images low enough for a page, and the factor by which they are lower. Plots that are higher than wide
/// come first, down to squares.
fn within_page(figure: Figure, paper: Paper) -> Result<(Figure, f64)> {
    let (figure, _) = low_enough(figure, paper, less_upright)?;
    low_enough(figure, paper, lowered)
}

/// The figure lowered as little as fits a page, and the factor that does it.
fn low_enough(
    figure: Figure,
    paper: Paper,
    lowered: fn(&Figure, &Layout, Paper, f64) -> Figure,
) -> Result<(Figure, f64)> {
    let usual = layout(&figure)?;
    let fits = |place: &Layout| height_mm(place, paper) <= paper.tallest_mm();
    if fits(&usual) {
        return Ok((figure, 1.0));
    }
    let (mut low, mut high) = (LOWEST, 1.0);
    let mut lowest = lowered(&figure, &usual, paper, low);
    for _ in 0..HALVINGS {
        let middle = 0.5 * (low + high);
        let candidate = lowered(&figure, &usual, paper, middle);
        if fits(&layout(&candidate)?) {
            (low, lowest) = (middle, candidate);
        } else {
            high = middle;
        }
    }
    Ok((lowest, low))
}

/// Returns `true` for pictures of space, in which both directions have one scale and no axis is drawn.
fn is_of_space(axes: &Axes) -> bool {
    axes.x.major.is_empty() && axes.y.major.is_empty()
}

/// The figure with heights of upright plots multiplied by a factor, but not below their widths.
fn less_upright(figure: &Figure, usual: &Layout, _: Paper, factor: f64) -> Figure {
    let mut figure = figure.clone();
    for (panel, PanelLayout { plot, .. }) in figure.panels.iter_mut().zip(&usual.panels) {
        if let Content::Axes(axes) = &mut panel.content
            && plot.height > plot.width
            && !is_of_space(axes)
        {
            axes.aspect = Some((factor * plot.height / plot.width).max(1.0));
        }
    }
    figure
}

/// The figure with heights of plots multiplied by a factor, and sizes of small images by its root: their pixels need more room than
/// curves. Pictures of space stay as they are.
fn lowered(figure: &Figure, usual: &Layout, paper: Paper, factor: f64) -> Figure {
    // What is too wide is drawn smaller.
    let px_per_mm = width(usual, paper) / paper.width_mm;
    let lowest = (LOWEST_PLOT_MM * px_per_mm).max(LOWEST_PLOT);
    let mut figure = figure.clone();
    for (panel, place) in figure.panels.iter_mut().zip(&usual.panels) {
        let PanelLayout { plot, images, .. } = place;
        match (&mut panel.content, images) {
            (Content::Axes(axes), _) if is_of_space(axes) => {}
            (Content::Axes(axes), _) => {
                let lowest = plot.height.min(lowest);
                axes.aspect = Some((factor * plot.height).max(lowest) / plot.width);
            }
            (Content::Images(grid), Some(cells)) => {
                let parts = grid.tiling.as_ref().map_or(1, |tiling| tiling.across);
                let smallest = SMALLEST_IMAGE_MM * px_per_mm * parts as f64;
                let smallest = cells.cell_width.min(smallest);
                grid.largest_cell = (factor.sqrt() * cells.cell_width).max(smallest);
            }
            (Content::Images(_), None) => {}
        }
    }
    figure
}

/// The figure with the width of the paper: small images may grow with it, and flat plots keep a height.
fn resized(figure: &Figure, paper: Paper) -> Figure {
    let width = paper.width() + 2.0 * CUT;
    let factor = width / figure.width;
    let mut figure = Figure {
        width,
        paper: Some(paper),
        ..figure.clone()
    };
    for panel in &mut figure.panels {
        match &mut panel.content {
            Content::Axes(axes) => {
                let aspect = axes.aspect.as_mut();
                if let Some(aspect) = aspect.filter(|aspect| **aspect < theme::ASPECT) {
                    *aspect = (*aspect / factor).clamp(*aspect, theme::ASPECT);
                }
            }
            Content::Images(grid) => grid.largest_cell *= factor.max(1.0),
        }
    }
    figure
}

/// Numbers of columns to try, largest first.
fn numbers_of_columns(figure: &Figure) -> Vec<usize> {
    let all = figure.columns.len();
    match figure.by_column {
        false => (1..=all).rev().collect(),
        true => {
            let rows = figure.panels.len().div_ceil(all);
            let mut numbers = vec![all, rows, 1];
            numbers.retain(|number| *number <= all);
            numbers.dedup();
            numbers
        }
    }
}

/// The figure in so many columns with its legend at this place; `None` if that is another arrangement's.
fn arranged(figure: &Figure, columns: usize, place: LegendPlace) -> Option<Figure> {
    let mut arranged = figure.clone();
    if columns < figure.columns.len() {
        let order = figure.stacking_order();
        arranged.panels = order
            .iter()
            .map(|index| figure.panels[*index].clone())
            .collect();
        arranged.columns = vec![1.0; columns];
        if figure.panels.len() > 1 && figure.panels.iter().all(|panel| has_letter(&panel.title)) {
            arranged = with_letters(arranged);
        }
    }
    let moved = |legend: Legend| Legend { place, ..legend };
    let is_below = |legend: &Legend| legend.place == LegendPlace::Below;
    let stays_below = figure.legend.as_ref().is_some_and(is_below);
    match place {
        LegendPlace::Right => (!stays_below).then_some(arranged),
        LegendPlace::Below => {
            if let (None, [panel]) = (&arranged.legend, arranged.panels.as_mut_slice()) {
                arranged.legend = panel.legend.take();
            }
            arranged.legend = Some(moved(arranged.legend?));
            Some(arranged)
        }
    }
}

/// How well the plots have room: 1 or more if all are wide enough, and negative if the drawing is too wide.
fn room(figure: &Figure, place: &Layout) -> f64 {
    if place.width > figure.width + 1.0 {
        return figure.width / place.width - 1.0;
    }
    let columns = figure.columns.len();
    let panels = figure.panels.chunks(columns);
    let rows = panels.zip(place.panels.chunks(columns));
    let wide = rows.map(|(panels, places)| {
        let is_plot =
            |(panel, _): &(&Panel, &PanelLayout)| matches!(panel.content, Content::Axes(_));
        let plots = panels.iter().zip(places).filter(is_plot);
        let widths: Vec<f64> = plots.map(|(_, place)| place.plot.width).collect();
        let narrowest = widths.iter().copied().fold(f64::INFINITY, f64::min) / WIDE_ENOUGH;
        if widths.len() < places.len() {
            return narrowest;
        }
        // A last row that is not full leaves room on purpose.
        let all: f64 = widths.iter().sum();
        let share = all / figure.width * columns as f64 / places.len() as f64;
        narrowest.min(share / PLOTS_SHARE)
    });
    wide.fold(1.0, f64::min)
}

/// Letters such as "(a)" before the titles of the panels of a figure that has several.
#[must_use]
pub fn with_letters(mut figure: Figure) -> Figure {
    if figure.panels.len() > 1 {
        for (index, panel) in figure.panels.iter_mut().enumerate() {
            let title = without_letter(&panel.title);
            panel.title = format!("({}) {title}", letter(index)).trim_end().to_owned();
        }
    }
    figure
}

fn has_letter(title: &str) -> bool {
    without_letter(title).len() < title.len()
}

/// A title without the letter that it may begin with.
fn without_letter(title: &str) -> &str {
    let rest = title
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(") "));
    match rest {
        Some((letters, rest))
            if letters.len() == 1 && letters.bytes().all(|letter| letter.is_ascii_lowercase()) =>
        {
            rest
        }
        _ => title,
    }
}

/// a to z, then aa, ab and so on.
fn letter(mut index: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'a' + (index % 26) as u8));
        match index / 26 {
            0 => break,
            more => index = more - 1,
        }
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::samples;
    use crate::{Axis, GridCell, GridRow, ImageGrid, Matrix, Panel, drawn_texts, svg};
    use crate::{ColourMap, ColourScale};

    fn paper(width_mm: f64) -> Paper {
        Paper {
            width_mm,
            font_pt: 8.0,
        }
    }

    /// Width and height of a drawing, mm, and the width of its coordinates.
    fn sides(drawing: &str) -> (f64, f64, f64) {
        let document = roxmltree::Document::parse(drawing).unwrap();
        let root = document.root_element();
        let side = |name: &str| -> f64 {
            let side = root.attribute(name).unwrap();
            side.strip_suffix("mm").unwrap().parse().unwrap()
        };
        let view = root.attribute("viewBox").unwrap();
        let width = view.split(' ').nth(2).unwrap().parse().unwrap();
        (side("width"), side("height"), width)
    }

    #[test]
    fn a_drawing_is_as_wide_as_stated_with_text_of_the_stated_size() {
        for figure in samples::all() {
            for width in [88.0, 120.0, 180.0] {
                let sized = on_paper(&figure, paper(width)).unwrap();
                let drawing = svg(&sized).unwrap();
                let (mm, height, px) = sides(&drawing);
                assert_eq!(mm, width, "{}", figure.title);
                assert!(height > 10.0, "{}: {height} mm", figure.title);
                let px_of_a_tick_label = theme::TICK_LABEL.size * width / px * POINTS_PER_MM;
                let font = drawn(&sized).unwrap().unwrap().font_pt;
                assert!((px_of_a_tick_label - font).abs() < 0.05, "{font}");
                assert!(font > 7.0, "{} at {width} mm: {font} pt", figure.title);
            }
        }
    }

    #[test]
    fn nothing_of_a_drawing_is_cut_off() {
        for figure in samples::all() {
            for width in [88.0, 120.0, 180.0] {
                let drawing = svg(&on_paper(&figure, paper(width)).unwrap()).unwrap();
                let (mm, height, _) = sides(&drawing);
                // Renderers count 96 px an inch.
                let px = |mm: f64| mm / 25.4 * 96.0;
                for (text, [left, top, right, bottom]) in drawn_texts(&drawing).unwrap() {
                    let inside =
                        left >= 0.0 && top >= 0.0 && right <= px(mm) && bottom <= px(height);
                    assert!(inside, "{}: {text}", figure.title);
                }
            }
        }
    }

    #[test]
    fn panels_move_below_each_other_where_they_have_no_room() {
        let figure = samples::two_log_panels(LegendPlace::Right);
        let arrangement = |width: f64| {
            let figure = on_paper(&figure, paper(width)).unwrap();
            (figure.columns.len(), figure.legend.unwrap().place)
        };
        assert_eq!(arrangement(180.0), (2, LegendPlace::Right));
        assert_eq!(arrangement(88.0).0, 1);
    }

    #[test]
    fn a_plot_beside_images_is_wide_enough_and_what_is_below_it_leaves_no_blank() {
        let plot = |title: &str| {
            let axis = || Axis::linear("", (0.0, 1.0));
            Panel::axes(title, Axes::new(axis(), axis(), vec![]))
        };
        let row = |number: usize| GridRow {
            label: number.to_string(),
            cells: vec![Some(GridCell::new("", Matrix::new(8, 8, vec![0.5; 64]).unwrap())); 4],
        };
        let mut grid = ImageGrid::new(
            (0..8).map(row).collect(),
            ColourScale::new(ColourMap::Grey, (0.0, 1.0)),
        );
        grid.largest_cell = 40.0;
        let panels = vec![Panel::images("images", grid), plot("one"), plot("other")];
        let figure = Figure::new("Beside", "", 900.0, 3, panels);
        let sized = on_paper(&figure, paper(100.0)).unwrap();
        assert_eq!(sized.columns.len(), 2);
        let place = layout(&sized).unwrap();
        let [images, one, other] = place.panels.as_slice() else {
            panic!("three panels");
        };
        assert!(one.plot.width >= WIDE_ENOUGH);
        assert_eq!(one.plot.x, other.plot.x);
        assert!(other.plot.y > one.plot.bottom() && other.plot.y < images.plot.bottom());
    }

    /// A grid of images of three parts side by side.
    fn of_parts(rows: usize, columns: usize) -> ImageGrid {
        let cell = || GridCell::new("0.25", Matrix::new(12, 38, vec![0.5; 12 * 38]).unwrap());
        let row = |number: usize| GridRow {
            label: format!("class number {number}"),
            cells: vec![Some(cell()); columns],
        };
        let colours = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
        let mut grid = ImageGrid::new((0..rows).map(row).collect(), colours);
        grid.largest_cell = 270.0;
        grid.tiling = Some(crate::Tiling {
            count: 3,
            across: 3,
            gap: 1,
            in_words: ["from the top", "two in a row", "side by side"]
                .map(str::to_owned)
                .to_vec(),
        });
        grid
    }

    #[test]
    fn parts_of_images_stand_below_each_other_where_they_are_seen_better() {
        let figure = |rows, columns| {
            let panel = Panel::images("", of_parts(rows, columns));
            Figure::new("Parts", "", 900.0, 1, vec![panel])
        };
        let arranged = |figure: &Figure, width: f64| {
            let sized = on_paper(figure, paper(width)).unwrap();
            let Content::Images(grid) = &sized.panels[0].content else {
                panic!("images");
            };
            let across = grid.tiling.as_ref().unwrap().across;
            (across, pixel(&sized).unwrap(), svg(&sized).unwrap())
        };
        let (across, pixel, drawing) = arranged(&figure(3, 6), 88.0);
        assert_eq!(across, 1);
        assert!(pixel > 2.0, "{pixel}");
        assert!(drawing.contains("from the top") && !drawing.contains("side by side"));
        // A few have room enough, and many rows would be higher than a page.
        let (across, pixel, drawing) = arranged(&figure(3, 2), 180.0);
        assert!(across == 3 && pixel >= LARGE_ENOUGH, "{across} {pixel}");
        assert!(drawing.contains("side by side"));
        assert_eq!(arranged(&figure(20, 3), 88.0).0, 3);
    }

    #[test]
    fn upright_plots_become_lower_before_images_become_smaller() {
        let axis = || Axis::linear("x", (0.0, 1.0));
        let upright = Axes::new(axis(), axis(), vec![]).with_aspect(2.5);
        let row = |number: usize| GridRow {
            label: number.to_string(),
            cells: vec![Some(GridCell::new("", Matrix::new(8, 8, vec![0.5; 64]).unwrap())); 4],
        };
        let colours = ColourScale::new(ColourMap::Grey, (0.0, 1.0));
        let grid = ImageGrid::new((0..4).map(row).collect(), colours);
        let panels = vec![
            Panel::axes("upright", upright),
            Panel::images("images", grid),
        ];
        let figure = Figure::new("High", "", 900.0, 1, panels);
        let sized = on_paper(&figure, paper(88.0)).unwrap();
        let place = layout(&sized).unwrap();
        let cells = place.panels[1].images.as_ref().unwrap();
        // As wide as the page has room for.
        assert!(place.panels[1].plot.right() > 0.9 * place.width);
        assert!(cells.cell_width > 60.0, "{}", cells.cell_width);
        let plot = place.panels[0].plot;
        assert!(plot.height < 2.4 * plot.width && plot.height >= plot.width);
    }

    #[test]
    fn no_blank_stands_beside_plots_below_images_with_a_colour_bar() {
        let plot = |title: &str| {
            let axis = || Axis::linear("value", (0.0, 1.0));
            Panel::axes(title, Axes::new(axis(), axis(), vec![]))
        };
        let grid = of_parts(2, 3);
        let bar = crate::ColourBar::new("component", grid.colours.clone());
        let images = Panel::images("images", grid).with_colour_bar(bar);
        let panels = vec![images, plot("one"), plot("other")];
        let figure = Figure::new("Below", "", 900.0, 3, panels);
        let sized = on_paper(&figure, paper(88.0)).unwrap();
        assert_eq!(sized.columns.len(), 1);
        let place = layout(&sized).unwrap();
        let [images, one, other] = place.panels.as_slice() else {
            panic!("three panels");
        };
        assert!(place.width - one.plot.right() < 2.0 * theme::EDGE);
        assert_eq!(
            (one.plot.x, one.plot.width),
            (other.plot.x, other.plot.width)
        );
        // Titles stand at one place, labels of rows do not move the plots.
        assert!(one.plot.x < images.plot.x);
        assert_eq!((images.title_x, one.title_x), (one.plot.x, one.plot.x));
    }

    #[test]
    fn a_drawing_is_no_higher_than_a_page() {
        let plot = |number: usize| {
            let axes = Axes::new(
                Axis::linear("x", (0.0, 1.0)),
                Axis::linear("y", (0.0, 1.0)),
                vec![],
            );
            Panel::axes(format!("plot {number}"), axes.with_aspect(2.0))
        };
        let row = |number: usize| GridRow {
            label: number.to_string(),
            cells: vec![Some(GridCell::new(
                "caption",
                Matrix::new(8, 8, vec![0.5; 64]).unwrap(),
            ))],
        };
        let grid = ImageGrid::new(
            (0..8).map(row).collect(),
            ColourScale::new(ColourMap::Grey, (0.0, 1.0)),
        );
        let mut panels: Vec<Panel> = (0..3).map(plot).collect();
        panels.push(Panel::images("images", grid));
        let figure = Figure::new("High", "", 900.0, 4, panels);
        for (width, tallest) in [(60.0, 240.0), (88.0, 240.0), (180.0, 240.0), (360.0, 480.0)] {
            let sized = on_paper(&figure, paper(width)).unwrap();
            let (_, height, _) = sides(&svg(&sized).unwrap());
            let drawn = drawn(&sized).unwrap().unwrap();
            assert!(
                (drawn.height_mm - height).abs() < 0.1,
                "{} and {height}",
                drawn.height_mm
            );
            assert_eq!(drawn.tallest_mm, tallest);
            assert!(height <= tallest, "{height} mm at {width} mm");
        }
    }

    #[test]
    fn columns_that_belong_together_become_rows() {
        let names = ["a1", "a2", "a3", "b1", "b2", "b3"];
        let panel = |name: &&str| {
            let axes = Axes::new(
                Axis::linear("x", (0.0, 1.0)),
                Axis::linear("y", (0.0, 1.0)),
                vec![],
            );
            Panel::axes(*name, axes)
        };
        let panels = names.iter().map(panel).collect();
        let figure = Figure::new("Layers", "", 900.0, 3, panels).by_column();
        let arrangement = |figure: Figure, width: f64| {
            let figure = on_paper(&figure, paper(width)).unwrap();
            let titles = figure.panels.iter().map(|panel| panel.title.clone());
            (figure.columns.len(), titles.collect::<Vec<_>>())
        };
        let (columns, titles) = arrangement(figure.clone(), 88.0);
        assert_eq!(
            (columns, titles),
            (
                2,
                ["a1", "b1", "a2", "b2", "a3", "b3"]
                    .map(str::to_owned)
                    .to_vec()
            )
        );
        let (columns, titles) = arrangement(with_letters(figure), 88.0);
        assert_eq!((columns, titles[1].as_str()), (2, "(b) b1"));
    }

    #[test]
    fn letters_stand_before_titles() {
        let figure = samples::two_log_panels(LegendPlace::Right);
        let first = figure.panels[0].title.clone();
        let lettered = with_letters(figure);
        assert_eq!(lettered.panels[0].title, format!("(a) {first}"));
        assert!(lettered.panels[1].title.starts_with("(b)"));
        assert_eq!(with_letters(lettered.clone()), lettered);
        let alone = samples::images();
        assert_eq!(alone.panels.len(), 1);
        assert_eq!(with_letters(alone.clone()), alone);
        assert_eq!(
            [0, 25, 26, 51, 52].map(letter),
            ["a", "z", "aa", "az", "ba"]
        );
    }
}
