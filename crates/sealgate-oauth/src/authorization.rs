//! The authorization request (OAuth 2.1, 4.1.1; `OpenID` Connect Core, 3.1.2.1).
//!
//! A request is checked against its client's registration in the order that keeps the endpoint from
//! being an open redirector: client, redirect URI, and only then whatever may be answered there.

use std::time::Duration;

use sealgate_model::{ClientId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{CodeChallenge, OAuthError, Params, RedirectUri, Scopes};

/// What a client may ask for.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// Its redirect URIs.
    pub redirect_uris: &'a [String],
    /// Its scopes.
    pub scopes: &'a [String],
}

/// How the client wants the user to be involved (`OpenID` Connect Core, 3.1.2.1, `prompt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// As needed.
    Auto,
    /// Not at all: `none`.
    None,
    /// On the sign-in page in any case: `login`, `select_account`, `consent`. The page names the client
    /// and takes any account, so that signing in there answers all three.
    SignIn,
}

impl Prompt {
    /// The values that are understood, as metadata lists them.
    pub const VALUES: [&str; 4] = ["none", "login", "select_account", "consent"];

    fn parse(text: &str) -> Result<Self, OAuthError> {
        const INVALID: OAuthError = OAuthError::ParameterInvalid("prompt");
        let mut values = text.split(' ').filter(|value| !value.is_empty()).peekable();
        if values.peek().is_none() || values.clone().any(|value| !Self::VALUES.contains(&value)) {
            return Err(INVALID);
        }
        match (values.clone().any(|value| value == "none"), values.count()) {
            (false, _) => Ok(Self::SignIn),
            (true, 1) => Ok(Self::None),
            (true, _) => Err(INVALID),
        }
    }
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
    pub state: Option<String>,
    /// Goes into the ID token, at most 512 bytes.
    pub nonce: Option<String>,
    /// The PKCE challenge.
    pub challenge: CodeChallenge,
    /// How to involve the user.
    pub prompt: Prompt,
    /// How long ago, in seconds, the user may have proved who they are.
    pub max_age: Option<u32>,
    /// What to put into the sign-in page's first field, at most 254 bytes.
    pub login_hint: Option<String>,
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
    /// registration of the client they name.
    pub fn parse(
        params: &Params,
        registration: &Registration<'_>,
    ) -> Result<Self, AuthorizationRejection> {
        let client_id = Self::client_id(params).map_err(AuthorizationRejection::Page)?;
        let redirect_uri =
            redirect_uri(params, registration).map_err(AuthorizationRejection::Page)?;
        // Without a `state` that can be given back, the client could not tell whose error it is; it is
        // told all the same.
        let (state, too_long) = match params.get_up_to("state", 2048) {
            Ok(state) => (state.map(str::to_owned), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let checked = too_long.and_then(|()| {
            Self::checked(
                client_id,
                redirect_uri.clone(),
                state.clone(),
                params,
                registration,
            )
        });
        checked.map_err(|error| AuthorizationRejection::Redirect {
            redirect_uri,
            state,
            error,
        })
    }

    fn checked(
        client_id: ClientId,
        redirect_uri: String,
        state: Option<String>,
        params: &Params,
        registration: &Registration<'_>,
    ) -> Result<Self, OAuthError> {
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
        if params
            .get("response_mode")
            .is_some_and(|mode| mode != "query")
        {
            return Err(OAuthError::ResponseModeUnsupported);
        }
        let challenge = CodeChallenge::from_request(
            params.get("code_challenge"),
            params.get("code_challenge_method"),
        )?;
        let scopes: Scopes = params
            .get("scope")
            .ok_or(OAuthError::ScopeMissing)?
            .parse()?;
        if !scopes.within(registration.scopes) {
            return Err(OAuthError::ScopeNotAllowed);
        }
        Ok(Self {
            client_id,
            redirect_uri,
            scopes,
            state,
            nonce: params.get_up_to("nonce", 512)?.map(str::to_owned),
            challenge,
            prompt: params
                .get("prompt")
                .map_or(Ok(Prompt::Auto), Prompt::parse)?,
            max_age: params.get("max_age").map(max_age).transpose()?,
            // Only a hint: one that can be no address is dropped, not refused.
            login_hint: params
                .get_up_to("login_hint", 254)
                .ok()
                .flatten()
                .map(str::to_owned),
        })
    }

    /// Whether a user who proved at `auth_time` who they are need not do so again for this request.
    ///
    /// `asked_at` is when the request came in if the user has been to the sign-in page since, which
    /// satisfies `prompt` and `max_age`; none on the request's first arrival.
    pub fn is_satisfied_by(
        &self,
        auth_time: Timestamp,
        asked_at: Option<Timestamp>,
        now: Timestamp,
    ) -> bool {
        if asked_at.is_some_and(|asked_at| auth_time >= asked_at) {
            return true;
        }
        let recent = |seconds| now.since(auth_time) <= Duration::from_secs(u64::from(seconds));
        // `max_age=0` means the same as `prompt=login` (OpenID Connect Core, 15.1, errata set 2).
        self.prompt != Prompt::SignIn && self.max_age != Some(0) && self.max_age.is_none_or(recent)
    }
}

/// The redirect URI to answer at. It may be left out only where the registration leaves no doubt and
/// OpenID Connect, which always requires it, is not asked for.
fn redirect_uri(params: &Params, registration: &Registration<'_>) -> Result<String, OAuthError> {
    if let Some(presented) = params.get("redirect_uri") {
        let matches = |uri: &String| {
            uri.parse::<RedirectUri>()
                .is_ok_and(|uri| uri.matches(presented))
        };
        let registered = registration.redirect_uris.iter().any(matches);
        return if registered {
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

#[cfg(test)]
#[path = "authorization_tests.rs"]
mod tests;
