//! How often strangers may make this server fetch something or keep a row.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sealgate_model::Uptime;

use crate::limits::{Buckets, Rate};
use crate::network::Network;

/// Documents and key sets from one host: 6 at once, then one every ten seconds. Whoever has a host in mind to
/// send this server to gets no further than that.
const HOST: Rate = Rate {
    at_once: 6,
    every: Duration::from_secs(10),
};

/// Documents at one host that callers of one network make it fetch: 3 at once, then one every thirty seconds. Who
/// has a host in mind to keep from others gets no more than a share of what that host is asked for.
const ASKER_AT_HOST: Rate = Rate {
    at_once: 3,
    every: Duration::from_secs(30),
};

/// Documents that callers of one network make it fetch: 20 at once, then one every three seconds.
const ASKER: Rate = Rate {
    at_once: 20,
    every: Duration::from_secs(3),
};

/// Documents altogether: 120 at once, then two each second.
const DOCUMENTS: Rate = Rate {
    at_once: 120,
    every: Duration::from_millis(500),
};

/// Key sets of such clients altogether: as many.
const KEYS: Rate = Rate {
    at_once: 120,
    every: Duration::from_millis(500),
};

/// Registrations from one network: 10 at once, then one each minute.
const REGISTRANT: Rate = Rate {
    at_once: 10,
    every: Duration::from_secs(60),
};

/// Registrations altogether: 100 at once, then one every two seconds.
const REGISTRATIONS: Rate = Rate {
    at_once: 100,
    every: Duration::from_secs(2),
};

#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    hosts: Buckets<String>,
    /// The same of what clients that are known have at their own hosts.
    homes: Buckets<String>,
    askers: Buckets<Network>,
    askers_at_hosts: Buckets<(Network, String)>,
    documents: Buckets<()>,
    /// The same of clients that are known.
    renewals: Buckets<()>,
    keys: Buckets<()>,
    registrants: Buckets<Network>,
    registrations: Buckets<()>,
}

/// Whether there is room.
type Room = Result<(), Duration>;

/// Where a registration comes from, if callers can be told apart by that.
pub(super) type Place = Option<Network>;

impl Throttle {
    fn count<T>(&self, take: impl FnOnce(&mut Counted) -> T) -> T {
        take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the document at `host` of a client that is known may be fetched again for somebody in `asker`. What
    /// strangers elsewhere make up has no part in this: they could otherwise keep a client's document from being
    /// read until it is too old.
    pub(super) fn renewal(&self, host: &str, asker: Option<Network>, now: Uptime) -> Room {
        let now = now.elapsed();
        self.count(|counted| {
            if let Some(asker) = asker {
                counted.askers.take(asker, ASKER, now)?;
            }
            counted.homes.take(host.to_owned(), HOST, now)?;
            counted.renewals.take((), DOCUMENTS, now)
        })
    }

    /// Whether a document at `host` that was never read may be fetched for somebody in `asker`.
    pub(super) fn document(&self, host: &str, asker: Option<Network>, now: Uptime) -> Room {
        let now = now.elapsed();
        self.count(|counted| {
            if let Some(asker) = asker {
                counted.askers.take(asker, ASKER, now)?;
                let at_host = (asker, host.to_owned());
                counted.askers_at_hosts.take(at_host, ASKER_AT_HOST, now)?;
            }
            counted.hosts.take(host.to_owned(), HOST, now)?;
            counted.documents.take((), DOCUMENTS, now)
        })
    }

    /// Whether a key set at `host` may be fetched, which is the client's own or another one's.
    pub(super) fn keys(&self, host: &str, own: bool, now: Uptime) -> Room {
        let now = now.elapsed();
        self.count(|counted| {
            let hosts = if own {
                &mut counted.homes
            } else {
                &mut counted.hosts
            };
            hosts.take(host.to_owned(), HOST, now)?;
            counted.keys.take((), KEYS, now)
        })
    }

    /// Whether another client may register itself.
    pub(super) fn registration(&self, from: Place, now: Uptime) -> Room {
        let now = now.elapsed();
        self.count(|counted| {
            if let Some(from) = from {
                counted.registrants.take(from, REGISTRANT, now)?;
            }
            counted.registrations.take((), REGISTRATIONS, now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Uptime {
        Uptime::from_elapsed(Duration::from_secs(seconds))
    }

    fn network(text: &str) -> Option<Network> {
        Network::parse(text)
    }

    #[test]
    fn one_host_is_asked_six_times_and_then_every_ten_seconds_for_whatever() {
        let throttle = Throttle::default();
        for number in 0..3 {
            let asker = network(&format!("192.0.2.{number}"));
            throttle.document("a.example", asker, at(0)).unwrap();
            throttle.keys("a.example", false, at(0)).unwrap();
        }
        assert!(throttle.keys("a.example", false, at(0)).is_err());
        assert!(throttle.document("a.example", None, at(9)).is_err());
        throttle.document("b.example", None, at(9)).unwrap();
        throttle.document("a.example", None, at(10)).unwrap();
    }

    #[test]
    fn strangers_do_not_use_up_what_a_known_client_needs_at_its_own_host() {
        let throttle = Throttle::default();
        for number in 0..6 {
            let asker = network(&format!("192.0.2.{number}"));
            throttle.document("a.example", asker, at(0)).unwrap();
        }
        throttle.document("a.example", None, at(0)).unwrap_err();
        for _ in 0..3 {
            throttle.renewal("a.example", None, at(0)).unwrap();
            throttle.keys("a.example", true, at(0)).unwrap();
        }
        throttle.renewal("a.example", None, at(0)).unwrap_err();
        throttle.keys("a.example", true, at(0)).unwrap_err();
    }

    #[test]
    fn one_network_does_not_use_up_what_others_may_ask_of_a_host() {
        let throttle = Throttle::default();
        let renewed = (0..30).filter(|number| {
            let host = format!("{number}.example");
            throttle.renewal(&host, network("192.0.2.3"), at(0)).is_ok()
        });
        assert_eq!(renewed.count(), 20, "of documents that are known");
        let from = |asker, second| throttle.document("a.example", network(asker), at(second));
        let got = (0..300).filter(|second| from("192.0.2.1", *second).is_ok());
        assert_eq!(got.count(), 3 + 9, "of the 36 that the host is asked for");
        from("192.0.2.2", 300).unwrap();
    }

    #[test]
    fn one_network_does_not_use_up_what_others_need() {
        let throttle = Throttle::default();
        for number in 0..20 {
            let host = format!("{number}.example");
            throttle
                .document(&host, network("192.0.2.1"), at(0))
                .unwrap();
        }
        let more = |from| throttle.document("more.example", network(from), at(0));
        assert!(more("192.0.2.1").is_err());
        more("192.0.2.2").unwrap();
        for _ in 0..10 {
            throttle.registration(network("192.0.2.1"), at(0)).unwrap();
        }
        assert!(throttle.registration(network("192.0.2.1"), at(59)).is_err());
        throttle.registration(network("192.0.2.2"), at(0)).unwrap();
        throttle.registration(network("192.0.2.1"), at(60)).unwrap();
    }

    #[test]
    fn whoever_comes_from_everywhere_meets_a_bound_too() {
        let throttle = Throttle::default();
        let registered = (0..1000u32).filter(|number| {
            let from = network(&std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).to_string());
            throttle.registration(from, at(0)).is_ok()
        });
        assert_eq!(registered.count(), 100);
        let fetched = (0..1000).filter(|number| {
            let host = format!("{number}.example");
            throttle.document(&host, None, at(0)).is_ok()
        });
        assert_eq!(fetched.count(), 120);
    }
}
