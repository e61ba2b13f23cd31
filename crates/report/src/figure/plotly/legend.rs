//! Legends: one entry for all traces of a name, which switches them on and off.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::error::Result;
use super::super::legend::LegendLayout;
use super::super::theme;
use super::Paper;
use super::text::{rich, styled};

/// Puts a trace into its panel's legend, if it has a name and there is one.
pub(super) fn assign(trace: &mut Value, legend: Option<String>) {
    trace["showlegend"] = json!(false);
    if let (Some(name), Some(legend)) = (trace["meta"].get("name").cloned(), legend) {
        trace["legendgroup"] = name;
        trace["legend"] = json!(legend);
    }
}

/// Lets the first line or points of every name stand for it in the legend, or else its first band.
pub(super) fn choose_entries(traces: &mut [Value]) {
    let mut chosen = BTreeSet::new();
    for bands in [false, true] {
        for trace in traces.iter_mut() {
            let key = (
                trace["legend"].to_string(),
                trace["legendgroup"].to_string(),
            );
            let is_candidate =
                !trace["legendgroup"].is_null() && (trace["meta"]["what"] == "band") == bands;
            if is_candidate && chosen.insert(key) {
                trace["showlegend"] = json!(true);
            }
        }
    }
}

/// A legend with its top left corner at this place, px.
pub(super) fn place(
    legend: &LegendLayout,
    (x, y): (f64, f64),
    paper: Paper,
    below: bool,
) -> Result<Value> {
    let title = legend
        .title
        .as_ref()
        .map_or("", |(.., title)| title.as_str());
    let title = match title {
        "" => String::new(),
        title => styled(&rich(title)?, theme::LEGEND_TITLE),
    };
    // Entries are wider here than in the still picture: below the plots they may take the whole width.
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
