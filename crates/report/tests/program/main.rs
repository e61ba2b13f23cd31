//! The program end to end: small tables in, figures or a clear error out.

mod classes;
mod drawn;
mod eigenvector_grid;
mod embeddings;
mod kernels;
mod layers;
mod page;
mod rainbow;
mod representations;
mod samples;
mod scaling;
mod sizes;
mod timeline;

use std::collections::BTreeSet;

use eigenscope_artifact::tables::bilinear::{
    SimilarityMapRow, SimilarityRow, TruncationSummaryRow,
};
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{
    About, INTERACTIVE, Labelled, Labels, PDF, PNG, Provenance, SVG, write_records,
};
use eigenscope_stage::{Input, Stage};
use eigenscope_testing::{TestFolder, cut, describe, made_by, provenance};
use serde_json::{Value, json};

use drawn::Drawing;

fn history(epochs: u32) -> Vec<HistoryRow> {
    (1..=epochs)
        .map(|epoch| HistoryRow {
            epoch,
            learning_rate: 0.1,
            train_loss_nats: 1.0 / f64::from(epoch),
            train_accuracy_fraction: 0.75,
            test_loss_nats: 2.0 / f64::from(epoch),
            test_accuracy_fraction: 0.5,
        })
        .collect()
}

fn similarity(variant: &str, half_width: Option<f64>) -> Vec<SimilarityRow> {
    let row = |hidden, rank: u32| SimilarityRow {
        variant: variant.to_owned(),
        reference_hidden: 12,
        hidden,
        rank,
        observations: 10,
        similarity_mean: 0.75 - 0.125 * f64::from(rank),
        similarity_std: None,
        half_width,
    };
    [6, 12]
        .into_iter()
        .flat_map(|hidden| (0..3).map(move |rank| row(hidden, rank)))
        .collect()
}

fn map(variant: &str, mean: Option<f64>) -> Vec<SimilarityMapRow> {
    let row = |row_hidden, column_hidden| SimilarityMapRow {
        variant: variant.to_owned(),
        row_hidden,
        column_hidden,
        observations: 10,
        similarity_mean: mean,
    };
    vec![row(6, 6), row(6, 12), row(12, 6), row(12, 12)]
}

/// One curve with these errors, for 0, 1, ... eigenpairs.
fn truncation(errors: &[f64], half_width: Option<f64>) -> Vec<TruncationSummaryRow> {
    let rows = errors
        .iter()
        .zip(0..)
        .map(|(&error, kept)| TruncationSummaryRow {
            hidden: 30,
            kept,
            models: 2,
            accuracy_mean_fraction: 1.0 - error,
            accuracy_half_width_fraction: half_width,
            error_mean_fraction: error,
            accuracy_drop_mean_fraction: error - 0.001,
            accuracy_drop_half_width_fraction: half_width,
        });
    rows.collect()
}

fn draw_histories(folder: &TestFolder, histories: &[Input]) -> Drawing {
    let inputs = histories.iter().cloned();
    let inputs = inputs.map(|input| ("histories", input));
    drawn::draw(folder, "training", json!({}), inputs)
}

#[test]
fn every_figure_has_four_forms_and_no_chance() {
    let description = describe(Stage::Figure);
    assert_eq!(description.section, Stage::Figure);
    for kind in description.kinds {
        assert_eq!(kind.outputs, [SVG, PNG, PDF, INTERACTIVE], "{}", kind.name);
        assert!(!kind.random, "{}", kind.name);
    }
}

#[test]
fn training_of_many_models_and_of_one() {
    let folder = TestFolder::new();
    let mut swept: Vec<Input> = (1..=3)
        .map(|epochs| folder.table(&format!("history-{epochs}"), &history(epochs)))
        .collect();
    for (input, hidden) in swept.iter_mut().zip([30, 50, 50]) {
        input.labels.insert("hidden".to_owned(), json!(hidden));
    }
    let draw = |inputs: &[Input]| draw_histories(&folder, inputs);
    draw(&swept).shows(&[
        "Training",
        "Test loss",
        "Hidden size",
        "30",
        "50 (n = 2)",
        "3 models",
    ]);
    // Two of one size and colour.
    for (input, rate) in swept.iter_mut().zip([0.1, 0.1, 0.2]) {
        input.labels.insert("learning_rate".to_owned(), json!(rate));
        input.labels.insert("seed".to_owned(), json!(10.0 * rate));
    }
    draw(&swept).shows(&["3 models. Curves of one colour differ in learning rate and seed."]);
    let one = [folder.table("history", &history(4))];
    assert!(draw(&one).texts_of("legend").is_empty());
    let short = [folder.table("history", &history(1))];
    draw(&short).shows(&["Training"]);
}

