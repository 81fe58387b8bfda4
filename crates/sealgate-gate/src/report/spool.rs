//! Batches on the disk while the control plane is away.
//!
//! One file is one batch, written whole or not at all, in a directory of the application's own that nobody else may
//! look into. Whichever process of the application is there delivers them, one process at a time; the control plane
//! knows what it has had already, so that a batch whose answer got lost counts once. A directory of somebody else's
//! is not used, and nothing in it is followed anywhere else: its owner could have what is written there land in
//! files of ours.
//!
//! What was denied is synced before it counts as kept, file and directory. What was allowed is not: it may be
//! sampled as well.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use sealgate_audit::decision::{BATCH_LIMIT, Stream, body_hash};

/// What a file begins with.
const MAGIC: &[u8; 8] = b"SGspool1";
/// What stands before a batch: the magic and its SHA-256.
const HEAD: usize = 8 + 32;
/// The most files of one application.
const FILES: usize = 16_384;
/// What a file that is being written ends with. One that is older than this was left behind by a process that ended.
const NEW: &str = ".new";
const LEFT_BEHIND: Duration = Duration::from_secs(600);
/// Opens nothing but what stands there itself, and waits for nobody at the other end of it.
const PLAIN: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK);

/// Tells files that are being written apart.
static TURN: AtomicU64 = AtomicU64::new(0);

/// A directory of batches that wait.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    dir: PathBuf,
    limit: u64,
}

/// Why a batch was not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    /// There is as much as there may be.
    #[error("the spool is full")]
    Full,
    /// The disk did not take it, or the directory cannot be used.
    #[error("the spool cannot be used: {0}")]
    Io(#[from] io::Error),
}

impl SpoolError {
    /// The stable reason code.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::Full => "spool_full",
            Self::Io(_) => "spool_unusable",
        }
    }
}

/// A batch to be kept, with what its file is called by.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) stream: Stream,
    pub(super) made_at: i64,
    pub(super) instance: [u8; 16],
    pub(super) sequence: u64,
    /// How many decisions it tells of: what is lost if the file is damaged.
    pub(super) decisions: u64,
}

/// A file of the spool.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Waiting {
    /// Sorts by when it was made.
    pub(super) name: String,
    pub(super) decisions: u64,
    pub(super) bytes: u64,
}

/// What a file holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The batch.
    Batch(Vec<u8>),
    /// Something else: it was damaged.
    Damaged,
    /// Nothing: somebody else has delivered it.
    Gone,
}

/// The right to deliver, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held, not looked at")] File);

impl Spool {
    /// The spool in `parent` of the application that `whose` names: its issuer and client. It may hold `limit`
    /// bytes. Nothing is made yet.
    pub(super) fn new(parent: &Path, whose: &str, limit: u64) -> Self {
        let hash = body_hash(whose.as_bytes());
        Self {
            dir: parent.join(format!("sealgate-{}", hex(&hash[..8]))),
            limit,
        }
    }

