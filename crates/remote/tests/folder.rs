//! Folders, and what cannot be used as a store.
#![allow(clippy::expect_used, reason = "a test")]

mod support;

use eigenscope_remote_protocol::{Fault, Outcome};
use support::{Conversation, Files, failed, open};

#[test]
fn a_folder_holds_objects_as_files() {
    let files = Files::new();
    let folder = files.path("a folder");
    std::fs::create_dir(&folder).expect("created");
    let from = files.write("from", b"content");
    let path = folder.display().to_string();
    let url = format!("file://{}", path.replace(' ', "%20"));
    for (name, address) in [("a", path.as_str()), ("b", url.as_str())] {
        let object = format!("v1/{name}");
        let mut remote = Conversation::with(&open(address), &[]);
        assert_eq!(remote.store(&object, &from, false), Outcome::Stored);
        let there = Outcome::There { bytes: 7 };
        assert_eq!(remote.store(&object, &from, false), there);
        let read = std::fs::read(folder.join(&object)).expect("a file");
        assert_eq!(read, b"content");
        let to = files.path(name);
        let fetched = Outcome::Fetched { bytes: 7 };
        assert_eq!(remote.fetch(&object, &to, 7), fetched);
        // A file that is there is not written over.
        failed(remote.fetch(&object, &to, 7), Fault::File);
        assert_eq!(std::fs::read(&to).expect("still there"), b"content");
        assert_eq!(remote.look("v1/c"), Outcome::Missing);
    }
}

#[test]
fn no_name_leads_out_of_the_folder() {
    let files = Files::new();
    let folder = files.path("folder");
    std::fs::create_dir(&folder).expect("created");
    let from = files.write("from", b"content");
    let mut remote = Conversation::with(&open(&folder.display().to_string()), &[]);
    for name in ["../outside", "v1/../../outside", "/../outside"] {
        failed(remote.store(name, &from, true), Fault::Settings);
        let to = files.path("to");
        failed(remote.fetch(name, &to, 10), Fault::Settings);
    }
    assert!(!files.path("outside").exists());
}

#[test]
fn what_cannot_be_used_is_said_at_once() {
    let files = Files::new();
    let nowhere = files.path("nowhere").display().to_string();
    for (url, word) in [
        (nowhere.as_str(), "there is no folder"),
        ("ftp://host/path", "no kind of store"),
        ("s3://user:hunter2@bucket/p", "no user"),
        ("https://host/path?token=hunter2", "no user"),
        ("https://", "is none"),
    ] {
        let conversation = Conversation::start(&open(url), &[]);
        let message = failed(conversation.opened.clone(), Fault::Settings);
        assert!(message.contains(word), "{url}: {message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
    let mut other = open("s3://bucket/p");
    other.version = 99;
    let conversation = Conversation::start(&other, &[]);
    let message = failed(conversation.opened.clone(), Fault::Version);
    assert!(message.contains("version 99"), "{message}");
}
