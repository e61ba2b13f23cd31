//! Values and gradients against burn's own operations, over random shapes.
//!
//! All numbers are multiples of 1/16, so that sums of products are exact in any order: convolutions must agree to the
//! last bit, and equal maxima occur.
#![cfg(feature = "autodiff")]

use burn::tensor::activation::relu;
use burn::tensor::module::{avg_pool2d, batch_norm_train, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use eigenscope_kernels::{
    Epilogue, Geometry, ImageShape, PoolGeometry, average_pool, batch_norm, convolution, gate,
    max_pool,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Multiples of 1/16 from -1 to 15/16.
fn numbers(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 59) as f32 - 16.0) / 16.0
    };
    (0..length).map(|_| next()).collect()
}

fn leaf<const D: usize>(seed: u64, shape: [usize; D]) -> Tensor<D> {
    let data = TensorData::new(numbers(seed, shape.iter().product()), shape);
    Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("f32")
}

fn images(rows: Tensor<2>, shape: ImageShape) -> Tensor<4> {
    let [count, _] = rows.dims();
    rows.reshape([count, shape.channels, shape.height, shape.width])
}

fn plain_epilogue(maps: Tensor<4>, epilogue: Epilogue) -> Tensor<2> {
    let maps = match epilogue {
        Epilogue::Linear => maps,
        Epilogue::Relu => relu(maps),
        Epilogue::ReluMaxPool => max_pool2d(relu(maps), MaxPoolOptions::new([2, 2])),
    };
    maps.flatten(1, 3)
}

/// A gradient for every value of `result`, passed back.
fn pull(result: &Tensor<2>) -> Gradients {
    (result.clone() * leaf(9, result.dims())).sum().backward()
}

fn gradient<const D: usize>(leaf: &Tensor<D>, gradients: &mut Gradients) -> Vec<f32> {
    values(leaf.grad_remove(gradients).expect("a gradient"))
}

#[derive(Debug, Clone, Copy)]
struct Convolution {
    batch: usize,
    geometry: Geometry,
    outputs: usize,
    kernel: usize,
    epilogue: Epilogue,
    bias: bool,
}

impl Convolution {
    fn plain(&self, rows: Tensor<2>, weight: Tensor<4>, bias: Option<Tensor<1>>) -> Tensor<2> {
        let Geometry {
            stride,
            padding,
            dilation,
            groups,
            ..
        } = self.geometry;
        let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], groups);
        let maps = conv2d(images(rows, self.geometry.input), weight, bias, options);
        plain_epilogue(maps, self.epilogue)
    }

    /// The result, and the gradients of rows, weight and bias.
    fn run(&self, ours: bool) -> Vec<Vec<f32>> {
        let Geometry { input, .. } = self.geometry;
        let rows = leaf(1, [self.batch, input.len()]);
        let channels = input.channels / self.geometry.groups;
        let weight = leaf(2, [self.outputs, channels, self.kernel, self.kernel]);
        let bias = self.bias.then(|| leaf(3, [self.outputs]));
        let inputs = (rows.clone(), weight.clone(), bias.clone());
        let result = if ours {
            convolution(inputs.0, inputs.1, inputs.2, self.geometry, self.epilogue)
        } else {
            self.plain(inputs.0, inputs.1, inputs.2)
        };
        let mut gradients = pull(&result);
        let mut all = vec![
            values(result),
            gradient(&rows, &mut gradients),
            gradient(&weight, &mut gradients),
        ];
        all.extend(bias.map(|bias| gradient(&bias, &mut gradients)));
        all
    }
}

fn epilogues() -> impl Strategy<Value = Epilogue> {
    let all = [Epilogue::Linear, Epilogue::Relu, Epilogue::ReluMaxPool];
    prop::sample::select(all.to_vec())
}

