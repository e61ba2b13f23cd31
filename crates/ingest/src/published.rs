//! The published data sets: their files, sizes, SHA-256 and mirrors.
//!
//! Checksums are over the decompressed content wherever that is known, because gzip headers differ
//! between mirrors. The authors of these sets publish none of them as SHA-256; the values are those under
//! which several independent public projects pin the files, all in agreement. Those of MNIST and of the
//! CIFAR-10 training batches were also computed from canonical copies; those of Fashion-MNIST, KMNIST and
//! the CIFAR-10 test batch could not be. KMNIST: only the checksums of its authors' gzip files are known,
//! so a user's decompressed copy counts as unpublished.

use eigenscope_artifact::SourceCheck;

/// The published checksum of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum<'a> {
    /// SHA-256 of the decompressed content.
    Content(&'a str),
    /// SHA-256 of the gzip file as its authors serve it.
    Archive(&'a str),
    Unknown,
}

impl Checksum<'_> {
    /// Compares a file: `content` is the SHA-256 of its decompressed content, `raw` of its bytes as they
    /// stand on disk.
    pub fn check(self, content: &str, raw: &str) -> SourceCheck {
        let (published, found) = match self {
            Checksum::Content(published) => (published, content),
            // A decompressed copy cannot be compared with the checksum of the archive.
            Checksum::Archive(published) if raw != content => (published, raw),
            Checksum::Archive(_) | Checksum::Unknown => return SourceCheck::Unpublished,
        };
        if published == found {
            SourceCheck::Published
        } else {
            SourceCheck::Differs
        }
    }
}

impl std::fmt::Display for Checksum<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Checksum::Content(sha256) => write!(f, "SHA-256 of the content {sha256}"),
            Checksum::Archive(sha256) => write!(f, "SHA-256 of the gzip file {sha256}"),
            Checksum::Unknown => f.write_str("no published checksum"),
        }
    }
}

/// The check of a whole data set: one file that differs outweighs one without checksum, and that one
/// outweighs any that is as published.
pub fn combine(checks: impl IntoIterator<Item = SourceCheck>) -> SourceCheck {
    let rank = |check: &SourceCheck| match check {
        SourceCheck::Published => 0,
        SourceCheck::Unpublished => 1,
        SourceCheck::Differs => 2,
    };
    checks
        .into_iter()
        .max_by_key(rank)
        .unwrap_or(SourceCheck::Unpublished)
}

#[derive(Debug, Clone, Copy)]
pub struct PublishedFile<'a> {
    /// File name without `.gz`.
    pub name: &'a str,
    /// Length of the decompressed content.
    pub bytes: u64,
    pub checksum: Checksum<'a>,
}

/// Training images and labels, test images and labels: a data set of four IDX files.
#[derive(Debug, Clone, Copy)]
pub struct PublishedIdx<'a> {
    pub name: &'a str,
    /// Folders of the data directory that may hold the files; a download goes to the first.
    pub folders: &'a [&'a str],
    /// Training images, training labels, test images, test labels.
    pub files: [PublishedFile<'a>; 4],
    /// Class names by label.
    pub classes: &'a [&'a str],
    /// Folders in the network that hold the files with `.gz`, in the order tried.
    pub mirrors: &'a [&'a str],
    /// Where to get the files by hand.
    pub origin: &'a str,
}

const fn idx_files<'a>(checksums: [Checksum<'a>; 4]) -> [PublishedFile<'a>; 4] {
    let [train_images, train_labels, test_images, test_labels] = checksums;
    [
        PublishedFile {
            name: "train-images-idx3-ubyte",
            bytes: 16 + 60_000 * 784,
            checksum: train_images,
        },
        PublishedFile {
            name: "train-labels-idx1-ubyte",
            bytes: 8 + 60_000,
            checksum: train_labels,
        },
        PublishedFile {
            name: "t10k-images-idx3-ubyte",
            bytes: 16 + 10_000 * 784,
            checksum: test_images,
        },
        PublishedFile {
            name: "t10k-labels-idx1-ubyte",
            bytes: 8 + 10_000,
            checksum: test_labels,
        },
    ]
}

/// Class names of `digits` and `mnist`.
pub const DIGIT_NAMES: &[&str] = &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// MNIST (LeCun, Cortes, Burges): handwritten digits.
pub const MNIST: PublishedIdx<'static> = PublishedIdx {
    name: "mnist",
    folders: &["mnist", "MNIST/raw"],
    files: idx_files([
        Checksum::Content("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        Checksum::Content("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        Checksum::Content("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        Checksum::Content("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    ]),
    classes: DIGIT_NAMES,
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ],
    origin: "https://ossci-datasets.s3.amazonaws.com/mnist/",
};

