//! From a data directory to a running control plane: opening, listening, housekeeping, stopping.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use sealgate_model::{Clock, Issuer, Random, Timestamp, Uptime};
use sealgate_store::{SqliteStore, Store};
use tokio::task::JoinHandle;

use crate::feed::Feed;
use crate::keys::SigningKeys;
use crate::listen::{AdminSocket, Bound, issuer_for};
use crate::refusals::Refusals;
use crate::sign_in::invitation::{SetupLink, create_setup};
use crate::sign_in::passwords::PasswordQueue;
use crate::sign_in::throttle::SignInThrottle;
use crate::{ControlPlane, DataDir, Lifetimes, Listen, ServeError, admin_app, app};

/// How long requests in flight get to finish after the signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// How often expired rows are swept and the signing keys' ages looked at.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// What a control plane is opened with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The issuer; without it the listener's own URL when serving, and the last one served otherwise.
    pub issuer: Option<Issuer>,
    /// How long things last.
    pub lifetimes: Lifetimes,
}

/// What the process hands to the control plane.
#[derive(Clone)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
}

impl ControlPlane {
    /// Opens the control plane of a data directory in which a server ran before, and which no other
    /// process uses now.
    ///
    /// # Errors
    /// [`ServeError::NothingThere`] if no server ever ran there, [`ServeError::Store`] with `Locked`
    /// while another process uses it, [`ServeError::IssuerUnknown`] if there is no issuer to take.
    pub async fn open(config: &Config, host: Host) -> Result<Arc<Self>, ServeError> {
        let dir = DataDir::existing(&config.data_dir)?;
        let store = open_store(&dir, &host).await?;
        let issuer = match &config.issuer {
            Some(issuer) => issuer.clone(),
            None => dir.issuer()?.ok_or(ServeError::IssuerUnknown)?,
        };
        Self::assemble(&dir, store, issuer, config.lifetimes, host).await
    }

    async fn assemble(
        dir: &DataDir,
        store: Arc<dyn Store>,
        issuer: Issuer,
        lifetimes: Lifetimes,
        host: Host,
    ) -> Result<Arc<Self>, ServeError> {
        let Host { clock, random } = host;
        let master = match dir.master_key()? {
            Some(ring) => ring,
            // A new master key would leave the keys that are there sealed for good.
            None if !store.keys().await?.is_empty() => {
                return Err(ServeError::MasterKeyLost(dir.master_key_path()));
            }
            None => dir.create_master_key(&*random)?,
        };
        let keys = SigningKeys::load(&store, &master, &clock, &random, &lifetimes)
            .await
            .map_err(|error| ServeError::Keys(error.to_string()))?;
        Ok(Arc::new(Self {
            issuer,
            store,
            clock,
            random,
            master,
            keys,
            passwords: PasswordQueue::new(password_workers(), PASSWORD_DEPTH),
            throttle: SignInThrottle::new(),
            refusals: Refusals::new(),
            feed: Feed::new(),
            lifetimes,
        }))
    }
}

/// How many passwords may wait to be hashed; more are told to come back. At about 25 ms each, the
/// last in the queue waits some seconds.
const PASSWORD_DEPTH: usize = 128;

/// One worker for every two cores, at least one, so that a flood of sign-ins leaves cores for
/// everything else.
fn password_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1))
}

async fn open_store(dir: &DataDir, host: &Host) -> Result<Arc<dyn Store>, ServeError> {
    let (path, host) = (dir.path().to_owned(), host.clone());
    let store =
        tokio::task::spawn_blocking(move || SqliteStore::open(&path, &*host.clock, &*host.random))
            .await
            .map_err(|error| ServeError::Serving(std::io::Error::other(error)))??;
    Ok(Arc::new(store))
}

/// What to tell whoever started the server.
#[derive(Debug, Clone)]
pub struct Announcement {
    /// The URL of the bound listener, with the port that was given.
    pub listening: String,
    /// The issuer.
    pub issuer: Issuer,
    /// The one-time link for the first administrator; none once there is one.
    pub setup: Option<SetupLink>,
    /// The issuer that was served from this data directory before, when it was another one: sessions
    /// from then do not fit the new issuer.
    pub former_issuer: Option<Issuer>,
}

