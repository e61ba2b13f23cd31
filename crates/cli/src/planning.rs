//! A line on standard error about how far a long planning is.

use std::io::Write;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use eigenscope_plan::progress::{Activity, Moment, Progress};

use crate::arguments::Terminal;
use crate::commands::plural;

/// Short plannings show nothing.
const FIRST: Duration = Duration::from_millis(700);

/// Time between two lines.
const REDRAWN: Duration = Duration::from_millis(200);
const PLAIN: Duration = Duration::from_secs(5);

/// What is shown at present.
static SHOWN: Mutex<Option<Progress>> = Mutex::new(None);

/// Starts to show what is counted by the progress that is returned.
pub(crate) fn show() -> Progress {
    end();
    let progress = Progress::default();
    let shown = progress.clone();
    let (sender, receiver) = channel::<()>();
    let redraws = Terminal::of_stderr().redraws;
    let thread = std::thread::spawn(move || {
        let mut pause = FIRST;
        let mut drawn = false;
        while receiver.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let line = line(shown.now());
            // Standard error that nobody reads stops nothing.
            let _ = match redraws {
                true => write!(std::io::stderr(), "\r{line}\x1b[K"),
                false => writeln!(std::io::stderr(), "{line}"),
            };
            drawn = redraws;
            pause = if redraws { REDRAWN } else { PLAIN };
        }
        if drawn {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    });
    progress.at_end(move || {
        drop(sender);
        // It ends at once; had it failed, there would be nothing to clear.
        let _ = thread.join();
    });
    *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress.clone());
    progress
}

/// Ends the line, if there is one, before something else is written.
pub(crate) fn end() {
    let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(progress) = shown {
        progress.finish();
    }
}

fn line(moment: Moment) -> String {
    let Moment {
        activity,
        tables,
        done,
        total,
    } = moment;
    let [done, total] = [done, total].map(grouped);
    match activity {
        Activity::Reading if tables == 0 => "reading the pipeline file".to_owned(),
        Activity::Reading => {
            let what = plural(tables, "table");
            format!("read {tables} {what}, {done} of {total} tasks")
        }
        Activity::Checking => format!("checking {total} tasks"),
        Activity::Surveying => format!("looked at {done} of {total} tasks"),
    }
}

/// A number with commas between thousands.
pub(crate) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let expected = ["0", "999", "1,000", "412,000", "1,000,001"];
        assert_eq!([0, 999, 1000, 412_000, 1_000_001].map(grouped), expected);
    }

    #[test]
    fn lines_say_what_is_done() {
        let moment = |activity, tables| Moment {
            activity,
            tables,
            done: 412_000,
            total: 1_000_000,
        };
        for (activity, tables, text) in [
            (Activity::Reading, 0, "reading the pipeline file"),
            (
                Activity::Reading,
                1,
                "read 1 table, 412,000 of 1,000,000 tasks",
            ),
            (
                Activity::Reading,
                2,
                "read 2 tables, 412,000 of 1,000,000 tasks",
            ),
            (Activity::Checking, 2, "checking 1,000,000 tasks"),
            (
                Activity::Surveying,
                2,
                "looked at 412,000 of 1,000,000 tasks",
            ),
        ] {
            assert_eq!(line(moment(activity, tables)), text);
        }
    }
}
