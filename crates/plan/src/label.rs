//! Labels: the values of swept parameters as they stand in task ids and selections.

use std::collections::{BTreeMap, HashMap, HashSet};

use eigenscope_artifact::Digest;
pub use eigenscope_stage::task_id::table_of;
use serde_json::{Map, Value};

/// Values of swept parameters by name.
pub type Labels = BTreeMap<String, Value>;

/// Longest text of a label, in characters.
const LONGEST: usize = 60;
/// Longest text of a list that is its label, in bytes, and how much is kept of a longer one.
const LONGEST_LIST: usize = 32;
const CUT_LIST: usize = 20;
/// What would end a label or break a path or a quotation.
const FORBIDDEN: &str = "[]=,|*/\\\"'`";

/// How a label is written. Whole numbers have no fraction: `1`, never `1.0`.
pub(crate) fn label_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match (number.is_f64(), number.as_f64()) {
            (true, Some(value)) => number_text(value),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn number_text(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        format!("{value:.0}")
    } else {
        format!("{value:?}")
    }
}

/// The text of the number that `text` writes in some other way; `None` if it is no number.
pub(crate) fn number_label(text: &str) -> Option<String> {
    if let Ok(value) = text.parse::<i64>() {
        return Some(value.to_string());
    }
    let value = text.parse::<f64>().ok()?;
    value.is_finite().then(|| number_text(value + 0.0))
}

/// Returns whether a selection by `text` means the label `value`.
pub fn label_is(value: &Value, text: &str) -> bool {
    let label = label_text(value);
    label == text || (value.is_number() && number_label(text).is_some_and(|other| other == label))
}

/// Why `text` cannot stand in a task id and in a selection; `None` if it can.
pub(crate) fn label_problem(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("it is empty".to_owned());
    }
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || FORBIDDEN.contains(c);
    if let Some(found) = text.chars().find(|&c| forbidden(c)) {
        return Some(format!("it contains {found:?}"));
    }
    let length = text.chars().count();
    (length > LONGEST).then(|| format!("it has {length} characters, at most {LONGEST} are allowed"))
}

/// The label of a swept value: the value itself, the name of a variant with fields, or the items of a list:
///
/// ```text
/// 300                                   300
/// { sgd = { lr = 0.1 } }                sgd
/// [512, 256]                            512-256
/// [[3, 6], [1, 2]]                      3-6.1-2
/// ["scale", { resize = { height = 16, width = 16 } }]   scale-resize_16_16
/// [{ linear = 8 }, "relu", { linear = "classes" }]      linear_8-relu-linear_classes
/// ```
///
/// A list whose text would be long or could not stand in a task id is cut and gets six digits of a digest.
fn label_of(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .keys()
            .next()
            .map_or(Value::Null, |name| Value::from(name.as_str())),
        Value::Array(_) => Value::from(list_label(value)),
        other => other.clone(),
    }
}

/// The labels of the values of one sweep. Values that are one variant are told apart by the fields in which they differ:
///
/// ```text
/// { sgd = { lr = 0.1, momentum = 0.9 } }, { sgd = { lr = 0.2, momentum = 0.9 } }, "none"     sgd_0.1, sgd_0.2, none
/// { dropout = 0.1 }, { dropout = 0.5 }                                                       dropout_0.1, dropout_0.5
/// ```
///
/// Lists and tables that would still have one text get six digits of a digest.
pub(crate) fn labels_of(values: &[Value]) -> Vec<Value> {
    let variants = variants(values);
    let labels = values.iter().map(|value| label_among(value, &variants));
    let labels: Vec<Value> = labels.collect();
    let composed = |value: &Value| value.is_array() || value.is_object();
    let mut first: HashMap<String, &Value> = HashMap::new();
    let mut shared = HashSet::new();
    for (value, label) in values.iter().zip(&labels) {
        let text = label_text(label);
        if composed(value) && *first.entry(text.clone()).or_insert(value) != value {
            shared.insert(text);
        }
    }
    let told_apart = values.iter().zip(labels).map(|(value, label)| {
        let text = label_text(&label);
        if composed(value) && shared.contains(&text) {
            Value::from(cut_label(&text, value))
        } else {
            label
        }
    });
    told_apart.collect()
}

