//! The task kinds of this program, as the orchestrator is told them.

use eigenscope_artifact::IMAGES;
use eigenscope_stage::{
    AttributeValue, CLASSES, Condition, Context, Examine, Feature, TRANSFORMS, TaskError,
    TaskFunction, TaskKind, quantities, task_function,
};

use crate::download::Policy;
use crate::examine;
use crate::folder::image_folder;
use crate::parameters::{
    self, CsvParameters, EmnistParameters, FolderParameters, IdxParameters, NpzParameters,
    Parameters, ParquetParameters,
};
use crate::published::{
    CIFAR10, CIFAR10_NAMES, DIGIT_NAMES, FASHION_MNIST, KMNIST, MNIST, PublishedIdx,
};
use crate::sets;

pub fn kinds() -> Vec<TaskKind> {
    let idx_files = |name, summary, set: &PublishedIdx<'_>, run, lacking: Examine| {
        let kind = published(
            name,
            summary,
            set.classes,
            [1, 28, 28],
            [60_000, 10_000],
            run,
        );
        kind.memory_mib(192)
            .provides([positions(10_000)])
            .looked_at_by(lacking)
    };
    vec![
        published(
            "digits",
            "embedded: 1797 handwritten digits, 8 x 8, values 0..16; the last 360 are test",
            DIGIT_NAMES,
            [1, 8, 8],
            [1437, 360],
            task_function!(sets::embedded_digits),
        )
        // One file holds the training images, too.
        .provides([positions(1797)])
        .memory_mib(64)
        .seconds(0.1),
        idx_files(
            "mnist",
            "MNIST: 60,000 + 10,000 handwritten digits, 28 x 28",
            &MNIST,
            task_function!(mnist),
            examine::mnist,
        ),
        idx_files(
            "fashion-mnist",
            "Fashion-MNIST: 60,000 + 10,000 articles of clothing, 28 x 28",
            &FASHION_MNIST,
            task_function!(fashion_mnist),
            examine::fashion_mnist,
        ),
        idx_files(
            "kmnist",
            "Kuzushiji-MNIST: 60,000 + 10,000 cursive hiragana, 28 x 28",
            &KMNIST,
            task_function!(kmnist),
            examine::kmnist,
        ),
        published(
            "cifar10",
            "CIFAR-10: 50,000 + 10,000 colour photographs, 32 x 32",
            CIFAR10_NAMES,
            [3, 32, 32],
            [50_000, 10_000],
            task_function!(cifar10),
        )
        .provides([positions(10_000)])
        .seconds(3.0)
        .looked_at_by(examine::cifar10),
        images(
            "emnist",
            "EMNIST: handwritten digits and letters, 28 x 28, in six data sets",
            None,
            task_function!(sets::emnist),
        )
        .parameters::<EmnistParameters>(parameters::emnist())
        .parameters::<Parameters>(parameters::common())
        .examined_by(examine::emnist),
        images(
            "image-folder",
            "your own pictures in folders: train/CLASS/* and test/CLASS/*, or CLASS/*",
            None,
            task_function!(image_folder),
        )
        .parameters::<FolderParameters>(parameters::folder())
        .parameters::<Parameters>(parameters::common_of_own())
        .examined_by(examine::image_folder)
        .without(
            "url",
            "folders of pictures are not downloaded; unpack their archive in the data directory, such as with `curl -L ADDRESS | tar -xz -C data`, and give the folder",
        )
        .without(
            "sha256",
            "a folder has no digest that could be stated; check the archive before you unpack it",
        )
        .lendable_threads(15),
        images(
            "npz",
            "your own arrays in NumPy's `.npz` files, as Keras ships MNIST",
            None,
            task_function!(sets::user_npz),
        )
        .parameters::<NpzParameters>(parameters::npz())
        .parameters::<Parameters>(parameters::common_of_own())
        .examined_by(examine::npz),
        images(
            "parquet",
            "your own images in Parquet tables, as Hugging Face ships data sets",
            None,
            task_function!(sets::user_parquet),
        )
        .parameters::<ParquetParameters>(parameters::parquet())
        .parameters::<Parameters>(parameters::common_of_own())
        .examined_by(examine::parquet)
        .lendable_threads(15),
        images(
            "csv",
            "your own images in tables of text with a pixel in each column, as Kaggle ships MNIST",
            None,
            task_function!(sets::user_csv),
        )
        .parameters::<CsvParameters>(parameters::csv())
        .parameters::<Parameters>(parameters::common_of_own())
        .examined_by(examine::csv),
        images(
            "idx",
            "your own images and labels in IDX files of unsigned bytes",
            None,
            task_function!(sets::user_idx),
        )
        .parameters::<IdxParameters>(parameters::idx())
        .parameters::<Parameters>(parameters::common_of_own())
        .examined_by(examine::idx),
    ]
}