#[test]
fn epochs_run_from_the_first_to_the_last() {
    let folder = TestFolder::new();
    let ticks = |epochs: u32| -> Vec<String> {
        let table = folder.table("history", &history(epochs));
        let drawn = draw_histories(&folder, &[table]);
        drawn.texts_of("x-axis").remove(0)
    };
    assert_eq!(ticks(1), ["1", "Epoch"]);
    assert_eq!(ticks(5), ["1", "2", "3", "4", "5", "Epoch"]);
    assert_eq!(ticks(20), ["1", "5", "10", "15", "20", "Epoch"]);
}

#[test]
fn no_two_of_many_models_have_one_colour() {
    let folder = TestFolder::new();
    for count in [10, 11, 60] {
        let table = folder.table("history", &history(2));
        let member = |number: u32| {
            let labels = [("learning_rate".to_owned(), json!(f64::from(number) / 1e4))];
            Input {
                labels: labels.into(),
                ..table.clone()
            }
        };
        let members: Vec<Input> = (0..count).map(member).collect();
        let drawn = draw_histories(&folder, &members);
        // What they differ in, without repeating it in every entry.
        assert_eq!(drawn.texts_of("legend")[0][..2], ["Learning rate", "0.0"]);
        let form: Value = serde_json::from_slice(&drawn.bytes(INTERACTIVE)).expect("JSON");
        let traces = form["data"].as_array().expect("traces").iter();
        let lines = traces.filter(|trace| trace["meta"]["what"] == "line");
        let looks: BTreeSet<String> = lines
            .filter(|trace| trace["meta"]["panel"] == 0)
            .map(|trace| trace["line"].to_string())
            .collect();
        assert_eq!(looks.len(), count as usize);
    }
}

#[test]
fn noise_is_told_only_where_there_is_some() {
    let folder = TestFolder::new();
    let table = |name: &str, parameters: Value| {
        let path = folder.path(name);
        let provenance = Provenance {
            parameters,
            ..provenance()
        };
        write_records(&path, &history(2), None, &provenance).expect("written");
        made_by(&format!("train.{name}"), &path)
    };
    let noisy = table("noisy", json!({"noise_std": 0.4}));
    let quiet = table("quiet", json!({"noise_std": 0.0}));
    let other = table("other", json!({"widths": [8]}));
    let listed = table("listed", json!({"augment": [{"noise": {"std": 0.1}}]}));
    let flipped = table("flipped", json!({"noise_std": 0.1, "augment": ["flip"]}));
    let draw = |inputs: &[&Input]| {
        let inputs: Vec<Input> = inputs.iter().map(|input| (*input).clone()).collect();
        draw_histories(&folder, &inputs)
    };
    draw(&[&noisy]).shows(&["on training batches (with noise) and"]);
    draw(&[&quiet, &other]).shows(&["on training batches and on the test images"]);
    draw(&[&noisy, &other]).shows(&["on training batches (of some models with noise) and"]);
    draw(&[&noisy, &listed]).shows(&["on training batches (with noise) and"]);
    draw(&[&flipped]).shows(&["on training batches (augmented) and"]);
    draw(&[&flipped, &noisy, &other])
        .shows(&["on training batches (of some models augmented) and"]);
}

#[test]
fn similarity_is_titled_by_the_variant_of_the_table() {
    let folder = TestFolder::new();
    // No input has a label: the variant was not swept over.
    let draw = |rows: &[SimilarityRow]| {
        let table = folder.table("similarity", rows);
        drawn::draw(&folder, "similarity", json!({}), [("similarity", table)])
    };
    draw(&similarity("published", Some(0.0625))).shows(&[
        "Similarity of eigenvectors to hidden size 12: same-seed pairs included, as published",
        "most negative eigenvalue first",
        "6 and 12",
    ]);
    draw(&similarity("corrected", Some(0.0625))).shows(&[
        "to hidden size 12: distinct models only",
        "largest |λ| first",
    ]);
    draw(&similarity("corrected", None)).shows(&["distinct models only"]);
    // One size and two ranks.
    let mut rows = similarity("corrected", None);
    rows.retain(|row| row.hidden == 6 && row.rank < 2);
    let one = draw(&rows);
    one.shows(&["of models of hidden size 12 and of hidden size 6; largest"]);
    assert_eq!(one.texts_of("x-axis")[0][..2], ["1", "2"]);

    draw(&[]).fails_with("the table has no rows");
    draw(&similarity("corrupted", None)).fails_with("variant corrupted, expected `corrected`");
    let both = [similarity("corrected", None), similarity("published", None)].concat();
    draw(&both).fails_with("variant corrected and published");
}

