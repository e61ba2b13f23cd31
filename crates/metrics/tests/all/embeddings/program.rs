//! The task kinds that read embeddings, and `scaling`, end to end: task files in, artifacts or a clear error out.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::fixtures::place::Place;
use eigenscope_artifact::tables::embeddings::{
    ClassAccuracyRow, ConfusionRow, MapQualityRow, MapRow, NeighbourRow, UnitCirclePlaneRow,
    UnitCircleRow,
};
use eigenscope_artifact::tables::scaling::{PowerLawRow, ScalingRow};
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{
    Digest, Embeddings, EmbeddingsHeader, ImageHeader, ImageWriter, InputDigest, Provenance,
    SourceCheck, Split, SplitName, read_labelled, write_records,
};
use eigenscope_stage::{Input, Question, Stage};

use eigenscope_testing::{Digits, TaskOutcome, cut, examine, provenance};
use serde_json::{Value, json};

/// Pixels of the first digits as embeddings of 64 values; every tenth one is predicted to be a 0.
fn digit_embeddings(images: usize) -> Embeddings {
    let Digits { pixels, labels } = Digits::read();
    let labels = labels[..images].to_vec();
    let predicted = labels.iter().enumerate();
    Embeddings {
        header: EmbeddingsHeader {
            layer: "embedding".to_owned(),
            width: 64,
            split: SplitName::Test,
            classes: crate::fixtures::classes(),
        },
        indices: (0..images as u32).map(|index| 1000 + index).collect(),
        predicted: predicted
            .map(|(image, &label)| if image % 10 == 9 { 0 } else { label })
            .collect(),
        labels,
        vectors: pixels[..64 * images]
            .iter()
            .map(|&value| f32::from(value))
            .collect(),
    }
}

fn written(place: &Place, embeddings: &Embeddings) -> Input {
    let path = place.path("embeddings.parquet");
    let content = embeddings.write(&path, &provenance()).expect("written");
    input("decompose.embeddings", path, content)
}

fn input(task: &str, path: PathBuf, content: Digest) -> Input {
    Input {
        task: task.to_owned(),
        labels: BTreeMap::new(),
        path,
        content,
        renamed: BTreeMap::new(),
    }
}

#[test]
fn confusion_and_accuracy_of_every_class() {
    let place = Place::new();
    let run = |embeddings: Input| {
        let outputs = [ConfusionRow::KIND, ClassAccuracyRow::KIND];
        let inputs = [("embeddings", vec![embeddings])];
        place.run_with(1, "confusion", json!({}), &inputs, &outputs)
    };
    let embeddings = digit_embeddings(200);
    let outcome = run(written(&place, &embeddings));
    let rows: Vec<ConfusionRow> = outcome.rows();
    assert_eq!(rows.len(), 100);
    for row in &rows {
        let pairs = embeddings.labels.iter().zip(&embeddings.predicted);
        let expected = pairs.filter(|(label, predicted)| {
            (u32::from(**label), u32::from(**predicted)) == (row.label, row.predicted)
        });
        assert_eq!(row.images as usize, expected.count());
    }
    let accuracies: Vec<ClassAccuracyRow> = outcome.rows();
    let all = accuracies.last().expect("a row");
    assert_eq!(
        (accuracies.len(), all.class.as_str(), all.images),
        (11, "all", 200)
    );
    assert!(all.correct >= 180 && accuracies[0].accuracy_fraction == Some(1.0));

    let none = run(written(&place, &digit_embeddings(0)));
    let accuracies: Vec<ClassAccuracyRow> = none.rows();
    assert!(accuracies.iter().all(|row| row.accuracy_fraction.is_none()));
    run(cut(&written(&place, &embeddings))).fails_with("(cut) is not a readable Parquet file");
    run(place.digits()).fails_with("expected");
}

