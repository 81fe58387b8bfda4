//! The data directory: that there is one, that it is closed, that there is room.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealgate_server::{DataDir, ServeError};

use super::Patient;
use super::report::Report;

const MEBIBYTE: u64 = 1024 * 1024;

/// Below this the store is about to refuse what is new.
const TOO_LITTLE: u64 = 64 * MEBIBYTE;

/// Below this somebody should make room.
const LITTLE: u64 = 1024 * MEBIBYTE;

pub(super) fn look(patient: &Patient, report: &mut Report) {
    let path = &patient.loaded.settings.data_dir;
    match DataDir::existing(path) {
        Ok(dir) => {
            files(dir.path(), report);
            room(dir.path(), report);
        }
        Err(error @ ServeError::NothingThere(_)) => report.skip("data", error.to_string()),
        Err(error) => report.fix("data", error.to_string(), error.hint()),
    }
}

/// The permission bits of a file.
pub(super) fn mode(path: &Path) -> io::Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}

fn files(dir: &Path, report: &mut Report) {
    let key = dir.join("master.key");
    match mode(&key) {
        Ok(mode) if mode & 0o077 != 0 => report.fix(
            "data",
            format!(
                "{} is open to other users of this machine (mode {mode:o})",
                key.display()
            ),
            Some(format!("run: chmod 600 {}", key.display())),
        ),
        Ok(_) => report.good(
            "data",
            format!("{} is closed to other users", dir.display()),
        ),
        Err(error) => report.fix(
            "data",
            format!("the master key cannot be seen: {}: {error}", key.display()),
            Some("restore it from the backup it was kept in".to_owned()),
        ),
    }
    if !dir.join("reserve").exists() {
        report.warn(
            "data",
            "there is no reserve for a full disk",
            Some("it is made within a minute where there is room and a server runs".to_owned()),
        );
    }
}

fn room(dir: &Path, report: &mut Report) {
    let free = match rustix::fs::statvfs(dir) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            report.skip(
                "data",
                format!("the room on the disk cannot be seen: {error}"),
            );
            return;
        }
    };
    let told = format!(
        "{} MiB are free on the disk of {}",
        free / MEBIBYTE,
        dir.display()
    );
    let hint = Some("make room: when the disk is full, only ending things still works".to_owned());
    match free {
        0..TOO_LITTLE => report.fix("data", told, hint),
        TOO_LITTLE..LITTLE => report.warn("data", told, hint),
        _ => report.good("data", "there is room on the disk"),
    }
}
