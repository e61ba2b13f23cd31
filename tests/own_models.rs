//! Models that cross the border: exported, and imported again.

use eigenscope_artifact::{NamedTensor, TENSORS, TensorReader, summarise};
use eigenscope_testing::TestProject;
use serde_json::Value;

const PIPELINE: &str = r#"
[data.digits]
transforms = ["scale", { resize = { height = 16, width = 16 } }]
train_fraction = 0.2

[train.convnet]
data = "data.digits"
epochs = 1

[train.bilinear]
data = "data.digits"
hidden = 6
epochs = 2
batch = 64

[train.mlp]
data = "data.digits"
widths = [[6], [5, 4]]
epochs = 1
batch = 16

[decompose.embedding]
model = "train.convnet"
data = "data.digits"

[figure.training]
histories = "train.convnet"
"#;

const AGAIN: &str = r#"
[model.convnet]
file = "convnet.safetensors"
data = "data.digits"

[model.bilinear]
file = "bilinear.safetensors"
data = "data.digits"

[model.theirs]
file = "mlp.safetensors"
data = "data.digits"
steps = [{ linear = { outputs = 5, bias = false, name = "layer1" } }, "relu",
         { linear = { outputs = 4, bias = false, name = "layer2" } }, "relu",
         { linear = { outputs = "classes", bias = false, name = "layer3" } }]

[model.graph]
file = "convnet.onnx"
data = "data.digits"

[model.bilinear-graph]
kind = "model"
file = "bilinear.onnx"
data = "data.digits"

[metric.accuracy]
model = "model.convnet"
data = "data.digits"

[metric.original]
kind = "accuracy"
model = "train.convnet"
data = "data.digits"

[decompose.interaction]
model = "model.bilinear"

[decompose.weight-covariance]
model = "model.theirs"
layers = ["layer2"]
"#;

/// Content of an output of a task.
fn content(project: &TestProject, task: &str, table: &str) -> String {
    let path = project.path(&format!("artifacts/p/{task}/{table}.parquet"));
    summarise(&path).expect(task).content.to_string()
}

/// Weights of a model.
fn tensors(project: &TestProject, task: &str) -> Vec<NamedTensor> {
    let path = project.path(&format!("artifacts/p/{task}/tensors.parquet"));
    let reader = TensorReader::open(&path, TENSORS).expect(task);
    reader.read().expect(task)
}

#[test]
fn a_model_that_was_exported_is_imported_as_the_same_model() {
    let project = TestProject::new(PIPELINE);
    project.call(&["run", "p.toml"]).expect(0);
    for (task, file) in [
        ("train.convnet", "convnet"),
        ("train.bilinear", "bilinear"),
        ("train.mlp[widths=5-4]", "mlp"),
    ] {
        let file = format!("data/{file}.safetensors");
        let answer = project
            .call(&["export", "p.toml", task, "-o", &file])
            .expect(0);
        assert_eq!(answer.stdout, format!("{file}\n"));
        assert!(
            answer.stderr.contains("class Model(nn.Module):"),
            "{}",
            answer.stderr
        );
        assert!(answer.stderr.contains(&format!("load_file(\"{file}\")")));
        let file = file.replace(".safetensors", ".onnx");
        project
            .call(&["export", "p.toml", task, "-o", &file])
            .expect(0);
    }
    project.write("p.toml", format!("{PIPELINE}{AGAIN}"));
    project.call(&["run", "p.toml"]).expect(0);
    for (ours, theirs) in [
        ("train.convnet", "model.convnet"),
        ("train.bilinear", "model.bilinear"),
        ("train.mlp,widths-5-4", "model.theirs"),
        ("train.convnet", "model.graph"),
        ("train.bilinear", "model.bilinear-graph"),
    ] {
        assert_eq!(
            tensors(&project, ours),
            tensors(&project, theirs),
            "{theirs}"
        );
    }
    // A built-in network is the same, down to its name.
    let model = |task| content(&project, task, "tensors");
    assert_eq!(model("train.convnet"), model("model.convnet"));
    let accuracy = |task| content(&project, task, "accuracy");
    assert_eq!(accuracy("metric.accuracy"), accuracy("metric.original"));
    let number = |query: &str| {
        let answer = project.json(&["sql", "p.toml", query]);
        answer["rows"][0].clone()
    };
    assert_eq!(
        number("select accuracy_fraction, loss_nats from metric_accuracy"),
        number(
            "select test_accuracy_fraction, test_loss_nats from train_convnet_history where epoch = 1"
        )
    );

    // A file that changed is imported again, one that did not is not.
    let status = project.json(&["status", "p.toml"]);
    let current = |status: &Value| {
        let tasks = status["tasks"].as_array().expect("tasks").iter();
        let current = tasks.filter(|task| task["state"] == "current");
        current.count()
    };
    let all = current(&status);
    let bytes = std::fs::read(project.path("data/mlp.safetensors")).expect("there");
    let mut changed = bytes.clone();
    let last = changed.len() - 2;
    changed[last] ^= 1;
    project.write("data/mlp.safetensors", changed);
    let status = project.json(&["status", "p.toml"]);
    assert_eq!(current(&status), all - 2, "{status}");
    project.write("data/mlp.safetensors", bytes);
    let status = project.json(&["status", "p.toml"]);
    assert_eq!(current(&status), all, "{status}");
}

