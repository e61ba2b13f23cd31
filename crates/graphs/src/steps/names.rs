//! Names of steps, from those of tensors and nodes where they serve.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_checkpoint::TensorInfo;
use eigenscope_checkpoint::onnx::Node;
use serde_json::{Map as Object, Value, json};

use super::arrange::Arranged;
use super::blocks::{hints, modules};
use super::elementwise::Function;
use super::error::GraphError;
use super::parts::{GraphTensor, Part};
use super::pieces::{Map, MapKind, Operation, Piece};
use super::windows::PlainWindow;

/// Steps with names, and their tensors.
#[derive(Debug, Default)]
pub(super) struct Named {
    pub(super) steps: Vec<Value>,
    pub(super) tensors: Vec<GraphTensor>,
}

/// What a tensor of a node is called, without the last part; else the module that PyTorch says the node is of; else nothing.
pub(super) fn hint(node: &Node, tensor: Option<&TensorInfo>) -> String {
    const LAST: [&str; 4] = [".weight", ".bias", ".running_mean", ".running_var"];
    if let Some(TensorInfo { name, .. }) = tensor {
        let named = LAST.iter().find_map(|last| name.strip_suffix(last));
        let named = named.unwrap_or(name);
        if is_name(named) {
            return named.to_owned();
        }
    }
    let module = module(&node.name);
    match is_name(&module) {
        true => module,
        false => String::new(),
    }
}

/// The module `layer1.0.conv1` of the node `/layer1/layer1.0/conv1/Conv`.
fn module(node: &str) -> String {
    let Some((path, _)) = node
        .strip_prefix('/')
        .and_then(|path| path.rsplit_once('/'))
    else {
        return String::new();
    };
    let mut module: Vec<&str> = Vec::new();
    for part in path.split('/') {
        // `downsample` and then `downsample.0` within it.
        let outer = module.last().and_then(|outer| part.strip_prefix(outer));
        if outer.is_some_and(|inner| inner.starts_with('.')) {
            module.pop();
        }
        module.push(part);
    }
    module.join(".")
}

/// Longest name that a list of steps takes.
const LONGEST: usize = 100;
/// Longest name that is kept with a number behind it.
const LONGEST_NUMBERED: usize = 90;

/// Whether a list of steps takes it as a name, if it is not too long without what the blocks around the step say.
fn is_name(name: &str) -> bool {
    let character = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    name.chars().all(character) && name.split('.').all(|part| !part.is_empty())
}

/// Gives every step with tensors, and every block, a name of its own.
pub(super) fn name(arranged: Vec<Arranged<'_>>) -> Result<Named, GraphError> {
    let modules = modules(&arranged);
    let known = hints(&arranged).into_iter().map(str::to_owned);
    let mut namer = Namer {
        reserved: known.chain(modules.iter().cloned()).collect(),
        modules: modules.into_iter(),
        ..Namer::default()
    };
    let steps = namer.list("", "", &arranged)?;
    Ok(Named {
        steps,
        tensors: namer.tensors,
    })
}

#[derive(Default)]
struct Namer {
    /// Modules of blocks that are not named yet.
    modules: std::vec::IntoIter<String>,
    /// Names in the graph, which steps called otherwise there do not take.
    reserved: BTreeSet<String>,
    taken: BTreeSet<String>,
    /// The number to try next, by what it stands behind.
    numbers: BTreeMap<String, usize>,
    tensors: Vec<GraphTensor>,
}

