//! The interactive form says the same as the drawing.

use serde_json::{Value, json};

use super::samples;
use crate::*;

fn traces(figure: &Figure, what: &str) -> Vec<Value> {
    let data = interactive(figure).unwrap().data.into_iter();
    data.filter(|trace| trace["meta"]["what"] == what).collect()
}

/// A panel in space, its projection with a word beside it.
fn in_space() -> Figure {
    let marker = Marker::dot(3.0);
    let plot = vec![
        Layer::Points(Points::new(vec![0.0, 0.1], vec![0.0, 0.2], Rgb::BLACK, marker).named("cat")),
        Layer::Texts(Texts::one((0.5, 0.5), "cat", Rgb::BLACK)),
    ];
    let axes = Axes::new(Axis::bare((-1.0, 1.0)), Axis::bare((-1.0, 1.0)), plot).with_aspect(1.0);
    let space = Space {
        groups: vec![SpacePoints {
            name: "cat".to_owned(),
            colour: Rgb::BLACK,
            marker,
            points: vec![[0.0, 0.6, 0.8], [0.8, 0.0, 0.6]],
        }],
        curves: Vec::new(),
        frame: SpaceFrame::Sphere,
        axes: [1, 2, 3].map(|number| format!("e_{{{number}}}")),
        view: View {
            azimuth_degrees: 90.0,
            elevation_degrees: 0.0,
        },
    };
    let panel = Panel::axes("", axes).with_space(space);
    Figure::new("Space", "Two points.", 400.0, 1, vec![panel])
}

#[test]
fn every_figure_has_a_form_that_repeats_byte_by_byte_and_reads_back() {
    for figure in samples::all().into_iter().chain([in_space()]) {
        let form = interactive(&figure).unwrap();
        let text = serde_json::to_string(&form).unwrap();
        assert_eq!(
            text,
            serde_json::to_string(&interactive(&figure).unwrap()).unwrap()
        );
        let read: Interactive = serde_json::from_str(&text).unwrap();
        assert_eq!(read, form);
        assert_eq!(form.panels.len(), figure.panels.len());
        assert!(form.still.starts_with("<svg") && !form.still.contains("<metadata>"));
        for trace in &form.data {
            let panel = trace["meta"]["panel"].as_u64().unwrap() as usize;
            assert!(panel < figure.panels.len());
            let axes = ["xaxis", "scene"]
                .iter()
                .find_map(|key| trace[key].as_str())
                .unwrap();
            let key = axes.replace('x', "xaxis");
            assert!(form.wide.layout.get(&key).is_some(), "{key}");
        }
    }
}

#[test]
fn every_name_has_one_entry_in_its_legend() {
    for place in [LegendPlace::Right, LegendPlace::Below] {
        let form = interactive(&samples::two_log_panels(place)).unwrap();
        let entries = form.data.iter().filter(|trace| trace["showlegend"] == true);
        let entries: Vec<_> = entries
            .map(|trace| (&trace["legendgroup"], &trace["meta"]["what"]))
            .collect();
        let names = ["30", "300", "3000"].map(|name| json!(name));
        let line = json!("line");
        assert_eq!(
            entries,
            [(&names[0], &line), (&names[1], &line), (&names[2], &line)]
        );
        assert!(form.wide.layout.get("legend").is_some());
    }
    // The first panel of two has no legend, the second has its own.
    let form = interactive(&samples::map_and_cloud()).unwrap();
    let cloud = form.data.iter().filter(|trace| trace["meta"]["panel"] == 1);
    assert!(
        cloud
            .into_iter()
            .all(|trace| trace["legend"] == "legend3" && trace["showlegend"] == true)
    );
    assert!(form.wide.layout.get("legend3").is_some() && form.wide.layout.get("legend").is_none());
    // Small images have names, but no entries.
    let form = interactive(&samples::images()).unwrap();
    assert!(form.data.iter().all(|trace| trace["showlegend"] == false));
}

