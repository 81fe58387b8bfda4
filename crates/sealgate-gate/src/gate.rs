//! The gate itself: from request to decision.

use std::sync::Arc;
use std::time::Duration;

use sealgate_host::{Fetch, HttpFetch, SystemClock, SystemRandom};
use sealgate_model::{Clock, Random, Timestamp, Uptime, User};
use sealgate_session::{SEALED_LIMIT, SessionContent};

use crate::callback::{Callback, SpentTransactions};
use crate::cookies::{CookieNames, Found};
use crate::decision::{Allowed, Decision, Denial};
use crate::login::Login;
use crate::logout::Logout;
use crate::own_routes::OwnPaths;
use crate::page;
use crate::provider::Provider;
use crate::renewal::{Renewals, Renewed};
use crate::request::{Request, Seen, Transport};
use crate::requirement::Requirement;
use crate::seals::Seals;
use crate::settings::{Settings, SettingsError, Unmarked};
use crate::view::RevocationView;

/// What the gate is handed by its host.
#[derive(Clone)]
pub struct Host {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Outbound HTTP.
    pub fetch: Arc<dyn Fetch>,
}

impl Host {
    /// The real clock, randomness and HTTP client.
    pub fn system(settings: &Settings) -> Result<Self, SettingsError> {
        const NAME: &str = "SEALGATE_AUTHORITY_FILE";
        let authority = settings
            .authority_file
            .as_ref()
            .map(|path| {
                std::fs::read(path)
                    .map_err(|error| SettingsError::new(NAME, format!("cannot be read: {error}")))
            })
            .transpose()?;
        let fetch = HttpFetch::new(authority.as_deref())
            .map_err(|error| SettingsError::new(NAME, error.to_string()))?;
        Ok(Self {
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
            fetch: Arc::new(fetch),
        })
    }
}

/// The gate of one application.
pub struct Gate {
    settings: Arc<Settings>,
    host: Host,
    names: CookieNames,
    seals: Seals,
    provider: Provider,
    renewals: Renewals,
    view: RevocationView,
    spent: SpentTransactions,
    pub(crate) paths: OwnPaths,
}

/// Work that needs the network, taken out of its request.
pub struct Pending(pub(crate) Work);

pub(crate) enum Work {
    Login(Login),
    Callback(Callback),
    Logout(Logout),
    Renewal {
        content: Box<SessionContent>,
        requirement: Requirement,
        person: Option<String>,
    },
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Work::Login(_) => "Pending(login)",
            Work::Callback(_) => "Pending(callback)",
            Work::Logout(_) => "Pending(logout)",
            Work::Renewal { .. } => "Pending(renewal)",
        })
    }
}

impl Gate {
    /// The gate for `settings`.
    pub fn new(settings: Settings, host: Host) -> Result<Arc<Self>, SettingsError> {
        let secure = settings.base_url.is_https();
        if !secure {
            tracing::warn!(
                "SEALGATE_BASE_URL is plain http: the session cookie has no __Host- prefix and is not Secure. \
                 This is for development on this machine only."
            );
        }
        Ok(Arc::new(Self {
            names: CookieNames::new(secure),
            seals: Seals::new(&settings, Arc::clone(&host.random))?,
            provider: Provider::new(
                Arc::new(settings.clone()),
                Arc::clone(&host.clock),
                Arc::clone(&host.fetch),
            ),
            renewals: Renewals::default(),
            view: RevocationView::new(settings.staleness_bound),
            spent: SpentTransactions::default(),
            paths: OwnPaths::under(settings.base_path()),
            settings: Arc::new(settings),
            host,
        }))
    }

