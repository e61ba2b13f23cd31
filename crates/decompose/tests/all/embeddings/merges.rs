//! The task kind `merges` as a program: every two classes merged as NumPy and as a surgery merge them.

use super::embedded::{CLASSES, images, model};
use eigenscope_artifact::tables::surgery::{CentroidRow, MergeRow, SingularValueRow, SurgeryRow};
use eigenscope_artifact::{
    EMBEDDINGS, Embeddings, EmbeddingsHeader, InputShape, SplitName, TENSORS, summarise,
};
use eigenscope_models::networks;
use eigenscope_models::steps::StepList;
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{
    TestFolder, TestTask, Tolerance, assert_close, class_names, fixture, floats, made_by,
    model_with, numbers, provenance_of, untrained,
};
use serde_json::{Value, json};

/// Merges no embedding of which is an outlier, with a threshold of 1.
fn merges(model: &Input, embeddings: &Input, threshold: f64) -> TestTask {
    let parameters = json!({"trees": 5, "samples": 64, "threshold": threshold, "shrink": 1e-5});
    TestTask::new(Stage::Decompose, "merges", parameters)
        .reads("model", model)
        .reads("embeddings", embeddings)
        .writes(&[MergeRow::KIND])
}

fn embed(folder: &TestFolder, model: &Input, data: &Input, layer: &str) -> Input {
    let parameters = json!({"layer": layer, "split": "test"});
    TestTask::new(Stage::Decompose, "embedding", parameters)
        .reads("model", model)
        .reads("data", data)
        .writes(&[EMBEDDINGS])
        .run(folder)
        .input(EMBEDDINGS)
}

/// The network of the fixture, and its embeddings.
fn of_fixture(folder: &TestFolder, truth: &Value) -> [Input; 2] {
    let classes = class_names(5);
    let steps = json!([{ "linear": 4 }, "tanh", { "linear": 5 }]);
    let steps = StepList::parse(&steps).expect("a list");
    let architecture = steps.architecture("network", InputShape::from([1, 1, 6]), classes.clone());
    let architecture = architecture.expect("it fits");
    let tensors = ["weight", "bias", "head", "head_bias"];
    let network = model_with(&architecture, |number, _| floats(&truth[tensors[number]]));
    let (_, layer) = architecture.layers().next().expect("a layer");
    let whole = |name: &str| numbers(&truth[name]).into_iter().map(|value| value as u16);
    let embeddings = Embeddings {
        header: EmbeddingsHeader {
            layer: layer.name.clone(),
            width: 4,
            split: SplitName::Test,
            classes,
        },
        indices: (0..).zip(whole("labels")).map(|(image, _)| image).collect(),
        labels: whole("labels").collect(),
        predicted: whole("predicted").collect(),
        vectors: floats(&truth["embeddings"]),
    };
    let network = folder.model("network", &network);
    let path = folder.path("embeddings");
    let provenance = provenance_of(&[("model", &network)]);
    embeddings.write(&path, &provenance).expect("written");
    [network, made_by("decompose.embedding", &path)]
}

#[test]
fn every_two_classes_are_merged_as_by_numpy() {
    let truth = &fixture::<Value>("merges_truth.json");
    let folder = TestFolder::new();
    let [network, embeddings] = of_fixture(&folder, truth);
    let outcome = merges(&network, &embeddings, 1.0).run(&folder);
    outcome.warns_of("class 3 has no images: it is merged with no other");
    let rows: Vec<MergeRow> = outcome.rows();
    let expected = truth["merges"].as_array().expect("a list");
    assert_eq!(rows.len(), expected.len());
    let names = class_names(5);
    for (row, expected) in rows.iter().zip(expected) {
        let pair = numbers(&expected["pair"]);
        let name = |at: usize| &names[pair[at] as usize];
        assert_eq!([&row.first_class, &row.second_class], [name(0), name(1)]);
        let counts = [
            (row.pair_correct_before, row.rest_correct_before),
            (row.pair_correct_after, row.rest_correct_after),
        ];
        let found = counts.map(|(pair, rest)| [f64::from(pair), f64::from(rest)]);
        let [before, after] =
            ["correct_before", "correct_after"].map(|key| numbers(&expected[key]));
        assert_eq!(found.concat(), [before, after].concat());
        assert_eq!([row.pair_images, row.rest_images], [60, 60]);
        assert_eq!(
            row.pair_accuracy_after_fraction,
            f64::from(row.pair_correct_after) / 60.0
        );
        assert_eq!(
            row.rest_accuracy_after_fraction,
            Some(f64::from(row.rest_correct_after) / 60.0)
        );
        // The embeddings after are of the weight before they were rounded to f32.
        let cosines = [row.cosine_before, row.cosine_after];
        let expected = ["cosine_before", "cosine_after"].map(|key| numbers(&expected[key]));
        let tolerance = Tolerance::OfLargest(1e-6);
        assert_close("cosines", &cosines, &expected.concat(), tolerance);
    }
}

