//! Tasks on graphics cards, with an emulated one: what is found, what is refused, and results of one device beside those of another.
#![allow(clippy::expect_used, reason = "a test")]

use std::path::{Path, PathBuf};

use eigenscope_testing::{Answer, RunCounts, TestProject, emulated_cuda};

const PIPELINE: &str = r#"
[data.digits]

[train.bilinear]
data = "data.digits"
hidden = [6, 30]
epochs = 3
batch = 256
noise_std = 0.2

[metric.final-accuracy]
histories = "train.bilinear"
"#;

/// A run on a card where CUDA's libraries are not.
const ON_NO_CARD: [&str; 7] = [
    "run",
    "p.toml",
    "--offline",
    "--device",
    "cuda",
    "--cuda-libraries",
    "/nowhere/cuda",
];

/// Runs a command with the emulated card, which is `like` this.
fn on_card(project: &TestProject, libraries: &Path, like: &str, arguments: &[&str]) -> Answer {
    let mut command = project.command(arguments);
    command
        .env("EIGENSCOPE_CUDA_LIBRARIES", libraries)
        .env("EMULATED_CUDA", like);
    Answer::of(&mut command)
}

fn counts(answer: Answer) -> RunCounts {
    RunCounts::read(&answer.expect(0).stderr)
}

/// Runs the pipeline with the emulated card.
fn run(project: &TestProject, libraries: &Path, device: &str) -> RunCounts {
    let arguments = ["run", "p.toml", "--offline", "--device", device];
    counts(on_card(project, libraries, "cards=2", &arguments))
}

fn emulated() -> Option<(TestProject, PathBuf)> {
    Some((TestProject::new(PIPELINE), emulated_cuda()?))
}

#[test]
fn what_is_found_is_listed_and_what_is_not_with_where_it_was_looked_for() {
    let project = TestProject::new(PIPELINE);
    let mut command = project.command(&["devices", "--cuda-libraries", "/nowhere/cuda"]);
    let answer = Answer::of(&mut command).expect(0);
    for part in [
        "cuda      not used: the CUDA driver was not found: no libcuda.so.1 in /nowhere/cuda (install the driver of the card)",
        "cuda      not used: NVRTC was not found: no libnvrtc.so.13 in /nowhere/cuda",
        "cuda      not used: cuBLAS was not found: no libcublas.so.13 in /nowhere/cuda",
    ] {
        assert!(answer.stdout.contains(part), "{}", answer.stdout);
    }
    let Some(libraries) = emulated_cuda() else {
        return;
    };
    let listed = |like: &str| {
        on_card(&project, &libraries, like, &["devices"])
            .expect(0)
            .stdout
    };
    let text = listed("cards=2,memory=4096");
    assert!(
        text.contains("cuda 1    emulated card, compute capability 9.0, 4096 MiB"),
        "{text}"
    );
    assert!(listed("none").contains("not used: the driver lists no card"));
    assert!(
        listed("fails")
            .contains("not used: the CUDA driver: cuInit failed: unknown error (error 999)")
    );
    let answer = on_card(&project, &libraries, "", &["devices", "--json"]);
    let json = answer.expect(0).json();
    assert_eq!(json["cards"][0]["name"], "emulated card");
    assert_eq!(json["reasons"], serde_json::json!([]));
}

