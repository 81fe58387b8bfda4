//! Bearer tokens: who passes, and what a token must be like.

use sealgate_gate::CredentialKind;
use sealgate_model::{Actor, Machine, Timestamp, User};
use sealgate_revocation::Subject;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Value, json};

use crate::house::{AUDIENCE, House, NOW, SID, any, machine, refusal, user, with, without};

const GRANT: &str = "01928e2a-7c00-7000-8000-000000000001";

#[tokio::test]
async fn a_users_token_names_the_user_and_the_client() {
    let house = House::new();
    let caller = house.bearer(&house.token(&user())).await.unwrap().caller;
    let expected = User {
        id: "u1".to_owned(),
        scopes: ["sealgate:users:read", "sealgate:keys:write"]
            .map(str::to_owned)
            .to_vec(),
        roles: vec!["admin".to_owned()],
        tenant: Some("acme".to_owned()),
        acr: Some("urn:sealgate:acr:password".to_owned()),
        authenticated_at: Some(Timestamp::from_seconds(NOW - 100)),
        client: Some("cli".to_owned()),
        ..User::default()
    };
    assert_eq!(*caller.actor, Actor::User(expected));
    let credential = &caller.credential;
    assert_eq!(credential.kind, CredentialKind::Bearer);
    assert_eq!(credential.session, Some(SID.parse().unwrap()));
    assert_eq!(credential.subject.as_deref(), Some("u1"));
    assert_eq!(credential.token.as_deref(), Some("t1"));
    assert_eq!(credential.key.as_deref(), Some("k1"));
    assert_eq!(credential.started_at, Timestamp::from_seconds(NOW));
}

#[tokio::test]
async fn a_machines_token_names_no_user() {
    let house = House::new();
    let caller = house.bearer(&house.token(&machine())).await.unwrap().caller;
    let expected = Machine {
        id: "batch".to_owned(),
        client: "batch".to_owned(),
        scopes: vec!["sealgate:users:read".to_owned()],
        ..Machine::default()
    };
    assert_eq!(*caller.actor, Actor::Machine(expected));
    assert_eq!(caller.credential.subject, None);
}

#[tokio::test]
async fn every_required_claim_is_required() {
    let house = House::new();
    for claim in ["iss", "aud", "sub", "client_id", "jti", "iat", "exp"] {
        let token = house.token(&without(user(), claim));
        assert_eq!(
            refusal(house.bearer(&token).await),
            (401, "token_invalid"),
            "{claim}"
        );
    }
}

#[tokio::test]
async fn every_claim_has_exactly_its_type() {
    let house = House::new();
    let cases = [
        ("iss", json!(["https://id.example"])),
        ("aud", json!({})),
        ("aud", json!([1])),
        ("sub", json!(1)),
        ("sub", json!("")),
        ("sub", json!("u".repeat(256))),
        ("sub", json!("u\n1")),
        ("client_id", json!("")),
        ("jti", json!("")),
        ("iat", json!("1800000000")),
        ("exp", json!(1_800_000_300.5)),
        ("exp", json!("1800000300")),
        ("nbf", json!("soon")),
        ("scope", json!(["a"])),
        ("scope", json!("a \"b")),
        ("sid", json!("")),
        ("roles", json!("admin")),
        ("roles", Value::Null),
        ("tenant", json!("ACME")),
        ("acr", json!(1)),
        ("auth_time", json!("now")),
        ("auth_time", Value::Null),
        ("cnf", Value::Null),
        ("cnf", json!({})),
        ("cnf", json!({"x5t#S256": "a"})),
        ("cnf", json!({"jkt": "a", "x5t#S256": "a"})),
        ("cnf", json!(["a"])),
    ];
    for (claim, value) in cases {
        let token = house.token(&with(user(), claim, value.clone()));
        assert_eq!(
            refusal(house.bearer(&token).await),
            (401, "token_invalid"),
            "{claim} = {value}"
        );
    }
}

