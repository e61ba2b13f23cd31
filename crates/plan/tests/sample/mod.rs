//! Stage programs that exist only as descriptions, and a pipeline for them.
#![allow(dead_code, reason = "no test uses all of it")]

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_artifact::tables::bilinear::{
    SimilarityMapRow, SimilarityRow, SpectrumRow, TruncationRow,
};
use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::{ArtifactKind, EIGENPAIRS, IMAGES, PNG, SVG, TENSORS};
use eigenscope_plan::Plan;
use eigenscope_plan::file::FileErrors;
use eigenscope_plan::parse;
use eigenscope_plan::programs::Programs;
use eigenscope_stage::{
    Code, Description, Parameter, ParameterType, Resources, Role, Stage, TASK_VERSION,
    TaskKindDescription, Variant,
};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use serde_json::json;

/// A pipeline with every section, sweeps, inherited labels and a role that reads many.
pub(crate) const PIPELINE: &str = r#"
description = "sizes and seeds"
seed = 7

[data.mnist]
transforms = ["scale", { normalise = { mean = [0.5], std = [1] } }]

[train.bilinear]
data = "data.mnist"
hidden = [30, 50, 100]
seed = [0, 1]

[decompose.interaction]
model = "train.bilinear"

[metric.similarity]
eigenpairs = "decompose.interaction"
reference_hidden = 50
variant = ["published", "corrected"]

[metric.final]
histories = "train.bilinear"

[metric.truncation]
model = "train.bilinear[hidden=50|100]"
eigenpairs = "decompose.interaction"
data = "data.mnist"

[figure.similarity]
similarity = "metric.similarity"

[figure.published]
kind = "similarity"
similarity = "metric.similarity[variant=published]"
"#;

pub(crate) fn programs() -> Programs {
    programs_with(vec![figure()])
}

/// The programs, with these kinds of figures.
pub(crate) fn programs_with(figures: Vec<TaskKindDescription>) -> Programs {
    let description = |section, kinds: Vec<TaskKindDescription>| Description {
        version: TASK_VERSION,
        section,
        code: kinds.iter().map(code).collect(),
        kinds,
    };
    let descriptions = vec![
        description(Stage::Data, vec![mnist(), broken()]),
        description(Stage::Train, vec![bilinear()]),
        description(Stage::Decompose, vec![interaction()]),
        description(Stage::Metric, metrics()),
        description(Stage::Figure, figures),
    ];
    Programs::from_descriptions(Path::new("programs"), descriptions)
}

fn code(kind: &TaskKindDescription) -> (String, Code) {
    let code = Code {
        fingerprint: format!("code of {}", kind.name),
        parts: BTreeMap::new(),
    };
    (kind.name.clone(), code)
}

pub(crate) fn plan(text: &str) -> Result<Plan, FileErrors> {
    parse("test", Path::new("pipelines/test.toml"), text, &programs())
}

