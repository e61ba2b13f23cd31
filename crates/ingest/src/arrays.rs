//! Arrays of numbers as images and labels: which dimension is which, which range of values is black to white.

use serde::Deserialize;

use crate::error::IngestError;

/// Order of the dimensions of images with channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum AxisOrder {
    /// Whichever of the second and the last size is 1, 3 or 4; refused where both are.
    Auto,
    /// `[images, channels, height, width]`.
    ChannelsFirst,
    /// `[images, height, width, channels]`.
    ChannelsLast,
}

impl AxisOrder {
    /// Words of the parameter.
    pub(crate) const WORDS: [&str; 3] = ["auto", "channels-first", "channels-last"];
}

/// The dimensions of an array of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dimensions {
    pub(crate) images: usize,
    /// `[channels, height, width]`.
    pub(crate) shape: [usize; 3],
    channels_last: bool,
}

impl Dimensions {
    /// The dimensions of an array of `sizes`; `given` is the shape of images that are stored flat.
    ///
    /// # Errors
    /// Returns what is wrong, and what to set.
    pub(crate) fn of(
        sizes: &[usize],
        order: AxisOrder,
        given: Option<[usize; 3]>,
    ) -> Result<Self, String> {
        let first = |images, shape| Self {
            images,
            shape,
            channels_last: false,
        };
        let dimensions = match *sizes {
            [images, height, width] => first(images, [1, height, width]),
            [images, second, third, last] => {
                let channels_last = match order {
                    AxisOrder::ChannelsFirst => false,
                    AxisOrder::ChannelsLast => true,
                    AxisOrder::Auto => {
                        let is_few = |size: usize| matches!(size, 1 | 3 | 4);
                        if is_few(second) == is_few(last) {
                            return Err(format!(
                                "images of {sizes:?}: set `layout = \"channels-last\"` if the last size is the number of channels, \"channels-first\" if the second is"
                            ));
                        }
                        is_few(last)
                    }
                };
                let shape = match channels_last {
                    true => [last, second, third],
                    false => [second, third, last],
                };
                Self {
                    images,
                    shape,
                    channels_last,
                }
            }
            [images, values] => {
                let shape = flat_shape(values, given)?;
                Self {
                    channels_last: order == AxisOrder::ChannelsLast,
                    ..first(images, shape)
                }
            }
            _ => {
                return Err(format!(
                    "images of {sizes:?}: expected are [images, height, width], with the channels second or last, or [images, values]"
                ));
            }
        };
        if dimensions.images == 0 || dimensions.shape.contains(&0) {
            return Err(format!(
                "there are no images: the array has the shape {sizes:?}"
            ));
        }
        Ok(dimensions)
    }

    /// Values of one image.
    pub(crate) fn values(&self) -> usize {
        self.shape.iter().product()
    }

    /// The shape of the images whose `pixels` are put in order: channels first, and height and width exchanged if they are to be.
    pub(crate) fn arrange(&self, pixels: &mut [u8], exchanged: bool) -> [usize; 3] {
        self.channels_to_front(pixels);
        let mut shape = self.shape;
        if exchanged {
            transpose(pixels, &mut shape);
        }
        shape
    }

    /// Moves the channels of all images to the front, if they are not there.
    fn channels_to_front(&self, pixels: &mut [u8]) {
        let [channels, height, width] = self.shape;
        if self.channels_last && channels > 1 {
            crate::idx::channels_to_front(pixels, [height, width, channels]);
        }
    }
}

/// The shape of images of so many values.
fn flat_shape(values: usize, given: Option<[usize; 3]>) -> Result<[usize; 3], String> {
    if let Some(shape) = given {
        let product = shape
            .iter()
            .try_fold(1usize, |product, size| product.checked_mul(*size));
        return match product == Some(values) {
            true => Ok(shape),
            false => Err(format!(
                "{values} values an image, but `shape` is {shape:?} (channels, height, width)"
            )),
        };
    }
    let side = values.isqrt();
    match side * side == values {
        true => Ok([1, side, side]),
        false => Err(format!(
            "{values} values an image are no square: set `shape = [height, width]`"
        )),
    }
}

/// The values that become 0 and 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Range {
    lowest: f64,
    highest: f64,
}

impl Range {
    /// The range of a parameter `[lowest, highest]`; `None` if it is empty.
    pub(crate) fn given(range: &[f64]) -> Result<Option<Self>, IngestError> {
        match *range {
            [] => Ok(None),
            [lowest, highest] if lowest < highest => Ok(Some(Self { lowest, highest })),
            _ => Err(IngestError::parameter(
                "range",
                format!("expected [lowest, highest], found {range:?}"),
            )),
        }
    }

