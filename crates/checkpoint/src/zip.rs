//! The directory of a zip archive, as PyTorch and NumPy write them: entries as they are or deflated, zip64.
//!
//! Only the directory at the end counts; nothing is looked for between the entries.

mod write;

use std::collections::HashMap;

use flate2::Crc;

use crate::error::shown;
use crate::layout::Data;
use crate::source::Source;
use crate::{CheckpointError, limits};

pub(crate) use write::ZipWriter;

/// An archive and where its entries are.
#[derive(Debug)]
pub(crate) struct Zip {
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

/// What the directory says about an entry.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    method: u16,
    crc: u32,
    compressed: u64,
    pub(crate) size: u64,
    header: u64,
}

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

impl Zip {
    /// Reads the directory.
    ///
    /// # Errors
    /// There is none, it contradicts itself, or exceeds the limits.
    pub(crate) fn open(source: &Source) -> Result<Self, CheckpointError> {
        let end = End::find(source)?;
        if end.entries > limits::ZIP_ENTRIES {
            let found = format!("{} entries", end.entries);
            return Err(source.too_large(
                "zip directory",
                found,
                format!("{} entries", limits::ZIP_ENTRIES),
            ));
        }
        let range = end.start..end.start.saturating_add(end.len);
        let bytes = source.read_range(range, limits::ZIP_DIRECTORY, "zip directory")?;
        let mut fields = Fields(&bytes);
        let mut entries = Vec::new();
        let mut by_name = HashMap::new();
        for index in 0..end.entries {
            let entry = Entry::read(&mut fields)
                .ok_or_else(|| damaged(source, format!("entry {index} is cut or no entry")))?;
            let entry = entry.map_err(|reason| damaged(source, reason))?;
            if by_name.insert(entry.name.clone(), entries.len()).is_some() {
                let reason = format!("two entries are called `{}`", shown(&entry.name));
                return Err(damaged(source, reason));
            }
            entries.push(entry);
        }
        Ok(Self { entries, by_name })
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&Entry> {
        self.by_name.get(name).map(|&index| &self.entries[index])
    }

    /// Where the bytes of `entry` are.
    ///
    /// # Errors
    /// An entry that is encrypted, otherwise compressed, inflates too far, or is not where the directory says.
    pub(crate) fn data(&self, source: &Source, entry: &Entry) -> Result<Data, CheckpointError> {
        let place = || format!("entry `{}`", shown(&entry.name));
        let mut header = [0; 30];
        source.read_at(entry.header, &mut header)?;
        let mut fields = Fields(&header);
        if fields.u32() != Some(0x0403_4b50) {
            return Err(source.damaged(place(), "no entry begins where the directory says"));
        }
        let lengths = u64::from(u16::from_le_bytes([header[26], header[27]]))
            + u64::from(u16::from_le_bytes([header[28], header[29]]));
        let start = entry.header + 30 + lengths;
        let end = start.checked_add(entry.compressed);
        if end.is_none_or(|end| end > source.len()) {
            let reason = format!("its {} bytes go beyond the file's end", entry.compressed);
            return Err(source.damaged(place(), reason));
        }
        match entry.method {
            STORED if entry.size == entry.compressed => Ok(Data::Range {
                source: 0,
                start,
                len: entry.size,
            }),
            STORED => Err(source.damaged(place(), "it is not compressed, but has two sizes")),
            DEFLATED => {
                let allowed = entry.compressed.saturating_mul(limits::INFLATION);
                let allowed = allowed.saturating_add(1 << 20).min(limits::INFLATED);
                if entry.size > allowed {
                    let found = format!(
                        "{} compressed bytes inflate to {}",
                        entry.compressed, entry.size
                    );
                    return Err(source.too_large(place(), found, format!("{allowed} bytes")));
                }
                Ok(Data::Deflated {
                    start,
                    compressed: entry.compressed,
                    skip: 0,
                    len: entry.size,
                })
            }
            method => Err(source.unsupported(
                place(),
                format!(
                    "compressed with method {method}; only stored and deflated entries can be read"
                ),
            )),
        }
    }

    /// The bytes of `entry`, at most `limit`.
    ///
    /// PyTorch can be told to write no checksums, and then writes wrong ones; NumPy always writes them.
    ///
    /// # Errors
    /// As [`Self::data`]; more bytes; with `checked`, another checksum.
    pub(crate) fn read(
        &self,
        source: &Source,
        entry: &Entry,
        limit: u64,
        checked: bool,
    ) -> Result<Vec<u8>, CheckpointError> {
        let place = format!("entry `{}`", shown(&entry.name));
        if entry.size > limit {
            let found = format!("{} bytes", entry.size);
            return Err(source.too_large(place, found, format!("{limit} bytes")));
        }
        let bytes = self.data(source, entry)?.bytes(source, &place)?;
        if checked {
            let mut crc = Crc::new();
            crc.update(&bytes);
            if crc.sum() != entry.crc {
                return Err(source.damaged(place, "its checksum is another one"));
            }
        }
        Ok(bytes)
    }

    /// Checks the bytes of `entry` against its checksum.
    ///
    /// # Errors
    /// As [`Self::data`]; another checksum.
    pub(crate) fn verify(&self, source: &Source, entry: &Entry) -> Result<(), CheckpointError> {
        let place = format!("entry `{}`", shown(&entry.name));
        let mut crc = Crc::new();
        self.data(source, entry)?
            .for_each_chunk(source, &place, |chunk| crc.update(chunk))?;
        match crc.sum() == entry.crc {
            true => Ok(()),
            false => Err(source.damaged(place, "its checksum is another one")),
        }
    }
}

fn damaged(source: &Source, reason: String) -> CheckpointError {
    source.damaged("zip directory", reason)
}

impl Entry {
    /// The next entry of a directory; `None` if the directory ends, a reason if the entry cannot be used.
    fn read(fields: &mut Fields<'_>) -> Option<Result<Self, String>> {
        if fields.u32()? != 0x0201_4b50 {
            return None;
        }
        fields.skip(4)?;
        let flags = fields.u16()?;
        let method = fields.u16()?;
        fields.skip(4)?;
        let crc = fields.u32()?;
        let sizes = [fields.u32()?, fields.u32()?];
        let [name, extra, comment] = [fields.u16()?, fields.u16()?, fields.u16()?];
        fields.skip(8)?;
        let header = fields.u32()?;
        let name = String::from_utf8_lossy(fields.take(name.into())?).into_owned();
        let extra = fields.take(extra.into())?;
        fields.skip(comment.into())?;
        if flags & 1 == 1 {
            return Some(Err(format!("entry `{}` is encrypted", shown(&name))));
        }
        let [Some(size), Some(compressed), Some(header)] =
            wide([sizes[1], sizes[0], header], extra)
        else {
            let reason = format!("entry `{}` lacks its sizes of 64 bits", shown(&name));
            return Some(Err(reason));
        };
        Some(Ok(Self {
            name,
            method,
            crc,
            compressed,
            size,
            header,
        }))
    }
}

/// Size, compressed size and offset, those that do not fit 32 bits from the extra field of zip64.
fn wide(narrow: [u32; 3], extra: &[u8]) -> [Option<u64>; 3] {
    let mut extra = Fields(extra);
    let mut zip64 = Fields(&[]);
    while let (Some(id), Some(len)) = (extra.u16(), extra.u16()) {
        match extra.take(len.into()) {
            Some(field) if id == 1 => zip64 = Fields(field),
            Some(_) => {}
            None => break,
        }
    }
    narrow.map(|value| match value {
        u32::MAX => zip64.u64(),
        value => Some(value.into()),
    })
}

/// What the end of an archive says about its directory.
struct End {
    entries: u64,
    start: u64,
    len: u64,
}

impl End {
    const LEN: u64 = 22;

