use proptest::prelude::*;
use sealgate_jose::Algorithm;
use serde_json::{Value, json};

use super::*;
use crate::issuer::{PRESETS, Preset};

fn tokens(preset: &str) -> &'static AccessTokens {
    let preset = Preset::named(preset).unwrap();
    preset.access_tokens.as_ref().unwrap()
}

fn read(preset: &str, claims: &Value) -> Result<TokenClaims, &'static str> {
    tokens(preset).read(&Verified {
        kid: "k".to_owned(),
        algorithm: Algorithm::Rs256,
        payload: claims.to_string().into_bytes(),
    })
}

fn with(claims: &Value, more: Value) -> Value {
    let mut claims = claims.clone();
    let Value::Object(more) = more else {
        panic!("claims are an object")
    };
    for (name, value) in more {
        claims[name] = value;
    }
    claims
}

/// A user's token as each product's own documentation shows it.
fn users(preset: &str) -> Value {
    let common = json!({ "iss": "https://id.example", "sub": "u1", "aud": "api", "exp": 1_000_300, "iat": 1_000_000 });
    with(
        &common,
        match preset {
            "workos" => {
                json!({ "client_id": "client_1", "org_id": "org_1", "sid": "app_consent_1", "jti": "j",
                "scope": "openid a" })
            }
            "auth0" => {
                json!({ "sub": "auth0|1", "aud": ["api", "https://t.auth0.com/userinfo"], "azp": "app",
                "scope": "openid a", "permissions": ["b"], "org_id": "org_1" })
            }
            "okta" => {
                json!({ "ver": 1, "jti": "AT.1", "cid": "app", "uid": "00u1", "scp": ["openid", "a"],
                "auth_time": 999_999 })
            }
            "entra" => {
                json!({ "ver": "2.0", "azp": "app", "scp": "a b", "oid": "o1", "tid": "t1", "roles": ["r"],
                "name": "Ada" })
            }
            "keycloak" => {
                json!({ "jti": "onrtac:1", "typ": "Bearer", "azp": "app", "sid": "s", "acr": "1",
                "realm_access": { "roles": ["r"] }, "scope": "openid a", "email": "ada@example.com" })
            }
            _ => json!({ "jti": "j", "client_id": "app", "scope": "openid a", "roles": ["r"] }),
        },
    )
}

const READABLE: [&str; 7] = [
    "sealgate", "openid", "workos", "auth0", "okta", "entra", "keycloak",
];

#[test]
fn a_users_token_of_each_product_is_a_users() {
    assert_eq!(
        PRESETS
            .iter()
            .filter(|preset| preset.access_tokens.is_some())
            .count(),
        READABLE.len()
    );
    for preset in READABLE {
        let claims = read(preset, &users(preset)).unwrap_or_else(|why| panic!("{preset}: {why}"));
        assert!(matches!(claims.subject, Subject::User { .. }), "{preset}");
        assert!(claims.scopes.contains(&"a".to_owned()), "{preset}");
        assert!(claims.audiences.contains(&"api".to_owned()), "{preset}");
    }
    let auth0 = read("auth0", &users("auth0")).unwrap();
    assert_eq!(
        (auth0.client.as_str(), auth0.tenant.as_deref()),
        ("app", Some("org_1"))
    );
    assert_eq!(auth0.scopes, ["openid", "a", "b"]);
    let keycloak = read("keycloak", &users("keycloak")).unwrap();
    assert_eq!(keycloak.roles, ["r"]);
    assert_eq!(keycloak.session, Some(session_id("s")));
    let entra = read("entra", &users("entra")).unwrap();
    assert_eq!(
        (entra.tenant.as_deref(), entra.roles.as_slice()),
        (Some("t1"), &["r".to_owned()][..])
    );
}

#[test]
fn a_clients_own_token_of_each_product_is_a_machines() {
    for (preset, more) in [
        ("sealgate", json!({ "sub": "app" })),
        ("openid", json!({ "sub": "app" })),
        ("workos", json!({ "sub": "client_1" })),
        (
            "auth0",
            json!({ "sub": "app@clients", "gty": "client-credentials" }),
        ),
        // Its RFC 9068 profile.
        ("auth0", json!({ "sub": "app@clients", "client_id": "app" })),
        ("okta", json!({ "sub": "app" })),
        ("entra", json!({ "sub": "o1", "idtyp": "app" })),
        (
            "keycloak",
            json!({ "client_id": "app", "preferred_username": "service-account-app" }),
        ),
    ] {
        let claims = read(preset, &with(&users(preset), more)).unwrap();
        assert!(
            matches!(claims.subject, Subject::Machine { .. }),
            "{preset}"
        );
    }
    let mut app_only = with(&users("entra"), json!({ "sub": "o1" }));
    app_only.as_object_mut().unwrap().remove("scp");
    let app_only = read("entra", &app_only).unwrap();
    assert!(matches!(app_only.subject, Subject::Machine { .. }));
}

