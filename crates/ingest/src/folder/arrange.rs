//! Which pictures belong to which split and class, by their paths.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use eigenscope_artifact::{LeftOut, escaped};

use super::{FileAt, Root, Use};
use crate::error::{IngestError, shown};

/// Names of folders of training images, in small letters.
const TRAIN: [&str; 3] = ["train", "training", "trn"];
/// Names of folders of test images.
const TEST: [&str; 3] = ["test", "testing", "tst"];
/// Names of folders of images that are neither.
const VALIDATION: [&str; 4] = ["val", "valid", "validation", "dev"];
/// Most classes, as labels are 16-bit numbers.
const MAXIMUM_CLASSES: usize = 1 << 16;

/// A picture of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) file: FileAt,
    pub(crate) label: u16,
}

/// Pictures of a split: by class, then by folder and name.
pub(crate) type Part = Vec<Sample>;

/// All pictures that are used.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrangement {
    /// Names of the class folders, sorted by their bytes, with control characters escaped.
    pub(crate) classes: Vec<String>,
    pub(crate) train: Part,
    /// `None`: there is one set, a part of which becomes the test images.
    pub(crate) test: Option<Part>,
    /// What the user should know.
    pub(crate) notes: Vec<String>,
}

impl Arrangement {
    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.train.iter().chain(self.test.iter().flatten())
    }
}

/// A picture, its split and its class.
struct Found<'a> {
    is_test: bool,
    class: &'a OsStr,
    file: FileAt,
}

/// Finds split and class of every picture.
pub(crate) fn arrange(roots: &[Root]) -> Result<Arrangement, IngestError> {
    let mut found = Vec::new();
    let mut notes = Vec::new();
    let mut has_test = false;
    for (position, root) in roots.iter().enumerate() {
        match root.used_as {
            Use::Whole => has_test |= whole(root, position, &mut found, &mut notes)?,
            Use::Train => classes_in(root, position, None, false, &mut found)?,
            Use::Test => {
                has_test = true;
                classes_in(root, position, None, true, &mut found)?;
            }
        }
    }
    let names: BTreeSet<&OsStr> = found.iter().map(|found| found.class).collect();
    let names: Vec<&OsStr> = names.into_iter().collect();
    let classes = class_names(roots, &names)?;
    let part = |test: bool| {
        let found = found.iter().filter(|found| found.is_test == test);
        let mut samples: Part = found
            .map(|found| Sample {
                file: found.file,
                // At most MAXIMUM_CLASSES.
                label: names.binary_search(&found.class).unwrap_or_default() as u16,
            })
            .collect();
        // Stable: within a class in the order of the listing.
        samples.sort_by_key(|sample| sample.label);
        samples
    };
    Ok(Arrangement {
        classes,
        train: part(false),
        test: has_test.then(|| part(true)),
        notes,
    })
}

fn class_names(roots: &[Root], names: &[&OsStr]) -> Result<Vec<String>, IngestError> {
    let refused = |reason: String| IngestError::Folder {
        path: roots
            .first()
            .map(|root| root.path.clone())
            .unwrap_or_default(),
        reason,
    };
    if names.len() > MAXIMUM_CLASSES {
        let reason = format!(
            "{} classes, at most {MAXIMUM_CLASSES} are possible",
            names.len()
        );
        return Err(refused(reason));
    }
    let name = |name: &&OsStr| {
        let text = name.to_str().map(escaped);
        text.ok_or_else(|| {
            refused(format!(
                "the name of the class folder {} is not UTF-8: rename it",
                shown(name)
            ))
        })
    };
    names.iter().map(name).collect()
}

/// The first part of a path that has more than one, and the number of all.
fn first_part(path: &Path) -> (Option<&OsStr>, usize) {
    let count = path.components().count();
    let first = path.components().next().map(|part| part.as_os_str());
    (first.filter(|_| count > 1), count)
}

