//! What a piece of code mentions: paths, and files that it includes.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use crate::tokens::{is_path_separator, is_punct, name, trees};
use crate::use_tree::imports;

/// First part of a path that begins at the root of the crate in which a macro is defined.
pub(crate) const MACRO_CRATE: &str = "$crate";

/// The macro that names a task function, and reads the table made here.
pub(crate) const TASK_FUNCTION: &str = "task_function";

/// Everything that a piece of code mentions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Mentions {
    /// Paths as written, without generic arguments; a single name is a path of one part.
    pub(crate) paths: BTreeSet<Vec<String>>,
    /// Arguments of `include!`, `include_bytes!` and `include_str!`.
    pub(crate) files: BTreeSet<String>,
    /// Arguments of `task_function!`.
    pub(crate) task_functions: BTreeSet<Vec<String>>,
    /// Macros that read what is known only while compiling, and cannot be followed.
    pub(crate) obstacles: BTreeSet<String>,
}

/// What `tokens` mention. Everything that might be a path counts: names of variables and of fields in literals too.
pub(crate) fn mentions(tokens: &[TokenTree]) -> Mentions {
    let mut found = Mentions::default();
    found.scan(tokens, false);
    found
}

impl Mentions {
    fn scan(&mut self, tokens: &[TokenTree], in_attribute: bool) {
        let mut index = 0;
        while let Some(tree) = tokens.get(index) {
            let mut next = index + 1;
            match tree {
                TokenTree::Group(group) => {
                    let in_attribute = in_attribute || is_attribute(tokens, index);
                    self.scan(&trees(group.stream()), in_attribute);
                }
                TokenTree::Literal(literal) => self.literal(&literal.to_string(), in_attribute),
                TokenTree::Ident(word) if word == "use" => {
                    next = end_of_statement(tokens, next);
                    let imports = imports(&tokens[index + 1..next]);
                    self.paths
                        .extend(imports.into_iter().map(|import| import.path));
                }
                TokenTree::Ident(_) => next = self.path(tokens, index),
                TokenTree::Punct(_) => {}
            }
            index = next;
        }
    }

    /// Takes in the path that begins at `index`; where it ends.
    fn path(&mut self, tokens: &[TokenTree], index: usize) -> usize {
        let (mut path, mut end) = (Vec::new(), index);
        while let Some(TokenTree::Ident(part)) = tokens.get(end) {
            path.push(name(part));
            end += 1;
            match tokens.get(end + 2) {
                Some(TokenTree::Ident(_)) if is_path_separator(tokens, end) => end += 2,
                _ => break,
            }
        }
        if is_punct(tokens.get(end), '!') {
            self.call(&path, tokens.get(end + 1));
        }
        let before = |back: usize| index.checked_sub(back).and_then(|at| tokens.get(at));
        // `a.b` is a field or a method, `0..b` is not.
        let is_member = is_punct(before(1), '.') && !is_punct(before(2), '.');
        let is_lifetime = is_punct(before(1), '\'');
        let is_fragment = is_punct(before(1), '$');
        if is_fragment && path.first().is_some_and(|first| first == "crate") {
            path[0] = MACRO_CRATE.to_owned();
            self.paths.insert(path);
        } else if !(is_member || is_lifetime || is_fragment) {
            self.paths.insert(path);
        }
        end
    }

    /// Takes in the call of a macro that reads a file or the environment of the compiler.
    fn call(&mut self, path: &[String], arguments: Option<&TokenTree>) {
        let Some(name) = path.last().map(String::as_str) else {
            return;
        };
        match name {
            "include" | "include_bytes" | "include_str" => {
                let arguments = arguments_of_call(arguments);
                match arguments.as_slice() {
                    [TokenTree::Literal(file)] => {
                        self.files.insert(content(&file.to_string()).to_owned());
                    }
                    _ => {
                        self.obstacles.insert(format!("{name}!"));
                    }
                }
            }
            TASK_FUNCTION => {
                let arguments = mentions(&arguments_of_call(arguments));
                self.task_functions.extend(arguments.paths);
            }
            "env" | "option_env" => {
                self.obstacles.insert(format!("{name}!"));
            }
            _ => {}
        }
    }

