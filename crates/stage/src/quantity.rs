//! Whole numbers that are known of a result before it exists, such as sizes and counts of images: which a kind states, how
//! parameters change them, and what tasks demand of them.
//!
//! The orchestrator follows them from table to table, so that it can refuse what cannot work when it reads a pipeline file.
//! Where a number is not known, as for files of the user's that are not there yet, nothing is demanded; the task finds out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names of the quantities of images and of what is made from them.
pub mod quantities {
    /// Artifacts that are read in a role, where these are several.
    pub const ARTIFACTS: &str = "artifacts";
    /// Height of the inputs of a network.
    pub const HEIGHT: &str = "rows of pixels";
    /// Width of the inputs of a network.
    pub const WIDTH: &str = "columns of pixels";
    /// Channels of the inputs of a network.
    pub const CHANNELS: &str = "channels";
    /// Classes.
    pub const CLASSES: &str = "classes";
    /// Images of the training split.
    pub const TRAINING_IMAGES: &str = "training images";
    /// Images of the test split.
    pub const TEST_IMAGES: &str = "test images";
    /// Positions in the source that images of the test split can have, from 0.
    pub const TEST_POSITIONS: &str = "positions of test images in their source";
    /// Images that a layer has made embeddings of.
    pub const EMBEDDED_IMAGES: &str = "embedded images";
    /// Values of an embedding.
    pub const EMBEDDING_VALUES: &str = "values of an embedding";
    /// How the outputs of a layer begin that has no places, before its name.
    pub const LAYER_OUTPUTS: &str = "outputs of the layer ";
    /// Hidden units of a bilinear layer, the size of its interaction matrices.
    pub const HIDDEN_UNITS: &str = "hidden units";
    /// Eigenpairs that are certain to be stored, counted from either end of a spectrum.
    pub const EIGENPAIRS: &str = "eigenpairs at each end of a spectrum";
    /// Adversarial masks of each class.
    pub const MASKS: &str = "masks of each class";
}

/// A number that follows from the parameters of a task, or from the fields of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Amount {
    /// This number.
    Fixed(u64),
    /// The value of a parameter; of a list, each of its items.
    Parameter(String),
    /// The number of items of a list.
    Items(String),
    /// The smallest side of an image with room for windows one after another.
    Windows(Vec<Windows>),
    /// Another quantity of the result, chosen by the value of a parameter.
    Chosen {
        /// The parameter.
        parameter: String,
        /// Names of quantities, by value.
        quantities: BTreeMap<String, String>,
    },
    /// A quantity of what is read in a role, whose name ends with the value of a parameter.
    OfRead {
        /// The role.
        role: String,
        /// How the name begins.
        prefix: String,
        /// The parameter.
        parameter: String,
    },
    /// What a parameter says is kept at each end of what another quantity of the result counts; not known if both ends meet, so that
    /// nothing is left out.
    Ends {
        /// The parameter.
        parameter: String,
        /// Name of the quantity.
        of: String,
    },
}

/// Square windows of an image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// Side of a window in pixels.
    pub kernel: u64,
    /// Pixels from one window to the next.
    pub stride: u64,
    /// A list parameter for each of whose items the windows come again; `None`: they come once.
    pub list: Option<String>,
}

impl Windows {
    /// The smallest side of an image with `side` windows in a row, after the windows of every item; `None` beyond `u64`.
    fn side(&self, side: u64, parameters: &Value) -> Option<u64> {
        let times = match &self.list {
            None => 1,
            Some(list) => parameters.get(list)?.as_array()?.len(),
        };
        let before = |side: u64| {
            (side - 1)
                .checked_mul(self.stride)?
                .checked_add(self.kernel)
        };
        (0..times).try_fold(side, |side, _| before(side))
    }
}

impl Amount {
    /// The value of a parameter or field.
    pub fn parameter(name: &str) -> Self {
        Amount::Parameter(name.to_owned())
    }

    /// The number of items of a list.
    pub fn items(list: &str) -> Self {
        Amount::Items(list.to_owned())
    }

