//! A stored model as a graph of ONNX, with the operators of version 17.
//!
//! Images are `[batch, channels, height, width]`, features without a place `[batch, features]`; a value changes from one to the other
//! where the next operator needs it. GELU and SiLU, which version 17 lacks, are written as what they are made of.

use std::borrow::Cow;

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_checkpoint::DType;
use eigenscope_checkpoint::onnx::{
    Attribute, Dimension, InitialValues, Initializer, NewGraph, Node, ValueInfo,
};
use eigenscope_models::{
    Activation, Architecture, BatchNorm, Layer, Pool, PoolKind, Step, StoredModel, Window,
};

/// The graph of `model`: the logits `logits` of images `image`, any number of them.
pub fn graph_of(model: &StoredModel) -> NewGraph<'_> {
    let architecture = &model.architecture;
    let InputShape {
        channels,
        height,
        width,
    } = architecture.input;
    let batch = || Dimension::Named("batch".to_owned());
    let input = vec![batch(), fixed(channels), fixed(height), fixed(width)];
    let output = vec![batch(), fixed(architecture.classes.len())];
    let mut writer = Writer {
        graph: NewGraph {
            name: "eigenscope".to_owned(),
            inputs: vec![info("image", input)],
            outputs: vec![info("logits", output)],
            initializers: model.tensors.iter().map(initializer).collect(),
            ..NewGraph::default()
        },
        constants: 0,
    };
    writer.steps(architecture);
    writer.graph
}

fn fixed(length: usize) -> Dimension {
    Dimension::Fixed(length)
}

fn info(name: &str, shape: Vec<Dimension>) -> ValueInfo {
    ValueInfo {
        name: name.to_owned(),
        dtype: Some(DType::F32),
        shape: Some(shape),
    }
}

fn initializer(tensor: &NamedTensor) -> Initializer<'_> {
    Initializer {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        values: InitialValues::Floats(Cow::Borrowed(&tensor.data)),
    }
}

/// A value of the graph.
#[derive(Debug, Clone)]
struct Value {
    name: String,
    shape: InputShape,
    /// Whether it has height and width, even if they are 1.
    is_image: bool,
}

/// Appends nodes.
struct Writer<'a> {
    graph: NewGraph<'a>,
    constants: usize,
}

