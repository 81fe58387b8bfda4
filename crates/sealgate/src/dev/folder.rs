//! `.sealgate-dev`: what `sealgate dev` keeps for the next start. Only its owner can enter it, and Git
//! does not see it.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use sealgate_model::{Random, Secret};
use sealgate_server::DataDir;
use sealgate_session::SealKey;
use serde::{Deserialize, Serialize};

use super::password;
use crate::door;
use crate::failure::Failure;
use crate::settings::Settings;

/// Its name in the working directory.
pub(super) const NAME: &str = ".sealgate-dev";

/// The control plane's data directory in it.
const DATA: &str = "data";
/// What the application is told, and passwords.
const KEPT: &str = "dev.json";
const IGNORED: &str = ".gitignore";

/// The folder, open.
pub(super) struct Folder {
    path: PathBuf,
    kept: Kept,
}

/// What must be the same at the next start. No `Debug`: all of it is secret.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    seal_key: String,
    #[serde(default)]
    client_secret: Option<String>,
    /// By e-mail address.
    #[serde(default)]
    passwords: BTreeMap<String, String>,
}

impl Folder {
    /// Opens the folder, or makes it with a fresh seal key.
    pub(super) fn open(path: &Path, random: &dyn Random) -> Result<Self, Failure> {
        refuse_link(path)?;
        DataDir::create(path)?;
        ignore(&path.join(IGNORED))?;
        let place = path.join(KEPT);
        let path = path.to_owned();
        match fs::read(&place) {
            Ok(text) => match serde_json::from_slice(&text) {
                Ok(kept) => Ok(Self { path, kept }),
                Err(_) => Err(Failure::usage(
                    "dev_folder_unreadable",
                    format!("{} is not as sealgate dev left it", place.display()),
                )
                .with_hint("forget everything with --reset")),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let folder = Self {
                    path,
                    kept: Kept {
                        seal_key: SealKey::generate(random).to_text().expose().to_owned(),
                        client_secret: None,
                        passwords: BTreeMap::new(),
                    },
                };
                folder.keep()?;
                Ok(folder)
            }
            Err(error) => Err(Failure::usage(
                "dev_folder_unreadable",
                format!("cannot read {}: {error}", place.display()),
            )),
        }
    }

    /// Where the control plane keeps its own.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.path.join(DATA)
    }

    /// The key that seals the application's sessions.
    pub(super) fn seal_key(&self) -> &str {
        &self.kept.seal_key
    }

    /// The application's secret, once there is one.
    pub(super) fn client_secret(&self) -> Option<&str> {
        self.kept.client_secret.as_deref()
    }

    /// Keeps the application's secret.
    pub(super) fn keep_client_secret(&mut self, secret: &str) -> Result<(), Failure> {
        self.kept.client_secret = Some(secret.to_owned());
        self.keep()
    }

    /// The password of the account with this address, if it was made here.
    pub(super) fn password(&self, email: &str) -> Option<Secret> {
        let mut all = self.kept.passwords.iter();
        // The control plane, too, takes the same address in other letters for the same account.
        let found = all.find(|(known, _)| known.eq_ignore_ascii_case(email));
        found.map(|(_, password)| Secret::new(password))
    }

    /// The same, made and kept before anything gets it.
    pub(super) fn make_password(
        &mut self,
        email: &str,
        random: &dyn Random,
    ) -> Result<Secret, Failure> {
        if let Some(known) = self.password(email) {
            return Ok(known);
        }
        let made = password::make(random);
        let text = made.expose().to_owned();
        self.kept.passwords.insert(email.to_owned(), text);
        self.keep()?;
        Ok(made)
    }

    /// Writes the file, so that it is there whole or as it was.
    fn keep(&self) -> Result<(), Failure> {
        let place = self.path.join(KEPT);
        let draft = self.path.join("dev.json.new");
        let text = serde_json::to_vec_pretty(&self.kept).unwrap_or_default();
        let written = || -> io::Result<()> {
            match fs::remove_file(&draft) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&draft)?;
            file.write_all(&text)?;
            fs::rename(&draft, &place)
        };
        written().map_err(|error| unwritten(&place, &error))
    }
}

/// Removes the folder with everything in it, if it is one of ours and nobody uses it.
pub(super) async fn forget(path: &Path) -> Result<(), Failure> {
    refuse_link(path)?;
    if !path.exists() {
        return Ok(());
    }
    if !path.join(KEPT).is_file() {
        return Err(Failure::usage(
            "dev_folder_foreign",
            format!(
                "{} was not made by sealgate dev, so it stays",
                path.display()
            ),
        )
        .with_hint("look at it, and remove it yourself"));
    }
    let settings = Settings {
        data_dir: path.join(DATA),
        ..Settings::default()
    };
    if door::is_running(&settings).await {
        return Err(
            Failure::unavailable("dev_running", "`sealgate dev` runs in this directory")
                .with_hint("stop it first"),
        );
    }
    fs::remove_dir_all(path).map_err(|error| {
        let said = format!("cannot remove {}: {error}", path.display());
        Failure::unavailable("dev_folder_unwritable", said)
    })
}