#[test]
fn a_pair_is_merged_as_by_the_first_operation_of_a_surgery() {
    let folder = TestFolder::new();
    let network = model(&folder, "model", &networks::embedding_net(7), 40);
    let data = images(&folder, 40, 120, 0);
    let before = embed(&folder, &network, &data, "embedding");
    let task = merges(&network, &before, 0.5);
    let outcome = task.clone().threads(1).run(&folder);
    task.threads(3).run(&folder).assert_same_bytes(&outcome);
    let rows: Vec<MergeRow> = outcome.rows();
    assert_eq!(rows.len(), 6);

    let parameters = json!({
        "pairs": [[1, 3]], "trees": 5, "samples": 64, "threshold": 0.5, "shrink": 1e-5
    });
    let surgery = TestTask::new(Stage::Decompose, "surgery", parameters)
        .reads("model", &network)
        .reads("embeddings", &before)
        .writes(&[
            TENSORS,
            SurgeryRow::KIND,
            CentroidRow::KIND,
            SingularValueRow::KIND,
        ])
        .run(&folder);
    let operation: Vec<SurgeryRow> = surgery.rows();
    let row = &rows[4];
    assert_eq!(
        [&row.first_class, &row.second_class],
        [CLASSES[1], CLASSES[3]]
    );
    assert_eq!(row.cosine_before, operation[0].cosine_before);
    assert_eq!(row.cosine_after, operation[0].cosine_after);

    let after = embed(&folder, &surgery.input(TENSORS), &data, "embedding");
    let after = Embeddings::read(&after.path).expect("embeddings");
    let mut correct = [0, 0];
    for (label, _) in (after.labels.iter().zip(&after.predicted)).filter(|(a, b)| a == b) {
        correct[usize::from(![1, 3].contains(label))] += 1;
    }
    assert_eq!([row.pair_correct_after, row.rest_correct_after], correct);
}

/// The embeddings with others in place of those of some classes.
fn changed(
    folder: &TestFolder,
    embeddings: &Input,
    vector_of: impl Fn(u16) -> Option<Vec<f32>>,
) -> Input {
    let mut changed = Embeddings::read(&embeddings.path).expect("embeddings");
    let vectors = changed.vectors.chunks_exact_mut(changed.header.width);
    for (vector, &label) in vectors.zip(&changed.labels) {
        if let Some(other) = vector_of(label) {
            vector.copy_from_slice(&other);
        }
    }
    let path = folder.path("changed");
    let provenance = summarise(&embeddings.path).expect("readable").provenance;
    changed.write(&path, &provenance).expect("written");
    made_by("decompose.embedding", &path)
}

#[test]
fn what_cannot_be_merged_is_left_out_and_named() {
    let truth = &fixture::<Value>("merges_truth.json");
    let folder = TestFolder::new();
    let [network, embeddings] = of_fixture(&folder, truth);
    let all: Vec<MergeRow> = merges(&network, &embeddings, 1.0).run(&folder).rows();

    // Two classes of one embedding. The embeddings of the others stay.
    let equal = changed(&folder, &embeddings, |label| {
        (label < 2).then(|| vec![0.5, -0.25, 0.0, 1.0])
    });
    let outcome = merges(&network, &equal, 1.0).run(&folder);
    outcome.warns_of("one pair is left out: classes 0 and 1 have the same centroid");
    let rows: Vec<MergeRow> = outcome.rows();
    let pairs = |rows: &[MergeRow]| -> Vec<[String; 2]> {
        let names = |row: &MergeRow| [row.first_class.clone(), row.second_class.clone()];
        rows.iter().map(names).collect()
    };
    assert_eq!(pairs(&rows), pairs(&all)[1..]);

    // A class whose mean has no direction.
    let zero = changed(&folder, &embeddings, |label| {
        (label == 0).then(|| vec![0.0; 4])
    });
    let outcome = merges(&network, &zero, 1.0).run(&folder);
    outcome.warns_of("class 0: the mean embedding is zero");
    let rows: Vec<MergeRow> = outcome.rows();
    assert_eq!(pairs(&rows), pairs(&all)[3..]);

    // No class has an inlier.
    merges(&network, &embeddings, 0.0)
        .run(&folder)
        .fails_with("above the threshold 0; raise it");
}

#[test]
fn a_layer_within_a_residual_block_is_refused() {
    let folder = TestFolder::new();
    let steps = json!([
        "flatten",
        { "linear": 6 },
        { "residual": [{ "linear": 6 }, "relu"] },
        { "linear": 4 },
    ]);
    let steps = StepList::parse(&steps).expect("a list");
    let shape = InputShape::from([1, 12, 12]);
    let architecture = steps.architecture("network", shape, CLASSES.map(str::to_owned).to_vec());
    let network = folder.model("block", &untrained(&architecture.expect("it fits"), 1));
    let data = images(&folder, 12, 40, 0);
    let inside = embed(&folder, &network, &data, "residual1.linear");
    merges(&network, &inside, 1.0)
        .run(&folder)
        .fails_with("`residual1.linear` is within a residual block");
    let before = embed(&folder, &network, &data, "linear1");
    let rows: Vec<MergeRow> = merges(&network, &before, 1.0).run(&folder).rows();
    assert_eq!(rows.len(), 6);
}
