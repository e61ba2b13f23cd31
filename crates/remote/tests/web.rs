//! Web servers that only hand out, that are down, slow, or wrong.
#![allow(clippy::expect_used, reason = "a test")]

mod support;

use eigenscope_remote_protocol::{Action, Fault, Outcome};
use support::{BUCKET, Conversation, Files, Reply, SECRET, Web, credentials, failed, open};

fn ask(web: &Web) -> Conversation {
    Conversation::with(&open(&web.url()), &[])
}

#[test]
fn a_plain_web_server_is_read() {
    let web = Web::start(|head, _| match head.split(' ').nth(1) {
        Some("/shared/v1/there") => Reply::Full(200, b"content".to_vec()),
        _ if head.starts_with("GET") || head.starts_with("HEAD") => Reply::Full(404, Vec::new()),
        _ => Reply::Full(405, Vec::new()),
    });
    let (mut remote, files) = (ask(&web), Files::new());
    let to = files.path("to");
    let fetched = Outcome::Fetched { bytes: 7 };
    assert_eq!(remote.fetch("v1/there", &to, 100), fetched);
    assert_eq!(std::fs::read(&to).expect("fetched"), b"content");
    assert_eq!(remote.look("v1/there"), Outcome::There { bytes: 7 });
    let not = files.path("not");
    assert_eq!(remote.fetch("v1/not", &not, 100), Outcome::Missing);
    let from = files.write("from", b"mine");
    failed(remote.store("v1/new", &from, true), Fault::Unsupported);
    let folder = "v1".to_owned();
    let list = Action::List { folder, at_most: 9 };
    failed(remote.ask(list), Fault::Unsupported);
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    let web = Web::start(|_, number| match number {
        0 => Reply::Full(503, b"busy".to_vec()),
        1 => Reply::Full(500, b"error".to_vec()),
        _ => Reply::Full(200, b"content".to_vec()),
    });
    let files = Files::new();
    let fetched = ask(&web).fetch("x", &files.path("to"), 100);
    assert_eq!(fetched, Outcome::Fetched { bytes: 7 });
    assert_eq!(web.seen().len(), 3);
}

#[test]
fn a_server_that_does_not_recover_is_left_alone() {
    let web = Web::start(|_, _| Reply::Full(503, b"busy".to_vec()));
    let files = Files::new();
    let message = failed(ask(&web).fetch("x", &files.path("to"), 100), Fault::Network);
    assert_eq!(
        message,
        format!(
            "503 Service Unavailable from http://{}: the server is busy or broken: try again later",
            web.address
        )
    );
    assert_eq!(web.seen().len(), 3, "once, and two retries");
}

#[test]
fn a_cut_transfer_leaves_nothing() {
    let web = Web::start(|_, _| Reply::Cut {
        announced: 1000,
        body: vec![1; 500],
    });
    let (mut remote, files) = (ask(&web), Files::new());
    let to = files.path("to");
    let outcome = remote.fetch("x", &to, 1000);
    let is_fault = matches!(
        outcome,
        Outcome::Failed {
            fault: Fault::Network | Fault::Object,
            ..
        }
    );
    assert!(is_fault, "{outcome:?}");
    assert!(!to.exists());
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let web = Web::start(|_, _| Reply::Silence);
    let files = Files::new();
    let mut remote = ask(&web);
    failed(remote.fetch("x", &files.path("to"), 100), Fault::Silent);
    assert!(!files.path("to").exists());
    assert_eq!(remote.end(), Some(0));
    assert_eq!(web.seen().len(), 1, "waits do not add up");
}

#[test]
fn the_program_ends_with_its_input_whatever_it_waits_for() {
    let web = Web::start(|_, _| Reply::Silence);
    let files = Files::new();
    let mut slow = open(&web.url());
    slow.patience.stall_ms = 3_600_000;
    let mut remote = Conversation::with(&slow, &[]);
    remote.send(Action::Fetch {
        object: "x".to_owned(),
        to: files.path("to"),
        at_most: 10,
    });
    assert_eq!(remote.end(), Some(0));
}

