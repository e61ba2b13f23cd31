//! Parts that several figures share: curves, axes, looks of classes, maps of images, and panels of spectra.

pub(crate) mod channels;
pub(crate) mod classes;
pub(crate) mod floor;
pub(crate) mod layer_spectra;
pub(crate) mod series;
