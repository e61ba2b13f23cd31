//! Networks by plain loops in double precision: what a training on a card is measured by.

use eigenscope_gpu::network::{Function, Image, Map, Network, Normalisation, Pool, Taken, Value};

/// A step of a network under test.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step {
    Map(Map),
    Function(Function),
    Gate,
    Pool(Pool),
    Normalise(Normalisation),
    Dropout(f64),
    /// The value is put aside.
    Fork,
    /// The value put aside is exchanged with the current one.
    Exchange,
    /// The value put aside is added.
    Add,
}

/// The steps as operations on a card.
pub(crate) fn on_card(inputs: usize, steps: &[Step]) -> Network {
    let (mut network, mut value) = Network::new(inputs);
    let mut aside: Vec<Value> = Vec::new();
    for step in steps {
        value = match *step {
            Step::Map(map) => network.map(value, map).expect("it fits"),
            Step::Function(function) => network.function(value, function),
            Step::Gate => network.gate(value).expect("it fits"),
            Step::Pool(pool) => network.pool(value, pool).expect("it fits"),
            Step::Normalise(norm) => network.normalise(value, norm).expect("it fits"),
            Step::Dropout(rate) => network.dropout(value, rate),
            Step::Fork => {
                aside.push(value);
                value
            }
            Step::Exchange => std::mem::replace(aside.last_mut().expect("a fork"), value),
            Step::Add => {
                let begun = aside.pop().expect("a fork");
                network.sum(value, begun).expect("they fit")
            }
        };
    }
    network
}

/// Lengths of the tensors of the steps, in their order.
pub(crate) fn lengths(steps: &[Step]) -> Vec<usize> {
    let of = |step: &Step| match step {
        Step::Map(map) => {
            let weight = map.outputs * map.input.channels / map.groups * map.kernel * map.kernel;
            let bias = map.bias.then_some(map.outputs);
            std::iter::once(weight).chain(bias).collect()
        }
        Step::Normalise(norm) => vec![norm.image.channels; 4],
        _ => Vec::new(),
    };
    steps.iter().flat_map(of).collect()
}

/// Values of all images, `[images, features]`.
type Rows = Vec<f64>;

/// What a training step makes of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// Mean loss.
    pub(crate) loss: f64,
    /// Of every tensor; the running averages have those of the batch instead, the variance with denominator n - 1.
    pub(crate) gradients: Vec<Vec<f64>>,
}

