//! What a registration must be, whether it is new or changed: each part by itself, and all together.

use sealgate_host::OutboundError;
use sealgate_jose::{Algorithm, Jwk};
use sealgate_model::{ClientId, Grant, Random};
use sealgate_oauth::{RedirectUri, RedirectUriError, Scopes};
use sealgate_store::{Client, ClientAuthentication, ClientDetails, ClientKind};
use serde_json::Value;

use super::super::keys;
use crate::problem::Problem;
use crate::sign_in::address;
use crate::{ControlPlane, admin_scopes};

/// The scopes every client may ask for.
const STANDARD_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// The most of anything that a client has several of.
const MOST: usize = 32;

/// The most keys of a client, of which each is looked at for each of its assertions.
const MOST_KEYS: usize = 16;

/// The longest URL that is kept, in bytes.
const URL_LIMIT: usize = 2000;

/// How long an access token may live, in seconds. The keys stay published for as long as the longest.
const ACCESS_LIFETIME: std::ops::RangeInclusive<u32> = 60..=3600;

/// The registration as it is kept, if it is sound: texts as they are compared, each once, and the
/// standard scopes among the others. Makes the keys for its algorithm where there are none yet.
pub(super) async fn settle(plane: &ControlPlane, client: &mut Client) -> Result<(), Problem> {
    client.name = name(&client.name)?;
    client.redirect_uris = uris(std::mem::take(&mut client.redirect_uris))?;
    client.logout_uris = uris(std::mem::take(&mut client.logout_uris))?;
    own_schemes(client)?;
    client.scopes = scopes(&client.scopes)?;
    authentication(client.kind, &client.details)?;
    grants(client)?;
    keys_of(plane, &client.details)?;
    if let Some(uri) = &client.details.backchannel_logout_uri {
        reachable(plane, "backchannel_logout_uri", uri)?;
    }
    lifetime(client.details.access_lifetime)?;
    client.details.resources = resources(plane, &client.details.resources).await?;
    let algorithm = keys::named(&client.details.algorithm)?;
    algorithm.name().clone_into(&mut client.details.algorithm);
    ensure(plane, algorithm).await
}

async fn ensure(plane: &ControlPlane, algorithm: Algorithm) -> Result<(), Problem> {
    plane.keys.ensure(algorithm).await.map_err(keys::refuse)
}

/// An id that can be registered. A user's id looks like a UUID; the others are read as something else in
/// a path.
pub(super) fn id(id: ClientId) -> Result<ClientId, Problem> {
    if id.looks_like_user() || matches!(id.as_str(), "." | "..") {
        return Err(Problem::unprocessable(
            "client_id_refused",
            "a client id must not read as a UUID, which a user's id does, or as a step in a path",
        ));
    }
    Ok(id)
}

fn name(text: &str) -> Result<String, Problem> {
    let trimmed = text.trim();
    let sound =
        text.len() <= 100 && !trimmed.is_empty() && !trimmed.chars().any(address::is_hidden);
    if sound {
        Ok(trimmed.to_owned())
    } else {
        Err(Problem::unprocessable(
            "name_malformed",
            "a client's name has 1 to 100 bytes and no control or hidden characters",
        ))
    }
}

