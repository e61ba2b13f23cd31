//! The interactive form of a figure, for plotly.js: values to point at, legends to switch, and space to rotate.
//!
//! It has the same layout as the still picture, without the title of the figure, which the page shows.

mod axes;
mod grid;
mod heat_map;
mod keys;
mod layers;
mod legend;
mod narrow;
mod space;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::description::{Content, Figure, Panel};
use crate::draw::svg;
use crate::error::Result;
use crate::layer::Layer;
use crate::layout::{Layout, LegendLayout, PanelLayout, Rect, bar_of, layout};
use crate::legend::{Legend, LegendPlace, entries as legend_entries};
use crate::markup;
use crate::spelling::literal;
use crate::text::{Font, TextStyle};
use crate::theme;
use keys::Keys;
use legend::{Below, Entries, Sizes};

/// Version of [`Interactive`].
pub const INTERACTIVE_VERSION: u32 = 2;
/// Most points in the clouds of a figure. Browsers draw each as an element of its own.
const MOST_POINTS: usize = 20_000;
/// Room above the figure for the buttons of plotly.js, px.
const BUTTONS: f64 = 28.0;
/// Additional width of the entries of a legend in plotly.js, px.
const LEGEND_EXTRA: f64 = 28.0;

/// A figure for plotly.js.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interactive {
    /// [`INTERACTIVE_VERSION`].
    pub version: u32,
    /// Title, without markup.
    pub title: String,
    /// Description of the figure.
    pub description: String,
    /// Only every `step`th point of a cloud is included. The still picture has all.
    pub step: usize,
    /// The still picture as SVG text, without the title.
    pub still: String,
    /// Traces of plotly.js. The `meta` of each has the number of its panel, its type (`line`, `band`, ...) and its name
    /// without markup.
    pub data: Vec<Value>,
    /// Layout.
    pub wide: PageLayout,
    /// Layout for small screens, if the figure can be drawn that narrow.
    pub narrow: Option<PageLayout>,
    /// Texts of the panels, without markup.
    pub panels: Vec<PanelTexts>,
}

/// A layout of plotly.js.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageLayout {
    /// The layout as plotly.js reads it.
    pub layout: Value,
    /// Keys of the axes whose ticks plotly.js may choose when their range changes.
    pub adaptive: Vec<String>,
    /// What is different in each trace with this layout, such as the positions of small images; empty for none.
    pub changes: Vec<Map<String, Value>>,
}

/// Title of a panel and labels of its axes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelTexts {
    /// Title of the panel.
    pub title: String,
    /// Label of the x axis.
    pub x: String,
    /// Label of the y axis.
    pub y: String,
}

/// Writes a figure for plotly.js.
///
/// # Errors
/// As [`svg()`].
pub fn interactive(figure: &Figure) -> Result<Interactive> {
    let figure = Figure {
        show_title: false,
        metadata: String::new(),
        ..literal(figure)
    };
    let still = svg(&figure)?;
    let font = Font::bundled()?;
    let figure = for_turning(figure, &font)?;
    let keys = Keys::of(&figure);
    let place = layout(&figure)?;
    let legends = legend::entries(&font, &place, &keys)?;
    let data = data(&figure, &font, &place, &keys, &legends)?;
    let sizes = legend::sizes(&font, &data, &legends)?;
    let wide = narrow::Wide {
        figure: &figure,
        place: &place,
        keys: &keys,
        legends: &legends,
        sizes: &sizes,
        data: &data,
    };
    let narrow = narrow::narrow(&font, &wide)?;
    Ok(Interactive {
        version: INTERACTIVE_VERSION,
        title: markup::plain(&figure.title)?,
        description: figure.description.clone(),
        step: step(&figure),
        still,
        data,
        wide: view(&figure, &font, &place, &keys, &sizes)?,
        narrow,
        panels: figure
            .panels
            .iter()
            .map(panel_texts)
            .collect::<Result<_>>()?,
    })
}

/// Removes the projections of panels in space except for the names of their points, and adds a legend for these: texts
/// beside points would not rotate with them.
fn for_turning(mut figure: Figure, font: &Font<'_>) -> Result<Figure> {
    for panel in figure
        .panels
        .iter_mut()
        .filter(|panel| panel.space.is_some())
    {
        if let Content::Axes(axes) = &mut panel.content {
            let named =
                |layer: &Layer| matches!(layer, Layer::Points(points) if points.name.is_some());
            axes.layers.retain(named);
        }
        let entries = legend_entries(panel.layers())?;
        if panel.legend.is_none() && figure.legend.is_none() && !entries.is_empty() {
            let legend = Legend::right("");
            let room = (theme::LEGEND_SHARE * figure.width, f64::INFINITY);
            let place = LegendLayout::columns(font, &legend, entries, room)?;
            figure.width += theme::SIDE_GAP + place.width;
            panel.legend = Some(legend);
        }
    }
    Ok(figure)
}

