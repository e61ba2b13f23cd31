//! What has changed in folders of pictures, remembered beside the stamps: to find it out, all pictures are read.

use std::collections::BTreeMap;

use eigenscope_artifact::FileDigest;

use super::Key;
use super::outside::PICTURES_NAME;
use super::stamps::Stamps;

/// By the path of a folder: the digest of its pictures, and in words what has changed in them.
type PictureChanges = BTreeMap<String, (FileDigest, String)>;

impl Stamps {
    /// What has changed in a folder of pictures since the result with this key was made from them, if that was found out of pictures with
    /// the digest `now`.
    pub(crate) fn picture_changes(
        &self,
        key: Key,
        folder: &str,
        now: FileDigest,
    ) -> Option<String> {
        let mut known: PictureChanges = self.known(&list_of_pictures(key))?;
        let (digest, changes) = known.remove(folder)?;
        (digest == now).then_some(changes)
    }

    /// Remembers what [`picture_changes`](Self::picture_changes) returns.
    pub(crate) fn learn_picture_changes(
        &self,
        key: Key,
        folder: &str,
        now: FileDigest,
        changes: String,
    ) {
        let name = list_of_pictures(key);
        let mut known: PictureChanges = self.known(&name).unwrap_or_default();
        known.insert(folder.to_owned(), (now, changes));
        self.learn(&name, Some(&known));
    }
}

/// The file that lists the pictures which a result was made from.
fn list_of_pictures(key: Key) -> String {
    format!("store/{key}/{PICTURES_NAME}")
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::Digest;

    use super::*;
    use crate::store::Store;

    #[test]
    fn changes_of_pictures_are_remembered_while_the_pictures_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        let key: Key = "ab".repeat(32).parse().expect("a key");
        let list = store.root().join(list_of_pictures(key));
        std::fs::create_dir_all(list.parent().expect("a folder")).expect("created");
        std::fs::write(list, "{}").expect("written");
        let [one, two] = [1, 2].map(|bytes| FileDigest {
            bytes,
            blake3: Digest::of(b""),
        });
        let mut stamps = Stamps::load(&store);
        assert_eq!(stamps.picture_changes(key, "cats", one), None);
        stamps.learn_picture_changes(key, "cats", one, "1 picture is new".to_owned());
        stamps.learn_picture_changes(key, "dogs", two, "1 picture is gone".to_owned());
        stamps.save();
        let stamps = Stamps::load(&store);
        let changes = |folder, now| stamps.picture_changes(key, folder, now);
        assert_eq!(changes("cats", one).as_deref(), Some("1 picture is new"));
        assert_eq!(changes("dogs", two).as_deref(), Some("1 picture is gone"));
        assert_eq!(changes("cats", two), None);
    }
}
