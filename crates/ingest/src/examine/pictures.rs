//! What pictures are like: sizes, colours, transparency, and whether they can be read.

use std::collections::BTreeMap;

use eigenscope_stage::{Fault, ThreadBudget};
use serde_json::json;

use super::Facts;
use crate::in_order::in_order;
use crate::parameters::GivenForm;
use crate::picture::{self, Channels, Depth, Form, Look};

/// Side to which larger pictures are suggested to be resized.
const LARGE: usize = 64;
/// Pictures that one thread reads at a time.
const PIECE: usize = 16;
/// Pictures whose values are looked at where the start of the others is enough, and pixels of each at most: together milliseconds.
pub(super) const WITH_VALUES: usize = 8;
const MAXIMUM_PIXELS: u64 = 1 << 18;

/// A picture that was looked at.
#[derive(Debug)]
pub(super) struct Looked {
    look: Result<Look, String>,
    /// Why it cannot be read, if that was tried.
    pub(super) flaw: Option<String>,
    depth: Depth,
}

/// Looks at a picture, of which the start is enough.
pub(super) fn look(bytes: &[u8]) -> Looked {
    Looked {
        look: picture::look(bytes, true),
        flaw: None,
        depth: Depth::default(),
    }
}

/// As [`look`], also at the values of pictures of 16 bits that are small and whole.
pub(super) fn look_at_values(bytes: &[u8]) -> Looked {
    Looked {
        depth: picture::depth(bytes, MAXIMUM_PIXELS),
        ..look(bytes)
    }
}

/// Decodes a picture; an error says why there are no bytes.
pub(super) fn look_thoroughly(bytes: Result<&[u8], String>, form: &GivenForm) -> Looked {
    let form = Form {
        channels: Channels::Rgb,
        size: None,
        background: form.background,
    };
    match bytes {
        Ok(bytes) => {
            let decoded = picture::decode(bytes, &form);
            Looked {
                look: picture::look(bytes, true),
                depth: decoded
                    .as_ref()
                    .map(|picture| picture.depth)
                    .unwrap_or_default(),
                flaw: decoded.err(),
            }
        }
        Err(reason) => Looked {
            look: Err(reason.clone()),
            flaw: Some(reason),
            depth: Depth::default(),
        },
    }
}

