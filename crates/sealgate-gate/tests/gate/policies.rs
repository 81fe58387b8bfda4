//! The bundle of policies: which version counts the feed says, and no gate decides by another.

use std::sync::Arc;
use std::time::Duration;

use sealgate_gate::{Act, Caller, Gate, Kinds, Need, Premises, Requirement, Resource};
use sealgate_model::{Clock as _, Timestamp};
use sealgate_policy::{Declaring, digest_of};
use sealgate_revocation::{Entry, Subject};
use sealgate_shared::SharedMemory;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{Browser, header, signed_in, user};
use crate::program::{call, refusal};
use crate::provider::{SID, World, cold_world, cold_world_in, world, world_with};

/// A document whose mapping gives whoever comes by this application these roles.
pub(crate) fn giving(roles: &[&str]) -> String {
    let text = format!(
        "[[mapping]]\nwhen = {{ issuer = 'own', client = 'expenses' }}\ngive.roles = {roles:?}\n"
    );
    let declaring = Declaring::read(&text).unwrap();
    let document = declaring.with([].into(), &[].into()).unwrap();
    document.to_json().unwrap()
}

/// Applies the next version, which gives `roles`: the feed will tell of it, and it is handed out.
pub(crate) fn apply(world: &World, roles: &[&str]) {
    let now = world.clock.now();
    let mut state = world.state();
    state.bundle.version += 1;
    state.bundle.made_at = now.as_millis();
    state.bundle.document = Some(giving(roles));
    state.bundle.changes.clear();
    state.entries.push(Entry {
        subject: Subject::Policy {
            not_before: now - Duration::from_millis(1),
        },
        expires_at: Timestamp::from_millis((1 << 53) - 1),
        reason: None,
    });
    drop(state);
    world.clock.advance(Duration::from_millis(5));
}

/// The same, heard by the gate.
pub(crate) async fn applied(world: &World, roles: &[&str]) {
    apply(world, roles);
    world.follow_once().await;
}

/// The next version has no mapping, and permits reading to whom `condition` fits; heard by the gate.
pub(crate) async fn permitting(world: &World, condition: &str) {
    let text = "[policy]\nfiles = ['p.cedar']\n[policy.actions]\n'notes.read' = {}\n";
    let policy = format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};");
    let files = [("p.cedar".to_owned(), policy)].into();
    let document = Declaring::read(text)
        .unwrap()
        .with(files, &[].into())
        .unwrap();
    apply(world, &["nobody"]);
    world.state().bundle.document = Some(document.to_json().unwrap());
    world.follow_once().await;
}

/// Why `caller` may not read, as a handler asks it.
fn reading(world: &World, caller: &Caller) -> Option<&'static str> {
    let (resource, context) = (Resource::route("GET /notes"), [].into());
    let act = Act {
        action: "notes.read",
        resource: &resource,
        context: &context,
    };
    let denial = world.gate.permits(caller, act).unwrap();
    denial.map(sealgate_gate::Denial::code)
}

fn role(name: &str) -> Requirement {
    Requirement::Actor(Need {
        roles: vec![name.to_owned()],
        ..Need::of(Kinds::USER)
    })
}

async fn passes(browser: &mut Browser, gate: &Gate, requirement: &Requirement) -> bool {
    browser.send(gate, "GET", "/", requirement).await.is_ok()
}

