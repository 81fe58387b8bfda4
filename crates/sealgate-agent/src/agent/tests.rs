use std::collections::HashMap;
use std::sync::Mutex as Lock;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use sealgate_host::{FakeClock, FakeRandom};
use url::Url;

use super::*;
use crate::fake::{FakeHttp, json_answer};
use crate::flow::Browser;
use crate::http::Boxed;
use crate::registration::{Given, Profile};
use sealgate_model::Timestamp;

const MCP: &str = "https://api.example/mcp";
const META: &str = "https://api.example/.well-known/oauth-protected-resource/mcp";
const ONE: &str = "https://one.example";
const TWO: &str = "https://two.example";

/// A person who agrees at once, or not at all.
struct Person {
    signed_in: AtomicUsize,
    agrees: bool,
    seen: Lock<Vec<HashMap<String, String>>>,
}

impl Browser for Person {
    fn redirect_uri(&self) -> Boxed<'_, Result<String, AgentError>> {
        Box::pin(async { Ok("http://127.0.0.1:4000/callback".to_owned()) })
    }

    fn sign_in<'a>(&'a self, url: &'a str) -> Boxed<'a, Result<Secret, AgentError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.signed_in.fetch_add(1, Ordering::Relaxed);
            let said: HashMap<_, _> = Url::parse(url)
                .unwrap()
                .query_pairs()
                .into_owned()
                .collect();
            let state = said["state"].clone();
            self.seen.lock().unwrap().push(said);
            let outcome = if self.agrees {
                "code=c"
            } else {
                "error=access_denied"
            };
            Ok(Secret::new(format!(
                "http://127.0.0.1:4000/callback?{outcome}&state={state}"
            )))
        })
    }
}

#[derive(Default)]
struct Shelf(Lock<HashMap<String, String>>);

impl TokenStore for Shelf {
    fn load<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Option<Secret>, AgentError>> {
        Box::pin(async move { Ok(self.0.lock().unwrap().get(name).map(Secret::new)) })
    }
    fn save<'a>(&'a self, name: &'a str, value: Secret) -> Boxed<'a, Result<(), AgentError>> {
        self.0
            .lock()
            .unwrap()
            .insert(name.to_owned(), value.expose().to_owned());
        Box::pin(async { Ok(()) })
    }
    fn forget<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<(), AgentError>> {
        self.0.lock().unwrap().remove(name);
        Box::pin(async { Ok(()) })
    }
}