/// The values of a sweep that are one variant.
struct Variant<'a> {
    first: &'a Value,
    /// Whether the values differ.
    several: bool,
    count: usize,
    /// The first value of each field, and how many have it.
    fields: HashMap<&'a str, (&'a Value, usize)>,
}

/// The variants among `values`, by name.
fn variants(values: &[Value]) -> HashMap<&str, Variant<'_>> {
    let mut variants: HashMap<&str, Variant<'_>> = HashMap::new();
    for value in values {
        let Some((name, fields)) = variant(value) else {
            continue;
        };
        let variant = variants.entry(name).or_insert_with(|| Variant {
            first: value,
            several: false,
            count: 0,
            fields: HashMap::new(),
        });
        variant.several |= value != variant.first;
        variant.count += 1;
        for (name, field) in fields.as_object().into_iter().flatten() {
            let (first, same) = variant.fields.entry(name).or_insert((field, 0));
            *same += usize::from(field == *first);
        }
    }
    variants
}

/// The label of one of the values with these variants, longer if another one is the same variant.
fn label_among(value: &Value, variants: &HashMap<&str, Variant<'_>>) -> Value {
    let named = variant(value)
        .and_then(|(name, fields)| Some((name, fields, variants.get(name.as_str())?)));
    let Some((name, fields, variant)) = named.filter(|(.., variant)| variant.several) else {
        return label_of(value);
    };
    let Some(fields) = fields.as_object() else {
        return Value::from(list_label(value));
    };
    let differs = |name: &str| {
        let field = variant.fields.get(name);
        field.is_some_and(|(_, same)| *same < variant.count)
    };
    let differing = fields.iter().filter(|(name, _)| differs(name));
    let differing: Map<_, _> = differing
        .map(|(name, field)| (name.clone(), field.clone()))
        .collect();
    let reduced = Map::from_iter([(name.clone(), Value::Object(differing))]);
    Value::from(list_label(&Value::Object(reduced)))
}

/// Name of a variant, and its fields or the one value that stands for them.
fn variant(value: &Value) -> Option<(&String, &Value)> {
    value.as_object()?.iter().next()
}

/// Returns whether `c` may stand in the text of a list that is its label.
fn plain(c: char) -> bool {
    c.is_alphanumeric() || "-._+".contains(c)
}

fn list_label(value: &Value) -> String {
    let text = nested_text(value);
    if text.len() <= LONGEST_LIST && text.chars().all(plain) {
        return text;
    }
    cut_label(&text, value)
}

/// The start of the label `text` and six digits of a digest of `value`.
fn cut_label(text: &str, value: &Value) -> String {
    let start: String = text.chars().filter(|&c| plain(c)).take(CUT_LIST).collect();
    let digest = Digest::of(value.to_string().as_bytes()).to_string();
    format!("{start}~{}", digest.get(..6).unwrap_or_default())
}

/// The parts of a list or of a variant one after another.
fn nested_text(value: &Value) -> String {
    let joined = |items: &mut dyn Iterator<Item = &Value>, separator: &str| {
        let items: Vec<String> = items.map(nested_text).collect();
        items.join(separator)
    };
    match value {
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let separator = if items.iter().any(Value::is_array) {
                "."
            } else {
                "-"
            };
            joined(&mut items.iter(), separator)
        }
        Value::Object(object) => {
            let parts = object.iter().map(|(name, fields)| match fields {
                Value::Object(fields) => format!("{name}_{}", joined(&mut fields.values(), "_")),
                field => format!("{name}_{}", nested_text(field)),
            });
            parts.collect::<Vec<_>>().join("_")
        }
        other => label_text(other),
    }
}

