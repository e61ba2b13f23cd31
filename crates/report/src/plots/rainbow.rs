//! Accuracy of networks drawn from the weight covariances of trained networks, beside that of the trained ones.

use eigenscope_artifact::read_records;
use eigenscope_artifact::tables::rainbow::{RainbowRow, RainbowSummaryRow};
use eigenscope_stage::{Agreement, Context, Input, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::chance::{Chance, accuracy_line, accuracy_range};
use eigenscope_figure::{
    Axes, Axis, Figure, Layer, Legend, Line, Marker, MarkerShape, Panel, Points, Rgb, ticks,
};

/// Colour of generated networks and of their mean.
const GENERATED: Rgb = Rgb::categorical(0);
/// Colour of the trained network.
const TRAINED: Rgb = Rgb::RED;
/// Height of a plot as wide as the figure, px.
const HEIGHT: f64 = 340.0;
/// Largest width of the figure, and smallest width of a model in a figure that is not as wide, px.
const LARGEST: f64 = 2400.0;
const PLACE: f64 = 24.0;
/// Most models whose accuracies are in the description.
const MOST_IN_WORDS: usize = 20;
/// Middle of the dots in the unit of length of each model.
const DOTS: f64 = 0.42;
/// Width over which the dots are spread.
const SPREAD: f64 = 0.3;
/// Position of mean and standard deviation.
const MEAN: f64 = 0.72;
/// Start and end of the line of the trained network.
const LINE: (f64, f64) = (0.2, 0.8);

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "rainbow",
        "accuracy of networks drawn from the weight covariances of trained ones",
        task_function!(run),
    )
    .reads(Role::many(
        "draws",
        RainbowRow::KIND,
        "accuracy of every network drawn",
    ))
    .reads(
        Role::many(
            "summary",
            RainbowSummaryRow::KIND,
            "mean and spread of these accuracies, of the same models in the same order",
        )
        .agrees(Agreement::task("summary", "draws")),
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let (draws, summaries) = (context.inputs("draws")?, context.inputs("summary")?);
    if draws.len() != summaries.len() {
        return Err(format!(
            "{} tables of draws and {} summaries, expected one of each for a model",
            draws.len(),
            summaries.len()
        )
        .into());
    }
    let models = labels::names(draws)
        .into_iter()
        .zip(draws.iter().zip(summaries))
        .map(|(name, (draws, summary))| Model::read(name, draws, summary))
        .collect::<Result<Vec<_>, _>>()?;
    let chance = Chance::of(&context.about("summary")?);
    write(context, draw(&models, chance))
}

/// A trained network and the networks drawn from it; accuracies in %.
struct Model {
    name: String,
    draws: Vec<f64>,
    trained: f64,
    mean: f64,
    std: Option<f64>,
}

impl Model {
    fn read(name: String, draws: &Input, summary: &Input) -> Result<Self, TaskError> {
        let rows: Vec<RainbowRow> = read_records(&draws.path)?;
        let summaries: Vec<RainbowSummaryRow> = read_records(&summary.path)?;
        let [row] = summaries.as_slice() else {
            let found = summaries.len();
            return Err(format!("{} has {found} rows, expected one", summary.task).into());
        };
        if !of_same_draws(&rows, row) {
            return Err(format!("the summary of {} is not that of its draws", draws.task).into());
        }
        Ok(Self {
            name,
            draws: rows
                .iter()
                .map(|row| 100.0 * row.accuracy_fraction)
                .collect(),
            trained: 100.0 * row.trained_accuracy_fraction,
            mean: 100.0 * row.generated_accuracy_mean_fraction,
            std: row.generated_accuracy_std_fraction.map(|std| 100.0 * std),
        })
    }

    /// The ends of mean ± one standard deviation.
    fn interval(&self) -> Option<[f64; 2]> {
        self.std.map(|std| [self.mean - std, self.mean + std])
    }

