//! Whole data sets: downloaded from a small local server, and the real ones where they are at hand.

mod support;

use std::time::Duration;

use eigenscope_artifact::SourceCheck;
use eigenscope_ingest::download::Policy;
use eigenscope_ingest::published::{Checksum, PublishedFile, PublishedIdx};
use eigenscope_ingest::sets;
use eigenscope_stage::Context;
use eigenscope_testing::file_names;
use serde_json::json;
use support::{Bench, gzip, real_data, serve, sha256, small_idx};

fn policy() -> Policy {
    Policy {
        pause: Duration::from_millis(1),
        allow_http: true,
        ..Policy::default()
    }
}

#[test]
fn a_data_set_is_downloaded_verified_and_ingested_once() {
    let small = small_idx();
    let mirror = serve(
        small
            .iter()
            .map(|(name, bytes)| (format!("/{name}.gz"), gzip(bytes)))
            .collect(),
    );
    let mirrors = [mirror.as_str()];
    let checksums: Vec<String> = small.iter().map(|(_, bytes)| sha256(bytes)).collect();
    let file = |position: usize, checksum| PublishedFile {
        name: small[position].0,
        bytes: small[position].1.len() as u64,
        checksum,
    };
    let labels_packed = sha256(&gzip(&small[1].1));
    let set = PublishedIdx {
        name: "small",
        folders: &["small", "Small/raw"],
        files: [
            file(0, Checksum::Content(&checksums[0])),
            file(1, Checksum::Archive(&labels_packed)),
            file(2, Checksum::Content(&checksums[2])),
            file(3, Checksum::Content(&checksums[3])),
        ],
        classes: &["a", "b", "c", "d", "e", "f", "g", "h"],
        mirrors: &mirrors,
        origin: "https://example.org/",
    };
    let mut bench = Bench::new();
    bench.download = true;
    let context = Context::new(bench.task("small", &bench.data_dir()));
    sets::published_idx(&context, &set, &policy()).expect("ingested");
    assert_eq!(bench.images().header.source, SourceCheck::Published);
    assert_eq!(file_names(&bench.data_dir().join("small")).len(), 4);

    // The files are there now: no download is needed.
    bench.download = false;
    let context = Context::new(bench.task("small", &bench.data_dir()));
    sets::published_idx(&context, &set, &policy()).expect("ingested");
}

