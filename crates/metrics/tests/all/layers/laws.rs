//! What holds for every network and every orthonormal basis: the curve is that of separate evaluations with W P_k, a
//! full basis changes nothing, and tiles do not matter. Counts may differ by the images that are near a tie.

use std::ops::{Range, RangeInclusive};

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_metrics::layers::ClippedLayer;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Architecture, Layer, Network, Runner, StoredModel, networks};
use faer::{Mat, Side};
use proptest::prelude::*;
use serde_json::json;

const IMAGES: usize = 40;

/// How near the best two logits may be, relative to the largest absolute one, to be told apart for certain.
const MARGIN: f32 = 1e-4;

#[derive(Debug)]
struct Case {
    model: StoredModel,
    inputs: Vec<f32>,
    labels: Vec<u16>,
    /// Chooses layer and basis.
    seed: u64,
}

fn networks() -> impl Strategy<Value = Network> {
    let widths = || prop::collection::vec(1_usize..9, 0..3);
    prop_oneof![
        widths().prop_map(networks::mlp),
        prop::collection::vec(1_usize..5, 1..3).prop_map(networks::cnn),
        (1_usize..7, any::<bool>()).prop_map(|(hidden, bias)| networks::bilinear(hidden, bias)),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = (1_usize..3, 16_usize..18);
    (networks(), shape, any::<u64>()).prop_map(|(network, (channels, width), seed)| {
        Case::new(network, [channels, 16, width], seed)
    })
}

/// A linear congruential sequence.
struct Numbers(u64);

impl Numbers {
    /// The next number, between 0 and 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / f64::from(1 << 24)
    }

    /// Numbers between -0.5 and 0.5.
    fn centred(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.next() - 0.5) as f32).collect()
    }
}

fn classes() -> Vec<String> {
    ["a", "b", "c", "d"].map(str::to_owned).to_vec()
}

impl Case {
    fn new(network: Network, shape: [usize; 3], seed: u64) -> Self {
        let architecture = network.architecture(InputShape::from(shape), classes());
        Self::of(architecture.expect("it fits"), seed)
    }

    fn of(architecture: Architecture, seed: u64) -> Self {
        let mut numbers = Numbers(seed);
        let parameters = architecture.parameters().into_iter();
        let tensors = parameters.map(|parameter| parameter.initial(|| numbers.next()));
        let tensors = tensors.collect();
        let inputs = numbers.centred(IMAGES * architecture.input.len());
        Self {
            model: StoredModel::new(architecture, tensors).expect("the tensors fit"),
            inputs,
            labels: (0..IMAGES).map(|image| (image % 4) as u16).collect(),
            seed,
        }
    }

    fn layer(&self) -> (usize, Layer) {
        let layers: Vec<_> = self.model.architecture.layers().collect();
        let (position, layer) = layers[self.seed as usize % layers.len()];
        (position, layer.clone())
    }

    /// Eigenvectors of a random symmetric matrix: as many as the layer has inputs.
    fn basis(&self, layer: &Layer) -> NamedTensor {
        let inputs = layer.inputs();
        let values = Numbers(self.seed ^ 1).centred(inputs * inputs);
        let value = |row, column| f64::from(values[row * inputs + column]);
        let matrix = Mat::from_fn(inputs, inputs, |row, column| {
            value(row, column) + value(column, row)
        });
        let system = matrix.self_adjoint_eigen(Side::Lower).expect("converges");
        let vectors = (0..inputs).flat_map(|rank| system.U().col(rank).iter());
        NamedTensor {
            name: layer.name.clone(),
            shape: vec![inputs, inputs],
            data: vectors.map(|value| *value as f32).collect(),
        }
    }

