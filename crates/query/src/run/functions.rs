//! Functions of values of one row.

use std::rc::Rc;

use super::evaluate::overflow;
use crate::error::{QueryError, refused};
use crate::plan::Function;
use crate::value::{Value, number_text};

/// The result of a function whose arguments have been checked for number and type. Null arguments make it null, except
/// where a function says otherwise.
pub(super) fn call(function: Function, arguments: &[Value]) -> Result<Value, QueryError> {
    match function {
        Function::Concat => return Ok(concat(arguments)),
        Function::NullIf => {
            return Ok(match arguments {
                [one, other] if one == other => Value::Null,
                _ => arguments[0].clone(),
            });
        }
        Function::Greatest | Function::Least => return extreme(function, arguments),
        _ if arguments.iter().any(Value::is_null) => return Ok(Value::Null),
        _ => {}
    }
    if let Value::Integers(_) | Value::Numbers(_) = &arguments[0] {
        return of_list(function, &arguments[0], arguments.get(1));
    }
    match arguments {
        [Value::Text(text), rest @ ..] => of_text(function, text, rest),
        [Value::Integer(value), rest @ ..] => of_integer(function, *value, rest),
        [Value::Number(value), rest @ ..] => of_number(function, *value, rest),
        _ => Ok(Value::Null),
    }
}

/// The texts of all arguments but nulls.
fn concat(arguments: &[Value]) -> Value {
    let texts = arguments.iter().map(|argument| match argument {
        Value::Text(text) => text.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Number(value) => number_text(*value),
        Value::Boolean(value) => value.to_string(),
        _ => String::new(),
    });
    Value::text(&texts.collect::<String>())
}

fn extreme(function: Function, arguments: &[Value]) -> Result<Value, QueryError> {
    if arguments.iter().any(Value::is_null) {
        return Err(refused(
            "greatest() or least() of a null, which databases answer differently",
            "replace nulls first: coalesce(x, 0)",
        ));
    }
    let found = match function {
        Function::Greatest => arguments.iter().max(),
        _ => arguments.iter().min(),
    };
    Ok(found.cloned().unwrap_or(Value::Null))
}

fn of_integer(function: Function, value: i64, rest: &[Value]) -> Result<Value, QueryError> {
    Ok(Value::Integer(match (function, rest) {
        (Function::Abs, _) => value.checked_abs().ok_or_else(|| overflow("abs(x)"))?,
        (Function::Sign, _) => value.signum(),
        (Function::Round, [Value::Integer(digits)]) if *digits < 0 => {
            let unit = u32::try_from(-digits).ok();
            match unit.and_then(|digits| 10_i128.checked_pow(digits)) {
                None => 0,
                Some(unit) => {
                    let value = i128::from(value);
                    let rounded = (value.abs() + unit / 2) / unit * unit * value.signum();
                    i64::try_from(rounded).map_err(|_| overflow("round(x)"))?
                }
            }
        }
        _ => value,
    }))
}

fn of_number(function: Function, value: f64, rest: &[Value]) -> Result<Value, QueryError> {
    let domain = |name: &str, advice: &str| {
        Err(refused(
            format!("{name}({}) is not defined", number_text(value)),
            advice,
        ))
    };
    Ok(Value::Number(match function {
        Function::Abs => value.abs(),
        Function::Sign if value.is_nan() => return domain("sign", "leave out NaN: not isnan(x)"),
        Function::Sign if value == 0.0 => return Ok(Value::Integer(0)),
        Function::Sign => return Ok(Value::Integer(value.signum() as i64)),
        Function::Round => match rest {
            [Value::Integer(digits)] => rounded(value, *digits),
            _ => value.round(),
        },
        Function::Floor => value.floor(),
        Function::Ceiling => value.ceil(),
        Function::Truncate => value.trunc(),
        Function::SquareRoot if value < 0.0 => {
            return domain("sqrt", "write sqrt(abs(x)), or leave out negative numbers");
        }
        Function::SquareRoot => value.sqrt(),
        Function::Exponential => {
            let result = value.exp();
            if value.is_finite() && !result.is_finite() {
                return Err(refused(
                    format!("exp({}) does not fit a number", number_text(value)),
                    "leave out what is too large: where x < 709",
                ));
            }
            result
        }
        Function::NaturalLog | Function::Log2 | Function::Log10 if value <= 0.0 => {
            let name = match function {
                Function::NaturalLog => "ln",
                Function::Log2 => "log2",
                _ => "log10",
            };
            return domain(name, "leave out what is not positive: where x > 0");
        }
        Function::NaturalLog => value.ln(),
        Function::Log2 => value.log2(),
        Function::Log10 => value.log10(),
        Function::Power => {
            let exponent = rest.first().and_then(Value::number).unwrap_or(f64::NAN);
            let power = value.powf(exponent);
            if power.is_nan() && !value.is_nan() && !exponent.is_nan() {
                return domain("power", "a negative number has integer powers only");
            }
            if power.is_infinite() && value.is_finite() && exponent.is_finite() {
                return Err(refused(
                    format!(
                        "power({}, {}) does not fit a number",
                        number_text(value),
                        number_text(exponent)
                    ),
                    "leave out what is too large, or zero to a negative power",
                ));
            }
            power
        }
        Function::IsNan => return Ok(Value::Boolean(value.is_nan())),
        Function::IsInfinite => return Ok(Value::Boolean(value.is_infinite())),
        Function::IsFinite => return Ok(Value::Boolean(value.is_finite())),
        _ => value,
    }))
}

