//! Legends for plotly.js: an entry for all traces of a name, which switches them on and off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Paper;
use super::keys::Keys;
use super::text::{rich_lines, styled};
use crate::error::Result;
use crate::layout::{Layout, LegendLayout};
use crate::markup;
use crate::theme;

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
    /// Lines of the short form of each name (without markup).
    pub(super) names: BTreeMap<String, &'a [String]>,
    pub(super) more: Option<&'a str>,
}

/// The legends of a figure by their keys.
pub(super) fn entries<'a>(place: &'a Layout, keys: &Keys) -> BTreeMap<String, Entries<'a>> {
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
        let names = legend.entries.iter().filter_map(|placed| {
            let name = markup::plain(&placed.entry.name).ok()?;
            Some((name, placed.lines.as_slice()))
        });
        let entries = Entries {
            panel,
            names: names.collect(),
            more: legend.more.as_ref().map(|(.., text)| text.as_str()),
        };
        (key, entries)
    });
    legends.collect()
}

/// Chooses the trace that represents each name in the legend: its first line or points, or else its first band.
///
/// `name` returns the lines of the short form of a name (without markup) in a legend (its key), if the legend has room for it.
pub(super) fn choose_entries<'a>(
    traces: &mut [Value],
    name: impl Fn(&str, &str) -> Option<&'a [String]>,
) -> Result<()> {
    let mut chosen = BTreeSet::new();
    for bands in [false, true] {
        for trace in traces.iter_mut() {
            let (Some(legend), Some(group)) =
                (trace["legend"].as_str(), trace["legendgroup"].as_str())
            else {
                continue;
            };
            let (Some(name), true) = (
                name(legend, group),
                (trace["meta"]["what"] == "band") == bands,
            ) else {
                continue;
            };
            if chosen.insert((legend.to_owned(), group.to_owned())) {
                rename(trace, rich_lines(name)?);
                trace["showlegend"] = json!(true);
            }
        }
    }
    Ok(())
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

/// A legend with its top left corner at this position, px.
pub(super) fn place(
    legend: &LegendLayout,
    (x, y): (f64, f64),
    paper: Paper,
    below: bool,
) -> Result<Value> {
    let lines: Vec<String> = legend.title.iter().map(|(.., line)| line.clone()).collect();
    let title = match lines.as_slice() {
        [] => String::new(),
        lines => styled(&rich_lines(lines)?, theme::LEGEND_TITLE),
    };
    // Entries are wider than in the still picture. Below the plots they may take the whole width.
    let (x, anchor) = if below {
        (0.5, "center")
    } else {
        (paper.x(x), "left")
    };
    Ok(json!({
        "x": x,
        "xanchor": anchor,
        "y": paper.y(y),
        "yanchor": "top",
        "orientation": if below { "h" } else { "v" },
        "title": {"text": title, "font": {"size": theme::LEGEND_TITLE.size}},
        "font": {"size": theme::LEGEND_TEXT.size},
        "itemsizing": "constant",
        "itemwidth": 30,
        "tracegroupgap": 0,
        "bgcolor": "#00000000",
    }))
}
