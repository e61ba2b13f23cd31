//! Positions of the entries of a legend, and the choice of entries if there are too many.

use crate::error::Result;
use crate::legend::{Legend, LegendEntry};
use crate::text::Font;
use crate::{theme, ticks};

/// Widest name of an entry beside and below the panels, px.
const WIDEST_NAME: f64 = 210.0;
const WIDEST_NAME_BELOW: f64 = 360.0;
/// Most lines of a name below the panels.
const NAME_LINES: usize = 2;
/// Smallest width of a title above a column of entries, px, and its most lines.
const NARROWEST_TITLE: f64 = 110.0;
const TITLE_LINES: usize = 3;
/// Most rows of a legend below the panels, in a wide figure and in one of at most [`NARROW`] px.
const ROWS_BELOW: usize = 8;
const ROWS_BELOW_NARROW: usize = 40;
const NARROW: f64 = 480.0;
/// Fewest rows of a legend beside the panels.
const FEWEST_ROWS: usize = 6;
/// Most entries that are arranged in rows, and number of entries that determine the width of a column.
const MOST_IN_ROWS: usize = 64;
const MOST_MEASURED: usize = 64;

/// A legend with the positions of its entries, px, relative to its top left corner.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LegendLayout {
    /// Lines of the title, each with the start of its baseline.
    pub title: Vec<(f64, f64, String)>,
    /// Entries that have room.
    pub entries: Vec<PlacedEntry>,
    /// Note about the entries without room ("… and 130 more"), with the left end of its middle line.
    pub more: Option<(f64, f64, String)>,
    pub width: f64,
    pub height: f64,
}

/// An entry of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlacedEntry {
    /// Full name and look.
    pub entry: LegendEntry,
    /// Lines of the name, shortened if it is long.
    pub lines: Vec<String>,
    /// Left end of the entry, px.
    pub x: f64,
    /// Middle of the first line of the entry, px.
    pub y: f64,
}

/// The entries of a legend that have room.
struct Chosen {
    /// Entries with the lines of their names.
    entries: Vec<(LegendEntry, Vec<String>)>,
    left_out: usize,
}

impl Chosen {
    /// Chooses at most `most` entries and breaks or shortens their names to `room` px. If there are more, one fewer is chosen, since
    /// the last row is a note about the others.
    fn new(
        font: &Font<'_>,
        entries: Vec<LegendEntry>,
        ordered: bool,
        most: usize,
        (room, most_lines): (f64, usize),
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
        let names = broken(font, &names, room, most_lines)?;
        Ok(Self {
            left_out: count - kept,
            entries: entries.into_iter().zip(names).collect(),
        })
    }

    /// The widest line of each name, and the note about the others.
    fn texts(&self, font: &Font<'_>) -> Result<Vec<String>> {
        let mut texts = Vec::with_capacity(self.entries.len() + 1);
        for (_, lines) in &self.entries {
            let mut widest = (0.0, "");
            for line in lines {
                let width = font.width(line, theme::LEGEND_TEXT)?;
                if width > widest.0 {
                    widest = (width, line);
                }
            }
            texts.push(widest.1.to_owned());
        }
        texts.extend(self.more());
        Ok(texts)
    }

    fn more(&self) -> Option<String> {
        (self.left_out > 0).then(|| left_out(self.left_out))
    }

    /// Places the entries and the note at the positions that `place` returns.
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
            .map(|(index, (entry, lines))| {
                let (x, y) = place(index);
                PlacedEntry { entry, lines, x, y }
            });
        (entries.collect(), more)
    }
}

/// "… and 130 more".
fn left_out(count: usize) -> String {
    format!("… and {} more", ticks::grouped(count as u64))
}

impl LegendLayout {
    /// Arranges entries in columns of at most `height` px with a total width of at most `width` px, but at least one column of
    /// a few rows. Ordered entries have a single column.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub(crate) fn columns(
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
        let chosen = Chosen::new(font, entries, legend.ordered, most, (WIDEST_NAME, 1))?;
        let names = chosen.texts(font)?;
        let count = names.len();
        let columns = count.div_ceil(fitting).max(1);
        let rows = count.div_ceil(columns).max(1);
        let (names, more) = names.split_at(chosen.entries.len());
        let more = font.widest(more.iter().map(String::as_str), theme::LEGEND_TEXT)?;
        let step = step(names)?.max(more + theme::LEGEND_COLUMN_GAP);
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

