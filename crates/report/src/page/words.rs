//! Texts of the page.

use std::collections::BTreeMap;

use eigenscope_report_file::{ReportFile, ReportOutput, ReportVerdict, TaskState};
use serde_json::Value;

/// Name of a state.
fn state(state: &TaskState) -> &'static str {
    match state {
        TaskState::Current { .. } => "current",
        TaskState::Stale { .. } => "stale",
        TaskState::Blocked { .. } => "waiting",
    }
}

/// Reasons why a result is not up to date.
pub(super) fn reasons(state: &TaskState) -> &[String] {
    match state {
        TaskState::Current { .. } => &[],
        TaskState::Stale { reasons } | TaskState::Blocked { reasons } => reasons,
    }
}

/// Warnings about a result that is up to date.
pub(super) fn warnings(state: &TaskState) -> &[String] {
    match state {
        TaskState::Current { warnings, .. } => warnings,
        TaskState::Stale { .. } | TaskState::Blocked { .. } => &[],
    }
}

/// Key of a result that is up to date.
pub(super) fn key(state: &TaskState) -> Option<&str> {
    match state {
        TaskState::Current { key, .. } => Some(key),
        TaskState::Stale { .. } | TaskState::Blocked { .. } => None,
    }
}

/// An output of a result that is up to date.
pub(super) fn output<'a>(state: &'a TaskState, kind: &str) -> Option<&'a ReportOutput> {
    match state {
        TaskState::Current { outputs, .. } => outputs.get(kind),
        TaskState::Stale { .. } | TaskState::Blocked { .. } => None,
    }
}

/// Kinds of machines, other than that of this store, that computed results.
pub(super) fn machines(file: &ReportFile) -> BTreeMap<&str, usize> {
    let mut machines = BTreeMap::new();
    for task in &file.tasks {
        if let TaskState::Current {
            computed_on: Some(machine),
            ..
        } = &task.state
        {
            *machines.entry(machine.as_str()).or_default() += 1;
        }
    }
    machines
}

/// A label's value without the quotes of JSON.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number with four significant digits.
pub(super) fn digits(value: f64) -> String {
    let magnitude = match value.abs() {
        0.0 => 0.0,
        size => size.log10().floor(),
    };
    let text = match magnitude {
        -4.0..4.0 => format!("{value:.*}", (3.0 - magnitude) as usize),
        _ => format!("{value:.3e}"),
    };
    number(&text)
}

/// A size in bytes with its unit.
pub(super) fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 1e3 => format!("{bytes} B"),
        bytes if bytes < 1e6 => format!("{:.1} kB", bytes / 1e3),
        bytes if bytes < 1e9 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.1} GB", bytes / 1e9),
    }
}

/// A duration in seconds with its unit.
pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 10.0 => format!("{seconds:.2} s"),
        seconds if seconds < 600.0 => format!("{seconds:.0} s"),
        seconds if seconds < 36e3 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

/// How long all tasks took together, if the page says so.
pub(super) fn total_duration(file: &ReportFile) -> Option<String> {
    let seconds: Vec<f64> = file.tasks.iter().filter_map(|task| task.seconds).collect();
    (!seconds.is_empty()).then(|| duration(seconds.iter().sum()))
}

/// Fingerprint of the code that computed a result which was accepted for other code.
pub(super) fn accepted_from(state: &TaskState) -> Option<&String> {
    match state {
        TaskState::Current { accepted_from, .. } => accepted_from.first(),
        TaskState::Stale { .. } | TaskState::Blocked { .. } => None,
    }
}

/// The state in a box, coloured by its meaning, as HTML.
pub(super) fn badge(state: &TaskState) -> String {
    let word = self::state(state);
    format!("<span class=\"badge {word}\">{word}</span>")
}

/// A number with the sign of typography; a dash if there is none.
pub(super) fn number(text: &str) -> String {
    match text {
        "" => "–".to_owned(),
        text => typeset(text).replace('-', "−"),
    }
}

/// A text of a file of published numbers with the signs of typography: powers and bounds are typed there.
pub(super) fn typeset(text: &str) -> String {
    let signs = [(">=", "≥"), ("<=", "≤"), ("^2", "²"), ("^3", "³")];
    let replaced = |text: String, (typed, sign)| text.replace(typed, sign);
    signs.into_iter().fold(text.to_owned(), replaced)
}

/// A summary of the page in a sentence or two.
pub(super) fn summary(file: &ReportFile) -> String {
    let all = file.tasks.len();
    let is_current = |state: &TaskState| matches!(state, TaskState::Current { .. });
    let current = file
        .tasks
        .iter()
        .filter(|task| is_current(&task.state))
        .count();
    let figures = file.tasks.iter().filter(|task| task.figure.is_some());
    let missing = figures
        .clone()
        .filter(|task| !is_current(&task.state))
        .count();
    let mut text = format!("{} figures; ", figures.count());
    if missing > 0 {
        text.push_str(&format!("{missing} of them not up to date and left out; "));
    }
    match all - current {
        0 => text.push_str(&format!("all {all} tasks are up to date.")),
        _ => text.push_str(&format!("{current} of {all} tasks are up to date.")),
    }
    if let Some(comparison) = &file.comparison {
        let count = |accept: fn(&ReportVerdict) -> bool| {
            comparison
                .rows
                .iter()
                .filter(|row| accept(&row.verdict))
                .count()
        };
        text.push_str(&format!(
            " {}: {} ok, {} off, {} without a number of ours.",
            comparison.title,
            count(|verdict| *verdict == ReportVerdict::Ok),
            count(|verdict| *verdict == ReportVerdict::Off),
            count(|verdict| matches!(verdict, ReportVerdict::Missing(_)))
        ));
    }
    text
}

/// A command line of these words, quoted for POSIX shells.
pub(super) fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain =
        |character: char| character.is_ascii_alphanumeric() || "_-./=,:@%+".contains(character);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_and_bounds_have_the_signs_of_typography() {
        assert_eq!(number(">= -0.8"), "≥ −0.8");
        assert_eq!(number("<= 0.1"), "≤ 0.1");
        assert_eq!(
            typeset("A3 MLP: r^2, first-layer"),
            "A3 MLP: r², first-layer"
        );
    }

    #[test]
    fn numbers_have_four_digits() {
        let texts = [
            0.0,
            0.012_345_6,
            1.0,
            12.345_6,
            -2.0,
            1234.56,
            98765.4,
            1e-7,
        ]
        .map(digits);
        let right = [
            "0.000",
            "0.01235",
            "1.000",
            "12.35",
            "−2.000",
            "1235",
            "9.877e4",
            "1.000e−7",
        ];
        assert_eq!(texts, right);
    }

    #[test]
    fn commands_are_quoted_for_shells() {
        let words = ["eigenscope", "run", "digits", "figure.map[x='a b']", ""];
        assert_eq!(
            command(words),
            r"eigenscope run digits 'figure.map[x='\''a b'\'']' ''"
        );
    }
}
