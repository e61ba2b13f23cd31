//! Ledgers: Parquet files without the metadata of an artifact.
#![no_main]

mod scratch;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("ledger.parquet", bytes);
    let _ = eigenscope_pipeline::ledger::read_ledger(&path);
});
