//! What the task kinds say about their models is true of the models.

use std::collections::BTreeSet;

use eigenscope_artifact::InputShape;
use eigenscope_models::{Network, networks};
use eigenscope_stage::Feature;
use serde_json::{Value, json};

/// Layers that a kind states for these parameters.
fn stated(kind: &str, parameters: &Value) -> BTreeSet<String> {
    let kinds = eigenscope_train::kinds();
    let kind = kinds.iter().find(|known| known.description.name == kind);
    let provides = &kind.expect("a kind").description.provides;
    let rules = provides.iter().flat_map(|feature| match feature {
        Feature::Names { set, rules } if set == "layers" => rules.as_slice(),
        _ => &[],
    });
    rules.flat_map(|rule| rule.names(parameters)).collect()
}

/// Layers that a model has.
fn built(network: Network) -> BTreeSet<String> {
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    let architecture = networks::architecture(InputShape::from([1, 40, 40]), classes, network);
    let layers = architecture.and_then(|architecture| architecture.layers(&[]));
    let layers = layers.expect("large enough images");
    layers.into_iter().map(|(_, layer)| layer.name).collect()
}

#[test]
fn the_layers_are_those_of_the_model() {
    for sizes in [vec![], vec![3], vec![4, 2]] {
        let widths = sizes.clone();
        let mlp = stated("mlp", &json!({ "widths": sizes }));
        assert_eq!(mlp, built(Network::Mlp { widths }));
        let channels = sizes.clone();
        let cnn = stated("cnn", &json!({ "channels": sizes }));
        assert_eq!(cnn, built(Network::Cnn { channels }));
    }
    assert_eq!(stated("convnet", &json!({})), built(Network::Convnet));
    let embedding_net = stated("embedding-net", &json!({ "embedding": 2 }));
    assert_eq!(embedding_net, built(Network::EmbeddingNet { embedding: 2 }));
    for bias in [false, true] {
        let bilinear = stated("bilinear", &json!({ "hidden": 3, "bias": bias }));
        assert_eq!(bilinear, built(Network::Bilinear { hidden: 3, bias }));
    }
}

/// Smallest side of images that a kind states for these parameters.
fn smallest(kind: &str, parameters: &Value) -> usize {
    let kinds = eigenscope_train::kinds();
    let kind = kinds.iter().find(|known| known.description.name == kind);
    let role = &kind.expect("a kind").description.roles[0];
    let sides: BTreeSet<u64> = role
        .demands
        .iter()
        .flat_map(|demand| demand.amount.values(parameters))
        .collect();
    assert_eq!((role.demands.len(), sides.len()), (2, 1));
    sides.first().copied().expect("one side") as usize
}

#[test]
fn the_smallest_images_are_those_that_a_network_has_room_for() {
    let cnn = |channels: &[usize]| {
        let network = Network::Cnn {
            channels: channels.to_vec(),
        };
        ("cnn", json!({ "channels": channels }), network)
    };
    let cases = [
        cnn(&[]),
        cnn(&[3]),
        cnn(&[4, 2]),
        cnn(&[1, 1, 1]),
        ("convnet", json!({}), Network::Convnet),
        (
            "embedding-net",
            json!({ "embedding": 2 }),
            Network::EmbeddingNet { embedding: 2 },
        ),
    ];
    for (kind, parameters, network) in cases {
        let side = smallest(kind, &parameters);
        let build = |height, width| {
            let input = InputShape::from([1, height, width]);
            networks::architecture(input, vec!["no".to_owned()], network.clone())
        };
        assert!(build(side, side).is_ok(), "{kind} {parameters}");
        if side > 1 {
            assert!(build(side - 1, side).is_err(), "{kind} {parameters}");
            assert!(build(side, side - 1).is_err(), "{kind} {parameters}");
        }
    }
}