    /// Arranges entries in rows of at most `width` px, after the title or, if that is long, below it.
    ///
    /// # Errors
    /// As [`Font::width`].
    pub(crate) fn rows(
        font: &Font<'_>,
        legend: &Legend,
        entries: Vec<LegendEntry>,
        width: f64,
    ) -> Result<Self> {
        let title = font.elide(&legend.title, theme::LEGEND_TITLE, width)?;
        let title_width = font.width(&title, theme::LEGEND_TITLE)?;
        // A long title stands above the entries.
        let (indent, header) = match title.as_str() {
            "" => (0.0, 0.0),
            _ if title_width > width / 3.0 => (0.0, theme::LEGEND_ROW),
            _ => (title_width + theme::LEGEND_COLUMN_GAP, 0.0),
        };
        let most_rows = if width <= NARROW {
            ROWS_BELOW_NARROW
        } else {
            ROWS_BELOW
        };
        let room = width - indent - theme::LEGEND_HANDLE - theme::LEGEND_HANDLE_GAP;
        let room = room.min(WIDEST_NAME_BELOW);
        let mut most = MOST_IN_ROWS;
        let (chosen, rows) = loop {
            let chosen = Chosen::new(
                font,
                entries.clone(),
                legend.ordered,
                most,
                (room, NAME_LINES),
            )?;
            let texts = chosen.texts(font)?;
            let rows = Rows::new(font, &texts, width - indent)?;
            if rows.count <= most_rows || most <= 2 {
                break (chosen, rows);
            }
            let in_a_row = texts.len().div_ceil(rows.count);
            most = (most_rows * in_a_row).min(most - 1);
        };
        let mut heights = vec![theme::LEGEND_ROW; rows.count];
        for ((_, lines), (row, _)) in chosen.entries.iter().zip(&rows.places) {
            let more = lines.len().saturating_sub(1) as f64;
            let height = theme::LEGEND_ROW + more * theme::LEGEND_TEXT.line_height();
            heights[*row] = heights[*row].max(height);
        }
        let top = |row: usize| header + heights[..row].iter().sum::<f64>();
        let (entries, more) = chosen.placed(|index| {
            let (row, x) = rows.places[index];
            (indent + x, top(row) + 0.5 * theme::LEGEND_ROW)
        });
        let baseline = 0.5 * theme::LEGEND_ROW + theme::LEGEND_TITLE.middle_drop();
        Ok(Self {
            title: match title.as_str() {
                "" => Vec::new(),
                _ => vec![(0.0, baseline, title)],
            },
            entries,
            more,
            width: (indent + rows.width).max(title_width),
            height: top(rows.count),
        })
    }
}

/// Breaks all names into at most so many lines of `room` px, or shortens all to one line if that is too few.
fn broken(
    font: &Font<'_>,
    names: &[&str],
    room: f64,
    most_lines: usize,
) -> Result<Vec<Vec<String>>> {
    let widest = font.widest(names.iter().copied(), theme::LEGEND_TEXT)?;
    if widest > room && widest <= room * most_lines as f64 {
        let lines = names
            .iter()
            .map(|name| font.wrap(name, theme::LEGEND_TEXT, room));
        let lines = lines.collect::<Result<Vec<_>>>()?;
        if lines.iter().all(|lines| lines.len() <= most_lines) {
            return Ok(lines);
        }
    }
    let short = font.shortened(names, theme::LEGEND_TEXT, room)?;
    Ok(short.into_iter().map(|name| vec![name]).collect())
}

/// Places of entries in rows.
struct Rows {
    /// Row and left end of every entry.
    places: Vec<(usize, f64)>,
    count: usize,
    width: f64,
}

impl Rows {
    /// Arranges entries with these texts in rows of at most `width` px, if each has that room: in columns as wide as their widest
    /// entries, or in equal cells of which a wide entry takes several, whichever has fewer rows or is narrower.
    fn new(font: &Font<'_>, texts: &[String], width: f64) -> Result<Self> {
        let widths = texts.iter().map(|text| entry_width(font, [text]));
        let widths = widths.collect::<Result<Vec<f64>>>()?;
        let mut best = Self::in_columns(&widths, width);
        for cell in widths.iter().take(MOST_MEASURED) {
            let rows = Self::in_cells(&widths, *cell, width);
            if (rows.count, rows.width.round() as u64) < (best.count, best.width.round() as u64) {
                best = rows;
            }
        }
        Ok(best)
    }

