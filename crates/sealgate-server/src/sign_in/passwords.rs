//! Password hashing on a bounded queue of its own.
//!
//! One hash takes a core for about 20 ms and 19 MiB. On threads of their own, and no more of them than
//! can be waited for, a flood of sign-ins slows nothing but other sign-ins.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use sealgate_model::{Random, Secret};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tracing::Instrument as _;

use crate::Limits;

pub(crate) use super::rules::{LONGEST_PASSWORD, SHORTEST_PASSWORD, check_rules};

/// Memory in KiB, passes and lanes of a new hash: OWASP's second choice, the least memory that keeps
/// GPUs at bay. A stored hash carries its own.
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);

/// The hash of a password nobody knows, at the same cost: the work done for an account that is not
/// there, so that its absence cannot be timed.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$VhQj8AphBwz3YfOLtpeA0A$UppdQ2XxjqMdUegsNiu1q9O6Ax23xt3utBdL9SiZe08";

/// How long a password waits for a place in the queue before it is told to come back. Places are
/// given in order of arrival, so that a crowd of guesses is a longer wait and not a closed door.
const PATIENCE: Duration = Duration::from_secs(10);

/// The queue is full, or no worker is left; try again in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("too many passwords are being checked")]
pub struct Busy;

impl Busy {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        "sign_in_busy"
    }
}

enum Job {
    Hash {
        password: Secret,
        salt: [u8; 16],
        reply: oneshot::Sender<String>,
    },
    Verify {
        password: Secret,
        hash: Option<String>,
        reply: oneshot::Sender<bool>,
    },
}

/// A job and its place in the queue, which is free again when the work begins.
#[derive(Debug)]
struct Queued(Job, OwnedSemaphorePermit);

/// The queue and the threads that work it off. Dropping it ends them after the work in hand.
#[derive(Debug)]
pub struct PasswordQueue {
    jobs: Sender<Queued>,
    depth: usize,
    places: Arc<Semaphore>,
    patience: Duration,
    worked: Arc<AtomicU64>,
    // Held so that a queue without workers fills up instead of failing.
    _waiting: Arc<Mutex<Receiver<Queued>>>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job(…)")
    }
}

impl PasswordQueue {
    /// A queue of the size the operator chose; unless told otherwise with one worker for every two
    /// cores, at least one, so that a flood of sign-ins leaves cores for everything else.
    pub(crate) fn within(limits: &Limits) -> Self {
        let workers = limits.password_workers.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
        });
        Self::new(workers, limits.password_queue)
    }

    /// A queue worked off by `workers` threads, in which at most `depth` passwords wait.
    pub fn new(workers: usize, depth: usize) -> Self {
        let (jobs, waiting) = channel::<Queued>();
        let waiting = Arc::new(Mutex::new(waiting));
        let worked = Arc::new(AtomicU64::new(0));
        for number in 0..workers {
            let (waiting, worked) = (Arc::clone(&waiting), Arc::clone(&worked));
            // Ends when the queue, and with it the only sender, is gone.
            let work = move || {
                step_back();
                loop {
                    let next = waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .recv();
                    match next {
                        Ok(Queued(job, place)) => {
                            drop(place);
                            job.run(&worked);
                        }
                        Err(_) => break,
                    }
                }
            };
            let thread = std::thread::Builder::new().name(format!("password-{number}"));
            if let Err(error) = thread.spawn(work) {
                tracing::error!(%error, "a password worker did not start");
            }
        }
        Self {
            jobs,
            depth,
            places: Arc::new(Semaphore::new(depth)),
            patience: PATIENCE,
            worked,
            _waiting: waiting,
        }
    }

    /// The same queue, in which nobody waits longer than `patience` for a place.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// How many passwords have a place and wait for a worker.
    pub(crate) fn waiting(&self) -> usize {
        self.depth.saturating_sub(self.places.available_permits())
    }

    /// How many times a password was hashed so far, to be kept or to be compared.
    pub(crate) fn worked(&self) -> u64 {
        self.worked.load(Ordering::Relaxed)
    }

    /// The argon2id hash of `password` in PHC form, salted with 16 bytes of `random`.
    pub async fn hash(&self, password: Secret, random: &dyn Random) -> Result<String, Busy> {
        let (reply, answer) = oneshot::channel();
        let salt = random.bytes::<16>();
        self.queue(Job::Hash {
            password,
            salt,
            reply,
        })
        .await?;
        let working = tracing::trace_span!(target: "telemetry", "password.work");
        answer.instrument(working).await.map_err(|_| Busy)
    }

    /// Whether `password` is the one that `hash` (PHC form) was made of. Without a hash it never is,
    /// after the same work.
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, Busy> {
        let (reply, answer) = oneshot::channel();
        self.queue(Job::Verify {
            password,
            hash,
            reply,
        })
        .await?;
        let working = tracing::trace_span!(target: "telemetry", "password.work");
        answer.instrument(working).await.map_err(|_| Busy)
    }

    async fn queue(&self, job: Job) -> Result<(), Busy> {
        let place = Arc::clone(&self.places).acquire_owned();
        let place = tokio::time::timeout(self.patience, place)
            .instrument(tracing::trace_span!(target: "telemetry", "password.wait"))
            .await;
        let place = place.map_err(|_| Busy)?.map_err(|_| Busy)?;
        self.jobs.send(Queued(job, place)).map_err(|_| Busy)
    }
}

