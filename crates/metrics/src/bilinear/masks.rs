//! Predictions of a bilinear layer for images to which masks are added, at any number of strengths.
//!
//! With e = E m the mask m in the hidden space, the logits of x + s m are a polynomial in s:
//!
//! ```text
//! logit_c(x + s m) = logit_c(x) + s a_c(x) + s^2 b_c
//! a_c(x) = h . g_c + k_c      g_c = L^T (U_c * R e) + R^T (U_c * L e)
//! k_c    = U_c . (b_l * R e + b_r * L e), plus U_c . e of a residual layer
//! b_c    = U_c . (L e * R e)
//! ```
//!
//! So every image is projected once, h = E x, and each mask is C vectors g_c in the hidden space; a strength costs two
//! multiplications a class.

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_models::{BilinearWeights, predicted_class, values};
use faer::{Mat, MatRef};
use pulp::{Arch, Simd, WithSimd};

use crate::error::MetricError;

/// Strengths that are tried side by side.
const LANES: usize = 16;

/// Masks in the space of a model's hidden units.
#[derive(Debug, Clone)]
pub struct MaskedModel {
    /// D.
    inputs: usize,
    /// d.
    hidden: usize,
    /// C.
    classes: usize,
    /// E `[d, D]`.
    embed: Vec<f32>,
    /// L, R and the g_c of every mask, one below the other: `[2 d + M C, d]`.
    maps: Vec<f32>,
    /// U `[C, d]`.
    unembed: Vec<f32>,
    bias: Option<(Vec<f32>, Vec<f32>)>,
    residual: bool,
    /// k_c of every mask `[M, C]`.
    constants: Vec<f32>,
    /// b_c of every mask `[M, C]`.
    curvatures: Vec<f32>,
    /// The class that each mask is for.
    targets: Vec<u16>,
}

/// How images are predicted with and without masks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MaskCounts {
    /// Images.
    pub images: u32,
    /// Images classified correctly without a mask.
    pub plain_correct: u32,
    /// For every class, images of other classes that are predicted to be of it without a mask.
    pub plain_misclassified: Vec<u32>,
    /// Images classified correctly, for every mask at every strength `[M, S]`.
    pub correct: Vec<u32>,
    /// Images of other classes than the mask's that are predicted to be of it `[M, S]`.
    pub misclassified: Vec<u32>,
}

impl MaskCounts {
    /// Adds the counts of other images.
    pub fn add(&mut self, other: Self) {
        if self.images == 0 {
            *self = other;
            return;
        }
        self.images += other.images;
        self.plain_correct += other.plain_correct;
        for (sums, counts) in [
            (&mut self.plain_misclassified, other.plain_misclassified),
            (&mut self.correct, other.correct),
            (&mut self.misclassified, other.misclassified),
        ] {
            sums.iter_mut().zip(counts).for_each(|(a, b)| *a += b);
        }
    }
}

