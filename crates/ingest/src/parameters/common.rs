//! The parameters of every kind, which are all that most published data sets have.

use eigenscope_artifact::PixelTransform;
use eigenscope_stage::{Amount, Effect, Parameter, ParameterType, Relation, Variant, quantities};
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use crate::error::IngestError;

/// The parameters of the published data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) transforms: Vec<PixelTransform>,
    pub(super) train_fraction: f64,
    pub(super) train_count: TrainCount,
    pub(crate) classes: Vec<usize>,
    pub(crate) similarity_label: SimilarityLabel,
}

/// The parameters of a kind: its own, and those of every kind.
///
/// serde flattens no structs that refuse unknown fields, so the two are read apart.
#[derive(Debug, Clone)]
pub(crate) struct WithCommon<T> {
    pub(crate) own: T,
    pub(crate) common: Parameters,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for WithCommon<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut own = Map::deserialize(deserializer)?;
        let shared = common().into_iter();
        let shared: Map<String, Value> = shared
            .filter_map(|parameter| own.remove_entry(&parameter.name))
            .collect();
        Ok(Self {
            own: T::deserialize(Value::from(own)).map_err(D::Error::custom)?,
            common: Parameters::deserialize(Value::from(shared)).map_err(D::Error::custom)?,
        })
    }
}

/// Binary labels by similarity with one training image.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SimilarityLabel {
    /// The labels of the source.
    None,
    /// Whether an image resembles a training image or its inverse.
    SimilarTo {
        /// Position in the training file.
        train_image: usize,
        /// Cosine above which images are similar.
        threshold: f64,
    },
}

/// How many training rows are kept.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum TrainCount {
    Count(usize),
    All(All),
}

/// The word for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum All {
    All,
}

/// The training rows that are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Subset {
    All,
    /// This part of them, rounded to the nearest number of rows.
    Fraction(f64),
    /// This number of them.
    Count(usize),
}

impl Parameters {
    /// Whether all classes and images of the source stay as they are.
    pub(crate) fn keeps_all_rows(&self) -> bool {
        self.similarity_label == SimilarityLabel::None
            && self.classes.is_empty()
            && self.subset().is_ok_and(|subset| subset == Subset::All)
    }

    /// The checked choice between `train_fraction` and `train_count`.
    pub(crate) fn subset(&self) -> Result<Subset, IngestError> {
        let fraction = self.train_fraction;
        if !(fraction > 0.0 && fraction <= 1.0) {
            return Err(IngestError::parameter(
                "train_fraction",
                format!("expected more than 0 and at most 1, found {fraction}"),
            ));
        }
        match self.train_count {
            TrainCount::All(_) if fraction == 1.0 => Ok(Subset::All),
            TrainCount::All(_) => Ok(Subset::Fraction(fraction)),
            TrainCount::Count(count) if fraction == 1.0 => Ok(Subset::Count(count)),
            TrainCount::Count(_) => Err(IngestError::parameter(
                "train_count",
                "give either it or `train_fraction`",
            )),
        }
    }
}

/// Parameters of every task kind.
pub(crate) fn common() -> Vec<Parameter> {
    with_similarity(similarity(Some(Effect::demands(
        Amount::parameter("train_image"),
        Relation::Below,
        quantities::TRAINING_IMAGES,
        "an image is named by its position in the training file",
    ))))
}

/// The same of the user's own data, of which a part may become test images.
pub(crate) fn common_of_own() -> Vec<Parameter> {
    with_similarity(similarity(None))
}

fn with_similarity(similar: Variant) -> Vec<Parameter> {
    let similarity = ParameterType::OneOf(vec![Variant::new("none", Vec::new()), similar]);
    vec![
        Parameter::optional(
            "transforms",
            ParameterType::list(transform()),
            json!(["scale"]),
            "steps from stored pixels to network inputs, in order",
        ),
        Parameter::optional(
            "similarity_label",
            similarity,
            "none",
            "two classes instead of the source's: 1 where the cosine with a training image or with its inverse is above a threshold (first row transform; the cosine of an empty image is 0)",
        ),
        Parameter::optional(
            "classes",
            ParameterType::set(ParameterType::Integer {
                minimum: 0,
                maximum: i64::from(u16::MAX),
            }),
            json!([]),
            "labels to keep, renumbered in this order; empty: all (second row transform)",
        )
        .with([
            Effect::demands(
                Amount::parameter("classes"),
                Relation::Below,
                quantities::CLASSES,
                "a class is named by its label",
            ),
            Effect::sets(quantities::CLASSES, Amount::items("classes")),
            Effect::forgets(quantities::TRAINING_IMAGES),
            Effect::forgets(quantities::TEST_IMAGES),
        ]),
        Parameter::optional(
            "train_fraction",
            ParameterType::positive(1.0),
            1.0,
            "part of the training images to keep, chosen by the seed (third row transform; the test images all stay)",
        )
        .with([Effect::forgets(quantities::TRAINING_IMAGES)]),
        Parameter::optional(
            "train_count",
            ParameterType::Either(vec![
                ParameterType::at_least(1),
                ParameterType::choice(&["all"]),
            ]),
            "all",
            "number of training images to keep instead of a fraction, chosen by the seed",
        )
        .instead_of("train_fraction")
        .with([
            Effect::demands(
                Amount::parameter("train_count"),
                Relation::AtMost,
                quantities::TRAINING_IMAGES,
                "images are kept, not repeated",
            ),
            Effect::sets(
                quantities::TRAINING_IMAGES,
                Amount::parameter("train_count"),
            ),
        ]),
    ]
}

