//! From a data directory to a running control plane: opening, listening, housekeeping, stopping.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use sealgate_model::{Clock, Issuer, Random};
use sealgate_store::{SqliteStore, Store};
use tokio::task::JoinHandle;

use crate::feed::Feed;
use crate::keys::SigningKeys;
use crate::listen::{AdminSocket, Bound, issuer_for};
use crate::sign_in::invitation::{SetupLink, create_setup};
use crate::sign_in::passwords::PasswordQueue;
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
        // What needs no port is refused before anything is made.
        issuer_for(config.issuer.as_ref(), listen.address, listen.tls.is_some())?;
        let dir = DataDir::create(&config.data_dir)?;
        let store = open_store(&dir, &host).await?;
        let bound = Bound::bind(listen).await?;
        let issuer = issuer_for(config.issuer.as_ref(), bound.address, listen.tls.is_some())?;
        let former_issuer = dir.issuer()?.filter(|former| *former != issuer);
        let plane =
            ControlPlane::assemble(&dir, store, issuer.clone(), config.lifetimes, host).await?;
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
            self.bound.serve(app(Arc::clone(&self.plane)), public),
            self.admin
                .serve(admin_app(Arc::clone(&self.plane)), private),
        );
        housekeeping.abort();
        stopping.abort();
        served.map(|_| ())
    }
}

/// Sweeps what expired and moves signing keys along, every minute. A failure is logged and tried
/// again a minute later: nothing that is refused depends on it.
fn keep_house(plane: Arc<ControlPlane>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut rounds = tokio::time::interval(HOUSEKEEPING);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            match plane.store.sweep(plane.clock.now()).await {
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
