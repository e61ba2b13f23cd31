//! How many predictions of a model are correct while one of its layers reads only the first k vectors of a basis: every
//! rank k in one pass.
//!
//! ```text
//! W P_k phi = sum over r = 1..=k of p_r u_r     with   p_r = v_r . phi,   u_r = W v_r
//! ```
//!
//! W is the weight of the layer, phi a sample that it reads (a window, for convolutions), v_r the orthonormal rows of
//! the basis, and P_k = sum of v_r v_r^T the projector on the first k of them. Every sample is projected once; from
//! rank k - 1 to rank k the layer's output changes by one outer product, and only the steps after the layer
//! are computed again.
//!
//! A basis of the channels of a convolution clips every pixel of the kernel alike: its vector v stands for kernel^2 vectors of a
//! window, v at one pixel and 0 at the others, which come and go together.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::NamedTensor;
use eigenscope_models::{
    Layer, ModelError, Runner, State, Step, StoredModel, correct_predictions, values,
};
use rayon::prelude::*;

use crate::error::MetricError;

/// Values of the widest output of a step, for the images handled at a time: 1 MiB, which stays in a core's own cache.
const OUTPUT_VALUES: usize = 1 << 18;

/// Values of the samples and projections of the images handled at a time: 64 MiB.
const SAMPLE_VALUES: usize = 1 << 24;

/// Most images handled at a time. Twice as many gain 10% on one thread, but make few tiles of 10,000 images for several.
const TILE_IMAGES: usize = 500;

/// A layer of a model, with a basis of the space of its inputs.
#[derive(Debug, Clone)]
pub struct ClippedLayer<'a> {
    runner: &'a Runner,
    layer: Layer,
    /// Steps before the layer, and how many images run through them at a time.
    before: Range<usize>,
    before_images: usize,
    /// Steps after it.
    after: Range<usize>,
    /// How many images are carried from rank to rank at a time.
    tile_images: usize,
    /// v_r, `[ranks * rank_vectors, inputs]`.
    basis: Tensor<2>,
    /// Vectors that come with a rank: 1, or the pixels of the kernel.
    rank_vectors: usize,
    /// u_r, `[ranks * rank_vectors, outputs]`.
    responses: Vec<f32>,
    /// Output of the layer for one image at rank 0, its bias: `[outputs, places]`.
    bias: Vec<f32>,
}

impl<'a> ClippedLayer<'a> {
    /// The layer of `model` at `position` among its steps. `runner` runs that model; the rows of `basis`
    /// `[ranks, layer.inputs()]`, or `[ranks, layer.group_channels()]`, are orthonormal.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back values.
    ///
    /// # Panics
    /// Panics if the step is out of bounds or the basis is of another width.
    pub fn new(
        model: &StoredModel,
        runner: &'a Runner,
        (position, layer): (usize, Layer),
        basis: &NamedTensor,
    ) -> Result<Self, MetricError> {
        let (basis, rank_vectors) = of_windows(basis, layer.inputs());
        let basis = rows(basis, layer.inputs());
        let weight = rows(model.weight(&layer)?.to_vec(), layer.inputs());
        // The bias is what the layer makes of zeros.
        let zeros = vec![0.0; layer.input.len()];
        let steps = model.architecture.steps();
        let [vectors, inputs] = basis.dims();
        let samples = layer.samples() * (inputs + vectors);
        Ok(Self {
            runner,
            before: 0..position,
            before_images: images_at_once(&steps[..position]),
            after: position + 1..steps.len(),
            tile_images: images_at_once(&steps[position..])
                .min(SAMPLE_VALUES / samples)
                .max(1),
            responses: inner_products(&basis, weight)?,
            bias: runner.run(position..position + 1, zeros.into(), 1)?.rows,
            basis,
            rank_vectors,
            layer,
        })
    }

    /// Correct predictions among `labels.len()` images for every rank k = 1.. of the basis. The prediction is the
    /// class of largest logit, the first of equal ones. `inputs` gives the flattened inputs of a range of images,
    /// row-major.
    ///
    /// All is computed in f32, the precision of the model, tile by tile on the threads of the current rayon pool. The
    /// size of a tile depends on model, layer and basis only, so the counts do not depend on the number of threads.
    /// Memory of a thread: 64 MiB of samples and projections (or those of one image), at most as much for the inputs they
    /// come from, and a few MiB of outputs.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back values.
    ///
    /// # Panics
    /// Panics if the inputs are not of the width that the model reads.
    pub fn correct(
        &self,
        labels: &[u16],
        inputs: impl Fn(Range<usize>) -> Vec<f32> + Sync,
    ) -> Result<Vec<usize>, MetricError> {
        let [vectors, _] = self.basis.dims();
        let ranks = vectors / self.rank_vectors;
        labels
            .par_chunks(self.tile_images)
            .enumerate()
            .map(|(tile, labels)| {
                let first = tile * self.tile_images;
                let read = self.read(first..first + labels.len(), &inputs)?;
                self.correct_in_tile(labels, &read)
            })
            .try_reduce(
                || vec![0; ranks],
                |sums, counts| Ok(sums.iter().zip(counts).map(|(a, b)| a + b).collect()),
            )
    }