impl Namer {
    /// `prefix` is that of all names in the list, `hinted` what hints of the block begin with.
    fn list(
        &mut self,
        prefix: &str,
        hinted: &str,
        steps: &[Arranged<'_>],
    ) -> Result<Vec<Value>, GraphError> {
        let mut values = Vec::new();
        for step in steps {
            values.push(match step {
                Arranged::Piece(piece) => self.piece(prefix, hinted, piece)?,
                Arranged::Residual { branch, shortcut } => {
                    self.residual(prefix, hinted, branch, shortcut)?
                }
            });
        }
        Ok(values)
    }

    /// A name that is not taken: the hint without what the block says already, or the kind and a number.
    fn own(&mut self, prefix: &str, hinted: &str, hint: &str, kind: &str) -> String {
        let inner = hint.strip_prefix(hinted).unwrap_or(hint);
        let inner = inner.strip_prefix('.').unwrap_or(inner);
        let inner = match prefix.ends_with(".shortcut.") {
            true => inner.strip_prefix("shortcut.").unwrap_or(inner),
            false => inner,
        };
        let inner = match inner.len() > LONGEST {
            true => "",
            false => inner,
        };
        let full = format!("{prefix}{inner}");
        if !inner.is_empty()
            && (full == hint || !self.reserved.contains(&full))
            && self.taken.insert(full)
        {
            return inner.to_owned();
        }
        self.numbered(prefix, inner, kind)
    }

    /// The first name with a number that is not taken: `conv` and 1, or `layer_` and 2.
    fn numbered(&mut self, prefix: &str, inner: &str, kind: &str) -> String {
        let (stem, first) = match inner {
            "" => (kind.to_owned(), 1),
            inner if inner.len() > LONGEST_NUMBERED => (kind.to_owned(), 1),
            inner => (format!("{inner}_"), 2),
        };
        let number = self
            .numbers
            .entry(format!("{prefix}{stem}"))
            .or_insert(first);
        loop {
            let own = format!("{stem}{number}");
            *number += 1;
            let full = format!("{prefix}{own}");
            if !self.reserved.contains(&full) && self.taken.insert(full) {
                return own;
            }
        }
    }

    fn residual(
        &mut self,
        prefix: &str,
        hinted: &str,
        branch: &[Arranged<'_>],
        shortcut: &[Arranged<'_>],
    ) -> Result<Value, GraphError> {
        let block = self.modules.next().unwrap_or_default();
        let own = self.own(prefix, hinted, &block, "residual");
        let inner = match block.as_str() {
            "" => hinted,
            block => block,
        };
        let full = format!("{prefix}{own}");
        let mut fields = Object::new();
        fields.insert("name".to_owned(), Value::from(own));
        let steps = self.list(&format!("{full}."), inner, branch)?;
        fields.insert("steps".to_owned(), Value::Array(steps));
        if !shortcut.is_empty() {
            let steps = self.list(&format!("{full}.shortcut."), inner, shortcut)?;
            fields.insert("shortcut".to_owned(), Value::Array(steps));
        }
        Ok(json!({ "residual": fields }))
    }

    fn piece(&mut self, prefix: &str, hinted: &str, piece: &Piece) -> Result<Value, GraphError> {
        Ok(match &piece.operation {
            Operation::Map(map) => self.map(prefix, hinted, map),
            Operation::BatchNorm {
                hint,
                epsilon,
                momentum,
                tensors,
            } => {
                let own = self.own(prefix, hinted, hint, "norm");
                let full = format!("{prefix}{own}");
                let names = ["weight", "bias", "running_mean", "running_var"];
                for (name, part) in names.iter().zip(tensors) {
                    let shape = part
                        .source()
                        .map_or_else(Vec::new, |tensor| tensor.shape.clone());
                    self.tensor(&full, name, shape, vec![part.clone()]);
                }
                json!({ "batch-norm": { "name": own, "epsilon": epsilon, "momentum": momentum } })
            }
            Operation::Function(function) => function_step(*function),
            Operation::MaxPool(window) => json!({ "max-pool": pool(*window) }),
            Operation::AveragePool(window, counts_padding) => {
                let mut fields = pool(*window);
                if window.padding > 0 && !counts_padding {
                    fields.insert("count_include_pad".to_owned(), json!(false));
                }
                json!({ "average-pool": fields })
            }
            Operation::GlobalAveragePool => json!("global-average-pool"),
            Operation::Flatten => json!("flatten"),
            Operation::Softmax { logarithm: false } => json!("softmax"),
            Operation::Softmax { logarithm: true } => json!("log-softmax"),
            Operation::Input | Operation::Pixel | Operation::Half(_) | Operation::Sum(..) => {
                return Err(GraphError::new(piece.place.clone(), "it is no step"));
            }
        })
    }

    fn map(&mut self, prefix: &str, hinted: &str, map: &Map) -> Value {
        let kind = match map.kind {
            MapKind::Linear => "linear",
            MapKind::Bilinear => "bilinear",
            MapKind::Convolution { .. } => "conv",
        };
        let own = self.own(prefix, hinted, &map.hint, kind);
        let full = format!("{prefix}{own}");
        self.tensor(&full, "weight", map.shape.clone(), map.weight.clone());
        if let (Some(bias), Some(&rows)) = (&map.bias, map.shape.first()) {
            self.tensor(&full, "bias", vec![rows], bias.clone());
        }
        let bias = map.bias.is_some();
        match &map.kind {
            MapKind::Convolution { window, groups } => {
                let mut fields = pool(*window);
                fields.insert("channels".to_owned(), json!(map.outputs));
                fields.insert("dilation".to_owned(), json!(window.dilation));
                fields.insert("groups".to_owned(), json!(groups));
                fields.insert("bias".to_owned(), json!(bias));
                fields.insert("name".to_owned(), json!(own));
                json!({ "conv": fields })
            }
            _ => json!({ kind: { "outputs": map.outputs, "bias": bias, "name": own } }),
        }
    }

    fn tensor(&mut self, layer: &str, name: &str, shape: Vec<usize>, parts: Vec<Part>) {
        self.tensors.push(GraphTensor {
            name: format!("{layer}.{name}"),
            shape,
            parts,
        });
    }
}

fn pool(window: PlainWindow) -> Object<String, Value> {
    let mut fields = Object::new();
    fields.insert("kernel".to_owned(), json!(window.kernel));
    fields.insert("stride".to_owned(), json!(window.stride));
    fields.insert("padding".to_owned(), json!(window.padding));
    fields
}

fn function_step(function: Function) -> Value {
    match function {
        Function::Relu => json!("relu"),
        Function::Gelu => json!("gelu"),
        Function::GeluTanh => json!({ "gelu": { "approximate": "tanh" } }),
        Function::Silu => json!("silu"),
        Function::Tanh => json!("tanh"),
        Function::Sigmoid => json!("sigmoid"),
        Function::LeakyRelu(slope) => json!({ "leaky-relu": slope }),
    }
}
