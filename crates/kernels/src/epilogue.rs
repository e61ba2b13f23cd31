//! What follows a map of an image in the same pass: nothing, ReLU, or ReLU and 2 x 2 max-pooling.

use pulp::Simd;

/// Pixels of a pooling window.
pub(crate) const WINDOW: usize = 4;

/// The function applied to the results of a convolution or normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epilogue {
    /// The identity.
    Linear,
    /// max(y, 0); its derivative at 0 is 0.
    Relu,
    /// max(y, 0), then the maximum of 2 x 2 pixels with stride 2. An odd last row or column is dropped. The
    /// gradient goes to the first of equal maxima, row by row.
    ReluMaxPool,
}

impl Epilogue {
    /// Side of the square of pixels that become one.
    pub(crate) const fn side(self) -> usize {
        match self {
            Epilogue::Linear | Epilogue::Relu => 1,
            Epilogue::ReluMaxPool => 2,
        }
    }

    /// Row and column of the pixels of an image that become something, those of one square after another. Rows and
    /// columns are multiples of [`Epilogue::side`].
    pub(crate) fn pixels(
        self,
        rows: usize,
        columns: usize,
    ) -> impl Iterator<Item = (usize, usize)> {
        let side = self.side();
        (0..rows * columns).map(move |index| {
            let (square, pixel) = (index / (side * side), index % (side * side));
            let squares = columns / side;
            (
                square / squares * side + pixel / side,
                square % squares * side + pixel % side,
            )
        })
    }

    /// The result of a single pixel, before any pooling.
    #[inline(always)]
    pub(crate) fn pixel<S: Simd>(self, simd: S, value: S::f32s) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        match self {
            Epilogue::Linear => value,
            Epilogue::Relu | Epilogue::ReluMaxPool => {
                simd.select_f32s(simd.less_than_f32s(value, zero), zero, value)
            }
        }
    }

    /// The gradient of `value`, or of anything with the same sign, from that of [`Epilogue::pixel`].
    #[inline(always)]
    pub(crate) fn pixel_gradient<S: Simd>(
        self,
        simd: S,
        value: S::f32s,
        gradient: S::f32s,
    ) -> S::f32s {
        let zero = simd.splat_f32s(0.0);
        match self {
            Epilogue::Linear => gradient,
            Epilogue::Relu | Epilogue::ReluMaxPool => {
                simd.select_f32s(simd.less_than_f32s(zero, value), gradient, zero)
            }
        }
    }
}

#[inline(always)]
fn maximum<S: Simd>(simd: S, window: [S::f32s; WINDOW]) -> S::f32s {
    let [a, b, c, d] = window;
    simd.max_f32s(simd.max_f32s(a, b), simd.max_f32s(c, d))
}

/// The maximum of a window after ReLU.
#[inline(always)]
pub(crate) fn relu_max_pool<S: Simd>(simd: S, window: [S::f32s; WINDOW]) -> S::f32s {
    Epilogue::Relu.pixel(simd, maximum(simd, window))
}

/// The gradient of every pixel of a window, from the window before ReLU and the gradient of its result.
#[inline(always)]
pub(crate) fn relu_max_pool_gradient<S: Simd>(
    simd: S,
    window: [S::f32s; WINDOW],
    gradient: S::f32s,
) -> [S::f32s; WINDOW] {
    let chosen = chosen(simd, window);
    gradient_of_chosen(simd, chosen, gradient)
}

/// Number of the pixel of a window that has the gradient, the first of equal maxima; [`WINDOW`] if none has, because the
/// maximum is not positive.
#[inline(always)]
pub(crate) fn chosen<S: Simd>(simd: S, window: [S::f32s; WINDOW]) -> S::f32s {
    let none = simd.splat_f32s(WINDOW as f32);
    let largest = maximum(simd, window);
    let mut chosen = none;
    for (pixel, value) in window.into_iter().enumerate().rev() {
        let pixel = simd.splat_f32s(pixel as f32);
        chosen = simd.select_f32s(simd.equal_f32s(value, largest), pixel, chosen);
    }
    let positive = simd.less_than_f32s(simd.splat_f32s(0.0), largest);
    simd.select_f32s(positive, chosen, none)
}

/// The gradient of every pixel of a window, from that of its result and the number that [`chosen`] gave.
#[inline(always)]
pub(crate) fn gradient_of_chosen<S: Simd>(
    simd: S,
    chosen: S::f32s,
    gradient: S::f32s,
) -> [S::f32s; WINDOW] {
    let zero = simd.splat_f32s(0.0);
    let mut shares = [zero; WINDOW];
    for (pixel, share) in shares.iter_mut().enumerate() {
        let pixel = simd.splat_f32s(pixel as f32);
        *share = simd.select_f32s(simd.equal_f32s(chosen, pixel), gradient, zero);
    }
    shares
}

#[cfg(test)]
mod tests {
    use pulp::Scalar;

    use super::*;

    #[test]
    fn the_first_of_equal_maxima_gets_the_gradient() {
        let shares = |window| relu_max_pool_gradient(Scalar, window, 5.0);
        assert_eq!(shares([1.0, 3.0, 3.0, 2.0]), [0.0, 5.0, 0.0, 0.0]);
        assert_eq!(shares([-1.0, -3.0, -1.0, -2.0]), [0.0; 4]);
        assert_eq!(shares([0.0, -1.0, 0.0, 0.0]), [0.0; 4]);
    }

    #[test]
    fn an_undefined_value_stays_undefined() {
        assert!(Epilogue::Relu.pixel(Scalar, f32::NAN).is_nan());
        assert!(relu_max_pool(Scalar, [f32::NAN; 4]).is_nan());
    }

    #[test]
    fn pixels_of_a_pooling_window_are_neighbours() {
        let pixels: Vec<_> = Epilogue::ReluMaxPool.pixels(2, 4).collect();
        assert_eq!(pixels[..4], [(0, 0), (0, 1), (1, 0), (1, 1)]);
        assert_eq!(pixels[4..], [(0, 2), (0, 3), (1, 2), (1, 3)]);
        let pixels: Vec<_> = Epilogue::Relu.pixels(2, 2).collect();
        assert_eq!(pixels, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    }
}
