//! The authorization request (OAuth 2.1, 4.1.1; `OpenID` Connect Core, 3.1.2.1).
//!
//! A request is checked against its client's registration in the order that keeps the endpoint from
//! being an open redirector: client, redirect URI, and only then whatever may be answered there.

use sealgate_model::{ClientId, UserId};
use serde::{Deserialize, Serialize};

use crate::claims::ACR;
use crate::{
    ClaimsRequest, CodeChallenge, Grant, OAuthError, Params, Prompts, RedirectUri, Resources,
    ResponseMode, Scopes, Thumbprint,
};

/// What a client may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// Its redirect URIs.
    pub redirect_uris: &'a [String],
    /// Its scopes.
    pub scopes: &'a [String],
    /// The resources it may ask tokens for (RFC 8707).
    pub resources: &'a [String],
    /// The grants it may use.
    pub grants: &'a [Grant],
    /// Whether it has to push its requests (RFC 9126, 6).
    pub require_pushed: bool,
    /// Whether the port of a redirect URI on `localhost` is free, as it is on the loopback's addresses: what
    /// clients that no administrator registered say of themselves is written that way, though RFC 8252 (8.3)
    /// advises against the name.
    pub any_localhost_port: bool,
}

/// An authorization request that its client may make. It can be sealed and carried through the
/// sign-in page; it issues nothing by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// The client.
    pub client_id: ClientId,
    /// Where to answer: as presented, and matched against the registration.
    pub redirect_uri: String,
    /// The scopes asked for, all registered for the client.
    pub scopes: Scopes,
    /// Given back untouched, at most 2048 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// How to answer.
    #[serde(default, skip_serializing_if = "ResponseMode::is_query")]
    pub response_mode: ResponseMode,
    /// Goes into the ID token, at most 512 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// The PKCE challenge.
    pub challenge: CodeChallenge,
    /// How to involve the user.
    #[serde(default, skip_serializing_if = "Prompts::is_empty")]
    pub prompt: Prompts,
    /// How long ago, in seconds, the user may have proved who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u32>,
    /// What to put into the sign-in page's first field, at most 254 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// An ID token of the user that the client expects, at most 7 KiB, not verified yet. Whoever
    /// verifies it takes it out and calls [`AuthorizationRequest::expect_user`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_hint: Option<String>,
    /// The user that a verified `id_token_hint` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_user: Option<UserId>,
    /// The `acr` values the client would like, best first, at most 8 of 256 bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr_values: Vec<String>,
    /// The languages the user reads, best first, at most 8 well-formed tags (BCP 47).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
    /// The claims asked for one by one.
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
    /// The resources asked for, all registered for the client and as registered.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
    /// The key that the code is to be bound to (RFC 9449, 10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpop_jkt: Option<Thumbprint>,
}

/// Why an authorization request goes no further, by where that may be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationRejection {
    /// Only to the person at the browser: nobody knows that the redirect URI is the client's.
    Page(OAuthError),
    /// To the client, by redirect.
    Redirect {
        /// Where to: matched against the registration.
        redirect_uri: String,
        /// How: as the client asked for, if that could be read.
        response_mode: ResponseMode,
        /// The client's state.
        state: Option<String>,
        /// Why.
        error: OAuthError,
    },
}

impl AuthorizationRequest {
    /// The client that `params` names, to look up its registration.
    pub fn client_id(params: &Params) -> Result<ClientId, OAuthError> {
        if params.get("client_id").is_none() {
            params.reject_repeats()?;
        }
        params
            .require("client_id")?
            .parse()
            .map_err(|_| OAuthError::ClientUnknown)
    }

    /// Checks `params` (which may have been read with [`Params::parse_noting_repeats`]) against the
    /// registration of the client they name. They hold the whole request: one that refers to a pushed
    /// request is for [`crate::pushed_request`].
    pub fn parse(
        params: &Params,
        registration: &Registration<'_>,
    ) -> Result<Self, AuthorizationRejection> {
        let client_id = Self::client_id(params).map_err(AuthorizationRejection::Page)?;
        let redirect_uri =
            redirect_uri(params, registration).map_err(AuthorizationRejection::Page)?;
        // Without a `state` that can be given back, the client could not tell whose error it is; it is
        // told all the same.
        let state = params.get_up_to("state", 2048).ok().flatten();
        let response_mode = ResponseMode::from_params(params, &redirect_uri).unwrap_or_default();
        let checked = if registration.require_pushed {
            Err(OAuthError::PushedRequestRequired)
        } else {
            Self::checked(client_id, redirect_uri.clone(), params, registration)
        };
        checked.map_err(|error| AuthorizationRejection::Redirect {
            redirect_uri,
            response_mode,
            state: state.map(str::to_owned),
            error,
        })
    }

