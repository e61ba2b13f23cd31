//! The stage programs: where they are and what they say they can do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use eigenscope_stage::{
    AttributeValue, Code, Description, Feature, KindDescription, NameRule, Section, TASK_VERSION,
};
use serde::Deserialize;

/// A stage program that could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not there or does not start.
    #[error("cannot start the stage program {path}; build the whole workspace with `make`", path = path.display())]
    Start {
        /// Where it was looked for.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// It did not answer in the way this program understands.
    #[error("{path} does not answer `describe` as expected: {reason}", path = path.display())]
    Answer {
        /// The program.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The fields that every version of a description has.
#[derive(Deserialize)]
struct Contract {
    version: u32,
    section: Section,
}

/// The five stage programs with their descriptions.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
    descriptions: Vec<Description>,
}

impl Programs {
    /// Asks the stage programs in `folder`, all at the same time.
    pub fn describe(folder: &Path) -> Result<Self, ProgramError> {
        let children: Vec<_> = Section::ALL
            .iter()
            .map(|&section| {
                let path = program_path(folder, section);
                let child = Command::new(&path)
                    .arg("describe")
                    .stdin(Stdio::null())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn();
                (section, path, child)
            })
            .collect();
        let mut descriptions = Vec::new();
        for (section, path, child) in children {
            let output = child
                .and_then(std::process::Child::wait_with_output)
                .map_err(|source| ProgramError::Start {
                    path: path.clone(),
                    source,
                })?;
            let answer = |reason: String| ProgramError::Answer {
                path: path.clone(),
                reason,
            };
            if !output.status.success() {
                return Err(answer(output.status.to_string()));
            }
            let broken = |error: serde_json::Error| answer(error.to_string());
            // The contract comes first: a description of another version may have other fields.
            let contract: Contract = serde_json::from_slice(&output.stdout).map_err(broken)?;
            if contract.version != TASK_VERSION || contract.section != section {
                return Err(answer(format!(
                    "it serves `{}` with contract version {}, expected `{}` with {TASK_VERSION}; rebuild with `make`",
                    contract.section.name(),
                    contract.version,
                    section.name()
                )));
            }
            let description: Description =
                serde_json::from_slice(&output.stdout).map_err(broken)?;
            let mut kinds = description.kinds.iter();
            let defect = kinds.find_map(defect);
            if let Some(defect) = defect.or_else(|| without_code(&description)) {
                return Err(answer(defect));
            }
            descriptions.push(description);
        }
        Ok(Self {
            folder: folder.to_owned(),
            descriptions,
        })
    }

    /// Programs with given descriptions, for tests.
    pub fn from_descriptions(folder: &Path, descriptions: Vec<Description>) -> Self {
        Self {
            folder: folder.to_owned(),
            descriptions,
        }
    }

    /// The kinds that serve a section; none if no program does.
    pub fn kinds(&self, section: Section) -> &[KindDescription] {
        self.descriptions
            .iter()
            .find(|description| description.section == section)
            .map(|description| description.kinds.as_slice())
            .unwrap_or_default()
    }

    /// The code that computes a kind of task.
    pub fn code(&self, section: Section, kind: &str) -> Option<&Code> {
        let mut descriptions = self.descriptions.iter();
        let description = descriptions.find(|description| description.section == section)?;
        description.code.get(kind)
    }

    /// The code of all kinds.
    pub(crate) fn all_code(&self) -> impl Iterator<Item = &Code> {
        let descriptions = self.descriptions.iter();
        descriptions.flat_map(|description| description.code.values())
    }

    /// The program that runs tasks of a section.
    pub fn path(&self, section: Section) -> PathBuf {
        program_path(&self.folder, section)
    }
}

fn program_path(folder: &Path, section: Section) -> PathBuf {
    folder.join(format!(
        "{}{}",
        section.program(),
        std::env::consts::EXE_SUFFIX
    ))
}

/// The kind of which it is not known what code computes it, in words.
fn without_code(description: &Description) -> Option<String> {
    let mut kinds = description.kinds.iter();
    let kind = kinds.find(|kind| !description.code.contains_key(&kind.name))?;
    Some(format!(
        "a defect of the program: it does not say what code computes its kind `{}`",
        kind.name
    ))
}

/// The parameter or role that a kind relies on without having it, in words.
fn defect(kind: &KindDescription) -> Option<String> {
    let namings = kind.parameters.iter().flat_map(|known| &known.names_of);
    let mut roles: Vec<&String> = namings.map(|naming| &naming.role).collect();
    let mut parameters = Vec::new();
    for feature in &kind.provides {
        match feature {
            Feature::Flag { when, .. } => {
                parameters.extend(when.iter().map(|when| &when.parameter))
            }
            Feature::Names { rules, .. } => {
                parameters.extend(rules.iter().flat_map(NameRule::parameter))
            }
            Feature::Attribute { value, .. } => {
                parameters.extend(value.parameters());
                if let AttributeValue::Inherited { role } = value {
                    roles.push(role);
                }
            }
            Feature::Inherited { role } | Feature::Quantities { role } => roles.push(role),
            Feature::Quantity { .. } => {}
        }
    }
    let paths = kind.agreements().flat_map(|agreement| agreement.paths());
    let starts: Vec<String> = paths
        .filter_map(|path| path.split('/').next().map(str::to_owned))
        .collect();
    roles.extend(&starts);
    let has_parameter = |name: &String| kind.parameters.iter().any(|known| known.name == *name);
    let has_role = |name: &String| kind.roles.iter().any(|known| known.name == *name);
    let parameter = parameters.into_iter().find(|name| !has_parameter(name));
    let role = roles.into_iter().find(|name| !has_role(name));
    let (what, name) = parameter
        .map(|name| ("parameter", name))
        .or(role.map(|name| ("role", name)))?;
    let kind = &kind.name;
    Some(format!(
        "a defect of the program: its kind `{kind}` has no {what} `{name}`, but relies on it"
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eigenscope_artifact::Kind;
    use eigenscope_stage::{Parameter, ParameterType, Resources, Role};

    use super::*;

    fn kind(parameter: Parameter, provides: Vec<Feature>) -> KindDescription {
        KindDescription {
            name: "edit".to_owned(),
            summary: String::new(),
            parameters: vec![parameter],
            roles: vec![Role::one("model", Kind::Tensors, "model")],
            outputs: vec![Kind::Tensors],
            provides,
            random: false,
            resources: Resources::default(),
        }
    }

    #[test]
    fn every_kind_has_its_code() {
        let mut description = Description {
            version: TASK_VERSION,
            section: Section::Train,
            kinds: vec![kind(
                Parameter::required("a", ParameterType::Text, ""),
                vec![],
            )],
            code: BTreeMap::new(),
        };
        let found = without_code(&description).expect("it has none");
        assert!(found.contains("its kind `edit`"), "{found}");
        description.code.insert("edit".to_owned(), Code::default());
        assert_eq!(without_code(&description), None);
    }

    #[test]
    fn a_kind_relies_on_its_own_parameters_and_roles_only() {
        let widths = || Parameter::required("widths", ParameterType::list(ParameterType::Text), "");
        let numbered = |parameter| vec![NameRule::numbered("layer", parameter, 0)];
        let sound = vec![
            Feature::flag("edited"),
            Feature::flag_when("wide", "widths", 1),
            Feature::names("layers", numbered("widths")),
            Feature::inherited("model"),
        ];
        assert_eq!(
            defect(&kind(widths().naming("model", "layers"), sound)),
            None
        );
        for (parameter, feature, missing) in [
            (
                widths(),
                Feature::flag_when("wide", "width", 1),
                "no parameter `width`",
            ),
            (
                widths(),
                Feature::names("layers", numbered("depth")),
                "no parameter `depth`",
            ),
            (widths(), Feature::inherited("models"), "no role `models`"),
            (
                widths().naming("weights", "layers"),
                Feature::flag("edited"),
                "no role `weights`",
            ),
        ] {
            let found = defect(&kind(parameter, vec![feature])).expect(missing);
            assert!(found.contains(missing), "{found}");
        }
    }
}
