//! The tokens by which clients may register themselves.

use sealgate_server::admin::{CreatedRegistrationToken, RegistrationTokens};
use serde_json::json;

use crate::plane::Plane;

#[tokio::test]
async fn a_token_is_shown_once_listed_without_its_text_and_taken_back() {
    let plane = Plane::new().await;
    let body = json!({ "name": "Agents team", "uses": 5, "lifetime": 3600 });
    let made: CreatedRegistrationToken = plane.post("/registration-tokens", body).await.read();
    assert!(made.secret.starts_with("sgr_") && made.secret.len() == 68);
    assert!(!made.in_force, "registration is off");
    let token = &made.token;
    assert_eq!(token.uses_left, 5);
    assert_eq!(
        token.expires_at.as_millis() - token.created_at.as_millis(),
        3_600_000
    );
    assert!(!format!("{made:?}").contains(&made.secret));
    let seen = plane.get("/registration-tokens").await;
    assert!(!seen.body.contains(&made.secret));
    let all: RegistrationTokens = seen.read();
    assert_eq!(all.registration_tokens, std::slice::from_ref(token));
    let at = format!("/registration-tokens/{}", token.id);
    assert_eq!(plane.delete(&at).await.status, 204);
    plane
        .delete(&at)
        .await
        .refused(404, "registration_token_unknown");
}

#[tokio::test]
async fn what_is_out_of_bounds_is_refused() {
    let plane = Plane::new().await;
    for body in [
        json!({ "name": "" }),
        json!({ "name": "a\u{202e}b" }),
        json!({ "name": "a", "uses": 0 }),
        json!({ "name": "a", "uses": 1001 }),
        json!({ "name": "a", "lifetime": 59 }),
        json!({ "name": "a", "lifetime": 7_776_001 }),
    ] {
        plane
            .post("/registration-tokens", body)
            .await
            .refused(422, "registration_token_malformed");
    }
}
