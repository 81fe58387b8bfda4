//! Clients whose id is the address of a document in which they say who they are.

mod fetching;

use std::time::Duration;

use sealgate_host::{OutboundError, OutboundResponse};
use sealgate_jose::Algorithm;
use sealgate_store::{ClientAuthentication, ClientOrigin, Resource, ScopeText};
use serde_json::json as value;

use super::machines::{assertion, key, set};
use super::*;
use crate::agent_policy::Documents;

pub(super) const ID: &str = "https://agent.example/oauth/client.json";
pub(super) const NOTES: &str = "https://notes.example/mcp";
const LOCAL: &str = "http://localhost:4711/cb";

/// A house with its own way out, where notes are open to agents and expenses are not.
pub(super) struct Open {
    pub(super) house: House,
    pub(super) remote: Arc<FakeOutbound>,
}

impl Open {
    pub(super) async fn new() -> Self {
        let remote = Arc::new(FakeOutbound::new());
        let house = House::new_with_outbound(remote.clone()).await;
        for (uri, scopes, agents) in [
            (NOTES, vec!["notes:read", "notes:write"], true),
            ("https://other.example/mcp", vec!["other:read"], true),
            ("https://closed.example", vec!["closed:read"], false),
        ] {
            add_resource(&house, uri, &scopes, agents).await;
        }
        Self { house, remote }
    }

    pub(super) async fn with_policy(change: impl FnOnce(&mut crate::AgentPolicy)) -> Self {
        let mut open = Self::new().await;
        change(&mut Arc::get_mut(&mut open.house.plane).unwrap().policy.agents);
        open
    }

    fn publish(&self, document: &Value) {
        self.publish_for(document, None);
    }

    fn publish_for(&self, document: &Value, max_age: Option<Duration>) {
        let bytes = serde_json::to_vec(document).unwrap();
        self.remote.serve(ID, bytes, max_age);
    }

    fn fetches(&self) -> usize {
        self.remote.sent().len()
    }

