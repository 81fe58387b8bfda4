//! The memory itself: a directory's files, as the revocation view wants them.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::geteuid;
use sealgate_host::sha256;
use sealgate_model::Uptime;
use sealgate_revocation::{Memory, MemoryError, Words, Writing};

use crate::ShareError;
use crate::directory::Directory;
use crate::locks::Lock;
use crate::mapping::Mapping;
use crate::opened::Opened;

/// Changes with whatever the files hold, or how.
const FORMAT: &str = concat!("2 ", env!("CARGO_PKG_VERSION"));

const CONTROL: &str = "control";
/// The control words' length, in bytes.
const CONTROL_BYTES: u64 = 4096;

/// Which of the control words, of those that are the memory's own, tells when the leader was at work: milliseconds of
/// uptime and one; 0: never yet.
const AT_WORK: usize = 448;

/// How long a writer waits for another one before something is taken to be wrong with it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Memory that all processes share which run as this user and open it for the same.
#[derive(Debug)]
pub struct SharedMemory {
    opened: Opened,
    control: Arc<Mapping>,
}

impl SharedMemory {
    /// The memory for `whose`, the texts that its users must have in common. It is in `base`, or else in
    /// `$XDG_RUNTIME_DIR`, `/dev/shm`, or the directory for temporary files: the first that can be used.
    pub fn open(base: Option<&Path>, whose: &[&str]) -> Result<Arc<Self>, ShareError> {
        let name = name(whose)?;
        let places = match base {
            Some(base) => vec![base.to_owned()],
            None => usual_places(),
        };
        let mut first = None;
        for place in places {
            match Self::open_in(&place, &name) {
                Ok(memory) => return Ok(Arc::new(memory)),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or(ShareError::Unsupported))
    }

    fn open_in(base: &Path, name: &str) -> Result<Self, ShareError> {
        let ours = format!("sealgate-{}", geteuid().as_raw());
        let opened = Opened::open(&Directory::in_base(base, &ours)?, name)?;
        let directory = &opened.directory;
        let file = directory.file(CONTROL)?;
        directory.take_room(&file, CONTROL, CONTROL_BYTES)?;
        let control = Mapping::of(&file).map_err(|error| ShareError::Unusable {
            path: directory.path().join(CONTROL),
            why: error.to_string(),
        })?;
        let control = Arc::new(control);
        Ok(Self { opened, control })
    }

    /// The directory that it is in.
    pub fn path(&self) -> &Path {
        self.opened.directory.path()
    }

    /// Whether this process leads from now on: at most one of all does, and when it ends another one may.
    pub fn try_lead(self: &Arc<Self>) -> Option<Leading> {
        self.take(Place::Leader)
    }

    /// Whether this process stands in from now on for a leader that is there and does nothing: at most one does.
    /// Whether that is so, its caller finds out by [`Self::leader_at_work`].
    pub fn try_stand_in(self: &Arc<Self>) -> Option<Leading> {
        self.take(Place::StandIn)
    }

    /// When the leader said last that it is at work, none if none ever did.
    pub fn leader_at_work(&self) -> Option<Uptime> {
        let millis = self.at_work().load(Ordering::Acquire).checked_sub(1)?;
        Some(Uptime::from_elapsed(Duration::from_millis(millis)))
    }

    fn take(self: &Arc<Self>, place: Place) -> Option<Leading> {
        let taken = place.lock(self)?.try_take();
        // Made only if it was taken: what is dropped lets go.
        taken.then(|| Leading {
            memory: Arc::clone(self),
            place,
        })
    }

    fn at_work(&self) -> &AtomicU64 {
        &self.control.words()[AT_WORK]
    }
}

/// Whose place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Leader,
    StandIn,
}

impl Place {
    fn lock(self, memory: &SharedMemory) -> Option<&Lock> {
        let locks = memory.opened.locks()?;
        Some(match self {
            Self::Leader => &locks.leader,
            Self::StandIn => &locks.stand_in,
        })
    }
}

