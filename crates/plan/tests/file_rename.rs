//! Tables that were renamed: their former ids, and the places of a file that a rename changes.

mod sample;

use std::path::Path;

use eigenscope_plan::Plan;
use eigenscope_plan::file::FileErrors;
use eigenscope_plan::pipeline_file::rename::{Rename, rename_table};
use eigenscope_stage::Stage;
use sample::{codes, plan, programs, rendered};

const TEXT: &str = r#"# The sizes of train.bilinear.
[data.mnist]

[train.bilinear]   # two of them
data   = "data.mnist"
hidden = [30, 50]
note = """
[train.bilinear]
"""

[train.bilinear.optimizer.adamw]
lr = 0.1

[decompose.interaction]
model = "train.bilinear"

[metric.final]
histories = ["train.bilinear[hidden=30]", 'train.bilinear[hidden=50]']

[metric.similarity]
eigenpairs = "decompose.interaction"

[figure.similarity]
similarity = "metric.similarity"
"#;

fn planned(text: &str) -> Plan {
    plan(text).unwrap_or_else(|errors| panic!("{}", rendered(&errors)))
}

fn renamed(text: &str, old: &str, new: &str) -> Result<String, FileErrors> {
    let rename = Rename::new(old, new).expect("ids");
    let edits = rename_table(Path::new("p.toml"), text, rename, &programs());
    Ok(edits?.apply(text))
}

#[test]
fn a_renamed_table_keeps_its_seeds_and_first_ids() {
    let before = planned(TEXT);
    let after = planned(&renamed(TEXT, "train.bilinear", "train.wide").expect("edited"));
    for (old, new) in before.tasks.iter().zip(&after.tasks) {
        assert_eq!(new.seed, old.seed, "{}", old.id);
        assert_eq!(new.first_id(), old.id);
        assert_eq!(new.id, old.id.replace("train.bilinear", "train.wide"));
        assert_eq!(new.inputs, old.inputs);
    }
    let trained = after.tasks.iter().find(|task| task.stage == Stage::Train);
    let trained = trained.expect("a training");
    assert_eq!(trained.first_id(), "train.bilinear[hidden=30]");
    for reader in Stage::ALL {
        let expected = match reader {
            Stage::Metric | Stage::Figure => "train.wide[hidden=30]",
            _ => "train.bilinear[hidden=30]",
        };
        assert_eq!(trained.id_for(reader), expected, "{reader:?}");
    }
    // The title of a figure names the network that its eigenpairs are of; a table of metrics does not.
    let pairs = after
        .tasks
        .iter()
        .find(|task| task.stage == Stage::Decompose);
    let pairs = pairs.expect("eigenpairs");
    assert!(after.renamed(Stage::Metric, pairs).is_empty());
    let names = after.renamed(Stage::Figure, pairs);
    assert_eq!(names["train.bilinear[hidden=30]"], "train.wide[hidden=30]");
}

#[test]
fn a_rename_changes_headers_and_references_and_nothing_else() {
    let text = renamed(TEXT, "train.bilinear", "train.wide").expect("edited");
    let expected = TEXT
        .replace(
            "[train.bilinear]   # two of them\n",
            "[train.wide]   # two of them\nkind = \"bilinear\"\nformerly = \"train.bilinear\"\n",
        )
        .replace("[train.bilinear.opt", "[train.wide.opt")
        .replace("model = \"train.bilinear\"", "model = \"train.wide\"")
        .replace("train.bilinear[hid", "train.wide[hid");
    assert_eq!(text, expected);
}

#[test]
fn a_second_rename_keeps_the_first_id_and_renaming_back_is_as_before() {
    let second = renamed(TEXT, "train.bilinear", "train.wide")
        .and_then(|text| renamed(&text, "train.wide", "train.w-2"))
        .expect("edited twice");
    assert!(second.contains(
        "[train.w-2]   # two of them\nkind = \"bilinear\"\nformerly = \"train.bilinear\"\n"
    ));
    let back = renamed(&second, "train.w-2", "train.bilinear").expect("edited");
    assert_eq!(back, TEXT);
}

#[test]
fn files_written_in_other_ways_are_as_before_after_there_and_back() {
    let rest = "[decompose.interaction]\nmodel = \"train.a\"";
    let inline = "train.a = { kind = \"bilinear\", data = \"data.mnist\", hidden = 3 }\n\
                  [data.mnist]\n";
    let windows = "[data.mnist]\r\n\r\n[train.a]\r\nkind = \"bilinear\"\r\ndata = \"data.mnist\"\r\nhidden = 3\r\n";
    let quoted = "[data.mnist]\n[ 'train' . \"a\" ]\nkind = \"bilinear\"\ndata = \"data.mnist\"\nhidden = 3\n";
    let named = "[data.mnist]\n[train.bilinear]\nkind = \"bilinear\"\ndata = \"data.mnist\"\nhidden = 3\n[decompose.interaction]\nmodel = \"train.bilinear\"";
    for (text, old) in [
        (format!("{inline}{rest}"), "train.a"),
        (format!("{windows}{rest}"), "train.a"),
        (format!("{quoted}{rest}"), "train.a"),
        (named.to_owned(), "train.bilinear"),
        ("[data.mnist]".to_owned(), "data.mnist"),
    ] {
        let new = format!("{}.b", old.split('.').next().expect("a stage"));
        let there = renamed(&text, old, &new).unwrap_or_else(|e| panic!("{}", rendered(&e)));
        let plan = planned(&there);
        assert!(plan.tasks.iter().any(|task| task.id == new), "{there}");
        assert!(plan.tasks.iter().all(|task| task.id != old), "{there}");
        assert_eq!(renamed(&there, &new, old).expect("edited"), text, "{there}");
    }
}

