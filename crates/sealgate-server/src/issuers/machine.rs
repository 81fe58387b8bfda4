//! Which machine an identity is.

use sealgate_model::Timestamp;
use sealgate_oauth::OAuthError;
use sealgate_oauth::identity::{VouchedClaims, check_rules, differing};
use sealgate_store::{Client, IdentityIssuer, MachineIdentity};

use crate::ControlPlane;
use crate::oauth::refusal::unanswered;
use crate::problem::Problem;

/// How many identities of other issuers a machine may have.
const MOST: usize = 16;

/// A machine that has identities of an issuer, and how near the nearest of them is to this one.
pub(crate) struct Judged {
    /// The machine.
    pub(crate) client: Client,
    /// The claims that do not fit; none: it is this one.
    pub(crate) differing: Vec<String>,
}

impl Judged {
    fn fits(&self) -> bool {
        self.differing.is_empty()
    }
}

/// Every machine that has an identity of `issuer`, held against what the issuer says.
pub(crate) async fn judge(
    plane: &ControlPlane,
    issuer: &IdentityIssuer,
    claims: &VouchedClaims,
) -> Result<Vec<Judged>, OAuthError> {
    let known = plane.store.machines_known_to(&issuer.issuer).await;
    let known = known.map_err(unanswered)?.into_iter();
    let judged = known.filter_map(|client| {
        let all = identities(&client, issuer);
        let nearest = all.map(|identity| difference(identity, issuer, claims));
        let differing = nearest.min_by_key(Vec::len)?;
        Some(Judged { client, differing })
    });
    Ok(judged.collect())
}

/// The one machine among them that the identity is. Those that are disabled or have expired are nobody any more,
/// and do not stand in the way of the one that came after them.
pub(crate) fn the_one(judged: Vec<Judged>, now: Timestamp) -> Result<Client, OAuthError> {
    let fitting = judged.into_iter().filter(Judged::fits);
    let (usable, ended): (Vec<Client>, Vec<Client>) = fitting
        .map(|one| one.client)
        .partition(|client| client.is_usable(now));
    let mut usable = usable.into_iter();
    match (usable.next(), usable.next()) {
        (Some(only), None) => Ok(only),
        (Some(_), Some(_)) => Err(OAuthError::IdentityAmbiguous),
        (None, _) if ended.is_empty() => Err(OAuthError::IdentityUnmatched),
        (None, _) => Err(OAuthError::IdentityMachineEnded),
    }
}

fn identities<'a>(
    client: &'a Client,
    issuer: &'a IdentityIssuer,
) -> impl Iterator<Item = &'a MachineIdentity> {
    let machine = client.details.machine.iter();
    let all = machine.flat_map(|machine| &machine.identities);
    all.filter(|identity| identity.issuer == issuer.issuer)
}

/// The claims of an identity that are not as it has them. Rules that were sound when the issuer was of another kind,
/// or had another trust domain, fit nobody.
fn difference(
    identity: &MachineIdentity,
    issuer: &IdentityIssuer,
    claims: &VouchedClaims,
) -> Vec<String> {
    let domain = issuer.details.trust_domain.as_deref();
    if check_rules(issuer.kind, domain, &identity.claims).is_err() {
        return identity
            .claims
            .keys()
            .cloned()
            .chain([String::new()])
            .collect();
    }
    let differing = differing(&identity.claims, &claims.all);
    differing.into_iter().map(str::to_owned).collect()
}

/// Refuses identities that a machine cannot have: of an issuer that is not registered, or by rules that cannot be
/// read or would take in others.
pub(crate) async fn check_identities(
    plane: &ControlPlane,
    identities: &[MachineIdentity],
) -> Result<(), Problem> {
    if identities.len() > MOST {
        return Err(Problem::unprocessable(
            "machine_identities_too_many",
            "a machine has at most 16 identities of other issuers",
        ));
    }
    for identity in identities {
        let issuer = plane.store.identity_issuer(&identity.issuer).await?;
        let issuer = issuer.ok_or_else(|| {
            Problem::unprocessable(
                "issuer_unknown",
                "an identity is of an issuer that is not registered",
            )
        })?;
        let domain = issuer.details.trust_domain.as_deref();
        check_rules(issuer.kind, domain, &identity.claims)
            .map_err(|error| Problem::unprocessable(error.code(), error.to_string()))?;
    }
    Ok(())
}
