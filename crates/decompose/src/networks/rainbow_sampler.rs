//! Networks drawn at random with the weight covariances of a trained one, aligned with it layer by layer.

use std::ops::Range;

use eigenscope_artifact::{ImageReader, SplitName};
use eigenscope_models::{
    Activations, Architecture, Layer, ModelError, Runner, Step, StoredModel, check_images,
};
use eigenscope_stage::Seed;
use faer::Mat;
use rayon::prelude::*;

use super::channels::align_columns;
use super::covariance_factors::CovarianceFactors;
use super::cross_moments::{LinearSamples, cross_moments};
use super::layer_alignment::{grouped, one_layer};
use crate::error::DecomposeError;
use crate::image_batches::for_each_batch;

/// A trained network to draw others from, and the images that they are aligned and tested on.
///
/// A network is drawn layer by layer. The weight W `[n, p]` of every layer but the last is replaced by rows drawn with
/// its covariance ([`CovarianceFactors`]); the last layer keeps its weight. From the second layer on, the last
/// included, the weight is then aligned: W' = W (A kron I), with A the alignment
/// ([`CrossMoments::alignment`](super::CrossMoments::alignment)) between what the layer reads in the trained network
/// and in the one drawn so far, over the training images.
///
/// Source: Guth, Menard, Rochette and Mallat, *A rainbow in deep network black boxes* (2023), rainbow sampling.
pub struct RainbowSampler<'a> {
    model: &'a StoredModel,
    images: &'a ImageReader,
    samples: LinearSamples,
    layers: Vec<Layer>,
    /// The factors of every layer but the last.
    factors: Vec<CovarianceFactors>,
}

