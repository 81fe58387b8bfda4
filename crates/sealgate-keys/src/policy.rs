//! What decides how long signing keys live.

use std::time::Duration;

use sealgate_jose::Algorithm;

/// How long a key set may be cached: a key is published for at least this long before it signs, and
/// for at least this long after the last token it signed has expired.
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(300);

/// The longest life that any client's tokens may be given.
pub const LONGEST_TOKEN: Duration = Duration::from_secs(3600);

/// Room for clocks that disagree.
const MARGIN: Duration = Duration::from_secs(60);

/// How signing keys are to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPolicy {
    /// The longest life of any token that they sign.
    pub token_life: Duration,
    /// The longest life of a session that a token started.
    pub session_life: Duration,
    /// How long a key signs before the next one takes over; none: only on command.
    pub rotate_every: Option<Duration>,
    /// Whether ML-DSA-65 (RFC 9964) may be used.
    pub ml_dsa: bool,
    /// What is declared of single algorithms, in place of `rotate_every`.
    pub schedules: Schedules,
}

/// How long keys of single algorithms sign, where that is declared of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Schedules([Option<Duration>; Algorithm::ALL.len()]);

impl Schedules {
    /// Nothing is declared.
    pub const NONE: Self = Self([None; Algorithm::ALL.len()]);

    /// Notes that keys of `algorithm` sign for as long as `every`; zero: until they are replaced on command.
    pub fn set(&mut self, algorithm: Algorithm, every: Duration) {
        self.0[algorithm as usize] = Some(every);
    }
}

impl KeyPolicy {
    /// How long a key of `algorithm` signs before the next one takes over; none: only on command.
    pub fn rotates(&self, algorithm: Algorithm) -> Option<Duration> {
        match self.schedules.0[algorithm as usize] {
            Some(declared) => Some(declared).filter(|every| !every.is_zero()),
            None => self.rotate_every,
        }
    }

    /// How long a key that signs no more stays published: while a token it signed lives and a cache may
    /// still want the key.
    pub fn kept(&self) -> Duration {
        self.token_life + JWKS_MAX_AGE + MARGIN
    }

    /// How long the revocation of a key must be told: whatever the key vouched for is over then.
    pub fn told(&self) -> Duration {
        self.session_life + self.kept()
    }

    /// Whether keys of `algorithm` may be made and used.
    pub const fn allows(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::MlDsa65 => self.ml_dsa,
            Algorithm::Ed25519 | Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Ps256 => true,
        }
    }
}
