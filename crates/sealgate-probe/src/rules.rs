//! What a probe finds: each rule with its page.

mod credentials;
mod disguises;
mod strangers;

use sealgate_inventory::Rule;

pub use credentials::{
    ACCEPTS_DEMOTED, ACCEPTS_EXPIRED, ACCEPTS_FOREIGN, ACCEPTS_FORGED, ACCEPTS_GARBAGE,
    ACCEPTS_REVOKED, CROSSES_TENANTS,
};
pub use disguises::{PATH_CONFUSION, TRUSTS_HEADERS, TRUSTS_HOST};
pub use strangers::{DENIED_LATE, NOT_PROVEN, OPEN_WHEN_ANONYMOUS, WEBSOCKET_OPEN};

/// All rules of the probe, in the order of their ids.
pub const RULES: [&Rule; 14] = [
    &ACCEPTS_DEMOTED,
    &ACCEPTS_EXPIRED,
    &ACCEPTS_FOREIGN,
    &ACCEPTS_FORGED,
    &ACCEPTS_GARBAGE,
    &ACCEPTS_REVOKED,
    &CROSSES_TENANTS,
    &DENIED_LATE,
    &NOT_PROVEN,
    &OPEN_WHEN_ANONYMOUS,
    &PATH_CONFUSION,
    &TRUSTS_HEADERS,
    &TRUSTS_HOST,
    &WEBSOCKET_OPEN,
];

/// What to do about it, in one sentence.
pub(crate) fn hint(rule: &Rule) -> Option<String> {
    let hint = match rule.id {
        "open-when-anonymous" | "websocket-open" => {
            "put a gate before it, or declare it public with a reason"
        }
        "accepts-garbage" | "accepts-forged" | "accepts-foreign" => {
            "verify the credential: its signature, issuer, audience and times"
        }
        "accepts-expired" => "check when the credential ends",
        "accepts-revoked" => "ask who has been revoked, at every request",
        "accepts-demoted" => "take roles from where they can be taken away, not from an old token",
        "crosses-tenants" => "compare the tenant of what is asked for with that of the caller",
        "trusts-host" => "decide by the route that matched, and allow only known hosts",
        "trusts-headers" => "believe such headers only from a proxy that sets them itself",
        "path-confusion" => "decide by the route that matched, not by what its path looks like",
        "denied-late" => "make the gate a dependency, which runs before the body is validated",
        "not-proven" => "see what it answered, and give it what it needs to get as far as its gate",
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_words_with_dashes_in_order_and_every_rule_says_what_to_do() {
        let ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
        assert!(ids.is_sorted());
        for rule in RULES {
            assert!(hint(rule).is_some(), "{}", rule.id);
            assert!(
                rule.id
                    .bytes()
                    .all(|byte| byte == b'-' || byte.is_ascii_lowercase())
            );
            assert_ne!(rule.broken, rule.fixed);
        }
    }
}
