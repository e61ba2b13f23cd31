//! The kernels of `kernels.cu` with their arguments.

use crate::module::Argument::{Real, Whole};
use crate::module::at;
use crate::training::GENERATORS;
use crate::{Buffer, GpuError, Kernel, Module, Stream};

/// The text of the kernels, which stands before that of a training's own.
pub(crate) const SOURCE: &str = include_str!("kernels.cu");

/// Words that one thread of `random_words` makes.
pub(super) const CHUNK: usize = 32;

/// The compiled kernels.
///
/// # Safety
/// All methods need buffers that exist until the work has been done, and that are as long as the kernels expect.
#[derive(Debug)]
pub(crate) struct Kernels {
    gather: Kernel,
    gather_noisy: Kernel,
    random_words: Kernel,
    adam: Kernel,
    sgd: Kernel,
    partial_sums: Kernel,
    total_sums: Kernel,
}

impl Kernels {
    /// The kernels of a module that was compiled from [`SOURCE`].
    pub(crate) fn of(module: &Module) -> Result<Self, GpuError> {
        let kernel = |name| module.kernel(name);
        Ok(Self {
            gather: kernel("gather")?,
            gather_noisy: kernel("gather_noisy")?,
            random_words: kernel("random_words")?,
            adam: kernel("adam")?,
            sgd: kernel("sgd")?,
            partial_sums: kernel("partial_sums")?,
            total_sums: kernel("total_sums")?,
        })
    }

    #[allow(clippy::too_many_arguments, reason = "as the kernel")]
    pub(super) unsafe fn gather(
        &self,
        stream: &Stream,
        inputs: &Buffer<f32>,
        order: (&Buffer<u32>, usize),
        out: &Buffer<f32>,
        rows: usize,
        width: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(inputs, 0),
            at(order.0, order.1),
            at(out, 0),
            Whole(rows as u32),
            Whole(width as u32),
        ];
        // SAFETY: these are the types of the kernel's arguments; the caller answers for the buffers.
        unsafe { self.gather.launch(stream, rows * width, &arguments) }
    }

    #[allow(clippy::too_many_arguments, reason = "as the kernel")]
    pub(super) unsafe fn gather_noisy(
        &self,
        stream: &Stream,
        inputs: &Buffer<f32>,
        order: (&Buffer<u32>, usize),
        starts: (&Buffer<u32>, usize),
        jumps: &Buffer<u32>,
        out: &Buffer<f32>,
        rows: usize,
        width: usize,
        std: f32,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(inputs, 0),
            at(order.0, order.1),
            at(starts.0, starts.1),
            at(jumps, 0),
            at(out, 0),
            Whole(rows as u32),
            Whole(width as u32),
            Real(std),
        ];
        // SAFETY: as in `gather`.
        unsafe {
            self.gather_noisy
                .launch(stream, rows * GENERATORS, &arguments)
        }
    }

    /// `chunks` times [`CHUNK`] words of each generator.
    pub(super) unsafe fn random_words(
        &self,
        stream: &Stream,
        starts: (&Buffer<u32>, usize),
        jumps: &Buffer<u32>,
        words: &Buffer<u32>,
        chunks: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(starts.0, starts.1),
            at(jumps, 0),
            at(words, 0),
            Whole(chunks as u32),
        ];
        // SAFETY: as in `gather`.
        unsafe {
            self.random_words
                .launch(stream, chunks * GENERATORS, &arguments)
        }
    }

    #[allow(clippy::too_many_arguments, reason = "as the kernel")]
    pub(super) unsafe fn adam(
        &self,
        stream: &Stream,
        parameters: &Buffer<f32>,
        gradients: &Buffer<f32>,
        [first, second]: [&Buffer<f32>; 2],
        constants: &Buffer<f32>,
        schedule: (&Buffer<f32>, usize),
    ) -> Result<(), GpuError> {
        let arguments = [
            at(parameters, 0),
            at(gradients, 0),
            at(first, 0),
            at(second, 0),
            at(constants, 0),
            at(schedule.0, schedule.1),
            Whole(parameters.len() as u32),
        ];
        // SAFETY: as in `gather`.
        unsafe { self.adam.launch(stream, parameters.len(), &arguments) }
    }

    pub(super) unsafe fn sgd(
        &self,
        stream: &Stream,
        parameters: &Buffer<f32>,
        gradients: &Buffer<f32>,
        velocities: &Buffer<f32>,
        constants: &Buffer<f32>,
        schedule: (&Buffer<f32>, usize),
    ) -> Result<(), GpuError> {
        let arguments = [
            at(parameters, 0),
            at(gradients, 0),
            at(velocities, 0),
            at(constants, 0),
            at(schedule.0, schedule.1),
            Whole(parameters.len() as u32),
        ];
        // SAFETY: as in `gather`.
        unsafe { self.sgd.launch(stream, parameters.len(), &arguments) }
    }

    pub(super) unsafe fn partial_sums(
        &self,
        stream: &Stream,
        (losses, correct, start): (&Buffer<f32>, &Buffer<u32>, usize),
        parts: &Buffer<f64>,
        images: usize,
        count: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(losses, start),
            at(correct, start),
            at(parts, 0),
            Whole(images as u32),
            Whole(count as u32),
        ];
        // SAFETY: as in `gather`.
        unsafe { self.partial_sums.launch(stream, count, &arguments) }
    }

    pub(super) unsafe fn total_sums(
        &self,
        stream: &Stream,
        parts: &Buffer<f64>,
        sums: (&Buffer<f64>, usize),
        count: usize,
    ) -> Result<(), GpuError> {
        let arguments = [at(parts, 0), at(sums.0, sums.1), Whole(count as u32)];
        // SAFETY: as in `gather`.
        unsafe { self.total_sums.launch(stream, 2, &arguments) }
    }
}
