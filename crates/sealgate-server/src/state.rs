//! What every endpoint of the control plane is handed.

use std::sync::Arc;
use std::time::Duration;

use sealgate_audit::anomaly::Changes;
use sealgate_host::{Outbound, TrustedProxies};
use sealgate_keys::{KeyError, KeyPolicy, LONGEST_TOKEN, Schedules, SigningKeys};
use sealgate_model::{Clock, Issuer, Random};
use sealgate_oauth::DpopGuard;
use sealgate_session::KeyRing;
use sealgate_store::decisions::Retention;
use sealgate_store::{DecisionLog, NoDecisions, Store};

use crate::agent_policy::AgentPolicy;
use crate::anomalies::Anomalies;
use crate::audit_chain::{AuditChain, AuditPolicy};
use crate::device::DeviceThrottle;
use crate::feed::Feed;
use crate::gate_reports::ReportThrottle;
use crate::machines::UseMemory;
use crate::oauth::{ClientKeys, ClientThrottle, PublicThrottle};
use crate::own_clients::OwnClients;
use crate::refusals::Refusals;
use crate::serve::Host;
use crate::sign_in::passwords::PasswordQueue;
use crate::sign_in::throttle::SignInThrottle;
use crate::signals::Signals;
use crate::status_list::StatusLists;

/// How long things last.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// Access and ID tokens.
    pub access: Duration,
    /// An authorization code (RFC 9700 and FAPI 2.0 ask for at most 60 s).
    pub code: Duration,
    /// How long a spent refresh token is answered again with the same successor.
    pub grace: Duration,
    /// A session, whatever its activity (NIST SP 800-63B-4, AAL2: at most 24 h).
    pub session: Duration,
    /// A session without renewal (NIST SP 800-63B-4, AAL2: at most 1 h).
    pub idle: Duration,
    /// A browser signed in at the control plane.
    pub sign_in: Duration,
    /// An invitation link.
    pub invitation: Duration,
    /// The first administrator's set-up link.
    pub setup: Duration,
    /// A device code (RFC 8628, 3.2).
    pub device: Duration,
    /// A pushed authorization request (RFC 9126, 2.2; FAPI 2.0 asks for less than 600 s).
    pub request_uri: Duration,
}

/// What the operator decides besides how long things last.
#[derive(Debug, Clone)]
pub struct Policy {
    /// How long a signing key signs before the next one takes over; none: only on command.
    pub rotate_every: Option<Duration>,
    /// Whether clients may be registered for ML-DSA-65 (RFC 9964).
    pub ml_dsa: bool,
    /// Whether the administration API is served on the network, to those who have a token for it.
    pub admin_http: bool,
    /// After how long without a word of its receiver a new stream of security events is paused; none: never.
    pub signal_inactivity: Option<Duration>,
    /// The proxies that are believed when they tell whom they speak for.
    pub proxies: TrustedProxies,
    /// What is kept of acts, and for how long.
    pub audit: AuditPolicy,
    /// What is decided about AI agents, and about clients that no administrator registered.
    pub agents: AgentPolicy,
    /// What is otherwise about the rules of anomalies.
    pub anomalies: Changes,
    /// How much of what gates decided is kept.
    pub decisions: Retention,
    /// How much there may be of something.
    pub limits: Limits,
}

/// How much there may be of something at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections from the network; fewer where the process may not open as many descriptors.
    pub connections: usize,
    /// Streams of the revocation feed.
    pub feed_subscribers: usize,
    /// Passwords that wait to be hashed. At about 25 ms each, the last of 128 waits some seconds.
    pub password_queue: usize,
    /// Threads that hash passwords; none: one for every two processors.
    pub password_workers: Option<usize>,
    /// How long requests in flight get to finish after the signal to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Room for every place of the feed and as many more.
            connections: 8_192,
            feed_subscribers: 4_096,
            password_queue: 128,
            password_workers: None,
            drain: Duration::from_secs(10),
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            rotate_every: Some(Duration::from_secs(90 * 24 * 3600)),
            ml_dsa: false,
            admin_http: false,
            signal_inactivity: None,
            proxies: TrustedProxies::default(),
            audit: AuditPolicy::default(),
            agents: AgentPolicy::default(),
            anomalies: Changes::default(),
            decisions: Retention::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        const HOUR: u64 = 60 * MINUTE;
        Self {
            access: Duration::from_secs(5 * MINUTE),
            code: Duration::from_secs(MINUTE),
            grace: Duration::from_secs(20),
            session: Duration::from_secs(24 * HOUR),
            idle: Duration::from_secs(HOUR),
            sign_in: Duration::from_secs(24 * HOUR),
            invitation: Duration::from_secs(72 * HOUR),
            setup: Duration::from_secs(24 * HOUR),
            device: Duration::from_secs(10 * MINUTE),
            request_uri: Duration::from_secs(MINUTE),
        }
    }
}

