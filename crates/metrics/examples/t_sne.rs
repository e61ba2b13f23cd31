//! Lays out vectors by t-SNE: `t_sne VECTORS WIDTH PERPLEXITY THREADS MAP` reads little-endian f32 values and writes
//! two little-endian f64 coordinates a vector. For `benches/t_sne_compare.py`.

use std::error::Error;

use eigenscope_metrics::embeddings::t_sne::Layout;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [vectors, width, perplexity, threads, map] = arguments.as_slice() else {
        return Err("usage: t_sne VECTORS WIDTH PERPLEXITY THREADS MAP".into());
    };
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.parse()?)
        .build_global()?;
    let bytes = std::fs::read(vectors)?;
    let (words, _) = bytes.as_chunks::<4>();
    let values: Vec<f32> = words.iter().map(|word| f32::from_le_bytes(*word)).collect();
    let layout = Layout::new(&values, width.parse()?, perplexity.parse()?, |_| {})?;
    let coordinates = layout.map.as_flattened().iter();
    let bytes: Vec<u8> = coordinates.flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(map, bytes)?;
    Ok(())
}
