//! Decompression of gzip: any number of members one after another, padded with zero bytes or not.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

/// Decompresses what `R` holds.
///
/// As in gzip(1), the content of several members is their concatenation, and zero bytes after the last one (the padding of
/// tapes and of some copying programs) are ignored. Anything else after it is an error.
pub(crate) struct Members<R> {
    /// The member that is read; `None` only while members change.
    member: Option<GzDecoder<R>>,
    ended: bool,
}

impl<R: BufRead> Members<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self {
            member: Some(GzDecoder::new(reader)),
            ended: false,
        }
    }

    /// Goes to the next member, or to the end.
    fn advance(&mut self) -> io::Result<()> {
        let Some(member) = self.member.take() else {
            return Ok(());
        };
        let mut reader = member.into_inner();
        let mut padded = false;
        loop {
            let ahead = reader.fill_buf()?;
            let zeros = ahead.iter().take_while(|byte| **byte == 0).count();
            match ahead.get(zeros) {
                None if zeros == 0 => {
                    self.ended = true;
                    break;
                }
                None => {
                    padded = true;
                    reader.consume(zeros);
                }
                Some(_) if padded || zeros > 0 => {
                    let reason = "something else follows the padding of the gzip stream";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
                Some(_) => break,
            }
        }
        self.member = Some(GzDecoder::new(reader));
        Ok(())
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buffer.is_empty() {
            let Some(member) = &mut self.member else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            let count = member.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.advance()?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tests::gzip;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        // A small buffer, so that padding spans several.
        let reader = io::BufReader::with_capacity(16, bytes);
        Members::new(reader).read_to_end(&mut content)?;
        Ok(content)
    }

    #[test]
    fn members_are_joined_and_padding_is_ignored() {
        let two = [gzip(b"ab"), gzip(b""), gzip(b"c")].concat();
        for padding in [0, 1, 15, 16, 17, 512] {
            let padded = [two.as_slice(), &vec![0; padding]].concat();
            assert_eq!(read(&padded).expect("intact"), b"abc");
        }
    }

    #[test]
    fn anything_else_after_the_end_is_refused() {
        let whole = gzip(b"abc");
        for tail in [&b"junk"[..], &[0, 0, 7], &[0, 0x1f, 0x8b], &[0x1f]] {
            assert!(
                read(&[whole.as_slice(), tail].concat()).is_err(),
                "{tail:?}"
            );
        }
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut to {length}");
        }
    }
}