#[test]
fn a_legend_shows_what_is_seen() {
    let bar = Band {
        opacity: 1.0,
        name: Some("cat".to_owned()),
        ..Band::new(vec![0.2, 0.4], vec![0.0; 2], vec![0.5; 2], Rgb::RED)
    };
    let pointed_at = Points {
        opacity: 0.0,
        ..Points::new(vec![0.3], vec![0.5], Rgb::RED, Marker::dot(2.0))
    };
    let line = Line::new(vec![0.0, 1.0], vec![0.0, 1.0], Rgb::BLACK);
    let layers = vec![
        Layer::Points(pointed_at.named("cat")),
        Layer::Band(bar),
        Layer::Line(line.named("all")),
    ];
    let axis = || Axis::linear("", (0.0, 1.0));
    let panel = Panel::axes("", Axes::new(axis(), axis(), layers));
    let figure = Figure::new("Bars", "", 400.0, 1, vec![panel]);
    let form = interactive(&figure.with_legend(Legend::below(""))).unwrap();
    let entries = form.data.iter().filter(|trace| trace["showlegend"] == true);
    let entries = entries.map(|trace| (&trace["meta"]["what"], &trace["legendrank"]));
    let expected = [("band", 1), ("line", 2)].map(|(what, rank)| (json!(what), json!(rank)));
    assert_eq!(
        entries.collect::<Vec<_>>(),
        expected.each_ref().map(|(what, rank)| (what, rank))
    );
}

#[test]
fn small_images_have_other_places_on_small_screens() {
    let images = samples::images();
    let form = interactive(&images).unwrap();
    assert!(form.wide.changes.is_empty());
    let narrow = form.narrow.expect("a form for small screens");
    assert!(narrow.layout["width"].as_f64().unwrap() < 500.0);
    assert_eq!(narrow.changes.len(), form.data.len());
    let right = narrow.layout["xaxis"]["range"][1].as_f64().unwrap();
    for (trace, change) in form.data.iter().zip(&narrow.changes) {
        let value = |key: &str| change.get(key).unwrap_or(&trace[key]).as_f64().unwrap();
        let columns = trace["z"][0].as_array().unwrap().len() as f64;
        let end = value("x0") + (columns - 0.5) * value("dx");
        assert!(end <= right + 0.1, "{end} of {right}");
        assert!(
            !change.contains_key("z") && !change.contains_key("name"),
            "{change:?}"
        );
    }
    // A heat map keeps what is the same, and has numbers in its cells only where these have room.
    let form = interactive(&samples::map_and_cloud()).unwrap();
    let changes = form.narrow.expect("a form for small screens").changes;
    let map = form
        .data
        .iter()
        .position(|trace| trace["type"] == "heatmap");
    assert!(!changes[map.unwrap()].contains_key("z"));
}

#[test]
fn maps_of_one_scale_share_the_bar_of_their_row_on_every_screen() {
    let colours = ColourScale::diverging(1.0);
    let map = || {
        let image = Image::new(Matrix::new(2, 2, vec![0.5; 4]).unwrap(), colours.clone());
        let axis = || Axis::linear("", (0.0, 2.0));
        let axes = Axes::new(axis(), axis(), vec![Layer::Image(image)]);
        Panel::axes("Map", axes.with_aspect(1.0))
    };
    let bar = ColourBar::new("cosine", colours.clone());
    let panels = vec![map(), map().with_colour_bar(bar)];
    let form = interactive(&Figure::new("Maps", "", 900.0, 2, panels)).unwrap();
    let shown = |view: &crate::plotly::PageLayout| {
        ["coloraxis", "coloraxis2"].map(|key| view.layout[key]["showscale"].clone())
    };
    assert_eq!(shown(&form.wide), [false, true]);
    assert_eq!(shown(&form.narrow.unwrap()), [true, true]);
    assert_eq!(form.data[0]["coloraxis"], "coloraxis");
    assert!(form.data[0].get("colorscale").is_none());
}