fn panel_texts(panel: &Panel) -> Result<PanelTexts> {
    let (x, y) = match &panel.content {
        Content::Axes(axes) => (axes.x.label.as_str(), axes.y.label.as_str()),
        Content::Images(_) => ("", ""),
    };
    Ok(PanelTexts {
        title: markup::plain(&panel.title)?,
        x: markup::plain(x)?,
        y: markup::plain(y)?,
    })
}

/// The step with which points are included, so that browsers stay quick.
fn step(figure: &Figure) -> usize {
    let layers = figure.panels.iter().flat_map(Panel::layers);
    let points = layers.map(|layer| match layer {
        Layer::Points(points) => points.x.len(),
        _ => 0,
    });
    points.sum::<usize>().div_ceil(MOST_POINTS).max(1)
}

fn data(
    figure: &Figure,
    font: &Font<'_>,
    place: &Layout,
    keys: &Keys,
    legends: &BTreeMap<String, Entries<'_>>,
) -> Result<Vec<Value>> {
    let step = step(figure);
    let mut data = Vec::new();
    for (index, (panel, place)) in figure.panels.iter().zip(&place.panels).enumerate() {
        let start = data.len();
        match (&panel.space, &panel.content, &place.images) {
            (Some(space), ..) => data.extend(space::traces(space)?),
            (None, Content::Axes(axes), _) => data.extend(layers::traces(axes, place, font, step)?),
            (None, Content::Images(grid), Some(cells)) => {
                data.extend(grid::traces(grid, cells, place)?);
            }
            (None, Content::Images(_), None) => {}
        }
        for trace in &mut data[start..] {
            keys.assign(trace, index, panel.space.is_some());
            legend::assign(trace, keys.legend(index));
        }
        if let Some(bar) = bar_of(figure, index) {
            heat_map::share_colours(&mut data[start..], bar, &keys.colour_axis(index));
        }
    }
    legend::choose_entries(&mut data, |key, name| legends.get(key)?.names.get(name))?;
    for (key, legend) in legends {
        if let Some(more) = legend.more {
            let in_space = figure.panels[legend.panel].space.is_some();
            let mut trace = legend::more(more, key.clone(), in_space);
            keys.assign(&mut trace, legend.panel, in_space);
            data.push(trace);
        }
    }
    Ok(data)
}

/// Size of the drawing, px. plotly.js measures positions as fractions from the lower left corner.
#[derive(Clone, Copy)]
struct Paper {
    width: f64,
    height: f64,
}

impl Paper {
    fn x(self, px: f64) -> f64 {
        self.round(px / self.width)
    }

    fn y(self, px: f64) -> f64 {
        self.round(1.0 - px / self.height)
    }

    fn domain(self, rect: Rect) -> (Value, Value) {
        (
            json!([self.x(rect.x), self.x(rect.right())]),
            json!([self.y(rect.bottom()), self.y(rect.y)]),
        )
    }

    /// Rounds to less than a hundredth of a px.
    fn round(self, fraction: f64) -> f64 {
        (fraction.clamp(0.0, 1.0) * 1e6).round() / 1e6
    }
}

