//! What reading a file passes over, in the words of a model's weights.

use eigenscope_checkpoint::Note;

/// A note in words: only floating-point numbers can be weights, so that values of other types are not converted.
pub(crate) fn words(note: &Note) -> String {
    match note {
        Note::Converted { from, count } if !from.is_float() => {
            let tensors = counted(*count, "tensor");
            format!("{tensors} of {from}: not floating-point numbers, so no weights")
        }
        Note::Counters { count } => {
            let counters = counted(*count, "counter");
            format!("{counters} `num_batches_tracked` left out")
        }
        note => note.to_string(),
    }
}

/// Whether values that may be weights change when they are read.
pub(crate) fn is_of_weights(note: &Note) -> bool {
    matches!(note, Note::Converted { from, .. } if from.is_float())
}

/// A number of things, such as "1 tensor" or "2 tensors".
pub(crate) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_checkpoint::DType;

    use super::*;

    #[test]
    fn one_is_no_plural_and_integers_are_not_converted() {
        for (note, text) in [
            (
                Note::Counters { count: 1 },
                "1 counter `num_batches_tracked` left out",
            ),
            (
                Note::Counters { count: 2 },
                "2 counters `num_batches_tracked` left out",
            ),
            (
                Note::Converted {
                    from: DType::I64,
                    count: 1,
                },
                "1 tensor of int64: not floating-point numbers, so no weights",
            ),
            (
                Note::Converted {
                    from: DType::F64,
                    count: 1,
                },
                "1 tensor of float64, converted to float32",
            ),
        ] {
            assert_eq!(words(&note), text);
        }
    }
}
