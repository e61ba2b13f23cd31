//! What is known of the user's data sets while a pipeline file is read: sizes, channels, classes and numbers of images.
//!
//! Headers, names of files, labels and a sample of pictures are looked at, each within a limit, so that an answer takes milliseconds; of a
//! thorough question all values and pictures, within a larger one. Files that are missing or too large make things unknown, and nothing
//! else: the task finds out. A file that is damaged or not what it should be is unusable. A fault is what a parameter says that cannot be,
//! whatever the files are, or what it says of files that say otherwise.

mod csv;
mod folder;
mod idx;
mod lacking;
mod npz;
mod parquet;
mod pictures;
mod values;

use std::path::PathBuf;

use eigenscope_stage::{Examination, Examined, Fault, Feature, TaskError, quantities};
use serde_json::Value;

use crate::error::{IngestError, with_causes};
use crate::kinds::provides;
use crate::labels::{Labelling, SplitLabels};
use crate::parameters::{EmnistParameters, NamedPath, Parameters, SimilarityLabel, WithCommon};
use crate::{coverage, rows, sets};

pub(crate) use csv::csv;
pub(crate) use folder::image_folder;
pub(crate) use idx::idx;
pub(crate) use lacking::{cifar10, fashion_mnist, kmnist, mnist};
pub(crate) use npz::npz;
pub(crate) use parquet::parquet;
use values::Extent;

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
    /// Whether all is to be told that a later task would find.
    is_thorough: bool,
    /// The values of pixels that were looked at.
    extent: Extent,
    /// The answer so far.
    answer: Examined,
}

