//! Where files of published data sets are found, which of them is used, and what is reported of the others.

use eigenscope_artifact::SourceCheck;
use eigenscope_stage::Event;
use eigenscope_testing::TaskOutcome;

use crate::support::{Bench, gzip, small_idx};

#[test]
fn placed_files_are_used_with_a_warning_when_they_are_not_the_published_ones() {
    let bench = Bench::new();
    let [first, rest @ ..] = small_idx();
    bench.place(&format!("mnist/{}.gz", first.0), &gzip(&first.1));
    for (name, bytes) in rest {
        bench.place(&format!("mnist/{name}"), &bytes);
    }
    let outcome = bench.run("mnist");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(
        outcome.warnings()[4..],
        [
            "5 of 10 classes have no images: 1, 3, 6, 8, 9; `classes = [0, 2, 4, 5, 7]` leaves them out",
            "2 of 10 classes have no training images: 2, 7",
            "3 of 10 classes have no test images: 0, 4, 5",
        ]
    );
    assert!(outcome.warnings()[0].contains("train-images-idx3-ubyte.gz is not the published file"));
    assert_eq!(
        outcome.read_files(),
        [
            "mnist/train-images-idx3-ubyte.gz",
            "mnist/train-labels-idx1-ubyte",
            "mnist/t10k-images-idx3-ubyte",
            "mnist/t10k-labels-idx1-ubyte"
        ]
    );
    let images = bench.images();
    assert_eq!(images.header.source, SourceCheck::Differs);
    assert_eq!(images.train.labels, [5, 0, 4]);
    assert_eq!(images.test.indices, [0, 1]);
}

/// Places at which a task found nothing, in order.
fn absent(outcome: &TaskOutcome) -> Vec<&str> {
    let events = outcome.events.iter();
    let absent = events.filter_map(|event| match event {
        Event::Absent { path } => Some(path.as_str()),
        _ => None,
    });
    absent.collect()
}

/// The files that would be read if the one at `path` were gone.
fn instead<'a>(outcome: &'a TaskOutcome, path: &str) -> &'a [String] {
    let mut events = outcome.events.iter();
    let found = events.find_map(|event| match event {
        Event::File(file) if file.path == path => Some(&file.instead),
        _ => None,
    });
    found.expect("it was read")
}

#[test]
fn places_that_were_looked_at_are_reported() {
    let bench = Bench::new();
    let [images, labels, test_images, test_labels] = small_idx();
    bench.place(&format!("mnist/{}", images.0), &images.1);
    bench.place(&format!("mnist/{}.gz", labels.0), b"damaged");
    bench.place(&format!("MNIST/raw/{}", labels.0), &labels.1);
    for (name, bytes) in [test_images, test_labels] {
        bench.place(&format!("mnist/{name}.gz"), &gzip(&bytes));
    }
    let outcome = bench.run("mnist").succeeded();
    assert_eq!(
        absent(&outcome),
        [
            "mnist/train-images-idx3-ubyte.gz",
            "mnist/train-labels-idx1-ubyte",
            "mnist/train-labels.idx1-ubyte.gz",
            "mnist/train-labels.idx1-ubyte",
            "MNIST/raw/train-labels-idx1-ubyte.gz",
        ]
    );
    assert_eq!(
        outcome.read_files()[..3],
        [
            "mnist/train-images-idx3-ubyte",
            "mnist/train-labels-idx1-ubyte.gz",
            "MNIST/raw/train-labels-idx1-ubyte",
        ],
        "a damaged file may be mended"
    );
    assert_eq!(
        instead(&outcome, "MNIST/raw/train-labels-idx1-ubyte"),
        [
            "MNIST/raw/train-labels.idx1-ubyte.gz",
            "MNIST/raw/train-labels.idx1-ubyte",
            "mnist/mnist.npz",
            "mnist.npz",
        ]
    );
}

#[test]
fn files_under_other_names_are_found() {
    for (folder, dotted) in [("mnist", true), ("MNIST/raw", false), ("MNIST/raw", true)] {
        let bench = Bench::new();
        for (name, bytes) in small_idx() {
            let name = match dotted {
                true => name.replace("-idx", ".idx"),
                false => name.to_owned(),
            };
            bench.place(&format!("{folder}/{name}"), &bytes);
        }
        let outcome = bench.run("mnist");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.read_files()[0].starts_with(folder));
    }
}

