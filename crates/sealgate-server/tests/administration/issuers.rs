//! Issuers whose identities are taken.

use sealgate_jose::SigningKey;
use sealgate_model::Clock as _;
use sealgate_server::admin::{IdentityLinkView, IdentityLinks, IssuerView, Issuers, TriedIdentity};
use serde_json::{Value, json};

use crate::plane::{ISSUER, Plane};

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const AT: &str = "/issuer?issuer=https%3A%2F%2Ftoken.actions.githubusercontent.com";

fn github() -> Value {
    json!({ "issuer": GITHUB, "name": "GitHub Actions", "kind": "github",
            "claims": { "repository_owner": "acme" } })
}

fn with(mut body: Value, member: &str, value: Value) -> Value {
    body[member] = value;
    body
}

fn key() -> SigningKey {
    SigningKey::from_seed("k1", &[7; 32]).unwrap()
}

fn enterprise() -> Value {
    json!({
        "issuer": "https://idp.corp.example", "name": "Directory", "kind": "enterprise",
        "jwks": { "keys": [key().public_jwk()] }, "domains": ["Corp.example", "corp.example"],
    })
}

#[tokio::test]
async fn an_issuer_is_added_shown_disabled_and_removed() {
    let plane = Plane::new().await;
    let made: IssuerView = plane.post("/issuers", github()).await.read();
    assert_eq!((made.audience.as_str(), made.disabled_at), (ISSUER, None));
    plane
        .post("/issuers", github())
        .await
        .refused(409, "issuer_known");
    assert_eq!(plane.get(AT).await.read::<IssuerView>(), made);
    let directory: IssuerView = plane.post("/issuers", enterprise()).await.read();
    assert_eq!(directory.domains, ["corp.example"]);
    let all: Issuers = plane.get("/issuers").await.read();
    assert_eq!(all.issuers, [directory, made.clone()]);
    let page: Issuers = plane.get("/issuers?limit=1").await.read();
    assert_eq!(page.next.as_deref(), Some("https://idp.corp.example"));

    let disable = AT.replace("/issuer?", "/issuer/disable?");
    let enable = AT.replace("/issuer?", "/issuer/enable?");
    let now: IssuerView = plane.post(&disable, Value::Null).await.read();
    assert_eq!(now.disabled_at, Some(plane.clock.now()));
    let now: IssuerView = plane.post(&enable, Value::Null).await.read();
    assert_eq!(now.disabled_at, None);
    assert_eq!(plane.delete(AT).await.status, 204);
    plane.delete(AT).await.refused(404, "issuer_unknown");
    plane.get(AT).await.refused(404, "issuer_unknown");
    plane
        .post(&disable, Value::Null)
        .await
        .refused(404, "issuer_unknown");
}

