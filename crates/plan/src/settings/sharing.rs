//! The sections `[remote]` and `[[stores]]`: where results are shared.

use std::path::{Path, PathBuf};

use eigenscope_stage::{Parameter, ParameterType};

use super::section::Section;
use crate::file::{Entry, FileError, Problems, Raw, Sources, named, wrong_type};

/// Kinds of addresses.
const SCHEMES: [&str; 10] = [
    "s3", "s3a", "gs", "az", "abfs", "abfss", "https", "http", "file", "",
];

/// A store of results that others use, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Such as `s3://bucket/prefix`; a folder of this machine is an absolute path.
    pub url: String,
    /// Address of a server that speaks S3.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// Whether nothing is ever pushed.
    pub read_only: bool,
    /// Whether `run` pushes what it has made.
    pub push: bool,
    /// Whether results of other kinds of machine are taken.
    pub any_machine: bool,
}

fn flag(name: &str, summary: &str) -> Parameter {
    Parameter::required(name, ParameterType::Boolean, summary)
}

fn text(name: &str, summary: &str) -> Parameter {
    Parameter::required(name, ParameterType::Text, summary)
}

/// Reads `[remote]`.
pub(super) fn remote(entry: &Entry, sources: &Sources, problems: &mut Problems) -> Option<Remote> {
    let known = [
        text(
            "url",
            "such as \"s3://bucket/prefix\", \"https://host/path\" or a folder",
        ),
        text("endpoint", "address of a server that speaks S3"),
        text("region", "region of the bucket"),
        flag("read_only", "never push"),
        flag("push", "push what a run has made"),
        flag("any_machine", "take results of other kinds of machine"),
    ];
    let section = Section::read(entry, "[remote]", &known, &[], problems);
    let is_on = |key| section.value(key).and_then(serde_json::Value::as_bool) == Some(true);
    section.require(entry, "[remote]", &known[0], problems);
    let given = section.entry("url")?;
    let url = address(given, &section.text("url")?, sources, problems)?;
    if let Some(endpoint) = section.entry("endpoint")
        && !section.text("endpoint").is_some_and(|text| is_web(&text))
    {
        problems.add(|| {
            FileError::new(
                "not_an_address",
                "`endpoint` must be the address of a server",
            )
            .at(&endpoint.node.span, "no address")
            .help("an address begins with https:// (or http://) and holds no user and no password")
        });
    }
    if let (true, Some(push)) = (is_on("read_only") && is_on("push"), section.entry("push")) {
        problems.add(|| {
            FileError::new("contradiction", "`push` contradicts `read_only`")
                .at(&push.node.span, "pushes")
                .help("leave one of them out")
        });
    }
    Some(Remote {
        url,
        endpoint: section.text("endpoint"),
        region: section.text("region"),
        read_only: is_on("read_only"),
        push: is_on("push"),
        any_machine: is_on("any_machine"),
    })
}

/// Reads `[[stores]]`: folders of results that are only read.
pub(super) fn stores(entry: &Entry, sources: &Sources, problems: &mut Problems) -> Vec<PathBuf> {
    let Raw::List(items) = &entry.node.raw else {
        problems.add(|| {
            wrong_type("stores", "a list of tables", &entry.node.found())
                .at(&entry.node.span, "should be a list")
                .help("start each of them with a line [[stores]]")
        });
        return Vec::new();
    };
    let known = [text(
        "path",
        "the folder of results that is read, such as \"/shared/artifacts\"",
    )];
    let mut stores = Vec::new();
    for item in items {
        let item = Entry {
            key: entry.key.clone(),
            key_span: item.span.clone(),
            node: item.clone(),
        };
        let section = Section::read(&item, "[[stores]]", &known, &[], problems);
        section.require(&item, "[[stores]]", &known[0], problems);
        if let (Some(given), Some(path)) = (section.entry("path"), section.text("path")) {
            if path.contains("://") || has_password(&path) {
                problems.add(|| {
                    FileError::new("not_an_address", "`path` is not an address")
                        .at(&given.node.span, "should be a folder on this machine")
                        .help("results on other machines are reached through [remote]")
                });
                continue;
            }
            let file = sources.path_at(given.node.span.start);
            stores.push(beside(file, Path::new(&path)));
        }
    }
    stores
}

