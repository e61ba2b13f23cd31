//! `use` declarations, one import for every name they bring.

use proc_macro2::{Delimiter, TokenTree};

use crate::tokens::{group, is_path_separator, is_punct, is_word, name, trees};

/// Stands for all names of a module, as the last part of a path.
pub(crate) const GLOB: &str = "*";

/// One name that a `use` declaration brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Import {
    /// The path; its last part is [`GLOB`] if it brings all names of a module.
    pub(crate) path: Vec<String>,
    /// The name under which it is known here; `None` for all names, and for `as _`.
    pub(crate) name: Option<String>,
}

/// The imports of the tokens between `use` and `;`.
pub(crate) fn imports(tokens: &[TokenTree]) -> Vec<Import> {
    let mut all = Vec::new();
    collect(&[], tokens, &mut all);
    all
}

fn collect(prefix: &[String], tokens: &[TokenTree], all: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    let mut index = 0;
    while let Some(tree) = tokens.get(index) {
        if let Some(branches) = group(Some(tree), Delimiter::Brace) {
            let branches = trees(branches);
            let branches = branches.split(|tree| is_punct(Some(tree), ','));
            let branches = branches.filter(|branch| !branch.is_empty());
            branches.for_each(|branch| collect(&path, branch, all));
            return;
        }
        match tree {
            TokenTree::Ident(word) if word == "as" => break,
            // `a::{self}` is `a`.
            TokenTree::Ident(word) if word == "self" && !path.is_empty() => {}
            TokenTree::Ident(word) => path.push(name(word)),
            tree if is_punct(Some(tree), '*') => path.push(GLOB.to_owned()),
            _ => {}
        }
        index += if is_path_separator(tokens, index) {
            2
        } else {
            1
        };
    }
    let known_as = match tokens.get(index + 1) {
        Some(TokenTree::Ident(alias)) if is_word(tokens.get(index), "as") => Some(name(alias)),
        _ => path.last().cloned(),
    };
    if !path.is_empty() {
        let name = known_as.filter(|name| name != "_" && name != GLOB);
        all.push(Import { path, name });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Vec<String> {
        let tokens = trees(code.parse().expect("it is made of tokens"));
        let shown = |import: &Import| {
            let name = import.name.as_deref().unwrap_or("-");
            format!("{} {name}", import.path.join("::"))
        };
        imports(&tokens).iter().map(shown).collect()
    }

    #[test]
    fn every_name_is_an_import() {
        assert_eq!(of("a"), ["a a"]);
        assert_eq!(of("::a::b as c"), ["a::b c"]);
        assert_eq!(of("a::Trait as _"), ["a::Trait -"]);
        assert_eq!(of("super::*"), ["super::* -"]);
        assert_eq!(of("self::a"), ["self::a a"]);
        assert_eq!(
            of("a::{self, b::{c, d as e}, f::*,}"),
            ["a a", "a::b::c c", "a::b::d e", "a::f::* -"]
        );
        assert_eq!(of("{a, b::c}"), ["a a", "b::c c"]);
    }
}
