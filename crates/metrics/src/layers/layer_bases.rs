//! Bases of the spaces that the layers of a model read, checked against the model.

use std::collections::BTreeMap;

use eigenscope_artifact::{
    BASES, BasesHeader, BasisHeader, CovarianceOf, NamedTensor, TensorReader,
};
use eigenscope_models::{Layer, StoredModel};
use eigenscope_stage::Input;

use crate::compatibility::check_layers;
use crate::error::MetricError;

/// How far the length of a unit vector may be from 1: f32 and its sums leave 1e-6.
const LENGTH_TOLERANCE: f64 = 1e-3;

/// A `bases` artifact.
pub(crate) struct LayerBases {
    task: String,
    /// Whose covariance the vectors are eigenvectors of.
    pub(crate) of: CovarianceOf,
    layers: BTreeMap<String, BasisHeader>,
    bases: Vec<NamedTensor>,
}

/// A layer of a model with its basis.
pub(crate) struct LayerBasis<'a> {
    /// Position of the layer among the steps of the model.
    pub(crate) position: usize,
    pub(crate) layer: Layer,
    /// Unit vectors `[ranks, layer.inputs()]`, or `[ranks, layer.group_channels()]` of the channels of a convolution.
    pub(crate) basis: &'a NamedTensor,
    /// How many of them leave the Marchenko-Pastur law, where that is known.
    pub(crate) spikes: Option<u32>,
}

impl LayerBases {
    /// Reads an artifact.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read.
    pub(crate) fn read(input: &Input) -> Result<Self, MetricError> {
        let reader = TensorReader::open(&input.path, BASES)?;
        let BasesHeader { of, layers } = reader.header()?;
        Ok(Self {
            task: input.task.clone(),
            of,
            layers,
            bases: reader.read()?,
        })
    }

    /// The named layers in the order of the model, every layer that has a basis for no names.
    ///
    /// # Errors
    /// Returns an error if a layer has no basis or is not in `model`, which `task` made, if a layer of the model has no inputs or
    /// outputs, or if the vectors are not of the width that the layer reads, more than that, or not of length 1.
    pub(crate) fn select(
        &self,
        names: &[String],
        task: &str,
        model: &StoredModel,
    ) -> Result<Vec<LayerBasis<'_>>, MetricError> {
        let all: Vec<(usize, &Layer)> = model.architecture.layers().collect();
        check_not_empty(task, &all)?;
        let of_model: Vec<&str> = all.iter().map(|(_, layer)| layer.name.as_str()).collect();
        let of_bases: Vec<&str> = self.bases.iter().map(|basis| basis.name.as_str()).collect();
        check_layers(task, &of_model, &self.task, &of_bases)?;
        if let Some(name) = names.iter().find(|name| !of_bases.contains(&name.as_str())) {
            return Err(MetricError::Unknown(format!(
                "{} has no basis of layer `{name}`, only of {}",
                self.task,
                of_bases.join(", ")
            )));
        }
        let mut selected = Vec::new();
        for (position, layer) in all {
            let basis = self.bases.iter().find(|basis| basis.name == layer.name);
            if let Some(basis) = basis
                && (names.is_empty() || names.contains(&layer.name))
            {
                self.check(basis, task, layer)?;
                let known = self.layers.get(&layer.name);
                selected.push(LayerBasis {
                    position,
                    spikes: known.and_then(|known| known.spikes),
                    layer: layer.clone(),
                    basis,
                });
            }
        }
        Ok(selected)
    }

    fn check(&self, basis: &NamedTensor, model: &str, layer: &Layer) -> Result<(), MetricError> {
        let inputs = layer.inputs();
        let channels = layer.window.map(|_| layer.group_channels());
        let (bases, layer) = (&self.task, &layer.name);
        let width = match basis.shape[..] {
            [ranks, width] if (1..=width).contains(&ranks) => Some(width),
            _ => None,
        };
        let width = width.filter(|width| *width == inputs || Some(*width) == channels);
        let Some(width) = width else {
            let of_channels = channels.map_or(String::new(), |channels| {
                format!(", or 1 to {channels} of {channels}, its channels")
            });
            return Err(MetricError::Mismatch(format!(
                "{bases}: the basis of layer `{layer}` has shape {:?}, but the layer reads {inputs} values in {model}: \
                 expected 1 to {inputs} vectors of {inputs} values{of_channels}",
                basis.shape
            )));
        };
        let mut lengths = basis.data.chunks_exact(width).map(length).zip(1..);
        match lengths.find(|(length, _)| length.is_nan() || (length - 1.0).abs() > LENGTH_TOLERANCE)
        {
            None => Ok(()),
            Some((length, rank)) => Err(MetricError::Numerics(format!(
                "{bases}: eigenvector {rank} of layer `{layer}` has length {length}, expected 1"
            ))),
        }
    }
}

fn check_not_empty(model: &str, layers: &[(usize, &Layer)]) -> Result<(), MetricError> {
    let mut layers = layers.iter().map(|(_, layer)| layer);
    match layers.find(|layer| layer.inputs() == 0 || layer.outputs == 0) {
        None => Ok(()),
        Some(layer) => Err(MetricError::TooFew(format!(
            "{model}: layer `{}` has {} inputs and {} outputs",
            layer.name,
            layer.inputs(),
            layer.outputs
        ))),
    }
}

fn length(vector: &[f32]) -> f64 {
    let squares = vector.iter().map(|&value| f64::from(value).powi(2));
    squares.sum::<f64>().sqrt()
}
