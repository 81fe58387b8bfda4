//! Service accounts, from their registration to their offboarding.

use std::time::Duration;

use sealgate_jose::{Algorithm, SigningKey};
use sealgate_server::admin::{
    ClientView, CreatedBootstrap, MachineState, MachineView, Machines, OffboardedMachine,
};
use sealgate_store::{UseKind, Used};
use serde_json::{Value, json};

use crate::plane::{NOW, Plane, application};

const DAY: Duration = Duration::from_secs(24 * 3600);
const API: &str = "https://api.example";

fn importer(change: Value) -> Value {
    let mut machine = json!({
        "id": "importer", "owner": "finance@example.com", "purpose": "imports expenses",
        "expires_at": (NOW + 30 * DAY).as_millis(),
    });
    let Value::Object(members) = change else {
        panic!("{change} has no members");
    };
    for (name, value) in members {
        machine[name] = value;
    }
    machine
}

fn keys(kid: &str) -> Value {
    let (key, _) = SigningKey::generate(Algorithm::Ed25519, kid).unwrap();
    json!({ "keys": [key.public_jwk()] })
}

async fn add_api(plane: &Plane) {
    let api = json!({ "uri": API, "name": "API" });
    assert_eq!(plane.post("/resources", api).await.status, 201);
}

async fn used(plane: &Plane, what: &[(UseKind, &str)]) {
    let what = what.iter().map(|(kind, name)| (*kind, (*name).to_owned()));
    let used = Used {
        client: "importer".parse().unwrap(),
        what: what.collect(),
    };
    let now = sealgate_model::Clock::now(&*plane.clock);
    plane.plane.store.note_use(used, now).await.unwrap();
}

#[tokio::test]
async fn a_machine_is_registered_with_whose_it_is_and_never_with_a_secret() {
    let plane = Plane::new().await;
    add_api(&plane).await;
    let asked = importer(json!({ "scopes": ["expenses:read"], "resources": [API] }));
    let made = plane.post("/machines", asked.clone()).await;
    assert_eq!(made.status, 201);
    assert!(!made.body.contains("secret"), "{}", made.body);
    let machine: MachineView = made.read();
    assert_eq!(
        (machine.name.as_str(), machine.environment.as_str()),
        ("importer", "production")
    );
    assert_eq!(
        (machine.state, machine.days_left),
        (MachineState::Active, Some(30))
    );
    assert_eq!(
        (machine.last_used_at, machine.over_privileged),
        (None, false)
    );
    assert_eq!(machine.scopes[0].name, "expenses:read");
    let record = plane.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.actor.as_str()),
        ("machine.create", "operator")
    );
    let shown: MachineView = plane.get("/machines/importer").await.read();
    assert_eq!(shown, machine);
    let client: ClientView = plane.get("/clients/importer").await.read();
    assert_eq!(
        client.authentication,
        sealgate_store::ClientAuthentication::PrivateKeyJwt
    );
    plane
        .post("/machines", asked)
        .await
        .refused(409, "conflict");
    plane
        .get("/machines/nobody")
        .await
        .refused(404, "machine_unknown");
    let app = plane.post("/clients", application()).await;
    let app = app.read::<Value>()["client"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    plane
        .get(&format!("/machines/{app}"))
        .await
        .refused(404, "machine_unknown");
}

