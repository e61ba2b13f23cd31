//! Folders of pictures: the names of all, the headers of some; of a thorough question, all pictures.

use std::io::Read;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{list_pictures, list_pictures_within, regular};
use eigenscope_stage::{Examination, Examined, TaskError};

use super::Facts;
use super::pictures::{Looks, WITH_VALUES, look, look_at_values, look_thoroughly, on_all_cores};
use crate::coverage;
use crate::error::IngestError;
use crate::flaws::{Flaws, Spot};
use crate::folder::{Arrangement, Root, Sample, arrange, lacking_folder, path_of, picture_bytes};
use crate::parameters::{FolderParameters, GivenForm, WithCommon};

/// Files and folders that are listed at most.
const MAXIMUM_ENTRIES: usize = 1 << 17;
/// Pictures that are looked at, as evenly among all of them as can be.
const MAXIMUM_PICTURES: usize = 1024;
/// Bytes of a picture that are read, in which its header is.
const START_BYTES: u64 = 1 << 18;
/// Bytes of all pictures that are read.
const MAXIMUM_BYTES: usize = 1 << 24;
/// Bytes of all pictures that are read to answer a thorough question: of larger folders, pictures as evenly among all as can be.
const THOROUGH_BYTES: u64 = 1 << 28;

pub(crate) fn image_folder(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<FolderParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(examination, parameters.test_fraction);
    let form = facts.take(parameters.form());
    let folders = facts.take(parameters.folders());
    if let (Some(form), Some(folders)) = (form, folders) {
        let pointer = folders
            .first()
            .map(|(parameter, ..)| format!("/{parameter}"));
        let pointer = pointer.unwrap_or_default();
        let roots = folders.into_iter().map(|(parameter, path, used_as)| {
            let path = examination.data_dir().join(path);
            facts.lacks(lacking_folder(parameter, &path));
            let listing = match examination.is_thorough() && path.is_dir() {
                true => facts.read(&pointer, list_pictures(&path).map_err(IngestError::from))?,
                false => list_pictures_within(&path, MAXIMUM_ENTRIES).ok()?,
            };
            Some(Root {
                path,
                used_as,
                listing,
            })
        });
        let roots: Option<Vec<Root>> = roots.collect();
        if let Some(roots) = roots
            && let Some(arrangement) = facts.read(&pointer, arrange(&roots))
        {
            let look = PictureFolder {
                roots: &roots,
                arrangement: &arrangement,
                form: &form,
            };
            look.count(&mut facts);
            match examination.is_thorough() {
                true => {
                    let left_out = roots.iter().filter_map(Root::left_out);
                    let notes = left_out.chain(arrangement.notes.iter().cloned());
                    notes.for_each(|note| facts.note(note));
                    let all = look.read(&mut facts);
                    facts.read(&pointer, all);
                }
                false => look.look(&mut facts),
            }
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

struct PictureFolder<'a> {
    roots: &'a [Root],
    arrangement: &'a Arrangement,
    form: &'a GivenForm,
}

impl PictureFolder<'_> {
    /// Counts the pictures of each class.
    fn count(&self, facts: &mut Facts) {
        let counts = |part: &[Sample]| {
            let mut counts = vec![0; self.arrangement.classes.len()];
            for sample in part {
                counts[usize::from(sample.label)] += 1;
            }
            counts
        };
        facts.train = Some(counts(&self.arrangement.train));
        facts.test = self.arrangement.test.as_deref().map(counts);
    }

    fn files(&self) -> Vec<PathBuf> {
        let samples = self.arrangement.samples();
        samples
            .map(|sample| path_of(self.roots, sample.file))
            .collect()
    }

    /// Looks at the headers of some pictures.
    fn look(&self, facts: &mut Facts) {
        let files = self.files();
        let step = files.len().div_ceil(MAXIMUM_PICTURES).max(1);
        let mut left = MAXIMUM_BYTES;
        let pictures = files.iter().step_by(step).map_while(|path| {
            let bytes = start(path).unwrap_or_default();
            left = left.checked_sub(bytes.len())?;
            Some(bytes)
        });
        let mut looks = Looks::default();
        for (number, bytes) in pictures.enumerate() {
            let look = match number < WITH_VALUES {
                true => look_at_values,
                false => look,
            };
            looks.add(&look(&bytes));
        }
        looks.is_all = looks.count() == files.len();
        looks.tell(facts, self.form);
    }

    /// Reads all pictures.
    ///
    /// # Errors
    /// The error about all that cannot be read.
    fn read(&self, facts: &mut Facts) -> Result<(), IngestError> {
        let files = self.files();
        let lengths = files
            .iter()
            .map(|path| path.metadata().map_or(0, |file| file.len()));
        let step = lengths.sum::<u64>().div_ceil(THOROUGH_BYTES).max(1);
        let chosen: Vec<&PathBuf> = files.iter().step_by(step as usize).collect();
        let mut looks = Looks::default();
        let mut flaws = Flaws::unreadable(self.roots);
        let look = |at: usize| match picture_bytes(chosen[at]) {
            Ok(bytes) => look_thoroughly(Ok(&bytes), self.form),
            Err(reason) => look_thoroughly(Err(reason), self.form),
        };
        on_all_cores(chosen.len(), look, |at, looked| {
            looks.add(&looked);
            if let Some(flaw) = looked.flaw {
                flaws.refuse(Spot::file(chosen[at].clone()), flaw);
            }
        });
        looks.is_all = chosen.len() == files.len();
        looks.tell(facts, self.form);
        flaws.check(chosen.len())
    }
}

fn start(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = regular::open(path).ok()?;
    file.take(START_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}
