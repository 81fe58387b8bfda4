//! The places of a listener: so many connections at once, and of them no more than a part from one
//! network, so that one stranger does not keep everybody else out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sealgate_host::TrustedProxies;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::network::Network;

/// One network has at most one of so many parts of the places. Half leaves room for a large site behind
/// one address, gates and browsers together.
const PART: usize = 2;

/// The places of one listener.
#[derive(Clone)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    shares: Option<Shares>,
}

#[derive(Clone)]
struct Shares {
    most: usize,
    /// Many come through these.
    proxies: TrustedProxies,
    taken: Arc<Mutex<HashMap<Network, usize>>>,
}

/// One place, until it is dropped.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Option<Share>,
}

struct Share {
    network: Network,
    taken: Arc<Mutex<HashMap<Network, usize>>>,
}

impl Places {
    /// So many, for whoever comes first.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(most)),
            shares: None,
        }
    }

    /// The same, of which one network has only its part, unless it is a trusted proxy's.
    pub(crate) fn shared_out(most: usize, proxies: TrustedProxies) -> Self {
        Self {
            shares: Some(Shares {
                most: (most / PART).max(1),
                proxies,
                taken: Arc::default(),
            }),
            ..Self::new(most)
        }
    }

    /// A place for somebody at `address`, if there is one.
    pub(crate) fn take(&self, address: Option<IpAddr>) -> Option<Place> {
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let share = match (&self.shares, address) {
            (Some(shares), Some(address)) if !shares.proxies.trusts(address) => {
                Some(shares.take(Network::of(address))?)
            }
            _ => None,
        };
        Some(Place {
            _permit: permit,
            _share: share,
        })
    }
}

impl Shares {
    fn take(&self, network: Network) -> Option<Share> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(network).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share {
            network,
            taken: Arc::clone(&self.taken),
        })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.network);
            }
        }
    }
}

/// A connection, as far as it says where its other end is.
pub(crate) trait Peer {
    /// The address of the other end, if it has one.
    fn address(&self) -> Option<IpAddr>;

    /// Ends the connection when the other end has confirmed nothing of what was sent, or had no room for more
    /// of it, for so long (RFC 5482), where the operating system can.
    fn give_up_after(&self, span: Duration);
}

impl Peer for TcpStream {
    fn address(&self) -> Option<IpAddr> {
        self.peer_addr().ok().map(|address| address.ip())
    }

    #[cfg(target_os = "linux")]
    fn give_up_after(&self, span: Duration) {
        let millis = u32::try_from(span.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(self, millis) {
            tracing::debug!(%error, "a connection has no limit of its own on silence");
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn give_up_after(&self, _: Duration) {}
}

impl Peer for UnixStream {
    fn address(&self) -> Option<IpAddr> {
        None
    }

    fn give_up_after(&self, _: Duration) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn take(places: &Places, address: &str) -> Option<Place> {
        places.take(Some(address.parse().unwrap()))
    }

    #[test]
    fn one_network_has_half_of_the_places_and_others_the_rest() {
        let places = Places::shared_out(5, TrustedProxies::default());
        let held = [take(&places, "2001:db8::1"), take(&places, "2001:db8::2")];
        assert!(held.iter().all(Option::is_some));
        assert!(take(&places, "2001:db8::3").is_none());
        let other = take(&places, "2001:db8:0:1::");
        assert!(other.is_some());
        drop(held);
        assert!(take(&places, "2001:db8::3").is_some());
    }

    #[test]
    fn trusted_proxies_and_listeners_that_are_not_shared_out_take_what_there_is() {
        let proxies = TrustedProxies::new(
            vec!["10.0.0.0/8".parse().unwrap()],
            sealgate_host::ForwardingHeader::default(),
        );
        for places in [Places::shared_out(4, proxies), Places::new(4)] {
            let held: Vec<_> = (0..4).map(|_| take(&places, "::ffff:10.0.0.1")).collect();
            assert!(held.iter().all(Option::is_some));
            assert!(take(&places, "10.0.0.1").is_none());
        }
        assert!(
            Places::shared_out(1, TrustedProxies::default())
                .take(None)
                .is_some()
        );
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_gives_up_a_peer_that_takes_nothing() {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap())
            .await
            .unwrap();
        stream.give_up_after(Duration::from_secs(30));
        let told = rustix::net::sockopt::tcp_user_timeout(&stream).unwrap();
        assert_eq!(told, 30_000);
    }

    proptest! {
        #[test]
        fn as_many_networks_are_known_as_hold_a_place(
            steps in proptest::collection::vec((0..6_u8, any::<bool>()), 1..120)
        ) {
            let places = Places::shared_out(8, TrustedProxies::default());
            let mut held: Vec<(u8, Place)> = Vec::new();
            for (host, leaves) in steps {
                if leaves && !held.is_empty() {
                    held.remove(usize::from(host) % held.len());
                } else if let Some(place) = places.take(Some([192, 0, 2, host].into())) {
                    held.push((host, place));
                }
                let count = |host| held.iter().filter(|(other, _)| *other == host).count();
                prop_assert!(held.len() <= 8 && (0..6).all(|host| count(host) <= 4));
                let taken = places.shares.as_ref().unwrap().taken.lock().unwrap();
                prop_assert_eq!(taken.len(), (0..6).filter(|host| count(*host) > 0).count());
            }
        }
    }
}
