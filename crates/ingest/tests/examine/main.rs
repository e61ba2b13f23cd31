//! What the program says of data sets before they are read.

mod arrays;
mod folders;
#[path = "../support/mod.rs"]
mod support;
mod tables;
mod unusable;

use eigenscope_stage::{
    Amount, AttributeValue, CLASSES, Examined, Feature, Question, Stage, quantities,
};
use eigenscope_testing::{fixture, hexadecimal};
use folders::folder;
use serde_json::{Value, json};
use support::{Bench, png};

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

#[test]
fn emnist_is_as_published_without_its_files() {
    let mut bench = bench();
    bench.set("split", json!("letters"));
    let answer = examine(&bench, "emnist");
    let expected = [Some(1), Some(28), Some(28), Some(26), None];
    assert_eq!(numbers(&answer), expected);
    assert_eq!(classes(&answer)[25], "Z");
}
