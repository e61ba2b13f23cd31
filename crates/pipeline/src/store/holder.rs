//! Who holds the lock of a run, as its file says: what machines know of each other whose file system locks for each alone.
//!
//! ```text
//! 4711        the process
//! login1      its machine
//! 12          its pulse, a number that grows while it lives
//! ```
//!
//! The file is empty when nobody holds the lock. A holder on this machine that is dead has lost its lock, whatever the file
//! says. One on another machine counts as dead when its pulse has not changed for a while.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use eigenscope_artifact::regular;

/// Time between two beats.
const BEAT: Duration = Duration::from_secs(4);

/// A holder on another machine that is silent for so long is dead.
pub(super) const SILENCE: Duration = Duration::from_secs(13);

/// Time between two looks at the file of another holder.
const LOOK: Duration = Duration::from_millis(200);

/// Most of the file that is read, in bytes.
const MOST: u64 = 1024;

/// What the file of a lock says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: u32,
    /// Empty in files of earlier versions.
    pub(super) host: String,
    pulse: u64,
}

impl Holder {
    /// Reads the file; `None` if it names nobody.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut text = String::new();
        let file = regular::open(path).ok()?;
        file.take(MOST).read_to_string(&mut text).ok()?;
        let mut lines = text.lines();
        Some(Self {
            pid: lines.next()?.trim().parse().ok()?,
            host: lines.next().unwrap_or_default().to_owned(),
            pulse: lines.next().and_then(|line| line.parse().ok()).unwrap_or(0),
        })
    }

    /// Returns whether it is known to be on another machine than `host`.
    pub(super) fn is_elsewhere(&self, host: &str) -> bool {
        !self.host.is_empty() && self.host != host
    }

    /// Waits for a sign of life, for at most `silence`.
    pub(super) fn is_alive(&self, path: &Path, silence: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < silence {
            std::thread::sleep(LOOK);
            match Self::read(path) {
                // It has ended well.
                None => return false,
                Some(now) if now != *self => return true,
                Some(_) => {}
            }
        }
        false
    }

    fn write(&self, mut file: &File) -> io::Result<()> {
        let Self { pid, host, pulse } = self;
        let text = format!("{pid}\n{host}\n{pulse}\n");
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }
}

/// Writes signs of life into the file of a lock until it is dropped; then the file names nobody.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Dropping it ends the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    /// Names this process, on the machine `host`, in the file.
    pub(super) fn start(file: &File, host: String) -> io::Result<Self> {
        let mut holder = Holder {
            pid: std::process::id(),
            host,
            pulse: 0,
        };
        holder.write(file)?;
        let file = file.try_clone()?;
        let (end, ended) = channel();
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                holder.pulse += 1;
                // A disk that is full for a moment is no reason to stop: the run itself will say so.
                let _ = holder.write(&file);
            }
            let _ = file.set_len(0);
        });
        Ok(Self {
            end: Some(end),
            thread: Some(thread),
        })
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_elsewhere_lives_as_long_as_its_pulse() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let file = File::create(&path).expect("created");
        assert_eq!(Holder::read(&path), None, "nobody");
        let mut other = Holder {
            pid: 7,
            host: "n1".to_owned(),
            pulse: 1,
        };
        other.write(&file).expect("written");
        let seen = Holder::read(&path).expect("somebody");
        assert_eq!(seen, other);
        assert!(seen.is_elsewhere("n2") && !seen.is_elsewhere("n1"));
        assert!(!seen.is_alive(&path, LOOK * 3), "it is silent");
        other.pulse = 2;
        other.write(&file).expect("written");
        assert!(seen.is_alive(&path, LOOK * 3));
        file.set_len(0).expect("emptied");
        assert!(!seen.is_alive(&path, LOOK * 3), "it has ended");
    }

    #[test]
    fn earlier_versions_wrote_a_number_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        std::fs::write(&path, "4711\n").expect("written");
        let holder = Holder::read(&path).expect("somebody");
        assert_eq!(holder.pid, 4711);
        assert!(!holder.is_elsewhere("n1"));
    }

    #[test]
    fn the_file_names_nobody_afterwards() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let file = File::create(&path).expect("created");
        let pulse = Pulse::start(&file, "n1".to_owned()).expect("started");
        let holder = Holder::read(&path).expect("somebody");
        assert_eq!(
            (holder.pid, holder.host.as_str()),
            (std::process::id(), "n1")
        );
        drop(pulse);
        assert_eq!(Holder::read(&path), None);
    }
}
