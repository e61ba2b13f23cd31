//! Files that have an address and a digest.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;

use super::shared::NamedPath;
use crate::error::IngestError;

/// A text, or a list of texts; an empty text is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Texts {
    One(String),
    More(Vec<String>),
}

impl Texts {
    fn all(&self) -> &[String] {
        match self {
            Texts::One(text) if text.is_empty() => &[],
            Texts::One(text) => std::slice::from_ref(text),
            Texts::More(texts) => texts,
        }
    }
}

/// A file of the user's whose content is stated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StatedFile<'a> {
    /// Where it is, or is to be placed, in the data directory.
    pub(crate) path: &'a str,
    /// Where it is downloaded from if it is not there.
    pub(crate) url: Option<&'a str>,
    /// SHA-256 of its bytes in hexadecimal digits, small or capital.
    pub(crate) sha256: &'a str,
}

/// Parameters of files that are downloaded, or only checked.
pub(super) fn online() -> [Parameter; 2] {
    let texts = || {
        let list = ParameterType::list(ParameterType::Text);
        ParameterType::Either(vec![ParameterType::Text, list])
    };
    [
        Parameter::optional(
            "url",
            texts(),
            "",
            "address from which the file is downloaded into the data directory if it is not there; of several files a list, in the order of the parameters that name them",
        ),
        Parameter::optional(
            "sha256",
            texts(),
            "",
            "SHA-256 of the file as `sha256sum` prints it, or a list; a file with another one is refused",
        ),
    ]
}

/// The name that a file has by its address, where none is given; empty if it has none.
pub(super) fn name_of<'a>(file: &'a str, lists: [&[String]; 2], url: &'a Texts) -> &'a str {
    match (file, lists, url.all()) {
        ("", [[], []], [url]) => {
            let path = url.split(['?', '#']).next().unwrap_or_default();
            let rest = path.split_once("://").map_or("", |(_, rest)| rest);
            let name = rest.rsplit_once('/').map_or("", |(_, name)| name);
            if matches!(name, "." | "..") { "" } else { name }
        }
        _ => file,
    }
}

/// What is stated about files.
///
/// # Errors
/// The lists have other lengths, an address without a digest, or addresses and digests that are none.
pub(super) fn stated<'a>(
    files: impl IntoIterator<Item = NamedPath<'a>>,
    url: &'a Texts,
    sha256: &'a Texts,
) -> Result<Vec<StatedFile<'a>>, IngestError> {
    let files: Vec<NamedPath<'a>> = files.into_iter().collect();
    let (urls, digests) = (url.all(), sha256.all());
    if urls.is_empty() && digests.is_empty() {
        return Ok(Vec::new());
    }
    for (name, list) in [("url", urls), ("sha256", digests)] {
        let is_left_out = name == "url" && list.is_empty();
        if !is_left_out && list.len() != files.len() {
            let (count, found) = (files.len(), list.len());
            let advice = match name {
                "sha256" => "; it is what `sha256sum` prints",
                _ => "",
            };
            let reason = format!("expected one for each of {count} files, found {found}{advice}");
            return Err(IngestError::parameter(name, reason));
        }
    }
    urls.iter().try_for_each(|url| check_url(url))?;
    digests.iter().try_for_each(|digest| check_digest(digest))?;
    let stated = files.iter().zip(digests).enumerate();
    let stated = stated.map(|(position, ((_, path), sha256))| StatedFile {
        path,
        url: urls.get(position).map(String::as_str),
        sha256,
    });
    Ok(stated.collect())
}

fn check_url(url: &str) -> Result<(), IngestError> {
    if url.starts_with("https://") || is_local(url) {
        return Ok(());
    }
    let reason = format!("expected an address that begins with https://, found {url}");
    Err(IngestError::parameter("url", reason))
}

/// Whether an address is one of this machine, for which TLS is not needed.
pub(crate) fn is_local(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn check_digest(digest: &str) -> Result<(), IngestError> {
    if digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    let reason = format!("expected 64 digits of 0 to 9 and a to f, found {digest:?}");
    Err(IngestError::parameter("sha256", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Texts {
        Texts::One(text.to_owned())
    }

    #[test]
    fn addresses_and_digests_go_with_files() {
        let digest = "0".repeat(64);
        let files = [("file", "a.npz")];
        assert_eq!(stated(files, &one(""), &one("")).expect("none"), []);
        let url = one("https://example.org/a.npz");
        let both = one(&digest);
        let found = stated(files, &url, &both).expect("valid");
        assert_eq!(found[0].url, Some("https://example.org/a.npz"));
        let none = one("");
        let found = stated(files, &none, &both).expect("valid");
        assert_eq!(found[0].url, None);
        let capitals = one(&"AB".repeat(32));
        assert_eq!(stated(files, &none, &capitals).expect("valid").len(), 1);
        for (url, sha256, part) in [
            (
                &url,
                one(""),
                "`sha256`: expected one for each of 1 files, found 0",
            ),
            (&url, one("123"), "`sha256`: expected 64 digits"),
            (
                &one("http://example.org/a"),
                both.clone(),
                "`url`: expected an address",
            ),
            (
                &one("ftp://localhost/a"),
                both.clone(),
                "`url`: expected an address",
            ),
            (
                &Texts::More(vec![String::new(); 2]),
                both.clone(),
                "`url`: expected one for each",
            ),
        ] {
            let error = stated(files, url, &sha256).expect_err(part).to_string();
            assert!(error.starts_with(part), "{error}");
        }
    }

    #[test]
    fn only_this_machine_needs_no_tls() {
        for url in [
            "http://localhost/a",
            "http://127.0.0.1:80",
            "http://[::1]:8080/a",
        ] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "http://localhost.org/",
            "http://127.0.0.1@x.org/",
            "https://localhost/",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }

    #[test]
    fn a_file_is_called_as_in_its_address() {
        let name = |url: &str| name_of("", [&[], &[]], &one(url)).to_owned();
        assert_eq!(name("https://example.org/data/a.npz?x=1/2"), "a.npz");
        assert_eq!(name("https://example.org"), "");
        assert_eq!(name("https://example.org/a/.."), "");
        assert_eq!(name_of("b", [&[], &[]], &one("https://x/a")), "b");
    }
}