#[test]
fn axes_have_the_ranges_and_ticks_of_the_description() {
    let form = interactive(&samples::two_log_panels(LegendPlace::Right)).unwrap();
    let axis = &form.wide.layout["yaxis2"];
    assert_eq!(
        (&axis["type"], &axis["range"]),
        (&json!("log"), &json!([-1.0, 2.0]))
    );
    assert_eq!(axis["tickvals"], json!([0.1, 1.0, 10.0, 100.0]));
    assert_eq!(axis["ticktext"][3], "100 %");
    // Numbers may have other ticks when the reader zooms, percentages not.
    assert_eq!(form.wide.adaptive, ["xaxis", "xaxis2"]);
    let narrow = form.narrow.unwrap();
    assert_eq!(narrow.layout["width"], 344.0);
    assert_eq!(narrow.layout["yaxis2"]["tickvals"], axis["tickvals"]);
}

#[test]
fn bands_are_outlines_interrupted_by_gaps() {
    let band = Band::new(
        vec![1.0, 2.0, 3.0, 4.0],
        vec![1.0, 2.0, f64::NAN, -1.0],
        vec![2.0, 3.0, f64::NAN, 5.0],
        Rgb::BLACK,
    );
    let axes = Axes::new(
        Axis::linear("", (0.0, 5.0)),
        Axis::log("", (0.1, 10.0)),
        vec![Layer::Band(band)],
    );
    let figure = Figure::new("Band", "", 400.0, 1, vec![Panel::axes("", axes)]);
    let [band] = traces(&figure, "band").try_into().unwrap();
    assert_eq!(band["x"], json!([1.0, 2.0, 2.0, 1.0, null, 4.0, 4.0]));
    // On a logarithmic axis, what is not positive lies far below.
    assert_eq!(band["y"], json!([2.0, 3.0, 2.0, 1.0, null, 5.0, 0.0001]));
}

#[test]
fn neighbouring_points_of_one_look_become_one_trace_and_many_are_thinned() {
    let point = |at: f64, colour: Rgb| {
        Layer::Points(Points::new(vec![at], vec![at], colour, Marker::dot(2.0)))
    };
    let figure = |layers: Vec<Layer>| {
        let axes = Axes::new(
            Axis::linear("x", (0.0, 1.0)),
            Axis::linear("y", (0.0, 1.0)),
            layers,
        );
        Figure::new("Points", "", 400.0, 1, vec![Panel::axes("", axes)])
    };
    let mixed = figure(vec![
        point(0.1, Rgb::BLACK),
        point(0.2, Rgb::WHITE),
        point(0.3, Rgb::BLACK),
    ]);
    let found: Vec<Value> = traces(&mixed, "points")
        .iter()
        .map(|trace| trace["x"].clone())
        .collect();
    assert_eq!(found, [json!([0.1, 0.3]), json!([0.2])]);
    let many: Vec<f64> = (0..50_000)
        .map(|index| f64::from(index) / 50_000.0)
        .collect();
    let cloud = Points::new(many.clone(), many, Rgb::BLACK, Marker::dot(1.0));
    let form = interactive(&figure(vec![Layer::Points(cloud)])).unwrap();
    assert_eq!(form.step, 3);
    assert_eq!(form.data[0]["x"].as_array().unwrap().len(), 16_667);
}

