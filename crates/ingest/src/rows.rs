//! Row transforms, applied once at ingest because they drop or relabel rows: similarity label, then
//! class filter, then subset of the training rows. The order of the rows that stay is the source's.
//!
//! All but the similarity label need no pixels: a split without any is filtered like one with all of them.

use eigenscope_artifact::{Images, Split};
use eigenscope_stage::Seed;

use crate::error::IngestError;
use crate::parameters::{SimilarityLabel, Subset};

/// Names of the two classes that a similarity label makes.
const SIMILARITY_CLASSES: [&str; 2] = ["other", "similar"];

/// Applies all row transforms in their order.
pub(crate) fn apply(
    images: &mut Images,
    similarity: &SimilarityLabel,
    classes: &[usize],
    subset: Subset,
    seed: Seed,
) -> Result<(), IngestError> {
    if let SimilarityLabel::SimilarTo {
        train_image,
        threshold,
    } = similarity
    {
        label_by_similarity(images, *train_image, *threshold)?;
    }
    if !classes.is_empty() {
        keep_classes(images, classes)?;
    }
    take_subset(&mut images.train, subset, seed)
}

/// Moves a part of the training images to the test images, the same part of every class, chosen by the seed.
///
/// Of a class of n images, n * fraction rounded are test images, but at least one is of either kind if there are two.
pub(crate) fn split_off_test(images: &mut Images, fraction: f64, seed: Seed) {
    let whole = &mut images.train;
    let mut rows_of: Vec<Vec<usize>> = vec![Vec::new(); images.header.classes.len()];
    for (row, &label) in whole.labels.iter().enumerate() {
        if let Some(rows) = rows_of.get_mut(usize::from(label)) {
            rows.push(row);
        }
    }
    let mut is_test = vec![false; whole.len()];
    for (class, mut rows) in (0..).zip(rows_of) {
        seed.stream("ingest/test-split", class).shuffle(&mut rows);
        for &row in &rows[..test_images(fraction, rows.len())] {
            is_test[row] = true;
        }
    }
    let rows = |test| {
        (0..whole.len())
            .filter(|&row| is_test[row] == test)
            .collect::<Vec<_>>()
    };
    let (train_rows, test_rows) = (rows(false), rows(true));
    images.test = picked(whole, &test_rows);
    keep_rows(whole, &train_rows);
}

/// The number of test images that a class of so many images gives.
pub(crate) fn test_images(fraction: f64, images: usize) -> usize {
    let count = (fraction * images as f64).round() as usize;
    match images {
        0 | 1 => 0,
        images => count.clamp(1, images - 1),
    }
}

/// Copies rows of a split.
fn picked(split: &Split, rows: &[usize]) -> Split {
    let stored = stored_len(split);
    let pixels = rows
        .iter()
        .flat_map(|row| &split.pixels[row * stored..(row + 1) * stored]);
    Split {
        indices: rows.iter().map(|&row| split.indices[row]).collect(),
        labels: rows.iter().map(|&row| split.labels[row]).collect(),
        pixels: pixels.copied().collect(),
    }
}

/// Stored values of one image of a split; 0 if its pixels are not read yet.
fn stored_len(split: &Split) -> usize {
    split.pixels.len() / split.len().max(1)
}

/// Label 1 ("similar") where cos(x, t) > threshold or cos(x, 1 - t) > threshold, else 0 ("other").
///
/// `x` is an image of either split with values 0..1, all channels in one vector, and `t` the training image at `train_image` of the
/// source, before a part of it becomes test images. A cosine with an all-zero vector is 0, so an empty image is "other" for any
/// threshold >= 0. The sums are exact (integers; the scale cancels), the quotient f64.
fn label_by_similarity(
    images: &mut Images,
    train_image: usize,
    threshold: f64,
) -> Result<(), IngestError> {
    let stored = images.header.stored_len();
    let row = training_row(images, train_image)?;
    let image = &images.train.pixels[row * stored..(row + 1) * stored];
    let target = Target::new(image, images.header.maximum, threshold);
    for split in [&mut images.train, &mut images.test] {
        let pixels = split.pixels.chunks_exact(stored);
        for (label, image) in split.labels.iter_mut().zip(pixels) {
            *label = target.label(image);
        }
    }
    images.header.classes = similarity_classes();
    Ok(())
}

