//! Lines of a stage program.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| eigenscope_pipeline::fuzz::events(bytes));
