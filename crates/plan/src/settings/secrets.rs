//! What messages show of the settings: nothing that may be a secret.

use std::ops::Range;

use crate::file::{Entry, Node, Raw};

/// Kinds of addresses.
pub(super) const SCHEMES: [&str; 10] = [
    "s3", "s3a", "gs", "az", "abfs", "abfss", "https", "http", "file", "",
];

/// Keys whose values are shown. What stands under any other key may be a secret that is in the wrong place, or a command with one.
const SHOWN: [&str; 24] = [
    "account",
    "any_machine",
    "default",
    "endpoint",
    "gpu_partition",
    "gres",
    "local",
    "memory",
    "modules",
    "options",
    "pack_minutes",
    "partition",
    "path",
    "push",
    "qos",
    "read_only",
    "region",
    "retries",
    "stores",
    "submit_interval_seconds",
    "threads",
    "time",
    "url",
    "visibility_seconds",
];

/// Words that a secret follows.
const SECRET: [&str; 7] = [
    "secret",
    "token",
    "passw",
    "pwd",
    "credential",
    "api_key",
    "access_key",
];

/// The text with stars in place of what may be a secret. All other bytes stay where they are.
pub(super) fn without_secrets(text: &str) -> String {
    let mut shown = text.as_bytes().to_vec();
    for (key, value) in values(text) {
        let hidden = match is_shown(key) {
            true => secrets(&text[value.clone()]),
            false => std::iter::once(0..value.len()).collect(),
        };
        for part in hidden {
            let bytes = shown.get_mut(value.start + part.start..value.start + part.end);
            bytes
                .unwrap_or_default()
                .iter_mut()
                .filter(|byte| !byte.is_ascii_whitespace())
                .for_each(|byte| *byte = b'*');
        }
    }
    // Whole characters were replaced, so it is still text.
    String::from_utf8(shown).unwrap_or_default()
}

/// Marks what the text without secrets, which the nodes point into, hides: messages do not say it, either.
pub(super) fn hide(entries: &mut [Entry], without_secrets: &str) {
    entries
        .iter_mut()
        .for_each(|entry| hide_in(&mut entry.node, without_secrets));
}

fn hide_in(node: &mut Node, without_secrets: &str) {
    let written = without_secrets.get(node.span.clone()).unwrap_or_default();
    node.is_secret = match &mut node.raw {
        Raw::Table(entries) => {
            hide(entries, without_secrets);
            false
        }
        Raw::List(items) => {
            let items = items.iter_mut();
            items.for_each(|item| hide_in(item, without_secrets));
            false
        }
        Raw::Text(text) => written.contains('*') && !written.contains(text.as_str()),
        _ => written.contains('*'),
    };
}

/// The text up to where a secret may begin.
pub(super) fn before_secret(text: &str) -> &str {
    let hidden = secrets(text);
    let first = hidden.iter().map(|part| part.start).min();
    &text[..first.unwrap_or(text.len())]
}

fn is_shown(key: &str) -> bool {
    end_of_secret_word(key).is_none() && SHOWN.contains(&key)
}

/// Where secrets may stand in a text that is shown: the user of an address, what follows its `?` or `#`, what follows a word such as
/// `token`.
fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // A user before the scheme is in the wrong place.
    let scheme = text.find("://").filter(|at| text[..*at].contains('@'));
    found.extend(scheme.map(|at| 0..at));
    if text.contains("://") || has_password(text) {
        let user = user(text);
        let end = user.as_ref().map_or(0, |user| user.end);
        let query = text[end..].find(['?', '#']);
        found.extend(query.map(|mark| end + mark + 1..text.len()));
        found.extend(user);
    }
    found.extend(end_of_secret_word(text).map(|at| at..text.len()));
    found
}

/// Whether a text can stand before `://`.
pub(super) fn is_scheme(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.bytes().all(is_part)
}

fn end_of_secret_word(text: &str) -> Option<usize> {
    let lower = text.to_ascii_lowercase();
    let ends = SECRET
        .iter()
        .filter_map(|word| Some(lower.find(word)? + word.len()));
    ends.min()
}

