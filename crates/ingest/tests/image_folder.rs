//! Folders of pictures through the program.

mod support;

use eigenscope_artifact::{Images, SourceCheck, digest_path};
use eigenscope_stage::Event;
use serde_json::json;
use support::{Bench, png};

/// Two classes of grey pictures of 2 x 2, three for training and two for testing.
fn faces(bench: &mut Bench) {
    for (path, value) in [
        ("train/cat/1.png", 10),
        ("train/cat/10.png", 20),
        ("train/dog/a.png", 30),
        ("test/cat/x.png", 40),
        ("test/dog/x.png", 50),
    ] {
        bench.place(
            &format!("faces/{path}"),
            &png(&[2, 2, 1], &[value, value + 1, value + 2, value + 3]),
        );
    }
    bench.set("folder", json!("faces"));
}

fn read(bench: &Bench) -> (Images, Vec<String>) {
    let outcome = bench.run("image-folder");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    (
        bench.images(),
        outcome.warnings().into_iter().map(str::to_owned).collect(),
    )
}

#[test]
fn splits_and_classes_are_folders() {
    let mut bench = Bench::new();
    faces(&mut bench);
    let outcome = bench.run("image-folder");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
    assert_eq!(outcome.read_files(), ["faces"]);
    let folder = digest_path(&bench.data_dir().join("faces")).expect("readable");
    let reported = outcome.events.iter().find_map(|event| match event {
        Event::File(file) => Some(file.blake3),
        _ => None,
    });
    assert_eq!(
        reported,
        Some(folder.blake3),
        "the survey finds the same digest"
    );
    let images = bench.images();
    let header = &images.header;
    assert_eq!((header.channels, header.height, header.width), (1, 2, 2));
    assert_eq!(
        (header.maximum, header.source),
        (255, SourceCheck::Unpublished)
    );
    assert_eq!(header.classes, ["cat", "dog"]);
    assert_eq!(images.train.labels, [0, 0, 1]);
    // By the bytes of the names: "1.png" before "10.png".
    assert_eq!(
        images.train.pixels,
        [10, 11, 12, 13, 20, 21, 22, 23, 30, 31, 32, 33]
    );
    assert_eq!(
        (images.test.labels, images.test.indices),
        (vec![0, 1], vec![0, 1])
    );
    assert_eq!(images.test.pixels[..4], [40, 41, 42, 43]);
}

