//! A cache of the digests of files that have not changed since they were read.
//!
//! A file is taken as unchanged if size, modification and change time, and inode are the same. This only saves reading it
//! again; what a digest should be is recorded elsewhere. A file touched less than two seconds before it was read is not
//! remembered: a later change could carry the same times. An output that has just been placed is an exception: the only
//! program that knew its folder has ended.
//!
//! A folder of pictures is one input. It is taken as unchanged if its files have the same names, and each of them looks the same.
//!
//! `.stamps.jsonl` has one line for each result or file, `["name",{...},"checksum"]`, in the order of the bytes. Nothing but the
//! lines that are asked for is ever parsed, so a small pipeline in a large store costs little, and a large one can be looked up by
//! several threads. The checksum is the start of the BLAKE3 digest of what stands before it in the line: a damaged line is not
//! known, which must not cost a good result.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{self, AtomicBool};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eigenscope_artifact::atomic::write_file;
use eigenscope_artifact::{
    ArtifactError, Digest, FileDigest, KindName, digest_path, look_at_pictures, regular,
};
use eigenscope_stage::ExternalFile;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Key, OutputRecord, Record, Store};

/// The first line: version of this format.
const HEADER: &str = r#"["",{"version":3}]"#;

/// Coarsest steps of file times that are in use.
const SETTLED: Duration = Duration::from_secs(2);

/// What is known, in memory.
#[derive(Debug)]
pub(crate) struct Stamps {
    root: PathBuf,
    text: String,
    /// The lines of `text`, ascending by their bytes.
    lines: Vec<Line>,
    /// Whether `text` is used. `false` after [`Stamps::invalidate_cache`].
    trusted: bool,
    /// New lines by the start that names them; `None`: what was known no longer holds.
    learnt: Mutex<BTreeMap<String, Option<String>>>,
    /// Whether there are such lines.
    has_learnt: AtomicBool,
}

/// A line of the file.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// Its first bytes: most lines are told apart by these, without a look into a text of hundreds of megabytes.
    head: u64,
    /// Where it starts.
    start: usize,
}

/// The digest of a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stamped {
    /// How the file looked before it was read; `None`: a later change might look the same.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) digest: FileDigest,
}

/// Bytes, modification and change time in nanoseconds, and inode.
///
/// Of a folder: the sum of the bytes, the latest times, and a part of a digest of the names and stamps of its pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp(u64, u64, u64, u64);

/// A result: what its record says, and how its files looked when that was found to be true.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CachedResult {
    /// The record; `None`: it was too new to be remembered.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) outputs: BTreeMap<KindName, CachedOutput>,
    pub(crate) external_files: Vec<ExternalFile>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) absent_files: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
}

/// An output of a result.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CachedOutput {
    /// The file when it had the recorded digest; `None`: that is not known.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) record: OutputRecord,
}

impl CachedResult {
    /// What `record` says; `stamp` is that of its file before it was read. Nothing is known of the outputs.
    pub(crate) fn new(record: Record, stamp: Option<Stamp>) -> Self {
        let outputs = record.outputs.into_iter().map(|(kind, record)| {
            let stamp = None;
            (kind, CachedOutput { stamp, record })
        });
        Self {
            stamp,
            outputs: outputs.collect(),
            external_files: record.external_files,
            absent_files: record.absent_files,
            warnings: record.warnings,
        }
    }
}

impl CachedOutput {
    /// Its file when it had the recorded digest.
    pub(crate) fn stamped(&self) -> Stamped {
        Stamped {
            stamp: self.stamp,
            digest: self.record.file,
        }
    }
}

