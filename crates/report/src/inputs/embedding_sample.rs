//! Samples of embeddings, for figures that draw them individually.

use eigenscope_artifact::{Embeddings, EmbeddingsHeader};
use eigenscope_stage::{Context, Input, Parameter, ParameterType, TaskError};

use super::image_lookup::split_name;
use crate::parts::classes::{self, Look};
use eigenscope_figure::{Point, SpacePoints, ticks};

/// Some embeddings of an artifact.
#[derive(Debug)]
pub(crate) struct EmbeddingSample {
    /// Header of the artifact.
    pub(crate) header: EmbeddingsHeader,
    /// Classes of the embeddings.
    pub(crate) labels: Vec<usize>,
    pub(crate) vectors: Vec<Vec<f64>>,
    /// A sentence about the classes without images; empty if there are none.
    pub(crate) without_images: String,
    /// Number of all embeddings, of which these are the first ones of each class.
    pub(crate) of: usize,
}

/// The parameter of the number of embeddings.
pub(crate) fn count_parameter() -> Parameter {
    let count = ParameterType::Integer {
        minimum: 1,
        maximum: 1000,
    };
    let summary = "embeddings drawn: the first ones, the same number of every class";
    Parameter::optional("count", count, 128, summary)
}

impl EmbeddingSample {
    /// Reads `count` embeddings, evenly distributed over the classes; all with a warning if there are fewer.
    ///
    /// # Errors
    /// A file that cannot be read, and a file without embeddings.
    pub(crate) fn read(context: &Context, input: &Input, count: usize) -> Result<Self, TaskError> {
        let all = Embeddings::read(&input.path)?;
        if all.is_empty() {
            return Err(format!("{} has no embeddings", input.task).into());
        }
        if all.len() < count {
            context.warn(format!("there are {} embeddings, not {count}", all.len()));
        }
        let vectors: Vec<&[f32]> = all.vectors().collect();
        let (chosen, of) = (all.evenly(count), all.len());
        let value = |value: &f32| f64::from(*value);
        Ok(Self {
            without_images: without_images(&all),
            labels: chosen
                .iter()
                .map(|position| usize::from(all.labels[*position]))
                .collect(),
            vectors: chosen
                .iter()
                .map(|position| vectors[*position].iter().map(value).collect())
                .collect(),
            of,
            header: all.header,
        })
    }

    /// The embeddings scaled to length 1. Those of at most the length `shortest` are left out, with a warning that they `are`
    /// so.
    ///
    /// # Errors
    /// All embeddings are left out.
    pub(crate) fn normalised(
        self,
        context: &Context,
        shortest: f64,
        are: &str,
    ) -> Result<Self, TaskError> {
        let count = self.vectors.len();
        let pairs = self.labels.into_iter().zip(self.vectors);
        let (labels, vectors): (Vec<_>, Vec<_>) = pairs
            .filter_map(|(label, vector)| Some((label, unit(vector, shortest)?)))
            .unzip();
        match count - vectors.len() {
            0 => {}
            left_out if left_out == count => {
                return Err(format!("all of {count} embeddings {are}").into());
            }
            left_out => context.warn(format!("{left_out} of {count} embeddings {are}: left out")),
        }
        Ok(Self {
            header: self.header,
            of: self.of,
            labels,
            vectors,
            without_images: self.without_images,
        })
    }

    /// Classes with embeddings, ascending.
    pub(crate) fn classes(&self) -> Vec<usize> {
        let mut classes = self.labels.clone();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Look of a class.
    pub(crate) fn look(&self, class: usize) -> Look {
        Look::new(class, self.header.classes.len())
    }

    /// Embeddings of a class.
    pub(crate) fn of_class(&self, class: usize) -> impl Iterator<Item = &Vec<f64>> {
        let pairs = self.labels.iter().zip(&self.vectors);
        pairs.filter_map(move |(label, vector)| (*label == class).then_some(vector))
    }

    /// Points in space, one for each embedding, grouped by class.
    pub(crate) fn in_space(&self, points: &[Point], radius: f64) -> Vec<SpacePoints> {
        let group = |class: usize| {
            let pairs = self.labels.iter().zip(points);
            let own = pairs.filter(|(label, _)| **label == class);
            let look = self.look(class);
            SpacePoints {
                name: self.header.classes[class].clone(),
                colour: look.colour,
                marker: look.marker(radius),
                points: own.map(|(_, point)| *point).collect(),
            }
        };
        self.classes().into_iter().map(group).collect()
    }

    /// A description such as "128 test images of 10 classes, the first of each among 300".
    pub(crate) fn in_words(&self) -> String {
        let first = match self.vectors.len() < self.of {
            true => format!(
                ", the first of each among {}",
                ticks::grouped(self.of as u64)
            ),
            false => String::new(),
        };
        format!(
            "{} {} images of {} classes{first}",
            self.vectors.len(),
            split_name(self.header.split),
            self.classes().len()
        )
    }
}

/// A sentence about the classes without images; empty if there are none.
pub(crate) fn without_images(embeddings: &Embeddings) -> String {
    let has_images = |class| {
        let mut labels = embeddings.labels.iter();
        labels.any(|&label| usize::from(label) == class)
    };
    classes::without_images(&embeddings.header.classes, has_images)
}

/// A vector scaled to length 1; `None` if its length is at most `shortest`.
fn unit(vector: Vec<f64>, shortest: f64) -> Option<Vec<f64>> {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    let unit = vector.into_iter().map(|value| value / length).collect();
    (length > shortest).then_some(unit)
}
