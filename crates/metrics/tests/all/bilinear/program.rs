//! The program end to end: task files in, artifacts or a clear error out.

use std::collections::BTreeMap;
use std::path::Path;

use crate::fixtures::place::{Place, input};
use crate::fixtures::{classes, models};
use eigenscope_artifact::tables::bilinear::{
    SimilarityMapRow, SimilarityRow, TruncationRow, TruncationSummaryRow,
};
use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::{
    InputDigest, PixelTransform, Provenance, TENSORS, read_labelled, write_eigenpairs,
    write_records, write_tensors,
};
use eigenscope_models::networks;
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{cut, describe, fixture, numbers, provenance};
use serde_json::{Value, json};

#[test]
fn describes_itself() {
    let description = describe(Stage::Metric);
    assert_eq!(description.section, Stage::Metric);
    let names = description.kinds.iter().map(|kind| kind.name.clone());
    let kinds = eigenscope_metrics::kinds().into_iter();
    let expected: Vec<String> = kinds.map(|kind| kind.description.name).collect();
    assert_eq!(names.collect::<Vec<_>>(), expected);
    assert!(description.kinds.iter().all(|kind| !kind.random));
}

#[test]
fn truncation_then_summary() {
    let place = Place::new();
    let data = place.digits();
    let mut curves = Vec::new();
    for model in models() {
        let model_input = place.model(&model);
        let made_from = Provenance {
            inputs: vec![InputDigest {
                role: "model".to_owned(),
                task: model_input.task.clone(),
                content: model_input.content,
            }],
            ..provenance()
        };
        let inputs = [
            (
                "eigenpairs",
                vec![place.pairs(&model, &model.pairs(12), &made_from)],
            ),
            ("model", vec![model_input]),
            ("data", vec![data.clone()]),
        ];
        let outcome = place.run(
            "truncation",
            json!({"kept": 30}),
            &inputs,
            TruncationRow::KIND,
        );
        let rows: Vec<TruncationRow> = outcome.rows();
        let found: Vec<f64> = rows.iter().map(|row| f64::from(row.correct)).collect();
        assert_eq!(found, numbers(&model.record["truncation"]["correct"]));
        assert!(rows.iter().all(|row| row.hidden as usize == model.hidden));
        let last = rows.last().expect("a row");
        assert_eq!((last.kept as usize, last.images), (model.hidden, 360));
        assert_eq!(last.accuracy_drop_fraction, 0.0);

        let again = place.run_with(
            4,
            "truncation",
            json!({"kept": 30}),
            &inputs,
            &[TruncationRow::KIND],
        );
        outcome.assert_same_bytes(&again);
        let curve = again.input(TruncationRow::KIND);
        curves.push(input("metric.t", &model, curve.path, curve.content));
    }
    let outcome = place.run(
        "truncation-summary",
        json!({"over": "seed"}),
        &[("truncations", curves.clone())],
        TruncationSummaryRow::KIND,
    );
    let rows: Vec<TruncationSummaryRow> = outcome.rows();
    assert_eq!(rows.len(), 7 + 13);
    let expected = fixture::<Value>("bilinear_truth.json");
    let drop = numbers(&expected["truncation_summary"][1]["drop_half_width"]);
    for (row, drop) in rows[7..].iter().zip(drop) {
        let found = row.accuracy_drop_half_width_fraction.expect("two models");
        assert!((found - drop).abs() < 1e-9);
    }

    // The size is the table's own: without a sweep over it there is no label.
    for curve in &mut curves {
        curve.labels.remove("hidden");
    }
    let inputs = [("truncations", curves.clone())];
    let outcome = place.run(
        "truncation-summary",
        json!({"over": "seed"}),
        &inputs,
        TruncationSummaryRow::KIND,
    );
    assert_eq!(outcome.rows::<TruncationSummaryRow>(), rows);
    let inputs = [("truncations", vec![cut(&curves[0])])];
    place
        .run(
            "truncation-summary",
            json!({"over": "seed"}),
            &inputs,
            TruncationSummaryRow::KIND,
        )
        .fails_with("(cut) is not a readable Parquet file");
}

