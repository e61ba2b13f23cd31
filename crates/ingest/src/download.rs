//! Downloads of published files: several mirrors, retries, timeouts, a size limit, and no file under its
//! final name that has not been verified.
//!
//! A body is verified while it streams into a temporary file next to the destination; memory does not
//! grow with its size. TLS uses the root certificates of the machine. Plain HTTP is refused unless a test
//! allows it.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use eigenscope_artifact::ArtifactError;
use eigenscope_artifact::atomic::AtomicFile;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::error::{IngestError, Unavailable, with_causes};

/// Retries and time limits of a download.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Attempts at each address if the network or the server fails.
    pub attempts: u32,
    /// Pause before the second try; doubled before each further one.
    pub pause: Duration,
    /// Longest wait for the address of a name.
    pub resolve: Duration,
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest wait for the start of an answer.
    pub answer: Duration,
    /// Longest wait for more of the body.
    pub stall: Duration,
    /// Longest duration of one try.
    pub total: Duration,
    /// Whether addresses without TLS are allowed (tests against a local server).
    pub allow_http: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 3,
            pause: Duration::from_secs(1),
            resolve: Duration::from_secs(2),
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(20),
            stall: Duration::from_secs(30),
            total: Duration::from_secs(3600),
            allow_http: false,
        }
    }
}

/// An address that did not serve the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedMirror {
    /// The address; empty when no connection could be tried at all.
    pub url: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The cause of failure of the last attempt.
    pub reason: String,
}

/// The failure of every address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", describe(mirrors))]
pub struct DownloadError {
    /// The addresses in the order tried.
    pub mirrors: Vec<FailedMirror>,
}

fn describe(mirrors: &[FailedMirror]) -> String {
    let one = |mirror: &FailedMirror| match (mirror.url.as_str(), mirror.attempts) {
        ("", _) => mirror.reason.clone(),
        (url, 1) => format!("{url}: {}", mirror.reason),
        (url, attempts) => format!("{url} (tried {attempts} times): {}", mirror.reason),
    };
    mirrors.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A check of a body while it is read, given its address in place of a path.
pub type Verify<'a> = dyn Fn(&Path, &mut dyn Read) -> Result<(), IngestError> + 'a;

/// A file to download.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Addresses of equal content, in the order tried.
    pub urls: &'a [String],
    /// Where the file is placed; its folder is created.
    pub destination: &'a Path,
    /// Largest body accepted, in bytes.
    pub limit: u64,
}

/// Downloads a file to its destination. `progress` is called with the bytes done and the total (0 if unknown).
///
/// # Errors
/// Returns an error if no address serves a file that `verify` accepts, or the destination cannot be written. Then nothing is
/// left there, and a file that was there before still is.
pub fn download(
    request: &Request<'_>,
    policy: &Policy,
    verify: &Verify<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Unavailable> {
    let agent = agent(policy).map_err(|reason| {
        Unavailable::Failed(DownloadError {
            mirrors: vec![FailedMirror {
                url: String::new(),
                attempts: 0,
                reason,
            }],
        })
    })?;
    let mut mirrors = Vec::new();
    for url in request.urls {
        let mut attempts = 0;
        let reason = loop {
            attempts += 1;
            match attempt(&agent, url, request, verify, progress) {
                Ok(()) => {
                    tracing::info!(%url, destination = %request.destination.display(), "downloaded");
                    return Ok(());
                }
                Err(Failure::Destination(error)) => return Err(Unavailable::NoPlace(error)),
                Err(Failure::Passing(reason)) if attempts < policy.attempts => {
                    tracing::warn!(%url, attempts, %reason, "trying again");
                    std::thread::sleep(policy.pause * (1 << (attempts - 1).min(6)));
                }
                Err(Failure::Passing(reason) | Failure::Lasting(reason)) => break reason,
            }
        };
        tracing::warn!(%url, attempts, %reason, "given up");
        mirrors.push(FailedMirror {
            url: url.clone(),
            attempts,
            reason,
        });
    }
    Err(Unavailable::Failed(DownloadError { mirrors }))
}

fn agent(policy: &Policy) -> Result<Agent, String> {
    let mut config = Agent::config_builder()
        .https_only(!policy.allow_http)
        .timeout_resolve(Some(policy.resolve))
        .timeout_connect(Some(policy.connect))
        .timeout_recv_response(Some(policy.answer))
        .timeout_per_read(Some(policy.stall))
        .timeout_global(Some(policy.total))
        .user_agent("eigenscope");
    if policy.allow_http {
        config = config.proxy(None);
    } else {
        let found = rustls_native_certs::load_native_certs();
        if found.certs.is_empty() {
            let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            return Err(format!(
                "this machine has no trusted root certificates (install its package `ca-certificates`) {}",
                errors.join(", ")
            ));
        }
        let certificates: Vec<Certificate<'static>> = found
            .certs
            .iter()
            .map(|certificate| Certificate::from_der(certificate).to_owned())
            .collect();
        config = config.tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::new_with_certs(&certificates))
                .unversioned_rustls_crypto_provider(Arc::new(
                    rustls::crypto::ring::default_provider(),
                ))
                .build(),
        );
    }
    Ok(config.build().new_agent())
}

