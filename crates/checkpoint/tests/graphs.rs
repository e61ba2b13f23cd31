//! Graphs of ONNX are read as the `onnx` package reads them, and what cannot be trusted is refused.
#![allow(clippy::expect_used, reason = "a test")]

mod truth;

use std::path::Path;

use eigenscope_checkpoint::onnx::{Attribute, Dimension, Graph};
use eigenscope_checkpoint::{Checkpoint, CheckpointError, DType, Format};
use truth::{Truth, assert_holds, path};

fn lines(graph: &Graph) -> Vec<String> {
    let nodes = graph.nodes.iter();
    nodes
        .map(|node| {
            let (inputs, outputs) = (node.inputs.join(", "), node.outputs.join(", "));
            format!("{}({inputs}) -> {outputs}", node.op_type)
        })
        .collect()
}

#[test]
fn graphs_of_both_exporters_are_read() {
    let graphs = Truth::read().graphs;
    assert!(graphs.len() >= 15, "{}", graphs.len());
    for (file, expected) in graphs {
        let checkpoint = Checkpoint::open(&path(&file), None).expect(&file);
        assert_eq!(checkpoint.format(), Format::Onnx);
        assert_eq!(
            lines(checkpoint.graph().expect("a graph")),
            expected.nodes,
            "{file}"
        );
        assert_holds(
            &file,
            &checkpoint,
            &expected.tensors.iter().collect::<Vec<_>>(),
        );
    }
}

#[test]
fn inputs_outputs_and_versions_are_read() {
    let checkpoint = Checkpoint::open(&path("lenet.onnx"), None).expect("readable");
    let graph = checkpoint.graph().expect("a graph");
    assert_eq!(
        (graph.opset(), graph.producer.as_str()),
        (Some(17), "pytorch")
    );
    assert_eq!(graph.inputs.len(), 1);
    assert_eq!(graph.inputs[0].name, "image");
    assert_eq!(graph.inputs[0].dtype, Some(DType::F32));
    let batch = Dimension::Named("batch".to_owned());
    let fixed = Dimension::Fixed;
    assert_eq!(
        graph.inputs[0].shape,
        Some(vec![batch.clone(), fixed(1), fixed(16), fixed(16)])
    );
    assert_eq!(graph.outputs[0].name, "logits");
    assert_eq!(graph.outputs[0].shape, Some(vec![batch, fixed(10)]));
}

#[test]
fn attributes_of_every_kind_are_read() {
    let checkpoint = Checkpoint::open(&path("types.onnx"), None).expect("readable");
    let graph = checkpoint.graph().expect("a graph");
    assert_eq!(
        graph.inputs[0].shape.as_deref().and_then(<[_]>::last),
        Some(&Dimension::Unknown)
    );
    let node = &graph.nodes[0];
    assert_eq!(
        (node.float("alpha"), node.int("count"), node.text("text")),
        (Some(0.0), Some(0), Some("t"))
    );
    assert_eq!(node.ints("sizes"), Some(&[1, -2][..]));
    assert_eq!(
        node.attributes["numbers"],
        Attribute::Floats(vec![0.5, 1.0])
    );
    assert_eq!(
        node.attributes["words"],
        Attribute::Texts(vec!["a".to_owned(), "b".to_owned()])
    );
    let Attribute::Tensor(value) = &node.attributes["value"] else {
        panic!("{:?}", node.attributes["value"]);
    };
    assert_eq!(
        checkpoint.read(value).expect("readable"),
        [0.0, 1.0, 1.5, 100.0]
    );
    let integers = checkpoint.tensor("INT64.typed").expect("a tensor");
    assert_eq!(
        checkpoint.read_integers(integers).expect("readable"),
        [0, 1, 1, 100]
    );
}

#[test]
fn values_beside_the_file_are_listed_as_files() {
    let checkpoint = Checkpoint::open(&path("external.onnx"), None).expect("readable");
    let files: Vec<&Path> = checkpoint.files().collect();
    assert_eq!(files, [path("external.onnx"), path("external.onnx.data")]);
}

/// The bytes of `external.onnx` with another file of the same length.
fn with_location(location: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(path("external.onnx")).expect("readable");
    let old = b"external.onnx.data";
    assert_eq!(location.len(), old.len());
    let mut at = 0;
    while let Some(found) = bytes[at..]
        .windows(old.len())
        .position(|bytes| bytes == old)
    {
        at += found;
        bytes[at..at + old.len()].copy_from_slice(location.as_bytes());
    }
    bytes
}

#[test]
fn values_are_read_from_the_folder_of_the_file_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).expect("a folder");
    std::fs::write(folder.path().join("external.data..."), [0; 64]).expect("written");
    for location in [
        "../external.data..",
        "/etc/passwd///////",
        "a/../external.data",
        "..\\external.data.",
        "./../external.dat",
    ] {
        let location = format!("{location:x<18}");
        let file = inner.join("model.onnx");
        std::fs::write(&file, with_location(&location)).expect("written");
        let error = Checkpoint::open(&file, None).expect_err("refused");
        assert!(
            matches!(error, CheckpointError::Unsupported { .. }),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("in the same folder or below only"),
            "{error}"
        );
    }
    let file = inner.join("model.onnx");
    std::fs::write(&file, with_location("external.onnx.datX")).expect("written");
    let error = Checkpoint::open(&file, None)
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("cannot open") && error.contains("external.onnx.datX"),
        "{error}"
    );
    std::fs::write(inner.join("external.onnx.datX"), [0; 31]).expect("written");
    let error = Checkpoint::open(&file, None)
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("bytes from byte 16 on are wanted, it has 31"),
        "{error}"
    );
}
