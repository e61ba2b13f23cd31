//! The tidy tables: every metric that a figure or a comparison reads.
//!
//! Fractions are between 0 and 1, losses are mean cross-entropies in nats.

use crate::Kind;
use crate::record::records;

records! {
    /// State of a training run after one epoch.
    pub struct HistoryRow: Kind::History => {
        /// Epoch, counted from 1; 0 is the model before training, where a recipe evaluates it.
        epoch: u32,
        /// Learning rate used during the epoch.
        learning_rate: f64,
        /// Mean over the epoch's batches of the training loss (with noise, before each step).
        train_loss_nats: f64,
        /// Mean over the epoch's batches of the training accuracy (with noise, before each step).
        train_accuracy_fraction: f64,
        /// Loss on the whole test split after the epoch.
        test_loss_nats: f64,
        /// Accuracy on the whole test split after the epoch.
        test_accuracy_fraction: f64,
    }
}

records! {
    /// One eigenvalue of one class's interaction matrix.
    pub struct SpectrumRow: Kind::Spectrum => {
        /// Class (output index).
        class: u32,
        /// Position in ascending order, 0 = most negative.
        index: u32,
        /// The eigenvalue.
        eigenvalue: f64,
    }
}

records! {
    /// Similarity of eigenvectors of one size with those of the reference size, at one rank.
    pub struct SimilarityRow: Kind::Similarity => {
        /// How eigenvectors are ranked and models paired: `corrected` (largest absolute eigenvalue first, distinct
        /// models) or `published` (most negative eigenvalue first, a model with itself included).
        variant: String,
        /// Hidden size of the reference models.
        reference_hidden: u32,
        /// Hidden size of the compared models.
        hidden: u32,
        /// Rank of the eigenvectors, 0 = first of the selection.
        rank: u32,
        /// Number of observations: pairs of models times classes.
        observations: u32,
        /// Mean absolute cosine.
        similarity_mean: f64,
        /// Sample standard deviation (denominator n - 1); missing for one observation.
        similarity_std: Option<f64>,
        /// Half the width of the 90% Student-t confidence interval of the mean; missing for one observation.
        half_width: Option<f64>,
    }
}

records! {
    /// Similarity of the rank-0 eigenvectors of two sizes.
    pub struct SimilarityMapRow: Kind::SimilarityMap => {
        /// `corrected` or `published`, as in [`SimilarityRow`].
        variant: String,
        /// Hidden size of the first model of each pair.
        row_hidden: u32,
        /// Hidden size of the second.
        column_hidden: u32,
        /// Number of observations: pairs of models times classes.
        observations: u32,
        /// Mean absolute cosine; missing when no pair exists (one seed only).
        similarity_mean: Option<f64>,
    }
}

records! {
    /// Test accuracy of one model with only the strongest eigenpairs of every class.
    pub struct TruncationRow: Kind::Truncation => {
        /// Hidden size of the model.
        hidden: u32,
        /// Eigenpairs of largest absolute eigenvalue that were kept per class.
        kept: u32,
        /// Test images classified correctly.
        correct: u32,
        /// Test images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
        /// `1 - accuracy_fraction`.
        error_fraction: f64,
        /// Accuracy of the full model minus `accuracy_fraction`.
        accuracy_drop_fraction: f64,
    }
}

records! {
    /// Truncation averaged over the models of one size, with 90% Student-t half-widths over them.
    pub struct TruncationSummaryRow: Kind::TruncationSummary => {
        /// Hidden size.
        hidden: u32,
        /// Eigenpairs kept per class.
        kept: u32,
        /// Models averaged.
        models: u32,
        /// Mean accuracy.
        accuracy_mean_fraction: f64,
        /// Half-width of the interval of the mean accuracy (and of the mean error).
        accuracy_half_width_fraction: Option<f64>,
        /// Mean error.
        error_mean_fraction: f64,
        /// Mean accuracy drop against the full model.
        accuracy_drop_mean_fraction: f64,
        /// Half-width of the interval of the mean drop.
        accuracy_drop_half_width_fraction: Option<f64>,
    }
}

records! {
    /// Where the training of one model ended.
    pub struct FinalRow: Kind::Final => {
        /// Id of the training task.
        model: String,
        /// Hidden size, where the model has one.
        hidden: Option<u32>,
        /// Seed, where the models were swept over it.
        seed: Option<u64>,
        /// Epochs trained.
        epochs: u32,
        /// Mean training loss of the last epoch.
        train_loss_nats: f64,
        /// Mean training accuracy of the last epoch.
        train_accuracy_fraction: f64,
        /// Test loss after the last epoch.
        test_loss_nats: f64,
        /// Test accuracy after the last epoch.
        test_accuracy_fraction: f64,
    }
}

records! {
    /// One eigenvalue of a covariance in the space of a layer's inputs.
    pub struct LayerSpectrumRow: Kind::LayerSpectrum => {
        /// `activations`, `weights`, `initial weights` (a fresh draw) or `Marchenko-Pastur` (the law of its limit).
        series: String,
        /// Name of the layer.
        layer: String,
        /// Position in descending order, counted from 1.
        rank: u32,
        /// The eigenvalue.
        eigenvalue: f64,
    }
}

