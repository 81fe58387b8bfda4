//! The gate itself: from request to decision.

mod acts;
mod known;
mod opened;
mod refuse;
mod token;
mod unsure;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use sealgate_audit::decision::Outcome as Decided;
use sealgate_audit::gate::RouteTable;
use sealgate_model::{Actor, Secret};
use sealgate_policy::mapping::Mapping;
use sealgate_session::{SEALED_LIMIT, SessionContent};
use tokio::sync::OnceCell;

use crate::caller::{Caller, CredentialInfo, CredentialKind};
use crate::common::Common;
use crate::cookies::Found;
use crate::csrf::Shown;
use crate::decision::{Allowed, Decision};
use crate::denial::Denial;
use crate::feed::FeedStatus;
use crate::form::{AfterForm, Form};
use crate::host::Host;
use crate::origin::Whence;
use crate::pending::{Pending, Work};
use crate::policy::{self, Loaded, PolicyStatus};
use crate::renewal::Renewals;
use crate::report::About;
use crate::request::{Credential, Request, Seen, Transport};
use crate::requirement::Requirement;
use crate::resource::{Came, Presented, Tokens, is_metadata};
use crate::settings::{Settings, SettingsError, Unmarked};
use crate::stale::Introspections;
use crate::{feed, onward, own_routes, page, standing};

use opened::{Opened, OpenedSessions};
pub(crate) use refuse::Refused;
use unsure::Leave;

pub(crate) use unsure::Aim;

/// The gate of one application.
pub struct Gate {
    common: Common,
    renewals: Renewals,
    onward: onward::Tokens,
    tokens: Tokens,
    opened: OpenedSessions,
    introspections: Introspections,
    /// Set once the first view was waited for.
    first_view: OnceCell<()>,
}

impl Gate {
    /// The gate for `settings`.
    pub fn new(settings: Settings, host: Host) -> Result<Arc<Self>, SettingsError> {
        let tokens = Tokens::new(&settings)?;
        let common = Common::new(settings, host)?;
        let renewals = Renewals::default();
        Ok(Arc::new(Self {
            common,
            renewals,
            onward: onward::Tokens::default(),
            tokens,
            opened: OpenedSessions::default(),
            introspections: Introspections::default(),
            first_view: OnceCell::new(),
        }))
    }

    pub(crate) const fn common(&self) -> &Common {
        &self.common
    }

    pub(crate) const fn onward_tokens(&self) -> &onward::Tokens {
        &self.onward
    }

    /// Decides about a request, from its method, path and headers alone. It never blocks.
    pub fn decide(&self, request: &Request<'_>, requirement: &Requirement) -> Decision {
        let decision = self.decide_now(request, requirement);
        self.common.sight().decided(&decision);
        decision
    }

    fn decide_now(&self, request: &Request<'_>, requirement: &Requirement) -> Decision {
        if let Some(decision) = self.own_answer(request) {
            return decision;
        }
        if matches!(requirement, Requirement::Public { .. }) {
            return Decision::Allow(Allowed::default());
        }
        if let Requirement::Mcp(server) = requirement {
            return self.decide_for_mcp(server, request, requirement);
        }
        let seen = Seen::read(request, self.common.names());
        let person = || seen.is_navigation(request).then(|| Self::target(request));
        if *requirement == Requirement::Unreviewed {
            // Whoever it is: a credential is not looked at, so that nobody is sent to sign in for nothing.
            let refused = Refused::new(Denial::RouteUnreviewed, Came::Unclear);
            return self.deny(refused, requirement, person());
        }
        let found = match seen.credential() {
            Credential::Session(found) => found,
            Credential::Token(scheme, rest) => {
                return match Presented::new(scheme, rest, seen.dpop) {
                    Ok(presented) => self.token(&presented, request, requirement),
                    Err(denial) => {
                        let refused = Refused::new(denial, Came::Token(scheme));
                        self.deny(refused, requirement, None)
                    }
                };
            }
            Credential::Several => {
                let refused = Refused::new(Denial::CredentialSeveral, Came::Unclear);
                return self.deny(refused, requirement, person());
            }
        };
        let aim = Aim::of(request);
        let (opened, leave) = match self.session(found, requirement, aim) {
            Ok(found) => found,
            Err(refused) => return self.deny(refused, requirement, person()),
        };
        let content = &opened.content;
        self.renewals.saw(content);
        match self.admit(&seen, request, content) {
            Err(denial) => {
                let refused = Refused::of(opened.caller.clone(), denial, Came::Session);
                self.deny(refused, requirement, person())
            }
            Ok(Shown::InForm) => {
                let then = AfterForm::Request {
                    content: Box::new(content.clone()),
                    requirement: requirement.clone(),
                };
                Decision::Pending(Box::new(Pending(Work::Form(Form::new(then)))))
            }
            Ok(Shown::InHeader) => self.proceed(&opened, leave, requirement, aim, person),
        }
    }

