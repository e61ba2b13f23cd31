//! The part of the workspace's manifests that matters: which crates a crate may name, and with which features.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::error::FingerprintError;

/// Tables of dependencies that a program is built with.
const DEPENDENCIES: &str = "dependencies";

/// One crate of the workspace.
#[derive(Debug)]
pub(crate) struct Member {
    /// Name of the package.
    pub(crate) package: String,
    /// Its folder, relative to the workspace, with `/`.
    pub(crate) folder: String,
    /// Name in code -> package, for every dependency that is not for tests or build scripts only.
    pub(crate) dependencies: BTreeMap<String, String>,
    /// What else decides how it is compiled: edition and features.
    pub(crate) settings: String,
}

/// The manifests of a workspace.
#[derive(Debug)]
pub(crate) struct Manifests {
    pub(crate) members: Vec<Member>,
    /// Package -> everything that any member asks of it; the features of a package are the same for all.
    pub(crate) features: BTreeMap<String, BTreeSet<String>>,
}

impl Manifests {
    /// Reads the manifests of the workspace in `root`, whose members are the folders in `crates`.
    pub(crate) fn read(root: &Path) -> Result<Self, FingerprintError> {
        let workspace = table(&root.join("Cargo.toml"))?;
        let workspace = workspace.get("workspace").and_then(Value::as_table);
        let workspace = workspace.cloned().unwrap_or_default();
        let shared = sub_table(&workspace, DEPENDENCIES);
        let mut manifests = Self {
            members: Vec::new(),
            features: BTreeMap::new(),
        };
        for folder in member_folders(root)? {
            let manifest = table(&root.join(&folder).join("Cargo.toml"))?;
            let member = manifests.member(folder, &manifest, &workspace, &shared)?;
            manifests.members.push(member);
        }
        Ok(manifests)
    }

    fn member(
        &mut self,
        folder: String,
        manifest: &Table,
        workspace: &Table,
        shared: &Table,
    ) -> Result<Member, FingerprintError> {
        let package = sub_table(manifest, "package");
        let name = package.get("name").and_then(Value::as_str);
        let name = name.ok_or_else(|| {
            FingerprintError::at(Path::new(&folder), "its manifest has no package name")
        })?;
        let mut dependencies = BTreeMap::new();
        for (key, request) in requests(manifest) {
            let inherited = shared.get(&key).cloned();
            let renamed = [&request, inherited.as_ref().unwrap_or(&request)]
                .into_iter()
                .find_map(|request| request.get("package")?.as_str().map(str::to_owned));
            let package = renamed.unwrap_or_else(|| key.clone());
            let asked = self.features.entry(package.clone()).or_default();
            asked.extend(asked_features(&request));
            asked.extend(inherited.iter().flat_map(asked_features));
            dependencies.insert(code_name(&key), package);
        }
        let edition = match package.get("edition") {
            Some(Value::String(edition)) => Some(edition.clone()),
            _ => sub_table(workspace, "package")
                .get("edition")
                .and_then(Value::as_str)
                .map(str::to_owned),
        };
        let features = sub_table(manifest, "features");
        Ok(Member {
            package: name.to_owned(),
            folder,
            dependencies,
            settings: format!("{edition:?} {features}"),
        })
    }
}

/// The name of a package in code.
pub(crate) fn code_name(package: &str) -> String {
    package.replace('-', "_")
}

/// Reads a TOML file.
pub(crate) fn table(path: &Path) -> Result<Table, FingerprintError> {
    fs::read_to_string(path)
        .map_err(|error| FingerprintError::at(path, error))?
        .parse()
        .map_err(|error| FingerprintError::at(path, error))
}

fn sub_table(table: &Table, key: &str) -> Table {
    let found = table.get(key).and_then(Value::as_table);
    found.cloned().unwrap_or_default()
}

/// The folders of the members that are there, relative to the workspace.
fn member_folders(root: &Path) -> Result<Vec<String>, FingerprintError> {
    let crates = root.join("crates");
    let entries = fs::read_dir(&crates).map_err(|error| FingerprintError::at(&crates, error))?;
    let folders = entries.flatten().map(|entry| entry.path());
    let mut folders: Vec<PathBuf> = folders
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .collect();
    folders.sort();
    let name = |folder: &PathBuf| {
        folder
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let names = folders.iter().filter_map(name);
    Ok(names.map(|name| format!("crates/{name}")).collect())
}

/// The dependencies of a manifest, those of a platform too.
fn requests(manifest: &Table) -> Vec<(String, Value)> {
    let platforms = sub_table(manifest, "target");
    let platforms = platforms.values().filter_map(Value::as_table);
    let tables = std::iter::once(manifest).chain(platforms);
    tables
        .flat_map(|table| sub_table(table, DEPENDENCIES))
        .collect()
}

fn asked_features(request: &Value) -> Vec<String> {
    let features = request.get("features").and_then(Value::as_array);
    let features = features.into_iter().flatten().filter_map(Value::as_str);
    let defaults = request.get("default-features").and_then(Value::as_bool);
    let defaults = (defaults == Some(false)).then_some("no default features");
    features.chain(defaults).map(str::to_owned).collect()
}