#[tokio::test]
async fn one_that_is_not_sound_is_refused() {
    let plane = Plane::new().await;
    let bundle = with(
        with(github(), "kind", json!("spiffe")),
        "issuer",
        json!("spiffe://acme.example"),
    );
    let private = json!({ "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "k" });
    for (body, reason) in [
        (with(github(), "name", json!(" ")), "issuer_malformed"),
        (with(github(), "issuer", json!("")), "issuer_malformed"),
        (
            with(github(), "issuer", json!("http://gh.example")),
            "issuer_malformed",
        ),
        (
            with(github(), "issuer", json!("https://gh.example?a")),
            "issuer_malformed",
        ),
        (
            with(github(), "issuer", json!("https://u@gh.example")),
            "issuer_malformed",
        ),
        (
            with(github(), "issuer", json!("cluster")),
            "issuer_malformed",
        ),
        (with(github(), "issuer", json!(ISSUER)), "issuer_malformed"),
        (
            with(github(), "issuer", json!("https://10.0.0.1")),
            "outbound_address_forbidden",
        ),
        (
            with(github(), "jwks_uri", json!("https://169.254.169.254/k")),
            "outbound_address_forbidden",
        ),
        (
            with(github(), "claims", json!({ "repository_owner": "*" })),
            "identity_rule_broad",
        ),
        (
            with(github(), "claims", json!({ "a": "b*" })),
            "identity_rule_malformed",
        ),
        (
            with(github(), "trust_domain", json!("acme.example")),
            "identity_rule_malformed",
        ),
        (
            with(github(), "domains", json!(["corp.example"])),
            "issuer_malformed",
        ),
        (with(github(), "tenant", json!("acme")), "issuer_malformed"),
        (with(enterprise(), "domains", json!([])), "issuer_malformed"),
        (
            with(enterprise(), "domains", json!(["corp example"])),
            "issuer_malformed",
        ),
        (
            with(enterprise(), "audience", json!("https://other.example")),
            "issuer_malformed",
        ),
        (
            with(enterprise(), "jwks_uri", json!("https://k.example")),
            "issuer_keys_twice",
        ),
        (
            with(enterprise(), "jwks", json!({ "keys": [] })),
            "issuer_keys_unusable",
        ),
        (
            with(enterprise(), "jwks", json!([])),
            "issuer_keys_unusable",
        ),
        (
            with(enterprise(), "jwks", json!({ "keys": [private] })),
            "issuer_keys_unusable",
        ),
        (bundle.clone(), "issuer_keys_unusable"),
        // A key for signatures of any kind is none for JWT-SVIDs.
        (
            with(bundle, "jwks", json!({ "keys": [key().public_jwk()] })),
            "issuer_keys_unusable",
        ),
    ] {
        let seen = plane.post("/issuers", body.clone()).await;
        assert!(!seen.body.contains("nWGx"));
        if reason == "outbound_address_forbidden" {
            assert_eq!(seen.status, 422, "{body}");
        } else {
            seen.refused(422, reason);
        }
    }
    assert!(
        plane
            .get("/issuers")
            .await
            .read::<Issuers>()
            .issuers
            .is_empty()
    );
}

#[tokio::test]
async fn accounts_are_linked_by_hand_and_forgotten() {
    let plane = Plane::new().await;
    plane
        .post("/issuers", enterprise())
        .await
        .read::<IssuerView>();
    plane.post("/issuers", github()).await.read::<IssuerView>();
    let (first, second) = (
        plane.add_user("ada@corp.example", &[]).await,
        plane.add_user("eve@corp.example", &[]).await,
    );
    let at = "/issuer/links?issuer=https%3A%2F%2Fidp.corp.example";
    let link = |subject: &str, user: &str| json!({ "subject": subject, "user": user });
    let (first, second) = (first.to_string(), second.to_string());
    let made: IdentityLinkView = plane.post(at, link("00u1", &first)).await.read();
    assert_eq!(made.user.to_string(), first);
    for (subject, user) in [("00u1", &second), ("00u2", &first)] {
        plane
            .post(at, link(subject, user))
            .await
            .refused(409, "identity_linked");
    }
    for subject in ["", "a\nb"] {
        plane
            .post(at, link(subject, &second))
            .await
            .refused(422, "identity_link_malformed");
    }
    let nobody = "01928e2a-7c00-7000-8000-000000000001";
    plane
        .post(at, link("00u3", nobody))
        .await
        .refused(422, "user_unknown");
    let other = AT.replace("/issuer?", "/issuer/links?");
    plane
        .post(&other, link("00u3", &second))
        .await
        .refused(422, "identity_link_malformed");
    assert_eq!(plane.get(at).await.read::<IdentityLinks>().links, [made]);
    let one = format!("{at}&user={first}");
    assert_eq!(plane.delete(&one).await.status, 204);
    plane
        .delete(&one)
        .await
        .refused(404, "identity_link_unknown");
}

#[tokio::test]
async fn a_token_is_tried_without_being_used() {
    let plane = Plane::new().await;
    let body = json!({
        "issuer": GITHUB, "name": "GitHub Actions", "kind": "github",
        "jwks": { "keys": [key().public_jwk()] },
    });
    plane.post("/issuers", body).await.read::<IssuerView>();
    let at = AT.replace("/issuer?", "/issuer/try?");
    let now = plane.clock.now().as_seconds();
    let token = |aud: &str| {
        let claims = json!({
            "iss": GITHUB, "sub": "repo:acme/shop:ref:refs/heads/main", "aud": aud,
            "exp": now + 300, "iat": now, "repository": "acme/shop", "ref": "refs/heads/main",
        });
        json!({ "token": key().sign("JWT", &claims).unwrap() })
    };
    let tried = async |aud: &str| -> TriedIdentity { plane.post(&at, token(aud)).await.read() };
    let found = tried(ISSUER).await;
    assert_eq!(found.reason.as_deref(), Some("identity_unmatched"));
    assert_eq!(found.claims.unwrap()["repository"], "acme/shop");
    let machine = json!({
        "id": "deploy", "name": "Deploy", "owner": "ops", "purpose": "Deploy", "environment": "production",
        "expires_at": plane.clock.now().as_millis() + 86_400_000,
        "identities": [{ "issuer": GITHUB, "claims": { "repository": "acme/shop", "ref": "refs/heads/next" } }],
    });
    let made = plane.post("/machines", machine).await;
    assert!(made.status.is_success(), "{}", made.body);
    let found = tried(ISSUER).await;
    assert_eq!(found.machine, None);
    assert_eq!(found.candidates[0].differing, ["ref"]);
    let changed = json!({
        "identities": [{ "issuer": GITHUB, "claims": { "repository": "acme/shop" } }],
    });
    let changed = plane.patch("/machines/deploy", changed).await;
    assert!(changed.status.is_success(), "{}", changed.body);
    let found = tried(ISSUER).await;
    assert_eq!(found.machine.unwrap().as_str(), "deploy");
    assert_eq!(found.reason, None);
    let found = tried("https://other.example").await;
    assert_eq!(found.reason.as_deref(), Some("identity_audience_wrong"));
    assert_eq!((found.claims, found.machine), (None, None));
    // Rules that take in strangers, and issuers that nobody registered, are refused where machines are made.
    for (claims, issuer, reason) in [
        (
            json!({ "ref": "refs/heads/main" }),
            GITHUB,
            "identity_rule_broad",
        ),
        (
            json!({ "repository": "acme*" }),
            GITHUB,
            "identity_rule_malformed",
        ),
        (
            json!({ "sub": "x" }),
            "https://nobody.example",
            "issuer_unknown",
        ),
    ] {
        let body = json!({ "identities": [{ "issuer": issuer, "claims": claims }] });
        plane
            .patch("/machines/deploy", body)
            .await
            .refused(422, reason);
    }
}
