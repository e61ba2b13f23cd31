//! Progress on a terminal: one bar for each running task and one for the whole run.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lines::{Lines, duration, line};
use super::{Notification, Observer, RunCounts, RunEvent};

/// How often the bars are redrawn when nothing happens.
const REDRAW: Duration = Duration::from_millis(250);

/// An observer for standard error: bars that are redrawn, or plain lines.
pub fn stderr_observer(redraws: bool) -> Box<dyn Observer> {
    match redraws {
        true => Box::new(Bars::new(MultiProgress::new())),
        false => Box::new(Lines::new(std::io::stderr())),
    }
}

/// Draws bars; they vanish when this is dropped, the lines of ended tasks stay.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    whole: ProgressBar,
    tasks: BTreeMap<usize, ProgressBar>,
    /// The time left, in words.
    left: String,
    /// What runs and waits on a cluster; empty for nothing.
    elsewhere: String,
}

impl Bars {
    /// Draws on `all`, which the caller can share with its log.
    pub fn new(all: MultiProgress) -> Self {
        let whole = all.add(ProgressBar::new(0));
        whole.set_style(style("{bar:24} {pos}/{len} tasks  {elapsed} {msg}"));
        Self {
            all,
            whole,
            tasks: BTreeMap::new(),
            left: String::new(),
            elsewhere: String::new(),
        }
    }

    fn start(&mut self, notification: &Notification<'_>) {
        let bar = self.all.insert_before(&self.whole, ProgressBar::new(0));
        bar.set_style(style("{spinner} {prefix} {wide_msg}"));
        bar.set_prefix(notification.task.id.clone());
        bar.enable_steady_tick(REDRAW);
        self.tasks.insert(notification.index, bar);
    }

    fn progress(&self, index: usize, done: u64, total: u64, unit: &str, message: &str) {
        let Some(bar) = self.tasks.get(&index) else {
            return;
        };
        if bar.length() != Some(total) {
            bar.set_style(style("{spinner} {prefix} {bar:16} {pos}/{len} {wide_msg}"));
            bar.set_length(total);
        }
        bar.set_position(done);
        bar.set_message(format!("{unit}  {message}"));
    }

    fn end(&mut self, index: usize) {
        if let Some(bar) = self.tasks.remove(&index) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    fn show_counts(&mut self, counts: RunCounts) {
        self.whole.set_length(counts.total as u64);
        self.whole.set_position(counts.done as u64);
        self.left = format!("about {} left", duration(counts.seconds_left));
        self.show_left();
        self.whole.enable_steady_tick(REDRAW);
    }

    fn show_left(&self) {
        self.whole
            .set_message(format!("{}{}", self.left, self.elsewhere));
    }
}

impl Observer for Bars {
    fn notify(&mut self, notification: &Notification<'_>) {
        match notification.event {
            RunEvent::Started => self.start(notification),
            RunEvent::Progress {
                done,
                total,
                unit,
                message,
            } => {
                self.progress(notification.index, done, total, unit, message);
            }
            RunEvent::Finished { .. } | RunEvent::Failed { .. } | RunEvent::Stopped => {
                self.end(notification.index)
            }
            // The whole bar counts what is elsewhere: that may be thousands of tasks.
            RunEvent::StartedElsewhere
            | RunEvent::Requeued
            | RunEvent::Warning { .. }
            | RunEvent::Reused
            | RunEvent::Taken { .. } => {}
        }
        if let Some(line) = line(notification) {
            // A terminal that is gone does not stop the run.
            let _ = self.all.println(line);
        }
        self.show_counts(notification.counts);
    }

    fn note(&mut self, text: &str) {
        let _ = self.all.println(text);
    }

    fn time_left(&mut self, seconds: f64) {
        self.left = format!("about {} left", duration(seconds));
        self.show_left();
    }

    fn elsewhere(&mut self, running: usize, queued: usize) {
        self.elsewhere = match running + queued {
            0 => String::new(),
            _ => format!("; on the cluster {running} run, {queued} wait"),
        };
        self.show_left();
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.whole.finish_and_clear();
    }
}

/// A style from a fixed template (which the test below parses).
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in [
            "{bar:24} {pos}/{len} tasks  {elapsed} {msg}",
            "{spinner} {prefix} {wide_msg}",
            "{spinner} {prefix} {bar:16} {pos}/{len} {wide_msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
