//! Files of the user's with an address and a digest.

mod support;

use eigenscope_checkpoint::npz::{ArrayValues, NpzWriter};
use eigenscope_testing::file_names;
use serde_json::json;
use support::{Bench, gzip, serve, sha256, small_idx};

/// Arrays of four small images.
fn arrays() -> Vec<u8> {
    let mut file = NpzWriter::new(Vec::new());
    let pixels: Vec<u8> = (0..16).map(|pixel| pixel * 16).collect();
    let added = file.add("x_train", &[4, 2, 2], ArrayValues::U8(&pixels));
    added.expect("added");
    let added = file.add("y_train", &[4], ArrayValues::U8(&[0, 1, 0, 1]));
    added.expect("added");
    file.finish().expect("finished")
}

fn bench(url: &str, sha256: &str) -> Bench {
    let mut bench = Bench::new();
    bench.parameters = json!({ "url": url, "sha256": sha256 });
    bench.download = true;
    bench
}

#[test]
fn a_file_is_downloaded_once_and_checked_each_time() {
    let arrays = arrays();
    let address = serve(vec![("/sets/own.npz".to_owned(), arrays.clone())]);
    let digest = sha256(&arrays);
    let mut bench = bench(&format!("{address}sets/own.npz"), &digest);
    let outcome = bench.run("npz").succeeded();
    assert_eq!(outcome.read_files(), ["own.npz"]);
    assert_eq!(file_names(&bench.data_dir()), ["own.npz"]);

    // Under a name that is given, and with no network once it is there.
    bench.set("file", json!("sets/mine.npz"));
    bench.run("npz").succeeded();
    bench.download = false;
    bench.run("npz").succeeded();

    bench.place("sets/mine.npz", b"something else");
    bench.clear();
    let failure = bench.run("npz").failure();
    let found = sha256(b"something else");
    let expected = format!("is {found}, but `sha256` is {digest}; remove the file");
    assert!(failure.contains(&expected), "{failure}");
}

#[test]
fn several_files_have_an_address_each() {
    let small = small_idx();
    let packed: Vec<Vec<u8>> = small.iter().map(|(_, bytes)| gzip(bytes)).collect();
    let names = ["a", "b", "c", "d"];
    let files = names.iter().zip(&packed);
    let address = serve(
        files
            .map(|(name, bytes)| (format!("/{name}"), bytes.clone()))
            .collect(),
    );
    let mut bench = bench("", "");
    for (name, value) in [
        ("train_images", json!("own/a.gz")),
        ("train_labels", json!("own/b.gz")),
        ("test_images", json!("own/c.gz")),
        ("test_labels", json!("own/d.gz")),
        ("url", names.map(|name| format!("{address}{name}")).into()),
        ("sha256", packed.iter().map(|bytes| sha256(bytes)).collect()),
    ] {
        bench.set(name, value);
    }
    bench.run("idx").succeeded();
    let placed = file_names(&bench.data_dir().join("own"));
    assert_eq!(placed, ["a.gz", "b.gz", "c.gz", "d.gz"]);
}

#[test]
fn what_is_not_the_stated_file_is_not_placed() {
    let arrays = arrays();
    let address = serve(vec![("/own.npz".to_owned(), arrays.clone())]);
    let url = format!("{address}own.npz");
    let wrong = "0".repeat(64);
    let bench = bench(&url, &wrong);
    let failure = bench.run("npz").failure();
    let expected = format!("is {}, but `sha256` is {wrong}", sha256(&arrays));
    assert!(failure.contains(&expected), "{failure}");
    assert!(
        file_names(&bench.data_dir()).is_empty(),
        "nothing is placed"
    );
}

#[test]
fn nothing_is_downloaded_offline_or_outside_the_data_folder_or_in_the_clear() {
    let digest = sha256(b"");
    let mut bench = bench("https://example.org/own.npz", &digest);
    bench.download = false;
    let failure = bench.run("npz").failure();
    assert!(failure.contains("own.npz not found in "), "{failure}");
    assert!(failure.contains("downloads are switched off"), "{failure}");
    bench.download = true;
    bench.set("file", json!("../own.npz"));
    bench
        .run("npz")
        .fails_with("`url`: downloads are placed in the data directory");
    bench.set("url", json!("http://example.org/own.npz"));
    bench
        .run("npz")
        .fails_with("`url`: expected an address that begins with https://");
}
