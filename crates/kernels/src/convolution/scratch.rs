//! Vectors that start at multiples of their size, so that no load straddles two cache lines.

use pulp::Simd;

/// Memory for vectors.
#[derive(Debug)]
pub(crate) struct Scratch {
    values: Vec<f32>,
    /// The values that are used.
    used: std::ops::Range<usize>,
}

impl Scratch {
    /// `length` vectors of zeros.
    pub(crate) fn new<S: Simd>(length: usize) -> Self {
        let values = vec![0.0; (length + 1) * S::F32_LANES];
        let start = values.as_ptr().align_offset(size_of::<S::f32s>());
        Self {
            used: start..start + length * S::F32_LANES,
            values,
        }
    }

    /// The vectors.
    pub(crate) fn vectors<S: Simd>(&mut self) -> &mut [S::f32s] {
        S::as_mut_simd_f32s(&mut self.values[self.used.clone()]).0
    }
}
