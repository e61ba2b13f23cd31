//! Parts that several figures share: curves, axes, looks of classes, heat maps, limits of colours, maps of images, pictures on scales of their own, and panels of
//! spectra.

pub(crate) mod chance;
pub(crate) mod channels;
pub(crate) mod classes;
pub(crate) mod extent;
pub(crate) mod floor;
pub(crate) mod heat_map;
pub(crate) mod layer_spectra;
pub(crate) mod relative;
pub(crate) mod series;
