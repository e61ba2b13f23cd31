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
    let zero = simd.splat_f32s(0.0);
    let largest = maximum(simd, window);
    let mut left = Epilogue::Relu.pixel_gradient(simd, largest, gradient);
    window.map(|value| {
        let chosen = simd.equal_f32s(value, largest);
        let share = simd.select_f32s(chosen, left, zero);
        left = simd.select_f32s(chosen, zero, left);
        share
    })
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
