//! The places of a legend's entries, and which of too many entries it has room for.

use crate::error::Result;
use crate::legend::{Legend, LegendEntry};
use crate::text::Font;
use crate::{theme, ticks};

/// Widest name of an entry beside and below the panels, px.
const WIDEST_NAME: f64 = 210.0;
const WIDEST_NAME_BELOW: f64 = 360.0;
/// Room for a title above a column of narrow entries, px, and the most lines that it has.
const NARROWEST_TITLE: f64 = 110.0;
const TITLE_LINES: usize = 3;
/// Most rows of a legend below the panels: of a wide figure, and of one no wider than [`NARROW`] px.
const ROWS_BELOW: usize = 8;
const ROWS_BELOW_NARROW: usize = 40;
const NARROW: f64 = 480.0;
/// Rows that a legend beside the panels has, however low they are.
const FEWEST_ROWS: usize = 6;
/// Entries of which the arrangement in rows is tried, and those whose names tell how wide a column is.
const MOST_IN_ROWS: usize = 64;
const MOST_MEASURED: usize = 64;

/// A legend with the place of every entry, relative to its own top left corner.
#[derive(Clone, Debug, PartialEq)]
pub struct LegendLayout {
    /// Lines of the title, each with the start of its baseline, px.
    pub title: Vec<(f64, f64, String)>,
    /// The entries that have room.
    pub entries: Vec<PlacedEntry>,
    /// Left end of the middle line of the last row, px, and how many entries have no room: "… and 130 more".
    pub more: Option<(f64, f64, String)>,
    /// Of all, px.
    pub width: f64,
    /// Of all, px.
    pub height: f64,
}

/// An entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub struct PlacedEntry {
    /// What it looks like, and its full name.
    pub entry: LegendEntry,
    /// The name, shortened where it is long.
    pub text: String,
    /// Left end of the row's middle line, px.
    pub x: f64,
    /// The row's middle line, px.
    pub y: f64,
}

/// The entries of a legend that have room.
struct Chosen {
    /// Each with its name as it is drawn.
    entries: Vec<(LegendEntry, String)>,
    left_out: usize,
}

impl Chosen {
    /// At most `most` entries with names of at most `room` px, one less if there are more entries: the last row says how
    /// many those are.
    fn new(
        font: &Font<'_>,
        entries: Vec<LegendEntry>,
        ordered: bool,
        most: usize,
        room: f64,
    ) -> Result<Self> {
        let count = entries.len();
        let kept = if count > most {
            most.saturating_sub(1).max(1)
        } else {
            count
        };
        let entries: Vec<LegendEntry> = match (ordered, kept) {
            (true, 2..) if kept < count => (0..kept)
                .map(|index| index * (count - 1) / (kept - 1))
                .map(|index| entries[index].clone())
                .collect(),
            _ => entries.into_iter().take(kept).collect(),
        };
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        let texts = font.shortened(&names, theme::LEGEND_TEXT, room)?;
        Ok(Self {
            left_out: count - kept,
            entries: entries.into_iter().zip(texts).collect(),
        })
    }

    /// The names with what is said of those left out.
    fn texts(&self) -> Vec<String> {
        let names = self.entries.iter().map(|(_, text)| text.clone());
        names.chain(self.more()).collect()
    }

    fn more(&self) -> Option<String> {
        (self.left_out > 0).then(|| left_out(self.left_out))
    }

    /// Gives each entry its place in the grid.
    fn placed(
        self,
        place: impl Fn(usize) -> (f64, f64),
    ) -> (Vec<PlacedEntry>, Option<(f64, f64, String)>) {
        let more = self.more().map(|text| {
            let (x, y) = place(self.entries.len());
            (x, y, text)
        });
        let entries = self
            .entries
            .into_iter()
            .enumerate()
            .map(|(index, (entry, text))| {
                let (x, y) = place(index);
                PlacedEntry { entry, text, x, y }
            });
        (entries.collect(), more)
    }
}

/// "… and 130 more".
fn left_out(count: usize) -> String {
    format!("… and {} more", ticks::grouped(count as u64))
}

