//! Metadata and keys.

use super::*;

async fn fetch(house: &House, path: &str) -> (HeaderMap, Value) {
    let response = house.get(path, None).await;
    assert_eq!(response.status(), StatusCode::OK);
    (response.headers().clone(), json(response).await)
}

#[tokio::test]
async fn both_well_knowns_give_the_same_document_under_the_exact_issuer() {
    let house = House::new().await;
    let (headers, openid) = fetch(&house, "/.well-known/openid-configuration").await;
    let (_, oauth) = fetch(&house, "/.well-known/oauth-authorization-server").await;
    assert_eq!(openid, oauth);
    assert_eq!(openid["issuer"], ISSUER);
    assert_eq!(
        openid["code_challenge_methods_supported"],
        serde_json::json!(["S256"])
    );
    assert_eq!(
        openid["response_types_supported"],
        serde_json::json!(["code"])
    );
    assert_eq!(
        openid["authorization_response_iss_parameter_supported"],
        true
    );
    assert_eq!(
        openid["revocation_feed_endpoint"],
        format!("{ISSUER}/feed/events")
    );
    assert_eq!(headers["cache-control"], "public, max-age=300");
    assert_eq!(headers["content-type"], "application/json");
}

#[tokio::test]
async fn every_endpoint_that_is_advertised_is_there() {
    let house = House::new().await;
    let (_, document) = fetch(&house, "/.well-known/openid-configuration").await;
    let members = document.as_object().unwrap();
    for (name, url) in members
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri")
    {
        let path = url.as_str().unwrap().strip_prefix(ISSUER).unwrap();
        let status = house.get(path, None).await.status();
        assert_ne!(status, StatusCode::NOT_FOUND, "{name}");
    }
}

#[tokio::test]
async fn who_has_the_document_is_not_sent_it_again() {
    let house = House::new().await;
    for path in ["/.well-known/openid-configuration", "/oauth/jwks"] {
        let (headers, _) = fetch(&house, path).await;
        for tag in [
            headers["etag"].to_str().unwrap(),
            &format!("\"x\", W/{}", headers["etag"].to_str().unwrap()),
        ] {
            let request = request(Method::GET, path)
                .header("if-none-match", tag)
                .body(Body::empty());
            let response = house.send(request.unwrap()).await;
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(response.headers()["etag"], headers["etag"]);
            assert_eq!(text(response).await, "");
        }
        let request = request(Method::GET, path)
            .header("if-none-match", "\"other\"")
            .body(Body::empty());
        assert_eq!(house.send(request.unwrap()).await.status(), StatusCode::OK);
    }
}

