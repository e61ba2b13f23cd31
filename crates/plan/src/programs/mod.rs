//! The stage programs: their paths, their descriptions, and their answers to questions about tasks.

mod call;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use eigenscope_stage::{
    Answers, AttributeValue, Code, Description, DeviceChoice, Examined, Feature, NameRule,
    Question, Questions, Stage, TASK_VERSION, TaskKindDescription,
};
use serde::Deserialize;

use call::Call;

const DESCRIBE: &str = "describe";
const EXAMINE: &str = "examine";

/// A stage program that could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It is not there or does not start.
    #[error("cannot start the stage program {path}{advice}", path = path.display(), advice = start_advice(source))]
    Start {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// It did not answer in the way this program understands.
    #[error("{path} does not answer `{command}` as expected: {reason}", path = path.display())]
    Answer {
        path: PathBuf,
        command: &'static str,
        reason: String,
    },
}

impl ProgramError {
    /// Returns whether there is no such program.
    fn is_missing(&self) -> bool {
        matches!(self, Self::Start { source, .. } if source.kind() == ErrorKind::NotFound)
    }
}

/// What the user can do about a program that does not start.
pub fn start_advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound => "; build the whole workspace with `make`",
        ErrorKind::PermissionDenied => {
            "; it is not executable, or lies on a file system from which nothing may be executed"
        }
        ErrorKind::WouldBlock => "; raise the limit on processes (`ulimit -u`), or end some",
        _ => eigenscope_artifact::advice(error),
    }
}

/// How long a program may take to describe itself or to answer questions, which needs milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// After this time it is said that it is waited for.
    pub notice_after: Duration,
    /// After this time it is given up.
    pub limit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            notice_after: Duration::from_secs(5),
            limit: Duration::from_secs(60),
        }
    }
}

/// The fields that every version of a description has.
#[derive(Deserialize)]
struct Contract {
    version: u32,
    #[serde(rename = "section")]
    stage: Stage,
}

/// The version of answers, which every version of them has.
#[derive(Deserialize)]
struct AnswersVersion {
    version: u32,
}

/// The stage programs with their descriptions.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
    descriptions: Vec<Description>,
    /// Stages whose programs are not there.
    missing: Vec<Stage>,
    data_dir: PathBuf,
    patience: Patience,
    requires_files: bool,
    device: Option<DeviceChoice>,
    has_card: fn() -> bool,
}

impl Programs {
    /// Asks the stage programs in `folder`, all at the same time. One that is missing is missed by those pipelines only that
    /// need it.
    ///
    /// # Errors
    /// One does not start, or does not answer as expected within a minute, or all are missing.
    pub fn describe(folder: &Path) -> Result<Self, ProgramError> {
        Self::describe_within(folder, Patience::default())
    }

    /// As [`Programs::describe`], with another patience.
    ///
    /// # Errors
    /// As there.
    pub fn describe_within(folder: &Path, patience: Patience) -> Result<Self, ProgramError> {
        let asked: Vec<_> = Stage::ALL
            .iter()
            .map(|&stage| {
                let path = program_path(folder, stage);
                (stage, Call::start(path, DESCRIBE, Vec::new()))
            })
            .collect();
        let mut descriptions = Vec::new();
        let mut missing = Vec::new();
        let mut first_missing = None;
        for (stage, asked) in asked {
            let asked = match asked {
                Err(error) if error.is_missing() => {
                    missing.push(stage);
                    first_missing.get_or_insert(error);
                    continue;
                }
                asked => asked?,
            };
            let path = asked.path.clone();
            let answer = |reason: String| ProgramError::Answer {
                path: path.clone(),
                command: DESCRIBE,
                reason,
            };
            let text = asked.answer(patience)?;
            let broken = |error: serde_json::Error| answer(error.to_string());
            // The contract comes first: a description of another version may have other fields.
            let contract: Contract = serde_json::from_slice(&text).map_err(broken)?;
            if contract.version != TASK_VERSION || contract.stage != stage {
                return Err(answer(format!(
                    "it serves `{}` with contract version {}, expected `{}` with {TASK_VERSION}; rebuild with `make`",
                    contract.stage.name(),
                    contract.version,
                    stage.name()
                )));
            }
            let description: Description = serde_json::from_slice(&text).map_err(broken)?;
            let mut kinds = description.kinds.iter();
            let defect = kinds.find_map(defect);
            if let Some(defect) = defect.or_else(|| without_code(&description)) {
                return Err(answer(defect));
            }
            descriptions.push(description);
        }
        if let (Some(error), true) = (first_missing, descriptions.is_empty()) {
            return Err(error);
        }
        Ok(Self {
            patience,
            missing,
            ..Self::from_descriptions(folder, descriptions)
        })
    }

