//! Links: opened at will, spent once.

use super::*;

#[tokio::test]
async fn opening_an_invitation_any_number_of_times_does_not_spend_it() {
    let site = Site::new().await;
    let (user, token) = site.invited("ada@example.com").await;
    for _ in 0..3 {
        let seen = site.get(&format!("/invitation?token={token}"), "").await;
        assert_eq!(seen.status, StatusCode::OK);
        assert!(seen.body.contains("ada@example.com"));
    }
    let fields = [
        ("token", &*token),
        ("password", PASSWORD),
        ("repeated", PASSWORD),
    ];
    let seen = site.post("/invitation", "", &fields).await;
    assert_eq!(
        (seen.status, seen.location()),
        (StatusCode::SEE_OTHER, "https://id.example/account")
    );
    assert_eq!(
        site.get("/account", &seen.cookie()).await.status,
        StatusCode::OK
    );
    assert_eq!(
        site.sign_in("ada@example.com", "").await.status,
        StatusCode::SEE_OTHER
    );
    let rows = site.plane.store.audit_after(0, 1000).await.unwrap();
    assert!(
        rows.iter()
            .any(|row| row.action == "invitation.accept" && row.user == Some(user))
    );
}

#[tokio::test]
async fn links_that_were_used_have_expired_or_never_were_get_the_same_page() {
    let site = Site::new().await;
    let (_, used) = site.invited("ada@example.com").await;
    let fields = [
        ("token", &*used),
        ("password", PASSWORD),
        ("repeated", PASSWORD),
    ];
    assert_eq!(
        site.post("/invitation", "", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    let (_, expired) = site.invited("bob@example.com").await;
    site.clock.advance(Duration::from_secs(72 * 3600));
    let (gone, disabled) = site.invited("eve@example.com").await;
    site.plane
        .store
        .user_disable(gone, plane_act(&site.plane))
        .await
        .unwrap();
    let (_, live) = site.invited("dan@example.com").await;
    let mut altered = live.clone();
    altered.replace_range(63.., if live.ends_with('A') { "B" } else { "A" });
    let unknown = "A".repeat(64);
    let mut bodies = Vec::new();
    for token in [
        &used, &expired, &disabled, &altered, &unknown, "garbage", "",
    ] {
        for seen in [
            site.get(&format!("/invitation?token={token}"), "").await,
            site.post(
                "/invitation",
                "",
                &[
                    ("token", token),
                    ("password", PASSWORD),
                    ("repeated", PASSWORD),
                ],
            )
            .await,
        ] {
            assert_eq!(seen.status, StatusCode::GONE, "{token}");
            assert!(seen.body.contains("<code>invitation_spent</code>"));
            let trace = seen.headers["sealgate-trace"].to_str().unwrap();
            bodies.push(seen.body.replace(trace, "TRACE"));
        }
    }
    bodies.push(site.get("/invitation?token=%zz&token=b", "").await.body);
    let last = bodies.pop().unwrap();
    assert!(last.contains("<code>invitation_spent</code>"));
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    assert_eq!(
        site.get(&format!("/invitation?token={live}"), "")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_password_that_may_not_be_chosen_does_not_spend_the_link() {
    let site = Site::new().await;
    let (_, token) = site.invited("ada@example.com").await;
    for (password, repeated, told) in [
        ("too short", "too short", "Use at least 15 characters."),
        (
            "ada@example.com",
            "ada@example.com",
            "Use something other than your e-mail address",
        ),
        (
            PASSWORD,
            "correct horse battery stable",
            "The two passwords differ.",
        ),
        (PASSWORD, "", "The two passwords differ."),
    ] {
        let fields = [
            ("token", &*token),
            ("password", password),
            ("repeated", repeated),
        ];
        let seen = site.post("/invitation", "", &fields).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(seen.body.contains(told), "{}", seen.body);
        assert!(!seen.body.contains(PASSWORD));
    }
    assert_eq!(
        site.get(&format!("/invitation?token={token}"), "")
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_setup_link_makes_one_administrator_and_no_second() {
    let site = Site::new().await;
    let first = create_setup(&site.plane).await.unwrap();
    let link = create_setup(&site.plane).await.unwrap();
    assert!(!format!("{link:?}").contains(&link.url));
    let path = |url: &str| url.strip_prefix("https://id.example").unwrap().to_owned();
    assert_eq!(
        site.get(&path(&first.url), "").await.status,
        StatusCode::GONE
    );
    let seen = site.get(&path(&link.url), "").await;
    assert!(seen.body.contains("Create administrator"), "{}", seen.body);
    let token = link.url.split_once("token=").unwrap().1;
    let wrong = [
        ("token", token),
        ("email", "ada"),
        ("password", PASSWORD),
        ("repeated", PASSWORD),
    ];
    let seen = site.post("/invitation", "", &wrong).await;
    assert!(seen.body.contains("Enter your name") && seen.body.contains("Enter an e-mail address"));
    let fields = [
        ("token", token),
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
        ("repeated", PASSWORD),
    ];
    assert_eq!(
        site.post("/invitation", "", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    let ada = site
        .plane
        .store
        .user_by_email("ada@example.com")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ada.roles, ["admin"]);
    assert_eq!(
        site.post("/invitation", "", &fields).await.status,
        StatusCode::GONE
    );
    let late = create_setup(&site.plane).await.unwrap();
    assert_eq!(
        site.get(&path(&late.url), "").await.status,
        StatusCode::GONE
    );
}

#[tokio::test]
async fn two_posts_of_one_link_at_once_spend_it_once() {
    let site = Site::new().await;
    let (_, token) = site.invited("ada@example.com").await;
    let fields = [
        ("token", &*token),
        ("password", PASSWORD),
        ("repeated", PASSWORD),
    ];
    let (one, other) = tokio::join!(
        site.post("/invitation", "", &fields),
        site.post("/invitation", "", &fields)
    );
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [StatusCode::SEE_OTHER, StatusCode::GONE]);
}

#[tokio::test]
async fn a_link_to_an_active_account_sets_its_password_anew_and_signs_it_out_everywhere_else() {
    const ANOTHER: &str = "another horse, another battery";
    let site = Site::new().await;
    let ada = site.user("ada@example.com").await;
    let browser = site.sign_in("ada@example.com", "").await.cookie();
    let session = site.session(ada, &browser).await;
    let (invitation, token) = site.link(ada);
    let store = &site.plane.store;
    store
        .invitation_create(invitation, None, plane_act(&site.plane))
        .await
        .unwrap();
    let seen = site.get(&format!("/invitation?token={token}"), "").await;
    assert!(
        seen.body.contains("signs you out everywhere else"),
        "{}",
        seen.body
    );
    assert!(site.lives(session).await, "opening the link ends nothing");

    let fields = [
        ("token", &*token),
        ("password", ANOTHER),
        ("repeated", ANOTHER),
    ];
    let seen = site.post("/invitation", &browser, &fields).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let here = seen.cookie();
    assert_eq!(site.get("/account", &here).await.status, StatusCode::OK);
    assert_eq!(
        site.get("/account", &browser).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(!site.lives(session).await);
    let old = site.sign_in("ada@example.com", "").await;
    assert_eq!(old.status, StatusCode::UNPROCESSABLE_ENTITY);
    let rows = store.audit_after(0, 1000).await.unwrap();
    assert!(
        rows.iter()
            .any(|row| row.action == "password.reset" && row.user == Some(ada))
    );
}
