//! What went wrong, sorted by whose fault it is, in words without secrets.

use std::error::Error as StdError;
use std::iter::successors;
use std::sync::{Mutex, PoisonError};

use eigenscope_remote_protocol::{Fault, Outcome};
use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

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
            let message = "no credentials: the environment holds none (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or those of \
                           another kind of store), nor does ~/.aws, and this machine has no identity of its own";
            return Self::new(Fault::Credentials, message);
        }
        let fault = match &error {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => Fault::Credentials,
            Error::NotImplemented { .. } | Error::NotSupported { .. } => Fault::Unsupported,
            Error::InvalidPath { .. } | Error::UnknownConfigurationKey { .. } => Fault::Settings,
            _ if kind(&error) == Some(HttpErrorKind::Timeout) => Fault::Silent,
            _ if Status::in_text(&text).is_some_and(|status| status.is_not_allowed()) => {
                Fault::Unsupported
            }
            _ => Fault::Network,
        };
        Self::new(fault, in_words(&error, &text))
    }
}

/// An error in one sentence: what came back, from where, and what to look at.
fn in_words(error: &Error, text: &str) -> String {
    let address = address(text).map_or_else(String::new, |address| format!(" from {address}"));
    if let Some(status) = Status::in_text(text) {
        let Status { code, name, word } = &status;
        let word = word
            .as_ref()
            .map_or_else(String::new, |word| format!(", {word}"));
        return format!("{code} {name}{word}{address}: {}", status.advice());
    }
    let last = causes(error)
        .last()
        .map_or_else(String::new, ToString::to_string);
    match kind(error) {
        Some(HttpErrorKind::Connect) => format!("no connection{address}: {last}"),
        Some(HttpErrorKind::Timeout) => format!("no answer in time{address}"),
        Some(_) => format!("the answer broke off{address}: {last}"),
        None if text.contains("redirect without LOCATION") => {
            format!("a redirection to nowhere{address}: check `region` and `endpoint`")
        }
        // Files, addresses and keys of a store: the cause says what is wrong, the kind of store does not.
        None => match error {
            Error::Generic { source, .. } => source.to_string(),
            _ => text.to_owned(),
        },
    }
}

/// The error and its causes, outermost first.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    successors(Some(error as &(dyn StdError + 'static)), |&error| {
        error.source()
    })
}

/// What went wrong on the way to a server, if it was there.
fn kind(error: &Error) -> Option<HttpErrorKind> {
    causes(error).find_map(|cause| Some(cause.downcast_ref::<HttpError>()?.kind()))
}

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    code: u16,
    /// Such as `Forbidden`.
    name: String,
    /// The word of the store for it, such as `SignatureDoesNotMatch`.
    word: Option<String>,
}

impl Status {
    /// Finds the status in the text of an error, which ends with the page that the server sent.
    fn in_text(text: &str) -> Option<Self> {
        let (_, rest) = text.split_once("non-2xx status code: ")?;
        let (status, page) = rest.split_once(':').unwrap_or((rest, ""));
        let (code, name) = status.split_once(' ').unwrap_or((status, ""));
        let word = page
            .split_once("<Code>")
            .and_then(|(_, rest)| rest.split_once("</Code>"));
        let word = word.map(|(word, _)| word.to_owned());
        let is_word = |word: &String| {
            word.len() <= 60 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '.')
        };
        Some(Self {
            code: code.trim().parse().ok()?,
            name: name.trim().to_owned(),
            word: word.filter(is_word),
        })
    }

    /// Whether the server does no such thing at all.
    fn is_not_allowed(&self) -> bool {
        matches!(self.code, 405 | 501)
    }

    fn advice(&self) -> &'static str {
        match (self.code, self.word.as_deref()) {
            (_, Some("NoSuchBucket")) | (404 | 410, _) => {
                "there is no such place: check the name of the bucket or the path in `url`"
            }
            (_, Some("RequestTimeTooSkewed")) => "the clock of this machine is wrong",
            (_, Some("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken")) => {
                "these credentials are not accepted: check the variables of the environment, or the profile of ~/.aws"
            }
            (401, _) => "check the credentials: there are none, or they are not accepted",
            (403, _) => "check the credentials, and whether they may do this there",
            (300..400, _) => "check `region` and `endpoint`: the store is elsewhere",
            _ if self.is_not_allowed() => {
                "the server does not allow this: most likely it is only read"
            }
            (408 | 429, _) | (500.., _) => "the server is busy or broken: try again later",
            (400, _) => {
                "the server does not understand the request: check `region`, `endpoint` and the bucket in `url`"
            }
            _ => "check the address",
        }
    }
}