/// Runs the steps on a batch of `inputs`, forward and backward. `masks` are the factors of all steps of dropout, `[images, features]`
/// each. Without `masks` the network is evaluated, and there are no gradients.
pub(crate) fn run(
    steps: &[Step],
    tensors: &[Vec<f64>],
    inputs: &[f64],
    labels: &[usize],
    masks: Option<&[Vec<f64>]>,
) -> Outcome {
    let images = labels.len();
    let mut gradients: Vec<Vec<f64>> = tensors
        .iter()
        .map(|values| vec![0.0; values.len()])
        .collect();
    let mut current = inputs.to_vec();
    let mut aside: Vec<Rows> = Vec::new();
    let (mut tensor, mut mask) = (0, 0);
    // What each step has read, and the number of its first tensor or mask.
    let mut read: Vec<(Rows, usize)> = Vec::new();
    for step in steps {
        let input = current.clone();
        read.push((
            input.clone(),
            if matches!(step, Step::Dropout(_)) {
                mask
            } else {
                tensor
            },
        ));
        match step {
            Step::Map(map) => {
                let bias = map.bias.then(|| tensors[tensor + 1].as_slice());
                current = map_forward(map, &tensors[tensor], bias, &input, images);
                tensor += 1 + usize::from(map.bias);
            }
            Step::Function(function) => {
                current = input.iter().map(|&x| value(*function, x)).collect();
            }
            Step::Gate => current = gate(&input, images),
            Step::Pool(pool) => {
                let spread = pool_shares(pool, &input, images);
                let length = images * pool_output(pool).len();
                current = vec![0.0; length];
                for (output, from, share) in spread {
                    current[output] += share * input[from];
                }
            }
            Step::Normalise(norm) => {
                let moments = match masks {
                    Some(_) => moments(norm.image, &input, images),
                    None => tensors[tensor + 2]
                        .iter()
                        .copied()
                        .zip(tensors[tensor + 3].iter().copied())
                        .collect(),
                };
                let count = (images * norm.image.places()) as f64;
                for (channel, &(mean, variance)) in moments.iter().enumerate() {
                    gradients[tensor + 2][channel] = mean;
                    gradients[tensor + 3][channel] = variance * count / (count - 1.0);
                }
                for (k, x) in current.iter_mut().enumerate() {
                    let channel = k % norm.image.len() / norm.image.places();
                    let (mean, variance) = moments[channel];
                    *x = (*x - mean) / (variance + norm.epsilon).sqrt() * tensors[tensor][channel]
                        + tensors[tensor + 1][channel];
                }
                tensor += 4;
            }
            Step::Dropout(_) => {
                if let Some(masks) = masks {
                    current
                        .iter_mut()
                        .zip(&masks[mask])
                        .for_each(|(x, m)| *x *= m);
                }
                mask += 1;
            }
            Step::Fork => aside.push(current.clone()),
            Step::Exchange => std::mem::swap(&mut current, aside.last_mut().expect("a fork")),
            Step::Add => {
                let other = aside.pop().expect("a fork");
                current.iter_mut().zip(other).for_each(|(x, y)| *x += y);
            }
        }
    }
    let (loss, mut gradient) = loss(&current, labels);
    if masks.is_none() {
        return Outcome { loss, gradients };
    }
    let mut aside: Vec<Rows> = Vec::new();
    for (step, (input, number)) in steps.iter().zip(&read).rev() {
        match step {
            Step::Map(map) => {
                let found = map_backward(map, &tensors[*number], input, &gradient, images);
                gradients[*number] = found.weight;
                if map.bias {
                    gradients[number + 1] = found.bias;
                }
                gradient = found.input;
            }
            Step::Function(function) => {
                gradient
                    .iter_mut()
                    .zip(input)
                    .for_each(|(g, &x)| *g *= derivative(*function, x));
            }
            Step::Gate => {
                let half = gradient.len() / images;
                let mut spread = vec![0.0; input.len()];
                for (image, k) in (0..images).flat_map(|image| (0..half).map(move |k| (image, k))) {
                    let (left, right) = (image * 2 * half + k, image * 2 * half + half + k);
                    spread[left] = gradient[image * half + k] * input[right];
                    spread[right] = gradient[image * half + k] * input[left];
                }
                gradient = spread;
            }
            Step::Pool(pool) => {
                let mut spread = vec![0.0; input.len()];
                for (output, from, share) in pool_shares(pool, input, images) {
                    spread[from] += share * gradient[output];
                }
                gradient = spread;
            }
            Step::Normalise(norm) => {
                let (weight, bias, result) =
                    norm_backward(norm, &tensors[*number], input, &gradient, images);
                gradients[*number] = weight;
                gradients[number + 1] = bias;
                gradient = result;
            }
            Step::Dropout(_) => {
                let masks = masks.expect("it trains");
                gradient
                    .iter_mut()
                    .zip(&masks[*number])
                    .for_each(|(g, m)| *g *= m);
            }
            Step::Add => aside.push(gradient.clone()),
            Step::Exchange => std::mem::swap(&mut gradient, aside.last_mut().expect("a sum")),
            Step::Fork => {
                let other = aside.pop().expect("a sum");
                gradient.iter_mut().zip(other).for_each(|(g, h)| *g += h);
            }
        }
    }
    Outcome { loss, gradients }
}

fn loss(logits: &[f64], labels: &[usize]) -> (f64, Rows) {
    let classes = logits.len() / labels.len();
    let (mut loss, mut gradient) = (0.0, Vec::new());
    for (row, &label) in logits.chunks(classes).zip(labels) {
        let sum: f64 = row.iter().map(|logit| logit.exp()).sum();
        loss += sum.ln() - row[label];
        gradient.extend(row.iter().enumerate().map(|(class, logit)| {
            (logit.exp() / sum - f64::from(u8::from(class == label))) / labels.len() as f64
        }));
    }
    (loss / labels.len() as f64, gradient)
}

