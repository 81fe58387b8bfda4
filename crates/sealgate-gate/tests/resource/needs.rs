//! What routes ask for, and the challenges that tell a client so.

use std::time::Duration;

use sealgate_gate::{Kinds, Need};
use sealgate_model::ActorKind;
use serde_json::json;

use crate::house::{House, NOW, any, machine, refusal, scopes, user, with, without};

const BEARER: &str = "Bearer realm=\"sealgate\", resource_metadata=\"https://id.example/.well-known/oauth-protected-resource/api/v1\"";
const DPOP: &str = "DPoP realm=\"sealgate\", resource_metadata=\"https://id.example/.well-known/oauth-protected-resource/api/v1\", \
                    algs=\"EdDSA Ed25519 ES256 RS256 PS256 ML-DSA-65\"";

#[tokio::test]
async fn all_scopes_are_needed() {
    let house = House::new();
    let token = house.token(&user());
    let both = scopes(&["sealgate:users:read", "sealgate:keys:write"]);
    assert!(house.bearer_for(&token, &both).await.is_ok());
    let more = scopes(&["sealgate:users:read", "sealgate:users:write"]);
    let denial = house.bearer_for(&token, &more).await.unwrap_err();
    assert_eq!((denial.status(), denial.reason()), (403, "scope_missing"));
    assert_eq!(
        denial.challenges(),
        [format!(
            "{BEARER}, error=\"insufficient_scope\", error_description=\"This needs a scope that was not \
             granted.\", scope=\"sealgate:users:read sealgate:users:write\""
        )]
    );
    // Part of a name is not the name.
    let part = scopes(&["sealgate:users"]);
    assert_eq!(
        refusal(house.bearer_for(&token, &part).await),
        (403, "scope_missing")
    );
}

#[tokio::test]
async fn a_role_is_needed_of_whoever_calls() {
    let house = House::new();
    let role = |role: &str| Need {
        roles: vec![role.to_owned()],
        ..any()
    };
    let admin = role("admin");
    assert!(
        house
            .bearer_for(&house.token(&user()), &admin)
            .await
            .is_ok()
    );
    let other = role("auditor");
    let denied = house.bearer_for(&house.token(&user()), &other).await;
    assert_eq!(refusal(denied), (403, "role_missing"));
    let denied = house.bearer_for(&house.token(&machine()), &admin).await;
    assert_eq!(refusal(denied), (403, "role_missing"));
    let machine = with(machine(), "roles", json!(["admin"]));
    let token = house.token(&machine);
    assert!(house.bearer_for(&token, &admin).await.is_ok());
}

#[tokio::test]
async fn a_route_may_be_for_one_kind_of_actor() {
    let house = House::new();
    let (user, machine) = (house.token(&user()), house.token(&machine()));
    for (kind, good, bad) in [
        (ActorKind::User, &user, &machine),
        (ActorKind::Machine, &machine, &user),
    ] {
        let need = Need::of(Kinds::only(kind));
        assert!(house.bearer_for(good, &need).await.is_ok());
        assert_eq!(
            refusal(house.bearer_for(bad, &need).await),
            (403, "actor_wrong")
        );
    }
}

#[tokio::test]
async fn a_stronger_or_more_recent_sign_in_is_asked_for() {
    let house = House::new();
    let need = Need {
        acr: ["urn:sealgate:acr:passkey", "urn:sealgate:acr:otp"]
            .map(str::to_owned)
            .to_vec(),
        max_age: Some(Duration::from_secs(60)),
        ..any()
    };
    let denial = house
        .bearer_for(&house.token(&user()), &need)
        .await
        .unwrap_err();
    assert_eq!((denial.status(), denial.reason()), (401, "acr_missing"));
    assert_eq!(
        denial.challenges(),
        [
            format!(
                "{BEARER}, error=\"insufficient_user_authentication\", error_description=\"This needs a stronger \
                 sign-in.\", acr_values=\"urn:sealgate:acr:passkey urn:sealgate:acr:otp\", max_age=\"60\""
            ),
            DPOP.to_owned(),
        ]
    );
    let stronger = with(user(), "acr", json!("urn:sealgate:acr:otp"));
    let denied = house.bearer_for(&house.token(&stronger), &need).await;
    assert_eq!(refusal(denied), (401, "authentication_old"));
    let recent = with(stronger, "auth_time", json!(NOW - 60));
    assert!(house.bearer_for(&house.token(&recent), &need).await.is_ok());
    let unknown = without(recent, "auth_time");
    let denied = house.bearer_for(&house.token(&unknown), &need).await;
    assert_eq!(refusal(denied), (401, "authentication_old"));
}

#[tokio::test]
async fn a_request_without_token_is_told_both_ways_and_no_error() {
    let house = House::new();
    let any = any();
    let denial = house.ask(&[], &[], &any).await.unwrap_err();
    assert_eq!(denial.challenges(), [BEARER, DPOP]);
    assert_eq!(denial.nonce(), Some(house.nonce().as_str()));
    let headers = denial.headers();
    let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "www-authenticate",
            "www-authenticate",
            "cache-control",
            "dpop-nonce"
        ]
    );
}
