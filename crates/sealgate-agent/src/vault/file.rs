//! The vault's file: ours alone, replaced as a whole, changed by one process at a time.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::VaultError;
use super::format::FILE_LIMIT;

/// A lock that is held; let go when dropped.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "the lock lives as long as its file is open")] File);

/// Where the file is.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
}

impl Place {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn exists(&self) -> bool {
        self.path.symlink_metadata().is_ok()
    }

    /// The file's text, if there is one.
    pub(super) fn read(&self) -> Result<Option<String>, VaultError> {
        let file = match open(OpenOptions::new().read(true), &self.path) {
            Ok(file) => file,
            Err(error) if missing(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        ours(&self.folder())?;
        let mut bytes = Vec::new();
        file.take(FILE_LIMIT as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(failed("read", &self.path))?;
        if bytes.len() > FILE_LIMIT {
            return Err(VaultError::Malformed("it has more than 1 MiB"));
        }
        let text = String::from_utf8(bytes);
        Ok(Some(
            text.map_err(|_| VaultError::Malformed("it is no text"))?,
        ))
    }

    /// Makes the folder, if there is none.
    pub(super) fn prepare(&self) -> Result<(), VaultError> {
        let folder = self.folder();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(failed("make", &folder))?;
        ours(&folder)
    }

    /// Puts a file with this text in the place of the one that is there.
    pub(super) fn replace(&self, text: &str) -> Result<(), VaultError> {
        // Only the holder of the lock writes a draft: one that is there was left by a crash.
        let draft = self.beside("new");
        match fs::remove_file(&draft) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &draft)(error));
            }
            _ => {}
        }
        let mut options = OpenOptions::new();
        let mut file = open(options.write(true).create_new(true), &draft)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(failed("write", &draft))?;
        fs::rename(&draft, &self.path).map_err(failed("replace", &self.path))?;
        let folder = self.folder();
        File::open(&folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed("write", &folder))
    }

    pub(super) fn remove(&self) -> Result<(), VaultError> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }

    /// Waits for the lock of that name. The lock's file stays: removing it would let two processes hold
    /// a lock on different files of one name.
    pub(super) fn hold(&self, name: &str) -> Result<Held, VaultError> {
        let path = if name.is_empty() {
            self.beside("lock")
        } else {
            let digest = sealgate_host::sha256(name.as_bytes());
            let mut first = [0; 8];
            first.copy_from_slice(&digest.as_bytes()[..8]);
            let hex = u64::from_be_bytes(first);
            self.beside(&format!("{hex:016x}.lock"))
        };
        let mut options = OpenOptions::new();
        let file = open(
            options.read(true).write(true).create(true).truncate(false),
            &path,
        )?;
        file.lock().map_err(failed("lock", &path))?;
        Ok(Held(file))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_os_string();
        name.push(format!(".{ending}"));
        self.path.with_file_name(name)
    }

    fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder.to_owned(),
            _ => PathBuf::from("."),
        }
    }
}

/// Whoever can write to the folder can put another file in the place of ours.
fn ours(folder: &Path) -> Result<(), VaultError> {
    let metadata = fs::metadata(folder).map_err(failed("look at", folder))?;
    exposed(folder, &metadata, 0o022, "can be changed")
}

/// Opens a file of ours that nobody else can read or change, and that is no link. With `O_NONBLOCK`, a
/// pipe of that name does not stop us.
fn open(options: &mut OpenOptions, path: &Path) -> Result<File, VaultError> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = options
        .mode(0o600)
        .custom_flags(flags)
        .open(path)
        .map_err(|error| {
            if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
                return VaultError::Exposed(path.to_owned(), "is a symbolic link".to_owned());
            }
            failed("open", path)(error)
        })?;
    let metadata = file.metadata().map_err(failed("look at", path))?;
    if !metadata.is_file() {
        return Err(VaultError::Exposed(
            path.to_owned(),
            "is no plain file".to_owned(),
        ));
    }
    exposed(path, &metadata, 0o077, "is open")?;
    Ok(file)
}

fn exposed(path: &Path, metadata: &fs::Metadata, others: u32, how: &str) -> Result<(), VaultError> {
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        let said = "belongs to another user of this machine".to_owned();
        return Err(VaultError::Exposed(path.to_owned(), said));
    }
    let mode = metadata.mode() & 0o7777;
    if mode & others != 0 {
        let by = if how == "is open" { "to" } else { "by" };
        let said = format!("{how} {by} other users of this machine (mode {mode:o})");
        return Err(VaultError::Exposed(path.to_owned(), said));
    }
    Ok(())
}

fn failed<'a>(verb: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> VaultError + 'a {
    move |source| VaultError::File {
        verb,
        path: path.to_owned(),
        source,
    }
}

fn missing(error: &VaultError) -> bool {
    matches!(error, VaultError::File { source, .. } if source.kind() == io::ErrorKind::NotFound)
}
