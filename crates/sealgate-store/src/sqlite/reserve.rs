//! Room kept free on the disk, so that what has to end can be ended when the disk is full.
//!
//! A file of a few MiB lies in the data directory. When a write finds the disk full, the file is
//! emptied, and from then on only writes that end something, and the sweep, get the room. The sweep
//! also fills the file again as soon as there is room for it and for as much again.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes kept: thousands of revocations with their records.
const SIZE: u64 = 4 << 20;

/// The file that keeps the room.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    spent: AtomicBool,
}

impl Reserve {
    /// Makes the file (mode 0600) in `dir` if it is not there in full. A disk that has no room for it
    /// is as good as full.
    pub(super) fn keep(dir: &Path) -> Self {
        let path = dir.join("reserve");
        let whole = std::fs::metadata(&path).is_ok_and(|file| file.len() == SIZE);
        let reserve = Self {
            path,
            spent: AtomicBool::new(!whole),
        };
        reserve.restore();
        reserve
    }

    /// Whether the room is given up, so that only what ends something may be written.
    pub(super) fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Acquire)
    }

    /// Gives the room up, once.
    pub(super) fn release(&self) {
        if self.spent.swap(true, Ordering::AcqRel) {
            return;
        }
        let emptied = self.open().and_then(|file| file.set_len(0));
        if let Err(error) = emptied {
            tracing::error!(%error, "the disk is full, and the reserve is not usable");
        } else {
            tracing::error!(
                "the disk is full: the reserve is given up, and until there is room again only what ends something is written"
            );
        }
    }

    /// Makes the reserve anew if it was given up and there is room; whether it did.
    pub(super) fn restore(&self) -> bool {
        if !self.is_spent() {
            return false;
        }
        match self.fill() {
            Ok(()) => {
                self.spent.store(false, Ordering::Release);
                true
            }
            Err(error) => {
                // What was filled so far is needed more urgently by others.
                let _ = self.open().and_then(|file| file.set_len(0));
                tracing::error!(%error, "there is no room for the reserve on the disk: nothing new is written");
                false
            }
        }
    }

    /// Twice the size at first, so that taking the room does not itself fill the disk.
    fn fill(&self) -> io::Result<()> {
        let mut file = self.open()?;
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        // Written, not only lengthened: a file with a hole in it keeps nothing.
        let piece = vec![0x5a; 1 << 20];
        for _ in 0..(2 * SIZE) >> 20 {
            file.write_all(&piece)?;
        }
        file.set_len(SIZE)
    }

    fn open(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_is_given_up_once_and_made_anew_when_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let length = || std::fs::metadata(dir.path().join("reserve")).unwrap().len();
        let reserve = Reserve::keep(dir.path());
        assert_eq!((reserve.is_spent(), length()), (false, SIZE));
        reserve.release();
        reserve.release();
        assert_eq!((reserve.is_spent(), length()), (true, 0));
        assert!(reserve.restore());
        assert!(!reserve.restore());
        assert_eq!((reserve.is_spent(), length()), (false, SIZE));
    }

    #[test]
    fn where_no_reserve_can_be_made_it_counts_as_given_up() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("reserve")).unwrap();
        assert!(Reserve::keep(dir.path()).is_spent());
    }
}