#[test]
fn neighbours_of_the_queries() {
    let place = Place::new();
    let mut embeddings = digit_embeddings(50);
    embeddings.vectors.copy_within(..64, 64 * 49);
    let embeddings = written(&place, &embeddings);
    let run = |queries: Value, count: usize| {
        let parameters = json!({"queries": queries, "count": count});
        let inputs = [("embeddings", vec![embeddings.clone()])];
        place.run("neighbours", parameters, &inputs, NeighbourRow::KIND)
    };
    let rows: Vec<NeighbourRow> = run(json!([0, 49, 7]), 8).rows();
    assert_eq!(rows.len(), 24);
    let ranks: Vec<u32> = rows[..8].iter().map(|row| row.rank).collect();
    assert_eq!(ranks, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        (rows[0].query_index, rows[0].index, rows[0].distance),
        (1000, 1049, 0.0)
    );
    assert_eq!(
        (rows[8].query_index, rows[8].index, rows[8].distance),
        (1049, 1000, 0.0)
    );
    assert!(
        rows[16..]
            .iter()
            .all(|row| row.query_index == 1007 && row.index != 1007)
    );
    for query in rows.chunks(8) {
        assert!(query.is_sorted_by(|a, b| a.distance <= b.distance));
    }

    // Without queries: the first images of mixed ones.
    let rows: Vec<NeighbourRow> = run(json!([]), 1).rows();
    let queries: Vec<u32> = rows.iter().map(|row| row.query_index).collect();
    assert_eq!(queries, [1000, 1001, 1002, 1003]);

    assert_eq!(run(json!([3]), 49).rows::<NeighbourRow>().len(), 49);
    run(json!([3]), 50).fails_with("50 neighbours are wanted, but 50 images are embedded");
    run(json!([3, 50]), 8).fails_with("there is no image 50: 50 are embedded, counted from 0");
}

#[test]
fn neighbours_of_images_ordered_by_class_are_of_several_classes() {
    let place = Place::new();
    let mut embeddings = digit_embeddings(40);
    for (image, label) in embeddings.labels.iter_mut().enumerate() {
        *label = image as u16 / 20;
    }
    let inputs = [("embeddings", vec![written(&place, &embeddings)])];
    let parameters = json!({"queries": [], "count": 1});
    let outcome = place.run("neighbours", parameters, &inputs, NeighbourRow::KIND);
    let rows: Vec<NeighbourRow> = outcome.rows();
    let queries: Vec<u32> = rows.iter().map(|row| row.query_index).collect();
    assert_eq!(queries, [1000, 1001, 1020, 1021]);
}

#[test]
fn a_map_and_its_quality() {
    let place = Place::new();
    let embeddings = digit_embeddings(300);
    let stored = written(&place, &embeddings);
    let run = |embeddings: &Input, threads: usize, perplexity: f64, images: usize| {
        let parameters = json!({"perplexity": perplexity, "images": images});
        let inputs = [("embeddings", vec![embeddings.clone()])];
        let outputs = [MapRow::KIND, MapQualityRow::KIND];
        place.run_with(threads, "t-sne", parameters, &inputs, &outputs)
    };
    let outcome = run(&stored, 1, 15.0, 250);
    let map: Vec<MapRow> = outcome.rows();
    assert_eq!(map.len(), 250);
    assert_eq!(
        (map[249].index, map[249].label),
        (1249, u32::from(embeddings.labels[249]))
    );
    let quality: Vec<MapQualityRow> = outcome.rows();
    let [quality] = quality.as_slice() else {
        panic!("one row");
    };
    assert_eq!(
        (quality.images, quality.perplexity, quality.neighbours),
        (250, 15.0, 10)
    );
    assert!(quality.kl_divergence_nats > 0.1 && quality.kl_divergence_nats < 1.0);
    assert_eq!(quality.neighbours_found_fraction, 1.0);
    assert!(quality.neighbour_accuracy_fraction > 0.85);
    assert!(quality.embedding_neighbour_accuracy_fraction > 0.85);

    outcome.assert_same_bytes(&run(&stored, 4, 15.0, 250));

    assert_eq!(run(&stored, 1, 2.0, 4).rows::<MapRow>().len(), 4);
    run(&stored, 1, 15.0, 16).fails_with("perplexity 15 is too large for 16 images");
    let mut repeated = digit_embeddings(40);
    repeated.vectors.copy_within(..64 * 20, 64 * 20);
    for image in 0..20 {
        repeated.vectors.copy_within(..64, 64 * image);
    }
    run(&written(&place, &repeated), 1, 10.0, 40).warns_of("22 of 40 images have");
    repeated.vectors.fill(1.0);
    run(&written(&place, &repeated), 1, 10.0, 40)
        .fails_with("all 40 embeddings of decompose.embeddings are equal");
}

