//! The orthogonal maps between what the layers of two networks read.

use eigenscope_artifact::tables::layers::RSquaredRow;
use eigenscope_artifact::{ImageReader, NamedTensor, SplitName};
use eigenscope_models::{Activations, Architecture, StoredModel, check_images};
use faer::Mat;

use super::cross_moments::{CrossMoments, LinearSamples, cross_moments};
use crate::error::DecomposeError;

/// The alignment of what one layer reads in two networks.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerAlignment {
    pub layer: String,
    /// A `[channels of the reference, channels of the other]`, a partial isometry with phi ~ A psi
    /// ([`CrossMoments::alignment`] of the training split).
    pub map: Mat<f64>,
    /// [`CrossMoments::r_squared`] of A on the training split, then on the test split.
    pub r_squared: [RSquaredRow; 2],
}

/// Aligns `other` with `reference`, layer by layer: one pass over the training images, then one over the test
/// images. Memory: [`cross_moments`].
///
/// No names: every layer but the first and grouped convolutions. `finished` is called with the number of passes done.
///
/// # Errors
/// Returns an error if the networks do not take the images ([`check_images`]), if a layer is not in both networks, reads the data
/// itself or has different places in the two, if a split is empty, or if activations are all zero or overflow.
pub fn align(
    images: &ImageReader,
    reference: &StoredModel,
    other: &StoredModel,
    names: &[String],
    samples: LinearSamples,
    finished: impl Fn(u64),
) -> Result<Vec<LayerAlignment>, DecomposeError> {
    check_images(&reference.architecture, "the reference", images, "the data")?;
    check_images(&other.architecture, "the other network", images, "the data")?;
    let names = aligned_layers(&reference.architecture, &other.architecture, names)?;
    let reference = Activations::new(reference, &names)?;
    let others = [Activations::new(other, &names)?];
    let moments = |split| -> Result<Vec<CrossMoments>, DecomposeError> {
        let networks = cross_moments(images, split, samples, &reference, &others)?;
        Ok(networks.into_iter().flatten().collect())
    };
    let train = moments(SplitName::Train)?;
    finished(1);
    let test = moments(SplitName::Test)?;
    finished(2);
    train
        .into_iter()
        .zip(test)
        .map(|(train, test)| LayerAlignment::new(train, &test))
        .collect()
}

impl LayerAlignment {
    fn new(train: CrossMoments, test: &CrossMoments) -> Result<Self, DecomposeError> {
        let map = train.alignment()?;
        let row =
            |moments: &CrossMoments, split: SplitName| -> Result<RSquaredRow, DecomposeError> {
                Ok(RSquaredRow {
                    layer: moments.layer.clone(),
                    split: split.name().to_owned(),
                    samples: moments.samples,
                    r_squared: moments.r_squared(map.as_ref())?,
                })
            };
        Ok(Self {
            r_squared: [row(&train, SplitName::Train)?, row(test, SplitName::Test)?],
            layer: train.layer,
            map,
        })
    }

    pub(crate) fn tensor(&self) -> NamedTensor {
        let shape @ [rows, columns] = [self.map.nrows(), self.map.ncols()];
        let entries = (0..rows * columns).map(|at| self.map[(at / columns, at % columns)] as f32);
        NamedTensor {
            name: self.layer.clone(),
            shape: shape.to_vec(),
            data: entries.collect(),
        }
    }
}

/// The layers to align: those named, or all but the first.
fn aligned_layers(
    reference: &Architecture,
    other: &Architecture,
    names: &[String],
) -> Result<Vec<String>, DecomposeError> {
    let in_groups = |name: &String| {
        let layers = [reference, other].map(|architecture| architecture.layer(name));
        layers
            .iter()
            .any(|layer| layer.as_ref().is_ok_and(|(_, layer)| layer.groups > 1))
    };
    let [reference, other] = [reference, other].map(|architecture| {
        let layers = architecture.layers();
        layers
            .map(|(_, layer)| layer.name.clone())
            .collect::<Vec<_>>()
    });
    let chosen: Vec<String> = match names {
        [] => {
            let read_activations = reference.iter().skip(1).chain(other.iter().skip(1));
            read_activations
                .filter(|name| !in_groups(name))
                .cloned()
                .collect()
        }
        names => names.to_vec(),
    };
    if chosen.is_empty() {
        return Err(one_layer());
    }
    for layer in &chosen {
        if !reference.contains(layer) || !other.contains(layer) {
            return Err(DecomposeError::Unknown(format!(
                "layer `{layer}` is not in both networks: the reference has {}, the other has {}",
                reference.join(", "),
                other.join(", ")
            )));
        }
        if in_groups(layer) {
            return Err(grouped(layer));
        }
        if reference.first() == Some(layer) || other.first() == Some(layer) {
            return Err(DecomposeError::Undefined(format!(
                "layer `{layer}` reads the data itself, the same in both networks: its alignment is the identity"
            )));
        }
    }
    Ok(chosen)
}

/// The error of a layer whose outputs read groups of channels.
pub(crate) fn grouped(layer: &str) -> DecomposeError {
    DecomposeError::Undefined(format!(
        "layer `{layer}` is a convolution in groups: an alignment mixes all channels, and its weight reads those of one group only"
    ))
}

/// The error of a network with a single layer.
pub(crate) fn one_layer() -> DecomposeError {
    let text = "no layer reads activations: the network has one layer, and it reads the data";
    DecomposeError::Undefined(text.to_owned())
}
