//! Further options of `sbatch` in the section `[slurm]`: those that would take a job out of our hands are refused, and those that are keys of
//! the section. One that is not known may be of a newer Slurm, or of a plugin of the site: it is named and passed on.

use super::secrets::before_secret;
use crate::file::{Entry, FileError, Problems, Raw, Sources, Span, closest, named};

/// Whether an option has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Never,
    /// Behind `=` only.
    Maybe,
    /// Without one, it would take the next option for it.
    Always,
}

use Value::{Always, Maybe, Never};

/// Options that may be given, as Slurm 22.05 to 24.11 has them: name, letter if there is one, whether it has a value.
const ALLOWED: &[(&str, Option<char>, Value)] = &[
    ("acctg-freq", None, Always),
    ("batch", None, Always),
    ("bb", None, Always),
    ("bbf", None, Always),
    ("begin", Some('b'), Always),
    ("cluster-constraint", None, Always),
    ("comment", None, Always),
    ("consolidate-segments", None, Never),
    ("constraint", Some('C'), Always),
    ("container", None, Always),
    ("container-id", None, Always),
    ("contiguous", None, Never),
    ("core-spec", Some('S'), Always),
    ("cores-per-socket", None, Always),
    ("cpu-freq", None, Always),
    ("cpus-per-gpu", None, Always),
    ("deadline", None, Always),
    ("delay-boot", None, Always),
    ("dependency", Some('d'), Always),
    ("distribution", Some('m'), Always),
    ("exclude", Some('x'), Always),
    ("exclusive", None, Maybe),
    ("export", None, Always),
    ("export-file", None, Always),
    ("extra", None, Always),
    ("extra-node-info", Some('B'), Always),
    ("get-user-env", None, Maybe),
    ("gid", None, Always),
    ("gpu-bind", None, Always),
    ("gpu-freq", None, Always),
    ("gpus", Some('G'), Always),
    ("gpus-per-node", None, Always),
    ("gpus-per-socket", None, Always),
    ("gpus-per-task", None, Always),
    ("gres-flags", None, Always),
    ("hint", None, Always),
    ("hold", Some('H'), Never),
    ("ignore-pbs", None, Never),
    ("kill-on-invalid-dep", None, Always),
    ("licenses", Some('L'), Always),
    ("mail-type", None, Always),
    ("mail-user", None, Always),
    ("mcs-label", None, Always),
    ("mem-bind", None, Always),
    ("mincpus", None, Always),
    ("network", None, Always),
    ("nice", None, Maybe),
    ("no-kill", Some('k'), Maybe),
    ("nodefile", Some('F'), Always),
    ("nodelist", Some('w'), Always),
    ("ntasks-per-core", None, Always),
    ("ntasks-per-gpu", None, Always),
    ("ntasks-per-node", None, Always),
    ("ntasks-per-socket", None, Always),
    ("oom-kill-step", None, Maybe),
    ("overcommit", Some('O'), Never),
    ("oversubscribe", Some('s'), Maybe),
    ("power", None, Always),
    ("prefer", None, Always),
    ("priority", None, Always),
    ("profile", None, Always),
    ("propagate", None, Maybe),
    ("reboot", None, Never),
    ("reservation", None, Always),
    ("resv-ports", None, Maybe),
    ("segment", None, Always),
    ("signal", None, Always),
    ("sockets-per-node", None, Always),
    ("spread-job", None, Never),
    ("stepmgr", None, Never),
    ("switches", None, Always),
    ("thread-spec", None, Always),
    ("threads-per-core", None, Always),
    ("time-min", None, Always),
    ("tmp", None, Always),
    ("tres-bind", None, Always),
    ("tres-per-task", None, Always),
    ("uid", None, Always),
    ("use-min-nodes", None, Never),
    ("verbose", Some('v'), Never),
    ("wait-all-nodes", None, Always),
    ("wckey", None, Always),
];

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
const REFUSED: &[(&str, Option<char>, Refusal)] = &[
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
    ("usage", None, Does("it submits nothing")),
    ("version", Some('V'), Does("it submits nothing")),
];

