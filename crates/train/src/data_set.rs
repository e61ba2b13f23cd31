//! Images as network inputs: ready in memory where they fit, else made batch by batch.

use eigenscope_artifact::{InputShape, Pixels};
use eigenscope_models::evaluation_rows;

use crate::noise::NormalStream;

/// Inputs are kept ready up to this many values (1 GiB); larger sets are transformed anew for every batch, so that
/// enlarged images never stand in memory all at once.
const READY_VALUES: usize = 1 << 28;

/// The images of one split with their classes.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// What makes inputs of images as stored.
    pixels: Box<Pixels>,
    width: usize,
    inputs: Inputs,
    labels: Vec<u16>,
}

#[derive(Debug, Clone)]
enum Inputs {
    /// `[images, width]`.
    Ready(Vec<f32>),
    /// Images as stored, one after another.
    Stored(Vec<u8>),
}

impl DataSet {
    /// A data set of images as stored, which `pixels` turns into inputs.
    pub fn new(pixels: &Pixels, stored: Vec<u8>, labels: Vec<u16>) -> Self {
        Self::with_limit(pixels, stored, labels, READY_VALUES)
    }

    fn with_limit(pixels: &Pixels, stored: Vec<u8>, labels: Vec<u16>, ready: usize) -> Self {
        let width = pixels.output_len();
        let inputs = if labels.len().saturating_mul(width) <= ready {
            Inputs::Ready(pixels.apply_all(&stored))
        } else {
            Inputs::Stored(stored)
        };
        Self {
            pixels: Box::new(pixels.clone()),
            width,
            inputs,
            labels,
        }
    }

    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// Shape of one input.
    pub fn shape(&self) -> InputShape {
        InputShape::from(self.pixels.output_shape())
    }

    /// Values of every channel of the input that a black image becomes, and of that of a white one.
    pub(crate) fn extremes(&self) -> [Vec<f32>; 2] {
        let InputShape { height, width, .. } = self.shape();
        let colours = self.pixels.extremes();
        // An image of one colour is one before and after all transforms.
        colours.map(|input| input.into_iter().step_by(height * width).collect())
    }

    /// The inputs `rows`, `[rows.len(), width]`.
    ///
    /// # Panics
    /// Panics if a row is out of bounds.
    pub fn gather(&self, rows: &[u32]) -> Vec<f32> {
        match &self.inputs {
            Inputs::Ready(inputs) => {
                let mut gathered = Vec::with_capacity(rows.len() * self.width);
                for &row in rows {
                    gathered.extend_from_slice(&inputs[row as usize * self.width..][..self.width]);
                }
                gathered
            }
            Inputs::Stored(stored) => self.transformed(stored, rows),
        }
    }

    fn transformed(&self, stored: &[u8], rows: &[u32]) -> Vec<f32> {
        let image = stored.len() / self.labels.len();
        let mut inputs = Vec::with_capacity(rows.len() * self.width);
        for &row in rows {
            let stored = &stored[row as usize * image..][..image];
            self.pixels.apply(stored, &mut inputs);
        }
        inputs
    }

    /// The inputs `rows`, `[rows.len(), width]`, with noise of standard deviation `std` added to every value.
    ///
    /// # Panics
    /// Panics if a row is out of bounds.
    pub fn noisy(&self, rows: &[u32], noise: &mut NormalStream, std: f32) -> Vec<f32> {
        let mut out = Vec::new();
        match &self.inputs {
            Inputs::Ready(inputs) => noise.gather(inputs, self.width, rows, std, &mut out),
            Inputs::Stored(stored) => {
                let plain = self.transformed(stored, rows);
                let all: Vec<u32> = (0..rows.len() as u32).collect();
                noise.gather(&plain, self.width, &all, std, &mut out);
            }
        }
        out
    }

    /// All inputs in order with their classes, in batches to evaluate.
    pub fn batches(&self) -> impl Iterator<Item = (Vec<f32>, &[u16])> {
        let rows = evaluation_rows(self.width);
        self.labels
            .chunks(rows)
            .enumerate()
            .map(move |(batch, labels)| {
                let start = batch * rows;
                let inputs = match &self.inputs {
                    Inputs::Ready(inputs) => {
                        inputs[start * self.width..][..labels.len() * self.width].to_vec()
                    }
                    Inputs::Stored(stored) => {
                        let image = stored.len() / self.labels.len();
                        self.pixels
                            .apply_all(&stored[start * image..][..labels.len() * image])
                    }
                };
                (inputs, labels)
            })
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::PixelTransform;
    use eigenscope_stage::Seed;

    use super::*;

    #[test]
    fn ready_and_stored_images_are_the_same_inputs() {
        let transforms = [
            PixelTransform::Scale,
            PixelTransform::Resize {
                height: 5,
                width: 7,
            },
        ];
        let pixels = Pixels::new([1, 2, 3], 16, &transforms).expect("it fits");
        let stored: Vec<u8> = (0..10 * 6).map(|value| value % 17).collect();
        let labels: Vec<u16> = (0..10).collect();
        let ready = DataSet::new(&pixels, stored.clone(), labels.clone());
        let lazy = DataSet::with_limit(&pixels, stored, labels, 0);
        assert!(matches!(ready.inputs, Inputs::Ready(_)));
        assert!(matches!(lazy.inputs, Inputs::Stored(_)));
        let noisy =
            |set: &DataSet| set.noisy(&[7, 0, 3], &mut NormalStream::new(Seed(1), "noise", 0), 0.1);
        assert_eq!(noisy(&ready), noisy(&lazy));
        assert_eq!(ready.gather(&[7, 0, 3]), lazy.gather(&[7, 0, 3]));
        assert_eq!(ready.extremes(), [[0.0; 1], [1.0; 1]]);
        assert!(ready.batches().eq(lazy.batches()));
        let all: Vec<u16> = lazy
            .batches()
            .flat_map(|(_, labels)| labels.to_vec())
            .collect();
        assert_eq!(all, ready.labels());
    }
}
