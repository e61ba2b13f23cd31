//! Legends for plotly.js: an entry for all traces of a name, which switches them on and off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Paper;
use super::keys::Keys;
use super::narrow::NARROW;
use super::text::{rich_lines, styled};
use crate::error::Result;
use crate::layout::{Layout, LegendLayout};
use crate::markup;
use crate::text::Font;
use crate::theme;

/// What plotly.js leaves beside the name of an entry and around a legend, px: the handle with its gaps, and a gap.
const HANDLE: f64 = 40.0;
const GAP: f64 = 5.0;
/// Lowest entry, and distance of entries, px.
const LOWEST: f64 = 16.0;
const BETWEEN: f64 = 3.0;
/// Height of a line of text, relative to its size.
const LINE: f64 = 1.3;
/// Difference of the widths of a text here and in a browser at most, px.
const UNSURE: f64 = 1.5;

/// Assigns a trace with a name to the legend of its panel, if there is one.
pub(super) fn assign(trace: &mut Value, legend: Option<String>) {
    trace["showlegend"] = json!(false);
    let drawn_by_name = ["line", "band", "points"]
        .iter()
        .any(|what| trace["meta"]["what"] == *what);
    if let (Some(name), Some(legend), true) =
        (trace["meta"].get("name").cloned(), legend, drawn_by_name)
    {
        trace["legendgroup"] = name;
        trace["legend"] = json!(legend);
    }
}

/// The entries that a legend has room for.
pub(super) struct Entries<'a> {
    /// First panel whose layers have entries in it.
    pub(super) panel: usize,
    /// The entries by their names (without markup).
    pub(super) names: BTreeMap<String, Entry>,
    pub(super) more: Option<&'a str>,
}

/// An entry of a legend.
pub(super) struct Entry {
    /// Its place among all.
    rank: usize,
    /// Lines of the short form of the name.
    lines: Vec<String>,
}

/// Width and height of an entry of a legend in plotly.js, px, and those of all in their order.
type Size = (f64, f64);
pub(super) type Sizes = Vec<Size>;

/// The legends of a figure by their keys. Names have room on small screens.
pub(super) fn entries<'a>(
    font: &Font<'_>,
    place: &'a Layout,
    keys: &Keys,
) -> Result<BTreeMap<String, Entries<'a>>> {
    let shared = place.legend.iter().map(|(legend, ..)| {
        let first = place.panels.iter().position(|panel| panel.legend.is_none());
        (keys.shared_legend(), first.unwrap_or(0), legend)
    });
    let own = place
        .panels
        .iter()
        .enumerate()
        .filter_map(|(panel, place)| {
            let (legend, ..) = place.legend.as_ref()?;
            Some((keys.panel_legend(panel), panel, legend))
        });
    let legends = shared.chain(own).map(|(key, panel, legend)| {
        let names = legend.entries.iter().zip(1..).filter_map(|(placed, rank)| {
            let name = markup::plain(&placed.entry.name).ok()?;
            let lines = short_lines(font, &placed.lines);
            Some(lines.map(|lines| (name, Entry { rank, lines })))
        });
        let entries = Entries {
            panel,
            names: names.collect::<Result<_>>()?,
            more: legend.more.as_ref().map(|(.., text)| text.as_str()),
        };
        Ok((key, entries))
    });
    legends.collect()
}

/// The lines of a name, broken again where they are wider than a small screen.
fn short_lines(font: &Font<'_>, lines: &[String]) -> Result<Vec<String>> {
    let room = NARROW - HANDLE - GAP - UNSURE;
    let mut short = Vec::new();
    for line in lines {
        short.extend(font.wrap(line, theme::LEGEND_TEXT, room)?);
    }
    Ok(short)
}

/// The sizes of the entries of all legends, once these are [chosen](choose_entries).
pub(super) fn sizes(
    font: &Font<'_>,
    traces: &[Value],
    legends: &BTreeMap<String, Entries<'_>>,
) -> Result<BTreeMap<String, Sizes>> {
    let mut ranked: BTreeMap<String, Vec<(usize, Size)>> = BTreeMap::new();
    for trace in traces.iter().filter(|trace| trace["showlegend"] == true) {
        let Some((key, legend)) = trace["legend"]
            .as_str()
            .and_then(|key| legends.get_key_value(key))
        else {
            continue;
        };
        let named = trace["legendgroup"].as_str();
        let (rank, lines): (_, Vec<&str>) = match named.and_then(|name| legend.names.get(name)) {
            Some(Entry { rank, lines }) => (*rank, lines.iter().map(String::as_str).collect()),
            None => (usize::MAX, legend.more.into_iter().collect()),
        };
        let text = lines.len() as f64 * LINE * theme::LEGEND_TEXT.size;
        let width = font.widest(lines, theme::LEGEND_TEXT)?;
        let size = (HANDLE + width + UNSURE, text.max(LOWEST) + BETWEEN);
        ranked.entry(key.clone()).or_default().push((rank, size));
    }
    let in_order = ranked.into_iter().map(|(key, mut sizes)| {
        sizes.sort_by_key(|(rank, _)| *rank);
        (key, sizes.into_iter().map(|(_, size)| size).collect())
    });
    Ok(in_order.collect())
}

