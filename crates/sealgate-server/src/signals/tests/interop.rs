//! The CAEP Interoperability Profile 1.0, point by point: what it asks of a transmitter, and what is there.

use super::*;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table, a point a line")]
async fn every_point_of_the_profile_holds() {
    let house = House::new().await;
    let secret = house.receiver("rp").await;
    let token = house.token("rp", &secret, "ssf.manage ssf.read").await;
    let document = house
        .ask(Method::GET, "/.well-known/ssf-configuration", None, None)
        .await;
    assert_eq!(document.headers["content-type"], "application/json");
    let configuration = document.is(200);
    let metadata = house
        .ask(
            Method::GET,
            "/.well-known/oauth-protected-resource/ssf",
            None,
            None,
        )
        .await
        .is(200);
    let path = |name: &str| -> String {
        let url = configuration[name].as_str().unwrap();
        url.strip_prefix(ISSUER).unwrap().to_owned()
    };
    let made = house
        .ask(
            Method::POST,
            &path("configuration_endpoint"),
            Some(&token),
            Some(json!({ "delivery": push() })),
        )
        .await
        .is(201);
    let id = made["stream_id"].as_str().unwrap().to_owned();
    let polled = house
        .ask(
            Method::POST,
            &path("configuration_endpoint"),
            Some(&token),
            Some(json!({ "delivery": { "method": "urn:ietf:rfc:8936" } })),
        )
        .await
        .is(201);
    let status = |method: Method, body: Option<Value>| {
        let path = format!("{}?stream_id={id}", path("status_endpoint"));
        let (house, token) = (&house, &token);
        async move { house.ask(method, &path, Some(token), body).await.is(200) }
    };
    let mut statuses = Vec::new();
    for word in ["paused", "disabled", "enabled"] {
        let body = json!({ "stream_id": id, "status": word });
        statuses.push(status(Method::POST, Some(body)).await["status"].clone());
    }
    let verify = json!({ "stream_id": id, "state": "s" });
    let verified = house
        .ask(
            Method::POST,
            &path("verification_endpoint"),
            Some(&token),
            Some(verify),
        )
        .await;
    let ada = house.user("ada@example.org").await;
    let session = house.session(ada, "rp").await;
    house.revoke(session).await;
    push::round(&house.plane).await.unwrap();
    let sets = house.pushed();
    let revoked = sets
        .iter()
        .find(|set| set["events"].get(REVOKED).is_some())
        .unwrap();
    let jwks: Value = serde_json::from_slice(&house.plane.keys.jwks()).unwrap();
    let keys = jwks["keys"].as_array().unwrap();
    let rsa = keys.iter().find(|key| key["alg"] == "RS256").unwrap();
    let modulus = {
        use base64::Engine as _;
        let n = rsa["n"].as_str().unwrap();
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(n)
            .unwrap()
    };
    let table: &[(&str, &str, bool)] = &[
        (
            "2.3.1",
            "spec_version is 1_0-ID2 or greater",
            configuration["spec_version"] == "1_0",
        ),
        (
            "2.3.2",
            "delivery_methods_supported",
            configuration["delivery_methods_supported"]
                == json!(["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"]),
        ),
        (
            "2.3.3",
            "jwks_uri has the current signing key",
            configuration["jwks_uri"] == format!("{ISSUER}/oauth/jwks"),
        ),
        (
            "2.3.4",
            "the configuration endpoint makes streams",
            made["iss"] == ISSUER,
        ),
        (
            "2.3.5",
            "the status endpoint takes enabled, paused and disabled",
            statuses == ["paused", "disabled", "enabled"],
        ),
        (
            "2.3.5",
            "the status endpoint tells the status",
            status(Method::GET, None).await["status"] == "enabled",
        ),
        ("2.3.6", "the verification endpoint", verified.status == 204),
        (
            "2.3.7",
            "authorization_schemes has RFC 6749",
            configuration["authorization_schemes"] == json!([{ "spec_urn": "urn:ietf:rfc:6749" }]),
        ),
        ("2.3.8.1", "push and poll streams", {
            made["delivery"]["method"] == "urn:ietf:rfc:8935"
                && polled["delivery"]["method"] == "urn:ietf:rfc:8936"
        }),
        ("2.4.2", "subjects are there without being added", {
            configuration["default_subjects"] == "ALL"
        }),
        ("2.5", "subjects are email or iss_sub", {
            revoked["sub_id"]["user"]["format"] == "iss_sub"
        }),
        // `pushed` has verified the algorithm of each.
        (
            "2.6",
            "RS256 with 2048 bits at least",
            modulus.len() * 8 >= 2048,
        ),
        ("2.7.3", "the scopes, found by the resource's metadata", {
            metadata["scopes_supported"] == json!(["ssf.read", "ssf.manage"])
                && metadata["resource"] == format!("{ISSUER}/ssf")
                && metadata["authorization_servers"] == json!([ISSUER])
        }),
        ("3.1", "session-revoked has a reason_admin", {
            let reason = &revoked["events"][REVOKED]["reason_admin"]["en"];
            reason.as_str().is_some_and(|text| !text.is_empty())
        }),
        ("SSF 4.1", "no sub, no exp, one event, sub_id on top", {
            sets.iter().all(|set| {
                set.get("sub").is_none()
                    && set.get("exp").is_none()
                    && set["events"].as_object().unwrap().len() == 1
                    && set["sub_id"].is_object()
                    && set["iss"] == made["iss"]
            })
        }),
        ("SSF 7.2", "lists without members are left out", {
            configuration.get("critical_subject_members").is_none()
        }),
    ];
    for (section, point, holds) in table {
        assert!(holds, "{section}: {point}");
    }
}

#[tokio::test]
async fn an_issuer_with_a_path_is_found_at_the_root_of_its_host() {
    let issuer = "https://host.example/tenant/one";
    let house = House::with(issuer, Policy::default()).await;
    for path in [
        "/.well-known/ssf-configuration/tenant/one",
        "/tenant/one/.well-known/ssf-configuration",
    ] {
        let document = house.ask(Method::GET, path, None, None).await.is(200);
        assert_eq!(document["issuer"], issuer);
        assert_eq!(
            document["configuration_endpoint"],
            format!("{issuer}/ssf/streams")
        );
    }
    let none = house
        .ask(Method::GET, "/tenant/one/ssf/streams", None, None)
        .await;
    let challenge = none.headers["www-authenticate"].to_str().unwrap();
    let metadata = "/.well-known/oauth-protected-resource/tenant/one/ssf";
    assert!(
        challenge.contains(&format!("https://host.example{metadata}")),
        "{challenge}"
    );
    let document = house.ask(Method::GET, metadata, None, None).await.is(200);
    assert_eq!(document["resource"], format!("{issuer}/ssf"));
    let token = house.managing("rp").await;
    let made = house
        .ask(
            Method::POST,
            "/tenant/one/ssf/streams",
            Some(&token),
            Some(json!({})),
        )
        .await
        .is(201);
    assert_eq!(made["iss"], issuer);
}
