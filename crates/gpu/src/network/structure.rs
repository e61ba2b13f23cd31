//! A network as operations on values, each of which has its gradient: what a training runs forward and backward.

use crate::GpuError;

/// A value between operations, of so many features for each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value(pub(super) usize);

/// Shape of an image; its features are flattened channel by channel, then row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl Image {
    /// Features without a place.
    pub const fn features(channels: usize) -> Self {
        Self {
            channels,
            height: 1,
            width: 1,
        }
    }

    /// Pixels of a channel.
    pub const fn places(self) -> usize {
        self.height * self.width
    }

    /// Features of an image.
    pub const fn len(self) -> usize {
        self.channels * self.places()
    }

    /// Returns `true` if an image has no features.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A linear map of every window of an image: its weight is `[outputs, channels / groups, kernel, kernel]`. One of all features is a map
/// of the window 1 x 1 of [`Image::features`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Map {
    pub input: Image,
    pub outputs: usize,
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
    /// Groups of channels: a group of outputs reads its own group of inputs.
    pub groups: usize,
    pub bias: bool,
}

impl Map {
    /// A linear map of all of `inputs` features.
    pub const fn linear(inputs: usize, outputs: usize, bias: bool) -> Self {
        Self {
            input: Image::features(inputs),
            outputs,
            kernel: 1,
            stride: 1,
            padding: 0,
            dilation: 1,
            groups: 1,
            bias,
        }
    }

    /// Shape of its output.
    pub(super) fn output(&self) -> Image {
        let extent = (self.kernel.saturating_sub(1)) * self.dilation + 1;
        Image {
            channels: self.outputs,
            height: windows(self.input.height, extent, self.stride, self.padding),
            width: windows(self.input.width, extent, self.stride, self.padding),
        }
    }

    /// Values of the windows at one place, of all groups.
    pub(super) fn window_values(&self) -> usize {
        self.input.channels * self.kernel * self.kernel
    }

    /// Returns `true` if every window is one pixel and every pixel has one.
    pub(super) fn is_of_pixels(&self) -> bool {
        (self.kernel, self.stride, self.padding) == (1, 1, 0)
    }

    fn weights(&self) -> usize {
        self.outputs * (self.window_values() / self.groups)
    }

    fn check(&self) -> Result<(), GpuError> {
        let divides = |channels: usize| self.groups > 0 && channels.is_multiple_of(self.groups);
        let fits = self.kernel > 0 && self.stride > 0 && self.dilation > 0;
        if !fits || !divides(self.input.channels) || !divides(self.outputs) {
            return Err(GpuError::Shape(format!("{self:?} is no map")));
        }
        not_empty(self.output())
    }
}

/// The largest or the mean value of every window of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    pub input: Image,
    /// Height and width of a window.
    pub kernel: [usize; 2],
    pub stride: usize,
    pub padding: usize,
    pub taken: Taken,
}

/// What is taken of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The largest value, of equal ones the first; those of the padding do not count.
    Largest,
    /// The mean, with zeros for the padding, or else of the values in the image.
    Mean { counts_padding: bool },
}

impl Pool {
    /// Shape of its output.
    pub(super) fn output(&self) -> Image {
        let [height, width] = self.kernel;
        Image {
            channels: self.input.channels,
            height: windows(self.input.height, height, self.stride, self.padding),
            width: windows(self.input.width, width, self.stride, self.padding),
        }
    }

    fn check(&self) -> Result<(), GpuError> {
        let [height, width] = self.kernel;
        let smallest = height.min(width);
        if smallest == 0 || self.stride == 0 || self.padding > smallest / 2 {
            return Err(GpuError::Shape(format!("{self:?} does not pool")));
        }
        not_empty(self.output())
    }
}

/// The number of windows in `side` pixels.
fn windows(side: usize, extent: usize, stride: usize, padding: usize) -> usize {
    (side + 2 * padding)
        .checked_sub(extent)
        .map_or(0, |room| room / stride.max(1) + 1)
}

fn not_empty(output: Image) -> Result<(), GpuError> {
    if output.is_empty() {
        return Err(GpuError::Shape(format!("an image of {output:?}")));
    }
    Ok(())
}

/// A function of every value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// max(x, 0).
    Relu,
    /// x Phi(x), with Phi the distribution function of the standard normal distribution.
    Gelu,
    /// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
    GeluTanh,
    /// x / (1 + exp(-x)).
    Silu,
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// x where it is positive, elsewhere this slope times x.
    LeakyRelu(f32),
}

impl Function {
    /// Returns `true` if the derivative is computed from the output of the function, `false` if from its input.
    pub(super) fn keeps_output(self) -> bool {
        matches!(self, Function::Relu | Function::Tanh | Function::Sigmoid)
    }
}

/// Batch normalisation of every channel of an image, with running averages that take `momentum` of each batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Normalisation {
    pub image: Image,
    /// Added to the variance.
    pub epsilon: f64,
    pub momentum: f32,
}

/// What an operation does; offsets are those of its tensors in the buffer of weights or of averages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Operation {
    Map {
        map: Map,
        weight: usize,
        bias: Option<usize>,
    },
    Function(Function),
    Gate,
    Pool(Pool),
    Normalise {
        normalisation: Normalisation,
        weight: usize,
        bias: usize,
        averages: usize,
    },
    /// A value is 0 if 31 random bits are a number below the threshold, else it is multiplied.
    Dropout {
        threshold: u32,
        kept: f32,
    },
    Sum,
}