#[test]
fn results_of_a_file_that_is_gone_can_be_used() {
    let project = TestProject::new(
        "[data.digits]\n[train.mlp]\ndata = \"data.digits\"\nwidths = [4]\nepochs = 1\n",
    );
    project.run();
    let file = "data/theirs.safetensors";
    project
        .call(&["export", "p.toml", "train.mlp", "-o", file])
        .expect(0);
    project.write(
        "m.toml",
        "[data.digits]\n[model.theirs]\nkind = \"mlp\"\nfile = \"theirs.safetensors\"\ndata = \"data.digits\"\n\
         [metric.accuracy]\nmodel = \"model.theirs\"\ndata = \"data.digits\"\n\
         [decompose.weights]\nkind = \"weight-covariance\"\nmodel = \"model.theirs\"\nlayers = [\"layer2\"]\n",
    );
    project.call(&["run", "m.toml"]).expect(0);
    std::fs::rename(project.path(file), project.path("data/moved.safetensors")).expect("moved");
    let missing = "there is no file";
    let status = project.call(&["status", "m.toml", "--check"]).expect(0);
    for part in [
        "4 of 4 tasks are up to date",
        missing,
        "theirs.safetensors",
        "moved.safetensors",
    ] {
        assert!(status.stdout.contains(part), "{part}: {}", status.stdout);
    }
    let query = "select images from metric_accuracy";
    assert_eq!(project.json(&["sql", "m.toml", query])["rows"][0][0], 360);
    project
        .call(&["export", "m.toml", "model.theirs", "-o", "again.onnx"])
        .expect(0);
    project
        .call(&["show", "artifacts/m/model.theirs"])
        .expect(0);
    project.call(&["run", "m.toml"]).expect(0);
    // What has to be made again is refused, with its place.
    let text = project.read("m.toml").replace("\"mlp\"", "\"cnn\"");
    project.write("m.toml", text);
    project.call(&["status", "m.toml", "--check"]).expect(3);
    for more in [&["run", "m.toml"][..], &["run", "m.toml", "--dry-run"]] {
        project
            .call(more)
            .expect(2)
            .explains(&[missing, "m.toml:4:8"]);
    }
    project.call(&["run", "m.toml", "data.digits"]).expect(0);
}

#[test]
fn layers_of_an_imported_model_are_known_before_it_is() {
    let project = TestProject::new(PIPELINE);
    project.call(&["run", "p.toml", "train.mlp"]).expect(0);
    let export = ["export", "p.toml", "train.mlp[widths=6]", "-o"];
    project
        .call(&[&export[..], &["data/mlp.safetensors"]].concat())
        .expect(0);
    let model = |more: &str| {
        let text = format!(
            "{PIPELINE}\n[model.theirs]\nfile = \"mlp.safetensors\"\ndata = \"data.digits\"\n{more}"
        );
        project.write("p.toml", text);
        project.call(&["run", "p.toml", "--dry-run"])
    };
    let steps = "steps = [{ linear = { outputs = 6, bias = false } }, \"relu\", { linear = { outputs = 10, bias = false } }]\n";
    let reader = "[decompose.weight-covariance]\nmodel = \"model.theirs\"\nlayers = [\"conv1\"]\n";
    let answer = model(&format!("{steps}{reader}")).expect(2);
    answer.explains(&[
        "`conv1`, which is not one of the layers of `model.theirs`",
        "linear1",
    ]);
    let interaction = "[decompose.interaction]\nmodel = \"model.theirs\"\n";
    model(&format!("{steps}{interaction}"))
        .expect(2)
        .explains(&["`model.theirs` (kind model) is not bilinear"]);
    model("steps = [\"rleu\"]\n")
        .expect(2)
        .explains(&["rleu", "relu"]);
    model("")
        .expect(2)
        .explains(&["does not say what is computed", "eigenscope inspect"]);
    let named = project
        .read("p.toml")
        .replace("[model.theirs]", "[model.mlp]");
    project.write("p.toml", format!("{named}{steps}"));
    project.call(&["run", "p.toml"]).expect(2).explains(&[
        "unknown key `steps` in [model.mlp]",
        "the table is of kind `mlp`, as it is called so",
        "or add kind = \"model\"",
    ]);
    model(&steps.replace("= 6", "= 7")).expect(2).explains(&[
        "`linear1.weight` from `layer1.weight` has shape [6, 256], the network needs [7, 256]",
    ]);
    project.write("data/other.pth", "");
    model("kind = \"mlp\"\n").expect(0);
    std::fs::remove_file(project.path("data/mlp.safetensors")).expect("removed");
    model("kind = \"mlp\"\n").expect(2).explains(&[
        "there is no file",
        "mlp.safetensors",
        "other.pth",
    ]);
}

