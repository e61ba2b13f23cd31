//! The kinds of artifact that tasks hand to each other, with their schema versions.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $version:literal, $extension:literal;)+) => {
        /// What an output file holds. The name is also its file stem in the store.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Kind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl Kind {
            /// Every kind, in declaration order.
            pub const ALL: &[Kind] = &[$(Kind::$variant,)+];

            /// Name in metadata, task files and messages.
            pub const fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name,)+ }
            }

            /// Version of the schema; raised whenever the columns or their meaning change.
            pub const fn version(self) -> u32 {
                match self { $(Kind::$variant => $version,)+ }
            }

            /// File name extension.
            pub const fn extension(self) -> &'static str {
                match self { $(Kind::$variant => $extension,)+ }
            }
        }
    };
}

kinds! {
    /// Pixels and labels of a data set.
    Images = "images", 1, "parquet";
    /// Named weight tensors of a model.
    Tensors = "tensors", 1, "parquet";
    /// Loss and accuracy after every training epoch.
    History = "history", 1, "parquet";
    /// All eigenvalues of every class.
    Spectrum = "spectrum", 1, "parquet";
    /// Extreme eigenvalues with their eigenvectors in input space.
    Eigenpairs = "eigenpairs", 1, "parquet";
    /// Named images in input space: an eigenvector, a linear term, the image looked for.
    Patterns = "patterns", 1, "parquet";
    /// Mean similarity of eigenvectors by size and rank.
    Similarity = "similarity", 2, "parquet";
    /// Mean similarity of the rank-0 eigenvectors by pair of sizes.
    SimilarityMap = "similarity-map", 2, "parquet";
    /// Accuracy of one model by number of eigenpairs kept.
    Truncation = "truncation", 1, "parquet";
    /// Truncation averaged over the models of each size.
    TruncationSummary = "truncation-summary", 2, "parquet";
    /// Last history row of every model.
    Final = "final", 2, "parquet";
    /// Eigenvalues of a covariance in the space of every layer's inputs.
    LayerSpectrum = "layer-spectrum", 1, "parquet";
    /// Number of eigenvalues of weight covariances above those of noise.
    Spikes = "spikes", 1, "parquet";
    /// Eigenvectors of a covariance in the space of every layer's inputs.
    Bases = "bases", 2, "parquet";
    /// Orthogonal maps between the activations of two networks.
    Alignments = "alignments", 1, "parquet";
    /// How much of the activations of two networks the alignment explains.
    RSquared = "r-squared", 1, "parquet";
    /// Overlap of the eigenvectors of two networks after alignment.
    Overlap = "overlap", 2, "parquet";
    /// Accuracy of a model by the rank that one of its layers is clipped to.
    Clipping = "clipping", 1, "parquet";
    /// Rank at which clipping costs almost no accuracy.
    LearnedDimensions = "learned-dimensions", 2, "parquet";
    /// Accuracy of every network drawn from a model's weight covariances.
    Rainbow = "rainbow", 1, "parquet";
    /// Its mean and spread, beside the model's own accuracy.
    RainbowSummary = "rainbow-summary", 1, "parquet";
    /// What one layer makes of every image, with the predicted class.
    Embeddings = "embeddings", 1, "parquet";
    /// Number of images by class and predicted class.
    Confusion = "confusion", 1, "parquet";
    /// Accuracy of every class and of all.
    ClassAccuracy = "class-accuracy", 1, "parquet";
    /// Pairs of classes merged by weight surgery, with their cosines before and after.
    Surgery = "surgery", 1, "parquet";
    /// Centroids of the classes merged by weight surgery.
    Centroids = "centroids", 1, "parquet";
    /// Singular values of a layer's weight before and after surgery.
    SingularValues = "singular-values", 1, "parquet";
    /// Nearest neighbours of some embeddings.
    Neighbours = "neighbours", 1, "parquet";
    /// Embeddings laid out in two dimensions.
    Map = "map", 1, "parquet";
    /// How faithful such a map is.
    MapQuality = "map-quality", 1, "parquet";
    /// Where training ended by number of training images.
    Scaling = "scaling", 2, "parquet";
    /// Power law fitted to it.
    PowerLaw = "power-law", 2, "parquet";
    /// What one run of the orchestrator cost, task by task.
    Ledger = "ledger", 1, "parquet";
    /// A figure as vector graphics.
    Svg = "svg", 1, "svg";
    /// A figure as pixels.
    Png = "png", 1, "png";
    /// A figure for the pages of a report.
    Interactive = "interactive", 1, "json";
}

impl Kind {
    /// File name of an output of this kind in its task's folder.
    pub fn file_name(self) -> String {
        match self {
            Kind::Svg | Kind::Png | Kind::Interactive => format!("figure.{}", self.extension()),
            _ => format!("{}.{}", self.name(), self.extension()),
        }
    }

    /// Whether the file is a Parquet table (figures are not).
    pub fn is_table(self) -> bool {
        self.extension() == "parquet"
    }

    /// Whether the file is a picture that any viewer shows.
    pub fn is_picture(self) -> bool {
        matches!(self, Kind::Svg | Kind::Png)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Kind::ALL
            .iter()
            .copied()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("unknown artifact kind `{name}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_parse_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.name().parse::<Kind>().as_ref(), Ok(kind));
        }
        assert!("picture".parse::<Kind>().is_err());
    }

    #[test]
    fn serde_uses_the_same_name() {
        for kind in Kind::ALL {
            let json = serde_json::to_string(kind).expect("a unit variant serialises");
            assert_eq!(json, format!("\"{}\"", kind.name()));
        }
    }
}
