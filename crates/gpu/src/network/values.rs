//! The buffers that a network is computed in.

use super::memory::Memory;
use super::structure::{Network, Operation};
use crate::{Buffer, Card, GpuError};

/// Values of the windows of a convolution that are made at a time, at most, unless one place has more: 64 MiB.
const WINDOWS: usize = 1 << 24;

/// Most parts of a row that are summed at the same time.
const ROW_PARTS: usize = 1 << 6;
/// Values of a row that are worth a part.
const ROW_PART: usize = 1 << 10;

/// Buffers for a number of images.
#[derive(Debug)]
pub(super) struct Values {
    /// By the numbers of [`Memory::buffer_of`], `[features, images]`.
    pub(super) values: Vec<Buffer<f32>>,
    /// Gradients.
    pub(super) slots: Vec<Buffer<f32>>,
    /// Of every node that takes the largest value of windows, where that was; empty for others.
    pub(super) chosen: Vec<Buffer<u32>>,
    /// Of every normalisation five numbers a channel; empty for others.
    pub(super) moments: Vec<Buffer<f32>>,
    /// Windows of a convolution, or their gradients.
    pub(super) windows: Buffer<f32>,
    /// Partial sums of rows.
    pub(super) parts: Buffer<f64>,
}

/// Numbers of values in the buffers.
struct Lengths {
    floats: Vec<usize>,
    chosen: Vec<usize>,
    moments: Vec<usize>,
    windows: usize,
    parts: usize,
}

impl Lengths {
    fn new(network: &Network, memory: &Memory, images: usize) -> Self {
        let (mut chosen, mut moments) = (Vec::new(), Vec::new());
        let (mut windows, mut rows) = (0, 0);
        for node in &network.nodes {
            let (mut places, mut numbers) = (0, 0);
            match node.operation {
                Operation::Map { map, .. } => {
                    rows = map.outputs.max(rows);
                    if !map.is_of_pixels() {
                        let at_one = map.window_values() * images;
                        let at_once = places_at_once(map.output().places(), at_one);
                        windows = windows.max(at_one * at_once);
                    }
                }
                Operation::Pool(pool) if pool.taken == super::Taken::Largest => {
                    places = network.features[node.output] * images;
                }
                Operation::Normalise { normalisation, .. } => {
                    numbers = 5 * normalisation.image.channels;
                    rows = normalisation.image.channels.max(rows);
                }
                _ => {}
            }
            chosen.push(places);
            moments.push(numbers);
        }
        let features = memory.buffers.iter().chain(&memory.slots);
        Self {
            floats: features.map(|features| features * images).collect(),
            chosen,
            moments,
            windows,
            parts: 2 * rows * ROW_PARTS,
        }
    }
}

/// Places whose windows are made at a time.
pub(super) fn places_at_once(places: usize, values_at_one: usize) -> usize {
    (WINDOWS / values_at_one.max(1)).clamp(1, places.max(1))
}

/// Parts in which a row of so many values is summed.
pub(super) fn row_parts(length: usize) -> usize {
    length.div_ceil(ROW_PART).clamp(1, ROW_PARTS)
}

/// Bytes of all buffers for so many images.
pub(super) fn bytes(network: &Network, memory: &Memory, images: usize) -> usize {
    let lengths = Lengths::new(network, memory, images);
    let all = [&lengths.floats, &lengths.chosen, &lengths.moments];
    let values: usize = all.into_iter().flatten().sum();
    4 * (values + lengths.windows) + 8 * lengths.parts
}

impl Values {
    pub(super) fn new(
        card: &Card,
        network: &Network,
        memory: &Memory,
        images: usize,
    ) -> Result<Self, GpuError> {
        let lengths = Lengths::new(network, memory, images);
        let floats = |lengths: &[usize]| -> Result<Vec<Buffer<f32>>, GpuError> {
            lengths.iter().map(|&length| card.zeros(length)).collect()
        };
        let (values, slots) = lengths.floats.split_at(memory.buffers.len());
        let chosen = lengths.chosen.iter().map(|&length| card.zeros(length));
        Ok(Self {
            values: floats(values)?,
            slots: floats(slots)?,
            chosen: chosen.collect::<Result<_, _>>()?,
            moments: floats(&lengths.moments)?,
            windows: card.zeros(lengths.windows)?,
            parts: card.zeros(lengths.parts)?,
        })
    }
}
