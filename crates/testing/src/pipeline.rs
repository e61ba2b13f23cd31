//! Small pipelines.

/// Two sizes, two seeds, a few epochs: seconds of work, every stage.
pub const PIPELINE: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
seed = [0, 1]
epochs = 3
batch = 64

[decompose.interaction]
model = "train.bilinear"

[metric.final]
kind = "final-accuracy"
histories = "train.bilinear"

[metric.similarity]
eigenpairs = "decompose.interaction"
variant = ["corrected", "published"]
reference = 6
count = 4

[metric.similarity-map]
eigenpairs = "decompose.interaction"

[metric.truncation]
model = "train.bilinear"
eigenpairs = "decompose.interaction"
data = "data.digits"

[metric.truncation-summary]
truncations = "metric.truncation"

[figure.training]
histories = "train.bilinear"

[figure.similarity]
similarity = "metric.similarity"

[figure.similarity-map]
map = "metric.similarity-map"

[figure.truncation]
truncation = "metric.truncation-summary"

[figure.eigenvectors]
eigenpairs = "decompose.interaction[hidden=6,seed=0]"

[data.similar]
kind = "digits"
similarity_label = { similar-to = { train_image = 6, threshold = 0.7 } }

[train.ground-truth]
kind = "bilinear"
data = "data.similar"
hidden = 4
bias = true
epochs = 2
batch = 64

[decompose.ground-truth]
model = "train.ground-truth"
data = "data.similar"
variant = ["corrected", "published"]

[decompose.plain]
kind = "interaction"
model = "train.ground-truth"

[figure.ground-truth]
patterns = "decompose.ground-truth"

[figure.eigenspectrum]
spectrum = "decompose.plain"
eigenpairs = "decompose.plain"
"#;

/// Tasks of [`PIPELINE`].
pub const TASKS: usize =
    (1 + 4 + 4 + 1 + 2 + 1 + 4 + 1 + 1 + 2 + 1 + 1 + 1) + (1 + 1 + 2 + 1 + 2 + 1);

/// A pipeline of a second: two models of one sweep, and two tables of them.
pub const SWEEP: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [4, 6]
epochs = 2
batch = 64

[decompose.interaction]
model = "train.bilinear"

[metric.final]
kind = "final-accuracy"
histories = "train.bilinear"

[metric.similarity-map]
eigenpairs = "decompose.interaction"
"#;

/// Tasks of [`SWEEP`].
pub const SWEEP_TASKS: usize = 1 + 2 + 2 + 1 + 1;