#[test]
fn truncation_refuses_what_does_not_fit() {
    let place = Place::new();
    let all = models();
    let (six, other) = (&all[0], &all[1]);
    let data = place.digits();
    let model = place.model(six);
    let pairs = place.pairs(six, &six.pairs(6), &provenance());
    let run = |model: &Input, pairs: &Input, data: &Input, kept: usize| {
        let inputs = [
            ("model", vec![model.clone()]),
            ("eigenpairs", vec![pairs.clone()]),
            ("data", vec![data.clone()]),
        ];
        place.run(
            "truncation",
            json!({"kept": kept}),
            &inputs,
            TruncationRow::KIND,
        )
    };
    assert_eq!(
        run(&model, &pairs, &data, 3).rows::<TruncationRow>().len(),
        4
    );

    run(&cut(&model), &pairs, &data, 3).fails_with("(cut) is not a readable Parquet file");
    run(&model, &cut(&pairs), &data, 3).fails_with("(cut) is not a readable Parquet file");
    run(&model, &pairs, &cut(&data), 3).fails_with("(cut) is not a readable Parquet file");
    run(&model, &model, &data, 3).fails_with("expected");

    let mut misshapen = six.tensors();
    misshapen[0].shape = vec![64, 6];
    let architecture = serde_json::to_value(six.architecture()).expect("serialises");
    let mut bad = model.clone();
    bad.path = place.path("misshapen.parquet");
    write_tensors(&bad.path, TENSORS, &architecture, &misshapen, &provenance()).expect("written");
    run(&bad, &pairs, &data, 3).fails_with("tensor `embed.weight` has shape [64, 6]");

    let few = place.pairs(&all[2], &all[2].pairs(4), &provenance());
    run(&place.model(&all[2]), &few, &data, 30).fails_with("raise `count`");

    let made_from = Provenance {
        inputs: vec![InputDigest {
            role: "model".to_owned(),
            task: "train.m[hidden=6,seed=1]".to_owned(),
            content: place.model(other).content,
        }],
        ..provenance()
    };
    let twelve = place.pairs(&all[2], &all[2].pairs(12), &provenance());
    run(&model, &twelve, &data, 3).fails_with("do not fit together: hidden sizes 6 and 12");

    let foreign = place.pairs(other, &other.pairs(6), &made_from);
    run(&model, &foreign, &data, 3)
        .fails_with("`model` of `eigenpairs` is train.m[hidden=6,seed=1], `model` is ");

    let input = six.architecture().input;
    let biased = networks::bilinear(6, true)
        .architecture(input, classes())
        .expect("any input fits");
    let mut tensors = six.tensors();
    tensors.push(eigenscope_artifact::NamedTensor {
        name: "gate.bias".to_owned(),
        shape: vec![12],
        data: vec![0.0; 12],
    });
    let architecture = serde_json::to_value(biased).expect("serialises");
    write_tensors(&bad.path, TENSORS, &architecture, &tensors, &provenance()).expect("written");
    run(&bad, &pairs, &data, 3).fails_with("a bilinear layer with a bias");

    let small = vec![PixelTransform::Resize {
        height: 4,
        width: 4,
    }];
    let data = place.images(10, small, classes());
    run(&model, &pairs, &data, 3)
        .fails_with("its images are 1 x 4 x 4 after their transforms, the model takes 1 x 8 x 8");
    let mut names = classes();
    names.push("ten".to_owned());
    let data = place.images(10, vec![PixelTransform::Scale], names);
    run(&model, &pairs, &data, 3).fails_with("its classes are [");
    let data = place.images(0, vec![PixelTransform::Scale], classes());
    run(&model, &pairs, &data, 3).fails_with("data.digits has no test images");
}

