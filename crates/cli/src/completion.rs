//! Shell completion: commands, options, pipelines, tables and tasks; in SQL, tables and columns.

use std::collections::BTreeSet;

use clap::{Arg, ArgAction, Command, CommandFactory};
use eigenscope_pipeline::survey::survey;
use eigenscope_plan::Plan;
use eigenscope_plan::kinds::{Kind, kinds};
use eigenscope_query::Catalogue;

use crate::arguments::{Arguments, ProjectArguments};
use crate::project::{known_pipelines, plan, stage_programs, store};

/// Most words that are offered.
const MOST: usize = 1000;

/// Most tasks of a plan whose results are looked at for the names of columns.
const MOST_TASKS: usize = 10_000;

/// What a query is made of besides names.
const KEYWORDS: [&str; 7] = ["select", "from", "where", "group", "order", "limit", "join"];

/// What may replace the last of `words`, which are all after the program's name up to the cursor.
pub(crate) fn candidates(project: &ProjectArguments, words: &[String]) -> Vec<String> {
    let Some((typed, before)) = words.split_last() else {
        return Vec::new();
    };
    let mut program = Arguments::command();
    program.build();
    let line = Line::read(&program, before);
    // Shells leave the quote that begins a word.
    let typed = typed.trim_start_matches(['\'', '"']);
    let mut candidates = line.candidates(project, typed);
    candidates.retain(|word| word.starts_with(typed));
    candidates.truncate(MOST);
    candidates
}

/// A command line as far as it has been typed.
struct Line<'a> {
    /// The program, or the command that was named.
    command: &'a Command,
    is_named: bool,
    /// Words that are neither options nor their values.
    positionals: Vec<&'a str>,
    /// An option that needs a value next.
    option: Option<&'a Arg>,
}

impl<'a> Line<'a> {
    fn read(program: &'a Command, words: &'a [String]) -> Self {
        let mut line = Self {
            command: program,
            is_named: false,
            positionals: Vec::new(),
            option: None,
        };
        for word in words {
            if line.option.take().is_some() {
                continue;
            }
            if word.starts_with('-') {
                line.option = line.option_without_value(word);
            } else if line.is_named {
                line.positionals.push(word);
            } else if let Some(command) = program.find_subcommand(word) {
                line.command = command;
                line.is_named = true;
            }
        }
        line
    }

