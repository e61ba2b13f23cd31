//! The program end to end: task file in, artifact, events and exit code out; nothing left on failure.

mod places;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use eigenscope_artifact::{Images, PixelTransform, SourceCheck};
use eigenscope_stage::{CLASSES, Event, Feature, Stage, quantities};
use eigenscope_testing::{describe, file_names, idx};
use serde_json::{Value, json};
use support::{Bench, gzip, program, real_data, small_idx, user_files};

#[test]
fn describe_names_the_kinds() {
    let description = describe(Stage::Data);
    assert_eq!(description.section, Stage::Data);
    let names: Vec<&str> = description
        .kinds
        .iter()
        .map(|kind| kind.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "digits",
            "mnist",
            "fashion-mnist",
            "kmnist",
            "cifar10",
            "emnist",
            "image-folder",
            "npz",
            "parquet",
            "csv",
            "idx"
        ]
    );
}

#[test]
fn digits_need_nothing() {
    let bench = Bench::new();
    let outcome = bench.run("digits");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.files(), ["images.parquet"]);
    assert!(outcome.warnings().is_empty() && outcome.read_files().is_empty());
    assert!(
        outcome
            .events
            .iter()
            .any(|event| matches!(event, Event::Usage { .. }))
    );
    let images = bench.images();
    assert_eq!((images.train.len(), images.test.len()), (1437, 360));
    assert_eq!(images.header.maximum, 16);
    assert_eq!(images.header.classes.len(), 10);
    assert_eq!(images.header.source, SourceCheck::Published);
    assert_eq!(images.header.transforms, [PixelTransform::Scale]);
}

/// What the orchestrator compares before a task runs is what the artifact holds afterwards.
#[test]
fn classes_are_known_before_the_task_runs() {
    let description = describe(Stage::Data);
    let foretold = |kind: &str, parameters: &Value| {
        let mut kinds = description.kinds.iter();
        let kind = kinds.find(|known| known.name == kind).expect("a kind");
        let value = kind.provides.iter().find_map(|feature| match feature {
            Feature::Attribute { name, value } if name == CLASSES => Some(value),
            _ => None,
        });
        value.expect("every kind has classes").value(parameters)
    };
    for classes in [json!([]), json!([3, 6]), json!([9, 0, 1])] {
        let mut bench = Bench::new();
        bench.set("classes", classes);
        assert_eq!(bench.run("digits").code, Some(0));
        let found = json!(bench.images().header.classes);
        assert_eq!(foretold("digits", &bench.parameters), Some(found));
    }
    let mut bench = Bench::new();
    user_files(&mut bench);
    assert_eq!(foretold("idx", &bench.parameters), None);
    bench.set("classes", json!([7, 2, 5, 0, 4]));
    assert_eq!(bench.run("idx").code, Some(0));
    let found = json!(bench.images().header.classes);
    assert_eq!(foretold("idx", &bench.parameters), Some(found));
    let similar = json!({"similar-to": {"train_image": 6, "threshold": 0.4}});
    bench.set("similarity_label", similar.clone());
    let value = foretold("mnist", &bench.parameters).expect("known");
    assert_eq!(
        (&value["data"], &value["similarity_label"]),
        (&json!("mnist"), &similar)
    );
}

/// What the description says of a set is what its artifact holds.
#[test]
fn sizes_are_stated_before_a_set_is_read() {
    let description = describe(Stage::Data);
    let mut known = description.kinds.iter().map(|kind| {
        let stated = kind.provides.iter().filter_map(|feature| match feature {
            Feature::Quantity { name, amount } => {
                Some((name.clone(), amount.values(&json!({}))[0]))
            }
            _ => None,
        });
        let stated: BTreeMap<String, u64> = stated.collect();
        (kind.name.as_str(), stated)
    });
    let check = |images: &Images, stated: &BTreeMap<String, u64>| {
        let header = &images.header;
        let [channels, height, width] = header.pixels().expect("valid").output_shape();
        for (name, count) in [
            (quantities::CHANNELS, channels),
            (quantities::HEIGHT, height),
            (quantities::WIDTH, width),
            (quantities::CLASSES, header.classes.len()),
            (quantities::TRAINING_IMAGES, images.train.len()),
            (quantities::TEST_IMAGES, images.test.len()),
        ] {
            assert_eq!(stated.get(name), Some(&(count as u64)), "{name}");
        }
    };
    let (name, digits) = known.next().expect("a kind");
    let bench = Bench::new();
    assert_eq!((name, bench.run(name).code), ("digits", Some(0)));
    check(&bench.images(), &digits);
    for (name, stated) in known {
        let of_users = ["emnist", "image-folder", "npz", "parquet", "csv", "idx"].contains(&name);
        assert_eq!(stated.is_empty(), of_users, "{name}");
        if let (true, Some(data_dir)) = (["mnist", "cifar10"].contains(&name), real_data()) {
            assert_eq!(bench.run_with(name, &data_dir).code, Some(0));
            check(&bench.images(), &stated);
        }
    }
}

