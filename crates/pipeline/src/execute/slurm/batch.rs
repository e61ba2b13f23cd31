//! The folder of one submission: which tasks it consists of, its job, and how they ended.
//!
//! ```text
//! .slurm/<batch>/batch.json      resources, and for each task its key and array element
//! .slurm/<batch>/list            for each array element a line of JSON: its tasks
//! .slurm/<batch>/list.index      where each line begins, 20 digits and a line feed each
//! .slurm/<batch>/job             id of the job, once Slurm has taken it
//! .slurm/<batch>/ends/<task>     how a task ended, until the run has dealt with it
//! .slurm/<batch>/settled/<task>  the same afterwards: an element that is started again passes it over
//! .slurm/<batch>/logs/<element>  what an element said that was no task
//! .slurm/<batch>/setup-failed    the first element that could not begin, and what it was doing
//! ```
//!
//! The folder appears complete, before the job is submitted. Elements end when it is gone.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use eigenscope_artifact::atomic::{self, TEMPORARY_PREFIX};
use eigenscope_artifact::regular;
use serde::{Deserialize, Serialize};

use super::super::program_run::ProgramRun;
use super::needs::Needs;
use super::queue::Queue;
use crate::store::{Key, Store, StoreError, create_folder};

/// Version of the files.
const VERSION: u32 = 1;

/// Bytes of a line of the index.
const INDEX_LINE: usize = 21;

/// Largest line of the list, and largest `batch.json`, in bytes.
const LARGEST: u64 = 256 << 20;

/// Lines of what an element said that are shown.
const LINES_SHOWN: usize = 5;

/// First characters of the names of jobs.
pub(super) const JOB_PREFIX: &str = "eigenscope-";

/// One submission, as the run that made it or a later one knows it.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) id: String,
    pub(super) folder: PathBuf,
    pub(super) about: About,
}

/// What `batch.json` says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct About {
    version: u32,
    pub(super) pipeline: String,
    pub(super) needs: Needs,
    /// For each task its id, its key and the array element that runs it.
    pub(super) tasks: Vec<(String, String, usize)>,
}

/// An element of a job array that could not begin its work: a module or a line of `setup` failed, or the program does not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupFailure {
    pub element: usize,
    /// What failed, such as "line 1 of `setup` failed".
    pub doing: String,
    /// The last lines that it wrote.
    pub said: Vec<String>,
}

impl std::fmt::Display for SetupFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.doing)?;
        for line in &self.said {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// A task on the list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    /// Its number in the batch.
    pub(super) number: usize,
    /// First characters of the path of its work folder.
    pub(super) work: PathBuf,
    pub(super) run: ProgramRun,
}