/// The exact value of a number rounded to so many decimals, halves away from zero.
fn rounded(value: f64, digits: i64) -> f64 {
    // No double has more decimals.
    const MOST_DECIMALS: i64 = 1_074;
    if !value.is_finite() || digits >= MOST_DECIMALS {
        return value;
    }
    if digits <= 0 {
        let unit = 10_f64.powi(digits.unsigned_abs().min(400) as i32);
        // Beyond the range of doubles every digit is cut.
        return if unit.is_finite() {
            (value / unit).round() * unit
        } else {
            0.0
        };
    }
    // Half-way between two decimals are the odd multiples of 2^-(digits + 1), no other doubles.
    let halves = value.abs() * 2_f64.powi(digits.min(1_000) as i32 + 1);
    if halves % 2.0 == 1.0 {
        let unit = 10_f64.powi(digits.min(300) as i32);
        return (value * unit).round() / unit;
    }
    format!("{value:.*}", digits as usize)
        .parse()
        .unwrap_or(value)
}

fn of_list(function: Function, list: &Value, rest: Option<&Value>) -> Result<Value, QueryError> {
    let length = match list {
        Value::Integers(items) => items.len(),
        Value::Numbers(items) => items.len(),
        _ => 0,
    };
    let item = |position: usize| match list {
        Value::Integers(items) => items.get(position).map(|&item| Value::Integer(item)),
        Value::Numbers(items) => items.get(position).map(|&item| Value::Number(item.into())),
        _ => None,
    };
    let items = || (0..length).filter_map(item);
    Ok(match function {
        Function::Length => Value::Integer(length as i64),
        Function::Item => {
            let position = match rest {
                Some(Value::Integer(position)) => *position,
                _ => return Ok(Value::Null),
            };
            if position < 1 {
                return Err(refused(
                    format!("there is no item {position}: items of a list are counted from 1"),
                    "write x[1] for the first and x[len(x)] for the last",
                ));
            }
            usize::try_from(position - 1)
                .ok()
                .and_then(item)
                .unwrap_or(Value::Null)
        }
        Function::Contains => {
            Value::Boolean(rest.is_some_and(|wanted| items().any(|item| item == *wanted)))
        }
        Function::ListMinimum => items().min().unwrap_or(Value::Null),
        Function::ListMaximum => items().max().unwrap_or(Value::Null),
        _ if length == 0 => Value::Null,
        Function::ListSum => match list {
            Value::Integers(items) => {
                let sum: i128 = items.iter().map(|&item| i128::from(item)).sum();
                Value::Integer(i64::try_from(sum).map_err(|_| overflow("list_sum(x)"))?)
            }
            _ => Value::Number(items().filter_map(|item| item.number()).sum()),
        },
        Function::ListAverage => {
            let sum: f64 = items().filter_map(|item| item.number()).sum();
            Value::Number(sum / length as f64)
        }
        _ => list.clone(),
    })
}

fn of_text(function: Function, text: &Rc<str>, rest: &[Value]) -> Result<Value, QueryError> {
    let argument = |position: usize| match rest.get(position) {
        Some(Value::Text(text)) => text.as_ref(),
        _ => "",
    };
    let number = |position: usize| match rest.get(position) {
        Some(Value::Integer(value)) => Some(*value),
        _ => None,
    };
    let trimmed = || -> Vec<char> {
        match rest.is_empty() {
            true => vec![' '],
            false => argument(0).chars().collect(),
        }
    };
    Ok(match function {
        Function::Lower => Value::text(&text.to_lowercase()),
        Function::Upper => Value::text(&text.to_uppercase()),
        Function::Length => Value::Integer(text.chars().count() as i64),
        Function::Reverse => Value::text(&text.chars().rev().collect::<String>()),
        Function::Left | Function::Right => {
            let length = text.chars().count() as i64;
            let wanted = number(0).unwrap_or(0);
            // A negative count leaves so many characters out.
            let count = if wanted < 0 {
                length.saturating_add(wanted)
            } else {
                wanted
            };
            let count = count.clamp(0, length) as usize;
            let skipped = match function {
                Function::Left => 0,
                _ => length as usize - count,
            };
            Value::text(&text.chars().skip(skipped).take(count).collect::<String>())
        }
        Function::Substring => Value::text(&substring(text, number(0).unwrap_or(1), number(1))?),
        Function::Trim => Value::text(text.trim_matches(trimmed().as_slice())),
        Function::TrimStart => Value::text(text.trim_start_matches(trimmed().as_slice())),
        Function::TrimEnd => Value::text(text.trim_end_matches(trimmed().as_slice())),
        Function::Replace => match argument(0) {
            "" => Value::Text(text.clone()),
            from => Value::text(&text.replace(from, argument(1))),
        },
        Function::Position => {
            let found = text.find(argument(0));
            let before = found.map_or(0, |at| text[..at].chars().count() + 1);
            Value::Integer(before as i64)
        }
        Function::StartsWith => Value::Boolean(text.starts_with(argument(0))),
        Function::EndsWith => Value::Boolean(text.ends_with(argument(0))),
        Function::Contains => Value::Boolean(text.contains(argument(0))),
        Function::SplitPart => match (argument(0), number(1).unwrap_or(0)) {
            ("", _) => {
                return Err(refused(
                    "split_part() has an empty separator",
                    "write split_part(x, ',', 1)",
                ));
            }
            (_, position) if position < 1 => {
                return Err(refused(
                    format!("split_part() has no part {position}: parts are counted from 1"),
                    "write split_part(x, ',', 1) for the first",
                ));
            }
            (separator, position) => {
                let position = usize::try_from(position - 1).unwrap_or(usize::MAX);
                Value::text(text.split(separator).nth(position).unwrap_or(""))
            }
        },
        _ => Value::Text(text.clone()),
    })
}

