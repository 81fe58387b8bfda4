//! Nothing but our own word, shown by whom it was given to, is evidence.

use proptest::prelude::*;
use sealgate_host::FakeRandom;
use sealgate_jose::{JwkSet, SigningKey};
use sealgate_model::Timestamp;
use sealgate_revocation::{Epoch, Publisher};

use super::*;

const ISSUER: &str = "https://id.example";

fn key(kid: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(kid, &[seed; 32]).unwrap()
}

fn ours() -> VerifyingKeys {
    let keys = vec![key("ours", 1).public_jwk()];
    VerifyingKeys::from_jwks(&JwkSet { keys })
}

fn expected() -> Expected {
    Expected {
        issuer: ISSUER.parse().unwrap(),
        client: "app".parse().unwrap(),
    }
}

fn message(issuer: &str, client: &str) -> Message {
    let epoch: Epoch = "0a1b-2c3d".parse().unwrap();
    let now = Timestamp::from_seconds(1_800_000_000);
    let mut publisher = Publisher::new(
        issuer.parse().unwrap(),
        client.parse().unwrap(),
        epoch,
        7,
        now,
    );
    publisher.heartbeat(now, &FakeRandom::default())
}

fn shown(token: &str) -> Option<HistoryMark> {
    read(token.as_bytes(), &ours(), &expected())
}

#[test]
fn our_own_message_to_this_client_says_how_far_its_history_went() {
    let signed = key("ours", 1)
        .sign(MESSAGE_TYPE, &message(ISSUER, "app"))
        .unwrap();
    let mark = HistoryMark {
        history: "0a1b".to_owned(),
        seq: 7,
    };
    assert_eq!(shown(&signed), Some(mark));
}

#[test]
fn what_others_signed_or_were_told_says_nothing() {
    let own = message(ISSUER, "app");
    let ours = key("ours", 1);
    for (what, token) in [
        (
            "another key of our key's name",
            key("ours", 2).sign(MESSAGE_TYPE, &own),
        ),
        ("another key", key("theirs", 2).sign(MESSAGE_TYPE, &own)),
        ("another type of token", ours.sign("JWT", &own)),
        (
            "another client's",
            ours.sign(MESSAGE_TYPE, &message(ISSUER, "other")),
        ),
        (
            "another issuer's",
            ours.sign(MESSAGE_TYPE, &message("https://other.example", "app")),
        ),
        (
            "no message",
            ours.sign(MESSAGE_TYPE, &serde_json::json!({ "seq": 9 })),
        ),
    ] {
        assert_eq!(shown(&token.unwrap()), None, "{what}");
    }
    let signed = ours.sign(MESSAGE_TYPE, &own).unwrap();
    let (head, signature) = signed.rsplit_once('.').unwrap();
    assert_eq!(shown(&format!("{head}.")), None);
    assert_eq!(shown(&format!("{head}.{}", signature.to_lowercase())), None);
    assert_eq!(
        shown(&format!("{signed}{}", " ".repeat(MESSAGE_LIMIT))),
        None
    );
}

proptest! {
    #[test]
    fn no_bytes_do_any_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(read(&bytes, &ours(), &expected()), None);
    }

    #[test]
    fn no_other_payload_under_our_signature_does_any_harm(json in "[ -~]{0,200}") {
        let claims: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        let token = key("ours", 1).sign(MESSAGE_TYPE, &claims).unwrap();
        prop_assert_eq!(shown(&token), None);
    }
}
