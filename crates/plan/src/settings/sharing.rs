//! The sections `[remote]` and `[[stores]]`: where results are shared.

use std::path::{Path, PathBuf};

use eigenscope_stage::{Parameter, ParameterType};

use super::secrets::{SCHEMES, has_password, is_scheme, user};
use super::section::Section;
use crate::file::{Entry, FileError, Problems, Raw, Sources, Span, named, wrong_type};

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
            let span = &given.node.span;
            if path.trim().is_empty() {
                problems.add(|| {
                    FileError::new("no_folder", "`path` names no folder")
                        .at(span, "empty")
                        .help("name the artifacts folder of somebody else, such as \"/shared/artifacts\"")
                });
                continue;
            }
            if is_of_a_shell(&path) {
                problems.add(|| of_a_shell("path", span));
                continue;
            }
            if path.contains("://") || has_password(&path) {
                problems.add(|| {
                    FileError::new("not_an_address", "`path` is not an address")
                        .at(span, "should be a folder on this machine")
                        .help("results on other machines are reached through [remote]")
                });
                continue;
            }
            let file = sources.path_at(span.start);
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
            let message = match is_scheme(scheme) {
                true => format!("`url` begins with `{}://`", named(scheme)),
                false => "`url` does not begin as an address does".to_owned(),
            };
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
    if scheme.is_empty() && is_of_a_shell(text) {
        problems.add(|| of_a_shell("url", span));
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
    if has_password(text) || is_server && (user(text).is_some() || rest.contains(['?', '#'])) {
        problems.add(|| {
            FileError::new("secret", "`url` must hold no user, no password and no query")
                .at(span, "would end up in messages")
                .help("credentials come from the environment, such as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; write %40 for an `@` in a name")
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

/// Whether a path begins with what only a shell replaces.
fn is_of_a_shell(path: &str) -> bool {
    path.starts_with(['~', '$'])
}

fn of_a_shell(key: &str, span: &Span) -> FileError {
    FileError::new("not_a_path", format!("`{key}` is taken as it is written"))
        .at(span, "`~` and `$` mean something to a shell only")
        .help("write the whole path; one that really begins so is written with `./` before it")
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
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', '?', '#']))
}
