//! What modules are called.

use std::path::Path;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Module;
use super::tree::Tree;

/// Names every module by its path below the folder where its imports are looked up.
pub(super) fn give(modules: &mut [Module], tree: &Tree) {
    let mut roots = Vec::with_capacity(modules.len());
    for module in &mut *modules {
        let root = tree.root_of(&module.folder).to_owned();
        let stem = Path::new(&module.file).file_stem().unwrap_or_default();
        let folder = &module.folder[root.len()..];
        let folder = folder.trim_start_matches('/').replace('/', ".");
        module.name = match (folder.is_empty(), module.package) {
            (true, _) => stem.to_string_lossy().into_owned(),
            (false, true) => folder,
            (false, false) => format!("{folder}.{}", stem.to_string_lossy()),
        };
        roots.push(root);
    }
    // Services that share a name are told apart by where they are.
    let mut first: FxHashMap<&str, &str> = FxHashMap::default();
    let mut shared: FxHashSet<String> = FxHashSet::default();
    for (module, root) in modules.iter().zip(&roots) {
        if *first.entry(&module.name).or_insert(root) != root {
            shared.insert(top(&module.name).to_owned());
        }
    }
    for (module, root) in modules.iter_mut().zip(&roots) {
        let place = root.split_once('/').map_or("", |(_, place)| place);
        if shared.contains(top(&module.name)) && !place.is_empty() {
            module.name = format!("{}.{}", place.replace('/', "."), module.name);
        }
    }
}

fn top(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}
