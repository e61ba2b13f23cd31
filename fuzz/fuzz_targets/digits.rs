//! The file of the digits: as gzip, and as what a gzip file holds.
#![no_main]

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    eigenscope_ingest::fuzz::digits(bytes);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    if encoder.write_all(bytes).is_ok()
        && let Ok(compressed) = encoder.finish()
    {
        eigenscope_ingest::fuzz::digits(&compressed);
    }
});
