//! The clipping curve of one layer of an MLP that another program wrote down, with the time it took and the peak
//! memory, as one line of JSON. `benches/clipping_pytorch.py` runs it.
//!
//! `clipping_curve FOLDER THREADS`. FOLDER holds `case.json` (`{"inputs": D, "widths": [...], "classes": C, "layer": NAME}`)
//! and little-endian files without a header: `inputs` (f32, `[images, D]`), `labels` (u16), `basis` (f32, `[ranks,
//! inputs of the layer]`) and each weight (f32) under its name, such as `layer1.weight`.

use std::ops::Range;
use std::path::Path;
use std::time::Instant;

use eigenscope_artifact::{InputShape, NamedTensor};
use eigenscope_metrics::layers::ClippedLayer;
use eigenscope_models::{Runner, StoredModel, networks};
use serde::Deserialize;

type Failure = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Case {
    inputs: usize,
    widths: Vec<usize>,
    classes: usize,
    layer: String,
}

#[allow(clippy::print_stdout, reason = "the result goes to standard output")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, folder, threads] = &arguments[..] else {
        return Err("usage: clipping_curve FOLDER THREADS".into());
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
        widths,
        classes,
        layer,
    } = serde_json::from_str(&text)?;
    let classes = (0..classes).map(|class| class.to_string()).collect();
    let architecture =
        networks::mlp(widths).architecture(InputShape::from([1, 1, width]), classes)?;
    let mut tensors = Vec::new();
    for parameter in architecture.parameters() {
        tensors.push(NamedTensor {
            data: floats(&folder.join(&parameter.name))?,
            name: parameter.name,
            shape: parameter.shape,
        });
    }
    let (position, layer) = architecture.layer(&layer)?;
    let layer = layer.clone();
    let data = floats(&folder.join("basis"))?;
    let basis = NamedTensor {
        name: layer.name.clone(),
        shape: vec![data.len() / layer.inputs(), layer.inputs()],
        data,
    };
    let model = StoredModel::new(architecture, tensors)?;
    let runner = Runner::new(&model)?;
    let inputs = floats(&folder.join("inputs"))?;
    let inputs = |images: Range<usize>| inputs[images.start * width..images.end * width].to_vec();
    let labels = bytes(&folder.join("labels"))?;
    let labels: Vec<u16> = labels.into_iter().map(u16::from_le_bytes).collect();

    let start = Instant::now();
    let clipped = ClippedLayer::new(&model, &runner, (position, layer), &basis)?;
    let correct = clipped.correct(&labels, inputs)?;
    let seconds = start.elapsed().as_secs_f64();
    Ok(serde_json::json!({"seconds": seconds, "peak_kib": peak_kib(), "correct": correct}))
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

/// Peak memory of this process (Linux).
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
