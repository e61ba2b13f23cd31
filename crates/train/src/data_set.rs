//! Images as network inputs: ready in memory where they fit, else made batch by batch.

use std::borrow::Cow;
use std::sync::OnceLock;

use eigenscope_artifact::{InputShape, Pixels};

use crate::noise::NormalStream;

/// Inputs are kept ready up to this many values (1 GiB); larger sets are transformed anew for every batch, so that
/// enlarged images never stand in memory all at once.
const READY_VALUES: usize = 1 << 28;

/// Images, and values of inputs, of a batch that is made to look through all of them: 64 MiB of inputs at most.
const BATCH_ROWS: usize = 2000;
const BATCH_VALUES: usize = 1 << 24;

/// The images of one split with their classes.
#[derive(Debug, Clone)]
pub struct DataSet {
    /// What makes inputs of images as stored.
    pixels: Box<Pixels>,
    width: usize,
    /// Images as stored, one after another; none where only the inputs are kept.
    stored: Vec<u8>,
    labels: Vec<u16>,
    /// Inputs `[images, width]`, made when they are first asked for, if they fit; a graphics card makes its own.
    ready: OnceLock<Vec<f32>>,
    /// Most values that are kept ready.
    limit: usize,
}

impl DataSet {
    /// A data set of images as stored, which `pixels` turns into inputs.
    pub fn new(pixels: &Pixels, stored: Vec<u8>, labels: Vec<u16>) -> Self {
        Self::with_limit(pixels, stored, labels, READY_VALUES)
    }

    fn with_limit(pixels: &Pixels, stored: Vec<u8>, labels: Vec<u16>, limit: usize) -> Self {
        Self {
            pixels: Box::new(pixels.clone()),
            width: pixels.output_len(),
            stored,
            labels,
            ready: OnceLock::new(),
            limit,
        }
    }

    /// The data set for the processor: with its inputs in place of the images as stored, unless they are too many to be kept.
    pub(crate) fn made_ready(mut self) -> Self {
        if self.ready().is_some() {
            self.stored = Vec::new();
        }
        self
    }

    /// All inputs, unless they are too many to be kept.
    fn ready(&self) -> Option<&[f32]> {
        let fits = self.labels.len().saturating_mul(self.width) <= self.limit;
        let make = || self.pixels.apply_all(&self.stored);
        fits.then(|| self.ready.get_or_init(make).as_slice())
    }

    /// What makes inputs of images as stored.
    pub(crate) fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// The images as they are stored, one after another.
    pub(crate) fn stored(&self) -> &[u8] {
        &self.stored
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

    /// Writes the inputs `rows` to `out` `[rows.len(), width]`.
    ///
    /// # Panics
    /// Panics if a row is out of bounds.
    pub fn gather(&self, rows: &[u32], out: &mut [f32]) {
        match self.ready() {
            Some(inputs) => {
                for (out, &row) in out.chunks_exact_mut(self.width).zip(rows) {
                    out.copy_from_slice(&inputs[row as usize * self.width..][..self.width]);
                }
            }
            None => out.copy_from_slice(&self.transformed(rows)),
        }
    }

    fn transformed(&self, rows: &[u32]) -> Vec<f32> {
        let image = self.stored.len() / self.labels.len();
        let mut inputs = Vec::with_capacity(rows.len() * self.width);
        for &row in rows {
            let stored = &self.stored[row as usize * image..][..image];
            self.pixels.apply(stored, &mut inputs);
        }
        inputs
    }

    /// As [`DataSet::gather`], with noise of standard deviation `std` added to every value.
    ///
    /// # Panics
    /// Panics if a row is out of bounds.
    pub fn noisy(&self, rows: &[u32], noise: &mut NormalStream, std: f32, out: &mut [f32]) {
        match self.ready() {
            Some(inputs) => noise.gather(inputs, self.width, rows, std, out),
            None => {
                out.copy_from_slice(&self.transformed(rows));
                noise.add(out, self.width, std);
            }
        }
    }

    /// All inputs in order with their classes, in batches of any size.
    pub fn batches(&self) -> impl Iterator<Item = (Cow<'_, [f32]>, &[u16])> {
        self.batches_of((BATCH_VALUES / self.width).clamp(1, BATCH_ROWS))
    }

    /// As [`batches`](Self::batches), of `rows` images each.
    pub fn batches_of(&self, rows: usize) -> impl Iterator<Item = (Cow<'_, [f32]>, &[u16])> {
        self.labels
            .chunks(rows.max(1))
            .enumerate()
            .map(move |(batch, labels)| {
                let start = batch * rows;
                let inputs = match self.ready() {
                    Some(inputs) => {
                        let inputs = &inputs[start * self.width..][..labels.len() * self.width];
                        Cow::Borrowed(inputs)
                    }
                    None => {
                        let image = self.stored.len() / self.labels.len();
                        let stored = &self.stored[start * image..][..labels.len() * image];
                        Cow::Owned(self.pixels.apply_all(stored))
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
        let lazy = DataSet::with_limit(&pixels, stored, labels, 0).made_ready();
        assert!(ready.ready().is_some());
        let ready = ready.made_ready();
        assert!(ready.stored().is_empty() && !lazy.stored().is_empty());
        assert!(lazy.ready().is_none());
        let rows = [7, 0, 3];
        let made = |noise: bool, set: &DataSet| {
            let mut out = vec![0.0; 3 * 35];
            let mut stream = NormalStream::new(Seed(1), "noise", 0);
            match noise {
                true => set.noisy(&rows, &mut stream, 0.1, &mut out),
                false => set.gather(&rows, &mut out),
            }
            out
        };
        for noise in [false, true] {
            assert_eq!(made(noise, &ready), made(noise, &lazy));
        }
        assert_eq!(ready.extremes(), [[0.0; 1], [1.0; 1]]);
        assert!(ready.batches().eq(lazy.batches()));
        let all: Vec<u16> = lazy
            .batches()
            .flat_map(|(_, labels)| labels.to_vec())
            .collect();
        assert_eq!(all, ready.labels());
    }
}
