//! Networks as rules for their steps, before the images and the classes are known.

use std::collections::BTreeMap;
use std::iter;

use eigenscope_artifact::InputShape;

use crate::architecture::Architecture;
use crate::batch_norm::BatchNorm;
use crate::error::ModelError;
use crate::label::{NetworkLabel, SizeValue};
use crate::layer::Layer;
use crate::shapes::Shapes;
use crate::step::{MAX_POOL, Step};
use crate::window::Window;

/// A named list of rules for steps.
///
/// Sizes that a user sets stand in the rules under the name of their parameter, so that steps, stored label, names of layers and
/// smallest image all follow from the same rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    name: &'static str,
    rules: Vec<Rule>,
}

/// A rule for one step, or for several.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// A linear map, or a convolution if it has a window.
    Map {
        /// Name of the layer; `#` stands for the number of layers with this name so far, from 1.
        name: String,
        /// Output channels.
        outputs: Size,
        /// The windows of a convolution.
        window: Option<Window>,
        /// Whether the layer has a bias.
        bias: Bias,
    },
    Relu,
    Gate,
    MaxPool,
    /// [`Step::Normalise`] with this name.
    Normalise(&'static str),
    /// The rules once for each item of a list.
    ForEach {
        list: &'static str,
        items: Vec<usize>,
        /// Rules in which [`Size::Item`] is the item.
        rules: Vec<Rule>,
    },
    /// The rules as often as a parameter says.
    Repeat {
        parameter: &'static str,
        times: usize,
        rules: Vec<Rule>,
    },
    /// What the rules make, added to what they read, because the parameter of this name is true.
    Residual {
        parameter: &'static str,
        rules: Vec<Rule>,
    },
}

/// The number of outputs of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// The same number in every network of this name.
    Fixed(usize),
    /// One for each class.
    Classes,
    /// The item of the list in [`Rule::ForEach`].
    Item,
    /// A multiple of a parameter.
    Parameter {
        name: &'static str,
        value: usize,
        times: usize,
    },
}

/// Whether a layer has a bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    Never,
    Always,
    /// It has one if the parameter of this name is true, as its value says.
    Parameter(&'static str, bool),
}

/// Names of layers as rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerNames {
    Fixed(String),
    /// `prefix` followed by 1, 2, ..., for each item of `list` and `extra` times more.
    Numbered {
        /// What stands before the number.
        prefix: String,
        list: Option<&'static str>,
        /// Layers of this name outside of a list.
        extra: usize,
    },
}

/// Square windows one after another, as one window: a pixel of the output reads `window.kernel` pixels of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowRun {
    pub window: Window,
    /// How many such windows follow one another.
    pub times: usize,
    /// The list whose number of items this is; `None`: it comes once.
    pub list: Option<&'static str>,
}

impl Rule {
    /// A linear map of its whole input.
    pub fn linear(name: &str, outputs: Size, bias: Bias) -> Self {
        Rule::Map {
            name: name.to_owned(),
            outputs,
            window: None,
            bias,
        }
    }

    /// A linear map of every window of an image.
    pub fn convolution(name: &str, outputs: Size, window: Window, bias: Bias) -> Self {
        Rule::Map {
            name: name.to_owned(),
            outputs,
            window: Some(window),
            bias,
        }
    }
}

