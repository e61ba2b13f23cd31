//! Which arrays of a file are images and which their labels, by what they are called.
//!
//! Names are taken apart into words. Images and labels belong together if the same words are left of both names without those for images
//! and labels. The order of the arrays says nothing.

use eigenscope_checkpoint::npz::ArrayInfo;

use crate::error::shown;

/// Words for images.
const IMAGES: [&str; 15] = [
    "x", "xs", "image", "images", "img", "imgs", "picture", "pictures", "pixels", "photo",
    "photos", "input", "inputs", "feature", "features",
];
/// Words for images, unless another word says what they are: `y_data` are labels.
const DATA: [&str; 2] = ["data", "dataset"];
/// Words for labels.
const LABELS: [&str; 12] = [
    "y", "ys", "label", "labels", "lbl", "lbls", "target", "targets", "class", "classes", "truth",
    "gt",
];
/// Words for splits; the first of a row stands for the others.
const SPLITS: [&[&str]; 3] = [
    &[TRAIN, "training", "trn", "tr"],
    &[TEST, "testing", "tst", "te"],
    &[VALIDATION, "validation", "valid", "dev"],
];
const TRAIN: &str = "train";
const TEST: &str = "test";
const VALIDATION: &str = "val";
/// Arrays in a message at most.
const LISTED: usize = 12;

/// The names of an array of images and of that of their labels.
pub(crate) type Pair<'a> = [&'a str; 2];

/// Which arrays are for training and which for testing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chosen<'a> {
    pub(crate) train: Pair<'a>,
    /// Those called test, or else those called validation.
    pub(crate) test: Option<Pair<'a>>,
}

/// Chooses by the names; `None` if they leave it open.
pub(crate) fn choose(arrays: &[ArrayInfo]) -> Option<Chosen<'_>> {
    let pairs = pairs(arrays)?;
    if pairs.is_empty() {
        return only_two(arrays);
    }
    let of = |split: &'static str| pairs.iter().filter(move |pair| pair.split() == Some(split));
    let could_be: Vec<_> = pairs.iter().filter(|pair| pair.is_train()).collect();
    let train = match (could_be.as_slice(), pairs.as_slice()) {
        ([only], _) => *only,
        // Images of a name of their own, such as `mnist_images`, alone.
        ([], [only]) if only.rest.iter().all(|word| !is_split(word)) => only,
        // One called so and nothing else, beside those of other names: `extra_train_images`.
        (several, _) => {
            let plain = several.iter().copied();
            let mut plain = plain.filter(|pair| pair.others().is_empty());
            plain.next().filter(|_| plain.next().is_none())?
        }
    };
    let split = [TEST, VALIDATION]
        .into_iter()
        .find(|split| of(split).next().is_some());
    let test = match split {
        None => None,
        Some(split) => Some(of(split).find(|pair| pair.others() == train.others())?),
    };
    Some(Chosen {
        train: train.names,
        test: test.map(|test| test.names),
    })
}

/// Whether an array is called one of validation.
pub(crate) fn is_validation(name: &str) -> bool {
    Name::of(name).rest.iter().any(|word| word == VALIDATION)
}

/// Names and shapes of arrays in words.
pub(crate) fn listed(arrays: &[&ArrayInfo]) -> String {
    let first = arrays.iter().take(LISTED);
    let mut list: Vec<String> = first
        .map(|array| format!("`{}` {:?}", shown(&array.name), array.shape))
        .collect();
    if let Some(more @ 1..) = arrays.len().checked_sub(LISTED) {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}

/// Images and labels whose names have the same rest.
struct NamedPair<'a> {
    /// Sorted words.
    rest: Vec<String>,
    names: Pair<'a>,
}

impl NamedPair<'_> {
    /// The split that the rest names, if it is one.
    fn split(&self) -> Option<&str> {
        let mut splits = self.rest.iter().filter(|word| is_split(word));
        let split = splits.next()?;
        splits.next().is_none().then_some(split.as_str())
    }

    fn is_train(&self) -> bool {
        self.rest.is_empty() || self.split() == Some(TRAIN)
    }

    /// The rest without splits.
    fn others(&self) -> Vec<&String> {
        self.rest.iter().filter(|word| !is_split(word)).collect()
    }
}

fn is_split(word: &str) -> bool {
    SPLITS.iter().any(|words| words[0] == word)
}

