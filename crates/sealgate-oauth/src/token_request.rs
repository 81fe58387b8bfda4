//! The token request (RFC 6749, 4.1.3 and 6): which grant is presented, with what.

use crate::{CodeHandle, CodeVerifier, OAuthError, Params, RefreshHandle, Scopes};

/// A token request that is well formed. Whether the grant is good is for the store to say.
#[derive(Debug)]
pub enum TokenRequest {
    /// `authorization_code`
    AuthorizationCode {
        /// The code.
        code: CodeHandle,
        /// The redirect URI, where the client repeats it: OAuth 2.0 wants it, OAuth 2.1 (10.2) does
        /// not, and PKCE does its work. If sent it must be the right one.
        redirect_uri: Option<String>,
        /// The PKCE verifier.
        verifier: CodeVerifier,
    },
    /// `refresh_token`
    RefreshToken {
        /// The refresh token.
        token: RefreshHandle,
        /// The scopes to narrow to; none: all that were granted.
        scopes: Option<Scopes>,
    },
}

impl TokenRequest {
    /// The grant types that are offered, as metadata lists them.
    pub const GRANT_TYPES: [&str; 2] = ["authorization_code", "refresh_token"];

    /// Reads the grant from a request's parameters.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        params.reject_repeats()?;
        match params.require("grant_type")? {
            "authorization_code" => {
                let code =
                    CodeHandle::parse(params.require("code")?).ok_or(OAuthError::CodeUnknown)?;
                let redirect_uri = params.get_up_to("redirect_uri", 2000)?.map(str::to_owned);
                // Every code has a challenge, so a missing verifier is a wrong one (RFC 7636, 4.6).
                let verifier = params
                    .get("code_verifier")
                    .ok_or(OAuthError::VerifierMissing)?;
                let verifier = CodeVerifier::parse(verifier)?;
                Ok(Self::AuthorizationCode {
                    code,
                    redirect_uri,
                    verifier,
                })
            }
            "refresh_token" => {
                let token = RefreshHandle::parse(params.require("refresh_token")?)
                    .ok_or(OAuthError::RefreshTokenUnknown)?;
                let scopes = params.get("scope").map(str::parse).transpose()?;
                Ok(Self::RefreshToken { token, scopes })
            }
            _ => Err(OAuthError::GrantTypeUnsupported),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Limits;

    fn read(body: &str) -> Result<TokenRequest, OAuthError> {
        TokenRequest::parse(&Params::parse(body.as_bytes(), Limits::STANDARD)?)
    }

    fn handle() -> String {
        "A".repeat(64)
    }

    fn verifier() -> String {
        "v".repeat(43)
    }

    #[test]
    fn both_grants_are_read() {
        let body = format!(
            "grant_type=authorization_code&code={}&code_verifier={}",
            handle(),
            verifier()
        );
        assert!(matches!(
            read(&body),
            Ok(TokenRequest::AuthorizationCode {
                redirect_uri: None,
                ..
            })
        ));
        let body = format!(
            "grant_type=refresh_token&refresh_token={}&scope=openid+email",
            handle()
        );
        let Ok(TokenRequest::RefreshToken {
            scopes: Some(scopes),
            ..
        }) = read(&body)
        else {
            panic!()
        };
        assert_eq!(scopes.to_string(), "openid email");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let (handle, verifier) = (handle(), verifier());
        let code = format!("grant_type=authorization_code&code={handle}");
        for (body, error) in [
            (String::new(), OAuthError::ParameterMissing("grant_type")),
            (
                "grant_type=password".into(),
                OAuthError::GrantTypeUnsupported,
            ),
            (
                "grant_type=authorization_code".into(),
                OAuthError::ParameterMissing("code"),
            ),
            (code.clone(), OAuthError::VerifierMissing),
            (
                format!("{code}&code_verifier=short"),
                OAuthError::VerifierMalformed,
            ),
            (
                format!("{code}&code_verifier={verifier}&code={handle}"),
                OAuthError::ParameterRepeated,
            ),
            (
                format!("grant_type=authorization_code&code=x&code_verifier={verifier}"),
                OAuthError::CodeUnknown,
            ),
            (
                "grant_type=refresh_token".into(),
                OAuthError::ParameterMissing("refresh_token"),
            ),
            (
                "grant_type=refresh_token&refresh_token=x".into(),
                OAuthError::RefreshTokenUnknown,
            ),
            (
                format!("grant_type=refresh_token&refresh_token={handle}&scope=%22"),
                OAuthError::ScopeMalformed,
            ),
        ] {
            assert_eq!(read(&body).unwrap_err(), error, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_a_request_or_an_error(
            raw in "(grant_type=(authorization_code|refresh_token)&)?(code|refresh_token)=[A-Za-z0-9_-]{60,66}&\\PC{0,60}"
        ) {
            let _ = read(&raw);
        }
    }
}
