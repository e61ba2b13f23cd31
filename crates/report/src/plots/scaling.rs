//! Loss and error by number of training images, with fitted power laws.

use eigenscope_artifact::{Kind, PowerLawRow, ScalingRow, read_records};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::labels;
use super::output::{figure_kind, write};
use super::series::enumerate;
use crate::figure::{
    Axes, Axis, Dash, Figure, Layer, Legend, Line, Marker, MarkerShape, Panel, Rgb, Tick, ticks,
};

/// Least distance of two numbers of images that both have a tick, over the length of the axis.
const TICK_GAP: f64 = 0.15;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "scaling",
        "loss and error by number of training images, with fitted power laws",
        vec![],
        vec![
            Role::one("scaling", Kind::Scaling, "losses and accuracies to draw"),
            Role::one("power_law", Kind::PowerLaw, "power laws of the losses")
                .agrees(Agreement::task("power_law", "scaling")),
        ],
        task_function!(run),
    )
}

/// A column of the table as a curve.
struct Quantity {
    /// Name of the column.
    column: &'static str,
    /// In the legend.
    name: &'static str,
    colour: Rgb,
    marker: MarkerShape,
    value: fn(&ScalingRow) -> f64,
}

const LOSSES: [Quantity; 2] = [
    Quantity {
        column: "train_loss_nats",
        name: "training",
        colour: Rgb::categorical(0),
        marker: MarkerShape::Circle,
        value: |row| row.train_loss_nats,
    },
    Quantity {
        column: "test_loss_nats",
        name: "test",
        colour: Rgb::categorical(1),
        marker: MarkerShape::Diamond,
        value: |row| row.test_loss_nats,
    },
];

/// The errors of both splits in %, called and coloured as their losses are.
const ERRORS: [Quantity; 2] = {
    let [train, test] = LOSSES;
    [
        Quantity {
            column: "train_accuracy_fraction",
            value: |row| 100.0 * (1.0 - row.train_accuracy_fraction),
            ..train
        },
        Quantity {
            column: "test_accuracy_fraction",
            value: |row| 100.0 * (1.0 - row.test_accuracy_fraction),
            ..test
        },
    ]
};

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("scaling")?;
    let mut rows: Vec<ScalingRow> = read_records(&input.path)?;
    let laws: Vec<PowerLawRow> = read_records(&context.input("power_law")?.path)?;
    check(&rows, &laws)?;
    rows.sort_by_key(|row| row.images);
    let curves = LOSSES.iter().chain(&ERRORS);
    let left_out = curves.flat_map(|quantity| rows.iter().map(quantity.value));
    match left_out.filter(|value| *value <= 0.0).count() {
        0 => {}
        count => context.warn(format!(
            "{count} of {} values are not on the logarithmic axes: they are zero or negative",
            4 * rows.len()
        )),
    }
    write(
        context,
        draw(
            &rows,
            &laws,
            labels::titled("Scaling with the number of training images", input),
        )?,
    )
}

/// # Errors
/// No row, a number that is none, the same number of images twice, or a power law of another quantity.
fn check(rows: &[ScalingRow], laws: &[PowerLawRow]) -> Result<(), TaskError> {
    if rows.is_empty() {
        return Err("the table has no rows".into());
    }
    let mut images: Vec<u32> = rows.iter().map(|row| row.images).collect();
    images.sort_unstable();
    images.dedup();
    if images.len() < rows.len() || images.contains(&0) {
        return Err("expected each number of training images once, and none of 0".into());
    }
    for quantity in LOSSES.iter().chain(&ERRORS) {
        let broken = |row: &&ScalingRow| !(quantity.value)(row).is_finite();
        if let Some(row) = rows.iter().find(broken) {
            return Err(
                format!("{} at {} images is no number", quantity.column, row.images).into(),
            );
        }
    }
    for law in laws {
        let columns = LOSSES.map(|quantity| quantity.column);
        if !columns.contains(&law.quantity.as_str()) {
            return Err(format!(
                "a power law of `{}`; those of {} can be drawn",
                law.quantity,
                enumerate(columns.iter())
            )
            .into());
        }
        if !(law.coefficient > 0.0 && law.coefficient.is_finite() && law.exponent.is_finite()) {
            return Err(format!(
                "the power law {} * images^{} is no curve on logarithmic axes",
                law.coefficient, law.exponent
            )
            .into());
        }
    }
    Ok(())
}

fn draw(rows: &[ScalingRow], laws: &[PowerLawRow], title: String) -> Result<Figure, TaskError> {
    let laws: Vec<Line> = LOSSES
        .iter()
        .flat_map(|quantity| {
            let own = laws.iter().filter(|law| law.quantity == quantity.column);
            own.map(|law| fit(quantity, law, rows))
        })
        .collect();
    let panels = vec![
        panel("Loss", "Cross-entropy (nats)", rows, &LOSSES, laws)?,
        panel(
            "Error",
            "Images classified wrongly (%)",
            rows,
            &ERRORS,
            Vec::new(),
        )?,
    ];
    let models: u32 = rows.iter().map(|row| row.models).max().unwrap_or(1);
    let averaged = match models {
        1 => String::new(),
        models => format!(", averaged over up to {models} models"),
    };
    let figure = Figure::new(
        title,
        format!(
            "Training and test loss and share of wrongly classified images at the end of training with {} \
             images{averaged}; all axes logarithmic. Dashed lines are power laws fitted to the losses, their exponents \
             with 90% intervals in the legend.",
            enumerate(rows.iter().map(|row| ticks::grouped(u64::from(row.images))))
        ),
        860.0,
        2,
        panels,
    );
    Ok(Figure {
        legend: Some(Legend::below("")),
        ..figure
    })
}