#[tokio::test]
async fn a_token_is_of_this_issuer_for_this_resource_and_alive() {
    let house = House::new();
    let cases = [
        ("iss", json!("https://id.example/"), "token_issuer_wrong"),
        ("aud", json!("https://id.example"), "token_audience_wrong"),
        ("aud", json!([]), "token_audience_wrong"),
        (
            "aud",
            json!(["https://id.example/api"]),
            "token_audience_wrong",
        ),
        ("exp", json!(NOW - 60), "token_expired"),
        ("exp", json!(i64::MIN), "token_expired"),
        ("iat", json!(NOW + 61), "token_not_yet_valid"),
        ("nbf", json!(NOW + 61), "token_not_yet_valid"),
        ("iat", json!(i64::MAX), "token_not_yet_valid"),
    ];
    for (claim, value, reason) in cases {
        let token = house.token(&with(user(), claim, value.clone()));
        assert_eq!(
            refusal(house.bearer(&token).await),
            (401, reason),
            "{claim} = {value}"
        );
    }
    for (claim, value) in [
        ("exp", json!(NOW - 59)),
        ("iat", json!(NOW + 60)),
        ("nbf", json!(NOW + 60)),
        ("aud", json!(["https://other.example", AUDIENCE])),
    ] {
        let token = house.token(&with(user(), claim, value));
        assert!(house.bearer(&token).await.is_ok(), "{claim}");
    }
}

#[tokio::test]
async fn other_tokens_of_the_issuer_are_no_access_tokens() {
    let house = House::new();
    for kind in ["JWT", "secevent+jwt", "logout+jwt", "at+jwt2", ""] {
        let token = house.token_of_type(kind, &user());
        assert_eq!(
            refusal(house.bearer(&token).await),
            (401, "token_invalid"),
            "{kind}"
        );
    }
    let token = house.token_of_type("application/at+JWT", &user());
    assert!(house.bearer(&token).await.is_ok());
}

#[tokio::test]
async fn a_token_of_another_key_or_a_changed_one_is_refused() {
    let house = House::new();
    let stranger = house.holder.sign("at+jwt", &user()).unwrap();
    let mut changed = house.token(&user());
    changed.truncate(changed.len() - 2);
    for token in [stranger.as_str(), &changed, "a.b.c", "opaque"] {
        assert_eq!(
            refusal(house.bearer(token).await),
            (401, "token_invalid"),
            "{token}"
        );
    }
}

#[tokio::test]
async fn a_client_that_acts_for_itself_has_no_session() {
    let house = House::new();
    for (claim, value) in [("sid", json!(SID)), ("auth_time", json!(NOW))] {
        let token = house.token(&with(machine(), claim, value));
        assert_eq!(
            refusal(house.bearer(&token).await),
            (401, "token_invalid"),
            "{claim}"
        );
    }
}

#[tokio::test]
async fn exactly_one_credential_is_taken() {
    let house = House::new();
    let token = house.token(&user());
    let bearer = format!("Bearer {token}");
    let any = any();
    let none = house.ask(&[], &[], &any).await;
    assert_eq!(refusal(none), (401, "credential_missing"));
    let twice = house.ask(&[&bearer, &bearer], &[], &any).await;
    assert_eq!(refusal(twice), (400, "credential_duplicate"));
    let basic = house.ask(&["Basic YTpi"], &[], &any).await;
    assert_eq!(refusal(basic), (401, "credential_unsupported"));
    let long = house
        .ask(&[&format!("Bearer {}", "a".repeat(20_000))], &[], &any)
        .await;
    assert_eq!(refusal(long), (401, "credential_oversize"));
}