#[test]
fn the_memory_of_a_map_grows_with_images_and_perplexity() {
    let memory = |images: usize, perplexity: f64| {
        let question = Question {
            kind: "t-sne".to_owned(),
            parameters: json!({"perplexity": perplexity, "images": images}),
            inputs: BTreeMap::new(),
            thorough: false,
        };
        let examined = examine(Stage::Metric, "".as_ref(), question);
        examined.memory_mib.expect("it is known")
    };
    assert!(memory(10_000, 30.0) < 512);
    // 300 bytes for each image and unit of perplexity.
    assert!(memory(10_000, 1000.0) > 2800);
    assert!(memory(60_000, 1000.0) > 2 * memory(10_000, 1000.0));
    // There are no more neighbours than images.
    assert!(memory(1000, 900.0) < 512);
}

/// Embeddings of these vectors, of ten classes in turn.
fn of_vectors(vectors: &[Vec<f32>]) -> Embeddings {
    let labels: Vec<u16> = (0..vectors.len())
        .map(|index| (index % 10) as u16)
        .collect();
    let digits = digit_embeddings(vectors.len());
    Embeddings {
        header: EmbeddingsHeader {
            width: vectors.first().map_or(3, Vec::len),
            ..digits.header
        },
        predicted: labels.clone(),
        labels,
        vectors: vectors.concat(),
        ..digits
    }
}

fn on_circle(place: &Place, embeddings: &Embeddings, count: usize) -> TaskOutcome {
    let inputs = [("embeddings", vec![written(place, embeddings)])];
    let outputs = [UnitCircleRow::KIND, UnitCirclePlaneRow::KIND];
    place.run_with(1, "unit-circle", json!({"count": count}), &inputs, &outputs)
}

#[test]
fn directions_lie_on_a_circle_in_the_plane_that_holds_most_of_them() {
    let place = Place::new();
    let embeddings = digit_embeddings(200);
    let outcome = on_circle(&place, &embeddings, 30);
    let rows: Vec<UnitCircleRow> = outcome.rows();
    for class in 0..10 {
        let own = rows.iter().filter(|row| row.label == class);
        assert_eq!(own.count(), 3, "{class}");
    }
    assert!(
        rows.iter()
            .all(|row| (row.x.hypot(row.y) - 1.0).abs() < 1e-12)
    );
    let plane: Vec<UnitCirclePlaneRow> = outcome.rows();
    assert_eq!(plane.len(), 2 * 64);
    let direction = |rank: u32| -> Vec<f64> {
        let own = plane.iter().filter(|row| row.rank == rank);
        own.map(|row| row.value).collect()
    };
    let [first, second] = [1, 2].map(direction);
    let dot = |one: &[f64], other: &[f64]| -> f64 {
        one.iter().zip(other).map(|(one, other)| one * other).sum()
    };
    for row in &rows {
        let vector = embeddings
            .vectors()
            .nth(row.index as usize - 1000)
            .expect("an image");
        let vector: Vec<f64> = vector.iter().copied().map(f64::from).collect();
        let (x, y) = (dot(&vector, &first), dot(&vector, &second));
        let length = x.hypot(y);
        assert!((x / length - row.x).abs() < 1e-12 && (y / length - row.y).abs() < 1e-12);
    }
    assert!(plane[0].energy_fraction > 0.5 && plane[64].energy_fraction < 0.2);
    let again = on_circle(&place, &embeddings, 30);
    assert_eq!(again.rows::<UnitCircleRow>(), rows);
}

#[test]
fn embeddings_without_a_direction_are_left_out_and_counted() {
    let place = Place::new();
    let angle = |index: usize| vec![(index as f32).sin(), (index as f32).cos(), 0.0];
    let mut vectors: Vec<Vec<f32>> = (0..12).map(angle).collect();
    let outcome = on_circle(&place, &of_vectors(&vectors), 12);
    let plane: Vec<UnitCirclePlaneRow> = outcome.rows();
    let share = plane[0].energy_fraction + plane[3].energy_fraction;
    assert!((share - 1.0).abs() < 1e-12, "{share}");
    assert_eq!(outcome.warnings(), [""; 0]);
    vectors[..2].fill(vec![0.0; 3]);
    let outcome = on_circle(&place, &of_vectors(&vectors), 12);
    let warning = "2 of 12 embeddings are zero and have no direction: left out";
    outcome.warns_of(warning);
    assert_eq!(outcome.rows::<UnitCircleRow>().len(), 10);
    // All but one lie in the plane, and that one is normal to it.
    for (index, vector) in vectors.iter_mut().enumerate() {
        vector.fill(0.0);
        vector[if index == 5 { 2 } else { index % 2 }] = 1.0;
    }
    let outcome = on_circle(&place, &of_vectors(&vectors), 12);
    let warning = "1 of 12 embeddings are normal to the plane: left out";
    outcome.warns_of(warning);
    let outcome = on_circle(&place, &of_vectors(&vectors[..1]), 12);
    outcome.warns_of("there are 1 embeddings, not 12");
}

