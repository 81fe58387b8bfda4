//! Signing in: who gets in, who does not, and what nobody learns from it.

use super::*;

#[tokio::test]
async fn the_right_password_signs_in_and_leads_to_the_account() {
    let site = Site::new().await;
    let ada = site.user("ada@example.com").await;
    let seen = site.sign_in(" Ada@Example.com ", "").await;
    assert_eq!(
        (seen.status, seen.location()),
        (StatusCode::SEE_OTHER, "https://id.example/account")
    );
    let set = seen.headers[SET_COOKIE].to_str().unwrap();
    assert!(set.starts_with("__Host-Http-sealgate-sign-in="), "{set}");
    let account = site.get("/account", &seen.cookie()).await;
    assert_eq!(account.status, StatusCode::OK);
    assert!(account.body.contains("ada@example.com"));
    let rows = site.plane.store.audit_after(0, 1000).await.unwrap();
    let row = rows
        .iter()
        .find(|row| row.action == "sign_in.start")
        .unwrap();
    assert_eq!((row.outcome.as_str(), row.user), ("allowed", Some(ada)));
    assert_eq!(row.trace.as_deref().map(str::len), Some(32));
}

#[tokio::test]
async fn a_refusal_reads_the_same_whether_or_not_the_account_exists() {
    let site = Site::new().await;
    site.user("known@example.com").await;
    let off = site.user("gone@example.com").await;
    site.plane
        .store
        .user_disable(off, plane_act(&site.plane))
        .await
        .unwrap();
    site.invited("asked@example.com").await;
    let mut bodies = Vec::new();
    for (email, password) in [
        ("known@example.com", "wrong"),
        ("nobody@example.com", PASSWORD),
        ("gone@example.com", PASSWORD),
        ("asked@example.com", PASSWORD),
        ("known@example.com", &"x".repeat(1025)),
    ] {
        let seen = site
            .post("/sign-in", "", &[("email", email), ("password", password)])
            .await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        assert!(!seen.headers.contains_key(SET_COOKIE), "{email}");
        bodies.push(seen.body.replace(email, "EMAIL"));
    }
    assert!(bodies[0].contains("The e-mail address or the password is not right."));
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let reasons = [
        "password_wrong",
        "account_unknown",
        "account_disabled",
        "account_invited",
        "password_wrong",
    ];
    assert_eq!(site.reasons().await, reasons);
}

#[tokio::test]
async fn an_unknown_account_takes_the_same_path_through_the_password_queue() {
    // With no room in the queue, what would not be worked on would be answered at once.
    let site = Site::with(
        PasswordQueue::new(0, 0).with_patience(Duration::ZERO),
        "https://id.example",
    )
    .await;
    site.user("known@example.com").await;
    for email in [
        "known@example.com",
        "nobody@example.com",
        &format!("{}@example.com", "a".repeat(300)),
    ] {
        let seen = site.sign_in(email, "").await;
        assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE, "{email}");
    }
}

#[tokio::test]
async fn a_full_password_queue_says_when_to_come_back() {
    let site = Site::with(
        PasswordQueue::new(0, 0).with_patience(Duration::ZERO),
        "https://id.example",
    )
    .await;
    site.user("ada@example.com").await;
    let seen = site.sign_in("ada@example.com", "").await;
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(seen.headers[RETRY_AFTER], "2");
    assert!(
        seen.body.contains("<code>sign_in_busy</code>"),
        "{}",
        seen.body
    );
}

#[tokio::test]
async fn every_sign_in_gets_an_id_of_its_own_whatever_cookie_was_planted() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let first = site.sign_in("ada@example.com", "").await.cookie();
    let second = site.sign_in("ada@example.com", &first).await.cookie();
    assert_ne!(first, second);
    let planted = format!("__Host-Http-sealgate-sign-in={}", "A".repeat(64));
    assert_ne!(
        site.sign_in("ada@example.com", &planted).await.cookie(),
        planted
    );
    assert_eq!(
        site.get("/account", &planted).await.location(),
        "https://id.example/sign-in"
    );
}

