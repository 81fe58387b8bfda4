//! Identity systems that are listened to.

use sealgate_server::admin::{CreatedTransmitter, TransmitterView, Transmitters};
use serde_json::{Value, json};

use crate::plane::{ISSUER, Plane};

fn corp() -> Value {
    json!({
        "name": "Corp", "issuer": "https://idp.corp.example",
        "jwks_uri": "https://idp.corp.example/jwks", "domains": ["Corp.example", "corp.example"],
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut body = corp();
    body[member] = value;
    body
}

#[tokio::test]
async fn an_identity_system_is_added_shown_and_removed() {
    let plane = Plane::new().await;
    let made: CreatedTransmitter = plane.post("/transmitters", corp()).await.read();
    let one = &made.transmitter;
    assert_eq!(made.secret, None);
    assert_eq!(one.domains, ["corp.example"]);
    assert_eq!(
        one.push_url,
        format!("{ISSUER}/signals/transmitters/{}/events", one.id)
    );
    assert_eq!(one.audience, one.push_url);
    assert!(!one.may_disable && !one.push_secret);
    plane
        .post("/transmitters", corp())
        .await
        .refused(409, "transmitter_known");
    let at = format!("/transmitters/{}", one.id);
    assert_eq!(plane.get(&at).await.read::<TransmitterView>(), *one);
    let all: Transmitters = plane.get("/transmitters").await.read();
    assert_eq!(all.transmitters, std::slice::from_ref(one));
    assert_eq!(plane.delete(&at).await.status, 204);
    plane.delete(&at).await.refused(404, "transmitter_unknown");
    plane.get(&at).await.refused(404, "transmitter_unknown");
}

#[tokio::test]
async fn its_secrets_are_told_once_or_never() {
    let plane = Plane::new().await;
    let mut body = with("push_secret", json!(true));
    body["poll_url"] = json!("https://idp.corp.example/poll");
    body["poll_token"] = json!("s3cret-token");
    let seen = plane.post("/transmitters", body).await;
    assert!(!seen.body.contains("s3cret-token"));
    let made: CreatedTransmitter = seen.read();
    let secret = made.secret.unwrap();
    assert!(secret.len() >= 43);
    let seen = plane
        .get(&format!("/transmitters/{}", made.transmitter.id))
        .await;
    assert!(!seen.body.contains(&secret) && !seen.body.contains("s3cret-token"));
    assert!(seen.read::<TransmitterView>().push_secret);
}

#[tokio::test]
async fn one_that_is_not_sound_is_refused() {
    let plane = Plane::new().await;
    for body in [
        with("name", json!("")),
        with("issuer", json!("a\nb")),
        with("jwks_uri", json!("ftp://corp.example/jwks")),
        with("jwks_uri", json!("https://169.254.169.254/jwks")),
        with("domains", json!([])),
        with("domains", json!(["corp example"])),
        with("domains", json!(vec!["a.example"; 65])),
        with("poll_url", json!("https://idp.corp.example/poll")),
        with("poll_token", json!("token")),
        with("audience", json!("")),
    ] {
        let seen = plane.post("/transmitters", body).await;
        seen.refused(422, "transmitter_malformed");
    }
    let all: Transmitters = plane.get("/transmitters").await.read();
    assert_eq!(all.transmitters, []);
}
