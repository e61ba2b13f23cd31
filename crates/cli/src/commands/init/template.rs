//! The pipeline file.

use std::path::Path;

use super::look::Seen;
use super::source::toml;

/// Smallest side of the images of a `convnet`.
const SMALLEST: u64 = 16;
/// Usual number of images of a batch.
const BATCH: u64 = 32;

/// The pipeline for images that have been looked at.
pub(super) fn pipeline(images: &Path, seen: &Seen) -> String {
    let name = match images.file_name() {
        Some(name) => name.to_string_lossy().into_owned(),
        None => images.display().to_string(),
    };
    let description = serde_json::Value::from(format!("Images of {name}"));
    let found: String = seen.found.iter().map(|line| comment(line)).collect();
    let data = data(seen);
    let batch = seen
        .training_images
        .map_or(BATCH, |count| count.clamp(1, BATCH));
    let [_, height, width] = seen.shape;
    let is_known = |side: Option<u64>| side.is_some_and(|side| side >= SMALLEST);
    let rest = match is_known(height) && is_known(width) {
        true => convnet(batch),
        false => mlp(batch, height.zip(width)),
    };
    format!(
        r#"# What all kinds and parameters do is in docs/guide; `eigenscope run` says what is wrong with a line.
description = {description}

{found}[data.images]
{data}# The part of every class that is for testing, if there are no test images.
test_fraction = 0.2

[figure.samples]
data = "data.images"

{rest}"#
    )
}

/// A comment of lines that are not too long.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        let is_full = lines
            .last()
            .is_some_and(|line| line.len() + word.len() > 118);
        if is_full {
            lines.push(String::from("#"));
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

/// The parameters of the data set.
fn data(seen: &Seen) -> String {
    let mut text = format!("kind = \"{}\"\n", seen.kind);
    for (name, value) in &seen.parameters {
        let what = match name.as_str() {
            "size" => "# All pictures are resized to [height, width].\n",
            "background" => "# The colour behind transparent pixels: white.\n",
            "range" => "# The values that become black and white.\n",
            "shape" => {
                "# A guess: the sides of the image in a row, [height, width] or [channels, height, width]. Where red, green and blue of a\n\
                 # pixel stand together, add layout = \"channels-last\".\n"
            }
            "channels" => "# \"grey\", \"rgb\", or \"auto\": grey if all pictures are.\n",
            _ => "",
        };
        text.push_str(&format!("{what}{name} = {}\n", toml(value)));
    }
    text
}

fn convnet(batch: u64) -> String {
    let head = format!(
        r#"# A small network with two convolutions. A list of values is a sweep: seed = [0, 1, 2]
[train.convnet]
data = "data.images"
epochs = 5
batch = {batch}
seed = 0
"#
    );
    let kernels = r#"
[figure.kernels]
model = "train.convnet"
"#;
    head + &analyses("convnet", "embedding") + kernels
}

fn mlp(batch: u64, size: Option<(u64, u64)>) -> String {
    let why = match size {
        Some((height, width)) => format!(
            "{height} x {width} pixels are too few for the convolutions of `convnet`, which needs {SMALLEST} x {SMALLEST}"
        ),
        None => format!(
            "a `convnet` learns more where images have {SMALLEST} x {SMALLEST} pixels or more"
        ),
    };
    let head = format!(
        r#"# A small network without convolutions: {why}.
# A list of values is a sweep: seed = [0, 1, 2]
[train.mlp]
data = "data.images"
widths = [64, 32]
epochs = 20
batch = {batch}
seed = 0
"#
    );
    head + &analyses("mlp", "layer2")
}

/// What is computed of a model whose last layer before the classes is `layer`.
fn analyses(model: &str, layer: &str) -> String {
    format!(
        r#"
[figure.training]
histories = "train.{model}"

# Which classes the network takes for which, and what it makes of each image.
[decompose.embedding]
model = "train.{model}"
data = "data.images"
layer = "{layer}"

[metric.confusion]
embeddings = "decompose.embedding"

[figure.confusion]
from = "metric.confusion"

[figure.mistakes]
embeddings = "decompose.embedding"
data = "data.images"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_have_lines_that_are_not_too_long() {
        let text = comment(&"word ".repeat(60));
        assert!(
            text.lines()
                .all(|line| line.len() <= 120 && line.starts_with("# word"))
        );
        assert_eq!(text.matches("word").count(), 60);
    }
}