/// What is to be said about an option.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    /// It cannot be given: as it stands there, its name, why.
    Refused(String, &'static str, Refusal),
    /// Its value is missing: as it stands there, its name.
    NoValue(String, &'static str),
    /// There is no option of this letter.
    NoLetter(char),
    /// An option of this name is not known.
    Unknown(String),
}

/// Refuses what is no option, and options that cannot be given. Returns a warning for each that is not known.
pub(super) fn check(entry: &Entry, sources: &Sources, problems: &mut Problems) -> Vec<String> {
    let Raw::List(items) = &entry.node.raw else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    for item in items {
        let Some(text) = item.text() else { continue };
        if !is_option(text) {
            problems.add(|| {
                let shown = named(before_secret(text));
                FileError::new("no_option", format!("`{shown}` is no option"))
                    .at(
                        &item.span,
                        "an option starts with `-` and has no blank before its value",
                    )
                    .help("write an option and its value as one text: \"--constraint=avx512\"")
            });
            continue;
        }
        match finding(text) {
            None => {}
            Some(Finding::Refused(given, name, refusal)) => {
                let given = spelt(&given, name);
                problems.add(|| refuse(&given, refusal, &item.span));
            }
            Some(Finding::NoValue(given, name)) => problems.add(|| {
                let given = spelt(&given, name);
                FileError::new("no_value", format!("{given} is given no value"))
                    .at(&item.span, "would take the next option for it")
                    .help("write an option and its value as one text: \"--constraint=avx512\"")
            }),
            Some(Finding::NoLetter(letter)) => problems.add(|| {
                let letter = named(&letter.to_string());
                FileError::new("no_option", format!("`-{letter}` is no option of sbatch"))
                    .at(&item.span, "not known")
                    .help("write the name of the option, after two hyphens")
            }),
            Some(Finding::Unknown(name)) => {
                let place = sources.place_at(item.span.start);
                let known = ALLOWED.iter().map(|(known, ..)| *known);
                let meant = closest(&name, known);
                let meant =
                    meant.map_or_else(String::new, |meant| format!("did you mean `--{meant}`? "));
                warnings.push(format!(
                    "warning: {place}: sbatch may not know the option `--{}`: {meant}it is passed on as it is, for a plugin of the site may know it",
                    named(before_secret(&name))
                ));
            }
        }
    }
    warnings
}

/// An option as it was given, with its name if that is another.
fn spelt(given: &str, name: &str) -> String {
    match given == format!("--{name}") {
        true => format!("`{given}`"),
        false => format!("`{}` (--{name})", named(given)),
    }
}

fn refuse(given: &str, refusal: Refusal, span: &Span) -> FileError {
    match refusal {
        Key(key) => FileError::new("has_a_key", format!("{given} has a key of its own"))
            .at(span, "not here")
            .help(format!("give it as `{key}`")),
        Set => FileError::new("taken_option", format!("{given} is set by eigenscope"))
            .at(span, "leave it out"),
        Does(what) => FileError::new("taken_option", format!("{given} cannot be given: {what}"))
            .at(span, "leave it out"),
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

/// What is to be said about the first option in this text of which something is.
fn finding(text: &str) -> Option<Finding> {
    if let Some(long) = text.strip_prefix("--") {
        let (given, has_value) = match long.split_once('=') {
            Some((given, _)) => (given, true),
            None => (long, false),
        };
        let spelt = || format!("--{given}");
        // Names may be cut while they mean one option only.
        let meant = |name: &str, is_whole: bool| match is_whole {
            true => name == given,
            false => name.starts_with(given),
        };
        for is_whole in [true, false] {
            let refused = REFUSED.iter().find(|(name, ..)| meant(name, is_whole));
            if let Some((name, _, refusal)) = refused {
                return Some(Finding::Refused(spelt(), name, *refusal));
            }
            let allowed = ALLOWED.iter().find(|(name, ..)| meant(name, is_whole));
            if let Some((name, _, value)) = allowed {
                let lacks_value = *value == Always && !has_value;
                return lacks_value.then(|| Finding::NoValue(spelt(), name));
            }
        }
        return Some(Finding::Unknown(given.to_owned()));
    }
    for (at, letter) in text.char_indices().skip(1) {
        let refused = REFUSED.iter().find(|(_, short, _)| *short == Some(letter));
        if let Some((name, _, refusal)) = refused {
            return Some(Finding::Refused(format!("-{letter}"), name, *refusal));
        }
        let allowed = ALLOWED.iter().find(|(_, short, _)| *short == Some(letter));
        match allowed {
            None => return Some(Finding::NoLetter(letter)),
            Some((name, _, Always)) => {
                let is_last = at + letter.len_utf8() == text.len();
                return is_last.then(|| Finding::NoValue(format!("-{letter}"), name));
            }
            // A flag: another letter may follow.
            Some(_) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_known_by_name_by_letter_and_cut_short() {
        let name = |text| match finding(text) {
            Some(Finding::Refused(given, name, _)) => Some((given, name)),
            None => None,
            other => panic!("{text}: {other:?}"),
        };
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
    fn options_without_their_value_and_unknown_ones_are_found() {
        for (text, name) in [
            ("-d", "dependency"),
            ("-Hb", "begin"),
            ("--dependency", "dependency"),
            ("--constr", "constraint"),
        ] {
            let found = finding(text);
            assert!(
                matches!(found, Some(Finding::NoValue(_, of)) if of == name),
                "{text}: {found:?}"
            );
        }
        assert_eq!(finding("-T"), Some(Finding::NoLetter('T')));
        assert_eq!(finding("-HT4"), Some(Finding::NoLetter('T')));
        assert_eq!(finding("--foo=3"), Some(Finding::Unknown("foo".to_owned())));
        for text in [
            "--nice",
            "--nice=3",
            "-s",
            "--exclusive=user",
            "-dafterok:3",
            "--gpus=1",
        ] {
            assert_eq!(finding(text), None, "{text}");
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
