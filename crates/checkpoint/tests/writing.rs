//! What is written is what other programs write or read.
#![allow(clippy::expect_used, reason = "a test")]

mod truth;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_checkpoint::npz::{ArrayValues, Npz, NpzWriter};
use eigenscope_checkpoint::onnx::{
    Attribute, Dimension, InitialValues, Initializer, NewGraph, Node, ValueInfo, write,
};
use eigenscope_checkpoint::safetensors::{self, NamedValues};
use eigenscope_checkpoint::{Checkpoint, DType};
use truth::path;

#[test]
fn safetensors_are_those_of_the_reference_implementation() {
    for name in ["lenet", "depthwise", "mlp", "bilinear"] {
        let path = path(&format!("{name}.safetensors"));
        let file = Checkpoint::open(&path, None).expect("readable");
        let values: Vec<Vec<f32>> = file
            .tensors()
            .iter()
            .map(|tensor| file.read(tensor).expect("readable"))
            .collect();
        let tensors: Vec<NamedValues<'_>> = file
            .tensors()
            .iter()
            .zip(&values)
            .rev()
            .map(|(tensor, values)| NamedValues {
                name: &tensor.name,
                shape: &tensor.shape,
                values,
            })
            .collect();
        let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
        let mut written = Vec::new();
        safetensors::write(&mut written, &tensors, &metadata).expect("written");
        assert_eq!(written, std::fs::read(&path).expect("readable"), "{name}");
    }
}

#[test]
fn tensors_that_contradict_themselves_are_not_written() {
    let tensor = |name, shape| NamedValues {
        name,
        shape,
        values: &[0.0; 6],
    };
    let refused = |tensors: &[NamedValues<'_>]| {
        let error = safetensors::write(Vec::new(), tensors, &BTreeMap::new());
        error.expect_err("refused").to_string()
    };
    assert_eq!(
        refused(&[tensor("a", &[2, 2])]),
        "cannot write a: 6 values for shape [2, 2]"
    );
    let twice = refused(&[tensor("a", &[2, 3]), tensor("a", &[6])]);
    assert!(twice.contains("two tensors have this name"), "{twice}");
}

#[test]
fn arrays_are_read_back() {
    let mut writer = NpzWriter::new(Vec::new());
    let write = |writer: &mut NpzWriter<Vec<u8>>, name, shape: &[usize], values| {
        writer.add(name, shape, values).expect("written");
    };
    write(&mut writer, "bytes", &[3], ArrayValues::U8(&[1, 2, 255]));
    write(
        &mut writer,
        "small",
        &[2, 1],
        ArrayValues::I32(&[-1, i32::MAX]),
    );
    write(&mut writer, "large", &[], ArrayValues::I64(&[i64::MIN]));
    write(
        &mut writer,
        "floats",
        &[1, 2],
        ArrayValues::F32(&[0.1, f32::NEG_INFINITY]),
    );
    write(&mut writer, "doubles", &[0, 2], ArrayValues::F64(&[]));
    assert!(writer.add("bytes", &[1], ArrayValues::U8(&[1])).is_err());
    let bytes = writer.finish().expect("written");
    let npz = Npz::of_bytes(Path::new("written.npz"), bytes).expect("readable");
    let array = |name| npz.array(name).expect("an array");
    assert_eq!(
        npz.read_bytes(array("bytes")).expect("readable"),
        [1, 2, 255]
    );
    assert_eq!(
        npz.read_integers(array("small")).expect("readable"),
        [-1, 2_147_483_647]
    );
    assert_eq!(
        npz.read_integers(array("large")).expect("readable"),
        [i64::MIN]
    );
    assert_eq!(
        npz.read(array("floats")).expect("readable"),
        [0.1, f32::NEG_INFINITY]
    );
    assert_eq!(array("doubles").shape, [0, 2]);
    assert!(npz.read_bytes(array("floats")).is_err());
}