/// The row of the training image at `train_image` of the source.
///
/// # Errors
/// There is none: the source has fewer, or it has become a test image.
pub(crate) fn training_row(images: &Images, train_image: usize) -> Result<usize, IngestError> {
    let train = &images.train.indices;
    let position = |indices: &[u32]| {
        let mut indices = indices.iter();
        indices.position(|index| *index as usize == train_image)
    };
    if let Some(row) = position(train) {
        return Ok(row);
    }
    // Images of a test set of its own count from 0, too.
    let test = &images.test.indices;
    let is_one_source = test.first().is_some_and(|first| !train.contains(first));
    let reason = match position(test) {
        Some(_) if is_one_source => format!(
            "image {train_image} is for testing: choose one of the {} training images",
            train.len()
        ),
        _ => no_such_image(train_image, train.len()),
    };
    Err(IngestError::parameter("similarity_label", reason))
}

/// The reason of a similarity label of an image that there is not.
pub(crate) fn no_such_image(train_image: usize, images: usize) -> String {
    format!("there is no training image {train_image}, there are {images}")
}

/// Names of the two classes of a similarity label.
pub(crate) fn similarity_classes() -> Vec<String> {
    SIMILARITY_CLASSES.map(str::to_owned).to_vec()
}

/// The image that others are compared with.
pub(crate) struct Target {
    image: Vec<u8>,
    inverse: Vec<u8>,
    threshold: f64,
}

impl Target {
    /// An image with values of at most `maximum`.
    pub(crate) fn new(image: &[u8], maximum: u8, threshold: f64) -> Self {
        Self {
            image: image.to_vec(),
            inverse: image
                .iter()
                .map(|value| maximum.saturating_sub(*value))
                .collect(),
            threshold,
        }
    }

    /// 1 if `image` is similar, else 0.
    pub(crate) fn label(&self, image: &[u8]) -> u16 {
        let mut others = [&self.image, &self.inverse].into_iter();
        u16::from(others.any(|other| cosine(image, other) > self.threshold))
    }
}

/// a . b / sqrt(a . a * b . b); 0 if either is all zero.
fn cosine(a: &[u8], b: &[u8]) -> f64 {
    let (mut product, mut first, mut second) = (0u64, 0u64, 0u64);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (u64::from(a), u64::from(b));
        product += a * b;
        first += a * a;
        second += b * b;
    }
    if product == 0 {
        return 0.0;
    }
    product as f64 / (first as f64 * second as f64).sqrt()
}

/// Keeps the images of `classes`; the position in that list becomes the label.
fn keep_classes(images: &mut Images, classes: &[usize]) -> Result<(), IngestError> {
    let names = &images.header.classes;
    let mut relabelled: Vec<Option<u16>> = vec![None; names.len()];
    for (new, &class) in classes.iter().enumerate() {
        let wrong = |reason: String| Err(IngestError::parameter("classes", reason));
        match relabelled.get_mut(class) {
            None => {
                return wrong(format!(
                    "there is no class {class}, there are {}: {}",
                    names.len(),
                    names.join(", ")
                ));
            }
            Some(Some(_)) => return wrong(format!("class {class} is given twice")),
            // No more entries than names, whose number fits.
            Some(slot) => *slot = Some(new as u16),
        }
    }
    for (name, split) in [("training", &mut images.train), ("test", &mut images.test)] {
        let keep: Vec<usize> = (0..split.len())
            .filter(|&row| relabelled[usize::from(split.labels[row])].is_some())
            .collect();
        if keep.is_empty() {
            return Err(IngestError::parameter(
                "classes",
                format!("no {name} image has one of the classes {classes:?}"),
            ));
        }
        keep_rows(split, &keep);
        for label in &mut split.labels {
            *label = relabelled[usize::from(*label)].unwrap_or_default();
        }
    }
    images.header.classes = classes.iter().map(|&class| names[class].clone()).collect();
    Ok(())
}

/// Keeps a uniformly random subset of the rows, without replacement: the first rows of a seeded shuffle,
/// so that with one seed a smaller subset is part of every larger one.
fn take_subset(split: &mut Split, subset: Subset, seed: Seed) -> Result<(), IngestError> {
    let rows = split.len();
    let count = match subset {
        Subset::All => return Ok(()),
        Subset::Count(count) if count > rows => {
            return Err(IngestError::parameter(
                "train_count",
                format!("{count} training images wanted, there are {rows}"),
            ));
        }
        Subset::Count(count) => count,
        Subset::Fraction(fraction) => {
            let count = (fraction * rows as f64).round() as usize;
            if count == 0 {
                return Err(IngestError::parameter(
                    "train_fraction",
                    format!("{fraction} of {rows} training images is none"),
                ));
            }
            count.min(rows)
        }
    };
    let mut order: Vec<usize> = (0..rows).collect();
    seed.stream("ingest/subset", 0).shuffle(&mut order);
    order.truncate(count);
    order.sort_unstable();
    keep_rows(split, &order);
    Ok(())
}

