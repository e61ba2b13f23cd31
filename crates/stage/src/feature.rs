//! What the results of a task kind are, and what a task kind asks of the results it reads.
//!
//! Which combinations of task kinds are defined follows from these statements alone, so the orchestrator
//! refuses the others when it reads a pipeline file.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::description::is_false;
use crate::quantity::{Amount, quantities};

/// What is true of everything that a task of a kind writes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Feature {
    /// It has a property.
    Flag {
        /// An adjective, such as `bilinear`.
        name: String,
        /// For which parameters; `None`: for all.
        when: Option<Condition>,
    },
    /// It has parts with names.
    Names {
        /// What the parts are, in the plural, such as `layers`.
        set: String,
        /// Their names.
        rules: Vec<NameRule>,
    },
    /// It has a value that results that are used together share.
    Attribute {
        /// What the value is, such as `classes`.
        name: String,
        /// The value.
        value: AttributeValue,
    },
    /// It has so many of something.
    Quantity {
        /// What is counted, in the plural.
        name: String,
        /// How many, before parameters change it. It may depend on quantities that are stated before.
        amount: Amount,
    },
    /// It has the quantities of what is read in a role; those that all have, if that is several artifacts.
    Quantities {
        /// The role.
        role: String,
    },
    /// It has all features that what is read in a role has; those that all have, if that is several artifacts.
    Inherited {
        /// The role.
        role: String,
    },
}

impl Feature {
    /// A property, whatever the parameters are.
    pub fn flag(name: &str) -> Self {
        Feature::Flag {
            name: name.to_owned(),
            when: None,
        }
    }

    /// A property of what is made with this value of a parameter.
    pub fn flag_when(name: &str, parameter: &str, value: impl Into<Value>) -> Self {
        Feature::Flag {
            name: name.to_owned(),
            when: Some(Condition {
                parameter: parameter.to_owned(),
                value: value.into(),
            }),
        }
    }

    /// Named parts.
    pub fn names(set: &str, rules: Vec<NameRule>) -> Self {
        Feature::Names {
            set: set.to_owned(),
            rules,
        }
    }

    /// What analyses ask about the layers of a model, whose names are given in the order in which they are run.
    pub fn of_layers(all: &[&str], drawable: &[&str], convolutions: &[&str]) -> Vec<Self> {
        let fixed = |names: &[&str]| names.iter().map(|name| NameRule::fixed(name)).collect();
        let mut features = vec![
            Self::names(LAYERS, fixed(all)),
            Self::names(DRAWABLE_LAYERS, fixed(drawable)),
            Self::names(CONVOLUTIONS, fixed(convolutions)),
        ];
        features.extend(all.first().map(|first| Self::fixed(FIRST_LAYER, first)));
        features
    }

    /// An attribute.
    pub fn attribute(name: &str, value: AttributeValue) -> Self {
        Feature::Attribute {
            name: name.to_owned(),
            value,
        }
    }

    /// An attribute with one value.
    pub fn fixed(name: &str, value: &str) -> Self {
        let text = value.to_owned();
        Self::attribute(name, AttributeValue::Fixed { text })
    }

    /// The classes, the transforms and the quantities of the images that it was made from.
    pub fn of_images(role: &str) -> [Self; 3] {
        let [classes, transforms] = [CLASSES, TRANSFORMS].map(|name| {
            let role = role.to_owned();
            Self::attribute(name, AttributeValue::Inherited { role })
        });
        [classes, transforms, Self::quantities(role)]
    }

    /// The outputs of a layer without places.
    pub fn layer_outputs(layer: &str, outputs: Amount) -> Self {
        Self::amount(&format!("{}{layer}", quantities::LAYER_OUTPUTS), outputs)
    }

    /// So many of something.
    pub fn quantity(name: &str, count: u64) -> Self {
        Self::amount(name, Amount::Fixed(count))
    }

    /// As many of something as an amount.
    pub fn amount(name: &str, amount: Amount) -> Self {
        let name = name.to_owned();
        Feature::Quantity { name, amount }
    }