type Attributes = Vec<(&'static str, Attribute)>;

impl Writer<'_> {
    fn steps(&mut self, architecture: &Architecture) {
        let mut current = Value {
            name: "image".to_owned(),
            shape: architecture.input,
            is_image: true,
        };
        let mut aside = Vec::new();
        for step in architecture.steps() {
            current = self.step(step, current, &mut aside);
        }
        let logits = self.flat(current);
        self.node("Identity", &[&logits.name], "logits", Vec::new());
    }

    fn step(&mut self, step: &Step, input: Value, aside: &mut Vec<Value>) -> Value {
        match step {
            Step::Map(layer) => self.layer(layer, input),
            Step::Normalise(norm) => self.norm(norm, input),
            Step::Relu => self.same_shape("Relu", &input, Vec::new()),
            Step::Activation(activation) => self.activation(*activation, &input),
            Step::Gate => self.gate(&input),
            Step::MaxPool(shape) => {
                let window = Window::new(2, 2);
                self.pool("MaxPool", window, Vec::new(), input, *shape)
            }
            Step::Pool(Pool {
                kind,
                input: shape,
                window,
            }) => {
                let (operator, attributes) = match kind {
                    PoolKind::Max => ("MaxPool", Vec::new()),
                    PoolKind::Average => (
                        "AveragePool",
                        vec![("count_include_pad", Attribute::Int(1))],
                    ),
                    PoolKind::AverageWithoutPadding => (
                        "AveragePool",
                        vec![("count_include_pad", Attribute::Int(0))],
                    ),
                };
                self.pool(operator, *window, attributes, input, *shape)
            }
            Step::GlobalAveragePool(shape) => {
                let input = self.image(input, *shape);
                let output = InputShape::from([shape.channels, 1, 1]);
                self.made(
                    "GlobalAveragePool",
                    &[&input.name],
                    Vec::new(),
                    output,
                    true,
                )
            }
            Step::Flatten => self.flat(input),
            Step::Dropout(_) => input,
            Step::Fork => {
                aside.push(input.clone());
                input
            }
            Step::Shortcut => match aside.last_mut() {
                Some(other) => std::mem::replace(other, input),
                None => input,
            },
            Step::Add => match aside.pop() {
                Some(other) => self.add(other, input),
                None => input,
            },
        }
    }

    fn node(&mut self, operator: &str, inputs: &[&str], output: &str, attributes: Attributes) {
        self.graph.nodes.push(Node {
            name: output.to_owned(),
            op_type: operator.to_owned(),
            domain: String::new(),
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
            outputs: vec![output.to_owned()],
            attributes: attributes
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        });
    }

    /// The value that a node makes, named by its number.
    fn made(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Attributes,
        shape: InputShape,
        is_image: bool,
    ) -> Value {
        let name = format!("value{}", self.graph.nodes.len() + 1);
        self.node(operator, inputs, &name, attributes);
        Value {
            name,
            shape,
            is_image,
        }
    }

    fn same_shape(&mut self, operator: &str, input: &Value, attributes: Attributes) -> Value {
        self.made(
            operator,
            &[&input.name],
            attributes,
            input.shape,
            input.is_image,
        )
    }

    /// An elementwise operator of two values of one shape, or of one and a constant.
    fn both(&mut self, operator: &str, left: &Value, right: &str) -> Value {
        self.made(
            operator,
            &[&left.name, right],
            Vec::new(),
            left.shape,
            left.is_image,
        )
    }

    /// The name of a constant.
    fn constant(&mut self, values: InitialValues<'static>, shape: Vec<usize>) -> String {
        self.constants += 1;
        let name = format!("constant{}", self.constants);
        self.graph.initializers.push(Initializer {
            name: name.clone(),
            shape,
            values,
        });
        name
    }

    fn number(&mut self, value: f32) -> String {
        self.constant(InitialValues::Floats(Cow::Owned(vec![value])), Vec::new())
    }

    /// The value as one row for each image.
    fn flat(&mut self, input: Value) -> Value {
        if !input.is_image {
            return input;
        }
        let shape = InputShape::from([input.shape.len(), 1, 1]);
        let axis = vec![("axis", Attribute::Int(1))];
        self.made("Flatten", &[&input.name], axis, shape, false)
    }

    /// The value with height and width.
    fn image(&mut self, input: Value, shape: InputShape) -> Value {
        if input.is_image {
            return input;
        }
        let sides = [shape.channels, shape.height, shape.width];
        let sides = sides.map(|side| i64::try_from(side).unwrap_or(i64::MAX));
        let sides = std::iter::once(-1).chain(sides).collect();
        let target = self.constant(InitialValues::Integers(Cow::Owned(sides)), vec![4]);
        self.made("Reshape", &[&input.name, &target], Vec::new(), shape, true)
    }

    fn layer(&mut self, layer: &Layer, input: Value) -> Value {
        let (weight, bias) = (layer.weight(), layer.bias_name());
        let with_bias = |input: &str| {
            let mut inputs = vec![input.to_owned(), weight.clone()];
            if layer.bias {
                inputs.push(bias.clone());
            }
            inputs
        };
        match layer.window {
            None => {
                let input = self.flat(input);
                let inputs = with_bias(&input.name);
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                let attributes = vec![("transB", Attribute::Int(1))];
                self.made("Gemm", &inputs, attributes, layer.output(), false)
            }
            Some(window) => {
                let input = self.image(input, layer.input);
                let inputs = with_bias(&input.name);
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                let mut attributes = windows(window);
                attributes.push(("group", Attribute::Int(int(layer.groups))));
                attributes.push(("dilations", Attribute::Ints(vec![int(window.dilation); 2])));
                self.made("Conv", &inputs, attributes, layer.output(), true)
            }
        }
    }

    fn norm(&mut self, norm: &BatchNorm, input: Value) -> Value {
        let tensor = |name| format!("{}.{name}", norm.name);
        let names = ["weight", "bias", "running_mean", "running_var"].map(tensor);
        let mut inputs = vec![input.name.as_str()];
        inputs.extend(names.iter().map(String::as_str));
        let attributes = vec![
            ("epsilon", Attribute::Float(float(norm.epsilon))),
            ("momentum", Attribute::Float(float(1.0 - norm.momentum))),
        ];
        self.made(
            "BatchNormalization",
            &inputs,
            attributes,
            input.shape,
            input.is_image,
        )
    }

    fn activation(&mut self, activation: Activation, input: &Value) -> Value {
        match activation {
            Activation::Tanh => self.same_shape("Tanh", input, Vec::new()),
            Activation::Sigmoid => self.same_shape("Sigmoid", input, Vec::new()),
            Activation::LeakyRelu(slope) => {
                let attributes = vec![("alpha", Attribute::Float(float(slope)))];
                self.same_shape("LeakyRelu", input, attributes)
            }
            Activation::Silu => {
                let gate = self.same_shape("Sigmoid", input, Vec::new());
                self.both("Mul", input, &gate.name)
            }
            Activation::Gelu => {
                let root = self.number(std::f32::consts::SQRT_2);
                let scaled = self.both("Div", input, &root);
                let erf = self.same_shape("Erf", &scaled, Vec::new());
                self.half_of_one_more(input, &erf)
            }
            Activation::GeluTanh => {
                let square = self.both("Mul", input, &input.name);
                let cube = self.both("Mul", &square, &input.name);
                let part = self.number(0.044_715);
                let cube = self.both("Mul", &cube, &part);
                let sum = self.both("Add", &cube, &input.name);
                let root = self.number((2.0 / std::f32::consts::PI).sqrt());
                let scaled = self.both("Mul", &sum, &root);
                let tanh = self.same_shape("Tanh", &scaled, Vec::new());
                self.half_of_one_more(input, &tanh)
            }
        }
    }

    /// x / 2 (1 + y).
    fn half_of_one_more(&mut self, x: &Value, y: &Value) -> Value {
        let (one, half) = (self.number(1.0), self.number(0.5));
        let sum = self.both("Add", y, &one);
        let product = self.both("Mul", &sum, &x.name);
        self.both("Mul", &product, &half)
    }

    fn gate(&mut self, input: &Value) -> Value {
        let channels = input.shape.channels / 2;
        let shape = InputShape {
            channels,
            ..input.shape
        };
        let number = self.graph.nodes.len() + 1;
        let names = [
            format!("value{number}.left"),
            format!("value{number}.right"),
        ];
        self.node(
            "Split",
            &[&input.name],
            &names[0],
            vec![("axis", Attribute::Int(1))],
        );
        if let Some(split) = self.graph.nodes.last_mut() {
            split.outputs = names.to_vec();
        }
        self.made(
            "Mul",
            &[&names[0], &names[1]],
            Vec::new(),
            shape,
            input.is_image,
        )
    }

    fn pool(
        &mut self,
        operator: &str,
        window: Window,
        mut attributes: Attributes,
        input: Value,
        shape: InputShape,
    ) -> Value {
        let input = self.image(input, shape);
        attributes.extend(windows(window));
        self.made(
            operator,
            &[&input.name],
            attributes,
            window.output(shape),
            true,
        )
    }

    /// The sum of both ways of a residual block.
    fn add(&mut self, one: Value, other: Value) -> Value {
        let (one, other) = match one.is_image == other.is_image {
            true => (one, other),
            false => (self.flat(one), self.flat(other)),
        };
        self.both("Add", &one, &other.name)
    }
}

fn windows(window: Window) -> Attributes {
    vec![
        ("kernel_shape", Attribute::Ints(vec![int(window.kernel); 2])),
        ("strides", Attribute::Ints(vec![int(window.stride); 2])),
        ("pads", Attribute::Ints(vec![int(window.padding); 4])),
    ]
}

fn int(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[allow(clippy::cast_possible_truncation, reason = "ONNX holds float32")]
fn float(value: f64) -> f32 {
    value as f32
}