fn map_output(map: &Map) -> Image {
    let extent = (map.kernel - 1) * map.dilation + 1;
    let side = |side: usize| (side + 2 * map.padding - extent) / map.stride + 1;
    Image {
        channels: map.outputs,
        height: side(map.input.height),
        width: side(map.input.width),
    }
}

/// Calls `visit` with every output, weight and input of an image that are multiplied.
fn products(map: &Map, mut visit: impl FnMut(usize, usize, usize)) {
    let (output, input) = (map_output(map), map.input);
    let (outputs, inputs) = (map.outputs / map.groups, input.channels / map.groups);
    for feature in 0..output.len() {
        let (channel, place) = (feature / output.places(), feature % output.places());
        let [row, column] = [place / output.width, place % output.width];
        for k in 0..inputs * map.kernel * map.kernel {
            let (y, x) = (k / map.kernel % map.kernel, k % map.kernel);
            let top = (row * map.stride + y * map.dilation).checked_sub(map.padding);
            let left = (column * map.stride + x * map.dilation).checked_sub(map.padding);
            let (Some(top), Some(left)) = (top, left) else {
                continue;
            };
            if top >= input.height || left >= input.width {
                continue;
            }
            let from = channel / outputs * inputs + k / (map.kernel * map.kernel);
            let weight = channel * inputs * map.kernel * map.kernel + k;
            visit(
                feature,
                weight,
                (from * input.height + top) * input.width + left,
            );
        }
    }
}

fn map_forward(
    map: &Map,
    weight: &[f64],
    bias: Option<&[f64]>,
    rows: &[f64],
    images: usize,
) -> Rows {
    let output = map_output(map);
    let mut out = vec![0.0; images * output.len()];
    for image in 0..images {
        let (read, made) = (image * map.input.len(), image * output.len());
        products(map, |feature, k, from| {
            out[made + feature] += weight[k] * rows[read + from]
        });
        if let Some(bias) = bias {
            (0..output.len())
                .for_each(|feature| out[made + feature] += bias[feature / output.places()]);
        }
    }
    out
}

struct MapGradients {
    weight: Vec<f64>,
    bias: Vec<f64>,
    input: Rows,
}

fn map_backward(
    map: &Map,
    weight: &[f64],
    rows: &[f64],
    gradient: &[f64],
    images: usize,
) -> MapGradients {
    let output = map_output(map);
    let mut found = MapGradients {
        weight: vec![0.0; weight.len()],
        bias: vec![0.0; map.outputs],
        input: vec![0.0; rows.len()],
    };
    for image in 0..images {
        let (read, made) = (image * map.input.len(), image * output.len());
        products(map, |feature, k, from| {
            found.weight[k] += gradient[made + feature] * rows[read + from];
            found.input[read + from] += gradient[made + feature] * weight[k];
        });
        for feature in 0..output.len() {
            found.bias[feature / output.places()] += gradient[made + feature];
        }
    }
    found
}

fn value(function: Function, x: f64) -> f64 {
    let logistic = 1.0 / (1.0 + (-x).exp());
    match function {
        Function::Relu => x.max(0.0),
        Function::Gelu => x * normal_distribution(x),
        Function::GeluTanh => {
            let root = (2.0 / std::f64::consts::PI).sqrt();
            0.5 * x * (1.0 + (root * (x + 0.044715 * x.powi(3))).tanh())
        }
        Function::Silu => x * logistic,
        Function::Tanh => x.tanh(),
        Function::Sigmoid => logistic,
        Function::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                f64::from(slope) * x
            }
        }
    }
}

/// The integral of the density of the normal distribution, by Simpson's rule.
fn normal_distribution(x: f64) -> f64 {
    const STEPS: usize = 200;
    let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let step = x / STEPS as f64;
    let weight = |k: usize| {
        if k == 0 || k == STEPS {
            1.0
        } else if k % 2 == 1 {
            4.0
        } else {
            2.0
        }
    };
    let sum: f64 = (0..=STEPS)
        .map(|k| weight(k) * density(k as f64 * step))
        .sum();
    0.5 + sum * step / 3.0
}

/// By differences, away from a corner at 0.
fn derivative(function: Function, x: f64) -> f64 {
    let step = 1e-5_f64.min(x.abs() / 2.0);
    if step == 0.0 {
        return 0.0;
    }
    (value(function, x + step) - value(function, x - step)) / (2.0 * step)
}