#[test]
fn a_card_that_is_asked_for_and_not_there_is_an_error_with_the_reason() {
    let project = TestProject::new(PIPELINE);
    let answer = project.call(&ON_NO_CARD).expect(2);
    let answer = answer.explains(&[
        "`train.bilinear[hidden=6]` computes on a graphics card, and there is none here: the CUDA driver, NVRTC and cuBLAS were not found in \
         /nowhere/cuda",
        "`--device cuda` asks for a card",
        "`--device cpu` computes on the processor",
        "`eigenscope devices --cuda-libraries /nowhere/cuda` says where",
    ]);
    assert!(answer.stderr.len() < 500, "{}", answer.stderr);
    for (variable, asked) in [
        (Some("cuda"), "`EIGENSCOPE_DEVICE=cuda` asks for a card"),
        (
            None,
            "`device = \"cuda\"`, or a parameter that is for cards only, of p.toml asks for a card",
        ),
    ] {
        let file = match variable {
            Some(_) => PIPELINE.to_owned(),
            None => format!("device = \"cuda\"\n{PIPELINE}"),
        };
        project.write("p.toml", file);
        let mut command = project.command(&["run", "p.toml", "--offline"]);
        command.env("EIGENSCOPE_CUDA_LIBRARIES", "/nowhere/cuda");
        command.envs(variable.map(|device| ("EIGENSCOPE_DEVICE", device)));
        Answer::of(&mut command).expect(2).explains(&[asked]);
    }
    project.write("p.toml", PIPELINE);
    let dry = project
        .call(&[&ON_NO_CARD[..], &["--dry-run"]].concat())
        .expect(0);
    dry.explains(&[
        "2 tasks compute on a graphics card, and there is none here: the CUDA driver, NVRTC and cuBLAS were not found in /nowhere/cuda",
        "`eigenscope devices`",
    ]);
    // Nobody has to have a card to look at the plan, nor for tasks that need none.
    project
        .call(&["status", "p.toml", "--device", "cuda"])
        .expect(0);
    project
        .call(&["run", "p.toml", "data.*", "--offline", "--device", "cuda"])
        .expect(0);
    let arguments = [
        "run",
        "p.toml",
        "--offline",
        "--device",
        "auto",
        "--cuda-libraries",
        "/nowhere/cuda",
    ];
    assert_eq!(counts(project.call(&arguments)).ran, 3);
    // The variable is asked if the command line says nothing.
    let mut command = project.command(&["status", "p.toml"]);
    let answer = Answer::of(command.env("EIGENSCOPE_DEVICE", "gpu")).expect(2);
    assert!(
        answer
            .stderr
            .contains("EIGENSCOPE_DEVICE is `gpu`: it should be one of cpu, cuda, auto"),
        "{}",
        answer.stderr
    );
}

/// What was computed on the processor is all there is, and a page of it is not to be lost for a word too much.
#[test]
fn a_page_is_not_replaced_by_one_that_lacks_the_results_of_another_device() {
    let project = TestProject::new(PIPELINE);
    project.run();
    project.call(&["report", "p.toml"]).expect(0);
    let page = || std::fs::read(project.path("artifacts/p/report.html")).expect("written");
    let before = page();
    let on_card = |arguments: &[&str]| project.call(&[arguments, &["--device", "cuda"]].concat());
    let said =
        "2 tasks have results of another device, and none of the one that `--device cuda` asks for";
    on_card(&["report", "p.toml"]).expect(2).explains(&[
        said,
        "Leave `--device` or `EIGENSCOPE_DEVICE` out",
        "run `eigenscope run --device cuda p.toml` first",
    ]);
    assert!(page() == before, "the page is as it was");
    let mut command = project.command(&["report", "p.toml"]);
    Answer::of(command.env("EIGENSCOPE_DEVICE", "cuda"))
        .expect(2)
        .explains(&["`EIGENSCOPE_DEVICE=cuda` asks for"]);
    for reading in [
        &["report", "p.toml", "--output", "other.html"][..],
        &["ls", "p.toml"],
        &["sql", "p.toml"],
    ] {
        on_card(reading).expect(0).explains(&[said]);
    }
}

