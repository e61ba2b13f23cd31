//! The timeline of a run: the tasks by thread and time, and the load of the cores.
//!
//! Its input is a ledger, which no pipeline contains; `eigenscope timeline` provides it.

use eigenscope_artifact::tables::ledger::LedgerRow;
use eigenscope_stage::{Context, Role, Stage, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use eigenscope_figure::text::Font;
use eigenscope_figure::{
    Axes, Axis, Band, Figure, Layer, Legend, Panel, Rgb, TICK_LABEL, Texts, Tick, ticks,
};

/// Width of the drawing, px.
const WIDTH: f64 = 960.0;
/// Smallest width of a plot in it, px.
const PLOT_WIDTH: f64 = 740.0;
/// Distance between the ends of a bar and its text, px.
const TEXT_MARGIN: f64 = 4.0;
/// Height of a bar, relative to its lane.
const BAR: f64 = 0.86;
/// Heights of a lane and of the load, relative to the width of the plots.
const LANE: f64 = 0.05;
const LOAD: f64 = 0.18;
/// Greatest height of all lanes, and smallest height of a lane with names, relative to the width of the plots.
const LANES: f64 = 2.0;
const NAMED_LANE: f64 = 0.02;
/// Gap between bars of a lane, relative to the duration of the run.
const GAP: f64 = 0.001;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "timeline",
        "tasks of a run by thread and time",
        task_function!(run),
    )
    .reads(Role::one("ledger", LedgerRow::KIND, "ledger of one run"))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let mut rows: Vec<LedgerRow> = context.read("ledger")?;
    if rows.is_empty() {
        return Err("the ledger has no tasks: nothing ran".into());
    }
    rows.sort_by(|a, b| a.start_seconds.total_cmp(&b.start_seconds));
    write(context, draw(&rows)?)
}

/// A task with the lanes that it occupies, one for each thread.
struct Bar<'a> {
    row: &'a LedgerRow,
    end_seconds: f64,
    lanes: Vec<usize>,
}

/// Assigns to each task the lowest lanes that are free when it starts. `rows` are in the order of their starts.
fn bars(rows: &[LedgerRow]) -> Vec<Bar<'_>> {
    let mut free_from: Vec<f64> = Vec::new();
    let mut bars = Vec::new();
    for row in rows {
        let end_seconds = row.start_seconds + row.wall_seconds;
        let mut lanes = Vec::new();
        for lane in 0.. {
            if lane == free_from.len() {
                free_from.push(0.0);
            }
            if free_from[lane] <= row.start_seconds {
                free_from[lane] = end_seconds;
                lanes.push(lane);
            }
            if lanes.len() >= row.threads.max(1) as usize {
                break;
            }
        }
        bars.push(Bar {
            row,
            end_seconds,
            lanes,
        });
    }
    bars
}

/// Unit of the time axis.
struct Unit {
    name: &'static str,
    seconds: f64,
}

impl Unit {
    fn of(total_seconds: f64) -> Self {
        let (name, seconds) = match total_seconds {
            ..300.0 => ("seconds", 1.0),
            ..10_800.0 => ("minutes", 60.0),
            _ => ("hours", 3600.0),
        };
        Self { name, seconds }
    }
}

fn draw(rows: &[LedgerRow]) -> Result<Figure, TaskError> {
    let bars = bars(rows);
    let total = bars.iter().map(|bar| bar.end_seconds).fold(0.0, f64::max);
    let cores = rows.iter().map(|row| row.host_cores).max().unwrap_or(1);
    let cpu: f64 = rows.iter().filter_map(|row| row.cpu_seconds).sum();
    let idle = 1.0 - cpu / (total * f64::from(cores)).max(f64::MIN_POSITIVE);
    let unit = Unit::of(total);
    let time = Axis::linear(format!("Time ({})", unit.name), (0.0, total / unit.seconds));
    let panels = vec![
        tasks(&bars, total, &unit, time.clone())?,
        busy(&bars, cores, &unit, time),
    ];
    let title = format!(
        "{}: {} tasks in {}, {:.2} core-hours, cores {:.1} % idle",
        rows[0].pipeline,
        rows.len(),
        duration(total),
        cpu / 3600.0,
        100.0 * idle.max(0.0)
    );
    let description = format!(
        "A bar for each task in the lane of each thread it had for itself, and how many of {cores} cores the \
         running tasks kept busy: CPU time over duration, summed over tasks."
    );
    let figure = Figure::new(title, description, WIDTH, 1, panels);
    Ok(figure.with_legend(Legend::below("")))
}

