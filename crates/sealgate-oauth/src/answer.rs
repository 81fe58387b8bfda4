//! The authorization answer: what is added to the redirect URI (RFC 6749, 4.1.2; RFC 9207).

use sealgate_model::{Issuer, Secret};
use url::form_urlencoded::Serializer;

use crate::OAuthError;

/// The answer to an authorization request whose redirect URI has been checked.
#[derive(Debug)]
pub struct AuthorizationAnswer<'a> {
    /// Where to, as presented by the client and matched against its registration.
    pub redirect_uri: &'a str,
    /// The client's `state`, given back untouched.
    pub state: Option<&'a str>,
    /// The code, or why there is none.
    pub result: Result<Secret, OAuthError>,
}

impl AuthorizationAnswer<'_> {
    /// The URL to send the browser to. `iss` is in it whatever the result, so that a client of several
    /// issuers knows which one answered.
    pub fn location(&self, issuer: &Issuer) -> Secret {
        let description;
        let mut parameters = Vec::with_capacity(5);
        match &self.result {
            Ok(code) => parameters.push(("code", code.expose())),
            Err(error) => {
                description = error.to_string();
                parameters.push(("error", error.error().as_str()));
                parameters.push(("error_description", description.as_str()));
                parameters.push(("reason", error.code()));
            }
        }
        if let Some(state) = self.state {
            parameters.push(("state", state));
        }
        parameters.push(("iss", issuer.as_str()));
        Secret::new(with_parameters(self.redirect_uri, &parameters))
    }
}

/// `uri` with `parameters` added to its query. The URI has no fragment.
pub fn with_parameters(uri: &str, parameters: &[(&str, &str)]) -> String {
    let mut location = uri.to_owned();
    if !parameters.is_empty() {
        match uri.find('?') {
            None => location.push('?'),
            Some(at) if at + 1 == uri.len() || uri.ends_with('&') => {}
            Some(_) => location.push('&'),
        }
        location.push_str(
            &Serializer::new(String::new())
                .extend_pairs(parameters)
                .finish(),
        );
    }
    location
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(
        redirect_uri: &str,
        state: Option<&str>,
        result: Result<Secret, OAuthError>,
    ) -> String {
        let issuer = "https://id.example".parse().unwrap();
        AuthorizationAnswer {
            redirect_uri,
            state,
            result,
        }
        .location(&issuer)
        .expose()
        .to_owned()
    }

    #[test]
    fn a_code_comes_with_state_and_issuer() {
        assert_eq!(
            location(
                "https://app.example/cb",
                Some("a b&c=é"),
                Ok(Secret::new("xyz"))
            ),
            "https://app.example/cb?code=xyz&state=a+b%26c%3D%C3%A9&iss=https%3A%2F%2Fid.example"
        );
    }

    #[test]
    fn an_error_comes_with_issuer_too_and_keeps_the_registered_query() {
        assert_eq!(
            location(
                "https://app.example/cb?a=1",
                None,
                Err(OAuthError::LoginRequired)
            ),
            "https://app.example/cb?a=1&error=login_required\
             &error_description=the+user+has+to+sign+in&reason=login_required&iss=https%3A%2F%2Fid.example"
        );
    }
}
