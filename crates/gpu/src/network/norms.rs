//! Batch normalisation.

use super::Training;
use super::structure::Normalisation;
use super::values::row_parts;
use crate::module::Argument::{Precise, Real, Whole};
use crate::module::{NULL, at};
use crate::{Buffer, GpuError};

impl Training {
    /// Puts the normalisation of node `number` into the queue: in training by the moments of the batch, which the running averages
    /// take up, else by those. The offsets are those of weight, bias and averages.
    pub(super) fn enqueue_norm(
        &self,
        number: usize,
        normalisation: &Normalisation,
        [weight, bias, averages]: [usize; 3],
        images: usize,
        trains: bool,
    ) -> Result<(), GpuError> {
        let Normalisation {
            image,
            epsilon,
            momentum,
        } = *normalisation;
        let (rows, length) = (image.channels, image.places() * images);
        let node = &self.network.nodes[number];
        let (input, output) = (self.value(node.input), self.value(node.output));
        let moments = &self.values.moments[number];
        let [channels, long, count] = [rows, length, row_parts(length)].map(|n| Whole(n as u32));
        let (weight, averages) = (
            at(&self.epochs.weights.values, weight),
            at(&self.averages, averages),
        );
        let parts = at(&self.values.parts, 0);
        // SAFETY: `Values::new` made five moments a channel; weights and averages have one a channel; values have so many rows.
        unsafe {
            if trains {
                self.enqueue_row_parts([at(input, 0), NULL, NULL], rows, length)?;
                let arguments = [parts, at(moments, 0), channels, count, long];
                self.launch(&self.kernels.norm_mean, rows, &arguments)?;
                self.enqueue_row_parts([at(input, 0), NULL, at(moments, 0)], rows, length)?;
                let arguments = [
                    parts,
                    at(moments, 0),
                    weight,
                    averages,
                    Precise(epsilon),
                    Real(momentum),
                    channels,
                    count,
                    long,
                ];
                self.launch(&self.kernels.norm_variance, rows, &arguments)?;
            } else {
                let arguments = [
                    at(moments, 0),
                    weight,
                    averages,
                    Real(epsilon as f32),
                    channels,
                ];
                self.launch(&self.kernels.norm_averages, rows, &arguments)?;
            }
            let arguments = [
                at(input, 0),
                at(output, 0),
                at(moments, 0),
                at(&self.epochs.weights.values, bias),
                channels,
                long,
            ];
            self.launch(&self.kernels.normalise, rows * length, &arguments)
        }
    }

    /// Puts the gradients of weight and bias into the queue, and, if it is wanted, that of the input, which replaces that of the output.
    pub(super) fn enqueue_norm_back(
        &self,
        number: usize,
        normalisation: &Normalisation,
        [weight, bias]: [usize; 2],
        (input, gradient, is_wanted): (&Buffer<f32>, &Buffer<f32>, bool),
        images: usize,
    ) -> Result<(), GpuError> {
        let Normalisation { image, epsilon, .. } = *normalisation;
        let (rows, length) = (image.channels, image.places() * images);
        let moments = at(&self.values.moments[number], 0);
        let [channels, long, count] = [rows, length, row_parts(length)].map(|n| Whole(n as u32));
        self.enqueue_row_parts([at(input, 0), at(gradient, 0), moments], rows, length)?;
        let arguments = [
            at(&self.values.parts, 0),
            moments,
            at(&self.epochs.weights.gradients, weight),
            at(&self.epochs.weights.gradients, bias),
            Precise(epsilon),
            channels,
            count,
            long,
        ];
        // SAFETY: as in `enqueue_norm`.
        unsafe {
            self.launch(&self.kernels.norm_tensors, rows, &arguments)?;
            if !is_wanted {
                return Ok(());
            }
            let arguments = [at(input, 0), at(gradient, 0), moments, channels, long];
            self.launch(&self.kernels.norm_gradient, rows * length, &arguments)
        }
    }
}