impl MaskedModel {
    /// A model with masks `[D]`, each for a class. What is made from the weights is computed in f64.
    ///
    /// # Errors
    /// Returns an error if a mask has another number of values than the inputs of the model, or is for a class that it does not
    /// have.
    pub fn new(weights: &BilinearWeights, masks: &[(u16, &[f32])]) -> Result<Self, MetricError> {
        let BilinearWeights {
            inputs,
            hidden,
            classes,
            ..
        } = *weights;
        for (class, mask) in masks {
            if mask.len() != inputs || usize::from(*class) >= classes {
                return Err(MetricError::Mismatch(format!(
                    "a mask of {} values for class {class}, but the model reads {inputs} values and has {classes} classes",
                    mask.len()
                )));
            }
        }
        let matrix = |values: &[f32], rows: usize, columns: usize| {
            Mat::from_fn(rows, columns, |row, column| {
                f64::from(values[row * columns + column])
            })
        };
        let embed = matrix(&weights.embed, hidden, inputs);
        let (left, right) = (
            matrix(&weights.left, hidden, hidden),
            matrix(&weights.right, hidden, hidden),
        );
        let unembed = matrix(&weights.unembed, classes, hidden);
        let stacked = Mat::from_fn(inputs, masks.len(), |row, column| {
            f64::from(masks[column].1[row])
        });
        let e = &embed * stacked;
        let (left_e, right_e) = (&left * &e, &right * &e);
        // Row mask * C + class: U_c * R e and U_c * L e.
        let gated = |other: MatRef<'_, f64>| {
            Mat::from_fn(masks.len() * classes, hidden, |row, column| {
                unembed[(row % classes, column)] * other[(column, row / classes)]
            })
        };
        let slopes = gated(right_e.as_ref()) * &left + gated(left_e.as_ref()) * &right;
        let sum = |term: &dyn Fn(usize, usize) -> f64| -> Vec<f32> {
            let terms = |row: usize| {
                let (mask, class) = (row / classes, row % classes);
                let terms = (0..hidden).map(|unit| unembed[(class, unit)] * term(mask, unit));
                terms.sum::<f64>() as f32
            };
            (0..masks.len() * classes).map(terms).collect()
        };
        let constant = |mask: usize, unit: usize| {
            let biased = weights.bias.as_ref().map_or(0.0, |(b_l, b_r)| {
                f64::from(b_l[unit]) * right_e[(unit, mask)]
                    + f64::from(b_r[unit]) * left_e[(unit, mask)]
            });
            biased
                + if weights.residual {
                    e[(unit, mask)]
                } else {
                    0.0
                }
        };
        let constants = sum(&constant);
        let curvatures = sum(&|mask, unit| left_e[(unit, mask)] * right_e[(unit, mask)]);
        let mut maps = weights.left.clone();
        maps.extend_from_slice(&weights.right);
        for row in slopes.row_iter() {
            maps.extend(row.iter().map(|value| *value as f32));
        }
        Ok(Self {
            inputs,
            hidden,
            classes,
            embed: weights.embed.clone(),
            maps,
            unembed: weights.unembed.clone(),
            bias: weights.bias.clone(),
            residual: weights.residual,
            constants,
            curvatures,
            targets: masks.iter().map(|(class, _)| *class).collect(),
        })
    }

    /// Predictions for `inputs` `[labels.len(), D]` with every mask at every one of the `strengths`, and without a mask. The
    /// prediction is the class of largest logit, the first of equal ones.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the products.
    pub fn count(
        &self,
        inputs: &[f32],
        labels: &[u16],
        strengths: &[f64],
        device: &Device,
    ) -> Result<MaskCounts, MetricError> {
        let masks = self.targets.len();
        let mut counts = MaskCounts {
            images: labels.len() as u32,
            plain_correct: 0,
            plain_misclassified: vec![0; self.classes],
            correct: vec![0; masks * strengths.len()],
            misclassified: vec![0; masks * strengths.len()],
        };
        if labels.is_empty() {
            return Ok(counts);
        }
        let rows = |values: &[f32], columns: usize| -> Tensor<2> {
            let shape = [values.len() / columns, columns];
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        let hidden = rows(inputs, self.inputs).matmul(rows(&self.embed, self.inputs).transpose());
        let mapped = hidden
            .clone()
            .matmul(rows(&self.maps, self.hidden).transpose());
        let mapped = values(mapped)?;
        let gated = self.gated(&values(hidden)?, &mapped);
        let unembed = rows(&self.unembed, self.hidden).transpose();
        let logits = values(rows(&gated, self.hidden).matmul(unembed))?;
        for (logits, &label) in logits.chunks_exact(self.classes).zip(labels) {
            let predicted = predicted_class(logits);
            if predicted == usize::from(label) {
                counts.plain_correct += 1;
            } else {
                counts.plain_misclassified[predicted] += 1;
            }
        }
        for (number, chunk) in strengths.chunks(LANES).enumerate() {
            let mut lanes = [0.0; LANES];
            lanes
                .iter_mut()
                .zip(chunk)
                .for_each(|(lane, strength)| *lane = *strength as f32);
            Arch::new().dispatch(Tally {
                model: self,
                logits: &logits,
                mapped: &mapped,
                labels,
                strengths: lanes,
                first: number * LANES,
                of: strengths.len(),
                counts: &mut counts,
            });
        }
        Ok(counts)
    }

    /// (L h + b_l) * (R h + b_r), plus h of a residual layer, `[n, d]`.
    fn gated(&self, hidden: &[f32], mapped: &[f32]) -> Vec<f32> {
        let mut gated = Vec::with_capacity(hidden.len());
        let width = self.width();
        for (hidden, mapped) in hidden
            .chunks_exact(self.hidden)
            .zip(mapped.chunks_exact(width))
        {
            let (left, right) = mapped[..2 * self.hidden].split_at(self.hidden);
            for unit in 0..self.hidden {
                let (b_l, b_r) = self
                    .bias
                    .as_ref()
                    .map_or((0.0, 0.0), |(l, r)| (l[unit], r[unit]));
                let product = (left[unit] + b_l) * (right[unit] + b_r);
                let kept = if self.residual { hidden[unit] } else { 0.0 };
                gated.push(product + kept);
            }
        }
        gated
    }

    /// Values of an image in the product with the maps.
    fn width(&self) -> usize {
        2 * self.hidden + self.targets.len() * self.classes
    }
}