#[test]
fn similarity_and_its_map() {
    let place = Place::new();
    let all = models();
    let inputs: Vec<Input> = all
        .iter()
        .map(|model| place.pairs(model, &model.stored_pairs(), &provenance()))
        .collect();
    let curve = |inputs: &[Input], variant: &str, reference: u32, count: u32| {
        place.run(
            "similarity",
            json!({"variant": variant, "reference": reference, "count": count, "over": "seed"}),
            &[("eigenpairs", inputs.to_vec())],
            SimilarityRow::KIND,
        )
    };
    let rows: Vec<SimilarityRow> = curve(&inputs, "published", 12, 5).rows();
    let keys: Vec<_> = rows.iter().map(|row| (row.hidden, row.rank)).collect();
    let expected: Vec<_> = [6, 12]
        .iter()
        .flat_map(|&d| (0..5).map(move |r| (d, r)))
        .collect();
    assert_eq!(keys, expected);

    // The size is the eigenpairs' own: a `hidden` that is not swept over gives no label.
    let mut unswept = inputs.clone();
    for input in &mut unswept {
        input.labels.remove("hidden");
    }
    let again: Vec<SimilarityRow> = curve(&unswept, "published", 12, 5).rows();
    assert_eq!(again, rows);
    assert!(rows.iter().all(|row| row.variant == "published"));

    let map = place.run(
        "similarity-map",
        json!({"variant": "corrected", "over": "seed"}),
        &[("eigenpairs", inputs.clone())],
        SimilarityMapRow::KIND,
    );
    let map: Vec<SimilarityMapRow> = map.rows();
    assert_eq!(map.len(), 4);
    assert!(map.iter().all(|row| row.variant == "corrected"));
    assert_eq!(map[1].similarity_mean, map[2].similarity_mean);

    curve(&inputs, "corrected", 300, 5).fails_with("no model has the reference size 300");
    curve(&inputs, "corrected", 12, 6).fails_with("raise `count` of the decompose task to 6");
    let one_seed = [inputs[0].clone(), inputs[2].clone()];
    let outcome = curve(&one_seed, "corrected", 12, 5);
    outcome.warns_of("hidden size 12 has no pair");
    assert_eq!(outcome.rows::<SimilarityRow>().len(), 5);
    let mut twins = inputs.clone();
    for twin in &mut twins {
        twin.labels.remove("seed");
    }
    curve(&twins, "corrected", 12, 5).fails_with("Sweep over `seed`");

    let mut header = all[3].header();
    header.classes.swap(3, 4);
    let rows = all[3].stored_pairs();
    let path = &inputs[3].path;
    write_eigenpairs(path, &header, &rows, None, &provenance()).expect("written");
    curve(&inputs, "corrected", 12, 5).fails_with("classes [0, 1, 2, 3, 4");
}

/// Truncation curves of one size: learning rates 0.1 and 0.2 with two seeds each, with these numbers of correct images.
fn sweep(place: &Place, correct: [u32; 4]) -> Vec<Input> {
    let mut curves = Vec::new();
    for (at, correct) in (0..).zip(correct) {
        let (rate, seed) = ([0.1, 0.2][at / 2], at % 2);
        let row = TruncationRow {
            hidden: 8,
            kept: 0,
            correct,
            images: 100,
            accuracy_fraction: f64::from(correct) / 100.0,
            error_fraction: 1.0 - f64::from(correct) / 100.0,
            accuracy_drop_fraction: 0.0,
        };
        let path = place.path(&format!("sweep-{at}.parquet"));
        let content = write_records(&path, &[row], None, &provenance()).expect("written");
        curves.push(Input {
            task: format!("metric.t[hidden=8,learning_rate={rate},seed={seed}]"),
            labels: BTreeMap::from([
                ("hidden".to_owned(), json!(8)),
                ("learning_rate".to_owned(), json!(rate)),
                ("seed".to_owned(), json!(seed)),
            ]),
            path,
            content,
            renamed: BTreeMap::new(),
        });
    }
    curves
}

#[test]
fn averages_run_over_seeds_and_never_over_learning_rates() {
    let place = Place::new();
    let curves = sweep(&place, [10, 20, 80, 90]);
    let run = |curves: &[Input], over: &str| {
        let inputs = [("truncations", curves.to_vec())];
        let parameters = json!({"over": over});
        place.run(
            "truncation-summary",
            parameters,
            &inputs,
            TruncationSummaryRow::KIND,
        )
    };
    let means = |over: &str| -> Vec<(Value, u32, f64)> {
        let rows = read_labelled::<TruncationSummaryRow>(
            &run(&curves, over).path(TruncationSummaryRow::KIND),
        );
        let rows = rows.expect("an output").into_iter();
        let mean = |row: &TruncationSummaryRow| (1e9 * row.accuracy_mean_fraction).round() / 1e9;
        rows.map(|found| (json!(found.labels), found.row.models, mean(&found.row)))
            .collect()
    };
    assert_eq!(
        means("seed"),
        [
            (json!({"learning_rate": 0.1}), 2, 0.15),
            (json!({"learning_rate": 0.2}), 2, 0.85)
        ]
    );
    assert_eq!(
        means("learning_rate"),
        [(json!({"seed": 0}), 2, 0.45), (json!({"seed": 1}), 2, 0.55)]
    );
    run(&curves, "lerning_rate").fails_with(
        "no input has a label `lerning_rate` to average over; labels: learning_rate, seed",
    );
    run(&curves, "hidden").fails_with("no input has a label `hidden`");
    let mut unswept = curves.clone();
    for curve in &mut unswept {
        curve.labels.remove("learning_rate");
    }
    run(&unswept, "seed").fails_with("cannot be averaged");
}

