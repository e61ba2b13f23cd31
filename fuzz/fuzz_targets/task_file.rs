//! Task files, and the answers of stage programs to `describe`.
#![no_main]

use eigenscope_stage::{Context, Description, Seed, TaskFile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(description) = serde_json::from_slice::<Description>(bytes) {
        assert!(serde_json::to_string(&description).is_ok());
    }
    if let Ok(task) = serde_json::from_slice::<TaskFile>(bytes) {
        let text = serde_json::to_string(&task).expect("what was read can be written");
        assert_eq!(
            serde_json::from_str::<TaskFile>(&text).ok().as_ref(),
            Some(&task)
        );
        let context = Context::new(task);
        for role in context.task().inputs.keys() {
            let _ = context.input(role);
        }
        let _: Result<serde_json::Value, _> = context.parameters();
        let Seed(_) = context.seed();
    }
});