    /// The answer of one of the gate's own routes, if `request` is for one.
    fn own_answer(&self, request: &Request<'_>) -> Option<Decision> {
        if request.transport != Transport::Http {
            return None;
        }
        self.metadata(request)
            .or_else(|| own_routes::answer(&self.common, request))
    }

    /// What one of the application's resources says of itself, if `request` asks for that. An MCP server that
    /// is found at the root of the host comes before the application.
    fn metadata(&self, request: &Request<'_>) -> Option<Decision> {
        if !is_metadata(request.path) {
            return None;
        }
        let of_server = self.common.settings().mcp.metadata(request);
        of_server.or_else(|| self.tokens.metadata().answer(request))
    }

    /// Decides about a request that may come with the session that it came with.
    fn proceed(
        &self,
        opened: &Opened,
        leave: Leave,
        requirement: &Requirement,
        aim: Aim,
        person: impl FnOnce() -> Option<String>,
    ) -> Decision {
        let content = &opened.content;
        if self.must_settle(content, leave) || self.common.policy().is_wanted() {
            let work = Work::Session {
                content: Box::new(content.clone()),
                requirement: requirement.clone(),
                aim,
                person: person(),
            };
            return Decision::Pending(Box::new(Pending(work)));
        }
        self.decided(opened, leave, requirement, person)
    }

    /// The same once its form was read. Whoever sends a form decides how long that takes, and the session may
    /// have ended meanwhile.
    fn resumed(&self, content: &SessionContent, requirement: &Requirement) -> Decision {
        let aim = Aim::Change;
        let opened = Opened::once(content.clone(), self.caller(content.clone()));
        match self.may_go(content, requirement, aim) {
            Ok(leave) => self.proceed(&opened, leave, requirement, aim, || None),
            Err(denial) => {
                let refused = Refused::of(opened.caller, denial, Came::Session);
                self.deny(refused, requirement, None)
            }
        }
    }

    /// Decides about a request whose session is alive.
    fn decided(
        &self,
        opened: &Opened,
        leave: Leave,
        requirement: &Requirement,
        person: impl FnOnce() -> Option<String>,
    ) -> Decision {
        let judged = self.judge_mapped(requirement, &opened.caller, |loaded| {
            let own = self.common.provider().preset().has_feed;
            let claims = opened.content.claims();
            let make = |mapping: &Mapping| policy::of_session(mapping, &opened.caller, own, claims);
            opened.mapped.caller(&opened.caller, loaded, make)
        });
        match judged {
            Ok(caller) => Decision::Allow(Allowed {
                caller: Some(caller),
                reason: leave.reason(),
                ..Allowed::default()
            }),
            Err((denial, caller)) => {
                let refused = Refused::of(caller, denial, Came::Session);
                self.deny(refused, requirement, person())
            }
        }
    }

    /// Carries through what needs the network. The answer is never [`Decision::Pending`].
    pub async fn finish(&self, pending: Pending) -> Decision {
        let decision = self.carry_through(pending).await;
        self.common.sight().decided(&decision);
        decision
    }