/// Images and labels that belong together; `None` if several arrays could be either of a pair.
fn pairs(arrays: &[ArrayInfo]) -> Option<Vec<NamedPair<'_>>> {
    let named: Vec<(Name, &ArrayInfo)> = arrays
        .iter()
        .map(|array| (Name::of(&array.name), array))
        .collect();
    let mut rests: Vec<&Vec<String>> = named.iter().map(|(name, _)| &name.rest).collect();
    rests.sort();
    rests.dedup();
    let mut pairs = Vec::new();
    for rest in rests {
        let of = |role: Role| {
            let alike = named.iter().filter(|(name, _)| name.rest == *rest);
            let of_role = alike.filter(move |(name, array)| name.role(&array.shape) == Some(role));
            of_role.map(|(_, array)| *array).collect::<Vec<_>>()
        };
        let (images, mut labels) = (of(Role::Images), of(Role::Labels));
        if let ([images], 2..) = (images.as_slice(), labels.len()) {
            // Beside labels there may be the names of all classes.
            labels.retain(|labels| labels.shape.first() == images.shape.first());
        }
        match (images.as_slice(), labels.as_slice()) {
            ([images], [labels]) => pairs.push(NamedPair {
                rest: rest.clone(),
                names: [&images.name, &labels.name],
            }),
            ([], _) | (_, []) => {}
            _ => return None,
        }
    }
    Some(pairs)
}

/// The arrays of a file with two whose names say nothing, such as `arr_0` and `arr_1`: their shapes tell.
fn only_two(arrays: &[ArrayInfo]) -> Option<Chosen<'_>> {
    let [one, other] = arrays else {
        return None;
    };
    let (images, labels) = match one.count() > other.count() {
        true => (one, other),
        false => (other, one),
    };
    let [image_name, label_name] = [images, labels].map(|array| Name::of(&array.name));
    let is_clear = images.count() > labels.count()
        && images.shape.len() >= 2
        && labels.shape.len() <= 2
        && images.shape.first() == labels.shape.first()
        && image_name.said != Some(Role::Labels)
        && label_name.said != Some(Role::Images)
        && [image_name, label_name]
            .iter()
            .all(|name| !name.rest.iter().any(|word| is_split(word)));
    is_clear.then_some(Chosen {
        train: [&images.name, &labels.name],
        test: None,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Images,
    Labels,
}

/// What a name says.
struct Name {
    said: Option<Role>,
    /// The other words, sorted; those for splits are the first of their row of [`SPLITS`].
    rest: Vec<String>,
}

impl Name {
    fn of(name: &str) -> Self {
        let mut said = None;
        let mut is_data = false;
        let mut rest = Vec::new();
        for word in words(name) {
            match role_of(&word) {
                // The last is what the others describe: `image_labels`.
                Some(role) => said = Some(role),
                None if DATA.contains(&word.as_str()) => is_data = true,
                None => rest.push(split_of(&word).map_or(word, str::to_owned)),
            }
        }
        rest.sort();
        Self {
            said: said.or(is_data.then_some(Role::Images)),
            rest,
        }
    }

    /// What an array of this name and shape can be.
    fn role(&self, shape: &[usize]) -> Option<Role> {
        match (self.said, shape.len()) {
            (Some(Role::Images), 2..) => Some(Role::Images),
            (Some(Role::Labels), 1 | 2) => Some(Role::Labels),
            (None, 3..) => Some(Role::Images),
            (None, 1) => Some(Role::Labels),
            _ => None,
        }
    }
}

fn role_of(word: &str) -> Option<Role> {
    match word {
        word if IMAGES.contains(&word) => Some(Role::Images),
        word if LABELS.contains(&word) => Some(Role::Labels),
        _ => None,
    }
}

fn split_of(word: &str) -> Option<&'static str> {
    let row = SPLITS.iter().find(|words| words.contains(&word))?;
    Some(row[0])
}

/// The words of a name in small letters: `X_train`, `trainImages`, `xtrain` and `images2` have two.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let letters: Vec<char> = name.chars().collect();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| letters[at]);
        let is_next_small = letters
            .get(at + 1)
            .is_some_and(|letter| letter.is_lowercase());
        let is_start = before.is_some_and(|before| {
            before.is_numeric() != letter.is_numeric()
                || (letter.is_uppercase() && (before.is_lowercase() || is_next_small))
        });
        if is_start || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
    }
    let words = words.into_iter().filter(|word| !word.is_empty());
    words.flat_map(split_word).collect()
}

