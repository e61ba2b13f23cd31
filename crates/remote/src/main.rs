//! The program `eigenscope-remote`: moves objects between files and stores such as S3, web servers and folders.
//!
//! It reads one request a line from standard input and writes one answer a line to standard output, as `eigenscope-remote-protocol`
//! describes. Credentials come from the usual variables of the environment or the machine's own identity, and are in no answer.

mod failure;
mod object;
mod open;
mod profile;
mod serve;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Fails only if there is a provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let Ok(runtime) = runtime else {
        return ExitCode::FAILURE;
    };
    let ended = runtime.block_on(serve::serve());
    // Reading standard input blocks a thread that nothing else can end.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