#[test]
fn one_set_is_split_in_every_class() {
    let mut bench = Bench::new();
    for class in 0..3u8 {
        for number in 0..10u8 {
            let name = format!("all/c{class}/{number}.png");
            bench.place(&name, &png(&[1, 1, 1], &[10 * class + number]));
        }
    }
    bench.set("folder", json!("all"));
    bench.set("test_fraction", json!(0.3));
    let (images, _) = read(&bench);
    assert_eq!((images.train.len(), images.test.len()), (21, 9));
    assert_eq!(images.test.labels, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    let mut all = [images.train.pixels.clone(), images.test.pixels.clone()].concat();
    all.sort_unstable();
    assert_eq!(all, (0..30).collect::<Vec<u8>>());
    assert_eq!(images, read(&bench).0);
    bench.seed += 1;
    assert_ne!(images, read(&bench).0, "the seed chooses");
    // Row transforms come after the split.
    bench.set("classes", json!([2]));
    bench.set("train_count", json!(4));
    let (images, _) = read(&bench);
    assert_eq!((images.train.len(), images.test.len()), (4, 3));
    assert!(images.train.pixels.iter().all(|&value| value >= 20));
    assert_eq!(images.header.classes, ["c2"]);
}

#[test]
fn what_is_left_out_and_what_is_not_used_is_told() {
    let mut bench = Bench::new();
    faces(&mut bench);
    for name in [
        "train/.ipynb_checkpoints/1.png",
        "Thumbs.db",
        "train/cat/notes.txt",
        "val/cat/1.png",
        "extra/cat/1.png",
    ] {
        bench.place(&format!("faces/{name}"), &png(&[2, 2, 1], &[0; 4]));
    }
    std::fs::create_dir(bench.data_dir().join("faces/train/bird")).expect("created");
    let (images, warnings) = read(&bench);
    assert_eq!(images.header.classes, ["cat", "dog"]);
    let all = warnings.join("\n");
    for part in [
        "hidden files of the system (Thumbs.db, train/.ipynb_checkpoints)",
        "files not named as pictures (train/cat/notes.txt)",
        "folders without pictures (train/bird)",
        "val is not used (1 pictures)",
        "not used, as they stand beside `train`: extra",
    ] {
        assert!(all.contains(part), "{part:?} is not in: {all}");
    }
}

#[test]
fn validation_images_stand_in_for_test_images() {
    let mut bench = Bench::new();
    faces(&mut bench);
    let data = bench.data_dir();
    std::fs::rename(data.join("faces/test"), data.join("faces/Valid")).expect("renamed");
    let (images, warnings) = read(&bench);
    assert_eq!(images.test.len(), 2);
    assert!(
        warnings[0].contains("Valid are the test images"),
        "{warnings:?}"
    );
}

#[test]
fn a_class_may_be_called_train_and_folders_may_be_given_one_by_one() {
    let mut bench = Bench::new();
    for path in [
        "vehicles/train/1.png",
        "vehicles/train/2.png",
        "vehicles/bus/1.png",
        "vehicles/bus/2.png",
        "more/bus/1.png",
    ] {
        bench.place(path, &png(&[1, 1, 1], &[path.len() as u8]));
    }
    bench.set("folder", json!("vehicles"));
    assert_eq!(read(&bench).0.header.classes, ["bus", "train"]);
    bench.set("folder", json!(""));
    bench.set("train", json!(["vehicles", "more"]));
    bench.set("test", json!(["vehicles"]));
    let (images, warnings) = read(&bench);
    assert_eq!(images.train.labels, [0, 0, 0, 1, 1]);
    assert_eq!(images.test.len(), 4);
    assert!(
        warnings[0].contains("4 of 4 test images are training images"),
        "{warnings:?}"
    );
    bench.set("class_names", json!(["Bus", "Zug"]));
    assert_eq!(read(&bench).0.header.classes, ["Bus", "Zug"]);
}

#[test]
fn sizes_and_colours_must_agree_or_be_made_to() {
    let mut bench = Bench::new();
    faces(&mut bench);
    bench.place("faces/train/dog/b.png", &png(&[3, 4, 3], &[100; 36]));
    let failure = bench.run("image-folder").failure();
    for part in [
        "5 of 2 x 2 such as",
        "1 of 3 x 4 such as",
        "dog/b.png",
        "set `size = [2, 2]`",
    ] {
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
    bench.set("size", json!([1, 3]));
    let (images, _) = read(&bench);
    let header = &images.header;
    assert_eq!((header.channels, header.height, header.width), (3, 1, 3));
    bench.set("channels", json!("grey"));
    let (images, _) = read(&bench);
    assert_eq!(images.header.channels, 1);
    assert_eq!(images.train.pixels[9..], [100; 3]);
}

#[test]
fn a_class_that_is_too_small_to_split_is_named() {
    let mut bench = Bench::new();
    for name in ["cat/1", "cat/2", "dog/1", "dog/2", "emu/1"] {
        bench.place(&format!("all/{name}.png"), &png(&[1, 1, 1], &[1]));
    }
    bench.set("folder", json!("all"));
    let (_, warnings) = read(&bench);
    let expected = "1 of 3 classes have no test images, as one image is too few to split";
    let found = |warning: &String| warning.starts_with(expected) && warning.ends_with(": emu");
    assert!(warnings.iter().any(found), "{warnings:?}");
}

#[test]
fn control_characters_in_names_are_escaped() {
    let mut bench = Bench::new();
    for path in ["all/cat\nor dog/1.png", "all/cat\nor dog/2.png"] {
        bench.place(path, &png(&[1, 1, 1], &[1]));
    }
    bench.place("all/a\u{1b}[1m/x.txt", b"x");
    bench.set("folder", json!("all"));
    let (images, warnings) = read(&bench);
    assert_eq!(images.header.classes, ["cat\\nor dog"]);
    assert!(
        warnings
            .iter()
            .all(|warning| !warning.contains(char::is_control)),
        "{warnings:?}"
    );
    bench.clear();
    bench.place("all/cat\nor dog/3.png", b"");
    let failure = bench.run("image-folder").failure();
    assert!(
        failure.contains("cat\\nor dog/3.png: the file is empty"),
        "{failure}"
    );
}

#[test]
fn every_broken_picture_is_told_with_its_reason() {
    let mut bench = Bench::new();
    faces(&mut bench);
    let whole = png(&[2, 2, 1], &[0; 4]);
    for number in 0..22 {
        bench.place(
            &format!("faces/train/cat/broken{number:02}.png"),
            &whole[..whole.len() - 20],
        );
    }
    bench.place("faces/test/dog/page.jpg", b"<html>404</html>");
    bench.place("faces/test/dog/empty.gif", b"");
    let failure = bench.run("image-folder").failure();
    assert!(
        failure.contains("24 of 29 pictures cannot be read"),
        "{failure}"
    );
    for part in [
        "empty.gif: the file is empty",
        "page.jpg: expected a PNG, JPEG",
        "found a web page (HTML)",
        "broken17.png: the picture is damaged",
        "and 4 more",
    ] {
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
    assert!(!failure.contains("broken18"), "{failure}");
    assert!(!bench.output().exists(), "nothing is left");
}

#[test]
fn pictures_none_of_which_can_be_read_are_told_without_a_size() {
    let mut bench = Bench::new();
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n";
    bench.place("all/cat/pointer.png", pointer);
    bench.place("all/cat/empty.png", b"");
    bench.place("all/dog/page.png", b"<html>404</html>");
    bench.set("folder", json!("all"));
    let failure = bench.run("image-folder").failure();
    for part in [
        "3 of 3 pictures cannot be read",
        "pointer.png: ",
        "empty.png: the file is empty",
        "page.png: expected a PNG, JPEG",
    ] {
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
}

#[test]
fn wrong_arrangements_say_what_is_expected() {
    let refused = |paths: &[&str], parameter: &str, value: serde_json::Value| {
        let mut bench = Bench::new();
        bench.place("empty/x.txt", b"x");
        for path in paths {
            bench.place(path, &png(&[1, 1, 1], &[1]));
        }
        bench.set(parameter, value);
        bench.run("image-folder").failure()
    };
    for (paths, folder, part) in [
        (
            &["x/1.png", "x/a/1.png"][..],
            "x",
            "the picture 1.png stands beside the folders of classes",
        ),
        (
            &["x/x/train/a/1.png", "x/x/test/a/1.png"],
            "x",
            "one folder further inside: give",
        ),
        (
            &[],
            "empty",
            "there are no pictures in it, but x.txt; expected are train/CLASS/picture.png",
        ),
        (&[], "absent", "there is no such folder"),
        (&[], "empty/x.txt", "it is no folder"),
        (&["pets.zip"], "pets.zip", "it is an archive: unpack it"),
        (
            &[],
            "",
            "give the folder of the pictures, or `train` and `test`",
        ),
    ] {
        let failure = refused(paths, "folder", json!(folder));
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
    let failure = refused(&["x/a/1.png"], "train", json!([""]));
    assert!(failure.contains("`train`: expected a path"), "{failure}");
}

#[test]
fn similarity_labels_need_no_other_classes() {
    let mut bench = Bench::new();
    faces(&mut bench);
    bench.set(
        "similarity_label",
        json!({"similar-to": {"train_image": 0, "threshold": 0.999}}),
    );
    let (images, _) = read(&bench);
    assert_eq!(images.header.classes, ["other", "similar"]);
    // numpy: cosines of the images with (10, 11, 12, 13) and with (245, 244, 243, 242).
    // 1, 0.9990 and 0.9982; 0.9919, 0.9984 and 0.9992.
    assert_eq!(images.train.labels, [1, 0, 1]);
    bench.set(
        "similarity_label",
        json!({"similar-to": {"train_image": 0, "threshold": 0.99999}}),
    );
    assert_eq!(read(&bench).0.train.labels[0], 1);
    std::fs::remove_file(bench.output()).expect("written before");
    bench.set(
        "similarity_label",
        json!({"similar-to": {"train_image": 3, "threshold": 0.5}}),
    );
    let failure = bench.run("image-folder").failure();
    assert!(
        failure.contains("there is no training image 3, there are 3"),
        "{failure}"
    );
}

#[test]
fn the_order_is_that_of_torchvision() {
    // tests/reference/image_folder_truth.py: samples of torchvision.datasets.ImageFolder for these names.
    let truth: Truth = eigenscope_testing::fixture("image_folder_truth.json");
    let mut bench = Bench::new();
    for (position, path) in truth.files.iter().enumerate() {
        bench.place(
            &format!("train/{path}"),
            &png(&[1, 1, 1], &[position as u8]),
        );
    }
    bench.place(
        &format!("test/{}", truth.files[0]),
        &png(&[1, 1, 1], &[200]),
    );
    bench.set("train", json!(["train"]));
    bench.set("test", json!(["test"]));
    let (images, _) = read(&bench);
    assert_eq!(images.header.classes, truth.classes);
    assert_eq!(images.train.pixels, truth.order);
    assert_eq!(images.train.labels, truth.labels);
}

#[derive(serde::Deserialize)]
struct Truth {
    files: Vec<String>,
    classes: Vec<String>,
    order: Vec<u8>,
    labels: Vec<u16>,
}
