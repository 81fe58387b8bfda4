//! What a user's account page is about, read once: the sessions, the consents, and whose they are.

use std::collections::BTreeMap;

use sealgate_keys::LONGEST_TOKEN;
use sealgate_model::{ClientId, Timestamp, UserId};
use sealgate_store::{Client, ConsentRow, Page, Session, SessionFilter, StoreError};

use crate::pages::AskerView;
use crate::{ControlPlane, session_life};

/// A user's live sessions and consents.
pub(super) struct Holdings {
    /// Oldest first.
    pub(super) sessions: Vec<Session>,
    /// By client.
    pub(super) consents: Vec<ConsentRow>,
    /// The clients of both that are there still.
    pub(super) clients: BTreeMap<ClientId, Client>,
}

impl Holdings {
    /// Whether a client is an AI agent.
    pub(super) fn is_agent(&self, client: &ClientId) -> bool {
        let client = self.clients.get(client);
        client.is_some_and(|client| client.details.agent)
    }

    /// Whether any session goes on when every browser is signed out.
    pub(super) fn lasting(&self) -> bool {
        self.sessions.iter().any(|session| session.details.lasting)
    }

    /// What a client is called.
    pub(super) fn name(&self, client: &ClientId) -> String {
        let known = self.clients.get(client);
        known.map_or_else(
            || client.to_string(),
            |client| AskerView::of(client).called(),
        )
    }
}

/// Reads them all.
pub(super) async fn load(plane: &ControlPlane, user: UserId) -> Result<Holdings, StoreError> {
    let now = plane.clock.now();
    let mut all = Holdings {
        sessions: live(plane, user, now).await?,
        consents: plane.store.consents_of(user).await?,
        clients: BTreeMap::new(),
    };
    let of_sessions = all.sessions.iter().map(|session| &session.client);
    let of_consents = all.consents.iter().map(|consent| &consent.client);
    let ids: Vec<ClientId> = of_sessions.chain(of_consents).cloned().collect();
    for id in ids {
        if !all.clients.contains_key(&id)
            && let Some(client) = plane.store.client(&id).await?
        {
            all.clients.insert(id, client);
        }
    }
    let clients = &all.clients;
    all.sessions.retain(|session| {
        let client = clients.get(&session.client);
        client.is_none_or(|client| !is_over(plane, client, session, now))
    });
    Ok(all)
}

/// Whether nothing can come of a session any more, though nobody has ended it: it cannot be renewed, and the last
/// of its tokens has expired.
fn is_over(plane: &ControlPlane, client: &Client, session: &Session, now: Timestamp) -> bool {
    let rested = session_life::has_rested(plane, session, now);
    let renewable = !rested && session_life::end(plane, client, session) > now;
    !renewable && session.details.lasting && now.since(session.renewed_at) >= LONGEST_TOKEN
}

async fn live(
    plane: &ControlPlane,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let filter = SessionFilter {
        user: Some(user),
        live_at: Some(now),
        ..SessionFilter::default()
    };
    // They come oldest first, and the newest are the ones that count.
    let mut sessions = Vec::new();
    let mut page = Page::default();
    loop {
        let found = plane.store.sessions(filter.clone(), page).await?;
        let full = found.len() >= page.limit as usize;
        page.after = found.last().map(|session| *session.id.as_bytes());
        sessions.extend(found);
        if !full {
            return Ok(sessions);
        }
    }
}
