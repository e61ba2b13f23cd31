//! Labels of the user's files as classes: which label is which, and what to do about one that is none.

use std::path::Path;

use crate::coverage;
use crate::error::{IngestError, shown};

/// Most classes of a data set.
const MAXIMUM_CLASSES: usize = 1 << 16;
/// The label that data sets give to images without one.
const UNLABELLED: i64 = -1;

/// What labels mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Labelling<'a> {
    /// The label of the first class.
    pub(crate) first_label: i64,
    /// The names that the user gave; empty: none.
    pub(crate) class_names: &'a [String],
    /// The names in the files.
    pub(crate) known: Option<&'a [String]>,
}

/// The labels of a split.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SplitLabels<'a> {
    /// The first of their files.
    pub(crate) path: &'a Path,
    pub(crate) labels: &'a [i64],
}

impl Labelling<'_> {
    /// Names of the classes, and the labels of both splits counted from 0.
    ///
    /// # Errors
    /// The names do not fit the labels, or a label is that of no class.
    pub(crate) fn apply(
        self,
        splits: [SplitLabels<'_>; 2],
    ) -> Result<(Vec<String>, [Vec<u16>; 2]), IngestError> {
        let first = self.first_label;
        let given = coverage::names(self.known, self.class_names)?;
        let count = given.as_ref().map_or(MAXIMUM_CLASSES, Vec::len);
        let class = |label: i64| {
            let class = u16::try_from(label.checked_sub(first)?).ok()?;
            (usize::from(class) < count).then_some(class)
        };
        let outside = splits.iter().find_map(|split| {
            let mut labels = split.labels.iter();
            let image = labels.position(|label| class(*label).is_none())?;
            Some((split.path, image, *split.labels.get(image)?))
        });
        if let Some((path, image, label)) = outside {
            let last = first.saturating_add_unsigned((count as u64).saturating_sub(1));
            let fix = self.advice(splits, count);
            return Err(match self.class_names.len() {
                names @ 1.. if self.known.is_none() => IngestError::parameter(
                    "class_names",
                    format!(
                        "{names} names are those of the labels {first} to {last}, but image {image} of {} has the label {label}; {fix}",
                        shown(path)
                    ),
                ),
                _ => IngestError::Labels {
                    path: path.to_owned(),
                    reason: format!(
                        "label of image {image}: expected {first} to {last}, found {label}; {fix}"
                    ),
                },
            });
        }
        let counted = splits.map(|split| {
            let labels = split.labels.iter();
            labels.filter_map(|label| class(*label)).collect::<Vec<_>>()
        });
        let largest = counted.iter().flatten().max().copied().unwrap_or(0);
        let numbers = || {
            (0..=i64::from(largest))
                .map(|class| (class + first).to_string())
                .collect()
        };
        Ok((given.unwrap_or_else(numbers), counted))
    }

    /// A warning about labels that probably begin elsewhere.
    pub(crate) fn warning(self, splits: [SplitLabels<'_>; 2]) -> Option<String> {
        let labels = splits.iter().flat_map(|split| split.labels);
        let smallest = labels.copied().min()?;
        let first = self.first_label;
        (self.known.is_none() && self.class_names.is_empty() && smallest > first).then(|| {
            format!(
                "no image has the label {first}: if labels begin at {smallest}, set `first_label = {smallest}`"
            )
        })
    }

    /// What to do where labels are not those of `count` classes.
    fn advice(self, splits: [SplitLabels<'_>; 2], count: usize) -> String {
        let labels = || splits.iter().flat_map(|split| split.labels).copied();
        let smallest = labels().min().unwrap_or_default();
        let largest = labels().max().unwrap_or_default();
        let needed = largest.abs_diff(smallest).saturating_add(1);
        let unlabelled = labels().filter(|label| *label == UNLABELLED).count();
        let remove =
            format!("{UNLABELLED} often stands for no label: remove these images ({unlabelled})");
        let is_unlabelled = smallest == UNLABELLED && self.first_label > UNLABELLED;
        if self.known.is_some() {
            return match is_unlabelled {
                true => remove,
                false => "mend or remove such images".to_owned(),
            };
        }
        if is_unlabelled && largest == 1 && labels().all(|label| label != 0) {
            return "write 0 and 1 in place of -1 and 1".to_owned();
        }
        let names_fit = !self.class_names.is_empty() && needed == count as u64;
        if is_unlabelled && !names_fit {
            let names = match self.class_names {
                [] => String::new(),
                _ => format!(" and give {needed} names"),
            };
            return format!(
                "{remove}, or, if it is a class, set `first_label = {UNLABELLED}`{names}"
            );
        }
        if needed <= count as u64 && smallest != self.first_label {
            return format!("do labels begin at {smallest}? set `first_label = {smallest}`");
        }
        match self.class_names {
            [] => "number the classes one after the other".to_owned(),
            _ => format!(
                "give {needed} names, those of the labels {smallest} to {largest}, or mend the labels"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(first_label: i64, class_names: &[&str], labels: &[i64]) -> String {
        let class_names: Vec<String> = class_names.iter().map(|&name| name.to_owned()).collect();
        let labelling = Labelling {
            first_label,
            class_names: &class_names,
            known: None,
        };
        let split = |labels| SplitLabels {
            path: Path::new("a.npz"),
            labels,
        };
        let error = labelling.apply([split(labels), split(&[])]);
        error.expect_err("refused").to_string()
    }

    #[test]
    fn advice_leads_to_labels_that_fit() {
        for (first, names, labels, advice) in [
            (
                0,
                &["a", "b"][..],
                &[1, 2][..],
                "do labels begin at 1? set `first_label = 1`",
            ),
            (
                1,
                &["a", "b"],
                &[0, 1],
                "do labels begin at 0? set `first_label = 0`",
            ),
            (
                0,
                &["a", "b"],
                &[0, -1],
                "do labels begin at -1? set `first_label = -1`",
            ),
            (
                1,
                &[],
                &[0, 1],
                "do labels begin at 0? set `first_label = 0`",
            ),
            (
                0,
                &["a", "b"],
                &[-1, 1, 1],
                "write 0 and 1 in place of -1 and 1",
            ),
            (0, &[], &[1, -1], "write 0 and 1 in place of -1 and 1"),
            (
                0,
                &["a", "b"],
                &[0, -1, 1, -1],
                "-1 often stands for no label: remove these images (2), or, if it is a class, set `first_label = -1` and give 3 names",
            ),
            (
                0,
                &[],
                &[0, -1, 4],
                "-1 often stands for no label: remove these images (1), or, if it is a class, set `first_label = -1`",
            ),
            (
                1,
                &["a", "b"],
                &[1, 2, 3],
                "give 3 names, those of the labels 1 to 3, or mend the labels",
            ),
            (
                0,
                &[],
                &[0, 1 << 40],
                "number the classes one after the other",
            ),
            (
                0,
                &[],
                &[i64::MIN, i64::MAX],
                "number the classes one after the other",
            ),
        ] {
            let error = refused(first, names, labels);
            assert!(error.ends_with(&format!("; {advice}")), "{error}");
        }
    }

    #[test]
    fn a_label_of_no_class_is_told_by_image_and_file() {
        assert!(
            refused(0, &["a", "b"], &[0, 2]).starts_with(
                "`class_names`: 2 names are those of the labels 0 to 1, but image 1 of a.npz has the label 2;"
            )
        );
        assert!(
            refused(1, &[], &[1, 0])
                .starts_with("a.npz: label of image 1: expected 1 to 65536, found 0;")
        );
    }
}
