//! How many threads a running task may use: its own, and those that others leave idle for a while.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

/// Longest order that is read, in bytes; a longer one is cut and then not understood.
const LONGEST_ORDER: u64 = 4096;

/// What the orchestrator tells a running task, as a JSON line on its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// From now on it may use this many threads.
    Threads(usize),
}

/// The number of threads that a task may use now. Clones share it. Results must not depend on it.
#[derive(Debug, Clone)]
pub struct Allowance(Arc<AtomicUsize>);

impl Allowance {
    /// An allowance of so many threads.
    pub fn new(threads: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(threads)))
    }

    /// How many threads may be used now; at least one.
    pub fn threads(&self) -> usize {
        self.0.load(Ordering::Relaxed).max(1)
    }

    /// The number to start with, unless an order has come already.
    pub(crate) fn start_with(&self, threads: usize) {
        let orders = (Ordering::Relaxed, Ordering::Relaxed);
        // Whether there was an order does not matter.
        let _ = self.0.compare_exchange(0, threads, orders.0, orders.1);
    }

    /// Changes the number for all who share it.
    pub fn set(&self, threads: usize) {
        self.0.store(threads.max(1), Ordering::Relaxed);
    }

    /// Obeys orders until `reader` ends or fails. What is not an order is passed over.
    pub(crate) fn obey(&self, mut reader: impl BufRead) {
        let mut line = Vec::new();
        while matches!(read_order(&mut reader, &mut line), Ok(1..)) {
            if let Ok(Order::Threads(threads)) = serde_json::from_slice(&line) {
                self.set(threads);
            }
        }
    }
}

/// Replaces `line` by the next one, or by a piece of a line that is too long to be an order.
fn read_order(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    io::Read::take(reader, LONGEST_ORDER).read_until(b'\n', line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_order_counts_and_nonsense_does_not() {
        let order = serde_json::to_string(&Order::Threads(3)).expect("serialises");
        assert_eq!(order, r#"{"threads":3}"#);
        let allowance = Allowance::new(0);
        assert_eq!(allowance.threads(), 1);
        allowance.start_with(2);
        assert_eq!(allowance.threads(), 2);
        let long = "x".repeat(10_000);
        let text = format!("{{\"threads\":7}}\nnonsense\n{long}\n{{\"cores\":9}}\n{order}\n{{}}");
        allowance.clone().obey(text.as_bytes());
        allowance.start_with(2);
        assert_eq!(allowance.threads(), 3);
        allowance.obey(&b"{\"threads\":0}"[..]);
        assert_eq!(allowance.threads(), 1);
    }
}
