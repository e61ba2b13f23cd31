//! Passes over all pictures, on all threads.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use eigenscope_artifact::{Digest, FileDigest, regular};
use eigenscope_stage::Context;

use super::arrange::{Arrangement, Sample};
use super::notes::Root;
use super::{FileAt, path_of};
use crate::duplicates::PixelDigest;
use crate::error::{IngestError, shown};
use crate::flaws::{Flaws, Spot};
use crate::in_order::in_order;
use crate::picture::{self, Form, Look, MAXIMUM_BYTES, Picture};
use crate::rows::Target;

/// Decoded bytes of one piece.
const PIECE_BYTES: usize = 4 << 20;
/// Pictures of one piece at most.
const PIECE_PICTURES: usize = 256;

/// A file that was read, and decoded if that was wanted.
#[derive(Debug)]
pub(super) struct Read {
    /// `None` if it could not be read.
    pub(super) digest: Option<FileDigest>,
    pub(super) picture: Option<Result<Picture, String>>,
    /// The digest of the decoded pixels.
    pub(super) pixels: PixelDigest,
}

impl Read {
    /// Adds what is wrong with the picture of a file.
    pub(super) fn note(&self, flaws: &mut Flaws, roots: &[Root], file: FileAt) {
        let spot = || Spot::file(path_of(roots, file));
        match &self.picture {
            Some(Err(reason)) => flaws.refuse(spot(), reason.clone()),
            Some(Ok(picture)) => flaws.note(picture, spot),
            None => {}
        }
    }
}

/// The bytes of a picture.
pub(crate) fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let file = regular::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let mut limited = file.take(MAXIMUM_BYTES + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAXIMUM_BYTES {
        return Err(format!("the file is longer than {MAXIMUM_BYTES} bytes"));
    }
    Ok(bytes)
}

/// Reads a file, and decodes it to `form` if given.
pub(super) fn read(roots: &[Root], file: FileAt, form: Option<&Form>) -> Read {
    let bytes = match bytes(&path_of(roots, file)) {
        Ok(bytes) => bytes,
        Err(reason) => {
            return Read {
                digest: None,
                picture: Some(Err(reason)),
                pixels: PixelDigest::default(),
            };
        }
    };
    let digest = FileDigest {
        bytes: bytes.len() as u64,
        blake3: Digest::of(&bytes),
    };
    let picture = form.map(|form| {
        let picture = picture::decode(&bytes, form)?;
        match form.size {
            Some(size) if size != picture.size => {
                Err("the file changed while it was read".to_owned())
            }
            _ => Ok(picture),
        }
    });
    let pixels = match &picture {
        Some(Ok(picture)) => PixelDigest::of(&picture.pixels),
        _ => PixelDigest::default(),
    };
    Read {
        digest: Some(digest),
        picture,
        pixels,
    }
}

/// What is known of the pictures before they are decoded.
pub(super) struct Found {
    /// How many there are of each size (height, width), and the first of them.
    pub(super) sizes: BTreeMap<[usize; 2], (usize, FileAt)>,
    pub(super) is_grey: bool,
    pub(super) flaws: Flaws,
}

impl Found {
    pub(super) fn commonest_size(&self) -> Option<[usize; 2]> {
        let sizes = self.sizes.iter();
        let (size, _) = sizes.max_by_key(|(_, (count, _))| *count)?;
        Some(*size)
    }

    /// The error about pictures of several sizes.
    pub(super) fn sizes_differ(&self, roots: &[Root]) -> IngestError {
        let mut sizes: Vec<_> = self.sizes.iter().collect();
        sizes.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        let shown = sizes
            .iter()
            .take(3)
            .map(|([height, width], (count, file))| {
                let path = path_of(roots, *file);
                format!("{count} of {height} x {width} such as {}", shown(path))
            });
        let mut list: Vec<String> = shown.collect();
        match sizes.len().saturating_sub(3) {
            0 => {}
            1 => list.push("and 1 other size".to_owned()),
            rest => list.push(format!("and {rest} other sizes")),
        }
        let [height, width] = self.commonest_size().unwrap_or_default();
        IngestError::parameter(
            "size",
            format!(
                "the pictures have different sizes (height x width): {}; set `size = [{height}, {width}]` to resize all of them",
                list.join(", ")
            ),
        )
    }
}

