//! Pieces in order, with residual blocks where two ways part and are added.

use super::blocks::{hints, is_shortcut_of};
use super::error::GraphError;
use super::pieces::{Operation, Piece};

/// Most residual blocks within each other.
const DEPTH: usize = 8;

/// A step before it has a name.
#[derive(Debug)]
pub(super) enum Arranged<'a> {
    Piece(&'a Piece),
    Residual {
        branch: Vec<Self>,
        shortcut: Vec<Self>,
    },
}

/// The steps from the images to the piece `last`.
pub(super) fn arrange(pieces: &[Piece], last: usize) -> Result<Vec<Arranged<'_>>, GraphError> {
    let mut seen = vec![false; pieces.len()];
    between(pieces, &mut seen, [0, last], 0)
}

/// The steps that make the piece `end` from the piece `start`. Each piece is a step once.
fn between<'a>(
    pieces: &'a [Piece],
    seen: &mut [bool],
    [start, end]: [usize; 2],
    depth: usize,
) -> Result<Vec<Arranged<'a>>, GraphError> {
    let mut steps = Vec::new();
    let mut at = end;
    while at != start {
        let piece = &pieces[at];
        if std::mem::replace(&mut seen[at], true) {
            let reason = "its values are read in several places that do not lie within each other as residual blocks do";
            return Err(GraphError::new(piece.place.clone(), reason));
        }
        if depth > DEPTH {
            let reason = format!("more than {DEPTH} residual blocks lie within each other");
            return Err(GraphError::new(piece.place.clone(), reason));
        }
        match piece.operation {
            Operation::Sum(left, right) => {
                let left = between(pieces, seen, [piece.parent, left], depth + 1)?;
                let right = between(pieces, seen, [piece.parent, right], depth + 1)?;
                let ways = [left, right].map(|way| without_flatten(pieces, way));
                steps.push(residual(piece, ways)?);
            }
            Operation::Half(_) => {
                let reason =
                    "half of the values is used by itself; steps only multiply both halves";
                return Err(GraphError::new(piece.place.clone(), reason));
            }
            Operation::Softmax { .. } if depth > 0 || at != end => {
                let reason = "softmax is a step at the end only";
                return Err(GraphError::new(piece.place.clone(), reason));
            }
            Operation::Pixel => {}
            _ => steps.push(Arranged::Piece(piece)),
        }
        at = piece.parent;
    }
    steps.reverse();
    Ok(steps)
}

/// No steps instead of one that flattens single pixels: the values stay what they are.
fn without_flatten<'a>(pieces: &[Piece], way: Vec<Arranged<'a>>) -> Vec<Arranged<'a>> {
    let is_nothing = matches!(
        way.as_slice(),
        [Arranged::Piece(Piece { operation: Operation::Flatten, parent, .. })]
            if matches!(pieces[*parent].sizes[..], [_, _, Some(1), Some(1)])
    );
    match is_nothing {
        true => Vec::new(),
        false => way,
    }
}

/// A block of two ways, of which one may have no steps.
fn residual<'a>(
    sum: &Piece,
    [left, right]: [Vec<Arranged<'a>>; 2],
) -> Result<Arranged<'a>, GraphError> {
    let (branch, shortcut) = match is_shortcut(&left, &right) {
        true => (right, left),
        false => (left, right),
    };
    match branch.is_empty() {
        false => Ok(Arranged::Residual { branch, shortcut }),
        true => Err(GraphError::new(
            sum.place.clone(),
            "it adds a value to itself",
        )),
    }
}

/// Returns whether the first path is the shortcut: it is empty, is named so, or has fewer weighted steps. In graphs that we write it
/// is the second.
fn is_shortcut(left: &[Arranged<'_>], right: &[Arranged<'_>]) -> bool {
    let names = [hints(left), hints(right)];
    let is_ours = right.is_empty() || names[1].is_empty() || is_shortcut_of(&names[1], &names[0]);
    if is_ours && !left.is_empty() {
        return false;
    }
    let key = |way: &[Arranged<'_>]| (!way.is_empty(), !is_called_shortcut(way), weights(way));
    is_shortcut_of(&names[0], &names[1]) || key(left) < key(right)
}

fn is_called_shortcut(way: &[Arranged<'_>]) -> bool {
    let hint = way.iter().find_map(|step| match step {
        Arranged::Piece(piece) => match &piece.operation {
            Operation::Map(map) => Some(map.hint.as_str()),
            _ => None,
        },
        Arranged::Residual { .. } => None,
    });
    let names = ["shortcut", "downsample", "skip", "identity"];
    hint.is_some_and(|hint| names.iter().any(|name| hint.contains(name)))
}

fn weights(way: &[Arranged<'_>]) -> usize {
    let count = |step: &Arranged<'_>| match step {
        Arranged::Piece(piece) => usize::from(matches!(piece.operation, Operation::Map(_))),
        Arranged::Residual { branch, shortcut } => weights(branch) + weights(shortcut),
    };
    way.iter().map(count).sum()
}
