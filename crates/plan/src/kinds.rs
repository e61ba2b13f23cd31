//! The task kinds of the stage programs, as users are told about them.

use eigenscope_artifact::KindName;
use eigenscope_stage::{Stage, TaskKindDescription};
use serde::Serialize;
use serde_json::Value;

use crate::file::type_in_words;
use crate::programs::Programs;

/// A task kind that pipeline files can name.
#[derive(Debug, Serialize)]
pub struct Kind<'a> {
    pub stage: &'static str,
    pub kind: &'a str,
    pub summary: &'a str,
    pub reads: Vec<Input<'a>>,
    pub writes: Vec<&'a str>,
    pub parameters: Vec<Parameter<'a>>,
    /// Whether it takes a seed.
    pub seed: bool,
}

/// What tasks of a kind read in one role.
#[derive(Debug, Serialize)]
pub struct Input<'a> {
    pub role: &'a str,
    pub kind: &'a str,
    /// Whether one task reads all that is referred to.
    pub many: bool,
    pub summary: &'a str,
}

/// What can be set.
#[derive(Debug, Serialize)]
pub struct Parameter<'a> {
    pub name: &'a str,
    /// What it takes, in words.
    pub takes: String,
    /// `null`: it must be given.
    pub default: Option<&'a Value>,
    pub summary: &'a str,
}

/// All kinds, stage by stage.
pub fn kinds(programs: &Programs) -> Vec<Kind<'_>> {
    let kinds = Stage::ALL.into_iter().flat_map(|stage| {
        let kinds = programs.kinds(stage).iter();
        kinds.map(move |kind| Kind::new(stage, kind))
    });
    kinds.collect()
}

impl<'a> Kind<'a> {
    fn new(stage: Stage, kind: &'a TaskKindDescription) -> Self {
        Self {
            stage: stage.name(),
            kind: &kind.name,
            summary: &kind.summary,
            reads: kind
                .roles
                .iter()
                .map(|role| Input {
                    role: &role.name,
                    kind: role.kind.as_str(),
                    many: role.many,
                    summary: &role.summary,
                })
                .collect(),
            writes: kind.outputs.iter().map(KindName::as_str).collect(),
            parameters: kind
                .parameters
                .iter()
                .map(|parameter| Parameter {
                    name: &parameter.name,
                    takes: type_in_words(&parameter.kind),
                    default: parameter.default.as_ref(),
                    summary: &parameter.summary,
                })
                .collect(),
            seed: kind.random,
        }
    }

    /// Stage and name, as they stand in the headings of pipeline files.
    pub fn full_name(&self) -> String {
        format!("{}.{}", self.stage, self.kind)
    }
}