    /// The option in `word` if its value is the next word.
    fn option_without_value(&self, word: &str) -> Option<&'a Arg> {
        let mut options = self.command.get_arguments();
        let found = match word.strip_prefix("--") {
            Some(long) => options.find(|option| option.get_long() == Some(long)),
            None => options.find(|option| option.get_short() == word.chars().last()),
        };
        found.filter(|option| takes_value(option))
    }

    /// The plan of the pipeline that was named.
    fn plan(&self, project: &ProjectArguments) -> Option<Plan> {
        let pipeline = self.positionals.first()?;
        plan(project, pipeline).ok()
    }

    fn candidates(&self, project: &ProjectArguments, typed: &str) -> Vec<String> {
        if let Some(option) = self.option {
            return match option.get_id().as_str() {
                "table" => self.outputs(project),
                _ => values(option),
            };
        }
        if typed.starts_with('-') {
            let options = self.command.get_arguments();
            let options = options.filter(|option| !option.is_hide_set());
            return options
                .filter_map(|option| Some(format!("--{}", option.get_long()?)))
                .collect();
        }
        if !self.is_named {
            let commands = self.command.get_subcommands();
            let commands = commands.filter(|command| !command.is_hide_set());
            return commands
                .map(|command| command.get_name().to_owned())
                .collect();
        }
        if self.command.get_name() == "sql" && !self.positionals.is_empty() {
            return self.query_words(project, typed);
        }
        let positionals: Vec<&Arg> = self.command.get_positionals().collect();
        let is_last = self.positionals.len() >= positionals.len();
        let argument = match is_last {
            true => positionals
                .last()
                .filter(|last| matches!(last.get_action(), ArgAction::Append)),
            false => positionals.get(self.positionals.len()),
        };
        match argument.map(|argument| argument.get_id().as_str()) {
            Some("pipeline" | "pipelines" | "before" | "after") => known_pipelines(),
            Some("targets" | "tasks" | "task") => {
                let plan = self.plan(project);
                plan.map_or_else(Vec::new, |plan| task_patterns(&plan, typed))
            }
            Some("old") => self
                .plan(project)
                .map_or_else(Vec::new, |plan| tables(&plan)),
            Some("kind") => kind_names(project, typed),
            _ => argument.map_or_else(Vec::new, |argument| values(argument)),
        }
    }

    /// Kinds of the outputs of the task that has been named.
    fn outputs(&self, project: &ProjectArguments) -> Vec<String> {
        let plan = self.plan(project);
        let tasks = plan.into_iter().flat_map(|plan| plan.tasks);
        let named = |id: &str| self.positionals.get(1).is_some_and(|task| *task == id);
        let task = tasks.into_iter().find(|task| named(&task.id));
        let outputs = task.map(|task| task.outputs);
        let outputs = outputs.iter().flat_map(|outputs| outputs.iter());
        outputs.map(ToString::to_string).collect()
    }

    /// What may stand at the end of a query: each with what has been typed of it before its last word.
    fn query_words(&self, project: &ProjectArguments, typed: &str) -> Vec<String> {
        let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
        let word = typed.trim_end_matches(is_part).len();
        let before = &typed[..word];
        let mut words: BTreeSet<String> = KEYWORDS.map(str::to_owned).into();
        let plan = self.plan(project);
        let plan = plan.filter(|plan| plan.tasks.len() <= MOST_TASKS);
        if let (Some(plan), Ok(store)) = (plan, store(project)) {
            let all: Vec<usize> = (0..plan.tasks.len()).collect();
            let survey = survey(&plan, &all, &store, &project.data_dir);
            for table in Catalogue::of(&plan, &survey, &store).tables {
                words.extend(table.columns.into_iter().map(|column| column.name));
                words.insert(table.name);
            }
        }
        words
            .into_iter()
            .map(|word| format!("{before}{word}"))
            .collect()
    }
}

/// Kinds of tasks; without their stage where what has been typed begins no stage.
fn kind_names(project: &ProjectArguments, typed: &str) -> Vec<String> {
    let Ok(programs) = stage_programs(project) else {
        return Vec::new();
    };
    let kinds = kinds(&programs);
    let full: Vec<String> = kinds.iter().map(Kind::full_name).collect();
    if full.iter().any(|name| name.starts_with(typed)) {
        return full;
    }
    // Stages may have kinds of one name.
    let short: BTreeSet<&str> = kinds.iter().map(|kind| kind.kind).collect();
    short.into_iter().map(str::to_owned).collect()
}

/// The tables of a plan.
fn tables(plan: &Plan) -> Vec<String> {
    let tables: BTreeSet<&str> = plan.tasks.iter().map(|task| task.table()).collect();
    tables.into_iter().map(str::to_owned).collect()
}

fn takes_value(option: &Arg) -> bool {
    matches!(option.get_action(), ArgAction::Set | ArgAction::Append)
}

/// The values of an argument that has a fixed choice of them.
fn values(argument: &Arg) -> Vec<String> {
    let values = argument.get_possible_values().into_iter();
    values.map(|value| value.get_name().to_owned()).collect()
}

/// All tables, and the tasks of the one that has been typed.
fn task_patterns(plan: &Plan, typed: &str) -> Vec<String> {
    let tables: BTreeSet<&str> = plan.tasks.iter().map(|task| task.table()).collect();
    let typed_table = typed.split('[').next().unwrap_or_default();
    let tasks = plan.tasks.iter().filter(|task| task.table() == typed_table);
    let tasks = tasks.map(|task| task.id.as_str());
    let words: BTreeSet<&str> = tables.into_iter().chain(tasks).collect();
    words.into_iter().map(str::to_owned).collect()
}
