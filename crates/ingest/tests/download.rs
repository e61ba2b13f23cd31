//! Downloads from a small local server: what is accepted, what is refused, and that nothing half done is
//! ever left in the data directory.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use eigenscope_ingest::download::{Policy, Request, download};
use eigenscope_ingest::{IngestError, Unavailable};

/// What the server does with the n-th request for a path, n from 0.
type Answer = dyn Fn(&str, usize, &mut TcpStream) + Send + Sync;

struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(answer: impl Fn(&str, usize, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = requests.clone();
        let answer: Box<Answer> = Box::new(answer);
        // Ends with the test program.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                let mut first = String::new();
                let mut line = String::new();
                let _ = reader.read_line(&mut first);
                while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                    line.clear();
                }
                let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
                answer(&path, count.fetch_add(1, Ordering::SeqCst), &mut stream);
            }
        });
        Self { address, requests }
    }

    fn urls(&self, paths: &[&str]) -> Vec<String> {
        paths
            .iter()
            .map(|path| format!("http://{}/{path}", self.address))
            .collect()
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

fn send(stream: &mut TcpStream, announced: usize, body: &[u8]) {
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {announced}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}

fn status(stream: &mut TcpStream, status: &str) {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(head.as_bytes());
}

fn policy() -> Policy {
    Policy {
        pause: Duration::from_millis(1),
        connect: Duration::from_secs(5),
        stall: Duration::from_secs(5),
        total: Duration::from_secs(20),
        allow_http: true,
        ..Policy::default()
    }
}

const BODY: &[u8] = b"the published bytes";

fn verify(path: &Path, reader: &mut dyn Read) -> Result<(), IngestError> {
    let mut bytes = Vec::new();
    let read = reader.read_to_end(&mut bytes);
    if read.is_ok() && bytes == BODY {
        return Ok(());
    }
    let (path, found) = (path.display(), String::from_utf8_lossy(&bytes));
    Err(IngestError::WrongFile(format!(
        "content of {path} is {found}, published is the published bytes"
    )))
}

/// The result, and the names of the files in the folder of the destination afterwards.
fn run(urls: &[String], limit: u64, policy: &Policy) -> (Result<(), Unavailable>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let destination = folder.path().join("mnist").join("file.gz");
    let request = Request {
        urls,
        destination: &destination,
        limit,
    };
    let result = download(&request, policy, &verify, &mut |_, _| {});
    let names = std::fs::read_dir(folder.path().join("mnist"))
        .into_iter()
        .flatten()
        .map(|entry| {
            entry
                .expect("readable")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    if result.is_ok() {
        assert_eq!(std::fs::read(&destination).expect("placed"), BODY);
    }
    (result, names)
}

fn refused(server: &Server, paths: &[&str], limit: u64) -> String {
    let (result, names) = run(&server.urls(paths), limit, &policy());
    assert!(names.is_empty(), "left behind: {names:?}");
    result.expect_err("refused").to_string()
}

#[test]
fn a_verified_file_is_placed() {
    let server = Server::start(|_, _, stream| send(stream, BODY.len(), BODY));
    let (result, names) = run(&server.urls(&["a"]), 100, &policy());
    result.expect("downloaded");
    assert_eq!(names, ["file.gz"]);
    assert_eq!(server.requests(), 1);
}

#[test]
fn wrong_content_is_refused_at_once_and_the_next_mirror_is_tried() {
    let server = Server::start(|path, _, stream| match path {
        "/bad" => send(stream, 5, b"other"),
        _ => send(stream, BODY.len(), BODY),
    });
    let error = refused(&server, &["bad"], 100);
    assert!(
        error.contains("/bad: refused: content of http://")
            && error.ends_with("is other, published is the published bytes"),
        "{error}"
    );
    assert_eq!(server.requests(), 1, "the same bytes would come again");
    let (result, names) = run(&server.urls(&["bad", "good"]), 100, &policy());
    result.expect("downloaded from the second mirror");
    assert_eq!(names, ["file.gz"]);
}

#[test]
fn a_truncated_body_is_tried_again() {
    let server = Server::start(|_, request, stream| {
        let sent = if request == 0 { 4 } else { BODY.len() };
        send(stream, BODY.len(), &BODY[..sent]);
    });
    let (result, _) = run(&server.urls(&["a"]), 100, &policy());
    result.expect("downloaded at the second try");
    assert_eq!(server.requests(), 2);
}

#[test]
fn a_body_that_is_always_truncated_is_refused() {
    let server = Server::start(|_, _, stream| send(stream, BODY.len(), &BODY[..4]));
    let error = refused(&server, &["a"], 100);
    assert!(error.contains("(tried 3 times)"), "{error}");
    assert_eq!(server.requests(), 3);
}

#[test]
fn an_oversized_body_is_refused_whether_announced_or_not() {
    let server = Server::start(|path, _, stream| match path {
        "/announced" => send(stream, 1_000_000, &[0; 1000]),
        _ => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
            let _ = stream.write_all(&[0; 1000]);
        }
    });
    let announced = refused(&server, &["announced"], 100);
    assert!(
        announced.contains("expected at most 100 bytes, found 1000000 or more"),
        "{announced}"
    );
    let silent = refused(&server, &["silent"], 100);
    assert!(
        silent.contains("expected at most 100 bytes, found"),
        "{silent}"
    );
    assert_eq!(server.requests(), 2);
}

#[test]
fn failing_servers_are_tried_again_and_missing_files_are_not() {
    let server = Server::start(|path, request, stream| match (path, request) {
        ("/busy", 0 | 1) => status(stream, "503 Service Unavailable"),
        ("/busy", _) => send(stream, BODY.len(), BODY),
        _ => status(stream, "404 Not Found"),
    });
    let (result, _) = run(&server.urls(&["busy"]), 100, &policy());
    result.expect("downloaded at the third try");
    assert_eq!(server.requests(), 3);
    let error = refused(&server, &["missing", "lost"], 100);
    assert!(
        error.contains("/missing: http status: 404; ") && error.contains("/lost: "),
        "{error}"
    );
    assert_eq!(server.requests(), 5);
}

#[test]
fn a_server_that_stalls_is_given_up() {
    let server = Server::start(|_, _, stream| {
        send(stream, BODY.len(), &BODY[..4]);
        std::thread::sleep(Duration::from_millis(500));
    });
    let impatient = Policy {
        attempts: 1,
        stall: Duration::from_millis(50),
        ..policy()
    };
    let (result, names) = run(&server.urls(&["a"]), 100, &impatient);
    let error = result.expect_err("given up").to_string();
    assert!(error.contains("timeout"), "{error}");
    assert!(names.is_empty());
}

#[test]
fn plain_http_is_refused_outside_tests() {
    let server = Server::start(|_, _, stream| send(stream, BODY.len(), BODY));
    let strict = Policy {
        allow_http: false,
        ..policy()
    };
    let (result, names) = run(&server.urls(&["a"]), 100, &strict);
    assert!(result.is_err() && names.is_empty());
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_server_without_tls_is_refused_over_https() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}/a", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            status(&mut stream, "400 Bad Request");
        }
    });
    let strict = Policy {
        attempts: 1,
        allow_http: false,
        ..policy()
    };
    let (result, names) = run(std::slice::from_ref(&url), 100, &strict);
    let error = result.expect_err("no handshake").to_string();
    // On a machine without root certificates there is not even an attempt.
    assert!(
        error.contains(&url) || error.contains("ca-certificates"),
        "{error}"
    );
    assert!(names.is_empty());
}

#[test]
fn a_destination_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("mnist"), b"a file").expect("written");
    let server = Server::start(|_, _, stream| send(stream, BODY.len(), BODY));
    let request = Request {
        urls: &server.urls(&["a"]),
        destination: &folder.path().join("mnist").join("file.gz"),
        limit: 100,
    };
    let error = download(&request, &policy(), &verify, &mut |_, _| {}).expect_err("no folder");
    assert!(matches!(error, Unavailable::NoPlace(_)), "{error}");
    assert!(error.to_string().contains("mnist"), "{error}");
}