/// A control plane that is bound to its sockets.
pub struct Server {
    plane: Arc<ControlPlane>,
    bound: Bound,
    admin: AdminSocket,
    announcement: Announcement,
}

impl Server {
    /// Opens or, on the first start, makes the data directory, its keys and its schema, and binds the
    /// listener and the administration socket. Connections are answered by [`Server::run`].
    pub async fn start(config: &Config, listen: &Listen, host: Host) -> Result<Self, ServeError> {
        // What can be refused without the data is, before anything is made.
        issuer_for(config.issuer.as_ref(), listen.address, listen.tls.is_some())?;
        let bound = Bound::bind(listen).await?;
        let dir = DataDir::create(&config.data_dir)?;
        let store = open_store(&dir, &host).await?;
        let issuer = issuer_for(config.issuer.as_ref(), bound.address, listen.tls.is_some())?;
        let former_issuer = dir.issuer()?.filter(|former| *former != issuer);
        let plane =
            ControlPlane::assemble(&dir, store, issuer.clone(), config.lifetimes, host).await?;
        if listen.tls.is_some() {
            // Without TLS there is a proxy in front, or nobody but this machine.
            plane.throttle.tell_networks_apart();
        }
        dir.remember_issuer(&issuer)?;
        let setup = if plane.store.admin_exists().await? {
            None
        } else {
            Some(create_setup(&plane).await?)
        };
        let admin = AdminSocket::bind(&dir)?;
        let announcement = Announcement {
            listening: bound.url(),
            issuer,
            setup,
            former_issuer,
        };
        Ok(Self {
            plane,
            bound,
            admin,
            announcement,
        })
    }

    /// What to tell whoever started the server.
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Serves until `stop` resolves, then lets requests in flight finish for up to ten seconds and
    /// ends the feed's streams at once.
    pub async fn run(
        self,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let public = Handle::new();
        let private = Handle::new();
        let closing = self.plane.feed.closing();
        let housekeeping = keep_house(Arc::clone(&self.plane));
        let stopping = tokio::spawn({
            let (plane, public, private) =
                (Arc::clone(&self.plane), public.clone(), private.clone());
            async move {
                stop.await;
                plane.feed.close();
                public.graceful_shutdown(Some(DRAIN));
                private.graceful_shutdown(Some(DRAIN));
            }
        });
        let served = tokio::try_join!(
            self.bound
                .serve(app(Arc::clone(&self.plane)), public, closing.clone()),
            self.admin
                .serve(admin_app(Arc::clone(&self.plane)), private, closing),
        );
        housekeeping.abort();
        stopping.abort();
        self.plane.refusals.flush_all(&self.plane).await;
        served.map(|_| ())
    }
}

/// Since when the two clocks agree about how much time passes.
///
/// What is deleted under a wrong time is gone when the time is set right: a jump a day ahead would end
/// every session, and forget every revocation of tokens that are good again when it is undone.
#[derive(Default)]
struct Steadiness {
    since: Option<(Timestamp, Uptime)>,
}

impl Steadiness {
    /// How far the clocks may drift apart: what setting a clock right bit by bit may do.
    const SLACK: Duration = Duration::from_secs(30);
    /// How long the clocks must have agreed before anything is deleted.
    const PROVEN: Duration = Duration::from_secs(10 * 60);
    /// How much longer than needed everything is kept besides.
    const MARGIN: Duration = Duration::from_secs(10 * 60);

    /// Before which time what expired may go: none that ever was, while the wall clock is not proven.
    fn expired_before(&mut self, now: Timestamp, uptime: Uptime) -> Timestamp {
        let (wall, start) = *self.since.get_or_insert((now, uptime));
        let passed = uptime.since(start);
        let expected = wall + passed;
        if now.since(expected) > Self::SLACK || expected.since(now) > Self::SLACK {
            tracing::warn!(
                "the system's time was set; nothing is swept until it has held for ten minutes"
            );
            self.since = Some((now, uptime));
            return Timestamp::from_millis(0);
        }
        if passed < Self::PROVEN {
            return Timestamp::from_millis(0);
        }
        now - Self::MARGIN
    }
}

