//! What a stage program is asked about tasks before they run, and what it answers.
//!
//! A description says what all tasks of a kind have in common. Some kinds need more: the layers of a network follow from a list
//! of steps in the pipeline file, or from a file of the user's. While the orchestrator reads a pipeline file it asks the
//! program about the tasks of such kinds, all at once, with the command `examine`: [`Questions`] on standard input, [`Answers`]
//! on standard output. Answers speak the language of descriptions, so that the orchestrator treats both alike.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use eigenscope_artifact::InputShape;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::description::is_false;
use crate::feature::{CLASSES, Feature};
use crate::program::{panic_message, parse_contract};
use crate::quantity::{Demand, quantities};
use crate::{TASK_VERSION, TaskError, TaskKind};

/// A function that answers a question.
pub type Examine = fn(&Examination<'_>) -> Result<Examined, TaskError>;

/// Standard input of `examine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    /// Contract version; another one is refused.
    pub version: u32,
    /// Where the user keeps data files.
    pub data_dir: PathBuf,
    /// The questions, each about one or more equal tasks.
    pub questions: Vec<Question>,
}

/// Standard output of `examine`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Contract version.
    pub version: u32,
    /// One answer a question, in the same order.
    pub answers: Vec<Examined>,
}

/// What is known of a task before it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Name of the task kind.
    pub kind: String,
    /// All parameters, as in a task file.
    pub parameters: Value,
    /// What is known of what the task reads, by role; of several artifacts, what all of them have.
    pub inputs: BTreeMap<String, Known>,
    /// Whether all of the user's files are to be read, however large they are, not only what is read in milliseconds.
    #[serde(default, skip_serializing_if = "is_false")]
    pub thorough: bool,
}

/// What is known of results that need not exist.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Properties.
    pub flags: BTreeSet<String>,
    /// Names of parts, by what the parts are.
    pub names: BTreeMap<String, BTreeSet<String>>,
    /// Values that results used together share.
    pub attributes: BTreeMap<String, Value>,
    /// Numbers, by what is counted. One that depends on a file of the user's is not among them.
    pub quantities: BTreeMap<String, u64>,
}

impl Known {
    /// The number of what is counted under this name, if it is known.
    pub fn quantity(&self, name: &str) -> Option<u64> {
        self.quantities.get(name).copied()
    }

    /// The text that an attribute is, if it is known and one.
    pub fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute)?.as_str()
    }

    /// The names of the classes, if they are known.
    pub fn classes(&self) -> Option<Vec<String>> {
        let names = self.attributes.get(CLASSES)?.as_array()?.iter();
        names.map(|name| Some(name.as_str()?.to_owned())).collect()
    }

    /// The names of the classes, or their numbers from 0 where only the count is known.
    pub fn named_classes(&self) -> Option<Vec<String>> {
        let numbers = || {
            let count = self.quantity(quantities::CLASSES)?;
            Some((0..count).map(|class| class.to_string()).collect())
        };
        self.classes().or_else(numbers)
    }

    /// The shape of one image after its transforms, if it is known.
    pub fn input_shape(&self) -> Option<InputShape> {
        let size = |name| usize::try_from(self.quantity(name)?).ok();
        Some(InputShape::from([
            size(quantities::CHANNELS)?,
            size(quantities::HEIGHT)?,
            size(quantities::WIDTH)?,
        ]))
    }
}

