//! What the task kinds say about their models is true of the models.

use std::collections::BTreeSet;

use eigenscope_artifact::InputShape;
use eigenscope_models::{Architecture, LayerNames, ModelError, Network, networks};
use eigenscope_stage::{
    CONVOLUTIONS, FIRST_LAYER, Feature, LAYERS, TaskKindDescription, quantities,
};
use serde_json::{Value, json};

/// Networks of all kinds with the parameters of the tasks that train them.
fn cases() -> Vec<(Network, Value)> {
    let mut cases = vec![
        (networks::convnet(), json!({})),
        (networks::embedding_net(2), json!({ "embedding": 2 })),
    ];
    for sizes in [vec![], vec![3], vec![4, 2], vec![1, 1, 1]] {
        cases.push((networks::mlp(sizes.clone()), json!({ "widths": sizes })));
        cases.push((networks::cnn(sizes.clone()), json!({ "channels": sizes })));
    }
    for bias in [false, true] {
        for (blocks, residual) in [(1, false), (1, true), (2, false), (3, true)] {
            let parameters =
                json!({ "hidden": 3, "bias": bias, "blocks": blocks, "residual": residual });
            let network = networks::bilinear_blocks(3, bias, blocks, residual);
            cases.push((network, parameters));
        }
    }
    cases
}

/// The description of the kind that trains a network.
fn description(network: &Network) -> TaskKindDescription {
    let mut kinds = eigenscope_train::kinds().into_iter();
    let kind = kinds.find(|kind| kind.description.name == network.name());
    kind.expect("a kind").description
}

fn build(network: &Network, [height, width]: [usize; 2]) -> Result<Architecture, ModelError> {
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    network.architecture(InputShape::from([1, height, width]), classes)
}

#[test]
fn every_kind_is_a_network() {
    let kinds: BTreeSet<String> = eigenscope_train::kinds()
        .into_iter()
        .map(|kind| kind.description.name)
        .collect();
    let mut networks: BTreeSet<String> = cases()
        .iter()
        .map(|(network, _)| network.name().to_owned())
        .collect();
    // Its steps are given in the pipeline file.
    networks.insert("network".to_owned());
    assert_eq!(kinds, networks);
}

#[test]
fn guesses_of_durations_grow_as_the_multiplications_of_convolutions() {
    for network in [
        networks::convnet(),
        networks::embedding_net(3),
        networks::cnn(vec![32, 64]),
    ] {
        let kind = description(&network);
        let units = &kind.roles[0].duration_units;
        let factor = |quantity: &str, count: f64| count / units[quantity];
        assert_eq!(factor(quantities::TRAINING_IMAGES, 30_000.0), 0.5);
        let typical = network.typical().expect("some images fit");
        let large = build(&network, [221, 150]).expect("they fit");
        let guessed = factor(quantities::HEIGHT, 221.0) * factor(quantities::WIDTH, 150.0);
        let actual = large.multiplications() / typical.multiplications();
        assert!(
            (0.4..2.0).contains(&(guessed / actual)),
            "{guessed} {actual}"
        );
    }
}

#[test]
fn flags_and_layers_are_those_of_the_model() {
    for (network, parameters) in cases() {
        let (mut flags, mut layers) = (BTreeSet::new(), BTreeSet::new());
        let (mut drawable, mut convolutions, mut first) = (Vec::new(), Vec::new(), None);
        for feature in description(&network).provides {
            match feature {
                Feature::Flag { name, when }
                    if when.as_ref().is_none_or(|when| when.holds(&parameters)) =>
                {
                    flags.insert(name);
                }
                Feature::Names { set, rules } => {
                    let names = rules.iter().flat_map(|rule| rule.names(&parameters));
                    match set.as_str() {
                        LAYERS => layers.extend(names),
                        CONVOLUTIONS => convolutions.extend(names),
                        _ => drawable.extend(names),
                    }
                }
                Feature::Attribute { name, value } if name == FIRST_LAYER => {
                    first = value.value(&parameters);
                }
                _ => {}
            }
        }
        let architecture = build(&network, [40, 40]).expect("large enough images");
        let built = architecture.layers().map(|(_, layer)| layer);
        let names: BTreeSet<String> = built.clone().map(|layer| layer.name.clone()).collect();
        assert_eq!(layers, names, "{parameters}");
        // Without its list of convolutions, a `cnn` is a linear map of the images, which is not stated.
        let is_bare = drawable.is_empty() && names.len() == 1;
        assert!(
            is_bare || drawable == architecture.drawable_layers(),
            "{parameters}"
        );

        assert_eq!(convolutions, architecture.convolutions(), "{parameters}");
        // Where the first layers are a list, it may be empty: without its convolutions, the linear layer of a `cnn` reads the data.
        let depends_on_list = matches!(
            network.layer_names().first(),
            Some(LayerNames::Numbered {
                list: Some(_),
                extra: 0,
                ..
            })
        );
        let reads_data = json!(architecture.layer_names()[0]);
        assert_eq!(
            first,
            (!depends_on_list).then_some(reads_data),
            "{parameters}"
        );

        let properties = architecture.properties().into_iter().map(str::to_owned);
        let mut expected: BTreeSet<String> = properties.collect();
        if network.name() != "bilinear" {
            expected.insert(network.name().to_owned());
        }
        assert_eq!(flags, expected, "{parameters}");
    }
}

#[test]
fn the_smallest_images_are_those_that_a_network_has_room_for() {
    for (network, parameters) in cases() {
        let demands = &description(&network).roles[0].demands;
        let sides = demands
            .iter()
            .filter(|demand| demand.quantity.ends_with("of pixels"));
        let sides: Vec<u64> = sides
            .flat_map(|demand| demand.amount.values(&parameters))
            .collect();
        let side = match sides[..] {
            [] => 1,
            [height, width] if height == width => height as usize,
            _ => panic!("{sides:?}"),
        };
        assert!(build(&network, [side, side]).is_ok(), "{parameters}");
        if side > 1 {
            assert!(build(&network, [side - 1, side]).is_err(), "{parameters}");
            assert!(build(&network, [side, side - 1]).is_err(), "{parameters}");
        }
    }
}
