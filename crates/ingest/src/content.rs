//! Reading a file once: digest of its raw bytes, decompression, digest of the decompressed content.
//!
//! Headers are not trusted. A reader asks for a stated number of bytes and gets them or an error;
//! memory is reserved only for sizes that the file can hold, so neither a wrong header nor a gzip bomb
//! costs more than the file itself (deflate expands at most 1032 times).

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use eigenscope_artifact::{Digest, FileDigest, regular};
use eigenscope_stage::ExternalFile;
use ring::digest::{Context as Sha256, SHA256};

use crate::error::{CUT_SHORT, IngestError, TOO_LONG};
use crate::gzip::Members;

const BUFFER_BYTES: usize = 1 << 17;
/// Largest factor by which a deflate stream grows.
const DEFLATE_LIMIT: u64 = 1032;

/// A reader that counts and hashes the raw bytes of a file.
pub(crate) struct Raw<R> {
    path: PathBuf,
    reader: R,
    bytes: u64,
    blake3: blake3::Hasher,
    sha256: Sha256,
}

impl Raw<File> {
    /// Opens a regular file and returns its length as well.
    pub(crate) fn open(path: &Path) -> Result<(Self, u64), IngestError> {
        let failed = |source| IngestError::io("open", path, source);
        let file = regular::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        Ok((Self::new(path, file), metadata.len()))
    }
}

impl<R: Read> Raw<R> {
    /// Reads from `reader`; `path` names the bytes in messages.
    pub(crate) fn new(path: &Path, reader: R) -> Self {
        Self {
            path: path.to_owned(),
            reader,
            bytes: 0,
            blake3: blake3::Hasher::new(),
            sha256: Sha256::new(&SHA256),
        }
    }

    /// Returns the record of the file for the orchestrator and the SHA-256 of the raw bytes.
    pub(crate) fn finish(self, data_dir: &Path) -> (ExternalFile, String) {
        let digest = FileDigest {
            bytes: self.bytes,
            blake3: Digest::from(self.blake3.finalize()),
        };
        let file = ExternalFile::new(relative(&self.path, data_dir), digest);
        (file, hexadecimal(self.sha256))
    }
}

impl<R: Read> Read for Raw<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let (read, _) = buffer.split_at(count);
        self.blake3.update(read);
        self.sha256.update(read);
        self.bytes += count as u64;
        Ok(count)
    }
}

/// Path relative to the data directory if inside, else absolute; always with `/`.
pub(crate) fn relative(path: &Path, data_dir: &Path) -> String {
    use std::path::Component;
    let inside = path.strip_prefix(data_dir).ok().filter(|inside| {
        inside
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    });
    let path = match inside {
        Some(inside) => inside.to_owned(),
        None => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    };
    path.to_string_lossy()
        .replace(std::path::MAIN_SEPARATOR, "/")
}

fn hexadecimal(context: Sha256) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(64);
    for byte in context.finish().as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// SHA-256 of several pieces as one.
pub(crate) fn sha256_of(pieces: [&[u8]; 2]) -> String {
    let mut sha256 = Sha256::new(&SHA256);
    for piece in pieces {
        sha256.update(piece);
    }
    hexadecimal(sha256)
}

enum Source<'a> {
    Plain(Box<dyn BufRead + 'a>),
    Gzip(Members<Box<dyn BufRead + 'a>>),
}

/// The content of a file, decompressed if its first two bytes, whatever its name is, are those of gzip.
pub(crate) struct Content<'a> {
    path: PathBuf,
    source: Source<'a>,
    /// Upper bound of the content's length.
    capacity: u64,
    offset: u64,
    sha256: Sha256,
}

impl<'a> Content<'a> {
    /// Content of `raw_bytes` bytes from `reader`.
    pub(crate) fn new(
        path: &Path,
        mut reader: impl Read + 'a,
        raw_bytes: u64,
    ) -> Result<Self, IngestError> {
        let mut magic = Vec::with_capacity(2);
        (&mut reader)
            .take(2)
            .read_to_end(&mut magic)
            .map_err(|source| IngestError::io("read", path, source))?;
        let gzip = magic == [0x1f, 0x8b];
        let whole = Cursor::new(magic).chain(reader);
        let buffered: Box<dyn BufRead + 'a> =
            Box::new(BufReader::with_capacity(BUFFER_BYTES, whole));
        Ok(Self {
            path: path.to_owned(),
            source: if gzip {
                Source::Gzip(Members::new(buffered))
            } else {
                Source::Plain(buffered)
            },
            capacity: if gzip {
                raw_bytes.saturating_mul(DEFLATE_LIMIT)
            } else {
                raw_bytes
            },
            offset: 0,
            sha256: Sha256::new(&SHA256),
        })
    }

