//! The gate itself: from request to decision.

use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Actor, Secret};
use sealgate_session::{SEALED_LIMIT, SessionContent};

use crate::caller::{Caller, CredentialInfo, CredentialKind};
use crate::common::Common;
use crate::cookies::Found;
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::host::Host;
use crate::pending::{Pending, Work};
use crate::renewal::{Renewals, Renewed};
use crate::request::{Request, Seen, Transport};
use crate::requirement::Requirement;
use crate::settings::{Settings, SettingsError, Unmarked};
use crate::{feed, own_routes, page};

/// The gate of one application.
pub struct Gate {
    common: Common,
    renewals: Renewals,
}

impl Gate {
    /// The gate for `settings`.
    pub fn new(settings: Settings, host: Host) -> Result<Arc<Self>, SettingsError> {
        let common = Common::new(settings, host)?;
        let renewals = Renewals::default();
        Ok(Arc::new(Self { common, renewals }))
    }

    /// Decides about a request, from its method, path and headers alone. It never blocks.
    pub fn decide(&self, request: &Request<'_>, requirement: &Requirement) -> Decision {
        if request.transport == Transport::Http
            && let Some(decision) = own_routes::answer(&self.common, request)
        {
            return decision;
        }
        if matches!(requirement, Requirement::Public { .. }) {
            return Decision::Allow(Allowed::default());
        }
        let seen = Seen::read(request, self.common.names());
        let person = || seen.is_navigation(request).then(|| Self::target(request));
        let content = match self.session(&seen, request) {
            Ok(content) => content,
            Err(denial) => return self.deny(denial, person()),
        };
        self.renewals.saw(&content);
        if self.common.now() >= content.renew_at() {
            let requirement = requirement.clone();
            let work = Work::Renewal {
                content: Box::new(content),
                requirement,
                person: person(),
            };
            return Decision::Pending(Box::new(Pending(work)));
        }
        match self.judge(requirement, content) {
            Ok(allowed) => Decision::Allow(allowed),
            Err(denial) => self.deny(denial, person()),
        }
    }

    /// Carries through what needs the network. The answer is never [`Decision::Pending`].
    pub async fn finish(&self, pending: Pending) -> Decision {
        match pending.0 {
            Work::Login(login) => match self.common.provider().metadata().await {
                Ok(metadata) => Decision::Respond(login.begin(&self.common, &metadata)),
                Err(error) => Decision::Respond(own_routes::no_sign_in(&self.common, &error)),
            },
            Work::Callback(callback) => Decision::Respond(callback.finish(&self.common).await),
            Work::Logout(logout) => Decision::Respond(logout.finish(&self.common).await),
            Work::Notice(notice) => Decision::Respond(notice.finish(&self.common).await),
            Work::Renewal {
                content,
                requirement,
                person,
            } => {
                let (renewed, cookie) = match self.renewals.renew(&self.common, &content).await {
                    Renewed::Denied(denial) => return self.deny(denial, person),
                    Renewed::Session(renewed, cookie) => (renewed, cookie),
                };
                let judged = self
                    .alive(&renewed)
                    .and_then(|()| self.judge(&requirement, SessionContent::clone(&renewed)));
                let mut decision =
                    judged.map_or_else(|denial| self.deny(denial, person), Decision::Allow);
                // A denial carries the cookie too: the old one's handle is spent, and a browser that
                // keeps it would be taken for a thief at its next renewal.
                match &mut decision {
                    Decision::Allow(allowed) => allowed.set_cookies.push(cookie),
                    Decision::Respond(response) => response.headers.push(("set-cookie", cookie)),
                    Decision::Pending(_) => {}
                }
                decision
            }
        }
    }

    /// Why `actor`, who passed the gate, does not meet `requirement`, or nothing.
    pub fn check(&self, actor: &Actor, requirement: &Requirement) -> Option<Denial> {
        requirement.refuses(actor, self.common.now())
    }

    /// Why what `caller` came with is not good any more, or nothing: for connections that last.
    pub fn standing(&self, caller: &Caller) -> Option<Denial> {
        let credential = &caller.credential;
        if self.common.now() >= credential.expires_at {
            return Some(Denial::SessionExpired);
        }
        let view = self.common.view();
        let checked = view.check_credential(&credential.revocable(), self.common.uptime());
        checked.err()
    }

    /// Follows the revocation feed until the future is dropped.
    pub async fn follow(&self) {
        feed::follow(&self.common).await;
    }

