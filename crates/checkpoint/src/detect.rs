//! What a file is, told from its first bytes.

use crate::checkpoint::Format;
use crate::source::Source;
use crate::{CheckpointError, limits, torch};

/// Bytes that are looked at.
const HEAD: u64 = 4096;

/// What begins with certain bytes, and what to do with it.
const OTHERS: &[(&[u8], &str, &str)] = &[
    (
        b"version https://git-lfs.github.com",
        "a Git LFS pointer, not the file itself",
        "run `git lfs pull` in its repository, or download the file",
    ),
    (
        b"\x93NUMPY",
        "a NumPy array (.npy)",
        "save the weights with safetensors or `torch.save`",
    ),
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 file, as Keras writes (.h5)",
        "export the model from Keras to ONNX: `model.export('model.onnx', format='onnx')`",
    ),
    (
        b"GGUF",
        "a GGUF file",
        "take the file of the model in safetensors or PyTorch's format",
    ),
    (
        b"PAR1",
        "a Parquet file",
        "models of eigenscope itself are named as tasks, such as `train.mlp`",
    ),
    (
        b"\x1f\x8b",
        "compressed with gzip",
        "decompress it first: `gunzip FILE`",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "compressed with zstd",
        "decompress it first: `unzstd FILE`",
    ),
    (
        b"\xfd7zXZ",
        "compressed with xz",
        "decompress it first: `unxz FILE`",
    ),
    (
        b"BZh",
        "compressed with bzip2",
        "decompress it first: `bunzip2 FILE`",
    ),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"PK\x05\x06", "an empty zip archive", "get the file again"),
];

/// The format of the file in `source`.
///
/// # Errors
/// Something that is no model, or no model that can be read: named as what it is, with what to do.
pub(crate) fn format(source: &Source) -> Result<Format, CheckpointError> {
    let head = source.head(HEAD)?;
    let foreign =
        |found: &str, advice: &str| Err(CheckpointError::foreign(source.path(), found, advice));
    if head.is_empty() {
        return foreign("empty", "get the file again: a download may have failed");
    }
    // Before all others: its first bytes are a number, which may look like anything.
    if is_safetensors(&head) {
        return Ok(Format::SafeTensors);
    }
    if head.starts_with(b"PK\x03\x04") {
        return Ok(Format::Torch);
    }
    if torch::is_legacy(&head) {
        return Ok(Format::TorchLegacy);
    }
    if let Some((_, found, advice)) = OTHERS.iter().find(|(start, ..)| head.starts_with(start)) {
        return foreign(found, advice);
    }
    if head.get(257..262) == Some(b"ustar") {
        return foreign(
            "a tar archive",
            "unpack it and name the file within; if PyTorch before 0.2 wrote it, load and save it with a newer one",
        );
    }
    if let Some(found) = text(source, &head) {
        return Err(found);
    }
    if is_pickle(&head) {
        return foreign(
            "a plain pickle, not saved by `torch.save`",
            "load it in Python and save its arrays as tensors: `torch.save(state, 'weights.pt')`",
        );
    }
    let extension = source.path().extension();
    let extension = extension.and_then(|extension| extension.to_str());
    match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("onnx") => Ok(Format::Onnx),
        Some("safetensors") => Ok(Format::SafeTensors),
        _ if is_onnx(&head) => Ok(Format::Onnx),
        _ => foreign(
            "of no format that is known",
            "models are read from .safetensors, .pt, .pth, .bin, .ckpt (PyTorch) and .onnx",
        ),
    }
}

/// The error of a file of text.
fn text(source: &Source, head: &[u8]) -> Option<CheckpointError> {
    let head = String::from_utf8_lossy(head);
    let start = head.trim_start_matches('\u{feff}').trim_start();
    let start: String = start
        .chars()
        .take(64)
        .collect::<String>()
        .to_ascii_lowercase();
    let foreign = |found, advice| Some(CheckpointError::foreign(source.path(), found, advice));
    if ["<!doctype", "<html", "<head", "<?xml"]
        .iter()
        .any(|tag| start.starts_with(tag))
    {
        return foreign(
            "a page of HTML or XML, not a model",
            "the download gave a page instead of the file: it may need a login or another address \
             (on Hugging Face `/resolve/`, not `/blob/`)",
        );
    }
    if start.starts_with('{') {
        return match head.contains("\"weight_map\"") {
            true => foreign(
                "the index of a model in several files",
                "join the files in Python: `safetensors.torch.save_file(model.state_dict(), 'model.safetensors')`",
            ),
            false => foreign("a JSON file, not a model", "name the file with the weights"),
        };
    }
    None
}

/// The length of the header, then the header's first character.
fn is_safetensors(head: &[u8]) -> bool {
    let Some((len, rest)) = head.split_first_chunk::<8>() else {
        return false;
    };
    rest.first() == Some(&b'{') && u64::from_le_bytes(*len) <= limits::SAFETENSORS_HEADER * 4
}

fn is_pickle(head: &[u8]) -> bool {
    matches!(head, [0x80, 2..=5, ..])
}

/// A small version of the representation, then the name of the producer or more such fields.
fn is_onnx(head: &[u8]) -> bool {
    matches!(
        head,
        [0x08, 1..=30, 0x12 | 0x1a | 0x22 | 0x32 | 0x3a | 0x42, ..]
    )
}