    fn layers(&self, place: usize) -> Vec<Layer> {
        let at = |fraction: f64| place as f64 + fraction;
        let trained = Line {
            width: 2.4,
            ..Line::new(vec![at(LINE.0), at(LINE.1)], vec![self.trained; 2], TRAINED)
        };
        let dots = Points {
            opacity: 0.55,
            ..Points::new(
                (0..self.draws.len())
                    .map(|draw| at(DOTS + spread(draw)))
                    .collect(),
                self.draws.clone(),
                GENERATED,
                Marker::dot(2.5),
            )
        };
        let mean = Points::new(
            vec![at(MEAN)],
            vec![self.mean],
            GENERATED,
            Marker {
                rim: false,
                ..Marker::new(MarkerShape::Diamond)
            },
        );
        let mut layers = vec![
            Layer::Line(trained.named("trained network")),
            Layer::Points(dots.named("generated network")),
        ];
        if let Some(ends) = self.interval() {
            layers.push(Layer::Line(Line::new(
                vec![at(MEAN); 2],
                ends.to_vec(),
                GENERATED,
            )));
        }
        layers.push(Layer::Points(mean.named("mean ± one standard deviation")));
        layers
    }

    fn accuracies(&self) -> impl Iterator<Item = f64> + Clone {
        let summary = [self.trained, self.mean].into_iter();
        let ends = self.interval().into_iter().flatten();
        self.draws.iter().copied().chain(summary).chain(ends)
    }

    fn in_words(&self) -> String {
        let std = self.std.map(|std| format!(" ± {}", ticks::decimal(std, 1)));
        format!(
            "{}: trained {} %, generated {}{} % (mean of {})",
            self.name,
            ticks::decimal(self.trained, 1),
            ticks::decimal(self.mean, 1),
            std.unwrap_or_default(),
            self.draws.len()
        )
    }
}

/// Whether a summary is that of these draws: as many, with the same smallest and largest accuracy.
fn of_same_draws(rows: &[RainbowRow], summary: &RainbowSummaryRow) -> bool {
    let accuracies = rows.iter().map(|row| row.accuracy_fraction);
    let smallest = accuracies.clone().fold(f64::INFINITY, f64::min);
    let largest = accuracies.fold(f64::NEG_INFINITY, f64::max);
    rows.len() == summary.draws as usize
        && smallest == summary.generated_accuracy_min_fraction
        && largest == summary.generated_accuracy_max_fraction
}

/// Distance of a dot from the middle: multiples of the golden ratio fill the width evenly for any number of dots.
fn spread(draw: usize) -> f64 {
    const GOLDEN_RATIO: f64 = 0.618_033_988_749_894_9;
    SPREAD * ((0.5 + draw as f64 * GOLDEN_RATIO).fract() - 0.5)
}

fn draw(models: &[Model], chance: Option<Chance>) -> Figure {
    let range = accuracy_range(models.iter().flat_map(Model::accuracies), chance);
    let guessed = accuracy_line((0.0, models.len() as f64), range, chance);
    let places = models.iter().enumerate();
    let layers = places
        .flat_map(|(place, model)| model.layers(place))
        .chain(guessed.map(Layer::Line))
        .collect();
    let x = Axis::categories("", models.iter().map(|model| model.name.as_str()));
    let y = Axis::linear("Accuracy (%)", range).with_major(ticks::linear(range, 7));
    let count = models.len() as f64;
    let width = (300.0 + 110.0 * count)
        .min(1000.0)
        .max(PLACE * count)
        .min(LARGEST);
    let axes = Axes::new(x, y, layers).with_aspect(HEIGHT / width);
    let shown = models.iter().take(MOST_IN_WORDS);
    let more = models.len().saturating_sub(MOST_IN_WORDS);
    let more = (more > 0).then(|| format!("{more} more"));
    let words: Vec<String> = shown.map(Model::in_words).chain(more).collect();
    Figure::new(
            "Networks generated from weight covariances",
            format!(
                "Test accuracy of networks whose weights were drawn at random with the covariances of a trained \
                 network's, and of the trained network. {}.{}",
                words.join("; "),
                Chance::in_words(chance)
            ),
            width,
            1,
            vec![Panel::axes("", axes)],
        )
    .with_legend(Legend::below(""))
}