/// The values of a text that need not be TOML, each with the last key before it, or none: what is quoted, what follows `=` without quotes,
/// and comments. Behind the first word of a line that is neither a key with its value nor a header everything is a value without a key.
fn values(text: &str) -> Vec<(&str, Range<usize>)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut key = "";
    // Whether what comes is a value; the lists and tables of a value that are open, with their keys.
    let (mut is_value, mut open, mut at) = (false, Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let rest = &text[at..];
        let line = at + rest.find('\n').unwrap_or(rest.len());
        let is_listed = matches!(open.last(), Some((b'[', _)));
        match byte {
            b'#' => {
                // It belongs to no key: what looks like a secret is hidden.
                found.push((SHOWN[0], at..line));
                at = line;
            }
            b'\n' | b',' => {
                is_value &= byte == b',' && open.is_empty();
                at += 1;
            }
            b'=' => {
                is_value = true;
                at += 1;
            }
            b'[' | b'{' if is_value || !open.is_empty() => {
                open.push((byte, key));
                is_value = false;
                at += 1;
            }
            b'[' => {
                let begin = at + rest.len() - rest.trim_start_matches('[').len();
                let (_, end) = key_at(text, begin);
                let behind = text[end..].trim_start_matches(']');
                at = text.len() - behind.len();
                (key, is_value) = ("", true);
            }
            b']' | b'}' => {
                key = open.pop().map_or("", |(_, key)| key);
                if open.is_empty() {
                    // What follows is in the wrong place.
                    (key, is_value) = ("", true);
                }
                at += 1;
            }
            _ if byte.is_ascii_whitespace() => at += 1,
            _ => {
                let (word, end) = key_at(text, at);
                let is_key = bytes.get(end) == Some(&b'=');
                if !word.is_empty() && !is_value && (!is_listed || is_key) {
                    (key, at) = (&text[word], end);
                    let goes_on = text[end..].chars().next();
                    if !is_key && goes_on.is_some_and(|next| !"\n#".contains(next)) {
                        (key, is_value) = ("", true);
                    }
                } else if matches!(byte, b'"' | b'\'') {
                    let end = end_of_quoted(text, at);
                    found.push((key, at + 1..end));
                    at = end + usize::from(bytes.get(end).is_some_and(|&byte| byte != b'\n'));
                    if open.is_empty() {
                        // What follows is in the wrong place.
                        key = "";
                    }
                } else {
                    if !is_value && !is_listed {
                        key = "";
                    }
                    // Without quotes it cannot be told where a value ends but by its line.
                    found.push((key, at..line));
                    let end = rest.find(['"', '\'', '\n', '=', ',', '[', '{', ']', '}', '#']);
                    at += end.unwrap_or(rest.len());
                }
            }
        }
    }
    found
}

/// The last part of the key that begins at `at`, without quotes, and where the key ends with the blanks behind it.
fn key_at(text: &str, at: usize) -> (Range<usize>, usize) {
    let after_blanks = |at: usize| text.len() - text[at..].trim_start_matches([' ', '\t']).len();
    let mut begin = after_blanks(at);
    loop {
        let rest = &text[begin..];
        let (part, end) = match rest.starts_with(['"', '\'']) {
            true => {
                let end = end_of_quoted(text, begin);
                let is_closed = text[end..].starts_with(&rest[..1]);
                (begin + 1..end, end + usize::from(is_closed))
            }
            false => {
                let is_bare = |letter: char| letter.is_alphanumeric() || "_-".contains(letter);
                let end = begin + rest.find(|letter| !is_bare(letter)).unwrap_or(rest.len());
                (begin..end, end)
            }
        };
        let end = after_blanks(end);
        match text[end..].starts_with('.') {
            true => begin = after_blanks(end + 1),
            false => return (part, end),
        }
    }
}

/// Where what is quoted from `at` on ends: at the same quotes, or where they are missing at the end of the line.
fn end_of_quoted(text: &str, at: usize) -> usize {
    let quote = &text[at..at + 1];
    let three = quote.repeat(3);
    if text[at..].starts_with(&three) {
        let begin = at + three.len();
        let end = text[begin..].find(&three);
        return end.map_or(text.len(), |end| begin + end + 2);
    }
    let mut is_escaped = false;
    for (offset, c) in text[at + 1..].char_indices() {
        match c {
            '\n' => return at + 1 + offset,
            '\\' if quote == "\"" && !is_escaped => is_escaped = true,
            _ if text[at + 1 + offset..].starts_with(quote) && !is_escaped => {
                return at + 1 + offset;
            }
            _ => is_escaped = false,
        }
    }
    text.len()
}

/// Whether a text has a user and a password as addresses have them, `user:password@`.
pub(super) fn has_password(text: &str) -> bool {
    user(text).is_some_and(|user| text[user].contains(':'))
}