impl LegendLayout {
    /// In columns of at most `height` px and no wider than `width` px together, but of one column and a few rows at
    /// least; one of ordered entries in a single column.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn columns(
        font: &Font<'_>,
        legend: &Legend,
        entries: Vec<LegendEntry>,
        (width, height): (f64, f64),
    ) -> Result<Self> {
        let step = |texts: &[String]| -> Result<f64> {
            Ok(entry_width(font, texts)? + theme::LEGEND_COLUMN_GAP)
        };
        let first = entries.iter().take(MOST_MEASURED);
        let names: Vec<&str> = first.map(|entry| entry.name.as_str()).collect();
        let names = font.shortened(&names, theme::LEGEND_TEXT, WIDEST_NAME)?;
        let title_room = entry_width(font, &names)?.max(NARROWEST_TITLE);
        let title = font.lines(&legend.title, theme::LEGEND_TITLE, title_room, TITLE_LINES)?;
        let header = match title.len().checked_sub(1) {
            None => 0.0,
            Some(more) => theme::LEGEND_ROW + 2.0 + more as f64 * theme::LEGEND_TITLE.line_height(),
        };
        let fitting = ((height - header) / theme::LEGEND_ROW).floor() as usize;
        let fitting = fitting.max(FEWEST_ROWS);
        let widest_more = match entries.len() <= fitting {
            true => 0.0,
            false => font.width(&left_out(entries.len()), theme::LEGEND_TEXT)?,
        };
        let column = step(&names)?.max(widest_more + theme::LEGEND_COLUMN_GAP);
        let beside = ((width + theme::LEGEND_COLUMN_GAP) / column).floor() as usize;
        // A few entries explain the order of all.
        let beside = if legend.ordered { 1 } else { beside.max(1) };
        let most = fitting.saturating_mul(beside);
        let chosen = Chosen::new(font, entries, legend.ordered, most, WIDEST_NAME)?;
        let count = chosen.texts().len();
        let columns = count.div_ceil(fitting).max(1);
        let rows = count.div_ceil(columns).max(1);
        let names: Vec<String> = chosen
            .entries
            .iter()
            .map(|(_, text)| text.clone())
            .collect();
        let more = font.width(&chosen.more().unwrap_or_default(), theme::LEGEND_TEXT)?;
        let step = step(&names)?.max(more + theme::LEGEND_COLUMN_GAP);
        let (entries, more) = chosen.placed(|index| {
            let x = (index / rows) as f64 * step;
            (
                x,
                header + ((index % rows) as f64 + 0.5) * theme::LEGEND_ROW,
            )
        });
        let columns_width = columns as f64 * step - theme::LEGEND_COLUMN_GAP;
        let title_width = font.widest(title.iter().map(String::as_str), theme::LEGEND_TITLE)?;
        let lines = title.into_iter().enumerate().map(|(index, line)| {
            let down = index as f64 * theme::LEGEND_TITLE.line_height();
            (0.0, theme::LEGEND_TITLE.ascent() + down, line)
        });
        Ok(Self {
            title: lines.collect(),
            entries,
            more,
            width: columns_width.max(title_width),
            height: header + rows as f64 * theme::LEGEND_ROW,
        })
    }

    /// In rows of at most `width` px, the title before the first.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub fn rows(
        font: &Font<'_>,
        legend: &Legend,
        entries: Vec<LegendEntry>,
        width: f64,
    ) -> Result<Self> {
        let title = font.elide(&legend.title, theme::LEGEND_TITLE, width / 3.0)?;
        let indent = match title.as_str() {
            "" => 0.0,
            title => font.width(title, theme::LEGEND_TITLE)? + theme::LEGEND_COLUMN_GAP,
        };
        let most_rows = if width <= NARROW {
            ROWS_BELOW_NARROW
        } else {
            ROWS_BELOW
        };
        let room = width - indent - theme::LEGEND_HANDLE - theme::LEGEND_HANDLE_GAP;
        let room = room.min(WIDEST_NAME_BELOW);
        let mut most = MOST_IN_ROWS;
        let (chosen, starts, rows) = loop {
            let chosen = Chosen::new(font, entries.clone(), legend.ordered, most, room)?;
            let texts = chosen.texts();
            let (starts, rows) = fitting_columns(font, &texts, width - indent)?;
            if rows <= most_rows || most <= 2 {
                break (chosen, starts, rows);
            }
            most = (most_rows * (starts.len() - 1)).min(most - 1);
        };
        let columns = starts.len() - 1;
        let (entries, more) = chosen.placed(|index| {
            let y = ((index / columns) as f64 + 0.5) * theme::LEGEND_ROW;
            (indent + starts[index % columns], y)
        });
        let baseline = 0.5 * theme::LEGEND_ROW + theme::LEGEND_TITLE.middle_drop();
        Ok(Self {
            title: match title.as_str() {
                "" => Vec::new(),
                _ => vec![(0.0, baseline, title)],
            },
            entries,
            more,
            width: indent + starts[columns],
            height: rows as f64 * theme::LEGEND_ROW,
        })
    }
}

/// Where each column starts when entries run along rows of at most `width` px, where the last one ends, and the number
/// of rows.
fn fitting_columns(font: &Font<'_>, texts: &[String], width: f64) -> Result<(Vec<f64>, usize)> {
    let count = texts.len().max(1);
    for rows in 1..count {
        let columns = count.div_ceil(rows);
        let starts = column_starts(font, texts, columns)?;
        if starts[columns] <= width {
            return Ok((starts, count.div_ceil(columns)));
        }
    }
    Ok((column_starts(font, texts, 1)?, count))
}

fn column_starts(font: &Font<'_>, texts: &[String], columns: usize) -> Result<Vec<f64>> {
    let mut starts = vec![0.0];
    let mut end = 0.0;
    for column in 0..columns {
        let own = texts.iter().skip(column).step_by(columns);
        end = starts[column] + entry_width(font, own)?;
        starts.push(end + theme::LEGEND_COLUMN_GAP);
    }
    starts[columns] = end;
    Ok(starts)
}

fn entry_width<'t>(font: &Font<'_>, texts: impl IntoIterator<Item = &'t String>) -> Result<f64> {
    let text = font.widest(texts.into_iter().map(String::as_str), theme::LEGEND_TEXT)?;
    Ok(theme::LEGEND_HANDLE + theme::LEGEND_HANDLE_GAP + text)
}
