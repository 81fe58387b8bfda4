//! What can be said of a client when it is registered or changed.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use sealgate_model::{ClientId, Grant, TenantId};
use sealgate_server::admin::{ClientPatch, NewClient};
use sealgate_store::{ClientAuthentication, Consent};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::remote::signing_key;

/// Everything but a client's id, name and kind.
#[derive(Debug, Args)]
pub(super) struct Details {
    /// Where codes may be sent, compared exactly: the application's URL with /auth/callback; repeat for more
    #[arg(long = "redirect-uri", value_name = "URI")]
    redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout, compared exactly; repeat for more
    #[arg(long = "logout-uri", value_name = "URI")]
    logout_uris: Vec<String>,
    /// A scope it may ask for beside `openid`, `profile`, `email` and `offline_access`; repeat for more
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A grant it may use: `authorization_code`, `refresh_token`, `client_credentials`, `device_code`,
    /// `token_exchange` or `jwt_bearer`; repeat for more. By default the first two
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    grants: Vec<Grant>,
    /// A resource it may ask tokens for; repeat for more
    #[arg(long = "resource", value_name = "URI")]
    resources: Vec<String>,
    /// How it proves who it is. By default by its keys if it has some, else by a secret
    #[arg(long, value_enum, value_name = "METHOD")]
    auth: Option<Auth>,
    /// Its public keys: a JWK set, a JWK, or a private key in PEM, of which the public part is taken
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    jwks: Option<PathBuf>,
    /// Where its public keys are
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// Let its assertions name an endpoint's URL as audience: an older habit that weakens them
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    endpoint_audience: Option<bool>,
    /// It must push its authorization requests (RFC 9126)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    require_pushed: Option<bool>,
    /// Its tokens must be bound to a key (RFC 9449)
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    require_dpop: Option<bool>,
    /// Whether users are asked before it is granted anything. By default those of a public client are
    #[arg(long, value_enum, value_name = "WHO")]
    consent: Option<Asked>,
    /// The algorithm that signs its tokens: `EdDSA`, `ES256`, `RS256`, `PS256`, `ML-DSA-65`
    #[arg(long, value_name = "NAME")]
    algorithm: Option<String>,
    /// Where it wants to hear of sessions that ended (`OpenID` Connect Back-Channel Logout 1.0)
    #[arg(long, value_name = "URL")]
    backchannel_logout_uri: Option<String>,
    /// How long its access tokens live, in seconds, 60 to 3600
    #[arg(long, value_name = "SECONDS")]
    access_lifetime: Option<u32>,
    /// How long its users' sessions last at the most, in seconds, 300 to 7776000
    #[arg(long, value_name = "SECONDS")]
    session_lifetime: Option<u32>,
    /// The tenant whose users alone may sign in to it
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
    /// It is an AI agent: its tokens say so, and so does the page that asks for consent
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    agent: Option<bool>,
    /// The client that alone may exchange tokens of its users (`may_act`, RFC 8693), itself or another one. By
    /// default those that serve what a token is for
    #[arg(long, value_name = "CLIENT")]
    may_act: Option<ClientId>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Auth {
    /// By its secret, in the header or in the form
    Secret,
    /// By an assertion signed with its key (RFC 7523)
    PrivateKeyJwt,
    /// Not at all: a public client
    None,
}

impl From<Auth> for ClientAuthentication {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Secret => Self::Secret,
            Auth::PrivateKeyJwt => Self::PrivateKeyJwt,
            Auth::None => Self::None,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Asked {
    /// Nobody: the administrator has agreed for everybody
    Trusted,
    /// Each user
    Required,
}

impl From<Asked> for Consent {
    fn from(asked: Asked) -> Self {
        match asked {
            Asked::Trusted => Self::Trusted,
            Asked::Required => Self::Required,
        }
    }
}

/// What an update takes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Unset {
    RedirectUri,
    LogoutUri,
    Scope,
    Grant,
    Resource,
    Jwks,
    JwksUri,
    BackchannelLogoutUri,
    AccessLifetime,
    SessionLifetime,
    Tenant,
    MayAct,
}

/// A grant by its name; the long ones have a short form.
pub(crate) fn grant(text: &str) -> Result<Grant, String> {
    match text {
        "device_code" => Ok(Grant::DeviceCode),
        "token_exchange" => Ok(Grant::TokenExchange),
        "jwt_bearer" => Ok(Grant::JwtBearer),
        name => Grant::parse(name).ok_or_else(|| {
            "a grant is authorization_code, refresh_token, client_credentials, device_code, token_exchange or \
             jwt_bearer"
                .to_owned()
        }),
    }
}

impl Details {
    /// Fills in a registration.
    pub(super) fn complete(self, new: NewClient) -> Result<NewClient, Failure> {
        Ok(NewClient {
            redirect_uris: self.redirect_uris,
            logout_uris: self.logout_uris,
            scopes: self.scopes,
            authentication: self.auth.map(Into::into),
            jwks: self.jwks.as_deref().map(key_set).transpose()?,
            jwks_uri: self.jwks_uri,
            endpoint_audience: self.endpoint_audience.unwrap_or_default(),
            grants: named(self.grants),
            resources: self.resources,
            require_pushed: self.require_pushed.unwrap_or_default(),
            require_dpop: self.require_dpop.unwrap_or_default(),
            consent: self.consent.map(Into::into),
            algorithm: self.algorithm,
            backchannel_logout_uri: self.backchannel_logout_uri,
            access_lifetime: self.access_lifetime,
            session_lifetime: self.session_lifetime,
            tenant: self.tenant,
            agent: self.agent.unwrap_or_default(),
            may_act: self.may_act,
            ..new
        })
    }