    /// 255 (value - lowest) / (highest - lowest), rounded; `None` outside the range.
    pub(crate) fn scale(self, value: f64) -> Option<u8> {
        if !(self.lowest..=self.highest).contains(&value) {
            return None;
        }
        let part = (value - self.lowest) / (self.highest - self.lowest);
        // In 0..=255.
        Some((part * 255.0).round() as u8)
    }
}

/// Whole numbers of 0 to 255 as they are, or values scaled by a range.
///
/// # Errors
/// Returns what is wrong with the first value that does not fit, and what to set. Images of `image_values` values are counted from
/// `first_image`.
pub(crate) fn pixels(
    values: impl ExactSizeIterator<Item = f64> + Clone,
    range: Option<Range>,
    image_values: usize,
    first_image: usize,
) -> Result<Vec<u8>, String> {
    let convert = |value: f64| match range {
        Some(range) => range.scale(value),
        // Checked to be whole and in bounds.
        None => (value.fract() == 0.0 && (0.0..=255.0).contains(&value)).then_some(value as u8),
    };
    let mut pixels = Vec::with_capacity(values.len());
    for (at, value) in values.clone().enumerate() {
        match convert(value) {
            Some(pixel) => pixels.push(pixel),
            None => {
                // What is no number comes first: no range helps against it.
                let mut all = values.clone().enumerate();
                let broken = all.find(|(_, value)| !value.is_finite());
                let (at, value) = broken.unwrap_or((at, value));
                let image = first_image + at / image_values.max(1);
                return Err(unfit(values, image, value, range));
            }
        }
    }
    Ok(pixels)
}

fn unfit(
    values: impl Iterator<Item = f64>,
    image: usize,
    value: f64,
    range: Option<Range>,
) -> String {
    if !value.is_finite() {
        return format!(
            "image {image} has the value {value}, which is no number: mend or remove such images, or replace the values, such as with `numpy.nan_to_num`"
        );
    }
    let mut bounds = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        bounds = (bounds.0.min(value), bounds.1.max(value));
    }
    let (lowest, highest) = bounds;
    let expected = match range {
        Some(Range { lowest, highest }) => format!("outside `range = [{lowest}, {highest}]`"),
        None => "no whole number of 0 to 255".to_owned(),
    };
    format!(
        "image {image} has the value {value}, {expected}; the values go from {lowest} to {highest}: set `range = [black, white]`, such as `range = [{}]`",
        match (lowest >= 0.0, highest <= 1.0, lowest >= -1.0) {
            (true, true, _) => "0, 1".to_owned(),
            (false, true, true) => "-1, 1".to_owned(),
            // All are equal.
            _ if lowest == highest => format!("{}, {}", lowest.min(0.0), highest.max(0.0)),
            _ => format!("{lowest}, {highest}"),
        }
    )
}

/// Labels: of `[images]` and `[images, 1]` as they are, of `[images, classes]` the position of the 1.
///
/// # Errors
/// Returns what is wrong.
pub(crate) fn labels(values: &[f64], sizes: &[usize]) -> Result<Vec<i64>, String> {
    let whole = |(image, value): (usize, &f64)| {
        let is_whole = value.fract() == 0.0 && value.abs() < 1e15;
        is_whole.then_some(*value as i64).ok_or_else(|| {
            format!("the label of image {image} is {value}: expected is the number of a class")
        })
    };
    match *sizes {
        [_] | [_, 1] => values.iter().enumerate().map(whole).collect(),
        [_, classes] if classes > 1 => {
            let one_hot = |(image, row): (usize, &[f64])| {
                let ones = row.iter().filter(|value| **value == 1.0).count();
                let zeros = row.iter().filter(|value| **value == 0.0).count();
                let position = row.iter().position(|value| *value == 1.0);
                // At most as many classes as values in memory.
                position.filter(|_| ones == 1 && zeros + 1 == classes).map(|at| at as i64).ok_or_else(|| {
                    format!("the labels of image {image} are not one-hot: expected is one 1 among zeros")
                })
            };
            values
                .chunks_exact(classes)
                .enumerate()
                .map(one_hot)
                .collect()
        }
        _ => Err(format!(
            "labels of {sizes:?}: expected are [images], [images, 1] or [images, classes] (one-hot)"
        )),
    }
}

