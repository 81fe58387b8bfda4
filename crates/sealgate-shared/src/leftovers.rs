//! Directories that nobody uses any more: of processes that were killed, of applications that are gone.

use rustix::fs::{AtFlags, Dir, unlinkat};

use crate::directory::{Directory, Identity};
use crate::locks::InUse;
use crate::opened::USERS_LOCK;

/// How many are looked at, at most, whenever a new one is made.
const MOST: usize = 64;

/// Removes what nobody uses of the directories in `parent`, but `own` and those `open` in this process: to open
/// their files here and close them would let go of their locks.
pub(crate) fn sweep(parent: &Directory, own: &str, open: impl Fn(&Identity) -> bool) {
    let Ok(entries) = Dir::read_from(parent.fd()) else {
        return;
    };
    let names = entries.flatten().filter_map(|entry| {
        let name = entry.file_name().to_str().ok()?;
        is_ours(name).then(|| name.to_owned())
    });
    for name in names.filter(|name| name != own).take(MOST) {
        let Ok(other) = parent.below(&name) else {
            continue;
        };
        if !other.identity().is_ok_and(|identity| !open(&identity)) {
            continue;
        }
        remove(parent, &name, &other);
    }
}

fn remove(parent: &Directory, name: &str, other: &Directory) {
    let Ok(users) = other.existing(USERS_LOCK) else {
        // Nothing in it, or it is not as ours are and stays.
        let _ = unlinkat(parent.fd(), name, AtFlags::REMOVEDIR);
        return;
    };
    if !InUse::by_nobody(&users) {
        return;
    }
    // Whoever opens it now waits for the lock, finds the file gone, and makes the directory anew.
    let Ok(files) = Dir::read_from(other.fd()) else {
        return;
    };
    for file in files.flatten() {
        if let Ok(file) = file.file_name().to_str()
            && file != USERS_LOCK
        {
            other.remove(file);
        }
    }
    other.remove(USERS_LOCK);
    let _ = unlinkat(parent.fd(), name, AtFlags::REMOVEDIR);
}

/// Whether it is a name that [`crate::SharedMemory`] gives: 128 bits in hexadecimal.
fn is_ours(name: &str) -> bool {
    name.len() == 32
        && name
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
