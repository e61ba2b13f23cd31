//! Progress as plain lines: one for each task that ends.

use std::fmt::Write as _;
use std::io::Write;

use super::{Notification, Observer, RunEvent, Width};
use crate::tone::{Tone, fitted};
use crate::wrapping::lines_within;

/// Writes one line for each task that ends, and for each warning.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    width: Width,
}

impl<W: Write> Lines<W> {
    pub fn new(out: W, width: Width) -> Self {
        Self { out, width }
    }
}

impl<W: Write> Observer for Lines<W> {
    fn notify(&mut self, notification: &Notification<'_>) {
        if let Some(line) = line(notification) {
            self.note(&line);
        }
    }

    fn note(&mut self, text: &str) {
        let lines = lines_within(text, (self.width)());
        // Nobody reads: the run goes on.
        let _ = writeln!(self.out, "{}", fitted(&lines, false));
    }
}

/// The line for an event that deserves one.
pub(super) fn line(notification: &Notification<'_>) -> Option<String> {
    let counts = notification.counts;
    let id = &notification.task.id;
    let count = format!(
        "[{:>width$}/{}]",
        counts.done,
        counts.total,
        width = digits(counts.total)
    );
    match notification.event {
        RunEvent::Finished {
            seconds, message, ..
        } => {
            let mut line = format!("{count} {id}  {}", duration(seconds));
            if !message.is_empty() {
                // Writing to a string cannot fail.
                let _ = write!(line, "  {message}");
            }
            Some(line)
        }
        RunEvent::Taken { origin } => Some(format!("{count} {id}  taken {origin}")),
        RunEvent::Reused => Some(format!("{count} {id}  {}", Tone::Quiet.of("unchanged"))),
        RunEvent::Failed { failure } => Some(format!("{} {failure}", Tone::Bad.of("error:"))),
        RunEvent::Warning { message } => Some(format!("{id}: {message}")),
        RunEvent::Started
        | RunEvent::StartedElsewhere
        | RunEvent::Requeued
        | RunEvent::Progress { .. }
        | RunEvent::Stopped => None,
    }
}

/// A duration with the precision that matters.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..100 => format!("{seconds:.1} s"),
        100..6000 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let expected = ["0.3 s", "8.3 s", "99.4 s", "1 min 40 s", "1 h 40 min"];
        assert_eq!([0.3, 8.31, 99.4, 100.0, 6000.0].map(duration), expected);
    }
}