/// A published data set with images of `shape` (channels, height, width), ten classes and so many training and test images.
fn published(
    name: &str,
    summary: &str,
    classes: &[&str],
    shape: [u64; 3],
    [training_images, test_images]: [u64; 2],
    run: TaskFunction,
) -> TaskKind {
    let [channels, height, width] = shape;
    let sizes = [
        (quantities::CHANNELS, channels),
        (quantities::HEIGHT, height),
        (quantities::WIDTH, width),
        (quantities::CLASSES, 10),
        (quantities::TRAINING_IMAGES, training_images),
        (quantities::TEST_IMAGES, test_images),
    ];
    images(name, summary, Some(classes), run)
        .parameters::<Parameters>(parameters::common())
        .provides(sizes.map(|(name, count)| Feature::quantity(name, count)))
}

/// The number of images in the source of the test images.
fn positions(images: u64) -> Feature {
    Feature::quantity(quantities::TEST_POSITIONS, images)
}

/// A data set. It is random: with `train_fraction` or `train_count` the seed chooses the rows.
fn images(name: &str, summary: &str, classes: Option<&[&str]>, run: TaskFunction) -> TaskKind {
    let classes = classes.map(|names| names.iter().map(|&name| name.to_owned()).collect());
    TaskKind::new(name, summary, run)
        .writes(IMAGES)
        .provides(provides(name, classes))
        .random()
}

/// What later tasks compare. `names`: those of all classes, unless only the user's files tell.
pub(crate) fn provides(kind: &str, names: Option<Vec<String>>) -> Vec<Feature> {
    let when = Condition {
        parameter: "similarity_label".to_owned(),
        value: "none".into(),
    };
    let classes = AttributeValue::Chosen {
        names,
        by: "classes".to_owned(),
        when,
        kind: kind.to_owned(),
    };
    let name = "transforms".to_owned();
    vec![
        Feature::attribute(CLASSES, classes),
        Feature::attribute(TRANSFORMS, AttributeValue::Parameter { name }),
    ]
}

fn mnist(context: &Context) -> Result<(), TaskError> {
    sets::published_idx(context, &MNIST, &Policy::default())
}

fn fashion_mnist(context: &Context) -> Result<(), TaskError> {
    sets::published_idx(context, &FASHION_MNIST, &Policy::default())
}

fn kmnist(context: &Context) -> Result<(), TaskError> {
    sets::published_idx(context, &KMNIST, &Policy::default())
}

fn cifar10(context: &Context) -> Result<(), TaskError> {
    sets::published_cifar(context, &CIFAR10, &Policy::default())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_writes_images_and_has_its_own_name() {
        let kinds = kinds();
        let names: BTreeSet<&str> = kinds
            .iter()
            .map(|kind| kind.description.name.as_str())
            .collect();
        assert_eq!(names.len(), kinds.len());
        for kind in &kinds {
            assert_eq!(kind.description.outputs, [IMAGES]);
            assert_eq!(kind.run.code().fingerprint.len(), 64);
        }
    }
}
