//! The kernels of `kernels.cu` with their arguments.

use crate::bilinear::layout::Layout;
use crate::module::Argument::Whole;
use crate::module::{NULL, at};
use crate::{Buffer, Card, GpuError, Kernel, Module, Preparation, Stream, training};

const SOURCE: &str = include_str!("kernels.cu");

/// The compiled kernels.
///
/// # Safety
/// All methods need buffers that exist until the work has been done, and that are as long as the kernels expect.
#[derive(Debug)]
pub(super) struct Kernels {
    warp: usize,
    head: Kernel,
    column_sums: Kernel,
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

impl Kernels {
    /// Compiles the kernels, and with them those that all trainings share, which the module has as well.
    pub(super) fn compile(
        card: &Card,
        preparation: &Preparation,
        layout: &Layout,
    ) -> Result<(Self, Module), GpuError> {
        let macros = [
            ("CLASSES", layout.sizes.classes.to_string()),
            ("STRIDE", layout.stride.to_string()),
        ];
        let module = training::compile(card, preparation, &[SOURCE], &macros)?;
        let kernels = Self {
            warp: card.warp() as usize,
            head: module.kernel("head")?,
            column_sums: module.kernel("column_sums")?,
        };
        Ok((kernels, module))
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
        // SAFETY: these are the types of the kernel's arguments; the caller answers for the buffers, and pointers that the kernel does
        // not follow in this case are null.
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
        // SAFETY: as in `head`.
        unsafe { self.column_sums.launch(stream, columns, &arguments) }
    }
}
