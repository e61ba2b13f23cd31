//! What the program says of data sets before they are read.

mod support;

use eigenscope_checkpoint::npz::{ArrayValues, NpzWriter};
use eigenscope_stage::{
    Amount, AttributeValue, CLASSES, Examined, Feature, Question, Stage, quantities,
};
use eigenscope_testing::{fixture, hexadecimal, idx};
use serde_json::{Value, json};
use support::{Bench, deep_png, gzip, png, user_files};

/// The answer about a task.
fn examine(bench: &Bench, kind: &str) -> Examined {
    ask(bench, kind, false)
}

fn ask(bench: &Bench, kind: &str, thorough: bool) -> Examined {
    let task = bench.task(kind, &bench.data_dir());
    let question = Question {
        kind: kind.to_owned(),
        parameters: task.provenance.parameters,
        inputs: [].into(),
        thorough,
    };
    eigenscope_testing::examine(Stage::Data, &bench.data_dir(), question)
}

/// Channels, height, width, classes and training images, as far as they are known.
fn numbers(answer: &Examined) -> [Option<u64>; 5] {
    [
        quantities::CHANNELS,
        quantities::HEIGHT,
        quantities::WIDTH,
        quantities::CLASSES,
        quantities::TRAINING_IMAGES,
    ]
    .map(|name| {
        let mut features = answer.provides.iter();
        features.find_map(|feature| match feature {
            Feature::Quantity {
                name: known,
                amount: Amount::Fixed(count),
            } if known == name => Some(*count),
            _ => None,
        })
    })
}

fn classes(answer: &Examined) -> Vec<String> {
    let mut features = answer.provides.iter();
    let names = features.find_map(|feature| match feature {
        Feature::Attribute {
            name,
            value: AttributeValue::Chosen { names, .. },
        } if name == CLASSES => names.clone(),
        _ => None,
    });
    names.unwrap_or_default()
}

/// Paths and messages of what is wrong.
fn faults(answer: &Examined) -> Vec<(&str, &str)> {
    let faults = answer.faults.iter();
    faults
        .map(|fault| (fault.path.as_str(), fault.message.as_str()))
        .collect()
}

/// Path and message of why a file cannot be used.
fn unusable(answer: &Examined) -> (&str, &str) {
    let fault = answer.unusable.as_ref().expect("unusable");
    (&fault.path, &fault.message)
}

/// The parameters of a kind, and nothing of the digits.
fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.parameters = json!({});
    bench
}

fn folder(pictures: &[(&str, [u32; 3])]) -> Bench {
    let mut bench = bench();
    for (path, size) in pictures {
        let values = vec![9; size.iter().product::<u32>() as usize];
        bench.place(path, &png(size, &values));
    }
    bench.set("folder", json!("faces"));
    bench
}

#[test]
fn folders_of_pictures() {
    let mut bench = folder(&[
        ("faces/trn/cat/1.png", [4, 6, 3]),
        ("faces/trn/cat/2.png", [4, 6, 3]),
        ("faces/trn/dog/1.png", [4, 6, 1]),
        ("faces/tst/dog/1.png", [4, 6, 3]),
    ]);
    let answer = examine(&bench, "image-folder");
    assert_eq!(numbers(&answer), [3, 4, 6, 2, 3].map(Some));
    assert_eq!(classes(&answer), ["cat", "dog"]);
    assert!(answer.faults.is_empty() && answer.suggestions.is_empty());
    let found = "3 training and 1 test images of 2 classes: cat 2 + 0, dog 1 + 1";
    assert_eq!(answer.found[1], found);
    bench.run("image-folder").succeeded();

    for (name, value) in [
        ("channels", json!("grey")),
        ("size", json!([8, 9])),
        ("class_names", json!(["Katze", "Hund"])),
    ] {
        bench.set(name, value);
    }
    let answer = examine(&bench, "image-folder");
    assert_eq!(numbers(&answer), [1, 8, 9, 2, 3].map(Some));
    assert_eq!(classes(&answer), ["Katze", "Hund"]);

    bench.set("class_names", json!(["Katze"]));
    let answer = examine(&bench, "image-folder");
    let expected = "`class_names`: 1 names, but 2 classes: cat, dog";
    assert_eq!(faults(&answer), [("/class_names", expected)]);
    bench.clear();
    bench.run("image-folder").fails_with(expected);
}