fn gate(rows: &[f64], images: usize) -> Rows {
    let width = rows.len() / images;
    let halves = rows.chunks(width).map(|row| row.split_at(width / 2));
    halves
        .flat_map(|(left, right)| left.iter().zip(right).map(|(a, b)| a * b))
        .collect()
}

fn pool_output(pool: &Pool) -> Image {
    let side = |side: usize, kernel: usize| (side + 2 * pool.padding - kernel) / pool.stride + 1;
    Image {
        channels: pool.input.channels,
        height: side(pool.input.height, pool.kernel[0]),
        width: side(pool.input.width, pool.kernel[1]),
    }
}

/// Which part of every output comes from which input: outputs, inputs, parts.
fn pool_shares(pool: &Pool, rows: &[f64], images: usize) -> Vec<(usize, usize, f64)> {
    let (input, output) = (pool.input, pool_output(pool));
    let mut all = Vec::new();
    for image in 0..images {
        for feature in 0..output.len() {
            let (channel, place) = (feature / output.places(), feature % output.places());
            let [row, column] = [place / output.width, place % output.width];
            let mut window = Vec::new();
            for (y, x) in (0..pool.kernel[0]).flat_map(|y| (0..pool.kernel[1]).map(move |x| (y, x)))
            {
                let top = (row * pool.stride + y).checked_sub(pool.padding);
                let left = (column * pool.stride + x).checked_sub(pool.padding);
                if let (Some(top), Some(left)) = (top, left)
                    && top < input.height
                    && left < input.width
                {
                    window.push(
                        image * input.len() + (channel * input.height + top) * input.width + left,
                    );
                }
            }
            let made = image * output.len() + feature;
            match pool.taken {
                Taken::Largest => {
                    let largest = window.iter().copied().fold(window[0], |best, from| {
                        if rows[from] > rows[best] { from } else { best }
                    });
                    all.push((made, largest, 1.0));
                }
                Taken::Mean { counts_padding } => {
                    let count = if counts_padding {
                        pool.kernel[0] * pool.kernel[1]
                    } else {
                        window.len()
                    };
                    all.extend(window.iter().map(|&from| (made, from, 1.0 / count as f64)));
                }
            }
        }
    }
    all
}

/// Mean and variance of every channel.
fn moments(image: Image, rows: &[f64], images: usize) -> Vec<(f64, f64)> {
    let count = (images * image.places()) as f64;
    let values = |channel: usize| {
        let of_channel = move |(k, _): &(usize, &f64)| k % image.len() / image.places() == channel;
        rows.iter().enumerate().filter(of_channel).map(|(_, &x)| x)
    };
    let of_channel = |channel| {
        let mean = values(channel).sum::<f64>() / count;
        (
            mean,
            values(channel)
                .map(|x| (x - mean) * (x - mean))
                .sum::<f64>()
                / count,
        )
    };
    (0..image.channels).map(of_channel).collect()
}

/// The gradients of weight, bias and input.
fn norm_backward(
    norm: &Normalisation,
    weight: &[f64],
    rows: &[f64],
    gradient: &[f64],
    images: usize,
) -> (Vec<f64>, Vec<f64>, Rows) {
    let image = norm.image;
    let count = (images * image.places()) as f64;
    let moments = moments(image, rows, images);
    let channel = |k: usize| k % image.len() / image.places();
    let normalised = |k: usize| {
        let (mean, variance) = moments[channel(k)];
        (rows[k] - mean) / (variance + norm.epsilon).sqrt()
    };
    let (mut on_weight, mut on_bias) = (vec![0.0; image.channels], vec![0.0; image.channels]);
    for (k, g) in gradient.iter().enumerate() {
        on_weight[channel(k)] += g * normalised(k);
        on_bias[channel(k)] += g;
    }
    let result = gradient.iter().enumerate().map(|(k, g)| {
        let c = channel(k);
        let deviation = (moments[c].1 + norm.epsilon).sqrt();
        weight[c] / deviation * (g - on_bias[c] / count - normalised(k) * on_weight[c] / count)
    });
    let result = result.collect();
    (on_weight, on_bias, result)
}