/// Width and height of entries in rows of at most `room` px, as plotly.js arranges them.
fn in_rows(sizes: &[Size], room: f64) -> Size {
    let (mut widest, mut right) = (0.0f64, 0.0);
    let (mut above, mut row) = (0.0, 0.0f64);
    for (width, height) in sizes {
        if right > 0.0 && right + width + GAP > room {
            above += row;
            (right, row) = (0.0, 0.0);
        }
        right += width + GAP;
        row = row.max(*height);
        widest = widest.max(right);
    }
    (widest, above + row + 2.0 * GAP)
}

/// How a legend stands below the plots.
pub(super) struct Below {
    /// Side of the entries that the title is on: plotly.js does not count the width of a title at the left.
    side: &'static str,
    /// Height, px.
    pub(super) height: f64,
}

impl Below {
    /// Measures a legend below plots of `room` px.
    pub(super) fn new(
        font: &Font<'_>,
        legend: &LegendLayout,
        sizes: &[Size],
        room: f64,
    ) -> Result<Self> {
        let (width, height) = in_rows(sizes, room);
        let lines = legend.title.iter().map(|(.., line)| line.as_str());
        let title = font.widest(lines, theme::LEGEND_TITLE)? + UNSURE + 2.0 * GAP;
        let title_height = legend.title.len() as f64 * LINE * theme::LEGEND_TITLE.size;
        Ok(match width + title <= room {
            true => Self {
                side: "left",
                height: height.max(title_height + 2.0 * GAP),
            },
            false => Self {
                side: "top",
                height: height + title_height,
            },
        })
    }
}

/// Chooses the trace that represents each name in the legend: its first line or points that are seen, or else its first band.
///
/// `entry` returns the entry of a name (without markup) in a legend (its key), if the legend has room for it.
pub(super) fn choose_entries<'a>(
    traces: &mut [Value],
    entry: impl Fn(&str, &str) -> Option<&'a Entry>,
) -> Result<()> {
    let mut chosen = BTreeSet::new();
    for look in [Look::Marks, Look::Area, Look::Unseen] {
        for trace in traces.iter_mut() {
            let (Some(legend), Some(group)) =
                (trace["legend"].as_str(), trace["legendgroup"].as_str())
            else {
                continue;
            };
            let (Some(entry), true) = (entry(legend, group), Look::of(trace) == look) else {
                continue;
            };
            if chosen.insert((legend.to_owned(), group.to_owned())) {
                rename(trace, rich_lines(&entry.lines)?);
                trace["showlegend"] = json!(true);
                trace["legendrank"] = json!(entry.rank);
            }
        }
    }
    Ok(())
}

/// What the handle of a trace in a legend looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Marks,
    Area,
    /// Points that can only be pointed at.
    Unseen,
}

impl Look {
    fn of(trace: &Value) -> Self {
        let is_unseen = |marks: &Value| marks["opacity"].as_f64() == Some(0.0);
        match trace["meta"]["what"] == "band" {
            true => Self::Area,
            false if is_unseen(trace) || is_unseen(&trace["marker"]) => Self::Unseen,
            false => Self::Marks,
        }
    }
}

/// Gives a trace a short name. The label at a point still has the full name.
fn rename(trace: &mut Value, short: String) {
    let Some(long) = trace["name"].as_str().filter(|name| *name != short) else {
        return;
    };
    if let Some(template) = trace["hovertemplate"].as_str() {
        trace["hovertemplate"] = json!(template.replace("%{fullData.name}", long));
    }
    trace["name"] = json!(short);
}

/// The last entry of a legend without room for all, which states how many are left out.
pub(super) fn more(text: &str, legend: String, in_space: bool) -> Value {
    let mut trace = json!({
        "type": "scatter",
        "mode": "markers",
        "x": [null],
        "y": [null],
        "marker": {"color": "#00000000"},
        "hoverinfo": "skip",
        "name": text,
        "showlegend": true,
        "legend": legend,
        "meta": {"what": "more"},
    });
    if in_space {
        trace["type"] = json!("scatter3d");
        trace["z"] = json!([null]);
    }
    trace
}

/// A legend with its top left corner at this position, px, or in rows below the plots.
pub(super) fn place(
    legend: &LegendLayout,
    (x, y): (f64, f64),
    paper: Paper,
    below: Option<&Below>,
) -> Result<Value> {
    let lines: Vec<String> = legend.title.iter().map(|(.., line)| line.clone()).collect();
    let title = match lines.as_slice() {
        [] => String::new(),
        lines => styled(&rich_lines(lines)?, theme::LEGEND_TITLE),
    };
    // Entries are wider than in the still picture. Below the plots they may take the whole width.
    let (x, anchor, orientation, side) = match below {
        Some(below) => (0.5, "center", "h", below.side),
        None => (paper.x(x), "left", "v", "top"),
    };
    Ok(json!({
        "x": x,
        "xanchor": anchor,
        "y": paper.y(y),
        "yanchor": "top",
        "orientation": orientation,
        "title": {"text": title, "side": side, "font": {"size": theme::LEGEND_TITLE.size}},
        "font": {"size": theme::LEGEND_TEXT.size},
        "itemsizing": "constant",
        "itemwidth": 30,
        "tracegroupgap": 0,
        "bgcolor": "#00000000",
    }))
}