#[test]
fn a_downloaded_file_with_another_checksum_is_refused() {
    let small = small_idx();
    let mirror = serve(vec![(format!("/{}.gz", small[0].0), gzip(&small[0].1))]);
    let mirrors = [mirror.as_str()];
    let file = |name, bytes| PublishedFile {
        name,
        bytes,
        checksum: Checksum::Content("00"),
    };
    let set = PublishedIdx {
        name: "small",
        folders: &["small", "Small/raw"],
        files: [0, 1, 2, 3]
            .map(|position: usize| file(small[position].0, small[position].1.len() as u64)),
        classes: &["a"],
        mirrors: &mirrors,
        origin: "https://example.org/",
    };
    let mut bench = Bench::new();
    bench.download = true;
    let context = Context::new(bench.task("small", &bench.data_dir()));
    let error = sets::published_idx(&context, &set, &policy())
        .expect_err("refused")
        .to_string();
    for part in [
        "small: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte not found in",
        "the download failed: http://127.0.0.1",
        "refused: SHA-256 of the content of http://",
        "published is 00",
        "; put the files of https://example.org/ into",
    ] {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
    assert!(file_names(&bench.data_dir().join("small")).is_empty());
    assert!(!bench.output().exists());
}

#[test]
fn a_published_file_in_place_of_another_is_refused() {
    let small = small_idx();
    let checksums: Vec<String> = small.iter().map(|(_, bytes)| sha256(bytes)).collect();
    let file = |position: usize| PublishedFile {
        name: small[position].0,
        bytes: small[position].1.len() as u64,
        checksum: Checksum::Content(&checksums[position]),
    };
    let set = PublishedIdx {
        name: "small",
        folders: &["small"],
        files: [file(0), file(1), file(2), file(3)],
        classes: &["a", "b", "c", "d", "e", "f", "g", "h"],
        mirrors: &[],
        origin: "https://example.org/",
    };
    // Training and test exchanged.
    let bench = Bench::new();
    for (name, bytes) in [2, 3, 0, 1]
        .map(|other: usize| &small[other])
        .iter()
        .zip(&small)
    {
        bench.place(&format!("small/{}", name.0), &bytes.1);
    }
    let context = Context::new(bench.task("small", &bench.data_dir()));
    let error = sets::published_idx(&context, &set, &policy()).expect_err("exchanged");
    let found = "small/train-images-idx3-ubyte is the published t10k-images-idx3-ubyte of small: are the files of training and test exchanged? name it t10k-images-idx3-ubyte";
    assert!(error.to_string().ends_with(found), "{error}");
    assert!(!bench.output().exists());
}

#[test]
fn real_files_of_the_user_that_are_exchanged_are_recognised() {
    let Some(data_dir) = real_data() else { return };
    let mut bench = Bench::new();
    let names = [
        "t10k-images-idx3",
        "t10k-labels-idx1",
        "train-images-idx3",
        "train-labels-idx1",
    ];
    let parameters = ["train_images", "train_labels", "test_images", "test_labels"];
    for (parameter, name) in parameters.into_iter().zip(names) {
        bench.set(parameter, json!(format!("mnist/{name}-ubyte.gz")));
    }
    let outcome = bench.run_with("idx", &data_dir);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let warnings = outcome.warnings();
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(warnings[3].ends_with(
        "train-labels-idx1-ubyte.gz is the published train-labels-idx1-ubyte of mnist: are the files of training and test exchanged?"
    ), "{warnings:?}");
}

#[test]
fn real_mnist() {
    let Some(data_dir) = real_data() else { return };
    let bench = Bench::new();
    let outcome = bench.run_with("mnist", &data_dir);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.warnings().is_empty(), "{outcome:?}");
    assert_eq!(outcome.read_files().len(), 4);
    let images = bench.images();
    assert_eq!((images.train.len(), images.test.len()), (60_000, 10_000));
    assert_eq!(images.header.source, SourceCheck::Published);
    assert_eq!(images.train.labels[..5], [5, 0, 4, 1, 9]);
    assert_eq!(images.test.labels[..5], [7, 2, 1, 0, 4]);
    assert_eq!(
        (
            images.header.height,
            images.header.width,
            images.header.channels
        ),
        (28, 28, 1)
    );
    // Sum of the first training image, from numpy.
    let sum: u32 = images.train.pixels[..784]
        .iter()
        .map(|value| u32::from(*value))
        .sum();
    assert_eq!(sum, 27_525);
}

#[test]
fn real_cifar() {
    let Some(data_dir) = real_data() else { return };
    let bench = Bench::new();
    let outcome = bench.run_with("cifar10", &data_dir);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let images = bench.images();
    assert_eq!((images.train.len(), images.test.len()), (50_000, 10_000));
    assert_eq!(
        (
            images.header.height,
            images.header.width,
            images.header.channels
        ),
        (32, 32, 3)
    );
    assert_eq!(images.train.labels[..5], [6, 9, 9, 4, 1]);
    assert_eq!(images.header.classes[6], "frog");
    // The training batches must be the published ones; a test batch that is not is told.
    for warning in outcome.warnings() {
        assert!(warning.contains("test_batch.bin"), "{warning}");
    }
    let expected = if outcome.warnings().is_empty() {
        SourceCheck::Published
    } else {
        SourceCheck::Differs
    };
    assert_eq!(images.header.source, expected);
}

#[test]
fn real_mnist_similarity_labels() {
    let Some(data_dir) = real_data() else { return };
    let mut bench = Bench::new();
    bench.set(
        "similarity_label",
        json!({"similar-to": {"train_image": 6, "threshold": 0.4}}),
    );
    assert_eq!(bench.run_with("mnist", &data_dir).code, Some(0));
    let images = bench.images();
    let count = |labels: &[u16]| labels.iter().filter(|label| **label == 1).count();
    // From a plain Python loop over pixels / 255 in double precision.
    assert_eq!(count(&images.train.labels), 27_742);
    assert_eq!(count(&images.test.labels), 4_884);
    assert_eq!(
        images.train.labels[..20],
        [1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 0, 1, 0, 1]
    );
}