#[test]
fn pictures_of_16_bits_that_use_fewer_are_told_before_and_by_the_run() {
    let folder = |largest: u16| {
        let mut bench = bench();
        for (offset, class) in [(0, "cat"), (300, "dog")] {
            for number in 0..3 {
                let values = [0, 700 * number + offset, largest / 2, largest];
                bench.place(
                    &format!("faces/{class}/{number}.png"),
                    &deep_png([2, 2], &values),
                );
            }
        }
        bench.set("folder", json!("faces"));
        bench
    };
    let bench = folder(4095);
    let expected = "pictures of 16 bits use only 12 of them, values up to 4095, which become 0 to 16 of 255: nearly black. If 4095 is \
                    white, multiply all values by 16 ";
    for thorough in [false, true] {
        let warnings = ask(&bench, "image-folder", thorough).warnings;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with(expected), "{warnings:?}");
        assert!(warnings[0].ends_with("`range = [0, 4095]`"), "{warnings:?}");
    }
    let outcome = bench.run("image-folder").succeeded();
    let told = ask(&bench, "image-folder", false).warnings;
    assert_eq!(outcome.warnings(), told);

    // Bits that are kept at the upper end, and all of them.
    for largest in [4095 << 4, u16::MAX] {
        let bench = folder(largest);
        assert!(ask(&bench, "image-folder", false).warnings.is_empty());
        let outcome = bench.run("image-folder").succeeded();
        assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
    }
}

#[test]
fn pictures_of_several_sizes_need_one() {
    let bench = folder(&[
        ("faces/a/1.png", [4, 6, 1]),
        ("faces/a/2.png", [4, 6, 1]),
        ("faces/b/1.png", [5, 7, 1]),
    ]);
    let answer = examine(&bench, "image-folder");
    let expected =
        "`size`: the pictures have 2 different sizes (height x width): 2 of 4 x 6, 1 of 5 x 7";
    assert_eq!(faults(&answer), [("/size", expected)]);
    assert_eq!(answer.suggestions["size"], json!([4, 6]));
    assert_eq!(numbers(&answer), [Some(1), None, None, Some(2), Some(2)]);
    bench.run("image-folder").fails_with("set `size = [4, 6]`");
}

#[test]
fn what_is_in_files_that_are_missing_or_damaged_is_unknown() {
    let mut folder = bench();
    folder.set("folder", json!("absent"));
    folder.set("class_names", json!(["a", "b"]));
    folder.set("size", json!([8, 9]));
    let answer = examine(&folder, "image-folder");
    assert_eq!(numbers(&answer), [None, Some(8), Some(9), None, None]);
    assert!(answer.faults.is_empty());
    for (kind, name) in [("npz", "a.npz"), ("csv", "a.csv"), ("parquet", "a.parquet")] {
        let mut bench = bench();
        bench.set("file", json!(name));
        let answer = examine(&bench, kind);
        assert_eq!(numbers(&answer), [None; 5], "{kind}");
        assert!(answer.unusable.is_none(), "{kind}: {answer:?}");
        bench.place(name, b"damaged");
        let answer = examine(&bench, kind);
        assert_eq!(numbers(&answer), [None; 5], "{kind}");
        assert!(answer.faults.is_empty(), "{kind}: {answer:?}");
        let (path, message) = unusable(&answer);
        assert_eq!(path, "/file");
        bench.run(kind).fails_with(message);
    }
}