#[test]
fn what_no_card_computes_is_refused_while_the_file_is_read() {
    let refused = |pipeline: &str, parts: &[&str]| {
        let project = TestProject::new(pipeline);
        let answer = project.call(&["status", "p.toml"]).expect(2);
        let said: String = answer
            .stderr
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        for part in parts {
            assert!(said.contains(part), "`{part}` is not in {}", answer.stderr);
        }
    };
    let data = "[data.digits]\n";
    let table =
        |kind: &str, keys: &str| format!("{data}[train.{kind}]\ndata = \"data.digits\"\n{keys}\n");
    let network = "steps = [\"flatten\", { linear = \"classes\" }]\naugment = [\"flip\"]";
    let bilinear = "hidden = 5\nbatch = 64\naugment = [\"flip\"]";
    refused(
        &table("mlp", "math = \"tf32\""),
        &["[train.mlp] has `math` = \"tf32\", which is for graphics cards"],
    );
    refused(
        &table("bilinear", "hidden = 5\nbatch = 64\nmath = \"tf32\""),
        &[
            "`math` = \"tf32\", which is for graphics cards",
            "device = \"cuda\"",
        ],
    );
    refused(
        &format!(
            "{}[metric.final-accuracy]\nhistories = \"train.bilinear\"\ndevice = \"cpu\"",
            table("bilinear", "hidden = 5\nbatch = 64")
        ),
        &["unknown key `device`", "always computes on the processor"],
    );
    refused(
        &table("bilinear", "hidden = 5\nbatch = 64\ndevice = \"gpu\""),
        &["device", "cuda"],
    );
    // `auto` refuses nothing, and a table may differ from the file.
    for pipeline in [
        format!("device = \"auto\"\n{}", table("network", network)),
        format!(
            "device = \"cuda\"\n{}",
            table("network", &format!("{network}\ndevice = \"cpu\""))
        ),
        table("bilinear", &format!("{bilinear}\ndevice = \"auto\"")),
        table("mlp", "device = \"cuda\""),
        table(
            "bilinear",
            "hidden = 5\nbatch = 64\nblocks = 2\nresidual = true\ndevice = \"cuda\"",
        ),
    ] {
        TestProject::new(&pipeline)
            .call(&["status", "p.toml"])
            .expect(0);
    }
}

#[test]
fn a_card_trains_as_the_processor_does_and_its_results_are_others() {
    let Some((project, libraries)) = emulated() else {
        return;
    };
    let all = project.run();
    // The device is part of the key.
    let on_cards = run(&project, &libraries, "cuda");
    assert_eq!((all.ran, on_cards.ran, on_cards.up_to_date), (4, 3, 1));
    assert_eq!(run(&project, &libraries, "cuda").ran, 0);
    // The metadata name the card.
    let shown = project
        .call(&["show", "artifacts/p/train.bilinear,hidden-30"])
        .expect(0)
        .stdout;
    assert!(shown.contains("emulated card"), "{shown}");
    // The results of the processor are still there.
    assert_eq!(run(&project, &libraries, "cpu").ran, 0);
    // The same bits again.
    let arguments = ["verify", "p.toml", "train.*", "--device", "cuda", "--bytes"];
    let again = on_card(&project, &libraries, "", &arguments).expect(0);
    assert!(
        again.stdout.contains("tasks: 2 byte-equal"),
        "{}",
        again.stdout
    );
}

/// A training of every kind of network, and one of listed steps.
const NETWORKS: &str = r#"
[data.digits]
transforms = ["scale", { resize = { height = 16, width = 16 } }]

[data.large]
kind = "digits"
transforms = ["scale", { resize = { height = 32, width = 32 } }]

[train.mlp]
data = "data.digits"
widths = [20]
epochs = 1

[train.cnn]
data = "data.digits"
channels = [3, 4]
epochs = 1

[train.convnet]
data = "data.digits"
epochs = 1

[train.embedding-net]
data = "data.large"
epochs = 1

[train.own]
kind = "network"
data = "data.digits"
epochs = 1
epoch_fraction = 0.3
augment = [{ rotation = 10 }, "flip"]
steps = [
    { conv = { channels = 4, kernel = 3, stride = 2, bias = false } }, "batch-norm", "relu",
    { residual = [{ conv = { channels = 4, kernel = 3, padding = 1 } }, "gelu"] },
    { max-pool = { kernel = 2, stride = 2 } }, { dropout = { rate = 0.1 } }, { linear = "classes" },
]
"#;