    /// The quantities of what is read in a role.
    pub fn quantities(role: &str) -> Self {
        Feature::Quantities {
            role: role.to_owned(),
        }
    }

    /// All features of what is read in a role.
    pub fn inherited(role: &str) -> Self {
        Feature::Inherited {
            role: role.to_owned(),
        }
    }
}

/// Which label of what is read the value of a parameter is. Labels are the parameters that are swept over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelOf {
    /// The role, or a path of roles from the task on.
    pub path: String,
    /// Whether it is averaged over: one artifact with the label is enough, and what is made has it no more. Else all artifacts have it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_averaged: bool,
    /// Words that mean something else, or a label that need not be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<String>,
    /// Labels that it cannot be, as the results have columns for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
}

impl LabelOf {
    /// A label that all artifacts at the end of a path have.
    pub fn all(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            is_averaged: false,
            words: Vec::new(),
            columns: Vec::new(),
        }
    }

    /// A label that is averaged over.
    pub fn averaged(path: &str) -> Self {
        Self {
            is_averaged: true,
            ..Self::all(path)
        }
    }

    /// The same, or one of these words.
    pub fn or(self, words: &[&str]) -> Self {
        Self {
            words: words.iter().map(|&word| word.to_owned()).collect(),
            ..self
        }
    }

    /// The same, but none of these.
    pub fn but(self, columns: &[&str]) -> Self {
        Self {
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            ..self
        }
    }
}

/// Names of the layers of a model.
pub const LAYERS: &str = "layers";

/// Names of the layers of a model that are convolutions.
pub const CONVOLUTIONS: &str = "convolutions";

/// Attribute of a model: the name of the layer that reads the data itself.
pub const FIRST_LAYER: &str = "first layer";

/// Names of the layers of a model whose weights can be drawn as images.
pub const DRAWABLE_LAYERS: &str = "drawable layers";

/// Attribute of images and of what was made from them: names of the classes, in order.
pub const CLASSES: &str = "classes";

/// Attribute of images and of what was made from them: steps from stored pixels to the inputs of a network.
pub const TRANSFORMS: &str = "transforms";

/// Value of an attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum AttributeValue {
    /// That of what is read in a role, if it has the attribute.
    Inherited {
        /// The role.
        role: String,
    },
    /// That of a parameter.
    Parameter {
        /// The parameter.
        name: String,
    },
    /// Always the same.
    Fixed {
        /// The value.
        text: String,
    },
    /// Names, while a parameter has a value; else the values of some parameters.
    Chosen {
        /// All names; `None`: only the data tells, so the value is unknown unless some are chosen.
        names: Option<Vec<String>>,
        /// A list parameter of the positions that are chosen, in order; all for an empty list.
        by: String,
        /// When names are chosen.
        when: Condition,
        /// Text that stands for the kind where they are not.
        kind: String,
    },
}

impl AttributeValue {
    /// The parameters that it depends on.
    pub fn parameters(&self) -> Vec<&String> {
        match self {
            AttributeValue::Inherited { .. } | AttributeValue::Fixed { .. } => Vec::new(),
            AttributeValue::Parameter { name } => vec![name],
            AttributeValue::Chosen { by, when, .. } => vec![by, &when.parameter],
        }
    }

    /// The value for the parameters of a task; `None` if it is inherited or unknown.
    pub fn value(&self, parameters: &Value) -> Option<Value> {
        match self {
            AttributeValue::Inherited { .. } => None,
            AttributeValue::Parameter { name } => parameters.get(name).cloned(),
            AttributeValue::Fixed { text } => Some(json!(text)),
            AttributeValue::Chosen {
                names,
                by,
                when,
                kind,
            } => {
                let chosen = parameters.get(by)?;
                if !when.holds(parameters) {
                    let value = parameters.get(&when.parameter)?.clone();
                    return Some(json!({ "data": kind, &when.parameter: value, by: chosen }));
                }
                let chosen = chosen.as_array()?;
                match (names, chosen.is_empty()) {
                    (Some(names), true) => Some(json!(names)),
                    (None, true) => None,
                    (Some(names), false) => {
                        let name =
                            |position: &Value| names.get(usize::try_from(position.as_u64()?).ok()?);
                        let names: Option<Vec<_>> = chosen.iter().map(name).collect();
                        names.map(|names| json!(names))
                    }
                    // Classes without names are called by their numbers.
                    (None, false) => Some(
                        chosen
                            .iter()
                            .map(|class| json!(class.to_string()))
                            .collect(),
                    ),
                }
            }
        }
    }
}

