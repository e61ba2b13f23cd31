//! Images moved and turned, by bilinear interpolation.

use eigenscope_artifact::InputShape;
use pulp::{Arch, Simd, WithSimd};

/// Where an image is put: turned about its centre, then shifted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    /// Clockwise, in radians.
    angle: f64,
    /// In pixels.
    down: f64,
    right: f64,
}

impl Placement {
    /// A rotation by `degrees`, clockwise.
    pub(super) fn rotation(degrees: f64) -> Self {
        Self {
            angle: degrees.to_radians(),
            down: 0.0,
            right: 0.0,
        }
    }

    /// A shift in pixels.
    pub(super) fn translation(down: f64, right: f64) -> Self {
        Self {
            angle: 0.0,
            down,
            right,
        }
    }
}

/// Takes images from their places back to the grid of pixels, as `torchvision.transforms.functional.affine` with bilinear
/// interpolation.
///
/// The pixel (x, y) of the result is the value of the image, 0 outside of it, at
///
/// ```text
/// (x', y') = c + R^-1 ((x, y) - c - t),   c = ((width - 1) / 2, (height - 1) / 2)
/// ```
///
/// between the four pixels around it.
pub(super) struct Sampler {
    shape: InputShape,
    /// The planes of one image, each with a frame of zeros: one column and row before, two after.
    framed: Vec<f32>,
    points: Points,
}

impl Sampler {
    pub(super) fn new(shape: InputShape) -> Self {
        let plane = (shape.height + 3) * (shape.width + 3);
        Self {
            shape,
            framed: vec![0.0; shape.channels * plane],
            points: Points::new(shape),
        }
    }

    /// Puts one image, `[channels, height, width]`, in its place.
    pub(super) fn apply(&mut self, placement: Placement, image: &mut [f32]) {
        let InputShape { height, width, .. } = self.shape;
        self.frame(image);
        let planes = image.chunks_exact_mut(height * width);
        let framed = self.framed.chunks_exact((width + 3) * (height + 3));
        let points = &mut self.points;
        points.find(placement, self.shape);
        for (out, framed) in planes.zip(framed) {
            Arch::new().dispatch(Interpolate {
                points,
                framed,
                stride: width + 3,
                out,
            });
        }
    }

    fn frame(&mut self, image: &[f32]) {
        let InputShape { height, width, .. } = self.shape;
        let stride = width + 3;
        let framed = self.framed.chunks_exact_mut(stride * (height + 3));
        for (framed, plane) in framed.zip(image.chunks_exact(height * width)) {
            let rows = framed.chunks_exact_mut(stride).skip(1);
            for (framed, row) in rows.zip(plane.chunks_exact(width)) {
                framed[1..=width].copy_from_slice(row);
            }
        }
    }
}

/// Where the pixels of a result come from, in row order. The loops fill one list after another, so that they become vector
/// instructions but for the reading of the corners.
struct Points {
    /// Position of the upper left of the four pixels in a framed plane.
    corners: Vec<u32>,
    /// How far the point is from it, to the right and down.
    across: Vec<f32>,
    along: Vec<f32>,
    /// Values of the four pixels.
    values: [Vec<f32>; 4],
}

impl Points {
    fn new(shape: InputShape) -> Self {
        let zeros = || vec![0.0; shape.height * shape.width];
        Self {
            corners: vec![0; shape.height * shape.width],
            across: zeros(),
            along: zeros(),
            values: [zeros(), zeros(), zeros(), zeros()],
        }
    }

    fn find(&mut self, placement: Placement, shape: InputShape) {
        Arch::new().dispatch(Find {
            points: self,
            placement,
            shape,
        });
    }
}

struct Find<'a> {
    points: &'a mut Points,
    placement: Placement,
    shape: InputShape,
}

impl WithSimd for Find<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let InputShape { height, width, .. } = self.shape;
        let Placement { angle, down, right } = self.placement;
        let (sine, cosine) = angle.sin_cos();
        let (centre_x, centre_y) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
        let (last_x, last_y) = (width as f64 + 1.0, height as f64 + 1.0);
        let stride = width as u32 + 3;
        let corners = self.points.corners.chunks_exact_mut(width);
        let across = self.points.across.chunks_exact_mut(width);
        let along = self.points.along.chunks_exact_mut(width);
        for (row, ((corners, across), along)) in corners.zip(across).zip(along).enumerate() {
            let y = row as f64 - centre_y - down;
            let columns = corners.iter_mut().zip(across).zip(along);
            for (column, ((corner, across), along)) in (0u32..).zip(columns) {
                let x = f64::from(column) - centre_x - right;
                // Counted from the frame's first pixel; what lies beyond the frame is zero as the frame is.
                let source_x = (cosine * x + sine * y + centre_x + 1.0).clamp(0.0, last_x);
                let source_y = (cosine * y - sine * x + centre_y + 1.0).clamp(0.0, last_y);
                let (left, top) = (source_x as u32, source_y as u32);
                *across = (source_x - f64::from(left)) as f32;
                *along = (source_y - f64::from(top)) as f32;
                *corner = top * stride + left;
            }
        }
    }
}

struct Interpolate<'a> {
    points: &'a mut Points,
    framed: &'a [f32],
    stride: usize,
    out: &'a mut [f32],
}

impl WithSimd for Interpolate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Points {
            corners,
            across,
            along,
            values: [first, second, third, fourth],
        } = self.points;
        let above = first.iter_mut().zip(&mut *second);
        let below = third.iter_mut().zip(&mut *fourth);
        for ((&corner, (first, second)), (third, fourth)) in corners.iter().zip(above).zip(below) {
            let framed = &self.framed[corner as usize..][..self.stride + 2];
            (*first, *second) = (framed[0], framed[1]);
            (*third, *fourth) = (framed[self.stride], framed[self.stride + 1]);
        }
        let above = first.iter().zip(&*second);
        let below = third.iter().zip(&*fourth);
        let shares = across.iter().zip(&*along);
        let out = self.out.iter_mut().zip(shares);
        for (((out, (across, along)), (first, second)), (third, fourth)) in
            out.zip(above).zip(below)
        {
            let above = first + across * (second - first);
            let below = third + across * (fourth - third);
            *out = above + along * (below - above);
        }
    }
}
