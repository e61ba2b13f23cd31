//! The section `[slurm]`: what a cluster wants to know of a job, and what tasks need there.

use std::collections::BTreeMap;
use std::time::Duration;

use eigenscope_stage::{Parameter, ParameterType};

use super::quantity::{mebibytes, seconds};
use super::sbatch_options;
use super::section::Section;
use crate::file::{Entry, FileError, Problems, Raw, Sources, named, wrong_type};
use crate::plan::PlannedTask;
use crate::task_patterns::matches_glob;

/// How jobs are submitted to Slurm.
#[derive(Debug, Clone, PartialEq)]
pub struct Slurm {
    pub partition: Option<String>,
    pub account: Option<String>,
    pub qos: Option<String>,
    /// What a task that computes on a graphics card asks for with `--gres`; `None`: `gpu:1`.
    pub gres: Option<String>,
    /// The partition of tasks that compute on a graphics card; `None`: that of the others.
    pub gpu_partition: Option<String>,
    /// Further options of `sbatch`.
    pub options: Vec<String>,
    /// Modules that are loaded before a program runs.
    pub modules: Vec<String>,
    /// Lines of shell that run before.
    pub setup: Vec<String>,
    /// What tasks need of which nothing else is known.
    pub defaults: TaskSettings,
    /// What tasks need, by pattern; of several that fit, the first that says something counts.
    pub tasks: Vec<(String, TaskSettings)>,
    /// Patterns of the tasks that run on this machine.
    pub local: Vec<String>,
    /// What there is to say about options that `sbatch` may not know.
    pub option_warnings: Vec<String>,
    /// Where each of these patterns stands, such as `eigenscope.toml:12`.
    pub places: BTreeMap<String, String>,
    /// How often a task is tried again that had no fault of its own.
    pub retries: u32,
    /// Short tasks are put together until they take as long as this.
    pub pack: Duration,
    /// Shortest time between two submissions.
    pub submit_interval: Duration,
    /// How long a file that a node has written may stay invisible here.
    pub visibility: Duration,
}

/// What a task needs on a node; `None`: what is known of it from elsewhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskSettings {
    pub seconds: Option<u64>,
    pub memory_mib: Option<u64>,
    pub threads: Option<usize>,
}

impl Default for Slurm {
    fn default() -> Self {
        Self {
            partition: None,
            account: None,
            qos: None,
            gres: None,
            gpu_partition: None,
            options: Vec::new(),
            modules: Vec::new(),
            setup: Vec::new(),
            defaults: TaskSettings::default(),
            tasks: Vec::new(),
            local: Vec::new(),
            option_warnings: Vec::new(),
            places: BTreeMap::new(),
            retries: 1,
            pack: Duration::from_secs(300),
            submit_interval: Duration::from_secs(1),
            visibility: Duration::from_secs(60),
        }
    }
}

impl Slurm {
    /// Returns whether a task runs on this machine.
    pub fn is_local(&self, task: &PlannedTask) -> bool {
        self.local.iter().any(|pattern| fits(task, pattern))
    }

    /// What is said about a task in particular.
    pub fn task(&self, task: &PlannedTask) -> TaskSettings {
        let fitting = self.tasks.iter().filter(|(pattern, _)| fits(task, pattern));
        fitting.fold(TaskSettings::default(), |found, (_, more)| TaskSettings {
            seconds: found.seconds.or(more.seconds),
            memory_mib: found.memory_mib.or(more.memory_mib),
            threads: found.threads.or(more.threads),
        })
    }
}

/// Returns whether a pattern means a task: by its id, by its table, or by stage and kind.
pub(super) fn fits(task: &PlannedTask, pattern: &str) -> bool {
    matches_glob(&task.id, pattern)
        || matches_glob(task.table(), pattern)
        || matches_glob(&format!("{}.{}", task.stage.name(), task.kind), pattern)
}

fn quantity() -> ParameterType {
    ParameterType::Either(vec![ParameterType::at_least(1), ParameterType::Text])
}

fn needs() -> Vec<Parameter> {
    vec![
        Parameter::required("time", quantity(), "time that a task may take, in minutes"),
        Parameter::required("memory", quantity(), "memory that a task may use, in MiB"),
    ]
}

fn parameters() -> Vec<Parameter> {
    let texts = ParameterType::list(ParameterType::Text);
    let interval = |maximum| ParameterType::between(0.0, maximum);
    let one = Parameter::required;
    let own = [
        one("partition", ParameterType::Text, "the partition"),
        one("account", ParameterType::Text, "the account"),
        one("qos", ParameterType::Text, "the quality of service"),
        one(
            "gres",
            ParameterType::Text,
            "what tasks on a graphics card ask for with --gres",
        ),
        one(
            "gpu_partition",
            ParameterType::Text,
            "the partition of tasks on a graphics card",
        ),
        one("options", texts.clone(), "further options of sbatch"),
        one("modules", texts.clone(), "modules to load before"),
        one("setup", texts.clone(), "lines of shell to run before"),
        one("local", texts, "patterns of tasks that stay here"),
        one(
            "retries",
            ParameterType::Integer {
                minimum: 0,
                maximum: 100,
            },
            "how often a task is tried again",
        ),
        one(
            "pack_minutes",
            interval(1440.0),
            "duration of what short tasks are put together to",
        ),
        one(
            "submit_interval_seconds",
            interval(3600.0),
            "shortest time between two submissions",
        ),
        one(
            "visibility_seconds",
            interval(3600.0),
            "how long a file may stay invisible",
        ),
    ];
    needs().into_iter().chain(own).collect()
}

