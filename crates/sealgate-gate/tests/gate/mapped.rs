//! What a mapping makes of whoever comes, with tokens and sessions.

use std::time::Duration;

use sealgate_gate::{Kinds, Need, Requirement};
use sealgate_model::{Actor, ActorKind};
use serde_json::{Value, json};

use crate::browser::{Browser, signed_in, user};
use crate::foreign::foreign;
use crate::policies::applied;
use crate::program::{bearer, call, claims, machine, refusal, with};
use crate::provider::{ISSUER, World, world_with};
use crate::trusted::{OTHER, house_with, others, token};

/// A file that says `text`, which lives as long as the tests do.
fn file(text: &str) -> String {
    let file = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let (_, path) = file.keep().unwrap();
    path.to_str().unwrap().to_owned()
}

fn settings(provider: Option<&'static str>, text: &str) -> &'static [(&'static str, &'static str)] {
    let path: &'static str = Box::leak(file(text).into_boxed_str());
    let mut all = vec![("SEALGATE_POLICY_FILE", path)];
    all.extend(provider.map(|provider| ("SEALGATE_PROVIDER", provider)));
    Box::leak(all.into_boxed_slice())
}

/// A gate in front of our own control plane, with this mapping.
async fn own(text: &str) -> World {
    world_with(settings(None, text)).await
}

/// A gate in front of another provider, with this mapping.
fn openid(text: &str) -> World {
    foreign(settings(Some("openid"), text))
}

fn needs(roles: &[&str], scopes: &[&str]) -> Requirement {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Requirement::Actor(Need {
        roles: names(roles),
        scopes: names(scopes),
        ..Need::of(Kinds::ANY)
    })
}

/// Roles and scopes of whoever calls with `token`.
async fn counts(world: &World, token: &str) -> (Vec<String>, Vec<String>) {
    let caller = call(world, token).await.unwrap().caller.unwrap();
    (
        caller.actor.roles().to_vec(),
        caller.actor.scopes().to_vec(),
    )
}

async fn roles(world: &World, browser: &mut Browser) -> Vec<String> {
    let allowed = browser
        .send(&world.gate, "GET", "/", &user())
        .await
        .unwrap();
    allowed.caller.unwrap().actor.roles().to_vec()
}

const FINANCE: &str = "
    [[mapping]]
    name = 'finance'
    when = { issuer = 'own', group = 'finance' }
    give = { roles = ['approver'], scopes = ['expenses:approve'] }
    [[mapping]]
    when = { issuer = 'own', group = 'finance', scope = 'expenses:read' }
    give.scopes = ['reports:read']
";

#[tokio::test(start_paused = true)]
async fn a_tokens_groups_give_roles_and_no_scopes_that_nobody_consented_to() {
    let world = own(FINANCE).await;
    let finance = json!(["staff", "finance"]);
    let text = world.token(&with(claims(&world), "groups", finance.clone()));
    let expected = (
        vec!["accountant".to_owned(), "approver".to_owned()],
        vec!["expenses:read".to_owned(), "reports:read".to_owned()],
    );
    // The second time nothing is judged anew.
    for _ in 0..2 {
        assert_eq!(counts(&world, &text).await, expected);
    }
    let mut program = bearer(&text);
    assert!(
        program
            .send(
                &world.gate,
                "GET",
                "/",
                &needs(&["approver"], &["reports:read"])
            )
            .await
            .is_ok()
    );
    let denied = program
        .denied(&world.gate, "GET", "/", &needs(&[], &["expenses:approve"]))
        .await;
    assert_eq!(denied, (403, "scope_missing"));
    // An agent acts for the user with the user's roles, and with no more scopes than it was granted.
    let act = json!({ "sub": "copilot", "sub_profile": "ai_agent" });
    let agent = with(with(claims(&world), "groups", finance), "act", act);
    let caller = call(&world, &world.token(&agent))
        .await
        .unwrap()
        .caller
        .unwrap();
    assert_eq!(caller.actor.kind(), ActorKind::Agent);
    assert_eq!(caller.actor.scopes(), expected.1);
    assert_eq!(caller.actor.human().unwrap().scopes, expected.1);
    let plain = counts(&world, &world.user_token()).await;
    assert_eq!(
        plain,
        (
            vec!["accountant".to_owned()],
            vec!["expenses:read".to_owned()]
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_of_ours_is_an_agent_if_a_rule_says_so() {
    let world = own("
        [[mapping]]
        when = { issuer = 'own', client = 'cli' }
        give = { actor = 'agent', roles = ['assistant'] }
        [[mapping]]
        when = { issuer = 'own', client = 'odd*' }
        give.actor = 'agent'
        [[mapping]]
        when = { issuer = 'own', client = 'odd-job' }
        give.actor = 'machine'
    ")
    .await;
    let caller = call(&world, &world.user_token())
        .await
        .unwrap()
        .caller
        .unwrap();
    let Actor::Agent(agent) = &*caller.actor else {
        panic!("an agent is an agent")
    };
    assert_eq!(
        (&*agent.id, &*agent.user.as_ref().unwrap().id),
        ("cli", "ada")
    );
    assert_eq!(agent.roles, ["accountant", "assistant"]);
    // Of its credential nothing is changed: it ends with the user's.
    assert_eq!(caller.credential.subject.as_deref(), Some("ada"));
    let odd = world.token(&with(claims(&world), "client_id", json!("odd-job")));
    assert_eq!(
        refusal(call(&world, &odd).await),
        (403, "actor_contradictory")
    );
    // Also where nobody is fine too.
    let mut program = bearer(&odd);
    let optional = Requirement::Actor(Need {
        optional: true,
        ..Need::of(Kinds::ANY)
    });
    let denied = program.denied(&world.gate, "GET", "/", &optional).await;
    assert_eq!(denied, (403, "actor_contradictory"));
    let batch = call(&world, &world.token(&machine(&world))).await.unwrap();
    assert_eq!(batch.caller.unwrap().actor.kind(), ActorKind::Machine);
}

#[tokio::test(start_paused = true)]
async fn what_a_further_issuer_tells_counts_no_more_once_a_rule_names_it() {
    let rule = format!(
        "
        [[mapping]]
        when = {{ issuer = '{OTHER}', role = 'accountant', claim.'org.unit' = 'emea-*' }}
        give = {{ roles = ['partner'], scopes = ['expenses:read'] }}
    "
    );
    let (world, other) = house_with(Some(file(&rule))).await;
    let emea = with(others(&world), "org", json!({ "unit": "emea-1" }));
    let (roles, scopes) = counts(&world, &token(&other, &emea)).await;
    // Its user's token is bounded by scopes that are not believed, and no rule says what they mean here.
    assert_eq!((roles, scopes), (vec!["partner".to_owned()], Vec::new()));
    let elsewhere = with(others(&world), "org", json!({ "unit": "apac" }));
    assert_eq!(
        counts(&world, &token(&other, &elsewhere)).await,
        (Vec::new(), Vec::new())
    );
    // A machine of theirs has what rules give.
    let robot = with(
        with(emea, "sub", json!("robot")),
        "client_id",
        json!("robot"),
    );
    let robot = ["sid", "auth_time", "acr"]
        .iter()
        .fold(robot, |mut claims, name| {
            claims.as_object_mut().unwrap().remove(*name);
            claims
        });
    let (_, scopes) = counts(&world, &token(&other, &robot)).await;
    assert_eq!(scopes, ["expenses:read"]);
    // Our own tokens say what they said, by the same key id.
    let home = &world.provider.keys[0];
    let ours = with(claims(&world), "org", json!({ "unit": "emea-1" }));
    let (roles, scopes) = counts(&world, &token(home, &ours)).await;
    assert_eq!(
        (roles, scopes),
        (
            vec!["accountant".to_owned()],
            vec!["expenses:read".to_owned()]
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_keeps_what_rules_ask_of_its_id_token_and_forgets_it_with_a_renewal() {
    let rules = format!(
        "
        [[mapping]]
        when = {{ issuer = '{ISSUER}', group = 'finance' }}
        give = {{ roles = ['approver'], scopes = ['expenses:approve'] }}
        [[mapping]]
        when = {{ issuer = '{ISSUER}', claim.level = 3 }}
        give.roles = ['senior']
        [mapping_of.'{ISSUER}']
        scopes = 'told'
    "
    );
    let world = openid(&rules);
    let groups: Vec<Value> = (0..300)
        .map(|n| json!(format!("group-{n}")))
        .chain([json!("finance")])
        .collect();
    world
        .state()
        .claims
        .extend([("groups", json!(groups)), ("level", json!(3))]);
    let mut browser = signed_in(&world).await;
    // Of three hundred groups the cookie has one.
    assert!(browser.session().unwrap().len() < 1_000);
    for _ in 0..2 {
        assert_eq!(roles(&world, &mut browser).await, ["approver", "senior"]);
    }
    let needed = needs(&["approver"], &["expenses:approve"]);
    assert!(browser.send(&world.gate, "GET", "/", &needed).await.is_ok());
    world.state().claims = vec![("level", json!(3))];
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(roles(&world, &mut browser).await, ["senior"]);
    let denied = browser.denied(&world.gate, "GET", "/", &needed).await;
    assert_eq!(denied.0, 403);
    // A renewal that says nothing leaves what is known.
    world.state().left_out.push("id_token");
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(roles(&world, &mut browser).await, ["senior"]);
}

#[tokio::test(start_paused = true)]
async fn a_session_of_before_the_rule_has_not_the_claim_until_its_renewal() {
    let rule = format!(
        "[[mapping]]\nwhen = {{ issuer = '{ISSUER}', group = 'finance' }}\ngive.roles = ['approver']"
    );
    let (before, after) = (foreign(&[("SEALGATE_PROVIDER", "openid")]), openid(&rule));
    for world in [&before, &after] {
        world.state().claims.push(("groups", json!(["finance"])));
    }
    let mut browser = signed_in(&before).await;
    assert_eq!(roles(&before, &mut browser).await, ["accountant"]);
    // The same application with the rule: nothing of what the issuer tells by itself counts now.
    assert_eq!(roles(&after, &mut browser).await, Vec::<String>::new());
    after.clock.advance(Duration::from_secs(300));
    assert_eq!(roles(&after, &mut browser).await, ["approver"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_who_is_signed_in_becomes_a_machine() {
    let rule = format!("[[mapping]]\nwhen.issuer = '{ISSUER}'\ngive.actor = 'machine'");
    let world = openid(&rule);
    let mut browser = signed_in(&world).await;
    let denied = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(denied, (403, "actor_contradictory"));
    let only = format!("[mapping_of.'{ISSUER}']\nactor = 'mapped'");
    let world = openid(&only);
    let mut browser = signed_in(&world).await;
    let denied = browser.denied(&world.gate, "GET", "/", &user()).await;
    assert_eq!(denied, (403, "actor_unmapped"));
}

#[tokio::test(start_paused = true)]
async fn more_claims_than_a_session_has_room_for_begin_none() {
    let rules: Vec<String> = (0..40)
        .map(|n| format!("[[mapping]]\nwhen = {{ issuer = '{ISSUER}', group = 'g{n}-*' }}\ngive.roles = ['r{n}']\n"))
        .collect();
    let rules = rules.concat();
    let world = openid(&rules);
    let groups: Vec<String> = (0..40)
        .map(|n| format!("g{n}-{}", "x".repeat(60)))
        .collect();
    world.state().claims.push(("groups", json!(groups)));
    let mut browser = Browser::default();
    let begun = crate::browser::begin(&world, &mut browser, "/auth/login").await;
    world.state().nonce = Some(begun.get("nonce").to_owned());
    let refused = browser
        .denied(&world.gate, "GET", &begun.answer(), &user())
        .await;
    assert_eq!(refused.1, "session_too_large");
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_with_the_mapping_that_it_was_opened_by_and_with_no_other_version() {
    let world = world_with(&[]).await;
    applied(&world, &["approver"]).await;
    let mut browser = signed_in(&world).await;
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    let caller = allowed.unwrap().caller.unwrap();
    assert_eq!(caller.actor.roles(), ["accountant", "approver"]);
    let program = call(&world, &world.user_token()).await.unwrap();
    let program = program.caller.unwrap();
    let standing = |caller| world.gate.standing(caller).map(sealgate_gate::Denial::code);
    assert_eq!((standing(&caller), standing(&program)), (None, None));
    applied(&world, &["approver"]).await;
    assert_eq!((standing(&caller), standing(&program)), (None, None));
    applied(&world, &["reader"]).await;
    assert_eq!(standing(&caller), Some("session_outdated"));
    assert_eq!(standing(&program), Some("token_outdated"));
    // Whoever comes back has what counts now.
    assert_eq!(roles(&world, &mut browser).await, ["accountant", "reader"]);
}