#[test]
fn heat_maps_share_the_colours_of_their_key_and_name_their_cells() {
    let form = interactive(&samples::map_and_cloud()).unwrap();
    let map = form
        .data
        .iter()
        .find(|trace| trace["type"] == "heatmap")
        .unwrap();
    assert_eq!(map["coloraxis"], "coloraxis");
    assert!(map.get("colorscale").is_none());
    assert_eq!(form.wide.layout["coloraxis"]["cmax"], 1.0);
    assert_eq!(map["z"][1], json!([0.5, null, 0.125]));
    assert_eq!(
        map["hovertext"][0][1],
        "true: a long category<br>predicted: another category"
    );
    let form = interactive(&samples::images()).unwrap();
    let names: Vec<_> = form
        .data
        .iter()
        .map(|trace| trace["meta"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names[1], "class digit 0, rank #3, λ = −0.5");
}

#[test]
fn space_keeps_its_three_coordinates_and_gets_a_legend() {
    let form = interactive(&in_space()).unwrap();
    let points = form
        .data
        .iter()
        .find(|trace| trace["meta"]["what"] == "points")
        .unwrap();
    assert_eq!(points["type"], "scatter3d");
    assert_eq!(
        [&points["x"], &points["y"], &points["z"]],
        [&json!([0.0, 0.8]), &json!([0.6, 0.0]), &json!([0.8, 0.6])]
    );
    assert_eq!(points["showlegend"], true);
    let eye = &form.wide.layout["scene"]["camera"]["eye"];
    assert!(
        eye["y"].as_f64().unwrap() > 0.5 && eye["x"].as_f64().unwrap().abs() < 1e-9,
        "{eye}"
    );
    assert!(
        form.data.iter().all(|trace| trace["type"] != "scatter"),
        "the projection is in the still picture only"
    );
    assert!(form.still.contains(">cat<"));
}

#[test]
fn hostile_texts_stay_texts() {
    let hostile = "</script><img src=x onerror=alert(1)> %{x} & <b>";
    let line = Line::new(vec![0.0, 1.0], vec![0.0, 1.0], Rgb::BLACK).named(hostile);
    let names = Axis::categories(hostile, [hostile]);
    let axes = Axes::new(
        names,
        Axis::linear("y", (0.0, 1.0)),
        vec![Layer::Line(line)],
    );
    let mut figure = Figure::new(hostile, hostile, 900.0, 1, vec![Panel::axes(hostile, axes)]);
    figure.legend = Some(Legend::below(hostile));
    let form = interactive(&figure).unwrap();
    assert_eq!(form.title, hostile, "plain text is as it was");
    let drawn = serde_json::to_string(&(
        &form.wide,
        &form.data[0]["name"],
        &form.data[0]["hovertemplate"],
    ))
    .unwrap();
    assert!(
        !drawn.contains("<img")
            && !drawn.contains("<b>&lt;/script&gt;<img")
            && !drawn.contains("%{x} &"),
        "{drawn}"
    );
    assert!(drawn.contains("&lt;img src=x"), "{drawn}");
    assert!(!form.still.contains("<img"));
}

#[test]
fn a_legend_below_plots_has_its_title_above_where_both_have_no_room_side_by_side() {
    let figure = |names: &[&str]| {
        let line = |(index, name): (usize, &&str)| {
            let line = Line::new(vec![0.0, 1.0], vec![0.0, 1.0], Rgb::categorical(index));
            Layer::Line(line.named(*name))
        };
        let axes = Axes::new(
            Axis::linear("x", (0.0, 1.0)),
            Axis::linear("y", (0.0, 1.0)),
            names.iter().enumerate().map(line).collect(),
        );
        Figure::new("Legend", "", 900.0, 1, vec![Panel::axes("", axes)])
            .with_legend(Legend::below("Hidden size"))
    };
    let side = |view: &crate::plotly::PageLayout| view.layout["legend"]["title"]["side"].clone();
    // Room between the upper edge of the legend and the lower edge of the figure, below its buttons.
    let room = |view: &crate::plotly::PageLayout| {
        let layout = &view.layout;
        let top = layout["margin"]["t"].as_f64().unwrap();
        let height = layout["height"].as_f64().unwrap() - top;
        height * layout["legend"]["y"].as_f64().unwrap()
    };
    let few = interactive(&figure(&["8", "16"])).unwrap();
    assert_eq!(side(&few.wide), "left");
    assert_eq!(side(&few.narrow.unwrap()), "left");
    let names = ["8", "16", "32", "64", "90 % interval", "random (0.10)"];
    let many = interactive(&figure(&names)).unwrap();
    assert_eq!(side(&many.wide), "left");
    let narrow = many.narrow.unwrap();
    assert_eq!(side(&narrow), "top");
    // A line of the title and two rows of entries as plotly.js draws them, with its gaps.
    let needed = 1.3 * 11.5 + 2.0 * 19.0 + 10.0;
    assert!(room(&narrow) >= needed, "{} of {needed} px", room(&narrow));
    // A name has no more room than the screen.
    let long = "a name of many words that is much wider than what a telephone has room for";
    let long = interactive(&figure(&[long, "8"])).unwrap();
    let name = long.data[0]["name"].as_str().unwrap();
    assert!(name.contains("<br>"), "{name}");
}