/// The address of a remote, a path made absolute.
fn address(
    entry: &Entry,
    text: &str,
    sources: &Sources,
    problems: &mut Problems,
) -> Option<String> {
    let span = &entry.node.span;
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", text),
    };
    if !SCHEMES.contains(&scheme) {
        problems.add(|| {
            let message = format!("`url` begins with `{}://`", named(scheme));
            FileError::new("not_an_address", message)
                .at(span, "no kind of store that is known")
                .help("known are s3://, gs://, az://, https://, http://, file:// and a path")
        });
        return None;
    }
    if rest.is_empty() {
        problems
            .add(|| FileError::new("not_an_address", "`url` names no place").at(span, "no place"));
        return None;
    }
    let host = rest.split('/').next().unwrap_or_default();
    let of_a_server = !matches!(scheme, "" | "file");
    if has_password(text) || of_a_server && (host.contains('@') || rest.contains('?')) {
        problems.add(|| {
            FileError::new("secret", "`url` must hold no user, no password and no query")
                .at(span, "would end up in messages")
                .help("credentials come from the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        });
        return None;
    }
    Some(match scheme {
        "" => {
            let path = beside(sources.path_at(span.start), Path::new(text));
            path.display().to_string()
        }
        _ => text.to_owned(),
    })
}

/// Whether a text has a user and a password as addresses have them, `user:password@`, whatever stands before.
fn has_password(text: &str) -> bool {
    let user = text.rsplit_once('@').map_or("", |(user, _)| user);
    let user = user.split_once("://").map_or(user, |(_, user)| user);
    user.contains(':')
}

/// The text with stars in place of what quoted addresses say before `@` (but for `scheme://`), and after `?`. All other bytes stay
/// where they are.
pub(super) fn without_secrets(text: &str) -> String {
    let mut shown = text.as_bytes().to_vec();
    let mut start = 0;
    for value in text.split_inclusive(['"', '\'', '\n']) {
        let (from, is_address) = match value.find("://") {
            Some(at) => (at + 3, true),
            None => (0, has_password(value)),
        };
        if is_address {
            let user = from..value.rfind('@').unwrap_or(from).max(from);
            let end = value.trim_end_matches(['"', '\'', '\n']).len();
            let query = value.find('?').map_or(end, |mark| mark + 1).min(end)..end;
            for range in [user, query] {
                let hidden = shown.get_mut(start + range.start..start + range.end);
                hidden.unwrap_or_default().fill(b'*');
            }
        }
        start += value.len();
    }
    // Whole characters were replaced, so it is still text.
    String::from_utf8(shown).unwrap_or_default()
}

/// A path that a file names: relative to the folder of the file.
fn beside(file: &Path, path: &Path) -> PathBuf {
    let joined = file.parent().unwrap_or(Path::new("")).join(path);
    std::path::absolute(&joined).unwrap_or(joined)
}

fn is_web(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '?']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden_wherever_an_address_may_stand() {
        for (text, shown) in [
            (
                "url = \"https://me:pw@host/x\"\n",
                "url = \"https://*****@host/x\"\n",
            ),
            (
                "url = 'https://us er:p w@h/x' # a",
                "url = 'https://*********@h/x' # a",
            ),
            (
                "path = \"https:/me:pw@h:9/x\"",
                "path = \"************@h:9/x\"",
            ),
            ("url = \"me:pw@host/x\"", "url = \"*****@host/x\""),
            (
                "url = \"https://host/x?sig=a b\"",
                "url = \"https://host/x?*******\"",
            ),
            ("url = \"file://me:pw@/x\"", "url = \"file://*****@/x\""),
            (
                "folder = \"a@b\"\nurl = \"s3://b/é\"",
                "folder = \"a@b\"\nurl = \"s3://b/é\"",
            ),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn a_password_is_a_colon_before_an_at_sign() {
        for text in ["file://me:pw@/x", "https:/me:pw@h/x", "me:pw@host/x"] {
            assert!(has_password(text), "{text}");
        }
        for text in [
            "results",
            "me@host",
            "s3://bucket/a",
            "C:/results",
            "https://host:9/x",
        ] {
            assert!(!has_password(text), "{text}");
        }
    }
}
