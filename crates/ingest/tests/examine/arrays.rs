//! Arrays of NumPy and IDX files.

use eigenscope_checkpoint::npz::{ArrayValues, NpzWriter};
use eigenscope_testing::idx;
use serde_json::json;

use crate::support::{Bench, gzip, user_files};
use crate::{ask, bench, classes, examine, faults, numbers, unusable};

pub(crate) fn npz(arrays: &[(&str, &[usize], ArrayValues<'_>)]) -> Vec<u8> {
    let mut file = NpzWriter::new(Vec::new());
    for (name, shape, values) in arrays {
        file.add(name, shape, *values).expect("added");
    }
    file.finish().expect("finished")
}

#[test]
fn arrays_of_numpy() {
    let mut bench = bench();
    let pixels = [0.5; 4 * 12];
    let labels = [1, 2, 1, 3];
    bench.place(
        "a.npz",
        &npz(&[
            ("pictures", &[4, 3, 2, 2], ArrayValues::F32(&pixels)),
            ("truth", &[4], ArrayValues::I64(&labels)),
        ]),
    );
    bench.set("file", json!("a.npz"));
    let answer = examine(&bench, "npz");
    assert_eq!(numbers(&answer), [None; 5]);
    for (name, value) in [("train_images", "pictures"), ("train_labels", "truth")] {
        assert_eq!(answer.suggestions[name], json!(value));
        bench.set(name, json!(value));
    }
    let answer = examine(&bench, "npz");
    assert_eq!(numbers(&answer), [3, 2, 2, 4, 3].map(Some));
    assert_eq!(answer.suggestions["first_label"], json!(1));
    bench.set("first_label", json!(1));
    bench.set("range", json!([0, 1]));
    let answer = examine(&bench, "npz");
    assert_eq!(classes(&answer), ["1", "2", "3"]);
    assert!(answer.suggestions.is_empty(), "{answer:?}");
    // Of the two images of a class one is for testing, of one none.
    assert_eq!(numbers(&answer), [3, 2, 2, 3, 3].map(Some));
    bench.run("npz").succeeded();
    assert_eq!(bench.images().train.len(), 3);

    bench.set("class_names", json!(["a", "b"]));
    let answer = examine(&bench, "npz");
    let [(path, message)] = faults(&answer)[..] else {
        panic!("one fault expected: {answer:?}");
    };
    assert_eq!(path, "/class_names");
    assert!(message.ends_with(
        "a.npz has the label 3; give 3 names, those of the labels 1 to 3, or mend the labels"
    ));
    bench.clear();
    bench.run("npz").fails_with(message);
}

#[test]
fn arrays_are_paired_by_their_names_and_the_others_named() {
    let mut bench = bench();
    bench.set("file", json!("a.npz"));
    let names = [
        "train_images",
        "train_labels",
        "val_images",
        "val_labels",
        "test_images",
        "test_labels",
    ];
    let place = |bench: &Bench, names: &[&str]| {
        let arrays: Vec<(&str, &[usize], ArrayValues<'_>)> = names
            .iter()
            .map(|name| match name.ends_with("images") {
                true => (*name, [4, 2, 2].as_slice(), ArrayValues::U8(&[200; 16])),
                false => (*name, [4].as_slice(), ArrayValues::I64(&[0, 1, 0, 1])),
            })
            .collect();
        bench.place("a.npz", &npz(&arrays));
    };
    place(&bench, &names);
    let answer = examine(&bench, "npz");
    let expected = json!({
        "train_images": "train_images",
        "train_labels": "train_labels",
        "test_images": "test_images",
        "test_labels": "test_labels",
    });
    assert_eq!(json!(answer.suggestions), expected);
    // Given by hand, and the test images forgotten.
    for name in ["train_images", "train_labels"] {
        bench.set(name, json!(name));
    }
    let unused = "a.npz: arrays that are not used: `val_images` [4, 2, 2], `val_labels` [4], `test_images` [4, 2, 2], `test_labels` [4]; \
                  to test on them, set `test_images = \"test_images\"` and `test_labels = \"test_labels\"`";
    let found = ask(&bench, "npz", true).found;
    assert!(found.iter().any(|line| line.ends_with(unused)), "{found:?}");
    let warned = |bench: &Bench, end: &str| {
        let outcome = bench.run("npz");
        let warnings = outcome.warnings();
        assert!(
            warnings.iter().any(|warning| warning.ends_with(end)),
            "{warnings:?}"
        );
    };
    warned(&bench, unused);
    bench.clear();
    for name in ["test_images", "test_labels"] {
        bench.set(name, json!(name));
    }
    warned(
        &bench,
        "a.npz: arrays that are not used: `val_images` [4, 2, 2], `val_labels` [4]",
    );
    // Validation images stand in for test images that there are not.
    bench.parameters = json!({"file": "a.npz"});
    place(&bench, &names[..4]);
    let answer = examine(&bench, "npz");
    assert_eq!(answer.suggestions["test_labels"], json!("val_labels"));
    for (name, value) in answer.suggestions {
        bench.set(&name, value);
    }
    let found = ask(&bench, "npz", true).found;
    let stands_in = "a.npz: the test images are `val_images`";
    assert!(
        found.iter().any(|line| line.ends_with(stands_in)),
        "{found:?}"
    );
    // Which are for training is not said.
    bench.parameters = json!({"file": "a.npz"});
    place(&bench, &["a_images", "b_images", "a_labels", "b_labels"]);
    let answer = examine(&bench, "npz");
    assert!(answer.suggestions.is_empty(), "{answer:?}");
    let (path, message) = unusable(&answer);
    assert_eq!(path, "/file");
    for part in [
        "no array `x_train`, and the names leave open which arrays are images and labels",
        "`a_images` [4, 2, 2], `b_images` [4, 2, 2], `a_labels` [4], `b_labels` [4]; name them",
        "by `train_images`, `train_labels`, `test_images` and `test_labels`",
    ] {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn fractions_of_another_scale_keep_their_grey_levels() {
    let mut bench = bench();
    bench.set("file", json!("a.npz"));
    for (pixels, range) in [
        ([0.0, 0.5, 0.25, 1.0], [0.0, 1.0]),
        ([0.0, 0.0625, 0.03125, 0.125], [0.0, 0.125]),
        ([0.0, 2.5, 1.25, 5.5], [0.0, 5.5]),
        ([0.0, 100.5, 1.25, 250.0], [0.0, 255.0]),
        ([0.5, 100.5, 1.25, 300.5], [0.0, 300.5]),
        ([280.5, 290.5, 285.25, 300.5], [280.5, 300.5]),
        ([-0.5, 0.25, 0.125, 1.0], [-1.0, 1.0]),
    ] {
        let arrays = npz(&[
            ("x_train", &[1, 2, 2], ArrayValues::F32(&pixels)),
            ("y_train", &[1], ArrayValues::I64(&[0])),
        ]);
        bench.place("a.npz", &arrays);
        let answer = examine(&bench, "npz");
        assert_eq!(answer.suggestions["range"], json!(range), "{pixels:?}");
    }
}

#[test]
fn the_shape_of_rows_that_are_no_squares_is_guessed() {
    // Bars: rows of equal values that differ from one another less than columns do.
    let image = |height: usize, width: usize| {
        (0..height).flat_map(move |row| (0..width).map(move |column| (row + 20 * column) as u8))
    };
    let arrays = |pixels: &[u8], values| {
        npz(&[
            ("x_train", &[2, values], ArrayValues::U8(pixels)),
            ("y_train", &[2], ArrayValues::U8(&[0, 1])),
        ])
    };
    for [height, width] in [[6, 10], [10, 6]] {
        let pixels: Vec<u8> = image(height, width).chain(image(height, width)).collect();
        let text = |pixels: &[u8]| {
            let pixels: Vec<String> = pixels.iter().map(u8::to_string).collect();
            pixels.join(",")
        };
        let table = format!("0,{}\n1,{}\n", text(&pixels[..60]), text(&pixels[60..]));
        for (kind, bytes) in [("npz", arrays(&pixels, 60)), ("csv", table.into_bytes())] {
            let mut bench = bench();
            bench.set("file", json!("own"));
            bench.place("own", &bytes);
            let shape = &examine(&bench, kind).suggestions["shape"];
            assert_eq!(shape, &json!([height, width]), "{kind}");
        }
    }
    let mut bench = bench();
    bench.set("file", json!("own"));
    bench.place("own", &arrays(&[7; 2 * 48], 48));
    assert_eq!(
        examine(&bench, "npz").suggestions["shape"],
        json!([3, 4, 4])
    );
    // A prime number of values is no image.
    bench.place("own", &arrays(&[7; 2 * 83], 83));
    assert!(examine(&bench, "npz").suggestions.is_empty());
}

#[test]
fn arrays_that_have_a_shape_take_no_other() {
    let mut bench = bench();
    let arrays = npz(&[
        ("x_train", &[2, 2, 3], ArrayValues::U8(&[0; 12])),
        ("y_train", &[2], ArrayValues::U8(&[0, 1])),
    ]);
    bench.place("a.npz", &arrays);
    bench.set("file", json!("a.npz"));
    bench.set("shape", json!([3, 2]));
    let expected = "`shape`: the array `x_train` has a shape of its own, [2, 2, 3]: leave `shape` out, which is for images in rows";
    assert_eq!(faults(&examine(&bench, "npz")), [("/shape", expected)]);
    bench.run("npz").fails_with(expected);
    bench.set("shape", json!([2, 3]));
    assert_eq!(numbers(&examine(&bench, "npz"))[..3], [1, 2, 3].map(Some));

    bench.place(
        "a.npz",
        &npz(&[("x", &[2, 2, 3], ArrayValues::U8(&[0; 12]))]),
    );
    let answer = examine(&bench, "npz");
    let (_, message) = unusable(&answer);
    let advice = "this is the only array: images and labels are read from one file, such as `numpy.savez(\"images.npz\", x_train=images, y_train=labels)` writes";
    assert!(message.ends_with(advice), "{message}");
}

#[test]
fn idx_files() {
    let mut bench = bench();
    user_files(&mut bench);
    let answer = examine(&bench, "idx");
    bench.run("idx").succeeded();
    let images = bench.images();
    let [_, height, width] = [1, images.header.height as u64, images.header.width as u64];
    let training = images.train.len() as u64;
    let known = images.header.classes.len() as u64;
    assert_eq!(
        numbers(&answer),
        [1, height, width, known, training].map(Some)
    );
    assert_eq!(classes(&answer), images.header.classes);

    let values: Vec<u8> = (0..36).collect();
    bench.place(
        "own/train-images-idx3-ubyte",
        &gzip(&idx(&[3, 2, 2, 3], &values)),
    );
    bench.set("layout", json!("channels-last"));
    bench.set("transpose", json!(true));
    let answer = examine(&bench, "idx");
    assert_eq!(numbers(&answer)[..3], [3, 2, 2].map(Some));
}
