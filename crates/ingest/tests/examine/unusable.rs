//! Files that are missing, damaged or not what a task needs.

use eigenscope_checkpoint::npz::ArrayValues;
use eigenscope_testing::idx;
use serde_json::json;

use crate::arrays::npz;
use crate::support::{Bench, user_files};
use crate::{bench, examine, numbers, unusable};

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