#[tokio::test]
async fn signing_in_as_somebody_else_ends_the_sign_in_before() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    site.user("eve@example.com").await;
    let eve = site.sign_in("eve@example.com", "").await.cookie();
    let ada = site.sign_in("ada@example.com", &eve).await.cookie();
    assert_eq!(
        site.get("/account", &eve).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(site.get("/account", &ada).await.status, StatusCode::OK);
}

#[tokio::test]
async fn signing_in_again_takes_the_sessions_over_so_that_signing_out_ends_them() {
    let site = Site::new().await;
    let ada = site.user("ada@example.com").await;
    let first = site.sign_in("ada@example.com", "").await.cookie();
    let session = site.session(ada, &first).await;
    let second = site.sign_in("ada@example.com", &first).await.cookie();
    assert_eq!(
        site.get("/account", &first).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(site.lives(session).await);
    site.post("/account/sign-out", &second, &[("where", "here")])
        .await;
    assert!(!site.lives(session).await);
}

#[tokio::test]
async fn a_cookie_with_another_secret_or_past_its_time_is_nobody() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let cookie = site.sign_in("ada@example.com", "").await.cookie();
    let mut altered = cookie.clone();
    let last = altered.pop().unwrap();
    altered.push(if last == 'A' { 'B' } else { 'A' });
    assert_eq!(
        site.get("/account", &altered).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        site.get("/account", &format!("{cookie}; {cookie}"))
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    site.clock.advance(Duration::from_secs(24 * 3600 - 1));
    assert_eq!(site.get("/account", &cookie).await.status, StatusCode::OK);
    site.clock.advance(Duration::from_secs(1));
    assert_eq!(
        site.get("/account", &cookie).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_disabled_account_is_out_at_once() {
    let site = Site::new().await;
    let ada = site.user("ada@example.com").await;
    let cookie = site.sign_in("ada@example.com", "").await.cookie();
    site.plane
        .store
        .user_disable(ada, plane_act(&site.plane))
        .await
        .unwrap();
    assert_eq!(
        site.get("/account", &cookie).await.status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_form_from_elsewhere_is_refused_before_it_is_read() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    for path in [
        "/sign-in",
        "/invitation",
        "/account/sign-out",
        "/account/sessions/revoke",
    ] {
        let headers: [&[(&str, &str)]; 5] = [
            &[],
            &[("sec-fetch-site", "cross-site")],
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://id.example"),
            ],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
        ];
        for headers in headers {
            let request = headers
                .iter()
                .fold(Request::post(path), |request, (name, value)| {
                    request.header(*name, *value)
                });
            let seen = site.send(form(request, &fields)).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
            assert!(
                seen.body.contains("<code>cross_origin</code>"),
                "{}",
                seen.body
            );
            assert!(!seen.headers.contains_key(SET_COOKIE));
        }
        let seen = site
            .send(form(
                Request::post(path).header("origin", "https://id.example"),
                &fields,
            ))
            .await;
        assert_ne!(seen.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn forms_that_are_too_large_repeated_or_no_forms_get_a_page() {
    let site = Site::new().await;
    let large = "x".repeat(9 * 1024);
    let seen = site.post("/invitation", "", &[("token", &large)]).await;
    assert_eq!(seen.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(seen.body.contains("<code>body_too_large</code>"));
    let seen = site
        .post("/sign-in", "", &[("email", "a@b"), ("email", "c@d")])
        .await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    assert!(seen.body.contains("<code>form_malformed</code>"));
    let request = Request::post("/sign-in").header("sec-fetch-site", "same-origin");
    let request = request
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from("{}"))
        .unwrap();
    assert_eq!(site.send(request).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn empty_fields_are_told_one_by_one() {
    let site = Site::new().await;
    let seen = site.post("/sign-in", "", &[]).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(seen.body.contains("There are 2 problems"), "{}", seen.body);
    assert!(
        seen.body
            .contains(r#"aria-invalid="true" aria-describedby="email-error""#)
    );
}

#[tokio::test]
async fn pages_carry_the_strict_headers() {
    let site = Site::new().await;
    let seen = site.get("/sign-in", "").await;
    assert_eq!(
        seen.headers[CONTENT_SECURITY_POLICY],
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    );
    assert_eq!(seen.headers[REFERRER_POLICY], "same-origin");
    assert_eq!(seen.headers["cache-control"], "no-store");
    assert_eq!(seen.headers["x-content-type-options"], "nosniff");
    assert_eq!(seen.headers["cross-origin-opener-policy"], "same-origin");
    assert_eq!(
        seen.headers["strict-transport-security"],
        "max-age=31536000"
    );
    let plain = Site::with(PasswordQueue::new(1, 1), "http://127.0.0.1:8400").await;
    let seen = plain.get("/sign-in", "").await;
    assert!(!seen.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_request_from_a_client_goes_back_to_it_after_the_password() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", "expenses"),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid"),
            ("state", "S"),
            ("login_hint", "ada@\"example\".com"),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let seen = site.get(&format!("/oauth/authorize?{query}"), "").await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let path = seen
        .location()
        .strip_prefix("https://id.example")
        .unwrap()
        .to_owned();
    let page = site.get(&path, "").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(
        page.body
            .contains("to continue to <strong>Expense tracker</strong>"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("value=\"ada@&#34;example&#34;.com\""),
        "{}",
        page.body
    );
    let policy = page.headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(
        policy.ends_with("form-action 'self' https://expenses.example"),
        "{policy}"
    );
    let sealed = path.split_once("request=").unwrap().1;
    let fields = [
        ("request", sealed),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    let seen = site.post("/sign-in", "", &fields).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    assert!(
        seen.location().starts_with(&format!("{CALLBACK}?")),
        "{}",
        seen.location()
    );
    assert!(seen.location().contains("state=S"));
    assert!(seen.headers.contains_key(SET_COOKIE));
}

#[tokio::test]
async fn an_altered_request_is_told_before_a_password_is_typed() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let seen = site.get("/sign-in?request=v1.k.garbage", "").await;
    assert!(seen.status.is_client_error(), "{}", seen.status);
    assert!(seen.body.contains("<h1>"), "{}", seen.body);
    let fields = [
        ("request", "v1.k.garbage"),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
    ];
    let seen = site.post("/sign-in", "", &fields).await;
    assert!(seen.status.is_client_error() && !seen.headers.contains_key(SET_COOKIE));
    assert!(site.reasons().await.is_empty());
}

#[tokio::test]
async fn an_error_page_names_the_trace_and_links_under_the_issuers_path() {
    let site = Site::with(PasswordQueue::new(1, 1), "https://id.example/tenant").await;
    let seen = site.get("/invitation?token=x", "").await;
    let trace = seen.headers["sealgate-trace"].to_str().unwrap();
    assert!(
        seen.body.contains(&format!("<code>{trace}</code>")),
        "{}",
        seen.body
    );
    assert!(
        seen.body.contains("href=\"/tenant/assets/sealgate.css?v="),
        "{}",
        seen.body
    );
    assert!(seen.headers.contains_key("strict-transport-security"));
}

#[tokio::test]
async fn a_person_at_a_wrong_address_gets_a_page_and_a_program_gets_json() {
    let site = Site::new().await;
    let seen = site.get("/nowhere", "").await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND);
    assert_eq!(seen.headers[CONTENT_TYPE], "text/html; charset=utf-8");
    assert!(
        seen.body.contains("<code>not_found</code>"),
        "{}",
        seen.body
    );
    let seen = site
        .send(Request::get("/nowhere").body(Body::empty()).unwrap())
        .await;
    assert_eq!(seen.headers[CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn the_style_sheet_is_served_under_the_name_that_pages_give_it() {
    let site = Site::new().await;
    let page = site.get("/sign-in", "").await;
    let path = page
        .body
        .split("rel=\"stylesheet\" href=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let seen = site.get(path, "").await;
    assert_eq!(seen.status, StatusCode::OK);
    assert_eq!(seen.headers[CONTENT_TYPE], "text/css; charset=utf-8");
    assert!(
        seen.headers["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
}
