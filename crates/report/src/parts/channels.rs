//! Images of numbers with several channels, as one map: the channels side by side.

use eigenscope_artifact::InputShape;
use eigenscope_figure::Matrix;
use eigenscope_stage::TaskError;

/// Most channels in a row of a map.
const MOST_ACROSS: usize = 4;

/// Channels in a row of the map of such an image.
pub(crate) fn across(shape: InputShape) -> usize {
    shape.channels.clamp(1, MOST_ACROSS)
}

/// The map of an image `[channels, height, width]`: channels from the left, four in a row, with missing values between them.
///
/// # Errors
/// Another number of values, and a shape without pixels.
pub(crate) fn side_by_side(shape: InputShape, values: &[f32]) -> Result<Matrix, TaskError> {
    let InputShape {
        channels,
        height,
        width,
    } = shape;
    if channels < 2 || values.len() != shape.len() {
        return Ok(Matrix::from_f32(height, width, values)?);
    }
    let gap = (width / 16).max(1);
    let across = across(shape);
    let rows = channels.div_ceil(across) * (height + gap) - gap;
    let columns = across * (width + gap) - gap;
    let mut map = vec![f64::NAN; rows * columns];
    for (channel, plane) in values.chunks_exact(height * width).enumerate() {
        let (down, right) = (
            channel / across * (height + gap),
            channel % across * (width + gap),
        );
        for (row, line) in plane.chunks_exact(width).enumerate() {
            let start = (down + row) * columns + right;
            let line = line.iter().copied().map(f64::from);
            map[start..start + width]
                .iter_mut()
                .zip(line)
                .for_each(|(place, value)| *place = value);
        }
    }
    Ok(Matrix::new(rows, columns, map)?)
}

/// Which part of the map is which channel; empty for images of one channel.
pub(crate) fn in_words(shape: InputShape) -> String {
    match shape.channels {
        0 | 1 => String::new(),
        3 => "channels side by side: red, green, blue".to_owned(),
        channels if channels <= MOST_ACROSS => {
            format!("{channels} channels side by side, the first at the left")
        }
        channels => {
            format!("{channels} channels, {MOST_ACROSS} side by side, the first at the top left")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(channels: usize) -> (usize, usize, Vec<Option<f64>>) {
        let shape = InputShape::from([channels, 1, 2]);
        let values: Vec<f32> = (0..shape.len()).map(|value| value as f32).collect();
        let map = side_by_side(shape, &values).expect("drawn");
        let values = map.values().iter();
        let values = values.map(|value| (!value.is_nan()).then_some(*value));
        (map.rows(), map.columns(), values.collect())
    }

    #[test]
    fn channels_stand_side_by_side_with_gaps() {
        assert_eq!(map(1), (1, 2, vec![Some(0.0), Some(1.0)]));
        let row = |first: i32| [Some(f64::from(first)), Some(f64::from(first + 1))];
        let three = [&row(0)[..], &[None], &row(2), &[None], &row(4)].concat();
        assert_eq!(map(3), (1, 8, three));
        let (rows, columns, values) = map(5);
        assert_eq!((rows, columns), (3, 11));
        assert_eq!(values[..2], row(0));
        assert_eq!(values[9..11], row(6));
        assert!(values[11..22].iter().all(Option::is_none));
        assert_eq!(values[22..24], row(8));
        assert!(values[24..].iter().all(Option::is_none));
    }

    #[test]
    fn vectors_of_other_lengths_are_refused() {
        assert!(side_by_side(InputShape::from([3, 1, 2]), &[0.0; 5]).is_err());
    }
}
