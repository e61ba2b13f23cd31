//! Parquet tables of users.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| eigenscope_ingest::fuzz::parquet(bytes));
