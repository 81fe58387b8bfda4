//! Work that needs the network.

use sealgate_session::SessionContent;

use crate::backchannel::{BODY_LIMIT, Notice};
use crate::callback::Callback;
use crate::csrf::FORM_LIMIT;
use crate::form::Form;
use crate::gate::Aim;
use crate::login::Login;
use crate::logout::Logout;
use crate::requirement::Requirement;
use crate::resource::Waiting;

/// Work that needs the network, taken out of its request.
pub struct Pending(pub(crate) Work);

pub(crate) enum Work {
    Login(Login),
    Callback(Callback),
    Logout(Logout),
    Notice(Notice),
    Form(Form),
    /// A token whose issuer has to be asked for keys, or about the token because the feed is silent.
    Token {
        token: Box<Waiting>,
        requirement: Requirement,
        aim: Aim,
    },
    /// A session that has to be renewed, or asked about because the feed is silent.
    Session {
        content: Box<SessionContent>,
        requirement: Requirement,
        aim: Aim,
        person: Option<String>,
    },
}

impl Pending {
    /// How many bytes of the request's body have to be read first and handed over with
    /// [`Self::set_body`]; nothing for what is decided without it. One more is read of a longer one, so
    /// that it is seen to be too long. Where the request goes on to the application after all, the
    /// application gets what was read, and the rest behind it.
    pub const fn body_limit(&self) -> Option<usize> {
        match self.0 {
            Work::Notice(_) => Some(BODY_LIMIT),
            Work::Form(_) => Some(FORM_LIMIT),
            _ => None,
        }
    }

    /// Hands over the request's body. Without it, what needs one is refused.
    pub fn set_body(&mut self, body: Vec<u8>) {
        match &mut self.0 {
            Work::Notice(notice) => notice.set_body(body),
            Work::Form(form) => form.set_body(body),
            _ => {}
        }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Work::Login(_) => "Pending(login)",
            Work::Callback(_) => "Pending(callback)",
            Work::Logout(_) => "Pending(logout)",
            Work::Notice(_) => "Pending(backchannel logout)",
            Work::Form(_) => "Pending(form)",
            Work::Token { .. } => "Pending(token)",
            Work::Session { .. } => "Pending(session)",
        })
    }
}
