//! Grant types: the ways to a token that a client can be registered for.

use serde::{Deserialize, Serialize};

/// A grant type, named as it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&str", try_from = "String")]
pub enum Grant {
    /// `authorization_code` (OAuth 2.1, 4.1)
    AuthorizationCode,
    /// `refresh_token` (OAuth 2.1, 4.3)
    RefreshToken,
    /// `client_credentials` (OAuth 2.1, 4.2)
    ClientCredentials,
    /// `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628, 3.4)
    DeviceCode,
    /// `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693, 2.1)
    TokenExchange,
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523, 2.1)
    JwtBearer,
}

impl Grant {
    /// Every grant.
    pub const ALL: [Self; 6] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
    ];

    /// The names of [`Grant::ALL`], in the same order.
    pub const NAMES: [&str; 6] = [
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ];

    /// The name, as `grant_type` carries it.
    pub const fn as_str(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The grant of this name, if it is one that is offered.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}

impl From<Grant> for &'static str {
    fn from(grant: Grant) -> Self {
        grant.as_str()
    }
}

impl TryFrom<String> for Grant {
    type Error = &'static str;
    fn try_from(name: String) -> Result<Self, &'static str> {
        Self::parse(&name).ok_or("not a grant type that is offered")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_grant_is_written_and_read_by_its_name() {
        for (grant, name) in Grant::ALL.into_iter().zip(Grant::NAMES) {
            assert_eq!(Grant::parse(name), Some(grant));
            let text = serde_json::to_string(&grant).unwrap();
            assert_eq!(text, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant);
        }
    }

    #[test]
    fn no_other_grant_is_offered() {
        for name in ["", "password", "implicit", "AUTHORIZATION_CODE"] {
            assert_eq!(Grant::parse(name), None);
        }
    }
}