    /// The parameters that it depends on.
    pub fn parameters(&self) -> Vec<&String> {
        match self {
            Amount::Fixed(_) => Vec::new(),
            Amount::Parameter(name)
            | Amount::Items(name)
            | Amount::Chosen {
                parameter: name, ..
            }
            | Amount::OfRead {
                parameter: name, ..
            }
            | Amount::Ends {
                parameter: name, ..
            } => vec![name],
            Amount::Windows(windows) => windows.iter().flat_map(|one| &one.list).collect(),
        }
    }

    /// The role that it depends on.
    pub fn role(&self) -> Option<&String> {
        match self {
            Amount::OfRead { role, .. } => Some(role),
            _ => None,
        }
    }

    /// The one number for these parameters, the quantities of the result that are `known`, and those of what is `read` in a role; `None`
    /// if there is not one.
    pub fn count(
        &self,
        parameters: &Value,
        known: impl Fn(&str) -> Option<u64>,
        read: impl Fn(&str, &str) -> Option<u64>,
    ) -> Option<u64> {
        match self {
            Amount::OfRead {
                role,
                prefix,
                parameter,
            } => {
                let word = parameters.get(parameter)?.as_str()?;
                read(role, &format!("{prefix}{word}"))
            }
            Amount::Chosen {
                parameter,
                quantities,
            } => known(quantities.get(parameters.get(parameter)?.as_str()?)?),
            Amount::Ends { parameter, of } => {
                let (kept, all) = (parameters.get(parameter)?.as_u64()?, known(of)?);
                (kept.saturating_mul(2) < all).then_some(kept)
            }
            own => match own.values(parameters)[..] {
                [count] => Some(count),
                _ => None,
            },
        }
    }

    /// The numbers for these parameters; none where a parameter has no such value, or the number depends on other quantities.
    pub fn values(&self, parameters: &Value) -> Vec<u64> {
        let list = |name: &String| parameters.get(name).and_then(Value::as_array);
        match self {
            Amount::Chosen { .. } | Amount::Ends { .. } | Amount::OfRead { .. } => Vec::new(),
            Amount::Fixed(number) => vec![*number],
            Amount::Parameter(name) => parameters.get(name).map(numbers).unwrap_or_default(),
            Amount::Items(name) => list(name)
                .map(|items| items.len() as u64)
                .into_iter()
                .collect(),
            Amount::Windows(windows) => {
                let mut windows = windows.iter().rev();
                let side = windows.try_fold(1, |side, windows| windows.side(side, parameters));
                side.into_iter().collect()
            }
        }
    }
}

/// The number, or those of a list.
fn numbers(value: &Value) -> Vec<u64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => number.as_u64().into_iter().collect(),
    }
}

/// How an amount stands to a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relation {
    /// The amount is the quantity.
    Equals,
    /// The amount is the quantity or less.
    AtMost,
    /// The amount is the quantity or more.
    AtLeast,
    /// The amount is less than the quantity: a position, from 0.
    Below,
    /// The amount is the quantity of one at least of the artifacts that are read.
    Among,
}

impl Relation {
    /// Whether an amount and a quantity stand so.
    pub fn holds(self, amount: u64, quantity: u64) -> bool {
        match self {
            Relation::Equals | Relation::Among => amount == quantity,
            Relation::AtMost => amount <= quantity,
            Relation::AtLeast => amount >= quantity,
            Relation::Below => amount < quantity,
        }
    }
}

/// What must hold between an amount and a quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// The amount.
    pub amount: Amount,
    /// How it stands to the quantity.
    pub relation: Relation,
    /// Name of the quantity, in the plural.
    pub quantity: String,
    /// A short clause that says why.
    pub because: String,
}

impl Demand {
    /// A demand; `because` is a short clause.
    pub fn new(amount: Amount, relation: Relation, quantity: &str, because: &str) -> Self {
        Self {
            amount,
            relation,
            quantity: quantity.to_owned(),
            because: because.to_owned(),
        }
    }

