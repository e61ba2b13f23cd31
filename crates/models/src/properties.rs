//! What is true of a network, in the words by which analyses say which networks they are defined for.

use crate::architecture::Architecture;
use crate::shapes::Shapes;

impl Architecture {
    /// The properties of a model: `biased` or `bias-free`; `ungated` without gates; `residual` with residual blocks; `grouped`
    /// with a convolution in groups; `bilinear` if it is one bilinear layer.
    pub fn properties(&self) -> Vec<&'static str> {
        let each = [
            ("biased", self.is_biased()),
            ("bias-free", !self.is_biased()),
            ("ungated", !self.is_gated()),
            ("residual", self.is_residual()),
            ("grouped", self.layers().any(|(_, layer)| layer.groups > 1)),
            ("bilinear", self.bilinear("").is_ok()),
        ];
        let held = each.into_iter().filter(|(_, holds)| *holds);
        held.map(|(name, _)| name).collect()
    }

    /// Names of the layers, in the order in which they are run.
    pub fn layer_names(&self) -> Vec<&str> {
        let layers = self.layers().map(|(_, layer)| layer.name.as_str());
        layers.collect()
    }

    /// Names of the layers that are convolutions.
    pub fn convolutions(&self) -> Vec<&str> {
        let layers = self.layers().map(|(_, layer)| layer);
        let convolutions = layers.filter(|layer| layer.window.is_some());
        convolutions.map(|layer| layer.name.as_str()).collect()
    }

    /// Names of the layers whose weights are images: convolutions, and the first layer if it reads the images.
    pub fn drawable_layers(&self) -> Vec<&str> {
        let mut layers = Vec::new();
        for (number, (_, layer)) in self.layers().enumerate() {
            if layer.window.is_some() || (number == 0 && layer.input == self.input) {
                layers.push(layer.name.as_str());
            }
        }
        layers
    }

    /// Values that all steps together make of one image.
    pub fn values(&self) -> usize {
        let mut shapes = Shapes::new(self.input);
        let made = self.steps().iter().map_while(|step| {
            shapes.take(step).ok()?;
            Some(shapes.current().len())
        });
        made.fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::InputShape;

    use crate::networks;

    #[test]
    fn properties_and_sizes_follow_from_steps() {
        for (network, properties, drawable, [layers, convolutions], values) in [
            // Images of 16 x 16: 12 and 6 places a side, then 2 and 1; with two classes.
            (
                networks::convnet(),
                vec!["biased", "ungated"],
                vec!["conv1", "conv2"],
                [4, 2],
                2 * 32 * 144 + 32 * 36 + 3 * 64 * 4 + 64 + 2 * 128 + 2,
            ),
            (
                networks::mlp(vec![3]),
                vec!["bias-free", "ungated"],
                vec!["layer1"],
                [2, 0],
                3 + 3 + 2,
            ),
            (
                networks::bilinear(5, true),
                vec!["biased", "bilinear"],
                vec!["embed"],
                [3, 0],
                5 + 10 + 5 + 2,
            ),
            (
                networks::bilinear_blocks(5, false, 2, true),
                vec!["bias-free", "residual"],
                vec!["embed"],
                [4, 0],
                5 + 2 * (5 + 10 + 5 + 5) + 2,
            ),
        ] {
            let classes = vec!["no".to_owned(), "yes".to_owned()];
            let architecture = network.architecture(InputShape::from([1, 16, 16]), classes);
            let architecture = architecture.expect("large enough");
            assert_eq!(architecture.properties(), properties);
            assert_eq!(architecture.values(), values);
            assert_eq!(architecture.drawable_layers(), drawable);
            let found = [architecture.layer_names(), architecture.convolutions()];
            assert_eq!(found.map(|names| names.len()), [layers, convolutions]);
        }
    }
}
