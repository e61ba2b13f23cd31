//! Texts of the page.

use eigenscope_report_file::{ReportFile, ReportVerdict, TaskState};

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
        text => text.replace('-', "−"),
    }
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
    fn commands_are_quoted_for_shells() {
        let words = ["eigenscope", "run", "digits", "figure.map[x='a b']", ""];
        assert_eq!(
            command(words),
            r"eigenscope run digits 'figure.map[x='\''a b'\'']' ''"
        );
    }
}
