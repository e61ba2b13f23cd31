//! Everything that a function may use.
//!
//! From the items reached so far follow the items that their tokens mention, path by path ([`crate::resolve`]), and those
//! that are reached with them or with their modules ([`crate::graph`]). The definition of a macro is followed both where
//! it stands and where it is called.
//!
//! A value can only be of a type that some reached code names, and a method only be called on a value, so nothing that
//! can run is missing. What is reached may well not run.
//!
//! Not seen are implementations inside functions for types outside of them, against which the compiler warns
//! (`non_local_definitions`), and what happens without a name in the sources: exported symbols, libraries loaded at run time.

use std::collections::BTreeSet;

use crate::error::FingerprintError;
use crate::graph::Graph;
use crate::items::ItemKind;
use crate::mentions::{MACRO_CRATE, TASK_FUNCTION};
use crate::resolve::{Meaning, resolve};
use crate::sources::{ItemId, ModuleId, Sources};
use crate::use_tree::GLOB;

#[derive(Debug, Default)]
pub(crate) struct Reached {
    pub(crate) items: BTreeSet<ItemId>,
    /// Outside packages, each with the member that names it.
    pub(crate) packages: BTreeSet<(usize, String)>,
    /// Files that are included: the module whose file names each, and the path from there.
    pub(crate) files: BTreeSet<(ModuleId, String)>,
    modules: BTreeSet<ModuleId>,
    /// Items whose mentions are to be followed, and the module in which to look for them.
    open: Vec<(ItemId, ModuleId)>,
    followed: BTreeSet<(ItemId, ModuleId)>,
}

impl Reached {
    /// Everything that `starts` may use.
    pub(crate) fn from(
        graph: &Graph<'_>,
        starts: impl IntoIterator<Item = ItemId>,
    ) -> Result<Self, FingerprintError> {
        let mut reached = Self::default();
        for start in starts {
            reached.item(graph, start);
        }
        while let Some((id, module)) = reached.open.pop() {
            if reached.followed.insert((id, module)) {
                reached.follow(graph, id, module)?;
            }
        }
        Ok(reached)
    }

    /// Follows what the item `id` mentions, as read in `module`: its own, or one that calls the macro it is.
    fn follow(
        &mut self,
        graph: &Graph<'_>,
        id: ItemId,
        module: ModuleId,
    ) -> Result<(), FingerprintError> {
        let (own_module, item) = &graph.sources.items[id];
        let mentions = &graph.mentions[id];
        let is_own_macro = item.name() == Some(TASK_FUNCTION);
        if let Some(obstacle) = mentions.obstacles.first().filter(|_| !is_own_macro) {
            let file = &graph.sources.modules[*own_module].file;
            return Err(FingerprintError::new(format!(
                "{file}: `{obstacle}` with something that is not known from the sources, in code that computes results"
            )));
        }
        for path in &mentions.paths {
            let begins_where_defined = path.first().is_some_and(|first| first == MACRO_CRATE);
            if module != *own_module && begins_where_defined {
                continue;
            }
            let mut meaning = resolve(&graph.sources, module, path);
            if let ItemKind::Import(_) = item.kind {
                self.imported_modules(graph, path, std::mem::take(&mut meaning.modules));
            }
            self.meaning(graph, meaning, module);
        }
        let files = mentions.files.iter().cloned();
        self.files.extend(files.map(|file| (*own_module, file)));
        Ok(())
    }

    /// What is used of an imported module follows from the paths that begin with it. But if all names of it are
    /// imported, traits are among them.
    fn imported_modules(&mut self, graph: &Graph<'_>, path: &[String], modules: Vec<ModuleId>) {
        if path.last().is_some_and(|last| last == GLOB) {
            for module in modules {
                self.module(graph, module);
            }
        }
    }

    fn meaning(&mut self, graph: &Graph<'_>, meaning: Meaning, module: ModuleId) {
        for id in meaning.items {
            self.item(graph, id);
            if matches!(graph.sources.items[id].1.kind, ItemKind::MacroRules(_)) {
                self.open.push((id, module));
            }
        }
        for whole in meaning.modules {
            self.whole(graph, whole);
        }
        let member = graph.sources.modules[module].member;
        let packages = meaning.packages.into_iter();
        self.packages
            .extend(packages.map(|package| (member, package)));
    }

    fn item(&mut self, graph: &Graph<'_>, id: ItemId) {
        if !self.items.insert(id) {
            return;
        }
        let module = graph.sources.items[id].0;
        self.open.push((id, module));
        self.module(graph, module);
        for &other in graph.with_item.get(&id).into_iter().flatten() {
            self.item(graph, other);
        }
    }

    fn module(&mut self, graph: &Graph<'_>, module: ModuleId) {
        if !self.modules.insert(module) {
            return;
        }
        for &id in graph.with_module.get(&module).into_iter().flatten() {
            self.item(graph, id);
        }
        self.declarations(graph, module);
    }

    /// How a module and those around it are declared, and the attributes at their beginning.
    fn declarations(&mut self, graph: &Graph<'_>, module: ModuleId) {
        let Sources { modules, items, .. } = &graph.sources;
        let mut next = Some(module);
        while let Some(module) = next.map(|module| &modules[module]) {
            let attributes = module.items.iter().copied();
            let attributes = attributes.filter(|&id| items[id].1.is_inner_attribute());
            self.items.extend(attributes.chain(module.declaration));
            next = module.parent;
        }
    }

    /// Everything in a module, and in those inside it.
    fn whole(&mut self, graph: &Graph<'_>, module: ModuleId) {
        let entry = &graph.sources.modules[module];
        for &id in &entry.items {
            self.item(graph, id);
        }
        for &child in entry.children.values() {
            self.whole(graph, child);
        }
    }
}
