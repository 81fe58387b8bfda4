//! What changes of clients risk.

use sealgate_model::Grant;

use super::{Code, Found, missing};
use crate::plan::Around;
use crate::state::{Authentication, Client, ClientKind, Consent};
use crate::words::Span;

/// What becoming `after` risks; of one that is gone, none.
pub(crate) fn client(
    id: &str,
    before: Option<&Client>,
    after: Option<&Client>,
    around: &Around,
) -> Found {
    let mut found = Found::default();
    let Some(after) = after else {
        found.risk(
            Code::EndsAccess,
            "Everybody who is signed in to it is signed out, and its tokens are revoked.",
        );
        found.effect("Its id is never given again.");
        return found;
    };
    reach(&mut found, id, before, after);
    if before.is_none() {
        if after.kind == ClientKind::Public {
            found.risk(
                Code::ClientPublic,
                "It keeps no secret: anybody can act as this client, and only its redirect URIs hold them.",
            );
        }
        made(&mut found, after);
    }
    ways(&mut found, before, after);
    lifetimes(&mut found, before, after, around);
    if let Some(before) = before {
        changed(&mut found, before, after);
    }
    found
}

/// What it can get.
fn reach(found: &mut Found, id: &str, before: Option<&Client>, after: &Client) {
    let (scopes, resources) = (
        before.map(|one| &one.scopes[..]),
        before.map(|one| &one.resources[..]),
    );
    found.wider("scopes", scopes, &after.scopes);
    found.wider("tokens for resources", resources, &after.resources);
    let grants = |client: &Client| client.grants.clone().unwrap_or_default();
    let (had, has) = (before.map(grants).unwrap_or_default(), grants(after));
    if has.contains(&Grant::TokenExchange) && !had.contains(&Grant::TokenExchange) {
        found.risk(
            Code::MayAct,
            "It can exchange users' tokens that it is shown for others, and act for those users.",
        );
    }
    let more = has
        .iter()
        .filter(|one| !had.contains(one) && **one != Grant::TokenExchange);
    let more: Vec<&str> = more.map(|one| short(*one)).collect();
    if !more.is_empty() && before.is_some() {
        let list = more.join(", ");
        found.risk(
            Code::ScopeWider,
            format!("It can get tokens in one more way: {list}."),
        );
    }
    let named = before.and_then(|one| one.may_act.as_ref());
    if let Some(new) = after.may_act.as_ref().filter(|new| Some(*new) != named)
        && new.as_str() != id
    {
        found.risk(
            Code::MayAct,
            format!("The client {new} can exchange the tokens of its users, and act for them."),
        );
    }
    if named.is_some() && after.may_act.is_none() {
        found.risk(
            Code::MayAct,
            "Every client that serves what its tokens are for can exchange them, and act for its users.",
        );
    }
}

/// Where codes are sent, whether users are asked, and how it proves who it is.
fn ways(found: &mut Found, before: Option<&Client>, after: &Client) {
    let known = before.map_or(&[][..], |client| &client.redirect_uris);
    for uri in missing(&after.redirect_uris, known) {
        match loose(uri) {
            Some(why) => found.risk(
                Code::RedirectLoose,
                format!("Codes are sent to {uri}: {why}."),
            ),
            None if before.is_some() => found.risk(
                Code::RedirectAdded,
                format!("Codes are sent to one more place: {uri}."),
            ),
            None => {}
        }
    }
    let known = before.map_or(&[][..], |client| &client.logout_uris);
    let more = missing(&after.logout_uris, known);
    if before.is_some() && !more.is_empty() {
        let list = more.join(", ");
        found.risk(
            Code::RedirectAdded,
            format!("Browsers are sent to one more place after logout: {list}."),
        );
    }
    let asked = |client: &Client| client.consent == Some(Consent::Required);
    let was_asked = before.map_or(after.kind == ClientKind::Public, asked);
    if was_asked && !asked(after) {
        found.risk(
            Code::ConsentNotAsked,
            "Its users are not asked before it gets what it wants.",
        );
    }
    let Some(was) = before else {
        if after.endpoint_audience {
            found.risk(
                Code::AuthenticationWeaker,
                "Its assertions may name an endpoint as audience: another server that gets one could play it back.",
            );
        }
        return;
    };
    let strength = |client: &Client| match client.authentication {
        Some(Authentication::PrivateKeyJwt) => 2,
        Some(Authentication::Secret) => 1,
        Some(Authentication::None) | None => 0,
    };
    if strength(after) < strength(was) {
        let said = if strength(after) == 0 {
            "It proves no more who it is: anybody can act as this client."
        } else {
            "It proves who it is by a secret that travels, no longer by a key that does not."
        };
        found.risk(Code::AuthenticationWeaker, said);
    }
    found.keys(
        (was.jwks.as_ref(), was.jwks_uri.as_ref()),
        (after.jwks.as_ref(), after.jwks_uri.as_ref()),
    );
    for (gone, said) in [
        (
            was.require_dpop && !after.require_dpop,
            "Its tokens need not be bound to a key: whoever finds one can use it.",
        ),
        (
            was.require_pushed && !after.require_pushed,
            "Its authorization requests may pass through the browser, where others can write them.",
        ),
        (
            after.endpoint_audience && !was.endpoint_audience,
            "Its assertions may name an endpoint as audience: another server that gets one could play it back.",
        ),
    ] {
        if gone {
            found.risk(Code::AuthenticationWeaker, said);
        }
    }
}