#[test]
fn files_that_a_run_would_not_find_are_named_with_what_to_do() {
    let bench = bench();
    let lacking = |kind: &str| examine(&bench, kind).lacking.unwrap_or_default();
    let text = lacking("mnist");
    for part in [
        "mnist: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte not found in",
        "a run downloads them, unless `--offline` is given",
        "or put `mnist.npz`",
    ] {
        assert!(text.contains(part), "{text}");
    }
    bench.place("mnist/t10k-labels-idx1-ubyte.gz", b"");
    let text = lacking("mnist");
    assert!(text.contains("t10k-images-idx3-ubyte not found"), "{text}");
    bench.place("mnist.npz", b"");
    assert_eq!(lacking("mnist"), "");
    let text = lacking("cifar10");
    assert!(text.contains("put cifar-10-binary.tar.gz of"), "{text}");
    bench.place("cifar-10-binary.tar.gz", b"");
    assert_eq!(lacking("cifar10"), "");
    let text = lacking("emnist");
    assert!(text.contains("it cannot be downloaded by itself"), "{text}");
}

#[test]
fn own_files_that_are_not_there_are_named_by_their_parameter() {
    let mut of_file = bench();
    of_file.set("file", json!("a.npz"));
    let lacking = |bench: &Bench, kind: &str| examine(bench, kind).lacking.unwrap_or_default();
    let path = of_file.data_dir().join("a.npz").display().to_string();
    let expected = format!(
        "`file`: there is no file {path}; give a path relative to the data directory or an absolute one"
    );
    assert_eq!(lacking(&of_file, "npz"), expected);
    assert_eq!(lacking(&of_file, "csv"), expected);
    of_file.set("url", json!("https://host/a.npz"));
    of_file.set("sha256", json!("0".repeat(64)));
    let text = lacking(&of_file, "npz");
    let end =
        format!("a run downloads them, unless `--offline` is given; or put it there as {path}");
    assert!(text.ends_with(&end), "{text}");
    of_file.place("a.npz", b"damaged");
    assert_eq!(lacking(&of_file, "npz"), "");
    let mut folder = bench();
    folder.set("folder", json!("absent"));
    let text = lacking(&folder, "image-folder");
    assert!(
        text.starts_with("`folder`: ") && text.contains("no such folder"),
        "{text}"
    );
}

#[test]
fn parameters_that_cannot_be_are_refused() {
    let twice = "b is listed twice: leave one of them out";
    let no_files = "give the file, or lists of files as `train` and `test`";
    for (kind, name, value, path, part) in [
        ("npz", "range", json!([1, 0]), "/range", "[lowest, highest]"),
        ("npz", "shape", json!([1]), "/shape", "[height, width]"),
        ("npz", "train", json!(["b", "c", "b"]), "/train", twice),
        ("csv", "test", json!(["b", "b"]), "/test", twice),
        ("image-folder", "train", json!(["b", "b"]), "/train", twice),
        ("csv", "file", json!(""), "/file", no_files),
        ("parquet", "size", json!([1]), "/size", "[height, width]"),
        (
            "parquet",
            "background",
            json!([1, 2]),
            "/background",
            "[grey]",
        ),
        ("idx", "train_images", json!(""), "/train_images", "a path"),
        ("image-folder", "folder", json!(""), "/folder", "the folder"),
        (
            "image-folder",
            "background",
            json!([1, 2]),
            "/background",
            "[grey]",
        ),
    ] {
        let mut bench = bench();
        match kind {
            "idx" => bench.set("train_labels", json!("labels")),
            "image-folder" => bench.set("folder", json!("a")),
            _ => bench.set("file", json!("a")),
        }
        bench.set(name, value);
        let answer = examine(&bench, kind);
        let faults = faults(&answer);
        let is_told = |(at, message): &(&str, &str)| *at == path && message.contains(part);
        assert!(faults.iter().any(is_told), "{kind} {name}: {faults:?}");
    }
}

