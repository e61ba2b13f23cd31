//! Combinations of task kinds that are not defined: refused with the reason, and only those.

mod sample;

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_artifact::tables::training::FinalRow;
use eigenscope_artifact::{PATTERNS, TENSORS};
use eigenscope_plan::Plan;
use eigenscope_plan::file::FileErrors;
use eigenscope_plan::parse;
use eigenscope_plan::programs::Programs;
use eigenscope_stage::{
    Description, Feature, NameRule, Parameter, ParameterType, Role, Stage, TASK_VERSION,
    TaskKindDescription,
};
use sample::{codes, kind, rendered};
use serde_json::json;

/// Models with and without what is needed.
const BASE: &str = "[train.bilinear]\nbias = [false, true]\nseed = [0, 1]\n\
    [train.mlp]\nwidths = [8, 4]\nseed = [0, 1]\n\
    [train.plain]\n";

fn models() -> Vec<TaskKindDescription> {
    let model = |name: &str, parameters, provides| TaskKindDescription {
        parameters,
        provides,
        random: true,
        ..kind(name, &[TENSORS])
    };
    let widths = ParameterType::list(ParameterType::at_least(1));
    vec![
        model(
            "bilinear",
            vec![Parameter::optional(
                "bias",
                ParameterType::Boolean,
                false,
                "",
            )],
            vec![
                Feature::flag("bilinear"),
                Feature::flag_when("biased", "bias", true),
                Feature::names("layers", ["embed", "gate"].map(NameRule::fixed).to_vec()),
            ],
        ),
        model(
            "mlp",
            vec![Parameter::optional("widths", widths, json!([]), "")],
            vec![Feature::names(
                "layers",
                vec![NameRule::numbered("layer", "widths", 1)],
            )],
        ),
        model("plain", vec![], vec![]),
        model("bare", vec![], vec![Feature::names("layers", Vec::new())]),
    ]
}

fn analyses() -> Vec<TaskKindDescription> {
    let model = || Role::one("model", TENSORS, "");
    let models = || Role::many("models", TENSORS, "");
    let text = || ParameterType::Text;
    let layers = Parameter::optional("layers", ParameterType::list(text()), json!([]), "");
    vec![
        TaskKindDescription {
            roles: vec![
                model()
                    .needs("bilinear", "it takes pairs of gate rows apart")
                    .needs("biased", "the bias is folded in"),
            ],
            ..kind("fold", &[PATTERNS])
        },
        TaskKindDescription {
            roles: vec![models().needs("bilinear", "it compares pairs of gate rows")],
            ..kind("compare", &[FinalRow::KIND])
        },
        TaskKindDescription {
            parameters: vec![
                layers.naming("model", "layers"),
                Parameter::optional("first", text(), "layer1", "").naming("model", "layers"),
            ],
            roles: vec![model()],
            ..kind("probe", &[FinalRow::KIND])
        },
        TaskKindDescription {
            parameters: vec![
                Parameter::optional("layer", text(), "", "").naming("model", "layers"),
            ],
            roles: vec![model()],
            ..kind("draw", &[FinalRow::KIND])
        },
        TaskKindDescription {
            roles: vec![model()],
            provides: vec![Feature::inherited("model"), Feature::flag("edited")],
            ..kind("edit", &[TENSORS])
        },
        TaskKindDescription {
            roles: vec![models()],
            provides: vec![Feature::inherited("models")],
            ..kind("merge", &[TENSORS])
        },
    ]
}

fn plan(text: &str) -> Result<Plan, FileErrors> {
    let description = |section, kinds| Description {
        version: TASK_VERSION,
        section,
        kinds,
        code: BTreeMap::new(),
    };
    let descriptions = vec![
        description(Stage::Train, models()),
        description(Stage::Metric, analyses()),
    ];
    let programs = Programs::from_descriptions(Path::new(""), descriptions);
    let text = format!("{BASE}{text}");
    parse("test", Path::new("pipelines/test.toml"), &text, &programs)
}

#[track_caller]
fn fits(text: &str) {
    if let Err(errors) = plan(text) {
        panic!("{}", rendered(&errors));
    }
}

#[track_caller]
fn refused(name: &str, text: &str, expected: &[&str]) {
    let errors = plan(text).expect_err(name);
    let text = rendered(&errors);
    assert_eq!(codes(&errors), expected, "{text}");
    insta::assert_snapshot!(name, text);
}

#[test]
fn a_property_is_missing() {
    // Both needs are unmet for every seed: one cause.
    refused(
        "property_missing",
        "[metric.fold]\nmodel = 'train.mlp'\n",
        &["unmet_need"],
    );
}

#[test]
fn a_property_depends_on_a_parameter() {
    fits("[metric.fold]\nmodel = 'train.bilinear[bias=true]'\n");
    refused(
        "property_of_some_swept_values",
        "[metric.fold]\nmodel = 'train.bilinear'\n",
        &["unmet_need"],
    );
    refused(
        "property_of_other_values",
        "[metric.fold]\nmodel = 'train.other'\n\
         [train.other]\nkind = 'bilinear'\nbias = false\n",
        &["unmet_need"],
    );
}

