//! Whether what is read together has the same shapes, classes and layers.

use eigenscope_artifact::InputShape;

use crate::error::MetricError;

fn mismatch(first: &str, second: &str, quantity: &str, values: [String; 2]) -> MetricError {
    let [found_first, found_second] = values;
    MetricError::Mismatch(format!(
        "{first} and {second} do not fit together: {quantity} {found_first} and {found_second}"
    ))
}

/// Refuses inputs whose images differ in shape.
pub(crate) fn check_shapes(
    first: &str,
    shape: InputShape,
    second: &str,
    other: InputShape,
) -> Result<(), MetricError> {
    if shape == other {
        return Ok(());
    }
    let text = |s: InputShape| format!("{} x {} x {}", s.channels, s.height, s.width);
    let quantity = "inputs (channels x height x width) of";
    Err(mismatch(
        first,
        second,
        quantity,
        [text(shape), text(other)],
    ))
}

/// Refuses inputs whose classes differ in number, name or order.
pub(crate) fn check_classes(
    first: &str,
    classes: &[String],
    second: &str,
    other: &[String],
) -> Result<(), MetricError> {
    if classes == other {
        return Ok(());
    }
    let text = |names: &[String]| format!("[{}]", names.join(", "));
    Err(mismatch(
        first,
        second,
        "classes",
        [text(classes), text(other)],
    ))
}

/// Refuses eigenpairs of matrices that are not of the model's hidden size.
pub(crate) fn check_sizes(
    model: &str,
    hidden: usize,
    pairs: &str,
    size: u32,
) -> Result<(), MetricError> {
    if hidden == size as usize {
        return Ok(());
    }
    let sizes = [hidden.to_string(), size.to_string()];
    Err(mismatch(model, pairs, "hidden sizes", sizes))
}

/// Refuses bases of layers that the model does not have.
pub(crate) fn check_layers(
    model: &str,
    layers: &[&str],
    bases: &str,
    others: &[&str],
) -> Result<(), MetricError> {
    if others.iter().all(|name| layers.contains(name)) {
        return Ok(());
    }
    let names = [layers.join(", "), others.join(", ")];
    Err(mismatch(
        model,
        bases,
        "layers",
        names.map(|names| format!("[{names}]")),
    ))
}
