//! The data directory: beside the store's own files the master key, the last issuer and the administration socket,
//! none of which another user of the machine may reach.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use sealgate_model::{Issuer, Random, Secret};
use sealgate_session::{KeyRing, SealKey};
use zeroize::Zeroizing;

use crate::ServeError;

/// The administration socket's name inside the data directory.
pub const SOCKET_NAME: &str = "admin.sock";

const MASTER_KEY: &str = "master.key";
const ISSUER: &str = "issuer";
/// The store's.
const DATABASE: &str = "sealgate.db";

/// A directory only its owner can enter.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// Makes the directory if it is not there, closed to others; an empty one is closed. One with
    /// something in it must be closed already, as it may be another program's.
    pub fn create(path: &Path) -> Result<Self, ServeError> {
        if !path.is_dir() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(file("create", path))?;
        }
        let mut entries = fs::read_dir(path).map_err(file("read", path))?;
        if entries.next().is_none() {
            fs::set_permissions(path, Permissions::from_mode(0o700))
                .map_err(file("close", path))?;
        }
        Self::checked(path)
    }

    /// The directory of a control plane that has been started before.
    pub fn existing(path: &Path) -> Result<Self, ServeError> {
        // Either is enough: a database whose master key is missing must not pass for nothing at all.
        for name in [MASTER_KEY, DATABASE] {
            if fs::exists(path.join(name)).map_err(file("read", path))? {
                return Self::checked(path);
            }
        }
        Err(ServeError::NothingThere(path.to_owned()))
    }

    fn checked(path: &Path) -> Result<Self, ServeError> {
        closed(path, 0o700)?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    /// Where the administration socket is while a server runs.
    pub fn socket(&self) -> PathBuf {
        self.path.join(SOCKET_NAME)
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the master key is.
    pub(crate) fn master_key_path(&self) -> PathBuf {
        self.path.join(MASTER_KEY)
    }

    /// Reads the master key; none if there is no such file.
    pub(crate) fn master_key(&self) -> Result<Option<KeyRing>, ServeError> {
        let path = self.master_key_path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(file("read", &path)(source)),
        };
        closed(&path, 0o600)?;
        let ring = SealKey::parse(text.trim()).and_then(|key| KeyRing::new(vec![key]));
        ring.map(Some).map_err(|_| ServeError::MasterKey(path))
    }

    /// Makes the master key. The caller holds the data lock and has found none.
    pub(crate) fn create_master_key(&self, random: &dyn Random) -> Result<KeyRing, ServeError> {
        let key = SealKey::generate(random);
        let line = Secret::new(format!("{}\n", key.to_text().expose()));
        self.write_whole(MASTER_KEY, line.expose().as_bytes())?;
        KeyRing::new(vec![key]).map_err(|_| ServeError::MasterKey(self.master_key_path()))
    }

    /// The issuer that was last served from here.
    pub fn issuer(&self) -> Result<Option<Issuer>, ServeError> {
        let path = self.path.join(ISSUER);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(file("read", &path)(source)),
        }
    }

    /// Remembers the issuer, for commands that run while no server does. Writes nothing when it is the
    /// one that is remembered: a start must not need room on the disk.
    pub(crate) fn remember_issuer(&self, issuer: &Issuer) -> Result<(), ServeError> {
        if self.issuer()?.as_ref() == Some(issuer) {
            return Ok(());
        }
        self.write_whole(ISSUER, format!("{issuer}\n").as_bytes())
    }

    /// Writes a file that is either not there or whole, also after a crash.
    fn write_whole(&self, name: &str, content: &[u8]) -> Result<(), ServeError> {
        let target = self.path.join(name);
        let draft = self.path.join(format!("{name}.new"));
        // A draft from a crash was never used.
        if let Err(error) = fs::remove_file(&draft)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(file("remove", &draft)(error));
        }
        let written = || -> io::Result<()> {
            let mut out = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)?;
            out.write_all(content)?;
            out.sync_all()?;
            fs::rename(&draft, &target)?;
            File::open(&self.path)?.sync_all()
        };
        written().map_err(file("write", &target))
    }
}