    async fn carry_through(&self, pending: Pending) -> Decision {
        match pending.0 {
            Work::Login(login) => match self.common.provider().metadata().await {
                Ok(metadata) => Decision::Respond(login.begin(&self.common, &metadata)),
                Err(error) => Decision::Respond(own_routes::no_sign_in(&self.common, &error)),
            },
            Work::Callback(callback) => Decision::Respond(callback.finish(&self.common).await),
            Work::Logout(logout) => Decision::Respond(logout.finish(&self.common).await),
            Work::Notice(notice) => Decision::Respond(notice.finish(&self.common).await),
            Work::Form(form) => match form.check(&self.common) {
                Err(denial) => Decision::Respond(page::denial(denial)),
                Ok(AfterForm::Logout(logout)) => {
                    Decision::Respond(logout.finish(&self.common).await)
                }
                Ok(AfterForm::Request {
                    content,
                    requirement,
                }) => match self.resumed(&content, &requirement) {
                    Decision::Pending(pending) => Box::pin(self.carry_through(*pending)).await,
                    decided => decided,
                },
            },
            Work::Token {
                token,
                requirement,
                aim,
            } => self.asked(&token, &requirement, aim).await,
            Work::Session {
                content,
                requirement,
                aim,
                person,
            } => self.settle(*content, &requirement, aim, person).await,
        }
    }

    /// Why `actor`, who passed the gate, does not meet `requirement`, or nothing.
    pub fn check(&self, actor: &Actor, requirement: &Requirement) -> Option<Denial> {
        requirement.refuses(actor, self.common.now())
    }

    /// The same of `caller`, and of where they passed the gate: what let somebody in to an MCP server lets them
    /// in nowhere else, and the other way round.
    pub fn check_caller(&self, caller: &Caller, requirement: &Requirement) -> Option<Denial> {
        misplaced(caller, requirement)
            .or_else(|| self.check(&caller.actor, requirement))
            .or_else(|| self.refuses_actions(caller, requirement.need()))
    }

    /// Why what `caller` came with is not good any more, or nothing: for connections that last.
    pub fn standing(&self, caller: &Caller) -> Option<Denial> {
        standing::fallen(&self.common, caller).or_else(|| policy::outdated(&self.common, caller))
    }

    /// The same of who was let in to what asks for `requirement`: what the policies say of its actions now counts
    /// for what lasts, too.
    pub fn standing_for(&self, caller: &Caller, requirement: &Requirement) -> Option<Denial> {
        self.standing(caller)
            .or_else(|| self.refuses_actions(caller, requirement.need()))
    }

    /// A token for forms of pages that are shown to `caller`; nothing if they came without a session, and
    /// need none. It is good as long as the session and the seal key it was made with.
    pub fn csrf_token(&self, caller: &Caller) -> Option<String> {
        let session = match caller.credential.kind {
            CredentialKind::Session => caller.credential.session?,
            _ => return None,
        };
        self.common.csrf().make(self.common.random(), session)
    }

    /// Follows the revocation feed and reports decisions until the future is dropped.
    pub async fn follow(&self) {
        let reports = self.common.reports().keep(&self.common);
        futures_util::future::join(feed::follow(&self.common), reports).await;
    }

    /// Takes down what came of a request, for the control plane's log of decisions: `outcome`, for `reason` (a stable
    /// code, empty for what is allowed as a rule), answered with `status` if the gate answered it, of `caller` if that
    /// is known. It costs less than a microsecond, and does no I/O. Whoever decides about a request calls it once,
    /// when nothing more is to be decided.
    pub fn note(
        &self,
        about: About,
        outcome: Decided,
        reason: Cow<'static, str>,
        status: Option<u16>,
        caller: Option<&Caller>,
    ) {
        let reports = self.common.reports();
        reports.record(&self.common, about, outcome, reason, status, caller);
    }

