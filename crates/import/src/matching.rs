//! Which tensor of a file is which tensor of a network: by names that are given, by equal names, or by order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

/// Most names that are listed of one sort.
const LISTED: usize = 20;

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
    /// Entries of `names` that name nothing: our layer, and why.
    pub(crate) unknown: Vec<(String, String)>,
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

/// Everything that does not fit, in words.
impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let differing = self.different.iter();
        let differing: Vec<String> = differing
            .map(|(Pair { ours, theirs }, why)| match ours == theirs {
                true => format!("`{ours}` {why}"),
                false => format!("`{ours}` from `{theirs}` {why}"),
            })
            .collect();
        let unknown = self.unknown.iter();
        let unknown: Vec<String> = unknown
            .map(|(layer, why)| format!("`{layer}`: {why}"))
            .collect();
        for (what, names) in [
            ("wrong names", &unknown),
            ("wrong", &differing),
            ("missing in the file", &self.missing),
            ("in the file beside tensors that are used", &self.unwanted),
            ("left over in the file", &self.left_over),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what}: {}", listed(names)));
            }
        }
        parts.push(match self.used.len() {
            0 => "no tensor fits".to_owned(),
            1 => "1 tensor fits".to_owned(),
            count => format!("{count} tensors fit"),
        });
        f.write_str(&parts.join("; "))
    }
}

/// The first names, and how many more there are.
pub(crate) fn listed(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(LISTED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > LISTED {
        let _ = write!(text, " and {} more", names.len() - LISTED);
    }
    text
}

/// Tensors that share a prefix, such as `weight` and `bias` of `conv1`.
#[derive(Debug, Clone)]
struct Layer<'a> {
    name: &'a str,
    /// By the last part of their names.
    tensors: BTreeMap<&'a str, &'a TensorShape>,
}

/// The layers of tensors, in the order of their first tensors. What cannot be a weight is left out.
fn layers<'a>(tensors: impl IntoIterator<Item = &'a TensorShape>) -> Vec<Layer<'a>> {
    let mut layers: Vec<Layer<'a>> = Vec::new();
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in tensors {
        let (prefix, last) = split(&tensor.name);
        if is_counter(last) {
            continue;
        }
        let position = *positions.entry(prefix).or_insert_with(|| {
            layers.push(Layer {
                name: prefix,
                tensors: BTreeMap::new(),
            });
            layers.len() - 1
        });
        layers[position].tensors.insert(last, tensor);
    }
    layers
}

/// The name of a layer, and that of its tensor.
pub(crate) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// How often batch normalisation has been trained, which nothing needs.
pub(crate) fn is_counter(last: &str) -> bool {
    last == "num_batches_tracked"
}