/// Scheme and host of the address in the text of an error, without what could be secret.
fn address(text: &str) -> Option<String> {
    let starts = ["https://", "http://"];
    let (at, start) = starts
        .iter()
        .find_map(|start| Some((text.find(start)?, start)))?;
    let rest = text.get(at + start.len()..)?;
    let next = rest.find("://").unwrap_or(rest.len());
    let rest = &rest[end_of_user(&rest[..next])..];
    let end =
        rest.find(|c: char| c == '/' || c == '?' || c.is_whitespace() || "\"'<>),".contains(c));
    let host = rest.get(..end.unwrap_or(rest.len()))?;
    (!host.is_empty()).then(|| format!("{start}{host}"))
}

/// Secrets that were read from files.
static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps a secret out of all messages from now on.
pub(crate) fn keep_secret(value: Option<&str>) {
    let value = value.filter(|value| value.len() >= SHORTEST_SECRET);
    let mut secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    secrets.extend(value.map(str::to_owned));
}

/// Values of the environment and of files that must not be repeated: a server may send back what it was sent.
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
    let kept = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    values.chain(kept.iter().cloned()).collect()
}

/// The text on one line of bounded length, without `secrets`.
fn plain(text: &str, secrets: &[String]) -> String {
    let mut text = secrets.iter().fold(without_users(text), |text, secret| {
        text.replace(secret, "***")
    });
    let words = text.split_whitespace();
    text = words.collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push_str(" ...");
    }
    text
}

/// The text with all addresses in it without their users and passwords.
fn without_users(text: &str) -> String {
    let mut pieces = text.split("://");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        shown.push_str("://");
        shown.push_str(&piece[end_of_user(piece)..]);
    }
    shown
}

/// Where in a text that begins with the server of an address its user ends. A colon that no number follows begins a password, which may
/// itself hold what begins a path: then all up to the last `@` may be of it.
fn end_of_user(text: &str) -> usize {
    let server = text.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |rest: &str| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        end.is_none_or(|end| {
            rest[end..].starts_with(|c: char| c.is_whitespace() || ":,;.)>\"'".contains(c))
        })
    };
    let colon = server.split_once(':');
    let at = match colon {
        Some((host, port)) if host == "[" || is_port(port) => None,
        Some(_) => server.rfind('@').or_else(|| text.rfind('@')),
        None => server.rfind('@'),
    };
    at.map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_messages_name_no_user() {
        let text = plain(
            "Error performing GET http://me:pw9@127.0.0.1:9/x@1 in 1 ms",
            &[],
        );
        assert_eq!(text, "Error performing GET http://127.0.0.1:9/x@1 in 1 ms");
        for password in ["pw9", "p/w9", "p?w9", "p w9", "p:w9/", "p#w@9", "9w/9"] {
            let address = format!("http://me:{password}@host:9/x");
            let text = plain(&format!("no connection from {address}: refused"), &[]);
            assert_eq!(
                text, "no connection from http://host:9/x: refused",
                "{password}"
            );
            assert_eq!(
                super::address(&address).as_deref(),
                Some("http://host:9"),
                "{password}"
            );
        }
        for text in [
            "no connection from http://host:9: ask me@host",
            "http://host/a:b@c and s3://bucket/a@b",
            "http://[::1]:9/a@b",
            "nothing",
        ] {
            assert_eq!(plain(text, &[]), text);
        }
    }

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

    #[test]
    fn what_a_server_sends_becomes_one_plain_sentence() {
        let text = "The operation lacked the necessary privileges to complete for path p/x: Error performing GET \
                    http://user:pw@127.0.0.1:9/results/p/x?sig=abc in 1.5ms - Server returned non-2xx status code: 403 Forbidden: \
                    <?xml version=\"1.0\"?><Error><Code>SignatureDoesNotMatch</Code><Message>no: x</Message></Error>";
        let status = Status::in_text(text).expect("a status");
        assert_eq!(status.word.as_deref(), Some("SignatureDoesNotMatch"));
        assert_eq!((status.code, status.name.as_str()), (403, "Forbidden"));
        assert_eq!(address(text).as_deref(), Some("http://127.0.0.1:9"));
        let source = text.into();
        let failure = Failure::from(Error::PermissionDenied {
            path: "p/x".to_owned(),
            source,
        });
        assert_eq!(
            failure.to_string(),
            "403 Forbidden, SignatureDoesNotMatch from http://127.0.0.1:9: these credentials are not accepted: check the variables of \
             the environment, or the profile of ~/.aws"
        );
        let plain = Status::in_text("non-2xx status code: 503 Service Unavailable: busy");
        assert_eq!(plain.expect("a status").code, 503);
        assert_eq!(Status::in_text("Connection refused"), None);
        assert_eq!(address("nothing"), None);
    }
}