    /// Whether the revocation view is fresh: without that, no session passes.
    pub fn is_ready(&self) -> bool {
        self.common.view().is_fresh(self.common.uptime())
    }

    /// Waits until the view is fresh, for at most `limit`; whether it is.
    pub async fn wait_ready(&self, limit: Duration) -> bool {
        let mut heard = self.common.view().heard();
        let ready = async {
            while !self.is_ready() {
                if heard.changed().await.is_err() {
                    break;
                }
            }
        };
        // Running out of time is an answer like any other: the view is asked once more.
        let _ = tokio::time::timeout(limit, ready).await;
        self.is_ready()
    }

    /// The session that a request brings, if it is alive and may be used by this request.
    fn session(&self, seen: &Seen<'_>, request: &Request<'_>) -> Result<SessionContent, Denial> {
        if seen.bearer {
            return Err(Denial::CredentialUnsupported);
        }
        let sealed = match seen.session {
            Found::Nothing => return Err(Denial::CredentialMissing),
            Found::Several => return Err(Denial::CredentialDuplicate),
            Found::One(sealed) if sealed.len() > SEALED_LIMIT => {
                return Err(Denial::CredentialOversize);
            }
            Found::One(sealed) => sealed,
        };
        let content = self
            .common
            .seals()
            .open_session(self.common.names(), sealed)
            .map_err(|error| {
                tracing::debug!(reason = error.code(), "a session cookie was refused");
                Denial::CredentialInvalid
            })?;
        self.alive(&content)?;
        if request.changes_state()
            && seen.is_cross_origin(request.transport, self.common.settings().base_url.origin())
        {
            return Err(Denial::CrossOrigin);
        }
        Ok(content)
    }

    /// Expiry, idle time, revocation and the view's freshness, in this order: a revocation that is known
    /// counts even when the view is stale.
    fn alive(&self, content: &SessionContent) -> Result<(), Denial> {
        let now = self.common.now();
        if now >= content.expires_at() {
            return Err(Denial::SessionExpired);
        }
        if now.since(content.renewed_at()) > self.common.settings().idle_limit {
            return Err(Denial::SessionIdle);
        }
        self.common.view().check(
            content,
            &self.common.settings().client_id,
            self.common.uptime(),
        )
    }

    fn judge(&self, requirement: &Requirement, content: SessionContent) -> Result<Allowed, Denial> {
        if *requirement == Requirement::Unmarked
            && self.common.settings().unmarked == Unmarked::Deny
        {
            return Err(Denial::RouteUnmarked);
        }
        let caller = self.caller(content);
        match requirement.refuses(&caller.actor, self.common.now()) {
            Some(denial) => Err(denial),
            None => Ok(Allowed {
                caller: Some(caller),
                set_cookies: Vec::new(),
            }),
        }
    }

    fn caller(&self, content: SessionContent) -> Caller {
        let mut parts = content.into_parts();
        let client = self.common.settings().client_id.as_str();
        parts.user.client = Some(client.to_owned());
        let credential = CredentialInfo {
            kind: CredentialKind::Session,
            session: Some(parts.session),
            subject: Some(parts.user.id.clone()),
            client: client.to_owned(),
            key: parts.key,
            token: None,
            started_at: parts.started_at,
            expires_at: parts.expires_at,
            subject_token: parts.refresh.map(Secret::new),
        };
        Caller {
            actor: Arc::new(Actor::User(parts.user)),
            credential: Arc::new(credential),
        }
    }

    /// A denial, as a page or redirect if `person` (the path they wanted) is there.
    fn deny(&self, denial: Denial, person: Option<String>) -> Decision {
        Decision::Respond(match person {
            Some(target) => page::denial_page(
                denial,
                &page::sign_in_url(&self.common.paths().login, &target),
            ),
            None => page::denial(denial),
        })
    }

    /// The path and query that a request asked for, to come back to after sign-in.
    fn target(request: &Request<'_>) -> String {
        // The decoded path is encoded again, with its slashes left alone and blanks as %20.
        let path: String = url::form_urlencoded::byte_serialize(request.path.as_bytes()).collect();
        let mut target = path.replace("%2F", "/").replace('+', "%20");
        if let Some(query) = str::from_utf8(request.query)
            .ok()
            .filter(|query| !query.is_empty())
        {
            target.push('?');
            target.push_str(query);
        }
        target
    }
}
