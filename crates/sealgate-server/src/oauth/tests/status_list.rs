//! Status lists: what verifiers that follow no feed see of a token's end.

use std::io::Read as _;
use std::time::Duration;

use serde_json::json as value;

use super::machines::API;
use super::*;

impl House {
    /// [`House::delegating`] with tokens for [`API`] in a status list.
    async fn listing() -> Self {
        let house = Self::delegating().await;
        let store = &house.plane.store;
        let before = store.resource(API).await.unwrap().unwrap();
        let listed = sealgate_store::Resource {
            status_list: true,
            agents: false,
            tools: Vec::new(),
            ..before.clone()
        };
        let changed = store.resource_update(before, listed, house.audit()).await;
        assert!(changed.unwrap());
        house
    }

    /// The bit of a token, as an outsider reads it: from the list that the token names, asked for now.
    async fn is_listed_as_revoked(&self, access: &str) -> bool {
        // Lists are kept for a moment.
        self.clock.advance(Duration::from_secs(5));
        let place = &claims(access)["status"]["status_list"];
        let uri = place["uri"].as_str().unwrap();
        let path = uri.strip_prefix(ISSUER).unwrap();
        let response = self.get(path, None).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers();
        assert_eq!(headers["content-type"], "application/statuslist+jwt");
        assert_eq!(headers["access-control-allow-origin"], "*");
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let token = String::from_utf8(bytes.to_vec()).unwrap();
        let verified = self.plane.keys.verifying();
        let verified = verified
            .verify_up_to(1 << 20, &token, &["statuslist+jwt"])
            .unwrap();
        let list: Value = verified.claims().unwrap();
        assert_eq!(list["sub"], uri);
        assert_eq!(list["ttl"], 10);
        assert_eq!(
            list["exp"].as_i64().unwrap() - list["iat"].as_i64().unwrap(),
            60
        );
        assert_eq!(list["status_list"]["bits"], 1);
        let packed = URL_SAFE_NO_PAD
            .decode(list["status_list"]["lst"].as_str().unwrap())
            .unwrap();
        let mut bits = Vec::new();
        flate2::read::ZlibDecoder::new(&packed[..])
            .read_to_end(&mut bits)
            .unwrap();
        assert_eq!(bits.len(), 131_072 / 8);
        let idx = usize::try_from(place["idx"].as_u64().unwrap()).unwrap();
        bits[idx / 8] >> (idx % 8) & 1 == 1
    }

    async fn machine_token(&self) -> String {
        tokens(self.own_token("files", &[("resource", API)]).await)
            .await
            .access
    }
}

#[tokio::test]
async fn only_tokens_for_a_resource_that_asks_for_it_have_a_place() {
    let house = House::delegating().await;
    assert_eq!(
        claims(&house.delegated().await.access)["status"],
        Value::Null
    );
    let house = House::listing().await;
    assert_eq!(
        claims(&house.tokens("app", "openid").await.access)["status"],
        Value::Null
    );
    let all = value!({ "status_lists": [] });
    assert_eq!(json(house.get("/status-lists", None).await).await, all);
    let given = house.delegated().await;
    assert!(claims(&given.access)["status"]["status_list"]["idx"].is_u64());
    let all = value!({ "status_lists": [format!("{ISSUER}/status-lists/0")] });
    assert_eq!(json(house.get("/status-lists", None).await).await, all);
    house.clock.advance(Duration::from_secs(301));
    let none = value!({ "status_lists": [] });
    assert_eq!(json(house.get("/status-lists", None).await).await, none);
}

#[tokio::test]
async fn the_end_of_whatever_a_token_stands_on_sets_its_bit_and_no_other() {
    let house = House::listing().await;
    let again = house.delegated().await;
    let machine = house.machine_token().await;
    let alone = house.machine_token().await;
    for access in [&again.access, &machine, &alone] {
        assert!(!house.is_listed_as_revoked(access).await);
    }
    // One token alone.
    let given_up = [("token", alone.as_str())];
    let revoked = house.post("/oauth/revoke", Some("files"), &given_up).await;
    assert_eq!(revoked.status(), StatusCode::OK);
    assert!(house.is_listed_as_revoked(&alone).await);
    assert!(!house.is_listed_as_revoked(&machine).await);
    // The session.
    let session: SessionId = claims(&again.access)["sid"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let ended = house
        .plane
        .store
        .session_revoke(session, RevokeReason::Admin, house.audit());
    assert!(ended.await.unwrap());
    assert!(house.is_listed_as_revoked(&again.access).await);
    assert!(!house.is_listed_as_revoked(&machine).await);
    // The client.
    house.disable_client("files").await;
    assert!(house.is_listed_as_revoked(&machine).await);
}

#[tokio::test]
async fn a_list_that_there_is_not_is_not_found() {
    let house = House::listing().await;
    for nowhere in [
        "0",
        "1",
        "-1",
        "x",
        "99999999999999999999",
        "00000000000000000",
    ] {
        let response = house.get(&format!("/status-lists/{nowhere}"), None).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{nowhere}");
    }
    house.machine_token().await;
    assert_eq!(
        house.get("/status-lists/0", None).await.status(),
        StatusCode::OK
    );
    assert_eq!(
        house.get("/status-lists/1", None).await.status(),
        StatusCode::NOT_FOUND
    );
}
