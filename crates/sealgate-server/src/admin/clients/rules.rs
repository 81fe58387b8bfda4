//! What a registration must be, whether it is new or changed: how its parts go together.

use sealgate_host::OutboundError;
use sealgate_jose::{Algorithm, Jwk};
use sealgate_model::Grant;
use sealgate_oauth::{RedirectUri, is_readable};
use sealgate_store::{Client, ClientAuthentication, ClientDetails, ClientKind, Consent};
use serde_json::Value;

use super::super::keys;
use super::texts::{MOST, STANDARD_SCOPES, name, scopes, shortened, uris};
use crate::ControlPlane;
use crate::problem::Problem;
use crate::session_life::SESSION_LIFETIME;

/// The most keys of a client, of which each is looked at for each of its assertions.
const MOST_KEYS: usize = 16;

/// The longest URL that is kept, in bytes.
const URL_LIMIT: usize = 2000;

/// The grants of clients that nobody registered.
const OWN_GRANTS: [Grant; 2] = [Grant::AuthorizationCode, Grant::RefreshToken];

/// How long an access token may live, in seconds. The keys stay published for as long as the longest.
const ACCESS_LIFETIME: std::ops::RangeInclusive<u32> = 60..=3600;

/// The registration as it is kept, if it is sound: texts as they are compared, each once, and the
/// standard scopes among the others. Makes the keys for its algorithm where there are none yet.
pub(super) async fn settle(plane: &ControlPlane, client: &mut Client) -> Result<(), Problem> {
    let algorithm = check(plane, client, &[]).await?;
    ensure(plane, algorithm).await
}

/// The same without making keys, where the resources `also` are registered with it.
pub(in crate::admin) async fn check(
    plane: &ControlPlane,
    client: &mut Client,
    also: &[&str],
) -> Result<Algorithm, Problem> {
    // What a client calls itself was judged when it said so, by its characters: in bytes it may be longer.
    let said = client.details.origin.is_its_own()
        && client.name.chars().count() <= 100
        && is_readable(&client.name);
    if !said {
        client.name = name(&client.name)?;
    }
    client.redirect_uris = uris(std::mem::take(&mut client.redirect_uris))?;
    client.logout_uris = uris(std::mem::take(&mut client.logout_uris))?;
    own_schemes(client)?;
    client.scopes = scopes(&client.scopes)?;
    authentication(client.kind, &client.details)?;
    grants(client)?;
    of_its_own(client)?;
    keys_of(plane, &client.details)?;
    if let Some(uri) = &client.details.backchannel_logout_uri {
        reachable(plane, "backchannel_logout_uri", uri)?;
    }
    lifetime(client.details.access_lifetime)?;
    session_lifetime(client.details.session_lifetime)?;
    client.details.resources = resources(plane, &client.details.resources, also).await?;
    let algorithm = keys::named(&client.details.algorithm)?;
    algorithm.name().clone_into(&mut client.details.algorithm);
    Ok(algorithm)
}

pub(in crate::admin) async fn ensure(
    plane: &ControlPlane,
    algorithm: Algorithm,
) -> Result<(), Problem> {
    plane.keys.ensure(algorithm).await.map_err(keys::refuse)
}

/// Who alone is to exchange tokens of a client's users is the client itself or another one that is known. It is
/// asked when it is said: if that client goes later, nobody exchanges them.
pub(super) async fn named_actor(plane: &ControlPlane, client: &Client) -> Result<(), Problem> {
    let Some(named) = &client.details.may_act else {
        return Ok(());
    };
    if *named == client.id || plane.store.client(named).await?.is_some() {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "client_unknown",
        format!("may_act: there is no client {}", shortened(named.as_str())),
    ))
}

/// A client that nobody registered stays what its users are told it is, whatever else is decided about it: they are
/// asked, its tokens say what it is, and what it may ask for is what is open to all of its kind.
fn of_its_own(client: &Client) -> Result<(), Problem> {
    let details = &client.details;
    let (mut grants, mut scopes) = (details.grants.iter(), client.scopes.iter());
    let of_its_kind = details.consent == Consent::Required
        && details.agent
        && grants.all(|grant| OWN_GRANTS.contains(grant))
        && details.authentication != ClientAuthentication::Secret
        && scopes.all(|scope| STANDARD_SCOPES.contains(&scope.as_str()))
        && details.resources.is_empty();
    if of_its_kind || !details.origin.is_its_own() {
        return Ok(());
    }
    Err(Problem::unprocessable(
        "client_of_its_own",
        "a client that nobody registered asks its users, is an AI agent, and has no scopes, resources, secrets or grants but those of its kind: register one for more",
    ))
}

