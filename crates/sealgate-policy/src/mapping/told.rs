//! What a credential tells, as the mapping sees it.

use std::collections::BTreeMap;

use sealgate_model::{ActorKind, ClaimValues};
use serde_json::{Map, Value};

use super::Mapping;
use super::condition::Claim;
use super::path::ClaimPath;
use super::rule::Whose;

/// How a credential is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// As a sealed session: the user is at the application itself.
    Session,
    /// As an access token, which a client was granted.
    Token,
}

/// A credential that is verified, as its issuer tells it.
#[derive(Clone, Copy)]
pub struct Told<'a> {
    /// Whose it is.
    pub issuer: &'a str,
    /// Whether that is the control plane that the gate follows.
    pub own: bool,
    /// How it is shown.
    pub shown: Shown,
    /// The kind of actor.
    pub kind: ActorKind,
    /// Whether a user is in it: the actor, or the one for whom an agent acts.
    pub has_user: bool,
    /// The client that it was given to.
    pub client: &'a str,
    /// The organisation.
    pub tenant: Option<&'a str>,
    /// Roles.
    pub roles: &'a [String],
    /// Scopes: what it was granted.
    pub scopes: &'a [String],
    /// Everything else that it says.
    pub claims: &'a dyn Claims,
}

/// Claims by their path.
pub trait Claims {
    /// The claim there, if it is there and not `null`.
    fn claim(&self, path: &ClaimPath) -> Option<Claim<'_>>;
}

/// No claims at all.
pub struct NoClaims;

impl Claims for NoClaims {
    fn claim(&self, _: &ClaimPath) -> Option<Claim<'_>> {
        None
    }
}

impl Claims for Map<String, Value> {
    fn claim(&self, path: &ClaimPath) -> Option<Claim<'_>> {
        path.find(self).map(Claim::Json)
    }
}

/// Claims that were kept from a credential, each under its path as a JSON pointer.
pub type Kept = BTreeMap<String, ClaimValues>;

impl Claims for Kept {
    fn claim(&self, path: &ClaimPath) -> Option<Claim<'_>> {
        self.get(&path.to_string()).map(Claim::Kept)
    }
}

impl Mapping {
    /// What of `claims` of `issuer`'s credential this mapping looks at, so that it can be judged again without
    /// them: of each claim no more than what tells rules apart. `own` says whether it is the control plane's.
    ///
    /// This mapping gives the same by what is kept as by the claims themselves, and no other one gives more.
    pub fn keep(&self, issuer: &str, own: bool, claims: &dyn Claims) -> Kept {
        let mut all = Kept::new();
        let of_issuer = |whose: &Whose| whose.covers(issuer, own);
        let rules = self
            .rules()
            .iter()
            .filter(|rule| rule.when.issuer.iter().any(of_issuer));
        for (path, condition) in rules.flat_map(|rule| rule.when.claims()) {
            let Some(claim) = claims.claim(&path) else {
                continue;
            };
            let pointer = path.to_string();
            let mut kept = all.remove(&pointer);
            condition.keep(claim, &mut kept);
            if let Some(kept) = kept {
                all.insert(pointer, kept);
            }
        }
        all
    }
}

impl Whose {
    /// Whether credentials of `issuer` are among them.
    pub(super) fn covers(&self, issuer: &str, own: bool) -> bool {
        match self {
            Self::Own => own,
            Self::Anybody => true,
            Self::Issuer(named) => named == issuer,
        }
    }
}
