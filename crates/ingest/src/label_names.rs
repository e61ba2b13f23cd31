//! Names of columns of labels.

/// Names of label columns that are found by themselves, in small letters; those that come first are preferred.
pub(crate) const LABEL_NAMES: [&str; 13] = [
    "label",
    "labels",
    "class",
    "classes",
    "class_name",
    "class_id",
    "category",
    "category_id",
    "target",
    "fine_label",
    "species",
    "digit",
    "y",
];
