//! How alike networks represent images: a heat map of every two, and a map on which like ones are close.

use std::collections::BTreeMap;

use eigenscope_artifact::Digest;
use eigenscope_artifact::tables::representations::{
    RepresentationMapRow, RepresentationSimilarityRow,
};
use eigenscope_stage::task_id::labels_of;
use eigenscope_stage::{
    Agreement, Context, Input, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;
use serde_json::Value;

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::inputs::looks::Looks;
use crate::parts::heat_map::{self, Side};
use crate::parts::series::{padded_range, span};
use eigenscope_figure::{
    Axes, Axis, ColourBar, ColourMap, ColourScale, Figure, Layer, Marker, MarkerShape, Panel,
    Points, ticks,
};

/// Room beside the maps, px.
const MARGINS: f64 = 340.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "representation-similarity",
        "how alike networks represent images: every two of them, and a map",
        task_function!(run),
    )
    .parameters::<Parameters>([Parameter::optional(
        "measure",
        ParameterType::choice(&["cka", "debiased-cka", "rsa", "procrustes", "shape", "cca"]),
        "cka",
        "which measure is drawn",
    )
    .naming("similarity", "measures")])
    .reads(Role::one(
        "similarity",
        RepresentationSimilarityRow::KIND,
        "similarities or distances to draw",
    ))
    .reads(
        Role::one("map", RepresentationMapRow::KIND, "places to draw")
            .agrees(Agreement::task("map", "similarity")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    measure: String,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { measure } = context.parameters()?;
    let similarity: Vec<RepresentationSimilarityRow> = context.read("similarity")?;
    let map: Vec<RepresentationMapRow> = context.read("map")?;
    let of_measure = similarity.iter().filter(|row| row.measure == measure);
    let similarity: Vec<&RepresentationSimilarityRow> = of_measure.collect();
    let map: Vec<&RepresentationMapRow> = map.iter().filter(|row| row.measure == measure).collect();
    if similarity.is_empty() {
        return Err(format!("`measure` is `{measure}`, which the table does not have").into());
    }
    let input = context.input("similarity")?;
    write(
        context,
        draw(&similarity, &map, &measure, |title| {
            labels::titled(title, input)
        })?,
    )
}

/// The measure in words, and whether large values mean alike.
fn in_words(measure: &str) -> (&'static str, bool) {
    match measure {
        "cka" => ("centred kernel alignment", true),
        "debiased-cka" => ("debiased centred kernel alignment", true),
        "rsa" => ("rank correlation of distances", true),
        "procrustes" => ("Procrustes distance (rad)", false),
        "cca" => ("distance of canonical correlations (rad)", false),
        _ => ("shape distance (rad)", false),
    }
}

/// The representations, each as an input of the name and labels that its task id has, with the label `layer` if layers differ.
fn members(similarity: &[&RepresentationSimilarityRow]) -> Vec<Input> {
    let mut places: Vec<(&str, &str)> = Vec::new();
    for row in similarity {
        let place = (row.row_model.as_str(), row.row_layer.as_str());
        // Rows are in order, all of one representation together.
        if places.last() != Some(&place) {
            places.push(place);
        }
    }
    let members = places.into_iter().map(|(model, layer)| {
        let mut labels: BTreeMap<String, Value> = labels_of(model)
            .map(|(name, value)| {
                let number = value.parse::<serde_json::Number>();
                (
                    name.to_owned(),
                    number.map_or_else(|_| Value::from(value), Value::Number),
                )
            })
            .collect();
        labels.insert("layer".to_owned(), Value::from(layer));
        Input {
            task: model.to_owned(),
            labels,
            path: std::path::PathBuf::new(),
            content: Digest::of(&[]),
            renamed: BTreeMap::new(),
        }
    });
    members.collect()
}

fn draw(
    similarity: &[&RepresentationSimilarityRow],
    map: &[&RepresentationMapRow],
    measure: &str,
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let members = members(similarity);
    let size = members.len();
    if similarity.len() != size * size {
        return Err(format!(
            "the table has {} values of {size} representations, expected one for every two",
            similarity.len()
        )
        .into());
    }
    let (words, is_similarity) = in_words(measure);
    let values: Vec<f64> = similarity
        .iter()
        .map(|row| row.value.unwrap_or(f64::NAN))
        .collect();
    let different = values.iter().enumerate();
    let different = different.filter(|(index, _)| !index.is_multiple_of(size + 1));
    let different = span(different.map(|(_, value)| *value), |value| {
        ticks::decimal(value, 2)
    });
    let different = different.map_or_else(String::new, |different| {
        format!(" It is {different} for two different ones.")
    });
    let range = match is_similarity {
        true => (values.iter().copied().fold(0.0, f64::min), 1.0),
        false => (0.0, values.iter().copied().fold(0.0, f64::max).max(1e-3)),
    };
    let colours = ColourScale::new(ColourMap::Viridis, range);
    let names = labels::names(&members);
    let side = || Side::new("", names.clone());
    let every_two = heat_map::panel("Every two", (side(), side()), values, 2, colours.clone())?;
    let every_two = every_two.with_colour_bar(ColourBar::new(labels::capitalised(words), colours));
    let (plane, share) = plane(&members, map);
    let shown = match share {
        Some(share) => format!("{} % of their variance", ticks::decimal(100.0 * share, 0)),
        None => "no variance: all are the same".to_owned(),
    };
    let distance = match is_similarity {
        true => "the root of 2 − 2 s for a similarity s",
        false => "this measure",
    };
    let side = heat_map::side(size as f64);
    let legend = Looks::of(&members).legend;
    Ok(Figure::new(
        titled(&format!("Similarity of representations: {words}")),
        format!(
            "“Every two”: {words} between the representations that every two of {size} layers of models make of the same held-out \
             images.{different} “Map”: the plane that keeps their distances best (classical scaling of {distance}); it shows {shown}."
        ),
        MARGINS + 2.0 * side,
        2,
        vec![every_two, plane],
    )
    .with_legend(legend))
}

/// The map, and the part of the variance that it shows.
fn plane(members: &[Input], map: &[&RepresentationMapRow]) -> (Panel, Option<f64>) {
    let looks = Looks::of(members);
    let mut placed: Vec<_> = members.iter().zip(&looks.members).collect();
    placed.sort_by_key(|(_, look)| look.place);
    let layers = placed.into_iter().filter_map(|(member, look)| {
        let layer = member.labels.get("layer").and_then(Value::as_str);
        let own = |row: &&&RepresentationMapRow| {
            row.model == member.task && Some(row.layer.as_str()) == layer
        };
        let row = map.iter().find(own)?;
        let marker = Marker::new(MarkerShape::Circle);
        let point = Points::new(vec![row.x], vec![row.y], look.colour, marker);
        Some(Layer::Points(point.named(look.name.clone())))
    });
    let layers: Vec<Layer> = layers.collect();
    let x = padded_range(map.iter().map(|row| row.x));
    let y = padded_range(map.iter().map(|row| row.y));
    // One unit is as long on both axes.
    let half = 0.5 * (x.1 - x.0).max(y.1 - y.0);
    let around = |(low, high): (f64, f64)| {
        let middle = 0.5 * (low + high);
        (middle - half, middle + half)
    };
    let axes = Axes::new(
        Axis::linear("First direction", around(x)),
        Axis::linear("Second direction", around(y)),
        layers,
    );
    let share = map.first().and_then(|row| row.share_fraction);
    (Panel::axes("Map", axes.with_aspect(1.0)), share)
}
