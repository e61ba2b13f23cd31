//! Times and amounts of memory as Slurm writes them.

/// Seconds of a time: `90` and `90:00` are 90 minutes, `1:30:00` as well, `2-12` is two days and twelve hours.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let (days, rest) = match text.split_once('-') {
        Some((days, rest)) => (Some(whole(days)?), rest),
        None => (None, text),
    };
    let parts = rest.split(':').map(whole).collect::<Option<Vec<u64>>>()?;
    let seconds = match (days, parts.as_slice()) {
        (None, [minutes]) => minutes.checked_mul(60)?,
        (None, [minutes, seconds]) => minutes.checked_mul(60)?.checked_add(*seconds)?,
        (_, [hours]) => hours.checked_mul(3600)?,
        (Some(_), [hours, minutes]) => sum(*hours, *minutes, 0)?,
        (_, [hours, minutes, seconds]) => sum(*hours, *minutes, *seconds)?,
        _ => return None,
    };
    days.unwrap_or(0).checked_mul(86_400)?.checked_add(seconds)
}

fn sum(hours: u64, minutes: u64, seconds: u64) -> Option<u64> {
    let minutes = hours.checked_mul(60)?.checked_add(minutes)?;
    minutes.checked_mul(60)?.checked_add(seconds)
}

/// MiB of an amount of memory: `4000` and `4000M` are as many MiB, `4G` 4096. What is less than a MiB counts as one.
pub(super) fn mebibytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let text = text.strip_suffix(['b', 'B']).unwrap_or(text);
    let (number, unit) = match text.char_indices().last()? {
        (_, last) if last.is_ascii_digit() => (text, 'M'),
        (at, last) => (text.get(..at)?.trim(), last.to_ascii_uppercase()),
    };
    let number = whole(number)?;
    match unit {
        'K' => Some(number.div_ceil(1024)),
        'M' => Some(number),
        'G' => number.checked_mul(1024),
        'T' => number.checked_mul(1024 * 1024),
        _ => None,
    }
}

fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_slurm() {
        for (text, expected) in [
            ("90", Some(5400)),
            ("90:30", Some(5430)),
            ("1:30:00", Some(5400)),
            ("2-12", Some(216_000)),
            ("1-0:30", Some(88_200)),
            ("1-1:1:1", Some(90_061)),
            ("", None),
            ("-1", None),
            ("1h", None),
            ("1:2:3:4", None),
            ("99999999999999999999", None),
            ("18446744073709551615", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn memory_is_that_of_slurm() {
        for (text, expected) in [
            ("4000", Some(4000)),
            ("4000M", Some(4000)),
            ("4G", Some(4096)),
            ("4 GB", Some(4096)),
            ("1k", Some(1)),
            ("2T", Some(2_097_152)),
            ("G", None),
            ("4.5G", None),
            ("4X", None),
            ("99999999999999999T", None),
        ] {
            assert_eq!(mebibytes(text), expected, "{text}");
        }
    }
}