fn npz(arrays: &[(&str, &[usize], ArrayValues<'_>)]) -> Vec<u8> {
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
fn files_that_no_task_can_use_are_told_before_one_runs() {
    let labels = |labels: &[i32], pixel: f32| {
        let mut pixels = [0.5; 16];
        pixels[9] = pixel;
        npz(&[
            ("x_train", &[4, 2, 2], ArrayValues::F32(&pixels)),
            ("y_train", &[labels.len()], ArrayValues::I32(labels)),
        ])
    };
    let range = ("range", json!([0, 1]));
    for (kind, file, parameters, part) in [
        (
            "npz",
            labels(&[0, 1, 0], 0.0),
            vec![range.clone()],
            "array `y_train`: 3 labels, but `x_train` has 4 images",
        ),
        (
            "npz",
            labels(&[0, 1, 0, 1], f32::NAN),
            vec![range.clone()],
            "array `x_train`: image 2 has the value NaN, which is no number",
        ),
        (
            "npz",
            labels(&[0, 1, 0, 1], 0.0),
            vec![],
            "image 0 has the value 0.5, no whole number of 0 to 255",
        ),
        (
            "npz",
            labels(&[0, 1, 0, -1], 0.0),
            vec![range.clone()],
            "label of image 3: expected 0 to 65535, found -1; -1 often stands for no label: remove these images (1)",
        ),
        (
            "npz",
            npz(&[
                ("x_train", &[1, 2, 2], ArrayValues::U8(&[0; 4])),
                ("y_train", &[1], ArrayValues::U8(&[0])),
                ("x_test", &[1, 1, 4], ArrayValues::U8(&[0; 4])),
                ("y_test", &[1], ArrayValues::U8(&[0])),
            ]),
            vec![],
            "training images of [1, 2, 2] and test images of [1, 1, 4]",
        ),
        (
            "csv",
            b"label,p0,p1,p2,p3\n0,1,2,3,4\n1,5,nan,7,8\n".to_vec(),
            vec![],
            "line 3, column 3 (`p1`): expected a whole number of 0 to 255, found `nan`",
        ),
        (
            "csv",
            b"label,p0,p1,p2,p3\n0,1,2,3,4\n-1,5,6,7,8\n".to_vec(),
            vec![],
            "label of image 1: expected 0 to 65535, found -1",
        ),
        (
            "csv",
            b"label,p0,p1,p2\n0,1,2,3\n1,5,6,7\n".to_vec(),
            vec![],
            "3 values an image are no square",
        ),
    ] {
        let mut bench = bench();
        bench.set("file", json!("own"));
        bench.place("own", &file);
        for (name, value) in parameters {
            bench.set(name, value);
        }
        let answer = examine(&bench, kind);
        let (path, message) = unusable(&answer);
        assert_eq!(path, "/file", "{message}");
        assert!(message.contains(part), "`{part}` is not in: {message}");
        bench.run(kind).fails_with(message);
    }
}

#[test]
fn idx_files_that_do_not_belong_together_are_told_before_a_task_runs() {
    for (path, name, bytes, part) in [
        (
            "/train_labels",
            "train-labels-idx1-ubyte",
            idx(&[2], &[5, 0]),
            "3 images, but 2 labels",
        ),
        (
            "/test_labels",
            "t10k-labels-idx1-ubyte",
            idx(&[3], &[7, 2, 1]),
            "2 images, but 3 labels",
        ),
        (
            "/test_labels",
            "t10k-images-idx3-ubyte",
            idx(&[2, 1, 4], &[0; 8]),
            "images of [1, 2, 2] and [1, 1, 4]",
        ),
        (
            "/test_images",
            "t10k-images-idx3-ubyte",
            idx(&[2, 1], &[0; 2]),
            "sizes of images",
        ),
    ] {
        let mut bench = bench();
        user_files(&mut bench);
        bench.place(&format!("own/{name}"), &bytes);
        let answer = examine(&bench, "idx");
        let (place, message) = unusable(&answer);
        assert_eq!(place, path, "{message}");
        assert!(message.contains(part), "`{part}` is not in: {message}");
        bench.run("idx").fails_with(message);
    }
}

#[test]
fn a_thorough_answer_knows_what_the_task_will_find() {
    let mut folder = folder(&[
        ("faces/a/1.png", [4, 6, 1]),
        ("faces/b/1.png", [4, 6, 1]),
        ("faces/b/2.png", [4, 6, 1]),
    ]);
    assert!(ask(&folder, "image-folder", true).unusable.is_none());
    folder.set("size", json!([4, 4]));
    let whole = png(&[4, 6, 1], &[9; 24]);
    folder.place("faces/b/1.png", &whole[..whole.len() - 20]);
    folder.place("faces/a/2.png", b"");
    assert!(examine(&folder, "image-folder").unusable.is_none());
    let answer = ask(&folder, "image-folder", true);
    let (path, message) = unusable(&answer);
    assert_eq!(path, "/folder");
    assert!(message.starts_with("2 of 4 pictures cannot be read; mend or remove them:"));
    folder.run("image-folder").fails_with(message);

    // The last line of a table that is too long for a quick look.
    let mut table = bench();
    table.set("file", json!("a.csv"));
    let line = format!("1{}\n", ",7".repeat(25));
    let text = line.repeat(25_000) + &line.replace("1,", "-1,");
    table.place("a.csv", text.as_bytes());
    assert!(examine(&table, "csv").unusable.is_none());
    let answer = ask(&table, "csv", true);
    let (_, message) = unusable(&answer);
    assert!(message.contains("label of image 25000: expected 0 to 65535, found -1"));
    table.run("csv").fails_with(message);
}

#[test]
fn tables_of_text() {
    let mut bench = bench();
    let table = "label,0,1,2,3\ncat,0,9,8,16\ndog,1,2,3,4\n";
    bench.place("a.csv.gz", &gzip(table.as_bytes()));
    bench.set("file", json!("a.csv.gz"));
    let answer = examine(&bench, "csv");
    assert_eq!(numbers(&answer), [1, 2, 2, 2, 2].map(Some));
    assert_eq!(classes(&answer), ["cat", "dog"]);
    assert_eq!(answer.suggestions["range"], json!([0.0, 16.0]));
    bench.run("csv").succeeded();

    // Of a large table the first lines are read.
    let line = format!("1{}\n", ",7".repeat(25));
    bench.place("a.csv.gz", &gzip(line.repeat(50_000).as_bytes()));
    let answer = examine(&bench, "csv");
    assert_eq!(numbers(&answer), [Some(1), Some(5), Some(5), None, None]);

    // As spreadsheets of old Macs write it.
    let line = line.replace('\n', "\r");
    bench.place("a.csv.gz", &gzip(line.repeat(50_000).as_bytes()));
    assert_eq!(examine(&bench, "csv"), answer);
    bench.place("a.csv.gz", b"0,0.5,0.25,0,1\n");
    let answer = examine(&bench, "csv");
    assert_eq!(answer.suggestions["range"], json!([0.0, 1.0]));
}

#[test]
fn labels_in_the_last_column_are_proposed() {
    let mut bench = bench();
    bench.set("file", json!("optdigits.tra"));
    // The first pixel is always 0, and the labels are no grey levels.
    let row = |n: usize| format!("0,{},{},{},{}\n", n % 17, n * 5 % 17, n * 7 % 17, n % 10);
    let table: String = (0..60).map(row).collect();
    bench.place("optdigits.tra", table.as_bytes());
    let answer = examine(&bench, "csv");
    assert_eq!(answer.suggestions, [("label".to_owned(), json!(-1))].into());
    assert_eq!(answer.warnings.len(), 1);
    assert!(
        answer.warnings[0].ends_with("set `label = -1`, or `label = 0` if the first one is right"),
        "{:?}",
        answer.warnings
    );
    bench.set("label", json!(-1));
    let answer = examine(&bench, "csv");
    assert_eq!(
        answer.suggestions,
        [("range".to_owned(), json!([0.0, 16.0]))].into()
    );
    assert!(answer.warnings.is_empty());
    assert_eq!(numbers(&answer)[..4], [1, 2, 2, 10].map(Some));

    // Labels in the first column are taken as they are; that it could be either is said, and nothing proposed.
    bench.parameters = json!({"file": "optdigits.tra"});
    let swapped = |n: usize| {
        format!(
            "{},{},{},{},{}\n",
            n % 10,
            n % 17,
            n * 5 % 17,
            n * 7 % 17,
            n * 4 % 251
        )
    };
    bench.place(
        "optdigits.tra",
        (0..60).map(swapped).collect::<String>().as_bytes(),
    );
    let answer = examine(&bench, "csv");
    assert!(answer.warnings.is_empty() && !answer.suggestions.contains_key("label"));
    let either = |n: usize| {
        format!(
            "{},{},{},{},{}\n",
            n % 10,
            n % 17,
            n * 5 % 17,
            n * 7 % 17,
            n % 3
        )
    };
    bench.place(
        "optdigits.tra",
        (0..60).map(either).collect::<String>().as_bytes(),
    );
    let answer = examine(&bench, "csv");
    assert!(!answer.suggestions.contains_key("label"));
    assert!(answer.warnings[0].contains("the last one could hold them as well"));
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
fn tables_of_text_of_another_scale_are_told_their_range() {
    let mut bench = bench();
    bench.set("file", json!("a.csv"));
    for (values, range) in [
        ("0,2260,1000,4095", [0.0, 4095.0]),
        ("-100,99,0,5", [-100.0, 99.0]),
        ("0.5,2.825,5.5,1", [0.0, 5.5]),
        ("200000000000000,0,1,2", [0.0, 2e14]),
    ] {
        bench.place(
            "a.csv",
            format!("label,p0,p1,p2,p3\n1,{values}\n2,1,1,1,1\n").as_bytes(),
        );
        let answer = examine(&bench, "csv");
        assert_eq!(answer.suggestions["range"], json!(range), "{values}");
        bench.set("range", json!(range));
        let answer = examine(&bench, "csv");
        assert_eq!(answer.suggestions["first_label"], json!(1), "{values}");
        assert_eq!(numbers(&answer)[..3], [1, 2, 2].map(Some), "{values}");
        bench.parameters = json!({"file": "a.csv"});
    }
    // Training and test images have one range, and the first lines of a long table tell none.
    let table = |highest: u16| format!("label,p0,p1,p2,p3\na,0,1,2,{highest}\nb,3,4,5,6\n");
    bench.parameters = json!({"train": ["a.csv"], "test": ["b.csv"]});
    bench.place("a.csv", table(4095).as_bytes());
    bench.place("b.csv", table(4000).as_bytes());
    assert_eq!(
        examine(&bench, "csv").suggestions["range"],
        json!([0.0, 4095.0])
    );
    bench.parameters = json!({"file": "a.csv"});
    let line = format!("1{}\n", ",300".repeat(25));
    bench.place(
        "a.csv",
        (line.repeat(20_000) + &line.replace("300", "900")).as_bytes(),
    );
    assert!(examine(&bench, "csv").suggestions.is_empty());
    let answer = ask(&bench, "csv", true);
    assert_eq!(answer.suggestions["range"], json!([0.0, 900.0]));
    // What is no number has no range.
    for other in ["x", "nan", "inf", "-1e999"] {
        let text = format!("label,p0,p1,p2,p3\n1,0,300,2,1\n2,0,1,{other},1\n");
        bench.place("a.csv", text.as_bytes());
        let answer = examine(&bench, "csv");
        assert!(answer.suggestions.is_empty(), "{answer:?}");
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
fn parameters_that_say_nothing_of_such_files_are_refused() {
    let truth: Value = fixture("parquet_truth.json");
    let table = |name: &str| hexadecimal(truth[name]["file"].as_str().expect("text"));
    let pixels = "is for columns of pixels, and the images are encoded pictures: leave it out";
    let pictures = "is for encoded pictures, and the images are columns of pixels: leave it out";
    let names = "the labels are names, which are not counted: leave it out";
    let csv = b"cat,1,2,3,4\ndog,5,6,7,8\n".to_vec();
    for (kind, file, name, value, reason) in [
        ("parquet", table("rgb"), "range", json!([0, 1]), pixels),
        ("parquet", table("rgb"), "transpose", json!(true), pixels),
        ("parquet", table("columns"), "size", json!([4, 4]), pictures),
        (
            "parquet",
            table("columns"),
            "channels",
            json!("rgb"),
            pictures,
        ),
        ("csv", csv, "first_label", json!(1), names),
    ] {
        let mut bench = bench();
        bench.set("file", json!("own"));
        if name == "size" || name == "channels" {
            bench.set("shape", json!([4, 5]));
        }
        bench.place("own", &file);
        bench.set(name, value);
        let (path, message) = (format!("/{name}"), format!("`{name}`: {reason}"));
        let answer = examine(&bench, kind);
        assert_eq!(faults(&answer), [(path.as_str(), message.as_str())]);
        bench.run(kind).fails_with(&message);
    }
}

#[test]
fn a_thorough_answer_tells_what_no_model_could_be_trained_on() {
    let alone = folder(&[("faces/a/1.png", [4, 6, 1]), ("faces/b/1.png", [4, 6, 1])]);
    assert!(examine(&alone, "image-folder").faults.is_empty());
    let answer = ask(&alone, "image-folder", true);
    let [(path, message)] = faults(&answer)[..] else {
        panic!("one fault expected: {answer:?}");
    };
    assert_eq!(path, "/test_fraction");
    assert!(message.starts_with("no image is left for testing: no class has two images"));
}

#[cfg(unix)]
#[test]
fn a_thorough_answer_tells_of_links_in_circles() {
    let looped = folder(&[("faces/a/1.png", [4, 6, 1]), ("faces/a/2.png", [4, 6, 1])]);
    let faces = looped.data_dir().join("faces");
    std::os::unix::fs::symlink(&faces, faces.join("a/up")).expect("linked");
    assert!(examine(&looped, "image-folder").unusable.is_none());
    let answer = ask(&looped, "image-folder", true);
    let (path, message) = unusable(&answer);
    assert_eq!(path, "/folder");
    assert!(message.contains("a/up: the link leads to a folder that holds it: remove it"));
    looped.run("image-folder").fails_with(message);
}

#[test]
fn parquet_tables() {
    let truth: Value = fixture("parquet_truth.json");
    let names: Vec<&str> = texts(&truth["names"]);
    let file = |table: &str| {
        let digits = truth[table]["file"].as_str();
        hexadecimal(digits.expect("text"))
    };
    let images = truth["labels"].as_array().expect("a list").len() as u64;
    let mut bench = bench();
    bench.set("file", json!("own.parquet"));
    for (table, channels) in [("rgb", 3), ("grey", 1)] {
        bench.place("own.parquet", &file(table));
        let answer = examine(&bench, "parquet");
        let known = numbers(&answer);
        let classes_known = names.len() as u64;
        assert_eq!(
            known[..4],
            [channels, 4, 5, classes_known].map(Some),
            "{table}"
        );
        assert!(known[4].is_some_and(|training| training < images));
        assert_eq!(classes(&answer), names);
    }
    bench.place("own.parquet", &file("columns"));
    bench.set("shape", json!([4, 5]));
    let answer = examine(&bench, "parquet");
    assert_eq!(numbers(&answer)[..3], [1, 4, 5].map(Some));
    for (name, value, part) in [
        (
            "first_label",
            json!(100),
            "label of image 0: expected 100 to",
        ),
        ("range", json!([0, 1]), "outside `range = [0, 1]`"),
        (
            "shape",
            json!([4, 4]),
            "20 values an image, but `shape` is [1, 4, 4]",
        ),
    ] {
        let before = bench.parameters.clone();
        bench.set(name, value);
        let answer = examine(&bench, "parquet");
        let (path, message) = unusable(&answer);
        assert_eq!(path, "/file");
        assert!(message.contains(part), "`{part}` is not in: {message}");
        bench.run("parquet").fails_with(message);
        bench.parameters = before;
    }
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    list.filter_map(Value::as_str).collect()
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

#[test]
fn emnist_is_as_published_without_its_files() {
    let mut bench = bench();
    bench.set("split", json!("letters"));
    let answer = examine(&bench, "emnist");
    let expected = [Some(1), Some(28), Some(28), Some(26), None];
    assert_eq!(numbers(&answer), expected);
    assert_eq!(classes(&answer)[25], "Z");
}
