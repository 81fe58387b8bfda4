//! How often a password may be guessed (NIST SP 800-63B-4, 3.2.2; OWASP ASVS 5.0, 6.3.1).
//!
//! Attempts are counted for each account, and for each network where the server can tell networks
//! apart. An attempt counts before its password is looked at, so that many at once gain nothing, and
//! is given back when the password was right.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::{Uptime, UserId};

use crate::limits::{Buckets, Rate};
use crate::network::Network;

/// Attempts on one account: so many at once, then one each time this has passed.
const ACCOUNT: Rate = Rate {
    at_once: 10,
    every: Duration::from_secs(6),
};

/// Attempts from one network: 100 a minute.
const NETWORK: Rate = Rate {
    at_once: 100,
    every: Duration::from_millis(600),
};

/// The attempts that still count.
#[derive(Debug, Default)]
pub struct SignInThrottle {
    apart: AtomicBool,
    attempts: Mutex<Attempts>,
}

#[derive(Debug, Default)]
struct Attempts {
    accounts: Buckets<Account>,
    networks: Buckets<Network>,
}

/// Whose password is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    /// An account that there is.
    Known(UserId),
    /// One that there is not, which is limited all the same so that this does not show: the hash of
    /// its address.
    Unknown([u8; 32]),
}

impl Account {
    /// The account that nobody has, by its address in whatever case.
    pub(crate) fn unknown(email: &str) -> Self {
        Self::Unknown(*sha256(email.trim().to_lowercase().as_bytes()).as_bytes())
    }
}

/// An attempt that counts, to be given back if it was no guess.
#[derive(Debug)]
pub(crate) struct Attempt {
    account: Account,
    network: Option<Network>,
}

impl SignInThrottle {
    /// No attempts yet, and all of them from one network.
    pub fn new() -> Self {
        Self::default()
    }

    /// Callers connect on their own, or through proxies that tell of them: addresses say whose they are.
    pub(crate) fn tell_networks_apart(&self) {
        self.apart.store(true, Ordering::Relaxed);
    }

    /// Whether addresses say whose callers are.
    pub(crate) fn tells_networks_apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    /// Counts an attempt, or says after how long there is room for it.
    pub(crate) fn reserve(
        &self,
        account: Account,
        network: Option<Network>,
        now: Uptime,
    ) -> Result<Attempt, Duration> {
        let network = network.filter(|_| self.tells_networks_apart());
        let now = now.elapsed();
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = network {
            attempts.networks.take(network, NETWORK, now)?;
        }
        // A network that guesses on against a closed account keeps spending its own attempts.
        attempts.accounts.take(account, ACCOUNT, now)?;
        Ok(Attempt { account, network })
    }

    /// Counts an attempt no longer: its password was right, or was never looked at.
    pub(crate) fn give_back(&self, attempt: &Attempt, now: Uptime) {
        let now = now.elapsed();
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        attempts.accounts.give(&attempt.account, ACCOUNT, now);
        if let Some(network) = &attempt.network {
            attempts.networks.give(network, NETWORK, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_millis(millis))
    }

    fn account(number: u8) -> Account {
        Account::Known(UserId::from_bytes([number; 16]))
    }

    fn network(text: &str) -> Option<Network> {
        Network::parse(text)
    }

    #[test]
    fn ten_attempts_at_once_then_one_every_six_seconds_for_each_account() {
        let throttle = SignInThrottle::new();
        for _ in 0..10 {
            throttle.reserve(account(1), None, at(500)).unwrap();
        }
        let wait = throttle.reserve(account(1), None, at(500)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(6));
        throttle.reserve(account(2), None, at(500)).unwrap();
        assert!(throttle.reserve(account(1), None, at(6_499)).is_err());
        throttle.reserve(account(1), None, at(6_500)).unwrap();
        assert!(throttle.reserve(account(1), None, at(6_500)).is_err());
    }

    #[test]
    fn a_right_password_costs_nothing_however_often() {
        let throttle = SignInThrottle::new();
        for _ in 0..1_000 {
            let attempt = throttle.reserve(account(1), network("192.0.2.1"), at(0));
            throttle.give_back(&attempt.unwrap(), at(0));
        }
    }

    #[test]
    fn a_network_has_a_hundred_attempts_a_minute_whatever_the_accounts() {
        let throttle = SignInThrottle::new();
        throttle.tell_networks_apart();
        for number in 0..100 {
            let one = format!("2001:db8::{number:x}");
            throttle
                .reserve(account(number), network(&one), at(0))
                .unwrap();
        }
        let more = |number, text, now| throttle.reserve(account(number), network(text), at(now));
        assert!(more(200, "2001:db8::ffff", 0).is_err());
        more(200, "2001:db8:0:1::", 0).unwrap();
        more(200, "2001:db8::ffff", 600).unwrap();
    }

    #[test]
    fn behind_a_proxy_everybody_comes_from_one_network_which_is_not_limited() {
        let throttle = SignInThrottle::new();
        for number in 0..=255 {
            throttle
                .reserve(account(number), network("192.0.2.1"), at(0))
                .unwrap();
        }
    }

    #[test]
    fn an_address_without_an_account_is_limited_whatever_its_case() {
        let throttle = SignInThrottle::new();
        for number in 0..10 {
            let email = if number % 2 == 0 {
                "Nobody@a.b"
            } else {
                " nobody@A.b"
            };
            throttle
                .reserve(Account::unknown(email), None, at(0))
                .unwrap();
        }
        let more = throttle.reserve(Account::unknown("nobody@a.b"), None, at(0));
        assert!(more.is_err());
    }
}
