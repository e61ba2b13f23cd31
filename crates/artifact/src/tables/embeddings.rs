//! Tables about embeddings and the classes predicted from them.

use crate::record::records;

records! {
    /// How many images of one class are predicted to be of another.
    pub struct ConfusionRow: "confusion", 1 => {
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
    pub struct ClassAccuracyRow: "class-accuracy", 1 => {
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
    /// One of the nearest neighbours of one embedding.
    pub struct NeighbourRow: "neighbours", 1 => {
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
    pub struct MapRow: "map", 1 => {
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
    pub struct MapQualityRow: "map-quality", 2 => {
        /// Images on the map.
        images: u32,
        /// Perplexity of the neighbourhoods.
        perplexity: f64,
        /// Fraction of the nearest neighbours that the search found: 1 for up to 10,000 images, otherwise that of 512 images.
        neighbours_found_fraction: f64,
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
    /// Direction of one embedding in the plane of the first two right singular vectors of some embeddings.
    pub struct UnitCircleRow: "unit-circle", 1 => {
        /// Position of the image in its split's source file.
        index: u32,
        /// Its class.
        label: u32,
        /// Component along the first vector; `x`² + `y`² = 1.
        x: f64,
        /// Component along the second vector.
        y: f64,
    }
}

records! {
    /// One component of one of the two vectors that span the plane of a unit circle.
    pub struct UnitCirclePlaneRow: "unit-circle-plane", 1 => {
        /// Rank of the singular value, 1 or 2.
        rank: u32,
        /// Square of the singular value over the sum of the squares of all.
        energy_fraction: f64,
        /// Component of the embedding, counted from 1.
        component: u32,
        /// Value of the vector, which has length 1.
        value: f64,
    }
}