async fn refused(world: &World, browser: &mut Browser) -> (u16, &'static str) {
    browser.denied(&world.gate, "GET", "/", &user()).await
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_ever_applied_nobody_asks_for_it() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    assert!(passes(&mut browser, &world.gate, &user()).await);
    assert_eq!(world.state().bundle.asked, 0);
    assert_eq!(world.gate.policy().version, None);
    assert!(world.gate.policy().counts);
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_as_soon_as_the_feed_has_told_of_it() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    assert!(!passes(&mut browser, &world.gate, &role("approver")).await);
    applied(&world, &["approver"]).await;
    assert_eq!(world.gate.policy().version, Some(1));
    assert!(passes(&mut browser, &world.gate, &role("approver")).await);
    applied(&world, &["reader"]).await;
    let denied = browser
        .denied(&world.gate, "GET", "/", &role("approver"))
        .await;
    assert_eq!(denied, (403, "role_missing"));
    assert!(passes(&mut browser, &world.gate, &role("reader")).await);
    // The background asked, and no request had to.
    assert_eq!(world.state().bundle.asked, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_fetched_is_not_decided_by_the_version_before() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    applied(&world, &["approver"]).await;
    assert!(passes(&mut browser, &world.gate, &role("approver")).await);
    world.state().bundle.down = true;
    applied(&world, &["reader"]).await;
    let response = browser
        .send(&world.gate, "GET", "/", &role("approver"))
        .await
        .unwrap_err();
    assert_eq!((response.status, response.reason), (503, "policy_stale"));
    assert!(header(&response, "retry-after").is_some());
    assert!(header(&response, "set-cookie").is_none());
    let token = world.user_token();
    assert_eq!(refusal(call(&world, &token).await), (503, "policy_stale"));
    assert!(!world.gate.is_ready() && !world.gate.policy().counts);
    let text = world.gate.openmetrics();
    assert!(text.contains("sealgate_gate_policy_ready 0\n"), "{text}");
    assert!(text.contains("sealgate_gate_policy_failures_total{reason=\"policy_unavailable\"}"));
    // Once it can be had, a request itself fetches it.
    world.state().bundle.down = false;
    world.clock.advance(Duration::from_secs(3));
    assert!(passes(&mut browser, &world.gate, &role("reader")).await);
    assert!(call(&world, &token).await.is_ok());
    assert!(world.gate.is_ready());
    let text = world.gate.openmetrics();
    assert!(text.contains("sealgate_gate_policy_version 2\n"), "{text}");
    assert!(text.contains("sealgate_gate_policy_loads_total 2\n"));
}

#[tokio::test(start_paused = true)]
async fn many_requests_make_one_question_and_one_failure_holds_the_next_off() {
    let world = Arc::new(world().await);
    let browser = signed_in(&world).await;
    applied(&world, &["approver"]).await;
    let asked = world.state().bundle.asked;
    for down in [true, false] {
        world.state().bundle.down = true;
        applied(&world, &["reader"]).await;
        world.clock.advance(Duration::from_secs(3));
        world.state().bundle.down = down;
        world.state().bundle.asked = 0;
        world.state().slow = 20;
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (world, mut browser) = (Arc::clone(&world), browser.clone());
            requests.spawn(async move { passes(&mut browser, &world.gate, &user()).await });
        }
        let all = requests.join_all().await;
        assert!(all.into_iter().all(|passed| passed != down), "{down}");
        assert_eq!(world.state().bundle.asked, 1, "{down}");
        world.state().slow = 0;
    }
    assert_eq!(asked, 1);
}

