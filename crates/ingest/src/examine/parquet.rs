//! Parquet tables: columns, labels, and the first pictures and pixels.

use eigenscope_artifact::arrow::array::RecordBatch;
use eigenscope_stage::{Examination, Examined, TaskError};

use super::pictures::{
    Looked, Looks, WITH_VALUES, look, look_at_values, look_thoroughly, on_all_cores,
};
use super::values::{Extent, MAXIMUM_VALUES, THOROUGH_VALUES};
use super::{Facts, MAXIMUM_LABELS, Place, SplitFacts, places};
use crate::arrays::{Dimensions, Range};
use crate::error::IngestError;
use crate::flaws::{Flaws, Spot};
use crate::labels::Labelling;
use crate::parameters::{GivenForm, ParquetParameters, WithCommon, no_first_label};
use crate::parquet_file::{self, ImageColumns, Labels, ParquetFile};
use crate::sets::lacking_own;

/// Pictures that are looked at.
const MAXIMUM_PICTURES: usize = 32;
/// Bytes of all pictures that are read to answer a thorough question.
const THOROUGH_BYTES: usize = 1 << 28;

pub(crate) fn parquet(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<ParquetParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(examination, parameters.test_fraction);
    let range = facts.take(Range::given(&parameters.range));
    let shape = facts.take(parameters.shape());
    let form = facts.take(parameters.form());
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    let files = facts.take(parameters.files());
    let named = files.iter().flatten().flatten();
    facts.lacks(lacking_own(examination.data_dir(), named, &stated));
    if let (Some(range), Some(shape), Some(form), Some([train, test])) = (range, shape, form, files)
    {
        let mut open = |places: Option<Vec<Place>>| {
            let files = places?.into_iter().map(|place| {
                let file = ParquetFile::open(&place.path);
                Some((facts.read(&place.pointer, file)?, place))
            });
            files.collect::<Option<Vec<_>>>()
        };
        let train = open(places(examination, &train));
        let test = open(places(examination, &test));
        if let (Some(train), Some(test)) = (train, test) {
            let look = Look {
                parameters: &parameters,
                range,
                shape,
                form: &form,
                is_thorough: examination.is_thorough(),
            };
            look.at(&mut facts, [&train, &test]);
        }
        facts.form(&form);
    }
    Ok(facts.finish("parquet", &common))
}

/// Opened tables.
type Tables = [(ParquetFile, Place)];

/// How tables are looked at.
struct Look<'a> {
    parameters: &'a ParquetParameters,
    range: Option<Range>,
    /// `[channels, height, width]` of columns of pixels.
    shape: Option<[usize; 3]>,
    form: &'a GivenForm,
    is_thorough: bool,
}

