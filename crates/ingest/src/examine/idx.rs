//! IDX files: the headers of the images, and the labels.

use std::path::Path;

use eigenscope_stage::{Examination, Examined, TaskError};

use super::{Facts, MAXIMUM_LABELS, Place, SplitFacts, places};
use crate::content::{Content, Raw};
use crate::error::IngestError;
use crate::idx::{look_at_images, read_labels};
use crate::labels::Labelling;
use crate::parameters::{IdxParameters, WithCommon};
use crate::sets::{Pair, check_fit, lacking_own};

pub(crate) fn idx(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<IdxParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(examination, parameters.test_fraction);
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    if let Some((train, test)) = facts.take(parameters.files()) {
        let named = train.iter().chain(test.iter().flatten());
        facts.lacks(lacking_own(examination.data_dir(), named, &stated));
        let test = test.map(|test| places(examination, &test).unwrap_or_default());
        if let Some(train) = places(examination, &train) {
            look(&mut facts, &parameters, train, test);
        }
    }
    Ok(facts.finish("idx", &common))
}

/// Looks at the files of images and labels, and at those of test images if they are given; there are none if they are not there.
fn look(
    facts: &mut Facts,
    parameters: &IdxParameters,
    train: Vec<Place>,
    test: Option<Vec<Place>>,
) {
    let has_test = test.is_some();
    let files = [train, test.unwrap_or_default()];
    let mut splits = [SplitFacts::default(), SplitFacts::default()];
    let mut pairs = Vec::new();
    for ([images, labels], split) in files
        .iter()
        .filter_map(|files| files.first_chunk::<2>())
        .zip(&mut splits)
    {
        let Some((shape, count)) = facts.read(&images.pointer, header(&images.path, parameters))
        else {
            return;
        };
        let read = match count as u64 <= MAXIMUM_LABELS {
            true => facts.read(&labels.pointer, self::labels(&labels.path)),
            false => None,
        };
        if let Some(read) = &read {
            pairs.push(Pair {
                images: &images.path,
                labels: &labels.path,
                shape,
                count,
                label_count: read.len(),
            });
        }
        split.add(labels, Some(shape), read);
    }
    let [train, test] = &splits;
    let Some(shape) = train.shape else {
        return;
    };
    facts.stored_shape(shape, parameters.transpose);
    let mut wrong = pairs.iter().zip(&splits);
    let wrong = wrong.find(|(pair, _)| pair.count != pair.label_count);
    let place = wrong.map_or(&test.place, |(_, split)| &split.place);
    let pointer = place.as_ref().map_or("", |place| place.pointer.as_str());
    facts.read(pointer, check_fit(&pairs));
    let labelling = Labelling {
        first_label: parameters.first_label,
        class_names: &parameters.class_names,
        known: None,
    };
    // Without the test images that are given, nothing can be counted.
    let unknown = SplitFacts::default();
    let train = match has_test && test.place.is_none() {
        true => &unknown,
        false => train,
    };
    facts.label(labelling, [train, test]);
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
    content.finish()?;
    Ok(labels.into_iter().map(i64::from).collect())
}