/// The URIs as they will be compared, each once.
fn uris(given: Vec<String>) -> Result<Vec<String>, Problem> {
    if given.len() > MOST {
        return Err(Problem::unprocessable(
            "too_many_uris",
            format!("a client has at most {MOST} URIs of a kind"),
        ));
    }
    let mut kept: Vec<String> = Vec::with_capacity(given.len());
    for text in given {
        let uri: RedirectUri = text.parse().map_err(|error: RedirectUriError| {
            Problem::unprocessable(error.code(), format!("{}: {error}", shortened(&text)))
        })?;
        if !kept.iter().any(|known| known == uri.as_str()) {
            kept.push(uri.as_str().to_owned());
        }
    }
    Ok(kept)
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

/// The standard scopes and the given ones.
fn scopes(given: &[String]) -> Result<Vec<String>, Problem> {
    let malformed = || {
        Problem::unprocessable(
            "scope_malformed",
            "a scope is 1 to 256 printable characters without space, quote or backslash, and there are at most 32 with openid, profile, email and offline_access",
        )
    };
    if given.len() > MOST {
        return Err(malformed());
    }
    let own = |scope: &&String| admin_scopes::is_one(scope);
    if let Some(unknown) = given
        .iter()
        .filter(own)
        .find(|scope| !admin_scopes::is_known(scope))
    {
        return Err(Problem::unprocessable(
            "scope_reserved",
            format!(
                "{} is no scope of the administration, whose names begin with {}",
                shortened(unknown),
                admin_scopes::PREFIX
            ),
        ));
    }
    let all = STANDARD_SCOPES
        .into_iter()
        .chain(given.iter().map(String::as_str));
    Scopes::from_tokens(all)
        .map(Scopes::into_vec)
        .map_err(|_| malformed())
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
    if grants.contains(&Grant::AuthorizationCode) && client.redirect_uris.is_empty() {
        return Err(Problem::unprocessable(
            "redirect_uri_missing",
            "a client with the grant authorization_code needs at least one redirect URI",
        ));
    }
    Ok(())
}

fn keys_of(plane: &ControlPlane, details: &ClientDetails) -> Result<(), Problem> {
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

/// The resources, each once, if they are known here.
async fn resources(plane: &ControlPlane, given: &[String]) -> Result<Vec<String>, Problem> {
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
        let known = super::super::resources::is_own(plane, uri)
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

/// As much of what was given as helps to find it again.
fn shortened(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    if start.len() < text.len() {
        format!("{start}…")
    } else {
        start
    }
}

/// An id people recognise in a list: the name in lower case with hyphens, and six random letters, so
/// that a second client of the same name gets another.
pub(super) fn id_from(name: &str, random: &dyn Random) -> Result<ClientId, Problem> {
    let mut slug = String::new();
    for c in name.chars().take(60) {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "client" } else { slug };
    // 32 letters, none of which is easily taken for another.
    let letters = random
        .bytes::<6>()
        .map(|byte| char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[usize::from(byte % 32)]));
    let text = format!("{slug}-{}", String::from_iter(letters));
    text.parse().map_err(|_| Problem::internal())
}

#[cfg(test)]
mod tests {
    use sealgate_host::FakeRandom;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_is_made_from_the_name() {
        let random = FakeRandom::seeded(7);
        let id = |name: &str| id_from(name, &random).unwrap().as_str().to_owned();
        assert!(id("Expense Tracker (staging)").starts_with("expense-tracker-staging-"));
        assert!(id("报销").starts_with("client-"));
        assert_ne!(id("a"), id("a"));
        assert!(id(&"x".repeat(100)).len() <= 128);
    }

    #[test]
    fn an_id_that_could_be_taken_for_something_else_is_refused() {
        for wrong in [".", "..", "01890a5d-ac96-774b-bcce-b302099a8057"] {
            let refused = id(wrong.parse().unwrap()).unwrap_err();
            assert_eq!(refused.reason(), "client_id_refused", "{wrong}");
        }
        assert!(id("...".parse().unwrap()).is_ok());
    }

    #[test]
    fn a_name_that_looks_like_another_is_refused() {
        assert_eq!(name(" Expense tracker ").unwrap(), "Expense tracker");
        for wrong in ["", " ", "a\u{1b}[2J", "Bank\u{202e}knab", "Ba\u{200b}nk"] {
            assert_eq!(name(wrong).unwrap_err().reason(), "name_malformed");
        }
    }

    #[test]
    fn every_client_may_ask_for_the_standard_scopes() {
        let given = ["expenses:read", "openid"].map(str::to_owned);
        let all = [
            "openid",
            "profile",
            "email",
            "offline_access",
            "expenses:read",
        ];
        assert_eq!(scopes(&given).unwrap(), all);
        for (wrong, reason) in [
            ("a b", "scope_malformed"),
            ("sealgate:everything", "scope_reserved"),
        ] {
            let refused = scopes(&[wrong.to_owned()]).unwrap_err();
            assert_eq!(refused.reason(), reason);
        }
        let repeated = vec!["a".to_owned(); 33];
        assert_eq!(scopes(&repeated).unwrap_err().reason(), "scope_malformed");
    }

    #[test]
    fn redirect_uris_are_kept_once_and_refused_with_the_one_that_is_wrong() {
        let twice = vec!["https://a.example/cb".to_owned(); 2];
        assert_eq!(uris(twice).unwrap(), ["https://a.example/cb"]);
        let problem = uris(vec!["http://a.example/cb".to_owned()]).unwrap_err();
        assert_eq!(problem.reason(), "redirect_uri_scheme");
        assert!(problem.detail().starts_with("http://a.example/cb: "));
        let many = vec!["https://a.example/cb".to_owned(); 33];
        assert_eq!(uris(many).unwrap_err().reason(), "too_many_uris");
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
    }
}