/// Matches the tensors of a network with those of a file. `names` are prefixes in the file by names of our layers. Without
/// `is_ordered` the order of their layers is a guess ([`in_usual_order`]).
pub(crate) fn matching(
    ours: &[TensorShape],
    theirs: &[TensorShape],
    names: &BTreeMap<String, String>,
    is_ordered: bool,
) -> Matching {
    let mut matching = Matching::default();
    let (mut ours, mut theirs) = (layers(ours), layers(theirs));
    let known = |layers: &[Layer<'_>]| -> Vec<String> {
        layers.iter().map(|one| one.name.to_owned()).collect()
    };
    let (our_names, their_names) = (known(&ours), known(&theirs));
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    for (layer, prefix) in names {
        let position = ours.iter().position(|one| one.name == layer);
        let Some(position) = position else {
            let nearest = nearest(layer, &our_names);
            let why = format!(
                "the network has no such layer; {nearest}it has {}",
                listed(&our_names)
            );
            matching.unknown.push((layer.clone(), why));
            continue;
        };
        let Some(found) = theirs.iter().position(|one| one.name == prefix) else {
            let why = match taken.get(prefix.as_str()) {
                Some(other) => format!(
                    "`{prefix}` of the file is given to `{other}` already; a layer of the file is used once"
                ),
                None => format!(
                    "the file has no tensors `{prefix}.*`; {}it has {}",
                    nearest(prefix, &their_names),
                    listed(&their_names)
                ),
            };
            matching.unknown.push((layer.clone(), why));
            ours.remove(position);
            continue;
        };
        taken.insert(prefix, layer);
        matching.pair(&ours.remove(position), &theirs.remove(found));
    }
    let equal: BTreeSet<&str> = theirs.iter().map(|layer| layer.name).collect();
    if ours.iter().all(|layer| equal.contains(layer.name)) {
        for layer in &ours {
            if let Some(found) = theirs.iter().position(|one| one.name == layer.name) {
                matching.pair(layer, &theirs.remove(found));
            }
        }
        matching.leave(&theirs);
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

/// The name that is most like a misspelt one, as a question; empty if none is.
fn nearest(word: &str, known: &[String]) -> String {
    let distances = known.iter().take(MAXIMUM_LAYERS);
    let found = distances
        .map(|name| (strsim::osa_distance(word, name), name))
        .min();
    match found {
        Some((distance, name)) if distance <= word.chars().count() / 3 => {
            format!("did you mean `{name}`? ")
        }
        _ => String::new(),
    }
}

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

/// The layers of a file that fit each of ours.
fn candidates(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Vec<Vec<usize>> {
    if ours.len().max(theirs.len()) > MAXIMUM_LAYERS {
        return vec![Vec::new(); ours.len()];
    }
    let of = |layer: &Layer<'_>| {
        (0..theirs.len())
            .filter(|&other| fits(layer, &theirs[other]))
            .collect()
    };
    ours.iter().map(of).collect()
}

/// Pairs of layers of equal shapes, those of one shape in their order; `None` unless there are as many of each shape.
fn by_shapes(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Option<Vec<(usize, usize)>> {
    let candidates = candidates(ours, theirs);
    let mut taken: BTreeMap<&Vec<usize>, usize> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (layer, found) in candidates.iter().enumerate() {
        let next = taken.entry(found).or_insert(0);
        pairs.push((layer, *found.get(*next)?));
        *next += 1;
    }
    taken
        .iter()
        .all(|(found, count)| found.len() == *count)
        .then_some(pairs)
}

/// Names of our layers that several layers of the file fit.
fn uncertain(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Vec<String> {
    let candidates = candidates(ours, theirs);
    let several = ours
        .iter()
        .zip(candidates)
        .filter(|(_, found)| found.len() > 1);
    several.map(|(layer, _)| layer.name.to_owned()).collect()
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

/// What is wrong with a tensor of a file; `None` if its values are those of ours.
fn difference(ours: &TensorShape, theirs: &TensorShape) -> Option<String> {
    if let Some(found) = &theirs.foreign_type {
        return Some(format!("holds {found}, not floating-point numbers"));
    }
    let is_equal = significant(&ours.shape) == significant(&theirs.shape);
    (!is_equal).then(|| {
        format!(
            "has shape {:?}, the network needs {:?}",
            theirs.shape, ours.shape
        )
    })
}

/// A shape without the last dimensions of size 1: a convolution of single pixels is a linear map.
fn significant(shape: &[usize]) -> &[usize] {
    let end = shape.iter().rposition(|&size| size != 1);
    &shape[..end.map_or(0, |end| end + 1)]
}

/// Returns whether two layers have tensors of the same names and shapes.
fn fits(ours: &Layer<'_>, theirs: &Layer<'_>) -> bool {
    ours.tensors.len() == theirs.tensors.len()
        && ours.tensors.iter().all(|(last, tensor)| {
            let found = theirs.tensors.get(last);
            found.is_some_and(|found| difference(tensor, found).is_none())
        })
}

/// Positions of the longest common subsequence of layers that fit; of several, the one whose partners come first.
fn longest(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Vec<(usize, usize)> {
    let (rows, columns) = (ours.len(), theirs.len());
    let width = columns + 1;
    // lengths[i * width + j]: the longest of ours[i..] and theirs[j..].
    let mut lengths = vec![0_u32; (rows + 1) * width];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let without =
                lengths[(row + 1) * width + column].max(lengths[row * width + column + 1]);
            let with = match fits(&ours[row], &theirs[column]) {
                true => lengths[(row + 1) * width + column + 1] + 1,
                false => 0,
            };
            lengths[row * width + column] = with.max(without);
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut pairs = Vec::new();
    while row < rows && column < columns {
        let here = lengths[row * width + column];
        if fits(&ours[row], &theirs[column]) && here == lengths[(row + 1) * width + column + 1] + 1
        {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if here == lengths[row * width + column + 1] {
            column += 1;
        } else {
            row += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(all: &[(&str, &[usize])]) -> Vec<TensorShape> {
        let tensors = all.iter().map(|(name, shape)| TensorShape {
            name: (*name).to_owned(),
            shape: shape.to_vec(),
            foreign_type: None,
            is_assumed: false,
        });
        tensors.collect()
    }

    fn matched(ours: &[TensorShape], theirs: &[TensorShape], names: &[(&str, &str)]) -> Matching {
        let names = names.iter();
        let names = names.map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned()));
        matching(ours, theirs, &names.collect(), true)
    }

    fn pairs(matching: &Matching) -> Vec<(&str, &str)> {
        let used = matching.used.iter();
        used.map(|pair| (pair.ours.as_str(), pair.theirs.as_str()))
            .collect()
    }

    /// A convolution, a normalisation, a linear map.
    fn network() -> Vec<TensorShape> {
        tensors(&[
            ("conv1.weight", &[8, 1, 3, 3]),
            ("conv1.bias", &[8]),
            ("norm1.weight", &[8]),
            ("norm1.bias", &[8]),
            ("norm1.running_mean", &[8]),
            ("norm1.running_var", &[8]),
            ("linear.weight", &[10, 72]),
            ("linear.bias", &[10]),
        ])
    }

    /// The same under the names of an `nn.Sequential`.
    fn sequential() -> Vec<TensorShape> {
        tensors(&[
            ("features.0.weight", &[8, 1, 3, 3]),
            ("features.0.bias", &[8]),
            ("features.1.weight", &[8]),
            ("features.1.bias", &[8]),
            ("features.1.running_mean", &[8]),
            ("features.1.running_var", &[8]),
            ("features.1.num_batches_tracked", &[]),
            ("classifier.2.weight", &[10, 72]),
            ("classifier.2.bias", &[10]),
        ])
    }

    #[test]
    fn equal_names_match_whatever_the_order() {
        let mut theirs = network();
        theirs.reverse();
        let matching = matched(&network(), &theirs, &[]);
        assert!(matching.is_complete() && !matching.by_order);
        assert_eq!(matching.used.len(), 8);
        assert!(matching.used.iter().all(|pair| pair.ours == pair.theirs));
    }

    #[test]
    fn other_names_match_in_order() {
        let matching = matched(&network(), &sequential(), &[]);
        assert!(matching.is_complete() && matching.by_order, "{matching}");
        assert_eq!(matching.left_over, [""; 0]);
        assert_eq!(pairs(&matching)[0], ("conv1.bias", "features.0.bias"));
        assert!(pairs(&matching).contains(&("linear.weight", "classifier.2.weight")));
    }

    #[test]
    fn names_that_are_given_come_first() {
        let ours = tensors(&[("a.weight", &[4, 4]), ("b.weight", &[4, 4])]);
        let theirs = tensors(&[("x.weight", &[4, 4]), ("y.weight", &[4, 4])]);
        let matching = matched(&ours, &theirs, &[("a", "y")]);
        assert!(matching.is_complete());
        let expected = [("a.weight", "y.weight"), ("b.weight", "x.weight")];
        assert_eq!(pairs(&matching), expected);

        let matching = matched(&ours, &theirs, &[("c", "x"), ("a", "z")]);
        assert!(!matching.is_complete());
        assert_eq!(
            matching.unknown,
            [
                ("a", "the file has no tensors `z.*`; it has x, y"),
                ("c", "the network has no such layer; it has a, b"),
            ]
            .map(|(layer, why)| (layer.to_owned(), why.to_owned()))
        );
    }

    #[test]
    fn a_layer_of_the_file_is_given_once() {
        let ours = tensors(&[("a.weight", &[4, 4]), ("b.weight", &[4, 4])]);
        let theirs = tensors(&[("x.weight", &[4, 4]), ("y.weight", &[4, 4])]);
        let matching = matched(&ours, &theirs, &[("a", "x"), ("b", "x")]);
        let why = "`x` of the file is given to `a` already; a layer of the file is used once";
        assert_eq!(matching.unknown, [("b".to_owned(), why.to_owned())]);
    }

    #[test]
    fn all_that_does_not_fit_is_said_at_once() {
        let mut theirs = sequential();
        theirs[0].shape = vec![8, 1, 5, 5];
        theirs[7].foreign_type = Some("64-bit integers".to_owned());
        theirs.remove(5);
        theirs.push(tensors(&[("ema.weight", &[3])]).remove(0));
        let matching = matched(&network(), &theirs, &[]);
        assert!(!matching.is_complete());
        assert_eq!(
            matching.to_string(),
            "wrong: `conv1.weight` from `features.0.weight` has shape [8, 1, 5, 5], the network needs [8, 1, 3, 3], \
             `linear.weight` from `classifier.2.weight` holds 64-bit integers, not floating-point numbers; \
             missing in the file: norm1.running_var; left over in the file: ema.weight; 5 tensors fit"
        );
    }

    #[test]
    fn a_bias_that_the_network_has_not_is_refused() {
        let ours = tensors(&[("linear.weight", &[10, 72])]);
        let theirs = tensors(&[("fc.weight", &[10, 72]), ("fc.bias", &[10])]);
        let matching = matched(&ours, &theirs, &[]);
        assert!(!matching.is_complete());
        assert_eq!(matching.unwanted, ["fc.bias"]);
    }

    #[test]
    fn layers_that_are_not_ours_are_left_over() {
        let ours = tensors(&[("a.weight", &[4, 2]), ("b.weight", &[3, 4])]);
        let theirs = tensors(&[
            ("0.weight", &[7]),
            ("1.weight", &[4, 2]),
            ("2.weight", &[4, 2]),
            ("3.weight", &[3, 4]),
        ]);
        let matching = matched(&ours, &theirs, &[]);
        assert!(matching.is_complete());
        let expected = [("a.weight", "1.weight"), ("b.weight", "3.weight")];
        assert_eq!(pairs(&matching), expected);
        assert_eq!(matching.left_over, ["0.weight", "2.weight"]);
    }

    #[test]
    fn files_without_order_are_matched_by_shapes_and_numbers() {
        let ours = tensors(&[
            ("conv1.weight", &[4, 1, 3, 3]),
            ("conv2.weight", &[4, 4, 3, 3]),
            ("conv3.weight", &[4, 4, 3, 3]),
            ("linear.weight", &[3, 4]),
        ]);
        // As a file that sorts names has them.
        let theirs = tensors(&[
            ("classifier.weight", &[3, 4]),
            ("features.0.weight", &[4, 1, 3, 3]),
            ("features.10.weight", &[4, 4, 3, 3]),
            ("features.2.weight", &[4, 4, 3, 3]),
        ]);
        let theirs = in_usual_order(theirs);
        let matching = matching(&ours, &theirs, &BTreeMap::new(), false);
        assert!(matching.is_complete(), "{matching}");
        let expected = [
            ("conv1.weight", "features.0.weight"),
            ("conv2.weight", "features.2.weight"),
            ("conv3.weight", "features.10.weight"),
            ("linear.weight", "classifier.weight"),
        ];
        assert_eq!(pairs(&matching), expected);
        assert_eq!(matching.uncertain, ["conv2", "conv3"]);
    }

    #[test]
    fn a_convolution_of_single_pixels_is_a_linear_map() {
        let ours = tensors(&[("a.weight", &[4, 2])]);
        assert!(matched(&ours, &tensors(&[("x.weight", &[4, 2, 1, 1])]), &[]).is_complete());
        assert!(!matched(&ours, &tensors(&[("x.weight", &[1, 4, 2])]), &[]).is_complete());
    }
}
