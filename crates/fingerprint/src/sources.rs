//! The sources of a crate and of the workspace crates that it uses, as modules of items.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;

use crate::error::FingerprintError;
use crate::items::{Item, ItemKind, items};
use crate::manifest::{Manifests, Member, code_name};

/// Index into [`Sources::modules`].
pub(crate) type ModuleId = usize;

/// Index into [`Sources::items`].
pub(crate) type ItemId = usize;

/// Modules and items of several crates.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) root: PathBuf,
    pub(crate) manifests: &'a Manifests,
    pub(crate) modules: Vec<Module>,
    pub(crate) items: Vec<(ModuleId, Item)>,
    /// Definitions of macros by name.
    pub(crate) macros: BTreeMap<String, Vec<ItemId>>,
    /// Roots of the libraries, by their names in code.
    pub(crate) libraries: BTreeMap<String, ModuleId>,
}

#[derive(Debug)]
pub(crate) struct Module {
    /// Its path, as `module_path!()` gives it.
    pub(crate) path: String,
    /// Its file, relative to the workspace, with `/`.
    pub(crate) file: String,
    /// Index into [`Manifests::members`].
    pub(crate) member: usize,
    pub(crate) parent: Option<ModuleId>,
    /// The item that declares it; `None` for the root of a crate.
    pub(crate) declaration: Option<ItemId>,
    pub(crate) children: BTreeMap<String, ModuleId>,
    pub(crate) items: Vec<ItemId>,
    /// Items and imports by name.
    pub(crate) named: BTreeMap<String, Vec<ItemId>>,
    /// Folder in which the files of its child modules are.
    folder: PathBuf,
}

impl<'a> Sources<'a> {
    /// Reads the library of `member` and those of all members that it depends on.
    pub(crate) fn read(
        root: &Path,
        manifests: &'a Manifests,
        member: &str,
    ) -> Result<Self, FingerprintError> {
        let mut sources = Self {
            root: root.to_owned(),
            manifests,
            modules: Vec::new(),
            items: Vec::new(),
            macros: BTreeMap::new(),
            libraries: BTreeMap::new(),
        };
        let mut open = vec![member];
        let mut seen = BTreeSet::new();
        while let Some(package) = open.pop() {
            let members = manifests.members.iter();
            let Some(index) = members.clone().position(|member| member.package == package) else {
                continue;
            };
            if seen.insert(package) {
                let name = code_name(package);
                let module = sources.crate_root(index, &name, "src/lib.rs")?;
                sources.libraries.insert(name, module);
                let dependencies = manifests.members[index].dependencies.values();
                open.extend(dependencies.map(String::as_str));
            }
        }
        Ok(sources)
    }

    /// Reads the crate of `member` whose root is `file`.
    pub(crate) fn crate_root(
        &mut self,
        member: usize,
        name: &str,
        file: &str,
    ) -> Result<ModuleId, FingerprintError> {
        let folder = &self.manifests.members[member].folder;
        let file = self.root.join(folder).join(file);
        self.file(member, None, name.to_owned(), &file)
    }

    pub(crate) fn member(&self, module: ModuleId) -> &'a Member {
        &self.manifests.members[self.modules[module].member]
    }

    pub(crate) fn crate_of(&self, mut module: ModuleId) -> ModuleId {
        while let Some(parent) = self.modules[module].parent {
            module = parent;
        }
        module
    }

    fn file(
        &mut self,
        member: usize,
        parent: Option<ModuleId>,
        path: String,
        file: &Path,
    ) -> Result<ModuleId, FingerprintError> {
        let code = fs::read_to_string(file).map_err(|error| FingerprintError::at(file, error))?;
        // As the compiler reads it: the ends of lines are all the same.
        let code = code.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let tokens = code.parse::<TokenStream>();
        let tokens = tokens.map_err(|error| FingerprintError::at(file, error))?;
        let stem = file.file_stem().unwrap_or_default();
        let own_folder = file.parent().unwrap_or(file);
        let holds_children = ["lib", "main", "mod"].iter().any(|name| stem == *name);
        let folder = if holds_children {
            own_folder.to_owned()
        } else {
            own_folder.join(stem)
        };
        let relative = relative(&self.root, file);
        let module = self.add_module(member, parent, path, relative, folder);
        self.fill(module, tokens, file)?;
        Ok(module)
    }

    fn add_module(
        &mut self,
        member: usize,
        parent: Option<ModuleId>,
        path: String,
        file: String,
        folder: PathBuf,
    ) -> ModuleId {
        self.modules.push(Module {
            path,
            file,
            member,
            parent,
            declaration: None,
            children: BTreeMap::new(),
            items: Vec::new(),
            named: BTreeMap::new(),
            folder,
        });
        self.modules.len() - 1
    }

    /// Puts the items of `tokens` into a module, and the modules among them beside it.
    fn fill(
        &mut self,
        module: ModuleId,
        tokens: TokenStream,
        file: &Path,
    ) -> Result<(), FingerprintError> {
        let items = items(tokens).map_err(|reason| FingerprintError::at(file, reason))?;
        for mut item in items {
            let child = match &mut item.kind {
                ItemKind::Module { name, contents } => {
                    let (name, contents) = (name.clone(), contents.take());
                    Some((self.child(module, &name, contents, file)?, name))
                }
                _ => None,
            };
            let id = self.items.len();
            if let Some((child, name)) = child {
                self.modules[child].declaration = Some(id);
                self.modules[module].children.insert(name, child);
            }
            if let ItemKind::MacroRules(name) = &item.kind {
                self.macros.entry(name.clone()).or_default().push(id);
            }
            let entry = &mut self.modules[module];
            if let Some(name) = item.name() {
                entry.named.entry(name.to_owned()).or_default().push(id);
            }
            entry.items.push(id);
            self.items.push((module, item));
        }
        Ok(())
    }

    fn child(
        &mut self,
        parent: ModuleId,
        name: &str,
        contents: Option<TokenStream>,
        file: &Path,
    ) -> Result<ModuleId, FingerprintError> {
        let Module {
            path,
            folder,
            member,
            ..
        } = &self.modules[parent];
        let (path, member) = (format!("{path}::{name}"), *member);
        let inside = folder.join(name);
        if let Some(contents) = contents {
            let own_file = relative(&self.root, file);
            let module = self.add_module(member, Some(parent), path, own_file, inside);
            self.fill(module, contents, file)?;
            return Ok(module);
        }
        let places = [folder.join(format!("{name}.rs")), inside.join("mod.rs")];
        let found = places.iter().find(|place| place.is_file());
        let found = found.ok_or_else(|| {
            FingerprintError::at(
                file,
                format!("the file of its module `{name}` is not where modules are"),
            )
        })?;
        self.file(member, Some(parent), path, found)
    }
}

/// A path inside the workspace as text, the same on every system.
pub(crate) fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.to_string_lossy().replace('\\', "/")
}
