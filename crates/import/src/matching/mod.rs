//! Which tensor of a file is which tensor of a network: by names that are given, by equal names, or by order.

mod by_name;
mod layers;
mod report;
mod usual_order;

use std::collections::BTreeMap;

use by_name::Open;
use layers::{Layer, by_shapes, difference, layers, longest, uncertain};

pub(crate) use layers::significant;
pub(crate) use report::listed;
pub(crate) use usual_order::in_usual_order;

/// Most layers on either side that are compared in order.
const MAXIMUM_LAYERS: usize = 5_000;

/// A tensor as a network or a file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorShape {
    /// Name with its prefix, such as `conv1.weight`.
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    /// What its values are if they cannot be weights, such as "64-bit integers".
    pub(crate) foreign_type: Option<String>,
    /// Whether the file does not hold it, and its values are those that its absence means.
    pub(crate) is_assumed: bool,
}

/// A tensor of the network, and the one of the file that it is taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) ours: String,
    pub(crate) theirs: String,
}

/// An entry of `names` that names nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    /// Its key, a layer or a tensor of ours.
    pub(crate) layer: String,
    /// Whether the key is wrong, not the value.
    pub(crate) is_ours: bool,
    pub(crate) why: String,
}

/// What belongs to what, and everything that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Matching {
    pub(crate) used: Vec<Pair>,
    /// Tensors of the network that the file lacks.
    pub(crate) missing: Vec<String>,
    /// Tensors that would belong to each other, but differ: the two names, what is wrong.
    pub(crate) different: Vec<(Pair, String)>,
    /// Tensors of layers that are used, for which the network has no room.
    pub(crate) unwanted: Vec<String>,
    /// Tensors of layers that are not used.
    pub(crate) left_over: Vec<String>,
    /// Entries of `names` that name nothing.
    pub(crate) unknown: Vec<Unknown>,
    /// Whether layers were matched by their order.
    pub(crate) by_order: bool,
    /// Our layers whose shapes fit several layers of a file that does not keep the order of layers.
    pub(crate) uncertain: Vec<String>,
}

impl Matching {
    /// Whether every tensor of the network has its values, and none of a layer that is used is ignored.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing.is_empty()
            && self.different.is_empty()
            && self.unwanted.is_empty()
            && self.unknown.is_empty()
    }
}

/// The name of a layer, and that of its tensor.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// How often batch normalisation has been trained, which nothing needs.
pub(crate) fn is_counter(last: &str) -> bool {
    last == "num_batches_tracked"
}

/// Matches the tensors of a network with those of a file. `names` are prefixes in the file by names of our layers, or tensors by
/// tensors. Without `is_ordered` the order of their layers is a guess ([`in_usual_order`]).
pub(crate) fn matching(
    ours: &[TensorShape],
    theirs: &[TensorShape],
    names: &BTreeMap<String, String>,
    is_ordered: bool,
) -> Matching {
    let mut matching = Matching::default();
    let mut open = Open {
        ours: layers(ours),
        theirs: layers(theirs),
    };
    matching.by_name(&mut open, names);
    let Open { ours, theirs } = open;
    let named = theirs.iter().map(|layer| (layer.name, layer));
    let mut equal: BTreeMap<&str, &Layer<'_>> = named.collect();
    if ours.iter().all(|layer| equal.contains_key(layer.name)) {
        for layer in &ours {
            if let Some(found) = equal.remove(layer.name) {
                matching.pair(layer, found);
            }
        }
        let is_left = |layer: &&Layer<'_>| equal.contains_key(layer.name);
        let rest: Vec<Layer<'_>> = theirs.iter().filter(is_left).cloned().collect();
        matching.leave(&rest);
    } else {
        matching.by_order = true;
        let given = matching.clone();
        matching.in_order(&ours, &theirs);
        if !matching.is_complete()
            && let Some(pairs) = by_shapes(&ours, &theirs)
        {
            matching = given;
            matching.take(&ours, &theirs, &pairs);
        }
        if !is_ordered {
            matching.uncertain = uncertain(&ours, &theirs);
        }
    }
    matching
}

