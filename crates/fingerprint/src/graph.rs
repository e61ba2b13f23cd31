//! What every item is reached with, apart from the paths that lead to it.
//!
//! * An implementation is reached with the types that it is for, whole. One for a type from elsewhere (`impl Ours for
//!   u8`) is reached with what its header mentions: the trait.
//! * Traits are reached with the modules that define or import them, since their methods are called without a name of
//!   theirs. Of imports from outside it is not known whether they are traits: they all are reached so.
//! * Calls of macros and items without a name may define and implement anything: they are reached with their module, and
//!   with whatever they mention. Only if a macro defines nothing but types is it reached by their names instead
//!   ([`crate::macros`]).

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenTree;

use crate::items::{Item, ItemKind};
use crate::macros::names_of_call;
use crate::mentions::{Mentions, mentions};
use crate::resolve::{Meaning, resolve};
use crate::sources::{ItemId, ModuleId, Sources};
use crate::use_tree::Import;

/// Sources with what is reached otherwise than by a path.
pub(crate) struct Graph<'a> {
    pub(crate) sources: Sources<'a>,
    /// What every item mentions.
    pub(crate) mentions: Vec<Mentions>,
    /// For an item, those that are reached with it.
    pub(crate) with_item: BTreeMap<ItemId, Vec<ItemId>>,
    /// For a module, the items that are reached with any item of it.
    pub(crate) with_module: BTreeMap<ModuleId, Vec<ItemId>>,
}

impl<'a> Graph<'a> {
    pub(crate) fn new(mut sources: Sources<'a>) -> Self {
        let calls = name_macro_calls(&mut sources);
        let items = sources.items.iter();
        let mut graph = Self {
            mentions: items.map(|(_, item)| item.mentions()).collect(),
            sources,
            with_item: BTreeMap::new(),
            with_module: BTreeMap::new(),
        };
        for id in 0..graph.sources.items.len() {
            graph.add(id);
        }
        for (call, rules) in calls {
            graph.add_call(call, rules);
        }
        graph
    }

    fn add(&mut self, id: ItemId) {
        let (module, item) = &self.sources.items[id];
        let module = *module;
        match &item.kind {
            ItemKind::Trait(_) => self.add_with_module(id),
            ItemKind::Unnamed => {
                self.add_with_items(id, self.mentioned(module, item.tokens()));
                self.add_with_module(id);
            }
            ItemKind::Import(Import { path, name })
                if name.is_none() || self.may_be_trait(module, path) =>
            {
                self.add_with_module(id);
            }
            ItemKind::Impl { for_type } => {
                let mut types = self.mentioned(module, for_type);
                if types.is_empty()
                    && let Some((_body, header)) = item.tokens().split_last()
                {
                    types = self.mentioned(module, header);
                }
                self.add_with_items(id, types);
            }
            _ => {}
        }
    }

    /// Adds a call of a macro that is not reached by the names it defines; `rules` is the macro, if it is ours.
    fn add_call(&mut self, id: ItemId, rules: Option<ItemId>) {
        self.add_with_module(id);
        for id_of_tokens in [Some(id), rules].into_iter().flatten() {
            let (module, item) = &self.sources.items[id_of_tokens];
            self.add_with_items(id, self.mentioned(*module, item.tokens()));
        }
    }

    fn add_with_module(&mut self, id: ItemId) {
        let module = self.sources.items[id].0;
        self.with_module.entry(module).or_default().push(id);
    }

    fn add_with_items(&mut self, id: ItemId, items: BTreeSet<ItemId>) {
        for item in items {
            self.with_item.entry(item).or_default().push(id);
        }
    }

    /// Whether an import brings a trait, as far as the sources tell.
    fn may_be_trait(&self, module: ModuleId, path: &[String]) -> bool {
        let Meaning { items, modules, .. } = resolve(&self.sources, module, path);
        let known: Vec<&ItemKind> = items
            .iter()
            .map(|&id| &self.sources.items[id].1.kind)
            .filter(|kind| !matches!(kind, ItemKind::Import(_)))
            .collect();
        let is_outside = known.is_empty() && modules.is_empty();
        is_outside || known.iter().any(|kind| matches!(kind, ItemKind::Trait(_)))
    }

