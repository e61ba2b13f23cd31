//! What a path means: from the module in which it is written to items, as the compiler finds them.
//!
//! Where the compiler would choose by what is needed (a type or a function of one name), all are meant.

use crate::items::{Item, ItemKind};
use crate::mentions::MACRO_CRATE;
use crate::sources::{ItemId, ModuleId, Sources};
use crate::use_tree::GLOB;

/// What a path means. Nothing at all: a local variable, or something of the standard library.
#[derive(Debug, Default)]
pub(crate) struct Meaning {
    /// Items of the workspace, with the imports that lead to them.
    pub(crate) items: Vec<ItemId>,
    /// Modules of which anything may be meant.
    pub(crate) modules: Vec<ModuleId>,
    pub(crate) packages: Vec<String>,
}

/// What `path` means in the module `from`.
pub(crate) fn resolve(sources: &Sources<'_>, from: ModuleId, path: &[String]) -> Meaning {
    let mut resolver = Resolver {
        sources,
        meaning: Meaning::default(),
        following: Vec::new(),
    };
    resolver.path(from, path);
    resolver.meaning
}

struct Resolver<'a> {
    sources: &'a Sources<'a>,
    meaning: Meaning,
    /// The imports on the way; an import may have the name of what it brings.
    following: Vec<ItemId>,
}

impl Resolver<'_> {
    fn path(&mut self, from: ModuleId, path: &[String]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        match first.as_str() {
            // The value `self`, or a visibility.
            "crate" | "self" | "super" | "Self" if rest.is_empty() => {}
            "crate" | MACRO_CRATE => self.within(self.sources.crate_of(from), rest),
            "self" | "super" => self.within(from, path),
            // Something of the type that the item around it belongs to.
            "Self" => {}
            name => {
                let found = self.in_scope(from, path);
                // A function in scope does not hide a crate of its name.
                let is_crate = (!found || !rest.is_empty()) && self.other_crate(from, name, rest);
                if !found && !is_crate {
                    // Macros are in scope below where they are defined.
                    self.macros(from, name);
                }
            }
        }
    }

    /// What `rest` means in the crate that is called `name`; `false` if there is none.
    fn other_crate(&mut self, from: ModuleId, name: &str, rest: &[String]) -> bool {
        let Some(package) = self.sources.member(from).dependencies.get(name) else {
            return false;
        };
        match self
            .sources
            .libraries
            .get(&crate::manifest::code_name(package))
        {
            Some(&library) => self.within(library, rest),
            None => self.meaning.packages.push(package.clone()),
        }
        true
    }

    /// What `path` means that begins in `module`. If that is not known, it is something that a macro defines there.
    fn within(&mut self, module: ModuleId, path: &[String]) {
        match path.split_first() {
            Some((first, rest)) if first == "self" => self.within(module, rest),
            Some((first, rest)) if first == "super" => {
                let parent = self.sources.modules[module].parent;
                self.within(parent.unwrap_or(module), rest);
            }
            Some((name, _)) if name != GLOB => {
                if !self.in_scope(module, path) && !self.macros(module, name) {
                    self.meaning.modules.push(module);
                }
            }
            _ => self.meaning.modules.push(module),
        }
    }

    /// What `path` means by the names in `module`; `false` if its first part is not among them.
    fn in_scope(&mut self, module: ModuleId, path: &[String]) -> bool {
        let Some((name, rest)) = path.split_first() else {
            return false;
        };
        let entry = &self.sources.modules[module];
        let mut found = false;
        for &id in entry.named.get(name).into_iter().flatten() {
            found |= self.item(id, rest);
        }
        if let Some(&child) = entry.children.get(name)
            && (!found || !rest.is_empty())
        {
            self.within(child, rest);
            found = true;
        }
        // What is named explicitly hides what comes with `*` of its own sort only.
        found | self.through_globs(module, path)
    }

    fn item(&mut self, id: ItemId, rest: &[String]) -> bool {
        let (module, item) = &self.sources.items[id];
        let ItemKind::Import(import) = &item.kind else {
            self.meaning.items.push(id);
            return true;
        };
        if self.following.contains(&id) {
            return false;
        }
        self.meaning.items.push(id);
        self.following.push(id);
        let path = [&import.path, rest].concat();
        self.path(*module, &path);
        self.following.pop();
        true
    }

    fn through_globs(&mut self, module: ModuleId, path: &[String]) -> bool {
        let mut found = false;
        for &id in &self.sources.modules[module].items {
            let (_, item) = &self.sources.items[id];
            let ItemKind::Import(import) = &item.kind else {
                continue;
            };
            if !is_glob(item) || self.following.contains(&id) {
                continue;
            }
            self.following.push(id);
            let whole = resolve_following(self.sources, module, &import.path, &self.following);
            for target in whole.modules {
                if self.in_scope(target, path) {
                    self.meaning.items.push(id);
                    found = true;
                }
            }
            self.following.pop();
        }
        found
    }

    /// The macros of this name in the crate of `module`.
    fn macros(&mut self, module: ModuleId, name: &str) -> bool {
        let root = self.sources.crate_of(module);
        let in_crate = self.sources.macros.get(name).into_iter().flatten();
        let found: Vec<ItemId> = in_crate
            .copied()
            .filter(|&id| self.sources.crate_of(self.sources.items[id].0) == root)
            .collect();
        self.meaning.items.extend(&found);
        !found.is_empty()
    }
}

fn resolve_following(
    sources: &Sources<'_>,
    from: ModuleId,
    path: &[String],
    following: &[ItemId],
) -> Meaning {
    let mut resolver = Resolver {
        sources,
        meaning: Meaning::default(),
        following: following.to_vec(),
    };
    resolver.path(from, path);
    resolver.meaning
}

/// Whether an import brings all names of a module.
pub(crate) fn is_glob(item: &Item) -> bool {
    matches!(&item.kind, ItemKind::Import(import) if import.path.last().is_some_and(|last| last == GLOB))
}