fn lifetimes(found: &mut Found, before: Option<&Client>, after: &Client, around: &Around) {
    for (what, was, is, usual) in [
        (
            "Access tokens live",
            before.and_then(|one| one.access_lifetime),
            after.access_lifetime,
            around.access,
        ),
        (
            "Sessions last",
            before.and_then(|one| one.session_lifetime),
            after.session_lifetime,
            around.session,
        ),
    ] {
        longer(found, what, was, is, usual);
    }
    let session = |client: &Client| {
        client
            .session_lifetime
            .map_or(around.session, |span| span.0)
    };
    if before.is_some_and(|was| session(after) < session(was)) {
        found.effect("Sessions that are longer than that end earlier, also those that there are.");
    }
}

/// Marks what lives longer than it did, or than everybody's does.
pub(super) fn longer(
    found: &mut Found,
    what: &str,
    was: Option<Span>,
    is: Option<Span>,
    usual: u64,
) {
    let (was, is) = (
        was.map_or(usual, |span| span.0),
        is.map_or(usual, |span| span.0),
    );
    if is > was {
        let said = format!("{what} for {}, no longer for {}.", Span(is), Span(was));
        found.risk(Code::LifetimeLonger, said);
    }
}

fn made(found: &mut Found, after: &Client) {
    if after.authentication == Some(Authentication::Secret) {
        found.effect("A secret is made for it, and told once.");
    }
}

/// What becomes of what there is.
fn changed(found: &mut Found, before: &Client, after: &Client) {
    if before.algorithm != after.algorithm {
        let name = after.algorithm.as_deref().unwrap_or_default();
        found.risk(
            Code::AlgorithmChanged,
            format!("Its tokens are signed with {name}: whoever verifies them must know that."),
        );
    }
    match (&before.tenant, &after.tenant) {
        (Some(_), None) => found.risk(
            Code::TenantOpened,
            "Users of every tenant may sign in to it.",
        ),
        (Some(was), Some(is)) if was != is => found.risk(
            Code::TenantOpened,
            format!("Users of {is} may sign in to it, and those of {was} no more."),
        ),
        _ => {}
    }
    if before.agent && !after.agent {
        found.risk(
            Code::ScopeWider,
            "It is no AI agent any more: what is closed to agents is open to it.",
        );
    }
    if before.backchannel_logout_uri.is_some() && after.backchannel_logout_uri.is_none() {
        found.risk(
            Code::LifetimeLonger,
            "It is not told any more that a session ended: what it keeps of one goes on.",
        );
    }
    if after.disabled && !before.disabled {
        found.risk(
            Code::EndsAccess,
            "Everybody who is signed in to it is signed out, and its tokens are revoked; they do not come back with it.",
        );
    }
    if before.disabled && !after.disabled {
        found.risk(Code::Enabled, "It was disabled, and gets tokens again.");
    }
    let secret = |client: &Client| client.authentication == Some(Authentication::Secret);
    if secret(after) && !secret(before) {
        made(found, after);
    }
    let lost = |was: &[String], is: &[String]| !missing(was, is).is_empty();
    let grants = |client: &Client| client.grants.clone().unwrap_or_default();
    let fewer = grants(before)
        .iter()
        .any(|one| !grants(after).contains(one));
    let other = before.agent != after.agent
        || before.tenant != after.tenant
        || before.may_act != after.may_act
        || (after.require_dpop && !before.require_dpop);
    if lost(&before.scopes, &after.scopes)
        || lost(&before.resources, &after.resources)
        || fewer
        || other
    {
        found.effect(
            "Access tokens that it has are not believed any more; it gets others by itself.",
        );
    }
}

/// Why a redirect URI could be somebody else's, too.
fn loose(uri: &str) -> Option<&'static str> {
    let host = |rest: &str| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        rest[..end].to_owned()
    };
    if uri.contains('*') {
        return Some("that is many places");
    }
    if uri.starts_with("https://") {
        return None;
    }
    let Some(rest) = uri.strip_prefix("http://") else {
        return Some("any program on the user's device can claim that scheme");
    };
    let host = host(rest);
    let name = host.rsplit_once(':').map_or(host.as_str(), |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) {
            name
        } else {
            &host
        }
    });
    if matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        Some("any program on the user's computer can listen there")
    } else {
        Some("that travels in the clear")
    }
}

pub(super) fn short(grant: Grant) -> &'static str {
    let name = grant.as_str();
    name.rsplit(':').next().unwrap_or(name)
}
