//! Padding and pooling with which the weights of a network without branches fit images of a usual size.
//!
//! Neither is in a file of weights. But the first linear map tells how many places the convolutions leave, the numbers of modules
//! in a sequence tell that there is something between them, and few ways lead to these places from images as data sets have them.

use serde_json::{Value, json};

use super::Module;

/// Sides of images with one channel, and of those with more, the most usual first.
const GREY: [usize; 6] = [28, 32, 64, 16, 8, 224];
const COLOURED: [usize; 6] = [32, 224, 64, 96, 28, 128];

/// Choices of which convolutions, by number, are padded to keep the size of the image: all, none, or the first.
const PADDED: [fn(usize) -> bool; 3] = [|_| true, |_| false, |number| number == 0];

/// The steps with padding and pooling that make them fit, and the side of the images; `None` if there are none, or if nothing tells.
pub(super) fn fit(modules: &[Module<'_>], steps: &[Value]) -> Option<(Vec<Value>, usize)> {
    let is_convolution = |module: &Module<'_>| module.weight.len() == 4;
    let has_no_branches =
        |step: &Value| step.get("residual").is_none() && *step != json!("global-average-pool");
    let linear = modules.iter().position(|module| module.weight.len() == 2)?;
    let (features, maps) = modules.split_at(linear);
    if !steps.iter().all(has_no_branches) || maps.iter().any(is_convolution) {
        return None;
    }
    let kernels: Vec<usize> = features
        .iter()
        .filter(|module| is_convolution(module))
        .map(|module| module.weight[2])
        .collect();
    let [first, last] = [
        features.iter().find(|module| is_convolution(module))?,
        features.iter().rfind(|module| is_convolution(module))?,
    ];
    let (inputs, channels) = (maps.first()?.weight[1], last.weight[0]);
    let side = (inputs / channels.max(1)).isqrt();
    if side < 2 || side * side * channels != inputs {
        return None;
    }
    let usual = if first.weight[1] == 1 { GREY } else { COLOURED };
    let pooled = pooled(features);
    for image in usual {
        for pooled in &pooled {
            for padded in PADDED {
                if left(image, &kernels, pooled, padded) == Some(side) {
                    return Some((with(steps, pooled, padded), image));
                }
            }
        }
    }
    None
}

/// After which convolutions there may be pooling. Where modules are numbered, there is a module beside the activation.
fn pooled(features: &[Module<'_>]) -> Vec<Vec<bool>> {
    let positions = (0..features.len()).filter(|&at| features[at].weight.len() == 4);
    let positions: Vec<usize> = positions.collect();
    let count = positions.len();
    let told: Option<Vec<bool>> = positions[1..]
        .iter()
        .map(|&at| Some(between(features[at - 1].name, features[at].name)? >= 2))
        .collect();
    match told {
        Some(told) if count > 1 => [true, false]
            .map(|last| [told.as_slice(), &[last]].concat())
            .to_vec(),
        _ => vec![
            vec![true; count],
            (1..=count).map(|number| number == count).collect(),
            (1..=count).map(|number| number % 2 == 0).collect(),
            vec![false; count],
        ],
    }
}

/// How many modules of a sequence stand between two; `None` if they are not in one sequence.
fn between(before: &str, after: &str) -> Option<usize> {
    let parts = |name: &str| {
        let (sequence, number) = name.rsplit_once('.').unwrap_or(("", name));
        Some((sequence.to_owned(), number.parse::<usize>().ok()?))
    };
    let ((sequence, before), (other, after)) = (parts(before)?, parts(after)?);
    match sequence == other {
        true => after.checked_sub(before)?.checked_sub(1),
        false => None,
    }
}

/// The side that is left of an image.
fn left(
    image: usize,
    kernels: &[usize],
    pooled: &[bool],
    padded: fn(usize) -> bool,
) -> Option<usize> {
    let mut side = image;
    for (number, (&kernel, &is_pooled)) in kernels.iter().zip(pooled).enumerate() {
        let padding = if padded(number) && kernel % 2 == 1 {
            kernel - 1
        } else {
            0
        };
        side = (side + padding + 1).checked_sub(kernel)?;
        if is_pooled {
            side /= 2;
        }
        if side == 0 {
            return None;
        }
    }
    Some(side)
}

fn with(steps: &[Value], pooled: &[bool], padded: fn(usize) -> bool) -> Vec<Value> {
    let mut made = Vec::new();
    let mut convolutions = pooled.iter().enumerate();
    let mut is_pooled = false;
    for step in steps {
        let is_layer = step.get("conv").is_some() || step.get("linear").is_some();
        if is_layer && std::mem::take(&mut is_pooled) {
            made.push(json!({ "max-pool": 2 }));
        }
        let mut step = step.clone();
        if let Some(fields) = step.get_mut("conv").and_then(Value::as_object_mut)
            && let Some((number, &pooled)) = convolutions.next()
        {
            is_pooled = pooled;
            if !padded(number) {
                fields.remove("padding");
            }
        }
        made.push(step);
    }
    made
}