/// Fashion-MNIST (Xiao, Rasul, Vollgraf; MIT licence): articles of clothing.
pub const FASHION_MNIST: PublishedIdx<'static> = PublishedIdx {
    name: "fashion-mnist",
    folders: &["fashion-mnist", "FashionMNIST/raw"],
    files: idx_files([
        Checksum::Content("c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
        Checksum::Content("bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
        Checksum::Content("5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
        Checksum::Content("0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
    ]),
    classes: &[
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    mirrors: &[
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ],
    origin: "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
};

/// Kuzushiji-MNIST (ROIS-DS Center for Open Data in the Humanities; CC BY-SA 4.0): cursive hiragana.
/// No second mirror is known.
pub const KMNIST: PublishedIdx<'static> = PublishedIdx {
    name: "kmnist",
    folders: &["kmnist", "KMNIST/raw"],
    files: idx_files([
        Checksum::Archive("51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
        Checksum::Archive("e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
        Checksum::Archive("edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        Checksum::Archive("20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
    ]),
    classes: &["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
    mirrors: &["https://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
    origin: "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
};

/// The sets of four IDX files.
const IDX_SETS: [PublishedIdx<'static>; 3] = [MNIST, FASHION_MNIST, KMNIST];

/// A file that has the checksum of a published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownFile<'a> {
    pub(crate) set: &'a str,
    pub(crate) name: &'a str,
    /// Position among the files of the set.
    position: usize,
}

impl KnownFile<'_> {
    /// Whether it belongs to the test split.
    pub(crate) fn is_test(&self) -> bool {
        self.position >= 2
    }
}

impl std::fmt::Display for KnownFile<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the published {} of {}", self.name, self.set)
    }
}

/// The published file with this checksum, of `set` or of any set of IDX files.
pub(crate) fn known_file<'a>(
    set: Option<&PublishedIdx<'a>>,
    content: &str,
    raw: &str,
) -> Option<KnownFile<'a>> {
    set.into_iter().chain(&IDX_SETS).find_map(|set| {
        let mut files = set.files.iter().enumerate();
        let published = |(_, file): &(usize, &PublishedFile<'_>)| {
            file.checksum.check(content, raw) == SourceCheck::Published
        };
        let (position, file) = files.find(published)?;
        Some(KnownFile {
            set: set.name,
            name: file.name,
            position,
        })
    })
}

/// Training batches in order, then the test batch: the binary version of CIFAR-10.
#[derive(Debug, Clone, Copy)]
pub struct PublishedCifar<'a> {
    /// Five training batches, then the test batch.
    pub files: [PublishedFile<'a>; 6],
    /// Addresses of the archive, in the order tried.
    pub mirrors: &'a [&'a str],
}

const fn batch<'a>(name: &'a str, sha256: &'a str) -> PublishedFile<'a> {
    PublishedFile {
        name,
        bytes: 10_000 * 3073,
        checksum: Checksum::Content(sha256),
    }
}

/// CIFAR-10 (Krizhevsky): small colour photographs.
pub const CIFAR10: PublishedCifar<'static> = PublishedCifar {
    files: [
        batch(
            "data_batch_1.bin",
            "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        ),
        batch(
            "data_batch_2.bin",
            "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        ),
        batch(
            "data_batch_3.bin",
            "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        ),
        batch(
            "data_batch_4.bin",
            "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        ),
        batch(
            "data_batch_5.bin",
            "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        ),
        batch(
            "test_batch.bin",
            "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        ),
    ],
    mirrors: &[
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
    ],
};

/// Class names of CIFAR-10 by label.
pub const CIFAR10_NAMES: &[&str] = &[
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_well_formed() {
        for set in IDX_SETS {
            assert_eq!(set.classes.len(), 10);
            assert_eq!(set.folders.first(), Some(&set.name));
            for mirror in set.mirrors {
                assert!(mirror.starts_with("https://") && mirror.ends_with('/'));
            }
        }
        let idx = IDX_SETS.map(|set| set.files);
        for file in idx.iter().flatten().chain(&CIFAR10.files) {
            let (Checksum::Content(sha256) | Checksum::Archive(sha256)) = file.checksum else {
                continue;
            };
            assert_eq!(sha256.len(), 64, "{}", file.name);
            assert!(
                sha256
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            );
        }
    }

    #[test]
    fn a_checksum_of_an_archive_says_nothing_about_a_decompressed_copy() {
        let archive = Checksum::Archive("aa");
        assert_eq!(archive.check("cc", "aa"), SourceCheck::Published);
        assert_eq!(archive.check("cc", "bb"), SourceCheck::Differs);
        assert_eq!(archive.check("cc", "cc"), SourceCheck::Unpublished);
        assert_eq!(
            Checksum::Content("cc").check("cc", "aa"),
            SourceCheck::Published
        );
        assert_eq!(
            Checksum::Content("cc").check("dd", "aa"),
            SourceCheck::Differs
        );
        assert_eq!(
            Checksum::Unknown.check("cc", "aa"),
            SourceCheck::Unpublished
        );
    }

    #[test]
    fn files_are_known_by_their_checksums() {
        let known = |content, raw| known_file(None, content, raw).map(|file| file.to_string());
        let test_images = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7";
        let found = known(test_images, "aa");
        let name = "the published t10k-images-idx3-ubyte of mnist";
        assert_eq!(found.as_deref(), Some(name));
        let kuzushiji = "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17";
        let found = known("aa", kuzushiji);
        let name = "the published train-labels-idx1-ubyte of kmnist";
        assert_eq!(found.as_deref(), Some(name));
        assert_eq!(known("aa", test_images), None);
        assert_eq!(known("aa", "aa"), None);
    }

    #[test]
    fn the_worst_file_decides() {
        use SourceCheck::{Differs, Published, Unpublished};
        assert_eq!(combine([Published, Published]), Published);
        assert_eq!(combine([Published, Unpublished]), Unpublished);
        assert_eq!(combine([Differs, Unpublished, Published]), Differs);
        assert_eq!(combine([]), Unpublished);
    }
}
