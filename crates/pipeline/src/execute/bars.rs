//! Progress on a terminal: one bar for each running task and one for the whole run.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::lines::{Lines, duration, line};
use super::{Notification, Observer, RunCounts, RunEvent};
use crate::tone::fitted;
use crate::wrapping::{cut, lines_within};

/// How often the bars are redrawn when nothing happens.
const REDRAW: Duration = Duration::from_millis(250);

/// Columns of a bar of a task.
const BAR: usize = 16;

/// Asks for the width of the terminal that lines are shown on; `None` where there is none.
pub type Width = fn() -> Option<usize>;

/// An observer for standard error: bars that are redrawn, or plain lines; with or without colours.
pub fn stderr_observer(redraws: bool, colours: bool, width: Width) -> Box<dyn Observer> {
    match redraws {
        true => Box::new(Bars::new(MultiProgress::new(), colours, width)),
        false => Box::new(Lines::new(std::io::stderr(), width)),
    }
}

/// Draws bars; they vanish when this is dropped, the lines of ended tasks stay.
#[derive(Debug)]
pub struct Bars {
    all: MultiProgress,
    colours: bool,
    width: Width,
    whole: ProgressBar,
    tasks: BTreeMap<usize, ProgressBar>,
    /// The time left, in words.
    left: String,
    /// What runs and waits on a cluster; empty for nothing.
    elsewhere: String,
}

impl Bars {
    /// Draws on `all`, which the caller can share with its log.
    pub fn new(all: MultiProgress, colours: bool, width: Width) -> Self {
        let whole = all.add(ProgressBar::new(0));
        whole.set_style(style(WHOLE));
        Self {
            all,
            colours,
            width,
            whole,
            tasks: BTreeMap::new(),
            left: String::new(),
            elsewhere: String::new(),
        }
    }

    fn start(&mut self, notification: &Notification<'_>) {
        let bar = self.all.insert_before(&self.whole, ProgressBar::new(0));
        bar.set_style(style(STARTED));
        bar.set_prefix(self.name(&notification.task.id, 0));
        bar.enable_steady_tick(REDRAW);
        self.tasks.insert(notification.index, bar);
    }

    /// The name of a task in what a line has room for beside the spinner and so many columns.
    fn name(&self, id: &str, columns: usize) -> String {
        match (self.width)() {
            Some(width) => cut(id, width.saturating_sub(columns + 3)),
            None => id.to_owned(),
        }
    }

    fn progress(&self, id: &str, index: usize, progress: (u64, u64), unit: &str, message: &str) {
        let Some(bar) = self.tasks.get(&index) else {
            return;
        };
        let (done, total) = progress;
        if bar.length() != Some(total) {
            let counts = 2 * total.to_string().len() + 1;
            bar.set_length(total);
            bar.set_style(style(COUNTED));
            bar.set_prefix(self.name(id, BAR + counts + 2));
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
        // Before the tasks are counted, the bar would be full.
        if self.whole.length() == Some(0) {
            return;
        }
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
                let id = &notification.task.id;
                self.progress(id, notification.index, (done, total), unit, message);
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
            self.note(&line);
        }
        self.show_counts(notification.counts);
    }

    fn note(&mut self, text: &str) {
        let lines = lines_within(text, (self.width)());
        // A terminal that is gone does not stop the run.
        let _ = self.all.println(fitted(&lines, self.colours));
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

/// The line of the whole run.
const WHOLE: &str = "{bar:24} {pos}/{len} tasks  {elapsed} {wide_msg}";
/// The line of a task that has not said how far it is.
const STARTED: &str = "{spinner} {prefix} {wide_msg}";
/// The line of a task that has.
const COUNTED: &str = "{spinner} {prefix} {bar:16} {pos}/{len} {wide_msg}";

/// A style from a fixed template (which the test below parses).
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_valid() {
        for template in [WHOLE, STARTED, COUNTED] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
        assert!(COUNTED.contains(&format!("{{bar:{BAR}}}")));
    }
}