#[tokio::test]
async fn whatever_is_revoked_of_a_token_denies_it() {
    let at = |seconds| Timestamp::from_seconds(NOW + seconds);
    let subjects = [
        Subject::Token { jti: "t1".into() },
        Subject::Session(SID.parse().unwrap()),
        Subject::User {
            sub: "u1".into(),
            not_before: at(0),
        },
        Subject::Client {
            client: "cli".parse().unwrap(),
            not_before: at(0),
        },
        Subject::Key { kid: "k1".into() },
        Subject::Tenant {
            tenant: "acme".parse().unwrap(),
            not_before: at(0),
        },
        Subject::Grant(GRANT.parse().unwrap()),
        Subject::All { not_before: at(0) },
    ];
    let granted = |house: &House| {
        let claims = with(user(), "tenant", json!("acme"));
        house.token(&with(claims, "grants", json!([GRANT])))
    };
    for subject in subjects {
        let house = House::new();
        let token = granted(&house);
        assert!(house.bearer(&token).await.is_ok());
        house.revoke(subject.clone());
        assert_eq!(
            refusal(house.bearer(&token).await),
            (401, "token_revoked"),
            "{subject:?}"
        );
    }
    let house = House::new();
    let not_before = at(-1);
    house.revoke(Subject::User {
        sub: "u1".into(),
        not_before,
    });
    house.revoke(Subject::User {
        sub: "batch".into(),
        not_before: at(0),
    });
    assert!(house.bearer(&house.token(&user())).await.is_ok());
    assert!(house.bearer(&house.token(&machine())).await.is_ok());
}

#[tokio::test]
async fn whoever_acts_by_a_token_takes_it_along() {
    let inner = json!({"sub": "cli", "act": {"sub": "shop"}});
    let at = Timestamp::from_seconds(NOW);
    let client = || "shop".parse().unwrap();
    let cases = [
        (
            Subject::Client {
                client: client(),
                not_before: at,
            },
            "token_revoked",
        ),
        (
            Subject::ClientClaims {
                client: client(),
                not_before: at,
            },
            "token_outdated",
        ),
    ];
    for (subject, reason) in cases {
        let house = House::new();
        let token = house.token(&with(user(), "act", inner.clone()));
        assert!(house.bearer(&token).await.is_ok());
        house.revoke(subject);
        assert_eq!(refusal(house.bearer(&token).await), (401, reason));
    }
}

#[tokio::test]
async fn claims_that_changed_make_the_client_ask_for_another_token() {
    let house = House::new();
    let token = house.token(&user());
    house.revoke(Subject::UserClaims {
        sub: "u1".into(),
        not_before: Timestamp::from_seconds(NOW - 1),
    });
    assert!(house.bearer(&token).await.is_ok());
    house.revoke(Subject::UserClaims {
        sub: "u1".into(),
        not_before: Timestamp::from_millis(NOW * 1000 + 400),
    });
    let denial = house.bearer(&token).await.unwrap_err();
    assert_eq!((denial.status(), denial.reason()), (401, "token_outdated"));
    let told = denial.challenges().join(" ");
    assert!(told.contains("error=\"invalid_token\""), "{told}");
    // It is known, so that it counts although nothing more is heard.
    house.lose_the_feed();
    assert_eq!(refusal(house.bearer(&token).await), (401, "token_outdated"));
}

#[tokio::test]
async fn what_cannot_be_told_is_a_503_and_never_a_yes() {
    let house = House::new();
    let token = house.token(&user());
    house.lose_the_feed();
    let denial = house.bearer(&token).await.unwrap_err();
    assert_eq!((denial.status(), denial.reason()), (503, "feed_stale"));
    assert_eq!(
        (denial.retry_after(), denial.challenges().len()),
        (Some(2), 0)
    );
    house.revoke(Subject::Token { jti: "t1".into() });
    assert_eq!(refusal(house.bearer(&token).await), (401, "token_revoked"));
    house.lose_the_keys();
    assert_eq!(
        refusal(house.bearer(&token).await),
        (503, "keys_unavailable")
    );
}

/// Claims, and one of them once more.
struct Twice<'a>(&'a Value, &'a str);

impl Serialize for Twice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.0.as_object().unwrap() {
            map.serialize_entry(name, value)?;
        }
        map.serialize_entry(self.1, &self.0[self.1])?;
        map.end()
    }
}

#[tokio::test]
async fn a_claim_stands_once() {
    let house = House::new();
    let act = json!({"sub": "cli", "sub_profile": "service"});
    let claims = with(with(user(), "act", act), "nbf", json!(NOW));
    assert!(house.bearer(&house.token(&claims)).await.is_ok());
    for name in claims
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| *name != "amr")
    {
        let token = house.sign(&Twice(&claims, name));
        assert_eq!(
            refusal(house.bearer(&token).await),
            (401, "token_invalid"),
            "{name}"
        );
    }
}
