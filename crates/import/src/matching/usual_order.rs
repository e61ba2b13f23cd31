//! The order in which layers usually stand, for files that do not keep it.

use std::collections::BTreeMap;

use super::layers::layers;
use super::{TensorShape, split};

/// The tensors of a file that does not keep the order of layers, in the order in which layers usually stand.
pub(crate) fn in_usual_order(tensors: Vec<TensorShape>) -> Vec<TensorShape> {
    let places: BTreeMap<String, Vec<Place>> = layers(&tensors)
        .iter()
        .map(|layer| {
            let weight = layer.tensors.get("weight");
            let dimensions = weight.map_or(0, |weight| weight.shape.len());
            let is_norm = layer.tensors.contains_key("running_mean");
            (
                layer.name.to_owned(),
                usual_place(layer.name, dimensions, is_norm),
            )
        })
        .collect();
    let mut tensors = tensors;
    tensors.sort_by_cached_key(|tensor| places.get(split(&tensor.name).0).cloned());
    tensors
}

/// Names of modules that come last.
const LAST: [&str; 3] = ["classifier", "head", "fc"];

/// Part of a name, so that parts are in the order in which modules usually stand: numbered convolutions, each before its
/// normalisation; modules with modules in them; what follows the others; linear maps.
type Place = (u8, Vec<(String, u64)>, bool);

/// Where a module with this name usually stands, by the dimensions of its weight and whether it normalises.
fn usual_place(name: &str, dimensions: usize, is_norm: bool) -> Vec<Place> {
    let parts: Vec<&str> = name.split('.').collect();
    let place = |(position, part): (usize, &&str)| -> Place {
        let is_last = LAST.iter().any(|last| part.contains(last));
        match (position + 1 == parts.len(), dimensions) {
            (true, 2) => (if is_last { 4 } else { 3 }, natural(part), false),
            (true, _) => {
                let digits = part.trim_start_matches(|letter: char| !letter.is_ascii_digit());
                (0, natural(digits), is_norm)
            }
            (false, _) => (if is_last { 2 } else { 1 }, natural(part), false),
        }
    };
    parts.iter().enumerate().map(place).collect()
}

/// A name so that numbers in it are ordered as numbers.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts: Vec<(String, u64)> = vec![(String::new(), 0)];
    let mut is_number = false;
    for letter in name.chars() {
        let digit = letter.to_digit(10);
        if is_number && digit.is_none() {
            parts.push((String::new(), 0));
        }
        is_number = digit.is_some();
        if let Some((text, number)) = parts.last_mut() {
            match digit {
                Some(digit) => *number = number.saturating_mul(10).saturating_add(digit.into()),
                None => text.push(letter),
            }
        }
    }
    parts
}
