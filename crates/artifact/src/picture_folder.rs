//! Folders of pictures as one input: which of their files count, in which order, and the digest of them all.
//!
//! The program that reads such a folder and the one that looks whether it has changed list it with the same function, so
//! that a file that was added, removed, renamed or edited is noticed, and a hidden file of a file manager is not.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{DirEntry, Metadata};
use std::io::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::regular::name_of_kind;
use crate::{ArtifactError, Digest, FileDigest, digest_file, parallel};

/// Endings of the names of pictures, in small letters.
pub const PICTURE_ENDINGS: [&str; 8] = ["bmp", "gif", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// Largest number of files and folders that are listed.
const MAXIMUM_ENTRIES: usize = 1 << 23;
/// Largest number of folders inside one another.
const MAXIMUM_DEPTH: usize = 32;
/// Names that file managers and archivers leave, in small letters.
const SYSTEM_NAMES: [&str; 3] = ["thumbs.db", "desktop.ini", "__macosx"];

/// Pictures that a thread looks at in one go.
const PIECE: usize = 512;
/// Pictures that a thread reads in one go.
const DIGESTED: usize = 64;

/// What stands in a folder and in the folders inside.
#[derive(Debug, Default)]
pub struct PictureFolder {
    /// Paths inside the folder of the pictures: regular files, or links to such, with a name that ends like a picture's.
    ///
    /// Sorted by the bytes of the folder's path, then by those of the name.
    pub files: Vec<PathBuf>,
    /// What does not count.
    pub left_out: Vec<(PathBuf, LeftOut)>,
    /// What should count and cannot be looked at, such as a link to a file that is gone.
    pub unreadable: Vec<(PathBuf, Error)>,
}

/// Why a file or folder does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// Its name starts with a dot, or is one of those that file managers and archivers leave.
    Hidden,
    /// Its name does not end like that of a picture.
    NotAPicture,
    /// It is a folder without pictures.
    Empty,
    /// It is a pipe, a device or the like.
    Special(&'static str),
}

/// Lists the pictures in the folder at `root` by their names. Links are followed.
///
/// # Errors
/// A folder that cannot be read, links that lead in a circle, more than 32 folders inside one another, or more than 2^23
/// entries.
pub fn list_pictures(root: &Path) -> Result<PictureFolder, ArtifactError> {
    list_pictures_within(root, MAXIMUM_ENTRIES)
}

/// As [`list_pictures`], where there are no more than so many entries.
///
/// # Errors
/// Those of [`list_pictures`], and more than `entries` entries.
pub fn list_pictures_within(root: &Path, entries: usize) -> Result<PictureFolder, ArtifactError> {
    let mut walk = Walk::of(root, entries)?;
    let mut used: HashSet<&Path> = HashSet::new();
    for (folder, _) in &walk.groups {
        let mut folders = folder.ancestors();
        // A folder that is known has known parents.
        while folders.next().is_some_and(|folder| used.insert(folder)) {}
    }
    let empty = walk.folders.into_iter().filter(|folder| {
        let parent = folder.parent().unwrap_or(Path::new(""));
        // Of empty folders inside one another only the outermost is named.
        !used.contains(folder.as_path()) && (parent.as_os_str().is_empty() || used.contains(parent))
    });
    let empty: Vec<_> = empty.map(|folder| (folder, LeftOut::Empty)).collect();
    walk.left_out.extend(empty);
    walk.left_out.sort_by(|one, other| one.0.cmp(&other.0));
    walk.unreadable.sort_by(|one, other| one.0.cmp(&other.0));
    let files = walk.groups.iter().flat_map(|(folder, files)| {
        let names = files.iter();
        names.map(move |(name, _)| folder.join(name))
    });
    Ok(PictureFolder {
        files: files.collect(),
        left_out: walk.left_out,
        unreadable: walk.unreadable,
    })
}

/// The path of a folder, and the names of its pictures with what was made of each.
pub type LookedAt<T> = (PathBuf, Vec<(OsString, T)>);

/// What `look` makes of the names and metadata of the pictures in the folder at `root`, in the order of [`PictureFolder::files`]: first
/// the path of a folder inside, then the names in it. Pictures that cannot be looked at are left out.
///
/// # Errors
/// Those of [`list_pictures`].
pub fn look_at_pictures<T: Send>(
    root: &Path,
    look: impl Fn(&Metadata) -> T + Sync,
) -> Result<Vec<LookedAt<T>>, ArtifactError> {
    let walk = Walk::of(root, MAXIMUM_ENTRIES)?;
    let groups = walk.groups.into_iter().map(|(folder, files)| {
        let seen = parallel::map(&files, PIECE, |(_, found)| {
            let metadata = match found {
                Found::Entry(entry) => entry.metadata().ok()?,
                Found::Target(metadata) => metadata.clone(),
            };
            Some(look(&metadata))
        });
        let files = files.into_iter().zip(seen);
        let files = files.filter_map(|((name, _), seen)| Some((name, seen?)));
        (folder, files.collect())
    });
    Ok(groups.collect())
}

/// A picture that has been found.
enum Found {
    /// A file in its folder.
    Entry(DirEntry),
    /// What a link leads to.
    Target(Metadata),
}

/// The pictures of a folder, sorted by the bytes of their names.
type Group = Vec<(OsString, Found)>;

/// What is in a folder and in the folders inside.
#[derive(Default)]
struct Walk {
    /// The folders that have pictures, sorted by the bytes of their paths. Folders and names are sorted apart: that is much faster than
    /// comparing whole paths.
    groups: Vec<(PathBuf, Group)>,
    folders: Vec<PathBuf>,
    left_out: Vec<(PathBuf, LeftOut)>,
    unreadable: Vec<(PathBuf, Error)>,
}

/// What stands in one folder.
#[derive(Default)]
struct Entries {
    pictures: Group,
    folders: Vec<PathBuf>,
    left_out: Vec<(PathBuf, LeftOut)>,
    unreadable: Vec<(PathBuf, Error)>,
}

impl Walk {
    /// Lists folder by folder, those of one depth at the same time.
    fn of(root: &Path, limit: usize) -> Result<Self, ArtifactError> {
        let count = AtomicUsize::new(0);
        let mut walk = Self::default();
        let mut level = vec![PathBuf::new()];
        for depth in 0.. {
            if level.is_empty() {
                break;
            }
            if let Some(folder) = level.first().filter(|_| depth > MAXIMUM_DEPTH) {
                let reason = format!("more than {MAXIMUM_DEPTH} folders inside one another");
                let path = root.join(folder);
                return Err(ArtifactError::io("list", &path, Error::other(reason)));
            }
            let listed =
                parallel::map(&level, 1, |inside| Entries::of(root, inside, &count, limit));
            let mut next = Vec::new();
            for (folder, entries) in level.into_iter().zip(listed) {
                let entries = entries?;
                if !entries.pictures.is_empty() {
                    walk.groups.push((folder, entries.pictures));
                }
                next.extend(entries.folders);
                walk.left_out.extend(entries.left_out);
                walk.unreadable.extend(entries.unreadable);
            }
            walk.folders.extend(next.iter().cloned());
            level = next;
        }
        walk.groups.sort_by(|(one, _), (other, _)| {
            let bytes = |path: &PathBuf| path.as_os_str().as_encoded_bytes().to_vec();
            bytes(one).cmp(&bytes(other))
        });
        Ok(walk)
    }
}

impl Entries {
    /// Lists the folder that is `inside` the root. `count` counts the entries of all folders, of which there may be `limit`.
    fn of(
        root: &Path,
        inside: &Path,
        count: &AtomicUsize,
        limit: usize,
    ) -> Result<Self, ArtifactError> {
        let path = root.join(inside);
        let failed = |source| ArtifactError::io("list", &path, source);
        let mut entries = Self::default();
        for entry in std::fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if count.fetch_add(1, Ordering::Relaxed) >= limit {
                let reason = format!("more than {limit} files and folders");
                return Err(failed(Error::other(reason)));
            }
            entries.add(&path, inside, entry)?;
        }
        entries.pictures.sort_unstable_by(|(one, _), (other, _)| {
            one.as_encoded_bytes().cmp(other.as_encoded_bytes())
        });
        Ok(entries)
    }

    fn add(&mut self, folder: &Path, inside: &Path, entry: DirEntry) -> Result<(), ArtifactError> {
        let name = entry.file_name();
        if is_hidden(&name) {
            self.left_out.push((inside.join(name), LeftOut::Hidden));
            return Ok(());
        }
        let looked = entry
            .file_type()
            .and_then(|found| match found.is_symlink() {
                true => {
                    let target = std::fs::metadata(entry.path())?;
                    Ok((target.file_type(), Some(target)))
                }
                false => Ok((found, None)),
            });
        let (found, target) = match looked {
            Ok(looked) => looked,
            Err(error) => {
                self.unreadable.push((inside.join(name), error));
                return Ok(());
            }
        };
        if found.is_dir() {
            if target.is_some() {
                check_link(folder, &entry.path())?;
            }
            self.folders.push(inside.join(name));
        } else if !found.is_file() {
            let kind = LeftOut::Special(name_of_kind(found));
            self.left_out.push((inside.join(name), kind));
        } else if is_picture(&name) {
            let found = target.map_or(Found::Entry(entry), Found::Target);
            self.pictures.push((name, found));
        } else {
            self.left_out
                .push((inside.join(name), LeftOut::NotAPicture));
        }
        Ok(())
    }
}