#[test]
fn a_damaged_file_does_not_hide_an_intact_one() {
    let bench = Bench::new();
    for (name, bytes) in small_idx() {
        bench.place(&format!("mnist/{name}"), &bytes);
    }
    bench.place("mnist/t10k-images-idx3-ubyte.gz", b"<html>404</html>");
    let outcome = bench.run("mnist");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let warnings = outcome.warnings();
    assert!(
        warnings[0].contains("t10k-images-idx3-ubyte.gz: byte 0: format")
            && warnings[0].ends_with("t10k-images-idx3-ubyte is used instead"),
        "{warnings:?}"
    );
    assert_eq!(
        outcome.read_files()[2..4],
        [
            "mnist/t10k-images-idx3-ubyte.gz",
            "mnist/t10k-images-idx3-ubyte"
        ],
        "a damaged file may be mended"
    );

    // Where none is intact, the first is named.
    let bench = Bench::new();
    for (name, bytes) in small_idx() {
        bench.place(&format!("mnist/{name}"), &bytes);
    }
    bench.place("mnist/t10k-images-idx3-ubyte.gz", b"<html>404</html>");
    bench.place("mnist/t10k-images-idx3-ubyte", b"x");
    let failure = bench.run("mnist").failure();
    assert!(
        failure.contains("ubyte.gz: byte 0: format") && failure.contains("a web page"),
        "{failure}"
    );
}

#[test]
fn small_cifar_files_and_archives_give_the_same_images() {
    let record = |label: u8| [vec![label], vec![label * 3; 3072]].concat();
    let batches: Vec<(String, Vec<u8>)> = (1..=5u8)
        .map(|batch| {
            (
                format!("data_batch_{batch}.bin"),
                [record(batch), record(9)].concat(),
            )
        })
        .chain([("test_batch.bin".to_owned(), record(7))])
        .collect();
    let folder = Bench::new();
    for (name, bytes) in &batches {
        folder.place(&format!("cifar-10-batches-bin/{name}"), bytes);
    }
    let outcome = folder.run("cifar10");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(
        (outcome.warnings().len(), outcome.read_files().len()),
        (6 + 3, 6)
    );
    let images = folder.images();
    assert_eq!(images.train.labels, [1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
    assert_eq!(images.train.indices, (0..10).collect::<Vec<u32>>());
    assert_eq!(images.test.pixels, vec![21; 3072]);
    assert_eq!(images.header.source, SourceCheck::Differs);

    // In another order, as an archive.
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in batches.iter().rev() {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(
                &mut header,
                format!("cifar-10-batches-bin/{name}"),
                bytes.as_slice(),
            )
            .expect("appended");
    }
    let archive = Bench::new();
    archive.place(
        "cifar-10-binary.tar.gz",
        &gzip(&builder.into_inner().expect("finished")),
    );
    let outcome = archive.run("cifar10");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.read_files(), ["cifar-10-binary.tar.gz"]);
    assert_eq!(absent(&outcome).len(), 6, "the folder would be read");
    assert_eq!(archive.images(), images);

    // A damaged folder beside an intact archive.
    for (name, bytes) in &batches {
        archive.place(&format!("cifar-10-batches-bin/{name}"), bytes);
    }
    archive.place("cifar-10-batches-bin/data_batch_2.bin", &record(2)[..9]);
    let outcome = archive.run("cifar10").succeeded();
    outcome.warns_of("cifar-10-binary.tar.gz is used instead");
    assert_eq!(
        outcome.read_files().len(),
        7,
        "a damaged file may be mended"
    );
    assert_eq!(archive.images(), images);

    let archive = Bench::new();
    archive.place("cifar-10-binary.tar.gz", b"not gzip");
    let failure = archive.run("cifar10").failure();
    assert!(
        failure.contains("cifar-10-binary.tar.gz: gzip stream damaged"),
        "{failure}"
    );
}
