//! The task kinds of this program, as the orchestrator is told them.

use eigenscope_artifact::IMAGES;
use eigenscope_stage::{
    AttributeValue, CLASSES, Condition, Context, Feature, Parameter, Resources, TRANSFORMS,
    TaskError, TaskFunction, TaskKind, TaskKindDescription, quantities, task_function,
};

use crate::download::Policy;
use crate::published::{CIFAR10, CIFAR10_NAMES, DIGIT_NAMES, FASHION_MNIST, KMNIST, MNIST};
use crate::{parameters, sets};

/// All task kinds.
pub fn kinds() -> Vec<TaskKind> {
    let idx_sized = |seconds| Resources {
        threads: 1,
        memory_mib: 192,
        seconds,
        ..Resources::default()
    };
    let kinds = vec![
        kind(
            "digits",
            "embedded: 1797 handwritten digits, 8 x 8, values 0..16; the last 360 are test",
            Some(DIGIT_NAMES),
            parameters::common(),
            Resources {
                threads: 1,
                memory_mib: 64,
                seconds: 0.1,
                ..Resources::default()
            },
            task_function!(sets::embedded_digits),
        ),
        kind(
            "mnist",
            "MNIST: 60,000 + 10,000 handwritten digits, 28 x 28",
            Some(MNIST.classes),
            parameters::common(),
            idx_sized(1.0),
            task_function!(mnist),
        ),
        kind(
            "fashion-mnist",
            "Fashion-MNIST: 60,000 + 10,000 articles of clothing, 28 x 28",
            Some(FASHION_MNIST.classes),
            parameters::common(),
            idx_sized(1.0),
            task_function!(fashion_mnist),
        ),
        kind(
            "kmnist",
            "Kuzushiji-MNIST: 60,000 + 10,000 cursive hiragana, 28 x 28",
            Some(KMNIST.classes),
            parameters::common(),
            idx_sized(1.0),
            task_function!(kmnist),
        ),
        kind(
            "cifar10",
            "CIFAR-10: 50,000 + 10,000 colour photographs, 32 x 32",
            Some(CIFAR10_NAMES),
            parameters::common(),
            Resources {
                threads: 1,
                memory_mib: 512,
                seconds: 3.0,
                ..Resources::default()
            },
            task_function!(cifar10),
        ),
        kind(
            "idx",
            "your own images and labels in IDX files of unsigned bytes",
            None,
            parameters::idx(),
            Resources::default(),
            task_function!(sets::user_idx),
        ),
    ];
    kinds.into_iter().map(sized).collect()
}

/// Adds what is known of a published set before it is read; of the user's files nothing is.
fn sized(mut kind: TaskKind) -> TaskKind {
    let ([channels, height, width], training_images) = match kind.description.name.as_str() {
        "digits" => ([1, 8, 8], 1437),
        "mnist" | "fashion-mnist" | "kmnist" => ([1, 28, 28], 60_000),
        "cifar10" => ([3, 32, 32], 50_000),
        _ => return kind,
    };
    let known = [
        (quantities::CHANNELS, channels),
        (quantities::HEIGHT, height),
        (quantities::WIDTH, width),
        (quantities::CLASSES, 10),
        (quantities::TRAINING_IMAGES, training_images),
    ];
    let known = known.map(|(name, count)| Feature::quantity(name, count));
    kind.description.provides.extend(known);
    kind
}

/// Every kind is random: with `train_fraction` or `train_count` the seed chooses the rows.
fn kind(
    name: &str,
    summary: &str,
    classes: Option<&[&str]>,
    parameters: Vec<Parameter>,
    resources: Resources,
    run: TaskFunction,
) -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: name.to_owned(),
            summary: summary.to_owned(),
            parameters,
            roles: Vec::new(),
            outputs: vec![IMAGES.into()],
            provides: provides(name, classes),
            random: true,
            resources,
        },
        run,
    }
}

/// What later tasks compare. `classes`: names of all classes, unless only the user's files tell.
fn provides(kind: &str, classes: Option<&[&str]>) -> Vec<Feature> {
    let names = classes.map(|names| names.iter().map(|&name| name.to_owned()).collect());
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
    use super::*;

    #[test]
    fn every_kind_writes_images_and_has_its_own_name() {
        let kinds = kinds();
        let mut names: Vec<&str> = kinds
            .iter()
            .map(|kind| kind.description.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "digits",
                "mnist",
                "fashion-mnist",
                "kmnist",
                "cifar10",
                "idx"
            ]
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), kinds.len());
        for kind in &kinds {
            assert_eq!(kind.description.outputs, [IMAGES]);
            assert_eq!(kind.run.code().fingerprint.len(), 64);
        }
    }
}
