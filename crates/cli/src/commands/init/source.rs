//! Which kind of data set is at a path, by names.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// A data set by its kind and the parameters that name its files.
#[derive(Debug, PartialEq)]
pub(super) struct Source {
    pub(super) kind: &'static str,
    pub(super) files: Map<String, Value>,
    /// Whether the files are in the data folder.
    pub(super) is_inside: bool,
    /// What else there is, a line each.
    pub(super) notes: Vec<String>,
}

/// Kinds of single files, by the ends of their names.
const ENDINGS: [(&str, &str); 4] = [
    (".npz", "npz"),
    (".parquet", "parquet"),
    (".csv", "csv"),
    (".csv.gz", "csv"),
];
/// Ends of the names of archives.
const ARCHIVES: [&str; 8] = [
    ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z", ".rar",
];
/// Files in a message at most.
const SHOWN: usize = 5;
/// Bytes of a file by which tables of text are recognised.
const START: u64 = 1 << 16;
/// Words in names of files of training images, of test images, and of others that stand in for those, in small letters.
const TRAIN: [&str; 3] = ["train", "training", "trn"];
const TEST: [&str; 4] = ["test", "testing", "tst", "t10k"];
const VALIDATION: [&str; 4] = ["val", "valid", "validation", "dev"];

/// The data set at a path.
pub(super) fn find(images: &Path, data_dir: &Path) -> Result<Source> {
    let whole = images
        .canonicalize()
        .with_context(|| format!("cannot find {}", images.display()))?;
    let inside = data_dir.canonicalize().ok();
    let inside = inside.filter(|folder| whole.starts_with(folder));
    let named = |path: &Path| {
        let short = inside.as_deref();
        let short = short.and_then(|folder| path.strip_prefix(folder).ok());
        // The data folder itself.
        let short = short.map(|path| match path.as_os_str().is_empty() {
            true => Path::new("."),
            false => path,
        });
        let text = short.unwrap_or(path).to_str();
        let text = text.with_context(|| format!("{} is not UTF-8", path.display()))?;
        Ok::<_, anyhow::Error>(Value::from(text))
    };
    let source = |kind, files: Vec<(&str, Value)>| Source {
        kind,
        files: files
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        is_inside: inside.is_some(),
        notes: Vec::new(),
    };
    let idx = |files: Vec<(&'static str, PathBuf)>| -> Result<Source> {
        let mut found = Vec::new();
        for (name, path) in files {
            found.push((name, named(&path)?));
        }
        Ok(source("idx", found))
    };
    if whole.is_dir() {
        if let Some(files) = idx_files(&whole) {
            return idx(files);
        }
        let Tables { train, test, notes } = &tables(&whole);
        if !train.is_empty() {
            let list = |paths: &[PathBuf]| {
                let names: Result<Vec<Value>> = paths.iter().map(|path| named(path)).collect();
                names.map(Value::from)
            };
            let mut found = vec![("train", list(train)?)];
            if !test.is_empty() {
                found.push(("test", list(test)?));
            }
            return Ok(Source {
                notes: notes.clone(),
                ..source("parquet", found)
            });
        }
        return Ok(source("image-folder", vec![("folder", named(&whole)?)]));
    }
    let name = lower(&whole);
    if let Some((_, kind)) = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)) {
        return Ok(source(kind, vec![("file", named(&whole)?)]));
    }
    if ARCHIVES.iter().any(|ending| name.ends_with(ending)) {
        bail!(
            "{} is an archive: unpack it, and give the folder or file that it becomes",
            images.display()
        );
    }
    if is_idx(&whole)
        && let Some(files) = whole.parent().and_then(idx_files)
    {
        return idx(files);
    }
    if name.ends_with(".npy") {
        bail!(
            "{} is one array, and labels are needed, too: write both with `numpy.savez(\"images.npz\", x_train=images, y_train=labels)`, \
             and give that file",
            images.display()
        );
    }
    if is_table_of_text(&whole) {
        return Ok(source("csv", vec![("file", named(&whole)?)]));
    }
    bail!(
        "{} is no folder of pictures, no `.npz`, `.csv` or `.parquet` file, no other table of text, and none of the IDX files of a data set",
        images.display()
    )
}

/// Returns whether a file begins with a line of several fields, whatever it is called: tables of the UCI repository end in `.data` or
/// `.tra`.
fn is_table_of_text(path: &Path) -> bool {
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    // Of a long line, only whole characters count.
    let text = start.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let line = text.lines().next().unwrap_or_default();
    let is_text = |letter: char| letter == '\t' || !letter.is_control();
    let separators = line.chars().filter(|letter| ",;\t".contains(*letter));
    read.is_ok() && line.chars().all(is_text) && separators.count() > 1
}