/// A link would lead what is written, or removed, to somewhere else; and what is in another's directory,
/// that one replaces.
fn refuse_link(path: &Path) -> Result<(), Failure> {
    let problem = match fs::symlink_metadata(path) {
        Ok(found) if !found.is_dir() => "is not a directory of its own",
        Ok(found) if found.uid() != geteuid().as_raw() => "belongs to somebody else",
        _ => return Ok(()),
    };
    let said = format!("{} {problem}", path.display());
    Err(Failure::usage("dev_folder_foreign", said).with_hint("move it away"))
}

/// Has Git see nothing of the folder. Whatever is there already stays, also a link, which is not followed.
fn ignore(place: &Path) -> Result<(), Failure> {
    match OpenOptions::new().write(true).create_new(true).open(place) {
        Ok(mut file) => file.write_all(b"*\n"),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
    .map_err(|error| unwritten(place, &error))
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let said = format!("cannot write {}: {error}", path.display());
    Failure::unavailable("dev_folder_unwritable", said)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use sealgate_host::FakeRandom;

    use super::*;

    fn refused(opened: Result<Folder, Failure>) -> String {
        opened.err().unwrap().text()
    }

    #[test]
    fn what_is_kept_is_there_at_the_next_start_and_for_nobody_else() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join(NAME);
        let random = FakeRandom::seeded(1);
        let mut first = Folder::open(&path, &random).unwrap();
        let password = first.make_password("a@example.com", &random).unwrap();
        first.keep_client_secret("s3cret").unwrap();

        let mut next = Folder::open(&path, &random).unwrap();
        assert_eq!(next.seal_key(), first.seal_key());
        assert_eq!(next.client_secret(), Some("s3cret"));
        let again = next.make_password("a@example.com", &random).unwrap();
        assert_eq!(again.expose(), password.expose());
        let shouted = next.password("A@example.com").unwrap();
        assert_eq!(shouted.expose(), password.expose());
        assert!(next.password("b@example.com").is_none());

        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join(KEPT))), (0o700, 0o600));
        assert_eq!(fs::read_to_string(path.join(IGNORED)).unwrap(), "*\n");
    }

    #[test]
    fn a_folder_that_others_enter_or_that_leads_elsewhere_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let random = FakeRandom::seeded(1);
        let open = parent.path().join("open");
        Folder::open(&open, &random).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(refused(Folder::open(&open, &random)).contains("permissions_open"));

        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&open, &link).unwrap();
        assert!(refused(Folder::open(&link, &random)).contains("dev_folder_foreign"));
        // A directory that surely is another's, for whoever runs this.
        let other = if geteuid().is_root() {
            std::os::unix::fs::chown(&open, Some(65_534), None).unwrap();
            open.as_path()
        } else {
            Path::new("/")
        };
        assert!(refused(Folder::open(other, &random)).contains("belongs to somebody else"));
    }

    #[test]
    fn nothing_is_written_through_a_link_in_the_folder() {
        let parent = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (parent.path().join(NAME), parent.path().join("elsewhere"));
        DataDir::create(&path).unwrap();
        for name in [IGNORED, "dev.json.new"] {
            std::os::unix::fs::symlink(&elsewhere, path.join(name)).unwrap();
        }
        Folder::open(&path, &FakeRandom::seeded(1)).unwrap();
        assert!(!elsewhere.exists());
    }

    #[test]
    fn what_cannot_be_read_is_not_written_over() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join(NAME);
        let random = FakeRandom::seeded(1);
        Folder::open(&path, &random).unwrap();
        fs::write(path.join(KEPT), "{").unwrap();
        let said = refused(Folder::open(&path, &random));
        assert!(said.contains("dev_folder_unreadable") && said.contains("--reset"));
        assert_eq!(fs::read_to_string(path.join(KEPT)).unwrap(), "{");
    }

    #[tokio::test]
    async fn only_what_was_made_here_is_forgotten() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join(NAME);
        forget(&path).await.unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("theirs"), "x").unwrap();
        assert!(forget(&path).await.is_err());
        assert!(path.join("theirs").exists());
        fs::remove_file(path.join("theirs")).unwrap();
        Folder::open(&path, &FakeRandom::seeded(1)).unwrap();
        forget(&path).await.unwrap();
        assert!(!path.exists());
    }
}
