//! The items of a module: what each is called and how it is reached.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use crate::mentions::{Mentions, end_of_statement, mentions};
use crate::tokens::{group, is_punct, is_word, name, text, trees};
use crate::use_tree::{Import, imports};

/// Words that may stand before the one that says what an item is.
const QUALIFIERS: [&str; 6] = ["async", "auto", "const", "default", "safe", "unsafe"];

/// Words that say what an item is, followed by its name.
const NAMED: [&str; 6] = ["const", "enum", "fn", "static", "struct", "union"];

/// One item with its attributes.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) kind: ItemKind,
    /// All tokens; those of a module without what is in it, those of an import without its path.
    tokens: Vec<TokenTree>,
}

impl Item {
    /// The name by which it is reached, where it is.
    pub(crate) fn name(&self) -> Option<&str> {
        match &self.kind {
            ItemKind::Named(name)
            | ItemKind::Alias(name)
            | ItemKind::Trait(name)
            | ItemKind::MacroRules(name) => Some(name),
            ItemKind::Import(import) => import.name.as_deref(),
            ItemKind::Impl { .. }
            | ItemKind::MacroCall { .. }
            | ItemKind::Module { .. }
            | ItemKind::Unnamed => None,
        }
    }

    /// All its tokens.
    pub(crate) fn tokens(&self) -> &[TokenTree] {
        &self.tokens
    }

    /// Whether it is an attribute of the module that it stands in.
    pub(crate) fn is_inner_attribute(&self) -> bool {
        is_punct(self.tokens.first(), '#') && is_punct(self.tokens.get(1), '!')
    }

    /// Its text, see [`crate::tokens::text`].
    pub(crate) fn text(&self) -> String {
        let text = text(&self.tokens);
        match &self.kind {
            ItemKind::Import(Import { path, name }) => {
                let name = name.as_deref().unwrap_or("_");
                format!("{text}use {} as {name}", path.join("::"))
            }
            _ => text,
        }
    }

    /// What it mentions.
    pub(crate) fn mentions(&self) -> Mentions {
        let mut mentions = mentions(&self.tokens);
        if let ItemKind::Import(import) = &self.kind {
            mentions.paths.insert(import.path.clone());
        }
        mentions
    }
}

/// How an item is reached.
#[derive(Debug)]
pub(crate) enum ItemKind {
    /// By its name: a function, type, constant or static.
    Named(String),
    /// By its name, and it is another name for what it mentions.
    Alias(String),
    /// By its name, and by being in scope, since its methods are called without it.
    Trait(String),
    /// With what it is for.
    Impl {
        /// The type that it is for.
        for_type: Vec<TokenTree>,
        /// The rest of its header: the trait and the generic parameters.
        header: Vec<TokenTree>,
    },
    /// By its name, with `!` after it.
    MacroRules(String),
    /// A call of a macro, which may define anything.
    MacroCall {
        /// Last part of the macro's path.
        name: String,
        /// What it is called with.
        arguments: TokenStream,
    },
    /// By the name that it brings.
    Import(Import),
    /// A module: what is in it, unless that is in a file of its own.
    Module {
        name: String,
        contents: Option<TokenStream>,
    },
    /// With every item of its module: attributes of the module, constants without a name, foreign functions.
    Unnamed,
}

/// Splits the contents of a module into items, without those for tests only.
///
/// # Errors
/// Where the contents are not what they should be.
pub(crate) fn items(contents: TokenStream) -> Result<Vec<Item>, String> {
    let tokens = trees(contents);
    let mut items = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        let (kinds, end) = kinds(&tokens, start)?;
        let end = end.min(tokens.len());
        if !is_for_tests(&tokens[start..end]) {
            items.extend(kinds.into_iter().map(|kind| Item {
                tokens: own_tokens(&kind, &tokens[start..end]),
                kind,
            }));
        }
        start = end;
    }
    Ok(items)
}

/// The tokens of an item that count whenever it does. An import is written out by its path instead: how `use`
/// declarations are grouped is layout.
fn own_tokens(kind: &ItemKind, tokens: &[TokenTree]) -> Vec<TokenTree> {
    let end = match kind {
        ItemKind::Module { .. } => tokens.len() - 1,
        ItemKind::Import(_) => after_attributes(tokens, 0),
        _ => tokens.len(),
    };
    tokens[..end.min(tokens.len())].to_vec()
}

