//! Why a request was refused: one enum, the RFC's error code for clients, our stable reason code for
//! people and tests.

use thiserror::Error;

use crate::ErrorCode;

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
    /// Only `query` and `form_post` are offered.
    ResponseModeUnsupported = "response_mode_unsupported", InvalidRequest,
        "only response_mode query and form_post are offered";
    /// Request objects (RFC 9101) are not taken.
    RequestObjectUnsupported = "request_unsupported", RequestNotSupported, "the request parameter is not supported";
    /// References to request objects elsewhere are not taken, only those to pushed requests.
    RequestUriUnsupported = "request_uri_unsupported", RequestUriNotSupported,
        "only a request_uri given for a pushed request is supported";
    /// `OpenID` Connect self-issued registration is not taken.
    RegistrationUnsupported = "registration_unsupported", RegistrationNotSupported,
        "the registration parameter is not supported";
    /// The client may not use this grant.
    GrantNotAllowed = "grant_not_allowed", UnauthorizedClient, "the client is not registered for this grant";
    /// The client has to push its requests (RFC 9126, 5).
    PushedRequestRequired = "pushed_request_required", InvalidRequest, "the client has to push its requests";
    /// A pushed request that refers to another (RFC 9126, 2.1).
    RequestUriPushed = "request_uri_pushed", InvalidRequest, "request_uri may not be pushed";
    /// No such pushed request.
    RequestUriUnknown = "request_uri_unknown", InvalidRequestUri, "the request_uri is not known";
    /// The pushed request is too old.
    RequestUriExpired = "request_uri_expired", InvalidRequestUri, "the request_uri has expired";
    /// The pushed request was used before.
    RequestUriUsed = "request_uri_used", InvalidRequestUri, "the request_uri was used before";
    /// The request was pushed by another client.
    RequestUriClientMismatch = "request_uri_client_mismatch", InvalidRequestUri,
        "the request_uri was given to another client";
    /// Not what OpenID Connect Core (5.5) lets `claims` be.
    ClaimsMalformed = "claims_malformed", InvalidRequest, "claims is not well formed";
    /// Longer, deeper or with more members than the limit.
    ClaimsTooLarge = "claims_too_large", InvalidRequest, "claims is too long or too deep";
    /// Not an absolute https URI without fragment, or http on the loopback (RFC 8707, 2).
    ResourceMalformed = "resource_malformed", InvalidTarget, "resource is not an absolute https URI";
    /// More resources than the limit.
    TooManyResources = "resources_too_many", InvalidTarget, "there are too many resources";
    /// The client is not registered for one of the resources.
    ResourceNotAllowed = "resource_not_allowed", InvalidTarget, "a resource is not registered for this client";
    /// The administration API's tokens are for nothing else.
    ResourceNotAlone = "resource_not_alone", InvalidTarget, "a token for administration can be for no other resource";
    /// Another resource than was granted (RFC 8707, 2.2).
    ResourceWidened = "resource_widened", InvalidTarget, "resource exceeds what was granted";
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
    /// A scope that speaks of a user, where there is none.
    ScopeNeedsUser = "scope_needs_user", InvalidScope, "a scope is about a user, and this grant has none";
    /// The ID token is not one of ours, or not for this client.
    IdTokenHintInvalid = "id_token_hint_invalid", InvalidRequest, "id_token_hint is not valid";
    /// `prompt=none`, and the user would have to do something.
    LoginRequired = "login_required", LoginRequired, "the user has to sign in";
    /// Another user is signed in than the one that `id_token_hint` or `claims` asks for.
    UserUnexpected = "user_unexpected", LoginRequired, "another user is asked for than the one who signed in";
    /// `prompt=none`, and the user would have to consent.
    ConsentRequired = "consent_required", ConsentRequired, "the user has to consent";
    /// `prompt=none`, and the user would have to do something else.
    InteractionRequired = "interaction_required", InteractionRequired, "the user has to take part";
    /// The user said no.
    ConsentDenied = "consent_denied", AccessDenied, "the user did not consent";
    /// Only an administrator can be granted what was asked for.
    AdministratorRequired = "administrator_required", AccessDenied, "the user may not grant a requested scope";
    /// The user belongs to another tenant than the client serves.
    TenantForeign = "tenant_foreign", AccessDenied, "the client serves the users of another tenant";
    /// None of the `acr` values that the client insists on can be reached (RFC 9470, 5).
    AuthenticationUnmet = "authentication_unmet", UnmetAuthenticationRequirements,
        "the requested authentication cannot be performed";

    /// A client that does not prove who it is asks more often than strangers may.
    RequestsThrottled = "requests_throttled", TemporarilyUnavailable,
        "too many requests under the name of this client; try again in a moment";

    // Client authentication.

    /// Unknown client, wrong secret or wrong method: not told apart.
    ClientUnauthenticated = "client_unauthenticated", InvalidClient, "client authentication failed";
    /// More than one method at once (RFC 6749, 2.3).
    ClientAuthenticationRepeated = "client_authentication_repeated", InvalidRequest,
        "the client authenticates by more than one method";
    /// The credentials cannot be read.
    ClientAuthenticationMalformed = "client_authentication_malformed", InvalidClient,
        "the client credentials are not well formed";
    /// Too many failures under this client's name from this network.
    ClientThrottled = "client_throttled", TemporarilyUnavailable, "authentication failed too often; try again in a moment";
    /// A method that is not offered.
    ClientAuthenticationUnsupported = "client_authentication_unsupported", InvalidClient,
        "the client authentication method is not supported";
    /// Not a JWT with typed claims (RFC 7523, 3).
    AssertionMalformed = "assertion_malformed", InvalidClient, "client_assertion is not well formed";
    /// Not `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`.
    AssertionTypeUnsupported = "assertion_type_unsupported", InvalidClient, "client_assertion_type is not supported";
    /// `iss`, `sub` and `client_id` are not one client.
    AssertionSubject = "assertion_subject_wrong", InvalidClient, "client_assertion is not about this client";
    /// `aud` is not the issuer alone (RFC 7523bis, 3).
    AssertionAudience = "assertion_audience_wrong", InvalidClient, "client_assertion is not meant for this issuer";
    /// The assertion is too old.
    AssertionExpired = "assertion_expired", InvalidClient, "client_assertion has expired";
    /// The assertion says that it is from the future.
    AssertionEarly = "assertion_early", InvalidClient, "client_assertion is not valid yet";
    /// The assertion would be good for more than an hour.
    AssertionLongLived = "assertion_long_lived", InvalidClient, "client_assertion lives longer than an hour";
    /// The assertion was used before.
    AssertionReused = "assertion_reused", InvalidClient, "client_assertion was used before";
    /// The client's keys could not be fetched.
    ClientKeysUnavailable = "client_keys_unavailable", TemporarilyUnavailable, "the keys of the client cannot be fetched";

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
    /// The refresh token was spent a moment ago for other resources than these.
    RefreshResourceChanged = "refresh_resource_changed", InvalidGrant,
        "the refresh token was just used for other resources";
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

    // The device grant (RFC 8628).

    /// A scope of administration, which nobody grants from another device.
    DeviceScopeRefused = "device_scope_refused", InvalidScope, "a scope is not granted to devices";
    /// The user has not answered yet.
    AuthorizationPending = "authorization_pending", AuthorizationPending, "the user has not answered yet";
    /// The device asks more often than it was told to.
    SlowDown = "slow_down", SlowDown, "ask less often: the interval is now 5 seconds longer";
    /// The user said no at the other device.
    DeviceDenied = "device_denied", AccessDenied, "the user denied the device";
    /// The device code is too old.
    DeviceCodeExpired = "device_code_expired", ExpiredToken, "the device code has expired";
    /// No such device code.
    DeviceCodeUnknown = "device_code_unknown", InvalidGrant, "the device code is not known";
    /// The device code was redeemed before.
    DeviceCodeUsed = "device_code_used", InvalidGrant, "the device code was used before";
    /// The device code was given to another client.
    DeviceClientMismatch = "device_client_mismatch", InvalidGrant, "the device code was issued to another client";

    // Token exchange (RFC 8693).

    /// A type of token that is not exchanged.
    SubjectTokenTypeUnsupported = "subject_token_type_unsupported", InvalidRequest,
        "subject_token_type must be that of access tokens or of refresh tokens";
    /// A type of token that is not given.
    RequestedTokenTypeUnsupported = "requested_token_type_unsupported", InvalidRequest,
        "requested_token_type must be that of access tokens";
    /// Another actor than the client itself.
    ActorTokenUnsupported = "actor_token_unsupported", InvalidRequest, "the actor is the client: actor_token is not taken";
    /// The subject token is not one of ours.
    SubjectTokenInvalid = "subject_token_invalid", InvalidRequest, "the subject token is not valid";
    /// The subject token is too old.
    SubjectTokenExpired = "subject_token_expired", InvalidRequest, "the subject token has expired";
    /// Something that the subject token stands on has ended.
    SubjectTokenRevoked = "subject_token_revoked", InvalidRequest, "the subject token is revoked";
    /// What the subject token tells of its user or client is not so any more.
    SubjectTokenOutdated = "subject_token_outdated", InvalidRequest, "what the subject token tells has changed";
    /// Somebody took back this client's leave to act for the user of this session.
    DelegationRevoked = "delegation_revoked", AccessDenied, "the delegation to this client is revoked";
    /// The session has as many delegations as it may have.
    DelegationsFull = "delegations_full", AccessDenied, "the session has too many delegations";
    /// The subject token was not meant for this client.
    SubjectTokenForeign = "subject_token_foreign", InvalidRequest,
        "the subject token is for no resource that this client serves";
    /// The subject token says that another client may act (`may_act`, RFC 8693, 4.4).
    SubjectTokenReserved = "subject_token_reserved", InvalidRequest,
        "the subject token names another client that may act";
    /// The subject token is about a client alone.
    SubjectTokenUserless = "subject_token_userless", InvalidRequest, "no user stands behind the subject token";
    /// The token was passed on as often as it may be.
    DelegationTooDeep = "delegation_too_deep", InvalidRequest, "the subject token was passed on too often";
    /// A scope that no exchange gives: about the user, or of administration.
    ExchangeScopeRefused = "exchange_scope_refused", InvalidScope, "a scope is not given by token exchange";

    // The JWT bearer grant (RFC 7523, 2.1): what other issuers vouch for.

    /// Not a JWT with the claims that it must have, each of its type.
    IdentityMalformed = "identity_malformed", InvalidGrant, "the assertion is not well formed";
    /// No issuer of this name is trusted, or it is disabled: not told apart.
    IdentityIssuerUnknown = "identity_issuer_unknown", InvalidGrant, "the issuer of the assertion is not trusted here";
    /// The keys of the issuer could not be had.
    IdentityKeysUnavailable = "identity_keys_unavailable", TemporarilyUnavailable,
        "the keys of the issuer cannot be fetched";
    /// Not signed with a key of its issuer, by an algorithm and with a type that it may have.
    IdentityUnverified = "identity_unverified", InvalidGrant, "the assertion is not signed as it must be";
    /// `aud` does not name what the issuer was registered with.
    IdentityAudience = "identity_audience_wrong", InvalidGrant, "the assertion is not meant for this server";
    /// The assertion is too old.
    IdentityExpired = "identity_expired", InvalidGrant, "the assertion has expired";
    /// The assertion says that it is from the future.
    IdentityEarly = "identity_early", InvalidGrant, "the assertion is not valid yet";
    /// The assertion lives longer, or was made longer ago, than those of its kind may.
    IdentityLongLived = "identity_long_lived", InvalidGrant, "the assertion lives longer than it may";
    /// The subject is not one that issuers of this kind have, or a claim that all of them need is another.
    IdentitySubject = "identity_subject_wrong", InvalidGrant, "the assertion is not about a subject of its issuer";
    /// No machine is registered for this identity.
    IdentityUnmatched = "identity_unmatched", InvalidGrant, "no machine is registered for this identity";
    /// The machine that is registered for this identity is disabled or has expired.
    IdentityMachineEnded = "identity_machine_ended", InvalidGrant, "the machine of this identity is disabled or expired";
    /// More than one machine is registered for this identity: which is meant would be a guess.
    IdentityAmbiguous = "identity_ambiguous", InvalidGrant, "more than one machine is registered for this identity";
    /// The client that asks is not the one that the assertion is for.
    IdentityClient = "identity_client_wrong", InvalidGrant, "the assertion is not for this client";
    /// The assertion was used before.
    IdentityReused = "identity_reused", InvalidGrant, "the assertion was used before";
    /// It is about nobody who has an account here.
    IdentityUserUnknown = "identity_user_unknown", InvalidGrant, "the assertion is about no user of this server";
    /// The account is linked to another subject of this issuer.
    IdentityUserLinked = "identity_user_linked", InvalidGrant, "the user is linked to another subject of this issuer";
    /// What it vouches for was ended here after it was made.
    IdentityEnded = "identity_ended", InvalidGrant, "what the assertion vouches for has ended here since";
    /// It is bound to a key (`cnf`), of which there is no proof.
    IdentityKeyUnproven = "identity_key_unproven", InvalidGrant, "the assertion is bound to a key that is not proven";
    /// It says more of what may be granted than is understood here (`authorization_details`, RFC 9396).
    IdentityDetailsUnsupported = "identity_details_unsupported", InvalidGrant,
        "authorization_details of an assertion are not supported";

    // Bootstrap credentials.

    /// The body is neither JSON nor a form.
    BootstrapContentType = "bootstrap_content_type", InvalidRequest,
        "the body must be application/json or application/x-www-form-urlencoded";
    /// No bootstrap credential, or none that is known: not told apart.
    BootstrapUnknown = "bootstrap_unknown", InvalidToken, "the bootstrap credential is not valid";
    /// The bootstrap credential was used before.
    BootstrapUsed = "bootstrap_used", InvalidToken, "the bootstrap credential was used before";
    /// The bootstrap credential is too old.
    BootstrapExpired = "bootstrap_expired", InvalidToken, "the bootstrap credential has expired";
    /// The service account of the credential is disabled, has expired or was offboarded.
    MachineEnded = "machine_ended", InvalidToken, "the service account cannot be used";
    /// The proof is not a JWT of its type with a key, or not with the claims that it must have.
    BootstrapProofMalformed = "bootstrap_proof_malformed", InvalidRequest, "the proof is not well formed";
    /// The key cannot be used, or the service account has as many as it may have.
    BootstrapKeyRefused = "bootstrap_key_refused", InvalidRequest, "the key cannot be registered";
    /// The proof is signed with another key than the one that it brings.
    BootstrapProofSignature = "bootstrap_proof_signature", InvalidRequest, "the signature of the proof is not valid";
    /// The proof is for another issuer, or another credential.
    BootstrapProofMisdirected = "bootstrap_proof_misdirected", InvalidRequest, "the proof is not for this request";
    /// The proof is too old, or from the future.
    BootstrapProofExpired = "bootstrap_proof_expired", InvalidRequest, "the proof is too old or too new";

    // Proof of possession (RFC 9449).

    /// Not 43 characters of base64url.
    DpopJktMalformed = "dpop_jkt_malformed", InvalidRequest, "dpop_jkt is not a SHA-256 in base64url";
    /// No proof where one is needed.
    DpopProofMissing = "dpop_proof_missing", InvalidDpopProof, "a DPoP proof is missing";
    /// More than one proof, or not a JWT with what a proof needs.
    DpopProofMalformed = "dpop_proof_malformed", InvalidDpopProof, "the DPoP proof is not well formed";
    /// The proof's signature does not verify under its own key.
    DpopProofSignature = "dpop_proof_signature", InvalidDpopProof, "the signature of the DPoP proof is not valid";
    /// The proof was made for another method, address or access token.
    DpopProofMisdirected = "dpop_proof_misdirected", InvalidDpopProof, "the DPoP proof is not for this request";
    /// The proof is too old, or from the future.
    DpopProofExpired = "dpop_proof_expired", InvalidDpopProof, "the DPoP proof is too old or too new";
    /// The proof was used before.
    DpopProofReused = "dpop_proof_reused", InvalidDpopProof, "the DPoP proof was used before";
    /// The proof is by another key than `dpop_jkt` names.
    DpopProofKey = "dpop_proof_key", InvalidDpopProof, "the DPoP proof is not by the key that dpop_jkt names";
    /// The proof carries no nonce, or not a current one: try again with the one sent along.
    DpopNonceRequired = "dpop_nonce_required", UseDpopNonce, "use the nonce in the DPoP-Nonce header";
    /// The code or refresh token is bound to another key.
    DpopKeyMismatch = "dpop_key_mismatch", InvalidGrant, "the grant is bound to another DPoP key";

    // Clients that no administrator registered.

    /// Such a client did not say what it wants tokens for.
    ResourceRequired = "resource_required", InvalidTarget, "resource is missing: a client of its own has to name one";
    /// What the client wants tokens for is not open to clients that no administrator registered.
    ResourceClosed = "resource_closed", InvalidTarget,
        "a resource is not open to clients that no administrator registered";
    /// Nobody could fetch the document that says who the client is.
    ClientDocumentUnavailable = "client_document_unavailable", TemporarilyUnavailable,
        "the document that says who the client is cannot be fetched";
    /// Such documents were fetched as often as they may be.
    ClientDocumentThrottled = "client_document_throttled", TemporarilyUnavailable,
        "too many documents of clients are asked for; try again in a moment";
    /// The client id is no address of a document, or what is there does not say soundly who the client is.
    ClientDocumentInvalid(&'static str) = "client_document_invalid", InvalidClient,
        "the client cannot be taken by its document: {0}";
    /// There are as many clients of their own as there may be.
    ClientsFull = "clients_full", TemporarilyUnavailable, "there are too many clients; try again later";
    /// Clients do not register themselves here.
    RegistrationClosed = "registration_closed", AccessDenied, "clients cannot register themselves here";
    /// The body is not JSON.
    RegistrationContentType = "registration_content_type", InvalidClientMetadata, "the body must be application/json";
    /// The registration token is missing, unknown, too old or used up: not told apart.
    RegistrationTokenInvalid = "registration_token_invalid", InvalidToken, "the registration token is not valid";
    /// There were too many registrations.
    RegistrationThrottled = "registration_throttled", TemporarilyUnavailable,
        "too many registrations; try again later";
    /// An administrator disabled the client that says the same of itself.
    RegistrationBarred = "registration_barred", AccessDenied, "a client with this metadata was disabled";
    /// A redirect URI cannot be registered (RFC 7591, 3.2.2).
    RegistrationRedirectUri(&'static str) = "registration_redirect_uri", InvalidRedirectUri, "{0}";
    /// Something else that the client says of itself cannot be registered (RFC 7591, 3.2.2).
    RegistrationMetadata(&'static str) = "registration_metadata", InvalidClientMetadata, "{0}";

    // Bearer tokens (RFC 6750).

    /// The token is not one of ours, or its session has ended.
    TokenInvalid = "token_invalid", InvalidToken, "the access token is not valid";
    /// The token is too old.
    TokenExpired = "token_expired", InvalidToken, "the access token has expired";
    /// The token's session is revoked or its user disabled.
    TokenRevoked = "token_revoked", InvalidToken, "the access token is revoked";
    /// What the token tells of its user or client is not so any more: another one has to be had.
    TokenOutdated = "token_outdated", InvalidToken, "what the access token tells has changed";
    /// The token is bound to a key, and was presented without proof of it (RFC 9449, 7.2).
    TokenBound = "token_bound", InvalidToken, "the access token is bound to a DPoP key";
    /// The token does not have the scope needed here.
    ScopeInsufficient = "scope_insufficient", InsufficientScope, "the access token lacks the scope openid";

    // Ours.

    /// The store could not answer, or it is unknown whether it did. Never a refusal of the grant.
    StoreUnavailable = "store_unavailable", TemporarilyUnavailable, "try again in a moment";
    /// A client has given up as many single tokens as may be remembered at once; some expire soon.
    RevocationsFull = "revocations_full", TemporarilyUnavailable,
        "too many revoked tokens of this client have not expired yet; try again later";
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