    /// The first amount that does not stand to `quantity` as it must.
    pub fn violated(&self, parameters: &Value, quantity: u64) -> Option<u64> {
        let amounts = self.amount.values(parameters).into_iter();
        let mut wrong = amounts.filter(|&amount| !self.relation.holds(amount, quantity));
        wrong.next()
    }
}

/// What a parameter that has another value than its default, or a variant that is chosen, has to do with quantities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Effect {
    /// It demands something.
    Demands(Demand),
    /// It changes a quantity.
    Sets {
        /// The quantity.
        quantity: String,
        /// What it is from there on.
        amount: Amount,
    },
    /// It makes a quantity unknown.
    Forgets(String),
}

impl Effect {
    /// A demand; `because` is a short clause.
    pub fn demands(amount: Amount, relation: Relation, quantity: &str, because: &str) -> Self {
        Effect::Demands(Demand::new(amount, relation, quantity, because))
    }

    /// A change of a quantity.
    pub fn sets(quantity: &str, amount: Amount) -> Self {
        Effect::Sets {
            quantity: quantity.to_owned(),
            amount,
        }
    }

    /// A quantity that becomes unknown.
    pub fn forgets(quantity: &str) -> Self {
        Effect::Forgets(quantity.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_follow_from_parameters() {
        let parameters =
            json!({ "count": 7, "list": [3, 1], "pairs": [[1, 2], [3, 4]], "no": 0.5 });
        let windows = |list: &str| {
            let windows = |list, kernel, stride| Windows {
                kernel,
                stride,
                list,
            };
            let listed = windows(Some(list.to_owned()), 5, 2);
            Amount::Windows(vec![windows(None, 3, 1), listed, windows(None, 2, 2)])
        };
        for (amount, values) in [
            (Amount::Fixed(4), vec![4]),
            (Amount::parameter("count"), vec![7]),
            (Amount::parameter("list"), vec![3, 1]),
            (Amount::parameter("pairs"), vec![1, 2, 3, 4]),
            (Amount::parameter("no"), vec![]),
            (Amount::parameter("absent"), vec![]),
            (Amount::items("list"), vec![2]),
            (Amount::items("count"), vec![]),
            // 2, then 7 and 17 for the two items, then 19.
            (windows("list"), vec![19]),
            (windows("absent"), vec![]),
        ] {
            assert_eq!(amount.values(&parameters), values, "{amount:?}");
        }
        let chosen = Amount::Chosen {
            parameter: "which".to_owned(),
            quantities: BTreeMap::from([("b".to_owned(), "images".to_owned())]),
        };
        let known = |name: &str| (name == "images").then_some(9);
        let none = |_: &str, _: &str| None;
        assert_eq!(chosen.count(&json!({ "which": "b" }), known, none), Some(9));
        assert_eq!(chosen.count(&json!({ "which": "a" }), known, none), None);
        let of_read = Amount::OfRead {
            role: "model".to_owned(),
            prefix: "outputs of ".to_owned(),
            parameter: "layer".to_owned(),
        };
        let read =
            |role: &str, name: &str| (role == "model" && name == "outputs of a").then_some(5);
        for (layer, count) in [("a", Some(5)), ("b", None)] {
            let parameters = json!({ "layer": layer });
            assert_eq!(of_read.count(&parameters, known, read), count);
        }
        for (kept, reached) in [(4, Some(4)), (5, None), (20, None)] {
            let ends = Amount::Ends {
                parameter: "kept".to_owned(),
                of: "images".to_owned(),
            };
            let parameters = json!({ "kept": kept });
            assert_eq!(ends.count(&parameters, known, none), reached);
            assert_eq!(ends.count(&parameters, |_| None, none), None);
        }
        let demand = Demand::new(Amount::parameter("list"), Relation::Below, "classes", "");
        assert_eq!(demand.violated(&parameters, 3), Some(3));
        assert_eq!(demand.violated(&parameters, 4), None);
    }
}
