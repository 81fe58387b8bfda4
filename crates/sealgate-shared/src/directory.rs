//! Directories and files that are ours alone: made so, or refused.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, FallocateFlags, FileType, Mode, OFlags, Stat, fallocate, fchmod, fstat, mkdirat, open,
    openat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::ShareError;

const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// A directory that belongs to us and that nobody else can look into.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
    /// Whether it was made just now.
    pub(crate) is_new: bool,
}

/// Which directory it is, whatever its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Identity(u64, u64);

impl Directory {
    /// `name` in `base`, which may be anybody's: no symbolic link is followed, and what is there already must be
    /// ours and closed to others.
    pub(crate) fn in_base(base: &Path, name: &str) -> Result<Self, ShareError> {
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let fd = open(base, flags, Mode::empty()).map_err(|errno| unusable(base, errno))?;
        Self::private(&fd, base, name)
    }

    /// `name` in this one.
    pub(crate) fn below(&self, name: &str) -> Result<Self, ShareError> {
        Self::private(&self.fd, &self.path, name)
    }

    fn private(parent: &OwnedFd, parent_path: &Path, name: &str) -> Result<Self, ShareError> {
        let path = parent_path.join(name);
        let mode = Mode::from_raw_mode(PRIVATE_DIRECTORY);
        let is_new = match mkdirat(parent, name, mode) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(unusable(&path, errno)),
        };
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
        let fd = match openat(parent, name, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::LOOP | Errno::NOTDIR) => {
                let why = "is no directory, or a symbolic link";
                return Err(ShareError::Foreign { path, why });
            }
            Err(errno) => return Err(unusable(&path, errno)),
        };
        if is_new {
            // Whatever the umask made of it.
            fchmod(&fd, mode).map_err(|errno| unusable(&path, errno))?;
        }
        let found = fstat(&fd).map_err(|errno| unusable(&path, errno))?;
        check(&found, FileType::Directory, PRIVATE_DIRECTORY, &path)?;
        Ok(Self { fd, path, is_new })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    pub(crate) fn identity(&self) -> Result<Identity, ShareError> {
        let found = fstat(&self.fd).map_err(|errno| unusable(&self.path, errno))?;
        Ok(Identity(found.st_dev, found.st_ino))
    }

    /// File `name`, made if it is not there.
    pub(crate) fn file(&self, name: &str) -> Result<File, ShareError> {
        self.open(name, OFlags::CREATE)
    }

    /// File `name`, which must be there.
    pub(crate) fn existing(&self, name: &str) -> Result<File, ShareError> {
        self.open(name, OFlags::empty())
    }

    /// File `name` anew, with room for so many bytes, all zero. What had that name keeps its holders.
    pub(crate) fn fresh(&self, name: &str, bytes: u64) -> Result<File, ShareError> {
        self.remove(name);
        let file = self.open(name, OFlags::CREATE | OFlags::EXCL)?;
        if let Err(error) = self.take_room(&file, name, bytes) {
            self.remove(name);
            return Err(error);
        }
        Ok(file)
    }

    /// Sees to it that so many bytes of `file` can be touched, now and later.
    pub(crate) fn take_room(&self, file: &File, name: &str, bytes: u64) -> Result<(), ShareError> {
        fallocate(file, FallocateFlags::empty(), 0, bytes)
            .map_err(|errno| unusable(&self.path.join(name), errno))
    }

    pub(crate) fn remove(&self, name: &str) {
        // Not there is as good as gone; and what stays is only room.
        let _ = unlinkat(&self.fd, name, AtFlags::empty());
    }

    /// Whether `name` still names `file`.
    pub(crate) fn holds(&self, name: &str, file: &File) -> bool {
        let named = statat(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW);
        let (Ok(named), Ok(held)) = (named, fstat(file)) else {
            return false;
        };
        (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
    }

    fn open(&self, name: &str, further: OFlags) -> Result<File, ShareError> {
        let path = self.path.join(name);
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | further;
        let mode = Mode::from_raw_mode(PRIVATE_FILE);
        let fd = match openat(&self.fd, name, flags, mode) {
            Ok(fd) => fd,
            Err(Errno::LOOP) => {
                let why = "is a symbolic link";
                return Err(ShareError::Foreign { path, why });
            }
            Err(errno) => return Err(unusable(&path, errno)),
        };
        let found = fstat(&fd).map_err(|errno| unusable(&path, errno))?;
        check(&found, FileType::RegularFile, PRIVATE_FILE, &path)?;
        Ok(File::from(fd))
    }
}

fn check(found: &Stat, kind: FileType, mode: u32, path: &Path) -> Result<(), ShareError> {
    let why = if FileType::from_raw_mode(found.st_mode) != kind {
        "is not what is expected there"
    } else if found.st_uid != geteuid().as_raw() {
        "belongs to another user"
    } else if found.st_mode & 0o7777 & !mode != 0 {
        "is open to others: only its owner may use it"
    } else {
        return Ok(());
    };
    let path = path.to_owned();
    Err(ShareError::Foreign { path, why })
}

pub(crate) fn unusable(path: &Path, errno: Errno) -> ShareError {
    ShareError::Unusable {
        path: path.to_owned(),
        why: io::Error::from(errno).to_string(),
    }
}