impl Stamps {
    /// Reads what is known. A file that cannot be understood is ignored with a warning: it only costs time.
    pub(crate) fn load(store: &Store) -> Self {
        let path = path(store.root());
        let text = match regular::read_to_string(&path) {
            Ok(text) if text.is_empty() || text.lines().next() == Some(HEADER) => Ok(text),
            Ok(_) => Err("it is of another version, or damaged".to_owned()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(error.to_string()),
        };
        let text = text.unwrap_or_else(|reason| {
            tracing::warn!("ignoring {}: {reason}", path.display());
            String::new()
        });
        Self {
            root: store.root().to_owned(),
            lines: lines_of(&text),
            text,
            trusted: true,
            learnt: Mutex::default(),
            has_learnt: AtomicBool::new(false),
        }
    }

    /// Makes every file be read again.
    pub(crate) fn invalidate_cache(&mut self) {
        self.trusted = false;
    }

    /// Digest of the file at `path`, read only if it may have changed.
    pub(crate) fn digest(&self, path: &Path) -> Result<FileDigest, ArtifactError> {
        let name = self.name(path);
        let known: Option<Stamped> = self.known(&name);
        let found = inspect(path, known)?;
        if known.and_then(|known| known.stamp) != found.stamp {
            self.learn(&name, found.stamp.is_some().then_some(&found));
        }
        Ok(found.digest)
    }

    /// What is known of the result with this key.
    pub(crate) fn result(&self, key: Key) -> Option<CachedResult> {
        self.known(&key.to_string())
    }

    /// Remembers an intact result.
    pub(crate) fn learn_result(&self, key: Key, result: &CachedResult) {
        self.learn(&key.to_string(), Some(result));
    }

    /// A result is not intact: all its files are read the next time.
    pub(crate) fn forget_result(&self, key: Key) {
        self.learn::<CachedResult>(&key.to_string(), None);
    }

    /// Saves what is known for the next time. A failure costs only time.
    pub(crate) fn save(&mut self) {
        let learnt = self
            .learnt
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if learnt.is_empty() {
            return;
        }
        let root = &self.root;
        let kept = self.lines.iter().filter_map(|line| {
            let line = line_at(&self.text, line.start);
            let name = name_of(line)?;
            let exists = || is_there(root, &name);
            (!learnt.contains_key(&start_of(&name)) && exists()).then(|| line.to_owned())
        });
        let mut lines: Vec<String> = kept.chain(learnt.values().flatten().cloned()).collect();
        lines.sort_unstable();
        let mut text = format!("{HEADER}\n");
        for line in &lines {
            text.push_str(line);
            text.push('\n');
        }
        match write_file(&path(root), text.as_bytes()) {
            Ok(()) => {
                learnt.clear();
                self.lines = lines_of(&text);
                self.text = text;
            }
            Err(error) => tracing::debug!("stamps not saved: {error}"),
        }
    }

    /// What is known under a name.
    pub(super) fn known<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let start = start_of(name);
        if self.has_learnt.load(atomic::Ordering::Acquire) {
            let learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(line) = learnt.get(&start) {
                return value_in(line.as_deref()?, &start);
            }
        }
        // As the start holds no line end, the rest of the text does for the line.
        let (text, head) = (self.text.as_bytes(), head_of(start.as_bytes()));
        let is_before = |line: &Line| match line.head.cmp(&head) {
            Ordering::Equal => text[line.start..] < *start.as_bytes(),
            order => order.is_lt(),
        };
        let position = self.lines.partition_point(is_before);
        let line = line_at(&self.text, self.lines.get(position)?.start);
        self.trusted.then(|| value_in(line, &start))?
    }

    /// Remembers a value under a name; `None`: nothing is known any more.
    pub(super) fn learn<T: Serialize>(&self, name: &str, value: Option<&T>) {
        let start = start_of(name);
        let line = value.and_then(|value| {
            let value = serde_json::to_string(value).ok()?;
            let body = format!("{start}{value}");
            let checksum = checksum(&body);
            Some(format!("{body},\"{checksum}\"]"))
        });
        let mut learnt = self.learnt.lock().unwrap_or_else(PoisonError::into_inner);
        learnt.insert(start, line);
        self.has_learnt.store(true, atomic::Ordering::Release);
    }

    /// Files in the store are named relative to it, so that it can be moved.
    fn name(&self, path: &Path) -> String {
        let name = path.strip_prefix(&self.root).unwrap_or(path);
        name.to_string_lossy().into_owned()
    }
}

/// The lines of a text: after its first line end all but the header, after the last nothing, or half a line.
fn lines_of(text: &str) -> Vec<Line> {
    let starts = text.match_indices('\n').map(|(end, _)| end + 1);
    let lines = starts.map(|start| Line {
        head: head_of(&text.as_bytes()[start..]),
        start,
    });
    let mut lines: Vec<Line> = lines.collect();
    lines.pop();
    lines
}

/// The first bytes of a line as a number of the same order.
fn head_of(line: &[u8]) -> u64 {
    let mut head = [0; 8];
    let bytes = line.len().min(head.len());
    head[..bytes].copy_from_slice(&line[..bytes]);
    u64::from_be_bytes(head)
}

/// The line that starts at a byte of the text, without its end.
fn line_at(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    rest.split_once('\n').map_or(rest, |(line, _)| line)
}

/// The start of the line with this name; no other line starts with it.
fn start_of(name: &str) -> String {
    format!("[{},", serde_json::Value::from(name))
}

/// The value in an undamaged line that starts so.
fn value_in<T: DeserializeOwned>(line: &str, start: &str) -> Option<T> {
    let (body, end) = line.rsplit_once(",\"")?;
    let value = body.strip_prefix(start)?;
    if end.strip_suffix("\"]")? != checksum(body) {
        return None;
    }
    serde_json::from_str(value).ok()
}

fn checksum(body: &str) -> String {
    Digest::of(body.as_bytes()).short()
}