    /// Makes the directory, for its owner alone, and makes sure of it.
    fn ready(&self) -> io::Result<()> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir);
        made?;
        self.is_there()?;
        Ok(())
    }

    /// Whether the directory is there. It is an error if it is one that cannot be trusted.
    fn is_there(&self) -> io::Result<bool> {
        let found = match fs::symlink_metadata(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            found => found?,
        };
        let problem = if found.uid() != geteuid().as_raw() {
            "the directory is somebody else's"
        } else if !found.is_dir() || found.mode() & 0o077 != 0 {
            "others than its owner may look into it, or it is no directory"
        } else {
            return Ok(true);
        };
        Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
    }

    /// How to open files of the directory.
    fn options() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.custom_flags(PLAIN.bits().cast_signed()).mode(0o600);
        options
    }

    /// Keeps a batch. What was allowed may fill half of the room.
    pub(super) fn keep(&self, item: &Item, batch: &[u8]) -> Result<(), SpoolError> {
        self.ready()?;
        let waiting = self.waiting()?;
        let bytes: u64 = waiting.iter().map(|file| file.bytes).sum();
        let limit = match item.stream {
            Stream::Denied => self.limit,
            Stream::Allowed => self.limit / 2,
        };
        let grown = bytes + (HEAD + batch.len()) as u64;
        if grown > limit || waiting.len() >= FILES {
            return Err(SpoolError::Full);
        }
        let name = name_of(item);
        // Of its own: one that was cut short may be writing still, and has the same batch.
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let process = std::process::id();
        let made = self.dir.join(format!("{name}.{process}-{turn}{NEW}"));
        let written = Self::write(&made, item.stream, batch);
        let kept = written.and_then(|()| fs::rename(&made, self.dir.join(&name)));
        if let Err(error) = kept {
            // What is half written must not stay. A second failure changes nothing.
            let _ = fs::remove_file(&made);
            return Err(error.into());
        }
        if item.stream == Stream::Denied {
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }

    fn write(file: &Path, stream: Stream, batch: &[u8]) -> io::Result<()> {
        let mut file = Self::options().write(true).create_new(true).open(file)?;
        file.write_all(MAGIC)?;
        file.write_all(&body_hash(batch))?;
        file.write_all(batch)?;
        if stream == Stream::Denied {
            file.sync_all()?;
        }
        Ok(())
    }

    /// The right to deliver, unless another process has it or there is nothing.
    pub(super) fn turn(&self) -> io::Result<Option<Turn>> {
        if !self.is_there()? {
            return Ok(None);
        }
        let lock = Self::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.dir.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Turn(lock))),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// What waits, the oldest first.
    pub(super) fn waiting(&self) -> io::Result<Vec<Waiting>> {
        let entries = match fs::read_dir(&self.dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut waiting = Vec::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(decisions) = decisions_of(&name) else {
                if name.ends_with(NEW) {
                    Self::tidy(&entry);
                }
                continue;
            };
            // One that has gone meanwhile was delivered.
            if let Ok(found) = entry.metadata() {
                waiting.push(Waiting {
                    name,
                    decisions,
                    bytes: found.len(),
                });
            }
        }
        waiting.sort_unstable();
        Ok(waiting)
    }

    /// Removes a file that a process left behind half written. What cannot be removed now is removed later.
    #[expect(
        clippy::disallowed_methods,
        reason = "compared with what the file system tells, which is this clock's"
    )]
    fn tidy(entry: &fs::DirEntry) {
        let modified = entry.metadata().and_then(|found| found.modified());
        let age = modified
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        if age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = fs::remove_file(entry.path());
        }
    }

    /// Reads one.
    pub(super) fn read(&self, waiting: &Waiting) -> io::Result<Held> {
        let opened = Self::options()
            .read(true)
            .open(self.dir.join(&waiting.name));
        let file = match opened {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::Gone),
            file => file?,
        };
        if !file.metadata()?.is_file() {
            return Ok(Held::Damaged);
        }
        let mut bytes = Vec::new();
        // One more than there may be, to tell what is too long.
        file.take((HEAD + BATCH_LIMIT + 1) as u64)
            .read_to_end(&mut bytes)?;
        let sound = bytes
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_at_checked(32))
            .filter(|(hash, batch)| batch.len() <= BATCH_LIMIT && body_hash(batch) == **hash);
        Ok(match sound {
            Some((_, batch)) => Held::Batch(batch.to_vec()),
            None => Held::Damaged,
        })
    }

    /// Forgets one that was delivered.
    pub(super) fn forget(&self, waiting: &Waiting) -> io::Result<()> {
        match fs::remove_file(self.dir.join(&waiting.name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts one that is damaged aside, where it is not delivered. Only the newest of them is kept.
    pub(super) fn put_aside(&self, waiting: &Waiting) -> io::Result<()> {
        let to = self.dir.join("damaged");
        match fs::rename(self.dir.join(&waiting.name), to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `WHEN-INSTANCE-SEQUENCE-DECISIONS.STREAM`.
fn name_of(item: &Item) -> String {
    format!(
        "{:015}-{}-{:010}-{}.{}",
        item.made_at.max(0),
        hex(&item.instance),
        item.sequence,
        item.decisions,
        item.stream.as_str()
    )
}

/// How many decisions the file of this name tells of; none if it is no batch.
fn decisions_of(name: &str) -> Option<u64> {
    let (parts, stream) = name.split_once('.')?;
    Stream::named(stream)?;
    let mut parts = parts.split('-');
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (when, instance) = (parts.next()?, parts.next()?);
    let (sequence, decisions) = (parts.next()?, parts.next()?);
    let sound = is_number(when)
        && instance.len() == 32
        && instance.bytes().all(|byte| byte.is_ascii_hexdigit())
        && is_number(sequence)
        && is_number(decisions)
        && parts.next().is_none();
    decisions.parse().ok().filter(|_| sound)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn item(sequence: u64) -> Item {
        Item {
            stream: Stream::Denied,
            made_at: 1_700_000_000_000,
            instance: [0xab; 16],
            sequence,
            decisions: 3,
        }
    }

    fn spool(limit: u64) -> (tempfile::TempDir, Spool) {
        let parent = tempfile::tempdir().unwrap();
        let spool = Spool::new(parent.path(), "https://id.example notes", limit);
        (parent, spool)
    }

    #[test]
    fn what_is_kept_comes_back_in_order_and_is_its_owners_alone() {
        let (_parent, spool) = spool(1 << 20);
        for sequence in [2, 10, 1] {
            spool
                .keep(&item(sequence), format!("batch {sequence}").as_bytes())
                .unwrap();
        }
        let waiting = spool.waiting().unwrap();
        assert_eq!(waiting.len(), 3);
        let read: Vec<Held> = waiting.iter().map(|one| spool.read(one).unwrap()).collect();
        let expected = [1, 2, 10].map(|number| Held::Batch(format!("batch {number}").into_bytes()));
        assert_eq!(read, expected);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&spool.dir), 0o700);
        assert_eq!(mode(&spool.dir.join(&waiting[0].name)), 0o600);
        spool.forget(&waiting[0]).unwrap();
        spool.forget(&waiting[0]).unwrap();
        assert_eq!(spool.read(&waiting[0]).unwrap(), Held::Gone);
        assert_eq!(spool.waiting().unwrap().len(), 2);
    }

    #[test]
    fn what_is_damaged_is_told_from_what_is_not_and_put_aside() {
        let (_parent, spool) = spool(1 << 20);
        let batch = b"some decisions";
        spool.keep(&item(1), batch).unwrap();
        let waiting = spool.waiting().unwrap();
        let path = spool.dir.join(&waiting[0].name);
        let whole = fs::read(&path).unwrap();
        // Any byte of it, and any length.
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(&path, &changed).unwrap();
            assert_eq!(spool.read(&waiting[0]).unwrap(), Held::Damaged);
            fs::write(&path, &whole[..place]).unwrap();
            assert_eq!(spool.read(&waiting[0]).unwrap(), Held::Damaged);
        }
        spool.put_aside(&waiting[0]).unwrap();
        assert_eq!(spool.waiting().unwrap(), []);
        // Other files are nobody's batches.
        fs::write(spool.dir.join("notes.txt"), "x").unwrap();
        fs::write(spool.dir.join("1-2-3-4.denied"), "x").unwrap();
        assert_eq!(spool.waiting().unwrap(), []);
    }

    #[test]
    fn it_takes_no_more_than_it_may_and_less_of_what_was_allowed() {
        let (_parent, spool) = spool(1_000);
        let allowed = Item {
            stream: Stream::Allowed,
            ..item(9)
        };
        spool.keep(&allowed, &[0; 300]).unwrap();
        let more = Item {
            sequence: 8,
            ..allowed
        };
        assert!(matches!(
            spool.keep(&more, &[0; 300]),
            Err(SpoolError::Full)
        ));
        spool.keep(&item(1), &[0; 300]).unwrap();
        assert!(matches!(
            spool.keep(&item(2), &[0; 300]),
            Err(SpoolError::Full)
        ));
        assert_eq!(spool.waiting().unwrap().len(), 2);
    }

    #[test]
    fn a_directory_that_others_may_look_into_is_not_used() {
        let (_parent, spool) = spool(1_000);
        fs::create_dir(&spool.dir).unwrap();
        fs::set_permissions(&spool.dir, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(matches!(spool.keep(&item(1), b"x"), Err(SpoolError::Io(_))));
    }

    #[test]
    fn a_directory_of_somebody_elses_is_not_used() {
        if !geteuid().is_root() {
            // Nobody else can give a directory away.
            return;
        }
        let (_parent, spool) = spool(1_000);
        fs::create_dir(&spool.dir).unwrap();
        fs::set_permissions(&spool.dir, fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::chown(&spool.dir, Some(65_534), None).unwrap();
        assert!(matches!(spool.keep(&item(1), b"x"), Err(SpoolError::Io(_))));
        assert!(spool.turn().is_err());
        assert_eq!(fs::read_dir(&spool.dir).unwrap().count(), 0);
    }

    #[test]
    fn nothing_in_it_leads_elsewhere() {
        let (parent, spool) = spool(1_000);
        spool.keep(&item(1), b"x").unwrap();
        let elsewhere = parent.path().join("elsewhere");
        fs::write(&elsewhere, b"precious").unwrap();
        let link = |name: &str| {
            let _ = fs::remove_file(spool.dir.join(name));
            std::os::unix::fs::symlink(&elsewhere, spool.dir.join(name)).unwrap();
        };
        link("lock");
        assert!(spool.turn().is_err());
        let name = spool.waiting().unwrap().remove(0).name;
        link(&name);
        let waiting = spool.waiting().unwrap();
        assert!(spool.read(&waiting[0]).is_err(), "a link is not read");
        // What is no file at all is damaged, and can be put aside.
        fs::remove_file(spool.dir.join(&name)).unwrap();
        fs::create_dir(spool.dir.join(&name)).unwrap();
        assert_eq!(spool.read(&waiting[0]).unwrap(), Held::Damaged);
        spool.put_aside(&waiting[0]).unwrap();
        assert_eq!(spool.waiting().unwrap(), []);
        assert_eq!(fs::read(&elsewhere).unwrap(), b"precious");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the file system's own clock")]
    fn what_a_process_left_half_written_goes() {
        let (_parent, spool) = spool(1 << 20);
        spool.keep(&item(1), b"x").unwrap();
        let (old, young) = (spool.dir.join("a.new"), spool.dir.join("b.new"));
        fs::write(&young, b"half").unwrap();
        let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
        let file = File::create(&old).unwrap();
        file.set_modified(long_ago).unwrap();
        spool.keep(&item(2), b"x").unwrap();
        assert!(!old.exists() && young.exists());
        assert_eq!(spool.waiting().unwrap().len(), 2);
    }

    #[test]
    fn one_at_a_time_delivers() {
        let (_parent, spool) = spool(1_000);
        assert!(
            spool.turn().unwrap().is_none(),
            "there is nothing to deliver"
        );
        spool.keep(&item(1), b"x").unwrap();
        let turn = spool.turn().unwrap();
        assert!(turn.is_some());
        assert!(spool.turn().unwrap().is_none());
        drop(turn);
        assert!(spool.turn().unwrap().is_some());
    }
}
