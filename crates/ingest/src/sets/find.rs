//! Files of the published sets in the data directory, and their download where they are missing.

use std::io::Read;
use std::path::{Path, PathBuf};

use eigenscope_stage::Context;

use super::places::Places;
use super::reading::{Sha256s, expect_published, file_name};
use crate::content::{Content, Raw};
use crate::download::{Policy, Request, Verify, download};
use crate::error::{IngestError, Unavailable, shown};
use crate::published::{PublishedFile, PublishedIdx};

/// Room for what a gzip file has besides its content, in bytes.
const GZIP_SLACK: u64 = 1 << 20;
/// Similar names in a message at most.
const MAXIMUM_SIMILAR: usize = 6;
/// Entries of a folder that are looked at for similar names.
const MAXIMUM_ENTRIES: usize = 10_000;

fn folders(data_dir: &Path, set: &PublishedIdx<'_>) -> Vec<PathBuf> {
    let folders = set.folders.iter();
    folders.map(|folder| data_dir.join(folder)).collect()
}

/// Looks for the files of `set`. If some are missing, the first file of `otherwise` would be read.
///
/// Names are the published ones and those with a dot (`train-images.idx3-ubyte`), each with `.gz` and without.
pub(super) fn idx_files(
    data_dir: &Path,
    set: &PublishedIdx<'_>,
    otherwise: &[PathBuf],
) -> Result<[Places; 4], IngestError> {
    let folders = folders(data_dir, set);
    let mut found: [Places; 4] = Default::default();
    for (file, found) in set.files.iter().zip(&mut found) {
        let in_folder = |folder: &PathBuf| names(file.name).map(|name| folder.join(name));
        *found = Places::look(folders.iter().flat_map(in_folder), otherwise)?;
    }
    Ok(found)
}

/// Downloads the files of `set` that were not found.
pub(super) fn download_missing(
    context: &Context,
    set: &PublishedIdx<'_>,
    found: &mut [Places; 4],
    policy: &Policy,
) -> Result<(), IngestError> {
    let data_dir = &context.task().data_dir;
    for position in 0..found.len() {
        if found[position].is_empty() {
            let downloaded = download_idx(context, set, &set.files[position], policy);
            let path = downloaded.map_err(|error| missing(data_dir, set, found, error))?;
            found[position].found(&path);
        }
    }
    Ok(())
}

/// The places of the file of arrays in which Keras keeps a data set.
pub(super) fn keras(data_dir: &Path, set: &PublishedIdx<'_>) -> [PathBuf; 2] {
    let name = format!("{}.npz", set.name);
    [data_dir.join(set.name).join(&name), data_dir.join(&name)]
}

/// The names under which a published file is found, the first being that of its download.
fn names(published: &str) -> [String; 4] {
    let dotted = published.replacen("-idx", ".idx", 1);
    [
        format!("{published}.gz"),
        published.to_owned(),
        format!("{dotted}.gz"),
        dotted,
    ]
}

fn download_idx(
    context: &Context,
    set: &PublishedIdx<'_>,
    file: &PublishedFile<'_>,
    policy: &Policy,
) -> Result<PathBuf, Unavailable> {
    let verify = |url: &Path, reader: &mut dyn Read| {
        let mut raw = Raw::new(url, reader);
        let mut content = Content::new(url, &mut raw, u64::MAX)?;
        content.skip("content", file.bytes)?;
        let content = content.finish()?;
        let (_, raw) = raw.finish(&context.task().data_dir);
        expect_published(url, file.checksum, &Sha256s { content, raw })
    };
    let urls: Vec<String> = set
        .mirrors
        .iter()
        .map(|mirror| format!("{mirror}{}.gz", file.name))
        .collect();
    let folder = set.folders.first().copied().unwrap_or_default();
    let destination = context.task().data_dir.join(folder);
    let destination = destination.join(format!("{}.gz", file.name));
    let request = Request {
        urls: &urls,
        destination: &destination,
        limit: file.bytes + GZIP_SLACK,
    };
    fetch(context, &request, policy, &verify)?;
    Ok(destination)
}

/// Downloads a file and reports how far it is, if downloads are allowed.
pub(super) fn fetch(
    context: &Context,
    request: &Request<'_>,
    policy: &Policy,
    verify: &Verify<'_>,
) -> Result<(), Unavailable> {
    if request.urls.is_empty() {
        return Err(Unavailable::NotOffered);
    }
    if !context.task().download {
        return Err(Unavailable::SwitchedOff);
    }
    let name = file_name(request.destination);
    download(request, policy, verify, &mut |done, total| {
        context.progress(
            done,
            total.max(done),
            "bytes",
            format!("downloading {name}"),
        );
    })
}