    /// Content of `bytes` bytes from `reader` that is not compressed, whatever it starts with.
    pub(crate) fn plain(path: &Path, reader: impl Read + 'a, bytes: u64) -> Self {
        Self {
            path: path.to_owned(),
            source: Source::Plain(Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))),
            capacity: bytes,
            offset: 0,
            sha256: Sha256::new(&SHA256),
        }
    }

    /// The path in messages.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The position in the content.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Upper bound of the number of bytes that follow.
    pub(crate) fn room(&self) -> u64 {
        self.capacity.saturating_sub(self.offset)
    }

    /// Whether exactly [`room`](Self::room) bytes follow.
    pub(crate) fn room_is_exact(&self) -> bool {
        matches!(self.source, Source::Plain(_))
    }

    /// The error of malformed bytes at `offset`.
    pub(crate) fn malformed(
        &self,
        offset: u64,
        what: impl Into<Box<str>>,
        expected: impl Into<Box<str>>,
        found: impl Into<Box<str>>,
        fix: impl Into<Cow<'static, str>>,
    ) -> IngestError {
        IngestError::Malformed {
            path: self.path.clone(),
            offset,
            part: match self.source {
                Source::Plain(_) => "",
                Source::Gzip(_) => " of the decompressed content",
            },
            what: what.into(),
            expected: expected.into(),
            found: found.into(),
            fix: fix.into(),
        }
    }

    /// Fills `buffer` as far as the content goes; fewer bytes mean that it ended.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, IngestError> {
        let mut filled = 0;
        while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
            let result = match &mut self.source {
                Source::Plain(reader) => reader.read(rest),
                Source::Gzip(reader) => reader.read(rest),
            };
            match result {
                Ok(0) => break,
                Ok(count) => {
                    self.sha256.update(&rest[..count]);
                    self.offset += count as u64;
                    filled += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.read_error(error)),
            }
        }
        Ok(filled)
    }

    fn read_error(&self, source: io::Error) -> IngestError {
        use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let damaged = matches!(source.kind(), InvalidData | InvalidInput | UnexpectedEof);
        match self.source {
            Source::Gzip(_) if damaged => IngestError::Gzip {
                path: self.path.clone(),
                offset: self.offset,
                source,
            },
            _ => IngestError::io("read", &self.path, source),
        }
    }

    /// Returns the next `N` bytes; messages call them `what`.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], IngestError> {
        let mut bytes = [0; N];
        let filled = self.fill(&mut bytes)?;
        if filled < N {
            return Err(self.too_short(what, N as u64, filled as u64));
        }
        Ok(bytes)
    }

    /// Returns the next `bytes` bytes; messages call them `what`.
    pub(crate) fn bytes(&mut self, what: &str, bytes: u64) -> Result<Vec<u8>, IngestError> {
        let room = self.room();
        if bytes > room {
            return Err(self.malformed(
                self.offset,
                what,
                format!("{bytes} bytes"),
                format!("a file that can hold at most {room} more"),
                CUT_SHORT,
            ));
        }
        let out_of_memory = |content: &Self| {
            let error = io::Error::new(
                io::ErrorKind::OutOfMemory,
                format!("no memory for {bytes} bytes"),
            );
            IngestError::io("read", &content.path, error)
        };
        let length = usize::try_from(bytes).map_err(|_| out_of_memory(self))?;
        let mut buffer = Vec::new();
        buffer
            .try_reserve_exact(length)
            .map_err(|_| out_of_memory(self))?;
        // Grown as bytes arrive: memory that is reserved and never touched costs nothing.
        while buffer.len() < length {
            let start = buffer.len();
            buffer.resize((start + BUFFER_BYTES).min(length), 0);
            let filled = self.fill(&mut buffer[start..])?;
            if start + filled < buffer.len() {
                return Err(self.too_short(what, bytes, (start + filled) as u64));
            }
        }
        Ok(buffer)
    }

    /// Skips the next `bytes` bytes; messages call them `what`.
    pub(crate) fn skip(&mut self, what: &str, bytes: u64) -> Result<(), IngestError> {
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut done = 0;
        while done < bytes {
            let piece =
                usize::try_from(bytes - done).map_or(BUFFER_BYTES, |rest| rest.min(BUFFER_BYTES));
            let filled = self.fill(&mut buffer[..piece])?;
            done += filled as u64;
            if filled < piece {
                return Err(self.too_short(what, bytes, done));
            }
        }
        Ok(())
    }

    fn too_short(&self, what: &str, expected: u64, found: u64) -> IngestError {
        self.malformed(
            self.offset,
            format!("{what}, where the content ends"),
            format!("{expected} bytes"),
            format!("{found}"),
            CUT_SHORT,
        )
    }

    /// Checks that nothing follows, and with that the checksum of a gzip stream, and returns the SHA-256 of the content.
    pub(crate) fn finish(mut self) -> Result<String, IngestError> {
        let mut more = [0; 1];
        let end = self.offset;
        if self.fill(&mut more)? != 0 {
            return Err(self.malformed(
                end,
                "length of the content",
                format!("{end} bytes, as the header says"),
                "more bytes after them",
                TOO_LONG,
            ));
        }
        Ok(hexadecimal(self.sha256))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;

    pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("written");
        encoder.finish().expect("finished")
    }

    pub(crate) fn content(bytes: &[u8]) -> Content<'_> {
        Content::new(Path::new("data/file"), bytes, bytes.len() as u64).expect("readable")
    }

    #[test]
    fn plain_and_gzip_have_the_same_content_and_digest() {
        // printf abc | sha256sum
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let packed = gzip(b"abc");
        // Two gzip members in a row are one stream of both.
        let twice = [gzip(b"a"), gzip(b"bc")].concat();
        for bytes in [b"abc".as_slice(), &packed, &twice] {
            let mut content = content(bytes);
            assert_eq!(&content.array::<3>("letters").expect("three bytes"), b"abc");
            assert_eq!(content.finish().expect("the end"), expected);
        }
    }

    #[test]
    fn every_way_to_damage_gzip_is_told() {
        let whole = gzip(&[7; 5000]);
        for length in 2..whole.len() {
            let mut cut = content(&whole[..length]);
            let result = cut
                .skip("pixels", 5000)
                .and_then(|()| cut.finish().map(drop));
            assert!(
                matches!(result, Err(IngestError::Gzip { .. })),
                "cut to {length}: {result:?}"
            );
        }
        let mut wrong = whole.clone();
        let checksum = wrong.len() - 6;
        wrong[checksum] ^= 1;
        let trailing = [whole.as_slice(), b"junk"].concat();
        for bytes in [&wrong, &trailing] {
            let mut content = content(bytes);
            assert_eq!(content.bytes("pixels", 5000).expect("intact").len(), 5000);
            let error = content.finish().expect_err("damaged").to_string();
            assert!(error.contains("data/file: byte 5000"), "{error}");
        }
    }

    #[test]
    fn a_bomb_is_stopped_at_the_promised_length() {
        let bomb = gzip(&vec![0; 50_000_000]);
        let mut content = content(&bomb);
        content.bytes("pixels", 10).expect("ten bytes");
        let error = content.finish().expect_err("more follows").to_string();
        assert!(
            error.contains("byte 10 of the decompressed content"),
            "{error}"
        );
    }

    #[test]
    fn impossible_sizes_are_refused_before_memory_is_taken() {
        let packed = gzip(b"abc");
        for bytes in [b"abc".as_slice(), &packed] {
            let error = content(bytes)
                .bytes("pixels", 1 << 60)
                .expect_err("no file holds that");
            assert!(error.to_string().contains("can hold at most"), "{error}");
        }
    }

    #[test]
    fn paths_are_relative_only_inside_the_data_directory() {
        let data = Path::new("/data");
        assert_eq!(relative(Path::new("/data/mnist/a.gz"), data), "mnist/a.gz");
        assert_eq!(relative(Path::new("/other/a.gz"), data), "/other/a.gz");
        assert_eq!(relative(Path::new("/data/../a.gz"), data), "/data/../a.gz");
    }
}