fn panel(
    title: &str,
    label: &str,
    rows: &[ScalingRow],
    quantities: &[Quantity],
    laws: Vec<Line>,
) -> Result<Panel, TaskError> {
    let curves = quantities
        .iter()
        .filter_map(|quantity| curve(quantity, rows));
    let lines: Vec<Line> = curves.chain(laws).collect();
    let values = lines.iter().flat_map(|line| &line.y).copied();
    let range = ratio_range(values.filter(|value| !value.is_nan()));
    let Some(range) = range else {
        return Err(format!("no {} is above zero", title.to_lowercase()).into());
    };
    let layers = lines.into_iter().map(Layer::Line).collect();
    let axes = Axes::new(images_axis(rows), log_axis(label, range), layers);
    Ok(Panel::axes(title, axes.with_aspect(0.8)))
}

/// A logarithmic axis with several labels, however short its range is.
fn log_axis(label: &str, range: (f64, f64)) -> Axis {
    let axis = Axis::log(label, range);
    let divided = ticks::ones_twos_fives(range);
    match divided.len() {
        0..=2 => axis.with_major(ticks::linear(range, 4)).with_minor(vec![]),
        3..=8 => axis.with_major(divided),
        _ => axis.with_major(ticks::sparse_decades(range, 8)),
    }
}

/// What of a quantity a logarithmic axis can show.
fn curve(quantity: &Quantity, rows: &[ScalingRow]) -> Option<Line> {
    let values = rows.iter().map(quantity.value);
    let y: Vec<f64> = values
        .map(|value| if value > 0.0 { value } else { f64::NAN })
        .collect();
    let some = y.iter().any(|value| !value.is_nan());
    let x = rows.iter().map(|row| f64::from(row.images)).collect();
    let line = Line::new(x, y, quantity.colour).named(quantity.name);
    some.then_some(Line {
        marker: Some(Marker::new(quantity.marker)),
        ..line
    })
}

/// A power law from the fewest images to the most; its exponent stands in the legend.
fn fit(quantity: &Quantity, law: &PowerLawRow, rows: &[ScalingRow]) -> Line {
    let ends = [rows.first(), rows.last()].into_iter().flatten();
    let x: Vec<f64> = ends.map(|row| f64::from(row.images)).collect();
    let value = |images: &f64| law.coefficient * images.powf(law.exponent);
    let half = law.exponent_half_width;
    let half = half.map(|half| format!(" ± {}", ticks::decimal(half, 2)));
    let exponent = format!(
        "{}{}",
        ticks::decimal(law.exponent, 2),
        half.unwrap_or_default()
    );
    let y = x.iter().map(value).collect();
    let line = Line::new(x, y, quantity.colour);
    Line {
        dash: Dash::Dashed,
        width: 1.2,
        ..line.named(format!(
            "{} loss, fitted: images^{{{exponent}}}",
            quantity.name
        ))
    }
}

/// A range around positive values with a margin of the same ratio on both sides; `None` without values.
fn ratio_range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let margin = (high / low).powf(0.08).max(1.05);
    (low <= high).then_some((low / margin, high * margin))
}

/// A logarithmic axis ticked at the numbers of images, as far as they have room.
fn images_axis(rows: &[ScalingRow]) -> Axis {
    let images = || rows.iter().map(|row| row.images);
    let range = ratio_range(images().map(f64::from)).unwrap_or((1.0, 2.0));
    let length = (range.1 / range.0).ln();
    let mut major: Vec<Tick> = Vec::new();
    for images in images() {
        let at = f64::from(images);
        let clear = |tick: &Tick| (at / tick.at).ln() >= TICK_GAP * length;
        if major.last().is_none_or(clear) {
            major.push(Tick::new(at, ticks::grouped(u64::from(images))));
        }
    }
    Axis::log("Training images", range)
        .with_major(major)
        .with_minor(vec![])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(images: u32) -> ScalingRow {
        ScalingRow {
            images,
            models: 1,
            train_loss_nats: 0.1,
            train_accuracy_fraction: 0.9,
            test_loss_nats: 0.2,
            test_accuracy_fraction: 0.8,
        }
    }

    #[test]
    fn numbers_of_images_that_crowd_have_one_tick() {
        let texts = |images: &[u32]| -> Vec<String> {
            let rows: Vec<ScalingRow> = images.iter().copied().map(row).collect();
            let major = images_axis(&rows).major;
            major.into_iter().map(|tick| tick.text).collect()
        };
        assert_eq!(texts(&[3750, 7500, 15_000]), ["3,750", "7,500", "15,000"]);
        assert_eq!(texts(&[100, 101, 102, 60_000]), ["100", "60,000"]);
        assert_eq!(texts(&[500]), ["500"]);
    }

    #[test]
    fn ranges_of_ratios_hold_their_values() {
        let (low, high) = ratio_range([2.0, 8.0].into_iter()).expect("a range");
        assert!(low < 2.0 && high > 8.0 && (low * high - 16.0).abs() < 1e-9);
        assert_eq!(ratio_range(std::iter::empty()), None);
    }
}