#[test]
fn results_are_exported_for_other_programs() {
    let project = TestProject::new(PIPELINE);
    project.call(&["run", "p.toml"]).expect(0);
    let export = |more: &[&str]| project.call(&[&["export", "p.toml"], more].concat());
    let history = ["train.convnet", "-o", "-", "--table", "history"];
    let csv = export(&[&history[..], &["--format", "csv"]].concat())
        .expect(0)
        .stdout;
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some(
            "epoch,learning_rate,train_loss_nats,train_accuracy_fraction,test_loss_nats,test_accuracy_fraction"
        )
    );
    assert!(
        lines
            .next()
            .is_some_and(|line| line.starts_with("1,0.001,"))
    );
    for (task, file, magic) in [
        ("train.convnet", "weights.npz", &b"PK"[..]),
        ("decompose.embedding", "embedding.npz", b"PK"),
        ("decompose.embedding", "embedding.arrow", b"ARROW1"),
        ("data.digits", "images.npz", b"PK"),
    ] {
        export(&[task, "-o", file]).expect(0);
        let bytes = std::fs::read(project.path(file)).expect("written");
        assert!(bytes.starts_with(magic), "{file}");
    }
    // An archive names its arrays: those of a model are its weights, unless another table is asked for.
    let holds = |file: &str, array: &str| {
        let bytes = std::fs::read(project.path(file)).expect("written");
        let name = format!("{array}.npy");
        bytes
            .windows(name.len())
            .any(|part| part == name.as_bytes())
    };
    assert!(holds("weights.npz", "conv1.weight"));
    assert!(!holds("weights.npz", "train_loss_nats"));
    export(&["train.convnet", "-o", "history.npz", "--table", "history"]).expect(0);
    assert!(holds("history.npz", "train_loss_nats"));
    export(&["decompose.embedding", "--projector", "projector"]).expect(0);
    let read = |name: &str| project.read(&format!("projector/{name}"));
    let (vectors, metadata) = (read("vectors.tsv"), read("metadata.tsv"));
    assert_eq!(metadata.lines().count(), vectors.lines().count() + 1);
    assert_eq!(
        vectors.lines().next().map(|line| line.split('\t').count()),
        Some(128)
    );
    assert!(read("projector_config.pbtxt").contains("single_image_dim: 8"));
    let sprite = std::fs::read(project.path("projector/sprite.png")).expect("written");
    // 360 test images of 8 x 8 pixels in rows of 19.
    assert_eq!(sprite[16..24], [0, 0, 0, 152, 0, 0, 0, 152]);

    for (arguments, words) in [
        (&["train.mlp", "-o", "a.onnx"][..], "means 2 tasks"),
        (&["train.convnet", "-o", "a.txt"], "names no format"),
        (&["data.digits", "-o", "a.onnx"], "writes no tensors"),
        (
            &["train.convnet", "-o", "a.csv", "--table", "final"],
            "it writes tensors, history",
        ),
        (
            &["train.convnet", "-o", "a.csv"],
            "choose one with --table: tensors, history",
        ),
        (
            &["train.convnet", "-o", "a.arrow"],
            "choose one with --table: tensors, history",
        ),
        (
            &["figure.training", "-o", "a.csv"],
            "a figure is no table; its files are in artifacts/p/figures",
        ),
        (
            &["figure.training", "-o", "a.onnx"],
            "a figure is no table; its files are in artifacts/p/figures",
        ),
        (
            &["train.convnet", "-o", "a.onnx", "--format", "csv"],
            "the ending of a.onnx means onnx, and --format says csv",
        ),
        (
            &["train.convnet", "-o", "a.safetensors", "--table", "history"],
            "--table history has no meaning for .safetensors, which holds a model",
        ),
        (
            &["train.convnet", "-o", "a.onnx", "--snippet", "a.py"],
            "--snippet has no meaning for .onnx",
        ),
        (
            &["data.digits", "-o", "a.csv", "--snippet", "a.py"],
            "--snippet has no meaning for .csv",
        ),
        (
            &["data.digits", "-o", "a.npz", "--format", "csv"],
            "the ending of a.npz means npz, and --format says csv",
        ),
    ] {
        export(arguments).expect(2).explains(&[words]);
    }
    for file in [
        "a.csv",
        "a.arrow",
        "a.npz",
        "a.onnx",
        "a.safetensors",
        "a.py",
    ] {
        assert!(!project.path(file).exists(), "{file}");
    }
    // An ending that agrees, or names no format, is no contradiction.
    for file in ["b.csv", "b.txt"] {
        export(&["data.digits", "-o", file, "--format", "csv"]).expect(0);
    }
    project.edit("epochs = 1\n", "epochs = 3\n");
    export(&["train.convnet", "-o", "a.safetensors"])
        .expect(2)
        .explains(&["is not up to date", "eigenscope run p.toml 'train.convnet'"]);
}
