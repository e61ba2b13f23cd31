//! What residual blocks are called after: the part that the names of their layers begin with alike.

use std::collections::BTreeMap;

use super::arrange::Arranged;
use super::pieces::{Map, Operation};

/// The names in a graph of all steps with tensors that have one.
pub(super) fn hints<'a>(steps: &[Arranged<'a>]) -> Vec<&'a str> {
    let mut found = Vec::new();
    collect(steps, &mut found);
    found
}

fn collect<'a>(steps: &[Arranged<'a>], found: &mut Vec<&'a str>) {
    for step in steps {
        match step {
            Arranged::Piece(piece) => {
                if let Operation::Map(Map { hint, .. }) | Operation::BatchNorm { hint, .. } =
                    &piece.operation
                    && !hint.is_empty()
                {
                    found.push(hint);
                }
            }
            Arranged::Residual { branch, shortcut } => {
                collect(branch, found);
                collect(shortcut, found);
            }
        }
    }
}

/// The parts between dots that all names begin with.
pub(super) fn alike<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let Some((first, others)) = names.split_first() else {
        return Vec::new();
    };
    let mut parts: Vec<&str> = first.split('.').collect();
    for other in others {
        let same = parts.iter().zip(other.split('.'));
        let count = same.take_while(|(a, b)| *a == b).count();
        parts.truncate(count);
    }
    parts
}

/// The module of each block, outer blocks before those within them; empty for a block whose layers have nothing in common.
///
/// `residual1.conv1` and `residual1.norm1` lie in `residual1`, and `residual1.conv1` by itself does, too, unless other blocks have
/// layers there: PyTorch calls the layers of a list of modules `blocks.0`, `blocks.1`.
pub(super) fn modules(steps: &[Arranged<'_>]) -> Vec<String> {
    let mut blocks = Vec::new();
    list(steps, &mut blocks);
    let mut counts = BTreeMap::new();
    for block in &blocks {
        *counts.entry(block.module.as_str()).or_insert(0_usize) += 1;
    }
    let module = |block: &Block| match block.is_cut && counts[block.module.as_str()] > 1 {
        true => String::new(),
        false => block.module.clone(),
    };
    blocks.iter().map(module).collect()
}

/// A block as its layers name it.
#[derive(Default)]
struct Block {
    module: String,
    /// Whether its layers have more than that in common.
    is_cut: bool,
}

/// What a list of steps says about the module around it.
struct Surroundings {
    /// Steps with tensors, a block being one.
    named: usize,
    /// Most parts that leave every layer a name.
    of_layers: usize,
    /// Most parts that leave every block a name.
    of_blocks: usize,
}

fn list(steps: &[Arranged<'_>], blocks: &mut Vec<Block>) -> Surroundings {
    let mut around = Surroundings {
        named: 0,
        of_layers: usize::MAX,
        of_blocks: usize::MAX,
    };
    for step in steps {
        let names = hints(std::slice::from_ref(step));
        around.named += usize::from(!names.is_empty());
        match step {
            Arranged::Piece(_) => {
                let parts = names.iter().map(|name| name.split('.').count() - 1);
                around.of_layers = parts.fold(around.of_layers, usize::min);
            }
            Arranged::Residual { branch, shortcut } => {
                let parts = block(branch, shortcut, blocks);
                if !names.is_empty() {
                    around.of_blocks = around.of_blocks.min(parts.saturating_sub(1));
                }
            }
        }
    }
    around
}

/// Adds a block and those within it, and returns the number of parts of its module.
fn block(branch: &[Arranged<'_>], shortcut: &[Arranged<'_>], blocks: &mut Vec<Block>) -> usize {
    let index = blocks.len();
    blocks.push(Block::default());
    let ways = [list(branch, blocks), list(shortcut, blocks)];
    // A block within that is not the only step with tensors has a shorter name of its own, if any.
    let is_only = ways[0].named + ways[1].named == 1;
    let [of_branch, of_shortcut] = ways.map(|way| match is_only {
        true => way.of_layers.min(way.of_blocks),
        false => way.of_layers,
    });
    let aside = hints(shortcut);
    let of_shortcut = before_shortcut(&alike(&aside), of_shortcut);
    let parts = alike(&[hints(branch), aside].concat());
    let count = parts.len().min(of_branch).min(of_shortcut);
    blocks[index] = Block {
        module: parts[..count].join("."),
        is_cut: count < parts.len(),
    };
    count
}

/// Most parts of the module of a block with these parts in its shortcut: those before `shortcut`, as steps name their layers.
fn before_shortcut(parts: &[&str], most: usize) -> usize {
    if parts.is_empty() {
        return usize::MAX;
    }
    let before = parts
        .iter()
        .take(most)
        .rposition(|part| *part == "shortcut");
    before.unwrap_or(most)
}

/// Returns whether the names of the layers of `way` are those of a shortcut of the block whose branch has the layers `other`.
pub(super) fn is_shortcut_of(way: &[&str], other: &[&str]) -> bool {
    let parts = alike(way);
    let mut places = (0..parts.len()).filter(|&place| parts[place] == "shortcut");
    places.any(|place| {
        other.iter().all(|name| {
            let name: Vec<&str> = name.split('.').collect();
            name.starts_with(&parts[..place]) && name.get(place) != Some(&"shortcut")
        })
    })
}
