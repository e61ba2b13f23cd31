//! `Cargo.lock`: which version of every outside crate a program is built with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::FingerprintError;
use crate::manifest::table;

/// The part of `Cargo.lock` that matters: who depends on whom, in which version.
pub(crate) struct Lock {
    /// `name version` -> (identity with checksum, dependencies as written).
    packages: BTreeMap<String, (String, Vec<String>)>,
    /// name -> the versions locked under it.
    versions: BTreeMap<String, Vec<String>>,
}

impl Lock {
    pub(crate) fn read(path: &Path) -> Result<Self, FingerprintError> {
        let table = table(path)?;
        let mut packages = BTreeMap::new();
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for package in table
            .get("package")
            .and_then(toml::Value::as_array)
            .into_iter()
            .flatten()
        {
            let text = |key: &str| {
                package
                    .get(key)
                    .and_then(toml::Value::as_str)
                    .unwrap_or_default()
            };
            let key = format!("{} {}", text("name"), text("version"));
            let dependencies = package
                .get("dependencies")
                .and_then(toml::Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|dependency| dependency.as_str().map(str::to_owned))
                .collect();
            versions
                .entry(text("name").to_owned())
                .or_default()
                .push(key.clone());
            packages.insert(
                key.clone(),
                (format!("{key} {}", text("checksum")), dependencies),
            );
        }
        if packages.is_empty() {
            return Err(FingerprintError::at(path, "no packages"));
        }
        Ok(Self { packages, versions })
    }

    /// The locked packages, as `name version`, that `package` depends on under the name `dependency`.
    pub(crate) fn required(&self, package: &str, dependency: &str) -> Vec<&str> {
        let keys = self.versions.get(package).into_iter().flatten();
        let packages = keys.filter_map(|key| self.packages.get(key));
        let required = packages.flat_map(|(_, dependencies)| dependencies);
        let required = required.filter(|required| required.split(' ').next() == Some(dependency));
        required
            .flat_map(|required| self.matching(required))
            .collect()
    }

    /// Identities of the package `key` (`name version`) and of all it depends on, with its name. The build
    /// dependencies of packages are among them: counting them may rerun too much, never too little.
    pub(crate) fn closure(&self, key: &str) -> BTreeSet<(&str, &str)> {
        let mut identities = BTreeSet::new();
        let mut open = self.matching(key);
        while let Some(key) = open.pop() {
            let name = key.split(' ').next().unwrap_or_default();
            if let Some((identity, dependencies)) = self.packages.get(key)
                && identities.insert((name, identity.as_str()))
            {
                open.extend(dependencies.iter().flat_map(|other| self.matching(other)));
            }
        }
        identities
    }

    /// The packages meant by `name`, or by `name version` where several versions are locked.
    fn matching(&self, dependency: &str) -> Vec<&str> {
        let name = dependency.split(' ').next().unwrap_or_default();
        let keys = self.versions.get(name).into_iter().flatten();
        keys.map(String::as_str)
            .filter(|&key| dependency == name || key == dependency)
            .collect()
    }
}