/// A diagnostic as people see it, without colours.
pub(crate) fn rendered(diagnostic: &dyn Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_links(false)
        .with_width(100)
        .render_report(&mut text, diagnostic)
        .expect("writing to a string");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// All errors, one after the other, as the standard settings show them without colours.
pub(crate) fn all_rendered(errors: &FileErrors) -> String {
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let mut report = String::new();
    for error in errors.errors() {
        handler.render_report(&mut report, error).expect("rendered");
        report.push('\n');
    }
    report
}

/// The last part of the code of every problem, in file order.
pub(crate) fn codes(errors: &FileErrors) -> Vec<String> {
    errors
        .errors()
        .iter()
        .map(|error| {
            let code = error.code().expect("every problem has a code").to_string();
            let name = code.strip_prefix("eigenscope::file::");
            name.expect("one family of codes").to_owned()
        })
        .collect()
}

/// A kind without parameters and roles.
pub(crate) fn kind(name: &str, outputs: &[ArtifactKind]) -> TaskKindDescription {
    TaskKindDescription {
        name: name.to_owned(),
        former_names: Vec::new(),
        unsupported_keys: [].into(),
        summary: format!("the kind {name}"),
        parameters: Vec::new(),
        roles: Vec::new(),
        outputs: outputs.iter().map(|&kind| kind.into()).collect(),
        provides: Vec::new(),
        random: false,
        resources: Resources::default(),
        examined: false,
        card: None,
        fallback: false,
    }
}

/// A kind with a default that does not fit its own type.
fn broken() -> TaskKindDescription {
    let size = Parameter::optional("size", ParameterType::at_least(1), 0, "size");
    TaskKindDescription {
        parameters: vec![size],
        ..kind("broken", &[IMAGES])
    }
}

fn mnist() -> TaskKindDescription {
    let numbers = ParameterType::list(ParameterType::between(0.0, 10.0));
    let transform = ParameterType::OneOf(vec![
        Variant::new("scale", vec![]),
        Variant::new("grey", vec![]),
        Variant::new(
            "normalise",
            vec![
                Parameter::required("mean", numbers, "mean of each channel"),
                Parameter::required(
                    "std",
                    ParameterType::list(ParameterType::positive(10.0)),
                    "deviation of each channel",
                ),
            ],
        ),
    ]);
    TaskKindDescription {
        parameters: vec![
            Parameter::optional(
                "transforms",
                ParameterType::list(transform),
                json!([]),
                "in order",
            ),
            Parameter::optional("path", ParameterType::Text, "", "where the files are"),
            Parameter::optional(
                "classes",
                ParameterType::set(ParameterType::at_least(0)),
                json!([]),
                "classes to keep",
            ),
            Parameter::optional("first", ParameterType::at_least(0), 0, "so many classes")
                .instead_of("classes"),
            Parameter::optional(
                "pairs",
                ParameterType::list(ParameterType::distinct(2, ParameterType::at_least(0))),
                json!([]),
                "pairs of classes",
            ),
        ],
        ..kind("mnist", &[IMAGES])
    }
}

fn bilinear() -> TaskKindDescription {
    let rate = || Parameter::optional("lr", ParameterType::between(0.0, 10.0), 1e-3, "rate");
    let decay = Parameter::optional("decay", ParameterType::between(0.0, 10.0), 1, "decay");
    let optimizer = ParameterType::OneOf(vec![
        Variant::new("adamw", vec![rate(), decay]),
        Variant::new("sgd", vec![rate()]),
        Variant::new("none", vec![]),
    ]);
    let batch = ParameterType::Either(vec![
        ParameterType::choice(&["all"]),
        ParameterType::at_least(1),
    ]);
    let crop = ParameterType::Either(vec![
        ParameterType::at_least(1),
        ParameterType::list(ParameterType::at_least(1)),
    ]);
    TaskKindDescription {
        parameters: vec![
            Parameter::required("hidden", ParameterType::at_least(1), "hidden units"),
            Parameter::optional("epochs", ParameterType::at_least(1), 10, "passes"),
            Parameter::optional("noise", ParameterType::between(0.0, 10.0), 0.4, "deviation"),
            Parameter::optional(
                "optimizer",
                optimizer,
                json!({ "adamw": {} }),
                "how to learn",
            ),
            Parameter::optional("bias", ParameterType::Boolean, false, "with bias"),
            Parameter::optional("batch", batch, 2048, "images a step"),
            Parameter::optional("crop", crop, 28, "size"),
            Parameter::optional("note", ParameterType::Text, "", "free text"),
        ],
        roles: vec![Role::one("data", IMAGES, "training images")],
        random: true,
        ..kind("bilinear", &[TENSORS, HistoryRow::KIND])
    }
}

fn interaction() -> TaskKindDescription {
    TaskKindDescription {
        roles: vec![Role::one("model", TENSORS, "the model to take apart")],
        ..kind("interaction", &[SpectrumRow::KIND, EIGENPAIRS])
    }
}

fn metrics() -> Vec<TaskKindDescription> {
    vec![
        TaskKindDescription {
            parameters: vec![
                Parameter::optional(
                    "variant",
                    ParameterType::choice(&["published", "corrected"]),
                    "corrected",
                    "which formula",
                ),
                Parameter::optional("reference_hidden", ParameterType::at_least(1), 300, "size"),
            ],
            roles: vec![Role::many("eigenpairs", EIGENPAIRS, "what is compared")],
            ..kind("similarity", &[SimilarityRow::KIND, SimilarityMapRow::KIND])
        },
        TaskKindDescription {
            roles: vec![Role::many("histories", HistoryRow::KIND, "training runs")],
            former_names: vec!["accuracy".to_owned()],
            ..kind("final", &[FinalRow::KIND])
        },
        TaskKindDescription {
            parameters: vec![Parameter::optional(
                "hidden",
                ParameterType::at_least(1),
                1,
                "named like a label of models",
            )],
            roles: vec![
                Role::one("model", TENSORS, "the model"),
                Role::one("eigenpairs", EIGENPAIRS, "its eigenpairs"),
                Role::one("data", IMAGES, "test images"),
            ],
            ..kind("truncation", &[TruncationRow::KIND])
        },
    ]
}

pub(crate) fn figure() -> TaskKindDescription {
    TaskKindDescription {
        roles: vec![Role::many("similarity", SimilarityRow::KIND, "curves")],
        ..kind("similarity", &[SVG, PNG])
    }
}
