//! One's own sessions, and nobody else's.

use super::*;

#[tokio::test]
async fn the_account_lists_ones_own_live_sessions_and_revokes_them() {
    let site = Site::new().await;
    let ada = site.user("ada@example.com").await;
    let eve = site.user("eve@example.com").await;
    let cookie = site.sign_in("ada@example.com", "").await.cookie();
    let elsewhere = site.sign_in("ada@example.com", "").await.cookie();
    let here = site.session(ada, &cookie).await;
    let there = site.session(ada, &elsewhere).await;
    let anothers = site
        .session(eve, &site.sign_in("eve@example.com", "").await.cookie())
        .await;
    site.clock.advance(Duration::from_secs(180));

    let seen = site.get("/account", &cookie).await;
    for id in [here, there] {
        assert!(
            seen.body.contains(&format!("value=\"{id}\"")),
            "{}",
            seen.body
        );
    }
    assert!(!seen.body.contains(&anothers.to_string()));
    assert_eq!(seen.body.matches("This browser").count(), 1);
    assert!(
        seen.body.contains("Expense tracker") && seen.body.contains("3 minutes ago"),
        "{}",
        seen.body
    );

    let seen = site
        .post(
            "/account/sessions/revoke",
            &cookie,
            &[("session", &there.to_string())],
        )
        .await;
    assert_eq!(seen.location(), "https://id.example/account?done=revoked");
    assert!(!site.lives(there).await && site.lives(here).await);
    let seen = site.get("/account?done=revoked", &cookie).await;
    assert!(
        seen.body.contains("The session is revoked.") && !seen.body.contains(&there.to_string())
    );

    let seen = site
        .post(
            "/account/sessions/revoke",
            &cookie,
            &[("session", &anothers.to_string())],
        )
        .await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
    assert!(site.lives(anothers).await);
}

#[tokio::test]
async fn signing_out_here_leaves_other_browsers_and_everywhere_does_not() {
    let site = Site::new().await;
    let ada = site.user("ada@example.com").await;
    let mut browsers = Vec::new();
    let idle = site.sign_in("ada@example.com", "").await.cookie();
    for _ in 0..3 {
        let cookie = site.sign_in("ada@example.com", "").await.cookie();
        let session = site.session(ada, &cookie).await;
        browsers.push((cookie, session));
    }
    let seen = site
        .post("/account/sign-out", &browsers[0].0, &[("where", "here")])
        .await;
    assert!(
        seen.body.contains("in this browser have ended"),
        "{}",
        seen.body
    );
    assert!(!site.lives(browsers[0].1).await && site.lives(browsers[1].1).await);
    let seen = site
        .post(
            "/account/sign-out",
            &browsers[1].0,
            &[("where", "everywhere")],
        )
        .await;
    assert!(seen.body.contains("in every browser"), "{}", seen.body);
    // A browser from which no session ever started is signed out as well.
    browsers.push((idle, browsers[0].1));
    for (cookie, session) in &browsers {
        assert!(!site.lives(*session).await);
        assert_eq!(
            site.get("/account", cookie).await.status,
            StatusCode::SEE_OTHER
        );
    }
}

#[tokio::test]
async fn the_root_leads_to_the_account() {
    let site = Site::new().await;
    let seen = site.get("/", "").await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    assert_eq!(seen.location(), "https://id.example/account");
}

#[tokio::test]
async fn one_cannot_revoke_what_is_not_ones_own() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let cookie = site.sign_in("ada@example.com", "").await.cookie();
    let unknown = SessionId::generate(site.plane.clock.now(), &*site.plane.random).to_string();
    for id in [&*unknown, "garbage", ""] {
        let seen = site
            .post("/account/sessions/revoke", &cookie, &[("session", id)])
            .await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND);
        assert!(seen.body.contains("<code>session_unknown</code>"));
    }
}

#[tokio::test]
async fn signing_out_ends_the_sign_in_and_clears_the_cookie() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let cookie = site.sign_in("ada@example.com", "").await.cookie();
    let seen = site
        .post("/account/sign-out", &cookie, &[("where", "here")])
        .await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(
        seen.headers[SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(
        site.get("/account", &cookie).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        site.post("/account/sign-out", &cookie, &[]).await.status,
        StatusCode::OK
    );
}