/// The control plane: everything an endpoint needs, handed down at construction.
pub struct ControlPlane {
    /// The issuer identifier: the base of every URL.
    pub issuer: Issuer,
    /// What gates decided. It is let go of before the store, which holds the data directory for both.
    pub decisions: Arc<dyn DecisionLog>,
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// The way to URLs that clients registered.
    pub outbound: Arc<dyn Outbound>,
    /// Seals what rests in the store or travels through a browser.
    pub master: KeyRing,
    /// The signing keys.
    pub keys: SigningKeys,
    /// The bounded queue on which passwords are hashed.
    pub passwords: PasswordQueue,
    /// How often passwords were guessed.
    pub throttle: SignInThrottle,
    /// How often clients failed to authenticate.
    pub client_throttle: ClientThrottle,
    /// How often codes of devices were guessed.
    pub device_throttle: DeviceThrottle,
    /// How much was stored on the word of public clients.
    pub public_throttle: PublicThrottle,
    /// Clients' keys that were fetched.
    pub client_keys: ClientKeys,
    /// What is known of clients that no administrator registered.
    pub own_clients: OwnClients,
    /// Which uses of service accounts were noted of late.
    pub uses: UseMemory,
    /// Status lists as they were written.
    pub status_lists: StatusLists,
    /// The nonces for DPoP proofs, and the proofs that were used.
    pub dpop: Arc<DpopGuard>,
    /// What strangers were refused, counted until it is recorded.
    pub refusals: Refusals,
    /// What the keeper of the audit chain knows.
    pub chain: AuditChain,
    /// The revocation feed.
    pub feed: Feed,
    /// What the transmitter of security events shares.
    pub signals: Signals,
    /// The rules of anomalies.
    pub anomalies: Anomalies,
    /// How often gates report.
    pub gate_reports: ReportThrottle,
    /// How long things last.
    pub lifetimes: Lifetimes,
    /// What else the operator decided.
    pub policy: Policy,
}

impl ControlPlane {
    /// A control plane over an open store, its signing keys loaded or made. `master` opens what is
    /// sealed in the store.
    pub async fn new(
        issuer: Issuer,
        store: Arc<dyn Store>,
        master: KeyRing,
        host: Host,
        lifetimes: Lifetimes,
        policy: Policy,
    ) -> Result<Self, KeyError> {
        let Host {
            clock,
            random,
            outbound,
        } = host;
        let key_policy = KeyPolicy {
            token_life: lifetimes.access.max(LONGEST_TOKEN),
            session_life: lifetimes.session.max(policy.agents.lifetime),
            rotate_every: policy.rotate_every,
            ml_dsa: policy.ml_dsa,
            schedules: Schedules::NONE,
        };
        let dpop = Arc::new(DpopGuard::new(&*random));
        let keys = SigningKeys::load(
            Arc::clone(&store),
            master.clone(),
            Arc::clone(&clock),
            Arc::clone(&random),
            key_policy,
        )
        .await?;
        Ok(Self {
            issuer,
            store,
            decisions: Arc::new(NoDecisions::default()),
            clock,
            random,
            outbound,
            master,
            keys,
            passwords: PasswordQueue::within(&policy.limits),
            throttle: SignInThrottle::new(),
            client_throttle: ClientThrottle::new(),
            device_throttle: DeviceThrottle::new(),
            public_throttle: PublicThrottle::new(),
            client_keys: ClientKeys::new(),
            own_clients: OwnClients::new(),
            uses: UseMemory::new(),
            status_lists: StatusLists::new(),
            dpop,
            refusals: Refusals::new(),
            chain: AuditChain::new(),
            feed: Feed::with_room_for(policy.limits.feed_subscribers),
            signals: Signals::new(),
            anomalies: Anomalies::new(&policy.anomalies),
            gate_reports: ReportThrottle::new(),
            lifetimes,
            policy,
        })
    }
}
