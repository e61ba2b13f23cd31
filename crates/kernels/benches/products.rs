//! Matrix products of a training step of a bilinear layer: `gemm`, which burn calls, against `faer`, in turns on one thread.
//!
//! `cargo bench --workspace --bench products`. Every row is a product `[m, k] x [k, n]`, by how its factors lie in memory; GFLOP/s of
//! the fastest of many rounds.

#![allow(clippy::print_stdout, reason = "a bench talks")]

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};
use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

const ROUNDS: usize = 40;
const BATCH: usize = 2048;
const INPUTS: usize = 784;
const CLASSES: usize = 10;

/// A product of factors that may be stored transposed.
struct Product {
    name: &'static str,
    m: usize,
    k: usize,
    n: usize,
    transposed: [bool; 2],
}

fn products(hidden: usize) -> Vec<Product> {
    let product = |name, m, k, n, transposed| Product {
        name,
        m,
        k,
        n,
        transposed,
    };
    let (forward, weight, back) = ([false, true], [true, false], [false, false]);
    let halves = 2 * hidden;
    if hidden >= 500 {
        return vec![
            product("W E", halves, hidden, INPUTS, back),
            product("x M'", BATCH, INPUTS, halves, forward),
            product("dM", halves, BATCH, INPUTS, weight),
            product("dM E'", halves, INPUTS, hidden, forward),
            product("W' dM", hidden, halves, INPUTS, weight),
            product("g U'", BATCH, hidden, CLASSES, forward),
            product("dU", CLASSES, BATCH, hidden, weight),
            product("dlogits U", BATCH, CLASSES, hidden, back),
        ];
    }
    vec![
        product("x E'", BATCH, INPUTS, hidden, forward),
        product("h W'", BATCH, hidden, halves, forward),
        product("g U'", BATCH, hidden, CLASSES, forward),
        product("dU", CLASSES, BATCH, hidden, weight),
        product("dlogits U", BATCH, CLASSES, hidden, back),
        product("dW", halves, BATCH, hidden, weight),
        product("dh", BATCH, halves, hidden, back),
        product("dE", hidden, BATCH, INPUTS, weight),
    ]
}

fn values(count: usize) -> Vec<f32> {
    (0..count)
        .map(|i| (i * 31 % 1009) as f32 / 1009.0)
        .collect()
}

fn factor(values: &[f32], rows: usize, columns: usize, transposed: bool) -> MatRef<'_, f32> {
    match transposed {
        true => MatRef::from_row_major_slice(values, columns, rows).transpose(),
        false => MatRef::from_row_major_slice(values, rows, columns),
    }
}

fn tensor(values: &[f32], rows: usize, columns: usize, transposed: bool) -> Tensor<2> {
    let shape = if transposed {
        [columns, rows]
    } else {
        [rows, columns]
    };
    let tensor = Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex());
    if transposed {
        tensor.transpose()
    } else {
        tensor
    }
}

/// The shortest of some times, since other work on the machine only lengthens them.
fn shortest(times: &[f64]) -> f64 {
    times.iter().copied().fold(f64::INFINITY, f64::min)
}

fn timed(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.use_current_thread()
        .build_global()
        .expect("no pool exists yet");
    println!("| d | product | m, k, n | gemm GFLOP/s | faer GFLOP/s |\n|---|---|---|---|---|");
    for hidden in [8, 30, 50, 64, 100, 300, 1000] {
        let mut totals = [0.0; 2];
        for Product {
            name,
            m,
            k,
            n,
            transposed: [left_turned, right_turned],
        } in products(hidden)
        {
            let (left, right) = (values(m * k), values(k * n));
            let (a, b) = (
                tensor(&left, m, k, left_turned),
                tensor(&right, k, n, right_turned),
            );
            let mut out = vec![0.0; m * n];
            let (mut gemm, mut faer) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS {
                gemm.push(timed(|| drop(a.clone().matmul(b.clone()))));
                faer.push(timed(|| {
                    let out = MatMut::from_row_major_slice_mut(&mut out, m, n);
                    let left = factor(&left, m, k, left_turned);
                    let right = factor(&right, k, n, right_turned);
                    matmul(out, Accum::Replace, left, right, 1.0, Par::Seq);
                }));
            }
            let times = [shortest(&gemm), shortest(&faer)];
            totals = [totals[0] + times[0], totals[1] + times[1]];
            let [gemm, faer] = times.map(|seconds| 2e-9 * (m * k * n) as f64 / seconds);
            println!("| {hidden} | {name} | {m}, {k}, {n} | {gemm:.0} | {faer:.0} |");
        }
        let [gemm, faer] = totals.map(|seconds| 1e3 * seconds);
        println!("| {hidden} | all | | {gemm:.2} ms | {faer:.2} ms |");
    }
}
