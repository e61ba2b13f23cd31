//! The task kind `masks`: adversarial masks from the weights of a bilinear layer.

use eigenscope_artifact::tables::masks::MaskRow;
use eigenscope_artifact::{
    IMAGES, ImageReader, ImageRow, ImageTable, ImageTableHeader, SplitName, TENSORS,
};
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::{
    Amount, Context, Feature, Parameter, ParameterType, Role, Seed, TaskError, TaskKind, Variant,
    quantities, task_function,
};
use faer::ColRef;
use serde::Deserialize;

use crate::bilinear::{BilinearMatrices, MaskVectors, mask_vectors, standard_deviation};
use crate::error::DecomposeError;
use crate::image_batches::{for_each_image, open_images};

/// Test images of each class that decide on the sign of a mask.
const SIGN_IMAGES: usize = 500;

pub(super) fn kind() -> TaskKind {
    let count = |maximum| ParameterType::Integer {
        minimum: 1,
        maximum,
    };
    let below = Parameter::required(
        "below",
        ParameterType::between(-1e6, 1e6),
        "mean over the training images under which a pixel counts as dark",
    );
    let summary = "images made from the largest eigenvectors of every class of a bilinear layer that change the predicted \
                   class when they are added to an input";
    TaskKind::new("masks", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "count",
                count(1000),
                10,
                "largest eigenvectors of every class that are told apart",
            ),
            Parameter::optional(
                "kept",
                count(1000),
                3,
                "masks of every class, those of its largest eigenvectors",
            ),
            Parameter::optional(
                "pixels",
                ParameterType::OneOf(vec![
                    Variant::new("all", Vec::new()),
                    Variant::new("dark", vec![below]),
                ]),
                "all",
                "pixels that a mask may change: all, or those that are dark in the training images",
            ),
        ])
        .reads(
            Role::one("model", TENSORS, "weights of a bilinear layer").needs(
                "bilinear",
                "an interaction matrix is made of pairs of gate rows",
            ),
        )
        .reads(
            Role::one(
                "data",
                IMAGES,
                "images that decide on the signs of the masks",
            )
            .shown_to("model"),
        )
        .writes(MaskRow::KIND)
        .provides(Feature::of_images("model"))
        .provides([Feature::amount(
            quantities::MASKS,
            Amount::parameter("kept"),
        )])
        .random()
        .memory_mib(256)
        .seconds(4.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
    kept: usize,
    pixels: MaskedPixels,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum MaskedPixels {
    All,
    Dark { below: f64 },
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    let weights = BilinearWeights::new(&model, "an adversarial mask")?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let classes = weights.classes;
    let allowed = match parameters.pixels {
        MaskedPixels::All => vec![true; weights.inputs],
        MaskedPixels::Dark { below } => dark_pixels(&images, below)?,
    };
    let sums = class_sums(&images, classes)?;
    let vectors = mask_vectors(&BilinearMatrices::of_some(&weights)?, parameters.count)?;
    let kept = parameters.kept.min(vectors.count);
    let mut rows = Vec::with_capacity(classes * kept);
    for class in 0..classes {
        let others = others(&sums, class);
        for rank in 0..kept {
            let column = class * vectors.count + rank;
            rows.push(mask(
                &vectors,
                column,
                rank,
                &others,
                &allowed,
                context.seed(),
            )?);
        }
    }
    let table = ImageTable {
        header: ImageTableHeader {
            shape: model.architecture.input,
            classes: model.architecture.classes,
        },
        rows,
    };
    table.write(context.output(MaskRow::KIND)?, context.provenance())?;
    Ok(())
}

/// The mask of one column of the vectors.
///
/// # Errors
/// Returns an error if the encoder is the same at every pixel or not finite.
fn mask(
    vectors: &MaskVectors,
    column: usize,
    rank: usize,
    others: &[f64],
    allowed: &[bool],
    seed: Seed,
) -> Result<ImageRow<MaskRow>, DecomposeError> {
    let class = column / vectors.count;
    let encoder = vectors.encoders.col(column).iter().zip(allowed);
    let encoder: Vec<f64> = encoder
        .map(|(value, allowed)| if *allowed { *value } else { 0.0 })
        .collect();
    let overlap: f64 = encoder.iter().zip(others).map(|(a, b)| a * b).sum();
    let sign = if overlap < 0.0 { -1.0 } else { 1.0 };
    let deviation = standard_deviation(encoder.iter().copied());
    if !(deviation > 0.0 && deviation.is_finite()) {
        let problem = format!(
            "the mask of rank {} has no standard deviation over the {} pixels that it may change",
            rank + 1,
            allowed.iter().filter(|allowed| **allowed).count()
        );
        return Err(DecomposeError::of_class(class, problem));
    }
    let scaled = encoder.iter().map(|value| sign * value / deviation);
    let mask: Vec<f32> = scaled.map(|value| value as f32).collect();
    Ok(ImageRow {
        row: MaskRow {
            class: class as u32,
            rank: rank as u32 + 1,
            eigenvalue: vectors.eigenvalues[column],
            encoder_std: deviation,
        },
        images: vec![
            signed(vectors.decoders.col(column), sign),
            mask.clone(),
            shuffled(mask, allowed, seed, column as u64),
        ],
    })
}

fn signed(vector: ColRef<'_, f64>, sign: f64) -> Vec<f32> {
    let values = vector.iter().map(|value| sign * value);
    values.map(|value| value as f32).collect()
}

/// The values of a mask at the pixels that it may change, in a random order.
fn shuffled(mut mask: Vec<f32>, allowed: &[bool], seed: Seed, index: u64) -> Vec<f32> {
    let places: Vec<usize> = (0..mask.len()).filter(|&place| allowed[place]).collect();
    let mut values: Vec<f32> = places.iter().map(|&place| mask[place]).collect();
    seed.stream("random mask", index).shuffle(&mut values);
    for (place, value) in places.into_iter().zip(values) {
        mask[place] = value;
    }
    mask
}

/// The sum `[D]` of the first test images of every class.
fn class_sums(images: &ImageReader, classes: usize) -> Result<Vec<Vec<f64>>, DecomposeError> {
    let mut sums = vec![vec![0.0; images.pixels().output_len()]; classes];
    let mut counts = vec![0; classes];
    for_each_image(images, SplitName::Test, |label, input| {
        let class = usize::from(label);
        if counts[class] < SIGN_IMAGES {
            counts[class] += 1;
            add(&mut sums[class], input);
        }
    })?;
    Ok(sums)
}

/// The sum over all classes but one.
fn others(sums: &[Vec<f64>], class: usize) -> Vec<f64> {
    let mut total = vec![0.0; sums[class].len()];
    for (other, sum) in sums.iter().enumerate() {
        if other != class {
            total.iter_mut().zip(sum).for_each(|(a, b)| *a += b);
        }
    }
    total
}

/// Whether the mean of each pixel over the training images is below a value.
fn dark_pixels(images: &ImageReader, below: f64) -> Result<Vec<bool>, DecomposeError> {
    let mut sum = vec![0.0; images.pixels().output_len()];
    let mut count = 0.0;
    for_each_image(images, SplitName::Train, |_, input| {
        count += 1.0;
        add(&mut sum, input);
    })?;
    Ok(sum.into_iter().map(|sum| sum / count < below).collect())
}

fn add(sum: &mut [f64], input: &[f32]) {
    for (sum, value) in sum.iter_mut().zip(input) {
        *sum += f64::from(*value);
    }
}
