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
    /// Whether one signs in to connect a device.
    pub(crate) device: bool,
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
    /// The AI agents that may act for the user.
    pub(crate) agents: Vec<AgentView>,
    /// Whether there are more than are shown.
    pub(crate) more_agents: bool,
    /// Whether any of them stays connected when every browser is signed out.
    pub(crate) lasting: bool,
    pub(crate) consents: Vec<ConsentView>,
}

/// One AI agent on the account page.
pub(crate) struct AgentView {
    /// Which on the page it is, from 1.
    pub(crate) number: usize,
    /// The client's id.
    pub(crate) client: String,
    pub(crate) asker: AskerView,
    pub(crate) grants: GrantsView,
    /// When it was last allowed something, if the user was asked.
    pub(crate) granted: Option<Moment>,
    /// Its sessions, newest first.
    pub(crate) sessions: Vec<ConnectionView>,
    /// Whether there are more than are shown.
    pub(crate) more: bool,
}

/// One session of an AI agent.
pub(crate) struct ConnectionView {
    pub(crate) id: String,
    /// Which of its agent's it is, from 1.
    pub(crate) number: usize,
    pub(crate) started: Moment,
    pub(crate) renewed: Moment,
    /// Where it was last renewed from, if that is known.
    pub(crate) network: Option<String>,
    /// When it ends if it is not used any more.
    pub(crate) ends: Moment,
    /// Whether it ends later if it is.
    pub(crate) extends: bool,
}

/// What was granted to one client, on the account page.
pub(crate) struct ConsentView {
    /// The client's id.
    pub(crate) client: String,
    pub(crate) client_name: String,
    pub(crate) grants: GrantsView,
    pub(crate) granted: Moment,
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

/// Who asks, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AskerView {
    /// Its name: as an administrator wrote it, or as it calls itself.
    pub(crate) name: String,
    /// The host of its id, where that is an address: it is in the hands of whoever has that host.
    pub(crate) host: Option<String>,
    /// The whole of that address.
    pub(crate) id: Option<String>,
    /// Whether nobody here has checked its own words.
    pub(crate) unchecked: bool,
    /// Whether it is an AI agent.
    pub(crate) agent: bool,
    /// Where it says more of itself.
    pub(crate) links: Vec<LinkView>,
}

/// An address that somebody else gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LinkView {
    pub(crate) label: &'static str,
    pub(crate) host: String,
    /// An https URL.
    pub(crate) href: String,
}

/// All that is or could be granted, as people read it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct GrantsView {
    /// What holds everywhere, and what nobody has described at one of the places.
    pub(crate) general: Vec<ScopeView>,
    /// What it is for.
    pub(crate) places: Vec<PlaceView>,
}

/// What is granted at one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlaceView {
    pub(crate) resource: ResourceView,
    /// What can be called there with any of the scopes or none.
    pub(crate) tools: ToolsView,
    pub(crate) scopes: Vec<ScopeView>,
}

/// What can be called, in words: the first few, and the others to open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ToolsView {
    pub(crate) first: Vec<ToolView>,
    pub(crate) more: Vec<ToolView>,
}

/// One thing that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolView {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A scope as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScopeView {
    /// What it allows; the scope itself if nobody has described it.
    pub(crate) text: String,
    /// Whether it is the scope itself.
    pub(crate) literal: bool,
    /// What can be called with it.
    pub(crate) tools: ToolsView,
}

/// A resource as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResourceView {
    /// Its name, if it has one.
    pub(crate) name: Option<String>,
    pub(crate) uri: String,
}

/// Asks the user whether a client may have what it asks for.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage {
    pub(crate) shell: Shell,
    pub(crate) asker: AskerView,
    /// Whether the answer goes to an application on the user's own computer.
    pub(crate) this_computer: bool,
    /// Whether it goes to another host than the one that the client says it is at.
    pub(crate) elsewhere: bool,
    /// The host that the answer goes to, or the scheme of an application's own.
    pub(crate) host: String,
    /// Whether the answer counts for later requests too.
    pub(crate) remembered: bool,
    /// The id of the user who is asked, to come back with the answer.
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) grants: GrantsView,
    /// How long it lasts, as a sentence.
    pub(crate) lasts: String,
    /// The sealed request.
    pub(crate) request: String,
}

/// Where one types the code that a device shows.
#[derive(Template)]
#[template(path = "device.html")]
pub(crate) struct DevicePage {
    pub(crate) shell: Shell,
    pub(crate) email: String,
    /// What was typed before, or came with the link.
    pub(crate) user_code: String,
    pub(crate) problems: Problems,
}

/// Asks whether a device is one's own.
#[derive(Template)]
#[template(path = "device_question.html")]
pub(crate) struct DeviceQuestionPage {
    pub(crate) shell: Shell,
    pub(crate) asker: AskerView,
    /// Whether it has proved that it is that client.
    pub(crate) certain: bool,
    /// The code as the device shows it.
    pub(crate) user_code: String,
    /// The ids of what was shown and to whom, to come back with the answer.
    pub(crate) device: String,
    pub(crate) user: String,
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) grants: GrantsView,
    /// The network address that asked, if it is known.
    pub(crate) network: Option<String>,
    /// Whether that is this browser's network, if both are known.
    pub(crate) same_network: Option<bool>,
    pub(crate) asked: Moment,
    pub(crate) lasts: String,
}

/// Says what came of a device.
#[derive(Template)]
#[template(path = "device_done.html")]
pub(crate) struct DeviceDonePage {
    pub(crate) shell: Shell,
    pub(crate) client_name: String,
    pub(crate) connected: bool,
}

/// Has the browser post an authorization answer to a client.
#[derive(Template)]
#[template(path = "form_post.html")]
pub(crate) struct FormPostPage {
    pub(crate) shell: Shell,
    /// The client's redirect URI.
    pub(crate) action: String,
    /// Its host.
    pub(crate) host: String,
    /// The answer. It may hold a code.
    pub(crate) fields: Vec<(&'static str, String)>,
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
    /// Where the browser can go on to, with the host.
    pub(crate) onward: Option<(String, String)>,
}
