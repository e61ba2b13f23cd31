//! Items that a macro of ours defines: which names a call brings.
//!
//! A call can define anything and implement any trait for any type, so it is reached with its module. If all that a
//! macro expands to is types, and implementations for just these types, its calls are reached by those types' names
//! instead: tables of which each is a call of one macro can then change one by one.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};

use crate::items::{ItemKind, defined_names, items};
use crate::tokens::{group, is_punct, trees};

/// Begins the name of a fragment (`$name`) where items are looked for.
const FRAGMENT: &str = "fragment_of_macro_";

/// The names that a call with `arguments` of the macro with `rules` defines, if it is reached by them.
pub(crate) fn names_of_call(rules: &[TokenTree], arguments: TokenStream) -> Option<Vec<String>> {
    let mut names: Vec<String> = defined_by_rules(rules)?.into_iter().collect();
    names.extend(defined_names(&trees(arguments)));
    Some(names)
}

/// The names that all calls of a macro define, apart from those that stand in the call behind `struct` and the like;
/// `None` if a call can do more than define types.
fn defined_by_rules(rules: &[TokenTree]) -> Option<BTreeSet<String>> {
    let arms = rules.iter().rev().find_map(|tree| match tree {
        TokenTree::Group(group) => Some(trees(group.stream())),
        _ => None,
    })?;
    let mut fixed = BTreeSet::new();
    for arm in arms.split(|tree| is_punct(Some(tree), ';')) {
        match arm {
            [] => {}
            [TokenTree::Group(matcher), _, _, TokenTree::Group(expansion)] => {
                fixed.extend(defined_by_arm(matcher.stream(), expansion.stream())?);
            }
            _ => return None,
        }
    }
    Some(fixed)
}

fn defined_by_arm(matcher: TokenStream, expansion: TokenStream) -> Option<Vec<String>> {
    let given = defined_names(&flatten(matcher));
    let expansion = items(flatten(expansion).into_iter().collect()).ok()?;
    let mut types = Vec::new();
    for item in &expansion {
        match &item.kind {
            ItemKind::Named(name) | ItemKind::Alias(name) => types.push(name.clone()),
            ItemKind::Impl { .. } => {}
            _ => return None,
        }
    }
    for item in &expansion {
        if let ItemKind::Impl { for_type } = &item.kind {
            match for_type.as_slice() {
                [TokenTree::Ident(name)] if types.iter().any(|known| name == known) => {}
                _ => return None,
            }
        }
    }
    let (fragments, fixed): (Vec<String>, _) = types
        .into_iter()
        .partition(|name| name.starts_with(FRAGMENT));
    fragments
        .iter()
        .all(|name| given.contains(name))
        .then_some(fixed)
}

/// The tokens of a matcher or an expansion with every repetition once and every fragment as a name.
fn flatten(stream: TokenStream) -> Vec<TokenTree> {
    let tokens = trees(stream);
    let mut flat = Vec::new();
    let mut index = 0;
    while let Some(tree) = tokens.get(index) {
        let next = tokens.get(index + 1);
        match next {
            Some(TokenTree::Ident(name)) if is_punct(Some(tree), '$') => {
                let name = match name.to_string() {
                    name if name == "crate" => name,
                    name => format!("{FRAGMENT}{name}"),
                };
                flat.push(Ident::new(&name, Span::call_site()).into());
                index += 2;
            }
            _ if is_punct(Some(tree), '$') => {
                let repeated = group(next, Delimiter::Parenthesis);
                flat.extend(repeated.map(flatten).unwrap_or_default());
                let is_operator = |tree: &&TokenTree| {
                    ['*', '+', '?']
                        .iter()
                        .any(|operator| is_punct(Some(tree), *operator))
                };
                let separator = usize::from(tokens.get(index + 2).filter(is_operator).is_none());
                index += 3 + separator;
            }
            _ => {
                flat.push(match tree {
                    TokenTree::Group(group) => {
                        let contents = flatten(group.stream()).into_iter().collect();
                        Group::new(group.delimiter(), contents).into()
                    }
                    other => other.clone(),
                });
                index += 1;
            }
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(rules: &str, arguments: &str) -> Option<Vec<String>> {
        let rules = trees(rules.parse().expect("tokens"));
        names_of_call(&rules, arguments.parse().expect("tokens"))
    }

    #[test]
    fn a_call_that_defines_types_is_reached_by_their_names() {
        let rules = "macro_rules! tables {
            ($(#[$doc:meta])* pub struct $name:ident => { $($field:ident: $type:ty,)+ }) => {
                $(#[$doc])* #[derive(Debug)] pub struct $name { $($field: $type,)+ }
                impl $crate::Table for $name { fn columns() {} }
                pub const FIXED: u8 = 0;
            };
        }";
        let names = names(rules, "pub struct Row => { a: u8, }").expect("by name");
        assert_eq!(names, ["FIXED", "Row"]);
    }

    #[test]
    fn any_other_call_is_reached_with_its_module() {
        for rules in [
            // For a type that it does not define.
            "macro_rules! a { ($name:ty) => { impl Table for $name {} }; }",
            // By a name that nothing in the call marks as one.
            "macro_rules! a { ($name:ident) => { struct $name; }; }",
            "macro_rules! a { (struct $name:ident) => { struct $name; b! { $name } }; }",
            "macro_rules! a { (struct $name:ident) => { struct $name; impl A for B<$name> {} }; }",
            "macro_rules! a { ($name:expr) => { $name + 1 }; }",
        ] {
            assert_eq!(names(rules, "struct Row"), None, "{rules}");
        }
    }
}
