//! Writing zip archives of stored entries, with the same bytes for the same entries.

use std::io::{self, Write};

use flate2::Crc;

/// The first day that a zip archive can name.
const DATE: u16 = (1 << 5) | 1;
/// Version 4.5, the first with zip64.
const VERSION: u16 = 45;

/// Writes an archive entry by entry.
#[derive(Debug)]
pub(crate) struct ZipWriter<W> {
    output: W,
    position: u64,
    directory: Vec<u8>,
    entries: u64,
}

impl<W: Write> ZipWriter<W> {
    pub(crate) fn new(output: W) -> Self {
        Self {
            output,
            position: 0,
            directory: Vec::new(),
            entries: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        self.output.write_all(bytes)
    }

    /// Adds an entry whose content is `parts` one after another.
    pub(crate) fn add(&mut self, name: &str, parts: &[&[u8]]) -> io::Result<()> {
        let name_len = u16::try_from(name.len()).map_err(io::Error::other)?;
        let header = self.position;
        let mut crc = Crc::new();
        let mut size = 0u64;
        for part in parts {
            crc.update(part);
            size += part.len() as u64;
        }
        // Version, flags (names are UTF-8), method, time, date, checksum, both sizes in the extra field, length of the name.
        let mut common = Vec::new();
        for field in [VERSION, 1 << 11, 0, 0, DATE] {
            common.extend(field.to_le_bytes());
        }
        common.extend(crc.sum().to_le_bytes());
        common.extend([255; 8]);
        common.extend(name_len.to_le_bytes());

        self.put(b"PK\x03\x04")?;
        self.put(&common)?;
        self.put(&20u16.to_le_bytes())?;
        self.put(name.as_bytes())?;
        self.put(&extra(&[size, size]))?;
        for part in parts {
            self.put(part)?;
        }

        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(VERSION.to_le_bytes());
        self.directory.extend(common);
        self.directory.extend(28u16.to_le_bytes());
        // No comment, disk 0, no attributes, the offset in the extra field.
        self.directory.extend([0; 10]);
        self.directory.extend([255; 4]);
        self.directory.extend(name.as_bytes());
        self.directory.extend(extra(&[size, size, header]));
        self.entries += 1;
        Ok(())
    }

    /// Writes the directory.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let start = self.position;
        let directory = std::mem::take(&mut self.directory);
        self.put(&directory)?;
        let end = self.position;
        let mut tail = b"PK\x06\x06".to_vec();
        tail.extend(44u64.to_le_bytes());
        tail.extend(VERSION.to_le_bytes());
        tail.extend(VERSION.to_le_bytes());
        tail.extend([0; 8]);
        for field in [self.entries, self.entries, directory.len() as u64, start] {
            tail.extend(field.to_le_bytes());
        }
        tail.extend(b"PK\x06\x07\0\0\0\0");
        tail.extend(end.to_le_bytes());
        tail.extend(1u32.to_le_bytes());
        tail.extend(b"PK\x05\x06\0\0\0\0");
        tail.extend([255; 12]);
        tail.extend([0; 2]);
        self.put(&tail)?;
        self.output.flush()?;
        Ok(self.output)
    }
}

/// The extra field of zip64.
fn extra(fields: &[u64]) -> Vec<u8> {
    let mut bytes = vec![1, 0];
    bytes.extend(u16::try_from(8 * fields.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
    bytes
}
