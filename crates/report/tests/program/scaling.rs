//! Loss and error by number of training images.

use eigenscope_artifact::tables::scaling::{PowerLawRow, ScalingRow};
use eigenscope_artifact::{Labelled, Labels};
use eigenscope_testing::TestFolder;
use serde_json::json;

use crate::drawn::{self, Drawing};

pub(crate) fn row(images: u32) -> ScalingRow {
    let share = 60_000.0 / f64::from(images);
    ScalingRow {
        images,
        models: 1,
        train_loss_nats: 0.01 * share,
        train_accuracy_fraction: 1.0 - 0.001 * share,
        test_loss_nats: 0.02 * share.sqrt(),
        test_accuracy_fraction: 1.0 - 0.005 * share.sqrt(),
    }
}

pub(crate) fn law(quantity: &str, exponent_half_width: Option<f64>) -> PowerLawRow {
    PowerLawRow {
        quantity: quantity.to_owned(),
        points: 3,
        coefficient: 4.9,
        exponent: -0.5,
        exponent_half_width,
        r_squared: 1.0,
    }
}

fn draw(folder: &TestFolder, rows: &[ScalingRow], laws: &[PowerLawRow]) -> Drawing {
    let inputs = [
        ("scaling", folder.table("scaling", rows)),
        ("power_law", folder.table("law", laws)),
    ];
    drawn::draw(folder, "scaling", json!({}), inputs)
}

#[test]
fn both_panels_are_ticked_at_the_numbers_of_images() {
    let folder = TestFolder::new();
    let laws = [law("test_loss_nats", Some(0.061))];
    // In any order.
    let drawn = draw(&folder, &[row(60_000), row(15_000), row(30_000)], &laws);
    let panels = drawn.texts_of("panel");
    for (panel, title) in panels.iter().zip(["Loss", "Error"]) {
        assert_eq!(
            panel[..5],
            [title, "15,000", "30,000", "60,000", "Training images"]
        );
    }
    assert_eq!(
        drawn.texts_of("legend"),
        [[
            "training",
            "test",
            "test loss, fitted: images",
            "−0.50 ± 0.06"
        ]]
    );
    assert!(drawn.warnings().is_empty());
}

#[test]
fn laws_without_interval_and_no_law_at_all() {
    let folder = TestFolder::new();
    let rows = [row(30_000), row(60_000)];
    let drawn = draw(&folder, &rows, &[law("train_loss_nats", None)]);
    assert_eq!(
        drawn.texts_of("legend")[0][2..],
        ["training loss, fitted: images", "−0.50"]
    );
    let bare = draw(&folder, &rows, &[]);
    assert_eq!(bare.texts_of("legend"), [["training", "test"]]);
    // A single number of images, and losses so close that no power of ten lies between.
    draw(&folder, &rows[..1], &[]).shows(&["30,000", "0.020"]);
}

#[test]
fn zero_stands_on_the_lowest_line() {
    let folder = TestFolder::new();
    let mut rows = [row(30_000), row(60_000)];
    rows[1].train_accuracy_fraction = 1.0;
    let drawn = draw(&folder, &rows, &[]);
    assert!(drawn.warnings().is_empty());
    drawn.shows(&[
        "0",
        "Values of 0 stand on the lowest line, below the break of the axis.",
    ]);
    for row in &mut rows {
        row.test_accuracy_fraction = 1.0;
        row.train_accuracy_fraction = 1.0;
    }
    draw(&folder, &rows, &[]).shows(&["0", "Error"]);
}

#[test]
fn the_caption_says_which_laws_are_drawn() {
    let folder = TestFolder::new();
    let rows = [row(30_000), row(60_000)];
    draw(&folder, &rows, &[law("test_loss_nats", None)]).shows(&[
        "The dashed line is a power law fitted to the test loss, its exponent in the legend.",
    ]);
    let both = [
        law("train_loss_nats", None),
        law("test_loss_nats", Some(0.1)),
    ];
    draw(&folder, &rows, &both).shows(&[
        "Dashed lines are power laws fitted to the training and test loss, each exponent with its 90% interval",
    ]);
}

#[test]
fn groups_have_curves_and_laws_of_their_own() {
    let folder = TestFolder::new();
    let labelled = |rate: f64| Labels::from([("learning_rate".to_owned(), json!(rate))]);
    let mut scaling = Vec::new();
    let mut laws = Vec::new();
    for rate in [0.1, 0.2] {
        for images in [30_000, 60_000] {
            let (labels, row) = (labelled(rate), row(images));
            scaling.push(Labelled { labels, row });
        }
        let (labels, row) = (labelled(rate), law("test_loss_nats", None));
        laws.push(Labelled { labels, row });
    }
    let inputs = [
        ("scaling", folder.labelled("scaling", &scaling)),
        ("power_law", folder.labelled("law", &laws)),
    ];
    let drawn = drawn::draw(&folder, "scaling", json!({}), inputs);
    let legend = drawn.texts_of("legend").concat().join(" ");
    for name in [
        "Learning rate",
        "training, 0.1",
        "test, 0.2",
        "test loss, fitted: images",
    ] {
        assert!(legend.contains(name), "{legend}");
    }
}

#[test]
fn tables_that_are_no_curve_are_refused() {
    let folder = TestFolder::new();
    draw(&folder, &[], &[]).fails_with("the table has no rows");
    draw(&folder, &[row(100), row(100)], &[]).fails_with("each number of training images once");
    let mut broken = row(100);
    broken.test_loss_nats = f64::NAN;
    draw(&folder, &[broken], &[]).fails_with("test_loss_nats at 100 images is no number");
    let refused =
        |law: PowerLawRow, reason: &str| draw(&folder, &[row(100)], &[law]).fails_with(reason);
    refused(
        law("test_accuracy_fraction", None),
        "a power law of `test_accuracy_fraction`; those of train_loss_nats and test_loss_nats can be drawn",
    );
    let mut falling = law("test_loss_nats", None);
    falling.coefficient = 0.0;
    refused(falling, "the power law 0 * images^-0.5 is no curve");
}
