//! The identity of the code behind one function: what it consists of, part by part, and one digest of all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::FingerprintError;
use crate::graph::Graph;
use crate::lock::Lock;
use crate::manifest::Manifests;
use crate::reach::Reached;
use crate::resolve::resolve;
use crate::sources::{ItemId, ModuleId, Sources, relative};

/// Names what is digested and how; changed with it, it makes all code other code.
const CONTEXT: &str = "eigenscope 2026 code fingerprint 1";

/// The root of a stage's program in the crate's folder.
const PROGRAM: &str = "src/main.rs";

/// Hexadecimal digits of the digest of one part.
const PART_DIGITS: usize = 32;

/// The code that can change the results of one function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Digest of all parts, 64 hexadecimal digits.
    pub fingerprint: String,
    /// What it consists of: source files, assets and manifests by their path in the workspace, each with the
    /// digest of what is used of it; outside packages by their name, each with version and digest of all that it is
    /// built from.
    pub parts: BTreeMap<String, String>,
}

/// The code behind the task functions of one crate.
#[derive(Debug)]
pub struct TaskFunctions {
    /// By the function's path.
    pub code: BTreeMap<String, Code>,
    /// Files and folders whose change may change it.
    pub watched: Vec<PathBuf>,
}

/// The code behind every `task_function!` of the crate in `folder`.
///
/// # Errors
/// A file that cannot be read, or code that cannot be followed.
pub fn task_functions(folder: &Path) -> Result<TaskFunctions, FingerprintError> {
    let root = workspace_root(folder)?;
    let manifests = Manifests::read(root)?;
    let lock = Lock::read(&root.join("Cargo.lock"))?;
    let folder = relative(root, folder);
    let mut members = manifests.members.iter().enumerate();
    let (index, member) = members
        .find(|(_, member)| member.folder == folder)
        .ok_or_else(|| {
            FingerprintError::at(Path::new(&folder), "it is no crate of the workspace")
        })?;
    let mut sources = Sources::read(root, &manifests, &member.package)?;
    let program = match root.join(&folder).join(PROGRAM).is_file() {
        true => Some(sources.crate_root(index, "main", PROGRAM)?),
        false => None,
    };
    let workspace = Workspace {
        graph: Graph::new(sources),
        lock,
    };
    let functions = workspace.graph.task_functions(index).into_iter();
    let code =
        functions.map(|(module, function)| workspace.task_function(module, &function, program));
    Ok(TaskFunctions {
        code: code.collect::<Result<_, _>>()?,
        watched: watched(&workspace.graph.sources),
    })
}

/// The lock file, all manifests, and all that may be code of the crates that were read.
fn watched(sources: &Sources<'_>) -> Vec<PathBuf> {
    let Sources {
        root,
        manifests,
        modules,
        ..
    } = sources;
    let read: BTreeSet<usize> = modules.iter().map(|module| module.member).collect();
    let folder = |member: usize| root.join(&manifests.members[member].folder);
    let in_members = read
        .into_iter()
        .flat_map(|member| ["src", "assets"].map(|part| folder(member).join(part)));
    let all_manifests =
        (0..manifests.members.len()).map(|member| folder(member).join("Cargo.toml"));
    let in_root = ["Cargo.toml", "Cargo.lock"].map(|file| root.join(file));
    let watched = in_root.into_iter().chain(all_manifests).chain(in_members);
    watched.filter(|path| path.exists()).collect()
}

/// The workspace that a crate in `folder` belongs to.
fn workspace_root(folder: &Path) -> Result<&Path, FingerprintError> {
    let root = folder.parent().and_then(Path::parent);
    root.ok_or_else(|| FingerprintError::at(folder, "expected <workspace>/crates/<name>"))
}

struct Workspace<'a> {
    graph: Graph<'a>,
    lock: Lock,
}

