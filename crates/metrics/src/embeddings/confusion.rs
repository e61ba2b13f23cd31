//! Images by class and predicted class.

use eigenscope_artifact::tables::embeddings::{ClassAccuracyRow, ConfusionRow};

/// Name of the row of all classes together.
const ALL: &str = "all";

/// The number of images of every pair of `classes` classes: C^2 rows, sorted by class and by predicted class.
///
/// # Panics
/// Panics if a class is not below `classes`.
pub fn confusion(labels: &[u16], predicted: &[u16], classes: usize) -> Vec<ConfusionRow> {
    let mut counts = vec![0; classes * classes];
    for (&label, &predicted) in labels.iter().zip(predicted) {
        counts[usize::from(label) * classes + usize::from(predicted)] += 1;
    }
    let rows = counts.into_iter().enumerate();
    rows.map(|(pair, images)| ConfusionRow {
        label: (pair / classes) as u32,
        predicted: (pair % classes) as u32,
        images,
    })
    .collect()
}

/// Accuracy on every class of a confusion table, in the order of `classes`, and at last that on `all` images.
pub fn class_accuracies(confusion: &[ConfusionRow], classes: &[String]) -> Vec<ClassAccuracyRow> {
    let accuracy = |name: &str, rows: &[ConfusionRow]| {
        let right = rows.iter().filter(|row| row.label == row.predicted);
        let correct = right.map(|row| row.images).sum();
        let images = rows.iter().map(|row| row.images).sum();
        ClassAccuracyRow {
            class: name.to_owned(),
            correct,
            images,
            accuracy_fraction: (images > 0).then(|| f64::from(correct) / f64::from(images)),
        }
    };
    let of_classes = classes.iter().zip(confusion.chunks(classes.len().max(1)));
    of_classes
        .map(|(name, rows)| accuracy(name, rows))
        .chain([accuracy(ALL, confusion)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_without_images_has_no_accuracy() {
        let rows = confusion(&[0, 0, 2], &[0, 1, 2], 3);
        let counts: Vec<u32> = rows.iter().map(|row| row.images).collect();
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((rows[5].label, rows[5].predicted), (1, 2));
        let names = ["a", "b", "c"].map(str::to_owned);
        let accuracies = class_accuracies(&rows, &names);
        let found: Vec<_> = accuracies
            .iter()
            .map(|row| (row.class.as_str(), row.images, row.accuracy_fraction))
            .collect();
        let expected = [
            ("a", 2, Some(0.5)),
            ("b", 0, None),
            ("c", 1, Some(1.0)),
            ("all", 3, Some(2.0 / 3.0)),
        ];
        assert_eq!(found, expected);
    }
}
