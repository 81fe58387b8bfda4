//! How often a client may fail to authenticate before it is told to wait.
//!
//! Only failures are counted, and only who fails is refused for them: a client that is who it says is
//! never kept out by what strangers do in its name. Secrets have 256 bits, so that what is bounded here
//! is noise, not guessing.

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

/// The failures that still count.
#[derive(Debug, Default)]
pub struct ClientThrottle(Mutex<Failures>);

#[derive(Debug, Default)]
struct Failures {
    clients: Buckets<([u8; 16], Option<Network>)>,
    networks: Buckets<Network>,
}

impl ClientThrottle {
    /// No failures yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a failure under the name `client`, or says that there were too many, and for how long. A name
    /// is limited whether a client has it or not.
    pub(crate) fn fail(
        &self,
        client: &str,
        network: Option<Network>,
        now: Uptime,
    ) -> Result<(), Duration> {
        let now = now.elapsed();
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = network {
            failures.networks.take(network, NETWORK, now)?;
        }
        failures.clients.take((name(client), network), CLIENT, now)
    }
}

/// A client's name, in as much room whatever somebody makes up: nobody finds two names that share it.
fn name(client: &str) -> [u8; 16] {
    let mut name = [0; 16];
    name.copy_from_slice(&sha256(client.as_bytes()).as_bytes()[..16]);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_millis(millis))
    }

    #[test]
    fn failures_under_one_name_from_one_network_are_counted_together() {
        let throttle = ClientThrottle::new();
        let (stranger, own) = (Network::parse("192.0.2.1"), Network::parse("192.0.2.2"));
        for _ in 0..60 {
            throttle.fail("expenses", stranger, at(0)).unwrap();
        }
        let wait = throttle.fail("expenses", stranger, at(0)).unwrap_err();
        assert_eq!(wait, Duration::from_secs(1));
        throttle.fail("expenses", own, at(0)).unwrap();
        throttle.fail("expenses", stranger, at(1_000)).unwrap();
    }

    #[test]
    fn a_network_has_so_many_failures_whatever_the_names() {
        let throttle = ClientThrottle::new();
        let network = Network::parse("2001:db8::1");
        for number in 0..600 {
            throttle
                .fail(&format!("c{number}"), network, at(0))
                .unwrap();
        }
        assert!(throttle.fail("another", network, at(0)).is_err());
    }
}
