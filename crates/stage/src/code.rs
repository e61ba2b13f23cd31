//! The functions that compute tasks, each with the identity of the code that can change its results.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Context, TaskError};

/// Identity of the code behind one task kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// Digest of all parts.
    pub fingerprint: String,
    /// What it consists of: source files, assets and manifests by path, each with the digest of what is used of it;
    /// outside packages by name, each with version and digest.
    pub parts: BTreeMap<String, String>,
}

/// A function that runs tasks of one kind.
type Function = fn(&Context) -> Result<(), TaskError>;

/// Path of a function, fingerprint and parts of its code, as the build script found them.
type Entry = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// A function that runs tasks of one kind, with its code; made by [`task_function!`](crate::task_function).
#[derive(Debug, Clone, Copy)]
pub struct TaskFunction {
    pub(crate) call: Function,
    entry: Entry,
}

impl TaskFunction {
    /// `call`, whose code is that of the entry `name` (a path) in `table`.
    ///
    /// # Panics
    /// There is no such entry. The macro calls it while compiling: that is an error of the compiler.
    pub const fn find(call: Function, name: &str, table: &'static [Entry]) -> Self {
        let mut index = 0;
        while index < table.len() {
            if equal(table[index].0.as_bytes(), name.as_bytes()) {
                let entry = table[index];
                return Self { call, entry };
            }
            index += 1;
        }
        panic!("the build script has not found this function");
    }

    /// The code behind it.
    pub fn code(&self) -> Code {
        let (_, fingerprint, parts) = self.entry;
        let parts = parts.iter();
        Code {
            fingerprint: fingerprint.to_owned(),
            parts: parts
                .map(|&(name, digest)| (name.to_owned(), digest.to_owned()))
                .collect(),
        }
    }
}

const fn equal(one: &[u8], other: &[u8]) -> bool {
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

/// The function at a path, as the [`TaskFunction`] of a task kind: with the code that it reaches.
///
/// The crate needs a build script that calls `eigenscope_fingerprint::emit`.
#[macro_export]
macro_rules! task_function {
    ($first:ident $(:: $rest:ident)*) => {
        const {
            $crate::TaskFunction::find(
                $first $(:: $rest)*,
                concat!(module_path!(), "::", stringify!($first) $(, "::", stringify!($rest))*),
                include!(concat!(env!("OUT_DIR"), "/task_functions.rs")),
            )
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(_: &Context) -> Result<(), TaskError> {
        Ok(())
    }

    const TABLE: &[Entry] = &[
        ("stage::a::run", "aa", &[("crates/stage/src/a.rs", "1")]),
        ("stage::ab::run", "bb", &[]),
    ];

    #[test]
    fn the_code_is_that_of_the_function_named() {
        let code = TaskFunction::find(run, "stage::a::run", TABLE).code();
        assert_eq!(code.fingerprint, "aa");
        assert_eq!(code.parts["crates/stage/src/a.rs"], "1");
        let code = TaskFunction::find(run, "stage::ab::run", TABLE).code();
        assert_eq!((code.fingerprint.as_str(), code.parts.len()), ("bb", 0));
    }

    #[test]
    #[should_panic(expected = "the build script has not found this function")]
    fn a_function_that_is_not_in_the_table_has_no_code() {
        TaskFunction::find(run, "stage::a", TABLE);
    }
}