/// Looks at all pictures. Whether those that are stored in colours are grey is only found out if `colours` is set.
pub(super) fn look(
    context: &Context,
    roots: &[Root],
    arrangement: &Arrangement,
    colours: bool,
) -> Found {
    let samples: Vec<&Sample> = arrangement.samples().collect();
    let mut found = Found {
        sizes: BTreeMap::new(),
        is_grey: true,
        flaws: Flaws::default(),
    };
    let pieces: Vec<&[&Sample]> = samples.chunks(PIECE_PICTURES).collect();
    // Once one picture has colours the others need not be decoded.
    let all_grey = AtomicBool::new(colours);
    let work = |piece: usize| -> Vec<Result<Look, String>> {
        let look = |sample: &&Sample| {
            let bytes = bytes(&path_of(roots, sample.file))?;
            let look = picture::look(&bytes, all_grey.load(Ordering::Relaxed))?;
            all_grey.fetch_and(look.is_grey, Ordering::Relaxed);
            Ok(look)
        };
        pieces[piece].iter().map(look).collect()
    };
    let mut done = 0;
    let take = |piece: usize, looks: Vec<Result<Look, String>>| {
        for (sample, look) in pieces[piece].iter().zip(looks) {
            match look {
                Ok(look) => {
                    found.sizes.entry(look.size).or_insert((0, sample.file)).0 += 1;
                    found.is_grey &= look.is_grey;
                }
                Err(reason) => found
                    .flaws
                    .refuse(Spot::file(path_of(roots, sample.file)), reason),
            }
        }
        done += pieces[piece].len() as u64;
        context.progress(
            done,
            samples.len() as u64,
            "files",
            "looking at the pictures",
        );
        Ok::<_, std::convert::Infallible>(())
    };
    match in_order(context.thread_budget(), pieces.len(), work, take) {
        Ok(()) => found,
        Err(never) => match never {},
    }
}

/// Reads the files of all parts, decodes those of the first two, or of the only one, and hands them over in order: the part, the
/// position of the first, and each with its position in the part.
pub(super) fn decode(
    context: &Context,
    roots: &[Root],
    parts: &[&[FileAt]],
    form: &Form,
    mut take: impl FnMut(usize, usize, Vec<(usize, Read)>) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let [height, width] = form.size.unwrap_or([1, 1]);
    let values = height
        .saturating_mul(width)
        .saturating_mul(form.channels.count());
    let step = (PIECE_BYTES / values.max(1)).clamp(1, PIECE_PICTURES);
    let mut pieces = Vec::new();
    for (part, files) in parts.iter().enumerate() {
        let starts = (0..files.len()).step_by(step);
        pieces.extend(starts.map(|start| (part, start..(start + step).min(files.len()))));
    }
    let total: usize = parts.iter().map(|files| files.len()).sum();
    let work = |piece: usize| {
        let (part, rows) = pieces[piece].clone();
        let form = (part < 2).then_some(form);
        let read = rows.map(|row| (row, read(roots, parts[part][row], form)));
        read.collect::<Vec<_>>()
    };
    let mut done = 0;
    let take = |piece: usize, results: Vec<(usize, Read)>| {
        let (part, rows) = pieces[piece].clone();
        take(part, rows.start, results)?;
        done += rows.len() as u64;
        context.progress(done, total as u64, "images", "decoding");
        Ok(())
    };
    in_order(context.thread_budget(), pieces.len(), work, take)
}

/// The label of each sample by its similarity with a target; `None` if one cannot be decoded.
pub(super) fn labels(
    context: &Context,
    roots: &[Root],
    samples: &[&Sample],
    form: &Form,
    target: &Target,
) -> Option<Vec<u16>> {
    let pieces: Vec<&[&Sample]> = samples.chunks(PIECE_PICTURES).collect();
    let label = |sample: &&Sample| match read(roots, sample.file, Some(form)).picture {
        Some(Ok(picture)) => Some(target.label(&picture.pixels)),
        _ => None,
    };
    let work = |piece: usize| {
        pieces[piece]
            .iter()
            .map(label)
            .collect::<Option<Vec<u16>>>()
    };
    let mut labels = Vec::new();
    let take = |_, piece: Option<Vec<u16>>| {
        labels.extend(piece.ok_or(())?);
        Ok::<_, ()>(())
    };
    in_order(context.thread_budget(), pieces.len(), work, take).ok()?;
    Some(labels)
}
