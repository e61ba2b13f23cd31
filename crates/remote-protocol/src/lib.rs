//! What the orchestrator and the program `eigenscope-remote` say to each other: one JSON object a line.
//!
//! The first line that the program reads is [`Open`], and its answer says whether such a store can be used at all. Each further line
//! is a [`Request`] with a number, and the [`Answer`] with that number comes whenever it is done. The program ends when its standard
//! input closes. It moves objects between the store and files, and knows nothing of tasks and results.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Version of these lines. Another version is refused before anything else of the first line is looked at.
pub const PROTOCOL_VERSION: u32 = 2;

/// File name of the program, which stands beside the orchestrator.
pub const PROGRAM: &str = "eigenscope-remote";

/// Which store to use, and how patiently. It holds no credentials: these the program finds in its environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    pub version: u32,
    /// Such as `s3://bucket/prefix`, `https://host/path`, `file:///path`, or an absolute path.
    pub url: String,
    /// Address of a server that speaks S3, where it is not that of the region.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// Requests under way at once.
    pub parallel: usize,
    pub patience: Patience,
}

/// How long to wait, and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    /// Longest wait for a connection, in milliseconds.
    pub connect_ms: u64,
    /// Longest wait for an answer, or for more of it, in milliseconds.
    pub stall_ms: u64,
    /// Further attempts after a failure of network or server.
    pub retries: usize,
    /// Pause before the second attempt, in milliseconds; it grows before each further one.
    pub pause_ms: u64,
    /// Time after the first attempt from which there is no further one, in milliseconds. Less than a wait for an answer, so that such
    /// waits do not add up.
    pub retry_ms: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect_ms: 5_000,
            stall_ms: 60_000,
            retries: 3,
            pause_ms: 200,
            retry_ms: 30_000,
        }
    }
}

impl Patience {
    /// That of whoever could do without the answer.
    pub fn short() -> Self {
        Self {
            stall_ms: 10_000,
            retries: 2,
            retry_ms: 4_000,
            ..Self::default()
        }
    }
}

/// The part of every version's first line that says which version it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct OpenVersion {
    pub version: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub id: u64,
    pub action: Action,
}

/// What to do with an object. Its name is a path below the prefix of the store, of plain letters, digits, dots and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Write the object into a new file.
    Fetch {
        object: String,
        to: PathBuf,
        /// A larger object is refused before more is written.
        at_most: u64,
    },
    /// Make an object of a file, whose size and digest are checked as it is read.
    Store {
        object: String,
        from: PathBuf,
        bytes: u64,
        /// BLAKE3 of the file, in hexadecimal digits.
        blake3: String,
        /// Whether an object of this name is replaced.
        replace: bool,
    },
    /// Say how large an object is.
    Look { object: String },
    /// Say what stands directly below a name, at most `at_most` of it.
    List { folder: String, at_most: usize },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// That of the request; 0 for the answer to [`Open`].
    pub id: u64,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The store can be asked. Nothing has been asked yet.
    Opened,
    Fetched {
        bytes: u64,
    },
    Stored,
    /// The object is there: it was looked for, or it was not to be replaced.
    There {
        bytes: u64,
    },
    Missing,
    Listed {
        names: Vec<String>,
    },
    Failed {
        fault: Fault,
        /// What went wrong, without any secret.
        message: String,
    },
}

/// Whose fault a failure is, as far as the next request is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The two programs are of different versions. No request can work.
    Version,
    /// The address or the options of the store. No request can work.
    Settings,
    /// There are no credentials, or they are not accepted. Hardly any request will work.
    Credentials,
    /// Network or server, after all attempts.
    Network,
    /// Nothing came in time. Further requests would most likely wait as long.
    Silent,
    /// The object is not what it should be: cut, too large.
    Object,
    /// The file on this machine.
    File,
    /// The store cannot do this at all.
    Unsupported,
}
