//! Readable names: symbolic links from task ids and figure names to results.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};

use eigenscope_artifact::atomic::TEMPORARY_PREFIX;
use eigenscope_artifact::{KindName, PICTURES};

use super::names::file_name;
use super::{FigureNames, Key, Store, StoreError, create_folder, named_key};
use eigenscope_plan::Plan;

impl Store {
    /// Links the readable names of a task and of its figures to the result with this key.
    pub(crate) fn link_result(
        &self,
        plan: &Plan,
        task: usize,
        figures: &FigureNames,
        key: Key,
    ) -> Result<(), StoreError> {
        let mut links = self.links_to(plan, task, figures, key);
        links.try_for_each(|(link, target)| set_current_link(&link, &target))
    }

    /// Returns whether the readable names lead there already.
    pub fn is_linked(&self, plan: &Plan, task: usize, figures: &FigureNames, key: Key) -> bool {
        let mut links = self.links_to(plan, task, figures, key);
        links.all(|(link, target)| leads_to(&link, &target))
    }

    /// The links of a result, and what they lead to.
    fn links_to(
        &self,
        plan: &Plan,
        task: usize,
        figures: &FigureNames,
        key: Key,
    ) -> impl Iterator<Item = (PathBuf, PathBuf)> {
        let name = figures.get(&task);
        let task = &plan.tasks[task];
        let result = Path::new("..").join("store").join(key.to_string());
        let pictures = name.into_iter().flat_map(move |name| {
            let kinds = task.outputs.iter().filter(|kind| kind.is_picture());
            kinds.map(move |kind| {
                let link = self.figures(&plan.name).join(figure_file(name, kind));
                (
                    link,
                    Path::new("..")
                        .join(file_name(&task.id))
                        .join(kind.file_name()),
                )
            })
        });
        std::iter::once((self.link(&plan.name, &task.id), result)).chain(pictures)
    }

    /// Removes links of tasks and figures that are not part of the plan. Files and other links are left alone.
    pub(crate) fn remove_stale_links(
        &self,
        plan: &Plan,
        figures: &FigureNames,
    ) -> Result<(), StoreError> {
        std::thread::scope(|scope| {
            let tasks = || keep_only(&self.pipeline(&plan.name), &link_names(plan));
            let tasks = scope.spawn(tasks);
            keep_only(&self.figures(&plan.name), &figure_files(plan, figures))?;
            tasks.join().unwrap_or_else(|panic| resume_unwind(panic))
        })
    }

    /// Folder of the links to a pipeline's figures.
    pub fn figures(&self, pipeline: &str) -> PathBuf {
        self.pipeline(pipeline).join("figures")
    }
}

/// Names of the links to the results of a plan.
pub(crate) fn link_names(plan: &Plan) -> HashSet<OsString> {
    plan.tasks
        .iter()
        .map(|task| file_name(&task.id).into())
        .collect()
}

/// Names of the links to the figures of a plan.
pub(crate) fn figure_files(plan: &Plan, figures: &FigureNames) -> HashSet<OsString> {
    let figures = figures.iter().flat_map(|(&index, name)| {
        let kinds = plan.tasks.get(index).into_iter();
        let kinds = kinds.flat_map(|task| task.outputs.iter());
        kinds
            .filter(|kind| kind.is_picture())
            .map(|kind| figure_file(name, kind).into())
    });
    figures.collect()
}

fn figure_file(name: &str, kind: &KindName) -> String {
    format!("{name}.{}", kind.extension())
}

fn leads_to(link: &Path, target: &Path) -> bool {
    fs::read_link(link).is_ok_and(|old| old.as_os_str() == target.as_os_str())
}

/// Makes `link` lead to `target`, in one step if it led elsewhere. Anything but a link is refused.
fn set_current_link(link: &Path, target: &Path) -> Result<(), StoreError> {
    if leads_to(link, target) {
        return Ok(());
    }
    if link
        .symlink_metadata()
        .is_ok_and(|found| !found.is_symlink())
    {
        return Err(StoreError::not_a_link(link));
    }
    let folder = link.parent().unwrap_or(link);
    create_folder(folder)?;
    let temporary = folder.join(format!("{TEMPORARY_PREFIX}link"));
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => symlink(target, &temporary),
    }
    .and_then(|()| fs::rename(&temporary, link))
    .map_err(|source| StoreError::io("create the link", link, source))
}

fn keep_only(folder: &Path, names: &HashSet<OsString>) -> Result<(), StoreError> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Ok(()); // No folder, no links.
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if !names.contains(&entry.file_name()) && is_result_link(&path) {
            fs::remove_file(&path)
                .map_err(|source| StoreError::io("remove the link", &path, source))?;
        }
    }
    Ok(())
}

/// Returns whether `path` is one of our links: to `../store/<key>`, or to `../<task id>/<picture>`.
pub(crate) fn is_result_link(path: &Path) -> bool {
    let Ok(target) = fs::read_link(path) else {
        return false;
    };
    let above = target.parent().unwrap_or(&target);
    let is_result = above == Path::new("../store") && named_key(&target).is_some();
    let is_picture = above.parent() == Some(Path::new(".."))
        && PICTURES
            .iter()
            .any(|kind| target.ends_with(kind.file_name()));
    is_result || is_picture
}

#[cfg(unix)]
pub(crate) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

/// Windows asks what a link leads to.
#[cfg(windows)]
pub(crate) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    match target
        .extension()
        .is_some_and(|extension| PICTURES.iter().any(|kind| extension == kind.name()))
    {
        true => std::os::windows::fs::symlink_file(target, link),
        false => std::os::windows::fs::symlink_dir(target, link),
    }
}