/// What begins at `start`, and where it ends. Only a `use` declaration is several items.
fn kinds(tokens: &[TokenTree], start: usize) -> Result<(Vec<ItemKind>, usize), String> {
    if is_punct(tokens.get(start), '#') && is_punct(tokens.get(start + 1), '!') {
        return Ok((vec![ItemKind::Unnamed], start + 3));
    }
    let at = after_visibility(tokens, after_attributes(tokens, start));
    let declared = match tokens.get(at + 1) {
        _ if is_word(tokens.get(at), "use") => at + 1,
        next if is_word(tokens.get(at), "extern") && is_word(next, "crate") => at + 2,
        _ => {
            let (kind, end) = kind(tokens, after_qualifiers(tokens, at))?;
            return Ok((vec![kind], end));
        }
    };
    let end = end_of_statement(tokens, at);
    let imports = imports(tokens.get(declared..end).unwrap_or_default());
    Ok((imports.into_iter().map(ItemKind::Import).collect(), end + 1))
}

/// What the item is whose word for it stands at `at`, and where it ends.
fn kind(tokens: &[TokenTree], at: usize) -> Result<(ItemKind, usize), String> {
    let unknown = || {
        Err(format!(
            "no item is known to begin with `{}`",
            shown(tokens, at)
        ))
    };
    let Some(TokenTree::Ident(word)) = tokens.get(at) else {
        return unknown();
    };
    let word = word.to_string();
    let (block, statement) = (end_of_block(tokens, at), end_of_statement(tokens, at) + 1);
    let named = match tokens.get(at + 1) {
        Some(TokenTree::Ident(ident)) if word != "static" || ident != "mut" => Some(name(ident)),
        Some(TokenTree::Ident(_)) => text_of(tokens.get(at + 2)),
        _ => None,
    };
    Ok(match (word.as_str(), named) {
        ("const", Some(name)) if name == "_" => (ItemKind::Unnamed, statement),
        ("const" | "static", Some(name)) => (ItemKind::Named(name), statement),
        ("struct" | "fn", Some(name)) => (ItemKind::Named(name), block.min(statement)),
        ("enum" | "union", Some(name)) => (ItemKind::Named(name), block),
        ("type", Some(name)) => (ItemKind::Alias(name), statement),
        ("trait", Some(name)) => (ItemKind::Trait(name), block),
        ("impl", _) => {
            let header = tokens.get(at + 1..block - 1).unwrap_or_default();
            let (for_type, header) = impl_header(header);
            (ItemKind::Impl { for_type, header }, block)
        }
        ("mod", Some(name)) => {
            let contents = group(tokens.get(at + 2), Delimiter::Brace);
            (ItemKind::Module { name, contents }, at + 3)
        }
        ("extern", _) => (ItemKind::Unnamed, block),
        _ => return macro_item(tokens, at).map_or_else(unknown, Ok),
    })
}

/// A macro being defined or called.
fn macro_item(tokens: &[TokenTree], start: usize) -> Option<(ItemKind, usize)> {
    let in_path =
        |tree: &TokenTree| matches!(tree, TokenTree::Ident(_)) || is_punct(Some(tree), ':');
    let bang = start
        + tokens[start..]
            .iter()
            .take_while(|tree| in_path(tree))
            .count();
    if bang == start || !is_punct(tokens.get(bang), '!') {
        return None;
    }
    let called = text_of(tokens.get(bang - 1))?;
    let defined = text_of(tokens.get(bang + 1));
    let at = bang + 1 + usize::from(defined.is_some());
    let TokenTree::Group(arguments) = tokens.get(at)? else {
        return None;
    };
    let semicolon = is_punct(tokens.get(at + 1), ';');
    let kind = match defined {
        Some(name) => ItemKind::MacroRules(name),
        None => ItemKind::MacroCall {
            name: called,
            arguments: arguments.stream(),
        },
    };
    Some((kind, at + 1 + usize::from(semicolon)))
}

/// The names of the items that begin in `tokens`: each follows a word that says what it is.
pub(crate) fn defined_names(tokens: &[TokenTree]) -> Vec<String> {
    let keywords = NAMED.into_iter().chain(["trait", "type"]);
    let keywords: Vec<&str> = keywords.collect();
    let is_keyword = |tree: &TokenTree| keywords.iter().any(|word| is_word(Some(tree), word));
    let pairs = tokens.windows(2).filter(|pair| is_keyword(&pair[0]));
    pairs.filter_map(|pair| text_of(pair.get(1))).collect()
}

