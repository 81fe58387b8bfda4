//! What a view answers.

mod killed;
mod maps;

use proptest::prelude::*;

use sealgate_model::SessionId;

use super::*;

fn id(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 16])
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_800_000_000 + seconds)
}

fn entry(subject: Subject) -> Entry {
    Entry {
        subject,
        expires_at: at(86_400),
        reason: None,
    }
}

fn user(not_before: i64) -> Entry {
    entry(Subject::User {
        sub: "ada".into(),
        not_before: at(not_before),
    })
}

fn credential(started_at: i64) -> Credential<'static> {
    Credential {
        tenant: None,
        grants: &[],
        session: Some(id(1)),
        subject: Some("ada"),
        client: "app",
        key: Some("k1"),
        token: Some("t1"),
        started_at: at(started_at),
    }
}

#[test]
fn an_empty_view_revokes_nothing() {
    assert_eq!(View::new().check(&credential(0)), None);
    assert!(View::new().is_empty());
}

#[test]
fn each_subject_revokes_its_own_and_nothing_else() {
    let other = "app2".parse().unwrap();
    let cases = [
        (Subject::Session(id(1)), Some(RevokedBy::Session)),
        (Subject::Session(id(2)), None),
        (
            Subject::User {
                sub: "ada".into(),
                not_before: at(0),
            },
            Some(RevokedBy::User),
        ),
        (
            Subject::User {
                sub: "bob".into(),
                not_before: at(0),
            },
            None,
        ),
        (
            Subject::Client {
                client: "app".parse().unwrap(),
                not_before: at(0),
            },
            Some(RevokedBy::Client),
        ),
        (
            Subject::Client {
                client: other,
                not_before: at(0),
            },
            None,
        ),
        (Subject::Key { kid: "k1".into() }, Some(RevokedBy::Key)),
        (Subject::Key { kid: "k2".into() }, None),
        (Subject::Token { jti: "t1".into() }, Some(RevokedBy::Token)),
        (Subject::Token { jti: "t2".into() }, None),
        (Subject::All { not_before: at(0) }, Some(RevokedBy::All)),
        (Subject::All { not_before: at(-1) }, None),
    ];
    for (subject, expected) in cases {
        let view = View::new();
        view.insert(&entry(subject.clone()));
        assert_eq!(view.check(&credential(0)), expected, "{subject:?}");
    }
}

#[test]
fn started_at_the_moment_of_a_not_before_is_revoked() {
    let view = View::new();
    view.insert(&user(100));
    assert_eq!(view.check(&credential(99)), Some(RevokedBy::User));
    assert_eq!(view.check(&credential(100)), Some(RevokedBy::User));
    assert_eq!(view.check(&credential(101)), None);
}

#[test]
fn a_milder_revocation_never_undoes_a_stricter_one() {
    let view = View::new();
    view.insert(&user(100));
    view.insert(&user(50));
    assert_eq!(view.check(&credential(100)), Some(RevokedBy::User));
    view.insert(&entry(Subject::All { not_before: at(70) }));
    view.insert(&entry(Subject::All { not_before: at(20) }));
    assert_eq!(view.check(&credential(70)), Some(RevokedBy::All));
}

#[test]
fn a_credential_without_session_or_user_is_judged_by_the_rest() {
    let view = View::new();
    view.insert(&entry(Subject::Session(id(1))));
    view.insert(&user(100));
    let machine = Credential {
        tenant: None,
        grants: &[],
        session: None,
        subject: None,
        key: None,
        token: None,
        ..credential(0)
    };
    assert_eq!(view.check(&machine), None);
    view.insert(&entry(Subject::Client {
        client: "app".parse().unwrap(),
        not_before: at(0),
    }));
    assert_eq!(view.check(&machine), Some(RevokedBy::Client));
}

#[test]
fn sweeping_forgets_the_expired_and_nothing_else() {
    let view = View::new();
    for byte in 0..100 {
        let expires_at = at(i64::from(byte) * 3_600);
        view.insert(&Entry {
            subject: Subject::Session(id(byte)),
            expires_at,
            reason: None,
        });
    }
    view.insert(&Entry {
        expires_at: at(10),
        ..user(5)
    });
    view.insert(&Entry {
        expires_at: at(10),
        ..entry(Subject::All { not_before: at(5) })
    });
    view.insert(&Entry {
        expires_at: at(10),
        ..entry(Subject::Key { kid: "k1".into() })
    });
    view.insert(&Entry {
        expires_at: at(10),
        ..entry(Subject::Token { jti: "t1".into() })
    });
    view.sweep(at(10));
    // Ends are kept by spans of four hours.
    assert_eq!(view.len(), 104);
    view.sweep(at(50 * 3_600));
    for byte in 51..100 {
        let alive = Credential {
            session: Some(id(byte)),
            ..credential(0)
        };
        assert_eq!(view.check(&alive), Some(RevokedBy::Session), "{byte}");
    }
    assert!(view.len() <= 49 + 4, "{}", view.len());
    view.sweep(at(200 * 3_600));
    assert!(view.is_empty());
}

proptest! {
    #[test]
    fn a_session_or_token_is_kept_until_it_expires_and_at_most_four_hours_longer(
        expires_at in 0..4_000_000_000_000_i64, past in 0..100_000_000_i64,
    ) {
        let view = View::new();
        let expires_at = Timestamp::from_millis(expires_at);
        for subject in [Subject::Session(id(1)), Subject::Token { jti: "t1".into() }] {
            view.insert(&Entry { subject, expires_at, reason: None });
        }
        view.sweep(Timestamp::from_millis(expires_at.as_millis() - 1));
        prop_assert_eq!(view.len(), 2);
        let later = Timestamp::from_millis(expires_at.as_millis() + past);
        view.sweep(later);
        // Before 2026 or after 2055 it is kept longer, never shorter.
        if (1_767_225_600_000..2_700_000_000_000).contains(&expires_at.as_millis()) && past > 4 * 3_600_000 {
            prop_assert!(view.is_empty());
        }
    }

    #[test]
    fn the_order_of_revocations_does_not_matter(moments in proptest::collection::vec(0..100_i64, 1..8), started in 0..100_i64) {
        let forwards = View::new();
        let backwards = View::new();
        for moment in &moments {
            forwards.insert(&user(*moment));
        }
        for moment in moments.iter().rev() {
            backwards.insert(&user(*moment));
        }
        let strictest = moments.iter().max().copied().unwrap_or_default();
        let expected = (started <= strictest).then_some(RevokedBy::User);
        prop_assert_eq!(forwards.check(&credential(started)), expected);
        prop_assert_eq!(backwards.check(&credential(started)), expected);
    }
}
