//! A bucket of a real S3 server.
#![allow(clippy::expect_used, reason = "a test")]

mod support;

use eigenscope_remote_protocol::{Action, Fault, Outcome};
use support::{Conversation, Files, KEY, S3, SECRET, failed, store};

#[test]
fn objects_are_stored_fetched_looked_for_and_listed() {
    let (s3, files) = (S3::start(), Files::new());
    let mut remote = s3.conversation("a/prefix");
    // The second one is sent in parts.
    for (name, size) in [("v1/key/small", 3), ("v1/key/large", 12_000_000)] {
        let content: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
        let from = files.write("from", &content);
        assert_eq!(remote.look(name), Outcome::Missing);
        assert_eq!(remote.store(name, &from, false), Outcome::Stored);
        let bytes = content.len() as u64;
        assert_eq!(remote.look(name), Outcome::There { bytes });
        let to = files.path(&format!("to-{size}"));
        assert_eq!(remote.fetch(name, &to, bytes), Outcome::Fetched { bytes });
        assert!(std::fs::read(to).expect("fetched") == content, "{name}");
        assert!(s3.object("a/prefix").join(name).is_file());
    }
    let listed = remote.ask(Action::List {
        folder: "v1/key".to_owned(),
        at_most: 10,
    });
    let names = ["large", "small"].map(str::to_owned).to_vec();
    assert_eq!(listed, Outcome::Listed { names });
    let to = files.path("nothing");
    assert_eq!(remote.fetch("v1/other", &to, 10), Outcome::Missing);
    assert!(!to.exists());
    assert_eq!(remote.end(), Some(0));
}

#[test]
fn nothing_is_replaced_unless_asked_for() {
    let (s3, files) = (S3::start(), Files::new());
    let mut remote = s3.conversation("p");
    let (one, other) = (files.write("one", b"one"), files.write("other", b"another"));
    assert_eq!(remote.store("x", &one, false), Outcome::Stored);
    let there = Outcome::There { bytes: 3 };
    assert_eq!(remote.store("x", &other, false), there);
    assert_eq!(std::fs::read(s3.object("p/x")).expect("stored"), b"one");
    assert_eq!(remote.store("x", &other, true), Outcome::Stored);
    assert_eq!(std::fs::read(s3.object("p/x")).expect("stored"), b"another");
}

#[test]
fn of_several_that_store_at_once_one_wins() {
    let (s3, files) = (S3::start(), Files::new());
    let mut remotes: Vec<Conversation> = (0..4).map(|_| s3.conversation("p")).collect();
    for round in 0..5 {
        let object = format!("record-{round}");
        for (number, remote) in remotes.iter_mut().enumerate() {
            let from = files.write(&format!("{round}-{number}"), &vec![b'x'; number + 1]);
            remote.send(store(&object, &from, false));
        }
        let outcomes: Vec<Outcome> = remotes.iter_mut().map(Conversation::next).collect();
        let stored = std::fs::read(s3.object(&format!("p/{object}"))).expect("stored");
        let said = &outcomes[stored.len() - 1];
        assert_eq!(*said, Outcome::Stored, "the winner knows: {outcomes:?}");
    }
}

#[test]
fn wrong_credentials_are_said_to_be_wrong_and_not_repeated() {
    let (s3, files) = (S3::start(), Files::new());
    let wrong = "another-secret-nobody-may-see";
    let environment = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", wrong)];
    let mut remote = Conversation::with(&s3.open("p"), &environment);
    let from = files.write("file", b"content");
    let message = failed(remote.store("x", &from, false), Fault::Credentials);
    assert!(!message.is_empty());
    failed(remote.fetch("x", &files.path("to"), 10), Fault::Credentials);
    for secret in [wrong, SECRET] {
        assert!(!remote.said.contains(secret), "{}", remote.said);
    }
    assert!(!s3.object("p/x").exists());
}

#[test]
fn a_machine_without_credentials_is_told_what_to_set() {
    let (s3, files) = (S3::start(), Files::new());
    // Nobody listens there.
    let environment = [("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")];
    let mut remote = Conversation::with(&s3.open("p"), &environment);
    let message = failed(remote.fetch("x", &files.path("to"), 10), Fault::Credentials);
    assert!(message.contains("AWS_ACCESS_KEY_ID"), "{message}");
}

#[test]
fn a_profile_of_the_aws_command_line_is_used() {
    let (s3, files) = (S3::start(), Files::new());
    let credentials =
        format!("[team]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n");
    let credentials = files.write("credentials", credentials.as_bytes());
    let config = format!(
        "[profile team]\nregion = us-east-1\nendpoint_url = {}\n",
        s3.endpoint()
    );
    let config = files.write("config", config.as_bytes());
    let paths = [credentials, config].map(|path| path.display().to_string());
    let environment = [
        ("AWS_PROFILE", "team"),
        ("AWS_SHARED_CREDENTIALS_FILE", paths[0].as_str()),
        ("AWS_CONFIG_FILE", paths[1].as_str()),
    ];
    let mut request = s3.open("p");
    (request.endpoint, request.region) = (None, None);
    let mut remote = Conversation::with(&request, &environment);
    let from = files.write("file", b"content");
    assert_eq!(remote.store("x", &from, false), Outcome::Stored);
    assert!(s3.object("p/x").is_file());
    // What the environment says counts before the files.
    let wrong = [
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", "another-secret"),
    ];
    let mut remote = Conversation::with(&request, &[&environment[..], &wrong].concat());
    let message = failed(remote.fetch("x", &files.path("to"), 10), Fault::Credentials);
    assert!(
        message.contains("these credentials are not accepted"),
        "{message}"
    );
    assert!(
        !remote.said.contains(SECRET) && !message.contains('<'),
        "{message}"
    );
    let other = [("AWS_PROFILE", "tem"), environment[1], environment[2]];
    let opened = Conversation::start(&request, &other).opened.clone();
    let message = failed(opened, Fault::Credentials);
    assert!(message.contains("names the profile `tem`"), "{message}");
}

#[test]
fn a_file_that_is_not_what_was_recorded_gets_no_name() {
    let (s3, files) = (S3::start(), Files::new());
    let mut remote = s3.conversation("p");
    for size in [10, 12_000_000] {
        let from = files.write("file", &vec![1; size]);
        let request = store("x", &from, false);
        for other in [vec![2; size], vec![1; size - 1], vec![1; size + 1]] {
            files.write("file", &other);
            let message = failed(remote.ask(request.clone()), Fault::File);
            assert!(message.contains("damaged"), "{message}");
            assert_eq!(remote.look("x"), Outcome::Missing);
        }
    }
}

#[test]
fn an_object_larger_than_expected_is_not_fetched() {
    let (s3, files) = (S3::start(), Files::new());
    let mut remote = s3.conversation("p");
    let from = files.write("file", &[1; 1000]);
    assert_eq!(remote.store("x", &from, false), Outcome::Stored);
    let to = files.path("to");
    let message = failed(remote.fetch("x", &to, 999), Fault::Object);
    assert!(message.contains("1000 bytes"), "{message}");
    assert!(!to.exists());
}
