//! The items of a module: what each is called and how it is reached.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Ident, Token};

use crate::mentions::{Mentions, mentions};
use crate::tokens::{group, is_punct, is_word, name, text, trees};
use crate::use_tree::{Import, imports};

/// Words that say what an item is, followed by its name.
const NAMED: [&str; 8] = [
    "const", "enum", "fn", "static", "struct", "trait", "type", "union",
];

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
    let outline: TokenStream = tokens.iter().map(without_body).collect();
    let outlines = outlines.parse2(outline);
    let mut tokens = tokens.into_iter();
    let mut items = Vec::new();
    for outline in outlines.map_err(|error| error.to_string())? {
        let tokens: Vec<_> = tokens.by_ref().take(outline.length).collect();
        if outline.attributes.iter().any(is_for_tests) {
            continue;
        }
        let attributes = 2 * outline.attributes.len();
        items.extend(kinds(outline, &tokens).into_iter().map(|kind| {
            let length = own_length(&kind, attributes, tokens.len());
            let tokens = tokens[..length].to_vec();
            Item { kind, tokens }
        }));
    }
    Ok(items)
}

/// A token of a module as `syn` reads it. What stands in braces is followed token by token, so it is not parsed.
fn without_body(tree: &TokenTree) -> TokenTree {
    match group(Some(tree), Delimiter::Brace) {
        Some(_) => Group::new(Delimiter::Brace, TokenStream::new()).into(),
        None => tree.clone(),
    }
}

/// An item without bodies.
struct Outline {
    attributes: Vec<Attribute>,
    /// `None` for attributes of the module.
    item: Option<syn::Item>,
    /// Number of its tokens.
    length: usize,
}

fn outlines(input: ParseStream<'_>) -> syn::Result<Vec<Outline>> {
    let mut outlines = Vec::new();
    while !input.is_empty() {
        let ahead = input.fork();
        let (mut attributes, mut item) = (Vec::new(), None);
        if input.peek(Token![#]) && input.peek2(Token![!]) {
            // `#`, `!` and what is in brackets.
            for _ in 0..3 {
                ahead.parse::<TokenTree>()?;
            }
        } else {
            attributes = ahead.fork().call(Attribute::parse_outer)?;
            item = Some(ahead.parse().map_err(|error| no_item(input, &error))?);
        }
        let mut length = 0;
        while input.cursor() != ahead.cursor() {
            input.parse::<TokenTree>()?;
            length += 1;
        }
        outlines.push(Outline {
            attributes,
            item,
            length,
        });
    }
    Ok(outlines)
}

fn no_item(input: ParseStream<'_>, reason: &syn::Error) -> syn::Error {
    let start = input.cursor().token_stream().into_iter().take(3);
    let start = text(&start.collect::<Vec<_>>());
    input.error(format!(
        "no item is known to begin with `{}`: {reason}",
        start.trim_end()
    ))
}

/// What an item is. Only a `use` declaration is several.
fn kinds(outline: Outline, tokens: &[TokenTree]) -> Vec<ItemKind> {
    let body = || {
        tokens.iter().rev().find_map(|tree| match tree {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        })
    };
    vec![match outline.item {
        Some(syn::Item::Use(_)) => {
            let path = tokens.rsplit(|tree| is_word(Some(tree), "use")).next();
            let imports = imports(path.unwrap_or_default()).into_iter();
            return imports.map(ItemKind::Import).collect();
        }
        Some(syn::Item::ExternCrate(item)) => {
            let known_as = item.rename.map_or(item.ident.clone(), |(_, name)| name);
            ItemKind::Import(Import {
                path: vec![name(&item.ident)],
                name: Some(name(&known_as)).filter(|name| name != "_"),
            })
        }
        Some(syn::Item::Const(item)) if item.ident != "_" => ItemKind::Named(name(&item.ident)),
        Some(syn::Item::Enum(item)) => ItemKind::Named(name(&item.ident)),
        Some(syn::Item::Fn(item)) => ItemKind::Named(name(&item.sig.ident)),
        Some(syn::Item::Static(item)) => ItemKind::Named(name(&item.ident)),
        Some(syn::Item::Struct(item)) => ItemKind::Named(name(&item.ident)),
        Some(syn::Item::Union(item)) => ItemKind::Named(name(&item.ident)),
        Some(syn::Item::Type(item)) => ItemKind::Alias(name(&item.ident)),
        Some(syn::Item::Trait(item)) => ItemKind::Trait(name(&item.ident)),
        Some(syn::Item::Impl(item)) => ItemKind::Impl {
            for_type: item.self_ty.to_token_stream().into_iter().collect(),
        },
        Some(syn::Item::Mod(item)) => ItemKind::Module {
            name: name(&item.ident),
            contents: item.content.and_then(|_| body()),
        },
        Some(syn::Item::Macro(item)) => match (item.ident, item.mac.path.segments.last()) {
            (Some(defined), _) => ItemKind::MacroRules(name(&defined)),
            (None, called) => ItemKind::MacroCall {
                name: called.map(|part| name(&part.ident)).unwrap_or_default(),
                arguments: body().unwrap_or_default(),
            },
        },
        _ => ItemKind::Unnamed,
    }]
}

/// How many tokens of an item count whenever it does. An import is written out by its path instead: how `use`
/// declarations are grouped is layout.
fn own_length(kind: &ItemKind, attributes: usize, tokens: usize) -> usize {
    match kind {
        ItemKind::Module { .. } => tokens - 1,
        ItemKind::Import(_) => attributes,
        _ => tokens,
    }
}

/// Whether an attribute is `#[cfg(test)]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    let condition = || attribute.parse_args::<Ident>();
    attribute.path().is_ident("cfg") && condition().is_ok_and(|condition| condition == "test")
}

/// The names of the items that begin in `tokens`: each follows a word that says what it is.
pub(crate) fn defined_names(tokens: &[TokenTree]) -> Vec<String> {
    let is_keyword = |tree: &TokenTree| NAMED.iter().any(|word| is_word(Some(tree), word));
    let pairs = tokens.windows(2).filter(|pair| is_keyword(&pair[0]));
    let ident = |pair: &[TokenTree]| match &pair[1] {
        TokenTree::Ident(ident) => Some(name(ident)),
        _ => None,
    };
    pairs.filter_map(ident).collect()
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
        for (code, expected) in [
            ("impl A {}", "A"),
            ("impl<'a, T: Fn() -> B> A<T> where T: C {}", "A<T>"),
            ("impl C for &A {}", "&A"),
            ("impl<T> C<T> for A where for<'a> &'a T: D {}", "A"),
            ("impl C for fn(u8) -> A {}", "fn(u8)->A"),
        ] {
            let items = of(code);
            let ItemKind::Impl { for_type } = &items[0].kind else {
                panic!("{code}");
            };
            assert_eq!(text(for_type).replace(' ', ""), expected, "{code}");
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
