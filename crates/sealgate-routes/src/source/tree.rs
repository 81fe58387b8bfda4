//! What an import means: the folders of a project as Python's import system would see them.
//!
//! Nobody says with which path a service is started, so it is told from the code. A folder with an `__init__.py` is
//! a package. A folder without one is a package too if the modules around it import it by its name. What imports
//! are looked up in is the folder around the topmost package, then those further out, the nearest first: of several
//! services that each have an `app`, each has its own.

use rustc_hash::{FxHashMap, FxHashSet};

use super::ModuleId;

/// Names that mean the framework, whatever folder of the project is called so, and a module that each has.
const FRAMEWORK: &[(&str, &str)] = &[("fastapi", "applications"), ("starlette", "applications")];

/// The folders and modules of a project, by their paths with `/` from the folder around what was walked. That
/// folder's own path is empty.
#[derive(Debug, Default)]
pub(super) struct Tree {
    spots: FxHashMap<Box<str>, Spot>,
    /// Packages that somebody imports by their name, or that import themselves relatively.
    known: FxHashSet<Box<str>>,
    /// The folders in which imports are looked up.
    roots: Vec<Box<str>>,
}

#[derive(Copy, Clone, Debug, Default)]
struct Spot {
    /// `x.py`.
    module: Option<ModuleId>,
    /// `x/__init__.py`.
    package: Option<ModuleId>,
    /// There are modules below `x/`.
    folder: bool,
}

/// What stands at a dotted name.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// A module, or a package with an `__init__.py`.
    Module(ModuleId),
    /// A folder with modules in it.
    Folder,
    /// Nothing, and looking elsewhere would be wrong.
    Nothing,
}

