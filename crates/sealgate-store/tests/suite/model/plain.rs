//! What the store should have done, in the plainest terms.

use std::collections::{BTreeMap, BTreeSet};

use sealgate_model::{ClientId, SessionId, Timestamp, UserId};
use sealgate_store::{Code, Revocation, Revoked, Session, SignIn};

use crate::world::{DAY, HOUR};

/// The resources that there are.
pub(super) const RESOURCES: [&str; 2] = ["https://api.example", "https://files.example"];

/// The client that is an AI agent.
pub(super) const AGENT: &str = "web";

/// Its state.
#[derive(Default)]
pub(super) struct Model {
    pub(super) head: u64,
    pub(super) log: Vec<Revocation>,
    pub(super) disabled: Vec<bool>,
    /// Each sign-in, the place of its user, and whether it has ended.
    pub(super) sign_ins: Vec<(SignIn, usize, bool)>,
    /// Each session, its code, and whether it is revoked.
    pub(super) sessions: Vec<(Session, Code, bool)>,
    /// Codes that nobody redeemed.
    pub(super) codes: Vec<Code>,
    /// Who serves each of the resources.
    pub(super) servers: Vec<Option<ClientId>>,
    /// The sessions of which tokens were given out for a resource, by its place.
    pub(super) delegated: BTreeSet<(SessionId, usize)>,
}

impl Model {
    pub(super) fn append(
        &mut self,
        what: Revoked,
        at: Timestamp,
        client: Option<ClientId>,
        expires_at: Timestamp,
    ) {
        self.head += 1;
        self.log.push(Revocation {
            seq: self.head,
            what,
            at,
            client,
            expires_at,
            reason: None,
        });
    }

    pub(super) fn revoke(&mut self, place: usize, at: Timestamp) {
        let (session, _, revoked) = &mut self.sessions[place];
        if !std::mem::replace(revoked, true) {
            let session = session.clone();
            for reader in self.readers(&session) {
                let what = Revoked::Session(session.id);
                self.append(what, at, Some(reader), session.expires_at);
            }
        }
    }

    /// Whether a session's tokens can be for a resource.
    fn is_for(&self, session: &Session, resource: usize) -> bool {
        let granted = &session.details.resources;
        granted.iter().any(|uri| uri == RESOURCES[resource])
            || self.delegated.contains(&(session.id, resource))
    }

    /// The clients that a session's tokens can be presented to.
    fn readers(&self, session: &Session) -> BTreeSet<ClientId> {
        let servers = self.servers.iter().enumerate();
        let mut readers: BTreeSet<ClientId> = servers
            .filter(|(resource, _)| self.is_for(session, *resource))
            .filter_map(|(_, server)| server.clone())
            .collect();
        readers.insert(session.client.clone());
        readers
    }

    /// Gives out a token of a session; whether it may.
    pub(super) fn delegate(&mut self, place: usize, resource: usize, at: Timestamp) -> bool {
        let (session, _, revoked) = &self.sessions[place];
        let alive = !revoked && session.expires_at > at;
        if alive {
            self.delegated.insert((session.id, resource));
        }
        alive
    }

    /// Lets a client serve a resource from now on, and hear of what has ended.
    pub(super) fn serve(&mut self, resource: usize, client: Option<ClientId>, now: Timestamp) {
        let before = std::mem::replace(&mut self.servers[resource], client.clone());
        let Some(client) = client.filter(|client| before.as_ref() != Some(client)) else {
            return;
        };
        let mut ended: Vec<Session> = Vec::new();
        for (session, _, revoked) in &self.sessions {
            let live = session.expires_at > now && session.client != client;
            if *revoked && live && self.is_for(session, resource) {
                ended.push(session.clone());
            }
        }
        ended.sort_by_key(|session| session.id);
        for session in ended {
            let what = Revoked::Session(session.id);
            let first = self.log.iter().find(|entry| entry.what == what);
            let at = first.unwrap().at;
            self.append(what, at, Some(client.clone()), session.expires_at);
        }
    }

    /// Revokes the live sessions of which `which` is true, in order of id; the latest end.
    pub(super) fn revoke_live(
        &mut self,
        at: Timestamp,
        which: impl Fn(&Session) -> bool,
    ) -> Option<Timestamp> {
        let mut live: Vec<(SessionId, usize)> = Vec::new();
        for (place, (session, _, revoked)) in self.sessions.iter().enumerate() {
            if !revoked && session.expires_at > at && which(session) {
                live.push((session.id, place));
            }
        }
        live.sort();
        let last = live
            .iter()
            .map(|(_, place)| self.sessions[*place].0.expires_at)
            .max();
        for (_, place) in live {
            self.revoke(place, at);
        }
        last
    }

