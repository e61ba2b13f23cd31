//! Tables of text: all lines of a small file, the first of a large one.

use std::path::Path;

use eigenscope_stage::{Examination, Examined, TaskError};

use super::{Facts, paths};
use crate::arrays::{Dimensions, Range};
use crate::content::{Content, Raw};
use crate::csv::{self as table, Table};
use crate::error::IngestError;
use crate::parameters::{CsvParameters, WithCommon};
use crate::sets::lacking_own;

/// Bytes of text that are read of a file.
const MAXIMUM_BYTES: usize = 1 << 20;
/// Bytes that are used of a longer file.
const START_BYTES: usize = 1 << 16;

pub(crate) fn csv(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<CsvParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::new(parameters.test_fraction);
    let range = facts.take(Range::given(&parameters.range));
    let shape = facts.take(parameters.shape());
    let stated = facts.take(parameters.stated()).unwrap_or_default();
    let files = facts.take(parameters.files());
    let named = files.iter().flatten().flatten().copied();
    let named: Vec<_> = named.collect();
    facts.lacks(lacking_own(examination.data_dir(), &named, &stated));
    if let (Some(range), Some(shape), Some([train, test])) = (range, shape, files) {
        let mut read = |files: &[(&'static str, &str)]| {
            let paths = paths(examination, files);
            let tables = paths.iter().map(|path| {
                let text = text(path).ok()?;
                let table = parse(&mut facts, path, &text, &parameters, range)?;
                Some((table, text.is_whole))
            });
            tables.collect::<Option<Vec<_>>>()
        };
        if let (Some(train), Some(test)) = (read(&train), read(&test)) {
            look(&mut facts, &parameters, shape, [&train, &test]);
        }
    }
    Ok(facts.finish("csv", &common))
}

/// Tables, and whether all of their lines were read.
type Tables = [(Table, bool)];

fn look(
    facts: &mut Facts,
    parameters: &CsvParameters,
    shape: Option<[usize; 3]>,
    [train, test]: [&Tables; 2],
) {
    let Some((first, _)) = train.first() else {
        return;
    };
    let sizes = [first.labels.len(), first.values];
    if let Ok(dimensions) = Dimensions::of(&sizes, parameters.layout, shape) {
        facts.stored_shape(dimensions.shape, parameters.transpose);
    }
    let pixels = first.pixels.iter().map(|&pixel| f64::from(pixel));
    if !facts.answer.suggestions.contains_key("range") {
        facts.suggest_range(&parameters.range, pixels);
    }
    let tables: Vec<&Table> = train.iter().chain(test).map(|(table, _)| table).collect();
    let is_whole = train.iter().chain(test).all(|(_, is_whole)| *is_whole);
    let known = table::class_names(&tables);
    let first_label = match known {
        Some(_) => 0,
        None => parameters.first_label,
    };
    let labels = |tables: &Tables| {
        let labels = tables
            .iter()
            .map(|(table, _)| table.labels(known.as_deref()).ok());
        let labels: Option<Vec<_>> = labels.collect();
        labels.filter(|_| is_whole).map(|labels| labels.concat())
    };
    let labelled = [
        labels(train),
        (!test.is_empty()).then(|| labels(test)).flatten(),
    ];
    let known = known.as_deref().filter(|_| is_whole);
    facts.label(labelled, first_label, known, &parameters.class_names);
}

/// The text of a file, or its first lines.
struct Text {
    bytes: Vec<u8>,
    is_whole: bool,
}

fn text(path: &Path) -> Result<Text, IngestError> {
    let (mut raw, length) = Raw::open(path)?;
    let mut content = Content::new(path, &mut raw, length)?;
    let mut bytes = vec![0; MAXIMUM_BYTES];
    let filled = content.fill(&mut bytes)?;
    bytes.truncate(filled);
    let is_whole = filled < MAXIMUM_BYTES;
    if !is_whole {
        // A line that is longer than the start counts as a whole.
        let end = bytes[..START_BYTES].iter().rposition(|byte| *byte == b'\n');
        let end = end.or_else(|| bytes.iter().rposition(|byte| *byte == b'\n'));
        bytes.truncate(end.map_or(0, |end| end + 1));
    }
    Ok(Text { bytes, is_whole })
}

/// The table of a text; with the range of 0 to 1, which is suggested then, if that makes it readable.
fn parse(
    facts: &mut Facts,
    path: &Path,
    text: &Text,
    parameters: &CsvParameters,
    range: Option<Range>,
) -> Option<Table> {
    let read = |range| {
        let bytes = text.bytes.as_slice();
        let mut content = Content::plain(path, bytes, bytes.len() as u64);
        table::read(&mut content, &parameters.label, &parameters.ignore, range)
    };
    let table = read(range);
    if let (Err(_), None, Ok(Some(fractions))) = (&table, range, Range::given(&[0.0, 1.0]))
        && let Ok(table) = read(Some(fractions))
    {
        facts.suggest("range", serde_json::json!([0.0, 1.0]));
        return Some(table);
    }
    facts.read(table)
}