struct Jwt(&'static str);

impl AssertionSource for Jwt {
    fn assertion<'a>(&'a self, _: &'a str) -> Boxed<'a, Result<Secret, AgentError>> {
        Box::pin(async { Ok(Secret::new(self.0)) })
    }
}

struct World {
    http: Arc<FakeHttp>,
    clock: Arc<FakeClock>,
    person: Arc<Person>,
    shelf: Arc<Shelf>,
}

fn token(access: &str, more: &str) -> String {
    format!(r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":600{more}}}"#)
}

impl World {
    fn new(agrees: bool) -> Self {
        let world = Self {
            http: Arc::new(FakeHttp::new()),
            clock: Arc::new(FakeClock::at(Timestamp::from_seconds(1_000))),
            person: Arc::new(Person {
                signed_in: AtomicUsize::new(0),
                agrees,
                seen: Lock::default(),
            }),
            shelf: Arc::default(),
        };
        world.server(ONE);
        world.server(TWO);
        world.resource(ONE);
        world
    }

    fn resource(&self, issuer: &str) {
        let document = serde_json::json!({"resource": MCP, "authorization_servers": [issuer]});
        self.http.serve(META, &document.to_string());
    }

    fn server(&self, issuer: &str) {
        let document = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "registration_endpoint": format!("{issuer}/register"),
            "revocation_endpoint": format!("{issuer}/revoke"),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "dpop_signing_alg_values_supported": ["ES256"],
        });
        self.http.serve(
            &format!("{issuer}/.well-known/oauth-authorization-server"),
            &document.to_string(),
        );
        let client = format!(r#"{{"client_id":"client of {issuer}"}}"#);
        self.http.serve(&format!("{issuer}/register"), &client);
        self.tokens(
            issuer,
            &[&token("t1", r#","refresh_token":"r1""#), &token("t2", "")],
        );
    }

    fn tokens(&self, issuer: &str, answers: &[&str]) {
        let answers = answers.iter().map(|json| {
            let status = if json.contains("error") { 400 } else { 200 };
            json_answer(status, json)
        });
        self.http
            .answer(&format!("{issuer}/token"), answers.collect());
    }

    fn settings(grant: Grant) -> AgentSettings {
        AgentSettings {
            url: WebUrl::parse(MCP).unwrap(),
            grant,
            given: None,
            issuer: None,
            profile: Profile {
                name: "Notes".to_owned(),
                redirect_uri: None,
                document: None,
                registers: true,
            },
            scopes: Vec::new(),
            binding: Binding::WhereAsked,
            offline: true,
        }
    }

    fn host(&self) -> AgentHost {
        AgentHost {
            http: self.http.clone(),
            clock: self.clock.clone(),
            random: Arc::new(FakeRandom::default()),
            store: Some(self.shelf.clone()),
        }
    }

    fn agent(&self) -> Agent {
        Agent::new(
            Self::settings(Grant::Browser(self.person.clone())),
            self.host(),
        )
    }

    fn given(&self, grant: Grant) -> Agent {
        let mut settings = Self::settings(grant);
        settings.given = Some(Given {
            id: "known".to_owned(),
            secret: Some(Secret::new("given-secret")),
            key: None,
            issuer: None,
        });
        Agent::new(settings, self.host())
    }

    fn sign_ins(&self) -> usize {
        self.person.signed_in.load(Ordering::Relaxed)
    }
}

async fn answered(
    agent: &Agent,
    sent: &Sent,
    status: u16,
    challenge: &str,
) -> Result<Option<Again>, AgentError> {
    let answer = Answered {
        method: "POST",
        url: MCP,
        status,
        challenges: &[challenge.as_bytes()],
        nonce: None,
    };
    agent.answered(sent, &answer).await
}

fn shown(sent: &Sent) -> &str {
    sent.authorization
        .as_ref()
        .map(Secret::expose)
        .unwrap_or_default()
}

/// A request, and what it is asked for with.
async fn send(agent: &Agent) -> Sent {
    agent.headers("POST", MCP).await.unwrap()
}

#[tokio::test]
async fn what_many_requests_need_is_got_once() {
    let world = World::new(true);
    let agent = world.agent();
    let sent = send(&agent).await;
    assert_eq!(shown(&sent), "");
    let all = tokio::join!(
        answered(&agent, &sent, 401, "Bearer scope=\"a\""),
        answered(&agent, &sent, 401, "Bearer scope=\"a\""),
        answered(&agent, &sent, 401, "Bearer scope=\"a\""),
    );
    for again in [all.0, all.1, all.2] {
        assert_eq!(again, Ok(Some(Again::Token)));
    }
    assert_eq!(world.sign_ins(), 1);
    assert_eq!(shown(&send(&agent).await), "Bearer t1");
    assert_eq!(
        shown(&agent.at_hand("POST", MCP).unwrap().unwrap()),
        "Bearer t1"
    );
}

#[tokio::test]
async fn a_person_who_refuses_is_not_asked_by_every_request_that_waited() {
    let world = World::new(false);
    let agent = world.agent();
    let sent = send(&agent).await;
    let all = tokio::join!(
        answered(&agent, &sent, 401, "Bearer"),
        answered(&agent, &sent, 401, "Bearer"),
    );
    let refused = Err(AgentError::SignInRefused("access_denied".to_owned()));
    assert_eq!((all.0, all.1), (refused.clone(), refused.clone()));
    assert_eq!(world.sign_ins(), 1);
    // The next request is another one.
    let sent = send(&agent).await;
    assert_eq!(answered(&agent, &sent, 401, "Bearer").await, refused);
    assert_eq!(world.sign_ins(), 2);
}

#[tokio::test]
async fn a_request_that_is_not_for_the_resource_gets_nothing() {
    let world = World::new(true);
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer").await.unwrap();
    for url in [
        "https://api.example/",
        "https://api.example/mcp2",
        "https://evil.example/mcp",
        "http://api.example/mcp",
    ] {
        assert!(agent.headers("GET", url).await.is_err(), "{url}");
    }
    assert!(
        agent
            .headers("GET", "https://api.example/mcp/1?x=2")
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_token_that_ends_soon_is_renewed_and_what_renewed_it_is_spent() {
    let world = World::new(true);
    world.tokens(
        ONE,
        &[
            &token("t1", r#","refresh_token":"r1""#),
            &token("t2", r#","refresh_token":"r2""#),
        ],
    );
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer scope=\"a\"")
        .await
        .unwrap();
    world.clock.advance(Duration::from_secs(560));
    assert_eq!(shown(&send(&agent).await), "Bearer t1");
    world.clock.advance(Duration::from_secs(20));
    assert!(agent.at_hand("POST", MCP).is_none());
    let both = tokio::join!(send(&agent), send(&agent));
    assert_eq!((shown(&both.0), shown(&both.1)), ("Bearer t2", "Bearer t2"));
    let asked = world.http.sent_to("https://one.example/token");
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[1].form["refresh_token"], "r1");
    assert_eq!(asked[1].form["resource"], MCP);
    assert!(world.shelf.0.lock().unwrap()[MCP].contains("r2"));
    assert_eq!(world.sign_ins(), 1);
}

#[tokio::test]
async fn a_server_that_cannot_renew_now_costs_nothing_while_the_token_is_good() {
    let world = World::new(true);
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer").await.unwrap();
    world.http.status("https://one.example/token", 503);
    world.clock.advance(Duration::from_secs(580));
    for _ in 0..3 {
        assert_eq!(shown(&send(&agent).await), "Bearer t1");
    }
    // It is left alone for a while.
    assert_eq!(world.http.sent_to("https://one.example/token").len(), 2);
    world.clock.advance(Duration::from_secs(30));
    let failed = agent.headers("POST", MCP).await.unwrap_err();
    assert!(failed.is_temporary(), "{failed}");
}

#[tokio::test]
async fn a_session_that_is_over_leads_back_to_the_person() {
    let world = World::new(true);
    world.tokens(
        ONE,
        &[
            &token("t1", r#","refresh_token":"r1""#),
            r#"{"error":"invalid_grant"}"#,
            &token("t3", ""),
        ],
    );
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer").await.unwrap();
    let sent = send(&agent).await;
    let again = answered(&agent, &sent, 401, "Bearer error=\"invalid_token\"").await;
    assert_eq!(again, Ok(Some(Again::Token)));
    assert_eq!(shown(&send(&agent).await), "Bearer t3");
    assert_eq!(world.sign_ins(), 2);
    // It was the same client: nothing was registered twice.
    assert_eq!(world.http.sent_to("https://one.example/register").len(), 1);
}

#[tokio::test]
async fn a_resource_that_takes_no_token_does_not_have_a_person_sign_in_for_ever() {
    let world = World::new(true);
    let agent = world.agent();
    world.tokens(ONE, &[&token("t1", "")]);
    let mut outcomes = Vec::new();
    for _ in 0..6 {
        let sent = send(&agent).await;
        outcomes.push(answered(&agent, &sent, 401, "Bearer").await.unwrap());
    }
    let again = Some(Again::Token);
    assert_eq!(outcomes, [again, again, again, None, None, None]);
    assert_eq!(world.sign_ins(), 3);
    // Later it may have come to its senses.
    world.clock.advance(Duration::from_secs(61));
    let sent = send(&agent).await;
    assert_eq!(answered(&agent, &sent, 401, "Bearer").await, Ok(again));
}

#[tokio::test]
async fn more_scopes_are_asked_for_together_with_those_before_and_once() {
    let world = World::new(true);
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer scope=\"read\"")
        .await
        .unwrap();
    let sent = send(&agent).await;
    let more = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    assert_eq!(
        answered(&agent, &sent, 403, more).await,
        Ok(Some(Again::Scopes))
    );
    assert_eq!(world.person.seen.lock().unwrap()[1]["scope"], "read write");
    // The old request learns that there is a newer token; the new one that nothing more can come of it.
    assert_eq!(
        answered(&agent, &sent, 403, more).await,
        Ok(Some(Again::Scopes))
    );
    let sent = send(&agent).await;
    assert_eq!(shown(&sent), "Bearer t2");
    assert_eq!(answered(&agent, &sent, 403, more).await, Ok(None));
    assert_eq!(answered(&agent, &sent, 403, "Bearer").await, Ok(None));
    assert_eq!(world.sign_ins(), 2);
}

#[tokio::test]
async fn a_resource_that_moves_to_another_server_takes_nothing_of_the_old_one_along() {
    let world = World::new(true);
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer").await.unwrap();
    world.resource(TWO);
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer error=\"invalid_token\"")
        .await
        .unwrap();
    assert_eq!(world.http.sent_to("https://two.example/register").len(), 1);
    for request in world.http.sent_to("https://two.example/token") {
        assert_eq!(request.form["client_id"], "client of https://two.example");
        assert_ne!(request.form["grant_type"], "refresh_token");
    }
    // A client that was given without an issuer is of the first one alone.
    let world = World::new(true);
    let machine = world.given(Grant::Machine);
    let sent = send(&machine).await;
    answered(&machine, &sent, 401, "Bearer").await.unwrap();
    let asked = world.http.sent_to("https://one.example/token");
    assert!(
        asked[0]
            .authorization
            .as_ref()
            .unwrap()
            .starts_with("Basic ")
    );
    world.resource(TWO);
    let sent = send(&machine).await;
    let refused = answered(&machine, &sent, 401, "Bearer").await;
    assert_eq!(refused, Err(AgentError::NotRegistered(TWO.to_owned())));
    assert!(world.http.sent_to("https://two.example/token").is_empty());
}

#[tokio::test]
async fn a_client_that_the_server_forgot_registers_again_once() {
    let world = World::new(true);
    world.tokens(ONE, &[r#"{"error":"invalid_client"}"#, &token("t1", "")]);
    let agent = world.agent();
    let sent = send(&agent).await;
    assert_eq!(
        answered(&agent, &sent, 401, "Bearer").await,
        Ok(Some(Again::Token))
    );
    assert_eq!(world.http.sent_to("https://one.example/register").len(), 2);
    world.tokens(ONE, &[r#"{"error":"invalid_client"}"#]);
    let agent = world.agent();
    world.shelf.0.lock().unwrap().clear();
    let sent = send(&agent).await;
    let refused = answered(&agent, &sent, 401, "Bearer").await;
    assert_eq!(
        refused,
        Err(AgentError::Refused("invalid_client".to_owned()))
    );
}

#[tokio::test]
async fn an_assertion_that_was_refused_is_not_sent_again() {
    let world = World::new(true);
    world.tokens(ONE, &[r#"{"error":"invalid_grant"}"#]);
    let agent = Agent::new(
        World::settings(Grant::Workload(Arc::new(Jwt("jwt")))),
        world.host(),
    );
    for _ in 0..2 {
        let sent = send(&agent).await;
        let refused = answered(&agent, &sent, 401, "Bearer").await;
        assert_eq!(
            refused,
            Err(AgentError::Refused("invalid_grant".to_owned()))
        );
    }
    let asked = world.http.sent_to("https://one.example/token");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].form["assertion"], "jwt");
    assert!(!asked[0].form.contains_key("client_id"));
}

#[tokio::test]
async fn a_session_outlives_the_process_without_what_was_given() {
    let world = World::new(true);
    let first = world.given(Grant::Browser(world.person.clone()));
    let sent = send(&first).await;
    answered(&first, &sent, 401, "DPoP").await.unwrap_err();
    world.tokens(
        ONE,
        &[&token("t1", r#","refresh_token":"r1""#).replace("Bearer", "DPoP")],
    );
    let sent = send(&first).await;
    answered(&first, &sent, 401, "DPoP").await.unwrap();
    let kept = world.shelf.0.lock().unwrap()[MCP].clone();
    assert!(!kept.contains("given-secret"));
    let second = world.given(Grant::Browser(world.person.clone()));
    let sent = send(&second).await;
    assert_eq!(shown(&sent), "DPoP t1");
    assert!(sent.dpop.is_some());
    assert!(!format!("{second:?} {sent:?}").contains("t1"));
    // Without what was given it cannot be used; neither can what is broken.
    let sent = send(&world.agent()).await;
    assert_eq!(shown(&sent), "");
    world
        .shelf
        .0
        .lock()
        .unwrap()
        .insert(MCP.to_owned(), kept.replace("\"form\":1", "\"form\":9"));
    let sent = send(&world.given(Grant::Browser(world.person.clone()))).await;
    assert_eq!(shown(&sent), "");
}

#[tokio::test]
async fn what_another_process_renewed_is_taken_from_the_store() {
    let world = World::new(true);
    world.tokens(
        ONE,
        &[
            &token("t1", r#","refresh_token":"r1""#),
            &token("t2", r#","refresh_token":"r2""#),
        ],
    );
    let one = world.agent();
    let sent = send(&one).await;
    answered(&one, &sent, 401, "Bearer").await.unwrap();
    let other = world.agent();
    assert_eq!(shown(&send(&other).await), "Bearer t1");
    world.clock.advance(Duration::from_secs(590));
    assert_eq!(shown(&send(&one).await), "Bearer t2");
    assert_eq!(shown(&send(&other).await), "Bearer t2");
    assert_eq!(world.http.sent_to("https://one.example/token").len(), 2);
}

#[tokio::test]
async fn a_nonce_of_the_resource_goes_into_the_next_proof() {
    let world = World::new(true);
    world.tokens(ONE, &[&token("t1", "").replace("Bearer", "DPoP")]);
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "DPoP algs=\"ES256\"")
        .await
        .unwrap();
    let sent = send(&agent).await;
    let answer = Answered {
        method: "POST",
        url: MCP,
        status: 401,
        challenges: &[b"DPoP error=\"use_dpop_nonce\""],
        nonce: Some(b"n1"),
    };
    assert_eq!(agent.answered(&sent, &answer).await, Ok(Some(Again::Nonce)));
    let proof = send(&agent).await.dpop.unwrap();
    let read = sealgate_jose::DpopProof::read(proof.expose()).unwrap();
    assert_eq!(read.nonce.as_deref(), Some("n1"));
    assert_eq!(world.sign_ins(), 1);
}

#[tokio::test]
async fn a_session_stays_bound_once_it_was() {
    let world = World::new(true);
    world.tokens(
        ONE,
        &[&token("t1", "").replace("Bearer", "DPoP"), &token("t2", "")],
    );
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "DPoP").await.unwrap();
    let sent = send(&agent).await;
    // A resource, or whoever answers for it, that suddenly takes bare tokens gets none.
    let more = "Bearer error=\"insufficient_scope\", scope=\"write\"";
    let refused = answered(&agent, &sent, 403, more).await;
    assert!(
        matches!(refused, Err(AgentError::TokenUnacceptable(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn signing_out_gives_the_tokens_back_and_forgets_them() {
    let world = World::new(true);
    let agent = world.agent();
    agent.sign_in().await.unwrap();
    assert_eq!(agent.scopes(), Some(Vec::new()));
    agent.sign_out().await.unwrap();
    let given_back = world.http.sent_to("https://one.example/revoke");
    assert_eq!(given_back[0].form["token"], "r1");
    assert_eq!(agent.scopes(), None);
    assert!(world.shelf.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn requests_that_are_told_the_same_nonce_at_once_go_again_with_it_and_nobody_signs_in_again()
{
    let world = World::new(true);
    world.tokens(ONE, &[&token("t1", "").replace("Bearer", "DPoP")]);
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "DPoP").await.unwrap();
    let both = [send(&agent).await, send(&agent).await];
    let told = |nonce| Answered {
        method: "POST",
        url: MCP,
        status: 401,
        challenges: &[b"DPoP error=\"use_dpop_nonce\""],
        nonce: Some(nonce),
    };
    for sent in &both {
        let again = agent.answered(sent, &told(b"n1")).await;
        assert_eq!(again, Ok(Some(Again::Nonce)));
    }
    assert_eq!(world.sign_ins(), 1);
    // One that was sent already is no reason to send it again.
    let sent = send(&agent).await;
    let again = agent.answered(&sent, &told(b"n1")).await;
    assert_ne!(again, Ok(Some(Again::Nonce)));
    let again = agent.answered(&sent, &told(b"not a nonce")).await;
    assert_ne!(again, Ok(Some(Again::Nonce)));
}

/// A platform's token for the first server: `{"aud":["https://one.example","x"]}`.
const FOR_ONE: &str = "e30.eyJhdWQiOlsiaHR0cHM6Ly9vbmUuZXhhbXBsZSIsIngiXX0.AA";

fn workload(world: &World, id: Option<&str>, issuer: Option<&str>) -> Agent {
    let mut settings = World::settings(Grant::Workload(Arc::new(Jwt(FOR_ONE))));
    settings.issuer = issuer.map(str::to_owned);
    settings.given = id.map(|id| Given {
        id: id.to_owned(),
        secret: None,
        key: None,
        issuer: settings.issuer.clone(),
    });
    Agent::new(settings, world.host())
}

#[tokio::test]
async fn a_workload_shows_its_token_to_the_server_that_it_is_for_and_to_no_other() {
    for (id, issuer) in [
        (None, None),
        (None, Some(ONE)),
        (Some("known"), None),
        (Some("known"), Some(ONE)),
    ] {
        let world = World::new(true);
        let agent = workload(&world, id, issuer);
        let sent = send(&agent).await;
        let again = answered(&agent, &sent, 401, "Bearer").await;
        assert_eq!(again, Ok(Some(Again::Token)), "{id:?} {issuer:?}");
        // The resource would like it for a server of its own: now, and from the beginning.
        world.resource(TWO);
        world.shelf.0.lock().unwrap().clear();
        for agent in [agent, workload(&world, id, issuer)] {
            let sent = send(&agent).await;
            let refused = answered(&agent, &sent, 401, "Bearer").await;
            assert!(refused.is_err(), "{id:?} {issuer:?}");
        }
        let shown = world.http.sent_to("https://two.example/token");
        assert!(shown.is_empty(), "{id:?} {issuer:?}");
    }
    // Whoever names the issuer vouches for a token of another audience.
    let world = World::new(true);
    world.resource(TWO);
    let agent = workload(&world, None, Some(TWO));
    let sent = send(&agent).await;
    let again = answered(&agent, &sent, 401, "Bearer").await;
    assert_eq!(again, Ok(Some(Again::Token)));
}

#[tokio::test]
async fn a_client_that_was_given_is_shown_to_one_server_whatever_lies_between() {
    const THREE: &str = "https://three.example";
    let world = World::new(true);
    world.server(THREE);
    let agent = world.given(Grant::Browser(world.person.clone()));
    for issuer in [ONE, TWO, THREE] {
        world.resource(issuer);
        let sent = send(&agent).await;
        let again = answered(&agent, &sent, 401, "Bearer error=\"invalid_token\"").await;
        assert_eq!(again, Ok(Some(Again::Token)), "{issuer}");
    }
    for issuer in [TWO, THREE] {
        for request in world.http.sent_to(&format!("{issuer}/token")) {
            assert_eq!(request.authorization, None);
            assert_eq!(request.form["client_id"], format!("client of {issuer}"));
        }
    }
}

#[tokio::test]
async fn a_kept_session_is_used_only_as_the_agent_is_set_up_now() {
    let world = World::new(true);
    let agent = world.agent();
    let sent = send(&agent).await;
    answered(&agent, &sent, 401, "Bearer").await.unwrap();
    assert_eq!(shown(&send(&world.agent()).await), "Bearer t1");
    // What a person signed in for is no machine's, and a bare token none for who insists on a bound one.
    let machine = Agent::new(World::settings(Grant::Machine), world.host());
    assert_eq!(shown(&send(&machine).await), "");
    let mut settings = World::settings(Grant::Browser(world.person.clone()));
    settings.binding = Binding::Always;
    let bound = Agent::new(settings, world.host());
    assert_eq!(shown(&send(&bound).await), "");
}

#[test]
fn an_answer_is_printed_without_what_it_holds() {
    let answer = json_answer(200, &token("very-secret", ""));
    let shown = format!("{answer:?}");
    assert!(shown.contains("200"), "{shown}");
    assert!(
        !shown.contains(&format!("{:?}", b"very-secret"[0])) && !shown.contains("body"),
        "{shown}"
    );
}

/// A store in which somebody else keeps something right after it was read.
struct Raced(Arc<Shelf>, Lock<Option<String>>);

impl TokenStore for Raced {
    fn load<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Option<Secret>, AgentError>> {
        Box::pin(async move {
            let read = self.0.load(name).await;
            let later = self.1.lock().unwrap().take();
            if let Some(later) = later {
                self.0.save(name, Secret::new(later)).await?;
            }
            read
        })
    }
    fn save<'a>(&'a self, name: &'a str, value: Secret) -> Boxed<'a, Result<(), AgentError>> {
        self.0.save(name, value)
    }
    fn forget<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<(), AgentError>> {
        self.0.forget(name)
    }
}

#[tokio::test]
async fn what_another_process_renewed_at_the_same_moment_is_taken_from_the_store_too() {
    let world = World::new(true);
    world.tokens(
        ONE,
        &[
            &token("t1", r#","refresh_token":"r1""#),
            &token("t2", r#","refresh_token":"r2""#),
            r#"{"error":"invalid_grant"}"#,
        ],
    );
    let one = world.agent();
    let sent = send(&one).await;
    answered(&one, &sent, 401, "Bearer").await.unwrap();
    let shelf = || world.shelf.0.lock().unwrap().clone();
    let before = shelf();
    let raced = Arc::new(Raced(world.shelf.clone(), Lock::default()));
    let grant = Grant::Browser(world.person.clone());
    let host = AgentHost {
        store: Some(raced.clone()),
        ..world.host()
    };
    let other = Agent::new(World::settings(grant), host);
    assert_eq!(shown(&send(&other).await), "Bearer t1");
    world.clock.advance(Duration::from_secs(590));
    assert_eq!(shown(&send(&one).await), "Bearer t2");
    *raced.1.lock().unwrap() = shelf().remove(MCP);
    *world.shelf.0.lock().unwrap() = before;
    assert_eq!(shown(&send(&other).await), "Bearer t2");
    assert_eq!(world.http.sent_to("https://one.example/token").len(), 3);
    assert_eq!(world.sign_ins(), 1);
}