#[test]
fn one_of_several_artifacts_does_not_fit() {
    fits("[metric.compare]\nmodels = 'train.bilinear'\n");
    refused(
        "one_of_several",
        "[metric.compare]\nmodels = ['train.bilinear[bias=true]', 'train.mlp[seed=1]', 'train.plain']\n",
        &["unmet_need", "unmet_need"],
    );
}

#[test]
fn names_of_parts() {
    fits("[metric.probe]\nmodel = 'train.mlp'\nlayers = []\n");
    fits("[metric.probe]\nmodel = 'train.mlp'\nlayers = ['layer3', 'layer1']\n");
    fits("[metric.probe]\nmodel = 'train.bilinear'\nfirst = ['embed', 'gate']\n");
    refused(
        "unknown_name_in_list",
        "[metric.probe]\nmodel = 'train.mlp'\nlayers = ['layer1', 'leyer2', 'layer4']\n",
        &["unknown_name", "unknown_name"],
    );
    refused(
        "unknown_name_in_sweep",
        "[metric.probe]\nmodel = 'train.mlp'\nfirst = ['layer1', 'layer0']\n",
        &["unknown_name"],
    );
    refused(
        "unknown_name_by_default",
        "[metric.probe]\nmodel = 'train.bilinear'\n",
        &["unknown_name"],
    );
}

#[test]
fn an_artifact_has_no_parts() {
    // One problem for each parameter that is about the parts, whatever it names.
    refused(
        "no_names",
        "[metric.probe]\nmodel = 'train.plain'\n",
        &["no_names", "no_names"],
    );
}

#[test]
fn a_part_is_chosen_by_the_task_if_there_is_one() {
    fits("[metric.draw]\nmodel = 'train.mlp'\n");
    for (text, expected) in [
        (
            "[metric.draw]\nmodel = 'train.mlp'\nlayer = ''\n",
            "unknown_name",
        ),
        (
            "[train.bare]\n[metric.draw]\nmodel = 'train.bare'\n",
            "no_names",
        ),
    ] {
        let errors = plan(text).expect_err("refused");
        assert_eq!(codes(&errors), [expected], "{}", rendered(&errors));
    }
}

#[test]
fn features_are_inherited_through_several_tables() {
    let edits = |model: &str| {
        format!(
            "[metric.once]\nkind = 'edit'\nmodel = '{model}'\n\
             [metric.twice]\nkind = 'edit'\nmodel = 'metric.once'\n\
             [metric.fold]\nmodel = 'metric.twice'\n\
             [metric.probe]\nmodel = 'metric.twice'\n"
        )
    };
    fits(&format!(
        "{}first = 'gate'\n",
        edits("train.bilinear[bias=true]")
    ));
    refused(
        "inherited",
        &format!("{}first = 'gata'\n", edits("train.mlp")),
        &["unmet_need", "unknown_name"],
    );
}

#[test]
fn other_problems_are_reported_beside_and_have_no_consequences() {
    let text = "[train.wide]\nkind = 'mlp'\nwidths = ['x']\n\
        [metric.edit]\nmodel = 'train.wide'\n\
        [metric.probe]\nmodel = 'metric.edit'\nlayers = ['layer2']\n\
        [metric.fold]\nmodel = 'train.mlp'\n";
    let errors = plan(text).expect_err("two problems");
    assert_eq!(codes(&errors), ["wrong_type", "unmet_need"]);
}

#[test]
fn what_is_made_from_several_has_what_all_have() {
    let merged = |models: &str| {
        format!(
            "[metric.merge]\nmodels = {models}\n\
             [metric.compare]\nmodels = 'metric.merge'\n\
             [metric.probe]\nmodel = 'metric.merge'\nfirst = 'gate'\n"
        )
    };
    fits(&merged("'train.bilinear'"));
    refused(
        "merged",
        &merged("['train.bilinear', 'train.mlp']"),
        &["unmet_need", "unknown_name"],
    );
}

#[test]
fn a_large_plan_is_checked() {
    let seeds: Vec<String> = (0..100_000).map(|seed| seed.to_string()).collect();
    let text = format!(
        "[train.many]\nkind = 'mlp'\nwidths = [8, 8]\nseed = [{}]\n\
         [metric.edit]\nmodel = 'train.many'\n\
         [metric.probe]\nmodel = 'metric.edit'\nlayers = ['layer1', 'layer3']\n\
         [metric.merge]\nmodels = 'metric.edit'\n",
        seeds.join(",")
    );
    fits(&text);
    let errors = plan(&format!("{text}[metric.fold]\nmodel = 'metric.edit'\n"));
    assert_eq!(codes(&errors.expect_err("not bilinear")), ["unmet_need"]);
}
