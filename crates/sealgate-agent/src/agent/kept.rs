//! What of a session rests in the store, so that the next run begins where this one ended.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::{Secret, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::session::Session;
use super::{Agent, Binding, Work};
use crate::AgentError;
use crate::dpop::Prover;
use crate::http::Reach;
use crate::metadata::ServerMetadata;
use crate::registration::{Client, ClientAuth, Origin, Secreted};
use crate::token::{Kind, Tokens};

/// The form of what is kept. What has another one is not read.
const FORM: u8 = 1;

/// A session as it is written.
#[derive(Serialize)]
struct Written<'a> {
    form: u8,
    grant: &'static str,
    access: &'a str,
    dpop: bool,
    refresh: Option<&'a str>,
    scopes: &'a [String],
    ends_at: Option<Timestamp>,
    had_at: Timestamp,
    asked: &'a [String],
    resource: Option<&'a str>,
    reach: Reach,
    server: &'a ServerMetadata,
    client: Option<&'a str>,
    client_secret: Option<&'a str>,
    client_auth: &'a str,
    client_origin: Origin,
    redirect_uri: Option<&'a str>,
    key: Option<&'a str>,
}

/// The same as it is read.
#[derive(Deserialize)]
struct Read {
    form: u8,
    grant: String,
    access: Secreted,
    dpop: bool,
    refresh: Option<Secreted>,
    scopes: Vec<String>,
    ends_at: Option<Timestamp>,
    had_at: Timestamp,
    asked: Vec<String>,
    resource: Option<String>,
    reach: Reach,
    server: ServerMetadata,
    client: Option<String>,
    client_secret: Option<Secreted>,
    client_auth: String,
    client_origin: Origin,
    redirect_uri: Option<String>,
    key: Option<Secreted>,
}

impl Session {
    fn write(&self, grant: &'static str) -> Result<Secret, AgentError> {
        let key = self.prover.as_ref();
        let key = key.map(|prover| Zeroizing::new(URL_SAFE_NO_PAD.encode(prover.private())));
        let (client_auth, client_secret) = match &self.client.auth {
            ClientAuth::Public => ("none", None),
            // What somebody gave the agent is not the store's to keep: it comes with the settings again.
            ClientAuth::Key(_) => ("given", None),
            _ if self.client.origin == Origin::Given => ("given", None),
            ClientAuth::Basic(secret) => ("basic", Some(secret.expose())),
            ClientAuth::Post(secret) => ("post", Some(secret.expose())),
        };
        let written = Written {
            form: FORM,
            grant,
            access: self.tokens.access.expose(),
            dpop: self.tokens.kind == Kind::Dpop,
            refresh: self.tokens.refresh.as_ref().map(Secret::expose),
            scopes: &self.tokens.scopes,
            ends_at: self.tokens.ends_at,
            had_at: self.had_at,
            asked: &self.asked,
            resource: self.resource.as_deref(),
            reach: self.reach,
            server: &self.server,
            client: self.client.id.as_deref(),
            client_secret,
            client_auth,
            client_origin: self.client.origin,
            redirect_uri: self.redirect_uri.as_deref(),
            key: key.as_ref().map(|key| key.as_str()),
        };
        let text = serde_json::to_string(&written)
            .map_err(|_| AgentError::StoreFailed("the session cannot be written".to_owned()))?;
        Ok(Secret::new(text))
    }
}

impl Agent {
    /// Takes over what is kept, once. What cannot be read is as good as nothing: somebody signs in again.
    pub(super) async fn load(&self, work: &mut Work) -> Result<(), AgentError> {
        if work.is_loaded {
            return Ok(());
        }
        if let Some(session) = self.kept(work).await? {
            let client = session.client.clone();
            if client.origin == Origin::Given && client.id.is_some() {
                work.given_to = Some(client.issuer.clone());
            }
            work.client = Some((client, session.redirect_uri.clone()));
            self.set(Some(Arc::new(session)));
        }
        work.is_loaded = true;
        Ok(())
    }

