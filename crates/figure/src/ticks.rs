//! Positions of ticks and formatting of numbers.

use crate::axis::Tick;

/// U+2212, the typographic minus sign.
pub const MINUS: char = '\u{2212}';

/// About `count` ticks at multiples of 1, 2, 2.5 or 5 times a power of ten, all within `range` (in either order). Numbers
/// below 10^-4 and from 10^7 on are written as powers of ten. Empty if the range is not finite, or if its extent is zero
/// or too small for exact steps.
pub fn linear(range: (f64, f64), count: usize) -> Vec<Tick> {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    let extent = high - low;
    if !(extent.is_finite() && extent > 0.0) {
        return Vec::new();
    }
    let (step, digits) = round_step(extent / count.max(1) as f64);
    let write = writer(low.abs().max(high.abs()), digits);
    if !step.is_normal() {
        return Vec::new();
    }
    // Rounding must not exclude the ends.
    let slack = 1e-9;
    let first = (low / step - slack).ceil();
    let last = (high / step + slack).floor();
    let number = (last - first) as usize;
    (0..=number)
        .map(|index| (first + index as f64) * step)
        .map(|value| Tick::new(value.clamp(low, high), write(value)))
        .collect()
}

/// A formatter of numbers up to `largest` with `digits` decimals (negative: multiples of powers of ten).
fn writer(largest: f64, digits: i32) -> impl Fn(f64) -> String {
    let exponent = largest.log10().floor() as i32;
    move |value| match exponent {
        -4..7 => decimal(value, digits.max(0) as usize),
        _ if value == 0.0 => "0".to_owned(),
        _ => {
            let factor = decimal(
                value / 10f64.powi(exponent),
                (digits + exponent).max(0) as usize,
            );
            format!("{factor}×10^{{{}}}", integer(i64::from(exponent)))
        }
    }
}

/// The smallest round step of at least `smallest`, and the decimals of its multiples (negative: trailing zeros).
fn round_step(smallest: f64) -> (f64, i32) {
    let exponent = smallest.log10().floor() as i32;
    let power = 10f64.powi(exponent);
    let fraction = smallest / power;
    let rounds = [(1.0, 0), (2.0, 0), (2.5, 1), (5.0, 0), (10.0, -1)];
    let (factor, extra) = rounds
        .into_iter()
        .find(|(factor, _)| fraction <= factor * (1.0 + 1e-9))
        .unwrap_or((10.0, -1));
    (factor * power, extra - exponent)
}

/// Ticks at the powers of ten within `range`, written `10^{n}`; empty if the range is not positive.
pub fn decades(range: (f64, f64)) -> Vec<Tick> {
    decades_in_steps(range, 1)
}

/// As [`decades`], with exponents at multiples of the smallest step that gives at most about `most` ticks.
pub fn sparse_decades(range: (f64, f64), most: usize) -> Vec<Tick> {
    let step = decades(range).len().div_ceil(most.max(1)).max(1);
    decades_in_steps(range, step)
}

fn decades_in_steps(range: (f64, f64), step: usize) -> Vec<Tick> {
    exponents(range)
        .filter(|exponent| (exponent.unsigned_abs() as usize).is_multiple_of(step))
        .map(|exponent| (exponent, 10f64.powi(exponent)))
        .filter(|(_, at)| within(range, *at))
        .map(|(exponent, at)| Tick::new(at, format!("10^{{{}}}", integer(i64::from(exponent)))))
        .collect()
}

/// Ticks without labels at 2 to 9 times the powers of ten within `range`; empty if the range is not positive.
pub fn log_minor(range: (f64, f64)) -> Vec<Tick> {
    exponents(range)
        .flat_map(|exponent| (2..10).map(move |digit| f64::from(digit) * 10f64.powi(exponent)))
        .filter(|at| within(range, *at))
        .map(|at| Tick::new(at, ""))
        .collect()
}

/// Ticks at 1, 2 and 5 times the powers of ten within `range`; empty if the range is not positive.
pub fn ones_twos_fives(range: (f64, f64)) -> Vec<Tick> {
    exponents(range)
        .flat_map(|exponent| [1, 2, 5].map(|digit| (exponent, digit)))
        .map(|(exponent, digit)| (exponent, f64::from(digit) * 10f64.powi(exponent)))
        .filter(|(_, at)| within(range, *at))
        .map(|(exponent, at)| Tick::new(at, decimal(at, (-exponent).max(0) as usize)))
        .collect()
}

/// Ticks at these positions, labelled by `write`.
pub fn at(positions: &[f64], write: impl Fn(f64) -> String) -> Vec<Tick> {
    positions
        .iter()
        .map(|position| Tick::new(*position, write(*position)))
        .collect()
}

/// Formats a number with the fewest digits that identify it: 0.1 is "0.1", -50.0 is "−50".
pub fn plain(value: f64) -> String {
    minus_sign(&format!("{}", value + 0.0))
}

/// Formats a number with `decimals` digits after the point, without a negative zero.
pub fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    minus_sign(if is_zero {
        text.trim_start_matches('-')
    } else {
        &text
    })
}

/// Formats a number with `digits` significant digits, without an exponent: with three, 0.01234 is "0.0123" and 1234 is
/// "1234".
pub fn significant(value: f64, digits: i32) -> String {
    let exponent = match value.abs().log10().floor() {
        finite if finite.is_finite() => finite as i32,
        _ => 0,
    };
    decimal(value, (digits - 1 - exponent).clamp(0, 12) as usize)
}

