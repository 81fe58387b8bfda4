//! The gate of a resource server: bearer and DPoP-bound access tokens (RFC 9068, RFC 6750, RFC 9449),
//! judged where they are used, without asking anybody.
//!
//! [`ResourceGate::check`] takes what a request says of itself and what the route needs, and gives the
//! actor or a denial that is an answer already. [`ResourceLayer`] does that in front of a tower service.

mod actor;
mod challenge;
mod claims;
mod credential;
mod denial;
mod layer;
mod requirement;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use sealgate_jose::{DpopExpectation, DpopProof};
use sealgate_model::{Clock, Timestamp};
use sealgate_oauth::{CheckedNonce, DpopGuard, DpopRefusal};

pub use actor::{TokenActor, TokenCaller, TokenUser};
pub use credential::ResourceRequest;
pub use denial::{TokenDenial, TokenRefusal};
pub use layer::{ResourceLayer, ResourceService, RouteNeed};
pub use requirement::TokenRequirement;
pub use trust::{Standing, TokenKeys, TokenRevocations, VerifyError};

use challenge::Challenges;
use claims::{Claims, Expected};
use credential::{Presented, Scheme};

/// The type of access tokens (RFC 9068, 2.1). No other token of the issuer's is taken for one.
const TOKEN_TYPE: &[&str] = &["at+jwt"];

/// How far the time in a proof may be from ours, in seconds, both ways.
const PROOF_LEEWAY: i64 = 60;

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
            challenges: Challenges::new(&settings),
            settings,
            keys,
            revocations,
            clock,
            dpop,
        }
    }

    /// Who makes `request`, if they may: the token is the issuer's, for this resource, alive, not revoked,
    /// presented by whoever it is bound to, and enough for `need`.
    pub async fn check(
        &self,
        request: &ResourceRequest<'_>,
        need: &TokenRequirement,
    ) -> Result<TokenActor, TokenDenial> {
        let (scheme, judged) = match Presented::read(request) {
            Ok(presented) => (
                Some(presented.scheme()),
                self.judge(request, &presented, need).await,
            ),
            Err(refusal) => (None, Err(refusal)),
        };
        judged.map_err(|refusal| {
            let nonce = self.dpop.nonce(self.clock.uptime());
            self.challenges.denial(refusal, scheme, need, nonce)
        })
    }

    /// The order matters. What is cheap comes before what costs a signature; a revocation that is known
    /// counts before anything is said of scopes; and a proof is spent once the token is known to be good,
    /// so that only the holders of such tokens take room in the memory.
    async fn judge(
        &self,
        request: &ResourceRequest<'_>,
        presented: &Presented<'_>,
        need: &TokenRequirement,
    ) -> Result<TokenActor, TokenRefusal> {
        let token = presented.token();
        let verified = self.keys.verify(token, TOKEN_TYPE).await.map_err(|error| {
            tracing::debug!(%error, "an access token was refused");
            match error {
                VerifyError::Refused(_) => TokenRefusal::TokenInvalid,
                VerifyError::Unavailable => TokenRefusal::KeysUnavailable,
            }
        })?;
        let claims = Claims::read(&verified).map_err(|error| {
            tracing::debug!(error, "an access token's claims were refused");
            TokenRefusal::TokenInvalid
        })?;
        let now = self.clock.now();
        claims.check(&Expected {
            issuer: &self.settings.issuer,
            audience: &self.settings.audience,
            leeway: self.settings.leeway,
            now,
        })?;
        let proof = match (presented.scheme(), claims.bound_to()) {
            (Scheme::Bearer, None) => None,
            (Scheme::Bearer, Some(_)) => return Err(TokenRefusal::TokenBound),
            (Scheme::Dpop, None) => return Err(TokenRefusal::TokenUnbound),
            (Scheme::Dpop, Some(jkt)) => Some(self.prove(request, presented, jkt, now)?),
        };
        match self
            .revocations
            .check(&claims.credential(&verified.kid))
            .await
        {
            Standing::Good => {}
            Standing::Revoked => return Err(TokenRefusal::TokenRevoked),
            Standing::Unknown => return Err(TokenRefusal::FeedStale),
        }
        let mut actor = claims.into_actor();
        if let Some((proof, nonce)) = proof {
            let uptime = self.clock.uptime();
            self.dpop.spend(&nonce, &proof.jkt, &proof.jti, uptime)?;
            actor.fresh_nonce = nonce.is_old().then(|| self.dpop.nonce(uptime));
        }
        match need.refuses(&actor, now) {
            Some(refusal) => Err(refusal),
            None => Ok(actor),
        }
    }

    /// The proof that whoever presents the token holds the key `jkt` (RFC 9449, 7.1).
    fn prove(
        &self,
        request: &ResourceRequest<'_>,
        presented: &Presented<'_>,
        jkt: &str,
        now: Timestamp,
    ) -> Result<(DpopProof, CheckedNonce), TokenRefusal> {
        let refused = |error: sealgate_jose::JoseError| {
            tracing::debug!(reason = error.code(), "a DPoP proof was refused");
            TokenRefusal::from_proof(&error)
        };
        let value = presented.proof().ok_or(TokenRefusal::ProofMissing)?;
        let proof = DpopProof::read(value).map_err(refused)?;
        if proof.jkt != jkt {
            return Err(TokenRefusal::ProofKey);
        }
        // The nonce before the times: a client whose clock is wrong is helped by neither, but one that
        // does not know about nonces yet has to learn that first.
        let nonce = self
            .dpop
            .check(proof.nonce.as_deref(), self.clock.uptime())?;
        proof
            .check(&DpopExpectation {
                method: request.method,
                url: request.url,
                now: now.as_seconds(),
                leeway: PROOF_LEEWAY,
                access_token: Some(presented.token()),
            })
            .map_err(refused)?;
        Ok((proof, nonce))
    }
}

impl From<DpopRefusal> for TokenRefusal {
    fn from(refusal: DpopRefusal) -> Self {
        match refusal {
            DpopRefusal::NonceRequired => Self::NonceRequired,
            DpopRefusal::Reused => Self::ProofReused,
            DpopRefusal::Busy => Self::DpopBusy,
        }
    }
}