#[test]
fn maps_are_titled_by_the_variant_of_the_table() {
    let folder = TestFolder::new();
    let draw = |rows: &[SimilarityMapRow]| {
        let table = folder.table("map", rows);
        drawn::draw(&folder, "similarity-map", json!({}), [("map", table)])
    };
    draw(&map("published", Some(0.625))).shows(&[
        "First eigenvectors between sizes: same-seed pairs included, as published",
        "0.62",
    ]);
    draw(&map("corrected", Some(0.625))).shows(&["between sizes: distinct models only"]);
    // One seed only, compared with itself: nothing but dashes.
    draw(&map("corrected", None)).shows(&["–", "12"]);
    draw(&map("corrected", None)[..1]).shows(&["–", "6"]);

    draw(&[]).fails_with("the table has no rows");
    draw(&map("corrected", Some(0.5))[..2]).fails_with("hidden size 12 has no row of its own");
}

#[test]
fn guessing_and_random_directions_have_lines_and_titles_name_network_and_data() {
    let folder = TestFolder::new();
    let about = |classes: u64| About {
        network: Some("bilinear".to_owned()),
        data: Some("digits".to_owned()),
        classes: Some(classes),
        values: Some(64),
    };
    let path = |name: &str| folder.path(name);
    let truncation_path = path("truncation");
    let rows = truncation(&[0.9, 0.2], None);
    write_records(&truncation_path, &rows, Some(&about(10)), &provenance()).expect("written");
    let table = made_by("metric.truncation", &truncation_path);
    drawn::draw(&folder, "truncation", json!({}), [("truncation", table)]).shows(&[
        "Truncation: how many eigenpairs a class needs (bilinear on digits)",
        "chance (90 %)",
    ]);

    let similarity_path = path("similarity");
    let rows = similarity("corrected", None);
    write_records(&similarity_path, &rows, Some(&about(10)), &provenance()).expect("written");
    let table = made_by("metric.similarity", &similarity_path);
    drawn::draw(&folder, "similarity", json!({}), [("similarity", table)]).shows(&[
        "distinct models only (bilinear on digits)",
        "random (0.10)",
        "Random directions of 64 values have 0.10 on average.",
    ]);

    // The line is drawn where the axis reaches: accuracies are 50 and 75 %.
    let trained = |classes: u64| {
        let path = path(&format!("history-{classes}"));
        write_records(&path, &history(2), Some(&about(classes)), &provenance()).expect("written");
        draw_histories(&folder, &[made_by("train.mlp", &path)])
    };
    trained(2).shows(&["Training (mlp on digits)", "chance (50 %)"]);
    let ten = trained(10);
    assert!(ten.texts_of("legend").is_empty());
    ten.shows(&["Guessing one of 10 classes is right for 10 % of the images."]);
}

#[test]
fn errors_below_one_percent_and_of_zero() {
    let folder = TestFolder::new();
    let draw = |rows: &[TruncationSummaryRow]| {
        let table = folder.table("truncation", rows);
        drawn::draw(&folder, "truncation", json!({}), [("truncation", table)])
    };
    let ticks = |outcome: &Drawing, tick: &str| {
        let texts = outcome.texts();
        texts.iter().filter(|text| *text == tick).count()
    };
    // The drop's axis has the tick 0.1, too; the error's has 0.2 and 0.5 when it goes that far.
    let usual = draw(&truncation(&[0.9, 0.2, 0.012], Some(0.01)));
    usual.shows(&[
        "minus that of the truncated one.",
        "means over up to 2 models",
    ]);
    assert_eq!([ticks(&usual, "0.1"), ticks(&usual, "0.2")], [1, 0]);
    let low = draw(&truncation(&[0.9, 0.02, 0.004, 0.0], Some(0.01)));
    low.shows(&[
        "Errors too small for the axis stand on its lowest line, and so do drops below 0.1 points, negative ones",
        "0",
        "< 0.1",
    ]);
    assert_eq!(
        ["0.1", "0.2", "0.5"].map(|tick| ticks(&low, tick)),
        [1, 1, 1]
    );
    let zero = draw(&truncation(&[0.5, 0.0, 0.0], None));
    assert_eq!(
        // Both axes of eigenpairs begin at 0, too.
        ["0", "< 0.1", "0.2"].map(|tick| ticks(&zero, tick)),
        [3, 1, 0]
    );
    // An error of 0 from the start is drawn, too.
    draw(&truncation(&[0.0, 0.0], None)).shows(&["0", "Errors too small for the axis"]);
    draw(&truncation(&[0.9], None)).shows(&["Test error"]);
}

#[test]
fn axes_of_kept_eigenpairs_end_where_curves_stop_changing() {
    let folder = TestFolder::new();
    let mut errors = vec![0.9, 0.5, 0.2, 0.1];
    errors.resize(31, 0.1);
    let table = folder.table("truncation", &truncation(&errors, None));
    let drawn = drawn::draw(&folder, "truncation", json!({}), [("truncation", table)]);
    drawn.shows(&[
        "Up to 30 eigenpairs, no curve changes any more by 0.1 points.",
        "4",
    ]);
    let panels = drawn.texts_of("panel");
    assert!(!panels.concat().contains(&"30".to_owned()));
}

