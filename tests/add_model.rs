//! The page "Add a model", step by step in a copy of this workspace: a network, a task kind that trains it, a line
//! in the list; nothing else is touched, and its layers are analysed.

use eigenscope_stage::Stage;
use eigenscope_testing::{WorkspaceCopy, section_of};
use serde_json::json;

/// Step 1: convolutions with biases, and a bilinear gate before the classes.
const NETWORK: &str = r#"
/// Convolutions 3 x 3 with ReLU, `conv1`, `conv2`, ...; `gate`, `classifier`.
pub fn gated_cnn(channels: Vec<usize>, hidden: usize) -> Network {
    let window = Window::new(3, 1);
    let hidden = Size::Parameter { name: "hidden", value: hidden, times: 2 };
    let rules = vec![
        Rule::ForEach {
            list: "channels",
            items: channels,
            rules: vec![Rule::convolution("conv#", Size::Item, window, Bias::Always), Rule::Relu],
        },
        Rule::linear("gate", hidden, Bias::Never),
        Rule::Gate,
        Rule::linear("classifier", Size::Classes, Bias::Never),
    ];
    Network::new("gated-cnn", rules)
}
"#;

const TASK: &str = r#"//! The task kind `gated-cnn`.

use eigenscope_models::networks;
use eigenscope_stage::{Context, Parameter, ParameterType, TaskError, TaskKind, task_function};
use serde::Deserialize;

use crate::optimiser::OptimiserKind;
use crate::schedule::{Schedule, Shape};
use crate::training::{LastBatch, Recipe};
use crate::task::{MathName, count, epochs, math, train_network, training_kind};

pub(crate) fn kind() -> TaskKind {
    let channels = ParameterType::list(count(64));
    training_kind::<Parameters>(
        &networks::gated_cnn(vec![8, 8], 16),
        "train convolutions with a gate after them",
        vec![
            Parameter::optional("channels", channels, vec![8, 8], "output channels"),
            Parameter::optional("hidden", count(64), 16, "values of the gate"),
            epochs(2),
            math(),
        ],
        task_function!(run),
    )
}

#[derive(Deserialize)]
struct Parameters {
    channels: Vec<usize>,
    hidden: usize,
    epochs: u32,
    math: MathName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { channels, hidden, epochs, math } = context.parameters()?;
    let recipe = Recipe {
        epochs,
        epoch_fraction: 1.0,
        batch: 64,
        last_batch: LastBatch::Kept,
        learning_rate: 0.01,
        schedule: Schedule::new(Shape::Constant),
        optimiser: OptimiserKind::adamw(0.0),
        augment: Vec::new(),
        evaluate_before: false,
    };
    train_network(context, &networks::gated_cnn(channels, hidden), math, &recipe)
}
"#;

const PIPELINE: &str = r#"
[data.digits]

[train.gated-cnn]
data = "data.digits"
channels = [2, 3, 4]
hidden = 5

[decompose.activations]
kind = "activation-covariance"
model = "train.gated-cnn"
data = "data.digits"
layers = ["conv3", "gate"]

[metric.clipping]
model = "train.gated-cnn"
bases = "decompose.activations"
data = "data.digits"
"#;

#[test]
fn the_steps_of_the_page_are_enough() {
    let steps = section_of("docs/contributing/add-a-model.md", "# Add a model");
    for file in [
        "crates/models/src/networks.rs",
        "crates/train/src",
        "`kinds()`",
    ] {
        assert!(steps.contains(file), "the steps do not name {file}");
    }

    let copy = WorkspaceCopy::new(PIPELINE);
    copy.append("models/src/networks.rs", NETWORK);
    copy.add("train/src/gated_cnn.rs", TASK);
    let list = "train/src/lib.rs";
    copy.edit(list, "mod initialise;", "mod gated_cnn;\nmod initialise;");
    copy.edit(
        list,
        "once(bilinear::kind())",
        "once(bilinear::kind())\n        .chain(std::iter::once(gated_cnn::kind()))",
    );
    // What the kind says about its models is true of them.
    let case = "(networks::convnet(), json!({})),";
    let parameters = "json!({ \"channels\": [2, 3], \"hidden\": 5 })";
    let added = format!("{case}\n(networks::gated_cnn(vec![2, 3], 5), {parameters}),");
    copy.edit("train/tests/description.rs", case, &added);
    copy.test("description");
    let project = copy.build(&[Stage::Train]);
    project.assert_adds(Stage::Train, "gated-cnn");
    project.run();
    project.assert_reproduces(&project.artifacts("artifacts"));
    let query = "select layer, inputs from metric_clipping_learned_dimensions order by layer";
    let answer = project.json(&["sql", "p.toml", query]);
    // Three channels of 3 x 3 pixels; four channels of what three convolutions leave of 8 x 8 pixels.
    assert_eq!(answer["rows"], json!([["conv3", 27], ["gate", 16]]));
}