fn kids(jwks: &Value) -> Vec<String> {
    jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

fn kid(token: &str) -> String {
    let header: Value = serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(token.split('.').next().unwrap())
            .unwrap(),
    )
    .unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_is_published_before_it_signs_and_until_what_it_signed_has_expired() {
    let house = House::new().await;
    let (headers, before) = fetch(&house, "/oauth/jwks").await;
    assert_eq!(headers["cache-control"], "public, max-age=300");
    assert_eq!(kids(&before).len(), 2);
    assert!(
        before["keys"]
            .as_array()
            .unwrap()
            .iter()
            .all(|key| key.get("d").is_none())
    );
    let old = house.tokens("app", "openid").await;

    house
        .plane
        .keys
        .rotate(None, false, house.audit())
        .await
        .unwrap();
    let (_, after) = fetch(&house, "/oauth/jwks").await;
    let new = tokens(house.refresh("app", &old.refresh).await).await;
    assert_ne!(kid(&new.access), kid(&old.access));
    assert!(
        kids(&before).contains(&kid(&new.access)),
        "the new key was published before"
    );
    assert!(
        kids(&after).contains(&kid(&old.access)),
        "the old key still is"
    );
    assert_eq!(kids(&after).len(), 3);
    assert_eq!(
        userinfo::ask(&house, &old.access).await.status(),
        StatusCode::OK
    );

    // The longest token life, cache time and a minute for clocks that disagree: 3,960 s.
    house.clock.advance(std::time::Duration::from_secs(3_959));
    house.plane.keys.tick().await.unwrap();
    assert_eq!(kids(&fetch(&house, "/oauth/jwks").await.1).len(), 3);
    house.clock.advance(std::time::Duration::from_secs(1));
    house.plane.keys.tick().await.unwrap();
    let (_, last) = fetch(&house, "/oauth/jwks").await;
    assert!(!kids(&last).contains(&kid(&old.access)));
    assert_eq!(house.last_record().await.action, "key.remove");
}

#[tokio::test]
async fn a_revoked_key_leaves_the_key_set_and_what_it_signed_is_refused_at_once() {
    let house = House::new().await;
    let (_, before) = fetch(&house, "/oauth/jwks").await;
    let old = house.tokens("app", "openid").await;
    assert_eq!(
        kids(&before)[0],
        kid(&old.access),
        "the one that signs first"
    );
    let old_kid = kid(&old.access);
    let revoked = house.plane.keys.revoke(&old_kid, house.audit());
    revoked.await.unwrap();
    let (_, after) = fetch(&house, "/oauth/jwks").await;
    assert!(!kids(&after).contains(&kid(&old.access)));
    assert_eq!(kids(&after).len(), 2);
    let refused = userinfo::ask(&house, &old.access).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    // The session itself was not signed: it goes on under the next key.
    let new = tokens(house.refresh("app", &old.refresh).await).await;
    assert_eq!(kid(&new.access), kids(&before)[1]);
    let said = userinfo::ask(&house, &new.access).await;
    assert_eq!(said.status(), StatusCode::OK);
}

#[tokio::test]
async fn keys_survive_a_restart_and_open_only_under_their_master_key() {
    let house = House::new().await;
    let token = house.tokens("app", "openid").await;
    let plane = &house.plane;
    let load = |master: KeyRing| async move {
        crate::SigningKeys::load(
            Arc::clone(&plane.store),
            master,
            Arc::clone(&plane.clock),
            Arc::clone(&plane.random),
            sealgate_keys::KeyPolicy {
                token_life: plane.lifetimes.access,
                session_life: plane.lifetimes.session,
                rotate_every: None,
                ml_dsa: false,
                schedules: sealgate_keys::Schedules::NONE,
            },
        )
        .await
    };
    let again = load(plane.master.clone()).await.unwrap();
    assert!(again.verifying().verify(&token.access, &["at+jwt"]).is_ok());
    let stranger = KeyRing::new(vec![SealKey::generate(plane.random.as_ref())]).unwrap();
    assert_eq!(load(stranger).await.unwrap_err().code(), "key_sealed");
}

#[tokio::test]
async fn a_script_may_ask_first_and_read_the_answers_but_never_those_of_the_authorization_endpoint()
{
    let house = House::new().await;
    let preflight = |path: &'static str| {
        request(Method::OPTIONS, path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "dpop, content-type")
            .body(Body::empty())
            .unwrap()
    };
    for path in [
        "/oauth/token",
        "/oauth/par",
        "/oauth/device_authorization",
        "/oauth/introspect",
        "/oauth/revoke",
        "/oauth/userinfo",
    ] {
        let response = house.send(preflight(path)).await;
        assert_eq!(response.status(), StatusCode::NO_CONTENT, "{path}");
        let headers = response.headers();
        assert_eq!(headers["access-control-allow-origin"], "*", "{path}");
        assert!(
            headers["access-control-allow-headers"]
                .to_str()
                .unwrap()
                .contains("DPoP")
        );
        let refused = house.post(path, None, &[]).await;
        assert_eq!(refused.headers()["access-control-allow-origin"], "*");
        assert!(
            refused.headers()["access-control-expose-headers"]
                .to_str()
                .unwrap()
                .contains("DPoP-Nonce")
        );
    }
    for path in ["/oauth/authorize", "/oauth/logout"] {
        let response = house.send(preflight(path)).await;
        let open = response.headers().get("access-control-allow-origin");
        assert!(open.is_none(), "{path}");
    }
}
