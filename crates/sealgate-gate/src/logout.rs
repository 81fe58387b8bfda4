//! `/auth/logout`: the session ends, everywhere.

use sealgate_session::SessionContent;

use crate::decision::Response;
use crate::gate::Gate;
use crate::page::{self, Problem};
use crate::query::with_params;

/// A logout that is to happen.
pub(crate) struct Logout {
    /// The session, however old: a cookie that opens is enough to end what it stands for.
    session: Option<SessionContent>,
    html: bool,
}

impl Logout {
    pub(crate) const fn new(session: Option<SessionContent>, html: bool) -> Self {
        Self { session, html }
    }

    /// Revokes the session here at once and at the control plane for everybody else, then clears the
    /// cookie. If the control plane cannot be told, the cookie stays, so that trying again is possible;
    /// this application already refuses it.
    pub(crate) async fn finish(&self, gate: &Gate) -> Response {
        let Some(session) = &self.session else {
            return self.done(gate, &gate.after_logout_url());
        };
        gate.view().revoke_session(session);
        if let Some(refresh) = session.refresh()
            && let Err(error) = gate.provider().revoke(refresh).await
        {
            tracing::warn!(%error, session = %session.session(), "a logout could not be completed");
            return page::page(&Problem {
                status: 503,
                reason: "logout_unavailable",
                title: "You are not signed out everywhere yet",
                explanation: "This application no longer accepts your session, but the control plane \
                                  cannot be reached to end it elsewhere. Try again in a moment.",
                action: None,
            });
        }
        tracing::info!(session = %session.session(), "a session was signed out");
        let next = match gate
            .provider()
            .known_metadata()
            .and_then(|known| known.end_session_endpoint.clone())
        {
            Some(endpoint) => with_params(
                &endpoint,
                &[
                    ("client_id", gate.settings().client_id.as_str()),
                    ("logout_hint", &session.session().to_string()),
                    ("post_logout_redirect_uri", &gate.after_logout_url()),
                ],
            ),
            None => gate.after_logout_url(),
        };
        self.done(gate, &next)
    }

    fn done(&self, gate: &Gate, next: &str) -> Response {
        let mut response = if self.html {
            page::redirect(next)
        } else {
            page::json(&serde_json::json!({ "continue": next }))
        };
        response
            .headers
            .push(("set-cookie", gate.names().delete(gate.names().session())));
        response
    }
}
