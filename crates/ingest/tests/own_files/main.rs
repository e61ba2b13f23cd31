//! The user's own arrays and tables through the program, and the same images by every way.

#[path = "../support/mod.rs"]
mod support;
mod tables;

use eigenscope_artifact::{Digest, SourceCheck, summarise};
use eigenscope_checkpoint::npz::{ArrayValues, NpzWriter};
use eigenscope_testing::{fixture, hexadecimal, idx};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use support::{Bench, gzip, png};

#[derive(Deserialize)]
struct Truth {
    files: Vec<Case>,
    objects: String,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    file: String,
    parameters: Map<String, Value>,
    shape: [usize; 3],
    train: usize,
    pixels: Vec<u8>,
    labels: Vec<u16>,
}

fn case(name: &str) -> Case {
    let truth: Truth = fixture("arrays_truth.json");
    truth
        .files
        .into_iter()
        .find(|case| case.name == name)
        .expect("a case of this name")
}

#[test]
fn arrays_have_the_pixels_that_numpy_has() {
    let truth: Truth = fixture("arrays_truth.json");
    for case in truth.files {
        let mut bench = Bench::new();
        bench.place("own.npz", &hexadecimal(&case.file));
        bench.set("file", json!("own.npz"));
        for (name, value) in case.parameters {
            bench.set(&name, value);
        }
        let outcome = bench.run("npz");
        assert_eq!(outcome.code, Some(0), "{}: {outcome:?}", case.name);
        assert_eq!(outcome.read_files(), ["own.npz"]);
        let images = bench.images();
        let header = &images.header;
        assert_eq!(
            [header.channels, header.height, header.width],
            case.shape,
            "{}",
            case.name
        );
        assert_eq!(images.train.len(), case.train);
        assert_eq!(
            [images.train.pixels, images.test.pixels].concat(),
            case.pixels,
            "{}",
            case.name
        );
        assert_eq!(
            [images.train.labels, images.test.labels].concat(),
            case.labels,
            "{}",
            case.name
        );
    }
}

