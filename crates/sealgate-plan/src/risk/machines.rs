//! What changes of service accounts risk.

use sealgate_model::Grant;

use super::clients::{longer, short};
use super::{Code, Found, missing};
use crate::plan::Around;
use crate::state::Machine;

/// What becoming `after` risks; of one that is offboarded, none.
pub(crate) fn machine(before: Option<&Machine>, after: Option<&Machine>, around: &Around) -> Found {
    let mut found = Found::default();
    let Some(after) = after else {
        found.risk(
            Code::EndsAccess,
            "It is offboarded: its tokens, delegations, keys and unused bootstrap credentials end.",
        );
        found.effect("Its id is never given again.");
        return found;
    };
    let scopes = before.map(|one| &one.scopes[..]);
    let resources = before.map(|one| &one.resources[..]);
    found.wider("scopes", scopes, &after.scopes);
    found.wider("tokens for resources", resources, &after.resources);
    let exchanges = |one: &Machine| {
        let grants = one.grants.as_ref();
        grants.is_some_and(|grants| grants.contains(&Grant::TokenExchange))
    };
    if exchanges(after) && !before.is_some_and(exchanges) {
        found.risk(
            Code::MayAct,
            "It can exchange users' tokens that it is shown for others, and act for those users.",
        );
    }
    let known = before.map_or(&[][..], |one| &one.identities);
    for identity in after.identities.iter().filter(|one| !known.contains(one)) {
        let claims: Vec<String> = identity
            .claims
            .iter()
            .map(|(name, value)| format!("{name} is {value}"))
            .collect();
        let said = format!(
            "Whoever {} vouches for, where {}, is this service account.",
            identity.issuer,
            claims.join(" and ")
        );
        found.risk(Code::IdentityAdded, said);
    }
    let was = before.and_then(|one| one.access_lifetime);
    longer(
        &mut found,
        "Access tokens live",
        was,
        after.access_lifetime,
        around.access,
    );
    match before {
        None => {
            let keyless = after.jwks.is_none() && after.jwks_uri.is_none();
            if keyless && after.identities.is_empty() {
                found.effect(
                    "It has no key yet: sealgate machine bootstrap makes a credential to register one with.",
                );
            }
        }
        Some(before) => changed(&mut found, before, after),
    }
    found
}

/// What becomes of what there is.
fn changed(found: &mut Found, before: &Machine, after: &Machine) {
    if after.expires_at > before.expires_at {
        let said = format!(
            "It goes on until {}, no longer until {}.",
            after.expires_at, before.expires_at
        );
        found.risk(Code::MachineEndLater, said);
    }
    let had = before.grants.as_deref().unwrap_or_default();
    let more = after.grants.iter().flatten();
    // Who vouches for it is told by itself.
    let vouched = before.identities.is_empty() && !after.identities.is_empty();
    let told = |one: Grant| one == Grant::TokenExchange || (vouched && one == Grant::JwtBearer);
    let more: Vec<&str> = more
        .filter(|one| !had.contains(one) && !told(**one))
        .map(|one| short(*one))
        .collect();
    if !more.is_empty() {
        let list = more.join(", ");
        found.risk(
            Code::ScopeWider,
            format!("It can get tokens in one more way: {list}."),
        );
    }
    found.keys(
        (before.jwks.as_ref(), before.jwks_uri.as_ref()),
        (after.jwks.as_ref(), after.jwks_uri.as_ref()),
    );
    if before.require_dpop && !after.require_dpop {
        found.risk(
            Code::AuthenticationWeaker,
            "Its tokens need not be bound to a key: whoever finds one can use it.",
        );
    }
    if before.algorithm != after.algorithm {
        let name = after.algorithm.as_deref().unwrap_or_default();
        found.risk(
            Code::AlgorithmChanged,
            format!("Its tokens are signed with {name}: whoever verifies them must know that."),
        );
    }
    if after.disabled && !before.disabled {
        found.risk(
            Code::EndsAccess,
            "Its tokens are revoked, and it gets no others until it is enabled.",
        );
    }
    if before.disabled && !after.disabled {
        found.risk(Code::Enabled, "It was disabled, and gets tokens again.");
    }
    let keys = |one: &Machine| -> Vec<serde_json::Value> {
        let set = one.jwks.as_ref().and_then(|set| set["keys"].as_array());
        set.cloned().unwrap_or_default()
    };
    let kept = keys(after);
    let proves_otherwise = before.jwks_uri != after.jwks_uri
        || keys(before).iter().any(|key| !kept.contains(key))
        || before
            .identities
            .iter()
            .any(|one| !after.identities.contains(one));
    if proves_otherwise {
        found.risk(
            Code::EndsAccess,
            "One way in which it proved who it is counts no more: everything that it has is revoked.",
        );
    }
    let grants = |one: &Machine| one.grants.clone().unwrap_or_default();
    let fewer = grants(before)
        .iter()
        .any(|one| !grants(after).contains(one));
    if fewer
        || !missing(&before.scopes, &after.scopes).is_empty()
        || !missing(&before.resources, &after.resources).is_empty()
        || (after.require_dpop && !before.require_dpop)
        || after.expires_at < before.expires_at
    {
        found.effect(
            "Access tokens that it has are not believed any more; it gets others by itself.",
        );
    }
}