    /// Takes in what the text of a literal names: in a format string what stands in braces, in an attribute a path.
    fn literal(&mut self, literal: &str, in_attribute: bool) {
        if !literal.ends_with(['"', '#']) {
            return;
        }
        let content = content(literal);
        for piece in content.split('{').skip(1) {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let name = piece.split(|c| !is_name(c)).next().unwrap_or_default();
            if !name.is_empty() {
                self.paths.insert(vec![name.to_owned()]);
            }
        }
        let is_path = !content.is_empty() && !content.contains(char::is_whitespace);
        if in_attribute
            && is_path
            && let Ok(stream) = content.parse::<TokenStream>()
        {
            self.scan(&trees(stream), false);
        }
    }
}

fn arguments_of_call(arguments: Option<&TokenTree>) -> Vec<TokenTree> {
    match arguments {
        Some(TokenTree::Group(group)) => trees(group.stream()),
        _ => Vec::new(),
    }
}

/// Whether the group at `index` is that of an attribute.
fn is_attribute(tokens: &[TokenTree], index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).and_then(|at| tokens.get(at));
    is_punct(before(1), '#') || is_punct(before(1), '!') && is_punct(before(2), '#')
}

/// Position of the next `;`.
pub(crate) fn end_of_statement(tokens: &[TokenTree], from: usize) -> usize {
    let rest = tokens.get(from..).unwrap_or_default();
    let length = rest.iter().position(|tree| is_punct(Some(tree), ';'));
    from + length.unwrap_or(rest.len())
}

/// What stands between the quotes of a literal.
fn content(literal: &str) -> &str {
    let start = literal.find('"').map_or(0, |quote| quote + 1);
    let end = literal.rfind('"').unwrap_or(start).max(start);
    &literal[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Mentions {
        mentions(&trees(code.parse().expect("it is made of tokens")))
    }

    fn paths(code: &str) -> Vec<String> {
        let paths = of(code).paths;
        paths.iter().map(|path| path.join("::")).collect()
    }

    #[test]
    fn paths_in_code_macros_and_bodies_count() {
        assert_eq!(paths("a::b::<C>(d)"), ["C", "a::b", "d"]);
        assert_eq!(paths("vec![crate::a(1); b]"), ["b", "crate::a", "vec"]);
        assert_eq!(paths("{ { super::a } }"), ["super::a"]);
        assert_eq!(paths("<A as b::C>::d"), ["A", "as", "b::C", "d"]);
        assert_eq!(paths("use a::{b, c::*}; d"), ["a::b", "a::c::*", "d"]);
    }

    #[test]
    fn members_lifetimes_and_fragments_of_macros_are_no_paths() {
        assert_eq!(paths("a.b.c()"), ["a"]);
        assert_eq!(paths("a..b"), ["a", "b"]);
        assert_eq!(paths("0..=b"), ["b"]);
        assert_eq!(paths("&'a b"), ["b"]);
        assert_eq!(paths("$a::b + $crate::c"), ["$crate::c"]);
    }

    #[test]
    fn texts_can_mention_paths() {
        assert_eq!(paths(r#"f!("{A:>3} {} {{x}} {b}")"#), ["A", "b", "f", "x"]);
        assert_eq!(
            paths(r#"#[serde(default = "a::b")] c"#),
            ["a::b", "c", "default", "serde"]
        );
        assert_eq!(paths(r#"f("a::b")"#), ["f"]);
    }

    #[test]
    fn included_files_are_named_and_the_environment_is_an_obstacle() {
        let found = of(r#"include_bytes!("../a.gz"), include_str!(concat!(a, b)), env!("HOME")"#);
        assert_eq!(found.files, BTreeSet::from(["../a.gz".to_owned()]));
        let obstacles = ["env!".to_owned(), "include_str!".to_owned()];
        assert_eq!(found.obstacles, BTreeSet::from(obstacles));
    }
}