/// Counts what images are predicted to be with every mask, at up to [`LANES`] strengths.
struct Tally<'a> {
    model: &'a MaskedModel,
    /// `[n, C]`.
    logits: &'a [f32],
    /// `[n, 2 d + M C]`.
    mapped: &'a [f32],
    labels: &'a [u16],
    strengths: [f32; LANES],
    /// Position of the first strength among all, and their number.
    first: usize,
    of: usize,
    counts: &'a mut MaskCounts,
}

impl WithSimd for Tally<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let model = self.model;
        let (classes, shown) = (model.classes, (self.of - self.first).min(LANES));
        let slopes_from = 2 * model.hidden;
        let images = self.logits.chunks_exact(classes);
        let images = images.zip(self.mapped.chunks_exact(model.width()));
        for ((logits, mapped), &label) in images.zip(self.labels) {
            let slopes = mapped[slopes_from..].chunks_exact(classes);
            let constants = model.constants.chunks_exact(classes);
            let curvatures = model.curvatures.chunks_exact(classes);
            let masks = slopes.zip(constants).zip(curvatures).zip(&model.targets);
            for (mask, (((slopes, constants), curvatures), &target)) in masks.enumerate() {
                let mut best = [f32::NEG_INFINITY; LANES];
                let mut predicted = [0_u32; LANES];
                for class in 0..classes {
                    let slope = slopes[class] + constants[class];
                    for lane in 0..LANES {
                        let strength = self.strengths[lane];
                        let logit =
                            logits[class] + strength * (slope + strength * curvatures[class]);
                        let larger = logit > best[lane];
                        best[lane] = if larger { logit } else { best[lane] };
                        predicted[lane] = if larger {
                            class as u32
                        } else {
                            predicted[lane]
                        };
                    }
                }
                let start = mask * self.of + self.first;
                let (label, target) = (u32::from(label), u32::from(target));
                let correct = &mut self.counts.correct[start..start + shown];
                for (count, predicted) in correct.iter_mut().zip(predicted) {
                    *count += u32::from(predicted == label);
                }
                if label != target {
                    let misclassified = &mut self.counts.misclassified[start..start + shown];
                    for (count, predicted) in misclassified.iter_mut().zip(predicted) {
                        *count += u32::from(predicted == target);
                    }
                }
            }
        }
    }
}
