//! Resizing against PyTorch (tests/reference/resize_truth.json).

use eigenscope_artifact::{PixelTransform, Pixels};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    let values = value.as_array().expect("a list").iter();
    values
        .map(|value| value.as_f64().expect("a number"))
        .collect()
}

#[test]
fn resized_images_are_those_of_pytorch() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/resize_truth.json"
    );
    let text = std::fs::read_to_string(path).expect("the fixture is committed");
    let truth: Value = serde_json::from_str(&text).expect("JSON");
    let every = truth["every"].as_u64().expect("a number") as usize;
    let cases = truth["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let sides = |name: &str| numbers(&case[name]).into_iter().map(|side| side as usize);
        let shape: Vec<usize> = sides("shape").collect();
        let size: Vec<usize> = sides("size").collect();
        let transforms = [
            PixelTransform::Scale,
            PixelTransform::Resize {
                height: size[0],
                width: size[1],
            },
        ];
        let shape = [shape[0], shape[1], shape[2]];
        let pixels = Pixels::new(shape, 255, &transforms).expect("it fits");
        let plane = shape[1] * shape[2];
        let stored = (0..shape[0] * plane)
            .map(|at| ((7919 * (at / plane) + 104_729 * (at % plane)) % 256) as u8);
        let resized = pixels.apply_all(&stored.collect::<Vec<u8>>());
        assert_eq!(resized.len(), shape[0] * size[0] * size[1]);
        let expected = numbers(&case["values"]);
        let found: Vec<f32> = resized.iter().copied().step_by(every).collect();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.into_iter().zip(expected) {
            assert!(
                (f64::from(found) - expected).abs() < 1e-6,
                "{found} {expected}"
            );
        }
    }
}
