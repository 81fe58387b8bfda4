//! `/auth/logout`: the session ends, everywhere.

use sealgate_model::SessionId;
use sealgate_session::SessionContent;

use crate::common::Common;
use crate::page::{self, Problem};
use crate::response::Response;
use crate::rounds;

/// A logout that is to happen.
pub(crate) struct Logout {
    /// The sessions, however old: a cookie that opens is enough to end what it stands for.
    sessions: Vec<SessionContent>,
    html: bool,
}

impl Logout {
    pub(crate) const fn new(sessions: Vec<SessionContent>, html: bool) -> Self {
        Self { sessions, html }
    }

    /// Which sessions it ends.
    pub(crate) fn sessions(&self) -> Vec<SessionId> {
        self.sessions.iter().map(SessionContent::session).collect()
    }

    /// Revokes the session here at once and at the control plane for everybody else, then clears the
    /// cookie. If the control plane cannot be told, the cookie stays, so that trying again is possible;
    /// this application already refuses it.
    pub(crate) async fn finish(&self, common: &Common) -> Response {
        for session in &self.sessions {
            common.view().revoke_session(session);
            if let Some(refresh) = session.refresh()
                && let Err(error) = common.provider().revoke(refresh).await
            {
                tracing::warn!(%error, session = %session.session(), "a logout could not be completed");
                return page::page(&Problem {
                    status: 503,
                    reason: "logout_unavailable",
                    title: "You are not signed out yet",
                    explanation: "The control plane cannot be reached to end your session everywhere. Go \
                                  back and sign out again in a moment.",
                    action: None,
                });
            }
            tracing::info!(session = %session.session(), "a session was signed out");
        }
        let after = common.after_logout_url();
        let first = self.sessions.first();
        let next = first.and_then(|first| common.provider().logout_url(first.session(), &after));
        let next = next.unwrap_or(after);
        self.done(common, &next)
    }

    fn done(&self, common: &Common, next: &str) -> Response {
        let mut response = if self.html {
            page::redirect(next)
        } else {
            page::json(&serde_json::json!({ "continue": next }))
        };
        let names = common.names();
        for cookie in [names.delete(names.session()), rounds::forget(names)] {
            response.headers.push(("set-cookie", cookie));
        }
        response
    }
}
