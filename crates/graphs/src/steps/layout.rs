//! Graphs of images whose channels come last, as TensorFlow has them: steps read channels first.
//!
//! Exporters put a transposition before the first convolution, and the opposite one before the places become one row of values. The first is
//! the layout of the images alone, with the second the columns of the next weight have another order; neither is a step.

use std::collections::HashMap;

use eigenscope_checkpoint::onnx::Node;

use super::Sizes;
use super::error::GraphError;
use super::nodes::{Builder, Known, Values};
use super::parts::Part;
use super::pieces::{Map, Operation, Piece};

/// Images, channels, height and width, from images, height, width and channels.
const TO_FIRST: [i64; 4] = [0, 3, 1, 2];
/// The way back.
const TO_LAST: [i64; 4] = [0, 2, 3, 1];

/// Images that a graph reads with the channels last.
#[derive(Debug)]
pub(super) struct ChannelsLast {
    /// Functions of single values of the images as they are read, by name: what they are with the channels first.
    values: HashMap<String, Values>,
    /// Sizes of the images as they are read.
    pub(super) sizes: Sizes,
}

/// A row of values, the channels of one place after those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowOfPlaces {
    pub(super) channels: usize,
    pub(super) places: usize,
}

impl Builder<'_> {
    pub(super) fn transpose(&mut self, node: &Node) -> Result<(), GraphError> {
        let order = node.ints("perm").unwrap_or_default();
        let known = match (order == TO_FIRST, order == TO_LAST) {
            (true, _) => match self.input(node, 0) {
                Some(Known::ChannelsLast(values)) => Some(Known::Values(values.clone())),
                _ => self.channels_first(node)?,
            },
            (_, true) => match self.input(node, 0) {
                Some(Known::Values(values)) => Some(Known::ChannelsLast(values.clone())),
                _ => None,
            },
            _ => None,
        };
        match known {
            Some(known) => self.define(node, 0, known),
            None => Err(GraphError::of(
                node,
                "it exchanges dimensions; only images with channels last may be brought into the order of steps, channels first, and back",
            )),
        }
    }

    /// Images with one channel, whose dimensions are exchanged by another shape; `false` if the node makes something else.
    pub(super) fn reshaped_images(
        &mut self,
        node: &Node,
        wanted: &[Option<i64>],
    ) -> Result<bool, GraphError> {
        let sizes = match (self.input(node, 0), &self.channels_last) {
            (Some(Known::Values(values)), _) if values.piece == 0 => &self.pieces[0].sizes,
            (None, Some(images)) if images.has(node.inputs.first()) => &images.sizes,
            _ => return Ok(false),
        };
        let ([_, height, width, Some(1)], [_, Some(1), rows, columns]) = (&sizes[..], wanted)
        else {
            return Ok(false);
        };
        let side = |side: &Option<usize>| side.and_then(|side| i64::try_from(side).ok());
        let is_same = |side: Option<i64>, wanted: &Option<i64>| side.is_some() && side == *wanted;
        if !(is_same(side(height), rows) && is_same(side(width), columns)) {
            return Ok(false);
        }
        match self.channels_first(node)? {
            Some(known) => self.define(node, 0, known).map(|()| true),
            None => Ok(false),
        }
    }

    /// The images that a node reads with the channels last, with the channels first from here on; `None` if it reads something else.
    fn channels_first(&mut self, node: &Node) -> Result<Option<Known>, GraphError> {
        let name = node.inputs.first().cloned().unwrap_or_default();
        if let Some(images) = &self.channels_last {
            // Another node that does the same.
            return Ok(images.values.get(&name).cloned().map(Known::Values));
        }
        let values = match self.input(node, 0) {
            Some(Known::Values(values)) if values.piece == 0 => values.clone(),
            _ => return Ok(None),
        };
        let sizes = self.pieces[0].sizes.clone();
        let [count, height, width, channels] = sizes[..] else {
            return Ok(None);
        };
        if self.pieces.len() > 1 {
            let reason = "the images are read with channels last and with channels first";
            return Err(GraphError::of(node, reason));
        }
        self.pieces[0].sizes = vec![count, channels, height, width];
        let mut images = HashMap::new();
        self.known.retain(|name, known| match known {
            Known::Values(values) if values.piece == 0 => {
                images.insert(name.clone(), values.clone());
                false
            }
            _ => true,
        });
        self.channels_last = Some(ChannelsLast {
            values: images,
            sizes,
        });
        Ok(Some(Known::Values(values)))
    }

    /// Notes that the piece that was made last is a row of the places of `parent`, channels last.
    pub(super) fn note_row(&mut self, node: &Node, parent: usize) -> Result<(), GraphError> {
        let row = match self.pieces[parent].sizes[..] {
            [_, Some(channels), Some(height), Some(width)] => height
                .checked_mul(width)
                .map(|places| RowOfPlaces { channels, places }),
            _ => None,
        };
        let row = row.ok_or_else(|| {
            let reason = "it makes a row of places with channels last, whose number is not known";
            GraphError::of(node, reason)
        })?;
        // Otherwise both orders are one.
        if row.channels > 1 && row.places > 1 {
            self.rows.insert(self.pieces.len() - 1, row);
        }
        Ok(())
    }

    /// Checks that only linear maps read rows of places with channels last: their weights are put in order.
    pub(super) fn check_rows(&self, last: usize) -> Result<(), GraphError> {
        let reads_row = |piece: &Piece| match &piece.operation {
            Operation::Map(Map { weight, .. }) => {
                self.rows.contains_key(&piece.parent)
                    && !weight
                        .iter()
                        .all(|part| matches!(part, Part::ChannelsLast { .. }))
            }
            Operation::Sum(left, right) => [left, right]
                .iter()
                .any(|piece| self.rows.contains_key(piece)),
            Operation::Input => false,
            _ => self.rows.contains_key(&piece.parent),
        };
        let mut wrong = self.pieces.iter().filter(|piece| reads_row(piece));
        let place = match wrong.next() {
            Some(piece) => piece.place.clone(),
            None if self.rows.contains_key(&last) => self.pieces[last].place.clone(),
            None => return Ok(()),
        };
        Err(GraphError::new(
            place,
            "it reads places in a row with channels last; only a linear map may do so, whose weight is put in order",
        ))
    }
}

impl ChannelsLast {
    /// Returns whether a value is the images as they are read.
    pub(super) fn has(&self, name: Option<&String>) -> bool {
        name.is_some_and(|name| self.values.contains_key(name))
    }
}

/// Exchanges the columns of a weight of so many values a row: those of ours are places of one channel after those of another.
pub(super) fn in_order(values: &[f32], RowOfPlaces { channels, places }: RowOfPlaces) -> Vec<f32> {
    let row = |row: &[f32]| {
        let channel = |channel| (0..places).map(move |place| place * channels + channel);
        let columns = (0..channels).flat_map(channel);
        columns.map(|column| row[column]).collect::<Vec<f32>>()
    };
    values
        .chunks_exact(channels * places)
        .flat_map(row)
        .collect()
}
