//! Graphics cards of this machine: found once, when somebody first asks.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use eigenscope_gpu::{CardDescription, Libraries, Missing, Search, cards};
use eigenscope_pipeline::execute::{Cards, ExecuteError};
use eigenscope_plan::{Plan, PlannedTask};
use eigenscope_stage::{AssignedCard, CardLibraries, Device, DeviceChoice};

use crate::arguments::{CUDA_LIBRARIES, ProjectArguments, folder_in};
use crate::commands::relative;
use crate::exit::diagnosed;
use crate::invocation::quoted_path;

/// The folder that is given for libraries, if one is.
static ONLY: OnceLock<Option<PathBuf>> = OnceLock::new();

/// Cards that can be used, with the libraries that drive them.
#[derive(Debug)]
pub(crate) struct Usable {
    pub(crate) libraries: Libraries,
    pub(crate) cards: Vec<CardDescription>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) usable: Result<Usable, Unusable>,
}

/// Why there are no cards.
#[derive(Debug)]
pub(crate) struct Unusable {
    /// In a few words.
    short: String,
    /// With all places that were looked into, one reason a line.
    pub(crate) reasons: Vec<String>,
}

/// That a task computes on a card and there is none, with who asked for one and how to go on.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("{message}")]
struct NoCard {
    message: String,
    #[help]
    help: String,
}

/// Takes what the command line says about libraries.
pub(crate) fn configure(arguments: &ProjectArguments) {
    ONLY.get_or_init(|| arguments.cuda_libraries.clone());
}

/// The cards of this machine. The first call loads the libraries.
pub(crate) fn found() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| Found { usable: look() })
}

/// Returns whether there is a card.
pub(crate) fn has_card() -> bool {
    found().usable.is_ok()
}

/// The cards as a run uses them, or in a few words why there are none.
pub(crate) fn of_run() -> Result<Cards, String> {
    let usable = found().usable.as_ref();
    let usable = usable.map_err(|unusable| unusable.short.clone())?;
    Ok(Cards {
        libraries: libraries(&usable.libraries),
        cards: usable
            .cards
            .iter()
            .map(|card| (card.index, card.memory_mib))
            .collect(),
    })
}

/// As [`of_run`], if a task of `plan` computes on a card: nothing is looked for in vain.
pub(crate) fn for_plan(plan: &Plan) -> Result<Cards, String> {
    let computes = |task: &PlannedTask| task.device.computes == Device::Cuda;
    match plan.tasks.iter().any(computes) {
        true => of_run(),
        false => Err("no task asks for one".to_owned()),
    }
}

/// What a run could not go on for; where it lacks a card, with advice.
pub(crate) fn advised(
    error: ExecuteError,
    arguments: &ProjectArguments,
    plan: &Plan,
) -> anyhow::Error {
    if !matches!(error, ExecuteError::NoCard { .. }) {
        return error.into();
    }
    let file = relative(&plan.file);
    let asked = match arguments.device_option() {
        Some(option) if !option.ends_with(DeviceChoice::Auto.name()) => format!("`{option}`"),
        Some(_) => format!("A parameter that is for cards only, of {file},"),
        None => format!("`device = \"cuda\"`, or a parameter that is for cards only, of {file}"),
    };
    let libraries = arguments.cuda_libraries.as_deref();
    let libraries = libraries.map_or_else(String::new, |folder| {
        format!(" --cuda-libraries {}", quoted_path(folder))
    });
    diagnosed(NoCard {
        message: error.to_string(),
        help: format!(
            "{asked} asks for a card. `--device cpu` computes on the processor; leave parameters that are for cards only out then. \
             `eigenscope devices{libraries}` says where the libraries of cards were looked for"
        ),
    })
}

/// The first card: on a node of a cluster the one that a job has been given.
pub(crate) fn first() -> Result<AssignedCard, String> {
    let usable = found().usable.as_ref();
    // With all places: nobody looks for them on the node again.
    let usable = usable.map_err(|unusable| unusable.reasons.join("; "))?;
    let card = usable.cards.first().ok_or("the driver lists none")?;
    Ok(AssignedCard {
        index: card.index,
        libraries: libraries(&usable.libraries),
    })
}

fn libraries(found: &Libraries) -> CardLibraries {
    let Libraries {
        driver,
        nvrtc,
        cublas,
    } = found.clone();
    CardLibraries {
        driver,
        nvrtc,
        cublas,
    }
}

fn look() -> Result<Usable, Unusable> {
    let for_one_reason = |reason: String| Unusable {
        short: reason.clone(),
        reasons: vec![reason],
    };
    let search = search();
    let libraries = search
        .libraries()
        .map_err(|missing| not_found(&missing, search.only.as_deref()))?;
    let found = cards(&libraries.driver).map_err(|error| for_one_reason(error.to_string()))?;
    if found.is_empty() {
        return Err(for_one_reason(
            "the driver lists no card; CUDA_VISIBLE_DEVICES may hide them".to_owned(),
        ));
    }
    Ok(Usable {
        libraries,
        cards: found,
    })
}

/// That libraries were not found, or not in the `only` folder that was looked into.
fn not_found(missing: &[Missing], only: Option<&Path>) -> Unusable {
    let names: Vec<String> = missing.iter().map(|one| one.library.to_string()).collect();
    let names = match names.as_slice() {
        [] => String::new(),
        [name] => format!("{name} was"),
        [names @ .., last] => format!("{} and {last} were", names.join(", ")),
    };
    let place = only.map_or_else(String::new, |only| format!(" in {}", only.display()));
    Unusable {
        short: format!("{names} not found{place}"),
        reasons: missing.iter().map(Missing::to_string).collect(),
    }
}

/// Where libraries are looked for, by the command line and the environment.
fn search() -> Search {
    let only = ONLY.get().cloned().flatten();
    let only = only.or_else(|| folder_in(CUDA_LIBRARIES));
    Search {
        // Programs of tasks work in folders of their own.
        only: only.map(|folder| std::path::absolute(&folder).unwrap_or(folder)),
        cuda: ["CUDA_PATH", "CUDA_HOME"]
            .into_iter()
            .filter_map(folder_in)
            .collect(),
        python: ["VIRTUAL_ENV", "CONDA_PREFIX"]
            .into_iter()
            .filter_map(folder_in)
            .collect(),
        home: folder_in("HOME"),
    }
}