#[tokio::test(start_paused = true)]
async fn no_older_answer_passes_for_the_version_that_counts() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    applied(&world, &["approver"]).await;
    let first = (giving(&["approver"]), world.state().bundle.made_at);
    apply(&world, &["reader"]);
    let second = world.state().bundle.made_at;
    let wrong: [(&str, Vec<(&'static str, Value)>); 8] = [
        (
            "policy_outdated",
            vec![
                ("version", json!(1)),
                ("made_at", json!(first.1)),
                ("digest", json!(digest_of(&first.0))),
                ("document", json!(first.0)),
            ],
        ),
        (
            "policy_outdated",
            vec![("version", json!(0)), ("made_at", json!(0))],
        ),
        // Made before the feed's word, whatever its number says.
        (
            "policy_outdated",
            vec![("version", json!(9)), ("made_at", json!(second - 1))],
        ),
        ("policy_unacceptable", vec![("nonce", json!("another"))]),
        (
            "policy_unacceptable",
            vec![("iss", json!("https://other.example"))],
        ),
        ("policy_unacceptable", vec![("aud", json!("another"))]),
        ("policy_unacceptable", vec![("digest", json!("00"))]),
        ("policy_unacceptable", vec![("document", json!("{}"))]),
    ];
    for (reason, changes) in wrong {
        world.state().bundle.changes = changes.clone();
        world.follow_once().await;
        assert_eq!(
            refused(&world, &mut browser).await,
            (503, "policy_stale"),
            "{changes:?}"
        );
        let counted = format!("sealgate_gate_policy_failures_total{{reason=\"{reason}\"}}");
        assert!(world.gate.openmetrics().contains(&counted), "{reason}");
        assert_eq!(world.gate.policy().version, Some(1));
        world.clock.advance(Duration::from_secs(3));
    }
    world.state().bundle.changes.clear();
    for typ in ["secevent+jwt", "JWT"] {
        world.state().bundle.typ = Some(typ);
        world.follow_once().await;
        assert_eq!(
            refused(&world, &mut browser).await,
            (503, "policy_stale"),
            "{typ}"
        );
        world.clock.advance(Duration::from_secs(3));
    }
    world.state().bundle.typ = None;
    // A key that is none of the issuer's.
    world.state().bundle.signing = 2;
    world.follow_once().await;
    assert_eq!(refused(&world, &mut browser).await, (503, "policy_stale"));
    world.clock.advance(Duration::from_secs(3));
    world.state().bundle.signing = 0;
    world.follow_once().await;
    assert!(passes(&mut browser, &world.gate, &role("reader")).await);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_cannot_be_decided_by_here_refuses_until_another_comes() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    applied(&world, &["approver"]).await;
    let unsound = r#"{"mapping":{},"policies":{"files":{"a.cedar":"permit (nobody"}}}"#;
    let newer = r#"{"mapping":{},"policies":{},"rituals":{}}"#;
    for (version, changes) in [
        (2, vec![("format", json!(2))]),
        (
            3,
            vec![
                ("digest", json!(digest_of(unsound))),
                ("document", json!(unsound)),
            ],
        ),
        (
            4,
            vec![
                ("digest", json!(digest_of(newer))),
                ("document", json!(newer)),
            ],
        ),
    ] {
        apply(&world, &["reader"]);
        world.state().bundle.changes = changes;
        world.follow_once().await;
        let status = world.gate.policy();
        assert_eq!((status.unusable, status.counts), (Some(version), false));
        let asked = world.state().bundle.asked;
        for _ in 0..3 {
            assert_eq!(
                refused(&world, &mut browser).await,
                (503, "policy_unusable")
            );
            world.clock.advance(Duration::from_secs(3));
            world.follow_once().await;
        }
        // It would be the same again.
        assert_eq!(world.state().bundle.asked, asked);
        assert!(!world.gate.is_ready());
    }
    applied(&world, &["reader"]).await;
    assert!(passes(&mut browser, &world.gate, &role("reader")).await);
    assert_eq!(world.gate.policy().unusable, None);
}

#[tokio::test(start_paused = true)]
async fn a_bundle_that_a_revoked_key_signed_is_fetched_anew() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    {
        let mut state = world.state();
        // The feed is signed by a key that is still good.
        (state.signing, state.signing_feed) = (1, 1);
    }
    world.clock.advance(Duration::from_secs(60));
    world.follow_once().await;
    applied(&world, &["approver"]).await;
    assert_eq!(world.state().bundle.asked, 1);
    let now = world.clock.now();
    world.state().entries.push(Entry {
        subject: Subject::Key { kid: "k0".into() },
        expires_at: now + Duration::from_secs(90_000),
        reason: None,
    });
    world.clock.advance(Duration::from_millis(1));
    world.follow_once().await;
    // What the key signs is not believed either.
    let token = world.user_token();
    assert_eq!(refusal(call(&world, &token).await), (503, "policy_stale"));
    world.clock.advance(Duration::from_secs(3));
    world.state().bundle.signing = 1;
    assert!(call(&world, &token).await.is_ok());
    assert_eq!(world.gate.policy().version, Some(1));
    // The session was vouched for by the key.
    assert_eq!(refused(&world, &mut browser).await.0, 401);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_begins_is_ready_when_it_has_the_bundle_that_counts() {
    let world = cold_world(&[]);
    apply(&world, &["approver"]);
    world.state().bundle.down = true;
    world.follow_once().await;
    assert!(!world.gate.is_ready());
    world.clock.advance(Duration::from_secs(3));
    world.state().bundle.down = false;
    let waiting = world.gate.wait_ready(Duration::from_secs(5));
    let ready = tokio::select! {
        ready = waiting => ready,
        () = world.gate.follow() => false,
    };
    assert!(ready);
    assert_eq!(world.gate.policy().version, Some(1));
}

#[tokio::test(start_paused = true)]
async fn receipts_tell_which_version_is_loaded() {
    let world = world().await;
    world.state().asks = true;
    world.follow_once().await;
    assert!(
        world
            .state()
            .receipts
            .iter()
            .all(|receipt| receipt.get("policy").is_none())
    );
    applied(&world, &["approver"]).await;
    world.state().receipts.clear();
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
    assert_eq!(world.state().receipts.last().unwrap()["policy"], 1);
}

#[tokio::test(start_paused = true)]
async fn while_the_feed_is_silent_the_control_plane_is_asked_for_the_version_too() {
    let world = world_with(&[("SEALGATE_ON_STALE", "introspect")]).await;
    let mut browser = signed_in(&world).await;
    applied(&world, &["approver"]).await;
    world.clock.advance(Duration::from_secs(11));
    // Nobody tells of the change, and it counts all the same.
    apply(&world, &["reader"]);
    let denied = browser
        .denied(&world.gate, "GET", "/", &role("approver"))
        .await;
    assert_eq!(denied, (403, "role_missing"));
    assert!(passes(&mut browser, &world.gate, &role("reader")).await);
    assert_eq!(world.state().bundle.asked, 2);
    // What was said is good for as long as a message of the feed would be.
    world.clock.advance(Duration::from_secs(11));
    world.state().bundle.down = true;
    assert_eq!(refused(&world, &mut browser).await, (503, "policy_stale"));
}

#[tokio::test(start_paused = true)]
async fn a_file_of_the_gates_own_counts_until_the_control_plane_has_policies() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("policies.toml");
    let text =
        "[[mapping]]\nwhen = { issuer = 'own', client = 'expenses' }\ngive.roles = ['approver']\n";
    std::fs::write(&file, text).unwrap();
    let path: &'static str = Box::leak(file.to_str().unwrap().to_owned().into_boxed_str());
    let change: &'static [(&str, &str)] = Box::leak(Box::new([("SEALGATE_POLICY_FILE", path)]));
    let world = world_with(change).await;
    let mut browser = signed_in(&world).await;
    assert!(passes(&mut browser, &world.gate, &role("approver")).await);
    applied(&world, &["reader"]).await;
    assert_eq!(
        refused(&world, &mut browser).await,
        (503, "policy_unusable")
    );
    assert!(!world.gate.is_ready());
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn each_process_of_a_machine_loads_the_version_that_any_of_them_heard_of() {
    let place = TempDir::new().unwrap();
    let memory = SharedMemory::open(Some(place.path()), &["policies"]).unwrap();
    let premises = Premises {
        name: Some("host-1".to_owned()),
        memory: Some(memory),
    };
    let first = cold_world_in(&[], premises);
    first.follow_once().await;
    let second = first.neighbour();
    let mut browser = signed_in(&second).await;
    applied(&first, &["approver"]).await;
    assert_eq!(first.gate.policy().version, Some(1));
    // The second has followed nothing: the view that both share says that a bundle counts.
    assert!(!second.gate.is_ready());
    assert!(passes(&mut browser, &second.gate, &role("approver")).await);
    assert_eq!(second.gate.policy().version, Some(1));
    assert_eq!(first.state().bundle.asked, 2);
}

#[tokio::test(start_paused = true)]
async fn what_lasts_ends_when_the_policies_allow_its_action_no_more() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let route = Requirement::Actor(Need {
        actions: vec!["notes.read".to_owned()],
        route: Some("GET /notes".to_owned()),
        ..Need::of(Kinds::USER)
    });
    permitting(&world, "true").await;
    let allowed = browser.send(&world.gate, "GET", "/notes", &route).await;
    let caller = allowed.unwrap().caller.unwrap();
    assert_eq!(world.gate.standing_for(&caller, &route), None);
    permitting(&world, "context.credential == \"bearer\"").await;
    // The credential is as good as before, and the same action is not allowed any more.
    assert_eq!(world.gate.standing(&caller), None);
    let denial = world.gate.standing_for(&caller, &route).unwrap();
    assert_eq!(denial.code(), "policy_denied");
    assert_eq!(world.gate.standing_for(&caller, &user()), None);
}

