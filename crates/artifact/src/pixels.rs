//! Pixels as a network sees them: the cheap transforms, applied while reading and never stored.
//!
//! Images are stored as `u8`; an artifact names the transforms that turn a stored image into the
//! network's input, so that training and every analysis see the same numbers.

use serde::{Deserialize, Serialize};

use crate::limits::{self, MAX_TRANSFORMS};

/// One step from stored pixels to network inputs. Steps are applied in the order given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PixelTransform {
    /// Divide by the largest storable value (16 for `digits`, else 255): 0..1.
    Scale,
    /// Subtract `mean` and divide by `std`, one value a channel.
    Normalise {
        /// Means, in units of the values at this point of the list.
        mean: Vec<f32>,
        /// Standard deviations, all positive.
        std: Vec<f32>,
    },
    /// 0.2989 R + 0.587 G + 0.114 B; three channels become one (ITU-R BT.601, as torchvision).
    Grey,
    /// Bilinear interpolation with half-pixel centres, no antialiasing, edges clamped.
    Resize {
        /// New height in pixels.
        height: usize,
        /// New width in pixels.
        width: usize,
    },
}

/// The transforms of one data set, checked against its shape.
///
/// Shapes are channel-major: a pixel stands at `(channel * height + row) * width + column`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    input: [usize; 3],
    output: [usize; 3],
    maximum: f32,
    steps: Vec<PixelTransform>,
}

impl Pixels {
    /// Checks `steps` for images of `[channels, height, width]` with values `0..=maximum`.
    ///
    /// # Errors
    /// A step that the shape at its place does not allow, or more values or steps than the limits of this
    /// crate, with the reason.
    pub fn new(shape: [usize; 3], maximum: u8, steps: &[PixelTransform]) -> Result<Self, String> {
        if shape.contains(&0) || maximum == 0 {
            return Err(format!(
                "images of shape {shape:?} with values 0..={maximum} are empty"
            ));
        }
        limits::values(shape)?;
        if steps.len() > MAX_TRANSFORMS {
            return Err(format!(
                "{} transforms, at most {MAX_TRANSFORMS} are allowed",
                steps.len()
            ));
        }
        let mut output = shape;
        for (position, step) in steps.iter().enumerate() {
            let at = |reason: String| format!("transform {}: {reason}", position + 1);
            match step {
                PixelTransform::Scale => {}
                PixelTransform::Normalise { mean, std } => {
                    if mean.len() != output[0] || std.len() != output[0] {
                        return Err(at(format!(
                            "`normalise` needs one mean and one std for each of {} channels, found {} and {}",
                            output[0],
                            mean.len(),
                            std.len()
                        )));
                    }
                    if !mean.iter().all(|value| value.is_finite())
                        || !std.iter().all(|value| value.is_finite() && *value > 0.0)
                    {
                        return Err(at(
                            "`normalise` needs finite means and positive stds".to_owned()
                        ));
                    }
                }
                PixelTransform::Grey => {
                    if output[0] != 3 {
                        return Err(at(format!("`grey` needs 3 channels, found {}", output[0])));
                    }
                    output[0] = 1;
                }
                PixelTransform::Resize { height, width } => {
                    if !(1..=4096).contains(height) || !(1..=4096).contains(width) {
                        return Err(at(
                            "`resize` needs a height and width in 1..=4096".to_owned()
                        ));
                    }
                    output[1] = *height;
                    output[2] = *width;
                }
            }
            limits::values(output).map_err(at)?;
        }
        Ok(Self {
            input: shape,
            output,
            maximum: f32::from(maximum),
            steps: steps.to_vec(),
        })
    }

    /// Shape `[channels, height, width]` of a stored image.
    pub fn stored_shape(&self) -> [usize; 3] {
        self.input
    }

    /// The largest value that a stored image can have.
    pub fn maximum(&self) -> f32 {
        self.maximum
    }

    /// The transforms, in their order.
    pub fn transforms(&self) -> &[PixelTransform] {
        &self.steps
    }

    /// Shape `[channels, height, width]` of the network's input.
    pub fn output_shape(&self) -> [usize; 3] {
        self.output
    }

    /// Number of values of one transformed image.
    pub fn output_len(&self) -> usize {
        self.output.iter().product()
    }

    /// A black and a white image, transformed.
    pub fn extremes(&self) -> [Vec<f32>; 2] {
        let stored = self.input.iter().product();
        // `maximum` is made of a `u8`.
        [0, self.maximum as u8].map(|value| self.apply_all(&vec![value; stored]))
    }

    /// Appends the transformed image to `out`. `stored` is one image of the input shape.
    pub fn apply(&self, stored: &[u8], out: &mut Vec<f32>) {
        let mut image: Vec<f32> = stored.iter().map(|&value| f32::from(value)).collect();
        let mut shape = self.input;
        for step in &self.steps {
            let plane = shape[1] * shape[2];
            match step {
                PixelTransform::Scale => {
                    for value in &mut image {
                        *value /= self.maximum;
                    }
                }
                PixelTransform::Normalise { mean, std } => {
                    for (channel, values) in image.chunks_exact_mut(plane).enumerate() {
                        for value in values {
                            *value = (*value - mean[channel]) / std[channel];
                        }
                    }
                }
                PixelTransform::Grey => {
                    let (red, rest) = image.split_at(plane);
                    let (green, blue) = rest.split_at(plane);
                    image = red
                        .iter()
                        .zip(green)
                        .zip(blue)
                        .map(|((r, g), b)| 0.2989 * r + 0.587 * g + 0.114 * b)
                        .collect();
                    shape[0] = 1;
                }
                PixelTransform::Resize { height, width } => {
                    image = resize(&image, shape, *height, *width);
                    shape = [shape[0], *height, *width];
                }
            }
        }
        out.extend_from_slice(&image);
    }

