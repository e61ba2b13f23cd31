//! Files of the user's that tasks read and that are not there.

use std::collections::{BTreeMap, HashSet};

use eigenscope_stage::{Question, Stage};

use crate::plan::Plan;
use crate::programs::{ProgramError, Programs};

/// Different tasks that are asked about.
const MOST_QUESTIONS: usize = 1000;

/// Of these tasks the first each that lack the same files, with what the program of their stage says about it.
///
/// # Errors
/// The program does not start, fails, or does not answer as expected.
pub fn lacking_files(
    programs: &Programs,
    plan: &Plan,
    tasks: impl IntoIterator<Item = usize>,
) -> Result<Vec<(usize, String)>, ProgramError> {
    let mut asked = HashSet::new();
    let (mut questions, mut of_task) = (Vec::new(), Vec::new());
    for index in tasks {
        let task = &plan.tasks[index];
        if task.stage != Stage::Data || questions.len() >= MOST_QUESTIONS {
            continue;
        }
        let question = Question {
            kind: task.kind.to_string(),
            parameters: (*task.parameters).clone(),
            inputs: BTreeMap::new(),
            thorough: false,
        };
        let text = format!("{} {}", question.kind, question.parameters);
        if asked.insert(text) {
            questions.push(question);
            of_task.push(index);
        }
    }
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let answers = programs.examine(Stage::Data, questions)?;
    let mut lacking: Vec<(usize, String)> = Vec::new();
    for (task, answer) in of_task.into_iter().zip(answers) {
        if let Some(text) = answer.lacking
            && !lacking.iter().any(|(_, known)| *known == text)
        {
            lacking.push((task, text));
        }
    }
    Ok(lacking)
}