records! {
    /// How many eigenvalues of a layer's weight covariance are larger than those of an untrained layer can be.
    pub struct SpikesRow: Kind::Spikes => {
        /// Name of the layer.
        layer: String,
        /// Values that the layer reads.
        inputs: u32,
        /// Values that it gives.
        outputs: u32,
        /// Upper edge of the Marchenko-Pastur law for the variance of the layer's initialisation.
        upper_edge: f64,
        /// Eigenvalues above it: the learned components.
        spikes: u32,
        /// The same of a fresh draw of the initialisation: 0, or a few in small layers, which exceed the law's limit.
        initial_spikes: u32,
    }
}

records! {
    /// How well the activations that a layer reads in one network follow from those in another.
    pub struct RSquaredRow: Kind::RSquared => {
        /// Name of the layer that reads the activations.
        layer: String,
        /// `train` (which the alignment was computed from) or `test`.
        split: String,
        /// Samples: images, times places for convolutions.
        samples: u64,
        /// tr(A^T C12) / sqrt(tr C11 tr C22), at most 1. On `train` this is the sum of the singular values of C12
        /// over the same root.
        r_squared: f64,
    }
}

records! {
    /// |v1_i A v2_j| of an eigenvector of each of two networks.
    pub struct OverlapRow: Kind::Overlap => {
        /// `activations` or `weights`: whose covariance the eigenvectors are those of.
        of: String,
        /// Name of the layer.
        layer: String,
        /// Rank of the eigenvector of the reference network, counted from 1.
        reference_rank: u32,
        /// Rank of the eigenvector of the other network, counted from 1.
        other_rank: u32,
        /// Absolute value of their product after alignment, 0 to 1.
        overlap: f64,
        /// Whether one of the two belongs to an eigenvalue below 1e-7 of the largest of its layer: its direction is
        /// arbitrary, and so is the overlap.
        null_space: bool,
    }
}

records! {
    /// Accuracy of a model with the weight of one layer clipped to the first eigenvectors of a basis.
    pub struct ClippingRow: Kind::Clipping => {
        /// `activations` or `weights`: whose covariance the eigenvectors are those of.
        of: String,
        /// Name of the layer.
        layer: String,
        /// Eigenvectors kept, counted from 1.
        kept: u32,
        /// Images classified correctly.
        correct: u32,
        /// Images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
    }
}

records! {
    /// How many dimensions of a layer's inputs a model needs.
    pub struct LearnedDimensionsRow: Kind::LearnedDimensions => {
        /// `activations` or `weights`: whose covariance the eigenvectors are those of.
        of: String,
        /// Name of the layer.
        layer: String,
        /// Values that the layer reads.
        inputs: u32,
        /// Accuracy of the whole model.
        accuracy_fraction: f64,
        /// Accuracy that may be lost.
        within_fraction: f64,
        /// Smallest rank from which on every rank loses no more; missing if the last one does.
        dimensions: Option<u32>,
        /// Smallest rank that loses no more, though larger ones may; missing if every rank loses more.
        first_dimensions: Option<u32>,
        /// Of weights, the number of eigenvalues above the upper edge of the Marchenko-Pastur law.
        spikes: Option<u32>,
        /// Accuracy with as many eigenvectors as there are spikes; missing without a spike.
        spikes_accuracy_fraction: Option<f64>,
    }
}

records! {
    /// One network drawn from the weight covariances of a model.
    pub struct RainbowRow: Kind::Rainbow => {
        /// Number of the draw, counted from 1.
        draw: u32,
        /// Test images classified correctly.
        correct: u32,
        /// Test images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
    }
}

records! {
    /// All networks drawn from one model, beside it.
    pub struct RainbowSummaryRow: Kind::RainbowSummary => {
        /// Networks drawn.
        draws: u32,
        /// Test accuracy of the model.
        trained_accuracy_fraction: f64,
        /// Mean test accuracy of the networks drawn.
        generated_accuracy_mean_fraction: f64,
        /// Its sample standard deviation (denominator n - 1); missing for one draw.
        generated_accuracy_std_fraction: Option<f64>,
        /// Smallest.
        generated_accuracy_min_fraction: f64,
        /// Largest.
        generated_accuracy_max_fraction: f64,
    }
}

records! {
    /// How many images of one class are predicted to be of another.
    pub struct ConfusionRow: Kind::Confusion => {
        /// Class of the images.
        label: u32,
        /// Class predicted.
        predicted: u32,
        /// Images; a row for every pair of classes, 0 included.
        images: u32,
    }
}

records! {
    /// Accuracy on the images of one class.
    pub struct ClassAccuracyRow: Kind::ClassAccuracy => {
        /// Name of the class, or `all`.
        class: String,
        /// Images classified correctly.
        correct: u32,
        /// Images.
        images: u32,
        /// `correct / images`; missing without images.
        accuracy_fraction: Option<f64>,
    }
}

