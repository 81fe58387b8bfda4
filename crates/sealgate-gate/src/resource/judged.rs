//! A token whose signature and claims are as they must be, and what is asked of it each time it comes: the
//! one judgement behind [`crate::Gate`] and [`super::ResourceGate`]. Nothing here waits or knows a network.

use sealgate_jose::{DpopExpectation, DpopProof, DpopUrl, Verified};
use sealgate_model::{ActorKind, Timestamp, Uptime};
use sealgate_oauth::{CheckedNonce, DpopGuard};
use sealgate_policy::mapping::Mapping;

use super::claims::{ClaimsMap, Expected};
use super::credential::{Presented, Scheme};
use crate::caller::Caller;
use crate::cookies::Found;
use crate::denial::Denial;
use crate::policy::{self, Loaded, Remembered};

/// How far the time in a proof may be from ours, in seconds, both ways.
const PROOF_LEEWAY: i64 = 60;

/// What does not change about a token while its key is believed.
#[derive(Debug)]
pub(crate) struct Judged {
    /// Who comes with it, as its issuer tells it.
    pub(crate) caller: Caller,
    /// From when on it is good.
    pub(super) from: Timestamp,
    /// The thumbprint of the key that it is bound to.
    pub(super) bound_to: Option<String>,
    /// Whether it is of the control plane whose mapping is applied.
    pub(super) own: bool,
    /// What the mapping has made of its caller.
    pub(super) mapped: Remembered,
}

/// The request that a token came with, as far as a proof is about it.
#[derive(Clone, Copy)]
pub(crate) struct Aim<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: DpopUrl<'a>,
}

/// The time, once for proofs and once for their nonces.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    /// On the clock that all who share the guard's key go by.
    pub(crate) uptime: Uptime,
}

/// A proof that is good, if it was not used before.
#[must_use = "a proof has to be spent before what it proves is believed"]
pub(crate) struct Proven {
    proof: DpopProof,
    nonce: CheckedNonce,
}

impl Judged {
    /// Judges a token that `map`'s issuer signed.
    pub(crate) fn of(
        token: &str,
        verified: &Verified,
        map: &dyn ClaimsMap,
        expected: &Expected<'_>,
    ) -> Result<Self, Denial> {
        let claims = map.read(verified).map_err(|error| {
            tracing::debug!(error, "an access token's claims were refused");
            Denial::TokenInvalid
        })?;
        claims.check(expected)?;
        Ok(claims.judged(token, &verified.kid, expected))
    }

    /// Whether the token may be used now, and in the way it is presented.
    pub(crate) fn present(
        &self,
        presented: &Presented<'_>,
        aim: &Aim<'_>,
        guard: &DpopGuard,
        at: Moment,
    ) -> Result<Option<Proven>, Denial> {
        if at.now < self.from {
            return Err(Denial::TokenEarly);
        }
        if at.now >= self.caller.credential.expires_at {
            return Err(Denial::TokenExpired);
        }
        match (presented.scheme(), &self.bound_to) {
            (Scheme::Bearer, None) => Ok(None),
            (Scheme::Bearer, Some(_)) => Err(Denial::TokenBound),
            (Scheme::Dpop, None) => Err(Denial::TokenUnbound),
            (Scheme::Dpop, Some(jkt)) => prove(presented, jkt, aim, guard, at).map(Some),
        }
    }
}

impl Judged {
    /// The caller that the mapping of `loaded` makes of it.
    ///
    /// # Errors
    /// Where the mapping cannot say what kind of actor it is.
    pub(crate) fn caller_under(&self, loaded: Option<&Loaded>) -> Result<Caller, Denial> {
        let make = |mapping: &Mapping| policy::of_token(mapping, &self.caller, self.own);
        self.mapped.caller(&self.caller, loaded, make)
    }
}

impl Proven {
    /// Spends the proof. It comes once the token is known to stand, so that only the holders of such tokens
    /// take room in the memory. A newer nonce than the proof's, if there is one, is told with the answer
    /// (RFC 9449, 8.2).
    pub(crate) fn spend(self, guard: &DpopGuard, at: Moment) -> Result<Option<String>, Denial> {
        guard.spend(&self.nonce, &self.proof.jkt, &self.proof.jti, at.uptime)?;
        Ok(self.nonce.is_old().then(|| guard.nonce(at.uptime)))
    }
}

/// The proof that whoever presents the token holds the key `jkt` (RFC 9449, 7.1).
fn prove(
    presented: &Presented<'_>,
    jkt: &str,
    aim: &Aim<'_>,
    guard: &DpopGuard,
    at: Moment,
) -> Result<Proven, Denial> {
    let refused = |error: sealgate_jose::JoseError| {
        tracing::debug!(reason = error.code(), "a DPoP proof was refused");
        Denial::from_proof(&error)
    };
    let value = match presented.proof() {
        Found::Nothing => return Err(Denial::ProofMissing),
        Found::Several => return Err(Denial::ProofMalformed),
        Found::One(value) => str::from_utf8(value).map_err(|_| Denial::ProofMalformed)?,
    };
    let proof = DpopProof::read(value).map_err(refused)?;
    if proof.jkt != jkt {
        return Err(Denial::ProofKey);
    }
    // The nonce before the times: a client whose clock is wrong is helped by neither, but one that
    // does not know about nonces yet has to learn that first.
    let nonce = guard.check(proof.nonce.as_deref(), at.uptime)?;
    proof
        .check(&DpopExpectation {
            method: aim.method,
            url: aim.url,
            now: at.now.as_seconds(),
            leeway: PROOF_LEEWAY,
            access_token: Some(presented.token()),
        })
        .map_err(refused)?;
    Ok(Proven { proof, nonce })
}

impl Judged {
    /// About how many bytes it takes up.
    pub(super) fn size(&self) -> usize {
        // Two allocations and their share of a map, and what a mapping makes of the caller, with some air.
        const BASE: usize = 2_048;
        let actor = &self.caller.actor;
        let names = actor.scopes().iter().chain(actor.roles());
        let copies = if actor.human().is_some() && actor.kind() == ActorKind::Agent {
            2
        } else {
            1
        };
        let names: usize = names.map(|name| name.len() + 2 * size_of::<String>()).sum();
        BASE + copies * names + self.caller.credential.size()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::resource::claims::{Subject, TokenClaims};

    /// What is known of `token`, a machine's.
    pub(in crate::resource) fn judged(token: &str) -> Arc<Judged> {
        let claims = TokenClaims {
            issuer: "https://id.example".to_owned(),
            audiences: Vec::new(),
            subject: Subject::Machine {
                id: "batch".to_owned(),
            },
            client: "batch".to_owned(),
            token: None,
            issued_at: Timestamp::from_seconds(0),
            not_before: None,
            expires_at: Timestamp::from_seconds(300),
            session: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            tenant: None,
            grants: Vec::new(),
            acting: Vec::new(),
            bound_to: None,
        };
        let expected = Expected {
            issuer: "https://id.example",
            audiences: &[],
            leeway: Duration::ZERO,
            signs_in: true,
            own: true,
            server: None,
        };
        Arc::new(claims.judged(token, "k", &expected))
    }
}
