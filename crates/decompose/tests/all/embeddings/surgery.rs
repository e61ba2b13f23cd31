//! The task kind `surgery` as a program: an edited model that every analysis reads, or a reason.

use super::embedded::{CLASSES, images, model};
use eigenscope_artifact::tables::surgery::{CentroidRow, SingularValueRow, SurgeryRow};
use eigenscope_artifact::{ArtifactKind, EMBEDDINGS, Embeddings, NamedTensor, TENSORS};
use eigenscope_decompose::linear_algebra::{projector, singular_system};
use eigenscope_models::{Network, StoredModel, networks};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{TestFolder, TestTask, made_by};
use faer::Mat;
use serde_json::{Value, json};

const OUTPUTS: [ArtifactKind; 4] = [
    TENSORS,
    SurgeryRow::KIND,
    CentroidRow::KIND,
    SingularValueRow::KIND,
];
const SHRINK: f64 = 1e-5;

/// A folder with a model and images of one size.
struct Clinic {
    folder: TestFolder,
    model: Input,
    data: Input,
}

impl Clinic {
    fn new(network: &Network, side: usize, missing: usize) -> Self {
        let folder = TestFolder::new();
        Self {
            model: model(&folder, "model", network, side),
            data: images(&folder, side, 120, missing),
            folder,
        }
    }

    fn embed(&self, model: &Input, layer: &str) -> Input {
        let parameters = json!({"layer": layer, "split": "test"});
        let task = TestTask::new(Stage::Decompose, "embedding", parameters)
            .reads("model", model)
            .reads("data", &self.data)
            .writes(&[EMBEDDINGS]);
        task.run(&self.folder).input(EMBEDDINGS)
    }
}

fn operate(model: &Input, embeddings: &Input, pairs: Value) -> TestTask {
    let parameters = json!({
        "pairs": pairs, "trees": 100, "samples": 256, "threshold": 0.5, "shrink": SHRINK
    });
    TestTask::new(Stage::Decompose, "surgery", parameters)
        .reads("model", model)
        .reads("embeddings", embeddings)
        .writes(&OUTPUTS)
}

fn read(embeddings: &Input) -> Embeddings {
    Embeddings::read(&embeddings.path).expect("embeddings")
}

fn tensor<'a>(model: &'a StoredModel, name: &str) -> &'a NamedTensor {
    let mut tensors = model.tensors.iter();
    tensors.find(|tensor| tensor.name == name).expect("there")
}

fn matrix(tensor: &NamedTensor) -> Mat<f64> {
    let columns = tensor.shape[1];
    Mat::from_fn(tensor.shape[0], columns, |row, column| {
        f64::from(tensor.data[row * columns + column])
    })
}

/// P of the last operation times P of the one before and so on, from the centroids that were written.
fn product_of_projectors(centroids: &[CentroidRow], operations: u32, width: usize) -> Mat<f64> {
    let mut product = Mat::identity(width, width);
    for operation in 1..=operations {
        let rows = centroids.iter().filter(|row| row.operation == operation);
        let values: Vec<f64> = rows.map(|row| row.value).collect();
        let (first, second) = values.split_at(width);
        let difference: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
        let norm = difference.iter().map(|value| value * value).sum::<f64>();
        let direction: Vec<f64> = difference.iter().map(|value| value / norm.sqrt()).collect();
        product = projector(&direction, SHRINK) * product;
    }
    product
}