/// Applications with a scheme of their own are on their users' computers, where nobody keeps a secret.
fn own_schemes(client: &Client) -> Result<(), Problem> {
    let mut all = client.redirect_uris.iter().chain(&client.logout_uris);
    let own = |uri: &&String| {
        let uri = uri.parse::<RedirectUri>();
        uri.is_ok_and(|uri| uri.is_private_use())
    };
    match all.find(own) {
        Some(uri) if client.kind == ClientKind::Confidential => Err(Problem::unprocessable(
            "redirect_uri_not_for_confidential",
            format!(
                "{}: only a public client may have a scheme of its own",
                shortened(uri)
            ),
        )),
        _ => Ok(()),
    }
}

fn authentication(kind: ClientKind, details: &ClientDetails) -> Result<(), Problem> {
    let fits = match kind {
        ClientKind::Public => details.authentication == ClientAuthentication::None,
        ClientKind::Confidential => details.authentication != ClientAuthentication::None,
    };
    if !fits {
        return Err(Problem::unprocessable(
            "client_authentication_wrong",
            "a confidential client proves who it is by a secret or by its keys, and a public one by nothing",
        ));
    }
    if details.jwks.is_some() && details.jwks_uri.is_some() {
        return Err(Problem::unprocessable(
            "client_keys_twice",
            "a client's keys are given by jwks or by jwks_uri, not by both",
        ));
    }
    let has_keys = details.jwks.is_some() || details.jwks_uri.is_some();
    if details.authentication == ClientAuthentication::PrivateKeyJwt && !has_keys {
        return Err(Problem::unprocessable(
            "client_keys_missing",
            "a client that proves who it is by its keys needs jwks or jwks_uri",
        ));
    }
    Ok(())
}

fn grants(client: &mut Client) -> Result<(), Problem> {
    let grants = &mut client.details.grants;
    if grants.len() > Grant::ALL.len() {
        return Err(Problem::unprocessable(
            "grants_too_many",
            "there are more grants than there are kinds",
        ));
    }
    let mut kept = Vec::with_capacity(grants.len());
    for grant in grants.drain(..) {
        if !kept.contains(&grant) {
            kept.push(grant);
        }
    }
    *grants = kept;
    if client.kind == ClientKind::Public && grants.contains(&Grant::ClientCredentials) {
        return Err(Problem::unprocessable(
            "grant_not_for_public",
            "a public client cannot ask for tokens for itself: anybody could",
        ));
    }
    if client.kind == ClientKind::Public && grants.contains(&Grant::TokenExchange) {
        return Err(Problem::unprocessable(
            "grant_not_for_public",
            "a public client cannot act for users by exchange: nobody could tell who acts",
        ));
    }
    if client.kind == ClientKind::Public && grants.contains(&Grant::JwtBearer) {
        return Err(Problem::unprocessable(
            "grant_not_for_public",
            "a public client cannot act for whom another issuer vouches: nobody could tell who acts",
        ));
    }
    if grants.contains(&Grant::AuthorizationCode) && client.redirect_uris.is_empty() {
        return Err(Problem::unprocessable(
            "redirect_uri_missing",
            "a client with the grant authorization_code needs at least one redirect URI",
        ));
    }
    Ok(())
}

pub(in crate::admin) fn keys_of(
    plane: &ControlPlane,
    details: &ClientDetails,
) -> Result<(), Problem> {
    if let Some(uri) = &details.jwks_uri {
        reachable(plane, "jwks_uri", uri)?;
    }
    details.jwks.as_ref().map_or(Ok(()), key_set)
}

fn key_set(set: &Value) -> Result<(), Problem> {
    let unusable = |said: String| Problem::unprocessable("client_keys_unusable", said);
    let keys = set["keys"].as_array().filter(|_| set.is_object());
    let keys = keys.ok_or_else(|| {
        Problem::bad_request("body_malformed", "jwks is an object with a list of keys")
    })?;
    if let Some(other) = keys.iter().find(|key| !key.is_object()) {
        let said = format!("in jwks, {} is no key", shortened(&other.to_string()));
        return Err(Problem::bad_request("body_malformed", said));
    }
    if !(1..=MOST_KEYS).contains(&keys.len()) {
        return Err(unusable(format!("jwks holds 1 to {MOST_KEYS} keys")));
    }
    for (number, key) in keys.iter().enumerate() {
        // Whatever is wrong with a key, nothing of it is repeated: it may be a private one.
        Jwk::parse(key.to_string().as_bytes())
            .and_then(|key| key.check())
            .map_err(|error| unusable(format!("key {} of jwks: {error}", number + 1)))?;
    }
    Ok(())
}

