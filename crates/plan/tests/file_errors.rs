//! Every problem of a pipeline file: found, at its place, in words that help.
//!
//! Each case states the codes of all problems that must be found; the words are snapshots.

mod sample;

use eigenscope_plan::file::FileErrors;
use sample::{codes, plan, programs, rendered};

/// Tables that the cases build on.
const BASE: &str = "[data.mnist]\n\
    [train.bilinear]\ndata = 'data.mnist'\nhidden = [30, 50]\nseed = [0, 1]\n\
    [decompose.interaction]\nmodel = 'train.bilinear'\n";

fn errors(text: &str) -> FileErrors {
    match plan(text) {
        Ok(plan) => panic!("no problem found: {plan:#?}"),
        Err(errors) => errors,
    }
}

fn case(name: &str, text: &str, expected: &[&str]) {
    let errors = errors(text);
    let text = rendered(&errors);
    assert_eq!(codes(&errors), expected, "{text}");
    insta::assert_snapshot!(name, text);
}

fn after_base(name: &str, text: &str, expected: &[&str]) {
    case(name, &format!("{BASE}{text}"), expected);
}

/// A training table with these lines.
fn train(name: &str, lines: &str, expected: &[&str]) {
    let text = format!("[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\n{lines}");
    case(name, &text, expected);
}

#[test]
fn a_kind_of_another_stage_is_led_there() {
    for (text, help) in [
        (
            "[data.mnist]\n[metric.interaction]\nmodel = 'data.mnist'\n",
            "`interaction` is a kind of stage `decompose`: write [decompose.interaction]",
        ),
        (
            "[data.mnist]\n[figure.mine]\nkind = 'final'\n",
            "`final` is a kind of stage `metric`: write [metric.mine]",
        ),
    ] {
        let text = rendered(&errors(text));
        assert!(text.contains(help), "{text}");
    }
}

#[test]
fn syntax() {
    case("syntax", "[data.mnist\ntransforms = [\n", &["syntax"]);
    // One bracket that is missing: nothing is said about what follows.
    case(
        "unclosed_list",
        "[data.mnist]\ntransforms = [\n  \"scale\",\n\n[train.bilinear]\nhidden = 3\nlr = 2\n",
        &["syntax"],
    );
    case(
        "unclosed_table",
        "[data.mnist]\ntransforms = [\n  { normalise = { mean = [0.5\n  } },\n  \"grey\",\n]\n[train.x]\n",
        &["syntax"],
    );
    case(
        "duplicate_key",
        "seed = 1\nseed = 2\n[data.mnist]\npth = ''\n[data.mnist]\n",
        &["duplicate_key", "unknown_key", "duplicate_key"],
    );
    case("empty", "# nothing\n", &["empty"]);
}

#[test]
fn keys_and_stages() {
    // A key of another kind of the stage.
    after_base(
        "key_of_another_kind",
        "[metric.final]\nhistories = 'train.bilinear'\nvariant = 'published'\n\
         [metric.other]\nkind = 'final'\nhistories = 'train.bilinear'\nhidden = 3\n",
        &["unknown_key", "unknown_key"],
    );
    case(
        "unknown_stage",
        "sede = 1\n[trian.bilinear]\nhidden = 3\n",
        &["unknown_key", "unknown_stage"],
    );
    case(
        "stages_are_tables",
        "data = 3\ntrain.bilinear = 'x'\ndescription = 1\nseed = -1\n",
        &["wrong_type", "wrong_type", "wrong_type", "out_of_bounds"],
    );
    case(
        "bad_name",
        &format!(
            "[data.'a b']\nkind = 'mnist'\n[data.'']\nkind = 'mnist'\n[data.{}]\nkind = 'mnist'\n",
            "n".repeat(101)
        ),
        &["bad_name", "bad_name", "bad_name"],
    );
    case(
        "unknown_kind",
        "[data.mnits]\n[data.a]\nkind = 'xyz'\n[data.b]\nkind = 3\n",
        &["unknown_kind", "unknown_kind", "wrong_type"],
    );
    case(
        "renamed_kind",
        "[data.mnist]\n[metric.accuracy]\n[metric.a]\nkind = 'accuracy'\n",
        &["renamed_kind", "renamed_kind"],
    );
    train(
        "unknown_key",
        "hiden = 3\nhidden = 4\nseeds = 1\n",
        &["unknown_key", "unknown_key"],
    );
    case(
        "seed_without_chance",
        "[data.mnist]\nseed = 1\n",
        &["unknown_key"],
    );
    case(
        "faulty_description",
        "[data.broken]\n",
        &["faulty_description"],
    );
}

