//! Folders of pictures.

use serde_json::json;

use crate::support::{Bench, deep_png, png};
use crate::{ask, bench, classes, examine, faults, numbers, unusable};

pub(crate) fn folder(pictures: &[(&str, [u32; 3])]) -> Bench {
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
