//! Embeddings: predictions, neighbours, principal components, maps, directions in a plane.

mod confusion;
mod nearest;
mod nearest_of_all;
mod neighbours;
mod principal_components;
pub mod t_sne;
mod unit_circle;
mod vote;

pub use confusion::{class_accuracies, confusion};
pub use nearest::{Neighbour, nearest_others};
pub use nearest_of_all::{Neighbours, nearest_of_all};
pub use neighbours::neighbours;
pub use principal_components::two_principal_components;
pub use unit_circle::{Plane, unit};
pub use vote::vote_accuracy;