#[test]
fn values() {
    train(
        "wrong_types",
        "hidden = 'many'\nepochs = 1.5\nnoise = true\nbias = 1\nnote = 2026-01-01\noptimizer = 3\nbatch = 1.5\ncrop = ['a']",
        &["wrong_type"; 8],
    );
    train(
        "out_of_bounds",
        "hidden = 0\nnoise = -0.5\nbatch = 0\noptimizer = { sgd = { lr = 11 } }\nseed = -1",
        &["out_of_bounds"; 5],
    );
    train(
        "words_and_variants",
        "hidden = 1\noptimizer = 'adam'\nbatch = 'al'",
        &["unknown_word", "unknown_word"],
    );
    train(
        "variant_forms",
        "hidden = 1\noptimizer = { sgd = {}, adamw = {} }",
        &["wrong_type"],
    );
    train(
        "variant_fields",
        "hidden = [1]\noptimizer = [{ adamw = 3 }, { sgd = 11 }, { sgd = 'fast' }, { none = 3 }]",
        &["wrong_type", "out_of_bounds", "wrong_type", "wrong_type"],
    );
    train(
        "variant_keys",
        "hidden = 1\noptimizer = { sgd = { rate = 3 } }",
        &["unknown_key"],
    );
    case(
        "nested_list",
        "[data.mnist]\ntransforms = ['scale', 'gray', { normalise = { mean = [11] } }, 3]\n",
        &["unknown_word", "missing_key", "out_of_bounds", "wrong_type"],
    );
    case(
        "items_of_lists",
        "[data.mnist]\nclasses = [3, 6, 3]\npairs = [[1, 2], [3], [4, 4], [4, 5, 6]]\n\
         transforms = [{ normalise = { mean = [1], std = [0] } }]\n",
        &[
            "repeated_item",
            "wrong_type",
            "repeated_item",
            "wrong_type",
            "out_of_bounds",
        ],
    );
    case(
        "both_given",
        "[data.mnist]\nclasses = [3]\nfirst = [1, 2]\n",
        &["both_given"],
    );
    train(
        "too_large_a_seed",
        "hidden = 1\nseed = 9007199254740993",
        &["out_of_bounds"],
    );
    case(
        "missing_parameter",
        "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\n",
        &["missing_key"],
    );
    train(
        "not_numbers",
        "hidden = 99999999999999999999\nnoise = [nan, inf, 1e999]",
        &["integer_range", "not_finite", "not_finite", "not_finite"],
    );
}

#[test]
fn sweeps() {
    train(
        "empty_sweep",
        "hidden = []\nseed = []",
        &["empty_sweep", "empty_sweep"],
    );
    train(
        "repeated_value",
        "hidden = [1, 2, 1]\nnoise = [1, 1.0]\nseed = [0, 0]",
        &["repeated_value"; 3],
    );
    train(
        "bad_value_in_sweep",
        "hidden = [1, 'a', 0]",
        &["wrong_type", "out_of_bounds"],
    );
    train(
        "unusable_label",
        "hidden = 1\nnote = ['a,b', 'ok', '']",
        &["unusable_label"; 2],
    );
    train(
        "list_and_sweep_mixed",
        "hidden = 1\ncrop = [1, [2, [3]]]\n[data.b]\nkind = 'mnist'\nclasses = [1, [2]]\n[data.c]\nkind = 'mnist'\nclasses = [[1], [2, 3], [1]]",
        &["wrong_type", "wrong_type", "repeated_value"],
    );
    train("same_label", "hidden = 1\ncrop = [3, [3]]", &["same_label"]);
    let numbers: Vec<String> = (1..=1500).map(|number| number.to_string()).collect();
    let numbers = numbers.join(",");
    let text = format!(
        "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = [{numbers}]\nseed = [{numbers}]"
    );
    assert_eq!(codes(&errors(&text)), ["too_many_tasks"]);
}

