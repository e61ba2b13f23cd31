//! Folders of pictures: the names of all, the headers of some.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{list_pictures_within, regular};
use eigenscope_stage::{Examination, Examined, Fault, TaskError};
use serde_json::json;

use super::Facts;
use crate::coverage;
use crate::folder::{Arrangement, Root, arrange, lacking_folder, path_of};
use crate::parameters::{FolderParameters, GivenForm, WithCommon};
use crate::picture;

/// Files and folders that are listed at most.
const MAXIMUM_ENTRIES: usize = 1 << 17;
/// Pictures that are looked at, as evenly among all of them as can be.
const MAXIMUM_PICTURES: usize = 1024;
/// Bytes of a picture that are read, in which its header is.
const START_BYTES: u64 = 1 << 18;
/// Bytes of all pictures that are read.
const MAXIMUM_BYTES: usize = 1 << 24;
/// Side to which larger pictures are suggested to be resized.
const LARGE: usize = 64;

pub(crate) fn image_folder(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<FolderParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(parameters.test_fraction);
    let form = facts.take(parameters.form());
    let folders = facts.take(parameters.folders());
    if let (Some(form), Some(folders)) = (form, folders) {
        let roots = folders.into_iter().map(|(parameter, path, used_as)| {
            let path = examination.data_dir().join(path);
            facts.lacks(lacking_folder(parameter, &path));
            let listing = list_pictures_within(&path, MAXIMUM_ENTRIES).ok()?;
            Some(Root {
                path,
                used_as,
                listing,
            })
        });
        let roots: Option<Vec<Root>> = roots.collect();
        if let Some(roots) = roots
            && let Some(arrangement) = facts.read(arrange(&roots))
        {
            look(&mut facts, &roots, &arrangement, &form);
            let names = &parameters.class_names;
            facts.classes = match names.as_slice() {
                [] => Some(arrangement.classes),
                names => facts.take(coverage::renamed(&arrangement.classes, names)),
            };
        }
        facts.form(&form);
    }
    Ok(facts.finish("image-folder", &common))
}

fn look(facts: &mut Facts, roots: &[Root], arrangement: &Arrangement, form: &GivenForm) {
    let counts = |part: &[crate::folder::Sample]| {
        let mut counts = vec![0; arrangement.classes.len()];
        for sample in part {
            counts[usize::from(sample.label)] += 1;
        }
        counts
    };
    facts.train = Some(counts(&arrangement.train));
    facts.test = arrangement.test.as_deref().map(counts);
    let files: Vec<PathBuf> = {
        let samples: Vec<_> = arrangement.samples().collect();
        let step = samples.len().div_ceil(MAXIMUM_PICTURES).max(1);
        let chosen = samples.iter().step_by(step);
        chosen.map(|sample| path_of(roots, sample.file)).collect()
    };
    let is_all = files.len() == arrangement.samples().count();
    let mut left = MAXIMUM_BYTES;
    let pictures = files.iter().map_while(|path| {
        let bytes = start(path).unwrap_or_default();
        left = left.checked_sub(bytes.len())?;
        Some(bytes)
    });
    let mut looks = Looks::default();
    pictures.for_each(|bytes| looks.add(&bytes));
    looks.is_all = is_all && looks.count() == files.len();
    looks.tell(facts, form);
}

fn start(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = regular::open(path).ok()?;
    file.take(START_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
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
    /// True if no picture of the data set was left out.
    pub(super) is_all: bool,
}

impl Looks {
    /// Adds a picture, of which the start is enough.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        match picture::look(bytes, true) {
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

    fn count(&self) -> usize {
        self.known() + self.unknown
    }

    /// Tells what follows from them.
    pub(super) fn tell(self, facts: &mut Facts, form: &GivenForm) {
        if self.known() == 0 {
            return;
        }
        facts.note(self.in_words());
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
        if let Some(rest @ 1..) = sizes.len().checked_sub(3) {
            list.push(format!("and {rest} other sizes"));
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