/// An operation with what it reads and makes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Node {
    pub(super) operation: Operation,
    pub(super) input: usize,
    /// The second summand.
    pub(super) other: Option<usize>,
    pub(super) output: usize,
}

/// A tensor of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tensor {
    /// Whether it is trained; if not, it is one of the running averages.
    pub(super) is_trained: bool,
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// Weights begin at multiples of so many values, from which products read faster.
const MULTIPLE: usize = 8;

/// A network under construction, and then complete: operations in the order of their computation. The last value is the logits.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Features of every value.
    pub(super) features: Vec<usize>,
    pub(super) nodes: Vec<Node>,
    pub(super) tensors: Vec<Tensor>,
    /// Lengths of the buffers of weights and of averages.
    pub(super) weights: usize,
    pub(super) averages: usize,
}

impl Network {
    /// A network without operations on inputs of so many features, and that value.
    pub fn new(inputs: usize) -> (Self, Value) {
        let network = Self {
            features: vec![inputs],
            nodes: Vec::new(),
            tensors: Vec::new(),
            weights: 0,
            averages: 0,
        };
        (network, Value(0))
    }

    /// Features of a value.
    pub fn features(&self, value: Value) -> usize {
        self.features[value.0]
    }

    /// A linear map; its tensors are the weight and the bias, if it has one.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if the value is not what it reads.
    pub fn map(&mut self, input: Value, map: Map) -> Result<Value, GpuError> {
        map.check()?;
        self.expect(input, map.input.len())?;
        let weight = self.weight(map.weights());
        let bias = map.bias.then(|| self.weight(map.outputs));
        let operation = Operation::Map { map, weight, bias };
        Ok(self.add(operation, input, None, map.output().len()))
    }

    /// A function of every value.
    pub fn function(&mut self, input: Value, function: Function) -> Value {
        let features = self.features(input);
        self.add(Operation::Function(function), input, None, features)
    }

    /// The first half of the features times the second half.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if there is no half.
    pub fn gate(&mut self, input: Value) -> Result<Value, GpuError> {
        let half = self.features(input) / 2;
        self.expect(input, 2 * half)?;
        Ok(self.add(Operation::Gate, input, None, half))
    }

    /// Pooling.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if the value is not what it reads.
    pub fn pool(&mut self, input: Value, pool: Pool) -> Result<Value, GpuError> {
        pool.check()?;
        self.expect(input, pool.input.len())?;
        Ok(self.add(Operation::Pool(pool), input, None, pool.output().len()))
    }

    /// Batch normalisation; its tensors are weight, bias, running mean and running variance.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if the value is not what it reads.
    pub fn normalise(
        &mut self,
        input: Value,
        normalisation: Normalisation,
    ) -> Result<Value, GpuError> {
        let features = normalisation.image.len();
        self.expect(input, features)?;
        let channels = normalisation.image.channels;
        let (weight, bias) = (self.weight(channels), self.weight(channels));
        let averages = self.averages;
        for _ in 0..2 {
            self.tensors.push(Tensor {
                is_trained: false,
                offset: self.averages,
                length: channels,
            });
            self.averages += channels;
        }
        let operation = Operation::Normalise {
            normalisation,
            weight,
            bias,
            averages,
        };
        Ok(self.add(operation, input, None, features))
    }

    /// Dropout with this probability of 0.
    pub fn dropout(&mut self, input: Value, rate: f64) -> Value {
        let operation = Operation::Dropout {
            threshold: (rate * f64::from(1u32 << 31)).round() as u32,
            kept: (1.0 / (1.0 - rate)) as f32,
        };
        let features = self.features(input);
        self.add(operation, input, None, features)
    }

    /// The sum of two values.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if they have different numbers of features.
    pub fn sum(&mut self, one: Value, other: Value) -> Result<Value, GpuError> {
        let features = self.features(one);
        self.expect(other, features)?;
        Ok(self.add(Operation::Sum, one, Some(other.0), features))
    }

    /// Features of all masks of dropout, one after another.
    pub(super) fn masks(&self) -> impl Iterator<Item = usize> {
        let dropouts = self.nodes.iter();
        let dropouts = dropouts.filter(|node| matches!(node.operation, Operation::Dropout { .. }));
        dropouts.map(|node| self.features[node.output])
    }

    fn add(
        &mut self,
        operation: Operation,
        input: Value,
        other: Option<usize>,
        features: usize,
    ) -> Value {
        let output = self.features.len();
        self.features.push(features);
        self.nodes.push(Node {
            operation,
            input: input.0,
            other,
            output,
        });
        Value(output)
    }

    /// Room for a trained tensor: its offset.
    fn weight(&mut self, length: usize) -> usize {
        let offset = self.weights;
        self.weights = (offset + length).next_multiple_of(MULTIPLE);
        self.tensors.push(Tensor {
            is_trained: true,
            offset,
            length,
        });
        offset
    }

    pub(super) fn expect(&self, value: Value, features: usize) -> Result<(), GpuError> {
        let found = self.features(value);
        if found == features && found > 0 {
            return Ok(());
        }
        Err(GpuError::Shape(format!(
            "an operation on {features} features is given {found}"
        )))
    }
}