#[test]
fn references() {
    after_base(
        "bad_references",
        "[metric.final]\nhistories = ['bilinear', 'models.a', 'train.bilinear[seed]', 'train.bilinear[seed=0', 3]\n",
        &[
            "bad_reference",
            "bad_reference",
            "bad_reference",
            "bad_reference",
            "wrong_type",
        ],
    );
    after_base(
        "unknown_table",
        "[metric.final]\nhistories = 'train.bilinaer'\n",
        &["unknown_table"],
    );
    after_base(
        "no_output",
        "[metric.final]\nhistories = 'decompose.interaction'\n",
        &["no_output"],
    );
    case(
        "missing_input",
        "[decompose.interaction]\n",
        &["missing_input"],
    );
    after_base(
        "list_for_one",
        "[decompose.b]\nkind = 'interaction'\nmodel = ['train.bilinear']\n",
        &["list_for_one"],
    );
    after_base(
        "no_reference",
        "[metric.final]\nhistories = []\n",
        &["no_reference"],
    );
    after_base(
        "repeated_reference",
        "[metric.final]\nhistories = ['train.bilinear[seed=1]', 'train.bilinear[hidden=50]']\n",
        &["repeated_reference"],
    );
}

#[test]
fn selections() {
    after_base(
        "unknown_label",
        "[metric.final]\nhistories = 'train.bilinear[hiden=30,seed=0]'\n",
        &["unknown_label"],
    );
    after_base(
        "selection_without_sweep",
        "[train.b]\nkind = 'bilinear'\nhidden = 1\ndata = 'data.mnist[seed=0]'\n",
        &["unknown_label"],
    );
    after_base(
        "unknown_value",
        "[metric.final]\nhistories = \"train.bilinear[hidden=30|40,seed=x]\"\n",
        &["unknown_value", "unknown_value"],
    );
    let text = "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = [1, 2]\nseed = [0, 1]\n\
        [decompose.a]\nkind = 'interaction'\nmodel = 'train.bilinear[hidden=1]'\n\
        [decompose.b]\nkind = 'interaction'\nmodel = 'train.bilinear[hidden=2]'\n\
        [metric.truncation]\ndata = 'data.mnist'\nmodel = 'train.bilinear[hidden=2]'\neigenpairs = 'decompose.a'\n";
    case("empty_join", text, &["empty_join"]);
    // Two sweeps that are not a full product after the join: every value occurs, the pair does not.
    let text = "[data.mnist]\npath = ['a', 'b']\n\
        [train.bilinear]\ndata = 'data.mnist'\nhidden = [1, 2]\n\
        [decompose.interaction]\nmodel = 'train.bilinear[path=a]'\n\
        [metric.final]\nhistories = 'train.bilinear[hidden=1,path=b]'\n";
    assert!(plan(text).is_ok());
}

#[test]
fn label_conflicts() {
    after_base(
        "label_conflict",
        "[metric.truncation]\ndata = 'data.mnist'\nmodel = 'train.bilinear'\neigenpairs = 'decompose.interaction'\nhidden = [1, 2]\n",
        &["label_conflict"],
    );
}

/// Two kinds of table that can wait for each other need a role that fits both; images do.
#[test]
fn cycles() {
    use eigenscope_artifact::IMAGES;
    use eigenscope_stage::{
        Description, Resources, Role, Stage, TASK_VERSION, TaskKindDescription,
    };
    let kind = TaskKindDescription {
        name: "copy".to_owned(),
        former_names: Vec::new(),
        unsupported_keys: [].into(),
        summary: "reads images and writes images".to_owned(),
        parameters: vec![],
        roles: vec![Role::many("from", IMAGES, "images")],
        outputs: vec![IMAGES.into()],
        provides: Vec::new(),
        random: false,
        resources: Resources::default(),
        examined: false,
        card: None,
        fallback: false,
    };
    let programs = eigenscope_plan::programs::Programs::from_descriptions(
        std::path::Path::new(""),
        vec![Description {
            version: TASK_VERSION,
            section: Stage::Data,
            kinds: vec![kind],
            code: std::collections::BTreeMap::new(),
        }],
    );
    let parse = |text: &str| {
        let path = std::path::Path::new("pipelines/test.toml");
        eigenscope_plan::parse("test", path, text, &programs).expect_err("a cycle is a problem")
    };
    let found = parse(
        "[data.a]\nkind = 'copy'\nfrom = 'data.c'\n\
         [data.b]\nkind = 'copy'\nfrom = 'data.a'\n\
         [data.c]\nkind = 'copy'\nfrom = ['data.b', 'data.a']\n\
         [data.after]\nkind = 'copy'\nfrom = 'data.c[x=1]'\n\
         [data.self]\nkind = 'copy'\nfrom = 'data.self'\n",
    );
    assert_eq!(codes(&found), ["cycle", "cycle"]);
    let texts: Vec<String> = found.errors().iter().map(ToString::to_string).collect();
    assert!(
        texts[0].ends_with(": data.a -> data.c -> data.a"),
        "{texts:?}"
    );
    assert!(texts[1].ends_with(": data.self -> data.self"), "{texts:?}");
    insta::assert_snapshot!("cycles", rendered(&found));

    let ring = |count: usize| {
        let table = |n: usize| {
            format!(
                "[data.t{n}]\nkind = 'copy'\nfrom = 'data.t{}'\n",
                (n + 1) % count
            )
        };
        (0..count).map(table).collect::<String>()
    };
    let found = parse(&ring(3));
    assert!(
        found.errors()[0]
            .to_string()
            .ends_with("data.t0 -> data.t1 -> data.t2 -> data.t0")
    );
    // A ring as long as a file can hold overflows no stack.
    assert_eq!(codes(&parse(&ring(20_000))), ["cycle"]);
}

