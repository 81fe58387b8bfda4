//! Why a request is refused, as codes that stay: one list for sessions and tokens.

use sealgate_jose::JoseError;
use sealgate_oauth::DpopRefusal;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// There is no credential.
    CredentialMissing,
    /// The cookie is no sealed session of this application: changed, cut, foreign or too old a key.
    CredentialInvalid,
    /// There is more than one session cookie.
    CredentialDuplicate,
    /// There are credentials of two kinds, or two `Authorization` headers.
    CredentialSeveral,
    /// The credential is longer than any that is taken.
    CredentialOversize,
    /// A kind of credential that is not accepted here.
    CredentialUnsupported,
    /// The session's longest life is over.
    SessionExpired,
    /// The session rested too long.
    SessionIdle,
    /// The session, its user, its client or its key is revoked.
    SessionRevoked,
    /// What the session says of its user or its client has changed, and it was not renewed since.
    SessionOutdated,
    /// The token is not one of the issuer's access tokens: malformed, changed, or another kind of token.
    TokenInvalid,
    /// The token is of another issuer.
    TokenIssuer,
    /// The token was made for another resource.
    TokenAudience,
    /// The token is not good yet.
    TokenEarly,
    /// The token is too old.
    TokenExpired,
    /// The token, its session, its user, its client or its key is revoked.
    TokenRevoked,
    /// What the token says of its user or a client has changed since.
    TokenOutdated,
    /// The token is bound to a key, and was presented as a bearer token (RFC 9449, 7.2).
    TokenBound,
    /// The token is bound to no key, and was presented as if it were (RFC 9449, 7.1).
    TokenUnbound,
    /// There is no DPoP proof.
    ProofMissing,
    /// The proof is not a proof, or there is more than one.
    ProofMalformed,
    /// The proof's signature does not hold.
    ProofSignature,
    /// The proof is for another method, URL or token.
    ProofMisdirected,
    /// The proof was not made just now.
    ProofExpired,
    /// The proof was used before.
    ProofReused,
    /// The proof is by another key than the one the token is bound to.
    ProofKey,
    /// The proof carries no current nonce.
    NonceRequired,
    /// More proofs were used in the last minute than can be remembered.
    DpopBusy,
    /// The issuer's keys cannot be had.
    KeysUnavailable,
    /// The feed has been silent for longer than the staleness bound.
    FeedStale,
    /// Another bundle of policies counts than the one at hand, and it cannot be had.
    PolicyStale,
    /// The bundle of policies that counts is one that this gate cannot decide by.
    PolicyUnusable,
    /// Rules of the mapping say that the actor is of two kinds, or of one that it cannot be.
    ActorContradictory,
    /// Only rules of the mapping say what kind of actor it is, and none does.
    ActorUnmapped,
    /// The policies do not permit it, or one of them forbids it.
    PolicyDenied,
    /// Policies are asked for, and none were ever loaded.
    PolicyMissing,
    /// The policies know no such action.
    PolicyActionUnknown,
    /// A policy could not be evaluated.
    PolicyFailed,
    /// The control plane refused to renew the session.
    RenewalRefused,
    /// The control plane could not be asked to renew the session.
    RenewalUnavailable,
    /// A scope is missing.
    ScopeMissing,
    /// A role is missing.
    RoleMissing,
    /// This is not for that kind of actor.
    ActorWrong,
    /// The actor belongs to another organisation.
    TenantWrong,
    /// The user did not prove who they are in a way that is good enough here.
    AcrMissing,
    /// The user proved who they are too long ago.
    AuthenticationOld,
    /// A state-changing request came from another origin.
    CrossOrigin,
    /// A state-changing request says nothing of where it comes from, and shows no token.
    CsrfTokenMissing,
    /// Nor does it, and its token is not of this session.
    CsrfTokenWrong,
    /// The route is marked neither public nor gated, and the settings close such routes.
    RouteUnmarked,
    /// The route is not as it was reviewed: the lock file of routes does not have it, or has it with more asked.
    RouteUnreviewed,
}

