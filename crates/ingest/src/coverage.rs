//! Names of classes, and warnings about classes without images, which a model cannot learn or cannot be tested on, and about a
//! single class.

use std::collections::BTreeSet;

use eigenscope_artifact::{Images, Split, escaped};

use crate::error::IngestError;

/// Largest number of names in a warning.
const SHOWN: usize = 20;

/// The names of the classes, with control characters escaped: those that the user gave, or else those `known` from the files. `None`
/// without either.
pub(crate) fn names(
    known: Option<&[String]>,
    given: &[String],
) -> Result<Option<Vec<String>>, IngestError> {
    match given {
        [] => Ok(known.map(|names| names.iter().map(|name| escaped(name)).collect())),
        given => renamed(known.unwrap_or(given), given).map(Some),
    }
}

/// The `names` that the user gave to the classes `found`.
pub(crate) fn renamed(found: &[String], names: &[String]) -> Result<Vec<String>, IngestError> {
    let refused = |reason: String| Err(IngestError::parameter("class_names", reason));
    if names.len() != found.len() {
        return refused(format!(
            "{} names, but {} classes: {}",
            names.len(),
            found.len(),
            shortened(found)
        ));
    }
    let mut seen = BTreeSet::new();
    match names
        .iter()
        .find(|name| name.is_empty() || !seen.insert(*name))
    {
        Some(name) => refused(format!("the name \"{name}\" is empty or given twice")),
        None => Ok(names.iter().map(|name| escaped(name)).collect()),
    }
}

/// Some names for a message.
fn shortened(names: &[impl AsRef<str>]) -> String {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// A warning about a single class, and one for each split that lacks classes, with their names. `is_split`: a part of the training
/// images became the test images, which takes two images of a class.
pub(crate) fn warnings(images: &Images, is_split: bool) -> Vec<String> {
    let classes = &images.header.classes;
    let single = match classes.as_slice() {
        [only] => Some(format!("there is one class only: {only}")),
        _ => None,
    };
    let lacking = |name: &str, missing: &[&str], reason: &str| {
        (!missing.is_empty()).then(|| {
            format!(
                "{} of {} classes have no {name} images{reason}: {}",
                missing.len(),
                classes.len(),
                shortened(missing)
            )
        })
    };
    let untrained = missing(&images.train, classes);
    let untested = missing(&images.test, classes);
    let is_alone = |name: &&str| is_split && !untrained.contains(name);
    let (alone, others): (Vec<&str>, Vec<&str>) = untested.into_iter().partition(is_alone);
    let lacking = [
        lacking("training", &untrained, ""),
        lacking("test", &others, ""),
        lacking("test", &alone, TOO_FEW),
    ];
    single
        .into_iter()
        .chain(lacking.into_iter().flatten())
        .collect()
}

/// Why a class has no test images though a part of each class becomes them.
const TOO_FEW: &str =
    ", as one image is too few to split (add some, or leave them out with `classes`)";

/// Names of the classes that no image of a split has.
fn missing<'a>(split: &Split, classes: &'a [String]) -> Vec<&'a str> {
    let mut seen = vec![false; classes.len()];
    for &label in &split.labels {
        if let Some(seen) = seen.get_mut(usize::from(label)) {
            *seen = true;
        }
    }
    let unseen = classes.iter().zip(seen).filter(|(_, seen)| !seen);
    unseen.map(|(name, _)| name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::{ImageHeader, SourceCheck};

    use super::*;

    fn images(classes: usize, train: &[u16], test: &[u16]) -> Images {
        let split = |labels: &[u16]| Split {
            indices: (0..labels.len() as u32).collect(),
            labels: labels.to_vec(),
            pixels: vec![0; labels.len()],
        };
        Images {
            header: ImageHeader {
                height: 1,
                width: 1,
                channels: 1,
                maximum: 255,
                classes: (0..classes).map(|class| format!("c{class}")).collect(),
                transforms: Vec::new(),
                source: SourceCheck::Unpublished,
            },
            train: split(train),
            test: split(test),
        }
    }

    #[test]
    fn every_split_is_looked_at_on_its_own() {
        assert!(warnings(&images(2, &[1, 0, 1], &[0, 1]), false).is_empty());
        let found = warnings(&images(3, &[1, 1], &[0, 2]), false);
        let expected = [
            "2 of 3 classes have no training images: c0, c2",
            "1 of 3 classes have no test images: c1",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_class_that_is_too_small_to_split_is_named() {
        let found = warnings(&images(4, &[0, 1, 1, 2], &[1, 0]), true);
        let expected = [
            "1 of 4 classes have no training images: c3".to_owned(),
            "1 of 4 classes have no test images: c3".to_owned(),
            format!("1 of 4 classes have no test images{TOO_FEW}: c2"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_single_class_is_told() {
        let found = warnings(&images(1, &[0, 0], &[0]), false);
        assert_eq!(found, ["there is one class only: c0"]);
    }

    #[test]
    fn many_classes_are_counted() {
        let found = warnings(&images(27, &[0], &(0..27).collect::<Vec<_>>()), false);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("c19, c20 and 6 more"), "{}", found[0]);
    }
}
