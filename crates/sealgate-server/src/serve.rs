//! From a data directory to a running control plane: opening, listening, housekeeping, stopping.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use axum_server::Handle;
use sealgate_host::Outbound;
use sealgate_model::{Clock, Issuer, Random};
use sealgate_store::{SqliteDecisions, SqliteStore, Store};
use tokio::task::JoinSet;

use crate::connection::{Places, places_on_the_network};
use crate::housekeeping::keep_house;
use crate::listen::{AdminSocket, Bound, issuer_for};
use crate::metrics::UPKEEP;
use crate::sign_in::invitation::{SetupLink, create_setup};
use crate::{
    ControlPlane, DataDir, Lifetimes, Listen, Metrics, Policy, ServeError, anomalies, app,
    audit_chain, backchannel, exports, metrics_app, operator_app, receiver, signals,
};

/// How many connections the metrics' own listener takes at once.
const SCRAPES: usize = 8;

/// What a control plane is opened with.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The issuer; without it the listener's own URL when serving, and the last one served otherwise.
    pub issuer: Option<Issuer>,
    /// How long things last.
    pub lifetimes: Lifetimes,
    /// What else the operator decides.
    pub policy: Policy,
}

/// What the process hands to the control plane.
#[derive(Clone)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The way to URLs that clients registered.
    pub outbound: Arc<dyn Outbound>,
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
        Self::assemble(&dir, store, issuer, config, host).await
    }

    async fn assemble(
        dir: &DataDir,
        store: Arc<SqliteStore>,
        issuer: Issuer,
        config: &Config,
        host: Host,
    ) -> Result<Arc<Self>, ServeError> {
        store.keep_networks(config.policy.audit.network);
        let (restored, restored_at) = (store.restored().cloned(), store.restored_at());
        let store: Arc<dyn Store> = store;
        let master = match dir.master_key()? {
            Some(ring) => ring,
            // A new master key would leave the keys that are there sealed for good.
            None if !store.keys().await?.is_empty() => {
                return Err(ServeError::MasterKeyLost(dir.master_key_path()));
            }
            None => dir.create_master_key(&*host.random)?,
        };
        let (lifetimes, policy) = (config.lifetimes, config.policy.clone());
        // Opened while the store holds the directory.
        let folder = dir.path().to_owned();
        let decisions = tokio::task::spawn_blocking(move || SqliteDecisions::open(&folder))
            .await
            .map_err(|error| ServeError::Serving(std::io::Error::other(error)))??;
        let mut plane = Self::new(issuer, store, master, host, lifetimes, policy)
            .await
            .map_err(|error| ServeError::Keys(error.to_string()))?;
        plane.decisions = Arc::new(decisions);
        match (&restored, restored_at) {
            (Some(restored), _) => plane.was_restored(restored).await,
            (None, Some(at)) => plane.goes_on_restored(at).await,
            (None, None) => {}
        }
        Ok(Arc::new(plane))
    }
}

async fn open_store(dir: &DataDir, host: &Host) -> Result<Arc<SqliteStore>, ServeError> {
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
    /// The URL of the metrics' own listener, if it has one.
    pub metrics: Option<String>,
    /// The issuer.
    pub issuer: Issuer,
    /// The one-time link for the first administrator; none once there is one.
    pub setup: Option<SetupLink>,
    /// Whether the database was put back from a copy: then everything started until now is revoked.
    pub restored: bool,
    /// The issuer that was served from this data directory before, when it was another one: sessions
    /// from then do not fit the new issuer.
    pub former_issuer: Option<Issuer>,
}

