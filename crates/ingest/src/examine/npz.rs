//! Arrays of NumPy: their names, types and shapes, and the labels.

use std::path::PathBuf;

use eigenscope_checkpoint::DType;
use eigenscope_checkpoint::npz::{ArrayInfo, Npz};
use eigenscope_stage::{Examination, Examined, TaskError};

use super::values::MAXIMUM_VALUES;
use super::{Facts, MAXIMUM_LABELS, paths};
use crate::arrays::{self, Dimensions, Range};
use crate::error::IngestError;
use crate::parameters::{NpzParameters, WithCommon};
use crate::sets::lacking_own;

pub(crate) fn npz(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<NpzParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(parameters.test_fraction);
    facts.take(Range::given(&parameters.range));
    let shape = facts.take(parameters.shape());
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    let files = facts.take(parameters.files());
    let named = files.iter().flatten().flatten().copied();
    let named: Vec<_> = named.collect();
    facts.lacks(lacking_own(examination.data_dir(), &named, &stated));
    if let (Some(shape), Some([train, test])) = (shape, files) {
        let mut open = |paths: Vec<PathBuf>| {
            let files = paths
                .iter()
                .map(|path| facts.read(Npz::open(path).map_err(IngestError::from)));
            files.collect::<Option<Vec<Npz>>>().unwrap_or_default()
        };
        let train = open(paths(examination, &train));
        let test = open(paths(examination, &test));
        look(&mut facts, &parameters, shape, [&train, &test]);
    }
    Ok(facts.finish("npz", &common))
}

fn look(
    facts: &mut Facts,
    parameters: &NpzParameters,
    shape: Option<[usize; 3]>,
    [train, test]: [&[Npz]; 2],
) {
    let Some(first) = train.first() else {
        return;
    };
    let train_names = [parameters.train_images.as_str(), &parameters.train_labels];
    let test_names = [parameters.test_images.as_str(), &parameters.test_labels];
    let Some(images) = named(first, train_names[0]) else {
        guess(facts, first);
        return;
    };
    if let Ok(dimensions) = Dimensions::of(&images.shape, parameters.layout, shape) {
        facts.stored_shape(dimensions.shape, parameters.transpose);
    }
    let is_float = matches!(
        images.dtype,
        DType::F16 | DType::BF16 | DType::F32 | DType::F64
    );
    if images.count() <= MAXIMUM_VALUES {
        if let Ok(values) = first.read_doubles(images) {
            facts.suggest_range(&parameters.range, values.into_iter());
        }
    } else if is_float {
        facts.suggest_range(&parameters.range, [0.0, 1.0].into_iter());
    }
    let in_train = |names: [&str; 2]| {
        let mut all = Vec::new();
        for file in train {
            all.extend(labels(file, names[1])?);
        }
        Some(all)
    };
    let has_test = named(first, test_names[0]).is_some();
    let test_labels = match test {
        [] if !has_test => Some(None),
        [] => in_train(test_names).map(Some),
        test => {
            let of_file =
                |file: &Npz| labels(file, test_names[1]).or_else(|| labels(file, train_names[1]));
            let all: Option<Vec<_>> = test.iter().map(of_file).collect();
            all.map(|all| Some(all.concat()))
        }
    };
    let labelled = match test_labels {
        Some(test) => [in_train(train_names), test],
        None => [None, None],
    };
    facts.label(
        labelled,
        parameters.first_label,
        None,
        &parameters.class_names,
    );
}

fn named<'a>(file: &'a Npz, name: &str) -> Option<&'a ArrayInfo> {
    file.arrays().iter().find(|array| array.name == name)
}

fn labels(file: &Npz, name: &str) -> Option<Vec<i64>> {
    let array = named(file, name)?;
    if array.count() > MAXIMUM_LABELS {
        return None;
    }
    let values = file.read_doubles(array).ok()?;
    arrays::labels(&values, &array.shape).ok()
}

/// Suggests which arrays are images and labels, where none is called as the parameters say.
fn guess(facts: &mut Facts, file: &Npz) {
    let is_test = |array: &&ArrayInfo| {
        let name = array.name.to_lowercase();
        ["test", "val"].iter().any(|part| name.contains(part))
    };
    let parts: [Vec<&ArrayInfo>; 2] = {
        let (test, train) = file.arrays().iter().partition(is_test);
        [train, test]
    };
    let parameters = [
        ["train_images", "train_labels"],
        ["test_images", "test_labels"],
    ];
    for (arrays, [images, labels]) in parts.iter().zip(parameters) {
        let most = arrays.iter().max_by_key(|array| array.count());
        let Some(most) = most.filter(|array| array.shape.len() >= 2) else {
            continue;
        };
        let is_of_it = |array: &&&ArrayInfo| {
            array.shape.len() <= 2
                && array.name != most.name
                && array.shape.first() == most.shape.first()
        };
        if let Some(found) = arrays.iter().find(is_of_it) {
            facts.suggest(images, most.name.clone());
            facts.suggest(labels, found.name.clone());
        }
    }
}