impl Batch {
    /// Writes a batch of `elements`, each a list of tasks with their keys.
    pub(super) fn create(
        store: &Store,
        id: &str,
        pipeline: &str,
        needs: Needs,
        elements: &[Vec<(Key, ProgramRun)>],
    ) -> Result<Self, StoreError> {
        let parent = store.batches_folder();
        create_folder(&parent)?;
        let temporary = parent.join(format!("{TEMPORARY_PREFIX}{id}"));
        let folder = parent.join(id);
        let mut about = About {
            version: VERSION,
            pipeline: pipeline.to_owned(),
            needs,
            tasks: Vec::new(),
        };
        let write = |about: &mut About| -> io::Result<()> {
            std::fs::create_dir(&temporary)?;
            std::fs::create_dir(temporary.join("ends"))?;
            std::fs::create_dir(temporary.join("settled"))?;
            std::fs::create_dir(temporary.join("logs"))?;
            write_list(store, id, &temporary, elements, about)?;
            let mut file = File::create(temporary.join("batch.json"))?;
            file.write_all(&serde_json::to_vec(about)?)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &folder)
        };
        write(&mut about).map_err(|source| {
            // What cannot be removed now is removed by the next run.
            let _ = std::fs::remove_dir_all(&temporary);
            StoreError::io("write", &folder, source)
        })?;
        atomic::sync_folder(&parent)?;
        Ok(Self {
            id: id.to_owned(),
            folder,
            about,
        })
    }

    /// Reads the folder of a batch.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let about: About = serde_json::from_slice(&read(&folder.join("batch.json"))?)?;
        if about.version != VERSION {
            let message = format!("version {}, not {VERSION}", about.version);
            return Err(io::Error::other(message));
        }
        let name = folder.file_name().unwrap_or_default();
        Ok(Self {
            id: name.to_string_lossy().into_owned(),
            folder: folder.to_owned(),
            about,
        })
    }

    /// What its job is called.
    pub(super) fn job_name(&self) -> String {
        format!("{JOB_PREFIX}{}", self.id)
    }

    /// The id of its job, if Slurm has taken it: as it was noted, or else as Slurm says now.
    pub(super) fn job(&self, queue: &Queue) -> Option<u64> {
        let text = regular::read_to_string(&self.folder.join("job")).ok();
        let noted = text.and_then(|text| text.trim().parse().ok());
        noted.or_else(|| queue.jobs.get(&self.job_name()).copied())
    }

    pub(super) fn note_job(&self, job: u64) -> Result<(), StoreError> {
        let path = self.folder.join("job");
        Ok(atomic::write_file(&path, format!("{job}\n").as_bytes())?)
    }

    /// Where each element writes what is said by no task: errors of the shell, of Slurm.
    pub(super) fn logs(&self) -> PathBuf {
        self.folder.join("logs")
    }

    /// The last lines of what an element said that was no task.
    pub(super) fn said(&self, element: usize) -> Vec<String> {
        let text = regular::read(&self.logs().join(element.to_string())).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines = text.lines().filter(|line| !is_quoted_by_shell(line));
        let lines: Vec<&str> = lines.collect();
        let last = lines.len().saturating_sub(LINES_SHOWN);
        let lines = lines.get(last..).unwrap_or_default().iter();
        lines.map(|line| (*line).to_owned()).collect()
    }

    /// Where an element that cannot begin says so.
    pub(super) fn setup_failed(&self) -> PathBuf {
        self.folder.join("setup-failed")
    }

    /// Why an element could not begin its work, if one has said so.
    pub(super) fn setup_failure(&self) -> Option<SetupFailure> {
        let text = regular::read_to_string(&self.setup_failed()).ok()?;
        let (element, doing) = text.split_once('\n')?;
        let element: usize = element.trim().parse().ok()?;
        Some(SetupFailure {
            element,
            doing: doing.trim().to_owned(),
            said: self.said(element),
        })
    }

    /// Number of array elements.
    pub(super) fn elements(&self) -> usize {
        let last = self.about.tasks.last();
        last.map_or(0, |(_, _, element)| element + 1)
    }

    /// Numbers of the tasks that have ended and that nobody has dealt with.
    pub(super) fn ended(&self) -> Vec<usize> {
        let folder = std::fs::read_dir(ends(&self.folder));
        let names = folder.into_iter().flatten().flatten();
        let mut numbers: Vec<usize> = names
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|&number| number < self.about.tasks.len())
            .collect();
        numbers.sort_unstable();
        numbers
    }

    /// Makes what nodes have written visible here, as far as that is in our hands: a network file system looks at a folder anew
    /// that has been written to from here.
    pub(super) fn refresh(&self) {
        let path = ends(&self.folder).join(".refresh");
        let _ = File::create(&path).and_then(|_| std::fs::remove_file(&path));
    }

    pub(super) fn end(&self, task: usize) -> PathBuf {
        end(&self.folder, task)
    }

    /// The run has dealt with the end of a task.
    pub(super) fn settle(&self, task: usize) {
        // What stays is found again by the next run, and passed over: the result is in the store.
        let _ = std::fs::rename(self.end(task), settled(&self.folder, task));
    }

    /// Removes the folder and what its tasks have left half done. Elements that still run end.
    pub(super) fn remove(&self, store: &Store) {
        let parent = self.folder.parent().unwrap_or(&self.folder);
        let aside = parent.join(format!("{TEMPORARY_PREFIX}{}-removed", self.id));
        // Under another name first: an element that is about to write finds no folder.
        let removed =
            std::fs::rename(&self.folder, &aside).and_then(|()| std::fs::remove_dir_all(&aside));
        if let Err(error) = removed {
            tracing::warn!("cannot remove {}: {error}", self.folder.display());
        }
        for folder in store.batch_work_folders(&self.id) {
            if let Err(error) = std::fs::remove_dir_all(&folder) {
                tracing::debug!("cannot remove {}: {error}", folder.display());
            }
        }
    }
}

/// Whether the shell shows in this line what it cannot read, which it has said before: as that is a line of `setup`, it may hold a secret.
fn is_quoted_by_shell(line: &str) -> bool {
    line.contains("eval: ") && line.contains(": `") && line.ends_with('\'')
}

/// The folder of the ends of a batch.
pub(super) fn ends(batch: &Path) -> PathBuf {
    batch.join("ends")
}

/// Where the end of a task is, until the run has dealt with it.
pub(super) fn end(batch: &Path, task: usize) -> PathBuf {
    ends(batch).join(task.to_string())
}

/// Where the end of a task is once the run has dealt with it.
pub(super) fn settled(batch: &Path, task: usize) -> PathBuf {
    batch.join("settled").join(task.to_string())
}

fn write_list(
    store: &Store,
    id: &str,
    folder: &Path,
    elements: &[Vec<(Key, ProgramRun)>],
    about: &mut About,
) -> io::Result<()> {
    let mut list = BufWriter::new(File::create(folder.join("list"))?);
    let mut index = BufWriter::new(File::create(folder.join("list.index"))?);
    let mut position = 0;
    for (element, tasks) in elements.iter().enumerate() {
        let mut listed = Vec::new();
        for (key, run) in tasks {
            let number = about.tasks.len();
            let id_of_task = run.task.id().to_owned();
            about.tasks.push((id_of_task, key.to_string(), element));
            listed.push(Listed {
                number,
                work: store.batch_work_prefix(*key, id, number),
                run: run.clone(),
            });
        }
        let mut line = serde_json::to_vec(&listed)?;
        line.push(b'\n');
        writeln!(index, "{position:020}")?;
        list.write_all(&line)?;
        position += line.len();
    }
    for file in [list, index] {
        file.into_inner()?.sync_all()?;
    }
    Ok(())
}

/// The tasks of one element of the batch in `folder`.
pub(super) fn element(folder: &Path, element: usize) -> io::Result<Vec<Listed>> {
    let mut index = regular::open(&folder.join("list.index"))?;
    index.seek(SeekFrom::Start((element * INDEX_LINE) as u64))?;
    let mut line = [0; INDEX_LINE];
    index.read_exact(&mut line)?;
    let position = std::str::from_utf8(&line).ok().map(str::trim);
    let position = position.and_then(|text| text.parse().ok());
    let position = position.ok_or_else(|| io::Error::other("the index is damaged"))?;
    let mut list = regular::open(&folder.join("list"))?;
    list.seek(SeekFrom::Start(position))?;
    let mut line = Vec::new();
    BufReader::new(list.take(LARGEST)).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    regular::open(path)?.take(LARGEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}