/// A parameter has a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The parameter.
    pub parameter: String,
    /// Its value as it stands in a task file.
    pub value: Value,
}

impl Condition {
    /// Whether it holds for the parameters of a task.
    pub fn holds(&self, parameters: &Value) -> bool {
        parameters.get(&self.parameter) == Some(&self.value)
    }
}

/// Names of parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum NameRule {
    /// This one name.
    Fixed(String),
    /// The prefix followed by 1, 2, ..., as many as a list has items and `extra` more.
    Numbered {
        /// What stands before the number.
        prefix: String,
        /// Parameter whose value is the list.
        parameter: String,
        /// Parts that have no item in the list.
        extra: usize,
    },
    /// The name alone if a number is 1, else followed by 1, 2, ..., up to the number.
    Repeated {
        /// The name.
        name: String,
        /// Parameter whose value is the number.
        parameter: String,
    },
    /// The items of a list of texts, by the name of the parameter.
    Items(String),
}

impl NameRule {
    /// One name.
    pub fn fixed(name: &str) -> Self {
        NameRule::Fixed(name.to_owned())
    }

    /// Numbered names, `extra` more than the list `parameter` has items.
    pub fn numbered(prefix: &str, parameter: &str, extra: usize) -> Self {
        NameRule::Numbered {
            prefix: prefix.to_owned(),
            parameter: parameter.to_owned(),
            extra,
        }
    }

    /// The name once, or with numbers as often as `parameter` says.
    pub fn repeated(name: &str, parameter: &str) -> Self {
        NameRule::Repeated {
            name: name.to_owned(),
            parameter: parameter.to_owned(),
        }
    }

    /// The parameter that the names depend on.
    pub fn parameter(&self) -> Option<&String> {
        match self {
            NameRule::Fixed(_) => None,
            NameRule::Numbered { parameter, .. }
            | NameRule::Repeated { parameter, .. }
            | NameRule::Items(parameter) => Some(parameter),
        }
    }

    /// The names for the parameters of a task.
    pub fn names(&self, parameters: &Value) -> Vec<String> {
        match self {
            NameRule::Fixed(name) => vec![name.clone()],
            NameRule::Numbered {
                prefix,
                parameter,
                extra,
            } => {
                let items = parameters.get(parameter).and_then(Value::as_array);
                let count = items.map_or(0, Vec::len) + extra;
                numbered(prefix, count)
            }
            NameRule::Items(parameter) => {
                let items = parameters.get(parameter).and_then(Value::as_array);
                let items = items.into_iter().flatten();
                items
                    .filter_map(|item| Some(item.as_str()?.to_owned()))
                    .collect()
            }
            NameRule::Repeated { name, parameter } => {
                let count = parameters.get(parameter).and_then(Value::as_u64);
                match count.unwrap_or(1) {
                    1 => vec![name.clone()],
                    count => numbered(name, usize::try_from(count).unwrap_or_default()),
                }
            }
        }
    }
}

/// The prefix followed by 1, 2, ..., up to `count`.
fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| format!("{prefix}{number}"))
        .collect()
}

/// A property that a task kind asks of what it reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// Name of the [`Feature::Flag`].
    pub flag: String,
    /// A short clause that says what the property is needed for.
    pub because: String,
}

/// Where the words of a parameter must be names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesOf {
    /// Role; every artifact read in it must have the names.
    pub role: String,
    /// Which of its [`Feature::Names`].
    pub set: String,
}
