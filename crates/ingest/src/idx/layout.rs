//! Which dimension of a file of colour images holds the channels.

use serde::Deserialize;

/// Order of the dimensions of images with channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Layout {
    /// Channels first; refused where the last dimension may be the channels as well.
    #[default]
    Auto,
    /// `[images, channels, height, width]`, whatever the sizes are.
    ChannelsFirst,
    /// `[images, height, width, channels]`, whatever the sizes are.
    ChannelsLast,
}

impl Layout {
    /// Words of the parameter.
    pub(crate) const WORDS: [&str; 3] = ["auto", "channels-first", "channels-last"];

    /// Whether the channels of images of these `sizes` (without the number of images) stand last; `None` if that must
    /// be stated: the last size is a common number of channels (1, 3 or 4).
    pub(crate) fn channels_last(self, sizes: [usize; 3]) -> Option<bool> {
        match (self, sizes) {
            (Layout::ChannelsFirst, _) => Some(false),
            (Layout::ChannelsLast, _) => Some(true),
            (Layout::Auto, [_, _, 1 | 3 | 4]) => None,
            (Layout::Auto, _) => Some(false),
        }
    }
}

/// Moves the channels of images `[height, width, channels]` to the front, one image at a time.
pub(crate) fn channels_to_front(pixels: &mut [u8], [height, width, channels]: [usize; 3]) {
    let plane = height * width;
    let mut image = vec![0; plane * channels];
    for stored in pixels.chunks_exact_mut(plane * channels) {
        for (place, values) in stored.chunks_exact(channels).enumerate() {
            for (channel, value) in values.iter().enumerate() {
                image[channel * plane + place] = *value;
            }
        }
        stored.copy_from_slice(&image);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_first_unless_the_last_size_may_be_theirs() {
        let auto = |sizes| Layout::Auto.channels_last(sizes);
        assert_eq!(auto([3, 32, 32]), Some(false));
        assert_eq!(auto([8, 5, 5]), Some(false));
        for doubtful in [[32, 32, 3], [32, 32, 1], [3, 32, 3], [1, 64, 1], [8, 5, 4]] {
            assert_eq!(auto(doubtful), None);
            assert_eq!(Layout::ChannelsFirst.channels_last(doubtful), Some(false));
            assert_eq!(Layout::ChannelsLast.channels_last(doubtful), Some(true));
        }
    }

    #[test]
    fn images_are_transposed_one_by_one() {
        // Two images of 1 x 2 pixels with channels 0, 1, 2.
        let mut pixels = [10, 11, 12, 20, 21, 22, 30, 31, 32, 40, 41, 42];
        channels_to_front(&mut pixels, [1, 2, 3]);
        assert_eq!(pixels, [10, 20, 11, 21, 12, 22, 30, 40, 31, 41, 32, 42]);
    }
}
