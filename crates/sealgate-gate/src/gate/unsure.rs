//! Requests whose credential cannot be judged by a fresh view: by the policy they are refused, go on, or the
//! control plane is asked.

use sealgate_session::SessionContent;

use super::Gate;
use super::opened::Opened;
use super::refuse::Refused;
use crate::alive;
use crate::decision::{Decision, STALE_ALLOWED};
use crate::denial::Denial;
use crate::renewal::Renewed;
use crate::request::{Request, Transport};
use crate::requirement::Requirement;
use crate::resource::Came;
use crate::stale::{Change, Knowledge, OnStale, Question, Verdict};

/// What a request wants, as far as a view that is not fresh has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To read something.
    Read,
    /// To change something.
    Change,
    /// A connection that lasts. It would end at once, for nobody asks about it again.
    Socket,
}

/// What lets a request go on, of whose credential nothing bad is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// That nothing bad is known.
    Known,
    /// The setting, for its route.
    Allowed,
    /// The control plane, which has to be asked.
    Ask,
}

impl Aim {
    /// What `request` wants.
    pub(super) fn of(request: &Request<'_>) -> Self {
        match request.transport {
            Transport::WebSocket => Self::Socket,
            Transport::Http if request.changes_state() => Self::Change,
            Transport::Http => Self::Read,
        }
    }
}

impl Leave {
    /// The reason to go on, for the record.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::Known | Self::Ask => "",
            Self::Allowed => STALE_ALLOWED,
        }
    }
}

impl Gate {
    /// What lets a request go on that wants `aim` of a route with `requirement`, when so much is known of its
    /// credential.
    pub(super) fn leave(
        &self,
        knowledge: Knowledge,
        requirement: &Requirement,
        aim: Aim,
    ) -> Result<Leave, Denial> {
        if knowledge == Knowledge::Current {
            return Ok(Leave::Known);
        }
        match self.common.settings().on_stale {
            OnStale::Introspect if aim != Aim::Socket => Ok(Leave::Ask),
            // How late it is was read before the credential was looked up. Read now, it could be by news that
            // this look has not seen.
            OnStale::Allow(_)
                if knowledge == Knowledge::Late
                    && aim == Aim::Read
                    && requirement.need().stale_ok =>
            {
                Ok(Leave::Allowed)
            }
            _ => Err(Denial::FeedStale),
        }
    }

    /// Decides about a request with a session that has to be renewed or asked about first.
    pub(super) async fn settle(
        &self,
        content: SessionContent,
        requirement: &Requirement,
        aim: Aim,
        person: Option<String>,
    ) -> Decision {
        self.hear_first_view().await;
        self.common.policy().have().await;
        let mut cookie = None;
        let (content, settled) = self.settled(content, requirement, aim, &mut cookie).await;
        let opened = Opened::once(content.clone(), self.caller(content));
        let mut decision = match settled {
            Ok(leave) => self.decided(&opened, leave, requirement, || person),
            Err(denial) => {
                let refused = Refused::of(opened.caller, denial, Came::Session);
                self.deny(refused, requirement, person)
            }
        };
        // A denial carries the cookie too: the old one's handle is spent, and a browser that
        // keeps it would be taken for a thief at its next renewal.
        if let Some(cookie) = cookie {
            match &mut decision {
                Decision::Allow(allowed) => allowed.set_cookies.push(cookie),
                Decision::Respond(response) => response.headers.push(("set-cookie", cookie)),
                Decision::Pending(_) => {}
            }
        }
        decision
    }