fn lower(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().to_lowercase()
}

/// A hint at files in a folder that are data sets by themselves; empty if there are none.
pub(super) fn other_files(folder: &Path) -> String {
    let is_set = |path: &PathBuf| {
        ENDINGS
            .iter()
            .any(|(ending, _)| lower(path).ends_with(ending))
    };
    let mut files = files_in(folder);
    files.retain(is_set);
    match files.as_slice() {
        [] => String::new(),
        files => format!(
            "; it holds files that can be given instead: {}",
            listed(files)
        ),
    }
}

/// Files in a folder, by name.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_file() && !lower(path).starts_with('.'))
        .collect();
    files.sort();
    files
}

/// Whether one of the words is in the name of a file. Digits after a word do not count: `train2` says `train`.
fn says(name: &str, words: &[&str]) -> bool {
    let mut said = name.split(|letter: char| !letter.is_alphanumeric());
    said.any(|word| words.contains(&word.trim_end_matches(|letter: char| letter.is_ascii_digit())))
}

/// Whether a file is called or begins as one of IDX, or is packed by gzip and may be one.
fn is_idx(path: &Path) -> bool {
    let name = lower(path);
    if name.contains("idx") || name.contains("ubyte") {
        return true;
    }
    let mut start = [0; 3];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    // Two zeros and the type of the values, bytes without a sign; or gzip.
    read.is_ok() && (start == [0, 0, 8] || start[..2] == [0x1f, 0x8b])
}

/// The IDX files of a folder by parameter: at least training images and labels.
fn idx_files(folder: &Path) -> Option<Vec<(&'static str, PathBuf)>> {
    let files = files_in(folder);
    let named = |splits: &[&str], what: &str| {
        let is = |path: &&PathBuf| {
            let name = lower(path);
            name.contains(what) && says(&name.replace(what, "-"), splits) && is_idx(path)
        };
        files.iter().find(is).cloned()
    };
    let mut found = vec![
        ("train_images", named(&TRAIN, "image")?),
        ("train_labels", named(&TRAIN, "label")?),
    ];
    if let (Some(images), Some(labels)) = (named(&TEST, "image"), named(&TEST, "label")) {
        found.extend([("test_images", images), ("test_labels", labels)]);
    }
    Some(found)
}

/// The Parquet tables of a folder by what their names say.
#[derive(Debug, Default)]
struct Tables {
    /// Those of training images, or of all.
    train: Vec<PathBuf>,
    test: Vec<PathBuf>,
    /// What is not used, and what stands in for test images.
    notes: Vec<String>,
}

/// The Parquet tables of a folder, or of its folder `data`.
fn tables(folder: &Path) -> Tables {
    let in_folder = |folder: &Path| {
        let mut files = files_in(folder);
        files.retain(|path| lower(path).ends_with(".parquet"));
        files
    };
    let mut files = in_folder(folder);
    if files.is_empty() {
        files = in_folder(&folder.join("data"));
    }
    let take = |files: &mut Vec<PathBuf>, words: &[&str]| {
        files
            .extract_if(.., |path| says(&lower(path), words))
            .collect::<Vec<_>>()
    };
    let mut train = take(&mut files, &TRAIN);
    let mut test = take(&mut files, &TEST);
    let mut validation = take(&mut files, &VALIDATION);
    let mut notes = Vec::new();
    if train.is_empty() {
        train = std::mem::take(&mut files);
    }
    if test.is_empty() && !validation.is_empty() {
        notes.push(format!(
            "the test images are those of {}: no table is called `test`",
            listed(&validation)
        ));
        test = std::mem::take(&mut validation);
    }
    // Test images alone are all there are.
    if train.is_empty() {
        notes.clear();
        train = std::mem::take(&mut test);
    }
    files.append(&mut validation);
    if !files.is_empty() {
        notes.push(format!(
            "not used: {}; to use them, add them to `train` or `test`",
            listed(&files)
        ));
    }
    Tables { train, test, notes }
}

/// Paths in a message.
fn listed(paths: &[PathBuf]) -> String {
    let first = paths.iter().take(SHOWN);
    let names: Vec<String> = first.map(|path| path.display().to_string()).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        rest => format!("{} and {rest} more", names.join(", ")),
    }
}

