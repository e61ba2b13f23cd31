//! The networks, and made-up images for them.

use eigenscope_artifact::{InputShape, PixelTransform, Pixels};
use eigenscope_models::Architecture;
use eigenscope_models::steps::StepList;
use eigenscope_testing::class_names;
use eigenscope_train::{DataSet, Schedule, Shape, StepEpochs};
use serde_json::{Value, json};

pub(crate) const BATCH: usize = 128;

/// Images that times are measured on.
const MADE_UP: usize = 4 * BATCH;

/// A network with how it is trained.
pub(crate) struct Listed {
    pub(crate) steps: Value,
    pub(crate) classes: usize,
    pub(crate) learning_rate: f64,
    pub(crate) momentum: f64,
    pub(crate) weight_decay: f64,
    schedule: Schedule,
    /// Of the images.
    transforms: Vec<PixelTransform>,
    pub(crate) flips: bool,
}

impl Listed {
    /// Shape of an image.
    pub(crate) fn shape(&self) -> [usize; 3] {
        [3, 32, 32]
    }

    /// The learning rate of `epoch`, counted from 0, of `epochs`.
    pub(crate) fn rate(&self, epoch: u32, epochs: u32) -> f64 {
        self.schedule.rate(self.learning_rate, epoch, epochs)
    }

    pub(crate) fn pixels(&self) -> Pixels {
        Pixels::new(self.shape(), 255, &self.transforms).expect("they fit")
    }

    pub(crate) fn architecture(&self) -> Architecture {
        let list = StepList::parse(&self.steps).expect("a list");
        let input = InputShape::from(self.shape());
        let architecture = list.architecture("network", input, class_names(self.classes));
        architecture.expect("it fits")
    }
}

/// The training of `pipelines/resnet20.toml`.
pub(crate) fn resnet20() -> Listed {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../pipelines/resnet20.toml"
    ));
    let file: Value = toml::from_str(text).expect("a pipeline file");
    let training = &file["train"]["resnet20"];
    let sgd = &training["optimiser"]["sgd"];
    let number = |value: &Value| value.as_f64().expect("a number");
    let warm_up = |value: &Value| value["warm_up"].as_u64().unwrap_or(0) as u32;
    let schedule = match &training["schedule"] {
        Value::Null => Schedule::new(Shape::Constant),
        given => match (&given["step"], &given["cosine"]) {
            (Value::Null, cosine) => Schedule {
                shape: Shape::Cosine,
                warm_up: warm_up(cosine),
            },
            (step, _) => Schedule {
                shape: Shape::Step {
                    epochs: serde_json::from_value::<StepEpochs>(step["epochs"].clone())
                        .expect("epochs"),
                    factor: number(&step["factor"]),
                },
                warm_up: warm_up(step),
            },
        },
    };
    let transforms = file["data"]["cifar10"]["transforms"].clone();
    Listed {
        steps: training["steps"].clone(),
        classes: 10,
        learning_rate: number(&sgd["learning_rate"]),
        momentum: number(&sgd["momentum"]),
        weight_decay: number(&sgd["weight_decay"]),
        schedule,
        transforms: serde_json::from_value(transforms).expect("transforms"),
        flips: training["augment"] == json!(["flip"]),
    }
}

/// Six convolutions in the way of VGG, each with ReLU, every second with pooling.
pub(crate) fn vgg() -> Listed {
    let conv = |channels| json!({ "conv": { "channels": channels, "kernel": 3, "padding": 1 } });
    let pair = |channels: usize| {
        let pool = json!({ "max-pool": 2 });
        [
            conv(channels),
            json!("relu"),
            conv(channels),
            json!("relu"),
            pool,
        ]
    };
    let mut steps: Vec<Value> = [64, 128, 256].into_iter().flat_map(pair).collect();
    steps.push(json!({ "linear": "classes" }));
    Listed {
        steps: Value::Array(steps),
        learning_rate: 0.01,
        ..resnet20()
    }
}

pub(crate) fn made_up() -> [DataSet; 2] {
    let listed = resnet20();
    let stored = (0..MADE_UP * 3 * 32 * 32).map(|value| (value * 7919 % 251) as u8);
    let labels = (0..MADE_UP).map(|image| (image % listed.classes) as u16);
    let images = DataSet::new(&listed.pixels(), stored.collect(), labels.collect());
    [images.clone(), images]
}
