//! The EXIF orientation: how a picture has to be turned to be upright.

use image::ImageDecoder;
use image::metadata::Orientation as Exif;

use super::colour::Values;

/// A turn, a mirror, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(Exif);

/// The orientation in the metadata of a picture; upright where there is none.
pub(super) fn of(decoder: &mut impl ImageDecoder) -> Result<Orientation, String> {
    decoder
        .orientation()
        .map(Orientation)
        .map_err(super::refused)
}

impl Orientation {
    /// Whether height and width are exchanged.
    pub(super) fn is_turned(self) -> bool {
        matches!(
            self.0,
            Exif::Rotate90 | Exif::Rotate270 | Exif::Rotate90FlipH | Exif::Rotate270FlipH
        )
    }

    /// The picture upright.
    pub(super) fn apply(self, picture: Values) -> Values {
        if self.0 == Exif::NoTransforms {
            return picture;
        }
        let [height, width] = picture.size();
        let [rows, columns] = match self.is_turned() {
            true => [width, height],
            false => [height, width],
        };
        let mut values = Vec::with_capacity(rows * columns * picture.channels());
        for row in 0..rows {
            for column in 0..columns {
                let (back_row, back_column) = (rows - 1 - row, columns - 1 - column);
                let (from_row, from_column) = match self.0 {
                    Exif::NoTransforms => (row, column),
                    Exif::FlipHorizontal => (row, back_column),
                    Exif::Rotate180 => (back_row, back_column),
                    Exif::FlipVertical => (back_row, column),
                    Exif::Rotate90FlipH => (column, row),
                    Exif::Rotate90 => (back_column, row),
                    Exif::Rotate270FlipH => (back_column, back_row),
                    Exif::Rotate270 => (column, back_row),
                };
                values.extend_from_slice(picture.pixel(from_row * width + from_column));
            }
        }
        picture.rearranged([rows, columns], values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_makes_the_picture_upright() {
        // PIL.ImageOps.exif_transpose of [[1, 2, 3], [4, 5, 6]] with the orientations 1 to 8.
        let expected: [([usize; 2], [u8; 6]); 8] = [
            ([2, 3], [1, 2, 3, 4, 5, 6]),
            ([2, 3], [3, 2, 1, 6, 5, 4]),
            ([2, 3], [6, 5, 4, 3, 2, 1]),
            ([2, 3], [4, 5, 6, 1, 2, 3]),
            ([3, 2], [1, 4, 2, 5, 3, 6]),
            ([3, 2], [4, 1, 5, 2, 6, 3]),
            ([3, 2], [6, 3, 5, 2, 4, 1]),
            ([3, 2], [3, 6, 2, 5, 1, 4]),
        ];
        for (number, (size, values)) in (1..).zip(expected) {
            let picture = Values::new([2, 3], 1, vec![1, 2, 3, 4, 5, 6]).expect("whole");
            let turn = Orientation(Exif::from_exif(number).expect("known"));
            let upright = Values::new(size, 1, values.to_vec()).expect("whole");
            assert_eq!(turn.apply(picture), upright, "orientation {number}");
            assert_eq!(turn.is_turned(), number > 4);
        }
    }
}
