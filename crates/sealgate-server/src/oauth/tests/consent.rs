//! The question whether a client may have what it asks for, and what comes of its answer.

use std::time::Duration;

use sealgate_store::Consent;

use super::machines::API;
use super::*;

/// What `app` is asked for when its users are asked.
async fn asking() -> (House, String) {
    let house = House::new().await;
    house.add_api().await;
    house
        .change_client("app", |client| {
            client.details.consent = Consent::Required;
            client.details.resources = vec![API.into()];
        })
        .await;
    let (_, cookie) = house.sign_in().await;
    (house, cookie)
}

async fn ask(house: &House, cookie: &str, scope: &str, more: &[(&'static str, &str)]) -> Response {
    let mut pairs = wish_with("scope", scope);
    pairs.extend(
        more.iter()
            .map(|(name, value)| (*name, (*value).to_owned())),
    );
    house.get(&authorize(&pairs), Some(cookie)).await
}

/// The parameters of an answer, wherever it goes.
fn answer(response: &Response) -> std::collections::HashMap<String, String> {
    location(response).query_pairs().into_owned().collect()
}

fn path_of(response: &Response) -> String {
    location(response).path().to_owned()
}

#[tokio::test]
async fn the_question_says_who_asks_for_what_where_and_for_how_long() {
    let (house, cookie) = asking().await;
    let response = ask(
        &house,
        &cookie,
        "openid email expenses:read",
        &[("resource", API)],
    )
    .await;
    assert_eq!(path_of(&response), "/consent");
    let response = house.resume(&sealed(&response), &cookie).await;
    assert_eq!(response.status(), StatusCode::OK);
    no_store(response.headers());
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(
        policy.ends_with("form-action 'self' https://app.example"),
        "{policy}"
    );
    let html = text(response).await;
    for told in [
        "The app client",
        "ada@example.org",
        "See your e-mail address",
        "Read your expenses",
        "Expenses",
        API,
        "app.example",
        "24 hours",
        "1 hour without use",
    ] {
        assert!(html.contains(told), "{told} in {html}");
    }
    assert!(!html.contains("on this computer"));
}

#[tokio::test]
async fn an_application_on_this_computer_is_told_as_one() {
    let (house, cookie) = asking().await;
    let mut pairs = wish("native");
    pairs.retain(|(name, _)| *name != "redirect_uri");
    pairs.push(("redirect_uri", "http://127.0.0.1:9321/cb".to_owned()));
    let response = house.get(&authorize(&pairs), Some(&cookie)).await;
    let html = text(house.resume(&sealed(&response), &cookie).await).await;
    assert!(html.contains("An application on this computer"), "{html}");
    assert!(html.contains("Only go on if you started this yourself"));
}

#[tokio::test]
async fn an_application_with_its_own_scheme_is_named_by_it_and_answered_there() {
    let (house, cookie) = asking().await;
    let own = "com.example.expenses:/callback";
    house
        .change_client("native", |client| client.redirect_uris = vec![own.into()])
        .await;
    let mut pairs = wish("native");
    pairs.retain(|(name, _)| *name != "redirect_uri");
    pairs.push(("redirect_uri", own.to_owned()));
    let response = house.get(&authorize(&pairs), Some(&cookie)).await;
    let request = sealed(&response);
    let page = house.resume(&request, &cookie).await;
    let policy = page.headers()["content-security-policy"].clone();
    assert!(
        policy
            .to_str()
            .unwrap()
            .ends_with("form-action 'self' com.example.expenses:"),
        "{policy:?}"
    );
    let html = text(page).await;
    for told in [
        "An application on this computer",
        "<strong class=\"address\">com.example.expenses</strong>",
        "Only go on if you started this yourself",
        "You are asked each time",
    ] {
        assert!(html.contains(told), "{told} in {html}");
    }
    let allowed = house.decide(&request, &cookie, "allow").await;
    let sent = location(&allowed);
    assert_eq!(
        (sent.scheme(), sent.path()),
        ("com.example.expenses", "/callback")
    );
    let code = &answer(&allowed)["code"];
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
        ("redirect_uri", own),
        ("client_id", "native"),
    ];
    tokens(house.post("/oauth/token", None, &pairs).await).await;
}

#[tokio::test]
async fn what_may_be_another_application_by_now_is_asked_each_time() {
    let (house, cookie) = asking().await;
    house
        .change_client("app", |client| client.details.consent = Consent::Required)
        .await;
    for (client, redirect_uri, asked_again) in [
        ("native", "http://127.0.0.1/cb", true),
        ("native", CALLBACK, false),
        ("app", "http://127.0.0.1/cb", false),
    ] {
        let mut pairs = wish(client);
        pairs.retain(|(name, _)| *name != "redirect_uri");
        pairs.push(("redirect_uri", redirect_uri.to_owned()));
        let response = house.get(&authorize(&pairs), Some(&cookie)).await;
        if path_of(&response) == "/consent" {
            let allowed = house.decide(&sealed(&response), &cookie, "allow").await;
            assert!(answer(&allowed).contains_key("code"));
        }
        let again = house.get(&authorize(&pairs), Some(&cookie)).await;
        assert_eq!(
            path_of(&again) == "/consent",
            asked_again,
            "{client} {redirect_uri}"
        );
        pairs.push(("prompt", "none".to_owned()));
        let silent = answer(&house.get(&authorize(&pairs), Some(&cookie)).await);
        assert_eq!(
            silent.get("error").map(String::as_str),
            asked_again.then_some("consent_required"),
            "{client} {redirect_uri}"
        );
    }
}

#[tokio::test]
async fn what_was_allowed_is_remembered_and_only_more_is_asked_for_again() {
    let (house, cookie) = asking().await;
    let response = ask(&house, &cookie, "openid expenses:read", &[]).await;
    let allowed = house.decide(&sealed(&response), &cookie, "allow").await;
    assert!(sent_back(&allowed).contains_key("code"));
    let grant = house.records().await;
    let grant = grant
        .iter()
        .find(|row| row.action == "consent.grant")
        .unwrap();
    assert_eq!(
        (
            grant.user,
            grant.client.as_ref().unwrap().as_str(),
            grant.outcome.as_str()
        ),
        (Some(house.user), "app", "allowed")
    );
    for less in ["openid", "expenses:read", "expenses:read openid"] {
        assert!(sent_back(&ask(&house, &cookie, less, &[]).await).contains_key("code"));
    }
    assert!(
        sent_back(&ask(&house, &cookie, "openid", &[("prompt", "none")]).await)
            .contains_key("code")
    );
    for (scope, more) in [
        ("openid email", &[][..]),
        ("openid", &[("resource", API)]),
        ("openid", &[("prompt", "consent")]),
        // A claim is no way around the scope that would give it.
        ("openid", &[("claims", r#"{"userinfo":{"email":null}}"#)]),
    ] {
        let response = ask(&house, &cookie, scope, more).await;
        assert_eq!(path_of(&response), "/consent", "{scope} {more:?}");
    }
    // What is remembered is one user's and one client's.
    house
        .change_client("other", |client| client.details.consent = Consent::Required)
        .await;
    let other = house.get(&authorize(&wish("other")), Some(&cookie)).await;
    assert_eq!(path_of(&other), "/consent");
}

#[tokio::test]
async fn a_denial_is_told_to_the_client_and_nothing_is_remembered() {
    let (house, cookie) = asking().await;
    let response = ask(&house, &cookie, "openid", &[]).await;
    let denied = house.decide(&sealed(&response), &cookie, "deny").await;
    let answer = sent_back(&denied);
    assert_eq!(
        (
            answer["error"].as_str(),
            answer["reason"].as_str(),
            answer["state"].as_str()
        ),
        ("access_denied", "consent_denied", "the state")
    );
    let record = house.last_record().await;
    assert_eq!(
        (
            record.action.as_str(),
            record.outcome.as_str(),
            record.reason.as_str()
        ),
        ("consent.deny", "denied", "consent_denied")
    );
    assert_eq!(record.user, Some(house.user));
    let again = ask(&house, &cookie, "openid", &[]).await;
    assert_eq!(path_of(&again), "/consent");
}

#[tokio::test]
async fn a_trusted_clients_users_are_asked_only_if_it_wants_it() {
    let house = House::new().await;
    let (_, cookie) = house.sign_in().await;
    assert!(sent_back(&ask(&house, &cookie, "openid", &[]).await).contains_key("code"));
    let response = ask(&house, &cookie, "openid", &[("prompt", "consent")]).await;
    assert_eq!(path_of(&response), "/consent");
    let allowed = house.decide(&sealed(&response), &cookie, "allow").await;
    assert!(sent_back(&allowed).contains_key("code"));
}

#[tokio::test]
async fn an_answer_counts_for_the_user_who_was_asked_and_from_our_own_page() {
    let (house, cookie) = asking().await;
    let response = ask(&house, &cookie, "openid", &[]).await;
    let sealed = sealed(&response);
    let somebody = UserId::from_bytes([7; 16]).to_string();
    for user in [somebody.as_str(), ""] {
        let pairs = [
            ("request", sealed.as_str()),
            ("user", user),
            ("decision", "allow"),
        ];
        let response = house.post_page("/consent", &cookie, &pairs).await;
        assert_eq!(path_of(&response), "/consent");
    }
    let signed_out = house.decide(&sealed, "", "allow").await;
    assert_eq!(path_of(&signed_out), "/consent");
    let user = house.user.to_string();
    let pairs = [
        ("request", sealed.as_str()),
        ("user", &user),
        ("decision", "allow"),
    ];
    let foreign = request(Method::POST, "/consent")
        .header(COOKIE, &cookie)
        .header("sec-fetch-site", "cross-site")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form(&pairs)));
    let response = house.send(foreign.unwrap()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let consents = house.plane.store.consents_of(house.user).await.unwrap();
    assert!(consents.is_empty());
    // The page of somebody who is not signed in is the sign-in page.
    let nobody = house.resume(&sealed, "").await;
    assert_eq!(path_of(&nobody), "/sign-in");
}

#[tokio::test]
async fn an_answer_is_no_way_around_a_fresh_sign_in() {
    let (house, cookie) = asking().await;
    house.clock.advance(Duration::from_secs(1));
    let response = ask(&house, &cookie, "openid", &[("prompt", "login consent")]).await;
    assert_eq!(path_of(&response), "/sign-in");
    let allowed = house.decide(&sealed(&response), &cookie, "allow").await;
    assert_eq!(path_of(&allowed), "/sign-in");
    let (_, fresh) = house.sign_in().await;
    let asked = house.resume(&sealed(&response), &fresh).await;
    assert_eq!(asked.status(), StatusCode::OK);
    let allowed = house.decide(&sealed(&response), &fresh, "allow").await;
    assert!(sent_back(&allowed).contains_key("code"));
}

#[tokio::test]
async fn what_was_allowed_is_taken_back_on_the_account_page_and_its_sessions_end() {
    let (house, cookie) = asking().await;
    let code = house.code_for("app", "openid expenses:read", &cookie).await;
    let given = tokens(house.redeem("app", &code).await).await;
    let elsewhere = house.code_for("other", "openid", &cookie).await;
    let elsewhere = tokens(house.redeem("other", &elsewhere).await).await;
    let page = text(house.get("/account", Some(&cookie)).await).await;
    for told in [
        "What you have allowed",
        "The app client",
        "Read your expenses",
    ] {
        assert!(page.contains(told), "{told} in {page}");
    }
    let withdraw = |client: &'static str| {
        let (house, cookie) = (&house, &cookie);
        async move {
            let pairs = [("client", client)];
            house
                .post_page("/account/consents/withdraw", cookie, &pairs)
                .await
        }
    };
    let response = withdraw("app").await;
    assert_eq!(location(&response).query(), Some("done=withdrawn"));
    assert_eq!(
        house.revoked_for(&given.access).await,
        Some(RevokeReason::ConsentWithdrawn)
    );
    assert_eq!(house.revoked_for(&elsewhere.access).await, None);
    let record = house.last_record().await;
    assert_eq!(
        (record.action.as_str(), record.client.unwrap().as_str()),
        ("consent.withdraw", "app")
    );
    let page = text(house.get("/account?done=withdrawn", Some(&cookie)).await).await;
    assert!(!page.contains("What you have allowed <"), "{page}");
    assert!(page.contains("is taken back"));
    let response = ask(&house, &cookie, "openid", &[]).await;
    assert_eq!(path_of(&response), "/consent");
    // Nothing to take back is no mistake; what is no client's id is.
    assert_eq!(withdraw("other-one").await.status(), StatusCode::SEE_OTHER);
    assert_eq!(withdraw("").await.status(), StatusCode::BAD_REQUEST);
}
