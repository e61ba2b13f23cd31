//! Values of a picture: transparency, grey and colour.

use serde::Deserialize;

/// Weights of red, green and blue in grey, in units of 1/65536: ITU-R BT.601 (0.299, 0.587, 0.114), as Pillow has them.
const LUMA: [u32; 3] = [19595, 38470, 7471];

/// The channels of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Channels {
    /// One: grey values.
    Grey,
    /// Three: red, green and blue.
    Rgb,
}

impl Channels {
    /// How many they are.
    pub(crate) fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::Rgb => 3,
        }
    }
}

/// Values of a picture, `[height, width, channels]`: grey, grey with alpha, RGB, or RGB with alpha.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Values {
    size: [usize; 2],
    channels: usize,
    values: Vec<u8>,
}

impl Values {
    /// Values of `size` (height, width); `None` if there are more or fewer than that.
    pub(super) fn new(size: [usize; 2], channels: usize, values: Vec<u8>) -> Option<Self> {
        let count = size[0].checked_mul(size[1])?.checked_mul(channels)?;
        ((1..=4).contains(&channels) && count == values.len()).then_some(Self {
            size,
            channels,
            values,
        })
    }

    /// `[height, width]`.
    pub(super) fn size(&self) -> [usize; 2] {
        self.size
    }

    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// One pixel after the other.
    pub(super) fn pixels(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.values.chunks_exact(self.channels)
    }

    /// The pixel at an index of [`pixels`](Self::pixels).
    pub(super) fn pixel(&self, index: usize) -> &[u8] {
        let start = index * self.channels;
        &self.values[start..start + self.channels]
    }

    /// The same kind of values in another arrangement.
    pub(super) fn rearranged(&self, size: [usize; 2], values: Vec<u8>) -> Self {
        Self {
            size,
            channels: self.channels,
            values,
        }
    }

    /// Whether red, green and blue are equal in every pixel.
    pub(super) fn is_grey(&self) -> bool {
        let is_grey = |pixel: &[u8]| match pixel {
            [red, green, blue, ..] => red == green && green == blue,
            _ => true,
        };
        self.pixels().all(is_grey)
    }

    /// The same without alpha: over `background`, value * alpha + background * (1 - alpha), rounded.
    pub(super) fn over(self, background: Option<[u8; 3]>) -> Result<Self, String> {
        let colours = match self.channels {
            2 => 1,
            4 => 3,
            _ => return Ok(self),
        };
        let is_opaque = self.pixels().all(|pixel| pixel[colours] == u8::MAX);
        let background = match background {
            Some(background) => background,
            None if is_opaque => [0; 3],
            None => return Err(TRANSPARENT.to_owned()),
        };
        // A grey picture on a coloured background is coloured.
        let is_coloured = colours == 3 || (!is_opaque && background != [background[0]; 3]);
        let kept = if is_coloured { 3 } else { 1 };
        let mut values = Vec::with_capacity(self.pixels().len() * kept);
        for pixel in self.pixels() {
            let alpha = u32::from(pixel[colours]);
            for (channel, behind) in background.iter().enumerate().take(kept) {
                let value = u32::from(pixel[channel.min(colours - 1)]);
                let sum = value * alpha + u32::from(*behind) * (255 - alpha);
                // At most 255.
                values.push(((sum + 127) / 255) as u8);
            }
        }
        Ok(Self {
            size: self.size,
            channels: kept,
            values,
        })
    }

    /// The same with these channels.
    pub(super) fn with(self, channels: Channels) -> Self {
        let values = match (self.channels, channels) {
            (3, Channels::Grey) => self.pixels().map(grey).collect(),
            (1, Channels::Rgb) => self.values.iter().flat_map(|&value| [value; 3]).collect(),
            _ => return self,
        };
        Self {
            size: self.size,
            channels: channels.count(),
            values,
        }
    }