#[tokio::test(start_paused = true)]
async fn a_handler_asks_of_nobody_whose_credential_is_good_no_more() {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    permitting(&world, "true").await;
    let token = world.user_token();
    let session = browser.send(&world.gate, "GET", "/", &user()).await;
    let session = session.unwrap().caller.unwrap();
    let bearer = call(&world, &token).await.unwrap().caller.unwrap();
    for caller in [&session, &bearer] {
        assert_eq!(reading(&world, caller), None);
    }
    // Whoever another mapping has made is not whom this version's policies are about.
    applied(&world, &["reader"]).await;
    assert_eq!(reading(&world, &session), Some("session_outdated"));
    assert_eq!(reading(&world, &bearer), Some("token_outdated"));
    permitting(&world, "true").await;
    assert_eq!(reading(&world, &session), None);
    // What the handler has left behind goes on, and the user is signed out.
    let expires_at = world.clock.now() + Duration::from_secs(90_000);
    world.state().entries.push(Entry {
        subject: Subject::Session(SID.parse().unwrap()),
        expires_at,
        reason: None,
    });
    world.clock.advance(Duration::from_secs(1));
    world.follow_once().await;
    assert_eq!(reading(&world, &session), Some("session_revoked"));
    assert_eq!(reading(&world, &bearer), Some("token_revoked"));
}

#[tokio::test(start_paused = true)]
async fn a_handler_asks_of_nobody_whose_token_is_over() {
    let world = world().await;
    permitting(&world, "true").await;
    let token = world.user_token();
    let caller = call(&world, &token).await.unwrap().caller.unwrap();
    assert_eq!(reading(&world, &caller), None);
    // What is known of revoked tokens is forgotten when they are over.
    world.clock.advance(Duration::from_secs(7_200));
    world.follow_once().await;
    assert_eq!(reading(&world, &caller), Some("token_expired"));
}
