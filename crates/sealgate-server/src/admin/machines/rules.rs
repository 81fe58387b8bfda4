//! What a service account must be: somebody's, for something, for a time, and without a secret.

use std::ops::RangeInclusive;
use std::time::Duration;

use http::StatusCode;
use sealgate_jose::Algorithm;
use sealgate_model::{Grant, Timestamp};
use sealgate_oauth::{OAuthError, Scopes};
use sealgate_store::{Client, ClientAuthentication, ClientKind, MachineIdentity, MachineRow};

use super::super::clients::{rules as clients, texts};
use super::super::keys;
use crate::machines::LONGEST_TOKEN;
use crate::problem::Problem;
use crate::sign_in::address;
use crate::{ControlPlane, issuers};

/// How far ahead a service account may expire, in seconds.
const LONGEST: u64 = 400 * 24 * 3600;

/// How long its access tokens may live, in seconds.
const ACCESS_LIFETIME: RangeInclusive<u32> = 60..=LONGEST_TOKEN;

/// How long a bootstrap credential may be good, in seconds.
const BOOTSTRAP_LIFETIME: RangeInclusive<u32> = 300..=24 * 3600;

/// The grants that a service account may have.
const GRANTS: [Grant; 3] = [
    Grant::ClientCredentials,
    Grant::TokenExchange,
    Grant::JwtBearer,
];

/// The registration as it is kept, if it is sound. Of a change to `before`, what did not change is as it was.
pub(super) async fn settle(
    plane: &ControlPlane,
    before: Option<&Client>,
    client: &mut Client,
    now: Timestamp,
) -> Result<(), Problem> {
    let algorithm = check(plane, before, client, now, &[]).await?;
    alone(plane, before, client, now).await?;
    clients::ensure(plane, algorithm).await
}

/// The same without making keys or looking at what others are, where the resources `also` are registered with it.
pub(in crate::admin) async fn check(
    plane: &ControlPlane,
    before: Option<&Client>,
    client: &mut Client,
    now: Timestamp,
    also: &[&str],
) -> Result<Algorithm, Problem> {
    let id = texts::id(client.id.clone())?;
    if id.is_url() {
        return Err(Problem::unprocessable(
            "client_id_refused",
            "the id of a service account is no URL",
        ));
    }
    client.name = texts::name(&client.name)?;
    client.kind = ClientKind::Confidential;
    client.secret_hash = None;
    client.details.authentication = ClientAuthentication::PrivateKeyJwt;
    profile(before, client, now)?;
    client.scopes = scopes(&client.scopes)?;
    grants(client)?;
    if client.details.jwks.is_some() && client.details.jwks_uri.is_some() {
        return Err(Problem::unprocessable(
            "client_keys_twice",
            "a client's keys are given by jwks or by jwks_uri, not by both",
        ));
    }
    clients::keys_of(plane, &client.details)?;
    lifetime(client.details.access_lifetime)?;
    client.details.resources = clients::resources(plane, &client.details.resources, also).await?;
    identities(plane, before, client).await?;
    let algorithm = keys::named(&client.details.algorithm)?;
    algorithm.name().clone_into(&mut client.details.algorithm);
    Ok(algorithm)
}

/// How long a bootstrap credential is good, in seconds.
pub(super) fn bootstrap_lifetime(seconds: u32) -> Result<u32, Problem> {
    if BOOTSTRAP_LIFETIME.contains(&seconds) {
        return Ok(seconds);
    }
    Err(Problem::unprocessable(
        "bootstrap_lifetime_wrong",
        "a bootstrap credential is good for 5 minutes to 24 hours: 300 to 86400 seconds",
    ))
}

fn profile(before: Option<&Client>, client: &mut Client, now: Timestamp) -> Result<(), Problem> {
    let Some(machine) = &mut client.details.machine else {
        return Err(Problem::internal());
    };
    machine.owner = words("owner", &machine.owner)?;
    machine.purpose = words("purpose", &machine.purpose)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let environment = &machine.environment;
    if !(1..=64).contains(&environment.len()) || !environment.bytes().all(plain) {
        return Err(Problem::unprocessable(
            "machine_environment_malformed",
            "an environment is 1 to 64 of A-Z a-z 0-9 - _ .",
        ));
    }
    let was = before.and_then(Client::ends_at);
    if was == Some(machine.expires_at) {
        return Ok(());
    }
    if machine.expires_at <= now || machine.expires_at > now + Duration::from_secs(LONGEST) {
        return Err(Problem::unprocessable(
            "machine_expiry_wrong",
            "a service account expires at a time to come, at most 400 days ahead",
        ));
    }
    Ok(())
}

fn words(member: &str, text: &str) -> Result<String, Problem> {
    let trimmed = text.trim();
    let sound =
        text.len() <= 200 && !trimmed.is_empty() && !trimmed.chars().any(address::is_hidden);
    if sound {
        Ok(trimmed.to_owned())
    } else {
        Err(Problem::unprocessable(
            "machine_text_malformed",
            format!("{member} has 1 to 200 bytes and no control or hidden characters"),
        ))
    }
}

