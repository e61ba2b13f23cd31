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
