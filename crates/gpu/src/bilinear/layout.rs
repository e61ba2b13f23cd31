//! Where the weights of a bilinear layer lie in one buffer.

use crate::GpuError;

/// Sizes of a bilinear layer, logits = U ((L E x + b_l) * (R E x + b_r)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// D.
    pub inputs: usize,
    /// d.
    pub hidden: usize,
    /// C.
    pub classes: usize,
    /// Whether L and R have a bias.
    pub bias: bool,
}

/// The weights, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    /// E `[d, D]`.
    pub embed: Vec<f32>,
    /// L above R, `[2 d, d]`.
    pub gate: Vec<f32>,
    /// b_l before b_r, `[2 d]`; empty without a bias.
    pub bias: Vec<f32>,
    /// U `[C, d]`.
    pub unembed: Vec<f32>,
}

/// Sizes that are multiples of this have the faster products.
const MULTIPLE: usize = 8;

/// The layout of a buffer: E, then L and R, the biases, and U. Hidden units and classes are filled up with zeros, which stay zero in
/// training: their gradients are zero.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    pub(crate) sizes: Sizes,
    /// d, filled up.
    pub(crate) hidden: usize,
    /// C, filled up: values from one row of logits to the next.
    pub(crate) stride: usize,
}

impl Layout {
    pub(crate) fn new(sizes: Sizes) -> Self {
        Self {
            sizes,
            hidden: sizes.hidden.next_multiple_of(MULTIPLE),
            stride: sizes.classes.next_multiple_of(MULTIPLE),
        }
    }

    pub(crate) fn gate(&self) -> usize {
        self.hidden * self.sizes.inputs
    }

    pub(crate) fn bias(&self) -> usize {
        self.gate() + 2 * self.hidden * self.hidden
    }

    pub(crate) fn unembed(&self) -> usize {
        self.bias() + if self.sizes.bias { 2 * self.hidden } else { 0 }
    }

    /// The number of values.
    pub(crate) fn len(&self) -> usize {
        self.unembed() + self.stride * self.hidden
    }

    /// The rows of the filled-up blocks with where they come from: offset in the buffer, name of the part, offset there, length.
    fn rows(&self) -> Vec<(usize, Part, usize, usize)> {
        let Sizes {
            inputs,
            hidden: d,
            classes,
            bias,
        } = self.sizes;
        let halves = [(0, 0), (d, self.hidden)];
        let embed = (0..d).map(|row| (row * inputs, Part::Embed, row * inputs, inputs));
        let gate = halves.into_iter().flat_map(|(from, to)| {
            (0..d).map(move |row| {
                (
                    self.gate() + (to + row) * self.hidden,
                    Part::Gate,
                    (from + row) * d,
                    d,
                )
            })
        });
        let biases = halves.into_iter().filter(|_| bias);
        let biases = biases.map(|(from, to)| (self.bias() + to, Part::Bias, from, d));
        let unembed = (0..classes).map(|row| {
            (
                self.unembed() + row * self.hidden,
                Part::Unembed,
                row * d,
                d,
            )
        });
        embed.chain(gate).chain(biases).chain(unembed).collect()
    }

    /// The weights as the buffer has them.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if a part has another length than the sizes say.
    pub(crate) fn pack(&self, weights: &Weights) -> Result<Vec<f32>, GpuError> {
        let Sizes {
            inputs,
            hidden: d,
            classes,
            bias,
        } = self.sizes;
        let expected = [
            d * inputs,
            2 * d * d,
            if bias { 2 * d } else { 0 },
            classes * d,
        ];
        let found = Part::ALL.map(|part| part.of(weights).len());
        if found != expected {
            return Err(GpuError::Shape(format!(
                "weights of {found:?} values, expected {expected:?}"
            )));
        }
        let mut packed = vec![0.0; self.len()];
        for (to, part, from, length) in self.rows() {
            packed[to..][..length].copy_from_slice(&part.of(weights)[from..][..length]);
        }
        Ok(packed)
    }

    /// The weights in a buffer.
    pub(crate) fn unpack(&self, packed: &[f32]) -> Weights {
        let mut weights = Weights {
            embed: Vec::new(),
            gate: Vec::new(),
            bias: Vec::new(),
            unembed: Vec::new(),
        };
        for (from, part, _, length) in self.rows() {
            part.of_mut(&mut weights)
                .extend_from_slice(&packed[from..][..length]);
        }
        weights
    }
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Embed,
    Gate,
    Bias,
    Unembed,
}

impl Part {
    const ALL: [Part; 4] = [Part::Embed, Part::Gate, Part::Bias, Part::Unembed];

    fn of(self, weights: &Weights) -> &[f32] {
        match self {
            Part::Embed => &weights.embed,
            Part::Gate => &weights.gate,
            Part::Bias => &weights.bias,
            Part::Unembed => &weights.unembed,
        }
    }

    fn of_mut(self, weights: &mut Weights) -> &mut Vec<f32> {
        match self {
            Part::Embed => &mut weights.embed,
            Part::Gate => &mut weights.gate,
            Part::Bias => &mut weights.bias,
            Part::Unembed => &mut weights.unembed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_come_back_as_they_were() {
        let values =
            |count: usize, start: f32| (0..count).map(|value| value as f32 + start).collect();
        for bias in [false, true] {
            let layout = Layout::new(Sizes {
                inputs: 7,
                hidden: 5,
                classes: 3,
                bias,
            });
            let weights = Weights {
                embed: values(35, 1.0),
                gate: values(50, 100.0),
                bias: values(if bias { 10 } else { 0 }, 200.0),
                unembed: values(15, 300.0),
            };
            let packed = layout.pack(&weights).expect("they fit");
            assert_eq!(layout.unpack(&packed), weights);
            assert_eq!(
                packed.iter().filter(|&&value| value != 0.0).count(),
                100 + 2 * weights.bias.len() / 2
            );
        }
    }
}
