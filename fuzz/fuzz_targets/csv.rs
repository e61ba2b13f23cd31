//! Tables of text with a pixel in each column.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| eigenscope_ingest::fuzz::table(bytes));
