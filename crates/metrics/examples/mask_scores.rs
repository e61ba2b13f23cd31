//! What masks do to a residual bilinear layer that another program wrote down, with the time it took and the peak memory, as one
//! line of JSON. `benches/masks_pytorch.py` runs it.
//!
//! `mask_scores FOLDER THREADS`. FOLDER holds `case.json` (`{"inputs": D, "hidden": d, "classes": C, "strengths": [...]}`) and
//! little-endian files without a header: `inputs` (f32, `[images, D]`), `labels` and `targets` (u16, the class of every image and
//! of every mask), `masks` (f32, `[masks, D]`) and each weight (f32) under its name, such as `embed.weight`.

use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;
use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_metrics::bilinear::{MaskCounts, MaskedModel};
use eigenscope_models::{BilinearWeights, StoredModel, networks};
use rayon::prelude::*;
use serde::Deserialize;

type Failure = Box<dyn std::error::Error>;

/// Images handled at a time, as by the task kind `masks`.
const BLOCK_ROWS: usize = 500;

#[derive(Deserialize)]
struct Case {
    inputs: usize,
    hidden: usize,
    classes: usize,
    strengths: Vec<f64>,
}

#[allow(clippy::print_stdout, reason = "the result goes to standard output")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, threads] = &arguments[..] else {
        return Err("usage: mask_scores FOLDER THREADS".into());
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?);
    pool.build_global()?;
    println!("{}", measure(Path::new(folder))?);
    Ok(())
}

fn measure(folder: &Path) -> Result<serde_json::Value, Failure> {
    let text = std::fs::read_to_string(folder.join("case.json"))?;
    let Case {
        inputs: width,
        hidden,
        classes,
        strengths,
    } = serde_json::from_str(&text)?;
    let classes = (0..classes).map(|class| class.to_string()).collect();
    let network = networks::bilinear_blocks(hidden, false, 1, true);
    let architecture = network.architecture(InputShape::from([1, 1, width]), classes)?;
    let mut tensors = Vec::new();
    for parameter in architecture.parameters() {
        tensors.push(NamedTensor {
            data: floats(&folder.join(&parameter.name))?,
            name: parameter.name,
            shape: parameter.shape,
        });
    }
    let model = StoredModel::new(architecture, tensors)?;
    let weights = BilinearWeights::new(&model, "a mask")?;
    let inputs = floats(&folder.join("inputs"))?;
    let (labels, targets) = (
        words(&folder.join("labels"))?,
        words(&folder.join("targets"))?,
    );
    let masks = floats(&folder.join("masks"))?;
    let masks: Vec<(u16, &[f32])> = targets.into_iter().zip(masks.chunks_exact(width)).collect();

    let start = Instant::now();
    let masked = MaskedModel::new(&weights, &masks)?;
    let blocks = labels
        .par_chunks(BLOCK_ROWS)
        .zip(inputs.par_chunks(BLOCK_ROWS * width));
    let blocks: Vec<_> = blocks
        .map(|(labels, inputs)| masked.count(inputs, labels, &strengths, &Device::flex()))
        .collect();
    let mut all = MaskCounts::default();
    for counts in blocks {
        all.add(counts?);
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok(serde_json::json!({
        "seconds": seconds,
        "peak_kib": peak_kib(),
        "correct": all.correct,
        "misclassified": all.misclassified,
    }))
}

fn bytes<const N: usize>(path: &Path) -> Result<Vec<[u8; N]>, Failure> {
    let content = std::fs::read(path)?;
    let (values, []) = content.as_chunks() else {
        return Err(format!("{} is not made of {N} bytes a value", path.display()).into());
    };
    Ok(values.to_vec())
}

fn floats(path: &Path) -> Result<Vec<f32>, Failure> {
    Ok(bytes(path)?.into_iter().map(f32::from_le_bytes).collect())
}

fn words(path: &Path) -> Result<Vec<u16>, Failure> {
    Ok(bytes(path)?.into_iter().map(u16::from_le_bytes).collect())
}

/// Peak memory of this process (Linux).
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
