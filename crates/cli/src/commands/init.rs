//! `eigenscope init`: write a pipeline for images of the user's.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::tell;
use crate::arguments::{Init, ProjectArguments};
use crate::exit;

/// Folder of the pipelines.
const PIPELINES: &str = "pipelines";
/// Kinds of files, by the ends of their names.
const ENDINGS: [(&str, &str); 4] = [
    (".npz", "npz"),
    (".parquet", "parquet"),
    (".csv", "csv"),
    (".csv.gz", "csv"),
];

pub(crate) fn run(arguments: &ProjectArguments, command: &Init) -> Result<u8> {
    let name = &command.name;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
    if name.is_empty() || !name.chars().all(is_plain) {
        bail!("a pipeline is named by letters, digits, `-` and `_`, found `{name}`");
    }
    let images = &command.images;
    let source = source(images, &arguments.data_dir)?;
    let path = PathBuf::from(PIPELINES).join(format!("{name}.toml"));
    fs::create_dir_all(PIPELINES).context("cannot create the folder `pipelines`")?;
    let mut file = File::create_new(&path)
        .with_context(|| format!("cannot write {}, which must be new", path.display()))?;
    file.write_all(pipeline(images, &source).as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))?;
    tell(&format!(
        "{} is written; now: eigenscope run {name}",
        path.display()
    ));
    Ok(exit::OK)
}

/// The lines that name the images.
fn source(images: &Path, data_dir: &Path) -> Result<String> {
    let whole = images
        .canonicalize()
        .with_context(|| format!("cannot find {}", images.display()))?;
    let inside = data_dir.canonicalize().ok();
    let inside = inside.and_then(|folder| whole.strip_prefix(folder).ok().map(Path::to_owned));
    let text = inside.as_deref().unwrap_or(&whole).to_str();
    let text = text.with_context(|| format!("{} is not UTF-8", images.display()))?;
    // Texts of JSON are texts of TOML.
    let text = serde_json::Value::from(text);
    if whole.is_dir() {
        return Ok(format!(
            "kind = \"image-folder\"\nfolder = {text}\n\
             # All pictures are resized to [height, width]: `init` does not open them, and they may differ in size.\n\
             # Take numbers of your own, or remove `size` if all have one size, which they then keep.\n\
             size = [32, 32]\n\
             # The colour behind transparent pixels: white.\n\
             background = [255]\n"
        ));
    }
    let name = whole.to_string_lossy().to_lowercase();
    match ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)) {
        Some((_, kind)) => Ok(format!(
            "kind = \"{kind}\"\nfile = {text}\n\
             # The values of black and white, if they are not 0 and 255.\n\
             # range = [0, 1]\n"
        )),
        None => bail!(
            "{} is no folder of pictures, and no `.npz`, `.csv` or `.parquet` file",
            images.display()
        ),
    }
}

/// The pipeline file.
fn pipeline(images: &Path, source: &str) -> String {
    let name = images.file_name().unwrap_or_default().to_string_lossy();
    let description = serde_json::Value::from(format!("Images of {name}"));
    format!(
        r#"# What all kinds and parameters do is in docs/guide; `eigenscope run` says what is wrong with a line.
description = {description}

[data.images]
{source}# The part of every class that is for testing, if there are no test images.
test_fraction = 0.2

[figure.samples]
data = "data.images"

# A small network with two convolutions. A list of values is a sweep: seed = [0, 1, 2]
[train.convnet]
data = "data.images"
epochs = 5
batch = 32
seed = 0

[figure.training]
histories = "train.convnet"

# Which classes the network takes for which, and what it makes of each image.
[decompose.embedding]
model = "train.convnet"
data = "data.images"

[metric.confusion]
embeddings = "decompose.embedding"

[figure.confusion]
from = "metric.confusion"

[figure.mistakes]
embeddings = "decompose.embedding"
data = "data.images"

[figure.kernels]
model = "train.convnet"
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_named_as_the_kind_wants_them() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("data");
        fs::create_dir_all(data.join("my \"cats\"")).expect("created");
        for name in ["data/a.npz", "data/b.csv.gz", "c.txt"] {
            fs::write(folder.path().join(name), "").expect("written");
        }
        let lines = |path: &Path| source(path, &data).map_err(|error| error.to_string());
        let found = lines(&data.join("my \"cats\"")).expect("a folder");
        assert!(found.contains("folder = \"my \\\"cats\\\"\"\n"), "{found}");
        let found = lines(&data.join("b.csv.gz")).expect("a table");
        assert!(
            found.starts_with("kind = \"csv\"\nfile = \"b.csv.gz\"\n"),
            "{found}"
        );
        assert!(lines(&folder.path().join("c.txt")).is_err());
        assert!(lines(&folder.path().join("absent")).is_err());
    }
}
