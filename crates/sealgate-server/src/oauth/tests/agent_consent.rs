//! What people are asked about agents that nobody here has checked, and where they see and revoke them.

use sealgate_store::{ClientOrigin, Consent, OwnWords, Resource, ScopeText, ToolText};

use super::*;

const DOCUMENT: &str = "https://agent.example/oauth/client.json";
const NOTES: &str = "https://notes.example/mcp";
const HERE: &str = "https://agent.example/cb";
const ELSEWHERE: &str = "https://other.example/cb";
const LOCAL: &str = "http://127.0.0.1:7777/cb";
const SCHEME: &str = "cursor://agent.example-mcp/cb";
const SCOPE: &str = "openid offline_access notes:read notes:write";

/// A house with a resource that is open to agents and has tools.
async fn with_notes() -> House {
    let house = House::new().await;
    let scope = |name: &str, description: &str| ScopeText {
        name: name.to_owned(),
        description: description.to_owned(),
    };
    let tool = |name: &str, description: &str, scopes: &[&str]| ToolText {
        name: name.to_owned(),
        description: description.to_owned(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
    };
    let resource = Resource {
        uri: NOTES.to_owned(),
        name: "Notes".to_owned(),
        client: Some("other".parse().unwrap()),
        scopes: vec![
            scope("notes:read", "Read your notes"),
            scope("notes:write", "Change your notes"),
        ],
        status_list: false,
        agents: true,
        tools: vec![
            tool("find", "Find notes", &["notes:read"]),
            tool("add_note", "Add a note", &["notes:write"]),
        ],
        created_at: house.clock.now(),
    };
    let created = house.plane.store.resource_create(resource, house.audit());
    created.await.unwrap();
    house
}

/// An agent that nobody registered.
async fn add(house: &House, id: &str, name: &str, origin: ClientOrigin) {
    let now = house.clock.now();
    let client = Client {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        kind: ClientKind::Public,
        secret_hash: None,
        redirect_uris: [HERE, ELSEWHERE, LOCAL, SCHEME].map(String::from).to_vec(),
        logout_uris: Vec::new(),
        scopes: SCOPE.split(' ').map(String::from).collect(),
        details: ClientDetails {
            agent: true,
            consent: Consent::Required,
            origin,
            resources: vec![NOTES.to_owned()],
            own_words: OwnWords {
                client_uri: Some("https://agent.example/about".to_owned()),
                tos_uri: Some("http://agent.example/terms".to_owned()),
                read_at: Some(now),
                fresh_until: Some(now + super::agent_sessions::DAY * 365),
                ..OwnWords::default()
            },
            ..ClientDetails::for_kind(ClientKind::Public)
        },
        created_at: now,
        disabled_at: None,
    };
    let created = house.plane.store.client_create(client, house.audit());
    created.await.unwrap();
}

async fn with_agent() -> (House, String) {
    let house = with_notes().await;
    add(&house, DOCUMENT, "Note taker", ClientOrigin::Document).await;
    let (_, cookie) = house.sign_in().await;
    (house, cookie)
}

fn asking(client: &str, redirect_uri: &str) -> Vec<(&'static str, String)> {
    let mut pairs = wish(client);
    pairs.retain(|(name, _)| !["redirect_uri", "scope"].contains(name));
    pairs.push(("redirect_uri", redirect_uri.to_owned()));
    pairs.push(("scope", SCOPE.to_owned()));
    pairs.push(("resource", NOTES.to_owned()));
    pairs
}

/// The page that asks, and its sealed request.
async fn question(
    house: &House,
    cookie: &str,
    client: &str,
    redirect_uri: &str,
) -> (String, String) {
    let response = house
        .get(&authorize(&asking(client, redirect_uri)), Some(cookie))
        .await;
    assert_eq!(location(&response).path(), "/consent");
    let request = sealed(&response);
    let page = house.resume(&request, cookie).await;
    assert_eq!(page.status(), StatusCode::OK);
    (text(page).await, request)
}

/// Lets an agent connect; its tokens.
async fn connect(house: &House, cookie: &str, client: &str) -> Tokens {
    let asked = asking(client, HERE);
    let mut response = house.get(&authorize(&asked), Some(cookie)).await;
    if location(&response).path() == "/consent" {
        response = house.decide(&sealed(&response), cookie, "allow").await;
    }
    let code = location(&response)
        .query_pairs()
        .find(|(name, _)| name == "code")
        .unwrap()
        .1
        .into_owned();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", HERE),
        ("code_verifier", VERIFIER),
        ("client_id", client),
    ];
    tokens(house.post("/oauth/token", None, &pairs).await).await
}

