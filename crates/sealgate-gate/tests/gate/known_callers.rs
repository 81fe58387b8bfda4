//! Requests whose caller is known already: what tests of applications put there, and what a dependency
//! refuses.

use std::time::Duration;

use sealgate_gate::{Caller, Decision, Kinds, Need, Request, Requirement, Response, Transport};
use sealgate_model::{Actor, ActorKind, Machine, User};

use crate::browser::{header, user};
use crate::provider::{World, world};

fn ada() -> Caller {
    let user = User {
        id: "ada".to_owned(),
        scopes: vec!["a".to_owned()],
        ..User::default()
    };
    Caller::for_test(Actor::User(user), "https://id.example")
}

fn decide(world: &World, path: &str, asked: &Requirement, caller: Option<Caller>) -> Decision {
    let request = Request {
        transport: Transport::Http,
        method: "POST",
        path,
        query: b"",
        headers: &[
            (b"cookie", b"sealgate=nonsense"),
            (b"authorization", b"Bearer nonsense"),
            (b"origin", b"https://elsewhere.example"),
        ],
    };
    world.gate.decide_for(&request, asked, caller)
}

fn refused(decision: Decision) -> Response {
    match decision {
        Decision::Respond(response) => response,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_stands_in_passes_whatever_the_request_brings() {
    let world = world().await;
    let Decision::Allow(allowed) = decide(&world, "/", &user(), Some(ada())) else {
        panic!("a user was refused");
    };
    assert_eq!(allowed.caller.unwrap().actor.id(), "ada");
}

#[tokio::test(start_paused = true)]
async fn who_stands_in_is_judged_as_ever() {
    let world = world().await;
    let asked = |need| Requirement::Actor(need);
    let scoped = asked(Need {
        scopes: vec!["b".to_owned()],
        ..Need::of(Kinds::ANY)
    });
    let machines = asked(Need::of(Kinds::only(ActorKind::Machine)));
    for (requirement, reason) in [(&scoped, "scope_missing"), (&machines, "actor_wrong")] {
        let response = refused(decide(&world, "/", requirement, Some(ada())));
        assert_eq!((response.status, response.reason), (403, reason));
        let by_a_dependency = world.gate.refusal(Some(&ada()), requirement).unwrap();
        assert_eq!(by_a_dependency.body, response.body);
        assert_eq!(by_a_dependency.status, 403);
    }
    let machine = Caller::for_test(Actor::Machine(Machine::default()), "https://id.example");
    let response = refused(decide(&world, "/", &Requirement::Unmarked, Some(machine)));
    assert_eq!(response.reason, "actor_wrong");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_refused_but_where_that_is_fine() {
    let world = world().await;
    let optional = Requirement::Actor(Need {
        optional: true,
        ..Need::of(Kinds::ANY)
    });
    let public = Requirement::Public {
        reason: "open".to_owned(),
    };
    for requirement in [&user(), &Requirement::Unmarked] {
        let response = refused(decide(&world, "/", requirement, None));
        assert_eq!(
            (response.status, response.reason),
            (401, "credential_missing")
        );
        assert!(world.gate.refusal(None, requirement).is_some());
    }
    for requirement in [&optional, &public] {
        let decision = decide(&world, "/", requirement, None);
        assert!(matches!(decision, Decision::Allow(allowed) if allowed.caller.is_none()));
        assert!(world.gate.refusal(None, requirement).is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn the_gates_own_routes_stay_what_they_are() {
    let world = world().await;
    let response = refused(decide(&world, "/auth/login", &user(), Some(ada())));
    assert_eq!(response.status, 405);
}

#[tokio::test(start_paused = true)]
async fn nothing_ends_what_a_test_puts_there() {
    let world = world().await;
    let caller = ada();
    tokio::time::advance(Duration::from_secs(86_400)).await;
    assert_eq!(
        world.gate.standing(&caller),
        None,
        "however silent the feed is"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_too_old_is_challenged() {
    let world = world().await;
    let recent = Requirement::Actor(Need {
        max_age: Some(Duration::from_secs(60)),
        ..Need::of(Kinds::USER)
    });
    let response = world.gate.refusal(Some(&ada()), &recent).unwrap();
    assert_eq!(
        (response.status, response.reason),
        (401, "authentication_old")
    );
    let challenge = header(&response, "www-authenticate").unwrap();
    assert!(challenge.contains("max_age"), "{challenge}");
}