    pub(super) fn disable(&mut self, place: usize, id: UserId, at: Timestamp) {
        if std::mem::replace(&mut self.disabled[place], true) {
            return;
        }
        self.end_sign_ins_of(place);
        self.revoke_live(at, |session| session.user == id);
        self.bar(id, None, at, at);
    }

    pub(super) fn end_sign_ins_of(&mut self, place: usize) {
        for (_, user, ended) in &mut self.sign_ins {
            *ended |= *user == place;
        }
    }

    /// Drops the live codes of which `which` is true; whether there were any.
    pub(super) fn drop_codes(&mut self, now: Timestamp, which: impl Fn(&Code) -> bool) -> bool {
        let before = self.codes.len();
        self.codes
            .retain(|code| !(code.expires_at > now && which(code)));
        self.codes.len() < before
    }

    /// Takes back what a user granted a client; whether there was anything.
    pub(super) fn withdraw(&mut self, user: UserId, client: &ClientId, at: Timestamp) -> bool {
        let dropped = self.drop_codes(at, |code| code.user == user && code.client == *client);
        let revoked = self.revoke_live(at, |session| {
            session.user == user && session.client == *client
        });
        let changed = dropped || revoked.is_some();
        if changed {
            self.bar(user, Some(client), at, at);
        }
        changed
    }

    /// A "not before" for a user on each client that the user's tokens can be presented to, or on the one
    /// named.
    pub(super) fn bar(
        &mut self,
        id: UserId,
        only: Option<&ClientId>,
        before: Timestamp,
        now: Timestamp,
    ) {
        let mut clients: BTreeMap<ClientId, Timestamp> = BTreeMap::new();
        for (session, ..) in self.sessions.iter().filter(|known| known.0.user == id) {
            let readers = match only {
                None => self.readers(session),
                Some(only) if *only == session.client => BTreeSet::from([only.clone()]),
                Some(_) => BTreeSet::new(),
            };
            for reader in readers {
                let last = clients.entry(reader).or_insert(session.expires_at);
                *last = session.expires_at.max(*last);
            }
        }
        if let (Some(only), true) = (only, clients.is_empty()) {
            clients.insert(only.clone(), now);
        }
        for (client, last) in clients {
            let expires_at = last.max(now + DAY + HOUR);
            self.append(Revoked::User(id), before, Some(client), expires_at);
        }
    }

    /// Whether what a user starts on a client at this time is revoked already.
    pub(super) fn bars(&self, user: UserId, client: &ClientId, at: Timestamp) -> bool {
        self.log.iter().any(|entry| {
            let covers = match &entry.what {
                Revoked::All => true,
                Revoked::User(id) => *id == user && entry.client.as_ref() == Some(client),
                Revoked::Client(id) => id == client,
                _ => false,
            };
            covers && at <= entry.at
        })
    }

    pub(super) fn revoke_many(
        &mut self,
        user: Option<(usize, UserId)>,
        client: Option<&ClientId>,
        before: Timestamp,
        now: Timestamp,
    ) {
        let last = self.sessions.iter().map(|known| known.0.expires_at).max();
        let expires_at = last.unwrap_or(now).max(now + DAY + HOUR);
        match (user, client) {
            (Some((_, id)), client) => self.bar(id, client, before, now),
            (None, Some(client)) => {
                self.append(Revoked::Client(client.clone()), before, None, expires_at);
            }
            (None, None) => self.append(Revoked::All, before, None, expires_at),
        }
        if client.is_none() {
            for (sign_in, of, ended) in &mut self.sign_ins {
                let meant = match user {
                    Some((place, _)) => place == *of,
                    None => sign_in.expires_at > now,
                };
                *ended |= meant && sign_in.auth_time <= before;
            }
        }
        self.drop_codes(now, |code| {
            code.auth_time <= before
                && user.is_none_or(|(_, id)| id == code.user)
                && client.is_none_or(|client| *client == code.client)
        });
        self.revoke_live(now, |session| {
            let started = if client.is_none() {
                session.auth_time
            } else {
                session.created_at
            };
            started <= before
                && user.is_none_or(|(_, id)| id == session.user)
                && client.is_none_or(|client| *client == session.client)
        });
    }

    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.codes.retain(|code| code.expires_at >= now);
        self.log.retain(|entry| entry.expires_at >= now);
        self.sessions
            .retain(|(session, ..)| session.expires_at >= now);
        self.sign_ins
            .retain(|(sign_in, ..)| sign_in.expires_at >= now);
    }
}
