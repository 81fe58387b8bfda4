//! The gate's own routes: `/auth/login`, `/auth/callback` and `/auth/logout`, answered before the
//! application routes anything (docs/decisions/0001-auth-routes-in-the-layer.md).

use crate::callback::Callback;
use crate::decision::{Decision, Denial, Response};
use crate::gate::{Gate, Pending, Work};
use crate::login::Login;
use crate::logout::Logout;
use crate::page::{self, Problem};
use crate::provider::ProviderError;
use crate::request::{Request, Seen, Transport, cookies_where};

/// Where the gate's own routes are.
pub(crate) struct OwnPaths {
    pub(crate) login: String,
    callback: String,
    logout: String,
}

impl OwnPaths {
    /// Under the application's own path, `base`: empty, or without trailing slash.
    pub(crate) fn under(base: &str) -> Self {
        Self {
            login: format!("{base}/auth/login"),
            callback: format!("{base}/auth/callback"),
            logout: format!("{base}/auth/logout"),
        }
    }
}

impl Gate {
    /// The gate's own routes. A path under them that is none of them is the application's.
    pub(crate) fn own_route(&self, request: &Request<'_>) -> Option<Decision> {
        let (work, method): (fn(&Self, &Request<'_>) -> Decision, _) =
            if request.path == self.paths.login {
                (Self::login, "GET")
            } else if request.path == self.paths.callback {
                (Self::callback, "GET")
            } else if request.path == self.paths.logout {
                (Self::logout, "POST")
            } else {
                return None;
            };
        if request.method == method {
            return Some(work(self, request));
        }
        let mut response = page::page(&Problem {
            status: 405,
            reason: "method_not_allowed",
            title: "This is not done this way",
            explanation: "Signing in and out happens by links and buttons of the application.",
            action: None,
        });
        response.headers.push(("allow", method.to_owned()));
        Some(Decision::Respond(response))
    }

    fn login(&self, request: &Request<'_>) -> Decision {
        let login = Login::read(self, request);
        match self.provider().known_metadata() {
            Some(metadata) => Decision::Respond(login.begin(self, &metadata)),
            None => Decision::Pending(Box::new(Pending(Work::Login(login)))),
        }
    }

    fn callback(&self, request: &Request<'_>) -> Decision {
        Decision::Pending(Box::new(Pending(Work::Callback(Callback::read(
            self, request,
        )))))
    }

    fn logout(&self, request: &Request<'_>) -> Decision {
        let seen = Seen::read(request, self.names());
        if seen.is_cross_origin(Transport::Http, self.settings().base_url.origin()) {
            return self.deny(Denial::CrossOrigin, None);
        }
        // Every session that is there, even if there should be one: what stays alive is not signed out.
        let sessions = cookies_where(request, |name| name == self.names().session())
            .into_iter()
            .filter_map(|(_, sealed)| {
                self.seals()
                    .open_session(self.names(), sealed.as_bytes())
                    .ok()
            })
            .collect();
        Decision::Pending(Box::new(Pending(Work::Logout(Logout::new(
            sessions,
            seen.wants_html(),
        )))))
    }

    /// The page for a sign-in that cannot even begin.
    pub(crate) fn no_sign_in(&self, error: &ProviderError) -> Response {
        tracing::warn!(%error, "a sign-in could not begin");
        page::page(&Problem {
            status: 503,
            reason: "provider_unavailable",
            title: "Signing in is not possible right now",
            explanation: "The control plane cannot be reached. Try again in a moment.",
            action: Some((&self.paths.login, "Try again")),
        })
    }
}
