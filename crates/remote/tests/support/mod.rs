//! The program in a conversation, a real S3 server, and a web server that answers as a test says.
#![allow(
    dead_code,
    clippy::expect_used,
    reason = "each test program uses some of it"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use eigenscope_remote_protocol::{
    Action, Answer, Fault, Open, Outcome, PROTOCOL_VERSION, Patience, Request,
};
use tempfile::TempDir;

pub(crate) const BUCKET: &str = "results";
pub(crate) const KEY: &str = "the-access-key";
pub(crate) const SECRET: &str = "a-secret-that-must-not-appear";

/// The running program, and everything that it has said.
pub(crate) struct Conversation {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub(crate) said: String,
    last_id: u64,
    pub(crate) opened: Outcome,
}

impl Conversation {
    /// Starts the program with these variables and no others.
    pub(crate) fn start(open: &Open, environment: &[(&str, &str)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_eigenscope-remote"))
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let requests = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output"));
        let mut conversation = Self {
            child,
            requests,
            answers,
            said: String::new(),
            last_id: 0,
            opened: Outcome::Missing,
        };
        conversation.write(&serde_json::to_string(open).expect("JSON"));
        conversation.opened = conversation.answer().outcome;
        conversation
    }

    /// As [`Conversation::start`] for a store that can be used.
    pub(crate) fn with(open: &Open, environment: &[(&str, &str)]) -> Self {
        let conversation = Self::start(open, environment);
        assert_eq!(conversation.opened, Outcome::Opened);
        conversation
    }

    fn write(&mut self, line: &str) {
        let requests = self.requests.as_mut().expect("it listens");
        writeln!(requests, "{line}").expect("it reads");
    }

    fn answer(&mut self) -> Answer {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("an answer");
        self.said.push_str(&line);
        serde_json::from_str(&line).expect(&line)
    }

    pub(crate) fn send(&mut self, action: Action) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.write(&serde_json::to_string(&Request { id, action }).expect("JSON"));
        id
    }

    /// What became of the only request under way.
    pub(crate) fn next(&mut self) -> Outcome {
        self.answer().outcome
    }

    pub(crate) fn ask(&mut self, action: Action) -> Outcome {
        let id = self.send(action);
        let answer = self.answer();
        assert_eq!(answer.id, id);
        answer.outcome
    }

    pub(crate) fn fetch(&mut self, object: &str, to: &Path, at_most: u64) -> Outcome {
        self.ask(Action::Fetch {
            object: object.to_owned(),
            to: to.to_owned(),
            at_most,
        })
    }

    pub(crate) fn store(&mut self, object: &str, from: &Path, replace: bool) -> Outcome {
        self.ask(store(object, from, replace))
    }

    pub(crate) fn look(&mut self, object: &str) -> Outcome {
        let object = object.to_owned();
        self.ask(Action::Look { object })
    }

    /// Closes the program's standard input and waits for its end.
    pub(crate) fn end(mut self) -> Option<i32> {
        drop(self.requests.take());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The request to store a file as it is.
pub(crate) fn store(object: &str, from: &Path, replace: bool) -> Action {
    let content = std::fs::read(from).expect("readable");
    Action::Store {
        object: object.to_owned(),
        from: from.to_owned(),
        bytes: content.len() as u64,
        blake3: blake3::hash(&content).to_hex().to_string(),
        replace,
    }
}

pub(crate) fn open(url: &str) -> Open {
    Open {
        version: PROTOCOL_VERSION,
        url: url.to_owned(),
        endpoint: None,
        region: None,
        parallel: 4,
        patience: Patience {
            connect_ms: 2_000,
            stall_ms: 1_000,
            retries: 2,
            pause_ms: 1,
            retry_ms: 500,
        },
    }
}

#[track_caller]
pub(crate) fn failed(outcome: Outcome, expected: Fault) -> String {
    match outcome {
        Outcome::Failed { fault, message } if fault == expected => message,
        other => panic!("expected a fault of {expected:?}, found {other:?}"),
    }
}

/// Files of a test.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("written");
        path
    }
}

/// An S3 server in this process that keeps its objects in a folder.
pub(crate) struct S3 {
    folder: TempDir,
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl S3 {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("a folder of objects");
        let mut builder = s3s::service::S3ServiceBuilder::new(files);
        builder.set_auth(s3s::auth::SimpleAuth::from_single(KEY, SECRET));
        let service = builder.build();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let executor = hyper_util::rt::TokioExecutor::new();
                    let http = hyper_util::server::conn::auto::Builder::new(executor);
                    let socket = hyper_util::rt::TokioIo::new(socket);
                    // A client that goes away is no fault of the server.
                    let _ = http.serve_connection(socket, service).await;
                });
            }
        });
        Self {
            folder,
            address,
            _runtime: runtime,
        }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The part of the bucket below `prefix`.
    pub(crate) fn open(&self, prefix: &str) -> Open {
        let mut patience = open("").patience;
        // It is compiled without optimisation, and digests what it gets.
        patience.stall_ms = 60_000;
        Open {
            patience,
            endpoint: Some(self.endpoint()),
            region: Some("us-east-1".to_owned()),
            ..open(&format!("s3://{BUCKET}/{prefix}"))
        }
    }

    /// A conversation with the right credentials.
    pub(crate) fn conversation(&self, prefix: &str) -> Conversation {
        Conversation::with(&self.open(prefix), &credentials())
    }

    pub(crate) fn object(&self, name: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(name)
    }
}

pub(crate) fn credentials() -> [(&'static str, &'static str); 2] {
    [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ]
}

/// How a web server answers.
pub(crate) enum Reply {
    /// Status, and body with its length.
    Full(u16, Vec<u8>),
    /// A body that ends after a part of the length that was announced.
    Cut { announced: usize, body: Vec<u8> },
    /// Nothing at all.
    Silence,
}

/// A web server; `reply` is given the head of a request and its number from 0.
pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Web {
    pub(crate) fn start(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply) = (Arc::clone(&requests), Arc::new(reply));
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let (seen, reply) = (Arc::clone(&seen), Arc::clone(&reply));
                std::thread::spawn(move || serve(socket, &seen, &*reply));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/shared", self.address)
    }

    /// The first lines of all requests.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

fn serve(mut socket: TcpStream, seen: &Mutex<Vec<String>>, reply: &dyn Fn(&str, usize) -> Reply) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let number = {
        let mut seen = seen.lock().expect("not poisoned");
        seen.push(head.lines().next().unwrap_or_default().to_owned());
        seen.len() - 1
    };
    let (status, announced, body) = match reply(&head, number) {
        Reply::Full(status, body) => (status, body.len(), body),
        Reply::Cut { announced, body } => (200, announced, body),
        Reply::Silence => {
            // Until the other side gives up.
            let _ = socket.read_to_end(&mut Vec::new());
            return;
        }
    };
    let name = match status {
        403 => "Forbidden",
        503 => "Service Unavailable",
        _ => "Status",
    };
    // The last two are what stores of objects always say.
    let start = format!(
        "HTTP/1.1 {status} {name}\r\nContent-Length: {announced}\r\nConnection: close\r\nETag: \"1\"\r\n\
         Last-Modified: Fri, 27 Nov 2026 12:00:00 GMT\r\n\r\n"
    );
    let is_head = head.starts_with("HEAD ");
    let _ = socket.write_all(start.as_bytes());
    if !is_head {
        let _ = socket.write_all(&body);
    }
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let _ = socket.read_to_end(&mut Vec::new());
}
