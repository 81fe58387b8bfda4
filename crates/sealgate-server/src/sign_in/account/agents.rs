//! The AI agents that act for a user: who they are, what they may do where, and since when.

use std::collections::{BTreeMap, BTreeSet};

use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{Client, ConsentRow, Session, StoreError};

use super::holdings::Holdings;
use crate::consent::words::Words;
use crate::pages::{AgentView, AskerView, ConnectionView, Moment};
use crate::{ControlPlane, session_life};

/// The most agents on the page.
const AGENTS: usize = 100;

/// The most sessions of one agent on the page.
const CONNECTIONS: usize = 20;

/// One agent, with all that a user has with it.
struct Held<'a> {
    client: &'a Client,
    consent: Option<&'a ConsentRow>,
    /// Newest first.
    sessions: Vec<&'a Session>,
}

/// The agents, those that were used last first, and whether there are more than are shown.
pub(super) async fn views(
    plane: &ControlPlane,
    all: &Holdings,
) -> Result<(Vec<AgentView>, bool), StoreError> {
    let mut held = held(all);
    if held.is_empty() {
        return Ok((Vec::new(), false));
    }
    let (words, now) = (Words::load_all(plane).await?, plane.clock.now());
    let more = held.len() > AGENTS;
    held.truncate(AGENTS);
    let numbered = held.iter().zip(1..);
    let views = numbered.map(|(one, number)| view(plane, &words, one, number, now));
    Ok((views.collect(), more))
}

fn held(all: &Holdings) -> Vec<Held<'_>> {
    let mut agents: BTreeMap<&ClientId, Held<'_>> = BTreeMap::new();
    for (id, client) in &all.clients {
        if client.details.agent {
            let consent = all.consents.iter().find(|consent| consent.client == *id);
            let sessions = Vec::new();
            agents.insert(
                id,
                Held {
                    client,
                    consent,
                    sessions,
                },
            );
        }
    }
    for session in all.sessions.iter().rev() {
        if let Some(agent) = agents.get_mut(&session.client) {
            agent.sessions.push(session);
        }
    }
    let mut agents: Vec<Held<'_>> = agents.into_values().collect();
    // What is over for a while has neither.
    agents.retain(|agent| agent.consent.is_some() || !agent.sessions.is_empty());
    agents.sort_by_key(|agent| std::cmp::Reverse(agent.used_at()));
    agents
}

impl Held<'_> {
    fn used_at(&self) -> Option<Timestamp> {
        let renewed = self.sessions.iter().map(|session| session.renewed_at);
        renewed
            .chain(self.consent.map(|consent| consent.granted_at))
            .max()
    }

    /// What it was granted: by consent, and by sessions that began without one.
    fn granted(&self) -> (BTreeSet<&str>, Vec<String>) {
        let of_sessions = self.sessions.iter().flat_map(|session| &session.scopes);
        let of_consent = self.consent.iter().flat_map(|consent| &consent.scopes);
        let scopes = of_sessions.chain(of_consent).map(String::as_str).collect();
        let of_sessions = self
            .sessions
            .iter()
            .flat_map(|session| &session.details.resources);
        let of_consent = self.consent.iter().flat_map(|consent| &consent.resources);
        let resources: BTreeSet<&String> = of_sessions.chain(of_consent).collect();
        (scopes, resources.into_iter().cloned().collect())
    }
}

fn view(
    plane: &ControlPlane,
    words: &Words,
    held: &Held<'_>,
    number: usize,
    now: Timestamp,
) -> AgentView {
    let (scopes, resources) = held.granted();
    let apart = plane.throttle.tells_networks_apart();
    let connection = |(place, session): (usize, &&Session)| {
        let rest = session.renewed_at + session_life::idle(plane, session.details.lasting);
        let end = session_life::end(plane, held.client, session);
        ConnectionView {
            id: session.id.to_string(),
            number: place + 1,
            started: Moment::new(session.created_at, now),
            renewed: Moment::new(session.renewed_at, now),
            // Behind a proxy that is not trusted every agent would seem to stand where the proxy does.
            network: session.network.clone().filter(|_| apart),
            ends: Moment::ahead(end.min(rest), now),
            extends: rest < end,
        }
    };
    let shown = held.sessions.iter().take(CONNECTIONS).enumerate();
    AgentView {
        number,
        client: held.client.id.to_string(),
        asker: AskerView::of(held.client),
        grants: words.grants(scopes, &resources),
        granted: held
            .consent
            .map(|consent| Moment::new(consent.granted_at, now)),
        sessions: shown.map(connection).collect(),
        more: held.sessions.len() > CONNECTIONS,
    }
}
