//! Tables of text with a pixel in each column, as Kaggle ships MNIST.

use std::path::Path;

use eigenscope_stage::{Context, TaskError};

use super::own::{self, Files, Part};
use super::reading::read_file;
use crate::arrays::{Dimensions, Range};
use crate::csv::{self, Table};
use crate::error::{IngestError, shown};
use crate::labels::Labelling;
use crate::parameters::{CsvParameters, WithCommon, no_first_label};

/// The user's own tables of text.
///
/// # Errors
/// Returns an error if files are missing, damaged or do not fit together, if the data do not allow the parameters, or if the
/// artifact cannot be written.
pub fn user_csv(context: &Context) -> Result<(), TaskError> {
    let WithCommon::<CsvParameters> {
        own: parameters,
        common,
    } = context.parameters()?;
    let files = Files::find(context, &parameters.stated()?, parameters.files()?)?;
    let read = |paths: &[std::path::PathBuf]| {
        let tables = paths.iter().map(|path| table(context, path, &parameters));
        tables.collect::<Result<Vec<_>, IngestError>>()
    };
    let (train, test) = (read(&files.train)?, read(&files.test)?);
    let all: Vec<&Table> = train.iter().chain(&test).map(|(_, table)| table).collect();
    let classes = csv::class_names(&all);
    if classes.is_some() {
        no_first_label(parameters.first_label)?;
    }
    let parts = |tables: Vec<(std::path::PathBuf, Table)>| {
        let parts = tables
            .into_iter()
            .map(|(path, table)| part(path, table, classes.as_deref(), &parameters));
        Part::joined(parts.collect::<Result<Vec<_>, _>>()?)
    };
    let (Some(train), test) = (parts(train)?, parts(test)?) else {
        return Ok(());
    };
    own::warn_if_dark(context, &parameters.range, &train, test.as_ref());
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

fn table(
    context: &Context,
    path: &Path,
    parameters: &CsvParameters,
) -> Result<(std::path::PathBuf, Table), IngestError> {
    let range = Range::given(&parameters.range)?;
    let (file, external) = read_file(context, path, |content| {
        csv::read(content, &parameters.label, &parameters.ignore, range)
    })?;
    context.depends_on(external);
    let left_out = &file.value.left_out;
    if parameters.ignore.is_empty() && !left_out.is_empty() {
        context.warn(format!(
            "{}: left out, as the names are not those of pixels: {}; to choose the columns, set `ignore`",
            shown(&file.path),
            left_out.join(", ")
        ));
    }
    context.progress(1, 1, "files", super::reading::file_name(path));
    Ok((file.path, file.value))
}

fn part(
    path: std::path::PathBuf,
    table: Table,
    classes: Option<&[String]>,
    parameters: &CsvParameters,
) -> Result<Part, IngestError> {
    let dimensions = dimensions(&path, &table, parameters)?;
    let labels = table
        .labels(classes)
        .map_err(|reason| IngestError::Labels {
            path: path.clone(),
            reason,
        })?;
    let mut pixels = table.pixels;
    let shape = dimensions.arrange(&mut pixels, parameters.transpose);
    Ok(Part {
        path,
        shape,
        pixels,
        labels,
    })
}

/// Which images the rows of a table are.
pub(crate) fn dimensions(
    path: &Path,
    table: &Table,
    parameters: &CsvParameters,
) -> Result<Dimensions, IngestError> {
    let sizes = [table.labels.len(), table.values];
    let dimensions = Dimensions::of(&sizes, parameters.layout, parameters.shape()?);
    dimensions.map_err(|reason| IngestError::Labels {
        path: path.to_owned(),
        reason,
    })
}
