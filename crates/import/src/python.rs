//! A model as Python: the module of PyTorch that reads the tensors of a safetensors file.

use std::fmt::Write as _;

use eigenscope_artifact::InputShape;
use eigenscope_models::{Activation, Architecture, BatchNorm, Layer, Pool, PoolKind, Step, Window};

/// Lines of `__init__` and of `forward`.
struct Module {
    members: String,
    forward: String,
    /// Whether the value is an image `[N, C, H, W]`, not a row `[N, C]`.
    is_image: bool,
    /// The same of the values put aside by residual blocks, the innermost last.
    aside: Vec<bool>,
    /// Whether a module is no attribute.
    by_name: bool,
}

/// The text of a script that defines the class `Model` and loads `weights` into it.
pub(crate) fn script(architecture: &Architecture, weights: &str) -> String {
    let mut module = Module {
        members: String::new(),
        forward: String::new(),
        is_image: true,
        aside: Vec::new(),
        by_name: false,
    };
    for step in architecture.steps() {
        module.step(step);
    }
    let Module {
        members,
        mut forward,
        by_name,
        ..
    } = module;
    if forward.is_empty() {
        forward.push_str("        x = torch.flatten(x, 1)\n");
    }
    let InputShape {
        channels,
        height,
        width,
    } = architecture.input;
    let by_name = match by_name {
        true => BY_NAME,
        false => "",
    };
    let weights = literal(weights);
    format!(
        "import torch\nfrom safetensors.torch import load_file\nfrom torch import nn\nfrom torch.nn import functional as F\n{by_name}\n\n\
         class Model(nn.Module):\n    \"\"\"Logits of images [N, {channels}, {height}, {width}] after their transforms.\"\"\"\n\n    \
         def __init__(self):\n        super().__init__()\n{members}\n    def forward(self, x):\n{forward}        return x\n\n\n\
         model = Model()\nmodel.load_state_dict(load_file({weights}))\nmodel.eval()\n"
    )
}

/// How modules are put into modules by names that are no attributes, and found by them.
const BY_NAME: &str = r#"

def put(module, name, part):
    *path, last = name.split(".")
    for within in path:
        module = module._modules.setdefault(within, nn.Module())
    if last in module._modules:
        part._modules.update(module._modules[last]._modules)
    module._modules[last] = part


def get(module, name):
    for within in name.split("."):
        module = module._modules[within]
    return module
"#;

/// Names, without their numbers, that built-in networks and steps without a name have. None is that of an attribute of `nn.Module`,
/// as `half`, `train` and `forward` are, or a word of Python, as `for` is.
const ATTRIBUTES: [&str; 10] = [
    "bilinear",
    "classifier",
    "conv",
    "embed",
    "embedding",
    "gate",
    "layer",
    "linear",
    "norm",
    "unembed",
];

/// Returns whether a layer can be an attribute: of other names that is not known for each version of PyTorch.
fn is_attribute(name: &str) -> bool {
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    ATTRIBUTES.contains(&stem)
}

