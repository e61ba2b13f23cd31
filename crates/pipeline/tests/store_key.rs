//! The key changes with each ingredient and with nothing else.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_artifact::Digest;
use eigenscope_pipeline::store::{InputRecord, KeyInputs};
use serde_json::json;

fn key_inputs() -> KeyInputs {
    let input = |role: &str, task: &str| InputRecord {
        role: role.to_owned(),
        task: task.to_owned(),
        labels: BTreeMap::from([("hidden".to_owned(), json!(30))]),
        content: Digest::of(task.as_bytes()),
        renamed: BTreeMap::new(),
    };
    KeyInputs {
        kind: "train/bilinear".to_owned(),
        parameters: json!({"epochs": 3, "noise": {"gauss": 0.5}, "sizes": [1, 2]}),
        seed: Some(7),
        device: "cpu".to_owned(),
        fingerprint: "code".to_owned(),
        inputs: vec![input("data", "data.a"), input("data", "data.b")],
    }
}

fn names(first: &str, present: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(first.to_owned(), present.to_owned())])
}

fn changed(change: impl FnOnce(&mut KeyInputs)) -> KeyInputs {
    let mut key_inputs = key_inputs();
    change(&mut key_inputs);
    key_inputs
}

#[test]
fn every_ingredient_changes_the_key() {
    let all = [
        key_inputs(),
        changed(|i| i.kind = "train/deep".to_owned()),
        changed(|i| i.parameters["epochs"] = json!(4)),
        changed(|i| i.parameters["epochs"] = json!("3")),
        changed(|i| i.parameters["noise"]["gauss"] = json!(0.25)),
        changed(|i| i.parameters["sizes"] = json!([2, 1])),
        changed(|i| i.parameters["sizes"] = json!([[1], 2])),
        changed(|i| i.parameters["extra"] = json!(null)),
        changed(|i| i.seed = Some(8)),
        changed(|i| i.seed = None),
        changed(|i| i.device = "gpu".to_owned()),
        changed(|i| i.fingerprint = "other".to_owned()),
        changed(|i| i.inputs[0].role = "models".to_owned()),
        changed(|i| i.inputs[0].task = "data.c".to_owned()),
        changed(|i| {
            i.inputs[0].labels.insert("hidden".to_owned(), json!(31));
        }),
        changed(|i| i.inputs[0].labels.clear()),
        changed(|i| i.inputs[0].renamed = names("data.old", "data.a")),
        changed(|i| i.inputs[0].renamed = names("data.older", "data.a")),
        changed(|i| i.inputs[1].renamed = names("data.old", "data.a")),
        changed(|i| i.inputs[0].content = Digest::of(b"other")),
        changed(|i| i.inputs.swap(0, 1)),
        changed(|i| {
            i.inputs.pop();
        }),
    ];
    let keys: BTreeSet<_> = all.iter().map(KeyInputs::key).collect();
    assert_eq!(keys.len(), all.len());
}

#[test]
fn the_key_does_not_depend_on_the_order_of_parameters() {
    let reordered = changed(|i| {
        i.parameters = json!({"sizes": [1, 2], "noise": {"gauss": 0.5}, "epochs": 3});
    });
    assert_eq!(key_inputs().key(), reordered.key());
}

#[test]
fn text_does_not_move_between_ingredients() {
    let moved = changed(|i| {
        i.device = "cpuc".to_owned();
        i.fingerprint = "ode".into();
    });
    assert_ne!(key_inputs().key(), moved.key());
}

#[test]
fn the_encoding_is_what_it_was() {
    // A change of this key orphans every stored result: change the encoding's number along with it.
    assert_eq!(
        key_inputs().key().to_string(),
        "85b415343ad5b68af9c619d3790a6044a1e61e013ac846111a12af55ffad57e9"
    );
}

#[test]
fn ingredients_survive_their_record() {
    let awkward = changed(|i| i.parameters["rate"] = json!(5.0e-324_f64 + 0.1 + 0.2));
    let text = serde_json::to_string(&awkward).expect("JSON");
    let read: KeyInputs = serde_json::from_str(&text).expect("as written");
    assert_eq!(read.key(), awkward.key());
}
