//! What is known of the user's data sets while a pipeline file is read: sizes, channels, classes and numbers of images.
//!
//! Headers, names of files, labels and a sample of pictures are looked at, each within a limit, so that an answer takes milliseconds. Files
//! that are missing, damaged or too large make things unknown, and nothing else: the task finds out. A fault is what a parameter says that
//! cannot be, whatever the files are, or what it says of files that say otherwise.

mod csv;
mod folder;
mod idx;
mod lacking;
mod npz;
mod parquet;
mod values;

use std::path::PathBuf;

use eigenscope_stage::{Examination, Examined, Fault, Feature, TaskError, quantities};
use serde_json::Value;

use crate::error::{IngestError, with_causes};
use crate::kinds::provides;
use crate::parameters::{EmnistParameters, Parameters, WithCommon};
use crate::{coverage, rows, sets};

pub(crate) use csv::csv;
pub(crate) use folder::image_folder;
pub(crate) use idx::idx;
pub(crate) use lacking::{cifar10, fashion_mnist, kmnist, mnist};
pub(crate) use npz::npz;
pub(crate) use parquet::parquet;

/// Labels that are read at most.
const MAXIMUM_LABELS: u64 = 1 << 20;

/// What is known of a data set.
#[derive(Debug, Default)]
struct Facts {
    channels: Option<usize>,
    /// `[height, width]`.
    size: Option<[usize; 2]>,
    /// Names of the classes, in order.
    classes: Option<Vec<String>>,
    /// Images of each class in the training split.
    train: Option<Vec<usize>>,
    /// Images of each class in the test split; `None`: a part of the training images becomes that.
    test: Option<Vec<usize>>,
    /// The part of each class that becomes test images.
    test_fraction: f64,
    /// The answer so far.
    answer: Examined,
}

impl Facts {
    fn new(test_fraction: f64) -> Self {
        Self {
            test_fraction,
            ..Self::default()
        }
    }

    /// Adds what is wrong with a parameter; other errors are those of files, which the task tells.
    fn refuse(&mut self, error: &IngestError) {
        if let IngestError::Parameter { parameter, reason } = error {
            let fault = Fault::at(format!("/{parameter}"), format!("`{parameter}`: {reason}"));
            if !self.answer.faults.contains(&fault) {
                self.answer.faults.push(fault);
            }
        }
    }

    /// The value of what was read from parameters and files, unless that is refused or unknown.
    fn take<T>(&mut self, result: Result<T, IngestError>) -> Option<T> {
        result.map_err(|error| self.refuse(&error)).ok()
    }

    /// As [`take`](Self::take), of files that are there: what is wrong with them is told.
    fn read<T>(&mut self, result: Result<T, IngestError>) -> Option<T> {
        if let Err(error) = &result
            && !matches!(error, IngestError::Parameter { .. })
        {
            self.answer.unreadable.get_or_insert(with_causes(error));
        }
        self.take(result)
    }

    fn shape(&mut self, [channels, height, width]: [usize; 3]) {
        self.channels = Some(channels);
        self.size = Some([height, width]);
    }

    /// The shape `[channels, height, width]` of stored images, whose height and width are exchanged if `transpose` is set.
    fn stored_shape(&mut self, shape: [usize; 3], transpose: bool) {
        let [channels, height, width] = shape;
        self.shape(match transpose {
            true => [channels, width, height],
            false => shape,
        });
    }

    /// Notes which of the user's files are not there.
    fn lacks(&mut self, error: Option<IngestError>) {
        let answer = &mut self.answer;
        answer.lacking = answer.lacking.take().or_else(|| Some(with_causes(&error?)));
    }

    /// Adds a value that a parameter may be given.
    fn suggest(&mut self, parameter: &str, value: impl Into<Value>) {
        let suggestions = &mut self.answer.suggestions;
        suggestions.insert(parameter.to_owned(), value.into());
    }

    /// Adds a line on what was found.
    fn note(&mut self, line: String) {
        self.answer.found.push(line);
    }