#[test]
fn former_ids_that_are_none_or_of_another_are_refused() {
    let table = |lines: &str| {
        format!(
            "[data.mnist]\n[train.a]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 3\n{lines}\n\
             [train.b]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 3\nformerly = 'train.old'\n"
        )
    };
    for (value, words) in [
        ("'old'", "it should be `stage.name`"),
        ("'train.o ld'", "a name has only letters"),
        ("'train.old[hidden=3]'", "without labels"),
        ("'data.old'", "its stage is train, not data"),
        ("'train.a'", "[train.a] is called so now"),
        ("'train.b'", "is a table of this file"),
        (
            "'train.old'",
            "[train.a] and [train.b] cannot both have been `train.old`",
        ),
    ] {
        let errors = plan(&table(&format!("formerly = {value}"))).expect_err("refused");
        assert_eq!(codes(&errors), ["bad_former_id"], "{value}");
        let text = rendered(&errors.errors()[0]);
        let text: Vec<&str> = text
            .split_whitespace()
            .filter(|word| *word != "│")
            .collect();
        let text = text.join(" ");
        assert!(text.contains(words) && text.contains("help:"), "{text}");
        assert!(text.contains(value), "the line is shown: {text}");
    }
    let errors = plan(&table("formerly = 3")).expect_err("refused");
    assert_eq!(codes(&errors), ["wrong_type"]);
}

#[test]
fn a_former_id_in_a_block_is_filled_in() {
    let text = "[data.mnist]\n[[repeat]]\neach = [{ m = 'x' }, { m = 'y' }]\n\
                [repeat.train.'{m}-new']\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 3\nformerly = 'train.{m}'\n";
    let plan = planned(text);
    let first: Vec<_> = plan
        .tasks
        .iter()
        .map(|task| task.first_id().into_owned())
        .collect();
    assert_eq!(first, ["data.mnist", "train.x", "train.y"]);
}

#[test]
fn tables_that_cannot_be_renamed_here_are_refused() {
    let repeated = "[data.mnist]\n[[repeat]]\neach = [{ m = 'x' }]\n\
                    [repeat.train.'{m}']\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 3\n";
    let indirect = "[data.mnist]\n[train.x]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 3\n\
                    [[repeat]]\neach = [{ m = 'x' }]\n[repeat.decompose.'{m}-pairs']\nkind = 'interaction'\nmodel = 'train.{m}'\n";
    for (text, old, new, code, words) in [
        (
            TEXT,
            "train.bilinaer",
            "train.b",
            "unknown_table",
            "did you mean",
        ),
        (
            TEXT,
            "metric.final",
            "metric.similarity",
            "taken_name",
            "there is such a table",
        ),
        (
            repeated,
            "train.x",
            "train.y",
            "repeated_table",
            "change the name in the block",
        ),
        (
            indirect,
            "train.x",
            "train.y",
            "indirect_reference",
            "give its row of `each`",
        ),
    ] {
        let errors = renamed(text, old, new).expect_err("refused");
        assert_eq!(codes(&errors), [code]);
        let text = rendered(&errors.errors()[0]);
        assert!(text.contains(words), "{text}");
    }
}

/// However many places and rows of a block there are.
#[test]
fn references_that_are_put_together_are_one_error() {
    let rows = "each = [{ m = 'x' }, { m = 'y' }]";
    let mut text = format!(
        "[data.mnist]\n[train.x]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 3\nformerly = 'train.w'\n\
         [train.y]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 4\n[[repeat]]\n{rows}\n"
    );
    for number in 0..3 {
        text.push_str(&format!(
            "[repeat.decompose.'{{m}}-{number}']\nkind = 'interaction'\nmodel = 'train.{{m}}'\n"
        ));
    }
    let errors = renamed(&text, "train.x", "train.z").expect_err("refused");
    assert_eq!(codes(&errors), ["indirect_reference"]);
    let shown = rendered(&errors.errors()[0]);
    for words in [
        "references to [train.x] are put together from parts",
        "put together here, and in lines 18, 21",
        "table = \"train.z\"",
    ] {
        assert!(shown.contains(words), "{shown}");
    }
    // What it says leads to the same tasks.
    let by_hand = text
        .replace("{ m = 'x' }", "{ m = 'x', table = 'train.z' }")
        .replace("{ m = 'y' }", "{ m = 'y', table = 'train.y' }")
        .replace("'train.{m}'", "'{table}'")
        .replace("[train.x]", "[train.z]");
    let (before, after) = (planned(&text), planned(&by_hand));
    assert_eq!(before.tasks.len(), after.tasks.len());
    for (old, new) in before.tasks.iter().zip(&after.tasks) {
        assert_eq!(
            (old.first_id(), old.seed, &old.inputs),
            (new.first_id(), new.seed, &new.inputs)
        );
    }
}

#[test]
fn ids_are_checked() {
    for (old, new, words) in [
        (
            "train.a[hidden=3]",
            "train.b",
            "labels, which are names and values of parameters",
        ),
        ("train.a", "b", "it should be `stage.name`"),
        (
            "train.a",
            "data.a",
            "a table stays in its stage. Call it `train.a`",
        ),
        ("train.a", "train.a", "is called so already"),
        ("train.a", "train.a.b", "a name has only letters"),
    ] {
        let error = Rename::new(old, new).expect_err("refused");
        assert!(error.contains(words), "{error}");
    }
}