impl Tree {
    /// Adds a module by its path, of which the last part is its name.
    pub(super) fn add(&mut self, path: &str, id: ModuleId) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name == "__init__" {
            self.spots.entry(folder.into()).or_default().package = Some(id);
        } else {
            self.spots.entry(path.into()).or_default().module = Some(id);
        }
        for folder in ancestors(folder) {
            let spot = self.spots.entry(folder.into()).or_default();
            if spot.folder {
                break;
            }
            spot.folder = true;
        }
    }

    /// The names of all folders.
    pub(super) fn folder_names(&self) -> FxHashSet<String> {
        let folders = self.spots.iter().filter(|(_, spot)| spot.folder);
        folders.map(|(path, _)| name(path).to_owned()).collect()
    }

    /// Takes note of what the module in `folder` imports, to tell packages from folders of scripts.
    pub(super) fn hear(&mut self, folder: &str, imports: &[(Box<str>, Box<str>)], relative: bool) {
        if relative
            && let Some(top) = ancestors(folder)
                .filter(|path| self.is_package(path))
                .last()
        {
            self.known.insert(top.into());
        }
        for (first, second) in imports {
            for around in ancestors(folder) {
                let path = join(around, first);
                if self.is_installed(first, Some(&path)) {
                    continue;
                }
                if self.spots.get(&*path).is_some_and(|spot| spot.folder)
                    && (self.is_package(&path) || self.spots.contains_key(&*join(&path, second)))
                {
                    self.known.insert(path.into());
                    break;
                }
            }
        }
    }

    /// Settles where imports are looked up, after everything was added and heard. `scanned` is the folder that the
    /// scan is of.
    pub(super) fn settle(&mut self, scanned: &str) {
        let mut roots: FxHashSet<&str> = FxHashSet::default();
        let usual = [
            scanned.to_owned(),
            join(scanned, "src"),
            join(scanned, "lib"),
        ];
        roots.extend(
            usual
                .iter()
                .map(String::as_str)
                .filter(|path| self.unit(path).is_none()),
        );
        for (path, spot) in &self.spots {
            if spot.folder && self.unit(path) == Some(path) {
                roots.insert(parent(path));
            }
        }
        let mut roots: Vec<Box<str>> = roots.into_iter().map(Into::into).collect();
        roots.sort_unstable();
        self.roots = roots;
    }

    /// The folder in which the imports of a module in `folder` are looked up first, and which its name starts below.
    pub(super) fn root_of(&self, folder: &str) -> &str {
        if let Some(unit) = self.unit(folder)
            && let Some((path, _)) = self.spots.get_key_value(unit)
        {
            return parent(path);
        }
        let around = |path: &str| ancestors(folder).any(|around| around == path);
        self.roots
            .iter()
            .filter(|root| around(root))
            .max_by_key(|root| root.len())
            .map_or("", |root| root)
    }

    /// What an absolute import means in a module in `folder`.
    pub(super) fn look_up(&self, folder: &str, dotted: &str) -> Option<Meaning> {
        let first = dotted.split('.').next().unwrap_or(dotted);
        let unit = self.unit(folder);
        if self.is_installed(first, unit) {
            return None;
        }
        let near: Vec<&str> = match unit {
            None => ancestors(folder).collect(),
            Some(unit) => {
                // Run from within its own folder, as beginners do and containers are set up.
                let inside = (!self.known.contains(unit)).then_some(unit);
                ancestors(parent(unit)).chain(inside).collect()
            }
        };
        let mut found = None;
        for root in &near {
            match self.enter(root, dotted) {
                Some(Meaning::Folder) => found = found.or(Some(Meaning::Folder)),
                Some(meaning) => return Some(meaning),
                None => {}
            }
        }
        found.or_else(|| self.look_further(folder, dotted, &near))
    }

    /// Looks in the folders that are not around the module, the nearest first. Two that are equally near cannot be
    /// told apart.
    fn look_further(&self, folder: &str, dotted: &str, near: &[&str]) -> Option<Meaning> {
        let mut best: Option<(usize, Meaning)> = None;
        let mut doubtful = false;
        for root in self.roots.iter().filter(|root| !near.contains(&&***root)) {
            let Some(meaning @ (Meaning::Module(_) | Meaning::Folder)) = self.enter(root, dotted)
            else {
                continue;
            };
            let shared =
                ancestors(folder).position(|around| ancestors(root).any(|path| path == around));
            let distance = shared.unwrap_or(usize::MAX);
            match best {
                Some((nearest, _)) if nearest < distance => {}
                Some((nearest, found)) if nearest == distance => match (found, meaning) {
                    (Meaning::Folder, Meaning::Module(_)) => best = Some((distance, meaning)),
                    (Meaning::Module(_), Meaning::Module(_)) => doubtful = true,
                    _ => {}
                },
                _ => {
                    best = Some((distance, meaning));
                    doubtful = false;
                }
            }
        }
        best.filter(|_| !doubtful).map(|(_, meaning)| meaning)
    }

    /// What a relative import means in a module whose package is `folder`. One dot is the package itself.
    pub(super) fn relative(
        &self,
        folder: &str,
        level: u32,
        dotted: Option<&str>,
    ) -> Option<Meaning> {
        let mut package = folder;
        for _ in 1..level {
            if package.is_empty() {
                return None;
            }
            package = parent(package);
        }
        match dotted {
            Some(dotted) if !dotted.is_empty() => self.enter_all(package, dotted),
            _ => self.at(package),
        }
    }

    /// What a dotted name means if `root` is where imports are looked up.
    fn enter(&self, root: &str, dotted: &str) -> Option<Meaning> {
        let (first, rest) = dotted.split_once('.').unwrap_or((dotted, ""));
        let path = join(root, first);
        let spot = self.spots.get(&*path)?;
        if rest.is_empty() {
            return self.at(&path);
        }
        // What is a package or a module hides everything of the same name further down the path.
        let hides = spot.package.is_some() || !spot.folder;
        self.enter_all(&path, rest)
            .or(hides.then_some(Meaning::Nothing))
    }

    fn enter_all(&self, folder: &str, dotted: &str) -> Option<Meaning> {
        self.at(&join(folder, &dotted.replace('.', "/")))
    }

    fn at(&self, path: &str) -> Option<Meaning> {
        let spot = self.spots.get(path)?;
        let module = spot.package.or(spot.module).map(Meaning::Module);
        module.or(spot.folder.then_some(Meaning::Folder))
    }

    /// The topmost package that a folder is, or is in.
    fn unit<'a>(&self, folder: &'a str) -> Option<&'a str> {
        let is_package = |path: &&str| self.is_package(path) || self.known.contains(*path);
        ancestors(folder).filter(is_package).last()
    }

    /// Whether a name means the framework in the topmost package `unit`, which is not the framework itself.
    fn is_installed(&self, first: &str, unit: Option<&str>) -> bool {
        let known = FRAMEWORK.iter().find(|(framework, _)| *framework == first);
        known.is_some_and(|(framework, module)| {
            !unit.is_some_and(|unit| {
                name(unit) == *framework && self.spots.contains_key(&*join(unit, module))
            })
        })
    }

    fn is_package(&self, path: &str) -> bool {
        self.spots
            .get(path)
            .is_some_and(|spot| spot.package.is_some())
    }
}

/// The folder and those around it, up to the empty path.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| (!path.is_empty()).then(|| parent(path)))
}

/// The folder around.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