#[test]
fn eigenvectors_are_paired_within_a_group() {
    let place = Place::new();
    let inputs: Vec<Input> = models()
        .iter()
        .map(|model| place.pairs(model, &model.stored_pairs(), &provenance()))
        .collect();
    let rated = |rate: f64| {
        inputs.iter().cloned().map(move |mut input| {
            input.labels.insert("learning_rate".to_owned(), json!(rate));
            input
        })
    };
    let both: Vec<Input> = rated(0.1).chain(rated(0.2)).collect();
    let curve = |inputs: &[Input]| {
        place.run(
            "similarity",
            json!({"variant": "corrected", "reference": 12, "count": 5, "over": "seed"}),
            &[("eigenpairs", inputs.to_vec())],
            SimilarityRow::KIND,
        )
    };
    let alone: Vec<SimilarityRow> = curve(&inputs).rows();
    let grouped =
        read_labelled::<SimilarityRow>(&curve(&both).path(SimilarityRow::KIND)).expect("an output");
    assert_eq!(grouped.len(), 2 * alone.len());
    for (at, found) in grouped.into_iter().enumerate() {
        let rate = [0.1, 0.2][at / alone.len()];
        assert_eq!(json!(found.labels), json!({"learning_rate": rate}));
        assert_eq!(found.row, alone[at % alone.len()]);
    }
    let map = |inputs: &[Input]| {
        place.run(
            "similarity-map",
            json!({"variant": "corrected", "over": "seed"}),
            &[("eigenpairs", inputs.to_vec())],
            SimilarityMapRow::KIND,
        )
    };
    let alone: Vec<SimilarityMapRow> = map(&inputs).rows();
    let grouped = read_labelled::<SimilarityMapRow>(&map(&both).path(SimilarityMapRow::KIND))
        .expect("an output");
    let grouped: Vec<SimilarityMapRow> = grouped.into_iter().map(|found| found.row).collect();
    assert_eq!(grouped, [alone.clone(), alone].concat());
}

#[test]
fn last_rows() {
    let place = Place::new();
    let history = |name: &str, epochs: u32| -> Input {
        let rows: Vec<HistoryRow> = (1..=epochs)
            .map(|epoch| HistoryRow {
                epoch,
                learning_rate: 0.1,
                train_loss_nats: 1.0 / f64::from(epoch),
                train_accuracy_fraction: 0.25,
                test_loss_nats: 2.0,
                test_accuracy_fraction: 0.5,
            })
            .collect();
        let path = place.path(&format!("{name}.parquet"));
        let content = write_records(&path, &rows, None, &provenance()).expect("written");
        Input {
            task: format!("train.{name}"),
            labels: BTreeMap::new(),
            path,
            content,
            renamed: BTreeMap::new(),
        }
    };
    let mut inputs = vec![history("b", 4), history("a", 2), history("free", 1)];
    inputs[0].labels.insert("hidden".to_owned(), json!(30));
    inputs[1].labels.insert("hidden".to_owned(), json!(30));
    inputs[0].labels.insert("seed".to_owned(), json!(1));
    inputs[1].labels.insert("seed".to_owned(), json!(0));
    let run = |inputs: &[Input]| {
        place.run(
            "final-accuracy",
            json!({}),
            &[("histories", inputs.to_vec())],
            FinalRow::KIND,
        )
    };
    let rows: Vec<FinalRow> = run(&inputs).rows();
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.model.as_str(),
                row.hidden,
                row.seed,
                row.epochs,
                row.train_loss_nats,
            )
        })
        .collect();
    let expected = [
        ("train.free", None, None, 1, 1.0),
        ("train.a", Some(30), Some(0), 2, 0.5),
        ("train.b", Some(30), Some(1), 4, 0.25),
    ];
    assert_eq!(found, expected);

    inputs[0].labels.insert("batch".to_owned(), json!(32));
    let rows = read_labelled::<FinalRow>(&run(&inputs).path(FinalRow::KIND)).expect("an output");
    let labels: Vec<Value> = rows.iter().map(|row| json!(row.labels)).collect();
    assert_eq!(labels, [json!({}), json!({}), json!({"batch": 32})]);

    run(&[history("none", 0)]).fails_with("train.none: the history has no epoch");
    inputs[2]
        .labels
        .insert("hidden".to_owned(), json!(1_u64 << 40));
    run(&inputs).fails_with("label `hidden` is 1099511627776");
    let other = place.digits();
    run(&[other]).fails_with("images");
    let missing = Path::new("missing.parquet");
    let mut gone = history("gone", 1);
    gone.path = place.path("").join(missing);
    run(&[gone]).fails_with("(missing)");
}
