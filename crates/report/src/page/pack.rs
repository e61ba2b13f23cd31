//! Texts that the script of a page reads once they are needed. A browser passes over them when the page is opened, and they take a
//! fraction of their room.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A text, deflated and in base64, which neither begins nor ends a tag. The function `unpack` of `page.js` undoes it.
pub(super) fn pack(text: &str) -> std::io::Result<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    Ok(STANDARD.encode(encoder.finish()?))
}
