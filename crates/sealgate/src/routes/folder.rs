//! The folder that is looked at, and where it stands in its repository.

use std::path::{Component, Path, PathBuf};

use sealgate_inventory::report::Format;

use crate::failure::Failure;

/// A folder with an application's source in it.
#[derive(Debug)]
pub(super) struct Folder {
    /// As it was named.
    named: PathBuf,
    /// Where it really is.
    root: PathBuf,
    /// The only file in it that is looked at, if one was named.
    file: Option<PathBuf>,
    /// The root of the repository that it is in.
    repository: Option<PathBuf>,
}

impl Folder {
    pub(super) fn open(named: &Path) -> Result<Self, Failure> {
        let shown = named.display();
        let root = named.canonicalize().map_err(|error| {
            Failure::usage(
                "routes_path_unusable",
                format!("cannot read {shown}: {error}"),
            )
        })?;
        let (root, file) = match root.parent() {
            Some(folder) if root.is_file() => (folder.to_owned(), Some(root.clone())),
            _ => (root, None),
        };
        if !root.is_dir() {
            let said = format!("{shown} is neither a folder nor a file");
            return Err(Failure::usage("routes_path_unusable", said)
                .with_hint("give the folder that the application is imported from"));
        }
        // In a linked working tree it is a file.
        let repository = root.ancestors().find(|folder| folder.join(".git").exists());
        Ok(Self {
            named: named.to_owned(),
            repository: repository.map(Path::to_owned),
            root,
            file,
        })
    }

    /// Where it really is.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What a scan reads: all of it, or the one file that was named.
    pub(super) fn source(&self) -> &Path {
        self.file.as_deref().unwrap_or(&self.root)
    }

    /// As it was named, for people.
    pub(super) fn named(&self) -> String {
        self.named.display().to_string()
    }

    /// It and the folders above it, up to the root of its repository.
    pub(super) fn upwards(&self) -> impl Iterator<Item = &Path> {
        let last = self.repository.as_deref().unwrap_or(&self.root);
        self.root
            .ancestors()
            .take_while(move |folder| folder.starts_with(last))
    }

    /// What stands before the files of a report: the way here from the reader's directory, or from the root of the
    /// repository.
    pub(super) fn prefix(&self, format: Format) -> String {
        if !format.is_from_the_repository() {
            return ended(&self.named);
        }
        let base = self.repository.as_deref().unwrap_or(&self.root);
        ended(self.root.strip_prefix(base).unwrap_or(&self.root))
    }

    /// `file` as places name it: as seen from here.
    pub(super) fn place_of(&self, file: &Path) -> String {
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let shared = file
            .components()
            .zip(self.root.components())
            .take_while(|(one, other)| one == other)
            .count();
        let up = self.root.components().skip(shared).map(|_| "..".to_owned());
        let down = file.components().skip(shared);
        let down = down.map(|part| part.as_os_str().to_string_lossy().into_owned());
        up.chain(down).collect::<Vec<_>>().join("/")
    }
}

/// `path` with `/`, and one at its end; empty for the directory itself.
fn ended(path: &Path) -> String {
    let mut text = String::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::RootDir => text.push('/'),
            part => {
                text.push_str(&part.as_os_str().to_string_lossy());
                text.push('/');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_are_named_for_their_reader() {
        let temporary = tempfile::tempdir().unwrap();
        let top = temporary.path().canonicalize().unwrap();
        fs::create_dir_all(top.join(".git")).unwrap();
        fs::create_dir_all(top.join("services/shop")).unwrap();
        let folder = Folder::open(&top.join("services/shop")).unwrap();
        assert_eq!(folder.prefix(Format::Sarif), "services/shop/");
        assert_eq!(
            folder.prefix(Format::Text),
            format!("{}/services/shop/", top.display())
        );
        assert_eq!(
            folder.place_of(&top.join("pyproject.toml")),
            "../../pyproject.toml"
        );
        assert_eq!(
            folder.place_of(&top.join("services/shop/a/b.toml")),
            "a/b.toml"
        );
        let above: Vec<&Path> = folder.upwards().collect();
        assert_eq!(
            above,
            [&top.join("services/shop"), &top.join("services"), &top]
        );
    }

    #[test]
    fn relative_names_stay_relative() {
        assert_eq!(ended(Path::new(".")), "");
        assert_eq!(ended(Path::new("./app")), "app/");
        assert_eq!(ended(Path::new("../app/")), "../app/");
    }

    #[test]
    fn without_a_repository_nothing_above_is_looked_at() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = Folder::open(temporary.path()).unwrap();
        if folder.repository.is_none() {
            assert_eq!(folder.upwards().count(), 1);
            assert_eq!(folder.prefix(Format::Github), "");
        }
    }

    #[test]
    fn a_file_is_looked_at_in_its_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = Folder::open(file.path()).unwrap();
        let path = file.path().canonicalize().unwrap();
        assert_eq!(folder.source(), path);
        assert_eq!(Some(folder.root()), path.parent());
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let text = Folder::open(Path::new("/nowhere/at/all"))
            .unwrap_err()
            .text();
        assert!(text.contains("(routes_path_unusable)"), "{text}");
    }
}
