//! The similarity of every two of 30 networks: one pass of each over the images, against one pass for each cell of the table.
//!
//! Networks of two convolutions (32 and 64 channels) on 500 grey images of 32 x 32, on one thread, compared by debiased CKA as by the
//! task kind `representation-similarity`. Prints how many passes there were and how long they took.
//!
//! `cargo bench --workspace --bench representations`
#![allow(
    clippy::print_stdout,
    reason = "a benchmark prints what it has measured"
)]

use std::cell::Cell;
use std::time::Instant;

use eigenscope_artifact::InputShape;
use eigenscope_metrics::representations::{Measure, Representation, compare};
use eigenscope_models::{Activations, StoredModel, networks};
use eigenscope_testing::{class_names, untrained};

const NETWORKS: usize = 30;
const IMAGES: usize = 500;
const MEASURES: [Measure; 1] = [Measure::DebiasedCka];

fn main() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    pool.build_global().expect("no pool exists yet");
    let models: Vec<StoredModel> = (0..NETWORKS as u64)
        .map(|seed| {
            let network = networks::cnn(vec![32, 64]);
            let architecture = network.architecture(InputShape::from([1, 32, 32]), class_names(10));
            untrained(&architecture.expect("it fits"), seed)
        })
        .collect();
    let watch = Watch::new();

    let start = Instant::now();
    let kept: Vec<Representation> = models.iter().map(|model| watch.pass(model)).collect();
    let of_passes = start.elapsed().as_secs_f64();
    let table = compare(&kept, &MEASURES);
    let of_all = start.elapsed().as_secs_f64();
    println!(
        "{NETWORKS} networks, {IMAGES} images: {} passes in {of_passes:.2} s, with all comparisons {of_all:.2} s",
        watch.passes.take()
    );

    let start = Instant::now();
    let mut cells = Vec::new();
    for row in &kept {
        for model in &models {
            let pair = [row.clone(), watch.pass(model)];
            // Of the table of two, the cell of the first and the second.
            cells.push(compare(&pair, &MEASURES)[0].values[1]);
        }
    }
    let by_cell = start.elapsed().as_secs_f64();
    let difference = cells.iter().zip(&table[0].values);
    let difference = difference.filter_map(|(cell, value)| Some(((*cell)? - (*value)?).abs()));
    println!(
        "a pass for each cell: {} passes, with all comparisons {by_cell:.1} s, {:.1} times as long; the tables differ by at most {:.0e}",
        watch.passes.take(),
        by_cell / of_all,
        difference.fold(0.0, f64::max)
    );
}

/// What networks are shown, and how often one ran over it.
struct Watch {
    inputs: Vec<f32>,
    passes: Cell<usize>,
}

impl Watch {
    fn new() -> Self {
        let number = |index: usize| (7919 * index % 1009) as f32 / 1009.0 - 0.5;
        Self {
            inputs: (0..IMAGES * 1024).map(number).collect(),
            passes: Cell::new(0),
        }
    }

    /// What the last layer of a network reads of all images.
    fn pass(&self, model: &StoredModel) -> Representation {
        self.passes.set(self.passes.get() + 1);
        let layer = ["linear".to_owned()];
        let activations = Activations::new(model, &layer).expect("it loads");
        let read = activations
            .of(self.inputs.clone(), IMAGES)
            .expect("it runs");
        Representation::new("it", &read[0], IMAGES, &MEASURES, 0.5).expect("finite")
    }
}
