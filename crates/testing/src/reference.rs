//! What other programs computed: the fixtures of `tests/reference`.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::workspace;

/// A fixture of `tests/reference`, such as `bilinear_truth.json`.
///
/// # Panics
/// There is no such file, or it does not have the layout of `T`.
#[track_caller]
pub fn fixture<T: DeserializeOwned>(name: &str) -> T {
    let path = workspace("tests/reference").join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The bytes that a fixture writes as pairs of hexadecimal digits.
///
/// # Panics
/// There are other characters.
#[track_caller]
pub fn hexadecimal(digits: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let digits = digits.as_bytes().chunks(2);
    digits
        .map(|pair| byte(pair).expect("hexadecimal"))
        .collect()
}

/// The numbers of a JSON value in order, however deep they are nested.
#[track_caller]
pub fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        number => vec![number.as_f64().expect("a number")],
    }
}

/// [`numbers`], rounded to f32.
#[track_caller]
pub fn floats(value: &Value) -> Vec<f32> {
    let numbers = numbers(value).into_iter();
    numbers.map(|value| value as f32).collect()
}
