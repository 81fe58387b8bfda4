//! Access tokens (RFC 9068, RFC 6750, RFC 9449), judged where they are used, without asking anybody.
//!
//! There is one judgement, in `judged`, and two fronts. [`crate::Gate`] takes tokens beside sessions, with the
//! keys that it follows. [`ResourceGate`] takes tokens alone, with keys and revocations that it is handed:
//! [`ResourceGate::check`] takes what a request says of itself and what the route needs, and gives the caller
//! or a denial that is an answer already. The crate `sealgate-tower` has a layer that does that.

mod cache;
mod challenge;
mod claims;
mod credential;
mod denial;
mod foreign;
mod front;
mod judged;
mod mapping;
mod metadata;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use sealgate_jose::DpopUrl;
use sealgate_model::Clock;
use sealgate_oauth::DpopGuard;
use sealgate_policy::mapping::Mapping;

pub use credential::ResourceRequest;
pub use denial::TokenDenial;
pub use trust::{Standing, TokenKeys, TokenRevocations, VerifyError};

pub(crate) use challenge::{Came, Challenges};
pub(crate) use credential::{Presented, Scheme};
pub(crate) use front::{Known, Tokens, Waiting};
pub(crate) use judged::{Judged, Proven};
pub(crate) use metadata::{Metadata, is_metadata};

use crate::caller::Caller;
use crate::denial::Denial;
use crate::policy;
use crate::requirement::Need;
use claims::{ClaimsMap as _, Expected};
use judged::{Aim, Moment};
use mapping::Sealgate;

/// What a resource server knows of itself and of its issuer.
#[derive(Debug, Clone)]
pub struct ResourceSettings {
    /// Whose tokens are taken; compared byte for byte.
    pub issuer: String,
    /// What a token must be made for: this resource's identifier (RFC 8707).
    pub audience: String,
    /// Where this resource's metadata is (RFC 9728), if anywhere.
    pub metadata: Option<String>,
    /// The protection space named in challenges (RFC 9110, 11.5).
    pub realm: String,
    /// How far the issuer's clock may be from ours: nothing where both are one, else a minute.
    pub leeway: Duration,
}

/// The gate of one resource.
pub struct ResourceGate {
    settings: ResourceSettings,
    challenges: Challenges,
    keys: Arc<dyn TokenKeys>,
    revocations: Arc<dyn TokenRevocations>,
    clock: Arc<dyn Clock>,
    dpop: Arc<DpopGuard>,
    mapping: Option<Mapping>,
}

/// A request whose token is good and enough.
#[derive(Debug, Clone)]
pub struct Admitted {
    /// Who makes it.
    pub caller: Caller,
    /// A newer nonce than the one that the caller's proof carried, to be sent along as `DPoP-Nonce`
    /// (RFC 9449, 8.2).
    pub fresh_nonce: Option<String>,
}

impl ResourceGate {
    /// The gate for `settings`. `dpop` may be shared with other endpoints of the process.
    pub fn new(
        settings: ResourceSettings,
        keys: Arc<dyn TokenKeys>,
        revocations: Arc<dyn TokenRevocations>,
        clock: Arc<dyn Clock>,
        dpop: Arc<DpopGuard>,
    ) -> Self {
        Self {
            challenges: Challenges::new(&settings.realm, settings.metadata.as_deref()),
            settings,
            keys,
            revocations,
            clock,
            dpop,
            mapping: None,
        }
    }

    /// The same gate, with `mapping` to say which roles and scopes count. The issuer is the control plane whose
    /// mapping it is.
    #[must_use]
    pub fn with_mapping(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping).filter(|mapping| !mapping.is_empty());
        self
    }

    /// Who makes `request`, if they may: the token is the issuer's, for this resource, alive, not revoked,
    /// presented by whoever it is bound to, and enough for `need`.
    pub async fn check(
        &self,
        request: &ResourceRequest<'_>,
        need: &Need,
    ) -> Result<Admitted, TokenDenial> {
        let (came, judged) = match Presented::read(request) {
            Ok(presented) => (
                Came::Token(presented.scheme()),
                self.judge(request, &presented, need).await,
            ),
            Err(denial) => (Came::Unclear, Err(denial)),
        };
        judged.map_err(|denial| TokenDenial {
            denial,
            challenges: self.challenges.answer(denial, came, need),
            nonce: (denial.status() == 401).then(|| self.dpop.nonce(self.clock.uptime())),
        })
    }

    /// The order matters. What is cheap comes before what costs a signature; a revocation that is known
    /// counts before anything is said of scopes; and a proof is spent once the token is known to stand.
    async fn judge(
        &self,
        request: &ResourceRequest<'_>,
        presented: &Presented<'_>,
        need: &Need,
    ) -> Result<Admitted, Denial> {
        if !presented.is_token() {
            return Err(Denial::TokenInvalid);
        }
        let token = presented.token();
        let types = Sealgate.expect().types;
        let verified = self.keys.verify(token, types).await.map_err(|error| {
            tracing::debug!(%error, "an access token was refused");
            match error {
                VerifyError::Refused(_) => Denial::TokenInvalid,
                VerifyError::Unavailable => Denial::KeysUnavailable,
            }
        })?;
        let expected = Expected {
            issuer: &self.settings.issuer,
            audiences: std::slice::from_ref(&self.settings.audience),
            leeway: self.settings.leeway,
            signs_in: true,
            own: true,
            server: None,
        };
        let judged = Judged::of(token, &verified, &Sealgate, &expected)?;
        let at = Moment {
            now: self.clock.now(),
            uptime: self.clock.uptime(),
        };
        let aim = Aim {
            method: request.method,
            url: DpopUrl::Written(request.url),
        };
        let proven = judged.present(presented, &aim, &self.dpop, at)?;
        let told = judged.caller;
        match self.standing(&told).await {
            Standing::Good => {}
            Standing::Revoked => return Err(Denial::TokenRevoked),
            Standing::Outdated => return Err(Denial::TokenOutdated),
            Standing::Unknown => return Err(Denial::FeedStale),
        }
        let fresh_nonce = match proven {
            Some(proven) => proven.spend(&self.dpop, at)?,
            None => None,
        };
        let caller = match &self.mapping {
            Some(mapping) => policy::of_token(mapping, &told, true)?,
            None => told,
        };
        match need.refuses(&caller.actor, at.now) {
            Some(denial) => Err(denial),
            None => Ok(Admitted {
                caller,
                fresh_nonce,
            }),
        }
    }

    /// The least that is said of anything that the caller's token stands on.
    async fn standing(&self, caller: &Caller) -> Standing {
        let mut standing = Standing::Good;
        for ground in caller.credential.grounds() {
            standing = standing.max(self.revocations.check(&ground).await);
        }
        standing
    }
}
