//! Files that are something else, cut, or made to harm are refused with what they are or where they are wrong; nothing panics, and
//! nothing that they name is run.
#![allow(clippy::expect_used, reason = "a test")]

mod graphs;
mod pickles;
#[path = "../truth/mod.rs"]
mod truth;

use std::path::Path;

use eigenscope_checkpoint::npz::Npz;
use eigenscope_checkpoint::{Checkpoint, CheckpointError};
use flate2::Crc;
use flate2::write::DeflateEncoder;
use proptest::prelude::*;
use std::io::Write;
use truth::path;

fn open(name: &str, bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
    Checkpoint::of_bytes(Path::new(name), bytes.to_vec(), None)
}

fn message(name: &str, bytes: &[u8]) -> String {
    let error = open(name, bytes).expect_err("refused");
    let message = error.to_string();
    assert!(message.starts_with(name), "{message}");
    message
}

/// A file of safetensors with this header and `len` bytes after it.
fn safetensors(header: &str, len: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + len, 0);
    bytes
}

/// An archive of `torch.save` with this pickle and entries `data/NAME`, deflated where asked for.
fn archive(pickle: &[u8], storages: &[(&str, Vec<u8>)], deflated: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    let named = storages
        .iter()
        .map(|(name, content)| (format!("a/data/{name}"), content.as_slice()));
    let entries: Vec<(String, &[u8])> = [("a/data.pkl".to_owned(), pickle)]
        .into_iter()
        .chain(named)
        .collect();
    for (name, content) in &entries {
        let header = u32::try_from(bytes.len()).expect("small");
        let mut crc = Crc::new();
        crc.update(content);
        let stored = match deflated {
            true => {
                let mut encoder = DeflateEncoder::new(Vec::new(), flate2::Compression::best());
                encoder.write_all(content).expect("written");
                encoder.finish().expect("written")
            }
            false => content.to_vec(),
        };
        let mut common = vec![20, 0, 0, 0, if deflated { 8 } else { 0 }, 0, 0, 0, 0, 0];
        common.extend(crc.sum().to_le_bytes());
        common.extend(u32::try_from(stored.len()).expect("small").to_le_bytes());
        common.extend(u32::try_from(content.len()).expect("small").to_le_bytes());
        common.extend(u16::try_from(name.len()).expect("short").to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(stored);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(header.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = u32::try_from(bytes.len()).expect("small");
    let count = u16::try_from(entries.len()).expect("few");
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(u32::try_from(directory.len()).expect("small").to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

/// A pickle of `{"w": tensor}` with this offset, shape and strides over a storage of `count` values of float32.
fn tensor_pickle(count: &str, offset: &str, shape: &str, strides: &str) -> Vec<u8> {
    let text = format!(
        "(dVw\nctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nL{count}L\ntQ\
         L{offset}L\n({shape}t({strides}tI00\n(dtRs."
    );
    text.into_bytes()
}

#[test]
fn other_files_are_named_as_what_they_are() {
    let mut tar = vec![0; 512];
    tar[..9].copy_from_slice(b"weights/x");
    tar[257..262].copy_from_slice(b"ustar");
    for (bytes, found, advice) in [
        (&b""[..], "is empty", "get the file again"),
        (b"\n <!DOCTYPE html><html>", "a page of HTML", "login"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:1",
            "Git LFS pointer",
            "git lfs pull",
        ),
        (b"\x93NUMPY\x01\0", "a NumPy array", "torch.save"),
        (
            b"\x89HDF\r\n\x1a\n....",
            "HDF5",
            "export the model from Keras",
        ),
        (
            b"{\"weight_map\": {\"a\": \"b\"}}",
            "index of a model in several files",
            "join",
        ),
        (b"{\"a\": 1}", "a JSON file", "weights"),
        (
            b"\x80\x04\x95\x05\0\0\0\0\0\0\0}.",
            "a plain pickle",
            "torch.save",
        ),
        (b"\x1f\x8b\x08", "compressed with gzip", "gunzip"),
        (b"GGUF\x03\0\0\0", "a GGUF file", "safetensors"),
        (b"PAR1....", "a Parquet file", "train.mlp"),
        (
            b"\x7fELF\x02\x01",
            "of no format that is known",
            ".safetensors",
        ),
        (&tar, "a tar archive", "unpack"),
    ] {
        let message = message("model.pt", bytes);
        assert!(
            message.contains(found) && message.contains(advice),
            "{message}"
        );
    }
    let npz = std::fs::read(path("arrays.npz")).expect("readable");
    assert!(message("model.pt", &npz).contains("NumPy arrays (.npz)"));
    assert!(
        Checkpoint::open(Path::new("/"), None)
            .expect_err("refused")
            .to_string()
            .contains("is a folder")
    );
    let missing = Checkpoint::open(Path::new("missing.pt"), None).expect_err("refused");
    assert!(matches!(
        missing,
        CheckpointError::Io {
            operation: "open",
            ..
        }
    ));
    let key = Checkpoint::open(&path("lenet.safetensors"), Some("model")).expect_err("refused");
    assert!(key.to_string().contains("leave it out"), "{key}");
}

#[test]
fn safetensors_that_contradict_themselves_are_refused() {
    let one = |fields: &str| format!("{{\"w\":{{{fields}}}}}");
    for (header, len, reason) in [
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#), 7, "they are not in the file"),
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[0,8]"#), 9, "1 bytes belong to no tensor"),
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[8,0]"#), 8, "bytes 8 to 0"),
        (one(r#""dtype":"F32","shape":[3],"data_offsets":[0,8]"#), 8, "needs 12 bytes, 8 are stored"),
        (one(r#""dtype":"F32","shape":[1],"data_offsets":[0,8]"#), 8, "is not 8 bytes"),
        (one(r#""dtype":"F32","shape":[9999999999,9999999999,4],"data_offsets":[0,8]"#), 8, "is not possible"),
        (one(r#""dtype":"F32","shape":[-1],"data_offsets":[0,8]"#), 8, "not the JSON"),
        (one(r#""dtype":"Q8","shape":[8],"data_offsets":[0,8]"#), 8, "type `Q8`"),
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]"#), 8, "not in the file"),
        (one(r#""dtype":"F32","shape":[2],"data_offsets":[0,8],"more":1"#), 8, "unknown field"),
        (
            r#"{"a":{"dtype":"U8","shape":[6],"data_offsets":[0,6]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#.into(),
            8,
            "overlaps with another tensor",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}"#.into(),
            8,
            "bytes that belong to no tensor",
        ),
        (
            r#"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#.into(),
            0,
            "`a` occurs twice",
        ),
        ("{".repeat(4000), 0, "not the JSON"),
        (format!("{{\"w\":{}", "[".repeat(100_000)), 0, "not the JSON"),
    ] {
        let message = message("w.safetensors", &safetensors(&header, len));
        assert!(message.contains(reason), "{header:.100}: {message}");
    }
    let mut huge = (8u64 << 30).to_le_bytes().to_vec();
    huge.extend(b"{\"w\":");
    assert!(message("w.safetensors", &huge).contains("the file ends at byte 13"));
    assert!(message("w.safetensors", &[255; 64]).contains("header"));
}

#[test]
fn shapes_that_go_beyond_their_storage_are_refused() {
    let storage = vec![0; 24];
    let read = |offset: &str, shape: &str, strides: &str| {
        let pickle = tensor_pickle("6", offset, shape, strides);
        open("w.pt", &archive(&pickle, &[("0", storage.clone())], false))
    };
    let tensor = read("0", "L2L\nL3L\n", "L3L\nL1L\n").expect("a tensor");
    assert_eq!(tensor.tensors()[0].shape, [2, 3]);
    assert_eq!(
        tensor.read(&tensor.tensors()[0]).expect("readable"),
        [0.0; 6]
    );
    let long = "9223372036854775807";
    for (offset, shape, strides) in [
        ("1", "L2L\nL3L\n", "L3L\nL1L\n"),
        ("0", "L-2L\nL3L\n", "L3L\nL1L\n"),
        ("-1", "L2L\n", "L1L\n"),
        ("0", "L2L\n", "L-1L\n"),
        ("0", "L2L\n", ""),
        ("0", &format!("L{long}L\nL{long}L\n"), "L0L\nL0L\n"),
        ("0", &format!("L{long}L\n"), "L0L\n"),
        ("0", "L2L\n", &format!("L{long}L\n")),
        (long, "L2L\n", "L1L\n"),
        ("99999999999999999999999", "L2L\n", "L1L\n"),
        ("0", &"L1L\n".repeat(40), &"L1L\n".repeat(40)),
    ] {
        let error = read(offset, shape, strides).expect_err(shape).to_string();
        assert!(error.contains("tensor `w`"), "{error}");
    }
}

#[test]
fn zip_bombs_are_refused() {
    let pickle = tensor_pickle("16777216", "0", "L16777216L\n", "L1L\n");
    let bomb = archive(&pickle, &[("0", vec![0; 64 << 20])], true);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let message = message("x.pt", &bomb);
    assert!(
        message.contains("compressed bytes inflate to 67108864"),
        "{message}"
    );
}

#[test]
fn archives_that_contradict_themselves_are_refused() {
    let pickle = tensor_pickle("2", "0", "L2L\n", "L1L\n");
    let absent = message("x.pt", &archive(&pickle, &[("1", vec![0; 8])], false));
    assert!(
        absent.contains("entry `a/data/0`") && absent.contains("no such entry"),
        "{absent}"
    );
    let twice = archive(&pickle, &[("0", vec![0; 8]), ("0", vec![1; 8])], false);
    assert!(message("x.pt", &twice).contains("two entries are called"));
    let short = archive(&pickle, &[("0", vec![0; 4])], false);
    assert!(message("x.pt", &short).contains("needs 8 bytes, 4 are stored"));
    let mut encrypted = archive(&pickle, &[("0", vec![0; 8])], false);
    let directory = encrypted
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .expect("an entry");
    encrypted[directory + 8] |= 1;
    assert!(message("x.pt", &encrypted).contains("is encrypted"));
}

#[test]
fn one_hundred_thousand_tensors_are_read() {
    let count = 100_000;
    let entries: Vec<String> = (0..count)
        .map(|index| {
            format!(
                r#""w{index}":{{"dtype":"F32","shape":[],"data_offsets":[{},{}]}}"#,
                4 * index,
                4 * index + 4
            )
        })
        .collect();
    let header = format!("{{{}}}", entries.join(","));
    let file = open("w.safetensors", &safetensors(&header, 4 * count)).expect("readable");
    assert_eq!(file.tensors().len(), count);
    let mut pickle = b"(d".to_vec();
    for index in 0..count {
        let tensor = tensor_pickle("2", "0", "L2L\n", "L1L\n");
        let tensor = tensor
            .strip_prefix(b"(dVw")
            .and_then(|rest| rest.strip_suffix(b"."));
        pickle.extend(format!("Vw{index}").as_bytes());
        pickle.extend(tensor.expect("a pair"));
    }
    pickle.push(b'.');
    let file = open("w.pt", &archive(&pickle, &[("0", vec![0; 8])], false)).expect("readable");
    assert_eq!(file.tensors().len(), count);
}

/// Reads whatever can be read of a file of each kind.
fn read_all(name: &str, bytes: &[u8]) {
    if let Ok(checkpoint) = open(name, bytes) {
        for tensor in checkpoint.tensors() {
            if let Ok(values) = checkpoint.read(tensor) {
                assert_eq!(values.len() as u64, tensor.count());
            }
        }
    }
    if let Ok(npz) = Npz::of_bytes(Path::new(name), bytes.to_vec()) {
        for array in npz.arrays() {
            let _ = npz.read_doubles(array);
        }
    }
}

/// Files of every format, small ones.
const FILES: [&str; 12] = [
    "lenet.safetensors",
    "types.safetensors",
    "nested.pt",
    "views.pt",
    "views.legacy.pt",
    "module.legacy.pt",
    "deflated.pt",
    "protocol4.pt",
    "types.onnx",
    "depthwise.onnx",
    "arrays.npz",
    "arrays.compressed.npz",
];

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in FILES {
        let bytes = std::fs::read(path(name)).expect("readable");
        for len in (0..bytes.len()).step_by(1 + bytes.len() / 3000) {
            let cut = &bytes[..len];
            if name.ends_with(".npz") {
                assert!(
                    Npz::of_bytes(Path::new(name), cut.to_vec()).is_err(),
                    "{name}, {len}"
                );
            } else if let Ok(read) = open(name, cut) {
                // A legacy file has nothing after its storages; ONNX may be cut between two fields.
                assert!(name.ends_with(".onnx"), "{name}, {len}");
                let missing = read
                    .tensors()
                    .iter()
                    .any(|tensor| read.read(tensor).is_err());
                assert!(!missing, "{name}, {len}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_changed_file_does_no_harm(
        file in 0..FILES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = std::fs::read(path(FILES[file])).expect("readable");
        for (index, value) in changes {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        read_all(FILES[file], &bytes);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0..5usize) {
        let starts: [&[u8]; 5] = [b"", b"PK\x03\x04", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", b"\x08\x08", b"\x40\0\0\0\0\0\0\0{"];
        let bytes = [starts[start], &bytes].concat();
        read_all("x.onnx", &bytes);
    }
}
