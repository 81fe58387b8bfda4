//! Requests whose token, if any, is in the form that they send: the form is read before they go on.

use sealgate_model::SessionId;
use sealgate_session::SessionContent;

use crate::common::Common;
use crate::denial::Denial;
use crate::logout::Logout;
use crate::requirement::Requirement;

/// A request whose form has to be read.
pub(crate) struct Form {
    then: AfterForm,
    body: Vec<u8>,
}

/// What comes next when the token is there.
pub(crate) enum AfterForm {
    /// The session ends.
    Logout(Logout),
    /// The request is judged.
    Request {
        /// The session that it came with.
        content: Box<SessionContent>,
        /// What its route asks for.
        requirement: Requirement,
    },
}

impl Form {
    pub(crate) const fn new(then: AfterForm) -> Self {
        Self {
            then,
            body: Vec::new(),
        }
    }

    pub(crate) fn set_body(&mut self, body: Vec<u8>) {
        self.body = body;
    }

    /// What comes next, if the form has the token.
    pub(crate) fn check(self, common: &Common) -> Result<AfterForm, Denial> {
        let sessions: Vec<SessionId> = match &self.then {
            AfterForm::Logout(logout) => logout.sessions(),
            AfterForm::Request { content, .. } => vec![content.session()],
        };
        common.csrf().check_form(&self.body, &sessions)?;
        Ok(self.then)
    }
}
