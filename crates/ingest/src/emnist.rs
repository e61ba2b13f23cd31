//! The six data sets of EMNIST (Cohen, Afshar, Tapson, van Schaik 2017): which classes they have.
//!
//! Their images are stored column by column. Labels count from 0, but from 1 in the published files of `letters`.

use serde::Deserialize;

/// One of the data sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EmnistSplit {
    /// 47 classes with equal numbers of images.
    Balanced,
    /// 62 classes: digits, capitals and small letters.
    Byclass,
    /// 47 classes: small letters that look like their capitals are merged with them.
    Bymerge,
    /// 26 letters, capital and small ones together.
    Letters,
    /// Ten digits.
    Digits,
    /// Ten digits, in number and size as MNIST.
    Mnist,
}

const CAPITALS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS: &str = "0123456789";

impl EmnistSplit {
    /// Words of the parameter.
    pub(crate) const WORDS: [&str; 6] = [
        "balanced", "byclass", "bymerge", "letters", "digits", "mnist",
    ];

    /// The word in names of files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            EmnistSplit::Balanced => "balanced",
            EmnistSplit::Byclass => "byclass",
            EmnistSplit::Bymerge => "bymerge",
            EmnistSplit::Letters => "letters",
            EmnistSplit::Digits => "digits",
            EmnistSplit::Mnist => "mnist",
        }
    }

    /// Names of the classes, in the order of the labels (the published `emnist-*-mapping.txt`).
    pub(crate) fn classes(self) -> Vec<String> {
        let letters = match self {
            EmnistSplit::Balanced | EmnistSplit::Bymerge => {
                format!("{DIGITS}{CAPITALS}abdefghnqrt")
            }
            EmnistSplit::Byclass => format!("{DIGITS}{CAPITALS}{}", CAPITALS.to_lowercase()),
            EmnistSplit::Letters => CAPITALS.to_owned(),
            EmnistSplit::Digits | EmnistSplit::Mnist => DIGITS.to_owned(),
        };
        letters.chars().map(String::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_as_many_as_published() {
        use EmnistSplit::{Balanced, Byclass, Bymerge, Digits, Letters, Mnist};
        let splits = [Balanced, Byclass, Bymerge, Letters, Digits, Mnist];
        assert_eq!(
            splits.map(|split| split.classes().len()),
            [47, 62, 47, 26, 10, 10]
        );
        assert_eq!(splits.map(EmnistSplit::name), EmnistSplit::WORDS);
        assert_eq!(Byclass.classes()[36], "a");
        assert_eq!(Balanced.classes()[46], "t");
    }
}