/// Refuses a link in `folder` that leads to a folder which holds it.
fn check_link(folder: &Path, link: &Path) -> Result<(), ArtifactError> {
    let whole = |path: &Path| {
        let failed = |source| ArtifactError::io("follow", path, source);
        std::fs::canonicalize(path).map_err(failed)
    };
    if whole(folder)?.starts_with(whole(link)?) {
        let reason = std::io::Error::other("the link leads to a folder that holds it: remove it");
        return Err(ArtifactError::io("follow", link, reason));
    }
    Ok(())
}

fn is_hidden(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    let is_system = |known: &&str| bytes.eq_ignore_ascii_case(known.as_bytes());
    bytes.first() == Some(&b'.') || SYSTEM_NAMES.iter().any(is_system)
}

fn is_picture(name: &OsStr) -> bool {
    let ending = Path::new(name).extension().unwrap_or_default();
    let bytes = ending.as_encoded_bytes();
    let mut known = PICTURE_ENDINGS.iter();
    known.any(|known| bytes.eq_ignore_ascii_case(known.as_bytes()))
}

/// The digest of a folder's pictures: of their paths, lengths and contents.
#[derive(Debug, Default)]
pub struct FolderDigest {
    hasher: blake3::Hasher,
    bytes: u64,
}

impl FolderDigest {
    /// Adds the next file of [`PictureFolder::files`].
    pub fn add(&mut self, path: &Path, file: FileDigest) {
        let name = path.as_os_str().as_encoded_bytes();
        self.hasher.update(&(name.len() as u64).to_le_bytes());
        self.hasher.update(name);
        self.hasher.update(&file.bytes.to_le_bytes());
        self.hasher.update(file.blake3.as_bytes());
        self.bytes = self.bytes.saturating_add(file.bytes);
    }

