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
    let failure = remote.store("v1/new", &from, true);
    assert!(matches!(failure, Outcome::Failed { .. }), "{failure:?}");
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
    assert!(message.contains("503"), "{message}");
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
    failed(remote.fetch("x", &files.path("to"), 100), Fault::Network);
    assert!(!files.path("to").exists());
    assert_eq!(remote.end(), Some(0));
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
fn what_a_server_says_is_cut_and_without_secrets() {
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
    assert!(message.contains("***") && message.len() < 700, "{message}");
    assert!(!remote.said.contains(SECRET), "{}", remote.said);
}
