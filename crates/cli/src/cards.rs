//! Graphics cards of this machine: found once, when somebody first asks.

use std::path::PathBuf;
use std::sync::OnceLock;

use eigenscope_gpu::{CardDescription, Libraries, Missing, Search, cards};
use eigenscope_pipeline::execute::Cards;
use eigenscope_plan::{Plan, PlannedTask};
use eigenscope_stage::{AssignedCard, CardLibraries, Device};

use crate::arguments::{CUDA_LIBRARIES, ProjectArguments, folder_in};

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
    /// The cards, or why there are none, one reason a line.
    pub(crate) usable: Result<Usable, Vec<String>>,
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

/// The cards as a run uses them, or why there are none, in one line.
pub(crate) fn of_run() -> Result<Cards, String> {
    let usable = found().usable.as_ref();
    let usable = usable.map_err(|reasons| reasons.join("; "))?;
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

/// The first card: on a node of a cluster the one that a job has been given.
pub(crate) fn first() -> Result<AssignedCard, String> {
    let Cards { libraries, cards } = of_run()?;
    let (index, _) = cards.first().ok_or("the driver lists none")?;
    Ok(AssignedCard {
        index: *index,
        libraries,
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

fn look() -> Result<Usable, Vec<String>> {
    let search = search();
    let libraries = search.libraries();
    let libraries =
        libraries.map_err(|missing| missing.iter().map(Missing::to_string).collect::<Vec<_>>())?;
    let found = cards(&libraries.driver).map_err(|error| vec![error.to_string()])?;
    if found.is_empty() {
        return Err(vec![
            "the driver lists no card; CUDA_VISIBLE_DEVICES may hide them".to_owned(),
        ]);
    }
    Ok(Usable {
        libraries,
        cards: found,
    })
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