/// Where the user of an address stands, with a password if there is one: before the last `@` of what comes before the path. A colon that
/// no number follows begins a password, which may itself hold what begins a path. What looks like a user and a password in the path of
/// a server is taken for that, too.
pub(super) fn user(text: &str) -> Option<Range<usize>> {
    let begin = begin_of_server(text);
    let rest = &text[begin..];
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let end = match (server.rfind('@'), server.split_once(':')) {
        (Some(at), _) => at,
        // Numbers in brackets are an address of IPv6.
        (None, Some((host, port))) if host != "[" && !is_port(port) => rest.rfind('@')?,
        _ => {
            let is_of_server = text.contains("://") && !text[..begin].ends_with("file://");
            let path = rest.get(server.len()..).filter(|_| is_of_server)?;
            let colon = path.find(':')?;
            server.len() + path.rfind('@').filter(|at| *at > colon)?
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_may_stand() {
        for (text, shown) in [
            (
                "url = \"https://me:pw@host/x\"\n",
                "url = \"https://*****@host/x\"\n",
            ),
            (
                "url = 'https://us er:p w@h/x' # a",
                "url = 'https://** **** *@h/x' # a",
            ),
            (
                "path = \"https:/me:pw@h:9/x\"",
                "path = \"https:/*****@h:9/x\"",
            ),
            ("url = \"me:pw@host/x\"", "url = \"*****@host/x\""),
            (
                "url = \"https://host/x?sig=a b\"",
                "url = \"https://host/x?***** *\"",
            ),
            ("url = \"https://host/x#t\"", "url = \"https://host/x#*\""),
            ("url = \"file://me:pw@/x\"", "url = \"file://*****@/x\""),
            (
                "url = \"https://me:p/w?d@h/x?sig=a\"",
                "url = \"https://********@h/x?*****\"",
            ),
            (
                "url = \"https://host/me:pw@/x\"",
                "url = \"https://**********@/x\"",
            ),
            ("url = https://me:pw@h/x\n", "url = https://*****@h/x\n"),
            (
                "path = \"a@b\"\nurl = \"s3://b/é\"",
                "path = \"a@b\"\nurl = \"s3://b/é\"",
            ),
            // What is no key of the settings, and commands.
            ("secret_key = \"é\" # x", "secret_key = \"**\" # x"),
            ("password = hunter2\n", "password = *******\n"),
            ("'my token' = 'x'", "'my token' = '*'"),
            (
                "key = \"\"\"a\nb\"\"\"\nqos = 'c'",
                "key = \"***\n***\"\nqos = 'c'",
            ),
            (
                "setup = [\n'export A=b',\n\"c\\\"d\"]\nqos = 'e'",
                "setup = [\n'****** ***',\n\"****\"]\nqos = 'e'",
            ),
            (
                "remote = { url = 'x', pass = 'y', region = 'z' }",
                "remote = { url = 'x', pass = '*', region = 'z' }",
            ),
            (
                "setup = ['a]', 'b']\n[x.'y']",
                "setup = ['**', '*']\n[x.'y']",
            ),
            ("key = 'a\nqos = 'b'", "key = '*\nqos = 'b'"),
            // A misspelt key; a secret among what is shown.
            ("partiton = 'main'", "partiton = '****'"),
            ("pat = \"a\"", "pat = \"*\""),
            // What is no TOML.
            ("token: \"ab\"\nqos = 'c'", "token* ****\nqos = 'c'"),
            ("key \"a b\"", "key \"* *\""),
            (
                "notify \"curl https://h/x\" y",
                "notify \"**** ***********\" *",
            ),
            ("key a.b = c # d", "key *** * * * *"),
            ("a . \"qos\" = b", "a . \"qos\" = b"),
            ("[x] a = 'b'\n[y \"z\"", "[x] * * ***\n[y \"*\""),
            (
                "key [\n'a',\n'b']\nqos = 'c'",
                "key [\n'*',\n'*']\nqos = 'c'",
            ),
            ("setup = [a b, c]", "setup = [* ** **"),
            ("a = [{ url = 'b' }, 'c'] d", "a = [{ url = 'b' }, '*'] *"),
            ("qos = 'a' b, 'c'", "qos = 'a' ** ***"),
            ("options = ['a',\nkey = 'b'", "options = ['a',\nkey = '*'"),
            (
                "options = ['--export=MY_TOKEN=a', '--exclusive']",
                "options = ['--export=MY_TOKEN**', '--exclusive']",
            ),
            ("qos = 'a' # password: b", "qos = 'a' # passw**** *"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
        assert_eq!(before_secret("--export=MY_TOKEN=a"), "--export=MY_TOKEN");
        for text in ["--exclusive", "--comment=https://host/x"] {
            assert_eq!(before_secret(text), text);
        }
    }

    #[test]
    fn any_text_is_still_text_of_the_same_length() {
        for text in [
            "",
            "=",
            "'",
            "\"\\",
            "'''",
            "\"\"\"a",
            "a = '''é",
            "é = é",
            "[[",
            "]]=#",
        ] {
            assert_eq!(without_secrets(text).len(), text.len(), "{text}");
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
            "https://host/me:pw@/x",
            "https://host:9/x/me:p/w@y",
            "http://[::1]:9/a:b@c",
            "s3://bucket/a:b@c",
        ] {
            assert!(has_password(text), "{text}");
        }
        for text in [
            "results",
            "me@host",
            "s3://bucket/a",
            "s3://bucket/a@b:c",
            "C:/results",
            "C:/a@b",
            "/mnt/10:00@x",
            "./10:00@x",
            "file:///mnt/10:00@x",
            "https://host:9/x",
            "https://host:9/a@c",
            "http://[::1]:9/a@c",
        ] {
            assert!(!has_password(text), "{text}");
        }
        // A user without a password is none of S3's, either.
        assert_eq!(user("https://me@host/x"), Some(8..10));
        assert_eq!(user("s3://bucket/a@b"), None);
    }
}
