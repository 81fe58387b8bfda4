//! Policies that change at any time, a feed that is heard or not, and somebody who answers in the control plane's place
//! with whatever was signed before. Whatever happens, nobody is let in by a version for longer than the staleness bound
//! after another one was applied, nor at all once the gate has heard of it.

use std::time::Duration;

use proptest::prelude::*;
use sealgate_model::{Clock as _, Timestamp};
use sealgate_policy::{Document, digest_of};
use serde_json::json;

use crate::browser::{signed_in, user};
use crate::policies::{apply, giving};
use crate::provider::{World, world};

const BOUND: Duration = Duration::from_secs(10);

/// What can happen next. Indices choose among what there is, modulo its number.
#[derive(Debug, Clone)]
enum Step {
    /// A version is applied.
    Apply,
    /// The gate hears from its feed, and fetches in the background.
    Hear,
    /// From now on questions for the bundle are answered with an earlier version, 0 for none, as if it counted.
    AnswerOld(usize),
    /// They are answered as they should be.
    AnswerWell,
    /// They are not answered.
    Down,
    /// The newest version is of a form that the gate does not know.
    Unknown,
    /// Time passes, in milliseconds.
    Wait(u64),
    /// Somebody with a session calls.
    Call,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Apply),
        5 => Just(Step::Hear),
        2 => any::<usize>().prop_map(Step::AnswerOld),
        2 => Just(Step::AnswerWell),
        1 => Just(Step::Down),
        1 => Just(Step::Unknown),
        4 => (0..6_000_u64).prop_map(Step::Wait),
        8 => Just(Step::Call),
    ]
}

/// A version that was applied, and whether the gate has heard of it.
struct Applied {
    role: String,
    at: Timestamp,
    made_at: i64,
    heard: bool,
}

async fn story(steps: &[Step]) {
    let world = world().await;
    let mut browser = signed_in(&world).await;
    let mut versions: Vec<Applied> = Vec::new();
    let mut let_in = 0;
    for step in steps {
        match step {
            Step::Apply => {
                let role = format!("version-{}", versions.len() + 1);
                let at = world.clock.now();
                apply(&world, &[&role]);
                let made_at = world.state().bundle.made_at;
                versions.push(Applied {
                    role,
                    at,
                    made_at,
                    heard: false,
                });
            }
            Step::Hear => {
                world.follow_once().await;
                if world.gate.feed().age == Some(Duration::ZERO) {
                    for version in &mut versions {
                        version.heard = true;
                    }
                }
            }
            Step::AnswerOld(index) => answer_old(&world, &versions, *index),
            Step::AnswerWell => {
                let mut state = world.state();
                state.bundle.changes.clear();
                state.bundle.down = false;
            }
            Step::Down => world.state().bundle.down = true,
            Step::Unknown => world.state().bundle.changes = vec![("format", json!(2))],
            Step::Wait(millis) => world.clock.advance(Duration::from_millis(*millis)),
            Step::Call => {
                let now = world.clock.now();
                let called = browser.send(&world.gate, "GET", "/", &user()).await;
                let Ok(allowed) = called else { continue };
                let_in += 1;
                let roles = allowed.caller.unwrap().actor.roles().to_vec();
                let by = versions.iter().rposition(|one| roles.contains(&one.role));
                let newer = by.map_or(0, |by| by + 1);
                for version in &versions[newer..] {
                    assert!(
                        !version.heard,
                        "let in by {by:?} though {} was heard of",
                        version.role
                    );
                    let late = now.since(version.at);
                    assert!(
                        late <= BOUND,
                        "let in by {by:?} {late:?} after {}",
                        version.role
                    );
                }
            }
        }
    }
    // All is well again: the newest counts, unless it is none.
    world.clock.advance(Duration::from_secs(5));
    {
        let mut state = world.state();
        state.bundle.changes.clear();
        state.bundle.down = false;
    }
    if !versions.is_empty() {
        apply(&world, &["at-last"]);
    }
    world.clock.advance(Duration::from_secs(5));
    world.follow_once().await;
    let allowed = browser.send(&world.gate, "GET", "/", &user()).await;
    let allowed = allowed.unwrap_or_else(|refused| panic!("{} after {let_in}", refused.reason));
    let roles = allowed.caller.unwrap().actor.roles().to_vec();
    assert_eq!(roles.contains(&"at-last".to_owned()), !versions.is_empty());
}

fn answer_old(world: &World, versions: &[Applied], index: usize) {
    let index = index % (versions.len() + 1);
    let document = match index.checked_sub(1) {
        Some(place) => giving(&[&versions[place].role]),
        None => Document::default().to_json().unwrap(),
    };
    let made_at = index
        .checked_sub(1)
        .map_or(0, |place| versions[place].made_at);
    let mut state = world.state();
    state.bundle.down = false;
    state.bundle.changes = vec![
        ("version", json!(index)),
        ("made_at", json!(made_at)),
        ("digest", json!(digest_of(&document))),
        ("document", json!(document)),
    ];
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_is_let_in_by_a_version_that_counts_no_more(
        steps in proptest::collection::vec(step(), 1..30)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(story(&steps));
    }
}
