//! The text of a piece of code, equal for equal code: comments, documentation and layout are left out.

use proc_macro2::{Delimiter, Ident, Punct, Spacing, TokenStream, TokenTree};

/// Words after which parentheses hold a tuple and not arguments.
const BEFORE_TUPLES: [&str; 14] = [
    "as", "break", "dyn", "else", "if", "impl", "in", "let", "match", "move", "mut", "ref",
    "return", "while",
];

/// The tokens of a stream without documentation.
pub(crate) fn trees(stream: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut open = stream.into_iter().peekable();
    while let Some(tree) = open.next() {
        if !is_punct(Some(&tree), '#') {
            kept.push(tree);
            continue;
        }
        let bang = open.next_if(|tree| is_punct(Some(tree), '!'));
        if open.next_if(is_documentation).is_none() {
            kept.push(tree);
            kept.extend(bang);
        }
    }
    kept
}

fn is_documentation(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else {
        return false;
    };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if name == "doc")
}

/// Whether a token is this punctuation.
pub(crate) fn is_punct(tree: Option<&TokenTree>, character: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// Whether a token is this word.
pub(crate) fn is_word(tree: Option<&TokenTree>, word: &str) -> bool {
    matches!(tree, Some(TokenTree::Ident(ident)) if ident == word)
}

/// A name as it is compared: `r#type` is `type`.
pub(crate) fn name(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

/// Whether the tokens at `index` are `::`.
pub(crate) fn is_path_separator(trees: &[TokenTree], index: usize) -> bool {
    is_punct(trees.get(index), ':') && is_punct(trees.get(index + 1), ':')
}

/// The contents of a group of this delimiter.
pub(crate) fn group(tree: Option<&TokenTree>, delimiter: Delimiter) -> Option<TokenStream> {
    match tree {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group.stream()),
        _ => None,
    }
}

/// The text of `trees`: their tokens with one space between them, less the commas that formatting adds.
pub(crate) fn text(trees: &[TokenTree]) -> String {
    let mut text = String::new();
    write(trees, &mut text);
    text
}

fn write(trees: &[TokenTree], text: &mut String) {
    for (index, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => {
                let mut contents = self::trees(group.stream());
                let before = index.checked_sub(1).and_then(|before| trees.get(before));
                if ends_with_layout_comma(&contents, group.delimiter(), before) {
                    contents.pop();
                }
                let (open, close) = delimiters(group.delimiter());
                text.push_str(open);
                write(&contents, text);
                text.push_str(close);
            }
            // `<A, B,>` is what formatting makes of `<A, B>` on several lines.
            TokenTree::Punct(punct)
                if punct.as_char() == ',' && is_punct(trees.get(index + 1), '>') => {}
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                if !is_joined(punct, trees.get(index + 1)) {
                    text.push(' ');
                }
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                text.push_str(&tree.to_string());
                text.push(' ');
            }
        }
    }
}

/// Whether two characters are one operator. No operator continues after `>` that code could mean otherwise, nor with
/// what separates items of a list; layout puts such characters side by side and apart.
fn is_joined(punct: &Punct, next: Option<&TokenTree>) -> bool {
    punct.spacing() == Spacing::Joint
        && punct.as_char() != '>'
        && matches!(next, Some(TokenTree::Punct(next)) if !matches!(next.as_char(), ',' | ';'))
}

/// Whether the last comma of a group only shows that the group stands on several lines. The comma of a tuple of one
/// does not; where parentheses might be such a tuple, it counts.
fn ends_with_layout_comma(
    contents: &[TokenTree],
    delimiter: Delimiter,
    before: Option<&TokenTree>,
) -> bool {
    if !is_punct(contents.last(), ',') {
        return false;
    }
    let commas = contents.iter().filter(|tree| is_punct(Some(tree), ','));
    let holds_arguments = match before {
        Some(TokenTree::Ident(name)) => !BEFORE_TUPLES.iter().any(|word| name == word),
        before => is_punct(before, '!'),
    };
    delimiter != Delimiter::Parenthesis || commas.count() > 1 || holds_arguments
}

fn delimiters(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("( ", ") "),
        Delimiter::Brace => ("{ ", "} "),
        Delimiter::Bracket => ("[ ", "] "),
        Delimiter::None => ("", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: &str) -> String {
        text(&trees(code.parse().expect("it is made of tokens")))
    }

    #[test]
    fn comments_documentation_and_layout_do_not_count() {
        let plain = of("fn f(a: u8) -> Vec<u8> { g(a, [1, 2]) }");
        for same in [
            "/// What f does.\nfn f(a: u8) -> Vec<u8> { g(a, [1, 2]) }",
            "#[doc = \"What f does.\"]\nfn f(a: u8) -> Vec<u8> { //! Inside.\n g(a, [1, 2]) }",
            "fn f(\n  a: u8,\n) -> Vec<\n  u8,\n> {\n  // What g does.\n  g(\n    a,\n    [\n1, 2,\n],\n  )\n}",
            "fn f(a: u8,) -> Vec<u8,> { g(a, [1, 2]) }",
            "fn f ( a : u8 ) -> Vec < u8 > { /* g */ g ( a , [ 1 , 2 ] ) }",
            "fn f(a: u8) -> Vec<u8> {\r\n  g(a, [1, 2])\r\n}",
        ] {
            assert_eq!(of(same), plain, "{same}");
        }
    }

    #[test]
    fn the_commas_of_lists_on_several_lines_do_not_count() {
        for (one, other) in [
            ("f(a?, b?)", "f(\n a?,\n b?,\n)"),
            ("Vec<Vec<u8>>", "Vec<\n Vec<u8>,\n>"),
            ("S { a, b }", "S {\n a,\n b,\n}"),
            ("vec![a]", "vec![\n a,\n]"),
            ("assert!(a)", "assert!(\n a,\n)"),
        ] {
            assert_eq!(of(one), of(other), "{one}");
        }
    }

    #[test]
    fn everything_else_counts() {
        for (one, other) in [
            ("1 + 2", "1 - 2"),
            ("1.0", "1."),
            ("\"a\"", "\"b\""),
            ("\"a  b\"", "\"a b\""),
            ("let a = (1,);", "let a = (1);"),
            ("return (1,);", "return (1);"),
            ("a && b", "a & & b"),
            ("#[inline] fn f() {}", "fn f() {}"),
            ("f(a, b)", "f(b, a)"),
            ("{ a }", "{ a; }"),
        ] {
            assert_ne!(of(one), of(other), "{one} and {other}");
        }
    }
}
