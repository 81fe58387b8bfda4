//! Writing a file so that it is there whole, or as it was.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::failure::Failure;

/// Writes `bytes` into a file of its own beside `path`, and puts that in its place.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replaced(path, bytes).map_err(|error| {
        let said = format!("cannot write {}: {error}", path.display());
        Failure::usage("routes_file_unwritten", said)
    })
}

fn replaced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // /dev/stdout and its like take no other file in their place, and a link stays one.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if real.exists() && !real.is_file() {
        return fs::write(&real, bytes);
    }
    let mut name = OsString::from(".");
    name.push(real.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    let draft = real.with_file_name(name);
    let written = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&draft)?;
        file.write_all(bytes)?;
        if let Ok(told) = fs::metadata(&real) {
            file.set_permissions(told.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&draft, &real)
    };
    written().inspect_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            let _ = fs::remove_file(&draft);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealgate.routes.toml");
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        fs::write(&real, "one").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, b"two").unwrap();
        assert_eq!(fs::read(&real).unwrap(), b"two");
        assert!(link.is_symlink());
    }

    #[test]
    fn a_folder_that_is_missing_is_told() {
        let text = write(Path::new("/nowhere/at/all"), b"").unwrap_err().text();
        assert!(
            text.starts_with("error: cannot write /nowhere/at/all: "),
            "{text}"
        );
    }
}