#[tokio::test]
async fn what_is_not_sound_is_refused() {
    let plane = Plane::new().await;
    let late = (NOW + 400 * DAY).as_millis();
    for (change, status, reason) in [
        (json!({ "owner": " " }), 422, "machine_text_malformed"),
        (
            json!({ "purpose": "a\u{202e}b" }),
            422,
            "machine_text_malformed",
        ),
        (
            json!({ "environment": "pro duction" }),
            422,
            "machine_environment_malformed",
        ),
        (
            json!({ "environment": "" }),
            422,
            "machine_environment_malformed",
        ),
        (
            json!({ "expires_at": NOW.as_millis() }),
            422,
            "machine_expiry_wrong",
        ),
        (
            json!({ "expires_at": late + 1 }),
            422,
            "machine_expiry_wrong",
        ),
        (
            json!({ "grants": ["authorization_code"] }),
            422,
            "machine_grant_refused",
        ),
        (json!({ "grants": [] }), 422, "machine_grant_refused"),
        (json!({ "scopes": ["openid"] }), 422, "scope_needs_user"),
        (json!({ "scopes": ["sealgate:all"] }), 422, "scope_reserved"),
        (json!({ "resources": [API] }), 422, "resource_unknown"),
        (
            json!({ "access_lifetime": 901 }),
            422,
            "access_lifetime_wrong",
        ),
        (
            json!({ "id": "https://a.example/client" }),
            422,
            "client_id_refused",
        ),
        (
            json!({ "id": "01890a5d-ac96-774b-bcce-b302099a8057" }),
            422,
            "client_id_refused",
        ),
        (
            json!({ "jwks": keys("a"), "jwks_uri": "https://a.example" }),
            422,
            "client_keys_twice",
        ),
        (
            json!({ "jwks": { "keys": [] } }),
            422,
            "client_keys_unusable",
        ),
        (json!({ "secret": "hunter2" }), 400, "body_malformed"),
        (json!({ "authentication": "secret" }), 400, "body_malformed"),
        (
            json!({ "identities": [{ "issuer": "https://nobody.example", "claims": { "sub": "a" } }] }),
            422,
            "issuer_unknown",
        ),
    ] {
        let said = change.to_string();
        let refused = plane.post("/machines", importer(change)).await;
        assert!(refused.status.is_client_error(), "{said}");
        refused.refused(status, reason);
    }
    let mut nameless = importer(json!({}));
    nameless.as_object_mut().unwrap().remove("owner");
    plane
        .post("/machines", nameless)
        .await
        .refused(400, "body_malformed");
    let last = importer(json!({ "expires_at": late }));
    assert_eq!(plane.post("/machines", last).await.status, 201);
}

