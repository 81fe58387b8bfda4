//! Why a request is refused, as codes that stay.

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// There is no credential.
    CredentialMissing,
    /// The cookie is no sealed session of this application: changed, cut, foreign or too old a key.
    CredentialInvalid,
    /// There is more than one.
    CredentialDuplicate,
    /// The cookie is longer than any that is ever written.
    CredentialOversize,
    /// A kind of credential that is not accepted here.
    CredentialUnsupported,
    /// The session's longest life is over.
    SessionExpired,
    /// The session rested too long.
    SessionIdle,
    /// The session, its user, its client or its key is revoked.
    SessionRevoked,
    /// The feed has been silent for longer than the staleness bound.
    FeedStale,
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
    /// The route is marked neither public nor gated, and the settings close such routes.
    RouteUnmarked,
}

impl Denial {
    /// The stable reason code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::CredentialMissing => "credential_missing",
            Self::CredentialInvalid => "credential_invalid",
            Self::CredentialDuplicate => "credential_duplicate",
            Self::CredentialOversize => "credential_oversize",
            Self::CredentialUnsupported => "credential_unsupported",
            Self::SessionExpired => "session_expired",
            Self::SessionIdle => "session_idle",
            Self::SessionRevoked => "session_revoked",
            Self::FeedStale => "feed_stale",
            Self::RenewalRefused => "renewal_refused",
            Self::RenewalUnavailable => "renewal_unavailable",
            Self::ScopeMissing => "scope_missing",
            Self::RoleMissing => "role_missing",
            Self::ActorWrong => "actor_wrong",
            Self::TenantWrong => "tenant_wrong",
            Self::AcrMissing => "acr_missing",
            Self::AuthenticationOld => "authentication_old",
            Self::CrossOrigin => "cross_origin",
            Self::RouteUnmarked => "route_unmarked",
        }
    }

    /// The status code: 401 where signing in helps, 403 where it does not, 503 where waiting does. A
    /// 401 while the control plane is away would make browsers sign in again and again.
    pub const fn status(self) -> u16 {
        match self {
            Self::FeedStale | Self::RenewalUnavailable => 503,
            Self::ScopeMissing
            | Self::RoleMissing
            | Self::ActorWrong
            | Self::TenantWrong
            | Self::CrossOrigin
            | Self::RouteUnmarked => 403,
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

    /// One sentence for the caller. It tells nothing that the caller could not know.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CredentialMissing => "Sign in to use this.",
            Self::CredentialInvalid => "The session is not valid. Sign in again.",
            Self::CredentialDuplicate => "More than one session was presented. Sign in again.",
            Self::CredentialOversize => "The session cookie is too long. Sign in again.",
            Self::CredentialUnsupported => "This kind of credential is not accepted here.",
            Self::SessionExpired => "The session has ended. Sign in again.",
            Self::SessionIdle => "The session was unused for too long. Sign in again.",
            Self::SessionRevoked => "The session was revoked. Sign in again.",
            Self::FeedStale | Self::RenewalUnavailable => {
                "The session cannot be checked right now. Try again in a moment."
            }
            Self::RenewalRefused => "The session could not be renewed. Sign in again.",
            Self::ScopeMissing => "The session lacks a scope that this needs.",
            Self::RoleMissing => "This needs a role that you do not have.",
            Self::ActorWrong => "This is not for this kind of caller.",
            Self::TenantWrong => "This belongs to another organisation.",
            Self::AcrMissing => "This needs a stronger sign-in.",
            Self::AuthenticationOld => "This needs a more recent sign-in.",
            Self::CrossOrigin => "This request came from another site.",
            Self::RouteUnmarked => "This route is closed: it is marked neither public nor gated.",
        }
    }
}
