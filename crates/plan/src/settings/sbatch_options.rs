//! Further options of `sbatch` in the section `[slurm]`: those that would take a job out of our hands are refused, and those that are keys of
//! the section.

use crate::file::{Entry, FileError, Problems, Raw, named};

/// Letters of options that take no value, so that another may follow in the same word.
const FLAGS: &str = "hHIkOQsuvVW";

/// Why an option is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// It is set in any case.
    Set,
    /// A key of the section says the same.
    Key(&'static str),
    /// What it would do.
    Does(&'static str),
}

use Refusal::{Does, Key, Set};

/// Options that are refused: name, letter if there is one, reason.
const REFUSED: [(&str, Option<char>, Refusal); 28] = [
    ("array", Some('a'), Set),
    ("job-name", Some('J'), Set),
    ("parsable", None, Set),
    ("nodes", Some('N'), Set),
    ("ntasks", Some('n'), Set),
    ("requeue", None, Set),
    ("no-requeue", None, Set),
    ("open-mode", None, Set),
    ("output", Some('o'), Set),
    ("error", Some('e'), Set),
    ("input", Some('i'), Set),
    ("chdir", Some('D'), Set),
    ("wrap", None, Set),
    ("partition", Some('p'), Key("partition")),
    ("account", Some('A'), Key("account")),
    ("qos", Some('q'), Key("qos")),
    ("time", Some('t'), Key("time")),
    ("mem", None, Key("memory")),
    ("mem-per-cpu", None, Key("memory")),
    ("mem-per-gpu", None, Key("memory")),
    ("cpus-per-task", Some('c'), Key("tasks.\"PATTERN\".threads")),
    ("gres", None, Key("gres")),
    (
        "wait",
        Some('W'),
        Does("it waits for the job, as eigenscope does itself"),
    ),
    ("quiet", Some('Q'), Does("it hides the id of the job")),
    (
        "clusters",
        Some('M'),
        Does("it sends jobs where they are not looked for afterwards"),
    ),
    ("test-only", None, Does("it submits nothing")),
    ("help", Some('h'), Does("it submits nothing")),
    ("version", Some('V'), Does("it submits nothing")),
];

/// Refuses what is no option, and options that cannot be given.
pub(super) fn check(entry: &Entry, problems: &mut Problems) {
    let Raw::List(items) = &entry.node.raw else {
        return;
    };
    for item in items {
        let Some(text) = item.text() else { continue };
        if !is_option(text) {
            problems.add(|| {
                FileError::new("no_option", format!("`{}` is no option", named(text)))
                    .at(
                        &item.span,
                        "an option starts with `-` and has no blank before its value",
                    )
                    .help("write an option and its value as one text: \"--constraint=avx512\"")
            });
        } else if let Some((given, name, refusal)) = refused(text) {
            let given = match given == format!("--{name}") {
                true => format!("`{given}`"),
                false => format!("`{}` (--{name})", named(&given)),
            };
            problems.add(|| match refusal {
                Key(key) => FileError::new("has_a_key", format!("{given} has a key of its own"))
                    .at(&item.span, "not here")
                    .help(format!("give it as `{key}`")),
                Set => FileError::new("taken_option", format!("{given} is set by eigenscope"))
                    .at(&item.span, "leave it out"),
                Does(what) => {
                    FileError::new("taken_option", format!("{given} cannot be given: {what}"))
                        .at(&item.span, "leave it out")
                }
            });
        }
    }
}

/// Returns whether a text is one word of options for `sbatch`.
fn is_option(text: &str) -> bool {
    let (name, short) = match text.strip_prefix("--") {
        Some(long) => (long.split('=').next().unwrap_or_default(), false),
        None => (text.strip_prefix('-').unwrap_or_default(), true),
    };
    let blank = name.find(char::is_whitespace);
    // A value may begin behind a letter, and have blanks later on.
    !name.is_empty() && !blank.is_some_and(|at| !short || at <= 1)
}

/// The option in this text that cannot be given: as it stands there, its name, why.
fn refused(text: &str) -> Option<(String, &'static str, Refusal)> {
    if let Some(long) = text.strip_prefix("--") {
        // Names may be cut while they mean one option only.
        let given = long.split('=').next().unwrap_or_default();
        let same = REFUSED.iter().find(|(name, ..)| *name == given);
        let cut = || REFUSED.iter().find(|(name, ..)| name.starts_with(given));
        let (name, _, refusal) = same.or_else(cut)?;
        return Some((format!("--{given}"), name, *refusal));
    }
    for letter in text.chars().skip(1) {
        let known = REFUSED.iter().find(|(_, short, _)| *short == Some(letter));
        if let Some((name, _, refusal)) = known {
            return Some((format!("-{letter}"), name, *refusal));
        }
        if !FLAGS.contains(letter) {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_known_by_name_by_letter_and_cut_short() {
        let name = |text| refused(text).map(|(given, name, _)| (given, name));
        let expected = |given: &str, name| Some((given.to_owned(), name));
        assert_eq!(name("--array=0-5"), expected("--array", "array"));
        assert_eq!(name("--arr=0-5"), expected("--arr", "array"));
        assert_eq!(name("--mem=1G"), expected("--mem", "mem"));
        assert_eq!(name("-a0-5"), expected("-a", "array"));
        assert_eq!(name("-c4"), expected("-c", "cpus-per-task"));
        assert_eq!(name("-o/dev/null"), expected("-o", "output"));
        // A flag may stand before it.
        assert_eq!(name("-HQ"), expected("-Q", "quiet"));
        for text in [
            "--constraint=avx512",
            "--exclusive",
            "--mem-bind=local",
            "--time-min=5",
            "--wait-all-nodes=1",
            "--gres-flags=enforce-binding",
            "--nodelist=n1",
            "-Cavx512",
            "-w n1",
            "-H",
            "-xa,c",
        ] {
            assert_eq!(name(text), None, "{text}");
        }
    }

    #[test]
    fn an_option_and_its_value_are_one_text() {
        for text in ["--comment=a b", "-Cavx512", "-Ca b", "-H"] {
            assert!(is_option(text), "{text}");
        }
        for text in [
            "avx512",
            "",
            "-",
            "--",
            "--constraint avx512",
            "-C avx512",
            "- C",
        ] {
            assert!(!is_option(text), "{text}");
        }
    }
}
