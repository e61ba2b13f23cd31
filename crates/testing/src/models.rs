//! Models with weights made for a test.

use eigenscope_artifact::NamedTensor;
use eigenscope_models::{Architecture, ParameterShape, StoredModel};
use eigenscope_stage::Seed;

/// A model whose tensors have the values that `values` gives for the n-th of them.
pub fn model_with(
    architecture: &Architecture,
    mut values: impl FnMut(usize, &ParameterShape) -> Vec<f32>,
) -> StoredModel {
    let parameters = architecture.parameters().into_iter().enumerate();
    let tensors = parameters.map(|(number, parameter)| NamedTensor {
        data: values(number, &parameter),
        name: parameter.name,
        shape: parameter.shape,
    });
    let tensors = tensors.collect();
    StoredModel::new(architecture.clone(), tensors).expect("tensors that fit")
}

/// A model before training.
pub fn untrained(architecture: &Architecture, seed: u64) -> StoredModel {
    let mut stream = Seed(seed).stream("test", 0);
    model_with(architecture, |_, parameter| {
        parameter.clone().initial(|| stream.uniform()).data
    })
}