/// Down to one channel, one image, one pixel; kernels as large as the image and smaller than the stride; some padded, dilated
/// or in groups.
fn convolutions() -> impl Strategy<Value = Convolution> {
    let sizes = (1..40usize, 1..7usize, 1..10usize, 1..6usize, 1..4usize);
    let more = (epilogues(), any::<bool>(), spread());
    (sizes, 0..12usize, 0..12usize, more).prop_map(
        |((batch, channels, outputs, kernel, stride), taller, wider, (epilogue, bias, spread))| {
            let [padding, dilation, groups] = spread;
            let pooled = if epilogue == Epilogue::ReluMaxPool {
                stride
            } else {
                0
            };
            let extent = (kernel - 1) * dilation + 1;
            let side = |more: usize| (extent + pooled + more).saturating_sub(2 * padding).max(1);
            let input = ImageShape {
                channels: channels * groups,
                height: side(taller),
                width: side(wider),
            };
            Convolution {
                batch,
                geometry: Geometry {
                    padding,
                    dilation,
                    groups,
                    ..Geometry::new(input, stride)
                },
                outputs: outputs * groups,
                kernel,
                epilogue,
                bias,
            }
        },
    )
}

/// Of many channels and small images, padded or of single pixels.
fn wide_convolutions() -> impl Strategy<Value = Convolution> {
    let sizes = (16..34usize, 64..67usize, 64..67usize, 1..4usize, 1..4usize);
    (sizes, 0..3usize, 0..3usize, epilogues(), spread()).prop_map(
        |((batch, channels, outputs, kernel, stride), height, width, epilogue, spread)| {
            let [padding, dilation, groups] = spread;
            let pooled = if epilogue == Epilogue::ReluMaxPool {
                stride
            } else {
                0
            };
            let extent = (kernel - 1) * dilation + 1 + pooled;
            let smallest = extent.saturating_sub(2 * padding).max(1);
            let input = ImageShape {
                channels: channels * groups,
                height: smallest + height,
                width: smallest + width,
            };
            Convolution {
                batch,
                geometry: Geometry {
                    padding,
                    dilation,
                    groups,
                    ..Geometry::new(input, stride)
                },
                outputs: outputs * groups,
                kernel,
                epilogue,
                bias: true,
            }
        },
    )
}

/// Padding, dilation and groups, half of them plain.
fn spread() -> impl Strategy<Value = [usize; 3]> {
    prop_oneof![
        Just([0, 1, 1]),
        (0..4usize, 1..4usize, 1..4usize)
            .prop_map(|(padding, dilation, groups)| [padding, dilation, groups]),
    ]
}

#[derive(Debug, Clone, Copy)]
struct Pooling {
    batch: usize,
    geometry: PoolGeometry,
    /// Of a mean, whether the padding counts; `None` for the largest value.
    counts_padding: Option<bool>,
}

impl Pooling {
    /// The result, and the gradient of the rows.
    fn run(&self, ours: bool) -> [Vec<f32>; 2] {
        let PoolGeometry {
            input,
            kernel,
            stride,
            padding,
        } = self.geometry;
        let rows = leaf(1, [self.batch, input.len()]);
        let maps = images(rows.clone(), input);
        let (kernel, stride, padding) = ([kernel; 2], [stride; 2], [padding; 2]);
        let result = match (ours, self.counts_padding) {
            (true, None) => max_pool(rows.clone(), self.geometry),
            (true, Some(counts)) => average_pool(rows.clone(), self.geometry, counts),
            (false, None) => {
                let options = MaxPoolOptions::new(kernel).with_stride(stride);
                max_pool2d(maps, options.with_padding(padding)).flatten(1, 3)
            }
            (false, Some(counts)) => {
                let options = AvgPoolOptions::new(kernel).with_stride(stride);
                let options = options.with_count_include_pad(counts);
                avg_pool2d(maps, options.with_padding(padding)).flatten(1, 3)
            }
        };
        let mut gradients = pull(&result);
        [values(result), gradient(&rows, &mut gradients)]
    }
}

