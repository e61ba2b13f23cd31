//! Files that a command was asked to write.

use std::path::Path;

use anyhow::{Context, Result};
use eigenscope_pipeline::output;

/// Names of the standard output of this process. Whoever opens one of these paths again would write over what a shell has
/// redirected there.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Returns whether `path` means standard output.
pub(crate) fn is_stdout(path: &Path) -> bool {
    STDOUT.iter().any(|name| path == Path::new(name))
}

/// Writes `bytes` to `path`, whose folder is created if it is not there, or to standard output.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_stdout(path) {
        return super::print_bytes(bytes);
    }
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    Ok(output::write(path, bytes)?)
}

/// Creates a folder that is not there, and says so: its name may be misspelt.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    let is_there = folder.as_os_str().is_empty() || folder.is_dir();
    if !is_there {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        super::tell(&format!("created the folder {}", folder.display()));
    }
    Ok(())
}