/// What `look` finds in each of so many pictures, on all cores, in order.
pub(super) fn on_all_cores(
    pictures: usize,
    look: impl Fn(usize) -> Looked + Sync,
    mut take: impl FnMut(usize, Looked),
) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rows = |piece: usize| piece * PIECE..pictures.min((piece + 1) * PIECE);
    let work = |piece: usize| rows(piece).map(&look).collect::<Vec<_>>();
    let take = |piece: usize, looked: Vec<Looked>| {
        rows(piece)
            .zip(looked)
            .for_each(|(at, looked)| take(at, looked));
        Ok::<_, std::convert::Infallible>(())
    };
    match in_order(
        &ThreadBudget::new(cores),
        pictures.div_ceil(PIECE),
        work,
        take,
    ) {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

impl Facts {
    /// What pictures are turned into, as far as that is given.
    pub(super) fn form(&mut self, form: &GivenForm) {
        if let Some(channels) = form.channels {
            self.channels = Some(channels.count());
        }
        self.size = form.size.or(self.size);
    }
}

/// What some pictures are like.
#[derive(Debug, Default)]
pub(super) struct Looks {
    /// How many there are of each size `[height, width]`.
    sizes: BTreeMap<[usize; 2], usize>,
    coloured: usize,
    /// How many may be transparent.
    transparent: usize,
    /// How many could not be looked at.
    unknown: usize,
    depth: Depth,
    /// True if no picture of the data set was left out.
    pub(super) is_all: bool,
}

impl Looks {
    /// Adds a picture.
    pub(super) fn add(&mut self, looked: &Looked) {
        self.depth.join(looked.depth);
        match &looked.look {
            Ok(look) => {
                *self.sizes.entry(look.size).or_default() += 1;
                self.coloured += usize::from(!look.is_grey);
                self.transparent += usize::from(look.may_be_transparent);
            }
            Err(_) => self.unknown += 1,
        }
    }

    fn known(&self) -> usize {
        self.sizes.values().sum()
    }

    pub(super) fn count(&self) -> usize {
        self.known() + self.unknown
    }

    /// Tells what follows from them.
    pub(super) fn tell(self, facts: &mut Facts, form: &GivenForm) {
        if self.known() == 0 {
            return;
        }
        facts.note(self.in_words());
        facts.answer.warnings.extend(self.depth.warning());
        let is_certain = self.is_all && self.unknown == 0;
        match self.coloured {
            1.. => facts.channels = Some(3),
            0 if is_certain => facts.channels = Some(1),
            0 if form.channels.is_none() => facts.suggest("channels", "grey"),
            0 => {}
        }
        if self.transparent > 0 && form.background.is_none() {
            facts.suggest("background", json!([255]));
        }
        let usual = self.usual_size();
        if form.size.is_none() {
            let suggested = within(usual, LARGE);
            if self.sizes.len() > 1 {
                let [height, width] = usual;
                let message = format!(
                    "`size`: the pictures have {} different sizes (height x width): {}",
                    self.sizes.len(),
                    self.sizes_in_words()
                );
                let fault = Fault::at("/size", message);
                let help = format!("set `size = [{height}, {width}]` to resize all of them");
                facts.answer.faults.push(fault.help(help));
                facts.suggest("size", json!(suggested));
            } else {
                facts.size = Some(usual);
                if suggested != usual {
                    facts.suggest("size", json!(suggested));
                }
            }
        }
        facts.form(form);
    }

    /// The size of most pictures, or else the medians of heights and of widths.
    fn usual_size(&self) -> [usize; 2] {
        let common = self.sizes.iter().max_by_key(|(_, count)| **count);
        if let Some((size, count)) = common
            && 2 * count > self.known()
        {
            return *size;
        }
        [0, 1].map(|axis| {
            let sizes = self.sizes.iter();
            let mut sides: Vec<usize> = sizes
                .flat_map(|(size, count)| std::iter::repeat_n(size[axis], *count))
                .collect();
            sides.sort_unstable();
            sides.get(sides.len() / 2).copied().unwrap_or(1)
        })
    }

    fn sizes_in_words(&self) -> String {
        let mut sizes: Vec<_> = self.sizes.iter().collect();
        sizes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let shown = sizes.iter().take(3);
        let mut list: Vec<String> = shown
            .map(|([height, width], count)| format!("{count} of {height} x {width}"))
            .collect();
        match sizes.len().saturating_sub(3) {
            0 => {}
            1 => list.push("and 1 other size".to_owned()),
            rest => list.push(format!("and {rest} other sizes")),
        }
        list.join(", ")
    }

    fn in_words(&self) -> String {
        let colours = match (self.coloured, self.known()) {
            (0, _) => "grey",
            (coloured, known) if coloured == known => "in colours",
            _ => "some grey, some in colours",
        };
        let seen = match self.is_all {
            true => "pictures".to_owned(),
            false => format!("{} pictures that were looked at", self.known()),
        };
        let unknown = match self.unknown {
            0 => String::new(),
            unknown => format!("; {unknown} could not be looked at"),
        };
        format!(
            "{seen}: {colours}; height x width: {}{unknown}",
            self.sizes_in_words()
        )
    }
}

/// A size of the same shape whose longer side is at most `side`.
fn within(size: [usize; 2], side: usize) -> [usize; 2] {
    let longer = size[0].max(size[1]);
    if longer <= side {
        return size;
    }
    size.map(|length| ((length * side + longer / 2) / longer).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_sizes_are_made_smaller_in_shape() {
        assert_eq!(within([40, 30], 64), [40, 30]);
        assert_eq!(within([1200, 1600], 64), [48, 64]);
        assert_eq!(within([5000, 1], 64), [64, 1]);
    }

    #[test]
    fn the_usual_size_is_that_of_most_or_the_median() {
        let looks = |sizes: &[([usize; 2], usize)]| Looks {
            sizes: sizes.iter().copied().collect(),
            ..Looks::default()
        };
        let most = looks(&[([1, 2], 1), ([30, 40], 3), ([90, 9], 1)]);
        assert_eq!(most.usual_size(), [30, 40]);
        let mixed = looks(&[([10, 5], 1), ([20, 7], 1), ([30, 6], 1)]);
        assert_eq!(mixed.usual_size(), [20, 6]);
    }
}