#[test]
fn networks_of_all_kinds_are_trained_on_a_card() {
    let Some(libraries) = emulated_cuda() else {
        return;
    };
    let project = TestProject::new(NETWORKS);
    let on_cards = run(&project, &libraries, "cuda");
    assert_eq!((on_cards.ran, on_cards.up_to_date), (7, 0));
    assert_eq!(run(&project, &libraries, "cuda").ran, 0);
    let shown = project
        .call(&["show", "artifacts/p/train.convnet"])
        .expect(0)
        .stdout;
    assert!(shown.contains("emulated card"), "{shown}");
    // The same bits again.
    let arguments = ["verify", "p.toml", "train.*", "--device", "cuda", "--bytes"];
    let again = on_card(&project, &libraries, "", &arguments).expect(0);
    assert!(
        again.stdout.contains("tasks: 5 byte-equal"),
        "{}",
        again.stdout
    );
    // What the processor has made is computed again on the card, within tolerances.
    let processor = TestProject::new(NETWORKS);
    assert_eq!(processor.run().ran, 7);
    let rule = "[[tolerance]]\ncolumns = \"*\"\nreason = \"another device\"\nrelative = 0.02\n";
    processor.write("p.tolerances.toml", rule);
    let arguments = ["verify", "p.toml", "train.*", "--device", "cuda"];
    let other = on_card(&processor, &libraries, "", &arguments).expect(0);
    assert!(
        other
            .stdout
            .contains("other device: the stored result was computed on cpu"),
        "{}",
        other.stdout
    );
}

#[test]
fn results_that_others_have_computed_on_a_card_need_none_here() {
    let Some((project, libraries)) = emulated() else {
        return;
    };
    assert_eq!(run(&project, &libraries, "cuda").ran, 4);
    let other = TestProject::new(PIPELINE);
    let artifacts = project.path("artifacts");
    other.write(
        "eigenscope.toml",
        format!("[[stores]]\npath = \"{}\"\n", artifacts.display()),
    );
    let counts = counts(other.call(&ON_NO_CARD));
    assert_eq!((counts.taken, counts.ran), (4, 0));
    other.edit("epochs = 3", "epochs = 4");
    let answer = other.call(&ON_NO_CARD).expect(2);
    answer.explains(&[
        "and there is none here: the CUDA driver, NVRTC and cuBLAS were not found",
        "not taken: since it was made in",
        "parameter `epochs` changed from 3 to 4",
    ]);
}

#[test]
fn devices_are_compared_by_values() {
    let Some((project, libraries)) = emulated() else {
        return;
    };
    project.run();
    let verify = |relative: &str| {
        let rule = "[[tolerance]]\ncolumns = \"*\"\nreason = \"another device\"\nrelative = ";
        project.write("p.tolerances.toml", format!("{rule}{relative}\n"));
        let arguments = ["verify", "p.toml", "--device", "cuda", "--bytes"];
        on_card(&project, &libraries, "", &arguments)
    };
    verify("0.0").expect(1);
    // What is not computed again is taken as it is.
    let arguments = [
        "verify", "p.toml", "metric.*", "--device", "cuda", "--bytes",
    ];
    let metric = on_card(&project, &libraries, "", &arguments).expect(0);
    assert!(
        metric.stdout.contains("tasks: 1 byte-equal"),
        "{}",
        metric.stdout
    );
    let answer = verify("0.02").expect(0);
    assert!(
        answer
            .stdout
            .contains("other device: the stored result was computed on cpu"),
        "{}",
        answer.stdout
    );
}

#[test]
fn auto_keeps_what_either_device_has_made() {
    let Some((project, libraries)) = emulated() else {
        return;
    };
    // With a card, it computes there; without one, these results stay up to date.
    assert_eq!(run(&project, &libraries, "auto").ran, 4);
    let without = [
        "run",
        "p.toml",
        "--offline",
        "--device",
        "auto",
        "--cuda-libraries",
        "/nowhere/cuda",
    ];
    assert_eq!(counts(project.call(&without)).ran, 0);
    let (other, _) = emulated().expect("as before");
    assert_eq!(counts(other.call(&without)).ran, 4);
    assert_eq!(run(&other, &libraries, "auto").ran, 0);
    // Nothing changes unless somebody asks for it.
    assert_eq!(other.run().ran, 0);
    assert_eq!(project.run().ran, 3);
}

#[test]
fn a_card_without_room_fails_the_task_and_says_so() {
    let Some((project, libraries)) = emulated() else {
        return;
    };
    let arguments = ["run", "p.toml", "--offline", "--device", "cuda"];
    let answer = on_card(&project, &libraries, "memory=300", &arguments).expect(1);
    assert!(
        answer
            .stderr
            .contains("emulated card has 300 MiB of memory free, the training needs"),
        "{}",
        answer.stderr
    );
}
