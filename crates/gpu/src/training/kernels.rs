//! The kernels of `kernels.cu`.

use crate::module::Argument::Whole;
use crate::module::at;
use crate::training::GENERATORS;
use crate::{Buffer, GpuError, Kernel, Module, Stream};

/// Their text.
pub(super) const SOURCE: &str = include_str!("kernels.cu");

/// Words that one thread of `random_words` makes.
pub(super) const CHUNK: usize = 32;

/// The compiled kernels.
///
/// # Safety
/// All methods need buffers that exist until the work has been done, and that are as long as the kernels expect.
#[derive(Debug)]
pub(crate) struct Kernels {
    random_words: Kernel,
    pub(super) adam: Kernel,
    pub(super) sgd: Kernel,
    partial_sums: Kernel,
    total_sums: Kernel,
}

impl Kernels {
    /// The kernels of a module that was compiled from [`SOURCE`].
    pub(crate) fn of(module: &Module) -> Result<Self, GpuError> {
        let kernel = |name| module.kernel(name);
        Ok(Self {
            random_words: kernel("random_words")?,
            adam: kernel("adam")?,
            sgd: kernel("sgd")?,
            partial_sums: kernel("partial_sums")?,
            total_sums: kernel("total_sums")?,
        })
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
        // SAFETY: these are the types of the kernel's arguments; the caller answers for the buffers.
        unsafe {
            self.random_words
                .launch(stream, chunks * GENERATORS, &arguments)
        }
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
        // SAFETY: as in `random_words`.
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
        // SAFETY: as in `random_words`.
        unsafe { self.total_sums.launch(stream, 2, &arguments) }
    }
}