    /// Whether anybody is told of decisions: else there is no need to call [`Gate::note`].
    pub fn is_noting(&self) -> bool {
        self.common.reports().is_on()
    }

    /// Sends or writes down the records of decisions that wait, before the process ends. It takes a few seconds at
    /// most.
    pub async fn part(&self) {
        self.common.reports().finish(&self.common).await;
    }

    /// How the revocation feed fares, as this process sees it.
    pub fn feed(&self) -> FeedStatus {
        feed::status(&self.common)
    }

    /// Counts an answer that was withheld, because no decision stood behind it. Whoever sees answers pass
    /// withholds them: the gate itself sees none.
    pub fn note_withheld(&self) {
        self.common.sight().withhold();
    }

    /// The same and what was decided, as `OpenMetrics` text.
    pub fn openmetrics(&self) -> String {
        feed::openmetrics(&self.common)
    }

    /// Tells which routes stand behind the gate, and what it stands in, a word such as `asgi`: the control plane
    /// hears of it, and nothing is decided by it.
    pub fn routes_are(&self, host: &'static str, table: RouteTable) {
        self.common.state().routes_are(host, table);
    }

    /// Which policies this process decides by.
    pub fn policy(&self) -> PolicyStatus {
        self.common.policy().status()
    }

    /// Whether the revocation view is fresh and the policies that count are at hand: without that, nobody passes.
    pub fn is_ready(&self) -> bool {
        self.common.view().is_fresh(self.common.uptime()) && self.common.policy().is_ready()
    }

    /// Waits until the view is fresh and somebody keeps it so, for at most `limit`; whether it is fresh. One
    /// that was left by processes that have ended is good for its bound, and whoever begins waits all the same:
    /// what was revoked meanwhile is a moment away.
    pub async fn wait_ready(&self, limit: Duration) -> bool {
        let mut heard = self.common.view().heard();
        let began = self.common.uptime();
        let ready = async {
            while !(feed::is_kept(&self.common, began) && self.common.policy().is_ready()) {
                // That another process is at work is no news of the view, and has to be looked for.
                if let Ok(Err(_)) = tokio::time::timeout(feed::LOOK, heard.changed()).await {
                    break;
                }
            }
        };
        // Running out of time is an answer like any other: the view is asked once more.
        let _ = tokio::time::timeout(limit, ready).await;
        self.is_ready()
    }

    /// The session that a request brings, if it is alive, and what lets it go on.
    fn session(
        &self,
        found: Found<'_>,
        requirement: &Requirement,
        aim: Aim,
    ) -> Result<(Arc<Opened>, Leave), Refused> {
        let sealed = match found {
            Found::Nothing => return Err(Refused::new(Denial::CredentialMissing, Came::Unclear)),
            Found::Several => return Err(Refused::new(Denial::CredentialDuplicate, Came::Session)),
            Found::One(sealed) if sealed.len() > SEALED_LIMIT => {
                return Err(Refused::new(Denial::CredentialOversize, Came::Session));
            }
            Found::One(sealed) => sealed,
        };
        let (seals, names) = (self.common.seals(), self.common.names());
        let open = || seals.open_session(names, sealed);
        let caller = |content| self.caller(content);
        let opened = self.opened.open(sealed, open, caller).map_err(|error| {
            tracing::debug!(reason = error.code(), "a session cookie was refused");
            Refused::new(Denial::CredentialInvalid, Came::Session)
        })?;
        match self.may_go(&opened.content, requirement, aim) {
            Ok(leave) => Ok((opened, leave)),
            Err(denial) => {
                let caller = opened.caller.clone();
                Err(Refused::of(caller, denial, Came::Session))
            }
        }
    }

    /// Whether the browser itself, or a page of the application, made this request, and not a page
    /// elsewhere in the user's name.
    fn admit(
        &self,
        seen: &Seen<'_>,
        request: &Request<'_>,
        content: &SessionContent,
    ) -> Result<Shown, Denial> {
        if !request.changes_state() {
            return Ok(Shown::InHeader);
        }
        match seen.whence(request.transport, self.common.settings()) {
            Whence::Own => Ok(Shown::InHeader),
            Whence::Elsewhere => Err(Denial::CrossOrigin),
            Whence::Unsaid => self
                .common
                .csrf()
                .check_headers(request, &[content.session()]),
        }
    }