/// Splits what stands between `impl` and `{` into the type and the rest.
fn impl_header(tokens: &[TokenTree]) -> (Vec<TokenTree>, Vec<TokenTree>) {
    let generics = end_of_generics(tokens, 0);
    let (parameters, tokens) = tokens.split_at(generics);
    let is_word_at = |at: usize, word| is_word(tokens.get(at), word);
    let end = (0..tokens.len()).find(|&at| is_word_at(at, "where"));
    let (tokens, bounds) = tokens.split_at(end.unwrap_or(tokens.len()));
    // `for<'a>` belongs to a bound.
    let is_for = |at: &usize| is_word(tokens.get(*at), "for") && !is_punct(tokens.get(at + 1), '<');
    let (of_trait, for_type) = match (0..tokens.len()).find(is_for) {
        Some(at) => (&tokens[..at], &tokens[at + 1..]),
        None => (&tokens[..0], tokens),
    };
    let header = [parameters, of_trait, bounds].concat();
    (for_type.to_vec(), header)
}

/// Where the `<...>` ends that begins at `start`, if one does.
fn end_of_generics(tokens: &[TokenTree], start: usize) -> usize {
    let (mut depth, mut at) = (0_usize, start);
    loop {
        match tokens.get(at) {
            tree if is_punct(tree, '<') => depth += 1,
            // The `>` of `->` closes nothing.
            tree if is_punct(tree, '>') && !is_punct(tokens.get(at.wrapping_sub(1)), '-') => {
                depth = depth.saturating_sub(1);
            }
            None => return at.min(tokens.len()),
            _ => {}
        }
        if depth == 0 {
            return if at == start && !is_punct(tokens.get(at), '>') {
                at
            } else {
                at + 1
            };
        }
        at += 1;
    }
}

fn after_attributes(tokens: &[TokenTree], mut at: usize) -> usize {
    while is_punct(tokens.get(at), '#') {
        at += 2;
    }
    at
}

fn after_visibility(tokens: &[TokenTree], at: usize) -> usize {
    if !is_word(tokens.get(at), "pub") {
        return at;
    }
    let restricted = group(tokens.get(at + 1), Delimiter::Parenthesis).is_some();
    at + 1 + usize::from(restricted)
}

/// Leaves `const NAME` and `extern { ... }` alone: there the word says what the item is.
fn after_qualifiers(tokens: &[TokenTree], mut at: usize) -> usize {
    loop {
        let next = match tokens.get(at + 1) {
            Some(TokenTree::Ident(next)) => next.to_string(),
            Some(TokenTree::Literal(_)) if is_word(tokens.get(at + 2), "fn") => return at + 2,
            _ => return at,
        };
        let is_qualifier = QUALIFIERS.iter().any(|word| is_word(tokens.get(at), word));
        let is_foreign = is_word(tokens.get(at), "extern") && next == "fn";
        let goes_on = ["extern", "fn", "impl", "trait"].contains(&next.as_str())
            || QUALIFIERS.contains(&next.as_str());
        if !(is_foreign || is_qualifier && goes_on) {
            return at;
        }
        at += 1;
    }
}

/// Behind the next `{...}`.
fn end_of_block(tokens: &[TokenTree], from: usize) -> usize {
    let is_block = |at: &usize| group(tokens.get(*at), Delimiter::Brace).is_some();
    (from..tokens.len()).find(is_block).unwrap_or(tokens.len()) + 1
}

/// Whether one of the attributes that a piece begins with is `#[cfg(test)]`.
fn is_for_tests(tokens: &[TokenTree]) -> bool {
    let attributes = &tokens[..after_attributes(tokens, 0).min(tokens.len())];
    attributes
        .iter()
        .filter_map(|tree| group(Some(tree), Delimiter::Bracket))
        .any(|attribute| attribute.to_string().replace(' ', "") == "cfg(test)")
}

fn text_of(tree: Option<&TokenTree>) -> Option<String> {
    match tree {
        Some(TokenTree::Ident(ident)) => Some(name(ident)),
        _ => None,
    }
}