/// The leave to follow the feed for every process, until it is dropped.
#[derive(Debug)]
pub struct Leading {
    memory: Arc<SharedMemory>,
    place: Place,
}

impl Leading {
    /// Whether this process leads still, or stands in.
    pub fn holds(&self) -> bool {
        self.place.lock(&self.memory).is_some_and(Lock::still_holds)
    }

    /// Whether it stands in for another process, which has the lead.
    pub fn stands_in(&self) -> bool {
        self.place == Place::StandIn
    }

    /// Says that the leader is at work at `now`, by the clock that all processes have in common.
    pub fn is_at_work(&self, now: Uptime) {
        if self.place == Place::Leader {
            let millis = u64::try_from(now.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
            let word = millis.saturating_add(1);
            self.memory.at_work().store(word, Ordering::Release);
        }
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        if let Some(lock) = self.place.lock(&self.memory) {
            lock.release();
        }
    }
}

impl Memory for SharedMemory {
    fn control(&self) -> Arc<dyn Words> {
        self.control.clone()
    }

    fn table(&self, generation: u64) -> Result<Arc<dyn Words>, MemoryError> {
        let file = self.opened.directory.existing(&table(generation));
        let file = file.map_err(|error| MemoryError(error.to_string()))?;
        mapped(&file)
    }

    fn make(&self, generation: u64, words: usize) -> Result<Arc<dyn Words>, MemoryError> {
        let bytes = u64::try_from(words).unwrap_or(u64::MAX).saturating_mul(8);
        let file = self.opened.directory.fresh(&table(generation), bytes);
        let file = file.map_err(|error| MemoryError(error.to_string()))?;
        mapped(&file)
    }

    fn retire(&self, generation: u64) {
        self.opened.directory.remove(&table(generation));
    }

    fn lock(&self) -> Result<Box<dyn Writing + '_>, MemoryError> {
        let lock = self.opened.locks().map(|locks| &locks.write);
        if let Some(lock) = lock.filter(|lock| lock.take(PATIENCE)) {
            return Ok(Box::new(Held(lock)));
        }
        let path = self.path().display();
        let why = format!("{path}: somebody else writes for too long");
        Err(MemoryError(why))
    }
}

/// The leave to write.
struct Held<'a>(&'a Lock);

impl Writing for Held<'_> {}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

fn mapped(file: &fs::File) -> Result<Arc<dyn Words>, MemoryError> {
    let mapping = Mapping::of(file).map_err(|error| MemoryError(error.to_string()))?;
    Ok(Arc::new(mapping))
}

fn table(generation: u64) -> String {
    format!("table-{generation}")
}

/// The directory's name: the first 128 bits of SHA-256 over what its users have in common, in hexadecimal.
fn name(whose: &[&str]) -> Result<String, ShareError> {
    // By the clock since the boot it is told how fresh the view is; a time namespace may shift it.
    let boot = said("/proc/sys/kernel/random/boot_id")?;
    let clock = fs::read_link("/proc/self/ns/time").unwrap_or_default();
    let clock = clock.to_string_lossy();
    let mut text = String::new();
    for part in [FORMAT, boot.trim(), &clock].iter().chain(whose) {
        // With its length, so that no two lists make one text. Writing to a String cannot fail.
        let _ = writeln!(text, "{}:{part}", part.len());
    }
    let mut name = String::new();
    for byte in sha256(text.as_bytes()).as_bytes().iter().take(16) {
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

fn said(path: &str) -> Result<String, ShareError> {
    fs::read_to_string(path).map_err(|error| ShareError::Unusable {
        path: PathBuf::from(path),
        why: error.to_string(),
    })
}

fn usual_places() -> Vec<PathBuf> {
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let runtime = runtime.filter(|path| path.is_absolute());
    let others = [PathBuf::from("/dev/shm"), env::temp_dir()];
    runtime.into_iter().chain(others).collect()
}
