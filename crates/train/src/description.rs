//! What the description of a task kind says about its network; all of it follows from the network's steps.

use eigenscope_models::{Architecture, Bias, Layer, LayerNames, Network, SizeValue};
use eigenscope_stage::{
    Amount, CONVOLUTIONS, DRAWABLE_LAYERS, Demand, FIRST_LAYER, Feature, LAYERS, NameRule,
    Parameter, Relation, Role, Windows, quantities,
};

/// Multiplications of one core per second, about 100 GFLOP/s: a guess, used to start long trainings first.
const MULTIPLICATIONS_PER_SECOND: f64 = 5e10;

/// Number of training images in the guess: that of MNIST.
pub(crate) const IMAGES: f64 = 60_000.0;

/// How many times as long a multiplication of a convolution takes, also a guess.
const CONVOLUTION: f64 = 2.0;

/// The properties of a trained model and the names of its layers.
pub(crate) fn features(network: &Network) -> Vec<Feature> {
    let mut features = vec![Feature::flag(network.name())];
    match network.bias() {
        Bias::Always => features.push(Feature::flag("biased")),
        Bias::Never => features.push(Feature::flag("bias-free")),
        Bias::Parameter(name, _) => features.extend([
            Feature::flag_when("biased", name, true),
            Feature::flag_when("bias-free", name, false),
        ]),
    }
    if !network.is_gated() {
        features.push(Feature::flag("ungated"));
    }
    let is_bilinear = |network: &Network| {
        let architecture = network.typical();
        architecture.is_ok_and(|architecture| architecture.bilinear("").is_ok())
    };
    if network.name() != "bilinear" && is_bilinear(network) {
        features.push(Feature::flag("bilinear"));
    }
    let names = network.layer_names().into_iter();
    features.push(Feature::names(LAYERS, names.flat_map(rules).collect()));
    let Ok(typical) = network.typical() else {
        return features;
    };
    let is_first = |layer: &Layer| typical.drawable_layers().contains(&layer.name.as_str());
    for (set, is_drawable) in [(DRAWABLE_LAYERS, true), (CONVOLUTIONS, false)] {
        let rules = network.layer_names().into_iter().flat_map(|names| {
            let first = first(&names);
            match typical.layer(&first).map(|(_, layer)| layer) {
                Ok(layer) if layer.window.is_some() => rules(names),
                Ok(layer) if is_drawable && is_first(layer) => vec![NameRule::fixed(&first)],
                _ => Vec::new(),
            }
        });
        features.push(Feature::names(set, rules.collect()));
    }
    features.extend(first_layer(network));
    features
}

/// The first of these names in a typical network.
fn first(names: &LayerNames) -> String {
    match names {
        LayerNames::Fixed(name) => name.clone(),
        LayerNames::Numbered { prefix, .. } => format!("{prefix}1"),
    }
}

/// The name of the layer that reads the data; `None` if that depends on parameters.
fn first_layer(network: &Network) -> Option<Feature> {
    let names = network.layer_names().into_iter().next()?;
    let is_certain = match &names {
        LayerNames::Fixed(_) => true,
        LayerNames::Numbered { list, extra, .. } => list.is_none() || *extra > 0,
    };
    is_certain.then(|| Feature::fixed(FIRST_LAYER, &first(&names)))
}

fn rules(names: LayerNames) -> Vec<NameRule> {
    match names {
        LayerNames::Fixed(name) => vec![NameRule::fixed(&name)],
        LayerNames::Numbered {
            prefix,
            list: Some(list),
            extra,
        } => vec![NameRule::numbered(&prefix, list, extra)],
        LayerNames::Numbered {
            prefix,
            list: None,
            extra,
        } => (1..=extra)
            .map(|number| NameRule::fixed(&format!("{prefix}{number}")))
            .collect(),
    }
}

/// Demands on the sides of images: room for the windows of convolutions and pooling.
pub(crate) fn room(network: &Network) -> Vec<Demand> {
    let runs = network.windows();
    if runs.is_empty() {
        return Vec::new();
    }
    let lists: Vec<String> = runs
        .iter()
        .filter_map(|run| run.list)
        .map(|list| format!(", or give fewer `{list}`"))
        .collect();
    let because = format!(
        "convolutions and pooling follow one another; enlarge the images with the transform `resize`{}",
        lists.concat()
    );
    let windows = runs.into_iter().map(|run| Windows {
        kernel: run.window.kernel as u64,
        stride: run.window.stride as u64,
        list: run.list.map(str::to_owned),
    });
    let side = Amount::Windows(windows.collect());
    let sides = [quantities::HEIGHT, quantities::WIDTH];
    let demand = |quantity| Demand::new(side.clone(), Relation::AtMost, quantity, &because);
    sides.map(demand).to_vec()
}

/// The role of the images, from whose number and size the guess of the duration follows.
pub(crate) fn proportional(network: &Network, data: Role) -> Role {
    let data = data.proportional(quantities::TRAINING_IMAGES, IMAGES);
    let Ok(typical) = network.typical() else {
        return data;
    };
    data.proportional(quantities::HEIGHT, typical.input.height as f64)
        .proportional(quantities::WIDTH, typical.input.width as f64)
}

/// A guess of the duration in seconds: three products, forward and backward, with each weight and image.
pub(crate) fn seconds(network: &Network, epochs: f64) -> f64 {
    let typical = network.typical();
    typical.map_or(1.0, |typical| seconds_of(&typical, IMAGES, epochs))
}

/// As [`seconds`] of a network whose architecture is known, for this number of training images.
pub(crate) fn seconds_of(architecture: &Architecture, images: f64, epochs: f64) -> f64 {
    let multiplications = architecture.layers().map(|(_, layer)| {
        let slower = if layer.window.is_some() {
            CONVOLUTION
        } else {
            1.0
        };
        slower * layer.multiplications()
    });
    let multiplications: f64 = multiplications.sum();
    let seconds = 3.0 * multiplications * images * epochs / MULTIPLICATIONS_PER_SECOND;
    seconds.max(1.0).round()
}

/// Marks the parameters that are sizes of `network`: the guess of the duration is proportional to their values.
pub(crate) fn mark_sizes(network: &Network, parameters: &mut [Parameter]) {
    for (name, value) in network.sizes() {
        let unit = match value {
            SizeValue::Flag(_) => continue,
            SizeValue::Number(size) => size,
            SizeValue::List(sizes) => sizes.iter().sum(),
        };
        let named = parameters
            .iter_mut()
            .filter(|parameter| parameter.name == name);
        for parameter in named {
            parameter.duration_unit = Some(unit as f64);
        }
    }
}