/// A word, or the word for a split and the other one that are written as one.
fn split_word(word: String) -> Vec<String> {
    let is_role = |word: &str| role_of(word).is_some() || DATA.contains(&word);
    if is_role(&word) || split_of(&word).is_some() {
        return vec![word];
    }
    let mut cuts = word
        .char_indices()
        .skip(1)
        .map(|(at, _)| word.split_at(at))
        .filter(|(one, other)| {
            (is_role(one) && split_of(other).is_some())
                || (split_of(one).is_some() && is_role(other))
        });
    match cuts.next() {
        Some((one, other)) => vec![one.to_owned(), other.to_owned()],
        None => vec![word],
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use eigenscope_checkpoint::npz::{ArrayValues, Npz, NpzWriter};

    use super::*;

    /// A file of arrays of bytes.
    fn file(arrays: &[(&str, &[usize])]) -> Npz {
        let mut writer = NpzWriter::new(Vec::new());
        for (name, shape) in arrays {
            let values = vec![0; shape.iter().product()];
            let added = writer.add(name, shape, ArrayValues::U8(&values));
            added.expect("added");
        }
        let bytes = writer.finish().expect("finished");
        Npz::of_bytes(Path::new("a.npz"), bytes).expect("a file")
    }

    /// What is chosen where arrays that end in an image word are images and the others labels, all of four images.
    fn chosen(names: &str) -> Option<[String; 2]> {
        let arrays: Vec<(&str, &[usize])> = names
            .split(' ')
            .map(|name| match Name::of(name).said {
                Some(Role::Images) => (name, [4, 2, 2].as_slice()),
                _ => (name, [4].as_slice()),
            })
            .collect();
        let file = file(&arrays);
        let chosen = choose(file.arrays())?;
        let test = chosen.test.map(|names| names.join(" "));
        Some([chosen.train.join(" "), test.unwrap_or_default()])
    }

    #[test]
    fn images_and_labels_of_one_split_belong_together_in_any_order() {
        for (names, train, test) in [
            (
                "train_images train_labels val_images val_labels test_images test_labels",
                "train_images train_labels",
                "test_images test_labels",
            ),
            (
                "val_labels test_labels train_labels test_images val_images train_images",
                "train_images train_labels",
                "test_images test_labels",
            ),
            (
                "X_train y_train X_val y_val X_test y_test",
                "X_train y_train",
                "X_test y_test",
            ),
            (
                "y_test y_val y_train X_val X_test X_train",
                "X_train y_train",
                "X_test y_test",
            ),
            (
                "valid_x valid_y train_x train_y",
                "train_x train_y",
                "valid_x valid_y",
            ),
            (
                "dev_x dev_y train_x train_y test_x test_y",
                "train_x train_y",
                "test_x test_y",
            ),
            ("Xtr Ytr Xte Yte", "Xtr Ytr", "Xte Yte"),
            (
                "trainImages trainTargets testImages testTargets",
                "trainImages trainTargets",
                "testImages testTargets",
            ),
            (
                "x_train_data y_train_data x_test_data y_test_data",
                "x_train_data y_train_data",
                "x_test_data y_test_data",
            ),
            (
                "train_images train_labels extra_images extra_labels",
                "train_images train_labels",
                "",
            ),
            (
                "train_images train_labels test_images",
                "train_images train_labels",
                "",
            ),
            ("images labels", "images labels", ""),
            ("data labels ids", "data labels", ""),
            ("mnist_images mnist_labels", "mnist_images mnist_labels", ""),
            (
                "mnist_test_x mnist_test_y mnist_train_x mnist_train_y",
                "mnist_train_x mnist_train_y",
                "mnist_test_x mnist_test_y",
            ),
            (
                "images targets test_images test_targets",
                "images targets",
                "test_images test_targets",
            ),
            ("pictures truth", "pictures truth", ""),
            (
                "train_dataset train_labels valid_dataset valid_labels test_dataset test_labels",
                "train_dataset train_labels",
                "test_dataset test_labels",
            ),
        ] {
            let expected = [train, test].map(str::to_owned);
            assert_eq!(chosen(names), Some(expected), "{names}");
        }
    }

    #[test]
    fn what_names_leave_open_is_not_chosen() {
        for names in [
            "a_images b_images a_labels b_labels",
            "images labels train_images train_labels",
            "a_train_x a_train_y b_train_x b_train_y",
            "train_x train_y other_test_x other_test_y",
            "test_images test_labels",
            "train_images test_labels",
            "x images y",
            "train_images val_labels extra_labels",
        ] {
            assert_eq!(chosen(names), None, "{names}");
        }
    }

    #[test]
    fn shapes_tell_two_arrays_whose_names_say_nothing() {
        let of = |arrays: &[(&str, &[usize])]| {
            let file = file(arrays);
            choose(file.arrays()).map(|chosen| chosen.train.map(str::to_owned))
        };
        let expected = ["arr_1", "arr_0"].map(str::to_owned);
        assert_eq!(of(&[("arr_0", &[4]), ("arr_1", &[4, 9])]), Some(expected));
        assert_eq!(of(&[("arr_0", &[4]), ("arr_1", &[5, 9])]), None);
        assert_eq!(of(&[("arr_0", &[4, 9]), ("arr_1", &[4, 9])]), None);
        let four: [(&str, &[usize]); 4] = [
            ("arr_0", &[4, 2, 2]),
            ("arr_1", &[4]),
            ("arr_2", &[4, 2, 2]),
            ("arr_3", &[4]),
        ];
        assert_eq!(of(&four), None);
        // Names of classes beside the labels.
        let named: [(&str, &[usize]); 3] = [("classes", &[2]), ("x", &[4, 2, 2]), ("y", &[4])];
        assert_eq!(of(&named), Some(["x", "y"].map(str::to_owned)));
    }
}
