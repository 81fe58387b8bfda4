//! How much clients may have stored: pushed requests and device codes.
//!
//! Whoever names a public client is believed, so that strangers can push requests and ask for device
//! codes, and each leaves a row. What they leave is limited under one client's name, so that the table
//! stays small, and from one network, so that one stranger does not use up what others need.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_model::{ClientId, Uptime};
use sealgate_oauth::OAuthError;
use sealgate_store::{Client, ClientKind};

use crate::ControlPlane;
use crate::caller::Caller;
use crate::limits::{Buckets, Rate};
use crate::network::Network;

/// Under one client's name: 300 at once, then 20 each second.
const CLIENT: Rate = Rate {
    at_once: 300,
    every: Duration::from_millis(50),
};

/// From one network: 30 at once, then one every two seconds.
const NETWORK: Rate = Rate {
    at_once: 30,
    every: Duration::from_secs(2),
};

/// For a client that has proved who it is: 1,000 at once, then 50 each second. One that has gone wrong
/// does not fill the disk either.
const PROVED: Rate = Rate {
    at_once: 1_000,
    every: Duration::from_millis(20),
};

/// What was stored of late.
#[derive(Debug, Default)]
pub struct PublicThrottle(Mutex<Stored>);

#[derive(Debug, Default)]
struct Stored {
    clients: Buckets<ClientId>,
    networks: Buckets<Network>,
}

impl PublicThrottle {
    /// Nothing stored yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn take(
        &self,
        client: &ClientId,
        rate: Rate,
        network: Option<Network>,
        now: Uptime,
    ) -> Result<(), Duration> {
        let now = now.elapsed();
        let mut stored = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = network {
            stored.networks.take(network, NETWORK, now)?;
        }
        stored.clients.take(client.clone(), rate, now)
    }
}

/// Whether `client` may have another row now.
pub(super) fn admit(
    plane: &ControlPlane,
    caller: &Caller,
    client: &Client,
) -> Result<(), OAuthError> {
    let proved = client.kind == ClientKind::Confidential;
    let network = caller
        .network()
        .filter(|_| !proved && plane.throttle.tells_networks_apart());
    let rate = if proved { PROVED } else { CLIENT };
    plane
        .public_throttle
        .take(&client.id, rate, network, plane.clock.uptime())
        .map_err(|_| OAuthError::RequestsThrottled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_millis(millis))
    }

    #[test]
    fn a_clients_name_is_good_for_so_many_rows_wherever_they_come_from() {
        let (throttle, native) = (PublicThrottle::new(), "native".parse().unwrap());
        for _ in 0..300 {
            throttle.take(&native, CLIENT, None, at(0)).unwrap();
        }
        assert!(throttle.take(&native, CLIENT, None, at(0)).is_err());
        throttle
            .take(&"other".parse().unwrap(), CLIENT, None, at(0))
            .unwrap();
        throttle.take(&native, CLIENT, None, at(50)).unwrap();
    }

    #[test]
    fn one_network_does_not_use_up_what_others_need() {
        let (throttle, native) = (PublicThrottle::new(), "native".parse().unwrap());
        let network = |text| Network::parse(text);
        for _ in 0..30 {
            throttle
                .take(&native, CLIENT, network("192.0.2.1"), at(0))
                .unwrap();
        }
        assert!(
            throttle
                .take(&native, CLIENT, network("192.0.2.1"), at(0))
                .is_err()
        );
        throttle
            .take(&native, CLIENT, network("192.0.2.2"), at(0))
            .unwrap();
    }
}
