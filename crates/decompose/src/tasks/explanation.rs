//! The task kind `explanation`: one test image, its logits, and what the eigenpairs of a bilinear layer add to the largest of them.

use eigenscope_artifact::tables::interactions::{ContributionRow, ExplanationRow, LogitRow};
use eigenscope_artifact::{
    IMAGES, ImageReader, ImageRow, ImageTable, ImageTableHeader, SplitName, TENSORS,
};
use eigenscope_models::{BilinearWeights, Runner, State, StoredModel, predicted_class};
use eigenscope_stage::{
    Amount, Context, Effect, Feature, Parameter, ParameterType, Relation, Role, TaskError,
    TaskKind, Variant, quantities, task_function,
};
use rayon::prelude::*;
use serde::Deserialize;

use crate::bilinear::{BilinearMatrices, Contribution, contributions};
use crate::error::DecomposeError;
use crate::image_batches::{batch_images, open_images};

pub(super) fn kind() -> TaskKind {
    let index = Parameter::required(
        "index",
        ParameterType::Integer {
            minimum: 0,
            maximum: i64::from(u32::MAX),
        },
        "position of the image in the source file of the test images, from 0",
    );
    let summary = "one test image, its logits, and what each eigenpair of a bilinear layer adds to the largest of them";
    TaskKind::new("explanation", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "image",
                ParameterType::OneOf(vec![
                    Variant::new("right", Vec::new()),
                    Variant::new("wrong", Vec::new()),
                    Variant::new("at", vec![index]).with([Effect::demands(
                        Amount::parameter("index"),
                        Relation::Below,
                        quantities::TEST_POSITIONS,
                        "an image is named by its position in the source file of the test images",
                    )]),
                ]),
                "right",
                "image to explain: the first one that is classified right or wrong, else the first of all, or one by its position",
            ),
            Parameter::optional(
                "classes",
                ParameterType::Integer {
                    minimum: 1,
                    maximum: 20,
                },
                3,
                "classes that are explained, those of largest logit",
            ),
        ])
        .reads(
            Role::one("model", TENSORS, "weights of a bilinear layer").needs(
                "bilinear",
                "only the logits of a bilinear layer are sums over eigenpairs",
            ),
        )
        .reads(Role::one("data", IMAGES, "data set with the image").shown_to("model"))
        .provides([Feature::quantities("data")])
        .writes(ExplanationRow::KIND)
        .writes(ContributionRow::KIND)
        .writes(LogitRow::KIND)
        .memory_mib(256)
        .seconds(2.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    image: Choice,
    classes: usize,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Choice {
    Right,
    Wrong,
    At { index: u32 },
}

/// A test image as the network sees it, with its logits.
struct Explained {
    index: u32,
    label: u16,
    input: Vec<f32>,
    logits: Vec<f32>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    let weights = BilinearWeights::new(&model, "an explanation")?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let (image, warning) = find(&model, &images, parameters.image)?;
    context.warn_all(warning);
    let matrices = BilinearMatrices::of_some(&weights)?;
    let all: Vec<Result<Vec<Contribution>, DecomposeError>> = (0..weights.classes)
        .into_par_iter()
        .map(|class| contributions(&matrices, class, &image.input))
        .collect();
    let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut shown: Vec<usize> = (0..weights.classes).collect();
    shown.sort_by(|&a, &b| image.logits[b].total_cmp(&image.logits[a]));
    shown.truncate(parameters.classes);
    let classes = &model.architecture.classes;
    let table = ImageTable {
        header: ImageTableHeader {
            shape: model.architecture.input,
            classes: classes.clone(),
        },
        rows: pictures(&image, &shown, &all),
    };
    table.write(context.output(ExplanationRow::KIND)?, context.provenance())?;
    let terms = shown.iter().flat_map(|&class| {
        let ranked = all[class].iter().zip(1..);
        ranked.map(move |(term, rank)| ContributionRow {
            class: classes[class].clone(),
            rank,
            eigenvalue: term.eigenvalue,
            contribution: term.value,
        })
    });
    context.write(&terms.collect::<Vec<_>>())?;
    let logits = classes.iter().enumerate().map(|(class, name)| LogitRow {
        class: name.clone(),
        is_label: class == usize::from(image.label),
        logit: f64::from(image.logits[class]),
        quadratic: all[class].iter().map(|term| term.value).sum(),
    });
    context.write(&logits.collect::<Vec<_>>())
}

/// The test image that is asked for, the first of several. Where none is classified as asked, the first one, with a warning: of a sweep,
/// some model may be perfect.
fn find(
    model: &StoredModel,
    images: &ImageReader,
    choice: Choice,
) -> Result<(Explained, Option<String>), DecomposeError> {
    let runner = Runner::new(model)?;
    let steps = 0..model.architecture.steps().len();
    let width = images.pixels().output_len();
    let classes = model.architecture.classes.len();
    let mut seen = 0;
    let mut first = None;
    for piece in images.pieces(SplitName::Test, batch_images(width))? {
        let piece = piece?;
        seen += piece.len();
        let inputs = images.pixels().apply_all(&piece.pixels);
        let state = runner.run(steps.clone(), State::from(inputs.clone()), piece.len())?;
        let explained = |position: usize| Explained {
            index: piece.indices[position],
            label: piece.labels[position],
            input: inputs[position * width..][..width].to_vec(),
            logits: state.rows[position * classes..][..classes].to_vec(),
        };
        let rows = state.rows.chunks_exact(classes);
        let found =
            rows.zip(&piece.labels)
                .zip(&piece.indices)
                .position(|((logits, &label), &index)| match choice {
                    Choice::Right => predicted_class(logits) == usize::from(label),
                    Choice::Wrong => predicted_class(logits) != usize::from(label),
                    Choice::At { index: asked } => index == asked,
                });
        if let Some(position) = found {
            return Ok((explained(position), None));
        }
        if first.is_none() && !piece.is_empty() {
            first = Some(explained(0));
        }
    }
    let none = |what: &str| {
        let path = images.path().display();
        format!("none of the {seen} test images of {path} {what}")
    };
    let (what, instead) = match choice {
        Choice::Right => ("is classified right", "wrong"),
        Choice::Wrong => ("is classified wrong", "right"),
        Choice::At { index } => {
            let what = format!("is at position {index} of its source file");
            return Err(DecomposeError::Unknown(none(&what)));
        }
    };
    let none = none(what);
    match first {
        Some(first) => {
            let warning =
                format!("{none}: the first one, which is classified {instead}, is explained");
            Ok((first, Some(warning)))
        }
        None => Err(DecomposeError::Unknown(none)),
    }
}

/// The image, and for each shown class the eigenvectors of the largest and of the most negative contribution.
fn pictures(
    image: &Explained,
    shown: &[usize],
    all: &[Vec<Contribution>],
) -> Vec<ImageRow<ExplanationRow>> {
    let row = |what: &str, class: usize, term: Option<&Contribution>, vector: &[f32]| ImageRow {
        row: ExplanationRow {
            what: what.to_owned(),
            class: class as u32,
            index: image.index,
            eigenvalue: term.map(|term| term.eigenvalue),
            contribution: term.map(|term| term.value),
        },
        images: vec![vector.to_vec()],
    };
    let mut rows = vec![row("image", usize::from(image.label), None, &image.input)];
    for &class in shown {
        let terms = &all[class];
        let ends = [("positive", terms.first()), ("negative", terms.last())];
        for (what, term) in ends {
            let term = term.filter(|term| (term.value > 0.0) == (what == "positive"));
            rows.extend(term.map(|term| row(what, class, Some(term), &term.input_vector)));
        }
    }
    rows
}