/// The error about every file of `set` that was not found.
fn missing(
    data_dir: &Path,
    set: &PublishedIdx<'_>,
    found: &[Places; 4],
    download: Unavailable,
) -> IngestError {
    let folders = folders(data_dir, set);
    let files = set.files.iter().zip(found);
    let wanted: Vec<&str> = files
        .filter_map(|(file, found)| found.is_empty().then_some(file.name))
        .collect();
    let folder = folders.first().map(shown);
    IngestError::Missing {
        wanted: format!("{}: {}", set.name, wanted.join(", ")),
        looked: format!(
            "{} (with or without `.gz`, with `.idx` for `-idx`)",
            listed(&folders)
        ),
        similar: similar(data_dir, &folders, set.name),
        download: Box::new(download),
        place: format!(
            "put the files of {} into {}, or put `{}.npz`, in which Keras keeps all of them, there or into {}",
            set.origin,
            folder.unwrap_or_default(),
            set.name,
            shown(data_dir)
        ),
    }
}

/// The error that a run would meet that downloads nothing, if files of `set` are not there.
pub(super) fn lacking(data_dir: &Path, set: &PublishedIdx<'_>) -> Option<IngestError> {
    let found = idx_files(data_dir, set, &[]).ok()?;
    let is_whole = !found.iter().any(Places::is_empty);
    let has_arrays = keras(data_dir, set).iter().any(|path| path.exists());
    let download = match set.mirrors {
        [] => Unavailable::NotOffered,
        _ => Unavailable::NotYet,
    };
    (!is_whole && !has_arrays).then(|| missing(data_dir, set, &found, download))
}

/// A list of paths for a message.
pub(super) fn listed(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(shown).collect();
    paths.join(", ")
}

/// What the data directory and `folders` hold that may be what is missing: the names that contain `set`, `idx` or
/// `ubyte`. A clause for a message, empty if there is nothing.
pub(super) fn similar(data_dir: &Path, folders: &[PathBuf], set: &str) -> String {
    if !data_dir.is_dir() {
        return format!("; there is no data directory {}", shown(data_dir));
    }
    let parents = folders.iter().filter_map(|folder| folder.parent());
    let mut places: Vec<&Path> = vec![data_dir];
    for place in parents.chain(folders.iter().map(PathBuf::as_path)) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = [plain(set), "idx".to_owned(), "ubyte".to_owned()];
    let mut found = Vec::new();
    for place in &places {
        let entries = std::fs::read_dir(place).into_iter().flatten();
        let mut names: Vec<PathBuf> = entries
            .take(MAXIMUM_ENTRIES)
            .flatten()
            .filter(|entry| {
                let name = plain(&entry.file_name().to_string_lossy());
                wanted.iter().any(|wanted| name.contains(wanted))
            })
            .map(|entry| entry.path())
            .filter(|path| !places.contains(&path.as_path()))
            .collect();
        names.sort();
        found.extend(names);
    }
    match found.len() {
        0 => String::new(),
        count if count > MAXIMUM_SIMILAR => {
            let rest = count - MAXIMUM_SIMILAR;
            found.truncate(MAXIMUM_SIMILAR);
            format!("; similar names: {} and {rest} more", listed(&found))
        }
        _ => format!("; similar names: {}", listed(&found)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_dot_are_known() {
        assert_eq!(
            names("train-images-idx3-ubyte"),
            [
                "train-images-idx3-ubyte.gz",
                "train-images-idx3-ubyte",
                "train-images.idx3-ubyte.gz",
                "train-images.idx3-ubyte",
            ]
        );
    }

    #[test]
    fn similar_names_are_listed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path();
        let wanted = [data.join("mnist"), data.join("MNIST/raw")];
        let absent = data.join("absent");
        let text = similar(&absent, &[], "mnist");
        assert_eq!(
            text,
            format!("; there is no data directory {}", shown(absent))
        );
        assert_eq!(similar(data, &wanted, "mnist"), "");
        std::fs::create_dir_all(data.join("mnist")).expect("created");
        for name in [
            "mnist.npz",
            "t10k-images-idx3-ubyte",
            "notes.txt",
            "mnist/x.idx",
        ] {
            std::fs::write(data.join(name), "x").expect("written");
        }
        let text = similar(data, &wanted, "mnist");
        let names = ["mnist.npz", "t10k-images-idx3-ubyte", "mnist/x.idx"];
        let expected = names.map(|name| data.join(name));
        assert_eq!(text, format!("; similar names: {}", listed(&expected)));
        for number in 0..9 {
            std::fs::write(data.join(format!("idx{number}")), "x").expect("written");
        }
        assert!(similar(data, &wanted, "mnist").ends_with(" and 6 more"));
    }
}
