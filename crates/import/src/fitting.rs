//! Images that weights fit, where those of the data do not: the first layer tells their channels, and the layer after the last
//! image their size.

use std::collections::{BTreeMap, HashSet};

use eigenscope_artifact::InputShape;

use crate::file::WeightFile;
use crate::matching::significant;
use crate::network::{Definition, LONGEST_SIDE, weights};

/// Most parameters of a network that is tried with images of many sizes.
const MAXIMUM_PARAMETERS: usize = 2_000;

/// The images that weights fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fitting {
    pub(crate) shape: InputShape,
    /// The longest side that fits as well: windows leave out what is left over.
    longest: usize,
}

impl Fitting {
    /// Images of exactly this shape.
    pub(crate) fn exactly(shape: InputShape) -> Self {
        let longest = shape.height;
        Self { shape, longest }
    }

    /// Images that fit, with as many channels or pixels as those of the data if possible; `None` if nothing does.
    pub(crate) fn find(
        definition: &Definition,
        file: &WeightFile,
        names: &BTreeMap<String, String>,
        found: InputShape,
        classes: &[String],
    ) -> Option<Self> {
        let stored: HashSet<&[usize]> = file
            .shapes()
            .iter()
            .map(|tensor| significant(&tensor.shape))
            .collect();
        let fits = |shape: InputShape| {
            let Ok(architecture) = definition.architecture(shape, classes.to_vec()) else {
                return false;
            };
            let parameters = architecture.parameters();
            parameters.len() <= MAXIMUM_PARAMETERS
                && parameters
                    .iter()
                    .all(|parameter| stored.contains(significant(&parameter.shape)))
                && definition
                    .resolve(file, names, shape, classes.to_vec())
                    .is_ok_and(|resolved| resolved.matching.is_complete())
        };
        let mut channels = vec![found.channels];
        match *weights(file).first()?.shape {
            [_, read, _, _] => channels.push(read),
            _ => channels.extend([1, 3]),
        }
        let same_size = channels
            .iter()
            .map(|&channels| InputShape { channels, ..found });
        if let Some(shape) = same_size.into_iter().find(|&shape| fits(shape)) {
            return Some(Self::exactly(shape));
        }
        channels.into_iter().find_map(|channels| {
            let square = |side: usize| InputShape::from([channels, side, side]);
            let first = (1..=LONGEST_SIDE).find(|&side| fits(square(side)))?;
            let longest = (first + 1..=LONGEST_SIDE).take_while(|&side| fits(square(side)));
            Some(Self {
                shape: square(first),
                longest: longest.last().unwrap_or(first),
            })
        })
    }

    /// Returns whether images that fit have another size than those of the data.
    pub(crate) fn is_of_another_size(&self, found: InputShape) -> bool {
        (self.shape.height, self.shape.width) != (found.height, found.width)
    }

    /// The difference from the images of the data: what fits, and what those have.
    pub(crate) fn difference(&self, found: InputShape) -> (String, String) {
        let InputShape {
            channels,
            height,
            width,
        } = self.shape;
        let mut parts = Vec::new();
        if channels != found.channels {
            let plural = |count: usize| match count {
                1 => "1 channel".to_owned(),
                count => format!("{count} channels"),
            };
            parts.push((plural(channels), plural(found.channels)));
        }
        if self.is_of_another_size(found) {
            let more = match self.longest > height {
                true => format!(" (up to {0} x {0})", self.longest),
                false => String::new(),
            };
            parts.push((
                format!("{height} x {width} pixels{more}"),
                format!("{} x {} pixels", found.height, found.width),
            ));
        }
        let (fit, have): (Vec<String>, Vec<String>) = parts.into_iter().unzip();
        (fit.join(" and "), have.join(" and "))
    }

    /// What makes such images of those of the data.
    pub(crate) fn remedy(&self, found: InputShape) -> String {
        let InputShape {
            channels,
            height,
            width,
        } = self.shape;
        let mut parts = Vec::new();
        match channels {
            _ if channels == found.channels => {}
            1 => parts.push("make the images grey with the transform `grey`".to_owned()),
            3 if found.channels == 1 => parts.push(
                "use images in colour: of pictures, `channels = \"rgb\"` of the data makes three channels; no transform adds them"
                    .to_owned(),
            ),
            _ => parts.push(format!("use images of {channels} channels")),
        }
        if self.is_of_another_size(found) {
            parts.push(format!(
                "add the transform {{ resize = {{ height = {height}, width = {width} }} }} to the data"
            ));
        }
        parts.join("; ")
    }
}
