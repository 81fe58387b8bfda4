//! Directories and files that are not ours alone.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use sealgate_shared::{ShareError, SharedMemory};
use tempfile::TempDir;

use crate::open;

/// The directory of this user in `base`, made as it has to be.
fn ours(base: &Path) -> PathBuf {
    let memory = open(base);
    memory.path().parent().unwrap().to_owned()
}

fn refused(base: &Path) -> ShareError {
    SharedMemory::open(Some(base), &["https://id.example", "app"]).unwrap_err()
}

#[test]
fn a_directory_that_is_open_to_others_is_refused() {
    let place = TempDir::new().unwrap();
    let ours = ours(place.path());
    assert_eq!(
        fs::metadata(&ours).unwrap().permissions().mode() & 0o7777,
        0o700
    );
    for mode in [0o750, 0o701, 0o777, 0o1777] {
        fs::set_permissions(&ours, Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            refused(place.path()).code(),
            "shared_view_foreign",
            "{mode:o}"
        );
    }
    fs::set_permissions(&ours, Permissions::from_mode(0o700)).unwrap();
    open(place.path());
}

#[test]
fn a_symbolic_link_is_refused_wherever_it_stands() {
    let place = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    let memory = open(place.path());
    let inner = memory.path().to_owned();
    let outer = inner.parent().unwrap().to_owned();
    drop(memory);
    for (path, name) in [
        (&outer, "outer"),
        (&inner, "inner"),
        (&inner.join("control"), "control"),
    ] {
        let kept = elsewhere.path().join(name);
        fs::rename(path, &kept).unwrap();
        symlink(&kept, path).unwrap();
        assert_eq!(
            refused(place.path()).code(),
            "shared_view_foreign",
            "{name}"
        );
        fs::remove_file(path).unwrap();
        fs::rename(&kept, path).unwrap();
    }
    open(place.path());
}

#[test]
fn a_file_or_directory_of_another_user_is_refused() {
    let place = TempDir::new().unwrap();
    let ours = ours(place.path());
    // Only root may give things away.
    if std::os::unix::fs::chown(&ours, Some(1), None).is_ok() {
        assert_eq!(refused(place.path()).code(), "shared_view_foreign");
    }
}

#[test]
fn a_place_that_is_none_is_said() {
    let place = TempDir::new().unwrap();
    let error = refused(&place.path().join("missing"));
    assert_eq!(error.code(), "shared_view_unusable");
    assert!(error.to_string().contains("missing"), "{error}");
}
