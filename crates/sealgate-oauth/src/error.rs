//! Why a request was refused: one enum, the RFC's error code for clients, our stable reason code for
//! people and tests.

use std::fmt;

use thiserror::Error;

/// The `error` values of RFC 6749 (4.1.2.1, 5.2), RFC 6750 (3.1) and `OpenID` Connect Core (3.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorCode {
    /// `invalid_request`
    InvalidRequest,
    /// `invalid_client`
    InvalidClient,
    /// `invalid_grant`
    InvalidGrant,
    /// `unsupported_grant_type`
    UnsupportedGrantType,
    /// `unsupported_response_type`
    UnsupportedResponseType,
    /// `invalid_scope`
    InvalidScope,
    /// `invalid_token`
    InvalidToken,
    /// `insufficient_scope`
    InsufficientScope,
    /// `login_required`
    LoginRequired,
    /// `request_not_supported`
    RequestNotSupported,
    /// `request_uri_not_supported`
    RequestUriNotSupported,
    /// `registration_not_supported`
    RegistrationNotSupported,
    /// `temporarily_unavailable`
    TemporarilyUnavailable,
    /// `server_error`
    ServerError,
}

impl ErrorCode {
    /// The value as it is sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::LoginRequired => "login_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident $(($field:ty))? = $code:literal, $error:ident, $text:literal;)*) => {
        /// A refusal. Its text is fit for `error_description` (RFC 6749, 5.2: printable ASCII without
        /// quote or backslash) and repeats nothing that the caller sent.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
        pub enum OAuthError {
            $($(#[$doc])* #[error($text)] $name $(($field))?,)*
        }

        impl OAuthError {
            /// The stable reason code: used in answers, records, documentation and tests.
            pub const fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)* }
            }

            /// The RFC's error code for it.
            pub const fn error(&self) -> ErrorCode {
                match self { $(Self::$name { .. } => ErrorCode::$error,)* }
            }
        }

        #[cfg(test)]
        const TEXTS: &[(&str, &str)] = &[$(($code, $text),)*];
    };
}

