//! Merging of two classes: the weight of a linear layer is edited so that the difference of their mean embeddings almost
//! vanishes.

use eigenscope_artifact::Embeddings;
use eigenscope_models::{Layer, ModelError, StoredModel};
use eigenscope_stage::Stream;
use faer::{Mat, MatRef};

use super::isolation_forest::IsolationForest;
use crate::error::DecomposeError;
use crate::linear_algebra::row_major;
use crate::linear_algebra::{product, projector};

/// Largest distance of two unit centroids that are the same but for the rounding of single-precision embeddings.
const SAME_CENTROID: f64 = 1e-7;

/// A linear layer e = W x + b with its outputs for a set of images.
#[derive(Debug, Clone)]
pub struct EmbeddingLayer {
    /// W `[width, inputs]`.
    pub weight: Mat<f64>,
    /// b `[width]`, zeros for a layer without one.
    pub bias: Vec<f64>,
    /// e `[images, width]`, row-major.
    pub embeddings: Vec<f64>,
    pub labels: Vec<u16>,
}

/// The rule for outliers: embeddings of a class that an isolation forest of the class scores above a threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutlierRule {
    /// Number of trees of the forest.
    pub trees: usize,
    /// Largest number of embeddings that a tree is grown on.
    pub samples: usize,
    /// Largest score of an inlier.
    pub threshold: f64,
}

/// One class of a merged pair, before it was merged.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassCentroid {
    pub images: usize,
    /// Number of images that are no outliers.
    pub inliers: usize,
    /// Whether several images all have the same embedding, so that none can be an outlier.
    pub equal: bool,
    /// Mean embedding of the inliers, normalised afterwards: a unit vector `[width]`.
    pub centroid: Vec<f64>,
}

/// Two merged classes. Cosines are those between their normalised mean embeddings.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedClasses {
    pub classes: [ClassCentroid; 2],
    /// Cosine of the means of the inliers before merging.
    pub cosine_inliers: f64,
    /// Cosine of the means of all images before merging.
    pub cosine_before: f64,
    /// Cosine of the means of all images after merging.
    pub cosine_after: f64,
}

impl OutlierRule {
    /// Returns those of `points` `[points, width]` that are no outliers.
    fn inliers(&self, points: &[f64], width: usize, stream: &mut Stream) -> Vec<f64> {
        let forest = IsolationForest::fit(points, width, self.trees, self.samples, stream);
        let scores = forest.scores(points);
        let scored = points.chunks_exact(width).zip(scores);
        let inliers = scored.filter(|(_, score)| *score <= self.threshold);
        inliers.flat_map(|(point, _)| point.to_vec()).collect()
    }
}

impl EmbeddingLayer {
    /// Takes `layer` of `model`, whose output for an image is one vector, and its `embeddings`, all widened exactly to f64.
    ///
    /// # Errors
    /// Returns no error for a layer of the model; the type is that of tensor look-ups.
    pub(crate) fn new(
        layer: &Layer,
        model: &StoredModel,
        embeddings: Embeddings,
    ) -> Result<Self, ModelError> {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect();
        let bias = if layer.bias {
            wide(&model.tensor(&layer.bias_name())?.data)
        } else {
            vec![0.0; layer.outputs]
        };
        Ok(Self {
            weight: weight(layer, model)?,
            bias,
            embeddings: wide(&embeddings.vectors),
            labels: embeddings.labels,
        })
    }

    fn width(&self) -> usize {
        self.bias.len()
    }

    /// Merges a pair of classes, in f64. With c the centroids of the classes' inliers and P the [`projector`] of their
    /// normalised difference,
    ///
    /// ```text
    /// d = (c_1 - c_2) / |c_1 - c_2|,   W' = P W,   b' = b,   e' = P (e - b) + b
    /// ```
    ///
    /// The last is what the edited layer makes of the images. `streams` are the random numbers of the two isolation
    /// forests.
    ///
    /// Source: the published notebook, with shrink = 1e-5.
    ///
    /// # Errors
    /// Returns an error if a class has no images, no inliers or a mean embedding of zero, or if both have the same centroid.
    pub fn merge(
        &mut self,
        [first, second]: [usize; 2],
        rule: OutlierRule,
        shrink: f64,
        [first_stream, second_stream]: [Stream; 2],
    ) -> Result<MergedClasses, DecomposeError> {
        let classes = [
            self.class_centroid(first, rule, first_stream)?,
            self.class_centroid(second, rule, second_stream)?,
        ];
        self.merge_centroids([first, second], classes, shrink)
    }

