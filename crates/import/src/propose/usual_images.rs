//! Strides, padding and pooling with which the weights of a network without branches fit images of a given or a usual size.
//!
//! None of them is in a file of weights. But the first linear map tells how many places the convolutions leave, the numbers of modules
//! in a sequence tell that there is something between them, and few ways lead to these places from images as data sets have them.

use eigenscope_artifact::InputShape;
use serde_json::{Value, json};

use super::Module;

/// Sides of images with one channel, and of those with more, the most usual first.
const GREY: [usize; 6] = [28, 32, 64, 16, 8, 224];
const COLOURED: [usize; 6] = [32, 224, 64, 96, 28, 128];

/// Sides of images of networks whose first kernel is large.
const LARGE: [usize; 5] = [224, 227, 256, 299, 96];

/// Most convolutions of which all choices are tried where the size of the images is given.
const MAXIMUM_CONVOLUTIONS: usize = 7;
/// Smallest kernel of a first convolution that usually strides.
const LARGE_KERNEL: usize = 7;

/// What no file of weights says of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Around {
    stride: usize,
    padding: usize,
    /// Kernel of the max pooling behind it, which moves by 2; `None`: there is none.
    pool: Option<usize>,
}

/// The steps with strides, padding and pooling that make them fit images of a shape, or else of a usual size, and the height and
/// width; `None` if there are none, or if nothing tells.
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
    let sizes = |usual: &[usize]| match images {
        Some(images) => vec![[images.height, images.width]],
        None => usual.iter().map(|&side| [side, side]).collect(),
    };
    if images.is_none() && places < 4 {
        return None;
    }
    let fitting = |usual: &[usize], ways: &[Vec<Around>]| {
        let tried = sizes(usual)
            .into_iter()
            .flat_map(|size| ways.iter().map(move |way| (size, way)));
        let mut tried = tried.filter(|(size, way)| {
            let [height, width] = size.map(|side| left(side, &kernels, way));
            height.zip(width).map(|(height, width)| height * width) == Some(places)
        });
        tried.next().map(|(size, way)| (with(steps, way), size))
    };
    let (pooled, padded) = (pooled(features), padded(kernels.len()));
    let usual = if first.weight[1] == 1 { GREY } else { COLOURED };
    let usual_ways = ways(&kernels, &pooled, &padded, None);
    let mut found = None;
    for stem in stems(kernels[0]) {
        found = found.or_else(|| fitting(&LARGE, &ways(&kernels, &pooled, &padded, Some(stem))));
    }
    let found = found.or_else(|| fitting(&usual, &usual_ways));
    if found.is_some() || images.is_none() || kernels.len() > MAXIMUM_CONVOLUTIONS {
        return found;
    }
    let all: Vec<Vec<bool>> = subsets(kernels.len()).collect();
    let any_pooling = || {
        let [pooled, padded] = [&pooled, &padded].map(|usual| [usual.as_slice(), &all].concat());
        fitting(&usual, &ways(&kernels, &pooled, &padded, None))
    };
    let any_strides = || {
        let ways = padded.iter().flat_map(|padded| {
            let strided = all.iter().rev();
            strided.map(|strided| strided_way(&kernels, strided, padded))
        });
        fitting(&usual, &ways.collect::<Vec<_>>())
    };
    // No padding keeps the size of an image under an even kernel: that one usually moves by 2.
    match kernels.iter().any(|kernel| kernel % 2 == 0) {
        true => any_strides().or_else(any_pooling),
        false => any_pooling().or_else(any_strides),
    }
}

/// Strides, padding and pooling as they usually are about a first convolution with a large kernel, the most usual first: of AlexNet,
/// and of ResNet and its like.
fn stems(kernel: usize) -> Vec<Around> {
    let stem = |stride, padding, pool| Around {
        stride,
        padding,
        pool: Some(pool),
    };
    match kernel {
        11.. => vec![stem(4, 2, 3), stem(4, 0, 3)],
        LARGE_KERNEL.. => vec![stem(2, kernel / 2, 3), stem(2, kernel / 2, 2)],
        _ => Vec::new(),
    }
}

/// All ways to pool behind and to pad the convolutions. With `stem`, the first one has its stride and padding, and all pooling its
/// kernel.
fn ways(
    kernels: &[usize],
    pooled: &[Vec<bool>],
    padded: &[Vec<bool>],
    stem: Option<Around>,
) -> Vec<Vec<Around>> {
    let pool = stem.and_then(|stem| stem.pool).unwrap_or(2);
    let way = |pooled: &[bool], padded: &[bool]| {
        let choices = kernels.iter().zip(pooled).zip(padded).enumerate();
        let around = choices.map(|(number, ((&kernel, &is_pooled), &is_padded))| {
            let (stride, padding) = match stem.filter(|_| number == 0) {
                Some(stem) => (stem.stride, stem.padding),
                None if is_padded && kernel % 2 == 1 => (1, kernel / 2),
                None => (1, 0),
            };
            Around {
                stride,
                padding,
                pool: is_pooled.then_some(pool),
            }
        });
        around.collect()
    };
    let of_pooled = |pooled: &Vec<bool>| {
        padded
            .iter()
            .map(|padded| way(pooled, padded))
            .collect::<Vec<_>>()
    };
    pooled.iter().flat_map(of_pooled).collect()
}

