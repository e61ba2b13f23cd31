//! The readers of files in the artifacts folder and of what stages say, for the fuzzer to feed (`make fuzz`); compiled for it
//! only.

use std::path::Path;

use eigenscope_stage::Event;

use crate::execute::lines_of;
use crate::store::{Record, Stamps, Store};

/// Reads what a stage program has said on its standard output.
pub fn events(bytes: &[u8]) {
    for line in lines_of(bytes) {
        if let Ok(event) = serde_json::from_slice::<Event>(&line) {
            let again = serde_json::to_vec(&event).map(|text| serde_json::from_slice(&text).ok());
            assert_eq!(again.ok().flatten(), Some(event));
        }
    }
}

/// Reads `task.json`, the remembered digests, the parts of code and a link.
///
/// # Panics
/// The files cannot be written into `folder`.
pub fn store(folder: &Path, bytes: &[u8]) {
    let _ = Record::parse(bytes);
    let write = |name: &str| {
        let path = folder.join(name);
        let parent = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        parent.and_then(|()| std::fs::write(&path, bytes))
    };
    for name in [".stamps.jsonl", "code/fingerprint.json", "p/task/task.json"] {
        assert!(write(name).is_ok(), "{name} in {}", folder.display());
    }
    if let Ok(store) = Store::new(folder) {
        let mut stamps = Stamps::load(&store);
        let _ = store.code("fingerprint");
        if let Ok(text) = std::str::from_utf8(bytes) {
            let _ = store.code(text);
            // Lines are read when they are asked for by name.
            let names = text.lines().filter_map(|line| line.split('"').nth(1));
            for key in names.filter_map(|name| name.parse().ok()) {
                let known = stamps.result(key);
                stamps.forget_result(key);
                if let Some(known) = known {
                    stamps.learn_result(key, &known);
                    assert!(stamps.result(key).is_some());
                }
            }
        }
        stamps.save();
        let _ = store.previous("p", "task");
    }
}