    /// The sum of the lengths, and the digest.
    pub fn finish(self) -> FileDigest {
        FileDigest {
            bytes: self.bytes,
            blake3: Digest::from(self.hasher.finalize()),
        }
    }
}

/// Digest of the file at `path`, or of the pictures in the folder there.
///
/// # Errors
/// Those of [`digest_file`] and [`list_pictures`].
pub fn digest_path(path: &Path) -> Result<FileDigest, ArtifactError> {
    match path.is_dir() {
        true => Ok(digest_pictures(path)?.0),
        false => digest_file(path),
    }
}

/// Digest of the pictures in the folder at `root`, and those of each of them in order.
///
/// # Errors
/// Those of [`digest_file`] and [`list_pictures`].
pub fn digest_pictures(
    root: &Path,
) -> Result<(FileDigest, Vec<(PathBuf, FileDigest)>), ArtifactError> {
    let files = list_pictures(root)?.files;
    let digests = parallel::map(&files, DIGESTED, |file| digest_file(&root.join(file)));
    let mut whole = FolderDigest::default();
    let mut pictures = Vec::with_capacity(files.len());
    for (file, digest) in files.into_iter().zip(digests) {
        let digest = digest?;
        whole.add(&file, digest);
        pictures.push((file, digest));
    }
    Ok((whole.finish(), pictures))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in names {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            std::fs::write(path, name).expect("written");
        }
        folder
    }

    fn names(listing: &PictureFolder) -> Vec<String> {
        let names = listing.files.iter().map(|file| file.display().to_string());
        names.collect()
    }

    #[test]
    fn pictures_are_listed_by_bytes_and_the_rest_is_named() {
        let folder = folder(&[
            "b/2.png",
            "b/10.PNG",
            "b/Z.jpg",
            "a/x.jpeg",
            "a/sub/y.gif",
            "a-b/z.bmp",
            "b/.hidden.png",
            ".ipynb_checkpoints/x.png",
            "Thumbs.db",
            "__MACOSX/a/x.png",
            "notes.txt",
            "empty/in/x.csv",
        ]);
        let listing = list_pictures(folder.path()).expect("readable");
        let expected = [
            "a/x.jpeg",
            "a-b/z.bmp",
            "a/sub/y.gif",
            "b/10.PNG",
            "b/2.png",
            "b/Z.jpg",
        ];
        assert_eq!(names(&listing), expected);
        let left_out = listing
            .left_out
            .iter()
            .map(|(path, why)| (path.to_str().expect("text"), *why));
        let left_out: Vec<_> = left_out.collect();
        let expected = [
            (".ipynb_checkpoints", LeftOut::Hidden),
            ("Thumbs.db", LeftOut::Hidden),
            ("__MACOSX", LeftOut::Hidden),
            ("b/.hidden.png", LeftOut::Hidden),
            ("empty", LeftOut::Empty),
            ("empty/in/x.csv", LeftOut::NotAPicture),
            ("notes.txt", LeftOut::NotAPicture),
        ];
        assert_eq!(left_out, expected);
    }

    #[test]
    fn the_digest_tells_names_and_contents_apart_and_ignores_the_rest() {
        let digest = |folder: &tempfile::TempDir| digest_path(folder.path()).expect("readable");
        let first = folder(&["a/1.png", "a/2.png"]);
        let before = digest(&first);
        assert_eq!(before.bytes, 14);
        assert_eq!(
            before,
            digest(&folder(&["a/2.png", "a/1.png", "a/.hidden", "x.txt"]))
        );
        let path = |name: &str| first.path().join(name);
        std::fs::write(path("a/1.png"), "a/1.pnG").expect("written");
        assert_ne!(digest(&first).blake3, before.blake3, "another content");
        std::fs::write(path("a/1.png"), "a/1.png").expect("written");
        assert_eq!(digest(&first), before);
        std::fs::rename(path("a/1.png"), path("a/0.png")).expect("renamed");
        assert_ne!(digest(&first).blake3, before.blake3, "another name");
        std::fs::rename(path("a/0.png"), path("a/1.png")).expect("renamed");
        std::fs::write(path("a/3.png"), "").expect("written");
        assert_ne!(digest(&first).blake3, before.blake3, "one more");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles_and_pipes_are_not_opened() {
        use std::os::unix::fs::symlink;
        let target = folder(&["1.png"]);
        let folder = folder(&["a/x.png"]);
        let path = |name: &str| folder.path().join(name);
        symlink(target.path(), path("b")).expect("linked");
        symlink(target.path().join("gone.png"), path("a/gone.png")).expect("linked");
        let made = std::process::Command::new("mkfifo")
            .arg(path("a/pipe.png"))
            .status();
        assert!(made.expect("mkfifo runs").success());
        let listing = list_pictures(folder.path()).expect("readable");
        assert_eq!(names(&listing), ["a/x.png", "b/1.png"]);
        assert_eq!(listing.left_out[0].1, LeftOut::Special("a named pipe"));
        assert_eq!(listing.unreadable[0].0, Path::new("a/gone.png"));
        symlink(folder.path(), path("a/up")).expect("linked");
        let error = list_pictures(folder.path()).expect_err("a circle");
        assert!(error.to_string().contains("a/up"), "{error}");
    }
}
