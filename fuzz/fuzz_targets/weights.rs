//! Reads every tensor of a model file.

use std::path::Path;

use eigenscope_checkpoint::Checkpoint;

pub fn read(name: &str, bytes: &[u8]) {
    for key in [None, Some(""), Some("model")] {
        if let Ok(file) = Checkpoint::of_bytes(Path::new(name), bytes.to_vec(), key) {
            for tensor in file.tensors() {
                if let Ok(values) = file.read(tensor) {
                    assert_eq!(values.len() as u64, tensor.count());
                }
            }
        }
    }
}
