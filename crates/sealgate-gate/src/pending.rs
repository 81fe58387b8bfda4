//! Work that needs the network.

use sealgate_session::SessionContent;

use crate::callback::Callback;
use crate::login::Login;
use crate::logout::Logout;
use crate::requirement::Requirement;

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
