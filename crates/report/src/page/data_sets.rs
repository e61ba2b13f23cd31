//! The data sets of a page, as the summary of the run lists them.

use eigenscope_artifact::{IMAGES, ImageHeader, TableReader};
use eigenscope_report_file::ReportFile;
use eigenscope_stage::Stage;

use super::error::PageError;
use super::words;

/// A data set that is up to date.
pub(super) struct DataSet<'a> {
    /// Id of its task.
    pub(super) id: &'a str,
    /// Training and test images.
    pub(super) images: u64,
    /// Height, width and channels of an image.
    pub(super) shape: String,
    pub(super) classes: usize,
    /// Size of the file.
    pub(super) bytes: u64,
    /// Digest of the content.
    pub(super) content: String,
}

/// All data sets that are up to date.
pub(super) fn read(file: &ReportFile) -> Result<Vec<DataSet<'_>>, PageError> {
    let tasks = file.tasks.iter();
    let stored = tasks
        .filter(|task| task.section == Stage::Data)
        .filter_map(|task| {
            let images = words::output(&task.state, IMAGES.name())?;
            Some((task, images))
        });
    let sets = stored.map(|(task, images)| {
        let reader = TableReader::open(&images.path, IMAGES)?;
        let header: ImageHeader = reader.metadata_json("header")?;
        let ImageHeader {
            height,
            width,
            channels,
            ..
        } = header;
        Ok(DataSet {
            id: &task.id,
            images: reader.summary().rows,
            shape: format!("{height} × {width} × {channels}"),
            classes: header.classes.len(),
            bytes: images.bytes,
            content: images.content.to_string(),
        })
    });
    sets.collect()
}
