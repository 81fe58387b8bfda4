//! The Python files of a project: where they are, what their modules are called, and what is written in them.
//!
//! Nothing is imported and no Python is needed. Files are read and parsed when somebody asks for them, once, and
//! stay where they are as long as [`Sources`] does.

mod comments;
mod depth;
mod glance;
mod names;
mod origin;
mod parallel;
mod parse;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ruff_text_size::{TextRange, TextSize};

use glance::{Eyes, Glance};
use origin::Origin;
use tree::{Meaning, Tree};

pub use parse::{Loaded, ParseErrorAt};

/// A module of the scanned project.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Hash, Ord, PartialOrd)]
pub struct ModuleId(u32);

impl ModuleId {
    /// No module: for what is not written anywhere.
    pub(crate) const NONE: Self = Self(u32::MAX);
}

/// Why a project could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// There is nothing at the path, or it cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A pattern of `exclude` is none.
    #[error("`exclude` has a pattern that cannot be read: {0}")]
    Pattern(String),
}

/// How far it is, for people who wait.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Progress {
    /// So many files were found.
    Found(usize),
    /// So many files were looked through.
    Read(usize),
    /// So many files were parsed.
    Parsed(usize),
}

/// Something that was left out although it might matter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Which file or folder, with `/`, as seen from [`Sources::root`]. Empty where `reason` says it.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// The files of the scanned project.
#[derive(Debug)]
pub struct Sources {
    root: PathBuf,
    modules: Vec<Module>,
    tree: Tree,
    candidates: Vec<ModuleId>,
    skipped: Vec<Skipped>,
    lines: usize,
}

#[derive(Debug)]
struct Module {
    name: String,
    file: String,
    origin: Origin,
    /// Where it stands in the tree: the folder that it is in.
    folder: String,
    package: bool,
    asked_for: bool,
    loaded: OnceLock<Option<Box<Loaded>>>,
}

