//! Model files of PyTorch, archives and pickles.
#![no_main]

mod weights;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| weights::read("fuzzed.pt", bytes));