/// Adds the pictures of a folder that holds splits or classes. Returns whether some are test images.
fn whole<'a>(
    root: &'a Root,
    position: usize,
    found: &mut Vec<Found<'a>>,
    notes: &mut Vec<String>,
) -> Result<bool, IngestError> {
    let files = &root.listing.files;
    let mut folders: BTreeSet<&OsStr> = BTreeSet::new();
    for file in files {
        folders.extend(first_part(file).0);
    }
    let named = |words: &[&str]| {
        let is = |folder: &&&OsStr| words.iter().any(|word| folder.eq_ignore_ascii_case(word));
        folders.iter().find(is).copied()
    };
    // A class may be called `train`: a folder of training images has folders of classes.
    let holds_classes = |folder: &&OsStr| {
        let mut inside = files.iter().map(|file| first_part(file));
        inside.all(|(first, parts)| first != Some(*folder) || parts > 2)
    };
    let train = named(&TRAIN).filter(holds_classes);
    let Some(train) = train else {
        if let Some(hint) = nested(root, &folders) {
            return Err(hint);
        }
        classes_in(root, position, None, false, found)?;
        return Ok(false);
    };
    classes_in(root, position, Some(train), false, found)?;
    let (test, validation) = (named(&TEST), named(&VALIDATION));
    let count = |folder: &OsStr| files.iter().filter(|file| file.starts_with(folder)).count();
    match (test, validation) {
        (Some(_), Some(validation)) => notes.push(format!(
            "{} is not used ({} pictures): models are trained on {} and tested on {}; to use it, give `train` and `test` in place of `folder`",
            shown(root.path.join(validation)),
            count(validation),
            shown(train),
            shown(test.unwrap_or_default())
        )),
        (None, Some(validation)) => notes.push(format!(
            "{} are the test images: there is no folder `test` beside `{}`",
            shown(root.path.join(validation)),
            shown(train)
        )),
        _ => {}
    }
    let used = test.or(validation);
    if let Some(folder) = used {
        classes_in(root, position, Some(folder), true, found)?;
    }
    let others = folders
        .iter()
        .filter(|folder| ![Some(train), test, validation].contains(&Some(**folder)));
    let others: Vec<String> = others.map(shown).collect();
    if !others.is_empty() {
        notes.push(format!(
            "not used, as they stand beside `{}`: {}",
            shown(train),
            others.join(", ")
        ));
    }
    Ok(used.is_some())
}

/// The error about a folder whose only folder holds the splits: what unpacking an archive twice leaves.
fn nested(root: &Root, folders: &BTreeSet<&OsStr>) -> Option<IngestError> {
    let [only] = folders.iter().collect::<Vec<_>>()[..] else {
        return None;
    };
    let mut second = root
        .listing
        .files
        .iter()
        .filter_map(|file| file.components().nth(1));
    let is_train = |name: &OsStr| TRAIN.iter().any(|word| name.eq_ignore_ascii_case(word));
    let holds_train = second.any(|part| is_train(part.as_os_str()));
    holds_train.then(|| IngestError::Folder {
        path: root.path.clone(),
        reason: format!(
            "the training images are one folder further inside: give {}",
            shown(root.path.join(only))
        ),
    })
}

/// Adds the pictures of the folders of classes in `root`, or in `split` there.
fn classes_in<'a>(
    root: &'a Root,
    position: usize,
    split: Option<&OsStr>,
    is_test: bool,
    found: &mut Vec<Found<'a>>,
) -> Result<(), IngestError> {
    let place = split.map_or_else(|| root.path.clone(), |split| root.path.join(split));
    let refused = |reason: String| {
        Err(IngestError::Folder {
            path: place.clone(),
            reason,
        })
    };
    let before = found.len();
    for (file, picture) in root.listing.files.iter().enumerate() {
        let mut parts = picture.components().map(|part| part.as_os_str());
        if split.is_some_and(|split| parts.next() != Some(split)) {
            continue;
        }
        match (parts.next(), parts.next()) {
            (Some(class), Some(_)) => found.push(Found {
                is_test,
                class,
                file: (position, file),
            }),
            (name, _) => {
                let name = shown(name.unwrap_or_default());
                return refused(format!(
                    "the picture {name} stands beside the folders of classes: move it into the folder of its class; {EXPECTED}"
                ));
            }
        }
    }
    if found.len() == before {
        let others = other_files(root, split);
        return refused(format!("there are no pictures in it{others}; {EXPECTED}"));
    }
    Ok(())
}

/// A hint at files that are there and do not count.
fn other_files(root: &Root, split: Option<&OsStr>) -> String {
    let is_within = |path: &Path| split.is_none_or(|split| path.starts_with(split));
    let left_out = root.listing.left_out.iter();
    let mut others = left_out.filter(|(path, why)| *why == LeftOut::NotAPicture && is_within(path));
    match (others.next(), others.count()) {
        (None, _) => String::new(),
        (Some((path, _)), 0) => format!(", but {}", shown(path)),
        (Some((path, _)), more) => {
            format!(", but {} and {more} more of other endings", shown(path))
        }
    }
}

const EXPECTED: &str = "expected are train/CLASS/picture.png and test/CLASS/picture.png, or CLASS/picture.png, with the endings bmp, gif, jpg, png, tif or webp";