#[test]
fn a_user_cannot_name_themselves_into_a_machine() {
    for (preset, more) in [
        ("auth0", json!({ "name": "app@clients", "gty": "password" })),
        ("auth0", json!({ "sub": "auth0|app@clients" })),
        (
            "keycloak",
            json!({ "preferred_username": "service-account-app" }),
        ),
        ("entra", json!({ "sub": "o1" })),
        ("okta", json!({ "uid": "app" })),
    ] {
        let claims = read(preset, &with(&users(preset), more)).unwrap();
        assert!(matches!(claims.subject, Subject::User { .. }), "{preset}");
    }
}

#[test]
fn an_id_token_is_no_access_token_whatever_its_type_says() {
    // As the products make them: the nonce of the sign-in is in each of them.
    for preset in READABLE {
        if tokens(preset).marker == Marker::Type {
            continue;
        }
        for name in NOT_IN_ACCESS_TOKENS {
            let claims = with(&users(preset), json!({ name: "x" }));
            assert!(read(preset, &claims).is_err(), "{preset} {name}");
        }
    }
    // And without it, where the product says which of both it is.
    for (preset, id_token) in [
        ("okta", json!({ "jti": "ID.1" })),
        ("keycloak", json!({ "typ": "ID" })),
        ("keycloak", json!({ "typ": "Refresh" })),
    ] {
        assert!(
            read(preset, &with(&users(preset), id_token)).is_err(),
            "{preset}"
        );
    }
    let mut entra = users("entra");
    for name in ["scp", "roles"] {
        entra.as_object_mut().unwrap().remove(name);
    }
    assert!(read("entra", &entra).is_err());
    // The others state a type that no ID token has.
    for preset in ["sealgate", "openid"] {
        let expect = tokens(preset).expect();
        assert_eq!(
            (expect.types, expect.type_optional),
            (&["at+jwt"][..], false)
        );
    }
}

#[test]
fn every_claim_has_its_type_or_the_token_is_refused() {
    for preset in READABLE {
        let good = users(preset);
        for name in ["iss", "sub", "aud", "exp", "iat"] {
            let mut without = good.clone();
            without.as_object_mut().unwrap().remove(name);
            assert!(read(preset, &without).is_err(), "{preset} without {name}");
        }
        let habits = tokens(preset);
        let names = habits
            .client
            .iter()
            .chain(habits.scopes)
            .chain(habits.tenant);
        let own = names.filter(|name| good.get(**name).is_some()).copied();
        let shared = [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "nbf",
            "jti",
            "sid",
            "acr",
            "auth_time",
            "cnf",
        ];
        for name in shared.into_iter().chain(own) {
            for wrong in [Value::Null, json!(true), json!({}), json!([1])] {
                let claims = with(&good, json!({ name: wrong }));
                assert!(read(preset, &claims).is_err(), "{preset} {name} {wrong}");
            }
        }
        for (name, wrong) in [
            ("sub", json!("")),
            ("sub", json!("a".repeat(256))),
            ("sub", json!("a\n")),
            ("sid", json!("")),
            ("cnf", json!({ "x5t#S256": "x" })),
            ("cnf", json!({ "jkt": "x", "x5t#S256": "x" })),
            ("act", json!({ "sub": "x" })),
        ] {
            let claims = with(&good, json!({ name: wrong }));
            assert!(read(preset, &claims).is_err(), "{preset} {name}");
        }
    }
}

#[test]
fn a_token_without_an_id_of_its_own_is_taken_only_where_that_is_usual() {
    for preset in READABLE {
        let mut claims = users(preset);
        claims.as_object_mut().unwrap().remove("jti");
        let refused = ["sealgate", "openid", "okta"].contains(&preset);
        assert_eq!(read(preset, &claims).is_err(), refused, "{preset}");
    }
}

/// Any JSON, three deep.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z.@ \\-]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::hash_map("[a-z_]{1,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_one_claim_says_nobody_else_is_meant(
        which in 0..READABLE.len(), place in 0..20_usize, value in json_value(),
    ) {
        let preset = READABLE[which];
        let good = users(preset);
        let names: Vec<&String> = good.as_object().unwrap().keys().collect();
        let name = names[place % names.len()].clone();
        let claims = with(&good, json!({ (name.clone()): value.clone() }));
        if let Ok(read) = read(preset, &claims) {
            let id = match read.subject {
                Subject::User { id, .. } | Subject::Machine { id } | Subject::Agent { id } => id,
            };
            prop_assert_eq!(Some(id.as_str()), claims["sub"].as_str());
            prop_assert_eq!(Some(read.issuer.as_str()), claims["iss"].as_str());
            prop_assert!(!read.client.is_empty());
        }
    }

    #[test]
    fn no_claims_are_ever_more_than_a_refusal(json in "\\PC{0,200}", which in 0..READABLE.len()) {
        let verified = Verified {
            kid: String::new(),
            algorithm: Algorithm::Rs256,
            payload: json.into_bytes(),
        };
        prop_assert!(tokens(READABLE[which]).read(&verified).is_err());
    }
}