#[test]
fn embeddings_without_a_plane_are_refused() {
    let place = Place::new();
    let refused = |vectors: &[Vec<f32>], part: &str| {
        on_circle(&place, &of_vectors(vectors), 12).fails_with(part);
    };
    refused(
        &vec![vec![1.0]; 12],
        "embeddings of width 1 have no plane; a width of 2 to 512",
    );
    refused(&vec![vec![1.0; 513]; 12], "embeddings of width 513");
    refused(&[], "decompose.embeddings has no embeddings");
    refused(
        &vec![vec![0.0; 3]; 3],
        "all of 3 embeddings are zero and have no direction",
    );
}

fn data(place: &Place, train: usize) -> Input {
    let path = place.path(&format!("images-{train}.parquet"));
    let header = ImageHeader {
        height: 1,
        width: 1,
        channels: 1,
        maximum: 1,
        classes: vec!["a".to_owned()],
        transforms: Vec::new(),
        source: SourceCheck::Unpublished,
    };
    let split = |images: usize| Split {
        indices: (0..images as u32).collect(),
        labels: vec![0; images],
        pixels: vec![1; images],
    };
    let mut writer = ImageWriter::create(&path, header, &provenance()).expect("created");
    let all = [(SplitName::Train, train), (SplitName::Test, 17)];
    for (name, images) in all {
        writer.write(name, &split(images)).expect("written");
    }
    input(
        &format!("data.d[train_count={train}]"),
        path,
        writer.finish().expect("finished"),
    )
}

fn history(place: &Place, name: &str, data: Option<&Input>, test_loss: f64) -> Input {
    history_of(place, name, data, test_loss, json!({}))
}

/// The history of a training with these parameters.
fn history_of(
    place: &Place,
    name: &str,
    data: Option<&Input>,
    test_loss: f64,
    parameters: Value,
) -> Input {
    let row = HistoryRow {
        epoch: 1,
        learning_rate: 0.1,
        train_loss_nats: 0.5,
        train_accuracy_fraction: 0.75,
        test_loss_nats: test_loss,
        test_accuracy_fraction: 0.625,
    };
    let made_from = data.map(|data| InputDigest {
        role: "data".to_owned(),
        task: data.task.clone(),
        content: data.content,
    });
    let provenance = Provenance {
        inputs: made_from.into_iter().collect(),
        parameters,
        ..provenance()
    };
    let path = place.path(&format!("{name}.parquet"));
    let content = write_records(&path, &[row], None, &provenance).expect("written");
    input(&format!("train.{name}"), path, content)
}

#[test]
fn scaling_counts_the_images_of_an_epoch() {
    let place = Place::new();
    let data = data(&place, 1000);
    let histories = [0.0002, 0.05, 0.2, 1.0].map(|part| {
        let parameters = json!({ "epoch_fraction": part });
        let mut history = history_of(
            &place,
            &format!("part-{part}"),
            Some(&data),
            0.02 / part,
            parameters,
        );
        history.task = format!("train.m[epoch_fraction={part}]");
        history
            .labels
            .insert("epoch_fraction".to_owned(), json!(part));
        history
    });
    let inputs = [("histories", histories.to_vec()), ("data", vec![data])];
    let outputs = [ScalingRow::KIND, PowerLawRow::KIND];
    let outcome = place.run_with(1, "scaling", json!({"over": "seed"}), &inputs, &outputs);
    let rows: Vec<ScalingRow> = outcome.rows();
    let images = rows.iter().map(|row| row.images);
    // At least one, as in training.
    assert_eq!(images.collect::<Vec<_>>(), [1, 50, 200, 1000]);
    assert_eq!(outcome.rows::<PowerLawRow>().len(), 1);
}

