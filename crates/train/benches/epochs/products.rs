//! The plain matrix products that an epoch of training consists of, on one thread.

use std::time::Instant;

use burn::tensor::{Device, Tensor, TensorData};

use crate::Failure;
use crate::workload::Workload;

/// The fastest of so many counts.
const ATTEMPTS: usize = 7;

/// Seconds of the products of one epoch in the order by the book: every linear map forward, and backward for its
/// weights and, but for the first, for what it reads.
pub(crate) fn seconds(workload: &Workload) -> Result<f64, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let rows = workload.batch;
    let mut step = 0.0;
    for (position, layer) in workload.architecture()?.layers() {
        let (inputs, outputs) = (layer.inputs(), layer.outputs);
        let (x, weight, gradient) = (
            tensor([rows, inputs]),
            tensor([outputs, inputs]),
            tensor([rows, outputs]),
        );
        pool.install(|| {
            step += fastest(|| x.clone().matmul(weight.clone().transpose()));
            step += fastest(|| gradient.clone().transpose().matmul(x.clone()));
            if position > 0 {
                step += fastest(|| gradient.clone().matmul(weight.clone()));
            }
        });
    }
    Ok(step * (workload.trained() / rows) as f64)
}

fn tensor(shape: [usize; 2]) -> Tensor<2> {
    let values: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i % 13) as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn fastest(product: impl Fn() -> Tensor<2>) -> f64 {
    let times = (0..ATTEMPTS).map(|_| {
        let start = Instant::now();
        drop(product());
        start.elapsed().as_secs_f64()
    });
    times.fold(f64::INFINITY, f64::min)
}
