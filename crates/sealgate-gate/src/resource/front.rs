//! Access tokens at the gate of an application: from what stands in the headers to a caller, with the keys
//! that are at hand, or to the work that has to be done first.

use std::sync::Arc;
use std::time::Duration;

use sealgate_jose::{DpopUrl, Verified};
use sealgate_model::{Secret, Uptime};
use sealgate_oauth::DpopGuard;

use super::cache::{KeysMark, TokenCache};
use super::challenge::Challenges;
use super::claims::{ClaimsMap, Expected};
use super::credential::{Presented, Scheme};
use super::judged::{Aim, Judged, Moment, Proven};
use super::mapping;
use super::metadata::Metadata;
use crate::common::Common;
use crate::cookies::Found;
use crate::denial::Denial;
use crate::issuer::{TrustedIssuer, Unverified};
use crate::request::Request;
use crate::requirement::Requirement;
use crate::settings::{Settings, SettingsError};
use crate::stale::Knowledge;
use crate::standing;

/// How far an issuer's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(60);

/// What the keys of nonces are derived for. Every process with the same seal keys has the same one.
const NONCE_PURPOSE: &str = "dpop-nonce";

/// What the gate of an application needs for tokens.
pub(crate) struct Tokens {
    cache: TokenCache,
    dpop: DpopGuard,
    challenges: Challenges,
    metadata: Metadata,
}

/// What is known of a token without asking anybody.
pub(crate) enum Known {
    /// It is one of ours: its signature and its claims are as they must be.
    Judged(Arc<Judged>),
    /// It is not, or that cannot be told now.
    Refused(Denial),
    /// Its issuer has to be asked for keys first: hand it to [`Tokens::ask`].
    Ask,
}

impl Tokens {
    pub(crate) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let key = settings
            .seal_keys
            .macs_for(NONCE_PURPOSE)
            .and_then(|macs| macs.code(b"nonces"))
            .map_err(|error| {
                SettingsError::new("SEALGATE_SEAL_KEYS", format!("cannot be used: {error}"))
            })?;
        let metadata = Metadata::new(settings);
        Ok(Self {
            cache: TokenCache::default(),
            dpop: DpopGuard::shared(&key),
            challenges: Challenges::new("sealgate", Some(metadata.url())),
            metadata,
        })
    }

    pub(crate) const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    pub(crate) const fn challenges(&self) -> &Challenges {
        &self.challenges
    }

    /// The nonce that the next proof may carry.
    pub(crate) fn nonce(&self, common: &Common) -> String {
        self.dpop.nonce(moment(common).uptime)
    }

    /// What is known of the token, for what `requirement` is about. What was verified with keys that are still those of its issuer is not
    /// verified again.
    pub(crate) fn known(
        &self,
        common: &Common,
        presented: &Presented<'_>,
        requirement: &Requirement,
    ) -> Known {
        let server = match requirement {
            Requirement::Mcp(server) => Some(server.audience()),
            _ => None,
        };
        let issuers = common.provider().issuers();
        let hash = TokenCache::hash(presented.token());
        let believed = |index| issuers.get(index)?.keys().generation();
        if let Some(judged) = self.cache.get(&hash, server, believed) {
            return Known::Judged(judged);
        }
        let from = match Source::of(common, presented) {
            Ok(from) => from,
            Err(denial) => return Known::Refused(denial),
        };
        // Read before the keys are: if they change in between, the token is verified once more.
        let generation = from.issuer.keys().generation();
        let verified = match from
            .issuer
            .keys()
            .verify_now(presented.token(), &from.map.expect())
        {
            Ok(verified) => verified,
            Err(Unverified::Ask(_)) => return Known::Ask,
            Err(unverified) => return Known::Refused(refused(&unverified)),
        };
        match from.judge(common, presented.token(), &verified, requirement) {
            Ok(judged) => {
                let judged = Arc::new(judged);
                if let Some(generation) = generation {
                    let keys = KeysMark {
                        issuer: from.index,
                        generation,
                    };
                    self.cache.keep(hash, server, Arc::clone(&judged), keys);
                }
                Known::Judged(judged)
            }
            Err(denial) => Known::Refused(denial),
        }
    }

    /// Asks for the keys of the token's issuer, if that may help, and says what is known then: never
    /// [`Known::Ask`].
    pub(crate) async fn ask(
        &self,
        common: &Common,
        presented: &Presented<'_>,
        requirement: &Requirement,
    ) -> Known {
        let from = match Source::of(common, presented) {
            Ok(from) => from,
            Err(denial) => return Known::Refused(denial),
        };
        let keys = from.issuer.keys();
        match keys.verify(presented.token(), &from.map.expect()).await {
            Err(unverified) => Known::Refused(refused(&unverified)),
            Ok(_) => match self.known(common, presented, requirement) {
                // The keys went away in this very moment.
                Known::Ask => Known::Refused(Denial::KeysUnavailable),
                known => known,
            },
        }
    }

    /// Whether a token that is one of ours may be used now, for this request, by whoever presents it: time,
    /// proof, revocation, in this order. Else how current that is, and the proof, which is to be spent last, so
    /// that only the holders of tokens that stand take room in the memory of proofs.
    pub(crate) fn admit(
        &self,
        common: &Common,
        judged: &Judged,
        presented: &Presented<'_>,
        method: &str,
        path: &str,
    ) -> Result<(Option<Proven>, Knowledge), Denial> {
        let at = moment(common);
        let aim = Aim {
            method,
            url: DpopUrl::Decoded {
                origin: common.settings().base_url.origin(),
                path,
            },
        };
        let proven = judged.present(presented, &aim, &self.dpop, at)?;
        let knowledge = standing::check(common, &judged.caller.credential)?;
        Ok((proven, knowledge))
    }

    /// Spends a proof, if there is one, and gives the newer nonce to be told with the answer, if there is one.
    pub(crate) fn spend(
        &self,
        common: &Common,
        proven: Option<Proven>,
    ) -> Result<Option<String>, Denial> {
        match proven {
            Some(proven) => proven.spend(&self.dpop, moment(common)),
            None => Ok(None),
        }
    }
}

