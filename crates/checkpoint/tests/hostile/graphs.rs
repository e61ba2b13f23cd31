//! ONNX graphs that cannot be computed.

use super::{message, open};

#[test]
fn graphs_that_cannot_be_computed_are_refused() {
    // Messages by hand: fields of number, wire type 2 and length.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let len = u8::try_from(bytes.len()).expect("short");
        assert!(len < 128);
        [&[number << 3 | 2, len], bytes].concat()
    }
    fn node(op: &str, inputs: &[&str], outputs: &[&str]) -> Vec<u8> {
        let inputs = inputs.iter().flat_map(|name| field(1, name.as_bytes()));
        let outputs = outputs.iter().flat_map(|name| field(2, name.as_bytes()));
        field(
            1,
            &inputs
                .chain(outputs)
                .chain(field(4, op.as_bytes()))
                .collect::<Vec<u8>>(),
        )
    }
    fn model(nodes: &[Vec<u8>]) -> Vec<u8> {
        let ends = [field(11, &field(1, b"x")), field(12, &field(1, b"y"))];
        let graph = [nodes.concat(), ends.concat()].concat();
        [&[8, 8][..], &field(7, &graph), &field(8, &[16, 17])].concat()
    }
    let sorted = open(
        "m.onnx",
        &model(&[node("B", &["a"], &["y"]), node("A", &["x"], &["a"])]),
    );
    let sorted = sorted.expect("readable");
    let nodes = &sorted.graph().expect("a graph").nodes;
    assert_eq!([&nodes[0].op_type, &nodes[1].op_type], ["A", "B"]);
    for (nodes, reason) in [
        (
            vec![
                node("A", &["x", "b"], &["a"]),
                node("B", &["a"], &["b", "y"]),
            ],
            "in a circle, among them A `a`, B `b`",
        ),
        (vec![node("A", &["a"], &["a", "y"])], "in a circle"),
        (
            vec![node("A", &["x"], &["y"]), node("B", &["x"], &["y"])],
            "computes `y`, which is there already",
        ),
        (
            vec![node("A", &["x"], &["x", "y"])],
            "computes `x`, which is there already",
        ),
        (
            vec![node("A", &["z"], &["y"])],
            "reads `z`, which nothing computes",
        ),
        (
            vec![node("A", &["x"], &["a"])],
            "output `y`: nothing computes it",
        ),
    ] {
        let message = message("m.onnx", &model(&nodes));
        assert!(message.contains(reason), "{message}");
    }
    for (bytes, reason) in [
        (
            &[8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1][..],
            "more than 64 bits",
        ),
        (&[8, 8, 58, 255, 255, 255, 255, 15], "beyond its message"),
        (&[8, 8], "no graph or no version"),
        (&[8, 8, 3], "is it ONNX?"),
        (&[8, 8, 0, 0], "is it ONNX?"),
        (&[8, 200], "a number without end"),
        (&[8, 8, 58, 2, 42, 9], "beyond its message"),
    ] {
        assert!(message("m.onnx", bytes).contains(reason), "{bytes:?}");
    }
    let sizes = [
        field(5, &[8, 255, 255, 255, 255, 255, 255, 255, 255, 127, 16, 1]).as_slice(),
        &node("A", &["x"], &["y"]),
    ]
    .concat();
    assert!(message("m.onnx", &model(&[sizes])).contains("bytes, 0 are stored"));
}
