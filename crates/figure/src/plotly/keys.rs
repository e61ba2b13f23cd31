//! Keys of axes, scenes and legends in a plotly.js layout.

use serde_json::{Value, json};

use crate::description::Figure;

/// Keys of the parts of a figure.
pub(super) struct Keys {
    /// The panels that have a legend of their own.
    own_legend: Vec<bool>,
    shared: bool,
}

impl Keys {
    pub(super) fn of(figure: &Figure) -> Self {
        let own_legend = figure.panels.iter().map(|panel| panel.legend.is_some());
        Self {
            own_legend: own_legend.collect(),
            shared: figure.legend.is_some(),
        }
    }

    /// Suffix of `x`, `y`, `xaxis` and `yaxis`.
    pub(super) fn suffix(&self, panel: usize) -> String {
        numbered("", panel)
    }

    pub(super) fn scene(&self, panel: usize) -> String {
        numbered("scene", panel)
    }

    pub(super) fn colour_axis(&self, panel: usize) -> String {
        numbered("coloraxis", panel)
    }

    /// Legend with the names of a panel, if any.
    pub(super) fn legend(&self, panel: usize) -> Option<String> {
        match self.own_legend.get(panel) {
            Some(true) => Some(self.panel_legend(panel)),
            _ => self.shared.then(|| "legend".to_owned()),
        }
    }

    pub(super) fn panel_legend(&self, panel: usize) -> String {
        format!("legend{}", panel + 2)
    }

    /// The legend of the figure, or that of its only panel if it has been moved below.
    pub(super) fn shared_legend(&self) -> String {
        match self.shared {
            true => "legend".to_owned(),
            false => self.panel_legend(0),
        }
    }

    /// Assigns a trace to its panel.
    pub(super) fn assign(&self, trace: &mut Value, panel: usize, in_space: bool) {
        trace["meta"]["panel"] = json!(panel);
        if in_space {
            trace["scene"] = json!(self.scene(panel));
        } else {
            trace["xaxis"] = json!(numbered("x", panel));
            trace["yaxis"] = json!(numbered("y", panel));
        }
    }
}

fn numbered(name: &str, panel: usize) -> String {
    match panel {
        0 => name.to_owned(),
        _ => format!("{name}{}", panel + 1),
    }
}