/// Moves the rows in `keep` (ascending) to the front, in place, and drops the rest.
fn keep_rows(split: &mut Split, keep: &[usize]) {
    let stored = stored_len(split);
    for (to, &from) in keep.iter().enumerate() {
        split.indices[to] = split.indices[from];
        split.labels[to] = split.labels[from];
        let start = from * stored;
        split.pixels.copy_within(start..start + stored, to * stored);
    }
    split.indices.truncate(keep.len());
    split.labels.truncate(keep.len());
    split.pixels.truncate(keep.len() * stored);
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::{ImageHeader, SourceCheck};
    use proptest::prelude::*;

    use super::*;

    fn split(rows: &[(u16, [u8; 2])]) -> Split {
        Split {
            indices: (0..rows.len() as u32).collect(),
            labels: rows.iter().map(|row| row.0).collect(),
            pixels: rows.iter().flat_map(|row| row.1).collect(),
        }
    }

    fn images(train: &[(u16, [u8; 2])], test: &[(u16, [u8; 2])]) -> Images {
        Images {
            header: ImageHeader {
                height: 1,
                width: 2,
                channels: 1,
                maximum: 16,
                classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
                transforms: Vec::new(),
                source: SourceCheck::Unpublished,
            },
            train: split(train),
            test: split(test),
        }
    }

    #[test]
    fn similarity_compares_with_the_image_and_its_inverse() {
        // t = (16, 0), 1 - t = (0, 16). The cosine of (3, 4) is 0.6 with t and 0.8 with its inverse.
        let mut data = images(
            &[(0, [9, 0]), (1, [16, 0]), (2, [0, 5])],
            &[(2, [3, 4]), (2, [0, 0])],
        );
        label_by_similarity(&mut data, 1, 0.7).expect("valid");
        assert_eq!(data.train.labels, [1, 1, 1]);
        assert_eq!(data.test.labels, [1, 0]);
        assert_eq!(data.header.classes, ["other", "similar"]);
        label_by_similarity(&mut data, 1, 0.8).expect("valid");
        assert_eq!(data.test.labels, [0, 0], "strictly above the threshold");
        label_by_similarity(&mut data, 1, -0.5).expect("valid");
        assert_eq!(
            data.test.labels,
            [1, 1],
            "the cosine of an empty image is 0"
        );
        assert!(label_by_similarity(&mut data, 3, 0.7).is_err());
    }

    #[test]
    fn the_image_is_named_by_its_position_before_the_split() {
        let rows: Vec<(u16, [u8; 2])> = (0..8).map(|row| (row % 2, [row as u8, 9])).collect();
        let mut data = images(&rows, &[]);
        split_off_test(&mut data, 0.5, Seed(3));
        let [train, test] = [&data.train, &data.test].map(|split| split.indices.clone());
        for (row, &index) in train.iter().enumerate() {
            assert_eq!(training_row(&data, index as usize).expect("kept"), row);
            assert_eq!(data.train.pixels[2 * row], index as u8);
        }
        let refused = |image: u32| {
            let error = training_row(&data, image as usize);
            error.expect_err("refused").to_string()
        };
        for image in test {
            let expected = "is for testing: choose one of the 4 training images";
            assert!(refused(image).ends_with(expected));
        }
        assert!(refused(8).ends_with("there is no training image 8, there are 4"));
    }

    #[test]
    fn classes_are_relabelled_in_the_order_given() {
        let rows = [(0, [0, 0]), (1, [1, 1]), (2, [2, 2]), (0, [3, 3])];
        let mut data = images(&rows, &rows);
        keep_classes(&mut data, &[2, 0]).expect("valid");
        assert_eq!(data.train.labels, [1, 0, 1]);
        assert_eq!(data.train.indices, [0, 2, 3]);
        assert_eq!(data.train.pixels, [0, 0, 2, 2, 3, 3]);
        assert_eq!(data.header.classes, ["c", "a"]);
        assert_eq!(data.test.len(), 3);
    }

    #[test]
    fn wrong_classes_say_why() {
        let refused = |classes: &[usize]| {
            keep_classes(&mut images(&[(0, [0, 0])], &[(1, [0, 0])]), classes)
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            refused(&[3]),
            "`classes`: there is no class 3, there are 3: a, b, c"
        );
        assert_eq!(refused(&[1, 1]), "`classes`: class 1 is given twice");
        assert_eq!(
            refused(&[0]),
            "`classes`: no test image has one of the classes [0]"
        );
    }

    #[test]
    fn similarity_comes_before_classes_and_classes_before_subset() {
        let rows = [(0, [16, 0]), (1, [16, 1]), (2, [8, 9])];
        let mut data = images(&rows, &rows);
        let similarity = SimilarityLabel::SimilarTo {
            train_image: 0,
            threshold: 0.9,
        };
        apply(&mut data, &similarity, &[1], Subset::Count(1), Seed(1)).expect("valid");
        assert_eq!(data.header.classes, ["similar"]);
        assert_eq!((data.train.len(), data.test.len()), (1, 2));
        assert!(data.train.indices[0] < 2);
    }

    #[test]
    fn a_subset_is_seeded_and_nested() {
        let rows: Vec<(u16, [u8; 2])> = (0..200).map(|row| (0, [row, 0])).collect();
        let chosen = |subset, seed| {
            let mut split = split(&rows);
            take_subset(&mut split, subset, Seed(seed)).expect("valid");
            assert!(split.indices.is_sorted());
            assert!(
                split
                    .pixels
                    .chunks(2)
                    .zip(&split.indices)
                    .all(|(x, i)| u32::from(x[0]) == *i)
            );
            split.indices
        };
        let half = chosen(Subset::Fraction(0.5), 1);
        assert_eq!(half.len(), 100);
        assert_eq!(half, chosen(Subset::Count(100), 1));
        assert_ne!(half, chosen(Subset::Count(100), 2));
        let eighth = chosen(Subset::Fraction(0.125), 1);
        assert_eq!(eighth.len(), 25);
        assert!(eighth.iter().all(|index| half.contains(index)));
    }

    #[test]
    fn every_class_gives_the_same_part_to_the_test_images() {
        // 100 images of class 0, 10 of class 1, 2 of class 2.
        let label = |row: usize| {
            [(0, 100), (1, 110), (2, 112)]
                .into_iter()
                .find(|(_, end)| row < *end)
        };
        let rows: Vec<(u16, [u8; 2])> = (0..112)
            .map(|row| (label(row).expect("a class").0, [row as u8, 0]))
            .collect();
        let parts = |seed| {
            let mut data = images(&rows, &[]);
            split_off_test(&mut data, 0.2, Seed(seed));
            data
        };
        let data = parts(1);
        let count =
            |split: &Split, class| split.labels.iter().filter(|&&label| label == class).count();
        assert_eq!([0, 1, 2].map(|class| count(&data.train, class)), [80, 8, 1]);
        assert_eq!([0, 1, 2].map(|class| count(&data.test, class)), [20, 2, 1]);
        let mut all = [data.train.indices.clone(), data.test.indices.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..112).collect::<Vec<u32>>());
        for split in [&data.train, &data.test] {
            let pixels = split.pixels.chunks(2).map(|pixels| u32::from(pixels[0]));
            assert!(pixels.eq(split.indices.iter().copied()));
        }
        assert_eq!(data, parts(1));
        assert_ne!(data, parts(2));
    }

    #[test]
    fn impossible_subsets_say_why() {
        let refused = |subset| {
            take_subset(&mut split(&[(0, [0, 0])]), subset, Seed(0))
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            refused(Subset::Count(2)),
            "`train_count`: 2 training images wanted, there are 1"
        );
        assert_eq!(
            refused(Subset::Fraction(0.1)),
            "`train_fraction`: 0.1 of 1 training images is none"
        );
    }

    proptest! {
        #[test]
        fn a_subset_has_the_size_asked_for(rows in 1usize..100, count in 1usize..100) {
            let mut split = split(&vec![(0, [1, 2]); rows]);
            let result = take_subset(&mut split, Subset::Count(count), Seed(5));
            prop_assert_eq!(result.is_ok(), count <= rows);
            prop_assert_eq!(split.len(), count.min(rows));
            prop_assert_eq!(split.pixels.len(), 2 * split.len());
        }
    }
}