/// The name in a line.
fn name_of(line: &str) -> Option<String> {
    let mut names = serde_json::Deserializer::from_str(line.strip_prefix('[')?).into_iter();
    names.next()?.ok()
}

/// Returns whether what a line is about still exists: a result by its key, or a file.
fn is_there(root: &Path, name: &str) -> bool {
    match name.parse::<Key>() {
        Ok(_) => root.join("store").join(name).exists(),
        Err(_) => root.join(name).exists(),
    }
}

pub(super) fn path(root: &Path) -> PathBuf {
    root.join(".stamps.jsonl")
}

/// Digest of the file at `path`, which is only read if it may not be as it was when `known` was found.
pub(crate) fn inspect(path: &Path, known: Option<Stamped>) -> Result<Stamped, ArtifactError> {
    let stamp = Some(Stamp::of(path)?);
    match known {
        Some(known) if known.stamp == stamp => Ok(known),
        _ => Ok(Stamped {
            digest: digest_path(path)?,
            stamp: stamp.filter(|stamp| stamp.is_settled()),
        }),
    }
}

impl Stamp {
    /// The stamp of a file that nobody writes to any more. Where the file system counts whole seconds, even that is too
    /// early to tell.
    pub(crate) fn of_committed(path: &Path) -> Result<Option<Self>, ArtifactError> {
        Self::of(path).map(|stamp| stamp.is_fine().then_some(stamp))
    }

    /// How the file at `path`, or the pictures in the folder there, look now.
    pub(crate) fn of(path: &Path) -> Result<Self, ArtifactError> {
        let failed = |source| ArtifactError::io("read", path, source);
        let metadata = std::fs::metadata(path).map_err(failed)?;
        match metadata.is_dir() {
            true => Self::of_folder(path),
            false => Ok(Self::from_metadata(&metadata)),
        }
    }

    fn of_folder(path: &Path) -> Result<Self, ArtifactError> {
        let mut hasher = blake3::Hasher::new();
        let (mut bytes, mut modified, mut changed) = (0u64, 0, 0);
        let mut text = Vec::new();
        let add_name = |text: &mut Vec<u8>, name: &OsStr| {
            let name = name.as_encoded_bytes();
            text.extend((name.len() as u64).to_le_bytes());
            text.extend(name);
        };
        for (folder, files) in look_at_pictures(path, Self::from_metadata)? {
            text.clear();
            add_name(&mut text, folder.as_os_str());
            text.extend((files.len() as u64).to_le_bytes());
            for (name, Stamp(length, modified_ns, changed_ns, inode)) in &files {
                add_name(&mut text, name);
                for part in [length, modified_ns, changed_ns, inode] {
                    text.extend(part.to_le_bytes());
                }
                bytes = bytes.saturating_add(*length);
                modified = modified.max(*modified_ns);
                changed = changed.max(*changed_ns);
            }
            hasher.update(&text);
        }
        let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
        let looks = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        Ok(Self(bytes, modified, changed, looks))
    }

    fn from_metadata(metadata: &Metadata) -> Self {
        let modified_ns = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, nanoseconds);
        let (changed_ns, inode) = changed_and_inode(metadata);
        Self(metadata.len(), modified_ns, changed_ns, inode)
    }

    /// Returns whether the times have parts of a second.
    fn is_fine(self) -> bool {
        [self.1, self.2]
            .iter()
            .all(|time| !time.is_multiple_of(1_000_000_000))
    }

    /// Returns whether a change from now on is sure to have other times.
    pub(crate) fn is_settled(self) -> bool {
        SystemTime::now()
            .checked_sub(SETTLED)
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .is_some_and(|limit| nanoseconds(limit) > self.1.max(self.2))
    }
}

/// Whole nanoseconds; they fit until the year 2554.
fn nanoseconds(since: Duration) -> u64 {
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(unix)]
fn changed_and_inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds =
        i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (u64::try_from(nanoseconds).unwrap_or(0), metadata.ino())
}

