//! The table `[style]`: what all figures take, what they say themselves, and what is no key of it.

mod sample;

use std::fs;
use std::path::Path;

use eigenscope_plan::file::FileErrors;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, parse, read};
use eigenscope_stage::{Parameter, ParameterType, TaskKindDescription};
use sample::{PIPELINE, codes, figure, programs_with, rendered};
use serde_json::{Value, json};

/// Two kinds of figures, which share the parameters `width` and `title`.
fn programs() -> Programs {
    let shared = || {
        [
            Parameter::optional("width", ParameterType::between(60.0, 400.0), 100.0, "mm"),
            Parameter::optional("title", ParameterType::Boolean, true, "draws the title"),
        ]
    };
    let own = Parameter::optional("rows", ParameterType::at_least(1), 3, "rows");
    let plain = TaskKindDescription {
        parameters: shared().to_vec(),
        ..figure()
    };
    let other = TaskKindDescription {
        name: "published".to_owned(),
        parameters: [own].into_iter().chain(shared()).collect(),
        ..figure()
    };
    programs_with(vec![plain, other])
}

fn parsed(more: &str) -> Result<Plan, FileErrors> {
    let text = PIPELINE.replace("kind = \"similarity\"\n", "");
    parse(
        "p",
        Path::new("p.toml"),
        &format!("{text}{more}"),
        &programs(),
    )
}

fn parameters(plan: &Plan, id: &str) -> Value {
    let task = plan.tasks.iter().find(|task| task.id.starts_with(id));
    Value::clone(&task.expect(id).parameters)
}

#[test]
fn figures_take_the_style_unless_they_say_otherwise() {
    let plan = parsed("title = true\n[style]\nwidth = 88\ntitle = false\n").expect("a plan");
    assert_eq!(
        parameters(&plan, "figure.similarity"),
        json!({"title": false, "width": 88.0})
    );
    assert_eq!(
        parameters(&plan, "figure.published"),
        json!({"rows": 3, "title": true, "width": 88.0})
    );
    let plain = parsed("").expect("a plan");
    assert_eq!(
        parameters(&plain, "figure.similarity"),
        json!({"title": true, "width": 100.0})
    );
}

#[test]
fn a_file_that_extends_another_overrides_its_style_key_by_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("written");
    };
    let base = PIPELINE.replace("kind = \"similarity\"\n", "");
    write(
        "base.toml",
        &format!("{base}[style]\nwidth = 88\ntitle = false\n"),
    );
    write("wide.toml", "extends = \"base\"\n[style]\nwidth = 180\n");
    let plan = read(&folder.path().join("wide.toml"), &programs()).expect("a plan");
    assert_eq!(
        parameters(&plan, "figure.similarity"),
        json!({"title": false, "width": 180.0})
    );
}

#[test]
fn what_is_no_style_is_reported_once() {
    for (style, code, told) in [
        (
            "[style]\nwidht = 88\n",
            "unknown_key",
            "unknown key `widht` in [style]",
        ),
        (
            "[style]\nrows = 88\n",
            "unknown_key",
            "unknown key `rows` in [style]",
        ),
        ("[style]\nwidth = 5\n", "out_of_bounds", "width"),
        ("[style]\nwidth = [88, 120]\n", "wrong_type", "width"),
    ] {
        let errors = parsed(style).expect_err(style);
        assert_eq!(codes(&errors), [code], "{style}");
        assert!(rendered(&errors).contains(told), "{}", rendered(&errors));
    }
    let text = format!("style = 3\n{PIPELINE}");
    let errors = parse("p", Path::new("p.toml"), &text, &programs()).expect_err("no table");
    assert!(codes(&errors).contains(&"wrong_type".to_owned()));
}
