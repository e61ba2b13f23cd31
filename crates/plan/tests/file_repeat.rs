//! Blocks that are repeated, and references for all roles of a table at once.

mod sample;

use std::path::Path;

use eigenscope_plan::file::FileErrors;
use eigenscope_plan::{Plan, parse};
use sample::{codes, programs, rendered};

fn plan(text: &str) -> Result<Plan, FileErrors> {
    parse("test", Path::new("pipelines/test.toml"), text, &programs())
}

fn valid(text: &str) -> Plan {
    plan(text).unwrap_or_else(|errors| panic!("{}", rendered(&errors)))
}

fn errors(text: &str) -> FileErrors {
    plan(text).expect_err(text)
}

const BLOCK: &str = r#"
[data.mnist]

[[repeat]]
each = [
    { model = "small", hidden = 5, seeds = [0, 1], classes = "first" },
    { model = "large", hidden = [50, 60], seeds = 3, classes = "second" },
]

[repeat.train."{model}"]
kind = "bilinear"
data = "data.mnist"
hidden = "{hidden}"
seed = "{seeds}"
note = "{model} of {classes}, {not a name} {}"

[repeat.decompose."of-{model}-1"]
kind = "interaction"
model = "train.{model}"

[metric.final]
histories = ["train.small", "train.large"]
"#;

const WRITTEN: &str = r#"
[data.mnist]

[train.small]
kind = "bilinear"
data = "data.mnist"
hidden = 5
seed = [0, 1]
note = "small of first, {not a name} {}"

[decompose.of-small-1]
kind = "interaction"
model = "train.small"

[train.large]
kind = "bilinear"
data = "data.mnist"
hidden = [50, 60]
seed = 3
note = "large of second, {not a name} {}"

[decompose.of-large-1]
kind = "interaction"
model = "train.large"

[metric.final]
histories = ["train.small", "train.large"]
"#;

#[test]
fn a_block_is_written_out_once_for_each_row() {
    let plan = valid(BLOCK);
    assert_eq!(plan.tasks, valid(WRITTEN).tasks);
    let single = BLOCK.replace("[[repeat]]", "[repeat]");
    assert_eq!(valid(&single).tasks, plan.tasks);
}

#[test]
fn faulty_blocks() {
    let block = |each: &str, table: &str| {
        format!("[data.mnist]\n[[repeat]]\neach = {each}\n{table}\ndata = 'data.mnist'\n")
    };
    let model = "[repeat.train.'{m}']\nkind = 'bilinear'\nhidden = 1";
    let mut texts = Vec::new();
    for (name, text) in [
        (
            "missing_key",
            "[data.mnist]\n[repeat.train.a]\nkind = 'bilinear'\n".to_owned(),
        ),
        ("wrong_type", block("3", model)),
        ("wrong_type", block("['a']", model)),
        ("empty_sweep", block("[]", model)),
        ("unequal_rows", block("[{ m = 'a' }, { n = 'b' }]", model)),
        ("unknown_name", block("[{ mm = 'a' }, { mm = 'b' }]", model)),
        (
            "wrong_type",
            block(
                "[{ m = ['a'] }]",
                "[repeat.train.'a-{m}']\nkind = 'bilinear'\nhidden = 1",
            ),
        ),
        ("duplicate_key", block("[{ m = 'a' }, { m = 'a' }]", model)),
        ("bad_name", block("[{ m = 'a b' }]", model)),
        (
            "unknown_stage",
            block(
                "[{ m = 'a' }, { m = 'b' }]",
                "[repeat.trian.'{m}']\nkind = 'bilinear'\nhidden = 1",
            ),
        ),
        (
            "out_of_bounds",
            block(
                "[{ m = 'a', h = 1 }, { m = 'b', h = 0 }]",
                "[repeat.train.'{m}']\nkind = 'bilinear'\nhidden = '{h}'",
            ),
        ),
        ("wrong_type", block("[{ m = [1] }]", model)),
        ("wrong_type", "repeat = 3\n[data.mnist]\n".to_owned()),
    ] {
        let found = errors(&text);
        assert_eq!(codes(&found), [name], "{text}\n{}", rendered(&found));
        texts.push(rendered(&found));
    }
    insta::assert_snapshot!("repeat", texts.join("\n\n"));
}

#[test]
fn a_block_cannot_fill_the_memory() {
    let rows = "{},".repeat(100_000);
    let text = format!("[data.mnist]\n[[repeat]]\neach = [{rows}]\n[repeat.train.a]\nhidden = 1\n");
    assert_eq!(codes(&errors(&text)), ["too_many_rows"]);
}

const MODELS: &str = "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = [1, 2]\n\
    [decompose.interaction]\nfrom = 'train.bilinear'\n";

#[test]
fn one_reference_stands_for_all_roles_that_are_not_given() {
    let truncation = |inputs: &str| format!("{MODELS}[metric.truncation]\n{inputs}");
    let by_name = valid(&truncation(
        "model = 'train.bilinear'\neigenpairs = 'decompose.interaction'\ndata = 'data.mnist'\n",
    ));
    let from = valid(&truncation(
        "from = 'data.mnist'\nmodel = 'train.bilinear'\neigenpairs = 'decompose.interaction'\n",
    ));
    assert_eq!(by_name.tasks, from.tasks);
    let many = valid(&format!(
        "{MODELS}[metric.final]\nfrom = ['train.bilinear[hidden=1]', 'train.bilinear[hidden=2]']\n"
    ));
    assert_eq!(many.tasks.last().map(|task| task.inputs.len()), Some(2));
}

#[test]
fn faulty_references_for_all_roles() {
    let mut texts = Vec::new();
    for (name, table) in [
        (
            "no_output",
            "[metric.truncation]\nfrom = 'data.mnist'\nmodel = 'train.bilinear'\n",
        ),
        (
            "unknown_table",
            "[metric.truncation]\nfrom = 'data.minst'\nmodel = 'train.bilinear'\n",
        ),
        (
            "unused_reference",
            "[metric.final]\nfrom = 'data.mnist'\nhistories = 'train.bilinear'\n",
        ),
        (
            "list_for_one",
            "[decompose.a]\nkind = 'interaction'\nfrom = ['train.bilinear']\n",
        ),
        (
            "unknown_key",
            "[data.b]\nkind = 'mnist'\nfrom = 'data.mnist'\n",
        ),
    ] {
        let found = errors(&format!("{MODELS}{table}"));
        assert_eq!(codes(&found), [name], "{}", rendered(&found));
        texts.push(rendered(&found));
    }
    insta::assert_snapshot!("from", texts.join("\n\n"));
}

#[test]
fn tables_have_headings() {
    let plan = valid(
        "[data.mnist]\nsection = 'Digits of hands'\n[train.bilinear]\ndata = 'data.mnist'\nhidden = 1\n",
    );
    let headings: Vec<Option<&str>> = plan
        .tasks
        .iter()
        .map(|task| task.heading.as_deref())
        .collect();
    assert_eq!(headings, [Some("Digits of hands"), None]);
    assert_eq!(
        codes(&errors("[data.mnist]\nsection = 3\n")),
        ["wrong_type"]
    );
}
