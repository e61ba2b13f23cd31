//! Parameter types in words, for messages.

use eigenscope_stage::{ParameterType, Variant};

/// The type in words: "an integer of at least 1".
pub(crate) fn describe(kind: &ParameterType) -> String {
    match kind {
        ParameterType::Boolean => "`true` or `false`".to_owned(),
        ParameterType::Integer { minimum, maximum } => {
            match (*minimum == i64::MIN, *maximum >= 1 << 53) {
                (true, true) => "an integer".to_owned(),
                (true, false) => format!("an integer of at most {maximum}"),
                (false, true) => format!("an integer of at least {minimum}"),
                (false, false) => format!("an integer from {minimum} to {maximum}"),
            }
        }
        ParameterType::Number { minimum, maximum } => {
            match (*minimum <= f64::MIN, *maximum >= f64::MAX) {
                (false, _) if is_positive(*minimum) => positive(*maximum),
                (true, true) => "a number".to_owned(),
                (true, false) => format!("a number of at most {maximum:?}"),
                (false, true) => format!("a number of at least {minimum:?}"),
                (false, false) => format!("a number from {minimum:?} to {maximum:?}"),
            }
        }
        ParameterType::Text => "a text".to_owned(),
        ParameterType::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            one_of_words(words)
        }
        ParameterType::List {
            item,
            length,
            filled,
            ..
        } => match (length, filled) {
            (Some(length), _) => format!("a list of {length}, each item {}", describe(item)),
            (None, true) => format!("a list of one or more, each item {}", describe(item)),
            (None, false) => format!("a list, each item {}", describe(item)),
        },
        ParameterType::OneOf(variants) => one_of_words(variants.iter().map(written_form).collect()),
        ParameterType::Either(kinds) => {
            let kinds: Vec<String> = kinds.iter().map(describe).collect();
            kinds.join(" or ")
        }
        ParameterType::Free { expected } => expected.clone(),
    }
}

/// Returns whether a smallest number only stands for "above zero"; see [`ParameterType::positive`].
fn is_positive(minimum: f64) -> bool {
    minimum > 0.0 && minimum <= f64::from(f32::MIN_POSITIVE)
}

fn positive(maximum: f64) -> String {
    match maximum >= f64::MAX {
        true => "a positive number".to_owned(),
        false => format!("a positive number of at most {maximum:?}"),
    }
}

/// The type in words for a number above its largest value: names that value, which [`describe`] leaves out where nobody is
/// likely to reach it.
pub(super) fn describe_with_maximum(kind: &ParameterType) -> String {
    match kind {
        ParameterType::Integer { minimum, maximum } if *maximum == 1 << 53 => {
            format!("an integer from {minimum} to {maximum} (2^53)")
        }
        other => describe(other),
    }
}

fn one_of_words(words: Vec<String>) -> String {
    match words.len() {
        1 => words.concat(),
        _ => format!("one of {}", words.join(", ")),
    }
}

/// How a variant is written. The name of an only field may be left out.
pub(super) fn written_form(variant: &Variant) -> String {
    let name = &variant.name;
    match variant.fields.len() {
        0 => format!("\"{name}\""),
        1 => format!("{{ {name} = ... }}"),
        _ => format!("{{ {name} = {{ ... }} }}"),
    }
}