/// Refuses what group or others can read, write or enter.
fn closed(path: &Path, wanted: u32) -> Result<(), ServeError> {
    let mode = fs::metadata(path)
        .map_err(file("read", path))?
        .permissions()
        .mode()
        & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        Ok(())
    } else {
        Err(ServeError::OpenToOthers {
            path: path.to_owned(),
            mode,
            wanted,
        })
    }
}

/// Names the file and the act in an I/O error.
pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ServeError {
    let path = path.to_owned();
    move |source| ServeError::File {
        action,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use sealgate_host::FakeRandom;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn random() -> FakeRandom {
        FakeRandom::seeded(1)
    }

    #[test]
    fn a_new_directory_and_its_master_key_are_closed_to_others() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/data");
        let dir = DataDir::create(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
        assert!(dir.master_key().unwrap().is_none());
        dir.create_master_key(&random()).unwrap();
        assert_eq!(mode(&path.join("master.key")), 0o600);
        assert!(dir.master_key().unwrap().is_some());
    }

    #[test]
    fn an_empty_directory_is_closed_and_a_full_open_one_is_refused() {
        let empty = tempfile::tempdir().unwrap();
        fs::set_permissions(empty.path(), Permissions::from_mode(0o755)).unwrap();
        DataDir::create(empty.path()).unwrap();
        assert_eq!(mode(empty.path()), 0o700);

        let full = tempfile::tempdir().unwrap();
        fs::write(full.path().join("theirs"), "x").unwrap();
        fs::set_permissions(full.path(), Permissions::from_mode(0o755)).unwrap();
        let error = DataDir::create(full.path()).unwrap_err();
        assert_eq!(error.code(), "permissions_open");
        assert_eq!(mode(full.path()), 0o755);
    }

    #[test]
    fn a_master_key_that_others_can_read_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::create(parent.path()).unwrap();
        dir.create_master_key(&random()).unwrap();
        fs::set_permissions(dir.master_key_path(), Permissions::from_mode(0o640)).unwrap();
        let error = dir.master_key().err().unwrap();
        assert_eq!(error.code(), "permissions_open");
        assert!(error.hint().unwrap().starts_with("run: chmod 600 "));
    }

    #[test]
    fn a_master_key_that_is_cut_short_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::create(parent.path()).unwrap();
        fs::write(dir.master_key_path(), "abc\n").unwrap();
        fs::set_permissions(dir.master_key_path(), Permissions::from_mode(0o600)).unwrap();
        assert_eq!(
            dir.master_key().err().unwrap().code(),
            "master_key_unreadable"
        );
    }

    #[test]
    fn a_directory_without_a_control_plane_is_told_apart() {
        let parent = tempfile::tempdir().unwrap();
        assert_eq!(
            DataDir::existing(parent.path()).unwrap_err().code(),
            "data_dir_empty"
        );
        assert_eq!(
            DataDir::existing(&parent.path().join("none"))
                .unwrap_err()
                .code(),
            "data_dir_empty"
        );
    }

    #[test]
    fn the_issuer_is_remembered() {
        let parent = tempfile::tempdir().unwrap();
        let dir = DataDir::create(parent.path()).unwrap();
        assert_eq!(dir.issuer().unwrap(), None);
        let issuer: Issuer = "https://id.example".parse().unwrap();
        dir.remember_issuer(&issuer).unwrap();
        let written = fs::metadata(parent.path().join(ISSUER)).unwrap().ino();
        dir.remember_issuer(&issuer).unwrap();
        let after = fs::metadata(parent.path().join(ISSUER)).unwrap().ino();
        assert_eq!(written, after, "what is there already is not written again");
        assert_eq!(dir.issuer().unwrap(), Some(issuer));
    }
}
