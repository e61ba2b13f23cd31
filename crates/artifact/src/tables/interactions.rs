//! Tables about the interaction tensor of a bilinear layer: all its classes at once, in subspaces of each other, and on one image.

use crate::ImageRecord;
use crate::record::records;

records! {
    /// What one class takes from one component of the singular value decomposition of the interaction tensor.
    pub struct HosvdRow: "hosvd", 1 => {
        /// Number of the component, counted from 1 = largest singular value.
        component: u32,
        /// Its singular value.
        singular_value: f64,
        /// Name of the class.
        class: String,
        /// The class's entry of the unit left singular vector, whose largest entry is positive.
        contribution: f64,
    }
}

records! {
    /// What one eigenpair adds to one logit of one image.
    pub struct ContributionRow: "contributions", 1 => {
        /// Name of the class.
        class: String,
        /// Rank of the contribution within the class, counted from 1 = largest, negative ones last.
        rank: u32,
        /// The eigenvalue.
        eigenvalue: f64,
        /// The eigenvalue times the square of the eigenvector's product with the image.
        contribution: f64,
    }
}

records! {
    /// One logit of one image.
    pub struct LogitRow: "logits", 1 => {
        /// Name of the class.
        class: String,
        /// Whether the image is of the class.
        is_label: bool,
        /// The logit.
        logit: f64,
        /// Sum of the contributions of all eigenpairs; the rest, of a bias or a residual layer, is not quadratic in the image.
        quadratic: f64,
    }
}

records! {
    /// The image that is explained, or an eigenvector that explains it.
    pub struct ExplanationRow: "explanation", 1 => {
        /// `image`, or `positive` or `negative` for the eigenvector of the largest or most negative contribution.
        what: String,
        /// Class (output index) of the image or of the eigenvector.
        class: u32,
        /// Position of the image in its split's source file.
        index: u32,
        /// Eigenvalue of an eigenvector.
        eigenvalue: Option<f64>,
        /// What the eigenvector adds to the logit of its class.
        contribution: Option<f64>,
    }
}

impl ImageRecord for ExplanationRow {
    /// The image, or the eigenvector in input space with the sign that makes its product with the image positive.
    const IMAGES: &'static [&'static str] = &["image"];
}

records! {
    /// How spread out the eigenvalues and eigenvectors of a model are; means over models and classes.
    pub struct ParticipationRow: "participation", 1 => {
        /// Models averaged.
        models: u32,
        /// Mean participation ratio of the eigenvalues of a class, (sum |lambda|)^2 / sum lambda^2: 1 to the hidden size.
        eigenvalue_ratio_mean: f64,
        /// Sample standard deviation over models and classes (denominator n - 1); missing for one observation.
        eigenvalue_ratio_std: Option<f64>,
        /// Eigenvectors of each class that are measured.
        eigenvectors: u32,
        /// Mean participation ratio of the components of an eigenvector in input space: 1 to the number of pixels.
        eigenvector_ratio_mean: f64,
        /// Sample standard deviation over models, classes and eigenvectors (denominator n - 1); missing for one observation.
        eigenvector_ratio_std: Option<f64>,
    }
}

records! {
    /// How much of the quadratic form of one class lies in the leading subspace of another.
    pub struct CompletenessRow: "completeness", 1 => {
        /// Eigenvectors of largest absolute eigenvalue that span the subspace.
        kept: u32,
        /// Name of the class whose form it is.
        class: String,
        /// Name of the class whose eigenvectors span the subspace.
        subspace: String,
        /// Norm of the form in the subspace over its norm, 0 to 1.
        share: f64,
    }
}

records! {
    /// Accuracy of a model whose classes share one basis of few vectors.
    pub struct SharedBasisRow: "shared-basis", 1 => {
        /// Vectors of the basis.
        rank: u32,
        /// Norm of the interaction tensor in the basis over its norm, 0 to 1.
        share: f64,
        /// Test images classified correctly.
        correct: u32,
        /// Test images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
        /// Accuracy of the whole model.
        full_accuracy_fraction: f64,
    }
}
