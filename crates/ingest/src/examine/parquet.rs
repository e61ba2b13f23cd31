//! Parquet tables: columns, labels, and the first pictures.

use std::collections::BTreeSet;
use std::path::PathBuf;

use eigenscope_stage::{Examination, Examined, TaskError};

use super::folder::Looks;
use super::{Facts, MAXIMUM_LABELS, paths};
use crate::arrays::{Dimensions, Range};
use crate::parameters::{ParquetParameters, WithCommon};
use crate::parquet_file::{self, ImageColumns, Labels, ParquetFile};
use crate::sets::lacking_own;

/// Pictures that are looked at.
const MAXIMUM_PICTURES: usize = 32;

pub(crate) fn parquet(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<ParquetParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(parameters.test_fraction);
    facts.take(Range::given(&parameters.range));
    let shape = facts.take(parameters.shape());
    let form = facts.take(parameters.form());
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    let files = facts.take(parameters.files());
    let named = files.iter().flatten().flatten().copied();
    let named: Vec<_> = named.collect();
    facts.lacks(lacking_own(examination.data_dir(), &named, &stated));
    if let (Some(shape), Some(form), Some([train, test])) = (shape, form, files) {
        let mut open = |paths: Vec<PathBuf>| {
            let files = paths.iter().map(|path| facts.read(ParquetFile::open(path)));
            files.collect::<Option<Vec<_>>>().unwrap_or_default()
        };
        let train = open(paths(examination, &train));
        let test = open(paths(examination, &test));
        if let Some(first) = train.first() {
            facts.suggest_columns(first, &parameters);
            match first.image_columns(&parameters.image, &parameters.label) {
                Some(ImageColumns::Encoded(column)) => {
                    let (pictures, is_all) = pictures(first, column);
                    let mut looks = Looks::default();
                    pictures.iter().for_each(|bytes| looks.add(bytes));
                    looks.is_all = is_all && train.len() + test.len() == 1;
                    looks.tell(&mut facts, &form);
                    facts.form(&form);
                }
                Some(ImageColumns::Pixels(columns)) => {
                    let sizes = [first.rows().max(1), columns.len()];
                    if let Ok(dimensions) = Dimensions::of(&sizes, parameters.layout, shape) {
                        facts.stored_shape(dimensions.shape, parameters.transpose);
                    }
                    let values = first_values(first, &columns).unwrap_or_default();
                    facts.suggest_range(&parameters.range, values.into_iter());
                }
                None => {
                    let column = first.column(&parameters.label);
                    let images = column.and_then(|label| first.images(&parameters.image, label));
                    facts.read(images);
                }
            }
            label(&mut facts, &parameters, [&train, &test]);
        }
    }
    Ok(facts.finish("parquet", &common))
}

/// Some encoded pictures, and whether they are all of the table.
fn pictures(file: &ParquetFile, column: usize) -> (Vec<Vec<u8>>, bool) {
    let batch = file.first_batch(&[column], MAXIMUM_PICTURES);
    let pictures = batch.and_then(|batch| parquet_file::encoded(batch.column(0)).ok());
    let pictures: Vec<Vec<u8>> = pictures.into_iter().flatten().flatten().collect();
    let is_all = pictures.len() == file.rows();
    (pictures, is_all)
}

fn first_values(file: &ParquetFile, columns: &[usize]) -> Option<Vec<f64>> {
    let batch = file.first_batch(columns, MAXIMUM_PICTURES)?;
    parquet_file::numbers(&batch).ok()?
}

fn label(facts: &mut Facts, parameters: &ParquetParameters, [train, test]: [&[ParquetFile]; 2]) {
    let all = || train.iter().chain(test);
    let rows: usize = all().map(ParquetFile::rows).sum();
    let read = |files: &[ParquetFile]| {
        let labels = files.iter().map(|file| {
            let column = file.column(&parameters.label).ok()?;
            file.labels(column).ok()
        });
        labels.collect::<Option<Vec<Labels>>>()
    };
    let in_file = all().find_map(|file| file.class_names(&parameters.label));
    let (train_labels, test_labels) = match rows as u64 <= MAXIMUM_LABELS {
        true => (read(train), read(test)),
        false => (None, None),
    };
    let names: BTreeSet<&String> = [&train_labels, &test_labels]
        .into_iter()
        .flatten()
        .flatten()
        .flat_map(Labels::names)
        .collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    let first = parameters.first_label;
    let numbers = |labels: Option<Vec<Labels>>| {
        let mut all = Vec::new();
        for labels in labels? {
            match labels {
                Labels::Numbers(labels) => all.extend(labels),
                Labels::Names(labels) => {
                    let position = |name| Some(names.binary_search(name).ok()? as i64 + first);
                    all.extend(labels.iter().map(position).collect::<Option<Vec<i64>>>()?);
                }
            }
        }
        Some(all)
    };
    let known = match names.is_empty() {
        true => in_file.as_deref(),
        false => Some(names.as_slice()),
    };
    let labelled = match test.is_empty() {
        true => [numbers(train_labels), None],
        false => {
            let test = numbers(test_labels);
            let train = numbers(train_labels).filter(|_| test.is_some());
            [train, test]
        }
    };
    facts.label(labelled, first, known, &parameters.class_names);
}

impl Facts {
    /// Suggests the columns of images and labels, where none is called as the parameters say.
    fn suggest_columns(&mut self, file: &ParquetFile, parameters: &ParquetParameters) {
        if file.column(&parameters.label).is_err()
            && let Some(name) = file.label_like()
        {
            self.suggest("label", name);
        }
        if file.column(&parameters.image).is_err()
            && let Some(name) = file.picture_like()
        {
            self.suggest("image", name);
        }
    }
}
