//! Parquet tables of others, such as those of Hugging Face.

use std::collections::BTreeMap;

use eigenscope_stage::{Context, TaskError};

use super::own::{self, Files, MAXIMUM_BYTES, Part};
use crate::arrays::{Dimensions, Range};
use crate::error::IngestError;
use crate::flaws::{Flaws, Spot};
use crate::in_order::in_order;
use crate::labels::Labelling;
use crate::parameters::{ParquetParameters, WithCommon, no_first_label};
use crate::parquet_file::{self, ImageColumns, Labels, ParquetFile};
use crate::picture::{self, Channels, Form};

/// Pictures that are decoded at a time by one thread.
const PIECE: usize = 16;

/// The user's own tables.
///
/// # Errors
/// Returns an error if files or columns are missing, damaged, of other types, or do not fit together, if the data do not allow the
/// parameters, or if the artifact cannot be written.
pub fn user_parquet(context: &Context) -> Result<(), TaskError> {
    let WithCommon::<ParquetParameters> {
        own: parameters,
        common,
    } = context.parameters()?;
    let files = Files::find(context, &parameters.stated()?, parameters.files()?)?;
    let open = |paths: &[std::path::PathBuf]| {
        let tables = paths.iter().map(|path| {
            own::report(context, path)?;
            Table::open(path, &parameters)
        });
        let tables = tables.collect::<Result<Vec<_>, IngestError>>()?;
        // One of several files may be empty.
        match tables.first() {
            Some(first) if tables.iter().all(|table| table.count() == 0) => Err(first.file.empty()),
            _ => Ok(tables),
        }
    };
    let (train, test) = (open(&files.train)?, open(&files.test)?);
    let all: Vec<&Table> = train.iter().chain(&test).collect();
    let tables = all.iter().map(|table| (&table.file, Some(&table.labels)));
    let classes = parquet_file::class_names(tables, &parameters.label);
    let form = match all
        .iter()
        .any(|table| matches!(table.images, ImageColumns::Encoded(_)))
    {
        true => Some(form(context, &all, &parameters)?),
        false => None,
    };
    let mut flaws = Flaws::default();
    let mut parts = |tables: &[Table]| {
        let parts = tables.iter().map(|table| {
            let form = form.as_ref();
            table.part(context, &parameters, form, classes.as_deref(), &mut flaws)
        });
        parts.collect::<Result<Vec<_>, _>>()
    };
    let (train, test) = (parts(&train)?, parts(&test)?);
    flaws.check(all.iter().map(|table| table.count()).sum())?;
    let (Some(train), test) = (Part::joined(train)?, Part::joined(test)?) else {
        return Ok(());
    };
    context.warn_all(flaws.warnings());
    // Decoded pictures have a range of their own.
    if form.is_none() {
        own::warn_if_dark(context, &parameters.range, &train, test.as_ref());
    }
    let labelling = Labelling {
        first_label: parameters.first_label,
        class_names: &parameters.class_names,
        known: classes.as_deref(),
    };
    own::finish(
        context,
        &common,
        labelling,
        parameters.test_fraction,
        train,
        test,
    )
}

/// A table, and what its columns are.
struct Table {
    file: ParquetFile,
    images: ImageColumns,
    labels: Labels,
}

/// What the encoded pictures are turned into: looks at all of them.
fn form(
    context: &Context,
    tables: &[&Table],
    parameters: &ParquetParameters,
) -> Result<Form, IngestError> {
    let given = parameters.form()?;
    let colours = given.channels.is_none();
    let mut sizes: BTreeMap<[usize; 2], usize> = BTreeMap::new();
    let mut all_grey = true;
    let mut flaws = Flaws::default();
    for table in tables {
        table.each(
            context,
            |bytes| picture::look(bytes, colours),
            |row, look| match look {
                Ok(look) => {
                    *sizes.entry(look.size).or_default() += 1;
                    all_grey &= look.is_grey;
                }
                Err(reason) => flaws.refuse(table.row(row), reason),
            },
        )?;
    }
    // Those that cannot be looked at are named together with those that cannot be decoded, unless nothing can be.
    if sizes.is_empty() {
        flaws.check(tables.iter().map(|table| table.count()).sum())?;
    }
    let commonest = sizes
        .iter()
        .max_by_key(|(_, count)| **count)
        .map(|(size, _)| *size);
    if given.size.is_none() && sizes.len() > 1 && flaws.none_refused() {
        let [height, width] = commonest.unwrap_or_default();
        return Err(IngestError::parameter(
            "size",
            format!(
                "the pictures have {} different sizes, most of them {height} x {width}; set `size = [{height}, {width}]` to resize all of them",
                sizes.len()
            ),
        ));
    }
    Ok(Form {
        channels: given.channels.unwrap_or(match all_grey {
            true => Channels::Grey,
            false => Channels::Rgb,
        }),
        size: given.size.or(commonest),
        background: given.background,
    })
}

