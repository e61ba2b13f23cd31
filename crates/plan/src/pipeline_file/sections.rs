//! The table `[sections]` of a pipeline file: a sentence for each heading that tables name by `section`.

use std::collections::BTreeMap;

use eigenscope_stage::ParameterType;

use super::content::SECTIONS;
use super::table::Table;
use crate::file::{self, Entry, FileError, Problems, Raw, did_you_mean, named, wrong_type};

/// The sentences by heading. A heading that no table names is a mistake, unless it comes from a file that is extended, of which
/// tables may be left out: `bytes` is the length of the file itself.
pub(super) fn sections(
    entry: Option<&Entry>,
    tables: &[Table<'_>],
    bytes: usize,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let mut sections = BTreeMap::new();
    let Some(entry) = entry else {
        return sections;
    };
    let Raw::Table(sentences) = &entry.node.raw else {
        problems.add(|| {
            wrong_type(SECTIONS, "a table", &entry.node.found())
                .at(&entry.node.span, "should be a table")
                .help("start it with a line [sections]")
        });
        return sections;
    };
    let headings = || tables.iter().filter_map(|table| table.heading.as_deref());
    for sentence in sentences {
        let heading = &sentence.key;
        if sentence.key_span.start < bytes && headings().all(|known| known != heading) {
            problems.add(|| {
                let message = format!("no table has the section `{}`", named(heading));
                FileError::new("unknown_section", message)
                    .at(&sentence.key_span, "nothing stands under this heading")
                    .help(did_you_mean("sections of tables", heading, headings()))
            });
        }
        let text = file::value(&sentence.node, &ParameterType::Text, heading, problems);
        if let Some(text) = text.as_ref().and_then(|text| text.as_str()) {
            sections.insert(heading.clone(), text.to_owned());
        }
    }
    sections
}
