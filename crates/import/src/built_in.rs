//! The built-in network that a file of weights fits, and the steps of it.

use std::collections::BTreeMap;
use std::iter::Peekable;

use eigenscope_artifact::InputShape;
use eigenscope_models::{Architecture, BatchNorm, Layer, Step};
use serde_json::{Map, Value, json};

use crate::file::WeightFile;
use crate::network::{Definition, Described};
use crate::propose::{Proposal, on_images};

/// The built-in network whose tensors the file has, if there is one; `images` are those that it is to read.
pub(crate) fn built_in(file: &WeightFile, images: Option<InputShape>) -> Option<Proposal> {
    let candidates = [
        ("bilinear", Described::Bilinear { residual: false }),
        ("convnet", Described::ConvNet),
        ("embedding-net", Described::EmbeddingNet),
        ("mlp", Described::Mlp),
        ("cnn", Described::Cnn),
    ];
    candidates.into_iter().find_map(|(kind, described)| {
        let definition = Definition::new(&described, file).ok()?;
        let resolved = definition.resolve_unknown(file, &BTreeMap::new(), None)?;
        let mut proposal = Proposal::none(format!(
            "the tensors have the shapes of the built-in network `{kind}`"
        ));
        if kind == "bilinear" {
            let remark = "add residual = true if every bilinear layer is added to what it reads";
            proposal.remarks.push(remark.to_owned());
        }
        proposal.kind = Some(kind);
        let remark = images.map(|images| on_images(file, &definition, images));
        proposal.remarks.extend(remark);
        proposal.steps = Some(Value::Array(steps(&resolved.architecture)));
        Some(proposal)
    })
}

/// The steps of a built-in network as a pipeline file gives them, its layers under their names.
fn steps(architecture: &Architecture) -> Vec<Value> {
    let last = architecture.layers().last().map(|(position, _)| position);
    list(
        &mut architecture.steps().iter().enumerate().peekable(),
        last,
    )
}

/// The steps up to the end of a residual block, or to the last.
fn list<'a>(
    steps: &mut Peekable<impl Iterator<Item = (usize, &'a Step)>>,
    last: Option<usize>,
) -> Vec<Value> {
    let mut found = Vec::new();
    while let Some((position, step)) = steps.next() {
        match step {
            Step::Map(layer) => {
                let is_gated = matches!(steps.peek(), Some((_, Step::Gate)));
                found.push(map(layer, is_gated, Some(position) == last));
            }
            Step::Normalise(BatchNorm { name, .. }) => {
                found.push(json!({ "batch-norm": { "name": name } }));
            }
            Step::Relu => found.push(json!("relu")),
            Step::MaxPool(_) => found.push(json!({ "max-pool": 2 })),
            Step::Fork => {
                let within = list(steps, last);
                found.push(json!({ "residual": within }));
            }
            Step::Add => break,
            _ => {}
        }
    }
    found
}

fn map(layer: &Layer, is_gated: bool, is_last: bool) -> Value {
    let mut fields = Map::new();
    let (kind, bias) = match (layer.window, is_gated) {
        (Some(window), _) => {
            fields.insert("channels".to_owned(), json!(layer.outputs));
            fields.insert("kernel".to_owned(), json!(window.kernel));
            if window.stride != 1 {
                fields.insert("stride".to_owned(), json!(window.stride));
            }
            ("conv", true)
        }
        (None, true) => {
            fields.insert("outputs".to_owned(), json!(layer.outputs / 2));
            ("bilinear", false)
        }
        (None, false) => {
            let outputs = match is_last {
                true => json!("classes"),
                false => json!(layer.outputs),
            };
            fields.insert("outputs".to_owned(), outputs);
            ("linear", true)
        }
    };
    if layer.bias != bias {
        fields.insert("bias".to_owned(), json!(layer.bias));
    }
    fields.insert("name".to_owned(), json!(layer.name));
    Value::Object(Map::from_iter([(kind.to_owned(), Value::Object(fields))]))
}

#[cfg(test)]
mod tests {
    use eigenscope_models::networks;
    use eigenscope_models::steps::StepList;

    use super::*;

    #[test]
    fn the_steps_of_a_built_in_network_make_it() {
        for network in [
            networks::bilinear(5, true),
            networks::bilinear_blocks(5, false, 2, false),
            networks::mlp(vec![7, 6]),
            networks::cnn(vec![3, 4]),
            networks::convnet(),
            networks::embedding_net(3),
        ] {
            let input = InputShape::from([1, 40, 40]);
            let classes: Vec<String> = (0..4).map(|class| class.to_string()).collect();
            let expected = network.architecture(input, classes.clone());
            let expected = expected.expect("large enough");
            let list = StepList::parse(&Value::Array(steps(&expected))).expect("steps");
            let found = list
                .architecture("model", input, classes)
                .expect("they fit");
            assert_eq!(found.steps(), expected.steps());
        }
    }
}
