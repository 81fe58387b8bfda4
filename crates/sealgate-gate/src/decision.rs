//! What the gate decides.

use crate::caller::Caller;
use crate::pending::Pending;
use crate::response::Response;

/// What happens to a request.
#[derive(Debug)]
pub enum Decision {
    /// It goes on to the application.
    Allow(Allowed),
    /// The gate answers it; the application never sees it.
    Respond(Response),
    /// The network is needed first: hand it to [`crate::Gate::finish`], with the request's body if
    /// [`Pending::body_limit`] asks for it.
    Pending(Box<Pending>),
}

/// The view was not fresh, the route is marked for that, and the setting allows it for a while.
pub(crate) const STALE_ALLOWED: &str = "feed_stale_allowed";

/// A request that goes on.
#[derive(Debug, Default)]
pub struct Allowed {
    /// Who calls; nobody on a public route, and maybe nobody where that is fine.
    pub caller: Option<Caller>,
    /// `Set-Cookie` values to send with the application's answer.
    pub set_cookies: Vec<String>,
    /// Why it goes on although it would not as a rule, as a stable code for the record; else empty.
    pub reason: &'static str,
    /// Further header fields of the application's answer: names in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
}