async fn renew(house: &House, client: &str, refresh: &str) -> Response {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh),
        ("client_id", client),
    ];
    house.post("/oauth/token", None, &pairs).await
}

/// What people read of a page, without its tags.
fn read(html: &str) -> String {
    let mut text = String::new();
    for part in html.replace("</dt>", ": ").split('<') {
        text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}

#[tokio::test]
async fn the_question_tells_the_host_first_and_the_name_as_a_claim() {
    let (house, cookie) = with_agent().await;
    let (page, _) = question(&house, &cookie, DOCUMENT, HERE).await;
    let words = read(&page);
    for told in [
        "agent.example, whose program says that its name is “Note taker”, an AI agent, asks to act for you.",
        "Nobody here has checked who it is. Only its address is certain.",
        "At Notes https://notes.example/mcp Read your notes Find notes find Change your notes Add a note add_note",
        "Stay connected while you are not using it",
        "30 days after you signed in at the latest, and no longer than 7 days without use",
        "You go to: agent.example",
        DOCUMENT,
        "Home page: agent.example",
        "You can take it back on your account page",
    ] {
        assert!(words.contains(told), "{told} in {words}");
    }
    let link = r#"<a rel="noopener noreferrer nofollow" href="https://agent.example/about">"#;
    assert!(page.contains(link), "{page}");
    // What does not lead to https leads nowhere, and no picture of its is shown.
    assert!(!page.contains("agent.example/terms") && !page.contains("<img"));
    assert!(!words.contains("somewhere else") && !words.contains("on this computer"));
    let title = page.split("<title>").nth(1).unwrap();
    assert!(title.starts_with("Allow agent.example?"), "{title}");
}

#[tokio::test]
async fn an_answer_that_goes_elsewhere_or_to_this_computer_is_warned_of() {
    let (house, cookie) = with_agent().await;
    let (page, _) = question(&house, &cookie, DOCUMENT, ELSEWHERE).await;
    let words = read(&page);
    let told = "You would go to other.example, which is not the agent.example that asks.";
    assert!(words.contains(told), "{words}");
    let (page, request) = question(&house, &cookie, DOCUMENT, LOCAL).await;
    let words = read(&page);
    for told in [
        "A program that says it is from agent.example and that its name is “Note taker”, an AI agent,",
        "Its address is no proof: any program could have given it.",
        "An application on this computer: 127.0.0.1",
        "Any application on this computer could have asked under this name.",
        "You are asked each time",
    ] {
        assert!(words.contains(told), "{told} in {words}");
    }
    // What one program on this computer was allowed, another one is not.
    house.decide(&request, &cookie, "allow").await;
    question(&house, &cookie, DOCUMENT, LOCAL).await;
    // No host stands behind a scheme that any program here can take, whatever is written there.
    let (page, request) = question(&house, &cookie, DOCUMENT, SCHEME).await;
    let words = read(&page);
    assert!(
        words.contains("An application on this computer: cursor")
            && !words.contains("agent.example-mcp"),
        "{words}"
    );
    let allowed = house.decide(&request, &cookie, "allow").await;
    assert_eq!(location(&allowed).scheme(), "cursor");
    question(&house, &cookie, DOCUMENT, SCHEME).await;
}

#[tokio::test]
async fn one_that_registered_itself_is_told_as_one_and_cannot_write_on_the_page() {
    let house = with_notes().await;
    let name = "\u{202e}Sealgate</strong> Administration\n\nYou are safe. ";
    let name = name.repeat(9);
    add(&house, "dyn-1", &name, ClientOrigin::Dynamic).await;
    let (_, cookie) = house.sign_in().await;
    let (page, _) = question(&house, &cookie, "dyn-1", HERE).await;
    let words = read(&page);
    assert!(words.contains("A program that registered itself and says that its name is"));
    assert!(words.contains("It could have taken any name"));
    assert!(!page.contains('\u{202e}') && !page.contains("Sealgate</strong>"));
    let claimed = page.split("“").nth(1).unwrap().split('”').next().unwrap();
    assert!(
        claimed.ends_with('…') && !claimed.contains('\n'),
        "{claimed}"
    );
    // On the way there it is not called by that name at all.
    let response = house.get(&authorize(&asking("dyn-1", HERE)), None).await;
    let path = location(&response);
    let path = format!("{}?{}", path.path(), path.query().unwrap());
    let page = text(house.get(&path, None).await).await;
    let words = read(&page);
    assert!(
        words.contains("to continue to an application that registered itself"),
        "{words}"
    );
}

#[tokio::test]
async fn what_is_allowed_to_one_client_id_is_asked_again_of_another_and_for_more() {
    let (house, cookie) = with_agent().await;
    let copy = "https://agent.example/oauth/other.json";
    add(&house, copy, "Note taker", ClientOrigin::Document).await;
    connect(&house, &cookie, DOCUMENT).await;
    let path = |response: &Response| location(response).path().to_owned();
    let ask =
        async |pairs: &[(&'static str, String)]| house.get(&authorize(pairs), Some(&cookie)).await;
    assert_eq!(path(&ask(&asking(DOCUMENT, HERE)).await), "/cb");
    assert_eq!(path(&ask(&asking(copy, HERE)).await), "/consent");
    let mut without = asking(DOCUMENT, HERE);
    without.retain(|(name, _)| *name != "scope");
    without.push(("scope", "openid notes:read".to_owned()));
    assert_eq!(path(&ask(&without).await), "/cb", "less is allowed already");
    let mut silent = asking(copy, HERE);
    silent.push(("prompt", "none".to_owned()));
    let answer = ask(&silent).await;
    assert!(text(answer).await.contains("error=consent_required"));
}

#[tokio::test]
async fn a_denial_goes_back_and_nothing_is_kept() {
    let (house, cookie) = with_agent().await;
    let (page, request) = question(&house, &cookie, DOCUMENT, HERE).await;
    // No is as easy as yes.
    let class = |decision: &str| {
        let button = page.split("<button ").find(|part| part.contains(decision));
        button.unwrap().split('"').nth(1).unwrap().to_owned()
    };
    assert_eq!(class("value=\"allow\""), class("value=\"deny\""));
    let denied = house.decide(&request, &cookie, "deny").await;
    assert!(location(&denied).as_str().contains("error=access_denied"));
    let consents = house.plane.store.consents_of(house.user).await.unwrap();
    assert!(consents.is_empty());
}

#[tokio::test]
async fn the_account_page_tells_of_each_agent_and_revokes_it_at_once() {
    let (house, cookie) = with_agent().await;
    add(&house, "dyn-1", "Helper", ClientOrigin::Dynamic).await;
    let agent = connect(&house, &cookie, DOCUMENT).await;
    let helper = connect(&house, &cookie, "dyn-1").await;
    let code = house.code_for("app", "openid", &cookie).await;
    let usual = tokens(house.redeem("app", &code).await).await;
    house.clock.advance(std::time::Duration::from_secs(7_200));
    let agent = tokens(renew(&house, DOCUMENT, &agent.refresh).await).await;
    house.clock.advance(std::time::Duration::from_secs(180));
    let page = text(house.get("/account", Some(&cookie)).await).await;
    let words = read(&page);
    for told in [
        "AI agents 2",
        "agent.example says it is “Note taker” At Notes https://notes.example/mcp Read your notes",
        "“Helper” registered itself",
        "Allowed: 2 hours ago",
        "Last used: 3 minutes ago",
        "From: Not known",
        "Ends: in 6 days",
        "Your sessions 1",
    ] {
        assert!(words.contains(told), "{told} in {words}");
    }
    assert!(
        !words.contains("What you have allowed"),
        "agents have a list of their own"
    );

    let pairs = [("client", DOCUMENT), ("what", "agent")];
    let revoked = house
        .post_page("/account/consents/withdraw", &cookie, &pairs)
        .await;
    assert_eq!(location(&revoked).query(), Some("done=agent"));
    assert_eq!(
        house.revoked_for(&agent.access).await,
        Some(RevokeReason::ConsentWithdrawn)
    );
    assert_eq!(house.revoked_for(&helper.access).await, None);
    let refused = renew(&house, DOCUMENT, &agent.refresh).await;
    assert_grant_refused(refused, "session_revoked").await;
    let page = read(&text(house.get("/account?done=agent", Some(&cookie)).await).await);
    assert!(
        page.contains("The agent is revoked") && page.contains("AI agents 1"),
        "{page}"
    );
    question(&house, &cookie, DOCUMENT, HERE).await;

    house.clock.advance(std::time::Duration::from_secs(1));
    connect(&house, &cookie, DOCUMENT).await;
    let revoked = house
        .post_page("/account/agents/revoke", &cookie, &[])
        .await;
    assert_eq!(location(&revoked).query(), Some("done=agents"));
    assert_eq!(
        house.revoked_for(&helper.access).await,
        Some(RevokeReason::ConsentWithdrawn)
    );
    assert_eq!(house.revoked_for(&usual.access).await, None);
    let page = read(&text(house.get("/account?done=agents", Some(&cookie)).await).await);
    assert!(
        page.contains("All agents are revoked") && !page.contains("AI agents 1"),
        "{page}"
    );
    let records = house.records().await;
    let withdrawn = records
        .iter()
        .rev()
        .take_while(|row| row.action == "consent.withdraw");
    let clients: Vec<_> = withdrawn.map(|row| row.client.clone().unwrap()).collect();
    assert_eq!(clients.len(), 2);
    // Only from our own page, and only who is signed in.
    let foreign = request(Method::POST, "/account/agents/revoke")
        .header(COOKIE, &cookie)
        .header("sec-fetch-site", "cross-site")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::empty());
    let response = house.send(foreign.unwrap()).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let nobody = house.post_page("/account/agents/revoke", "", &[]).await;
    assert_eq!(location(&nobody).path(), "/sign-in");
}

#[tokio::test]
async fn each_connection_of_an_agent_can_be_ended_by_itself() {
    let (house, cookie) = with_agent().await;
    let first = connect(&house, &cookie, DOCUMENT).await;
    let second = connect(&house, &cookie, DOCUMENT).await;
    let page = text(house.get("/account", Some(&cookie)).await).await;
    let id = house.session_of(&first.access).await.id.to_string();
    assert!(page.contains(&format!("value=\"{id}\"")), "{page}");
    let pairs = [("session", id.as_str())];
    house
        .post_page("/account/sessions/revoke", &cookie, &pairs)
        .await;
    assert!(house.revoked_for(&first.access).await.is_some());
    assert_eq!(house.revoked_for(&second.access).await, None);
}

#[tokio::test]
async fn what_has_rested_for_too_long_is_not_shown_as_connected() {
    let (house, cookie) = with_agent().await;
    connect(&house, &cookie, DOCUMENT).await;
    let consent = house.plane.store.consents_of(house.user).await.unwrap();
    assert_eq!(consent.len(), 1);
    house.clock.advance(super::agent_sessions::DAY * 8);
    let (_, cookie) = house.sign_in().await;
    let page = read(&text(house.get("/account", Some(&cookie)).await).await);
    assert!(page.contains("It is not connected now."), "{page}");
    assert!(!page.contains("Sign out of every browser"), "{page}");
}

#[tokio::test]
async fn every_page_that_stops_the_flow_says_why_and_its_trace_is_on_record() {
    let (house, cookie) = with_agent().await;
    let (_, request) = question(&house, &cookie, DOCUMENT, HERE).await;
    house.disable_client(DOCUMENT).await;
    let with_page = |path: String| {
        http::Request::get(path)
            .header(COOKIE, &cookie)
            .header("accept", "text/html")
            .body(Body::empty())
            .unwrap()
    };
    let sealed = format!("/consent?{}", form(&[("request", request.as_str())]));
    let broken = format!("/consent?{}", form(&[("request", "v1.k.broken")]));
    let mut elsewhere = asking("native", HERE);
    elsewhere.retain(|(name, _)| *name != "redirect_uri");
    elsewhere.push(("redirect_uri", "https://evil.example/cb".to_owned()));
    for (path, reason, recorded) in [
        (authorize(&asking("nobody", HERE)), "client_unknown", false),
        (authorize(&elsewhere), "redirect_uri_unregistered", true),
        (sealed, "client_unknown", false),
        (broken, "request_unreadable", false),
    ] {
        let response = house.send(with_page(path.clone())).await;
        let trace = response.headers()["sealgate-trace"]
            .to_str()
            .unwrap()
            .to_owned();
        let page = text(response).await;
        assert!(
            page.contains(&format!("<code>{reason}</code>")),
            "{path}: {page}"
        );
        assert!(
            page.contains(&format!("<code>{trace}</code>")),
            "{path}: {page}"
        );
        let filter = sealgate_store::AuditFilter {
            trace: Some(trace),
            ..Default::default()
        };
        let found = house.plane.store.audit_list(filter, 10).await.unwrap();
        if recorded {
            assert_eq!(found[0].reason, reason, "{path}");
        }
    }
}
