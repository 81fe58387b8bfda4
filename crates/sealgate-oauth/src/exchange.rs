//! Token exchange (RFC 8693, 2): which token is handed in, and what for.

use sealgate_model::Secret;

use crate::{OAuthError, Params, RefreshHandle, Resources, Scopes};

/// The type of refresh tokens (RFC 8693, 3).
const REFRESH_TOKEN: &str = "urn:ietf:params:oauth:token-type:refresh_token";

/// Bytes of a token type.
const TYPE: usize = 256;

/// An exchange that is well formed: on behalf of whom, and for what. The actor is the client that asks.
#[derive(Debug)]
pub struct TokenExchange {
    /// The token that says on whose behalf.
    pub subject: SubjectToken,
    /// The resources, one or more, not yet compared with the registration.
    pub resources: Resources,
    /// The scopes; none: all that may be had.
    pub scopes: Option<Scopes>,
}

/// The token that says on whose behalf.
#[derive(Debug)]
pub enum SubjectToken {
    /// The refresh token of a session of the client itself, which is not spent by this.
    Refresh(RefreshHandle),
    /// An access token that was sent to a resource which the client serves.
    Access(Secret),
}

impl TokenExchange {
    /// The type of the token that is given: always an access token.
    pub const ISSUED_TYPE: &'static str = "urn:ietf:params:oauth:token-type:access_token";

    /// Reads an exchange from a request's parameters.
    ///
    /// # Errors
    /// [`OAuthError::ActorTokenUnsupported`] if another actor is named than the client that asks; an error
    /// for a type of token that is not taken or not given, and for a parameter that is missing.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        // Who acts is who authenticates; to leave out what another token says of it would be to answer
        // another request than was made.
        if params.get("actor_token").is_some() || params.get("actor_token_type").is_some() {
            return Err(OAuthError::ActorTokenUnsupported);
        }
        let wanted = params.get_up_to("requested_token_type", TYPE)?;
        if wanted.is_some_and(|wanted| wanted != Self::ISSUED_TYPE) {
            return Err(OAuthError::RequestedTokenTypeUnsupported);
        }
        let token = params.require("subject_token")?;
        let kind = params.require("subject_token_type")?;
        let subject = match kind {
            REFRESH_TOKEN => SubjectToken::Refresh(
                RefreshHandle::parse(token).ok_or(OAuthError::RefreshTokenUnknown)?,
            ),
            Self::ISSUED_TYPE => SubjectToken::Access(Secret::new(token)),
            _ => return Err(OAuthError::SubjectTokenTypeUnsupported),
        };
        let resources = Resources::of_exchange(params)?;
        if resources.is_empty() {
            return Err(OAuthError::ParameterMissing("resource"));
        }
        let scopes = params.get("scope").map(str::parse).transpose()?;
        Ok(Self {
            subject,
            resources,
            scopes,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    const ACCESS: &str = TokenExchange::ISSUED_TYPE;

    fn read(pairs: &[(&str, &str)]) -> Result<TokenExchange, OAuthError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        TokenExchange::parse(&Params::parse(body.as_bytes(), Limits::WITH_TOKEN)?)
    }

    fn sound<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut pairs = vec![
            ("subject_token", "a.b.c"),
            ("subject_token_type", ACCESS),
            ("resource", "https://api.example"),
        ];
        for (name, value) in more {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        pairs
    }

    #[test]
    fn an_exchange_names_a_token_and_what_the_new_one_is_for() {
        let read = read(&sound(&[
            ("scope", "a b"),
            ("audience", "https://b.example"),
            ("requested_token_type", ACCESS),
        ]))
        .unwrap();
        assert!(matches!(&read.subject, SubjectToken::Access(token) if token.expose() == "a.b.c"));
        let both = ["https://api.example", "https://b.example"];
        assert_eq!(read.resources.as_slice(), both);
        assert_eq!(read.scopes.unwrap().to_string(), "a b");
    }

    #[test]
    fn several_audiences_may_be_named_and_none_is_not_enough() {
        let mut pairs = sound(&[("resource", "")]);
        let missing = OAuthError::ParameterMissing("resource");
        assert_eq!(read(&pairs).unwrap_err(), missing);
        pairs.push(("audience", "https://a.example"));
        pairs.push(("audience", "https://b.example"));
        assert_eq!(read(&pairs).unwrap().resources.as_slice().len(), 2);
        pairs.push(("audience", "the-api"));
        assert_eq!(read(&pairs).unwrap_err(), OAuthError::ResourceMalformed);
    }

    #[test]
    fn a_refresh_token_is_a_handle() {
        let handle = "A".repeat(64);
        let of = |token| {
            read(&sound(&[
                ("subject_token", token),
                ("subject_token_type", REFRESH_TOKEN),
            ]))
        };
        let good = of(&handle).unwrap();
        assert!(matches!(good.subject, SubjectToken::Refresh(_)));
        assert_eq!(of("a.b.c").unwrap_err(), OAuthError::RefreshTokenUnknown);
    }

    #[test]
    fn what_is_not_offered_is_refused_and_not_left_out() {
        const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
        for (more, error) in [
            (("actor_token", "x"), OAuthError::ActorTokenUnsupported),
            (
                ("actor_token_type", ACCESS),
                OAuthError::ActorTokenUnsupported,
            ),
            (
                ("requested_token_type", JWT),
                OAuthError::RequestedTokenTypeUnsupported,
            ),
            (
                ("requested_token_type", REFRESH_TOKEN),
                OAuthError::RequestedTokenTypeUnsupported,
            ),
            (
                ("subject_token_type", JWT),
                OAuthError::SubjectTokenTypeUnsupported,
            ),
            (
                ("subject_token", ""),
                OAuthError::ParameterMissing("subject_token"),
            ),
            (
                ("subject_token_type", ""),
                OAuthError::ParameterMissing("subject_token_type"),
            ),
            (("scope", "\""), OAuthError::ScopeMalformed),
        ] {
            assert_eq!(read(&sound(&[more])).unwrap_err(), error, "{more:?}");
        }
    }

    proptest! {
        #[test]
        fn any_token_and_type_is_an_exchange_or_an_error(
            token in "\\PC{0,80}", kind in "(urn:ietf:params:oauth:token-type:)?[a-z_]{0,20}", to in "\\PC{0,40}"
        ) {
            let _ = read(&[("subject_token", &token), ("subject_token_type", &kind), ("audience", &to)]);
        }
    }
}
