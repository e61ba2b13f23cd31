//! Taking one result: asked for, fetched into a work folder, checked, placed.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::Ordering;

use eigenscope_artifact::{KindName, regular};
use eigenscope_plan::PlannedTask;
use eigenscope_remote_protocol::{Action, Fault, Outcome};

use super::{Miss, Remote, Sharing, Trouble, layout};
use crate::machine::Machine;
use crate::store::{
    CommitError, Committed, Key, KeyInputs, RECORD_NAME, Record, Store, StoreError, WorkFolder,
};
use crate::survey::compare_key_inputs;

/// Largest record that is read, in bytes. One of the most inputs that a task may have is a tenth of that.
pub(super) const LARGEST_RECORD: u64 = 64 << 20;

/// Largest output that is fetched, in bytes: what a record from outside claims must not fill a disk.
const LARGEST_OUTPUT: u64 = 64 << 30;

/// Kinds of machine of one result that are looked at.
const MOST_MACHINES: usize = 1000;

/// Misses of a run that are explained by the last pushed result of the task.
const MOST_EXPLAINED: usize = 100;

/// Name of a record while it is not checked yet.
const FETCHED_RECORD: &str = "fetched.json";

/// The result that is wanted.
pub(crate) struct Wanted<'a> {
    pub(crate) pipeline: &'a str,
    pub(crate) task: &'a PlannedTask,
    pub(crate) key: Key,
    pub(crate) key_inputs: KeyInputs,
}

/// Where a result was taken from.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Address of the remote, or path of the store.
    pub place: String,
    /// Size of its outputs.
    pub bytes: u64,
    /// The kind of machine that made it, if it is another than this one.
    pub machine: Option<Machine>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {}", self.place)?;
        match &self.machine {
            Some(machine) => write!(f, ", made on another kind of machine ({machine})"),
            None => Ok(()),
        }
    }
}

/// What came of looking for a result.
pub(crate) enum Lookup {
    /// It is in the store now.
    Taken(Box<Committed>, Origin),
    Missed(Miss),
    /// The artifacts folder cannot be used.
    Store(StoreError),
}

/// Why one place did not give the result.
enum Refusal {
    Missed(Miss),
    Store(StoreError),
}