    fn measure<T>(&self, measure: impl FnOnce(ClippedLayer<'_>) -> T) -> T {
        let (position, layer) = self.layer();
        let basis = self.basis(&layer);
        let runner = Runner::new(&self.model).expect("it loads");
        let clipped = ClippedLayer::new(&self.model, &runner, (position, layer), &basis);
        measure(clipped.expect("it fits"))
    }

    fn inputs(&self, images: Range<usize>) -> Vec<f32> {
        let width = self.model.architecture.input.len();
        self.inputs[images.start * width..images.end * width].to_vec()
    }

    fn curve(&self) -> Vec<usize> {
        let inputs = |images| self.inputs(images);
        self.measure(|clipped| clipped.correct(&self.labels, inputs).expect("it runs"))
    }

    /// The sum of the curves of some images at a time.
    fn curve_in_tiles(&self, images: usize) -> Vec<usize> {
        let tiles = self.labels.chunks(images).zip((0..IMAGES).step_by(images));
        self.measure(|clipped| {
            let curves = tiles.map(|(labels, first)| {
                let inputs =
                    |images: Range<usize>| self.inputs(first + images.start..first + images.end);
                clipped.correct(labels, inputs).expect("it runs")
            });
            let add = |sums: Vec<usize>, counts: Vec<usize>| {
                sums.iter().zip(counts).map(|(a, b)| a + b).collect()
            };
            curves.reduce(add).expect("there are images")
        })
    }

    /// Fewest and most correct predictions of `model`, by what is done with images near a tie.
    fn correct(&self, model: &StoredModel) -> RangeInclusive<usize> {
        let steps = model.architecture.steps().len();
        let runner = Runner::new(model).expect("it loads");
        let logits = runner
            .run(0..steps, self.inputs.clone().into(), IMAGES)
            .expect("it runs")
            .rows;
        let (mut fewest, mut most) = (0, 0);
        for (row, &label) in logits.chunks_exact(4).zip(&self.labels) {
            let largest = row
                .iter()
                .fold(0.0_f32, |largest, value| largest.max(value.abs()));
            let own = row[usize::from(label)];
            let others = row
                .iter()
                .enumerate()
                .filter(|(class, _)| *class != usize::from(label));
            let best = others
                .map(|(_, value)| *value)
                .fold(f32::NEG_INFINITY, f32::max);
            fewest += usize::from(own - best > MARGIN * largest);
            most += usize::from(own - best >= -MARGIN * largest);
        }
        fewest..=most
    }

    /// The model with W V_k^T V_k for W, computed in f64.
    fn clipped(&self, rank: usize) -> StoredModel {
        let (_, layer) = self.layer();
        let (inputs, basis) = (layer.inputs(), self.basis(&layer));
        let mut model = self.model.clone();
        let mut tensors = model.tensors.iter_mut();
        let weight = tensors
            .find(|tensor| tensor.name == layer.weight())
            .expect("it has one");
        for row in weight.data.chunks_exact_mut(inputs) {
            let mut clipped = vec![0.0; inputs];
            for vector in basis.data.chunks_exact(inputs).take(rank) {
                let products = row
                    .iter()
                    .zip(vector)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b));
                let product: f64 = products.sum();
                for (sum, value) in clipped.iter_mut().zip(vector) {
                    *sum += product * f64::from(*value);
                }
            }
            for (value, clipped) in row.iter_mut().zip(clipped) {
                *value = clipped as f32;
            }
        }
        model
    }
}

fn assert_separate_evaluations_agree(case: &Case) {
    let curve = case.curve();
    let step = curve.len().div_ceil(12);
    for rank in (1..=curve.len()).step_by(step) {
        let (found, expected) = (curve[rank - 1], case.correct(&case.clipped(rank)));
        assert!(
            expected.contains(&found),
            "rank {rank}: {found} not in {expected:?}"
        );
    }
}

/// What lies after a clipped layer may be pooling and batch normalisation.
#[test]
fn every_layer_of_a_convnet() {
    for seed in 0..4 {
        assert_separate_evaluations_agree(&Case::new(networks::convnet(), [1, 16, 18], seed));
    }
}

/// Layers inside blocks, of a shortcut, padded, dilated and in groups.
#[test]
fn every_layer_of_a_network_of_blocks() {
    let conv = |channels: usize, groups: usize| json!({ "conv": { "channels": channels, "kernel": 3, "padding": 1, "groups": groups } });
    let list = json!([
        { "conv": { "channels": 4, "kernel": 3, "dilation": 2, "padding": 1 } },
        { "residual": {
            "steps": [conv(6, 2), "gelu", { "residual": [conv(6, 6), "relu"] }],
            "shortcut": [{ "conv": { "channels": 6, "kernel": 1 } }, "batch-norm"],
        }},
        { "average-pool": 3 },
        { "linear": 5 },
        { "residual": [{ "bilinear": 5 }] },
        { "linear": "classes" },
    ]);
    let list = StepList::parse(&list).expect("a list");
    let layers = list.layer_names().len() as u64;
    assert_eq!(layers, 7);
    for seed in 0..layers {
        let architecture = list.architecture("network", InputShape::from([2, 8, 7]), classes());
        let case = Case::of(architecture.expect("it fits"), seed);
        assert_separate_evaluations_agree(&case);
        assert_eq!(case.curve(), case.curve_in_tiles(17));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_curve_is_that_of_separate_evaluations(case in cases()) {
        assert_separate_evaluations_agree(&case);
    }

    #[test]
    fn a_full_basis_changes_nothing(case in cases()) {
        let (curve, expected) = (case.curve(), case.correct(&case.model));
        let last = curve.last().expect("a rank");
        prop_assert!(expected.contains(last), "{} not in {:?}", last, expected);
    }

    #[test]
    fn tiles_do_not_matter(case in cases(), tile in 1_usize..IMAGES) {
        let (whole, tiled) = (case.curve(), case.curve_in_tiles(tile));
        let different = whole.iter().zip(&tiled).filter(|(a, b)| a != b).count();
        prop_assert!(different == 0, "{} of {} ranks differ", different, whole.len());
    }
}