/// A text as Python writes it.
fn literal(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Module {
    fn line(&mut self, line: &str) {
        let _ = writeln!(self.forward, "        {line}");
    }

    /// Adds a module and returns how it is called.
    fn member(&mut self, name: &str, module: &str) -> String {
        if is_attribute(name) {
            let _ = writeln!(self.members, "        self.{name} = {module}");
            return format!("self.{name}");
        }
        self.by_name = true;
        let name = literal(name);
        let _ = writeln!(self.members, "        put(self, {name}, {module})");
        format!("get(self, {name})")
    }

    fn flatten(&mut self) {
        if self.is_image {
            self.line("x = torch.flatten(x, 1)");
            self.is_image = false;
        }
    }

    fn as_image(&mut self, shape: InputShape) {
        if !self.is_image {
            let InputShape {
                channels,
                height,
                width,
            } = shape;
            self.line(&format!("x = x.reshape(-1, {channels}, {height}, {width})"));
            self.is_image = true;
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Map(layer) => self.map(layer),
            Step::Relu => self.line("x = F.relu(x)"),
            Step::Gate => {
                self.line("left, right = x.chunk(2, 1)");
                self.line("x = left * right");
            }
            Step::MaxPool(shape) => {
                self.as_image(*shape);
                self.line("x = F.max_pool2d(x, 2)");
            }
            Step::Normalise(norm) => self.norm(norm),
            Step::Activation(activation) => {
                let function = match activation {
                    Activation::Gelu => "F.gelu(x)".to_owned(),
                    Activation::GeluTanh => "F.gelu(x, approximate=\"tanh\")".to_owned(),
                    Activation::Silu => "F.silu(x)".to_owned(),
                    Activation::Tanh => "torch.tanh(x)".to_owned(),
                    Activation::Sigmoid => "torch.sigmoid(x)".to_owned(),
                    Activation::LeakyRelu(slope) => format!("F.leaky_relu(x, {slope:?})"),
                };
                self.line(&format!("x = {function}"));
            }
            Step::Pool(pool) => self.pool(pool),
            Step::GlobalAveragePool(shape) => {
                self.as_image(*shape);
                self.line("x = x.mean((2, 3))");
                self.is_image = false;
            }
            Step::Flatten => self.flatten(),
            Step::Dropout(dropout) => {
                self.line(&format!(
                    "x = F.dropout(x, {:?}, self.training)",
                    dropout.rate
                ));
            }
            Step::Fork => {
                self.line(&format!("aside{} = x", self.aside.len()));
                self.aside.push(self.is_image);
            }
            Step::Shortcut => {
                if let Some(aside) = self.aside.last_mut() {
                    std::mem::swap(aside, &mut self.is_image);
                    let number = self.aside.len() - 1;
                    self.line(&format!("x, aside{number} = aside{number}, x"));
                }
            }
            Step::Add => self.add(),
        }
    }

    fn add(&mut self) {
        let Some(aside) = self.aside.pop() else {
            return;
        };
        let name = format!("aside{}", self.aside.len());
        let other = match (self.is_image, aside) {
            (false, true) => format!("torch.flatten({name}, 1)"),
            (true, false) => {
                self.flatten();
                name
            }
            _ => name,
        };
        self.line(&format!("x = x + {other}"));
    }

    fn map(&mut self, layer: &Layer) {
        let bias = match layer.bias {
            true => "",
            false => ", bias=False",
        };
        let outputs = layer.outputs;
        let module = match layer.window {
            None => {
                self.flatten();
                format!("nn.Linear({}, {outputs}{bias})", layer.inputs())
            }
            Some(window) => {
                self.as_image(layer.input);
                let inputs = layer.input.channels;
                let groups = match layer.groups {
                    1 => String::new(),
                    groups => format!(", groups={groups}"),
                };
                let windows = windows(window);
                format!("nn.Conv2d({inputs}, {outputs}, {windows}{groups}{bias})")
            }
        };
        let member = self.member(&layer.name, &module);
        self.line(&format!("x = {member}(x)"));
    }

    fn norm(&mut self, norm: &BatchNorm) {
        let dimensions = match self.is_image {
            true => 2,
            false => 1,
        };
        let BatchNorm {
            epsilon, momentum, ..
        } = norm;
        let module = format!(
            "nn.BatchNorm{dimensions}d({}, eps={epsilon:?}, momentum={momentum:?})",
            norm.input.channels
        );
        let member = self.member(&norm.name, &module);
        self.line(&format!("x = {member}(x)"));
    }

    fn pool(&mut self, pool: &Pool) {
        self.as_image(pool.input);
        let (function, more) = match pool.kind {
            PoolKind::Max => ("max_pool2d", ""),
            PoolKind::Average => ("avg_pool2d", ""),
            PoolKind::AverageWithoutPadding => ("avg_pool2d", ", count_include_pad=False"),
        };
        let Window {
            kernel,
            stride,
            padding,
            ..
        } = pool.window;
        self.line(&format!(
            "x = F.{function}(x, {kernel}, {stride}, {padding}{more})"
        ));
    }
}

/// The windows as arguments.
fn windows(window: Window) -> String {
    let Window {
        kernel,
        stride,
        padding,
        dilation,
    } = window;
    let mut text = kernel.to_string();
    for (name, value, default) in [
        ("stride", stride, 1),
        ("padding", padding, 0),
        ("dilation", dilation, 1),
    ] {
        if value != default {
            let _ = write!(text, ", {name}={value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use eigenscope_models::networks;

    use super::*;

    fn written(network: &eigenscope_models::Network, input: [usize; 3]) -> String {
        let classes = vec!["0".to_owned(), "1".to_owned()];
        let architecture = network.architecture(InputShape::from(input), classes);
        script(&architecture.expect("it fits"), "weights.safetensors")
    }

    #[test]
    fn convolutions_are_modules_with_our_names() {
        let text = written(&networks::convnet(), [1, 20, 20]);
        for line in [
            "        self.conv1 = nn.Conv2d(1, 32, 5)\n",
            "        self.norm2 = nn.BatchNorm2d(64, eps=1e-5, momentum=0.1)\n",
            "        x = self.norm2(x)\n        x = F.relu(x)\n        x = F.max_pool2d(x, 2)\n        x = torch.flatten(x, 1)\n",
            "        self.classifier = nn.Linear(128, 2)\n",
            "model.load_state_dict(load_file(\"weights.safetensors\"))\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(!text.contains("def put"));
    }

    #[test]
    fn names_that_may_be_methods_are_no_attributes() {
        for name in ["conv1", "linear", "embedding", "unembed", "gate12"] {
            assert!(is_attribute(name), "{name}");
        }
        for name in [
            "half", "train", "forward", "put", "for", "bfloat16", "float8", "1", "a.b", "conv1.a",
            "_modules", "training", "conv 1",
        ] {
            assert!(!is_attribute(name), "{name}");
        }
        let network = eigenscope_models::Network::new(
            "test",
            vec![eigenscope_models::Rule::linear(
                "half",
                eigenscope_models::Size::Classes,
                eigenscope_models::Bias::Always,
            )],
        );
        let text = written(&network, [1, 2, 2]);
        for line in [
            "        put(self, \"half\", nn.Linear(4, 2))\n",
            "        x = get(self, \"half\")(x)\n",
            "def get(module, name):\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn residual_blocks_put_values_aside() {
        let text = written(&networks::bilinear_blocks(3, false, 2, true), [1, 2, 2]);
        let block = "        aside0 = x\n        x = self.gate2(x)\n        left, right = x.chunk(2, 1)\n        x = left * right\n        \
                     x = x + aside0\n";
        assert!(text.contains(block), "{text}");
    }
}