#[test]
fn wrong_arrays_say_what_to_set() {
    let refused = |file: &[u8], parameters: &[(&str, Value)]| {
        let mut bench = Bench::new();
        bench.place("own.npz", file);
        bench.set("file", json!("own.npz"));
        for (name, value) in parameters {
            bench.set(name, value.clone());
        }
        bench.run("npz").failure()
    };
    let keras = hexadecimal(&case("keras").file);
    let truth: Truth = fixture("arrays_truth.json");
    for (file, parameters, part) in [
        (
            hexadecimal(&case("floats <f4").file),
            vec![],
            "set `range = [black, white]`, such as `range = [0, 1]`",
        ),
        (
            hexadecimal(&case("transposed, labels from 1").file),
            vec![("class_names", json!(["a", "b", "c"]))],
            "do labels begin at 1? set `first_label = 1`",
        ),
        (hexadecimal(&truth.objects), vec![], "object"),
        (
            keras.clone(),
            vec![("train_images", json!("images"))],
            "no array `images`; there are `x_train`",
        ),
        (
            keras.clone(),
            vec![("class_names", json!(["a", "b"]))],
            "has the label 2; give 3 names, those of the labels 0 to 2, or mend the labels",
        ),
        (
            keras.clone(),
            vec![("test_labels", json!("labels"))],
            "array `x_test`: there are test images, but no labels `labels`: set `test_labels`",
        ),
        (
            keras.clone(),
            vec![("first_label", json!(1))],
            "label of image 0: expected 1 to 65536, found 0; do labels begin at 0?",
        ),
        (
            keras[..keras.len() / 2].to_vec(),
            vec![],
            "own.npz: the file is damaged or cut short: replace it",
        ),
        (b"<html>".to_vec(), vec![], "a page of HTML"),
    ] {
        let failure = refused(&file, &parameters);
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
    let mut bench = Bench::new();
    let failure = bench.run("npz").failure();
    assert!(
        failure.contains("`file`: give the file, or lists of files"),
        "{failure}"
    );
    bench.set("file", json!("absent.npz"));
    let failure = bench.run("npz").failure();
    assert!(
        failure.contains("absent.npz; give a path relative to the data directory"),
        "{failure}"
    );
}

#[test]
fn several_files_are_joined_and_one_set_is_split() {
    let case = case("keras");
    let mut bench = Bench::new();
    bench.place("a.npz", &hexadecimal(&case.file));
    bench.place("b.npz", &hexadecimal(&case.file));
    bench.set("train", json!(["a.npz", "b.npz"]));
    bench.set("test", json!(["a.npz"]));
    let outcome = bench.run("npz");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let images = bench.images();
    assert_eq!(
        (images.train.len(), images.test.len()),
        (2 * case.train, case.labels.len() - case.train)
    );
    // Without the arrays of test images, a part of each class is for testing.
    let mut bench = Bench::new();
    bench.place("a.npz", &hexadecimal(&case.file));
    for (name, value) in [
        ("file", json!("a.npz")),
        ("test_images", json!("none")),
        ("test_fraction", json!(0.4)),
    ] {
        bench.set(name, value);
    }
    let outcome = bench.run("npz");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let warnings = outcome.warnings();
    assert!(
        warnings[0].contains("test labels `y_test`, but no images `none`"),
        "{warnings:?}"
    );
    // Labels 0, 1, 2, 2, 1: one of each pair is for testing.
    let images = bench.images();
    assert_eq!(
        (images.train.labels.len(), images.test.labels),
        (3, vec![1, 2])
    );
}

/// Three and five images of 3 x 2, in order of their classes, as a folder has them.
fn made_up() -> (Vec<u8>, Vec<u8>) {
    let pixels = (0..8 * 6).map(|value| (value * 37 % 256) as u8).collect();
    (pixels, vec![0, 0, 1, 0, 0, 1, 1, 1])
}

/// The digest of the content that a kind reads from the files that `place` writes.
fn content(kind: &str, place: impl FnOnce(&mut Bench)) -> Digest {
    let mut bench = Bench::new();
    place(&mut bench);
    let outcome = bench.run(kind);
    assert_eq!(outcome.code, Some(0), "{kind}: {outcome:?}");
    summarise(&bench.output()).expect("an artifact").content
}

#[test]
fn the_same_images_have_the_same_content_whatever_file_they_come_from() {
    let (pixels, labels) = made_up();
    let images = |split: std::ops::Range<usize>| pixels[split.start * 6..split.end * 6].to_vec();
    let (train, test) = (0..3, 3..8);
    let expected = content("idx", |bench| {
        for (name, file) in [
            ("train_images", idx(&[3, 3, 2], &images(train.clone()))),
            ("train_labels", idx(&[3], &labels[train.clone()])),
            ("test_images", idx(&[5, 3, 2], &images(test.clone()))),
            ("test_labels", gzip(&idx(&[5], &labels[test.clone()]))),
        ] {
            bench.place(name, &file);
            bench.set(name, json!(name));
        }
    });
    let by_columns = content("idx", |bench| {
        let turned = |split: std::ops::Range<usize>| -> Vec<u8> {
            let images = images(split);
            images
                .chunks(6)
                .flat_map(|image| [0, 2, 4, 1, 3, 5].map(|at| image[at]))
                .collect()
        };
        let later: Vec<u8> = labels.iter().map(|label| label + 1).collect();
        for (name, file) in [
            ("train_images", idx(&[3, 2, 3], &turned(train.clone()))),
            ("train_labels", idx(&[3], &later[train.clone()])),
            ("test_images", idx(&[5, 2, 3], &turned(test.clone()))),
            ("test_labels", idx(&[5], &later[test.clone()])),
        ] {
            bench.place(name, &file);
            bench.set(name, json!(name));
        }
        bench.set("transpose", json!(true));
        bench.set("first_label", json!(1));
        bench.set("class_names", json!(["0", "1"]));
    });
    assert_eq!(by_columns, expected, "idx, transposed");
    let csv = content("csv", |bench| {
        for (name, split) in [("train", train.clone()), ("test", test.clone())] {
            let mut table = "label,p0,p1,p2,p3,p4,p5\n".to_owned();
            for image in split {
                let values = pixels[image * 6..][..6].iter().map(u8::to_string);
                table += &format!(
                    "{},{}\n",
                    labels[image],
                    values.collect::<Vec<_>>().join(",")
                );
            }
            bench.place(&format!("{name}.csv.gz"), &gzip(table.as_bytes()));
            bench.set(name, json!([format!("{name}.csv.gz")]));
        }
        bench.set("shape", json!([3, 2]));
    });
    assert_eq!(csv, expected, "csv");
    let folder = content("image-folder", |bench| {
        for (name, split) in [("train", train.clone()), ("test", test.clone())] {
            for image in split {
                let path = format!("own/{name}/{}/{image:03}.png", labels[image]);
                bench.place(&path, &png(&[3, 2, 1], &pixels[image * 6..][..6]));
            }
        }
        bench.set("folder", json!("own"));
    });
    assert_eq!(folder, expected, "image-folder");
    let npz = content("npz", |bench| {
        let mut file = NpzWriter::new(Vec::new());
        for (images_name, labels_name, split) in [
            ("x_train", "y_train", train.clone()),
            ("x_test", "y_test", test.clone()),
        ] {
            let count = split.len();
            let values = images(split.clone());
            let mut add = |name, shape: &[usize], values| {
                file.add(name, shape, ArrayValues::U8(values))
                    .expect("added")
            };
            add(images_name, &[count, 3, 2], &values);
            add(labels_name, &[count], &labels[split]);
        }
        bench.place("own.npz", &file.finish().expect("finished"));
        bench.set("file", json!("own.npz"));
    });
    assert_eq!(npz, expected, "npz");
}

/// Labels 0, 10 and 20, which only a list of classes maps to 0, 1 and 2.
#[test]
fn gaps_in_labels_are_told_with_the_classes_to_choose() {
    let labels = [0, 10, 20, 0, 10, 20];
    let pixels: Vec<u8> = (0..24).map(|value| value * 10).collect();
    let rows = labels.iter().zip(pixels.chunks(4)).map(|(label, image)| {
        let values: Vec<String> = image.iter().map(u8::to_string).collect();
        format!("{label},{}\n", values.join(","))
    });
    let table: String = rows.collect();
    let longs = labels.map(i64::from);
    type Place<'a> = &'a dyn Fn(&mut Bench);
    let cases: [(&str, Place<'_>); 3] = [
        ("csv", &|bench| {
            bench.place("own.csv", table.as_bytes());
            bench.set("file", json!("own.csv"));
        }),
        ("npz", &|bench| {
            let values = |at: usize| f64::from(pixels[at % 24]);
            bench.place("own.npz", &npz([[6, 2, 2], [3, 2, 2]], values, &longs));
            bench.set("file", json!("own.npz"));
        }),
        ("idx", &|bench| {
            for (name, file) in [
                ("train_images", idx(&[6, 2, 2], &pixels)),
                ("train_labels", idx(&[6], &labels)),
            ] {
                bench.place(name, &file);
                bench.set(name, json!(name));
            }
        }),
    ];
    for (kind, place) in cases {
        let mut bench = Bench::new();
        place(&mut bench);
        let warning = "18 of 21 classes have no images: 1 to 9, 11 to 19; `classes = [0, 10, 20]` leaves them out";
        let warnings = bench.run(kind);
        let told = warnings.warnings().into_iter();
        let told: Vec<&str> = told.filter(|told| told.contains("classes have")).collect();
        assert_eq!(told, [warning], "{kind}");
        bench.clear();
        bench.set("classes", json!([0, 10, 20]));
        let outcome = bench.run(kind);
        let told = outcome.warnings().join("; ");
        assert!(!told.contains("classes have"), "{kind}: {told}");
        assert_eq!(bench.images().header.classes, ["0", "10", "20"], "{kind}");
    }
    let truth: Value = fixture("parquet_truth.json");
    let mut bench = Bench::new();
    let file = truth["columns"]["file"].as_str().expect("text");
    bench.place("own.parquet", &hexadecimal(file));
    bench.set("file", json!("own.parquet"));
    bench.set("shape", json!([4, 5]));
    bench.set("first_label", json!(-3));
    bench
        .run("parquet")
        .warns_of("classes have no images: -3 to -1; `classes = [3, ");
}

#[test]
fn values_near_zero_are_noted_where_no_range_is_given() {
    let note = |white: &str, range: Value| {
        let mut bench = Bench::new();
        let rows = [
            ("0", "0,1,1,0"),
            ("1", "1,0,0,1"),
            ("0", "1,1,1,0"),
            ("1", "0,0,0,1"),
        ];
        let rows = rows.map(|(label, pixels)| format!("{label},{}", pixels.replace('1', white)));
        bench.place("own.csv", rows.join("\n").as_bytes());
        bench.set("file", json!("own.csv"));
        bench.set("test_fraction", json!(0.5));
        bench.set("range", range);
        let outcome = bench.run("csv");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        outcome.warnings().join("; ")
    };
    let none = || json!([]);
    assert!(note("1", none()).contains("set `range = [0, 1]`"));
    assert!(note("15", none()).contains("use only 0 to 15 of 0 to 255: set `range = [0, 15]`"));
    assert!(note("0", none()).contains("every value is 0"));
    assert_eq!(note("17", none()), "");
    assert_eq!(note("1", json!([0, 1])), "");

    let mut bench = Bench::new();
    let mut file = NpzWriter::new(Vec::new());
    let pixels = [0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0];
    file.add("x_train", &[2, 2, 2], ArrayValues::F32(&pixels))
        .expect("added");
    file.add("y_train", &[2], ArrayValues::U8(&[0, 0]))
        .expect("added");
    bench.place("own.npz", &file.finish().expect("finished"));
    bench.set("file", json!("own.npz"));
    bench.set("test_fraction", json!(0.5));
    let outcome = bench.run("npz");
    let warnings = outcome.warnings();
    assert!(warnings[0].contains("set `range = [0, 1]`"), "{warnings:?}");
}

/// A `.npz` file of images of `sizes` and labels, for training and for testing.
fn npz(sizes: [[usize; 3]; 2], values: impl Fn(usize) -> f64, labels: &[i64]) -> Vec<u8> {
    let mut file = NpzWriter::new(Vec::new());
    for (name, sizes) in ["train", "test"].into_iter().zip(sizes) {
        let count: usize = sizes.iter().product();
        let values: Vec<f64> = (0..count).map(&values).collect();
        file.add(&format!("x_{name}"), &sizes, ArrayValues::F64(&values))
            .expect("added");
        let labels = &labels[..sizes[0]];
        file.add(
            &format!("y_{name}"),
            &[labels.len()],
            ArrayValues::I64(labels),
        )
        .expect("added");
    }
    file.finish().expect("finished")
}

#[test]
fn integers_beyond_single_precision_are_scaled_as_they_are() {
    // The largest of each would be rounded to a number above it.
    for largest in [100_000_007, i64::from(u32::MAX), (1 << 40) - 1] {
        let values = [0, largest / 5, largest, largest - 1, 3, 0, largest, 7];
        let mut file = NpzWriter::new(Vec::new());
        let (images, labels) = (ArrayValues::I64(&values), ArrayValues::U8(&[0; 2]));
        file.add("x_train", &[2, 2, 2], images).expect("added");
        file.add("y_train", &[2], labels).expect("added");
        let mut bench = Bench::new();
        bench.place("own.npz", &file.finish().expect("finished"));
        bench.set("file", json!("own.npz"));
        bench.set("test_fraction", json!(0.5));
        bench.set("range", json!([0, largest]));
        let outcome = bench.run("npz");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let images = bench.images();
        let mut pixels = [images.train.pixels, images.test.pixels];
        pixels.sort();
        assert_eq!(pixels.concat(), [0, 0, 255, 0, 0, 51, 255, 255]);
    }
}

#[test]
fn what_is_wrong_with_arrays_is_said_with_what_to_do() {
    let run = |file: &[u8]| {
        let mut bench = Bench::new();
        bench.place("own.npz", file);
        bench.set("file", json!("own.npz"));
        bench.run("npz")
    };
    let missing = |at: usize| if at == 5 { f64::NAN } else { 20.0 };
    let failure = run(&npz([[2, 2, 2]; 2], missing, &[0, 1])).failure();
    assert!(
        failure.contains("array `x_train`: image 1 has the value NaN, which is no number"),
        "{failure}"
    );
    let failure = run(&npz([[2, 2, 2], [2, 3, 2]], |_| 20.0, &[0, 1])).failure();
    assert!(
        failure.contains("training images of [1, 2, 2] and test images of [1, 3, 2]")
            && failure.matches("own.npz").count() == 1,
        "{failure}"
    );
    let outcome = run(&npz([[3, 2, 2]; 2], |at| at as f64 * 20.0, &[1, 2, 1]));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let warnings = outcome.warnings();
    let hint = "no image has the label 0: if labels begin at 1, set `first_label = 1`";
    assert!(warnings.contains(&hint), "{warnings:?}");
    let outcome = run(&npz([[3, 2, 2]; 2], |at| at as f64 * 20.0, &[0, 0, 0]));
    let warnings = outcome.warnings();
    let only = "there is one class only: 0";
    assert!(warnings.contains(&only), "{warnings:?}");
}

#[test]
fn keras_keeps_mnist_in_one_file() {
    let case = case("keras");
    for path in ["mnist/mnist.npz", "mnist.npz"] {
        let bench = Bench::new();
        bench.place(path, &hexadecimal(&case.file));
        let outcome = bench.run("mnist");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(outcome.read_files(), [path]);
        let images = bench.images();
        assert_eq!(images.header.source, SourceCheck::Differs);
        assert_eq!(images.header.classes.len(), 10);
        assert_eq!(
            [images.train.pixels, images.test.pixels].concat(),
            case.pixels
        );
        assert!(
            outcome.warnings()[0].contains("is not the published file"),
            "{:?}",
            outcome.warnings()
        );
    }
}

#[test]
fn emnist_is_turned_and_counted_from_zero() {
    for (split, folder, first, classes) in [
        ("letters", "EMNIST/raw", 1, 26),
        ("digits", "emnist", 0, 10),
        ("balanced", "gzip", 0, 47),
    ] {
        let mut bench = Bench::new();
        for (name, file) in [
            (
                "train-images-idx3",
                idx(&[2, 2, 3], &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
            ),
            ("train-labels-idx1", idx(&[2], &[first, first + 9])),
            ("test-images-idx3", idx(&[1, 2, 3], &[9; 6])),
            ("test-labels-idx1", idx(&[1], &[first + 1])),
        ] {
            bench.place(
                &format!("{folder}/emnist-{split}-{name}-ubyte.gz"),
                &gzip(&file),
            );
        }
        bench.set("split", json!(split));
        let outcome = bench.run("emnist");
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let images = bench.images();
        assert_eq!(images.header.classes.len(), classes);
        assert_eq!((images.header.height, images.header.width), (3, 2));
        assert_eq!(images.train.pixels[..6], [1, 4, 2, 5, 3, 6]);
        assert_eq!(images.train.labels, [0, 9]);
    }
    let failure = Bench::new().run("emnist").failure();
    for part in [
        "emnist-balanced-train-images-idx3-ubyte",
        "it cannot be downloaded by itself",
        "www.nist.gov",
    ] {
        assert!(failure.contains(part), "{part:?} is not in: {failure}");
    }
}

#[test]
fn the_python_version_of_cifar_is_named() {
    let bench = Bench::new();
    bench.place("cifar-10-batches-py/data_batch_1", b"pickle");
    let failure = bench.run("cifar10").failure();
    assert!(
        failure.contains("the binary version is wanted"),
        "{failure}"
    );
}

#[test]
fn idx_files_need_no_test_images() {
    let mut bench = Bench::new();
    let (pixels, labels) = made_up();
    for (name, file) in [
        ("train_images", idx(&[8, 3, 2], &pixels)),
        ("train_labels", idx(&[8], &labels)),
    ] {
        bench.place(name, &file);
        bench.set(name, json!(name));
    }
    bench.set("test_fraction", json!(0.25));
    bench.set("class_names", json!(["even", "odd"]));
    assert_eq!(bench.run("idx").code, Some(0));
    let mut images = bench.images();
    images.test.labels.sort_unstable();
    assert_eq!(images.test.labels, [0, 1]);
    assert_eq!(images.header.classes, ["even", "odd"]);
    bench.set("test_images", json!("train_images"));
    bench.set("test_labels", json!("train_labels"));
    let outcome = bench.run("idx");
    let warnings = outcome.warnings();
    assert!(
        warnings[0].starts_with("training and test images are the same"),
        "{warnings:?}"
    );
    assert!(
        warnings[1].starts_with("8 of 8 test images are training images"),
        "{warnings:?}"
    );
}