/// The time, with nonces by the wall clock: it is the one that processes share.
fn moment(common: &Common) -> Moment {
    let now = common.now();
    let since_epoch = u64::try_from(now.as_millis()).unwrap_or(0);
    Moment {
        now,
        uptime: Uptime::from_elapsed(Duration::from_millis(since_epoch)),
    }
}

/// The issuer that a token says it is from, and how that one writes tokens.
struct Source<'a> {
    issuer: &'a TrustedIssuer,
    index: usize,
    map: &'static dyn ClaimsMap,
}

impl<'a> Source<'a> {
    fn of(common: &'a Common, presented: &Presented<'_>) -> Result<Self, Denial> {
        if !presented.is_token() {
            return Err(Denial::TokenInvalid);
        }
        let issuers = common.provider().issuers();
        let Some(issuer) = issuers.claimed(presented.token()) else {
            return Err(match sealgate_jose::claimed_issuer(presented.token()) {
                Ok(Some(_)) => Denial::TokenIssuer,
                Ok(None) | Err(_) => Denial::TokenInvalid,
            });
        };
        let index = issuers.iter().position(|one| std::ptr::eq(one, issuer));
        let map = mapping::of(issuer.preset());
        match (index, map) {
            (Some(index), Some(map)) => Ok(Self { issuer, index, map }),
            // What cannot be verified is no access token here.
            _ => Err(Denial::TokenInvalid),
        }
    }

    fn judge(
        &self,
        common: &Common,
        token: &str,
        verified: &Verified,
        requirement: &Requirement,
    ) -> Result<Judged, Denial> {
        let expected = Expected {
            issuer: self.issuer.name(),
            // An MCP server is a resource of its own: neither has tokens that the other takes.
            audiences: match requirement {
                Requirement::Mcp(server) => server.audiences(),
                _ => &common.settings().audiences,
            },
            leeway: LEEWAY,
            signs_in: self.index == 0,
            own: self.index == 0 && self.issuer.preset().has_feed,
            server: match requirement {
                Requirement::Mcp(server) => Some(server.audience()),
                _ => None,
            },
        };
        Judged::of(token, verified, self.map, &expected)
    }
}

fn refused(unverified: &Unverified) -> Denial {
    match unverified {
        Unverified::Refused(error) => {
            tracing::debug!(%error, "an access token was refused");
            Denial::TokenInvalid
        }
        Unverified::Ask(_) | Unverified::Unavailable(_) => Denial::KeysUnavailable,
    }
}

/// A token that waits for what has to be asked, out of its request.
pub(crate) struct Waiting {
    scheme: Scheme,
    token: Secret,
    /// Two stand for more.
    proofs: Vec<Vec<u8>>,
    method: String,
    path: String,
}

impl Waiting {
    pub(crate) fn new(presented: &Presented<'_>, request: &Request<'_>) -> Self {
        Self {
            scheme: presented.scheme(),
            token: Secret::new(presented.token()),
            proofs: match presented.proof() {
                Found::Nothing => Vec::new(),
                Found::One(proof) => vec![proof.to_vec()],
                Found::Several => vec![Vec::new(), Vec::new()],
            },
            method: request.method.to_owned(),
            path: request.path.to_owned(),
        }
    }

    pub(crate) fn presented(&self) -> Result<Presented<'_>, Denial> {
        let proof = match self.proofs.as_slice() {
            [] => Found::Nothing,
            [proof] => Found::One(proof),
            _ => Found::Several,
        };
        Presented::new(self.scheme, self.token.expose().as_bytes(), proof)
    }

    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}
