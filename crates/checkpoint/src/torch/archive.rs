//! The zip archives of PyTorch 1.6 and later: `NAME/data.pkl`, and each storage as `NAME/data/KEY`.

use std::io::Cursor;

use super::contents;
use crate::checkpoint::Contents;
use crate::pickle::{self, PickleBytes};
use crate::source::Source;
use crate::zip::{Entry, Zip};
use crate::{CheckpointError, limits};

/// Reads the archive in `source`.
///
/// # Errors
/// An archive of something else, damage, no state dictionary or several of them.
pub(crate) fn open_archive(
    source: &Source,
    zip: &Zip,
    key: Option<&str>,
) -> Result<Contents, CheckpointError> {
    let entry = pickle_entry(source, zip)?;
    let root = entry.name.strip_suffix("data.pkl").unwrap_or_default();
    let big_endian = is_big_endian(source, zip, root)?;
    let place = format!("entry `{}`", crate::error::shown(&entry.name));
    let bytes = zip.read(source, entry, limits::PICKLE_BYTES, false)?;
    let len = bytes.len() as u64;
    let mut bytes = PickleBytes::new(source, place, Box::new(Cursor::new(bytes)), len);
    let pickle = pickle::read(&mut bytes)?;
    let storage = |key: &str| {
        let name = format!("{root}data/{key}");
        let entry = zip.entry(&name).ok_or_else(|| {
            let reason = "a tensor's values should be there, the archive has no such entry";
            source.damaged(format!("entry `{}`", crate::error::shown(&name)), reason)
        })?;
        zip.data(source, entry)
    };
    contents(source, &pickle, key, &storage, big_endian)
}

/// The entry that describes everything else.
fn pickle_entry<'a>(source: &Source, zip: &'a Zip) -> Result<&'a Entry, CheckpointError> {
    let has = |end: &str| zip.entries().iter().any(|entry| entry.name.ends_with(end));
    let foreign =
        |found: &str, advice: &str| CheckpointError::foreign(source.path(), found, advice);
    let found = zip
        .entries()
        .iter()
        .filter(|entry| entry.name == "data.pkl" || entry.name.ends_with("/data.pkl"))
        .min_by_key(|entry| entry.name.len());
    if has("constants.pkl") && found.is_some() {
        return Err(foreign(
            "a TorchScript archive, a program with its weights",
            "load it with `torch.jit.load` and save its weights: \
             `torch.save(module.state_dict(), 'weights.pt')`",
        ));
    }
    if let Some(entry) = found {
        return Ok(entry);
    }
    Err(if has(".npy") {
        foreign(
            "an archive of NumPy arrays (.npz)",
            "name it as a data source, or save its arrays with safetensors or `torch.save`",
        )
    } else if has("model.weights.h5") {
        foreign(
            "a model of Keras (.keras)",
            "export it from Keras to ONNX: `model.export('model.onnx', format='onnx')`",
        )
    } else if has("serialized_exported_program.json") || has("archive_format") {
        foreign(
            "a program saved by `torch.export`",
            "load it with `torch.export.load` and save its weights: \
             `torch.save(program.state_dict, 'weights.pt')`",
        )
    } else {
        foreign(
            "a zip archive without `data.pkl`, so not one that `torch.save` wrote",
            "unpack it and name the file of the model within",
        )
    })
}

fn is_big_endian(source: &Source, zip: &Zip, root: &str) -> Result<bool, CheckpointError> {
    let Some(entry) = zip.entry(&format!("{root}byteorder")) else {
        return Ok(false);
    };
    match zip.read(source, entry, 16, false)?.as_slice() {
        b"little" => Ok(false),
        b"big" => Ok(true),
        _ => Err(source.damaged("entry `byteorder`", "neither `little` nor `big`")),
    }
}
