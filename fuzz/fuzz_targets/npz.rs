//! NumPy's arrays, archives and single ones.
#![no_main]

use std::path::Path;

use eigenscope_checkpoint::npz::Npz;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(file) = Npz::of_bytes(Path::new("fuzzed.npz"), bytes.to_vec()) {
        for array in file.arrays() {
            if let Ok(values) = file.read_doubles(array) {
                assert_eq!(values.len() as u64, array.count());
            }
            let _ = file.read_bytes(array);
        }
    }
});