    /// Whom `mapped` makes, by the policies that count, of `told`, whose credential is good, if they may do what
    /// `requirement` is about; else why not, and of whom that is said. What claims give and what is allowed are of
    /// one version.
    fn judge_mapped(
        &self,
        requirement: &Requirement,
        told: &Caller,
        mapped: impl FnOnce(Option<&Loaded>) -> Result<Caller, Denial>,
    ) -> Result<Caller, (Denial, Caller)> {
        let refused = |denial| (denial, told.clone());
        let loaded = self.common.policy().current().map_err(refused)?;
        let mut caller = mapped(loaded.as_deref()).map_err(refused)?;
        let judged = self.judge_by(loaded.as_deref(), requirement, &caller);
        caller.decided_by = judged.by;
        match judged.denial {
            None => Ok(caller),
            Some(denial) => Err((denial, caller)),
        }
    }

    /// Why `caller`, whose credential is good, may not do what `requirement` is about, or nothing.
    fn judge(&self, requirement: &Requirement, caller: &Caller) -> policy::Judged {
        match self.common.policy().about(caller) {
            // What it would allow is not known.
            Err(denial) => denial.into(),
            Ok(loaded) => self.judge_by(loaded.as_deref(), requirement, caller),
        }
    }

    /// The same by the policies that count. They are asked last: what they are told of an actor is only what holds.
    fn judge_by(
        &self,
        loaded: Option<&Loaded>,
        requirement: &Requirement,
        caller: &Caller,
    ) -> policy::Judged {
        let is_closed = *requirement == Requirement::Unmarked
            && self.common.settings().unmarked == Unmarked::Deny;
        if is_closed {
            return Denial::RouteUnmarked.into();
        }
        let need = requirement.need();
        if let Some(denial) = self.check(&caller.actor, requirement) {
            return denial.into();
        }
        let asked = (&need.actions[..], need.route.as_deref());
        policy::refuses_route(loaded, caller, asked, self.common.now())
    }

    fn caller(&self, content: SessionContent) -> Caller {
        let mut parts = content.into_parts();
        let client = self.common.settings().client_id.as_str();
        parts.user.client = Some(client.to_owned());
        let credential = CredentialInfo {
            kind: CredentialKind::Session,
            issuer: self.common.settings().issuer.as_str().to_owned(),
            session: Some(parts.session),
            subject: Some(parts.user.id.clone()),
            client: client.to_owned(),
            key: parts.key,
            token: None,
            tenant: parts.user.tenant.clone(),
            grants: Vec::new(),
            started_at: parts.started_at,
            told_at: parts.told_at,
            expires_at: if self.common.provider().preset().has_feed {
                parts.expires_at
            } else {
                // Nothing is heard of a revocation before the next renewal, and a connection makes none.
                parts.renew_at.min(parts.expires_at)
            },
            subject_token: parts.refresh.map(Secret::new),
            subject_token_until: parts.renew_at,
            acting: Vec::new(),
            signs_in: true,
            server: None,
        };
        Caller {
            actor: Arc::new(Actor::User(parts.user)),
            credential: Arc::new(credential),
            mapping: None,
            decided_by: None,
        }
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

/// Why a caller's credential is not for what `requirement` is about, or nothing.
fn misplaced(caller: &Caller, requirement: &Requirement) -> Option<Denial> {
    let server = match requirement {
        Requirement::Mcp(server) => Some(server.audience()),
        _ => None,
    };
    let credential = &caller.credential;
    let is_placed =
        credential.kind == CredentialKind::Test || credential.server.as_deref() == server;
    (!is_placed).then_some(Denial::TokenAudience)
}