    fn find(source: &Source) -> Result<Self, CheckpointError> {
        let none = || {
            let reason = "it begins as a zip archive but has no directory at its end: it is cut, \
                          for example by a download that broke off; get it again";
            source.damaged("the file's end", reason)
        };
        let tail_len = source.len().min(Self::LEN + u64::from(u16::MAX));
        let tail_start = source.len() - tail_len;
        let tail = source.read_range(tail_start..source.len(), tail_len, "the file's end")?;
        let found = tail
            .windows(4)
            .rposition(|bytes| bytes == [b'P', b'K', 5, 6])
            .ok_or_else(none)?;
        let mut fields = Fields(&tail[found + 4..]);
        let (is_whole, end) = (|| {
            let disks = [fields.u16()?, fields.u16()?];
            let entries = [fields.u16()?, fields.u16()?];
            let [len, start] = [fields.u32()?, fields.u32()?];
            // The length of a comment.
            fields.u16()?;
            let end = Self {
                entries: entries[0].into(),
                start: start.into(),
                len: len.into(),
            };
            Some((disks == [0, 0] && entries[0] == entries[1], end))
        })()
        .ok_or_else(none)?;
        match Self::find_wide(source, tail_start + found as u64)? {
            Some(wide) => Ok(wide),
            None if is_whole => Ok(end),
            None => Err(damaged(
                source,
                "it is spread over several files".to_owned(),
            )),
        }
    }

    /// What zip64 says, if it says anything; its locator stands before the end at `position`.
    fn find_wide(source: &Source, position: u64) -> Result<Option<Self>, CheckpointError> {
        let mut locator = [0; 20];
        let Some(at) = position.checked_sub(20) else {
            return Ok(None);
        };
        source.read_at(at, &mut locator)?;
        let mut fields = Fields(&locator);
        if fields.u32() != Some(0x0706_4b50) {
            return Ok(None);
        }
        let start = u64::from_le_bytes(locator[8..16].try_into().unwrap_or_default());
        let mut record = [0; 56];
        source.read_at(start, &mut record)?;
        let mut fields = Fields(&record);
        let end = (|| {
            let signature = fields.u32()?;
            fields.skip(20)?;
            let entries = [fields.u64()?, fields.u64()?];
            let [len, start] = [fields.u64()?, fields.u64()?];
            (signature == 0x0606_4b50 && entries[0] == entries[1]).then_some(Self {
                entries: entries[0],
                start,
                len,
            })
        })();
        end.map(Some)
            .ok_or_else(|| source.damaged("zip directory", "its end of 64 bits is no such end"))
    }
}

/// Little-endian fields one after another.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(|_| ())
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }
}