#[tokio::test]
async fn the_api_for_clients_makes_nothing_else_of_a_machine() {
    let plane = Plane::new().await;
    assert_eq!(
        plane.post("/machines", importer(json!({}))).await.status,
        201
    );
    for patch in [
        json!({ "authentication": "secret" }),
        json!({ "grants": ["authorization_code"], "redirect_uris": ["https://a.example/cb"] }),
        json!({ "name": "Another" }),
    ] {
        let refused = plane.patch("/clients/importer", patch).await;
        refused.refused(409, "client_is_machine");
    }
    let secret = plane.post("/clients/importer/secret", json!(null)).await;
    secret.refused(409, "client_is_machine");
    plane
        .delete("/clients/importer")
        .await
        .refused(409, "client_is_machine");
    let id = "importer".parse().unwrap();
    let kept = plane.plane.store.client(&id).await.unwrap().unwrap();
    assert_eq!(kept.secret_hash, None);

    // To disable it is to end it for now, by whichever name it goes.
    let disabled = plane.post("/clients/importer/disable", json!(null)).await;
    assert_eq!(disabled.status, 200);
    let shown: MachineView = plane.get("/machines/importer").await.read();
    assert_eq!(shown.state, MachineState::Disabled);
    assert_eq!(
        plane
            .post("/clients/importer/enable", json!(null))
            .await
            .status,
        200
    );
    plane.clock.advance(30 * DAY);
    let late = plane.post("/clients/importer/enable", json!(null)).await;
    late.refused(409, "machine_expired");
    let more = json!({ "expires_at": (NOW + 60 * DAY).as_millis() });
    assert_eq!(plane.patch("/machines/importer", more).await.status, 200);
    assert_eq!(
        plane
            .post("/clients/importer/enable", json!(null))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_machine_is_changed_as_it_was_read() {
    let plane = Plane::new().await;
    add_api(&plane).await;
    assert_eq!(
        plane.post("/machines", importer(json!({}))).await.status,
        201
    );
    let patch = json!({
        "owner": "platform@example.com", "purpose": "more", "environment": "staging", "name": "Importer",
        "expires_at": (NOW + 60 * DAY).as_millis(), "scopes": ["a", "a"], "resources": [API],
        "jwks": keys("a"), "access_lifetime": 120, "require_dpop": true, "algorithm": "ES256",
        "grants": ["urn:ietf:params:oauth:grant-type:token-exchange", "client_credentials"],
    });
    let changed: MachineView = plane
        .patch("/machines/importer", patch.clone())
        .await
        .read();
    assert_eq!(changed.owner, "platform@example.com");
    assert_eq!((changed.scopes.len(), changed.resources.len()), (1, 1));
    assert_eq!(
        changed
            .grants
            .iter()
            .map(|grant| grant.as_str())
            .collect::<Vec<_>>(),
        [
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:token-exchange"
        ]
    );
    assert_eq!(changed.days_left, Some(60));
    assert_eq!(
        (changed.require_dpop, changed.access_lifetime),
        (true, Some(120))
    );
    assert_eq!(plane.last_record().await.action, "machine.update");
    let none: MachineView = plane
        .patch(
            "/machines/importer",
            json!({ "jwks": null, "access_lifetime": null }),
        )
        .await
        .read();
    assert_eq!((none.jwks, none.access_lifetime), (None, None));
    for (patch, status, reason) in [
        (json!({ "owner": null }), 400, "body_malformed"),
        (json!({ "id": "other" }), 400, "body_malformed"),
        (
            json!({ "expires_at": (NOW - DAY).as_millis() }),
            422,
            "machine_expiry_wrong",
        ),
    ] {
        plane
            .patch("/machines/importer", patch)
            .await
            .refused(status, reason);
    }
}

#[tokio::test]
async fn identities_are_of_trusted_issuers_and_nobody_elses() {
    let plane = Plane::new().await;
    let issuer = json!({
        "issuer": "https://token.actions.githubusercontent.com", "name": "GitHub", "kind": "github",
    });
    let added = plane.post("/issuers", issuer).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let identity = json!([{
        "issuer": "https://token.actions.githubusercontent.com",
        "claims": { "repository": "acme/expenses", "ref": "refs/heads/main" },
    }]);
    let made = plane
        .post("/machines", importer(json!({ "identities": identity })))
        .await;
    let made: MachineView = made.read();
    assert_eq!(
        made.grants
            .iter()
            .map(|grant| grant.as_str())
            .collect::<Vec<_>>(),
        ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    );
    assert_eq!(made.identities[0].claims["repository"], "acme/expenses");
    let other = importer(json!({ "id": "other", "identities": identity }));
    plane
        .post("/machines", other)
        .await
        .refused(409, "machine_identity_taken");
    let broad = json!([{
        "issuer": "https://token.actions.githubusercontent.com", "claims": { "ref": "refs/heads/main" },
    }]);
    let broad = plane
        .patch("/machines/importer", json!({ "identities": broad }))
        .await;
    broad.refused(422, "identity_rule_broad");
    let judged = json!([{
        "issuer": "https://token.actions.githubusercontent.com",
        "claims": { "repository": "acme/expenses", "/iss": "https://token.actions.githubusercontent.com" },
    }]);
    let judged = plane
        .patch("/machines/importer", json!({ "identities": judged }))
        .await;
    judged.refused(422, "identity_rule_malformed");
    let none: MachineView = plane
        .patch(
            "/machines/importer",
            json!({ "identities": [], "grants": ["client_credentials"] }),
        )
        .await
        .read();
    assert!(none.identities.is_empty());
}

#[tokio::test]
async fn what_is_not_used_for_so_long_is_shown() {
    let plane = Plane::new().await;
    add_api(&plane).await;
    let asked = importer(json!({
        "scopes": ["read", "write"], "resources": [API],
        "expires_at": (NOW + 300 * DAY).as_millis(),
    }));
    assert_eq!(plane.post("/machines", asked).await.status, 201);
    plane.clock.advance(50 * DAY);
    used(
        &plane,
        &[
            (UseKind::Token, ""),
            (UseKind::Scope, "read"),
            (UseKind::Resource, API),
        ],
    )
    .await;
    let unused = async |query: &str| {
        let shown: MachineView = plane
            .get(&format!("/machines/importer{query}"))
            .await
            .read();
        let all = shown.scopes.iter().chain(&shown.resources);
        let names: Vec<String> = all
            .filter(|one| one.unused)
            .map(|one| one.name.clone())
            .collect();
        assert_eq!(shown.over_privileged, !names.is_empty());
        (names, shown.last_used_at)
    };
    let last = Some(NOW + 50 * DAY);
    assert_eq!(unused("").await, (vec![], last));
    assert_eq!(
        unused("?unused_for=50").await,
        (vec!["write".to_owned()], last)
    );
    plane.clock.advance(40 * DAY);
    assert_eq!(unused("").await.0, ["write"]);
    // What it may only since yesterday is not unused for long.
    let scopes = json!({ "scopes": ["read", "write", "more"] });
    assert_eq!(plane.patch("/machines/importer", scopes).await.status, 200);
    plane.clock.advance(DAY);
    assert_eq!(unused("").await.0, ["write"]);
    assert_eq!(
        unused("?unused_for=1").await.0,
        ["read", "write", "more", API]
    );
    for wrong in [
        "?unused_for=0",
        "?unused_for=3651",
        "?unused_for=a",
        "?days=1",
    ] {
        let path = format!("/machines/importer{wrong}");
        plane.get(&path).await.refused(400, "query_malformed");
    }
    let listed: Machines = plane.get("/machines?unused_for=365").await.read();
    assert!(!listed.machines[0].over_privileged);
}

#[tokio::test]
async fn a_bootstrap_credential_is_told_once_for_a_machine_that_can_be_used() {
    let plane = Plane::new().await;
    assert_eq!(
        plane.post("/machines", importer(json!({}))).await.status,
        201
    );
    let made = plane.post("/machines/importer/bootstrap", json!({})).await;
    assert_eq!(made.status, 201);
    let made: CreatedBootstrap = made.read();
    assert!(made.credential.starts_with("sealgate_bootstrap_"));
    assert_eq!(made.expires_at, NOW + Duration::from_secs(3600));
    assert_eq!(made.endpoint, "https://id.example/oauth/bootstrap");
    assert_eq!(format!("{made:?}"), "CreatedBootstrap(importer)");
    assert_eq!(plane.last_record().await.action, "machine.bootstrap");
    let shown = plane.get("/machines/importer").await;
    assert!(!shown.body.contains(&made.credential));
    let open = shown.read::<MachineView>().bootstrap.unwrap();
    assert_eq!(open.expires_at, made.expires_at);
    for (lifetime, good) in [(299, false), (300, true), (86_400, true), (86_401, false)] {
        let options = json!({ "lifetime": lifetime });
        let answer = plane.post("/machines/importer/bootstrap", options).await;
        if good {
            assert_eq!(answer.status, 201);
        } else {
            answer.refused(422, "bootstrap_lifetime_wrong");
        }
    }
    let nobody = plane.post("/machines/nobody/bootstrap", json!({})).await;
    nobody.refused(404, "machine_unknown");
    plane.clock.advance(29 * DAY + Duration::from_secs(86_340));
    let short: CreatedBootstrap = plane
        .post("/machines/importer/bootstrap", json!({}))
        .await
        .read();
    assert_eq!(short.expires_at, NOW + 30 * DAY);
    plane.clock.advance(Duration::from_secs(60));
    let late = plane.post("/machines/importer/bootstrap", json!({})).await;
    late.refused(409, "machine_unusable");
    let elsewhere = importer(json!({
        "id": "elsewhere", "jwks_uri": "https://keys.example/jwks",
        "expires_at": (NOW + 90 * DAY).as_millis(),
    }));
    assert_eq!(plane.post("/machines", elsewhere).await.status, 201);
    let beside = json!({ "keep_keys": true });
    let refused = plane.post("/machines/elsewhere/bootstrap", beside).await;
    refused.refused(409, "machine_keys_elsewhere");
}

#[tokio::test]
async fn an_offboarded_machine_is_ended_for_good_and_stays_readable() {
    let plane = Plane::new().await;
    let asked = importer(json!({ "jwks": keys("a") }));
    assert_eq!(plane.post("/machines", asked.clone()).await.status, 201);
    let api = json!({ "uri": API, "name": "API", "client": "importer" });
    assert_eq!(plane.post("/resources", api).await.status, 201);
    let mut named = application();
    named["id"] = json!("portal");
    named["may_act"] = json!("importer");
    assert_eq!(plane.post("/clients", named).await.status, 201);
    assert_eq!(
        plane
            .post("/machines/importer/bootstrap", json!({}))
            .await
            .status,
        201
    );
    let before: MachineView = plane.get("/machines/importer").await.read();
    assert_eq!(before.serves, [API]);
    assert_eq!(before.may_act_of[0].as_str(), "portal");

    let answer = plane.post("/machines/importer/offboard", json!(null)).await;
    let position = answer.headers["sealgate-revocation"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(position.contains('.'), "{position}");
    let done: OffboardedMachine = answer.read();
    assert_eq!(
        (done.again, done.machine.state),
        (false, MachineState::Offboarded)
    );
    assert_eq!(
        (
            done.ended.keys,
            done.ended.bootstraps,
            done.ended.delegations
        ),
        (1, 1, 0)
    );
    assert_eq!(
        (done.served, done.may_act_of),
        (vec![API.to_owned()], before.may_act_of)
    );
    assert_eq!(plane.last_record().await.action, "machine.offboard");

    let shown: MachineView = plane.get("/machines/importer").await.read();
    assert_eq!(
        (shown.owner.as_str(), shown.offboarded_at),
        ("finance@example.com", Some(NOW))
    );
    assert!(
        plane
            .get("/machines")
            .await
            .read::<Machines>()
            .machines
            .is_empty()
    );
    assert_eq!(
        plane
            .get("/machines?all=true")
            .await
            .read::<Machines>()
            .machines
            .len(),
        1
    );
    plane
        .get("/clients/importer")
        .await
        .refused(404, "client_unknown");
    let patch = plane
        .patch("/machines/importer", json!({ "owner": "a" }))
        .await;
    patch.refused(409, "machine_offboarded");
    let credential = plane.post("/machines/importer/bootstrap", json!({})).await;
    credential.refused(409, "machine_offboarded");
    plane
        .post("/machines", asked)
        .await
        .refused(409, "conflict");
    let again: OffboardedMachine = plane
        .post("/machines/importer/offboard", json!(null))
        .await
        .read();
    assert_eq!((again.again, again.ended.keys), (true, 0));
    let nobody = plane.post("/machines/nobody/offboard", json!(null)).await;
    nobody.refused(404, "machine_unknown");
}

#[tokio::test]
async fn nobody_gives_a_machine_more_of_the_administration_than_they_have() {
    let plane = Plane::open().await;
    let weak = plane
        .add_machine("weak", &["sealgate:clients:read", "sealgate:clients:write"])
        .await;
    let bearer = plane.bearer(&weak, "sealgate:clients:write").await;
    let ask = async |path: &str, body: Value| {
        plane
            .network(http::Method::POST, path, Some(body), Some(&bearer))
            .await
    };
    let strong = importer(json!({ "scopes": ["sealgate:users:write"] }));
    ask("/machines", strong.clone())
        .await
        .refused(403, "administration_exceeded");
    assert_eq!(plane.post("/machines", strong).await.status, 201);
    for path in [
        "/machines/importer/bootstrap",
        "/machines/importer/offboard",
    ] {
        ask(path, json!({}))
            .await
            .refused(403, "administration_exceeded");
    }
    let patch = plane
        .network(
            http::Method::PATCH,
            "/machines/importer",
            Some(json!({ "jwks": keys("mine") })),
            Some(&bearer),
        )
        .await;
    patch.refused(403, "administration_exceeded");
    let plain = importer(json!({ "id": "plain" }));
    assert_eq!(ask("/machines", plain).await.status, 201);
}

#[tokio::test]
async fn machines_are_listed_in_slices() {
    let plane = Plane::new().await;
    for id in ["a", "b", "c"] {
        assert_eq!(
            plane
                .post("/machines", importer(json!({ "id": id })))
                .await
                .status,
            201
        );
    }
    let first: Machines = plane.get("/machines?limit=2").await.read();
    let ids = |page: &Machines| -> Vec<String> {
        page.machines
            .iter()
            .map(|machine| machine.id.to_string())
            .collect()
    };
    assert_eq!(ids(&first), ["a", "b"]);
    let path = format!("/machines?limit=2&after={}", first.next.unwrap());
    let rest: Machines = plane.get(&path).await.read();
    assert_eq!((ids(&rest), rest.next), (vec!["c".to_owned()], None));
}