#[test]
fn all_problems_at_once_with_their_places() {
    let text = "seed = 'x'\n[data.mnist]\npaht = 'a'\n[train.bilinear]\ndata = 'data.minst'\n\
        hidden = [0, 1]\nepochs = 'é' # wrong\nnoise = [] \n[metric.final]\nhistories = 'train.bilinear[hidden=3]'\n\
        [metric.other]\n[figures.x]\n";
    let found = errors(text);
    let expected = [
        ("wrong_type", (1, 8)),
        ("unknown_key", (3, 1)),
        ("unknown_table", (5, 9)),
        ("out_of_bounds", (6, 11)),
        ("wrong_type", (7, 10)),
        ("empty_sweep", (8, 9)),
        ("unknown_kind", (11, 9)),
        ("unknown_stage", (12, 2)),
    ];
    let positions: Vec<_> = found
        .errors()
        .iter()
        .filter_map(|error| error.position())
        .collect();
    assert_eq!(
        codes(&found),
        expected.map(|(code, _)| code),
        "{}",
        rendered(&found)
    );
    assert_eq!(positions, expected.map(|(_, position)| position));
    assert_eq!(found.to_string(), "pipelines/test.toml has 8 problems");
    insta::assert_snapshot!("all_at_once", rendered(&found));
}

#[test]
fn very_many_problems_are_counted() {
    let keys: String = (0..5000).map(|number| format!("k{number} = 1\n")).collect();
    let found = errors(&keys);
    assert_eq!(found.errors().len(), 100);
    assert_eq!(found.omitted(), 4900);
    assert!(rendered(&found).contains("4900 more problems are not shown"));
}

#[test]
fn lines_too_long_to_show_are_not_shown() {
    let words: String = (0..9000).map(|number| format!("'w{number}',")).collect();
    let found = errors(&format!(
        "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = [{words}]"
    ));
    assert_eq!((found.errors().len(), found.omitted()), (100, 8900));
    let text = rendered(&found);
    assert!(text.contains("help: line 4, column 11 (the lines are too long"));
    assert!(text.len() < 50_000, "{}", text.len());
}

#[test]
fn files_that_are_no_pipelines() {
    let folder = tempfile::tempdir().expect("a folder");
    let programs = programs();
    let found = |name: &str| {
        let path = folder.path().join(name);
        let found = eigenscope_plan::read(&path, &programs).expect_err(name);
        assert!(rendered(&found).contains(name));
        codes(&found)
    };
    assert_eq!(found("missing.toml"), ["unreadable"]);
    std::fs::create_dir(folder.path().join("folder.toml")).expect("a folder");
    assert_eq!(found("folder.toml"), ["unreadable"]);
    std::fs::write(folder.path().join("long.toml"), vec![b'\n'; (1 << 20) + 1]).expect("a file");
    assert_eq!(found("long.toml"), ["too_long"]);
    std::fs::write(folder.path().join("bytes.toml"), b"a = 1\n\xff").expect("a file");
    assert_eq!(found("bytes.toml"), ["not_text"]);
    std::fs::write(folder.path().join("full.toml"), vec![b'\n'; 1 << 20]).expect("a file");
    assert_eq!(found("full.toml"), ["empty"]);
}

#[test]
fn plans_that_would_fill_the_memory_are_refused() {
    let numbers: Vec<String> = (1..=300).map(|number| number.to_string()).collect();
    let numbers = numbers.join(",");
    let mut text = format!(
        "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = [{numbers}]\nseed = [{numbers}]\n"
    );
    for copy in 0..120 {
        text.push_str(&format!(
            "[metric.m{copy}]\nkind = 'final'\nhistories = 'train.bilinear'\n"
        ));
    }
    assert_eq!(codes(&errors(&text)), ["too_large_plan"]);
}
