//! What the templates are filled with. Everything here is escaped by the template engine.

use askama::Template;

use super::problems::Problems;
use super::shell::Shell;
use super::when::Moment;

/// The sign-in page.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) shell: Shell,
    /// The name of the client one signs in to; none when one signs in to the account page.
    pub(crate) client_name: Option<String>,
    /// The sealed authorization request to go on with.
    pub(crate) request: Option<String>,
    /// What was typed before, to be corrected.
    pub(crate) email: String,
    pub(crate) problems: Problems,
}

/// The page behind an invitation or set-up link.
#[derive(Template)]
#[template(path = "invitation.html")]
pub(crate) struct InvitationPage {
    pub(crate) shell: Shell,
    /// Whether the link makes the first administrator, and so asks for name and address too.
    pub(crate) setup: bool,
    /// Whether the link sets a password in place of another, which ends what that one began.
    pub(crate) reset: bool,
    /// The link's token, to come back with the form.
    pub(crate) token: String,
    pub(crate) email: String,
    pub(crate) name: String,
    /// The least number of characters in a password.
    pub(crate) shortest: usize,
    pub(crate) problems: Problems,
}

/// The page of one's own account.
#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct AccountPage {
    pub(crate) shell: Shell,
    pub(crate) name: String,
    pub(crate) email: String,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    pub(crate) sessions: Vec<SessionView>,
    /// Whether there are more than are shown.
    pub(crate) more: bool,
}

/// One session on the account page.
pub(crate) struct SessionView {
    pub(crate) id: String,
    pub(crate) client_name: String,
    /// Whether it was started in this browser.
    pub(crate) here: bool,
    pub(crate) started: Moment,
    pub(crate) renewed: Moment,
}

/// Asks whether a client's wish to sign the user out is the user's too.
#[derive(Template)]
#[template(path = "logout_confirm.html")]
pub(crate) struct LogoutConfirmPage {
    pub(crate) shell: Shell,
    /// The client that asks, when it said who it is.
    pub(crate) client_name: Option<String>,
    /// Hidden fields to come back with the answer.
    pub(crate) fields: Vec<(String, String)>,
}

/// Says that one is signed out.
#[derive(Template)]
#[template(path = "logged_out.html")]
pub(crate) struct LoggedOutPage {
    pub(crate) shell: Shell,
    /// Whether in every browser, not only in this one.
    pub(crate) everywhere: bool,
}

/// Says what went wrong and what to do now.
#[derive(Template)]
#[template(path = "error.html")]
pub(crate) struct ErrorView {
    pub(crate) shell: Shell,
    pub(crate) title: String,
    pub(crate) explanation: String,
    pub(crate) next_step: &'static str,
    pub(crate) reason: &'static str,
}