    /// Decides about a request, from its method, path and headers alone. It never blocks.
    pub fn decide(&self, request: &Request<'_>, requirement: &Requirement) -> Decision {
        if request.transport == Transport::Http
            && let Some(decision) = self.own_route(request)
        {
            return decision;
        }
        if matches!(requirement, Requirement::Public { .. }) {
            return Decision::Allow(Allowed::default());
        }
        let seen = Seen::read(request, &self.names);
        let person = || seen.is_navigation(request).then(|| Self::target(request));
        let content = match self.session(&seen, request) {
            Ok(content) => content,
            Err(denial) => return self.deny(denial, person()),
        };
        self.renewals.saw(&content);
        if self.now() >= content.renew_at() {
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
            Work::Login(login) => match self.provider.metadata().await {
                Ok(metadata) => Decision::Respond(login.begin(self, &metadata)),
                Err(error) => Decision::Respond(self.no_sign_in(&error)),
            },
            Work::Callback(callback) => Decision::Respond(callback.finish(self).await),
            Work::Logout(logout) => Decision::Respond(logout.finish(self).await),
            Work::Renewal {
                content,
                requirement,
                person,
            } => {
                let (renewed, cookie) = match self.renewals.renew(self, &content).await {
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

    /// Why `user`, who passed the gate, does not meet `requirement`; its reason code, or nothing.
    pub fn check(&self, user: &User, requirement: &Requirement) -> Option<&'static str> {
        requirement.refuses(user).map(Denial::code)
    }

    /// Follows the revocation feed until the future is dropped.
    pub async fn follow(&self) {
        crate::feed::follow(self).await;
    }

    /// Whether the revocation view is fresh: without that, no session passes.
    pub fn is_ready(&self) -> bool {
        self.view.is_fresh(self.uptime())
    }

    /// Waits until the view is fresh, for at most `limit`; whether it is.
    pub async fn wait_ready(&self, limit: Duration) -> bool {
        let mut heard = self.view.heard();
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
            .seals
            .open_session(&self.names, sealed)
            .map_err(|error| {
                tracing::debug!(reason = error.code(), "a session cookie was refused");
                Denial::CredentialInvalid
            })?;
        self.alive(&content)?;
        if request.changes_state()
            && seen.is_cross_origin(request.transport, self.settings.base_url.origin())
        {
            return Err(Denial::CrossOrigin);
        }
        Ok(content)
    }

    /// Expiry, idle time, revocation and the view's freshness, in this order: a revocation that is known
    /// counts even when the view is stale.
    fn alive(&self, content: &SessionContent) -> Result<(), Denial> {
        let now = self.now();
        if now >= content.expires_at() {
            return Err(Denial::SessionExpired);
        }
        if now.since(content.renewed_at()) > self.settings.idle_limit {
            return Err(Denial::SessionIdle);
        }
        self.view
            .check(content, &self.settings.client_id, self.uptime())
    }

    fn judge(&self, requirement: &Requirement, content: SessionContent) -> Result<Allowed, Denial> {
        if *requirement == Requirement::Unmarked && self.settings.unmarked == Unmarked::Deny {
            return Err(Denial::RouteUnmarked);
        }
        let session = content.session();
        let user = content.into_user();
        match requirement.refuses(&user) {
            Some(denial) => Err(denial),
            None => Ok(Allowed {
                actor: Some(Arc::new(user)),
                session: Some(session),
                set_cookies: Vec::new(),
            }),
        }
    }

    /// A denial, as a page or redirect if `person` (the path they wanted) is there.
    pub(crate) fn deny(&self, denial: Denial, person: Option<String>) -> Decision {
        Decision::Respond(match person {
            Some(target) => {
                page::denial_page(denial, &page::sign_in_url(&self.paths.login, &target))
            }
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

/// What the gate's other rooms use.
impl Gate {
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn names(&self) -> &CookieNames {
        &self.names
    }

    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    pub(crate) fn random(&self) -> &dyn Random {
        self.host.random.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.host.clock.now()
    }

    pub(crate) fn uptime(&self) -> Uptime {
        self.host.clock.uptime()
    }

    pub(crate) const fn seals(&self) -> &Seals {
        &self.seals
    }

    pub(crate) const fn view(&self) -> &RevocationView {
        &self.view
    }

    pub(crate) const fn spent(&self) -> &SpentTransactions {
        &self.spent
    }

    pub(crate) fn login_path(&self) -> &str {
        &self.paths.login
    }

    /// The redirect URI of this application, from its settings and never from a `Host` header.
    pub(crate) fn callback_url(&self) -> String {
        format!("{}/auth/callback", self.settings.base_url)
    }

    /// Where a sign-in leads that was not asked to lead anywhere: the application's own root.
    pub(crate) fn home(&self) -> String {
        format!("{}/", self.settings.base_path())
    }

    pub(crate) fn after_logout_url(&self) -> String {
        format!("{}{}", self.settings.base_url, self.settings.after_logout)
    }
}
