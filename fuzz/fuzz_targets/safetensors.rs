//! Model files of safetensors.
#![no_main]

mod weights;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| weights::read("fuzzed.safetensors", bytes));
