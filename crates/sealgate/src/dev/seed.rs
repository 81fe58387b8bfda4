//! What a fresh control plane is given so that the application works at once, and what a later start
//! puts right: an account, the application as a client and as a resource, and a client for its `/docs`.

use std::collections::BTreeSet;

use sealgate_model::{Grant, Random};
use sealgate_server::admin::{
    ClientPatch, ClientView, CreatedClient, CreatedUser, NewClient, NewResource, NewUser, Password,
    ResourcePatch, ResourceView, Resources, ScopeText, UserPatch, UserView, Users,
};
use sealgate_store::{ClientKind, Consent};
use serde::de::DeserializeOwned;

use super::folder::Folder;
use super::python::Asked;
use crate::door::Door;
use crate::failure::Failure;

/// The id of the application.
pub(super) const CLIENT: &str = "app";

/// The id of the public client with which one signs in on the application's `/docs`.
pub(super) const DOCS_CLIENT: &str = "docs";

/// Every client may ask for these, and no resource has them.
const STANDARD_SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// What there is to be.
pub(super) struct Wanted<'a> {
    pub(super) target: &'a str,
    pub(super) base_url: &'a str,
    pub(super) email: &'a str,
    /// None: `admin` and what routes ask for.
    pub(super) roles: &'a [String],
    /// Besides what routes ask for.
    pub(super) scopes: &'a [String],
    pub(super) asked: &'a Asked,
}

/// What there is.
pub(super) struct Seeded {
    pub(super) password: String,
    pub(super) roles: Vec<String>,
    /// The application's own, without the standard ones.
    pub(super) scopes: Vec<String>,
    pub(super) secret: String,
}

/// Makes what is missing and changes what is different.
pub(super) async fn seed(
    door: &Door,
    folder: &mut Folder,
    wanted: &Wanted<'_>,
    random: &dyn Random,
) -> Result<Seeded, Failure> {
    let (password, roles) = account(door, folder, wanted, random).await?;
    let known = maybe::<ClientView>(door, &format!("/clients/{CLIENT}")).await?;
    let scopes = scopes(wanted, known.as_ref());
    let secret = application(door, folder, wanted, known, &scopes).await?;
    resource(door, wanted, &scopes).await?;
    documentation(door, wanted, &scopes).await?;
    Ok(Seeded {
        password,
        roles,
        scopes,
        secret,
    })
}

/// The account: its password and its roles.
async fn account(
    door: &Door,
    folder: &mut Folder,
    wanted: &Wanted<'_>,
    random: &dyn Random,
) -> Result<(String, Vec<String>), Failure> {
    let email = wanted.email;
    let query = [("email", Some(email.to_owned()))];
    let found: Users = door.get("/users", &query).await?;
    let Some(user) = found.users.into_iter().next() else {
        let password = folder.make_password(email, random)?;
        let new = NewUser {
            email: email.to_owned(),
            name: String::new(),
            roles: roles(wanted, &[]),
            tenant: None,
            password: Some(Password(password.clone())),
        };
        let made: CreatedUser = door.post("/users", &new).await?;
        return Ok((password.expose().to_owned(), made.user.roles));
    };
    let password = folder.password(email).ok_or_else(|| {
        let said = format!(
            "the account {email} was not made by sealgate dev, so its password is not known"
        );
        Failure::refused("dev_password_unknown", said)
            .with_hint("name another with --user EMAIL, or forget everything with --reset")
    })?;
    let roles = roles(wanted, &user.roles);
    let user = if same(&roles, &user.roles) {
        user
    } else {
        let patch = UserPatch {
            roles: Some(roles),
            ..UserPatch::default()
        };
        let place = format!("/users/{}", user.id);
        door.patch::<UserView>(&place, &patch).await?
    };
    Ok((password.expose().to_owned(), user.roles))
}

/// Exactly those that were named; else nothing is taken away, which would end sessions.
fn roles(wanted: &Wanted<'_>, there: &[String]) -> Vec<String> {
    if !wanted.roles.is_empty() {
        return wanted.roles.to_vec();
    }
    let mut all: BTreeSet<String> = there.iter().cloned().collect();
    all.insert("admin".to_owned());
    all.extend(wanted.asked.roles.iter().cloned());
    all.into_iter().collect()
}

/// The application's own scopes. What is known from before stays while the routes cannot be asked.
fn scopes(wanted: &Wanted<'_>, known: Option<&ClientView>) -> Vec<String> {
    let before = known.filter(|_| wanted.asked.problem.is_some());
    let before = before.into_iter().flat_map(|client| &client.scopes);
    let all: BTreeSet<&String> = before
        .chain(wanted.scopes)
        .chain(&wanted.asked.scopes)
        .filter(|scope| !STANDARD_SCOPES.contains(&scope.as_str()))
        .collect();
    all.into_iter().cloned().collect()
}