fn shown(tokens: &[TokenTree], at: usize) -> String {
    let text: Vec<String> = tokens
        .iter()
        .skip(at)
        .take(3)
        .map(ToString::to_string)
        .collect();
    text.join(" ").chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> Vec<Item> {
        items(code.parse().expect("it is made of tokens")).expect("it is made of items")
    }

    /// What the items are called, and `-` for those that are reached otherwise.
    fn names(code: &str) -> Vec<String> {
        let name = |item: &Item| match &item.kind {
            ItemKind::Named(name)
            | ItemKind::Alias(name)
            | ItemKind::Trait(name)
            | ItemKind::MacroRules(name)
            | ItemKind::Module { name, .. }
            | ItemKind::MacroCall { name, .. } => name.clone(),
            ItemKind::Import(import) => import.path.join("::"),
            ItemKind::Impl { .. } | ItemKind::Unnamed => "-".to_owned(),
        };
        of(code).iter().map(name).collect()
    }

    #[test]
    fn every_item_ends_where_the_next_begins() {
        let code = "
            #![warn(missing_docs)]
            use a::{b, c};
            pub(crate) use d as e;
            extern crate f;
            mod g;
            pub mod h { fn inside() {} }
            #[derive(Debug)] pub struct I<T>(T) where T: Copy;
            struct J { k: [u8; { 1 + 1 }] }
            struct K;
            pub enum L { M, N { o: u8 } }
            union P { q: u8 }
            pub const fn r() {}
            const S: [u8; 2] = { [1, 2] };
            const _: () = { assert!(true); };
            static mut T: u8 = 0;
            pub unsafe extern \"C\" fn u() {}
            async fn v() -> impl Fn(u8) -> u8 { |x| x }
            type W<'a> = &'a u8;
            pub unsafe trait X: Y { fn z(); }
            unsafe impl X for K {}
            impl<T: Fn() -> u8> I<T> { fn new() {} }
            unsafe extern \"C\" { fn aa(); }
            macro_rules! bb { () => {}; }
            bb!();
            cc::dd! { ee }
        ";
        let expected = [
            "-", "a::b", "a::c", "d", "f", "g", "h", "I", "J", "K", "L", "P", "r", "S", "-", "T",
            "u", "v", "W", "X", "-", "-", "-", "bb", "bb", "dd",
        ];
        assert_eq!(names(code), expected);
    }

    #[test]
    fn items_for_tests_are_left_out() {
        let code =
            "#[cfg(test)] mod tests { fn a() {} } #[inline] #[cfg(test)] fn b() {} fn c() {}";
        assert_eq!(names(code), ["c"]);
        assert_eq!(names("#[cfg(any(test, unix))] fn a() {}"), ["a"]);
    }

    #[test]
    fn a_module_is_its_declaration_without_what_is_in_it() {
        for code in ["pub mod a { fn b() {} }", "pub mod a;"] {
            assert_eq!(of(code)[0].text(), "pub mod a ");
        }
    }

    #[test]
    fn an_impl_is_for_a_type() {
        for (code, expected, rest) in [
            ("impl A {}", "A", ""),
            (
                "impl<'a, T: Fn() -> B> A<T> where T: C {}",
                "A<T>",
                "<'a,T:Fn()->B>whereT:C",
            ),
            ("impl C for &A {}", "&A", "C"),
            (
                "impl<T> C<T> for A where for<'a> &'a T: D {}",
                "A",
                "<T>C<T>wherefor<'a>&'aT:D",
            ),
            ("impl C for fn(u8) -> A {}", "fn(u8)->A", "C"),
        ] {
            let items = of(code);
            let ItemKind::Impl { for_type, header } = &items[0].kind else {
                panic!("{code}");
            };
            let dense = |tokens: &[TokenTree]| text(tokens).replace(' ', "");
            assert_eq!(dense(for_type), expected, "{code}");
            assert_eq!(dense(header), rest, "{code}");
        }
    }

    #[test]
    fn what_is_no_item_is_refused() {
        let error = items("fn a() {} 1 + 1".parse().expect("tokens")).expect_err("no item");
        assert!(error.contains("`1 + 1`"), "{error}");
    }

    #[test]
    fn defined_names_follow_their_words() {
        let tokens = trees(
            "pub struct A: B => { fn c() {} } const D: E"
                .parse()
                .expect("tokens"),
        );
        assert_eq!(defined_names(&tokens), ["A", "D"]);
    }
}