#[test]
fn equal_tasks_give_equal_bytes_and_the_seed_chooses_the_subset() {
    let mut bench = Bench::new();
    bench.set("train_fraction", json!(0.125));
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        bench.seed = seed;
        assert_eq!(bench.run("digits").code, Some(0));
        runs.push((
            std::fs::read(bench.output()).expect("written"),
            bench.images().train.indices,
        ));
    }
    assert!(runs[0].0 == runs[1].0, "the same task twice");
    assert_eq!(runs[0].1.len(), 180);
    assert_ne!(runs[0].1, runs[2].1);
    assert_eq!(bench.images().test.len(), 360, "the test split stays whole");
}

#[test]
fn row_transforms_and_pixel_transforms_reach_the_artifact() {
    let mut bench = Bench::new();
    bench.set("classes", json!([6, 3]));
    bench.set(
        "transforms",
        json!(["scale", {"resize": {"height": 4, "width": 4}}]),
    );
    assert_eq!(bench.run("digits").code, Some(0));
    let images = bench.images();
    assert_eq!(images.header.classes, ["6", "3"]);
    assert_eq!(images.train.len() + images.test.len(), 181 + 183);
    assert_eq!(
        images.header.pixels().expect("valid").output_shape(),
        [1, 4, 4]
    );

    bench.set("classes", json!([]));
    bench.set(
        "similarity_label",
        json!({"similar-to": {"train_image": 6, "threshold": 0.8}}),
    );
    assert_eq!(bench.run("digits").code, Some(0));
    let images = bench.images();
    assert_eq!(images.header.classes, ["other", "similar"]);
    assert_eq!(images.train.labels[6], 1, "an image is similar to itself");
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    for (name, value, expected) in [
        (
            "transforms",
            json!(["grey"]),
            "`transforms`: transform 1: `grey` needs 3 channels, found 1",
        ),
        (
            "classes",
            json!([10]),
            "`classes`: there is no class 10, there are 10: 0, 1,",
        ),
        (
            "train_count",
            json!(1438),
            "`train_count`: 1438 training images wanted, there are 1437",
        ),
        (
            "train_fraction",
            json!(0.0),
            "`train_fraction`: expected more than 0 and at most 1, found 0",
        ),
        (
            "similarity_label",
            json!({"similar-to": {"train_image": 1437, "threshold": 0.4}}),
            "`similarity_label`: image 1437 is for testing: choose one of the 1437 training images",
        ),
        ("colour", json!(1), "unknown field `colour`"),
    ] {
        let mut bench = Bench::new();
        bench.set(name, value);
        let failure = bench.run("digits").failure();
        assert!(failure.contains(expected), "{failure}");
    }
}

#[test]
fn a_file_event_tells_size_and_digest_of_the_raw_bytes() {
    let mut bench = Bench::new();
    user_files(&mut bench);
    let packed = gzip(&small_idx()[0].1);
    bench.place("own/train-images-idx3-ubyte", &packed);
    let outcome = bench.run("idx");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let first = outcome.events.iter().find_map(|event| match event {
        Event::File(file) => Some(file),
        _ => None,
    });
    let first = first.expect("a file event");
    assert_eq!(first.path, "own/train-images-idx3-ubyte");
    assert_eq!(first.bytes, packed.len() as u64);
    assert_eq!(first.blake3, eigenscope_artifact::Digest::of(&packed));
    let images = bench.images();
    assert_eq!(images.header.source, SourceCheck::Unpublished);
    assert_eq!(images.header.classes.len(), 8, "labels 0..=7");
}

