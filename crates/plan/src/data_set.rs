//! What the program of the stage `data` finds in files of the user's before there is a pipeline file for them.

use std::collections::BTreeMap;

use eigenscope_stage::{Amount, Examined, Feature, Question, Stage, quantities};
use serde_json::{Map, Value};

use crate::programs::{ProgramError, Programs};

/// Times that a data set is looked at in either way, each with the values that the time before has suggested.
const LOOKS: usize = 4;

/// A data set that has been looked at.
#[derive(Debug)]
pub struct DataSet {
    /// The parameters that it needs: the files, and what the program suggests.
    pub parameters: Map<String, Value>,
    /// `[channels, height, width]` of its images; `None` for what is not known.
    pub shape: [Option<u64>; 3],
    pub classes: Option<u64>,
    pub training_images: Option<u64>,
    /// What was found, a line each.
    pub found: Vec<String>,
    /// What to know although it can be read.
    pub warnings: Vec<String>,
    /// Why it cannot be read.
    pub faults: Vec<String>,
}

impl DataSet {
    /// Looks at the data set of a kind whose files are given.
    ///
    /// # Errors
    /// The program does not start, fails, or does not answer as expected.
    pub fn look(
        programs: &Programs,
        kind: &str,
        files: Map<String, Value>,
    ) -> Result<Self, ProgramError> {
        let mut parameters = files;
        let mut answer = Examined::default();
        // What tells quickly has told most of the parameters before all is read.
        for thorough in [false, true] {
            for _ in 0..LOOKS {
                answer = examined(programs, kind, &parameters, thorough)?;
                let new = answer.suggestions.iter();
                let new = new.filter(|(name, _)| !parameters.contains_key(*name));
                let new: Map<String, Value> = new
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                if new.is_empty() {
                    break;
                }
                parameters.extend(new);
            }
        }
        let count = |name: &str| {
            let mut features = answer.provides.iter();
            features.find_map(|feature| match feature {
                Feature::Quantity {
                    name: known,
                    amount: Amount::Fixed(count),
                } if known == name => Some(*count),
                _ => None,
            })
        };
        let shape = [quantities::CHANNELS, quantities::HEIGHT, quantities::WIDTH].map(count);
        let classes = count(quantities::CLASSES);
        let training_images = count(quantities::TRAINING_IMAGES);
        Ok(Self {
            parameters,
            shape,
            classes,
            training_images,
            found: answer.found,
            warnings: answer.warnings,
            faults: answer
                .faults
                .into_iter()
                .chain(answer.unusable)
                .map(|fault| fault.message)
                .collect(),
        })
    }
}

/// The answer of the program about a data set, whose other parameters have their defaults.
fn examined(
    programs: &Programs,
    kind: &str,
    given: &Map<String, Value>,
    thorough: bool,
) -> Result<Examined, ProgramError> {
    let mut kinds = programs.kinds(Stage::Data).iter();
    let described = kinds.find(|known| known.name == kind);
    let defaults = described.into_iter().flat_map(|kind| &kind.parameters);
    let defaults = defaults.filter_map(|parameter| {
        let value = parameter.default.clone()?;
        Some((parameter.name.clone(), value))
    });
    let mut parameters: Map<String, Value> = defaults.collect();
    parameters.extend(given.clone());
    let question = Question {
        kind: kind.to_owned(),
        parameters: parameters.into(),
        inputs: BTreeMap::new(),
        thorough,
    };
    let answers = programs.examine(Stage::Data, vec![question])?;
    Ok(answers.into_iter().next().unwrap_or_default())
}
