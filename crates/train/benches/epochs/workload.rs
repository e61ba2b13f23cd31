//! What is measured: networks, sizes of data, and the files that both programs read.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{
    ImageHeader, ImageWriter, InputShape, PixelTransform, SourceCheck, Split, SplitName,
};
use eigenscope_models::{Architecture, Network, networks};
use eigenscope_stage::Seed;
use eigenscope_testing::provenance;
use serde_json::{Value, json};

use crate::Failure;

/// A network trained by one task kind on images of one size.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) network: Network,
    /// Side of the stored images, and of the inputs they become.
    pub(crate) stored: usize,
    pub(crate) side: usize,
    pub(crate) train: usize,
    pub(crate) test: usize,
    pub(crate) batch: usize,
    /// Epochs measured after the first.
    pub(crate) epochs: usize,
    /// Parameters of the task beside epochs and batch.
    pub(crate) parameters: Value,
}

/// A workload with its files.
pub(crate) struct Prepared {
    pub(crate) workload: Workload,
    pub(crate) folder: PathBuf,
    pub(crate) images: PathBuf,
    /// What the PyTorch script is told.
    pub(crate) script: PathBuf,
}

/// All workloads: the sizes of the sweep at MNIST's size, and the networks with convolutions on fewer images.
pub(crate) fn all() -> Vec<Workload> {
    let bilinear = |name, hidden, epochs| Workload {
        name,
        kind: "bilinear",
        network: networks::bilinear(hidden, false),
        stored: 28,
        side: 28,
        train: 60_000,
        test: 10_000,
        batch: 2048,
        epochs,
        parameters: json!({
            "hidden": hidden, "bias": false, "learning_rate": 1e-3, "weight_decay": 1.0, "noise_std": 0.4,
        }),
    };
    let adam = json!({"learning_rate": 1e-3});
    let convolutional = |name, network, side, parameters| Workload {
        name,
        kind: name,
        network,
        stored: side,
        side,
        train: 10_000,
        test: 2000,
        batch: 128,
        epochs: 3,
        parameters,
    };
    let channels = vec![32, 64];
    let momentum = json!({"channels": channels, "learning_rate": 0.01, "momentum": 0.9});
    let embedding = json!({"embedding": 3, "learning_rate": 1e-3});
    vec![
        bilinear("bilinear-30", 30, 20),
        bilinear("bilinear-50", 50, 15),
        bilinear("bilinear-100", 100, 10),
        bilinear("bilinear-300", 300, 4),
        bilinear("bilinear-500", 500, 2),
        bilinear("bilinear-1000", 1000, 1),
        convolutional("cnn", networks::cnn(channels), 32, momentum),
        convolutional("convnet", networks::convnet(), 28, adam),
        Workload {
            stored: 28,
            train: 1000,
            test: 200,
            batch: 64,
            epochs: 1,
            ..convolutional("embedding-net", networks::embedding_net(3), 221, embedding)
        },
    ]
}

impl Workload {
    /// Whether it consists of matrix products.
    pub(crate) fn is_linear(&self) -> bool {
        self.kind == "bilinear"
    }

    pub(crate) fn architecture(&self) -> Result<Architecture, Failure> {
        let input = InputShape::from([1, self.side, self.side]);
        let classes = (0..10).map(|class| class.to_string()).collect();
        Ok(self.network.architecture(input, classes)?)
    }

    /// Images of an epoch that are trained on.
    pub(crate) fn trained(&self) -> usize {
        match self.is_linear() {
            true => self.train / self.batch * self.batch,
            false => self.train,
        }
    }

    /// Floating-point operations of an epoch by the book: two for each weight and place, forward, backward for the
    /// weights, and backward for what the layer reads unless these are the images; and forward on the test images.
    pub(crate) fn operations(&self) -> Result<f64, Failure> {
        let mut operations = 0.0;
        for (position, layer) in self.architecture()?.layers() {
            let once = 2.0 * layer.multiplications();
            let passes = if position == 0 { 2.0 } else { 3.0 };
            operations += once * (passes * self.trained() as f64 + self.test as f64);
        }
        Ok(operations)
    }

    /// Writes the images for our program and for the PyTorch script.
    pub(crate) fn prepare(&self, folder: &Path) -> Result<Prepared, Failure> {
        let images = folder.join("images.parquet");
        let transforms = if self.side == self.stored {
            vec![PixelTransform::Scale]
        } else {
            let (height, width) = (self.side, self.side);
            vec![
                PixelTransform::Scale,
                PixelTransform::Resize { height, width },
            ]
        };
        let header = ImageHeader {
            height: self.stored,
            width: self.stored,
            channels: 1,
            maximum: 255,
            classes: (0..10).map(|class| class.to_string()).collect(),
            transforms,
            source: SourceCheck::Unpublished,
        };
        let mut writer = ImageWriter::create(&images, header, &provenance())?;
        for (name, count) in [(SplitName::Train, self.train), (SplitName::Test, self.test)] {
            let split = made_up(count, self.stored * self.stored, name);
            let path = folder.join(format!("{}.u8", name.name()));
            std::fs::write(path, &split.pixels)?;
            writer.write(name, &split)?;
        }
        writer.finish()?;
        let script = folder.join("workload.json");
        let told = json!({
            "kind": self.kind, "parameters": self.parameters, "stored": self.stored, "side": self.side, "folder": folder,
            "train": self.train, "test": self.test, "batch": self.batch, "epochs": self.epochs,
        });
        std::fs::write(&script, serde_json::to_vec(&told)?)?;
        Ok(Prepared {
            workload: self.clone(),
            folder: folder.to_owned(),
            images,
            script,
        })
    }
}

/// Noisy images of ten patterns, image i of class i modulo 10.
fn made_up(count: usize, width: usize, name: SplitName) -> Split {
    let mut patterns = Seed(1).stream("patterns", 0);
    let patterns: Vec<u64> = (0..10 * width).map(|_| patterns.next_u64()).collect();
    let mut noise = Seed(1).stream(name.name(), 0);
    Split {
        indices: (0..count as u32).collect(),
        labels: (0..count).map(|image| (image % 10) as u16).collect(),
        pixels: (0..count)
            .flat_map(|image| &patterns[image % 10 * width..][..width])
            .map(|pattern| ((pattern & 127) + (noise.next_u64() & 127)) as u8)
            .collect(),
    }
}