fn view(
    figure: &Figure,
    font: &Font<'_>,
    place: &Layout,
    keys: &Keys,
    sizes: &BTreeMap<String, Sizes>,
) -> Result<PageLayout> {
    let own = place.panels.iter().any(|panel| panel.legend.is_some());
    let beside = figure
        .legend
        .as_ref()
        .is_some_and(|legend| legend.place == LegendPlace::Right);
    let width = place.width + if own || beside { LEGEND_EXTRA } else { 0.0 };
    let below = match (&place.legend, beside) {
        (Some((legend, ..)), false) => {
            let sizes = sizes.get(&keys.shared_legend());
            let sizes = sizes.map_or(&[][..], Vec::as_slice);
            Some((Below::new(font, legend, sizes, width)?, legend.height))
        }
        _ => None,
    };
    // Rows of a legend are more and higher than in the still picture.
    let higher = below
        .as_ref()
        .map_or(0.0, |(below, height)| (below.height - height).max(0.0));
    let paper = Paper {
        width,
        height: place.height + higher.ceil(),
    };
    let mut layout = Map::new();
    let mut adaptive = Vec::new();
    let (mut notes, mut shapes) = (Vec::new(), Vec::new());
    for (index, (panel, place)) in figure.panels.iter().zip(&place.panels).enumerate() {
        notes.extend(panel_title(place, paper)?);
        match (&panel.space, &panel.content, &place.images) {
            (Some(space), ..) => {
                let scene = space::scene(space, place, paper)?;
                layout.insert(keys.scene(index), scene);
            }
            (None, Content::Axes(axes), _) => {
                let suffix = &keys.suffix(index);
                axes::insert(&mut layout, axes, place, paper, font, suffix)?;
                adaptive.extend(axes::adaptive(axes, suffix));
                notes.extend(axes::labels(place, paper)?);
                shapes.extend(heat_map::grounds(axes, suffix));
            }
            (None, Content::Images(grid), Some(cells)) => {
                let suffix = &keys.suffix(index);
                grid::insert_axes(&mut layout, place, paper, suffix);
                notes.extend(grid::labels(grid, cells, place, paper, font, suffix)?);
                shapes.extend(grid::grounds(grid, cells, place, suffix));
            }
            (None, Content::Images(_), None) => {}
        }
        if let Some(bar) = bar_of(figure, index) {
            let axis = heat_map::colour_axis(bar, place.colour_bar.as_ref(), paper)?;
            layout.insert(keys.colour_axis(index), axis);
        }
        if let Some((own, x, y)) = &place.legend {
            layout.insert(
                keys.panel_legend(index),
                legend::place(own, (*x, *y), paper, None)?,
            );
        }
    }
    if let Some((shared, x, y)) = &place.legend {
        let below = below.as_ref().map(|(below, _)| below);
        let key = keys.shared_legend();
        layout.insert(key, legend::place(shared, (*x, *y), paper, below)?);
    }
    layout.extend(fixed(paper));
    layout.insert("annotations".to_owned(), Value::Array(notes));
    layout.insert("shapes".to_owned(), Value::Array(shapes));
    Ok(PageLayout {
        layout: Value::Object(layout),
        adaptive,
        changes: Vec::new(),
    })
}

fn fixed(paper: Paper) -> Map<String, Value> {
    let fixed = json!({
        "width": paper.width,
        "height": paper.height + BUTTONS,
        "autosize": false,
        "margin": {"l": 0, "r": 0, "t": BUTTONS, "b": 0, "autoexpand": false},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "font": {"family": "Roboto, 'Helvetica Neue', Arial, sans-serif", "size": 11, "color": theme::INK.hex()},
        "hovermode": "closest",
        "hoverlabel": {"align": "left"},
        "dragmode": "zoom",
    });
    match fixed {
        Value::Object(fixed) => fixed,
        _ => Map::new(),
    }
}

fn panel_title(place: &PanelLayout, paper: Paper) -> Result<Option<Value>> {
    let style = theme::PANEL_TITLE;
    let text = rich_title(&place.title, style)?;
    let note = Note {
        text,
        x: paper.x(place.title_x),
        y: paper.y(place.title_y - style.ascent()),
        anchors: ("left", "top"),
        style,
    };
    Ok((!place.title.is_empty()).then(|| note.value()))
}

fn rich_title(lines: &[String], style: TextStyle) -> Result<String> {
    Ok(text::styled(&text::rich_lines(lines)?, style))
}

/// A text at a position of the drawing.
struct Note {
    /// Text with the tags of plotly.js.
    text: String,
    x: f64,
    y: f64,
    /// Alignment to the position: `left`, `center` or `right`, and `top`, `middle` or `bottom`.
    anchors: (&'static str, &'static str),
    style: TextStyle,
}

impl Note {
    fn value(self) -> Value {
        json!({
            "text": self.text,
            "x": self.x,
            "y": self.y,
            "xref": "paper",
            "yref": "paper",
            "xanchor": self.anchors.0,
            "yanchor": self.anchors.1,
            "showarrow": false,
            "borderpad": 0,
            "align": self.anchors.0,
            "font": {"size": self.style.size},
        })
    }

    fn turned(self) -> Value {
        let mut value = self.value();
        value["textangle"] = json!(-90);
        value
    }
}
