//! Where results are shared: what the settings say, and what is said about it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, bail};
use eigenscope_pipeline::execute::Outcome;
use eigenscope_pipeline::sharing::{
    Hearing, Miss, Open, PARALLEL, PROGRAM, PROTOCOL_VERSION, Patience, Remote, Sharing,
    second_store,
};
use eigenscope_plan::settings::{self, Settings};

use crate::commands::{plural, tell};
use crate::invocation::Invocation;
use crate::project::{Project, program_folder};

/// Different reasons that are named for results that were not taken.
const REASONS_SHOWN: usize = 8;

/// Time between two looks at whether a remote has answered.
const LOOK: Duration = Duration::from_millis(500);

/// What the settings say about sharing.
pub(crate) struct Shared {
    remote: Option<settings::Remote>,
    stores: Vec<PathBuf>,
}

impl Shared {
    /// As settings say.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            remote: settings.remote.clone(),
            stores: settings.stores.clone(),
        }
    }

    /// The same without the remote.
    pub(crate) fn without_remote(self) -> Self {
        Self {
            remote: None,
            ..self
        }
    }

    /// Whence results are taken; `None` if nothing is shared.
    pub(crate) fn sharing(&self) -> Result<Option<Sharing>> {
        if self.remote.is_none() && self.stores.is_empty() {
            return Ok(None);
        }
        let remote = self.remote.as_ref();
        let remote = remote.map(|remote| open(remote, Patience::default()));
        let remote = remote.transpose()?;
        Ok(Some(Sharing::new(&self.stores, remote)?))
    }

    /// Whence a run takes results, as far as that can be used: what cannot is said, and the run goes on without it.
    pub(crate) fn sharing_of_run(&self) -> Result<Option<Sharing>> {
        let goes_on = "the run goes on without it";
        let remote = self.remote.as_ref().and_then(|remote| {
            let opened = open(remote, Patience::short());
            let opened =
                opened.inspect_err(|error| tell(&format!("warning: {error:#}; {goes_on}")));
            opened.ok()
        });
        let usable = self.stores.iter().filter(|path| {
            let found = second_store(path);
            let found = found.inspect_err(|error| tell(&format!("warning: {error}; {goes_on}")));
            found.is_ok()
        });
        let stores: Vec<PathBuf> = usable.cloned().collect();
        if remote.is_none() && stores.is_empty() {
            return Ok(None);
        }
        let sharing = Sharing::new(&stores, remote)?;
        let pushes = self.remote.as_ref().is_some_and(|remote| remote.push);
        Ok(Some(match pushes {
            true => sharing.pushing(),
            false => sharing,
        }))
    }

    /// Opens the remote of the settings.
    pub(crate) fn remote(&self) -> Result<Remote> {
        open_waiting(self.remote_settings()?)
    }

    fn remote_settings(&self) -> Result<&settings::Remote> {
        let Some(remote) = &self.remote else {
            bail!(
                "there is no remote: name one in {} beside the pipelines, such as\n\n  [remote]\n  url = \"s3://bucket/prefix\"",
                settings::FILE_NAME
            );
        };
        Ok(remote)
    }

    /// Returns `true` if the settings name a remote with `read_only`.
    pub(crate) fn is_only_read(&self) -> bool {
        self.remote.as_ref().is_some_and(|remote| remote.read_only)
    }

    /// Opens the remote to push to, unless it is only read.
    pub(crate) fn remote_to_push_to(&self) -> Result<Remote> {
        let remote = self.remote_settings()?;
        if remote.read_only {
            bail!(
                "{} is not pushed to: the settings say `read_only = true`",
                remote.url
            );
        }
        open_waiting(remote)
    }
}

/// Opens a remote for a command that has nothing to do but wait for it. If it does not answer, that is said once.
fn open_waiting(settings: &settings::Remote) -> Result<Remote> {
    // How far the planning was is of no use any more.
    crate::planning::end();
    let remote = open(settings, Patience::default())?;
    let (listener, url) = (remote.listener(), settings.url.clone());
    std::thread::spawn(move || {
        while let Some(hearing) = listener.hearing().filter(|&one| one != Hearing::Something) {
            if let Some(line) = hearing.waited_for(&url) {
                return tell(&line);
            }
            std::thread::sleep(LOOK);
        }
    });
    Ok(remote)
}