/// Without pooling, while some convolutions move by 2.
fn strided_way(kernels: &[usize], strided: &[bool], padded: &[bool]) -> Vec<Around> {
    let choices = kernels.iter().zip(strided).zip(padded);
    let around = choices.map(|((&kernel, &is_strided), &is_padded)| Around {
        stride: if is_strided { 2 } else { 1 },
        // With it, a stride leaves half of a side.
        padding: match is_padded && (is_strided || kernel % 2 == 1) {
            true => kernel.saturating_sub(1) / 2,
            false => 0,
        },
        pool: None,
    });
    around.collect()
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
fn left(image: usize, kernels: &[usize], way: &[Around]) -> Option<usize> {
    let mut side = image;
    for (&kernel, around) in kernels.iter().zip(way) {
        side = (side + 2 * around.padding).checked_sub(kernel)? / around.stride + 1;
        if let Some(pool) = around.pool {
            side = side.checked_sub(pool)? / 2 + 1;
        }
    }
    Some(side)
}

fn with(steps: &[Value], way: &[Around]) -> Vec<Value> {
    let mut made = Vec::new();
    let mut convolutions = way.iter();
    let mut pool = None;
    for step in steps {
        let is_layer = step.get("conv").is_some() || step.get("linear").is_some();
        match pool.take_if(|_| is_layer) {
            Some(2) => made.push(json!({ "max-pool": 2 })),
            Some(kernel) => made.push(json!({ "max-pool": { "kernel": kernel, "stride": 2 } })),
            None => {}
        }
        let mut step = step.clone();
        if let Some(fields) = step.get_mut("conv").and_then(Value::as_object_mut)
            && let Some(around) = convolutions.next()
        {
            pool = around.pool;
            let usual = [("stride", around.stride, 1), ("padding", around.padding, 0)];
            for (name, value, default) in usual {
                fields.remove(name);
                if value != default {
                    fields.insert(name.to_owned(), json!(value));
                }
            }
        }
        made.push(step);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv(name: &'static str, weight: &'static [usize]) -> Module<'static> {
        Module {
            name,
            weight,
            is_biased: true,
            is_norm: false,
            groups: 1,
        }
    }

    fn fitted(
        modules: &[Module<'_>],
        images: Option<[usize; 3]>,
    ) -> Option<(Vec<Value>, [usize; 2])> {
        let steps = super::super::steps(modules).expect("steps");
        fit(modules, &steps, images.map(InputShape::from))
    }

    /// As torchvision has it.
    #[test]
    fn alexnet_strides_by_4_and_pools_by_3() {
        let modules = [
            conv("features.0", &[64, 3, 11, 11]),
            conv("features.3", &[192, 64, 5, 5]),
            conv("features.6", &[384, 192, 3, 3]),
            conv("features.8", &[256, 384, 3, 3]),
            conv("features.10", &[256, 256, 3, 3]),
            conv("classifier.1", &[4096, 9216]),
            conv("classifier.4", &[4096, 4096]),
            conv("classifier.6", &[1000, 4096]),
        ];
        for images in [None, Some([3, 224, 224])] {
            let (steps, size) = fitted(&modules, images).expect("it fits");
            assert_eq!(size, [224, 224]);
            let first =
                json!({ "conv": { "channels": 64, "kernel": 11, "stride": 4, "padding": 2 } });
            assert_eq!(steps[0], first);
            let pools = steps.iter().filter(|step| step.get("max-pool").is_some());
            let pool = json!({ "max-pool": { "kernel": 3, "stride": 2 } });
            assert_eq!(pools.collect::<Vec<_>>(), [&pool, &pool, &pool]);
        }
    }

    #[test]
    fn a_given_shape_decides_on_strides() {
        // Three times half the side: 32 becomes 4.
        let modules = [
            conv("a", &[8, 3, 4, 4]),
            conv("b", &[16, 8, 4, 4]),
            conv("c", &[32, 16, 4, 4]),
            conv("out", &[10, 32 * 4 * 4]),
        ];
        let (steps, _) = fitted(&modules, Some([3, 32, 32])).expect("it fits");
        for at in [0, 2, 4] {
            let conv = &steps[at]["conv"];
            assert_eq!(
                (&conv["stride"], &conv["padding"]),
                (&json!(2), &json!(1)),
                "{steps:?}"
            );
        }
        assert!(fitted(&modules, Some([3, 5, 5])).is_none());
    }
}