impl<'a> RainbowSampler<'a> {
    /// Factors the weights of `model`.
    ///
    /// # Errors
    /// Returns an error if the network has a gate, a bias or one layer only, if it does not take the images, or if singular
    /// values do not converge.
    pub fn new(
        model: &'a StoredModel,
        images: &'a ImageReader,
        samples: LinearSamples,
    ) -> Result<Self, DecomposeError> {
        check_images(&model.architecture, "the network", images, "the data")?;
        let layers = drawable_layers(&model.architecture)?;
        let hidden = layers.iter().zip(&model.tensors).take(layers.len() - 1);
        let factors = hidden
            .map(|(layer, weight)| CovarianceFactors::new(&layer.name, &weight.data, layer.outputs))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            model,
            images,
            samples,
            layers,
            factors,
        })
    }

    /// The layers of the network, in the order in which they are drawn.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The networks of the given numbers, counted from 0; each depends on the seed and its own number only.
    ///
    /// One pass over the training images for every layer but the first, for all networks together; `drawn` is called
    /// after each layer. Work is spread over the current rayon pool, with the same result for any number of
    /// threads. Memory: the networks and their second moments, `8 * c1 * c2` bytes each for c1 and c2 values a
    /// sample, and for each thread the activations of a batch in two networks or, after that, about six matrices of
    /// that size: 1 GB for ten CNNs of 1600 values on four threads.
    ///
    /// # Errors
    /// Returns an error if the file is damaged or has no training images, if activations or weights overflow, or if singular
    /// values do not converge.
    pub fn draw(
        &self,
        seed: Seed,
        numbers: Range<u32>,
        mut drawn: impl FnMut(),
    ) -> Result<Vec<StoredModel>, DecomposeError> {
        let mut networks = vec![self.model.clone(); numbers.len()];
        for at in 0..self.layers.len() {
            let maps = self.alignments(at, &networks)?;
            for ((network, number), map) in networks.iter_mut().zip(numbers.clone()).zip(maps) {
                let weight = self.weight(at, seed, number, map);
                network.tensors[at].data = weight.into_iter().map(|value| value as f32).collect();
            }
            drawn();
        }
        let checked = networks
            .into_iter()
            .map(|network| StoredModel::new(network.architecture, network.tensors));
        Ok(checked.collect::<Result<_, _>>()?)
    }

    /// For every network, the alignment of what layer `at` reads; none for the first layer.
    fn alignments(
        &self,
        at: usize,
        networks: &[StoredModel],
    ) -> Result<Vec<Option<Mat<f64>>>, DecomposeError> {
        if at == 0 {
            return Ok(vec![None; networks.len()]);
        }
        let layer = std::slice::from_ref(&self.layers[at].name);
        let trained = Activations::new(self.model, layer)?;
        let drawn: Vec<Activations> = networks
            .iter()
            .map(|network| Activations::new(network, layer))
            .collect::<Result<_, _>>()?;
        let moments = cross_moments(
            self.images,
            SplitName::Train,
            self.samples,
            &trained,
            &drawn,
        )?;
        let maps: Vec<Result<_, _>> = moments
            .into_par_iter()
            .flatten()
            .map(|moments| moments.alignment().map(Some))
            .collect();
        maps.into_iter().collect()
    }

    /// The weight of layer `at` of the network of the given number, row-major.
    fn weight(&self, at: usize, seed: Seed, number: u32, map: Option<Mat<f64>>) -> Vec<f64> {
        let layer = &self.layers[at];
        let weight = match self.factors.get(at) {
            Some(factors) => {
                let purpose = format!("rainbow/{}", layer.weight());
                let mut stream = seed.stream(&purpose, u64::from(number));
                let noise: Vec<f64> = (0..factors.noise_len()).map(|_| stream.normal()).collect();
                factors.draw(&noise)
            }
            None => {
                let trained = &self.model.tensors[at].data;
                trained.iter().copied().map(f64::from).collect()
            }
        };
        match map {
            None => weight,
            Some(map) => {
                let inner = layer.inputs() / map.nrows();
                align_columns(&weight, inner, map.as_ref())
            }
        }
    }

    /// The number of test images that each network classifies correctly, and of all test images.
    ///
    /// # Errors
    /// Returns an error if the file is damaged or has no test images.
    pub fn correct(&self, networks: &[StoredModel]) -> Result<(Vec<u32>, u32), DecomposeError> {
        let runners: Vec<Runner> = networks.iter().map(Runner::new).collect::<Result<_, _>>()?;
        let (mut correct, mut images) = (vec![0; networks.len()], 0);
        for_each_batch(
            self.images,
            SplitName::Test,
            |piece| {
                let count = |runner: &Runner| -> Result<u32, ModelError> {
                    let evaluation = runner.evaluate(&piece.inputs, &piece.labels)?;
                    Ok(evaluation.correct as u32)
                };
                let correct: Vec<u32> = runners.iter().map(count).collect::<Result<_, _>>()?;
                Ok((correct, piece.labels.len() as u32))
            },
            |pieces| {
                for (found, total) in pieces {
                    for (correct, found) in correct.iter_mut().zip(found) {
                        *correct += found;
                    }
                    images += total;
                }
                Ok(())
            },
        )?;
        Ok((correct, images))
    }
}

/// The layers of a network whose weights can be drawn.
fn drawable_layers(architecture: &Architecture) -> Result<Vec<Layer>, DecomposeError> {
    for step in architecture.steps() {
        match step {
            Step::Map(layer) if layer.groups > 1 => return Err(grouped(&layer.name)),
            Step::Map(_)
            | Step::Relu
            | Step::MaxPool(_)
            | Step::Activation(_)
            | Step::Pool(_)
            | Step::GlobalAveragePool(_)
            | Step::Flatten
            | Step::Dropout(_) => {}
            Step::Fork | Step::Shortcut | Step::Add => {
                let text = "a residual block adds what it reads to what its layers make; each drawn layer has an alignment of its \
                            own, and sums of differently aligned channels are none of the trained network";
                return Err(DecomposeError::Undefined(text.to_owned()));
            }
            Step::Gate => {
                let text = "a gate multiplies pairs of rows; rows drawn one by one are no pairs";
                return Err(DecomposeError::Undefined(text.to_owned()));
            }
            Step::Normalise(norm) => return Err(biased(&norm.name)),
        }
    }
    let layers = architecture.layers();
    let layers: Vec<Layer> = layers.map(|(_, layer)| layer.clone()).collect();
    if let Some(layer) = layers.iter().find(|layer| layer.bias) {
        return Err(biased(&layer.name));
    }
    if layers.len() < 2 {
        return Err(one_layer());
    }
    Ok(layers)
}

fn biased(layer: &str) -> DecomposeError {
    DecomposeError::Undefined(format!(
        "layer `{layer}` has a bias, of which the covariance of its weight says nothing"
    ))
}
