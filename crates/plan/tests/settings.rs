//! Settings of a site: what is read, which file counts, and how mistakes are told.

mod sample;

use std::path::PathBuf;
use std::time::Duration;

use eigenscope_plan::file::FileErrors;
use eigenscope_plan::settings::{ExecutorName, Settings, TaskSettings, parse};
use miette::{GraphicalReportHandler, GraphicalTheme};
use sample::all_rendered;

fn read(texts: &[&str]) -> Result<Settings, FileErrors> {
    let names = ["eigenscope.toml", "config.toml"];
    let files = names.iter().zip(texts);
    let files = files.map(|(name, text)| (PathBuf::from(name), (*text).to_owned()));
    parse(&files.collect::<Vec<_>>())
}

fn rendered(text: &str) -> String {
    all_rendered(&read(&[text]).expect_err("there are problems"))
}

#[test]
fn nothing_need_be_set() {
    assert_eq!(read(&[]).expect("read"), Settings::default());
    assert_eq!(read(&["# nothing"]).expect("read"), Settings::default());
}

#[test]
fn all_keys_are_read() {
    let settings = read(&["\
        [executor]\ndefault = 'slurm'\n\
        [slurm]\npartition = 'main'\naccount = 'lab'\nqos = 'normal'\noptions = ['--constraint=avx512']\n\
        modules = ['gcc/13']\nsetup = ['ulimit -c 0']\ntime = 30\nmemory = '2G'\nlocal = ['figure.*']\nretries = 3\n\
        pack_minutes = 2.5\nsubmit_interval_seconds = 4\nvisibility_seconds = 0\n\
        [slurm.tasks.'train.cnn']\nmemory = '8G'\n\
        [slurm.tasks.'train.*']\ntime = '2:00:00'\nmemory = 3000\nthreads = 4\n"])
    .expect("read");
    assert_eq!(settings.executor, ExecutorName::Slurm);
    let slurm = settings.slurm;
    assert_eq!(slurm.partition.as_deref(), Some("main"));
    assert_eq!(slurm.options, ["--constraint=avx512"]);
    assert_eq!((slurm.modules.len(), slurm.setup.len()), (1, 1));
    assert_eq!(slurm.defaults.seconds, Some(1800));
    assert_eq!(slurm.defaults.memory_mib, Some(2048));
    assert_eq!((slurm.retries, slurm.pack), (3, Duration::from_secs(150)));
    assert_eq!(slurm.submit_interval, Duration::from_secs(4));
    assert_eq!(slurm.visibility, Duration::ZERO);
    let cnn = TaskSettings {
        memory_mib: Some(8192),
        ..TaskSettings::default()
    };
    assert_eq!(slurm.tasks[0], ("train.cnn".to_owned(), cnn));
    assert_eq!(slurm.tasks[1].1.seconds, Some(7200));
    assert_eq!(slurm.tasks[1].1.threads, Some(4));
}

#[test]
fn a_key_counts_from_the_first_file_that_gives_it() {
    let project = "[slurm]\nqos = 'short'\n[slurm.tasks.'train.*']\ntime = 10\n";
    let user = "[executor]\ndefault = 'slurm'\n[slurm]\nqos = 'long'\npartition = 'gpu'\n\
                [slurm.tasks.'train.*']\ntime = 20\nmemory = 100\n";
    let settings = read(&[project, user]).expect("read");
    assert_eq!(settings.executor, ExecutorName::Slurm);
    assert_eq!(settings.slurm.qos.as_deref(), Some("short"));
    assert_eq!(settings.slurm.partition.as_deref(), Some("gpu"));
    let train = settings.slurm.tasks[0].1;
    assert_eq!((train.seconds, train.memory_mib), (Some(600), Some(100)));
}

#[test]
fn all_mistakes_are_told_at_once() {
    insta::assert_snapshot!(rendered(
        "[executer]\n\
         [executor]\ndefault = 'slrum'\n\
         [slurm]\npartiton = 'main'\naccount = 'a b'\ntime = '2h'\nmemory = 0\nretries = -1\nlocal = 'figure.*'\n\
         options = ['--array=1-2', '--partition=x', 'constraint=y', '--exclusive']\n\
         [slurm.tasks.train]\ntime = 1\n\
         [slurm.tasks.'train.*']\ntim = 1\ntime = 'soon'\n"
    ));
}

#[test]
fn options_that_would_undo_ours_are_refused_in_every_form() {
    let report = rendered(
        "[slurm]\noptions = ['-a0-5', '-c4', '--output=x', '--part=main', '-Q', '-C avx512', '--gres=gpu:2', '-vH', '-Cavx512']\n",
    );
    for words in [
        "`-a` (--array) is set by eigenscope",
        "`-c` (--cpus-per-task) has a key of its own",
        "give it as `tasks.\"PATTERN\".threads`",
        "`--output` is set by eigenscope",
        "`--part` (--partition) has a key of its own",
        "`-Q` (--quiet) cannot be given: it hides the id of the job",
        "`-C avx512` is no option",
        "`--gres` has a key of its own",
    ] {
        assert!(report.contains(words), "`{words}` is not in\n{report}");
    }
    assert_eq!(report.matches("eigenscope::file::").count(), 7, "{report}");
}

#[test]
fn options_that_cannot_work_are_refused_and_unknown_ones_are_named() {
    let report = rendered(
        "[slurm]\noptions = ['-d', '--licenses', '-T', '--usage']\nsetup = [\"ulimit\\u0000 -c 0\"]\n",
    );
    for words in [
        "`-d` (--dependency) is given no value",
        "`--licenses` is given no value",
        "`-T` is no option of sbatch",
        "`--usage` cannot be given: it submits nothing",
        "a text holds the character \\u0000",
    ] {
        assert!(report.contains(words), "`{words}` is not in\n{report}");
    }
    let known = "options = ['--constraint=avx512', '-dafterok:3', '--nice', '--exclus']\n";
    let settings = read(&[&format!("[slurm]\n{known}")]).expect("read");
    assert_eq!(settings.slurm.option_warnings, [""; 0]);
    let settings =
        read(&["[slurm]\noptions = ['--constrant=a', '--site-plugin']\n"]).expect("read");
    let warnings = settings.slurm.option_warnings;
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("warning: eigenscope.toml:2: ")
            && warnings[0].contains("`--constrant`: did you mean `--constraint`?"),
        "{warnings:?}"
    );
    assert!(
        warnings[1].contains("`--site-plugin`: it is passed on"),
        "{warnings:?}"
    );
}

#[test]
fn mistakes_are_shown_in_the_file_that_has_them() {
    let errors = read(&["[slurm]\nretries = 1\n", "[slurm]\nqos = 3\n"]).expect_err("a problem");
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
    let mut report = String::new();
    let error = &errors.errors()[0];
    handler.render_report(&mut report, error).expect("rendered");
    assert!(report.contains("config.toml:2:7"), "{report}");
}
