//! The authorization answer: what goes to the redirect URI (RFC 6749, 4.1.2; RFC 9207), and how (OAuth
//! 2.0 Multiple Response Types, 2.1; Form Post Response Mode).

use sealgate_model::{Issuer, Secret};
use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;

use crate::redirect::is_private_use;
use crate::{OAuthError, Params};

/// How the answer reaches the client: `response_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI, by redirect.
    #[default]
    Query,
    /// In a form that the browser posts to the redirect URI, which keeps the code out of addresses.
    FormPost,
}

impl ResponseMode {
    /// The values that are understood, as metadata lists them.
    pub const VALUES: [&str; 2] = ["query", "form_post"];

    /// Reads `response_mode`; `query` unless sent (the default for `code`). A browser hands an
    /// application of its own scheme an address and no form, so that nothing is posted to one.
    pub fn from_params(params: &Params, redirect_uri: &str) -> Result<Self, OAuthError> {
        match params.get("response_mode") {
            None => Ok(Self::Query),
            Some(mode) if mode == Self::VALUES[0] => Ok(Self::Query),
            Some(mode) if mode == Self::VALUES[1] && !is_private_use(redirect_uri) => {
                Ok(Self::FormPost)
            }
            Some(_) => Err(OAuthError::ResponseModeUnsupported),
        }
    }

    // Serde hands over a reference.
    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(crate) fn is_query(&self) -> bool {
        *self == Self::Query
    }
}

/// The answer to an authorization request whose redirect URI has been checked.
#[derive(Debug)]
pub struct AuthorizationAnswer<'a> {
    /// Where to, as presented by the client and matched against its registration.
    pub redirect_uri: &'a str,
    /// How it is to get there.
    pub response_mode: ResponseMode,
    /// The client's `state`, given back untouched.
    pub state: Option<&'a str>,
    /// The code, or why there is none.
    pub result: Result<Secret, OAuthError>,
}

/// An answer ready to be sent, in the way the client wants it.
#[derive(Debug)]
pub enum Delivery<'a> {
    /// Redirect the browser to this URL.
    Redirect(Secret),
    /// Have the browser post these fields, in order, to this URL.
    FormPost {
        /// The form's action.
        action: &'a str,
        /// Names and values. They hold the code: the page must not be kept.
        fields: Vec<(&'static str, Secret)>,
    },
}

impl<'a> AuthorizationAnswer<'a> {
    /// What is to be sent. `iss` is in it whatever the result, so that a client of several issuers
    /// knows which one answered (RFC 9207, 2).
    pub fn deliver(&self, issuer: &Issuer) -> Delivery<'a> {
        match self.response_mode {
            ResponseMode::Query => Delivery::Redirect(self.location(issuer)),
            ResponseMode::FormPost => Delivery::FormPost {
                action: self.redirect_uri,
                fields: self.with_fields(issuer, |fields| {
                    let own = |&(name, value): &(&'static str, &str)| (name, Secret::new(value));
                    fields.iter().map(own).collect()
                }),
            },
        }
    }

    /// The URL with the answer in its query, whatever the mode.
    pub fn location(&self, issuer: &Issuer) -> Secret {
        self.with_fields(issuer, |fields| {
            Secret::new(with_parameters(self.redirect_uri, fields))
        })
    }

    fn with_fields<T>(
        &self,
        issuer: &Issuer,
        make: impl FnOnce(&[(&'static str, &str)]) -> T,
    ) -> T {
        let description;
        let mut fields = Vec::with_capacity(5);
        match &self.result {
            Ok(code) => fields.push(("code", code.expose())),
            Err(error) => {
                description = error.to_string();
                fields.push(("error", error.error().as_str()));
                fields.push(("error_description", description.as_str()));
                fields.push(("reason", error.code()));
            }
        }
        if let Some(state) = self.state {
            fields.push(("state", state));
        }
        fields.push(("iss", issuer.as_str()));
        make(&fields)
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
    use crate::Limits;

    fn answer<'a>(
        redirect_uri: &'a str,
        response_mode: ResponseMode,
        state: Option<&'a str>,
        result: Result<Secret, OAuthError>,
    ) -> Delivery<'a> {
        let issuer = "https://id.example".parse().unwrap();
        let answer = AuthorizationAnswer {
            redirect_uri,
            response_mode,
            state,
            result,
        };
        answer.deliver(&issuer)
    }

    fn location(
        redirect_uri: &str,
        state: Option<&str>,
        result: Result<Secret, OAuthError>,
    ) -> String {
        match answer(redirect_uri, ResponseMode::Query, state, result) {
            Delivery::Redirect(location) => location.expose().to_owned(),
            form @ Delivery::FormPost { .. } => panic!("{form:?}"),
        }
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

    fn fields(state: Option<&str>, result: Result<Secret, OAuthError>) -> Vec<(&str, String)> {
        let uri = "https://app.example/cb?a=1";
        match answer(uri, ResponseMode::FormPost, state, result) {
            Delivery::FormPost { action, fields } => {
                assert_eq!(action, uri, "the address itself carries nothing");
                let plain =
                    |(name, value): &(&'static str, Secret)| (*name, value.expose().to_owned());
                fields.iter().map(plain).collect()
            }
            redirect @ Delivery::Redirect(_) => panic!("{redirect:?}"),
        }
    }

    #[test]
    fn a_form_carries_what_the_query_would() {
        let field = |name, value: &str| (name, value.to_owned());
        assert_eq!(
            fields(Some("\"><script>"), Ok(Secret::new("xyz"))),
            [
                field("code", "xyz"),
                field("state", "\"><script>"),
                field("iss", "https://id.example"),
            ]
        );
        assert_eq!(
            fields(None, Err(OAuthError::ConsentDenied)),
            [
                field("error", "access_denied"),
                field("error_description", "the user did not consent"),
                field("reason", "consent_denied"),
                field("iss", "https://id.example"),
            ]
        );
    }

    #[test]
    fn debug_output_shows_no_code() {
        for mode in [ResponseMode::Query, ResponseMode::FormPost] {
            let shown = format!(
                "{:?}",
                answer("https://a", mode, None, Ok(Secret::new("xyz")))
            );
            assert!(!shown.contains("xyz"), "{shown}");
        }
    }

    #[test]
    fn only_query_and_form_post_are_understood() {
        let read = |query: &str| {
            let params = Params::parse(query.as_bytes(), Limits::STANDARD).unwrap();
            ResponseMode::from_params(&params, "https://app.example/cb")
        };
        assert_eq!(read(""), Ok(ResponseMode::Query));
        assert_eq!(read("response_mode=query"), Ok(ResponseMode::Query));
        assert_eq!(read("response_mode=form_post"), Ok(ResponseMode::FormPost));
        for other in ["fragment", "web_message", "jwt", "query.jwt", "FORM_POST"] {
            let refused = read(&format!("response_mode={other}"));
            assert_eq!(refused, Err(OAuthError::ResponseModeUnsupported), "{other}");
        }
    }
}