    /// Checks a request that `client_id`, which has authenticated, pushes (RFC 9126, 2.1). Whatever is
    /// wrong with it is told to the client at once.
    pub fn parse_pushed(
        params: &Params,
        client_id: &ClientId,
        registration: &Registration<'_>,
    ) -> Result<Self, OAuthError> {
        params.reject_repeats()?;
        if params.get("request_uri").is_some() {
            return Err(OAuthError::RequestUriPushed);
        }
        if params
            .get("client_id")
            .is_some_and(|named| named != client_id.as_str())
        {
            return Err(OAuthError::ParameterInvalid("client_id"));
        }
        let redirect_uri = redirect_uri(params, registration)?;
        Self::checked(client_id.clone(), redirect_uri, params, registration)
    }

    fn checked(
        client_id: ClientId,
        redirect_uri: String,
        params: &Params,
        registration: &Registration<'_>,
    ) -> Result<Self, OAuthError> {
        let state = params.get_up_to("state", 2048)?.map(str::to_owned);
        params.reject_repeats()?;
        for (name, error) in [
            ("request", OAuthError::RequestObjectUnsupported),
            ("request_uri", OAuthError::RequestUriUnsupported),
            ("registration", OAuthError::RegistrationUnsupported),
        ] {
            if params.get(name).is_some() {
                return Err(error);
            }
        }
        if params.require("response_type")? != "code" {
            return Err(OAuthError::ResponseTypeUnsupported);
        }
        let response_mode = ResponseMode::from_params(params, &redirect_uri)?;
        let challenge = CodeChallenge::from_request(
            params.get("code_challenge"),
            params.get("code_challenge_method"),
        )?;
        let scopes: Scopes = params
            .get("scope")
            .ok_or(OAuthError::ScopeMissing)?
            .parse()?;
        let claims = params.get("claims").map(ClaimsRequest::parse).transpose()?;
        let claims = claims.unwrap_or_default().within(registration.scopes);
        if claims.subjects.as_ref().is_some_and(Vec::is_empty) {
            return Err(OAuthError::UserUnexpected);
        }
        let request = Self {
            client_id,
            redirect_uri,
            scopes,
            state,
            response_mode,
            nonce: params.get_up_to("nonce", 512)?.map(str::to_owned),
            challenge,
            prompt: params
                .get("prompt")
                .map_or(Ok(Prompts::default()), str::parse)?,
            max_age: params.get("max_age").map(max_age).transpose()?,
            // Only a hint: one that can be no address is dropped, not refused.
            login_hint: params
                .get_up_to("login_hint", 254)
                .ok()
                .flatten()
                .map(str::to_owned),
            id_token_hint: params
                .get_up_to("id_token_hint", 7 * 1024)?
                .map(str::to_owned),
            expected_user: None,
            acr_values: params.get("acr_values").map_or(Ok(vec![]), acr_values)?,
            ui_locales: params.get("ui_locales").map_or(vec![], ui_locales),
            claims,
            resources: Resources::from_params(params)?.registered(registration.resources)?,
            dpop_jkt: params.get("dpop_jkt").map(Thumbprint::parse).transpose()?,
        };
        request.recheck(registration)?;
        Ok(request)
    }

    /// Whether the client may (still) make this request: what is registered may have changed while a
    /// request was kept, or sealed.
    pub fn recheck(&self, registration: &Registration<'_>) -> Result<(), OAuthError> {
        if !is_registered(&self.redirect_uri, registration) {
            return Err(OAuthError::RedirectUriUnregistered);
        }
        if !registration.grants.contains(&Grant::AuthorizationCode) {
            return Err(OAuthError::GrantNotAllowed);
        }
        if !self.scopes.within(registration.scopes) {
            return Err(OAuthError::ScopeNotAllowed);
        }
        self.resources
            .registered(registration.resources)
            .map(|_| ())
    }

