//! Padding and pooling with which the weights of a network without branches fit images of a given or a usual size.
//!
//! Neither is in a file of weights. But the first linear map tells how many places the convolutions leave, the numbers of modules
//! in a sequence tell that there is something between them, and few ways lead to these places from images as data sets have them.

use eigenscope_artifact::InputShape;
use serde_json::{Value, json};

use super::Module;

/// Sides of images with one channel, and of those with more, the most usual first.
const GREY: [usize; 6] = [28, 32, 64, 16, 8, 224];
const COLOURED: [usize; 6] = [32, 224, 64, 96, 28, 128];

/// Most convolutions of which all choices are tried where the size of the images is given.
const MAXIMUM_CONVOLUTIONS: usize = 7;

/// The steps with padding and pooling that make them fit images of a shape, or else of a usual size, and the height and width;
/// `None` if there are none, or if nothing tells.
pub(super) fn fit(
    modules: &[Module<'_>],
    steps: &[Value],
    images: Option<InputShape>,
) -> Option<(Vec<Value>, [usize; 2])> {
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
    let places = inputs / channels.max(1);
    if places * channels != inputs {
        return None;
    }
    let sizes = match images {
        Some(images) => vec![[images.height, images.width]],
        None if places < 4 => return None,
        None => {
            let usual = if first.weight[1] == 1 { GREY } else { COLOURED };
            usual.map(|side| [side, side]).to_vec()
        }
    };
    let (mut pooled, mut padded) = (pooled(features), padded(kernels.len()));
    if images.is_some() && kernels.len() <= MAXIMUM_CONVOLUTIONS {
        for choices in [&mut pooled, &mut padded] {
            choices.extend(subsets(kernels.len()));
        }
    }
    for size in sizes {
        for pooled in &pooled {
            for padded in &padded {
                let [height, width] = size.map(|side| left(side, &kernels, pooled, padded));
                if height.zip(width).map(|(height, width)| height * width) == Some(places) {
                    return Some((with(steps, pooled, padded), size));
                }
            }
        }
    }
    None
}

/// Which convolutions are usually padded to keep the size of the image: all, none, or the first.
fn padded(count: usize) -> Vec<Vec<bool>> {
    let first = (0..count).map(|number| number == 0);
    vec![vec![true; count], vec![false; count], first.collect()]
}

/// All choices among so many.
fn subsets(count: usize) -> impl Iterator<Item = Vec<bool>> {
    let chosen = move |bits: usize| (0..count).map(|number| bits >> number & 1 == 1).collect();
    (0..1 << count).map(chosen)
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
fn left(image: usize, kernels: &[usize], pooled: &[bool], padded: &[bool]) -> Option<usize> {
    let mut side = image;
    for ((&kernel, &is_pooled), &is_padded) in kernels.iter().zip(pooled).zip(padded) {
        let padding = if is_padded && kernel % 2 == 1 {
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

fn with(steps: &[Value], pooled: &[bool], padded: &[bool]) -> Vec<Value> {
    let mut made = Vec::new();
    let mut convolutions = pooled.iter().zip(padded);
    let mut is_pooled = false;
    for step in steps {
        let is_layer = step.get("conv").is_some() || step.get("linear").is_some();
        if is_layer && std::mem::take(&mut is_pooled) {
            made.push(json!({ "max-pool": 2 }));
        }
        let mut step = step.clone();
        if let Some(fields) = step.get_mut("conv").and_then(Value::as_object_mut)
            && let Some((&pooled, &is_padded)) = convolutions.next()
        {
            is_pooled = pooled;
            if !is_padded {
                fields.remove("padding");
            }
        }
        made.push(step);
    }
    made
}