impl Facts {
    fn new(examination: &Examination<'_>, test_fraction: f64) -> Self {
        Self {
            test_fraction,
            is_thorough: examination.is_thorough(),
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

    /// As [`take`](Self::take), of files that are there: what is wrong with them is told. `place` is the JSON pointer to the parameter that
    /// names the file.
    fn read<T>(&mut self, place: &str, result: Result<T, IngestError>) -> Option<T> {
        if let Err(error) = &result
            && !matches!(error, IngestError::Parameter { .. })
        {
            let fault = Fault::at(place, with_causes(error));
            self.answer.unusable.get_or_insert(fault);
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

    /// Takes over the labels of both splits, as far as they are known. Those of test images are not known without those of training images.
    fn label(&mut self, labelling: Labelling<'_>, [train, test]: [&SplitFacts; 2]) {
        let named = self.take(coverage::names(labelling.known, labelling.class_names));
        self.classes = named.flatten();
        let Some(train_labels) = &train.labels else {
            return;
        };
        let (Some(place), test_place) = (&train.place, &test.place) else {
            return;
        };
        if test_place.is_some() && test.labels.is_none() {
            return;
        }
        let test_labels = test.labels.as_deref().unwrap_or_default();
        let test_path = test_place.as_ref().unwrap_or(place);
        let splits = [
            SplitLabels {
                path: &place.path,
                labels: train_labels,
            },
            SplitLabels {
                path: &test_path.path,
                labels: test_labels,
            },
        ];
        let smallest = train_labels.iter().chain(test_labels).min();
        let first = labelling.first_label;
        if smallest == Some(&(first + 1)) && labelling.known.is_none() {
            self.suggest("first_label", first + 1);
        }
        let applied = self.read(&place.pointer, labelling.apply(splits));
        let Some((classes, [train, test])) = applied else {
            return;
        };
        let counted = |labels: Vec<u16>| {
            let mut counts = vec![0; classes.len()];
            for label in labels {
                counts[usize::from(label)] += 1;
            }
            counts
        };
        let (train, test) = (counted(train), counted(test));
        if labelling.known.is_none() && !self.answer.suggestions.contains_key("first_label") {
            let held = (0..classes.len()).filter(|&class| train[class] + test[class] > 0);
            let held: Vec<usize> = held.collect();
            if held.len() < classes.len() {
                self.suggest("classes", held);
            }
        }
        self.train = Some(train);
        self.test = test_place.as_ref().map(|_| test);
        self.classes = Some(classes);
    }

    /// Adds the fault of splits whose images have several shapes.
    fn same_shape(&mut self, one: &SplitFacts, other: &SplitFacts) {
        if let (Some(place), Some(other_place)) = (&one.place, &other.place)
            && let (Some(shape), Some(other_shape)) = (one.shape, other.shape)
        {
            let images = (place.path.as_path(), shape);
            let others = (other_place.path.as_path(), other_shape);
            self.read(&other_place.pointer, sets::same_shape(images, others));
        }
    }

    /// Completes the answer with what is known of the data set.
    fn finish(mut self, kind: &str, common: &Parameters) -> Examined {
        if let Err(error) = common.subset() {
            self.refuse(&error);
        }
        let images = self.train.as_ref().map(|train| train.iter().sum::<usize>());
        if let SimilarityLabel::SimilarTo { train_image, .. } = common.similarity_label
            && let Some(images) = images
            && train_image >= images
        {
            let reason = rows::no_such_image(train_image, images);
            self.refuse(&IngestError::parameter("similarity_label", reason));
        }
        if let (true, None, Some(train)) = (self.is_thorough, &self.test, &self.train) {
            let test = |images: &usize| rows::test_images(self.test_fraction, *images);
            if train.iter().map(test).sum::<usize>() == 0 {
                let message = "no image is left for testing: no class has two images; add some, or give images for testing";
                self.answer
                    .faults
                    .push(Fault::at("/test_fraction", message));
            }
        }
        if let (Some(classes), Some(train)) = (&self.classes, &self.train) {
            let chosen = |class: &usize| *class < classes.len();
            let asked = match common.similarity_label {
                // Classes are chosen among the two that similarity makes.
                SimilarityLabel::SimilarTo { .. } => &[],
                SimilarityLabel::None => common.classes.as_slice(),
            };
            let chosen: Vec<usize> = match asked {
                [] => (0..classes.len()).collect(),
                given => given.iter().copied().filter(chosen).collect(),
            };
            let line = per_class(&chosen, classes, train, self.test.as_deref());
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
        let set_apart = |train: &Vec<usize>| {
            let of_class = |count: &usize| rows::test_images(self.test_fraction, *count);
            train.iter().map(of_class).sum::<usize>()
        };
        let (training, test) = match (&self.train, &self.test) {
            (None, test) => (None, test.as_ref().map(|test| test.iter().sum())),
            (Some(train), Some(test)) => (Some(train.iter().sum()), Some(test.iter().sum())),
            (Some(train), None) => {
                let test = set_apart(train);
                (Some(train.iter().sum::<usize>() - test), Some(test))
            }
        };
        // Images that are set apart keep their positions among all.
        let positions = self.test.as_ref().or(self.train.as_ref());
        let positions = positions.map(|images| images.iter().sum::<usize>());
        let [height, width] = self.size.map_or([None; 2], |size| size.map(Some));
        let numbers = [
            (quantities::CHANNELS, self.channels),
            (quantities::HEIGHT, height),
            (quantities::WIDTH, width),
            (quantities::CLASSES, self.classes.as_ref().map(Vec::len)),
            (quantities::TRAINING_IMAGES, training),
            (quantities::TEST_IMAGES, test),
            (quantities::TEST_POSITIONS, positions),
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

/// Number of images of each of the chosen classes in words.
fn per_class(
    chosen: &[usize],
    classes: &[String],
    train: &[usize],
    test: Option<&[usize]>,
) -> String {
    let total = |counts: &[usize]| chosen.iter().map(|&class| counts[class]).sum::<usize>();
    let kinds = match chosen {
        [_] => "1 class".to_owned(),
        chosen => format!("{} classes", chosen.len()),
    };
    let images = match test {
        Some(test) => format!(
            "{} training and {} test images of {kinds}",
            total(train),
            total(test)
        ),
        None => format!("{} images of {kinds}, none for testing", total(train)),
    };
    let count = |&class: &usize| {
        let (name, train) = (&classes[class], train[class]);
        match test.and_then(|test| test.get(class)) {
            Some(test) => format!("{name} {train} + {test}"),
            None => format!("{name} {train}"),
        }
    };
    let mut named: Vec<String> = chosen.iter().take(SHOWN).map(count).collect();
    if let Some(rest @ 1..) = chosen.len().checked_sub(SHOWN) {
        named.push(format!("and {rest} more"));
    }
    format!("{images}: {}", named.join(", "))
}

/// Classes of which the number of images is told.
const SHOWN: usize = 12;

/// A file of the user's.
#[derive(Debug, Clone)]
struct Place {
    path: PathBuf,
    /// JSON pointer to the parameter that names it.
    pointer: String,
}

/// The places of files in the data directory; `None` if one is not there.
fn places(examination: &Examination<'_>, files: &[NamedPath<'_>]) -> Option<Vec<Place>> {
    let place = |(at, (name, path)): (usize, &NamedPath<'_>)| {
        let path = examination.data_dir().join(path);
        let pointer = match *name {
            "train" | "test" => format!("/{name}/{at}"),
            name => format!("/{name}"),
        };
        path.exists().then_some(Place { path, pointer })
    };
    files.iter().enumerate().map(place).collect()
}

/// What is known of the images of a split.
#[derive(Debug, Default)]
struct SplitFacts {
    /// The first of their files; `None` if there is none.
    place: Option<Place>,
    /// `[channels, height, width]`.
    shape: Option<[usize; 3]>,
    /// `None` if they are too many to read, or cannot be read.
    labels: Option<Vec<i64>>,
}

impl SplitFacts {
    /// Adds what is known of a further file.
    fn add(&mut self, place: &Place, shape: Option<[usize; 3]>, labels: Option<Vec<i64>>) {
        match self.place {
            None => {
                self.place = Some(place.clone());
                self.shape = shape;
                self.labels = labels;
            }
            Some(_) => {
                self.labels = self.labels.take().zip(labels).map(|(mut all, more)| {
                    all.extend(more);
                    all
                });
            }
        }
    }
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
