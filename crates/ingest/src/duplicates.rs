//! Images that are in the training and in the test set: a model has seen them before it is tested.

use std::collections::HashSet;

use eigenscope_artifact::{Images, SplitName};

/// A part of the digest of an image's pixels; equal for equal images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct PixelDigest([u8; 16]);

impl PixelDigest {
    /// The digest of stored pixels.
    pub(crate) fn of(pixels: &[u8]) -> Self {
        let digest = blake3::hash(pixels);
        let (start, _) = digest.as_bytes().as_chunks();
        Self(start.first().copied().unwrap_or_default())
    }
}

/// Counts test images that are training images, too. Training images are added first.
#[derive(Debug, Default)]
pub(crate) struct Duplicates {
    train: HashSet<PixelDigest>,
    test: usize,
    both: usize,
}

impl Duplicates {
    pub(crate) fn add(&mut self, split: SplitName, pixels: PixelDigest) {
        match split {
            SplitName::Train => {
                self.train.insert(pixels);
            }
            SplitName::Test => {
                self.test += 1;
                self.both += usize::from(self.train.contains(&pixels));
            }
        }
    }

    /// The count over a whole data set.
    pub(crate) fn of(images: &Images) -> Self {
        let stored = images.header.stored_len().max(1);
        let mut duplicates = Self::default();
        for (name, split) in [
            (SplitName::Train, &images.train),
            (SplitName::Test, &images.test),
        ] {
            for pixels in split.pixels.chunks_exact(stored) {
                duplicates.add(name, PixelDigest::of(pixels));
            }
        }
        duplicates
    }

    /// A warning if there are any.
    pub(crate) fn warning(&self) -> Option<String> {
        (self.both > 0).then(|| {
            format!(
                "{} of {} test images are training images as well, pixel by pixel: test accuracy is too high",
                self.both, self.test
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_test_images_that_were_trained_on_are_counted() {
        let mut duplicates = Duplicates::default();
        for image in [[1, 2], [3, 4], [3, 4]] {
            duplicates.add(SplitName::Train, PixelDigest::of(&image));
        }
        duplicates.add(SplitName::Test, PixelDigest::of(&[4, 3]));
        assert_eq!(duplicates.warning(), None);
        duplicates.add(SplitName::Test, PixelDigest::of(&[3, 4]));
        let warning = duplicates.warning().expect("one is in both");
        assert!(warning.starts_with("1 of 2 test images"), "{warning}");
    }
}
