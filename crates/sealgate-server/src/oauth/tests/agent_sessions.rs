//! Sessions of AI agents that may stay connected: what they outlive, and what ends them.

use std::time::Duration;

use sealgate_model::Grant;
use sealgate_store::Consent;

use super::*;

pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
const HOUR: Duration = Duration::from_secs(3600);
const CONNECTED: &str = "openid offline_access expenses:read";

impl House {
    /// A house in which `app` is an AI agent.
    pub(super) async fn with_agent() -> Self {
        let house = Self::new().await;
        house
            .change_client("app", |client| client.details.agent = true)
            .await;
        house
    }

    /// Signs in and lets the agent have `scope`: the browser's cookie, and the tokens.
    async fn connect(&self, scope: &str) -> (String, Tokens) {
        let (_, cookie) = self.sign_in().await;
        let code = self.code_for("app", scope, &cookie).await;
        (cookie, tokens(self.redeem("app", &code).await).await)
    }

    async fn sign_out(&self, cookie: &str, place: &str) {
        let pairs = [("where", place)];
        let signed_out = self.post_page("/account/sign-out", cookie, &pairs).await;
        assert_eq!(signed_out.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn it_goes_on_when_the_browser_is_signed_out_or_its_sign_in_has_expired() {
    let house = House::with_agent().await;
    let (cookie, agent) = house.connect(CONNECTED).await;
    let code = house.code_for("app", "openid", &cookie).await;
    let usual = tokens(house.redeem("app", &code).await).await;
    house.sign_out(&cookie, "here").await;
    assert_eq!(house.revoked_for(&agent.access).await, None);
    assert_eq!(
        house.revoked_for(&usual.access).await,
        Some(RevokeReason::Logout)
    );
    // Longer than any sign-in, with rests longer than anybody's.
    let mut refresh = agent.refresh;
    for _ in 0..5 {
        house.clock.advance((6 * DAY).saturating_sub(HOUR));
        refresh = tokens(house.refresh("app", &refresh).await).await.refresh;
    }
    house.clock.advance(6 * HOUR);
    let refused = house.refresh("app", &refresh).await;
    assert_grant_refused(refused, "session_expired").await;
}

#[tokio::test]
async fn another_application_signs_out_without_it_and_its_own_logout_ends_it() {
    let house = House::with_agent().await;
    for (client, ended) in [("other", None), ("app", Some(RevokeReason::Logout))] {
        let (cookie, agent) = house.connect(CONNECTED).await;
        let code = house.code_for("other", "openid", &cookie).await;
        let usual = tokens(house.redeem("other", &code).await).await;
        let own = if client == "app" { &agent } else { &usual };
        let hint = own.body["id_token"].as_str().unwrap();
        let path = format!("/oauth/logout?{}", form(&[("id_token_hint", hint)]));
        let response = house.get(&path, Some(&cookie)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(house.revoked_for(&agent.access).await, ended, "{client}");
        assert_eq!(
            house.revoked_for(&usual.access).await,
            Some(RevokeReason::Logout)
        );
        house.clock.advance(Duration::from_secs(1));
    }
}

#[tokio::test]
async fn it_rests_for_as_long_as_the_policy_allows() {
    let house = House::with_agent().await;
    let (_, agent) = house.connect(CONNECTED).await;
    let seven = house.plane.policy.agents.idle;
    house
        .clock
        .advance(seven.saturating_sub(Duration::from_secs(1)));
    let agent = tokens(house.refresh("app", &agent.refresh).await).await;
    // What is told is when it ends whatever it does.
    let left = agent.body["refresh_expires_in"].as_u64().unwrap();
    assert_eq!(left, (30 * DAY).saturating_sub(seven).as_secs() + 1);
    house.clock.advance(seven);
    let refused = house.refresh("app", &agent.refresh).await;
    assert_grant_refused(refused, "session_idle").await;
}

#[tokio::test]
async fn without_staying_connected_an_agents_session_is_like_anybodys() {
    let house = House::with_agent().await;
    let (cookie, first) = house.connect("openid expenses:read").await;
    let session = house.session_of(&first.access).await;
    assert!(!session.details.lasting);
    assert_eq!(session.expires_at, session.auth_time + DAY);
    house.sign_out(&cookie, "here").await;
    assert_eq!(
        house.revoked_for(&first.access).await,
        Some(RevokeReason::Logout)
    );
    let (_, second) = house.connect("openid").await;
    house.clock.advance(HOUR);
    let refused = house.refresh("app", &second.refresh).await;
    assert_grant_refused(refused, "session_idle").await;
}

#[tokio::test]
async fn neither_what_is_no_agent_nor_what_cannot_renew_stays_connected() {
    let house = House::with_agent().await;
    let (_, cookie) = house.sign_in().await;
    house
        .change_client("app", |client| {
            client.details.grants = vec![Grant::AuthorizationCode];
        })
        .await;
    for client in ["app", "other"] {
        let code = house.code_for(client, CONNECTED, &cookie).await;
        let given = tokens(house.redeem(client, &code).await).await;
        let session = house.session_of(&given.access).await;
        assert!(!session.details.lasting, "{client}");
        assert_eq!(session.expires_at, session.auth_time + DAY, "{client}");
    }
}

#[tokio::test]
async fn the_user_ends_it_or_leaves_it_when_every_browser_is_signed_out() {
    let house = House::with_agent().await;
    for (place, ended) in [
        ("browsers", None),
        ("everywhere", Some(RevokeReason::Logout)),
    ] {
        let (cookie, agent) = house.connect(CONNECTED).await;
        let (elsewhere, _) = house.connect("openid").await;
        let page = text(house.get("/account", Some(&cookie)).await).await;
        assert!(page.contains("Sign out of every browser"), "{page}");
        house.sign_out(&cookie, place).await;
        assert_eq!(house.revoked_for(&agent.access).await, ended, "{place}");
        let other = house.get("/account", Some(&elsewhere)).await;
        assert_eq!(other.status(), StatusCode::SEE_OTHER, "{place}");
        house.clock.advance(Duration::from_secs(1));
    }
    // Who has no such session is not asked about it.
    let (cookie, _) = house.connect("openid").await;
    let page = text(house.get("/account", Some(&cookie)).await).await;
    assert!(!page.contains("Sign out of every browser"), "{page}");
}

#[tokio::test]
async fn whatever_ends_a_user_a_client_or_a_token_ends_it() {
    let house = House::with_agent().await;
    let store = &house.plane.store;
    let (_, agent) = house.connect(CONNECTED).await;
    let reset = sealgate_store::UserChange {
        sign_out: Some(RevokeReason::PasswordReset),
        ..Default::default()
    };
    let changed = store.user_update(house.user, reset, house.audit());
    assert!(changed.await.unwrap());
    let refused = house.refresh("app", &agent.refresh).await;
    assert_grant_refused(refused, "session_revoked").await;
    house.clock.advance(Duration::from_secs(1));

    let (_, agent) = house.connect(CONNECTED).await;
    let signed_out = store.user_sign_out(house.user, RevokeReason::Admin, house.audit());
    signed_out.await.unwrap();
    let refused = house.refresh("app", &agent.refresh).await;
    assert_grant_refused(refused, "session_revoked").await;
    house.clock.advance(Duration::from_secs(1));

    let (_, agent) = house.connect(CONNECTED).await;
    let pairs = [("token", agent.refresh.as_str())];
    let revoked = house.post("/oauth/revoke", Some("app"), &pairs).await;
    assert_eq!(revoked.status(), StatusCode::OK);
    assert!(house.revoked_for(&agent.access).await.is_some());

    let (_, agent) = house.connect(CONNECTED).await;
    house.disable_client("app").await;
    assert_eq!(
        house.revoked_for(&agent.access).await,
        Some(RevokeReason::Admin)
    );
    let app = "app".parse().unwrap();
    assert!(store.client_enable(&app, house.audit()).await.unwrap());
    house.clock.advance(Duration::from_secs(1));

    let (_, agent) = house.connect(CONNECTED).await;
    assert!(store.user_disable(house.user, house.audit()).await.unwrap());
    assert_eq!(
        house.revoked_for(&agent.access).await,
        Some(RevokeReason::UserDisabled)
    );
}

#[tokio::test]
async fn an_administrator_sets_how_long_and_what_is_shortened_counts_at_once() {
    let mut house = House::with_agent().await;
    let (_, agent) = house.connect(CONNECTED).await;
    let agents = &mut Arc::get_mut(&mut house.plane).unwrap().policy.agents;
    (agents.lifetime, agents.idle) = (2 * DAY, DAY);
    house.clock.advance(DAY.saturating_sub(HOUR));
    let agent = tokens(house.refresh("app", &agent.refresh).await).await;
    let left = agent.body["refresh_expires_in"].as_u64().unwrap();
    assert_eq!(left, (DAY + HOUR).as_secs());
    // A client may be given less, for those that there are too; never more.
    house
        .change_client("app", |client| {
            client.details.session_lifetime = Some(3600);
        })
        .await;
    let refused = house.refresh("app", &agent.refresh).await;
    assert_grant_refused(refused, "session_expired").await;
    let (_, short) = house.connect(CONNECTED).await;
    assert_eq!(short.body["refresh_expires_in"], 3600);
    house
        .change_client("app", |client| {
            client.details.session_lifetime = Some(7_776_000);
        })
        .await;
    let (_, long) = house.connect(CONNECTED).await;
    assert_eq!(long.body["refresh_expires_in"], (2 * DAY).as_secs());
}

#[tokio::test]
async fn whoever_signed_in_too_long_ago_for_a_short_session_signs_in_again() {
    let house = House::new().await;
    house
        .change_client("app", |client| {
            client.details.session_lifetime = Some(300);
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    let code = house.code_for("app", "openid", &cookie).await;
    let given = tokens(house.redeem("app", &code).await).await;
    assert_eq!(given.body["refresh_expires_in"], 300);
    house.clock.advance(Duration::from_secs(300));
    let response = house.get(&authorize(&wish("app")), Some(&cookie)).await;
    assert_eq!(location(&response).path(), "/sign-in");
    let mut silent = wish("app");
    silent.push(("prompt", "none".to_owned()));
    let response = house.get(&authorize(&silent), Some(&cookie)).await;
    assert_eq!(sent_back(&response)["error"], "login_required");
    // For others it is soon enough.
    let code = house.code_for("other", "openid", &cookie).await;
    tokens(house.redeem("other", &code).await).await;
}

#[tokio::test]
async fn a_renewal_in_its_grace_is_answered_again_and_a_late_one_ends_it() {
    let house = House::with_agent().await;
    let (cookie, agent) = house.connect(CONNECTED).await;
    house.sign_out(&cookie, "here").await;
    let first = tokens(house.refresh("app", &agent.refresh).await).await;
    house.clock.advance(Duration::from_secs(20));
    let again = tokens(house.refresh("app", &agent.refresh).await).await;
    assert_eq!(first.refresh, again.refresh);
    house.clock.advance(Duration::from_secs(1));
    let refused = house.refresh("app", &agent.refresh).await;
    assert_grant_refused(refused, "refresh_token_reused").await;
    assert_eq!(
        house.revoked_for(&first.access).await,
        Some(RevokeReason::RefreshReuse)
    );
}

#[tokio::test]
async fn a_device_that_is_an_agent_stays_connected_too() {
    let house = House::with_agent().await;
    house
        .change_client("native", |client| {
            client.details.agent = true;
            client.details.consent = Consent::Required;
            client.details.grants = vec![Grant::DeviceCode, Grant::RefreshToken];
        })
        .await;
    let pairs = [("client_id", "native"), ("scope", CONNECTED)];
    let begun = json(
        house
            .post("/oauth/device_authorization", None, &pairs)
            .await,
    )
    .await;
    let member = |name: &str| begun[name].as_str().unwrap().to_owned();
    let (_, cookie) = house.sign_in().await;
    let user_code = member("user_code");
    let pairs = [("user_code", user_code.as_str())];
    let page = text(house.post_page("/device", &cookie, &pairs).await).await;
    assert!(page.contains("30 days after you signed in"), "{page}");
    assert!(page.contains("a program that decides by itself"), "{page}");
    let device = page.split("name=\"device\" value=\"").nth(1).unwrap();
    let device = device.split('"').next().unwrap().to_owned();
    let user = house.user.to_string();
    let pairs = [
        ("user_code", user_code.as_str()),
        ("device", &device),
        ("user", &user),
        ("decision", "connect"),
    ];
    let answered = house.post_page("/device/answer", &cookie, &pairs).await;
    assert_eq!(answered.status(), StatusCode::OK);
    let device_code = member("device_code");
    let pairs = [
        ("grant_type", Grant::DeviceCode.as_str()),
        ("device_code", device_code.as_str()),
        ("client_id", "native"),
    ];
    let given = tokens(house.post("/oauth/token", None, &pairs).await).await;
    let session = house.session_of(&given.access).await;
    assert!(session.details.lasting);
    assert_eq!(session.expires_at, session.auth_time + 30 * DAY);
    house.sign_out(&cookie, "here").await;
    assert_eq!(house.revoked_for(&given.access).await, None);
}
