//! Keys that the revocation view knows to be revoked.

use sealgate_revocation::{Entry, Subject};

use super::*;
use crate::shut::Shut;

fn revoked(number: u8) -> Entry {
    Entry {
        subject: Subject::Key {
            kid: format!("k{number}"),
        },
        expires_at: Timestamp::from_seconds(1_790_090_000),
        reason: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_known_to_be_revoked_is_refused_though_the_view_cannot_be_read_as_a_whole() {
    let (source, house, clock) = warm().await;
    house.list(&[1, 2]);
    clock.advance(Duration::from_secs(400));
    background(&source).await;
    let memory = Arc::new(Shut::default());
    let view = Arc::new(View::over(memory.clone()).unwrap());
    source.heed(&view);
    assert!(verifies(&source, 1) && verifies(&source, 2));
    view.insert(&revoked(1));
    memory.shut.store(true, Ordering::Relaxed);
    view.insert(&revoked(3));
    assert!(!view.is_readable());
    assert!(refused(&source, 1).await);
    // That it could be revoked says nothing of a key: nothing passes by that view in any case.
    assert!(verifies(&source, 2));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_revoked_before_this_process_began_is_refused_and_not_asked_for() {
    let (source, house, clock) = warm().await;
    clock.advance(SECOND);
    let view = Arc::new(View::new());
    source.heed(&view);
    view.insert(&revoked(9));
    let verified = source.verify_now(&token(9), &EXPECT);
    assert_eq!(
        verified.err(),
        Some(Unverified::Refused(JoseError::UnknownKey))
    );
    assert_eq!(house.asked(), 1);
    // Of one that nobody knows it cannot be said yet.
    let unknown = source.verify_now(&token(8), &EXPECT);
    assert!(matches!(unknown, Err(Unverified::Unavailable(_))));
}