#[test]
fn what_a_server_says_is_not_repeated() {
    let web = Web::start(|_, _| {
        let page = format!("<Error>no entry for {SECRET} </Error>").repeat(1000);
        Reply::Full(403, page.into_bytes())
    });
    let mut request = open(&format!("s3://{BUCKET}/p"));
    request.endpoint = Some(format!("http://{}", web.address));
    let mut remote = Conversation::with(&request, &credentials());
    let files = Files::new();
    let outcome = remote.fetch("x", &files.path("to"), 100);
    let message = failed(outcome, Fault::Credentials);
    let words = format!(
        "403 Forbidden from http://{}: check the credentials, and whether they may do this there",
        web.address
    );
    assert_eq!(message, words);
    assert!(!remote.said.contains(SECRET), "{}", remote.said);
}

#[test]
fn a_server_that_is_not_there_is_said_in_one_line() {
    let files = Files::new();
    // Nobody listens there.
    let mut remote = Conversation::with(&open("http://127.0.0.1:9/shared"), &[]);
    let message = failed(remote.fetch("x", &files.path("to"), 100), Fault::Network);
    assert!(
        message.starts_with("no connection from http://127.0.0.1:9: "),
        "{message}"
    );
    assert!(
        message.contains("refused") && !message.contains("reqwest"),
        "{message}"
    );
}

/// What the stores of Google and Microsoft do with an object, as far as this program uses it.
fn bucket(head: &str, name: &str) -> Reply {
    let mut words = head.split(' ');
    let (method, path) = (words.next(), words.next().unwrap_or_default());
    match (method, path.contains(name)) {
        (Some("PUT"), true) => Reply::Full(201, Vec::new()),
        (Some("GET" | "HEAD"), true) => Reply::Full(200, b"content".to_vec()),
        _ => Reply::Full(404, Vec::new()),
    }
}

#[test]
fn stores_of_google_are_reached_with_the_usual_variables() {
    let web = Web::start(|head, _| bucket(head, "/results/p"));
    let key = format!(
        r#"{{"private_key": "", "private_key_id": "", "client_email": "", "disable_oauth": true, "gcs_base_url": "http://{}"}}"#,
        web.address
    );
    let environment = [
        ("GOOGLE_SERVICE_ACCOUNT_KEY", key.as_str()),
        ("GOOGLE_ALLOW_HTTP", "true"),
    ];
    let mut remote = Conversation::with(&open(&format!("gs://{BUCKET}/p")), &environment);
    moves_an_object(&mut remote);
    assert!(
        web.seen()
            .iter()
            .any(|line| line.starts_with("PUT /results/p")),
        "{:?}",
        web.seen()
    );
}

#[test]
fn stores_of_microsoft_are_reached_with_the_usual_variables() {
    let web = Web::start(|head, _| bucket(head, "/account/results/p/"));
    let endpoint = format!("http://{}/account", web.address);
    let environment = [
        ("AZURE_STORAGE_ACCOUNT_NAME", "account"),
        ("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0LXNlY3JldA=="),
        ("AZURE_STORAGE_ENDPOINT", endpoint.as_str()),
        ("AZURE_ALLOW_HTTP", "true"),
    ];
    for scheme in ["az", "abfs"] {
        let mut remote = Conversation::with(&open(&format!("{scheme}://{BUCKET}/p")), &environment);
        moves_an_object(&mut remote);
    }
}

#[track_caller]
fn moves_an_object(remote: &mut Conversation) {
    let files = Files::new();
    let from = files.write("from", b"content");
    assert_eq!(remote.store("v1/there", &from, false), Outcome::Stored);
    assert_eq!(remote.look("v1/there"), Outcome::There { bytes: 7 });
    let to = files.path("to");
    assert_eq!(
        remote.fetch("v1/there", &to, 7),
        Outcome::Fetched { bytes: 7 }
    );
    assert_eq!(std::fs::read(to).expect("fetched"), b"content");
}