fn poolings() -> impl Strategy<Value = Pooling> {
    let sizes = (1..40usize, 1..4usize, 1..5usize, 1..4usize, 0..3usize);
    (sizes, 0..9usize, 0..9usize, any::<Option<bool>>()).prop_map(
        |((batch, channels, kernel, stride, padding), taller, wider, counts_padding)| Pooling {
            batch,
            geometry: PoolGeometry {
                input: ImageShape {
                    channels,
                    height: kernel + taller,
                    width: kernel + wider,
                },
                kernel,
                stride,
                padding: padding.min(kernel / 2),
            },
            counts_padding,
        },
    )
}

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// max |found - expected| / max(1, |expected|). burn takes sums in f32, which costs 1e-5.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1.0, |max: f32, x| max.max(x.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0, |max: f32, (a, b)| max.max((a - b).abs())) / largest
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn convolutions_agree_with_burn_to_the_last_bit(convolution in convolutions()) {
        prop_assert_eq!(convolution.run(true), convolution.run(false));
    }

    #[test]
    fn wide_convolutions_agree_with_burn(convolution in wide_convolutions()) {
        for (found, expected) in convolution.run(true).iter().zip(convolution.run(false)) {
            prop_assert!(difference(found, &expected) < 1e-6);
        }
    }

    #[test]
    fn poolings_agree_with_burn(pooling in poolings()) {
        for (found, expected) in pooling.run(true).iter().zip(pooling.run(false)) {
            prop_assert!(difference(found, &expected) < 1e-6);
        }
    }

    #[test]
    fn normalisations_agree_with_burn(
        batch in 1..40usize, channels in 1..6usize, height in 2..9usize, width in 2..9usize, epilogue in epilogues(),
    ) {
        let input = ImageShape { channels, height, width };
        let found = normalise(batch, input, epilogue, true);
        for (found, expected) in found.iter().zip(normalise(batch, input, epilogue, false)) {
            prop_assert!(difference(found, &expected) < 3e-5);
        }
    }

    #[test]
    fn gates_agree_with_burn_to_the_last_bit(batch in 1..20usize, half in 1..70usize) {
        let rows = leaf(1, [batch, 2 * half]);
        let product = gate(rows.clone());
        let found = (values(product.clone()), gradient(&rows, &mut pull(&product)));
        let left = rows.clone().slice([0..batch, 0..half]);
        let product = left * rows.clone().slice([0..batch, half..2 * half]);
        let expected = (values(product.clone()), gradient(&rows, &mut pull(&product)));
        prop_assert_eq!(found, expected);
    }
}

/// The result, the moments, and the gradients of rows, weight and bias.
fn normalise(batch: usize, input: ImageShape, epilogue: Epilogue, ours: bool) -> Vec<Vec<f32>> {
    let rows = leaf(1, [batch, input.len()]);
    let (weight, bias) = (leaf(2, [input.channels]), leaf(3, [input.channels]));
    let inputs = (rows.clone(), weight.clone(), bias.clone());
    let count = (batch * input.height * input.width) as f64;
    let (result, mean, variance) = if ours {
        let found = batch_norm(inputs.0, inputs.1, inputs.2, input, 1e-5, epilogue);
        (found.rows, found.mean, found.variance)
    } else {
        let found = batch_norm_train(images(inputs.0, input), inputs.1, inputs.2, 1e-5);
        let variance = found.variance * (count / (count - 1.0));
        (plain_epilogue(found.output, epilogue), found.mean, variance)
    };
    let mut gradients = pull(&result);
    vec![
        values(result),
        values(mean),
        values(variance),
        gradient(&rows, &mut gradients),
        gradient(&weight, &mut gradients),
        gradient(&bias, &mut gradients),
    ]
}

