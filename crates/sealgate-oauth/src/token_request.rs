//! The token request: which grant is presented, with what (OAuth 2.1, 4.1.3, 4.2.1 and 4.3.1; RFC
//! 8628, 3.4; RFC 8693, 2.1), and for which resources (RFC 8707, 2.2).

use crate::{
    CodeHandle, CodeVerifier, DeviceHandle, Grant, JwtBearer, OAuthError, Params, RefreshHandle,
    Resources, Scopes, TokenExchange,
};

/// A token request that is well formed. Whether the grant is good is for the store to say, and whether
/// the client may use it for its registration.
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
        /// The resources to narrow to; none: all that were granted.
        resources: Resources,
    },
    /// `refresh_token`
    RefreshToken {
        /// The refresh token.
        token: RefreshHandle,
        /// The scopes to narrow to; none: all that were granted.
        scopes: Option<Scopes>,
        /// The resources to narrow to; none: all that were granted.
        resources: Resources,
    },
    /// `client_credentials`
    ClientCredentials {
        /// The scopes; none: see [`Scopes::without_user`].
        scopes: Option<Scopes>,
        /// The resources, not yet compared with the registration; none: the issuer.
        resources: Resources,
    },
    /// `urn:ietf:params:oauth:grant-type:device_code`
    DeviceCode {
        /// The device code.
        code: DeviceHandle,
        /// The resources to narrow to; none: all that were granted.
        resources: Resources,
    },
    /// `urn:ietf:params:oauth:grant-type:token-exchange`
    TokenExchange(TokenExchange),
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer`
    JwtBearer(JwtBearer),
}

impl TokenRequest {
    /// The grant types that are offered, as metadata lists them.
    pub const GRANT_TYPES: [&str; 6] = Grant::NAMES;

    /// Reads the grant from a request's parameters.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        params.reject_repeats()?;
        let grant =
            Grant::parse(params.require("grant_type")?).ok_or(OAuthError::GrantTypeUnsupported)?;
        let resources = Resources::from_params(params)?;
        Ok(match grant {
            Grant::AuthorizationCode => {
                let code =
                    CodeHandle::parse(params.require("code")?).ok_or(OAuthError::CodeUnknown)?;
                let redirect_uri = params.get_up_to("redirect_uri", 2000)?.map(str::to_owned);
                // Every code has a challenge, so a missing verifier is a wrong one (RFC 7636, 4.6).
                let verifier = params
                    .get("code_verifier")
                    .ok_or(OAuthError::VerifierMissing)?;
                let verifier = CodeVerifier::parse(verifier)?;
                Self::AuthorizationCode {
                    code,
                    redirect_uri,
                    verifier,
                    resources,
                }
            }
            Grant::RefreshToken => Self::RefreshToken {
                token: RefreshHandle::parse(params.require("refresh_token")?)
                    .ok_or(OAuthError::RefreshTokenUnknown)?,
                scopes: scopes(params)?,
                resources,
            },
            Grant::ClientCredentials => Self::ClientCredentials {
                scopes: scopes(params)?,
                resources,
            },
            Grant::DeviceCode => Self::DeviceCode {
                code: DeviceHandle::parse(params.require("device_code")?)
                    .ok_or(OAuthError::DeviceCodeUnknown)?,
                resources,
            },
            Grant::TokenExchange => Self::TokenExchange(TokenExchange::parse(params)?),
            Grant::JwtBearer => Self::JwtBearer(JwtBearer::parse(params)?),
        })
    }

    /// Which grant it is.
    pub const fn grant(&self) -> Grant {
        match self {
            Self::AuthorizationCode { .. } => Grant::AuthorizationCode,
            Self::RefreshToken { .. } => Grant::RefreshToken,
            Self::ClientCredentials { .. } => Grant::ClientCredentials,
            Self::DeviceCode { .. } => Grant::DeviceCode,
            Self::TokenExchange(_) => Grant::TokenExchange,
            Self::JwtBearer(_) => Grant::JwtBearer,
        }
    }
}

fn scopes(params: &Params) -> Result<Option<Scopes>, OAuthError> {
    params.get("scope").map(str::parse).transpose()
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
    fn every_grant_is_read() {
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
        let body = "grant_type=client_credentials&scope=expenses:read&resource=https://api.example";
        let Ok(TokenRequest::ClientCredentials {
            scopes: Some(scopes),
            resources,
        }) = read(body)
        else {
            panic!()
        };
        assert_eq!(scopes.to_string(), "expenses:read");
        assert_eq!(resources.as_slice(), ["https://api.example"]);
        let body = format!(
            "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code={}",
            handle()
        );
        assert!(matches!(read(&body), Ok(TokenRequest::DeviceCode { .. })));
    }

    #[test]
    fn a_request_knows_its_grant() {
        let (handle, verifier) = (handle(), verifier());
        for grant in Grant::ALL {
            let body = format!(
                "grant_type={}&code={handle}&code_verifier={verifier}&refresh_token={handle}&device_code={handle}\
                 &assertion=a.b.c&subject_token=a.b.c&subject_token_type={}&resource=https://api.example",
                grant.as_str(),
                TokenExchange::ISSUED_TYPE,
            );
            assert_eq!(read(&body).unwrap().grant(), grant);
        }
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
            (
                format!("grant_type=refresh_token&refresh_token={handle}&resource=api"),
                OAuthError::ResourceMalformed,
            ),
            (
                "grant_type=client_credentials&scope=%22".into(),
                OAuthError::ScopeMalformed,
            ),
            (
                "grant_type=urn:ietf:params:oauth:grant-type:device_code".into(),
                OAuthError::ParameterMissing("device_code"),
            ),
            (
                "grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x".into(),
                OAuthError::DeviceCodeUnknown,
            ),
        ] {
            assert_eq!(read(&body).unwrap_err(), error, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_body_is_a_request_or_an_error(
            raw in "(grant_type=(authorization_code|refresh_token|client_credentials)&)?(code|refresh_token|device_code)=[A-Za-z0-9_-]{60,66}&\\PC{0,60}"
        ) {
            let _ = read(&raw);
        }
    }
}