impl Network {
    pub fn new(name: &'static str, rules: Vec<Rule>) -> Self {
        Self { name, rules }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The architecture for inputs of the shape `input` and these classes.
    ///
    /// # Errors
    /// Returns [`ModelError::TooSmall`] if the images have no room for a convolution or for pooling.
    pub fn architecture(
        &self,
        input: InputShape,
        classes: Vec<String>,
    ) -> Result<Architecture, ModelError> {
        let mut expansion = Expansion {
            classes: classes.len(),
            shapes: Shapes::new(input),
            steps: Vec::new(),
            numbers: BTreeMap::new(),
        };
        expansion.add(&self.rules, 0)?;
        let label = NetworkLabel::new(self.name, self.sizes());
        Architecture::new(input, classes, label, expansion.steps)
    }

    /// The architecture for ten classes and grey images of 32 x 32 pixels, or of the smallest larger size with room for all
    /// windows: a typical one, to tell the cost of a training.
    ///
    /// # Errors
    /// Returns the errors of [`Network::architecture`], which come from rules that fit no image.
    pub fn typical(&self) -> Result<Architecture, ModelError> {
        let runs = self.windows().into_iter().rev();
        let windows = runs.flat_map(|run| iter::repeat_n(run.window, run.times));
        let side = windows.fold(1, |side, window| window.reads(side)).max(32);
        let classes = (0..10).map(|class| class.to_string()).collect();
        self.architecture(InputShape::from([1, side, side]), classes)
    }

    /// The parameters with their values, in the order in which the rules name them.
    pub fn sizes(&self) -> Vec<(&'static str, SizeValue)> {
        let mut sizes: Vec<(&'static str, SizeValue)> = Vec::new();
        let mut add = |name, value| {
            if sizes.iter().all(|(known, _)| *known != name) {
                sizes.push((name, value));
            }
        };
        each_rule(&self.rules, None, &mut |rule, _| match rule {
            Rule::Map { outputs, bias, .. } => {
                if let Size::Parameter { name, value, .. } = *outputs {
                    add(name, SizeValue::Number(value));
                }
                if let Bias::Parameter(name, value) = *bias {
                    add(name, SizeValue::Flag(value));
                }
            }
            Rule::ForEach { list, items, .. } => add(list, SizeValue::List(items.clone())),
            Rule::Repeat {
                parameter, times, ..
            } => add(parameter, SizeValue::Number(*times)),
            Rule::Residual { parameter, .. } => add(parameter, SizeValue::Flag(true)),
            Rule::Relu | Rule::Gate | Rule::MaxPool | Rule::Normalise(_) => {}
        });
        sizes
    }

    /// Whether any step adds a bias, as batch normalisation does.
    pub fn bias(&self) -> Bias {
        let mut any = Bias::Never;
        each_rule(&self.rules, None, &mut |rule, _| {
            let bias = match rule {
                Rule::Map { bias, .. } => *bias,
                Rule::Normalise(_) => Bias::Always,
                _ => Bias::Never,
            };
            if any != Bias::Always && bias != Bias::Never {
                any = bias;
            }
        });
        any
    }

    /// Whether any step is a gate, which multiplies values of the layer before it with each other.
    pub fn is_gated(&self) -> bool {
        let mut gated = false;
        each_rule(&self.rules, None, &mut |rule, _| {
            gated |= *rule == Rule::Gate
        });
        gated
    }

    /// Names of the layers, in the order of their first steps.
    pub fn layer_names(&self) -> Vec<LayerNames> {
        let mut all = Vec::new();
        each_repeated(&self.rules, None, &mut |rule, list| {
            let Rule::Map { name, .. } = rule else {
                return;
            };
            let Some(stem) = name.strip_suffix('#') else {
                all.push(LayerNames::Fixed(name.clone()));
                return;
            };
            let known = all.iter_mut().find_map(|names| match names {
                LayerNames::Numbered {
                    prefix,
                    list,
                    extra,
                } if prefix == stem => Some((list, extra)),
                _ => None,
            });
            match known {
                Some((known_list, extra)) => {
                    *known_list = known_list.or(list);
                    *extra += usize::from(list.is_none());
                }
                None => all.push(LayerNames::Numbered {
                    prefix: stem.to_owned(),
                    list,
                    extra: usize::from(list.is_none()),
                }),
            }
        });
        all
    }

    /// The windows of convolutions and pooling in the order of the steps; those within a list, and those between two lists, are
    /// composed.
    pub fn windows(&self) -> Vec<WindowRun> {
        let mut runs: Vec<WindowRun> = Vec::new();
        let mut times = BTreeMap::new();
        each_repeated(&self.rules, None, &mut |rule, list| {
            if let Rule::ForEach { list, items, .. } = rule {
                times.insert(*list, items.len());
            }
            let window = match rule {
                Rule::Map {
                    window: Some(window),
                    ..
                } => *window,
                Rule::MaxPool => MAX_POOL,
                _ => return,
            };
            match runs.last_mut() {
                Some(run) if run.list == list => run.window = run.window.before(window),
                _ => runs.push(WindowRun {
                    window,
                    times: list.map_or(1, |list| times[list]),
                    list,
                }),
            }
        });
        runs
    }
}

/// Calls `visit` with every rule and the list that it stands in, those of lists after the list itself.
fn each_rule<'a>(
    rules: &'a [Rule],
    list: Option<&'static str>,
    visit: &mut impl FnMut(&'a Rule, Option<&'static str>),
) {
    for rule in rules {
        visit(rule, list);
        match rule {
            Rule::ForEach { list, rules, .. } => each_rule(rules, Some(list), visit),
            Rule::Repeat { rules, .. } | Rule::Residual { rules, .. } => {
                each_rule(rules, list, visit);
            }
            _ => {}
        }
    }
}

/// Calls `visit` as [`each_rule`], with the rules of [`Rule::Repeat`] as often as they are repeated.
fn each_repeated<'a>(
    rules: &'a [Rule],
    list: Option<&'static str>,
    visit: &mut impl FnMut(&'a Rule, Option<&'static str>),
) {
    for rule in rules {
        visit(rule, list);
        match rule {
            Rule::ForEach { list, rules, .. } => each_repeated(rules, Some(list), visit),
            Rule::Residual { rules, .. } => each_repeated(rules, list, visit),
            Rule::Repeat { times, rules, .. } => {
                (0..*times).for_each(|_| each_repeated(rules, list, visit));
            }
            _ => {}
        }
    }
}

