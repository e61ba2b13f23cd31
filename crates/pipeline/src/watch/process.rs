//! Which process a run is, and whether it is still there.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::host::host_name;

/// A process, as far as others on the same machine or elsewhere can tell it from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub host: String,
    pub pid: u32,
    /// Within which its number counts, where the system says so: containers of one host count for themselves.
    #[serde(default)]
    pub namespace: Option<String>,
    /// When it started, in a unit of the system: numbers of processes are given again.
    #[serde(default)]
    pub started: Option<u64>,
}

/// What is known about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    Alive,
    /// It has ended.
    Dead,
    /// It is on another host or in another container, where it cannot be seen.
    Elsewhere,
}

impl Process {
    pub fn this() -> Self {
        let pid = std::process::id();
        Self {
            host: host_name(),
            pid,
            namespace: namespace(),
            started: started(pid),
        }
    }

    pub fn liveness(&self) -> Liveness {
        if self.host != host_name() || self.namespace != namespace() {
            return Liveness::Elsewhere;
        }
        let is_there = match Path::new("/proc/self").exists() {
            true => started(self.pid).is_some_and(|started| self.started == Some(started)),
            false => is_listed(self.pid),
        };
        match is_there {
            true => Liveness::Alive,
            false => Liveness::Dead,
        }
    }
}

fn namespace() -> Option<String> {
    let link = std::fs::read_link("/proc/self/ns/pid").ok()?;
    Some(link.to_string_lossy().into_owned())
}

/// The 22nd field of `/proc/PID/stat` (proc_pid_stat(5)). The second one, in parentheses, may hold anything.
fn started(pid: u32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    // A process that has ended and was not waited for yet is a zombie.
    let state = fields.next()?;
    (state != "Z").then(|| fields.nth(18)?.parse().ok())?
}

/// Returns whether `ps` knows a process, where there is no `/proc`.
fn is_listed(pid: u32) -> bool {
    let mut ps = Command::new("ps");
    ps.args(["-p", &pid.to_string()]);
    ps.stdout(Stdio::null()).stderr(Stdio::null());
    ps.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_others_do_not() {
        let this = Process::this();
        assert_eq!(this.liveness(), Liveness::Alive);
        let mut other = this.clone();
        other.host.push('x');
        assert_eq!(other.liveness(), Liveness::Elsewhere);
        let mut child = Command::new("sleep").arg("100").spawn().expect("started");
        let seen = Process {
            pid: child.id(),
            started: started(child.id()),
            ..this.clone()
        };
        assert_eq!(seen.liveness(), Liveness::Alive);
        child.kill().expect("killed");
        child.wait().expect("ended");
        assert_eq!(seen.liveness(), Liveness::Dead);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_number_that_is_given_again_is_another_process() {
        let mut this = Process::this();
        this.started = this.started.map(|started| started - 1);
        assert_eq!(this.liveness(), Liveness::Dead);
    }
}
