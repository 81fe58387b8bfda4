//! Signing a person in on another device than the agent runs on (RFC 8628).

use std::time::Duration;

use sealgate_jose::object;
use sealgate_model::{Secret, Timestamp};
use serde::Deserialize;

use crate::http::Boxed;
use crate::registration::Secreted;
use crate::token::{For, TokenEndpoint, Tokens};
use crate::{AgentError, WebUrl};

/// How often is asked when the server does not say, and how much seldomer when it says so (RFC 8628, 3.2 and 3.5).
const INTERVAL: Duration = Duration::from_secs(5);

/// The longest time between two questions.
const SELDOM: Duration = Duration::from_secs(60);

/// How long a code is waited for at most, whatever the server says.
const LONGEST: Duration = Duration::from_secs(1_800);

/// Tells a person what to enter, and where.
pub trait Prompt: Send + Sync {
    /// Shows the code; it does not wait for anybody.
    fn show<'a>(&'a self, code: &'a DeviceCode) -> Boxed<'a, Result<(), AgentError>>;
}

/// A sign-in that waits for its code to be entered.
#[derive(Debug)]
pub struct DeviceCode {
    /// What to enter, in printable ASCII.
    pub user_code: String,
    /// Where.
    pub verification_uri: WebUrl,
    /// The same with the code already in it, for a picture or a link.
    pub verification_uri_complete: Option<WebUrl>,
    /// Until when.
    pub ends_at: Timestamp,
    handle: Secret,
    interval: Duration,
}

#[derive(Deserialize)]
struct Begun {
    device_code: Secreted,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

impl DeviceCode {
    /// Asks for a code (RFC 8628, 3.1).
    pub async fn begin(endpoint: &TokenEndpoint<'_>, asked: &For) -> Result<Self, AgentError> {
        const UNREADABLE: AgentError =
            AgentError::MetadataUnacceptable("the device's code is not readable");
        let url = endpoint.server.device_authorization_endpoint.as_ref();
        let url = &url
            .ok_or(AgentError::ServerUnsuitable(
                "device authorization endpoint",
            ))?
            .0;
        let mut fields = Vec::new();
        if let Some(resource) = &asked.resource {
            fields.push(("resource", Secret::new(resource.as_str())));
        }
        if !asked.scopes.is_empty() {
            fields.push(("scope", Secret::new(asked.scopes.join(" "))));
        }
        let now = endpoint.clock.now();
        let answer = endpoint.post(url, fields).await?;
        let begun: Begun = object::from_slice(&answer.body).map_err(|_| UNREADABLE)?;
        let code = &begun.user_code;
        // It is shown on a terminal.
        if !(1..=64).contains(&code.len()) || !code.bytes().all(|b| (0x20..0x7f).contains(&b)) {
            return Err(UNREADABLE);
        }
        let complete = begun.verification_uri_complete.as_deref();
        let interval = begun.interval.map_or(INTERVAL, Duration::from_secs);
        Ok(Self {
            user_code: begun.user_code,
            verification_uri: WebUrl::parse(&begun.verification_uri)?,
            verification_uri_complete: complete.map(WebUrl::parse).transpose()?,
            ends_at: now + Duration::from_secs(begun.expires_in).min(LONGEST),
            handle: begun.device_code.0,
            interval: interval.clamp(Duration::from_secs(1), SELDOM),
        })
    }

    /// Asks until the code was entered, refused or too old (RFC 8628, 3.4 and 3.5). A server that cannot be reached
    /// is asked again.
    pub async fn wait(
        mut self,
        endpoint: &TokenEndpoint<'_>,
        asked: &For,
    ) -> Result<Tokens, AgentError> {
        loop {
            tokio::time::sleep(self.interval).await;
            match endpoint.device_code(&self.handle, asked).await {
                Err(AgentError::Refused(code)) if code == "authorization_pending" => {}
                Err(AgentError::Refused(code)) if code == "slow_down" => {
                    self.interval = (self.interval + INTERVAL).min(SELDOM);
                }
                Err(AgentError::Refused(code)) if code == "expired_token" => {
                    return Err(AgentError::DeviceExpired);
                }
                Err(AgentError::Refused(code)) if code == "access_denied" => {
                    return Err(AgentError::SignInRefused(code));
                }
                Err(error) if error.is_temporary() => {
                    self.interval = (self.interval * 2).min(SELDOM);
                }
                other => return other,
            }
            if endpoint.clock.now() >= self.ends_at {
                return Err(AgentError::DeviceExpired);
            }
        }
    }
}

#[cfg(test)]
mod tests;