/// Reads the section. Without meaning if a problem was reported.
pub(super) fn read(entry: &Entry, sources: &Sources, problems: &mut Problems) -> Slurm {
    let section = Section::read(entry, "[slurm]", &parameters(), &["tasks"], problems);
    let standard = Slurm::default();
    let duration = |key, standard| {
        let seconds = section.number(key);
        seconds.map_or(standard, Duration::from_secs_f64)
    };
    let option_warnings = section
        .entry("options")
        .map(|options| sbatch_options::check(options, sources, problems))
        .unwrap_or_default();
    let items = section.entry("local").map(|local| &local.node.raw);
    let items = match items {
        Some(Raw::List(items)) => items.as_slice(),
        _ => &[],
    };
    let local = items
        .iter()
        .filter_map(|item| Some((item.text()?, item.span.start)));
    let patterns = section.entry("tasks").map(|tasks| &tasks.node.raw);
    let patterns = match patterns {
        Some(Raw::Table(patterns)) => patterns.as_slice(),
        _ => &[],
    };
    let patterns = patterns
        .iter()
        .map(|pattern| (pattern.key.as_str(), pattern.key_span.start));
    let places = patterns.chain(local);
    let places = places.map(|(text, at)| (text.to_owned(), sources.place_at(at)));
    Slurm {
        places: places.collect(),
        option_warnings,
        partition: word(&section, "partition", problems),
        account: word(&section, "account", problems),
        qos: word(&section, "qos", problems),
        gres: word(&section, "gres", problems),
        gpu_partition: word(&section, "gpu_partition", problems),
        options: section.texts("options"),
        modules: section.texts("modules"),
        setup: section.texts("setup"),
        defaults: task_settings(&section, problems),
        tasks: tasks(section.entry("tasks"), problems),
        local: section.texts("local"),
        retries: section.whole("retries").map_or(standard.retries, |given| {
            u32::try_from(given).unwrap_or(u32::MAX)
        }),
        pack: section
            .number("pack_minutes")
            .map_or(standard.pack, |minutes| {
                Duration::from_secs_f64(minutes * 60.0)
            }),
        submit_interval: duration("submit_interval_seconds", standard.submit_interval),
        visibility: duration("visibility_seconds", standard.visibility),
    }
}

/// A text that becomes one word of a command line.
fn word(section: &Section<'_>, key: &str, problems: &mut Problems) -> Option<String> {
    let text = section.text(key)?;
    let is_word = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
    if !is_word && let Some(entry) = section.entry(key) {
        problems.add(|| {
            let found = entry.node.found();
            wrong_type(key, "a name without blanks", &found).at(&entry.node.span, "not a name")
        });
    }
    Some(text)
}

fn tasks(entry: Option<&Entry>, problems: &mut Problems) -> Vec<(String, TaskSettings)> {
    let Some(entry) = entry else {
        return Vec::new();
    };
    let Raw::Table(patterns) = &entry.node.raw else {
        problems.add(|| {
            wrong_type("tasks", "a table of patterns", &entry.node.found())
                .at(&entry.node.span, "should be a table")
                .help("start it with a line such as [slurm.tasks.\"train.*\"]")
        });
        return Vec::new();
    };
    let threads = Parameter::required(
        "threads",
        ParameterType::Integer {
            minimum: 1,
            maximum: 4096,
        },
        "threads that a task may use",
    );
    let known: Vec<Parameter> = needs().into_iter().chain([threads]).collect();
    let settings = patterns.iter().map(|pattern| {
        let container = format!("[slurm.tasks.\"{}\"]", named(&pattern.key));
        if !pattern.key.contains(['.', '*']) {
            unquoted(pattern, problems);
            return (pattern.key.clone(), TaskSettings::default());
        }
        let section = Section::read(pattern, &container, &known, &[], problems);
        let settings = TaskSettings {
            threads: section
                .whole("threads")
                .and_then(|threads| usize::try_from(threads).ok()),
            ..task_settings(&section, problems)
        };
        (pattern.key.clone(), settings)
    });
    settings.collect()
}

/// Reports a pattern that means no task: most likely the quotes of `[slurm.tasks."train.mlp"]` are missing.
fn unquoted(pattern: &Entry, problems: &mut Problems) {
    problems.add(|| {
        let key = named(&pattern.key);
        FileError::new("no_pattern", format!("`{key}` means no task"))
            .at(&pattern.key_span, "neither a dot nor a star")
            .help(format!(
                "tasks are called STAGE.NAME: write [slurm.tasks.\"{key}.*\"], with quotes"
            ))
    });
}

fn task_settings(section: &Section<'_>, problems: &mut Problems) -> TaskSettings {
    let mut read =
        |key, of_whole: fn(u64) -> Option<u64>, of_text: fn(&str) -> Option<u64>, forms: &str| {
            let value = section.value(key)?;
            let found = match value.as_u64() {
                Some(whole) => of_whole(whole),
                None => of_text(value.as_str()?),
            };
            if found.is_none_or(|found| found == 0)
                && let Some(entry) = section.entry(key)
            {
                problems.add(|| {
                    let found = entry.node.found();
                    wrong_type(key, forms, &found).at(&entry.node.span, "cannot be read")
                });
            }
            found
        };
    TaskSettings {
        seconds: read(
            "time",
            |minutes: u64| minutes.checked_mul(60),
            seconds,
            "minutes, or a time such as \"1:30:00\" or \"2-12\" (days-hours)",
        ),
        memory_mib: read(
            "memory",
            Some,
            mebibytes,
            "MiB, or an amount such as \"4G\"",
        ),
        threads: None,
    }
}
