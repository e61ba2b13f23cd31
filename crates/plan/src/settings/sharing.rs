//! The sections `[remote]` and `[[stores]]`: where results are shared.

use std::ops::Range;
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
    let is_server = !matches!(scheme, "" | "file");
    if scheme.starts_with("abfs") && user(text).is_some() && !has_password(text) {
        problems.add(|| {
            FileError::new("not_an_address", "`url` names an account behind its container")
                .at(span, "the part before `@` is taken for a user")
                .help(format!(
                    "write {scheme}://CONTAINER/PREFIX; the account comes from the environment, AZURE_STORAGE_ACCOUNT_NAME"
                ))
        });
        return None;
    }
    if has_password(text) || is_server && (user(text).is_some() || rest.contains('?')) {
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

/// Whether a text has a user and a password as addresses have them, `user:password@`.
fn has_password(text: &str) -> bool {
    user(text).is_some_and(|user| text[user].contains(':'))
}

/// Where the user of an address stands, with a password if there is one: before the last `@` of what comes before the path. A colon that
/// no number follows begins a password, which may itself hold what begins a path.
fn user(text: &str) -> Option<Range<usize>> {
    let begin = begin_of_server(text);
    let rest = &text[begin..];
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let end = match (server.rfind('@'), server.split_once(':')) {
        (Some(at), _) => at,
        // Numbers in brackets are an address of IPv6.
        (None, Some((host, port))) if host != "[" && !is_port(port) => rest.rfind('@')?,
        _ => return None,
    };
    Some(begin..begin + end)
}

/// Where in an address its server begins, however many slashes follow the scheme. A path has none, but for what a `file://` names.
fn begin_of_server(text: &str) -> usize {
    let after_slashes = |at: usize| {
        let slashes = text[at..].bytes().take_while(|byte| *byte == b'/');
        at + slashes.count()
    };
    match text.find("://") {
        Some(at) if text[..at].ends_with("file") => at + "://".len(),
        Some(at) => after_slashes(at + 1),
        // A scheme with too few slashes.
        None => {
            let mut schemes = SCHEMES.iter().filter(|scheme| !scheme.is_empty());
            let known = schemes.find(|scheme| {
                let rest = text.strip_prefix(**scheme);
                rest.is_some_and(|rest| rest.starts_with(':'))
            });
            known.map_or(0, |scheme| after_slashes(scheme.len() + 1))
        }
    }
}

/// The text with stars in place of what quoted addresses say of a user, and after `?`. All other bytes stay where they are.
pub(super) fn without_secrets(text: &str) -> String {
    let mut shown = text.as_bytes().to_vec();
    let mut start = 0;
    for value in text.split_inclusive(['"', '\'', '\n']) {
        if value.contains("://") || has_password(value) {
            let user = user(value).unwrap_or_default();
            let end = value.trim_end_matches(['"', '\'', '\n']).len();
            let query = value[user.end..].find('?');
            let query = query.map_or(end, |mark| user.end + mark + 1).min(end)..end;
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
                "path = \"https:/*****@h:9/x\"",
            ),
            ("url = \"me:pw@host/x\"", "url = \"*****@host/x\""),
            (
                "url = \"https://host/x?sig=a b\"",
                "url = \"https://host/x?*******\"",
            ),
            ("url = \"file://me:pw@/x\"", "url = \"file://*****@/x\""),
            (
                "url = \"https://me:p/w?d@h/x?sig=a\"",
                "url = \"https://********@h/x?*****\"",
            ),
            ("url = \"s3://bucket/a:b@c\"", "url = \"s3://bucket/a:b@c\""),
            (
                "folder = \"a@b\"\nurl = \"s3://b/é\"",
                "folder = \"a@b\"\nurl = \"s3://b/é\"",
            ),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn a_password_is_what_follows_a_colon_before_an_at_sign() {
        for text in [
            "file://me:pw@/x",
            "https:/me:pw@h/x",
            "https:///me:pw@h/x",
            "me:pw@host/x",
            "https://me:p/w@host/x",
            "https://me:p?w@host/x",
            "https://me:p w@host/x",
            "https://me:p#w@host:9/x@y",
            "s3://me:p/w@bucket/x",
        ] {
            assert!(has_password(text), "{text}");
        }
        for text in [
            "results",
            "me@host",
            "s3://bucket/a",
            "s3://bucket/a:b@c",
            "C:/results",
            "C:/a@b",
            "/mnt/10:00@x",
            "./10:00@x",
            "file:///mnt/10:00@x",
            "https://host:9/x",
            "https://host:9/a:b@c",
            "http://[::1]:9/a:b@c",
        ] {
            assert!(!has_password(text), "{text}");
        }
        // A user without a password is none of S3's, either.
        assert_eq!(user("https://me@host/x"), Some(8..10));
        assert_eq!(user("s3://bucket/a@b"), None);
    }
}
