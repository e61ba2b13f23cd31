//! Pictures of 16 bits whose values need fewer, such as those of cameras and scanners with 10, 12 or 14 bits.

/// Bits above which values are taken to be meant as they are.
const MOST_BITS: u32 = 14;

/// The largest of all values of pictures of 16 bits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Depth {
    largest: Option<u16>,
}

impl Depth {
    /// Of values in the order of this machine's bytes, the last channel of which is `alpha`, or is not.
    pub(super) fn of(bytes: &[u8], channels: usize, has_alpha: bool) -> Self {
        let (values, _) = bytes.as_chunks();
        let colours = values.iter().enumerate().filter(|(position, _)| {
            let is_alpha = has_alpha && position % channels == channels - 1;
            !is_alpha
        });
        let largest = colours.map(|(_, value)| u16::from_ne_bytes(*value)).max();
        Self { largest }
    }

    /// Adds those of other pictures.
    pub(crate) fn join(&mut self, other: Self) {
        self.largest = self.largest.max(other.largest);
    }

    /// A warning if the values need so few bits that the pictures are nearly black.
    pub(crate) fn warning(self) -> Option<String> {
        let largest = self.largest.filter(|largest| *largest > 0)?;
        let bits = u16::BITS - largest.leading_zeros();
        if bits > MOST_BITS {
            return None;
        }
        let white = (1u32 << bits) - 1;
        let factor = 1u32 << (u16::BITS - bits);
        Some(format!(
            "pictures of 16 bits use only {bits} of them, values up to {white}, which become 0 to {} of 255: nearly black. If {white} is white, \
             multiply all values by {factor} (ImageMagick: `mogrify -evaluate multiply {factor} FILES`), or give the pictures as a file \
             .npz with `range = [0, {white}]`",
            (white + 128) / 257
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth(values: &[u16], channels: usize, has_alpha: bool) -> Depth {
        let bytes: Vec<u8> = values.iter().copied().flat_map(u16::to_ne_bytes).collect();
        Depth::of(&bytes, channels, has_alpha)
    }

    #[test]
    fn few_bits_are_a_warning_and_all_bits_none() {
        let warning = depth(&[0, 4000, 2049], 1, false).warning();
        let warning = warning.expect("12 bits");
        assert!(
            warning.contains("use only 12 of them, values up to 4095, which become 0 to 16 of 255"),
            "{warning}"
        );
        assert!(warning.contains("multiply all values by 16 "), "{warning}");
        // 12 bits at the upper end, as some programs write them.
        assert_eq!(depth(&[0, 4095 << 4], 1, false).warning(), None);
        assert_eq!(depth(&[0, 0], 1, false).warning(), None);
        assert_eq!(Depth::default().warning(), None);
        // Opacity is no colour.
        assert!(
            depth(&[7, u16::MAX, 1000, u16::MAX], 2, true)
                .warning()
                .is_some()
        );
        assert_eq!(depth(&[7, u16::MAX], 2, false).warning(), None);
        let mut all = depth(&[4095], 1, false);
        all.join(depth(&[40_000], 1, false));
        assert_eq!(all.warning(), None, "the pictures have one scale");
    }
}
