//! One file per command. Each returns the exit code of the program.

pub(crate) mod accept;
pub(crate) mod compare;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod lock;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod verify;

use std::io::Write;

/// Prints to standard output; a closed pipe (`eigenscope ... | head`) is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tells the user something on standard error; if nobody listens any more, that is no error either.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
