//! Deliveries as Standard Webhooks describes them (specification 1.0): the body, its id, and its signatures.

use std::fmt::Write as _;

use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealgate_model::Timestamp;

use super::text;

/// The type of a delivery of records.
pub const TYPE: &str = "sealgate.records";

/// What a secret's text begins with.
const PREFIX: &str = "whsec_";

/// How many bytes a secret has: what HMAC-SHA256 gets out of it at the most.
pub const SECRET: usize = 32;

/// A secret's text, as receivers are given it.
pub fn secret_text(secret: &[u8]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(secret))
}

/// The body of a delivery. `records` are documents in JSON, `form` says which, `at` is the time of the last of them:
/// the same records make the same body whenever they are sent.
pub fn body(records: &[String], form: &str, at: Timestamp) -> String {
    let form = text::json(form);
    let at = text::time(at);
    let records = records.join(",");
    format!(
        "{{\"type\":\"{TYPE}\",\"timestamp\":\"{at}\",\"data\":{{\"format\":{form},\"records\":[{records}]}}}}"
    )
}

/// A delivery's `webhook-id`: the same for the same body, so that receivers can drop what they had before.
pub fn id(body: &str) -> String {
    let hash = digest::digest(&digest::SHA256, body.as_bytes());
    let mut id = String::with_capacity(36);
    id.push_str("msg_");
    for byte in &hash.as_ref()[..16] {
        // Writing to a String cannot fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// The `webhook-signature`: one signature for each secret, with a space between. `seconds` is the `webhook-timestamp`,
/// in seconds since 1970.
pub fn signature(secrets: &[Vec<u8>], id: &str, seconds: i64, body: &str) -> String {
    let each = secrets.iter().map(|secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let mut signed = hmac::Context::with_key(&key);
        signed.update(format!("{id}.{seconds}.").as_bytes());
        signed.update(body.as_bytes());
        format!("v1,{}", STANDARD.encode(signed.sign().as_ref()))
    });
    each.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn the_signature_is_that_of_the_specifications_example() {
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(
            &[secret],
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            "{\"test\": 2432232314}",
        );
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_make_two_signatures_and_a_body_one_id() {
        let signed = signature(&[vec![1; 32], vec![2; 32]], "msg_1", 1, "{}");
        assert_eq!(signed.split(' ').count(), 2);
        assert_eq!(id("{}"), id("{}"));
        assert_ne!(id("{}"), id("{} "));
        assert!(secret_text(&[7; 32]).starts_with("whsec_BwcH"));
    }
}
