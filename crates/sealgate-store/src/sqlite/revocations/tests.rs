//! How much of the log a client can take up with single tokens.

use sealgate_host::{FakeClock, FakeRandom};

use super::super::schema;
use super::*;
use crate::AuditActor;

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

fn give_up(
    tx: &Tx<'_>,
    jti: &str,
    client: &str,
    others: Option<&[&str]>,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let ids = |ids: &[&str]| ids.iter().map(|id| id.parse().unwrap()).collect();
    let token = TokenRevocation {
        jti: jti.to_owned(),
        client: client.parse().unwrap(),
        others: others.map(ids),
        expires_at,
    };
    let audit = Audit::allowed(NOW, AuditActor::System, "token.revoke");
    revoke_token(tx, &token, &audit)
}

#[test]
fn a_client_can_give_up_ten_thousand_tokens_and_no_more_until_some_expire() {
    let mut connection = Connection::open_in_memory().unwrap();
    let (clock, random) = (FakeClock::at(NOW), FakeRandom::default());
    schema::migrate(&mut connection, &clock, &random).unwrap();
    let tx = Tx::on(&connection);
    let (soon, later) = (NOW, NOW + Duration::from_secs(60));
    for number in 0..5 {
        let jti = format!("expired {number}");
        assert!(give_up(&tx, &jti, "robot", None, soon).unwrap());
    }
    // Each with one entry for the client itself and one for whoever takes the token.
    for number in 0..TOKENS / 2 {
        let jti = format!("of robot {number}");
        assert!(give_up(&tx, &jti, "robot", Some(&["api"]), later).unwrap());
    }
    let head_before = head(&tx).unwrap();
    let refused = give_up(&tx, "one more", "robot", Some(&[]), later);
    assert!(
        matches!(refused, Err(StoreError::TooMany(_))),
        "{refused:?}"
    );
    assert!(!has_token(&tx, "one more").unwrap());
    assert_eq!(head(&tx).unwrap(), head_before);
    // One that is given up already is not one more.
    assert!(!give_up(&tx, "of robot 0", "robot", None, later).unwrap());
    // Others give up theirs as before, the one that hears of all of these included.
    for other in ["api", "web"] {
        assert!(give_up(&tx, other, other, Some(&[]), later).unwrap());
    }
    // Entries of other kinds are not counted, nor held up.
    let robot = "robot".parse().unwrap();
    log(&tx, &Entry::of(&Revoked::Client(robot), NOW, later)).unwrap();
    let sql = "UPDATE revocations SET expires_at = ?1 WHERE subject = CAST('of robot 1' AS BLOB)";
    assert_eq!(tx.execute(sql, [soon.as_millis()]).unwrap(), 2);
    assert!(give_up(&tx, "one more", "robot", None, later).unwrap());
}