impl Matching {
    /// Matches a tensor of the network with one of the file called `name`, if there is one.
    pub(crate) fn pair_of(&mut self, ours: &TensorShape, theirs: Option<&TensorShape>, name: &str) {
        let Some(theirs) = theirs else {
            self.missing.push(ours.name.clone());
            return;
        };
        let pair = Pair {
            ours: ours.name.clone(),
            theirs: name.to_owned(),
        };
        match difference(ours, theirs) {
            None => self.used.push(pair),
            Some(why) => self.different.push((pair, why)),
        }
    }

    /// Matches the tensors of two layers that belong to each other.
    fn pair(&mut self, ours: &Layer<'_>, theirs: &Layer<'_>) {
        for (last, tensor) in &ours.tensors {
            let Some(found) = theirs.tensors.get(last) else {
                self.missing.push(tensor.name.clone());
                continue;
            };
            self.pair_of(tensor, Some(found), &found.name);
        }
        let unwanted = theirs.tensors.iter();
        let unwanted = unwanted
            .filter(|(last, tensor)| !tensor.is_assumed && !ours.tensors.contains_key(*last));
        self.unwanted
            .extend(unwanted.map(|(_, tensor)| tensor.name.clone()));
    }

    fn leave(&mut self, theirs: &[Layer<'_>]) {
        let tensors = theirs.iter().flat_map(|layer| layer.tensors.values());
        let stored = tensors.filter(|tensor| !tensor.is_assumed);
        self.left_over
            .extend(stored.map(|tensor| tensor.name.clone()));
    }

    /// Takes these pairs, and leaves the other layers.
    fn take(&mut self, ours: &[Layer<'_>], theirs: &[Layer<'_>], pairs: &[(usize, usize)]) {
        let mut rest: Vec<Layer<'_>> = Vec::new();
        for &(layer, found) in pairs {
            self.pair(&ours[layer], &theirs[found]);
        }
        for (position, layer) in theirs.iter().enumerate() {
            if pairs.iter().all(|&(_, found)| found != position) {
                rest.push(layer.clone());
            }
        }
        self.leave(&rest);
    }

    fn lack(&mut self, ours: &[Layer<'_>]) {
        let tensors = ours.iter().flat_map(|layer| layer.tensors.values());
        self.missing
            .extend(tensors.map(|tensor| tensor.name.clone()));
    }

    /// Matches as many layers of equal shapes as an order allows. Between two of these, layers with tensors of equal names
    /// are taken for each other, so that a wrong shape is called that.
    fn in_order(&mut self, ours: &[Layer<'_>], theirs: &[Layer<'_>]) {
        if ours.len().max(theirs.len()) > MAXIMUM_LAYERS {
            self.lack(ours);
            self.leave(theirs);
            return;
        }
        let (mut own, mut other) = (0, 0);
        for (position, found) in longest(ours, theirs) {
            self.gap(&ours[own..position], &theirs[other..found]);
            self.pair(&ours[position], &theirs[found]);
            (own, other) = (position + 1, found + 1);
        }
        self.gap(&ours[own..], &theirs[other..]);
    }

    /// Layers between two that fit.
    fn gap(&mut self, ours: &[Layer<'_>], theirs: &[Layer<'_>]) {
        let mut theirs = theirs.to_vec();
        for layer in ours {
            let is_alike = |other: &Layer<'_>| other.tensors.keys().eq(layer.tensors.keys());
            let shares = |other: &Layer<'_>| {
                let mut names = layer.tensors.keys();
                names.any(|name| other.tensors.contains_key(name))
            };
            let alike = theirs.iter().position(is_alike);
            match alike.or_else(|| theirs.iter().position(shares)) {
                Some(found) => {
                    let rest = theirs.split_off(found + 1);
                    let found = theirs.pop();
                    self.leave(&theirs);
                    theirs = rest;
                    if let Some(found) = found {
                        self.pair(layer, &found);
                    }
                }
                None => self.lack(std::slice::from_ref(layer)),
            }
        }
        self.leave(&theirs);
    }
}

#[cfg(test)]
mod tests;
