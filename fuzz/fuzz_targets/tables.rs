//! Parquet artifacts, through the reader of every kind.
#![no_main]

mod scratch;

use std::path::Path;

use eigenscope_artifact::{
    CentroidRow, ClassAccuracyRow, ClippingRow, ConfusionRow, Eigenpairs, Embeddings, FinalRow,
    HistoryRow, ImageReader, Kind, LayerSpectrumRow, LearnedDimensionsRow, MapQualityRow, MapRow,
    NeighbourRow, OverlapRow, Patterns, PowerLawRow, RSquaredRow, RainbowRow, RainbowSummaryRow,
    ScalingRow, SimilarityMapRow, SimilarityRow, SingularValueRow, SpectrumRow, SplitName,
    SurgeryRow, TensorReader, TruncationRow, TruncationSummaryRow, read_records,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = scratch::file("table.parquet", bytes);
    let Ok(summary) = eigenscope_artifact::summarise(&path) else {
        return;
    };
    let _ = eigenscope_pipeline::show::show(&path, 3).map(|shown| shown.to_string());
    match summary.kind {
        Kind::Images => images(&path),
        Kind::Tensors | Kind::Bases | Kind::Alignments => tensors(&path, summary.kind),
        Kind::Eigenpairs => drop(Eigenpairs::read(&path)),
        Kind::Patterns => drop(Patterns::read(&path)),
        Kind::Embeddings => drop(Embeddings::read(&path)),
        _ => records(&path),
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

fn tensors(path: &Path, kind: Kind) {
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

fn records(path: &Path) {
    macro_rules! read {
        ($($row:ty),+ $(,)?) => { $(let _ = read_records::<$row>(path);)+ };
    }
    read!(
        CentroidRow,
        ClassAccuracyRow,
        ClippingRow,
        ConfusionRow,
        FinalRow,
        HistoryRow,
        LayerSpectrumRow,
        LearnedDimensionsRow,
        MapQualityRow,
        MapRow,
        NeighbourRow,
        OverlapRow,
        PowerLawRow,
        RSquaredRow,
        RainbowRow,
        RainbowSummaryRow,
        ScalingRow,
        SimilarityMapRow,
        SimilarityRow,
        SingularValueRow,
        SpectrumRow,
        SurgeryRow,
        TruncationRow,
        TruncationSummaryRow,
    );
}
