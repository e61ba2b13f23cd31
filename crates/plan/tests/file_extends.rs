//! Pipeline files that extend others: what overrides what, and errors in the file that holds them.

mod sample;

use std::fs;
use std::path::{Path, PathBuf};

use eigenscope_plan::file::FileErrors;
use eigenscope_plan::{Plan, read};
use sample::{PIPELINE, codes, programs, rendered};
use serde_json::json;

/// A folder of pipeline files.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    /// `files` are names and texts; the first file is the one that is read.
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("created");
            fs::write(path, text).expect("written");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> Result<Plan, FileErrors> {
        read(&self.path(name), &programs())
    }

    /// Codes and text of the errors, with `pipelines` for the folder.
    fn errors(&self, name: &str) -> (Vec<String>, String) {
        let errors = self.read(name).expect_err(name);
        let folder = self.folder.path().display().to_string();
        (
            codes(&errors),
            rendered(&errors).replace(&folder, "pipelines"),
        )
    }
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.tasks.iter().map(|task| task.id.as_str()).collect()
}

#[test]
fn parameters_are_overridden_one_by_one() {
    let files = Files::new(&[
        (
            "small.toml",
            "extends = 'paper'\n[train.bilinear]\nhidden = [50, 100]\nseed = 3\nepochs = 3\n",
        ),
        ("paper.toml", PIPELINE),
    ]);
    let plan = files.read("small.toml").expect("a plan");
    assert_eq!(plan.name, "small");
    assert_eq!(plan.file, files.path("small.toml"));
    assert_eq!(plan.extended, [files.path("paper.toml")]);
    assert_eq!(plan.description, "sizes and seeds");
    let models: Vec<&str> = ids(&plan)
        .into_iter()
        .filter(|id| id.starts_with("train"))
        .collect();
    assert_eq!(
        models,
        ["train.bilinear[hidden=50]", "train.bilinear[hidden=100]"]
    );
    assert_eq!(plan.tasks[1].seed, 3);
    assert_eq!(plan.tasks[1].parameters["hidden"], json!(50));
    assert_eq!(plan.tasks[1].parameters["epochs"], json!(3));
}

#[test]
fn the_plan_is_that_of_the_file_written_out() {
    let files = Files::new(&[
        (
            "small.toml",
            "extends = 'paper'\ndescription = 'small'\nseed = 8\nfigure.published = false\n\
             [train.bilinear]\nhidden = [30, 50]\n\
             [metric.final-of-one]\nkind = 'final'\nhistories = 'train.bilinear[seed=0]'\n",
        ),
        ("paper.toml", PIPELINE),
        (
            "written.toml",
            &(PIPELINE
                .replace("sizes and seeds", "small")
                .replace("seed = 7", "seed = 8")
                .replace("hidden = [30, 50, 100]", "hidden = [30, 50]")
                .replace("hidden=50|100", "hidden=50")
                .split("[figure.published]")
                .next()
                .expect("a text")
                .to_owned()
                + "[metric.final-of-one]\nkind = 'final'\nhistories = 'train.bilinear[seed=0]'\n"),
        ),
    ]);
    let small = files.read("small.toml");
    let written = files.read("written.toml").expect("a plan");
    // `hidden=100` is gone, so the selection in the base is refused, in its file.
    let errors = small.expect_err("refused");
    assert_eq!(codes(&errors), ["unknown_value"]);
    fs::write(
        files.path("paper.toml"),
        PIPELINE.replace("hidden=50|100", "hidden=50"),
    )
    .expect("written");
    let small = files.read("small.toml").expect("a plan");
    assert_eq!(small.tasks, written.tasks);
    assert_eq!(small.description, "small");
}

#[test]
fn chains_and_paths() {
    let files = Files::new(&[
        (
            "a.toml",
            "extends = 'sub/b.toml'\n[train.bilinear]\nepochs = 1\n",
        ),
        (
            "sub/b.toml",
            "extends = 'c'\n[train.bilinear]\nepochs = 2\nhidden = [50, 100]\n",
        ),
        ("sub/c.toml", PIPELINE),
    ]);
    let plan = files.read("a.toml").expect("a plan");
    assert_eq!(
        plan.extended,
        [files.path("sub/b.toml"), files.path("sub/c.toml")]
    );
    assert_eq!(plan.tasks[1].parameters["epochs"], json!(1));
    assert_eq!(plan.tasks[1].parameters["hidden"], json!(50));
}

#[test]
fn errors_are_shown_in_the_file_that_holds_them() {
    let files = Files::new(&[
        (
            "small.toml",
            "extends = 'paper'\n[train.bilinear]\nhidden = [30, 50]\n[train.bilinaer]\nhidden = 3\n[figure]\nsimilarty = false\n",
        ),
        ("paper.toml", PIPELINE),
    ]);
    let (codes, text) = files.errors("small.toml");
    assert_eq!(codes, ["unknown_kind", "unknown_table", "unknown_value"]);
    insta::assert_snapshot!("extends", text);
}

#[test]
fn a_label_in_another_file_is_told_in_words() {
    let swept = "extends = 'base'\n[decompose.interaction]\nvariant = [1, 2]\n";
    let base = PIPELINE.replace(
        "[metric.truncation]",
        "[metric.truncation]\nhidden = [1, 2]",
    );
    let files = Files::new(&[("small.toml", swept), ("base.toml", &base)]);
    let (codes, text) = files.errors("small.toml");
    assert_eq!(codes, ["unknown_key", "label_conflict"], "{text}");
    let overridden = "extends = 'base'\n[metric.truncation]\nmodel = 'train.bilinear'\n";
    fs::write(files.path("small.toml"), overridden).expect("written");
    let (codes, text) = files.errors("small.toml");
    assert_eq!(codes, ["label_conflict"]);
    insta::assert_snapshot!("label_in_another_file", text);
}

#[test]
fn files_that_cannot_be_extended() {
    let files = Files::new(&[
        ("circle.toml", "extends = 'other'\n[data.mnist]\n"),
        ("other.toml", "# the second\nextends = \"circle\"\n"),
        ("itself.toml", "extends = 'itself'\n"),
        ("missing.toml", "extends = 'nothing'\n[data.mnist]\n"),
        ("number.toml", "extends = 3\n[data.mnist]\n"),
        ("broken.toml", "extends = 'syntax'\n[data.mnist]\n"),
        ("syntax.toml", "[data\n"),
    ]);
    let (circle, text) = files.errors("circle.toml");
    assert_eq!(circle, ["extends_circle"]);
    insta::assert_snapshot!("extends_circle", text);
    assert_eq!(files.errors("itself.toml").0, ["extends_circle"]);
    let (missing, text) = files.errors("missing.toml");
    assert_eq!(missing, ["unreadable"]);
    assert!(text.contains("nothing.toml"), "{text}");
    assert!(text.contains("missing.toml:1:11"), "{text}");
    assert_eq!(files.errors("number.toml").0, ["wrong_type"]);
    let (broken, text) = files.errors("broken.toml");
    assert_eq!(broken, ["syntax"]);
    assert!(text.contains("pipelines/syntax.toml:1"), "{text}");
}

#[test]
fn a_table_is_removed_only_from_a_file_that_is_extended() {
    let path = Path::new("pipelines/test.toml");
    let text = "data.mnist = false\n";
    let errors = eigenscope_plan::parse("test", path, text, &programs()).expect_err("refused");
    assert_eq!(codes(&errors), ["wrong_type"]);
}
