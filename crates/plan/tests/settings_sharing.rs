//! The settings of sharing: what is read, and how mistakes are told.

mod sample;

use std::path::{Path, PathBuf};

use eigenscope_plan::file::FileErrors;
use eigenscope_plan::settings::{Settings, parse};
use sample::all_rendered;

fn read(text: &str) -> Result<Settings, FileErrors> {
    parse(&[(PathBuf::from("/project/eigenscope.toml"), text.to_owned())])
}

fn rendered(text: &str) -> String {
    all_rendered(&read(text).expect_err("there are problems"))
}

#[test]
fn remotes_and_stores_are_read() {
    let settings = read(
        "[remote]\nurl = 's3://bucket/a/prefix'\nendpoint = 'https://host:9000'\nregion = 'r'\npush = true\nany_machine = true\n\
         [[stores]]\npath = '/shared/artifacts'\n[[stores]]\npath = '../other'\n",
    )
    .expect("read");
    let remote = settings.remote.expect("a remote");
    assert_eq!(remote.url, "s3://bucket/a/prefix");
    assert_eq!(remote.endpoint.as_deref(), Some("https://host:9000"));
    assert_eq!(remote.region.as_deref(), Some("r"));
    assert!(remote.push && remote.any_machine && !remote.read_only);
    let stores = [
        Path::new("/shared/artifacts"),
        Path::new("/project/../other"),
    ];
    assert_eq!(settings.stores, stores);
}

#[test]
fn a_path_begins_at_the_folder_of_the_settings() {
    for (url, expected) in [
        ("shared", "/project/shared"),
        ("/shared", "/shared"),
        ("file:///shared", "file:///shared"),
        // Neither holds a password; nor does a shell replace anything.
        ("./~x", "/project/~x"),
        ("/mnt/10:00@x", "/mnt/10:00@x"),
        ("s3://bucket/a:b%40c", "s3://bucket/a:b%40c"),
    ] {
        let settings = read(&format!("[remote]\nurl = '{url}'\n")).expect("read");
        assert_eq!(settings.remote.expect("a remote").url, expected);
    }
}

#[test]
fn mistakes_are_told_with_their_place() {
    for (text, words) in [
        ("remote = 3", &["`remote` must be a table", "[remote]"][..]),
        (
            "[remote]",
            &["`url` is missing in [remote]", "s3://bucket/prefix"],
        ),
        (
            "[remote]\nurl = 3",
            &["`url` must be a text", "the integer 3"],
        ),
        (
            "[remote]\nurl = 'ftp://host'",
            &["begins with `ftp://`", "known are s3://"],
        ),
        ("[remote]\nurl = 's3://'", &["names no place"]),
        ("[remote]\nurl = ''", &["names no place"]),
        (
            "[remote]\nurl = 'x'\nbucket = 'y'",
            &["unknown key `bucket`", "region, url"],
        ),
        (
            "[remote]\nurl = 'x'\nendpoint = 'host'",
            &["`endpoint` must be the address"],
        ),
        (
            "[remote]\nurl = 'x'\nread_only = true\npush = true",
            &["`push` contradicts `read_only`", "eigenscope.toml:4"],
        ),
        (
            "[stores]\npath = 'x'",
            &["`stores` must be a list", "[[stores]]"],
        ),
        (
            "[remote]\nurl = '~/shared'",
            &["`url` is taken as it is written", "write the whole path"],
        ),
        (
            "[[stores]]\npath = '$HOME/shared'",
            &["`path` is taken as it is written", "write the whole path"],
        ),
        ("[[stores]]\npath = ''", &["`path` names no folder"]),
        ("[[stores]]", &["`path` is missing in [[stores]]"]),
        (
            "stores = ['x']",
            &["`stores` must be a table", "[[stores]]"],
        ),
        (
            "[remotes]\nurl = 'x'",
            &["unknown key `remotes`", "did you mean `remote`"],
        ),
    ] {
        let report = rendered(text);
        for word in words {
            assert!(
                report.contains(word),
                "{text}: `{word}` is not in\n{report}"
            );
        }
    }
}

#[test]
fn secrets_are_refused_and_not_shown() {
    for url in [
        "s3://user:hunter2@bucket/p",
        "https://hunter2@host/p",
        "https://host/p?token=hunter2",
        "s3://é:hunter2@bucket/p",
        "https://me:hunter2/hunter2?hunter2 hunter2@host/p",
        "https://host/me:hunter2@/p",
        "https://host/p#hunter2",
    ] {
        let report = rendered(&format!("[remote]\nurl = \"{url}\"\nfoo = 1\n"));
        assert!(report.contains("must hold no user"), "{report}");
        assert!(report.contains("unknown key `foo`"), "{report}");
        assert!(!report.contains("hunter2"), "{report}");
    }
    let report = rendered("[remote]\nurl = 'x'\nsecret_access_key = 'hunter2'\nkey = hunter2\n");
    assert!(!report.contains("hunter2"), "{report}");
    let report = rendered(
        "[run]\nnotify = 'mail --password hunter2'\n[slurm]\noptions = ['A_TOKEN=hunter2']\nqos = 3\n",
    );
    assert!(report.contains("A_TOKEN"), "{report}");
    assert!(!report.contains("hunter2"), "{report}");
    let report = rendered("[remote]\nurl = 'x'\nendpoint = 'https://me:hunter2@host'\n");
    assert!(
        report.contains("no password") && !report.contains("hunter2"),
        "{report}"
    );
}

#[test]
fn values_that_may_be_secrets_are_not_said_either() {
    for text in [
        "[slurm]\nsetup = 'export A=hunter2'",
        "[slurm]\nsetup = [1, 'export A=hunter2', 2]",
        "[slurm]\nsetup = [['hunter2']]\nkey = 'hunter2'",
        "run = 'curl https://host/hunter2'",
        "remote = 'https://me:hunter2@h'",
        "stores = ['https://me:hunter2@h', 'me:hunter2@h']",
        "executor = 'hunter2'",
        "[slurm]\ntasks = 'hunter2'",
        "[run]\nnotify = ['hunter2']",
        "[slurm.tasks]\n'train.*' = 'hunter2'",
        "[remote]\nurl = 'me:hunter2@s3://bucket'",
        "[remote]\nurl = 's3://me:hunter2@bucket'",
        "[remote]\nurl = 'x'\npat = 'hunter2'",
        "[remote]\nurl = 'x'\ntoken: 'hunter2'",
        "[remote]\nurl = 'x'\nsecret_key 'hunter2'",
        "[run]\nnotify 'curl https://host/hunter2'",
        "[run]\nnotify: curl https://host/hunter2",
        "[slurm]\nsetup = [export A=hunter2]",
        "[slurm]\nsetup [\n'export A=hunter2',\n'b']",
        "[slurm] setup = 'hunter2'",
    ] {
        let report = rendered(text);
        assert!(!report.contains("hunter2"), "{text}:\n{report}");
    }
    // Numbers as well; of what may be shown the value is said.
    let report = rendered("remote = 271828\nrun = 27182818284590452353602874");
    assert!(!report.contains("271828"), "{report}");
    assert!(
        report.contains("must be a table, found an integer"),
        "{report}"
    );
    assert!(rendered("[remote]\nurl = 271828").contains("the integer 271828"));
}
