//! What the kinds `activation-covariance` and `weight-covariance` share: the choice of layers, and the two artifacts for the
//! eigenvalues and eigenvectors of each layer.

use std::collections::BTreeMap;

use eigenscope_artifact::tables::layers::LayerSpectrumRow;
use eigenscope_artifact::{
    BASES, BasesHeader, BasisHeader, CovarianceOf, NamedTensor, write_tensors,
};
use eigenscope_stage::{Context, Parameter, ParameterType, TaskError};

use crate::layers::Eigenbasis;

/// Attribute of bases: whose covariance they are eigenvectors of.
pub(super) const COVARIANCE: &str = "covariance";

/// The parameter that chooses layers of the role `model`.
pub(super) fn layers_parameter() -> Parameter {
    Parameter::optional(
        "layers",
        ParameterType::set(ParameterType::Text),
        Vec::<String>::new(),
        "names of the layers; none: all of them",
    )
    .naming("model", "layers")
}

/// Eigenvalues and eigenvectors of the covariances of several layers.
pub(super) struct Covariances {
    of: CovarianceOf,
    spectrum: Vec<LayerSpectrumRow>,
    headers: BTreeMap<String, BasisHeader>,
    bases: Vec<NamedTensor>,
}

impl Covariances {
    pub(super) fn new(of: CovarianceOf) -> Self {
        Self {
            of,
            spectrum: Vec::new(),
            headers: BTreeMap::new(),
            bases: Vec::new(),
        }
    }

    /// Adds the eigenvectors of a layer; `spikes` as in [`BasisHeader`].
    pub(super) fn add_basis(&mut self, layer: &str, basis: &Eigenbasis, spikes: Option<u32>) {
        self.headers.insert(layer.to_owned(), basis.header(spikes));
        self.bases.push(basis.tensor(layer));
    }

    /// Adds eigenvalues of a layer, given in descending order.
    pub(super) fn add_spectrum(&mut self, series: &str, layer: &str, eigenvalues: Vec<f64>) {
        let ranks = eigenvalues.into_iter().zip(1..);
        let rows = ranks.map(|(eigenvalue, rank)| LayerSpectrumRow {
            series: series.to_owned(),
            layer: layer.to_owned(),
            rank,
            eigenvalue,
        });
        self.spectrum.extend(rows);
    }

    pub(super) fn write(self, context: &Context) -> Result<(), TaskError> {
        context.write(&self.spectrum)?;
        let header = BasesHeader {
            of: self.of,
            layers: self.headers,
        };
        let path = context.output(BASES)?;
        write_tensors(path, BASES, &header, &self.bases, context.provenance())?;
        Ok(())
    }
}
