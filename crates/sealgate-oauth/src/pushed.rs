//! Pushed authorization requests (RFC 9126): how one is referred to.

use std::fmt;
use std::str::FromStr;

use sealgate_model::{ClientId, Secret};

use crate::{AuthorizationRequest, Handle, OAuthError, Params, PushedHandle};

/// The prefix of every `request_uri` that is given out (RFC 9126, 2.2).
const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A `request_uri` of ours: the prefix and a handle.
pub struct RequestUri(pub PushedHandle);

impl RequestUri {
    /// Its text, to be given to the client that pushed the request.
    pub fn to_secret(&self) -> Secret {
        Secret::new(format!("{PREFIX}{}", self.0.to_secret().expose()))
    }
}

impl FromStr for RequestUri {
    type Err = OAuthError;
    fn from_str(text: &str) -> Result<Self, OAuthError> {
        let handle = text
            .strip_prefix(PREFIX)
            .ok_or(OAuthError::RequestUriUnsupported)?;
        let handle = Handle::parse(handle).ok_or(OAuthError::RequestUriUnknown)?;
        Ok(Self(handle))
    }
}

impl fmt::Debug for RequestUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestUri({:?})", self.0)
    }
}

/// The client and the pushed request that a request at the authorization endpoint refers to; none if it
/// carries its parameters itself.
///
/// Of such a request only `client_id` and `request_uri` count: whatever else stands beside them was
/// put there by somebody who need not be the client. So a failure is told to the person at the browser
/// only.
pub fn pushed_request(params: &Params) -> Result<Option<(ClientId, PushedHandle)>, OAuthError> {
    let Some(uri) = params.get("request_uri") else {
        return Ok(None);
    };
    if !uri.starts_with(PREFIX) {
        return Ok(None);
    }
    params.reject_repeats()?;
    let RequestUri(handle) = uri.parse()?;
    Ok(Some((AuthorizationRequest::client_id(params)?, handle)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sealgate_host::FakeRandom;
    use sealgate_model::{PushedId, Timestamp};

    use super::*;
    use crate::Limits;

    fn uri() -> RequestUri {
        let random = FakeRandom::default();
        let id = PushedId::generate(Timestamp::from_seconds(1), &random);
        RequestUri(Handle::generate(id, &random))
    }

    fn read(query: &str) -> Result<Option<(ClientId, PushedHandle)>, OAuthError> {
        let params = Params::parse_noting_repeats(query.as_bytes(), Limits::STANDARD).unwrap();
        pushed_request(&params)
    }

    #[test]
    fn a_reference_to_a_pushed_request_names_client_and_handle_and_nothing_else() {
        let given = uri();
        let query = format!(
            "client_id=app&request_uri={}&redirect_uri=https%3A%2F%2Fevil.example&scope=admin",
            given.to_secret().expose()
        );
        let (client, handle) = read(&query).unwrap().unwrap();
        assert_eq!(client.as_str(), "app");
        assert_eq!(handle.id, given.0.id);
        assert_eq!(handle.secret_hash(), given.0.secret_hash());
    }

    #[test]
    fn a_request_that_carries_its_parameters_refers_to_none() {
        for query in [
            "client_id=app",
            "client_id=app&request_uri=https%3A%2F%2Fapp.example%2Frequest",
            "client_id=app&request_uri=URN:ietf:params:oauth:request_uri:x",
        ] {
            assert!(read(query).unwrap().is_none(), "{query}");
        }
    }

    #[test]
    fn a_reference_in_doubt_is_refused() {
        let text = uri().to_secret();
        let text = text.expose();
        for (query, error) in [
            (
                format!("request_uri={text}"),
                OAuthError::ParameterMissing("client_id"),
            ),
            (
                format!("client_id=a b&request_uri={text}"),
                OAuthError::ClientUnknown,
            ),
            (
                format!("client_id=app&request_uri={text}x"),
                OAuthError::RequestUriUnknown,
            ),
            (
                format!("client_id=app&request_uri={PREFIX}"),
                OAuthError::RequestUriUnknown,
            ),
            (
                format!("client_id=app&client_id=app&request_uri={text}"),
                OAuthError::ParameterRepeated,
            ),
            (
                format!("client_id=app&request_uri={text}&state=1&state=2"),
                OAuthError::ParameterRepeated,
            ),
        ] {
            assert_eq!(read(&query).unwrap_err(), error, "{query}");
        }
    }

    #[test]
    fn two_references_are_none_and_leave_a_repeat_to_refuse() {
        let text = uri().to_secret();
        let query = format!(
            "client_id=app&request_uri={0}&request_uri={0}",
            text.expose()
        );
        assert!(read(&query).unwrap().is_none());
        let params = Params::parse_noting_repeats(query.as_bytes(), Limits::STANDARD).unwrap();
        assert_eq!(params.reject_repeats(), Err(OAuthError::ParameterRepeated));
    }

    #[test]
    fn debug_output_shows_no_handle() {
        let given = uri();
        let text = given.to_secret();
        let handle = text.expose().strip_prefix(PREFIX).unwrap();
        assert!(!format!("{given:?}").contains(handle));
    }

    proptest! {
        #[test]
        fn any_text_is_a_reference_in_one_spelling_or_an_error(
            text in "\\PC{0,40}|urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{60,66}"
        ) {
            if let Ok(uri) = text.parse::<RequestUri>() {
                prop_assert_eq!(uri.to_secret().expose().to_owned(), text);
            }
        }
    }
}