fn class_mean(embeddings: &Embeddings, class: &str) -> Vec<f64> {
    let mut sum = vec![0.0; embeddings.header.width];
    for (vector, label) in embeddings.vectors().zip(&embeddings.labels) {
        if CLASSES[usize::from(*label)] == class {
            let values = sum.iter_mut().zip(vector);
            values.for_each(|(sum, value)| *sum += f64::from(*value));
        }
    }
    sum
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Merges classes 0 and 2, then 3 and 1, and checks everything that was written against the model and its embeddings
/// before and after.
fn two_operations(network: Network, side: usize, layer: &str) {
    let clinic = Clinic::new(&network, side, 0);
    let before = clinic.embed(&clinic.model, layer);
    let outcome = operate(&clinic.model, &before, json!([[0, 2], [3, 1]])).run(&clinic.folder);

    let (stored, edited) = (
        StoredModel::read(&clinic.model.path).expect("a model"),
        StoredModel::read(&outcome.path(TENSORS)).expect("a model"),
    );
    assert_eq!(edited.architecture, stored.architecture);
    let name = format!("{layer}.weight");
    for (old, new) in stored.tensors.iter().zip(&edited.tensors) {
        assert_eq!(old.data == new.data, old.name != name, "{}", old.name);
    }

    let after = read(&clinic.embed(&outcome.input(TENSORS), layer));
    let before = read(&before);
    let centroids: Vec<CentroidRow> = outcome.rows();
    let width = before.header.width;
    assert_eq!(centroids.len(), 2 * 2 * width);
    let p = product_of_projectors(&centroids, 2, width);
    assert_same_embeddings(&p, &stored, layer, &before, &after);

    let rows: Vec<SurgeryRow> = outcome.rows();
    assert_eq!(rows.len(), 2);
    for (row, names) in rows.iter().zip([["zero", "two"], ["three", "one"]]) {
        assert_eq!([&row.first_class, &row.second_class], names);
        assert_eq!([row.first_images, row.second_images], [30, 30]);
        assert!((1..30).contains(&row.first_inliers) && (1..30).contains(&row.second_inliers));
        assert!(row.cosine_after > row.cosine_before);
    }
    let of = |embeddings: &Embeddings, row: &SurgeryRow| {
        let mean = |class: &String| class_mean(embeddings, class);
        cosine(&mean(&row.first_class), &mean(&row.second_class))
    };
    assert!((rows[0].cosine_before - of(&before, &rows[0])).abs() < 1e-12);
    assert!((rows[1].cosine_after - of(&after, &rows[1])).abs() < 1e-5);

    let values: Vec<SingularValueRow> = outcome.rows();
    let found: Vec<f64> = values.iter().map(|row| row.singular_value).collect();
    let of = |model| {
        singular_system(matrix(tensor(model, &name)).as_ref())
            .expect("converges")
            .values
    };
    assert_eq!(found, [of(&stored), of(&edited)].concat());
    let count = found.len() / 2;
    assert!(found[2 * count - 1] < 1e-3 * found[count - 1]);
}

/// e' = P (e - b) + b.
fn assert_same_embeddings(
    p: &Mat<f64>,
    model: &StoredModel,
    layer: &str,
    before: &Embeddings,
    after: &Embeddings,
) {
    let width = before.header.width;
    let mut tensors = model.tensors.iter();
    let bias = tensors.find(|tensor| tensor.name == format!("{layer}.bias"));
    let bias = bias.map_or(vec![0.0; width], |tensor| tensor.data.clone());
    let largest = before.vectors.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
    for (old, new) in before.vectors().zip(after.vectors()) {
        let centred = Mat::from_fn(width, 1, |row, _| {
            f64::from(old[row]) - f64::from(bias[row])
        });
        let expected = p * centred;
        for (row, value) in new.iter().enumerate() {
            let difference = f64::from(*value) - f64::from(bias[row]) - expected[(row, 0)];
            assert!(difference.abs() < 1e-5 * f64::from(largest), "{difference}");
        }
    }
}

#[test]
fn an_edited_embedding_net_makes_the_embeddings_that_were_foretold() {
    two_operations(networks::embedding_net(7), 40, "embedding");
}

#[test]
fn a_layer_without_bias_is_edited_too() {
    two_operations(networks::mlp(vec![9, 6]), 12, "layer2");
}

#[test]
fn the_last_layer_of_a_convolutional_network_is_edited_too() {
    two_operations(networks::cnn(vec![4]), 12, "linear");
}

#[test]
fn the_bytes_depend_on_the_seed_and_not_on_threads() {
    let clinic = Clinic::new(&networks::mlp(vec![9, 6]), 12, 0);
    let embeddings = clinic.embed(&clinic.model, "layer1");
    let task = operate(&clinic.model, &embeddings, json!([[0, 1], [1, 2]]));
    let one = task.run(&clinic.folder);
    one.assert_same_bytes(&task.clone().threads(4).run(&clinic.folder));
    let rows = |seed| {
        let one_tree = task.clone().set("trees", 1).seed(seed);
        one_tree.run(&clinic.folder).rows::<SurgeryRow>()
    };
    assert_ne!(rows(0), rows(1));
}

#[test]
fn no_pair_leaves_the_model_as_it_is() {
    let clinic = Clinic::new(&networks::mlp(vec![5]), 12, 0);
    let embeddings = clinic.embed(&clinic.model, "layer1");
    let outcome = operate(&clinic.model, &embeddings, json!([])).run(&clinic.folder);
    let edited = StoredModel::read(&outcome.path(TENSORS)).expect("a model");
    let stored = StoredModel::read(&clinic.model.path).expect("a model");
    assert_eq!(edited, stored);
}

#[test]
fn an_edited_model_can_be_edited_again_but_not_by_the_embeddings_of_the_first() {
    let clinic = Clinic::new(&networks::mlp(vec![9]), 12, 0);
    let embeddings = clinic.embed(&clinic.model, "layer1");
    let first = operate(&clinic.model, &embeddings, json!([[0, 1]])).run(&clinic.folder);
    let edited = first.input(TENSORS);
    let stale = operate(&edited, &embeddings, json!([[2, 3]])).run(&clinic.folder);
    assert_eq!(
        stale.failure(),
        "the inputs do not belong together: `model` of `embeddings` is train.model, `model` is decompose.surgery"
    );
    let again = clinic.embed(&edited, "layer1");
    operate(&edited, &again, json!([[2, 3]]))
        .run(&clinic.folder)
        .succeeded();
}

#[test]
fn what_cannot_be_merged_says_why_and_leaves_nothing() {
    let clinic = Clinic::new(&networks::cnn(vec![4]), 12, 1);
    let linear = clinic.embed(&clinic.model, "linear");
    let convolution = clinic.embed(&clinic.model, "conv1");
    let refused = |embeddings: &Input, pairs: Value, changes: &[(&str, Value)], reason: &str| {
        let task = operate(&clinic.model, embeddings, pairs);
        let changes = changes.iter();
        let task = changes.fold(task, |task, (name, value)| task.set(name, value.clone()));
        task.run(&clinic.folder).fails_with(reason);
    };
    refused(
        &linear,
        json!([[0, 1], [2, 2]]),
        &[],
        "class 2 cannot be merged with itself; a pair is two classes",
    );
    refused(
        &linear,
        json!([[0, 4]]),
        &[],
        "there is no class 4, the model has 4",
    );
    refused(
        &linear,
        json!([[0, 1], [0, 3]]),
        &[],
        "there is no image of class 3 among the embeddings",
    );
    refused(
        &linear,
        json!([[0, 1]]),
        &[("threshold", json!(0.1))],
        "class 0: the isolation forest scores all 40 embeddings above the threshold 0.1",
    );
    refused(
        &linear,
        json!([[0, 1, 2]]),
        &[],
        "[0, 1, 2] cannot be merged; a pair is two classes",
    );
    refused(
        &convolution,
        json!([[0, 1]]),
        &[],
        "`conv1` is a convolution: its embeddings have places (4 x 4)",
    );
    refused(&clinic.data, json!([[0, 1]]), &[], "holds `images`");
}

#[test]
fn embeddings_of_another_shape_are_refused() {
    let clinic = Clinic::new(&networks::mlp(vec![9]), 12, 0);
    let embeddings = clinic.embed(&clinic.model, "layer1");
    let mut foreign = read(&embeddings);
    foreign.header.layer = "layer2".to_owned();
    let path = clinic.folder.path("foreign.parquet");
    let provenance = eigenscope_artifact::summarise(&embeddings.path)
        .expect("readable")
        .provenance;
    foreign.write(&path, &provenance).expect("written");
    let foreign = made_by("decompose.embedding", &path);
    operate(&clinic.model, &foreign, json!([[0, 1]]))
        .run(&clinic.folder)
        .fails_with(
            "holds embeddings of [9, 4] (values, classes), layer `layer2` of the model makes [4, 4]",
        );
}