#[test]
fn every_group_has_curves_of_its_own() {
    let folder = TestFolder::new();
    let rated = |rate: f64, errors: &[f64]| -> Vec<Labelled<TruncationSummaryRow>> {
        let labels = Labels::from([("learning_rate".to_owned(), json!(rate))]);
        let rows = truncation(errors, None).into_iter();
        rows.map(|row| Labelled {
            labels: labels.clone(),
            row,
        })
        .collect()
    };
    let rows = [rated(0.1, &[0.9, 0.5]), rated(0.2, &[0.9, 0.25])].concat();
    let table = folder.labelled("truncation", &rows);
    let drawn = drawn::draw(&folder, "truncation", json!({}), [("truncation", table)]);
    assert_eq!(
        drawn.texts_of("legend"),
        [["Learning rate", "0.1 (n = 2)", "0.2 (n = 2)"]]
    );

    let rows: Vec<Labelled<SimilarityRow>> = [0.1, 0.2]
        .into_iter()
        .flat_map(|rate: f64| {
            let labels = Labels::from([
                ("learning_rate".to_owned(), json!(rate)),
                ("weight_decay".to_owned(), json!(rate)),
            ]);
            let rows = similarity("corrected", None).into_iter();
            rows.map(move |row| Labelled {
                labels: labels.clone(),
                row,
            })
        })
        .collect();
    let table = folder.labelled("similarity", &rows);
    let drawn = drawn::draw(&folder, "similarity", json!({}), [("similarity", table)]);
    let legend = drawn.texts_of("legend").concat().join(" ");
    assert_eq!(
        legend,
        "Hidden size, learning rate, weight decay 6, 0.1, 0.1 12, 0.1, 0.1 6, 0.2, 0.2 12, 0.2, 0.2"
    );

    let rated = |rate: f64| {
        let labels = Labels::from([("learning_rate".to_owned(), json!(rate))]);
        let rows = map("corrected", Some(rate)).into_iter();
        rows.map(move |row| Labelled {
            labels: labels.clone(),
            row,
        })
    };
    let rows: Vec<Labelled<SimilarityMapRow>> = rated(0.5).chain(rated(0.25)).collect();
    let table = folder.labelled("map", &rows);
    let drawn = drawn::draw(&folder, "similarity-map", json!({}), [("map", table)]);
    let panels = drawn.texts_of("panel");
    let titles: Vec<&str> = panels.iter().map(|texts| texts[0].as_str()).collect();
    assert_eq!(titles, ["learning rate 0.5", "learning rate 0.25"]);
    drawn.shows(&["0.50", "0.25"]);
}

#[test]
fn eigenvectors_that_are_stored() {
    let folder = TestFolder::new();
    let draw = |selection: &str, columns: u32| {
        let parameters = json!({"columns": columns, "selection": selection});
        let pairs = [("eigenpairs", drawn::eigenpairs(&folder))];
        drawn::draw(&folder, "eigenvectors", parameters, pairs)
    };
    draw("magnitude", 2).shows(&["(hidden 5)", "cat", "dog", "\u{2212}3.00", "2.00"]);
    draw("highest", 2).shows(&["most positive λ", "0.50"]);
    draw("lowest", 1).shows(&["most negative λ"]);
    // Five of five are asked for, but the one in the middle is not stored.
    draw("lowest", 8).fails_with("raise `count` of the decompose task to 5");
}

#[test]
fn tables_that_are_none_give_an_error_and_no_figure() {
    let folder = TestFolder::new();
    let kinds = [
        ("training", "histories"),
        ("similarity", "similarity"),
        ("similarity-map", "map"),
        ("truncation", "truncation"),
        ("eigenvectors", "eigenpairs"),
    ];
    let inputs = [
        folder.table("history", &history(20)),
        folder.table("similarity", &similarity("corrected", None)),
        folder.table("map", &map("corrected", None)),
        folder.table("truncation", &truncation(&[0.5], None)),
        drawn::eigenpairs(&folder),
    ];
    for (at, (kind, role)) in kinds.into_iter().enumerate() {
        let parameters = match kind {
            "eigenvectors" => json!({"columns": 2, "selection": "lowest"}),
            _ => json!({}),
        };
        let draw = |input: Input| drawn::draw(&folder, kind, parameters.clone(), [(role, input)]);
        draw(cut(&inputs[at])).fails_with("(cut) is not a readable Parquet file");
        let other = inputs[(at + 1) % inputs.len()].clone();
        draw(other).fails_with("expected `");
        let mut gone = inputs[at].clone();
        gone.path = folder.path("missing.parquet");
        draw(gone).fails_with("(missing)");
    }
}