errors! {
    // Parameters, at every endpoint.

    /// The whole query or body is longer than the limit.
    ParametersTooLong = "parameters_too_long", InvalidRequest, "the parameters are too long";
    /// There are more parameters than the limit.
    TooManyParameters = "parameters_too_many", InvalidRequest, "there are too many parameters";
    /// One name or value is longer than the limit.
    ParameterTooLong = "parameter_too_long", InvalidRequest, "a parameter is too long";
    /// A percent escape, the UTF-8 or a control character is wrong.
    ParameterEncoding = "parameter_encoding", InvalidRequest, "a parameter is not correctly encoded";
    /// A parameter that may stand once stands twice (OAuth 2.1, 3.1).
    ParameterRepeated = "parameter_repeated", InvalidRequest, "a parameter is repeated";
    /// A required parameter is absent or empty.
    ParameterMissing(&'static str) = "parameter_missing", InvalidRequest, "{0} is missing";
    /// A parameter has a value that its definition does not allow.
    ParameterInvalid(&'static str) = "parameter_invalid", InvalidRequest, "{0} is not valid";
    /// The body is not `application/x-www-form-urlencoded`.
    ContentType = "content_type", InvalidRequest, "the body must be application/x-www-form-urlencoded";

    // The authorization request.

    /// No such client.
    ClientUnknown = "client_unknown", InvalidRequest, "the client is not registered here";
    /// The redirect URI is not one of the client's.
    RedirectUriUnregistered = "redirect_uri_unregistered", InvalidRequest,
        "the redirect URI is not registered for this client";
    /// Only `code` is offered: there is no implicit and no hybrid flow.
    ResponseTypeUnsupported = "response_type_unsupported", UnsupportedResponseType, "only response_type code is offered";
    /// Only `query` is offered.
    ResponseModeUnsupported = "response_mode_unsupported", InvalidRequest, "only response_mode query is offered";
    /// Request objects (RFC 9101) are not taken.
    RequestObjectUnsupported = "request_unsupported", RequestNotSupported, "the request parameter is not supported";
    /// References to request objects are not taken.
    RequestUriUnsupported = "request_uri_unsupported", RequestUriNotSupported,
        "the request_uri parameter is not supported";
    /// `OpenID` Connect self-issued registration is not taken.
    RegistrationUnsupported = "registration_unsupported", RegistrationNotSupported,
        "the registration parameter is not supported";
    /// PKCE is not optional (OAuth 2.1, 4.1.1).
    PkceMissing = "pkce_missing", InvalidRequest, "code_challenge is missing: PKCE with S256 is required";
    /// `plain`, which is also what an absent method means (RFC 7636, 4.3).
    PkceMethodUnsupported = "pkce_method_unsupported", InvalidRequest, "code_challenge_method must be S256";
    /// Not 43 characters of base64url.
    PkceChallengeMalformed = "pkce_challenge_malformed", InvalidRequest, "code_challenge is not a SHA-256 in base64url";
    /// No scope was asked for.
    ScopeMissing = "scope_missing", InvalidScope, "scope is missing";
    /// Not scope tokens separated by single spaces (RFC 6749, 3.3), or too many.
    ScopeMalformed = "scope_malformed", InvalidScope, "scope is not well formed";
    /// The client is not registered for one of the scopes.
    ScopeNotAllowed = "scope_not_allowed", InvalidScope, "a scope is not registered for this client";
    /// `prompt=none`, and the user would have to do something.
    LoginRequired = "login_required", LoginRequired, "the user has to sign in";

    // Client authentication.

    /// Unknown client, wrong secret or wrong method: not told apart.
    ClientUnauthenticated = "client_unauthenticated", InvalidClient, "client authentication failed";
    /// More than one method at once (RFC 6749, 2.3).
    ClientAuthenticationRepeated = "client_authentication_repeated", InvalidRequest,
        "the client authenticates by more than one method";
    /// The credentials cannot be read.
    ClientAuthenticationMalformed = "client_authentication_malformed", InvalidClient,
        "the client credentials are not well formed";
    /// A method that is not offered.
    ClientAuthenticationUnsupported = "client_authentication_unsupported", InvalidClient,
        "the client authentication method is not supported";

    // Grants.

    /// A grant type that is not offered.
    GrantTypeUnsupported = "grant_type_unsupported", UnsupportedGrantType, "the grant type is not supported";
    /// No such code.
    CodeUnknown = "code_unknown", InvalidGrant, "the code is not known";
    /// The code is too old.
    CodeExpired = "code_expired", InvalidGrant, "the code has expired";
    /// The code was redeemed before; what it gave is revoked (RFC 6749, 4.1.2).
    CodeReused = "code_reused", InvalidGrant, "the code was used before; the session it gave is revoked";
    /// The code was given to another client.
    CodeClientMismatch = "code_client_mismatch", InvalidGrant, "the code was issued to another client";
    /// Not the redirect URI the code was sent to.
    RedirectUriMismatch = "redirect_uri_mismatch", InvalidGrant, "redirect_uri is not the one the code was sent to";
    /// No verifier (RFC 7636, 4.6).
    VerifierMissing = "verifier_missing", InvalidGrant, "code_verifier is missing";
    /// Not 43 to 128 unreserved characters (RFC 7636, 4.1).
    VerifierMalformed = "verifier_malformed", InvalidGrant, "code_verifier is not well formed";
    /// The verifier does not belong to the challenge.
    VerifierMismatch = "verifier_mismatch", InvalidGrant, "code_verifier does not match the code challenge";
    /// No such refresh token.
    RefreshTokenUnknown = "refresh_token_unknown", InvalidGrant, "the refresh token is not known";
    /// The refresh token was spent and its grace window is over; its session is revoked.
    RefreshTokenReused = "refresh_token_reused", InvalidGrant, "the refresh token was used before; its session is revoked";
    /// The refresh token was given to another client.
    RefreshClientMismatch = "refresh_client_mismatch", InvalidGrant, "the refresh token was issued to another client";
    /// The refresh token was spent a moment ago for other scopes than these.
    RefreshScopeChanged = "refresh_scope_changed", InvalidGrant, "the refresh token was just used for other scopes";
    /// More scope than was granted (RFC 6749, 6).
    ScopeWidened = "scope_widened", InvalidScope, "scope exceeds what was granted";
    /// The session is revoked.
    SessionRevoked = "session_revoked", InvalidGrant, "the session is revoked";
    /// The session has reached its absolute limit.
    SessionExpired = "session_expired", InvalidGrant, "the session has expired";
    /// The session has reached its idle limit.
    SessionIdle = "session_idle", InvalidGrant, "the session was idle for too long";
    /// The browser sign-in the code came from has ended.
    SignInEnded = "sign_in_ended", InvalidGrant, "the sign-in has ended";
    /// The account cannot be used.
    UserDisabled = "user_disabled", InvalidGrant, "the account cannot be used";
    /// The token to revoke was given to another client (RFC 7009, 2.1).
    TokenClientMismatch = "token_client_mismatch", InvalidGrant, "the token was issued to another client";

    // Bearer tokens (RFC 6750).

    /// The token is not one of ours, or its session has ended.
    TokenInvalid = "token_invalid", InvalidToken, "the access token is not valid";
    /// The token is too old.
    TokenExpired = "token_expired", InvalidToken, "the access token has expired";
    /// The token's session is revoked or its user disabled.
    TokenRevoked = "token_revoked", InvalidToken, "the access token is revoked";
    /// The token does not have the scope needed here.
    ScopeInsufficient = "scope_insufficient", InsufficientScope, "the access token lacks the scope openid";

    // Ours.

    /// The store could not answer, or it is unknown whether it did. Never a refusal of the grant.
    StoreUnavailable = "store_unavailable", TemporarilyUnavailable, "try again in a moment";
    /// A fault of ours.
    Internal = "internal", ServerError, "the control plane failed to answer";
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_description_may_stand_in_error_description() {
        for (code, text) in TEXTS {
            let allowed = |b: u8| (0x20..=0x7e).contains(&b) && b != b'"' && b != b'\\';
            assert!(text.bytes().all(allowed), "{code}: {text}");
        }
    }

    #[test]
    fn every_refusal_has_a_reason_code_of_its_own() {
        let codes: HashSet<_> = TEXTS.iter().map(|(code, _)| code).collect();
        assert_eq!(codes.len(), TEXTS.len());
    }
}