/// What a program says about a task before it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examined {
    /// What is true of its results, beside what the description of the kind states.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub provides: Vec<Feature>,
    /// What quantities of its inputs must be, by role, beside what the roles demand.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub demands: BTreeMap<String, Vec<Demand>>,
    /// What the user should know although the task can run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Why the task cannot run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Why a file of the user's cannot be used: it is not there, damaged, or not what the task needs. Nothing is known of the results then.
    /// What is stored can be used all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unusable: Option<Fault>,
    /// Which of the user's files are not there that the task reads, and what to do about it. It is no fault, and asked for only when
    /// somebody wants to know what a run would meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacking: Option<String>,
    /// Values that parameters may be given where the defaults do not fit the user's files, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub suggestions: BTreeMap<String, Value>,
    /// What was found in the user's files, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<String>,
    /// Peak memory in MiB, where it is known better than from the description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// Peak memory of a graphics card in MiB, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_memory_mib: Option<u64>,
    /// Duration in seconds, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// A reason why a task cannot run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the parameters, such as `/steps/2/conv/kernel`, or `/` and the name of a role; empty
    /// for the task as a whole.
    pub path: String,
    /// Whether the key at the end of the path is wrong, not its value.
    #[serde(default, skip_serializing_if = "is_false")]
    pub of_key: bool,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Fault {
    /// A fault of the value that a JSON pointer into the parameters leads to.
    pub fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            of_key: false,
            message: message.into(),
            help: None,
        }
    }

    /// As [`Fault::at`], of the key at the end of the path, not of its value.
    pub fn of_key(path: impl Into<String>, message: impl Into<String>) -> Self {
        let of_key = true;
        Self {
            of_key,
            ..Self::at(path, message)
        }
    }

    /// The same fault with what to do about it.
    pub fn help(self, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Self { help, ..self }
    }
}

impl Examined {
    /// Adds statements about the results.
    pub fn provides(mut self, features: impl IntoIterator<Item = Feature>) -> Self {
        self.provides.extend(features);
        self
    }

    /// Adds a demand on what is read in a role.
    pub fn demands(mut self, role: &str, demand: Demand) -> Self {
        self.demands
            .entry(role.to_owned())
            .or_default()
            .push(demand);
        self
    }

    /// Adds a fault.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Says which file cannot be used.
    pub fn unusable(self, fault: Fault) -> Self {
        let unusable = Some(fault);
        Self { unusable, ..self }
    }

    /// Adds a warning.
    pub fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}

/// A question while it is answered.
#[derive(Debug, Clone, Copy)]
pub struct Examination<'a> {
    question: &'a Question,
    data_dir: &'a Path,
}

impl<'a> Examination<'a> {
    /// A question about a task whose data files are in `data_dir`.
    pub fn new(question: &'a Question, data_dir: &'a Path) -> Self {
        Self { question, data_dir }
    }

    /// Where the user keeps data files.
    pub fn data_dir(&self) -> &'a Path {
        self.data_dir
    }

    /// Returns whether all of the user's files are to be read, however large they are.
    pub fn is_thorough(&self) -> bool {
        self.question.thorough
    }

    /// The parameters, all of them given.
    ///
    /// # Errors
    /// They are not those of `T`.
    pub fn parameters<T: DeserializeOwned>(&self) -> Result<T, TaskError> {
        let kind = &self.question.kind;
        T::deserialize(&self.question.parameters)
            .map_err(|error| format!("parameters of kind {kind}: {error}").into())
    }

    /// What is known of what is read in a role; nothing if nothing is.
    pub fn known(&self, role: &str) -> Known {
        self.question.inputs.get(role).cloned().unwrap_or_default()
    }
}

/// The answers to the questions that are read, as JSON.
///
/// # Errors
/// The text is not [`Questions`] of this version.
pub(crate) fn answer(mut input: impl Read, kinds: &[TaskKind]) -> Result<String, TaskError> {
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    let asked: Questions = parse_contract(&text, "the questions", TASK_VERSION)?;
    let questions = asked.questions.iter();
    let answers = questions.map(|question| examined(question, &asked.data_dir, kinds));
    let answers = Answers {
        version: TASK_VERSION,
        answers: answers.collect(),
    };
    Ok(serde_json::to_string(&answers)?)
}