/// The characters from `start` (counted from 1) on, at most `length`. A start of zero is one place before the first.
fn substring(text: &str, start: i64, length: Option<i64>) -> Result<String, QueryError> {
    if start < 0 || length.is_some_and(|length| length < 0) {
        return Err(refused(
            "substring() has a negative start or length",
            "write right(x, 2) for the last two characters",
        ));
    }
    let end = length.map_or(i64::MAX, |length| start.saturating_add(length));
    let characters = text.chars().zip(1_i64..);
    let kept = characters.filter(|&(_, place)| place >= start && place < end);
    Ok(kept.map(|(character, _)| character).collect())
}

/// Whether a text is like a pattern, in which `%` stands for any text and `_` for any character.
pub(super) fn like(
    text: &str,
    pattern: &str,
    escape: Option<char>,
    ignore_case: bool,
) -> Result<bool, QueryError> {
    #[derive(Clone, Copy, PartialEq)]
    enum Part {
        Any,
        One,
        Exactly(char),
    }
    let (text, pattern) = match ignore_case {
        true => (text.to_lowercase(), pattern.to_lowercase()),
        false => (text.to_owned(), pattern.to_owned()),
    };
    let text: Vec<char> = text.chars().collect();
    let mut parts = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        parts.push(match character {
            escaped if Some(escaped) == escape => match characters.next() {
                Some(next) => Part::Exactly(next),
                None => {
                    return Err(refused(
                        format!("the pattern `{pattern}` ends with its escape character"),
                        "write the escape character twice",
                    ));
                }
            },
            '%' => Part::Any,
            '_' => Part::One,
            other => Part::Exactly(other),
        });
    }
    // Where to go back to: the last `%`, and the character after those that it stands for.
    let mut back: Option<(usize, usize)> = None;
    let (mut at, mut part) = (0, 0);
    while at < text.len() {
        match parts.get(part) {
            Some(Part::Any) => {
                back = Some((part, at));
                part += 1;
            }
            Some(Part::One) => (at, part) = (at + 1, part + 1),
            Some(Part::Exactly(wanted)) if *wanted == text[at] => {
                (at, part) = (at + 1, part + 1);
            }
            _ => match back {
                None => return Ok(false),
                Some((any, from)) => {
                    back = Some((any, from + 1));
                    (at, part) = (from + 1, any + 1);
                }
            },
        }
    }
    Ok(parts[part..].iter().all(|part| *part == Part::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (text, pattern, expected) in [
            ("metric.final", "metric.%", true),
            ("metric", "m%t%c", true),
            ("metric", "m%x%c", false),
            ("aaab", "%a_b", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "", false),
            ("100%", r"100\%", true),
            ("1000", r"100\%", false),
        ] {
            assert_eq!(
                like(text, pattern, Some('\\'), false).ok(),
                Some(expected),
                "{text} {pattern}"
            );
        }
        assert!(like("a", r"a\", Some('\\'), false).is_err());
        let long = "a".repeat(20_000);
        assert_eq!(like(&long, "%a%a%a%a%b", None, false).ok(), Some(false));
    }

    #[test]
    fn rounding() {
        for (value, digits, expected) in [
            (2.5, 0, 3.0),
            (-2.5, 0, -3.0),
            (2.345, 2, 2.35),
            // Just below and just above: the doubles nearest to these decimals.
            (0.825, 2, 0.82),
            (1.005, 2, 1.0),
            (0.125, 2, 0.13),
            (-0.375, 2, -0.38),
            (1234.0, -2, 1200.0),
            (1e300, -400, 0.0),
            (1.5, 400, 1.5),
            (f64::INFINITY, 2, f64::INFINITY),
        ] {
            assert_eq!(rounded(value, digits), expected, "{value} {digits}");
        }
    }
}
