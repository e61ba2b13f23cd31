//! Images side by side in a vector: every lane computes another image.
//!
//! A batch is a matrix `[features, images]`, row-major: the values of one feature of neighbouring images are
//! neighbours in memory, and no kernel ever moves a value from one lane to another, but for sums over images.

use std::ops::Range;

use pulp::Simd;

/// Neighbouring images of a batch, as many as a vector has lanes or, at the end, fewer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lanes {
    images: usize,
    first: usize,
    count: usize,
}

impl Lanes {
    /// A batch of `images` images in groups of `lanes`.
    pub(crate) fn groups(images: usize, lanes: usize) -> impl Iterator<Item = Self> {
        (0..images).step_by(lanes).map(move |first| Self {
            images,
            first,
            count: lanes.min(images - first),
        })
    }

    fn range(self, feature: usize) -> Range<usize> {
        let start = feature * self.images + self.first;
        start..start + self.count
    }

    /// One feature of these images; lanes without an image are 0.
    #[inline(always)]
    pub(crate) fn load<S: Simd>(self, simd: S, matrix: &[f32], feature: usize) -> S::f32s {
        read(simd, &matrix[self.range(feature)])
    }

    /// Writes one feature of these images.
    #[inline(always)]
    pub(crate) fn store<S: Simd>(
        self,
        simd: S,
        matrix: &mut [f32],
        feature: usize,
        values: S::f32s,
    ) {
        write(simd, &mut matrix[self.range(feature)], values);
    }

    /// Adds to one feature of these images.
    #[inline(always)]
    pub(crate) fn add<S: Simd>(self, simd: S, matrix: &mut [f32], feature: usize, values: S::f32s) {
        let place = &mut matrix[self.range(feature)];
        let sum = simd.add_f32s(read(simd, place), values);
        write(simd, place, sum);
    }
}

#[inline(always)]
fn read<S: Simd>(simd: S, place: &[f32]) -> S::f32s {
    match S::as_simd_f32s(place) {
        ([vector], []) => *vector,
        _ => simd.partial_load_f32s(place),
    }
}

#[inline(always)]
fn write<S: Simd>(simd: S, place: &mut [f32], values: S::f32s) {
    match S::as_mut_simd_f32s(place) {
        ([vector], []) => *vector = values,
        _ => simd.partial_store_f32s(place, values),
    }
}
