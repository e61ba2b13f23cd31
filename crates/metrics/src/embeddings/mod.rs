//! Embeddings: predictions, neighbours, principal components, maps, directions in a plane.

mod cells;
mod confusion;
mod nearest;
mod nearest_by_cells;
mod nearest_of_all;
mod nearest_on_map;
mod neighbours;
mod principal_components;
pub mod t_sne;
mod unit_circle;
mod vote;

pub use confusion::{class_accuracies, confusion};
pub use nearest::{Neighbour, nearest_others};
pub use nearest_by_cells::{NearNeighbours, nearest_by_cells};
pub use nearest_of_all::{Neighbours, nearest_of_all};
pub use nearest_on_map::nearest_on_map;
pub use neighbours::neighbours;
pub use principal_components::two_principal_components;
pub use unit_circle::Plane;
pub use vote::vote_accuracy;
