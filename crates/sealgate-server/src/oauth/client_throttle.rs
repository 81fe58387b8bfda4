//! How often a client may fail to authenticate.
//!
//! Failures are counted for a client and the network they come from, so that a stranger who fails under
//! a client's name does not keep that client out, and for the network alone.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::Uptime;

use crate::limits::{Buckets, Rate};
use crate::network::Network;

/// Failures under one client's name from one network: 60 at once, then one each second.
const CLIENT: Rate = Rate {
    at_once: 60,
    every: Duration::from_secs(1),
};

/// Failures from one network: 600 at once, then ten each second.
const NETWORK: Rate = Rate {
    at_once: 600,
    every: Duration::from_millis(100),
};

/// The failures that still count, and the attempts under way.
#[derive(Debug, Default)]
pub struct ClientThrottle(Mutex<Failures>);

#[derive(Debug, Default)]
struct Failures {
    clients: Buckets<([u8; 16], Option<Network>)>,
    networks: Buckets<Network>,
}

/// An attempt that counts, to be given back if the client was who it said.
#[derive(Debug)]
pub(crate) struct Attempt {
    client: [u8; 16],
    network: Option<Network>,
}

impl ClientThrottle {
    /// No failures yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is room for an attempt. Nothing is counted: this spares the work for whom is refused
    /// anyway.
    pub(crate) fn has_room(&self, client: &str, network: Option<Network>, now: Uptime) -> bool {
        let now = since_start(now);
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = network.and_then(|network| failures.networks.wait(&network, NETWORK, now));
        let key = (name(client), network);
        waits.is_none() && failures.clients.wait(&key, CLIENT, now).is_none()
    }

    /// Counts an attempt under the name `client`, or says after how long there is room for it. A name is
    /// limited whether a client has it or not.
    pub(crate) fn reserve(
        &self,
        client: &str,
        network: Option<Network>,
        now: Uptime,
    ) -> Result<Attempt, Duration> {
        let now = since_start(now);
        let name = name(client);
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = network {
            failures.networks.take(network, NETWORK, now)?;
        }
        failures.clients.take((name, network), CLIENT, now)?;
        Ok(Attempt {
            client: name,
            network,
        })
    }

    /// Counts an attempt no longer.
    pub(crate) fn give_back(&self, attempt: &Attempt, now: Uptime) {
        let now = since_start(now);
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (attempt.client, attempt.network);
        failures.clients.give(&key, CLIENT, now);
        if let Some(network) = &attempt.network {
            failures.networks.give(network, NETWORK, now);
        }
    }
}

/// A client's name, in as much room whatever somebody makes up: nobody finds two names that share it.
fn name(client: &str) -> [u8; 16] {
    let mut name = [0; 16];
    name.copy_from_slice(&sha256(client.as_bytes()).as_bytes()[..16]);
    name
}

fn since_start(now: Uptime) -> Duration {
    now.since(Uptime::from_elapsed(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_millis(millis))
    }

    #[test]
    fn a_stranger_who_fails_under_a_clients_name_does_not_keep_it_out() {
        let throttle = ClientThrottle::new();
        let (stranger, own) = (Network::parse("192.0.2.1"), Network::parse("192.0.2.2"));
        for _ in 0..60 {
            throttle.reserve("expenses", stranger, at(0)).unwrap();
        }
        let wait = throttle.reserve("expenses", stranger, at(0)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        throttle.reserve("expenses", own, at(0)).unwrap();
        throttle.reserve("expenses", stranger, at(1_000)).unwrap();
    }

    #[test]
    fn a_network_has_so_many_failures_whatever_the_names() {
        let throttle = ClientThrottle::new();
        let network = Network::parse("2001:db8::1");
        for number in 0..600 {
            throttle
                .reserve(&format!("c{number}"), network, at(0))
                .unwrap();
        }
        assert!(throttle.reserve("another", network, at(0)).is_err());
    }

    #[test]
    fn whoever_is_who_they_say_is_never_kept_waiting() {
        let throttle = ClientThrottle::new();
        for _ in 0..10_000 {
            let attempt = throttle.reserve("expenses", None, at(0)).unwrap();
            throttle.give_back(&attempt, at(0));
        }
    }
}
