//! Tables of text: all lines of a small file, the first of a large one.

use std::path::Path;

use eigenscope_stage::{Examination, Examined, TaskError};

use super::values::Extent;
use super::{Facts, Place, SplitFacts, places};
use crate::arrays::Range;
use crate::content::{Content, Raw};
use crate::csv::{self as table, Column, LabelEnds, Table};
use crate::error::{IngestError, shown};
use crate::labels::Labelling;
use crate::parameters::{CsvParameters, NamedPath, WithCommon, no_first_label};
use crate::sets::{csv_dimensions, lacking_own};

/// Bytes of text that are read of a file.
const MAXIMUM_BYTES: usize = 1 << 20;
/// The same to answer a thorough question.
const THOROUGH_BYTES: usize = 1 << 28;
/// Bytes that are used of a longer file.
const START_BYTES: usize = 1 << 16;

pub(crate) fn csv(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<CsvParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(examination, parameters.test_fraction);
    let range = facts.take(Range::given(&parameters.range));
    let shape = facts.take(parameters.shape());
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    let files = facts.take(parameters.files());
    let named = files.iter().flatten().flatten();
    facts.lacks(lacking_own(examination.data_dir(), named, &stated));
    if let (Some(range), Some(_), Some([train, test])) = (range, shape, files) {
        let most = match examination.is_thorough() {
            true => THOROUGH_BYTES,
            false => MAXIMUM_BYTES,
        };
        let mut read = |files: &[NamedPath<'_>]| {
            let tables = places(examination, files)?.into_iter().map(|place| {
                let text = facts.read(&place.pointer, text(&place.path, most))?;
                // A line may be longer than what is read.
                let is_any = text.is_whole || !text.bytes.is_empty();
                let parsed = is_any.then(|| parse(&mut facts, &place, &text, &parameters, range));
                Some((place, parsed??, text.is_whole))
            });
            tables.collect::<Option<Vec<_>>>()
        };
        if let (Some(train), Some(test)) = (read(&train), read(&test)) {
            look(&mut facts, &parameters, [&train, &test]);
        }
        let suggestions = &mut facts.answer.suggestions;
        // What else was found is not true of other labels.
        if suggestions.contains_key(LABEL) {
            suggestions.retain(|name, _| name == LABEL);
        }
    }
    Ok(facts.finish("csv", &common))
}

/// The parameter that names the column of the labels.
const LABEL: &str = "label";

/// Says that the labels seem to stand in the last column, or to stand there or in the first, where nothing says which.
fn look_for_labels(facts: &mut Facts, place: &Place, bytes: &[u8], label: &Column) {
    if *label != Column::Name(String::new()) {
        return;
    }
    let mut content = Content::plain(&place.path, bytes, bytes.len() as u64);
    // What cannot be read is told by reading the table.
    let Ok(Some(ends)) = table::label_ends(&mut content) else {
        return;
    };
    let warning = match ends {
        LabelEnds { last: false, .. } => return,
        LabelEnds { first: true, .. } => {
            "the labels are taken from the first column, but the last one could hold them as well: set `label = 0` or `label = -1`"
        }
        LabelEnds { first: false, .. } => {
            facts.suggest(LABEL, -1);
            "the labels are taken from the first column, but those in the last one look more like labels: set `label = -1`, or `label = 0` if \
             the first one is right"
        }
    };
    let warning = format!("{}: {warning}", shown(&place.path));
    if !facts.answer.warnings.contains(&warning) {
        facts.answer.warnings.push(warning);
    }
}

/// Tables, and whether all of their lines were read.
type Tables = [(Place, Table, bool)];

fn look(facts: &mut Facts, parameters: &CsvParameters, [train, test]: [&Tables; 2]) {
    let tables: Vec<&Table> = train
        .iter()
        .chain(test)
        .map(|(_, table, _)| table)
        .collect();
    let is_whole = train.iter().chain(test).all(|(.., is_whole)| *is_whole);
    let known = table::class_names(&tables);
    let mut split = |tables: &Tables| {
        let mut split = SplitFacts::default();
        for (place, table, _) in tables {
            let dimensions = csv_dimensions(&place.path, table, parameters);
            let dimensions = facts.read(&place.pointer, dimensions);
            if dimensions.is_none() {
                let pixels = table.pixels.iter().map(|&pixel| f64::from(pixel));
                facts.suggest_shape(table.values, pixels);
            }
            let labels = table.labels(known.as_deref()).ok().filter(|_| is_whole);
            split.add(place, dimensions.map(|dimensions| dimensions.shape), labels);
        }
        split
    };
    let (training, testing) = (split(train), split(test));
    if let Some(shape) = training.shape {
        facts.stored_shape(shape, parameters.transpose);
    }
    facts.same_shape(&training, &testing);
    for table in &tables {
        let pixels = table.pixels.iter().map(|&pixel| f64::from(pixel));
        facts.suggest_range(&parameters.range, &Extent::of(pixels), is_whole);
    }
    if known.is_some() {
        facts.take(no_first_label(parameters.first_label));
    }
    let labelling = Labelling {
        first_label: match known {
            Some(_) => 0,
            None => parameters.first_label,
        },
        class_names: &parameters.class_names,
        known: known.as_deref().filter(|_| is_whole),
    };
    facts.label(labelling, [&training, &testing]);
}

/// The text of a file, or its first lines.
struct Text {
    bytes: Vec<u8>,
    is_whole: bool,
}

fn text(path: &Path, most: usize) -> Result<Text, IngestError> {
    let (mut raw, length) = Raw::open(path)?;
    let mut content = Content::new(path, &mut raw, length)?;
    let mut bytes = vec![0; most];
    let filled = content.fill(&mut bytes)?;
    bytes.truncate(filled);
    let is_whole = filled < most;
    if !is_whole {
        // A line that is longer than the start counts as a whole.
        let end = bytes[..START_BYTES].iter().rposition(table::ends_line);
        let end = end.or_else(|| bytes.iter().rposition(table::ends_line));
        bytes.truncate(end.map_or(0, |end| end + 1));
    }
    Ok(Text { bytes, is_whole })
}

/// The table of a text. If its pixels are other numbers than 0 to 255, their range is suggested.
fn parse(
    facts: &mut Facts,
    place: &Place,
    text: &Text,
    parameters: &CsvParameters,
    range: Option<Range>,
) -> Option<Table> {
    let bytes = text.bytes.as_slice();
    let mut content = Content::plain(&place.path, bytes, bytes.len() as u64);
    let CsvParameters { label, ignore, .. } = parameters;
    look_for_labels(facts, place, bytes, label);
    let table = table::read(&mut content, label, ignore, range);
    if table.is_err() && range.is_none() {
        let mut content = Content::plain(&place.path, bytes, bytes.len() as u64);
        let mut extent = Extent::default();
        let see = |value| extent.add(value);
        if table::each_number(&mut content, label, ignore, see).is_ok() {
            facts.suggest_range(&parameters.range, &extent, text.is_whole);
        }
    }
    facts.read(&place.pointer, table)
}