/// The scopes, each once. None of those about a user: nobody signs in to a service account.
fn scopes(given: &[String]) -> Result<Vec<String>, Problem> {
    texts::reserved(given)?;
    if let Some(wrong) = given
        .iter()
        .find(|scope| Scopes::ABOUT_USER.contains(&scope.as_str()))
    {
        return Err(Problem::unprocessable(
            "scope_needs_user",
            format!("{wrong} is about a user, and nobody signs in to a service account"),
        ));
    }
    match Scopes::from_tokens(given.iter().map(String::as_str)) {
        Ok(scopes) => Ok(scopes.into_vec()),
        Err(OAuthError::ScopeMissing) => Ok(Vec::new()),
        Err(_) => Err(Problem::unprocessable(
            "scope_malformed",
            "a scope is 1 to 256 printable characters without space, quote or backslash, and there are at most 32",
        )),
    }
}

fn grants(client: &mut Client) -> Result<(), Problem> {
    let details = &mut client.details;
    let vouched = details.machine.as_ref();
    let vouched = vouched.is_some_and(|machine| !machine.identities.is_empty());
    if details.grants.iter().any(|grant| !GRANTS.contains(grant)) || details.grants.is_empty() {
        return Err(Problem::unprocessable(
            "machine_grant_refused",
            "a service account has one or more of the grants client_credentials, token exchange and JWT bearer",
        ));
    }
    let wanted =
        |grant: &Grant| details.grants.contains(grant) || (vouched && *grant == Grant::JwtBearer);
    details.grants = GRANTS.into_iter().filter(wanted).collect();
    Ok(())
}

fn lifetime(seconds: Option<u32>) -> Result<(), Problem> {
    if seconds.is_none_or(|seconds| ACCESS_LIFETIME.contains(&seconds)) {
        return Ok(());
    }
    let (least, most) = (ACCESS_LIFETIME.start(), ACCESS_LIFETIME.end());
    Err(Problem::unprocessable(
        "access_lifetime_wrong",
        format!("access_lifetime of a service account is {least} to {most} seconds"),
    ))
}

/// The identities of other issuers are of issuers that are trusted here, and pin somebody.
async fn identities(
    plane: &ControlPlane,
    before: Option<&Client>,
    client: &Client,
) -> Result<(), Problem> {
    let (was, given) = (
        before.map(identities_of).unwrap_or_default(),
        identities_of(client),
    );
    if given == was {
        return Ok(());
    }
    issuers::check_identities(plane, given).await
}

/// Identities are nobody else's: what fits two service accounts would get nothing. Asked of one that is changed by
/// itself; of what is declared all is looked at together.
async fn alone(
    plane: &ControlPlane,
    before: Option<&Client>,
    client: &Client,
    now: Timestamp,
) -> Result<(), Problem> {
    let given = identities_of(client);
    if given == before.map(identities_of).unwrap_or_default() {
        return Ok(());
    }
    let others = plane.store.machines(false).await?;
    let other = |row: &&MachineRow| row.client.id != client.id && row.client.is_usable(now);
    for row in others.iter().filter(other) {
        if identities_of(&row.client)
            .iter()
            .any(|known| given.contains(known))
        {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "machine_identity_taken",
                format!("an identity is that of {} already", row.client.id),
            ));
        }
    }
    Ok(())
}

fn identities_of(client: &Client) -> &[MachineIdentity] {
    let machine = client.details.machine.as_ref();
    machine.map_or(&[], |machine| &machine.identities)
}

/// Whether a client may be changed as clients are. A service account has rules of its own.
pub(in crate::admin) fn no_machine(client: &Client) -> Result<(), Problem> {
    if client.details.machine.is_none() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "client_is_machine",
        "this is a service account, which is administered as one: it has no secret, and it is offboarded, not removed",
    ))
}

/// Whether a client may be enabled: one that has expired would be disabled again.
pub(in crate::admin) fn not_expired(client: &Client, now: Timestamp) -> Result<(), Problem> {
    if client.ends_at().is_none_or(|end| now < end) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "machine_expired",
        "the service account has expired: give it more time first",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_account_has_scopes_of_its_own_and_none_about_a_user() {
        let given = |scopes: &[&str]| scopes.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(scopes(&given(&["a", "b", "a"])).unwrap(), ["a", "b"]);
        assert!(scopes(&[]).unwrap().is_empty());
        for (wrong, reason) in [
            ("openid", "scope_needs_user"),
            ("offline_access", "scope_needs_user"),
            ("sealgate:everything", "scope_reserved"),
            ("a b", "scope_malformed"),
        ] {
            assert_eq!(scopes(&given(&[wrong])).unwrap_err().reason(), reason);
        }
        assert!(scopes(&given(&["sealgate:users:read"])).is_ok());
    }

    #[test]
    fn lifetimes_have_bounds() {
        assert!(lifetime(None).is_ok() && lifetime(Some(900)).is_ok());
        assert!(lifetime(Some(901)).is_err() && lifetime(Some(59)).is_err());
        for (seconds, good) in [(299, false), (300, true), (86_400, true), (86_401, false)] {
            assert_eq!(bootstrap_lifetime(seconds).is_ok(), good, "{seconds}");
        }
    }

    #[test]
    fn owners_and_purposes_are_words_that_show() {
        assert_eq!(words("owner", " Finance ").unwrap(), "Finance");
        let long = "a".repeat(201);
        for wrong in ["", "  ", "a\u{202e}b", "a\nb", &long] {
            assert_eq!(
                words("owner", wrong).unwrap_err().reason(),
                "machine_text_malformed"
            );
        }
    }
}