/// Values as a pipeline file has them; texts of JSON are texts of TOML.
pub(super) fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_are_told_by_names() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        for name in [
            "data/my \"cats\"/a/1.png",
            "data/a.npz",
            "data/b.csv.gz",
            "c.txt",
            "c.tar.gz",
            "c.npy",
            "data/idx/train-images-idx3-ubyte.gz",
            "data/idx/train-labels-idx1-ubyte",
            "data/hub/data/train-00000-of-00002.parquet",
            "data/hub/data/train-00001-of-00002.parquet",
            "data/hub/data/validation-00000-of-00001.parquet",
            "data/all/train.parquet",
            "data/all/test.parquet",
            "data/all/valid.parquet",
            "data/all/latest.parquet",
            "data/rest/a.parquet",
            "data/rest/test.parquet",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, "").expect("written");
        }
        let headers = [
            ("train-images", [0, 0, 8, 3]),
            ("train-labels.gz", [0x1f, 0x8b, 8, 0]),
            ("test-images", [0, 0, 8, 3]),
            ("test-labels", [0, 0, 8, 1]),
        ];
        fs::create_dir(data.join("own")).expect("created");
        for (name, header) in headers {
            fs::write(data.join("own").join(name), header).expect("written");
        }
        let found = |path: &str| {
            let source = find(&data.join(path), &data).expect("known");
            assert!(source.is_inside);
            (source.kind, Value::from(source.files))
        };
        let cats = found("my \"cats\"");
        assert_eq!(cats, ("image-folder", json!({"folder": "my \"cats\""})));
        assert_eq!(toml(&cats.1["folder"]), "\"my \\\"cats\\\"\"");
        assert_eq!(found("b.csv.gz"), ("csv", json!({"file": "b.csv.gz"})));
        for (name, text) in [
            (
                "optdigits.tra",
                "0,1,6,15,12,1,0,7\r\n0,0,10,16,6,0,0,5\r\n",
            ),
            ("letter.data", "T,2,8,3\nI,5,12,3"),
        ] {
            fs::write(data.join(name), text).expect("written");
            assert_eq!(found(name), ("csv", json!({"file": name})));
        }
        for text in [
            &b"a word, and another one"[..],
            b"\x00,1,2,3",
            b"\xff\xfe1,2,3",
            b"",
        ] {
            fs::write(data.join("unknown"), text).expect("written");
            let refused = find(&data.join("unknown"), &data).expect_err("no table");
            assert!(refused.to_string().contains("no other table of text"));
        }
        let idx = json!({
            "train_images": "idx/train-images-idx3-ubyte.gz",
            "train_labels": "idx/train-labels-idx1-ubyte",
        });
        assert_eq!(found("idx"), ("idx", idx.clone()));
        assert_eq!(found("idx/train-labels-idx1-ubyte"), ("idx", idx));
        let hub = json!({
            "train": [
                "hub/data/train-00000-of-00002.parquet",
                "hub/data/train-00001-of-00002.parquet",
            ],
            "test": ["hub/data/validation-00000-of-00001.parquet"],
        });
        assert_eq!(found("hub"), ("parquet", hub));
        let notes = |path: &str| find(&data.join(path), &data).expect("known").notes;
        let [stands_in] = &notes("hub")[..] else {
            panic!("one note expected: {:?}", notes("hub"));
        };
        assert!(
            stands_in.starts_with("the test images are those of ")
                && stands_in.ends_with("1.parquet: no table is called `test`"),
            "{stands_in}"
        );
        let all = json!({"train": ["all/train.parquet"], "test": ["all/test.parquet"]});
        assert_eq!(found("all"), ("parquet", all));
        let [unused] = &notes("all")[..] else {
            panic!("one note expected: {:?}", notes("all"));
        };
        assert!(
            unused.starts_with("not used: ")
                && unused.contains("latest.parquet, ")
                && unused.ends_with("valid.parquet; to use them, add them to `train` or `test`"),
            "{unused}"
        );
        let rest = json!({"train": ["rest/a.parquet"], "test": ["rest/test.parquet"]});
        assert_eq!(found("rest"), ("parquet", rest));
        let own = json!({
            "train_images": "own/train-images",
            "train_labels": "own/train-labels.gz",
            "test_images": "own/test-images",
            "test_labels": "own/test-labels",
        });
        assert_eq!(found("own"), ("idx", own.clone()));
        assert_eq!(found("own/test-labels"), ("idx", own));
        assert_eq!(found("").1, json!({"folder": "."}));
        find(&folder.path().join("c.txt"), &data).expect_err("no images");
        let archive = find(&folder.path().join("c.tar.gz"), &data).expect_err("packed");
        assert!(
            archive.to_string().contains("is an archive: unpack it"),
            "{archive}"
        );
        let array = find(&folder.path().join("c.npy"), &data).expect_err("no labels");
        let command = "numpy.savez(\"images.npz\", x_train=images, y_train=labels)";
        assert!(array.to_string().contains(command), "{array}");
        find(&folder.path().join("absent"), &data).expect_err("nothing");
        let outside = find(&data.join("a.npz"), &data.join("hub")).expect("a file");
        assert!(!outside.is_inside);
    }
}
