//! The kernels as operations of burn's Flex backend.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Flex, TensorMetadata, backend_extension};
use burn::tensor::TensorData;
use burn_flex::FlexTensor;

use crate::batch_norm::{Batch, Normalisation};
use crate::convolution::Outputs;
use crate::geometry::Convolution;
use crate::pool::Pool;
use crate::transpose::transposed;

/// What a backend must be able to do. Images are `[features, images]`.
#[backend_extension(Flex, Autodiff: cfg(feature = "autodiff"))]
pub(crate) trait Kernels: Backend {
    fn gate(rows: FloatTensor<Self>) -> FloatTensor<Self>;

    fn convolution(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self>;

    fn pool(features: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self>;

    /// The outputs, and mean and biased variance of every channel.
    fn batch_norm(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        normalisation: Normalisation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

impl Kernels for Flex {
    fn gate(rows: FlexTensor) -> FlexTensor {
        let rows = rows.to_contiguous();
        let [count, width] = rows.shape().dims();
        tensor(
            crate::gate::forward(values(&rows), width),
            [count, width / 2],
        )
    }

    fn convolution(
        features: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        convolution: Convolution,
    ) -> FlexTensor {
        let [features, weight, bias] = [features, weight, bias].map(row_major);
        convolve([&features, &weight, &bias], convolution, false).0
    }

    fn pool(features: FlexTensor, pool: Pool) -> FlexTensor {
        let features = features.to_contiguous();
        let [_, images] = features.shape().dims();
        let outputs = crate::pool::forward(pool, images, values(&features));
        tensor(outputs, [pool.output().len(), images])
    }

    fn batch_norm(
        features: FlexTensor,
        weight: FlexTensor,
        bias: FlexTensor,
        normalisation: Normalisation,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let [features, weight, bias] =
            [features, weight, bias].map(|tensor| tensor.to_contiguous());
        let [_, images] = features.shape().dims();
        let channels = normalisation.input.channels;
        let (outputs, moments) = crate::batch_norm::forward(Batch {
            normalisation,
            images,
            values: values(&features),
            weight: values(&weight),
            bias: values(&bias),
        });
        (
            tensor(outputs, [normalisation.output().len(), images]),
            tensor(moments.mean, [channels]),
            tensor(moments.variance, [channels]),
        )
    }
}

/// A convolution of row-major tensors, and with `keep` the chosen pixels if there is pooling, in the shape of the outputs.
pub(crate) fn convolve(
    [features, weight, bias]: [&FlexTensor; 3],
    convolution: Convolution,
    keep: bool,
) -> (FlexTensor, Option<FlexTensor>) {
    let [_, images] = features.shape().dims();
    let Outputs {
        values: outputs,
        chosen,
    } = crate::convolution::forward(
        convolution,
        images,
        values(features),
        values(weight),
        values(bias),
        keep,
    );
    let shape = [convolution.output().len() * convolution.groups, images];
    let chosen = chosen.map(|chosen| tensor(chosen, shape));
    (tensor(outputs, shape), chosen)
}

/// The tensor in row-major order.
pub(crate) fn row_major(tensor: FlexTensor) -> FlexTensor {
    let layout = tensor.layout();
    if let ([1, columns], 0) = (layout.strides(), layout.start_offset())
        && let [rows, images] = **layout.shape()
        && usize::try_from(*columns) == Ok(rows)
        && tensor.storage::<f32>().len() == rows * images
    {
        // Images that come row by row.
        return self::tensor(transposed(tensor.storage(), rows), [rows, images]);
    }
    tensor.to_contiguous()
}

/// The values of a contiguous tensor.
pub(crate) fn values(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous tensor of f32")
}

/// A tensor of row-major values.
pub(crate) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}