/// Images that need several bands, the last with fewer rows.
fn large() -> [Convolution; 5] {
    let case =
        |batch, (channels, height, width), outputs, (kernel, stride), epilogue| Convolution {
            batch,
            geometry: Geometry::new(
                ImageShape {
                    channels,
                    height,
                    width,
                },
                stride,
            ),
            outputs,
            kernel,
            epilogue,
            bias: true,
        };
    let mut spread = case(9, (6, 121, 130), 8, (3, 2), Epilogue::Relu);
    spread.geometry.padding = 3;
    spread.geometry.dilation = 2;
    spread.geometry.groups = 2;
    [
        case(17, (1, 221, 221), 8, (2, 1), Epilogue::ReluMaxPool),
        case(3, (8, 111, 110), 16, (2, 1), Epilogue::ReluMaxPool),
        case(18, (3, 90, 300), 6, (5, 2), Epilogue::Relu),
        case(9, (5, 121, 130), 7, (3, 1), Epilogue::Linear),
        spread,
    ]
}

#[test]
fn bands_do_not_show() {
    for convolution in large() {
        assert!(
            convolution.run(true) == convolution.run(false),
            "{convolution:?}"
        );
    }
}

#[test]
fn models_beside_each_other_do_not_change_a_result() {
    let run = || large().map(|convolution| convolution.run(true));
    let alone = run();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(run)).collect();
        for thread in threads {
            assert!(thread.join().expect("no panic") == alone);
        }
    });
}

#[test]
fn the_layout_of_the_rows_does_not_matter() {
    let input = ImageShape {
        channels: 2,
        height: 7,
        width: 6,
    };
    let geometry = Geometry::new(input, 1);
    let weight = leaf(2, [3, 2, 3, 3]);
    let run = |rows| {
        values(convolution(
            rows,
            weight.clone(),
            None,
            geometry,
            Epilogue::Relu,
        ))
    };
    let rows = leaf(1, [40, 84]);
    let transposed = values(rows.clone().transpose());
    let transposed = Tensor::from_data(TensorData::new(transposed, [84, 40]), &rows.device());
    assert_eq!(run(rows.clone()), run(transposed.transpose()));
    let part = rows.clone().slice([3..20, 0..84]);
    assert_eq!(run(part), run(rows)[3 * 60..20 * 60]);
}

/// As in PyTorch.
#[test]
fn no_images_have_gradients_of_zero() {
    for epilogue in [Epilogue::Linear, Epilogue::Relu, Epilogue::ReluMaxPool] {
        for groups in [1, 2] {
            let input = ImageShape {
                channels: 4,
                height: 6,
                width: 5,
            };
            let geometry = Geometry {
                padding: 1,
                groups,
                ..Geometry::new(input, 1)
            };
            let convolution = Convolution {
                batch: 0,
                geometry,
                outputs: 6,
                kernel: 3,
                epilogue,
                bias: true,
            };
            let weight = vec![0.0; 6 * 4 / groups * 9];
            let expected = [vec![], vec![], weight, vec![0.0; 6]];
            assert_eq!(convolution.run(true), expected);
        }
    }
    for counts_padding in [None, Some(true), Some(false)] {
        let pooling = Pooling {
            batch: 0,
            geometry: PoolGeometry {
                input: ImageShape {
                    channels: 2,
                    height: 4,
                    width: 4,
                },
                kernel: 2,
                stride: 2,
                padding: 0,
            },
            counts_padding,
        };
        assert_eq!(pooling.run(true), [Vec::<f32>::new(), Vec::new()]);
    }
    let rows = leaf(1, [0, 6]);
    let product = gate(rows.clone());
    assert_eq!(product.dims(), [0, 3]);
    assert!(gradient(&rows, &mut pull(&product)).is_empty());
}

#[test]
fn without_gradients_the_values_are_the_same() {
    let [convolution, ..] = large();
    let plain = |seed, shape| {
        let tensor: Tensor<2> = leaf(seed, shape);
        Tensor::<2>::from_data(tensor.into_data(), &Device::flex())
    };
    let rows = plain(1, [convolution.batch, convolution.geometry.input.len()]);
    let weight = plain(2, [8, 4]).reshape([8, 1, 2, 2]);
    let bias = plain(3, [1, 8]).reshape([8]);
    let Convolution {
        geometry, epilogue, ..
    } = convolution;
    let found = eigenscope_kernels::convolution(rows, weight, Some(bias), geometry, epilogue);
    assert!(values(found) == convolution.run(true)[0]);
}
