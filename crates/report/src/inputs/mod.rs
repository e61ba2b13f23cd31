//! What figures read: tables in the form that figures need, and the names of inputs.

pub(crate) mod class_accuracy;
pub(crate) mod eigenpairs;
pub(crate) mod embedding_sample;
pub(crate) mod groups;
pub(crate) mod image_lookup;
pub(crate) mod label_axis;
pub(crate) mod labels;
pub(crate) mod layers;
pub(crate) mod looks;