impl Table {
    fn open(path: &std::path::Path, parameters: &ParquetParameters) -> Result<Self, IngestError> {
        let file = ParquetFile::open(path)?;
        let label = file.column(&parameters.label)?;
        let images = file.images(&parameters.image, label)?;
        parameters.check(&images)?;
        let labels = file.labels(label)?;
        if let Labels::Names(_) = labels {
            no_first_label(parameters.first_label)?;
        }
        Ok(Self {
            file,
            images,
            labels,
        })
    }

    /// Where a row is.
    fn row(&self, row: usize) -> Spot {
        Spot::row(&self.file.path, row)
    }

    /// Calls `read` with each encoded picture on all threads, and `take` with the rows and the results in order.
    fn each<T: Send>(
        &self,
        context: &Context,
        read: impl Fn(&[u8]) -> Result<T, String> + Sync,
        mut take: impl FnMut(usize, Result<T, String>),
    ) -> Result<(), IngestError> {
        let ImageColumns::Encoded(column) = self.images else {
            return Ok(());
        };
        let mut row = 0;
        for batch in self.file.batches(&[column])? {
            let pictures = parquet_file::encoded(batch?.column(0));
            let pictures = pictures.map_err(|reason| self.file.refused(reason))?;
            let pieces: Vec<&[Option<Vec<u8>>]> = pictures.chunks(PIECE).collect();
            let read_one = |picture: &Option<Vec<u8>>| match picture {
                Some(bytes) => read(bytes),
                None => Err(parquet_file::no_picture()),
            };
            let work = |piece: usize| pieces[piece].iter().map(read_one).collect::<Vec<_>>();
            let collect = |_, results: Vec<Result<T, String>>| {
                for result in results {
                    take(row, result);
                    row += 1;
                }
                Ok::<_, std::convert::Infallible>(())
            };
            match in_order(context.thread_budget(), pieces.len(), work, collect) {
                Ok(()) => {}
                Err(never) => match never {},
            }
            context.progress(row as u64, self.count() as u64, "images", "");
        }
        Ok(())
    }

    fn count(&self) -> usize {
        match &self.labels {
            Labels::Numbers(labels) => labels.len(),
            Labels::Names(labels) => labels.len(),
        }
    }

    /// The images with their labels, which count from `first_label`, or in `classes` from 0.
    fn part(
        &self,
        context: &Context,
        parameters: &ParquetParameters,
        form: Option<&Form>,
        classes: Option<&[String]>,
        flaws: &mut Flaws,
    ) -> Result<Part, IngestError> {
        let (pixels, shape) = match (&self.images, form) {
            (ImageColumns::Pixels(columns), _) => self.pixels(columns, parameters)?,
            (ImageColumns::Encoded(_), Some(form)) => self.decoded(context, form, flaws)?,
            (ImageColumns::Encoded(_), None) => (Vec::new(), [0; 3]),
        };
        let labels = self.labels.numbers(classes, parameters.first_label);
        Ok(Part {
            path: self.file.path.clone(),
            shape,
            pixels,
            labels,
        })
    }

    fn decoded(
        &self,
        context: &Context,
        form: &Form,
        flaws: &mut Flaws,
    ) -> Result<(Vec<u8>, [usize; 3]), IngestError> {
        let [height, width] = form.size.unwrap_or_default();
        let shape = [form.channels.count(), height, width];
        let values = shape.iter().product::<usize>() as u64;
        if values.saturating_mul(self.count() as u64) > MAXIMUM_BYTES {
            return Err(self.file.refused(too_many(self.count(), values)));
        }
        let mut pixels = Vec::new();
        self.each(
            context,
            |bytes| picture::decode(bytes, form),
            |row, picture| match picture {
                Ok(picture) => {
                    pixels.extend_from_slice(&picture.pixels);
                    flaws.note(&picture, || self.row(row));
                }
                Err(reason) => flaws.refuse(self.row(row), reason),
            },
        )?;
        Ok((pixels, shape))
    }

    fn pixels(
        &self,
        columns: &[usize],
        parameters: &ParquetParameters,
    ) -> Result<(Vec<u8>, [usize; 3]), IngestError> {
        let refused = |reason| self.file.refused(reason);
        if self.count() == 0 {
            return Err(self.file.empty());
        }
        let range = Range::given(&parameters.range)?;
        let sizes = [self.count(), columns.len()];
        let dimensions = Dimensions::of(&sizes, parameters.layout, parameters.shape()?);
        let dimensions = dimensions.map_err(refused)?;
        let values = columns.len() as u64;
        if values.saturating_mul(self.count() as u64) > MAXIMUM_BYTES {
            return Err(refused(too_many(self.count(), values)));
        }
        let mut pixels = Vec::new();
        for batch in self.file.batches(columns)? {
            let numbers = self.file.numbers(&batch?)?;
            let first = pixels.len() / columns.len();
            pixels.extend(self.file.pixels(&numbers, range, columns.len(), first)?);
        }
        let shape = dimensions.arrange(&mut pixels, parameters.transpose);
        Ok((pixels, shape))
    }
}

fn too_many(images: usize, values: u64) -> String {
    format!(
        "{images} images of {values} values are more than {MAXIMUM_BYTES} bytes: make them smaller with `size`, or use folders"
    )
}