#[cfg(not(unix))]
fn changed_and_inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_old(path: &Path, bytes: &[u8]) {
        std::fs::write(path, bytes).expect("written");
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let file = std::fs::File::options().write(true).open(path);
        file.expect("opened").set_modified(hour_ago).expect("set");
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        (folder, store)
    }

    #[test]
    fn a_file_just_written_is_not_remembered() {
        let (folder, store) = store();
        let path = folder.path().join("a");
        write_old(&path, b"one"); // Old by its modification time, new by its change time.
        let stamps = Stamps::load(&store);
        stamps.digest(&path).expect("readable");
        assert!(stamps.known::<Stamped>("a").is_none());
    }

    #[test]
    fn a_known_digest_is_used_only_for_the_same_stamp() {
        let (folder, store) = store();
        let path = folder.path().join("a");
        std::fs::write(&path, b"one").expect("written");
        let stamp = Some(Stamp::of(&path).expect("there"));
        let digest = FileDigest {
            bytes: 0,
            blake3: Digest::of(b""),
        };
        let mut stamps = Stamps::load(&store);
        stamps.learn("a", Some(&Stamped { stamp, digest }));
        stamps.save();
        let stamps = Stamps::load(&store);
        assert_eq!(stamps.digest(&path).expect("readable"), digest);
        std::fs::write(&path, b"two").expect("written");
        let found = stamps.digest(&path).expect("readable");
        assert_eq!(found.blake3, Digest::of(b"two"));
        assert!(stamps.known::<Stamped>("a").is_none(), "no longer known");
    }

    #[test]
    fn a_folder_of_pictures_is_known_until_one_of_them_changes() {
        let (folder, store) = store();
        let path = folder.path().join("pictures");
        std::fs::create_dir_all(path.join("cat")).expect("created");
        for name in ["1.png", "2.png", "notes.txt"] {
            std::fs::write(path.join("cat").join(name), name).expect("written");
        }
        let digest = || digest_path(&path).expect("readable");
        let stamp = || Stamp::of(&path).expect("readable");
        let (first, seen) = (digest(), stamp());
        assert_eq!((first.bytes, seen.0), (10, 10));
        let stamps = Stamps::load(&store);
        let wrong = FileDigest {
            bytes: 0,
            blake3: Digest::of(b""),
        };
        let known = Stamped {
            stamp: Some(seen),
            digest: wrong,
        };
        let name = stamps.name(&path);
        stamps.learn(&name, Some(&known));
        assert_eq!(
            stamps.digest(&path).expect("readable"),
            wrong,
            "not read again"
        );
        std::fs::write(path.join("cat/.hidden.png"), "x").expect("written");
        assert_eq!(stamp(), seen, "hidden files do not count");
        std::fs::write(path.join("cat/1.png"), "other").expect("written");
        assert_ne!(stamp(), seen);
        assert_eq!(stamps.digest(&path).expect("readable"), digest());
        assert_ne!(digest(), first);
        let seen = stamp();
        std::fs::rename(path.join("cat/2.png"), path.join("cat/3.png")).expect("renamed");
        assert_ne!(stamp(), seen, "another name");
        std::fs::remove_dir_all(&path).expect("removed");
        assert!(stamps.digest(&path).is_err());
    }

    #[test]
    fn many_names_are_found_again_and_those_of_removed_files_are_not() {
        let (folder, store) = store();
        let names = ["b", "a", "a,b", "a\"b", "ä b", "a\nb", "aa", "0"];
        let digest = FileDigest {
            bytes: 3,
            blake3: Digest::of(b"one"),
        };
        let mut stamps = Stamps::load(&store);
        for (count, name) in (0..).zip(names) {
            let path = folder.path().join(name);
            std::fs::write(&path, b"one").expect("written");
            stamps.learn(
                name,
                Some(&Stamped {
                    stamp: Some(Stamp(count, 0, 0, 0)),
                    digest,
                }),
            );
            if count == 3 {
                stamps.learn::<Stamped>("c", None);
                stamps.save();
                assert!(stamps.known::<Stamped>(name).is_some(), "{name}");
            }
        }
        stamps.save();
        std::fs::remove_file(folder.path().join("aa")).expect("removed");
        let mut stamps = Stamps::load(&store);
        for (count, name) in (0..).zip(names) {
            let known = stamps.known::<Stamped>(name).expect(name);
            assert_eq!(known.stamp, Some(Stamp(count, 0, 0, 0)), "{name}");
        }
        assert!(stamps.known::<Stamped>("a,").is_none());
        stamps.learn::<Stamped>("b", None);
        stamps.save();
        let stamps = Stamps::load(&store);
        assert!(stamps.known::<Stamped>("b").is_none());
        assert!(stamps.known::<Stamped>("aa").is_none());
        assert!(stamps.known::<Stamped>("0").is_some());
    }

    #[test]
    fn a_corrupt_file_is_ignored() {
        let (folder, store) = store();
        let stamped = Stamped {
            stamp: Some(Stamp(1, 2, 3, 4)),
            digest: FileDigest {
                bytes: 3,
                blake3: Digest::of(b"one"),
            },
        };
        std::fs::write(folder.path().join("a"), b"one").expect("written");
        for text in [
            "{\"version\": 1",
            "[\"\",{\"version\":1}]\n",
            &format!("{HEADER}\n[\"a\",{{\"st"),
        ] {
            std::fs::write(path(store.root()), text).expect("written");
            let mut stamps = Stamps::load(&store);
            assert!(stamps.known::<Stamped>("a").is_none(), "{text}");
            stamps.learn("a", Some(&stamped));
            stamps.save();
            assert!(
                Stamps::load(&store).known::<Stamped>("a").is_some(),
                "{text}"
            );
        }
    }
}