/// Formats a count in groups of three digits: "60,000".
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    let groups: Vec<_> = groups.map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// Formats a whole number.
pub fn integer(value: i64) -> String {
    minus_sign(&value.to_string())
}

fn minus_sign(text: &str) -> String {
    text.replace('-', &MINUS.to_string())
}

fn exponents(range: (f64, f64)) -> std::ops::RangeInclusive<i32> {
    let (low, high) = (range.0.min(range.1), range.0.max(range.1));
    if low > 0.0 && high.is_finite() {
        low.log10().floor() as i32..=high.log10().ceil() as i32
    } else {
        #[expect(clippy::reversed_empty_ranges, reason = "no exponent at all")]
        let none = 1..=0;
        none
    }
}

fn within(range: (f64, f64), at: f64) -> bool {
    range.0.min(range.1) <= at && at <= range.0.max(range.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(ticks: &[Tick]) -> Vec<&str> {
        ticks.iter().map(|tick| tick.text.as_str()).collect()
    }

    fn positions(ticks: &[Tick]) -> Vec<f64> {
        ticks.iter().map(|tick| tick.at).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_exact() {
        let ticks = linear((0.0, 1.0), 5);
        assert_eq!(texts(&ticks), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        let ticks = linear((300.0, -50.0), 4);
        assert_eq!(positions(&ticks), [0.0, 100.0, 200.0, 300.0]);
        assert_eq!(texts(&ticks), ["0", "100", "200", "300"]);
        let ticks = linear((-0.5, 0.5), 4);
        assert_eq!(texts(&ticks), ["−0.50", "−0.25", "0.00", "0.25", "0.50"]);
        assert_eq!(texts(&linear((0.0, 0.1), 5)).last(), Some(&"0.10"));
        assert_eq!(texts(&linear((0.0, 30.0), 3)), ["0", "10", "20", "30"]);
    }

    #[test]
    fn tiny_and_huge_numbers_are_written_in_powers_of_ten() {
        assert_eq!(
            texts(&linear((0.0, 4e-19), 4)),
            ["0", "1×10^{−19}", "2×10^{−19}", "3×10^{−19}", "4×10^{−19}"]
        );
        assert_eq!(
            texts(&linear((-2e8, 1e8), 6)),
            [
                "−2.0×10^{8}",
                "−1.5×10^{8}",
                "−1.0×10^{8}",
                "−0.5×10^{8}",
                "0",
                "0.5×10^{8}",
                "1.0×10^{8}"
            ]
        );
        assert_eq!(
            texts(&linear((0.0, 60_000.0), 3)),
            ["0", "20000", "40000", "60000"]
        );
        assert_eq!(
            texts(&linear((0.0, 0.0002), 2)),
            ["0.0000", "0.0001", "0.0002"]
        );
    }

    #[test]
    fn linear_ticks_of_no_range_are_none() {
        assert!(linear((1.0, 1.0), 5).is_empty());
        assert!(linear((f64::NAN, 1.0), 5).is_empty());
        assert!(linear((-1e-310, 1e-310), 5).is_empty());
        assert!(linear((0.0, f64::INFINITY), 5).is_empty());
    }

    #[test]
    fn decades_and_their_minor_ticks() {
        let ticks = decades((0.01, 100.0));
        assert_eq!(
            texts(&ticks),
            ["10^{−2}", "10^{−1}", "10^{0}", "10^{1}", "10^{2}"]
        );
        assert_eq!(positions(&ticks), [0.01, 0.1, 1.0, 10.0, 100.0]);
        assert_eq!(
            positions(&log_minor((3.0, 21.0))),
            [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 20.0]
        );
        assert_eq!(
            texts(&sparse_decades((1e-9, 1e2), 4)),
            ["10^{−9}", "10^{−6}", "10^{−3}", "10^{0}"]
        );
        assert_eq!(sparse_decades((0.01, 100.0), 5), ticks);
        assert!(decades((0.0, 1.0)).is_empty());
        assert!(log_minor((-1.0, 1.0)).is_empty());
    }

    #[test]
    fn ones_twos_and_fives_are_written_exactly() {
        assert_eq!(
            texts(&ones_twos_fives((0.004, 0.2))),
            ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2"]
        );
        assert_eq!(
            texts(&ones_twos_fives((1.0, 20.0))),
            ["1", "2", "5", "10", "20"]
        );
        assert!(ones_twos_fives((0.0, 1.0)).is_empty());
    }

    #[test]
    fn digits_are_counted_and_grouped() {
        let three = |value: f64| significant(value, 3);
        assert_eq!(
            [0.012345, 1.2345, 12345.0, 0.0, -0.5].map(three),
            ["0.0123", "1.23", "12345", "0.00", "\u{2212}0.500"]
        );
        assert_eq!(
            [0, 999, 1000, 60_000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "60,000", "1,234,567"]
        );
    }

    #[test]
    fn numbers_carry_a_true_minus_and_no_negative_zero() {
        assert_eq!(plain(-50.0), "\u{2212}50");
        assert_eq!(plain(0.1), "0.1");
        assert_eq!(plain(-0.0), "0");
        assert_eq!(decimal(-0.001, 2), "0.00");
        assert_eq!(decimal(-0.5, 1), "\u{2212}0.5");
        assert_eq!(integer(-3), "\u{2212}3");
    }
}