    /// What the model has computed of some images before the layer.
    fn read(
        &self,
        images: Range<usize>,
        inputs: impl Fn(Range<usize>) -> Vec<f32>,
    ) -> Result<State, ModelError> {
        let mut read = State::default();
        for first in images.clone().step_by(self.before_images) {
            let batch = first..images.end.min(first + self.before_images);
            let count = batch.len();
            let inputs = inputs(batch).into();
            read.append(self.runner.run(self.before.clone(), inputs, count)?);
        }
        Ok(read)
    }

    /// Correct predictions by rank, among images of which the layer reads `read`.
    fn correct_in_tile(&self, labels: &[u16], read: &State) -> Result<Vec<usize>, MetricError> {
        let (images, image_samples) = (labels.len(), self.layer.samples());
        let samples = rows(self.layer.unfold(&read.rows, images), self.layer.inputs());
        let projections = inner_products(&self.basis, samples)?;
        let mut outputs = self.bias.repeat(images);
        let vectors = projections
            .chunks_exact(images * image_samples)
            .zip(self.responses.chunks_exact(self.layer.outputs));
        let mut correct = Vec::new();
        for ((projections, response), number) in vectors.zip(1..) {
            for (output, projections) in outputs
                .chunks_exact_mut(self.bias.len())
                .zip(projections.chunks_exact(image_samples))
            {
                self.add_response(output, response, projections);
            }
            if number % self.rank_vectors == 0 {
                let state = read.with_rows(outputs.clone());
                let logits = self.runner.run(self.after.clone(), state, images)?;
                correct.push(correct_predictions(&logits.rows, labels));
            }
        }
        Ok(correct)
    }

    /// `output` `[groups, outputs, places]` of an image += response projections^T, group by group.
    fn add_response(&self, output: &mut [f32], response: &[f32], projections: &[f32]) {
        let (groups, places) = (self.layer.groups, self.layer.places());
        let outputs = output.chunks_exact_mut(output.len() / groups);
        let responses = response.chunks_exact(response.len() / groups);
        let projections = projections.chunks_exact(places);
        for ((output, response), projections) in outputs.zip(responses).zip(projections) {
            add_outer_product(output, response, projections);
        }
    }
}

/// Rows of `inputs` values for a basis of windows or of channels, and how many of them stand for one of its vectors.
fn of_windows(basis: &NamedTensor, inputs: usize) -> (Vec<f32>, usize) {
    let channels = basis.shape[1];
    let pixels = inputs / channels;
    if pixels == 1 {
        return (basis.data.clone(), 1);
    }
    let vectors = basis.data.chunks_exact(channels);
    let rows = vectors.flat_map(|vector| {
        (0..pixels).flat_map(move |pixel| {
            vector.iter().flat_map(move |&value| {
                (0..pixels).map(move |at| if at == pixel { value } else { 0.0 })
            })
        })
    });
    (rows.collect(), pixels)
}

/// How many images run through `steps` at a time.
pub(crate) fn images_at_once(steps: &[Step]) -> usize {
    let widths = steps.iter().map(|step| match step {
        Step::Map(layer) => layer.output().len(),
        // Hardly more values than the step before.
        _ => 1,
    });
    let widest = widths.max().unwrap_or(1);
    (OUTPUT_VALUES / widest).clamp(1, TILE_IMAGES)
}

/// Row-major values as a tensor of rows.
fn rows(values: Vec<f32>, width: usize) -> Tensor<2> {
    let rows = values.len() / width;
    Tensor::from_data(TensorData::new(values, [rows, width]), &Device::flex())
}

/// Products of all rows of `first` `[a, width]` with all of `second` `[b, width]`: `[a, b]`.
fn inner_products(first: &Tensor<2>, second: Tensor<2>) -> Result<Vec<f32>, ModelError> {
    values(first.clone().matmul(second.transpose()))
}

/// `output` `[outputs, places]` += response projections^T. The inner loop, which is vectorised, runs along the
/// places, or along the outputs where there is one place.
fn add_outer_product(output: &mut [f32], response: &[f32], projections: &[f32]) {
    if let [projection] = projections {
        add_multiple(output, *projection, response);
        return;
    }
    for (channel, &value) in output.chunks_exact_mut(projections.len()).zip(response) {
        add_multiple(channel, value, projections);
    }
}

/// `sums` += factor * `values`.
fn add_multiple(sums: &mut [f32], factor: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}
