//! The gate's own routes: `/auth/login`, `/auth/callback`, `/auth/logout` and
//! `/auth/backchannel-logout`, answered before the application routes anything (docs/decisions/0001-auth-routes-in-the-layer.md).

use crate::backchannel::Notice;
use crate::callback::Callback;
use crate::common::Common;
use crate::csrf::Shown;
use crate::decision::Decision;
use crate::denial::Denial;
use crate::form::{AfterForm, Form};
use crate::login::Login;
use crate::logout::Logout;
use crate::origin::Whence;
use crate::page::{self, Problem};
use crate::pending::{Pending, Work};
use crate::provider::ProviderError;
use crate::request::{Request, Seen, Transport, cookies_where};
use crate::response::Response;

/// The gate's own routes. A path under them that is none of them is the application's.
pub(crate) fn answer(common: &Common, request: &Request<'_>) -> Option<Decision> {
    let (work, method): (fn(&Common, &Request<'_>) -> Decision, _) =
        if request.path == common.paths().login {
            (login, "GET")
        } else if request.path == common.paths().callback {
            (callback, "GET")
        } else if request.path == common.paths().logout {
            (logout, "POST")
        } else if request.path == common.paths().backchannel_logout {
            (backchannel_logout, "POST")
        } else {
            return None;
        };
    if request.method == method {
        return Some(work(common, request));
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

fn login(common: &Common, request: &Request<'_>) -> Decision {
    let login = match Login::read(common, request) {
        Ok(login) => login,
        Err(answer) => return Decision::Respond(answer),
    };
    match common.provider().known_metadata() {
        Some(metadata) => Decision::Respond(login.begin(common, &metadata)),
        None => Decision::Pending(Box::new(Pending(Work::Login(login)))),
    }
}

fn callback(common: &Common, request: &Request<'_>) -> Decision {
    Decision::Pending(Box::new(Pending(Work::Callback(Callback::read(
        common, request,
    )))))
}

fn logout(common: &Common, request: &Request<'_>) -> Decision {
    let seen = Seen::read(request, common.names());
    // Every session that is there, even if there should be one: what stays alive is not signed out.
    let sessions: Vec<_> = cookies_where(request, |name| name == common.names().session())
        .into_iter()
        .filter_map(|(_, sealed)| {
            common
                .seals()
                .open_session(common.names(), sealed.as_bytes())
                .ok()
        })
        .collect();
    let logout = Logout::new(sessions, seen.wants_html());
    let admitted = match seen.whence(Transport::Http, common.settings()) {
        Whence::Own => Ok(Shown::InHeader),
        Whence::Elsewhere => Err(Denial::CrossOrigin),
        // Without a session there is nothing to sign out, and nothing to make a token from.
        Whence::Unsaid if logout.sessions().is_empty() => Ok(Shown::InHeader),
        Whence::Unsaid => common.csrf().check_headers(request, &logout.sessions()),
    };
    match admitted {
        Ok(Shown::InHeader) => Decision::Pending(Box::new(Pending(Work::Logout(logout)))),
        Ok(Shown::InForm) => {
            let form = Form::new(AfterForm::Logout(logout));
            Decision::Pending(Box::new(Pending(Work::Form(form))))
        }
        Err(denial) => Decision::Respond(page::denial(denial)),
    }
}

fn backchannel_logout(_: &Common, request: &Request<'_>) -> Decision {
    match Notice::announced(request) {
        Ok(notice) => Decision::Pending(Box::new(Pending(Work::Notice(notice)))),
        Err(refusal) => Decision::Respond(refusal),
    }
}

/// The page for a sign-in that cannot even begin.
pub(crate) fn no_sign_in(common: &Common, error: &ProviderError) -> Response {
    tracing::warn!(%error, "a sign-in could not begin");
    page::page(&Problem {
        status: 503,
        reason: "provider_unavailable",
        title: "Signing in is not possible right now",
        explanation: "The control plane cannot be reached. Try again in a moment.",
        action: Some((&common.paths().login, "Try again")),
    })
}
