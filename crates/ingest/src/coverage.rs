//! Names of classes, and warnings about classes without images, which a model cannot learn or cannot be tested on, and about a
//! single class.

use std::collections::BTreeSet;

use eigenscope_artifact::{Images, Split};

use crate::error::IngestError;

/// Largest number of names in a warning.
const SHOWN: usize = 20;

/// The names of the classes: those that the user gave, or else those `known` from the files. `None` without either.
pub(crate) fn names(
    known: Option<&[String]>,
    given: &[String],
) -> Result<Option<Vec<String>>, IngestError> {
    match given {
        [] => Ok(known.map(<[String]>::to_vec)),
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
        None => Ok(names.to_vec()),
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

/// A warning about a single class, and one for each split that lacks classes, with their names.
pub(crate) fn warnings(images: &Images) -> Vec<String> {
    let classes = &images.header.classes;
    let splits = [("training", &images.train), ("test", &images.test)];
    let single = match classes.as_slice() {
        [only] => Some(format!("there is one class only: {only}")),
        _ => None,
    };
    let lacking = splits.into_iter().filter_map(|(name, split)| {
        let missing = missing(split, classes);
        (!missing.is_empty()).then(|| {
            format!(
                "{} of {} classes have no {name} images: {}",
                missing.len(),
                classes.len(),
                shortened(&missing)
            )
        })
    });
    single.into_iter().chain(lacking).collect()
}

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
        assert!(warnings(&images(2, &[1, 0, 1], &[0, 1])).is_empty());
        let found = warnings(&images(3, &[1, 1], &[0, 2]));
        let expected = [
            "2 of 3 classes have no training images: c0, c2",
            "1 of 3 classes have no test images: c1",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_single_class_is_told() {
        let found = warnings(&images(1, &[0, 0], &[0]));
        assert_eq!(found, ["there is one class only: c0"]);
    }

    #[test]
    fn many_classes_are_counted() {
        let found = warnings(&images(27, &[0], &(0..27).collect::<Vec<_>>()));
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("c19, c20 and 6 more"), "{}", found[0]);
    }
}
