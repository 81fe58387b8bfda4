//! What one signs in for, and how the pages go on to it.

use sealgate_model::Grant;
use sealgate_store::Consent;

use super::*;

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Site {
    async fn change_client(&self, change: impl FnOnce(&mut Client)) {
        let id = "expenses".parse().unwrap();
        let before = self.plane.store.client(&id).await.unwrap().unwrap();
        let mut client = before.clone();
        change(&mut client);
        let changed = self
            .plane
            .store
            .client_update(before, client, plane_act(&self.plane));
        assert!(changed.await.unwrap());
    }

    /// Asks for a code; where the browser is sent.
    async fn ask(&self, cookie: &str, more: &[(&str, &str)]) -> Seen {
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", "expenses"),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.extend_from_slice(more);
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        self.get(&format!("/oauth/authorize?{query}"), cookie).await
    }
}

/// The sealed request in a URL of ours.
fn request_of(url: &str) -> String {
    let url: url::Url = url.parse().unwrap();
    let request = url.query_pairs().find(|(name, _)| name == "request");
    request.unwrap().1.into_owned()
}

fn path_of(seen: &Seen) -> String {
    let url: url::Url = seen.location().parse().unwrap();
    url.path().to_owned()
}

async fn sign_in_for(site: &Site, email: &str, cookie: &str, request: &str) -> Seen {
    let fields = [
        ("email", email),
        ("password", PASSWORD),
        ("request", request),
    ];
    site.post("/sign-in", cookie, &fields).await
}

#[tokio::test]
async fn signing_in_for_a_device_goes_on_to_its_page_with_the_code_filled_in() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    site.change_client(|client| client.details.grants.push(Grant::DeviceCode))
        .await;
    let seen = site.get("/device?user_code=wdjbmjht", "").await;
    assert_eq!(path_of(&seen), "/sign-in");
    let request = request_of(seen.location());
    let page = site.get(&format!("/sign-in?request={request}"), "").await;
    assert!(page.body.contains("to connect a device"), "{}", page.body);
    let seen = sign_in_for(&site, "ada@example.com", "", &request).await;
    assert_eq!(
        seen.location(),
        "https://id.example/device?user_code=WDJB-MJHT"
    );
    let page = site
        .get("/device?user_code=WDJB-MJHT", &seen.cookie())
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains(r#"value="WDJB-MJHT""#), "{}", page.body);
    assert!(page.body.contains("ada@example.com"));
    // A device's errand is no client's request.
    let seen = site
        .get(&format!("/consent?request={request}"), &seen.cookie())
        .await;
    assert_eq!(seen.status, StatusCode::BAD_REQUEST);
    assert!(seen.body.contains("request_unreadable"));
}

#[tokio::test]
async fn signing_in_goes_on_to_the_question_which_another_user_can_take_over() {
    let site = Site::new().await;
    let ada = site.user("ada@example.com").await;
    let grace = site.user("grace@example.com").await;
    site.change_client(|client| client.details.consent = Consent::Required)
        .await;
    let seen = site.ask("", &[("login_hint", "ada@example.com")]).await;
    let request = request_of(seen.location());
    let page = site.get(&format!("/sign-in?request={request}"), "").await;
    assert!(page.body.contains(r#"value="ada@example.com""#));
    let seen = sign_in_for(&site, "ada@example.com", "", &request).await;
    assert_eq!(path_of(&seen), "/consent");
    let adas = seen.cookie();
    let page = site
        .get(&format!("/consent?request={request}"), &adas)
        .await;
    assert!(page.body.contains("ada@example.com"), "{}", page.body);
    let switch = format!("/sign-in?request={request}");
    assert!(
        page.body.contains(&format!("href=\"{switch}\"")),
        "{}",
        page.body
    );

    let page = site.get(&switch, &adas).await;
    assert_eq!(page.status, StatusCode::OK, "whoever is signed in already");
    let seen = sign_in_for(&site, "grace@example.com", &adas, &request).await;
    assert_eq!(path_of(&seen), "/consent");
    let graces = seen.cookie();
    // What Ada was asked does not count for Grace.
    let fields = |user: UserId| {
        [
            ("request", request.clone()),
            ("user", user.to_string()),
            ("decision", "allow".to_owned()),
        ]
    };
    let post = async |user| {
        let owned = fields(user);
        let pairs: Vec<_> = owned
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        site.post("/consent", &graces, &pairs).await
    };
    assert_eq!(path_of(&post(ada).await), "/consent");
    let seen = post(grace).await;
    assert!(
        seen.location().starts_with(&format!("{CALLBACK}?code=")),
        "{}",
        seen.location()
    );
    let consents = site.plane.store.consents_of(grace).await.unwrap();
    assert_eq!(consents.len(), 1);
    assert!(site.plane.store.consents_of(ada).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_posted_comes_with_the_sign_in_cookie() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let seen = site.ask("", &[("response_mode", "form_post")]).await;
    let request = request_of(seen.location());
    let seen = sign_in_for(&site, "ada@example.com", "", &request).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(
        seen.body.contains(&format!("action=\"{CALLBACK}\"")),
        "{}",
        seen.body
    );
    assert!(seen.body.contains("name=\"code\""));
    let account = site.get("/account", &seen.cookie()).await;
    assert_eq!(account.status, StatusCode::OK);
}

#[tokio::test]
async fn a_step_up_replaces_the_sign_in_and_its_cookie() {
    let site = Site::new().await;
    site.user("ada@example.com").await;
    let before = site.sign_in("ada@example.com", "").await.cookie();
    site.clock.advance(Duration::from_secs(301));
    let seen = site.ask(&before, &[("max_age", "300")]).await;
    assert_eq!(path_of(&seen), "/sign-in");
    let request = request_of(seen.location());
    let seen = sign_in_for(&site, "ada@example.com", &before, &request).await;
    assert!(seen.location().starts_with(CALLBACK), "{}", seen.location());
    let after = seen.cookie();
    assert_ne!(before, after);
    let old = site.get("/account", &before).await;
    assert_eq!(path_of(&old), "/sign-in", "the old cookie is worth nothing");
    assert_eq!(site.get("/account", &after).await.status, StatusCode::OK);
}
