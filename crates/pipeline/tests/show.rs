//! `show`: artifacts of every shape in a few short lines.

use eigenscope_artifact::{NamedTensor, TENSORS, write_tensors};
use eigenscope_pipeline::show::show;
use eigenscope_testing::provenance;
use serde_json::json;

#[test]
fn long_values_are_cut_and_short_ones_are_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tensors.parquet");
    let tensor = |name: &str, length: usize| NamedTensor {
        name: name.to_owned(),
        shape: vec![length],
        data: vec![0.5; length],
    };
    let tensors = [tensor("embed.weight", 1_000_000), tensor("bias", 2)];
    write_tensors(&path, TENSORS, &json!({}), &tensors, &provenance()).expect("written");

    let shown = show(&path, 10).expect("shown");
    assert_eq!(
        shown.rows,
        [
            ["embed.weight", "[1000000]", "[0.5, 0.5, 0.5, 0.5, 0.5…"],
            ["bias", "[2]", "[0.5, 0.5]"],
        ]
    );
    assert!(shown.text(None).lines().all(|line| line.len() < 200));

    let first = show(&path, 1).expect("shown");
    assert_eq!(first.rows.len(), 1);
    assert!(first.text(None).ends_with("… and 1 more rows\n"));
    assert_eq!(show(&path, usize::MAX).expect("shown").rows.len(), 2);
}
