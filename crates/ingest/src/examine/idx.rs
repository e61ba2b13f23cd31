//! IDX files: the header of the images, and the labels.

use std::path::{Path, PathBuf};

use eigenscope_stage::{Examination, Examined, TaskError};

use super::{Facts, MAXIMUM_LABELS, paths};
use crate::content::{Content, Raw};
use crate::error::IngestError;
use crate::idx::{look_at_images, read_labels};
use crate::parameters::{IdxParameters, WithCommon};
use crate::sets::lacking_own;

pub(crate) fn idx(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<IdxParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(parameters.test_fraction);
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    if let Some((train, test)) = facts.take(parameters.files()) {
        let named = train.iter().chain(test.iter().flatten()).copied();
        let named: Vec<_> = named.collect();
        facts.lacks(lacking_own(examination.data_dir(), &named, &stated));
        let train = paths(examination, &train);
        let test = test.map(|test| paths(examination, &test));
        let header = train.first().map(|images| header(images, &parameters));
        if let Some((shape, count)) = header.and_then(|header| facts.read(header)) {
            facts.stored_shape(shape, parameters.transpose);
            let labels = |paths: &[PathBuf]| labels(paths.last()?).ok();
            let labelled = match count as u64 <= MAXIMUM_LABELS {
                true => [labels(&train), test.as_deref().and_then(labels)],
                false => [None, None],
            };
            facts.label(
                labelled,
                parameters.first_label,
                None,
                &parameters.class_names,
            );
            if test.is_some() && facts.test.is_none() {
                facts.train = None;
            }
        }
    }
    Ok(facts.finish("idx", &common))
}

fn header(path: &Path, parameters: &IdxParameters) -> Result<([usize; 3], usize), IngestError> {
    let (mut raw, bytes) = Raw::open(path)?;
    let mut content = Content::new(path, &mut raw, bytes)?;
    look_at_images(&mut content, parameters.layout)
}

fn labels(path: &Path) -> Result<Vec<i64>, IngestError> {
    let (mut raw, bytes) = Raw::open(path)?;
    let mut content = Content::new(path, &mut raw, bytes)?;
    let labels = read_labels(&mut content, 256)?;
    Ok(labels.into_iter().map(i64::from).collect())
}