    /// The session that counts, and what lets it go on, once it is neither due nor outdated. Each further round is
    /// one more change during the round before it. `cookie` is the renewed session's.
    async fn settled(
        &self,
        mut content: SessionContent,
        requirement: &Requirement,
        aim: Aim,
        cookie: &mut Option<String>,
    ) -> (SessionContent, Result<Leave, Denial>) {
        const ROUNDS: usize = 3;
        // The control plane may say that the session is not what it was before the view knows of it.
        let mut told_otherwise = false;
        for _ in 0..ROUNDS {
            let mut leave = match self.may_go(&content, requirement, aim) {
                Ok(leave) => leave,
                Err(denial) => return (content, Err(denial)),
            };
            let is_outdated = told_otherwise || self.change(&content) == Change::Since;
            if is_outdated || self.is_due(&content, leave) {
                match self.renewed(&content, leave).await {
                    Ok((renewed, new_cookie)) => {
                        content = renewed;
                        *cookie = Some(new_cookie);
                        told_otherwise = false;
                    }
                    Err(denial) => return (content, Err(denial)),
                }
                leave = match self.may_go(&content, requirement, aim) {
                    Ok(leave) => leave,
                    Err(denial) => return (content, Err(denial)),
                };
            }
            if leave == Leave::Ask {
                match self.ask_about(&content).await {
                    Verdict::Good => {
                        if let Err(denial) = self.common.policy().confirm().await {
                            return (content, Err(denial));
                        }
                    }
                    Verdict::Ended => return (content, Err(Denial::SessionRevoked)),
                    Verdict::Outdated if cookie.is_none() => {
                        told_otherwise = true;
                        continue;
                    }
                    Verdict::Outdated | Verdict::Unknown => {
                        return (content, Err(Denial::FeedStale));
                    }
                }
                // While the control plane was asked the feed may have told more.
                if let Err(denial) = self.may_go(&content, requirement, aim) {
                    return (content, Err(denial));
                }
            }
            match self.change(&content) {
                Change::None => return (content, Ok(leave)),
                // The control plane has just said that all of it is so.
                Change::Unknown if leave == Leave::Ask => return (content, Ok(leave)),
                Change::Unknown => return (content, Err(Denial::FeedStale)),
                Change::Since => {}
            }
        }
        (content, Err(Denial::RenewalUnavailable))
    }

    /// What lets a session go on that is neither due nor outdated.
    pub(super) fn may_go(
        &self,
        content: &SessionContent,
        requirement: &Requirement,
        aim: Aim,
    ) -> Result<Leave, Denial> {
        let knowledge = alive::check(&self.common, content)?;
        self.leave(knowledge, requirement, aim)
    }

    /// Whether a session may not pass as it is: it is to be asked about, it is time to renew it, or what it says
    /// may have changed.
    pub(super) fn must_settle(&self, content: &SessionContent, leave: Leave) -> bool {
        leave == Leave::Ask || self.is_due(content, leave) || self.change(content) != Change::None
    }

    /// Whether it is time to renew a session. Where the setting lets it go on without the control plane, that
    /// is not waited for.
    fn is_due(&self, content: &SessionContent, leave: Leave) -> bool {
        leave != Leave::Allowed && self.common.now() >= content.renew_at()
    }

    fn change(&self, content: &SessionContent) -> Change {
        alive::change(&self.common, content)
    }

    async fn renewed(
        &self,
        content: &SessionContent,
        leave: Leave,
    ) -> Result<(SessionContent, String), Denial> {
        // Who does not answer questions renews nothing either.
        if leave == Leave::Ask && self.introspections.is_given_up(self.common.uptime()) {
            return Err(Denial::FeedStale);
        }
        match self.renewals.renew(&self.common, content).await {
            Renewed::Session(renewed, cookie) => Ok((SessionContent::clone(&renewed), cookie)),
            Renewed::Denied(denial) => Err(denial),
        }
    }

    /// What the control plane says of a session, by its refresh token.
    async fn ask_about(&self, content: &SessionContent) -> Verdict {
        let Some(token) = content.refresh() else {
            return Verdict::Unknown;
        };
        let question = Question {
            token,
            hint: "refresh_token",
            caller: &self.caller(content.clone()),
        };
        self.introspections.ask(&self.common, &question).await
    }

    /// Waits a moment for the first view, which is about to come where a process has just begun: rather than
    /// ask about each of its first requests. All wait together, and only once.
    pub(super) async fn hear_first_view(&self) {
        const FIRST_VIEW: std::time::Duration = std::time::Duration::from_secs(2);
        let has_view = self.common.view().age(self.common.uptime()).is_some();
        let asks = self.common.settings().on_stale == OnStale::Introspect;
        if asks && !has_view && !self.is_ready() {
            let wait = || async {
                self.wait_ready(FIRST_VIEW).await;
            };
            self.first_view.get_or_init(wait).await;
        }
    }
}