    /// The change that these make, without what `unset` takes away.
    pub(super) fn change(self, unset: &[Unset]) -> Result<ClientPatch, Failure> {
        let gone = |which: Unset| unset.contains(&which);
        let keys = self.jwks.as_deref().map(key_set).transpose()?;
        // Keys in one place take the place of those in the other.
        let (by_set, by_uri) = (keys.is_some(), self.jwks_uri.is_some());
        Ok(ClientPatch {
            name: None,
            redirect_uris: named_or(self.redirect_uris, gone(Unset::RedirectUri)),
            logout_uris: named_or(self.logout_uris, gone(Unset::LogoutUri)),
            scopes: named_or(self.scopes, gone(Unset::Scope)),
            authentication: self.auth.map(Into::into),
            jwks: value_or(keys, gone(Unset::Jwks) || by_uri),
            jwks_uri: value_or(self.jwks_uri, gone(Unset::JwksUri) || by_set),
            endpoint_audience: self.endpoint_audience,
            grants: named_or(self.grants, gone(Unset::Grant)),
            resources: named_or(self.resources, gone(Unset::Resource)),
            require_pushed: self.require_pushed,
            require_dpop: self.require_dpop,
            consent: self.consent.map(Into::into),
            algorithm: self.algorithm,
            backchannel_logout_uri: value_or(
                self.backchannel_logout_uri,
                gone(Unset::BackchannelLogoutUri),
            ),
            access_lifetime: value_or(self.access_lifetime, gone(Unset::AccessLifetime)),
            session_lifetime: value_or(self.session_lifetime, gone(Unset::SessionLifetime)),
            tenant: value_or(self.tenant, gone(Unset::Tenant)),
            agent: self.agent,
            may_act: value_or(self.may_act, gone(Unset::MayAct)),
        })
    }
}

fn named<T>(given: Vec<T>) -> Option<Vec<T>> {
    Some(given).filter(|given| !given.is_empty())
}

fn named_or<T>(given: Vec<T>, gone: bool) -> Option<Vec<T>> {
    if gone { Some(given) } else { named(given) }
}

#[expect(
    clippy::option_option,
    reason = "absent: it stays; none: it is taken away"
)]
fn value_or<T>(given: Option<T>, gone: bool) -> Option<Option<T>> {
    match given {
        Some(value) => Some(Some(value)),
        None => gone.then_some(None),
    }
}

/// The public keys in a file.
pub(crate) fn key_set(path: &Path) -> Result<Value, Failure> {
    let unusable = |said: String| Failure::usage("jwks_unusable", said);
    let text = std::fs::read_to_string(path)
        .map_err(|error| unusable(format!("cannot read {}: {error}", path.display())))?;
    if text.trim_start().starts_with("-----BEGIN") {
        let public = signing_key(path)?.public_jwk();
        return Ok(json!({ "keys": [public] }));
    }
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| unusable(format!("{} is not JSON: {error}", path.display())))?;
    if value.get("keys").is_some() {
        Ok(value)
    } else {
        Ok(json!({ "keys": [value] }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_goes_by_its_name_and_the_long_ones_by_a_short_one_too() {
        for (name, known) in Grant::NAMES.into_iter().zip(Grant::ALL) {
            assert_eq!(grant(name), Ok(known));
        }
        assert_eq!(grant("device_code"), Ok(Grant::DeviceCode));
        assert_eq!(grant("token_exchange"), Ok(Grant::TokenExchange));
        assert_eq!(grant("jwt_bearer"), Ok(Grant::JwtBearer));
        assert!(grant("password").is_err());
    }

    #[test]
    fn a_key_is_made_a_set_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        let key = json!({ "kty": "OKP" });
        for text in [key.to_string(), json!({ "keys": [key] }).to_string()] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(key_set(&path).unwrap(), json!({ "keys": [key] }));
        }
        for wrong in ["", "{", "-----BEGIN CERTIFICATE-----"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(key_set(&path).is_err(), "{wrong}");
        }
        assert!(key_set(&folder.path().join("none")).is_err());
    }
}