    /// The session in the store, if it is a newer one than `old`.
    pub(super) async fn newer(
        &self,
        work: &mut Work,
        old: &Session,
    ) -> Result<Option<Session>, AgentError> {
        let kept = self.kept(work).await?;
        let now = self.host.clock.now();
        Ok(kept.filter(|kept| {
            kept.had_at > old.had_at
                && !kept.is_due(now)
                && kept.server.issuer == old.server.issuer
                && kept.tokens.access.expose() != old.tokens.access.expose()
        }))
    }

    async fn kept(&self, work: &mut Work) -> Result<Option<Session>, AgentError> {
        let Some(store) = &self.host.store else {
            return Ok(None);
        };
        let Some(text) = store.load(self.settings.url.as_str()).await? else {
            return Ok(None);
        };
        let Some(read) = serde_json::from_str(text.expose())
            .ok()
            .filter(|read: &Read| read.form == FORM)
        else {
            tracing::warn!("the store keeps a session that cannot be read");
            return Ok(None);
        };
        work.sessions += 1;
        Ok(self.restore(read, work.sessions))
    }

    /// Puts a session together again; none if what was given to the agent is not what it was made with.
    fn restore(&self, read: Read, number: u64) -> Option<Session> {
        let auth = match (read.client_auth.as_str(), read.client_secret) {
            ("none", _) => ClientAuth::Public,
            ("basic", Some(secret)) => ClientAuth::Basic(secret.0),
            ("post", Some(secret)) => ClientAuth::Post(secret.0),
            ("given", _) => {
                let given = self.settings.given.as_ref();
                let given = given.filter(|given| Some(&given.id) == read.client.as_ref())?;
                given.at(&read.server).ok()?.auth
            }
            _ => return None,
        };
        let key = read.key.map(|key| URL_SAFE_NO_PAD.decode(key.0.expose()));
        let key = key.transpose().ok()?.map(Zeroizing::new);
        let prover = key
            .map(Prover::from_private)
            .transpose()
            .ok()?
            .map(Arc::new);
        let as_wanted = match self.settings.binding {
            Binding::Always => read.dpop,
            Binding::Never => !read.dpop,
            Binding::WhereAsked => true,
        };
        // What a person signed in for is no machine's, nor the other way round.
        let same_grant = read.grant == self.settings.grant.name();
        if read.dpop != prover.is_some() || !as_wanted || !same_grant {
            return None;
        }
        Some(Session {
            number,
            tokens: Tokens {
                access: read.access.0,
                kind: if read.dpop { Kind::Dpop } else { Kind::Bearer },
                refresh: read.refresh.map(|refresh| refresh.0),
                scopes: read.scopes,
                ends_at: read.ends_at,
            },
            had_at: read.had_at,
            asked: read.asked,
            resource: read.resource,
            reach: read.reach,
            client: Client {
                id: read.client,
                auth,
                issuer: read.server.issuer.clone(),
                origin: read.client_origin,
            },
            redirect_uri: read.redirect_uri,
            server: read.server,
            prover,
        })
    }

    /// Makes `session` the agent's, and keeps it. A store that fails is told of, but the session is there.
    pub(super) async fn keep(&self, work: &mut Work, session: Session) -> Result<(), AgentError> {
        let text = session.write(self.settings.grant.name())?;
        let client = session.client.clone();
        work.client = Some((client, session.redirect_uri.clone()));
        self.set(Some(Arc::new(session)));
        if let Some(store) = &self.host.store {
            store.save(self.settings.url.as_str(), text).await?;
        }
        Ok(())
    }

    /// Forgets what is kept.
    pub(super) async fn forget(&self) -> Result<(), AgentError> {
        match &self.host.store {
            Some(store) => store.forget(self.settings.url.as_str()).await,
            None => Ok(()),
        }
    }

    /// The issuers that the agent has credentials of.
    pub(super) fn known_issuers(&self, work: &Work) -> Vec<String> {
        let given = self.settings.given.as_ref();
        let given = given.and_then(|given| given.issuer.clone());
        let client = work
            .client
            .as_ref()
            .map(|(client, _)| client.issuer.clone());
        let named = self.settings.issuer.clone();
        given.into_iter().chain(named).chain(client).collect()
    }
}