/// The answer to one question; an error is a fault of the task as a whole.
fn examined(question: &Question, data_dir: &Path, kinds: &[TaskKind]) -> Examined {
    let mut kinds = kinds.iter();
    let kind = kinds.find(|kind| kind.description.name == question.kind);
    let failed = |message: String| Examined::default().fault(Fault::at("", message));
    let Some(examine) = kind.and_then(|kind| kind.examine) else {
        return failed(format!("no tasks of kind `{}` are examined", question.kind));
    };
    match catch_unwind(|| examine(&Examination::new(question, data_dir))) {
        Ok(Ok(examined)) => examined,
        Ok(Err(error)) => {
            let mut message = error.to_string();
            let mut source = error.source();
            while let Some(cause) = source {
                message.push_str(&format!(": {cause}"));
                source = cause.source();
            }
            failed(message)
        }
        Err(panic) => failed(panic_message(&*panic)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Parameter, ParameterType, TaskFunction};

    #[derive(Deserialize)]
    struct Parameters {
        steps: Vec<Value>,
    }

    fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
        let Parameters { steps } = examination.parameters()?;
        match steps.len() {
            0 => panic!("told to"),
            1 => Err("one step".into()),
            count => {
                let rows = examination.known("data").quantity("rows");
                Ok(Examined::default()
                    .provides([Feature::quantity("steps", count as u64)])
                    .warn(format!("{rows:?} in {}", examination.data_dir().display())))
            }
        }
    }

    fn kinds() -> Vec<TaskKind> {
        let run = TaskFunction::find(|_| Ok(()), "run", &[("run", "", &[])]);
        let step = ParameterType::list(ParameterType::free("a step"));
        let steps = Parameter::required("steps", step, "in order");
        vec![
            TaskKind::new("fixed", "", run),
            TaskKind::new("free", "", run)
                .parameters::<Parameters>([steps])
                .examined_by(examine),
        ]
    }

    fn ask(kind: &str, parameters: Value) -> Examined {
        let questions = json!({
            "version": TASK_VERSION,
            "data_dir": "data",
            "questions": [{
                "kind": kind,
                "parameters": parameters,
                "inputs": { "data": { "flags": [], "names": {}, "attributes": {}, "quantities": { "rows": 8 } } },
            }],
        });
        let text = answer(questions.to_string().as_bytes(), &kinds()).expect("understood");
        let mut answers: Answers = serde_json::from_str(&text).expect("answers");
        assert_eq!((answers.version, answers.answers.len()), (TASK_VERSION, 1));
        answers.answers.remove(0)
    }

    #[test]
    fn what_is_known_comes_in_and_features_go_out() {
        let answer = ask("free", json!({ "steps": ["relu", { "linear": 10 }] }));
        assert_eq!(answer.provides, [Feature::quantity("steps", 2)]);
        assert_eq!(answer.warnings, ["Some(8) in data"]);
        assert!(answer.faults.is_empty());
    }

    #[test]
    fn errors_and_panics_are_faults_of_the_task() {
        for (kind, parameters, message) in [
            ("free", json!({ "steps": ["relu"] }), "one step"),
            (
                "free",
                json!({ "steps": [] }),
                "a defect of eigenscope: told to",
            ),
            (
                "free",
                json!({}),
                "parameters of kind free: missing field `steps`",
            ),
            ("fixed", json!({}), "no tasks of kind `fixed` are examined"),
        ] {
            assert_eq!(ask(kind, parameters).faults, [Fault::at("", message)]);
        }
    }

    #[test]
    fn questions_of_another_version_are_refused() {
        let text = format!(r#"{{"version": {}, "other": 1}}"#, TASK_VERSION + 1);
        let error = answer(text.as_bytes(), &kinds()).expect_err("another version");
        assert!(error.to_string().contains("contract version"), "{error}");
        answer(&b"nonsense"[..], &kinds()).expect_err("not JSON");
    }

    #[test]
    fn classes_are_known_if_all_have_names() {
        let known = |classes: Value| Known {
            attributes: BTreeMap::from([(CLASSES.to_owned(), classes)]),
            ..Known::default()
        };
        let names = known(json!(["0", "1"])).classes();
        assert_eq!(names, Some(vec!["0".to_owned(), "1".to_owned()]));
        assert_eq!(known(json!({ "data": "own" })).classes(), None);
        assert_eq!(Known::default().classes(), None);
        assert_eq!(Known::default().named_classes(), None);
        let mut counted = known(json!({ "data": "own" }));
        let count = (quantities::CLASSES.to_owned(), 2);
        counted.quantities.extend([count]);
        assert_eq!(counted.named_classes(), names);
        assert_eq!(counted.input_shape(), None);
        let sizes = [quantities::CHANNELS, quantities::HEIGHT, quantities::WIDTH];
        let sizes = sizes.into_iter().map(str::to_owned).zip([3, 20, 30]);
        counted.quantities.extend(sizes);
        assert_eq!(counted.input_shape(), Some(InputShape::from([3, 20, 30])));
    }
}