    /// [`EmbeddingLayer::merge`] of classes whose centroids are known.
    ///
    /// # Errors
    /// Returns an error if both have the same centroid, or one has no images or a mean embedding of zero.
    pub fn merge_centroids(
        &mut self,
        [first, second]: [usize; 2],
        classes: [ClassCentroid; 2],
        shrink: f64,
    ) -> Result<MergedClasses, DecomposeError> {
        let [one, other] = [&classes[0].centroid, &classes[1].centroid];
        let difference: Vec<f64> = one.iter().zip(other).map(|(a, b)| a - b).collect();
        // What is smaller is the rounding of single-precision embeddings, of arbitrary direction.
        let apart = dot(&difference, &difference).sqrt() > SAME_CENTROID;
        let direction = Some(difference).filter(|_| apart).and_then(unit);
        let direction = direction.ok_or_else(|| {
            DecomposeError::Undefined(format!(
                "classes {first} and {second} have the same centroid; there is nothing to merge"
            ))
        })?;
        let cosine_inliers = dot(one, other);
        let cosine_before = self.cosine(first, second)?;
        self.apply(projector(&direction, shrink).as_ref());
        Ok(MergedClasses {
            cosine_inliers,
            cosine_before,
            cosine_after: self.cosine(first, second)?,
            classes,
        })
    }

    /// The centroid of the inliers of a class. `stream` gives the random numbers of its isolation forest.
    ///
    /// # Errors
    /// Returns an error if the class has no images, no inliers or a mean embedding of zero.
    pub fn class_centroid(
        &self,
        class: usize,
        rule: OutlierRule,
        mut stream: Stream,
    ) -> Result<ClassCentroid, DecomposeError> {
        let width = self.width();
        let points = self.points(class);
        if points.is_empty() {
            return Err(DecomposeError::Empty(format!(
                "there is no image of class {class} among the embeddings"
            )));
        }
        let images = points.len() / width;
        let inliers = rule.inliers(&points, width, &mut stream);
        if inliers.is_empty() {
            return Err(DecomposeError::Empty(format!(
                "class {class}: the isolation forest scores all {images} embeddings above the threshold {}; raise it",
                rule.threshold
            )));
        }
        Ok(ClassCentroid {
            images,
            inliers: inliers.len() / width,
            equal: images > 1
                && points
                    .chunks_exact(width)
                    .all(|point| *point == points[..width]),
            centroid: centroid(class, &inliers, width)?,
        })
    }

    /// The embeddings of one class.
    fn points(&self, class: usize) -> Vec<f64> {
        let embeddings = self.embeddings.chunks_exact(self.width());
        let labelled = embeddings.zip(&self.labels);
        labelled
            .filter(|(_, label)| usize::from(**label) == class)
            .flat_map(|(embedding, _)| embedding.to_vec())
            .collect()
    }

    /// Cosine of the means of all embeddings of two classes.
    fn cosine(&self, first: usize, second: usize) -> Result<f64, DecomposeError> {
        let mean = |class| centroid(class, &self.points(class), self.width());
        Ok(dot(&mean(first)?, &mean(second)?))
    }

    /// W' = P W, e' = P (e - b) + b.
    fn apply(&mut self, p: MatRef<'_, f64>) {
        self.weight = product(p, self.weight.as_ref());
        let width = self.width();
        for embedding in self.embeddings.chunks_exact_mut(width) {
            let centred = embedding.iter_mut().zip(&self.bias);
            centred.for_each(|(value, bias)| *value -= bias);
        }
        let images = self.labels.len();
        let columns = MatRef::from_column_major_slice(&self.embeddings, width, images);
        let projected = product(p, columns);
        for (image, embedding) in self.embeddings.chunks_exact_mut(width).enumerate() {
            let values = projected.col(image).iter().zip(&self.bias);
            for (value, (projected, bias)) in embedding.iter_mut().zip(values) {
                *value = projected + bias;
            }
        }
    }
}

/// W of a layer that makes one vector of an image, `[outputs, inputs]`.
pub(crate) fn weight(layer: &Layer, model: &StoredModel) -> Result<Mat<f64>, ModelError> {
    let values = model.weight(layer)?;
    Ok(row_major(values, layer.outputs, layer.inputs()))
}

/// The normalised mean of `points` `[points, width]` of a class.
fn centroid(class: usize, points: &[f64], width: usize) -> Result<Vec<f64>, DecomposeError> {
    let mut sum = vec![0.0; width];
    for point in points.chunks_exact(width) {
        sum.iter_mut()
            .zip(point)
            .for_each(|(sum, value)| *sum += value);
    }
    let no_direction = "the mean embedding is zero, so it has no direction";
    unit(sum).ok_or_else(|| DecomposeError::of_class(class, no_direction))
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The unit vector of the direction of `vector`; none if it is all zero.
fn unit(vector: Vec<f64>) -> Option<Vec<f64>> {
    let norm = dot(&vector, &vector).sqrt();
    (norm > 0.0).then(|| vector.into_iter().map(|value| value / norm).collect())
}
