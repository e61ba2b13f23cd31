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

/// Some names for a message, of numbers that follow each other the first and the last.
fn shortened(names: &[impl AsRef<str>]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let number = |name: &str| name.parse::<i64>().ok();
    let follows = |one: &&str, next: &&str| {
        let next = number(next).and_then(|next| next.checked_sub(1));
        next.is_some() && next == number(one)
    };
    let runs: Vec<&[&str]> = names.chunk_by(follows).collect();
    let runs = runs.into_iter().flat_map(|run| match run {
        [first, _, .., last] => vec![(format!("{first} to {last}"), run.len())],
        few => few.iter().map(|name| ((*name).to_owned(), 1)).collect(),
    });
    let shown: Vec<(String, usize)> = runs.take(SHOWN).collect();
    let count: usize = shown.iter().map(|(_, count)| count).sum();
    let shown: Vec<&str> = shown.iter().map(|(shown, _)| shown.as_str()).collect();
    match names.len().saturating_sub(count) {
        0 => shown.join(", "),
        rest => format!("{} and {rest} more", shown.join(", ")),
    }
}

/// A warning about a single class, one about classes without any image, and one for each split that lacks others, with their names.
/// `is_split`: a part of the training images became the test images, which takes two images of a class. `is_whole`: these are all classes
/// and images of the files, of which `classes` may choose.
pub(crate) fn warnings(images: &Images, is_split: bool, is_whole: bool) -> Vec<String> {
    let classes = &images.header.classes;
    let single = match classes.as_slice() {
        [only] => Some(format!("there is one class only: {only}")),
        _ => None,
    };
    let lacking = |what: &str, missing: &[usize], reason: &str| {
        let names: Vec<&str> = missing
            .iter()
            .map(|&class| classes[class].as_str())
            .collect();
        (!names.is_empty()).then(|| {
            format!(
                "{} of {} classes have no {what}images{reason}: {}",
                names.len(),
                classes.len(),
                shortened(&names)
            )
        })
    };
    let trained = held(&images.train, classes.len());
    let tested = held(&images.test, classes.len());
    let those = |is_trained: bool, is_tested: bool| -> Vec<usize> {
        let with = |class: &usize| trained[*class] == is_trained && tested[*class] == is_tested;
        (0..classes.len()).filter(with).collect()
    };
    let reason = if is_split { TOO_FEW } else { "" };
    let advice = match is_whole {
        true => choice(&trained, &tested),
        false => String::new(),
    };
    let lacking = [
        lacking("", &those(false, false), "").map(|warning| warning + &advice),
        lacking("training ", &those(false, true), ""),
        lacking("test ", &those(true, false), reason),
    ];
    single
        .into_iter()
        .chain(lacking.into_iter().flatten())
        .collect()
}

/// How to leave out classes without images.
fn choice(trained: &[bool], tested: &[bool]) -> String {
    let pairs = trained.iter().zip(tested).enumerate();
    let held = pairs.filter(|(_, (trained, tested))| **trained || **tested);
    let held: Vec<String> = held.map(|(class, _)| class.to_string()).collect();
    match held.len() {
        ..=SHOWN => format!("; `classes = [{}]` leaves them out", held.join(", ")),
        _ => "; `classes` with the others leaves them out".to_owned(),
    }
}

/// Why a class has no test images though a part of each class becomes them.
const TOO_FEW: &str =
    ", as one image is too few to split (add some, or leave them out with `classes`)";

/// Which of so many classes have images in a split.
fn held(split: &Split, classes: usize) -> Vec<bool> {
    let mut held = vec![false; classes];
    for &label in &split.labels {
        if let Some(held) = held.get_mut(usize::from(label)) {
            *held = true;
        }
    }
    held
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
        assert!(warnings(&images(2, &[1, 0, 1], &[0, 1]), false, true).is_empty());
        let found = warnings(&images(3, &[1, 1], &[0, 2]), false, true);
        let expected = [
            "2 of 3 classes have no training images: c0, c2",
            "1 of 3 classes have no test images: c1",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_class_that_is_too_small_to_split_is_named() {
        let found = warnings(&images(4, &[0, 1, 1, 2], &[1, 0]), true, false);
        let expected = [
            "1 of 4 classes have no images: c3".to_owned(),
            format!("1 of 4 classes have no test images{TOO_FEW}: c2"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_single_class_is_told() {
        let found = warnings(&images(1, &[0, 0], &[0]), false, true);
        assert_eq!(found, ["there is one class only: c0"]);
    }

    #[test]
    fn many_classes_are_counted() {
        let found = warnings(&images(27, &[0], &(0..27).collect::<Vec<_>>()), false, true);
        assert_eq!(found.len(), 1);
        assert!(found[0].ends_with("c19, c20 and 6 more"), "{}", found[0]);
    }

    #[test]
    fn gaps_between_numbers_are_told_with_the_way_around_them() {
        let mut gaps = images(21, &[0, 10, 20], &[20]);
        gaps.header.classes = (0..21).map(|class| class.to_string()).collect();
        let found = warnings(&gaps, false, true);
        let expected = [
            "18 of 21 classes have no images: 1 to 9, 11 to 19; `classes = [0, 10, 20]` leaves them out",
            "2 of 21 classes have no test images: 0, 10",
        ];
        assert_eq!(found, expected);
        // Of chosen classes, or a part of the images, that is no advice.
        let found = warnings(&gaps, false, false);
        assert!(found[0].ends_with("11 to 19"), "{}", found[0]);
        assert_eq!(
            shortened(&["1", "2", "4", "5", "6", "8", "b"]),
            "1, 2, 4 to 6, 8, b"
        );
        let many: Vec<String> = (0..60).map(|n| (n * 3 / 2).to_string()).collect();
        assert!(
            shortened(&many).ends_with(" and 40 more"),
            "{}",
            shortened(&many)
        );
    }
}