    /// Programs with given descriptions, for tests.
    pub fn from_descriptions(folder: &Path, descriptions: Vec<Description>) -> Self {
        Self {
            folder: folder.to_owned(),
            descriptions,
            missing: Vec::new(),
            data_dir: PathBuf::new(),
            patience: Patience::default(),
            requires_files: false,
            device: None,
            has_card: || false,
        }
    }

    /// The same programs, which look for the files of tasks that they examine in `data_dir`.
    pub fn with_data_dir(self, data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            ..self
        }
    }

    /// The same programs, with the device that tasks compute on whatever pipeline files say, if one is given. `has_card` says whether
    /// there is a graphics card, and is asked only where that matters.
    pub fn on_device(self, device: Option<DeviceChoice>, has_card: fn() -> bool) -> Self {
        Self {
            device,
            has_card,
            ..self
        }
    }

    /// The device that tasks compute on whatever pipeline files say.
    pub(crate) fn device(&self) -> Option<DeviceChoice> {
        self.device
    }

    /// Returns whether there is a graphics card.
    pub(crate) fn has_card(&self) -> bool {
        (self.has_card)()
    }

    /// The same programs for a pipeline whose tasks have to run: a file of the user's that cannot be used is an error.
    pub fn requiring_files(self) -> Self {
        Self {
            requires_files: true,
            ..self
        }
    }

    /// Returns whether a file of the user's that cannot be used is an error.
    pub(crate) fn require_files(&self) -> bool {
        self.requires_files
    }

    /// Asks the program of a stage about tasks before they run; one answer a question.
    ///
    /// # Errors
    /// The program does not start, fails, or does not answer as expected.
    pub(crate) fn examine(
        &self,
        stage: Stage,
        questions: Vec<Question>,
    ) -> Result<Vec<Examined>, ProgramError> {
        let path = self.path(stage);
        let answer = |reason: String| ProgramError::Answer {
            path: path.clone(),
            command: EXAMINE,
            reason,
        };
        let broken = |error: serde_json::Error| answer(error.to_string());
        let count = questions.len();
        let kinds: Vec<String> = questions.iter().map(|one| one.kind.clone()).collect();
        let questions = Questions {
            version: TASK_VERSION,
            data_dir: self.data_dir.clone(),
            questions,
        };
        let questions = serde_json::to_vec(&questions).map_err(broken)?;
        let text = Call::start(path.clone(), EXAMINE, questions)?.answer(self.patience)?;
        let AnswersVersion { version } = serde_json::from_slice(&text).map_err(broken)?;
        if version != TASK_VERSION {
            return Err(answer(format!(
                "contract version {version}, expected {TASK_VERSION}; rebuild with `make`"
            )));
        }
        let Answers { answers, .. } = serde_json::from_slice(&text).map_err(broken)?;
        if answers.len() != count {
            let found = answers.len();
            return Err(answer(format!("{found} answers to {count} questions")));
        }
        for (kind, examined) in kinds.iter().zip(&answers) {
            let mut known = self.kinds(stage).iter();
            let kind = known.find(|known| known.name == *kind);
            if let Some(defect) = kind.and_then(|kind| answer_defect(kind, examined)) {
                return Err(answer(defect));
            }
        }
        Ok(answers)
    }

    /// The kinds that serve a stage; none if no program does.
    pub fn kinds(&self, stage: Stage) -> &[TaskKindDescription] {
        self.descriptions
            .iter()
            .find(|description| description.section == stage)
            .map(|description| description.kinds.as_slice())
            .unwrap_or_default()
    }

    /// The first stage with a kind of this name.
    pub(crate) fn stage_of(&self, kind: &str) -> Option<Stage> {
        let mut descriptions = self.descriptions.iter();
        let found = descriptions.find(|one| one.kinds.iter().any(|known| known.name == kind));
        found.map(|description| description.section)
    }

    /// Where the program of a stage should be, if it is not there.
    pub(crate) fn missing(&self, stage: Stage) -> Option<PathBuf> {
        self.missing.contains(&stage).then(|| self.path(stage))
    }

    /// The code that computes a kind of task.
    pub fn code(&self, stage: Stage, kind: &str) -> Option<&Code> {
        let mut descriptions = self.descriptions.iter();
        let description = descriptions.find(|description| description.section == stage)?;
        description.code.get(kind)
    }

    /// The code of all kinds.
    pub(crate) fn all_code(&self) -> impl Iterator<Item = &Code> {
        let descriptions = self.descriptions.iter();
        descriptions.flat_map(|description| description.code.values())
    }

    /// The program that runs tasks of a stage.
    pub fn path(&self, stage: Stage) -> PathBuf {
        program_path(&self.folder, stage)
    }
}