    /// The items that `tokens` mention, without imports; for another name of a type also the type.
    fn mentioned(&self, module: ModuleId, tokens: &[TokenTree]) -> BTreeSet<ItemId> {
        let mut found = BTreeSet::new();
        let mut open = vec![(module, mentions(tokens).paths)];
        while let Some((module, paths)) = open.pop() {
            for path in paths {
                let Meaning { items, modules, .. } = resolve(&self.sources, module, &path);
                let calls = modules.into_iter().flat_map(|module| self.calls_in(module));
                for id in items.into_iter().chain(calls) {
                    let (module, Item { kind, .. }) = &self.sources.items[id];
                    let is_new = !matches!(kind, ItemKind::Import(_)) && found.insert(id);
                    if is_new && matches!(kind, ItemKind::Alias(_)) {
                        open.push((*module, self.mentions[id].paths.clone()));
                    }
                }
            }
        }
        found
    }

    /// The calls of macros in a module: one of them defines what is not found there otherwise.
    fn calls_in(&self, module: ModuleId) -> impl Iterator<Item = ItemId> {
        let items = self.sources.modules[module].items.iter().copied();
        items.filter(|&id| matches!(self.sources.items[id].1.kind, ItemKind::MacroCall { .. }))
    }

    /// All `task_function!(...)` of a crate: module and argument.
    pub(crate) fn task_functions(&self, member: usize) -> BTreeSet<(ModuleId, Vec<String>)> {
        let functions = self.mentions_of(member).flat_map(|(module, mentions)| {
            let functions = mentions.task_functions.iter();
            functions.map(move |function| (module, function.clone()))
        });
        functions.collect()
    }

    /// The outside packages that a crate depends on, and that no code of it names: they are linked all the same.
    pub(crate) fn never_named(&self, member: usize) -> Vec<String> {
        let names: BTreeSet<&String> = self
            .mentions_of(member)
            .flat_map(|(_, mentions)| mentions.paths.iter().filter_map(|path| path.first()))
            .collect();
        let dependencies = self.sources.manifests.members[member].dependencies.iter();
        let is_outside = |name: &String| !self.sources.libraries.contains_key(name);
        let unnamed = dependencies.filter(|(name, _)| is_outside(name) && !names.contains(name));
        unnamed.map(|(_, package)| package.clone()).collect()
    }

    fn mentions_of(&self, member: usize) -> impl Iterator<Item = (ModuleId, &Mentions)> {
        let items = self.sources.items.iter().zip(&self.mentions);
        items
            .map(|((module, _), mentions)| (*module, mentions))
            .filter(move |(module, _)| self.sources.modules[*module].member == member)
    }
}

/// Gives calls of macros the names that they define. The calls that may do more, each with the macro if it is ours.
fn name_macro_calls(sources: &mut Sources<'_>) -> Vec<(ItemId, Option<ItemId>)> {
    let mut others = Vec::new();
    for id in 0..sources.items.len() {
        let (module, item) = &sources.items[id];
        let ItemKind::MacroCall { name, arguments } = &item.kind else {
            continue;
        };
        let module = *module;
        let is_rules = |id: &ItemId| matches!(sources.items[*id].1.kind, ItemKind::MacroRules(_));
        let meaning = resolve(sources, module, std::slice::from_ref(name));
        let rules = meaning.items.into_iter().find(is_rules);
        let names = rules.and_then(|rules| {
            let (_, rules) = &sources.items[rules];
            names_of_call(rules.tokens(), arguments.clone())
        });
        let Some(names) = names else {
            others.push((id, rules));
            continue;
        };
        for name in names {
            let named = &mut sources.modules[module].named;
            named.entry(name).or_default().push(id);
        }
    }
    others
}
