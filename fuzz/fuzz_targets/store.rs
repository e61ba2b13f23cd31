//! JSON files in the artifacts folder.
#![no_main]

mod scratch;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| eigenscope_pipeline::fuzz::store(scratch::folder(), bytes));
