//! Initial weights of a model.

use eigenscope_artifact::NamedTensor;
use eigenscope_models::Architecture;
use eigenscope_stage::Seed;

/// PyTorch's default initialisation: every weight and bias uniform in ±1/sqrt(fan_in).
///
/// Each tensor draws from a stream of its own, so that adding one does not change the others.
pub fn initialise(architecture: &Architecture, seed: Seed) -> Vec<NamedTensor> {
    let parameters = architecture.parameters().into_iter();
    parameters
        .map(|parameter| {
            let mut stream = seed.stream(&parameter.purpose(), 0);
            parameter.initial(|| stream.uniform())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::InputShape;
    use eigenscope_models::networks;

    use super::*;

    #[test]
    fn weights_are_uniform_within_their_bounds() {
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let network = networks::bilinear(100, true);
        let architecture = network.architecture(InputShape::from([1, 20, 20]), classes);
        let architecture = architecture.expect("any input fits");
        let draw = |seed| initialise(&architecture, seed);
        let tensors = draw(Seed(7));
        assert_eq!(tensors.len(), 4);
        let embed = &tensors[0];
        assert_eq!(embed.shape, [100, 400]);
        let bound = 1.0 / 20.0;
        assert!(embed.data.iter().all(|value| value.abs() <= bound));
        // Variance of a uniform distribution: bound^2 / 3; its estimate from 40,000 draws is within 2%.
        let variance = embed.data.iter().map(|value| value * value).sum::<f32>() / 40_000.0;
        assert!(
            (variance / (bound * bound / 3.0) - 1.0).abs() < 0.02,
            "{variance}"
        );
        assert_ne!(draw(Seed(8)), tensors);
        assert_eq!(draw(Seed(7)), tensors);
    }
}
