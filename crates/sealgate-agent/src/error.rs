//! Why there is no token, with a stable code for each.

use thiserror::Error;

/// Why an agent got no token, or did not use one. Nothing here repeats a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AgentError {
    /// A URL that somebody named is none that is ever followed.
    #[error("the URL {0}")]
    UrlUnacceptable(&'static str),
    /// The URL leads to an address that the server that named it has no business with.
    #[error("the URL leads to an address that is not public, but the resource is: {0}")]
    AddressRefused(String),
    /// The request is not for the resource that the tokens are for.
    #[error("the request is not for the resource {0}, so it gets no token")]
    UrlElsewhere(String),
    /// The other side could not be reached, or did not answer in time.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The other side says that it cannot answer now.
    #[error("the server cannot answer now: {0}")]
    Unavailable(String),
    /// The resource's metadata is for another resource (RFC 9728, 3.3).
    #[error("the metadata is for another resource: {0}")]
    ResourceMismatch(String),
    /// Metadata is not what it has to be.
    #[error("the metadata cannot be used: {0}")]
    MetadataUnacceptable(&'static str),
    /// The authorization server's metadata names another issuer (RFC 8414, 3.3).
    #[error("the authorization server's metadata is of another issuer than {0}")]
    IssuerMismatch(String),
    /// The authorization server does not offer what is needed.
    #[error("the authorization server has no {0}")]
    ServerUnsuitable(&'static str),
    /// The client is not known to the authorization server, and there is no way to make it known.
    #[error(
        "no client is registered with {0}, and it takes neither a document's address nor a registration"
    )]
    NotRegistered(String),
    /// The authorization server refused to register the client; its error code.
    #[error("the registration was refused: {0}")]
    RegistrationRefused(String),
    /// The sign-in cannot be shown to anybody.
    #[error("the sign-in could not be shown: {0}")]
    BrowserFailed(String),
    /// What came back from the sign-in is not its answer.
    #[error("the answer to the sign-in cannot be used: {0}")]
    CallbackUnacceptable(&'static str),
    /// The sign-in ended with an error; its code.
    #[error("the sign-in was refused: {0}")]
    SignInRefused(String),
    /// Only a person can help, and nobody is to be asked.
    #[error("somebody has to sign in first")]
    SignInNeeded,
    /// Nobody entered the device's code in time.
    #[error("the code was not entered in time")]
    DeviceExpired,
    /// The token endpoint refused; its error code.
    #[error("the token was refused: {0}")]
    Refused(String),
    /// What the token endpoint answered is no token that can be used.
    #[error("the token cannot be used: {0}")]
    TokenUnacceptable(&'static str),
    /// A key cannot be used.
    #[error("the key cannot be used: {0}")]
    KeyUnusable(String),
    /// There is no assertion to ask with: no workload token, no identity token.
    #[error("there is no assertion to ask with: {0}")]
    AssertionUnavailable(String),
    /// The store for tokens failed.
    #[error("the store for tokens failed: {0}")]
    StoreFailed(String),
    /// The agent was stopped meanwhile.
    #[error("the agent was stopped")]
    Stopped,
}

impl AgentError {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UrlUnacceptable(_) => "agent_url_unacceptable",
            Self::AddressRefused(_) => "agent_address_refused",
            Self::UrlElsewhere(_) => "agent_url_elsewhere",
            Self::Unreachable(_) => "agent_unreachable",
            Self::Unavailable(_) => "agent_unavailable",
            Self::ResourceMismatch(_) => "agent_resource_mismatch",
            Self::MetadataUnacceptable(_) => "agent_metadata_unacceptable",
            Self::IssuerMismatch(_) => "agent_issuer_mismatch",
            Self::ServerUnsuitable(_) => "agent_server_unsuitable",
            Self::NotRegistered(_) => "agent_not_registered",
            Self::RegistrationRefused(_) => "agent_registration_refused",
            Self::BrowserFailed(_) => "agent_browser_failed",
            Self::CallbackUnacceptable(_) => "agent_callback_unacceptable",
            Self::SignInRefused(_) => "agent_sign_in_refused",
            Self::SignInNeeded => "agent_sign_in_needed",
            Self::DeviceExpired => "agent_device_expired",
            Self::Refused(_) => "agent_refused",
            Self::TokenUnacceptable(_) => "agent_token_unacceptable",
            Self::KeyUnusable(_) => "agent_key_unusable",
            Self::AssertionUnavailable(_) => "agent_assertion_unavailable",
            Self::StoreFailed(_) => "agent_store_failed",
            Self::Stopped => "agent_stopped",
        }
    }

    /// Whether the same may go well a moment later.
    pub const fn is_temporary(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_) | Self::Unavailable(_) | Self::StoreFailed(_)
        )
    }
}

/// What a server says in words of its own, short and without anything a terminal would act on.
pub(crate) fn told(text: &str) -> String {
    const LIMIT: usize = 100;
    text.chars()
        .filter(|c| c.is_ascii_graphic() || *c == ' ')
        .take(LIMIT)
        .collect()
}
