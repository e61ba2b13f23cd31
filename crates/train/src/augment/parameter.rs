//! The parameter `augment` of task kinds that train.

use eigenscope_stage::{Amount, Effect, Parameter, ParameterType, Relation, Variant, quantities};
use serde_json::json;

use super::blur::BLUR_RADIUS;

/// A list of [`Augmentation`](super::Augmentation)s, empty if it is not given.
pub(crate) fn augment() -> Parameter {
    let one = |name: &str, field: &str, largest: f64, summary: &str| {
        let kind = ParameterType::between(0.0, largest);
        Variant::new(name, vec![Parameter::required(field, kind, summary)])
    };
    let room = [quantities::HEIGHT, quantities::WIDTH].map(|side| {
        Effect::demands(
            Amount::Fixed(BLUR_RADIUS as u64 + 1),
            Relation::AtMost,
            side,
            "the windows of a blur have 5 x 5 pixels, and images are mirrored at their edges",
        )
    });
    let step = ParameterType::OneOf(vec![
        one(
            "noise",
            "std",
            1e6,
            "standard deviation of Gaussian noise on every value",
        ),
        one(
            "rotation",
            "degrees",
            180.0,
            "largest angle, in degrees; each image is turned about its centre by an angle uniform in ± this",
        ),
        one(
            "translation",
            "fraction",
            1.0,
            "largest shift, as a part of the side; each image is shifted by a length uniform in ± this along both sides",
        ),
        one(
            "blur",
            "sigma",
            1e6,
            "standard deviation of a Gaussian blur with windows of 5 x 5 pixels, in pixels",
        )
        .with(room),
        one(
            "salt-and-pepper",
            "amount",
            1.0,
            "part of the pixels that become black or white",
        ),
        Variant::new("flip", Vec::new()),
    ]);
    Parameter::optional(
        "augment",
        ParameterType::list(step),
        json!([]),
        "random changes of every training batch, in this order, after the pixel transforms",
    )
}