/// Leaves the processor to whoever else wants it: passwords get what is left over, and a flood of them
/// is not felt at the other endpoints. Where the system does not let it, it costs them milliseconds.
fn step_back() {
    // Linux takes this for the thread that asks; elsewhere it would be for the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%error, "a password worker keeps its priority");
    }
}

impl Job {
    /// Does it, and counts it in `worked` before anybody hears of it.
    fn run(self, worked: &AtomicU64) {
        match self {
            // Nobody waits any more: the work would be for nothing, and floods consist of that.
            Self::Hash { reply, .. } if reply.is_closed() => {}
            Self::Verify { reply, .. } if reply.is_closed() => {}
            Self::Hash {
                password,
                salt,
                reply,
            } => {
                // Dropping `reply` unanswered is Busy to the caller: nothing was stored, so trying
                // again is right.
                if let Some(hash) = hash(&password, &salt) {
                    worked.fetch_add(1, Ordering::Relaxed);
                    let _ = reply.send(hash);
                }
            }
            Self::Verify {
                password,
                hash,
                reply,
            } => {
                let right = verify(&password, hash.as_deref());
                worked.fetch_add(1, Ordering::Relaxed);
                let _ = reply.send(right);
            }
        }
    }
}

fn hash(password: &Secret, salt: &[u8; 16]) -> Option<String> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).ok()?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    match hasher.hash_password_with_salt(password.expose().as_bytes(), salt) {
        Ok(hash) => Some(hash.to_string()),
        Err(error) => {
            tracing::error!(%error, "a password could not be hashed");
            None
        }
    }
}

fn verify(password: &Secret, hash: Option<&str>) -> bool {
    let matches = |text: &str| {
        let hash = PasswordHash::new(text);
        hash.is_ok_and(|hash| {
            Argon2::default()
                .verify_password(password.expose().as_bytes(), &hash)
                .is_ok()
        })
    };
    let known = matches(hash.unwrap_or(NOBODY));
    known && hash.is_some()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use sealgate_host::FakeRandom;

    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_and_no_other() {
        let queue = PasswordQueue::new(2, 4);
        let random = FakeRandom::default();
        let first = queue
            .hash(Secret::new("correct horse battery"), &random)
            .await
            .unwrap();
        let second = queue
            .hash(Secret::new("correct horse battery"), &random)
            .await
            .unwrap();
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, second, "the salt differs");
        assert_eq!(
            queue
                .verify(Secret::new("correct horse battery"), Some(first.clone()))
                .await,
            Ok(true)
        );
        assert_eq!(
            queue
                .verify(Secret::new("correct horse batterx"), Some(first))
                .await,
            Ok(false)
        );
    }

    #[tokio::test]
    async fn nobody_and_a_hash_that_is_none_never_match() {
        let queue = PasswordQueue::new(1, 1);
        assert_eq!(queue.verify(Secret::new("x"), None).await, Ok(false));
        assert_eq!(
            queue
                .verify(Secret::new("x"), Some("not a hash".to_owned()))
                .await,
            Ok(false)
        );
    }

    #[test]
    fn the_work_for_nobody_costs_what_a_new_hash_costs() {
        let ours = hash(&Secret::new("x"), &[7; 16]).unwrap();
        let costs = |text: &str| PasswordHash::new(text).unwrap().params;
        assert_eq!(costs(NOBODY), costs(&ours));
        let lengths = |text: &str| {
            let hash = PasswordHash::new(text).unwrap();
            (hash.salt.unwrap().len(), hash.hash.unwrap().len())
        };
        assert_eq!(lengths(NOBODY), lengths(&ours));
    }

    #[tokio::test]
    async fn a_crowd_larger_than_the_queue_is_worked_off_in_turn() {
        let queue = Arc::new(PasswordQueue::new(1, 2));
        let mut crowd = Vec::new();
        for _ in 0..20 {
            let queue = Arc::clone(&queue);
            crowd.push(tokio::spawn(async move {
                queue.verify(Secret::new("x"), None).await
            }));
        }
        for one in crowd {
            assert_eq!(one.await.unwrap(), Ok(false));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_place_in_vain_is_told_to_come_back() {
        let queue = PasswordQueue::new(0, 0);
        let began = tokio::time::Instant::now();
        assert_eq!(queue.verify(Secret::new("x"), None).await, Err(Busy));
        assert!(began.elapsed() >= PATIENCE);
    }

    #[tokio::test]
    async fn a_full_queue_without_patience_is_busy_at_once() {
        let queue = PasswordQueue::new(0, 1).with_patience(Duration::ZERO);
        let mut context = Context::from_waker(Waker::noop());
        let mut waiting = pin!(queue.verify(Secret::new("x"), None));
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        let refused = queue.verify(Secret::new("x"), None).await;
        assert_eq!(refused, Err(Busy));
    }
}
