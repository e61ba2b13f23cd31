//! What there is in a store that holds much less than a plan asks for: a list of it takes the place of a look at the disk for each task.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;

use super::{Key, Store, file_name};

/// The names in a store at one moment.
#[derive(Debug)]
pub(crate) struct Listing {
    results: HashSet<Key>,
    links: HashSet<OsString>,
}

impl Listing {
    /// Lists the results of a store and the readable names of a pipeline; `None` if there are more than `at_most` of either, or if they
    /// cannot be listed.
    pub(crate) fn of(store: &Store, pipeline: &str, at_most: usize) -> Option<Self> {
        let results = names(&store.results(), at_most)?;
        let keys = results
            .iter()
            .filter_map(|name| name.to_str()?.parse().ok());
        Some(Self {
            results: keys.collect(),
            links: names(&store.pipeline(pipeline), at_most)?,
        })
    }

    pub(crate) fn has_result(&self, key: Key) -> bool {
        self.results.contains(&key)
    }

    /// Whether something has the readable name of a task; earlier versions named it by the id itself.
    pub(crate) fn has_link(&self, task: &str) -> bool {
        let has = |name: &str| self.links.contains(OsStr::new(name));
        has(&file_name(task)) || has(task)
    }
}

/// The names in a folder, which need not be there.
fn names(folder: &Path, at_most: usize) -> Option<HashSet<OsString>> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Some(HashSet::new()),
        Err(_) => return None,
    };
    let mut names = HashSet::new();
    for entry in entries {
        names.insert(entry.ok()?.file_name());
        if names.len() > at_most {
            return None;
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_unless_there_are_too_many() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        let (here, elsewhere): (Key, Key) = (
            "11".repeat(32).parse().expect("a key"),
            "22".repeat(32).parse().expect("a key"),
        );
        let nothing = Listing::of(&store, "p", 0).expect("nothing is there");
        assert!(!nothing.has_result(here) && !nothing.has_link("train.m"));
        for path in [store.folder(here), store.link("p", "train.m[a=1]")] {
            std::fs::create_dir_all(path).expect("created");
        }
        std::fs::create_dir(store.pipeline("p").join("train.m[a=2]")).expect("created");
        let listing = Listing::of(&store, "p", 2).expect("few names");
        assert!(listing.has_result(here) && !listing.has_result(elsewhere));
        assert!(
            ["train.m[a=1]", "train.m[a=2]"]
                .iter()
                .all(|task| listing.has_link(task))
        );
        assert!(!listing.has_link("train.m[a=3]"));
        assert!(Listing::of(&store, "p", 1).is_none());
    }
}
