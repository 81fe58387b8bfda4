//! Of all that may have ended of what a credential stands on, the most restrictive counts: whatever was revoked
//! in whatever order, the store says what a few lines of plain Rust say.

mod run;

use proptest::prelude::*;
use sealgate_model::Timestamp;
use sealgate_store::{Fallen, Footing, RevokeReason, SessionSelector};

use self::run::{Run, act};
use crate::world::World;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn the_most_restrictive_counts_whatever_was_revoked_and_when(
        acts in proptest::collection::vec(act(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for act in &acts {
                run.act(act).await;
                run.compare().await;
            }
        });
    }
}

#[tokio::test]
async fn what_is_revoked_at_the_very_moment_counts_as_revoked() {
    let world = World::new();
    let (_, _, _, session, _) = world.story().await;
    let selector = SessionSelector {
        user: None,
        client: None,
        tenant: None,
        started_at_or_before: session.created_at,
    };
    // As a batch would find it that has not got to it yet.
    let footing = Footing {
        session: None,
        ..Footing::of(&session)
    };
    let reason = RevokeReason::Everything;
    let audit = world.audit("session.revoke");
    world
        .store
        .sessions_revoke(selector, reason, audit)
        .await
        .unwrap();
    let fallen = async |started_at| {
        let footing = Footing {
            started_at,
            ..footing.clone()
        };
        world.store.fallen(footing, world.now()).await.unwrap()
    };
    assert_eq!(fallen(session.created_at).await, Some(Fallen::All));
    let next = Timestamp::from_millis(session.created_at.as_millis() + 1);
    assert_eq!(fallen(next).await, None);
}
