//! CIFAR-10 from its folder or its archive.

use std::io::Read;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{ImageHeader, Images, SourceCheck, Split};
use eigenscope_stage::{Context, TaskError};

use super::find::{fetch, listed, similar};
use super::places::report_unusable;
use super::reading::{Sha256s, compare, exists, expect_published, read_file};
use super::{owned, write};
use crate::cifar;
use crate::content::{Raw, relative};
use crate::download::{Policy, Request};
use crate::error::{IngestError, Unavailable, shown, with_causes};
use crate::parameters::Parameters;
use crate::published::{CIFAR10_NAMES, PublishedCifar, combine};

/// The archive of CIFAR-10 in the data directory.
const ARCHIVE: &str = "cifar-10-binary.tar.gz";

/// CIFAR-10 from its unpacked folder, else from its archive, which is downloaded if it is not there.
///
/// # Errors
/// Returns the errors of [`published_idx`](super::published_idx).
pub fn published_cifar(
    context: &Context,
    set: &PublishedCifar<'_>,
    policy: &Policy,
) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let data_dir = &context.task().data_dir;
    let batches: Vec<PathBuf> = set
        .files
        .iter()
        .map(|file| data_dir.join(cifar::FOLDER).join(file.name))
        .collect();
    let archive = data_dir.join(ARCHIVE);
    let mut missing = Vec::new();
    for path in &batches {
        if !exists(path)? {
            missing.push(path.clone());
        }
    }
    let (splits, source) = if missing.is_empty() {
        match read_cifar_folder(context, set, &batches, &archive) {
            Ok(read) => read,
            Err(failure) if exists(&archive)? => {
                let failure = with_causes(&failure);
                context.warn(format!("{failure}; {} is used instead", shown(&archive)));
                for path in &batches {
                    report_unusable(context, path);
                }
                read_cifar_archive(context, set, &archive)?
            }
            Err(failure) => return Err(failure.into()),
        }
    } else {
        for path in &missing {
            context.depends_on_absence(relative(path, data_dir));
        }
        if !exists(&archive)? {
            if missing.len() < batches.len() {
                context.warn(format!(
                    "{} is not used: {} of its {} files are missing",
                    shown(data_dir.join(cifar::FOLDER)),
                    missing.len(),
                    batches.len()
                ));
            }
            download_cifar(context, set, &archive, policy)?;
        }
        read_cifar_archive(context, set, &archive)?
    };
    let [first, second, third, fourth, fifth, test] = splits;
    let header = ImageHeader {
        height: 32,
        width: 32,
        channels: 3,
        maximum: u8::MAX,
        classes: owned(CIFAR10_NAMES),
        transforms: Vec::new(),
        source,
    };
    let train = cifar::join([first, second, third, fourth, fifth]);
    write(
        context,
        &parameters,
        Images {
            header,
            train,
            test,
        },
    )
}

/// The batches in the order of `set`, and the check of all of them.
type Batches = ([Split; 6], SourceCheck);

fn read_cifar_folder(
    context: &Context,
    set: &PublishedCifar<'_>,
    paths: &[PathBuf],
    archive: &Path,
) -> Result<Batches, IngestError> {
    let mut splits: [Split; 6] = Default::default();
    let mut checks = Vec::new();
    let mut externals = Vec::new();
    for (position, (file, path)) in set.files.iter().zip(paths).enumerate() {
        let split = &mut splits[position];
        let (read, mut external) =
            read_file(context, path, |content| cifar::read_batch(content, split))?;
        external.instead = vec![relative(archive, &context.task().data_dir)];
        externals.push(external);
        checks.push(compare(context, path, file.checksum, &read.sha256));
        context.progress(position as u64 + 1, 6, "files", file.name);
    }
    for external in externals {
        context.depends_on(external);
    }
    Ok((splits, combine(checks)))
}

fn read_cifar_archive(
    context: &Context,
    set: &PublishedCifar<'_>,
    archive: &Path,
) -> Result<Batches, IngestError> {
    let mut splits: [Split; 6] = Default::default();
    let mut checks = Vec::new();
    let names = set.files.map(|file| file.name);
    let (mut raw, _) = Raw::open(archive)?;
    cifar::read_archive(archive, &mut raw, &names, |position, mut content| {
        cifar::read_batch(&mut content, &mut splits[position])?;
        let path = content.path().to_owned();
        let content = content.finish()?;
        let sha256 = Sha256s {
            content: content.clone(),
            raw: content,
        };
        checks.push(compare(
            context,
            &path,
            set.files[position].checksum,
            &sha256,
        ));
        context.progress(checks.len() as u64, 6, "files", names[position]);
        Ok(())
    })?;
    context.depends_on(raw.finish(&context.task().data_dir).0);
    Ok((splits, combine(checks)))
}

/// A clause about the version for Python, if the user has that one.
fn python_version(data_dir: &Path) -> Option<String> {
    let names = ["cifar-10-batches-py", "cifar-10-python.tar.gz"];
    let path = names
        .map(|name| data_dir.join(name))
        .into_iter()
        .find(|path| path.exists())?;
    Some(format!(
        "; {} is the version for Python, whose pickles are not read: the binary version is wanted",
        shown(path)
    ))
}

fn download_cifar(
    context: &Context,
    set: &PublishedCifar<'_>,
    archive: &Path,
    policy: &Policy,
) -> Result<(), IngestError> {
    let names = set.files.map(|file| file.name);
    let verify = |url: &Path, reader: &mut dyn Read| {
        cifar::read_archive(url, reader, &names, |position, mut content| {
            let file = &set.files[position];
            content.skip("content", file.bytes)?;
            let path = content.path().to_owned();
            let content = content.finish()?;
            expect_published(
                &path,
                file.checksum,
                &Sha256s {
                    content: content.clone(),
                    raw: content,
                },
            )
        })
    };
    let request = Request {
        urls: &set
            .mirrors
            .iter()
            .map(|url| (*url).to_owned())
            .collect::<Vec<_>>(),
        destination: archive,
        limit: set.files.iter().map(|file| file.bytes).sum::<u64>() + cifar::ARCHIVE_SLACK,
    };
    fetch(context, &request, policy, &verify)
        .map_err(|download| missing(&context.task().data_dir, set, download))
}

fn missing(data_dir: &Path, set: &PublishedCifar<'_>, download: Unavailable) -> IngestError {
    let names: Vec<&str> = set.files.iter().map(|file| file.name).collect();
    let folder = data_dir.join(cifar::FOLDER);
    IngestError::Missing {
        wanted: format!("cifar10: {}", names.join(", ")),
        looked: listed(&[folder.clone(), data_dir.join(ARCHIVE)]),
        similar: python_version(data_dir).unwrap_or_else(|| similar(data_dir, &[folder], "cifar")),
        download: Box::new(download),
        place: format!(
            "put {ARCHIVE} of {} (the binary version, not the Python one) there, packed or unpacked",
            set.mirrors.first().copied().unwrap_or("its authors")
        ),
    }
}

/// Why a run without downloads would not find the files.
pub fn lacking_cifar(data_dir: &Path, set: &PublishedCifar<'_>) -> Option<IngestError> {
    let mut files = set.files.iter();
    let is_whole = files.all(|file| data_dir.join(cifar::FOLDER).join(file.name).exists());
    let is_there = is_whole || data_dir.join(ARCHIVE).exists();
    (!is_there).then(|| missing(data_dir, set, Unavailable::NotYet))
}