#[test]
fn scaling_counts_the_images_of_each_training() {
    let place = Place::new();
    let sets = [100, 10_000, 400].map(|train| data(&place, train));
    let run = |histories: &[Input], sets: &[Input]| {
        let inputs = [("histories", histories.to_vec()), ("data", sets.to_vec())];
        place.run_with(
            1,
            "scaling",
            json!({"over": "seed"}),
            &inputs,
            &[ScalingRow::KIND, PowerLawRow::KIND],
        )
    };
    let history = |name: &str, data: Option<&Input>, loss| history(&place, name, data, loss);
    let mut histories = [
        history("full", Some(&sets[1]), 0.02),
        history("a", Some(&sets[0]), 0.3),
        history("b", Some(&sets[0]), 0.1),
        history("c", Some(&sets[2]), 0.1),
    ];
    run(&histories, &sets).fails_with("train.a and train.b cannot be averaged");
    for (seed, history) in histories.iter_mut().enumerate() {
        history.task = format!("train.m[seed={seed}]");
        history.labels.insert("seed".to_owned(), json!(seed));
    }
    let outcome = run(&histories, &sets);
    let rows: Vec<ScalingRow> = outcome.rows();
    let found: Vec<_> = rows.iter().map(|row| (row.images, row.models)).collect();
    assert_eq!(found, [(100, 2), (400, 1), (10_000, 1)]);
    assert!((rows[0].test_loss_nats - 0.2).abs() < 1e-15);
    assert_eq!(
        (rows[0].train_loss_nats, rows[0].train_accuracy_fraction),
        (0.5, 0.75)
    );
    assert_eq!(rows[0].test_accuracy_fraction, 0.625);
    // Losses 0.2, 0.1 and 0.02 at 100, 400 and 10,000 images lie on 2 / sqrt(images).
    let laws: Vec<PowerLawRow> = outcome.rows();
    assert_eq!(
        (laws.len(), laws[0].quantity.as_str(), laws[0].points),
        (1, "test_loss_nats", 3)
    );
    assert!((laws[0].coefficient - 2.0).abs() < 1e-9 && (laws[0].exponent + 0.5).abs() < 1e-12);
    assert!(laws[0].exponent_half_width.is_some_and(|half| half < 1e-6));
    assert!((laws[0].r_squared - 1.0).abs() < 1e-12);

    // Each learning rate has a curve and a law of its own.
    let mut rated: Vec<Input> = Vec::new();
    for rate in [0.1, 0.2] {
        rated.extend(histories.iter().cloned().map(|mut history| {
            history
                .labels
                .insert("learning_rate".to_owned(), json!(rate));
            history
                .labels
                .insert("train_fraction".to_owned(), json!(rate));
            history
        }));
    }
    let outcome = run(&rated, &sets);
    let found = read_labelled::<ScalingRow>(&outcome.path(ScalingRow::KIND)).expect("an output");
    let labels: Vec<Value> = found.iter().map(|found| json!(found.labels)).collect();
    let expected = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2].map(|rate| json!({"learning_rate": rate}));
    assert_eq!(labels, expected);
    let found: Vec<ScalingRow> = found.into_iter().map(|found| found.row).collect();
    assert_eq!(found, [rows.clone(), rows].concat());
    let found = read_labelled::<PowerLawRow>(&outcome.path(PowerLawRow::KIND)).expect("an output");
    assert_eq!(found.len(), 2);
    assert_eq!([&found[0].row, &found[1].row], [&laws[0], &laws[0]]);

    run(&histories, &sets[..2])
        .fails_with("`data` of `histories` is data.d[train_count=400], which is not among `data`");
    // Without a law there are still the means.
    let warned = |histories: &[Input], reason: &str| {
        let outcome = run(histories, &sets);
        outcome.warns_of(reason);
        assert!(!outcome.rows::<ScalingRow>().is_empty());
        assert!(outcome.rows::<PowerLawRow>().is_empty());
    };
    warned(
        &histories[1..3],
        "no power law: a power law needs measurements at two sizes or more, 1 at one size",
    );
    run(&[history("lost", None, 1.0)], &sets).fails_with("train.lost does not say which images");
    let perfect = history("perfect", Some(&sets[1]), 0.0);
    warned(
        &[histories[1].clone(), perfect],
        "no power law: 0 at 10000 has no logarithm",
    );
    run(&histories[1..3], &[cut(&sets[0])]).fails_with("(cut) is not a readable Parquet file");
}