    /// Takes over the labels of both splits, which count from `first`. `known` are the names in the files, `given` those of the user.
    fn label(
        &mut self,
        [train, test]: [Option<Vec<i64>>; 2],
        first: i64,
        known: Option<&[String]>,
        given: &[String],
    ) {
        let all = || train.iter().chain(&test).flatten();
        let (smallest, largest) = (all().min().copied(), all().max().copied());
        if smallest == Some(first.saturating_add(1)) && known.is_none() {
            self.suggest("first_label", first + 1);
        }
        let named = self.take(coverage::names(known, given)).flatten();
        let last = largest.and_then(|largest| largest.checked_sub(first));
        let count = last.and_then(|last| usize::try_from(last).ok());
        let count = count.filter(|&last| last < 1 << 16).map(|last| last + 1);
        if let (Some(count), [_, ..]) = (count, given)
            && count > given.len()
        {
            let names = given.len();
            let begins = smallest.filter(|&smallest| smallest > first);
            let hint = begins.map_or(String::new(), |smallest| {
                format!("; do labels begin at {smallest}? set `first_label = {smallest}`")
            });
            self.refuse(&IngestError::parameter(
                "class_names",
                format!("{names} names, but the labels are those of {count} classes{hint}"),
            ));
        }
        let numbers = || {
            let numbers = 0..i64::try_from(count?).ok()?;
            Some(numbers.map(|class| (class + first).to_string()).collect())
        };
        self.classes = named.or_else(numbers);
        let classes = self.classes.as_ref().map_or(0, Vec::len);
        let counted = |labels: Vec<i64>| {
            let mut counts = vec![0; classes];
            for label in labels {
                let class = usize::try_from(label.checked_sub(first)?).ok()?;
                *counts.get_mut(class)? += 1;
            }
            Some(counts)
        };
        self.train = train.and_then(counted);
        self.test = test.and_then(counted);
    }

    /// Completes the answer with what is known of the data set.
    fn finish(mut self, kind: &str, common: &Parameters) -> Examined {
        if let Err(error) = common.subset() {
            self.refuse(&error);
        }
        if let (Some(classes), Some(train)) = (&self.classes, &self.train) {
            let line = per_class(classes, train, self.test.as_deref());
            self.answer.found.push(line);
        }
        if let (Some(channels), Some([height, width])) = (self.channels, self.size) {
            let channels = match channels {
                1 => "grey".to_owned(),
                channels => format!("{channels} channels"),
            };
            self.answer.found.push(format!(
                "images are read as {height} x {width} pixels (height x width), {channels}"
            ));
        }
        let training = self.train.as_ref().map(|train| {
            let of_class = |count: &usize| match self.test {
                Some(_) => *count,
                None => count - rows::test_images(self.test_fraction, *count),
            };
            train.iter().map(of_class).sum::<usize>()
        });
        let [height, width] = self.size.map_or([None; 2], |size| size.map(Some));
        let numbers = [
            (quantities::CHANNELS, self.channels),
            (quantities::HEIGHT, height),
            (quantities::WIDTH, width),
            (quantities::CLASSES, self.classes.as_ref().map(Vec::len)),
            (quantities::TRAINING_IMAGES, training),
        ];
        let numbers = numbers
            .into_iter()
            .filter_map(|(name, count)| Some(Feature::quantity(name, count? as u64)));
        let attributes = self.classes.map(|names| provides(kind, Some(names)));
        self.answer
            .provides(numbers)
            .provides(attributes.into_iter().flatten())
    }
}

/// Number of images of each class in words.
fn per_class(classes: &[String], train: &[usize], test: Option<&[usize]>) -> String {
    let total = |counts: &[usize]| counts.iter().sum::<usize>();
    let kinds = classes.len();
    let images = match test {
        Some(test) => format!(
            "{} training and {} test images of {kinds} classes",
            total(train),
            total(test)
        ),
        None => format!(
            "{} images of {kinds} classes, none for testing",
            total(train)
        ),
    };
    let count = |(position, (name, train)): (usize, (&String, &usize))| {
        let test = test.and_then(|test| test.get(position));
        match test {
            Some(test) => format!("{name} {train} + {test}"),
            None => format!("{name} {train}"),
        }
    };
    let named = classes.iter().zip(train).enumerate().take(SHOWN);
    let mut named: Vec<String> = named.map(count).collect();
    if let Some(rest @ 1..) = classes.len().checked_sub(SHOWN) {
        named.push(format!("and {rest} more"));
    }
    format!("{images}: {}", named.join(", "))
}

/// Classes of which the number of images is told.
const SHOWN: usize = 12;

/// The paths of files in the data directory.
fn paths(examination: &Examination<'_>, files: &[(&str, &str)]) -> Vec<PathBuf> {
    let files = files.iter();
    files
        .map(|(_, path)| examination.data_dir().join(path))
        .collect()
}

/// EMNIST is as published, wherever its files are.
pub(crate) fn emnist(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let WithCommon::<EmnistParameters> {
        own: parameters,
        common,
    } = examination.parameters()?;
    let mut facts = Facts::default();
    facts.shape([1, 28, 28]);
    facts.classes = Some(parameters.split.classes());
    facts.lacks(sets::lacking_emnist(examination.data_dir(), &parameters));
    Ok(facts.finish("emnist", &common))
}
