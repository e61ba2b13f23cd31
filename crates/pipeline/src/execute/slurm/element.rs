//! What an element of a job array does on its node: it runs its tasks one after the other, as they would run on the machine
//! of the run, and leaves word of how each ended.
//!
//! Each start of a task has a work folder of its own. So neither an element that Slurm starts again, nor one that a lost node
//! still runs beside its successor, can write where the other does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use eigenscope_stage::{AssignedCard, Device, Event, ThreadBudget};

use super::super::failure::chain;
use super::super::program_run::{KILL, ProgramReport, ProgramRun, RunError, TERMINATE};
use super::batch::{self, Listed, ends, settled};
use super::end::{TaskEnd, TaskResult};
use crate::store::{StoreError, WorkFolder};
use crate::watch::now;

/// Time between two looks at whether the folders are still there.
const LOOK: Duration = Duration::from_secs(2);

/// Time between the signals that two processes of a job get.
const SOON: Duration = Duration::from_secs(1);

/// What Slurm has told an element about itself.
#[derive(Debug, Clone)]
pub struct ElementPlace {
    /// Number of the element in its array.
    pub element: usize,
    /// How often it has been started before.
    pub restarts: u32,
    /// Name of the node.
    pub host: String,
}

/// An element that could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ElementError {
    /// The batch is gone: its run does not want it any more.
    #[error("{path} is gone: the run that submitted this job has ended or was stopped", path = path.display())]
    Gone { path: std::path::PathBuf },
    #[error("cannot read the tasks of element {element} in {path}", path = path.display())]
    List {
        element: usize,
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Finds the card that Slurm has given a job on this node, or says why there is none.
pub type FindCard<'a> = &'a (dyn Fn() -> Result<AssignedCard, String> + Sync);

/// Runs the tasks of one element of the batch in `folder` until `stop` is set. Returns whether all of them ended well.
///
/// # Errors
/// The batch is gone or cannot be read, or the end of a task cannot be written.
pub fn run_element(
    folder: &Path,
    place: &ElementPlace,
    stop: &Arc<AtomicBool>,
    find_card: FindCard<'_>,
) -> Result<bool, ElementError> {
    let list = batch::element(folder, place.element);
    let tasks = list.map_err(|source| match folder.exists() {
        false => ElementError::Gone {
            path: folder.to_owned(),
        },
        true => ElementError::List {
            element: place.element,
            path: folder.to_owned(),
            source,
        },
    })?;
    let mut all_well = true;
    for task in &tasks {
        if stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        if !ends(folder).exists() {
            return Err(ElementError::Gone {
                path: folder.to_owned(),
            });
        }
        if has_ended(folder, task.number) {
            continue;
        }
        let end = run_task(folder, task, place, stop, find_card);
        all_well &= matches!(end.result, TaskResult::Done);
        // Whoever is gone does not want to know.
        if ends(folder).exists() {
            end.write(&batch::end(folder, task.number))?;
        }
    }
    Ok(all_well)
}

/// Returns whether an earlier start of the element has brought a task to its end.
fn has_ended(folder: &Path, number: usize) -> bool {
    let ended = TaskEnd::read(&batch::end(folder, number));
    ended.is_ok_and(|end| !matches!(end.result, TaskResult::Stopped))
        || settled(folder, number).exists()
}

fn run_task(
    folder: &Path,
    task: &Listed,
    place: &ElementPlace,
    stop: &Arc<AtomicBool>,
    find_card: FindCard<'_>,
) -> TaskEnd {
    let started = Instant::now();
    let began = now();
    let mut report = ProgramReport::default();
    let mut message = String::new();
    let on_card = with_card(&task.run, find_card);
    let result = on_card.and_then(|run| {
        let prefix = &task.work;
        attempt(folder, prefix, &run, stop, &mut report, &mut message)
    });
    let mut end = match result {
        Ok(work) => with_outputs(task, work),
        Err(error) => TaskEnd::new(result_of(error, stop), Path::new("").to_owned()),
    };
    end.report = report;
    end.message = message;
    end.began = began;
    end.seconds = started.elapsed().as_secs_f64();
    end.host.clone_from(&place.host);
    end.restarts = place.restarts;
    end
}

/// The run of a program, with the card of this node if it computes on one.
fn with_card(run: &ProgramRun, find_card: FindCard<'_>) -> Result<ProgramRun, RunError> {
    let mut run = run.clone();
    if run.task.device == Device::Cuda {
        let card = find_card().map_err(|reason| RunError::Failed {
            messages: vec![format!("this node has no graphics card: {reason}")],
            signal: None,
        })?;
        run.task.card = Some(card);
    }
    Ok(run)
}

/// Runs the program in a new work folder, which stays if it ends well.
fn attempt(
    folder: &Path,
    work_prefix: &Path,
    run: &ProgramRun,
    stop: &Arc<AtomicBool>,
    report: &mut ProgramReport,
    message: &mut String,
) -> Result<WorkFolder, RunError> {
    run.check_inputs()?;
    let results = work_prefix.parent().unwrap_or(folder);
    let prefix = work_prefix.file_name().unwrap_or_default();
    let work = WorkFolder::create(results, &prefix.to_string_lossy())?;
    let threads = ThreadBudget::new(run.task.threads);
    let stop_task = AtomicBool::new(false);
    let (done, is_done) = channel::<()>();
    let (work_path, stop_here) = (work.path(), &stop_task);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // Until the program has ended: passes a stop on, and stops if somebody has removed the folders.
            let mut looked = Instant::now();
            while is_done.recv_timeout(Duration::from_millis(50)) == Err(RecvTimeoutError::Timeout)
            {
                if looked.elapsed() > LOOK {
                    looked = Instant::now();
                    if is_gone(work_path) || is_gone(folder) {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                if stop.load(Ordering::Relaxed) {
                    stop_here.store(true, Ordering::Relaxed);
                }
            }
        });
        let listen = |event| {
            if let Event::Progress { message: last, .. } = event {
                *message = last;
            }
        };
        let ended = run.run(work.path(), &stop_task, &threads, report, listen);
        drop(done);
        ended
    })?;
    Ok(work)
}

/// Returns whether a folder is certainly not there: what cannot be looked at for another reason may be.
fn is_gone(folder: &Path) -> bool {
    let found = folder.symlink_metadata();
    found.is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn is_set_soon(stop: &AtomicBool) -> bool {
    let started = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if started.elapsed() > SOON {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

fn with_outputs(task: &Listed, work: WorkFolder) -> TaskEnd {
    let mut end = TaskEnd::new(TaskResult::Done, work.keep());
    for (kind, name) in &task.run.task.outputs {
        if let Ok(found) = end.work.join(name).metadata() {
            end.outputs.insert(kind.clone(), found.len());
        }
    }
    end
}

fn result_of(error: RunError, stop: &AtomicBool) -> TaskResult {
    match error {
        RunError::Stopped => TaskResult::Stopped,
        // Slurm asks all processes of a job to end, and the program may be the first to obey.
        RunError::Failed {
            signal: Some(TERMINATE),
            ..
        } if is_set_soon(stop) => TaskResult::Stopped,
        RunError::Failed { messages, signal } => TaskResult::Failed {
            messages,
            killed: signal == Some(KILL),
        },
        RunError::Store(StoreError::Damaged { path }) => TaskResult::Damaged { path },
        RunError::Store(error) => TaskResult::Folder {
            messages: chain(&error),
        },
    }
}
