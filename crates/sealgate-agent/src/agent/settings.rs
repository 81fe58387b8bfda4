//! What an agent is set up with.

use std::fmt;
use std::sync::Arc;

use sealgate_model::Secret;

use crate::device::Prompt;
use crate::flow::Browser;
use crate::http::Boxed;
use crate::registration::{Given, Profile};
use crate::{AgentError, WebUrl};

/// Where assertions come from: a workload's token, a person's identity token.
pub trait AssertionSource: Send + Sync {
    /// One that is good now; `audience` is whom it will be shown to.
    fn assertion<'a>(&'a self, audience: &'a str) -> Boxed<'a, Result<Secret, AgentError>>;
}

/// How the agent gets tokens.
pub enum Grant {
    /// A person signs in in a browser.
    Browser(Arc<dyn Browser>),
    /// A person signs in on another device.
    Device(Arc<dyn Prompt>),
    /// For itself.
    Machine,
    /// As the workload that somebody else's token names (RFC 7523).
    Workload(Arc<dyn AssertionSource>),
    /// For a person whom an enterprise's identity provider vouches for.
    Enterprise(Box<IdentityProvider>),
}

impl Grant {
    /// Whether a person takes part.
    pub(crate) const fn is_interactive(&self) -> bool {
        matches!(self, Self::Browser(_) | Self::Device(_))
    }

    /// Its name.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Browser(_) => "browser",
            Self::Device(_) => "device",
            Self::Machine => "machine",
            Self::Workload(_) => "workload",
            Self::Enterprise(_) => "enterprise",
        }
    }
}

/// An enterprise's identity provider, and the person's identity token from it.
pub struct IdentityProvider {
    /// Its issuer: its metadata name the token endpoint.
    pub issuer: String,
    /// Its token endpoint, if that is to be asked without looking for it.
    pub token_endpoint: Option<WebUrl>,
    /// The agent as a client there.
    pub client: Given,
    /// The person's identity tokens.
    pub identity: Arc<dyn AssertionSource>,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Grant({})", self.name())
    }
}

/// Whether tokens are bound to a key of the agent's (RFC 9449).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Binding {
    /// Where the resource asks for it and the server offers it.
    #[default]
    WhereAsked,
    /// Always; a server that gives out others gets nowhere.
    Always,
    /// Never.
    Never,
}

/// What an agent is set up with.
#[derive(Debug)]
pub struct AgentSettings {
    /// The resource.
    pub url: WebUrl,
    /// How the agent gets tokens.
    pub grant: Grant,
    /// The client that somebody registered beforehand.
    pub given: Option<Given>,
    /// The issuer that a workload's tokens are for, if somebody named it: no other is shown one. Without it, those
    /// alone are shown one that the token itself names.
    pub issuer: Option<String>,
    /// What the agent says of itself elsewhere.
    pub profile: Profile,
    /// The scopes that are asked for, whatever the resource says; more may be added.
    pub scopes: Vec<String>,
    /// Whether tokens are bound to a key.
    pub binding: Binding,
    /// Whether a person's session should outlive its token.
    pub offline: bool,
}