/// The application as a client: its secret.
async fn application(
    door: &Door,
    folder: &mut Folder,
    wanted: &Wanted<'_>,
    known: Option<ClientView>,
    scopes: &[String],
) -> Result<String, Failure> {
    let redirect = vec![format!("{}/auth/callback", wanted.base_url)];
    let logout = vec![format!("{}/", wanted.base_url)];
    let Some(known) = known else {
        let new = NewClient {
            redirect_uris: redirect,
            logout_uris: logout,
            scopes: scopes.to_vec(),
            grants: Some(Grant::ALL.to_vec()),
            ..NewClient::named(
                CLIENT.parse().ok(),
                name(wanted.target, ""),
                ClientKind::Confidential,
            )
        };
        let made: CreatedClient = door.post("/clients", &new).await?;
        return kept(folder, made);
    };
    let patch = ClientPatch {
        redirect_uris: other(redirect, &known.redirect_uris),
        logout_uris: other(logout, &known.logout_uris),
        scopes: other_scopes(scopes, &known),
        grants: Some(Grant::ALL.to_vec()).filter(|all| all.len() != known.grants.len()),
        name: Some(name(wanted.target, "")).filter(|name| *name != known.name),
        ..ClientPatch::default()
    };
    if patch != ClientPatch::default() {
        let _: ClientView = door.patch(&format!("/clients/{CLIENT}"), &patch).await?;
    }
    if let Some(secret) = folder.client_secret() {
        return Ok(secret.to_owned());
    }
    // A start that was cut short between the two left the client without a secret that is known.
    let place = format!("/clients/{CLIENT}/secret");
    let made: CreatedClient = door.post(&place, &()).await?;
    kept(folder, made)
}

fn kept(folder: &mut Folder, made: CreatedClient) -> Result<String, Failure> {
    let secret = made.secret.unwrap_or_default();
    folder.keep_client_secret(&secret)?;
    Ok(secret)
}

/// The application as what tokens can be for: its base URL. One of another port is put away.
async fn resource(door: &Door, wanted: &Wanted<'_>, scopes: &[String]) -> Result<(), Failure> {
    let texts: Vec<ScopeText> = scopes
        .iter()
        .map(|scope| ScopeText {
            name: scope.clone(),
            description: scope.clone(),
        })
        .collect();
    let there: Resources = door.get("/resources", &[]).await?;
    let client = CLIENT.parse().ok();
    let (own, others): (Vec<ResourceView>, Vec<ResourceView>) = there
        .resources
        .into_iter()
        .filter(|resource| resource.client == client)
        .partition(|resource| resource.uri == wanted.base_url);
    match own.first() {
        None => {
            let new = NewResource {
                uri: wanted.base_url.to_owned(),
                name: name(wanted.target, ""),
                client,
                scopes: texts,
                status_list: false,
                agents: false,
                tools: Vec::new(),
            };
            let _: ResourceView = door.post("/resources", &new).await?;
        }
        Some(known) if known.scopes != texts => {
            let patch = ResourcePatch {
                scopes: Some(texts),
                ..ResourcePatch::default()
            };
            let _: ResourceView = door.patch(&address(&known.uri), &patch).await?;
        }
        Some(_) => {}
    }
    for id in [CLIENT, DOCS_CLIENT] {
        let place = format!("/clients/{id}");
        let Some(known) = maybe::<ClientView>(door, &place).await? else {
            continue;
        };
        let patch = ClientPatch {
            resources: other(vec![wanted.base_url.to_owned()], &known.resources),
            ..ClientPatch::default()
        };
        if patch != ClientPatch::default() {
            let _: ClientView = door.patch(&place, &patch).await?;
        }
    }
    for old in others {
        door.delete(&address(&old.uri)).await?;
    }
    Ok(())
}

/// The client of the pages that FastAPI makes at `/docs`.
async fn documentation(door: &Door, wanted: &Wanted<'_>, scopes: &[String]) -> Result<(), Failure> {
    let place = format!("/clients/{DOCS_CLIENT}");
    let redirect = vec![format!("{}/docs/oauth2-redirect", wanted.base_url)];
    let Some(known) = maybe::<ClientView>(door, &place).await? else {
        let new = NewClient {
            redirect_uris: redirect,
            scopes: scopes.to_vec(),
            resources: vec![wanted.base_url.to_owned()],
            // The developer is asked often enough.
            consent: Some(Consent::Trusted),
            ..NewClient::named(
                DOCS_CLIENT.parse().ok(),
                name(wanted.target, ", /docs"),
                ClientKind::Public,
            )
        };
        let _: CreatedClient = door.post("/clients", &new).await?;
        return Ok(());
    };
    let patch = ClientPatch {
        redirect_uris: other(redirect, &known.redirect_uris),
        scopes: other_scopes(scopes, &known),
        ..ClientPatch::default()
    };
    if patch != ClientPatch::default() {
        let _: ClientView = door.patch(&place, &patch).await?;
    }
    Ok(())
}

/// The name that people read, within what a name may have.
fn name(target: &str, more: &str) -> String {
    let short: String = target
        .chars()
        .filter(char::is_ascii_graphic)
        .take(80)
        .collect();
    format!("{short}{more}")
}

fn address(uri: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("uri", uri)
        .finish();
    format!("/resource?{query}")
}

/// `wanted`, if it is something else than what is there.
fn other(wanted: Vec<String>, there: &[String]) -> Option<Vec<String>> {
    Some(wanted).filter(|wanted| !same(wanted, there))
}

fn other_scopes(wanted: &[String], known: &ClientView) -> Option<Vec<String>> {
    let own: Vec<String> = known
        .scopes
        .iter()
        .filter(|scope| !STANDARD_SCOPES.contains(&scope.as_str()))
        .cloned()
        .collect();
    other(wanted.to_vec(), &own)
}

fn same(left: &[String], right: &[String]) -> bool {
    left.iter().collect::<BTreeSet<_>>() == right.iter().collect::<BTreeSet<_>>()
}

/// What is at `path`, if anything is.
async fn maybe<T: DeserializeOwned>(door: &Door, path: &str) -> Result<Option<T>, Failure> {
    match door.get(path, &[]).await {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.is("client_unknown") => Ok(None),
        Err(failure) => Err(failure),
    }
}