/// Sweeps what expired and moves signing keys along, every minute. A failure is logged and tried
/// again a minute later: nothing that is refused depends on it.
fn keep_house(plane: Arc<ControlPlane>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut rounds = tokio::time::interval(HOUSEKEEPING);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut steadiness = Steadiness::default();
        loop {
            rounds.tick().await;
            plane.refusals.flush(&plane).await;
            let before = steadiness.expired_before(plane.clock.now(), plane.clock.uptime());
            // Asked every time: the store also looks after its room on the disk.
            match plane.store.sweep(before).await {
                Ok(0) => {}
                Ok(rows) => tracing::debug!(rows, "swept expired rows"),
                Err(error) => {
                    tracing::warn!(reason = error.code(), %error, "expired rows were not swept");
                }
            }
            if let Err(error) = plane.keys.tick(&plane).await {
                tracing::warn!(%error, "the signing keys were not looked after");
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeClock;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn round(steadiness: &mut Steadiness, clock: &FakeClock) -> Option<Duration> {
        let before = steadiness.expired_before(clock.now(), clock.uptime());
        (before > Timestamp::from_millis(0)).then(|| clock.now().since(before))
    }

    #[test]
    fn nothing_is_swept_until_a_changed_wall_clock_has_held_for_ten_minutes() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let clock = FakeClock::at(start);
        let mut steadiness = Steadiness::default();
        for _ in 0..10 {
            assert_eq!(round(&mut steadiness, &clock), None);
            clock.advance(MINUTE);
        }
        assert_eq!(round(&mut steadiness, &clock), Some(10 * MINUTE));

        // A day ahead for some minutes, and back.
        let ahead = clock.now() + 26 * 60 * MINUTE;
        clock.step_wall_clock(ahead);
        for _ in 0..5 {
            assert_eq!(round(&mut steadiness, &clock), None);
            clock.advance(MINUTE);
        }
        clock.step_wall_clock(start + 15 * MINUTE);
        for _ in 0..10 {
            assert_eq!(round(&mut steadiness, &clock), None);
            clock.advance(MINUTE);
        }
        assert_eq!(round(&mut steadiness, &clock), Some(10 * MINUTE));
        // A correction by a second is none to speak of.
        let now = clock.now();
        clock.step_wall_clock(now - Duration::from_secs(1));
        assert_eq!(round(&mut steadiness, &clock), Some(10 * MINUTE));
    }

    fn host() -> Host {
        Host {
            clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000))),
            random: Arc::new(sealgate_host::FakeRandom::seeded(1)),
        }
    }

    #[tokio::test]
    async fn a_start_that_cannot_listen_makes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: parent.path().join("data"),
            issuer: Some("https://id.example".parse().unwrap()),
            lifetimes: Lifetimes::default(),
        };
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let nowhere = parent.path().join("none.pem");
        for (listen, reason) in [
            (
                Listen {
                    address: taken.local_addr().unwrap(),
                    tls: None,
                },
                "address_unusable",
            ),
            (
                Listen {
                    address: ([127, 0, 0, 1], 0).into(),
                    tls: Some(crate::Tls {
                        cert: nowhere.clone(),
                        key: nowhere,
                    }),
                },
                "tls_unusable",
            ),
        ] {
            let refused = Server::start(&config, &listen, host()).await.err().unwrap();
            assert_eq!(refused.code(), reason);
            assert!(!config.data_dir.exists());
        }
    }

    #[tokio::test]
    async fn a_lost_master_key_is_told_from_a_server_that_never_ran() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: dir.path().to_owned(),
            issuer: Some("https://id.example".parse().unwrap()),
            lifetimes: Lifetimes::default(),
        };
        let listen = Listen {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
        };
        let open = async || {
            ControlPlane::open(&config, host())
                .await
                .err()
                .unwrap()
                .code()
        };
        assert_eq!(open().await, "data_dir_empty");
        drop(Server::start(&config, &listen, host()).await.unwrap());
        std::fs::remove_file(dir.path().join("master.key")).unwrap();
        assert_eq!(open().await, "master_key_lost");
    }
}
