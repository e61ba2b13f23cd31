//! Batches of CIFAR-10.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| eigenscope_ingest::fuzz::cifar(bytes));
