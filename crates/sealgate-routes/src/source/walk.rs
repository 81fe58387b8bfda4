//! Which files there are.

use std::path::{Path, PathBuf};

use ignore::overrides::OverrideBuilder;
use ignore::{DirEntry, WalkBuilder};

use super::{Progress, Skipped, SourceError};

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    /// What the names of files are relative to: the folder that was asked for, or the one around the file.
    pub(super) root: PathBuf,
    /// What was walked: `root`, or the package that it is part of.
    pub(super) base: PathBuf,
    /// The files, in order.
    pub(super) files: Vec<FoundFile>,
    /// What was left out although it might matter.
    pub(super) skipped: Vec<Skipped>,
}

/// A file that was found.
#[derive(Debug)]
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    /// The folders and the name below `base`, without `.py`.
    pub(super) parts: Vec<String>,
    /// Whether an application in it is one that was asked for. Tests are not, nor is what surrounds a file or a
    /// folder within a package; they can be imported.
    pub(super) asked_for: bool,
}

/// Files that mark the folder of a project.
const PROJECT: &[&str] = &[
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "Pipfile",
    ".git",
];

/// Finds the Python files at a path.
pub(super) fn walk(
    path: &Path,
    exclude: &[String],
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Found, SourceError> {
    let unreadable = |error: &std::io::Error| SourceError::Unreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let real = path.canonicalize().map_err(|error| unreadable(&error))?;
    let is_file = real.is_file();
    let folder = if is_file {
        real.parent().unwrap_or(&real)
    } else {
        &real
    };
    let base = base(folder, is_file);
    let root = if is_file { base.clone() } else { real.clone() };
    std::fs::read_dir(&base).map_err(|error| unreadable(&error))?;

    let mut overrides = OverrideBuilder::new(&root);
    for pattern in exclude {
        overrides
            .add(&format!("!{pattern}"))
            .map_err(|error| SourceError::Pattern(error.to_string()))?;
    }
    let overrides = overrides
        .build()
        .map_err(|error| SourceError::Pattern(error.to_string()))?;

    let mut files = Vec::new();
    let mut skipped = Vec::new();
    let entries = WalkBuilder::new(&base)
        .require_git(false)
        .git_global(false)
        .ignore(false)
        .overrides(overrides)
        .filter_entry(|entry| entry.depth() == 0 || !is_left_out(entry))
        .build();
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                skipped.push(Skipped {
                    file: String::new(),
                    reason: error.to_string(),
                });
                continue;
            }
        };
        if entry.path_is_symlink() && entry.path().is_dir() {
            skipped.push(Skipped {
                file: relative(entry.path(), &root),
                reason: "a symbolic link to a folder is not followed".to_owned(),
            });
        } else if is_python(entry.path()) && entry.path().is_file() {
            let asked_for = if is_file {
                entry.path() == real
            } else {
                asked_for(entry.path(), &root)
            };
            files.push(found(entry.into_path(), &base, asked_for));
            if files.len().is_multiple_of(256) {
                progress(Progress::Found(files.len()));
            }
        }
    }
    // Whoever names a file means it, whatever the patterns or its own name say.
    if is_file && !files.iter().any(|file| file.path == real) {
        files.push(found(real, &base, true));
    }
    files.sort_by(|a, b| a.parts.cmp(&b.parts));
    progress(Progress::Found(files.len()));
    Ok(Found {
        root,
        base,
        files,
        skipped,
    })
}

/// The folder to walk, so that what the modules in `folder` import can be found: the topmost package around it. A
/// file in no package is looked at with the project around it.
fn base(folder: &Path, is_file: bool) -> PathBuf {
    let is_package = |folder: &Path| folder.join("__init__.py").is_file();
    let mut top = folder;
    while is_package(top)
        && let Some(parent) = top.parent()
        && is_package(parent)
    {
        top = parent;
    }
    if !is_file
        || top
            .parent()
            .is_some_and(|parent| parent.ends_with("site-packages"))
    {
        return top.to_owned();
    }
    let outside = if is_package(top) {
        top.parent().unwrap_or(top)
    } else {
        top
    };
    outside
        .ancestors()
        .find(|folder| PROJECT.iter().any(|name| folder.join(name).exists()))
        .unwrap_or(outside)
        .to_owned()
}

fn found(path: PathBuf, base: &Path, asked_for: bool) -> FoundFile {
    let below = path.strip_prefix(base).unwrap_or(&path);
    let parts = below
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    FoundFile {
        path,
        parts,
        asked_for,
    }
}

/// The path with `/`, as seen from a folder that is the file's or lies below one of its own.
pub(super) fn relative(path: &Path, root: &Path) -> String {
    let mut up = 0;
    let below = root.ancestors().find_map(|folder| {
        let below = path.strip_prefix(folder).ok();
        up += usize::from(below.is_none());
        below
    });
    let parts = below
        .unwrap_or(path)
        .iter()
        .map(|part| part.to_string_lossy());
    let parts: Vec<_> = std::iter::repeat_n("..".into(), up).chain(parts).collect();
    parts.join("/")
}

fn is_python(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "py" || extension == "pyw")
}

/// Folders of other people's code, and of what is made from one's own.
fn is_left_out(entry: &DirEntry) -> bool {
    if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return false;
    }
    let path = entry.path();
    match entry.file_name().to_str() {
        Some("node_modules" | "__pycache__" | "site-packages" | "venv") => true,
        // What setuptools leaves behind, not a package that is called so.
        Some("build") => {
            ["lib", "bdist.linux-x86_64"]
                .iter()
                .any(|made| path.join(made).is_dir())
                && !path.join("__init__.py").exists()
        }
        _ => path.join("pyvenv.cfg").is_file(),
    }
}

/// Whether a file is below the folder that was asked for, and no test.
fn asked_for(path: &Path, root: &Path) -> bool {
    path.strip_prefix(root).is_ok_and(is_no_test)
}

/// Whether a file, by its path below the folder that was asked for, is no test.
pub(super) fn is_no_test(below: &Path) -> bool {
    let folders = below.parent().unwrap_or(below);
    let name = below.file_stem().unwrap_or_default().to_string_lossy();
    let is_tests = |folder| folder == "tests" || folder == "test";
    let is_test = name.starts_with("test_") || name.ends_with("_test") || name == "conftest";
    !is_test && !folders.iter().any(is_tests)
}
