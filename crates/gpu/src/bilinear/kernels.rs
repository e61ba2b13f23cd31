//! The kernels of `kernels.cu` with their arguments.

use crate::bilinear::layout::Layout;
use crate::module::Argument::{self, Real, Whole};
use crate::{Buffer, Card, GpuError, Kernel, Stream, Value};

const SOURCE: &str = include_str!("kernels.cu");

/// The compiled kernels.
///
/// # Safety
/// All methods need buffers that exist until the work has been done, and that are as long as the kernels expect.
#[derive(Debug)]
pub(super) struct Kernels {
    warp: usize,
    gather: Kernel,
    gather_noisy: Kernel,
    head: Kernel,
    column_sums: Kernel,
    adamw: Kernel,
    partial_sums: Kernel,
    total_sums: Kernel,
}

/// What the head of the network does besides losses.
pub(super) enum Head<'a> {
    /// Gradients, of the images that `order` names from the same place on.
    Train {
        order: &'a Buffer<u32>,
        labels: &'a Buffer<u16>,
        z: &'a Buffer<f32>,
        logit_gradients: &'a Buffer<f32>,
    },
    /// Nothing, of the images from `start` on.
    Test {
        labels: &'a Buffer<u16>,
        start: usize,
    },
}

/// The address of a value in a buffer.
fn at<T: Value>(buffer: &Buffer<T>, offset: usize) -> Argument {
    Argument::Address(buffer.address() + (offset * size_of::<T>()) as u64)
}

/// A pointer that is not followed.
const NULL: Argument = Argument::Address(0);

impl Kernels {
    pub(super) fn compile(card: &Card, layout: &Layout) -> Result<Self, GpuError> {
        let macros = [
            ("WARP", card.warp().to_string()),
            ("CLASSES", layout.sizes.classes.to_string()),
            ("STRIDE", layout.stride.to_string()),
        ];
        let module = card.compile(SOURCE, &macros)?;
        let kernel = |name| module.kernel(name);
        Ok(Self {
            warp: card.warp() as usize,
            gather: kernel("gather")?,
            gather_noisy: kernel("gather_noisy")?,
            head: kernel("head")?,
            column_sums: kernel("column_sums")?,
            adamw: kernel("adamw")?,
            partial_sums: kernel("partial_sums")?,
            total_sums: kernel("total_sums")?,
        })
    }

    #[allow(clippy::too_many_arguments, reason = "as the kernel")]
    pub(super) unsafe fn gather(
        &self,
        stream: &Stream,
        inputs: &Buffer<f32>,
        order: &Buffer<u32>,
        start: usize,
        out: &Buffer<f32>,
        rows: usize,
        width: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(inputs, 0),
            at(order, start),
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
        order: &Buffer<u32>,
        start: usize,
        noise: &Buffer<u32>,
        noise_start: usize,
        jumps: &Buffer<u32>,
        out: &Buffer<f32>,
        rows: usize,
        width: usize,
        std: f32,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(inputs, 0),
            at(order, start),
            at(noise, noise_start),
            at(jumps, 0),
            at(out, 0),
            Whole(rows as u32),
            Whole(width as u32),
            Real(std),
        ];
        // SAFETY: as in `gather`.
        unsafe {
            self.gather_noisy
                .launch(stream, rows * super::GENERATORS, &arguments)
        }
    }

    #[allow(clippy::too_many_arguments, reason = "as the kernel")]
    pub(super) unsafe fn head(
        &self,
        stream: &Stream,
        ab: &Buffer<f32>,
        parameters: &Buffer<f32>,
        layout: &Layout,
        head: Head<'_>,
        losses: &Buffer<f32>,
        correct: &Buffer<u32>,
        start: usize,
        rows: usize,
    ) -> Result<(), GpuError> {
        let bias = if layout.sizes.bias {
            at(parameters, layout.bias())
        } else {
            NULL
        };
        let (labels, order, z, gradients, trains) = match head {
            Head::Train {
                order,
                labels,
                z,
                logit_gradients,
            } => (
                at(labels, 0),
                at(order, start),
                at(z, 0),
                at(logit_gradients, 0),
                Whole(1),
            ),
            Head::Test { labels, start } => (at(labels, start), NULL, NULL, NULL, Whole(0)),
        };
        let arguments = [
            at(ab, 0),
            at(parameters, layout.unembed()),
            bias,
            labels,
            order,
            z,
            gradients,
            at(losses, start),
            at(correct, start),
            Whole(rows as u32),
            Whole(layout.hidden as u32),
            trains,
        ];
        // SAFETY: as in `gather`; pointers that the kernel does not follow in this case are null.
        unsafe { self.head.launch(stream, rows * self.warp, &arguments) }
    }

    pub(super) unsafe fn column_sums(
        &self,
        stream: &Stream,
        values: &Buffer<f32>,
        sums: &Buffer<f32>,
        offset: usize,
        rows: usize,
        columns: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(values, 0),
            at(sums, offset),
            Whole(rows as u32),
            Whole(columns as u32),
        ];
        // SAFETY: as in `gather`.
        unsafe { self.column_sums.launch(stream, columns, &arguments) }
    }

    #[allow(clippy::too_many_arguments, reason = "as the kernel")]
    pub(super) unsafe fn adamw(
        &self,
        stream: &Stream,
        parameters: &Buffer<f32>,
        gradients: &Buffer<f32>,
        [first, second]: &[Buffer<f32>; 2],
        constants: &Buffer<f32>,
        schedule: &Buffer<f32>,
        offset: usize,
        count: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(parameters, 0),
            at(gradients, 0),
            at(first, 0),
            at(second, 0),
            at(constants, 0),
            at(schedule, offset),
            Whole(count as u32),
        ];
        // SAFETY: as in `gather`.
        unsafe { self.adamw.launch(stream, count, &arguments) }
    }

    pub(super) unsafe fn partial_sums(
        &self,
        stream: &Stream,
        losses: &Buffer<f32>,
        correct: &Buffer<u32>,
        parts: &Buffer<f64>,
        images: usize,
        count: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(losses, 0),
            at(correct, 0),
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
        sums: &Buffer<f64>,
        count: usize,
    ) -> Result<(), GpuError> {
        let arguments = [at(parts, 0), at(sums, 0), Whole(count as u32)];
        // SAFETY: as in `gather`.
        unsafe { self.total_sums.launch(stream, 2, &arguments) }
    }
}
