//! Images of numbers as maps: several channels side by side, and large ones reduced.

use std::borrow::Cow;

use eigenscope_artifact::InputShape;
use eigenscope_figure::{ImageGrid, Matrix, Tiling};
use eigenscope_stage::TaskError;

/// Most channels in a row of a map.
const MOST_ACROSS: usize = 4;

/// Longest side of a channel in a map, in pixels. A map is about as wide on a screen, and holds its numbers for interactive pages.
const LONGEST: usize = 128;

/// Side of the blocks of pixels of which a map shows the means.
fn block(shape: InputShape) -> usize {
    shape.height.max(shape.width).div_ceil(LONGEST).max(1)
}

/// The shape of an image as maps show it.
fn reduced_shape(shape: InputShape) -> InputShape {
    let side = block(shape);
    let [rows, columns] = [shape.height, shape.width].map(|pixels| pixels.div_ceil(side));
    InputShape::from([shape.channels, rows, columns])
}

/// An image `[channels, height, width]` as maps show it: means of blocks of pixels if it is large. Blocks at the right and at the bottom may
/// be smaller.
pub(crate) fn reduced(shape: InputShape, values: &[f32]) -> (InputShape, Cow<'_, [f32]>) {
    let side = block(shape);
    if side == 1 || values.len() != shape.len() {
        return (shape, values.into());
    }
    let InputShape { height, width, .. } = shape;
    let small = reduced_shape(shape);
    let InputShape {
        channels,
        height: rows,
        width: columns,
    } = small;
    let mut means = Vec::with_capacity(channels * rows * columns);
    for plane in values.chunks_exact(height * width) {
        for lines in plane.chunks(side * width) {
            let mut sums = vec![0.0_f64; columns];
            for line in lines.chunks_exact(width) {
                for (sum, pixels) in sums.iter_mut().zip(line.chunks(side)) {
                    *sum += pixels.iter().copied().map(f64::from).sum::<f64>();
                }
            }
            let lines = lines.len() / width;
            let pixels = |column: usize| (lines * side.min(width - column * side)) as f64;
            let sums = sums.into_iter().enumerate();
            means.extend(sums.map(|(column, sum)| (sum / pixels(column)) as f32));
        }
    }
    (small, means.into())
}

/// The largest absolute value of a map.
pub(crate) fn largest(shape: InputShape, values: &[f32]) -> f32 {
    let (_, values) = reduced(shape, values);
    values
        .iter()
        .fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Channels in a row of the map of such an image.
pub(crate) fn across(shape: InputShape) -> usize {
    shape.channels.clamp(1, MOST_ACROSS)
}

/// The map of an image `[channels, height, width]`, [`reduced`] if it is large: channels from the left, four in a row, with missing values
/// between them.
///
/// # Errors
/// Another number of values, and a shape without pixels.
pub(crate) fn side_by_side(shape: InputShape, values: &[f32]) -> Result<Matrix, TaskError> {
    let (shape, values) = reduced(shape, values);
    let InputShape {
        channels,
        height,
        width,
    } = shape;
    if channels < 2 || values.len() != shape.len() {
        return Ok(Matrix::from_f32(height, width, &values)?);
    }
    let gap = gap(shape);
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

/// Gives a grid of such maps the room of their channels, and says above it which channel is where and how large the blocks are whose means
/// a map shows. On paper the channels may stand otherwise.
pub(crate) fn explain(grid: &mut ImageGrid, shape: InputShape) {
    let blocks = match block(shape) {
        1 => String::new(),
        side => format!("means of {side} x {side} pixels"),
    };
    grid.column_title = match (grid.column_title.as_str(), blocks.as_str()) {
        (title, "") => title.to_owned(),
        ("", blocks) => blocks.to_owned(),
        (title, blocks) => format!("{title}; {blocks}"),
    };
    let across = across(shape);
    grid.largest_cell *= across as f64;
    grid.tiling = (shape.channels > 1).then(|| Tiling {
        count: shape.channels,
        across,
        gap: gap(reduced_shape(shape)),
        in_words: (1..=across)
            .map(|across| in_words(shape.channels, across))
            .collect(),
    });
}

/// Pixels between channels.
fn gap(shape: InputShape) -> usize {
    (shape.width / 16).max(1)
}

/// Where the channels of a map are, with so many in a row.
fn in_words(channels: usize, across: usize) -> String {
    let names = match channels {
        3 => ": red, green, blue",
        _ => ", the first at the top left",
    };
    match across {
        1 => match channels {
            3 => format!("channels from the top{names}"),
            _ => format!("{channels} channels, the first at the top"),
        },
        _ if across >= channels => match channels {
            3 => format!("channels side by side{names}"),
            _ => format!("{channels} channels side by side, the first at the left"),
        },
        _ => format!("{channels} channels, {across} side by side{names}"),
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_figure::ColourScale;

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
    fn large_images_become_means_of_blocks() {
        let shape = InputShape::from([2, 3, 130]);
        let values: Vec<f32> = (0..shape.len()).map(|value| value as f32).collect();
        let (small, means) = reduced(shape, &values);
        assert_eq!([small.channels, small.height, small.width], [2, 2, 65]);
        // The means of 0, 1, 130 and 131; of the last two of the third row, 388 and 389; then those of the second channel.
        assert_eq!([means[0], means[129], means[130]], [65.5, 388.5, 455.5]);
        let map = side_by_side(shape, &values).expect("drawn");
        assert_eq!((map.rows(), map.columns()), (2, 65 + 4 + 65));
        let mut grid = ImageGrid::new(Vec::new(), ColourScale::diverging(1.0));
        grid.column_title = "Rank".to_owned();
        explain(&mut grid, shape);
        assert_eq!(grid.column_title, "Rank; means of 2 x 2 pixels");
        let tiling = grid.tiling.expect("two channels");
        let parts = (tiling.count, tiling.across, tiling.gap);
        assert_eq!(parts, (2, 2, 4));
        assert_eq!(
            tiling.in_words,
            [
                "2 channels, the first at the top",
                "2 channels side by side, the first at the left"
            ]
        );
        let small = InputShape::from([1, 128, 128]);
        assert!(matches!(
            reduced(small, &[0.0; 128 * 128]).1,
            Cow::Borrowed(_)
        ));
        let mut grid = ImageGrid::new(Vec::new(), ColourScale::diverging(1.0));
        explain(&mut grid, small);
        assert!(grid.column_title.is_empty() && grid.tiling.is_none());
    }

    #[test]
    fn vectors_of_other_lengths_are_refused() {
        assert!(side_by_side(InputShape::from([3, 1, 2]), &[0.0; 5]).is_err());
    }
}
