//! Decoders of others, run on bytes that may be anything: a panic of theirs is a refusal.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    /// Whether this thread runs a decoder, whose panics are errors and not worth a line on standard error.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// From the first call on, panics of decoders are not printed; all others go to the hook that was there.
fn keep_decoders_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if std::thread::panicking() {
            return;
        }
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !DECODING.get() {
                print(panic);
            }
        }));
    });
}

/// Runs a decoder. `None`: it panicked, of which nothing is printed.
pub fn decoded<T>(decode: impl FnOnce() -> T) -> Option<T> {
    keep_decoders_quiet();
    let outer = DECODING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    result.ok()
}