fn value(name: &str, shape: Vec<Dimension>) -> ValueInfo {
    ValueInfo {
        name: name.to_owned(),
        dtype: Some(DType::F32),
        shape: Some(shape),
    }
}

fn node(op: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attribute)]) -> Node {
    Node {
        name: format!("node_{output}"),
        op_type: op.to_owned(),
        domain: String::new(),
        inputs: inputs.iter().map(|&name| name.to_owned()).collect(),
        outputs: vec![output.to_owned()],
        attributes: attributes
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    }
}

/// leaky(reshape(x) W^T + b): y [batch, 2] of x [batch, 1, 1, 3].
fn graph(weight: &[f32]) -> NewGraph<'_> {
    let batch = Dimension::Named("batch".to_owned());
    let [one, three, two] = [1, 3, 2].map(Dimension::Fixed);
    let initial = |name: &str, shape: &[usize], values| Initializer {
        name: name.to_owned(),
        shape: shape.to_vec(),
        values,
    };
    NewGraph {
        name: "small".to_owned(),
        inputs: vec![value("x", vec![batch.clone(), one.clone(), one, three])],
        outputs: vec![value("y", vec![batch, two])],
        nodes: vec![
            node("Reshape", &["x", "shape"], "flat", &[]),
            node(
                "Gemm",
                &["flat", "w", "b"],
                "z",
                &[
                    ("transB", Attribute::Int(1)),
                    ("alpha", Attribute::Float(1.0)),
                ],
            ),
            node(
                "LeakyRelu",
                &["z"],
                "l",
                &[("alpha", Attribute::Float(0.25))],
            ),
            node(
                "Transpose",
                &["l"],
                "t",
                &[("perm", Attribute::Ints(vec![1, 0]))],
            ),
            node(
                "Transpose",
                &["t"],
                "y",
                &[("perm", Attribute::Ints(vec![1, 0]))],
            ),
        ],
        initializers: vec![
            initial(
                "shape",
                &[2],
                InitialValues::Integers(Cow::Borrowed(&[-1, 3])),
            ),
            initial("w", &[2, 3], InitialValues::Floats(Cow::Borrowed(weight))),
            initial(
                "b",
                &[2],
                InitialValues::Floats(Cow::Borrowed(&[0.5, -10.0])),
            ),
        ],
        metadata: vec![("key".to_owned(), "value".to_owned())],
    }
}

/// `written.onnx` was loaded by onnxruntime; see `check_written` in the script of the fixtures.
#[test]
fn graphs_that_onnxruntime_loads_are_written_and_read_back() {
    let weight = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let mut written = Vec::new();
    write(&mut written, &graph(&weight)).expect("written");
    let path = path("written.onnx");
    if std::env::var_os("EIGENSCOPE_WRITE_FIXTURES").is_some() {
        std::fs::write(&path, &written).expect("written");
    }
    assert_eq!(written, std::fs::read(&path).expect("readable"));
    let file = Checkpoint::of_bytes(&path, written, None).expect("readable");
    let read = file.graph().expect("a graph");
    let new = graph(&weight);
    assert_eq!((&read.inputs, &read.outputs), (&new.inputs, &new.outputs));
    assert_eq!(read.nodes, new.nodes);
    assert_eq!(read.opset(), Some(17));
    let values = file.read(file.tensor("w").expect("a tensor"));
    assert_eq!(values.expect("readable"), weight);
}

#[test]
fn graphs_that_contradict_themselves_are_not_written() {
    let mut new = graph(&[0.0; 5]);
    let error = write(&mut Vec::new(), &new).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "cannot write tensor `w`: 5 values for shape [2, 3]"
    );
    new.initializers.remove(1);
    new.nodes[0]
        .attributes
        .insert("body".to_owned(), Attribute::Other);
    let error = write(&mut Vec::new(), &new)
        .expect_err("refused")
        .to_string();
    assert_eq!(error, "cannot write Reshape `node_flat`: attribute `body`");
}