impl Look<'_> {
    fn at(&self, facts: &mut Facts, [train, test]: [&Tables; 2]) {
        let parameters = self.parameters;
        let all = || train.iter().chain(test);
        let rows: usize = all().map(|(file, _)| file.rows()).sum();
        let Some((first, place)) = train.first() else {
            return;
        };
        facts.suggest_columns(first, parameters);
        if rows == 0 {
            facts.read::<()>(&place.pointer, Err(first.empty()));
            return;
        }
        let mut pictures = Pictures::default();
        let mut label = |(file, place): &(ParquetFile, Place)| {
            let column = facts.read(&place.pointer, file.column(&parameters.label))?;
            let images = facts.read(&place.pointer, file.images(&parameters.image, column));
            if let Some(images) = &images {
                facts.take(parameters.check(images));
            }
            let shape = match images {
                Some(ImageColumns::Encoded(column)) => {
                    let read = self.pictures(file, column, &mut pictures);
                    facts.read(&place.pointer, read);
                    None
                }
                Some(ImageColumns::Pixels(columns)) => {
                    let shape = self.pixels(facts, file, &columns);
                    facts.read(&place.pointer, shape)
                }
                None => None,
            };
            let labels = match rows as u64 <= MAXIMUM_LABELS {
                true => facts.read(&place.pointer, file.labels(column)),
                false => None,
            };
            if let Some(Labels::Names(_)) = labels {
                facts.take(no_first_label(parameters.first_label));
            }
            Some((shape, labels))
        };
        let found: Vec<_> = all().map(&mut label).collect();
        let labels = found.iter().map(|found| found.as_ref()?.1.as_ref());
        let tables = all().map(|(file, _)| file).zip(labels);
        let known = parquet_file::class_names(tables, &parameters.label);
        let (mut training, mut testing) = (SplitFacts::default(), SplitFacts::default());
        for (at, ((_, place), found)) in all().zip(found).enumerate() {
            let (shape, labels) = found.unwrap_or_default();
            let numbers = |labels: Labels| labels.numbers(known.as_deref(), parameters.first_label);
            let split = match at < train.len() {
                true => &mut training,
                false => &mut testing,
            };
            split.add(place, shape, labels.map(numbers));
        }
        let is_any = pictures.looks.count() > 0;
        pictures.looks.is_all = pictures.looks.count() == rows;
        if is_any {
            pictures.looks.tell(facts, self.form);
            let checked = pictures.flaws.check(rows);
            facts.read(&place.pointer, checked);
        }
        if let Some(shape) = training.shape {
            facts.stored_shape(shape, parameters.transpose);
        }
        facts.same_shape(&training, &testing);
        let labelling = Labelling {
            first_label: parameters.first_label,
            class_names: &parameters.class_names,
            known: known.as_deref(),
        };
        facts.label(labelling, [&training, &testing]);
    }

    /// Looks at encoded pictures, the first of the first table or all of them.
    fn pictures(
        &self,
        file: &ParquetFile,
        column: usize,
        pictures: &mut Pictures,
    ) -> Result<(), IngestError> {
        let is_first = pictures.looks.count() == 0;
        let mut row = 0;
        let mut add =
            |batch: &RecordBatch, look: &(dyn Fn(usize, Option<&[u8]>) -> Looked + Sync)| {
                let encoded = parquet_file::encoded(batch.column(0));
                let encoded = encoded.map_err(|reason| file.refused(reason))?;
                on_all_cores(
                    encoded.len(),
                    |at| look(at, encoded[at].as_deref()),
                    |at, looked| {
                        pictures.looks.add(&looked);
                        if let Some(flaw) = looked.flaw {
                            pictures.flaws.refuse(Spot::row(&file.path, row + at), flaw);
                        }
                    },
                );
                row += encoded.len();
                pictures.bytes += encoded.iter().flatten().map(Vec::len).sum::<usize>();
                Ok::<_, IngestError>(pictures.bytes)
            };
        if self.is_thorough {
            for batch in file.batches(&[column])? {
                let look = |_, bytes: Option<&[u8]>| {
                    look_thoroughly(bytes.ok_or_else(parquet_file::no_picture), self.form)
                };
                if add(&batch?, &look)? > THOROUGH_BYTES {
                    break;
                }
            }
        } else if is_first && let Some(batch) = file.first_batch(&[column], MAXIMUM_PICTURES) {
            let look = |at, bytes: Option<&[u8]>| match at < WITH_VALUES {
                true => look_at_values(bytes.unwrap_or_default()),
                false => look(bytes.unwrap_or_default()),
            };
            add(&batch, &look)?;
        }
        Ok(())
    }

    /// The shape of images with a column a pixel. Checks the values, if they are not too many.
    fn pixels(
        &self,
        facts: &mut Facts,
        file: &ParquetFile,
        columns: &[usize],
    ) -> Result<[usize; 3], IngestError> {
        let sizes = [file.rows().max(1), columns.len()];
        let dimensions = Dimensions::of(&sizes, self.parameters.layout, self.shape);
        if dimensions.is_err()
            && self.shape.is_none()
            && let Some(batch) = file.first_batch(columns, MAXIMUM_PICTURES)
        {
            let pixels = file.numbers(&batch)?;
            facts.suggest_shape(columns.len(), pixels.into_iter());
        }
        let dimensions = dimensions.map_err(|reason| file.refused(reason))?;
        let most = match self.is_thorough {
            true => THOROUGH_VALUES,
            false => MAXIMUM_VALUES,
        };
        let mut images = 0;
        let mut extent = Extent::default();
        let mut checked = Ok(());
        for batch in file.batches(columns)? {
            let values = file.numbers(&batch?)?;
            values.iter().for_each(|&value| extent.add(value));
            if checked.is_ok() {
                let pixels = file.pixels(&values, self.range, columns.len(), images);
                checked = pixels.map(|_| ());
            }
            images += values.len() / columns.len().max(1);
            if (images * columns.len()) as u64 > most {
                break;
            }
        }
        facts.suggest_range(&self.parameters.range, &extent, images == file.rows());
        checked?;
        Ok(dimensions.shape)
    }
}

/// Encoded pictures of all tables.
#[derive(Debug, Default)]
struct Pictures {
    looks: Looks,
    flaws: Flaws,
    /// Bytes that were read.
    bytes: usize,
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