    async fn ask(&self, pairs: &[(&'static str, String)]) -> Response {
        let (_, cookie) = self.house.sign_in().await;
        self.house.get(&authorize(pairs), Some(&cookie)).await
    }

    /// Asks, expecting an error page with this reason.
    async fn refused(&self, pairs: &[(&'static str, String)], status: u16, reason: &str) {
        let response = self.ask(pairs).await;
        let got = response.status();
        assert!(response.headers().get(LOCATION).is_none(), "{reason}");
        let page = text(response).await;
        assert_eq!(got.as_u16(), status, "{reason}: {page}");
        assert!(page.contains(reason), "{reason}: {page}");
    }

    async fn row(&self) -> Option<Client> {
        self.house
            .plane
            .store
            .client(&ID.parse().unwrap())
            .await
            .unwrap()
    }
}

pub(super) async fn add_resource(house: &House, uri: &str, scopes: &[&str], agents: bool) {
    let resource = Resource {
        uri: uri.to_owned(),
        name: "Notes".to_owned(),
        client: None,
        scopes: scopes
            .iter()
            .map(|name| ScopeText {
                name: (*name).to_owned(),
                description: format!("Use {name}"),
            })
            .collect(),
        status_list: false,
        agents,
        tools: vec![],
        created_at: house.clock.now(),
    };
    let created = house.plane.store.resource_create(resource, house.audit());
    created.await.unwrap();
}

pub(super) fn document() -> Value {
    value!({
        "client_id": ID,
        "client_name": "Note taker",
        "redirect_uris": [CALLBACK, "http://localhost/cb", "http://127.0.0.1/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
    })
}

/// What such a client asks for.
pub(super) fn wish_of(id: &str) -> Vec<(&'static str, String)> {
    let mut pairs = wish(id);
    pairs.retain(|(name, _)| *name != "scope");
    pairs.push(("scope", "notes:read offline_access".to_owned()));
    pairs.push(("resource", NOTES.to_owned()));
    pairs
}

fn changed(name: &'static str, value: &str) -> Vec<(&'static str, String)> {
    let mut pairs = wish_of(ID);
    pairs.retain(|(key, _)| *key != name);
    if !value.is_empty() {
        pairs.push((name, value.to_owned()));
    }
    pairs
}

/// Signs a user in to `id` as far as the code, which was agreed to.
pub(super) async fn code_of(house: &House, pairs: &[(&'static str, String)]) -> String {
    let (_, cookie) = house.sign_in().await;
    let mut response = house.get(&authorize(pairs), Some(&cookie)).await;
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    if location(&response).path() == "/consent" {
        response = house.decide(&sealed(&response), &cookie, "allow").await;
    }
    let location = location(&response);
    let code = location.query_pairs().find(|(name, _)| name == "code");
    code.unwrap().1.into_owned()
}

pub(super) async fn redeem_as(house: &House, id: &str, code: &str, uri: &str) -> Response {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", uri),
        ("code_verifier", VERIFIER),
        ("client_id", id),
    ];
    house.post("/oauth/token", None, &pairs).await
}

async fn refresh_as(house: &House, id: &str, token: &str) -> Response {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", id),
    ];
    house.post("/oauth/token", None, &pairs).await
}

#[tokio::test]
async fn a_stranger_with_a_document_signs_a_user_in_renews_and_gives_up() {
    let open = Open::new().await;
    open.publish(&document());
    let code = code_of(&open.house, &wish_of(ID)).await;
    let first = tokens(redeem_as(&open.house, ID, &code, CALLBACK).await).await;
    let said = claims(&first.access);
    assert_eq!(said["aud"], NOTES);
    assert_eq!(said["client_id"], ID);
    assert_eq!(said["act"]["sub_profile"], "ai_agent");
    assert_eq!(first.body["scope"], "notes:read offline_access");
    // Without `resource`, as some leave it out: what was granted goes on.
    let second = tokens(refresh_as(&open.house, ID, &first.refresh).await).await;
    assert_eq!(claims(&second.access)["aud"], NOTES);
    let row = open.row().await.unwrap();
    assert_eq!(row.name, "Note taker");
    assert_eq!(row.details.origin, ClientOrigin::Document);
    assert!(row.scopes.is_empty() && row.details.resources.is_empty());
    assert_eq!(open.fetches(), 1, "the token endpoint fetches nothing");

    let pairs = [("token", second.refresh.as_str()), ("client_id", ID)];
    let given_up = open.house.post("/oauth/revoke", None, &pairs).await;
    assert_eq!(given_up.status(), StatusCode::OK);
    let after = refresh_as(&open.house, ID, &second.refresh).await;
    assert_refused(
        after,
        StatusCode::BAD_REQUEST,
        "invalid_grant",
        "session_revoked",
    )
    .await;
    let records = open.house.records().await;
    let made = records.iter().find(|row| row.action == "client.document");
    assert_eq!(made.unwrap().client.as_ref().unwrap().as_str(), ID);
}

#[tokio::test]
async fn its_logout_ends_its_own_session_and_asks_about_everything_else() {
    let open = Open::new().await;
    open.publish(&document());
    let house = &open.house;
    let (_, cookie) = house.sign_in().await;
    let pairs = changed("scope", "openid notes:read offline_access");
    let asked = house.get(&authorize(&pairs), Some(&cookie)).await;
    let answer = house.decide(&sealed(&asked), &cookie, "allow").await;
    let code = location(&answer);
    let code = code.query_pairs().find(|(name, _)| name == "code").unwrap();
    let agent = tokens(redeem_as(house, ID, &code.1, CALLBACK).await).await;
    let code = house.code_for("app", "openid", &cookie).await;
    let usual = tokens(house.redeem("app", &code).await).await;
    let hint = agent.body["id_token"].as_str().unwrap();
    for _ in 0..2 {
        let path = format!("/oauth/logout?{}", form(&[("id_token_hint", hint)]));
        let page = text(house.get(&path, Some(&cookie)).await).await;
        assert!(page.contains("name=\"confirmation\""), "{page}");
        let revoked = house.revoked_for(&agent.access).await;
        assert_eq!(revoked, Some(RevokeReason::Logout));
        assert_eq!(house.revoked_for(&usual.access).await, None);
    }
}

#[tokio::test]
async fn what_such_a_client_asks_for_is_of_the_resources_it_names() {
    let open = Open::new().await;
    open.publish(&document());
    for scope in [
        "other:read",
        "closed:read",
        "expenses:read",
        "sealgate:clients:write",
    ] {
        open.refused(&changed("scope", scope), 400, "scope_not_allowed")
            .await;
    }
    let response = open.ask(&changed("scope", "")).await;
    assert_eq!(location(&response).path(), "/consent");
    let (_, cookie) = open.house.sign_in().await;
    let code = open
        .house
        .decide(&sealed(&response), &cookie, "allow")
        .await;
    let code = sent_back(&code)["code"].clone();
    let given = tokens(redeem_as(&open.house, ID, &code, CALLBACK).await).await;
    assert_eq!(given.body["scope"], "notes:read notes:write");
}

#[tokio::test]
async fn a_link_to_this_server_takes_nobody_to_a_strangers_address() {
    let open = Open::new().await;
    open.publish(&document());
    for (name, value, reason) in [
        ("prompt", "none", "consent_required"),
        ("scope", "other:read", "scope_not_allowed"),
    ] {
        let response = open.ask(&changed(name, value)).await;
        assert!(response.headers().get(LOCATION).is_none(), "{reason}");
        let page = text(response).await;
        assert!(page.contains(reason), "{reason}: {page}");
        let way_on = format!("<a href=\"{CALLBACK}?error=");
        assert!(page.contains(&way_on), "{reason}: {page}");
        assert!(page.contains("Go on to app.example"), "{reason}: {page}");
    }
    // Whoever has seen a page of ours, and said no there, is sent back.
    let (_, cookie) = open.house.sign_in().await;
    let asked = open.ask(&wish_of(ID)).await;
    let denied = open.house.decide(&sealed(&asked), &cookie, "deny").await;
    assert_eq!(sent_back(&denied)["error"], "access_denied");
}

#[tokio::test]
async fn what_is_closed_meanwhile_is_gone_from_the_next_token() {
    let open = Open::new().await;
    open.publish(&document());
    let code = code_of(&open.house, &wish_of(ID)).await;
    let first = tokens(redeem_as(&open.house, ID, &code, CALLBACK).await).await;
    let store = &open.house.plane.store;
    let before = store.resource(NOTES).await.unwrap().unwrap();
    let after = Resource {
        agents: false,
        ..before.clone()
    };
    let closed = store.resource_update(before, after, open.house.audit());
    assert!(closed.await.unwrap());
    let response = refresh_as(&open.house, ID, &first.refresh).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn any_port_on_localhost_is_the_clients_and_its_user_is_asked_each_time() {
    let open = Open::new().await;
    open.publish(&document());
    for _ in 0..2 {
        let response = open.ask(&changed("redirect_uri", LOCAL)).await;
        assert_eq!(location(&response).path(), "/consent");
        let (_, cookie) = open.house.sign_in().await;
        let back = open
            .house
            .decide(&sealed(&response), &cookie, "allow")
            .await;
        let back = location(&back);
        assert!(back.as_str().starts_with(LOCAL), "{back}");
        let code = back
            .query_pairs()
            .find(|(name, _)| name == "code")
            .unwrap()
            .1;
        tokens(redeem_as(&open.house, ID, &code, LOCAL).await).await;
    }
    for other in [
        "http://localhost:4711/other",
        "http://localhost.evil.example/cb",
        "http://localhost:0/cb",
        "https://agent.example/cb2",
    ] {
        let pairs = changed("redirect_uri", other);
        open.refused(&pairs, 400, "redirect_uri_unregistered").await;
    }
}

#[tokio::test]
async fn one_that_an_administrator_ended_stays_so() {
    let open = Open::new().await;
    open.publish(&document());
    open.ask(&wish_of(ID)).await;
    let id = ID.parse().unwrap();
    let store = &open.house.plane.store;
    let audit = || open.house.audit();
    assert!(store.client_disable(&id, audit()).await.unwrap());
    open.house.clock.advance(Duration::from_secs(2 * 3600));
    open.refused(&wish_of(ID), 400, "client_unknown").await;
    assert!(store.client_remove(&id, audit()).await.unwrap());
    open.refused(&wish_of(ID), 400, "client_unknown").await;
    assert_eq!(open.fetches(), 1);
    assert_eq!(open.row().await, None);
}

#[tokio::test]
async fn administrators_decide_whose_documents_are_read() {
    let off = Open::with_policy(|agents| agents.documents = Documents::Off).await;
    off.publish(&document());
    off.refused(&wish_of(ID), 400, "client_unknown").await;
    assert_eq!(off.fetches(), 0);
    let metadata = "/.well-known/oauth-authorization-server";
    let told = json(off.house.get(metadata, None).await).await;
    assert_eq!(told["client_id_metadata_document_supported"], false);

    let mut listed = Open::with_policy(|agents| {
        agents.documents = Documents::Listed;
        agents.domains = vec!["agent.example".to_owned()];
    })
    .await;
    listed.publish(&document());
    let code = code_of(&listed.house, &wish_of(ID)).await;
    let given = tokens(redeem_as(&listed.house, ID, &code, CALLBACK).await).await;
    listed
        .refused(&wish_of("https://evil.example/c"), 400, "client_unknown")
        .await;
    assert_eq!(listed.fetches(), 1);
    // Whoever is on the list no more has nothing more.
    let plane = Arc::get_mut(&mut listed.house.plane).unwrap();
    plane.policy.agents.domains = vec!["other.example".to_owned()];
    listed.refused(&wish_of(ID), 400, "client_unknown").await;
    let response = refresh_as(&listed.house, ID, &given.refresh).await;
    assert_refused(
        response,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_unauthenticated",
    )
    .await;
}

#[tokio::test]
async fn an_id_that_is_no_address_of_a_document_is_told_so() {
    let open = Open::new().await;
    for id in [
        "http://agent.example/c",
        "https://agent.example",
        "https://agent.example/../c",
        "https://127.0.0.1/c",
        "https://AGENT.example/c",
        "http://localhost:3000/c",
    ] {
        open.refused(&wish_of(id), 400, "client_document_invalid")
            .await;
    }
    assert_eq!(open.fetches(), 0);
}

#[tokio::test]
async fn a_pushed_request_brings_its_client_along_and_an_unknown_one_is_a_401() {
    let open = Open::new().await;
    open.publish(&document());
    let push = async |id: &str| {
        let pairs = wish_of(id);
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        open.house.post("/oauth/par", None, &pairs).await
    };
    let response = push(ID).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    let pushed = json(response).await["request_uri"]
        .as_str()
        .unwrap()
        .to_owned();
    let pairs = [("client_id", ID.to_owned()), ("request_uri", pushed)];
    let response = open.ask(&pairs).await;
    assert_eq!(location(&response).path(), "/consent");
    let refused = push("https://agent.example/../x").await;
    assert_refused(
        refused,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_document_invalid",
    )
    .await;
    let off = Open::with_policy(|agents| agents.documents = Documents::Off).await;
    let pairs = [("client_id", ID), ("resource", NOTES)];
    let refused = off.house.post("/oauth/par", None, &pairs).await;
    assert_refused(
        refused,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_unauthenticated",
    )
    .await;
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", ID),
    ];
    let refused = off.house.post("/oauth/token", None, &pairs).await;
    assert_refused(
        refused,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_unauthenticated",
    )
    .await;
}

#[tokio::test]
async fn a_client_with_keys_proves_itself_and_may_neither_introspect_nor_ask_for_itself() {
    let open = Open::new().await;
    let mine = key(Algorithm::Ed25519);
    let keys = "https://agent.example/keys";
    let mut signing = document();
    signing["token_endpoint_auth_method"] = value!("private_key_jwt");
    signing["jwks_uri"] = value!(keys);
    open.publish(&signing);
    let bytes = serde_json::to_vec(&set(&[mine.public_jwk()])).unwrap();
    open.remote.serve(keys, bytes, None);
    let code = code_of(&open.house, &wish_of(ID)).await;
    let row = open.row().await.unwrap();
    assert_eq!(
        row.details.authentication,
        ClientAuthentication::PrivateKeyJwt
    );

    let unsigned = redeem_as(&open.house, ID, &code, CALLBACK).await;
    assert_refused(
        unsigned,
        StatusCode::UNAUTHORIZED,
        "invalid_client",
        "client_unauthenticated",
    )
    .await;
    let signed = |pairs: &[(&'static str, &str)]| {
        let mut pairs: Vec<(&'static str, String)> = pairs
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        pairs.push((
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".into(),
        ));
        pairs.push((
            "client_assertion",
            assertion(&open.house, mine, ID, &value!({})),
        ));
        pairs
    };
    let post = async |path: &str, pairs: Vec<(&'static str, String)>| {
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        open.house.post(path, None, &pairs).await
    };
    let redeemed = post("/oauth/token", signed(&redemption(&code))).await;
    let given = tokens(redeemed).await;
    let told = post("/oauth/introspect", signed(&[("token", &given.access)])).await;
    assert_eq!(told.status(), StatusCode::UNAUTHORIZED);
    for grant in [
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ] {
        let pairs = signed(&[("grant_type", grant), ("assertion", "a.b.c")]);
        assert_eq!(
            post("/oauth/token", pairs).await.status(),
            StatusCode::BAD_REQUEST,
            "{grant}"
        );
    }
    // Another key in its place ends what was had by the first.
    let mut other = signing.clone();
    other["jwks_uri"] = value!("https://agent.example/keys2");
    open.publish(&other);
    open.house.clock.advance(Duration::from_secs(3600));
    open.ask(&wish_of(ID)).await;
    let revoked = open.house.revoked_for(&given.access).await;
    assert_eq!(revoked, Some(RevokeReason::ClientRevoked));
}

#[tokio::test]
async fn metadata_leads_todays_clients_to_documents() {
    let open = Open::new().await;
    let told = json(
        open.house
            .get("/.well-known/oauth-authorization-server", None)
            .await,
    )
    .await;
    assert_eq!(told["client_id_metadata_document_supported"], true);
    let has = |member: &str, value: &str| {
        let list = told[member].as_array().unwrap();
        assert!(list.iter().any(|one| one == value), "{member} {value}");
    };
    has("token_endpoint_auth_methods_supported", "none");
    has("scopes_supported", "offline_access");
    has("code_challenge_methods_supported", "S256");
    has("grant_types_supported", "refresh_token");
    assert!(told.get("registration_endpoint").is_none());
}
