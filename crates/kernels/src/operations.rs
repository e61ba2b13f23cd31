//! The kernels as functions of burn's tensors.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use crate::backend::Kernels;
use crate::batch_norm::Normalisation;
use crate::epilogue::Epilogue;
use crate::geometry::{Convolution, Geometry, ImageShape};
use crate::pool::{Pool, PoolGeometry, Taken};

/// The first half of every row times its second half, elementwise: `[N, 2 d]` to `[N, d]`.
///
/// # Panics
/// Panics if the rows have an odd number of values, or none.
pub fn gate(rows: Tensor<2>) -> Tensor<2> {
    let [_, width] = rows.dims();
    assert!(
        width > 0 && width.is_multiple_of(2),
        "a row of {width} values has no halves"
    );
    Tensor::from_dispatch(<Dispatch as Kernels>::gate(rows.into_dispatch()))
}

/// A convolution (PyTorch's `conv2d`: a correlation, with zeros as padding), then `bias`, then `epilogue`.
///
/// `rows` are flattened images `[N, features]`, `weight` is `[outputs, channels / groups, kernel, kernel]`, `bias` `[outputs]`.
/// The result is `[N, outputs * height * width]`, a transposed view of a `[features, N]` tensor, which the next
/// convolution reads without a copy, as does a matrix product.
///
/// For gradients the inputs are kept, and of pooling which pixel of every window was the largest, in the size of the outputs.
/// Memory beside these, the outputs and their gradients: half a megabyte, unless the input and the results of a single row of
/// windows need more, and two copies of the weight; of pooled products the results before pooling. Rows that are not such a view
/// are copied into that layout.
///
/// # Panics
/// Panics if shapes do not fit each other, a window is larger than the image, or the result has no pixels.
pub fn convolution(
    rows: Tensor<2>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    geometry: Geometry,
    epilogue: Epilogue,
) -> Tensor<2> {
    let convolution = Convolution::new(geometry, weight.dims(), epilogue);
    let outputs = [convolution.outputs * convolution.groups];
    let bias = bias.unwrap_or_else(|| Tensor::zeros(outputs, &rows.device()));
    assert_eq!(rows.dims()[1], geometry.input.len(), "features of a row");
    assert_eq!(bias.dims(), outputs, "one bias for each output");
    let features = <Dispatch as Kernels>::convolution(
        rows.transpose().into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        convolution,
    );
    Tensor::<2>::from_dispatch(features).transpose()
}

/// The largest value of every window (PyTorch's `max_pool2d`); those of the padding do not count, and of equal largest values the
/// first has the gradient.
///
/// `rows` and the result are as those of [`convolution`].
///
/// # Panics
/// Panics if shapes do not fit each other, a window is larger than the padded image, or the padding is more than half the
/// kernel.
pub fn max_pool(rows: Tensor<2>, geometry: PoolGeometry) -> Tensor<2> {
    pool(rows, Pool::new(geometry, Taken::Largest))
}

/// The mean value of every window (PyTorch's `avg_pool2d`): with zeros as padding, or, without `counts_padding`, of the values in
/// the image.
///
/// # Panics
/// As [`max_pool`].
pub fn average_pool(rows: Tensor<2>, geometry: PoolGeometry, counts_padding: bool) -> Tensor<2> {
    pool(rows, Pool::new(geometry, Taken::Mean { counts_padding }))
}

fn pool(rows: Tensor<2>, pool: Pool) -> Tensor<2> {
    assert_eq!(rows.dims()[1], pool.input().len(), "features of a row");
    let features = rows.transpose().into_dispatch();
    Tensor::<2>::from_dispatch(<Dispatch as Kernels>::pool(features, pool)).transpose()
}

/// What a batch normalisation returns in training.
#[derive(Debug, Clone)]
pub struct BatchNorm {
    /// `[N, channels * height * width]`, a transposed view as that of [`convolution`].
    pub rows: Tensor<2>,
    /// Mean of every channel `[channels]`, without a gradient.
    pub mean: Tensor<1>,
    /// Unbiased variance of every channel `[channels]` (the denominator is the number of values less one), without a
    /// gradient. PyTorch's running variance is made of it.
    pub variance: Tensor<1>,
}

/// Batch normalisation in training (PyTorch's `BatchNorm2d`), then `epilogue`: per channel, over all pixels of all rows,
///
/// ```text
/// y = weight (x - mean) / sqrt(variance + epsilon) + bias
/// ```
///
/// with the biased variance. `rows` are flattened images `[N, features]`, `weight` and `bias` are `[channels]`. Sums are taken
/// in f64. With running statistics instead of those of the batch it is a fixed scale and shift of every channel, which belongs
/// in the weight and bias of the convolution before it.
///
/// # Panics
/// Panics if shapes do not fit each other, a channel has fewer than two values, or the result has no pixels.
pub fn batch_norm(
    rows: Tensor<2>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    input: ImageShape,
    epsilon: f64,
    epilogue: Epilogue,
) -> BatchNorm {
    let normalisation = Normalisation {
        input,
        epsilon,
        epilogue,
    };
    let [images, features] = rows.dims();
    let values = images * input.height * input.width;
    assert_eq!(features, input.len(), "features of a row");
    assert_eq!(
        weight.dims(),
        [input.channels],
        "one weight for each channel"
    );
    assert_eq!(bias.dims(), [input.channels], "one bias for each channel");
    assert!(values > 1, "one value has no variance");
    assert!(
        !normalisation.output().is_empty(),
        "an output has no pixels"
    );
    let (features, mean, variance) = <Dispatch as Kernels>::batch_norm(
        rows.transpose().into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        normalisation,
    );
    BatchNorm {
        rows: Tensor::<2>::from_dispatch(features).transpose(),
        mean: Tensor::from_dispatch(mean),
        variance: Tensor::<1>::from_dispatch(variance) * (values as f64 / (values - 1) as f64),
    }
}
