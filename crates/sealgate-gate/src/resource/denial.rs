//! Why a request with an access token is refused, as codes that stay, and the answer that says so.

use sealgate_jose::JoseError;

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// There is no access token in a header.
    CredentialMissing,
    /// There is more than one `Authorization` header.
    CredentialDuplicate,
    /// The credential is longer than any that is taken.
    CredentialOversize,
    /// The credential is of a scheme that is not taken here.
    CredentialUnsupported,
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
    /// A scope is missing.
    ScopeMissing,
    /// A role is missing.
    RoleMissing,
    /// This is not for that kind of actor.
    ActorWrong,
    /// The user did not prove who they are in a way that is good enough here.
    AcrMissing,
    /// The user proved who they are too long ago.
    AuthenticationOld,
    /// Whether the token is revoked cannot be told right now.
    FeedStale,
    /// The issuer's keys cannot be had.
    KeysUnavailable,
}

impl TokenRefusal {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CredentialMissing => "credential_missing",
            Self::CredentialDuplicate => "credential_duplicate",
            Self::CredentialOversize => "credential_oversize",
            Self::CredentialUnsupported => "credential_unsupported",
            Self::TokenInvalid => "token_invalid",
            Self::TokenIssuer => "token_issuer_wrong",
            Self::TokenAudience => "token_audience_wrong",
            Self::TokenEarly => "token_not_yet_valid",
            Self::TokenExpired => "token_expired",
            Self::TokenRevoked => "token_revoked",
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
            Self::ScopeMissing => "scope_missing",
            Self::RoleMissing => "role_missing",
            Self::ActorWrong => "actor_wrong",
            Self::AcrMissing => "acr_missing",
            Self::AuthenticationOld => "authentication_old",
            Self::FeedStale => "feed_stale",
            Self::KeysUnavailable => "keys_unavailable",
        }
    }

    /// The status: 400 where the request cannot be understood (RFC 6750, 3.1), 401 where another token
    /// helps, 403 where it does not, 503 where waiting does. A 401 while something is away would make
    /// clients throw good tokens away.
    pub const fn status(self) -> u16 {
        match self {
            Self::CredentialDuplicate => 400,
            Self::ScopeMissing | Self::RoleMissing | Self::ActorWrong => 403,
            Self::DpopBusy | Self::FeedStale | Self::KeysUnavailable => 503,
            _ => 401,
        }
    }

    /// The `error` of RFC 6750 (3.1), RFC 9449 (7.1 and 9) or RFC 9470 (3); none where no token was seen,
    /// and where the token is not the reason.
    pub const fn error(self) -> Option<&'static str> {
        Some(match self {
            Self::CredentialDuplicate => "invalid_request",
            Self::CredentialOversize
            | Self::TokenInvalid
            | Self::TokenIssuer
            | Self::TokenAudience
            | Self::TokenEarly
            | Self::TokenExpired
            | Self::TokenRevoked
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
            Self::CredentialMissing
            | Self::CredentialUnsupported
            | Self::RoleMissing
            | Self::ActorWrong
            | Self::DpopBusy
            | Self::FeedStale
            | Self::KeysUnavailable => return None,
        })
    }

    /// One sentence for the caller. It tells nothing that the caller could not know.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CredentialMissing => "An access token is needed here.",
            Self::CredentialDuplicate => "More than one credential was presented.",
            Self::CredentialOversize => "The credential is too long.",
            Self::CredentialUnsupported => "This kind of credential is not accepted here.",
            Self::TokenInvalid => "The access token is not valid.",
            Self::TokenIssuer => "The access token is of another issuer.",
            Self::TokenAudience => "The access token was made for another resource.",
            Self::TokenEarly => "The access token is not valid yet.",
            Self::TokenExpired => "The access token has expired.",
            Self::TokenRevoked => "The access token is revoked.",
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
            Self::ScopeMissing => "The access token lacks a scope that this needs.",
            Self::RoleMissing => "This needs a role that you do not have.",
            Self::ActorWrong => "This is not for this kind of caller.",
            Self::AcrMissing => "This needs a stronger sign-in.",
            Self::AuthenticationOld => "This needs a more recent sign-in.",
            Self::FeedStale | Self::KeysUnavailable => {
                "The access token cannot be checked right now. Try again in a moment."
            }
        }
    }

    /// What a proof that could not be read or is for something else is refused as. Which rule it broke is
    /// for the log.
    pub(super) const fn from_proof(error: &JoseError) -> Self {
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

/// A denial, with everything its answer needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenDenial {
    pub(super) refusal: TokenRefusal,
    pub(super) challenges: Vec<String>,
    pub(super) nonce: Option<String>,
}

impl TokenDenial {
    /// Why.
    pub const fn refusal(&self) -> TokenRefusal {
        self.refusal
    }

    /// The stable reason code.
    pub const fn reason(&self) -> &'static str {
        self.refusal.code()
    }

    /// The status code: 400, 401, 403 or 503.
    pub const fn status(&self) -> u16 {
        self.refusal.status()
    }

    /// The values of `WWW-Authenticate`, each for a header of its own.
    pub fn challenges(&self) -> &[String] {
        &self.challenges
    }

    /// The value of `DPoP-Nonce`, with every 401.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// The value of `Retry-After`, in seconds, with every 503.
    pub const fn retry_after(&self) -> Option<u32> {
        match self.status() {
            503 => Some(2),
            _ => None,
        }
    }

    /// Every header of the answer that is not about its body: names in lower case, and values.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let challenges = self.challenges.iter().cloned();
        let mut headers: Vec<_> = challenges
            .map(|challenge| ("www-authenticate", challenge))
            .collect();
        headers.push(("cache-control", "no-store".to_owned()));
        headers.extend(self.nonce.clone().map(|nonce| ("dpop-nonce", nonce)));
        let retry_after = self.retry_after();
        headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
        headers
    }

    /// The answer's body, `application/problem+json` (RFC 9457).
    pub fn problem(&self) -> serde_json::Value {
        serde_json::json!({
            "type": "about:blank",
            "title": match self.status() {
                400 => "Bad Request",
                401 => "Unauthorized",
                403 => "Forbidden",
                _ => "Service Unavailable",
            },
            "status": self.status(),
            "reason": self.reason(),
            "detail": self.refusal.title(),
        })
    }
}