    fn in_columns(widths: &[f64], width: f64) -> Self {
        let count = widths.len().max(1);
        let starts = |columns: usize| {
            let mut starts = vec![0.0];
            for column in 0..columns {
                let own = widths.iter().skip(column).step_by(columns);
                let widest = own.copied().fold(0.0, f64::max);
                starts.push(starts[column] + widest + theme::LEGEND_COLUMN_GAP);
            }
            starts
        };
        let end = |starts: &[f64]| starts[starts.len() - 1] - theme::LEGEND_COLUMN_GAP;
        let fitting = (1..count)
            .map(|rows| starts(count.div_ceil(rows)))
            .find(|starts| end(starts) <= width);
        let starts = fitting.unwrap_or_else(|| starts(1));
        let columns = starts.len() - 1;
        Self {
            places: (0..widths.len())
                .map(|index| (index / columns, starts[index % columns]))
                .collect(),
            count: count.div_ceil(columns),
            width: end(&starts),
        }
    }

    fn in_cells(widths: &[f64], cell: f64, width: f64) -> Self {
        let step = cell + theme::LEGEND_COLUMN_GAP;
        let columns = (((width + theme::LEGEND_COLUMN_GAP) / step).floor() as usize).max(1);
        let (mut row, mut column, mut end) = (0, 0, 0.0f64);
        let mut places = Vec::with_capacity(widths.len());
        for own in widths {
            let taken = (own + theme::LEGEND_COLUMN_GAP) / step;
            // An entry takes no more cells than its own width needs, rounding errors aside.
            let taken = (taken - 1e-9).ceil() as usize;
            if column > 0 && column + taken > columns {
                (row, column) = (row + 1, 0);
            }
            let x = column as f64 * step;
            places.push((row, x));
            end = end.max(x + own);
            column += taken;
        }
        Self {
            places,
            count: row + 1,
            width: end,
        }
    }
}

fn entry_width<'t>(font: &Font<'_>, texts: impl IntoIterator<Item = &'t String>) -> Result<f64> {
    let text = font.widest(texts.into_iter().map(String::as_str), theme::LEGEND_TEXT)?;
    Ok(theme::LEGEND_HANDLE + theme::LEGEND_HANDLE_GAP + text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_entry_takes_several_cells_and_moves_no_column() {
        let gap = theme::LEGEND_COLUMN_GAP;
        let font = Font::bundled().unwrap();
        let mut texts: Vec<String> = (0..10).map(|class| class.to_string()).collect();
        texts.push("black rim: wrong (n = 11)".to_owned());
        let step = entry_width(&font, ["0".to_owned()].iter()).unwrap() + gap;
        let rows = Rows::new(&font, &texts, 5.5 * step).unwrap();
        let places = (0..10).map(|index| (index / 5, (index % 5) as f64 * step));
        let places: Vec<(usize, f64)> = places.chain([(2, 0.0)]).collect();
        assert_eq!(rows.places, places);
        assert_eq!(rows.count, 3);
        // Entries of one row keep their own widths.
        let texts = ["a", "a longer name", "b"].map(str::to_owned);
        let rows = Rows::new(&font, &texts, 400.0).unwrap();
        assert_eq!(rows.count, 1);
        assert!(rows.places[2].1 < 200.0, "{:?}", rows.places);
    }

    #[test]
    fn names_are_broken_before_they_are_shortened() {
        let font = Font::bundled().unwrap();
        let name = "last eigenvalue above the Marchenko-Pastur law";
        let lines = |most| broken(&font, &[name, "weights"], 160.0, most).unwrap();
        let whole = ["last eigenvalue above the", "Marchenko-Pastur law"];
        assert_eq!(lines(2), [&whole[..], &["weights"]]);
        let [short, weights] = &lines(1)[..] else {
            panic!("two names");
        };
        assert!(short.len() == 1 && short[0].contains('…'), "{short:?}");
        assert_eq!(weights[..], ["weights"]);
    }
}
