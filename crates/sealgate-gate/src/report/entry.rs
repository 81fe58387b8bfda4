//! One decision, as it waits to be told.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use sealgate_audit::decision::{Decided, Outcome, Trace};
use sealgate_model::{ActorKind, Timestamp};

use super::network::Network;
use crate::caller::Caller;
use crate::record::Record;
use crate::request::Transport;

/// What a record tells of a request, besides who made it and what came of it.
#[derive(Debug, Clone)]
pub struct About {
    /// The route's path with the names of its parameters, where it is known. Never the path itself.
    pub route: Option<Arc<str>>,
    /// The method; one that is none of the usual ones is told as `other`.
    pub method: Verb,
    /// How it arrived.
    pub transport: Transport,
    /// The address that it came from, as the server knows it.
    pub address: Option<IpAddr>,
    /// The trace that it belongs to.
    pub trace: Option<Trace>,
}

/// A method as records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Verb(&'static str);

impl Verb {
    /// `method` if it is one of the usual ones, else `other`: it is a stranger's word.
    pub fn of(method: &str) -> Self {
        const USUAL: [&str; 9] = [
            "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE",
        ];
        let known = USUAL.into_iter().find(|usual| *usual == method);
        Self(known.unwrap_or("other"))
    }

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// The trace id in a `traceparent` header (W3C Trace Context, 3.2.2), if it is sound.
pub fn trace_of(traceparent: &[u8]) -> Option<Trace> {
    let [v1, v2, b'-', rest @ ..] = traceparent else {
        return None;
    };
    let is_version = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if !is_version(v1) || !is_version(v2) || (*v1, *v2) == (b'f', b'f') {
        return None;
    }
    let (digits, after) = rest.split_at_checked(32)?;
    if after.first() != Some(&b'-') {
        return None;
    }
    let mut trace = Trace::default();
    for (byte, pair) in trace.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    (trace != [0; 16]).then_some(trace)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// One decision. Whoever made the request is kept as it is: to spell it out takes time that the gate's call does
/// not have.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) outcome: Outcome,
    pub(super) reason: Cow<'static, str>,
    pub(super) status: Option<u16>,
    pub(super) about: About,
    pub(super) caller: Option<Caller>,
    /// The version of the policies in force.
    pub(super) policy: Option<u64>,
    /// The policies that decided, with commas between them.
    pub(super) deciding: Option<Arc<str>>,
}

/// What an entry is told by when it does not stand alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) outcome: Outcome,
    pub(super) reason: Cow<'static, str>,
    pub(super) route: Option<Arc<str>>,
    pub(super) actor: Option<(ActorKind, String)>,
    pub(super) network: Option<Network>,
}

impl Entry {
    /// What is alike in several: by route, reason, actor and network.
    pub(super) fn fine(&self, network: Option<Network>) -> Key {
        let actor = self.caller.as_ref().map(|caller| &*caller.actor);
        Key {
            actor: actor.map(|actor| (actor.kind(), actor.id().to_owned())),
            network,
            ..self.coarse()
        }
    }

    /// By route and reason.
    pub(super) fn coarse(&self) -> Key {
        Key {
            outcome: self.outcome,
            reason: self.reason.clone(),
            route: self.about.route.clone(),
            actor: None,
            network: None,
        }
    }

    /// Calls `told` with the record.
    pub(super) fn with_record<T>(
        &self,
        network: Option<Network>,
        told: impl FnOnce(&Decided<'_>) -> T,
    ) -> T {
        let who = Record::new(
            crate::record::Outcome::Refused,
            "",
            None,
            self.caller.as_ref(),
        );
        let session = who.session.map(|session| session.to_string());
        let policy = self.policy.map(|version| version.to_string());
        let network = network.map(|network| network.to_string());
        told(&Decided {
            reason: Some(&*self.reason).filter(|reason| !reason.is_empty()),
            status: self.status,
            actor_kind: who.actor.map(|(kind, _)| kind.as_str()),
            actor: who.actor.map(|(_, id)| id),
            user: who.user,
            client: who.client,
            credential: who.credential.map(crate::CredentialKind::as_str),
            session: session.as_deref(),
            token: who.token,
            route: self.about.route.as_deref(),
            method: Some(self.about.method.as_str()),
            transport: Some(match self.about.transport {
                Transport::Http => "http",
                Transport::WebSocket => "websocket",
            }),
            policy: policy.as_deref(),
            deciding: self.deciding.as_deref(),
            network: network.as_deref(),
            trace: self.about.trace,
            ..Decided::new(self.at, self.outcome)
        })
    }
}

/// Several that are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) count: u64,
}

impl Sum {
    pub(super) const fn of(at: Timestamp) -> Self {
        Self {
            first: at,
            last: at,
            count: 1,
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count = self.count.saturating_add(other.count);
    }
}

impl Key {
    /// Calls `told` with the record of `sum` decisions.
    pub(super) fn with_record<T>(&self, sum: Sum, told: impl FnOnce(&Decided<'_>) -> T) -> T {
        let network = self.network.map(|network| network.to_string());
        told(&Decided {
            last: sum.last,
            count: sum.count,
            reason: Some(&*self.reason).filter(|reason| !reason.is_empty()),
            actor_kind: self.actor.as_ref().map(|(kind, _)| kind.as_str()),
            actor: self.actor.as_ref().map(|(_, id)| id.as_str()),
            route: self.route.as_deref(),
            network: network.as_deref(),
            ..Decided::new(sum.first, self.outcome)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_as_the_standard_has_it() {
        let good = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = trace_of(good).unwrap();
        assert_eq!((trace[0], trace[15]), (0x4b, 0x36));
        for bad in [
            &b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"[..],
            b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            b"00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
            b"00-4bf92f",
            b"",
        ] {
            assert_eq!(trace_of(bad), None, "{}", String::from_utf8_lossy(bad));
        }
    }

    #[test]
    fn methods_of_strangers_are_not_told() {
        assert_eq!(Verb::of("PATCH").as_str(), "PATCH");
        assert_eq!(Verb::of("patch").as_str(), "other");
        assert_eq!(Verb::of("\nX").as_str(), "other");
    }
}