/// Id of the task of `table` with these labels.
pub(crate) fn task_id(table: &str, labels: &Labels) -> String {
    let mut id = String::with_capacity(table.len() + 16 * labels.len());
    id.push_str(table);
    for (index, (name, value)) in labels.iter().enumerate() {
        id.push(if index == 0 { '[' } else { ',' });
        id.push_str(name);
        id.push('=');
        match value {
            Value::String(text) => id.push_str(text),
            other => id.push_str(&label_text(other)),
        }
    }
    if !labels.is_empty() {
        id.push(']');
    }
    id
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        for (value, text) in [
            (json!(300), "300"),
            (json!(1.0), "1"),
            (json!(0.4), "0.4"),
            (json!(1e-5), "1e-5"),
            (json!(1e300), "1e300"),
            (json!(-2.5), "-2.5"),
            (json!(true), "true"),
            (json!("published"), "published"),
        ] {
            assert_eq!(label_text(&value), text);
            assert!(label_is(&value, text), "{text}");
        }
        for other in ["1.0", "1", "1e0", "+1"] {
            assert!(label_is(&json!(1.0), other), "{other}");
            assert!(label_is(&json!(1), other), "{other}");
        }
        assert!(!label_is(&json!("1"), "1.0"));
        assert!(!label_is(&json!(1), "one"));
        assert!(!label_is(&json!(1), "nan"));
    }

    #[test]
    fn ids_are_sorted_by_label() {
        let labels = Labels::from([
            ("seed".to_owned(), json!(2)),
            ("hidden".to_owned(), json!(300)),
        ]);
        let id = task_id("train.bilinear", &labels);
        assert_eq!(id, "train.bilinear[hidden=300,seed=2]");
        assert_eq!(table_of(&id), "train.bilinear");
        assert_eq!(task_id("data.mnist", &Labels::new()), "data.mnist");
        assert_eq!(table_of("data.mnist"), "data.mnist");
    }

    #[test]
    fn labels_cannot_break_an_id() {
        assert_eq!(label_problem("similarity-label"), None);
        for bad in [
            "", "a b", "a,b", "a]", "a|b", "*", "a/b", "a\\b", "a\nb", "a=b", "a\"b",
        ] {
            assert!(label_problem(bad).is_some(), "{bad:?}");
        }
        assert_eq!(label_problem(&"é".repeat(60)), None);
        let long = label_problem(&"é".repeat(61)).expect("too long");
        assert_eq!(long, "it has 61 characters, at most 60 are allowed");
    }

    #[test]
    fn values_of_one_variant_are_labelled_by_what_differs() {
        let sgd = |lr: f64, momentum: f64| json!({ "sgd": { "lr": lr, "momentum": momentum } });
        for (values, labels) in [
            (vec![sgd(0.1, 0.9), json!("none")], vec!["sgd", "none"]),
            (
                vec![sgd(0.1, 0.9), json!("none"), sgd(0.2, 0.9)],
                vec!["sgd_0.1", "none", "sgd_0.2"],
            ),
            (
                vec![sgd(0.1, 0.9), sgd(0.1, 0.0), sgd(0.2, 0.0)],
                vec!["sgd_0.1_0.9", "sgd_0.1_0", "sgd_0.2_0"],
            ),
            (
                vec![json!({ "dropout": 0.1 }), json!({ "dropout": 0.5 })],
                vec!["dropout_0.1", "dropout_0.5"],
            ),
            (
                vec![
                    json!({ "linear": 8 }),
                    json!({ "linear": { "outputs": 16 } }),
                ],
                vec!["linear_8", "linear_16"],
            ),
            (
                vec![json!({ "dropout": 0.1 }), json!("relu")],
                vec!["dropout", "relu"],
            ),
        ] {
            assert_eq!(labels_of(&values), labels);
        }
    }

    #[test]
    fn many_values_of_one_variant_are_labelled_at_once() {
        let values: Vec<Value> = (0..20_000)
            .map(|number| json!({ "sgd": { "lr": number, "momentum": 0.9 } }))
            .collect();
        let labels = labels_of(&values);
        assert_eq!(labels[19_999], json!("sgd_19999"));
        let distinct: HashSet<&str> = labels.iter().filter_map(Value::as_str).collect();
        assert_eq!(distinct.len(), values.len());
    }

    #[test]
    fn steps_that_differ_in_sizes_have_different_labels() {
        let network =
            |hidden: Value, between: Value| json!([hidden, between, { "linear": "classes" }]);
        let linear = |outputs: u64| json!({ "linear": outputs });
        let values = [
            network(linear(8), json!("relu")),
            network(linear(16), json!("relu")),
            network(
                json!({ "linear": { "name": "x", "outputs": 8 } }),
                json!("relu"),
            ),
        ];
        let expected = [
            "linear_8-relu-linear_classes",
            "linear_16-relu-linear_classes",
            "linear_x_8-relu-linear_classes",
        ];
        assert_eq!(labels_of(&values), expected);
        // Longer ones are cut, and differ also where the part that is kept does not.
        let dropout = |part: f64| network(linear(1024), json!([{ "dropout": part }, "relu"]));
        let labels = labels_of(&[dropout(0.125), dropout(0.25)]);
        let texts: Vec<&str> = labels.iter().filter_map(Value::as_str).collect();
        assert!(
            matches!(texts.as_slice(), [a, b] if a != b
                && [a, b].iter().all(|text| text.starts_with("linear_1024.dropout_~"))),
            "{texts:?}"
        );
    }

    #[test]
    fn values_of_one_text_are_told_apart_by_a_digest() {
        let values = [
            json!([{ "residual": { "steps": ["relu"] } }]),
            json!([{ "residual": "relu" }]),
            json!([{ "init": { "high": 1, "low": 2 } }]),
            json!([{ "sgd": { "a": 1 } }]),
        ];
        let labels = labels_of(&values);
        let texts: Vec<&str> = labels.iter().filter_map(Value::as_str).collect();
        let [first, second, rest @ ..] = texts.as_slice() else {
            panic!("{texts:?}");
        };
        assert_ne!(first, second);
        for text in [first, second] {
            assert!(text.starts_with("residual_relu~"), "{text}");
            assert_eq!(label_problem(text), None);
        }
        assert_eq!(rest, ["init_1_2", "sgd_1"]);
        // One value given twice is not two values.
        assert_eq!(labels_of(&[json!([1]), json!([1])]), ["1", "1"]);
        // A number and a list of it are no such values: one of them is written otherwise.
        assert_eq!(labels_of(&[json!(3), json!([3])]), [json!(3), json!("3")]);
    }

    #[test]
    fn lists_are_labelled_by_their_items() {
        let resize = json!({ "resize": { "height": 16, "width": 16 } });
        for (value, label) in [
            (json!([]), "none"),
            (json!([32, 16]), "32-16"),
            (json!([0.5, 1.0]), "0.5-1"),
            (json!([[3, 6]]), "3-6"),
            (json!([[3, 6], [1, 2]]), "3-6.1-2"),
            (json!(["layer1", "layer2"]), "layer1-layer2"),
            (json!(["scale", resize]), "scale-resize_16_16"),
        ] {
            assert_eq!(label_of(&value), label);
        }
        let long = |last: u64| label_of(&json!([1024, 1024, 1024, 1024, 1024, 1024, 1024, last]));
        let long = |last| long(last).as_str().expect("a text").to_owned();
        assert_eq!(long(1).len(), CUT_LIST + 7);
        assert!(long(1).starts_with("1024-1024-1024-1024-~"));
        assert_ne!(long(1), long(2));
        // Letters that cannot stand in an id are left out.
        let odd = label_of(&json!(["a b", "c/d"]));
        let odd = odd.as_str().expect("a text");
        assert!(
            odd.starts_with("ab-cd~") && label_problem(odd).is_none(),
            "{odd}"
        );
    }
}