/// Formats a duration, such as "12 min 05 s".
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) => format!("{seconds:.1} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

fn tasks(bars: &[Bar<'_>], total: f64, unit: &Unit, time: Axis) -> Result<Panel, TaskError> {
    let lanes = bars
        .iter()
        .flat_map(|bar| &bar.lanes)
        .max()
        .map_or(1, |lane| lane + 1);
    let mut layers = Vec::new();
    for (index, section) in Stage::ALL.iter().enumerate() {
        for lane in 0..lanes {
            let own = bars
                .iter()
                .filter(|bar| bar.row.section == section.name() && bar.lanes.contains(&lane));
            layers.extend(
                lane_of_bars(own, lane, total, unit).map(|(x, lower, upper)| {
                    let mut band = Band::new(x, lower, upper, Rgb::categorical(index));
                    band.opacity = 1.0;
                    band.name = Some(section.name().to_owned());
                    Layer::Band(band)
                }),
            );
        }
    }
    let lane = LANE.min(LANES / lanes as f64);
    if lane >= NAMED_LANE {
        let names = names(bars, total, unit)?;
        layers.extend((!names.texts.is_empty()).then_some(Layer::Texts(names)));
    }
    let middles = (0..lanes).map(|lane| Tick::new(lane as f64 + 0.5, (lane + 1).to_string()));
    let threads = Axis::linear("Thread", (0.0, lanes as f64)).with_major(middles.collect());
    let axes = Axes::new(time, threads.reversed(), layers);
    Ok(Panel::axes("Tasks", axes.with_aspect(lane * lanes as f64)))
}

/// Edges of the bars in one lane, with gaps between them; `None` without bars.
#[allow(clippy::type_complexity, reason = "x, lower and upper edge")]
fn lane_of_bars<'a>(
    bars: impl Iterator<Item = &'a Bar<'a>>,
    lane: usize,
    total: f64,
    unit: &Unit,
) -> Option<(Vec<f64>, Vec<f64>, Vec<f64>)> {
    let (mut x, mut lower, mut upper) = (Vec::new(), Vec::new(), Vec::new());
    let margin = (1.0 - BAR) / 2.0;
    for bar in bars {
        let start = bar.row.start_seconds;
        let end = (bar.end_seconds - GAP * total)
            .max(start + GAP * total)
            .min(total);
        x.extend([start, end, end].map(|seconds| seconds / unit.seconds));
        lower.extend([lane as f64 + margin, lane as f64 + margin, f64::NAN]);
        upper.extend([
            (lane + 1) as f64 - margin,
            (lane + 1) as f64 - margin,
            f64::NAN,
        ]);
    }
    (!x.is_empty()).then_some((x, lower, upper))
}

/// Names in the bars that have room for them.
fn names(bars: &[Bar<'_>], total: f64, unit: &Unit) -> Result<Texts, TaskError> {
    let font = Font::bundled()?;
    let mut names = Texts {
        x: Vec::new(),
        y: Vec::new(),
        texts: Vec::new(),
        colour: eigenscope_figure::INK,
        beside: false,
    };
    for bar in bars {
        let room = PLOT_WIDTH * bar.row.wall_seconds / total - 2.0 * TEXT_MARGIN;
        let task = bar.row.task.as_str();
        let short = task.split_once('.').map_or("", |(_, short)| short);
        let labels = task.split_once('[').map_or("", |(_, labels)| labels);
        let labels = labels.trim_end_matches(']');
        let mut fitting = None;
        for name in [task, short, labels] {
            if fitting.is_none() && !name.is_empty() && font.widest([name], TICK_LABEL)? <= room {
                fitting = Some(name);
            }
        }
        if let (Some(name), Some(&lane)) = (fitting, bar.lanes.first()) {
            let middle = (bar.row.start_seconds + bar.end_seconds) / 2.0;
            names.x.push(middle / unit.seconds);
            names.y.push(lane as f64 + 0.5);
            names.texts.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The load: CPU time over duration of the running tasks.
fn busy(bars: &[Bar<'_>], cores: u32, unit: &Unit, time: Axis) -> Panel {
    let mut changes: Vec<(f64, f64)> = Vec::new();
    for bar in bars {
        let seconds = bar.row.wall_seconds;
        if let Some(cpu) = bar.row.cpu_seconds.filter(|_| seconds > 0.0) {
            changes.push((bar.row.start_seconds, cpu / seconds));
            changes.push((bar.end_seconds, -cpu / seconds));
        }
    }
    changes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut x, mut y) = (vec![0.0], vec![0.0]);
    let mut level: f64 = 0.0;
    for (seconds, change) in changes {
        x.extend([seconds / unit.seconds; 2]);
        y.push(level.max(0.0));
        level += change;
        y.push(level.max(0.0));
    }
    let zero = vec![0.0; x.len()];
    let mut band = Band::new(x, zero, y, Rgb::categorical(0).mix(Rgb::NEUTRAL, 0.5));
    band.opacity = 0.5;
    let range = (0.0, f64::from(cores) * 1.05);
    let cores =
        Axis::linear("Cores busy", range).with_major(ticks::linear((0.0, f64::from(cores)), 4));
    let axes = Axes::new(time, cores, vec![Layer::Band(band)]);
    Panel::axes("Load", axes.with_aspect(LOAD))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(start_seconds: f64, wall_seconds: f64, threads: u32) -> LedgerRow {
        LedgerRow {
            run: "run".to_owned(),
            pipeline: "test".to_owned(),
            task: "train.model[seed=1]".to_owned(),
            key: "key".to_owned(),
            section: "train".to_owned(),
            kind: "bilinear".to_owned(),
            start_seconds,
            wall_seconds,
            cpu_seconds: Some(wall_seconds * f64::from(threads)),
            peak_bytes: None,
            threads,
            outcome: "done".to_owned(),
            host_cores: 4,
        }
    }

    #[test]
    fn tasks_take_the_lowest_free_lanes() {
        let rows = [
            row(0.0, 4.0, 1),
            row(0.0, 1.0, 2),
            row(1.0, 1.0, 1),
            row(2.0, 1.0, 2),
        ];
        let lanes: Vec<_> = bars(&rows).into_iter().map(|bar| bar.lanes).collect();
        assert_eq!(lanes, [vec![0], vec![1, 2], vec![1], vec![1, 2]]);
    }

    #[test]
    fn the_title_tells_how_idle_the_cores_were() {
        // 8 core-seconds of 4 x 4.
        let figure = draw(&[row(0.0, 4.0, 1), row(0.0, 2.0, 2)]).expect("drawn");
        assert_eq!(
            figure.title,
            "test: 2 tasks in 4.0 s, 0.00 core-hours, cores 50.0 % idle"
        );
        assert_eq!(duration(3725.0), "1 h 02 min");
        assert_eq!(duration(725.4), "12 min 05 s");
    }
}
