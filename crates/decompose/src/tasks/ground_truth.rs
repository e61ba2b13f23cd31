//! The task kind `ground-truth`: does the top eigenvector show what the labels were made from?
//!
//! For models of data whose labels are the similarity with one training image, the target.

use eigenscope_artifact::{
    IMAGES, ImageReader, Images, PATTERNS, PatternRow, Provenance, TENSORS, summarise,
    write_patterns,
};
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::bilinear::{Folding, GroundTruth, cosine, ground_truth};
use crate::error::DecomposeError;
use crate::image_batches::open_images;

pub(super) fn kind() -> TaskKind {
    let number = |maximum| ParameterType::Integer {
        minimum: 0,
        maximum,
    };
    let summary = "top eigenvector and linear term of one class of a bilinear layer, its bias folded in, beside the \
                   training image it should show";
    TaskKind::new("ground-truth", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "class",
                number(i64::from(u16::MAX)),
                1,
                "class (output index) to take apart",
            ),
            Parameter::optional(
                "target",
                number(i64::from(u32::MAX)),
                6,
                "position of the training image in its source file, from 0",
            ),
            Parameter::optional(
                "variant",
                ParameterType::choice(&["corrected", "published"]),
                "corrected",
                "whether the constant unit is left out of the score or, as published, added to every class",
            ),
        ])
        .reads(
            Role::one("model", TENSORS, "weights of a bilinear layer with a bias")
                .needs(
                    "bilinear",
                    "an interaction matrix is made of pairs of gate rows",
                )
                .needs("biased", "the bias is folded into the interaction matrix")
                .has_classes("class"),
        )
        .reads(Role::one("data", IMAGES, "data set with the target").shown_to("model"))
        .writes(PATTERNS)
        .memory_mib(256)
        .seconds(0.5)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    class: usize,
    target: u32,
    variant: Folding,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        class,
        target,
        variant,
    } = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    let weights = BilinearWeights::new(&model, "a ground truth")?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let image = target_image(images, target)?;
    let truth = ground_truth(&weights, class, variant)?;
    let (path, shape) = (context.output(PATTERNS)?, model.architecture.input);
    write_patterns(path, shape, &rows(truth, image), context.provenance())?;
    Ok(())
}

/// The training image at position `target` of its source file, as the network sees it.
fn target_image(reader: ImageReader, target: u32) -> Result<Vec<f32>, DecomposeError> {
    let path = reader.path().to_owned();
    let pixels = reader.pixels().clone();
    let Images { header, train, .. } = reader.read()?;
    let position = train.indices.iter().position(|index| *index == target);
    let stored = header.stored_len();
    let image = position.and_then(|position| train.pixels.chunks_exact(stored).nth(position));
    let Some(image) = image else {
        return Err(DecomposeError::Unknown(format!(
            "training image {target} is not among the {} of {}{}",
            train.len(),
            path.display(),
            left_out(&summarise(&path)?.provenance)
        )));
    };
    Ok(pixels.apply_all(image))
}

/// A clause about the parameters of `data` that leave training images out, empty if none does.
fn left_out(data: &Provenance) -> String {
    let value = |name: &str| data.parameters.get(name);
    let count = value("train_count").filter(|count| count.is_u64());
    let fraction = value("train_fraction").filter(|fraction| fraction.as_f64() != Some(1.0));
    let classes = value("classes").filter(|classes| classes.get(0).is_some());
    let given = [
        ("train_count", count),
        ("train_fraction", fraction),
        ("classes", classes),
    ];
    let given = given.iter().filter_map(|(name, value)| {
        let value = value.as_ref()?;
        Some(format!("`{name} = {value}`"))
    });
    let given: Vec<String> = given.collect();
    match given.is_empty() {
        true => String::new(),
        false => format!(
            "; {} leaves it out: read the whole data set here, or choose another target",
            given.join(" or ")
        ),
    }
}

fn rows(truth: GroundTruth, target: Vec<f32>) -> Vec<PatternRow> {
    let GroundTruth {
        eigenvalue,
        mut top,
        mut bias_component,
        linear,
    } = truth;
    if cosine(&top, &target).is_some_and(|cosine| cosine < 0.0) {
        top.iter_mut().for_each(|value| *value = -*value);
        bias_component = -bias_component;
    }
    vec![
        PatternRow {
            name: "top eigenvector".to_owned(),
            eigenvalue: Some(eigenvalue),
            bias_component: Some(bias_component),
            cosine_with_target: cosine(&top, &target),
            vector: top,
        },
        PatternRow {
            name: "linear bias".to_owned(),
            eigenvalue: None,
            bias_component: None,
            cosine_with_target: cosine(&linear, &target),
            vector: linear,
        },
        PatternRow {
            name: "target".to_owned(),
            eigenvalue: None,
            bias_component: None,
            cosine_with_target: None,
            vector: target,
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_eigenvector_points_to_the_target() {
        let truth = GroundTruth {
            eigenvalue: 1.0,
            top: vec![3.0, -4.0],
            bias_component: 0.5,
            linear: vec![1.0, 0.0],
        };
        let found = rows(truth, vec![0.0, 2.0]);
        assert_eq!(found[0].vector, [-3.0, 4.0]);
        assert_eq!(found[0].bias_component, Some(-0.5));
        assert_eq!(found[0].cosine_with_target, Some(0.8));
        assert_eq!(found[1].cosine_with_target, Some(0.0));
        assert_eq!(found[2].cosine_with_target, None);
    }
}
