//! Identities that other issuers vouch for (RFC 7523, 3): what their assertions must say, and which claims
//! make them a machine's. Nothing here verifies a signature.

mod claims;
mod id_jag;
mod rules;
mod scope;
mod spiffe;

pub use claims::{Claimed, LONGEST, VouchedClaims};
pub use id_jag::IdJag;
pub use rules::{
    ClaimRules, IdentityRuleError, check_issuer, check_rules, check_subject, differing, fits,
};
pub use scope::vouched_scopes;
pub use spiffe::{BUNDLE_SCHEME, is_trust_domain, trust_domain_of};

use std::time::Duration;

use sealgate_model::IssuerKind;

/// The type of an identity assertion authorization grant (ID-JAG).
pub const ID_JAG_TYPE: &str = "oauth-id-jag+jwt";

/// What metadata calls the use of such grants (section 7 of the draft).
pub const ID_JAG_PROFILE: &str = "urn:ietf:params:oauth:grant-profile:id-jag";

/// How far the clocks of an issuer and of this server may be apart.
pub(crate) const LEEWAY: Duration = Duration::from_secs(60);

/// For how long an assertion of this kind may be good, and how long ago it may have been made.
///
/// Workloads hand in the token that their platform keeps for them, until it expires: a kubelet replaces the
/// tokens of its pods within a day, and those of CI jobs end with the job. What an enterprise's provider says
/// of a person is made for one request.
pub const fn longest_life(kind: IssuerKind) -> Duration {
    match kind {
        IssuerKind::Github | IssuerKind::Enterprise => Duration::from_secs(3600),
        IssuerKind::Kubernetes | IssuerKind::Gitlab | IssuerKind::Spiffe | IssuerKind::Openid => {
            Duration::from_secs(24 * 3600)
        }
    }
}

/// The types that the header of an assertion of this kind may state.
pub const fn types(kind: IssuerKind) -> &'static [&'static str] {
    match kind {
        IssuerKind::Enterprise => &[ID_JAG_TYPE],
        // JWT-SVID, 2.3.
        IssuerKind::Spiffe => &["JWT", "JOSE"],
        _ => &["JWT"],
    }
}

/// Whether the header may state no type: that of a Kubernetes token has none.
pub const fn is_type_optional(kind: IssuerKind) -> bool {
    !matches!(kind, IssuerKind::Enterprise)
}

/// Whether assertions of this kind may be signed by the algorithm of this JWA name. JWT-SVID (2.1) knows RSA and
/// ECDSA alone.
pub fn may_sign(kind: IssuerKind, algorithm: &str) -> bool {
    match kind {
        IssuerKind::Spiffe => matches!(algorithm, "RS256" | "ES256" | "PS256"),
        _ => true,
    }
}