    /// The values channel by channel: `[channels, height, width]`.
    pub(super) fn planes(&self) -> Vec<u8> {
        if self.channels == 1 {
            return self.values.clone();
        }
        let channel = |channel| self.values.iter().skip(channel).step_by(self.channels);
        (0..self.channels).flat_map(channel).copied().collect()
    }
}

const TRANSPARENT: &str = "the picture has transparent pixels: set the colour behind them, such as `background = [255]` (white) or `[0]` (black)";

fn grey(pixel: &[u8]) -> u8 {
    let weighted = pixel
        .iter()
        .zip(LUMA)
        .map(|(&value, weight)| u32::from(value) * weight);
    // At most 255: the weights sum to 65536.
    ((weighted.sum::<u32>() + 0x8000) >> 16) as u8
}

/// Red, green and blue of cyan, magenta, yellow and black, [pixels, 4] to [pixels, 3], as Pillow has them: white without ink, and
/// (255 - black) (1 - ink / 255), rounded.
pub(super) fn cmyk_to_rgb(values: &[u8]) -> Vec<u8> {
    let (pixels, _) = values.as_chunks::<4>();
    let pixel = |[cyan, magenta, yellow, black]: &[u8; 4]| {
        let light = u32::from(255 - black);
        [cyan, magenta, yellow].map(|ink| {
            let product = u32::from(*ink) * light + 128;
            // At most `light`.
            (light - (((product >> 8) + product) >> 8)) as u8
        })
    };
    pixels.iter().flat_map(pixel).collect()
}

/// Values of 16 bits in the order of this machine's bytes as values of 8: value / 257, rounded, so that 0 and the largest stay.
pub(super) fn to_eight_bits(bytes: &[u8]) -> Vec<u8> {
    let (values, _) = bytes.as_chunks();
    let scale = |value: &[u8; 2]| ((u32::from(u16::from_ne_bytes(*value)) + 128) / 257) as u8;
    values.iter().map(scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(channels: usize, values: &[u8]) -> Values {
        let width = values.len() / channels;
        Values::new([1, width], channels, values.to_vec()).expect("a whole picture")
    }

    #[test]
    fn transparency_lets_the_background_through() {
        let picture = values(4, &[200, 100, 0, 0, 200, 100, 0, 255, 200, 100, 0, 128]);
        // numpy.round((value * alpha + background * (255 - alpha)) / 255)
        let expected = [255, 255, 255, 200, 100, 0, 227, 177, 127];
        let over = picture.clone().over(Some([255; 3])).expect("a background");
        assert_eq!(over, values(3, &expected));
        assert!(
            picture
                .over(None)
                .expect_err("no background")
                .contains("background")
        );
        let opaque = values(2, &[7, 255, 9, 255]);
        assert_eq!(opaque.clone().over(None), Ok(values(1, &[7, 9])));
        assert_eq!(opaque.over(Some([1, 2, 3])), Ok(values(1, &[7, 9])));
        let grey = values(2, &[10, 0, 20, 255]);
        let expected = values(3, &[1, 2, 3, 20, 20, 20]);
        assert_eq!(grey.over(Some([1, 2, 3])), Ok(expected));
    }

    #[test]
    fn sixteen_bits_are_scaled() {
        let wide: Vec<u8> = [0u16, 128, 129, 257, 32768, 65406, 65407, 65535]
            .into_iter()
            .flat_map(u16::to_ne_bytes)
            .collect();
        // numpy.round(value / 257)
        assert_eq!(to_eight_bits(&wide), [0, 0, 1, 1, 128, 254, 255, 255]);
    }

    #[test]
    fn planes_are_channel_after_channel() {
        let picture = values(3, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(picture.planes(), [1, 4, 2, 5, 3, 6]);
        assert_eq!(values(1, &[9]).with(Channels::Rgb).planes(), [9, 9, 9]);
        // PIL.Image.new("RGB", (1, 1), (255, 0, 0)).convert("L") and so on
        for (pixel, grey) in [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([12, 200, 99], 132),
        ] {
            assert_eq!(values(3, &pixel).with(Channels::Grey).planes(), [grey]);
        }
    }
}
