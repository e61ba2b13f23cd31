//! CIFAR-10, binary version: records of one label byte and 3072 pixel bytes (red, green and blue plane
//! of 32 x 32), in five training batches and one test batch, as files or inside the authors' `.tar.gz`.
//!
//! A data set is held in memory once, 185 MB; the archive is decompressed as it is read.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use eigenscope_artifact::Split;

use crate::content::Content;
use crate::error::{COPY_AGAIN, IngestError, OTHER_FILE};
use crate::gzip::Members;

/// Number of pixel bytes of one image.
const PIXELS: usize = 3 * 32 * 32;
const RECORD: usize = 1 + PIXELS;
const CLASSES: u8 = 10;
/// Number of records of the largest batch.
const BATCH_RECORDS: u64 = 10_000;
/// Folder of the batches, on disk and inside the archive.
pub(crate) const FOLDER: &str = "cifar-10-batches-bin";
/// Limit of the bytes besides the batches (members, headers and padding), of which the published archive has less than 100 kB.
pub(crate) const ARCHIVE_SLACK: u64 = 1 << 24;

/// Appends the records of one batch to `split`; `content` ends with the last record.
pub(crate) fn read_batch(content: &mut Content<'_>, split: &mut Split) -> Result<(), IngestError> {
    let mut record = [0; RECORD];
    let mut records = 0;
    loop {
        let start = content.offset();
        let filled = content.fill(&mut record)?;
        match filled {
            0 if records == 0 => {
                return Err(content.malformed(
                    start,
                    "number of records",
                    "at least 1",
                    "an empty file",
                    COPY_AGAIN,
                ));
            }
            0 => return Ok(()),
            RECORD => {}
            _ => {
                return Err(content.malformed(
                    start,
                    format!("record {records}"),
                    format!("{RECORD} bytes (1 label, {PIXELS} pixels)"),
                    format!("{filled}, then the end"),
                    COPY_AGAIN,
                ));
            }
        }
        let [label, pixels @ ..] = &record;
        if *label >= CLASSES {
            return Err(content.malformed(
                start,
                format!("label of record {records}"),
                format!("0..={}", CLASSES - 1),
                label.to_string(),
                "is this the binary version of CIFAR-10 (not the Python one, not CIFAR-100)?",
            ));
        }
        records += 1;
        if records > BATCH_RECORDS {
            return Err(content.malformed(
                start,
                "number of records",
                format!("at most {BATCH_RECORDS}"),
                "more",
                OTHER_FILE,
            ));
        }
        // At most six batches of 10,000: the position fits.
        split.indices.push(split.labels.len() as u32);
        split.labels.push(u16::from(*label));
        split.pixels.extend_from_slice(pixels);
    }
}

/// Concatenates the training batches and numbers their rows. Takes batch by batch, so that few pixels are held twice.
pub(crate) fn join(batches: [Split; 5]) -> Split {
    let mut whole = Split::default();
    for batch in batches {
        whole.labels.extend(batch.labels);
        if whole.pixels.is_empty() {
            whole.pixels = batch.pixels;
        } else {
            whole.pixels.extend_from_slice(&batch.pixels);
        }
    }
    // At most five batches of 10,000: the positions fit.
    whole.indices = (0..whole.labels.len() as u32).collect();
    whole
}

