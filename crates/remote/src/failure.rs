//! What went wrong, sorted by whose fault it is, in words without secrets.

use eigenscope_remote_protocol::{Fault, Outcome};
use object_store::Error;

/// Longest message, in characters: servers send pages of explanation.
const LONGEST: usize = 600;

/// Shortest value of the environment that is taken for a secret: shorter ones are parts of ordinary words.
const SHORTEST_SECRET: usize = 6;

/// Parts of the paths at which clouds tell a machine its credentials.
const MACHINE_IDENTITY: [&str; 4] = [
    "/latest/api/token",
    "/latest/meta-data",
    "/computeMetadata/",
    "/metadata/identity/",
];

#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) fault: Fault,
    message: String,
}

impl Failure {
    pub(crate) fn new(fault: Fault, message: impl Into<String>) -> Self {
        let message = plain(&message.into(), &secrets());
        Self { fault, message }
    }

    /// A failure of the file on this machine.
    pub(crate) fn file(operation: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            Fault::File,
            format!("cannot {operation} {}: {error}", path.display()),
        )
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Failed {
            fault: failure.fault,
            message: failure.message,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let text = error.to_string();
        if MACHINE_IDENTITY.iter().any(|part| text.contains(part)) {
            let message = "no credentials: the environment holds none (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or those of \
                           another kind of store), and this machine has no identity of its own";
            return Self::new(Fault::Credentials, message);
        }
        let fault = match error {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Fault::Credentials,
            Error::NotImplemented { .. } | Error::NotSupported { .. } => Fault::Unsupported,
            Error::InvalidPath { .. } | Error::UnknownConfigurationKey { .. } => Fault::Settings,
            _ => Fault::Network,
        };
        Self::new(fault, text)
    }
}

/// Values of the environment that must not be repeated: a server may send back what it was sent.
fn secrets() -> Vec<String> {
    let secret = |name: &str| {
        let of_a_store = ["AWS_", "AZURE_", "GOOGLE_"]
            .iter()
            .any(|start| name.starts_with(start));
        let words = ["SECRET", "TOKEN", "KEY", "PASSWORD", "SAS"];
        of_a_store && words.iter().any(|word| name.contains(word))
    };
    let values = std::env::vars_os().filter_map(|(name, value)| {
        let value = value.into_string().ok()?;
        (secret(name.to_str()?) && value.len() >= SHORTEST_SECRET).then_some(value)
    });
    values.collect()
}

/// The text on one line of bounded length, without `secrets`.
fn plain(text: &str, secrets: &[String]) -> String {
    let mut text = secrets
        .iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
    text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn messages_are_short_and_hold_no_secret() {
        let secrets = ["hunter2hunter2".to_owned()];
        let page = "denied:\n  your key was hunter2hunter2\n".repeat(100);
        let text = plain(&page, &secrets);
        assert!(
            text.starts_with("denied: your key was *** denied"),
            "{text}"
        );
        assert!(text.len() < 610 && !text.contains("hunter2"), "{text}");
    }
}
