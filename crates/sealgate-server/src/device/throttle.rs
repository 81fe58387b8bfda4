//! How often a device's code may be guessed (RFC 8628, 5.1).
//!
//! Guesses are counted for the account that makes them, for its network where networks can be told
//! apart, and for the whole process, so that many accounts together get no further. A guess counts
//! before it is looked up, and is given back when it was right.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_model::{Uptime, UserId};

use crate::limits::{Buckets, Rate};
use crate::network::Network;

/// Guesses by one account: 10 at once, then one each minute.
const ACCOUNT: Rate = Rate {
    at_once: 10,
    every: Duration::from_secs(60),
};

/// Guesses from one network: 30 at once, then one every ten seconds.
const NETWORK: Rate = Rate {
    at_once: 30,
    every: Duration::from_secs(10),
};

/// Guesses by everybody: 200 at once, then two each second. While a code lives that is 1,400 of
/// 25,600,000,000.
const EVERYBODY: Rate = Rate {
    at_once: 200,
    every: Duration::from_millis(500),
};

/// The guesses that still count.
#[derive(Debug, Default)]
pub struct DeviceThrottle(Mutex<Guesses>);

#[derive(Debug, Default)]
struct Guesses {
    accounts: Buckets<UserId>,
    networks: Buckets<Network>,
    everybody: Buckets<()>,
}

/// A guess that counts, to be given back if it was right.
#[derive(Debug)]
pub(super) struct Guess {
    account: UserId,
    network: Option<Network>,
}

impl DeviceThrottle {
    /// No guesses yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a guess, or says after how long there is room for it.
    pub(super) fn reserve(
        &self,
        account: UserId,
        network: Option<Network>,
        now: Uptime,
    ) -> Result<Guess, Duration> {
        let now = now.elapsed();
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.accounts.take(account, ACCOUNT, now)?;
        if let Some(network) = network {
            guesses.networks.take(network, NETWORK, now)?;
        }
        guesses.everybody.take((), EVERYBODY, now)?;
        Ok(Guess { account, network })
    }

    /// Counts a guess no longer.
    pub(super) fn give_back(&self, guess: &Guess, now: Uptime) {
        let now = now.elapsed();
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.accounts.give(&guess.account, ACCOUNT, now);
        if let Some(network) = &guess.network {
            guesses.networks.give(network, NETWORK, now);
        }
        guesses.everybody.give(&(), EVERYBODY, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_secs(seconds))
    }

    fn account(number: u8) -> UserId {
        UserId::from_bytes([number; 16])
    }

    #[test]
    fn an_account_has_ten_guesses_at_once_then_one_a_minute() {
        let throttle = DeviceThrottle::new();
        for _ in 0..10 {
            throttle.reserve(account(1), None, at(0)).unwrap();
        }
        let wait = throttle.reserve(account(1), None, at(0)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(60));
        throttle.reserve(account(2), None, at(0)).unwrap();
        throttle.reserve(account(1), None, at(60)).unwrap();
        assert!(throttle.reserve(account(1), None, at(60)).is_err());
    }

    #[test]
    fn accounts_of_one_network_share_thirty() {
        let (throttle, network) = (DeviceThrottle::new(), Network::parse("192.0.2.1"));
        for number in 0..30 {
            throttle.reserve(account(number), network, at(0)).unwrap();
        }
        assert!(throttle.reserve(account(30), network, at(0)).is_err());
        let elsewhere = Network::parse("192.0.2.2");
        throttle.reserve(account(31), elsewhere, at(0)).unwrap();
    }

    #[test]
    fn all_accounts_together_have_two_hundred() {
        let throttle = DeviceThrottle::new();
        for number in 0..200 {
            throttle.reserve(account(number), None, at(0)).unwrap();
        }
        assert!(throttle.reserve(account(200), None, at(0)).is_err());
        throttle.reserve(account(201), None, at(1)).unwrap();
    }

    #[test]
    fn a_right_code_costs_nothing_however_often() {
        let (throttle, network) = (DeviceThrottle::new(), Network::parse("192.0.2.1"));
        for _ in 0..1_000 {
            let guess = throttle.reserve(account(1), network, at(0)).unwrap();
            throttle.give_back(&guess, at(0));
        }
    }
}