/// Reads the archive from `reader`: calls `member` with each batch in `names` (and its position there)
/// as it comes, checks that each comes exactly once, then reads to the end of the gzip stream.
pub(crate) fn read_archive(
    path: &Path,
    reader: impl Read,
    names: &[&str],
    mut member: impl FnMut(usize, Content<'_>) -> Result<(), IngestError>,
) -> Result<(), IngestError> {
    let limit = names.len() as u64 * BATCH_RECORDS * RECORD as u64 + ARCHIVE_SLACK;
    let limited = Limited {
        reader: Members::new(BufReader::new(reader)),
        read: 0,
        limit,
    };
    let mut archive = tar::Archive::new(limited);
    let mut seen = vec![false; names.len()];
    let broken = |source: io::Error| IngestError::io("read the archive", path, source);
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.into_owned();
        let Some(position) = names
            .iter()
            .position(|wanted| name == Path::new(FOLDER).join(wanted))
        else {
            continue;
        };
        let start = entry.raw_file_position();
        let malformed = |what: &str, expected: String, found: String| IngestError::Malformed {
            path: member_path(path, &name),
            offset: start,
            part: " of the decompressed archive",
            what: what.into(),
            expected: expected.into(),
            found: found.into(),
            fix: COPY_AGAIN.into(),
        };
        if !entry.header().entry_type().is_file() {
            let found = format!("{:?}", entry.header().entry_type());
            return Err(malformed("type of the member", "a file".to_owned(), found));
        }
        let largest = BATCH_RECORDS * RECORD as u64;
        if entry.size() > largest {
            return Err(malformed(
                "size of the member",
                format!("at most {largest} bytes"),
                entry.size().to_string(),
            ));
        }
        if std::mem::replace(&mut seen[position], true) {
            return Err(malformed(
                "number of members of this name",
                "1".to_owned(),
                "2".to_owned(),
            ));
        }
        let size = entry.size();
        let content = Content::plain(&member_path(path, &name), entry, size);
        member(position, content)?;
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(broken)?;
    if let Some(missing) = seen.iter().position(|seen| !seen) {
        return Err(IngestError::Malformed {
            path: path.to_owned(),
            offset: rest.read,
            part: " of the decompressed archive, its end",
            what: "members".into(),
            expected: format!("{FOLDER}/{}", names[missing]).into(),
            found: "no such member".into(),
            fix: "this is another archive: give cifar-10-binary.tar.gz".into(),
        });
    }
    Ok(())
}

fn member_path(archive: &Path, member: &Path) -> PathBuf {
    PathBuf::from(format!("{}!{}", archive.display(), member.display()))
}

/// A reader that fails instead of ending after too many bytes.
struct Limited<R> {
    reader: R,
    read: u64,
    limit: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!(
                    "gzip stream damaged or cut short after {} decompressed bytes ({error}); {COPY_AGAIN}",
                    self.read
                ),
            )
        })?;
        self.read += count as u64;
        if self.read > self.limit {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "expected at most {} decompressed bytes, found more; {OTHER_FILE}",
                    self.limit
                ),
            ));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::tests::{content, gzip};

    fn records(labels: &[u8]) -> Vec<u8> {
        labels
            .iter()
            .flat_map(|label| std::iter::once(*label).chain((0..PIXELS).map(|at| (at % 251) as u8)))
            .collect()
    }

    fn tarball(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, bytes) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            builder
                .append_data(&mut header, name, *bytes)
                .expect("appended");
        }
        builder.into_inner().expect("finished")
    }

    fn read(bytes: &[u8]) -> Result<Vec<Split>, IngestError> {
        let mut splits = vec![Split::default(), Split::default()];
        read_archive(
            Path::new("a.tar.gz"),
            bytes,
            &["one.bin", "two.bin"],
            |position, mut content| read_batch(&mut content, &mut splits[position]),
        )?;
        Ok(splits)
    }

    const ONE: &str = "cifar-10-batches-bin/one.bin";
    const TWO: &str = "cifar-10-batches-bin/two.bin";

    #[test]
    fn records_come_back_in_order() {
        let bytes = records(&[3, 9]);
        let mut split = Split::default();
        read_batch(&mut content(&bytes), &mut split).expect("valid");
        read_batch(&mut content(&bytes), &mut split).expect("valid");
        assert_eq!(split.labels, [3, 9, 3, 9]);
        assert_eq!(split.indices, [0, 1, 2, 3]);
        assert_eq!(split.pixels[..PIXELS], bytes[1..RECORD]);
    }

    #[test]
    fn wrong_batches_are_refused() {
        let refused = |bytes: &[u8]| {
            read_batch(&mut content(bytes), &mut Split::default())
                .expect_err("refused")
                .to_string()
        };
        let cut = &records(&[1, 2])[..RECORD + 100];
        assert!(
            refused(cut).starts_with("data/file: byte 3073: record 1: expected 3073 bytes (1 label, 3072 pixels), found 100, then the end;"),
            "{}", refused(cut)
        );
        assert!(refused(&[]).contains("expected at least 1, found an empty file"));
        assert!(
            refused(&records(&[1, 10]))
                .contains("byte 3073: label of record 1: expected 0..=9, found 10")
        );
        let many = vec![0; RECORD * 10_001];
        assert!(refused(&many).contains("expected at most 10000, found more"));
    }

    #[test]
    fn an_archive_is_read_whatever_the_order_of_its_members() {
        let (one, two) = (records(&[1]), records(&[2, 3]));
        let bytes = tarball(&[
            (TWO, &two),
            ("cifar-10-batches-bin/readme.html", b"x"),
            (ONE, &one),
        ]);
        let splits = read(&gzip(&bytes)).expect("valid");
        assert_eq!(splits[0].labels, [1]);
        assert_eq!(splits[1].labels, [2, 3]);
    }

    #[test]
    fn wrong_archives_are_refused() {
        let (one, two) = (records(&[1]), records(&[2, 3]));
        let refused = |bytes: &[u8]| {
            let error = read(bytes).expect_err("refused");
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error}: {}", cause.unwrap_or_default())
        };
        let missing = refused(&gzip(&tarball(&[(ONE, &one)])));
        assert!(
            missing.contains("expected cifar-10-batches-bin/two.bin, found no such member"),
            "{missing}"
        );
        let twice = refused(&gzip(&tarball(&[(ONE, &one), (TWO, &two), (ONE, &one)])));
        assert!(
            twice.contains("number of members of this name: expected 1, found 2"),
            "{twice}"
        );
        let large = vec![0; RECORD * 10_001];
        let large = refused(&gzip(&tarball(&[(ONE, &large)])));
        assert!(large.contains("a.tar.gz!cifar-10-batches-bin/one.bin: byte 512 of the decompressed archive: size of the member: expected at most 30730000 bytes, found 30733073"), "{large}");
        let bomb = vec![0; 80_000_000];
        let bomb = refused(&gzip(&tarball(&[("zeros", &bomb), (ONE, &one)])));
        assert!(
            bomb.contains("expected at most 78237216 decompressed bytes, found more"),
            "{bomb}"
        );
        let whole = gzip(&tarball(&[(ONE, &one), (TWO, &two)]));
        for length in (0..whole.len()).step_by(7) {
            let cut = refused(&whole[..length]);
            assert!(cut.contains("a.tar.gz"), "{cut}");
        }
        let mut wrong = whole.clone();
        let checksum = wrong.len() - 6;
        wrong[checksum] ^= 1;
        assert!(refused(&wrong).contains("damaged or cut short"));
        assert!(refused(&tarball(&[(ONE, &one), (TWO, &two)])).contains("invalid gzip header"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = read(&bytes);
            let _ = read(&gzip(&bytes));
            let _ = read_batch(&mut content(&bytes), &mut Split::default());
        }

        #[test]
        fn damaged_archives_are_read_or_refused(position in 0usize..10_000, value: u8) {
            let mut bytes = tarball(&[(ONE, &records(&[1])), (TWO, &records(&[2]))]);
            let position = position % bytes.len();
            bytes[position] = value;
            let _ = read(&gzip(&bytes));
        }
    }
}