    /// All images of a split, transformed: `[images, output_len]` row-major, 4 bytes a value.
    pub fn apply_all(&self, stored: &[u8]) -> Vec<f32> {
        let width = self.input.iter().product();
        let mut out = Vec::with_capacity(stored.len() / width * self.output_len());
        for image in stored.chunks_exact(width) {
            self.apply(image, &mut out);
        }
        out
    }
}

/// Source positions and weights along one axis: output `i` is `(1 - w) * in[a] + w * in[b]`.
fn axis(input: usize, output: usize) -> Vec<(usize, usize, f32)> {
    let scale = input as f64 / output as f64;
    (0..output)
        .map(|i| {
            let position = ((i as f64 + 0.5) * scale - 0.5).max(0.0);
            let low = (position.floor() as usize).min(input - 1);
            let high = (low + 1).min(input - 1);
            (low, high, (position - low as f64) as f32)
        })
        .collect()
}

fn resize(image: &[f32], shape: [usize; 3], height: usize, width: usize) -> Vec<f32> {
    let (rows, columns) = (axis(shape[1], height), axis(shape[2], width));
    let mut out = Vec::with_capacity(shape[0] * height * width);
    for plane in image.chunks_exact(shape[1] * shape[2]) {
        for &(top, bottom, y) in &rows {
            let (upper, lower) = (&plane[top * shape[2]..], &plane[bottom * shape[2]..]);
            for &(left, right, x) in &columns {
                let above = (1.0 - x) * upper[left] + x * upper[right];
                let below = (1.0 - x) * lower[left] + x * lower[right];
                out.push((1.0 - y) * above + y * below);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transform(shape: [usize; 3], steps: &[PixelTransform], image: &[u8]) -> Vec<f32> {
        Pixels::new(shape, 255, steps)
            .expect("valid steps")
            .apply_all(image)
    }

    #[test]
    fn scale_then_normalise() {
        let steps = [
            PixelTransform::Scale,
            PixelTransform::Normalise {
                mean: vec![0.5],
                std: vec![0.25],
            },
        ];
        assert_eq!(transform([1, 1, 2], &steps, &[0, 255]), [-2.0, 2.0]);
    }

    #[test]
    fn grey_weighs_the_channels() {
        let out = transform([3, 1, 1], &[PixelTransform::Grey], &[100, 10, 1]);
        assert!((out[0] - (29.89 + 5.87 + 0.114)).abs() < 1e-5);
    }

    #[test]
    fn resize_uses_half_pixel_centres() {
        // torch.nn.functional.interpolate([[0, 100]], size=(1, 4), mode="bilinear", align_corners=False)
        let out = transform(
            [1, 1, 2],
            &[PixelTransform::Resize {
                height: 1,
                width: 4,
            }],
            &[0, 100],
        );
        assert_eq!(out, [0.0, 25.0, 75.0, 100.0]);
    }

    #[test]
    fn steps_that_do_not_fit_say_why() {
        let error = Pixels::new(
            [1, 2, 2],
            255,
            &[PixelTransform::Scale, PixelTransform::Grey],
        )
        .expect_err("one channel cannot be made grey");
        assert_eq!(error, "transform 2: `grey` needs 3 channels, found 1");
        let normalise = PixelTransform::Normalise {
            mean: vec![0.0; 3],
            std: vec![1.0; 3],
        };
        assert!(Pixels::new([1, 2, 2], 255, &[normalise]).is_err());
    }

    #[test]
    fn shapes_and_lists_beyond_the_limits_are_refused() {
        let error = |shape, steps: &[PixelTransform]| {
            Pixels::new(shape, 255, steps).expect_err("beyond the limits")
        };
        let text = error([1 << 40, 1 << 40, 1], &[]);
        assert!(text.contains("more than 67108864 values"), "{text}");
        let text = error([1, 1 << 13, (1 << 13) + 1], &[]);
        assert!(text.contains("more than 67108864 values"), "{text}");
        let enlarge = PixelTransform::Resize {
            height: 4096,
            width: 4096,
        };
        let shrink = PixelTransform::Resize {
            height: 1,
            width: 1,
        };
        // Too large on the way, although not at the end.
        let text = error([5, 1, 1], &[PixelTransform::Scale, enlarge, shrink]);
        assert!(
            text.starts_with("transform 2: shape [5, 4096, 4096]"),
            "{text}"
        );
        let text = error([1, 1, 1], &vec![PixelTransform::Scale; 33]);
        assert_eq!(text, "33 transforms, at most 32 are allowed");
        assert!(Pixels::new([1, 1, 1], 255, &vec![PixelTransform::Scale; 32]).is_ok());
    }
}