#[test]
fn missing_files_without_downloads_give_one_clear_error() {
    let bench = Bench::new();
    let failure = bench.run("mnist").failure();
    let folder = bench.data_dir().join("mnist").display().to_string();
    let raw = bench.data_dir().join("MNIST/raw").display().to_string();
    for part in [
        "mnist: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte not found in",
        &format!("in {folder}, {raw} (with or without `.gz`, with `.idx` for `-idx`); downloads"),
        "downloads are switched off",
        &format!("put the files of https://ossci-datasets.s3.amazonaws.com/mnist/ into {folder}"),
    ] {
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
    assert!(
        file_names(&bench.data_dir()).is_empty(),
        "the data directory is not touched"
    );

    let failure = bench.run("cifar10").failure();
    assert!(
        failure.contains("data_batch_1.bin") && failure.contains("cifar-10-binary.tar.gz"),
        "{failure}"
    );

    let mut bench = Bench::new();
    user_files(&mut bench);
    bench.set("test_labels", json!("nowhere"));
    let failure = bench.run("idx").failure();
    assert!(
        failure.contains("`test_labels`: there is no file"),
        "{failure}"
    );
    std::fs::write(bench.data_dir().join("nowhere.gz"), "").expect("written");
    let failure = bench.run("idx").failure();
    assert!(
        failure.contains("nowhere.gz: give that, it need not be unpacked"),
        "{failure}"
    );
}

#[test]
fn damaged_user_files_are_refused_and_leave_nothing() {
    let good = idx(&[3, 2, 2], &[1; 12]);
    for (name, bytes, expected) in [
        (
            "train-images-idx3-ubyte",
            good[..20].to_vec(),
            "byte 4: sizes of images: expected 12 bytes after them for [3, 2, 2], found 4",
        ),
        (
            "train-images-idx3-ubyte",
            [good.as_slice(), &[0]].concat(),
            "byte 28: length of the content",
        ),
        (
            "train-images-idx3-ubyte",
            gzip(&good)[..20].to_vec(),
            "the gzip stream",
        ),
        (
            "train-images-idx3-ubyte",
            idx(&[3], &[1, 2, 3]),
            "are the files of images and labels exchanged?",
        ),
        (
            "train-images-idx3-ubyte",
            idx(&[2, 2, 2], &[1; 8]),
            "2 images, but 3 labels",
        ),
        (
            "t10k-images-idx3-ubyte",
            idx(&[2, 1, 2], &[1; 4]),
            "images of [1, 2, 2] and [1, 1, 2]",
        ),
        (
            "train-labels-idx1-ubyte",
            Vec::new(),
            "byte 0: format: expected an IDX file, found an empty file",
        ),
    ] {
        let mut bench = Bench::new();
        user_files(&mut bench);
        bench.place(&format!("own/{name}"), &bytes);
        let failure = bench.run("idx").failure();
        assert!(failure.contains(expected), "{failure}");
        assert!(failure.contains(name), "{failure}");
    }
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let mut bench = Bench::new();
    user_files(&mut bench);
    let pipe = bench.data_dir().join("own/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    for (path, what) in [
        ("own/pipe", "a named pipe"),
        ("/dev/zero", "a device"),
        ("own", "a folder"),
    ] {
        bench.set("test_images", json!(path));
        let failure = bench.run("idx").failure();
        let expected = format!("{path}: it is {what}, not a file");
        assert!(failure.contains(&expected), "{failure}");
    }
}

#[test]
fn splits_that_look_wrong_are_told() {
    let mut bench = Bench::new();
    user_files(&mut bench);
    for (parameter, name) in [
        ("test_images", "train-images-idx3"),
        ("test_labels", "train-labels-idx1"),
    ] {
        bench.set(parameter, json!(format!("own/{name}-ubyte")));
    }
    let outcome = bench.run("idx");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.warnings()[0].starts_with("training and test images are the same"));

    let mut bench = Bench::new();
    user_files(&mut bench);
    bench.set("train_labels", json!("own/t10k-labels-idx1-ubyte"));
    bench.set("test_labels", json!("own/train-labels-idx1-ubyte"));
    let failure = bench.run("idx").failure();
    let expected = "3 images, but 2 labels; are the labels of training and test exchanged?";
    assert!(failure.contains(expected), "{failure}");
}

#[test]
fn the_layout_of_colour_images_must_be_clear() {
    let mut bench = Bench::new();
    user_files(&mut bench);
    let values: Vec<u8> = (0..36).collect();
    bench.place("own/train-images-idx3-ubyte", &idx(&[3, 2, 2, 3], &values));
    bench.place(
        "own/t10k-images-idx3-ubyte",
        &idx(&[2, 2, 2, 3], &values[..24]),
    );
    let failure = bench.run("idx").failure();
    assert!(
        failure.contains("channels last? set `layout = \"channels-last\"`"),
        "{failure}"
    );
    bench.set("layout", json!("channels-last"));
    assert_eq!(bench.run("idx").code, Some(0));
    let images = bench.images();
    assert_eq!((images.header.channels, images.header.height), (3, 2));
    assert_eq!(
        images.test.pixels[..12],
        [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    );
}

#[test]
fn a_task_file_that_cannot_be_understood_is_a_usage_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("task.json");
    std::fs::write(&path, "{}").expect("written");
    let status = program()
        .arg("run")
        .arg(&path)
        .output()
        .expect("it runs")
        .status;
    assert_eq!(status.code(), Some(2));
    assert_eq!(Bench::new().run("imagenet").code, Some(2));
}
