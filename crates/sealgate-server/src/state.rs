//! What every endpoint of the control plane is handed.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Clock, Issuer, Random};
use sealgate_session::KeyRing;
use sealgate_store::Store;

use crate::feed::Feed;
use crate::keys::SigningKeys;
use crate::refusals::Refusals;
use crate::sign_in::passwords::PasswordQueue;
use crate::sign_in::throttle::SignInThrottle;

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
        }
    }
}

/// The control plane: everything an endpoint needs, handed down at construction.
pub struct ControlPlane {
    /// The issuer identifier: the base of every URL.
    pub issuer: Issuer,
    /// What is remembered.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Seals what rests in the store or travels through a browser.
    pub master: KeyRing,
    /// The signing keys.
    pub keys: SigningKeys,
    /// The bounded queue on which passwords are hashed.
    pub passwords: PasswordQueue,
    /// How often passwords were guessed.
    pub throttle: SignInThrottle,
    /// What strangers were refused, counted until it is recorded.
    pub refusals: Refusals,
    /// The revocation feed.
    pub feed: Feed,
    /// How long things last.
    pub lifetimes: Lifetimes,
}