    /// What the user is to consent to: the scopes, and beside them those whose claims are asked for one
    /// by one, so that `claims` is no way around consent.
    pub fn scopes_to_consent(&self) -> Vec<&str> {
        let mut scopes: Vec<&str> = self.scopes.as_slice().iter().map(String::as_str).collect();
        let claims = self.claims.id_token.iter().chain(&self.claims.userinfo);
        for scope in claims.filter_map(|claim| claim.scope()) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// Binds the request to the key of the DPoP proof that it was pushed with (RFC 9449, 10.1).
    pub fn bind_to(&mut self, key: Thumbprint) -> Result<(), OAuthError> {
        match &self.dpop_jkt {
            Some(named) if *named != key => Err(OAuthError::DpopProofKey),
            _ => {
                self.dpop_jkt = Some(key);
                Ok(())
            }
        }
    }

    /// Takes the user that a verified `id_token_hint` names as the only one to answer for.
    pub fn expect_user(&mut self, user: UserId) -> Result<(), OAuthError> {
        self.id_token_hint = None;
        self.expected_user = Some(user);
        if self.accepts(user) {
            Ok(())
        } else {
            Err(OAuthError::UserUnexpected)
        }
    }

    /// Whether the request may be answered for this user (`OpenID` Connect Core, 3.1.2.2 and 5.5.1).
    pub fn accepts(&self, user: UserId) -> bool {
        let demanded = self.claims.subjects.as_ref();
        self.expected_user.is_none_or(|expected| expected == user)
            && demanded.is_none_or(|users| users.contains(&user))
    }
}

fn is_registered(presented: &str, registration: &Registration<'_>) -> bool {
    let localhost =
        |uri: &RedirectUri| registration.any_localhost_port && uri.matches_on_localhost(presented);
    let matches = |uri: &String| {
        uri.parse::<RedirectUri>()
            .is_ok_and(|uri| uri.matches(presented) || localhost(&uri))
    };
    registration.redirect_uris.iter().any(matches)
}

/// The redirect URI to answer at. It may be left out only where the registration leaves no doubt and
/// OpenID Connect, which always requires it, is not asked for.
fn redirect_uri(params: &Params, registration: &Registration<'_>) -> Result<String, OAuthError> {
    if let Some(presented) = params.get("redirect_uri") {
        return if is_registered(presented, registration) {
            Ok(presented.to_owned())
        } else {
            Err(OAuthError::RedirectUriUnregistered)
        };
    }
    params.reject_repeats()?;
    let openid = params
        .get("scope")
        .is_some_and(|scope| scope.split(' ').any(|token| token == "openid"));
    match registration.redirect_uris {
        [only] if !openid => Ok(only.clone()),
        _ => Err(OAuthError::ParameterMissing("redirect_uri")),
    }
}

fn max_age(text: &str) -> Result<u32, OAuthError> {
    let digits = text.len() <= 9 && text.bytes().all(|b| b.is_ascii_digit());
    let seconds = if digits { text.parse().ok() } else { None };
    seconds.ok_or(OAuthError::ParameterInvalid("max_age"))
}

fn acr_values(text: &str) -> Result<Vec<String>, OAuthError> {
    let mut values: Vec<String> = Vec::new();
    for value in text.split(' ').filter(|value| !value.is_empty()) {
        if value.len() > ACR.1 || values.len() == ACR.0 {
            return Err(OAuthError::ParameterInvalid("acr_values"));
        }
        values.push(value.to_owned());
    }
    Ok(values)
}

/// Only a wish: what is no language tag (RFC 5646, 2.1, by its outline) is passed over.
fn ui_locales(text: &str) -> Vec<String> {
    let is_tag = |tag: &&str| {
        let mut parts = tag.split('-');
        let first = parts.next().unwrap_or_default();
        let sound = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        tag.len() <= 35
            && first.len() >= 2
            && first.bytes().all(|b| b.is_ascii_alphabetic())
            && sound(first)
            && parts.all(sound)
    };
    let tags = text.split(' ').filter(is_tag).take(8);
    tags.map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "authorization_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "registration_tests.rs"]
mod registration_tests;