/// A control plane that is bound to its sockets.
pub struct Server {
    plane: Arc<ControlPlane>,
    bound: Bound,
    metrics: Option<Bound>,
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
        let metrics = match listen.metrics {
            Some(address) => Some(Bound::for_metrics(address).await?),
            None => None,
        };
        let dir = DataDir::create(&config.data_dir)?;
        let store = open_store(&dir, &host).await?;
        let issuer = issuer_for(config.issuer.as_ref(), bound.address, listen.tls.is_some())?;
        let former_issuer = dir.issuer()?.filter(|former| *former != issuer);
        let restored = store.restored().is_some();
        let plane = ControlPlane::assemble(&dir, store, issuer.clone(), config, host).await?;
        if listen.tls.is_some() || !plane.policy.proxies.is_empty() {
            // Without TLS there is a proxy in front, or nobody but this machine.
            plane.throttle.tell_networks_apart();
        }
        if let Some(tls) = &listen.tls {
            plane.anomalies.certificate_is(tls.cert.clone());
        }
        dir.remember_issuer(&issuer)?;
        // Before anything new is signed: what does not fit the last checkpoint must not be signed over unseen.
        plane.compare_beside().await?;
        plane.record_start(config, listen).await?;
        let setup = if plane.store.admin_exists().await? {
            None
        } else {
            Some(create_setup(&plane).await?)
        };
        let admin = AdminSocket::bind(&dir)?;
        let announcement = Announcement {
            listening: bound.url(),
            metrics: metrics.as_ref().map(Bound::url),
            issuer,
            setup,
            restored,
            former_issuer,
        };
        Ok(Self {
            plane,
            bound,
            metrics,
            admin,
            announcement,
        })
    }

    /// What to tell whoever started the server.
    pub fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Serves until `stop` resolves, then lets requests in flight finish for as long as the operator
    /// allows, and ends the feed's streams at once. What happens is counted in `counted`.
    pub async fn run(
        self,
        counted: Metrics,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let Self {
            plane,
            bound,
            metrics,
            admin,
            ..
        } = self;
        let (counted, limits) = (Arc::new(counted), plane.policy.limits);
        let (public, scraped, private) = (Handle::new(), Handle::new(), Handle::new());
        let closing = plane.feed.closing();
        let mut chores = JoinSet::new();
        chores.spawn(keep_house(Arc::clone(&plane)));
        chores.spawn(backchannel::deliver(Arc::clone(&plane)));
        chores.spawn(signals::deliver(Arc::clone(&plane)));
        chores.spawn(receiver::listen(Arc::clone(&plane)));
        chores.spawn(exports::deliver(Arc::clone(&plane)));
        chores.spawn(keep_up(Arc::clone(&counted)));
        chores.spawn(audit_chain::keep(Arc::clone(&plane)));
        chores.spawn(anomalies::watch(Arc::clone(&plane)));
        chores.spawn({
            let (plane, public, scraped, private) = (
                Arc::clone(&plane),
                public.clone(),
                scraped.clone(),
                private.clone(),
            );
            async move {
                stop.await;
                plane.feed.close();
                public.graceful_shutdown(Some(limits.drain));
                scraped.graceful_shutdown(Some(limits.drain));
                private.graceful_shutdown(Some(limits.drain));
            }
        });
        let places = places_on_the_network(limits.connections);
        tracing::debug!(places, "connections from the network");
        let places = if plane.throttle.tells_networks_apart() {
            Places::shared_out(places, plane.policy.proxies.clone())
        } else {
            Places::new(places)
        };
        let monitoring = async {
            let Some(bound) = metrics else {
                return Ok(());
            };
            let app = metrics_app(Arc::clone(&plane), Arc::clone(&counted));
            bound
                .serve(app, Places::new(SCRAPES), scraped, closing.clone())
                .await
        };
        let served = tokio::try_join!(
            bound.serve(app(Arc::clone(&plane)), places, public, closing.clone()),
            admin.serve(
                operator_app(Arc::clone(&plane), Arc::clone(&counted)),
                private,
                closing.clone(),
            ),
            monitoring,
        );
        drop(chores);
        plane.refusals.flush_all(&plane).await;
        plane.record_stop().await;
        served.map(|_| ())
    }
}

/// Puts measurements into their buckets from time to time.
async fn keep_up(counted: Arc<Metrics>) {
    let mut rounds = tokio::time::interval(UPKEEP);
    rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        rounds.tick().await;
        counted.keep_up();
    }
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeClock;
    use sealgate_model::Timestamp;

    use super::*;

    fn host() -> Host {
        Host {
            clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000))),
            random: Arc::new(sealgate_host::FakeRandom::seeded(1)),
            outbound: Arc::new(sealgate_host::FakeOutbound::new()),
        }
    }

    #[tokio::test]
    async fn a_start_that_cannot_listen_makes_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: parent.path().join("data"),
            issuer: Some("https://id.example".parse().unwrap()),
            lifetimes: Lifetimes::default(),
            policy: Policy::default(),
        };
        let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let nowhere = parent.path().join("none.pem");
        for (listen, reason) in [
            (
                Listen {
                    address: taken.local_addr().unwrap(),
                    tls: None,
                    metrics: None,
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
                    metrics: None,
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
            policy: Policy::default(),
        };
        let listen = Listen {
            address: ([127, 0, 0, 1], 0).into(),
            tls: None,
            metrics: None,
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
