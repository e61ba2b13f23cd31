//! Parquet artifacts, through the reader of every kind.
#![no_main]

mod scratch;

use std::path::Path;

use eigenscope_artifact::{
    ALIGNMENTS, ArtifactKind, BASES, EIGENPAIRS, EMBEDDINGS, Eigenpairs, Embeddings, IMAGES,
    ImageReader, KindName, PATTERNS, Patterns, SHARED_BASES, SplitName, TENSORS, TensorReader,
    read_records, summarise,
};
use libfuzzer_sys::fuzz_target;

// `read_rows`, which reads the rows of every table.
include!(concat!(env!("OUT_DIR"), "/read_rows.rs"));

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("table.parquet", bytes);
    let Ok(summary) = summarise(&path) else {
        return;
    };
    if let Ok(shown) = eigenscope_pipeline::show::show(&path, 3) {
        let _ = (shown.text(None), shown.text(Some(60)));
    }
    let is = |kind: &ArtifactKind| summary.kind == *kind;
    if is(&IMAGES) {
        images(&path);
    } else if let Some(kind) = [TENSORS, BASES, ALIGNMENTS, SHARED_BASES]
        .into_iter()
        .find(is)
    {
        tensors(&path, kind);
    } else if is(&EIGENPAIRS) {
        drop(Eigenpairs::read(&path));
    } else if is(&PATTERNS) {
        drop(Patterns::read(&path));
    } else if is(&EMBEDDINGS) {
        drop(Embeddings::read(&path));
    } else {
        read_rows(&path, &summary.kind);
    }
});

fn images(path: &Path) {
    if let Ok(reader) = ImageReader::open(path) {
        let _ = reader.count(SplitName::Train);
    }
    if let Ok(images) = ImageReader::open(path).and_then(ImageReader::read) {
        assert_eq!(
            images.train.pixels.len(),
            images.train.labels.len() * images.header.stored_len()
        );
    }
}

fn tensors(path: &Path, kind: ArtifactKind) {
    let Ok(reader) = TensorReader::open(path, kind) else {
        return;
    };
    for name in reader.names().unwrap_or_default() {
        let _ = reader.read_one(&name);
    }
    for tensor in reader.read().unwrap_or_default() {
        assert_eq!(tensor.shape.iter().product::<usize>(), tensor.data.len());
    }
}