impl Refusal {
    fn faulty(origin: &str, reason: String) -> Self {
        Self::Missed(Miss::Faulty {
            origin: origin.to_owned(),
            reason,
        })
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Sharing {
    /// Looks for a result and places it in `store`.
    pub(crate) fn take(&self, store: &Store, wanted: &Wanted<'_>) -> Lookup {
        let of_disks = self
            .disks
            .iter()
            .map(|disk| take_from_disk(disk, store, wanted));
        let of_remote = self.remote.iter().map(|remote| remote.take(store, wanted));
        let mut missed = Miss::NotThere;
        for taken in of_disks.chain(of_remote) {
            match taken {
                Ok((committed, origin)) => return Lookup::Taken(Box::new(committed), origin),
                Err(Refusal::Store(error)) => return Lookup::Store(error),
                Err(Refusal::Missed(miss)) => missed = weightier(missed, miss),
            }
        }
        let is_missing = missed == Miss::NotThere;
        Lookup::Missed(match is_missing && self.may_explain() {
            true => self.explain(store, wanted),
            false => missed,
        })
    }

    fn may_explain(&self) -> bool {
        self.explained.fetch_add(1, Ordering::Relaxed) < MOST_EXPLAINED
    }

    /// Why there is no result, by the last ones of the task that are elsewhere.
    fn explain(&self, store: &Store, wanted: &Wanted<'_>) -> Miss {
        let disks = self.disks.iter();
        let of_disks = disks.map(|disk| explain_by_disk(disk, wanted));
        let of_remote = self.remote.iter();
        let of_remote = of_remote.map(|remote| remote.explain(store, wanted));
        of_disks.chain(of_remote).fold(Miss::NotThere, weightier)
    }
}

/// The miss that says more; of two that say as much, the second.
fn weightier(one: Miss, other: Miss) -> Miss {
    match other.weight() >= one.weight() {
        true => other,
        false => one,
    }
}

/// Why a second store has no result, by the last one of the task that its readable names lead to.
fn explain_by_disk(disk: &Store, wanted: &Wanted<'_>) -> Miss {
    let place = disk.root().display().to_string();
    let Some(key) = disk.linked(wanted.pipeline, &wanted.task.id) else {
        return Miss::NeverMade { place };
    };
    let Ok(Some(last)) = disk.record(key) else {
        return Miss::NotThere;
    };
    let reasons = compare_key_inputs(&last.key_inputs, &wanted.key_inputs, true);
    match reasons.is_empty() {
        true => Miss::NotThere,
        false => Miss::DiffersFrom { place, reasons },
    }
}

impl Remote {
    fn take(&self, store: &Store, wanted: &Wanted<'_>) -> Result<(Committed, Origin), Refusal> {
        let key = wanted.key;
        let work = store.work_folder(key)?;
        let (mut record, machine) = match self.record(&work, key, &self.machine_id)? {
            Some(record) => (record, None),
            None => {
                let (record, machine) = self.of_other_machine(&work, key)?;
                (record, Some(machine))
            }
        };
        check(&record, wanted).map_err(|reason| self.faulty(reason))?;
        for (kind, output) in &record.outputs {
            let size = output.file.bytes;
            if size > LARGEST_OUTPUT {
                return Err(self.faulty(format!("its output `{kind}` would have {size} bytes")));
            }
            let object = layout::output(key, kind, output.file);
            let to = work.path().join(kind.file_name());
            let fetched = self.fetch(object, &to, size);
            match fetched.map_err(|trouble| self.trouble(trouble))? {
                Some(bytes) if bytes == size => {}
                Some(bytes) => {
                    let reason = format!("its output `{kind}` is cut: {bytes} of {size} bytes");
                    return Err(self.faulty(reason));
                }
                None => return Err(self.faulty(format!("its output `{kind}` is missing"))),
            }
        }
        record.computed_on = machine;
        place(store, work, record, &self.url)
    }

    /// The record of a result as one kind of machine made it; `None` if there is none.
    fn record(
        &self,
        work: &WorkFolder,
        key: Key,
        machine: &str,
    ) -> Result<Option<Record>, Refusal> {
        let bytes = self.read(work, layout::record(key, machine))?;
        let record = bytes.map(|bytes| Record::parse_shared(&bytes)).transpose();
        record.map_err(|flaw| self.faulty(format!("its record {flaw}")))
    }

    /// A small object; `None` if it is not there.
    fn read(&self, work: &WorkFolder, object: String) -> Result<Option<Vec<u8>>, Refusal> {
        let to = work.path().join(FETCHED_RECORD);
        let fetched = self.fetch(object, &to, LARGEST_RECORD);
        if fetched.map_err(|trouble| self.trouble(trouble))?.is_none() {
            return Ok(None);
        }
        let bytes = regular::read(&to).map_err(|source| StoreError::io("read", &to, source))?;
        std::fs::remove_file(&to).map_err(|source| StoreError::io("remove", &to, source))?;
        Ok(Some(bytes))
    }

    /// The record of a result that is there as another kind of machine made it, if such results are taken.
    fn of_other_machine(&self, work: &WorkFolder, key: Key) -> Result<(Record, Machine), Refusal> {
        if self.lists_nothing.load(Ordering::Relaxed) {
            return Err(Refusal::Missed(Miss::NotThere));
        }
        let listed = self.client.ask(Action::List {
            folder: layout::folder(key),
            at_most: MOST_MACHINES,
        });
        let mut ids = match listed {
            Ok(Outcome::Listed { names }) => names,
            Ok(_) => Vec::new(),
            Err(trouble) if trouble.fault == Fault::Credentials => {
                return Err(self.trouble(trouble));
            }
            Err(trouble) => {
                let is_web_server = trouble.fault == Fault::Unsupported;
                self.lists_nothing
                    .fetch_or(is_web_server, Ordering::Relaxed);
                Vec::new()
            }
        };
        ids.retain(|name| layout::is_machine(name));
        ids.sort();
        let mut machines = Vec::new();
        for id in ids {
            // A kind of machine that cannot be named is none to take results of.
            let Some(text) = self.read(work, layout::machine(&id))? else {
                continue;
            };
            let machine = serde_json::from_slice::<Machine>(&text).ok();
            let Some(machine) = machine.filter(|machine| machine.id() == id) else {
                continue;
            };
            if self.any_machine
                && let Some(record) = self.record(work, key, &id)?
            {
                return Ok((record, machine));
            }
            machines.push(machine.to_string());
        }
        Err(Refusal::Missed(match machines.is_empty() {
            true => Miss::NotThere,
            false => Miss::OtherMachine { machines },
        }))
    }

    /// Why there is no result, by the last one of the task that was pushed.
    fn explain(&self, store: &Store, wanted: &Wanted<'_>) -> Miss {
        let Ok(work) = store.work_folder(wanted.key) else {
            return Miss::NotThere;
        };
        let last = layout::last(wanted.pipeline, &wanted.task.id);
        let last = match self.read(&work, last) {
            Ok(None) => return Miss::NeverPushed,
            Ok(Some(text)) => Record::parse(&text).ok(),
            Err(_) => None,
        };
        let reasons = last
            .map(|last| compare_key_inputs(&last.key_inputs, &wanted.key_inputs, true))
            .unwrap_or_default();
        match reasons.is_empty() {
            true => Miss::NotThere,
            false => Miss::Differs { reasons },
        }
    }

    fn faulty(&self, reason: String) -> Refusal {
        Refusal::faulty(&self.url, reason)
    }

    fn trouble(&self, trouble: Trouble) -> Refusal {
        match trouble.fault {
            Fault::Object => self.faulty(trouble.message),
            _ => Refusal::Missed(Miss::Unavailable {
                reason: trouble.message,
            }),
        }
    }
}

fn take_from_disk(
    disk: &Store,
    store: &Store,
    wanted: &Wanted<'_>,
) -> Result<(Committed, Origin), Refusal> {
    let origin = disk.root().display().to_string();
    let faulty = |reason: String| Refusal::faulty(&origin, reason);
    let record = match disk.record(wanted.key) {
        Ok(Some(record)) => record,
        Ok(None) => return Err(Refusal::Missed(Miss::NotThere)),
        Err(reason) => {
            let path = disk.folder(wanted.key).join(RECORD_NAME);
            return Err(faulty(format!(
                "its record {} cannot be used: {reason}",
                path.display()
            )));
        }
    };
    check(&record, wanted).map_err(faulty)?;
    let work = store.work_folder(wanted.key)?;
    for (kind, output) in &record.outputs {
        let from = disk.output(wanted.key, kind);
        let to = work.path().join(kind.file_name());
        copy(&from, &to, output.file.bytes)
            .map_err(|error| faulty(format!("its output `{kind}` cannot be copied: {error}")))?;
    }
    place(store, work, record, &origin)
}

/// Copies a file, at most one byte more than it should have.
fn copy(from: &Path, to: &Path, bytes: u64) -> io::Result<()> {
    let mut source = regular::open(from)?.take(bytes.saturating_add(1));
    io::copy(&mut source, &mut File::create_new(to)?).map(drop)
}

/// Checks that a record belongs to the wanted result.
fn check(record: &Record, wanted: &Wanted<'_>) -> Result<(), String> {
    if record.key_inputs.key() != wanted.key {
        return Err("its record belongs to another result".to_owned());
    }
    if let Some((kind, _)) = record
        .outputs
        .iter()
        .find(|(_, output)| output.file.bytes == 0)
    {
        return Err(format!("its output `{kind}` is empty"));
    }
    let planned: BTreeSet<&KindName> = wanted.task.outputs.iter().collect();
    match record.outputs.keys().eq(planned) {
        true => Ok(()),
        false => Err("its record names other outputs".to_owned()),
    }
}

/// Places a result that was taken from `place`.
fn place(
    store: &Store,
    work: WorkFolder,
    record: Record,
    place: &str,
) -> Result<(Committed, Origin), Refusal> {
    let sizes = record.outputs.values().map(|output| output.file.bytes);
    let origin = Origin {
        place: place.to_owned(),
        bytes: sizes.fold(0, u64::saturating_add),
        machine: record.computed_on.clone(),
    };
    match store.commit_taken(work, record) {
        Ok(committed) => Ok((committed, origin)),
        Err(CommitError::Store(error)) => Err(Refusal::Store(error)),
        Err(CommitError::Invalid { kind, source }) => {
            let reason = format!("its output `{kind}` is not valid: {source}");
            Err(Refusal::faulty(place, reason))
        }
        Err(other) => Err(Refusal::faulty(place, other.to_string())),
    }
}