/// The program in `folder` that reads and writes models for other programs.
pub fn import_program(folder: &Path) -> PathBuf {
    program_path(folder, Stage::Model)
}

fn program_path(folder: &Path, stage: Stage) -> PathBuf {
    folder.join(format!(
        "{}{}",
        stage.program(),
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

/// As [`defect`], of what a program says about a task of a kind.
fn answer_defect(kind: &TaskKindDescription, examined: &Examined) -> Option<String> {
    let roles = examined.demands.keys();
    let mut unknown = roles.filter(|name| kind.roles.iter().all(|role| role.name != name.as_str()));
    if let Some(name) = unknown.next() {
        return Some(lacks(&kind.name, "role", name));
    }
    let mut stating = kind.clone();
    stating.provides.clone_from(&examined.provides);
    defect(&stating)
}

fn lacks(kind: &str, what: &str, name: &str) -> String {
    format!("a defect of the program: its kind `{kind}` has no {what} `{name}`, but relies on it")
}

/// The parameter or role that a kind relies on without having it, in words.
fn defect(kind: &TaskKindDescription) -> Option<String> {
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
            Feature::Quantity { amount, .. } => {
                parameters.extend(amount.parameters());
                roles.extend(amount.role());
            }
        }
    }
    let labels = kind.parameters.iter().flat_map(|known| &known.label_of);
    let labels = labels.map(|label| label.path.as_str());
    let paths = kind.agreements().flat_map(|agreement| agreement.paths());
    let starts: Vec<String> = paths
        .chain(labels)
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
    Some(lacks(&kind.name, what, name))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Instant;

    use eigenscope_artifact::TENSORS;
    use eigenscope_stage::{Parameter, ParameterType, Resources, Role};

    use super::*;

    fn kind(parameter: Parameter, provides: Vec<Feature>) -> TaskKindDescription {
        TaskKindDescription {
            name: "edit".to_owned(),
            former_names: Vec::new(),
            unsupported_keys: BTreeMap::new(),
            summary: String::new(),
            parameters: vec![parameter],
            roles: vec![Role::one("model", TENSORS, "model")],
            outputs: vec![TENSORS.into()],
            provides,
            random: false,
            resources: Resources::default(),
            card: None,
            examined: false,
            fallback: false,
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_hangs_is_given_up() {
        use std::os::unix::fs::PermissionsExt;
        for script in ["exec sleep 100", "exec >&-; exec sleep 100"] {
            let folder = tempfile::tempdir().expect("a folder");
            for stage in Stage::ALL {
                let path = program_path(folder.path(), stage);
                std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
                let executable = std::fs::Permissions::from_mode(0o755);
                std::fs::set_permissions(&path, executable).expect("set");
            }
            let patience = Patience {
                notice_after: Duration::from_millis(50),
                limit: Duration::from_millis(300),
            };
            let started = Instant::now();
            let error = Programs::describe_within(folder.path(), patience).expect_err(script);
            assert!(
                error.to_string().contains("not ended within 0.3 s"),
                "{error}"
            );
            assert!(started.elapsed() < Duration::from_secs(50));
        }
    }

    #[test]
    fn advice_is_about_what_is_wrong() {
        let advice = |code| start_advice(&io::Error::from_raw_os_error(code));
        // ENOENT, EACCES; EMFILE of Unix.
        assert!(advice(2).contains("build"));
        #[cfg(unix)]
        {
            assert!(advice(13).contains("executable"));
            assert!(advice(24).contains("ulimit -n"));
        }
    }

    #[test]
    fn every_kind_has_its_code() {
        let mut description = Description {
            version: TASK_VERSION,
            section: Stage::Train,
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