fn reachable(plane: &ControlPlane, member: &str, url: &str) -> Result<(), Problem> {
    if url.len() > URL_LIMIT {
        return Err(Problem::unprocessable(
            "outbound_url_unacceptable",
            format!("{member} is longer than {URL_LIMIT} bytes"),
        ));
    }
    plane.outbound.check(url).map_err(|error: OutboundError| {
        Problem::unprocessable(error.code(), format!("{member}: {error}"))
    })
}

fn lifetime(seconds: Option<u32>) -> Result<(), Problem> {
    if seconds.is_none_or(|seconds| ACCESS_LIFETIME.contains(&seconds)) {
        return Ok(());
    }
    let (least, most) = (ACCESS_LIFETIME.start(), ACCESS_LIFETIME.end());
    Err(Problem::unprocessable(
        "access_lifetime_wrong",
        format!("access_lifetime is {least} to {most} seconds"),
    ))
}

fn session_lifetime(seconds: Option<u32>) -> Result<(), Problem> {
    if seconds.is_none_or(|seconds| SESSION_LIFETIME.contains(&seconds)) {
        return Ok(());
    }
    let (least, most) = (SESSION_LIFETIME.start(), SESSION_LIFETIME.end());
    Err(Problem::unprocessable(
        "session_lifetime_wrong",
        format!("session_lifetime is {least} to {most} seconds"),
    ))
}

/// The resources, each once, if they are known here or among those of `also`.
pub(in crate::admin) async fn resources(
    plane: &ControlPlane,
    given: &[String],
    also: &[&str],
) -> Result<Vec<String>, Problem> {
    if given.len() > MOST {
        return Err(Problem::unprocessable(
            "resources_too_many",
            format!("a client is registered for at most {MOST} resources"),
        ));
    }
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for uri in given {
        if kept.contains(uri) {
            continue;
        }
        let known = also.contains(&uri.as_str())
            || super::super::resources::is_own(plane, uri)
            || plane.store.resource(uri).await?.is_some();
        if !known {
            return Err(Problem::unprocessable(
                "resource_unknown",
                format!("there is no resource {}", shortened(uri)),
            ));
        }
        kept.push(uri.clone());
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_private_key_is_refused_without_repeating_it() {
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
        let refused = key_set(&json!({ "keys": [key] })).unwrap_err();
        assert_eq!(refused.reason(), "client_keys_unusable");
        assert!(!refused.detail().contains("nWGx"), "{}", refused.detail());
        let mut public = key;
        public.as_object_mut().unwrap().remove("d");
        assert!(key_set(&json!({ "keys": [public] })).is_ok());
        for wrong in [
            json!([]),
            json!({}),
            json!({ "keys": 1 }),
            json!({ "keys": [1] }),
        ] {
            assert_eq!(
                key_set(&wrong).unwrap_err().reason(),
                "body_malformed",
                "{wrong}"
            );
        }
        assert!(key_set(&json!({ "keys": [] })).is_err());
    }

    #[test]
    fn a_lifetime_has_bounds() {
        assert!(lifetime(None).is_ok() && lifetime(Some(60)).is_ok());
        for wrong in [0, 59, 3601] {
            let refused = lifetime(Some(wrong)).unwrap_err();
            assert_eq!(refused.reason(), "access_lifetime_wrong");
        }
        assert!(session_lifetime(None).is_ok() && session_lifetime(Some(300)).is_ok());
        for wrong in [0, 299, 7_776_001] {
            let refused = session_lifetime(Some(wrong)).unwrap_err();
            assert_eq!(refused.reason(), "session_lifetime_wrong");
        }
    }

    #[test]
    fn only_a_public_client_has_a_scheme_of_its_own() {
        let client = |kind, redirect: &str, logout: &str| Client {
            id: "a".parse().unwrap(),
            name: "A".to_owned(),
            kind,
            secret_hash: None,
            redirect_uris: vec![redirect.to_owned()],
            logout_uris: vec![logout.to_owned()],
            scopes: Vec::new(),
            details: ClientDetails::for_kind(kind),
            created_at: sealgate_model::Timestamp::from_millis(0),
            disabled_at: None,
        };
        let (own, web) = ("com.example.app:/cb", "https://a.example/cb");
        assert!(own_schemes(&client(ClientKind::Public, own, own)).is_ok());
        assert!(own_schemes(&client(ClientKind::Confidential, web, web)).is_ok());
        for (redirect, logout) in [(own, web), (web, own)] {
            let refused = own_schemes(&client(ClientKind::Confidential, redirect, logout));
            assert_eq!(
                refused.unwrap_err().reason(),
                "redirect_uri_not_for_confidential"
            );
        }
    }
}