/// Returns whether a remote is a web server, most of which take nothing.
fn is_web_server(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn open(remote: &settings::Remote, patience: Patience) -> Result<Remote> {
    if second_store(Path::new(&remote.url)).is_ok() {
        bail!(
            "{} is a folder of results, from which [[stores]] reads: name a folder of its own in [remote]",
            remote.url
        );
    }
    let name = format!("{PROGRAM}{}", std::env::consts::EXE_SUFFIX);
    let program = program_folder()?.join(name);
    let open = Open {
        version: PROTOCOL_VERSION,
        url: remote.url.clone(),
        endpoint: remote.endpoint.clone(),
        region: remote.region.clone(),
        parallel: PARALLEL,
        patience,
    };
    Ok(Remote::open(
        &program,
        &open,
        &remote.url,
        remote.any_machine,
    )?)
}

/// Says why a remote was not asked any more, if it was given up.
pub(crate) fn tell_given_up(remote: &Remote) {
    if let Some(reason) = remote.given_up() {
        tell(&format!(
            "{} was not asked any more: {reason}",
            remote.url()
        ));
    }
}

/// The tasks whose results on the remote were not what they should be.
pub(crate) fn damaged_there(outcome: &Outcome, sharing: &Sharing) -> BTreeSet<usize> {
    let url = sharing.remote().map(Remote::url);
    let misses = outcome.misses.iter();
    let damaged = misses.filter(
        |(_, miss)| matches!(miss, Miss::Faulty { origin, .. } if Some(origin.as_str()) == url),
    );
    damaged.map(|(&task, _)| task).collect()
}

/// Says why results were not taken, equal reasons together.
pub(crate) fn tell_misses(project: &Project, outcome: &Outcome, sharing: &Sharing) {
    let plan = &project.plan;
    if outcome.interrupted {
        return;
    }
    if let Some(remote) = sharing.remote() {
        tell_given_up(remote);
    }
    let mut by_reason: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (&task, miss) in &outcome.misses {
        by_reason.entry(miss.to_string()).or_default().push(task);
    }
    // Why the remote is not asked any more is said once.
    if let Some(reason) = sharing.remote().and_then(Remote::given_up) {
        by_reason.remove(&reason);
    }
    let mut groups: Vec<(String, Vec<usize>)> = by_reason.into_iter().collect();
    groups.sort_by_key(|(_, tasks)| tasks.first().copied());
    for (reason, tasks) in groups.iter().take(REASONS_SHOWN) {
        let first = tasks.first().map_or("", |&task| &plan.tasks[task].id);
        let more = match tasks.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        tell(&format!("not taken: {first}{more}: {reason}"));
    }
    match groups.len().saturating_sub(REASONS_SHOWN) {
        0 => {}
        1 => tell("not taken: others for another reason (`-v` names all)"),
        more => tell(&format!(
            "not taken: others for {more} more reasons (`-v` names all)"
        )),
    }
    let damaged = damaged_there(outcome, sharing);
    let Some(remote) = sharing.remote().filter(|_| !damaged.is_empty()) else {
        return;
    };
    let is_left = outcome.left.iter().any(|task| damaged.contains(task));
    let settings = project.settings.remote.as_ref();
    let what_to_do = match (sharing.pushes(), is_left) {
        (true, _) => "what was computed here replaces it".to_owned(),
        _ if settings.is_some_and(|settings| settings.read_only) => {
            "whoever pushes to it has to replace what is damaged there".to_owned()
        }
        _ if is_web_server(remote.url()) => format!(
            "whoever pushes to it has to replace what is damaged there, with `{} --check` if it takes files (WebDAV)",
            project.invocation.command("push")
        ),
        (false, true) => format!(
            "after `{}`, {}",
            project.invocation.command("run"),
            replacing(&project.invocation)
        ),
        (false, false) => replacing(&project.invocation),
    };
    tell(&format!(
        "{} {} on {} cannot be used: {what_to_do}",
        damaged.len(),
        plural(damaged.len(), "result"),
        remote.url(),
    ));
}

/// How what is damaged on a remote is replaced.
pub(crate) fn replacing(invocation: &Invocation) -> String {
    let push = invocation.command("push");
    format!("`{push} --check` replaces what is damaged there")
}
