//! The name of this machine.

use std::process::{Command, Stdio};

/// The name of this machine, by which others know it; empty where nothing tells it.
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").or_else(|_| {
        // Where there is no `/proc`.
        let output = Command::new("hostname").stderr(Stdio::null()).output()?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&output.stdout).into_owned())
    });
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_that_of_the_system() {
        let uname = Command::new("uname").arg("-n").output().expect("it runs");
        let expected = String::from_utf8_lossy(&uname.stdout);
        assert_eq!(host_name(), expected.trim());
    }
}