impl Workspace<'_> {
    /// Path and code of the function that `module` calls `function`.
    fn task_function(
        &self,
        module: ModuleId,
        function: &[String],
        program: Option<ModuleId>,
    ) -> Result<(String, Code), FingerprintError> {
        let sources = &self.graph.sources;
        let name = format!("{}::{}", sources.modules[module].path, function.join("::"));
        let starts = resolve(sources, module, function).items;
        if starts.is_empty() {
            return Err(FingerprintError::new(format!(
                "there is no function `{name}`"
            )));
        }
        let in_program = program
            .into_iter()
            .flat_map(|root| &sources.modules[root].items);
        let starts = starts.iter().chain(in_program).copied();
        let reached = Reached::from(&self.graph, starts)?;
        Ok((name, self.code(&reached)?))
    }

    fn code(&self, reached: &Reached) -> Result<Code, FingerprintError> {
        let mut parts = self.sources(&reached.items);
        parts.extend(self.manifests(&reached.items));
        parts.extend(self.packages(reached));
        for (module, file) in &reached.files {
            let (name, digest) = self.included(*module, file)?;
            parts.insert(name, digest);
        }
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        for text in parts.iter().flat_map(|(name, digest)| [name, digest]) {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Ok(Code {
            fingerprint: hasher.finalize().to_hex().to_string(),
            parts,
        })
    }

    /// What is used of every source file. The order of items does not matter.
    fn sources(&self, items: &BTreeSet<ItemId>) -> BTreeMap<String, String> {
        let sources = &self.graph.sources;
        let mut files: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for &id in items {
            let (module, item) = &sources.items[id];
            let module = &sources.modules[*module];
            let text = format!("{}: {}", module.path, item.text());
            files.entry(&module.file).or_default().insert(text);
        }
        let part = |(file, texts): (&str, BTreeSet<String>)| (file.to_owned(), digest(texts));
        files.into_iter().map(part).collect()
    }

    /// How the crates that items belong to are compiled.
    fn manifests(&self, items: &BTreeSet<ItemId>) -> BTreeMap<String, String> {
        let sources = &self.graph.sources;
        let modules: BTreeSet<ModuleId> = items.iter().map(|&id| sources.items[id].0).collect();
        let part = |module| {
            let member = sources.member(module);
            let asked = sources.manifests.features.get(&member.package);
            let asked = asked.into_iter().flatten().cloned();
            let settings = [member.settings.clone()].into_iter().chain(asked);
            (format!("{}/Cargo.toml", member.folder), digest(settings))
        };
        modules.into_iter().map(part).collect()
    }

    /// The outside packages that are named, and those that a crate depends on without ever naming them.
    fn packages(&self, reached: &Reached) -> BTreeMap<String, String> {
        let sources = &self.graph.sources;
        let modules = reached.items.iter().map(|&id| sources.items[id].0);
        let members: BTreeSet<usize> = modules.map(|id| sources.modules[id].member).collect();
        let unnamed = members.into_iter().flat_map(|member| {
            let packages = self.graph.never_named(member).into_iter();
            packages.map(move |package| (member, package))
        });
        let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (member, package) in reached.packages.iter().cloned().chain(unnamed) {
            let member = &sources.manifests.members[member].package;
            for key in self.lock.required(member, &package) {
                let version = key.split(' ').next_back().unwrap_or_default();
                let built = format!("{version} {}", self.package(key));
                let versions = parts.entry(package.clone()).or_default();
                if !versions.contains(&built) {
                    versions.push(built);
                }
            }
        }
        let part = |(package, mut versions): (String, Vec<String>)| {
            versions.sort();
            (package, versions.join(", "))
        };
        parts.into_iter().map(part).collect()
    }

    /// Digest of the versions, checksums and requested features of a locked package and all that it depends on.
    fn package(&self, key: &str) -> String {
        let features = &self.graph.sources.manifests.features;
        let closure = self.lock.closure(key).into_iter();
        digest(closure.map(|(name, identity)| {
            let asked = features.get(name).into_iter().flatten();
            let asked: Vec<&str> = asked.map(String::as_str).collect();
            format!("{identity} {}", asked.join(","))
        }))
    }

    /// Path and digest of a file that the source file of `module` includes.
    fn included(&self, module: ModuleId, file: &str) -> Result<(String, String), FingerprintError> {
        let sources = &self.graph.sources;
        let source = Path::new(&sources.modules[module].file);
        let path = normal(&source.with_file_name(file));
        let absolute = sources.root.join(&path);
        let bytes = fs::read(&absolute).map_err(|error| FingerprintError::at(&absolute, error))?;
        let digest = blake3::hash(&bytes).to_hex()[..PART_DIGITS].to_owned();
        Ok((relative(Path::new(""), &path), digest))
    }
}

fn digest(texts: impl IntoIterator<Item = String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..PART_DIGITS].to_owned()
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            component => normal.push(component),
        }
    }
    normal
}
