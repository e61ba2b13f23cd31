//! What a training task does beside training: its program starts, reads the images and writes the model, which others read.
//!
//! `cargo bench --workspace --bench files`. Sizes are those of MNIST and of the largest model of the sweep (11 MB).

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use divan::{Bencher, black_box};
use eigenscope_artifact::{ImageReader, InputShape, Split};
use eigenscope_models::{StoredModel, networks};
use eigenscope_stage::Seed;
use eigenscope_testing::{self as testing, class_names, image_header, program, provenance};
use eigenscope_train::{DataSet, initialise};
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// The stage program is started and says what it can do.
#[divan::bench(sample_count = 50)]
fn process_start(bencher: Bencher<'_, '_>) {
    let program = program("eigenscope-train");
    bencher.bench_local(|| {
        let describe = Command::new(&program)
            .arg("describe")
            .stdout(Stdio::null())
            .status();
        assert!(describe.expect("it starts").success());
    });
}

/// 60,000 and 10,000 images from the file to the inputs of a network, with all checks.
#[divan::bench(sample_count = 20)]
fn images_read(bencher: Bencher<'_, '_>) {
    let folder = folder();
    let path = folder.path().join("images.parquet");
    write_images(&path);
    bencher.bench_local(|| {
        let reader = ImageReader::open(black_box(&path)).expect("readable");
        let pixels = reader.pixels().clone();
        let images = reader.read().expect("readable");
        [images.train, images.test].map(|split| {
            let data = DataSet::new(&pixels, split.pixels, split.labels);
            // Inputs are made when they are first asked for.
            black_box(data.batches().count());
            data
        })
    });
}

#[divan::bench(sample_count = 20)]
fn model_write(bencher: Bencher<'_, '_>) {
    let folder = folder();
    let path = folder.path().join("tensors.parquet");
    let model = model();
    bencher.bench_local(|| {
        model
            .write(black_box(&path), &provenance())
            .expect("writable")
    });
}

#[divan::bench(sample_count = 20)]
fn model_read(bencher: Bencher<'_, '_>) {
    let folder = folder();
    let path: PathBuf = folder.path().join("tensors.parquet");
    model().write(&path, &provenance()).expect("writable");
    bencher.bench_local(|| StoredModel::read(black_box(&path)).expect("readable"));
}

/// A folder on the disk that the results lie on; `/tmp` may be memory.
fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

fn model() -> StoredModel {
    let network = networks::bilinear(1000, false)
        .architecture(InputShape::from([1, 28, 28]), class_names(10));
    let network = network.expect("any input fits");
    let tensors = initialise(&network, Seed(1));
    StoredModel::new(network, tensors).expect("its own tensors fit")
}

/// Images of which about a fifth of the pixels is not zero, as in MNIST.
fn write_images(path: &Path) {
    let header = image_header([1, 28, 28], 255, class_names(10));
    let mut stream = Seed(1).stream("pixels", 0);
    let mut split = |count: u32| {
        let mut pixel = |i: usize| match i / 7 % 5 {
            0 => stream.next_u64() as u8,
            _ => 0,
        };
        Split {
            indices: (0..count).collect(),
            labels: (0..count).map(|image| (image % 10) as u16).collect(),
            pixels: (0..count as usize * 784).map(&mut pixel).collect(),
        }
    };
    let splits = [split(60_000), split(10_000)];
    testing::write_images(path, &header, splits.each_ref(), &provenance());
}