records! {
    /// One pair of classes merged by weight surgery. Cosines are those of the centroids (normalised means).
    pub struct SurgeryRow: Kind::Surgery => {
        /// Number of the operation, counted from 1; each works on the result of the one before.
        operation: u32,
        /// Name of the first class.
        first_class: String,
        /// Name of the second class.
        second_class: String,
        /// Images of the first class.
        first_images: u32,
        /// Those of them that are no outliers.
        first_inliers: u32,
        /// Images of the second class.
        second_images: u32,
        /// Those of them that are no outliers.
        second_inliers: u32,
        /// Cosine of the centroids of the inliers, before.
        cosine_inliers: f64,
        /// Cosine of the centroids of all images, before.
        cosine_before: f64,
        /// Cosine of the centroids of all images, after.
        cosine_after: f64,
    }
}

records! {
    /// One component of a centroid, the normalised mean of the inliers of one class before surgery.
    pub struct CentroidRow: Kind::Centroids => {
        /// Number of the operation, counted from 1.
        operation: u32,
        /// Name of the class.
        class: String,
        /// Component, counted from 1.
        component: u32,
        /// Its value.
        value: f64,
    }
}

records! {
    /// One singular value of the weight of the edited layer.
    pub struct SingularValueRow: Kind::SingularValues => {
        /// `before` or `after` surgery.
        state: String,
        /// Position in descending order, counted from 1.
        rank: u32,
        /// The singular value.
        singular_value: f64,
    }
}

records! {
    /// One of the nearest neighbours of one embedding.
    pub struct NeighbourRow: Kind::Neighbours => {
        /// Position of the image in its split's source file.
        query_index: u32,
        /// Its class.
        query_label: u32,
        /// Position among its neighbours, counted from 1 = nearest; equal distances in the order of the images.
        rank: u32,
        /// Position of the neighbour in its split's source file.
        index: u32,
        /// Its class.
        label: u32,
        /// Euclidean distance of the embeddings.
        distance: f64,
    }
}

records! {
    /// Place of one image on a two-dimensional map of embeddings.
    pub struct MapRow: Kind::Map => {
        /// Position of the image in its split's source file.
        index: u32,
        /// Its class.
        label: u32,
        /// First coordinate.
        x: f64,
        /// Second coordinate.
        y: f64,
    }
}

records! {
    /// How faithful a two-dimensional map of embeddings is.
    pub struct MapQualityRow: Kind::MapQuality => {
        /// Images on the map.
        images: u32,
        /// Perplexity of the neighbourhoods.
        perplexity: f64,
        /// Kullback-Leibler divergence of the map's similarities from the embeddings', over all pairs, in nats.
        kl_divergence_nats: f64,
        /// Neighbours that vote on a class.
        neighbours: u32,
        /// Fraction of images whose neighbours on the map vote for their class.
        neighbour_accuracy_fraction: f64,
        /// The same among the embeddings.
        embedding_neighbour_accuracy_fraction: f64,
    }
}

records! {
    /// Where training ended with one number of training images.
    pub struct ScalingRow: Kind::Scaling => {
        /// Training images.
        images: u32,
        /// Models averaged.
        models: u32,
        /// Mean training loss of the last epoch.
        train_loss_nats: f64,
        /// Mean training accuracy of the last epoch.
        train_accuracy_fraction: f64,
        /// Mean test loss after the last epoch.
        test_loss_nats: f64,
        /// Mean test accuracy after the last epoch.
        test_accuracy_fraction: f64,
    }
}

records! {
    /// Power law `coefficient * images^exponent`, fitted by least squares to logarithms.
    pub struct PowerLawRow: Kind::PowerLaw => {
        /// Column of the scaling table that it describes.
        quantity: String,
        /// Points fitted.
        points: u32,
        /// Value at one image.
        coefficient: f64,
        /// Slope in logarithms.
        exponent: f64,
        /// Half-width of its 90% Student-t interval; missing for two points.
        exponent_half_width: Option<f64>,
        /// Fraction of the logarithms' variance that it explains.
        r_squared: f64,
    }
}

records! {
    /// One task of one run of the orchestrator.
    pub struct LedgerRow: Kind::Ledger => {
        /// The run: its start in UTC and the process id.
        run: String,
        /// Name of the pipeline.
        pipeline: String,
        /// Task id.
        task: String,
        /// Key of the result.
        key: String,
        /// Section of the task.
        section: String,
        /// Task kind within the section.
        kind: String,
        /// Start of the task, in seconds since the start of the run.
        start_seconds: f64,
        /// Duration, from the start of the program to the result in its place.
        wall_seconds: f64,
        /// User and system time of the program, where it was told.
        cpu_seconds: Option<f64>,
        /// Largest resident set of the program, where it was told.
        peak_bytes: Option<u64>,
        /// Threads the task had for itself.
        threads: u32,
        /// `done`, `failed` or `stopped`.
        outcome: String,
        /// Cores of the machine.
        host_cores: u32,
    }
}