/// Exchanges height and width of all images.
pub(crate) fn transpose(pixels: &mut [u8], shape: &mut [usize; 3]) {
    let [_, height, width] = *shape;
    let plane = height * width;
    let mut turned = vec![0; plane];
    for stored in pixels.chunks_exact_mut(plane.max(1)) {
        for (at, value) in turned.iter_mut().enumerate() {
            // Row `at / height` of the result is a column.
            *value = stored[at % height * width + at / height];
        }
        stored.copy_from_slice(&turned);
    }
    shape.swap(1, 2);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_where_only_they_can_be() {
        let of = |sizes: &[usize], order| Dimensions::of(sizes, order, None);
        let auto = |sizes: &[usize]| {
            of(sizes, AxisOrder::Auto).map(|found| (found.shape, found.channels_last))
        };
        assert_eq!(auto(&[5, 28, 20]), Ok(([1, 28, 20], false)));
        assert_eq!(auto(&[5, 32, 30, 3]), Ok(([3, 32, 30], true)));
        assert_eq!(auto(&[5, 3, 32, 30]), Ok(([3, 32, 30], false)));
        assert_eq!(auto(&[5, 784]), Ok(([1, 28, 28], false)));
        for (sizes, part) in [
            (&[5, 3, 32, 3][..], "channels-last"),
            (&[5, 8, 8, 8], "channels-last"),
            (&[5, 783], "set `shape"),
            (&[0, 28, 28], "there are no images"),
            (&[5], "expected are"),
        ] {
            let reason = auto(sizes).expect_err("refused");
            assert!(reason.contains(part), "{reason}");
        }
        let given = Dimensions::of(&[5, 12], AxisOrder::Auto, Some([3, 2, 2]));
        assert_eq!(given.expect("fits").shape, [3, 2, 2]);
        assert!(Dimensions::of(&[5, 12], AxisOrder::Auto, Some([1, 2, 2])).is_err());
    }

    #[test]
    fn values_are_scaled_by_the_range_that_is_stated() {
        let range = Range::given(&[-1.0, 1.0]).expect("valid");
        let scaled = pixels([-1.0, 0.0, 0.5, 1.0].into_iter(), range, 4, 0);
        // numpy.round(255 * (value + 1) / 2), halves away from zero
        assert_eq!(scaled, Ok(vec![0, 128, 191, 255]));
        assert_eq!(
            pixels([0.0, 255.0].into_iter(), None, 1, 0),
            Ok(vec![0, 255])
        );
        let reason = pixels([0.0, 0.25, 1.0].into_iter(), None, 2, 5).expect_err("no range");
        assert!(
            reason.starts_with("image 5 has the value 0.25, no whole number"),
            "{reason}"
        );
        assert!(reason.ends_with("such as `range = [0, 1]`"), "{reason}");
        let reason = pixels([0.0, 3.0].into_iter(), range, 1, 0).expect_err("outside");
        assert!(
            reason.contains("image 1 has the value 3, outside `range = [-1, 1]`"),
            "{reason}"
        );
        for (value, advice) in [(7.5, "`range = [0, 7.5]`"), (-7.5, "`range = [-7.5, 0]`")] {
            let reason = pixels([value; 4].into_iter(), None, 2, 0).expect_err("no range");
            assert!(reason.ends_with(advice), "{reason}");
        }
        let values = [0.25, f64::INFINITY].into_iter();
        let reason = pixels(values, None, 1, 0).expect_err("no number");
        assert!(
            reason.starts_with("image 1 has the value inf, which is no number"),
            "{reason}"
        );
        let reason = pixels([0.5, f64::NAN].into_iter(), range, 1, 0).expect_err("no number");
        assert!(
            reason.starts_with("image 1 has the value NaN, which is no number")
                && !reason.contains("range"),
            "{reason}"
        );
        assert!(Range::given(&[1.0, 1.0]).is_err());
        assert_eq!(Range::given(&[]).expect("none"), None);
    }

    #[test]
    fn labels_are_numbers_or_one_hot() {
        assert_eq!(labels(&[3.0, 0.0], &[2]), Ok(vec![3, 0]));
        assert_eq!(labels(&[3.0, -1.0], &[2, 1]), Ok(vec![3, -1]));
        assert_eq!(labels(&[0.0, 1.0, 1.0, 0.0], &[2, 2]), Ok(vec![1, 0]));
        for (values, sizes) in [
            (&[0.5, 1.0][..], &[2][..]),
            (&[1.0, 1.0], &[1, 2]),
            (&[0.0, 0.0], &[1, 2]),
            (&[0.2, 1.0], &[1, 2]),
            (&[1.0], &[1, 1, 1]),
        ] {
            assert!(labels(values, sizes).is_err(), "{values:?}");
        }
    }

    #[test]
    fn rows_become_columns() {
        // Two images of 2 x 3.
        let mut pixels = [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        let mut shape = [1, 2, 3];
        transpose(&mut pixels, &mut shape);
        assert_eq!(pixels, [1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16]);
        assert_eq!(shape, [1, 3, 2]);
    }
}