/// Steps from rules, each reading what the one before it makes.
struct Expansion {
    classes: usize,
    shapes: Shapes,
    steps: Vec<Step>,
    /// Layers so far by the names that end in `#`.
    numbers: BTreeMap<String, usize>,
}

impl Expansion {
    fn add(&mut self, rules: &[Rule], item: usize) -> Result<(), ModelError> {
        for rule in rules {
            let shape = self.shapes.current();
            let step = match rule {
                Rule::Map {
                    name,
                    outputs,
                    window,
                    bias,
                } => Step::Map(Layer {
                    name: self.numbered(name),
                    input: shape,
                    outputs: match *outputs {
                        Size::Fixed(size) => size,
                        Size::Classes => self.classes,
                        Size::Item => item,
                        Size::Parameter { value, times, .. } => value.saturating_mul(times),
                    },
                    window: *window,
                    groups: 1,
                    bias: matches!(bias, Bias::Always | Bias::Parameter(_, true)),
                }),
                Rule::Relu => Step::Relu,
                Rule::Gate => Step::Gate,
                Rule::MaxPool => Step::MaxPool(shape),
                Rule::Normalise(name) => Step::Normalise(BatchNorm::new(*name, shape)),
                Rule::ForEach { items, rules, .. } => {
                    for &item in items {
                        self.add(rules, item)?;
                    }
                    continue;
                }
                Rule::Repeat { times, rules, .. } => {
                    for _ in 0..*times {
                        self.add(rules, item)?;
                    }
                    continue;
                }
                Rule::Residual { rules, .. } => {
                    self.push(Step::Fork)?;
                    self.add(rules, item)?;
                    Step::Add
                }
            };
            self.push(step)?;
        }
        Ok(())
    }

    fn push(&mut self, step: Step) -> Result<(), ModelError> {
        self.shapes.take(&step)?;
        self.steps.push(step);
        Ok(())
    }

    /// The name of a layer with its number, if it has one.
    fn numbered(&mut self, name: &str) -> String {
        let Some(prefix) = name.strip_suffix('#') else {
            return name.to_owned();
        };
        let number = self.numbers.entry(prefix.to_owned()).or_insert(0);
        *number += 1;
        format!("{prefix}{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Window = Window::new(2, 1);

    /// Convolutions before, in and after a list.
    fn network(items: &[usize]) -> Network {
        let convolution = |name| Rule::convolution(name, Size::Fixed(3), PAIR, Bias::Never);
        let listed = Rule::convolution("conv#", Size::Item, PAIR, Bias::Parameter("bias", true));
        Network::new(
            "test",
            vec![
                convolution("first"),
                Rule::ForEach {
                    list: "channels",
                    items: items.to_vec(),
                    rules: vec![listed, Rule::MaxPool],
                },
                convolution("conv#"),
                Rule::linear("last", Size::Classes, Bias::Always),
            ],
        )
    }

    #[test]
    fn what_is_said_of_a_network_is_true_of_its_architectures() {
        for items in [&[] as &[usize], &[4], &[4, 5]] {
            let network = network(items);
            // Of windows: 2, then 3 of stride 2 for each item, then 2.
            let windows = network.windows();
            let found: Vec<_> = windows
                .iter()
                .map(|run| (run.window.kernel, run.window.stride, run.list))
                .collect();
            assert_eq!(
                found,
                [(2, 1, None), (3, 2, Some("channels")), (2, 1, None)]
            );
            let side = [3, 6, 12][items.len()];
            let build = |side| network.architecture(InputShape::from([1, side, side]), vec![]);
            assert!(matches!(build(side - 1), Err(ModelError::TooSmall { .. })));
            let architecture = build(side).expect("it fits");

            let names = architecture.layers().map(|(_, layer)| layer.name.as_str());
            let numbers = (1..=items.len() + 1).map(|number| format!("conv{number}"));
            let expected: Vec<_> = ["first".to_owned()]
                .into_iter()
                .chain(numbers)
                .chain(["last".to_owned()])
                .collect();
            assert_eq!(names.collect::<Vec<_>>(), expected);
            let numbered = LayerNames::Numbered {
                prefix: "conv".to_owned(),
                list: Some("channels"),
                extra: 1,
            };
            let fixed = |name: &str| LayerNames::Fixed(name.to_owned());
            assert_eq!(
                network.layer_names(),
                [fixed("first"), numbered, fixed("last")]
            );

            let sizes = [
                ("channels", SizeValue::List(items.to_vec())),
                ("bias", SizeValue::Flag(true)),
            ];
            assert_eq!(network.sizes(), sizes);
        }
        assert_eq!(network(&[]).bias(), Bias::Always);
        assert!(!network(&[]).is_gated());
    }
}
