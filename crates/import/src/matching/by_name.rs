//! Layers and tensors that belong together by the names that a user gives.

use std::collections::{BTreeMap, BTreeSet};

use super::layers::Layer;
use super::report::nearest;
use super::{Matching, TensorShape, Unknown, listed, split};

/// Layers of a network and of a file that are still to be matched.
pub(super) struct Open<'a> {
    pub(super) ours: Vec<Layer<'a>>,
    pub(super) theirs: Vec<Layer<'a>>,
}

impl Matching {
    /// Matches what `names` pairs, and takes it out of `open`: prefixes in the file by layers of ours, or tensors of the file by
    /// tensors of ours. A layer of ours with one tensor may stand for it.
    pub(super) fn by_name(&mut self, open: &mut Open<'_>, names: &BTreeMap<String, String>) {
        let known = [known(&open.ours), known(&open.theirs)];
        let within = open.within(names);
        let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
        for (key, name) in names {
            if within.contains(key.as_str()) {
                let (layer, last) = split(key);
                self.unknown.push(Unknown {
                    layer: key.clone(),
                    is_ours: true,
                    why: format!(
                        "`{layer}` is named as a whole, which gives its {last}, too: name the layer, or each of its tensors"
                    ),
                });
                continue;
            }
            let paired = match open.tensor_of(key, name) {
                Some(tensor) => self.pair_tensors(open, tensor, name),
                None => self.pair_layers(open, key, name),
            };
            let before = taken.get(name.as_str()).copied();
            let (is_ours, why) = match (paired, before) {
                (Ok(()), _) => {
                    taken.insert(name, key);
                    continue;
                }
                (Err(NotPaired::Ours), _) => (
                    true,
                    format!(
                        "the network has no such layer; {}it has {}",
                        nearest(key, &known[0]),
                        listed(&known[0])
                    ),
                ),
                (Err(NotPaired::Theirs { .. }), Some(other)) => (
                    false,
                    format!(
                        "`{name}` of the file is given to `{other}` already; a layer of the file is used once"
                    ),
                ),
                (Err(NotPaired::Theirs { wanted }), None) => (
                    false,
                    format!(
                        "the file has no {wanted}; {}it has {}",
                        nearest(name, &known[1]),
                        listed(&known[1])
                    ),
                ),
                (Err(NotPaired::OneTensor { parts }), _) => (
                    false,
                    format!(
                        "`{name}` of the file is one tensor, and the layer has {}: name each, such as \"{key}.{}\" = \"{name}\"",
                        parts.join(" and "),
                        parts.last().map_or("weight", String::as_str)
                    ),
                ),
            };
            self.unknown.push(Unknown {
                layer: key.clone(),
                is_ours,
                why,
            });
        }
    }

    fn pair_tensors<'a>(
        &mut self,
        open: &mut Open<'a>,
        tensor: &'a TensorShape,
        name: &str,
    ) -> Result<(), NotPaired> {
        take(&mut open.ours, &tensor.name);
        let found = take(&mut open.theirs, name).ok_or_else(|| NotPaired::Theirs {
            wanted: format!("tensor `{name}`"),
        })?;
        self.pair_of(tensor, Some(found), name);
        Ok(())
    }

    fn pair_layers(&mut self, open: &mut Open<'_>, key: &str, name: &str) -> Result<(), NotPaired> {
        let ours = open.ours.iter().position(|one| one.name == key);
        let ours = open.ours.remove(ours.ok_or(NotPaired::Ours)?);
        let Some(found) = open.theirs.iter().position(|one| one.name == name) else {
            return Err(match find(&open.theirs, name) {
                None => NotPaired::Theirs {
                    wanted: format!("tensors `{name}.*`"),
                },
                Some(_) => NotPaired::OneTensor {
                    parts: ours.tensors.keys().map(|&last| last.to_owned()).collect(),
                },
            });
        };
        self.pair(&ours, &open.theirs.remove(found));
        Ok(())
    }
}

/// Why an entry of `names` pairs nothing.
enum NotPaired {
    /// The network has nothing of that name.
    Ours,
    /// The file has not.
    Theirs { wanted: String },
    /// A layer with these tensors is paired with one tensor.
    OneTensor { parts: Vec<String> },
}

impl<'a> Open<'a> {
    /// Names of tensors of ours whose layer is named as well.
    fn within<'n>(&self, names: &'n BTreeMap<String, String>) -> BTreeSet<&'n str> {
        let is_layer = |name: &str| self.ours.iter().any(|layer| layer.name == name);
        let keys = names.keys().map(String::as_str).filter(|key| {
            let (layer, _) = split(key);
            names.contains_key(layer) && find(&self.ours, key).is_some() && !is_layer(key)
        });
        keys.collect()
    }

    /// The tensor of ours that an entry of `names` is about; `None` if it is about a layer.
    fn tensor_of(&self, key: &str, name: &str) -> Option<&'a TensorShape> {
        let Some(layer) = self.ours.iter().find(|layer| layer.name == key) else {
            return find(&self.ours, key);
        };
        let is_layer = self.theirs.iter().any(|layer| layer.name == name);
        let mut tensors = layer.tensors.values();
        match (tensors.next(), tensors.next()) {
            (Some(tensor), None) if !is_layer => find(&self.theirs, name).and(Some(*tensor)),
            _ => None,
        }
    }
}

fn find<'a>(layers: &[Layer<'a>], name: &str) -> Option<&'a TensorShape> {
    let (prefix, last) = split(name);
    let layer = layers.iter().find(|layer| layer.name == prefix)?;
    layer.tensors.get(last).copied()
}

/// Takes a tensor out of its layer, and the layer out of the list with its last one.
fn take<'a>(layers: &mut Vec<Layer<'a>>, name: &str) -> Option<&'a TensorShape> {
    let (prefix, last) = split(name);
    let position = layers.iter().position(|layer| layer.name == prefix)?;
    let tensor = layers[position].tensors.remove(last);
    if layers[position].tensors.is_empty() {
        layers.remove(position);
    }
    tensor
}

/// The names of layers, and of tensors that belong to none.
fn known(layers: &[Layer<'_>]) -> Vec<String> {
    let names = layers.iter().flat_map(|layer| match layer.name {
        "" => layer.tensors.keys().map(|&last| last.to_owned()).collect(),
        name => vec![name.to_owned()],
    });
    names.collect()
}