/// One step from stored pixels to network inputs.
fn transform() -> ParameterType {
    let number = || ParameterType::between(f64::MIN, f64::MAX);
    let side = || ParameterType::Integer {
        minimum: 1,
        maximum: 4096,
    };
    ParameterType::OneOf(vec![
        Variant::new("scale", Vec::new()),
        Variant::new(
            "normalise",
            vec![
                Parameter::required(
                    "mean",
                    ParameterType::list(number()),
                    "mean of each channel, in units of the values at this point of the list",
                ),
                Parameter::required(
                    "std",
                    ParameterType::list(ParameterType::positive(f64::MAX)),
                    "standard deviation of each channel, positive",
                ),
            ],
        )
        .with(["mean", "std"].into_iter().flat_map(|list| {
            let channels = quantities::CHANNELS;
            let one_each = "a mean and a standard deviation are given for every channel";
            [
                Effect::demands(Amount::items(list), Relation::Equals, channels, one_each),
                // Known from here on, if it was not.
                Effect::sets(channels, Amount::items(list)),
            ]
        })),
        Variant::new("grey", Vec::new()).with([
            Effect::demands(
                Amount::Fixed(3),
                Relation::Equals,
                quantities::CHANNELS,
                "grey values are made from red, green and blue",
            ),
            Effect::sets(quantities::CHANNELS, Amount::Fixed(1)),
        ]),
        Variant::new(
            "resize",
            vec![
                Parameter::required("height", side(), "new height in pixels"),
                Parameter::required("width", side(), "new width in pixels"),
            ],
        )
        .with([
            Effect::sets(quantities::HEIGHT, Amount::parameter("height")),
            Effect::sets(quantities::WIDTH, Amount::parameter("width")),
        ]),
    ])
}

/// Binary labels by similarity, and what is demanded of the image.
fn similarity(demand: Option<Effect>) -> Variant {
    Variant::new(
        "similar-to",
        vec![
            Parameter::required(
                "train_image",
                ParameterType::at_least(0),
                "position of the image in the training file, from 0",
            ),
            Parameter::required(
                "threshold",
                ParameterType::between(-1.0, 1.0),
                "cosine above which an image is similar",
            ),
        ],
    )
    .with(
        demand
            .into_iter()
            .chain([Effect::sets(quantities::CLASSES, Amount::Fixed(2))]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Value {
        common()
            .into_iter()
            .filter_map(|parameter| Some((parameter.name, parameter.default?)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn with(name: &str, value: Value) -> Parameters {
        let mut all = defaults();
        all[name] = value;
        serde_json::from_value(all).expect("valid")
    }

    #[test]
    fn the_defaults_change_nothing() {
        let parameters: Parameters = serde_json::from_value(defaults()).expect("valid");
        assert_eq!(parameters.transforms, [PixelTransform::Scale]);
        assert_eq!(parameters.subset().expect("valid"), Subset::All);
        assert_eq!(parameters.similarity_label, SimilarityLabel::None);
        assert!(parameters.classes.is_empty());
    }

    #[test]
    fn described_variants_are_the_ones_that_can_be_read() {
        let parameters = with(
            "transforms",
            json!(["scale", {"normalise": {"mean": [0.5], "std": [1]}}, "grey", {"resize": {"height": 2, "width": 3}}]),
        );
        assert_eq!(parameters.transforms.len(), 4);
        let parameters = with(
            "similarity_label",
            json!({"similar-to": {"train_image": 6, "threshold": 0.4}}),
        );
        assert_eq!(
            parameters.similarity_label,
            SimilarityLabel::SimilarTo {
                train_image: 6,
                threshold: 0.4
            }
        );
    }

    #[test]
    fn fraction_and_count_exclude_each_other() {
        assert_eq!(
            with("train_fraction", json!(0.25)).subset().expect("valid"),
            Subset::Fraction(0.25)
        );
        assert_eq!(
            with("train_count", json!(7)).subset().expect("valid"),
            Subset::Count(7)
        );
        assert!(with("train_fraction", json!(0.0)).subset().is_err());
        let mut both = with("train_fraction", json!(0.25));
        both.train_count = TrainCount::Count(7);
        let error = both.subset().expect_err("both given").to_string();
        assert_eq!(error, "`train_count`: give either it or `train_fraction`");
    }

    #[test]
    fn unknown_parameters_are_refused() {
        let mut all = defaults();
        all["fraction"] = json!(0.5);
        assert!(serde_json::from_value::<Parameters>(all).is_err());
    }

    #[test]
    fn common_parameters_are_read_beside_those_of_a_kind() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Own {
            split: String,
        }
        let read = serde_json::from_value::<WithCommon<Own>>;
        let mut all = defaults();
        all["split"] = json!("letters");
        all["train_count"] = json!(7);
        let both = read(all.clone()).expect("valid");
        assert_eq!(both.own.split, "letters");
        assert_eq!(both.common.subset().expect("valid"), Subset::Count(7));
        for (name, value) in [
            ("fraction", json!(0.5)),
            ("classes", json!("all")),
            ("split", json!(1)),
        ] {
            let mut wrong = all.clone();
            wrong[name] = value;
            assert!(read(wrong).is_err(), "{name}");
        }
    }
}