impl Sources {
    /// Finds the Python files at `root`, a folder or a file, except those that a glob of `exclude` names. All are
    /// looked through once, and none is parsed yet.
    pub fn find(
        root: &Path,
        exclude: &[String],
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Result<Self, SourceError> {
        let found = walk::walk(root, exclude, progress)?;
        let below = found
            .root
            .strip_prefix(&found.base)
            .unwrap_or(Path::new(""));
        let base = found
            .base
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let scanned = below.iter().fold(base.clone(), |path, part| {
            format!("{path}/{}", part.to_string_lossy())
        });
        let modules = found.files.into_iter().map(|file| {
            let path = format!("{base}/{}", file.parts.join("/"));
            let seen = walk::relative(&file.path, &found.root);
            (path, seen, file.asked_for, Origin::File(file.path))
        });
        let mut sources = Self::of(modules, &scanned, progress);
        sources.root = found.root;
        sources.skipped.splice(0..0, found.skipped);
        Ok(sources)
    }

    /// Takes files that are in memory, by their paths with `/` below the folder of a project.
    pub fn in_memory<T: Into<Vec<u8>>>(files: impl IntoIterator<Item = (String, T)>) -> Self {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
        let modules = files.into_iter().map(|(file, text)| {
            let path = format!("root/{}", file.strip_suffix(".py").unwrap_or(&file));
            let asked_for = walk::is_no_test(Path::new(&file));
            (path, file, asked_for, Origin::Memory(text.into()))
        });
        Self::of(modules, "root", &|_| {})
    }

    /// Takes modules by their paths in the tree, their files, and whether they were asked for. Paths in the tree
    /// start with the name of the outermost folder, so that it can be imported by its name too.
    fn of(
        files: impl Iterator<Item = (String, String, bool, Origin)>,
        scanned: &str,
        progress: &(dyn Fn(Progress) + Sync),
    ) -> Self {
        let mut tree = Tree::default();
        let mut modules = Vec::new();
        for ((path, file, asked_for, origin), index) in files.zip(0..) {
            tree.add(&path, ModuleId(index));
            modules.push(Module {
                name: String::new(),
                file,
                origin,
                folder: tree::parent(&path).to_owned(),
                package: path.ends_with("/__init__"),
                asked_for,
                loaded: OnceLock::new(),
            });
        }
        let mut sources = Self {
            root: PathBuf::new(),
            modules,
            tree,
            candidates: Vec::new(),
            skipped: Vec::new(),
            lines: 0,
        };
        sources.look_through(progress);
        sources.tree.settle(scanned);
        names::give(&mut sources.modules, &sources.tree);
        sources
    }

    /// What [`Self::file`] is relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What was left out although it might matter.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// How many lines the files have, all together.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// All modules, ordered by their files.
    pub fn modules(&self) -> impl Iterator<Item = ModuleId> {
        (0..).map(ModuleId).take(self.modules.len())
    }

    /// The dotted name: `litellm.proxy.proxy_server`. Where two services have a module of the same name, the folder
    /// of the service comes first.
    pub fn name(&self, id: ModuleId) -> &str {
        &self.module(id).name
    }

    /// The file, with `/`, as seen from [`Self::root`].
    pub fn file(&self, id: ModuleId) -> &str {
        &self.module(id).file
    }

    /// Whether it is the `__init__.py` of a package.
    pub fn is_package(&self, id: ModuleId) -> bool {
        self.module(id).package
    }

    /// Whether it is part of what was asked for. Tests are not, nor is what surrounds a single file: these are only
    /// imported.
    pub fn is_asked_for(&self, id: ModuleId) -> bool {
        self.module(id).asked_for
    }

    /// What is written in it. None when it cannot be read. The first call parses it.
    pub fn load(&self, id: ModuleId) -> Option<&Loaded> {
        let module = self.module(id);
        let load = || Some(Box::new(parse::parse(module.origin.read()?)));
        module.loaded.get_or_init(load).as_deref()
    }

    /// The line, from 1, at which something starts. 0 when the module cannot be read.
    pub fn line(&self, id: ModuleId, at: impl At) -> u32 {
        self.load(id).map_or(0, |loaded| loaded.line(at.start_of()))
    }

    /// The text of something, in the source's own words.
    pub fn text(&self, id: ModuleId, range: TextRange) -> &str {
        self.load(id)
            .and_then(|loaded| loaded.text.get(range.to_std_range()))
            .unwrap_or_default()
    }

    /// The modules that may make or change an application, among those that were asked for.
    pub fn candidates(&self) -> Vec<ModuleId> {
        self.candidates.clone()
    }

    /// Parses these modules on all cores.
    pub fn preload(&self, modules: &[ModuleId], progress: &(dyn Fn(Progress) + Sync)) {
        let parsed = |count| progress(Progress::Parsed(count));
        parallel::each(modules.len(), &parsed, |(): &mut (), index| {
            self.load(modules[index]);
        });
    }

    /// What `import dotted` means in a module, if it is a file of the project.
    pub fn resolve(&self, from: ModuleId, dotted: &str) -> Option<ModuleId> {
        module_of(self.tree.look_up(&self.module(from).folder, dotted))
    }

    /// What `from ..dotted import` means in a module, if it is a file of the project. `level` counts the dots.
    pub fn resolve_relative(
        &self,
        from: ModuleId,
        level: u32,
        dotted: Option<&str>,
    ) -> Option<ModuleId> {
        module_of(self.tree.relative(&self.module(from).folder, level, dotted))
    }

    /// Whether the name is a folder with modules in it, but without an `__init__.py` of its own.
    pub fn exists_below(&self, from: ModuleId, dotted: &str) -> bool {
        self.tree.look_up(&self.module(from).folder, dotted) == Some(Meaning::Folder)
    }

    /// As [`Self::exists_below`], for `from ..dotted import`.
    pub fn exists_below_relative(&self, from: ModuleId, level: u32, dotted: Option<&str>) -> bool {
        self.tree.relative(&self.module(from).folder, level, dotted) == Some(Meaning::Folder)
    }

    /// The comments `# sealgate: public(reason)` of a module: their lines and reasons, in order.
    pub fn public_comments(&self, id: ModuleId) -> &[(u32, String)] {
        self.load(id).map_or(&[], Loaded::public_comments)
    }

    /// The comments `# sealgate: accept(rule: reason)` of a module: their lines, rules and reasons, in order.
    pub fn accept_comments(&self, id: ModuleId) -> &[(u32, String, String)] {
        self.load(id).map_or(&[], Loaded::accept_comments)
    }

    fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id.0 as usize]
    }

    /// Reads every file once, to know what to parse and which folders are packages.
    fn look_through(&mut self, progress: &(dyn Fn(Progress) + Sync)) {
        let eyes = Eyes::new();
        let folders = self.tree.folder_names();
        let done = |count| progress(Progress::Read(count));
        let look = |buffer: &mut Vec<u8>, index: usize| {
            let bytes = self.modules[index].origin.look(buffer)?;
            std::io::Result::Ok(eyes.glance(bytes, &folders))
        };
        let mut glances = parallel::each(self.modules.len(), &done, look);
        glances.sort_unstable_by_key(|(index, _)| *index);
        for ((_, glance), id) in glances.into_iter().zip((0..).map(ModuleId)) {
            let glance = glance.unwrap_or_else(|error| {
                self.skipped.push(Skipped {
                    file: self.file(id).to_owned(),
                    reason: error.to_string(),
                });
                Glance::default()
            });
            let module = &self.modules[id.0 as usize];
            self.tree
                .hear(&module.folder, &glance.imports, glance.relative);
            self.lines += glance.lines;
            if glance.candidate && module.asked_for {
                self.candidates.push(id);
            }
        }
    }
}

fn module_of(meaning: Option<Meaning>) -> Option<ModuleId> {
    match meaning {
        Some(Meaning::Module(id)) => Some(id),
        _ => None,
    }
}

/// A place in a file: an offset or a range.
pub trait At: Copy {
    /// The offset at which it starts.
    fn start_of(self) -> TextSize;
}

impl At for TextSize {
    fn start_of(self) -> TextSize {
        self
    }
}

impl At for TextRange {
    fn start_of(self) -> TextSize {
        self.start()
    }
}