/// The failure of one attempt.
enum Failure {
    /// Another attempt may succeed.
    Passing(String),
    /// This address does not serve the file.
    Lasting(String),
    /// The destination cannot be written; no address helps.
    Destination(ArtifactError),
}

fn attempt(
    agent: &Agent,
    url: &str,
    request: &Request<'_>,
    verify: &Verify<'_>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Failure> {
    let response = agent.get(url).call().map_err(request_failure)?;
    let body = response.into_body();
    let announced = body.content_length();
    if let Some(bytes) = announced.filter(|bytes| *bytes > request.limit) {
        return Err(Failure::Lasting(too_large(request.limit, bytes)));
    }
    let mut tee = Tee {
        reader: body.into_with_config().limit(u64::MAX).reader(),
        file: create(request.destination).map_err(Failure::Destination)?,
        request: *request,
        done: 0,
        announced,
        failure: None,
        progress,
        told: Instant::now(),
    };
    let verdict = verify(Path::new(url), &mut tee);
    if verdict.is_ok() {
        // Errors are kept in the tee.
        let _ = io::copy(&mut tee, &mut io::sink());
    }
    if let Some(failure) = tee.failure {
        return Err(failure);
    }
    if let Err(error) = verdict {
        return Err(Failure::Lasting(format!(
            "refused: {}",
            with_causes(&error)
        )));
    }
    if let Some(bytes) = announced.filter(|bytes| *bytes != tee.done) {
        return Err(Failure::Passing(format!(
            "expected {bytes} bytes, found {}",
            tee.done
        )));
    }
    tee.file.place().map_err(Failure::Destination)
}

/// Creates the temporary file and, now that it is needed, its folder.
fn create(destination: &Path) -> Result<AtomicFile, ArtifactError> {
    if let Some(folder) = destination.parent() {
        std::fs::create_dir_all(folder)
            .map_err(|error| ArtifactError::io("create", folder, error))?;
    }
    AtomicFile::create(destination)
}

/// Whether another attempt may succeed: only if the server was reached. A name without an address, and an address that refuses,
/// cannot be reached or does not answer, will not change.
fn request_failure(error: ureq::Error) -> Failure {
    use io::ErrorKind;
    use ureq::{Error, Timeout};
    let passing = match &error {
        Error::StatusCode(code) => matches!(code, 408 | 429 | 500..),
        Error::Timeout(timeout) => !matches!(timeout, Timeout::Resolve | Timeout::Connect),
        Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof
                | ErrorKind::TimedOut
                | ErrorKind::Interrupted
        ),
        Error::Protocol(_) => true,
        _ => false,
    };
    let reason = with_causes(&error);
    if passing {
        Failure::Passing(reason)
    } else {
        Failure::Lasting(reason)
    }
}

fn too_large(limit: u64, found: u64) -> String {
    format!("expected at most {limit} bytes, found {found} or more")
}

/// A reader that writes what it reads to the temporary file.
struct Tee<'a, R> {
    reader: R,
    file: AtomicFile,
    request: Request<'a>,
    done: u64,
    announced: Option<u64>,
    failure: Option<Failure>,
    progress: &'a mut dyn FnMut(u64, u64),
    told: Instant,
}

impl<R: Read> Tee<'_, R> {
    fn fail(&mut self, failure: Failure) -> io::Error {
        self.failure = Some(failure);
        io::Error::other("the download failed")
    }
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::Error::other("the download failed"));
        }
        let count = match self.reader.read(buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                let reason = format!("after {} bytes: {}", self.done, with_causes(&error));
                return Err(self.fail(Failure::Passing(reason)));
            }
        };
        self.done += count as u64;
        if self.done > self.request.limit {
            let reason = too_large(self.request.limit, self.done);
            return Err(self.fail(Failure::Lasting(reason)));
        }
        if let Err(error) = self.file.write_all(&buffer[..count]) {
            let error = ArtifactError::io("write", self.request.destination, error);
            return Err(self.fail(Failure::Destination(error)));
        }
        if self.told.elapsed() >= Duration::from_millis(250) || count == 0 {
            (self.progress)(self.done, self.announced.unwrap_or(0));
            self.told = Instant::now();
        }
        Ok(count)
    }
}