impl Denial {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CredentialMissing => "credential_missing",
            Self::CredentialInvalid => "credential_invalid",
            Self::CredentialDuplicate | Self::CredentialSeveral => "credential_duplicate",
            Self::CredentialOversize => "credential_oversize",
            Self::CredentialUnsupported => "credential_unsupported",
            Self::SessionExpired => "session_expired",
            Self::SessionIdle => "session_idle",
            Self::SessionRevoked => "session_revoked",
            Self::SessionOutdated => "session_outdated",
            Self::TokenInvalid => "token_invalid",
            Self::TokenIssuer => "token_issuer_wrong",
            Self::TokenAudience => "token_audience_wrong",
            Self::TokenEarly => "token_not_yet_valid",
            Self::TokenExpired => "token_expired",
            Self::TokenRevoked => "token_revoked",
            Self::TokenOutdated => "token_outdated",
            Self::TokenBound => "token_bound",
            Self::TokenUnbound => "token_unbound",
            Self::ProofMissing => "dpop_proof_missing",
            Self::ProofMalformed => "dpop_proof_malformed",
            Self::ProofSignature => "dpop_proof_signature",
            Self::ProofMisdirected => "dpop_proof_misdirected",
            Self::ProofExpired => "dpop_proof_expired",
            Self::ProofReused => "dpop_proof_reused",
            Self::ProofKey => "dpop_key_mismatch",
            Self::NonceRequired => "dpop_nonce_required",
            Self::DpopBusy => "dpop_busy",
            Self::KeysUnavailable => "keys_unavailable",
            Self::FeedStale => "feed_stale",
            Self::PolicyStale => "policy_stale",
            Self::PolicyUnusable => "policy_unusable",
            Self::ActorContradictory => "actor_contradictory",
            Self::ActorUnmapped => "actor_unmapped",
            Self::PolicyDenied => "policy_denied",
            Self::PolicyMissing => "policy_missing",
            Self::PolicyActionUnknown => "policy_action_unknown",
            Self::PolicyFailed => "policy_failed",
            Self::RenewalRefused => "renewal_refused",
            Self::RenewalUnavailable => "renewal_unavailable",
            Self::ScopeMissing => "scope_missing",
            Self::RoleMissing => "role_missing",
            Self::ActorWrong => "actor_wrong",
            Self::TenantWrong => "tenant_wrong",
            Self::AcrMissing => "acr_missing",
            Self::AuthenticationOld => "authentication_old",
            Self::CrossOrigin => "cross_origin",
            Self::CsrfTokenMissing => "csrf_token_missing",
            Self::CsrfTokenWrong => "csrf_token_wrong",
            Self::RouteUnmarked => "route_unmarked",
            Self::RouteUnreviewed => "route_unreviewed",
        }
    }

    /// The status code: 400 where the request cannot be understood (RFC 6750, 3.1), 401 where signing in or
    /// another token helps, 403 where it does not, 503 where waiting does, 500 where the application has to be
    /// mended. A 401 while something is away
    /// would make browsers sign in again and again, and clients throw good tokens away.
    pub const fn status(self) -> u16 {
        match self {
            Self::CredentialSeveral => 400,
            Self::FeedStale
            | Self::PolicyStale
            | Self::PolicyUnusable
            | Self::RenewalUnavailable
            | Self::DpopBusy
            | Self::KeysUnavailable => 503,
            Self::ScopeMissing
            | Self::RoleMissing
            | Self::ActorWrong
            | Self::ActorContradictory
            | Self::ActorUnmapped
            | Self::TenantWrong
            | Self::PolicyDenied
            | Self::PolicyMissing
            | Self::PolicyActionUnknown
            | Self::PolicyFailed
            | Self::CrossOrigin
            | Self::CsrfTokenMissing
            | Self::CsrfTokenWrong
            | Self::RouteUnmarked => 403,
            Self::RouteUnreviewed => 500,
            _ => 401,
        }
    }

    /// Whether signing in again is the way out. Where the same request would be refused again, a
    /// redirect to sign-in would never end.
    pub(crate) const fn is_mended_by_sign_in(self) -> bool {
        self.status() == 401
            && !matches!(
                self,
                Self::CredentialUnsupported | Self::CredentialDuplicate
            )
    }

    /// Whether nobody is signed in, rather than somebody who may not. Where nobody is fine too, these refuse
    /// nothing.
    pub(crate) const fn is_nobody(self) -> bool {
        matches!(
            self,
            Self::CredentialMissing
                | Self::CredentialInvalid
                | Self::CredentialOversize
                | Self::SessionExpired
                | Self::SessionIdle
                | Self::SessionRevoked
                | Self::SessionOutdated
                | Self::FeedStale
                | Self::PolicyStale
                | Self::PolicyUnusable
                | Self::RenewalRefused
                | Self::RenewalUnavailable
        )
    }

    /// One sentence for the caller. It tells nothing that the caller could not know.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CredentialMissing => "Sign in to use this.",
            Self::CredentialInvalid => "The session is not valid. Sign in again.",
            Self::CredentialDuplicate => "More than one session was presented. Sign in again.",
            Self::CredentialSeveral => "More than one credential was presented.",
            Self::CredentialOversize => "The credential is too long.",
            Self::CredentialUnsupported => "This kind of credential is not accepted here.",
            Self::SessionExpired => "The session has ended. Sign in again.",
            Self::SessionIdle => "The session was unused for too long. Sign in again.",
            Self::SessionRevoked => "The session was revoked. Sign in again.",
            Self::SessionOutdated => "What you may do has changed. Sign in again.",
            Self::TokenInvalid => "The access token is not valid.",
            Self::TokenIssuer => "The access token is of another issuer.",
            Self::TokenAudience => "The access token was made for another resource.",
            Self::TokenEarly => "The access token is not valid yet.",
            Self::TokenExpired => "The access token has expired.",
            Self::TokenRevoked => "The access token is revoked.",
            Self::TokenOutdated => "What the access token says has changed. Ask for another.",
            Self::TokenBound => "The access token is bound to a key and needs a DPoP proof.",
            Self::TokenUnbound => "The access token is bound to no key: present it as Bearer.",
            Self::ProofMissing => "A DPoP proof is missing.",
            Self::ProofMalformed => "The DPoP proof is not well formed.",
            Self::ProofSignature => "The signature of the DPoP proof is not valid.",
            Self::ProofMisdirected => "The DPoP proof is not for this request.",
            Self::ProofExpired => "The DPoP proof was not made just now.",
            Self::ProofReused => "The DPoP proof was used before.",
            Self::ProofKey => "The DPoP proof is by another key than the access token's.",
            Self::NonceRequired => "Use the nonce in the DPoP-Nonce header.",
            Self::DpopBusy => "Too many requests at once. Try again in a moment.",
            Self::KeysUnavailable
            | Self::FeedStale
            | Self::PolicyStale
            | Self::PolicyUnusable
            | Self::RenewalUnavailable => {
                "This cannot be checked right now. Try again in a moment."
            }
            Self::ActorContradictory | Self::ActorUnmapped => {
                "It cannot be told what kind of caller this is."
            }
            Self::PolicyDenied
            | Self::PolicyMissing
            | Self::PolicyActionUnknown
            | Self::PolicyFailed => "You are not allowed to do this.",
            Self::RenewalRefused => "The session could not be renewed. Sign in again.",
            Self::ScopeMissing => "This needs a scope that was not granted.",
            Self::RoleMissing => "This needs a role that you do not have.",
            Self::ActorWrong => "This is not for this kind of caller.",
            Self::TenantWrong => "This belongs to another organisation.",
            Self::AcrMissing => "This needs a stronger sign-in.",
            Self::AuthenticationOld => "This needs a more recent sign-in.",
            Self::CrossOrigin => "This request came from another site.",
            Self::CsrfTokenMissing => {
                "This request does not say where it comes from. Send `Origin`, or the page's token."
            }
            Self::CsrfTokenWrong => {
                "The page's token is not of this session. Load the page again and repeat."
            }
            Self::RouteUnmarked => "This route is closed: it is marked neither public nor gated.",
            Self::RouteUnreviewed => "This route is closed: it was not reviewed as it is now.",
        }
    }

    /// The `error` of a challenge (RFC 6750, 3.1; RFC 9449, 7.1 and 9; RFC 9470, 3); none where no credential
    /// was seen, and where it is not the reason.
    pub const fn error(self) -> Option<&'static str> {
        Some(match self {
            Self::CredentialSeveral => "invalid_request",
            Self::CredentialOversize
            | Self::TokenInvalid
            | Self::TokenIssuer
            | Self::TokenAudience
            | Self::TokenEarly
            | Self::TokenExpired
            | Self::TokenRevoked
            | Self::TokenOutdated
            | Self::TokenBound
            | Self::TokenUnbound => "invalid_token",
            Self::ProofMissing
            | Self::ProofMalformed
            | Self::ProofSignature
            | Self::ProofMisdirected
            | Self::ProofExpired
            | Self::ProofReused
            | Self::ProofKey => "invalid_dpop_proof",
            Self::NonceRequired => "use_dpop_nonce",
            Self::ScopeMissing => "insufficient_scope",
            Self::AcrMissing | Self::AuthenticationOld => "insufficient_user_authentication",
            _ => return None,
        })
    }

    /// What a proof that could not be read or is for something else is refused as. Which rule it broke is
    /// for the log.
    pub(crate) const fn from_proof(error: &JoseError) -> Self {
        match error {
            JoseError::BadSignature => Self::ProofSignature,
            JoseError::WrongMethod | JoseError::WrongUrl | JoseError::WrongAccessToken => {
                Self::ProofMisdirected
            }
            JoseError::WrongTime => Self::ProofExpired,
            _ => Self::ProofMalformed,
        }
    }
}

impl From<DpopRefusal> for Denial {
    fn from(refusal: DpopRefusal) -> Self {
        match refusal {
            DpopRefusal::NonceRequired => Self::NonceRequired,
            DpopRefusal::Reused => Self::ProofReused,
            DpopRefusal::Busy => Self::DpopBusy,
        }
    }
}
